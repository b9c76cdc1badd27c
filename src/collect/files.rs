//! Files, folders and standard input: finding them, telling what they are, and cutting them into pieces of work for the readers.
//!
//! NDJSON, the form that large inputs have, is cut at line ends into blocks that all processors read side by side. What one
//! object says is `document.rs`'s business.

use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::Utf8Error;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::ScopedJoinHandle;

use flate2::read::MultiGzDecoder;
use serde::de::IgnoredAny;

use super::bundle::BundleFile;
use super::document::{ItemKind, Lines, Needs, Problem, Reader, too_large};
use super::lists::{self, Part};
use super::saved;
use super::yaml;
use crate::model::{Cluster, FileId, Gap, GapReason, Origin, Snapshot, Warning};

/// One `-f`, or the embedded example.
#[derive(Clone, Debug)]
pub enum Input {
    /// A file or a folder.
    Path(PathBuf),
    /// `-`.
    Stdin,
    /// A file that is built into the program.
    Embedded(&'static BundleFile),
}

/// What reading may cost, so that no input can exhaust the machine.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one object. etcd stores at most 1.5 MiB of one.
    pub object_bytes: usize,
    /// Bytes of one YAML file: YAML cannot be read piece by piece.
    pub yaml_bytes: u64,
    /// How many times larger than the file its unpacked content may be, once it is larger than `yaml_bytes`.
    pub expansion: u64,
}

impl Limits {
    /// More than any real input needs.
    pub const DEFAULT: Limits = Limits { object_bytes: 16 << 20, yaml_bytes: 256 << 20, expansion: 100 };
}

impl Default for Limits {
    fn default() -> Self {
        Limits::DEFAULT
    }
}

/// How files are read.
#[derive(Clone, Debug)]
pub struct FileOptions {
    /// Folders with everything below them (`-R`).
    pub recursive: bool,
    /// What the question needs.
    pub needs: Needs,
    /// Where objects go that name no namespace.
    pub default_namespace: String,
    /// Unreadable inputs become gaps instead of ending the run.
    pub keep_going: bool,
    /// What reading may cost.
    pub limits: Limits,
    /// How many readers run side by side.
    pub threads: usize,
}

/// Everything wrong with the inputs, all at once.
#[derive(Debug, thiserror::Error)]
#[error("{} input problems", problems.len())]
pub struct LoadError {
    /// The names of the files, by `FileId`.
    pub files: Vec<String>,
    /// What is wrong, by file and line.
    pub problems: Vec<Problem>,
}

impl LoadError {
    /// One line for each problem: the file, the line, what is wrong.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.problems.iter().map(|problem| match self.files.get(problem.file.0 as usize) {
            Some(file) if problem.line > 0 => format!("{file}:{}: {}", problem.line, problem.message),
            Some(file) => format!("{file}: {}", problem.message),
            None => problem.message.clone(),
        })
    }
}

/// Bytes of a block of JSON. Large enough to keep the readers busy, small enough to stay in their caches.
const BLOCK: usize = 1 << 20;

/// Reads all inputs into one snapshot.
///
/// # Errors
/// Every problem of every input, unless `keep_going` makes them gaps.
pub fn load(inputs: &[Input], stdin: &mut dyn Read, options: &FileOptions) -> Result<Snapshot, LoadError> {
    let mut found = Sources::default();
    for input in inputs {
        found.add(input, options.recursive);
    }
    let Sources { files, sources, mut problems } = found;
    let (parts, explicit) = read_all(sources, stdin, options, &mut problems);
    let mut snapshots = Vec::with_capacity(parts.len());
    let mut seen = vec![false; files.len()];
    let mut clusters = Vec::new();
    for mut reader in parts {
        clusters.append(&mut reader.saved_clusters);
        for file in reader.files_seen() {
            if let Some(seen) = seen.get_mut(file.0 as usize) {
                *seen = true;
            }
        }
        let (snapshot, more) = reader.finish();
        snapshots.push(snapshot);
        problems.extend(more);
    }
    let mut first = Snapshot { files: files.clone(), ..Snapshot::default() };
    for (file, explicit) in explicit {
        let complained = problems.iter().any(|problem| problem.file == file);
        if seen[file.0 as usize] || complained {
            continue;
        }
        let message = "there is no Kubernetes object in it".to_owned();
        if explicit {
            problems.push(Problem { file, line: 0, message });
        } else {
            first.warnings.push(Warning { origin: Origin { file, line: 0, item: 0 }, message });
        }
    }
    let cluster = saved::one_cluster(clusters, &files, &mut |at, message| {
        problems.push(Problem { file: at.file, line: at.line, message });
    });
    first.clusters.extend(cluster);
    problems.sort();
    problems.dedup();
    if !problems.is_empty() {
        if !options.keep_going {
            return Err(LoadError { files, problems });
        }
        let error = LoadError { files, problems };
        first.gaps.extend(error.lines().map(|message| Gap {
            api_group: String::new(),
            resource: String::new(),
            namespace: None,
            except: Vec::new(),
            reason: GapReason::Unreadable,
            message,
        }));
    }
    snapshots.insert(0, first);
    snapshots.extend(super::defaults::missing(&snapshots));
    let mut snapshot = Snapshot::unite(snapshots);
    if snapshot.clusters.is_empty() {
        snapshot.clusters.push(Cluster { name: String::new(), server_version: None, stored: false });
    }
    Ok(snapshot)
}

