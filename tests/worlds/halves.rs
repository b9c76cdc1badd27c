//! Random worlds that are full of halves of ways to more: roles and bindings, and pods and nodes.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::random::Dice;

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

/// A small world in which alice puts together identities of names and groups that hold halves.
pub(crate) fn parties(seed: u64) -> Vec<Value> {
    let mut dice = Dice::new(seed.wrapping_mul(0x9e37_79b9) ^ 0x5eed);
    let mut objects = world(seed);
    // Halves that make a whole more often than any two rules do.
    let halves = |name: &str| name == "r1" || name == "r2";
    objects.retain(|object| {
        let own = object["metadata"]["namespace"].is_null()
            && halves(object["metadata"]["name"].as_str().unwrap_or_default());
        object["roleRef"].is_null() && !own
    });
    let two = *dice.pick(&[
        [("bind", "clusterroles"), ("create", "clusterrolebindings")],
        [("bind", "clusterroles"), ("create", "rolebindings")],
        [("escalate", "clusterroles"), ("patch", "clusterroles")],
        [("escalate", "roles"), ("create", "roles")],
    ]);
    for (name, (verb, resource)) in ["r1", "r2"].into_iter().zip(two) {
        let mut rule = json!({"verbs": [verb], "apiGroups": ["rbac.authorization.k8s.io"], "resources": [resource]});
        if dice.percent(20) {
            rule["resourceNames"] = json!([*dice.pick(&["r1", "r3", "one"])]);
        }
        objects.push(role("", name, vec![rule]));
    }
    let groups: Vec<&str> = ["dev", "ops", "qa"].into_iter().filter(|_| dice.percent(80)).collect();
    let users: &[&str] = if dice.percent(50) { &["bob"] } else { &["nobody", "bob"] };
    let may = |resource: &str, names: &[&str]| json!({"verbs": ["impersonate"], "apiGroups": [""], "resources": [resource], "resourceNames": names});
    objects.push(role("", "party", vec![may("groups", &groups), may("users", users)]));
    objects.push(role("", "accounts", vec![may("serviceaccounts", &["one"])]));
    let binding = |at: String, namespace: &str, name: &str, subject: Value| {
        let kind = if namespace.is_empty() { "ClusterRoleBinding" } else { "RoleBinding" };
        let mut metadata = json!({"name": at});
        if !namespace.is_empty() {
            metadata["namespace"] = namespace.into();
        }
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": metadata,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}, "subjects": [subject]})
    };
    let person = |kind: &str, name: &str| json!({"kind": kind, "apiGroup": "rbac.authorization.k8s.io", "name": name});
    objects.push(binding("party".to_owned(), "", "party", person("User", "alice")));
    if dice.percent(40) {
        objects.push(binding("accounts".to_owned(), "a", "accounts", person("User", "alice")));
    }
    for at in 0..dice.from(3, 7) {
        let subject = match dice.below(9) {
            0..=1 => person("Group", "dev"),
            2..=3 => person("Group", "ops"),
            4 => person("Group", "qa"),
            5..=6 => person("User", "bob"),
            7 => json!({"kind": "ServiceAccount", "namespace": "a", "name": "one"}),
            _ => person("Group", "system:authenticated"),
        };
        let (namespace, name) = (*dice.pick(&["", "", "a"]), *dice.pick(&["r1", "r2", "r1", "r2", "r3", "whole"]));
        objects.push(binding(format!("b{at}"), namespace, name, subject));
    }
    objects
}

/// A ServiceAccount.
pub(crate) fn account(namespace: &str, name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"namespace": namespace, "name": name}})
}

