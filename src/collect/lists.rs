//! JSON that is not one object a line: kubectl's indented lists, single objects, arrays, streams of any of them.
//!
//! Such a text is cut into its objects here without being understood: only quotes, brackets and what stands between the objects
//! are looked at. A list of any length needs the memory of a block. What an object says is for its reader to judge.

use std::io::Read;
use std::ops::Range;

use serde::de::IgnoredAny;

use super::document::{CUT_OFF, Problem, too_large, words};
use super::pieces::{Feeder, Work, fill};
use super::shape::has_kind;
use super::sources::cannot_read;

/// An object in the bytes of a [`Work`].
pub(super) struct Part {
    pub(super) range: Range<usize>,
    /// The line it begins on.
    pub(super) line: u32,
    /// Its place among the objects of the file.
    pub(super) ordinal: u32,
}

/// `apiVersion` and `kind` of the items of a list that carry none; empty for items that do.
#[derive(Clone, Debug, Default)]
struct ItemKind {
    api_version: String,
    kind: String,
}

/// Cuts a stream of JSON values, which begins on a line of the file, into its objects.
pub(super) fn feed(feeder: &mut Feeder<'_>, line: u32, input: &mut dyn Read) -> Result<(), Problem> {
    let mut bytes = (feeder.buffer)();
    bytes.clear();
    let mut cutter = Cutter {
        feeder,
        input,
        bytes,
        base: 0,
        at: 0,
        begin: 0,
        begin_line: line,
        counted: 0,
        line,
        parts: Vec::new(),
        kind: Some(ItemKind::default()),
        ordinal: 0,
    };
    while let Some(byte) = cutter.next()? {
        cutter.begin_here();
        match byte {
            b'{' => cutter.object()?,
            b'[' => cutter.items()?,
            _ => return Err(cutter.not_json("an object or a list of objects should begin here")),
        }
    }
    cutter.flush();
    Ok(())
}

/// Reads ahead and hands on what is complete. All places are counted from the beginning of the stream.
struct Cutter<'c, 'f> {
    feeder: &'c mut Feeder<'f>,
    input: &'c mut dyn Read,
    /// What was read and is not handed on; its first byte is at `base`.
    bytes: Vec<u8>,
    base: usize,
    /// The next byte to look at.
    at: usize,
    /// Where the object began that is being read, and on which line.
    begin: usize,
    begin_line: u32,
    /// The line that the byte at `counted` stands on.
    counted: usize,
    line: u32,
    /// The objects in `bytes` that are complete.
    parts: Vec<Part>,
    /// What they are, unless the list that they are in has not said it yet.
    kind: Option<ItemKind>,
    ordinal: u32,
}

impl Cutter<'_, '_> {
    /// One object of the stream: a list, whose items are handed on as they come, or any other, which is handed on whole.
    fn object(&mut self) -> Result<(), Problem> {
        let (mut api_version, mut kind) = (None::<String>, None::<String>);
        let mut is_list = false;
        self.at += 1;
        let mut byte = self.within()?;
        while byte != b'}' {
            if byte != b'"' {
                return Err(self.not_json("the name of a field should stand here"));
            }
            let field = self.at;
            let key = self.value()?;
            if self.within()? != b':' {
                return Err(self.not_json("a colon should stand here"));
            }
            self.at += 1;
            let value = self.within()?;
            let has_items = self.text(&key) == br#""items""# && value == b'[';
            if has_items && kind.as_deref().is_none_or(|kind| kind.ends_with("List")) {
                if !is_list {
                    self.check(self.begin, ["", "null}"])?;
                }
                is_list = true;
                self.flush();
                self.kind = item_kind(api_version.as_deref(), kind.as_deref());
                self.items()?;
                self.begin_here();
            } else {
                match self.text(&key) {
                    br#""apiVersion""# => api_version = self.word()?,
                    br#""kind""# => kind = self.word()?,
                    _ => {
                        self.value()?;
                    }
                }
                if is_list {
                    self.check(field, ["{", "}"])?;
                }
            }
            byte = self.separator(b'}')?;
        }
        self.at += 1;
        if is_list {
            // Items without a kind of their own were kept back until the list's kind was known.
            self.kind = self.kind.take().or_else(|| item_kind(api_version.as_deref(), kind.as_deref()));
            self.kind.get_or_insert_default();
            self.flush();
            self.kind = Some(ItemKind::default());
        } else {
            self.push(self.begin..self.at);
        }
        Ok(())
    }

