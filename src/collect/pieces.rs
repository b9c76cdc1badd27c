//! Telling what a file is, unpacking it, and cutting it into pieces of work for the readers.
//!
//! NDJSON, the form that large inputs have, is cut at line ends here; every other JSON in `lists.rs`. YAML is one piece a document.

use std::io::{self, Read};
use std::ops::Range;
use std::str::Utf8Error;
use std::sync::Arc;

use flate2::read::MultiGzDecoder;
use serde::de::IgnoredAny;

use super::document::{ItemKind, Lines, Problem, too_large};
use super::files::{Input, Limits, Watch};
use super::lists::{self, Part};
use super::sources::{FileSource, cannot_read};
use super::yaml;
use crate::model::{FileId, Origin};

/// Bytes of a block of JSON. Large enough to keep the readers busy, small enough to stay in their caches.
const BLOCK: usize = 1 << 20;

/// A piece of an input that one reader reads alone.
pub(super) enum Work {
    /// Whole lines of NDJSON.
    Lines { bytes: Vec<u8>, file: FileId, line: u32 },
    /// Objects of a JSON stream or list, and what they are if they do not say it.
    Objects { bytes: Vec<u8>, objects: Vec<Part>, file: FileId, api_version: String, kind: String },
    /// One YAML document.
    Yaml { text: Arc<String>, range: Range<usize>, at: Origin },
}

impl Work {
    /// Calls `each` with every document as JSON.
    pub(super) fn documents(
        &mut self,
        problems: &mut Vec<Problem>,
        each: &mut dyn FnMut(&str, Origin, ItemKind<'_>, Lines),
    ) {
        match self {
            Work::Lines { bytes, file, line } => {
                let mut at = Origin { file: *file, line: *line, item: 0 };
                let mut rest = &bytes[..];
                while !rest.is_empty() {
                    let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                    let (line, after) = rest.split_at(end);
                    rest = after.get(1..).unwrap_or_default();
                    match std::str::from_utf8(line) {
                        Ok(text) if text.trim_ascii().is_empty() => {}
                        Ok(text) => each(text, at, ItemKind::default(), Lines::OfFile),
                        Err(error) => problems.push(not_utf8(at.file, at.line, line, error)),
                    }
                    at.line = at.line.saturating_add(1);
                }
            }
            Work::Objects { bytes, objects, file, api_version, kind } => {
                for part in objects {
                    let at = Origin { file: *file, line: part.line, item: part.ordinal };
                    let bytes = &bytes[part.range.clone()];
                    match std::str::from_utf8(bytes) {
                        Ok(text) => each(text, at, ItemKind { api_version, kind }, Lines::OfFile),
                        Err(error) => problems.push(not_utf8(at.file, at.line, bytes, error)),
                    }
                }
            }
            Work::Yaml { text, range, at } => {
                let text = &text[range.clone()];
                if let Err(problem) =
                    yaml::document(text, *at, &mut |text, at, item| each(text, at, item, Lines::OfObject))
                {
                    problems.push(problem);
                }
            }
        }
    }
}

/// What is wrong with bytes that begin on a line.
fn not_utf8(file: FileId, line: u32, bytes: &[u8], error: Utf8Error) -> Problem {
    let before = memchr::memchr_iter(b'\n', &bytes[..error.valid_up_to()]).count();
    let line = line.saturating_add(u32::try_from(before).unwrap_or(u32::MAX));
    Problem { file, line, message: "this is not UTF-8 text; save it as UTF-8".to_owned() }
}

impl FileSource {
    /// Cuts the source into pieces of work.
    pub(super) fn feed(
        self,
        stdin: &mut dyn Read,
        (limits, watch): (&Limits, &Watch<'_>),
        buffer: &mut dyn FnMut() -> Vec<u8>,
        send: &mut dyn FnMut(Work),
    ) -> Result<(), Problem> {
        let file = self.file;
        let mut feeder = Feeder { file, limits, block: BLOCK, buffer, send };
        match self.input {
            Input::Path(path) => match std::fs::File::open(path) {
                Ok(open) => {
                    let expected = open.metadata().ok().filter(std::fs::Metadata::is_file).map(|about| about.len());
                    feeder.feed(&mut watch.over(file, expected, open.take(limits.source_bytes)))
                }
                Err(error) => Err(feeder.problem(0, cannot_read(&error))),
            },
            Input::Stdin => feeder.feed(&mut watch.over(file, None, stdin)),
            Input::Embedded(bundled) => feeder.feed(&mut bundled.text.as_bytes()),
        }
    }

    /// The whole source as one text, unpacked.
    pub(super) fn text(self, stdin: &mut dyn Read, limits: &Limits) -> Result<String, Problem> {
        let problem = |line, message| Problem { file: self.file, line, message };
        let most = usize::try_from(limits.yaml_bytes).unwrap_or(usize::MAX);
        let whole = |input: &mut dyn Read| {
            let mut bytes = Vec::new();
            let ended = fill(input, &mut bytes, most).map_err(|error| problem(0, cannot_read(&error)))?;
            let message = || format!("it is larger than {} MiB; save it in several files", most >> 20);
            if ended { Ok(bytes) } else { Err(problem(0, message())) }
        };
        let mut bytes = match &self.input {
            Input::Path(path) => {
                whole(&mut std::fs::File::open(path).map_err(|error| problem(0, cannot_read(&error)))?)?
            }
            Input::Stdin => whole(stdin)?,
            Input::Embedded(bundled) => bundled.text.as_bytes().to_owned(),
        };
        if bytes.starts_with(&[0x1f, 0x8b]) {
            let packed = Counted { inner: &bytes[..], bytes: std::cell::Cell::new(0) };
            bytes = whole(&mut Unpacked { inner: MultiGzDecoder::new(packed), bytes: 0, limits: *limits })?;
        }
        if bytes.starts_with(&[0xef, 0xbb, 0xbf]) {
            bytes.drain(..3);
        }
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            return Err(problem(1, "this is UTF-16 text; save it as UTF-8".to_owned()));
        }
        String::from_utf8(bytes).map_err(|error| not_utf8(self.file, 1, error.as_bytes(), error.utf8_error()))
    }
}

/// Cuts one source into pieces of work.
pub(super) struct Feeder<'f> {
    pub(super) file: FileId,
    pub(super) limits: &'f Limits,
    /// How much is read at once.
    pub(super) block: usize,
    /// Gives a buffer to fill, one that was used before if there is any.
    pub(super) buffer: &'f mut dyn FnMut() -> Vec<u8>,
    pub(super) send: &'f mut dyn FnMut(Work),
}

