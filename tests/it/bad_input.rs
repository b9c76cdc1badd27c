//! What cannot be read: one clear line for each problem, all of them at once, with file and line. Nothing is skipped in silence,
//! nothing panics, and no input takes more memory than its limits say.

use std::io::{self, Read, Write};
use std::path::Path;

use rbac_lens::collect::{FileOptions, Input, Limits, load};
use rbac_lens::model::Snapshot;

use super::formats::{ROLE, options};

/// Loads files of a scratch folder and gives the lines of the error without the folder's name.
fn load_files(files: &[(&str, &[u8])], options: &FileOptions) -> Result<Snapshot, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let inputs: Vec<_> = files.iter().map(|(name, _)| Input::Path(folder.path().join(name))).collect();
    load_in(folder.path(), &inputs, options)
}

fn load_in(folder: &Path, inputs: &[Input], options: &FileOptions) -> Result<Snapshot, Vec<String>> {
    let prefix = format!("{}/", folder.display());
    load(inputs, &mut io::empty(), options)
        .map_err(|error| error.lines().map(|line| line.replace(&prefix, "")).collect())
}

/// Each file alone gives exactly these lines.
fn check(cases: &[(&str, &str, &[&str])]) {
    for (name, content, expected) in cases {
        check_bytes(name, content.as_bytes(), expected);
    }
}

fn check_bytes(name: &str, content: &[u8], expected: &[&str]) {
    let found = load_files(&[(name, content)], &options()).err().unwrap_or_default();
    let start = String::from_utf8_lossy(&content[..content.len().min(200)]);
    assert_eq!(found, expected, "{name}: {start}");
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(content).unwrap();
    packed.finish().unwrap()
}

/// A manifest of one object of RBAC's group, in YAML's flow form on one line.
fn object(kind: &str, rest: &str) -> String {
    format!("{{apiVersion: rbac.authorization.k8s.io/v1, kind: {kind}, metadata: {{name: a}}, {rest}}}")
}

#[test]
fn what_is_no_manifest_at_all() {
    check(&[
        ("empty.yaml", "", &["empty.yaml: it is empty"]),
        ("blank.json", " \n\n", &["blank.json: it is empty"]),
        ("comments.yaml", "# a\n---\n# b\n", &["comments.yaml: there is no Kubernetes object in it"]),
        ("other.yaml", "a: 1\n", &["other.yaml: there is no Kubernetes object in it"]),
        ("braces.json", "{}", &["braces.json: there is no Kubernetes object in it"]),
        ("brackets.json", "[]", &["brackets.json: there is no Kubernetes object in it"]),
        ("text.yaml", "# head\nhello\n", &["text.yaml:2: expected an object, found something else"]),
        ("list.yaml", "- a\n- b\n", &["list.yaml:1: expected an object, found something else"]),
        ("null.json", "null", &["null.json:1: expected an object, found something else"]),
        (
            "numbers.json",
            "[1,\n\"x\"]",
            &[
                "numbers.json:1: expected a Kubernetes object, found `1`",
                "numbers.json:2: expected a Kubernetes object, found the text `\"x\"`",
            ],
        ),
    ]);
    check_bytes("program", b"\x7fELF\0\x01", &["program: this is a binary file, not YAML or JSON"]);
    check_bytes("packed.gz", &gzip(b"\x7fELF\0\x01"), &["packed.gz: this is a binary file, not YAML or JSON"]);
    check_bytes("wide.yaml", b"\xff\xfea\0:\0", &["wide.yaml:1: this is UTF-16 text; save it as UTF-8"]);
    check_bytes("wide.json", b"\xfe\xff\0{\0}", &["wide.json:1: this is UTF-16 text; save it as UTF-8"]);
}

#[test]
fn text_that_is_not_utf_8() {
    let not_utf8 = |name: &str, content: &[u8]| {
        check_bytes(name, content, &[&format!("{name}:2: this is not UTF-8 text; save it as UTF-8")]);
    };
    not_utf8("a.yaml", b"kind: Role\nname: caf\xe9\n");
    not_utf8("a.json", b"{\n\"a\":\"caf\xe9\"}\n");
    not_utf8("a.ndjson", &[ROLE.as_bytes(), b"\n{\"a\":\"caf\xe9\"}\n"].concat());
}

