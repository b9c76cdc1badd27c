//! What is new since an old report, what changed, and what is gone.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Finding, start_thing};
use crate::graph::AccessGraph;
use crate::model::OldReport;

/// How a finding stands to an old report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Somebody reaches this target from this grant who did not.
    New,
    /// The same by other steps.
    Changed,
    /// As it was.
    Same,
}

impl Change {
    /// The word in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Change::New => "new",
            Change::Changed => "changed",
            Change::Same => "same",
        }
    }
}

/// How many findings stand how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// New ones.
    pub new: usize,
    /// Changed ones.
    pub changed: usize,
    /// Those that are as they were.
    pub same: usize,
    /// Old ones whose grant leads to their target no more.
    pub gone: usize,
}

/// Says for each finding how it stands to an old report, and counts. What was found and is not listed is not gone.
pub fn compare<'f>(
    graph: &AccessGraph,
    findings: &'f [Finding],
    unlisted: impl Iterator<Item = &'f Finding>,
    old: &OldReport,
) -> (Vec<Change>, Changes) {
    let mut before: BTreeMap<&str, (BTreeSet<&str>, BTreeSet<&str>)> = BTreeMap::new();
    for finding in &old.findings {
        let (start, steps) = halves(&finding.fingerprint);
        let (by, from) = before.entry(start).or_default();
        by.insert(steps);
        from.extend(finding.from.iter().map(String::as_str));
    }
    let change = |finding: &Finding| {
        let (start, steps) = halves(&finding.fingerprint);
        let Some((by, from)) = before.get(start) else { return Change::New };
        let who = finding.from.iter().map(|&start| start_thing(graph, start).to_string());
        if who.into_iter().any(|one| !from.contains(one.as_str())) {
            Change::New
        } else if by.contains(steps) {
            Change::Same
        } else {
            Change::Changed
        }
    };
    let all: Vec<Change> = findings.iter().map(change).collect();
    let count = |wanted: Change| all.iter().filter(|change| **change == wanted).count();
    let now: BTreeSet<&str> = findings.iter().chain(unlisted).map(|finding| halves(&finding.fingerprint).0).collect();
    let gone = old.findings.iter().filter(|finding| !now.contains(halves(&finding.fingerprint).0)).count();
    let changes = Changes { new: count(Change::New), changed: count(Change::Changed), same: count(Change::Same), gone };
    (all, changes)
}

/// The digest of the starting grant with the target, and that of the steps.
fn halves(fingerprint: &str) -> (&str, &str) {
    fingerprint.split_once('-').unwrap_or((fingerprint, ""))
}
