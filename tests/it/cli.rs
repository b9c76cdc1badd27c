//! The contract of the command line: help, formats, messages, streams and exit statuses.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use assert_cmd::cargo::CommandCargoExt as _;
use rbac_lens::cli::command;
use rbac_lens::collect::DEMO;
use serde_json::Value;

use super::{Outcome, ask, ask_with, formats};

/// Compares with a snapshot; the header of a snapshot file says nothing that it does not know itself.
pub(crate) fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_omit_expression(true);
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// A run as it looks on a terminal: standard output, standard error behind `!`, and the exit status when it is not 0.
pub(crate) fn transcript(outcome: &Outcome) -> String {
    let notes: String = outcome.notes.iter().map(|note| format!("! {note}\n")).collect();
    let code = if outcome.code == 0 { String::new() } else { format!("? {}\n", outcome.code) };
    [outcome.out.as_str(), &notes, &code].concat()
}

/// Every command with the words that lead to it.
fn commands() -> Vec<(Vec<String>, clap::Command)> {
    let mut found = Vec::new();
    let mut open = vec![(Vec::new(), command())];
    while let Some((words, one)) = open.pop() {
        for inner in one.get_subcommands() {
            open.push((words.iter().cloned().chain([inner.get_name().to_owned()]).collect(), inner.clone()));
        }
        found.push((words, one));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

#[test]
fn help_is_as_it_was() {
    for (words, command) in commands() {
        let outcome = ask(words.iter().map(String::as_str).chain(["--help"]));
        assert_eq!((outcome.code, outcome.notes.as_slice()), (0, &[][..]), "{words:?}");
        assert!(outcome.out.contains("Usage: kubectl rbac-lens"), "{words:?}: {}", outcome.out);
        // The width of the terminal that the tests run on counts for people, not here.
        let text = command.term_width(100).render_long_help().to_string();
        let name = if words.is_empty() { "help".to_owned() } else { format!("help-{}", words.join("-")) };
        snapshot(&name, &text);
    }
}

#[test]
fn every_command_has_examples_and_they_run() {
    let folder = tempfile::tempdir().unwrap();
    let met = REVIEWS.replace("status: {allowed: true}\n", "");
    for (name, text) in [("expectations.yaml", met.as_str()), ("cluster.json", DEMO[0].text)] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let mut run = 0;
    for (words, command) in commands().into_iter().filter(|(words, _)| !words.is_empty()) {
        let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let (_, examples) = text.split_once("Examples:\n").unwrap_or_else(|| panic!("{words:?} has no examples"));
        for line in examples.lines() {
            let example = line.trim().strip_prefix("kubectl rbac-lens ").unwrap_or_else(|| panic!("{line}"));
            // Shells send it where it goes.
            let (example, _) = example.split_once(['<', '>']).unwrap_or((example, ""));
            let example = example.trim_end();
            // What az does is played in tests of its own, and so is what makes a link.
            if words == ["azure-export"] && !example.ends_with("--print-commands") || example == "completion install" {
                continue;
            }
            let place = |word: &str| Some(folder.path().join(word)).filter(|path| path.is_file());
            let mut words_typed: Vec<String> = example
                .split_whitespace()
                .map(|word| place(word).map_or(word.to_owned(), |path| path.to_str().unwrap().to_owned()))
                .collect();
            let reads = command.get_arguments().any(|arg| arg.get_id() == "demo") && !example.contains("--list");
            if reads && !["--demo", "-f "].iter().any(|word| example.contains(word)) {
                // It asks a cluster; here it asks the example company instead, which has its own Azure.
                if let Some(azure) = words_typed.iter().position(|word| word == "--azure") {
                    words_typed.drain(azure..azure + 2);
                }
                words_typed.push("--demo".to_owned());
            }
            let outcome = ask_with(words_typed.iter().map(String::as_str), &met);
            let no = outcome.code == 1 && words == ["why"];
            assert!(outcome.code == 0 || no, "{example}: {:?}", outcome.notes);
            assert!(!outcome.out.is_empty() || !outcome.files.is_empty(), "{example} says nothing");
            run += 1;
        }
        let few = ["version", "help"].contains(&words[0].as_str());
        assert!(few || examples.lines().count() >= 2, "{words:?} has too few examples");
    }
    assert!(run >= 30, "only {run} examples could be run");
}

#[test]
fn help_and_version_are_where_people_look_for_them() {
    let first = ask([]);
    assert_eq!((first.code, first.notes.as_slice()), (0, &[][..]));
    assert_eq!(first.out, ask(["-h"]).out);
    let (begin, _) = first.out.split_once("Ask:\n").unwrap();
    assert_eq!(begin.lines().filter(|line| line.starts_with("  kubectl rbac-lens ")).count(), 3, "{begin}");
    for name in command().get_subcommands().map(clap::Command::get_name) {
        let is_listed = |line: &&str| line.strip_prefix("  ").is_some_and(|line| line.split(' ').next() == Some(name));
        assert_eq!(first.out.lines().filter(is_listed).count(), 1, "{name} is in one group of the first page");
        assert_eq!(ask(["help", name]).out, ask([name, "--help"]).out, "{name}");
    }
    assert_eq!(ask(["help"]).out, ask(["--help"]).out);
    assert_eq!(ask(["help", "who-cna"]).code, 2);
    assert_eq!(ask(["version"]), ask(["--version"]));
    assert_eq!(ask(["version"]).out, format!("rbac-lens {}\n", env!("CARGO_PKG_VERSION")));
    // Connection flags come last, behind what a command is about.
    let help = ask(["who-can", "--help"]).out;
    let at = |text: &str| help.find(text).unwrap_or_else(|| panic!("{text}: {help}"));
    let order =
        ["\nOptions:", "\nFilter:", "\nInput:", "\nOutput:", "\nConnection (as in kubectl):", "\nExamples:"].map(at);
    assert!(order.is_sorted(), "{order:?}");
}

#[test]
fn answers_about_the_demo_are_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let reviews = folder.path().join("reviews.yaml");
    std::fs::write(&reviews, REVIEWS).unwrap();
    for (name, question) in [
        ("who-can", "who-can get secrets -n shared --subject alice|dev --demo"),
        ("who-can-named", "who-can get secrets -n shared --kind group --system hide --expand --demo"),
        ("who-can-nobody", "who-can get secrets --subject nobody --demo"),
        (
            "who-can-azure",
            "who-can --azure-action Microsoft.Authorization/roleAssignments/write --scope \
             /subscriptions/11111111-0000-0000-0000-000000000001/resourceGroups/rg-dev --demo",
        ),
        (
            "who-can-azure-denied",
            "who-can --azure-action Microsoft.Storage/storageAccounts/listKeys/action --scope \
             /subscriptions/11111111-0000-0000-0000-000000000002/resourceGroups/rg-prod --demo",
        ),
        ("what-can", "what-can group:storage-admins --demo"),
        ("what-can-list", "what-can group:storage-admins --list --demo"),
        ("what-can-nothing", "what-can user:nobody --raw --demo"),
        ("why-yes", "why group:dev-team get secrets -n dev --demo"),
        ("why-no", "why sa:dev/orders-api list secrets -n shared --demo"),
        ("why-nothing-near", "why user:nobody delete nodes --demo"),
        ("review", "review REVIEWS --demo"),
        ("aso", "aso --demo"),
        ("aso-nothing", "aso -n nowhere --demo"),
    ] {
        let words: Vec<&str> =
            question.split(' ').map(|word| if word == "REVIEWS" { reviews.to_str().unwrap() } else { word }).collect();
        for format in formats(words[0]) {
            let outcome = ask(words.iter().copied().chain(["-o", format]));
            let text = transcript(&outcome).replace(reviews.to_str().unwrap(), "reviews.yaml");
            snapshot(&format!("{name}-{format}"), &format!("$ {question} -o {format}\n{text}"));
        }
    }
}

#[test]
fn chosen_fields_of_the_demo_s_credentials_are_as_they_were() {
    for format in [
        "jsonpath={range .items[*]}{.scope} {.secret.namespace}/{.secret.name} {.azurePower[0].level}{'\\n'}{end}",
        "jsonpath-as-json={.items[*].namespaces}",
        "custom-columns=SCOPE:.scope,SECRET:.secret.name,TENANT:.tenantId,POWER:.azurePower[*].level",
    ] {
        let outcome = ask(["aso", "-q", "--demo", "-o", format]);
        let word = format.split('=').next().unwrap();
        snapshot(&format!("aso-{word}"), &format!("$ aso -q --demo -o {format}\n{}", transcript(&outcome)));
    }
}

/// One review as expected, one that is not, one that expects nothing.
const REVIEWS: &str = "\
apiVersion: authorization.k8s.io/v1
kind: SubjectAccessReview
spec: {user: alice@contoso.example, resourceAttributes: {verb: get, resource: secrets, namespace: dev}}
status: {allowed: true}
---
apiVersion: authorization.k8s.io/v1
kind: LocalSubjectAccessReview
metadata: {namespace: prod}
spec: {user: bob@contoso.example, groups: [dev-team], resourceAttributes: {verb: delete, resource: pods, namespace: prod}}
status: {allowed: true}
---
apiVersion: authorization.k8s.io/v1
kind: SubjectAccessReview
spec: {groups: ['system:masters'], nonResourceAttributes: {verb: get, path: /metrics}}
";

#[test]
fn mistakes_are_told_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.yaml");
    let missing = missing.to_str().unwrap();
    let mut text = String::new();
    for question in [
        "who-cna get pods",
        "escalation --demo",
        "who-can get pods --demmo",
        "help who-cna",
        "-q",
        "who-can",
        "who-can get",
        "who-can get pods --kubeconfig tests/no-such-file",
        "who-can get pods --demo -o xml",
        "who-can get pods --demo -o",
        "who-can get pods --demo -f x.yaml",
        "who-can get pods -f MISSING",
        "who-can get pods -f MISSING -f - -f MISSING",
        "who-can get pods -f - -f -",
        "who-can get pods -f https://example.com/x.yaml",
        "who-can get pods a b --demo",
        "who-can get pods/a b --demo",
        "who-can get pods/log --subresource status --demo",
        "who-can get pods/ --demo",
        "who-can get /metrics x --demo",
        "who-can get /metrics --subresource x --demo",
        "who-can get pods --subject ( --demo",
        "who-can get pods --kind robot --demo",
        "who-can get pods --system no --demo",
        "who-can --azure-action Microsoft.Storage/storageAccounts/read --demo",
        "who-can --azure-action Microsoft.Storage/storageAccounts/read --scope /",
        "who-can --azure-action Microsoft.Storage/storageAccounts --scope / --demo",
        "who-can --azure-action Microsoft.Storage/*/read --scope / --demo",
        "who-can --azure-action Microsoft.Storage/storageAccounts/read --scope /subscriptions/contoso --demo",
        "who-can --azure-action Microsoft.Storage/storageAccounts/read --scope / --demo -o tree",
        "who-can --azure-action Microsoft.Storage/storageAccounts/read --scope / --azure MISSING",
        "who-can get pods --azure-action Microsoft.Storage/storageAccounts/read --scope / --demo",
        "who-can get pods --scope / --demo",
        "who-can get pods --data --demo",
        "who-can get pods --demo --azure x.json",
        "who-can get pods -f - --azure -",
        "who-can get pods -f MISSING --azure MISSING",
        "snapshot - -f MISSING --azure MISSING",
        "azure-export",
        "azure-export x --print-commands",
        "what-can --demo",
        "what-can alice --demo",
        "what-can sa:bot --demo",
        "what-can user: --demo",
        "what-can pod:dev/web --demo",
        "what-can robot:r2 --demo",
        "why --demo",
        "why user:alice get --demo",
        "why alice get pods --demo",
        "why user:alice get pods a b --demo",
        "review --demo",
        "review MISSING --demo",
        "review - - --demo",
        "review - -f -",
        "review - -o name --demo",
        "escalations --fail-on severe --demo",
        "escalations --fail-on --demo",
        "escalations --max-steps x --demo",
        "escalations --max-steps -1 --demo",
        "escalations --fail-on-new --demo",
        "escalations --from user:a --from user:b --demo",
        "escalations --from pod:dev/nosuch --demo",
        "escalations --to secret:dev/nosuch --demo",
        "escalations --to secrets: --demo",
        "escalations --to namespace-admin: --demo",
        "escalations --to node: --demo",
        "escalations --to azure: --demo",
        "completion tcsh",
        "explain pod-creat",
        "explain kubernetes",
        "graph --finding x --around user:y --demo",
        "graph --from user:x --demo",
        "--nonsense",
    ] {
        let words = question.split_whitespace().map(|word| if word == "MISSING" { missing } else { word });
        let outcome = ask_with(words, REVIEWS);
        assert_eq!((outcome.code, outcome.out.as_str()), (2, ""), "{question}");
        let first = outcome.notes.first().map(String::as_str).unwrap_or_default();
        assert!(first.starts_with("error: "), "{question}: {first}");
        assert!(outcome.notes.iter().all(|note| !note.contains('\n')), "{question}: {:?}", outcome.notes);
        text.push_str(&format!("$ {question}\n{}\n", transcript(&outcome).replace(missing, "missing.yaml")));
    }
    snapshot("mistakes", &text);
}

