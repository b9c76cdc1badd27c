//! `graph`: the same picture in every format, whatever is in a name, and what is said beside it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{ask, ask_with};
use crate::hostile;

const FORMATS: [&str; 4] = ["dot", "mermaid", "graphml", "json"];

/// The same and what says the same as JSON.
const GRAPHS: [&str; 5] = ["dot", "mermaid", "graphml", "json", "yaml"];

/// The finding of the demo that README shows.
const FINDING: &str = "19395f9cbed20717-0a2c034d";

/// Nodes by id and edges by their ends, each with its text; blanks left out, since lines are broken where they fit.
type Drawn = (BTreeMap<String, String>, Vec<(String, String, String)>);

fn solid(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_whitespace() && *letter != '\u{a0}').collect()
}

fn read(format: &str, text: &str) -> Drawn {
    match format {
        "dot" => read_dot(text),
        "mermaid" => read_mermaid(text),
        "graphml" => read_graphml(text),
        _ => read_json(text),
    }
}

/// Text between tags, without the tags and with its entities read.
fn read_html(text: &str) -> String {
    let mut shown = String::new();
    let mut inside = false;
    for letter in text.chars() {
        match letter {
            '<' => inside = true,
            '>' => inside = false,
            letter if !inside => shown.push(letter),
            _ => {}
        }
    }
    let known = [("&#160;", " "), ("&#92;", "\\"), ("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
    let shown = known.iter().fold(shown, |shown, (entity, letter)| shown.replace(entity, letter));
    solid(&shown)
}

/// Reads what Graphviz would read: `label=<` up to the bracket that closes it.
fn read_dot(text: &str) -> Drawn {
    let (mut nodes, mut edges) = (BTreeMap::new(), Vec::new());
    for line in
        text.lines().filter(|line| line.starts_with("  n") && line[3..].starts_with(|c: char| c.is_ascii_digit()))
    {
        let label = line.split_once("label=<").map(|(_, rest)| {
            let mut deep = 1;
            let end = rest.char_indices().find(|(_, letter)| {
                deep += match letter {
                    '<' => 1,
                    '>' => -1,
                    _ => 0,
                };
                deep == 0
            });
            read_html(&rest[..end.unwrap().0])
        });
        let (head, _) =
            line.trim().trim_end_matches(';').split_once(" [").unwrap_or((line.trim().trim_end_matches(';'), ""));
        match head.split_once(" -> ") {
            Some((from, to)) => edges.push((from.to_owned(), to.to_owned(), label.unwrap_or_default())),
            None => assert!(nodes.insert(head.to_owned(), label.unwrap()).is_none()),
        }
    }
    (nodes, edges)
}

/// Reads the text of a label as Mermaid does.
fn read_label(text: &str) -> String {
    let mut shown = String::new();
    let text = text.replace("<br/>", " ");
    assert!(!text.contains(['<', '>', '"', '`', ';']) || text.contains('#'), "{text}");
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once('#') {
        let (number, after) = after.split_once(';').unwrap();
        shown.push_str(before);
        shown.push(char::from_u32(number.parse().unwrap()).unwrap());
        rest = after;
    }
    assert!(!rest.contains(['<', '>', '"', '`', ';', '{', '}', '[', ']', '|', '%', '&']), "{rest}");
    solid(&(shown + rest))
}

fn read_mermaid(text: &str) -> Drawn {
    let (mut nodes, mut edges) = (BTreeMap::new(), Vec::new());
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("flowchart LR"));
    for line in lines.map(str::trim) {
        if line.starts_with("style ") || line.starts_with("linkStyle ") {
            continue;
        }
        let arrow = [" --> ", " ==> ", " -->|", " ==>|"].into_iter().find_map(|arrow| line.split_once(arrow));
        match arrow.filter(|(from, _)| !from.contains('"')) {
            Some((from, rest)) => {
                let (label, to) = match rest.strip_prefix('"') {
                    Some(rest) => rest.split_once("\"| ").unwrap(),
                    None => ("", rest),
                };
                edges.push((from.to_owned(), to.to_owned(), read_label(label)));
            }
            None => {
                let (id, rest) = line.split_at(line.find(['[', '(', '{']).unwrap());
                let (_, rest) = rest.split_once('"').unwrap();
                let (label, _) = rest.rsplit_once('"').unwrap();
                assert!(nodes.insert(id.to_owned(), read_label(label)).is_none());
            }
        }
    }
    (nodes, edges)
}

fn read_graphml(text: &str) -> Drawn {
    let document = roxmltree::Document::parse(text).unwrap();
    let keys: Vec<&str> = document
        .descendants()
        .filter(|node| node.has_tag_name("key"))
        .map(|key| key.attribute("id").unwrap())
        .collect();
    let all = |node: roxmltree::Node<'_, '_>, wanted: &[&str]| -> String {
        let data: BTreeMap<&str, &str> = node
            .children()
            .filter(|inner| inner.has_tag_name("data"))
            .map(|inner| (inner.attribute("key").unwrap(), inner.text().unwrap_or_default()))
            .collect();
        assert!(data.keys().all(|key| keys.contains(key)), "{data:?}");
        wanted.iter().filter_map(|key| data.get(key).copied()).collect::<Vec<_>>().join(" ")
    };
    let of = |tag: &'static str| document.descendants().filter(move |node| node.has_tag_name(tag));
    let nodes = of("node")
        .map(|node| (node.attribute("id").unwrap().to_owned(), solid(&all(node, &["label"])).replace(';', "")));
    let edges = of("edge").map(|edge| {
        let words = all(edge, &["e-technique", "e-label", "e-rights", "e-count"]);
        let [from, to] = ["source", "target"].map(|end| edge.attribute(end).unwrap().to_owned());
        (from, to, solid(&words).replace(';', ""))
    });
    (nodes.collect(), edges.collect())
}

/// The document, in the words that the others show: names with what no terminal obeys.
fn read_json(text: &str) -> Drawn {
    let report: Value = serde_json::from_str(text).unwrap();
    let texts = |value: &Value| -> Vec<String> {
        match value {
            Value::Array(all) => all.iter().map(|one| one.as_str().unwrap().to_owned()).collect(),
            Value::String(one) => vec![one.clone()],
            Value::Number(number) => vec![number.to_string()],
            _ => Vec::new(),
        }
    };
    let shown =
        |all: Vec<String>| solid(&all.iter().map(|text| rbac_lens::render::safe(text)).collect::<Vec<_>>().join(" "));
    let nodes = report["items"].as_array().unwrap().iter().map(|node| {
        let all = [&node["title"], &node["lines"]].into_iter().flat_map(texts).collect();
        (node["id"].as_str().unwrap().to_owned(), shown(all))
    });
    let edges = report["edges"].as_array().unwrap().iter().map(|edge| {
        let all = ["technique", "label", "rights", "count"].iter().flat_map(|key| texts(&edge[*key])).collect();
        let [from, to] = ["from", "to"].map(|end| edge[end].as_str().unwrap().to_owned());
        (from, to, shown(all))
    });
    (nodes.collect(), edges.collect())
}

/// How the formats differ on purpose: how often an edge stands is `x3` in pictures, and what is no letter of XML is an escape there.
fn alike(format: &str, text: &str) -> String {
    let text = text.replace("\\u{ffff}", "\u{ffff}").replace("\\u{fffe}", "\u{fffe}");
    match format {
        "json" | "graphml" => text.replace(';', ""),
        _ => text.replace([';', 'x'], ""),
    }
}

fn same(json: &Drawn, other: &Drawn, format: &str, what: &str) {
    let plain = |text: &String| alike(format, &alike("json", text));
    assert_eq!(other.0.len(), json.0.len(), "{what} -o {format}");
    for ((id, text), (other_id, other_text)) in json.0.iter().zip(&other.0) {
        assert_eq!((other_id, plain(other_text)), (id, plain(text)), "{what} -o {format}");
    }
    assert_eq!(other.1.len(), json.1.len(), "{what} -o {format}");
    for ((from, to, text), (other_from, other_to, other_text)) in json.1.iter().zip(&other.1) {
        assert_eq!((other_from, other_to, plain(other_text)), (from, to, plain(text)), "{what} -o {format}");
    }
}

const QUESTIONS: &[&[&str]] = &[
    &["graph"],
    &["graph", "--max-nodes", "40"],
    &["graph", "--max-nodes", "1"],
    &["graph", "--system", "show"],
    &["graph", "-n", "dev"],
    &["graph", "--finding", FINDING],
    &["graph", "--finding", "e2a48f23b95eff27"],
    &["graph", "--around", "group:dev-team"],
    &["graph", "--around", "azure:/subscriptions/11111111-0000-0000-0000-000000000001"],
];

#[test]
fn every_format_shows_the_same() {
    for question in QUESTIONS {
        let texts = FORMATS.map(|format| {
            let outcome = ask(question.iter().copied().chain(["--demo", "-o", format]));
            assert_eq!(outcome.code, 0, "{question:?}: {:?}", outcome.notes);
            outcome
        });
        let [dot, mermaid, graphml, json] = &texts;
        let drawn = read_json(&json.out);
        assert!(drawn.0.len() > 2 && drawn.1.len() > 1, "{question:?}");
        for (format, text) in [("dot", dot), ("mermaid", mermaid), ("graphml", graphml)] {
            same(&drawn, &read(format, &text.out), format, &format!("{question:?}"));
            assert_eq!(text.notes, json.notes);
        }
        for (from, to, _) in &drawn.1 {
            assert!(drawn.0.contains_key(from) && drawn.0.contains_key(to), "{question:?}: {from} -> {to}");
        }
    }
}

#[test]
fn no_name_is_anything_but_text() {
    let world = hostile::world() + "\n" + &tricky();
    for question in [
        &["graph", "--max-nodes", "100000"][..],
        &["graph", "--around", "user:everyone"],
        &["graph", "--max-nodes", "3"],
    ] {
        let text = |format: &str| {
            let outcome = ask_with(question.iter().copied().chain(["-f", "-", "-o", format]), &world);
            assert_eq!(outcome.code, 0, "{question:?}: {:?}", outcome.notes);
            hostile::assert_tame(&outcome, &format!("{question:?} -o {format}"));
            outcome.out
        };
        let drawn = read_json(&text("json"));
        for format in ["dot", "mermaid", "graphml"] {
            same(&drawn, &read(format, &text(format)), format, &format!("{question:?}"));
        }
    }
}

/// Users whose names would end a label, begin a tag or an entity, or be a node, an edge or a comment of their own.
const TRICKY: &[&str] = &[
    "\"]; n99 [label=\"x",
    ">]; n99 -> n98 [label=<x",
    "</B><B>",
    "<IMG SRC=\"/etc/passwd\"/>",
    "&lt;b&gt;",
    "&#0;",
    "&nosuch;",
    "]]>",
    "<!--",
    "<![CDATA[",
    "\\N \\l \\\" \\",
    "x\"] --> n1",
    "x\"]\nclick n1 \"javascript:alert(1)\"",
    "%%{init: {}}%%",
    "#quot;",
    "#35;",
    "`*bold*`",
    "end",
    "fa:fa-ban",
    "$$x^2$$",
    "|pipe|",
    "\u{fffe}\u{ffff}",
    "\u{202e}evil",
];

fn tricky() -> String {
    let subjects: Vec<Value> = TRICKY.iter().map(|name| json!({"kind": "User", "name": name})).collect();
    json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "tricky"},
        "roleRef": {"kind": "ClusterRole", "name": "view"}, "subjects": subjects})
    .to_string()
}

