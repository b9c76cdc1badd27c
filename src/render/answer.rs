//! What every answer has, and the one place where a format is chosen. An answer says what its items, columns and names are; each
//! format is made of these, for all commands alike.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;

use super::document::Document;
use super::format::{Fits, Format, Wanted};
use super::github::github;
use super::issues::{Issues, rank};
use super::junit::junit;
use super::look::Look;
use super::sarif::sarif;
use super::table::{Table, Width};
use super::tame;
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
    fn trees(&self, _: Look) -> Result<Vec<Part>, String> {
        Ok(self.columns(Width::Narrow))
    }

    /// The items as what should not be, if they are that.
    fn issues(&self) -> Option<Issues> {
        None
    }

    /// The items, each on a line of JSON.
    fn lines(&self) -> Result<Vec<String>, String> {
        self.document()?.lines()
    }
}

/// A part of what people read. Parts stand apart by an empty line.
pub(super) enum Part {
    /// Lines that say what is below, or what to do about what is above; they count as heads.
    Summary(Vec<String>),
    /// Sentences, a line each.
    Words(Vec<String>),
    Table(Table),
    /// A tree for each item, made safe for a terminal already, with its line ends.
    Trees(Vec<String>),
    /// Trees of what is no item.
    Asides(Vec<String>),
}

/// An answer in the formats that were wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Printed {
    /// For standard output.
    pub out: String,
    /// For files.
    pub saves: Vec<(PathBuf, String)>,
    /// What has to be said of it.
    pub notes: Vec<String>,
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
        let printer = Printer::new(self, wanted)?;
        let mut notes = Vec::new();
        let out = printer.text(&wanted.format, wanted.look, &mut notes)?;
        let mut saves = Vec::with_capacity(wanted.saves.len());
        for (format, path) in &wanted.saves {
            saves.push((path.clone(), printer.text(format, Look::default(), &mut notes)?));
        }
        notes.dedup();
        Ok(Printed { out, saves, notes })
    }
}

/// An answer, and the order that its items are printed in.
struct Printer<'a, A> {
    answer: &'a A,
    heads: bool,
    /// For each place the item that comes there, and for each item its place; nothing when they stay as they are.
    order: Option<(Vec<usize>, Vec<usize>)>,
}

