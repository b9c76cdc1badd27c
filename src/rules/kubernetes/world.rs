//! Small worlds for the tests of techniques: one line an object, and one line a finding.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::collect::{FileOptions, Input, Limits, Needs, load};
use crate::graph::AccessGraph;
use crate::model::{ClusterId, Thing};
use crate::query::SystemFilter;
use crate::rules::{
    Ask, Finding, Place, PodIx, Remedies, SecretIx, Start, Target, Version, escalations, replay, start,
};

#[path = "../../../tests/worlds/kubectl.rs"]
mod kubectl;

/// A world in lines:
///
/// ```text
/// role [NS/]NAME: VERBS RESOURCES[.GROUP] [NAMES]; ...     `rbac` stands for its group, `-` for none
/// bind [NS/]NAME SUBJECT...                                to the role of that name
/// bind [NS/]NAME=ROLE SUBJECT...                           to a ClusterRole, or with `NS/ROLE` to a Role
/// account NS/NAME
/// namespace NAME LEVEL                                     what Pod Security enforces; `-` for no label, `yaml` if it is written out
/// pod NS/NAME ACCOUNT NODE                                 as that account, with a token; `-` for none
/// secret NS/NAME TYPE                                      of that type
/// yaml TEXT
/// ```
///
/// Namespaces that are only mentioned enforce `restricted`, so that what a new pod gives is asked for on purpose.
pub(in crate::rules) fn graph(world: &str) -> AccessGraph {
    read(&yaml(world))
}

/// The objects of a world.
fn yaml(world: &str) -> String {
    let mut yaml = String::new();
    let words = world.lines().filter(|line| !line.trim_start().starts_with("yaml ")).flat_map(str::split_whitespace);
    let mentioned =
        words.filter_map(|word| word.trim_start_matches("sa:").split_once('/')).map(|(namespace, _)| namespace);
    let plain =
        |name: &&str| !name.is_empty() && name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-');
    let mut namespaces: BTreeSet<String> = mentioned.filter(plain).map(str::to_owned).collect();
    for line in world.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
        let text = match kind {
            "role" => role(rest),
            "bind" => binding(rest),
            "account" => {
                let (namespace, name) = rest.split_once('/').unwrap();
                format!("{{apiVersion: v1, kind: ServiceAccount, metadata: {{name: {name}, namespace: {namespace}}}}}")
            }
            "namespace" => {
                let (name, level) = rest.split_once(' ').unwrap();
                namespaces.retain(|own| own != name);
                if level == "yaml" { continue } else { namespace(name, level) }
            }
            "pod" => pod(rest),
            "secret" => {
                let (name, kind) = rest.split_once(' ').unwrap();
                format!("{{apiVersion: v1, kind: Secret, metadata: {}, type: {kind}}}", metadata(name).1)
            }
            "yaml" => rest.to_owned(),
            other => panic!("no such object: {other}"),
        };
        writeln!(yaml, "---\n{text}").unwrap();
    }
    for name in namespaces {
        writeln!(yaml, "---\n{}", namespace(&name, "restricted")).unwrap();
    }
    yaml
}

fn read(yaml: &str) -> AccessGraph {
    let options = FileOptions {
        recursive: false,
        needs: Needs::ALL,
        default_namespace: "default".to_owned(),
        keep_going: false,
        limits: Limits::default(),
        threads: 1,
    };
    let snapshot = load(&[Input::Stdin], &mut yaml.as_bytes(), &options).unwrap();
    assert!(snapshot.warnings.is_empty(), "{:?}\n{yaml}", snapshot.warnings);
    let graph = AccessGraph::new(snapshot);
    graph.verify().unwrap();
    graph
}

const RBAC: &str = "rbac.authorization.k8s.io";

fn namespace(name: &str, level: &str) -> String {
    let labels = if level == "-" { String::new() } else { format!("pod-security.kubernetes.io/enforce: {level}") };
    format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: {name}, labels: {{{labels}}}}}}}")
}

fn pod(text: &str) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    let [name, account, node] = words[..] else { panic!("pod NS/NAME ACCOUNT NODE: {text}") };
    let account = if account == "-" { String::new() } else { format!("serviceAccountName: {account}, ") };
    let node = if node == "-" { String::new() } else { format!("nodeName: {node}, ") };
    let spec = format!("{{{account}{node}containers: [{{name: main, image: main}}]}}");
    format!("{{apiVersion: v1, kind: Pod, metadata: {}, spec: {spec}}}", metadata(name).1)
}

