//! What people keep beside a cluster: suppressions, and an old report to compare with.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::ask;
use rbac_lens::cli::Outcome;

const WORLD: &str = r#"
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: writer}
rules:
- {verbs: [escalate, patch], apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: writers}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: writer}
subjects: [{kind: User, name: alice}, {kind: Group, name: dev}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: binder}
rules:
- {verbs: [bind], apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles]}
- {verbs: [create], apiGroups: [rbac.authorization.k8s.io], resources: [clusterrolebindings]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: binders}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: binder}
subjects: [{kind: ServiceAccount, namespace: prod, name: robot}]
"#;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        folder.write("world.yaml", WORLD);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    fn ask(&self, words: &str) -> Outcome {
        let known = ["world.yaml", "config.yaml", "old.json", "old.yaml", "old.json.gz"];
        let words: Vec<String> = words
            .split_whitespace()
            .map(
                |word| {
                    if known.contains(&word) { self.path(word).to_str().unwrap().to_owned() } else { word.to_owned() }
                },
            )
            .collect();
        ask(["escalations"].into_iter().chain(words.iter().map(String::as_str)))
    }

    fn json(&self, words: &str) -> Value {
        let outcome = self.ask(&format!("{words} -o json"));
        serde_json::from_str(&outcome.out).unwrap_or_else(|_| panic!("{:?}", outcome.notes))
    }
}

