//! What techniques ask of the snapshot: pods, Secrets, roles, bindings and accounts by place and name. Found at the first question
//! and kept.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Attack, Fact, Grant, Groups, Place, PodIx, RoleKey, SecretIx, Version, Workloads, number};
use crate::graph::azure::ScopeIx;
use crate::graph::{AccessGraph, BindingIx, RoleIx};
use crate::model::{
    ClusterId, ControllerKind, GapReason, Identity, MASTERS, NODE_PREFIX, Name, Pod, PodPowers, RoleKind, RuleId,
    SERVICE_ACCOUNTS, Secret, SecretPurpose, ServiceAccount, Snapshot, Subject, SubjectText, is_account_name,
};
use crate::rules::azure;
use crate::rules::finding::{Start, Target};
use crate::rules::held::{Mask, Supply};
use crate::rules::kubernetes::{self, Gives};
use crate::rules::technique::{Blocker, Leads};

impl<'g> Attack<'g> {
    /// The rules of a role that are not taken to be gone, each with its place.
    pub(in crate::rules) fn rules_of(&self, role: RoleIx) -> impl Iterator<Item = (u32, RuleId)> + use<'g> {
        let ask = self.ask;
        let rules = (0_u32..).zip(self.graph.snapshot().rules.set(self.graph.role(role).rules).iter().copied());
        rules.filter(move |&(position, _)| !ask.without_rules.contains(&(role, position)))
    }

    /// The rights of the catalogue that a role supplies.
    pub(in crate::rules) fn supplied(&self, role: RoleIx) -> &[Supply] {
        match self.cut.get(&role) {
            Some(cut) => cut,
            None => self.rights.supplied(self.graph.role(role).rules),
        }
    }

    /// Who a user or a group is in Azure.
    pub(in crate::rules) fn entra(&self, subject: Subject) -> Option<azure::Who> {
        self.bridge.as_ref().and_then(|bridge| bridge.entra(subject))
    }

    /// A scope of Azure and everything above it.
    pub(in crate::rules) fn scopes_above(&self, scope: ScopeIx) -> impl Iterator<Item = ScopeIx> {
        self.bridge.iter().flat_map(move |bridge| bridge.scopes_above(scope))
    }

    /// Those who have roles of Azure in the cluster and no name in its bindings.
    pub(in crate::rules) fn guests(&self) -> Vec<azure::Who> {
        let Some(bridge) = &self.bridge else { return Vec::new() };
        let mut guests = bridge.guests();
        if !guests.is_empty() {
            for who in self.grants.keys().filter_map(|&subject| bridge.entra(subject)) {
                guests.remove(&who);
            }
        }
        guests.into_iter().collect()
    }

    /// Whether identities of Azure accept the tokens of an account.
    pub(in crate::rules) fn is_trusted(&self, account: Subject) -> bool {
        self.find(Fact::Mints(account)).is_some()
    }

    /// The bindings that name a role.
    pub(in crate::rules) fn bindings_to(&self, role: RoleKey) -> &[BindingIx] {
        self.bindings.get(&role).map_or(&[], Vec::as_slice)
    }

    /// The pods of a namespace that are there and have not run to their end.
    pub(in crate::rules) fn pods_in(&self, namespace: Name) -> Vec<PodIx> {
        let here = self.spans.pods.get(&namespace).cloned().unwrap_or_default();
        let pods = &self.graph.snapshot().pods[here.clone()];
        (number(here.start)..).zip(pods).filter(|(_, pod)| !pod.finished).map(|(at, _)| PodIx(at)).collect()
    }

    /// The nodes on which pods of a namespace run that take containers, each with the first of them; static pods take none.
    pub(in crate::rules) fn open_pods(&self, namespace: Name) -> BTreeMap<Name, PodIx> {
        let mut pods = self.pods_in(namespace);
        pods.retain(|&at| !self.pod(at).mirror);
        pods.into_iter().rev().filter_map(|at| Some((self.pod(at).node?, at))).collect()
    }

    /// The pods of a place that have not run to their end, all or those of a name.
    pub(in crate::rules) fn pods_at(&self, place: Place, name: Option<Name>) -> Vec<PodIx> {
        let mut pods = match (place, name) {
            (Place::Namespace(namespace), None) => self.pods_in(namespace),
            (_, Some(name)) => self.pods_named(place, name),
            (_, None) => (0..number(self.graph.snapshot().pods.len())).map(PodIx).collect(),
        };
        pods.retain(|&at| self.pod(at).cluster == self.cluster && !self.pod(at).finished);
        pods
    }

    /// The pods of a place that have a name, also those that have run to their end.
    pub(in crate::rules) fn pods_named(&self, place: Place, name: Name) -> Vec<PodIx> {
        let pods = &self.graph.snapshot().pods;
        let by_name = self.named_pods.get_or_init(|| {
            let here = (0_u32..).zip(pods).filter(|(_, pod)| pod.cluster == self.cluster);
            by(here.map(|(at, pod)| (pod.name, PodIx(at))))
        });
        let all = by_name.get(&name).into_iter().flatten();
        all.copied().filter(|&at| place.has(self.pod(at).namespace)).collect()
    }

    /// The pods that are bound to a node, also those that have run to their end.
    pub(in crate::rules) fn bound_to(&self, node: Name) -> &[PodIx] {
        let by_node = self.bound_pods.get_or_init(|| {
            let pods = (0_u32..).zip(&self.graph.snapshot().pods).filter(|(_, pod)| pod.cluster == self.cluster);
            by(pods.filter_map(|(at, pod)| Some((pod.node?, PodIx(at)))))
        });
        by_node.get(&node).map_or(&[], Vec::as_slice)
    }

    /// What might stop a pod that is more than `baseline` in a namespace, or does; looked up once for each namespace.
    pub(in crate::rules) fn pod_security(&self, namespace: Name) -> Rc<[Blocker]> {
        let mut known = self.security.borrow_mut();
        let own = || kubernetes::blockers(self.graph, self.cluster, namespace).into();
        Rc::clone(known.entry(namespace).or_insert_with(own))
    }

    /// What might refuse a new pod.
    pub(in crate::rules) fn pod_guards(&self) -> Rc<[Blocker]> {
        Rc::clone(self.guards.get_or_init(|| kubernetes::guarded(self.graph, self.cluster)))
    }

    /// The folder of a node that a claim is bound to: what comes with it.
    pub(in crate::rules) fn folder_behind(&self, namespace: Name, claim: Name) -> PodPowers {
        self.folders().get(&(namespace, claim)).copied().unwrap_or_default()
    }

    /// The claims of a namespace that are bound to folders of a node.
    pub(in crate::rules) fn folders_of(&self, namespace: Name) -> Vec<(Name, PodPowers)> {
        let after = self.folders().range((namespace, Name::EMPTY)..);
        after.take_while(|&(&(at, _), _)| at == namespace).map(|(&(_, claim), &powers)| (claim, powers)).collect()
    }

    pub(super) fn folders(&self) -> &BTreeMap<(Name, Name), PodPowers> {
        self.folders.get_or_init(|| {
            let volumes = self.graph.snapshot().volumes.iter();
            let here = volumes.filter(|volume| volume.cluster == self.cluster && !volume.powers.is_empty());
            here.filter_map(|volume| Some((volume.claim?, volume.powers))).collect()
        })
    }

    /// The nodes on which running pods mount a claim.
    pub(in crate::rules) fn nodes_that_mount(&self, namespace: Name, claim: Name) -> Vec<Name> {
        let snapshot = self.graph.snapshot();
        let mounts = |&pod: &PodIx| snapshot.pod_refs.get(self.pod(pod).refs).claims.contains(&claim);
        let pods = self.pods_in(namespace).into_iter().filter(mounts);
        let nodes: BTreeSet<Name> = pods.filter_map(|pod| self.pod(pod).node).collect();
        nodes.into_iter().collect()
    }

    /// The Secrets that belong to each node, as a technique finds them; sorted, and found at the first question.
    pub(in crate::rules) fn secrets_by_node(
        &self,
        find: impl FnOnce() -> Vec<(Name, SecretIx)>,
    ) -> &[(Name, SecretIx)] {
        self.node_secrets.get_or_init(find)
    }

    /// An account, if it was read.
    pub(in crate::rules) fn account(&self, account: Subject) -> Option<&'g ServiceAccount> {
        let Subject::ServiceAccount { namespace, name } = account else { return None };
        let here = self.accounts_read(namespace);
        here.get(here.binary_search_by_key(&name, |one| one.name).ok()?)
    }

    fn accounts_read(&self, namespace: Name) -> &'g [ServiceAccount] {
        let here = self.spans.accounts.get(&namespace).cloned().unwrap_or_default();
        &self.graph.snapshot().service_accounts[here]
    }

    /// The accounts whose tokens lie in running pods of a namespace, as a technique finds them; looked up once for each.
    pub(in crate::rules) fn running_in(&self, namespace: Name, find: impl FnOnce() -> Rc<[Subject]>) -> Rc<[Subject]> {
        let known = self.running.borrow().get(&namespace).cloned();
        known.unwrap_or_else(|| {
            let found = find();
            self.running.borrow_mut().insert(namespace, Rc::clone(&found));
            found
        })
    }

    /// What a shell in a pod leads to; found for all at the first question.
    pub(in crate::rules) fn gives(&self, at: PodIx) -> Gives {
        let all = self.gives.get_or_init(|| {
            let pods = 0..number(self.graph.snapshot().pods.len());
            pods.map(|at| kubernetes::gives(self, PodIx(at))).collect()
        });
        all[at.0 as usize]
    }

    /// Of pods those that lead somewhere, and of those that lead to the same the first.
    pub(in crate::rules) fn worth(&self, pods: Vec<PodIx>) -> Vec<PodIx> {
        let mut seen = FxHashSet::default();
        let leads = |&at: &PodIx| {
            let gives = self.gives(at);
            (!gives.is_empty() && seen.insert(gives)) || self.is_asked(at)
        };
        pods.into_iter().filter(leads).collect()
    }

    /// Whether a pod is asked for.
    pub(in crate::rules) fn is_asked(&self, pod: PodIx) -> bool {
        let pod = Start::Pod(pod);
        self.ask.starts().any(|start| start == pod) || self.ask.to.iter().any(|to| to.start() == Some(pod))
    }

    /// Whether anything is granted to this identity itself, or whether it is asked for.
    pub(in crate::rules) fn is_granted(&self, subject: Subject) -> bool {
        // Whoever is granted something is a fact from the start.
        !self.grants(subject).is_empty() || self.find(Fact::Identity(subject)).is_some()
    }

    /// Whether a binding names this identity, whatever it grants, or whether it is asked for or trusted.
    pub(in crate::rules) fn is_named(&self, subject: Subject) -> bool {
        self.grants.contains_key(&subject) || self.is_trusted(subject)
    }

    /// The same as `is_granted`, or to a group that it is in and not everybody who may start.
    pub(in crate::rules) fn is_somebody(&self, subject: Subject) -> bool {
        self.is_granted(subject) || self.accounts_of(subject).unwrap_or_else(|| self.is_granted_as_member(subject))
    }

    fn is_granted_as_member(&self, subject: Subject) -> bool {
        !self.granted_groups(subject).is_empty()
    }

    /// The groups that an identity is in and that are granted something, but for the one that everybody is in.
    pub(in crate::rules) fn granted_groups(&self, subject: Subject) -> Vec<Subject> {
        let grants = |&group: &Subject| Some(group) != self.common && !self.grants(group).is_empty();
        self.groups(subject).iter().copied().filter(grants).collect()
    }

    /// For an account whether its groups are granted anything; looked up once for each namespace.
    pub(super) fn accounts_of(&self, subject: Subject) -> Option<bool> {
        let Subject::ServiceAccount { namespace, .. } = subject else { return None };
        let known = self.granted.borrow().get(&namespace).copied();
        Some(known.unwrap_or_else(|| {
            let of_group = self.all_accounts_granted || self.accounts_granted.contains(&namespace);
            let any = of_group || self.is_granted_as_member(subject);
            self.granted.borrow_mut().insert(namespace, any);
            any
        }))
    }

    /// Whether a Secret is good for more than the workloads of its namespace, or is asked for.
    pub(in crate::rules) fn is_of_use(&self, secret: SecretIx) -> bool {
        self.secret(secret).purpose != SecretPurpose::Other || self.ask.to.contains(&Target::Secret(secret))
    }

    /// The namespaces of a place in which there is a workload of a kind, any or one of this name, or may be since they were not
    /// read; none where there is no telling.
    pub(in crate::rules) fn with_workload(
        &self,
        kind: ControllerKind,
        place: Place,
        name: Option<Name>,
    ) -> Option<Vec<Name>> {
        let controllers = &self.graph.snapshot().controllers;
        let by_name = self.workloads.get_or_init(|| {
            let mut by_name = Workloads::default();
            for one in controllers.iter().filter(|one| one.cluster == self.cluster) {
                for name in [None, Some(one.name)] {
                    by_name.entry((one.kind, name)).or_default().insert(one.namespace);
                }
            }
            by_name
        });
        if !self.is_stored() && controllers.is_empty() {
            return None;
        }
        let here = by_name.get(&(kind, name)).into_iter().flatten().copied();
        let mut found: Vec<Name> = here.filter(|&namespace| place.has(namespace)).collect();
        if self.is_stored() && !self.read_all(kind.group(), kind.resource(), None) {
            let unread = |namespace: &Name| !self.read_all(kind.group(), kind.resource(), Some(*namespace));
            found.extend(self.namespaces_of(place).into_iter().filter(unread));
            found.sort_unstable();
            found.dedup();
        }
        Some(found)
    }

    /// Whether the cluster was read itself, or dumped in full, and not only manifests of it.
    pub(in crate::rules) fn is_stored(&self) -> bool {
        let clusters = &self.graph.snapshot().clusters;
        clusters.get(usize::from(self.cluster.0)).is_some_and(|cluster| cluster.stored)
    }

    /// A pod.
    pub(in crate::rules) fn pod(&self, at: PodIx) -> &'g Pod {
        &self.graph.snapshot().pods[at.0 as usize]
    }

    /// The Secrets of a namespace that were read, all or the one of a name, but for those taken to be gone.
    pub(in crate::rules) fn secrets_in(&self, namespace: Name, name: Option<Name>) -> Vec<SecretIx> {
        let here = self.spans.secrets.get(&namespace).cloned().unwrap_or_default();
        let secrets = &self.graph.snapshot().secrets[here.clone()];
        let from = name.map_or(0, |name| secrets.partition_point(|secret| secret.name < name));
        let is_it = |secret: &&Secret| name.is_none_or(|name| name == secret.name);
        let all = (number(here.start + from)..).zip(secrets[from..].iter().take_while(is_it));
        all.map(|(at, _)| SecretIx(at)).filter(|at| !self.ask.without_secrets.contains(at)).collect()
    }

    /// The Secrets of a place that have a name and were read, but for those taken to be gone.
    pub(in crate::rules) fn secrets_named(&self, place: Place, name: Name) -> Vec<SecretIx> {
        if let Place::Namespace(namespace) = place {
            return self.secrets_in(namespace, Some(name));
        }
        let by_name = self.named_secrets.get_or_init(|| {
            let secrets = (0_u32..).zip(&self.graph.snapshot().secrets);
            let here = secrets.filter(|(_, secret)| secret.cluster == self.cluster);
            by(here.map(|(at, secret)| (secret.name, SecretIx(at))))
        });
        let all = by_name.get(&name).into_iter().flatten().copied();
        all.filter(|at| !self.ask.without_secrets.contains(at)).collect()
    }

    /// A Secret.
    pub(in crate::rules) fn secret(&self, at: SecretIx) -> &'g Secret {
        &self.graph.snapshot().secrets[at.0 as usize]
    }

    /// Every node that is known, by its own object or by a pod on it.
    pub(in crate::rules) fn nodes(&self) -> Rc<[Name]> {
        let nodes = self.nodes.get_or_init(|| {
            let snapshot = self.graph.snapshot();
            let own = snapshot.nodes.iter().filter(|node| node.cluster == self.cluster).map(|node| node.name);
            let of_pods = snapshot.pods.iter().filter(|pod| pod.cluster == self.cluster).filter_map(|pod| pod.node);
            let mut nodes: Vec<Name> = own.chain(of_pods).collect();
            nodes.sort_unstable();
            nodes.dedup();
            nodes.into()
        });
        Rc::clone(nodes)
    }

    /// The version of the server, if it is known.
    pub(in crate::rules) fn version(&self) -> Option<Version> {
        self.ask.version
    }

    /// Every namespace that something is known of.
    pub(in crate::rules) fn all_namespaces(&self) -> impl Iterator<Item = Name> {
        self.namespaces.iter().copied()
    }

    /// The namespaces of a place, as far as they are known.
    pub(in crate::rules) fn namespaces_of(&self, place: Place) -> Vec<Name> {
        match place {
            Place::Namespace(namespace) => vec![namespace],
            Place::Cluster | Place::EachNamespace => self.namespaces.clone(),
        }
    }

    /// A role by its name.
    pub(in crate::rules) fn key(&self, role: RoleIx) -> RoleKey {
        let role = self.graph.role(role);
        RoleKey { namespace: role.namespace, name: role.name }
    }

    /// The bindings that put a subject itself under roles of use.
    pub(in crate::rules) fn grants(&self, subject: Subject) -> &[Grant] {
        &self.all_grants[self.place_of_grants(subject)]
    }

    /// Where they stand among all.
    pub(super) fn place_of_grants(&self, subject: Subject) -> Range<usize> {
        self.grants.get(&subject).map(|grants| grants.all.clone()).unwrap_or_default()
    }

    /// The groups that an identity is in without anybody's doing, as far as bindings name them.
    pub(in crate::rules) fn groups(&self, subject: Subject) -> Rc<[Subject]> {
        self.groups_and_mask(subject).0
    }

    /// The rights that roles supply to them.
    pub(super) fn mask_of_groups(&self, subject: Subject) -> Mask {
        let known = self.groups.borrow().get(&self.like(subject)).map(|&(_, mask)| mask);
        known.unwrap_or_else(|| self.find_groups(subject).1)
    }

    /// Both.
    pub(super) fn groups_and_mask(&self, subject: Subject) -> Groups {
        let known = self.groups.borrow().get(&self.like(subject)).cloned();
        known.unwrap_or_else(|| self.find_groups(subject))
    }

    fn find_groups(&self, subject: Subject) -> Groups {
        let found: Rc<[Subject]> = groups(self.graph, subject).into();
        let mask = found.iter().fold(Mask::default(), |all, &group| all.with(self.own_mask(group)));
        self.groups.borrow_mut().insert(self.like(subject), (Rc::clone(&found), mask));
        (found, mask)
    }

    /// Somebody who is in the same groups: all accounts of a namespace are, and all users and all groups whose names Kubernetes
    /// gives no meaning.
    fn like(&self, subject: Subject) -> Subject {
        let has_meaning = |name: Name| self.graph.text(name).starts_with("system:");
        match subject {
            Subject::ServiceAccount { namespace, .. } => Subject::ServiceAccount { namespace, name: Name::EMPTY },
            Subject::User(name) if !has_meaning(name) => Subject::User(Name::EMPTY),
            Subject::Group(name) if !has_meaning(name) => Subject::Group(Name::EMPTY),
            _ => subject,
        }
    }

    /// Every namespace that has bindings.
    pub(in crate::rules) fn namespaces(&self) -> Vec<Name> {
        let here = self.graph.scopes().iter().filter(|scope| scope.cluster == self.cluster);
        here.filter_map(|scope| scope.namespace).collect()
    }

    /// A Role under a new name, in each namespace of a place that has bindings, and in any other.
    pub(in crate::rules) fn new_roles(&self, place: Place) -> Vec<RoleKey> {
        let namespaces = match place {
            Place::Namespace(namespace) => vec![namespace],
            Place::Cluster | Place::EachNamespace => [vec![Name::STAR], self.namespaces()].concat(),
        };
        namespaces.into_iter().map(|namespace| RoleKey { namespace: Some(namespace), name: Name::EMPTY }).collect()
    }

    /// The role of a name, if it exists.
    pub(in crate::rules) fn role(&self, role: RoleKey) -> Option<RoleIx> {
        self.roles.get(&role).copied()
    }

    /// The Roles of a place: all that are there, or those of a name, whether or not they are there.
    pub(in crate::rules) fn roles_in(&self, place: Place, name: Option<Name>) -> Vec<RoleKey> {
        let mut found: Vec<RoleKey> = match name {
            Some(name) => self.new_roles(place).into_iter().map(|role| RoleKey { name, ..role }).collect(),
            None => Vec::new(),
        };
        match (place, name) {
            (Place::Namespace(namespace), None) => {
                found.extend(self.roles_by_namespace.get(&namespace).into_iter().flatten())
            }
            (Place::Namespace(_), Some(_)) => {}
            (Place::Cluster | Place::EachNamespace, _) => {
                let named = |role: &&RoleKey| name.is_none_or(|name| name == role.name);
                found.extend(self.roles_by_namespace.values().flatten().filter(named));
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The bindings of a place, all or the one of a name.
    pub(in crate::rules) fn bindings_in(&self, place: Place, name: Option<Name>) -> Vec<BindingIx> {
        let of = |namespace: Option<Name>| self.bindings_by_namespace.get(&namespace).into_iter().flatten().copied();
        let mut found: Vec<BindingIx> = match place {
            Place::Cluster => of(None).collect(),
            Place::Namespace(namespace) => of(Some(namespace)).collect(),
            Place::EachNamespace => {
                let inside = self.bindings_by_namespace.iter().filter(|(namespace, _)| namespace.is_some());
                inside.flat_map(|(_, bindings)| bindings).copied().collect()
            }
        };
        found.retain(|&at| name.is_none_or(|name| name == self.graph.binding(at).name));
        found.sort_unstable();
        found
    }

    /// The accounts of a place, all or those of a name, that have grants: their own, or those of all accounts.
    pub(in crate::rules) fn accounts_in(&self, place: Place, name: Option<Name>) -> Vec<Subject> {
        let names = &self.graph.snapshot().names;
        if name.is_some_and(|name| !is_account_name(names.text(name))) {
            return Vec::new();
        }
        let named = |own: Name| name.is_none_or(|name| name == own);
        // An account without a grant of its own still is in the groups of its namespace.
        let any = names.find("default");
        let default = name.or(any);
        let account = |namespace: Name, name: Name| Subject::ServiceAccount { namespace, name };
        let mut found: Vec<Subject> = Vec::new();
        match place {
            Place::Namespace(namespace) => {
                let own = self.accounts.get(&namespace).into_iter().flatten().filter(|&&own| named(own));
                found.extend(own.map(|&own| account(namespace, own)));
                let granted = self.all_accounts_granted || self.accounts_granted.contains(&namespace);
                found.extend(default.filter(|_| granted).map(|name| account(namespace, name)));
            }
            Place::Cluster | Place::EachNamespace => {
                for (&namespace, own) in &self.accounts {
                    found.extend(own.iter().filter(|&&own| named(own)).map(|&own| account(namespace, own)));
                }
                if let Some(default) = default {
                    let of_all = any.filter(|_| self.all_accounts_granted);
                    found.extend(self.accounts_granted.iter().copied().chain(of_all).map(|at| account(at, default)));
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Whether there is no account of this name, as far as the input can say: it has to hold all accounts of the namespace.
    pub(in crate::rules) fn is_missing(&self, account: Subject) -> bool {
        account.namespace().is_some_and(|namespace| self.missing_in(namespace)(account))
    }

    /// The same for all accounts of a namespace.
    pub(super) fn missing_in(&self, namespace: Name) -> impl Fn(Subject) -> bool + use<'g> {
        absent_among(self.accounts_read(namespace), self.graph, self.cluster, namespace)
    }

    /// Where an account may be missing that has grants; where all accounts have some, that is one of any name.
    pub(in crate::rules) fn where_accounts_are_missing(&self) -> Leads {
        if self.all_accounts_granted {
            return Leads::Anywhere;
        }
        let lacks = |(namespace, names): (&Name, &BTreeSet<Name>)| {
            let account = |&name: &Name| Subject::ServiceAccount { namespace: *namespace, name };
            names.iter().map(account).any(self.missing_in(*namespace)).then_some(*namespace)
        };
        Leads::In(self.accounts.iter().filter_map(lacks).chain(self.accounts_granted.iter().copied()).collect())
    }

    /// Whether there is no such namespace, as far as the input can say.
    pub(in crate::rules) fn lacks_namespace(&self, namespace: Name) -> bool {
        let snapshot = self.graph.snapshot();
        let key = (self.cluster, namespace);
        self.read_all("", "namespaces", None)
            && snapshot.namespaces.binary_search_by_key(&key, |one| (one.cluster, one.name)).is_err()
    }

    /// Whether the Namespaces were read, and this is none of them. Manifests that have some are taken to have all.
    pub(super) fn is_no_namespace_read(&self, namespace: Name) -> bool {
        let all = &self.graph.snapshot().namespaces;
        let first = all.get(all.partition_point(|own| own.cluster < self.cluster));
        first.is_some_and(|own| own.cluster == self.cluster)
            && all.binary_search_by_key(&(self.cluster, namespace), |own| (own.cluster, own.name)).is_err()
            && !is_hidden(self.graph, "", "namespaces", None)
    }

    /// Whether a list of the cluster was read in full.
    pub(super) fn read_all(&self, api_group: &str, resource: &str, namespace: Option<Name>) -> bool {
        read_all(self.graph, self.cluster, api_group, resource, namespace)
    }

    /// Whether a subject is the group that is let through before any authorizer is asked.
    pub(super) fn is_masters(&self, subject: Subject) -> bool {
        matches!(subject, Subject::Group(name) if self.graph.text(name) == MASTERS)
    }

    /// Every user, or every group but system:masters, that has grants.
    pub(in crate::rules) fn granted(&self, of_kind: fn(Subject) -> bool) -> Vec<Subject> {
        let granted = self.grants.keys().copied().filter(|&subject| of_kind(subject) && !self.is_masters(subject));
        let subjects: BTreeSet<Subject> = granted.collect();
        subjects.into_iter().collect()
    }

    /// The kubelet of a node, if it is granted something by its name or is asked for.
    pub(in crate::rules) fn granted_kubelet(&self, node: Name) -> Option<Subject> {
        let names = &self.graph.snapshot().names;
        let granted = self.granted_kubelets.get_or_init(|| {
            let node = |&subject: &Subject| match subject {
                Subject::User(name) => Some((names.find(self.graph.text(name).strip_prefix(NODE_PREFIX)?)?, subject)),
                Subject::Group(_) | Subject::ServiceAccount { .. } => None,
            };
            self.grants.keys().filter_map(node).collect()
        });
        granted.get(&node).copied()
    }

    /// The identity of a node's kubelet.
    pub(in crate::rules) fn user_of_node(&self, node: Name) -> Option<Subject> {
        Subject::find_user(&self.graph.snapshot().names, &[NODE_PREFIX, self.graph.text(node)].concat())
    }

    /// Whether a binding counts.
    pub(in crate::rules) fn counts(&self, binding: BindingIx) -> bool {
        !self.ask.without.contains(&binding)
    }
}

/// Where the objects of each namespace stand in the lists of a snapshot, which are sorted by cluster and namespace.
pub(super) struct Spans {
    pods: FxHashMap<Name, Range<usize>>,
    secrets: FxHashMap<Name, Range<usize>>,
    accounts: FxHashMap<Name, Range<usize>>,
}

impl Spans {
    pub(super) fn new(snapshot: &Snapshot, cluster: ClusterId) -> Spans {
        Spans {
            pods: spans(&snapshot.pods, cluster, |pod| (pod.cluster, pod.namespace)),
            secrets: spans(&snapshot.secrets, cluster, |secret| (secret.cluster, secret.namespace)),
            accounts: spans(&snapshot.service_accounts, cluster, |account| (account.cluster, account.namespace)),
        }
    }
}

fn spans<T>(all: &[T], cluster: ClusterId, place: fn(&T) -> (ClusterId, Name)) -> FxHashMap<Name, Range<usize>> {
    let mut from = 0;
    let span = |here: &[T]| {
        let span = from..from + here.len();
        from = span.end;
        let (own, namespace) = place(&here[0]);
        (own == cluster).then_some((namespace, span))
    };
    all.chunk_by(|one, next| place(one) == place(next)).filter_map(span).collect()
}

/// Things by a name.
fn by<T>(all: impl Iterator<Item = (Name, T)>) -> FxHashMap<Name, Vec<T>> {
    let mut by_name: FxHashMap<Name, Vec<T>> = FxHashMap::default();
    all.for_each(|(name, one)| by_name.entry(name).or_default().push(one));
    by_name
}

/// Whether there is no account of this name, as far as the input can say: it has to hold all accounts of the namespace.
pub(in crate::rules) fn is_absent(graph: &AccessGraph, cluster: ClusterId, account: Subject) -> bool {
    let Some(namespace) = account.namespace() else { return false };
    let (all, key) = (&graph.snapshot().service_accounts, (cluster, namespace));
    let here = &all[all.partition_point(|one| (one.cluster, one.namespace) < key)..];
    let here = &here[..here.partition_point(|one| (one.cluster, one.namespace) == key)];
    absent_among(here, graph, cluster, namespace)(account)
}

/// The same for all accounts of a namespace, with those that were read of it.
fn absent_among<'g>(
    here: &'g [ServiceAccount],
    graph: &'g AccessGraph,
    cluster: ClusterId,
    namespace: Name,
) -> impl Fn(Subject) -> bool + use<'g> {
    let snapshot = graph.snapshot();
    let has = move |name: Name| here.binary_search_by_key(&name, |one| one.name).is_ok();
    // A controller makes the account `default` in every namespace, so where it is, all others that exist are as well.
    let dumped = snapshot.names.find("default").is_some_and(has);
    let whole = dumped || read_all(graph, cluster, "", "serviceaccounts", Some(namespace));
    move |account| matches!(account, Subject::ServiceAccount { name, .. } if whole && !has(name))
}

/// Whether a list of the cluster was read in full.
pub(super) fn read_all(
    graph: &AccessGraph,
    cluster: ClusterId,
    api_group: &str,
    resource: &str,
    namespace: Option<Name>,
) -> bool {
    let clusters = &graph.snapshot().clusters;
    let stored = clusters.get(usize::from(cluster.0)).is_some_and(|cluster| cluster.stored);
    stored && !is_hidden(graph, api_group, resource, namespace)
}

/// Whether some of a list could not be read.
fn is_hidden(graph: &AccessGraph, api_group: &str, resource: &str, namespace: Option<Name>) -> bool {
    let namespace = namespace.map(|namespace| graph.text(namespace));
    let hides = |gap: &crate::model::Gap| {
        gap.reason == GapReason::Unreadable
            || (gap.resource == resource
                && gap.api_group == api_group
                && match (&gap.namespace, namespace) {
                    (Some(gap), Some(namespace)) => gap == namespace,
                    (None, Some(namespace)) => !gap.except.iter().any(|except| except == namespace),
                    _ => true,
                })
    };
    graph.snapshot().gaps.iter().any(hides)
}

/// Where a role of the namespace can be bound.
pub(in crate::rules) fn place_in(namespace: Name) -> Place {
    if namespace == Name::STAR { Place::EachNamespace } else { Place::Namespace(namespace) }
}

/// Where a binding holds.
pub(in crate::rules) fn place_of(namespace: Option<Name>) -> Place {
    namespace.map_or(Place::Cluster, Place::Namespace)
}

/// The role that a binding names, whether or not it exists; none for a reference that can never be one.
pub(in crate::rules) fn role_key(graph: &AccessGraph, at: BindingIx) -> Option<RoleKey> {
    let binding = graph.binding(at);
    let namespace = match binding.role.kind {
        RoleKind::ClusterRole => None,
        RoleKind::Role => Some(binding.namespace?),
        RoleKind::Other(_) => return None,
    };
    Some(RoleKey { namespace, name: binding.role.name })
}

/// The groups that an identity is in without anybody's doing, as far as bindings name them.
pub(in crate::rules) fn groups(graph: &AccessGraph, subject: Subject) -> Vec<Subject> {
    let names = &graph.snapshot().names;
    let text = subject.request_name(names);
    let identity = match subject {
        Subject::Group(_) => Identity::of(&SubjectText::Group(text)),
        Subject::User(_) | Subject::ServiceAccount { .. } => Identity::of(&SubjectText::User(text)),
    };
    let groups = identity.groups.iter().filter_map(|group| names.find(group).map(Subject::Group));
    groups.filter(|&group| group != subject).collect()
}

/// The namespace whose accounts are in a group, if that is what it is of.
pub(super) fn namespace_of_accounts(graph: &AccessGraph, group: Name) -> Option<Name> {
    let rest = graph.text(group).strip_prefix(SERVICE_ACCOUNTS)?;
    rest.strip_prefix(':').and_then(|name| graph.snapshot().names.find(name))
}

/// Every namespace that is there, or that something is known to be in, sorted.
pub(super) fn namespaces(graph: &AccessGraph, cluster: ClusterId, spans: &Spans) -> Vec<Name> {
    let snapshot = graph.snapshot();
    let scopes = graph.scopes().iter().filter(|scope| scope.cluster == cluster).filter_map(|scope| scope.namespace);
    let own = snapshot.namespaces.iter().filter(|own| own.cluster == cluster).map(|own| own.name);
    let pods = spans.pods.keys().copied();
    let secrets = spans.secrets.keys().copied();
    let of_subject = |subject: Subject| match subject {
        Subject::Group(name) => namespace_of_accounts(graph, name),
        Subject::User(_) | Subject::ServiceAccount { .. } => subject.namespace(),
    };
    let subjects = snapshot.subjects.iter().filter_map(|(_, subject)| of_subject(subject));
    let mut all: Vec<Name> = scopes.chain(own).chain(pods).chain(secrets).chain(subjects).collect();
    // Those of one kind stand together.
    all.dedup();
    all.sort_unstable();
    all.dedup();
    all
}
