//! `azure-cluster-write`: change an AKS cluster.

use super::deed::{self, By, Deed};
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "azure-cluster-write",
    title: "Change an AKS cluster",
    gain: "the administration of the cluster",
    why: "Whoever may write a managed cluster turns local accounts on or names an Entra group that is cluster-admin.",
    remedy: "Take managedClusters/write away from those who need not administer the cluster.",
    confidence: Confidence::Documented,
    attack: &["T1098.003"],
    references: &[
        "https://learn.microsoft.com/azure/aks/control-kubeconfig-access",
        "https://learn.microsoft.com/azure/aks/manage-local-accounts-managed-azure-ad",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

const DEED: Deed =
    Deed { technique: &TECHNIQUE, by: By::Token, actions: &["Microsoft.ContainerService/managedClusters/write"] };

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
    fn local_accounts_that_are_off_stop_nobody_who_turns_them_on() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole k ContainerService/managedClusters/write
             assign app k s1
             aks one s1/rg off entra
             role t: create serviceaccounts/token
             bind dev/t=t user:alice
             aso
             credential prod/aso-credential aso
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default",
            "alice -> cluster-admin: token-request, workload-identity, azure-cluster-write
             alice -> limited (managedclusters) on s1: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn another_cluster_is_another_target() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole k ContainerService/managedClusters/write
             assign app k s1
             aks two s1/rg
             role t: create serviceaccounts/token
             bind dev/t=t user:alice
             aso
             credential prod/aso-credential aso
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default",
            "alice -> cluster:two: token-request, workload-identity, azure-cluster-write
             alice -> limited (managedclusters) on s1: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn one_in_another_group_is_out_of_reach() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole k ContainerService/managedClusters/write
             assign app k s1/rg1
             aks one s1/rg10
             role t: create serviceaccounts/token
             bind dev/t=t user:alice
             aso
             credential prod/aso-credential aso
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default",
            "alice -> limited (managedclusters) on s1/rg1: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn one_that_is_protected_is_left_out_and_its_neighbour_is_not() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole k ContainerService/managedClusters/write
             assign app k s1
             aks one s1/rg
             aks two s1/rg2
             deny s1/rg ContainerService/managedClusters/write
             role t: create serviceaccounts/token
             bind dev/t=t user:alice
             aso
             credential prod/aso-credential aso
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default",
            "alice -> cluster:two: token-request, workload-identity, azure-cluster-write
             alice -> limited (managedclusters) on s1: token-request, workload-identity, azure-role",
        );
    }
}
