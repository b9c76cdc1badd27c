//! The Azure side, joined: scopes below scopes, principals by each of their ids, roles with what they allow, assignments by whom they
//! reach. What an answer to "may this one do that there" is made of is `decide.rs`; nothing is judged here.

mod build;
mod decide;
mod from_aso;
mod names;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::model::azure::{
    AzureCluster, AzureFacts, Condition, DenyAssignment, FederatedCredential, Members, PrincipalKind, RoleAssignment,
    UserAssignedIdentity, ancestors, fold,
};

pub(super) use from_aso::{join as join_aso, resource_ids};
pub use names::{AssignmentName, AzureNames, PrincipalName};

pub use decide::{AzureDecision, AzureGrant, AzureQuestion, BlockGrant, Denial, RoleAnswer, Standing, Verdict};

/// A scope of the graph. Their order is that of the tree: a scope comes right before everything below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopeIx(u32);

/// A principal, by object id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrincipalIx(u32);

/// A role assignment, in the order of the facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AssignmentIx(u32);

/// A deny assignment, in the order of the facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DenyIx(u32);

/// A role that is assigned or was read, by GUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AzureRoleIx(u32);

/// A user-assigned identity, in the order of the facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityIx(u32);

/// A federated credential, in the order of the facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FederatedIx(u32);

/// A cluster, of AKS or connected by Arc, in the order of the facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterIx(u32);

/// A permission block; roles with equal blocks share them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockIx(u32);

macro_rules! index {
    ($($name:ident),*) => {$(
        impl $name {
            fn at(index: usize) -> $name {
                // More than four billion of anything do not fit in memory first.
                $name(u32::try_from(index).unwrap_or(u32::MAX))
            }

            fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}
index!(
    ScopeIx,
    PrincipalIx,
    AssignmentIx,
    DenyIx,
    AzureRoleIx,
    IdentityIx,
    FederatedIx,
    ClusterIx,
    BlockIx,
    ConditionIx
);

/// A place in Azure: a scope of the graph, or something below one that nothing was read of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AzurePlace {
    /// The scope, or the nearest one above.
    pub scope: ScopeIx,
    /// Whether it lies below that scope and is not the scope itself.
    pub below: bool,
}

impl From<ScopeIx> for AzurePlace {
    fn from(scope: ScopeIx) -> AzurePlace {
        AzurePlace { scope, below: false }
    }
}

/// A principal with everything that was read of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrincipalNode {
    /// The object id.
    pub object_id: String,
    /// What it is.
    pub kind: PrincipalKind,
    /// A name for people: the display name, or the UPN. May be empty.
    pub name: String,
    /// The user principal name; may be empty.
    pub user_principal_name: String,
    /// The app id; may be empty.
    pub client_id: String,
    /// The resource of a managed identity, as it is spelled; may be empty.
    pub resource_id: String,
    /// The user-assigned identity that it is.
    pub identity: Option<IdentityIx>,
}

/// A role.
#[derive(Clone, Debug)]
pub struct AzureRoleNode {
    /// Its GUID.
    pub id: String,
    /// Its name; the one that came with an assignment when no definition was found. May be empty.
    pub name: String,
    /// Whether somebody made it, and not Azure.
    pub custom: bool,
    /// Its blocks; none when nobody knows what it allows.
    pub blocks: Option<Vec<BlockIx>>,
}

/// What a block of a role allows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Block {
    /// `actions`.
    pub actions: Vec<String>,
    /// `notActions`.
    pub not_actions: Vec<String>,
    /// `dataActions`.
    pub data_actions: Vec<String>,
    /// `notDataActions`.
    pub not_data_actions: Vec<String>,
    /// The condition.
    pub condition: Option<String>,
}

/// A group that a principal is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Membership {
    /// The group.
    pub group: PrincipalIx,
    /// Whether a membership on the way has to be activated first.
    pub eligible: bool,
}

