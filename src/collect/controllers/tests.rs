//! What is read of workloads that make pods.

use super::*;
use crate::collect::document::{ItemKind, Lines, Needs};
use crate::model::Snapshot;

fn read(object: &str) -> (Snapshot, Vec<String>) {
    let mut reader = Reader::new(Needs::ALL, "default");
    reader.json(object, Origin { line: 1, ..Origin::LIVE }, ItemKind::default(), Lines::OfFile);
    let (part, problems) = reader.finish();
    (Snapshot::unite(vec![part]), problems.into_iter().map(|at| format!("{}: {}", at.line, at.message)).collect())
}

fn object(kind: &str, metadata: &str, spec: &str) -> String {
    format!(r#"{{"apiVersion": "apps/v1", "kind": "{kind}", "metadata": {{"name": "x"{metadata}}}, "spec": {spec}}}"#)
}

fn pod(spec: &str) -> String {
    format!(r#"{{"template": {{"spec": {spec}}}}}"#)
}

fn say(object: &str) -> String {
    let (snapshot, problems) = read(object);
    assert_eq!(problems, [] as [&str; 0], "{object}");
    let at = &snapshot.controllers[0];
    let account = at.service_account.map_or("-", |account| snapshot.text(account));
    let list = |id| snapshot.lists.get(id).iter().map(|&name| snapshot.text(name)).collect::<Vec<_>>().join(" ");
    let (kind, owned) = (at.kind.as_str(), if at.owned { " owned" } else { "" });
    format!("{kind} {account} {:?} ({}){owned} [{}] [{}]", at.automount, at.powers, list(at.images), list(at.args))
}

#[test]
fn a_workload_has_the_pods_of_its_template() {
    let strong = r#"{"serviceAccountName": "bot", "automountServiceAccountToken": false, "hostPID": true,
        "initContainers": [{"image": "init"}, {"image": "side", "restartPolicy": "Always"}],
        "containers": [{"image": "a", "args": ["--x"], "securityContext": {"privileged": true}}, {"image": "b"}]}"#;
    let expected = "bot Some(false) (privileged, hostPID) [side a b] []";
    for kind in ["Deployment", "DaemonSet", "StatefulSet", "ReplicaSet"] {
        assert_eq!(say(&object(kind, "", &pod(strong))), format!("{kind} {expected}"));
    }
    let of = |group: &str, kind: &str, spec: &str| say(&object(kind, "", spec).replace("apps/v1", group));
    assert_eq!(of("batch/v1", "Job", &pod(strong)), format!("Job {expected}"));
    let cron = format!(r#"{{"jobTemplate": {{"spec": {}}}}}"#, pod(strong));
    assert_eq!(of("batch/v1beta1", "CronJob", &cron), format!("CronJob {expected}"));
    assert_eq!(of("v1", "ReplicationController", &pod(strong)), format!("ReplicationController {expected}"));
    for empty in ["null", "{}", r#"{"template": null}"#, r#"{"template": {"spec": null}}"#] {
        assert_eq!(say(&object("Deployment", "", empty)), "Deployment - None () [] []");
    }
}

#[test]
fn what_is_controlled_is_owned() {
    for (owners, expected) in [
        ("null", ""),
        ("[]", ""),
        (r#"[{"kind": "Tenant", "name": "t"}]"#, ""),
        (r#"[{"controller": false}, {"controller": true}]"#, " owned"),
    ] {
        let found = say(&object("ReplicaSet", &format!(r#", "ownerReferences": {owners}"#), "{}"));
        assert_eq!(found, format!("ReplicaSet - None (){expected} [] []"));
    }
}

#[test]
fn arguments_are_kept_of_deputies_alone_and_without_secrets() {
    let args = |image: &str, label: &str, args: &str| {
        let spec = pod(&format!(r#"{{"containers": [{{"image": "{image}", "command": ["run"], "args": {args}}}]}}"#));
        let found = say(&object("Deployment", &format!(r#", "labels": {{"part-of": "{label}"}}"#), &spec));
        found.rsplit_once('[').unwrap().1.trim_end_matches(']').to_owned()
    };
    assert_eq!(args("nginx", "web", r#"["--x"]"#), "");
    assert_eq!(args("influxdb", "", r#"["--x"]"#), "");
    assert_eq!(args("nginx", "flux", r#"["--x"]"#), "run --x");
    assert_eq!(args("quay.io/argoproj/argocd:v3", "", r#"["--x", "y"]"#), "run --x y");
    assert_eq!(args("mcr.microsoft.com/k8s/azureserviceoperator:v2", "", "null"), "run");
    for (given, kept) in [
        (r#"["--redis-password", "hunter2", "a", "--b"]"#, "run a --b"),
        (r#"["--password=hunter2", "a"]"#, "run a"),
        (r#"["--Token", "--a", "b"]"#, "run --a b"),
        (r#"["export API_TOKEN=hunter2; run"]"#, "run"),
    ] {
        assert_eq!(args("argocd", "", given), kept);
    }
}

#[test]
fn a_workload_of_the_wrong_shape_is_an_error() {
    let spec = "{\n\"template\": {\"spec\": {\"containers\": 7}}}";
    assert_eq!(read(&object("Deployment", "", spec)).1, ["2: in `spec`: expected a list, found `7`"]);
    let owners = object("ReplicaSet", r#", "ownerReferences": {"controller": true}"#, "{}");
    assert_eq!(read(&owners).1, ["1: in `metadata.ownerReferences`: expected a list, found an object"]);
    let args = object("Deployment", "", &pod(r#"{"containers": [{"image": "argocd", "args": [7]}]}"#));
    assert_eq!(read(&args).1, ["1: in `command` or `args` of a container: expected text, found `7`"]);
    assert_eq!(read(&object("Deployment", "", "[]")).1, ["1: in `spec`: expected an object, found a list"]);
}

#[test]
fn of_two_with_one_name_the_last_counts() {
    let [a, b] =
        ["a", "b"].map(|account| object("Job", "", &pod(&format!(r#"{{"serviceAccountName": "{account}"}}"#))));
    let list = |items: [&str; 3]| {
        let items = items.join(",").replace("apps/v1", "batch/v1");
        read(&format!(r#"{{"apiVersion": "v1", "kind": "List", "items": [{items}]}}"#)).0
    };
    let other = object("CronJob", "", "{}");
    let snapshot = list([&a, &other, &b]);
    assert_eq!(snapshot.text(snapshot.controllers[0].service_account.unwrap()), "b");
    let kinds: Vec<_> = snapshot.controllers.iter().map(|at| at.kind).collect();
    assert_eq!((kinds, snapshot.warnings.len()), (vec![ControllerKind::Job, ControllerKind::CronJob], 1));
    assert!(snapshot.warnings[0].message.starts_with("Job `default/x` is given twice"));
}
