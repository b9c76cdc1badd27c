//! The attack graph: facts about what an attacker has, and steps from some of them to another. Built once for all who may start.
//!
//! Subjects and what they can be are never joined one by one: a subject leads to a request, a request to what it gains, and both
//! exist once for each place. Steps only add, so nothing that was gained is ever lost.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{BuildHasher, Hash};
use std::rc::Rc;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use super::azure::{self, AzureFact, AzureStep, Bridge};
use super::catalogue::CATALOGUE;
use super::finding::{Start, Target};
use super::held::{Held, HeldBy, Mask, RequestIx, Rights, Site, Supply, Way};
use super::kubernetes;
use super::pins::{self, Pin};
use super::solve::Ask;
use super::technique::{Already, At, Blocker, Change, Kind, Leads, RBAC, Technique};
use crate::graph::azure::ScopeIx;
use crate::graph::{AccessGraph, BindingIx, RoleIx};
use crate::model::{
    AUTHENTICATED, AdmissionKind, Atom, ClusterId, ControllerKind, GapReason, Identity, MASTERS, NODE_PREFIX, Name,
    Pod, PodPowers, RoleKind, RuleId, RuleSetId, SERVICE_ACCOUNTS, Secret, SecretPurpose, ServiceAccount, Subject,
    SubjectText, is_account_name,
};

/// Where something holds. Ordered from wide to narrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// In the whole cluster, cluster-scoped objects included.
    Cluster,
    /// In every namespace, each for itself.
    EachNamespace,
    /// In one namespace.
    Namespace(Name),
}

impl Place {
    /// The places at which something has to hold to hold here as well.
    pub(super) fn covering(self) -> impl Iterator<Item = Place> {
        let wide = [Place::Cluster, Place::EachNamespace];
        let wide = wide.into_iter().take(usize::from(self != Place::Cluster) * 2);
        wide.filter(move |&place| place != self).chain([self])
    }

    /// The namespaces of a place, where it is one.
    pub(super) fn has(self, namespace: Name) -> bool {
        match self {
            Place::Cluster | Place::EachNamespace => true,
            Place::Namespace(own) => own == namespace,
        }
    }
}

/// A role by its name, whether or not it exists. A name that is empty is that of a new role, and the namespace `*` is each one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleKey {
    /// The namespace of a Role; none for a ClusterRole.
    pub namespace: Option<Name>,
    /// The name.
    pub name: Name,
}

/// Something that an attacker has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Fact {
    /// Has the credentials of this user or account, or of some member of this group.
    Identity(Subject),
    /// Acts as that, by credentials or by impersonation. A request that impersonates needs credentials: the API server looks at
    /// those of whoever sends it, so one impersonation never carries another one.
    Acts(Subject),
    /// Acts as somebody whom a binding that was read puts under a role, at a place; or has the credentials of somebody like that.
    /// What the role alone allows follows once from this, for all of them.
    Under(RoleIx, Place, bool),
    /// Can make this request with some identity.
    Request(RequestIx, Site),
    /// Can put every identity of theirs under a role at a place.
    Bound(RoleKey, Place),
    /// Has an identity under a role at a place. Only there for roles that somebody might rewrite.
    Holder(RoleKey, Place),
    /// Has an identity under a role that was made without rules, at a place.
    EmptyHolder(RoleKey, Place),
    /// Can give every identity of theirs a right of a role that they can bind, by one of its rules.
    Right(RoleKey, Place, (u8, Option<Name>, u32)),
    /// Can give every identity of theirs a right, by whatever role.
    Can(u8, Place, Option<Name>),
    /// Can write any rules into a role.
    CanWrite(RoleKey),
    /// Could, if the role were there.
    CanChange(RoleKey),
    /// Can make a role that does not exist with any rules.
    CanMake(RoleKey),
    /// Can have any rules united into an aggregated ClusterRole.
    CanFeed(RoleKey),
    /// Can make a role without rules under a name that no role has.
    CanCreate(RoleKey),
    /// Can make an account that is not there.
    Exists(Subject),
    /// This identity, or somebody who is under the role, can bind others to a role there, since it holds all rights of it.
    Shares(u32),
    /// Can give every identity of theirs one right of a role, as the check before a binding counts it.
    Atom(Atom, Place),
    /// Can get tokens of any account of a place for whatever audience: more than having one for the API server. Only there for
    /// accounts whose tokens somebody else accepts.
    Tokens(Place),
    /// The same for one account.
    Mints(Subject),
    /// Can make requests that are like this one in the name of somebody else.
    Poses(u32),
    /// Can put together identities of this pool of names and groups, for one request each.
    Pool(u32),
    /// Can get credentials of any identity that is put together, but for system:masters.
    AnyTogether,
    /// Acts as an identity that is put together, or has its credentials.
    Together(u32),
    /// Can do everything at a place; at the cluster this is cluster-admin.
    Everything(Place),
    /// Administers a namespace.
    NamespaceAdmin(Place),
    /// Reads every Secret of a namespace.
    Secrets(Place),
    /// Reads one Secret.
    Secret(SecretIx),
    /// Can act as any user.
    Users,
    /// Can act as a member of any group but system:masters.
    Groups,
    /// Can act as any account of a place.
    Accounts(Place),
    /// Runs code in any running pod of a place.
    Pods(Place),
    /// Runs code in a running pod.
    Pod(PodIx),
    /// Can change running pods of a place so that other code runs in them, where the kubelet and Pod Security let it.
    Changes(Place),
    /// Runs code in any running pod of a node.
    PodsOn(Name),
    /// Can add a container of any kind to a running pod, as Pod Security lets it.
    Container(PodIx),
    /// The same for any running pod of a place.
    Containers(Place),
    /// Has a container of any kind in a running pod of a namespace, whichever.
    AnyContainer(Name),
    /// Can run a pod of their own there, as Pod Security lets it.
    NewPod(Place),
    /// Can run a pod of their own in some namespace, whichever.
    SomeNewPod,
    /// Can have a namespace admit any pod.
    Relaxed(Place),
    /// Is root on any node of their choice.
    Nodes,
    /// Is root on a node.
    Node(Name),
    /// Is root on some node, whichever.
    SomeNode,
    /// Has the credentials of another cluster, which a Secret holds.
    Kubeconfig(SecretIx),
    /// Sees the Secrets of every namespace that are written from now on. Those that lie there stay unread.
    NewSecrets,
    /// Can take away something that judges objects before they are stored.
    Gone(AdmissionKind, Name),
    /// Nothing but Pod Security judges new pods any more.
    Unguarded,
    /// Has what a step needs that may fail, at a distance, so that a sure way that is little longer comes first.
    Late(u32),
    /// Has one of several things that a technique takes together, there; each is numbered by the technique itself.
    Part(&'static str, u8, Place),
    /// Has something in Azure.
    Azure(AzureFact),
}

/// Large things that are parts of facts, by number: facts are many and should be small.
pub(super) struct Table<T>(FxHashMap<T, u32>);

impl<T: Eq + Hash> Table<T> {
    /// The number of something, added if it is new.
    pub(super) fn number(&mut self, value: T) -> u32 {
        let next = number(self.0.len());
        *self.0.entry(value).or_insert(next)
    }
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Table(FxHashMap::default())
    }
}

/// Which request at which site binds others to a role at a place, by whom.
pub(super) type Share = (RequestIx, Site, Option<Subject>, RoleKey, Place);

/// A pod of a snapshot, by its place in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PodIx(pub u32);

/// A Secret of a snapshot, by its place in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretIx(pub u32);

/// A version of Kubernetes: major and minor.
pub type Version = (u32, u32);

/// How something is gained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// The identity is in the group.
    Member,
    /// An identity holds all rights of a request; without a subject, any of them with rights made on the way.
    Asks { request: RequestIx, site: Site, by: Option<Subject>, held: Vec<Held> },
    /// Everything can be done there, so this request as well.
    AsEverything { request: RequestIx, site: Site, place: Place },
    /// Whoever is under the role that the step needs holds all rights of a request, with rights made on the way where it needs some.
    AsRole { request: RequestIx, site: Site },
    /// A binding that was read puts the identity under the role.
    Granted(BindingIx),
    /// It is as good as what it needs: a right that is wider, credentials of whoever one wants to act as.
    Serves,
    /// An identity holds both halves of a constrained impersonation: on whom, and for which requests.
    Halves { request: RequestIx, site: Site, by: Option<Subject>, held: Vec<Held>, on: OnHalf },
    /// An identity holds rights to impersonate these groups and names, of which one request takes several.
    Joins { by: Option<Subject>, groups: Box<[Held]>, names: Box<[Held]> },
    /// A request is made in the name of somebody who holds its rights, the one at a place in it by this verb.
    Through { request: RequestIx, site: Site, by: Subject, held: Vec<Held>, asks: usize, verb: &'static str },
    /// A binding puts the identity under the role.
    Under(BindingIx),
    /// It is a part of what is there already.
    Follows,
    /// A technique.
    Does { technique: &'static Technique, effect: Effect },
    /// Writes ASO resources.
    Writes(Writer),
    /// One of many that the technique behind the need can have.
    Chooses { of: u32, effect: Effect },
}

/// Who writes ASO resources, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Writer {
    /// Where.
    pub(super) place: Place,
    /// By what.
    pub(super) by: WritesBy,
}

/// By what ASO resources are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WritesBy {
    /// The grants of this subject.
    Subject(Subject),
    /// This role, which is bound there on the way.
    Role(RoleKey, Place),
    /// Everything can be done there.
    Everything(Place),
}

/// Somebody else's name, and the requests that can be made in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Pose {
    pub(super) who: Who,
    /// The right whose verb is asked for, and the verb.
    pub(super) right: u8,
    pub(super) verb: &'static str,
    pub(super) place: Place,
    /// The only object; none for every object.
    pub(super) name: Option<Name>,
}