#[test]
fn broken_yaml() {
    check(&[
        (
            "colons.yaml",
            "a: 1\nb: c: d\n",
            &["colons.yaml:2: not YAML that can be read: mapping values are not allowed in this context"],
        ),
        (
            "tab.yaml",
            "a:\n\t- b\n",
            &["tab.yaml:2: not YAML that can be read: tabs disallowed within this context (block indentation)"],
        ),
        ("open.yaml", "a: [b\n", &["open.yaml:1: not YAML that can be read: unclosed bracket '['"]),
        ("twice.yaml", "kind: A\nkind: B\n", &["twice.yaml:2: the key `kind` stands twice in one object"]),
        ("anchor.yaml", "a: *b\n", &["anchor.yaml:1: an alias refers to nothing that stands before it"]),
        ("itself.yaml", "a: &a [*a]\n", &["itself.yaml:1: an alias stands inside of what it refers to"]),
        ("items.yaml", "kind: List\nitems: x\n", &["items.yaml:2: expected a list, found something else"]),
        (
            "items.yaml",
            "kind: List\nitems:\n- 1\n- x\n",
            &[
                "items.yaml:3: expected a Kubernetes object, found `1`",
                "items.yaml:4: expected a Kubernetes object, found the text `\"x\"`",
            ],
        ),
        (
            "second.yaml",
            &format!("{}\n---\na: b: c\n---\n{}\n", object("Role", "rules: x"), object("Role", "rules: z")),
            &[
                "second.yaml:1: in `rules`: expected a list of rules, found the text `\"x\"`",
                "second.yaml:3: not YAML that can be read: mapping values are not allowed in this context",
                "second.yaml:5: in `rules`: expected a list of rules, found the text `\"z\"`",
            ],
        ),
    ]);
}

#[test]
fn broken_json() {
    let cut_off = "the JSON ends in the middle of an object; was the file cut off?";
    check(&[
        ("line.json", &ROLE[..60], &[&format!("line.json:1: {cut_off}")]),
        ("last.ndjson", &format!("{ROLE}\n{}", &ROLE[..60]), &[&format!("last.ndjson:2: {cut_off}")]),
        ("list.json", &format!("{{\n\"items\":[\n{ROLE},\n{}", &ROLE[..60]), &[&format!("list.json:4: {cut_off}")]),
        (
            "lines.ndjson",
            &format!("{ROLE}\n{{\"a\":}}\n\n{ROLE}\n[1]\n{{\"a\":1 \"b\":2}}\n"),
            &[
                "lines.ndjson:2: not JSON: expected value",
                "lines.ndjson:5: expected a Kubernetes object, found a list",
                "lines.ndjson:6: not JSON: expected `,` or `}`",
            ],
        ),
        ("after.json", &format!("{ROLE}\nx\n"), &["after.json:2: not JSON: expected value"]),
        ("comma.json", "[{},\n]", &["comma.json:2: not JSON: a comma stands before the closing bracket"]),
        (
            "surrogate.json",
            "{\n\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\n\"metadata\":{\"name\":\"\\ud800\"}}",
            &["surrogate.json:3: not JSON: unexpected end of hex escape"],
        ),
        (
            "kinds.json",
            r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"kind":"Role"}"#,
            &["kinds.json:1: `kind` stands twice"],
        ),
    ]);
    let packed = gzip(ROLE.as_bytes());
    check_bytes("cut.json.gz", &packed[..60], &["cut.json.gz: it cannot be read: incomplete deflate stream"]);
    check_bytes("head.json.gz", &packed[..5], &["head.json.gz: it cannot be read: unexpected end of file"]);
}

