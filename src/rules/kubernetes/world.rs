//! Small worlds for the tests of techniques: one line an object, and one line a finding.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::collect::{FileOptions, Input, Limits, Needs, load};
use crate::graph::AccessGraph;
use crate::model::{ClusterId, ControllerKind, Thing};
use crate::query::SystemFilter;
use crate::rules::{
    Ask, Finding, Place, PodIx, Remedies, SecretIx, Start, Target, Version, escalations, replay, secret, start,
    start_thing, target_name,
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
/// pod NS/NAME ACCOUNT NODE [MORE...]                       as that account; `-` for none; see [`pod`] for what more there is
/// deployment NS/NAME                                       and so on for every kind that makes pods
/// node NAME LABEL
/// volume NAME PATH NS/CLAIM                                a folder of a node, bound to a claim
/// secret NS/NAME TYPE [ACCOUNT]                            of that type, with the account whose token it holds
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
                let mut words = rest.split(' ');
                let (name, kind) = (words.next().unwrap(), words.next().unwrap());
                let account = words.next().unwrap_or("\"\"");
                let notes = format!(", annotations: {{kubernetes.io/service-account.name: {account}}}}}");
                let metadata = metadata(name).1.replace('}', &notes);
                format!("{{apiVersion: v1, kind: Secret, metadata: {metadata}, type: {kind}}}")
            }
            "yaml" => rest.to_owned(),
            "node" => {
                let (name, label) = rest.split_once(' ').unwrap();
                format!("{{apiVersion: v1, kind: Node, metadata: {{name: {name}, labels: {{{label}: \"\"}}}}}}")
            }
            "volume" => {
                let [name, path, claim] = rest.split(' ').collect::<Vec<_>>()[..] else { panic!("{rest}") };
                format!(
                    "{{apiVersion: v1, kind: PersistentVolume, metadata: {{name: {name}}}, \
                     spec: {{hostPath: {{path: {path}}}, claimRef: {}}}}}",
                    metadata(claim).1
                )
            }
            other => {
                let found = ControllerKind::ALL.into_iter().find(|kind| kind.as_str().to_lowercase() == other);
                let Some(kind) = found else { panic!("no such object: {other}") };
                let version = [kind.group(), if kind.group().is_empty() { "" } else { "/" }, "v1"].concat();
                format!("{{apiVersion: {version}, kind: {}, metadata: {}}}", kind.as_str(), metadata(rest).1)
            }
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

/// What more a pod may have: `privileged`, `hostPID` and the like, `shared` processes, `cap:NAME`, `host:PATH` and `ro:PATH` of the
/// node, `secret:NAME`, `pull:NAME`, `claim:NAME`, `automount` or `notoken`, a `token` in a volume, `mirror`, `finished`.
fn pod(text: &str) -> String {
    let mut words = text.split_whitespace();
    let mut next = || words.next().unwrap_or_else(|| panic!("pod NS/NAME ACCOUNT NODE: {text}"));
    let (name, account, node) = (next(), next(), next());
    let mut spec = String::new();
    if account != "-" {
        write!(spec, "serviceAccountName: {account}, ").unwrap();
    }
    if node != "-" {
        write!(spec, "nodeName: {node}, ").unwrap();
    }
    let (mut privileged, mut status, mut annotations) = (false, "", "");
    let (mut caps, mut volumes, mut mounts) = (Vec::new(), Vec::new(), Vec::new());
    for (at, word) in words.enumerate() {
        let (kind, value) = word.split_once(':').unwrap_or((word, ""));
        let volume = match kind {
            "host" | "ro" => format!("hostPath: {{path: {value}}}"),
            "secret" => format!("secret: {{secretName: {value}}}"),
            "claim" => format!("persistentVolumeClaim: {{claimName: {value}}}"),
            "token" => "projected: {sources: [{serviceAccountToken: {path: token}}]}".to_owned(),
            _ => String::new(),
        };
        if !volume.is_empty() {
            volumes.push(format!("{{name: v{at}, {volume}}}"));
            mounts.push(format!("{{name: v{at}, mountPath: /v{at}, readOnly: {}}}", kind == "ro"));
            continue;
        }
        match kind {
            "privileged" => privileged = true,
            "cap" => caps.push(value),
            "pull" => write!(spec, "imagePullSecrets: [{{name: {value}}}], ").unwrap(),
            "shared" => spec.push_str("shareProcessNamespace: true, "),
            "automount" => spec.push_str("automountServiceAccountToken: true, "),
            "notoken" => spec.push_str("automountServiceAccountToken: false, "),
            "mirror" => annotations = ", annotations: {kubernetes.io/config.mirror: x}",
            "finished" => status = ", status: {phase: Succeeded}",
            "hostPID" | "hostIPC" | "hostNetwork" => write!(spec, "{kind}: true, ").unwrap(),
            other => panic!("a pod has no {other}"),
        }
    }
    let security = format!("{{privileged: {privileged}, capabilities: {{add: [{}]}}}}", caps.join(", "));
    let container =
        format!("{{name: main, image: main, securityContext: {security}, volumeMounts: [{}]}}", mounts.join(", "));
    let metadata = metadata(name).1.replace('}', &format!("{annotations}}}"));
    format!(
        "{{apiVersion: v1, kind: Pod, metadata: {metadata}, \
         spec: {{{spec}containers: [{container}], volumes: [{}]}}{status}}}",
        volumes.join(", ")
    )
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
        let list = |text: &str| text.split(',').map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
        let names = words.get(2).map(|names| format!(", resourceNames: [{}]", list(names))).unwrap_or_default();
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
    compare(&graph(world), Ask::default(), world, expected);
}

