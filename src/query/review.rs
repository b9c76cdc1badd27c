//! SubjectAccessReviews: the verdict in the words of the API server's `.status`.

use crate::graph::{AccessGraph, BindingIx};
use crate::model::{Action, ClusterId, Identity, RoleKind, Subject};

use super::decide::{Authorizers, Verdict, decide};
use super::node::NodeRefusal;

/// The status of a review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reviewed {
    /// Whether the request is allowed.
    pub allowed: bool,
    /// The server's reason. Where several bindings allow, the server names any of them and we name the first.
    pub reason: String,
}

impl Reviewed {
    /// Answers one review, exactly as it is asked: raw semantics, no group is added.
    pub fn new(
        graph: &AccessGraph,
        cluster: ClusterId,
        identity: &Identity,
        action: &Action,
        authorizers: Authorizers,
    ) -> Reviewed {
        let verdict = decide(graph, cluster, identity, action, authorizers);
        Reviewed { allowed: verdict.allowed(), reason: reason(graph, &verdict) }
    }
}

/// The reason as the server words it (kubernetes `pkg/registry/rbac/validation/rule.go`; apiserver `authorization/union`: a no has
/// the reasons of all authorizers, one a line).
pub fn reason(graph: &AccessGraph, verdict: &Verdict) -> String {
    match verdict {
        Verdict::Masters | Verdict::Node { .. } => String::new(),
        Verdict::Rbac { binding, subject } => {
            format!("RBAC: allowed by {} to {}", describe_binding(graph, *binding), describe_subject(graph, *subject))
        }
        Verdict::Denied { node, dangling } => {
            let mut missing: Vec<String> = Vec::new();
            for &binding in dangling {
                // Several bindings may miss the same role, which is said once.
                let words = describe_missing(graph, binding);
                if !missing.contains(&words) {
                    missing.push(words);
                }
            }
            let rbac = match missing.as_slice() {
                [] => String::new(),
                [one] => format!("RBAC: {one}"),
                several => format!("RBAC: [{}]", several.join(", ")),
            };
            match node.as_ref().map(NodeRefusal::server_words).filter(|words| !words.is_empty()) {
                Some(node) if rbac.is_empty() => node,
                Some(node) => format!("{node}\n{rbac}"),
                None => rbac,
            }
        }
    }
}

fn describe_binding(graph: &AccessGraph, at: BindingIx) -> String {
    let binding = graph.binding(at);
    let (name, role) = (graph.text(binding.name), graph.text(binding.role.name));
    let role_kind = match binding.role.kind {
        RoleKind::ClusterRole => "ClusterRole",
        RoleKind::Role => "Role",
        RoleKind::Other(kind) => graph.text(kind),
    };
    match binding.namespace {
        Some(namespace) => {
            let full = quoted(&format!("{name}/{}", graph.text(namespace)));
            format!("RoleBinding {full} of {role_kind} {}", quoted(role))
        }
        None => format!("ClusterRoleBinding {} of {role_kind} {}", quoted(name), quoted(role)),
    }
}

fn describe_subject(graph: &AccessGraph, subject: Subject) -> String {
    let name = graph.text(subject.name());
    match subject.namespace() {
        Some(namespace) => format!("{} {}", subject.kind(), quoted(&format!("{name}/{}", graph.text(namespace)))),
        None => format!("{} {}", subject.kind(), quoted(name)),
    }
}

fn describe_missing(graph: &AccessGraph, at: BindingIx) -> String {
    let binding = graph.binding(at);
    let name = quoted(graph.text(binding.role.name));
    match binding.role.kind {
        RoleKind::ClusterRole => format!("clusterrole.rbac.authorization.k8s.io {name} not found"),
        RoleKind::Role => format!("role.rbac.authorization.k8s.io {name} not found"),
        RoleKind::Other(kind) => format!("unsupported role reference kind: {}", quoted(graph.text(kind))),
    }
}

/// The text as Go's `%q` writes it (`strconv.Quote`), which is how the server quotes names.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for letter in text.chars() {
        let code = u32::from(letter);
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            _ if is_printable(letter) => out.push(letter),
            _ if code < 0x80 => out.push_str(&format!("\\x{code:02x}")),
            _ if code < 0x10000 => out.push_str(&format!("\\u{code:04x}")),
            _ => out.push_str(&format!("\\U{code:08x}")),
        }
    }
    out.push('"');
    out
}

/// Letters, marks, numbers, punctuation, symbols and the blank, as Go's `strconv.IsPrint` has it. Rust escapes the same others,
/// and marks where no letter stands before them.
fn is_printable(letter: char) -> bool {
    letter == '\'' || ['a', letter].iter().collect::<String>().escape_debug().count() == 2
}
