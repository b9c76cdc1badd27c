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
            let missing: Vec<String> = dangling.iter().map(|&binding| describe_missing(graph, binding)).collect();
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
            format!("RoleBinding {:?} of {role_kind} {role:?}", format!("{name}/{}", graph.text(namespace)))
        }
        None => format!("ClusterRoleBinding {name:?} of {role_kind} {role:?}"),
    }
}

fn describe_subject(graph: &AccessGraph, subject: Subject) -> String {
    let name = graph.text(subject.name());
    match subject.namespace() {
        Some(namespace) => format!("{} {:?}", subject.kind(), format!("{name}/{}", graph.text(namespace))),
        None => format!("{} {name:?}", subject.kind()),
    }
}

fn describe_missing(graph: &AccessGraph, at: BindingIx) -> String {
    let binding = graph.binding(at);
    let name = graph.text(binding.role.name);
    match binding.role.kind {
        RoleKind::ClusterRole => format!("clusterrole.rbac.authorization.k8s.io {name:?} not found"),
        RoleKind::Role => format!("role.rbac.authorization.k8s.io {name:?} not found"),
        RoleKind::Other(kind) => format!("unsupported role reference kind: {:?}", graph.text(kind)),
    }
}
