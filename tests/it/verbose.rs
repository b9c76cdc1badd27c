//! What is told beside the answer: nothing unless it is asked for, each level what it says, and never a secret.

use std::path::Path;
use std::process::{Command, Output};

use super::server;

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-rbac_lens"));
    command.env_remove("KUBECONFIG");
    command
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The lines of a kind, without what differs from run to run.
fn told(text: &str, kind: &str) -> Vec<String> {
    text.lines().filter_map(|line| line.strip_prefix(kind)).map(str::to_owned).collect()
}

#[test]
fn each_level_tells_what_it_says_and_the_answer_stays() {
    let run = |more: &[&str]| program().args(["escalations", "--demo"]).args(more).output().unwrap();
    let plain = run(&[]);
    for (flag, kinds) in
        [("-v=0", [false; 2]), ("-v=1", [false, false]), ("-v2", [true, false]), ("--v=6", [true, false])]
    {
        let output = run(&[flag]);
        assert_eq!(output.stdout, plain.stdout, "{flag}");
        let text = err(&output);
        assert_eq!([!told(&text, "time: ").is_empty(), !told(&text, "request: ").is_empty()], kinds, "{flag}: {text}");
    }
    let stages: Vec<String> = told(&err(&run(&["-v", "2"])), "time: ")
        .iter()
        .map(|line| line.split(':').next().unwrap().to_owned())
        .collect();
    assert_eq!(stages, ["read", "graph", "solve", "render", "all of it"]);
    // Where the flag stands is all the same, and what is wrong with it is said.
    assert!(!told(&err(&program().args(["-v=2", "checks", "--demo"]).output().unwrap()), "time: ").is_empty());
    let output = run(&["-v=much"]);
    assert_eq!((output.status.code(), err(&output).starts_with("error: `much` is no value of --v")), (Some(2), true));
}

#[test]
fn of_files_it_is_told_which_and_how_much() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("one.yaml");
    std::fs::write(&path, "apiVersion: v1\nkind: Namespace\nmetadata: {name: dev}\n").unwrap();
    let output = program().args(["what-can", "user:x", "-v=1", "-f"]).arg(&path).output().unwrap();
    assert_eq!(told(&err(&output), "info: "), [format!("{}: 53 bytes", path.display())]);
}

const OBJECTS: &[(&str, &str)] = &[
    (
        "/apis/rbac.authorization.k8s.io/v1/clusterroles",
        r#"{"metadata":{"name":"r","annotations":{"a":"PLANTED-1"}},"rules":[{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}]}"#,
    ),
    (
        "/apis/apps/v1/deployments",
        r#"{"metadata":{"name":"d","namespace":"dev"},"spec":{"template":{"spec":{"containers":[{"name":"c","env":[{"name":"P","value":"PLANTED-2"}]}]}}}}"#,
    ),
    (
        "/api/v1/secrets",
        r#"{"metadata":{"name":"s","namespace":"dev"},"data":{"k":"UExBTlRFRC0z"},"stringData":{"k":"PLANTED-3"}}"#,
    ),
];

#[test]
fn requests_are_told_without_headers_and_bodies() {
    let folder = tempfile::tempdir().unwrap();
    let address = server::start(server::holding(OBJECTS));
    let run = |verbosity: &str, more: &[&str]| {
        let mut command = program();
        command.arg("escalations").arg(verbosity).args(more).arg("--kubeconfig");
        command.arg(server::kubeconfig(folder.path(), &address)).output().unwrap()
    };
    let output = run("-v=6", &[]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let requests = told(&err(&output), "request: ");
    let roles = "GET /apis/rbac.authorization.k8s.io/v1/clusterroles?limit=500 200 OK in ";
    assert!(requests.iter().any(|line| line.starts_with(roles) && line.ends_with(" ms")), "{requests:?}");
    assert!(
        told(&err(&output), "info: ").contains(&"clusterroles: 1 objects, 184 bytes".to_owned()),
        "{}",
        err(&output)
    );
    assert!(told(&err(&run("-v=5", &[])), "request: ").is_empty());
    // More than anybody has levels for, and every secret there is: of the kubeconfig, of flags, of headers, of objects.
    let output = run(
        "-v=9",
        &["--secret-metadata", "--token", "PLANTED-FLAG", "--as", "bob", "--as-user-extra", "k=PLANTED-EXTRA"],
    );
    let all = [output.stdout.clone(), output.stderr.clone()].concat();
    let all = String::from_utf8(all).unwrap();
    assert!(all.contains("request: GET /api/v1/pods"), "{all}");
    for secret in ["PLANTED", "UExBTlRFRC0z", "Bearer", "uthorization:", "mpersonate-"] {
        assert!(!all.contains(secret), "{secret}: {all}");
    }
}

#[test]
fn nothing_of_progress_gets_into_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.ndjson");
    let line = |at: usize| {
        format!("{{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{{\"name\":\"n-{at:07}\"}}}}\n")
    };
    std::fs::write(&path, (0..150_000).map(line).collect::<String>()).unwrap();
    let output = program().args(["what-can", "user:x", "-f"]).arg(&path).output().unwrap();
    assert!(!output.stderr.contains(&0x1b) && !output.stderr.contains(&b'\r'), "{}", err(&output));
    assert!(!err(&output).contains("reading"));
}

/// Runs a line with a terminal as its standard error, if there is util-linux's script to make one.
fn on_a_terminal(folder: &Path, line: &str) -> Option<String> {
    let output = Command::new("script")
        .args(["-qec", &format!("{line} >/dev/null"), "/dev/null"])
        .current_dir(folder)
        .env("TERM", "xterm")
        .env_remove("CI")
        .output();
    output.ok().filter(|output| output.status.success()).map(|output| String::from_utf8(output.stdout).unwrap())
}

#[test]
fn on_a_terminal_progress_is_shown_and_cleared() {
    let folder = tempfile::tempdir().unwrap();
    let line = |at: usize| {
        format!("{{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{{\"name\":\"n-{at:07}\"}}}}\n")
    };
    std::fs::write(folder.path().join("large.ndjson"), (0..300_000).map(line).collect::<String>()).unwrap();
    let program = env!("CARGO_BIN_EXE_kubectl-rbac_lens");
    let ask = |more: &str| on_a_terminal(folder.path(), &format!("{program} what-can user:x -f large.ndjson {more}"));
    let Some(shown) = ask("") else { return };
    assert!(shown.contains("reading large.ndjson, "), "{shown:?}");
    assert!(shown.contains(" MiB of "), "{shown:?}");
    let (_, last) = shown.rsplit_once("reading").unwrap();
    assert!(last.contains("\u{1b}[2K"), "it is cleared: {last:?}");
    assert!(!ask("-q").unwrap().contains("reading"));
    assert!(!ask("-v=2").unwrap().contains("reading"));
}
