//! A SubjectAccessReview: a question, and sometimes the answer that is expected.

use super::action::Action;
use super::identity::Identity;
use super::object::Origin;

/// Which kind of review it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReviewKind {
    /// SubjectAccessReview.
    Subject,
    /// LocalSubjectAccessReview.
    Local,
}

/// A review as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// Its kind.
    pub kind: ReviewKind,
    /// User and groups exactly as given.
    pub identity: Identity,
    /// The object id in Entra that `spec.extra.oid` gives.
    pub object_id: Option<String>,
    /// What is asked.
    pub action: Action,
    /// `status.allowed`, when the object came with one: the answer that is expected.
    pub expected: Option<bool>,
    /// The object as it was read, as JSON.
    pub object: Box<str>,
    /// Where it was read.
    pub origin: Origin,
}
