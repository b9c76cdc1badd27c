//! Reviews: raw semantics, the server's refusals, expectations, and the order of what comes out.

use serde_json::{Value, json};

use super::{Outcome, ask_with};

const WORLD: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: view}
roleRef: {kind: ClusterRole, name: view}
subjects: [{kind: Group, name: dev}, {kind: ServiceAccount, name: bot, namespace: ci}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: everybody}
roleRef: {kind: ClusterRole, name: system:discovery}
subjects: [{kind: Group, name: 'system:authenticated'}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: gone, namespace: dev}
roleRef: {kind: Role, name: gone}
subjects: [{kind: User, name: alice}, {kind: Group, name: ops}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: gone-too}
roleRef: {kind: ClusterRole, name: gone}
subjects: [{kind: Group, name: ops}]
";

/// Asks these reviews of the world above.
fn review(reviews: &str, words: &[&str]) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let world = folder.path().join("world.yaml");
    std::fs::write(&world, WORLD).unwrap();
    ask_with(["review", "-", "-f", world.to_str().unwrap(), "-q"].into_iter().chain(words.iter().copied()), reviews)
}

fn subject_access_review(spec: Value) -> Value {
    json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec})
}

#[test]
fn statuses_are_the_servers() {
    let get = |resource: &str, namespace: &str| json!({"verb": "get", "resource": resource, "namespace": namespace});
    for (spec, status) in [
        (
            json!({"user": "a", "groups": ["dev"], "resourceAttributes": get("pods", "x")}),
            json!({"allowed": true, "reason": "RBAC: allowed by ClusterRoleBinding \"view\" of ClusterRole \"view\" to Group \"dev\""}),
        ),
        (
            json!({"user": "system:serviceaccount:ci:bot", "resourceAttributes": get("pods", "")}),
            json!({"allowed": true,
                "reason": "RBAC: allowed by ClusterRoleBinding \"view\" of ClusterRole \"view\" to ServiceAccount \"bot/ci\""}),
        ),
        // No group is added: neither that of everybody nor those of an account.
        (json!({"user": "a", "nonResourceAttributes": {"verb": "get", "path": "/api"}}), json!({"allowed": false})),
        (
            json!({"groups": ["system:authenticated"], "nonResourceAttributes": {"verb": "get", "path": "/api"}}),
            json!({"allowed": true,
                "reason": "RBAC: allowed by ClusterRoleBinding \"everybody\" of ClusterRole \"system:discovery\" to Group \"system:authenticated\""}),
        ),
        (json!({"groups": ["system:masters"], "resourceAttributes": {}}), json!({"allowed": true})),
        (json!({"user": "system:masters", "resourceAttributes": get("pods", "")}), json!({"allowed": false})),
        (
            json!({"user": "alice", "resourceAttributes": get("pods", "dev")}),
            json!({"allowed": false, "reason": "RBAC: role.rbac.authorization.k8s.io \"gone\" not found"}),
        ),
        (
            json!({"groups": ["ops"], "resourceAttributes": get("pods", "dev")}),
            json!({"allowed": false, "reason": "RBAC: [clusterrole.rbac.authorization.k8s.io \"gone\" not found, \
                role.rbac.authorization.k8s.io \"gone\" not found]"}),
        ),
        (json!({"user": "alice", "resourceAttributes": get("pods", "prod")}), json!({"allowed": false})),
        // A cluster-scoped resource with a namespace is asked as it is.
        (json!({"groups": ["dev"], "resourceAttributes": get("nodes", "x")}), json!({"allowed": false})),
        // What RBAC does not look at changes nothing.
        (
            json!({"user": "a", "uid": "1", "extra": {"k": ["v"]}, "resourceAttributes": {"verb": "get", "version": "v9", "resource": "secrets"}}),
            json!({"allowed": false}),
        ),
    ] {
        let asked = subject_access_review(spec);
        let outcome = review(&asked.to_string(), &["-o", "ndjson"]);
        let mut answer: Value = serde_json::from_str(&outcome.out).unwrap();
        assert_eq!(answer["status"], status, "{asked}");
        // The rest comes back as it went in.
        answer.as_object_mut().unwrap().remove("status");
        assert_eq!(answer, asked);
    }
}

