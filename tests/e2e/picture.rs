//! Graphviz draws what `graph` prints, and its texts are those of the document.

use std::io::Write as _;
use std::process::{Command, Stdio};

use rbac_lens::cli::{World, run};
use serde_json::{Value, json};

fn print(words: &[&str], stdin: &str) -> String {
    let words = ["kubectl-rbac_lens", "graph"].into_iter().chain(words.iter().copied()).map(Into::into);
    let outcome = run(
        words,
        &mut World {
            stdin: &mut stdin.as_bytes(),
            progress: &|_| (),
            now: 1_780_000_000,
            terminal: Default::default(),
        },
    );
    assert_eq!(outcome.code, 0, "{:?}", outcome.notes);
    outcome.out
}

/// What Graphviz makes of a text; none where it is not on this machine, which is said loudly.
#[allow(clippy::print_stderr, reason = "what is not tested is said")]
fn draw(text: &str, format: &str) -> Option<Vec<u8>> {
    let started = Command::new("dot")
        .arg(format!("-T{format}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut dot) = started else {
        #[expect(clippy::print_stderr, reason = "what is not tested is said")]
        {
            eprintln!(
                "GRAPHVIZ IS NOT ON THIS MACHINE (Debian: apt-get install graphviz): PICTURES ARE NOT DRAWN HERE"
            );
        }
        return None;
    };
    let mut input = dot.stdin.take().unwrap();
    let copy = text.to_owned();
    let writer = std::thread::spawn(move || input.write_all(copy.as_bytes()));
    let done = dot.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && said.is_empty(), "{said}\n{text}");
    Some(done.stdout)
}

fn solid(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_whitespace() && *letter != '\u{a0}').collect()
}

/// The texts of each node of an SVG, by its id.
fn texts(svg: &str) -> Vec<(String, String)> {
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    let document = roxmltree::Document::parse_with_options(svg, options).unwrap();
    let nodes = document.descendants().filter(|node| node.attribute("class") == Some("node"));
    let mut found: Vec<(String, String)> = nodes
        .map(|node| {
            let texts = node.descendants().filter(|inner| inner.has_tag_name("text"));
            let all: String = texts.filter_map(|text| text.text()).collect();
            let title = node.descendants().find(|inner| inner.has_tag_name("title")).and_then(|title| title.text());
            (title.unwrap().to_owned(), solid(&all))
        })
        .collect();
    found.sort();
    found
}

/// The same of the document: names with what no terminal obeys.
fn expected(report: &str) -> Vec<(String, String)> {
    let report: Value = serde_json::from_str(report).unwrap();
    let text = |node: &Value| {
        let lines = node["lines"].as_array().unwrap().iter();
        let all = std::iter::once(&node["title"]).chain(lines).map(|line| line.as_str().unwrap());
        let all: Vec<String> = all.map(|line| rbac_lens::render::safe(line).into_owned()).collect();
        let shown = all.concat().replace('\u{fffe}', "\\u{fffe}").replace('\u{ffff}', "\\u{ffff}");
        (node["id"].as_str().unwrap().to_owned(), solid(&shown))
    };
    let mut all: Vec<(String, String)> = report["items"].as_array().unwrap().iter().map(text).collect();
    all.sort();
    all
}

#[test]
fn graphviz_draws_every_picture_of_the_demo() {
    for words in [
        &[][..],
        &["--max-nodes", "40"],
        &["--max-nodes", "1"],
        &["-n", "dev"],
        &["--finding", "19395f9cbed20717"],
        &["--finding", "e2a48f23b95eff27"],
        &["--around", "group:dev-team"],
    ] {
        let words: Vec<&str> = words.iter().copied().chain(["--demo", "-q"]).collect();
        let Some(svg) = draw(&print(&words, ""), "svg") else { return };
        let report = print(&[&words[..], &["-o", "json"]].concat(), "");
        assert_eq!(texts(&String::from_utf8(svg).unwrap()), expected(&report), "{words:?}");
        let png = draw(&print(&words, ""), "png").unwrap();
        assert!(png.starts_with(b"\x89PNG"), "{words:?}");
    }
}

#[test]
fn graphviz_takes_no_name_for_anything_else() {
    let names = [
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
        "<<TABLE>>",
        "\u{fffe}\u{ffff}",
        "\u{202e}evil",
        "nul\u{0}",
        "line\nfeed",
        "esc\u{1b}[31m",
        "ünïcödé 名前 🦀",
        "%%",
        "`x`",
        "#",
    ];
    let subjects: Vec<Value> = names.iter().map(|name| json!({"kind": "User", "name": name})).collect();
    let world =
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "x"},
        "roleRef": {"kind": "ClusterRole", "name": "view"}, "subjects": subjects})
        .to_string();
    let Some(svg) = draw(&print(&["-f", "-", "-q"], &world), "svg") else { return };
    let svg = String::from_utf8(svg).unwrap();
    assert_eq!(texts(&svg), expected(&print(&["-f", "-", "-q", "-o", "json"], &world)));
    assert!(!svg.contains("<image"), "{svg}");
}
