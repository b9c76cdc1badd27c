//! Every form that objects come in loads as it is: to the same objects, on the lines where they stand.

use std::io::{self, Write};

use rbac_lens::collect::{FileOptions, Input, load};
use rbac_lens::model::{Name, Origin, RoleKind, Snapshot, Source, Warning};

use super::profile::{self, Form, Profile};

pub(crate) fn options() -> FileOptions {
    FileOptions { threads: 2, ..FileOptions::default() }
}

/// A Role on one line.
pub(crate) const ROLE: &str = r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"reader","namespace":"dev"},"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get","list"]}]}"#;
const BINDING: &str = r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","metadata":{"name":"readers","namespace":"dev"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"reader"},"subjects":[{"kind":"ServiceAccount","name":"bot"},{"apiGroup":"rbac.authorization.k8s.io","kind":"User","name":"ann"}]}"#;
const ACCOUNT: &str = r#"{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"bot","namespace":"dev"}}"#;
const OTHER: &str =
    r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"a":"{\"kind\":\"Role\"}"}}"#;

fn load_all(files: &[(&str, Vec<u8>)]) -> Snapshot {
    let folder = tempfile::tempdir().unwrap();
    let mut inputs = Vec::new();
    for (name, content) in files {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        inputs.push(Input::Path(path));
    }
    load(&inputs, &mut io::empty(), &options()).unwrap_or_else(|error| {
        panic!("{:?}: {:?}", files.iter().map(|(name, _)| name).collect::<Vec<_>>(), error.lines().collect::<Vec<_>>())
    })
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(content).unwrap();
    packed.finish().unwrap()
}

/// Each object in one line of text, and the line of its file.
fn facts(snapshot: &Snapshot) -> Vec<(String, u32)> {
    let place = |namespace: Option<Name>, name| {
        let namespace = namespace.map(|namespace| snapshot.text(namespace)).unwrap_or_default();
        format!("{namespace}/{}", snapshot.text(name))
    };
    let texts = |names: &[Name]| names.iter().map(|&name| snapshot.text(name)).collect::<Vec<_>>().join(",");
    let roles = snapshot.roles.iter().map(|role| {
        let rules = snapshot.rules.set(role.rules).iter().map(|&rule| {
            let rule = snapshot.rules.rule(rule);
            let lists = [rule.verbs, rule.api_groups, rule.resources, rule.resource_names, rule.non_resource_urls];
            lists.map(texts).join("|")
        });
        let rules: Vec<String> = rules.collect();
        (format!("role {} {}", place(role.namespace, role.name), rules.join(" ")), role.origin.line)
    });
    let bindings = snapshot.bindings.iter().map(|binding| {
        let kind = if binding.role.kind == RoleKind::Role { "Role" } else { "ClusterRole" };
        let subjects = snapshot.subjects.set(binding.subjects).iter().map(|&subject| {
            let subject = snapshot.subjects.get(subject);
            format!("{} {}", subject.kind(), subject.request_name(&snapshot.names))
        });
        let subjects: Vec<String> = subjects.collect();
        let (name, role) = (place(binding.namespace, binding.name), snapshot.text(binding.role.name));
        (format!("binding {name} {kind} {role} {}", subjects.join(",")), binding.origin.line)
    });
    let accounts = snapshot.service_accounts.iter();
    let accounts = accounts
        .map(|account| (format!("account {}", place(Some(account.namespace), account.name)), account.origin.line));
    roles.chain(bindings).chain(accounts).collect()
}