#[test]
fn exit_statuses_are_as_promised() {
    for (code, question) in [
        (0, "who-can get pods --demo"),
        (0, "who-can fly pods --subject nobody --demo"),
        (0, "what-can user:nobody --demo"),
        (0, "why group:dev-team get secrets -n dev --demo"),
        (1, "why group:dev-team get secrets -n prod --demo"),
        (2, "why group:dev-team get secrets -n prod"),
        (2, "why dev-team get secrets -n prod --demo"),
        (0, "--help"),
        (0, "who-can --help"),
        (0, "--version"),
        (2, "--nonsense"),
        (2, "-q"),
        (0, "who-can get pods --demo --strict"),
    ] {
        assert_eq!(ask(question.split(' ')).code, code, "{question}");
    }
    // Gaps: an answer nevertheless, 3 under --strict, and a no that comes with them is unknown.
    let broken = "not a manifest: [";
    for (code, question) in [
        (2, "who-can get pods -f -"),
        (0, "who-can get pods -f - --keep-going"),
        (3, "who-can get pods -f - --keep-going --strict"),
        (3, "what-can user:alice -f - --keep-going --strict"),
        (1, "why user:alice get pods -f - --keep-going"),
        (1, "why user:alice get pods -f - --keep-going --strict"),
        (0, "why group:system:masters get pods -f - --keep-going"),
        (3, "why group:system:masters get pods -f - --keep-going --strict"),
    ] {
        assert_eq!(ask_with(question.split(' '), broken).code, code, "{question}");
    }
    let report: Value =
        serde_json::from_str(&ask(["why", "user:x", "get", "pods", "-o", "json", "--demo"]).out).unwrap();
    assert_eq!(report["summary"]["exit"], serde_json::json!({"code": 1, "reasons": ["no"]}));
}

