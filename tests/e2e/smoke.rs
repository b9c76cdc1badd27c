//! The server is the one that the other tests think it is, and the harness does what it says.

use serde_json::{Value, json};

use crate::server::{self, ApiServer, Call, RBAC, RBAC_KINDS, path_review, review};

/// The version that `assets/go.mod` names.
const VERSION: &str = "v1.36.3";

#[test]
fn a_fresh_server_has_the_default_objects_and_nothing_else() {
    let server = server::plain();
    assert_eq!(server.get("/version")["gitVersion"], VERSION);
    let counts = RBAC_KINDS.iter().map(|(_, plural)| count(&server, &format!("{RBAC}/{plural}")));
    assert_eq!(counts.collect::<Vec<_>>(), [69, 50, 7, 7], "ClusterRoles, ClusterRoleBindings, Roles, RoleBindings");
    // Without controllers nobody fills the aggregated roles.
    assert_eq!(server.get(&format!("{RBAC}/clusterroles/view"))["rules"], Value::Null);
}

#[test]
fn reviews_are_answered_in_the_order_of_the_questions() {
    let server = server::plain();
    let secrets = || json!({"verb": "list", "resource": "secrets"});
    let statuses = server.review_all(vec![
        review("admin", &["system:masters"], secrets()),
        review("admin", &[], secrets()),
        path_review("carol", &[], "get", "/healthz"),
        path_review("carol", &["system:authenticated"], "get", "/healthz"),
    ]);
    let allowed: Vec<_> = statuses.iter().map(|status| status["allowed"].as_bool()).collect();
    assert_eq!(allowed, [Some(true), Some(false), Some(false), Some(true)]);
    // Two bindings allow this one, and which of them is named is left to chance.
    assert!(statuses[3]["reason"].as_str().unwrap().starts_with("RBAC: allowed by ClusterRoleBinding \"system:"));
}

#[test]
fn a_world_is_seen_when_it_is_loaded_and_gone_after_a_reset() {
    let server = server::plain();
    let reads_secrets =
        || review("alice", &[], json!({"verb": "get", "resource": "secrets", "namespace": "smoke-world"}));
    let world = || {
        vec![
            role_binding("smoke-world", "readers", "Role", "reader", "alice"),
            json!({"apiVersion": RBAC_VERSION, "kind": "Role",
                "metadata": {"name": "reader", "namespace": "smoke-world"},
                "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]}),
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "smoke-world"}}),
        ]
    };
    server.apply_all(world());
    // Once more, as a world that shares objects with the one before does.
    server.apply_all(world());
    server.wait_visible();
    assert_eq!(server.review_all(vec![reads_secrets()])[0]["allowed"], true);

    // The repair covers changed and deleted defaults too.
    let discovery = format!("{RBAC}/clusterroles/system:discovery");
    assert_eq!(server.call(Call::patch(&discovery, json!({"rules": null}))).code, 200);
    let basic = format!("{RBAC}/clusterrolebindings/system:basic-user");
    assert_eq!(server.call(Call::delete(&basic)).code, 200);
    server.reset();
    server.wait_visible();
    assert_eq!(server.review_all(vec![reads_secrets()])[0]["allowed"], false);
    assert_ne!(server.get(&discovery)["rules"], Value::Null);
    assert_eq!(server.get(&basic)["roleRef"]["name"], "system:basic-user");
}

#[test]
fn a_reset_takes_back_what_was_aggregated() {
    let server = server::with_controllers();
    let view = format!("{RBAC}/clusterroles/view");
    let before = server.get(&view)["rules"].take();
    let addition = json!({"apiVersion": RBAC_VERSION, "kind": "ClusterRole",
        "metadata": {"name": "smoke-view", "labels": {"rbac.authorization.k8s.io/aggregate-to-view": "true"}},
        "rules": [{"apiGroups": ["smoke.invalid"], "resources": ["things"], "verbs": ["get"]}]});
    server.apply_all(vec![addition]);
    server.wait_until("the role is aggregated", || server.get(&view)["rules"] != before);
    server.reset();
    assert_eq!(server.get(&view)["rules"], before);
}

#[test]
fn a_weak_user_is_refused_what_only_others_may_grant() {
    let server = server::plain();
    let binding = role_binding("default", "mine", "ClusterRole", "cluster-admin", "alice");
    let refusal = server.call(server.create_call(&binding).by("alice", &[]));
    assert_eq!((refusal.code, &refusal.body["reason"]), (403, &json!("Forbidden")));
    assert_eq!(server.call(server.create_call(&binding).by("root", &["system:masters"])).code, 200);

    // The same user by her own token.
    let path = format!("{RBAC}/clusterroles");
    let request = http::Request::get(&path).body(Vec::new()).unwrap();
    let client = server.client_of("alice");
    let refusal = server.block_on(client.request::<Value>(request)).unwrap_err();
    assert!(matches!(&refusal, kube::Error::Api(status) if status.code == 403), "{refusal}");
}

#[test]
fn kubectl_and_kubes_client_work_against_it() {
    let server = server::plain();
    let version = server.kubectl(&["version", "--output=json"]);
    let version: Value = serde_json::from_slice(&version.stdout).unwrap();
    assert_eq!([&version["clientVersion"]["gitVersion"], &version["serverVersion"]["gitVersion"]], [VERSION, VERSION]);
    assert_eq!(kubectl_can_i(&server, "admin"), "yes");
    assert_eq!(kubectl_can_i(&server, "carol"), "no");

    let client = server.client();
    assert_eq!(server.block_on(client.apiserver_version()).unwrap().git_version, VERSION);
}

#[test]
fn kubectl_finds_the_plugin() {
    let server = server::plain();
    let listed = server.kubectl(&["plugin", "list", "--name-only"]);
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.lines().any(|line| line == "kubectl-rbac_lens"), "{listed}");
    assert!(server.rbac_lens_as("carol", &["--version"]).status.success());
}

#[test]
fn controllers_fill_aggregated_roles_accounts_and_tokens() {
    let server = server::with_controllers();
    let rules = |role: &str| server.get(&format!("{RBAC}/clusterroles/{role}"))["rules"].as_array().unwrap().len();
    assert_eq!(["admin", "edit", "view"].map(rules), [29, 27, 12]);

    server.apply_all(vec![
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "smoke-tokens"}}),
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot", "namespace": "smoke-tokens"}}),
        json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
            "metadata": {"name": "robot-token", "namespace": "smoke-tokens",
                "annotations": {"kubernetes.io/service-account.name": "robot"}}}),
    ]);
    let secret = "/api/v1/namespaces/smoke-tokens/secrets/robot-token";
    server.wait_until("the Secret has its token", || server.get(secret)["data"]["token"].is_string());
    let account = "/api/v1/namespaces/smoke-tokens/serviceaccounts/default";
    server.wait_until("the namespace has its account", || server.call(Call::get(account)).code == 200);
}

const RBAC_VERSION: &str = "rbac.authorization.k8s.io/v1";

fn role_binding(namespace: &str, name: &str, role_kind: &str, role: &str, user: &str) -> Value {
    json!({"apiVersion": RBAC_VERSION, "kind": "RoleBinding", "metadata": {"name": name, "namespace": namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": role_kind, "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}]})
}

fn count(server: &ApiServer, path: &str) -> usize {
    server.get(path)["items"].as_array().unwrap().len()
}

fn kubectl_can_i(server: &ApiServer, user: &str) -> String {
    let output = server.kubectl_as(user, &["auth", "can-i", "list", "secrets"]);
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
