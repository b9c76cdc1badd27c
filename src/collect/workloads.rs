//! Pods, nodes, storage and CustomResourceDefinitions: read only when the question needs them.
//! What pods and volumes refer to is `pods.rs`'s business.

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};

use super::document::{Meta, Needs, Reader};
use super::pods::{PodSpec, PodStatus, VolumeSpec};
use super::shape::{Object, Text, list, object};
use crate::model::{ApiResource, Node, Origin, ResourceSlice, VolumeAttachment};

/// A kind that is read on demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Pod,
    Node,
    Volume,
    Attachment,
    Slice,
    Definition,
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
            _ => return None,
        })
    }

    pub(super) fn needed(self, needs: Needs) -> bool {
        match self {
            Kind::Definition => needs.definitions,
            Kind::Pod | Kind::Node | Kind::Volume | Kind::Attachment | Kind::Slice => needs.workloads,
        }
    }

    pub(super) fn uses(self, field: &str) -> bool {
        match self {
            Kind::Pod => matches!(field, "spec" | "status"),
            Kind::Volume | Kind::Attachment | Kind::Slice | Kind::Definition => field == "spec",
            Kind::Node => false,
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
}

impl<'de> Fields<'de> {
    pub(super) fn read<D: Deserializer<'de>>(&mut self, kind: Kind, field: &str, value: D) -> Result<(), D::Error> {
        match (kind, field) {
            (Kind::Definition, "spec") => self.definition = object(value)?,
            (Kind::Pod, "spec") => self.pod = object(value)?,
            (Kind::Pod, "status") => self.status = object(value)?,
            (Kind::Volume, "spec") => self.volume = object(value)?,
            (Kind::Attachment | Kind::Slice, "spec") => self.on_node = object(value)?,
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
struct DefinitionSpec<'a> {
    #[serde(borrow)]
    group: Text<'a>,
    #[serde(borrow)]
    scope: Text<'a>,
    #[serde(borrow)]
    names: Object<DefinitionNames<'a>>,
    #[serde(borrow, default, deserialize_with = "list")]
    versions: Vec<Object<DefinitionVersion<'a>>>,
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
                let node = Node { cluster: self.cluster(), name: self.snapshot.names.intern(name), labels, origin: at };
                self.snapshot.nodes.push(node);
            }
            Kind::Definition => match fields.definition {
                Some(spec) => self.definition(&spec),
                None => self.problem(at, format!("CustomResourceDefinition `{name}` has no `spec`")),
            },
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
