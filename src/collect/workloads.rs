//! The kinds that are read only when the question needs them, and of these nodes, storage and CustomResourceDefinitions. Pods and
//! volumes are in `pods.rs`, what escalations go through in `controllers.rs`, `admissions.rs` and `deputies.rs`.

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};

use super::admissions::{AdmissionSpec, ConversionIn, Webhook};
use super::controllers::ControllerSpec;
use super::deputies::DeputySpecIn;
use super::document::{Meta, Needs, Reader};
use super::pods::{PodSpec, PodStatus, VolumeSpec};
use super::shape::{Object, Text, list, object};
use crate::model::{
    AdmissionKind, ApiResource, ControllerKind, DeputyKind, Node, Origin, ResourceSlice, VolumeAttachment,
};

/// A kind that is read on demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Pod,
    Node,
    Volume,
    Attachment,
    Slice,
    Definition,
    Controller(ControllerKind),
    Admission(AdmissionKind),
    PolicyBinding(AdmissionKind),
    ApiService,
    Deputy(DeputyKind),
}

impl Kind {
    pub(super) fn of(group: &str, kind: &str) -> Option<Kind> {
        Some(match (group, kind) {
            ("", "Pod") => Kind::Pod,
            ("", "Node") => Kind::Node,
            ("", "PersistentVolume") => Kind::Volume,
            ("storage.k8s.io", "VolumeAttachment") => Kind::Attachment,
            ("resource.k8s.io", "ResourceSlice") => Kind::Slice,
            ("apiextensions.k8s.io", "CustomResourceDefinition") => Kind::Definition,
            ("apiregistration.k8s.io", "APIService") => Kind::ApiService,
            (AdmissionKind::GROUP, _) => return Kind::of_admission(kind),
            _ => {
                let controller = ControllerKind::of(group, kind).map(Kind::Controller);
                return controller.or_else(|| DeputyKind::of(group, kind).map(Kind::Deputy));
            }
        })
    }

    fn of_admission(kind: &str) -> Option<Kind> {
        let named = |name: &str| AdmissionKind::ALL.into_iter().find(|at| at.as_str() == name);
        let policy = || kind.strip_suffix("Binding").and_then(named).filter(|at| at.is_policy());
        named(kind).map(Kind::Admission).or_else(|| policy().map(Kind::PolicyBinding))
    }

    pub(super) fn needed(self, needs: Needs) -> bool {
        match self {
            Kind::Definition => needs.definitions || needs.escalations,
            Kind::Pod | Kind::Volume | Kind::Attachment | Kind::Slice => needs.workloads,
            Kind::Node => needs.workloads || needs.azure,
            // One of them may run ASO.
            Kind::Controller(ControllerKind::Deployment) => needs.escalations || needs.azure,
            Kind::Controller(_) | Kind::Admission(_) | Kind::PolicyBinding(_) | Kind::ApiService | Kind::Deputy(_) => {
                needs.escalations
            }
        }
    }

    pub(super) fn uses(self, field: &str) -> bool {
        match self {
            Kind::Pod => matches!(field, "spec" | "status"),
            Kind::Admission(kind) if !kind.is_policy() => field == "webhooks",
            _ => field == "spec",
        }
    }
}

/// What the fields of such an object held. Boxed, since most objects are of other kinds.
#[derive(Default)]
pub(super) struct Fields<'a> {
    definition: Option<Box<DefinitionSpec<'a>>>,
    pod: Option<Box<PodSpec<'a>>>,
    status: Option<Box<PodStatus<'a>>>,
    volume: Option<Box<VolumeSpec<'a>>>,
    on_node: Option<OnNode<'a>>,
    node: Option<NodeSpec<'a>>,
    controller: Option<Box<ControllerSpec<'a>>>,
    webhooks: Vec<Object<Webhook<'a>>>,
    admission: Option<Box<AdmissionSpec<'a>>>,
    deputy: Option<Box<DeputySpecIn<'a>>>,
}

