//! The attack graph: facts about what an attacker has, and steps from some of them to another. Built once for all who may start.
//!
//! Subjects and what they can be are never joined one by one: a subject leads to a request, a request to what it gains, and both
//! exist once for each place. Steps only add, so nothing that was gained is ever lost.

mod ask;
mod expand;
mod facts;
mod input;
mod steps;

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::BuildHasher;
use std::ops::Range;
use std::rc::Rc;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use super::azure::{AzureFact, Bridge};
use super::catalogue::CATALOGUE;
use super::finding::Start;
use super::held::{Held, Mask, RequestIx, Rights, Site, Supply};
use super::kubernetes;
use super::pins::{self, Pin};
use super::solve::Ask;
use super::technique::{Blocker, Leads, Technique};
use crate::graph::{AccessGraph, BindingIx, RoleIx};
use crate::model::{AUTHENTICATED, ClusterId, ControllerKind, Name, PodPowers, RuleSetId, SERVICE_ACCOUNTS, Subject};

pub use facts::{Effect, Place, PodIx, RoleKey, SecretIx, Version};
pub(super) use facts::{Fact, How, Marks, OnHalf, Pose, Share, Step, Table, Who, Whole, Writer, WritesBy};
use input::{Spans, namespace_of_accounts, namespaces};
pub(super) use input::{groups, is_absent, place_in, place_of, role_key};
pub(super) use steps::Links;
use steps::Steps;

/// A binding that puts a subject under a role which grants a right of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Grant {
    pub(super) place: Place,
    pub(super) binding: BindingIx,
    pub(super) role: RoleIx,
}

/// What bindings grant a subject by itself, and which rights that are.
#[derive(Default)]
struct Grants {
    /// Where they stand among all, sorted; each role once a place.
    all: Range<usize>,
    mask: Mask,
}

/// A request, the object that it is about and the other one.
type PlanWay = (RequestIx, Option<Name>, Option<Name>);

/// A role that lost rules, or else the rule set of all that have it, and whether it is bound in the cluster.
type PlanKey = (Option<RoleIx>, RuleSetId, bool);

/// The requests that may be completed for whoever is under a role, by its plan and whether with credentials.
type Completed = FxHashMap<(*const Plan, bool), Rc<[RequestIx]>>;

/// Groups, and the rights that roles supply to them.
type Groups = (Rc<[Subject]>, Mask);

/// What the rights that a rule set supplies allow by themselves, wherever they are held.
pub(super) struct Plan {
    ways: Box<[PlanWay]>,
    /// The rights that are supplied for some objects, and those for every object.
    pub(super) some: Mask,
    pub(super) any: Mask,
    /// Whether any of them is a part of a request that takes several, or impersonates.
    is_part: bool,
}

/// A way to make a request, as techniques are told of it.
pub(super) struct Done {
    /// The request's place in the technique.
    pub(super) within: usize,
    /// The technique.
    pub(super) technique: &'static Technique,
    /// The fact that it can be made.
    pub(super) fact: u32,
    /// The identity that makes it; none for any of the attacker's.
    pub(super) by: Option<Subject>,
    /// The number of the step that this way is.
    pub(super) step: u32,
    /// Where and on what.
    pub(super) site: Site,
    /// Whether no other way to make it was known before. What follows from the request alone needs to be said once.
    pub(super) first: bool,
    /// The roles that grant the first right, any of them, and the facts that an identity is under them.
    pub(super) under: Vec<(RoleKey, u32)>,
}