/// Calls `each` with every document of the inputs as JSON text, in the order of the inputs. For inputs whose order counts.
///
/// # Errors
/// Every problem of every input.
pub fn read_documents(
    inputs: &[Input],
    stdin: &mut dyn Read,
    options: &FileOptions,
    each: &mut dyn FnMut(&str, Origin) -> Result<(), Problem>,
) -> Result<Vec<String>, LoadError> {
    let mut found = Sources::default();
    for input in inputs {
        found.add(input, options.recursive);
    }
    let Sources { files, sources, mut problems } = found;
    let mut unspent = Vec::new();
    for source in sources {
        let mut send = |mut work: Work| {
            let mut wrong = Vec::new();
            work.documents(&mut unspent, &mut |text, at, _, _| {
                if let Err(problem) = each(text, at) {
                    wrong.push(problem);
                }
            });
            unspent.extend(wrong);
        };
        if let Err(problem) = source.feed(stdin, &options.limits, &mut Vec::new, &mut send) {
            problems.push(problem);
        }
    }
    problems.extend(unspent);
    problems.sort();
    if problems.is_empty() { Ok(files) } else { Err(LoadError { files, problems }) }
}

/// Runs the readers over all sources. Gives the readers, and the files with whether they were named one by one.
fn read_all(
    sources: Vec<FileSource>,
    stdin: &mut dyn Read,
    options: &FileOptions,
    problems: &mut Vec<Problem>,
) -> (Vec<Reader>, Vec<(FileId, bool)>) {
    let explicit = sources.iter().map(|source| (source.file, source.explicit)).collect();
    let threads = options.threads.max(1);
    let (send, receive) = sync_channel::<Work>(threads);
    let (give_back, spare) = sync_channel::<Vec<u8>>(2 * threads + 2);
    // INVARIANT: only the readers hold the receiving end, so that sending fails, and does not wait, once none of them is left.
    let receive = Arc::new(Mutex::new(receive));
    let readers = std::thread::scope(|scope| {
        let spawn = |_| {
            let (receive, give_back) = (Arc::clone(&receive), give_back.clone());
            let work = move || work_through(&receive, &give_back, options);
            std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work)
        };
        // With fewer threads than wanted it only takes longer.
        let (workers, refused): (Vec<_>, Vec<_>) = (0..threads).map(spawn).partition(Result::is_ok);
        drop(receive);
        if workers.is_empty() {
            let why = refused.into_iter().find_map(Result::err).map(|error| error.to_string()).unwrap_or_default();
            problems.push(Problem { file: FileId::LIVE, line: 0, message: format!("no thread can be started: {why}") });
        }
        feed_all(sources, stdin, &options.limits, &send, &spare, problems);
        drop(send);
        let join = |worker: ScopedJoinHandle<'_, Reader>| {
            // What a reader had read is gone with it, and an answer from the rest would be wrong.
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        workers.into_iter().flatten().map(join).collect()
    });
    (readers, explicit)
}

/// Bytes of a reader's stack. Manifests nested as deep as is allowed need 3 MiB in an unoptimised build.
const STACK: usize = 8 << 20;

fn work_through(receive: &Mutex<Receiver<Work>>, give_back: &SyncSender<Vec<u8>>, options: &FileOptions) -> Reader {
    let mut reader = Reader::new(options.needs, &options.default_namespace);
    let mut unreadable = Vec::new();
    loop {
        let next = receive.lock().unwrap_or_else(std::sync::PoisonError::into_inner).recv();
        let Ok(mut work) = next else { break };
        work.documents(&mut unreadable, &mut |text, at, item, lines| reader.json(text, at, item, lines));
        if let Work::Lines { bytes, .. } | Work::Objects { bytes, .. } = work {
            // When nobody takes it back the buffer is simply freed.
            let _ = give_back.try_send(bytes);
        }
    }
    reader.problems.append(&mut unreadable);
    reader
}

