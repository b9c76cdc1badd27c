//! What people keep beside a cluster: findings that they live with, and an old report. As it was written; what it means is not
//! decided here.

/// An entry of a suppressions file, its fields as they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SuppressionText {
    /// The line it begins on.
    pub line: u32,
    /// A fingerprint, or its first half.
    pub fingerprint: Option<String>,
    /// The id of a technique.
    pub technique: Option<String>,
    /// Who starts.
    pub subject: Option<String>,
    /// What is reached.
    pub target: Option<String>,
    /// Why it is hidden.
    pub reason: String,
    /// Who answers for that.
    pub owner: Option<String>,
    /// The last day on which it is hidden.
    pub expires: Option<String>,
}

/// A finding of an old report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OldFinding {
    /// The fingerprint.
    pub fingerprint: String,
    /// Who started.
    pub from: Vec<String>,
}

/// An old report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OldReport {
    /// From where it looked, if it did not look from everywhere.
    pub from: Option<String>,
    /// To where.
    pub to: Option<String>,
    /// How much of Azure at least.
    pub power: Option<String>,
    /// How Azure Service Operator was taken to work.
    pub assume: Option<String>,
    /// What was taken to be gone.
    pub without: Vec<String>,
    /// What was done with system subjects as those who start, if they were not hidden.
    pub system: Option<String>,
    /// The version of Kubernetes that was taken.
    pub kube_version: Option<String>,
    /// Its findings.
    pub findings: Vec<OldFinding>,
}
