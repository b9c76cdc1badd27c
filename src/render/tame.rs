//! JSON and YAML that steer no terminal: what a name may hold and a terminal obeys is written as an escape, which means the same
//! to every reader.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_saphyr::{DoubleQuoted, SerializerOptions};

use super::text::{is_command, is_command_at, is_unsafe};

/// Escapes what is left of unsafe letters in JSON text. serde_json has done the control characters below U+0020, so that they
/// stand inside of strings only; the line ends between them stay.
pub(super) fn json(text: String) -> String {
    let left = |letter: char| letter != '\n' && is_unsafe(letter);
    let command = is_command(&text);
    if !command && (text.bytes().all(|byte| byte < 0x7f) || !text.contains(left)) {
        return text;
    }
    let mut tame = String::with_capacity(text.len() + 16);
    for (at, letter) in text.char_indices() {
        if left(letter) || (command && letter == '#' && is_command_at(&text[at..])) {
            // None of them lies beyond the first plane, so that four digits do.
            tame.push_str(&format!("\\u{:04x}", u32::from(letter)));
        } else {
            tame.push(letter);
        }
    }
    tame
}

/// A value as YAML.
pub(super) fn yaml<T: Serialize>(value: &T) -> Result<String, String> {
    let mut options = SerializerOptions::default();
    // A message is one line, however long.
    options.prefer_block_scalars = false;
    let text = serde_saphyr::to_string_with_options(value, options.clone()).map_err(|error| error.to_string())?;
    if !text.contains(|letter| letter != '\n' && is_unsafe(letter)) && !is_command(&text) {
        return Ok(format!("{}\n", text.trim_end()));
    }
    // Escapes exist between double quotes only, so what needs them is put there.
    let text = json(serde_json::to_string(value).map_err(|error| error.to_string())?);
    let node: Node = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    if node.has_unsafe_key() {
        // A key cannot be told to be quoted. JSON is YAML as well.
        return Ok(format!("{text}\n"));
    }
    let text = serde_saphyr::to_string_with_options(&node, options).map_err(|error| error.to_string())?;
    Ok(format!("{}\n", json(text).trim_end()))
}

fn steers(text: &str) -> bool {
    text.contains(is_unsafe) || is_command(text)
}

/// Any value, its fields in the order they came in.
enum Node {
    Null,
    Bool(bool),
    Count(u64),
    Number(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    fn has_unsafe_key(&self) -> bool {
        match self {
            Node::List(items) => items.iter().any(Node::has_unsafe_key),
            Node::Map(fields) => fields.iter().any(|(key, value)| steers(key) || value.has_unsafe_key()),
            _ => false,
        }
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Node::Null => serializer.serialize_unit(),
            Node::Bool(value) => serializer.serialize_bool(*value),
            Node::Count(value) => serializer.serialize_u64(*value),
            Node::Number(value) => serializer.serialize_f64(*value),
            Node::Text(text) if steers(text) => DoubleQuoted(text).serialize(serializer),
            Node::Text(text) => serializer.serialize_str(text),
            Node::List(items) => serializer.collect_seq(items),
            Node::Map(fields) => serializer.collect_map(fields.iter().map(|(key, value)| (key, value))),
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Count(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Number(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Node, A::Error> {
        let mut map = Vec::new();
        while let Some(field) = fields.next_entry()? {
            map.push(field);
        }
        Ok(Node::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn what_is_escaped_reads_the_same() {
        for value in [
            json!({"a": "x\u{202e}y", "b": ["\u{9b}", "c: \u{200b}\\\"", true, 1, null, {}], "c": []}),
            json!({"k\u{202e}": "x"}),
            json!({"a": ["##vso[task.setvariable]x", "##[error]", "## [x]"]}),
            json!({"##[k]": "x"}),
        ] {
            let tame = super::json(value.to_string());
            assert!(!steers(&tame), "{tame:?}");
            assert_eq!(serde_json::from_str::<Value>(&tame).unwrap(), value);
            let tame = yaml(&value).unwrap();
            assert!(!steers(&tame.replace('\n', "")), "{tame:?}");
            assert_eq!(serde_saphyr::from_str::<Value>(&tame).unwrap(), value);
        }
    }
}
