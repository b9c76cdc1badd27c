//! One answer in all formats: each says the same, each is what its readers expect, and no name is more than text in any of them.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use assert_cmd::cargo::CommandCargoExt as _;
use serde_json::Value;

use super::cli::{snapshot, transcript};
use super::{Outcome, ask, ask_with};

/// Every format with what it takes, as far as a command has it.
pub(super) const FORMATS: [&str; 14] = [
    "table",
    "wide",
    "tree",
    "name",
    "json",
    "yaml",
    "ndjson",
    "csv",
    "markdown",
    "jsonpath={range .items[*]}{.fingerprint}{'\\n'}{end}",
    "custom-columns=SEVERITY:.severity,FINGERPRINT:.fingerprint",
    "sarif",
    "junit",
    "github",
];

fn words(question: &str) -> Vec<&str> {
    question.split(' ').collect()
}

/// The answer in a format, with nothing wrong.
fn print(question: &str, format: &str) -> String {
    let outcome = ask(words(question).into_iter().chain(["-q", "-o", format]));
    assert!(outcome.code < 2, "{question} -o {format}: {:?}", outcome.notes);
    outcome.out
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn rows(csv: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(csv.as_bytes());
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// The rows of a Markdown table, with heads.
fn cells(markdown: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for line in markdown.lines().filter(|line| !line.starts_with("| --- ")) {
        let (mut cells, mut cell, mut backslashes) = (Vec::new(), String::new(), 0);
        for letter in line.strip_prefix('|').unwrap_or_else(|| panic!("no row: {line}")).chars() {
            if letter == '|' && backslashes % 2 == 0 {
                cells.push(std::mem::take(&mut cell).trim().to_owned());
            } else {
                cell.push(letter);
            }
            backslashes = if letter == '\\' { backslashes + 1 } else { 0 };
        }
        found.push(cells);
    }
    found
}

const FINDINGS: [&str; 4] = [
    "escalations --demo",
    "escalations --all --from group:dev-team --ungrouped --demo",
    "escalations --from user:nobody --demo",
    "checks --demo",
];

#[test]
fn findings_are_the_same_in_every_format() {
    for question in FINDINGS {
        let document = json(&print(question, "json"));
        let prints = |item: &Value| item["fingerprint"].as_str().unwrap().to_owned();
        let expected: Vec<String> = document["items"].as_array().unwrap().iter().map(prints).collect();
        assert_eq!(document["summary"]["items"], expected.len(), "{question}");
        let yaml: Value = serde_saphyr::from_str(&print(question, "yaml")).unwrap();
        assert_eq!(yaml, document, "{question}");
        let lines: Vec<Value> = print(question, "ndjson").lines().map(json).collect();
        assert_eq!(document["items"], Value::Array(lines), "{question}");
        let text = print(question, FORMATS[9]);
        assert_eq!(text.lines().collect::<Vec<_>>(), expected, "{question}");
        let columns = print(question, FORMATS[10]);
        let last = |line: &str| line.rsplit("   ").next().unwrap().to_owned();
        assert_eq!(columns.lines().skip(1).map(last).collect::<Vec<_>>(), expected, "{question}");
        assert_eq!(
            print(question, "table").lines().filter(|line| severity(line)).count(),
            expected.len(),
            "{question}"
        );
        let table = rows(&print(question, "csv"));
        assert_eq!(table.len(), expected.len() + 1, "{question}");
        let last = |row: &Vec<String>| row.last().unwrap().clone();
        if question.starts_with("escalations") {
            assert_eq!(table.iter().skip(1).map(last).collect::<Vec<_>>(), expected, "{question}");
        }
        let marked = cells(&print(question, "markdown"));
        assert_eq!(marked.len(), table.len(), "{question}");
        let plain = |cell: &String| cell.trim_matches(['`', ' ']).replace("\\|", "|");
        for (marked, row) in marked.iter().zip(&table) {
            let row: Vec<String> = row.iter().map(|cell| cell.trim_matches(['`', ' ']).to_owned()).collect();
            assert_eq!(marked.iter().map(plain).collect::<Vec<_>>(), row, "{question}");
        }
        // Those for pipelines have the most severe first.
        let set = |all: Vec<String>| all.into_iter().collect::<BTreeSet<_>>();
        let (count, expected) = (expected.len(), set(expected));
        let sarif = json(&print(question, "sarif"));
        let results = sarif["runs"][0]["results"].as_array().unwrap();
        let own = |result: &Value| result["partialFingerprints"]["rbacLens/v1"].as_str().unwrap().to_owned();
        assert_eq!((results.len(), set(results.iter().map(own).collect())), (count, expected.clone()), "{question}");
        let junit = print(question, "junit");
        let found = |text: &str, end: char| -> Vec<String> {
            let after = text.split("fingerprint: ").skip(1);
            after.map(|rest| rest[..rest.find(end).unwrap()].to_owned()).collect()
        };
        assert_eq!(set(found(&junit, '<')), expected, "{question}");
        assert!(junit.contains(&format!("failures=\"{count}\"")), "{question}");
        let github = print(question, "github");
        assert_eq!(set(found(&github, '\n')), expected, "{question}");
        assert_eq!(github.lines().filter(|line| line.starts_with("::")).count(), count, "{question}");
    }
}

fn severity(line: &str) -> bool {
    ["critical", "high", "medium", "low", "info"].iter().any(|word| line.starts_with(&format!("{word} ")))
}

#[test]
fn subjects_are_the_same_in_every_format() {
    for question in [
        "who-can get secrets -n shared --demo",
        "who-can get secrets -n shared --system show --sort-by .subject.name --demo",
        "what-can group:dev-team --demo",
        "aso --demo",
    ] {
        let document = json(&print(question, "json"));
        let items = document["items"].as_array().unwrap();
        let lines: Vec<Value> = print(question, "ndjson").lines().map(json).collect();
        assert_eq!(items, &lines, "{question}");
        let columns = print(question, "custom-columns=A:.subject.name,B:.grants[*].rule.verbs[*]");
        assert_eq!(columns.lines().count(), items.len() + 1, "{question}");
        let sheet = rows(&print(question, "csv"));
        assert_eq!(cells(&print(question, "markdown")).len(), sheet.len(), "{question}");
        if question.starts_with("who-can") {
            let mut names: Vec<String> = items.iter().map(|item| item["subject"]["name"].to_string()).collect();
            names.dedup();
            let listed: BTreeSet<&str> = sheet.iter().skip(1).map(|row| row[0].as_str()).collect();
            let things = print(question, "name");
            let unique: BTreeSet<&String> = names.iter().collect();
            assert_eq!((listed.len(), things.lines().count()), (unique.len(), unique.len()), "{question}");
        }
    }
}

#[test]
fn the_exit_status_does_not_depend_on_the_format() {
    for (code, question) in [
        (1, "escalations --fail-on high --demo"),
        (0, "escalations --from user:nobody --fail-on info --demo"),
        (1, "checks --fail-on critical --demo"),
        (0, "checks --only ASO-031 --fail-on critical --demo"),
    ] {
        for format in FORMATS.iter().filter(|format| **format != "tree" || question.starts_with("escalations")) {
            assert_eq!(ask(words(question).into_iter().chain(["-o", format])).code, code, "{question} -o {format}");
        }
        let report = json(&ask(words(question).into_iter().chain(["-q", "-o", "sarif"])).out);
        assert_eq!(report["runs"][0]["invocations"][0]["exitCode"], code, "{question}");
    }
    for format in ["table", "name", "json", "csv", "markdown", "jsonpath={.items[0].decision}"] {
        for (code, question) in [(0, "why group:dev-team get secrets -n dev --demo"), (1, "why user:x get pods --demo")]
        {
            assert_eq!(ask(words(question).into_iter().chain(["-o", format])).code, code, "{question} -o {format}");
        }
    }
}

#[test]
fn each_command_says_which_formats_it_has() {
    let commands = [
        ("who-can get pods --demo", "tree sarif junit github"),
        ("what-can user:x --demo", "tree sarif junit github"),
        ("why user:x get pods --demo", "tree sarif junit github"),
        ("aso --demo", "tree sarif junit github"),
        ("checks --demo", "tree"),
        ("escalations --demo", ""),
    ];
    for (question, refused) in commands {
        for format in FORMATS {
            let outcome = ask(words(question).into_iter().chain(["-o", format]));
            let is_refused = refused.split(' ').any(|word| word == format);
            assert_eq!(outcome.code == 2, is_refused, "{question} -o {format}: {:?}", outcome.notes);
            if is_refused && question != "who-can get pods --demo" {
                let said =
                    format!("error: this answer has no output format `{format}`, allowed formats are: table, wide, ");
                assert!(outcome.notes[0].starts_with(&said), "{:?}", outcome.notes);
                assert!(!outcome.notes[0][said.len()..].contains(format), "{:?}", outcome.notes);
            }
        }
    }
    // Before anything is read: there is no such cluster.
    let outcome = ask(["who-can", "get", "pods", "--kubeconfig", "nowhere", "-o", "sarif"]);
    assert!(outcome.notes[0].contains("no output format `sarif`"), "{:?}", outcome.notes);
}

#[test]
fn mistakes_in_expressions_are_told_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t");
    std::fs::write(&file, "A B\n.a\n").unwrap();
    let file = file.to_str().unwrap();
    let mut text = String::new();
    for more in [
        "-o jsonpath",
        "-o jsonpath=",
        "-o jsonpath={.a",
        "-o jsonpath={.items[99]}",
        "-o jsonpath={.items[?(@.severity==1)]}",
        "-o jsonpath-file=FILE-that-is-not-there",
        "-o custom-columns",
        "-o custom-columns=A",
        "-o custom-columns-file=FILE",
        "-o go-template={{.}}",
        "-o json=x",
        "--sort-by .nowhere",
        "--sort-by .steps",
        "--sort-by {a}{b}",
        "--save json",
        "--save json=",
        "--save xml=FILE",
        "--save json=FILE --save csv=FILE",
    ] {
        let more: Vec<String> = more.split(' ').map(|word| word.replace("FILE", file)).collect();
        let outcome = ask(["escalations", "--demo"].into_iter().chain(more.iter().map(String::as_str)));
        assert_eq!((outcome.code, outcome.out.as_str(), outcome.files.len()), (2, "", 0), "{more:?}");
        text.push_str(&format!("$ {}\n{}\n", more.join(" "), transcript(&outcome)).replace(file, "FILE"));
    }
    snapshot("mistakes-in-expressions", &text);
}

#[test]
fn findings_about_the_demo_are_as_they_were() {
    for (name, question) in [
        ("escalations", "escalations --from group:dev-team --to cluster-admin -q --demo"),
        ("checks", "checks --only ASO-007,ASO-031 -q --demo"),
    ] {
        for format in FORMATS.iter().filter(|format| **format != "tree" || name == "escalations") {
            let outcome = ask(words(question).into_iter().chain(["-o", format]));
            let word = format.split('=').next().unwrap();
            snapshot(&format!("{name}-{word}"), &format!("$ {question} -o {format}\n{}", transcript(&outcome)));
        }
    }
}

#[test]
fn items_come_in_the_order_that_was_asked_for() {
    let question = "escalations --sort-by .target.kind --demo";
    let kinds: Vec<String> =
        print(question, "jsonpath={range .items[*]}{.target.kind}{'\\n'}{end}").lines().map(str::to_owned).collect();
    assert!(kinds.is_sorted() && kinds.len() > 5, "{kinds:?}");
    let prints = print(question, FORMATS[9]);
    let in_table: Vec<String> = rows(&print(question, "csv")).iter().skip(1).map(|row| row[9].clone()).collect();
    assert_eq!(in_table, prints.lines().collect::<Vec<_>>());
    let trees = print(question, "tree");
    let in_trees: Vec<&str> = trees.lines().filter_map(|line| line.strip_prefix("fingerprint: ")).collect();
    assert_eq!(in_trees, in_table);
    let results = json(&print(question, "sarif"))["runs"][0]["results"].clone();
    let in_sarif: Vec<&str> = results
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["partialFingerprints"]["rbacLens/v1"].as_str().unwrap())
        .collect();
    assert_eq!(in_sarif, in_table);
    // Severities by what they mean and not by their letters.
    let severities = print("checks --sort-by .severity --demo", "custom-columns=S:.severity");
    let severities: Vec<&str> = severities.lines().skip(1).collect();
    let rank = |word: &&str| ["critical", "high", "medium", "low", "info"].iter().position(|own| own == word).unwrap();
    assert!(severities.iter().map(rank).is_sorted(), "{severities:?}");
}