impl Fields<'_> {
    /// The field as errors name it.
    pub(super) fn place(field: &str) -> &'static str {
        match field {
            "status" => "status",
            "webhooks" => "webhooks",
            _ => "spec",
        }
    }
}

impl<'de> Fields<'de> {
    pub(super) fn read<D: Deserializer<'de>>(&mut self, kind: Kind, field: &str, value: D) -> Result<(), D::Error> {
        match (kind, field) {
            (Kind::Definition, "spec") => self.definition = object(value)?,
            (Kind::Pod, "spec") => self.pod = object(value)?,
            (Kind::Pod, "status") => self.status = object(value)?,
            (Kind::Volume, "spec") => self.volume = object(value)?,
            (Kind::Attachment | Kind::Slice, "spec") => self.on_node = object(value)?,
            (Kind::Node, "spec") => self.node = object(value)?,
            (Kind::Controller(_), "spec") => self.controller = object(value)?,
            (Kind::Admission(_), "webhooks") => self.webhooks = list(value)?,
            (Kind::Admission(_) | Kind::PolicyBinding(_) | Kind::ApiService, "spec") => self.admission = object(value)?,
            (Kind::Deputy(_), "spec") => self.deputy = object(value)?,
            _ => {
                IgnoredAny::deserialize(value)?;
            }
        }
        Ok(())
    }
}

/// The part of a VolumeAttachment or a ResourceSlice that says which node it belongs to.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OnNode<'a> {
    #[serde(borrow, default)]
    node_name: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
struct NodeSpec<'a> {
    #[serde(borrow, default, rename = "providerID")]
    provider_id: Option<Text<'a>>,
}

/// The resource group in the provider id of an Azure machine, `azure:///subscriptions/S/resourceGroups/G/providers/...`
/// (<https://cloud-provider-azure.sigs.k8s.io>).
fn azure_group(provider_id: &str) -> Option<&str> {
    let id = provider_id.strip_prefix("azure://")?;
    let is = |part: Option<&str>, word: &str| part.is_some_and(|part| part.eq_ignore_ascii_case(word));
    let mut parts = id.split('/');
    let named = parts.next() == Some("") && is(parts.next(), "subscriptions") && parts.next().is_some();
    let group = (named && is(parts.next(), "resourceGroups")).then(|| parts.next()).flatten()?;
    let rest: usize = parts.map(|part| part.len() + 1).sum();
    (!group.is_empty()).then(|| &id[..id.len() - rest])
}

#[derive(Debug, Deserialize)]
struct DefinitionSpec<'a> {
    #[serde(borrow)]
    group: Text<'a>,
    #[serde(borrow)]
    scope: Text<'a>,
    #[serde(borrow)]
    names: Object<DefinitionNames<'a>>,
    #[serde(borrow, default, deserialize_with = "list")]
    versions: Vec<Object<DefinitionVersion<'a>>>,
    #[serde(borrow, default)]
    conversion: Option<Object<ConversionIn<'a>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DefinitionNames<'a> {
    #[serde(borrow)]
    plural: Text<'a>,
    #[serde(borrow, default)]
    singular: Option<Text<'a>>,
    #[serde(borrow)]
    kind: Text<'a>,
    #[serde(borrow, default, deserialize_with = "list")]
    short_names: Vec<Text<'a>>,
}

#[derive(Debug, Deserialize)]
struct DefinitionVersion<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(default)]
    served: bool,
    #[serde(borrow, default)]
    subresources: Option<Object<Subresources<'a>>>,
}

#[derive(Debug, Deserialize)]
struct Subresources<'a> {
    #[serde(borrow, default)]
    status: Option<&'a serde_json::value::RawValue>,
    #[serde(borrow, default)]
    scale: Option<&'a serde_json::value::RawValue>,
}

/// What the API server serves for every custom resource (apiextensions-apiserver `customresource_discovery_controller.go`).
const CUSTOM_VERBS: [&str; 8] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const CUSTOM_SUBRESOURCE_VERBS: [&str; 3] = ["get", "patch", "update"];