fn metadata(name: &str) -> (&'static str, String) {
    match name.split_once('/') {
        Some((namespace, name)) => ("", format!("{{name: \"{name}\", namespace: \"{namespace}\"}}")),
        None => ("Cluster", format!("{{name: \"{name}\"}}")),
    }
}

fn role(text: &str) -> String {
    let (name, rules) = text.split_once(": ").unwrap_or((text.trim_end_matches(':'), ""));
    let (prefix, metadata) = metadata(name);
    let rules = rules.split("; ").filter(|rule| !rule.is_empty()).map(|rule| {
        let words: Vec<&str> = rule.split(' ').collect();
        let (resources, group) = words[1].split_once('.').unwrap_or((words[1], ""));
        let group = if group == "rbac" { RBAC } else { group };
        let names = words.get(2).map(|names| format!(", resourceNames: [{names}]")).unwrap_or_default();
        let list = |text: &str| text.split(',').map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
        format!("{{verbs: [{}], apiGroups: [\"{group}\"], resources: [{}]{names}}}", list(words[0]), list(resources))
    });
    let rules: Vec<String> = rules.collect();
    format!("{{apiVersion: {RBAC}/v1, kind: {prefix}Role, metadata: {metadata}, rules: [{}]}}", rules.join(", "))
}

fn binding(text: &str) -> String {
    let mut words = text.split(' ');
    let name = words.next().unwrap();
    let (name, role) = name.split_once('=').unwrap_or((name, ""));
    let (prefix, metadata) = metadata(name);
    let (kind, role) = match (role.split_once('/'), name.split_once('/')) {
        (Some((_, role)), _) => ("Role", role),
        (None, Some((_, own))) if role.is_empty() => ("Role", own),
        (None, None) if role.is_empty() => ("ClusterRole", name),
        _ => ("ClusterRole", role),
    };
    let subjects: Vec<String> = words
        .map(|subject| {
            let (kind, name) = subject.split_once(':').unwrap();
            match kind {
                "sa" => {
                    let (namespace, name) = name.split_once('/').unwrap();
                    format!("{{kind: ServiceAccount, name: {name}, namespace: {namespace}}}")
                }
                "group" => format!("{{kind: Group, apiGroup: {RBAC}, name: \"{name}\"}}"),
                _ => format!("{{kind: User, apiGroup: {RBAC}, name: \"{name}\"}}"),
            }
        })
        .collect();
    format!(
        "{{apiVersion: {RBAC}/v1, kind: {prefix}RoleBinding, metadata: {metadata}, \
         roleRef: {{apiGroup: {RBAC}, kind: {kind}, name: \"{role}\"}}, subjects: [{}]}}",
        subjects.join(", ")
    )
}

/// Compares the findings with lines `SUBJECTS -> TARGET: TECHNIQUE, ...`, and does each finding again.
pub(super) fn check(world: &str, expected: &str) {
    compare(&graph(world), Ask::default(), None, world, expected);
}

/// The same for a server of a version.
pub(super) fn check_at(version: Version, world: &str, expected: &str) {
    compare(&graph(world), Ask { version: Some(version), ..Ask::default() }, None, world, expected);
}

/// The same from one thing: a subject, `pod:NS/NAME` or `pods:NS`.
pub(super) fn check_from(from: &str, world: &str, expected: &str) {
    let graph = graph(world);
    let from = Thing::parse(from).unwrap();
    let start = start(graph.snapshot(), &from).expect("something that the world has");
    compare(&graph, Ask { from: Some(start), ..Ask::default() }, Some(&from), world, expected);
}

/// The same for the paths that something stops.
pub(super) fn check_blocked(world: &str, expected: &str) {
    let graph = graph(world);
    let ask = Ask { system: SystemFilter::Hide, blocked: true, ..Ask::default() };
    let text: Vec<String> = escalations(&graph, &ask).blocked.iter().map(|finding| line(&graph, finding)).collect();
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(text, expected, "{world}");
}

