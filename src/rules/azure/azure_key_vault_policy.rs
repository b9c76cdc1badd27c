//! `azure-key-vault-policy`: let yourself into a key vault.

use super::deed::{self, By, Deed};
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "azure-key-vault-policy",
    title: "Let yourself into a key vault",
    gain: "keys, secrets and certificates of the vault",
    why: "The access policies of a vault say who reads what is in it, unless the vault leaves that to role assignments. \
          Contributor may write them.",
    remedy: "Have vaults use role assignments (enableRbacAuthorization).",
    confidence: Confidence::Documented,
    attack: &["T1555.006"],
    references: &[
        "https://learn.microsoft.com/azure/key-vault/general/rbac-access-policy",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

const DEEDS: [Deed; 2] = [
    Deed { technique: &TECHNIQUE, by: By::Token, actions: &["Microsoft.KeyVault/vaults/accessPolicies/write"] },
    Deed { technique: &TECHNIQUE, by: By::Token, actions: &["Microsoft.KeyVault/vaults/write"] },
];

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    for deed in &DEEDS {
        deed::vaults(attack, deed, fact, id);
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    deed::one_of(&DEEDS, |deed| deed::vaults_proof(state, deed, step))
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::check;

    #[test]
    fn policies_let_their_writer_in() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole k KeyVault/vaults/accessPolicies/write
             assign app k s1
             vault v s1/rg
             role t: create serviceaccounts/token
             bind dev/t=t user:alice",
            "alice -> keys and data on s1: token-request, workload-identity, azure-key-vault-policy",
        );
    }

    #[test]
    fn whoever_writes_the_vault_writes_its_policies() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole k KeyVault/vaults/write
             assign app k s1
             vault v s1/rg
             role t: create serviceaccounts/token
             bind dev/t=t user:alice",
            "alice -> keys and data on s1: token-request, workload-identity, azure-key-vault-policy
             alice -> limited (vaults) on s1: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn a_vault_that_leaves_it_to_roles_has_none() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole k KeyVault/vaults/accessPolicies/write
             assign app k s1
             vault v s1/rg rbac
             role t: create serviceaccounts/token
             bind dev/t=t user:alice",
            "alice -> read on s1: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn reading_policies_lets_nobody_in() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole k KeyVault/vaults/read
             assign app k s1
             vault v s1/rg
             role t: create serviceaccounts/token
             bind dev/t=t user:alice",
            "alice -> read on s1: token-request, workload-identity, azure-role",
        );
    }
}
