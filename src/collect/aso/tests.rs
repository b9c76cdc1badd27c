//! What is kept of ASO's objects, and what never is.

use super::*;
use crate::collect::document::{ItemKind, Lines, Needs};
use crate::model::{AsoEnv, AsoSecretContent, AsoText, Snapshot};

fn read_with(needs: Needs, objects: &[&str]) -> (Snapshot, Vec<String>) {
    let mut reader = Reader::new(needs, "default");
    for object in objects {
        reader.json(object, Origin { line: 1, ..Origin::LIVE }, ItemKind::default(), Lines::OfFile);
    }
    let (part, problems) = reader.finish();
    (Snapshot::unite(vec![part]), problems.into_iter().map(|at| format!("{}: {}", at.line, at.message)).collect())
}

fn read(object: &str) -> (Snapshot, Vec<String>) {
    read_with(Needs { escalations: true, ..Needs::default() }, &[object])
}

#[test]
fn an_object_is_one_of_aso_by_its_group_or_version() {
    for (version, kind, expected) in [
        ("storage.azure.com/v1api20230101", "StorageAccount", "known"),
        ("storage.azure.com/v20230101", "StorageAccount", "known"),
        ("storage.azure.com/v9", "Cupboard", "newer"),
        ("sky.azure.com/v20300101", "Moon", "newer"),
        ("sky.azure.com/v1", "Moon", "-"),
        ("clusterconfig.azure.com/v1beta1", "ExtensionConfig", "-"),
        ("cid.wi.aks.azure.com/v1alpha1", "X", "-"),
        ("storage.azure.com/v1api20230101", "StorageAccountList", "-"),
        ("storage.azure.example/v1api20230101", "StorageAccount", "-"),
        ("v1", "Event", "event"),
        ("events.k8s.io/v1", "Event", "-"),
    ] {
        let found = match Kind::of(version, kind) {
            Some(Kind::Resource(Some(_))) => "known",
            Some(Kind::Resource(None)) => "newer",
            Some(Kind::Event) => "event",
            None => "-",
        };
        assert_eq!(found, expected, "{version} {kind}");
    }
}

#[test]
fn what_is_not_needed_is_not_read() {
    let object = r#"{"apiVersion": "storage.azure.com/v1api20230101", "kind": "StorageAccount", "metadata": {"name": "s"}, "spec": 7}"#;
    for needs in [Needs::default(), Needs::default().with_azure()] {
        let (snapshot, problems) = read_with(needs, &[object]);
        assert_eq!((snapshot.aso_resources.len(), problems.len()), (0, 0));
    }
    let (snapshot, problems) = read(object);
    assert_eq!((snapshot.aso_resources.len(), problems), (1, vec!["1: in `spec`: expected an object".to_owned()]));
}

