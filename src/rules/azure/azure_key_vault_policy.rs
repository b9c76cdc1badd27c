//! `azure-key-vault-policy`: let yourself into a key vault.

use super::deed::{self, By, Deed};
use super::facts::Power;
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

const DEED: Deed =
    Deed { technique: &TECHNIQUE, by: By::Token, actions: &["Microsoft.KeyVault/vaults/accessPolicies/write"] };

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    deed::power(attack, &DEED, fact, id, Power::KeysAndData);
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    deed::power_proof(state, &DEED, step)
}
