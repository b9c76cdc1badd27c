//! Small worlds for the tests of techniques: one line an object, and one line a finding.

use std::fmt::Write as _;

use crate::collect::{FileOptions, Input, Limits, Needs, load};
use crate::graph::AccessGraph;
use crate::model::ClusterId;
use crate::query::SystemFilter;
use crate::rules::{Ask, Finding, Place, Target, escalations, replay};

/// A world in lines:
///
/// ```text
/// role [NS/]NAME: VERBS RESOURCES[.GROUP] [NAMES]; ...     `rbac` stands for its group, `-` for none
/// bind [NS/]NAME SUBJECT...                                to the role of that name
/// bind [NS/]NAME=ROLE SUBJECT...                           to a ClusterRole, or with `NS/ROLE` to a Role
/// account NS/NAME
/// yaml TEXT
/// ```
pub(super) fn graph(world: &str) -> AccessGraph {
    let mut yaml = String::new();
    for line in world.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
        let text = match kind {
            "role" => role(rest),
            "bind" => binding(rest),
            "account" => {
                let (namespace, name) = rest.split_once('/').unwrap();
                format!("{{apiVersion: v1, kind: ServiceAccount, metadata: {{name: {name}, namespace: {namespace}}}}}")
            }
            "yaml" => rest.to_owned(),
            other => panic!("no such object: {other}"),
        };
        writeln!(yaml, "---\n{text}").unwrap();
    }
    let options = FileOptions {
        recursive: false,
        needs: Needs::default(),
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
    let graph = graph(world);
    let ask = Ask { system: SystemFilter::Hide, ..Ask::default() };
    let found = escalations(&graph, &ask);
    let mut text = String::new();
    for finding in &found.findings {
        for &subject in &finding.subjects {
            let done = replay(&graph, ClusterId::FIRST, subject, finding);
            assert_eq!(done, Ok(()), "{finding:#?}");
        }
        writeln!(text, "{}", line(&graph, finding)).unwrap();
    }
    let trimmed: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(text.trim_end(), trimmed.join("\n"), "{world}");
}

fn line(graph: &AccessGraph, finding: &Finding) -> String {
    let names = &graph.snapshot().names;
    let subjects: Vec<String> = finding.subjects.iter().map(|subject| subject.request_name(names)).collect();
    let place = |place: Place| match place {
        Place::Cluster => "cluster".to_owned(),
        Place::EachNamespace => "every namespace".to_owned(),
        Place::Namespace(namespace) => graph.text(namespace).to_owned(),
    };
    let target = match finding.target {
        Target::ClusterAdmin => "cluster-admin".to_owned(),
        Target::NamespaceAdmin(at) => format!("admin of {}", place(at)),
        Target::Secrets(at) => format!("secrets of {}", place(at)),
        Target::Subject(subject) => subject.request_name(names),
    };
    let steps: Vec<&str> = finding.steps.iter().map(|step| step.technique.id).collect();
    format!("{} -> {target}: {}", subjects.join(" "), steps.join(", "))
}