#[test]
fn who_can_after_escalating_is_told_with_what_is_reached() {
    let told = print("who-can list secrets -n dev --via-escalation --demo", "table");
    let is_told =
        |line: &str| line.contains("carol@") && line.contains("ServiceAccount argocd/argocd-application-controller");
    assert!(told.lines().any(is_told), "{told}");
}

#[test]
fn heads_can_be_left_out_of_all_columns() {
    for question in ["escalations --demo", "checks --demo", "who-can get secrets --demo", "aso --demo"] {
        for format in ["csv", "custom-columns=A:.items,B:.fingerprint"] {
            let (with, without) = (print(question, format), print(&format!("{question} --no-headers"), format));
            assert_eq!(with.split_once('\n').unwrap().1, without, "{question} -o {format}");
        }
        let without = print(&format!("{question} --no-headers"), "markdown");
        assert!(cells(&without)[0].iter().all(String::is_empty), "{without}");
    }
}

/// The schema that OASIS publishes, as the crate `serde-sarif` 0.8.0 ships it (MIT).
pub(crate) fn sarif_schema() -> jsonschema::Validator {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sarif-2.1.0/schema.json");
    let mut schema = json(&std::fs::read_to_string(path).unwrap());
    // A bracket too many stands in the pattern of two fields that we do not write.
    for of in ["run", "toolComponent"] {
        schema["definitions"][of]["properties"]["language"].as_object_mut().unwrap().remove("pattern").unwrap();
    }
    jsonschema::validator_for(&schema).unwrap()
}

