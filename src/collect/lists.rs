//! JSON that is not one object a line: kubectl's indented lists, single objects, streams of either. Read piece by piece, so that a
//! list of any length needs the memory of one object.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Read};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::document::Problem;
use super::files::{Limits, Work};
use crate::model::{FileId, Origin};

/// How many objects, or bytes of them, are handed to a reader at once.
const BATCH_OBJECTS: usize = 256;
const BATCH_BYTES: usize = 1 << 20;

/// Cuts a stream of JSON values into their objects.
pub(super) fn feed(
    file: FileId,
    limits: &Limits,
    input: &mut dyn Read,
    send: &mut dyn FnMut(Work),
) -> Result<(), Problem> {
    let position = Position { line: Cell::new(1), since: Cell::new(0) };
    let bytes =
        Bytes { input, buffer: vec![0; 1 << 16], at: 0, end: 0, position: &position, limit: limits.object_bytes };
    let mut json = serde_json::Deserializer::from_reader(bytes);
    let mut batch = Batch { file, position: &position, send, objects: Vec::new(), bytes: 0, ordinal: 0 };
    loop {
        match json.end() {
            Ok(()) => break,
            // Something follows: the next value of the stream.
            Err(error) if error.is_syntax() => {}
            Err(error) => return Err(problem(file, &error)),
        }
        if let Err(error) = (ValueSeed { batch: &mut batch }).deserialize(&mut json) {
            return Err(problem(file, &error));
        }
    }
    batch.flush("", "");
    Ok(())
}

fn problem(file: FileId, error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    let words = text.rsplit_once(" at line ").map_or(text.as_str(), |(words, _)| words);
    let message = if error.is_eof() {
        format!("the JSON ends in the middle of an object ({words}); was the file cut off?")
    } else if error.is_io() {
        text
    } else if error.is_data() {
        words.to_owned()
    } else {
        format!("not JSON: {words}")
    };
    Problem { file, line: u32::try_from(error.line()).unwrap_or(u32::MAX), message }
}

/// Where the parser is: the line, and how many bytes it took since the last object began.
struct Position {
    line: Cell<u32>,
    since: Cell<usize>,
}

/// Hands bytes to the parser one by one, which is how serde_json reads, and counts.
struct Bytes<'p, 'i> {
    input: &'i mut dyn Read,
    buffer: Vec<u8>,
    at: usize,
    end: usize,
    position: &'p Position,
    limit: usize,
}

impl Read for Bytes<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Some(slot) = into.first_mut() else { return Ok(0) };
        if self.at == self.end {
            self.end = self.input.read(&mut self.buffer)?;
            self.at = 0;
            if self.end == 0 {
                return Ok(0);
            }
        }
        let byte = self.buffer[self.at];
        self.at += 1;
        if byte == b'\n' {
            self.position.line.set(self.position.line.get().saturating_add(1));
        }
        let since = self.position.since.get() + 1;
        self.position.since.set(since);
        if since > self.limit {
            let limit = self.limit >> 20;
            return Err(io::Error::other(format!("an object is larger than {limit} MiB, more than any can be")));
        }
        *slot = byte;
        Ok(1)
    }
}

/// Objects on their way to a reader.
struct Batch<'b> {
    file: FileId,
    position: &'b Position,
    send: &'b mut dyn FnMut(Work),
    objects: Vec<(Box<str>, Origin)>,
    bytes: usize,
    ordinal: u32,
}

impl Batch<'_> {
    /// Where the value that the parser is about to read begins.
    fn begin(&mut self) -> Origin {
        self.position.since.set(0);
        self.ordinal = self.ordinal.saturating_add(1);
        Origin { file: self.file, line: self.position.line.get(), item: self.ordinal }
    }

    fn push(&mut self, text: Box<str>, at: Origin) {
        self.bytes += text.len();
        self.objects.push((text, at));
    }

    fn is_full(&self) -> bool {
        self.objects.len() >= BATCH_OBJECTS || self.bytes >= BATCH_BYTES
    }

    fn flush(&mut self, api_version: &str, kind: &str) {
        if !self.objects.is_empty() {
            let objects = std::mem::take(&mut self.objects);
            (self.send)(Work::Objects { api_version: api_version.to_owned(), kind: kind.to_owned(), objects });
            self.bytes = 0;
        }
    }
}

