//! Reviews: the objects that came in, with `.status` filled.

use serde::Serialize;
use serde_json::{Value, json};

use super::document::{Document, Exit, Metadata};
use super::format::Format;
use super::table::Table;
use crate::model::{Action, Review, Snapshot};
use crate::query::Reviewed;

/// A review with its answer.
pub struct ReviewItem<'a> {
    /// What was asked.
    pub review: &'a Review,
    /// The answer.
    pub status: Reviewed,
}

/// What is rendered.
pub struct ReviewReport<'a> {
    /// What the answers are about.
    pub snapshot: &'a Snapshot,
    /// The reviews in input order.
    pub items: &'a [ReviewItem<'a>],
    /// What the report says of itself.
    pub metadata: Metadata,
    /// The exit status.
    pub exit: Exit,
}

/// There is no one question.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(super) struct ReviewQuestion {
    /// How many reviews were asked.
    reviews: usize,
}

/// The text of the answers.
///
/// # Errors
/// When a format does not fit reviews, or an object cannot be written.
pub fn reviews(report: &ReviewReport<'_>, format: Format, heads: bool) -> Result<String, String> {
    match format {
        Format::Table | Format::Wide => Ok(table(report, heads)),
        Format::Name => Err("reviews have no names to show; use -o table, json, yaml or ndjson".to_owned()),
        Format::Json | Format::Yaml | Format::Ndjson => {
            let items: Result<Vec<Value>, String> = report.items.iter().map(object).collect();
            let question = ReviewQuestion { reviews: report.items.len() };
            Document::new("ReviewReport", report.snapshot, &report.metadata, question, items?, &report.exit)
                .text(format)
                .unwrap_or_else(|| Ok(String::new()))
        }
    }
}

fn object(item: &ReviewItem<'_>) -> Result<Value, String> {
    let mut object: Value = serde_json::from_str(&item.review.object).map_err(|error| error.to_string())?;
    let mut status = json!({ "allowed": item.status.allowed });
    if !item.status.reason.is_empty() {
        status["reason"] = item.status.reason.clone().into();
    }
    object["status"] = status;
    Ok(object)
}

fn table(report: &ReviewReport<'_>, heads: bool) -> String {
    let mut table = Table::new(
        &["ALLOWED", "EXPECTED", "USER", "GROUPS", "VERB", "RESOURCE", "NAMESPACE", "NAME", "REASON"],
        heads,
    );
    for ReviewItem { review, status } in report.items {
        let word = |allowed: bool| if allowed { "yes" } else { "no" };
        let (resource, namespace, name) = match &review.action {
            Action::Resource(action) => {
                let group = if action.api_group.is_empty() { String::new() } else { format!(".{}", action.api_group) };
                (format!("{}{group}", action.full_resource()), action.namespace.clone(), action.name.clone())
            }
            Action::NonResource { path, .. } => (path.clone(), String::new(), String::new()),
        };
        let expected = match review.expected {
            Some(expected) if expected == status.allowed => word(expected).to_owned(),
            Some(expected) => format!("{} (DIFFERS)", word(expected)),
            None => String::new(),
        };
        table.row([
            word(status.allowed).to_owned(),
            expected,
            review.identity.user.clone(),
            review.identity.groups.join(","),
            review.action.verb().to_owned(),
            resource,
            namespace,
            name,
            status.reason.clone(),
        ]);
    }
    table.text()
}