#[test]
fn a_part_that_cannot_be_read_is_told_once() {
    for (spec, expected) in [
        (r#"{"owner": "rg"}"#, "1: in `spec`: expected an object"),
        (r#"{"operatorSpec": {"secrets": ["key1"]}}"#, "1: in `spec.operatorSpec.secrets`: expected an object"),
        (r#"{"operatorSpec": {"secrets": null}, "owner": null, "azureName": null}"#, ""),
    ] {
        let object = format!(
            r#"{{"apiVersion": "authorization.azure.com/v1api20220401", "kind": "RoleAssignment", "metadata": {{"name": "s"}}, "spec": {spec}}}"#
        );
        assert_eq!(read(&object).1.join("; "), expected);
    }
}

#[test]
fn an_event_says_whose_credential_was_used() {
    let event = |reason: &str, message: &str| {
        format!(
            r#"{{"apiVersion": "v1", "kind": "Event", "metadata": {{"name": "s.1", "namespace": "dev"}}, "reason": "{reason}",
            "message": "{message}", "lastTimestamp": "2026-01-01T00:00:00Z", "involvedObject":
            {{"apiVersion": "storage.azure.com/v1api20230101", "kind": "StorageAccount", "namespace": "dev", "name": "s"}}}}"#
        )
    };
    for (reason, message, expected) in [
        ("CredentialFrom", r#"Using credential from \"dev/aso-credential\""#, "dev/aso-credential"),
        (
            "CredentialFrom",
            "Using credential from azureserviceoperator-system/aso-controller-settings.",
            "azureserviceoperator-system/aso-controller-settings",
        ),
        ("CredentialFrom", "dev/x", "dev/x"),
        ("CredentialFrom", "Using credential from elsewhere", "-"),
        ("CredentialFrom", "from https://x/Y?sig=1", "-"),
        ("BeginCreateOrUpdate", "dev/aso-credential", "-"),
    ] {
        let (snapshot, problems) = read(&event(reason, message));
        assert_eq!(problems, [] as [&str; 0]);
        let found = snapshot
            .aso_events
            .first()
            .map(|at| format!("{}/{}", snapshot.text(at.secret.0), snapshot.text(at.secret.1)));
        assert_eq!(found.as_deref().unwrap_or("-"), expected, "{message}");
    }
}

#[test]
fn the_last_event_of_a_resource_counts() {
    let event = |name: &str, secret: &str, seen: &str| {
        format!(
            r#"{{"apiVersion": "v1", "kind": "Event", "metadata": {{"name": "{name}", "namespace": "dev"}}, "reason": "CredentialFrom",
            "message": "dev/{secret}", "lastTimestamp": {seen}, "involvedObject":
            {{"apiVersion": "storage.azure.com/v1api20230101", "kind": "StorageAccount", "namespace": "dev", "name": "s"}}}}"#
        )
    };
    let all = [
        event("s.1", "new", r#""2026-01-02T00:00:00Z""#),
        event("s.2", "old", r#""2026-01-01T00:00:00Z""#),
        event("s.3", "none", "null"),
    ];
    let (snapshot, _) = read_with(Needs::ALL, &all.each_ref().map(String::as_str));
    let found: Vec<_> = snapshot.aso_events.iter().map(|at| snapshot.text(at.secret.1)).collect();
    assert_eq!(found, ["new"]);
}

/// Every place in which a secret of ASO may stand in an input. Nothing of it may be kept anywhere.
#[test]
fn no_secret_is_kept() {
    let b64 = "aHVudGVyMg==";
    let secret = |name: &str, fields: &str| {
        format!(
            r#"{{"apiVersion": "v1", "kind": "Secret", "metadata": {{"name": "{name}", "namespace": "dev"}}, {fields}}}"#
        )
    };
    let keys = [
        "AZURE_CLIENT_SECRET",
        "AZURE_CLIENT_CERTIFICATE",
        "AZURE_CLIENT_CERTIFICATE_PASSWORD",
        "AZURE_CLIENT_ID",
        "AZURE_TENANT_ID",
        "AZURE_SUBSCRIPTION_ID",
        "AUTH_MODE",
        "AZURE_TARGET_NAMESPACES_",
        "AZURE_SYNC_PERIOD",
        "ENTRA_APP_ID",
        "kubeconfig",
        "password",
    ];
    let entries = |value: &str| keys.map(|key| format!(r#""{key}": "{value}""#)).join(",");
    let env = keys.map(|key| format!(r#"{{"name": "{key}", "value": "hunter2"}}"#)).join(",");
    let (plain, coded) = (entries("hunter2"), entries(b64));
    let resource = |kind: &str, rest: &str| {
        format!(r#"{{"apiVersion": "{kind}", "metadata": {{"name": "r", "namespace": "dev", "annotations": {{"x": "hunter2"}}}}, {rest}}}"#)
            .replacen("\", \"metadata", "\", \"kind\": \"VirtualMachine\", \"metadata", 1)
    };
    let objects = [
        secret("aso-credential", &format!(r#""stringData": {{{plain}}}"#)),
        secret("aso-controller-settings", &format!(r#""data": {{{coded}}}"#)),
        secret("both", &format!(r#""data": {{{coded}}}, "stringData": {{{plain}}}"#)),
        secret("broken", r#""data": {"AZURE_CLIENT_ID": "hunter2"}"#),
        secret("odd", r#""stringData": {"AZURE_CLIENT_ID": {"hunter2": 1}}"#),
        format!(
            r#"{{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {{"name": "m", "namespace": "aso"}}, "spec": {{"template": {{"spec":
            {{"containers": [{{"name": "manager", "image": "azureserviceoperator:v2", "env": [{env}]}}]}}}}}}}}"#
        ),
        resource(
            "compute.azure.com/v1api20220301",
            r#""spec": {"osProfile": {"adminPassword": "hunter2", "customData": "hunter2"}, "operatorSpec": {"secretExpressions": [
                {"name": "w", "key": "k", "value": "'hunter2'"}]}}, "status": {"properties": "hunter2"}"#,
        ),
    ];
    let (snapshot, problems) = read_with(Needs::ALL, &objects.each_ref().map(String::as_str));
    assert_eq!((snapshot.aso_secrets.len(), snapshot.aso_deployments.len(), snapshot.aso_resources.len()), (5, 1, 1));
    let kept: Vec<&str> = snapshot
        .names
        .iter()
        .map(|(_, text)| text)
        .filter(|text| text.contains("hunter2") || text.contains("aHVudGVyMg"))
        .collect();
    assert_eq!(kept, [] as [&str; 0]);
    assert!(
        problems.iter().chain(snapshot.warnings.iter().map(|at| &at.message)).all(|text| !text.contains("hunter2")),
        "{problems:?}"
    );
    // What is of the form of a list of namespaces may be one.
    let hidden = |entries: &AsoSecretContent| match entries {
        AsoSecretContent::Entries(all) => all.iter().all(|(_, text)| *text == AsoText::Hidden),
        _ => false,
    };
    assert!(snapshot.aso_secrets.iter().all(|at| hidden(&at.content)));
    assert!(snapshot.aso_deployments[0].env.iter().all(|(_, env)| *env == AsoEnv::Value(AsoText::Hidden)));
}
