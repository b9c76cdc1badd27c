use serde_json::{Value, json};

use super::JsonPath;

/// The example of kubectl's reference (<https://kubernetes.io/docs/reference/kubectl/jsonpath/>), with a little more.
fn document() -> Value {
    json!({
        "kind": "List",
        "items": [
            {"kind": "None", "metadata": {"name": "127.0.0.1", "labels": {"kubernetes.io/hostname": "127.0.0.1"}},
             "status": {"capacity": {"cpu": "4"}, "addresses": [{"type": "LegacyHostIP", "address": "127.0.0.1"}]}},
            {"kind": "None", "metadata": {"name": "127.0.0.2"},
             "status": {"capacity": {"cpu": "8"}, "ready": true, "pods": 3,
                "addresses": [{"type": "LegacyHostIP", "address": "127.0.0.2"}, {"type": "another", "address": "127.0.0.3"}]}},
        ],
        "users": [
            {"name": "myself", "user": {}},
            {"name": "e2e", "user": {"username": "admin", "password": "secret"}},
        ],
        "html": "<a & b>",
        "nothing": null,
        "empty": [],
    })
}

fn print(template: &str) -> Result<String, String> {
    JsonPath::parse(template)?.print(&document())
}

#[test]
fn templates_are_filled_in_as_kubectl_does() {
    for (template, expected) in [
        // kubectl's reference.
        ("kind is {.kind}", "kind is List"),
        ("{.kind}", "List"),
        ("{['kind']}", "List"),
        ("{@.kind}{$.kind}", "ListList"),
        ("{..name}", "127.0.0.1 127.0.0.2 myself e2e"),
        ("{.items[*].metadata.name}", "127.0.0.1 127.0.0.2"),
        ("{.items[*]['metadata.name', 'status.capacity']}", "127.0.0.1 127.0.0.2 {\"cpu\":\"4\"} {\"cpu\":\"8\"}"),
        ("{.users[?(@.name==\"e2e\")].user.password}", "secret"),
        (
            "{range .items[*]}[{.metadata.name}, {.status.capacity}] {end}",
            "[127.0.0.1, {\"cpu\":\"4\"}] [127.0.0.2, {\"cpu\":\"8\"}] ",
        ),
        ("{range .items[*]}{.metadata.name}{'\\t'}{end}", "127.0.0.1\t127.0.0.2\t"),
        ("{.items[0].metadata.labels.kubernetes\\.io/hostname}", "127.0.0.1"),
        // Texts, with quotes of both kinds.
        ("{\"a\\n\\\"\\x41\\u00e9\"}{'it\\'s'}", "a\n\"Aéit's"),
        ("no braces\\n", "no braces\\n"),
        ("{true} {7} {-1.5}", "true 7 -1.5"),
        ("{.kind \"last counts\"}", "last counts"),
        // Parts of lists.
        ("{.items[-1].metadata.name}", "127.0.0.2"),
        ("{.items[-2:].metadata.name}", "127.0.0.1 127.0.0.2"),
        ("{.items[0:1].metadata.name}", "127.0.0.1"),
        ("{.items[:-1].metadata.name}", "127.0.0.1"),
        ("{.items[::2].metadata.name}", "127.0.0.1"),
        ("{.items[0,1].metadata.name}", "127.0.0.1 127.0.0.2"),
        ("{.items[1:1]}", ""),
        ("{.items[1].status.addresses[*]['type','address']}", "LegacyHostIP another 127.0.0.2 127.0.0.3"),
        // Filters.
        ("{.items[?(@.status.pods)].metadata.name}", "127.0.0.2"),
        ("{.items[?(@.status.pods>2)].metadata.name}", "127.0.0.2"),
        ("{.items[?( @.status.pods <= 2 )].metadata.name}", ""),
        ("{.items[?(@.status.ready==true)].metadata.name}", "127.0.0.2"),
        ("{.users[?(@.name!='e2e')].name}", "myself"),
        ("{.users[?(@.name>\"e\")].name}", "myself e2e"),
        ("{.users[?(@.name==\"a)b\")].name}", ""),
        ("{.items[*].status.addresses[?(@.type==\"another\")].address}", "127.0.0.3"),
        // What is not there.
        ("{.nowhere.at.all}", ""),
        ("[{.items[*].status.pods}]", "[3]"),
        ("{range .nowhere[*]}x{end}y", "y"),
        ("{.empty[*]}", ""),
        ("{.kind.x}", ""),
        // Values of every kind.
        ("{.nothing}", "null"),
        ("{.html} {.users[0]}", "<a & b> {\"name\":\"myself\",\"user\":{}}"),
        ("{.empty}", "[]"),
        ("{.items[1].status['ready','pods']}", "true 3"),
        ("{.users[1].user.*}", "secret admin"),
        ("{.items[0].status.capacity.cpu.*}", "52"),
        // Ranges in ranges.
        (
            "{range .items[*]}{.metadata.name}:{range .status.addresses[*]} {.type}{end};{end}",
            "127.0.0.1: LegacyHostIP;127.0.0.2: LegacyHostIP another;",
        ),
        ("", ""),
    ] {
        assert_eq!(print(template).as_deref(), Ok(expected), "{template}");
    }
}

