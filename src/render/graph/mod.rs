//! `graph`: a picture as text for Graphviz, for Mermaid, as GraphML, and as a document.

mod document;
mod dot;
mod graphml;
mod mermaid;
mod words;

pub(super) use document::GraphDocument;

use std::str::FromStr;

use super::document::{Exit, Metadata};
use super::escalations::Asked;
use super::tame;
use crate::graph::AccessGraph;
use crate::rules::{ItemKind, Picture, Severity};

/// What is rendered.
pub struct GraphReport<'a> {
    /// The graph that the picture is of.
    pub graph: &'a AccessGraph,
    /// The picture.
    pub picture: &'a Picture,
    /// What was asked, as it was typed.
    pub asked: GraphAsked<'a>,
    /// What the report says of itself.
    pub metadata: Metadata,
    /// The exit status.
    pub exit: Exit,
}

/// What was asked, as it was typed.
#[derive(Clone, Copy, Debug, Default)]
pub struct GraphAsked<'a> {
    /// The fingerprint of the finding.
    pub finding: Option<&'a str>,
    /// The thing in the middle, and how far to look.
    pub around: Option<(&'a str, usize)>,
    /// The namespace.
    pub namespace: Option<&'a str>,
    /// How the finding was searched for.
    pub search: Asked<'a>,
}

/// A format for pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GraphFormat {
    /// Graphviz.
    #[default]
    Dot,
    /// Mermaid, which GitHub and GitLab draw in Markdown.
    Mermaid,
    /// GraphML, for Gephi, yEd and others.
    GraphMl,
    /// A document.
    Json,
    /// The same as YAML.
    Yaml,
}

const FORMATS: [(&str, GraphFormat); 5] = [
    ("dot", GraphFormat::Dot),
    ("mermaid", GraphFormat::Mermaid),
    ("graphml", GraphFormat::GraphMl),
    ("json", GraphFormat::Json),
    ("yaml", GraphFormat::Yaml),
];

/// A word that names no format for pictures.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown output format `{0}`, allowed formats are: dot, mermaid, graphml, json, yaml")]
pub struct GraphFormatError(String);

impl GraphFormat {
    /// The words that name them.
    pub fn words() -> impl Iterator<Item = &'static str> {
        FORMATS.iter().map(|(word, _)| *word)
    }
}

impl FromStr for GraphFormat {
    type Err = GraphFormatError;

    fn from_str(word: &str) -> Result<GraphFormat, GraphFormatError> {
        let found = FORMATS.iter().find(|(name, _)| *name == word);
        found.map(|&(_, format)| format).ok_or_else(|| GraphFormatError(word.to_owned()))
    }
}

/// The text of a picture.
///
/// # Errors
/// When it cannot be serialised, which is a fault of this program.
pub fn graph(report: &GraphReport<'_>, format: GraphFormat) -> Result<String, String> {
    let nodes = words::nodes(report.graph, report.picture);
    let edges = words::edges(report.graph, report.picture);
    match format {
        GraphFormat::Dot => Ok(dot::dot(&nodes, &edges)),
        GraphFormat::Mermaid => Ok(mermaid::mermaid(&nodes, &edges)),
        GraphFormat::GraphMl => Ok(graphml::graphml(&nodes, &edges)),
        GraphFormat::Json => GraphDocument::new(report, nodes, edges).json(),
        GraphFormat::Yaml => tame::yaml(&GraphDocument::new(report, nodes, edges)),
    }
}

/// The fill and the line of nodes of a kind: things of Kubernetes are warm where they give rights and blue where they are somebody,
/// those of Azure go from violet to teal.
fn colours(kind: ItemKind, severity: Option<Severity>) -> (&'static str, &'static str) {
    match kind {
        ItemKind::User | ItemKind::Group | ItemKind::ServiceAccount => ("#dbeafe", "#1d4ed8"),
        ItemKind::Node | ItemKind::Pod => ("#dcfce7", "#15803d"),
        ItemKind::Secret => ("#fee2e2", "#b91c1c"),
        ItemKind::RoleBinding | ItemKind::ClusterRoleBinding => ("#f3f4f6", "#6b7280"),
        ItemKind::Role | ItemKind::ClusterRole => ("#fef3c7", "#b45309"),
        ItemKind::Rules => ("#fffbeb", "#d6a54a"),
        ItemKind::Credential => ("#f3e8ff", "#7e22ce"),
        ItemKind::Identity => ("#e0e7ff", "#4338ca"),
        ItemKind::RoleAssignment => ("#f0f9ff", "#0284c7"),
        ItemKind::AzureScope | ItemKind::Cluster => ("#cffafe", "#0e7490"),
        ItemKind::All | ItemKind::Any => ("#ffffff", "#111827"),
        ItemKind::Gain => ("#ffffff", "#374151"),
        ItemKind::Target => (severity.map_or("#111827", colour_of), "#111827"),
    }
}

/// The colour of a severity.
fn colour_of(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "#b91c1c",
        Severity::High => "#c2410c",
        Severity::Medium => "#a16207",
        Severity::Low => "#1d4ed8",
        Severity::Info => "#4b5563",
    }
}
