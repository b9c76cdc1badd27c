//! `azure-local-credential`: fetch the admin kubeconfig of an AKS cluster on Azure Local.

use super::deed::{self, By, Deed};
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "azure-local-credential",
    title: "Fetch the admin kubeconfig of an AKS cluster on Azure Local",
    gain: "the administration of the cluster",
    why: "listAdminKubeconfig returns a client certificate that no Entra login, no role binding and no audit of Entra sees. \
          Local accounts of such a cluster cannot be turned off.",
    remedy: "Take provisionedClusterInstances/listAdminKubeconfig away; Azure Kubernetes Service Hybrid Cluster Admin Role and \
             Contributor have it.",
    confidence: Confidence::Documented,
    attack: &["T1552.001", "T1078.004"],
    references: &[
        "https://learn.microsoft.com/azure/aks/aksarc/retrieve-admin-kubeconfig",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

const DEED: Deed = Deed {
    technique: &TECHNIQUE,
    by: By::Token,
    actions: &["Microsoft.HybridContainerService/provisionedClusterInstances/listAdminKubeconfig/action"],
};

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    deed::clusters(attack, &DEED, fact, id);
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    deed::clusters_proof(state, &DEED, step)
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::check;

    /// An account whose identity has a role, and a cluster.
    fn world(role: &str, cluster: &str) -> String {
        format!(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole other HybridContainerService/provisionedClusterInstances/listUserKubeconfig/action
             assign app {role} s1/rg
             {cluster}
             role t: create serviceaccounts/token
             bind dev/t=t user:alice"
        )
    }

    #[test]
    fn the_kubeconfig_of_a_cluster_on_azure_local_is_fetched() {
        check(
            &world("LocalAdmin", "arc edge s1/rg local"),
            "alice -> cluster:edge: token-request, workload-identity, azure-local-credential
             alice -> read on s1/rg: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn a_cluster_that_is_only_connected_has_none() {
        check(
            &world("LocalAdmin", "arc edge s1/rg"),
            "alice -> read on s1/rg: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn the_kubeconfig_of_users_leads_nowhere() {
        check(
            &world("other", "arc edge s1/rg local"),
            "alice -> read on s1/rg: token-request, workload-identity, azure-role",
        );
    }
}
