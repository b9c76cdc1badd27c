//! A picture for Graphviz (<https://graphviz.org/doc/info/lang.html>). Labels are HTML-like, in which nothing but entities, tags and
//! backslashes means anything (<https://graphviz.org/doc/info/shapes.html#html>): whatever is in a name is text.

use super::document::{EdgeOut, NodeOut};
use super::{colour_of, colours};
use crate::render::text::safe;
use crate::render::wrap::wrap;
use crate::rules::{EdgeKind, ItemKind};

/// How wide labels are, in letters: wide enough for a GUID.
const NODE: usize = 38;
const RULES: usize = 56;
const EDGE: usize = 36;

const HEAD: &str = r##"digraph "rbac-lens" {
  graph [rankdir=LR, bgcolor=white, pad=0.4, nodesep=0.22, ranksep=0.6, fontname="Helvetica,Arial,sans-serif"];
  node [shape=box, style="rounded,filled", fontname="Helvetica,Arial,sans-serif", fontsize=11, fontcolor="#111827", margin="0.14,0.07", penwidth=1.1];
  edge [color="#9ca3af", fontname="Helvetica,Arial,sans-serif", fontsize=9, fontcolor="#4b5563", arrowsize=0.7];
"##;

pub(super) fn dot(nodes: &[NodeOut], edges: &[EdgeOut]) -> String {
    let mut text = HEAD.to_owned();
    // A way has few things beside each other and many behind each other, whose labels are wider than they are high.
    if nodes.iter().any(|node| node.kind == ItemKind::Target) {
        text.push_str("  graph [rankdir=TB, ranksep=0.35];\n");
    }
    for node in nodes {
        text.push_str(&format!("  {} [{}];\n", node.id, attributes(node)));
    }
    for edge in edges {
        let line = line(edge);
        let line = if line.is_empty() { line } else { format!(" [{line}]") };
        text.push_str(&format!("  {} -> {}{line};\n", edge.from, edge.to));
    }
    text.push_str("}\n");
    text
}

fn attributes(node: &NodeOut) -> String {
    let (fill, colour) = colours(node.kind, node.severity);
    let mut all = vec![format!("label=<{}>", label(node)), format!("fillcolor=\"{fill}\", color=\"{colour}\"")];
    let shape = match node.kind {
        ItemKind::Rules => "shape=note, style=filled, fontsize=9",
        ItemKind::RoleBinding | ItemKind::ClusterRoleBinding | ItemKind::RoleAssignment => "style=filled, fontsize=10",
        ItemKind::Secret | ItemKind::Credential => "shape=cylinder, style=filled",
        ItemKind::AzureScope | ItemKind::Cluster => "shape=folder, style=filled",
        ItemKind::All | ItemKind::Any => "shape=circle, style=filled, fontsize=9, margin=0.02, penwidth=1.6",
        ItemKind::Gain => "penwidth=1.8",
        ItemKind::Target => "style=filled, fontcolor=white, fontsize=12, margin=\"0.2,0.14\"",
        _ => "",
    };
    if !shape.is_empty() {
        all.push(shape.to_owned());
    }
    if node.members.is_some() {
        all.push("peripheries=2".to_owned());
    }
    all.join(", ")
}

/// What it is in small letters, its name in bold ones, and the rest.
fn label(node: &NodeOut) -> String {
    let mut lines = Vec::new();
    let size = if node.kind == ItemKind::Rules { 8 } else { 9 };
    let ink = if node.kind == ItemKind::Target { "#fee2e2" } else { "#6b7280" };
    let is_join = matches!(node.kind, ItemKind::All | ItemKind::Any);
    for line in wrap(&safe(&node.title), NODE).iter().filter(|line| !line.is_empty()) {
        let text = escaped(line);
        lines.push(if is_join {
            format!("<B>{text}</B>")
        } else {
            format!("<FONT POINT-SIZE=\"{size}\" COLOR=\"{ink}\">{text}</FONT>")
        });
    }
    if node.kind == ItemKind::Rules && node.members.is_none() {
        let rules = node.lines.iter().map(|rule| {
            let parts: Vec<String> = wrap(&safe(rule), RULES).iter().map(|part| escaped(part)).collect();
            format!("{}<BR ALIGN=\"LEFT\"/>", parts.join("<BR ALIGN=\"LEFT\"/>&#160;&#160;&#160;"))
        });
        return format!("{}<BR ALIGN=\"LEFT\"/>{}", lines.join(""), rules.collect::<String>());
    }
    for (at, line) in node.lines.iter().enumerate() {
        for part in wrap(&safe(line), NODE) {
            let text = escaped(&part);
            let plain = at > 0 || node.kind == ItemKind::RoleAssignment && node.thing.is_some() && line.len() > NODE;
            lines.push(match (plain, node.members.is_some()) {
                (false, false) => format!("<B>{text}</B>"),
                (_, true) => text,
                (true, false) => format!("<FONT POINT-SIZE=\"9\">{text}</FONT>"),
            });
        }
    }
    lines.join("<BR/>")
}

fn line(edge: &EdgeOut) -> String {
    let mut lines: Vec<String> = Vec::new();
    lines.extend(
        edge.technique.map(|technique| format!("<FONT POINT-SIZE=\"11\"><B>{}</B></FONT>", escaped(technique))),
    );
    lines.extend(edge.label.map(escaped));
    lines.extend(edge.rights.iter().flat_map(|right| wrap(&safe(right), EDGE)).map(|part| escaped(&part)));
    lines.extend(edge.count.map(|count| format!("x{count}")));
    let mut all = Vec::new();
    if !lines.is_empty() {
        let lines: Vec<String> = lines.iter().map(|line| format!("&#160;{line}&#160;")).collect();
        all.push(format!("label=<{}>", lines.join("<BR/>")));
    }
    if let Some(severity) = edge.severity {
        let colour = colour_of(severity);
        all.push(format!("color=\"{colour}\", fontcolor=\"{colour}\", penwidth=2.6, arrowsize=0.9"));
    } else if matches!(edge.kind, EdgeKind::Writes | EdgeKind::ActsAs) {
        all.push("color=\"#7e22ce\", penwidth=1.6".to_owned());
    }
    all.join(", ")
}

/// Text of an HTML-like label. It is read as XML, so what XML does not allow is shown as an escape. When that is done Graphviz puts
/// the name of a node in the place of `\N`, and so on, in each piece of text: so none has a letter behind a backslash.
fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut letters = super::graphml::escaped(text).replace('"', "&quot;");
    while let Some(at) = letters.find('\\') {
        shown.push_str(&letters[..at]);
        shown.push_str("&#92;");
        let rest = letters.split_off(at + 1);
        letters = match rest.chars().next().filter(char::is_ascii_alphabetic) {
            Some(letter) => {
                shown.push_str(&format!("<FONT>{letter}</FONT>"));
                rest[1..].to_owned()
            }
            None => rest,
        };
    }
    shown + &letters
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn nothing_in_a_label_is_markup() {
        assert_eq!(escaped("a<b>&\"x\""), "a&lt;b&gt;&amp;&quot;x&quot;");
        assert_eq!(escaped("\\N"), "&#92;<FONT>N</FONT>");
        assert_eq!(escaped("\\\\N\\"), "&#92;&#92;<FONT>N</FONT>&#92;");
        assert_eq!(escaped("\u{ffff}"), "&#92;<FONT>u</FONT>{ffff}");
    }
}
