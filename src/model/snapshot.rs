//! Everything that was read, in one value. How the parts of a parallel reading become one is here; reading is not.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};

use super::admission::{Admission, AdmissionHook, ApiService, Backend, Conversion, PolicyBinding};
use super::aso::{
    ASO_ACCOUNT, ASO_CREDENTIAL, ASO_SETTINGS, ASO_WORKLOAD_ACCOUNT, AsoDefinition, AsoDeployment, AsoEnv, AsoEvent,
    AsoExport, AsoOwner, AsoResource, AsoSecret, AsoSecretContent, AsoSpec, AsoText, AsoValueFrom, ClusterSpec,
    FederatedSpec, IdentityIds, RoleAssignmentSpec, RoleReference,
};
use super::azure::AzureFacts;
use super::controller::Controller;
use super::deputy::{ArgoProject, Deputy, DeputySpec, Destination, FluxApply, SourceRef};
use super::gap::Gap;
use super::identity::{
    AUTHENTICATED, AWS_AUTH, CLUSTER_ADMIN, MASTERS, NODE_PREFIX, NODES, SERVICE_ACCOUNTS, UNAUTHENTICATED,
};
use super::intern::{Name, Names};
use super::lists::{NameListId, NameLists};
use super::object::{
    Binding, ClusterId, Expression, FileId, Labels, Namespace, Origin, Role, RoleKind, RoleRef, Selector,
    ServiceAccount,
};
use super::resources::ApiResource;
use super::rule::{RuleSetId, RuleTable};
use super::subject::{Subject, SubjectSetId, SubjectTable};
use super::workload::{
    NODE_LEASES, Node, PersistentVolume, Pod, PodRefsId, PodRefsTable, ResourceSlice, Secret, SecretPurpose,
    VolumeAttachment,
};

/// A cluster that the snapshot speaks of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    /// The context's or the input's name.
    pub name: String,
    /// `gitVersion` of the server, when it was asked.
    pub server_version: Option<String>,
    /// The host of the API server's address, lower-cased; empty where it is not known.
    pub server: String,
    /// Whether the objects are stored ones (a live cluster, or a saved snapshot of one). Manifests are not: there the
    /// rules of aggregated ClusterRoles are still to be computed.
    pub stored: bool,
}

/// How many objects of a kind were met, whether or not they are used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectCount {
    /// `apiVersion`.
    pub api_version: String,
    /// `kind`.
    pub kind: String,
    /// How many.
    pub count: u64,
}

/// Something about the input that its owner should know; the answer stands nevertheless.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Warning {
    /// Where.
    pub origin: Origin,
    /// What, in one line.
    pub message: String,
}

/// The text of an origin: a file with its line, `live`, or `built-in`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source<'a> {
    /// A file and the line in it, if known.
    File(&'a str, Option<u32>),
    /// Read from the cluster itself.
    Live,
    /// A default that Kubernetes creates itself and that the input left out.
    BuiltIn,
}

