//! `azure-role`: hold a role in Azure.

use super::facts::AzureFact;
use super::power;
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "azure-role",
    title: "Hold a role in Azure",
    gain: "what the role allows in its scope",
    why: "A role assignment gives its principal, and every member of a group, what the role allows in the scope and in all \
          that is in it.",
    remedy: "Assign a smaller role, or in a smaller scope.",
    confidence: Confidence::Documented,
    attack: &["T1078.004"],
    references: &[
        "https://learn.microsoft.com/azure/role-based-access-control/built-in-roles",
        "https://learn.microsoft.com/azure/role-based-access-control/overview",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::HOLDING
};

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    if let Fact::Azure(AzureFact::Token(who)) = fact {
        power::holds(attack, &TECHNIQUE, id, who, None);
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let own = power::held(step)?;
    let who = own.by.filter(|&who| state.has_token(who)).ok_or_else(|| "it is the role of somebody else".to_owned())?;
    power::proof(state, own, who, None)
}
