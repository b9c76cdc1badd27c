//! SubjectAccessReview objects from files. What the API server refuses with 422 is a problem here, not a no
//! (kubernetes `pkg/apis/authorization/validation`).

use std::io::Read;

use serde::Deserialize;

use super::document::{NESTED_LISTS, Problem, lists_too_deep};
use super::files::{FileOptions, Input, LoadError, read_documents};
use super::selectors::SelectorIn;
use super::shape::{Pairs, Text, list};
use crate::model::{Action, Identity, Origin, ResourceAction, Review, ReviewKind};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReviewIn<'a> {
    #[serde(borrow, default)]
    api_version: Option<Text<'a>>,
    #[serde(borrow, default)]
    kind: Option<Text<'a>>,
    #[serde(borrow, default)]
    metadata: Option<MetadataIn<'a>>,
    #[serde(borrow, default)]
    spec: Option<SpecIn<'a>>,
    #[serde(default)]
    status: Option<StatusIn>,
    #[serde(borrow, default)]
    items: Option<Vec<&'a serde_json::value::RawValue>>,
}

/// Of a review, the server takes no metadata but the namespace.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MetadataIn<'a> {
    #[serde(borrow, default)]
    namespace: Option<Text<'a>>,
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    generate_name: Option<Text<'a>>,
    #[serde(borrow, default)]
    labels: Option<Pairs<'a>>,
    #[serde(borrow, default)]
    annotations: Option<Pairs<'a>>,
}

impl MetadataIn<'_> {
    /// The first field that must not be there.
    fn extra(&self) -> Option<&'static str> {
        let texts = [("name", &self.name), ("generateName", &self.generate_name)];
        let pairs = [("labels", &self.labels), ("annotations", &self.annotations)];
        let text = texts.into_iter().find(|(_, text)| text.as_ref().is_some_and(|text| !text.is_empty()));
        let list = pairs.into_iter().find(|(_, pairs)| pairs.as_ref().is_some_and(|pairs| !pairs.0.is_empty()));
        text.map(|(field, _)| field).or(list.map(|(field, _)| field))
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SpecIn<'a> {
    #[serde(borrow, default)]
    user: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "list")]
    groups: Vec<Text<'a>>,
    #[serde(borrow, default)]
    extra: Option<ExtraIn<'a>>,
    #[serde(borrow, default)]
    resource_attributes: Option<ResourceIn<'a>>,
    #[serde(borrow, default)]
    non_resource_attributes: Option<PathIn<'a>>,
}

/// Of what else is said of a user only what Azure looks at.
#[derive(Debug, Deserialize)]
struct ExtraIn<'a> {
    #[serde(borrow, default, deserialize_with = "list")]
    oid: Vec<Text<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceIn<'a> {
    #[serde(borrow, default)]
    verb: Option<Text<'a>>,
    #[serde(borrow, default)]
    group: Option<Text<'a>>,
    #[serde(borrow, default)]
    resource: Option<Text<'a>>,
    #[serde(borrow, default)]
    subresource: Option<Text<'a>>,
    #[serde(borrow, default)]
    namespace: Option<Text<'a>>,
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    field_selector: Option<SelectorIn<'a>>,
    #[serde(borrow, default)]
    label_selector: Option<SelectorIn<'a>>,
}

#[derive(Debug, Deserialize)]
struct PathIn<'a> {
    #[serde(borrow, default)]
    verb: Option<Text<'a>>,
    #[serde(borrow, default)]
    path: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
struct StatusIn {
    #[serde(default)]
    allowed: Option<bool>,
}

/// Reads reviews in the order of the inputs. Gives them with the names of the files.
///
/// # Errors
/// Every problem of every input: what cannot be read, and what the API server would refuse.
pub fn read_reviews(
    inputs: &[Input],
    stdin: &mut dyn Read,
    options: &FileOptions,
) -> Result<(Vec<Review>, Vec<String>), LoadError> {
    let mut reviews = Vec::new();
    let files = read_documents(inputs, stdin, options, &mut |text, at| review(text, at, NESTED_LISTS, &mut reviews))?;
    Ok((reviews, files))
}

