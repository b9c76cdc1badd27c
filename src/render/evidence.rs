//! What answers refer to: subjects, bindings, roles and rules, as JSON and as columns.

use serde::Serialize;

use super::document::OriginOut;
use crate::graph::{AccessGraph, BindingIx};
use crate::model::{Action, Name, RoleKind, Rule, Subject, Thing};
use crate::query::is_default_role;

/// The question as it was resolved.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(super) struct QuestionOut {
    pub(super) verb: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) api_group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resource: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subresource: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) namespace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// The path of a request that is not for a resource.
    #[serde(skip_serializing_if = "Option::is_none", rename = "nonResourceURL")]
    pub(super) non_resource_url: Option<String>,
}

impl From<&Action> for QuestionOut {
    fn from(action: &Action) -> QuestionOut {
        let some = |text: &String| (!text.is_empty()).then(|| text.clone());
        match action {
            Action::Resource(action) => QuestionOut {
                verb: action.verb.clone(),
                api_group: Some(action.api_group.clone()),
                resource: Some(action.resource.clone()),
                subresource: some(&action.subresource),
                namespace: some(&action.namespace),
                name: some(&action.name),
                non_resource_url: None,
            },
            Action::NonResource { verb, path } => QuestionOut {
                verb: verb.clone(),
                api_group: None,
                resource: None,
                subresource: None,
                namespace: None,
                name: None,
                non_resource_url: Some(path.clone()),
            },
        }
    }
}

/// A binding and one rule of its role that allows.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct GrantOut {
    pub(super) binding: ObjectOut,
    pub(super) role: RoleOut,
    pub(super) rule: RuleOut,
    /// Where the binding was read.
    pub(super) source: OriginOut,
}

/// An RBAC object.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ObjectOut {
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) namespace: Option<String>,
    pub(super) name: String,
}

/// The role behind a binding.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(super) struct RoleOut {
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) namespace: Option<String>,
    pub(super) name: String,
    /// Whether Kubernetes itself creates this role in every cluster.
    pub(super) kubernetes_default: bool,
}

/// A rule, spelled as in a role.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(super) struct RuleOut {
    pub(super) verbs: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) api_groups: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) resources: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) resource_names: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", rename = "nonResourceURLs")]
    pub(super) non_resource_urls: Vec<String>,
}

/// A binding with one rule of the role it grants.
pub(super) fn grant_out(graph: &AccessGraph, binding: BindingIx, rule: u32) -> GrantOut {
    let set = graph.role_of(binding).map(|role| graph.role(role).rules);
    GrantOut {
        binding: binding_out(graph, binding),
        role: role_out(graph, binding),
        rule: set.map(|set| rule_out(graph, graph.rule(set, rule))).unwrap_or_else(RuleOut::empty),
        source: OriginOut::new(graph.snapshot(), graph.binding(binding).origin),
    }
}

pub(super) fn binding_out(graph: &AccessGraph, at: BindingIx) -> ObjectOut {
    let binding = graph.binding(at);
    ObjectOut {
        kind: if binding.namespace.is_some() { "RoleBinding" } else { "ClusterRoleBinding" },
        namespace: binding.namespace.map(|namespace| graph.text(namespace).to_owned()),
        name: graph.text(binding.name).to_owned(),
    }
}

pub(super) fn role_out(graph: &AccessGraph, at: BindingIx) -> RoleOut {
    let binding = graph.binding(at);
    let is_role = binding.role.kind == RoleKind::Role;
    RoleOut {
        kind: if is_role { "Role" } else { "ClusterRole" },
        namespace: binding.namespace.filter(|_| is_role).map(|namespace| graph.text(namespace).to_owned()),
        name: graph.text(binding.role.name).to_owned(),
        kubernetes_default: graph.role_of(at).is_some_and(|role| is_default_role(graph, role)),
    }
}

impl RuleOut {
    pub(super) fn empty() -> RuleOut {
        RuleOut {
            verbs: Vec::new(),
            api_groups: Vec::new(),
            resources: Vec::new(),
            resource_names: Vec::new(),
            non_resource_urls: Vec::new(),
        }
    }

    /// `get,list secrets` as a column shows it.
    pub(super) fn column(&self) -> String {
        let verbs = self.verbs.join(",");
        if !self.non_resource_urls.is_empty() {
            return format!("{verbs} {}", self.non_resource_urls.join(","));
        }
        let groups: Vec<&str> =
            self.api_groups.iter().map(|group| if group.is_empty() { "core" } else { group }).collect();
        let only = if self.resource_names.is_empty() {
            String::new()
        } else {
            format!(" only {}", self.resource_names.join(","))
        };
        format!("{verbs} {} ({}){only}", self.resources.join(","), groups.join(","))
    }
}

pub(super) fn rule_out(graph: &AccessGraph, rule: Rule<'_>) -> RuleOut {
    let texts = |names: &[Name]| names.iter().map(|&name| graph.text(name).to_owned()).collect();
    RuleOut {
        verbs: texts(rule.verbs),
        api_groups: texts(rule.api_groups),
        resources: texts(rule.resources),
        resource_names: texts(rule.resource_names),
        non_resource_urls: texts(rule.non_resource_urls),
    }
}

/// `Group dev`, `ServiceAccount ns/name`.
pub(super) fn subject_column(graph: &AccessGraph, subject: Subject) -> String {
    match subject.namespace() {
        Some(namespace) => format!("{} {}/{}", subject.kind(), graph.text(namespace), graph.text(subject.name())),
        None => format!("{} {}", subject.kind(), graph.text(subject.name())),
    }
}

/// The subject in the grammar of things.
pub(super) fn thing(graph: &AccessGraph, subject: Subject) -> Thing {
    let name = graph.text(subject.name()).to_owned();
    match subject {
        Subject::Group(_) => Thing::Group(name),
        Subject::User(_) => Thing::User(name),
        Subject::ServiceAccount { namespace, .. } => Thing::ServiceAccount(graph.text(namespace).to_owned(), name),
    }
}
