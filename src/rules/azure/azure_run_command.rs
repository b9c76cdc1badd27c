//! `azure-run-command`: run commands in an AKS cluster without Entra.

use super::deed::{self, By, Deed};
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "azure-run-command",
    title: "Run commands in an AKS cluster without Entra",
    gain: "the administration of the cluster",
    why: "Run command starts a pod that runs kubectl as cluster-admin where the cluster has no Entra integration. Where it \
          has one, the pod has the rights of the caller only.",
    remedy: "Turn on Entra integration, or take managedClusters/runCommand/action away.",
    confidence: Confidence::Inferred,
    attack: &["T1651"],
    references: &[
        "https://learn.microsoft.com/azure/aks/access-private-cluster",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

const DEED: Deed =
    Deed { technique: &TECHNIQUE, by: By::Token, actions: &["Microsoft.ContainerService/managedClusters/runCommand/action"] };

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    deed::commands(attack, &DEED, fact, id);
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    deed::commands_proof(state, &DEED, step)
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::{check, check_blocked};

    #[test]
    fn without_entra_it_is_an_administrator_who_runs_it() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole k ContainerService/managedClusters/runCommand/action
             assign app k s1
             aks one s1/rg
             role t: create serviceaccounts/token
             bind dev/t=t user:alice
             aso
             credential prod/aso-credential aso
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default",
            "alice -> cluster-admin: token-request, workload-identity, azure-run-command
             alice -> read on s1: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn with_entra_it_is_the_caller() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole k ContainerService/managedClusters/runCommand/action
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
    fn with_entra_it_is_the_caller_and_that_is_told() {
        check_blocked(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole k ContainerService/managedClusters/runCommand/action
             assign app k s1
             aks one s1/rg entra
             role t: create serviceaccounts/token
             bind dev/t=t user:alice
             aso
             credential prod/aso-credential aso
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default",
            "alice -> cluster-admin: token-request, workload-identity, azure-run-command",
        );
    }

    #[test]
    fn one_in_another_subscription_is_out_of_reach() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole k ContainerService/managedClusters/runCommand/action
             assign app k s1
             aks one s2/rg
             role t: create serviceaccounts/token
             bind dev/t=t user:alice
             aso
             credential prod/aso-credential aso
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default",
            "alice -> read on s1: token-request, workload-identity, azure-role",
        );
    }
}
