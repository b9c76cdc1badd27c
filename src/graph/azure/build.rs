//! From facts to the graph: the tree of scopes, principals from everything that names them, roles with their blocks.

use std::collections::BTreeMap;
use std::hash::Hash;

use hashbrown::HashSet;
use rustc_hash::FxHashMap;

use super::{
    AssignmentIx, AzureIndex, AzureRoleIx, AzureRoleNode, Block, BlockIx, ClusterIx, ConditionIx, DenyIx, FederatedIx,
    IdentityIx, Lists, Map, PrincipalIx, PrincipalNode, ScopeIx, ScopeNode,
};
use crate::both::both;
use crate::model::azure::{
    AzureCluster, AzureFacts, AzureIdentityIds, Condition, DenyAssignment, MANAGEMENT_GROUPS, Permission,
    PrincipalKind, ancestors, built_in_role, fold, is_guid, management_group, subscription_of,
};

/// The scope `/`.
const ROOT: ScopeIx = ScopeIx(0);

/// So many facts are worth another thread.
pub(super) const WORTH: usize = if cfg!(test) { 2 } else { 1000 };

pub(super) fn build(facts: &AzureFacts, of_aso: &[String]) -> AzureIndex {
    let (Scopes { nodes: scopes, by_folded: by_scope, by_text }, (principals, roles)) = both(
        AzureIndex::is_large(facts),
        || scopes(facts, of_aso),
        || {
            let mut roles = Roles::default();
            roles.add_all(facts);
            (principals(facts), roles)
        },
    );
    let numbered = principals.iter().enumerate().map(|(ix, node)| (node.object_id.as_str(), PrincipalIx::at(ix)));
    let by_object: Map<&str, PrincipalIx> = numbered.collect();
    let at = |id: &str| by_object.get(id).copied();
    let scope_of = |text: &str| by_text.get(text).copied().unwrap_or(ROOT);
    let (roles, blocks) = roles.finish();
    let role_at =
        |id: &str| roles.binary_search_by(|role: &AzureRoleNode| role.id.as_str().cmp(id)).unwrap_or_default();
    let (conditions, by_condition) = conditions(facts, &blocks);
    let assignments: Vec<(PrincipalIx, AzureRoleIx, ScopeIx, Option<ConditionIx>)> = facts
        .assignments
        .iter()
        .map(|one| {
            // INVARIANT: `principals` and `roles` hold everything that an assignment names.
            let principal = at(&one.principal_id).unwrap_or(PrincipalIx(0));
            let condition = one.condition.as_deref().and_then(|text| by_condition.get(text).copied());
            (principal, AzureRoleIx::at(role_at(&one.role_id)), scope_of(&one.scope), condition)
        })
        .collect();
    let links = memberships(facts, &at);
    let turned = links.iter().map(|&(member, (group, eligible))| (group.index(), (PrincipalIx::at(member), eligible)));
    let members_of = Lists::new(principals.len(), turned.collect());
    let deny_scopes: Vec<ScopeIx> = facts.denies.iter().map(|deny| scope_of(&deny.scope)).collect();
    let mut enforced_at: Vec<ScopeIx> =
        facts.denies.iter().zip(&deny_scopes).filter(|(deny, _)| deny.enforced).map(|(_, &scope)| scope).collect();
    enforced_at.sort_unstable();
    enforced_at.dedup();
    let identities = facts.identities.iter().enumerate();
    let mut identities_at: Vec<(ScopeIx, IdentityIx)> =
        identities.map(|(ix, one)| (scope_of(&one.ids.resource_id), IdentityIx::at(ix))).collect();
    identities_at.sort_unstable();
    let mut clusters_at: Vec<(ScopeIx, ClusterIx)> =
        facts.clusters.iter().enumerate().map(|(ix, one)| (scope_of(&one.id), ClusterIx::at(ix))).collect();
    clusters_at.sort_unstable();
    let identity_by_scope: FxHashMap<ScopeIx, IdentityIx> = identities_at.iter().copied().collect();
    let federated = facts.federated_credentials.iter().enumerate().filter(|(_, one)| !one.identity_id.is_empty());
    let federated_of = federated.filter_map(|(ix, one)| {
        let identity = identity_by_scope.get(&scope_of(&one.identity_id))?;
        Some((identity.index(), FederatedIx::at(ix)))
    });
    let named = |key: fn(&PrincipalNode) -> String| {
        let keys = principals.iter().enumerate().map(|(ix, node)| (key(node), PrincipalIx::at(ix)));
        keys.filter(|(key, _)| !key.is_empty()).collect::<Map<String, PrincipalIx>>()
    };
    let by_application = facts
        .principals
        .iter()
        .filter(|one| !one.application_id.is_empty())
        .filter_map(|one| Some((one.application_id.clone(), at(&one.object_id)?)))
        .collect();
    let members = facts.groups.iter().enumerate().filter_map(|(ix, one)| Some((at(&one.object_id)?, ix))).collect();
    let principal_of = facts.identities.iter().map(|one| at(&one.ids.object_id)).collect();
    drop(by_object);
    AzureIndex {
        by_application,
        by_client: named(|node| node.client_id.clone()),
        by_resource: named(|node| if node.resource_id.is_empty() { String::new() } else { fold(&node.resource_id) }),
        by_upn: named(|node| node.user_principal_name.to_lowercase()),
        groups_of: Lists::new(principals.len(), links),
        members_of,
        members,
        conditions,
        by_condition,
        by_principal: Lists::new(principals.len(), pairs(&assignments, |one| one.0.index(), AssignmentIx::at)),
        by_assigned_scope: Lists::new(scopes.len(), pairs(&assignments, |one| one.2.index(), AssignmentIx::at)),
        denies_at: Lists::new(scopes.len(), pairs(&deny_scopes, |scope| scope.index(), DenyIx::at)),
        principal_of,
        federated_of: Lists::new(facts.identities.len(), federated_of.collect()),
        assignments,
        deny_scopes,
        enforced_at,
        identities_at,
        clusters_at,
        roles,
        blocks,
        principals,
        scopes,
        by_scope,
    }
}