#[test]
fn quiet_says_nothing_beside_the_answer() {
    let question = ["who-can", "fly", "widgets", "-n", "nowhere", "--demo"];
    assert!(ask(question).notes.len() >= 4);
    assert_eq!(ask(question.into_iter().chain(["--quiet"])).notes, [""; 0]);
    assert_eq!(ask(question).out, ask(question.into_iter().chain(["-q"])).out);
}

#[test]
fn no_headers_leaves_out_the_heads_and_nothing_else() {
    for question in [
        "who-can get secrets",
        "what-can group:dev-team",
        "what-can group:dev-team --list",
        "why group:dev-team get pods",
    ] {
        for format in ["table", "wide"] {
            let words = || question.split(' ').chain(["--demo", "-o", format]);
            let (with, without) = (ask(words()).out, ask(words().chain(["--no-headers"])).out);
            if question.starts_with("why") {
                assert_eq!(with, without);
                continue;
            }
            let first = |text: &str| -> Vec<String> {
                text.lines().map(|line| line.split("   ").next().unwrap_or_default().trim().to_owned()).collect()
            };
            assert_eq!(first(&with)[1..], first(&without), "{question} -o {format}");
            assert!(
                with.lines().next().unwrap().chars().all(|letter| !letter.is_lowercase()),
                "{question} -o {format}"
            );
        }
    }
}

