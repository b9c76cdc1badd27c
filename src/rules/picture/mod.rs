//! Pictures: what there is in an access graph, or the steps of one finding, as nodes and edges. Which ones there are and how they are
//! grouped is decided here; words, colours and formats are floor 5's.

mod group;
mod path;
#[cfg(test)]
mod tests;
mod web;

pub use group::Grouping;
pub use path::{finding_by, picture_of};
pub use web::{Around, LeftOut, PictureAsk, find, picture};

use std::rc::Rc;

use super::attack::RoleKey;
use super::azure::Who;
use super::finding::{RightDone, Severity, StepDone, Target};
use crate::graph::azure::{AssignmentIx, ClusterIx, ScopeIx};
use crate::graph::{AccessGraph, BindingIx, RoleIx};
use crate::model::{Name, Subject};
use crate::query::CredentialScope;

/// Nodes and edges, in an order that is the same every time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// The nodes.
    pub nodes: Vec<PictureNode>,
    /// The edges, by the places of their nodes.
    pub edges: Vec<PictureEdge>,
    /// The steps that [`Item::Gain`] and others speak of.
    pub steps: Vec<Rc<StepDone>>,
    /// How nodes are grouped.
    pub grouping: Grouping,
    /// How many nodes there are when nothing is grouped.
    pub things: usize,
    /// What is not in it.
    pub left_out: LeftOut,
}

/// A node: one thing, or several that are alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureNode {
    /// The thing, or the first of several.
    pub item: Item,
    /// What it is.
    pub kind: ItemKind,
    /// The namespace of a thing that is in one, or of all that stand here.
    pub namespace: Option<Name>,
    /// The role that grouped bindings grant, where that is one.
    pub role: Option<RoleKey>,
    /// All that stand here, where it is more than one thing.
    pub members: Vec<Item>,
    /// How severe the finding is that ends here.
    pub severity: Option<Severity>,
}

/// An edge, from whoever has something to what that leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureEdge {
    /// The place of the node that it starts at.
    pub from: usize,
    /// The place of the node that it ends at.
    pub to: usize,
    /// What it says.
    pub kind: EdgeKind,
    /// How many edges it stands for.
    pub count: usize,
    /// The rights that are used, in a finding.
    pub rights: Vec<RightDone>,
    /// The technique that is done, in a finding.
    pub technique: Option<&'static str>,
    /// How severe the finding is that it belongs to.
    pub severity: Option<Severity>,
}

/// What a node stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    /// A node of the cluster.
    Node(Name),
    /// A pod, by namespace and name.
    Pod(Name, Name),
    /// A Secret, by namespace and name.
    Secret(Name, Name),
    /// A user, a group or an account.
    Subject(Subject),
    /// Some pod of a namespace, as a start.
    Pods(Name),
    /// A binding.
    Binding(BindingIx),
    /// A role.
    Role(RoleKey),
    /// A role that a binding names and that does not exist.
    MissingRole(RoleKey),
    /// The rules of a role; of roles with equal rules those of the first one stand for all.
    Rules(RoleIx),
    /// A credential of ASO: whom it serves, and its Secret or the namespace of its operator.
    Credential(CredentialScope, Option<(Name, Name)>, Option<Name>),
    /// An identity, a group or a user of Azure.
    Identity(Who),
    /// A role assignment.
    Assignment(AssignmentIx),
    /// A scope of Azure.
    AzureScope(ScopeIx),
    /// An AKS or Arc cluster.
    Cluster(ClusterIx),
    /// In a finding: a binding that a step uses; the edges from it say by which rules.
    Grant {
        /// The step.
        step: u32,
        /// The binding.
        binding: BindingIx,
    },
    /// In a finding: a role assignment that a step uses.
    Assigned {
        /// The step.
        step: u32,
        /// The assignment.
        assignment: AssignmentIx,
    },
    /// In a finding: all of what leads here is needed for a step.
    All(u32),
    /// In a finding: what a step gains.
    Gain(u32),
    /// In a finding: any of what leads here is enough.
    Any,
    /// In a finding: what is reached.
    Target(Target),
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemKind {
    /// A user.
    User,
    /// A group.
    Group,
    /// A service account.
    ServiceAccount,
    /// A node of the cluster.
    Node,
    /// A pod.
    Pod,
    /// A Secret.
    Secret,
    /// A RoleBinding.
    RoleBinding,
    /// A ClusterRoleBinding.
    ClusterRoleBinding,
    /// A Role.
    Role,
    /// A ClusterRole.
    ClusterRole,
    /// Rules.
    Rules,
    /// A credential of ASO.
    Credential,
    /// An identity of Azure.
    Identity,
    /// A role assignment of Azure.
    RoleAssignment,
    /// A scope of Azure.
    AzureScope,
    /// A cluster in Azure.
    Cluster,
    /// All of what leads here is needed.
    All,
    /// Any of what leads here is enough.
    Any,
    /// What a step gains.
    Gain,
    /// What a finding reaches.
    Target,
}

