//! What there is: who is bound to what, what that allows, which credentials of ASO that puts to use, and what these may do in Azure.
//! Around one thing also pods, nodes and Secrets.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use super::group::{Threads, grouped};
use super::{EdgeKind, Item, Picture};
use crate::graph::azure::{AzureGraph, PrincipalIx};
use crate::graph::{AccessGraph, BindingIx, RoleIx};
use crate::model::{
    Action, Binding, ClusterId, NODE_PREFIX, Name, ResourceAction, RoleKind, RuleSetId, SecretPurpose, Subject, Thing,
};
use crate::query::{
    Aso, AsoOptions, AsoRight, AsoRights, CredentialIx, CredentialScope, Filter, Outcome, SystemFilter, Where,
    is_system, who_can,
};
use crate::rules::attack::{RoleKey, groups};
use crate::rules::azure::{Who, trusted};
use crate::rules::finding::{Start, start};

/// What to draw.
#[derive(Clone, Debug)]
pub struct PictureAsk {
    /// The cluster.
    pub cluster: ClusterId,
    /// Only what holds in this namespace by a binding in it, or what its accounts hold.
    pub namespace: Option<Name>,
    /// Only what leads to one thing, and what it leads to.
    pub around: Option<Around>,
    /// What to do with system subjects.
    pub system: SystemFilter,
    /// From how many nodes on they are grouped.
    pub max_nodes: usize,
}

/// A thing and how far to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Around {
    /// The thing.
    pub item: Item,
    /// How many edges away at most.
    pub depth: usize,
}

/// What is not in a picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Subjects that the question about system subjects leaves out.
    pub subjects: usize,
    /// Bindings of the whole cluster that name nobody of the namespace asked for, and yet hold there.
    pub bindings: usize,
    /// Roles that no binding names.
    pub roles: usize,
    /// Role assignments of those in Azure whom nothing of the cluster leads to.
    pub assignments: usize,
}

/// A thing of the grammar as a node, if it is there.
pub fn find(graph: &AccessGraph, cluster: ClusterId, thing: &Thing) -> Option<Item> {
    let snapshot = graph.snapshot();
    let name = |text: &String| snapshot.names.find(text);
    let binding = |namespace: Option<Name>, name: Name| {
        let is = |own: &Binding| own.cluster == cluster && own.namespace == namespace && own.name == name;
        graph.bindings().find(|(_, own)| is(own)).map(|(at, _)| Item::Binding(at))
    };
    let role = |namespace: Option<Name>, name: Name| {
        let mut all = graph.roles();
        let found = all.any(|(_, own)| own.cluster == cluster && own.namespace == namespace && own.name == name);
        found.then_some(Item::Role(RoleKey { namespace, name }))
    };
    let azure = || graph.azure();
    match thing {
        Thing::User(_) | Thing::Group(_) | Thing::ServiceAccount(..) => match start(graph, thing)? {
            Start::Subject(subject) => Some(Item::Subject(subject)),
            _ => None,
        },
        Thing::Identity(_) | Thing::Principal(_) => match start(graph, thing)? {
            Start::Azure(who) => Some(Item::Identity(who)),
            _ => None,
        },
        Thing::Pod(namespace, pod) => Some(Item::Pod(name(namespace)?, name(pod)?)),
        Thing::Node(node) => name(node).map(Item::Node),
        Thing::Secret(namespace, secret) => Some(Item::Secret(name(namespace)?, name(secret)?)),
        Thing::RoleBinding(namespace, own) => binding(Some(name(namespace)?), name(own)?),
        Thing::ClusterRoleBinding(own) => binding(None, name(own)?),
        Thing::Role(namespace, own) => role(Some(name(namespace)?), name(own)?),
        Thing::ClusterRole(own) => role(None, name(own)?),
        Thing::AzureScope(scope) => azure().find_scope(scope).map(Item::AzureScope),
        Thing::RoleAssignment(id) => graph.azure_names().find_assignment(id).map(Item::Assignment),
        Thing::Cluster(own) => {
            let azure = azure();
            let is = |text: &str, id: &str| text == own || id.eq_ignore_ascii_case(own);
            let found = azure.clusters().find(|&at| is(&azure.cluster(at).name, &azure.cluster(at).id));
            found.map(Item::Cluster)
        }
        Thing::Pods(_) | Thing::Namespace(_) => None,
    }
}

