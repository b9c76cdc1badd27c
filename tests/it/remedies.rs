//! What remedies say, done on random worlds by the words of the commands: the path is gone, and nothing else is touched.

use std::collections::BTreeSet;
use std::process::Command;

use rbac_lens::graph::AccessGraph;
use rbac_lens::model::Thing;
use rbac_lens::query::SystemFilter;
use rbac_lens::rules::{Ask, Cuts, Finding, Grant, Remedies, Start, cuts, escalations, start, start_thing};
use serde_json::{Value, json};

use crate::worlds::halves::{busy_world, world};
use crate::worlds::{engine, kubectl, lines};

fn findings(graph: &AccessGraph) -> Vec<Finding> {
    escalations(graph, &Ask { system: SystemFilter::Show, ..Ask::default() }).findings
}

fn who(graph: &AccessGraph, finding: &Finding) -> Vec<String> {
    let name = |start: &Start| match *start {
        Start::Subject(subject) => format!("{} {}", subject.kind(), subject.request_name(&graph.snapshot().names)),
        Start::Pod(_) | Start::Pods(_) | Start::Azure(_) => String::new(),
    };
    finding.from.iter().map(name).collect()
}

#[test]
fn what_a_remedy_removes_severs_its_path() {
    let (mut done, mut trimmed, mut dropped) = (0, 0, 0);
    for seed in 1..81 {
        let objects = world(seed);
        let graph = engine::graph(&objects);
        let remedies = Remedies::new(&graph);
        for finding in findings(&graph) {
            let remedy = remedies.of(&finding);
            assert!(!remedy.commands.is_empty(), "seed {seed}: {finding:#?}");
            let mut after = objects.clone();
            for command in &remedy.commands {
                kubectl::run(&mut after, command).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{command}"));
            }
            // What others may still need can be put back, and helps nobody on this path.
            let patch = remedy.patch.as_deref().unwrap_or_default();
            for document in patch.split("---\n").filter(|text| !text.is_empty()) {
                after.push(serde_saphyr::from_str(document).unwrap());
            }
            let graph_after = engine::graph(&after);
            let own = who(&graph, &finding);
            for left in findings(&graph_after) {
                let same = left.fingerprint == finding.fingerprint
                    && who(&graph_after, &left).iter().any(|one| own.contains(one));
                assert!(!same, "seed {seed}: {:?}\n{finding:#?}", remedy.commands);
            }
            done += 1;
            trimmed +=
                usize::from(remedy.advice.contains("out of Role") || remedy.advice.contains("out of ClusterRole"));
            dropped += usize::from(remedy.advice.contains("Binding"));
        }
    }
    assert!(done > 40 && trimmed > 10 && dropped > 10, "{done} remedies, {trimmed} of rules, {dropped} of bindings");
}

#[test]
fn what_is_cut_leaves_nothing_severe() {
    let (mut done, mut of_one_role) = (0, 0);
    for seed in 1..121 {
        let objects = [world(seed), busy_world(seed)];
        for objects in objects {
            let graph = engine::graph(&objects);
            let ask = Ask { system: SystemFilter::Show, ..Ask::default() };
            let Cuts { level, chosen, left, .. } = cuts(&graph, &ask, &escalations(&graph, &ask), &|findings| findings);
            let grants: Vec<Grant> = chosen.iter().map(|one| one.grant).collect();
            let mut after = objects.clone();
            for command in Remedies::new(&graph).removing(&grants).concat() {
                kubectl::run(&mut after, &command).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{command}"));
                done += 1;
            }
            let severe = escalations(&engine::graph(&after), &ask).findings;
            assert!(left > 0 || severe.iter().all(|finding| finding.severity < level), "seed {seed}: {severe:#?}");
            let roles = grants.iter().filter_map(|grant| match grant {
                Grant::Rule(role, _) => Some(*role),
                Grant::Binding(_) => None,
            });
            of_one_role += usize::from(roles.clone().count() > roles.collect::<BTreeSet<_>>().len());
        }
    }
    assert!(done > 100 && of_one_role > 1, "{done} commands, {of_one_role} times for rules of one role");
}