/// A map whose keys come from outside. The standard one lets go of what it borrows before it is dropped; the hash has a seed.
type Map<K, V> = std::collections::HashMap<K, V, hashbrown::DefaultHashBuilder>;

struct ScopeNode {
    /// As it is spelled where it was met first.
    text: String,
    folded: String,
    parent: Option<ScopeIx>,
    /// The first scope that is not below this one.
    end: ScopeIx,
    /// Whether all management groups above it are known.
    complete: bool,
}

/// Lists of different lengths in one piece of memory.
struct Lists<T> {
    starts: Vec<u32>,
    items: Vec<T>,
}

impl<T: Copy + Ord> Lists<T> {
    /// From pairs of a list's number and an item, in any order.
    fn new(lists: usize, mut pairs: Vec<(usize, T)>) -> Lists<T> {
        pairs.sort_unstable();
        pairs.dedup();
        let mut starts = vec![0_u32; lists + 1];
        for (list, _) in &pairs {
            if let Some(start) = starts.get_mut(list + 1) {
                *start += 1;
            }
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        Lists { starts, items: pairs.into_iter().map(|(_, item)| item).collect() }
    }

    fn get(&self, list: usize) -> &[T] {
        let bounds = (self.starts.get(list), self.starts.get(list + 1));
        match bounds {
            (Some(&from), Some(&to)) => &self.items[from as usize..to as usize],
            _ => &[],
        }
    }
}

/// A condition, by the number of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct ConditionIx(u32);

/// What is looked up in the facts, apart from them, so that it can be kept beside them.
pub(in crate::graph) struct AzureIndex {
    scopes: Vec<ScopeNode>,
    by_scope: Map<String, ScopeIx>,
    principals: Vec<PrincipalNode>,
    by_client: Map<String, PrincipalIx>,
    /// Service principals by the object id of their application.
    by_application: Map<String, PrincipalIx>,
    by_resource: Map<String, PrincipalIx>,
    by_upn: Map<String, PrincipalIx>,
    /// For each principal the groups it is in directly, and whether that has to be activated.
    groups_of: Lists<(PrincipalIx, bool)>,
    /// For each group who is in it directly, and whether that has to be activated.
    members_of: Lists<(PrincipalIx, bool)>,
    /// For each principal that is a group what was read of its members.
    members: FxHashMap<PrincipalIx, usize>,
    roles: Vec<AzureRoleNode>,
    blocks: Vec<Block>,
    /// Every distinct condition, and its number by its text.
    conditions: Vec<Condition>,
    by_condition: Map<String, ConditionIx>,
    /// For each assignment its principal, role, scope and condition.
    assignments: Vec<(PrincipalIx, AzureRoleIx, ScopeIx, Option<ConditionIx>)>,
    by_principal: Lists<AssignmentIx>,
    by_assigned_scope: Lists<AssignmentIx>,
    denies_at: Lists<DenyIx>,
    /// For each deny assignment its scope.
    deny_scopes: Vec<ScopeIx>,
    /// The scopes of those that are enforced, sorted.
    enforced_at: Vec<ScopeIx>,
    /// Identities by scope.
    identities_at: Vec<(ScopeIx, IdentityIx)>,
    principal_of: Vec<Option<PrincipalIx>>,
    federated_of: Lists<FederatedIx>,
    clusters_at: Vec<(ScopeIx, ClusterIx)>,
}

/// Every cluster of some facts, which takes no index.
pub fn clusters(facts: &AzureFacts) -> impl Iterator<Item = (ClusterIx, &AzureCluster)> {
    facts.clusters.iter().enumerate().map(|(at, one)| (ClusterIx::at(at), one))
}

impl AzureIndex {
    /// Whether there is so much that making it is worth another thread.
    pub(in crate::graph) fn is_large(facts: &AzureFacts) -> bool {
        facts.assignments.len() + facts.identities.len() >= build::WORTH
    }