pub(crate) fn role(namespace: &str, name: &str, rules: Vec<Value>) -> Value {
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
    let (resources, verbs, group): (&[&str], &[&str], &str) = match dice.below(11) {
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
        8 => (&["users", "groups", "users", "serviceaccounts"], &["impersonate", "impersonate", "get"], ""),
        9 => (&["secrets", "pods"], &["get", "list", "create", "patch"], ""),
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
            .map(|_| *dice.pick(&["r1", "r2", "r3", "whole", "one", "gone", "b0", "b1", "b9", "bob", "dev", ""]))
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

/// A world of pods, workloads and nodes, with few grants of roles.
pub(crate) fn busy_world(seed: u64) -> Vec<Value> {
    let mut dice = Dice::new(seed.wrapping_mul(0x51ed_270b));
    let core =
        ["pods", "pods/exec", "pods/attach", "pods/log", "pods/ephemeralcontainers", "pods/eviction", "pods/binding"];
    let more =
        ["bindings", "namespaces", "namespaces/status", "persistentvolumes", "nodes", "nodes/proxy", "nodes/log"];
    let verbs = ["create", "create", "get", "list", "update", "patch", "delete", "deletecollection"];
    let mut objects = vec![
        role("", "cluster-admin", vec![json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]})]),
        account("a", "default"),
        account("a", "one"),
        account("kube-system", "one"),
    ];
    for name in ["r1", "r2", "r3", "r4"] {
        let mut rules = Vec::new();
        for _ in 0..dice.from(1, 4) {
            let (group, resource) = match dice.below(8) {
                0..=3 => ("", *dice.pick(&core)),
                4 | 5 => ("", *dice.pick(&more)),
                6 => ("apps", *dice.pick(&["deployments", "daemonsets"])),
                _ => ("", *dice.pick(&["secrets", "serviceaccounts/token", "serviceaccounts"])),
            };
            let verbs: BTreeSet<&str> = (0..dice.from(1, 3)).map(|_| *dice.pick(&verbs)).collect();
            let mut rule = json!({"verbs": verbs, "apiGroups": [group], "resources": [resource]});
            if dice.percent(30) {
                rule["resourceNames"] = json!([*dice.pick(&["p0", "p1", "n1", "n2", "web", "a", "one"])]);
            }
            rules.push(rule);
        }
        objects.push(role("", name, rules));
    }
    for at in 0..dice.from(4, 8) {
        let namespace = *dice.pick(&["", "", "a", "kube-system"]);
        let mut metadata = json!({"name": format!("b{at}")});
        let mut kind = "ClusterRoleBinding";
        if !namespace.is_empty() {
            (kind, metadata["namespace"]) = ("RoleBinding", namespace.into());
        }
        let admin = dice.percent(10);
        let name = if admin { "cluster-admin" } else { *dice.pick(&["r1", "r2", "r3", "r4"]) };
        let node = json!({"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "system:nodes"});
        let who = if dice.percent(8) { node } else { subject(&mut dice) };
        objects.push(json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": metadata,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}, "subjects": [who]}));
    }
    for namespace in NAMESPACES {
        let labels = match dice.below(5) {
            0 => json!({}),
            1 => json!({"pod-security.kubernetes.io/enforce": "privileged"}),
            2 => json!({"pod-security.kubernetes.io/enforce": "baseline"}),
            _ => json!({"pod-security.kubernetes.io/enforce": "restricted"}),
        };
        objects
            .push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}}));
        for at in 0..dice.from(0, 3) {
            objects.push(busy_pod(&mut dice, namespace, at));
        }
        let kind = *dice.pick(&["Deployment", "DaemonSet"]);
        if dice.percent(40) {
            let metadata = json!({"name": "web", "namespace": namespace});
            objects.push(json!({"apiVersion": "apps/v1", "kind": kind, "metadata": metadata}));
        }
        if dice.percent(30) {
            let path = *dice.pick(&["/", "/mnt", "/var/log"]);
            objects.push(
                json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": format!("v-{namespace}")},
                "spec": {"hostPath": {"path": path}, "claimRef": {"namespace": namespace, "name": "data"}}}),
            );
        }
        objects.push(json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
            "metadata": {"name": "token", "namespace": namespace, "annotations": {"kubernetes.io/service-account.name": "one"}}}));
    }
    objects
}

fn busy_pod(dice: &mut Dice, namespace: &str, at: usize) -> Value {
    let mut metadata = json!({"name": format!("p{at}"), "namespace": namespace});
    let mut spec = json!({"serviceAccountName": *dice.pick(&["one", "default", "gone"])});
    let mut container = json!({"name": "main", "image": "main"});
    if dice.percent(80) {
        spec["nodeName"] = json!(*dice.pick(&["n1", "n2"]));
    }
    if dice.percent(15) {
        metadata["annotations"] = json!({"kubernetes.io/config.mirror": "x"});
    }
    let add = *dice.pick(&["NET_RAW", "SYS_ADMIN", "SYS_PTRACE", "NET_ADMIN"]);
    match dice.below(6) {
        0 => container["securityContext"] = json!({"privileged": true}),
        1 => container["securityContext"] = json!({"capabilities": {"add": [add]}}),
        2 => spec["hostPID"] = json!(true),
        _ => {}
    }
    let volume = match dice.below(6) {
        0 => json!({"name": "v", "hostPath": {"path": *dice.pick(&["/etc", "/var/log", "/mnt"])}}),
        1 => json!({"name": "v", "secret": {"secretName": "token"}}),
        2 => json!({"name": "v", "persistentVolumeClaim": {"claimName": "data"}}),
        _ => json!({"name": "v", "emptyDir": {}}),
    };
    container["volumeMounts"] = json!([{"name": "v", "mountPath": "/v"}]);
    if dice.percent(25) {
        spec["automountServiceAccountToken"] = json!(false);
    }
    (spec["containers"], spec["volumes"]) = (json!([container]), json!([volume]));
    let phase = if dice.percent(15) { "Succeeded" } else { "Running" };
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": {"phase": phase}})
}
