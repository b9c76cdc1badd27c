//! What every answer has, and the one place where a format is chosen. An answer says what its items, columns and names are; each
//! format is made of these, for all commands alike.

use std::path::PathBuf;

use serde::Serialize;

use super::document::Document;
use super::format::{Fits, Format, Wanted};
use super::table::{Table, Width};
use super::text::safe;

/// What a command found, in the shapes that formats are made of.
pub(super) trait Answer {
    /// What the items of the document are.
    type Item: Serialize;
    /// What was asked.
    type Question: Serialize;
    /// The formats that it has besides those that every answer has.
    const FITS: Fits;

    /// The whole answer.
    fn document(&self) -> Result<Document<Self::Item, Self::Question>, String>;

    /// The answer for people to read.
    fn columns(&self, width: Width) -> Vec<Part>;

    /// The answer for other programs that read tables.
    fn sheets(&self) -> Vec<Table> {
        let table = |part| match part {
            Part::Table(table) => Some(table),
            _ => None,
        };
        self.columns(Width::Wide).into_iter().filter_map(table).collect()
    }

    /// What the items are about, each with the position of the item.
    fn names(&self) -> Vec<(usize, String)> {
        Vec::new()
    }

    /// The answer with its paths as trees.
    fn trees(&self) -> Result<Vec<Part>, String> {
        Ok(self.columns(Width::Narrow))
    }

    /// The items, a line each.
    fn lines(&self) -> Result<String, String> {
        self.document()?.lines()
    }
}

/// A part of what people read. Parts stand apart by an empty line.
pub(super) enum Part {
    /// Lines that say what is below; they count as heads.
    Summary(Vec<String>),
    /// Sentences, a line each.
    Words(Vec<String>),
    Table(Table),
    /// Trees, made safe for a terminal already, each with its line ends.
    Trees(Vec<String>),
}

/// An answer in the formats that were wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Printed {
    /// For standard output.
    pub out: String,
    /// For files.
    pub saves: Vec<(PathBuf, String)>,
}

/// Why an answer cannot be printed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrintError {
    /// It has no such form.
    #[error("{0}")]
    Unfit(String),
    /// It cannot be serialised, which is a fault of this program.
    #[error("{0}")]
    Fault(String),
}

/// An answer that can be printed.
pub trait Print {
    /// The formats that it has besides those that every answer has.
    const FITS: Fits;

    /// The text in every format that is wanted.
    ///
    /// # Errors
    /// When the answer has no such form, or cannot be serialised.
    fn print(&self, wanted: &Wanted) -> Result<Printed, PrintError>;
}

impl<A: Answer> Print for A {
    const FITS: Fits = A::FITS;

    fn print(&self, wanted: &Wanted) -> Result<Printed, PrintError> {
        let _stage = tracing::debug_span!("render").entered();
        let text = |format: &Format| text(self, format, wanted.heads);
        let save = |(format, path): &(Format, PathBuf)| Ok((path.clone(), text(format)?));
        Ok(Printed {
            out: text(&wanted.format)?,
            saves: wanted.saves.iter().map(save).collect::<Result<_, PrintError>>()?,
        })
    }
}

fn text<A: Answer>(answer: &A, format: &Format, heads: bool) -> Result<String, PrintError> {
    let document = || answer.document().map_err(PrintError::Fault);
    match format {
        Format::Table => Ok(join(answer.columns(Width::Narrow), heads)),
        Format::Wide => Ok(join(answer.columns(Width::Wide), heads)),
        Format::Tree => Ok(join(answer.trees().map_err(PrintError::Unfit)?, heads)),
        Format::Name => Ok(names(answer)),
        Format::Json => document()?.json().map_err(PrintError::Fault),
        Format::Yaml => document()?.yaml().map_err(PrintError::Fault),
        Format::Ndjson => answer.lines().map_err(PrintError::Fault),
        Format::Csv => apart(answer.sheets(), |table| table.csv(heads)).map_err(PrintError::Fault),
        Format::Markdown => apart(answer.sheets(), |table| Ok(table.markdown(heads))).map_err(PrintError::Fault),
    }
}

/// Parts, one below the other. Without heads tables follow each other directly.
fn join(parts: Vec<Part>, heads: bool) -> String {
    let mut text = String::new();
    let mut apart = false;
    for part in parts {
        let trees = matches!(part, Part::Trees(_));
        let own = match part {
            Part::Summary(lines) if heads => worded(&lines),
            Part::Summary(_) => String::new(),
            Part::Words(lines) => worded(&lines),
            Part::Table(table) => table.text(heads),
            Part::Trees(trees) => trees.join("\n"),
        };
        if own.is_empty() {
            continue;
        }
        if !text.is_empty() && (heads || trees || apart) {
            text.push('\n');
        }
        text.push_str(&own);
        apart = trees;
    }
    text
}

fn worded(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{}\n", safe(line))).collect()
}

/// Tables with an empty line between. When all are empty, the heads of the first: a program that reads columns expects them.
fn apart(mut tables: Vec<Table>, write: impl Fn(&Table) -> Result<String, String>) -> Result<String, String> {
    if tables.iter().all(Table::is_empty) {
        tables.truncate(1);
    } else {
        tables.retain(|table| !table.is_empty());
    }
    Ok(tables.iter().map(write).collect::<Result<Vec<_>, String>>()?.join("\n"))
}

/// Each name once, where it is met first.
fn names<A: Answer>(answer: &A) -> String {
    let mut seen = std::collections::BTreeSet::new();
    let mut text = String::new();
    for (_, name) in answer.names() {
        if !seen.contains(&name) {
            text.push_str(&safe(&name));
            text.push('\n');
            seen.insert(name);
        }
    }
    text
}
