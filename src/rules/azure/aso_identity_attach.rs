//! `aso-identity-attach`: have ASO run code with an identity attached.

use super::deed::{self, By, Deed};
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "aso-identity-attach",
    title: "Have ASO run code with an identity attached",
    gain: "every user-assigned identity in the scope, with all roles that it has anywhere",
    why: "Virtual machines, container groups, container apps and the like run what their writer says as the identities \
          that are attached to them. It takes the right to write such a resource somewhere and \
          userAssignedIdentities/assign/action on the identity; Contributor has both.",
    remedy: "Give ASO a role without userAssignedIdentities/assign/action where the identities are that hold much.",
    confidence: Confidence::Documented,
    attack: &["T1578.002", "T1552.005"],
    references: &[
        "https://azure.github.io/azure-service-operator/guide/security/",
        "https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/overview",
    ],
    react: Some(react),
    proof: Some(proof),
    kinds: Some(|_, kind| DEED.takes(kind)),
    ..Technique::MOVE
};

const DEED: Deed =
    Deed { technique: &TECHNIQUE, by: By::Aso(super::bridge::ATTACHING), actions: &["Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"] };

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
    fn a_container_runs_as_any_identity_in_reach() {
        check(
            "aso
             credential global aso
             kinds containergroups.containerinstance
             identity aso s3/ids
             identity big s1/rg
             assign aso Contributor s1
             assign big Owner s2
             role c: create containergroups.containerinstance.azure.com
             bind dev/c=c user:alice",
            "alice -> role-assignment write on s2: aso-credential-fallback, aso-identity-attach, azure-role
             alice -> limited (containergroups) on s1: aso-credential-fallback, aso-role",
        );
    }

    #[test]
    fn without_the_right_to_attach_it_runs_as_nobody() {
        check(
            "aso
             credential global aso
             kinds containergroups.containerinstance
             identity aso s3/ids
             identity big s1/rg
             azrole c ContainerInstance/*,ManagedIdentity/userAssignedIdentities/read
             assign aso c s1
             assign big Owner s2
             role c: create containergroups.containerinstance.azure.com
             bind dev/c=c user:alice",
            "alice -> limited (containergroups) on s1: aso-credential-fallback, aso-role",
        );
    }

    #[test]
    fn without_anything_to_run_there_is_nothing_to_attach_to() {
        check(
            "aso
             credential global aso
             kinds containergroups.containerinstance
             identity aso s3/ids
             identity big s1/rg
             azrole c ManagedIdentity/userAssignedIdentities/*/assign/action
             assign aso c s1
             assign big Owner s2
             role c: create containergroups.containerinstance.azure.com
             bind dev/c=c user:alice",
            "",
        );
    }

    #[test]
    fn a_kind_that_runs_nothing_is_not_enough() {
        check(
            "aso
             credential global aso
             kinds disks.compute
             identity aso s3/ids
             identity big s1/rg
             assign aso Contributor s1
             assign big Owner s2
             role c: create disks.compute.azure.com
             bind dev/c=c user:alice",
            "alice -> limited (disks) on s1: aso-credential-fallback, aso-role",
        );
    }
}
