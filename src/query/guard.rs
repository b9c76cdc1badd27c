//! Azure RBAC for Kubernetes: which cluster of Azure this is, and whom Azure lets do something in it. A cluster that has it on asks
//! Azure when neither the Node authorizer nor RBAC allows, so that its answer is added to theirs
//! (<https://learn.microsoft.com/azure/aks/manage-azure-rbac>). Azure never answers for service accounts.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::graph::AccessGraph;
use crate::graph::azure::{
    AzureDecision, AzureGraph, AzurePlace, AzureQuestion, ClusterIx, PrincipalIx, Verdict, clusters,
};
use crate::model::azure::{
    AzureCluster, GuardQuestion, GuardReading, Plane, fold, guard_parts, guard_question, guard_scopes,
};
use crate::model::{Action, Gap, ResourceAction, ResourceTable, Subject};

use super::aso::Aso;
use super::azure::{AzureMembers, concerning, members_by};
use super::who_can::Where;

/// What a subject of a federated credential begins with that is a service account.
const ACCOUNT: &str = "system:serviceaccount:";

/// How it is known which cluster it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HowRecognised {
    /// Somebody said it.
    Named,
    /// By the address of its API server.
    Server,
    /// By the resource group of its nodes.
    Nodes,
    /// An identity of ASO accepts only tokens of the cluster that ASO runs in.
    Issuer,
}

impl HowRecognised {
    /// In words, after "by".
    pub fn as_str(self) -> &'static str {
        match self {
            HowRecognised::Named => "--this-cluster",
            HowRecognised::Server => "the address of its API server",
            HowRecognised::Nodes => "the resource group of its nodes",
            HowRecognised::Issuer => "the issuer that the identity of its ASO trusts",
        }
    }
}

/// The cluster, if something says which one it is: the user, the address of the API server, the resource group of the nodes, or the
/// identity of an ASO operator, which accepts only tokens of the cluster that the operator runs in.
///
/// Where two clusters fit, neither is taken.
pub fn this_cluster(access: &AccessGraph, aso: &Aso<'_>) -> Option<(ClusterIx, HowRecognised)> {
    let snapshot = access.snapshot();
    let the_one = |fits: &dyn Fn(&AzureCluster) -> bool| {
        only(clusters(&snapshot.azure).filter(|(_, one)| fits(one)).map(|(at, _)| at))
    };
    if let Some(word) = &snapshot.azure.this_cluster {
        return the_one(&|one| one.is_called(word)).map(|one| (one, HowRecognised::Named));
    }
    let servers: BTreeSet<&str> = snapshot.clusters.iter().map(|one| one.server.as_str()).collect();
    let by_server = |one: &AzureCluster| {
        let own = one.fqdn.iter().chain(&one.private_fqdn).map(|host| host.to_ascii_lowercase());
        own.into_iter().any(|host| !host.is_empty() && servers.contains(host.as_str()))
    };
    let groups: BTreeSet<String> =
        snapshot.nodes.iter().filter_map(|node| node.azure_group).map(|group| fold(access.text(group))).collect();
    let by_nodes = |one: &AzureCluster| one.node_group().is_some_and(|group| groups.contains(&fold(&group)));
    let known = OnceCell::new();
    let by_issuer = |one: &AzureCluster| {
        let issuers = known.get_or_init(|| issuers(access, &access.azure(), aso));
        one.issuer.as_ref().is_some_and(|own| issuers.iter().any(|issuer| is_same_issuer(own, issuer)))
    };
    type IsIt<'f> = &'f dyn Fn(&AzureCluster) -> bool;
    let ways: [(IsIt<'_>, HowRecognised); 3] =
        [(&by_server, HowRecognised::Server), (&by_nodes, HowRecognised::Nodes), (&by_issuer, HowRecognised::Issuer)];
    ways.into_iter().find_map(|(fits, how)| the_one(fits).map(|one| (one, how)))
}

/// The only one, if there is just one.
fn only<T>(mut all: impl Iterator<Item = T>) -> Option<T> {
    let first = all.next()?;
    all.next().is_none().then_some(first)
}

/// Issuers are compared with and without the last slash.
pub(crate) fn is_same_issuer(own: &str, other: &str) -> bool {
    own.trim_end_matches('/') == other.trim_end_matches('/')
}

/// The issuers of the tokens by which ASO's operators become their identities.
fn issuers<'g>(access: &AccessGraph, graph: &AzureGraph<'g>, aso: &Aso<'_>) -> BTreeSet<&'g str> {
    let mut found = BTreeSet::new();
    for (_, operator) in aso.operators() {
        let Subject::ServiceAccount { namespace, name } = operator.account else { continue };
        let subject = format!("{ACCOUNT}{}:{}", access.text(namespace), access.text(name));
        let clients = aso.credentials().filter_map(|(_, credential)| credential.client);
        let principals = clients.filter_map(|client| graph.by_client_id(access.text(client)));
        for identity in principals.filter_map(|principal| graph.principal(principal).identity) {
            let trusts = graph.federated_credentials_of(identity).iter().map(|&at| graph.federated_credential(at));
            let own = trusts.filter(|one| one.subject.as_deref() == Some(&subject));
            found.extend(own.map(|one| one.issuer.as_str()));
        }
    }
    found
}

/// Where in the cluster Azure allows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GuardPlace {
    /// Everywhere.
    Cluster,
    /// In these namespaces.
    Namespaces(Vec<String>),
}

/// Somebody whom Azure allows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardRow {
    /// Who.
    pub principal: PrincipalIx,
    /// Where.
    pub place: GuardPlace,
    /// What it comes to, and by which role assignments.
    pub verdict: Verdict,
    /// Who is in a group.
    pub members: Option<AzureMembers>,
}

