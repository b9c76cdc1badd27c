//! `escalations`: findings as a table, as trees, and as a document; and the paths behind `who-can --via-escalation`.

mod document;
mod issues;
mod table;
mod tree;
pub(super) mod words;

pub(super) use document::{BaselineOut, CutsOut, EscalationItem, EscalationsQuestion, HoldersOut, PlatformOut, items};
pub use table::classes;
pub(super) use table::{later as paths, start_names};

use super::answer::{Answer, Part};
use super::document::{Document, Exit, Metadata, gaps};
use super::format::Fits;
use super::issues::Issues;
use super::look::Look;
use super::table::Width;
use crate::graph::AccessGraph;
use crate::rules::{Change, Changes, Cuts, Escalations, Finding, Hidden, Remedies, Start, Target};

/// What is rendered: the findings and what was asked.
pub struct EscalationsReport<'a> {
    /// The graph that the answer is about.
    pub graph: &'a AccessGraph,
    /// What was asked, as it was typed.
    pub asked: Asked<'a>,
    /// The target in Kubernetes, if only one was asked for.
    pub to: Option<Target>,
    /// The answer; its findings are those that are shown.
    pub answer: &'a Escalations,
    /// Who can reach which target, by findings that are not shown as well.
    pub reached: &'a [(Target, Vec<Start>)],
    /// How findings go away.
    pub remedies: &'a Remedies<'a>,
    /// How each finding stands to an old report, and the counts.
    pub changes: Option<(&'a [Change], Changes)>,
    /// The findings that suppressions hide.
    pub suppressed: &'a [Hidden],
    /// Whether formats that can mark them as such list them.
    pub marks_suppressed: bool,
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
    /// How much of Azure at least.
    pub power: Option<&'static str>,
    /// How Azure Service Operator was taken to work.
    pub assume: Option<&'static str>,
    /// What is taken to be gone.
    pub without: &'a [String],
    /// What is done with system subjects as those who start, if they are not hidden.
    pub system: Option<&'static str>,
    /// The version of the server that was taken.
    pub kube_version: Option<&'a str>,
}

impl Answer for EscalationsReport<'_> {
    type Item = EscalationItem;
    type Question = EscalationsQuestion;
    const FITS: Fits = Fits { names: true, tree: true, findings: true };

    fn document(&self) -> Result<Document<EscalationItem, EscalationsQuestion>, String> {
        let graph = self.graph;
        let mut items = document::items(graph, self.remedies, &self.answer.findings);
        if let Some((changes, _)) = self.changes {
            for (item, change) in items.iter_mut().zip(changes) {
                item.change = Some(change.as_str());
            }
        }
        let question = EscalationsQuestion::new(self.asked);
        let mut document =
            Document::new("EscalationReport", graph.snapshot(), &self.metadata, question, items, &self.exit);
        let summary = &mut document.summary;
        summary.hidden_subjects = Some(self.answer.hidden);
        summary.inherited_subjects = Some(self.answer.inherited);
        summary.longer_paths = Some(self.answer.longer.len());
        summary.platform = self.answer.platform.iter().map(|one| PlatformOut::new(graph, one)).collect();
        summary.suppressed = Some(self.suppressed.len());
        summary.blocked_paths = Some(self.answer.stopped);
        summary.blocked = document::items(graph, self.remedies, &self.answer.blocked);
        summary.baseline = self.changes.map(|(_, counts)| BaselineOut::from(counts));
        summary.holders = Some(document::holders(graph, &self.answer.holders));
        summary.cuts = self.cuts.map(|cuts| CutsOut::new(graph, self.remedies, cuts));
        Ok(document)
    }

    fn columns(&self, width: Width) -> Vec<Part> {
        table::parts(self, width)
    }

    fn trees(&self, look: Look) -> Result<Vec<Part>, String> {
        let found = trees(self.graph, self.remedies, &self.answer.findings, look);
        let stopped = self.answer.blocked.iter().map(|finding| tree::stopped(self.graph, finding, look));
        Ok([Part::Trees(found), Part::Asides(stopped.collect())]
            .into_iter()
            .chain(table::cuts(self, Width::Narrow))
            .collect())
    }

    fn issues(&self) -> Option<Issues> {
        Some(Issues {
            command: "escalations",
            all: issues::issues(self),
            kept: Vec::new(),
            unanswered: Vec::new(),
            suppressed: issues::suppressed(self),
            marks_suppressed: self.marks_suppressed,
            gaps: gaps(self.graph.snapshot(), &self.metadata),
            code: self.exit.code,
        })
    }

    fn names(&self) -> Vec<(usize, String)> {
        table::start_names(self.graph, &self.answer.findings)
    }
}

/// A tree for each finding.
pub(super) fn trees(graph: &AccessGraph, remedies: &Remedies<'_>, findings: &[Finding], look: Look) -> Vec<String> {
    findings.iter().map(|finding| tree::tree(graph, remedies, finding, look)).collect()
}