impl Feeder<'_> {
    pub(super) fn problem(&self, line: u32, message: String) -> Problem {
        Problem { file: self.file, line, message }
    }

    fn feed(&mut self, input: &mut dyn Read) -> Result<(), Problem> {
        let mut first = (self.buffer)();
        first.clear();
        self.fill(input, &mut first, self.block)?;
        if first.starts_with(&[0x1f, 0x8b]) {
            let packed = Counted { inner: io::Cursor::new(first).chain(input), bytes: std::cell::Cell::new(0) };
            let unpacked = Unpacked { inner: MultiGzDecoder::new(packed), bytes: 0, limits: *self.limits };
            let mut unpacked = unpacked.take(self.limits.source_bytes);
            let mut first = (self.buffer)();
            first.clear();
            self.fill(&mut unpacked, &mut first, self.block)?;
            return self.text(first, &mut unpacked);
        }
        self.text(first, input)
    }

    fn fill(&self, input: &mut dyn Read, into: &mut Vec<u8>, wanted: usize) -> Result<bool, Problem> {
        fill(input, into, wanted).map_err(|error| self.problem(0, cannot_read(&error)))
    }

    fn text(&mut self, mut first: Vec<u8>, input: &mut dyn Read) -> Result<(), Problem> {
        if first.starts_with(&[0xef, 0xbb, 0xbf]) {
            first.drain(..3);
        }
        if first.starts_with(&[0xff, 0xfe]) || first.starts_with(&[0xfe, 0xff]) {
            return Err(self.problem(1, "this is UTF-16 text; save it as UTF-8".to_owned()));
        }
        if first.contains(&0) {
            return Err(self.problem(0, "this is a binary file, not YAML or JSON".to_owned()));
        }
        if first.len() < self.block && first.trim_ascii().is_empty() {
            return Err(self.problem(0, "it is empty".to_owned()));
        }
        if is_json(&first) { self.json(first, input) } else { self.yaml(first, input) }
    }

    fn json(&mut self, first: Vec<u8>, input: &mut dyn Read) -> Result<(), Problem> {
        let line = memchr::memchr(b'\n', &first).map_or(&first[..], |end| &first[..end]);
        let whole_line = first.len() < self.block || line.len() < first.len();
        if whole_line && line.starts_with(b"{") && serde_json::from_slice::<IgnoredAny>(line).is_ok() {
            self.lines(first, input)
        } else {
            lists::feed(self, 1, &mut io::Cursor::new(first).chain(input))
        }
    }

    fn lines(&mut self, mut block: Vec<u8>, input: &mut dyn Read) -> Result<(), Problem> {
        let mut line = 1_u32;
        let mut ended = block.len() < self.block && self.fill(input, &mut block, self.block)?;
        loop {
            let cut = if ended { Some(block.len()) } else { memchr::memrchr(b'\n', &block).map(|at| at + 1) };
            let Some(cut) = cut else {
                if block.len() > self.limits.object_bytes {
                    return Err(self.problem(line, too_large(self.limits.object_bytes)));
                }
                let wanted = 2 * block.len();
                ended = self.fill(input, &mut block, wanted)?;
                continue;
            };
            let Some(lines) = line_ends(&block[..cut]) else {
                return lists::feed(self, line, &mut io::Cursor::new(block).chain(input));
            };
            let mut next = (self.buffer)();
            next.clear();
            next.extend_from_slice(&block[cut..]);
            block.truncate(cut);
            (self.send)(Work::Lines { bytes: block, file: self.file, line });
            if ended {
                return Ok(());
            }
            line = line.saturating_add(lines);
            block = next;
            let wanted = block.len().max(self.block / 2) * 2;
            ended = self.fill(input, &mut block, wanted)?;
        }
    }

    fn yaml(&mut self, mut text: Vec<u8>, input: &mut dyn Read) -> Result<(), Problem> {
        let limit = usize::try_from(self.limits.yaml_bytes).unwrap_or(usize::MAX);
        if !self.fill(input, &mut text, limit)? {
            let message =
                format!("this YAML is larger than {} MiB; write it as JSON (kubectl get -o json)", limit >> 20);
            return Err(self.problem(0, message));
        }
        let text =
            String::from_utf8(text).map_err(|error| not_utf8(self.file, 1, error.as_bytes(), error.utf8_error()))?;
        let text = Arc::new(text);
        for (range, line) in yaml::documents(&text) {
            let at = Origin { file: self.file, line, item: 0 };
            (self.send)(Work::Yaml { text: Arc::clone(&text), range, at });
        }
        Ok(())
    }
}

