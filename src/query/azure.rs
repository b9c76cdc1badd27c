//! Who can do something in Azure: by role assignments, conditions, deny assignments and activations; and what would have to be known
//! for the answer to be whole.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::azure::{AzureDecision, AzureGraph, AzurePlace, AzureQuestion, PrincipalIx, Standing, Verdict};
use crate::model::azure::{Alternative, Set, built_in_role, management_group, subscription_of};
use crate::model::{Gap, GapReason};

/// Everybody who can.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AzureWhoCan {
    /// Those whom a role assignment names, the strongest first.
    pub rows: Vec<AzureRow>,
    /// From whom deny assignments surely take it away.
    pub denied: usize,
    /// What would have to be known.
    pub gaps: Vec<Gap>,
}

/// A principal that role assignments name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AzureRow {
    /// Who.
    pub principal: PrincipalIx,
    /// What it may, and by what.
    pub verdict: Verdict,
    /// Who is in a group.
    pub members: Option<AzureMembers>,
}

/// Who is in a group, nested groups included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AzureMembers {
    /// Whether these are all.
    pub complete: bool,
    /// Those that are known.
    pub known: Vec<AzureMember>,
}

/// A member of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AzureMember {
    /// Who.
    pub principal: PrincipalIx,
    /// What it may itself, all of its groups and deny assignments together.
    pub decision: AzureDecision,
    /// Whether it has to activate the membership.
    pub eligible: bool,
}

/// Who can do an action at a place. O(assignments, and members of the groups that can).
///
/// `keep` says whom to show.
pub fn azure_who_can(
    graph: &AzureGraph<'_>,
    question: &AzureQuestion,
    place: AzurePlace,
    keep: &dyn Fn(PrincipalIx) -> bool,
) -> AzureWhoCan {
    let named = graph.assignments().filter(|&one| graph.grant(one, None, question, place).is_some());
    let principals: BTreeSet<PrincipalIx> = named.map(|assignment| graph.assignee(assignment)).collect();
    let mut answer = AzureWhoCan::default();
    for &principal in &principals {
        let verdict = graph.decide(principal, question, place);
        let decide = |one| graph.decide(one, question, place).decision;
        let members = graph.is_group(principal).then(|| members_by(graph, principal, &decide));
        // A group may be denied what one of its members, left out of the deny assignment, may.
        let inside = members.iter().flat_map(|members| &members.known).any(|member| can(member.decision));
        if !can(verdict.decision) && !inside {
            answer.denied += usize::from(keep(principal));
            continue;
        }
        answer.rows.push(AzureRow { principal, verdict, members });
    }
    let unread =
        |row: &AzureRow| row.members.as_ref().is_some_and(|members| !members.complete).then_some(row.principal);
    let found: Vec<_> = answer.rows.iter().map(|row| (row.verdict.clone(), unread(row))).collect();
    answer.gaps = concerning(graph, &found, place);
    answer.rows.retain(|row| keep(row.principal));
    answer.rows.sort_by(|a, b| order(graph, a).cmp(&order(graph, b)));
    answer
}

fn can(decision: AzureDecision) -> bool {
    !matches!(decision, AzureDecision::Denied | AzureDecision::No)
}

fn order<'g>(graph: &'g AzureGraph<'_>, row: &AzureRow) -> (AzureDecision, &'g str, PrincipalIx) {
    (row.verdict.decision, graph.principal(row.principal).name.as_str(), row.principal)
}

/// Who is in a group, each with what it may itself.
pub(super) fn members_by(
    graph: &AzureGraph<'_>,
    group: PrincipalIx,
    decide: &dyn Fn(PrincipalIx) -> AzureDecision,
) -> AzureMembers {
    let member = |(principal, eligible)| AzureMember { principal, eligible, decision: decide(principal) };
    let known = graph.members_of(group).into_iter().map(|one| member((one.group, one.eligible))).collect();
    AzureMembers { complete: !graph.members_unread(group), known }
}

/// What an answer depends on and was not read: verdicts, each with the group whose members are not all known.
pub(super) fn concerning(
    graph: &AzureGraph<'_>,
    found: &[(Verdict, Option<PrincipalIx>)],
    place: AzurePlace,
) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let unknown = |standing| {
        let grants = found.iter().flat_map(|(verdict, _)| &verdict.grants);
        grants.filter(move |grant| grant.unknown == Some(standing)).map(|grant| grant.assignment)
    };
    let roles: BTreeMap<&str, &str> = unknown(Standing::Role)
        .map(|assignment| graph.role(graph.assigned_role(assignment)))
        .map(|role| (role.id.as_str(), role.name.as_str()))
        .collect();
    gaps.extend(roles.into_iter().map(|(id, name)| unknown_role(id, name)));
    if unknown(Standing::ManagementGroup).next().is_some() {
        gaps.push(unknown_tree(graph.scope_text(place.scope)));
    }
    let roles: BTreeSet<&str> = unknown(Standing::Operations)
        .map(|assignment| graph.role(graph.assigned_role(assignment)).name.as_str())
        .collect();
    gaps.extend((!roles.is_empty()).then(|| unread_operations(&roles.into_iter().collect::<Vec<_>>())));
    let groups: Vec<PrincipalIx> = found.iter().filter_map(|(_, unread)| *unread).collect();
    gaps.extend(unread_groups(graph, &groups));
    gaps.extend(unread_place(graph, place));
    gaps.sort();
    gaps
}

