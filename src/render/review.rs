//! Reviews: the objects that came in, with `.status` filled.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::answer::{Answer, Part};
use super::document::{Document, Exit, Metadata};
use super::format::Fits;
use super::table::{Table, Width};
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
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Question"))]
#[serde(rename_all = "camelCase")]
pub(super) struct ReviewQuestion {
    /// How many reviews were asked.
    reviews: usize,
}

/// What becomes of a review: every field as it came in, and the answer.
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[schemars(rename = "Item", rename_all = "camelCase", extend("additionalProperties" = true))]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct ReviewOut {
    #[schemars(extend("enum" = ["authorization.k8s.io/v1", "authorization.k8s.io/v1beta1"]))]
    api_version: String,
    #[schemars(extend("enum" = ["SubjectAccessReview", "LocalSubjectAccessReview"]))]
    kind: String,
    /// The question, as the API server defines it.
    spec: serde_json::Map<String, Value>,
    status: StatusOut,
}

/// The answer in the server's words.
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[schemars(rename = "Status")]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct StatusOut {
    allowed: bool,
    /// What allows, or which roles are missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Answer for ReviewReport<'_> {
    type Item = Value;
    type Question = ReviewQuestion;
    const FITS: Fits = Fits { names: false, tree: false, findings: false };

    fn document(&self) -> Result<Document<Value, ReviewQuestion>, String> {
        let items: Result<Vec<Value>, String> = self.items.iter().map(object).collect();
        let question = ReviewQuestion { reviews: self.items.len() };
        Ok(Document::new("ReviewReport", self.snapshot, &self.metadata, question, items?, &self.exit))
    }

    fn columns(&self, _: Width) -> Vec<Part> {
        vec![Part::Table(table(self))]
    }

    /// This is the form for many reviews, so that what came in is passed on unread where it can be.
    fn lines(&self) -> Result<Vec<String>, String> {
        self.items.iter().map(|item| line(item).map_err(|error| error.to_string())).collect()
    }
}

fn object(item: &ReviewItem<'_>) -> Result<Value, String> {
    let mut object: Value = serde_json::from_str(&item.review.object).map_err(|error| error.to_string())?;
    object["status"] = status(item);
    Ok(object)
}

fn status(item: &ReviewItem<'_>) -> Value {
    let mut status = json!({ "allowed": item.status.allowed });
    if !item.status.reason.is_empty() {
        status["reason"] = item.status.reason.clone().into();
    }
    status
}

fn line(item: &ReviewItem<'_>) -> serde_json::Result<String> {
    if item.review.object.contains(|letter: char| letter.is_control()) {
        // Line ends and tabs between the tokens are not passed on.
        let mut fields: BTreeMap<String, Value> = serde_json::from_str(&item.review.object)?;
        fields.insert("status".to_owned(), status(item));
        return serde_json::to_string(&fields);
    }
    let mut fields: BTreeMap<String, &RawValue> = serde_json::from_str(&item.review.object)?;
    let status = to_raw_value(&status(item))?;
    fields.insert("status".to_owned(), &status);
    serde_json::to_string(&fields)
}

fn table(report: &ReviewReport<'_>) -> Table {
    let mut table =
        Table::new(&["ALLOWED", "EXPECTED", "USER", "GROUPS", "VERB", "RESOURCE", "NAMESPACE", "NAME", "REASON"]);
    for (at, ReviewItem { review, status }) in report.items.iter().enumerate() {
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
        let cells = [
            word(status.allowed).to_owned(),
            expected,
            review.identity.user.clone(),
            review.identity.groups.join(","),
            review.action.verb().to_owned(),
            resource,
            namespace,
            name,
            status.reason.clone(),
        ];
        table.row_of(at, cells);
    }
    table
}
