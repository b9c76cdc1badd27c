//! `azure-kubernetes-role`: use a role of Azure in the cluster.

use std::collections::BTreeSet;

use super::bridge::Bridge;
use super::deed::blockers;
use super::facts::{AzureFact, AzureGain, AzureStep, Sure, Who};
use crate::graph::azure::AssignmentIx;
use crate::model::{KindIx, Subject};
use crate::rules::attack::{Attack, Effect, Fact, Place};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Blocker, Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "azure-kubernetes-role",
    title: "Use a role of Azure in the cluster",
    gain: "what the data actions of the role allow in the cluster or in a namespace of it",
    why: "Where Azure RBAC for Kubernetes is on, AKS asks Azure whenever Kubernetes RBAC has no answer. A role with data \
          actions thus allows what no binding shows: Azure Kubernetes Service RBAC Cluster Admin and RBAC Admin \
          everything, RBAC Writer the Secrets and the tokens of service accounts.",
    remedy: "Assign these roles at a namespace of the cluster, and Writer or more to nobody who must not have its Secrets and \
             accounts.",
    confidence: Confidence::Documented,
    attack: &["T1078.004"],
    references: &[
        "https://learn.microsoft.com/azure/aks/manage-azure-rbac",
        "https://github.com/kubeguard/guard",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

/// Everything in the cluster: whoever may bind any ClusterRole.
const ADMIN: [&str; 2] = ["rbac.authorization.k8s.io/clusterrolebindings/write", "rbac.authorization.k8s.io/clusterroles/bind/action"];

/// What else is worth it, each by one action. Guard takes subresources for the resource, so that writing accounts mints their
/// tokens, and writing pods creates them.
const PARTS: [(&str, Part); 3] =
    [("secrets/read", Part::Secrets), ("serviceaccounts/write", Part::Accounts), ("pods/write", Part::Pods)];

#[derive(Clone, Copy)]
enum Part {
    Secrets,
    Accounts,
    Pods,
}

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    let (Fact::Azure(AzureFact::Token(who)), Some(bridge)) = (fact, attack.bridge.clone()) else { return };
    let behind_arc = attack.bridge.as_ref().filter(|bridge| bridge.is_behind_arc());
    let unreached: Vec<Blocker> = behind_arc.into_iter().flat_map(|bridge| unreached(bridge, who)).collect();
    for (step, fact) in given(&bridge, who) {
        let blockers = [blockers(step.sure), unreached.clone()].concat();
        attack.does_unless(&TECHNIQUE, vec![id], Effect::Azure(step), fact, blockers);
    }
}

/// What Azure gives somebody in this cluster: each as a step of theirs, with the fact that it gains.
pub(super) fn given(bridge: &Bridge<'_>, who: Who) -> Vec<(AzureStep, Fact)> {
    let mut found = Vec::new();
    let by = |gain: AzureGain, (sure, by): (Sure, AssignmentIx)| AzureStep {
        by: Some(who),
        action: Some(("", by)),
        sure,
        ..AzureStep::new(gain)
    };
    for place in bridge.kubernetes_places(who) {
        let may = |action: &str| bridge.in_kubernetes(who, action, place);
        if place == Place::Cluster
            && let (Some(first), Some(second)) = (may(ADMIN[0]), may(ADMIN[1]))
        {
            let sure = (first.0.max(second.0), first.1);
            found.push((by(AzureGain::ThisCluster, sure), Fact::Everything(Place::Cluster)));
        }
        let inside = if place == Place::Cluster { Place::EachNamespace } else { place };
        for (action, part) in PARTS {
            let Some(may) = may(action) else { continue };
            let (gain, fact) = match part {
                Part::Secrets => (AzureGain::Secrets(inside), Fact::Secrets(inside)),
                Part::Accounts => (AzureGain::Any, Fact::Accounts(inside)),
                Part::Pods => (AzureGain::NewPod(inside), Fact::NewPod(inside)),
            };
            found.push((by(gain, may), fact));
        }
        let kinds = |kind: KindIx| kind_actions(kind).iter().filter_map(|action| may(action)).min();
        let all: Vec<(KindIx, (Sure, AssignmentIx))> =
            bridge.writers.every().filter_map(|kind| Some((kind, kinds(kind)?))).collect();
        let sures: BTreeSet<Sure> = all.iter().map(|(_, (sure, _))| *sure).collect();
        for sure in sures {
            let those = || all.iter().filter(move |(_, (own, _))| *own <= sure);
            let set = bridge.writers.those(|kind| those().any(|(own, _)| own == kind));
            let last = those().max_by_key(|(_, (own, _))| *own);
            let (Some(set), Some(&(kind, last))) = (set, last) else { continue };
            let step = AzureStep { kind: Some(kind), ..by(AzureGain::Resources(inside), last) };
            found.push((step, Fact::Azure(AzureFact::Manages(set, inside))));
        }
    }
    found
}

/// The data actions of which one allows to write resources of a kind: Guard asks for either, as a switch of the cluster has it.
fn kind_actions(kind: KindIx) -> [String; 2] {
    let facts = kind.facts();
    [[facts.group, "/", facts.plural, "/write"].concat(), "customresources/write".to_owned()]
}