/// The same for a server of a version.
pub(super) fn check_at(version: Version, world: &str, expected: &str) {
    compare(&graph(world), Ask { version: Some(version), ..Ask::default() }, world, expected);
}

/// The same from one thing: a subject, `pod:NS/NAME` or `pods:NS`.
pub(super) fn check_from(from: &str, world: &str, expected: &str) {
    let graph = graph(world);
    compare(&graph, Ask { from: Some(starting(&graph, from)), ..Ask::default() }, world, expected);
}

/// The same for a server of a version.
pub(super) fn check_from_at(version: Version, from: &str, world: &str, expected: &str) {
    let graph = graph(world);
    let from = Some(starting(&graph, from));
    compare(&graph, Ask { from, version: Some(version), ..Ask::default() }, world, expected);
}

/// The same to a Secret.
pub(super) fn check_from_to(from: &str, to: &str, world: &str, expected: &str) {
    let graph = graph(world);
    let (from, to) = (Some(starting(&graph, from)), secret(graph.snapshot(), &Thing::parse(to).unwrap()));
    compare(&graph, Ask { from, to: to.map(Target::Secret).into_iter().collect(), ..Ask::default() }, world, expected);
}

fn starting(graph: &AccessGraph, from: &str) -> Start {
    start(graph.snapshot(), &Thing::parse(from).unwrap()).expect("something that the world has")
}

/// The same to one thing, a subject or a Secret.
pub(super) fn check_to(to: &str, world: &str, expected: &str) {
    let graph = graph(world);
    let to = Thing::parse(to).unwrap();
    let secret = || secret(graph.snapshot(), &to).map(Target::Secret);
    let target = start(graph.snapshot(), &to).and_then(Start::target).or_else(secret);
    compare(&graph, Ask { to: vec![target.expect("something that the world has")], ..Ask::default() }, world, expected);
}

/// The same to any of these.
pub(super) fn check_to_any(to: Vec<Target>, world: &str, expected: &str) {
    compare(&graph(world), Ask { to, ..Ask::default() }, world, expected);
}

/// The same for the paths that something stops.
pub(super) fn check_blocked(world: &str, expected: &str) {
    let graph = graph(world);
    let ask = Ask { system: SystemFilter::Hide, blocked: true, ..Ask::default() };
    let text: Vec<String> = escalations(&graph, &ask).blocked.iter().map(|finding| line(&graph, finding)).collect();
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(text, expected, "{world}");
}

fn compare(graph: &AccessGraph, ask: Ask, world: &str, expected: &str) {
    let ask = Ask { system: SystemFilter::Hide, ..ask };
    let found = escalations(graph, &ask);
    for finding in &found.findings {
        is_cut(graph, &ask, world, finding);
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
fn is_cut(graph: &AccessGraph, ask: &Ask, world: &str, finding: &Finding) {
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
    let begin = ask.from.and_then(|from| start(after.snapshot(), &start_thing(graph, from)));
    if ask.from.is_some() && begin.is_none() {
        return;
    }
    let to = |&to: &Target| match to {
        Target::Secret(_) => secret(after.snapshot(), &Thing::parse(&target_name(graph, to)).ok()?).map(Target::Secret),
        Target::Subject(_) | Target::Pod(_) => {
            start(after.snapshot(), &Thing::parse(&target_name(graph, to)).ok()?).and_then(Start::target)
        }
        // No name is in it.
        Target::ClusterAdmin | Target::Node(None) => Some(to),
        _ => panic!("{to:?}"),
    };
    let to: Vec<Target> = ask.to.iter().filter_map(to).collect();
    if to.len() < ask.to.len() {
        return;
    }
    let ask = Ask { from: begin, to, system: SystemFilter::Show, ..ask.clone() };
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