#[test]
fn a_tricky_name_is_found_again() {
    let json = ask_with(["graph", "-f", "-", "-o", "json"], &tricky()).out;
    let report: Value = serde_json::from_str(&json).unwrap();
    let names: Vec<&str> =
        report["items"].as_array().unwrap().iter().filter_map(|node| node["lines"][0].as_str()).collect();
    for name in TRICKY {
        assert!(names.contains(name), "{name:?}: {names:?}");
    }
}

#[test]
fn the_order_of_the_input_is_no_order_of_the_picture() {
    let lines: Vec<&str> = rbac_lens::collect::DEMO.iter().map(|file| file.text).collect();
    let forwards = lines.join("\n---\n");
    let backwards = lines.iter().rev().copied().collect::<Vec<_>>().join("\n---\n");
    for question in [&["graph"][..], &["graph", "--max-nodes", "30"], &["graph", "--around", "sa:cicd/deployer"]] {
        let [one, other] =
            [&forwards, &backwards].map(|world| ask_with(question.iter().copied().chain(["-f", "-", "-q"]), world).out);
        assert!(one.contains(" -> "));
        let differs = one.lines().zip(other.lines()).find(|(one, other)| one != other);
        assert_eq!((differs, one.len()), (None, other.len()), "{question:?}");
    }
}

