//! What pods and volumes refer to: the fields that the Node authorizer looks at, as it looks at them (kubernetes
//! `plugin/pkg/auth/authorizer/node/graph.go`, `pkg/api/v1/pod/util.go`, `pkg/api/v1/persistentvolume/util.go`).

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::document::{Meta, Reader};
use super::powers::{ContainerSecurity, HostPath, PodSecurity, VolumeMount, of_volume, powers};
use super::shape::{Pairs, Text, list};
use crate::model::{Name, Origin, PersistentVolume, Pod, PodPowers, PodRefs, PodRefsId, Snapshot};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
pub(super) struct PodSpec<'a> {
    node_name: Option<Text<'a>>,
    pub(super) automount_service_account_token: Option<bool>,
    #[serde(rename = "hostPID")]
    pub(super) host_pid: Option<bool>,
    pub(super) host_network: Option<bool>,
    #[serde(rename = "hostIPC")]
    pub(super) host_ipc: Option<bool>,
    pub(super) host_users: Option<bool>,
    pub(super) share_process_namespace: Option<bool>,
    pub(super) security_context: Option<PodSecurity>,
    service_account_name: Option<Text<'a>>,
    /// The old name of the same field.
    service_account: Option<Text<'a>>,
    #[serde(deserialize_with = "list")]
    image_pull_secrets: Vec<Named<'a>>,
    #[serde(deserialize_with = "list")]
    init_containers: Vec<Container<'a>>,
    #[serde(deserialize_with = "list")]
    containers: Vec<Container<'a>>,
    #[serde(deserialize_with = "list")]
    ephemeral_containers: Vec<Container<'a>>,
    #[serde(deserialize_with = "list")]
    pub(super) volumes: Vec<PodVolume<'a>>,
    #[serde(deserialize_with = "list")]
    resource_claims: Vec<PodResourceClaim<'a>>,
}

/// A reference by name; that of a volume to a Secret may name a namespace too.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
pub(super) struct Named<'a> {
    pub(super) name: Option<Text<'a>>,
    namespace: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
pub(super) struct Container<'a> {
    pub(super) name: Option<Text<'a>>,
    restart_policy: Option<Text<'a>>,
    pub(super) image: Option<Text<'a>>,
    pub(super) command: Option<&'a RawValue>,
    pub(super) args: Option<&'a RawValue>,
    pub(super) security_context: Option<ContainerSecurity<'a>>,
    #[serde(deserialize_with = "list")]
    pub(super) volume_mounts: Vec<VolumeMount<'a>>,
    #[serde(deserialize_with = "list")]
    pub(super) env_from: Vec<EnvFrom<'a>>,
    #[serde(deserialize_with = "list")]
    pub(super) env: Vec<EnvVar<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
pub(super) struct EnvFrom<'a> {
    pub(super) secret_ref: Option<Named<'a>>,
    config_map_ref: Option<Named<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
pub(super) struct EnvVar<'a> {
    pub(super) name: Option<Text<'a>>,
    pub(super) value: Option<&'a RawValue>,
    pub(super) value_from: Option<ValueFrom<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
pub(super) struct ValueFrom<'a> {
    pub(super) secret_key_ref: Option<KeyOf<'a>>,
    config_map_key_ref: Option<Named<'a>>,
}

/// An entry of a Secret.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound = "'de: 'a")]
pub(super) struct KeyOf<'a> {
    pub(super) name: Option<Text<'a>>,
    pub(super) key: Option<Text<'a>>,
    pub(super) optional: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
pub(super) struct PodVolume<'a> {
    pub(super) name: Option<Text<'a>>,
    pub(super) host_path: Option<HostPath<'a>>,
    secret: Option<SecretName<'a>>,
    config_map: Option<Named<'a>>,
    projected: Option<Projected<'a>>,
    persistent_volume_claim: Option<ClaimName<'a>>,
    ephemeral: Option<IgnoredAny>,
    azure_file: Option<SecretName<'a>>,
    csi: Option<Csi<'a>>,
    cephfs: Option<Driver<'a>>,
    cinder: Option<Driver<'a>>,
    flex_volume: Option<Driver<'a>>,
    rbd: Option<Driver<'a>>,
    #[serde(rename = "scaleIO")]
    scale_io: Option<Driver<'a>>,
    iscsi: Option<Driver<'a>>,
    storageos: Option<Driver<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct SecretName<'a> {
    secret_name: Option<Text<'a>>,
    secret_namespace: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct ClaimName<'a> {
    claim_name: Option<Text<'a>>,
}

