//! What the attack graph is made of: facts, and the ways from some of them to another.

use std::borrow::Cow;
use std::hash::Hash;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::number;
use crate::graph::{BindingIx, RoleIx};
use crate::model::{AdmissionKind, Atom, Name, Subject};
use crate::rules::azure::{AzureFact, AzureStep, Sure};
use crate::rules::finding::RequestDone;
use crate::rules::held::{Held, RequestIx, Site};
use crate::rules::technique::{Blocker, Confidence, Kind, Technique};

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
    pub(in crate::rules) fn covering(self) -> impl Iterator<Item = Place> {
        let wide = [Place::Cluster, Place::EachNamespace];
        let wide = wide.into_iter().take(usize::from(self != Place::Cluster) * 2);
        wide.filter(move |&place| place != self).chain([self])
    }

    /// The namespaces of a place, where it is one.
    pub(in crate::rules) fn has(self, namespace: Name) -> bool {
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
pub(in crate::rules) enum Fact {
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
    /// Can give every identity of theirs some rights of a role, as the check before a binding counts them.
    Whole(u32),
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
    /// Reads the tokens that lie in running pods of a node, those pods that are good for nothing else.
    TokensOn(Name),
    /// The same in a namespace.
    TokensIn(Name),
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
    /// Acts as the kubelet of any node of their choice.
    Kubelets,
    /// Has what the Node authorizer gives to a node, any of their choice.
    OfKubelets,
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

impl Fact {
    /// What a step does that gains this and nothing else, where that can be said.
    pub(super) fn effect(self) -> Option<Effect> {
        match self {
            Fact::Identity(subject) | Fact::Acts(subject) => Some(Effect::ActAs(subject)),
            Fact::Bound(role, place) => Some(Effect::Bind { role, place, binding: None }),
            Fact::Exists(account) => Some(Effect::Create(account)),
            Fact::Everything(place) => Some(Effect::Everything(place)),
            Fact::NamespaceAdmin(place) => Some(Effect::NamespaceAdmin(place)),
            Fact::Secrets(place) => Some(Effect::Secrets(place)),
            Fact::Secret(secret) => Some(Effect::Secret(secret)),
            Fact::Pod(pod) => Some(Effect::Pod(pod)),
            Fact::Container(pod) => Some(Effect::Container(pod)),
            Fact::NewPod(place) => Some(Effect::NewPod(place)),
            Fact::Relaxed(place) => Some(Effect::Relax(place)),
            Fact::Nodes => Some(Effect::Node(None)),
            Fact::Node(node) => Some(Effect::Node(Some(node))),
            Fact::Kubeconfig(secret) => Some(Effect::Kubeconfig(secret)),
            _ => None,
        }
    }
}

/// Large things that are parts of facts, by number: facts are many and should be small.
pub(in crate::rules) struct Table<T>(FxHashMap<T, u32>);

impl<T: Eq + Hash> Table<T> {
    /// The number of something, added if it is new.
    pub(in crate::rules) fn number(&mut self, value: T) -> u32 {
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
pub(in crate::rules) type Share = (RequestIx, Site, Option<Subject>, RoleKey, Place);

/// Rights that are needed together, where.
pub(in crate::rules) type Whole = (Rc<[Atom]>, Place);

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
pub(in crate::rules) enum How {
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
    /// Makes this request.
    Sends(Rc<RequestDone>),
    /// One of many that the technique behind the need can have.
    Chooses { of: u32, effect: Effect },
}

/// Who writes ASO resources, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rules) struct Writer {
    /// Where.
    pub(in crate::rules) place: Place,
    /// By what.
    pub(in crate::rules) by: WritesBy,
}

/// By what ASO resources are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rules) enum WritesBy {
    /// The grants of this subject.
    Subject(Subject),
    /// This role, which is bound there on the way.
    Role(RoleKey, Place),
    /// Everything can be done there.
    Everything(Place),
}

/// Somebody else's name, and the requests that can be made in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::rules) struct Pose {
    pub(in crate::rules) who: Who,
    /// The right whose verb is asked for, and the verb.
    pub(in crate::rules) right: u8,
    pub(in crate::rules) verb: &'static str,
    pub(in crate::rules) place: Place,
    /// The only object; none for every object.
    pub(in crate::rules) name: Option<Name>,
}

/// In whose names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::rules) enum Who {
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
pub(in crate::rules) struct OnHalf {
    pub(in crate::rules) verb: &'static str,
    pub(in crate::rules) subject: Subject,
    pub(in crate::rules) binding: BindingIx,
    pub(in crate::rules) rule: u32,
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
pub(in crate::rules) struct Step<'a> {
    pub(in crate::rules) how: Cow<'a, How>,
    /// What it needs, sorted.
    pub(in crate::rules) needs: &'a [u32],
    /// What stops it or might, most often nothing.
    pub(in crate::rules) blockers: &'a [Blocker],
}

/// What matters of a step to a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rules) struct Marks(u8);

impl Marks {
    const BLOCKED: u8 = 1;
    const FREE: u8 = 2;
    const MOVE: u8 = 4;
    /// What is behind the marks.
    const DOUBT: u8 = 8;

    pub(super) fn of(how: &How, blocked: bool) -> Marks {
        let free = matches!(how, How::Granted(_) | How::Serves | How::Chooses { .. });
        let moves = match how {
            How::Does { technique, .. } => technique.kind == Kind::Move,
            How::Through { .. } => true,
            _ => false,
        };
        let sure = match how {
            How::Does { effect: Effect::Azure(own), .. } | How::Chooses { effect: Effect::Azure(own), .. } => own.sure,
            _ => Sure::Yes,
        };
        let inferred = matches!(how, How::Does { technique, .. } if technique.confidence == Confidence::Inferred);
        let mark = |is: bool, mark: u8| if is { mark } else { 0 };
        let doubt = (sure as u8 * 2 + u8::from(inferred)) * Marks::DOUBT;
        Marks(mark(blocked, Marks::BLOCKED) | mark(free, Marks::FREE) | mark(moves, Marks::MOVE) | doubt)
    }

    /// How far from sure it is, by what makes a finding less severe: first whether Azure surely lets it be done, then whether the
    /// technique is only inferred.
    pub(in crate::rules) fn doubt(self) -> u8 {
        self.0 / Marks::DOUBT
    }

    /// Whether it is the same as another one but surer.
    pub(super) fn is_surer(self, than: Marks) -> bool {
        self.0 % Marks::DOUBT == than.0 % Marks::DOUBT && self.doubt() < than.doubt()
    }

    /// Whether something stops it.
    pub(in crate::rules) fn is_blocked(self) -> bool {
        self.0 & Marks::BLOCKED != 0
    }

    /// Whether it says only what is so already, and takes no round.
    pub(in crate::rules) fn is_free(self) -> bool {
        self.0 & Marks::FREE != 0
    }

    /// Whether it gains something that was not held.
    pub(in crate::rules) fn is_move(self) -> bool {
        self.0 & Marks::MOVE != 0
    }
}
