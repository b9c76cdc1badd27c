//! Whom the API server asks, and about what.

use super::*;
use crate::collect::document::{ItemKind, Lines, Needs};
use crate::model::Snapshot;

fn read_with(needs: Needs, group: &str, kind: &str, fields: &str) -> (Snapshot, Vec<String>) {
    let object = format!(r#"{{"apiVersion": "{group}/v1", "kind": "{kind}", "metadata": {{"name": "x"}}, {fields}}}"#);
    let mut reader = Reader::new(needs, "default");
    reader.json(&object, Origin { line: 1, ..Origin::LIVE }, ItemKind::default(), Lines::OfFile);
    let (part, problems) = reader.finish();
    (Snapshot::unite(vec![part]), problems.into_iter().map(|at| format!("{}: {}", at.line, at.message)).collect())
}

fn read(kind: &str, fields: &str) -> Snapshot {
    let (snapshot, problems) = read_with(Needs::ALL, AdmissionKind::GROUP, kind, fields);
    assert_eq!(problems, [] as [&str; 0], "{fields}");
    snapshot
}

fn backend(snapshot: &Snapshot, backend: Backend) -> String {
    match backend {
        Backend::Service { namespace, name } => [snapshot.text(namespace), snapshot.text(name)].join("/"),
        other => format!("{other:?}"),
    }
}

fn hooks(kind: &str, fields: &str) -> Vec<String> {
    let snapshot = read(kind, fields);
    let admission = &snapshot.admissions[0];
    assert_eq!(admission.kind.as_str(), kind);
    let word = |yes: bool, word: &str| if yes { format!(" {word}") } else { String::new() };
    let line = |hook: &AdmissionHook| {
        let about = [word(hook.pods, "pods"), word(hook.ignores_failure, "ignores")].concat();
        format!("{} {}{about}", snapshot.text(hook.name), backend(&snapshot, hook.backend))
    };
    admission.hooks.iter().map(line).collect()
}

#[test]
fn a_webhook_is_asked_about() {
    let pods = r#"{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}"#;
    for (rules, expected) in [
        (pods.to_owned(), true),
        (pods.replace("CREATE", "*"), true),
        (pods.replace(r#"[""]"#, r#"["*"]"#), true),
        (pods.replace("pods", "*"), true),
        (pods.replace("pods", "*/*"), true),
        (pods.replace("}", r#", "scope": "Namespaced"}"#), true),
        (["{}", pods].join(","), true),
        (pods.replace("}", r#", "scope": "Cluster"}"#), false),
        (pods.replace("CREATE", "UPDATE"), false),
        (pods.replace(r#"[""]"#, r#"["apps"]"#), false),
        (pods.replace("pods", "pods/*"), false),
        (pods.replace("pods", "*/status"), false),
        (r#"{"operations": null, "resources": null}"#.to_owned(), false),
    ] {
        let found = hooks("MutatingWebhookConfiguration", &format!(r#""webhooks": [{{"rules": [{rules}]}}]"#));
        assert_eq!(found, [if expected { " Url pods" } else { " Url" }], "{rules}");
        let spec = format!(r#""spec": {{"matchConstraints": {{"resourceRules": [{rules}]}}}}"#);
        let found = hooks("ValidatingAdmissionPolicy", &spec);
        assert_eq!(found, [if expected { " Local pods" } else { " Local" }], "{rules}");
    }
    let webhooks = r#""webhooks": [
        {"name": "a.x", "clientConfig": {"service": {"namespace": "n", "name": "s", "path": "/p"}}, "failurePolicy": "Ignore"},
        {"name": "b.x", "clientConfig": {"url": "https://x"}, "failurePolicy": "Fail"}, {"name": "c.x", "clientConfig": null}]"#;
    for kind in ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"] {
        assert_eq!(hooks(kind, webhooks), ["a.x n/s ignores", "b.x Url", "c.x Url"]);
        assert_eq!(hooks(kind, r#""webhooks": null"#), [] as [&str; 0]);
    }
    for kind in ["MutatingAdmissionPolicy", "ValidatingAdmissionPolicy"] {
        assert_eq!(hooks(kind, r#""spec": {"failurePolicy": "Ignore"}"#), [" Local pods ignores"]);
        assert_eq!(hooks(kind, r#""spec": null"#), [" Local pods"]);
    }
}

#[test]
fn a_policy_is_bound() {
    for (kind, fields, expected) in [
        (
            "ValidatingAdmissionPolicyBinding",
            r#""spec": {"policyName": "p", "validationActions": ["Warn", "Deny"]}"#,
            "p true",
        ),
        (
            "ValidatingAdmissionPolicyBinding",
            r#""spec": {"policyName": "p", "validationActions": ["Audit"]}"#,
            "p false",
        ),
        ("MutatingAdmissionPolicyBinding", r#""spec": {"policyName": "p"}"#, "p false"),
        ("MutatingAdmissionPolicyBinding", r#""spec": null"#, " false"),
    ] {
        let snapshot = read(kind, fields);
        let binding = &snapshot.policy_bindings[0];
        assert_eq!([binding.kind.as_str(), "Binding"].concat(), kind);
        assert_eq!(format!("{} {}", snapshot.text(binding.policy), binding.denies), expected);
    }
    // A webhook configuration has no bindings.
    assert!(read("MutatingWebhookConfigurationBinding", r#""spec": {}"#).policy_bindings.is_empty());
}

#[test]
fn an_api_is_served_by() {
    let service = |spec: &str| {
        let (snapshot, problems) = read_with(Needs::ALL, "apiregistration.k8s.io", "APIService", spec);
        assert_eq!(problems, [] as [&str; 0]);
        snapshot.api_services[0]
            .service
            .map(|(namespace, name)| [snapshot.text(namespace), snapshot.text(name)].join("/"))
    };
    assert_eq!(service(r#""spec": {"service": {"namespace": "n", "name": "s"}}"#).as_deref(), Some("n/s"));
    assert_eq!([r#""spec": {"service": null}"#, r#""spec": null"#].map(service), [None, None]);
}

#[test]
fn a_definition_converts() {
    let definition = |conversion: &str, needs: Needs| {
        let spec = format!(
            r#""spec": {{"group": "g", "scope": "Cluster", "names": {{"plural": "p", "kind": "K"}},
                "versions": [{{"name": "v1", "served": true}}], "conversion": {conversion}}}"#
        );
        let (snapshot, problems) = read_with(needs, "apiextensions.k8s.io", "CustomResourceDefinition", &spec);
        assert_eq!(problems, [] as [&str; 0]);
        let found = snapshot.conversions.iter().map(|at| backend(&snapshot, at.backend)).collect::<Vec<_>>().join(" ");
        (found, snapshot.resources.len())
    };
    let webhook =
        r#"{"strategy": "Webhook", "webhook": {"clientConfig": {"service": {"namespace": "n", "name": "s"}}}}"#;
    assert_eq!(definition(webhook, Needs::ALL), ("n/s".to_owned(), 1));
    assert_eq!(definition(r#"{"strategy": "Webhook"}"#, Needs::ALL), ("Url".to_owned(), 1));
    for none in [r#"{"strategy": "None"}"#, "null", "{}"] {
        assert_eq!(definition(none, Needs::ALL), (String::new(), 1));
    }
    assert_eq!(definition(webhook, Needs { definitions: true, ..Needs::default() }), (String::new(), 1));
    assert_eq!(definition(webhook, Needs { escalations: true, ..Needs::default() }), ("n/s".to_owned(), 0));
}

#[test]
fn what_is_not_needed_is_not_looked_at() {
    let wrong = r#""webhooks": 7"#;
    let (snapshot, problems) = read_with(Needs::default(), AdmissionKind::GROUP, "MutatingWebhookConfiguration", wrong);
    assert_eq!((snapshot.admissions.len(), problems.len(), snapshot.counts.len()), (0, 0, 1));
    let (_, problems) = read_with(Needs::ALL, AdmissionKind::GROUP, "MutatingWebhookConfiguration", wrong);
    assert_eq!(problems, ["1: in `webhooks`: expected a list, found `7`"]);
    let (_, problems) = read_with(Needs::ALL, AdmissionKind::GROUP, "ValidatingAdmissionPolicy", r#""spec": []"#);
    assert_eq!(problems, ["1: in `spec`: expected an object, found a list"]);
}
