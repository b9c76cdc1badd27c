//! `aso-federated-credential`: have ASO make an identity trust a token of yours.

use super::deed::{self, By, Deed};
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "aso-federated-credential",
    title: "Have ASO make an identity trust a token of yours",
    gain: "every user-assigned identity in the scope, with all roles that it has anywhere",
    why: "A FederatedIdentityCredential names an issuer and a subject whose tokens an identity accepts. Its owner may be \
          any identity by ARM id, and the subject a service account of any cluster or a repository of anybody. Contributor \
          is enough for it, so that Contributor on a resource group becomes whatever the identities in it hold.",
    remedy: "Keep identities that hold much in a subscription of their own, give ASO a role without \
             federatedIdentityCredentials/write, and do not install the kind FederatedIdentityCredential where it is not \
             needed.",
    confidence: Confidence::Documented,
    attack: &["T1098.001"],
    references: &[
        "https://learn.microsoft.com/entra/workload-id/workload-identity-federation",
        "https://azure.github.io/azure-service-operator/guide/security/",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

const DEED: Deed =
    Deed { technique: &TECHNIQUE, by: By::Aso(&[("managedidentity.azure.com", "federatedidentitycredentials")]), actions: &["Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write"] };

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    deed::trusts(attack, &DEED, fact, id);
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    deed::trusts_proof(state, &DEED, step)
}
