//! What a run leaves behind: text for the two streams and the exit status.

use std::path::PathBuf;

use super::Color;
use super::first::{without_cluster, without_rights};
use super::mistake::in_one_line;
use crate::collect::{LiveError, LoadError};
use crate::model::{Gap, Snapshot, Source};
use crate::render::{Exit, PrintError, Printed, safe};

/// What `main` writes, and how it ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Data, for standard output.
    pub out: String,
    /// Warnings, hints, counts and errors, one a line, for standard error.
    pub notes: Vec<String>,
    /// The exit status.
    pub code: u8,
    /// When what is told beside the answer has colours.
    pub color: Color,
    /// A folder to make first, if it is not there.
    pub folder: Option<PathBuf>,
    /// Files to write, readable by their owner only.
    pub files: Vec<FileOut>,
    /// A link to make.
    pub link: Option<LinkOut>,
}

/// A link that a command makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkOut {
    /// Where.
    pub path: PathBuf,
    /// What it leads to.
    pub target: PathBuf,
    /// Whether what is at the path is an older link or copy of this program, to be replaced.
    pub replace: bool,
}

/// A file that a command makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileOut {
    /// Where.
    pub path: PathBuf,
    /// What is in it.
    pub content: Vec<u8>,
}

/// Why there is no answer. Each becomes lines that begin with `error: ` and exit status 2.
#[derive(Debug)]
pub(super) enum Failure {
    /// The command line asks for something that cannot be.
    Usage(String),
    /// Inputs that cannot be read.
    Input(LoadError),
    /// There is no cluster to ask.
    Live(LiveError),
    /// A fault of this program.
    Internal(String),
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Failure {
        Failure::Input(error)
    }
}

impl From<LiveError> for Failure {
    fn from(error: LiveError) -> Failure {
        Failure::Live(error)
    }
}

impl From<PrintError> for Failure {
    fn from(error: PrintError) -> Failure {
        match error {
            PrintError::Unfit(message) => Failure::Usage(message),
            PrintError::Fault(message) => Failure::Internal(message),
        }
    }
}

impl From<Failure> for Outcome {
    fn from(failure: Failure) -> Outcome {
        let notes = match failure {
            Failure::Usage(message) => vec![format!("error: {}", safe(&message))],
            Failure::Live(error) => {
                let told = format!("error: {}", safe(&error.to_string()));
                std::iter::once(told).chain(without_cluster(&error)).collect()
            }
            Failure::Internal(message) => {
                vec![format!("error: this is a fault of rbac-lens, please report it: {}", safe(&message))]
            }
            Failure::Input(error) => error.lines().map(|line| format!("error: {}", safe(&line))).collect(),
        };
        Outcome { notes, code: 2, ..Outcome::default() }
    }
}

impl Outcome {
    /// An answer in its formats, what is said beside it, and the exit status.
    pub(super) fn new(printed: Printed, mut notes: Vec<String>, code: u8) -> Outcome {
        notes.extend(printed.notes);
        let file = |(path, text): (PathBuf, String)| FileOut { path, content: text.into_bytes() };
        let files = printed.saves.into_iter().map(file).collect();
        Outcome { out: printed.out, notes, code, files, ..Outcome::default() }
    }

    /// Help and version go to standard output, mistakes to standard error.
    pub(super) fn of_clap(error: &clap::Error) -> Outcome {
        if error.use_stderr() {
            // It repeats what was typed.
            let told = safe(&in_one_line(error)).into_owned();
            Outcome { notes: vec![told], code: 2, ..Outcome::default() }
        } else {
            Outcome { out: error.render().to_string(), ..Outcome::default() }
        }
    }
}

/// Collects the reasons for an exit status; the highest wins.
#[derive(Debug, Default)]
pub(super) struct Exits {
    reasons: Vec<(u8, String)>,
}

impl Exits {
    /// Adds a reason, if it is one.
    pub(super) fn add(&mut self, holds: bool, code: u8, reason: impl FnOnce() -> String) {
        if holds {
            self.reasons.push((code, reason()));
        }
    }

    /// The status: 2 could not answer, then 1 found or no, then 3 gaps under `--strict`, then 0.
    pub(super) fn exit(mut self) -> Exit {
        self.reasons.sort_by_key(|(code, _)| match code {
            2 => 0,
            1 => 1,
            _ => 2,
        });
        let code = self.reasons.first().map_or(0, |(code, _)| *code);
        Exit { code, reasons: self.reasons.into_iter().map(|(_, reason)| reason).collect() }
    }
}

/// `1 subject`, `2 subjects`.
pub(super) fn count(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

/// What the reader of an answer should know about its input: warnings, defaults that were filled in, gaps, and what is missing for
/// this one question.
pub(super) fn notes(snapshot: &Snapshot, missing: &[Gap], quiet: bool) -> Vec<String> {
    if quiet {
        return Vec::new();
    }
    let mut notes: Vec<String> = snapshot
        .warnings
        .iter()
        .map(|warning| {
            let place = match snapshot.source(warning.origin) {
                Source::File(file, Some(line)) => format!("{file}:{line}: "),
                Source::File(file, None) => format!("{file}: "),
                Source::Live | Source::BuiltIn => String::new(),
            };
            format!("warning: {}", safe(&format!("{place}{}", warning.message)))
        })
        .collect();
    let filled: Vec<&str> = snapshot
        .roles
        .iter()
        .filter(|role| snapshot.source(role.origin) == Source::BuiltIn)
        .map(|role| snapshot.text(role.name))
        .filter(|name| !name.starts_with("system:aggregate-to-"))
        .collect();
    if !filled.is_empty() {
        notes.push(format!(
            "note: the input has no ClusterRole {}; taken as Kubernetes 1.36 creates {}",
            filled.join(", "),
            if filled.len() == 1 { "it" } else { "them" }
        ));
    }
    if !snapshot.gaps.is_empty() {
        notes.push(format!(
            "warning: not everything could be read, so these are at least the ones ({}):",
            count(snapshot.gaps.len(), "gap")
        ));
        notes.extend(snapshot.gaps.iter().map(|gap| format!("  {}", safe(&gap.message))));
        notes.extend(without_rights(snapshot));
    }
    notes.extend(missing.iter().map(|gap| format!("note: {}", safe(&gap.message))));
    notes
}