fn from(report: &Value) -> Vec<String> {
    let items = report["items"].as_array().unwrap().iter();
    items
        .map(|item| item["from"].as_array().unwrap().iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "))
        .collect()
}

/// Notes without the folder that the files are in.
fn notes(outcome: &Outcome, folder: &Path) -> Vec<String> {
    outcome.notes.iter().map(|note| note.replace(&format!("{}/", folder.display()), "")).collect()
}

#[test]
fn what_is_suppressed_is_hidden_and_counted() {
    let folder = Folder::new();
    let all = folder.json("-f world.yaml");
    assert_eq!(from(&all), ["sa:prod/robot", "group:dev user:alice"]);
    let fingerprint = all["items"][0]["fingerprint"].as_str().unwrap().to_owned();
    for (entry, left) in [
        ("technique: escalate-role".to_owned(), vec!["sa:prod/robot"]),
        ("technique: escalate-role\n  subject: user:alice".to_owned(), vec!["sa:prod/robot", "group:dev"]),
        ("subject: group:d*".to_owned(), vec!["sa:prod/robot", "user:alice"]),
        ("subject: system:serviceaccount:prod:robot".to_owned(), vec!["group:dev user:alice"]),
        ("target: cluster-admin".to_owned(), vec![]),
        ("target: cluster-*\n  technique: bind-role".to_owned(), vec!["group:dev user:alice"]),
        (format!("fingerprint: {fingerprint}"), vec!["group:dev user:alice"]),
        (format!("fingerprint: '{}'", &fingerprint[..16]), vec!["group:dev user:alice"]),
        ("target: node".to_owned(), vec!["sa:prod/robot", "group:dev user:alice"]),
    ] {
        folder.write("config.yaml", &format!("suppressions:\n- {entry}\n  reason: known\n"));
        let report = folder.json("-f world.yaml --config config.yaml");
        assert_eq!(from(&report), left, "{entry}");
        assert_eq!(report["summary"]["suppressed"], 2 - left.len(), "{entry}");
        // Who is hidden is not told of in the steps of the others.
        for (item, who) in report["items"].as_array().unwrap().iter().zip(left) {
            assert_eq!(item["steps"][0]["from"], who.split(' ').next().unwrap(), "{entry}");
        }
    }
    // What is hidden fails nothing.
    folder.write("config.yaml", "suppressions:\n- {target: cluster-admin, reason: known}\n");
    assert_eq!(folder.ask("-f world.yaml --fail-on critical").code, 1);
    assert_eq!(folder.ask("-f world.yaml --fail-on critical --config config.yaml").code, 0);
}

/// The reasons that results of SARIF are suppressed for, by who starts; nothing where results do not say.
fn reasons(log: &Value) -> Vec<Option<Vec<&str>>> {
    let results = log["runs"][0]["results"].as_array().unwrap().iter();
    let told = |result: &'_ Value| result["suppressions"].is_array();
    results
        .map(|result| {
            let all = result["suppressions"].as_array().into_iter().flatten();
            told(result).then(|| all.map(|one| one["justification"].as_str().unwrap()).collect())
        })
        .collect()
}

#[test]
fn what_is_suppressed_is_marked_in_formats_for_pipelines() {
    let folder = Folder::new();
    let print = |entries: &str, format: &str| {
        folder.write("config.yaml", &format!("suppressions:\n{entries}"));
        let outcome = folder.ask(&format!("-f world.yaml --config config.yaml --fail-on critical -o {format}"));
        (outcome.out, outcome.code)
    };
    let binders = "- {technique: bind-role, reason: <the> robot, owner: ops, expires: 2099-01-01}\n";
    let schema = super::outputs::sarif_schema();
    let sarif = |entries: &str| {
        let (out, code) = print(entries, "sarif --show-suppressed");
        (super::outputs::assert_sarif(&schema, &out, entries), code)
    };
    // Yes: after those that are open, with every entry that is about it, once.
    let twice = format!("{binders}{binders}- {{subject: 'sa:prod/*', reason: tenants}}\n");
    let (log, code) = sarif(&twice);
    assert_eq!(reasons(&log), [Some(vec![]), Some(vec!["<the> robot", "tenants"])]);
    assert_eq!(code, 1);
    let own = &log["runs"][0]["results"][1]["suppressions"][0];
    assert_eq!((&own["kind"], &own["status"]), (&"external".into(), &"accepted".into()));
    assert_eq!((&own["properties"]["owner"], &own["properties"]["expires"]), (&"ops".into(), &"2099-01-01".into()));
    assert_eq!(log["runs"][0]["properties"]["suppressed"], 1);
    // No: what is over, and what is about nobody.
    for entry in ["- {technique: bind-role, reason: x, expires: 2001-01-01}\n", "- {target: node, reason: x}\n"] {
        let (log, code) = sarif(entry);
        assert_eq!((reasons(&log), code), (vec![None, None], 1), "{entry}");
    }
    // Near: one of two who start is still shown, so that the finding is open.
    let (log, _) = sarif("- {subject: 'user:alice', reason: one}\n");
    assert_eq!(reasons(&log), [None, None]);
    // With both the finding is nobody's, for both reasons.
    let both = "- {subject: 'user:alice', reason: one}\n- {subject: 'group:dev', reason: two}\n";
    assert_eq!(reasons(&sarif(both).0), [Some(vec![]), Some(vec!["one", "two"])]);

    // Unless they are asked for they are counted and no more, since GitHub opens alerts for what is marked as well.
    let log = super::outputs::assert_sarif(&schema, &print(&twice, "sarif").0, "not asked for");
    assert_eq!((reasons(&log), &log["runs"][0]["properties"]["suppressed"]), (vec![None], &1.into()));

    let (junit, _) = print(binders, "junit");
    assert!(junit.contains(" tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"1\""), "{junit}");
    assert!(junit.contains("<skipped message=\"suppressed: &lt;the&gt; robot\"/>"), "{junit}");
    let (junit, code) = print("- {target: 'cluster-*', reason: x}\n", "junit");
    assert_eq!((junit.matches("<skipped ").count(), junit.matches("<failure").count(), code), (2, 0, 0), "{junit}");
    assert!(!junit.contains("nothing found"), "{junit}");
    // An annotation would be noise.
    let (github, _) = print(binders, "github");
    assert!(github.matches("::error ").count() == 1 && !github.contains("robot"), "{github}");
}

#[test]
fn what_is_over_or_about_nothing_is_told() {
    let folder = Folder::new();
    folder.write(
        "config.yaml",
        "suppressions:\n- {target: cluster-admin, reason: old, owner: ops, expires: 2026-06-30}\n- {target: node, reason: none left}\n",
    );
    let outcome = folder.ask("-f world.yaml --config config.yaml --now 2026-07-01");
    let told = notes(&outcome, folder.0.path());
    assert!(
        told.contains(
            &"warning: config.yaml:2: this suppression is over since 2026-06-30 (owner: ops): old".to_owned()
        ),
        "{told:?}"
    );
    assert!(
        told.contains(&"warning: config.yaml:3: this suppression hides nothing any more: none left".to_owned()),
        "{told:?}"
    );
    assert!(outcome.out.contains("cluster-admin"));
    // On its last day it still counts, and what was not looked for is not told.
    let outcome = folder.ask("-f world.yaml --config config.yaml --now 2026-06-30 --from user:alice");
    assert!(!notes(&outcome, folder.0.path()).iter().any(|note| note.starts_with("warning: ")), "{:?}", outcome.notes);
}

#[test]
fn a_bad_file_is_told_with_its_lines_all_at_once() {
    let folder = Folder::new();
    folder.write(
        "config.yaml",
        "suppressions:\n- {technique: pod-kreate, reason: x}\n- {subject: robot, expires: soon, reason: x}\n",
    );
    let outcome = folder.ask("-f world.yaml --config config.yaml");
    assert_eq!((outcome.code, outcome.out.as_str()), (2, ""));
    let told = notes(&outcome, folder.0.path());
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].starts_with("error: config.yaml:2: there is no technique `pod-kreate`"), "{told:?}");
    assert!(told[2].starts_with("error: config.yaml:3: `soon` is no day"), "{told:?}");
    assert_eq!(folder.ask("-f world.yaml --config no-such-file.yaml").code, 2);
    assert_eq!(folder.ask("-f world.yaml --now yesterday").code, 2);
}

