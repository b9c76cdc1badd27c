//! Columns, and how they are written: as kubectl prints them, as comma-separated values, and as Markdown.

use tabled::builder::Builder;
use tabled::settings::{Padding, Style};

use super::look::{Look, Paint};
use super::text::safe;
use super::wrap::{fitting_within, width};

/// How much of an answer its columns show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    /// What fits a terminal.
    Narrow,
    /// All columns.
    Wide,
}

impl Width {
    pub(super) fn is_wide(self) -> bool {
        self == Width::Wide
    }
}

/// A table, as it is made and before it is written.
#[derive(Clone, Debug)]
pub(super) struct Table {
    heads: Vec<String>,
    rows: Vec<Row>,
}

#[derive(Clone, Debug)]
struct Row {
    /// The item of the answer that it is of, by position.
    item: Option<usize>,
    cells: Vec<String>,
}

impl Table {
    /// A table with these heads.
    pub(super) fn new(heads: &[&str]) -> Table {
        Table { heads: heads.iter().map(|&head| head.to_owned()).collect(), rows: Vec::new() }
    }

    /// Adds a row that belongs to no item of the answer.
    pub(super) fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(Row { item: None, cells: cells.into_iter().map(Into::into).collect() });
    }

    /// Adds a row of an item.
    pub(super) fn row_of<S: Into<String>>(&mut self, item: usize, cells: impl IntoIterator<Item = S>) {
        self.rows.push(Row { item: Some(item), cells: cells.into_iter().map(Into::into).collect() });
    }

    /// The same, its rows of no item.
    pub(super) fn without_items(mut self) -> Table {
        self.rows.iter_mut().for_each(|row| row.item = None);
        self
    }

    /// Puts the rows in another order, by the rank of their items. Rows of one item stay together as they are.
    pub(super) fn sort(&mut self, rank: &[usize]) {
        self.rows.sort_by_key(|row| row.item.and_then(|item| rank.get(item)));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// As kubectl prints columns: no borders, upper-case heads, three blanks between. What the cells hold is made safe for a
    /// terminal, and an empty one is `-`. Empty when there are no rows, as kubectl prints no heads over nothing.
    ///
    /// What says how severe something is, or how it is decided, is coloured where there are colours; no cell is broken for a width.
    pub(super) fn text(&self, heads: bool, look: Look) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let head = heads.then(|| self.heads.clone());
        let shown = self.rows.iter().map(|row| {
            let cell = |cell: &String| if cell.is_empty() { "-".to_owned() } else { safe(cell).into_owned() };
            row.cells.iter().map(cell).collect()
        });
        let records: Vec<Vec<String>> = head.into_iter().chain(shown).collect();
        let text = lay_out(records.iter().cloned());
        if look.colour { self.coloured(&text, &records, usize::from(heads), look) } else { text }
    }

    /// The same text with its cells in colour: they are where the columns before them end, each as wide as its widest cell and three.
    fn coloured(&self, text: &str, records: &[Vec<String>], heads: usize, look: Look) -> String {
        let widest =
            |column: usize| records.iter().filter_map(|record| record.get(column)).map(|cell| width(cell)).max();
        let mut shown = String::with_capacity(text.len() + text.len() / 8);
        for (line, (at, record)) in text.lines().zip(records.iter().enumerate()) {
            let mut done = 0;
            let mut start = 0;
            for (column, (head, cell)) in self.heads.iter().zip(record).enumerate() {
                let paint = Paint::of_cell(head, cell).filter(|_| at >= heads);
                let place = fitting_within(line, start);
                start += widest(column).unwrap_or(0) + 3;
                if let (Some(paint), true) = (paint, line[place..].starts_with(cell.as_str())) {
                    shown.push_str(&line[done..place]);
                    shown.push_str(&paint.on(cell, look));
                    done = place + cell.len();
                }
            }
            shown.push_str(&line[done..]);
            shown.push('\n');
        }
        shown
    }
}

