//! Any value, written down as JSON text: what YAML becomes. No tree is built, so an object takes the memory of its text.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::Serialize;

use super::document::too_large;
use super::files::Limits;

/// A value as JSON.
#[derive(Debug, Default)]
pub(super) struct Json {
    pub(super) text: String,
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut json = Json::default();
        JsonSeed(&mut json).deserialize(deserializer)?;
        Ok(json)
    }
}

impl Json {
    pub(super) fn open(&mut self, bracket: char) {
        self.text.push(bracket);
    }

    pub(super) fn close(&mut self, bracket: char) {
        self.text.push(bracket);
    }

    /// Begins a field of an object.
    pub(super) fn key<E: Error>(&mut self, key: &str) -> Result<(), E> {
        self.separate();
        self.leaf(&key)?;
        self.text.push(':');
        Ok(())
    }

    /// A comma, unless this is the first of a list or an object.
    fn separate(&mut self) {
        if !self.text.ends_with(['{', '[']) {
            self.text.push(',');
        }
    }

    fn leaf<E: Error>(&mut self, value: &impl Serialize) -> Result<(), E> {
        self.text.push_str(&serde_json::to_string(value).map_err(E::custom)?);
        let limit = Limits::DEFAULT.object_bytes;
        if self.text.len() > limit { Err(E::custom(too_large(limit))) } else { Ok(()) }
    }
}

/// Writes a value behind what is written already.
pub(super) struct JsonSeed<'j>(pub(super) &'j mut Json);

impl<'de> DeserializeSeed<'de> for JsonSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for JsonSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.0.leaf(&())
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        self.0.leaf(&())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.0.leaf(&value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.0.leaf(&value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.0.leaf(&value)
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<(), E> {
        self.0.leaf(&value)
    }

    fn visit_u128<E: Error>(self, value: u128) -> Result<(), E> {
        self.0.leaf(&value)
    }

    /// JSON has no infinity; serde_json writes it as `null`.
    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.0.leaf(&value)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.0.leaf(&value)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let json = self.0;
        json.open('[');
        while items.next_element_seed(ItemSeed(json))?.is_some() {}
        json.close(']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let json = self.0;
        json.open('{');
        while let Some(key) = map.next_key::<String>()? {
            json.key(&key)?;
            map.next_value_seed(JsonSeed(json))?;
        }
        json.close('}');
        Ok(())
    }
}

/// An item of a list, with the comma before it.
struct ItemSeed<'j>(&'j mut Json);

impl<'de> DeserializeSeed<'de> for ItemSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.0.separate();
        JsonSeed(self.0).deserialize(deserializer)
    }
}