/// Does what is printed about the first path from some pods, as often as there is one; gives what was printed.
fn without_paths(world: &str, from: &str) -> Vec<String> {
    let mut objects = objects_of(world);
    let mut printed = Vec::new();
    loop {
        let graph = engine::graph(&objects);
        let Some(from) = start(&graph, &Thing::parse(from).unwrap()) else { return printed };
        let found = escalations(&graph, &Ask { from: Some(from), ..Ask::default() }).findings;
        let Some(finding) = found.first() else { return printed };
        let remedy = Remedies::new(&graph).of(finding);
        if remedy.commands.is_empty() {
            printed.push(remedy.advice);
            return printed;
        }
        for command in &remedy.commands {
            kubectl::run(&mut objects, command).unwrap_or_else(|error| panic!("{error}\n{command}"));
        }
        let left = engine::graph(&objects);
        let again = start(&left, &start_thing(&graph, from));
        let again = again.map(|from| escalations(&left, &Ask { from: Some(from), ..Ask::default() }).findings);
        let is_left = |all: Vec<Finding>| all.iter().any(|left| left.fingerprint == finding.fingerprint);
        assert!(!again.is_some_and(is_left), "{:?}", remedy.commands);
        printed.extend(remedy.commands);
    }
}

const BASELINE: &str = "kubectl label --overwrite namespace dev pod-security.kubernetes.io/enforce=baseline";
const ONE: &str = "kubectl delete pod -n dev one";

#[test]
fn a_pod_that_leads_to_its_node_goes_and_does_not_come_back() {
    let pod = |more: &str| format!("pod dev/one bot n1 {more}\nnamespace dev");
    for way in ["privileged", "host:/", "cap:SYS_ADMIN", "hostPID cap:SYS_PTRACE"] {
        assert_eq!(without_paths(&format!("{} -", pod(way)), "pod:dev/one"), [BASELINE, ONE]);
        // What was there before the label does not come back either.
        assert_eq!(without_paths(&format!("{} baseline", pod(way)), "pod:dev/one"), [ONE]);
    }
    // What a pod may do by a binding is taken away from its account.
    let granted = format!("{} -\nrole w: escalate,patch clusterroles.rbac\nbind w sa:dev/bot", pod("privileged"));
    let printed = without_paths(&granted, "pod:dev/one");
    assert!(printed.len() == 3 && printed[0].starts_with("kubectl patch clusterrole "), "{printed:?}");
    assert_eq!(printed[1..], [BASELINE, ONE]);
}

#[test]
fn every_pod_of_a_namespace_that_leads_to_a_node_goes() {
    let world = "pod dev/one bot n1 privileged\npod dev/two bot n1 host:/etc\npod dev/three bot n1\npod qa/four bot n1 privileged
        namespace dev -";
    let two = "kubectl delete pod -n dev two";
    assert_eq!(without_paths(world, "pods:dev"), [BASELINE, ONE, two]);
    let graph = engine::graph(&objects_of(world));
    let from = start(&graph, &Thing::parse("pod:dev/one").unwrap());
    let found = escalations(&graph, &Ask { from, ..Ask::default() });
    let advice = Remedies::new(&graph).of(&found.findings[0]).advice;
    assert_eq!(
        advice,
        "label namespace dev pod-security.kubernetes.io/enforce=baseline; delete Pod dev/one, which what makes it has to make \
         without privileged; 1 more of its pods need a namespace that admits them"
    );
}

#[test]
fn where_no_command_does_it_the_advice_names_the_pod() {
    for (world, pod) in [
        ("pod kube-system/one bot n1 privileged", "kube-system/one"),
        ("pod dev/one - n1 privileged mirror", "dev/one"),
        ("pod dev/one bot n1 claim:data\nvolume v /etc dev/data", "dev/one"),
    ] {
        let printed = without_paths(world, &format!("pod:{pod}"));
        assert!(printed.len() == 1 && printed[0].contains(&format!("Pod {pod}")), "{printed:?}");
    }
}