#[test]
fn wrong_types() {
    let role = |rest| object("Role", rest);
    let binding = |rest| object("RoleBinding", rest);
    check(&[
        ("a.yaml", &role("rules: x"), &["a.yaml:1: in `rules`: expected a list of rules, found the text `\"x\"`"]),
        ("a.yaml", &role("rules: {}"), &["a.yaml:1: in `rules`: expected a list of rules, found an object"]),
        ("a.yaml", &role("rules: [{}, [x]]"), &["a.yaml:1: in `rules[1]`: expected a rule, found a list"]),
        ("a.yaml", &role("rules: [{}, {verbs: [1]}]"), &["a.yaml:1: in `rules[1].verbs`: expected text, found `1`"]),
        (
            "a.yaml",
            &role("rules: [{resources: pods}]"),
            &["a.yaml:1: in `rules[0].resources`: expected a list of text, found the text `\"pods\"`"],
        ),
        (
            "a.yaml",
            "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: []}",
            &["a.yaml:1: in `metadata`: expected an object, found a list"],
        ),
        (
            "a.yaml",
            "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: [a]}}",
            &["a.yaml:1: in `metadata`: expected text, found a list"],
        ),
        (
            "a.yaml",
            "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role}",
            &["a.yaml:1: this Role has no `metadata.name`"],
        ),
        ("a.yaml", "{apiVersion: v1, kind: [Role]}", &["a.yaml:1: in `kind`: expected text, found a list"]),
        ("a.yaml", &binding("roleRef: x"), &["a.yaml:1: in `roleRef`: expected an object, found the text `\"x\"`"]),
        ("a.yaml", &binding("roleRef: [Role, x]"), &["a.yaml:1: in `roleRef`: expected an object, found a list"]),
        ("a.yaml", &binding("subjects: []"), &["a.yaml:1: RoleBinding `a` has no `roleRef`"]),
        (
            "a.yaml",
            &binding("roleRef: {kind: Role}"),
            &["a.yaml:1: RoleBinding `a` needs both `roleRef.kind` and `roleRef.name`"],
        ),
        (
            "a.yaml",
            &binding("roleRef: {kind: Role, name: x}, subjects: {kind: User}"),
            &["a.yaml:1: in `subjects`: expected a list, found an object"],
        ),
        (
            "a.yaml",
            &binding("roleRef: {kind: Role, name: x}, subjects: [[User, x]]"),
            &["a.yaml:1: in `subjects`: expected an object, found a list"],
        ),
        (
            "a.yaml",
            &object("ClusterRole", "aggregationRule: {clusterRoleSelectors: [x]}"),
            &["a.yaml:1: in `aggregationRule`: expected an object, found the text `\"x\"`"],
        ),
        (
            "a.json",
            "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":{}}",
            &["a.json:1: in `items`: expected a list, found an object"],
        ),
        // The line is that of the mistake, also where the kind stands behind it.
        (
            "a.json",
            "{\n \"rules\": [\n  {\"verbs\":\n   [1]}\n ],\n \"kind\": \"Role\",\n \"apiVersion\": \"rbac.authorization.k8s.io/v1\"\n}",
            &["a.json:4: in `rules[0].verbs`: expected text, found `1`"],
        ),
        (
            "a.json",
            "{\"items\":[\n{\n \"apiVersion\": \"rbac.authorization.k8s.io/v1\",\n \"kind\": \"Role\",\n \"rules\": [\n  1\n]}]}",
            &["a.json:6: in `rules[0]`: expected a rule, found `1`"],
        ),
        // No mistake is so long that it cannot be shown.
        (
            "a.yaml",
            &role(&format!("rules: {}", "x".repeat(10_000))),
            &[&format!("a.yaml:1: in `rules`: expected a list of rules, found the text `\"{}...`", "x".repeat(59))],
        ),
    ]);
}

#[test]
fn what_is_missing_and_may_be() {
    let good = [
        object("Role", "rules: null"),
        object("ClusterRole", "rules: [null, {verbs: null}]"),
        object("RoleBinding", "roleRef: {kind: Role, name: x}"),
        object("ClusterRoleBinding", "roleRef: {kind: ClusterRole, name: x}, subjects: null"),
    ];
    let snapshot = load_files(&[("a.yaml", good.join("\n---\n").as_bytes())], &options()).unwrap();
    assert_eq!((snapshot.roles.len(), snapshot.bindings.len(), snapshot.warnings), (2, 2, Vec::new()));
}

#[test]
fn every_problem_of_every_file_is_told_at_once() {
    let wrong = object("Role", "rules: x");
    let files: [(&str, &[u8]); 4] =
        [("a.yaml", wrong.as_bytes()), ("b.json", b"{"), ("good.json", ROLE.as_bytes()), ("c.yaml", b"")];
    let expected = [
        "a.yaml:1: in `rules`: expected a list of rules, found the text `\"x\"`",
        "b.json:1: the JSON ends in the middle of an object; was the file cut off?",
        "c.yaml: it is empty",
    ];
    assert_eq!(load_files(&files, &options()).err(), Some(expected.map(str::to_owned).to_vec()));
    let kept = load_files(&files, &FileOptions { keep_going: true, ..options() }).unwrap();
    assert_eq!(kept.roles.len(), 1);
    assert_eq!(kept.gaps.len(), 3, "{:?}", kept.gaps);
}