fn pairs<T, I>(list: &[T], key: impl Fn(&T) -> usize, ix: impl Fn(usize) -> I) -> Vec<(usize, I)> {
    list.iter().enumerate().map(|(at, one)| (key(one), ix(at))).collect()
}

/// Every text that is a scope: where something is assigned, what a resource is called.
fn scope_texts(facts: &AzureFacts) -> impl Iterator<Item = &str> {
    let assignments = facts.assignments.iter().map(|one| &one.scope);
    let denies = facts.denies.iter().map(|one| &one.scope);
    let identities = facts.identities.iter().map(|one| &one.ids.resource_id);
    let clusters = facts.clusters.iter().map(|one| &one.id);
    let local = facts.local_clusters.iter().map(|one| &one.id);
    let registries = facts.registries.iter().map(|one| &one.id);
    let vaults = facts.vaults.iter().map(|one| &one.id);
    let credentials = facts.federated_credentials.iter().map(|one| &one.identity_id);
    let all = assignments.chain(denies).chain(identities).chain(clusters).chain(local);
    let servers = facts.database_servers.iter();
    all.chain(registries)
        .chain(vaults)
        .chain(credentials)
        .chain(servers)
        .map(String::as_str)
        .filter(|text| !text.is_empty())
}

/// The tree of scopes, by their folded texts and by the texts of the facts.
struct Scopes<'f> {
    nodes: Vec<ScopeNode>,
    by_folded: Map<String, ScopeIx>,
    by_text: Map<&'f str, ScopeIx>,
}

/// Scopes in the order in which they were met, the root first.
#[derive(Default)]
struct Met {
    /// Each as it was spelled first.
    spelled: Vec<String>,
    by_folded: Map<String, ScopeIx>,
}

