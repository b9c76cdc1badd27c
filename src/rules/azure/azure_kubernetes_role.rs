//! `azure-kubernetes-role`: use a role of Azure in the cluster.

use super::deed::blockers;
use super::facts::{AzureFact, AzureGain, AzureStep, Sure, Who};
use crate::graph::azure::AssignmentIx;
use crate::model::Subject;
use crate::rules::attack::{Attack, Effect, Fact, Place};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

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

/// What the data actions of AKS begin with.
const PREFIX: &str = "Microsoft.ContainerService/managedClusters";

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
    for place in bridge.kubernetes_places(who) {
        let may = |action: &str| bridge.in_kubernetes(who, &[PREFIX, "/", action].concat(), place);
        if place == Place::Cluster
            && let (Some(first), Some(second)) = (may(ADMIN[0]), may(ADMIN[1]))
        {
            let gain = (AzureGain::ThisCluster, Fact::Everything(Place::Cluster));
            adds(attack, id, who, gain, (first.0.max(second.0), first.1));
        }
        let inside = if place == Place::Cluster { Place::EachNamespace } else { place };
        for (action, part) in PARTS {
            let Some(may) = may(action) else { continue };
            let gain = match part {
                Part::Secrets => (AzureGain::Secrets(inside), Fact::Secrets(inside)),
                Part::Accounts => (AzureGain::Any, Fact::Accounts(inside)),
                Part::Pods => (AzureGain::NewPod(inside), Fact::NewPod(inside)),
            };
            adds(attack, id, who, gain, may);
        }
    }
}

fn adds(attack: &mut Attack<'_>, id: u32, who: Who, (gain, fact): (AzureGain, Fact), (sure, by): (Sure, AssignmentIx)) {
    let step = AzureStep { by: Some(who), action: Some(("", by)), sure, ..AzureStep::new(gain) };
    attack.does_unless(&TECHNIQUE, vec![id], Effect::Azure(step), fact, blockers(sure));
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let Effect::Azure(own) = step.effect else { return Err("the step is not in Azure".to_owned()) };
    let who = own.by.filter(|&who| state.has_token(who)).ok_or_else(|| "it is the role of somebody else".to_owned())?;
    let (actions, place): (&[&str], Place) = match own.gain {
        AzureGain::ThisCluster => (&ADMIN, Place::Cluster),
        AzureGain::Secrets(place) => (&["secrets/read"], place),
        AzureGain::NewPod(place) => (&["pods/write"], place),
        AzureGain::Account(Subject::ServiceAccount { namespace, .. }) => {
            (&["serviceaccounts/write"], Place::Namespace(namespace))
        }
        _ => return Err("nothing is gained".to_owned()),
    };
    actions.iter().try_for_each(|action| {
        state.azure_allows_data(who, &[PREFIX, "/", action].concat(), place).map(|_| ())
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::check;

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

    #[test]
    fn a_reader_reads_no_secrets_and_a_role_elsewhere_gives_nothing_here() {
        with("azurerbac", "AksReader s1", "");
        with("azurerbac", "AksClusterAdmin s2", "");
    }
}
