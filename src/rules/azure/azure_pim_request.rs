//! `azure-pim-request`: ask PIM for a role.

use super::deed::{self, By, Deed};
use crate::model::azure::REQUEST_ROLES;
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "azure-pim-request",
    title: "Ask PIM for a role",
    gain: "any role in the scope for any principal, at once or once it is activated",
    why: "A request to Privileged Identity Management (roleAssignmentScheduleRequests/write or \
          roleEligibilityScheduleRequests/write) assigns a role as a role assignment does. Microsoft says that it takes \
          roleAssignments/write as well; that the right to make the request is enough is inferred from what the right is \
          called, so that this is told only of roles that have it alone. roleManagementPolicies/write gives no role: it \
          takes approval and the like away from activations and requests, which are never counted as a stop here.",
    remedy: "Take the right to make requests away from those who need not assign roles; activating one's own roles does not \
             take it.",
    confidence: Confidence::Inferred,
    attack: &["T1098.003"],
    references: &[
        "https://learn.microsoft.com/rest/api/authorization/privileged-role-assignment-rest-sample",
        "https://learn.microsoft.com/azure/role-based-access-control/permissions/management-and-governance#microsoftauthorization",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

const ACTIVE: Deed = Deed { technique: &TECHNIQUE, by: By::Token, actions: &[REQUEST_ROLES[0]] };
const ELIGIBLE: Deed = Deed { technique: &TECHNIQUE, by: By::Token, actions: &[REQUEST_ROLES[1]] };

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    for deed in [&ACTIVE, &ELIGIBLE] {
        deed::power_to_assign(attack, deed, fact, id, |_, _| true);
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    deed::power_proof(state, &ACTIVE, step).or_else(|_| deed::power_proof(state, &ELIGIBLE, step))
}

#[cfg(test)]
mod tests {
    use super::super::world::app as world;
    use crate::rules::kubernetes::check;

    const ASKS: &str = "alice -> role-assignment write on s1: token-request, workload-identity, azure-pim-request";
    const READS: &str = "alice -> read on s1: token-request, workload-identity, azure-role";

    #[test]
    fn either_request_assigns_any_role() {
        for request in ["roleAssignmentScheduleRequests", "roleEligibilityScheduleRequests"] {
            check(&world(&format!("azrole ask Authorization/{request}/write\nassign app ask s1")), ASKS);
            check(&world(&format!("azrole ask Authorization/{request}/*\nassign app ask s1")), ASKS);
        }
    }

    #[test]
    fn whoever_may_assign_roles_asks_nobody() {
        check(
            &world("assign app Access s1"),
            "alice -> role-assignment write on s1: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn the_rules_of_activations_are_no_role() {
        check(&world("azrole rules Authorization/roleManagementPolicies/write\nassign app rules s1"), READS);
        // Nor do they make one that has to be activated more than it is: it counts as soon as it can be activated at all.
        check(
            &world(
                "azrole rules Authorization/roleManagementPolicies/write
                 assign app rules s1
                 assign app Contributor s1 eligible",
            ),
            "alice -> Contributor-like on s1: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn reading_and_cancelling_requests_is_no_request() {
        let near = "Authorization/roleAssignmentScheduleRequests/read,\
                    Authorization/roleAssignmentScheduleRequests/cancel/action,\
                    Authorization/roleAssignmentSchedules/write";
        check(&world(&format!("azrole near {near}\nassign app near s1")), READS);
    }

    #[test]
    fn a_condition_on_assigning_roles_counts_for_requests_too() {
        let only = |role: &str| {
            world(&format!(
                "assign app Access s1 !(ActionMatches{{'Microsoft.Authorization/roleAssignments/write'}}) OR \
                 @Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] \
                 ForAnyOfAnyValues:GuidEquals {{{role}}}"
            ))
        };
        // AcrPull.
        check(&only("7f951dda-4ed3-4680-a7ca-43fe172d538d"), READS);
        check(
            &only("8e3af657-a8ff-443c-a75c-2fe8c4bcb635"),
            "alice -> role-assignment write on s1: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn what_is_denied_is_not_had_by_asking() {
        let both = "azrole both Authorization/roleAssignments/write,Authorization/roleAssignmentScheduleRequests/write
                    assign app both s1
                    deny s1 Authorization/roleAssignments/write";
        check(&world(both), READS);
    }
}