#[test]
fn what_is_grouped_and_what_is_left_out_is_said() {
    let whole = ask(["graph", "--demo"]);
    let told = whole.notes.last().unwrap();
    assert!(told.contains(" nodes; ") && told.contains("6 roles that nobody is bound to left out"), "{told}");
    assert!(!whole.notes.iter().any(|note| note.contains("drawn as")), "{:?}", whole.notes);
    let grouped = ask(["graph", "--demo", "--max-nodes", "20"]);
    let note = grouped.notes.iter().find(|note| note.contains("are drawn as")).unwrap();
    assert!(note.contains("everything is grouped by kind (--max-nodes 117 draws each"), "{note}");
    assert!(ask(["graph", "--demo", "--max-nodes", "117"]).out == whole.out);
    assert!(ask(["graph", "--demo", "--max-nodes", "116"]).out != whole.out);
    let namespace = ask(["graph", "--demo", "-n", "dev"]);
    assert!(
        namespace.notes.last().unwrap().contains("ClusterRoleBindings that hold there as well"),
        "{:?}",
        namespace.notes
    );
    assert_eq!(ask(["graph", "--demo", "-q"]).notes, [""; 0]);
}

#[test]
fn what_cannot_be_drawn_is_said_in_one_line() {
    for (words, expected) in [
        (
            &["--finding", "nosuch"][..],
            "error: no finding has the fingerprint `nosuch`; `kubectl rbac-lens escalations -o wide` shows those that there are, and one that was found with --from, --to, --without, --assume or --kube-version is drawn with the same flags",
        ),
        (
            &["--finding", "1939"],
            "error: `1939` begins 2 fingerprints: 19395f9cbed20717-0a2c034d, 1939609cbed208ca-50852ec6; write one of them",
        ),
        (&["--around", "user:nobody"], "error: the input has no `user:nobody`"),
        (
            &["--around", "robot:x"],
            "error: `robot:x` names nothing; write KIND:[NS/]NAME, such as user:alice, group:dev, sa:ns/name, pod:ns/name or node:n1",
        ),
        (&["--around", "namespace:dev"], "error: `namespace:dev` is no one thing; -n dev draws a namespace"),
        (
            &["--around", "user:clusterAdmin", "--depth", "0"],
            "error: nothing is at most 0 edges away from `user:clusterAdmin`",
        ),
    ] {
        let outcome = ask(["graph", "--demo"].into_iter().chain(words.iter().copied()));
        assert_eq!((outcome.code, outcome.out.as_str()), (2, ""), "{words:?}");
        assert_eq!(outcome.notes, [expected], "{words:?}");
    }
    for words in [["-o", "svg"], ["--save", "svg=a.svg"]] {
        let outcome = ask(["graph", "--demo"].into_iter().chain(words));
        let expected = "error: unknown output format `svg`, allowed formats are: dot, mermaid, graphml, json, yaml";
        assert_eq!((outcome.code, outcome.notes), (2, vec![expected.to_owned()]), "{words:?}");
    }
}