    /// The items of a list, from its bracket on.
    fn items(&mut self) -> Result<(), Problem> {
        self.at += 1;
        let mut byte = self.within()?;
        while byte != b']' {
            self.begin_here();
            let item = self.value()?;
            // kubectl's own lists name the kind last, but each item names its own.
            if self.kind.is_none() && self.parts.is_empty() && has_kind(self.text(&item)) {
                self.kind = Some(ItemKind::default());
            }
            self.push(item);
            byte = self.separator(b']')?;
        }
        self.at += 1;
        Ok(())
    }

    /// The first byte of what follows a comma, or the closing bracket.
    fn separator(&mut self, close: u8) -> Result<u8, Problem> {
        match self.within()? {
            b',' => {
                self.at += 1;
                match self.within()? {
                    byte if byte == close => Err(self.not_json("a comma stands before the closing bracket")),
                    byte => Ok(byte),
                }
            }
            byte if byte == close => Ok(byte),
            _ => Err(self.not_json(&format!("a comma or `{}` should stand here", char::from(close)))),
        }
    }

    /// Passes over the value that begins here.
    fn value(&mut self) -> Result<Range<usize>, Problem> {
        let bare = !matches!(self.within()?, b'"' | b'{' | b'[');
        let start = self.at;
        let mut nesting = Nesting::default();
        loop {
            let ahead = &self.bytes[self.at - self.base..];
            let end = if bare { ahead.iter().position(|byte| ENDS_BARE.contains(byte)) } else { nesting.end(ahead) };
            match end {
                Some(0) if self.at == start => return Err(self.not_json("a value should stand here")),
                Some(length) => {
                    self.at += length;
                    return Ok(start..self.at);
                }
                None => {
                    self.at += ahead.len();
                    if !self.more()? {
                        return Err(self.cut_off());
                    }
                }
            }
        }
    }

    /// Looks at the fields of a list around its items, which nobody else reads, from a place on.
    fn check(&mut self, from: usize, [before, after]: [&str; 2]) -> Result<(), Problem> {
        let text = [before.as_bytes(), self.text(&(from..self.at)), after.as_bytes()].concat();
        match serde_json::from_slice::<IgnoredAny>(&text) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.not_json(&words(&error))),
        }
    }

    /// The text that the value is, if it is one.
    fn word(&mut self) -> Result<Option<String>, Problem> {
        let value = self.value()?;
        Ok(serde_json::from_slice(self.text(&value)).ok())
    }

    fn text(&self, range: &Range<usize>) -> &[u8] {
        &self.bytes[range.start - self.base..range.end - self.base]
    }

    /// The next byte that is not blank, inside of an object or a list.
    fn within(&mut self) -> Result<u8, Problem> {
        self.next()?.ok_or_else(|| self.cut_off())
    }

    /// The next byte that is not blank, or none at the end of the stream.
    fn next(&mut self) -> Result<Option<u8>, Problem> {
        loop {
            let ahead = &self.bytes[self.at - self.base..];
            if let Some(blanks) = ahead.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n')) {
                self.at += blanks;
                return Ok(Some(ahead[blanks]));
            }
            self.at += ahead.len();
            if !self.more()? {
                return Ok(None);
            }
        }
    }

    /// Reads on; tells whether there was more. What is complete is handed on before, so that only its rest is kept.
    fn more(&mut self) -> Result<bool, Problem> {
        self.flush();
        let limit = self.feeder.limits.object_bytes;
        if self.at - self.begin > limit {
            return Err(self.feeder.problem(self.begin_line, too_large(limit)));
        }
        let held = self.bytes.len();
        if held as u64 > self.feeder.limits.yaml_bytes {
            let message = "neither this list nor its items say a kind first; put `kind` before `items`".to_owned();
            return Err(self.feeder.problem(self.begin_line, message));
        }
        fill(self.input, &mut self.bytes, held.max(self.feeder.block / 2) * 2)
            .map_err(|error| self.feeder.problem(0, cannot_read(&error)))?;
        Ok(self.bytes.len() > held)
    }

    /// An object begins with the next byte.
    fn begin_here(&mut self) {
        self.count_to(self.at);
        (self.begin, self.begin_line) = (self.at, self.line);
    }

    fn count_to(&mut self, place: usize) {
        if place > self.counted {
            let passed = &self.bytes[self.counted - self.base..place - self.base];
            let lines = memchr::memchr_iter(b'\n', passed).count();
            self.line = self.line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
            self.counted = place;
        }
    }

    /// An object is complete.
    fn push(&mut self, range: Range<usize>) {
        self.ordinal = self.ordinal.saturating_add(1);
        self.parts.push(Part { range, line: self.begin_line, ordinal: self.ordinal });
    }

    /// Hands on the objects that are complete, unless it is not known yet what they are.
    fn flush(&mut self) {
        let Some((kind, end)) = self.kind.as_ref().zip(self.parts.last().map(|part| part.range.end)) else { return };
        let kind = kind.clone();
        self.count_to(end);
        let mut rest = (self.feeder.buffer)();
        rest.clear();
        rest.extend_from_slice(&self.bytes[end - self.base..]);
        self.bytes.truncate(end - self.base);
        let mut objects = std::mem::take(&mut self.parts);
        for part in &mut objects {
            part.range = part.range.start - self.base..part.range.end - self.base;
        }
        let bytes = std::mem::replace(&mut self.bytes, rest);
        self.base = end;
        let ItemKind { api_version, kind } = kind;
        (self.feeder.send)(Work::Objects { bytes, objects, file: self.feeder.file, api_version, kind });
    }

    fn not_json(&mut self, why: &str) -> Problem {
        self.count_to(self.at);
        self.feeder.problem(self.line, format!("not JSON: {why}"))
    }

    fn cut_off(&mut self) -> Problem {
        self.count_to(self.at);
        self.feeder.problem(self.line, CUT_OFF.to_owned())
    }
}