/// What was read from one or more inputs.
#[derive(Default)]
pub struct Snapshot {
    /// Every string.
    // INVARIANT: in a united snapshot the order of names is the order of their texts, after `""` and `*`.
    pub names: Names,
    /// Every distinct rule and rule set.
    pub rules: RuleTable,
    /// Every distinct subject of a binding.
    // INVARIANT: in a united snapshot the order of their numbers is the order of the subjects.
    pub subjects: SubjectTable,
    /// The clusters, by `ClusterId`.
    pub clusters: Vec<Cluster>,
    /// The names of the files, by `FileId`.
    pub files: Vec<String>,
    /// Roles and ClusterRoles.
    // INVARIANT: in a united snapshot the objects of a kind are sorted by cluster, namespace (none first) and name, no two alike.
    pub roles: Vec<Role>,
    /// RoleBindings and ClusterRoleBindings.
    pub bindings: Vec<Binding>,
    /// ServiceAccounts.
    pub service_accounts: Vec<ServiceAccount>,
    /// Namespaces.
    pub namespaces: Vec<Namespace>,
    /// Pods.
    pub pods: Vec<Pod>,
    /// What pods refer to.
    pub pod_refs: PodRefsTable,
    /// Nodes.
    pub nodes: Vec<Node>,
    /// PersistentVolumes.
    pub volumes: Vec<PersistentVolume>,
    /// VolumeAttachments.
    pub attachments: Vec<VolumeAttachment>,
    /// ResourceSlices that belong to one node.
    pub slices: Vec<ResourceSlice>,
    /// Secrets, without their content.
    pub secrets: Vec<Secret>,
    /// Lists of names that objects have.
    pub lists: NameLists,
    /// Workloads that make pods.
    pub controllers: Vec<Controller>,
    /// Admission webhooks and policies.
    pub admissions: Vec<Admission>,
    /// The bindings of the policies.
    pub policy_bindings: Vec<PolicyBinding>,
    /// APIServices.
    pub api_services: Vec<ApiService>,
    /// CustomResourceDefinitions with a conversion webhook.
    pub conversions: Vec<Conversion>,
    /// Objects of GitOps controllers.
    pub deputies: Vec<Deputy>,
    /// Installed kinds of Azure Service Operator. This and what follows is read only for escalations.
    pub aso_definitions: Vec<AsoDefinition>,
    /// Its resources.
    pub aso_resources: Vec<AsoResource>,
    /// The Deployments that run it.
    pub aso_deployments: Vec<AsoDeployment>,
    /// The Secrets that are, or may be, its credentials.
    pub aso_secrets: Vec<AsoSecret>,
    /// What it says of the credentials it used.
    pub aso_events: Vec<AsoEvent>,
    /// What the API server serves, from discovery or from CRDs in the input; empty when neither was there.
    pub resources: Vec<ApiResource>,
    /// Whether `resources` is the whole discovery of the server.
    pub discovered: bool,
    /// How many objects of each `apiVersion` and `kind` were met.
    pub counts: BTreeMap<(String, String), u64>,
    /// The Azure side, added after the parts became one.
    pub azure: AzureFacts,
    /// What could not be read.
    pub gaps: Vec<Gap>,
    /// What the owner of the input should know.
    pub warnings: Vec<Warning>,
}

impl Snapshot {
    /// The text of a name.
    pub fn text(&self, name: Name) -> &str {
        self.names.text(name)
    }