#[test]
fn columns_hold_names_of_any_length_and_script() {
    let long = "l".repeat(300);
    let binding = |name: &str| {
        serde_json::json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name},
            "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"}, "subjects": [{"kind": "User", "name": name}]})
        .to_string()
    };
    let world = [binding(&long), binding("短い名前"), binding("short"), binding("e\u{301}")].join("\n");
    let outcome = ask_with(["who-can", "get", "pods", "-f", "-"], &world);
    let at = |line: &str| {
        let before = line.find("ClusterRoleBinding ").or_else(|| line.find("BINDING")).unwrap();
        unicode_width::UnicodeWidthStr::width(&line[..before])
    };
    let mut lines = outcome.out.lines().filter(|line| line.contains("ClusterRoleBinding ") || line.contains("BINDING"));
    let head = at(lines.next().unwrap());
    assert!(head > 300);
    assert!(lines.all(|line| at(line) == head && line.trim_end() == line), "{}", outcome.out);
    assert_eq!(ask_with(["who-can", "get", "pods", "-f", "-", "-o", "name"], &world).out.lines().count(), 5);
}

/// The real program.
fn program() -> Command {
    Command::cargo_bin("kubectl-rbac_lens").unwrap()
}

#[test]
fn data_goes_to_standard_output_and_notes_to_standard_error() {
    let output = program().args(["who-can", "get", "secrets", "-n", "dev", "--demo", "-o", "json"]).output().unwrap();
    assert!(output.status.success());
    assert!(serde_json::from_slice::<Value>(&output.stdout).is_ok(), "nothing but the document");
    let notes = String::from_utf8(output.stderr).unwrap();
    assert!(notes.contains("subjects"), "{notes}");
    let output = program().args(["why", "user:x", "get", "pods", "--demo"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let output = program().args(["who-can", "get"]).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), &b""[..]));
    assert!(output.stderr.starts_with(b"error: "));
}

