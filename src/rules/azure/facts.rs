//! What an attacker has in Azure, and by what Azure Service Operator (ASO) does for them.

use crate::graph::azure::{AssignmentIx, ClusterIx, DenyIx, PrincipalIx, ScopeIx};
use crate::model::{KindIx, Name, Subject};
use crate::rules::attack::Place;

/// An identity in Azure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    /// One that the Azure data speak of.
    Principal(PrincipalIx),
    /// One of which only the client id is known, since a credential names it.
    Client(Name),
}

/// Kinds of ASO resources that somebody may write, by the place of the set in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::rules) struct KindSetIx(pub(super) u32);

/// How much somebody may do in a scope, from the actions that they really hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Power {
    /// Reads.
    Read,
    /// Has keys, or what is stored.
    KeysAndData,
    /// Writes resources of some types.
    Limited,
    /// Writes resources of all types, but for role assignments.
    Contributor,
    /// Assigns roles, and so has all others.
    RoleAssignments,
}

impl Power {
    /// All of them, the least first.
    pub const ALL: [Power; 5] =
        [Power::Read, Power::KeysAndData, Power::Limited, Power::Contributor, Power::RoleAssignments];

    /// The word in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Power::Read => "read",
            Power::KeysAndData => "keys and data",
            Power::Limited => "limited",
            Power::Contributor => "Contributor-like",
            Power::RoleAssignments => "role-assignment write",
        }
    }
}

/// Some types of resources: the first kind of ASO that makes one, and how many more there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Types {
    /// The first.
    pub first: KindIx,
    /// How many more.
    pub more: u16,
}

/// How sure it is that Azure lets somebody do something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sure {
    /// A role assignment allows it.
    #[default]
    Yes,
    /// Under a condition that is not evaluated.
    Conditional,
    /// What decides it was not read: the role, a group, or where a subscription lies.
    Unknown,
    /// Once a role or a membership is activated.
    Eligible,
    /// A deny assignment takes it away.
    Denied,
}

/// A resource of ASO that is there: its kind, its namespace and its name.
pub(in crate::rules) type Changed = (KindIx, Name, Name);

/// Something that an attacker has in Azure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::rules) enum AzureFact {
    /// Writes ASO resources of these kinds there.
    Writes(KindSetIx, Place),
    /// Is allowed by Azure to write ASO resources of these kinds there.
    Manages(KindSetIx, Place),
    /// Changes this resource, and makes none like it.
    Changes(Changed),
    /// Has ASO act as this identity on resources of these kinds.
    Through(Who, KindSetIx),
    /// Can take the credential of a namespace away; `*` for one that is new and has none.
    Loses(Name),
    /// Can put a credential into a namespace.
    Takes(Name),
    /// Can read a Secret of a namespace whose name is free.
    Reads(Name),
    /// Has ASO act as any identity that trusts this account.
    Forges(Subject, KindSetIx),
    /// Has ASO send tokens of any identity that trusts this account to an address of theirs.
    Diverts(Subject),
    /// Has tokens of this identity.
    Token(Who),
    /// The same, once a deny assignment that it may delete is deleted; without one, once all of them are.
    Undenied(Who, Option<DenyIx>),
    /// Has a deny assignment deleted, whomever it stops.
    Deleted(DenyIx),
    /// Can have every user-assigned identity at or below a scope trust somebody of theirs.
    Trusts(ScopeIx),
    /// Can run code with every user-assigned identity at or below a scope.
    Attaches(ScopeIx),
    /// Has power in a scope; on resources of these types, where it is limited to some.
    Power(ScopeIx, Power, Option<Types>),
    /// Administers a cluster that is not this one.
    Cluster(ClusterIx),
    /// Labels every namespace of this cluster but those of the system.
    Labels,
}

/// What a step gains in Azure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AzureGain {
    /// ASO acts as this identity on what is written.
    Through(Who),
    /// The tokens of an identity.
    Token(Who),
    /// That a deny assignment of a scope is deleted; without one, that several are, there and elsewhere.
    Undenied(ScopeIx, Option<DenyIx>),
    /// Any of many things that a later choice names; never a step by itself.
    Any,
    /// Power in a scope; on resources of these types, where it is limited to some.
    Power(ScopeIx, Power, Option<Types>),
    /// The administration of another cluster.
    Cluster(ClusterIx),
    /// The administration of this cluster.
    ThisCluster,
    /// Root on the nodes of this cluster.
    TheseNodes,
    /// The Secrets of a place.
    Secrets(Place),
    /// To run pods in a place.
    NewPod(Place),
    /// To write the labels of a namespace, and so what is admitted there.
    Labels(Place),
    /// To write ASO resources in a place.
    Resources(Place),
    /// To act as an account of this cluster.
    Account(Subject),
}

/// A step that has to do with Azure: what it gains, and by what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AzureStep {
    /// What it gains.
    pub gain: AzureGain,
    /// Whose rights in Azure it takes.
    pub by: Option<Who>,
    /// The action that has to be allowed, and by which role assignment it is.
    pub action: Option<(&'static str, AssignmentIx)>,
    /// The kind of ASO resource that is written.
    pub kind: Option<KindIx>,
    /// Another kind that is written, since it writes a Secret for the first or makes what the first one is about.
    pub writer: Option<KindIx>,
    /// The namespace in which it is written; `*` for one that is new.
    pub namespace: Option<Name>,
    /// The Secret that holds the credential, by its namespace and name.
    pub credential: Option<(Name, Name)>,
    /// How sure it is that Azure allows the action.
    pub sure: Sure,
}

impl AzureStep {
    /// A step that gains this, of which nothing else is known.
    pub(in crate::rules) const fn new(gain: AzureGain) -> AzureStep {
        AzureStep {
            gain,
            by: None,
            action: None,
            kind: None,
            writer: None,
            namespace: None,
            credential: None,
            sure: Sure::Yes,
        }
    }
}

/// Something in Azure worth reaching.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AzureTarget {
    /// Power in a scope, and in all that is in it.
    Power {
        /// The scope.
        scope: ScopeIx,
        /// Its number and that of the first scope that is not in it, when all scopes are counted from outside in.
        span: (u32, u32),
        /// How much.
        power: Power,
        /// On resources of these types, where it is limited to some.
        types: Option<Types>,
    },
    /// An identity of which it is not known what it may do.
    Identity(Who),
    /// Another cluster.
    Cluster(ClusterIx),
}
