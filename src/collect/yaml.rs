//! YAML: documents are found by their markers, parsed by serde-saphyr within a budget, and handed on as JSON.

use std::fmt;
use std::ops::Range;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::{Error, Spanned};

use super::document::{ItemKind, Problem};
use super::shape::{OrNull, has_kind};
use super::transcode::{Json, JsonSeed};
use crate::model::Origin;

/// How deep a document may be nested. The deepest CustomResourceDefinitions in use stay below 100.
const DEPTH: usize = 120;

/// The documents of a YAML stream, each with the line it begins on.
///
/// A marker is `---` at the start of a line, alone or followed by a blank; `...` ends a document. Neither can stand inside of a
/// scalar: what is inside of a mapping is indented.
pub(super) fn documents(text: &str) -> Vec<(Range<usize>, u32)> {
    let mut found = Vec::new();
    let (mut start, mut start_line) = (0, 1_u32);
    let (mut at, mut line) = (0, 1_u32);
    let mut keep = |from: usize, to: usize, line: u32| {
        if text[from..to].lines().any(|line| !is_void(line)) {
            found.push((from..to, line));
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

/// Where the objects of a document go: each as JSON, with its place and what its list says that it is.
type Each<'e> = dyn FnMut(&str, Origin, ItemKind<'_>) + 'e;

/// Reads one document and calls `each` with its object as JSON, or with each item of a list, at the line it stands on.
///
/// Items are handed on as they come: a tree of the whole list would need many times the memory of its text.
pub(super) fn document(text: &str, at: Origin, each: &mut Each<'_>) -> Result<(), Problem> {
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
    let first_line = 1 + body.lines().take_while(|line| is_void(line)).count();
    let seed = DocumentSeed { at, line: line_in(at, first_line), each };
    let read = serde_saphyr::with_deserializer_from_str_with_options(body, options, |yaml| seed.deserialize(yaml));
    read.map_err(|error| {
        let place = error.location().map_or(1, |place| usize::try_from(place.line()).unwrap_or(usize::MAX));
        Problem { file: at.file, line: line_in(at, place), message: explain(&error) }
    })
}

/// The line of the file that a line of the document is, both from 1.
fn line_in(at: Origin, line: usize) -> u32 {
    at.line.saturating_add(u32::try_from(line.saturating_sub(1)).unwrap_or(u32::MAX))
}

/// What is wrong, in one line and without the position, which is given apart.
fn explain(error: &Error) -> String {
    match error.without_snippet() {
        Error::AliasError { error, .. } => explain(error),
        Error::Budget { breach: BudgetBreach::Depth { .. }, .. } => too_deep(),
        Error::Budget { .. } | Error::AliasReplayLimitExceeded { .. } | Error::AliasReplayStackDepthExceeded { .. } => {
            "its aliases repeat more than any manifest needs".to_owned()
        }
        Error::RecursiveReferencesRequireWeakTypes { .. } => "an alias stands inside of what it refers to".to_owned(),
        Error::UnknownAnchor { .. } => "an alias refers to nothing that stands before it".to_owned(),
        Error::DuplicateMappingKey { key: Some(key), .. } => format!("the key `{key}` stands twice in one object"),
        Error::Unexpected { expected: "mapping start", .. } => "expected an object, found something else".to_owned(),
        Error::Unexpected { expected: "sequence start", .. } => "expected a list, found something else".to_owned(),
        Error::Message { msg, .. } => msg.clone(),
        other => {
            let text = other.to_string();
            let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
            let line = line.strip_prefix("error: ").unwrap_or(line);
            match line.rsplit_once(" at line ") {
                _ if line.contains("recursion limit exceeded") => too_deep(),
                Some((words, position)) if position.starts_with(|digit: char| digit.is_ascii_digit()) => {
                    format!("not YAML that can be read: {words}")
                }
                _ => format!("not YAML that can be read: {line}"),
            }
        }
    }
}

fn too_deep() -> String {
    format!("it is nested more than {DEPTH} deep")
}

/// A document: an object, or a list whose items are handed on.
struct DocumentSeed<'e, 'f> {
    at: Origin,
    line: u32,
    each: &'e mut Each<'f>,
}

impl<'de> DeserializeSeed<'de> for DocumentSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for DocumentSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Kubernetes object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let DocumentSeed { at, line, each } = self;
        let mut object = Json::default();
        let (mut api_version, mut kind) = (None::<String>, None::<String>);
        let mut items = None;
        object.open('{');
        while let Some(key) = map.next_key::<String>()? {
            if key == "items" && kind.as_deref().is_none_or(|kind| kind.ends_with("List")) {
                let known = kind.as_deref().map(|kind| item_kind(api_version.as_deref(), kind));
                let seed = ItemsSeed { at, kind: known, held: Vec::new(), ordinal: 0, each: &mut *each };
                items = Some(map.next_value_seed(OrNull(seed))?.unwrap_or_default());
                continue;
            }
            object.key(&key)?;
            let start = object.text.len();
            map.next_value_seed(JsonSeed(&mut object))?;
            let word = || serde_json::from_str(&object.text[start..]).ok();
            match key.as_str() {
                "apiVersion" => api_version = word(),
                "kind" => kind = word(),
                _ => {}
            }
        }
        object.close('}');
        match items {
            None => each(&object.text, Origin { line, ..at }, ItemKind::default()),
            Some(held) => {
                let (api_version, kind) = item_kind(api_version.as_deref(), kind.as_deref().unwrap_or_default());
                for (item, at) in held {
                    each(&item, at, ItemKind { api_version: &api_version, kind: &kind });
                }
            }
        }
        Ok(())
    }
}

/// `apiVersion` and `kind` of the items of a list, empty where they say it themselves.
fn item_kind(api_version: Option<&str>, kind: &str) -> (String, String) {
    match kind.strip_suffix("List") {
        Some(kind) if !kind.is_empty() => (api_version.unwrap_or_default().to_owned(), kind.to_owned()),
        _ => (String::new(), String::new()),
    }
}

/// The items of a list. Gives those that were held back, since neither they nor their list said a kind before.
struct ItemsSeed<'e, 'f> {
    at: Origin,
    kind: Option<(String, String)>,
    held: Vec<(String, Origin)>,
    ordinal: u32,
    each: &'e mut Each<'f>,
}

impl<'de> DeserializeSeed<'de> for ItemsSeed<'_, '_> {
    type Value = Vec<(String, Origin)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ItemsSeed<'_, '_> {
    type Value = Vec<(String, Origin)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Self::Value, A::Error> {
        while let Some(item) = items.next_element::<Spanned<Json>>()? {
            let line = line_in(self.at, usize::try_from(item.referenced.line()).unwrap_or(usize::MAX));
            let at = Origin { line, item: self.ordinal, ..self.at };
            self.ordinal = self.ordinal.saturating_add(1);
            // kubectl's own lists name the kind last, but each item names its own.
            if self.kind.is_none() && self.held.is_empty() && has_kind(item.value.text.as_bytes()) {
                self.kind = Some(Default::default());
            }
            match &self.kind {
                Some((api_version, kind)) => (self.each)(&item.value.text, at, ItemKind { api_version, kind }),
                None => self.held.push((item.value.text, at)),
            }
        }
        Ok(self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_begin_at_their_markers() {
        let text = "# head\n---\na: 1\n--- # second\nb: |\n  ---\n...\n\n---\n---\nc: 1\n";
        let found: Vec<(String, u32)> =
            documents(text).into_iter().map(|(range, line)| (text[range].trim().to_owned(), line)).collect();
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
