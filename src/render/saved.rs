//! A snapshot as text that every command reads again: NDJSON, one line about the cluster, then one object a line, each with what
//! is used of it and nothing else. `collect/saved.rs` reads the first line, the readers of manifests the others.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Map, Value, json};

mod aso;
mod objects;
mod powers;

use super::document::API_VERSION;
use crate::model::{
    Aggregation, AzureFacts, Binding, Labels, Name, Operator, PersistentVolume, Pod, Role, RoleKind, Rule, Secret,
    SecretPurpose, ServiceAccount, Snapshot, Subject,
};
use powers::{PowersOut, host_paths, volume_path};

const RBAC: &str = "rbac.authorization.k8s.io/v1";
const RBAC_GROUP: &str = "rbac.authorization.k8s.io";
const STORAGE: &str = "storage.k8s.io/v1";
const RESOURCE: &str = "resource.k8s.io/v1";

/// Writes a snapshot as text.
///
/// # Errors
/// What `sink` says.
pub fn saved(snapshot: &Snapshot, sink: &mut dyn Write) -> io::Result<()> {
    let mut lines = Lines { snapshot, sink };
    lines.write(&head(snapshot))?;
    for at in &snapshot.namespaces {
        let mut metadata = lines.meta(None, at.name, &at.labels);
        metadata.annotations.0.extend(at.reconcile_policy.map(|policy| (aso::POLICY, policy.as_str())));
        lines.plain("v1", "Namespace", metadata)?;
    }
    for at in &snapshot.service_accounts {
        lines.service_account(at)?;
    }
    for role in &snapshot.roles {
        lines.role(role)?;
    }
    for binding in &snapshot.bindings {
        lines.binding(binding)?;
    }
    for at in &snapshot.secrets {
        lines.secret(at)?;
    }
    for at in &snapshot.nodes {
        let metadata = lines.meta(None, at.name, &at.labels);
        match at.azure_group {
            None => lines.plain("v1", "Node", metadata)?,
            Some(group) => {
                let spec = NodeSpec { provider_id: format!("azure://{}", snapshot.text(group)) };
                lines.write(&WithSpec { api_version: "v1", kind: "Node", metadata, spec })?;
            }
        }
    }
    for pod in &snapshot.pods {
        lines.pod(pod)?;
    }
    for volume in &snapshot.volumes {
        lines.volume(volume)?;
    }
    for at in &snapshot.attachments {
        let spec = OnNode { node_name: snapshot.text(at.node) };
        let metadata = lines.meta(None, at.name, &[]);
        lines.write(&WithSpec { api_version: STORAGE, kind: "VolumeAttachment", metadata, spec })?;
    }
    for at in &snapshot.slices {
        let spec = OnNode { node_name: snapshot.text(at.node) };
        let metadata = lines.meta(None, at.name, &[]);
        lines.write(&WithSpec { api_version: RESOURCE, kind: "ResourceSlice", metadata, spec })?;
    }
    lines.escalations()?;
    lines.aso()
}

/// The same, compressed: what a file whose name ends in `.gz` holds. The same snapshot gives the same bytes.
///
/// # Errors
/// What `sink` says.
pub fn saved_gz(snapshot: &Snapshot, sink: &mut dyn Write) -> io::Result<()> {
    let mut packed = io::BufWriter::new(flate2::write::GzEncoder::new(sink, flate2::Compression::default()));
    saved(snapshot, &mut packed)?;
    packed.into_inner().map_err(io::IntoInnerError::into_error)?.finish().map(drop)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    api_version: &'static str,
    kind: &'static str,
    cluster: ClusterOut<'a>,
    discovered: bool,
    gaps: Vec<GapOut<'a>>,
    warnings: Vec<&'a str>,
    others: Vec<CountOut<'a>>,
    resources: Vec<ResourceOut<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    aso_secrets: Vec<Value>,
    /// What was read of Azure: names, ids and rights, of which none is secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    azure: Option<&'a AzureFacts>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ClusterOut<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_version: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    server: &'a str,
    stored: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GapOut<'a> {
    api_group: &'a str,
    resource: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    except: &'a [String],
    reason: &'static str,
    message: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CountOut<'a> {
    api_version: &'a str,
    kind: &'a str,
    count: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceOut<'a> {
    api_group: &'a str,
    resource: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    subresource: &'a str,
    version: &'a str,
    kind: &'a str,
    namespaced: bool,
    verbs: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    singular: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    short_names: &'a [String],
}

