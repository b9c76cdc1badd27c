//! A picture as GraphML (<http://graphml.graphdrawing.org/specification.html>), for Gephi, yEd, NetworkX and others.

use super::document::{EdgeOut, NodeOut};
use crate::render::text::safe;

const KEYS: [(&str, &str, &str, &str); 12] = [
    ("node", "kind", "string", "kind"),
    ("node", "label", "string", "label"),
    ("node", "thing", "string", "thing"),
    ("node", "namespace", "string", "namespace"),
    ("node", "members", "int", "members"),
    ("node", "severity", "string", "severity"),
    ("edge", "e-kind", "string", "kind"),
    ("edge", "e-label", "string", "label"),
    ("edge", "e-technique", "string", "technique"),
    ("edge", "e-rights", "string", "rights"),
    ("edge", "e-count", "int", "count"),
    ("edge", "e-severity", "string", "severity"),
];

pub(super) fn graphml(nodes: &[NodeOut], edges: &[EdgeOut]) -> String {
    let mut text = concat!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
        "<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n"
    )
    .to_owned();
    for (of, id, kind, name) in KEYS {
        text.push_str(&format!("  <key id=\"{id}\" for=\"{of}\" attr.name=\"{name}\" attr.type=\"{kind}\"/>\n"));
    }
    text.push_str("  <graph id=\"rbac-lens\" edgedefault=\"directed\">\n");
    for node in nodes {
        text.push_str(&format!("    <node id=\"{}\">\n", node.id));
        let title = Some(&node.title).filter(|title| !title.is_empty());
        let label: Vec<&str> = title.into_iter().chain(&node.lines).map(String::as_str).collect();
        data(&mut text, "kind", Some(node.kind_word));
        data(&mut text, "label", Some(&label.join("; ")));
        data(&mut text, "thing", node.thing.as_deref());
        data(&mut text, "namespace", node.namespace.as_deref());
        data(&mut text, "members", node.members.map(|members| members.to_string()).as_deref());
        data(&mut text, "severity", node.severity_word);
        text.push_str("    </node>\n");
    }
    for edge in edges {
        text.push_str(&format!("    <edge source=\"{}\" target=\"{}\">\n", edge.from, edge.to));
        data(&mut text, "e-kind", Some(edge.kind_word));
        data(&mut text, "e-label", edge.label);
        data(&mut text, "e-technique", edge.technique);
        data(&mut text, "e-rights", Some(edge.rights.join("; ")).filter(|all| !all.is_empty()).as_deref());
        data(&mut text, "e-count", edge.count.map(|count| count.to_string()).as_deref());
        data(&mut text, "e-severity", edge.severity_word);
        text.push_str("    </edge>\n");
    }
    text.push_str("  </graph>\n</graphml>\n");
    text
}

fn data(text: &mut String, key: &str, value: Option<&str>) {
    if let Some(value) = value {
        text.push_str(&format!("      <data key=\"{key}\">{}</data>\n", escaped(&safe(value))));
    }
}

/// Text between tags. What XML 1.0 lets nobody write, not even as an entity, is shown as an escape: control characters are by then,
/// and these two letters are no characters (<https://www.w3.org/TR/xml/#charsets>).
pub(super) fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '\u{fffe}' | '\u{ffff}' => shown.push_str(&format!("\\u{{{:x}}}", u32::from(letter))),
            letter => shown.push(letter),
        }
    }
    shown
}
