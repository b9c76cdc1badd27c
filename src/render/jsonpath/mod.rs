//! kubectl's JSONPath, which is a template and older than RFC 9535: `{range .items[*]}{.name}{"\n"}{end}`.
//!
//! The semantics are those of `k8s.io/client-go/util/jsonpath` as kubectl uses it for `-o jsonpath=`: a key that is missing is no error,
//! an index beyond the end of a list is one. Three things differ. Fields of an object are met in the order of their names, where Go has
//! none. A range that is never ended is an error, where kubectl prints what follows once more. And what a terminal obeys is
//! shown as an escape.

mod eval;
mod parse;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};
use serde_json::{Number, Value};

use self::parse::Parser;
use super::tame;
use super::text::safe;

/// A template, read.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonPath {
    pieces: Vec<Piece>,
}

/// A part of a template.
#[derive(Clone, Debug, PartialEq)]
enum Piece {
    /// What stands outside of braces.
    Text(String),
    /// What stands between braces.
    Action(Path),
    /// What is repeated for each value of a path.
    Range(Path, Vec<Piece>),
}

/// Steps, each from what the one before it found.
type Path = Vec<Step>;

#[derive(Clone, Debug, PartialEq)]
enum Step {
    /// `.name` and `['name']`.
    Field(String),
    /// `.*`.
    Wildcard,
    /// `..`: everything below, itself included.
    Below,
    /// `[1]`, `[1:3]` and `[*]`.
    Slice(Slice),
    /// `[?(@.a)]` and `[?(@.a=="b")]`.
    Filter { left: Path, compared: Option<(Operator, Path)> },
    /// `[0,2]` and `['a','b']`.
    Union(Vec<Path>),
    /// A text, number or truth value.
    Literal(Value),
}

/// A part of a list; negative numbers count from its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slice {
    from: Option<i64>,
    to: To,
    step: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum To {
    /// One element.
    One,
    End,
    Before(i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

impl JsonPath {
    /// Reads a template.
    ///
    /// # Errors
    /// When it is none, in words.
    pub fn parse(text: &str) -> Result<JsonPath, String> {
        Ok(JsonPath { pieces: Parser::new(text).template()? })
    }

    /// Reads a path as columns and `--sort-by` have it: `x.y`, `.x.y`, `{x.y}` or `{.x.y}`.
    ///
    /// # Errors
    /// When it is none, in words.
    pub fn relaxed(text: &str) -> Result<JsonPath, String> {
        let bare = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(text);
        let bare = bare.strip_prefix('.').filter(|rest| !rest.is_empty()).unwrap_or(bare);
        if bare.contains(['{', '}']) || (bare.is_empty() && !text.is_empty()) {
            return Err(format!("`{text}` is no path; write x.y, .x.y, {{x.y}} or {{.x.y}}"));
        }
        if bare.is_empty() { Ok(JsonPath { pieces: Vec::new() }) } else { JsonPath::parse(&format!("{{.{bare}}}")) }
    }

    /// What each part of the template finds.
    pub(super) fn find<'v>(&'v self, root: &'v Value) -> Result<Vec<Vec<Found<'v>>>, String> {
        eval::find(&self.pieces, &Found { value: Cow::Borrowed(root), written: false })
    }

    /// The template filled in: texts bare, objects and lists as JSON, several values of one part with blanks between.
    pub(super) fn print(&self, root: &Value) -> Result<String, String> {
        let mut text = String::new();
        for found in self.find(root)? {
            for (at, found) in found.iter().enumerate() {
                if at > 0 {
                    text.push(' ');
                }
                text.push_str(&found.printed()?);
            }
        }
        Ok(text)
    }

    /// What each part of the template finds, as a JSON list.
    pub(super) fn print_json(&self, root: &Value) -> Result<String, String> {
        let mut text = String::new();
        for found in self.find(root)? {
            let all = Value::Array(found.into_iter().map(|found| found.value.into_owned()).collect());
            let mut bytes = Vec::new();
            let form = PrettyFormatter::with_indent(b"    ");
            sorted(&all)
                .serialize(&mut Serializer::with_formatter(&mut bytes, form))
                .map_err(|error| error.to_string())?;
            text.push_str(&go_json(String::from_utf8(bytes).map_err(|error| error.to_string())?));
            text.push('\n');
        }
        Ok(text)
    }
}

/// A value that a template finds.
#[derive(Clone, Debug)]
pub(super) struct Found<'v> {
    pub(super) value: Cow<'v, Value>,
    /// Whether it stands in the template itself.
    written: bool,
}

impl Found<'_> {
    fn printed(&self) -> Result<String, String> {
        Ok(match &*self.value {
            Value::String(text) if self.written => text.clone(),
            Value::String(text) => safe(text).into_owned(),
            Value::Number(number) => go_number(number),
            nested @ (Value::Array(_) | Value::Object(_)) => {
                go_json(serde_json::to_string(&sorted(nested)).map_err(|error| error.to_string())?)
            }
            other => other.to_string(),
        })
    }

    /// As Go prints a value in a sentence, which is what columns hold: `map[a:1 b:[x y]]`.
    pub(super) fn in_column(&self) -> String {
        fn go(value: &Value) -> String {
            match value {
                Value::Null => "<nil>".to_owned(),
                Value::Bool(value) => value.to_string(),
                Value::Number(number) => go_number(number),
                Value::String(text) => text.clone(),
                Value::Array(items) => format!("[{}]", items.iter().map(go).collect::<Vec<_>>().join(" ")),
                Value::Object(fields) => {
                    let fields: BTreeMap<&String, &Value> = fields.iter().collect();
                    let field = |(key, value): (&String, &Value)| format!("{key}:{}", go(value));
                    format!("map[{}]", fields.into_iter().map(field).collect::<Vec<_>>().join(" "))
                }
            }
        }
        go(&self.value)
    }
}

/// The same with the fields of objects in the order of their names, as Go writes them.
fn sorted(value: &Value) -> Sorted<'_> {
    match value {
        Value::Array(items) => Sorted::List(items.iter().map(sorted).collect()),
        Value::Object(fields) => Sorted::Map(fields.iter().map(|(key, value)| (key.as_str(), sorted(value))).collect()),
        leaf => Sorted::Leaf(leaf),
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Sorted<'v> {
    Leaf(&'v Value),
    List(Vec<Sorted<'v>>),
    Map(BTreeMap<&'v str, Sorted<'v>>),
}

/// JSON as Go's encoder writes it, safe inside of HTML; and safe for a terminal. These letters stand inside of strings only.
fn go_json(text: String) -> String {
    let text = text.replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e");
    tame::json(text)
}

/// A number as Go prints it: a fraction has an exponent when it is below 1e-4, or 1e6 and above.
fn go_number(number: &Number) -> String {
    let Some(float) = number.as_f64().filter(|_| !number.is_i64() && !number.is_u64()) else {
        return number.to_string();
    };
    if float == 0.0 || (1e-4..1e6).contains(&float.abs()) {
        return float.to_string();
    }
    let text = format!("{float:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
    format!("{digits}e{sign}{exponent:0>2}")
}