/// In whose names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Who {
    /// Every user who is no node and no account.
    Users,
    /// Every group but system:masters.
    Groups,
    /// Every account of a place.
    Accounts(Place),
    /// This one.
    One(Subject),
}

/// What grants the half of a constrained impersonation that says for which requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OnHalf {
    pub(super) verb: &'static str,
    pub(super) subject: Subject,
    pub(super) binding: BindingIx,
    pub(super) rule: u32,
}

/// What a technique does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// Binds an identity to a role, by a new binding or one that is there.
    Bind {
        /// The role.
        role: RoleKey,
        /// Where.
        place: Place,
        /// The binding that is changed; none for a new one.
        binding: Option<BindingIx>,
    },
    /// Writes any rules into a role that an identity holds.
    Write {
        /// The role.
        role: RoleKey,
        /// Where it is held.
        place: Place,
    },
    /// Writes a ClusterRole that is united into one that an identity holds.
    Feed {
        /// The aggregated role.
        role: RoleKey,
        /// Where it is held.
        place: Place,
    },
    /// Makes an account that bindings name already.
    Create(Subject),
    /// Acts as somebody else.
    ActAs(Subject),
    /// Holds everything at a place.
    Everything(Place),
    /// Holds what an administrator of a namespace holds.
    NamespaceAdmin(Place),
    /// Reads the Secrets of a place.
    Secrets(Place),
    /// Reads a Secret.
    Secret(SecretIx),
    /// Runs code in a running pod.
    Pod(PodIx),
    /// Adds a container of any kind to a running pod.
    Container(PodIx),
    /// Runs a new pod.
    NewPod(Place),
    /// Has a namespace admit any pod.
    Relax(Place),
    /// Has nothing but Pod Security judge new pods.
    Unguard,
    /// Is root on a node; without a name, on any.
    Node(Option<Name>),
    /// Has the credentials of another cluster.
    Kubeconfig(SecretIx),
    /// Something in Azure.
    Azure(AzureStep),
    /// One of many things that a later choice names; never a step by itself.
    Any,
}

/// A step of the graph.
#[derive(Clone, Copy)]
pub(super) struct Step<'a> {
    pub(super) how: &'a How,
    /// What it needs, sorted.
    pub(super) needs: &'a [u32],
    /// What stops it or might, most often nothing.
    pub(super) blockers: &'a [Blocker],
}

/// What walks over many steps look at, apart from what is told of the few that are taken: memory is read in lines.
#[derive(Clone, Copy)]
struct Line {
    needs: (u32, u32),
    gain: u32,
    marks: Marks,
}

/// What matters of a step to a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marks(u8);

impl Marks {
    const BLOCKED: u8 = 1;
    const FREE: u8 = 2;
    const MOVE: u8 = 4;

    fn of(how: &How, blocked: bool) -> Marks {
        let free = matches!(how, How::Granted(_) | How::Serves | How::Chooses { .. });
        let moves = match how {
            How::Does { technique, .. } => technique.kind == Kind::Move,
            How::Through { .. } => true,
            _ => false,
        };
        let mark = |is: bool, mark: u8| if is { mark } else { 0 };
        Marks(mark(blocked, Marks::BLOCKED) | mark(free, Marks::FREE) | mark(moves, Marks::MOVE))
    }

    /// Whether something stops it.
    pub(super) fn is_blocked(self) -> bool {
        self.0 & Marks::BLOCKED != 0
    }

    /// Whether it says only what is so already, and takes no round.
    pub(super) fn is_free(self) -> bool {
        self.0 & Marks::FREE != 0
    }

    /// Whether it gains something that was not held.
    pub(super) fn is_move(self) -> bool {
        self.0 & Marks::MOVE != 0
    }
}

/// A binding that puts a subject under a role which grants a right of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Grant {
    pub(super) place: Place,
    pub(super) binding: BindingIx,
    pub(super) role: RoleIx,
}

/// A request, the object that it is about and the other one.
type PlanWay = (RequestIx, Option<Name>, Option<Name>);

/// A role that lost rules, or else the rule set of all that have it, and whether it is bound in the cluster.
type PlanKey = (Option<RoleIx>, RuleSetId, bool);

/// The requests that may be completed for whoever is under a role, by its plan and whether with credentials.
type Completed = FxHashMap<(*const Plan, bool), Rc<[RequestIx]>>;

/// What the rights that a rule set supplies allow by themselves, wherever they are held.
pub(super) struct Plan {
    ways: Box<[PlanWay]>,
    /// The rights that are supplied for some objects, and those for every object.
    pub(super) some: Mask,
    pub(super) any: Mask,
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
    /// The steps: what walks look at, how each is done, what they need, one after another, and what might stop some of them.
    lines: Vec<Line>,
    hows: Vec<How>,
    needs: Vec<u32>,
    blockers: FxHashMap<u32, Rc<[Blocker]>>,
    /// The facts by themselves.
    ids: HashTable<u32>,
    /// The steps, by what they need and gain.
    seen: HashTable<u32>,
    queue: VecDeque<u32>,
    /// The subjects that may start, sorted.
    begin: Vec<Subject>,
    /// A group that everybody is in who may start, so that nobody comes to be in it.
    common: Option<Subject>,
    /// The requests that some way to make is known of.
    asked: FxHashSet<u32>,
    /// What puts every subject of a binding under roles by itself, sorted; each role once a place.
    grants: FxHashMap<Subject, Vec<Grant>>,
    /// What roles allow, each rule set looked at once.
    plans: RefCell<FxHashMap<PlanKey, Rc<Plan>>>,
    /// The roles that somebody is under, and where; and those that nothing was asked of yet.
    unders: Vec<u32>,
    unasked: Vec<u32>,
    /// Those of them that bindings which were read put somebody under.
    granted_unders: FxHashSet<u32>,
    /// The groups of each subject that was asked about; accounts by their namespaces.
    groups: RefCell<FxHashMap<Subject, Rc<[Subject]>>>,
    /// What can be given to every identity, sorted; and what came to it since it was last looked at.
    made: Rc<Vec<Held>>,
    made_mask: Mask,
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
    pub(super) posing: Table<Pose>,
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
    /// The pods of each name, the pods of each node, and where there are workloads, each found at the first question.
    named_pods: OnceCell<FxHashMap<Name, Vec<PodIx>>>,
    workloads: OnceCell<Workloads>,
    bound_pods: OnceCell<FxHashMap<Name, Vec<PodIx>>>,
    /// What comes with the folders of nodes that claims are bound to.
    folders: OnceCell<BTreeMap<(Name, Name), PodPowers>>,
    node_secrets: OnceCell<Vec<(Name, SecretIx)>>,
    /// Whether the subjects that were asked about are granted a right to impersonate themselves.
    lending: RefCell<FxHashMap<Subject, bool>>,
    /// What Pod Security says in each namespace that was asked about.
    security: RefCell<FxHashMap<Name, Rc<[Blocker]>>>,
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
        let mut attack = Attack {
            graph,
            cluster,
            rights: Rights::new(graph),
            facts: Vec::new(),
            lines: Vec::new(),
            hows: Vec::new(),
            needs: Vec::new(),
            blockers: FxHashMap::default(),
            ids: HashTable::new(),
            seen: HashTable::new(),
            queue: VecDeque::new(),
            begin: Vec::new(),
            common: None,
            asked: FxHashSet::default(),
            grants: FxHashMap::default(),
            plans: RefCell::default(),
            unders: Vec::new(),
            unasked: Vec::new(),
            granted_unders: FxHashSet::default(),
            groups: RefCell::default(),
            made: Rc::default(),
            made_mask: Mask::default(),
            fresh: Vec::new(),
            served: FxHashMap::default(),
            ask,
            thrifty,
            bridge: Bridge::new(graph, ask).map(Rc::new),
            binds: Vec::new(),
            shares: Table::default(),
            posing: Table::default(),
            joint: kubernetes::Joint::default(),
            poses: kubernetes::Poses::default(),
            leads: Vec::new(),
            reacting: CATALOGUE.iter().filter_map(|technique| technique.react).collect(),
            namespaces: namespaces(graph, cluster),
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
            workloads: OnceCell::new(),
            bound_pods: OnceCell::new(),
            folders: OnceCell::new(),
            node_secrets: OnceCell::new(),
            lending: RefCell::default(),
            pins: RefCell::default(),
            security: RefCell::default(),
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

    /// The rules of a role that are not taken to be gone, each with its place.
    pub(super) fn rules_of(&self, role: RoleIx) -> impl Iterator<Item = (u32, RuleId)> + use<'g> {
        let ask = self.ask;
        let rules = (0_u32..).zip(self.graph.snapshot().rules.set(self.graph.role(role).rules).iter().copied());
        rules.filter(move |&(position, _)| !ask.without_rules.contains(&(role, position)))
    }

    /// The rights of the catalogue that a role supplies.
    pub(super) fn supplied(&self, role: RoleIx) -> &[Supply] {
        match self.cut.get(&role) {
            Some(cut) => cut,
            None => self.rights.supplied(self.graph.role(role).rules),
        }
    }

