//! A picture for Mermaid (<https://mermaid.js.org/syntax/flowchart.html>), which GitHub and GitLab draw in Markdown.

use super::document::{EdgeOut, NodeOut};
use super::{colour_of, colours};
use crate::render::text::safe;
use crate::rules::ItemKind;

pub(super) fn mermaid(nodes: &[NodeOut], edges: &[EdgeOut]) -> String {
    let mut text = "flowchart LR\n".to_owned();
    for node in nodes {
        let title = Some(&node.title).filter(|title| !title.is_empty());
        let label = lines(title.into_iter().chain(&node.lines).map(String::as_str));
        let (open, close) = shape(node.kind);
        text.push_str(&format!("  {}{open}\"{label}\"{close}\n", node.id));
    }
    for edge in edges {
        let count = edge.count.map(|count| format!("x{count}"));
        let words = edge.technique.into_iter().chain(edge.label).chain(edge.rights.iter().map(String::as_str));
        let label = lines(words.chain(count.as_deref()));
        let arrow = if edge.severity.is_some() { "==>" } else { "-->" };
        let label = if label.is_empty() { label } else { format!("|\"{label}\"|") };
        text.push_str(&format!("  {} {arrow}{label} {}\n", edge.from, edge.to));
    }
    for node in nodes {
        let (fill, colour) = colours(node.kind, node.severity);
        let ink = if node.kind == ItemKind::Target { "#ffffff" } else { "#111827" };
        text.push_str(&format!("  style {} fill:{fill},stroke:{colour},color:{ink}\n", node.id));
    }
    for (at, edge) in edges.iter().enumerate() {
        if let Some(severity) = edge.severity {
            text.push_str(&format!("  linkStyle {at} stroke:{}\n", colour_of(severity)));
        }
    }
    text
}

fn shape(kind: ItemKind) -> (&'static str, &'static str) {
    match kind {
        ItemKind::User | ItemKind::Group | ItemKind::ServiceAccount | ItemKind::Identity => ("([", "])"),
        ItemKind::Secret | ItemKind::Credential => ("[(", ")]"),
        ItemKind::All | ItemKind::Any => ("((", "))"),
        ItemKind::Target => ("{{", "}}"),
        _ => ("[", "]"),
    }
}

/// Lines as text of a label.
fn lines<'t>(lines: impl Iterator<Item = &'t str>) -> String {
    lines.map(|line| escaped(&safe(line))).collect::<Vec<_>>().join("<br/>")
}

/// Letters, digits and what means nothing anywhere stay; everything else of ASCII is an entity by its number, as Mermaid reads it:
/// quotes end a label, `#` and `;` make entities, backticks Markdown, `<` HTML, and `%%` comments.
fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_alphanumeric() || !letter.is_ascii() || " -./:,()=+@".contains(letter) {
            shown.push(letter);
        } else {
            shown.push_str(&format!("#{};", u32::from(letter)));
        }
    }
    shown
}
