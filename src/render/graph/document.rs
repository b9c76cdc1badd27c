//! A picture as JSON.

use serde::Serialize;

use super::{GraphAsked, GraphReport};
use crate::render::document::{Document, GapOut, MetadataOut, Summary};
use crate::render::escalations::EscalationsQuestion;
use crate::render::tame;
use crate::rules::{EdgeKind, ItemKind, Severity};

/// What was asked.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(in crate::render) struct GraphQuestion {
    /// The fingerprint of the finding that is drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    finding: Option<String>,
    /// The thing in the middle, as `KIND:[NAMESPACE/]NAME`.
    #[serde(skip_serializing_if = "Option::is_none")]
    around: Option<String>,
    /// How many edges away from it things are drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    depth: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    /// How the finding was searched for.
    #[serde(flatten)]
    search: EscalationsQuestion,
}

impl From<GraphAsked<'_>> for GraphQuestion {
    fn from(asked: GraphAsked<'_>) -> GraphQuestion {
        GraphQuestion {
            finding: asked.finding.map(str::to_owned),
            around: asked.around.map(|(thing, _)| thing.to_owned()),
            depth: asked.around.map(|(_, depth)| depth),
            namespace: asked.namespace.map(str::to_owned),
            search: EscalationsQuestion::new(asked.search),
        }
    }
}

/// A picture. Its items are the nodes.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(in crate::render) struct GraphDocument {
    api_version: &'static str,
    kind: &'static str,
    metadata: MetadataOut<GraphQuestion>,
    /// The nodes.
    items: Vec<NodeOut>,
    edges: Vec<EdgeOut>,
    /// How nodes are grouped; `things` is how many there are when nothing is.
    grouping: GroupingOut,
    left_out: LeftOutOut,
    gaps: Vec<GapOut>,
    summary: Summary,
}

/// One thing, or several that are alike.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Node"))]
#[serde(rename_all = "camelCase")]
pub(in crate::render) struct NodeOut {
    /// What edges call it by.
    pub(super) id: String,
    #[cfg_attr(test, schemars(extend("enum" = [
        "user", "group", "serviceAccount", "node", "pod", "secret", "roleBinding", "clusterRoleBinding", "role", "clusterRole",
        "rules", "credential", "identity", "roleAssignment", "azureScope", "cluster", "all", "any", "gain", "target"
    ])))]
    #[serde(rename = "kind")]
    pub(super) kind_word: &'static str,
    #[serde(skip)]
    #[cfg_attr(test, schemars(skip))]
    pub(super) kind: ItemKind,
    /// What it is, in words.
    pub(super) title: String,
    /// Its name, and what more there is to say, a line each.
    pub(super) lines: Vec<String>,
    /// As `KIND:[NAMESPACE/]NAME`, where one thing has a name like that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thing: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) namespace: Option<String>,
    /// How many things stand here, where it is more than one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) members: Option<usize>,
    /// How severe the finding is that ends here.
    #[serde(skip_serializing_if = "Option::is_none", rename = "severity")]
    #[cfg_attr(test, schemars(extend("enum" = ["info", "low", "medium", "high", "critical"])))]
    pub(super) severity_word: Option<&'static str>,
    #[serde(skip)]
    #[cfg_attr(test, schemars(skip))]
    pub(super) severity: Option<Severity>,
}

/// What leads from one node to another.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Edge"))]
#[serde(rename_all = "camelCase")]
pub(in crate::render) struct EdgeOut {
    pub(super) from: String,
    pub(super) to: String,
    #[cfg_attr(test, schemars(extend("enum" = [
        "bound", "grants", "allows", "writes", "actsAs", "memberOf", "is", "assigned", "on", "contains", "runs", "mounts",
        "holds", "reads", "executes", "mints", "path"
    ])))]
    #[serde(rename = "kind")]
    pub(super) kind_word: &'static str,
    #[serde(skip)]
    #[cfg_attr(test, schemars(skip))]
    pub(super) kind: EdgeKind,
    /// What is to be said of it, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) label: Option<&'static str>,
    /// How many edges it stands for, where it is more than one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) count: Option<usize>,
    /// The technique that is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) technique: Option<&'static str>,
    /// The rights that are used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) rights: Vec<String>,
    /// How severe the finding is that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none", rename = "severity")]
    #[cfg_attr(test, schemars(extend("enum" = ["info", "low", "medium", "high", "critical"])))]
    pub(super) severity_word: Option<&'static str>,
    #[serde(skip)]
    #[cfg_attr(test, schemars(skip))]
    pub(super) severity: Option<Severity>,
}

/// How nodes are grouped.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Grouping"))]
struct GroupingOut {
    /// How, in words; none where nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    how: Option<&'static str>,
    things: usize,
}

/// What is not in the picture.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "LeftOut"))]
#[serde(rename_all = "camelCase")]
struct LeftOutOut {
    /// Subjects, by `--system`.
    subjects: usize,
    /// ClusterRoleBindings that name nobody of the namespace that was asked for.
    cluster_role_bindings: usize,
    /// Roles that no binding names.
    roles: usize,
    /// Role assignments of those in Azure whom nothing of the cluster leads to.
    role_assignments: usize,
}

impl GraphDocument {
    pub(super) fn new(report: &GraphReport<'_>, nodes: Vec<NodeOut>, edges: Vec<EdgeOut>) -> GraphDocument {
        let question = GraphQuestion::from(report.asked);
        let snapshot = report.graph.snapshot();
        let document = Document::new("GraphReport", snapshot, &report.metadata, question, nodes, &report.exit);
        let Document { api_version, kind, metadata, items, gaps, summary } = document;
        let picture = report.picture;
        let left = &picture.left_out;
        GraphDocument {
            api_version,
            kind,
            metadata,
            items,
            edges,
            grouping: GroupingOut { how: picture.grouping.words(), things: picture.things },
            left_out: LeftOutOut {
                subjects: left.subjects,
                cluster_role_bindings: left.bindings,
                roles: left.roles,
                role_assignments: left.assignments,
            },
            gaps,
            summary,
        }
    }

    pub(super) fn json(&self) -> Result<String, String> {
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        Ok(tame::json(text + "\n"))
    }
}
