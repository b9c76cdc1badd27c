//! The server's own words: reasons of reviews, and why it refuses some reviews altogether. Kept in `tests/fixtures` for the
//! tests that have no server; `record_words` writes them anew.

use std::fs;

use serde_json::{Value, json};

use crate::server::{self, ApiServer, path_review, review};
use crate::worlds::fixtures;

#[test]
fn the_recorded_words_are_the_servers() {
    let server = server::plain();
    for (file, said) in words(&server) {
        let recorded = fs::read_to_string(fixtures().join(file)).unwrap_or_default();
        assert_eq!(recorded, said, "{file}: see the head of tests/e2e/words.rs");
    }
}

#[test]
#[ignore = "writes into tests/fixtures"]
fn record_words() {
    let server = server::plain();
    for (file, said) in words(&server) {
        fs::write(fixtures().join(file), said).unwrap();
    }
}

fn words(server: &ApiServer) -> [(&'static str, String); 2] {
    [("review-errors.json", list_of(errors(server))), ("review-reasons.json", reasons(server))]
}

fn list_of(items: Vec<Value>) -> String {
    let items: Vec<String> = items.iter().map(Value::to_string).collect();
    format!("[\n{}\n]\n", items.join(",\n"))
}

/// Reviews that are no questions, with the server's status code and message.
fn errors(server: &ApiServer) -> Vec<Value> {
    let secrets = || json!({"verb": "get", "resource": "secrets", "namespace": "default"});
    let path = || json!({"verb": "get", "path": "/healthz"});
    let subject =
        |spec: Value| json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec});
    let local = |namespace: &str, spec: Value| {
        json!({"apiVersion": "authorization.k8s.io/v1", "kind": "LocalSubjectAccessReview",
            "metadata": {"namespace": namespace}, "spec": spec})
    };
    let with_selector = |selector: Value| {
        let mut asked = secrets();
        asked["fieldSelector"] = selector;
        subject(json!({"user": "alice", "resourceAttributes": asked}))
    };
    let mut named = subject(json!({"user": "alice", "resourceAttributes": secrets()}));
    named["metadata"] = json!({"name": "mine"});
    let mut placed = subject(json!({"user": "alice", "resourceAttributes": secrets()}));
    placed["metadata"] = json!({"namespace": "default"});
    let mut labelled = subject(json!({"user": "alice", "resourceAttributes": secrets()}));
    labelled["metadata"] = json!({"labels": {"a": "b"}, "creationTimestamp": null});
    let mut no_metadata = subject(json!({"user": "alice", "resourceAttributes": secrets()}));
    no_metadata["metadata"] = json!({"name": "", "labels": {}, "annotations": null, "creationTimestamp": null});
    let mut local_named = local("default", json!({"user": "alice", "resourceAttributes": secrets()}));
    local_named["metadata"]["name"] = "mine".into();
    let with_labels = |selector: Value| {
        let mut asked = secrets();
        asked["labelSelector"] = selector;
        subject(json!({"user": "alice", "resourceAttributes": asked}))
    };
    let mut with_status = subject(json!({"user": "alice", "resourceAttributes": secrets()}));
    with_status["status"] = json!({"allowed": true});
    let reviews = [
        (
            "both kinds of attributes",
            subject(json!({"user": "alice", "resourceAttributes": secrets(), "nonResourceAttributes": path()})),
        ),
        ("neither kind of attributes", subject(json!({"user": "alice"}))),
        ("no spec", json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview"})),
        ("nobody", subject(json!({"resourceAttributes": secrets()}))),
        ("an empty user and no groups", subject(json!({"user": "", "groups": [], "resourceAttributes": secrets()}))),
        ("nobody and nothing", subject(json!({}))),
        ("empty attributes are attributes", subject(json!({"user": "alice", "resourceAttributes": {}}))),
        ("an empty path is a path", subject(json!({"user": "alice", "nonResourceAttributes": {}}))),
        ("one empty group is somebody", subject(json!({"groups": [""], "resourceAttributes": secrets()}))),
        (
            "null attributes are none",
            subject(json!({"user": "alice", "resourceAttributes": secrets(), "nonResourceAttributes": null})),
        ),
        (
            "groups that are no list",
            subject(json!({"user": "alice", "groups": "dev", "resourceAttributes": secrets()})),
        ),
        ("a user that is no text", subject(json!({"user": 7, "resourceAttributes": secrets()}))),
        ("a name", named),
        ("a namespace on what has none", placed),
        ("a status is ignored", with_status),
        ("local, of this namespace", local("default", json!({"user": "alice", "resourceAttributes": secrets()}))),
        (
            "local, of another namespace",
            local("kube-system", json!({"user": "alice", "resourceAttributes": secrets()})),
        ),
        (
            "local, of no namespace",
            local("default", json!({"user": "alice", "resourceAttributes": {"verb": "get", "resource": "secrets"}})),
        ),
        ("local, of a path", local("default", json!({"user": "alice", "nonResourceAttributes": path()}))),
        (
            "local, of both kinds of attributes",
            local(
                "default",
                json!({"user": "alice", "resourceAttributes": secrets(), "nonResourceAttributes": path()}),
            ),
        ),
        ("local, of neither kind of attributes", local("default", json!({"user": "alice"}))),
        (
            "local, in a namespace that is not there",
            local(
                "gone",
                json!({"user": "alice", "resourceAttributes": {"verb": "get", "resource": "secrets", "namespace": "gone"}}),
            ),
        ),
        ("an empty field selector", with_selector(json!({}))),
        (
            "a field selector with text and requirements",
            with_selector(json!({"rawSelector": "metadata.name=a",
            "requirements": [{"key": "metadata.name", "operator": "In", "values": ["a"]}]})),
        ),
        (
            "a field selector with an unknown operator",
            with_selector(json!({"requirements": [{"key": "metadata.name", "operator": "Near", "values": ["a"]}]})),
        ),
        (
            "a field selector that takes no values and has some",
            with_selector(json!({"requirements": [{"key": "metadata.name", "operator": "Exists", "values": ["a"]}]})),
        ),
        (
            "a field selector that takes values and has none",
            with_selector(json!({"requirements": [{"key": "metadata.name", "operator": "In"}]})),
        ),
        (
            "a field selector without a key",
            with_selector(json!({"requirements": [{"operator": "In", "values": ["a"]}]})),
        ),
        (
            "a field selector with two values",
            with_selector(json!({"requirements": [{"key": "k", "operator": "In", "values": ["a", "b"]}]})),
        ),
        ("a field selector without an operator", with_selector(json!({"requirements": [{"key": "k"}]}))),
        ("a field selector that is no selector", with_selector(json!({"rawSelector": "a=b=c,!!"}))),
        (
            "a label selector with an unknown operator",
            with_labels(json!({"requirements": [{"key": "k", "operator": "Near"}]})),
        ),
        ("a label selector without a key", with_labels(json!({"requirements": [{"operator": "Exists"}]}))),
        (
            "a label selector with a wrong key",
            with_labels(json!({"requirements": [{"key": "a b", "operator": "Exists"}]})),
        ),
        (
            "a label selector with a wrong value",
            with_labels(json!({"requirements": [{"key": "k", "operator": "In", "values": ["a b"]}]})),
        ),
        (
            "a label selector that takes values and has none",
            with_labels(json!({"requirements": [{"key": "k", "operator": "NotIn"}]})),
        ),
        (
            "a label selector that takes no values and has some",
            with_labels(json!({"requirements": [{"key": "k", "operator": "DoesNotExist", "values": ["a"]}]})),
        ),
        ("a label selector that is no selector", with_labels(json!({"rawSelector": "a=b=c,!!"}))),
        ("an empty label selector", with_labels(json!({}))),
        ("labels", labelled),
        ("empty metadata", no_metadata),
        ("local, with a name", local_named),
    ];
    let calls = reviews.iter().map(|(_, review)| server.create_call(review)).collect();
    let replies = server.call_all(calls);
    let said = |((what, review), reply): (&(&str, Value), server::Reply)| {
        let mut said = json!({"what": what, "review": review, "code": reply.code});
        if reply.code == 200 {
            said["allowed"] = reply.body["status"]["allowed"].clone();
        } else {
            said["message"] = without_times(reply.body["message"].as_str().unwrap()).into();
        }
        said
    };
    reviews.iter().zip(replies).map(said).collect()
}