/// Reads one review, or a list of them that may hold lists of its own, this many levels deep.
fn review(text: &str, at: Origin, deeper: u32, into: &mut Vec<Review>) -> Result<(), Problem> {
    let problem = |message: String| Problem { file: at.file, line: at.line, message };
    let read: ReviewIn<'_> = serde_json::from_str(text).map_err(|error| {
        let words = error.to_string();
        problem(format!("this is no review: {}", words.split(" at line ").next().unwrap_or_default()))
    })?;
    let kind = match (read.api_version.as_deref().unwrap_or_default(), read.kind.as_deref().unwrap_or_default()) {
        (_, "List") if deeper == 0 => return Err(problem(lists_too_deep())),
        (_, "List") => {
            let items = read.items.unwrap_or_default();
            return items.into_iter().try_for_each(|item| review(item.get(), at, deeper - 1, into));
        }
        ("authorization.k8s.io/v1" | "authorization.k8s.io/v1beta1", "SubjectAccessReview") => ReviewKind::Subject,
        ("authorization.k8s.io/v1" | "authorization.k8s.io/v1beta1", "LocalSubjectAccessReview") => ReviewKind::Local,
        ("authorization.k8s.io/v1" | "authorization.k8s.io/v1beta1", "SelfSubjectAccessReview") => {
            return Err(problem(
                "a SelfSubjectAccessReview does not say who asks; write a SubjectAccessReview".to_owned(),
            ));
        }
        (version, kind) => {
            return Err(problem(format!(
                "`{kind}` of `{version}` is no review; SubjectAccessReview and LocalSubjectAccessReview of \
                 authorization.k8s.io/v1 are"
            )));
        }
    };
    let metadata = read.metadata.unwrap_or_default();
    if let Some(field) = metadata.extra() {
        return Err(problem(format!("`metadata.{field}` cannot stand in a review")));
    }
    let namespace = metadata.namespace.unwrap_or_default();
    let spec = read.spec.ok_or_else(|| problem("this review has no `spec`".to_owned()))?;
    let owned = |text: Option<Text<'_>>| text.map(|text| text.0.into_owned()).unwrap_or_default();
    if let Some(resource) = &spec.resource_attributes {
        for (name, selector) in
            [("fieldSelector", &resource.field_selector), ("labelSelector", &resource.label_selector)]
        {
            let of_labels =
                || selector.as_ref().filter(|_| name == "labelSelector").and_then(SelectorIn::label_mistake);
            if let Some(mistake) = selector.as_ref().and_then(SelectorIn::mistake).or_else(of_labels) {
                return Err(problem(format!("in `spec.resourceAttributes.{name}`: {mistake}")));
            }
        }
    }
    let action = match (spec.resource_attributes, spec.non_resource_attributes) {
        (Some(_), Some(_)) => {
            return Err(problem(
                "`spec.resourceAttributes` and `spec.nonResourceAttributes` cannot stand together".to_owned(),
            ));
        }
        (None, None) => {
            return Err(problem(
                "exactly one of `spec.resourceAttributes` and `spec.nonResourceAttributes` must be there".to_owned(),
            ));
        }
        (Some(resource), None) => Action::Resource(ResourceAction {
            verb: owned(resource.verb),
            api_group: owned(resource.group),
            resource: owned(resource.resource),
            subresource: owned(resource.subresource),
            namespace: owned(resource.namespace),
            name: owned(resource.name),
            field_selector: resource.field_selector.as_ref().map(SelectorIn::required).unwrap_or_default(),
        }),
        (None, Some(path)) => {
            if kind == ReviewKind::Local {
                return Err(problem(
                    "`spec.nonResourceAttributes` cannot stand in a LocalSubjectAccessReview".to_owned(),
                ));
            }
            Action::NonResource { verb: owned(path.verb), path: owned(path.path) }
        }
    };
    if kind == ReviewKind::Local && (namespace.is_empty() || action.namespace() != &*namespace) {
        return Err(problem(format!(
            "`spec.resourceAttributes.namespace` is `{}` and must be `metadata.namespace`, which is `{}`",
            action.namespace(),
            &*namespace
        )));
    }
    let identity = Identity {
        user: owned(spec.user),
        groups: spec.groups.into_iter().map(|group| group.0.into_owned()).collect(),
    };
    if identity.user.is_empty() && identity.groups.is_empty() {
        return Err(problem("at least one of `spec.user` and `spec.groups` must be there".to_owned()));
    }
    let object_id = spec.extra.and_then(|extra| extra.oid.into_iter().next()).map(|id| id.0.into_owned());
    let expected = read.status.and_then(|status| status.allowed);
    into.push(Review { kind, identity, object_id, action, expected, object: text.into(), origin: at });
    Ok(())
}
