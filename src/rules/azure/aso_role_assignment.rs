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