fn head(snapshot: &Snapshot) -> Head<'_> {
    let cluster = snapshot.clusters.first();
    Head {
        api_version: API_VERSION,
        kind: "Snapshot",
        cluster: ClusterOut {
            name: cluster.map_or("", |cluster| &cluster.name),
            server_version: cluster.and_then(|cluster| cluster.server_version.as_deref()),
            server: cluster.map_or("", |cluster| &cluster.server),
            stored: cluster.is_some_and(|cluster| cluster.stored),
        },
        discovered: snapshot.discovered,
        gaps: snapshot
            .gaps
            .iter()
            .map(|gap| GapOut {
                api_group: &gap.api_group,
                resource: &gap.resource,
                namespace: gap.namespace.as_deref(),
                except: &gap.except,
                reason: gap.reason.as_str(),
                message: &gap.message,
            })
            .collect(),
        warnings: snapshot.warnings.iter().map(|warning| warning.message.as_str()).collect(),
        others: others(snapshot),
        resources: snapshot
            .resources
            .iter()
            .map(|at| ResourceOut {
                api_group: &at.group,
                resource: &at.resource,
                subresource: &at.subresource,
                version: &at.version,
                kind: &at.kind,
                namespaced: at.namespaced,
                verbs: &at.verbs,
                singular: &at.singular,
                short_names: &at.short_names,
            })
            .collect(),
        aso_secrets: aso::asked_for(snapshot),
        azure: Some(&snapshot.azure).filter(|facts| facts.given),
    }
}

/// How many objects were met beyond those that get lines, which are counted again when the text is read.
fn others(snapshot: &Snapshot) -> Vec<CountOut<'_>> {
    let mut lines: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let mut count = |group, kind, objects: usize| {
        lines.insert((group, kind), objects as u64);
    };
    let roles = snapshot.roles.iter().filter(|role| role.namespace.is_some()).count();
    let bindings = snapshot.bindings.iter().filter(|binding| binding.namespace.is_some()).count();
    count(RBAC_GROUP, "Role", roles);
    count(RBAC_GROUP, "ClusterRole", snapshot.roles.len() - roles);
    count(RBAC_GROUP, "RoleBinding", bindings);
    count(RBAC_GROUP, "ClusterRoleBinding", snapshot.bindings.len() - bindings);
    count("", "Namespace", snapshot.namespaces.len());
    count("", "ServiceAccount", snapshot.service_accounts.len());
    count("", "Secret", snapshot.secrets.len());
    count("", "Node", snapshot.nodes.len());
    count("", "Pod", snapshot.pods.len());
    count("", "PersistentVolume", snapshot.volumes.len());
    count("storage.k8s.io", "VolumeAttachment", snapshot.attachments.len());
    count("resource.k8s.io", "ResourceSlice", snapshot.slices.len());
    objects::counts(snapshot, &mut count);
    aso::counts(snapshot, &mut count);
    let mut others = Vec::new();
    for ((api_version, kind), &met) in &snapshot.counts {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        let written = lines.get_mut(&(group, kind.as_str()));
        let left = written.map_or(met, |written| {
            let again = met.min(*written);
            *written -= again;
            met - again
        });
        if left > 0 {
            others.push(CountOut { api_version, kind, count: left });
        }
    }
    others
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Plain<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Meta<'a>,
}

#[derive(Serialize)]
struct Meta<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    #[serde(skip_serializing_if = "Pairs::is_empty")]
    labels: Pairs<'a>,
    #[serde(skip_serializing_if = "Pairs::is_empty")]
    annotations: Pairs<'a>,
}

/// A map in the order in which it was read.
struct Pairs<'a>(Vec<(&'a str, &'a str)>);