/// A driver that names its Secret as most do.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct Driver<'a> {
    secret_ref: Option<Named<'a>>,
}

/// The Secrets of a CSI volume that the kubelet needs.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct Csi<'a> {
    node_publish_secret_ref: Option<Named<'a>>,
    node_stage_secret_ref: Option<Named<'a>>,
    node_expand_secret_ref: Option<Named<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct Projected<'a> {
    #[serde(deserialize_with = "list")]
    sources: Vec<Projection<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct Projection<'a> {
    secret: Option<Named<'a>>,
    config_map: Option<Named<'a>>,
    service_account_token: Option<TokenProjection<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct TokenProjection<'a> {
    audience: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct PodResourceClaim<'a> {
    name: Option<Text<'a>>,
    resource_claim_name: Option<Text<'a>>,
    resource_claim_template_name: Option<IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
pub(super) struct PodStatus<'a> {
    phase: Option<Text<'a>>,
    #[serde(deserialize_with = "list")]
    resource_claim_statuses: Vec<ClaimStatus<'a>>,
    extended_resource_claim_status: Option<ClaimStatus<'a>>,
}

/// Which ResourceClaim was made for a pod.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct ClaimStatus<'a> {
    name: Option<Text<'a>>,
    resource_claim_name: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
pub(super) struct VolumeSpec<'a> {
    claim_ref: Option<Named<'a>>,
    host_path: Option<HostPath<'a>>,
    local: Option<HostPath<'a>>,
    azure_file: Option<SecretName<'a>>,
    csi: Option<Csi<'a>>,
    cephfs: Option<Driver<'a>>,
    cinder: Option<Driver<'a>>,
    flex_volume: Option<Driver<'a>>,
    rbd: Option<Driver<'a>>,
    #[serde(rename = "scaleIO")]
    scale_io: Option<Driver<'a>>,
    iscsi: Option<Driver<'a>>,
    storageos: Option<Driver<'a>>,
}

/// The kubelet puts this annotation on the pods by which it shows its static pods.
const MIRROR: &str = "kubernetes.io/config.mirror";

/// A text that is there and not empty: to the API server both are the same.
fn given<'t>(text: Option<&'t Text<'_>>) -> Option<&'t str> {
    text.map(|text| &**text).filter(|text| !text.is_empty())
}

/// What the API server calls itself when it is asked for by its address in the cluster; otherwise a token without an audience
/// is for it.
const API_SERVER: &str = "https://kubernetes.default.svc";

impl<'a> PodSpec<'a> {
    /// The containers that run side by side once the pod is up.
    pub(super) fn running(&self) -> impl Iterator<Item = &Container<'a>> {
        let sidecar = |container: &&Container<'_>| container.restart_policy.as_deref() == Some("Always");
        let beside = self.init_containers.iter().filter(sidecar);
        beside.chain(&self.containers).chain(&self.ephemeral_containers)
    }

    /// The account that it runs as.
    pub(super) fn account(&self) -> Option<&str> {
        given(self.service_account_name.as_ref()).or(given(self.service_account.as_ref()))
    }

    fn has_token(&self) -> bool {
        let projections = self.volumes.iter().filter_map(|volume| volume.projected.as_ref()).flat_map(|at| &at.sources);
        projections.filter_map(|source| source.service_account_token.as_ref()).any(|token| {
            let audience = token.audience.as_deref().unwrap_or_default();
            audience.is_empty() || audience.starts_with(API_SERVER)
        })
    }
}

