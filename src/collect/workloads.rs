//! Pods, nodes, storage and CustomResourceDefinitions: read only when the question needs them.

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};

use super::document::{Meta, Needs, Reader};
use super::shape::{Object, Text, list};
use crate::model::{ApiResource, Node, Origin};

/// A kind that is read on demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Node,
    Definition,
}

impl Kind {
    pub(super) fn of(group: &str, kind: &str) -> Option<Kind> {
        Some(match (group, kind) {
            ("", "Node") => Kind::Node,
            ("apiextensions.k8s.io", "CustomResourceDefinition") => Kind::Definition,
            _ => return None,
        })
    }

    pub(super) fn needed(self, needs: Needs) -> bool {
        match self {
            Kind::Definition => needs.definitions,
            Kind::Node => needs.workloads,
        }
    }

    /// The field that is read beside the metadata.
    pub(super) fn field(self) -> &'static str {
        match self {
            Kind::Definition => "spec",
            Kind::Node => "",
        }
    }

    pub(super) fn uses(self, field: &str) -> bool {
        field == self.field()
    }
}

/// What the fields of such an object held.
#[derive(Default)]
pub(super) struct Fields<'a> {
    definition: Option<Object<DefinitionSpec<'a>>>,
}

impl<'de> Fields<'de> {
    pub(super) fn read<D: Deserializer<'de>>(&mut self, kind: Kind, field: &str, value: D) -> Result<(), D::Error> {
        match (kind, field) {
            (Kind::Definition, "spec") => self.definition = Option::deserialize(value)?,
            _ => {
                IgnoredAny::deserialize(value)?;
            }
        }
        Ok(())
    }
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