/// Searches of which each has findings that no other one has, and the fingerprint of one.
const SEARCHES: &[(&[&str], &str)] = &[
    (&["--from", "user:alice@contoso.example"], "19680f9d1e3582c8-a1afae08"),
    (&["--from", "pods:dev"], "af066e9dea126570-332606bc"),
    (&["--to", "node"], "dd2eebb694687882-777ab607"),
    (&["--to", "azure", "--power", "contributor"], "52a81e0acfd8bcf3-bb37e58b"),
    (&["--without", "clusterrolebinding:argocd-application-controller"], "12bae458cbacb54a-b2ac86d9"),
];

#[test]
fn what_another_search_finds_is_drawn_with_its_flags() {
    for (flags, fingerprint) in SEARCHES {
        let words = |rest: &[&'static str]| {
            let own = ["graph", "--demo", "--finding", fingerprint].into_iter();
            ask(own.chain(flags.iter().copied()).chain(rest.iter().copied()))
        };
        // Those that escalations finds are found here, with what it says of them.
        let own = ["escalations", "--demo", "-q", "-o", "ndjson"].into_iter().chain(flags.iter().copied());
        let listed = ask(own).out;
        let finding = listed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let finding = finding.into_iter().find(|one| one["fingerprint"] == *fingerprint).unwrap();
        let drawn = words(&["-o", "json"]);
        let report: Value = serde_json::from_str(&drawn.out).unwrap_or_else(|_| panic!("{flags:?}: {:?}", drawn.notes));
        let techniques = |of: &Value, key: &str| -> Vec<String> {
            of[key].as_array().unwrap().iter().filter_map(|one| one["technique"].as_str()).map(str::to_owned).collect()
        };
        let edges = techniques(&report, "edges");
        assert!(techniques(&finding, "steps").iter().all(|own| edges.contains(own)), "{flags:?}");
        // What was asked is told, by the words that were typed.
        let question = &report["metadata"]["question"];
        let key = flags[0].trim_start_matches("--");
        let told = if question[key].is_array() { &question[key][0] } else { &question[key] };
        assert_eq!(told, flags[1], "{question}");
        // Without its flags it is not there.
        let bare = ask(["graph", "--demo", "--finding", fingerprint]);
        assert!(
            bare.code == 2 && bare.notes[0].ends_with("is drawn with the same flags"),
            "{flags:?}: {:?}",
            bare.notes
        );
        // They shape nothing else.
        let other = ask(["graph", "--demo"].into_iter().chain(flags.iter().copied()));
        let expected = format!("error: {} goes with --finding FINGERPRINT", flags[0]);
        assert!(other.code == 2 && other.notes[0].starts_with(&expected), "{:?}", other.notes);
    }
    let outcome = ask(["graph", "--demo", "--finding", FINDING, "--without", "rolebinding:no/such"]);
    assert_eq!((outcome.code, outcome.notes), (2, vec!["error: the input has no `rolebinding:no/such`".to_owned()]));
}