/// The four objects in a form, on these lines: Role, RoleBinding, ServiceAccount. Packed it must be the same.
fn check(name: &str, content: &str, lines: [u32; 3]) {
    let expected = [
        "role dev/reader get,list||pods||",
        "binding dev/readers Role reader ServiceAccount system:serviceaccount:dev:bot,User ann",
        "account dev/bot",
    ];
    let expected: Vec<_> = expected.map(str::to_owned).into_iter().zip(lines).collect();
    let (plain, packed) = (content.as_bytes().to_vec(), gzip(content.as_bytes()));
    for (name, content) in [(name.to_owned(), plain), (format!("{name}.gz"), packed)] {
        let snapshot = load_all(&[(&name, content)]);
        assert_eq!(facts(&snapshot), expected, "{name}");
        assert_eq!(snapshot.counts.values().sum::<u64>(), 4, "{name}: {:?}", snapshot.counts);
        assert_eq!(snapshot.warnings, [], "{name}");
    }
}

/// As `kubectl get -o json` writes it.
fn indented(json: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(json).unwrap();
    let mut text = Vec::new();
    let form = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    serde::Serialize::serialize(&value, &mut serde_json::Serializer::with_formatter(&mut text, form)).unwrap();
    String::from_utf8(text).unwrap()
}

fn list(head: &str, items: &[&str], tail: &str) -> String {
    format!("{{{head}\"items\":[{}]{tail}}}", items.join(","))
}

const ALL: [&str; 4] = [ROLE, BINDING, ACCOUNT, OTHER];

/// Where the first three of these begin, when the first does on a line and so many lines stand between them.
fn lines_of(texts: &[String; 4], start: u32, between: i32) -> [u32; 3] {
    let mut next = start;
    [0, 1, 2].map(|at| {
        let line = next;
        next = (next + texts[at].lines().count() as u32).saturating_add_signed(between);
        line
    })
}

#[test]
fn one_object_a_line() {
    check("a.ndjson", &format!("{}\n", ALL.join("\n")), [1, 2, 3]);
    check("a.json", &ALL.join("\n"), [1, 2, 3]);
    check("a.jsonl", &ALL.join("\r\n\r\n"), [1, 3, 5]);
    check("a.json", &format!("\u{feff}{}", ALL.join("\n")), [1, 2, 3]);
}

#[test]
fn one_object_after_another() {
    check("a.json", &ALL.concat(), [1, 1, 1]);
    let objects = ALL.map(indented);
    check("a.json", &objects.join("\n"), lines_of(&objects, 1, 0));
    check("a.json", &objects.concat(), lines_of(&objects, 1, -1));
    check("a.json", &objects.join("\n").replace('\n', "\r\n"), lines_of(&objects, 1, 0));
    // `cat` of a compact and some indented files.
    let mixed = [ROLE.to_owned(), indented(BINDING), ACCOUNT.to_owned(), indented(OTHER)];
    check("a.json", &mixed.join("\n"), lines_of(&mixed, 1, 0));
    check("a.json", &format!("\n\n{}", ALL.join("\n---\n")), [3, 5, 7]);
}

#[test]
fn lists_of_json() {
    let array = format!("[{}]", ALL.join(","));
    check("a.json", &array, [1, 1, 1]);
    let objects = ALL.map(indented);
    check("a.json", &indented(&array), lines_of(&objects, 2, 0));
    let kubectl = list("\"apiVersion\":\"v1\",", &ALL, ",\"kind\":\"List\",\"metadata\":{\"resourceVersion\":\"\"}");
    check("a.json", &kubectl, [1, 1, 1]);
    check("a.json", &indented(&kubectl), lines_of(&objects, 4, 0));
    check("a.json", &list("\"kind\":\"List\",\"apiVersion\":\"v1\",", &ALL, ""), [1, 1, 1]);
    check("a.json", &list("", &ALL, ""), [1, 1, 1]);
    // One list a line, and a list inside of a list.
    let lists = ALL.map(|object| list("\"kind\":\"List\",\"apiVersion\":\"v1\",", &[object], ""));
    check("a.ndjson", &lists.join("\n"), [1, 2, 3]);
    let inner = list("\"kind\":\"List\",\"apiVersion\":\"v1\",", &[BINDING, ACCOUNT, OTHER], "");
    check("a.json", &format!("[{ROLE},\n{inner}]"), [1, 2, 2]);
}