/// Everybody whom Azure allows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuardWhoCan {
    /// The rows, by principal and place.
    pub rows: Vec<GuardRow>,
    /// Whether everybody who logs in with Entra may, since it is discovery.
    pub discovery: bool,
    /// What would have to be known.
    pub gaps: Vec<Gap>,
}

/// A request as a cluster puts it to Azure: each data action evaluated for every role.
pub struct GuardRequest<'g> {
    cluster: &'g AzureCluster,
    /// One reading must be allowed. None for discovery.
    readings: Option<Vec<Reading>>,
    /// The same in a namespace, where it differs: `*` is less there.
    inside: Option<Vec<Reading>>,
}

/// Data actions that must be allowed, all of them, and what a `*` may stand for beside them.
struct Reading {
    actions: Vec<AzureQuestion>,
    perhaps: Vec<AzureQuestion>,
}

impl Reading {
    /// The weakest of all. What cannot be told is unknown where everything that is surely asked for is allowed.
    fn judge(&self, decide: &dyn Fn(&AzureQuestion) -> Verdict) -> Option<Verdict> {
        let weakest = |all: &[AzureQuestion]| all.iter().map(decide).max_by_key(|one| one.decision);
        let verdict = weakest(&self.actions)?;
        if !can(verdict.decision) {
            return Some(verdict);
        }
        match weakest(&self.perhaps) {
            Some(more) if !can(more.decision) => Some(verdict.untold()),
            Some(more) if more.decision > verdict.decision => Some(more),
            _ => Some(verdict),
        }
    }
}

