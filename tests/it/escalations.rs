//! Escalations on random worlds: what is reached is what a slow and simple attacker reaches, each path can be done again, cutting
//! what a path starts with cuts the path, and one more grant never takes anything away.

use std::collections::BTreeSet;

use rbac_lens::graph::AccessGraph;
use rbac_lens::model::{ClusterId, Subject};
use rbac_lens::query::SystemFilter;
use rbac_lens::rules::{Ask, Finding, Place, Start, Target, escalations, replay};
use serde_json::{Value, json};

use crate::worlds::attacker::{Attacker, ELSEWHERE, Reached};
use crate::worlds::engine;
use crate::worlds::random::Dice;

const NAMESPACES: &[&str] = &["a", "kube-system"];
const ROLES: &[&str] = &["r1", "r2", "r3", "whole"];
const SUBJECTS: &[&str] =
    &["user alice", "user bob", "group dev", "group system:authenticated", "group system:serviceaccounts:a"];
const ACCOUNTS: &[(&str, &str)] = &[("a", "one"), ("a", "gone"), ("kube-system", "one")];

/// A small world that is full of halves.
pub(crate) fn world(seed: u64) -> Vec<Value> {
    let mut dice = Dice::new(seed.wrapping_mul(0x9e37_79b9));
    let mut objects = vec![
        role("", "cluster-admin", vec![json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]})]),
        account("a", "default"),
        account("a", "one"),
        account("kube-system", "one"),
    ];
    if dice.percent(60) {
        objects.push(account("kube-system", "default"));
    }
    for name in ["r1", "r2", "r3"] {
        if dice.percent(85) {
            let rules = rules(&mut dice);
            objects.push(role("", name, rules));
        }
    }
    if dice.percent(50) {
        let mut whole = role("", "whole", Vec::new());
        whole["aggregationRule"] = json!({"clusterRoleSelectors": [{"matchLabels": {"part-of": "whole"}}]});
        objects.push(whole);
    }
    for namespace in NAMESPACES {
        for name in ["r1", "r2"] {
            if dice.percent(40) {
                let rules = rules(&mut dice);
                objects.push(role(namespace, name, rules));
            }
        }
    }
    for at in 0..dice.from(4, 11) {
        let namespace = *dice.pick(&["", "a", "a", "kube-system"]);
        let own = !namespace.is_empty() && dice.percent(30);
        let name = if dice.percent(6) { "cluster-admin" } else { *dice.pick(ROLES) };
        let subjects: Vec<Value> = (0..dice.from(1, 2)).map(|_| subject(&mut dice)).collect();
        let kind = if namespace.is_empty() { "ClusterRoleBinding" } else { "RoleBinding" };
        let mut metadata = json!({"name": format!("b{at}")});
        if !namespace.is_empty() {
            metadata["namespace"] = namespace.into();
        }
        objects.push(json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": metadata,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": if own { "Role" } else { "ClusterRole" }, "name": name},
            "subjects": subjects}));
    }
    objects
}

fn account(namespace: &str, name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"namespace": namespace, "name": name}})
}

fn role(namespace: &str, name: &str, rules: Vec<Value>) -> Value {
    let mut metadata = json!({"name": name});
    if !namespace.is_empty() {
        metadata["namespace"] = namespace.into();
    }
    let kind = if namespace.is_empty() { "ClusterRole" } else { "Role" };
    json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": metadata, "rules": rules})
}

fn rules(dice: &mut Dice) -> Vec<Value> {
    (0..dice.from(1, 3)).map(|_| rule(dice)).collect()
}

fn rule(dice: &mut Dice) -> Value {
    let (resources, verbs, group): (&[&str], &[&str], &str) = match dice.below(10) {
        0..=2 => (
            &["clusterroles", "roles", "clusterroles", "roles"],
            &["bind", "escalate", "escalate", "create", "update", "patch", "get"],
            "rbac.authorization.k8s.io",
        ),
        3..=6 => (
            &["clusterrolebindings", "rolebindings", "rolebindings"],
            &["create", "create", "update", "patch", "get"],
            "rbac.authorization.k8s.io",
        ),
        7 => (&["serviceaccounts", "serviceaccounts/token", "*/token"], &["create", "impersonate", "patch", "get"], ""),
        8 => (&["secrets", "pods"], &["get", "list", "create", "patch"], ""),
        _ => (&["*", "clusterroles", "roles"], &["get", "create", "escalate", "bind"], "*"),
    };
    let mut list = |from: &[&str], most: usize| {
        let all: BTreeSet<String> = (0..dice.from(1, most)).map(|_| (*dice.pick(from)).to_owned()).collect();
        all.into_iter().collect::<Vec<_>>()
    };
    let (verbs, resources) = (list(verbs, 4), list(resources, 2));
    let mut rule = json!({"verbs": verbs, "apiGroups": [group], "resources": resources});
    if dice.percent(30) {
        let names: Vec<&str> = (0..dice.from(1, 2))
            .map(|_| *dice.pick(&["r1", "r2", "r3", "whole", "one", "gone", "b0", "b1", "b9", ""]))
            .collect();
        rule["resourceNames"] = json!(names);
    }
    rule
}

