//! What answers refer to: subjects, bindings, roles and rules, as JSON and as columns.

use serde::Serialize;

use super::azure::{self, PrincipalOut};
use super::document::OriginOut;
use crate::graph::{AccessGraph, BindingIx, Relation};
use crate::model::{Action, Name, RoleKind, Rule, Subject, Thing};
use crate::query::{NodeGrant, entra_principal, is_default_role};

/// The question as it was resolved.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Question"))]
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
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Grant"))]
pub(super) struct GrantOut {
    pub(super) binding: ObjectOut,
    pub(super) role: RoleOut,
    pub(super) rule: RuleOut,
    /// Where the binding was read.
    pub(super) source: OriginOut,
}

/// An RBAC object.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Object"))]
pub(super) struct ObjectOut {
    #[cfg_attr(test, schemars(extend("enum" = ["RoleBinding", "ClusterRoleBinding"])))]
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) namespace: Option<String>,
    pub(super) name: String,
}

/// The role behind a binding.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Role"))]
#[serde(rename_all = "camelCase")]
pub(super) struct RoleOut {
    /// `Role` or `ClusterRole`; of a binding that grants nothing also what else stands in its `roleRef`.
    pub(super) kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) namespace: Option<String>,
    pub(super) name: String,
    /// Whether Kubernetes itself creates this role in every cluster, and nothing was added to it.
    pub(super) kubernetes_default: bool,
}

/// A rule, spelled as in a role.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Rule"))]
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
        kind: match binding.role.kind {
            RoleKind::Role => "Role".to_owned(),
            RoleKind::ClusterRole => "ClusterRole".to_owned(),
            RoleKind::Other(kind) => graph.text(kind).to_owned(),
        },
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
            let names: Vec<&str> = self.resource_names.iter().map(|name| shown(name)).collect();
            format!(" only {}", names.join(","))
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

/// Object names as a column shows them.
pub(super) fn name_list(graph: &AccessGraph, names: &[Name]) -> String {
    let texts: Vec<&str> = names.iter().map(|&name| shown(graph.text(name))).collect();
    texts.join(", ")
}

/// The empty name is a name: that of a request without one.
pub(super) fn shown(name: &str) -> &str {
    if name.is_empty() { "\"\"" } else { name }
}

/// An object that leads a node to another one.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ReferredOut {
    /// `Pod`, `PersistentVolume`, `VolumeAttachment` or `ResourceSlice`.
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    name: String,
}

/// Through what the Node authorizer allows.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct NodeGrantOut {
    /// What leads to the object, or that nothing has to.
    #[cfg_attr(test, schemars(extend("enum" = ["everyNode", "ownObject", "fieldSelector", "pod", "volume", "attachment", "slice"])))]
    pub(super) through: &'static str,
    /// The pod that runs on the node and refers to the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pod: Option<ReferredOut>,
    /// The PersistentVolume, VolumeAttachment or ResourceSlice that leads to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) object: Option<ReferredOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<OriginOut>,
}

impl NodeGrantOut {
    pub(super) fn new(graph: &AccessGraph, grant: NodeGrant) -> NodeGrantOut {
        let nodes = graph.nodes();
        let origin = |origin| Some(OriginOut::new(graph.snapshot(), origin));
        let wide = |kind, name| Some(ReferredOut { kind, namespace: None, name: graph.text(name).to_owned() });
        let pod_out = |pod| {
            let pod = nodes.pod(pod);
            let namespace = Some(graph.text(pod.namespace).to_owned());
            Some(ReferredOut { kind: "Pod", namespace, name: graph.text(pod.name).to_owned() })
        };
        let (through, pod, object, source) = match grant {
            NodeGrant::EveryNode => ("everyNode", None, None, None),
            NodeGrant::Own => ("ownObject", None, None, None),
            NodeGrant::Selected => ("fieldSelector", None, None, None),
            NodeGrant::Related(Relation::Pod(pod)) => ("pod", pod_out(pod), None, origin(nodes.pod(pod).origin)),
            NodeGrant::Related(Relation::Volume { volume, pod }) => {
                let volume = nodes.volume(volume);
                ("volume", pod_out(pod), wide("PersistentVolume", volume.name), origin(volume.origin))
            }
            NodeGrant::Related(Relation::Attachment(at)) => {
                let at = nodes.attachment(at);
                ("attachment", None, wide("VolumeAttachment", at.name), origin(at.origin))
            }
            NodeGrant::Related(Relation::Slice(at)) => {
                let at = nodes.slice(at);
                ("slice", None, wide("ResourceSlice", at.name), origin(at.origin))
            }
        };
        NodeGrantOut { through, pod, object, source }
    }

    /// `Pod dev/web`, or what else it is.
    pub(super) fn column(&self) -> String {
        let title = |object: &ReferredOut| match &object.namespace {
            Some(namespace) => format!("{} {namespace}/{}", object.kind, object.name),
            None => format!("{} {}", object.kind, object.name),
        };
        match self.object.as_ref().or(self.pod.as_ref()) {
            Some(object) => title(object),
            None if self.through == "ownObject" => "its own object".to_owned(),
            None if self.through == "fieldSelector" => "what runs on it".to_owned(),
            None => "every node".to_owned(),
        }
    }
}

/// `Group dev`, `ServiceAccount ns/name`, with the name that people know it by where Kubernetes has an object id of Entra.
pub(super) fn subject_column(graph: &AccessGraph, subject: Subject) -> String {
    let (kind, name) = (subject.kind(), graph.text(subject.name()));
    if let Some(namespace) = subject.namespace() {
        return format!("{kind} {}/{name}", graph.text(namespace));
    }
    let known = entra_principal(graph, subject).map(|ix| azure::name(&graph.azure(), ix));
    match known.filter(|known| !known.eq_ignore_ascii_case(name)) {
        Some(known) => format!("{kind} {name} ({known})"),
        None => format!("{kind} {name}"),
    }
}

/// Who a subject is in Entra.
pub(super) fn principal_out(graph: &AccessGraph, subject: Subject) -> Option<PrincipalOut> {
    entra_principal(graph, subject).map(|ix| azure::principal(&graph.azure(), ix))
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
