//! `aso-cluster-write`: have ASO change an AKS cluster.

use super::deed::{self, By, Deed};
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "aso-cluster-write",
    title: "Have ASO change an AKS cluster",
    gain: "the administration of the cluster",
    why: "A ManagedCluster sets whether local accounts are on and which Entra groups are cluster-admin; a \
          FluxConfiguration or an extension applies any manifest in the cluster. That local accounts are off stops nobody \
          who may turn them on.",
    remedy: "Keep the clusters out of the scope of ASO's identities, above all the cluster that ASO runs in.",
    confidence: Confidence::Documented,
    attack: &["T1098.003"],
    references: &[
        "https://learn.microsoft.com/azure/aks/control-kubeconfig-access",
        "https://learn.microsoft.com/azure/aks/manage-local-accounts-managed-azure-ad",
    ],
    react: Some(react),
    proof: Some(proof),
    kinds: Some(|_, kind| DEED.takes(kind)),
    ..Technique::MOVE
};

const DEED: Deed =
    Deed { technique: &TECHNIQUE, by: By::Aso(&[("containerservice.azure.com", "managedclusters")]), actions: &["Microsoft.ContainerService/managedClusters/write"] };

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    deed::clusters(attack, &DEED, fact, id);
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    deed::clusters_proof(state, &DEED, step)
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::check;

    #[test]
    fn this_cluster_and_any_other_in_reach() {
        check(
            "aso
             credential global aso
             kinds managedclusters.containerservice
             aks one s1/rg
             aks two s1/rg
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default
             assign aso Contributor s1
             role c: create managedclusters.containerservice.azure.com
             bind dev/c=c user:alice",
            "alice -> cluster-admin: aso-credential-fallback, aso-cluster-write
             alice -> cluster:two: aso-credential-fallback, aso-cluster-write
             alice -> limited (managedclusters) on s1: aso-credential-fallback, aso-role",
        );
    }

    #[test]
    fn local_accounts_can_be_turned_on_again() {
        check(
            "aso
             credential global aso
             kinds managedclusters.containerservice
             aks one s1/rg off entra
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default
             assign aso Contributor s1
             role c: create managedclusters.containerservice.azure.com
             bind dev/c=c user:alice",
            "alice -> cluster-admin: aso-credential-fallback, aso-cluster-write
             alice -> limited (managedclusters) on s1: aso-credential-fallback, aso-role",
        );
    }

    #[test]
    fn another_cluster_is_another_cluster() {
        check(
            "aso
             credential global aso
             kinds managedclusters.containerservice
             aks one s2/rg
             aks two s1/rg
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default
             assign aso Contributor s1
             role c: create managedclusters.containerservice.azure.com
             bind dev/c=c user:alice",
            "alice -> cluster:two: aso-credential-fallback, aso-cluster-write
             alice -> limited (managedclusters) on s1: aso-credential-fallback, aso-role",
        );
    }

    #[test]
    fn a_role_that_only_reads_changes_none() {
        check(
            "aso
             credential global aso
             kinds managedclusters.containerservice
             aks one s1/rg
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default
             azrole r ContainerService/managedClusters/read,ContainerService/managedClusters/listClusterUserCredential/action
             assign aso r s1
             role c: create managedclusters.containerservice.azure.com
             bind dev/c=c user:alice",
            "",
        );
    }
}
