//! Escalations on random worlds: what is reached is what a slow and simple attacker reaches, each path can be done again, cutting
//! what a path starts with cuts the path, and one more grant never takes anything away.

use std::collections::BTreeSet;

use rbac_lens::graph::AccessGraph;
use rbac_lens::model::{ClusterId, Subject};
use rbac_lens::query::SystemFilter;
use rbac_lens::rules::{Ask, Finding, Place, PodIx, Start, Target, escalations, replay};
use serde_json::{Value, json};

use crate::worlds::attacker::{Attacker, ELSEWHERE, Reached};
use crate::worlds::engine;
use crate::worlds::halves::{account, busy_world, parties, role, world};
use crate::worlds::random::Dice;

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

#[test]
fn identities_that_are_put_together_reach_what_such_an_attacker_reaches() {
    let mut together = 0;
    for seed in seeds().step_by(2) {
        let objects = parties(seed);
        if wrong(&objects).is_some() {
            let small = smallest(objects);
            let lines: Vec<String> = small.iter().map(Value::to_string).collect();
            panic!("seed {seed}: {}\n{}", wrong(&small).unwrap(), lines.join("\n"));
        }
        let found = escalations(&engine::graph(&objects), &Ask { system: SystemFilter::Show, ..Ask::default() });
        let steps = found.findings.iter().flat_map(|finding| &finding.steps);
        together += usize::from(steps.into_iter().any(|step| !step.with.is_empty()));
    }
    assert!(together > 5, "{together} worlds in which it takes an identity that is put together: too tame");
}

#[test]
fn paths_over_pods_and_nodes_can_be_done_again() {
    let mut used: BTreeSet<&str> = BTreeSet::new();
    for seed in seeds() {
        let objects = busy_world(seed);
        let graph = engine::graph(&objects);
        let pods = (0_u32..).zip(&graph.snapshot().pods).map(|(at, _)| Start::Pod(PodIx(at)));
        let starts: Vec<Start> = subjects(&graph).into_iter().map(Start::Subject).chain(pods).collect();
        for from in starts {
            let ask = Ask { from: Some(from), system: SystemFilter::Show, blocked: true, ..Ask::default() };
            let found = escalations(&graph, &ask);
            for finding in found.findings.iter().chain(&found.blocked) {
                let done = replay(&graph, ClusterId::FIRST, from, finding);
                assert_eq!(done, Ok(()), "seed {seed}: {finding:#?}");
                used.extend(finding.steps.iter().map(|step| step.technique.id));
            }
        }
    }
    assert!(used.len() > 15, "only {used:?}");
}

#[test]
fn one_more_grant_takes_no_pod_or_node_away() {
    for seed in seeds().step_by(2) {
        let mut objects = busy_world(seed);
        let before = everything(&engine::graph(&objects));
        let more = busy_world(seed + 10_000).into_iter().rfind(|object| !object["roleRef"].is_null());
        let Some(mut more) = more else { continue };
        more["metadata"]["name"] = "one-more".into();
        more["subjects"] = json!([{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "alice"}]);
        objects.push(more);
        let after = everything(&engine::graph(&objects));
        for (who, target) in before {
            let (kind, place) = target.split_once(' ').unwrap();
            let wide = [format!("{kind} *"), format!("admin {place}"), "admin *".to_owned(), "cluster *".to_owned()];
            let kept = wide
                .into_iter()
                .take(if kind == "node" { 1 } else { 3 })
                .chain(["cluster *".to_owned(), target.clone()]);
            let kept = kept.into_iter().any(|target| after.contains(&(who.clone(), target)));
            assert!(kept, "seed {seed}: {who} loses {target}: {after:#?}");
        }
    }
}

/// What everybody reaches or holds, in words that are the same in another world.
fn everything(graph: &AccessGraph) -> BTreeSet<(String, String)> {
    let place = |place: Place| match place {
        Place::Namespace(namespace) => graph.text(namespace).to_owned(),
        _ => "*".to_owned(),
    };
    let text = |target: Target| match target {
        Target::ClusterAdmin => "cluster *".to_owned(),
        Target::NamespaceAdmin(at) => format!("admin {}", place(at)),
        Target::Secrets(at) => format!("secrets {}", place(at)),
        Target::Node(node) => format!("node {}", node.map_or("*", |node| graph.text(node))),
        other => format!("other {other:?}"),
    };
    let of = |from| {
        let ask = Ask { from: Some(Start::Subject(from)), system: SystemFilter::Show, ..Ask::default() };
        let found = escalations(graph, &ask);
        let held = found.holders.iter().map(|holders| holders.target);
        let all = found.findings.iter().map(|finding| finding.target).chain(held);
        all.map(|target| (words(graph, from), text(target))).collect::<Vec<_>>()
    };
    subjects(graph).into_iter().flat_map(of).collect()
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
            some += finding.alternatives.len();
            for finding in finding.from.iter().map(|&start| finding.started_by(vec![start])) {
                let all: Vec<_> = [&finding].into_iter().chain(&finding.alternatives).collect();
                let mut starts: Vec<_> = all.iter().map(|one| one.start().map(|(binding, _)| binding)).collect();
                starts.sort();
                starts.dedup();
                assert_eq!(starts.len(), all.len(), "seed {seed}: {finding:#?}");
                for alternative in &finding.alternatives {
                    assert_eq!(replay(&graph, ClusterId::FIRST, finding.from[0], alternative), Ok(()));
                }
            }
        }
    }
    assert!(some > 5, "{some} alternatives");
}