/// Draws what was asked for; none where the thing in the middle is not there, or where nothing leads to it or from it.
///
/// O(n log n) in bindings, subjects and what else there is.
pub fn picture(graph: &AccessGraph, ask: &PictureAsk) -> Option<Picture> {
    let mut web = Web { graph, ask, edges: Vec::new(), first_with: FxHashMap::default(), left_out: LeftOut::default() };
    for (at, role) in graph.roles() {
        web.first_with.entry(role.rules).or_insert(at);
    }
    web.access();
    let aso = Aso::new(graph, ask.cluster, AsoOptions::default());
    web.credentials(&aso);
    if ask.around.is_some() {
        web.workloads();
        web.rights_on_center();
    }
    web.azure();
    let Web { mut edges, left_out, .. } = web;
    if let Some(around) = ask.around {
        edges = near(edges, around);
        if edges.is_empty() {
            return None;
        }
    }
    let threads = threaded(&edges);
    let mut picture = grouped(graph, &threads, ask.around.map(|around| around.item), ask.max_nodes);
    picture.left_out = left_out;
    Some(picture)
}

/// An edge between two things.
type Edge = (Item, Item, EdgeKind);

struct Web<'g> {
    graph: &'g AccessGraph,
    ask: &'g PictureAsk,
    edges: Vec<Edge>,
    /// For each set of rules the first role that has it: sets are numbered as they come in, roles by their names.
    first_with: FxHashMap<RuleSetId, RoleIx>,
    left_out: LeftOut,
}