/// The server quotes metadata with the time of the request in it.
fn without_times(message: &str) -> String {
    const BEFORE: &str = "metadata: Invalid value: ";
    let quoted = message.split_once(BEFORE).and_then(|(before, rest)| Some((before, rest.rsplit_once('}')?.1)));
    quoted.map_or(message.to_owned(), |(before, after)| format!("{before}{BEFORE}{{...}}{after}"))
}

/// Names of users may hold anything, and the server quotes them as Go does.
const UNPRINTABLE: &str = "tab\t newline\n bell\u{7} nul\u{0} delete\u{7f} no-break\u{a0} zero\u{200b} private\u{e000} bom\u{feff} \
    soft\u{ad} far\u{10ffff} line\u{2028}";

/// A world in which each question has one reason only, and the reasons.
fn reasons(server: &ApiServer) -> String {
    let role = |kind: &str, name: &str, namespace: Option<&str>, verb: &str| {
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": name, "namespace": namespace},
            "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": [verb]}]})
    };
    let binding = |name: &str, namespace: Option<&str>, role: (&str, &str), subjects: Value| {
        let kind = if namespace.is_some() { "RoleBinding" } else { "ClusterRoleBinding" };
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": name, "namespace": namespace},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": role.0, "name": role.1}, "subjects": subjects})
    };
    let user = |name: &str| json!([{"kind": "User", "name": name}]);
    let group = |name: &str| json!([{"kind": "Group", "name": name}]);
    let account = |name: &str, namespace: Option<&str>| {
        let mut account = json!({"kind": "ServiceAccount", "name": name});
        if let Some(namespace) = namespace {
            account["namespace"] = namespace.into();
        }
        json!([account])
    };
    let here = Some("words");
    let mut paths = role("ClusterRole", "paths", None, "get");
    paths["rules"] = json!([{"nonResourceURLs": ["/words/*"], "verbs": ["get"]}]);
    let mut objects = vec![
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "words"}}),
        role("ClusterRole", "all-get", None, "get"),
        role("ClusterRole", "all \"quoted\" ü\\", None, "list"),
        role("Role", "own-get", here, "get"),
        paths,
        binding("to-user", None, ("ClusterRole", "all-get"), user("u1")),
        binding("to-group", None, ("ClusterRole", "all-get"), group("g1")),
        binding("to-account", None, ("ClusterRole", "all-get"), account("a1", Some("elsewhere"))),
        binding("to-account-as-user", None, ("ClusterRole", "all-get"), user("system:serviceaccount:elsewhere:a2")),
        binding(
            "odd \"name\" ü",
            None,
            ("ClusterRole", "all \"quoted\" ü\\"),
            user("u \"2\" ü\\ \u{e9}\u{301} \u{1f600}"),
        ),
        binding("to-unprintable", None, ("ClusterRole", "all-get"), user(UNPRINTABLE)),
        binding("to-path", None, ("ClusterRole", "paths"), user("u1")),
        binding("here-to-user", here, ("Role", "own-get"), user("u3")),
        binding("here-to-group", here, ("ClusterRole", "all-get"), group("g3")),
        binding("here-to-account", here, ("Role", "own-get"), account("a3", Some("elsewhere"))),
        binding("here-to-own-account", here, ("Role", "own-get"), account("a4", None)),
        // To roles that are not there.
        binding("gone-1", None, ("ClusterRole", "gone"), user("u4")),
        binding("here-gone-1", here, ("Role", "gone \"ü\""), user("u5")),
        binding("here-gone-2", here, ("ClusterRole", "gone"), user("u6")),
        binding("gone-2", None, ("ClusterRole", "gone"), group("g6")),
        binding("here-gone-3", here, ("Role", "lost"), group("g6")),
        // Twice the same one.
        binding("gone-3", None, ("ClusterRole", "gone"), user("u7")),
        binding("here-gone-4", here, ("ClusterRole", "gone"), user("u7")),
        binding("gone-4", None, ("ClusterRole", "gone"), group("g1")),
    ];
    for object in &mut objects {
        if object["metadata"]["namespace"].is_null() {
            object["metadata"].as_object_mut().unwrap().remove("namespace");
        }
    }
    server.apply_all(objects.clone());
    server.wait_visible();

    let get = |namespace: &str| json!({"verb": "get", "resource": "secrets", "namespace": namespace});
    let reviews = vec![
        review("u1", &[], get("words")),
        review("u1", &[], json!({"verb": "get", "resource": "secrets"})),
        review("", &["g1"], get("other")),
        review("nobody", &["g0", "g1"], get("words")),
        review("system:serviceaccount:elsewhere:a1", &[], get("words")),
        review("system:serviceaccount:elsewhere:a2", &[], get("words")),
        review("u \"2\" ü\\ \u{e9}\u{301} \u{1f600}", &[], json!({"verb": "list", "resource": "secrets"})),
        review(UNPRINTABLE, &[], get("words")),
        path_review("u1", &[], "get", "/words/x"),
        review("u3", &[], get("words")),
        review("nobody", &["g3"], get("words")),
        review("system:serviceaccount:elsewhere:a3", &[], get("words")),
        review("system:serviceaccount:words:a4", &[], get("words")),
        // Refused: with nothing to say, and with what is missing.
        review("u1", &[], json!({"verb": "delete", "resource": "secrets", "namespace": "words"})),
        review("u3", &[], get("other")),
        review("u4", &[], get("words")),
        review("u4", &[], json!({"verb": "delete", "resource": "nodes"})),
        path_review("u4", &[], "get", "/words/x"),
        review("u5", &[], get("words")),
        review("u5", &[], get("other")),
        review("u6", &[], get("words")),
        review("u6", &["g6"], get("words")),
        review("u6", &["g6"], get("other")),
        review("u7", &[], get("words")),
        // An allow does not speak of what is missing.
        review("u4", &["g1"], get("words")),
        review("nobody", &["system:masters"], get("words")),
        review("u4", &["system:masters"], get("words")),
    ];
    let statuses = server.review_all(reviews.clone());
    let answered = reviews.into_iter().zip(statuses).map(|(mut review, mut status)| {
        // Several missing roles come in the random order of the server's cache.
        let reason = status["reason"].as_str().unwrap_or_default();
        if let Some(list) = reason.strip_prefix("RBAC: [").and_then(|rest| rest.strip_suffix(']')) {
            let mut parts: Vec<&str> = list.split(", ").collect();
            parts.sort_unstable();
            status["reason"] = format!("RBAC: [{}]", parts.join(", ")).into();
        }
        review["status"] = status;
        review
    });
    let lines = |values: Vec<Value>| values.iter().map(Value::to_string).collect::<Vec<_>>().join(",\n");
    format!("{{\"objects\":[\n{}\n],\"reviews\":[\n{}\n]}}\n", lines(objects), lines(answered.collect()))
}
