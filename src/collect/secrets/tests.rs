//! What a Secret is taken for, and what is never read of it.

use super::*;
use crate::collect::document::{ItemKind, Lines, Needs};
use crate::model::Snapshot;

fn read_with(needs: Needs, object: &str) -> (Snapshot, Vec<String>) {
    let mut reader = Reader::new(needs, "default");
    reader.json(object, Origin { line: 1, ..Origin::LIVE }, ItemKind::default(), Lines::OfFile);
    let (part, problems) = reader.finish();
    (Snapshot::unite(vec![part]), problems.into_iter().map(|at| format!("{}: {}", at.line, at.message)).collect())
}

fn read(object: &str) -> (Snapshot, Vec<String>) {
    read_with(Needs { escalations: true, ..Needs::default() }, object)
}

fn secret(name: &str, fields: &str) -> String {
    format!(r#"{{"apiVersion": "v1", "kind": "Secret", {fields}, "metadata": {{"name": "{name}"}}}}"#)
}

fn secret_with(name: &str, metadata: &str) -> String {
    format!(r#"{{"apiVersion": "v1", "kind": "Secret", "metadata": {{"name": "{name}", {metadata}}}}}"#)
}

#[test]
fn a_secret_is_for() {
    let token = r#""type": "kubernetes.io/service-account-token""#;
    let bot = r#", "metadata": {"name": "t", "annotations": {"kubernetes.io/service-account.name": "bot"}}"#;
    for (object, expected) in [
        (secret("s", r#""type": "Opaque""#), "Other"),
        (secret("s", r#""data": null, "stringData": {}"#), "Other"),
        (secret("t", token), "Token -"),
        (format!(r#"{{"apiVersion": "v1", "kind": "Secret", {token}{bot}}}"#), "Token bot"),
        (format!(r#"{{{token}{bot}, "kind": "Secret", "apiVersion": "v1"}}"#), "Token bot"),
        (format!(r#"{{"apiVersion": "v1", "kind": "Secret"{bot}}}"#), "Other"),
        (secret("s", r#""type": "bootstrap.kubernetes.io/token""#), "Bootstrap"),
        (secret("s", r#""type": "cluster.x-k8s.io/secret""#), "Kubeconfig"),
        (secret("s", r#""data": {"kubeconfig": "aHVudGVyMg=="}"#), "Kubeconfig"),
        (secret("s", r#""data": {"x": "kubeconfig"}, "stringData": {"admin.conf": 7}"#), "Kubeconfig"),
        (secret("s", r#""data": {"config": "kubeconfig"}"#), "Other"),
        (secret_with("prod-kubeconfig", r#""labels": {"cluster.x-k8s.io/cluster-name": "prod"}"#), "Kubeconfig"),
        (secret_with("prod-ca", r#""labels": {"cluster.x-k8s.io/cluster-name": "prod"}"#), "Other"),
        (secret("prod-kubeconfig", r#""type": "Opaque""#), "Other"),
        (secret_with("s", r#""labels": {"argocd.argoproj.io/secret-type": "cluster"}"#), "ArgoCluster"),
        (secret_with("s", r#""labels": {"argocd.argoproj.io\/secret-type": "cluster"}"#), "ArgoCluster"),
        (secret_with("s", r#""labels": {"argocd.argoproj.io/secret-type": "repository"}"#), "Other"),
        (secret_with("s", r#""labels": null, "annotations": null"#), "Other"),
    ] {
        let (snapshot, problems) = read(&object);
        assert_eq!(problems, [] as [&str; 0], "{object}");
        let purpose = match snapshot.secrets[0].purpose {
            SecretPurpose::Token(account) => format!("Token {}", account.map_or("-", |account| snapshot.text(account))),
            other => format!("{other:?}"),
        };
        assert_eq!(purpose, expected, "{object}");
        assert_eq!(snapshot.names.find("aHVudGVyMg=="), None);
        let (little, _) = read_with(Needs::default(), &object);
        assert_eq!(little.secrets[0].purpose, SecretPurpose::Other, "{object}");
    }
}

#[test]
fn an_account_says() {
    let account = |fields: &str| {
        format!(
            "{{\"apiVersion\": \"v1\", \"kind\": \"ServiceAccount\",\n{fields}, \"metadata\": {{\"name\": \"a\"}}}}"
        )
    };
    for (fields, expected) in [
        (r#""secrets": null"#, "None "),
        (r#""automountServiceAccountToken": false, "secrets": [{"name": "b"}, {"name": "a"}]"#, "Some(false) b,a"),
        (r#""automountServiceAccountToken": null, "secrets": [{}, {"name": ""}, {"name": "a"}]"#, "None a"),
    ] {
        let (snapshot, problems) = read(&account(fields));
        assert_eq!(problems, [] as [&str; 0]);
        let account = &snapshot.service_accounts[0];
        let names: Vec<&str> = snapshot.lists.get(account.secrets).iter().map(|&name| snapshot.text(name)).collect();
        assert_eq!(format!("{:?} {}", account.automount, names.join(",")), expected);
    }
    let wrong = account(r#""secrets": ["a"]"#);
    assert_eq!(read(&wrong).1, ["2: in `secrets`: expected an object, found the text `\"a\"`"]);
    let wrong = account(r#""automountServiceAccountToken": "no""#);
    assert_eq!(read(&wrong).1, ["2: in `automountServiceAccountToken`: expected a boolean, found the text `\"no\"`"]);
    // What is not needed is not looked at.
    assert_eq!(read_with(Needs::default(), &wrong).1, [] as [&str; 0]);
}

#[test]
fn an_account_that_names_a_token_is_its_owner() {
    let account = r#"{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "a"}, "secrets": [{"name": "t"}, {"name": "s"}]}"#;
    let token = |name: &str| secret(name, r#""type": "kubernetes.io/service-account-token""#);
    let list = [account.to_owned(), token("t"), token("u"), secret("s", r#""type": "Opaque""#)].join(",");
    let (snapshot, _) = read(&format!(r#"{{"apiVersion": "v1", "kind": "List", "items": [{list}]}}"#));
    let owner = snapshot.names.find("a");
    let purposes: Vec<_> = snapshot.secrets.iter().map(|secret| secret.purpose).collect();
    assert_eq!(purposes, [SecretPurpose::Other, SecretPurpose::Token(owner), SecretPurpose::Token(None)]);
}

#[test]
fn a_secret_of_the_wrong_shape_is_an_error() {
    for (object, expected) in [
        (secret("s", r#""data": ["kubeconfig"]"#), "1: in `data`: expected an object"),
        (secret("s", r#""stringData": "hunter2""#), "1: in `stringData`: expected an object"),
        (
            secret_with("x-kubeconfig", r#""labels": ["cluster.x-k8s.io/cluster-name"]"#),
            "1: in `metadata.labels`: expected a map of text to text, found a list",
        ),
    ] {
        assert_eq!(read(&object).1, [expected], "{object}");
    }
}