/// Whether a text that begins so is JSON. YAML may begin with a bracket too, but then its names are bare, or a marker follows.
fn is_json(first: &[u8]) -> bool {
    let text = first.trim_ascii_start();
    match text.split_first() {
        Some((b'[', _)) => true,
        Some((b'{', rest)) => {
            let named = matches!(rest.trim_ascii_start().first(), None | Some(b'"' | b'}'));
            named && memchr::memmem::find(first, b"\n---").is_none()
        }
        _ => false,
    }
}

/// How many lines end here; none if a line is an opening bracket alone. One object a line never has that: an indented one
/// follows after all.
fn line_ends(block: &[u8]) -> Option<u32> {
    let opens = |at: usize| match block[at..] {
        [b'{' | b'[', b'\r' | b'\n' | b' ' | b'\t', ..] => {
            let end = memchr::memchr(b'\n', &block[at..]).map_or(block.len(), |length| at + length);
            block[at + 1..end].trim_ascii().is_empty()
        }
        _ => false,
    };
    if opens(0) {
        return None;
    }
    memchr::memchr_iter(b'\n', block).try_fold(0_u32, |lines, end| (!opens(end + 1)).then(|| lines.saturating_add(1)))
}

/// Counts the packed bytes, so that a bomb can be told from a large file.
struct Counted<R> {
    inner: R,
    bytes: std::cell::Cell<u64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.bytes.set(self.bytes.get() + read as u64);
        Ok(read)
    }
}

/// The content of a gzip stream, up to a plausible ratio.
struct Unpacked<R> {
    inner: MultiGzDecoder<Counted<R>>,
    bytes: u64,
    limits: Limits,
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.bytes += read as u64;
        let packed = self.inner.get_ref().bytes.get();
        if self.bytes > self.limits.yaml_bytes && self.bytes / self.limits.expansion > packed {
            let limit = self.limits.expansion;
            return Err(io::Error::other(format!(
                "it unpacks to more than {limit} times its size; unpack it yourself first"
            )));
        }
        Ok(read)
    }
}
/// Reads until the buffer holds `wanted` bytes or the input ends; tells whether it ended.
pub(super) fn fill(input: &mut dyn Read, into: &mut Vec<u8>, wanted: usize) -> io::Result<bool> {
    let missing = wanted.saturating_sub(into.len()) as u64;
    Ok((input.take(missing).read_to_end(into)? as u64) < missing)
}
