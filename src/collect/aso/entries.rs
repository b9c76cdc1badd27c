//! The entries of Secrets: their names, and of ASO's the few values that are no secret. Whatever else stands in a Secret is borrowed
//! from the input while it is looked at, and let go.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_json::value::RawValue;

use crate::collect::shape::{Object, Pairs, RawPairs, Text};
use crate::model::{
    ASO_CREDENTIAL, ASO_SETTINGS, AsoSecret, AsoSecretContent, AsoText, ClusterId, Name, Names, Origin, Secret,
    SecretPurpose, copied_to, is_aso_secret_entry, kept_aso_entry,
};

/// How values stand in a Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::collect) enum Coding {
    /// `data`, in base64.
    Base64,
    /// `stringData`, as it is.
    Plain,
}

/// The entries of a Secret, still in the input.
// Not `Debug`: what it borrows may be secret.
#[derive(Default)]
pub(in crate::collect) struct Entries<'a> {
    data: Option<RawPairs<'a>>,
    string_data: Option<RawPairs<'a>>,
}

impl<'de> Entries<'de> {
    /// Reads `data` or `stringData`. The values are passed over, and an error shows nothing of them.
    pub(in crate::collect) fn read<D: Deserializer<'de>>(&mut self, coding: Coding, value: D) -> Result<(), D::Error> {
        let Some(raw) = Option::<&RawValue>::deserialize(value)? else { return Ok(()) };
        let pairs: RawPairs<'de> =
            serde_json::from_str(raw.get()).map_err(|_| D::Error::custom("expected an object"))?;
        match coding {
            Coding::Base64 => self.data = Some(pairs),
            Coding::Plain => self.string_data = Some(pairs),
        }
        Ok(())
    }

    /// Whether there were any to be seen. A Secret without content may be one whose content was taken away.
    pub(in crate::collect) fn seen(&self) -> bool {
        self.data.is_some() || self.string_data.is_some()
    }

    /// Whether there is an entry of one of these names.
    pub(in crate::collect) fn has_any(&self, names: &[&str]) -> bool {
        self.pairs().any(|(key, ..)| names.contains(&&**key))
    }

    /// Whether the entries are those of a credential of ASO, as far as their names tell.
    pub(in crate::collect) fn is_aso(&self) -> bool {
        self.pairs().any(|(key, ..)| is_aso_secret_entry(key))
    }

    /// What may be kept of the entries, sorted by name.
    pub(in crate::collect) fn kept(&self, names: &mut Names) -> Box<[(Name, AsoText)]> {
        let mut kept: Vec<(Name, AsoText)> = Vec::new();
        for (key, value, coding) in self.pairs() {
            let name = names.intern(key);
            let text = text(names, key, value, coding);
            // The API server lets `stringData`, which comes later, win.
            match kept.iter_mut().find(|(found, _)| *found == name) {
                Some((_, old)) => *old = text,
                None => kept.push((name, text)),
            }
        }
        kept.sort_unstable();
        kept.into()
    }

    fn pairs(&self) -> impl Iterator<Item = (&Text<'de>, &'de RawValue, Coding)> {
        let both = [(&self.data, Coding::Base64), (&self.string_data, Coding::Plain)];
        both.into_iter().flat_map(|(pairs, coding)| {
            pairs.iter().flat_map(|pairs| &pairs.0).map(move |(key, value)| (key, *value, coding))
        })
    }
}

/// What may be kept of one value.
fn text(names: &mut Names, key: &str, value: &RawValue, coding: Coding) -> AsoText {
    let Ok(value) = serde_json::from_str::<Option<Text<'_>>>(value.get()) else { return AsoText::Hidden };
    let value = value.unwrap_or_default();
    if value.is_empty() {
        return AsoText::Empty;
    }
    if coding == Coding::Plain {
        return kept_aso_entry(key, &value).map_or(AsoText::Hidden, |text| AsoText::Text(names.intern(text)));
    }
    // The API server passes over line ends inside of base64.
    let packed: Vec<u8> = value.bytes().filter(|byte| !matches!(byte, b'\n' | b'\r')).collect();
    let plain = STANDARD.decode(packed).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match plain.as_deref() {
        Some("") => AsoText::Empty,
        Some(plain) => kept_aso_entry(key, plain).map_or(AsoText::Hidden, |text| AsoText::Text(names.intern(text))),
        None => AsoText::Hidden,
    }
}

/// What may be kept of a value of a container's environment.
pub(in crate::collect) fn plain(names: &mut Names, key: &str, value: &str) -> AsoText {
    match kept_aso_entry(key, value) {
        _ if value.is_empty() => AsoText::Empty,
        Some(text) => AsoText::Text(names.intern(text)),
        None => AsoText::Hidden,
    }
}

/// A Secret that was asked for by its name, as the API server gave it; the second is the same as one of the Secrets that are known to
/// be there, if it is a credential.
///
/// # Errors
/// When it is no Secret; nothing of it is shown.
pub(in crate::collect) fn asked_for(
    names: &mut Names,
    text: &str,
    place: (&str, &str),
) -> Result<(AsoSecret, Option<Secret>), String> {
    #[derive(Deserialize)]
    struct SecretIn<'a> {
        #[serde(borrow)]
        kind: Text<'a>,
        #[serde(borrow, default, rename = "type")]
        of_type: Option<Text<'a>>,
        #[serde(borrow, default)]
        data: Option<&'a RawValue>,
        #[serde(borrow, default)]
        metadata: Option<Object<MetaIn<'a>>>,
    }
    // What `kubectl apply` left in an annotation may be secret, and is let go with the rest.
    #[derive(Default, Deserialize)]
    struct MetaIn<'a> {
        #[serde(borrow, default)]
        annotations: Option<Pairs<'a>>,
    }
    let unreadable = || "the server answered with something that is no Secret".to_owned();
    let Object(read): Object<SecretIn<'_>> = serde_json::from_str(text).map_err(|_| unreadable())?;
    if &*read.kind != "Secret" {
        return Err(unreadable());
    }
    let mut entries = Entries::default();
    if let Some(data) = read.data {
        entries.data = serde_json::from_str(data.get()).map_err(|_| unreadable())?;
    }
    let annotations = read.metadata.and_then(|Object(meta)| meta.annotations);
    let value = |key: &str| {
        let mut pairs = annotations.iter().flat_map(|pairs| &pairs.0);
        pairs.find(|(found, _)| &**found == key).map(|(_, value)| &**value)
    };
    let (cluster, origin) = (ClusterId::FIRST, Origin::LIVE);
    let [namespace, name] = [place.0, place.1].map(|text| names.intern(text));
    let of_type = read.of_type.filter(|of_type| !of_type.is_empty());
    let is_credential = matches!(place.1, ASO_CREDENTIAL | ASO_SETTINGS) || entries.is_aso();
    let known = is_credential.then(|| Secret {
        cluster,
        namespace,
        name,
        kind: names.intern(of_type.as_deref().unwrap_or("Opaque")),
        purpose: SecretPurpose::Other,
        entries_seen: true,
        origin,
    });
    let content = AsoSecretContent::Entries(entries.kept(names));
    let copied_to = copied_to(value).map(|patterns| names.intern(patterns));
    Ok((AsoSecret { cluster, namespace, name, content, copied_to, origin }, known))
}