impl<'g> GuardRequest<'g> {
    /// A request to a cluster. O(data actions x patterns of roles).
    pub fn new(graph: &AzureGraph<'g>, cluster: ClusterIx, action: &Action) -> GuardRequest<'g> {
        let cluster = graph.cluster(cluster);
        let questions = |actions: &[String]| actions.iter().map(|one| graph.question(one, Plane::Data)).collect();
        let reading =
            |one: GuardReading| Reading { actions: questions(&one.actions), perhaps: questions(&one.perhaps) };
        let read = |inside| match guard_question(cluster.kind, action, inside) {
            GuardQuestion::Discovery => None,
            GuardQuestion::Reads(readings) => Some(readings.into_iter().map(reading).collect()),
        };
        let all = matches!(action, Action::Resource(action) if action.resource == "*");
        GuardRequest { cluster, readings: read(false), inside: if all { read(true) } else { None } }
    }

    /// Whether everybody who logs in with Entra may.
    pub fn is_discovery(&self) -> bool {
        self.readings.is_none()
    }

    /// Where a request to a namespace is judged, or one to the whole cluster.
    fn places(&self, graph: &AzureGraph<'g>, namespace: Option<&str>) -> Vec<AzurePlace> {
        let scopes = guard_scopes(self.cluster.kind, &self.cluster.id, namespace);
        scopes.iter().map(|scope| graph.locate(scope)).collect()
    }

    fn readings(&self, namespace: Option<&str>) -> &[Reading] {
        let inside = self.inside.as_ref().filter(|_| namespace.is_some());
        inside.or(self.readings.as_ref()).map_or(&[], Vec::as_slice)
    }

    /// What it comes to for somebody, by whatever decides on one data action at a place: of each reading the weakest, of all readings
    /// and places the strongest.
    fn judge(
        &self,
        graph: &AzureGraph<'g>,
        namespace: Option<&str>,
        decide: &dyn Fn(&AzureQuestion, AzurePlace) -> Verdict,
    ) -> Verdict {
        let places = self.places(graph, namespace);
        let at = |&place: &AzurePlace| {
            let of_reading = |reading: &Reading| reading.judge(&|question| decide(question, place));
            self.readings(namespace).iter().filter_map(of_reading).min_by_key(|one| one.decision)
        };
        places.iter().filter_map(at).min_by_key(|one| one.decision).unwrap_or_else(Verdict::no)
    }

    /// Where a request is judged: in the whole cluster, in one namespace, or there and in each namespace that roles are assigned in.
    fn namespaces(&self, graph: &AzureGraph<'g>, place: &Where) -> Vec<Option<String>> {
        match place {
            Where::Cluster => vec![None],
            Where::Namespace(namespace) => vec![Some(namespace.clone())],
            Where::EachNamespace | Where::EachNamespaceObject => {
                let parts = guard_parts(self.cluster.kind).iter();
                let own = fold(&self.cluster.id);
                let inside: Vec<String> =
                    parts.map(|part| [&own, part.to_ascii_lowercase().as_str()].concat()).collect();
                let scopes = graph.assignments().map(|one| graph.scope_folded(graph.assigned_scope(one)));
                let name = |scope| inside.iter().find_map(|inside| str::strip_prefix(scope, inside.as_str()));
                let named: BTreeSet<&str> = scopes.filter_map(name).collect();
                std::iter::once(None).chain(named.into_iter().map(|name| Some(name.to_owned()))).collect()
            }
        }
    }

    /// May somebody who is all of these, somewhere in a place.
    pub fn decide_in(&self, graph: &AzureGraph<'g>, these: &[PrincipalIx], place: &Where) -> Verdict {
        let all = self.namespaces(graph, place);
        let verdicts = all.iter().map(|namespace| self.decide(graph, these, namespace.as_deref()));
        verdicts.min_by_key(|one| one.decision).unwrap_or_else(Verdict::no)
    }

    /// May somebody who is all of these, with all of their groups.
    pub fn decide(&self, graph: &AzureGraph<'g>, these: &[PrincipalIx], namespace: Option<&str>) -> Verdict {
        self.judge(graph, namespace, &|question, place| graph.decide_all(these, question, place))
    }

    /// May somebody who is exactly these: as the API server is told, no group is added.
    pub fn decide_as(&self, graph: &AzureGraph<'g>, these: &[PrincipalIx], namespace: Option<&str>) -> Verdict {
        self.judge(graph, namespace, &|question, place| graph.decide_as(these, question, place))
    }
}

/// Whom Azure lets do something in a cluster. O(assignments x data actions, and members of the groups that can).
///
/// `keep` says whom to show. In each namespace only what is assigned there is a row of its own: what holds in the whole cluster holds in
/// every namespace.
pub fn guard_who_can<'g>(
    graph: &AzureGraph<'g>,
    cluster: ClusterIx,
    action: &Action,
    place: &Where,
    keep: &dyn Fn(PrincipalIx) -> bool,
) -> GuardWhoCan {
    let request = GuardRequest::new(graph, cluster, action);
    if request.is_discovery() {
        return GuardWhoCan { discovery: true, ..GuardWhoCan::default() };
    }
    let namespaces = request.namespaces(graph, place);
    let mut answer = GuardWhoCan::default();
    let mut by_place: BTreeMap<PrincipalIx, Vec<GuardRow>> = BTreeMap::new();
    for namespace in &namespaces {
        let namespace = namespace.as_deref();
        let places = request.places(graph, namespace);
        let questions = || request.readings(namespace).iter().flat_map(|reading| &reading.actions);
        let at = |one, place| questions().any(|question| graph.grant(one, None, question, place).is_some());
        let reaches = |one| places.iter().any(|&place| at(one, place));
        let named: BTreeSet<PrincipalIx> =
            graph.assignments().filter(|&one| reaches(one)).map(|one| graph.assignee(one)).collect();
        let mut gaps = Vec::new();
        for principal in named {
            let verdict = request.decide(graph, &[principal], namespace);
            let decide = |one| request.decide(graph, &[one], namespace).decision;
            let members = graph.is_group(principal).then(|| members_by(graph, principal, &decide));
            let inside = members.iter().flat_map(|members| &members.known).any(|member| can(member.decision));
            if !can(verdict.decision) && !inside {
                continue;
            }
            gaps.push((
                verdict.clone(),
                members.as_ref().is_some_and(|members| !members.complete).then_some(principal),
            ));
            let rows = by_place.entry(principal).or_default();
            let holds = |row: &GuardRow| row.place == GuardPlace::Cluster && row.verdict.decision <= verdict.decision;
            if !keep(principal) || rows.iter().any(holds) {
                continue;
            }
            let alike = |row: &&mut GuardRow| row.verdict == verdict && row.members == members;
            match (namespace, rows.last_mut().filter(alike)) {
                (Some(name), Some(GuardRow { place: GuardPlace::Namespaces(names), .. })) => {
                    names.push(name.to_owned())
                }
                (None, _) => rows.push(GuardRow { principal, place: GuardPlace::Cluster, verdict, members }),
                (Some(name), _) => {
                    let place = GuardPlace::Namespaces(vec![name.to_owned()]);
                    rows.push(GuardRow { principal, place, verdict, members });
                }
            }
        }
        places.iter().for_each(|&at| answer.gaps.extend(concerning(graph, &gaps, at)));
    }
    answer.gaps.sort();
    answer.gaps.dedup();
    answer.rows = by_place.into_values().flatten().collect();
    answer
}