    /// Joins the facts. O(n log n) in them.
    pub(in crate::graph) fn new(facts: &AzureFacts, of_aso: &[String]) -> Arc<AzureIndex> {
        Arc::new(build::build(facts, of_aso))
    }
}

/// The Azure facts of a snapshot, joined. A copy of it is the same graph.
///
/// Building is O(n log n) in the facts, so that of a snapshot is built once, by [`AccessGraph::azure`](super::AccessGraph::azure).
/// `'g` is borrowed from the facts.
#[derive(Clone)]
pub struct AzureGraph<'g> {
    facts: &'g AzureFacts,
    index: Arc<AzureIndex>,
}

impl<'g> AzureGraph<'g> {
    /// Joins the facts.
    pub fn new(facts: &'g AzureFacts) -> AzureGraph<'g> {
        AzureGraph::with(facts, AzureIndex::new(facts, &[]))
    }

    /// The graph of facts that were joined already.
    pub(in crate::graph) fn with(facts: &'g AzureFacts, index: Arc<AzureIndex>) -> AzureGraph<'g> {
        AzureGraph { facts, index }
    }

    /// Whether anything was read of Azure.
    pub fn is_known(&self) -> bool {
        self.facts.given
    }

    /// Whether role assignments were read. Without any, nothing can be said of anybody's roles, but for those that ASO assigned.
    pub fn assignments_known(&self) -> bool {
        self.facts.assignments.len() > self.facts.from_aso
    }

    /// What the graph was made of.
    pub fn facts(&self) -> &'g AzureFacts {
        self.facts
    }

    /// Every scope, the root first, each right before what is below it.
    pub fn scopes(&self) -> impl Iterator<Item = ScopeIx> {
        (0..self.index.scopes.len()).map(ScopeIx::at)
    }

    /// The root, `/`.
    pub fn root(&self) -> ScopeIx {
        ScopeIx(0)
    }

    /// A scope as it was spelled where it was met first.
    pub fn scope_text(&self, scope: ScopeIx) -> &str {
        &self.index.scopes[scope.index()].text
    }

    /// A scope in the form that scopes are compared in.
    pub fn scope_folded(&self, scope: ScopeIx) -> &str {
        &self.index.scopes[scope.index()].folded
    }

    /// The scope right above, as far as it is known; none for the root.
    pub fn parent(&self, scope: ScopeIx) -> Option<ScopeIx> {
        self.index.scopes[scope.index()].parent
    }

    /// The scopes right below.
    pub fn children(&self, scope: ScopeIx) -> impl Iterator<Item = ScopeIx> {
        let end = self.index.scopes[scope.index()].end;
        let mut next = ScopeIx(scope.0 + 1);
        std::iter::from_fn(move || {
            (next < end).then(|| {
                let here = next;
                next = self.index.scopes[here.index()].end;
                here
            })
        })
    }

    /// A scope and everything below it.
    pub fn below(&self, scope: ScopeIx) -> impl Iterator<Item = ScopeIx> {
        (scope.index()..self.index.scopes[scope.index()].end.index()).map(ScopeIx::at)
    }

    /// A scope and everything above it, up to the root.
    pub fn above(&self, scope: ScopeIx) -> impl Iterator<Item = ScopeIx> {
        std::iter::successors(Some(scope), |&scope| self.parent(scope))
    }

    /// The number of a scope, and that of the first scope behind everything below it. O(1).
    pub fn span(&self, scope: ScopeIx) -> (u32, u32) {
        (scope.0, self.index.scopes[scope.index()].end.0)
    }

    /// Whether a scope is another one or lies below it. O(1).
    pub fn within(&self, outer: ScopeIx, inner: ScopeIx) -> bool {
        outer <= inner && inner < self.index.scopes[outer.index()].end
    }

    /// The scope with a text, in any case.
    pub fn find_scope(&self, text: &str) -> Option<ScopeIx> {
        self.index.by_scope.get(&fold(text)).copied()
    }

    /// The scope with a text, or the nearest one above it.
    pub fn locate(&self, text: &str) -> AzurePlace {
        let folded = fold(text);
        let mut near = ancestors(&folded).enumerate();
        let found = near.find_map(|(up, text)| self.index.by_scope.get(text).map(|&scope| (scope, up > 0)));
        let (scope, below) = found.unwrap_or((self.root(), folded != "/"));
        AzurePlace { scope, below }
    }

    /// Whether the management groups above a place are known, so that what is assigned at one can be judged.
    pub fn is_complete(&self, scope: ScopeIx) -> bool {
        self.index.scopes[scope.index()].complete
    }

    /// Every principal, by object id.
    pub fn principals(&self) -> impl Iterator<Item = PrincipalIx> {
        (0..self.index.principals.len()).map(PrincipalIx::at)
    }

    /// What was read of a principal.
    pub fn principal(&self, principal: PrincipalIx) -> &PrincipalNode {
        &self.index.principals[principal.index()]
    }

    /// The principal with an object id, in any case.
    pub fn by_object_id(&self, id: &str) -> Option<PrincipalIx> {
        let id = id.to_ascii_lowercase();
        self.index.principals.binary_search_by(|node| node.object_id.as_str().cmp(&id)).ok().map(PrincipalIx::at)
    }

    /// The service principal with an app id: what Kubernetes objects name.
    pub fn by_client_id(&self, id: &str) -> Option<PrincipalIx> {
        self.index.by_client.get(&id.to_ascii_lowercase()).copied()
    }

    /// The managed identity of a resource: a user-assigned one by its own id, or whatever has one of its own.
    pub fn by_resource(&self, id: &str) -> Option<PrincipalIx> {
        self.index.by_resource.get(&fold(id)).copied()
    }

    /// The user with a user principal name, in any case.
    pub fn by_user_principal_name(&self, name: &str) -> Option<PrincipalIx> {
        self.index.by_upn.get(&name.to_lowercase()).copied()
    }

    /// The groups that a principal is in, directly or through others, each once; those that need no activation are said to
    /// need none. O(groups and memberships on the way).
    pub fn groups_of(&self, principal: PrincipalIx) -> Vec<Membership> {
        self.walk(principal, &self.index.groups_of)
    }

    /// Who is in a group, directly or through others, and not a group itself; groups whose own members are unread stand for them.
    pub fn members_of(&self, group: PrincipalIx) -> Vec<Membership> {
        let inside = self.walk(group, &self.index.members_of);
        inside.into_iter().filter(|one| !self.is_group(one.group) || self.members_unread(one.group)).collect()
    }

    /// Whether it is not known who all is in a group, itself or one inside it.
    pub fn members_unread(&self, group: PrincipalIx) -> bool {
        let unread = |group: PrincipalIx| {
            self.is_group(group)
                && !self
                    .index
                    .members
                    .get(&group)
                    .and_then(|&at| self.facts.groups.get(at))
                    .is_some_and(|group| matches!(group.members, Members::Exactly(_)))
        };
        unread(group) || self.walk(group, &self.index.members_of).iter().any(|one| unread(one.group))
    }

    /// Whether a principal is a group.
    pub fn is_group(&self, principal: PrincipalIx) -> bool {
        matches!(self.principal(principal).kind, PrincipalKind::Group | PrincipalKind::ForeignGroup)
    }

    /// Everybody that one is linked with. First along what holds now, then along what can be activated.
    fn walk(&self, from: PrincipalIx, along: &Lists<(PrincipalIx, bool)>) -> Vec<Membership> {
        let mut found: Vec<Membership> = Vec::new();
        let mut seen: FxHashMap<PrincipalIx, ()> = FxHashMap::default();
        seen.insert(from, ());
        let mut start = vec![from];
        for eligible in [false, true] {
            let mut open = std::mem::take(&mut start);
            if eligible {
                open.extend(found.iter().map(|one| one.group));
                open.push(from);
            }
            while let Some(here) = open.pop() {
                for &(group, activate) in along.get(here.index()) {
                    if (eligible || !activate) && seen.insert(group, ()).is_none() {
                        found.push(Membership { group, eligible });
                        open.push(group);
                    }
                }
            }
        }
        found.sort_unstable();
        found
    }

    /// Every role that is assigned or was read, by GUID.
    pub fn roles(&self) -> impl Iterator<Item = AzureRoleIx> {
        (0..self.index.roles.len()).map(AzureRoleIx::at)
    }

    /// A role.
    pub fn role(&self, role: AzureRoleIx) -> &AzureRoleNode {
        &self.index.roles[role.index()]
    }

    /// The role with a GUID, if it is assigned or was read.
    pub fn find_role(&self, id: &str) -> Option<AzureRoleIx> {
        let id = id.to_ascii_lowercase();
        self.index.roles.binary_search_by(|role| role.id.as_str().cmp(&id)).ok().map(AzureRoleIx::at)
    }

    /// A permission block.
    pub fn block(&self, block: BlockIx) -> &Block {
        &self.index.blocks[block.index()]
    }

    /// A condition of the facts, read.
    pub fn condition(&self, text: &str) -> Option<&Condition> {
        self.index.by_condition.get(text).map(|at| &self.index.conditions[at.index()])
    }

    /// Every role assignment.
    pub fn assignments(&self) -> impl Iterator<Item = AssignmentIx> {
        (0..self.index.assignments.len()).map(AssignmentIx::at)
    }

    /// A role assignment as it was read.
    pub fn assignment(&self, assignment: AssignmentIx) -> &'g RoleAssignment {
        &self.facts.assignments[assignment.index()]
    }

