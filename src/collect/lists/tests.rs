//! The cutter against a slow twin: serde_json takes the same stream apart, and both must find the same objects on the same lines.

use std::fmt;

use proptest::prelude::*;
use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::files::Limits;
use super::super::pieces::{Feeder, Work};
use crate::model::FileId;

/// An object, the line it begins on, and what its list says that it is.
type Cut = (String, u32, String);

fn cut_by(block: usize, limits: &Limits, text: &str) -> Result<Vec<Cut>, String> {
    let mut found = Vec::new();
    let mut send = |work| {
        let Work::Objects { bytes, objects, api_version, kind, .. } = work else { panic!("nothing else is sent") };
        for part in objects {
            let text = String::from_utf8(bytes[part.range].to_vec()).unwrap();
            found.push((text, part.line, format!("{api_version} {kind}").trim().to_owned()));
        }
    };
    let mut feeder = Feeder { file: FileId(0), limits, block, buffer: &mut Vec::new, send: &mut send };
    let done = super::feed(&mut feeder, 1, &mut text.as_bytes());
    done.map(|()| found).map_err(|problem| format!("{}: {}", problem.line, problem.message))
}

fn cut(text: &str) -> Result<Vec<Cut>, String> {
    cut_by(1 << 20, &Limits::default(), text)
}

/// The fields of an object in their order, which decides whether the kind of a list is known before its items.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(FieldsVisitor)
    }
}

/// What `cut` should find, from a whole text in memory.
fn twin(text: &str) -> serde_json::Result<Vec<Cut>> {
    let place = |raw: &RawValue, kind: &str| {
        let before = raw.get().as_ptr() as usize - text.as_ptr() as usize;
        let line = 1 + text[..before].matches('\n').count();
        (raw.get().to_owned(), u32::try_from(line).unwrap(), kind.to_owned())
    };
    let mut found = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
        let value = value?;
        if value.get().starts_with('[') {
            found.extend(serde_json::from_str::<Vec<&RawValue>>(value.get())?.into_iter().map(|raw| place(raw, "")));
            continue;
        }
        let Fields(fields) = serde_json::from_str(value.get())?;
        let word = |name: &str| fields.iter().rfind(|(key, _)| key == name).and_then(|(_, raw)| word(raw));
        let kind_at = fields.iter().position(|(key, raw)| key == "kind" && raw.get().starts_with('"'));
        let kind = word("kind").unwrap_or_default();
        let lists = fields.iter().enumerate().filter(|(at, (key, raw))| {
            let known = kind_at.is_some_and(|kind_at| kind_at < *at);
            key == "items" && raw.get().starts_with('[') && (!known || kind.ends_with("List"))
        });
        let lists: Vec<_> = lists.map(|(at, (_, raw))| (at, *raw)).collect();
        if lists.is_empty() {
            found.push(place(value, ""));
        }
        for (at, raw) in lists {
            let items: Vec<&RawValue> = serde_json::from_str(raw.get())?;
            let kind_first = kind_at.is_some_and(|kind_at| kind_at < at);
            let version_first = fields[..at].iter().any(|(key, _)| key == "apiVersion");
            let item = kind.strip_suffix("List").unwrap_or_default();
            let told = kind_first && (version_first || item.is_empty());
            let own = !told && items.first().is_some_and(|item| has_kind(item));
            let item = match word("apiVersion") {
                Some(version) if !item.is_empty() && !own => format!("{version} {item}"),
                _ => String::new(),
            };
            found.extend(items.into_iter().map(|raw| place(raw, &item)));
        }
    }
    Ok(found)
}

fn word(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

fn has_kind(item: &RawValue) -> bool {
    serde_json::from_str::<Value>(item.get()).is_ok_and(|item| item.get("kind").is_some_and(|kind| !kind.is_null()))
}

/// Texts that look like what the cutter looks at.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("items".to_owned()),
        Just("kind".to_owned()),
        proptest::string::string_regex(r#"[\]\[{}:,"\\ a\n\u{e9}]{0,9}"#).unwrap(),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((text(), inner), 0..4).prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

/// A list, a typed list, or something like them, with its fields in any order; or any value at all.
fn document() -> impl Strategy<Value = Vec<(String, Value)>> {
    let kind = prop_oneof![
        Just(Value::from("List")),
        Just(Value::from("RoleList")),
        Just(Value::from("Role")),
        Just(Value::Null)
    ];
    let items = prop_oneof![
        4 => proptest::collection::vec(value(), 0..4).prop_map(Value::from),
        1 => value(),
    ];
    let fields = (kind, items, value()).prop_map(|(kind, items, other)| {
        vec![
            ("kind".to_owned(), kind),
            ("apiVersion".to_owned(), Value::from("v1")),
            ("items".to_owned(), items),
            ("metadata".to_owned(), other),
        ]
    });
    (fields.prop_shuffle(), 0..5_usize).prop_map(|(mut fields, count)| {
        fields.truncate(count);
        fields
    })
}

/// Writes a value with blanks between its tokens.
fn spaced(value: &Value, blank: &mut dyn FnMut() -> &'static str, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                out.push_str(blank());
                spaced(item, blank, out);
                out.push_str(blank());
            }
            out.push(']');
        }
        Value::Object(fields) => {
            let fields: Vec<_> = fields.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
            object(&fields, blank, out);
        }
        leaf => out.push_str(&leaf.to_string()),
    }
}

