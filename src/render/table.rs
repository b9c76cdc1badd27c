//! Columns as kubectl prints them: no borders, upper-case heads, three blanks between.

use tabled::builder::Builder;
use tabled::settings::{Padding, Style};

use super::text::safe;

/// A table under construction.
pub(super) struct Table {
    builder: Builder,
    /// Without the heads.
    rows: usize,
}

impl Table {
    /// A table with these heads, or without them.
    pub(super) fn new(heads: &[&str], show_heads: bool) -> Table {
        let mut builder = Builder::default();
        if show_heads {
            builder.push_record(heads.iter().copied());
        }
        Table { builder, rows: 0 }
    }

    /// Adds a row; what its cells hold is made safe for a terminal, and an empty cell is shown as `-`.
    pub(super) fn row<S: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.builder.push_record(cells.into_iter().map(|cell| match cell.as_ref() {
            "" => "-".to_owned(),
            text => safe(text).into_owned(),
        }));
        self.rows += 1;
    }

    /// The text; empty when there are no rows, as kubectl prints no heads over nothing.
    pub(super) fn text(self) -> String {
        if self.rows == 0 {
            return String::new();
        }
        let mut table = self.builder.build();
        table.with(Style::empty()).with(Padding::new(0, 3, 0, 0));
        let wide = table.to_string();
        let mut text = String::with_capacity(wide.len());
        for line in wide.lines() {
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}
