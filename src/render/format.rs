//! The word after `-o`, and all that is wanted of an answer.

use std::path::PathBuf;

/// An output format.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Columns, as kubectl prints them.
    #[default]
    Table,
    /// The same with further columns.
    Wide,
    /// Each path as a tree.
    Tree,
    /// One `KIND:[NS/]NAME` a line.
    Name,
    /// One JSON document.
    Json,
    /// One YAML document.
    Yaml,
    /// One JSON item a line.
    Ndjson,
    /// The wide columns as comma-separated values (RFC 4180).
    Csv,
    /// The wide columns as a table of GitHub Flavored Markdown.
    Markdown,
}

/// The formats that an answer has besides those that every answer has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fits {
    /// Whether it is about things that have names.
    pub names: bool,
    /// Whether it has paths.
    pub tree: bool,
}

/// What an answer is to be printed as, and saved as.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// For standard output.
    pub format: Format,
    /// Further formats of the same answer, each for a file.
    pub saves: Vec<(Format, PathBuf)>,
    /// Whether columns have heads.
    pub heads: bool,
}

/// A word that names no format, or none of this answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} `{word}`, allowed formats are: {}", .allowed.join(", "))]
pub struct FormatError {
    what: &'static str,
    word: String,
    allowed: Vec<&'static str>,
}

/// All words.
const FORMATS: [(&str, Format); 9] = [
    ("table", Format::Table),
    ("wide", Format::Wide),
    ("tree", Format::Tree),
    ("name", Format::Name),
    ("json", Format::Json),
    ("yaml", Format::Yaml),
    ("ndjson", Format::Ndjson),
    ("csv", Format::Csv),
    ("markdown", Format::Markdown),
];

impl Format {
    /// The words that name a format which such an answer has.
    pub fn words(fits: Fits) -> impl Iterator<Item = &'static str> {
        FORMATS.iter().filter(move |(_, format)| fits.allow(format)).map(|(word, _)| *word)
    }

    /// Reads the word after `-o`.
    ///
    /// # Errors
    /// When it names no format that such an answer has.
    pub fn parse(word: &str, fits: Fits) -> Result<Format, FormatError> {
        let allowed = || FORMATS.iter().filter(move |(_, format)| fits.allow(format));
        let found = allowed().find(|(name, _)| *name == word);
        found.map(|(_, format)| format.clone()).ok_or_else(|| FormatError {
            what: match FORMATS.iter().any(|(name, _)| *name == word) {
                true => "this answer has no output format",
                false => "unknown output format",
            },
            word: word.to_owned(),
            allowed: allowed().map(|(name, _)| *name).collect(),
        })
    }
}

impl Fits {
    fn allow(self, format: &Format) -> bool {
        match format {
            Format::Name => self.names,
            Format::Tree => self.tree,
            _ => true,
        }
    }
}