fn feed_all(
    sources: Vec<FileSource>,
    stdin: &mut dyn Read,
    limits: &Limits,
    send: &SyncSender<Work>,
    spare: &Receiver<Vec<u8>>,
    problems: &mut Vec<Problem>,
) {
    for source in sources {
        let mut buffer = || spare.try_recv().unwrap_or_default();
        // Sending fails only when no reader is left, and then that is what is wrong.
        let mut send = |work| drop(send.send(work));
        if let Err(problem) = source.feed(stdin, limits, &mut buffer, &mut send) {
            problems.push(problem);
        }
    }
}

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
    fn documents(&mut self, problems: &mut Vec<Problem>, each: &mut dyn FnMut(&str, Origin, ItemKind<'_>, Lines)) {
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

/// The files behind the inputs.
#[derive(Default)]
struct Sources {
    files: Vec<String>,
    sources: Vec<FileSource>,
    problems: Vec<Problem>,
}

struct FileSource {
    file: FileId,
    input: Input,
    /// Named by itself, not found in a folder.
    explicit: bool,
}

impl Sources {
    fn add(&mut self, input: &Input, recursive: bool) {
        match input {
            Input::Path(path) => self.add_path(path, recursive),
            Input::Stdin => {
                let file = self.name("standard input".to_owned());
                self.sources.push(FileSource { file, input: Input::Stdin, explicit: true });
            }
            Input::Embedded(bundled) => {
                let file = self.name(bundled.name.to_owned());
                self.sources.push(FileSource { file, input: input.clone(), explicit: false });
            }
        }
    }

    fn name(&mut self, name: String) -> FileId {
        self.files.push(name);
        FileId(u32::try_from(self.files.len() - 1).unwrap_or(u32::MAX - 2))
    }

    fn add_path(&mut self, path: &Path, recursive: bool) {
        let text = path.to_string_lossy().into_owned();
        if let Some((scheme, _)) = text.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https")) {
            let file = self.name(text.clone());
            let message =
                format!("{scheme} addresses are not fetched; write `curl -fsSL {text} | kubectl rbac-lens ... -f -`");
            self.problems.push(Problem { file, line: 0, message });
            return;
        }
        match std::fs::metadata(path) {
            Ok(found) if found.is_dir() => self.add_folder(path, recursive),
            Ok(_) => {
                let file = self.name(text);
                self.sources.push(FileSource { file, input: Input::Path(path.to_owned()), explicit: true });
            }
            Err(error) => {
                let file = self.name(text);
                self.problems.push(Problem { file, line: 0, message: cannot_read(&error) });
            }
        }
    }

    fn add_folder(&mut self, folder: &Path, recursive: bool) {
        let (before, wrong) = (self.sources.len(), self.problems.len());
        let mut folders = vec![folder.to_owned()];
        let mut has_folders = false;
        while let Some(next) = folders.pop() {
            let mut inside = Vec::new();
            match std::fs::read_dir(&next).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
                Ok(entries) => inside.extend(entries),
                Err(error) => {
                    let file = self.name(next.to_string_lossy().into_owned());
                    self.problems.push(Problem { file, line: 0, message: cannot_read(&error) });
                }
            }
            inside.sort_by_key(std::fs::DirEntry::file_name);
            let mut below = Vec::new();
            for entry in inside {
                let path = entry.path();
                // A link to a folder is not followed, as in kubectl: it may lead back up.
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    has_folders = true;
                    below.push(path);
                } else if is_manifest(&path) {
                    let file = self.name(path.to_string_lossy().into_owned());
                    self.sources.push(FileSource { file, input: Input::Path(path), explicit: false });
                }
            }
            if recursive {
                folders.extend(below.into_iter().rev());
            }
        }
        if self.sources.len() == before && self.problems.len() == wrong {
            let file = self.name(folder.to_string_lossy().into_owned());
            let deeper = if has_folders && !recursive { "; use -R to look into its folders" } else { "" };
            let message =
                format!("there is no .yaml, .yml, .json or .ndjson file (or one of these with .gz) in it{deeper}");
            self.problems.push(Problem { file, line: 0, message });
        }
    }
}

fn is_manifest(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    [".yaml", ".yml", ".json", ".ndjson", ".jsonl"].iter().any(|ending| name.ends_with(ending))
}

/// Reads until the buffer holds `wanted` bytes or the input ends; tells whether it ended.
pub(super) fn fill(input: &mut dyn Read, into: &mut Vec<u8>, wanted: usize) -> io::Result<bool> {
    let missing = wanted.saturating_sub(into.len()) as u64;
    Ok((input.take(missing).read_to_end(into)? as u64) < missing)
}

pub(super) fn cannot_read(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
        io::ErrorKind::PermissionDenied => "you may not read it".to_owned(),
        _ => format!("it cannot be read: {error}"),
    }
}

impl FileSource {
    /// Cuts the source into pieces of work.
    fn feed(
        self,
        stdin: &mut dyn Read,
        limits: &Limits,
        buffer: &mut dyn FnMut() -> Vec<u8>,
        send: &mut dyn FnMut(Work),
    ) -> Result<(), Problem> {
        let file = self.file;
        let mut feeder = Feeder { file, limits, block: BLOCK, buffer, send };
        match self.input {
            Input::Path(path) => match std::fs::File::open(path) {
                Ok(mut open) => feeder.feed(&mut open),
                Err(error) => Err(feeder.problem(0, cannot_read(&error))),
            },
            Input::Stdin => feeder.feed(stdin),
            Input::Embedded(bundled) => feeder.feed(&mut bundled.text.as_bytes()),
        }
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
            let mut unpacked = Unpacked { inner: MultiGzDecoder::new(packed), bytes: 0, limits: *self.limits };
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
