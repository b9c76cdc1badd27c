//! One measurement, in a process of its own.

mod ask;

use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Instant;

use rbac_lens::collect::{FileOptions, Input, Needs, read_azure};
use rbac_lens::graph::AccessGraph;
use rbac_lens::graph::azure::AzureGraph;
use rbac_lens::query::{SystemFilter, azure_gaps};
use rbac_lens::rules::{Ask, escalations};
use serde::de::IgnoredAny;

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// serde_json over lines, in blocks of 1 MiB, keeping nothing.
    Floor,
    /// serde_json over one document in memory, keeping nothing; reading the file is not counted.
    WholeFloor,
    /// Our own loading and indexing.
    Load,
}

const TASKS: [Task; 3] = [Task::Floor, Task::WholeFloor, Task::Load];

pub(crate) use ask::Asked;

impl Task {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Task::Floor => "floor",
            Task::WholeFloor => "whole",
            Task::Load => "load",
        }
    }
}

/// Seconds of the clock and of all processors, and the peak of resident memory in MB.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cost {
    pub(crate) wall: f64,
    pub(crate) cpu: f64,
    pub(crate) peak: f64,
    /// The part of the clock's seconds that went into the index.
    pub(crate) index: f64,
}

/// Measures in a new process.
pub(crate) fn apart(task: Task, threads: usize, file: &Path) -> io::Result<Cost> {
    match child(task.word(), threads, file)?.as_slice() {
        &[wall, cpu, peak, index] => Ok(Cost { wall, cpu, peak, index }),
        _ => Err(io::Error::other(format!("measuring `{}` failed", task.word()))),
    }
}

/// Measures `who-can` in a new process.
pub(crate) fn ask_apart(file: &Path) -> io::Result<Vec<Asked>> {
    let numbers = child(ask::WORD, 2, file)?;
    let (questions, _) = numbers.as_chunks();
    Ok(questions.iter().map(|numbers| Asked::from(*numbers)).collect())
}

/// Measures `escalations` in a new process.
pub(crate) fn escalate_apart(file: &Path) -> io::Result<Escalated> {
    match child(Escalated::WORD, 2, file)?.as_slice() {
        &[load, solve, findings, holders, edges, peak] => Ok(Escalated { load, solve, findings, holders, edges, peak }),
        _ => Err(io::Error::other("measuring `escalations` failed")),
    }
}

/// Seconds that loading everything takes and solving for everybody after it, with how much is found, and the peak in MB.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Escalated {
    pub(crate) load: f64,
    pub(crate) solve: f64,
    pub(crate) findings: f64,
    pub(crate) holders: f64,
    /// Subjects of bindings and pods: what the attack graph grows with.
    pub(crate) edges: f64,
    pub(crate) peak: f64,
}

impl Escalated {
    const WORD: &str = "escalations";

    /// The objects in a file; or those in the files of a folder, with what is in its folder of Azure.
    fn measure(path: &Path, threads: usize) -> io::Result<Escalated> {
        let start = Instant::now();
        let mut snapshot = load(path, threads, Needs::ALL)?;
        let azure = path.join(AZURE);
        if azure.is_dir() {
            let before = snapshot.files.len();
            read_azure(&[Input::Path(azure)], &mut io::empty(), &options(threads, Needs::ALL), before)
                .map_err(|error| io::Error::other(error.lines().next().unwrap_or_default()))?
                .add_to(&mut snapshot);
        }
        let graph = AccessGraph::new(snapshot);
        let load = start.elapsed().as_secs_f64();
        let ask = Ask { system: SystemFilter::Hide, ..Ask::default() };
        let start = Instant::now();
        let found = escalations(&graph, &ask);
        // What the command says beside its findings.
        let gaps = azure_gaps(&AzureGraph::new(&graph.snapshot().azure));
        std::hint::black_box((gaps, graph.azure_names()));
        let solve = start.elapsed().as_secs_f64();
        let holders: usize = found.holders.iter().map(|one| one.from.len()).sum();
        let findings = found.findings.len() as f64;
        let subjects = graph.bindings().map(|(_, binding)| graph.snapshot().subjects.set(binding.subjects).len());
        let edges = (subjects.sum::<usize>() + graph.snapshot().pods.len()) as f64;
        Ok(Escalated { load, solve, findings, holders: holders as f64, edges, peak: peak_megabytes() })
    }
}

/// The numbers that a new process prints.
fn child(task: &str, threads: usize, file: &Path) -> io::Result<Vec<f64>> {
    let mut command = Command::new(std::env::current_exe()?);
    let output = command.args(["measure", task, &threads.to_string()]).arg(file).stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return Err(io::Error::other(format!("measuring `{task}` failed")));
    }
    Ok(text.split_whitespace().filter_map(|word| word.parse().ok()).collect())
}

