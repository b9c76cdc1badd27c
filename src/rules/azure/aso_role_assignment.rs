//! `aso-role-assignment`: have ASO assign a role.

use super::deed::{self, By, Deed};
use super::facts::Power;
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "aso-role-assignment",
    title: "Have ASO assign a role",
    gain: "any role in the scope for any principal",
    why: "A RoleAssignment whose owner is a scope makes ASO assign a role there. It takes \
          Microsoft.Authorization/roleAssignments/write, which Owner, User Access Administrator and Role Based Access \
          Control Administrator have and Contributor has not. ASO adds no limit of its own.",
    remedy: "Take the right to assign roles away from the identity or put a condition on its assignment, and do not install \
             the kind RoleAssignment where it is not needed.",
    confidence: Confidence::Documented,
    attack: &["T1098.003"],
    references: &[
        "https://azure.github.io/azure-service-operator/guide/security/",
        "https://learn.microsoft.com/azure/role-based-access-control/built-in-roles",
    ],
    react: Some(react),
    proof: Some(proof),
    kinds: Some(|_, kind| DEED.takes(kind)),
    ..Technique::MOVE
};

const DEED: Deed =
    Deed { technique: &TECHNIQUE, by: By::Aso(&[("authorization.azure.com", "roleassignments")]), actions: &["Microsoft.Authorization/roleAssignments/write"] };

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    deed::power(attack, &DEED, fact, id, Power::RoleAssignments);
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    deed::power_proof(state, &DEED, step)
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::{check, check_blocked};

    #[test]
    fn owner_and_access_administrator_assign_any_role() {
        check(
            "aso
             credential global aso
             kinds roleassignments.authorization
             identity aso s1/ids
             assign aso Owner s1
             assign aso Access s2/rg
             role a: create roleassignments.authorization.azure.com
             bind dev/a=a user:alice",
            "alice -> role-assignment write on s1: aso-credential-fallback, aso-role-assignment
             alice -> role-assignment write on s2/rg: aso-credential-fallback, aso-role-assignment",
        );
    }

    #[test]
    fn contributor_assigns_none() {
        check(
            "aso
             credential global aso
             kinds roleassignments.authorization
             identity aso s1/ids
             assign aso Contributor s1
             role a: create roleassignments.authorization.azure.com
             bind dev/a=a user:alice",
            "",
        );
    }

    #[test]
    fn a_role_that_leaves_it_out_assigns_none() {
        check(
            "aso
             credential global aso
             kinds roleassignments.authorization
             identity aso s1/ids
             azrole most Authorization/*,Storage/* -Authorization/roleAssignments/write
             azrole more Authorization/roleAssignments/write
             assign aso most s1
             assign aso more s2
             role a: create roleassignments.authorization.azure.com
             bind dev/a=a user:alice",
            "alice -> role-assignment write on s2: aso-credential-fallback, aso-role-assignment",
        );
    }

    #[test]
    fn a_condition_that_lets_only_small_roles_be_given_stops_it() {
        check(
            "aso
             credential global aso
             kinds roleassignments.authorization
             identity aso s1/ids
             assign aso Owner s1 ((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR (@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {7f951dda-4ed3-4680-a7ca-43fe172d538d}))
             role a: create roleassignments.authorization.azure.com
             bind dev/a=a user:alice",
            "",
        );
    }

    #[test]
    fn a_condition_that_forgets_one_of_the_great_roles_does_not() {
        check(
            "aso
             credential global aso
             kinds roleassignments.authorization
             identity aso s1/ids
             assign aso Owner s1 ((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR (@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAllValues:GuidNotEquals {8e3af657-a8ff-443c-a75c-2fe8c4bcb635, f58310d9-a9f6-439a-9e8d-f62e7b41a168}))
             role a: create roleassignments.authorization.azure.com
             bind dev/a=a user:alice",
            "alice -> role-assignment write on s1: aso-credential-fallback, aso-role-assignment",
        );
    }

    #[test]
    fn what_has_to_be_activated_is_told_so() {
        check(
            "aso
             credential global aso
             kinds roleassignments.authorization
             identity aso s1/ids
             assign aso Owner s1 eligible
             role a: create roleassignments.authorization.azure.com
             bind dev/a=a user:alice",
            "alice -> role-assignment write on s1: aso-credential-fallback, aso-role-assignment",
        );
    }

    #[test]
    fn a_deny_assignment_stops_it() {
        check(
            "aso
             credential global aso
             kinds roleassignments.authorization
             identity aso s1/ids
             assign aso Owner s1
             deny s1 Authorization/roleAssignments/*
             role a: create roleassignments.authorization.azure.com
             bind dev/a=a user:alice",
            "",
        );
    }

    #[test]
    fn a_deny_assignment_stops_it_and_is_told_so() {
        check_blocked(
            "aso
             credential global aso
             kinds roleassignments.authorization
             identity aso s1/ids
             assign aso Owner s1
             deny s1 Authorization/roleAssignments/*
             role a: create roleassignments.authorization.azure.com
             bind dev/a=a user:alice",
            "alice -> role-assignment write on s1: aso-credential-fallback, aso-role-assignment",
        );
    }

    #[test]
    fn a_deny_assignment_that_only_audits_stops_nothing() {
        check(
            "aso
             credential global aso
             kinds roleassignments.authorization
             identity aso s1/ids
             assign aso Owner s1
             deny s1 Authorization/roleAssignments/* audit
             role a: create roleassignments.authorization.azure.com
             bind dev/a=a user:alice",
            "alice -> role-assignment write on s1: aso-credential-fallback, aso-role-assignment",
        );
    }

    /// ASO whose identity may assign roles under a condition.
    fn under(condition: &str) -> String {
        format!(
            "aso
             credential global aso
             kinds roleassignments.authorization
             identity aso s1/ids
             assign aso Access s1 {condition}
             role a: create roleassignments.authorization.azure.com
             bind dev/a=a user:alice"
        )
    }

    const GIVEN: &str = "alice -> role-assignment write on s1: aso-credential-fallback, aso-role-assignment";

    #[test]
    fn a_condition_on_whom_roles_go_to_is_asked_about_the_identity_itself() {
        let to = |kind: &str| {
            under(&format!(
                "!(ActionMatches{{'Microsoft.Authorization/roleAssignments/write'}}) OR \
                 @Request[Microsoft.Authorization/roleAssignments:PrincipalType] \
                 ForAnyOfAnyValues:StringEqualsIgnoreCase {{'{kind}'}}"
            ))
        };
        // A managed identity is a service principal, so that it may give itself everything.
        check(&to("ServicePrincipal"), GIVEN);
        // To somebody else is some power still, and is told as conditional.
        check(&to("User"), GIVEN);
    }

    #[test]
    fn a_condition_that_lets_only_small_roles_be_given_gives_no_power() {
        let only = |role: &str| {
            under(&format!(
                "!(ActionMatches{{'Microsoft.Authorization/roleAssignments/write'}}) OR \
                 @Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] \
                 ForAnyOfAnyValues:GuidEquals {{{role}}}"
            ))
        };
        check(&only("8e3af657-a8ff-443c-a75c-2fe8c4bcb635"), GIVEN);
        // Contributor is some power.
        check(&only("b24988ac-6180-42a0-ab88-20f7382dd24c"), GIVEN);
        // AcrPull is none.
        check(&only("7f951dda-4ed3-4680-a7ca-43fe172d538d"), "");
    }
}
