//! `escalations`: findings as a table, as trees, and as a document; and the paths behind `who-can --via-escalation`.

mod document;
mod table;
mod tree;
pub(super) mod words;

pub(super) use document::{BaselineOut, CutsOut, EscalationItem, EscalationsQuestion, HoldersOut, PlatformOut, items};
pub use table::classes;

use super::document::{Document, Exit, Metadata};
use super::format::Format;
use crate::graph::AccessGraph;
use crate::rules::{Change, Changes, Cuts, Escalations, Finding, Remedies};

/// What is rendered: the findings and what was asked.
pub struct EscalationsReport<'a> {
    /// The graph that the answer is about.
    pub graph: &'a AccessGraph,
    /// What was asked, as it was typed.
    pub asked: Asked<'a>,
    /// The answer; its findings are those that are shown.
    pub answer: &'a Escalations,
    /// How findings go away.
    pub remedies: &'a Remedies<'a>,
    /// How each finding stands to an old report, and the counts.
    pub changes: Option<(&'a [Change], Changes)>,
    /// How many findings a suppression hides.
    pub suppressed: usize,
    /// The fewest grants to remove.
    pub cuts: Option<&'a Cuts>,
    /// What the report says of itself.
    pub metadata: Metadata,
    /// The exit status.
    pub exit: Exit,
}

/// What was asked, as it was typed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// From whom.
    pub from: Option<&'a str>,
    /// To what.
    pub to: Option<&'a str>,
    /// What is taken to be gone.
    pub without: &'a [String],
    /// The version of the server that was taken.
    pub kube_version: Option<&'a str>,
}

/// The text of the findings.
///
/// # Errors
/// When it cannot be serialised, which is a fault of this program.
pub fn escalations(report: &EscalationsReport<'_>, format: Format, heads: bool) -> Result<String, String> {
    let graph = report.graph;
    match format {
        Format::Table => Ok(table::table(report, heads, false)),
        Format::Wide => Ok(table::table(report, heads, true)),
        Format::Tree => {
            let found = tree::trees(report.graph, report.remedies, &report.answer.findings);
            let parts = [found, tree::stopped(graph, &report.answer.blocked), table::cuts(report, heads)];
            Ok(parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n"))
        }
        Format::Name => Ok(table::start_names(graph, &report.answer.findings)),
        Format::Json | Format::Yaml | Format::Ndjson => {
            let mut items = document::items(graph, report.remedies, &report.answer.findings);
            if let Some((changes, _)) = report.changes {
                for (item, change) in items.iter_mut().zip(changes) {
                    item.change = Some(change.as_str());
                }
            }
            let question = EscalationsQuestion::new(report.asked);
            let mut document =
                Document::new("EscalationReport", graph.snapshot(), &report.metadata, question, items, &report.exit);
            let summary = &mut document.summary;
            summary.hidden_subjects = Some(report.answer.hidden);
            summary.inherited_subjects = Some(report.answer.inherited);
            summary.longer_paths = Some(report.answer.longer);
            summary.platform = report.answer.platform.iter().map(|one| PlatformOut::new(graph, one)).collect();
            summary.suppressed = Some(report.suppressed);
            summary.blocked_paths = Some(report.answer.stopped);
            summary.blocked = document::items(graph, report.remedies, &report.answer.blocked);
            summary.baseline = report.changes.map(|(_, counts)| BaselineOut::from(counts));
            summary.holders = Some(document::holders(graph, &report.answer.holders));
            summary.cuts = report.cuts.map(|cuts| CutsOut::new(graph, report.remedies, cuts));
            document.text(format).unwrap_or_else(|| Ok(String::new()))
        }
    }
}

/// Findings in a table or as trees, behind another answer.
pub(super) fn appendix(
    graph: &AccessGraph,
    remedies: &Remedies<'_>,
    findings: &[Finding],
    format: Format,
    heads: bool,
) -> Option<String> {
    match format {
        Format::Table | Format::Wide => Some(table::paths(graph, findings, None, heads, format == Format::Wide)),
        Format::Tree => Some(tree::trees(graph, remedies, findings)),
        Format::Name => Some(table::start_names(graph, findings)),
        Format::Json | Format::Yaml | Format::Ndjson => None,
    }
}