/// What stands before the API server of a cluster behind Arc, for somebody who may not open its tunnel.
pub(super) fn unreached(bridge: &Bridge<'_>, who: Who) -> Vec<Blocker> {
    let what = "the API server has to be reached, by its network or with listClusterUserCredential of Arc";
    match bridge.tunnel(who) {
        Some(tunnel) => tunnel.blockers(),
        None => vec![Blocker { what: what.to_owned(), stops: false }],
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let Effect::Azure(own) = step.effect else { return Err("the step is not in Azure".to_owned()) };
    let who = own.by.filter(|&who| state.has_token(who)).ok_or_else(|| "it is the role of somebody else".to_owned())?;
    is_given(state, own, who)
}

/// Whether Azure gives somebody what a step says.
pub(super) fn is_given(state: &State<'_>, own: AzureStep, who: Who) -> Result<(), String> {
    let (actions, place): (&[&str], Place) = match own.gain {
        AzureGain::ThisCluster => (&ADMIN, Place::Cluster),
        AzureGain::Secrets(place) => (&["secrets/read"], place),
        AzureGain::NewPod(place) => (&["pods/write"], place),
        AzureGain::Account(Subject::ServiceAccount { namespace, .. }) => {
            (&["serviceaccounts/write"], Place::Namespace(namespace))
        }
        AzureGain::Resources(place) => {
            let kind = own.kind.ok_or_else(|| "no kind is written".to_owned())?;
            return state.azure_allows_kind(who, kind.facts(), place);
        }
        _ => return Err("nothing is gained".to_owned()),
    };
    actions.iter().try_for_each(|action| state.azure_allows_data(who, action, place).map(|_| ()))
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::{check, graph};
    use crate::rules::{Ask, escalations};

    fn with(cluster: &str, role: &str, expected: &str) {
        let world = format!(
            "aso
             credential global aso
             kinds storageaccounts.storage
             identity aso s1/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default
             aks one s1/aks {cluster}
             people team ann
             assign team {role}
             role r: get secrets none
             bind dev/r=r group:team"
        );
        check(&world, expected);
    }

    #[test]
    fn a_role_with_data_actions_is_one_in_the_cluster() {
        with("azurerbac", "AksClusterAdmin s1", "team -> cluster-admin: azure-kubernetes-role");
    }

    #[test]
    fn a_cluster_that_does_not_ask_azure_is_not_had() {
        with("entra", "AksClusterAdmin s1", "");
    }

    /// A cluster in which ASO is Contributor of a subscription, and a group of the directory has a role at a place.
    fn contributor(role: &str, expected: &str) {
        let world = format!(
            "aso
             credential global aso
             kinds storageaccounts.storage
             identity aso s1/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default
             assign aso Contributor s1
             aks one s1/aks azurerbac
             people team ann
             assign team {role}
             namespace dev restricted
             role r: list things
             bind dev/r=r group:other"
        );
        check(&world, expected);
    }

    const PATHS: &str = "\
        principal:eeeeeeee-0000-0000-0000-d9ef19afc32c -> keys and data (storageaccounts) on s1: azure-kubernetes-role, azure-kubernetes-role, aso-skip-export
        principal:eeeeeeee-0000-0000-0000-d9ef19afc32c -> limited (storageaccounts) on s1: azure-kubernetes-role, aso-credential-fallback, aso-role";

    #[test]
    fn the_administrator_of_a_namespace_by_azure_writes_resources_of_aso_there() {
        contributor(
            "AksAdmin in:one/dev",
            PATHS,
        );
    }

    #[test]
    fn who_has_to_activate_the_role_can_only_then() {
        contributor(
            "AksAdmin in:one/dev eligible",
            PATHS,
        );
    }

    #[test]
    fn who_only_reads_there_writes_none() {
        contributor("AksReader in:one/dev", "");
    }

    #[test]
    fn clusters_of_arc_have_data_actions_of_their_own() {
        let world = |role: &str| {
            format!(
                "aso
                 credential global aso
                 identity aso s1/ids
                 trust aso azureserviceoperator-system/azureserviceoperator-default edge
                 arc edge s1/rg azurerbac
                 people team ann
                 assign team {role} s1
                 role r: get secrets none
                 bind dev/r=r group:team"
            )
        };
        check(&world("ArcClusterAdmin"), "team -> cluster-admin: azure-kubernetes-role");
        check(&world("AksClusterAdmin"), "");
        check(&world("ArcViewer"), "");
    }

    #[test]
    fn whoever_may_open_the_tunnel_of_arc_needs_no_network() {
        let told = |more: &str| {
            let world = format!(
                "aso
                 credential global aso
                 identity aso s1/ids
                 trust aso azureserviceoperator-system/azureserviceoperator-default edge
                 arc edge s1/rg azurerbac
                 people team ann
                 assign team ArcClusterAdmin s1
                 azrole open Kubernetes/connectedClusters/listClusterUserCredential/action
                 {more}
                 role r: get secrets none
                 bind dev/r=r group:team"
            );
            let found = escalations(&graph(&world), &Ask::default()).findings;
            assert_eq!(found.len(), 1, "{more}");
            found[0].steps[0].blockers.len()
        };
        assert_eq!((told(""), told("assign team open s2"), told("assign team open s1/rg")), (1, 1, 0));
    }

    #[test]
    fn a_reader_reads_no_secrets_and_a_role_elsewhere_gives_nothing_here() {
        with("azurerbac", "AksReader s1", "");
        with("azurerbac", "AksClusterAdmin s2", "");
    }
}