/// The graph under construction, and what techniques need to know.
pub(super) struct Attack<'g> {
    pub(super) graph: &'g AccessGraph,
    pub(super) cluster: ClusterId,
    pub(super) rights: Rights,
    pub(super) facts: Vec<Fact>,
    steps: Steps,
    /// The facts by themselves.
    ids: HashTable<u32>,
    queue: VecDeque<u32>,
    /// Everybody as whom somebody may act, and which rights roles supply to them and their groups.
    acting: Vec<(Subject, Mask)>,
    /// The subjects that may start, sorted.
    begin: Vec<Subject>,
    /// A group that everybody is in who may start, so that nobody comes to be in it.
    common: Option<Subject>,
    /// The new pods that can be run, until somebody asks whether there is any, and whether somebody did.
    new_pods: Vec<u32>,
    any_pod_counts: bool,
    /// The requests that some way to make is known of.
    asked: FxHashSet<u32>,
    /// What puts every subject of a binding under roles by itself.
    grants: FxHashMap<Subject, Grants>,
    all_grants: Vec<Grant>,
    /// Those of them who may impersonate, and whether a group is among them that Kubernetes itself puts identities into.
    lenders: FxHashSet<Subject>,
    groups_lend: bool,
    /// Whether a group is granted a right of a request that is about the identity which makes it.
    groups_pose: bool,
    /// What roles allow, each rule set looked at once.
    plans: RefCell<FxHashMap<PlanKey, Rc<Plan>>>,
    /// The same for each role, bound in the cluster or not.
    plan_of: Vec<[OnceCell<Rc<Plan>>; 2]>,
    /// The roles that somebody is under, and where; and those that nothing was asked of yet.
    unders: Vec<u32>,
    unasked: Vec<u32>,
    /// By their numbers, whether bindings which were read put somebody under them.
    granted_unders: Vec<bool>,
    /// The groups of each subject that was asked about, and the rights that roles supply to these; accounts by their namespaces.
    groups: RefCell<FxHashMap<Subject, Groups>>,
    /// What can be given to every identity, sorted; and what came to it since it was last looked at.
    made: Rc<Vec<Held>>,
    made_mask: Mask,
    /// What it may complete.
    completed: Completed,
    fresh: Vec<Held>,
    /// How many rights there were to give when those that are as good as this one were last looked up.
    served: FxHashMap<(u8, Place, Option<Name>), usize>,
    ask: &'g Ask,
    /// Whether requests are left out that lead nowhere or do no more than others.
    thrifty: bool,
    /// The way into Azure, if there is one.
    pub(super) bridge: Option<Rc<Bridge<'g>>>,
    /// The requests that write bindings: which of `bind-held-role`, where, and the fact.
    pub(super) binds: Vec<(usize, Site, u32)>,
    pub(super) shares: Table<Share>,
    pub(super) wholes: Table<Whole>,
    pub(super) posing: Table<Pose>,
    /// The requests that those who are under roles make only together.
    pub(super) halves: Option<kubernetes::Halves>,
    /// Identities that are put together.
    pub(super) joint: kubernetes::Joint,
    /// What constrained impersonation has looked at.
    pub(super) poses: kubernetes::Poses,
    /// Where each request may lead anywhere.
    leads: Vec<Leads>,
    /// The techniques that look at facts.
    reacting: Vec<fn(&mut Attack<'_>, Fact, u32)>,
    /// Every namespace that something is known of, sorted.
    namespaces: Vec<Name>,
    /// Those that are not there and of which identities of Azure trust accounts: nothing is done in them, but that somebody who makes
    /// the account may be it.
    trusted_namespaces: BTreeSet<Name>,
    spans: Spans,
    roles: FxHashMap<RoleKey, RoleIx>,
    /// What roles supply of which rules are taken to be gone.
    cut: FxHashMap<RoleIx, Vec<Supply>>,
    bindings: FxHashMap<RoleKey, Vec<BindingIx>>,
    accounts: BTreeMap<Name, BTreeSet<Name>>,
    /// The namespaces whose accounts are granted something as a group, and whether all accounts are.
    accounts_granted: BTreeSet<Name>,
    all_accounts_granted: bool,
    roles_by_namespace: FxHashMap<Name, Vec<RoleKey>>,
    bindings_by_namespace: FxHashMap<Option<Name>, Vec<BindingIx>>,
    /// The facts that allow a role to be rewritten, and the places at which it is held.
    writers: FxHashMap<RoleKey, Vec<u32>>,
    holders: FxHashMap<RoleKey, Vec<(Place, u32)>>,
    bound: FxHashMap<RoleKey, Vec<(Place, u32)>>,
    /// Roles that are named and do not exist.
    pub(super) missing: BTreeSet<RoleKey>,
    /// Requests that make accounts: where, and the fact.
    account_makers: FxHashMap<Place, Vec<(usize, Site, u32)>>,
    /// Requests that make a role which does not exist: where, the fact, and what is gained.
    creators: Vec<Creator>,
    /// The pods and the Secrets of each name, the pods of each node, and where there are workloads, each found at the first question.
    named_pods: OnceCell<FxHashMap<Name, Vec<PodIx>>>,
    named_secrets: OnceCell<FxHashMap<Name, Vec<SecretIx>>>,
    workloads: OnceCell<Workloads>,
    bound_pods: OnceCell<FxHashMap<Name, Vec<PodIx>>>,
    /// What comes with the folders of nodes that claims are bound to.
    folders: OnceCell<BTreeMap<(Name, Name), PodPowers>>,
    node_secrets: OnceCell<Vec<(Name, SecretIx)>>,
    /// Every node, and of the kubelets those that are granted something, by their nodes.
    nodes: OnceCell<Rc<[Name]>>,
    granted_kubelets: OnceCell<FxHashMap<Name, Subject>>,
    /// The accounts whose tokens lie in running pods of each namespace that was asked about.
    running: RefCell<FxHashMap<Name, Rc<[Subject]>>>,
    /// What a shell in each pod leads to.
    gives: OnceCell<Vec<kubernetes::Gives>>,
    /// What Pod Security says in each namespace that was asked about.
    security: RefCell<FxHashMap<Name, Rc<[Blocker]>>>,
    /// What might refuse a new pod.
    guards: OnceCell<Rc<[Blocker]>>,
    /// Whether the groups of a namespace's accounts are granted anything.
    granted: RefCell<FxHashMap<Name, bool>>,
    /// The bindings that may be made under names that they have to have.
    pins: RefCell<BTreeSet<Pin>>,
}