impl Met {
    fn add(&mut self, text: &str) -> ScopeIx {
        let folded = fold(text);
        if let Some(&known) = self.by_folded.get(&folded) {
            return known;
        }
        // Its subscription and its resource group are scopes too, whether or not something names them.
        if folded.starts_with("/subscriptions/") {
            let in_group = folded.split('/').nth(3) == Some("resourcegroups");
            let ends = folded.match_indices('/').map(|(at, _)| at).enumerate();
            let ends: Vec<usize> =
                ends.filter(|&(nth, _)| nth == 2 || in_group && nth == 4).map(|(_, end)| end).collect();
            for end in ends {
                self.push(folded[..end].to_owned(), text.trim_ascii().get(..end).unwrap_or(&folded[..end]));
            }
        }
        self.push(folded, text.trim_ascii())
    }

    fn push(&mut self, folded: String, spelled: &str) -> ScopeIx {
        *self.by_folded.entry(folded).or_insert_with(|| {
            self.spelled.push(spelled.to_owned());
            ScopeIx::at(self.spelled.len() - 1)
        })
    }

    fn find(&self, folded: &str) -> Option<ScopeIx> {
        self.by_folded.get(folded).copied()
    }

    fn subscription(&self, id: &str) -> Option<ScopeIx> {
        self.find(&format!("/subscriptions/{id}"))
    }

    fn management_group(&self, name: &str) -> Option<ScopeIx> {
        self.find(&format!("{MANAGEMENT_GROUPS}{}", name.to_ascii_lowercase()))
    }

    /// The folded texts in the order of the scopes.
    fn folded(&self) -> Vec<&str> {
        let mut all = vec![""; self.spelled.len()];
        for (text, at) in &self.by_folded {
            all[at.index()] = text;
        }
        all
    }
}

/// Inside a subscription the text says what holds what; management groups are linked as they were read.
fn scopes<'f>(facts: &'f AzureFacts, of_aso: &[String]) -> Scopes<'f> {
    let mut met = Met::default();
    met.add("/");
    let mut by_text: Map<&str, ScopeIx> = Map::default();
    for text in scope_texts(facts) {
        by_text.entry(text).or_insert_with(|| met.add(text));
    }
    for group in facts.clusters.iter().filter_map(AzureCluster::node_group) {
        met.add(&group);
    }
    for id in of_aso {
        met.add(id);
    }
    for one in &facts.subscriptions {
        met.add(&format!("/subscriptions/{}", one.id));
    }
    let parents = facts.subscriptions.iter().filter_map(|one| one.parent.as_ref());
    let groups = facts.management_groups.iter().flat_map(|one| std::iter::once(&one.name).chain(&one.parent));
    for name in parents.chain(groups) {
        met.add(&format!("/providers/Microsoft.Management/managementGroups/{name}"));
    }
    let folded = met.folded();
    let above = linked(facts, &met, &folded);
    let (nodes, place) = ordered(&met, &folded, &above, &complete(facts, &met, &folded, &above));
    let mut by_folded = met.by_folded;
    for at in by_folded.values_mut().chain(by_text.values_mut()) {
        *at = place[at.index()];
    }
    Scopes { nodes, by_folded, by_text }
}

/// Whether a scope is a subscription or a management group.
fn is_container(folded: &str) -> bool {
    management_group(folded).is_some() || subscription_of(folded) == Some(folded)
}

/// The scope above each scope; the root is above itself. Links that would run in a circle are left out.
fn linked(facts: &AzureFacts, met: &Met, folded: &[&str]) -> Vec<ScopeIx> {
    let near = |text: &&str| ancestors(text).skip(1).find_map(|text| met.find(text)).unwrap_or(ROOT);
    let mut above: Vec<ScopeIx> = folded.iter().map(near).collect();
    let of_subscriptions = facts.subscriptions.iter().map(|one| (met.subscription(&one.id), one.parent.as_ref()));
    let of_groups = facts.management_groups.iter().map(|one| (met.management_group(&one.name), one.parent.as_ref()));
    for (child, parent) in of_groups.chain(of_subscriptions) {
        if let (Some(child), Some(parent)) = (child, parent.and_then(|name| met.management_group(name))) {
            link(&mut above, child, parent);
        }
    }
    // What is not said to lie anywhere lies below the root group of its tenant, at least.
    let named = facts.management_groups.iter().filter(|one| one.root).map(|one| one.name.as_str());
    let of_tenants = facts.tenants.iter().map(|tenant| tenant.id.as_str());
    let mut roots: Vec<ScopeIx> = named.chain(of_tenants).filter_map(|name| met.management_group(name)).collect();
    roots.sort_unstable();
    roots.dedup();
    if let [root] = *roots {
        let all = folded.iter().enumerate().map(|(at, text)| (ScopeIx::at(at), *text));
        let is_loose = |&(at, text): &(ScopeIx, &str)| at != root && above[at.index()] == ROOT && is_container(text);
        for (child, _) in all.filter(is_loose).collect::<Vec<_>>() {
            link(&mut above, child, root);
        }
    }
    above
}