    /// Whom an assignment names.
    pub fn assignee(&self, assignment: AssignmentIx) -> PrincipalIx {
        self.index.assignments[assignment.index()].0
    }

    /// The role of an assignment.
    pub fn assigned_role(&self, assignment: AssignmentIx) -> AzureRoleIx {
        self.index.assignments[assignment.index()].1
    }

    /// Where an assignment holds.
    pub fn assigned_scope(&self, assignment: AssignmentIx) -> ScopeIx {
        self.index.assignments[assignment.index()].2
    }

    /// The assignments that name a principal itself.
    pub fn own_assignments(&self, principal: PrincipalIx) -> &[AssignmentIx] {
        self.index.by_principal.get(principal.index())
    }

    /// The assignments that reach a principal: its own, and those of its groups with the membership.
    pub fn assignments_of(&self, principal: PrincipalIx) -> Vec<(AssignmentIx, Option<Membership>)> {
        self.reach(&[principal], &self.groups_of(principal)).collect()
    }

    /// The assignments of some principals, and those of some groups with the membership.
    fn reach(
        &self,
        these: &[PrincipalIx],
        groups: &[Membership],
    ) -> impl Iterator<Item = (AssignmentIx, Option<Membership>)> {
        let own = these.iter().flat_map(|&one| self.own_assignments(one)).map(|&assignment| (assignment, None));
        let of_groups = groups
            .iter()
            .flat_map(|&through| self.own_assignments(through.group).iter().map(move |&one| (one, Some(through))));
        own.chain(of_groups)
    }