fn can(decision: AzureDecision) -> bool {
    !matches!(decision, AzureDecision::Denied | AzureDecision::No)
}

/// What Azure allows somebody in a cluster: the verbs on a resource at a place, by the same role assignments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardRight {
    /// The namespace, or none for the whole cluster.
    pub namespace: Option<String>,
    /// The API group, or `*`.
    pub api_group: String,
    /// The resource, `pods/exec`, or `*`.
    pub resource: String,
    /// The verbs.
    pub verbs: Vec<&'static str>,
    /// What it comes to, and by which role assignments.
    pub verdict: Verdict,
}

/// The verbs that Azure is asked one data action for.
const VERBS: [&[&str]; 3] =
    [&["get", "list", "watch"], &["create", "update", "patch"], &["delete", "deletecollection"]];
/// What has data actions of its own: group, resource, subresource, and the verbs of each.
const SPECIAL: [(&str, &str, &str, &[&[&str]]); 6] = [
    ("", "pods", "exec", &[&["get", "create"]]),
    ("", "users", "", &[&["impersonate"]]),
    ("", "groups", "", &[&["impersonate"]]),
    ("", "serviceaccounts", "", &[&["impersonate"]]),
    ("rbac.authorization.k8s.io", "roles", "", &[&["bind"], &["escalate"]]),
    ("rbac.authorization.k8s.io", "clusterroles", "", &[&["bind"], &["escalate"]]),
];

