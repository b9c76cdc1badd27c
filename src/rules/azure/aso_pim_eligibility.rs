//! `aso-pim-eligibility`: have ASO make somebody eligible for a role.

use super::deed::{self, By, Deed};
use super::facts::Power;
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "aso-pim-eligibility",
    title: "Have ASO make somebody eligible for a role",
    gain: "any role in the scope once it is activated",
    why: "A RoleEligibilityScheduleRequest makes ASO tell Privileged Identity Management that a principal may activate a \
          role. It takes Microsoft.Authorization/roleEligibilityScheduleRequests/write.",
    remedy: "Do not install the kind RoleEligibilityScheduleRequest, and take the right away from the identity.",
    confidence: Confidence::Documented,
    attack: &["T1098.003"],
    references: &[
        "https://azure.github.io/azure-service-operator/guide/security/",
        "https://learn.microsoft.com/entra/id-governance/privileged-identity-management/pim-resource-roles-assign-roles",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

const DEED: Deed =
    Deed { technique: &TECHNIQUE, by: By::Aso(&[("authorization.azure.com", "roleeligibilityschedulerequests")]), actions: &["Microsoft.Authorization/roleEligibilityScheduleRequests/write"] };

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
    fn an_access_administrator_makes_anybody_eligible() {
        check(
            "aso
             credential global aso
             kinds roleeligibilityschedulerequests.authorization
             identity aso s1/ids
             assign aso Access s1
             role a: create roleeligibilityschedulerequests.authorization.azure.com
             bind dev/a=a user:alice",
            "alice -> role-assignment write on s1: aso-credential-fallback, aso-pim-eligibility",
        );
    }

    #[test]
    fn contributor_makes_nobody_eligible() {
        check(
            "aso
             credential global aso
             kinds roleeligibilityschedulerequests.authorization
             identity aso s1/ids
             assign aso Contributor s1
             role a: create roleeligibilityschedulerequests.authorization.azure.com
             bind dev/a=a user:alice",
            "",
        );
    }

    #[test]
    fn the_right_to_assign_roles_is_another_one() {
        check(
            "aso
             credential global aso
             kinds roleeligibilityschedulerequests.authorization
             identity aso s1/ids
             azrole near Authorization/roleAssignments/write,Authorization/roleAssignmentScheduleRequests/write
             assign aso near s1
             role a: create roleeligibilityschedulerequests.authorization.azure.com
             bind dev/a=a user:alice",
            "",
        );
    }
}
