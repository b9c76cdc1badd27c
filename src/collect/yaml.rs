//! YAML: documents are found by their markers, parsed by serde-saphyr within a budget, and handed on as JSON.

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_saphyr::Spanned;

use super::document::{ItemKind, Problem};
use crate::model::Origin;

/// How deep a document may be nested. The deepest CustomResourceDefinitions in use stay below 100.
const DEPTH: usize = 120;

/// The documents of a YAML stream, each with the line it begins on.
///
/// A marker is `---` at the start of a line, alone or followed by a blank; `...` ends a document. Neither can stand inside of a
/// scalar: what is inside of a mapping is indented.
pub(super) fn documents(text: &str) -> Vec<(&str, u32)> {
    let mut found = Vec::new();
    let (mut start, mut start_line) = (0, 1_u32);
    let (mut at, mut line) = (0, 1_u32);
    let mut keep = |from: usize, to: usize, line: u32| {
        let document = &text[from..to];
        if document.lines().any(|line| !is_void(line)) {
            found.push((document, line));
        }
    };
    for whole in text.split_inclusive('\n') {
        let bare = whole.trim_end();
        let marker = bare == "---" || whole.starts_with("--- ") || whole.starts_with("---\t") || bare == "...";
        if marker {
            keep(start, at, start_line);
            // What stands behind the marker on its own line belongs to the document.
            start = at + 3;
            start_line = line;
        }
        at += whole.len();
        line = line.saturating_add(1);
    }
    keep(start, text.len(), start_line);
    found
}

/// Blank, a comment, or a directive.
fn is_void(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#') || line.starts_with('%')
}

/// Reads one document and calls `each` with its object as JSON, or with each item of a list, at the line it stands on.
pub(super) fn document(
    text: &str,
    at: Origin,
    each: &mut dyn FnMut(&str, Origin, ItemKind<'_>),
) -> Result<(), Problem> {
    // A document that begins with directives starts again at its marker; the parser wants neither.
    let text_only: String;
    let body = if text.trim_start().starts_with('%') {
        text_only =
            text.lines().map(|line| if line.starts_with('%') { "" } else { line }).collect::<Vec<_>>().join("\n");
        &text_only
    } else {
        text
    };
    let mut options = serde_saphyr::Options::default();
    options.with_snippet = false;
    if let Some(budget) = &mut options.budget {
        budget.max_depth = DEPTH;
        // Each node and each event of the document itself takes at least one byte; what aliases repeat has limits of its own.
        budget.max_nodes = budget.max_nodes.max(body.len());
        budget.max_events = budget.max_events.max(2 * body.len());
        budget.max_total_scalar_bytes = budget.max_total_scalar_bytes.max(body.len());
    }
    let parsed: Document = serde_saphyr::from_str_with_options(body, options).map_err(|error| {
        let inside = error.location().map_or(0, |place| place.line().saturating_sub(1));
        let line = at.line.saturating_add(u32::try_from(inside).unwrap_or(u32::MAX));
        Problem { file: at.file, line, message: format!("not YAML that can be read: {}", one_line(&error.to_string())) }
    })?;
    let first_line = 1 + body.lines().take_while(|line| is_void(line)).count();
    let at_line = |line: usize| at.line.saturating_add(u32::try_from(line.saturating_sub(1)).unwrap_or(u32::MAX));
    match parsed {
        Document::Object(object) => {
            each(&object.to_string(), Origin { line: at_line(first_line), ..at }, ItemKind::default());
        }
        Document::List { api_version, kind, items } => {
            let kind = kind.strip_suffix("List").unwrap_or_default();
            let version = if kind.is_empty() { "" } else { &api_version };
            let item_kind = ItemKind { api_version: version, kind };
            for (ordinal, item) in (0_u32..).zip(items) {
                let line = at_line(usize::try_from(item.referenced.line()).unwrap_or(usize::MAX));
                each(&item.value.to_string(), Origin { line, item: ordinal, ..at }, item_kind);
            }
        }
    }
    Ok(())
}

/// The first line of an error, without the position that is given apart.
fn one_line(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let line = line.strip_prefix("error: ").unwrap_or(line);
    match line.rsplit_once(" at line ") {
        Some((words, position)) if position.starts_with(|digit: char| digit.is_ascii_digit()) => words.to_owned(),
        _ => line.to_owned(),
    }
}

enum Document {
    Object(Value),
    List { api_version: String, kind: String, items: Vec<Spanned<Value>> },
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DocumentVisitor;
        impl<'de> Visitor<'de> for DocumentVisitor {
            type Value = Document;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a Kubernetes object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
                let mut object = serde_json::Map::new();
                let mut items = None;
                while let Some(key) = map.next_key::<String>()? {
                    let kind = object.get("kind").and_then(Value::as_str);
                    if key == "items" && kind.is_none_or(|kind| kind.ends_with("List")) {
                        items = Some(map.next_value::<Option<Vec<Spanned<Value>>>>()?.unwrap_or_default());
                    } else {
                        object.insert(key, map.next_value()?);
                    }
                }
                let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
                Ok(match items {
                    Some(items) => Document::List { api_version: text("apiVersion"), kind: text("kind"), items },
                    None => Document::Object(Value::Object(object)),
                })
            }
        }
        deserializer.deserialize_map(DocumentVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_begin_at_their_markers() {
        let text = "# head\n---\na: 1\n--- # second\nb: |\n  ---\n...\n\n---\n---\nc: 1\n";
        let found: Vec<(String, u32)> =
            documents(text).into_iter().map(|(text, line)| (text.trim().to_owned(), line)).collect();
        assert_eq!(found, [("a: 1".into(), 2), ("# second\nb: |\n  ---".into(), 4), ("c: 1".into(), 10)]);
    }

    #[test]
    fn what_kubectl_reads_as_a_boolean_is_one() {
        let mut seen = String::new();
        document("verbs: [on, 'on', get]", Origin::LIVE, &mut |text, _, _| seen = text.to_owned()).unwrap();
        assert_eq!(seen, r#"{"verbs":[true,"on","get"]}"#);
    }

    #[test]
    fn items_keep_their_lines() {
        let text = "apiVersion: v1\nitems:\n- kind: A\n- kind: B\n  x: 1\nkind: List\n";
        let mut lines = Vec::new();
        let at = Origin { file: crate::model::FileId(0), line: 10, item: 0 };
        document(text, at, &mut |_, at, _| lines.push(at.line)).unwrap();
        assert_eq!(lines, [12, 13]);
    }
}