#[test]
fn a_baseline_leaves_what_is_new_or_changed() {
    let folder = Folder::new();
    let old = folder.ask("-f world.yaml -o json").out;
    folder.write("old.json", &old);
    folder.write("old.yaml", &folder.ask("-f world.yaml -o yaml").out);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut packed, old.as_bytes()).unwrap();
    std::fs::write(folder.path("old.json.gz"), packed.finish().unwrap()).unwrap();
    for file in ["old.json", "old.yaml", "old.json.gz"] {
        let report = folder.json(&format!("-f world.yaml --baseline {file} --fail-on-new"));
        assert_eq!(from(&report), [""; 0], "{file}");
        assert_eq!(report["summary"]["baseline"], serde_json::json!({"new": 0, "changed": 0, "same": 2, "gone": 0}));
        assert_eq!(report["summary"]["exit"]["code"], 0);
    }
    // Somebody more in the same binding is new, and one path is gone.
    let more = WORLD.replace("{kind: User, name: alice}", "{kind: User, name: alice}, {kind: User, name: bob}");
    folder.write("world.yaml", more.split("---\n").take(2).collect::<Vec<_>>().join("---\n").as_str());
    let report = folder.json("-f world.yaml --baseline old.json --fail-on-new");
    assert_eq!(from(&report), ["group:dev user:alice user:bob"]);
    assert_eq!(report["items"][0]["change"], "new");
    assert_eq!(report["summary"]["baseline"], serde_json::json!({"new": 1, "changed": 0, "same": 0, "gone": 1}));
    assert_eq!(report["summary"]["exit"]["code"], 1);
    let table = folder.ask("-f world.yaml --baseline old.json -o table").out;
    assert!(table.contains("CHANGE") && table.contains("new "), "{table}");
    // The same grant and target by other steps.
    folder.write("world.yaml", &WORLD.replace("[escalate, patch]", "['*']"));
    let report = folder.json("-f world.yaml --baseline old.json --fail-on-new");
    assert_eq!(report["summary"]["exit"]["code"], 0, "{report:#}");
}

/// The lines above the table.
fn summary(outcome: &Outcome) -> Vec<&str> {
    outcome.out.lines().take_while(|line| !line.is_empty()).collect()
}

#[test]
fn the_summary_counts_what_is_not_listed() {
    let folder = Folder::new();
    folder.write("old.json", &folder.ask("-f world.yaml -o json").out);
    folder.write("config.yaml", "suppressions:\n- {target: cluster-admin, reason: known}\n");
    for left_out in ["", "--baseline old.json", "--config config.yaml", "--max-steps 0", "--ungrouped"] {
        let outcome = folder.ask(&format!("-f world.yaml -o table {left_out}"));
        assert_eq!(summary(&outcome), ["cluster-admin: 0 hold it, 3 can reach it"], "{left_out}");
    }
    // Of those who start one finding some are suppressed.
    folder.write("config.yaml", "suppressions:\n- {subject: user:alice, reason: known}\n");
    let outcome = folder.ask("-f world.yaml -o table --config config.yaml");
    assert_eq!(summary(&outcome), ["cluster-admin: 0 hold it, 3 can reach it"]);
}

