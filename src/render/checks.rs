//! `checks` in every format, and what `explain` says of one.

use serde::Serialize;

use super::answer::{Answer, Part};
use super::document::{Document, Exit, Metadata, OriginOut};
use super::format::Fits;
use super::look::Look;
use super::table::{Table, Width};
use crate::graph::AccessGraph;
use crate::rules::{CHECKS, Check, CheckFinding, CheckObject, Found};

/// What is rendered.
pub struct ChecksReport<'a> {
    /// The graph that the answer is about.
    pub graph: &'a AccessGraph,
    /// What was found.
    pub found: &'a Found,
    /// The checks that were asked for.
    pub asked: &'a [&'static str],
    /// What the report says of itself.
    pub metadata: Metadata,
    /// The exit status.
    pub exit: Exit,
}

/// What was asked.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ChecksQuestion {
    /// The checks that ran.
    checks: Vec<&'static str>,
}

/// A recommended practice that is broken, somewhere.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Item"))]
#[serde(rename_all = "camelCase")]
pub(super) struct CheckItem {
    check: &'static str,
    title: &'static str,
    #[cfg_attr(test, schemars(extend("enum" = ["info", "low", "medium", "high", "critical"])))]
    severity: &'static str,
    what: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    because: Vec<String>,
    objects: Vec<CheckObjectOut>,
    /// Commands or YAML that put it right.
    remedy: Vec<String>,
    references: Vec<&'static str>,
    /// Stays the same while the check and its objects do.
    fingerprint: String,
}

/// An object that a finding is about.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "CheckObject"))]
struct CheckObjectOut {
    /// Its kind, with its group where that is not Kubernetes' own.
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<OriginOut>,
}

/// A check that could not say all, in the summary.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Unanswered"))]
pub(super) struct UnansweredOut {
    check: &'static str,
    /// What it lacks.
    lacks: &'static str,
}

impl Answer for ChecksReport<'_> {
    type Item = CheckItem;
    type Question = ChecksQuestion;
    const FITS: Fits = Fits { names: true, tree: false };

    fn document(&self) -> Result<Document<CheckItem, ChecksQuestion>, String> {
        let items = self.found.findings.iter().map(|at| item(self.graph, at)).collect();
        let question = ChecksQuestion { checks: self.asked.to_vec() };
        let snapshot = self.graph.snapshot();
        let mut document = Document::new("CheckReport", snapshot, &self.metadata, question, items, &self.exit);
        let lacking = self.found.unanswered.iter();
        document.summary.unanswered = lacking.map(|&(check, lacks)| UnansweredOut { check, lacks }).collect();
        Ok(document)
    }

    fn columns(&self, width: Width) -> Vec<Part> {
        vec![Part::Table(table(self, width))]
    }

    fn names(&self) -> Vec<(usize, String)> {
        let mut ids: Vec<(usize, String)> =
            self.found.findings.iter().enumerate().map(|(at, finding)| (at, finding.check.to_owned())).collect();
        ids.sort_by(|a, b| a.1.cmp(&b.1));
        ids
    }
}

/// Every check, a line each.
pub fn check_list(heads: bool) -> String {
    let mut table = Table::new(&["CHECK", "RECOMMENDS"]);
    for check in CHECKS {
        table.row([check.id, check.title]);
    }
    table.text(heads, Look::default())
}

/// Everything about a check.
pub fn explain_check(check: &Check) -> String {
    let Check { id, title, why, remedy, references, .. } = check;
    let references: String = references.iter().map(|at| format!("  {at}\n")).collect();
    format!("{id}: {title}\n\n{why}\n\nremedy: {remedy}\nreferences:\n{references}")
}

fn item(graph: &AccessGraph, finding: &CheckFinding) -> CheckItem {
    let check = crate::rules::check(finding.check);
    let object = |at: &CheckObject| CheckObjectOut {
        kind: at.kind.clone(),
        namespace: at.namespace.map(|namespace| graph.text(namespace).to_owned()),
        name: graph.text(at.name).to_owned(),
        source: at.origin.map(|origin| OriginOut::new(graph.snapshot(), origin)),
    };
    CheckItem {
        check: finding.check,
        title: check.map_or("", |check| check.title),
        severity: finding.severity.as_str(),
        what: finding.what.clone(),
        because: finding.because.clone(),
        objects: finding.objects.iter().map(object).collect(),
        remedy: finding.remedy.clone(),
        references: check.map_or_else(Vec::new, |check| check.references.to_vec()),
        fingerprint: finding.fingerprint.clone(),
    }
}

fn table(report: &ChecksReport<'_>, width: Width) -> Table {
    let columns: &[&str] = if width.is_wide() {
        &["SEVERITY", "CHECK", "WHAT", "BECAUSE", "REMEDY"]
    } else {
        &["SEVERITY", "CHECK", "WHAT"]
    };
    let mut table = Table::new(columns);
    for (at, finding) in report.found.findings.iter().enumerate() {
        let mut cells = vec![finding.severity.as_str().to_owned(), finding.check.to_owned(), finding.what.clone()];
        if width.is_wide() {
            cells.extend([finding.because.join("; "), finding.remedy.join("; ")]);
        }
        table.row_of(at, cells);
    }
    table
}
