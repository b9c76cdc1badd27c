//! `checks` in every format, and what `explain` says of one.

use serde::Serialize;

use super::document::{Document, Exit, Metadata, OriginOut};
use super::format::{Format, NO_TREE};
use super::table::Table;
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

/// The text of an answer.
///
/// # Errors
/// When it cannot be serialised, which is a fault of this program, or has no such form.
pub fn checks(report: &ChecksReport<'_>, format: Format, heads: bool) -> Result<String, String> {
    match format {
        Format::Table => Ok(table(report, heads, false)),
        Format::Wide => Ok(table(report, heads, true)),
        Format::Tree => Err(NO_TREE.to_owned()),
        Format::Name => {
            let mut ids: Vec<&str> = report.found.findings.iter().map(|at| at.check).collect();
            ids.sort_unstable();
            ids.dedup();
            Ok(ids.into_iter().map(|id| format!("{id}\n")).collect())
        }
        Format::Json | Format::Yaml | Format::Ndjson => {
            let items = report.found.findings.iter().map(|at| item(report.graph, at)).collect();
            let question = ChecksQuestion { checks: report.asked.to_vec() };
            let snapshot = report.graph.snapshot();
            let mut document = Document::new("CheckReport", snapshot, &report.metadata, question, items, &report.exit);
            let lacking = report.found.unanswered.iter();
            document.summary.unanswered = lacking.map(|&(check, lacks)| UnansweredOut { check, lacks }).collect();
            document.text(format).unwrap_or_else(|| Ok(String::new()))
        }
    }
}

/// Every check, a line each.
pub fn check_list(heads: bool) -> String {
    let mut table = Table::new(&["CHECK", "RECOMMENDS"], heads);
    for check in CHECKS {
        table.row([check.id, check.title]);
    }
    table.text()
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

fn table(report: &ChecksReport<'_>, heads: bool, wide: bool) -> String {
    let columns: &[&str] =
        if wide { &["SEVERITY", "CHECK", "WHAT", "BECAUSE", "REMEDY"] } else { &["SEVERITY", "CHECK", "WHAT"] };
    let mut table = Table::new(columns, heads);
    for finding in &report.found.findings {
        let mut cells = vec![finding.severity.as_str().to_owned(), finding.check.to_owned(), finding.what.clone()];
        if wide {
            cells.extend([finding.because.join("; "), finding.remedy.join("; ")]);
        }
        table.row(cells);
    }
    table.text()
}
