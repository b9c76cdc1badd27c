//! `aso-key-vault-policy`: have ASO let you into a key vault.

use super::deed::{self, By, Deed};
use super::facts::Power;
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
    deed::power(attack, &DEED, fact, id, Power::KeysAndData);
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    deed::power_proof(state, &DEED, step)
}
