//! `azure-identity-attach`: run code with an identity attached.

use super::deed::{self, By, Deed};
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "azure-identity-attach",
    title: "Run code with an identity attached",
    gain: "every user-assigned identity in the scope, with all roles that it has anywhere",
    why: "Whoever may attach an identity and write a virtual machine, container or app somewhere runs code that asks for \
          tokens of the identity.",
    remedy: "Take userAssignedIdentities/assign/action away where the identities are that hold much.",
    confidence: Confidence::Documented,
    attack: &["T1578.002", "T1552.005"],
    references: &[
        "https://learn.microsoft.com/azure/role-based-access-control/built-in-roles",
        "https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/overview",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

const DEED: Deed =
    Deed { technique: &TECHNIQUE, by: By::Token, actions: &["Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"] };

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    deed::attaches(attack, &DEED, fact, id);
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    deed::attaches_proof(state, &DEED, step)
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::check;

    #[test]
    fn code_runs_as_any_identity_in_the_scope() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             identity big s1/rg
             azrole r ManagedIdentity/userAssignedIdentities/*/assign/action
             azrole v Compute/virtualMachines/*
             assign app r s1/rg
             assign app v s2/rg
             assign big Owner s2
             role t: create serviceaccounts/token
             bind dev/t=t user:alice",
            "alice -> role-assignment write on s2: token-request, workload-identity, azure-identity-attach, azure-role
             alice -> read on s1/rg: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn there_has_to_be_something_that_runs() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             identity big s1/rg
             azrole r ManagedIdentity/userAssignedIdentities/*/assign/action
             azrole v Compute/virtualMachines/*
             assign app r s1/rg
             assign big Owner s2
             role t: create serviceaccounts/token
             bind dev/t=t user:alice",
            "alice -> read on s1/rg: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn there_has_to_be_the_right_to_attach() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             identity big s1/rg
             azrole r ManagedIdentity/userAssignedIdentities/*/assign/action
             azrole v Compute/virtualMachines/*
             assign app v s1/rg
             assign big Owner s2
             role t: create serviceaccounts/token
             bind dev/t=t user:alice",
            "alice -> limited (virtualmachines) on s1/rg: token-request, workload-identity, azure-role",
        );
    }
}