#[test]
fn the_summary_is_of_what_was_asked_for() {
    for (to, expected) in [
        ("cluster-admin", "cluster-admin: 4 hold it, 6 can reach it"),
        ("node", "any node: 4 hold it, 6 can reach it"),
        ("namespace-admin:prod", "admin of prod: 4 hold it, 6 can reach it"),
        ("secrets:prod", "Secrets of prod: 8 hold it, 3 can reach it"),
    ] {
        let outcome = ask(["escalations", "--demo", "--to", to, "-o", "table"]);
        assert_eq!(summary(&outcome), [expected]);
    }
}

#[test]
fn a_place_that_nothing_was_read_of_is_hinted_at() {
    let hints = |to: &str| {
        let outcome = ask(["escalations", "--demo", "--to", to]);
        assert_eq!(outcome.code, 0, "{to}");
        let is_hint = |note: &String| note.starts_with("hint: ");
        outcome.notes.into_iter().filter(is_hint).collect::<Vec<_>>()
    };
    for to in ["secrets:nope", "namespace-admin:nope"] {
        assert_eq!(hints(to), ["hint: nothing was read of a namespace `nope`"], "{to}");
    }
    assert_eq!(hints("node:build"), ["hint: nothing was read of a node `build`"]);
    for to in ["secrets", "secrets:prod", "namespace-admin:dev", "node", "node:aks-user-10000002-vmss000000"] {
        assert_eq!(hints(to), [""; 0], "{to}");
    }
}

#[test]
fn a_namespace_leaves_nothing_out_and_that_is_said() {
    let [all, one] = ["escalations --demo", "escalations --demo -n dev"].map(|question| ask(question.split(' ')));
    assert_eq!(all.out, one.out);
    let is_said = |outcome: &Outcome| outcome.notes.iter().any(|note| note.contains("--to namespace-admin:dev"));
    assert!(!is_said(&all) && is_said(&one), "{:?}", one.notes);
}

#[test]
fn cuts_are_of_the_paths_that_are_listed() {
    for (few, paths, told) in [
        ("", 2, "of severity high or above is left"),
        ("--max-steps 1", 1, "of severity high or above and of at most 1 step is left"),
        ("--max-steps 0", 0, "nothing to cut"),
    ] {
        let question = format!("escalations -f examples/in-cluster -o json --cuts {few}");
        let outcome = ask(question.split_whitespace());
        let report: Value = serde_json::from_str(&outcome.out).unwrap();
        assert_eq!(report["items"].as_array().unwrap().len(), paths, "{few}");
        assert_eq!(report["summary"]["cuts"]["paths"], paths, "{few}");
        assert!(outcome.notes.iter().any(|note| note.contains(told)), "{few}: {:?}", outcome.notes);
    }
}

#[test]
fn what_is_suppressed_is_not_cut() {
    let folder = Folder::new();
    folder.write("config.yaml", "suppressions:\n- {subject: 'sa:prod/robot', reason: known}\n");
    let report = folder.json("-f world.yaml --config config.yaml --cuts");
    let cuts = &report["summary"]["cuts"];
    assert_eq!((cuts["paths"].as_u64(), cuts["left"].as_u64()), (Some(2), Some(0)), "{cuts:#}");
    assert_eq!(cuts["remove"].as_array().unwrap().len(), 1, "{cuts:#}");
    assert_eq!(cuts["remove"][0]["binding"], "clusterrolebinding:writers");
}

#[test]
fn the_commands_of_cuts_are_printed_for_people() {
    let cuts = |flags: &str| ask(format!("escalations -f examples/in-cluster --cuts -o {flags}").split(' ')).out;
    let report: Value = serde_json::from_str(&cuts("json")).unwrap();
    let command = report["summary"]["cuts"]["remove"][0]["commands"][0].as_str().unwrap();
    assert!(command.starts_with("kubectl patch clusterrole "), "{command}");
    for format in ["table", "wide", "tree", "markdown", "csv"] {
        let out = cuts(format);
        // Inside a cell of CSV each quote stands twice.
        assert!(out.contains(command) || out.contains(&command.replace('"', "\"\"")), "{format}: {out}");
    }
    // Rows alone for those who want no heads.
    assert_eq!(cuts("table --no-headers").lines().count(), 1);
}

