//! Where a spec names Secrets: a `SecretReference` is an object of exactly `name` and `key`, a `SecretMapReference` one of `name`
//! alone (upstream `v2/pkg/genruntime/secret_reference.go`). Only the names are kept.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::collect::shape::Text;

/// A map of what to a reference, `null` values being absent ones.
pub(super) struct Entries<'a>(pub(super) Vec<(Text<'a>, Reference<'a>)>);

/// An entry of a Secret.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound = "'de: 'a")]
pub(super) struct Reference<'a> {
    pub(super) name: Option<Text<'a>>,
    pub(super) key: Option<Text<'a>>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor<'a>(std::marker::PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for EntriesVisitor<'a> {
            type Value = Entries<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
                Ok(Entries(Vec::new()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some((what, to)) = map.next_entry::<Text<'a>, Option<Reference<'a>>>()? {
                    entries.extend(to.map(|to| (what, to)));
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_any(EntriesVisitor(std::marker::PhantomData))
    }
}

/// The names of the Secrets that a spec takes values from.
pub(super) fn secrets(spec: &str) -> Result<Vec<Text<'_>>, serde_json::Error> {
    let mut found = Vec::new();
    let mut json = serde_json::Deserializer::from_str(spec);
    json.deserialize_any(Walk { field: "", found: &mut found })?;
    Ok(found)
}

/// Fields that are maps of a Secret's entries: all of it is taken, so that no key is named.
const MAPS: [&str; 8] = [
    "authorizationCode",
    "clientCredentials",
    "configurationProtectedSettings",
    "credentials",
    "keys",
    "parameters",
    "protectedSettings",
    "virtualClusterGraduationProperties",
];

/// Whether a field is no part of what a resource takes from its namespace: what is written by the operator, labels that people
/// choose, and other resources.
fn is_passed_over(field: &str) -> bool {
    matches!(field, "operatorSpec" | "tags" | "owner") || field.ends_with("FromConfig") || field.ends_with("Reference")
}

/// Looks through one value of any shape.
struct Walk<'f, 'k, 'de> {
    field: &'k str,
    found: &'f mut Vec<Text<'de>>,
}

impl<'de> serde::de::DeserializeSeed<'de> for Walk<'_, '_, 'de> {
    type Value = Option<Text<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_, 'de> {
    /// The text, where the value is one.
    type Value = Option<Text<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut name, mut has_key, mut others) = (None, false, false);
        while let Some(key) = map.next_key::<Text<'de>>()? {
            if is_passed_over(&key) {
                map.next_value::<IgnoredAny>()?;
                others = true;
                continue;
            }
            let text = map.next_value_seed(Walk { field: &key, found: &mut *self.found })?;
            match (&*key, text) {
                ("name", Some(text)) => name = Some(text),
                ("key", Some(_)) => has_key = true,
                _ => others = true,
            }
        }
        let is_reference = !others && (has_key || MAPS.contains(&self.field));
        self.found.extend(name.filter(|name| is_reference && !name.is_empty()));
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element_seed(Walk { field: self.field, found: &mut *self.found })?.is_some() {}
        Ok(None)
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Text(text.into())))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Text(text.to_owned().into())))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_names_secrets() {
        for (spec, expected) in [
            (r#"{"administratorLoginPassword": {"name": "db", "key": "password"}}"#, "db"),
            (r#"{"administratorLoginPassword": {"key": "password", "name": "db"}}"#, "db"),
            (r#"{"containers": [{"env": [{"name": "A", "secureValue": {"name": "s", "key": "k"}}]}]}"#, "s"),
            (r#"{"protectedSettings": {"name": "script"}}"#, "script"),
            (r#"{"extensions": [{"name": "x", "protectedSettings": {"name": "script"}}]}"#, "script"),
            // Not a Secret: a ConfigMap, a name beside others, what is exported, labels of people, a name alone.
            (r#"{"principalIdFromConfig": {"name": "map", "key": "id"}}"#, ""),
            (r#"{"sku": {"name": "S1", "key": "x", "tier": "Basic"}}"#, ""),
            (r#"{"operatorSpec": {"secrets": {"key1": {"name": "s", "key": "k"}}}}"#, ""),
            (r#"{"tags": {"name": "n", "key": "k"}}"#, ""),
            (r#"{"sku": {"name": "S1"}, "owner": {"name": "rg"}}"#, ""),
            (r#"{"adminPassword": {"name": "n", "key": 7}}"#, ""),
            (r#"{"secret": "hunter2", "n": null, "b": true, "f": 1.5, "i": -1}"#, ""),
            ("null", ""),
        ] {
            let found: Vec<String> = secrets(spec).unwrap().iter().map(|name| name.to_string()).collect();
            assert_eq!(found.join(","), expected, "{spec}");
        }
    }
}
