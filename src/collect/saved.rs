//! The first line of a saved snapshot: the cluster it is of, what the server serves, and what could not be read. The objects
//! behind it are ordinary ones. `render/saved.rs` writes both.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::Deserializer;

use super::aso::entries::plain;
use super::document::Reader;
use super::shape::list;
use crate::model::{ApiResource, AsoSecret, AsoSecretContent, AzureFacts, Cluster, Gap, GapReason, Origin, Warning};

/// The API group of our own documents.
pub(super) const GROUP: &str = "rbac-lens.dev";

/// The version of a snapshot that this program reads.
const VERSION: &str = "rbac-lens.dev/v1alpha1";

/// What every saved snapshot begins with, whatever its version.
pub(super) const FIRST_BYTES: &str = r#"{"apiVersion":"rbac-lens.dev/"#;

/// What the fields of the line held.
#[derive(Default)]
pub(super) struct Fields {
    cluster: ClusterIn,
    discovered: bool,
    gaps: Vec<GapIn>,
    warnings: Vec<String>,
    others: Vec<CountIn>,
    resources: Vec<ResourceIn>,
    aso_secrets: Vec<AsoSecretIn>,
    azure: Option<AzureFacts>,
}

impl Fields {
    pub(super) fn uses(field: &str) -> bool {
        matches!(
            field,
            "cluster" | "discovered" | "gaps" | "warnings" | "others" | "resources" | "asoSecrets" | "azure"
        )
    }

    pub(super) fn read<'de, D: Deserializer<'de>>(&mut self, field: &str, value: D) -> Result<(), D::Error> {
        match field {
            "cluster" => self.cluster = Option::deserialize(value)?.unwrap_or_default(),
            "discovered" => self.discovered = Option::deserialize(value)?.unwrap_or_default(),
            "gaps" => self.gaps = list(value)?,
            "warnings" => self.warnings = list(value)?,
            "others" => self.others = list(value)?,
            "asoSecrets" => self.aso_secrets = list(value)?,
            "azure" => self.azure = Option::deserialize(value)?,
            _ => self.resources = list(value)?,
        }
        Ok(())
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ClusterIn {
    name: String,
    server_version: Option<String>,
    server: String,
    stored: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GapIn {
    api_group: String,
    resource: String,
    #[serde(default)]
    namespace: Option<String>,
    #[serde(default)]
    except: Vec<String>,
    reason: String,
    message: String,
}

/// A Secret that was asked for by name, with what was kept of its entries.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AsoSecretIn {
    namespace: String,
    name: String,
    state: String,
    #[serde(default)]
    entries: BTreeMap<String, String>,
    #[serde(default)]
    copied_to: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CountIn {
    api_version: String,
    kind: String,
    count: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceIn {
    api_group: String,
    resource: String,
    #[serde(default)]
    subresource: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    kind: String,
    namespaced: bool,
    #[serde(default)]
    verbs: Vec<String>,
    #[serde(default)]
    singular: String,
    #[serde(default)]
    short_names: Vec<String>,
}

impl Reader {
    /// Takes the first line of a saved snapshot.
    pub(super) fn saved(&mut self, api_version: &str, fields: Fields, at: Origin) {
        if api_version != VERSION {
            self.problem(
                at,
                format!(
                    "this snapshot is of `{api_version}`, and this program reads {VERSION}; use the one that wrote it"
                ),
            );
            return;
        }
        let Fields { cluster, discovered, gaps, warnings, others, resources, aso_secrets, azure } = fields;
        let ClusterIn { name, server_version, server, stored } = cluster;
        self.saved_clusters.push((at, Cluster { name, server_version, server, stored }));
        if let Some(mut facts) = azure {
            facts.read_at(at);
            self.saved_azure.push((at, facts));
        }
        for gap in gaps {
            let Some(reason) = GapReason::parse(&gap.reason) else {
                self.problem(at, format!("in `gaps`: `{}` is no reason for a gap", gap.reason));
                continue;
            };
            self.snapshot.gaps.push(Gap {
                api_group: gap.api_group,
                resource: gap.resource,
                namespace: gap.namespace,
                except: gap.except,
                reason,
                message: gap.message,
            });
        }
        for AsoSecretIn { namespace, name, state, entries, copied_to } in aso_secrets {
            let content = match state.as_str() {
                "absent" => AsoSecretContent::Absent,
                "read" => {
                    let names = &mut self.snapshot.names;
                    let kept = entries.iter().map(|(key, text)| (names.intern(key), plain(names, key, text)));
                    AsoSecretContent::Entries(kept.collect())
                }
                "unreadable" => AsoSecretContent::Unreadable,
                other => {
                    self.problem(at, format!("in `asoSecrets`: `{other}` is no state of a Secret"));
                    continue;
                }
            };
            let (cluster, names) = (self.cluster(), &mut self.snapshot.names);
            let (namespace, name) = (names.intern(&namespace), names.intern(&name));
            let copied_to = copied_to.map(|patterns| names.intern(&patterns));
            self.snapshot.aso_secrets.push(AsoSecret { cluster, namespace, name, content, copied_to, origin: at });
        }
        let snapshot = &mut self.snapshot;
        // Warnings are sorted by place and keep the order in which they were saved.
        snapshot
            .warnings
            .extend((0..).zip(warnings).map(|(item, message)| Warning { origin: Origin { item, ..at }, message }));
        for CountIn { api_version, kind, count } in others {
            *snapshot.counts.entry((api_version, kind)).or_default() += count;
        }
        snapshot.discovered |= discovered;
        snapshot.resources.extend(resources.into_iter().map(|from| ApiResource {
            group: from.api_group,
            resource: from.resource,
            subresource: from.subresource,
            version: from.version,
            kind: from.kind,
            namespaced: from.namespaced,
            verbs: from.verbs,
            singular: from.singular,
            short_names: from.short_names,
        }));
    }
}

/// What saved snapshots hold of Azure, each thing once. Of several snapshots the one read last counts.
pub(super) fn azure(mut found: Vec<(Origin, AzureFacts)>, warnings: &mut Vec<Warning>) -> AzureFacts {
    found.sort_by_key(|(at, _)| *at);
    let mut all = AzureFacts::default();
    for (_, facts) in found {
        all.extend(facts);
    }
    // Whatever a file says, what is looked up is sorted.
    super::azure::unite(&mut all, warnings);
    all
}

/// The one cluster of all saved snapshots, if there are any; another one is a problem of its file.
pub(super) fn one_cluster(
    mut found: Vec<(Origin, Cluster)>,
    files: &[String],
    problem: &mut dyn FnMut(Origin, String),
) -> Option<Cluster> {
    found.sort_by_key(|(at, _)| *at);
    let mut found = found.into_iter();
    let (first_at, first) = found.next()?;
    for (at, other) in found.filter(|(_, other)| other.name != first.name) {
        let file = files.get(first_at.file.0 as usize).map_or("another file", String::as_str);
        problem(
            at,
            format!(
                "this is a snapshot of cluster `{}`, and {file} is one of cluster `{}`; ask about one cluster at a time",
                other.name, first.name
            ),
        );
    }
    Some(first)
}