    /// Where an object was read, in words.
    pub fn source(&self, origin: Origin) -> Source<'_> {
        match origin.file {
            FileId::LIVE => Source::Live,
            FileId::BUILT_IN => Source::BuiltIn,
            FileId(at) => Source::File(
                self.files.get(at as usize).map_or("", String::as_str),
                (origin.line > 0).then_some(origin.line),
            ),
        }
    }

    /// The counts as a list, sorted.
    pub fn object_counts(&self) -> Vec<ObjectCount> {
        let count = |((api_version, kind), &count): (&(String, String), &u64)| ObjectCount {
            api_version: api_version.clone(),
            kind: kind.clone(),
            count,
        };
        self.counts.iter().map(count).collect()
    }

    /// Makes one snapshot of the parts that parallel readers made. Names are put in the order of their texts, objects in
    /// the order of their names; of two objects with one name the one read last stays, with a warning.
    ///
    /// Clusters and files must be the same numbering in all parts; those of the first part that has them are taken.
    /// O(n log n) in objects and distinct strings.
    pub fn unite(parts: Vec<Snapshot>) -> Snapshot {
        let mut all = Snapshot::default();
        let more = well_known_names(&parts);
        let (mut tables, bodies): (Vec<Names>, Vec<Snapshot>) =
            parts.into_iter().map(|mut part| (std::mem::take(&mut part.names), part)).unzip();
        tables.push(more);
        let (names, moved) = Names::unite(&tables);
        drop(tables);
        all.names = names;
        all.subjects =
            SubjectTable::sorted(bodies.iter().zip(&moved).map(|(part, moved)| (&part.subjects, &moved[..])));
        for (part, moved) in bodies.into_iter().zip(&moved) {
            all.absorb(part, moved);
        }
        all.sort();
        all.own_tokens();
        all
    }

    /// Whether Secrets were listed, so that one which is not there does not exist. An input without any most likely left them out, and
    /// those of a cluster whose entries were seen were asked for by their names.
    pub fn lists_secrets(&self) -> bool {
        let stored = |at: ClusterId| self.clusters.get(usize::from(at.0)).is_some_and(|cluster| cluster.stored);
        self.secrets.iter().any(|secret| !(secret.entries_seen && stored(secret.cluster)))
    }

    /// The same of one namespace, unless its list is a gap.
    pub fn lists_secrets_of(&self, namespace: Name) -> bool {
        let text = self.text(namespace);
        let missing = |gap: &Gap| {
            gap.resource == "secrets"
                && gap.api_group.is_empty()
                && match &gap.namespace {
                    Some(namespace) => namespace == text,
                    None => !gap.except.iter().any(|name| name == text),
                }
        };
        self.lists_secrets() && !self.gaps.iter().any(missing)
    }

    /// Gives each token Secret that does not say whose it is to the account that names it.
    fn own_tokens(&mut self) {
        let lost = |secret: &Secret| secret.purpose == SecretPurpose::Token(None);
        if !self.secrets.iter().any(lost) {
            return;
        }
        let lists = &self.lists;
        let owned = self.service_accounts.iter().flat_map(|account| {
            let place = (account.cluster, account.namespace);
            lists.get(account.secrets).iter().map(move |&secret| ((place, secret), account.name))
        });
        let owners: FxHashMap<_, Name> = owned.collect();
        for secret in self.secrets.iter_mut().filter(|secret| lost(secret)) {
            let owner = owners.get(&((secret.cluster, secret.namespace), secret.name));
            secret.purpose = SecretPurpose::Token(owner.copied());
        }
    }

    fn absorb(&mut self, part: Snapshot, moved: &[Name]) {
        // What is absorbed is freed at once: large parts are the peak of memory.
        let sets = self.rules.absorb(part.rules, moved);
        let subjects = self.subjects.absorb(part.subjects, moved);
        let pod_refs = self.pod_refs.absorb(&part.pod_refs, moved);
        let lists = self.lists.absorb(&part.lists, moved);
        let to = Moved { names: moved, sets: &sets, subjects: &subjects, pod_refs: &pod_refs, lists: &lists };
        if self.clusters.is_empty() {
            self.clusters = part.clusters;
        }
        if self.files.is_empty() {
            self.files = part.files;
        }
        append(&mut self.roles, part.roles, |role| to.role(role));
        append(&mut self.bindings, part.bindings, |binding| to.binding(binding));
        append(&mut self.service_accounts, part.service_accounts, |account| ServiceAccount {
            namespace: to.name(account.namespace),
            name: to.name(account.name),
            secrets: to.lists[account.secrets.index()],
            ..account
        });
        append(&mut self.namespaces, part.namespaces, |namespace| Namespace {
            name: to.name(namespace.name),
            labels: to.labels(&namespace.labels),
            ..namespace
        });
        append(&mut self.pods, part.pods, |pod| to.pod(pod));
        append(&mut self.nodes, part.nodes, |node| Node {
            name: to.name(node.name),
            labels: to.labels(&node.labels),
            azure_group: node.azure_group.map(|group| to.name(group)),
            ..node
        });
        append(&mut self.volumes, part.volumes, |mut volume| {
            for secret in &mut volume.secrets {
                *secret = to.pair(*secret);
            }
            volume.secrets.sort_unstable();
            let claim = volume.claim.map(|claim| to.pair(claim));
            PersistentVolume { name: to.name(volume.name), claim, ..volume }
        });
        append(&mut self.attachments, part.attachments, |attachment| VolumeAttachment {
            name: to.name(attachment.name),
            node: to.name(attachment.node),
            ..attachment
        });
        append(&mut self.slices, part.slices, |slice| ResourceSlice {
            name: to.name(slice.name),
            node: to.name(slice.node),
            ..slice
        });
        append(&mut self.secrets, part.secrets, |secret| Secret {
            namespace: to.name(secret.namespace),
            name: to.name(secret.name),
            kind: to.name(secret.kind),
            purpose: match secret.purpose {
                SecretPurpose::Token(account) => SecretPurpose::Token(account.map(|account| to.name(account))),
                other => other,
            },
            ..secret
        });
        append(&mut self.controllers, part.controllers, |controller| to.controller(controller));
        append(&mut self.admissions, part.admissions, |admission| to.admission(admission));
        append(&mut self.policy_bindings, part.policy_bindings, |binding| PolicyBinding {
            name: to.name(binding.name),
            policy: to.name(binding.policy),
            ..binding
        });
        append(&mut self.api_services, part.api_services, |service| ApiService {
            name: to.name(service.name),
            service: service.service.map(|service| to.pair(service)),
            ..service
        });
        append(&mut self.conversions, part.conversions, |conversion| Conversion {
            name: to.name(conversion.name),
            backend: to.backend(conversion.backend),
            ..conversion
        });
        append(&mut self.deputies, part.deputies, |deputy| to.deputy(deputy));
        append(&mut self.aso_definitions, part.aso_definitions, |at| AsoDefinition {
            name: to.name(at.name),
            group: to.name(at.group),
            plural: to.name(at.plural),
            kind: to.name(at.kind),
            version: to.optional(at.version),
            ..at
        });
        append(&mut self.aso_resources, part.aso_resources, |resource| to.aso_resource(resource));
        append(&mut self.aso_deployments, part.aso_deployments, |deployment| to.aso_deployment(deployment));
        append(&mut self.aso_secrets, part.aso_secrets, |secret| to.aso_secret(secret));
        append(&mut self.aso_events, part.aso_events, |event| AsoEvent {
            group: to.name(event.group),
            kind: to.name(event.kind),
            namespace: to.name(event.namespace),
            name: to.name(event.name),
            secret: to.pair(event.secret),
            seen: to.name(event.seen),
            ..event
        });
        self.resources.extend(part.resources);
        self.discovered |= part.discovered;
        for (key, count) in part.counts {
            *self.counts.entry(key).or_default() += count;
        }
        self.gaps.extend(part.gaps);
        self.warnings.extend(part.warnings);
    }

    fn sort(&mut self) {
        // Where the first and the last of several with one name stand, how many they are, and what.
        let mut repeats: Vec<(Origin, Origin, u64, String)> = Vec::new();
        let names = &self.names;
        macro_rules! keep_last {
            ($list:ident, $what:expr, $key:expr) => {
                let key = $key;
                self.$list.sort_unstable_by_key(|object| (key(object), object.origin));
                let mut again = false;
                // `dedup_by` hands over the later one first and drops it, so the two change places.
                self.$list.dedup_by(|later, earlier| {
                    let same = key(later) == key(earlier);
                    match repeats.last_mut().filter(|_| same && again) {
                        Some((_, last, times, _)) => (*last, *times) = (later.origin, *times + 1),
                        None if same => repeats.push((earlier.origin, later.origin, 2, $what(earlier, names))),
                        None => {}
                    }
                    if same {
                        std::mem::swap(later, earlier);
                    }
                    again = same;
                    same
                });
                self.$list.shrink_to_fit();
            };
        }
        keep_last!(roles, |role: &Role, names| title(names, "Role", role.namespace, role.name), |role: &Role| (
            role.cluster,
            role.namespace,
            role.name
        ));
        keep_last!(
            bindings,
            |binding: &Binding, names| title(names, "RoleBinding", binding.namespace, binding.name),
            |binding: &Binding| (binding.cluster, binding.namespace, binding.name)
        );
        keep_last!(
            service_accounts,
            |account: &ServiceAccount, names| title(names, "ServiceAccount", Some(account.namespace), account.name),
            |account: &ServiceAccount| (account.cluster, account.namespace, account.name)
        );
        keep_last!(
            namespaces,
            |one: &Namespace, names: &Names| ["Namespace `", names.text(one.name), "`"].concat(),
            |one: &Namespace| (one.cluster, one.name)
        );
        keep_last!(pods, |pod: &Pod, names| title(names, "Pod", Some(pod.namespace), pod.name), |pod: &Pod| (
            pod.cluster,
            pod.namespace,
            pod.name
        ));
        keep_last!(nodes, |one: &Node, names: &Names| ["Node `", names.text(one.name), "`"].concat(), |one: &Node| (
            one.cluster,
            one.name
        ));
        keep_last!(
            volumes,
            |one: &PersistentVolume, names: &Names| ["PersistentVolume `", names.text(one.name), "`"].concat(),
            |one: &PersistentVolume| (one.cluster, one.name)
        );
        keep_last!(
            attachments,
            |one: &VolumeAttachment, names: &Names| ["VolumeAttachment `", names.text(one.name), "`"].concat(),
            |one: &VolumeAttachment| (one.cluster, one.name)
        );
        keep_last!(
            slices,
            |one: &ResourceSlice, names: &Names| ["ResourceSlice `", names.text(one.name), "`"].concat(),
            |one: &ResourceSlice| (one.cluster, one.name)
        );
        keep_last!(
            secrets,
            |secret: &Secret, names| title(names, "Secret", Some(secret.namespace), secret.name),
            |secret: &Secret| (secret.cluster, secret.namespace, secret.name)
        );
        keep_last!(
            controllers,
            |one: &Controller, names| title(names, one.kind.as_str(), Some(one.namespace), one.name),
            |one: &Controller| (one.cluster, one.kind, one.namespace, one.name)
        );
        keep_last!(
            admissions,
            |one: &Admission, names: &Names| [one.kind.as_str(), " `", names.text(one.name), "`"].concat(),
            |one: &Admission| (one.cluster, one.kind, one.name)
        );
        keep_last!(
            policy_bindings,
            |one: &PolicyBinding, names: &Names| [one.kind.as_str(), "Binding `", names.text(one.name), "`"].concat(),
            |one: &PolicyBinding| (one.cluster, one.kind, one.name)
        );
        keep_last!(
            api_services,
            |one: &ApiService, names: &Names| ["APIService `", names.text(one.name), "`"].concat(),
            |one: &ApiService| (one.cluster, one.name)
        );
        keep_last!(
            conversions,
            |one: &Conversion, names: &Names| ["CustomResourceDefinition `", names.text(one.name), "`"].concat(),
            |one: &Conversion| (one.cluster, one.name)
        );
        keep_last!(
            deputies,
            |one: &Deputy, names| title(names, one.kind.as_str(), Some(one.namespace), one.name),
            |one: &Deputy| (one.cluster, one.kind, one.namespace, one.name)
        );
        keep_last!(
            aso_definitions,
            |one: &AsoDefinition, names: &Names| ["CustomResourceDefinition `", names.text(one.name), "`"].concat(),
            |one: &AsoDefinition| (one.cluster, one.name)
        );
        keep_last!(
            aso_resources,
            |one: &AsoResource, names: &Names| title(names, names.text(one.kind), Some(one.namespace), one.name),
            |one: &AsoResource| (one.cluster, one.namespace, one.group, one.kind, one.name)
        );
        // Of a Deployment or Secret that is given twice it was said already, where they are kept for what they are.
        let said = repeats.len();
        keep_last!(aso_deployments, |_: &AsoDeployment, _: &Names| String::new(), |one: &AsoDeployment| (
            one.cluster,
            one.namespace,
            one.name
        ));
        keep_last!(aso_secrets, |_: &AsoSecret, _: &Names| String::new(), |one: &AsoSecret| (
            one.cluster,
            one.namespace,
            one.name
        ));
        repeats.truncate(said);
        // The last Event of a resource is the one that still holds.
        let key = |at: &AsoEvent| (at.cluster, at.namespace, at.group, at.kind, at.name);
        self.aso_events.sort_unstable_by_key(|at| (key(at), std::cmp::Reverse(at.seen), at.origin));
        self.aso_events.dedup_by_key(|at| key(at));
        for (first, last, times, what) in repeats {
            let first = match self.source(first) {
                Source::File(file, line) => [file, &line.map(|line| format!(":{line}")).unwrap_or_default()].concat(),
                Source::Live => "the cluster".to_owned(),
                Source::BuiltIn => "the built-in defaults".to_owned(),
            };
            let message = if times == 2 {
                format!("{what} is given twice; the one in {first} is left out, the last one counts")
            } else {
                format!("{what} is given {times} times; only the last one counts, the first is in {first}")
            };
            self.warnings.push(Warning { origin: last, message });
        }
        self.resources.sort();
        self.resources.dedup();
        self.gaps.sort();
        self.gaps.dedup();
        self.warnings.sort();
    }
}