/// One value of the stream: a list, whose items are sent as they come, or an object, which is sent whole.
struct ValueSeed<'a, 'b> {
    batch: &'a mut Batch<'b>,
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Kubernetes object or a list of them")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(ItemSeed { batch: &mut *self.batch })?.is_some() {
            if self.batch.is_full() {
                self.batch.flush("", "");
            }
        }
        self.batch.flush("", "");
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let batch = self.batch;
        batch.flush("", "");
        let begin = batch.begin();
        let mut fields: Vec<(String, Box<RawValue>)> = Vec::new();
        let mut is_list = false;
        while let Some(key) = map.next_key::<String>()? {
            let kind = text_of(&fields, "kind");
            if key == "items" && kind.as_deref().is_none_or(|kind| kind.ends_with("List")) {
                is_list = true;
                map.next_value_seed(ItemsSeed { batch: &mut *batch, item: item_kind(&fields) })?;
            } else {
                batch.position.since.set(0);
                fields.push((key, map.next_value()?));
            }
        }
        if is_list {
            // Items without a kind of their own were kept back until the list's kind was known.
            if let Some((version, kind)) = item_kind(&fields) {
                batch.flush(&version, &kind);
            }
            batch.flush("", "");
        } else {
            let mut text = String::from("{");
            for (key, value) in &fields {
                let key = serde_json::to_string(key).map_err(A::Error::custom)?;
                text.push_str(if text.len() > 1 { "," } else { "" });
                text.push_str(&key);
                text.push(':');
                text.push_str(value.get());
            }
            text.push('}');
            batch.push(text.into(), begin);
            if batch.is_full() {
                batch.flush("", "");
            }
        }
        Ok(())
    }
}

fn text_of(fields: &[(String, Box<RawValue>)], key: &str) -> Option<String> {
    let (_, raw) = fields.iter().find(|(at, _)| at == key)?;
    serde_json::from_str(raw.get()).ok()
}

/// `apiVersion` and `kind` of a typed list's items, once the list's own are known.
fn item_kind(fields: &[(String, Box<RawValue>)]) -> Option<(String, String)> {
    let kind = text_of(fields, "kind")?;
    match kind.strip_suffix("List") {
        Some("") | None => Some((String::new(), String::new())),
        Some(kind) => Some((text_of(fields, "apiVersion")?, kind.to_owned())),
    }
}

/// The `items` of a list.
struct ItemsSeed<'a, 'b> {
    batch: &'a mut Batch<'b>,
    /// Kind and version of the items, if the list said so before.
    item: Option<(String, String)>,
}

impl<'de> DeserializeSeed<'de> for ItemsSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ItemsSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(ItemSeed { batch: &mut *self.batch })?.is_some() {
            if self.item.is_none() && self.batch.objects.first().is_some_and(|(text, _)| has_kind(text)) {
                // kubectl's own lists name the kind last, but each item names its own.
                self.item = Some((String::new(), String::new()));
            }
            if let Some((version, kind)) = &self.item
                && self.batch.is_full()
            {
                self.batch.flush(version, kind);
            }
        }
        if let Some((version, kind)) = &self.item {
            self.batch.flush(version, kind);
        }
        Ok(())
    }
}

fn has_kind(text: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct Head {
        #[serde(default)]
        kind: Option<serde::de::IgnoredAny>,
    }
    serde_json::from_str::<Head>(text).is_ok_and(|head| head.kind.is_some())
}

struct ItemSeed<'a, 'b> {
    batch: &'a mut Batch<'b>,
}

impl<'de> DeserializeSeed<'de> for ItemSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        // The parser has looked at the value's first byte already, so this is its line.
        let at = self.batch.begin();
        let raw: Box<RawValue> = serde::Deserialize::deserialize(value)?;
        let text: Box<str> = raw.into();
        self.batch.push(text, at);
        Ok(())
    }
}
