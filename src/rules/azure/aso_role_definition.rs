//! `aso-role-definition`: have ASO rewrite a role that is held.

use super::deed::{self, By, Deed};
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "aso-role-definition",
    title: "Have ASO rewrite a role that is held",
    gain: "any right in the scopes in which the role is held",
    why: "A RoleDefinition changes what a custom role allows, for everybody who holds it, the identity of ASO included. It takes \
          Microsoft.Authorization/roleDefinitions/write in every scope in which the role may be assigned.",
    remedy: "Do not install the kind RoleDefinition, and take the right away from the identity; it needs none on roles of its own.",
    confidence: Confidence::Documented,
    attack: &["T1098.003"],
    references: &[
        "https://learn.microsoft.com/azure/role-based-access-control/custom-roles",
        "https://learn.microsoft.com/azure/role-based-access-control/role-definitions",
    ],
    react: Some(react),
    proof: Some(proof),
    kinds: Some(|_, kind| DEED.takes(kind)),
    ..Technique::MOVE
};

const DEED: Deed = Deed {
    technique: &TECHNIQUE,
    by: By::Aso(&[("authorization.azure.com", "roledefinitions")]),
    actions: &["Microsoft.Authorization/roleDefinitions/write"],
};

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    deed::role_definitions(attack, &DEED, fact, id);
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    deed::role_definitions_proof(state, &DEED, step)
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::check;

    #[test]
    fn a_custom_role_that_is_held_is_rewritten() {
        check(
            "aso
             credential global aso
             kinds roledefinitions.authorization
             identity aso s3/ids
             azrole own Storage/*,Authorization/roleDefinitions/write at:s1
             assign aso own s1
             role d: create roledefinitions.authorization.azure.com
             bind dev/d=d user:alice",
            "alice -> role-assignment write on s1: aso-credential-fallback, aso-role-definition",
        );
    }

    #[test]
    fn each_scope_that_it_may_be_assigned_in_counts() {
        check(
            "aso
             credential global aso
             kinds roledefinitions.authorization
             identity aso s3/ids
             azrole own Storage/*,Authorization/roleDefinitions/write at:s1,s2
             assign aso own s1
             role d: create roledefinitions.authorization.azure.com
             bind dev/d=d user:alice",
            "",
        );
    }

    #[test]
    fn a_role_of_azure_stays_as_it_is() {
        check(
            "aso
             credential global aso
             kinds roledefinitions.authorization
             identity aso s3/ids
             azrole own Authorization/roleDefinitions/write at:s1
             azrole other Storage/* at:s2
             assign aso Contributor s1
             assign aso other s2
             role d: create roledefinitions.authorization.azure.com
             bind dev/d=d user:alice",
            "",
        );
    }

    #[test]
    fn whoever_may_only_read_rewrites_nothing() {
        check(
            "aso
             credential global aso
             kinds roledefinitions.authorization
             identity aso s3/ids
             azrole own Storage/*,Authorization/roleDefinitions/read at:s1
             assign aso own s1
             role d: create roledefinitions.authorization.azure.com
             bind dev/d=d user:alice",
            "",
        );
    }
}