    /// Reads what subjects hold.
    fn read(&mut self) {
        let graph = self.graph;
        // About as many as there will be, so that the tables grow once.
        let things = graph.snapshot().subjects.len() + graph.snapshot().pods.len();
        self.ids.reserve(4 * things, |_| 0);
        self.seen.reserve(8 * things, |_| 0);
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
            let role = graph.role_of(at).filter(|&role| !self.supplied(role).is_empty());
            for &id in graph.snapshot().subjects.set(binding.subjects) {
                let subject = graph.snapshot().subjects.get(id);
                if let Subject::ServiceAccount { namespace, name } = subject {
                    self.accounts.entry(namespace).or_default().insert(name);
                }
                let grants = self.grants.entry(subject).or_default();
                grants.extend(role.map(|role| Grant { place: place_of(binding.namespace), binding: at, role }));
            }
        }
        for grants in self.grants.values_mut() {
            // The first binding will do.
            let mut seen = FxHashSet::default();
            grants.sort_unstable();
            grants.retain(|grant| grants_differ(&mut seen, grant));
        }
        for subject in self.grants.keys() {
            if let Subject::Group(group) = *subject {
                self.accounts_granted.extend(namespace_of_accounts(graph, group));
                self.all_accounts_granted |= graph.text(group) == SERVICE_ACCOUNTS;
            }
        }
        for &role in self.roles.keys() {
            if let Some(namespace) = role.namespace {
                self.roles_by_namespace.entry(namespace).or_default().push(role);
            }
        }
        let writes = |subject: Subject| self.bridge.as_ref().is_some_and(|bridge| bridge.writes_any(self, subject));
        let mut subjects: Vec<Subject> = self
            .grants
            .iter()
            .filter(|(subject, grants)| !grants.is_empty() || writes(**subject) || self.is_masters(**subject))
            .map(|(&subject, _)| subject)
            .collect();
        subjects.sort_unstable();
        let guests = self.guests();
        self.common = self.common(&subjects).filter(|_| self.thrifty && guests.is_empty() && self.ask.from.is_none());
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
        for start in self.ask.from.into_iter().chain(self.ask.to.iter().filter_map(|to| to.start())) {
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

    /// Who a user or a group is in Azure.
    pub(super) fn entra(&self, subject: Subject) -> Option<azure::Who> {
        self.bridge.as_ref().and_then(|bridge| bridge.entra(subject))
    }

    /// A scope of Azure and everything above it.
    pub(super) fn scopes_above(&self, scope: ScopeIx) -> impl Iterator<Item = ScopeIx> {
        self.bridge.iter().flat_map(move |bridge| bridge.scopes_above(scope))
    }

    /// Those who have roles of Azure in the cluster and no name in its bindings.
    pub(super) fn guests(&self) -> Vec<azure::Who> {
        let Some(bridge) = &self.bridge else { return Vec::new() };
        let mut guests = bridge.guests();
        if !guests.is_empty() {
            for who in self.grants.keys().filter_map(|&subject| bridge.entra(subject)) {
                guests.remove(&who);
            }
        }
        guests.into_iter().collect()
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
            if let Err(at) = self.namespaces.binary_search(&namespace) {
                self.namespaces.insert(at, namespace);
            }
            self.fact(Fact::Identity(account));
            self.fact(Fact::Mints(account));
            self.begin.push(account);
        }
    }

    /// Whether identities of Azure accept the tokens of an account.
    pub(super) fn is_trusted(&self, account: Subject) -> bool {
        self.find(Fact::Mints(account)).is_some()
    }

    /// A technique gets tokens of any account of a place for whatever audience.
    pub(super) fn mints(&mut self, technique: &'static Technique, needs: Vec<u32>, place: Place) {
        let trusted = self.bridge.as_ref().is_some_and(|bridge| bridge.trusted_accounts().next().is_some());
        if trusted {
            self.does(technique, needs, Effect::Any, Fact::Tokens(place));
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
            let mut known = Completed::default();
            for id in self.unders.clone() {
                self.complete(id, fresh, &mut known);
            }
            for subject in self.identities() {
                self.ask(subject, Some(fresh));
            }
            self.ask_made(fresh);
        }
    }

    /// The roles that somebody is under by a binding that was read, where, and the fact.
    pub(super) fn unders(&self) -> Vec<(RoleIx, Place, u32)> {
        let under = |&id: &u32| match self.facts[id as usize] {
            Fact::Under(role, place, false) => Some((role, place, id)),
            _ => None,
        };
        self.unders.iter().filter(|id| self.granted_unders.contains(id)).filter_map(under).collect()
    }

    /// The bindings that name a role.
    pub(super) fn bindings_to(&self, role: RoleKey) -> &[BindingIx] {
        self.bindings.get(&role).map_or(&[], Vec::as_slice)
    }

    /// Everybody that is a fact.
    pub(super) fn identities(&self) -> Vec<Subject> {
        let identity = |fact: &Fact| match fact {
            Fact::Acts(subject) => Some(*subject),
            _ => None,
        };
        self.facts.iter().filter_map(identity).collect()
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
    fn step_unless(&mut self, mut needs: Vec<u32>, gain: Fact, how: How, blockers: Option<Rc<[Blocker]>>) -> bool {
        let gain = self.fact(gain);
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
        let stopped = blockers.iter().flat_map(|blockers| blockers.iter()).any(|blocker| blocker.stops);
        let key = |gain: u32, stopped: bool, needs: &[u32]| FxBuildHasher.hash_one((gain, stopped, needs));
        let (lines, all) = (&self.lines, &self.needs);
        let of = |line: &Line| &all[line.needs.0 as usize..line.needs.1 as usize];
        let same = |&at: &u32| {
            let other = &lines[at as usize];
            other.gain == gain && other.marks.is_blocked() == stopped && of(other) == needs
        };
        let rehash = |&at: &u32| {
            let line = &lines[at as usize];
            key(line.gain, line.marks.is_blocked(), of(line))
        };
        match self.seen.entry(key(gain, stopped, needs), same, rehash) {
            Entry::Occupied(_) => return false,
            Entry::Vacant(entry) => entry.insert(number(lines.len())),
        };
        self.push(needs, gain, how, stopped);
        if let Some(blockers) = blockers {
            self.blockers.insert(number(self.lines.len() - 1), blockers);
        }
        true
    }

    fn push(&mut self, needs: &[u32], gain: u32, how: How, stopped: bool) {
        let range = (number(self.needs.len()), number(self.needs.len() + needs.len()));
        self.needs.extend_from_slice(needs);
        self.lines.push(Line { needs: range, gain, marks: Marks::of(&how, stopped) });
        self.hows.push(how);
    }

    /// Adds a step that needs one fact and that nobody else adds: each fact is expanded once.
    fn link(&mut self, need: u32, gain: Fact, how: How) {
        let gain = self.fact(gain);
        self.link_to(need, gain, how);
    }

    fn link_to(&mut self, need: u32, gain: u32, how: How) {
        if gain != need {
            self.push(&[need], gain, how, false);
        }
    }

    /// Adds a step of a technique that follows from a fact alone, when the fact is new.
    pub(super) fn leads_to(&mut self, technique: &'static Technique, need: u32, effect: Effect, gain: Fact) {
        self.link(need, gain, How::Does { technique, effect });
    }

    /// Whether it leaves out what leads nowhere or does no more than something else.
    pub(super) fn is_thrifty(&self) -> bool {
        self.thrifty
    }

    /// How many steps there are.
    pub(super) fn count(&self) -> u32 {
        number(self.lines.len())
    }

    /// A step.
    pub(super) fn step_at(&self, at: u32) -> Step<'_> {
        let blockers = self.blockers.get(&at).map_or(&[][..], |blockers| blockers);
        Step { how: &self.hows[at as usize], needs: self.needs(at), blockers }
    }

    /// What a step needs, sorted.
    pub(super) fn needs(&self, step: u32) -> &[u32] {
        let (from, to) = self.lines[step as usize].needs;
        &self.needs[from as usize..to as usize]
    }

    /// What a step gains.
    pub(super) fn gain(&self, step: u32) -> u32 {
        self.lines[step as usize].gain
    }

