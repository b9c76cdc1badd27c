//! What every report has: version, kind, metadata, items, gaps and summary.

use serde::Serialize;

use super::aso::OperatorOut;
use super::checks::UnansweredOut;
use super::escalations::{BaselineOut, CutsOut, EscalationItem, HoldersOut, PlatformOut};
use super::evidence::ObjectOut;
use super::tame;
use crate::model::{Gap, Name, Origin, Snapshot, Source, Subject};

/// The API version of all documents.
pub(super) const API_VERSION: &str = "rbac-lens.dev/v1alpha1";

/// Where the facts come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// A live cluster.
    Cluster,
    /// Files.
    Files,
    /// The embedded example.
    Demo,
}

/// What a report says of itself besides its items.
#[derive(Clone, Debug)]
pub struct Metadata {
    /// Where the facts come from.
    pub source: SourceKind,
    /// What this answer depends on and the input says nothing of, beyond the gaps of the snapshot.
    pub gaps: Vec<Gap>,
    /// Azure has no say in the answer, so that it is whole whatever was not read of Azure.
    pub without_azure: bool,
}

impl Metadata {
    /// Nothing is missing beyond the gaps of the snapshot.
    pub fn new(source: SourceKind) -> Metadata {
        Metadata { source, gaps: Vec::new(), without_azure: false }
    }

    /// How many things were not read that the answer may depend on.
    pub fn missing(&self, snapshot: &Snapshot) -> usize {
        let counts = |gap: &&Gap| !(self.without_azure && gap.is_of_azure());
        snapshot.gaps.iter().chain(&self.gaps).filter(counts).count()
    }
}

/// The exit status and what led to it, computed before anything is rendered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exit {
    /// 0 clean, 1 found or no, 2 could not answer, 3 gaps under `--strict`.
    pub code: u8,
    /// Every reason, the deciding one first.
    pub reasons: Vec<String>,
}

/// A report, as JSON and YAML show it.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(super) struct Document<I, Q> {
    pub(super) api_version: &'static str,
    pub(super) kind: &'static str,
    pub(super) metadata: MetadataOut<Q>,
    pub(super) items: Vec<I>,
    pub(super) gaps: Vec<GapOut>,
    pub(super) summary: Summary,
}

#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Metadata"))]
#[serde(rename_all = "camelCase")]
pub(super) struct MetadataOut<Q> {
    /// The version of the program.
    pub(super) tool_version: &'static str,
    pub(super) source: SourceOut,
    /// What was asked, resolved.
    pub(super) question: Q,
}

#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Source"))]
#[serde(rename_all = "camelCase")]
pub(super) struct SourceOut {
    /// `cluster`, `files` or `demo`.
    #[cfg_attr(test, schemars(extend("enum" = ["cluster", "files", "demo"])))]
    pub(super) kind: &'static str,
    /// The context, or the name in a saved snapshot.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) cluster: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) server_version: Option<String>,
    /// The files that were read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) files: Vec<String>,
}

/// Something that belongs to the question and was not read.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Gap"))]
#[serde(rename_all = "camelCase")]
pub(super) struct GapOut {
    pub(super) api_group: String,
    pub(super) resource: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) namespace: Option<String>,
    /// `forbidden`, `notServed`, `failed`, `unreadable` or `notInInput`.
    #[cfg_attr(test, schemars(extend("enum" = ["forbidden", "notServed", "failed", "unreadable", "notInInput"])))]
    pub(super) reason: &'static str,
    pub(super) message: String,
}

#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(super) struct Summary {
    /// How many items there are.
    pub(super) items: usize,
    /// How many subjects `--system` left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hidden_subjects: Option<usize>,
    /// How many subjects have only the paths of a group they are in, and are not items of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) inherited_subjects: Option<usize>,
    /// How many findings have more steps than were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) longer_paths: Option<usize>,
    /// The platform's own add-ons, which hold power by design: counted, and no items unless system subjects are shown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) platform: Vec<PlatformOut>,
    /// How many findings a suppression hides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) suppressed: Option<usize>,
    /// How many paths something stops.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) blocked_paths: Option<usize>,
    /// The paths that something stops; under `--show-blocked`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) blocked: Vec<EscalationItem>,
    /// How the findings stand to an old report; under `--baseline`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) baseline: Option<BaselineOut>,
    /// The fewest grants to remove; under `--cuts`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cuts: Option<CutsOut>,
    /// Those who can only after escalating, each with the path; under `--via-escalation`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) via_escalation: Vec<EscalationItem>,
    /// Who holds a target without any step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) holders: Option<Vec<HoldersOut>>,
    /// Checks that could not say all, and what they lack.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) unanswered: Vec<UnansweredOut>,
    /// The operators of ASO.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) operators: Vec<OperatorOut>,
    /// How many resources of ASO have a credential that could not be found out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unknown_resources: Option<usize>,
    /// How many resources of ASO nobody reconciles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unreconciled_resources: Option<usize>,
    /// The bindings that name the subject and a role that does not exist, so that they grant nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dangling_bindings: Option<Vec<ObjectOut>>,
    /// Whether something was not read, so that the items are "at least these".
    pub(super) partial: bool,
    pub(super) exit: ExitOut,
}