impl Reader {
    /// Adds a pod.
    pub(super) fn pod(
        &mut self,
        name: &str,
        meta: &Meta<'_>,
        spec: Option<Box<PodSpec<'_>>>,
        status: Option<Box<PodStatus<'_>>>,
        at: Origin,
    ) {
        let (spec, status) = (spec.unwrap_or_default(), status.unwrap_or_default());
        let namespace = self.namespace(meta);
        let mirror = self.is_mirror(meta.annotations, at);
        let names = &mut self.snapshot.names;
        let pod_name = names.intern(name);
        let node = given(spec.node_name.as_ref()).map(|node| names.intern(node));
        let service_account = spec.account().map(|account| names.intern(account));
        let mut lists = Lists { snapshot: &mut self.snapshot, names: Default::default() };
        lists.pod(name, &spec, &status);
        let refs = lists.intern();
        let escalations = self.needs().escalations;
        let phase = status.phase.as_deref().unwrap_or_default();
        self.snapshot.pods.push(Pod {
            cluster: self.cluster(),
            namespace,
            name: pod_name,
            node,
            service_account,
            mirror,
            refs,
            powers: if escalations { powers(&spec) } else { PodPowers::NONE },
            automount: spec.automount_service_account_token.filter(|_| escalations),
            token: escalations && spec.has_token(),
            finished: escalations && matches!(phase, "Succeeded" | "Failed"),
            origin: at,
        });
    }

    /// The annotation alone makes a mirror pod, whatever its value.
    fn is_mirror(&mut self, annotations: Option<&RawValue>, at: Origin) -> bool {
        // Nearly no pod has it, so that only a text which may hold it is taken apart.
        let may = |raw: &&RawValue| raw.get().contains(MIRROR) || raw.get().contains('\\');
        let Some(raw) = annotations.filter(may) else { return false };
        match serde_json::from_str::<Option<Pairs<'_>>>(raw.get()) {
            Ok(pairs) => pairs.is_some_and(|pairs| pairs.0.iter().any(|(key, _)| &**key == MIRROR)),
            Err(error) => {
                self.problem(at, format!("in `metadata.annotations`: {error}"));
                false
            }
        }
    }

    /// Adds a volume.
    pub(super) fn volume(&mut self, name: &str, spec: Option<Box<VolumeSpec<'_>>>, at: Origin) {
        let (cluster, spec) = (self.cluster(), spec.unwrap_or_default());
        let names = &mut self.snapshot.names;
        let name = names.intern(name);
        // The Secrets count only once there is a claim.
        let mut secrets = Vec::new();
        let claim = spec.claim_ref.as_ref().map(|claim| {
            let namespace = claim.namespace.as_deref().unwrap_or_default();
            let mut add = |secret: Option<&str>, own: Option<&str>, fallback: &str| {
                if let Some(secret) = secret {
                    secrets.push((names.intern(own.unwrap_or(fallback)), names.intern(secret)));
                }
            };
            // A volume has one driver. Volumes stored long ago name no namespace for their Secret; it is then that of the claim.
            let old = [&spec.cephfs, &spec.flex_volume, &spec.rbd, &spec.scale_io, &spec.iscsi];
            let new = [&spec.cinder, &spec.storageos];
            let mut drivers = old.map(|driver| (driver, namespace)).into_iter().chain(new.map(|driver| (driver, "")));
            if let Some(file) = &spec.azure_file {
                add(given(file.secret_name.as_ref()), given(file.secret_namespace.as_ref()), namespace);
            } else if let Some((driver, fallback)) = drivers.find_map(|(driver, at)| driver.as_ref().zip(Some(at))) {
                if let Some(secret) = &driver.secret_ref {
                    add(given(secret.name.as_ref()), given(secret.namespace.as_ref()), fallback);
                }
            } else if let Some(csi) = &spec.csi {
                let secrets = [&csi.node_publish_secret_ref, &csi.node_stage_secret_ref, &csi.node_expand_secret_ref];
                for secret in secrets.into_iter().flatten() {
                    add(given(secret.name.as_ref()), given(secret.namespace.as_ref()), "");
                }
            }
            (names.intern(namespace), names.intern(claim.name.as_deref().unwrap_or_default()))
        });
        secrets.sort_unstable();
        secrets.dedup();
        let folder = spec.host_path.as_ref().or(spec.local.as_ref()).filter(|_| self.needs().escalations);
        let powers = folder.map_or(PodPowers::NONE, of_volume);
        let volume = PersistentVolume { cluster, name, claim, secrets: secrets.into(), powers, origin: at };
        self.snapshot.volumes.push(volume);
    }
}

/// Which of the lists of [`PodRefs`].
#[derive(Clone, Copy)]
enum List {
    Secrets,
    ConfigMaps,
    Claims,
    ResourceClaims,
    Audiences,
}

