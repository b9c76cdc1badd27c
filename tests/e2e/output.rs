//! Our `jsonpath` and `custom-columns` print what kubectl's print of the same JSON. The report is kept in objects of a kind that
//! takes any fields, and read back by the real kubectl.

use serde_json::{Value, json};

use crate::live::{define, definition};
use crate::server;

const GROUP: &str = "output.rbac-lens.dev";

/// Questions about the example company, with reports of other shapes.
const QUESTIONS: [&str; 3] =
    ["escalations --from group:dev-team --demo", "who-can get secrets -n shared --demo", "checks --demo"];

/// Templates; REPORT is where the report begins.
const TEMPLATES: [&str; 44] = [
    "{REPORT.kind}",
    "kind: {REPORT.kind}\\n",
    "{REPORT['kind']}{\"\\n\"}",
    "{$REPORT.kind} {@REPORT.apiVersion}",
    "{REPORT.items[*].fingerprint}",
    "{REPORT.items[0]}",
    "{REPORT.items[-1]}",
    "{REPORT.items[-1:]}",
    "{REPORT.items[0:2]}",
    "{REPORT.items[:1]}",
    "{REPORT.items[::2]}",
    "{REPORT.items[0,1]}",
    "{REPORT.items[1:1]}",
    "{REPORT.items[99]}",
    "{REPORT.items[0:99]}",
    "{REPORT.items}",
    "{REPORT.gaps}",
    "{REPORT.summary.items} {REPORT.summary.partial}",
    "{REPORT.nowhere.at.all}|",
    "{range REPORT.items[*]}{.fingerprint}{'\\t'}{.severity}{'\\t'}{.severity.level}{\"\\n\"}{end}",
    "{range REPORT.items[*]}[{.subject.name}, {.subject.kind}] {range .grants[*]}<{.binding.name}>{end}{'\\n'}{end}",
    "{range REPORT.items[*]}{range .steps[*]}{.technique} {end}; {end}done",
    "{range REPORT.nowhere[*]}{.x}{end}after",
    "{REPORT.items[*]['fingerprint','severity']}",
    "{REPORT.items[*]['fingerprint', 'subject.name']}",
    "{REPORT.items[?(@.severity==\"critical\")].check}",
    "{REPORT.items[?(@.severity=='high')].check}",
    "{REPORT.items[?(@.severity!=\"high\")].check}",
    "{REPORT.items[?(@.severity.level==\"critical\")].fingerprint}",
    "{REPORT.items[?(@.severity.level >= \"high\")].fingerprint}",
    "{REPORT.items[?(@.clusterWide==true)].subject.name}",
    "{REPORT.items[?(@.clusterWide)].subject.name}",
    "{REPORT.items[?(@.namespaces)].namespaces[0]}",
    "{REPORT.items[?(@.nowhere)].x}|",
    "{REPORT.items[?(@.check>\"ASO-005\")].title}",
    "{REPORT.items[*].grants[0].role.name}",
    "{REPORT.items[0].steps[*].requests[*].rights[*].verb}",
    "{REPORT.items[*].because[0]}",
    "{REPORT.summary.exit.code}{1}{-2.5}{true}{'text'}",
    "{REPORT..technique}",
    "{REPORT.items[0]..name}",
    "{REPORT.metadata.source.*}",
    "{REPORT.kind.*}",
    "é {REPORT.items[0].from} ü",
];

/// Columns of items; ITEM is where one begins.
const COLUMNS: [&str; 9] = [
    "FINGERPRINT:ITEM.fingerprint,SEVERITY:ITEM.severity",
    "A:ITEM.severity.level,B:ITEM.from,C:ITEM.nowhere",
    "SUBJECT:ITEM.subject.name,VERBS:ITEM.grants[*].rule.verbs,WIDE:ITEM.clusterWide",
    "X:{ITEM.check},Y:{ITEM.references[*]}",
    "ONE:ITEM.grants[0].role",
    "T:ITEM.steps[*].technique,N:ITEM.target.kind",
    "F:ITEM.objects[?(@.kind==\"Secret\")].name,G:ITEM.check",
    "A:ITEM.severity,A:ITEM.severity",
    "S:ITEM.source.line,B:ITEM.steps[*].blockers[*].stops",
];

fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    words.sort_unstable();
    words
}

#[test]
fn expressions_print_what_kubectl_prints() {
    let server = server::plain();
    let version = format!("{GROUP}/v1");
    define(
        &server,
        &[definition([GROUP, "v1", "reports", "Report"]), definition([GROUP, "v1", "reportitems", "ReportItem"])],
    );
    server.apply_all(vec![json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "output"}})]);
    let ours = |question: &str, format: &str| {
        let words: Vec<&str> = question.split(' ').chain(["-q", "-o", format]).collect();
        let output = server.rbac_lens_as("admin", &words);
        let text = String::from_utf8(output.stdout).unwrap();
        output.status.success().then_some(text)
    };
    let (mut same, mut refused) = (0, 0);
    for (at, question) in QUESTIONS.iter().enumerate() {
        let report: Value = serde_json::from_str(&ours(question, "json").unwrap()).unwrap();
        let items = report["items"].as_array().unwrap().clone();
        assert!(items.len() > 1, "{question}");
        let (name, group) = (format!("report-{at}"), format!("items-{at}"));
        let mut objects = vec![json!({"apiVersion": version, "kind": "Report",
            "metadata": {"name": name, "namespace": "output"}, "report": report})];
        objects.extend(items.iter().enumerate().map(|(place, item)| {
            json!({"apiVersion": version, "kind": "ReportItem", "item": item,
                "metadata": {"name": format!("item-{at}-{place:03}"), "namespace": "output", "labels": {"of": group}}})
        }));
        server.apply_all(objects);
        let kubectl = |args: &[&str]| {
            let output = server.kubectl(&[&["-n", "output", "get"], args].concat());
            let text = String::from_utf8(output.stdout).unwrap();
            output.status.success().then_some(text)
        };
        for form in ["jsonpath", "jsonpath-as-json"] {
            for template in TEMPLATES {
                let theirs = template.replace("REPORT", ".report");
                let theirs = kubectl(&["reports", &name, "-o", &format!("{form}={theirs}")]);
                let own = ours(question, &format!("{form}={}", template.replace("REPORT", "")));
                // Go meets the fields of an object in no order.
                let unordered = template.contains("..") || template.contains("source.*");
                if unordered && form == "jsonpath-as-json" {
                    continue;
                }
                match (&theirs, &own) {
                    (Some(theirs), Some(own)) if unordered => {
                        assert_eq!(words(own), words(theirs), "{question}: {template}")
                    }
                    _ => assert_eq!(own, theirs, "{question} -o {form}={template}"),
                }
                same += usize::from(own.is_some());
                refused += usize::from(own.is_none());
            }
        }
        for columns in COLUMNS {
            for heads in [true, false] {
                let theirs = format!("custom-columns={}", columns.replace("ITEM", ".item"));
                let selector = format!("of={group}");
                let mut args = vec!["reportitems", "-l", &selector, "-o", &theirs];
                let mut asked = (*question).to_owned();
                if !heads {
                    args.push("--no-headers");
                    asked.push_str(" --no-headers");
                }
                let own = ours(&asked, &format!("custom-columns={}", columns.replace("ITEM", "")));
                assert_eq!(own, kubectl(&args), "{question} -o custom-columns={columns}");
                same += usize::from(own.is_some());
            }
        }
    }
    assert!(same > 200 && refused > 5, "{same} are the same, {refused} are refused by both");
}