fn subject(dice: &mut Dice) -> Value {
    if dice.percent(35) {
        let (namespace, name) = dice.pick(ACCOUNTS);
        return json!({"kind": "ServiceAccount", "namespace": namespace, "name": name});
    }
    let (kind, name) = dice.pick(SUBJECTS).split_once(' ').unwrap();
    let kind = if kind == "user" { "User" } else { "Group" };
    json!({"kind": kind, "apiGroup": "rbac.authorization.k8s.io", "name": name})
}

/// Everybody that a world names.
fn subjects(graph: &AccessGraph) -> Vec<Subject> {
    graph.snapshot().subjects.iter().map(|(_, subject)| subject).collect()
}

fn words(graph: &AccessGraph, subject: Subject) -> String {
    let kind = if matches!(subject, Subject::Group(_)) { "group" } else { "user" };
    format!("{kind} {}", subject.request_name(&graph.snapshot().names))
}

/// What the program says that somebody reaches or holds, with the paths.
fn reached(graph: &AccessGraph, from: Subject) -> (Reached, Vec<Finding>) {
    let found =
        escalations(graph, &Ask { from: Some(Start::Subject(from)), system: SystemFilter::Show, ..Ask::default() });
    let findings = found.findings.iter().map(|finding| finding.target);
    let targets: Vec<Target> = findings.chain(found.holders.iter().map(|holders| holders.target)).collect();
    let any = |wanted: Target| targets.iter().any(|target| target.covers(wanted));
    let mut reached = Reached { cluster_admin: any(Target::ClusterAdmin), ..Reached::default() };
    for at in [ELSEWHERE, "a", "kube-system"] {
        let place = match graph.snapshot().names.find(at) {
            Some(name) if at != ELSEWHERE => Place::Namespace(name),
            // What nobody mentions is as any other.
            _ => Place::EachNamespace,
        };
        if any(Target::NamespaceAdmin(place)) {
            reached.admin.insert(at.to_owned());
        }
        if any(Target::Secrets(place)) {
            reached.secrets.insert(at.to_owned());
        }
    }
    reached.nodes = any(Target::Node(None));
    (reached, found.findings)
}

/// What is wrong with the answers about a world: the first subject for whom they differ, or a path that cannot be done.
fn wrong(objects: &[Value]) -> Option<String> {
    let graph = engine::graph(objects);
    let attacker = Attacker::new(objects);
    for subject in subjects(&graph) {
        let (own, findings) = reached(&graph, subject);
        let words = words(&graph, subject);
        let mut naive = Reached { identities: BTreeSet::new(), ..attacker.reaches(&words) };
        // The Secrets of this namespace are no target, but of whoever has all of it.
        if !naive.admin.contains("a") && !naive.secrets.contains(ELSEWHERE) {
            naive.secrets.remove("a");
        }
        if naive.cluster_admin {
            // Whoever has the cluster has every namespace and every node.
            naive.nodes = true;
            for at in ["a", "kube-system", ELSEWHERE] {
                naive.admin.insert(at.to_owned());
                naive.secrets.insert(at.to_owned());
            }
        }
        if own != naive {
            return Some(format!("{words}\nis said to reach {own:?}\nand reaches {naive:?}"));
        }
        for finding in findings {
            if let Err(refusal) = replay(&graph, ClusterId::FIRST, Start::Subject(subject), &finding) {
                return Some(format!("{words}: {refusal}\n{finding:#?}"));
            }
        }
    }
    None
}

/// The fewest objects that still show a difference.
fn smallest(mut objects: Vec<Value>) -> Vec<Value> {
    loop {
        // The first one is in every cluster.
        let smaller = (1..objects.len()).find_map(|at| {
            let mut fewer = objects.clone();
            fewer.remove(at);
            wrong(&fewer).is_some().then_some(fewer)
        });
        match smaller {
            Some(fewer) => objects = fewer,
            None => return objects,
        }
    }
}

/// The worlds of one run; `WORLDS=1001..5000` looks at others.
fn seeds() -> std::ops::Range<u64> {
    let Ok(range) = std::env::var("WORLDS") else { return 1..121 };
    let (from, to) = range.split_once("..").unwrap();
    from.parse().unwrap()..to.parse().unwrap()
}