/// The objects as the API server lists them: kind by kind, without a kind of their own.
fn typed(text: &str, kind_last: bool) -> String {
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    let (version, kind) = (value["apiVersion"].as_str().unwrap(), value["kind"].as_str().unwrap());
    let head = format!("\"kind\":\"{kind}List\",\"apiVersion\":\"{version}\"");
    let own = format!("\"apiVersion\":\"{version}\",\"kind\":\"{kind}\",");
    let item = text.replacen(&own, "", 1);
    if kind_last { list("", &[&item], &format!(",{head}")) } else { list(&format!("{head},"), &[&item], "") }
}

#[test]
fn lists_whose_items_carry_no_kind() {
    for kind_last in [false, true] {
        let lists = ALL.map(|object| typed(object, kind_last));
        check("a.ndjson", &lists.join("\n"), [1, 2, 3]);
        check("a.json", &lists.concat(), [1, 1, 1]);
        check("a.json", &format!("[\n{}]", lists.join(",\n")), [2, 3, 4]);
        // In the order of their names, the list's kind stands last.
        let documents = lists.map(|list| {
            let sorted = yaml(&list);
            let (rest, kind) = sorted.trim_end().rsplit_once('\n').unwrap();
            if kind_last { sorted } else { format!("{kind}\n{rest}\n") }
        });
        check("a.yaml", &documents.join("---\n"), lines_of(&documents, if kind_last { 3 } else { 4 }, 1));
    }
}

/// Block style, fields in their order, as kubectl and Helm write it.
fn yaml(json: &str) -> String {
    fn write(value: &serde_json::Value, depth: usize, out: &mut String) {
        let blanks = "  ".repeat(depth);
        match value {
            serde_json::Value::Object(fields) if !fields.is_empty() => {
                for (at, (key, value)) in fields.iter().enumerate() {
                    out.push_str(if at > 0 || !out.ends_with("- ") { &blanks } else { "" });
                    out.push_str(key);
                    out.push(':');
                    let nested = matches!(value, serde_json::Value::Object(_) | serde_json::Value::Array(_));
                    out.push(if nested { '\n' } else { ' ' });
                    write(value, depth + usize::from(value.is_object()), out);
                }
            }
            serde_json::Value::Array(items) if !items.is_empty() => {
                for item in items {
                    out.push_str(&blanks);
                    out.push_str("- ");
                    write(item, depth + 1, out);
                }
            }
            leaf => {
                out.push_str(&leaf.to_string());
                out.push('\n');
            }
        }
    }
    let mut out = String::new();
    write(&serde_json::from_str(json).unwrap(), 0, &mut out);
    out
}

#[test]
fn yaml_of_all_sorts() {
    let documents = ALL.map(yaml);
    let joined = documents.join("---\n");
    check("a.yaml", &joined, lines_of(&documents, 1, 1));
    check("a.yml", &format!("---\n{joined}...\n"), lines_of(&documents, 2, 1));
    check("a.yaml", &joined.replace('\n', "\r\n"), lines_of(&documents, 1, 1));
    check("a.yaml", &format!("\u{feff}{joined}"), lines_of(&documents, 1, 1));
    check("a.yaml", &format!("%YAML 1.1\n---\n{joined}"), lines_of(&documents, 3, 1));
    let kubectl = list("\"apiVersion\":\"v1\",", &ALL, ",\"kind\":\"List\",\"metadata\":{\"resourceVersion\":\"\"}");
    check("a.yaml", &yaml(&kubectl), lines_of(&documents, 3, 0));
    // `helm template`: where each document comes from, and documents of templates that gave nothing.
    let helm =
        documents.iter().map(|text| format!("---\n# Source: chart/templates/a.yaml\n{text}")).collect::<String>();
    let helm =
        format!("---\n# Source: chart/templates/empty.yaml\n---\n\n{helm}---\n# Source: chart/templates/off.yaml\n");
    check("a.yaml", &helm, lines_of(&documents, 7, 2));
}

