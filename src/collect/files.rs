//! Loading files: their pieces are read by all processors side by side, every problem is gathered, and what was read becomes one
//! snapshot. Finding files is in `sources.rs`, cutting them in `pieces.rs`; what one object says is `document.rs`'s business.

use std::io::Read;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::ScopedJoinHandle;

use super::bundle::BundleFile;
use super::document::{Needs, Problem, Reader};
use super::live::Progress;
use super::pieces::Work;
use super::saved;
use super::sources::{FileSource, Sources};
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
    /// Bytes of a source after which nothing more of it is read, without a word: for a glance, never for an answer.
    pub source_bytes: u64,
}

impl Limits {
    /// More than any real input needs.
    pub const DEFAULT: Limits =
        Limits { object_bytes: 16 << 20, yaml_bytes: 256 << 20, expansion: 100, source_bytes: u64::MAX };
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

impl Default for FileOptions {
    /// One reader, of RBAC alone, that stops at what it cannot read.
    fn default() -> Self {
        Self {
            recursive: false,
            needs: Needs::default(),
            default_namespace: "default".to_owned(),
            keep_going: false,
            limits: Limits::DEFAULT,
            threads: 1,
        }
    }
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
    /// Both errors as one.
    #[must_use]
    pub fn and(mut self, other: LoadError) -> LoadError {
        let before = u32::try_from(self.files.len()).unwrap_or(u32::MAX);
        self.files.extend(other.files);
        let moved = other.problems.into_iter().map(|mut problem| {
            problem.file = FileId(problem.file.0.saturating_add(before));
            problem
        });
        self.problems.extend(moved);
        self
    }

    /// One line for each problem: the file, the line, what is wrong.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.problems.iter().map(|problem| match self.files.get(problem.file.0 as usize) {
            Some(file) if problem.line > 0 => format!("{file}:{}: {}", problem.line, problem.message),
            Some(file) => format!("{file}: {}", problem.message),
            None => problem.message.clone(),
        })
    }
}

/// How many files the inputs name, those of their folders included: so many the snapshot of them has.
pub fn count_files(inputs: &[Input], options: &FileOptions) -> usize {
    let mut found = Sources::default();
    for input in inputs {
        found.add(input, options.recursive);
    }
    found.files.len()
}

/// Reads all inputs into one snapshot.
///
/// # Errors
/// Every problem of every input, unless `keep_going` makes them gaps.
pub fn load(inputs: &[Input], stdin: &mut dyn Read, options: &FileOptions) -> Result<Snapshot, LoadError> {
    load_watched(inputs, stdin, options, &|_| ())
}

/// The same, and tells how far it is.
///
/// # Errors
/// Every problem of every input, unless `keep_going` makes them gaps.
pub fn load_watched(
    inputs: &[Input],
    stdin: &mut dyn Read,
    options: &FileOptions,
    progress: &dyn Fn(&Progress),
) -> Result<Snapshot, LoadError> {
    let _stage = tracing::debug_span!("read").entered();
    let mut found = Sources::default();
    for input in inputs {
        found.add(input, options.recursive);
    }
    let Sources { files, sources, mut problems, .. } = found;
    let (parts, explicit) = read_all(sources, stdin, options, &Watch::new(&files, progress), &mut problems);
    let mut snapshots = Vec::with_capacity(parts.len());
    let mut seen = vec![false; files.len()];
    let (mut clusters, mut azure) = (Vec::new(), Vec::new());
    for mut reader in parts {
        clusters.append(&mut reader.saved_clusters);
        azure.append(&mut reader.saved_azure);
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
    snapshot.azure = saved::azure(azure, &mut snapshot.warnings);
    if snapshot.clusters.is_empty() {
        snapshot.clusters.push(Cluster::default());
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
    let Sources { files, sources, mut problems, .. } = found;
    let mut unspent = Vec::new();
    let watch = Watch::new(&files, &|_| ());
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
        if let Err(problem) = source.feed(stdin, (&options.limits, &watch), &mut Vec::new, &mut send) {
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
    watch: &Watch<'_>,
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
        feed_all(sources, stdin, (&options.limits, watch), &send, &spare, problems);
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
    (limits, watch): (&Limits, &Watch<'_>),
    send: &SyncSender<Work>,
    spare: &Receiver<Vec<u8>>,
    problems: &mut Vec<Problem>,
) {
    for source in sources {
        let mut buffer = || spare.try_recv().unwrap_or_default();
        // Sending fails only when no reader is left, and then that is what is wrong.
        let mut send = |work| drop(send.send(work));
        if let Err(problem) = source.feed(stdin, (limits, watch), &mut buffer, &mut send) {
            problems.push(problem);
        }
    }
}

/// Tells how far the files are.
pub(super) struct Watch<'w> {
    files: &'w [String],
    progress: &'w dyn Fn(&Progress),
}

/// Bytes after which it is worth telling how far a file is.
const OFTEN: u64 = 4 << 20;

impl<'w> Watch<'w> {
    fn new(files: &'w [String], progress: &'w dyn Fn(&Progress)) -> Watch<'w> {
        Watch { files, progress }
    }

    /// The same bytes; that they are read is told now and then.
    pub(super) fn over<R: Read>(&self, file: FileId, expected_bytes: Option<u64>, inner: R) -> impl Read {
        let name = self.files.get(file.0 as usize).cloned().unwrap_or_default();
        Watched { inner, name, bytes: 0, told: 0, expected_bytes, progress: self.progress }
    }
}

struct Watched<'w, R> {
    inner: R,
    name: String,
    bytes: u64,
    told: u64,
    expected_bytes: Option<u64>,
    progress: &'w dyn Fn(&Progress),
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(into)?;
        self.bytes += read as u64;
        let ended = read == 0 && !into.is_empty();
        // A file that is small is read before anybody could look.
        if self.bytes >= self.told + OFTEN || (ended && self.told > 0) {
            self.told = self.bytes;
            let Watched { bytes, expected_bytes, .. } = *self;
            (self.progress)(&Progress { bytes, expected_bytes, done: ended, ..Progress::begin(self.name.clone()) });
        }
        Ok(read)
    }
}

impl<R> Drop for Watched<'_, R> {
    fn drop(&mut self) {
        tracing::info!("{}: {} bytes", self.name, self.bytes);
    }
}