impl ItemKind {
    /// The word in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            ItemKind::User => "user",
            ItemKind::Group => "group",
            ItemKind::ServiceAccount => "serviceAccount",
            ItemKind::Node => "node",
            ItemKind::Pod => "pod",
            ItemKind::Secret => "secret",
            ItemKind::RoleBinding => "roleBinding",
            ItemKind::ClusterRoleBinding => "clusterRoleBinding",
            ItemKind::Role => "role",
            ItemKind::ClusterRole => "clusterRole",
            ItemKind::Rules => "rules",
            ItemKind::Credential => "credential",
            ItemKind::Identity => "identity",
            ItemKind::RoleAssignment => "roleAssignment",
            ItemKind::AzureScope => "azureScope",
            ItemKind::Cluster => "cluster",
            ItemKind::All => "all",
            ItemKind::Any => "any",
            ItemKind::Gain => "gain",
            ItemKind::Target => "target",
        }
    }
}

/// What an edge says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EdgeKind {
    /// A binding names a subject.
    Bound,
    /// A binding grants a role.
    Grants,
    /// A role has rules.
    Allows,
    /// Whoever is bound may write what ASO does by this credential.
    Writes,
    /// Whoever has the one acts as the other.
    ActsAs,
    /// Somebody is in a group.
    MemberOf,
    /// The same in Kubernetes and in Azure.
    Is,
    /// Somebody has a role.
    Assigned,
    /// Where a role is assigned.
    On,
    /// What is in a scope.
    Contains,
    /// A node runs a pod.
    Runs,
    /// A pod mounts a Secret.
    Mounts,
    /// A Secret holds a token or a credential.
    Holds,
    /// A right on the thing that is asked about: to read it.
    Reads,
    /// The same: to run a command in it.
    Executes,
    /// The same: to get tokens of it.
    Mints,
    /// In a finding: the way.
    Path,
}

impl EdgeKind {
    /// The word in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            EdgeKind::Bound => "bound",
            EdgeKind::Grants => "grants",
            EdgeKind::Allows => "allows",
            EdgeKind::Writes => "writes",
            EdgeKind::ActsAs => "actsAs",
            EdgeKind::MemberOf => "memberOf",
            EdgeKind::Is => "is",
            EdgeKind::Assigned => "assigned",
            EdgeKind::On => "on",
            EdgeKind::Contains => "contains",
            EdgeKind::Runs => "runs",
            EdgeKind::Mounts => "mounts",
            EdgeKind::Holds => "holds",
            EdgeKind::Reads => "reads",
            EdgeKind::Executes => "executes",
            EdgeKind::Mints => "mints",
            EdgeKind::Path => "path",
        }
    }
}

impl Item {
    /// What it is.
    pub fn kind(self, graph: &AccessGraph) -> ItemKind {
        let binding = |at: BindingIx| match graph.binding(at).namespace {
            Some(_) => ItemKind::RoleBinding,
            None => ItemKind::ClusterRoleBinding,
        };
        match self {
            Item::Node(_) => ItemKind::Node,
            Item::Pod(..) | Item::Pods(_) => ItemKind::Pod,
            Item::Secret(..) => ItemKind::Secret,
            Item::Subject(Subject::User(_)) => ItemKind::User,
            Item::Subject(Subject::Group(_)) => ItemKind::Group,
            Item::Subject(Subject::ServiceAccount { .. }) => ItemKind::ServiceAccount,
            Item::Binding(at) | Item::Grant { binding: at, .. } => binding(at),
            Item::Role(role) | Item::MissingRole(role) if role.namespace.is_some() => ItemKind::Role,
            Item::Role(_) | Item::MissingRole(_) => ItemKind::ClusterRole,
            Item::Rules(_) => ItemKind::Rules,
            Item::Credential(..) => ItemKind::Credential,
            Item::Identity(_) => ItemKind::Identity,
            Item::Assignment(_) | Item::Assigned { .. } => ItemKind::RoleAssignment,
            Item::AzureScope(_) => ItemKind::AzureScope,
            Item::Cluster(_) => ItemKind::Cluster,
            Item::All(_) => ItemKind::All,
            Item::Gain(_) => ItemKind::Gain,
            Item::Any => ItemKind::Any,
            Item::Target(_) => ItemKind::Target,
        }
    }

    /// The namespace that it is in.
    pub fn namespace(self, graph: &AccessGraph) -> Option<Name> {
        match self {
            Item::Pod(namespace, _) | Item::Secret(namespace, _) | Item::Pods(namespace) => Some(namespace),
            Item::Subject(subject) => subject.namespace(),
            Item::Binding(at) | Item::Grant { binding: at, .. } => graph.binding(at).namespace,
            Item::Role(role) | Item::MissingRole(role) => role.namespace,
            Item::Credential(_, secret, operator) => secret.map(|(namespace, _)| namespace).or(operator),
            _ => None,
        }
    }
}