#[test]
fn pictures_are_saved_and_are_yaml_too() {
    let text = |format: &str| ask(["graph", "--demo", "--finding", FINDING, "-o", format]).out;
    let yaml: Value = serde_saphyr::from_str(&text("yaml")).unwrap();
    assert_eq!(yaml, serde_json::from_str::<Value>(&text("json")).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let saves: Vec<String> =
        GRAPHS.iter().map(|format| format!("--save={format}={}", folder.path().join(format).display())).collect();
    let words = ["graph", "--demo", "--finding", FINDING].into_iter().chain(saves.iter().map(String::as_str));
    let outcome = ask(words);
    assert_eq!((outcome.code, outcome.files.len()), (0, GRAPHS.len()), "{:?}", outcome.notes);
    for (file, format) in outcome.files.iter().zip(GRAPHS) {
        assert_eq!((file.path.clone(), &file.content), (folder.path().join(format), &text(format).into_bytes()));
    }
    let twice = ask(["graph", "--demo", "--save", "dot=x", "--save", "json=x"]);
    assert_eq!((twice.code, twice.notes), (2, vec!["error: `x` is named by two --save".to_owned()]));
}

#[test]
fn a_finding_that_a_system_subject_starts_is_drawn_too() {
    let world = "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: e}, rules: [{verbs: [escalate, patch], apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles]}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: e, labels: {addonmanager.kubernetes.io/mode: Reconcile}}, roleRef: {kind: ClusterRole, name: e}, subjects: [{kind: ServiceAccount, name: x, namespace: kube-system}]}";
    let words = ["escalations", "--system", "only", "-q", "-o", "ndjson", "-f", "-"];
    let all = ask_with(words, world).out;
    let first: Value = serde_json::from_str(all.lines().next().unwrap()).unwrap();
    let fingerprint = first["fingerprint"].as_str().unwrap();
    let outcome = ask_with(["graph", "--finding", fingerprint, "-o", "json", "-f", "-"], world);
    assert_eq!(outcome.code, 0, "{:?}", outcome.notes);
    let report: Value = serde_json::from_str(&outcome.out).unwrap();
    assert_eq!(report["items"][0]["thing"], first["from"][0]);
}

#[test]
fn findings_are_drawn_with_each_of_their_techniques() {
    // Each fourth: each is solved for again.
    for line in ask(["escalations", "--demo", "-q", "-o", "ndjson"]).out.lines().step_by(4) {
        let finding: Value = serde_json::from_str(line).unwrap();
        let fingerprint = finding["fingerprint"].as_str().unwrap();
        let drawn = ask(["graph", "--demo", "--finding", fingerprint, "-o", "json"]).out;
        let report: Value = serde_json::from_str(&drawn).unwrap();
        let edges = report["edges"].as_array().unwrap();
        for step in finding["steps"].as_array().unwrap() {
            assert!(
                edges.iter().any(|edge| edge["technique"] == step["technique"]),
                "{fingerprint}: {}",
                step["technique"]
            );
        }
        assert!(edges.iter().any(|edge| edge["severity"] == finding["severity"]["level"]), "{fingerprint}");
    }
}
