//! Names are chosen by whoever may create objects. Whatever is in them, no output is steered by it, and JSON and YAML give it back
//! exactly.

use serde_json::{Value, json};

use super::{Outcome, ask_with, formats};

/// Names that would steer a terminal, break a line, or be something else than text to a YAML reader.
const NAMES: &[&str] = &[
    "red\u{1b}[31m",
    "title\u{1b}]0;x\u{7}",
    "csi\u{9b}31m",
    "del\u{7f}",
    "line\nfeed",
    "carriage\rreturn",
    "tab\tstop",
    "nul\u{0}",
    "bidi\u{202e}txt",
    "isolate\u{2066}x\u{2069}",
    "zero\u{200b}width",
    "mark\u{feff}",
    "separator\u{2028}x\u{2029}",
    "next\u{85}line",
    "yes",
    "on",
    "null",
    "~",
    "true",
    "1e3",
    "0x10",
    "0o7",
    "1_000",
    ".inf",
    "-1",
    "+.5",
    "12:30:45",
    "2026-01-01",
    "*alias",
    "&anchor",
    "!tag",
    "- item",
    "key: value",
    "ends:",
    "a #comment",
    "#comment",
    "'single'",
    "\"double\"",
    "back\\slash",
    "{flow}",
    "[flow]",
    ", comma",
    "%directive",
    "@at",
    "`tick`",
    "| block",
    "> fold",
    "? key",
    "---",
    "...",
    "<<",
    "=",
    " leading",
    "trailing ",
    "ünïcödé 名前 🦀",
];

/// A world in which every name is one of these: of a subject, a binding, a role, a namespace, a resource, an object and a file.
pub(crate) fn world() -> String {
    let api = "rbac.authorization.k8s.io/v1";
    let mut lines = Vec::new();
    for name in NAMES {
        let rules = json!([
            {"verbs": ["get", name], "apiGroups": ["", name], "resources": ["pods", name]},
            {"verbs": ["list"], "apiGroups": [""], "resources": ["pods"], "resourceNames": [name]},
            {"verbs": ["get"], "nonResourceURLs": [name]},
        ]);
        let subjects = json!([
            {"kind": "User", "name": name},
            {"kind": "Group", "name": name},
            {"kind": "ServiceAccount", "name": name, "namespace": name},
            {"kind": "User", "name": "everyone"},
            {"kind": name, "name": name},
        ]);
        let gone = format!("gone {name}");
        for object in [
            json!({"apiVersion": api, "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules}),
            json!({"apiVersion": api, "kind": "ClusterRoleBinding", "metadata": {"name": name},
                "roleRef": {"kind": "ClusterRole", "name": name}, "subjects": subjects}),
            json!({"apiVersion": api, "kind": "RoleBinding", "metadata": {"name": name, "namespace": name},
                "roleRef": {"kind": "ClusterRole", "name": name}, "subjects": subjects}),
            json!({"apiVersion": api, "kind": "RoleBinding", "metadata": {"name": gone, "namespace": name},
                "roleRef": {"kind": "Role", "name": name}, "subjects": subjects}),
            // Given twice, which is a warning with its name.
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": name}}),
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": name}}),
        ] {
            lines.push(object.to_string());
        }
    }
    lines.join("\n")
}

/// Reviews about every name.
fn reviews() -> String {
    let review = |name: &&str| {
        let attributes = json!({"verb": "get", "resource": name, "namespace": name, "name": name});
        let spec = json!({"user": name, "groups": [name], "resourceAttributes": attributes});
        let spec = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec});
        format!("{spec}\n")
    };
    NAMES.iter().map(review).collect()
}

/// What no output may hold, line ends between lines excepted.
fn steers(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

pub(crate) fn assert_tame(outcome: &Outcome, what: &str) {
    let wrong = outcome.out.lines().chain(outcome.notes.iter().map(String::as_str)).find(|line| line.contains(steers));
    assert_eq!(wrong, None, "{what}");
}

#[test]
fn no_name_steers_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reviews.ndjson");
    std::fs::write(&path, reviews()).unwrap();
    let world = world();
    let questions = [
        &["who-can", "get", "pods", "--expand"][..],
        &["who-can", "list", "pods"],
        &["what-can", "user:everyone"],
        &["what-can", "user:everyone", "--list"],
        &["why", "user:everyone", "get", "pods"],
        &["why", "user:everyone", "list", "pods", "x"],
        &["review", path.to_str().unwrap()],
    ];
    for question in questions {
        for format in formats(question[0]) {
            let outcome = ask_with(question.iter().copied().chain(["-f", "-", "-o", format]), &world);
            assert_tame(&outcome, &format!("{question:?} -o {format}"));
        }
    }
}

#[test]
fn what_was_typed_comes_back_tame() {
    let world = r#"{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "dev"}}"#;
    for name in NAMES {
        for question in [
            &["who-can", name, name, name, "-n", name][..],
            &["who-can", "get", name, "-n", "dev"],
            &["why", "user:nobody", name, name, "-n", name],
            &["why", "user:nobody", "get", name, "-n", name, "-o", "json"],
            &["why", "user:nobody", "get", name, "-n", name, "-o", "yaml"],
            &["what-can", "user:nobody", "--group", name, "-n", name],
            &["what-can", name],
            &["who-can", "get", "pods", "--output", name],
            &["who-can", "get", "pods", "--kind", name],
            &["who-can", "get", "pods", "--subject", name],
            &["who-can", "get", "pods", "-f", name],
            &["review", name],
            &[name],
        ] {
            assert_tame(&ask_with(question.iter().copied().chain(["-f", "-"]), world), &format!("{question:?}"));
        }
    }
}

#[test]
fn every_name_comes_back_exactly() {
    let world = world();
    for question in [
        &["who-can", "list", "pods", "--expand"][..],
        &["what-can", "user:everyone"],
        &["why", "user:everyone", "list", "pods"],
    ] {
        let ask = |format| {
            let outcome = ask_with(question.iter().copied().chain(["-f", "-", "-q", "-o", format]), &world);
            assert_ne!(outcome.code, 2, "{:?}", outcome.notes);
            outcome.out
        };
        let from_json: Value = serde_json::from_str(&ask("json")).unwrap();
        let from_yaml: Value = serde_saphyr::from_str(&ask("yaml")).unwrap();
        assert_eq!(from_json, from_yaml, "{question:?}");
        let from_lines: Vec<Value> = ask("ndjson").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(from_json["items"], Value::Array(from_lines), "{question:?}");
        let text = from_json["items"].to_string();
        for name in NAMES {
            assert!(text.contains(&Value::from(*name).to_string()), "{question:?} lost {name:?}");
        }
    }
}