impl Pairs<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Pairs<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WithSpec<'a, S> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Meta<'a>,
    spec: S,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ServiceAccountOut<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Meta<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    automount_service_account_token: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    secrets: Vec<Named<'a>>,
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SecretOut<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Meta<'a>,
    #[serde(rename = "type")]
    secret_type: &'a str,
    /// The entries of a credential of ASO; of other Secrets none, where they were seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    string_data: Option<Pairs<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RoleOut<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Meta<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aggregation_rule: Option<AggregationOut<'a>>,
    rules: Vec<RuleOut<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RuleOut<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    verbs: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    api_groups: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resources: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resource_names: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty", rename = "nonResourceURLs")]
    non_resource_urls: Vec<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AggregationOut<'a> {
    cluster_role_selectors: Vec<SelectorOut<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SelectorOut<'a> {
    #[serde(skip_serializing_if = "Pairs::is_empty")]
    match_labels: Pairs<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    match_expressions: Vec<ExpressionOut<'a>>,
}

#[derive(Serialize)]
struct ExpressionOut<'a> {
    key: &'a str,
    operator: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    values: Vec<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BindingOut<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Meta<'a>,
    role_ref: RoleRefOut<'a>,
    subjects: Vec<SubjectOut<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RoleRefOut<'a> {
    api_group: &'static str,
    kind: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SubjectOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    api_group: Option<&'static str>,
    kind: &'static str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PodSpec<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    node_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_account_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    automount_service_account_token: Option<bool>,
    #[serde(flatten)]
    powers: PowersOut,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    volumes: Vec<VolumeOut<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resource_claims: Vec<ResourceClaimOut<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceClaimOut<'a> {
    name: &'a str,
    resource_claim_name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PodOut<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Meta<'a>,
    spec: PodSpec<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<PodStatus>,
}

#[derive(Serialize)]
struct PodStatus {
    phase: &'static str,
}

/// A pod's volume. Its own name is of no use but for one of the node, so the others have none.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum VolumeOut<'a> {
    #[serde(rename_all = "camelCase")]
    Secret {
        secret_name: &'a str,
    },
    ConfigMap {
        name: &'a str,
    },
    #[serde(rename_all = "camelCase")]
    PersistentVolumeClaim {
        claim_name: &'a str,
    },
    Projected {
        sources: Vec<SourceOut<'a>>,
    },
    #[serde(untagged, rename_all = "camelCase")]
    HostPath {
        name: &'static str,
        host_path: HostPathOut,
    },
}

#[derive(Serialize)]
struct HostPathOut {
    path: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum SourceOut<'a> {
    ServiceAccountToken {
        #[serde(skip_serializing_if = "str::is_empty")]
        audience: &'a str,
        path: &'static str,
    },
}

/// The Secrets of a CSI volume that the kubelet needs, in the fields that the API has for them.
const CSI_SECRETS: [&str; 3] = ["nodePublishSecretRef", "nodeStageSecretRef", "nodeExpandSecretRef"];

/// The annotation that says what a Secret is good for. Its type says it of the others.
const PURPOSE: &str = "rbac-lens.dev/purpose";

/// Drivers that name one Secret as `secretRef`.
const DRIVERS: [&str; 7] = ["cephfs", "flexVolume", "rbd", "scaleIO", "iscsi", "cinder", "storageos"];

#[derive(Serialize)]
struct NodeSpec {
    #[serde(rename = "providerID")]
    provider_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OnNode<'a> {
    node_name: &'a str,
}

/// The lines behind the first.
struct Lines<'a, 'w> {
    snapshot: &'a Snapshot,
    sink: &'w mut dyn Write,
}