fn compare(graph: &AccessGraph, ask: Ask, from: Option<&Thing>, world: &str, expected: &str) {
    let ask = Ask { system: SystemFilter::Hide, ..ask };
    let found = escalations(graph, &ask);
    for finding in &found.findings {
        is_cut(graph, &ask, from, world, finding);
    }
    let mut text = String::new();
    for finding in &found.findings {
        for &from in &finding.from {
            let done = replay(graph, ClusterId::FIRST, from, finding);
            assert_eq!(done, Ok(()), "{finding:#?}");
        }
        writeln!(text, "{}", line(graph, finding)).unwrap();
    }
    let trimmed: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(text.trim_end(), trimmed.join("\n"), "{world}");
}

/// Does what the remedy of a finding says, on the objects, and looks that the finding is gone.
fn is_cut(graph: &AccessGraph, ask: &Ask, from: Option<&Thing>, world: &str, finding: &Finding) {
    let remedy = Remedies::new(graph).of(finding);
    assert!(!remedy.advice.is_empty());
    if finding.start().is_none() && remedy.commands.is_empty() {
        // Nothing is granted, so nothing can be taken away.
        return;
    }
    let yaml = yaml(world);
    let documents = yaml.split("---\n").filter(|text| !text.trim().is_empty());
    let mut objects: Vec<serde_json::Value> = documents.map(|text| serde_saphyr::from_str(text).unwrap()).collect();
    assert!(!remedy.commands.is_empty(), "no command: {finding:#?}");
    for command in &remedy.commands {
        kubectl::run(&mut objects, command).unwrap_or_else(|error| panic!("{error}\n{command}\n{world}"));
    }
    let after: String = objects.iter().map(|object| format!("---\n{object}\n")).collect();
    let after = read(&after);
    // Names are numbered anew, and who is not named any more starts nowhere.
    let who = |graph: &AccessGraph, finding: &Finding| -> Vec<String> {
        finding.from.iter().map(|&start| start_words(graph, start)).collect()
    };
    let begin = from.and_then(|from| start(after.snapshot(), from));
    if from.is_some() && begin.is_none() {
        return;
    }
    let ask = Ask { from: begin, system: SystemFilter::Show, ..ask.clone() };
    let own = who(graph, finding);
    for left in escalations(&after, &ask).findings {
        let same = left.fingerprint == finding.fingerprint && who(&after, &left).iter().any(|one| own.contains(one));
        assert!(!same, "{:?} does not cut it\n{world}\n{left:#?}", remedy.commands);
    }
}

fn start_words(graph: &AccessGraph, start: Start) -> String {
    match start {
        Start::Subject(subject) => subject.request_name(&graph.snapshot().names),
        Start::Pod(at) => {
            let pod = &graph.snapshot().pods[at.0 as usize];
            format!("pod {}/{}", graph.text(pod.namespace), graph.text(pod.name))
        }
        Start::Pods(namespace) => format!("pods of {}", graph.text(namespace)),
    }
}

fn line(graph: &AccessGraph, finding: &Finding) -> String {
    let names = &graph.snapshot().names;
    let pod = |pod: PodIx| {
        let pod = &graph.snapshot().pods[pod.0 as usize];
        format!("pod {}/{}", graph.text(pod.namespace), graph.text(pod.name))
    };
    let secret = |at: SecretIx| {
        let secret = &graph.snapshot().secrets[at.0 as usize];
        format!("{}/{}", graph.text(secret.namespace), graph.text(secret.name))
    };
    let subjects: Vec<String> = finding.from.iter().map(|&start| start_words(graph, start)).collect();
    let place = |place: Place| match place {
        Place::Cluster => "cluster".to_owned(),
        Place::EachNamespace => "every namespace".to_owned(),
        Place::Namespace(namespace) => graph.text(namespace).to_owned(),
    };
    let target = match finding.target {
        Target::ClusterAdmin => "cluster-admin".to_owned(),
        Target::NamespaceAdmin(at) => format!("admin of {}", place(at)),
        Target::Secrets(at) => format!("secrets of {}", place(at)),
        Target::Node(node) => node.map_or("any node".to_owned(), |node| format!("node {}", graph.text(node))),
        Target::Kubeconfig(at) => format!("cluster of {}", secret(at)),
        Target::Secret(at) => format!("secret {}", secret(at)),
        Target::Pod(at) => pod(at),
        Target::Subject(subject) => subject.request_name(names),
        Target::Access => "access".to_owned(),
    };
    let steps: Vec<&str> = finding.steps.iter().map(|step| step.technique.id).collect();
    format!("{} -> {target}: {}", subjects.join(" "), steps.join(", "))
}
