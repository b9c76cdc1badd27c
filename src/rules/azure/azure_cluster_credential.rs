//! `azure-cluster-credential`: fetch the admin kubeconfig of an AKS cluster.

use super::bridge::USER_CREDENTIAL;
use super::deed::{self, By, Deed};
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "azure-cluster-credential",
    title: "Fetch the admin kubeconfig of an AKS cluster",
    gain: "the administration of the cluster",
    why: "listClusterAdminCredential returns a client certificate in system:masters, which no Entra login, no role binding \
          and no audit of Entra sees. It works while local accounts are on. Without Entra integration \
          listClusterUserCredential returns the same.",
    remedy: "Turn local accounts off, and take listClusterAdminCredential away; Contributor and every role with \
             managedClusters/* have it.",
    confidence: Confidence::Documented,
    attack: &["T1552.001", "T1078.004"],
    references: &[
        "https://learn.microsoft.com/azure/aks/control-kubeconfig-access",
        "https://learn.microsoft.com/azure/aks/manage-local-accounts-managed-azure-ad",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

const ADMIN: Deed = Deed {
    technique: &TECHNIQUE,
    by: By::Token,
    actions: &["Microsoft.ContainerService/managedClusters/listClusterAdminCredential/action"],
};
/// The same by the name of an access profile.
const PROFILE: Deed = Deed {
    technique: &TECHNIQUE,
    by: By::Token,
    actions: &["Microsoft.ContainerService/managedClusters/accessProfiles/listCredential/action"],
};
const USER: Deed = Deed { technique: &TECHNIQUE, by: By::Token, actions: &[USER_CREDENTIAL] };

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    deed::admin_credentials(attack, &ADMIN, fact, id);
    deed::admin_credentials(attack, &PROFILE, fact, id);
    deed::user_credentials(attack, &USER, fact, id);
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    deed::admin_credentials_proof(state, &ADMIN, step)
        .or_else(|_| deed::admin_credentials_proof(state, &PROFILE, step))
        .or_else(|_| deed::user_credentials_proof(state, &USER, step))
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::{check, check_blocked};

    #[test]
    fn the_kubeconfig_of_this_cluster_is_fetched() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole k ContainerService/managedClusters/listClusterAdminCredential/action
             assign app k s1
             aks one s1/rg
             role t: create serviceaccounts/token
             bind dev/t=t user:alice
             aso
             credential prod/aso-credential aso
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default",
            "alice -> cluster-admin: token-request, workload-identity, azure-cluster-credential
             alice -> keys and data on s1: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn that_of_another_cluster_is_another_target() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole k ContainerService/managedClusters/listClusterAdminCredential/action
             assign app k s1
             aks two s1/rg
             role t: create serviceaccounts/token
             bind dev/t=t user:alice
             aso
             credential prod/aso-credential aso
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default",
            "alice -> cluster:two: token-request, workload-identity, azure-cluster-credential
             alice -> keys and data on s1: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn local_accounts_that_are_off_stop_it() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole k ContainerService/managedClusters/listClusterAdminCredential/action
             assign app k s1
             aks one s1/rg off
             role t: create serviceaccounts/token
             bind dev/t=t user:alice
             aso
             credential prod/aso-credential aso
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default",
            "alice -> keys and data on s1: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn local_accounts_that_are_off_stop_it_and_are_told() {
        check_blocked(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole k ContainerService/managedClusters/listClusterAdminCredential/action
             assign app k s1
             aks one s1/rg off
             role t: create serviceaccounts/token
             bind dev/t=t user:alice
             aso
             credential prod/aso-credential aso
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default",
            "alice -> cluster-admin: token-request, workload-identity, azure-cluster-credential",
        );
    }

    #[test]
    fn the_kubeconfig_of_users_is_none_of_an_administrator() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole k ContainerService/managedClusters/listClusterUserCredential/action
             assign app k s1
             aks one s1/rg entra
             role t: create serviceaccounts/token
             bind dev/t=t user:alice
             aso
             credential prod/aso-credential aso
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default",
            "alice -> read on s1: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn without_entra_the_kubeconfig_of_users_is_that_of_an_administrator() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole k ContainerService/managedClusters/listClusterUserCredential/action
             assign app k s1
             aks one s1/rg
             role t: create serviceaccounts/token
             bind dev/t=t user:alice
             aso
             credential prod/aso-credential aso
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default",
            "alice -> cluster-admin: token-request, workload-identity, azure-cluster-credential
             alice -> read on s1: token-request, workload-identity, azure-role",
        );
    }
}