impl Web<'_> {
    fn add(&mut self, from: Item, to: Item, kind: EdgeKind) {
        self.edges.push((from, to, kind));
    }

    /// Subjects, bindings, roles and rules.
    fn access(&mut self) {
        let graph = self.graph;
        let snapshot = graph.snapshot();
        let mut hidden: BTreeSet<Subject> = BTreeSet::new();
        let mut bound: BTreeSet<RoleKey> = BTreeSet::new();
        for (at, binding) in graph.bindings().filter(|(_, binding)| binding.cluster == self.ask.cluster) {
            if let Some(key) = role_key(binding) {
                bound.insert(key);
            }
            let all = snapshot.subjects.set(binding.subjects).iter().map(|&id| snapshot.subjects.get(id));
            let mut subjects: Vec<Subject> = Vec::new();
            for subject in all {
                let hides = match self.ask.system {
                    SystemFilter::Show => false,
                    SystemFilter::Hide => is_system(&snapshot.names, subject),
                    SystemFilter::Only => !is_system(&snapshot.names, subject),
                };
                if hides {
                    hidden.insert(subject);
                } else {
                    subjects.push(subject);
                }
            }
            if subjects.is_empty() {
                continue;
            }
            if !self.concerns(binding, &subjects) {
                self.left_out.bindings += usize::from(binding.namespace.is_none());
                continue;
            }
            for subject in subjects {
                self.add(Item::Subject(subject), Item::Binding(at), EdgeKind::Bound);
            }
            self.granted(at, binding);
        }
        self.left_out.subjects = hidden.len();
        if self.ask.around.is_some() {
            return;
        }
        let roles = graph.roles().filter(|(_, role)| role.cluster == self.ask.cluster);
        let unbound = roles.filter(|(_, role)| {
            let own = RoleKey { namespace: role.namespace, name: role.name };
            !bound.contains(&own) && self.ask.namespace.is_none_or(|asked| role.namespace == Some(asked))
        });
        self.left_out.roles = unbound.count();
    }

    /// The role of a binding, and its rules.
    fn granted(&mut self, at: BindingIx, binding: &Binding) {
        let Some(key) = role_key(binding) else { return };
        let Some(role) = self.graph.role_of(at) else {
            return self.add(Item::Binding(at), Item::MissingRole(key), EdgeKind::Grants);
        };
        self.add(Item::Binding(at), Item::Role(key), EdgeKind::Grants);
        let first = self.first_with.get(&self.graph.role(role).rules).copied().unwrap_or(role);
        self.add(Item::Role(key), Item::Rules(first), EdgeKind::Allows);
    }

    /// Whether a binding is about the namespace that is asked for.
    fn concerns(&self, binding: &Binding, subjects: &[Subject]) -> bool {
        let Some(asked) = self.ask.namespace else { return true };
        let names = &self.graph.snapshot().names;
        let of_it = |subject: &Subject| match subject {
            Subject::ServiceAccount { namespace, .. } => *namespace == asked,
            Subject::Group(group) => {
                let accounts = names.text(*group).strip_prefix("system:serviceaccounts:");
                accounts.is_some_and(|namespace| namespace == names.text(asked))
            }
            Subject::User(_) => false,
        };
        binding.namespace == Some(asked) || binding.namespace.is_none() && subjects.iter().any(of_it)
    }

    /// The credentials of ASO, who puts them to use, and as whom ASO acts then. Whoever may do everything may do that as well: the
    /// rules say it, and so many edges would hide the others. Nor is an operator joined with what it is there for.
    fn credentials(&mut self, aso: &Aso<'_>) {
        let mut served: Vec<(CredentialIx, Name)> = Vec::new();
        for namespace in aso.namespaces() {
            let usual = match aso.default_of(namespace).outcome {
                Outcome::Uses(at) => Some(at),
                _ => None,
            };
            let named = aso.named_in(namespace).filter(|_| aso.reconcilers(namespace).next().is_some());
            served.extend(usual.into_iter().chain(named).map(|at| (at, namespace)));
        }
        served.retain(|(_, namespace)| self.ask.namespace.is_none_or(|asked| *namespace == asked));
        served.sort_unstable();
        served.dedup();
        if served.is_empty() {
            return;
        }
        let rights = AsoRights::new(self.graph, self.ask.cluster);
        let kinds = aso.writable();
        let operators: Vec<Subject> = aso.operators().map(|(_, operator)| operator.account).collect();
        let named =
            self.edges.iter().filter(|(from, _, _)| subject(*from).is_some_and(|one| !operators.contains(&one)));
        let drawn: BTreeSet<Item> = named.map(|&(_, to, _)| to).collect();
        let azure = self.graph.azure();
        for (at, namespace) in served {
            let item = credential(aso, at);
            for binding in rights.bindings(&AsoRight::Write(kinds), namespace) {
                if drawn.contains(&Item::Binding(binding)) && !rights.gives_everything(binding) {
                    self.add(Item::Binding(binding), item, EdgeKind::Writes);
                }
            }
            let own = aso.credential(at);
            if let Some((namespace, name)) = own.secret.filter(|_| self.ask.around.is_some()) {
                self.add(Item::Secret(namespace, name), item, EdgeKind::Holds);
            }
            if let Some(client) = own.client {
                let known = azure.by_client_id(self.graph.text(client));
                let who = known.map_or(Who::Client(client), Who::Principal);
                self.add(item, Item::Identity(who), EdgeKind::ActsAs);
            }
        }
    }

    /// Nodes, pods, Secrets and the groups that everybody is in.
    fn workloads(&mut self) {
        let snapshot = self.graph.snapshot();
        let own = self.ask.cluster;
        for pod in snapshot.pods.iter().filter(|pod| pod.cluster == own && !pod.finished) {
            let item = Item::Pod(pod.namespace, pod.name);
            if let Some(node) = pod.node {
                self.add(Item::Node(node), item, EdgeKind::Runs);
            }
            if let Some(name) = pod.service_account {
                let account = Subject::ServiceAccount { namespace: pod.namespace, name };
                self.add(item, Item::Subject(account), EdgeKind::ActsAs);
            }
            for &secret in snapshot.pod_refs.get(pod.refs).secrets {
                self.add(item, Item::Secret(pod.namespace, secret), EdgeKind::Mounts);
            }
        }
        for secret in snapshot.secrets.iter().filter(|secret| secret.cluster == own) {
            if let SecretPurpose::Token(Some(name)) = secret.purpose {
                let account = Subject::ServiceAccount { namespace: secret.namespace, name };
                self.add(Item::Secret(secret.namespace, secret.name), Item::Subject(account), EdgeKind::Holds);
            }
        }
        for node in snapshot.nodes.iter().filter(|node| node.cluster == own) {
            let user = [NODE_PREFIX, self.graph.text(node.name)].concat();
            if let Some(user) = Subject::find_user(&snapshot.names, &user) {
                self.add(Item::Node(node.name), Item::Subject(user), EdgeKind::ActsAs);
            }
        }
        let ends = self.edges.iter().flat_map(|&(from, to, _)| [from, to]);
        let center = self.ask.around.map(|around| around.item);
        let subjects: BTreeSet<Subject> = ends.chain(center).filter_map(subject).collect();
        for &member in subjects.iter().filter(|subject| !matches!(subject, Subject::Group(_))) {
            for group in groups(self.graph, member).into_iter().filter(|group| subjects.contains(group)) {
                self.add(Item::Subject(member), Item::Subject(group), EdgeKind::MemberOf);
            }
        }
    }

    /// The bindings that allow to take over the thing in the middle, by one request.
    fn rights_on_center(&mut self) {
        let Some(around) = self.ask.around else { return };
        let (kind, verb, resource, subresource, namespace, name) = match around.item {
            Item::Secret(namespace, name) => (EdgeKind::Reads, "get", "secrets", "", namespace, name),
            Item::Pod(namespace, name) => (EdgeKind::Executes, "create", "pods", "exec", namespace, name),
            Item::Subject(Subject::ServiceAccount { namespace, name }) => {
                (EdgeKind::Mints, "create", "serviceaccounts", "token", namespace, name)
            }
            _ => return,
        };
        let namespace = self.graph.text(namespace).to_owned();
        let action = Action::Resource(ResourceAction {
            verb: verb.to_owned(),
            resource: resource.to_owned(),
            subresource: subresource.to_owned(),
            namespace: namespace.clone(),
            name: self.graph.text(name).to_owned(),
            ..ResourceAction::default()
        });
        let filter = Filter { system: self.ask.system, keep: &|_| true };
        let found = who_can(self.graph, self.ask.cluster, &action, &Where::Namespace(namespace), filter);
        for grant in found.rows.iter().flat_map(|row| &row.grants) {
            self.add(Item::Binding(grant.binding), around.item, kind);
        }
    }

    /// What those of the cluster are in Azure, their roles there, and the scopes of these.
    fn azure(&mut self) {
        let azure = self.graph.azure();
        let subjects: BTreeSet<Subject> =
            self.edges.iter().flat_map(|&(from, to, _)| [from, to]).filter_map(subject).collect();
        for (account, who) in trusted(self.graph, self.ask.cluster) {
            if self.ask.around.is_some() || subjects.contains(&account) || self.is_shown(account) {
                self.add(Item::Subject(account), Item::Identity(who), EdgeKind::ActsAs);
            }
        }
        for &subject in &subjects {
            let principal = match subject {
                Subject::Group(name) => {
                    let group = self.graph.azure_names().group(self.graph.text(name));
                    group.and_then(|group| azure.by_object_id(&group.object_id))
                }
                Subject::User(name) => {
                    let name = self.graph.text(name);
                    azure.by_user_principal_name(name).or_else(|| azure.by_object_id(name))
                }
                Subject::ServiceAccount { .. } => None,
            };
            if let Some(principal) = principal {
                self.add(Item::Subject(subject), Item::Identity(Who::Principal(principal)), EdgeKind::Is);
            }
        }
        self.assigned(&azure);
        if self.ask.around.is_some() {
            self.contained(&azure);
        }
    }

    /// Whether an account that no binding names belongs to what is drawn.
    fn is_shown(&self, account: Subject) -> bool {
        let system = is_system(&self.graph.snapshot().names, account);
        let shown = match self.ask.system {
            SystemFilter::Show => true,
            SystemFilter::Hide => !system,
            SystemFilter::Only => system,
        };
        shown && self.ask.namespace.is_none_or(|asked| account.namespace() == Some(asked))
    }

    /// Role assignments: of everybody around one thing, else of those whom something of the cluster leads to.
    fn assigned(&mut self, azure: &AzureGraph<'_>) {
        let led = self.edges.iter().filter_map(|&(_, to, _)| match to {
            Item::Identity(Who::Principal(at)) => Some(at),
            _ => None,
        });
        let principals: BTreeSet<PrincipalIx> =
            if self.ask.around.is_some() { azure.principals().collect() } else { led.collect() };
        let mut drawn = BTreeSet::new();
        for principal in principals {
            let own = Item::Identity(Who::Principal(principal));
            for (assignment, through) in azure.assignments_of(principal) {
                let mut holder = own;
                if let Some(through) = through {
                    holder = Item::Identity(Who::Principal(through.group));
                    self.add(own, holder, EdgeKind::MemberOf);
                }
                self.add(holder, Item::Assignment(assignment), EdgeKind::Assigned);
                let scope = Item::AzureScope(azure.assigned_scope(assignment));
                self.add(Item::Assignment(assignment), scope, EdgeKind::On);
                drawn.insert(assignment);
            }
        }
        if self.ask.around.is_none() {
            self.left_out.assignments = azure.assignments().count() - drawn.len();
        }
    }

    /// The identities and clusters that lie in scopes, and the identities that clusters have.
    fn contained(&mut self, azure: &AzureGraph<'_>) {
        let scopes: BTreeSet<_> = azure.assignments().map(|at| azure.assigned_scope(at)).collect();
        for scope in scopes {
            for identity in azure.identities_below(scope) {
                if let Some(principal) = azure.identity_principal(identity) {
                    let identity = Item::Identity(Who::Principal(principal));
                    self.add(Item::AzureScope(scope), identity, EdgeKind::Contains);
                }
            }
            for cluster in azure.clusters_below(scope) {
                self.add(Item::AzureScope(scope), Item::Cluster(cluster), EdgeKind::Contains);
            }
        }
        for at in azure.clusters() {
            let cluster = azure.cluster(at);
            let own = cluster.control_plane.iter().chain(&cluster.kubelet);
            for principal in own.filter_map(|ids| azure.by_object_id(&ids.object_id)) {
                self.add(Item::Cluster(at), Item::Identity(Who::Principal(principal)), EdgeKind::ActsAs);
            }
        }
    }
}