fn objects_of(world: &str) -> Vec<Value> {
    let documents = lines::yaml(world);
    let documents = documents.split("---\n").filter(|text| !text.trim().is_empty());
    documents.map(|text| serde_saphyr::from_str(text).unwrap()).collect()
}

/// Objects whose names try to leave the word that they stand in.
fn hostile(name: &str) -> Vec<Value> {
    let group = "rbac.authorization.k8s.io";
    vec![
        json!({"apiVersion": format!("{group}/v1"), "kind": "ClusterRole", "metadata": {"name": name},
            "rules": [{"verbs": ["escalate", "patch"], "apiGroups": [group], "resources": ["clusterroles"]},
                {"verbs": ["get"], "apiGroups": [""], "resources": ["pods", name]}]}),
        json!({"apiVersion": format!("{group}/v1"), "kind": "ClusterRoleBinding", "metadata": {"name": name},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": name},
            "subjects": [{"apiGroup": group, "kind": "User", "name": name}, {"apiGroup": group, "kind": "User", "name": "x"}]}),
        json!({"apiVersion": format!("{group}/v1"), "kind": "ClusterRoleBinding", "metadata": {"name": format!("{name}2")},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"apiGroup": group, "kind": "User", "name": "x"}]}),
    ]
}

#[test]
fn no_name_leaves_the_word_it_stands_in() {
    for name in
        ["it's", "$(touch /x)", "`id`", "a;b", "-n", "--all", "a b", "\"q\"", "a\\", "a\nb", "名前", "a&&b", "*"]
    {
        let objects = hostile(name);
        let graph = engine::graph(&objects);
        let all = findings(&graph);
        assert!(!all.is_empty(), "{name}");
        for finding in all {
            for command in Remedies::new(&graph).of(&finding).commands {
                // The shell itself says which words it sees.
                let script = format!("kubectl() {{ printf '%s\\0' \"$@\"; }}\n{command}");
                let output = Command::new("sh").args(["-c", &script]).output().unwrap();
                assert!(output.status.success() && output.stderr.is_empty(), "{command}");
                let seen = String::from_utf8(output.stdout).unwrap();
                let seen: Vec<&str> = seen.trim_end_matches('\0').split('\0').collect();
                let ours = kubectl::words(&command).unwrap();
                assert_eq!(seen, ours[1..].iter().map(String::as_str).collect::<Vec<_>>());
                assert!(seen.contains(&name), "{command}");
                kubectl::run(&mut objects.clone(), &command).unwrap();
            }
        }
    }
}

