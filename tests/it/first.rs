//! The first run of somebody who has no cluster, no rights, or nothing of Azure: what was not seen is told, with the command that helps.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use rbac_lens::collect::DEMO;
use serde_json::Value;

use super::{ask, ask_with, server};

/// Runs the program as somebody whose home is empty.
fn run(home: &Path, words: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-rbac_lens"));
    command.env("HOME", home).env("KUBECONFIG", "").current_dir(home);
    for name in
        ["KUBERNETES_MASTER", "KUBERNETES_SERVICE_HOST", "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"]
    {
        command.env_remove(name);
    }
    let Output { status, stdout, stderr } = command.args(words).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

const DEMO_HINT: &str =
    "hint: `kubectl rbac-lens escalations --demo` needs no cluster: it answers for an example company\n";

#[test]
fn without_a_cluster_there_is_the_example() {
    let home = tempfile::tempdir().unwrap();
    let closed = format!("http://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    let config = server::kubeconfig(home.path(), &closed);
    let config = config.to_str().unwrap();
    for command in
        ["who-can get pods", "what-can user:x", "why user:x get pods", "escalations", "checks", "aso", "snapshot x"]
    {
        let words = |more: &[&'static str]| command.split(' ').chain(more.iter().copied()).collect::<Vec<_>>();
        // A kubeconfig whose cluster is gone.
        let (code, out, err) = run(home.path(), &[&words(&[])[..], &["--kubeconfig", config]].concat());
        assert_eq!((code, out.as_str()), (Some(2), ""), "{command}");
        assert!(err.starts_with(&format!("error: cannot reach the cluster at {closed} (context `test`): ")), "{err}");
        assert!(err.ends_with(DEMO_HINT) && err.lines().count() == 2, "{err}");
    }
    // The hint is no lie.
    assert_eq!(run(home.path(), &["escalations", "--demo"]).0, Some(0));
    // A slip in a name is no lack of a cluster: the names that there are help more.
    let (code, _, err) = run(home.path(), &["who-can", "get", "pods", "--kubeconfig", config, "--context", "prod"]);
    assert_eq!((code, err.as_str()), (Some(2), "error: context `prod` does not exist; known contexts: test\n"));
    // Nothing listens where kubectl looks without a kubeconfig, or something does that is no API server; both are said.
    let (code, _, err) = run(home.path(), &["who-can", "get", "pods"]);
    assert_eq!((code, err.starts_with("error: ")), (Some(2), true), "{err}");
    assert!(err.contains("no kubeconfig was found") || err.contains("localhost:8080"), "{err}");
}

#[test]
fn without_rights_there_is_the_role_that_is_missing() {
    let home = tempfile::tempdir().unwrap();
    let address = server::start(server::refusing);
    let config = server::kubeconfig(home.path(), &address);
    let config = config.to_str().unwrap();
    let (code, _, err) = run(home.path(), &["why", "user:bob", "get", "pods", "--kubeconfig", config]);
    assert_eq!(code, Some(1));
    assert!(err.contains("\n  clusterroles is forbidden: User \"carol\" cannot list resource\n"), "{err}");
    assert!(
        err.contains("warning: no role and no binding of the cluster could be read, so the answer says nothing"),
        "{err}"
    );
    let role = "hint: `kubectl create clusterrole rbac-lens --verb=list --resource=";
    let given: Vec<&str> = err.lines().filter_map(|line| line.strip_prefix(role)).collect();
    assert_eq!(given.len(), 1, "{err}");
    let (resources, rest) = given[0].split_once('`').unwrap();
    assert!(resources.split(',').any(|one| one == "clusterrolebindings.rbac.authorization.k8s.io"), "{resources}");
    assert!(resources.split(',').any(|one| one == "namespaces"), "{resources}");
    assert!(
        rest.contains("`kubectl create clusterrolebinding rbac-lens --clusterrole=rbac-lens --user=YOU`"),
        "{rest}"
    );
    // What one question does not need is not asked for.
    assert!(!resources.contains("deployments"), "{resources}");
    let (_, _, err) = run(home.path(), &["escalations", "--kubeconfig", config]);
    assert!(err.lines().any(|line| line.starts_with(role) && line.contains(",deployments.apps,")), "{err}");
    let (code, _, err) = run(home.path(), &["escalations", "-q", "--strict", "--kubeconfig", config]);
    assert_eq!((code, err.as_str()), (Some(3), ""));
}

#[test]
fn with_one_right_too_few_the_answer_says_which() {
    let home = tempfile::tempdir().unwrap();
    let all = server::holding(&[]);
    let address =
        server::start(move |path| if path.contains("/rolebindings?") { server::refusing(path) } else { all(path) });
    let config = server::kubeconfig(home.path(), &address);
    let (code, _, err) = run(home.path(), &["what-can", "user:bob", "--kubeconfig", config.to_str().unwrap()]);
    assert_eq!(code, Some(0));
    assert!(err.contains("--resource=rolebindings.rbac.authorization.k8s.io` has what is missing"), "{err}");
    assert!(!err.contains("says nothing about it"), "{err}");
}

#[test]
fn words_of_a_snapshot_are_no_commands() {
    let line = r#"{"apiVersion":"rbac-lens.dev/v1alpha1","kind":"Snapshot","cluster":{"name":"c","stored":true},"discovered":false,"warnings":[],"others":[],"resources":[],"gaps":[{"apiGroup":"","resource":"pods`;reboot;`","reason":"forbidden","message":"m"},{"apiGroup":"x;y","resource":"pods","reason":"forbidden","message":"m"}]}"#;
    let outcome = ask_with(["what-can", "user:x", "-f", "-"], line);
    assert_eq!(outcome.code, 0, "{:?}", outcome.notes);
    assert!(outcome.notes.iter().any(|note| note.contains("2 gaps")), "{:?}", outcome.notes);
    assert!(!outcome.notes.iter().any(|note| note.contains("create clusterrole")), "{:?}", outcome.notes);
}

#[test]
fn without_azure_there_is_the_command_that_saves_it() {
    let folder = tempfile::tempdir().unwrap();
    for file in DEMO {
        let name = file.name.rsplit('/').next().unwrap();
        std::fs::write(folder.path().join(name), file.text).unwrap();
    }
    let folder = folder.path().to_str().unwrap();
    let note = "identities may do in Azure is unknown; `kubectl rbac-lens azure-export DIR` saves it, and --azure DIR reads it";
    for command in ["escalations", "aso"] {
        let outcome = ask([command, "-f", folder]);
        let told: Vec<&String> = outcome.notes.iter().filter(|line| line.contains("azure-export")).collect();
        assert_eq!(told.len(), 1, "{command}: {:?}", outcome.notes);
        assert!(told[0].starts_with("note: what ") && told[0].ends_with(note), "{}", told[0]);
        assert!(ask([command, "-f", folder, "-q"]).notes.is_empty());
        // With Azure's side there is nothing to say, and without ASO nothing to ask for.
        let outcome = ask([command, "--demo"]);
        assert!(!outcome.notes.iter().any(|line| line.contains("azure-export")), "{command}: {:?}", outcome.notes);
        let outcome = ask_with([command, "-f", "-"], "apiVersion: v1\nkind: Namespace\nmetadata: {name: dev}\n");
        assert!(!outcome.notes.iter().any(|line| line.contains("azure-export")), "{command}: {:?}", outcome.notes);
    }
}

/// An answer without where its objects were read.
fn unplaced(text: &str) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields
                    .retain(|key, _| !["source", "origin", "physicalLocation", "generatedAt"].contains(&key.as_str()));
                fields.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut value: Value = serde_json::from_str(text).unwrap();
    strip(&mut value);
    value
}

#[test]
fn a_snapshot_holds_what_azure_says() {
    let outcome = ask(["snapshot", "-", "--demo"]);
    assert!(!outcome.notes.iter().any(|note| note.contains("azure")), "{:?}", outcome.notes);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("saved.ndjson");
    std::fs::write(&file, &outcome.out).unwrap();
    let file = file.to_str().unwrap();
    let write = "Microsoft.Authorization/roleAssignments/write";
    let questions: [&[&str]; 9] = [
        &["escalations"],
        &["escalations", "--to", "azure"],
        &["aso"],
        &["checks"],
        &["who-can", "get", "secrets", "-n", "prod"],
        &["who-can", "get", "pods", "-A"],
        &["why", "group:dev-team", "get", "secrets", "-n", "dev"],
        &["what-can", "user:alice@contoso.example"],
        &["who-can", "--azure-action", write, "--scope", "/subscriptions/11111111-0000-0000-0000-000000000001"],
    ];
    for question in questions {
        let words = question.iter().copied().chain(["-o", "json"]);
        let own = ask(words.clone().chain(["--demo"]));
        let saved = ask(words.clone().chain(["-f", file]));
        assert_eq!((own.code, unplaced(&own.out)), (saved.code, unplaced(&saved.out)), "{question:?}");
        let piped = ask_with(words.chain(["-f", "-"]), &outcome.out);
        assert_eq!(unplaced(&saved.out), unplaced(&piped.out), "{question:?}");
    }
    // What is saved of it once more is the same again.
    let again = ask(["snapshot", "-", "-f", file]);
    assert_eq!(again.out, outcome.out);
}

#[test]
fn azure_beside_a_snapshot_counts_and_not_what_is_in_it() {
    let snapshot = ask(["snapshot", "-", "--demo"]).out;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("azure.json");
    std::fs::write(&file, r#"[{"id": "/subscriptions/11111111-0000-0000-0000-000000000001/providers/Microsoft.Authorization/roleAssignments/a", "type": "Microsoft.Authorization/roleAssignments", "principalId": "aaaaaaaa-0000-0000-0000-000000000009", "scope": "/subscriptions/11111111-0000-0000-0000-000000000001", "roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "password": "planted-1"},
        {"id": "/subscriptions/11111111-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/one", "type": "Microsoft.ContainerService/managedClusters", "kubeConfig": "planted-2", "servicePrincipalProfile": {"clientId": "cccccccc-0000-0000-0000-000000000009", "secret": "planted-3"}}]"#).unwrap();
    let words = ["snapshot", "-", "-f", "-", "--azure", file.to_str().unwrap()];
    let saved = ask_with(words, &snapshot).out;
    assert!(saved.contains("cccccccc-0000-0000-0000-000000000009") && !saved.contains("planted"), "{saved}");
    let head: Value = serde_json::from_str(saved.lines().next().unwrap()).unwrap();
    assert_eq!(head["azure"]["assignments"].as_array().map(Vec::len), Some(1), "{head}");
}