fn subject(item: Item) -> Option<Subject> {
    match item {
        Item::Subject(subject) => Some(subject),
        _ => None,
    }
}

/// The role that a binding names, whether or not it is there.
fn role_key(binding: &Binding) -> Option<RoleKey> {
    match binding.role.kind {
        RoleKind::Role => Some(RoleKey { namespace: binding.namespace, name: binding.role.name }),
        RoleKind::ClusterRole => Some(RoleKey { namespace: None, name: binding.role.name }),
        RoleKind::Other(_) => None,
    }
}

fn credential(aso: &Aso<'_>, at: CredentialIx) -> Item {
    let own = aso.credential(at);
    let operator = own.operator.map(|at| aso.operator(at).namespace);
    Item::Credential(own.scope, own.secret, operator.filter(|_| own.scope == CredentialScope::Global))
}

/// The edges on ways of at most so many to a thing or from it.
fn near(mut edges: Vec<Edge>, around: Around) -> Vec<Edge> {
    edges.sort_unstable();
    edges.dedup();
    let mut back: Vec<Edge> = edges.iter().map(|&(from, to, kind)| (to, from, kind)).collect();
    back.sort_unstable();
    let mut found = reached(&edges, around);
    found.extend(reached(&back, around).into_iter().map(|(to, from, kind)| (from, to, kind)));
    found.sort_unstable();
    found.dedup();
    found
}