#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Exit"))]
pub(super) struct ExitOut {
    pub(super) code: u8,
    pub(super) reasons: Vec<String>,
}

impl From<&Exit> for ExitOut {
    fn from(exit: &Exit) -> ExitOut {
        ExitOut { code: exit.code, reasons: exit.reasons.clone() }
    }
}

impl<I, Q> Document<I, Q> {
    pub(super) fn new(
        kind: &'static str,
        snapshot: &Snapshot,
        metadata: &Metadata,
        question: Q,
        items: Vec<I>,
        exit: &Exit,
    ) -> Self {
        let cluster = snapshot.clusters.first();
        let source = SourceOut {
            kind: match metadata.source {
                SourceKind::Cluster => "cluster",
                SourceKind::Files => "files",
                SourceKind::Demo => "demo",
            },
            cluster: cluster.map(|cluster| cluster.name.clone()).unwrap_or_default(),
            server_version: cluster.and_then(|cluster| cluster.server_version.clone()),
            files: snapshot.files.clone(),
        };
        let gaps = gaps(snapshot, metadata);
        let partial = metadata.missing(snapshot) > 0;
        let summary = Summary { items: items.len(), partial, exit: exit.into(), ..Summary::default() };
        let metadata = MetadataOut { tool_version: env!("CARGO_PKG_VERSION"), source, question };
        Document { api_version: API_VERSION, kind, metadata, items, gaps, summary }
    }
}

impl<I: Serialize, Q: Serialize> Document<I, Q> {
    /// One JSON document.
    pub(super) fn json(&self) -> Result<String, String> {
        let mut text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        text.push('\n');
        Ok(tame::json(text))
    }

    /// One YAML document.
    pub(super) fn yaml(&self) -> Result<String, String> {
        tame::yaml(self)
    }

    /// The items alone, each on a line of JSON.
    pub(super) fn lines(&self) -> Result<Vec<String>, String> {
        let line = |item| serde_json::to_string(item).map_err(|error| error.to_string());
        self.items.iter().map(line).collect()
    }
}

/// What was not read, for this answer or at all.
pub(super) fn gaps(snapshot: &Snapshot, metadata: &Metadata) -> Vec<GapOut> {
    let mut gaps: Vec<&Gap> = snapshot.gaps.iter().chain(&metadata.gaps).collect();
    gaps.sort();
    gaps.dedup();
    gaps.into_iter().map(GapOut::from).collect()
}

impl From<&Gap> for GapOut {
    fn from(gap: &Gap) -> GapOut {
        GapOut {
            api_group: gap.api_group.clone(),
            resource: gap.resource.clone(),
            namespace: gap.namespace.clone(),
            reason: gap.reason.as_str(),
            message: gap.message.clone(),
        }
    }
}

/// A subject as bindings write it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Subject"))]
pub(super) struct SubjectOut {
    /// `User`, `Group` or `ServiceAccount`.
    #[cfg_attr(test, schemars(extend("enum" = ["User", "Group", "ServiceAccount"])))]
    pub(super) kind: &'static str,
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) namespace: Option<String>,
}

impl SubjectOut {
    pub(super) fn new(snapshot: &Snapshot, subject: Subject) -> SubjectOut {
        let text = |name: Name| snapshot.text(name).to_owned();
        SubjectOut { kind: subject.kind(), name: text(subject.name()), namespace: subject.namespace().map(text) }
    }
}

/// Where an object was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Origin"))]
pub(super) struct OriginOut {
    /// The file, `live`, or `built-in` for a default of Kubernetes that the input leaves out.
    pub(super) file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) line: Option<u32>,
}

impl OriginOut {
    pub(super) fn new(snapshot: &Snapshot, origin: Origin) -> OriginOut {
        match snapshot.source(origin) {
            Source::File(file, line) => OriginOut { file: file.to_owned(), line },
            Source::Live => OriginOut { file: "live".to_owned(), line: None },
            Source::BuiltIn => OriginOut { file: "built-in".to_owned(), line: None },
        }
    }

    /// `file:line` for a column.
    pub(super) fn column(&self) -> String {
        match self.line {
            Some(line) => format!("{}:{line}", self.file),
            None => self.file.clone(),
        }
    }
}