/// Records below each other, three blanks between their columns.
pub(super) fn lay_out(records: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut builder = Builder::default();
    for record in records {
        builder.push_record(record);
    }
    let mut table = builder.build();
    table.with(Style::empty()).with(Padding::new(0, 3, 0, 0));
    let wide = table.to_string();
    let mut text = String::with_capacity(wide.len());
    for line in wide.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// What makes a spreadsheet take a cell for a formula, its full-width twins included
/// (OWASP, <https://owasp.org/www-community/attacks/CSV_Injection>). Tabs and carriage returns are escapes by then.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

impl Table {
    /// As comma-separated values (RFC 4180). A cell that a spreadsheet would take for a formula begins with an apostrophe.
    pub(super) fn csv(&self, heads: bool) -> Result<String, String> {
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
        if heads {
            writer.write_record(&self.heads).map_err(|error| error.to_string())?;
        }
        for row in &self.rows {
            let cell = |cell: &String| {
                let mut text = safe(cell).into_owned();
                if text.starts_with(FORMULA) {
                    text.insert(0, '\'');
                }
                text
            };
            writer.write_record(row.cells.iter().map(cell)).map_err(|error| error.to_string())?;
        }
        let bytes = writer.into_inner().map_err(|error| error.to_string())?;
        String::from_utf8(bytes).map_err(|error| error.to_string())
    }

    /// As a table of GitHub Flavored Markdown (<https://github.github.com/gfm/#tables-extension->). Such a table has heads; without
    /// them they are empty.
    pub(super) fn markdown(&self, heads: bool) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let head = |head: &String| if heads { head.clone() } else { String::new() };
        let mut text = line(self.heads.iter().map(head).collect());
        text.push_str(&line(vec!["---".to_owned(); self.heads.len()]));
        for row in &self.rows {
            text.push_str(&line(row.cells.iter().map(|cell| markdown(cell)).collect()));
        }
        text
    }
}

/// A cell of a Markdown table. Plain words and numbers are themselves. All else stands in a code span, where nothing is markup:
/// neither HTML nor links, which GitHub makes of addresses without any markup, nor the names of people and issues.
fn markdown(cell: &str) -> String {
    let text = safe(cell);
    let is_word = |letter: char| letter.is_ascii_alphabetic() || matches!(letter, ' ' | ',' | '-');
    let is_number = || text.len() < 7 && text.bytes().all(|byte| byte.is_ascii_digit());
    if text.chars().all(is_word) || is_number() {
        return text.trim().to_owned();
    }
    // A pipe ends a cell even in a code span; with a backslash before it does not, unless that is one of a pair.
    let mut escaped = String::with_capacity(text.len() + 4);
    let (mut backslashes, mut ticks, mut longest) = (0, 0, 0);
    for letter in text.chars() {
        if letter == '|' {
            escaped.extend(std::iter::repeat_n('\\', backslashes + 1));
        }
        escaped.push(letter);
        backslashes = if letter == '\\' { backslashes + 1 } else { 0 };
        ticks = if letter == '`' { ticks + 1 } else { 0 };
        longest = longest.max(ticks);
    }
    let fence = "`".repeat(longest + 1);
    let padded = |letter| matches!(letter, '`' | ' ');
    let pad = if escaped.starts_with(padded) || escaped.ends_with(padded) { " " } else { "" };
    format!("{fence}{pad}{escaped}{pad}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_cell_is_a_formula() {
        let mut table = Table::new(&["A", "B"]);
        for cell in ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "＝1", "a=1", "", "a,b", "say \"x\"", "two\nlines"] {
            table.row([cell, "x"]);
        }
        let expected = [
            "A,B",
            "'=1+1,x",
            "'+1,x",
            "'-1,x",
            "'@x,x",
            "\\t=1,x",
            "\\r=1,x",
            "'＝1,x",
            "a=1,x",
            ",x",
            "\"a,b\",x",
            "\"say \"\"x\"\"\",x",
            "two\\nlines,x",
        ];
        assert_eq!(table.csv(true).unwrap(), expected.map(|line| format!("{line}\r\n")).concat());
        assert_eq!(
            table.csv(false).unwrap(),
            expected[1..].iter().map(|line| format!("{line}\r\n")).collect::<String>()
        );
    }

    #[test]
    fn nothing_in_a_cell_is_markup() {
        for (cell, expected) in [
            ("", ""),
            ("cluster-admin", "cluster-admin"),
            ("12", "12"),
            ("a|b", "`a\\|b`"),
            ("a\\|b", "`a\\\\\\|b`"),
            ("a\\", "`a\\`"),
            ("`x`", "`` `x` ``"),
            ("a``b", "```a``b```"),
            ("<img src=x>", "`<img src=x>`"),
            ("www.example.com", "`www.example.com`"),
            ("@someone", "`@someone`"),
            ("a\nb", "`a\\nb`"),
            ("GH-1", "`GH-1`"),
        ] {
            assert_eq!(markdown(cell), expected, "{cell}");
        }
    }
}