#[test]
fn deep_nesting() {
    for depth in [200, 5_000, 1_000_000] {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        let lists = format!("{}{}", r#"{"apiVersion":"v1","kind":"List","items":["#.repeat(depth), "]}".repeat(depth));
        let cut_off = "the JSON ends in the middle of an object; was the file cut off?";
        let rules = |text| {
            format!(
                "{{\n\"apiVersion\":\"rbac.authorization.k8s.io/v1\",\"kind\":\"Role\",\"metadata\":{{\"name\":\"a\"}},\n\"rules\":[{text}]}}"
            )
        };
        let too_long = lists.len() > 16 << 20;
        let nested = if too_long {
            "this object is larger than 16 MiB, more than any can be"
        } else {
            "more than 4 lists lie in each other"
        };
        check(&[
            ("a.json", &open, &[&format!("a.json:1: {cut_off}")]),
            ("a.json", &"{\"a\":".repeat(depth), &[&format!("a.json:1: {cut_off}")]),
            ("a.json", &format!("{open}{close}"), &["a.json:1: expected a Kubernetes object, found a list"]),
            ("a.json", &rules(format!("{open}{close}")), &["a.json:3: in `rules[0]`: expected a rule, found a list"]),
            ("a.json", &rules(format!("{{\"x\":{open}{close}}}")), &[]),
            ("a.json", &lists, &[&format!("a.json:1: {nested}")]),
            ("a.ndjson", &format!("{ROLE}\n{lists}\n"), &[&format!("a.ndjson:2: {nested}")]),
            ("a.yaml", &format!("a: {open}{close}"), &["a.yaml:1: it is nested more than 120 deep"]),
            (
                "a.yaml",
                &format!("{}1{}", "{a: ".repeat(depth), "}".repeat(depth)),
                &["a.yaml:1: it is nested more than 120 deep"],
            ),
            ("a.yaml", &"- ".repeat(depth), &["a.yaml:1: expected an object, found something else"]),
        ]);
    }
    // Reviews are read by a reader of their own.
    let lists = format!("{}{}", r#"{"kind":"List","items":["#.repeat(100_000), "]}".repeat(100_000));
    let outcome = super::ask_with(["review", "-", "--demo"], &lists);
    assert_eq!(
        outcome.notes.last().map(String::as_str),
        Some("error: standard input:1: more than 4 lists lie in each other")
    );
    let indented: String = (0..5_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    check(&[("a.yaml", &indented, &["a.yaml:121: it is nested more than 120 deep"])]);
    let deepest = format!("apiVersion: v1\nkind: Pod\na: {}{}", "{a: ".repeat(119), "}".repeat(119));
    check(&[("a.yaml", &deepest, &[])]);
}

#[test]
fn aliases_that_explode() {
    let tenfold = |of: &str| [of; 10].join(", ");
    let mut laughs = format!("a0: &a0 [{}]\n", tenfold("x"));
    for level in 1..12 {
        laughs += &format!("a{level}: &a{level} [{}]\n", tenfold(&format!("*a{}", level - 1)));
    }
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(1_000_000), vec!["*a"; 100_000].join(","));
    let message = "its aliases repeat more than any manifest needs";
    check(&[
        ("laughs.yaml", &laughs, &[&format!("laughs.yaml:6: {message}")]),
        ("long.yaml", &long, &["long.yaml:2: this object is larger than 16 MiB, more than any can be"]),
    ]);
}

#[test]
fn what_is_too_large() {
    let line = format!("{{\"a\":\"{}\"}}", "x".repeat(50 << 20));
    let too_large = "this object is larger than 16 MiB, more than any can be";
    check(&[
        ("line.json", &line, &[&format!("line.json:1: {too_large}")]),
        ("line.ndjson", &format!("{ROLE}\n{line}\n"), &[&format!("line.ndjson:2: {too_large}")]),
        ("item.json", &format!("{{\n\"items\":[\n{line}]}}"), &[&format!("item.json:3: {too_large}")]),
        ("item.yaml", &format!("items:\n- {line}\n"), &[&format!("item.yaml:2: {too_large}")]),
    ]);
    let small = FileOptions { limits: Limits { yaml_bytes: 1 << 20, expansion: 50, ..Limits::DEFAULT }, ..options() };
    let bomb =
        |content: String| load_files(&[("bomb.gz", &gzip(content.as_bytes()))], &small).err().unwrap_or_default();
    let unpacks = "bomb.gz: it cannot be read: it unpacks to more than 50 times its size; unpack it yourself first";
    assert_eq!(bomb(format!("{ROLE}\n").repeat(100_000)), [unpacks]);
    assert_eq!(bomb(format!("{{\"a\":\"{}", "x".repeat(8 << 20))), [unpacks]);
    let yaml = "bomb.gz: this YAML is larger than 1 MiB; write it as JSON (kubectl get -o json)";
    assert_eq!(bomb(format!("a: {}", "x".repeat(8 << 20))), [yaml]);
}

/// Text without end: a beginning, and then the same again and again.
struct Endless {
    start: &'static [u8],
    again: &'static [u8],
    served: usize,
}

impl Read for Endless {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let next = match self.start.get(self.served..) {
            Some(rest) if !rest.is_empty() => rest,
            _ => &self.again[(self.served - self.start.len()) % self.again.len()..],
        };
        let count = next.len().min(into.len());
        into[..count].copy_from_slice(&next[..count]);
        self.served += count;
        Ok(count)
    }
}

#[test]
fn what_never_ends_is_given_up_soon() {
    let limits = Limits { object_bytes: 4 << 20, yaml_bytes: 4 << 20, expansion: 10, ..Limits::DEFAULT };
    let soon = FileOptions { limits, ..options() };
    for (text, again, expected) in [
        ("{\"a\":\"", "xxxxxxxxxxxxxxxx", "standard input:1: this object is larger than 4 MiB, more than any can be"),
        (
            "{\"items\":[\n{\"a\":",
            "[[[[[[[[[[[[[[[[",
            "standard input:2: this object is larger than 4 MiB, more than any can be",
        ),
        ("{}\n{", "                ", "standard input:2: this object is larger than 4 MiB, more than any can be"),
        ("{}\n", "{\"a\":1,\"a\":1,\"a", "standard input:2: this object is larger than 4 MiB, more than any can be"),
        (
            "{\"items\":[{}",
            ",{},{},{},{},{}\n",
            "neither this list nor its items say a kind first; put `kind` before `items`",
        ),
        (
            "a: ",
            "xxxxxxxxxxxxxxxx",
            "standard input: this YAML is larger than 4 MiB; write it as JSON (kubectl get -o json)",
        ),
        (
            "",
            "                ",
            "standard input: this YAML is larger than 4 MiB; write it as JSON (kubectl get -o json)",
        ),
    ] {
        let mut endless = Endless { start: text.as_bytes(), again: again.as_bytes(), served: 0 };
        let error = load(&[Input::Stdin], &mut endless, &soon).err().unwrap();
        let lines: Vec<_> = error.lines().collect();
        assert!(lines.len() == 1 && lines[0].ends_with(expected), "{text}: {lines:?}");
        assert!(endless.served < 20 << 20, "{text}: {} bytes were read", endless.served);
    }
}

#[test]
fn files_that_are_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| Input::Path(folder.path().join(name));
    std::fs::create_dir_all(folder.path().join("nothing/below.yaml")).unwrap();
    std::fs::create_dir(folder.path().join("dangling")).unwrap();
    std::fs::write(folder.path().join("nothing/readme.txt"), "kind: Role").unwrap();
    let found = load_in(folder.path(), &[path("nothing"), path("missing.yaml")], &options()).err();
    let expected = [
        "nothing: there is no .yaml, .yml, .json or .ndjson file (or one of these with .gz) in it; use -R to look into its folders",
        "missing.yaml: there is no such file or folder",
    ];
    assert_eq!(found, Some(expected.map(str::to_owned).to_vec()));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("nowhere", folder.path().join("dangling/a.yaml")).unwrap();
        let found = load_in(folder.path(), &[path("dangling")], &options()).err();
        assert_eq!(found, Some(vec!["dangling/a.yaml: there is no such file or folder".to_owned()]));
    }
    let address = "https://example.com/role.yaml";
    let found = load_in(folder.path(), &[Input::Path(address.into())], &options()).err();
    let expected = format!(
        "{address}: https addresses are not fetched; write `curl -fsSL {address} | kubectl rbac-lens ... -f -`"
    );
    assert_eq!(found, Some(vec![expected]));
}

#[test]
fn the_command_says_every_problem_and_ends_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    std::fs::write(path("a.yaml"), object("Role", "rules: \"x\\ny\\e[31m\"")).unwrap();
    std::fs::write(path("b\u{1b}.json"), "{").unwrap();
    let (a, b, c) = (path("a.yaml"), path("b\u{1b}.json"), path("c.yaml"));
    let outcome = super::ask(["who-can", "get", "secrets", "-f", &a, "-f", &b, "-f", &c]);
    let expected = [
        "error: a.yaml:1: in `rules`: expected a list of rules, found the text `\"x\\ny\\u{1b}[31m\"`",
        "error: b\\u{1b}.json:1: the JSON ends in the middle of an object; was the file cut off?",
        "error: c.yaml: there is no such file or folder",
    ];
    let folder = format!("{}/", folder.path().display());
    let notes: Vec<_> = outcome.notes.iter().map(|note| note.replace(&folder, "")).collect();
    assert_eq!((outcome.out.as_str(), outcome.code), ("", 2));
    assert_eq!(notes, expected);
}