/// What ends a number or a word.
const ENDS_BARE: &[u8] = b",:]} \t\r\n\"[{";

/// `apiVersion` and `kind` of a typed list's items, once the list's own are known.
fn item_kind(api_version: Option<&str>, kind: Option<&str>) -> Option<ItemKind> {
    match kind?.strip_suffix("List") {
        Some("") | None => Some(ItemKind::default()),
        Some(kind) => Some(ItemKind { api_version: api_version?.to_owned(), kind: kind.to_owned() }),
    }
}

/// How deep inside of a value the cutter is.
#[derive(Default)]
struct Nesting {
    depth: usize,
    in_text: bool,
    escaped: bool,
}

impl Nesting {
    /// Where the value ends, if it does within these bytes. They continue those of the call before.
    fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        loop {
            if self.in_text {
                if self.escaped {
                    bytes.get(at)?;
                    at += 1;
                    self.escaped = false;
                }
                at += memchr::memchr2(b'"', b'\\', &bytes[at..])? + 1;
                self.escaped = bytes[at - 1] == b'\\';
                self.in_text = self.escaped;
                if !self.in_text && self.depth == 0 {
                    return Some(at);
                }
                continue;
            }
            at += bytes[at..].iter().position(|&byte| WEIGHED[usize::from(byte)])? + 1;
            match bytes[at - 1] {
                b'"' => self.in_text = true,
                b'{' | b'[' => self.depth += 1,
                b'\n' => at += indent(&bytes[at..]),
                _ => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Some(at);
                    }
                }
            }
        }
    }
}

/// The bytes outside of text that something depends on. A line end is one because blanks follow it, half of an indented list.
const WEIGHED: [bool; 256] = {
    let mut weighed = [false; 256];
    let mut at = 0;
    while at < BRACKETS.len() {
        weighed[BRACKETS[at] as usize] = true;
        at += 1;
    }
    weighed
};
const BRACKETS: &[u8] = b"\"{[}]\n";

/// How many of the next bytes are blanks for certain, by eights.
fn indent(bytes: &[u8]) -> usize {
    let (eights, _) = bytes.as_chunks::<8>();
    8 * eights.iter().take_while(|eight| **eight == [b' '; 8]).count()
}

#[cfg(test)]
mod tests;
