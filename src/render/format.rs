//! The word after `-o`.

use std::str::FromStr;

/// An output format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
}

/// All words.
const FORMATS: [(&str, Format); 7] = [
    ("table", Format::Table),
    ("wide", Format::Wide),
    ("tree", Format::Tree),
    ("name", Format::Name),
    ("json", Format::Json),
    ("yaml", Format::Yaml),
    ("ndjson", Format::Ndjson),
];

/// What answers without paths say to `-o tree`.
pub(super) const NO_TREE: &str = "only escalations are shown as trees; use -o table, wide, name, json, yaml or ndjson";

/// A word that names no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown output format `{0}`, allowed formats are: table, wide, tree, name, json, yaml, ndjson")]
pub struct FormatError(String);

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(word: &str) -> Result<Format, FormatError> {
        let found = FORMATS.iter().find(|(name, _)| *name == word);
        found.map(|&(_, format)| format).ok_or_else(|| FormatError(word.to_owned()))
    }
}