/// The namespaces that have a workload of a kind, any or one of a name.
type Workloads = FxHashMap<(ControllerKind, Option<Name>), BTreeSet<Name>>;

/// Where a request that makes a role is possible, its fact, and what the new role gains.
type Creator = (Site, u32, fn(RoleKey) -> Fact);

impl<'g> Attack<'g> {
    /// The graph of everything that the objects of a cluster, but for those taken to be gone, add up to.
    pub(super) fn new(graph: &'g AccessGraph, ask: &'g Ask) -> Attack<'g> {
        Attack::grown(graph, ask, true)
    }

    /// The same with every request, whether or not it leads anywhere or does as much as another one: the slow twin.
    #[cfg(test)]
    pub(super) fn slowly(graph: &'g AccessGraph, ask: &'g Ask) -> Attack<'g> {
        Attack::grown(graph, ask, false)
    }

    /// The same graph for another question, as thrifty as this one.
    pub(super) fn again<'a>(&'a self, ask: &'a Ask) -> Attack<'a> {
        Attack::grown(self.graph, ask, self.thrifty)
    }

    fn grown(graph: &'g AccessGraph, ask: &'g Ask, thrifty: bool) -> Attack<'g> {
        let cluster = ask.cluster;
        let of_cluster = |(at, role): (RoleIx, &crate::model::Role)| {
            (role.cluster == cluster).then_some((RoleKey { namespace: role.namespace, name: role.name }, at))
        };
        let spans = Spans::new(graph.snapshot(), cluster);
        let mut attack = Attack {
            graph,
            cluster,
            rights: Rights::new(graph),
            facts: Vec::new(),
            steps: Steps::default(),
            ids: HashTable::new(),
            queue: VecDeque::new(),
            acting: Vec::new(),
            begin: Vec::new(),
            common: None,
            new_pods: Vec::new(),
            any_pod_counts: false,
            asked: FxHashSet::default(),
            grants: FxHashMap::default(),
            all_grants: Vec::new(),
            lenders: FxHashSet::default(),
            groups_lend: false,
            groups_pose: false,
            plans: RefCell::default(),
            plan_of: graph.roles().map(|_| Default::default()).collect(),
            unders: Vec::new(),
            unasked: Vec::new(),
            granted_unders: Vec::new(),
            groups: RefCell::default(),
            made: Rc::default(),
            made_mask: Mask::default(),
            completed: Completed::default(),
            fresh: Vec::new(),
            served: FxHashMap::default(),
            ask,
            thrifty,
            bridge: Bridge::new(graph, ask).map(Rc::new),
            binds: Vec::new(),
            shares: Table::default(),
            wholes: Table::default(),
            posing: Table::default(),
            halves: None,
            joint: kubernetes::Joint::default(),
            poses: kubernetes::Poses::default(),
            leads: Vec::new(),
            reacting: CATALOGUE.iter().filter_map(|technique| technique.react).collect(),
            namespaces: namespaces(graph, cluster, &spans),
            trusted_namespaces: BTreeSet::new(),
            spans,
            roles: graph.roles().filter_map(of_cluster).collect(),
            cut: FxHashMap::default(),
            bindings: FxHashMap::default(),
            accounts: BTreeMap::new(),
            accounts_granted: BTreeSet::new(),
            all_accounts_granted: false,
            roles_by_namespace: FxHashMap::default(),
            bindings_by_namespace: FxHashMap::default(),
            writers: FxHashMap::default(),
            holders: FxHashMap::default(),
            bound: FxHashMap::default(),
            missing: BTreeSet::new(),
            account_makers: FxHashMap::default(),
            creators: Vec::new(),
            named_pods: OnceCell::new(),
            named_secrets: OnceCell::new(),
            workloads: OnceCell::new(),
            bound_pods: OnceCell::new(),
            folders: OnceCell::new(),
            node_secrets: OnceCell::new(),
            nodes: OnceCell::new(),
            granted_kubelets: OnceCell::new(),
            pins: RefCell::default(),
            running: RefCell::default(),
            gives: OnceCell::new(),
            security: RefCell::default(),
            guards: OnceCell::new(),
            granted: RefCell::default(),
        };
        attack.read();
        let leads = |request| match attack.rights.technique(request) {
            (Technique { leads: Some(leads), .. }, within) if thrifty => leads(&attack, within),
            _ => Leads::Anywhere,
        };
        attack.leads = attack.rights.requests().map(leads).collect();
        attack.grow();
        attack
    }

    /// Reads what subjects hold.
    fn read(&mut self) {
        let graph = self.graph;
        // About as many as there will be, so that the table hardly grows.
        self.ids.reserve(2 * (graph.snapshot().subjects.len() + graph.snapshot().pods.len()), |_| 0);
        let roles: BTreeSet<RoleIx> = self.ask.without_rules.iter().map(|&(role, _)| role).collect();
        for role in roles {
            let supplied = self.rights.supplied_by(graph, self.rules_of(role));
            self.cut.insert(role, supplied);
        }
        for (at, binding) in graph.bindings() {
            if binding.cluster != self.cluster || self.ask.without.contains(&at) {
                continue;
            }
            self.bindings_by_namespace.entry(binding.namespace).or_default().push(at);
            if let Some(role) = role_key(graph, at) {
                self.bindings.entry(role).or_default().push(at);
                if graph.role_of(at).is_none() {
                    self.missing.insert(role);
                }
            }
        }
        self.read_grants();
        let lends = |grants: &Grants| !grants.mask.and(self.rights.impersonating()).is_empty();
        self.lenders = self.grants.iter().filter(|(_, grants)| lends(grants)).map(|(&subject, _)| subject).collect();
        let is_implied =
            |subject: &Subject| matches!(subject, Subject::Group(name) if graph.text(*name).starts_with("system:"));
        self.groups_lend = self.lenders.iter().any(is_implied);
        let poses = self.rights.unshared().iter().fold(Mask::default(), |all, &one| all.with(self.rights.mask_of(one)));
        let pose = |(subject, grants): (&Subject, &Grants)| {
            matches!(subject, Subject::Group(_)) && !grants.mask.and(poses).is_empty()
        };
        self.groups_pose = self.grants.iter().any(pose);
        for &role in self.roles.keys() {
            if let Some(namespace) = role.namespace {
                self.roles_by_namespace.entry(namespace).or_default().push(role);
            }
        }
        let writes = |subject: Subject| self.bridge.as_ref().is_some_and(|bridge| bridge.writes_any(self, subject));
        let mut subjects: Vec<Subject> = self
            .grants
            .iter()
            .filter(|(subject, grants)| {
                self.groups_pose || !grants.all.is_empty() || writes(**subject) || self.is_masters(**subject)
            })
            .map(|(&subject, _)| subject)
            .collect();
        subjects.sort_unstable();
        for &subject in &subjects {
            if let Subject::Group(group) = subject {
                self.accounts_granted.extend(namespace_of_accounts(graph, group));
                self.all_accounts_granted |= graph.text(group) == SERVICE_ACCOUNTS;
            }
        }
        let guests = self.guests();
        let may = self.thrifty && guests.is_empty() && self.ask.from.is_none() && !self.groups_pose;
        self.common = self.common(&subjects).filter(|_| may);
        for &subject in &subjects {
            self.fact(Fact::Identity(subject));
            self.log_in(subject);
        }
        let by_a_group =
            |subject: &Subject| self.groups(*subject).iter().any(|group| subjects.binary_search(group).is_ok());
        self.begin = self.grants.keys().copied().filter(by_a_group).chain(subjects.iter().copied()).collect();
        self.read_trusted();
        self.begin.sort_unstable();
        self.begin.dedup();
        for who in guests {
            self.fact(Fact::Azure(AzureFact::Token(who)));
        }
        for start in self.ask.starts().chain(self.ask.to.iter().filter_map(|to| to.start())) {
            match start {
                Start::Subject(subject) => {
                    if let Subject::ServiceAccount { namespace, name } = subject {
                        self.accounts.entry(namespace).or_default().insert(name);
                    }
                    self.grants.entry(subject).or_default();
                    self.fact(Fact::Identity(subject));
                    self.log_in(subject);
                }
                Start::Pod(pod) => {
                    self.fact(Fact::Pod(pod));
                }
                Start::Pods(namespace) => {
                    self.fact(Fact::Pods(Place::Namespace(namespace)));
                }
                Start::Azure(who) => {
                    self.fact(Fact::Azure(AzureFact::Token(who)));
                }
            }
        }
        kubernetes::masters(self);
    }

    /// Reads what bindings grant each subject.
    fn read_grants(&mut self) {
        let graph = self.graph;
        let subjects = &graph.snapshot().subjects;
        let of_use: Vec<bool> = graph.roles().map(|(role, _)| !self.supplied(role).is_empty()).collect();
        self.grants.reserve(subjects.len());
        let (mut own, mut seen) = (Vec::new(), FxHashSet::default());
        for (id, subject) in subjects.iter() {
            let here = |&&at: &&BindingIx| graph.binding(at).cluster == self.cluster && self.counts(at);
            let mut bindings = graph.bindings_of(id).iter().filter(here).peekable();
            if bindings.peek().is_none() {
                continue;
            }
            let grant = |&binding: &BindingIx| {
                let role = graph.role_of(binding).filter(|role| of_use[role.place()])?;
                Some(Grant { place: place_of(graph.binding(binding).namespace), binding, role })
            };
            own.extend(bindings.filter_map(grant));
            if own.len() > 1 {
                // The first binding will do.
                seen.clear();
                own.sort_unstable();
                own.retain(|grant| seen.insert((grant.place, grant.role)));
            }
            let plans = own.iter().map(|grant| self.plan(grant.role, grant.place).some);
            let mask = plans.fold(Mask::default(), Mask::with);
            let from = self.all_grants.len();
            self.all_grants.append(&mut own);
            self.grants.insert(subject, Grants { all: from..self.all_grants.len(), mask });
            if let Subject::ServiceAccount { namespace, name } = subject {
                self.accounts.entry(namespace).or_default().insert(name);
            }
        }
    }

    /// The subjects that may start where nobody else is asked for: those whom bindings name and who are granted something of use,
    /// themselves or by a group; sorted.
    pub(super) fn begin(&self) -> &[Subject] {
        &self.begin
    }

    /// The group of all who log in, if all of these subjects are in it.
    fn common(&self, subjects: &[Subject]) -> Option<Subject> {
        let all = self.graph.snapshot().names.find(AUTHENTICATED).map(Subject::Group)?;
        let is_in = |&subject: &Subject| subject == all || self.groups(subject).contains(&all);
        subjects.iter().all(is_in).then_some(all)
    }

    /// What a user or a group has in Azure by itself.
    fn log_in(&mut self, subject: Subject) {
        if let Some(who) = self.entra(subject) {
            self.fact(Fact::Azure(AzureFact::Token(who)));
        }
    }

    /// Accounts whose tokens identities of Azure accept are worth something though nothing is granted to them.
    fn read_trusted(&mut self) {
        let Some(bridge) = self.bridge.clone() else { return };
        for account in bridge.trusted_accounts() {
            let Subject::ServiceAccount { namespace, name } = account else { continue };
            self.accounts.entry(namespace).or_default().insert(name);
            // That Azure names a namespace does not make it one.
            match self.namespaces.binary_search(&namespace) {
                Err(_) if self.is_no_namespace_read(namespace) => {
                    self.trusted_namespaces.insert(namespace);
                }
                Err(at) => self.namespaces.insert(at, namespace),
                Ok(_) => {}
            }
            self.fact(Fact::Identity(account));
            self.fact(Fact::Mints(account));
            self.begin.push(account);
        }
    }

    /// Adds steps until nothing new follows.
    fn grow(&mut self) {
        loop {
            while let Some(fact) = self.queue.pop_front() {
                self.expand(fact);
                if self.queue.is_empty() {
                    self.ask_roles();
                }
            }
            kubernetes::share(self);
            kubernetes::join(self);
            if self.fresh.is_empty() && self.queue.is_empty() {
                return;
            }
            if self.fresh.is_empty() {
                continue;
            }
            // Rights that can be given to everybody complete what others hold a part of.
            let made = Rc::make_mut(&mut self.made);
            let fresh = Rights::mask(&self.fresh);
            made.append(&mut self.fresh);
            made.sort_unstable();
            self.made_mask = Rights::mask(made);
            self.completed.clear();
            let mut known = Completed::default();
            for id in self.unders.clone() {
                self.complete(id, fresh, &mut known);
            }
            self.ask_all(fresh);
            self.ask_made(fresh);
        }
    }

    /// The roles that somebody is under by a binding that was read, where, and the fact.
    pub(super) fn unders(&self) -> Vec<(RoleIx, Place, u32)> {
        let under = |&id: &u32| match self.facts[id as usize] {
            Fact::Under(role, place, false) => Some((role, place, id)),
            _ => None,
        };
        let granted = |&&id: &&u32| self.granted_unders.get(id as usize).copied().unwrap_or_default();
        self.unders.iter().filter(granted).filter_map(under).collect()
    }

    /// Everybody that is a fact.
    pub(super) fn identities(&self) -> Vec<Subject> {
        self.acting.iter().map(|&(subject, _)| subject).collect()
    }

    /// Those of them to whom roles supply one of these rights, themselves or by a group.
    pub(super) fn identities_with(&self, rights: Mask) -> Vec<Subject> {
        self.acting.iter().filter(|(_, own)| !own.and(rights).is_empty()).map(|&(subject, _)| subject).collect()
    }

    /// The number of a fact, added if it is new.
    pub(super) fn fact(&mut self, fact: Fact) -> u32 {
        self.fact_and_new(fact).0
    }

    /// The same, and whether it is new.
    fn fact_and_new(&mut self, fact: Fact) -> (u32, bool) {
        let fact = self.plain(fact);
        let facts = &self.facts;
        let rehash = |&id: &u32| FxBuildHasher.hash_one(facts[id as usize]);
        let entry = self.ids.entry(FxBuildHasher.hash_one(fact), |&id| facts[id as usize] == fact, rehash);
        let id = match entry {
            Entry::Occupied(known) => return (*known.get(), false),
            Entry::Vacant(entry) => *entry.insert(number(facts.len())).get(),
        };
        self.facts.push(fact);
        if let Fact::Acts(subject) = fact {
            let mask = self.mask(subject);
            self.acting.push((subject, mask));
        }
        self.queue.push_back(id);
        (id, true)
    }

    /// Credentials are no more than acting as somebody where nothing is granted for which it takes credentials.
    fn plain(&self, fact: Fact) -> Fact {
        match fact {
            Fact::Identity(subject) if !self.lends(subject) => Fact::Acts(subject),
            _ => fact,
        }
    }

    /// The number of a fact that is there.
    pub(super) fn find(&self, fact: Fact) -> Option<u32> {
        let fact = self.plain(fact);
        self.ids.find(FxBuildHasher.hash_one(fact), |&id| self.facts[id as usize] == fact).copied()
    }

    /// Adds a step, unless one with the same needs and gain is there. Gives whether it is new.
    pub(super) fn step(&mut self, needs: Vec<u32>, gain: Fact, how: How) -> bool {
        self.step_unless(needs, gain, how, None)
    }

    /// The same for a step that something stops or might. One that is stopped is not the same as one that is not.
    pub(super) fn step_unless(
        &mut self,
        needs: Vec<u32>,
        gain: Fact,
        how: How,
        blockers: Option<Rc<[Blocker]>>,
    ) -> bool {
        let gain = self.fact(gain);
        self.step_to(needs, gain, how, blockers)
    }

    fn step_to(&mut self, mut needs: Vec<u32>, gain: u32, how: How, blockers: Option<Rc<[Blocker]>>) -> bool {
        needs.sort_unstable();
        needs.dedup();
        self.add(&needs, gain, how, blockers)
    }

    /// Adds a step whose needs are sorted.
    fn add(&mut self, needs: &[u32], gain: u32, how: How, blockers: Option<Rc<[Blocker]>>) -> bool {
        // What needs itself brings nothing.
        if needs.contains(&gain) {
            return false;
        }
        self.steps.add(&self.facts, needs, gain, how, blockers)
    }

    /// Adds a step that needs one fact and that nobody else adds: each fact is expanded once.
    fn link(&mut self, need: u32, gain: Fact, how: How) {
        let gain = self.fact(gain);
        self.link_to(need, gain, how);
    }

    fn link_to(&mut self, need: u32, gain: u32, how: How) {
        if gain != need {
            self.steps.push(&self.facts, &[need], gain, how, false);
        }
    }

    /// Adds a step of a technique that follows from a fact alone, when the fact is new.
    pub(super) fn leads_to(&mut self, technique: &'static Technique, need: u32, effect: Effect, gain: Fact) {
        self.link(need, gain, How::Does { technique, effect });
    }

    /// What holds here holds there as well, when the fact is new.
    pub(super) fn serves(&mut self, need: u32, gain: Fact) {
        self.link(need, gain, How::Serves);
    }

    /// Whether it leaves out what leads nowhere or does no more than something else.
    pub(super) fn is_thrifty(&self) -> bool {
        self.thrifty
    }

    /// How many steps there are.
    pub(super) fn count(&self) -> u32 {
        self.steps.count()
    }

    /// What walks look at of the steps.
    pub(super) fn links(&self) -> &Links {
        self.steps.links()
    }

    /// A step.
    pub(super) fn step_at(&self, at: u32) -> Step<'_> {
        self.steps.get(&self.facts, at)
    }

    /// Adds a step that needs no words of its own.
    pub(super) fn follows(&mut self, needs: Vec<u32>, gain: Fact) {
        self.step(needs, gain, How::Follows);
    }

    /// Adds a step of a technique.
    pub(super) fn does(&mut self, technique: &'static Technique, needs: Vec<u32>, effect: Effect, gain: Fact) {
        self.step(needs, gain, How::Does { technique, effect });
    }

    /// Adds a step of a technique that something stops or might.
    pub(super) fn does_unless(
        &mut self,
        technique: &'static Technique,
        needs: Vec<u32>,
        effect: Effect,
        gain: Fact,
        blockers: impl Into<Rc<[Blocker]>>,
    ) {
        let blockers = Some(blockers.into()).filter(|blockers| !blockers.is_empty());
        self.step_unless(needs, gain, How::Does { technique, effect }, blockers);
    }

    /// One of the things that a fact stands for, when the fact is new.
    pub(super) fn choice(&mut self, of: u32, effect: Effect, gain: Fact) {
        self.link(of, gain, How::Chooses { of, effect });
    }

    /// The same at any time.
    pub(super) fn chooses(&mut self, of: u32, effect: Effect, gain: Fact) {
        self.step(vec![of], gain, How::Chooses { of, effect });
    }

    /// Somebody would act as an account, if it were there.
    pub(super) fn lack(&mut self, account: Subject) -> u32 {
        if let Subject::ServiceAccount { namespace, name } = account
            && self.accounts.entry(namespace).or_default().insert(name)
        {
            // Those who make them there, and those who make them anywhere.
            for place in [Place::Namespace(namespace), Place::EachNamespace, Place::Cluster] {
                for (within, site, fact) in self.account_makers.get(&place).cloned().unwrap_or_default() {
                    kubernetes::make_account(self, within, site, fact, account);
                }
            }
        }
        self.fact(Fact::Exists(account))
    }

    /// Remembers a request that makes accounts, and gives those that it could make.
    pub(super) fn makes_accounts(&mut self, within: usize, site: Site, fact: u32) -> Vec<Subject> {
        self.account_makers.entry(site.place).or_default().push((within, site, fact));
        let mut missing = Vec::new();
        let all = self.accounts_in(site.place, None);
        for accounts in all.chunk_by(|one, next| one.namespace() == next.namespace()) {
            let is_missing = accounts[0].namespace().map(|namespace| self.missing_in(namespace));
            missing.extend(is_missing.into_iter().flat_map(|is| accounts.iter().copied().filter(move |&one| is(one))));
        }
        missing
    }

    /// Every role that identities can be put under, and where.
    pub(super) fn bound(&self) -> Vec<(RoleKey, Place, u32)> {
        let mut all: Vec<(RoleKey, Place, u32)> = self
            .bound
            .iter()
            .flat_map(|(&role, places)| places.iter().map(move |&(place, fact)| (role, place, fact)))
            .collect();
        all.sort_unstable();
        all
    }

    /// Whether a binding may be made for a role under a name that it has to have.
    pub(super) fn admits(&self, place: Place, name: Name, role: RoleKey) -> bool {
        let admits = self.ask.names.admit(place, name, role);
        if admits {
            self.pins.borrow_mut().insert((place, name, role));
        }
        admits
    }

    /// Whether there are bindings of one name for two roles.
    pub(super) fn may_clash(&self) -> bool {
        pins::may_clash(&self.pins.borrow())
    }

    /// The roles that somebody can rewrite.
    pub(super) fn rewritten(&self) -> Vec<RoleKey> {
        let mut roles: Vec<RoleKey> = self.writers.keys().copied().collect();
        roles.sort_unstable();
        roles
    }
}

/// A place in a list.
fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
