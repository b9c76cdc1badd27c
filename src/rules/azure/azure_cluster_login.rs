//! `azure-cluster-login`: log in to the cluster as an identity of Azure.

use super::azure_kubernetes_role::unreached;
use super::bridge::{Allowed, Bridge, TUNNEL};
use super::deed::blockers;
use super::facts::{AzureFact, AzureGain, AzureStep, Who};
use crate::model::azure::{ClusterKind, PrincipalKind};
use crate::rules::attack::{Attack, Effect, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Blocker, Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "azure-cluster-login",
    title: "Log in to the cluster as an identity of Azure",
    gain: "what bindings give to the object id of the identity, and to the Entra groups that it is in",
    why: "A cluster with Entra integration takes tokens of identities and service principals as well as those of people, by their object \
          id, and bindings name that id or the id of a group. A cluster that is connected by Arc takes them through the tunnel of cluster \
          connect: listClusterUserCredential opens it and allows nothing by itself; what comes through is decided by the bindings of the \
          cluster, or by roles of Azure (azure-kubernetes-role).",
    remedy: "Take the identity out of the binding or the group, or give its token to nobody who must not have these rights. For Arc, take \
             listClusterUserCredential away; Azure Arc Enabled Kubernetes Cluster User Role has it.",
    confidence: Confidence::Documented,
    attack: &["T1078.004"],
    references: &[
        "https://learn.microsoft.com/azure/aks/kubelogin-authentication",
        "https://learn.microsoft.com/azure/azure-arc/kubernetes/cluster-connect",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    let (Fact::Azure(AzureFact::Token(who)), Some(bridge)) = (fact, attack.bridge.clone()) else { return };
    let Some((tunnel, before)) = way_in(&bridge, who).filter(|_| is_workload(&bridge, who)) else { return };
    for (subject, member) in bridge.names_of(who) {
        let (action, sure) = match tunnel {
            Some(tunnel) => (Some((TUNNEL, tunnel.assignment)), tunnel.sure.max(member)),
            None => (None, member),
        };
        let step = AzureStep { by: Some(who), action, sure, ..AzureStep::new(AzureGain::Account(subject)) };
        let blockers: Vec<Blocker> = before.iter().cloned().chain(blockers(member)).collect();
        attack.does_unless(&TECHNIQUE, vec![id], Effect::Azure(step), Fact::Identity(subject), blockers);
    }
}

/// How somebody gets to the API server of this cluster so that it takes their token, and what might stand before it: by the tunnel of Arc,
/// or else by its network.
fn way_in(bridge: &Bridge<'_>, who: Who) -> Option<(Option<Allowed>, Vec<Blocker>)> {
    let cluster = bridge.azure.graph.cluster(bridge.this_cluster?);
    if cluster.kind == ClusterKind::Aks {
        return cluster.entra.then(|| (None, Vec::new()));
    }
    let tunnel = bridge.tunnel(who);
    // Without the tunnel only a cluster that asks Azure knows what such a token is.
    (tunnel.is_some() || cluster.azure_rbac).then(|| (tunnel, unreached(bridge, who)))
}

/// Whether it is no person: people are in the cluster what they are called there from the start.
fn is_workload(bridge: &Bridge<'_>, who: Who) -> bool {
    let Who::Principal(principal) = who else { return false };
    let node = bridge.azure.graph.principal(principal);
    matches!(node.kind, PrincipalKind::ManagedIdentity | PrincipalKind::ServicePrincipal) || node.identity.is_some()
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let Effect::Azure(AzureStep { gain: AzureGain::Account(subject), by: Some(who), sure, .. }) = step.effect else {
        return Err("nobody is gained".to_owned());
    };
    if !state.has_token(who) {
        return Err("it is the token of somebody else".to_owned());
    }
    let (scope, (kind, knows)) = state.this_cluster_in_azure(|cluster| (cluster.kind, (cluster.entra, cluster.azure_rbac)))?;
    let taken = match (kind, knows) {
        (ClusterKind::Aks, (entra, _)) => entra,
        (_, (_, true)) => true,
        _ => state.azure_allows(who, TUNNEL, scope)? <= sure,
    };
    if !taken {
        return Err("the cluster does not take the token".to_owned());
    }
    state.with_bridge(|bridge| {
        let own = bridge.entra(subject).ok_or("nobody of the directory is called so")?;
        let is_one = own == who || state.is_member(who, own);
        if is_one { Ok(()) } else { Err("the name is that of somebody else".to_owned()) }
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::check;

    /// Somebody who is an identity, and a cluster in which a binding names a subject.
    fn world(cluster: &str, role: &str, subject: &str) -> String {
        format!(
            "account dev/app
             identity app s3/ids
             identity other s3/ids
             assign other Reader s3
             trust app dev/app
             azrole open Kubernetes/connectedClusters/listClusterUserCredential/action
             azrole look Kubernetes/connectedClusters/read
             {role}
             {cluster}
             role big: * *.*
             bind big {subject}
             role t: create serviceaccounts/token
             bind dev/t=t user:alice
             aso
             credential prod/aso-credential aso
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default"
        )
    }

    const FOUND: &str = "alice -> cluster-admin: token-request, workload-identity, azure-cluster-login, wildcard-admin";
    const READS: &str = "alice -> read on s1: token-request, workload-identity, azure-role";
    const APP: &str = "user:<object app>";

    #[test]
    fn a_cluster_with_entra_takes_the_token_of_an_identity() {
        check(&world("aks one s1/rg entra", "", APP), FOUND);
    }

    #[test]
    fn one_without_takes_none() {
        check(&world("aks one s1/rg", "", APP), "");
    }

    #[test]
    fn the_binding_has_to_name_the_identity_by_its_object_id() {
        for subject in ["user:<object other>", "user:<app>", "user:app"] {
            check(&world("aks one s1/rg entra", "", subject), "");
        }
    }

    #[test]
    fn a_cluster_behind_arc_takes_it_through_the_tunnel() {
        check(&world("arc one s1/rg", "assign app open s1", APP), &format!("{FOUND}\n{READS}"));
        check(&world("arc one s1/rg local", "assign app open s1", APP), &format!("{FOUND}\n{READS}"));
    }

    #[test]
    fn the_tunnel_alone_allows_nothing() {
        check(&world("arc one s1/rg", "assign app open s1", "user:<object other>"), READS);
    }

    #[test]
    fn without_the_tunnel_or_with_that_of_another_cluster_there_is_no_way() {
        check(&world("arc one s1/rg", "assign app look s1", APP), READS);
        let elsewhere = READS.replace("s1:", "s2:");
        check(&world("arc one s1/rg\narc two s2/rg", "assign app open s2", APP), &elsewhere);
        // One that asks Azure knows the token, and may be reached by its network.
        check(&world("arc one s1/rg azurerbac", "assign app look s1", APP), &format!("{FOUND}\n{READS}"));
    }
}
