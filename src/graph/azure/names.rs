//! What things of an Azure graph are called, apart from the graph: answers name them long after it is gone.

use super::{AssignmentIx, AzureGraph, ClusterIx, PrincipalIx, ScopeIx};
use crate::model::AzureFacts;
use crate::model::azure::{Assigned, Members, PrincipalKind};
use rustc_hash::FxHashMap;

/// The names of the things of an Azure graph, by the same numbers.
#[derive(Clone, Debug, Default)]
pub struct AzureNames {
    scopes: Vec<String>,
    principals: Vec<PrincipalName>,
    assignments: Vec<AssignmentName>,
    clusters: Vec<(String, String)>,
    groups: FxHashMap<String, GroupName>,
}

/// What a principal is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrincipalName {
    /// A name for people, or the object id.
    pub name: String,
    /// The object id.
    pub object_id: String,
    /// The app id; may be empty.
    pub client_id: String,
    /// What it is.
    pub kind: PrincipalKind,
    /// Whether it is a group.
    pub is_group: bool,
}

/// What is known of who is in a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupName {
    /// The object id.
    pub object_id: String,
    /// Whether it is known that nobody is in it.
    pub empty: bool,
    /// How many may activate a membership.
    pub activate: usize,
}

/// What a role assignment says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignmentName {
    /// Its resource id; may be empty.
    pub id: String,
    /// The role, by its name or GUID.
    pub role: String,
    /// Where it is assigned.
    pub scope: ScopeIx,
    /// Whom it names.
    pub principal: PrincipalIx,
    /// Whether it holds now.
    pub assigned: Assigned,
}

impl AzureNames {
    /// Takes the names of a graph. Linear in it.
    pub fn new(graph: &AzureGraph<'_>) -> AzureNames {
        let facts = graph.facts();
        let of_aso = !facts.identities.is_empty() || !facts.clusters.is_empty() || facts.from_aso > 0;
        if !facts.given && !of_aso && facts.database_servers.is_empty() {
            return AzureNames::default();
        }
        let principal = |at: PrincipalIx| {
            let node = graph.principal(at);
            let name = if node.name.is_empty() { &node.object_id } else { &node.name };
            PrincipalName {
                name: name.clone(),
                object_id: node.object_id.clone(),
                client_id: node.client_id.clone(),
                kind: node.kind,
                is_group: graph.is_group(at),
            }
        };
        let assignment = |at: AssignmentIx| {
            let role = graph.role(graph.assigned_role(at));
            AssignmentName {
                id: graph.assignment(at).id.clone(),
                role: if role.name.is_empty() { role.id.clone() } else { role.name.clone() },
                scope: graph.assigned_scope(at),
                principal: graph.assignee(at),
                assigned: graph.assignment(at).assigned,
            }
        };
        AzureNames {
            scopes: graph.scopes().map(|at| graph.scope_text(at).to_owned()).collect(),
            principals: graph.principals().map(principal).collect(),
            assignments: graph.assignments().map(assignment).collect(),
            groups: groups(facts, graph),
            clusters: facts.clusters.iter().map(|one| (one.name.clone(), one.id.clone())).collect(),
        }
    }

    /// A scope as it is spelled.
    pub fn scope(&self, scope: ScopeIx) -> &str {
        self.scopes.get(scope.index()).map_or("", String::as_str)
    }

    /// A principal.
    pub fn principal(&self, principal: PrincipalIx) -> Option<&PrincipalName> {
        self.principals.get(principal.index())
    }

    /// The principal with an object id or an app id, in any case.
    pub fn find_principal(&self, id: &str) -> Option<PrincipalIx> {
        let is = |known: &PrincipalName| {
            known.object_id.eq_ignore_ascii_case(id) || known.client_id.eq_ignore_ascii_case(id)
        };
        self.principals.iter().position(is).map(PrincipalIx::at)
    }

    /// The role assignment with a resource id or its last part, in any case.
    pub fn find_assignment(&self, id: &str) -> Option<AssignmentIx> {
        let is = |known: &AssignmentName| {
            let last = known.id.rsplit('/').next().unwrap_or_default();
            known.id.eq_ignore_ascii_case(id) || (!last.is_empty() && last.eq_ignore_ascii_case(id))
        };
        self.assignments.iter().position(is).map(AssignmentIx::at)
    }

    /// Whether there is an AKS cluster of this name or resource id.
    pub fn has_cluster(&self, name: &str) -> bool {
        self.clusters.iter().any(|(own, id)| own == name || id.eq_ignore_ascii_case(name))
    }

    /// A role assignment.
    pub fn assignment(&self, assignment: AssignmentIx) -> Option<&AssignmentName> {
        self.assignments.get(assignment.index())
    }

    /// A group of the directory that Kubernetes knows by this name: its object id, or its display name where only one group has it.
    pub fn group(&self, name: &str) -> Option<&GroupName> {
        self.groups.get(&name.to_ascii_lowercase())
    }

    /// The name and the resource id of an AKS cluster.
    pub fn cluster(&self, cluster: ClusterIx) -> (&str, &str) {
        self.clusters.get(cluster.index()).map_or(("", ""), |(name, id)| (name, id))
    }
}

/// Groups by what Kubernetes may call them.
fn groups(facts: &AzureFacts, graph: &AzureGraph<'_>) -> FxHashMap<String, GroupName> {
    let mut found: FxHashMap<String, GroupName> = FxHashMap::default();
    let mut twice: Vec<String> = Vec::new();
    for group in &facts.groups {
        let Some(at) = graph.by_object_id(&group.object_id) else { continue };
        let activate = graph.members_of(at).iter().filter(|one| one.eligible).count();
        let empty = matches!(&group.members, Members::Exactly(members) if members.is_empty());
        let known = GroupName { object_id: group.object_id.clone(), empty, activate };
        found.insert(group.object_id.to_ascii_lowercase(), known.clone());
        let name = group.name.to_ascii_lowercase();
        if !name.is_empty() && found.insert(name.clone(), known).is_some() {
            twice.push(name);
        }
    }
    for name in twice {
        found.remove(&name);
    }
    found
}