/// What answers name whether or not the input does: groups that the API server knows, the namespace of the nodes' leases, the user
/// of each node, the ClusterRole that holds everything, and the account of every namespace.
fn well_known_names(parts: &[Snapshot]) -> Names {
    let mut names = Names::default();
    for name in [
        MASTERS,
        NODES,
        AUTHENTICATED,
        UNAUTHENTICATED,
        SERVICE_ACCOUNTS,
        NODE_LEASES,
        CLUSTER_ADMIN,
        AWS_AUTH,
        ASO_ACCOUNT,
        ASO_CREDENTIAL,
        ASO_SETTINGS,
        ASO_WORKLOAD_ACCOUNT,
        "default",
        "kube-system",
    ] {
        names.intern(name);
    }
    for part in parts {
        // Whoever is in the group of a namespace's accounts is in that namespace.
        for (_, subject) in part.subjects.iter() {
            if let Subject::Group(group) = subject
                && let Some(namespace) =
                    part.text(group).strip_prefix(SERVICE_ACCOUNTS).and_then(|rest| rest.strip_prefix(':'))
            {
                names.intern(namespace);
            }
        }
        let pods = part.pods.iter().filter_map(|pod| pod.node);
        let objects = part.nodes.iter().map(|node| node.name);
        let attachments = part.attachments.iter().map(|attachment| attachment.node);
        let nodes: FxHashSet<Name> =
            pods.chain(objects).chain(attachments).chain(part.slices.iter().map(|slice| slice.node)).collect();
        for node in nodes {
            names.intern(&[NODE_PREFIX, part.text(node)].concat());
        }
    }
    names
}