#[test]
fn what_is_reached_is_what_an_attacker_that_tries_everything_reaches() {
    let (mut any, mut paths) = (0, 0);
    for seed in seeds() {
        let objects = world(seed);
        if wrong(&objects).is_some() {
            let small = smallest(objects);
            let lines: Vec<String> = small.iter().map(Value::to_string).collect();
            panic!("seed {seed}: {}\n{}", wrong(&small).unwrap(), lines.join("\n"));
        }
        let found = escalations(&engine::graph(&objects), &Ask { system: SystemFilter::Show, ..Ask::default() });
        any += usize::from(!found.findings.is_empty());
        paths += found.findings.iter().filter(|finding| finding.moves() > 1).count();
    }
    assert!(any > 40 && paths > 15, "{any} worlds with findings, {paths} findings of more than one step: too tame");
}

/// Everything that everybody reaches or holds.
fn pairs(graph: &AccessGraph) -> BTreeSet<(String, Reached)> {
    subjects(graph).into_iter().map(|subject| (words(graph, subject), reached(graph, subject).0)).collect()
}

fn lists(reached: &Reached) -> BTreeSet<String> {
    let admin = reached.admin.iter().map(|at| format!("admin of {at}"));
    let secrets = reached.secrets.iter().map(|at| format!("secrets of {at}"));
    let nodes = reached.nodes.then(|| "nodes".to_owned());
    admin.chain(secrets).chain(nodes).chain(reached.cluster_admin.then(|| "cluster-admin".to_owned())).collect()
}

#[test]
fn cutting_what_a_path_starts_with_cuts_the_path() {
    let mut cut = 0;
    for seed in seeds().step_by(3) {
        let graph = engine::graph(&world(seed));
        let ask = Ask { system: SystemFilter::Show, ..Ask::default() };
        for finding in escalations(&graph, &ask).findings {
            let (start, _) = finding.start().unwrap();
            let without = Ask { without: [start].into(), ..ask.clone() };
            let left = escalations(&graph, &without).findings;
            assert!(
                left.iter().all(|other| other.fingerprint != finding.fingerprint && other.start() != finding.start()),
                "seed {seed}: {finding:#?}"
            );
            cut += 1;
        }
    }
    assert!(cut > 20, "{cut} paths");
}

#[test]
fn one_more_grant_takes_nothing_away() {
    for seed in seeds().step_by(4) {
        let mut objects = world(seed);
        let before = pairs(&engine::graph(&objects));
        let more = world(seed + 10_000).into_iter().rfind(|object| !object["roleRef"].is_null());
        let Some(mut more) = more else { continue };
        more["metadata"]["name"] = "one-more".into();
        objects.push(more);
        let after = pairs(&engine::graph(&objects));
        for (who, reached) in before {
            let now = after.iter().find(|(one, _)| *one == who).map(|(_, reached)| lists(reached)).unwrap_or_default();
            assert!(lists(&reached).is_subset(&now), "seed {seed}: {who} loses {:?}", lists(&reached));
        }
    }
}

#[test]
fn the_order_of_the_input_does_not_count() {
    for seed in seeds().step_by(6) {
        let mut objects = world(seed);
        let text = |objects: &[Value]| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("world.ndjson");
            std::fs::write(&path, objects.iter().map(|object| format!("{object}\n")).collect::<String>()).unwrap();
            let words = ["escalations", "--system=show", "-o", "tree", "-f", path.to_str().unwrap()];
            // Where an object stands is no part of the answer.
            let out = super::ask(words).out;
            out.replace(path.to_str().unwrap(), "")
                .split("(:")
                .map(|part| part.trim_start_matches(char::is_numeric))
                .collect::<String>()
        };
        let first = text(&objects);
        Dice::new(seed).shuffle(&mut objects);
        assert_eq!(text(&objects), first, "seed {seed}");
    }
}

#[test]
fn alternatives_start_with_other_grants() {
    let mut some = 0;
    for seed in seeds().step_by(3) {
        let graph = engine::graph(&world(seed));
        let ask = Ask { system: SystemFilter::Show, alternatives: true, ..Ask::default() };
        for finding in escalations(&graph, &ask).findings {
            let mut starts: Vec<_> =
                [&finding].into_iter().chain(&finding.alternatives).map(|one| one.start()).collect();
            some += starts.len() - 1;
            let all = starts.len();
            starts.sort();
            starts.dedup_by_key(|start| start.map(|(binding, _)| binding));
            assert_eq!(starts.len(), all, "seed {seed}: {finding:#?}");
            for alternative in &finding.alternatives {
                assert_eq!(replay(&graph, ClusterId::FIRST, finding.from[0], alternative), Ok(()));
            }
        }
    }
    assert!(some > 5, "{some} alternatives");
}