/// The edges that can be walked from a thing, from the first to the last; the list is sorted.
fn reached(edges: &[Edge], around: Around) -> Vec<Edge> {
    let mut seen = BTreeSet::from([around.item]);
    let mut here = vec![around.item];
    let mut found = Vec::new();
    for _ in 0..around.depth {
        let mut next = Vec::new();
        for item in here {
            let first = edges.partition_point(|&(from, _, _)| from < item);
            for &edge in edges[first..].iter().take_while(|(from, _, _)| *from == item) {
                found.push(edge);
                if seen.insert(edge.1) {
                    next.push(edge.1);
                }
            }
        }
        here = next;
    }
    found
}

/// Things by their places, in order.
fn threaded(edges: &[Edge]) -> Threads {
    let mut items: Vec<Item> = edges.iter().flat_map(|&(from, to, _)| [from, to]).collect();
    items.sort_unstable();
    items.dedup();
    let place = |item: Item| u32::try_from(items.partition_point(|&own| own < item)).unwrap_or(u32::MAX);
    let mut numbered: Vec<(u32, u32, EdgeKind)> =
        edges.iter().map(|&(from, to, kind)| (place(from), place(to), kind)).collect();
    numbered.sort_unstable();
    numbered.dedup();
    Threads { items, edges: numbered }
}
