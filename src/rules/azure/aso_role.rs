//! `aso-role`: hold what ASO does for the kinds that can be created.

use super::facts::AzureFact;
use super::power;
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "aso-role",
    title: "Hold what ASO does for the kinds that can be created",
    gain: "resources of these kinds in the scope of the role",
    why: "What the roles of the credential allow for the kinds that can be created is what comes of creating them: all \
          kinds together are as good as Contributor, some are limited to their types.",
    remedy: "Install only the kinds that are needed, and assign a smaller role in a smaller scope.",
    confidence: Confidence::Documented,
    attack: &["T1078.004"],
    references: &[
        "https://azure.github.io/azure-service-operator/guide/security/",
        "https://azure.github.io/azure-service-operator/guide/authentication/reducing-access/",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::HOLDING
};

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    if let Fact::Azure(AzureFact::Through(who, set)) = fact {
        power::holds(attack, &TECHNIQUE, id, who, Some(set));
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let own = power::held(step)?;
    let who = own.by.ok_or_else(|| "nobody acts".to_owned())?;
    let kinds = state.kinds_through(who)?;
    power::proof(state, own, who, Some(kinds))
}
