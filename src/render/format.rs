//! The word after `-o`, and all that is wanted of an answer.

use std::path::PathBuf;

use super::custom_columns::CustomColumns;
use super::jsonpath::JsonPath;
use super::look::Look;
use super::sort::SortBy;

/// An output format.
#[derive(Clone, Debug, Default, PartialEq)]
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
    /// Findings for code scanning: SARIF 2.1.0.
    Sarif,
    /// Findings as failed tests: JUnit's XML.
    Junit,
    /// Findings as annotations of a GitHub workflow.
    Github,
    /// A template of kubectl's, filled in from the JSON document.
    JsonPath(JsonPath),
    /// What such a template finds, as JSON.
    JsonPathAsJson(JsonPath),
    /// Columns made of the JSON items.
    CustomColumns(CustomColumns),
}

/// The formats that an answer has besides those that every answer has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fits {
    /// Whether it is about things that have names.
    pub names: bool,
    /// Whether it has paths.
    pub tree: bool,
    /// Whether its items are something that should not be.
    pub findings: bool,
}

/// What an answer is to be printed as, and saved as.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// For standard output.
    pub format: Format,
    /// Further formats of the same answer, each for a file.
    pub saves: Vec<(Format, PathBuf)>,
    /// Whether columns have heads.
    pub heads: bool,
    /// What the items are put in the order of; without it they come as the answer has them.
    pub sort_by: Option<SortBy>,
    /// How it looks on standard output.
    pub look: Look,
}

impl Wanted {
    /// Whether a format is among them.
    pub fn has(&self, format: &Format) -> bool {
        self.format == *format || self.saves.iter().any(|(saved, _)| saved == format)
    }
}

/// Why what stands after `-o` is no format of this answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// There is no such format.
    #[error("unknown output format `{0}`, allowed formats are: {1}")]
    Unknown(String, String),
    /// Other answers have it.
    #[error("this answer has no output format `{0}`, allowed formats are: {1}")]
    Unfit(String, String),
    /// Its expression is missing.
    #[error("the output format `{0}` is written `{1}`")]
    Written(String, &'static str),
    /// An expression is none.
    #[error("`{0}`: {1}")]
    Expression(String, String),
}

/// How a format with an expression is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expression {
    JsonPath,
    JsonPathAsJson,
    JsonPathFile,
    CustomColumns,
    CustomColumnsFile,
}

/// The words of formats that need nothing more.
const PLAIN: [(&str, Format); 12] = [
    ("table", Format::Table),
    ("wide", Format::Wide),
    ("tree", Format::Tree),
    ("name", Format::Name),
    ("json", Format::Json),
    ("yaml", Format::Yaml),
    ("ndjson", Format::Ndjson),
    ("csv", Format::Csv),
    ("markdown", Format::Markdown),
    ("sarif", Format::Sarif),
    ("junit", Format::Junit),
    ("github", Format::Github),
];

/// The words of formats that need an expression, and how they are written.
const EXPRESSIONS: [(&str, &str, Expression); 5] = [
    ("jsonpath", "jsonpath=TEMPLATE", Expression::JsonPath),
    ("jsonpath-as-json", "jsonpath-as-json=TEMPLATE", Expression::JsonPathAsJson),
    ("jsonpath-file", "jsonpath-file=FILE", Expression::JsonPathFile),
    ("custom-columns", "custom-columns=HEAD:PATH,...", Expression::CustomColumns),
    ("custom-columns-file", "custom-columns-file=FILE", Expression::CustomColumnsFile),
];

impl Format {
    /// The words that name a format which such an answer has and that need no expression.
    pub fn words(fits: Fits) -> impl Iterator<Item = &'static str> {
        PLAIN.iter().filter(move |(_, format)| fits.allow(format)).map(|(word, _)| *word)
    }

    /// The words of formats that go on with an expression behind `=`.
    pub fn with_expressions() -> impl Iterator<Item = &'static str> {
        EXPRESSIONS.iter().map(|(word, _, _)| *word)
    }

    /// Reads what stands after `-o`; `read` gives the text of a file.
    ///
    /// # Errors
    /// When it is no format that such an answer has, or its expression is none.
    pub fn parse(word: &str, fits: Fits, read: impl Fn(&str) -> Result<String, String>) -> Result<Format, FormatError> {
        if let Some((_, format)) = PLAIN.iter().find(|(name, _)| *name == word) {
            return if fits.allow(format) {
                Ok(format.clone())
            } else {
                Err(FormatError::Unfit(word.to_owned(), fits.allowed()))
            };
        }
        let (name, expression) = word.split_once('=').unwrap_or((word, ""));
        let Some((_, usage, kind)) = EXPRESSIONS.iter().find(|(own, _, _)| *own == name) else {
            return Err(FormatError::Unknown(word.to_owned(), fits.allowed()));
        };
        if expression.is_empty() {
            return Err(FormatError::Written(name.to_owned(), usage));
        }
        let parsed = match kind {
            Expression::JsonPath => JsonPath::parse(expression).map(Format::JsonPath),
            Expression::JsonPathAsJson => JsonPath::parse(expression).map(Format::JsonPathAsJson),
            Expression::CustomColumns => CustomColumns::parse(expression).map(Format::CustomColumns),
            Expression::JsonPathFile => read(expression).and_then(|text| JsonPath::parse(&text)).map(Format::JsonPath),
            Expression::CustomColumnsFile => {
                read(expression).and_then(|text| CustomColumns::parse_file(&text)).map(Format::CustomColumns)
            }
        };
        parsed.map_err(|message| FormatError::Expression(word.to_owned(), message))
    }
}

impl Fits {
    fn allow(self, format: &Format) -> bool {
        match format {
            Format::Name => self.names,
            Format::Tree => self.tree,
            Format::Sarif | Format::Junit | Format::Github => self.findings,
            _ => true,
        }
    }

    fn allowed(self) -> String {
        Format::words(self).chain(EXPRESSIONS.iter().map(|(name, _, _)| *name)).collect::<Vec<_>>().join(", ")
    }
}