/// What GitHub asks for beyond the schema.
fn assert_fit_for_github(log: &Value, what: &str) {
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for rule in rules {
        assert!(rule["properties"]["tags"].as_array().unwrap().len() <= 20, "{what}");
        for text in ["shortDescription", "fullDescription", "help"] {
            assert!(!rule[text]["text"].as_str().unwrap().is_empty(), "{what}: {rule}");
        }
    }
    for result in run["results"].as_array().unwrap() {
        let [location] = result["locations"].as_array().unwrap().as_slice() else { panic!("{what}: {result}") };
        let related = result["relatedLocations"].as_array().into_iter().flatten();
        let flows = result["codeFlows"].as_array().into_iter().flatten();
        let flows = flows.flat_map(|flow| flow["threadFlows"][0]["locations"].as_array().unwrap());
        for location in [location].into_iter().chain(related).chain(flows.map(|step| &step["location"])) {
            let uri = location["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/%:".contains(&byte);
            assert!(!uri.is_empty() && uri.bytes().all(allowed) && !uri.contains("/../"), "{what}: {uri}");
            assert!(location["physicalLocation"]["region"]["startLine"].as_u64() >= Some(1), "{what}");
        }
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"], "{what}");
        assert!(result["level"] == rule["defaultConfiguration"]["level"], "{what}");
        assert!(result["partialFingerprints"]["primaryLocationLineHash"].is_string(), "{what}");
    }
}

pub(crate) fn assert_sarif(schema: &jsonschema::Validator, text: &str, what: &str) -> Value {
    let log = json(text);
    let wrong: Vec<String> =
        schema.iter_errors(&log).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert_eq!(wrong, [""; 0], "{what}");
    assert_fit_for_github(&log, what);
    log
}

#[test]
fn sarif_is_what_its_schema_says() {
    let schema = sarif_schema();
    assert!(!schema.is_valid(&serde_json::json!({"version": "2.1.0"})), "the schema refuses something");
    for question in FINDINGS {
        let log = assert_sarif(&schema, &print(question, "sarif"), question);
        let first = &log["runs"][0]["results"][0];
        if question == "escalations --demo" {
            let uri = first["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(uri);
            assert!(path.is_file(), "a place in a manifest is that file: {uri}");
            assert!(!first["codeFlows"][0]["threadFlows"][0]["locations"].as_array().unwrap().is_empty());
        }
    }
    let broken = ask_with(["checks", "-f", "-", "--keep-going", "-q", "-o", "sarif"], "not a manifest: [");
    let log = assert_sarif(&schema, &broken.out, "gaps");
    let said = log["runs"][0]["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"].as_str().unwrap();
    assert!(said.starts_with("not read, so these are at least the ones"), "{said}");
}

/// The example company with names that mean something to somebody who reads the output.
const HOSTILE: [&str; 22] = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "a\u{1b}[31mred",
    "bell\u{7}",
    "two\nlines",
    "bidi\u{202e}txt",
    "::error title=x::y",
    "a%0Ab",
    "a,line=1::b",
    "##vso[task.setvariable variable=a]b",
    "##[error]x",
    "a|b",
    "a\\|b",
    "`tick`",
    "<img src=x onerror=alert(1)>",
    "[link](https://example.com)",
    "]]>&amp;<x/>",
    "{0}",
    "https://example.com/x@y",
    "\u{fffe}",
];

/// A world of findings in which a group, an account, a binding and a role have this name.
fn hostile(name: &str) -> String {
    let api = "rbac.authorization.k8s.io";
    let objects = serde_json::json!([
        {"apiVersion": format!("{api}/v1"), "kind": "ClusterRole", "metadata": {"name": name},
         "rules": [{"verbs": ["escalate", "patch", "bind"], "apiGroups": [api], "resources": ["clusterroles", "clusterrolebindings"]}]},
        {"apiVersion": format!("{api}/v1"), "kind": "ClusterRoleBinding", "metadata": {"name": name},
         "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": name},
         "subjects": [{"apiGroup": api, "kind": "Group", "name": name}, {"kind": "ServiceAccount", "namespace": name, "name": name}]},
        {"apiVersion": format!("{api}/v1"), "kind": "RoleBinding", "metadata": {"name": name, "namespace": name},
         "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": "admin"},
         "subjects": [{"apiGroup": api, "kind": "User", "name": name}]},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": name}},
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}},
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": name},
         "spec": {"serviceAccountName": name, "containers": [{"name": "c", "image": "i"}]}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "aso-credential", "namespace": name},
         "data": {"AZURE_CLIENT_ID": "eA==", "AZURE_CLIENT_SECRET": "eA==", "AZURE_TENANT_ID": "eA==", "AZURE_SUBSCRIPTION_ID": "eA=="}},
    ]);
    objects.as_array().unwrap().iter().map(|object| format!("{object}\n")).collect()
}