#[test]
fn what_is_no_template_is_said() {
    for (template, expected) in [
        ("{.kind", "a `{` is not closed"),
        ("{.kind\n}", "a `{` is not closed on its line"),
        ("{kind}", "`kind` is no part of a path; write .kind or \"kind\""),
        ("{.items[}", "a `[` is not closed on its line"),
        ("{.items[x]}", "`[x]` is neither an index, nor a slice, nor a key in single quotes"),
        ("{.items[\"x\"]}", "`[\"x\"]` is neither an index, nor a slice, nor a key in single quotes"),
        ("{.items[1:2:3:4]}", "`[1:2:3:4]` is neither an index, nor a slice, nor a key in single quotes"),
        ("{.items[]}", "`[]` is neither an index, nor a slice, nor a key in single quotes"),
        ("{.items[?(@.x==1}", "a filter is not closed on its line"),
        ("{.items[?(@.x==1)}", "a filter ends in `)]`"),
        ("{.items[?(@.x=1)]}", "`=` compares nothing; use ==, !=, <, <=, > or >="),
        ("{.items[?(@.x==)]}", "a filter compares with nothing"),
        ("{\"x}", "a quoted text is not closed on its line"),
        ("{\"\\q\"}", "`\\q` has a backslash that escapes nothing"),
        ("{....x}", "`..` stands twice"),
        ("{range .items[*]}x", "a {range} has no {end}"),
        ("x{end}", "{end} without a {range}"),
        ("{1.2.3}", "`1.2.3` is no number"),
        ("{#}", "`#` is no part of a path"),
        ("{.items[9]}", "element 9 is asked for, and the list has 2"),
        ("{.items[-3]}", "element -1 is asked for, and the list has 2"),
        ("{.items[1:9]}", "element 8 is asked for, and the list has 2"),
        ("{.items[1:0]}", "a slice begins at 1 and ends before that, at 0"),
        ("{.items[::0]}", "the step of a slice is above 0"),
        ("{.kind[0]}", "only a list has elements by number"),
        ("{.kind[?(@.x)]}", "a filter is for lists"),
        ("{.users[?(@.name==1)]}", "a text is not compared with a whole number"),
        ("{.items[?(@.status.ready<true)]}", "true and false are neither more nor less than each other"),
        ("{.users[?(@.user==\"x\")]}", "an object is not compared with a text"),
        ("{.items[*].status.addresses[?(@.*==1)]}", "a filter compares one value with one"),
    ] {
        assert_eq!(print(template).as_ref().map_err(String::as_str), Err(expected), "{template}");
    }
}

#[test]
fn a_path_of_a_column_is_relaxed() {
    for path in ["kind", ".kind", "{kind}", "{.kind}"] {
        assert_eq!(JsonPath::relaxed(path).unwrap(), JsonPath::parse("{.kind}").unwrap(), "{path}");
    }
    assert_eq!(JsonPath::relaxed("").unwrap().find(&document()).unwrap().len(), 0);
    for path in ["{a}{b}", "{"] {
        assert!(JsonPath::relaxed(path).is_err(), "{path}");
    }
}

#[test]
fn a_list_of_json_is_as_kubectl_prints_it() {
    let all = JsonPath::parse("{.items[*].status.capacity}").unwrap().print_json(&document()).unwrap();
    assert_eq!(all, "[\n    {\n        \"cpu\": \"4\"\n    },\n    {\n        \"cpu\": \"8\"\n    }\n]\n");
    assert_eq!(
        JsonPath::parse("{.html}").unwrap().print_json(&document()).unwrap(),
        "[\n    \"\\u003ca \\u0026 b\\u003e\"\n]\n"
    );
}

#[test]
fn values_steer_no_terminal_and_the_template_may() {
    let value = json!({"a": "x\u{1b}[31m\n\u{202e}", "b": ["\u{9b}"]});
    let print = |template| JsonPath::parse(template).unwrap().print(&value).unwrap();
    assert_eq!(print("{.a}{\"\\n\"}"), "x\\u{1b}[31m\\n\\u{202e}\n");
    assert_eq!(print("{.b}"), "[\"\\u009b\"]");
    assert_eq!(print("{\"\\x1b\"}[1m{.b[0]}"), "\u{1b}[1m\\u{9b}");
}

#[test]
fn numbers_are_as_go_prints_them() {
    for (number, expected) in [
        (json!(1_000_000), "1000000"),
        (json!(1_000_000.0), "1e+06"),
        (json!(123_456_789.0), "1.23456789e+08"),
        (json!(100_000.0), "100000"),
        (json!(0.0001), "0.0001"),
        (json!(0.00001), "1e-05"),
        (json!(-1.5), "-1.5"),
    ] {
        assert_eq!(JsonPath::parse("{.n}").unwrap().print(&json!({"n": number})).unwrap(), expected);
    }
}

/// No text makes the parser or the evaluation panic, and what is read prints something or says why not.
#[test]
fn any_text_is_read_or_refused() {
    use proptest::prelude::*;
    let pieces = prop::sample::select(vec![
        "{", "}", "[", "]", "[?(", ")]", ".", "..", "*", "'", "\"", "\\", "@", "$", ",", ":", "-1", "0", "range ",
        "end", "items", "name", "é", " ", "==", "<", "true", "\n",
    ]);
    proptest!(|(words in prop::collection::vec(pieces, 0..24))| {
        let text = words.concat();
        if let Ok(path) = JsonPath::parse(&text) {
            let _ = path.print(&document());
            let _ = path.print_json(&document());
        }
        let _ = JsonPath::relaxed(&text);
    });
}
