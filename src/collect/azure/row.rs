//! One row of Azure's JSON: its fields by name in any case, `properties` laid open, since the CLI has them in the row itself and Azure
//! Resource Manager inside `properties`.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::collect::shape::Text;

/// The fields of an object, in the input's order.
#[derive(Clone, Debug, Default)]
pub(super) struct Row<'a> {
    fields: Vec<(Cow<'a, str>, &'a RawValue)>,
    /// Those of `properties`.
    inner: Vec<(Cow<'a, str>, &'a RawValue)>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Row<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Row<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut row = Row::default();
                while let Some(Text(key)) = map.next_key()? {
                    row.fields.push((key, map.next_value()?));
                }
                Ok(row)
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// What a file holds at its top: one row, or many.
pub(super) enum Top<'a> {
    One(Row<'a>),
    Many(Vec<&'a RawValue>),
}

impl<'de: 'a, 'a> Deserialize<'de> for Top<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Tops;
        impl<'de> Visitor<'de> for Tops {
            type Value = Top<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object or a list")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                Row::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(Top::One)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut rows = Vec::new();
                while let Some(row) = list.next_element()? {
                    rows.push(row);
                }
                Ok(Top::Many(rows))
            }

            fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
                Ok(Top::Many(Vec::new()))
            }
        }
        deserializer.deserialize_any(Tops)
    }
}

impl<'a> Row<'a> {
    /// Reads a row and lays its `properties` open.
    ///
    /// # Errors
    /// What it is instead.
    pub(super) fn read(raw: &'a RawValue) -> Result<Row<'a>, String> {
        let row: Row<'a> = serde_json::from_str(raw.get()).map_err(|_| "an object was expected here".to_owned())?;
        Ok(row.opened())
    }

    /// With the fields of `properties`.
    pub(super) fn opened(mut self) -> Row<'a> {
        if let Some(inner) = self.raw("properties").and_then(|raw| serde_json::from_str::<Row<'a>>(raw.get()).ok()) {
            self.inner = inner.fields;
        }
        self
    }

    fn find(fields: &[(Cow<'a, str>, &'a RawValue)], key: &str) -> Option<&'a RawValue> {
        let mut all = fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, raw)| *raw);
        let first = all.next()?;
        // Of one key in two cases, the one that says something.
        Some(if is_null(first) { all.find(|raw| !is_null(raw)).unwrap_or(first) } else { first })
    }

    fn raw(&self, key: &str) -> Option<&'a RawValue> {
        match Row::find(&self.fields, key) {
            Some(found) if !is_null(found) => Some(found),
            outer => Row::find(&self.inner, key).or(outer),
        }
    }

    /// The fields of the row itself.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.fields.iter().map(|(key, raw)| (key.as_ref(), *raw))
    }

    /// Whether a field is there, be it `null`.
    pub(super) fn has(&self, key: &str) -> bool {
        self.raw(key).is_some()
    }

    /// A field that is not `null`.
    pub(super) fn value(&self, key: &str) -> Option<&'a RawValue> {
        self.raw(key).filter(|raw| !is_null(raw))
    }

    /// A text; none when it is absent, `null` or empty.
    pub(super) fn text(&self, key: &str) -> Result<Option<Cow<'a, str>>, String> {
        text_of(self.value(key), key)
    }

    /// A text of `properties`, where the row itself has another of the same name.
    pub(super) fn inner_text(&self, key: &str) -> Result<Option<Cow<'a, str>>, String> {
        text_of(Row::find(&self.inner, key).filter(|raw| !is_null(raw)), key)
    }

    /// A text, empty when it is absent.
    pub(super) fn word(&self, key: &str) -> Result<String, String> {
        Ok(self.text(key)?.map(Cow::into_owned).unwrap_or_default())
    }

    /// A GUID or another id that is compared in any case.
    pub(super) fn id(&self, key: &str) -> Result<String, String> {
        Ok(self.text(key)?.map(|text| text.trim_ascii().to_ascii_lowercase()).unwrap_or_default())
    }

    /// A text that must be there; `what` says of what.
    pub(super) fn need(&self, what: &str, key: &str) -> Result<String, String> {
        self.text(key)?.map(Cow::into_owned).ok_or_else(|| format!("{what} has no `{key}`"))
    }

    /// Yes or no, also as text; none when it is absent or `null`.
    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, String> {
        let Some(raw) = self.value(key) else { return Ok(None) };
        match raw.get().trim_matches('"') {
            yes if yes.eq_ignore_ascii_case("true") => Ok(Some(true)),
            no if no.eq_ignore_ascii_case("false") => Ok(Some(false)),
            _ => Err(format!("`{key}` should be true or false")),
        }
    }

    /// An object.
    pub(super) fn object(&self, key: &str) -> Result<Option<Row<'a>>, String> {
        let Some(raw) = self.value(key) else { return Ok(None) };
        serde_json::from_str(raw.get()).map(Some).map_err(|_| format!("`{key}` should be an object"))
    }

    /// A list; empty when it is absent or `null`.
    pub(super) fn list(&self, key: &str) -> Result<Vec<&'a RawValue>, String> {
        let Some(raw) = self.value(key) else { return Ok(Vec::new()) };
        serde_json::from_str(raw.get()).map_err(|_| format!("`{key}` should be a list"))
    }

    /// A list of texts.
    pub(super) fn texts(&self, key: &str) -> Result<Vec<String>, String> {
        let wrong = || format!("`{key}` should be a list of texts");
        let one = |raw: &'a RawValue| text_of(Some(raw), key).ok().flatten().map(Cow::into_owned).ok_or_else(wrong);
        self.list(key)?.into_iter().filter(|raw| !is_null(raw)).map(one).collect()
    }

    /// A list of objects.
    pub(super) fn rows(&self, key: &str) -> Result<Vec<Row<'a>>, String> {
        let one = |raw: &'a RawValue| {
            serde_json::from_str::<Row<'a>>(raw.get()).map_err(|_| format!("`{key}` should be a list of objects"))
        };
        self.list(key)?.into_iter().filter(|raw| !is_null(raw)).map(one).collect()
    }
}

fn is_null(raw: &RawValue) -> bool {
    raw.get() == "null"
}

fn text_of<'a>(raw: Option<&'a RawValue>, key: &str) -> Result<Option<Cow<'a, str>>, String> {
    let Some(raw) = raw else { return Ok(None) };
    let Text(text) = serde_json::from_str(raw.get()).map_err(|_| format!("`{key}` should be text"))?;
    Ok((!text.is_empty()).then_some(text))
}
