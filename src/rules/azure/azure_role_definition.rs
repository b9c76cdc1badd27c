//! `azure-role-definition`: rewrite a role that is held.

use super::deed::{self, By, Deed};
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "azure-role-definition",
    title: "Rewrite a role that is held",
    gain: "any right in the scopes in which the role is held",
    why: "Whoever may write the definition of a custom role that they hold themselves adds any action to it. It takes \
          Microsoft.Authorization/roleDefinitions/write in every scope in which the role may be assigned.",
    remedy: "Take the right away from those who hold custom roles.",
    confidence: Confidence::Documented,
    attack: &["T1098.003"],
    references: &[
        "https://learn.microsoft.com/azure/role-based-access-control/custom-roles",
        "https://learn.microsoft.com/azure/role-based-access-control/role-definitions",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

const DEED: Deed = Deed {
    technique: &TECHNIQUE,
    by: By::Token,
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
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole own Storage/*/read,Authorization/roleDefinitions/write at:s1
             assign app own s1
             role t: create serviceaccounts/token
             bind dev/t=t user:alice",
            "alice -> role-assignment write on s1: token-request, workload-identity, azure-role-definition",
        );
    }

    #[test]
    fn the_role_of_somebody_else_gives_them_nothing() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole own Storage/*/read at:s1
             azrole w Authorization/roleDefinitions/write at:/
             identity other s3/ids
             assign other own s1
             assign app w s1
             role t: create serviceaccounts/token
             bind dev/t=t user:alice",
            "alice -> read on s1: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn another_scope_that_it_may_be_assigned_in_stops_it() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole own Storage/*/read,Authorization/roleDefinitions/write at:s1,s2
             assign app own s1
             role t: create serviceaccounts/token
             bind dev/t=t user:alice",
            "alice -> read on s1: token-request, workload-identity, azure-role",
        );
    }
}