impl Reader {
    /// Adds an object of a kind that is read on demand.
    pub(super) fn workload(&mut self, kind: Kind, name: &str, meta: &Meta<'_>, fields: Fields<'_>, at: Origin) {
        match kind {
            Kind::Pod => self.pod(name, meta, fields.pod, fields.status, at),
            Kind::Volume => self.volume(name, fields.volume, at),
            Kind::Attachment | Kind::Slice => {
                // Those that belong to no node concern none.
                let node = fields.on_node.and_then(|spec| spec.node_name).filter(|node| !node.is_empty());
                let Some(node) = node else { return };
                let (cluster, names) = (self.cluster(), &mut self.snapshot.names);
                let (name, node) = (names.intern(name), names.intern(&node));
                if kind == Kind::Attachment {
                    self.snapshot.attachments.push(VolumeAttachment { cluster, name, node, origin: at });
                } else {
                    self.snapshot.slices.push(ResourceSlice { cluster, name, node, origin: at });
                }
            }
            Kind::Node => {
                let labels = self.labels(meta.labels, at);
                let cluster = self.cluster();
                let names = &mut self.snapshot.names;
                let provider = fields.node.and_then(|spec| spec.provider_id);
                let azure_group = provider.as_deref().and_then(azure_group).map(|group| names.intern(group));
                let node = Node { cluster, name: names.intern(name), labels, azure_group, origin: at };
                self.snapshot.nodes.push(node);
            }
            Kind::Definition => match fields.definition {
                Some(spec) => {
                    if self.needs().definitions {
                        self.definition(&spec);
                    }
                    if self.needs().escalations {
                        let own = (&*spec.group, &*spec.names.plural, &*spec.names.kind);
                        self.aso_definition(name, own, meta, at);
                        self.conversion(name, spec.conversion.as_deref(), at);
                    }
                }
                None => self.problem(at, format!("CustomResourceDefinition `{name}` has no `spec`")),
            },
            Kind::Controller(kind) => self.controller(kind, name, meta, fields.controller, at),
            Kind::Admission(kind) if kind.is_policy() => self.policy(kind, name, fields.admission.as_deref(), at),
            Kind::Admission(kind) => self.webhooks(kind, name, &fields.webhooks, at),
            Kind::PolicyBinding(kind) => self.policy_binding(kind, name, fields.admission.as_deref(), at),
            Kind::ApiService => self.api_service(name, fields.admission.as_deref(), at),
            Kind::Deputy(kind) => self.deputy(kind, name, meta, fields.deputy, at),
        }
    }

    fn definition(&mut self, spec: &DefinitionSpec<'_>) {
        let served: Vec<_> = spec.versions.iter().filter(|version| version.served).collect();
        let Some(version) = served.first() else { return };
        let resource = ApiResource {
            group: spec.group.to_string(),
            resource: spec.names.plural.to_string(),
            subresource: String::new(),
            version: version.name.to_string(),
            kind: spec.names.kind.to_string(),
            namespaced: &*spec.scope == "Namespaced",
            verbs: CUSTOM_VERBS.map(str::to_owned).into(),
            singular: spec
                .names
                .singular
                .as_ref()
                .map_or_else(|| spec.names.kind.to_lowercase(), |word| word.to_string()),
            short_names: spec.names.short_names.iter().map(|word| word.to_string()).collect(),
        };
        let has = |part: fn(&Subresources<'_>) -> bool| {
            served.iter().any(|version| version.subresources.as_ref().is_some_and(|at| part(at)))
        };
        for (subresource, there) in [("status", has(|at| at.status.is_some())), ("scale", has(|at| at.scale.is_some()))]
        {
            if there {
                self.snapshot.resources.push(ApiResource {
                    subresource: subresource.to_owned(),
                    verbs: CUSTOM_SUBRESOURCE_VERBS.map(str::to_owned).into(),
                    singular: String::new(),
                    short_names: Vec::new(),
                    ..resource.clone()
                });
            }
        }
        self.snapshot.resources.push(resource);
    }
}