/// What no output may hold, line ends between lines excepted.
fn steers(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[test]
fn no_name_is_more_than_text_in_any_format() {
    let schema = sarif_schema();
    let mut findings = 0;
    for name in HOSTILE {
        let world = hostile(name);
        for question in ["escalations", "checks", "who-can get pods", "what-can group:x --list", "aso"] {
            for format in FORMATS {
                let words = words(question).into_iter().chain(["-f", "-", "-q", "-o", format]);
                let Outcome { out, code: 0, .. } = ask_with(words, &world) else { continue };
                let what = format!("{name:?}: {question} -o {format}\n{out}");
                assert!(!out.lines().any(|line| line.contains(steers)), "{what}");
                // Only our own annotations begin like one, and nothing is a command of another runner.
                let own = |line: &str| {
                    format == "github"
                        && ["::error ", "::warning ", "::notice "].iter().any(|begin| line.starts_with(begin))
                };
                assert!(!out.lines().any(|line| line.trim_start().starts_with("::") && !own(line)), "{what}");
                assert!(!out.contains("##[") && !out.contains("##vso["), "{what}");
                match format {
                    "csv" => {
                        let table = rows(&out);
                        assert!(table.iter().all(|row| row.len() == table[0].len()), "{what}");
                        assert!(
                            !table.iter().flatten().any(|cell| cell.starts_with(['=', '+', '-', '@', '\t', '\r'])),
                            "{what}"
                        );
                    }
                    "markdown" => {
                        let table = cells(&out);
                        assert!(table.iter().all(|row| row.len() == table[0].len()), "{what}");
                        let is_plain = |cell: &String| {
                            cell.chars().all(|letter| letter.is_ascii_alphanumeric() || " -,".contains(letter))
                        };
                        let is_code = |cell: &String| cell.len() > 1 && cell.starts_with('`') && cell.ends_with('`');
                        let odd = table.iter().skip(1).flatten().find(|cell| !is_plain(cell) && !is_code(cell));
                        assert_eq!(odd, None, "{what}");
                    }
                    "sarif" => {
                        let log = assert_sarif(&schema, &out, &what);
                        findings += log["runs"][0]["results"].as_array().unwrap().len();
                    }
                    "junit" => {
                        let document =
                            roxmltree::Document::parse(&out).unwrap_or_else(|error| panic!("{error}: {what}"));
                        let known = ["testsuites", "testsuite", "testcase", "failure", "skipped", "system-err"];
                        let mut elements = document.descendants().filter(|node| node.is_element());
                        assert!(elements.all(|node| known.contains(&node.tag_name().name())), "{what}");
                    }
                    "github" => {
                        for line in out.lines().filter(|line| line.starts_with("::")) {
                            let (head, _) = line[2..].split_once("::").unwrap();
                            let (_, properties) = head.split_once(' ').unwrap();
                            let keys: Vec<&str> =
                                properties.split(',').map(|one| one.split('=').next().unwrap()).collect();
                            assert!(keys == ["title"] || keys == ["file", "line", "title"], "{what}");
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    assert!(findings > HOSTILE.len() * 2, "{findings} findings");
}

/// The real program.
fn program(question: &str) -> Command {
    let mut command = Command::cargo_bin("kubectl-rbac_lens").unwrap();
    command.args(words(question));
    command
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said() {
    for format in ["table", "json", "csv", "sarif", "github"] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = program(&format!("checks --demo -q -o {format}")).stdout(full).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{format}: {said}");
        assert!(said.starts_with("error: the answer cannot be written: ") && said.lines().count() == 1, "{said}");
    }
    // Nor does it matter that the reason cannot be said either.
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = program("checks --demo").stdout(full()).stderr(full()).status().unwrap();
    assert_eq!(status.code(), Some(2));
}

#[cfg(unix)]
#[test]
fn a_closed_output_and_one_that_closes_are_no_failure() {
    let script = |redirect: &str| {
        let path = program("").get_program().to_str().unwrap().to_owned();
        let script = format!("'{path}' escalations --demo -q -o json {redirect}");
        Command::new("sh").args(["-c", &script]).output().unwrap()
    };
    // There is nobody to tell: the system hands out nothing in its place.
    let output = script(">&-");
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(0), ""));
    for format in ["json", "yaml", "ndjson", "csv", "markdown", "tree", "sarif", "junit", "github"] {
        let mut child = program(&format!("escalations --demo -o {format}"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]), "{format}");
    }
}

#[test]
fn what_is_saved_is_what_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let formats = FORMATS.iter().filter(|format| **format != "tree");
    let files: Vec<(&str, std::path::PathBuf)> =
        formats.enumerate().map(|(at, format)| (*format, folder.path().join(at.to_string()))).collect();
    let mut command = program("checks --demo -q --fail-on high -o name");
    for (format, file) in &files {
        command.arg("--save").arg(format!("{format}={}", file.display()));
    }
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), print("checks --demo", "name"));
    for (format, file) in &files {
        let saved = std::fs::read_to_string(file).unwrap();
        assert_eq!(saved, print("checks --demo --fail-on high", format), "{format}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), files.len(), "and nothing is left beside them");
}

#[cfg(unix)]
#[test]
fn what_cannot_be_saved_is_said_and_harms_nothing() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let locked = folder.path().join("locked");
    std::fs::create_dir(&locked).unwrap();
    let old = locked.join("report.json");
    std::fs::write(&old, "old").unwrap();
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o555)).unwrap();
    // Nothing is locked for root, who has other places where nobody may write.
    let is_root = std::fs::write(locked.join("probe"), "").is_ok();
    let file = if is_root { Path::new("/proc/report.json").to_owned() } else { old.clone() };
    let missing = folder.path().join("missing/report.json");
    for file in [&file, &missing] {
        let output =
            program("checks --demo -q -o name --save").arg(format!("json={}", file.display())).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.starts_with(&format!("error: `{}` cannot be written: ", file.display())), "{said}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), print("checks --demo", "name"), "the answer is there");
    }
    assert_eq!(std::fs::read_to_string(&old).unwrap(), "old");
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o755)).unwrap();
    // A file that is there is replaced as a whole.
    let output = program("checks --demo -q -o name --save").arg(format!("json={}", old.display())).output().unwrap();
    assert!(output.status.success());
    assert_eq!(std::fs::read_to_string(&old).unwrap(), print("checks --demo", "json"));
}

