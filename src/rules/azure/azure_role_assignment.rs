//! `azure-role-assignment`: assign a role in Azure.

use super::deed::{self, By, Deed};
use super::facts::Power;
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "azure-role-assignment",
    title: "Assign a role in Azure",
    gain: "any role in the scope for any principal",
    why: "Whoever may write role assignments in a scope gives themselves any other right there. A condition on the \
          assignment can limit which roles and to whom.",
    remedy: "Take the role away or narrow it by a condition that allows only the roles that have to be assigned.",
    confidence: Confidence::Documented,
    attack: &["T1098.003"],
    references: &[
        "https://learn.microsoft.com/azure/role-based-access-control/built-in-roles",
        "https://learn.microsoft.com/azure/role-based-access-control/delegate-role-assignments-overview",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

const DEED: Deed =
    Deed { technique: &TECHNIQUE, by: By::Token, actions: &["Microsoft.Authorization/roleAssignments/write"] };

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    deed::power(attack, &DEED, fact, id, Power::RoleAssignments);
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    deed::power_proof(state, &DEED, step)
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::check;

    #[test]
    fn owner_assigns_any_role() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             assign app Owner s1
             role t: create serviceaccounts/token
             bind dev/t=t user:alice",
            "alice -> role-assignment write on s1: token-request, workload-identity, azure-role-assignment",
        );
    }

    #[test]
    fn contributor_assigns_none() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             assign app Contributor s1
             role t: create serviceaccounts/token
             bind dev/t=t user:alice",
            "alice -> Contributor-like on s1: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn a_condition_that_lets_only_small_roles_be_given_stops_it() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole g Authorization/roleAssignments/write
             assign app g s1 ((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR (@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {7f951dda-4ed3-4680-a7ca-43fe172d538d}))
             role t: create serviceaccounts/token
             bind dev/t=t user:alice",
            "alice -> read on s1: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn a_condition_that_nobody_can_judge_is_told() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole g Authorization/roleAssignments/write
             assign app g s1 (@Resource[Some:Thing] StringEquals 'x')
             role t: create serviceaccounts/token
             bind dev/t=t user:alice",
            "alice -> role-assignment write on s1: token-request, workload-identity, azure-role-assignment",
        );
    }
}