#[test]
fn what_kubernetes_puts_back_is_not_taken_away() {
    let name = "system:controller:clusterrole-aggregation-controller";
    let world = format!(
        "account kube-system/default
         role maker: create serviceaccounts; create serviceaccounts/token
         bind kube-system/maker=maker user:alice
         role {name}: escalate,patch clusterroles.rbac
         yaml {{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {{name: \"{name}\", labels: \
         {{kubernetes.io/bootstrapping: rbac-defaults}}}}, roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, \
         name: \"{name}\"}}, subjects: [{{kind: ServiceAccount, name: clusterrole-aggregation-controller, namespace: kube-system}}]}}"
    );
    let graph = engine::graph(&objects_of(&world));
    let ask = Ask { system: SystemFilter::Hide, ..Ask::default() };
    let found = escalations(&graph, &ask);
    assert_eq!(found.findings.len(), 1);
    let steps: Vec<&str> = found.findings[0].steps.iter().map(|step| step.technique.id).collect();
    assert_eq!(steps, ["dangling-claim", "token-request", "escalate-role"]);
    let remedies = Remedies::new(&graph);
    let mut commands = remedies.of(&found.findings[0]).commands;
    let grants: Vec<Grant> =
        cuts(&graph, &ask, &found, &|findings| findings).chosen.iter().map(|one| one.grant).collect();
    commands.extend(remedies.removing(&grants).concat());
    assert!(commands.len() == 2 && commands.iter().all(|command| !command.contains(name)), "{commands:#?}");
}

#[test]
fn what_was_added_to_a_role_of_kubernetes_is_taken_out() {
    let name = "system:controller:ttl-controller";
    let rbac = "rbac.authorization.k8s.io";
    let binding = json!({"apiVersion": format!("{rbac}/v1"), "kind": "ClusterRoleBinding",
        "metadata": {"name": name, "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}},
        "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": "ttl-controller", "namespace": "kube-system"}]});
    let nodes = json!({"verbs": ["list", "patch", "update", "watch"], "apiGroups": [""], "resources": ["nodes"]});
    let pods = json!({"verbs": ["create"], "apiGroups": [""], "resources": ["pods"]});
    let events = json!({"verbs": ["create", "patch"], "apiGroups": ["", "events.k8s.io"], "resources": ["events"]});
    let more =
        json!({"verbs": ["create", "patch"], "apiGroups": ["", "events.k8s.io"], "resources": ["events", "pods"]});
    let core = json!({"verbs": ["create", "patch"], "apiGroups": [""], "resources": ["events"]});
    let other = json!({"verbs": ["create", "patch"], "apiGroups": ["events.k8s.io"], "resources": ["events"]});
    let ask = Ask { system: SystemFilter::Hide, ..Ask::default() };
    // A rule of its own goes; of one that holds what is Kubernetes' that stays, which no grant to cut is.
    for (rules, expected, cut) in [
        (json!([nodes, pods, events]), json!([nodes, events]), 1),
        (json!([nodes, more]), json!([nodes, core, other]), 0),
    ] {
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "ttl-controller", "namespace": "kube-system"}});
        let role = json!({"apiVersion": format!("{rbac}/v1"), "kind": "ClusterRole",
            "metadata": {"name": name, "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}}, "rules": rules});
        let objects = vec![account, role, binding.clone()];
        let graph = engine::graph(&objects);
        let found = escalations(&graph, &ask);
        assert!(!found.findings.is_empty());
        let remedies = Remedies::new(&graph);
        let chosen = cuts(&graph, &ask, &found, &|findings| findings).chosen;
        assert_eq!(chosen.len(), cut);
        let grants: Vec<Grant> = chosen.iter().map(|one| one.grant).collect();
        let cuts = Some(remedies.removing(&grants).concat()).filter(|commands| !commands.is_empty());
        let of_findings = found.findings.iter().map(|finding| remedies.of(finding)).map(|remedy| {
            assert!(remedy.advice.contains("puts back what is its own"), "{}", remedy.advice);
            remedy.commands
        });
        for commands in of_findings.chain(cuts) {
            let mut after = objects.clone();
            for command in &commands {
                kubectl::run(&mut after, command).unwrap();
            }
            assert_eq!(after[1]["rules"], expected);
            assert!(findings(&engine::graph(&after)).is_empty(), "{commands:?}");
        }
    }
}

#[test]
fn default_roles_are_never_patched() {
    let group = "rbac.authorization.k8s.io";
    let bind = |name: &str, role: &str| {
        json!({"apiVersion": format!("{group}/v1"), "kind": "RoleBinding", "metadata": {"name": name, "namespace": "dev"},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "ServiceAccount", "namespace": "dev", "name": name}]})
    };
    let mut objects = vec![bind("one", "edit"), bind("two", "admin")];
    objects.push(
        json!({"apiVersion": format!("{group}/v1"), "kind": "ClusterRoleBinding", "metadata": {"name": "big"},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "namespace": "dev", "name": "robot"}]}),
    );
    let graph = engine::graph(&objects);
    let mut kinds = BTreeSet::new();
    for finding in findings(&graph) {
        let remedy = Remedies::new(&graph).of(&finding);
        assert!(remedy.commands.iter().all(|command| !command.contains("role ")), "{remedy:#?}");
        let patch = remedy.patch.expect("what is left of the role");
        assert!(patch.contains("\"kind\": \"Role\"") && patch.contains("\"configmaps\""), "{patch}");
        kinds.extend(remedy.commands);
    }
    assert!(!kinds.is_empty());
}