    /// What matters of a step to a walk.
    pub(super) fn marks(&self, step: u32) -> Marks {
        self.lines[step as usize].marks
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

    /// A technique lets code run in a new pod of a place: with any account of its namespace, and with what its Secrets hold.
    pub(super) fn runs_pods(&mut self, technique: &'static Technique, needs: Vec<u32>, place: Place) {
        self.does(technique, needs.clone(), Effect::Any, Fact::Accounts(place));
        self.mints(technique, needs.clone(), place);
        self.does(technique, needs.clone(), Effect::Secrets(place), Fact::Secrets(place));
        self.does(technique, needs, Effect::NewPod(place), Fact::NewPod(place));
    }

    /// A request lets code run in running pods: in the one it names, or in every pod of the place.
    pub(super) fn runs_in_pods(&mut self, done: &Done, blockers: &[Blocker]) {
        let (technique, needs, blockers) = (done.technique, vec![done.fact], Rc::from(blockers));
        if done.site.object.is_none() {
            self.does_unless(technique, needs, Effect::Any, Fact::Pods(done.site.place), blockers);
            return;
        }
        for pod in self.pods_at(done.site.place, done.site.object) {
            self.does_unless(technique, needs.clone(), Effect::Pod(pod), Fact::Pod(pod), blockers.clone());
        }
    }

    /// What stands for a fact in steps that may fail.
    pub(super) fn late(&mut self, fact: u32) -> u32 {
        let near = self.fact(Fact::Late(fact));
        self.follows(vec![fact], Fact::Late(fact));
        self.follows(vec![near], Fact::Late(near));
        self.fact(Fact::Late(near))
    }

    /// One of the things that a fact stands for.
    pub(super) fn chooses(&mut self, of: u32, effect: Effect, gain: Fact) {
        self.step(vec![of], gain, How::Chooses { of, effect });
    }

    /// What a fact about many is about.
    fn choices(&mut self, fact: Fact, id: u32) {
        // What holds in every namespace holds in each.
        let inside: Option<fn(Place) -> Fact> = match fact {
            Fact::Accounts(_) => Some(Fact::Accounts),
            Fact::Secrets(_) => Some(Fact::Secrets),
            Fact::Pods(_) => Some(Fact::Pods),
            Fact::Changes(_) => Some(Fact::Changes),
            Fact::NewPod(_) => Some(Fact::NewPod),
            Fact::Relaxed(_) => Some(Fact::Relaxed),
            _ => None,
        };
        if let Fact::Containers(Place::Cluster | Place::EachNamespace) = fact {
            for namespace in self.namespaces.clone() {
                self.link(id, Fact::Containers(Place::Namespace(namespace)), How::Serves);
            }
        }
        if let (
            Some(inside),
            Fact::Accounts(place)
            | Fact::Secrets(place)
            | Fact::Pods(place)
            | Fact::Changes(place)
            | Fact::NewPod(place)
            | Fact::Relaxed(place),
        ) = (inside, fact)
            && !matches!(place, Place::Namespace(_))
        {
            for namespace in self.namespaces.clone() {
                self.follows(vec![id], inside(Place::Namespace(namespace)));
            }
        }
        match fact {
            Fact::Accounts(place @ Place::Namespace(_)) => {
                for account in self.accounts_in(place, None) {
                    let missing = self.is_missing(account).then(|| self.lack(account));
                    let needs = [id].into_iter().chain(missing).collect();
                    let effect = Effect::ActAs(account);
                    self.step(needs, Fact::Identity(account), How::Chooses { of: id, effect });
                }
            }
            Fact::Tokens(place) => {
                let bridge = self.bridge.clone();
                for account in bridge.iter().flat_map(|bridge| bridge.trusted_accounts_in(place)) {
                    let missing = self.is_missing(account).then(|| self.lack(account));
                    let needs = [id].into_iter().chain(missing).collect();
                    let effect = Effect::ActAs(account);
                    self.step(needs, Fact::Mints(account), How::Chooses { of: id, effect });
                }
            }
            Fact::Users | Fact::Groups => {
                let of_kind: fn(Subject) -> bool = match fact {
                    Fact::Users => |subject| matches!(subject, Subject::User(_)),
                    _ => |subject| matches!(subject, Subject::Group(_)),
                };
                for subject in self.granted(of_kind) {
                    self.chooses(id, Effect::ActAs(subject), Fact::Identity(subject));
                }
                if fact == Fact::Users {
                    for user in self.nodes().into_iter().filter_map(|node| self.user_of_node(node)).collect::<Vec<_>>()
                    {
                        self.chooses(id, Effect::ActAs(user), Fact::Identity(user));
                    }
                }
            }
            Fact::Pods(Place::Namespace(namespace)) => {
                for pod in self.worth(self.pods_in(namespace)) {
                    self.chooses(id, Effect::Pod(pod), Fact::Pod(pod));
                }
            }
            Fact::Changes(Place::Namespace(namespace)) => {
                let mut pods = self.pods_in(namespace);
                pods.retain(|&pod| kubernetes::refuses_change(self, pod).is_none());
                for pod in self.worth(pods) {
                    self.chooses(id, Effect::Pod(pod), Fact::Pod(pod));
                }
            }
            Fact::AnyContainer(namespace) => {
                for &node in self.open_pods(namespace).keys() {
                    self.link(id, Fact::Node(node), How::Chooses { of: id, effect: Effect::Node(Some(node)) });
                }
            }
            Fact::PodsOn(node) => {
                let mut pods = self.bound_to(node).to_vec();
                pods.retain(|&pod| !self.pod(pod).finished);
                for pod in self.worth(pods) {
                    self.chooses(id, Effect::Pod(pod), Fact::Pod(pod));
                }
            }
            Fact::Secrets(Place::Namespace(namespace)) => {
                for secret in self.secrets_in(namespace, None) {
                    self.follows(vec![id], Fact::Secret(secret));
                }
            }
            Fact::Azure(fact) => azure::choices(self, fact, id),
            Fact::NewPod(_) => self.follows(vec![id], Fact::SomeNewPod),
            Fact::Nodes | Fact::Node(_) => self.follows(vec![id], Fact::SomeNode),
            _ => {}
        }
    }

    /// The pods of a namespace that are there and have not run to their end.
    pub(super) fn pods_in(&self, namespace: Name) -> Vec<PodIx> {
        let pods = &self.graph.snapshot().pods;
        let key = (self.cluster, namespace);
        let from = pods.partition_point(|pod| (pod.cluster, pod.namespace) < key);
        let here = pods[from..].iter().take_while(|pod| (pod.cluster, pod.namespace) == key);
        (number(from)..).zip(here).filter(|(_, pod)| !pod.finished).map(|(at, _)| PodIx(at)).collect()
    }

    /// The nodes on which pods of a namespace run that take containers, each with the first of them; static pods take none.
    pub(super) fn open_pods(&self, namespace: Name) -> BTreeMap<Name, PodIx> {
        let mut pods = self.pods_in(namespace);
        pods.retain(|&at| !self.pod(at).mirror);
        pods.into_iter().rev().filter_map(|at| Some((self.pod(at).node?, at))).collect()
    }

    /// The pods of a place that have not run to their end, all or those of a name.
    pub(super) fn pods_at(&self, place: Place, name: Option<Name>) -> Vec<PodIx> {
        let mut pods = match (place, name) {
            (Place::Namespace(namespace), None) => self.pods_in(namespace),
            (_, Some(name)) => self.pods_named(place, name),
            (_, None) => (0..number(self.graph.snapshot().pods.len())).map(PodIx).collect(),
        };
        pods.retain(|&at| self.pod(at).cluster == self.cluster && !self.pod(at).finished);
        pods
    }

    /// The pods of a place that have a name, also those that have run to their end.
    pub(super) fn pods_named(&self, place: Place, name: Name) -> Vec<PodIx> {
        let pods = &self.graph.snapshot().pods;
        let by_name = self.named_pods.get_or_init(|| {
            let mut by_name: FxHashMap<Name, Vec<PodIx>> = FxHashMap::default();
            for (at, pod) in (0_u32..).zip(pods).filter(|(_, pod)| pod.cluster == self.cluster) {
                by_name.entry(pod.name).or_default().push(PodIx(at));
            }
            by_name
        });
        let all = by_name.get(&name).into_iter().flatten();
        all.copied().filter(|&at| place.has(self.pod(at).namespace)).collect()
    }

    /// The pods that are bound to a node, also those that have run to their end.
    pub(super) fn bound_to(&self, node: Name) -> &[PodIx] {
        let by_node = self.bound_pods.get_or_init(|| {
            let mut by_node: FxHashMap<Name, Vec<PodIx>> = FxHashMap::default();
            for (at, pod) in (0_u32..).zip(&self.graph.snapshot().pods) {
                if let Some(node) = pod.node.filter(|_| pod.cluster == self.cluster) {
                    by_node.entry(node).or_default().push(PodIx(at));
                }
            }
            by_node
        });
        by_node.get(&node).map_or(&[], Vec::as_slice)
    }

    /// What might stop a pod that is more than `baseline` in a namespace, or does; looked up once for each namespace.
    pub(super) fn pod_security(&self, namespace: Name) -> Rc<[Blocker]> {
        let mut known = self.security.borrow_mut();
        let own = || kubernetes::blockers(self.graph, self.cluster, namespace).into();
        Rc::clone(known.entry(namespace).or_insert_with(own))
    }

    /// The folder of a node that a claim is bound to: what comes with it.
    pub(super) fn folder_behind(&self, namespace: Name, claim: Name) -> PodPowers {
        self.folders().get(&(namespace, claim)).copied().unwrap_or_default()
    }

    /// The claims of a namespace that are bound to folders of a node.
    pub(super) fn folders_of(&self, namespace: Name) -> Vec<(Name, PodPowers)> {
        let after = self.folders().range((namespace, Name::EMPTY)..);
        after.take_while(|&(&(at, _), _)| at == namespace).map(|(&(_, claim), &powers)| (claim, powers)).collect()
    }

    fn folders(&self) -> &BTreeMap<(Name, Name), PodPowers> {
        self.folders.get_or_init(|| {
            let volumes = self.graph.snapshot().volumes.iter();
            let here = volumes.filter(|volume| volume.cluster == self.cluster && !volume.powers.is_empty());
            here.filter_map(|volume| Some((volume.claim?, volume.powers))).collect()
        })
    }

    /// The nodes on which running pods mount a claim.
    pub(super) fn nodes_that_mount(&self, namespace: Name, claim: Name) -> Vec<Name> {
        let snapshot = self.graph.snapshot();
        let mounts = |&pod: &PodIx| snapshot.pod_refs.get(self.pod(pod).refs).claims.contains(&claim);
        let pods = self.pods_in(namespace).into_iter().filter(mounts);
        let nodes: BTreeSet<Name> = pods.filter_map(|pod| self.pod(pod).node).collect();
        nodes.into_iter().collect()
    }

    /// The Secrets that belong to each node, as a technique finds them; sorted, and found at the first question.
    pub(super) fn secrets_by_node(&self, find: impl FnOnce() -> Vec<(Name, SecretIx)>) -> &[(Name, SecretIx)] {
        self.node_secrets.get_or_init(find)
    }

    /// An account, if it was read.
    pub(super) fn account(&self, account: Subject) -> Option<&'g ServiceAccount> {
        let Subject::ServiceAccount { namespace, name } = account else { return None };
        let accounts = &self.graph.snapshot().service_accounts;
        let key = (self.cluster, namespace, name);
        let at = accounts.binary_search_by_key(&key, |one| (one.cluster, one.namespace, one.name)).ok()?;
        accounts.get(at)
    }