fn link(above: &mut [ScopeIx], child: ScopeIx, parent: ScopeIx) {
    let mut here = parent;
    while here != ROOT {
        if here == child {
            return;
        }
        here = above[here.index()];
    }
    above[child.index()] = parent;
}

/// Of each subscription and management group whether everything above it is known, up to the root group of the tenant.
fn complete(facts: &AzureFacts, met: &Met, folded: &[&str], above: &[ScopeIx]) -> Map<ScopeIx, bool> {
    let is_root = |name: &str| {
        facts.tenants.iter().any(|tenant| tenant.id == name)
            || facts.management_groups.iter().any(|one| one.root && one.name.eq_ignore_ascii_case(name))
    };
    let groups = facts.management_groups.iter().filter(|one| one.parent.is_some());
    let subscriptions = facts.subscriptions.iter().filter(|one| one.parent.is_some());
    let below_known: HashSet<ScopeIx> = groups
        .filter_map(|one| met.management_group(&one.name))
        .chain(subscriptions.filter_map(|one| met.subscription(&one.id)))
        .collect();
    let all = folded.iter().enumerate().filter(|(_, text)| is_container(text));
    let known = |container: ScopeIx| {
        let (mut here, mut holds) = (container, true);
        while holds && here != ROOT && !management_group(folded[here.index()]).is_some_and(is_root) {
            holds = below_known.contains(&here);
            here = above[here.index()];
        }
        holds
    };
    all.map(|(at, _)| (ScopeIx::at(at), known(ScopeIx::at(at)))).collect()
}

/// Numbers the scopes so that each comes right before everything below it, and tells the new number of each.
fn ordered(
    met: &Met,
    folded: &[&str],
    above: &[ScopeIx],
    complete: &Map<ScopeIx, bool>,
) -> (Vec<ScopeNode>, Vec<ScopeIx>) {
    let mut below: Vec<(ScopeIx, ScopeIx)> =
        above.iter().enumerate().skip(1).map(|(child, &parent)| (parent, ScopeIx::at(child))).collect();
    below.sort_unstable_by_key(|&(parent, child)| (parent, folded[child.index()]));
    let mut nodes: Vec<ScopeNode> = Vec::with_capacity(folded.len());
    let mut place = vec![ROOT; folded.len()];
    // Going down numbers a scope, coming back up says where what is below it ends.
    enum Step {
        Down(ScopeIx, Option<ScopeIx>, bool),
        Up(ScopeIx),
    }
    let mut steps = vec![Step::Down(ROOT, None, true)];
    while let Some(step) = steps.pop() {
        match step {
            Step::Up(scope) => nodes[scope.index()].end = ScopeIx::at(nodes.len()),
            Step::Down(from, parent, known) => {
                let here = ScopeIx::at(nodes.len());
                let known = complete.get(&from).copied().unwrap_or(known);
                place[from.index()] = here;
                nodes.push(ScopeNode {
                    text: met.spelled[from.index()].clone(),
                    folded: folded[from.index()].to_owned(),
                    parent,
                    end: here,
                    complete: known,
                });
                steps.push(Step::Up(here));
                let first = below.partition_point(|&(parent, _)| parent < from);
                let children =
                    below[first..].iter().take_while(|&&(parent, _)| parent == from).map(|&(_, child)| child);
                let from = steps.len();
                steps.extend(children.map(|child| Step::Down(child, Some(here), known)));
                steps[from..].reverse();
            }
        }
    }
    (nodes, place)
}

