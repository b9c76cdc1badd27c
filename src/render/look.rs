//! How an answer looks on a terminal: its width, and colours. Both are decided once, at the edge; text without its colours is the same.

use owo_colors::{OwoColorize, Style};

/// What text for people is fitted to. By default nothing is known and nothing is coloured: a file, a pipe, a test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// How many columns there are; none where lines may be of any length.
    pub width: Option<usize>,
    /// Whether there are colours.
    pub colour: bool,
}

/// What a piece of text is, as far as its colour says it. The words say it as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    /// The worst.
    Critical,
    /// Bad, or refused.
    High,
    /// Worth a look, or in doubt.
    Medium,
    /// Good to know.
    Low,
    /// Good.
    Good,
    /// What to look for.
    Strong,
    /// The name of a technique.
    Technique,
    /// What is there to be looked up.
    Faint,
}

impl Paint {
    /// The text in its colour, where there are colours. Only the sixteen colours that every terminal has, and that its owner chose.
    pub(super) fn on(self, text: &str, look: Look) -> String {
        if !look.colour || text.is_empty() {
            return text.to_owned();
        }
        let style = Style::new();
        let style = match self {
            Paint::Critical => style.bright_red().bold(),
            Paint::High => style.red(),
            Paint::Medium => style.yellow(),
            Paint::Low => style.blue(),
            Paint::Good => style.green(),
            Paint::Strong => style.bold(),
            Paint::Technique => style.cyan().bold(),
            Paint::Faint => style.dimmed(),
        };
        text.style(style).to_string()
    }

    /// The colour of a severity, by its word.
    pub(super) fn of_severity(word: &str) -> Paint {
        match word {
            "critical" => Paint::Critical,
            "high" => Paint::High,
            "medium" => Paint::Medium,
            "low" => Paint::Low,
            _ => Paint::Faint,
        }
    }

    /// The colour of a cell below a head, where it has one.
    pub(super) fn of_cell(head: &str, cell: &str) -> Option<Paint> {
        match (head, cell) {
            ("SEVERITY", word) => Some(Paint::of_severity(word)),
            ("CHANGE", "new") => Some(Paint::High),
            ("CHANGE", "changed") => Some(Paint::Medium),
            ("DECISION", "allowed") => Some(Paint::Good),
            ("DECISION", "no" | "denied") => Some(Paint::High),
            ("DECISION", _) => Some(Paint::Medium),
            ("VERIFIED", "no") => Some(Paint::High),
            _ => None,
        }
    }
}
