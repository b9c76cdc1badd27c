//! `azure-role-assignment`: assign oneself a role, and use it.

use super::deed;
use super::facts::{AzureFact, AzureGain, AzureStep, Power, Sure};
use crate::graph::azure::ScopeIx;
use crate::rules::attack::{Attack, Effect, Fact, Place};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Blocker, Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "azure-role-assignment",
    title: "Assign yourself a role",
    gain: "every user-assigned identity, every cluster and its nodes in the scope",
    why: "Whoever assigns roles in a scope makes themselves Owner of it, and then has each identity there trust them, turns the \
          local accounts of a cluster on, or applies manifests to it. Denied is what a deny assignment of Azure still denies \
          to everybody.",
    remedy: "Take Microsoft.Authorization/roleAssignments/write away, or put a condition on the role assignment that says which \
             roles may be given.",
    confidence: Confidence::Documented,
    attack: &["T1098.003"],
    references: &[
        "https://learn.microsoft.com/azure/role-based-access-control/role-assignments",
        "https://learn.microsoft.com/azure/role-based-access-control/delegate-role-assignments-overview",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    let (Some(bridge), Fact::Azure(AzureFact::Power(scope, Power::RoleAssignments, _))) = (attack.bridge.clone(), fact)
    else {
        return;
    };
    let graph = &bridge.azure.graph;
    let denied = |at: ScopeIx| if graph.is_denied_over(at) { deed::blockers(Sure::Denied) } else { Vec::new() };
    let mut does = |gain: AzureGain, fact: Fact, blockers: Vec<Blocker>| {
        attack.does_unless(&TECHNIQUE, vec![id], Effect::Azure(AzureStep::new(gain)), fact, blockers);
    };
    if !graph.is_denied_over(scope) && !graph.is_denied_inside(scope) {
        if !bridge.identities_in(scope).is_empty() {
            does(AzureGain::Any, Fact::Azure(AzureFact::Trusts(scope)), Vec::new());
        }
    } else {
        for &(who, at) in bridge.identities_in(scope).iter() {
            does(AzureGain::Token(who), Fact::Azure(AzureFact::Token(who)), denied(at));
        }
    }
    for cluster in graph.clusters_below(scope) {
        let Some(at) = graph.cluster_scope(cluster) else { continue };
        let (gain, fact) = if bridge.this_cluster() == Some(cluster) {
            (AzureGain::ThisCluster, Fact::Everything(Place::Cluster))
        } else {
            (AzureGain::Cluster(cluster), Fact::Azure(AzureFact::Cluster(cluster)))
        };
        does(gain, fact, denied(at));
    }
    if let Some(group) = bridge.node_group().filter(|&group| graph.within(scope, group)) {
        let locked = bridge.this_cluster().is_some_and(|one| graph.cluster(one).node_resource_group_locked);
        let mut blockers = denied(group);
        blockers.extend(locked.then(deed::nodes_locked));
        does(AzureGain::TheseNodes, Fact::Nodes, blockers);
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let Effect::Azure(own) = step.effect else { return Err("the step is not in Azure".to_owned()) };
    let at = match own.gain {
        AzureGain::Token(who) => state.user_assigned(who).ok_or_else(|| "it is no user-assigned identity".to_owned())?,
        AzureGain::TheseNodes => {
            let (_, locked) = state.this_cluster_in_azure(|cluster| cluster.node_resource_group_locked)?;
            if locked {
                return Err("the nodes are locked".to_owned());
            }
            state.nodes_in_azure()?
        }
        gain => state.cluster_in_azure(gain, |_| true)?.0,
    };
    if state.assigns_roles(at) { Ok(()) } else { Err("no role can be assigned there".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::super::world::app as world;
    use crate::rules::kubernetes::{check, check_blocked};

    #[test]
    fn an_access_administrator_has_the_identities_of_the_scope() {
        check(
            &world("identity big s1/rg\nassign big Reader s2\nassign app Access s1"),
            "alice -> role-assignment write on s1: token-request, workload-identity, azure-role
             alice -> read on s2: token-request, workload-identity, azure-role, azure-role-assignment, azure-role",
        );
    }

    #[test]
    fn and_the_clusters() {
        check(
            &world("aks two s1/rg off\narc edge s1/rg\naks far s2/rg\nassign app Access s1"),
            "alice -> role-assignment write on s1: token-request, workload-identity, azure-role
             alice -> cluster:two: token-request, workload-identity, azure-role, azure-role-assignment
             alice -> cluster:edge: token-request, workload-identity, azure-role, azure-role-assignment",
        );
    }

    #[test]
    fn what_lies_beside_is_not_in_it() {
        check(
            &world("identity big s1/rg10\nassign big Reader s2\naks two s1/rg10\nassign app Access s1/rg"),
            "alice -> role-assignment write on s1/rg: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn contributor_assigns_nothing() {
        check(
            &world("azrole some Storage/*,Authorization/*/read\nidentity big s1/rg\nassign big Reader s2\nassign app some s1"),
            "alice -> limited (storageaccounts) on s1: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn a_condition_that_lets_only_small_roles_be_given_stops_it() {
        check(
            &world(
                "aks two s1/rg
                 assign app Access s1 ((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR (@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {7f951dda-4ed3-4680-a7ca-43fe172d538d}))",
            ),
            "alice -> read on s1: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn what_is_denied_to_everybody_is_denied_to_the_owner() {
        let world = world("aks two s1/rg\naks free s1/rg2\ndeny s1/rg ContainerService/*\nassign app Access s1");
        check(
            &world,
            "alice -> role-assignment write on s1: token-request, workload-identity, azure-role
             alice -> cluster:free: token-request, workload-identity, azure-role, azure-role-assignment",
        );
        check_blocked(&world, "alice -> cluster:two: token-request, workload-identity, azure-role, azure-role-assignment");
    }

    #[test]
    fn aso_assigns_it_as_well() {
        check(
            "aso
             credential global aso
             kinds roleassignments.authorization
             identity aso s3/ids
             assign aso Access s1
             aks two s1/rg
             role a: create roleassignments.authorization.azure.com
             bind dev/a=a user:alice",
            "alice -> role-assignment write on s1: aso-credential-fallback, aso-role-assignment
             alice -> cluster:two: aso-credential-fallback, aso-role-assignment, azure-role-assignment",
        );
    }
}