impl<'a> Lines<'a, '_> {
    fn write(&mut self, line: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut *self.sink, line)?;
        self.sink.write_all(b"\n")
    }

    fn plain(&mut self, api_version: &'static str, kind: &'static str, metadata: Meta<'_>) -> io::Result<()> {
        self.write(&Plain { api_version, kind, metadata })
    }

    fn text(&self, name: Name) -> &'a str {
        self.snapshot.text(name)
    }

    fn texts(&self, names: &[Name]) -> Vec<&'a str> {
        names.iter().map(|&name| self.text(name)).collect()
    }

    fn map(&self, labels: &[(Name, Name)]) -> Pairs<'a> {
        Pairs(labels.iter().map(|&(key, value)| (self.text(key), self.text(value))).collect())
    }

    fn meta(&self, namespace: Option<Name>, name: Name, labels: &[(Name, Name)]) -> Meta<'a> {
        let namespace = namespace.map(|namespace| self.text(namespace));
        Meta { name: self.text(name), namespace, labels: self.map(labels), annotations: Pairs(Vec::new()) }
    }

    fn role(&mut self, role: &Role) -> io::Result<()> {
        let rules = self.snapshot.rules.set(role.rules).iter().map(|&rule| self.rule(self.snapshot.rules.rule(rule)));
        let line = RoleOut {
            api_version: RBAC,
            kind: if role.namespace.is_some() { "Role" } else { "ClusterRole" },
            metadata: self.meta(role.namespace, role.name, &role.labels),
            aggregation_rule: role.aggregation.as_deref().map(|aggregation| self.aggregation(aggregation)),
            rules: rules.collect(),
        };
        self.write(&line)
    }

    fn rule(&self, rule: Rule<'_>) -> RuleOut<'a> {
        RuleOut {
            verbs: self.texts(rule.verbs),
            api_groups: self.texts(rule.api_groups),
            resources: self.texts(rule.resources),
            resource_names: self.texts(rule.resource_names),
            non_resource_urls: self.texts(rule.non_resource_urls),
        }
    }

    fn aggregation(&self, aggregation: &Aggregation) -> AggregationOut<'a> {
        let selectors = aggregation.selectors.iter().map(|selector| SelectorOut {
            match_labels: self.map(&selector.match_labels),
            match_expressions: selector
                .match_expressions
                .iter()
                .map(|expression| ExpressionOut {
                    key: self.text(expression.key),
                    operator: match expression.operator {
                        Operator::In => "In",
                        Operator::NotIn => "NotIn",
                        Operator::Exists => "Exists",
                        Operator::DoesNotExist => "DoesNotExist",
                    },
                    values: self.texts(&expression.values),
                })
                .collect(),
        });
        AggregationOut { cluster_role_selectors: selectors.collect() }
    }

    fn binding(&mut self, binding: &Binding) -> io::Result<()> {
        let table = &self.snapshot.subjects;
        let subjects = table.set(binding.subjects).iter().map(|&id| {
            let subject = table.get(id);
            let account = matches!(subject, Subject::ServiceAccount { .. });
            SubjectOut {
                api_group: (!account).then_some(RBAC_GROUP),
                kind: subject.kind(),
                name: self.text(subject.name()),
                namespace: subject.namespace().map(|namespace| self.text(namespace)),
            }
        });
        let line = BindingOut {
            api_version: RBAC,
            kind: if binding.namespace.is_some() { "RoleBinding" } else { "ClusterRoleBinding" },
            metadata: Meta {
                labels: Pairs(binding.maker.label().into_iter().collect()),
                ..self.meta(binding.namespace, binding.name, &[])
            },
            role_ref: RoleRefOut {
                api_group: RBAC_GROUP,
                kind: match binding.role.kind {
                    RoleKind::ClusterRole => "ClusterRole",
                    RoleKind::Role => "Role",
                    RoleKind::Other(kind) => self.text(kind),
                },
                name: self.text(binding.role.name),
            },
            subjects: subjects.collect(),
        };
        self.write(&line)
    }

    fn pod(&mut self, pod: &Pod) -> io::Result<()> {
        let refs = self.snapshot.pod_refs.get(pod.refs);
        let texts = |names: &[Name]| self.texts(names).into_iter();
        let secrets = texts(refs.secrets).map(|secret_name| VolumeOut::Secret { secret_name });
        let maps = texts(refs.config_maps).map(|name| VolumeOut::ConfigMap { name });
        let claims = texts(refs.claims).map(|claim_name| VolumeOut::PersistentVolumeClaim { claim_name });
        let tokens = texts(refs.token_audiences)
            .map(|audience| SourceOut::ServiceAccountToken { audience, path: "token" })
            .map(|token| VolumeOut::Projected { sources: vec![token] });
        let of_node = host_paths(pod.powers)
            .map(|(power, path, _)| VolumeOut::HostPath { name: power.as_str(), host_path: HostPathOut { path } });
        let spec = PodSpec {
            node_name: pod.node.map(|node| self.text(node)),
            service_account_name: pod.service_account.map(|account| self.text(account)),
            automount_service_account_token: pod.automount,
            powers: PowersOut::new(pod.powers),
            volumes: secrets.chain(maps).chain(claims).chain(tokens).chain(of_node).collect(),
            resource_claims: texts(refs.resource_claims)
                .map(|name| ResourceClaimOut { name, resource_claim_name: name })
                .collect(),
        };
        let mut metadata = self.meta(Some(pod.namespace), pod.name, &[]);
        if pod.mirror {
            metadata.annotations = Pairs(vec![("kubernetes.io/config.mirror", "true")]);
        }
        let status = pod.finished.then_some(PodStatus { phase: "Succeeded" });
        self.write(&PodOut { api_version: "v1", kind: "Pod", metadata, spec, status })
    }

    fn service_account(&mut self, account: &ServiceAccount) -> io::Result<()> {
        let secrets = self.texts(self.snapshot.lists.get(account.secrets)).into_iter().map(|name| Named { name });
        let line = ServiceAccountOut {
            api_version: "v1",
            kind: "ServiceAccount",
            metadata: self.meta(Some(account.namespace), account.name, &[]),
            automount_service_account_token: account.automount,
            secrets: secrets.collect(),
        };
        self.write(&line)
    }

    fn secret(&mut self, secret: &Secret) -> io::Result<()> {
        let mut metadata = self.meta(Some(secret.namespace), secret.name, &[]);
        let annotation = match secret.purpose {
            SecretPurpose::Token(account) => {
                account.map(|account| ("kubernetes.io/service-account.name", self.text(account)))
            }
            SecretPurpose::Kubeconfig => Some((PURPOSE, "kubeconfig")),
            SecretPurpose::ArgoCluster => Some((PURPOSE, "argo-cluster")),
            SecretPurpose::Bootstrap | SecretPurpose::Other => None,
        };
        metadata.annotations.0.extend(annotation);
        metadata.annotations.0.extend(self.copied_to(secret));
        let secret_type = self.text(secret.kind);
        let string_data = self.entries(secret);
        self.write(&SecretOut { api_version: "v1", kind: "Secret", metadata, secret_type, string_data })
    }

    fn volume(&mut self, volume: &PersistentVolume) -> io::Result<()> {
        let reference =
            |(namespace, name): (Name, Name)| json!({"namespace": self.text(namespace), "name": self.text(name)});
        let mut spec = Map::new();
        if let Some(claim) = volume.claim {
            spec.insert("claimRef".to_owned(), reference(claim));
        }
        // A valid volume has one driver, and no driver more than these three. Whatever else was read finds a place too.
        let (few, more) = volume.secrets.split_at(volume.secrets.len().min(CSI_SECRETS.len()));
        if !few.is_empty() {
            let csi = CSI_SECRETS.iter().zip(few).map(|(field, &secret)| ((*field).to_owned(), reference(secret)));
            spec.insert("csi".to_owned(), Value::Object(csi.collect()));
        }
        for (driver, &secret) in DRIVERS.iter().zip(more) {
            spec.insert((*driver).to_owned(), json!({"secretRef": reference(secret)}));
        }
        if let Some(path) = volume_path(volume.powers) {
            spec.insert("hostPath".to_owned(), json!({"path": path}));
        }
        let metadata = self.meta(None, volume.name, &Labels::default());
        self.write(&WithSpec { api_version: "v1", kind: "PersistentVolume", metadata, spec })
    }
}

#[cfg(test)]
mod tests;