    /// Of pods those that lead somewhere, and of those that lead to the same the first.
    pub(super) fn worth(&self, pods: Vec<PodIx>) -> Vec<PodIx> {
        let mut seen = FxHashSet::default();
        let leads = |&at: &PodIx| {
            let gives = kubernetes::gives(self, at);
            // What is asked for is a fact from the start.
            (!gives.is_empty() && seen.insert(gives)) || self.find(Fact::Pod(at)).is_some()
        };
        pods.into_iter().filter(leads).collect()
    }

    /// Whether anything is granted to this identity or to a group that it is in, or whether it is asked for.
    pub(super) fn is_somebody(&self, subject: Subject) -> bool {
        let grants = |subject: &Subject| !self.grants(*subject).is_empty();
        self.find(Fact::Identity(subject)).is_some()
            || self.accounts_of(subject).unwrap_or_else(|| self.groups(subject).iter().any(grants))
    }

    /// For an account whether its groups are granted anything; looked up once for each namespace.
    fn accounts_of(&self, subject: Subject) -> Option<bool> {
        let Subject::ServiceAccount { namespace, .. } = subject else { return None };
        let known = self.granted.borrow().get(&namespace).copied();
        Some(known.unwrap_or_else(|| {
            let grants = |subject: &Subject| !self.grants(*subject).is_empty();
            let any = self.groups(subject).iter().any(grants);
            self.granted.borrow_mut().insert(namespace, any);
            any
        }))
    }

    /// Whether a Secret is good for more than the workloads of its namespace, or is asked for.
    pub(super) fn is_of_use(&self, secret: SecretIx) -> bool {
        self.secret(secret).purpose != SecretPurpose::Other || self.ask.to.contains(&Target::Secret(secret))
    }

    /// The namespaces of a place in which there is a workload of a kind, any or one of this name, or may be since they were not
    /// read; none where there is no telling.
    pub(super) fn with_workload(&self, kind: ControllerKind, place: Place, name: Option<Name>) -> Option<Vec<Name>> {
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
    pub(super) fn is_stored(&self) -> bool {
        let clusters = &self.graph.snapshot().clusters;
        clusters.get(usize::from(self.cluster.0)).is_some_and(|cluster| cluster.stored)
    }

    /// A pod.
    pub(super) fn pod(&self, at: PodIx) -> &'g Pod {
        &self.graph.snapshot().pods[at.0 as usize]
    }

    /// The Secrets of a namespace that were read, all or the one of a name, but for those taken to be gone.
    pub(super) fn secrets_in(&self, namespace: Name, name: Option<Name>) -> Vec<SecretIx> {
        let secrets = &self.graph.snapshot().secrets;
        let key = (self.cluster, namespace);
        let from = secrets.partition_point(|secret| (secret.cluster, secret.namespace) < key);
        let here = secrets[from..].iter().take_while(|secret| (secret.cluster, secret.namespace) == key);
        let all = (number(from)..).zip(here).filter(|(_, secret)| name.is_none_or(|name| name == secret.name));
        all.map(|(at, _)| SecretIx(at)).filter(|at| !self.ask.without_secrets.contains(at)).collect()
    }