#[test]
fn what_is_left_out_is_not_gone() {
    let folder = Folder::new();
    folder.write("old.json", &folder.ask("-f world.yaml -o json").out);
    folder.write("config.yaml", "suppressions:\n- {technique: escalate-role, reason: known}\n");
    for (left_out, same) in [("--config config.yaml", 1), ("--max-steps 0", 0)] {
        let report = folder.json(&format!("-f world.yaml --baseline old.json {left_out}"));
        let expected = serde_json::json!({"new": 0, "changed": 0, "same": same, "gone": 0});
        assert_eq!(report["summary"]["baseline"], expected, "{left_out}");
    }
    // What is gone is gone, whatever else is left out.
    folder.write("world.yaml", WORLD.split("---\n").take(2).collect::<Vec<_>>().join("---\n").as_str());
    for (left_out, same) in [("--config config.yaml", 0), ("--max-steps 0", 0), ("", 1)] {
        let report = folder.json(&format!("-f world.yaml --baseline old.json {left_out}"));
        let expected = serde_json::json!({"new": 0, "changed": 0, "same": same, "gone": 1});
        assert_eq!(report["summary"]["baseline"], expected, "{left_out}");
    }
    // A baseline with system subjects compares with those.
    for system in ["only", "show"] {
        let question = format!("-f world.yaml --system {system}");
        folder.write("old.json", &folder.ask(&format!("{question} -o json")).out);
        let report = folder.json(&format!("{question} --baseline old.json"));
        assert_eq!(report["summary"]["baseline"]["gone"], 0, "{system}");
        assert_eq!(report["summary"]["baseline"]["new"], 0, "{system}");
    }
}

#[test]
fn what_is_no_baseline_is_refused() {
    let folder = Folder::new();
    for (question, expected) in [
        ("-f world.yaml -o ndjson", "error: old.json:1: these are items of a report without the rest"),
        ("-f world.yaml -o json --max-steps 0", "error: old.json:1: this report leaves longer paths out"),
        ("-f world.yaml -o json --from user:alice", "error: the baseline was made with other --from and --to"),
        ("-f world.yaml -o json --assume strict", "error: the baseline was made with other --assume"),
        ("-f world.yaml -o json --system only", "error: the baseline was made with other --system"),
        ("-f world.yaml -o json --system show", "error: the baseline was made with other --system"),
    ] {
        folder.write("old.json", &folder.ask(question).out);
        let outcome = folder.ask("-f world.yaml --baseline old.json");
        let told = notes(&outcome, folder.0.path());
        assert!(outcome.code == 2 && told[0].starts_with(expected), "{question}: {told:?}");
    }
    // Of another version there is something to say, and no more.
    folder.write("old.json", &folder.ask("-f world.yaml -o json --kube-version 1.30").out);
    let outcome = folder.ask("-f world.yaml --baseline old.json");
    let told = notes(&outcome, folder.0.path());
    assert_eq!(outcome.code, 0, "{told:?}");
    assert!(told.iter().any(|note| note.contains("made for Kubernetes 1.30, and this is for any version")), "{told:?}");
    folder.write("old.json", &ask(["who-can", "get", "pods", "--demo", "-o", "json"]).out);
    let told = notes(&folder.ask("-f world.yaml --baseline old.json"), folder.0.path());
    assert!(told[0].starts_with("error: old.json:1: this is `WhoCanReport` and no EscalationReport"), "{told:?}");
    assert_eq!(folder.ask("-f world.yaml --fail-on-new").code, 2);
}

#[test]
fn one_finding_each_where_that_is_asked_for() {
    let folder = Folder::new();
    assert_eq!(from(&folder.json("-f world.yaml --ungrouped")), ["sa:prod/robot", "group:dev", "user:alice"]);
}

#[test]
fn what_is_taken_away_has_to_be_there() {
    let folder = Folder::new();
    assert_eq!(from(&folder.json("-f world.yaml --without clusterrolebinding:writers")), ["sa:prod/robot"]);
    let both = folder.ask("-f world.yaml --without clusterrolebinding:writers,clusterrolebinding:binders");
    assert_eq!((both.code, both.out.as_str()), (0, ""));
    assert!(both.notes.iter().any(|note| note.starts_with("no escalation found")), "{:?}", both.notes);
    for (word, expected) in [
        ("clusterrolebinding:nobody", "error: the input has no `clusterrolebinding:nobody`"),
        ("secret:prod/nothing,rolebinding:a/b", "error: the input has no `secret:prod/nothing`, no `rolebinding:a/b`"),
        ("user:alice", "error: `user:alice` cannot be taken away"),
    ] {
        let outcome = folder.ask(&format!("-f world.yaml --without {word}"));
        assert!(outcome.code == 2 && outcome.notes[0].starts_with(expected), "{:?}", outcome.notes);
    }
}