#[test]
fn what_the_server_refuses_is_no_answer() {
    let resource = json!({"verb": "get", "resource": "pods", "namespace": "dev"});
    let path = json!({"verb": "get", "path": "/"});
    let local = |namespace: Value, spec: Value| json!({"apiVersion": "authorization.k8s.io/v1", "kind": "LocalSubjectAccessReview", "metadata": namespace, "spec": spec});
    let of_alice = |attributes: &str, value: &Value| json!({"user": "alice", attributes: value});
    for (object, message) in [
        (
            subject_access_review(json!({"user": "a", "resourceAttributes": resource, "nonResourceAttributes": path})),
            "cannot stand together",
        ),
        (subject_access_review(json!({"user": "a"})), "exactly one of"),
        (subject_access_review(json!({"user": "a", "resourceAttributes": null})), "exactly one of"),
        (
            subject_access_review(json!({"resourceAttributes": resource})),
            "at least one of `spec.user` and `spec.groups`",
        ),
        (subject_access_review(json!({"user": "", "groups": [], "resourceAttributes": resource})), "at least one of"),
        (subject_access_review(json!(null)), "has no `spec`"),
        (local(json!({"namespace": "prod"}), of_alice("resourceAttributes", &resource)), "is `dev` and must be"),
        (local(json!({}), of_alice("resourceAttributes", &resource)), "must be `metadata.namespace`"),
        (
            local(json!({"namespace": "dev"}), of_alice("resourceAttributes", &json!({"verb": "get"}))),
            "is `` and must be",
        ),
        (local(json!({"namespace": "dev"}), of_alice("nonResourceAttributes", &path)), "cannot stand in a Local"),
        (json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}), "does not say who asks"),
        (json!({"apiVersion": "v1", "kind": "Pod"}), "is no review"),
        (subject_access_review(json!({"user": 7, "resourceAttributes": resource})), "this is no review: invalid type"),
        (
            subject_access_review(json!({"groups": "dev", "resourceAttributes": resource})),
            "this is no review: invalid type",
        ),
    ] {
        let good = subject_access_review(json!({"user": "a", "resourceAttributes": resource}));
        let outcome = review(&format!("{good}\n{object}\n"), &["-o", "ndjson"]);
        assert_eq!((outcome.code, outcome.out.as_str()), (2, ""), "{object}");
        let [note] = outcome.notes.as_slice() else { panic!("{object}: {:?}", outcome.notes) };
        assert!(note.starts_with("error: standard input:2: ") && note.contains(message), "{object}: {note}");
    }
    // All of them at once.
    let bad = subject_access_review(json!({}));
    assert_eq!(review(&format!("{bad}\n{bad}\n{bad}\n"), &[]).notes.len(), 3);
}

#[test]
fn a_local_review_is_one_of_its_namespace() {
    let local = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "LocalSubjectAccessReview", "metadata": {"namespace": "dev"},
        "spec": {"groups": ["dev"], "resourceAttributes": {"verb": "get", "resource": "pods", "namespace": "dev"}}});
    let outcome = review(&local.to_string(), &["-o", "ndjson"]);
    assert!(outcome.out.contains(r#""status":{"allowed":true,"#), "{}", outcome.out);
}

#[test]
fn answers_come_in_the_order_of_the_questions_from_any_form() {
    let reviews: Vec<Value> = (0..2000)
        .map(|at| {
            subject_access_review(
                json!({"user": format!("user-{at}"), "resourceAttributes": {"verb": "get", "resource": "pods"}}),
            )
        })
        .collect();
    let lines: String = reviews.iter().map(|review| format!("{review}\n")).collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": reviews}).to_string();
    let yaml: String = reviews.iter().map(|review| format!("---\n{review}\n")).collect();
    let pretty: String = reviews.iter().map(|review| format!("{review:#}\n")).collect();
    let pretty = pretty.replace("  ", "\t").replace('\n', "\r\n");
    for (form, text) in [("lines", &lines), ("a list", &list), ("documents", &yaml), ("objects", &pretty)] {
        let outcome = review(text, &["-o", "ndjson"]);
        assert_eq!(outcome.code, 0, "{form}: {:?}", outcome.notes);
        let users: Vec<String> = outcome
            .out
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["spec"]["user"].as_str().unwrap().to_owned())
            .collect();
        assert!(users.iter().enumerate().all(|(at, user)| *user == format!("user-{at}")), "{form}");
        assert_eq!(users.len(), reviews.len(), "{form}");
    }
}

#[test]
fn an_expectation_that_is_not_met_is_exit_1_and_told_with_its_place() {
    let expecting = |group: &str, allowed: bool| {
        let mut review = subject_access_review(
            json!({"groups": [group], "resourceAttributes": {"verb": "get", "resource": "pods"}}),
        );
        review["status"] = json!({"allowed": allowed, "reason": "as somebody believed"});
        review.to_string()
    };
    let met = [expecting("dev", true), expecting("ops", false)].join("\n");
    assert_eq!((review(&met, &[]).code, review(&met, &[]).notes.len()), (0, 0));
    let unmet = [expecting("dev", true), expecting("dev", false), expecting("ops", true)].join("\n");
    let outcome = review(&unmet, &["-o", "json"]);
    assert_eq!(outcome.code, 1);
    assert_eq!(
        outcome.notes,
        [
            "error: standard input:2: expected denied, is allowed",
            "error: standard input:3: expected allowed, is denied"
        ]
    );
    let report: Value = serde_json::from_str(&outcome.out).unwrap();
    assert_eq!(report["summary"]["exit"], json!({"code": 1, "reasons": ["2 of 3 reviews are not as expected"]}));
    assert_eq!(report["items"][1]["status"]["allowed"], true, "the answer, not the expectation");
}