    /// The assignments at exactly one scope.
    pub fn assignments_at(&self, scope: ScopeIx) -> &[AssignmentIx] {
        self.index.by_assigned_scope.get(scope.index())
    }

    /// Every deny assignment.
    pub fn denies(&self) -> impl Iterator<Item = DenyIx> {
        (0..self.index.deny_scopes.len()).map(DenyIx::at)
    }

    /// Where a deny assignment holds.
    pub fn deny_scope(&self, deny: DenyIx) -> ScopeIx {
        self.index.deny_scopes[deny.index()]
    }

    /// Whether an enforced deny assignment is made somewhere below a scope. O(log n).
    pub fn is_denied_inside(&self, scope: ScopeIx) -> bool {
        let all = &self.index.enforced_at;
        let next = all.partition_point(|&at| at <= scope);
        all.get(next).is_some_and(|&at| self.within(scope, at))
    }

    /// Whether an enforced deny assignment is made at a scope or above it. O(height x log n).
    pub fn is_denied_over(&self, scope: ScopeIx) -> bool {
        let all = &self.index.enforced_at;
        !all.is_empty() && self.above(scope).any(|at| all.binary_search(&at).is_ok())
    }

    /// A deny assignment as it was read.
    pub fn deny(&self, deny: DenyIx) -> &'g DenyAssignment {
        &self.facts.denies[deny.index()]
    }

    /// Every user-assigned identity.
    pub fn identities(&self) -> impl Iterator<Item = IdentityIx> {
        (0..self.facts.identities.len()).map(IdentityIx::at)
    }

    /// A user-assigned identity as it was read.
    pub fn identity(&self, identity: IdentityIx) -> &'g UserAssignedIdentity {
        &self.facts.identities[identity.index()]
    }

    /// The principal that an identity is; none when its object id was not read.
    pub fn identity_principal(&self, identity: IdentityIx) -> Option<PrincipalIx> {
        self.index.principal_of[identity.index()]
    }

    /// The user-assigned identities at or below a scope, by scope. O(log n) and what is found.
    pub fn identities_below(&self, scope: ScopeIx) -> impl Iterator<Item = IdentityIx> {
        part(&self.index.identities_at, scope, self.index.scopes[scope.index()].end)
            .iter()
            .map(|&(_, identity)| identity)
    }

    /// The scope that an identity is.
    pub fn identity_scope(&self, identity: IdentityIx) -> Option<ScopeIx> {
        self.find_scope(&self.identity(identity).ids.resource_id)
    }

    /// The federated credentials of an identity.
    pub fn federated_credentials_of(&self, identity: IdentityIx) -> &[FederatedIx] {
        self.index.federated_of.get(identity.index())
    }

    /// A federated credential as it was read.
    pub fn federated_credential(&self, credential: FederatedIx) -> &'g FederatedCredential {
        &self.facts.federated_credentials[credential.index()]
    }

    /// Every federated credential.
    pub fn federated_credentials(&self) -> impl Iterator<Item = FederatedIx> {
        (0..self.facts.federated_credentials.len()).map(FederatedIx::at)
    }

    /// The principal that a federated credential makes its bearer, where that is known.
    pub fn federated_principal(&self, credential: FederatedIx) -> Option<PrincipalIx> {
        let credential = self.federated_credential(credential);
        if credential.identity_id.is_empty() {
            let id = &credential.application_id;
            self.index.by_application.get(id.as_str()).copied().or_else(|| self.by_client_id(id))
        } else {
            self.by_resource(&credential.identity_id)
        }
    }

    /// Every cluster.
    pub fn clusters(&self) -> impl Iterator<Item = ClusterIx> {
        clusters(self.facts).map(|(at, _)| at)
    }

    /// A cluster as it was read.
    pub fn cluster(&self, cluster: ClusterIx) -> &'g AzureCluster {
        &self.facts.clusters[cluster.index()]
    }

    /// The scope that a cluster is.
    pub fn cluster_scope(&self, cluster: ClusterIx) -> Option<ScopeIx> {
        self.find_scope(&self.cluster(cluster).id)
    }

    /// The clusters at or below a scope, by scope.
    pub fn clusters_below(&self, scope: ScopeIx) -> impl Iterator<Item = ClusterIx> {
        part(&self.index.clusters_at, scope, self.index.scopes[scope.index()].end).iter().map(|&(_, cluster)| cluster)
    }

    /// The resource group that a cluster's nodes are in, where it was named.
    pub fn node_resource_group(&self, cluster: ClusterIx) -> Option<ScopeIx> {
        self.find_scope(&self.cluster(cluster).node_group()?)
    }
}

/// The part of a list, sorted by scope, that lies in a range of scopes.
fn part<T>(list: &[(ScopeIx, T)], from: ScopeIx, to: ScopeIx) -> &[(ScopeIx, T)] {
    let Range { start, end } =
        list.partition_point(|(scope, _)| *scope < from)..list.partition_point(|(scope, _)| *scope < to);
    list.get(start..end).unwrap_or_default()
}