/// `Role dev/x`, or `ClusterRole x` for what has no namespace.
fn title(names: &Names, kind: &str, namespace: Option<Name>, name: Name) -> String {
    match namespace {
        Some(namespace) => format!("{kind} `{}/{}`", names.text(namespace), names.text(name)),
        None => format!("Cluster{kind} `{}`", names.text(name)),
    }
}

/// Adds the objects of a part behind those that are there; of the first part in its own memory.
fn append<T>(all: &mut Vec<T>, part: Vec<T>, moved: impl FnMut(T) -> T) {
    if all.is_empty() {
        *all = part.into_iter().map(moved).collect();
    } else {
        all.reserve_exact(part.len());
        all.extend(part.into_iter().map(moved));
    }
}

/// Where the numbers of a part have gone.
struct Moved<'a> {
    names: &'a [Name],
    sets: &'a [RuleSetId],
    subjects: &'a [SubjectSetId],
    pod_refs: &'a [PodRefsId],
    lists: &'a [NameListId],
}

impl Moved<'_> {
    fn name(&self, name: Name) -> Name {
        self.names[name.index()]
    }

    fn pair(&self, (a, b): (Name, Name)) -> (Name, Name) {
        (self.name(a), self.name(b))
    }

    fn optional(&self, name: Option<Name>) -> Option<Name> {
        name.map(|name| self.name(name))
    }

    fn aso_text(&self, text: AsoText) -> AsoText {
        match text {
            AsoText::Text(text) => AsoText::Text(self.name(text)),
            other => other,
        }
    }

    fn aso_secret(&self, secret: AsoSecret) -> AsoSecret {
        let content = match secret.content {
            AsoSecretContent::Entries(entries) => {
                let mut entries: Box<[(Name, AsoText)]> =
                    entries.iter().map(|&(key, text)| (self.name(key), self.aso_text(text))).collect();
                entries.sort_unstable();
                AsoSecretContent::Entries(entries)
            }
            other => other,
        };
        let copied_to = secret.copied_to.map(|patterns| self.name(patterns));
        AsoSecret { namespace: self.name(secret.namespace), name: self.name(secret.name), content, copied_to, ..secret }
    }

    fn aso_deployment(&self, deployment: AsoDeployment) -> AsoDeployment {
        let from = |env: AsoEnv| match env {
            AsoEnv::Value(text) => AsoEnv::Value(self.aso_text(text)),
            AsoEnv::Secret { name, key, optional } => {
                AsoEnv::Secret { name: self.name(name), key: self.name(key), optional }
            }
            AsoEnv::Elsewhere => AsoEnv::Elsewhere,
        };
        AsoDeployment {
            namespace: self.name(deployment.namespace),
            name: self.name(deployment.name),
            service_account: self.optional(deployment.service_account),
            image: self.name(deployment.image),
            args: self.lists[deployment.args.index()],
            env: deployment.env.iter().map(|&(name, env)| (self.name(name), from(env))).collect(),
            env_from: self.list(&deployment.env_from),
            ..deployment
        }
    }

    fn aso_value(&self, value: AsoValueFrom) -> AsoValueFrom {
        match value {
            AsoValueFrom::None => AsoValueFrom::None,
            AsoValueFrom::Value(value) => AsoValueFrom::Value(self.name(value)),
            AsoValueFrom::ConfigMap { name, key } => {
                AsoValueFrom::ConfigMap { name: self.name(name), key: self.name(key) }
            }
        }
    }

    fn aso_spec(&self, spec: AsoSpec) -> AsoSpec {
        match spec {
            AsoSpec::Other => AsoSpec::Other,
            AsoSpec::Vault(spec) => AsoSpec::Vault(spec),
            AsoSpec::Server(secret) => AsoSpec::Server(self.name(secret)),
            AsoSpec::RoleAssignment(spec) => AsoSpec::RoleAssignment(Box::new(RoleAssignmentSpec {
                principal: self.aso_value(spec.principal),
                principal_type: self.optional(spec.principal_type),
                role: match spec.role {
                    RoleReference::None => RoleReference::None,
                    RoleReference::ArmId(id) => RoleReference::ArmId(self.name(id)),
                    RoleReference::WellKnown(name) => RoleReference::WellKnown(self.name(name)),
                    RoleReference::Named(name) => RoleReference::Named(self.name(name)),
                },
                status_principal: self.optional(spec.status_principal),
                status_role: self.optional(spec.status_role),
                status_scope: self.optional(spec.status_scope),
                ..*spec
            })),
            AsoSpec::Federated(spec) => AsoSpec::Federated(Box::new(FederatedSpec {
                issuer: self.aso_value(spec.issuer),
                subject: self.aso_value(spec.subject),
                audiences: self.lists[spec.audiences.index()],
            })),
            AsoSpec::Identity(ids) => AsoSpec::Identity(Box::new(IdentityIds {
                client: self.optional(ids.client),
                principal: self.optional(ids.principal),
                tenant: self.optional(ids.tenant),
            })),
            AsoSpec::Cluster(spec) => AsoSpec::Cluster(Box::new(ClusterSpec {
                admin_groups: self.lists[spec.admin_groups.index()],
                node_resource_group: self.optional(spec.node_resource_group),
                issuer: self.optional(spec.issuer),
                fqdn: self.optional(spec.fqdn),
                ..*spec
            })),
        }
    }

    fn aso_resource(&self, from: AsoResource) -> AsoResource {
        let mut exports: Box<[AsoExport]> = from
            .exports
            .iter()
            .map(|at| AsoExport { what: self.name(at.what), secret: self.name(at.secret), key: self.name(at.key) })
            .collect();
        exports.sort_unstable();
        AsoResource {
            namespace: self.name(from.namespace),
            group: self.name(from.group),
            kind: self.name(from.kind),
            name: self.name(from.name),
            credential_from: self.optional(from.credential_from),
            operator_namespace: self.optional(from.operator_namespace),
            operator_version: self.optional(from.operator_version),
            resource_id: self.optional(from.resource_id),
            status_id: self.optional(from.status_id),
            azure_name: self.optional(from.azure_name),
            owner: match from.owner {
                AsoOwner::None => AsoOwner::None,
                AsoOwner::Named { group, kind, name } => {
                    AsoOwner::Named { group: self.name(group), kind: self.name(kind), name: self.name(name) }
                }
                AsoOwner::ArmId(id) => AsoOwner::ArmId(self.name(id)),
            },
            exports,
            writes: self.lists[from.writes.index()],
            reads: self.lists[from.reads.index()],
            spec: self.aso_spec(from.spec),
            ..from
        }
    }

    fn labels(&self, labels: &Labels) -> Labels {
        labels.iter().map(|&pair| self.pair(pair)).collect()
    }

    fn list(&self, list: &[Name]) -> Box<[Name]> {
        list.iter().map(|&name| self.name(name)).collect()
    }

    fn role(&self, mut role: Role) -> Role {
        if let Some(aggregation) = &mut role.aggregation {
            for selector in &mut aggregation.selectors {
                *selector = Selector {
                    match_labels: self.labels(&selector.match_labels),
                    match_expressions: selector
                        .match_expressions
                        .iter()
                        .map(|expression| Expression {
                            key: self.name(expression.key),
                            operator: expression.operator,
                            values: self.list(&expression.values),
                        })
                        .collect(),
                };
            }
        }
        Role {
            namespace: role.namespace.map(|namespace| self.name(namespace)),
            name: self.name(role.name),
            rules: self.sets[role.rules.index()],
            labels: self.labels(&role.labels),
            ..role
        }
    }

    fn binding(&self, binding: Binding) -> Binding {
        let kind = match binding.role.kind {
            RoleKind::Other(kind) => RoleKind::Other(self.name(kind)),
            known => known,
        };
        Binding {
            namespace: binding.namespace.map(|namespace| self.name(namespace)),
            name: self.name(binding.name),
            role: RoleRef { kind, name: self.name(binding.role.name) },
            subjects: self.subjects[binding.subjects.index()],
            ..binding
        }
    }

    fn backend(&self, backend: Backend) -> Backend {
        match backend {
            Backend::Service { namespace, name } => {
                Backend::Service { namespace: self.name(namespace), name: self.name(name) }
            }
            other => other,
        }
    }

    fn admission(&self, admission: Admission) -> Admission {
        let hook = |hook: &AdmissionHook| AdmissionHook {
            name: self.name(hook.name),
            backend: self.backend(hook.backend),
            ..*hook
        };
        let hooks = admission.hooks.iter().map(hook).collect();
        Admission { name: self.name(admission.name), hooks, ..admission }
    }

    fn controller(&self, controller: Controller) -> Controller {
        Controller {
            namespace: self.name(controller.namespace),
            name: self.name(controller.name),
            service_account: controller.service_account.map(|account| self.name(account)),
            labels: self.labels(&controller.labels),
            images: self.lists[controller.images.index()],
            args: self.lists[controller.args.index()],
            ..controller
        }
    }

    fn destination(&self, from: Destination) -> Destination {
        Destination { server: self.name(from.server), name: self.name(from.name), namespace: self.name(from.namespace) }
    }

    fn deputy(&self, deputy: Deputy) -> Deputy {
        let spec = match deputy.spec {
            DeputySpec::Apply(from) => DeputySpec::Apply(FluxApply {
                service_account: from.service_account.map(|account| self.name(account)),
                source: from.source.map(|source| SourceRef {
                    kind: self.name(source.kind),
                    namespace: self.name(source.namespace),
                    name: self.name(source.name),
                }),
                ..from
            }),
            DeputySpec::Source => DeputySpec::Source,
            DeputySpec::Application { project, destination } => {
                DeputySpec::Application { project: self.name(project), destination: self.destination(destination) }
            }
            DeputySpec::Project(from) => DeputySpec::Project(Box::new(ArgoProject {
                destinations: from.destinations.iter().map(|&at| self.destination(at)).collect(),
                cluster_resources: self.labels(&from.cluster_resources),
                source_namespaces: self.list(&from.source_namespaces),
                ..*from
            })),
        };
        Deputy { namespace: self.name(deputy.namespace), name: self.name(deputy.name), spec, ..deputy }
    }

    fn pod(&self, pod: Pod) -> Pod {
        Pod {
            namespace: self.name(pod.namespace),
            name: self.name(pod.name),
            node: pod.node.map(|node| self.name(node)),
            service_account: pod.service_account.map(|account| self.name(account)),
            refs: self.pod_refs[pod.refs.index()],
            ..pod
        }
    }
}

/// The default cluster of an input that does not say which it belongs to.
impl ClusterId {
    /// The first cluster.
    pub const FIRST: ClusterId = ClusterId(0);
}
