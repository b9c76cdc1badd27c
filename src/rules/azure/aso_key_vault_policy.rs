//! `aso-key-vault-policy`: have ASO let you into a key vault.

use super::deed::{self, By, Deed};
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "aso-key-vault-policy",
    title: "Have ASO let you into a key vault",
    gain: "keys, secrets and certificates of the vault",
    why: "The access policies of a Vault say who reads what is in it, unless the vault leaves that to role assignments. \
          Whoever writes the Vault writes the policies.",
    remedy: "Have vaults use role assignments (enableRbacAuthorization), and keep them out of the scope of ASO's identities.",
    confidence: Confidence::Documented,
    attack: &["T1555.006"],
    references: &[
        "https://learn.microsoft.com/azure/key-vault/general/rbac-access-policy",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

const DEED: Deed =
    Deed { technique: &TECHNIQUE, by: By::Aso(&[("keyvault.azure.com", "vaults")]), actions: &["Microsoft.KeyVault/vaults/write"] };

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    deed::vaults(attack, &DEED, fact, id);
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    deed::vaults_proof(state, &DEED, step)
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::check;

    #[test]
    fn a_vault_with_policies_lets_its_writer_in() {
        check(
            "aso
             credential global aso
             kinds vaults.keyvault
             vault v s1/rg
             identity aso s3/ids
             assign aso Contributor s1
             role v: create vaults.keyvault.azure.com
             bind dev/v=v user:alice",
            "alice -> keys and data on s1: aso-credential-fallback, aso-key-vault-policy
             alice -> limited (vaults) on s1: aso-credential-fallback, aso-role",
        );
    }

    #[test]
    fn a_vault_that_leaves_it_to_roles_does_not() {
        check(
            "aso
             credential global aso
             kinds vaults.keyvault
             vault v s1/rg rbac
             identity aso s3/ids
             assign aso Contributor s1
             role v: create vaults.keyvault.azure.com
             bind dev/v=v user:alice",
            "alice -> limited (vaults) on s1: aso-credential-fallback, aso-role",
        );
    }

    #[test]
    fn a_vault_elsewhere_is_out_of_reach() {
        check(
            "aso
             credential global aso
             kinds vaults.keyvault
             vault v s2/rg
             identity aso s3/ids
             assign aso Contributor s1
             role v: create vaults.keyvault.azure.com
             bind dev/v=v user:alice",
            "alice -> limited (vaults) on s1: aso-credential-fallback, aso-role",
        );
    }

    #[test]
    fn reading_vaults_lets_nobody_in() {
        check(
            "aso
             credential global aso
             kinds vaults.keyvault
             vault v s1/rg
             identity aso s3/ids
             azrole r KeyVault/vaults/read,KeyVault/vaults/accessPolicies/write
             assign aso r s1
             role v: create vaults.keyvault.azure.com
             bind dev/v=v user:alice",
            "",
        );
    }
}