/// Everything on objects that Azure allows somebody who is all of these, in a cluster: of every resource that is known, in the whole
/// cluster and in each namespace that roles are assigned in. A subresource counts as its resource, but for `pods/exec`.
///
/// O(places x resources x assignments of these). Gives what would have to be known as well.
pub fn guard_what_can(
    graph: &AzureGraph<'_>,
    cluster: ClusterIx,
    these: &[PrincipalIx],
    table: &ResourceTable,
) -> (Vec<GuardRight>, Vec<Gap>) {
    let action = |verb: &str, group: &str, resource: &str, subresource: &str| {
        Action::Resource(ResourceAction {
            verb: verb.to_owned(),
            api_group: group.to_owned(),
            resource: resource.to_owned(),
            subresource: subresource.to_owned(),
            namespace: String::new(),
            name: String::new(),
            field_selector: Vec::new(),
        })
    };
    let request = |verb, group, resource, part| GuardRequest::new(graph, cluster, &action(verb, group, resource, part));
    let everything = request("*", "*", "*", "");
    let own = table.resources().iter().filter(|own| own.subresource.is_empty());
    let plain = own.map(|own| (own.group.as_str(), own.resource.as_str(), "", &VERBS[..]));
    let mut asked: Vec<(&str, &str, &str, &[&str], GuardRequest<'_>)> = Vec::new();
    for (group, resource, part, all) in plain.chain(SPECIAL) {
        asked.extend(all.iter().map(|verbs| (group, resource, part, *verbs, request(verbs[0], group, resource, part))));
    }
    asked.sort_by_key(|&(group, resource, part, ..)| (group, resource, part));
    let mut found: Vec<GuardRight> = Vec::new();
    let mut gaps = Vec::new();
    for namespace in everything.namespaces(graph, &Where::EachNamespace) {
        let at = namespace.as_deref();
        let mut verdicts = Vec::new();
        let first = found.len();
        let mut add = |(group, resource, part): (&str, &str, &str), verbs: &[&'static str], verdict: Verdict| {
            // What holds in the whole cluster holds in every namespace, and what holds for everything for each.
            let holds = |right: &GuardRight| {
                let wide = right.namespace.is_none() || right.namespace == namespace;
                let all =
                    right.resource == "*" || (right.api_group == group && right.resource == named(resource, part));
                let same = right.resource == "*" || right.verbs.contains(&verbs[0]);
                wide && all && same && right.verdict.decision <= verdict.decision
            };
            if !can(verdict.decision) || found.iter().any(holds) {
                return;
            }
            let alike = |right: &&mut GuardRight| {
                (right.api_group.as_str(), right.resource.as_str()) == (group, named(resource, part).as_str())
                    && right.verdict == verdict
            };
            match found[first..].iter_mut().find(alike) {
                Some(right) => right.verbs.extend(verbs),
                None => found.push(GuardRight {
                    namespace: namespace.clone(),
                    api_group: group.to_owned(),
                    resource: named(resource, part),
                    verbs: verbs.to_vec(),
                    verdict,
                }),
            }
        };
        let of_all = everything.decide(graph, these, at);
        verdicts.push((of_all.clone(), None));
        add(("*", "*", ""), &["*"], of_all);
        for (group, resource, part, verbs, request) in &asked {
            let verdict = request.decide(graph, these, at);
            verdicts.push((verdict.clone(), None));
            add((*group, *resource, *part), verbs, verdict);
        }
        everything.places(graph, at).iter().for_each(|&place| gaps.extend(concerning(graph, &verdicts, place)));
    }
    gaps.sort();
    gaps.dedup();
    (found, gaps)
}

fn named(resource: &str, part: &str) -> String {
    if part.is_empty() { resource.to_owned() } else { [resource, "/", part].concat() }
}

/// Who a user or a group of bindings is in Entra, as far as Azure was read: users by the user principal name or the object id, groups by
/// the object id. Accounts are nobody there.
pub fn entra_principal(access: &AccessGraph, subject: Subject) -> Option<PrincipalIx> {
    if !access.snapshot().azure.given {
        return None;
    }
    let (graph, name) = (access.azure(), access.text(subject.name()));
    let found = match subject {
        Subject::User(_) => graph.by_user_principal_name(name).or_else(|| graph.by_object_id(name)),
        Subject::Group(_) => graph.by_object_id(name),
        Subject::ServiceAccount { .. } => None,
    }?;
    (graph.is_group(found) == matches!(subject, Subject::Group(_))).then_some(found)
}

/// What an Entra principal is called in Kubernetes: a user of the tenant by the user principal name, everybody else by the object id
/// (<https://github.com/kubeguard/guard>, the `azure` authentication provider).
pub fn kubernetes_name<'a>(graph: &'a AzureGraph<'_>, principal: PrincipalIx) -> &'a str {
    let node = graph.principal(principal);
    let name = &node.user_principal_name;
    // Guests log in with another tenant's name.
    if name.is_empty() || name.to_ascii_lowercase().contains("#ext#") { &node.object_id } else { name }
}