/// That no role assignment was read of the subscription, or of the part of Azure, that a place is in.
pub fn unread_place(graph: &AzureGraph<'_>, place: AzurePlace) -> Option<Gap> {
    if !graph.assignments_known() {
        return Some(no_assignments("the Azure data"));
    }
    if let Some(subscription) = subscription_of(graph.scope_folded(place.scope)) {
        let read = graph
            .find_scope(subscription)
            .is_some_and(|scope| graph.below(scope).any(|scope| !graph.assignments_at(scope).is_empty()));
        return (!read).then(|| no_assignments(subscription));
    }
    let elsewhere = place.below && management_group(graph.scope_folded(place.scope)).is_none();
    elsewhere.then(|| no_assignments("this part of Azure"))
}

/// Everything that Azure's side lacks so that answers about anybody could be "at least these": roles that nobody knows, groups with roles
/// whose members were not read, management groups with roles of which it is not known what lies below them.
pub fn azure_gaps(graph: &AzureGraph<'_>) -> Vec<Gap> {
    let mut gaps = Vec::new();
    if !graph.is_known() {
        return gaps;
    }
    if !graph.assignments_known() {
        gaps.push(no_assignments("the Azure data"));
    }
    let unknown = graph.roles().map(|role| graph.role(role)).filter(|role| role.blocks.is_none());
    gaps.extend(unknown.map(|role| unknown_role(&role.id, &role.name)));
    let assigned: BTreeSet<PrincipalIx> = graph.assignments().map(|assignment| graph.assignee(assignment)).collect();
    let unread: Vec<PrincipalIx> =
        assigned.into_iter().filter(|&one| graph.is_group(one) && graph.members_unread(one)).collect();
    gaps.extend(unread_groups(graph, &unread));
    let of_groups = graph.assignments().map(|assignment| graph.assigned_scope(assignment));
    if of_groups.into_iter().any(|scope| management_group(graph.scope_folded(scope)).is_some()) {
        let containers = graph.scopes().filter(|&scope| {
            let text = graph.scope_folded(scope);
            subscription_of(text) == Some(text) && !graph.is_complete(scope)
        });
        gaps.extend(containers.map(|scope| unknown_tree(graph.scope_text(scope))));
    }
    gaps.sort();
    gaps
}

fn gap(api_group: &str, resource: &str, message: String) -> Gap {
    let (api_group, resource) = (api_group.to_owned(), resource.to_owned());
    Gap { api_group, resource, namespace: None, except: Vec::new(), reason: GapReason::NotInInput, message }
}

fn unknown_role(id: &str, name: &str) -> Gap {
    let name = if name.is_empty() { String::new() } else { format!(" ({name})") };
    let message = format!(
        "what the Azure role {id}{name} allows is not known: `az role definition list --custom-role-only true` was not read"
    );
    gap("Microsoft.Authorization", "roleDefinitions", message)
}

fn unknown_tree(scope: &str) -> Gap {
    let message = format!(
        "which management groups {scope} lies in is not known, and roles are assigned at some: \
         `az account management-group show` was not read"
    );
    gap("Microsoft.Management", "managementGroups", message)
}

fn unread_operations(roles: &[&str]) -> Gap {
    let message = format!(
        "whether a `*` is more than what {} allows is not known: Azure has a list of operations of its own, which is known here \
         as of 2024-03-01, and custom resources are not in it",
        roles.join(", ")
    );
    gap("Microsoft.ContainerService", "operations", message)
}

fn no_assignments(of: &str) -> Gap {
    let message = format!("no role assignment of {of} was read: `az role assignment list --all`");
    gap("Microsoft.Authorization", "roleAssignments", message)
}

/// That the members of some groups were not read.
pub fn unread_groups(graph: &AzureGraph<'_>, groups: &[PrincipalIx]) -> Option<Gap> {
    let name = |&group: &PrincipalIx| {
        let node = graph.principal(group);
        if node.name.is_empty() { node.object_id.clone() } else { node.name.clone() }
    };
    let names: Vec<String> = groups.iter().map(name).collect();
    let message =
        || format!("who is in the Azure groups {} is not known: their members were not read", names.join(", "));
    (!names.is_empty()).then(|| gap("graph.microsoft.com", "groups", message()))
}

/// What people call somebody: a name, or else the object id.
pub fn principal_name(graph: &AzureGraph<'_>, principal: PrincipalIx) -> String {
    let node = graph.principal(principal);
    let known = [&node.user_principal_name, &node.name].into_iter().find(|name| !name.is_empty());
    known.unwrap_or(&node.object_id).clone()
}

/// What a condition lets be given in few words: which roles, to whom.
pub fn condition_words(graph: &AzureGraph<'_>, ways: &[Alternative]) -> String {
    let role = |id: &String| {
        let read = graph.find_role(id).map(|role| graph.role(role).name.clone());
        let known = || built_in_role(id).map(|role| role.name.to_owned());
        read.filter(|name| !name.is_empty()).or_else(known).unwrap_or_else(|| id.clone())
    };
    let somebody = |id: &String| graph.by_object_id(id).map_or_else(|| id.clone(), |ix| principal_name(graph, ix));
    let way = |way: &Alternative| {
        let mut parts = Vec::new();
        parts.extend(set("role", &way.roles, role));
        parts.extend(set("to", &way.principals, somebody));
        parts.extend(set("to kind", &way.kinds, String::clone));
        if way.open {
            parts.push("something not evaluated".to_owned());
        }
        parts.join(" and ")
    };
    ways.iter().map(way).collect::<Vec<_>>().join(" or ")
}

fn set(what: &str, set: &Set, name: impl Fn(&String) -> String) -> Option<String> {
    let list = |these: &BTreeSet<String>| these.iter().map(&name).collect::<Vec<_>>().join(", ");
    match set {
        Set::Only(these) => Some(format!("{what} {}", list(these))),
        Set::AllBut(these) if !these.is_empty() => Some(format!("{what} not {}", list(these))),
        Set::AllBut(_) => None,
    }
}