#[test]
fn standard_input_is_read() {
    let mut child = program()
        .args(["who-can", "get", "pods", "-f", "-", "-o", "name", "-q"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"apiVersion: v1\nkind: Namespace\nmetadata: {name: dev}\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "group:system:masters\n");
}

#[test]
fn a_reader_who_has_seen_enough_is_no_failure() {
    // More than a pipe holds, so that the write fails when the reader has gone.
    let mut child = program()
        .args(["what-can", "group:dev-team", "--demo", "-o", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn the_order_of_files_and_documents_changes_nothing() {
    let mut documents: Vec<String> = DEMO
        .iter()
        .flat_map(|file| file.text.split("\n---\n"))
        .map(|document| format!("{}\n", document.trim_start_matches("---\n")))
        .filter(|document| document.lines().any(|line| !line.is_empty() && !line.starts_with('#')))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let mut seed = 7_u64;
    let mut answers: Vec<String> = Vec::new();
    for round in 0..4 {
        let folder = folder.path().join(round.to_string());
        std::fs::create_dir(&folder).unwrap();
        for (at, chunk) in documents.chunks(9).enumerate() {
            std::fs::write(folder.join(format!("{at:02}.yaml")), chunk.join("---\n")).unwrap();
        }
        answers.push(answers_without_places(&folder));
        // Fisher and Yates with a small generator of our own.
        for at in (1..documents.len()).rev() {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            documents.swap(at, usize::try_from(seed >> 33).unwrap() % (at + 1));
        }
    }
    assert!(answers[0].len() > 10_000);
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
}

/// Answers of every kind about a folder, without the places where objects were read.
fn answers_without_places(folder: &Path) -> String {
    let mut all = String::new();
    for question in [
        "who-can get secrets --expand",
        "who-can patch namespaces",
        "what-can group:dev-team",
        "what-can group:dev-team --list",
        "why sa:dev/orders-api list secrets -n shared",
        "why user:alice@contoso.example get pods",
    ] {
        for format in ["table", "name", "json", "yaml", "ndjson"] {
            let outcome = ask(question.split(' ').chain(["-f", folder.to_str().unwrap(), "-o", format]));
            let mut text = transcript(&outcome);
            if let ("json", Ok(mut report)) = (format, serde_json::from_str::<Value>(&outcome.out)) {
                forget_places(&mut report);
                text = report.to_string();
            } else if format != "table" && format != "name" {
                text = outcome.out.lines().count().to_string();
            }
            all.push_str(&text);
        }
    }
    all
}

fn forget_places(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|key, value| !(key == "source" && value.get("file").is_some()) && key != "files");
            fields.values_mut().for_each(forget_places);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_places),
        _ => {}
    }
}