impl<'a, A: Answer> Printer<'a, A> {
    fn new(answer: &'a A, wanted: &Wanted) -> Result<Printer<'a, A>, PrintError> {
        let mut printer = Printer { answer, heads: wanted.heads, order: None };
        if let Some(sort_by) = &wanted.sort_by {
            let order = sort_by.order(&printer.items()?).map_err(|error| refused("sort-by", &error))?;
            let mut rank = vec![0; order.len()];
            order.iter().enumerate().for_each(|(place, &item)| rank[item] = place);
            printer.order = Some((order, rank));
        }
        Ok(printer)
    }

    /// A format, as it looks where it goes to; files look plain.
    fn text(&self, format: &Format, look: Look, notes: &mut Vec<String>) -> Result<String, PrintError> {
        let answer = self.answer;
        match format {
            Format::Table => Ok(self.join(answer.columns(Width::Narrow), look)),
            Format::Wide => Ok(self.join(answer.columns(Width::Wide), look)),
            Format::Tree => Ok(self.join(answer.trees(look).map_err(PrintError::Unfit)?, look)),
            Format::Name => Ok(self.names()),
            Format::Json => self.document()?.json().map_err(PrintError::Fault),
            Format::Yaml => self.document()?.yaml().map_err(PrintError::Fault),
            Format::Ndjson => {
                let lines = self.ordered(answer.lines().map_err(PrintError::Fault)?);
                Ok(lines.into_iter().map(|line| tame::json(line) + "\n").collect())
            }
            Format::JsonPath(path) => path.print(&self.value()?).map_err(|error| refused("jsonpath", &error)),
            Format::JsonPathAsJson(path) => {
                path.print_json(&self.value()?).map_err(|error| refused("jsonpath-as-json", &error))
            }
            Format::CustomColumns(columns) => {
                columns.print(&self.items()?, self.heads).map_err(|error| refused("custom-columns", &error))
            }
            Format::Sarif => {
                let (text, told) = sarif(&self.issues()?).map_err(PrintError::Fault)?;
                notes.extend(told);
                Ok(text)
            }
            Format::Junit => Ok(junit(&self.issues()?)),
            Format::Github => Ok(github(&self.issues()?)),
            Format::Csv => self.sheets(|table| table.csv(self.heads)).map_err(PrintError::Fault),
            Format::Markdown => self.sheets(|table| Ok(table.markdown(self.heads))).map_err(PrintError::Fault),
        }
    }

    fn document(&self) -> Result<Document<A::Item, A::Question>, PrintError> {
        let mut document = self.answer.document().map_err(PrintError::Fault)?;
        document.items = self.ordered(document.items);
        Ok(document)
    }

    /// The most severe first, since pipelines show only so many; or in the order that was asked for.
    fn issues(&self) -> Result<Issues, PrintError> {
        let unfit = || PrintError::Unfit("only findings have this format".to_owned());
        let mut issues = self.answer.issues().ok_or_else(unfit)?;
        issues.all = self.ordered(issues.all);
        if self.order.is_none() {
            issues.all.sort_by_key(|issue| rank(issue.severity));
        }
        issues.suppressed.sort_by_key(|(issue, _)| rank(issue.severity));
        Ok(issues)
    }

    fn value(&self) -> Result<Value, PrintError> {
        serde_json::to_value(self.document()?).map_err(|error| PrintError::Fault(error.to_string()))
    }

    fn items(&self) -> Result<Vec<Value>, PrintError> {
        let values = self.document()?.items.iter().map(serde_json::to_value).collect::<Result<_, _>>();
        values.map_err(|error| PrintError::Fault(error.to_string()))
    }

    /// What there is one of for each item, in their order.
    fn ordered<T>(&self, all: Vec<T>) -> Vec<T> {
        let Some((order, _)) = &self.order else { return all };
        let mut all: Vec<Option<T>> = all.into_iter().map(Some).collect();
        order.iter().filter_map(|&item| all.get_mut(item).and_then(Option::take)).collect()
    }

    fn sorted(&self, mut table: Table) -> Table {
        if let Some((_, rank)) = &self.order {
            table.sort(rank);
        }
        table
    }

    /// Parts, one below the other. Without heads tables follow each other directly.
    fn join(&self, parts: Vec<Part>, look: Look) -> String {
        let mut text = String::new();
        let mut apart = false;
        for part in parts {
            let trees = matches!(part, Part::Trees(_) | Part::Asides(_));
            let own = match part {
                Part::Summary(lines) if self.heads => worded(&lines),
                Part::Summary(_) => String::new(),
                Part::Words(lines) => worded(&lines),
                Part::Table(table) => self.sorted(table).text(self.heads, look),
                Part::Trees(trees) => self.ordered(trees).join("\n"),
                Part::Asides(trees) => trees.join("\n"),
            };
            if own.is_empty() {
                continue;
            }
            if !text.is_empty() && (self.heads || trees || apart) {
                text.push('\n');
            }
            text.push_str(&own);
            apart = trees;
        }
        text
    }

    /// Tables with an empty line between. When all are empty, the heads of the first: a program that reads columns expects them.
    fn sheets(&self, write: impl Fn(&Table) -> Result<String, String>) -> Result<String, String> {
        let mut tables = self.answer.sheets();
        if tables.iter().all(Table::is_empty) {
            tables.truncate(1);
        } else {
            tables.retain(|table| !table.is_empty());
        }
        let texts = tables.into_iter().map(|table| write(&self.sorted(table)));
        Ok(texts.collect::<Result<Vec<_>, String>>()?.join("\n"))
    }

    /// Each name once, where it is met first.
    fn names(&self) -> String {
        let mut names = self.answer.names();
        if let Some((_, rank)) = &self.order {
            names.sort_by_key(|(item, _)| rank.get(*item).copied().unwrap_or(usize::MAX));
        }
        let mut seen = BTreeSet::new();
        let mut text = String::new();
        for (_, name) in names {
            if !seen.contains(&name) {
                text.push_str(&safe(&name));
                text.push('\n');
                seen.insert(name);
            }
        }
        text
    }
}

/// An expression that is well written and does not fit this answer.
fn refused(what: &str, error: &str) -> PrintError {
    PrintError::Unfit(format!("{what}: {error}"))
}

fn worded(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{}\n", safe(line))).collect()
}