fn object(fields: &[(String, Value)], blank: &mut dyn FnMut() -> &'static str, out: &mut String) {
    out.push('{');
    for (at, (key, value)) in fields.iter().enumerate() {
        out.push_str(if at > 0 { "," } else { "" });
        out.push_str(blank());
        out.push_str(&Value::from(key.as_str()).to_string());
        out.push_str(blank());
        out.push(':');
        out.push_str(blank());
        spaced(value, blank, out);
        out.push_str(blank());
    }
    out.push('}');
}

/// A stream of documents as text.
fn stream() -> impl Strategy<Value = String> {
    let documents = proptest::collection::vec((document(), proptest::option::of(value())), 0..4);
    (documents, proptest::collection::vec(0..6_usize, 1..12)).prop_map(|(documents, choices)| {
        let mut choices = choices.into_iter().cycle();
        let blanks = ["", " ", "\n", "\r\n\t", "\n         ", "\n\n                 "];
        let mut blank = || blanks[choices.next().unwrap_or_default()];
        let mut out = String::new();
        for (fields, any) in documents {
            match any {
                Some(value) if value.is_array() || value.is_object() => spaced(&value, &mut blank, &mut out),
                _ => object(&fields, &mut blank, &mut out),
            }
            out.push_str(blank());
        }
        out
    })
}

proptest! {
    #[test]
    fn the_cutter_finds_what_its_twin_finds(text in stream(), block in 2..40_usize) {
        let expected = twin(&text).unwrap();
        prop_assert_eq!(&cut(&text).unwrap(), &expected);
        prop_assert_eq!(&cut_by(block, &Limits::default(), &text).unwrap(), &expected);
    }

    #[test]
    fn what_is_not_json_never_passes(text in stream(), at in any::<prop::sample::Index>(), put in r#"[\[\]{}:,"\\x1 ]{0,2}"#) {
        let mut broken: Vec<char> = text.chars().collect();
        if !broken.is_empty() {
            let at = at.index(broken.len());
            broken.splice(at..=at, put.chars());
        }
        let broken: String = broken.into_iter().collect();
        if twin(&broken).is_err() && let Ok(found) = cut_by(7, &Limits::default(), &broken) {
            let parses = |(text, ..): &Cut| serde_json::from_str::<IgnoredAny>(text).is_ok();
            prop_assert!(!found.iter().all(parses), "{broken:?} passed as {found:?}");
        }
    }
}

#[test]
fn the_kind_of_items_is_known_whether_it_stands_first_or_last() {
    let found = |text| cut(text).unwrap().into_iter().map(|(_, _, kind)| kind).collect::<Vec<_>>();
    assert_eq!(found(r#"{"kind":"RoleList","apiVersion":"r/v1","items":[{},{}]}"#), ["r/v1 Role", "r/v1 Role"]);
    assert_eq!(found(r#"{"items":[{},{}],"kind":"RoleList","apiVersion":"r/v1"}"#), ["r/v1 Role", "r/v1 Role"]);
    assert_eq!(found(r#"{"items":[{"kind":"Role"}],"kind":"RoleList","apiVersion":"r/v1"}"#), [""]);
    assert_eq!(found(r#"{"items":[{"kind":"Role"}],"kind":"List","apiVersion":"v1"}"#), [""]);
}

#[test]
fn a_list_whose_kind_never_comes_is_not_kept_for_ever() {
    let limits = Limits { yaml_bytes: 1_000, ..Limits::default() };
    let text = format!("\n{{\"items\":[{}", "{\"a\":1},".repeat(1_000));
    let problem = cut_by(64, &limits, &text).unwrap_err();
    assert_eq!(problem, "2: neither this list nor its items say a kind first; put `kind` before `items`");
}

#[test]
fn what_stands_between_objects_is_looked_at() {
    for (text, expected) in [
        ("{\"a\":1}\n}", "2: not JSON: an object or a list of objects should begin here"),
        ("[{}\n{}]", "2: not JSON: a comma or `]` should stand here"),
        ("[{},\n]", "2: not JSON: a comma stands before the closing bracket"),
        ("{\"a\":1,\n}", "2: not JSON: a comma stands before the closing bracket"),
        ("{\"a\":1\n\"b\":2}", "2: not JSON: a comma or `}` should stand here"),
        ("{\"a\"\n1}", "2: not JSON: a colon should stand here"),
        ("{a:1}", "1: not JSON: the name of a field should stand here"),
        ("{\"a\":}", "1: not JSON: a value should stand here"),
        ("{\"a\":[\n\n", "3: the JSON ends in the middle of an object; was the file cut off?"),
        ("[{}\n", "2: the JSON ends in the middle of an object; was the file cut off?"),
    ] {
        assert_eq!(cut(text), Err(expected.to_owned()), "{text:?}");
    }
}
