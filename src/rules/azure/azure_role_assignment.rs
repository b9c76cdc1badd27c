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