/// Everybody that something names, by object id, with what all of it says together.
fn principals(facts: &AzureFacts) -> Vec<PrincipalNode> {
    let mut found = Principals::default();
    for one in &facts.principals {
        let node = found.named(&one.object_id, one.kind);
        set(&mut node.name, &one.name);
        set(&mut node.user_principal_name, &one.user_principal_name);
        set(&mut node.client_id, &one.client_id);
        set(&mut node.resource_id, &one.resource_id);
    }
    for one in &facts.groups {
        let node = found.named(&one.object_id, PrincipalKind::Group);
        set(&mut node.name, &one.name);
        for member in one.members.known() {
            found.named(&member.object_id, member.kind);
        }
    }
    for (ix, one) in facts.identities.iter().enumerate() {
        if let Some(node) = found.identity(&one.ids) {
            node.identity = Some(IdentityIx::at(ix));
            set(&mut node.name, &one.name);
        }
    }
    for cluster in &facts.clusters {
        for ids in cluster.control_plane.iter().chain(&cluster.kubelet).chain(cluster.addons.iter().map(|one| &one.ids))
        {
            found.identity(ids);
        }
    }
    for one in &facts.identity_bindings {
        found.identity(&one.ids);
    }
    for one in &facts.assignments {
        let node = found.named(&one.principal_id, one.principal_kind);
        // The name that `az` fills in: an app id for a service principal, a UPN for a user, a display name for a group.
        let name = one.principal_name.as_str();
        match one.principal_kind {
            PrincipalKind::ServicePrincipal if is_guid(name) => set(&mut node.client_id, &name.to_ascii_lowercase()),
            PrincipalKind::User if name.contains('@') => {
                set(&mut node.user_principal_name, name);
                set(&mut node.name, name);
            }
            _ => set(&mut node.name, name),
        }
    }
    for deny in &facts.denies {
        let everybody = deny.principals.iter().chain(&deny.excluded).filter(|one| one.id != DenyAssignment::EVERYONE);
        for one in everybody {
            found.named(&one.id, one.kind);
        }
    }
    for one in &facts.group_eligibilities {
        found.named(&one.group_id, PrincipalKind::Group);
        found.named(&one.principal_id, PrincipalKind::Unknown);
    }
    found.nodes.sort_unstable_by(|a, b| a.object_id.cmp(&b.object_id));
    found.nodes
}

fn set(field: &mut String, value: &str) {
    if field.is_empty() {
        value.clone_into(field);
    }
}

#[derive(Default)]
struct Principals<'f> {
    nodes: Vec<PrincipalNode>,
    by_id: Map<&'f str, usize>,
}

impl<'f> Principals<'f> {
    fn named(&mut self, object_id: &'f str, kind: PrincipalKind) -> &mut PrincipalNode {
        let at = *self.by_id.entry(object_id).or_insert_with(|| {
            self.nodes.push(PrincipalNode { object_id: object_id.to_owned(), ..PrincipalNode::default() });
            self.nodes.len() - 1
        });
        let node = &mut self.nodes[at];
        // "Service principal" is what assignments call a managed identity too.
        let weak = |kind| matches!(kind, PrincipalKind::Unknown | PrincipalKind::ServicePrincipal);
        if node.kind == PrincipalKind::Unknown || (weak(node.kind) && !weak(kind)) {
            node.kind = kind;
        }
        node
    }

    fn identity(&mut self, ids: &'f AzureIdentityIds) -> Option<&mut PrincipalNode> {
        if ids.object_id.is_empty() {
            return None;
        }
        let node = self.named(&ids.object_id, PrincipalKind::ManagedIdentity);
        set(&mut node.client_id, &ids.client_id);
        set(&mut node.resource_id, &ids.resource_id);
        Some(node)
    }
}