/// Names that a shell would do something with.
const SHELL: [&str; 12] = [
    "$(touch hacked)",
    "`touch hacked`",
    "x; touch hacked",
    "x\ntouch hacked\n",
    "x' ; touch hacked ; '",
    "x\" ; touch hacked ; \"",
    "x && touch hacked",
    "x | touch hacked",
    "> hacked",
    "--kubeconfig=hacked",
    "* ? [a] ~ $HOME",
    "\\'; touch hacked #",
];

#[cfg(unix)]
#[test]
fn remedies_run_nothing_but_kubectl() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut run = 0;
    for name in SHELL {
        let folder = tempfile::tempdir().unwrap();
        let (bin, work) = (folder.path().join("bin"), folder.path().join("work"));
        std::fs::create_dir(&bin).unwrap();
        std::fs::create_dir(&work).unwrap();
        let log = folder.path().join("log");
        // Each word on its own, and what ends a call; `printf` is built into the shell, so that nothing else is on PATH.
        let stub = format!("#!/bin/sh\nprintf '%s\\0' \"$@\" >> '{0}'\nprintf 'END\\0' >> '{0}'\n", log.display());
        std::fs::write(bin.join("kubectl"), stub).unwrap();
        std::fs::set_permissions(bin.join("kubectl"), std::fs::Permissions::from_mode(0o755)).unwrap();
        let world = hostile(name);
        let mut calls = 0;
        for question in ["escalations -o json", "escalations --cuts -o json", "checks -o json", "escalations -o sarif"]
        {
            let outcome = ask_with(words(question).into_iter().chain(["-q", "-f", "-"]), &world);
            let report = json(&outcome.out);
            for command in commands(&report) {
                let output = Command::new("/bin/sh")
                    .args(["-c", &command])
                    .env_clear()
                    .env("PATH", &bin)
                    .current_dir(&work)
                    .output()
                    .unwrap();
                assert!(output.status.success() && output.stderr.is_empty(), "{command}: {output:?}");
                calls += 1;
            }
        }
        let left: Vec<_> = std::fs::read_dir(&work).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(left.is_empty(), "{name:?} made {left:?}");
        let seen = std::fs::read_to_string(&log).unwrap();
        let seen: Vec<&str> = seen.trim_end_matches('\0').split('\0').collect();
        assert_eq!(seen.iter().filter(|word| **word == "END").count(), calls, "{name:?}");
        // The name is a word, or stands in the words that JSON has for it.
        let in_json = Value::from(name).to_string();
        assert!(seen.iter().any(|word| *word == name || word.contains(&in_json)), "{name:?}: {seen:?}");
        run += calls;
    }
    assert!(run > SHELL.len() * 2, "{run} commands");
}

/// Every command of a report: of remedies, and of what to cut.
fn commands(value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) => {
            let own = |key: &str| key == "commands" || key == "remedy";
            let texts = |value: &Value| -> Vec<String> {
                value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
            };
            fields
                .iter()
                .flat_map(|(key, value)| {
                    let mut found = if own(key) { texts(value) } else { Vec::new() };
                    found.extend(commands(value));
                    found
                })
                .filter(|command| command.starts_with("kubectl "))
                .collect()
        }
        Value::Array(items) => items.iter().flat_map(commands).collect(),
        _ => Vec::new(),
    }
}
