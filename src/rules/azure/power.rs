//! What somebody may do in Azure by the roles that they have, as a target.

use super::bridge::Allowed;
use super::facts::{AzureFact, AzureGain, AzureStep, KindSetIx, Power, Sure, Types, Who};
use crate::graph::azure::DenyIx;
use crate::model::KindIx;
use crate::model::azure::ASSIGN_ROLES;
use crate::rules::attack::{Attack, Effect, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::Technique;

/// Adds what somebody holds by each role: with a token, or through ASO on kinds of a set.
pub(super) fn holds(attack: &mut Attack<'_>, technique: &'static Technique, id: u32, who: Who, set: Option<KindSetIx>) {
    let (Some(bridge), Who::Principal(principal)) = (attack.bridge.clone(), who) else { return };
    let kinds = set.map(|set| (set, bridge.writers.set(set)));
    let mut powers = bridge.azure.powers(principal, kinds.as_ref().map(|(set, kinds)| (*set, kinds)));
    if set.is_none() {
        let assigns = bridge.azure.allowed(principal, &[ASSIGN_ROLES]);
        powers.extend(assigns.iter().map(|&at| (at, Power::RoleAssignments, None)));
    }
    each(attack, technique, id, who, powers);
}

/// Adds the power to assign roles where nothing but deny assignments stops it that somebody deleted.
pub(super) fn assigns_then(
    attack: &mut Attack<'_>,
    technique: &'static Technique,
    id: u32,
    who: Who,
    one: Option<DenyIx>,
) {
    let (Some(bridge), Who::Principal(principal)) = (attack.bridge.clone(), who) else { return };
    let then = bridge.azure.allowed_then(principal, &[ASSIGN_ROLES], one);
    each(attack, technique, id, who, then.into_iter().map(|at| (at, Power::RoleAssignments, None)).collect());
}

fn each(
    attack: &mut Attack<'_>,
    technique: &'static Technique,
    id: u32,
    who: Who,
    powers: Vec<(Allowed, Power, Option<Types>)>,
) {
    for (at, power, types) in powers {
        let step = AzureStep {
            by: Some(who),
            action: Some((if power == Power::RoleAssignments { ASSIGN_ROLES } else { "" }, at.assignment)),
            sure: at.sure,
            ..AzureStep::new(AzureGain::Power(at.scope, power, types))
        };
        let fact = Fact::Azure(AzureFact::Power(at.scope, power, types));
        attack.does_unless(technique, vec![id], Effect::Azure(step), fact, at.blockers());
    }
}

/// What a step says is held.
pub(super) fn held(step: &StepDone) -> Result<AzureStep, String> {
    match step.effect {
        Effect::Azure(own) if matches!(own.gain, AzureGain::Power(..)) => Ok(own),
        _ => Err("nothing is held".to_owned()),
    }
}

/// Whether the roles of somebody come to that much there: by asking Azure for each action.
pub(super) fn proof(state: &State<'_>, own: AzureStep, who: Who, through: Option<Vec<KindIx>>) -> Result<(), String> {
    let AzureGain::Power(scope, power, types) = own.gain else { return Err("nothing is held".to_owned()) };
    let writes = |kind: KindIx| -> bool {
        let action = kind.facts().write_action();
        action.is_some_and(|action| state.azure_allows(who, &action, scope).is_ok_and(|sure| sure <= own.sure))
    };
    let reached = match (power, types) {
        // Whatever is left out of it is nothing that the program knows a kind of.
        (Power::Contributor, _) => KindIx::all()
            .filter(|&kind| is_usual(kind))
            .all(|kind| writes(kind) && through.as_ref().is_none_or(|kinds| kinds.contains(&kind))),
        (Power::RoleAssignments, _) => {
            through.is_none() && state.azure_allows(who, ASSIGN_ROLES, scope).is_ok_and(|sure| sure <= own.sure)
        }
        (Power::Limited, Some(types)) => {
            writes(types.first) && through.is_none_or(|kinds| kinds.contains(&types.first))
        }
        // Nothing less is worth an answer of its own.
        _ => own.sure != Sure::Denied,
    };
    if reached { Ok(()) } else { Err(format!("{} is not held", power.as_str())) }
}

/// Whether a kind is one of those that Contributor may write.
fn is_usual(kind: KindIx) -> bool {
    let facts = kind.facts();
    facts.arm_type.is_some_and(|own| !own.starts_with("Microsoft.Authorization/"))
        && facts.group != "subscription.azure.com"
        && !facts.is_downstream()
}