/// Alice and bob may bind any role by one binding, and one of them by another one as well.
fn two_bindings(second: &str) -> String {
    let kind = |kind: &str, name: &str| {
        format!("---\napiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata: {{name: {name}}}\n")
    };
    let rule = |verb: &str, resource: &str| {
        format!("- {{verbs: [{verb}], apiGroups: [rbac.authorization.k8s.io], resources: [{resource}]}}\n")
    };
    let binding = |name: &str, users: &[&str]| {
        let users: String = users.iter().map(|user| format!("- {{kind: User, name: {user}}}\n")).collect();
        let role = "roleRef: {kind: ClusterRole, name: binder}";
        format!("{}{role}\nsubjects:\n{users}", kind("ClusterRoleBinding", name))
    };
    [
        kind("ClusterRole", "binder"),
        "rules:\n".to_owned(),
        rule("bind", "clusterroles"),
        rule("create", "clusterrolebindings"),
        binding("first", &["alice", "bob"]),
        binding("second", &[second]),
    ]
    .concat()
}

#[test]
fn alternatives_say_whose_they_are() {
    for (second, other) in [("bob", "alice"), ("alice", "bob")] {
        let world = two_bindings(second);
        let items = |words: &str| {
            let report: serde_json::Value =
                serde_json::from_str(&crate::ask_with(words.split(' '), &world).out).unwrap();
            report["items"].as_array().unwrap().clone()
        };
        let grouped = items("escalations -f - --all -o json");
        assert_eq!(grouped.len(), 1);
        assert_eq!(grouped[0]["alternatives"].as_array().unwrap().len(), 1);
        assert_eq!(grouped[0]["alternatives"][0]["from"], serde_json::json!([format!("user:{second}")]));
        for item in items("escalations -f - --all --ungrouped -o json") {
            let text = item.to_string();
            if item["from"] == serde_json::json!([format!("user:{second}")]) {
                assert_eq!(item["alternatives"].as_array().unwrap().len(), 1);
                assert!(!text.contains(&format!("user:{other}")), "{text}");
            } else {
                assert_eq!(item.get("alternatives"), None);
                assert!(!text.contains(&format!("user:{second}")), "{text}");
            }
        }
        let tree = crate::ask_with("escalations -f - --all -o tree".split(' '), &world).out;
        assert!(
            tree.contains(&format!("without that, User {second}, from ClusterRoleBinding second in 1 step")),
            "{tree}"
        );
    }
}

/// Teams that may each bind any role in a namespace of their own.
fn teams(count: usize) -> String {
    let rbac = "rbac.authorization.k8s.io";
    let role = json!({"apiVersion": format!("{rbac}/v1"), "kind": "ClusterRole", "metadata": {"name": "binder"}, "rules": [
        {"apiGroups": [rbac], "resources": ["clusterroles"], "verbs": ["bind"], "resourceNames": ["binder"]},
        {"apiGroups": [rbac], "resources": ["rolebindings"], "verbs": ["create"]},
    ]});
    let binding = |at: usize| {
        json!({"apiVersion": format!("{rbac}/v1"), "kind": "RoleBinding",
            "metadata": {"name": "binds", "namespace": format!("team-{at}")},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "binder"},
            "subjects": [{"apiGroup": rbac, "kind": "User", "name": format!("lead-{at}")}]})
    };
    [role].into_iter().chain((0..count).map(binding)).map(|object| format!("{object}\n")).collect()
}

#[test]
fn nothing_is_left_out_where_many_may_bind() {
    for count in [20, 1200] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("teams.ndjson");
        // Carol holds one half of a request and gives it to an account that holds the other one.
        let binding = |name: &str, role: &str, subject: Value| {
            json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
                "metadata": {"name": name, "namespace": "team-0"},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
                "subjects": [subject]})
        };
        let rbac = "rbac.authorization.k8s.io";
        let more = [
            account("team-0", "bot"),
            role(
                "",
                "token",
                vec![json!({"verbs": ["create"], "apiGroups": [""], "resources": ["serviceaccounts/token"]})],
            ),
            role("", "all", vec![json!({"verbs": ["bind"], "apiGroups": [rbac], "resources": ["clusterroles"]})]),
            role("", "cluster-admin", vec![json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]})]),
            role("", "write", vec![json!({"verbs": ["create"], "apiGroups": [rbac], "resources": ["rolebindings"]})]),
            binding("t", "token", json!({"kind": "User", "apiGroup": rbac, "name": "carol"})),
            binding("w", "write", json!({"kind": "User", "apiGroup": rbac, "name": "carol"})),
            binding("b", "all", json!({"kind": "ServiceAccount", "namespace": "team-0", "name": "bot"})),
        ];
        let more: String = more.iter().map(|object| format!("{object}\n")).collect();
        std::fs::write(&path, teams(count) + &more).unwrap();
        let out = super::ask(["escalations", "--strict", "-o", "json", "-f", path.to_str().unwrap()]);
        let document: Value = serde_json::from_str(&out.out).unwrap();
        let found: Vec<&Value> = document["items"].as_array().unwrap().iter().collect();
        let is_found = |item: &&&Value| {
            item["from"].to_string().contains("carol") && item["target"].to_string().contains("team-0")
        };
        let found = found.iter().find(is_found).unwrap_or_else(|| panic!("{count} teams: {document}"));
        let used: Vec<&str> =
            found["steps"].as_array().unwrap().iter().map(|step| step["technique"].as_str().unwrap()).collect();
        assert!(used.contains(&"bind-held-role"), "{count} teams: {used:?}");
        assert_eq!(out.code, 0, "{:?}", out.notes);
    }
}