#[test]
fn the_last_of_two_with_one_name_counts() {
    let other = ROLE.replace("pods", "secrets");
    let only_role = |snapshot: &Snapshot| facts(snapshot).remove(0);
    let same_file = load_all(&[("a.ndjson", format!("{ROLE}\n{other}\n").into_bytes())]);
    assert_eq!(only_role(&same_file), ("role dev/reader get,list||secrets||".to_owned(), 2));
    let two_files = load_all(&[("a.json", other.clone().into_bytes()), ("b.json", ROLE.as_bytes().to_vec())]);
    assert_eq!(only_role(&two_files), ("role dev/reader get,list||pods||".to_owned(), 1));
    let message = |snapshot: &Snapshot| {
        let [Warning { origin: Origin { file, line, .. }, message }] = &snapshot.warnings[..] else {
            panic!("{:?}", snapshot.warnings)
        };
        let Source::File(first, _) = snapshot.source(Origin { file: rbac_lens::model::FileId(0), line: 1, item: 0 })
        else {
            panic!("the first file has a name")
        };
        format!("{} {line} {}", file.0, message.replace(first, "FIRST"))
    };
    let says = "Role `dev/reader` is given twice; the one in FIRST:1 is left out, the last one counts";
    assert_eq!(message(&same_file), format!("0 2 {says}"));
    assert_eq!(message(&two_files), format!("1 1 {says}"));
    let often = load_all(&[("a.ndjson", format!("{other}\n\n").repeat(4).into_bytes()), ("b.json", ROLE.into())]);
    assert_eq!(only_role(&often), ("role dev/reader get,list||pods||".to_owned(), 1));
    let says = "Role `dev/reader` is given 5 times; only the last one counts, the first is in FIRST:1";
    assert_eq!(message(&often), format!("1 1 {says}"));
}

#[test]
fn a_cluster_is_the_same_in_every_form() {
    // Some megabytes, so that blocks end in the middle of objects.
    let small = Profile { namespaces: 25, hot_bindings: 200, ..profile::S };
    let write = |form| {
        let mut text = Vec::new();
        let counts = profile::write(&small, form, &mut text).unwrap();
        (counts, text)
    };
    let (counts, lines) = write(Form::Lines);
    let names = |text: &[u8], name: &str| load_all(&[(name, text.to_vec())]);
    let expected = names(&lines, "a.ndjson");
    assert_eq!(expected.counts.values().sum::<u64>(), counts.total());
    let found = facts(&expected);
    let text = String::from_utf8(lines).unwrap();
    let text: Vec<&str> = text.lines().collect();
    let read = |(_, line): &&(String, u32)| *line > 0;
    for (object, line) in found.iter().filter(read) {
        let name = object.split([' ', '/']).nth(2).unwrap();
        assert!(text[*line as usize - 1].contains(&format!("\"name\":\"{name}\"")), "{object} is not on line {line}");
    }
    for form in [Form::Indented, Form::Typed] {
        let (_, text) = write(form);
        let snapshot = names(&text, "a.json");
        assert_eq!(snapshot.counts, expected.counts, "{form:?}");
        let objects = |found: &[(String, u32)]| found.iter().map(|(object, _)| object.clone()).collect::<Vec<_>>();
        assert_eq!(objects(&facts(&snapshot)), objects(&found), "{form:?}");
        if form == Form::Indented {
            let text = String::from_utf8(text).unwrap();
            let text: Vec<&str> = text.lines().collect();
            for (object, line) in facts(&snapshot).iter().filter(read) {
                assert_eq!(text[*line as usize - 1], "        {", "{object} does not begin on line {line}");
            }
        }
    }
}