/// Measures in this process and prints the numbers for `child`.
pub(crate) fn here(task: &str, threads: &str, file: &Path) -> io::Result<()> {
    let threads = threads.parse().map_err(io::Error::other)?;
    if task == ask::WORD {
        for Asked { rows, middle, hundredth, everywhere, rows_everywhere } in
            ask::ask(&AccessGraph::new(load(file, threads, Needs::default())?))
        {
            writeln!(io::stdout(), "{rows} {middle} {hundredth} {everywhere} {rows_everywhere}")?;
        }
        return Ok(());
    }
    if task == Escalated::WORD {
        let Escalated { load, solve, findings, holders, edges, peak } = Escalated::measure(file, threads)?;
        return writeln!(io::stdout(), "{load} {solve} {findings} {holders} {edges} {peak}");
    }
    let task = TASKS.into_iter().find(|known| known.word() == task).ok_or_else(|| io::Error::other("no such task"))?;
    let mut index = 0.0;
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let (wall, cpu) = match task {
        Task::Floor => {
            floor(file, threads)?;
            (start.elapsed(), cpu_seconds() - cpu)
        }
        Task::WholeFloor => {
            let bytes = std::fs::read(file)?;
            let (start, cpu) = (Instant::now(), cpu_seconds());
            serde_json::from_slice::<IgnoredAny>(&bytes)?;
            (start.elapsed(), cpu_seconds() - cpu)
        }
        Task::Load => {
            let snapshot = load(file, threads, Needs::default())?;
            let loaded = start.elapsed();
            let graph = AccessGraph::new(snapshot);
            let took = start.elapsed();
            index = (took - loaded).as_secs_f64();
            let cpu = cpu_seconds() - cpu;
            drop(graph);
            (took, cpu)
        }
    };
    writeln!(io::stdout(), "{} {cpu} {} {index}", wall.as_secs_f64(), peak_megabytes())
}

/// The folder of Azure's lists beside the objects.
pub(crate) const AZURE: &str = "azure";

fn options(threads: usize, needs: Needs) -> FileOptions {
    FileOptions { needs, threads, ..FileOptions::default() }
}

fn load(path: &Path, threads: usize, needs: Needs) -> io::Result<rbac_lens::model::Snapshot> {
    let inputs = [Input::Path(path.to_owned())];
    rbac_lens::collect::load(&inputs, &mut io::empty(), &options(threads, needs))
        .map_err(|error| io::Error::other(error.lines().next().unwrap_or_default()))
}

/// Bytes of a block of the floor.
const BLOCK: usize = 1 << 20;

/// Lines of a file; or of each file in a folder, and the whole files of Azure's lists.
fn floor(path: &Path, threads: usize) -> io::Result<()> {
    if !path.is_dir() {
        return floor_of_lines(path, threads);
    }
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            for list in std::fs::read_dir(entry.path())? {
                serde_json::from_slice::<IgnoredAny>(&std::fs::read(list?.path())?)?;
            }
        } else {
            floor_of_lines(&entry.path(), threads)?;
        }
    }
    Ok(())
}

fn floor_of_lines(file: &Path, threads: usize) -> io::Result<()> {
    let blocks = Mutex::new(Blocks { input: std::fs::File::open(file)?, rest: Vec::new() });
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| pass_over(&blocks))).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(|_| Err(io::Error::other("it panicked"))))
    })
}

fn pass_over(blocks: &Mutex<Blocks>) -> io::Result<()> {
    let mut block = Vec::with_capacity(2 * BLOCK);
    loop {
        blocks.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next(&mut block)?;
        if block.is_empty() {
            return Ok(());
        }
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', &block) {
            serde_json::from_slice::<IgnoredAny>(&block[start..end])?;
            start = end + 1;
        }
    }
}

struct Blocks {
    input: std::fs::File,
    rest: Vec<u8>,
}

impl Blocks {
    /// The next whole lines, none at the end.
    fn next(&mut self, block: &mut Vec<u8>) -> io::Result<()> {
        block.clear();
        block.append(&mut self.rest);
        let missing = BLOCK.saturating_sub(block.len()) as u64;
        Read::by_ref(&mut self.input).take(missing).read_to_end(block)?;
        let cut = memchr::memrchr(b'\n', block).map_or(block.len(), |at| at + 1);
        self.rest.extend_from_slice(&block[cut..]);
        block.truncate(cut);
        Ok(())
    }
}

/// Seconds that this process has computed, its ended threads included; zero where there is no `/proc`.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The program's name, in parentheses, may hold blanks; user and system time are the 12th and 13th field after it, in
    // hundredths of a second on every Linux of today.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks: f64 = fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    ticks / 100.0
}

/// The most memory that was resident at once; zero where there is no `/proc`.
fn peak_megabytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    peak.trim().trim_end_matches(" kB").parse::<f64>().map_or(0.0, |kib| kib * 1024.0 / 1e6)
}
