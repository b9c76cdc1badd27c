//! `azure-federated-credential`: make an identity trust a token of yours.

use super::deed::{self, By, Deed};
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "azure-federated-credential",
    title: "Make an identity trust a token of yours",
    gain: "every user-assigned identity in the scope, with all roles that it has anywhere",
    why: "Whoever may write federated credentials of an identity names an issuer and a subject of their own and is the \
          identity from then on, from anywhere.",
    remedy: "Keep identities that hold much in a subscription of their own, and take federatedIdentityCredentials/write away.",
    confidence: Confidence::Documented,
    attack: &["T1098.001"],
    references: &[
        "https://learn.microsoft.com/entra/workload-id/workload-identity-federation",
        "https://learn.microsoft.com/azure/role-based-access-control/built-in-roles",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

const DEED: Deed =
    Deed { technique: &TECHNIQUE, by: By::Token, actions: &["Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write"] };

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    deed::trusts(attack, &DEED, fact, id);
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    deed::trusts_proof(state, &DEED, step)
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::check;

    #[test]
    fn any_identity_in_the_scope_is_had() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             identity big s1/rg
             assign app Contributor s1/rg
             assign big Owner s2
             role t: create serviceaccounts/token
             bind dev/t=t user:alice",
            "alice -> role-assignment write on s2: token-request, workload-identity, azure-federated-credential, azure-role
             alice -> Contributor-like on s1/rg: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn one_outside_is_not() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             identity big s1/rg10
             assign app Contributor s1/rg
             assign big Owner s2
             role t: create serviceaccounts/token
             bind dev/t=t user:alice",
            "alice -> Contributor-like on s1/rg: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn a_role_that_leaves_it_out_has_none() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             identity big s1/rg
             azrole r ManagedIdentity/* -ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write -ManagedIdentity/userAssignedIdentities/assign/action
             assign app r s1/rg
             assign big Owner s2
             role t: create serviceaccounts/token
             bind dev/t=t user:alice",
            "alice -> limited (userassignedidentities) on s1/rg: token-request, workload-identity, azure-role",
        );
    }
}
