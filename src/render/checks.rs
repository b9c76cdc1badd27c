//! `checks` in every format, and what `explain` says of one.

use serde::Serialize;

use super::answer::{Answer, Part};
use super::document::{Document, Exit, Metadata, OriginOut, gaps};
use super::format::Fits;
use super::issues::{Issue, Issues, Path, Place, Topic};
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
    const FITS: Fits = Fits { names: true, tree: false, findings: true };

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

    fn issues(&self) -> Option<Issues> {
        let Found { findings, unanswered, .. } = self.found;
        let title = |id: &str| crate::rules::check(id).map_or("", |check| check.title);
        let is_kept = |id: &&'static str| {
            findings.iter().all(|finding| finding.check != *id) && unanswered.iter().all(|(other, _)| other != id)
        };
        Some(Issues {
            command: "checks",
            all: findings.iter().filter_map(|finding| issue(self.graph, finding)).collect(),
            kept: self.asked.iter().filter(|id| is_kept(id)).map(|&id| (id, title(id))).collect(),
            unanswered: unanswered.iter().map(|&(id, lacks)| (id, title(id), lacks)).collect(),
            suppressed: Vec::new(),
            gaps: gaps(self.graph.snapshot(), &self.metadata),
            code: self.exit.code,
        })
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

fn issue(graph: &AccessGraph, finding: &CheckFinding) -> Option<Issue> {
    let &Check { id, title, why, remedy, references, .. } = crate::rules::check(finding.check)?;
    let place = |at: &CheckObject| {
        let (namespace, name) = (at.namespace.map(|namespace| graph.text(namespace)), graph.text(at.name));
        let words = [Some(at.kind.as_str()), namespace, Some(name)].into_iter().flatten().collect::<Vec<_>>().join("/");
        Place::new(graph, at.origin, words, &[&at.kind.to_lowercase(), namespace.unwrap_or_default(), name])
    };
    let mut places: Vec<Place> = finding.objects.iter().map(place).collect();
    // An object of a file can be shown, one that is only spoken of cannot.
    let first = places.iter().position(|place| matches!(place.path, Path::File(_))).unwrap_or(0);
    let nowhere = || Place::new(graph, None, id.to_owned(), &["checks", id]);
    let place = if places.is_empty() { nowhere() } else { places.remove(first) };
    let because = if finding.because.is_empty() { String::new() } else { format!(" ({})", finding.because.join("; ")) };
    Some(Issue {
        topic: Topic { id, title, why, remedy, references, attack: &[] },
        severity: finding.severity.as_str(),
        fingerprint: finding.fingerprint.clone(),
        message: format!("{}{because}", finding.what),
        advice: None,
        commands: finding.remedy.clone(),
        place,
        related: places,
        paths: Vec::new(),
    })
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