    /// A Secret.
    pub(super) fn secret(&self, at: SecretIx) -> &'g Secret {
        &self.graph.snapshot().secrets[at.0 as usize]
    }

    /// Every node that is known, by its own object or by a pod on it.
    pub(super) fn nodes(&self) -> Vec<Name> {
        let snapshot = self.graph.snapshot();
        let own = snapshot.nodes.iter().filter(|node| node.cluster == self.cluster).map(|node| node.name);
        let of_pods = snapshot.pods.iter().filter(|pod| pod.cluster == self.cluster).filter_map(|pod| pod.node);
        let nodes: BTreeSet<Name> = own.chain(of_pods).collect();
        nodes.into_iter().collect()
    }

    /// The version of the server, if it is known.
    pub(super) fn version(&self) -> Option<Version> {
        self.ask.version
    }

    /// Every namespace that something is known of.
    pub(super) fn all_namespaces(&self) -> impl Iterator<Item = Name> {
        self.namespaces.iter().copied()
    }

    /// The namespaces of a place, as far as they are known.
    pub(super) fn namespaces_of(&self, place: Place) -> Vec<Name> {
        match place {
            Place::Namespace(namespace) => vec![namespace],
            Place::Cluster | Place::EachNamespace => self.namespaces.clone(),
        }
    }

    fn expand(&mut self, id: u32) {
        let fact = self.facts[id as usize];
        self.choices(fact, id);
        for at in 0..self.reacting.len() {
            self.reacting[at](self, fact, id);
        }
        match fact {
            Fact::Identity(subject) => {
                self.link(id, Fact::Acts(subject), How::Serves);
                for &group in self.groups(subject).iter() {
                    if self.grants.contains_key(&group) {
                        let member = self.fact(Fact::Identity(group));
                        if self.lends(group) {
                            self.link_to(id, member, How::Member);
                        }
                    }
                }
                self.is_under(subject, id, true);
            }
            Fact::Acts(subject) => {
                for &group in self.groups(subject).iter() {
                    if self.grants.contains_key(&group) && Some(group) != self.common {
                        self.link(id, Fact::Acts(group), How::Member);
                    }
                }
                self.is_under(subject, id, false);
                self.ask_roles();
                self.ask(subject, None);
            }
            Fact::Bound(role, place) => self.expand_bound(role, place, id),
            Fact::Holder(role, place) | Fact::EmptyHolder(role, place) => {
                self.holders.entry(role).or_default().push((place, id));
                for writer in self.writers.get(&role).cloned().unwrap_or_default() {
                    self.rewrite(role, place, id, writer);
                }
            }
            Fact::CanChange(role) => {
                let made = self.fact(Fact::CanCreate(role));
                self.follows(vec![id, made], Fact::CanWrite(role));
            }
            Fact::CanWrite(role) | Fact::CanMake(role) | Fact::CanFeed(role) => {
                if !self.writers.contains_key(&role) {
                    self.find_holders(role);
                }
                self.writers.entry(role).or_default().push(id);
                for (place, holder) in self.holders.get(&role).cloned().unwrap_or_default() {
                    self.rewrite(role, place, holder, id);
                }
            }
            Fact::Everything(place) if place != Place::Cluster => {
                // What rewrites or binds roles there gains nothing that is not there already, and whoever it is that has
                // everything may be impersonated: that one asks for tokens instead.
                let mut already = Already::default();
                let inside = self.rights.requests().filter(|&request| {
                    let (technique, _) = self.rights.technique(request);
                    let asked = self.rights.asked(request);
                    let of_roles = asked.rights.iter().all(|right| right.api_group == RBAC);
                    technique.build.is_some()
                        && !of_roles
                        && !asked.impersonates()
                        && asked.at == At::Namespace
                        && asked.rights.iter().all(|right| !right.in_cluster)
                });
                for request in inside.collect::<Vec<_>>() {
                    let (technique, _) = self.rights.technique(request);
                    if self.thrifty && (self.rights.is_made_by_post(request) || already.does(technique)) {
                        continue;
                    }
                    let site = Site { place, object: None, other: None };
                    let how = How::AsEverything { request, site, place };
                    self.asked(request, site, vec![id], how, Vec::new());
                }
            }
            _ => {}
        }
    }

    fn expand_bound(&mut self, role: RoleKey, place: Place, id: u32) {
        self.bound.entry(role).or_default().push((place, id));
        if self.writers.contains_key(&role) {
            self.step(vec![id], Fact::Holder(role, place), How::Follows);
        }
        let Some(&at) = self.roles.get(&role) else {
            self.name_missing(role);
            return;
        };
        // Whoever is bound may do what the role allows.
        let some = self.plan(at, place).some;
        for credentials in [false, true] {
            if !some.is_empty() && (!credentials || !some.and(self.rights.impersonating()).is_empty()) {
                let under = self.under_role(at, place, credentials);
                self.link_to(id, under, How::Follows);
            }
        }
        // What others hold a part of is completed right by right.
        let parts = self.supplied(at).iter().copied().filter(|&supply| self.rights.is_part(supply));
        for supply in parts.collect::<Vec<_>>() {
            let fact = Fact::Right(role, place, supply.key());
            self.step(vec![id], fact, How::Follows);
            let right = self.fact(fact);
            self.fresh.push(Held::made(supply, place, right));
        }
    }

    /// Adds those who hold a role that somebody might rewrite.
    fn find_holders(&mut self, role: RoleKey) {
        for binding in self.bindings.get(&role).cloned().unwrap_or_default() {
            let place = place_of(self.graph.binding(binding).namespace);
            for &subject in self.graph.snapshot().subjects.set(self.graph.binding(binding).subjects) {
                let subject = self.graph.snapshot().subjects.get(subject);
                let identity = self.fact(Fact::Acts(subject));
                self.step(vec![identity], Fact::Holder(role, place), How::Under(binding));
            }
        }
        for (place, bound) in self.bound.get(&role).cloned().unwrap_or_default() {
            self.step(vec![bound], Fact::Holder(role, place), How::Follows);
        }
    }

    /// Whoever can write into a role that they hold can do everything there.
    fn rewrite(&mut self, role: RoleKey, place: Place, holder: u32, writer: u32) {
        let (id, effect) = match self.facts[writer as usize] {
            // It is there already, and its rules are gone unless they are written.
            Fact::CanMake(_) | Fact::CanFeed(_) if matches!(self.facts[holder as usize], Fact::EmptyHolder(..)) => {
                return;
            }
            Fact::CanFeed(_) => ("aggregated-role-inject", Effect::Feed { role, place }),
            _ => ("escalate-role", Effect::Write { role, place }),
        };
        if let Some(technique) = super::technique(id) {
            self.does(technique, vec![holder, writer], effect, Fact::Everything(place));
        }
    }

    /// Adds the roles that an identity is under by bindings that name it; those that impersonate ask for credentials.
    fn is_under(&mut self, subject: Subject, id: u32, credentials: bool) {
        for at in 0..self.grants(subject).len() {
            let Grant { place, binding, role } = self.grants(subject)[at];
            if !credentials || self.impersonates(role, place) {
                let under = self.under_role(role, place, credentials);
                self.granted_unders.insert(under);
                self.link_to(id, under, How::Granted(binding));
            }
        }
    }

    /// The fact that somebody is under a role, of which is asked what it allows when it is new.
    fn under_role(&mut self, role: RoleIx, place: Place, credentials: bool) -> u32 {
        let (under, is_new) = self.fact_and_new(Fact::Under(role, place, credentials));
        if is_new {
            self.unasked.push(under);
        }
        under
    }

    /// Whether a role grants a right to impersonate where it is bound.
    fn impersonates(&self, role: RoleIx, place: Place) -> bool {
        !self.plan(role, place).some.and(self.rights.impersonating()).is_empty()
    }

    /// Whether it matters that somebody has the credentials of an identity, or of a member of a group, and not only that they act
    /// as one: whether it may impersonate, by itself or by its groups.
    fn lends(&self, subject: Subject) -> bool {
        let own = |subject: Subject| {
            let known = self.lending.borrow().get(&subject).copied();
            known.unwrap_or_else(|| {
                let mut grants = self.grants(subject).iter();
                let lends = grants.any(|grant| self.impersonates(grant.role, grant.place));
                self.lending.borrow_mut().insert(subject, lends);
                lends
            })
        };
        !self.thrifty || own(subject) || self.groups(subject).iter().any(|&group| own(group))
    }

    /// Adds every request that roles allow whoever is under them, the roles that were found since it was last done.
    fn ask_roles(&mut self) {
        let ids = std::mem::take(&mut self.unasked);
        let mut ways: Vec<(RequestIx, u32, Site)> = Vec::new();
        for &id in &ids {
            let Fact::Under(role, place, credentials) = self.facts[id as usize] else { continue };
            for &(request, object, other) in &self.plan(role, place).ways {
                let asked = self.rights.asked(request);
                let place = match (asked.at, place) {
                    (At::Namespace, Place::Cluster) => Place::EachNamespace,
                    (_, place) => place,
                };
                let site = Site { place, object, other };
                if asked.impersonates() == credentials && self.rights.is_shared(request) && self.leads(request, site) {
                    ways.push((request, id, site));
                }
            }
        }
        // In the order of the catalogue, whatever the roles are called.
        ways.sort_by_key(|&(request, ..)| request);
        for (request, id, site) in ways {
            let under = match self.facts[id as usize] {
                Fact::Under(role, ..) if self.rights.is_rewriting(request) => vec![(self.key(role), id)],
                _ => Vec::new(),
            };
            self.asked(request, site, vec![id], How::AsRole { request, site }, under);
        }
        if !self.made.is_empty() {
            let mut known = Completed::default();
            for &id in &ids {
                self.complete(id, self.made_mask, &mut known);
            }
        }
        self.unders.extend(ids);
    }

    /// Adds every request that rights which can be given to everybody complete for whoever is under a role.
    fn complete(&mut self, id: u32, fresh: Mask, known: &mut Completed) {
        let Fact::Under(role, place, credentials) = self.facts[id as usize] else { return };
        let plan = self.plan(role, place);
        let requests = self.completed(&plan, credentials, fresh, known);
        let mut held: Vec<Held> = Vec::new();
        let made = Rc::clone(&self.made);
        for &request in requests.iter() {
            if held.is_empty() {
                held = self.held_under(role, place);
            }
            for way in self.rights.ways(request, &held, &[], &made) {
                if way.needs_nothing() {
                    continue;
                }
                let mut needs = vec![id];
                needs.extend(self.cans(&way));
                let first = way.held.first().filter(|_| self.rights.is_rewriting(request));
                let under = first.map(|&first| match first.source {
                    HeldBy::Made(_) => self.under(first),
                    _ => vec![(self.key(role), id)],
                });
                let site = way.site;
                self.asked(request, site, needs, How::AsRole { request, site }, under.unwrap_or_default());
            }
        }
    }

    /// The requests that rights which can be given to everybody may complete for whoever is under a role with this plan.
    fn completed(&self, plan: &Rc<Plan>, credentials: bool, fresh: Mask, known: &mut Completed) -> Rc<[RequestIx]> {
        let all = plan.some.with(self.made_mask);
        let may = |&request: &RequestIx| {
            let asked = self.rights.asked(request);
            asked.rights.len() > 1
                && !self.rights.mask_of(request).and(fresh).is_empty()
                && asked.impersonates() == credentials
                && self.rights.is_shared(request)
                && self.rights.may_be_made(request, plan.some, all)
                && !self.rights.is_more_by_post(request, plan.any)
        };
        let found = known.entry((Rc::as_ptr(plan), credentials));
        Rc::clone(found.or_insert_with(|| self.rights.requests().filter(may).collect()))
    }

    /// What whoever is under a role holds by it, sorted.
    pub(super) fn held_under(&self, role: RoleIx, place: Place) -> Vec<Held> {
        self.supplied(role).iter().map(|&supply| Held::under(supply, place)).collect()
    }

    /// A role by its name.
    pub(super) fn key(&self, role: RoleIx) -> RoleKey {
        let role = self.graph.role(role);
        RoleKey { namespace: role.namespace, name: role.name }
    }

    /// What a role allows by itself where it is bound.
    pub(super) fn plan(&self, role: RoleIx, place: Place) -> Rc<Plan> {
        let wide = place == Place::Cluster;
        let own = Some(role).filter(|role| self.cut.contains_key(role));
        let key = (own, self.graph.role(role).rules, wide);
        if let Some(known) = self.plans.borrow().get(&key) {
            return Rc::clone(known);
        }
        let held = self.held_under(role, if wide { Place::Cluster } else { Place::Namespace(Name::EMPTY) });
        let (some, any) = (Rights::mask(&held), Rights::mask_of_any(&held));
        let mut found = Vec::new();
        let mut already = Already::default();
        for request in self.rights.requests().filter(|&request| self.rights.may_be_made(request, some, some)) {
            // An object of a name is not made by whoever makes any.
            let posted = self.rights.is_more_by_post(request, any) && any.has(self.rights.mask_of(request));
            if self.thrifty && posted {
                continue;
            }
            let (technique, _) = self.rights.technique(request);
            for Way { site: Site { object, other, .. }, .. } in self.rights.ways(request, &held, &[], &[]) {
                let whole = self.thrifty && (object, other) == (None, None);
                if !whole || !already.does(technique) {
                    found.push((request, object, other));
                }
            }
        }
        let plan = Rc::new(Plan { ways: found.into(), some, any });
        self.plans.borrow_mut().insert(key, Rc::clone(&plan));
        plan
    }

    /// The subjects whom bindings that name them put under a role with a plan like that.
    pub(super) fn under_some(&self, like: impl Fn(&Plan) -> bool) -> FxHashSet<Subject> {
        let is_like = |grant: &Grant| like(&self.plan(grant.role, grant.place));
        let all = self.grants.iter().filter(|(_, grants)| grants.iter().any(is_like));
        all.map(|(&subject, _)| subject).collect()
    }

    /// The bindings that put a subject itself under roles of use.
    pub(super) fn grants(&self, subject: Subject) -> &[Grant] {
        self.grants.get(&subject).map_or(&[], Vec::as_slice)
    }

    /// What a subject holds by bindings that name it, sorted.
    fn held(&self, subject: Subject) -> Vec<Held> {
        let grants = self.grants(subject).iter();
        let held = grants.flat_map(|grant| {
            let supplied = self.supplied(grant.role).iter();
            supplied.map(|&supply| Held::new(supply, grant.place, grant.binding, subject))
        });
        let mut held: Vec<Held> = held.collect();
        held.sort_unstable();
        held
    }

    /// The groups that an identity is in without anybody's doing, as far as bindings name them.
    pub(super) fn groups(&self, subject: Subject) -> Rc<[Subject]> {
        let key = match subject {
            Subject::ServiceAccount { namespace, .. } => Subject::ServiceAccount { namespace, name: Name::EMPTY },
            _ => subject,
        };
        if let Some(known) = self.groups.borrow().get(&key) {
            return Rc::clone(known);
        }
        let found: Rc<[Subject]> = groups(self.graph, subject).into();
        self.groups.borrow_mut().insert(key, Rc::clone(&found));
        found
    }

    /// Adds every request that an identity can make by grants of its own which no role allows alone.
    fn ask(&mut self, subject: Subject, fresh: Option<Mask>) {
        let requests = self.together(subject, fresh);
        if requests.is_empty() {
            return;
        }
        let own = self.held(subject);
        let groups: Vec<Vec<Held>> = self.groups(subject).iter().map(|&group| self.held(group)).collect();
        let groups: Vec<&[Held]> = groups.iter().map(Vec::as_slice).collect();
        let made = Rc::clone(&self.made);
        for request in requests {
            for way in self.rights.ways(request, &own, &groups, &made) {
                if !self.rights.is_shared(request) || !way.is_of_one() {
                    self.make(Some(subject), request, &way);
                }
            }
        }
    }

    /// The requests for which it takes several bindings of an identity, or the identity itself.
    fn together(&self, subject: Subject, fresh: Option<Mask>) -> Vec<RequestIx> {
        let own = self.grants(subject);
        if own.is_empty() {
            return Vec::new();
        }
        let groups = self.groups(subject);
        let all = own.iter().chain(groups.iter().flat_map(|&group| self.grants(group)));
        let plans: Vec<(Place, Rc<Plan>)> =
            all.map(|grant| (grant.place, self.plan(grant.role, grant.place))).collect();
        let own = plans[..own.len()].iter().fold(Mask::default(), |mask, (_, plan)| mask.with(plan.some));
        let alone = self.rights.unshared().iter().copied().filter(|&request| {
            let again = fresh.is_none_or(|fresh| self.rights.completes(request, fresh));
            again && !self.rights.mask_of(request).and(own).is_empty()
        });
        let mut found: Vec<RequestIx> = alone.collect();
        if plans.len() > 1 {
            let mut places: Vec<Place> = plans.iter().map(|&(place, _)| place).collect();
            places.sort_unstable();
            places.dedup();
            let anywhere = plans.iter().fold(self.made_mask, |all, (_, plan)| all.with(plan.some));
            for &request in self.rights.several().iter().filter(|&&request| anywhere.has(self.rights.mask_of(request)))
            {
                let mask = self.rights.mask_of(request);
                // Where one right of two can be given, one is left, and that is in one role.
                let with_made = self.rights.asked(request).rights.len() > 2;
                let again = fresh.is_none_or(|fresh| with_made && !mask.and(fresh).is_empty());
                if !again || !self.rights.is_shared(request) {
                    continue;
                }
                let made = if with_made { self.made_mask } else { Mask::default() };
                let takes_several = |&place: &Place| {
                    let here = plans.iter().filter(|(at, _)| *at == place || *at == Place::Cluster);
                    let (mut all, mut many) = (made, 0);
                    for (_, plan) in here.filter(|(_, plan)| !plan.some.and(mask).is_empty()) {
                        if plan.any.has(mask) || self.rights.is_more_by_post(request, plan.any) {
                            return false;
                        }
                        all = all.with(plan.some);
                        many += 1;
                    }
                    many > 1 && all.has(mask)
                };
                if places.iter().any(takes_several) {
                    found.push(request);
                }
            }
        }
        found
    }

    /// Adds every way in which rights that can be given to everybody are enough for a request.
    fn ask_made(&mut self, fresh: Mask) {
        let made = Rc::clone(&self.made);
        for request in self.rights.requests() {
            let (technique, _) = self.rights.technique(request);
            let again = self.rights.mask_of(request).and(fresh).is_empty();
            // What one role allows follows from being under it.
            let alone = self.rights.asked(request).rights.len() == 1;
            if alone
                || technique.build.is_none()
                || again
                || !self.rights.may_be_made(request, self.made_mask, self.made_mask)
            {
                continue;
            }
            for way in self.rights.ways(request, &made, &[], &[]) {
                self.make(None, request, &way);
            }
        }
    }

    /// Adds a way in which somebody can make a request.
    fn make(&mut self, by: Option<Subject>, request: RequestIx, way: &Way) {
        let (needs, held) = self.needs_of(by, request, way);
        let first = way.held.first().filter(|_| self.rights.is_rewriting(request));
        let under = first.map(|first| self.under(*first)).unwrap_or_default();
        let how = How::Asks { request, site: way.site, by, held };
        self.asked(request, way.site, needs, how, under);
    }

    /// What a way to make a request rests on, and what grants each of its rights.
    pub(super) fn needs_of(&mut self, by: Option<Subject>, request: RequestIx, way: &Way) -> (Vec<u32>, Vec<Held>) {
        let who: fn(Subject) -> Fact =
            if self.rights.asked(request).impersonates() { Fact::Identity } else { Fact::Acts };
        let mut needs: Vec<u32> = by.map(|by| self.fact(who(by))).into_iter().collect();
        let mut cans = self.cans(way).into_iter();
        let mut held = way.held.clone();
        for right in held.iter_mut().filter(|right| matches!(right.source, HeldBy::Made(_))) {
            if let Some(can) = cans.next() {
                right.source = HeldBy::Made(can);
                needs.push(can);
            }
        }
        (needs, held)
    }

    /// The facts that the rights of a way which are made on the way can be given to everybody, in their order.
    pub(super) fn cans(&mut self, way: &Way) -> Vec<u32> {
        let made: Vec<Held> =
            way.held.iter().copied().filter(|right| matches!(right.source, HeldBy::Made(_))).collect();
        made.into_iter().map(|right| self.can(right.key())).collect()
    }

    /// The fact that a right can be given to everybody, with what serves it: the same right, and wider ones, each by its own fact,
    /// so that those for which it is wider share the way to it.
    pub(super) fn can(&mut self, key: (u8, Place, Option<Name>)) -> u32 {
        let (right, place, name) = key;
        let can = self.fact(Fact::Can(right, place, name));
        if self.served.insert(key, self.made.len()) == Some(self.made.len()) {
            return can;
        }
        let made = Rc::clone(&self.made);
        for held in Held::equal(&made, key) {
            if let HeldBy::Made(fact) = held.source {
                self.add(&[fact], can, How::Serves, None);
            }
        }
        let wider = match place {
            Place::Namespace(_) => Some(Place::EachNamespace),
            Place::EachNamespace => Some(Place::Cluster),
            Place::Cluster => None,
        };
        let unnamed = name.map(|_| (right, place, None));
        for wider in unnamed.into_iter().chain(wider.map(|place| (right, place, name))) {
            if Held::is_served(wider, &made) {
                let wide = self.can(wider);
                self.add(&[wide], can, How::Serves, None);
            }
        }
        can
    }

    /// The facts of rights that can be given to everybody and are as good as this one.
    fn serving(&self, right: Held) -> Vec<u32> {
        let facts = right.served_by(&self.made).filter_map(|made| match made.source {
            HeldBy::Made(fact) => Some(fact),
            HeldBy::Grant { .. } | HeldBy::Role(_) => None,
        });
        facts.collect()
    }

    /// The verbs of the rule that grants a right.
    pub(super) fn verbs_of(&self, held: Held) -> Vec<Name> {
        let HeldBy::Grant { binding, rule, .. } = held.source else { return Vec::new() };
        let role = self.graph.role_of(binding).map(|role| self.graph.role(role).rules);
        role.map(|rules| self.graph.rule(rules, rule).verbs.to_vec()).unwrap_or_default()
    }

    /// The roles behind a right, and the facts that somebody is under them.
    pub(super) fn under(&self, held: Held) -> Vec<(RoleKey, u32)> {
        match held.source {
            HeldBy::Grant { subject, binding, .. } => {
                let role = role_key(self.graph, binding);
                role.zip(self.find(Fact::Acts(subject))).into_iter().collect()
            }
            HeldBy::Made(_) => {
                let role = |fact: u32| match self.facts[fact as usize] {
                    Fact::Right(role, _, _) => Some((role, fact)),
                    _ => None,
                };
                self.serving(held).into_iter().filter_map(role).collect()
            }
            HeldBy::Role(_) => Vec::new(),
        }
    }

    /// Adds a way to make a request, and what follows from it.
    pub(super) fn asked(
        &mut self,
        request: RequestIx,
        site: Site,
        needs: Vec<u32>,
        how: How,
        under: Vec<(RoleKey, u32)>,
    ) {
        let by = match how {
            How::Asks { by, .. } => by,
            How::Through { by, .. } => Some(by),
            _ => None,
        };
        if self.leads(request, site) && self.step(needs, Fact::Request(request, site), how) {
            let fact = self.fact(Fact::Request(request, site));
            // That a technique asks for it is no way to make it.
            let first = self.asked.insert(fact);
            let (technique, within) = self.rights.technique(request);
            if let Some(build) = technique.build {
                let step = self.count() - 1;
                build(self, Done { within, technique, fact, by, step, site, first, under });
            }
        }
    }

    /// Whether a request may lead anywhere there.
    fn leads(&self, request: RequestIx, site: Site) -> bool {
        self.leads[usize::from(request.0)].admits(site)
    }

    /// The fact that one of the requests of a technique can be made, whether or not it ever is.
    pub(super) fn asking(&mut self, technique: &Technique, within: usize, site: Site) -> u32 {
        let request = self.rights.requests().find(|&request| {
            let (of, at) = self.rights.technique(request);
            of.id == technique.id && at == within
        });
        self.fact(Fact::Request(request.unwrap_or(RequestIx(u16::MAX)), site))
    }

    /// The fact that a request can be made there and on this object, of all places and objects for which it can be made. Steps
    /// that need it name the object.
    pub(super) fn on(&mut self, done: &Done, place: Place, object: Option<Name>) -> u32 {
        let Fact::Request(request, _) = self.facts[done.fact as usize] else { return done.fact };
        let site = Site { place, object, ..done.site };
        if site == done.site {
            return done.fact;
        }
        let narrow = Fact::Request(request, site);
        self.follows(vec![done.fact], narrow);
        self.fact(narrow)
    }

    /// What it takes to change an object by one of the requests of `changes!`; nothing does by reading alone. Each object that can
    /// be changed has to be asked for, whichever request it is.
    pub(super) fn changes(&mut self, done: &Done, change: Change, place: Place, object: Name) -> Option<Vec<u32>> {
        let fact = self.on(done, place, Some(object));
        match change {
            Change::Patch => Some(vec![fact]),
            Change::Update => {
                let site = Site { place, object: Some(object), other: None };
                let read = self.asking(done.technique, done.within + 1, site);
                Some(vec![fact, read])
            }
            Change::Read => None,
        }
    }

    /// Every namespace that has bindings.
    pub(super) fn namespaces(&self) -> Vec<Name> {
        let here = self.graph.scopes().iter().filter(|scope| scope.cluster == self.cluster);
        here.filter_map(|scope| scope.namespace).collect()
    }

    /// A Role under a new name, in each namespace of a place that has bindings, and in any other.
    pub(super) fn new_roles(&self, place: Place) -> Vec<RoleKey> {
        let namespaces = match place {
            Place::Namespace(namespace) => vec![namespace],
            Place::Cluster | Place::EachNamespace => [vec![Name::STAR], self.namespaces()].concat(),
        };
        namespaces.into_iter().map(|namespace| RoleKey { namespace: Some(namespace), name: Name::EMPTY }).collect()
    }

    /// The role of a name, if it exists.
    pub(super) fn role(&self, role: RoleKey) -> Option<RoleIx> {
        self.roles.get(&role).copied()
    }

    /// The Roles of a place: all that are there, or those of a name, whether or not they are there.
    pub(super) fn roles_in(&self, place: Place, name: Option<Name>) -> Vec<RoleKey> {
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
    pub(super) fn bindings_in(&self, place: Place, name: Option<Name>) -> Vec<BindingIx> {
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
    pub(super) fn accounts_in(&self, place: Place, name: Option<Name>) -> Vec<Subject> {
        let names = &self.graph.snapshot().names;
        if name.is_some_and(|name| !is_account_name(names.text(name))) {
            return Vec::new();
        }
        let named = |own: Name| name.is_none_or(|name| name == own);
        let mut found: BTreeSet<(Name, Name)> = BTreeSet::new();
        // An account without a grant of its own still is in the groups of its namespace.
        let mut default = name.or_else(|| names.find("default"));
        match place {
            Place::Namespace(namespace) => {
                let own = self.accounts.get(&namespace).into_iter().flatten().filter(|&&own| named(own));
                found.extend(own.map(|&own| (namespace, own)));
                let granted = self.all_accounts_granted || self.accounts_granted.contains(&namespace);
                found.extend(default.take_if(|_| granted).map(|name| (namespace, name)));
            }
            Place::Cluster | Place::EachNamespace => {
                for (&namespace, own) in &self.accounts {
                    found.extend(own.iter().filter(|&&own| named(own)).map(|&own| (namespace, own)));
                }
                if let Some(default) = default {
                    let of_all = names.find("default").filter(|_| self.all_accounts_granted);
                    found.extend(self.accounts_granted.iter().copied().chain(of_all).map(|at| (at, default)));
                }
            }
        }
        found.into_iter().map(|(namespace, name)| Subject::ServiceAccount { namespace, name }).collect()
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
        self.accounts_in(site.place, None).into_iter().filter(|&account| self.is_missing(account)).collect()
    }

    /// Whether there is no account of this name, as far as the input can say: it has to hold all accounts of the namespace.
    pub(super) fn is_missing(&self, account: Subject) -> bool {
        is_absent(self.graph, self.cluster, account)
    }

    /// Whether there is no such namespace, as far as the input can say.
    pub(super) fn lacks_namespace(&self, namespace: Name) -> bool {
        let snapshot = self.graph.snapshot();
        let key = (self.cluster, namespace);
        self.read_all("", "namespaces", None)
            && snapshot.namespaces.binary_search_by_key(&key, |one| (one.cluster, one.name)).is_err()
    }

    /// Whether a list of the cluster was read in full.
    fn read_all(&self, api_group: &str, resource: &str, namespace: Option<Name>) -> bool {
        read_all(self.graph, self.cluster, api_group, resource, namespace)
    }

    /// Remembers a request that makes any role which does not exist, and says what is gained for each.
    pub(super) fn creates(&mut self, done: &Done, gain: fn(RoleKey) -> Fact) {
        self.creators.push((done.site, done.fact, gain));
        let missing: Vec<RoleKey> = match done.site.place {
            Place::Namespace(namespace) => {
                let namespace = Some(namespace);
                let from = self.missing.range(RoleKey { namespace, name: Name::EMPTY }..);
                from.take_while(|role| role.namespace == namespace).copied().collect()
            }
            Place::Cluster | Place::EachNamespace => self.missing.iter().copied().collect(),
        };
        for role in missing {
            self.create(done.site, done.fact, role, gain);
        }
    }

    fn create(&mut self, site: Site, fact: u32, role: RoleKey, gain: fn(RoleKey) -> Fact) {
        let here = match (site.place, role.namespace) {
            (Place::Cluster, namespace) => namespace.is_none(),
            (place, Some(namespace)) => place.has(namespace),
            (_, None) => false,
        };
        if here && site.object.is_none_or(|name| name == role.name) {
            self.step(vec![fact], gain(role), How::Follows);
        }
    }

    /// A role that nobody has is named.
    pub(super) fn name_missing(&mut self, role: RoleKey) {
        if !self.roles.contains_key(&role) && self.missing.insert(role) {
            for (site, fact, gain) in self.creators.clone() {
                self.create(site, fact, role, gain);
            }
        }
    }

    /// Whether a subject is the group that is let through before any authorizer is asked.
    fn is_masters(&self, subject: Subject) -> bool {
        matches!(subject, Subject::Group(name) if self.graph.text(name) == MASTERS)
    }

    /// Every user, or every group but system:masters, that has grants.
    pub(super) fn granted(&self, of_kind: fn(Subject) -> bool) -> Vec<Subject> {
        let granted = self.grants.keys().copied().filter(|&subject| of_kind(subject) && !self.is_masters(subject));
        let subjects: BTreeSet<Subject> = granted.collect();
        subjects.into_iter().collect()
    }

    /// The identity of a node's kubelet.
    pub(super) fn user_of_node(&self, node: Name) -> Option<Subject> {
        Subject::find_user(&self.graph.snapshot().names, &[NODE_PREFIX, self.graph.text(node)].concat())
    }

    /// What a subject holds itself, and what it holds by its groups.
    pub(super) fn held_by(&self, subject: Subject) -> (Vec<Held>, Vec<Vec<Held>>) {
        (self.held(subject), self.groups(subject).iter().map(|&group| self.held(group)).collect())
    }

    /// What can be given to every identity, and which rights these are.
    pub(super) fn made(&self) -> (&[Held], Mask) {
        (&self.made, self.made_mask)
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

    /// Whether a binding counts.
    pub(super) fn counts(&self, binding: BindingIx) -> bool {
        !self.ask.without.contains(&binding)
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

/// Whether there is no account of this name, as far as the input can say: it has to hold all accounts of the namespace.
pub(super) fn is_absent(graph: &AccessGraph, cluster: ClusterId, account: Subject) -> bool {
    let Subject::ServiceAccount { namespace, name } = account else { return false };
    let snapshot = graph.snapshot();
    let has = |name: Name| {
        let key = (cluster, namespace, name);
        snapshot.service_accounts.binary_search_by_key(&key, |one| (one.cluster, one.namespace, one.name)).is_ok()
    };
    // A controller makes the account `default` in every namespace, so where it is, all others that exist are as well.
    let dumped = snapshot.names.find("default").is_some_and(has);
    (dumped || read_all(graph, cluster, "", "serviceaccounts", Some(namespace))) && !has(name)
}

/// Whether a list of the cluster was read in full.
fn read_all(graph: &AccessGraph, cluster: ClusterId, api_group: &str, resource: &str, namespace: Option<Name>) -> bool {
    let snapshot = graph.snapshot();
    let namespace = namespace.map(|namespace| graph.text(namespace));
    let stored = snapshot.clusters.get(usize::from(cluster.0)).is_some_and(|cluster| cluster.stored);
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
    stored && !snapshot.gaps.iter().any(hides)
}

/// Where a role of the namespace can be bound.
pub(super) fn place_in(namespace: Name) -> Place {
    if namespace == Name::STAR { Place::EachNamespace } else { Place::Namespace(namespace) }
}

/// Where a binding holds.
pub(super) fn place_of(namespace: Option<Name>) -> Place {
    namespace.map_or(Place::Cluster, Place::Namespace)
}

/// The role that a binding names, whether or not it exists; none for a reference that can never be one.
pub(super) fn role_key(graph: &AccessGraph, at: BindingIx) -> Option<RoleKey> {
    let binding = graph.binding(at);
    let namespace = match binding.role.kind {
        RoleKind::ClusterRole => None,
        RoleKind::Role => Some(binding.namespace?),
        RoleKind::Other(_) => return None,
    };
    Some(RoleKey { namespace, name: binding.role.name })
}

/// The groups that an identity is in without anybody's doing, as far as bindings name them.
pub(super) fn groups(graph: &AccessGraph, subject: Subject) -> Vec<Subject> {
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
fn namespace_of_accounts(graph: &AccessGraph, group: Name) -> Option<Name> {
    let rest = graph.text(group).strip_prefix(SERVICE_ACCOUNTS)?;
    rest.strip_prefix(':').and_then(|name| graph.snapshot().names.find(name))
}

/// Every namespace that is there, or that something is known to be in, sorted.
fn namespaces(graph: &AccessGraph, cluster: ClusterId) -> Vec<Name> {
    let snapshot = graph.snapshot();
    let scopes = graph.scopes().iter().filter(|scope| scope.cluster == cluster).filter_map(|scope| scope.namespace);
    let own = snapshot.namespaces.iter().filter(|own| own.cluster == cluster).map(|own| own.name);
    let pods = snapshot.pods.iter().filter(|pod| pod.cluster == cluster).map(|pod| pod.namespace);
    let secrets = snapshot.secrets.iter().filter(|secret| secret.cluster == cluster).map(|secret| secret.namespace);
    let of_subject = |subject: Subject| match subject {
        Subject::Group(name) => namespace_of_accounts(graph, name),
        Subject::User(_) | Subject::ServiceAccount { .. } => subject.namespace(),
    };
    let subjects = snapshot.subjects.iter().filter_map(|(_, subject)| of_subject(subject));
    let all: BTreeSet<Name> = scopes.chain(own).chain(pods).chain(secrets).chain(subjects).collect();
    all.into_iter().collect()
}

/// Whether a subject is put under a role at a place for the first time.
fn grants_differ(seen: &mut FxHashSet<(Place, RoleIx)>, grant: &Grant) -> bool {
    seen.insert((grant.place, grant.role))
}

/// A place in a list.
fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