/// Who is in which group directly, and whether that has to be activated first.
fn memberships(facts: &AzureFacts, at: &impl Fn(&str) -> Option<PrincipalIx>) -> Vec<(usize, (PrincipalIx, bool))> {
    let mut links = Vec::new();
    for group in &facts.groups {
        let Some(into) = at(&group.object_id) else { continue };
        let members = group.members.known().iter().filter_map(|member| at(&member.object_id));
        links.extend(members.map(|member| (member.index(), (into, false))));
    }
    // Whoever may activate the ownership may add members then, and is one once they want it
    // (<https://learn.microsoft.com/entra/id-governance/privileged-identity-management/concept-pim-for-groups>).
    for one in &facts.group_eligibilities {
        if let (Some(group), Some(member)) = (at(&one.group_id), at(&one.principal_id)) {
            links.push((member.index(), (group, true)));
        }
    }
    links
}

/// Roles with their blocks, equal blocks once.
#[derive(Default)]
struct Roles<'g> {
    by_id: BTreeMap<&'g str, AzureRoleNode>,
    blocks: Vec<Block>,
    known: Map<Block, BlockIx>,
}

impl<'g> Roles<'g> {
    fn add_all(&mut self, facts: &'g AzureFacts) {
        for role in &facts.roles {
            let blocks = role.permissions.iter().map(|one| self.intern(block(one))).collect();
            let (id, name) = (role.id.clone(), role.name.clone());
            let node = AzureRoleNode { id, name, custom: role.custom, blocks: Some(blocks) };
            self.by_id.insert(&role.id, node);
        }
        for one in &facts.assignments {
            if self.by_id.contains_key(one.role_id.as_str()) {
                continue;
            }
            let (id, name) = (one.role_id.clone(), one.role_name.clone());
            let mut node = AzureRoleNode { id, name, custom: false, blocks: None };
            if let Some(found) = built_in_role(&one.role_id) {
                found.name.clone_into(&mut node.name);
                let blocks = found.blocks.into_iter().map(|one| {
                    let owned = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect();
                    let [actions, not_actions, data_actions, not_data_actions] = one.lists.map(owned);
                    let condition = one.condition.map(str::to_owned);
                    self.intern(Block { actions, not_actions, data_actions, not_data_actions, condition })
                });
                node.blocks = Some(blocks.collect());
            }
            self.by_id.insert(&one.role_id, node);
        }
    }

    fn intern(&mut self, block: Block) -> BlockIx {
        intern(&mut self.known, &mut self.blocks, block, BlockIx::at)
    }

    fn finish(self) -> (Vec<AzureRoleNode>, Vec<Block>) {
        (self.by_id.into_values().collect(), self.blocks)
    }
}

fn intern<T: Clone + Eq + Hash, I: Copy>(
    known: &mut Map<T, I>,
    all: &mut Vec<T>,
    value: T,
    ix: impl Fn(usize) -> I,
) -> I {
    if let Some(&found) = known.get(&value) {
        return found;
    }
    let at = ix(all.len());
    known.insert(value.clone(), at);
    all.push(value);
    at
}

fn block(permission: &Permission) -> Block {
    Block {
        actions: permission.actions.clone(),
        not_actions: permission.not_actions.clone(),
        data_actions: permission.data_actions.clone(),
        not_data_actions: permission.not_data_actions.clone(),
        condition: permission.condition.clone(),
    }
}

/// Every distinct condition, read once, and its number by its text.
fn conditions(facts: &AzureFacts, blocks: &[Block]) -> (Vec<Condition>, Map<String, ConditionIx>) {
    let of_assignments = facts.assignments.iter().filter_map(|one| one.condition.as_deref());
    let of_blocks = blocks.iter().filter_map(|block| block.condition.as_deref());
    let (mut read, mut by_text) = (Vec::new(), Map::default());
    for text in of_assignments.chain(of_blocks) {
        if !by_text.contains_key(text) {
            by_text.insert(text.to_owned(), ConditionIx::at(read.len()));
            read.push(Condition::parse(text));
        }
    }
    (read, by_text)
}