/// What a pod refers to, while it is read.
struct Lists<'s> {
    snapshot: &'s mut Snapshot,
    names: [Vec<Name>; 5],
}

impl Lists<'_> {
    fn push(&mut self, list: List, name: &str) {
        let name = self.snapshot.names.intern(name);
        self.names[list as usize].push(name);
    }

    fn add(&mut self, list: List, name: Option<&Text<'_>>) {
        if let Some(name) = given(name) {
            self.push(list, name);
        }
    }

    fn add_named(&mut self, list: List, named: Option<&Named<'_>>) {
        self.add(list, named.and_then(|named| named.name.as_ref()));
    }

    fn intern(mut self) -> PodRefsId {
        for list in &mut self.names {
            list.sort_unstable();
            list.dedup();
        }
        let [secrets, config_maps, claims, resource_claims, token_audiences] = &self.names;
        self.snapshot.pod_refs.intern(PodRefs { secrets, config_maps, claims, resource_claims, token_audiences })
    }

    fn pod(&mut self, pod: &str, spec: &PodSpec<'_>, status: &PodStatus<'_>) {
        for secret in &spec.image_pull_secrets {
            self.add_named(List::Secrets, Some(secret));
        }
        for container in spec.init_containers.iter().chain(&spec.containers).chain(&spec.ephemeral_containers) {
            for source in &container.env_from {
                self.add_named(List::Secrets, source.secret_ref.as_ref());
                self.add_named(List::ConfigMaps, source.config_map_ref.as_ref());
            }
            for source in container.env.iter().filter_map(|variable| variable.value_from.as_ref()) {
                self.add(List::Secrets, source.secret_key_ref.as_ref().and_then(|key| key.name.as_ref()));
                self.add_named(List::ConfigMaps, source.config_map_key_ref.as_ref());
            }
        }
        for volume in &spec.volumes {
            self.volume(pod, volume);
        }
        for claim in &spec.resource_claims {
            let made = || {
                status
                    .resource_claim_statuses
                    .iter()
                    .find(|made| given(made.name.as_ref()) == given(claim.name.as_ref()))
            };
            let name = match (&claim.resource_claim_name, &claim.resource_claim_template_name) {
                (Some(name), _) => Some(name),
                // The claim is made for the pod and its name is then put into the status.
                (None, Some(_)) => made().and_then(|made| made.resource_claim_name.as_ref()),
                (None, None) => None,
            };
            self.add(List::ResourceClaims, name);
        }
        let extended = status.extended_resource_claim_status.as_ref();
        self.add(List::ResourceClaims, extended.and_then(|made| made.resource_claim_name.as_ref()));
    }

    fn volume(&mut self, pod: &str, volume: &PodVolume<'_>) {
        for secret in [&volume.secret, &volume.azure_file] {
            self.add(List::Secrets, secret.as_ref().and_then(|secret| secret.secret_name.as_ref()));
        }
        let drivers = [
            &volume.cephfs,
            &volume.cinder,
            &volume.flex_volume,
            &volume.rbd,
            &volume.scale_io,
            &volume.iscsi,
            &volume.storageos,
        ];
        for driver in drivers {
            self.add_named(List::Secrets, driver.as_ref().and_then(|driver| driver.secret_ref.as_ref()));
        }
        self.add_named(List::Secrets, volume.csi.as_ref().and_then(|csi| csi.node_publish_secret_ref.as_ref()));
        self.add_named(List::ConfigMaps, volume.config_map.as_ref());
        for source in volume.projected.iter().flat_map(|projected| &projected.sources) {
            self.add_named(List::Secrets, source.secret.as_ref());
            self.add_named(List::ConfigMaps, source.config_map.as_ref());
            if let Some(token) = &source.service_account_token {
                self.push(List::Audiences, token.audience.as_deref().unwrap_or_default());
            }
        }
        if let Some(claim) = &volume.persistent_volume_claim {
            self.add(List::Claims, claim.claim_name.as_ref());
        } else if volume.ephemeral.is_some() {
            // The claim of an ephemeral volume has the names of both (component-helpers `storage/ephemeral`).
            let claim = [pod, "-", volume.name.as_deref().unwrap_or_default()].concat();
            self.push(List::Claims, &claim);
        }
    }
}

#[cfg(test)]
mod tests;
