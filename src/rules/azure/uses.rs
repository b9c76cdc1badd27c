//! Whoever writes ASO resources in a namespace has ASO act with a credential: which one, and as whom.

use super::facts::{AzureFact, AzureGain, AzureStep, KindSetIx, Who};
use super::{
    aso_credential_fallback, aso_credential_forge, aso_credential_mirror, aso_database_user, aso_node_identity,
    aso_skip_export, aso_token_redirect,
};
use crate::model::{KindIx, Name};
use crate::query::{CredentialIx, CredentialScope};
use crate::rules::attack::{Attack, Effect, Fact, Place, place_in};
use crate::rules::finding::{RightDone, StepDone};
use crate::rules::replay::State;
use crate::rules::technique::Technique;

/// ASO acts with the credential that applies in a namespace by itself, if it is of the right scope.
pub(super) fn react(
    attack: &mut Attack<'_>,
    technique: &'static Technique,
    fact: Fact,
    id: u32,
    fits: fn(CredentialScope) -> bool,
) {
    let (Fact::Azure(AzureFact::Writes(set, place)), Some(bridge)) = (fact, attack.bridge.clone()) else { return };
    let mut known: Vec<Who> = Vec::new();
    for namespace in attack.namespaces_of(place) {
        let Some(credential) = bridge.default_of(namespace) else { continue };
        let Some(who) = bridge.who(credential).filter(|_| fits(bridge.aso.credential(credential).scope)) else {
            continue;
        };
        // One namespace stands for all in which it is the same identity.
        if !known.contains(&who) {
            known.push(who);
            acts(attack, technique, vec![id], set, (namespace, credential), who);
        }
    }
}

/// Adds the step by which ASO acts as somebody on what is written in a namespace.
pub(super) fn acts(
    attack: &mut Attack<'_>,
    technique: &'static Technique,
    needs: Vec<u32>,
    set: KindSetIx,
    (namespace, credential): (Name, CredentialIx),
    who: Who,
) {
    let Some(bridge) = attack.bridge.clone() else { return };
    let step = AzureStep {
        kind: bridge.writers.kinds(set).first().copied(),
        namespace: Some(namespace),
        credential: bridge.aso.credential(credential).secret,
        ..AzureStep::new(AzureGain::Through(who))
    };
    attack.does(technique, needs, Effect::Azure(step), Fact::Azure(AzureFact::Through(who, set)));
}

/// What is written and what else a namespace gives, joined as soon as both are there. Comes behind what follows from writing alone, so
/// that the simpler way is the first.
pub(super) fn join(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    let Some(bridge) = attack.bridge.clone() else { return };
    let pairs: Vec<(KindSetIx, u32, Name, Fact, u32)> = match fact {
        Fact::Azure(AzureFact::Writes(set, place)) => {
            bridge.writes.borrow_mut().push((set, place, id));
            let gives = bridge.gives.borrow();
            let here = gives.iter().filter(|(namespace, ..)| place.has(*namespace));
            here.map(|&(namespace, other, at)| (set, id, namespace, other, at)).collect()
        }
        Fact::Azure(AzureFact::Changes(changed)) => {
            bridge.changes.borrow_mut().entry(changed.1).or_default().push((changed, id));
            let reads = bridge.reads.borrow().get(&changed.1).cloned();
            for at in reads.into_iter().flatten() {
                aso_skip_export::read_of(attack, &[id, at], changed);
            }
            return;
        }
        Fact::Azure(AzureFact::Loses(namespace) | AzureFact::Takes(namespace) | AzureFact::Reads(namespace))
        | Fact::Secrets(Place::Namespace(namespace)) => {
            if bridge.aso.reconcilers(namespace).next().is_none() {
                return;
            }
            aso_credential_mirror::read(attack, fact, id, namespace);
            bridge.gives.borrow_mut().push((namespace, fact, id));
            if reads_secrets(fact) {
                bridge.reads.borrow_mut().entry(namespace).or_default().push(id);
                let changes = bridge.changes.borrow().get(&namespace).cloned();
                for (changed, at) in changes.into_iter().flatten() {
                    aso_skip_export::read_of(attack, &[at, id], changed);
                }
            }
            let writes = bridge.writes.borrow();
            let here = writes.iter().filter(|(_, place, _)| place.has(namespace));
            here.map(|&(set, _, at)| (set, at, namespace, fact, id)).collect()
        }
        _ => return,
    };
    for (set, writes, namespace, other, at) in pairs {
        let needs = vec![writes, at];
        match other {
            Fact::Azure(AzureFact::Loses(_)) => aso_credential_fallback::without(attack, needs, set, namespace),
            Fact::Azure(AzureFact::Takes(_)) => {
                aso_credential_forge::with(attack, needs.clone(), set, namespace);
                aso_credential_mirror::with(attack, &needs, set, namespace);
                aso_node_identity::with(attack, &needs, set, namespace);
                aso_database_user::with(attack, &needs, set, namespace);
                aso_token_redirect::with(attack, needs, set, namespace);
            }
            _ => aso_skip_export::read(attack, needs, set, namespace),
        }
    }
}

/// Whether Secrets of a namespace are read, or one of a name that is free.
fn reads_secrets(fact: Fact) -> bool {
    matches!(fact, Fact::Azure(AzureFact::Reads(_)) | Fact::Secrets(_))
}

/// Whether ASO acts so: the requests write the kinds, the operator reconciles the namespace, and the credential is the one that
/// applies there by itself.
pub(super) fn proof(state: &State<'_>, step: &StepDone, fits: fn(CredentialScope) -> bool) -> Result<(), String> {
    let (own, namespace, who) = written(step)?;
    state.with_bridge(|bridge| {
        let credential = bridge.default_of(namespace).ok_or("no credential applies there")?;
        let same = bridge.who(credential) == Some(who) && bridge.aso.credential(credential).secret == own.credential;
        if same && fits(bridge.aso.credential(credential).scope) {
            Ok(())
        } else {
            Err("another credential applies there".to_owned())
        }
    })
}

/// The parts of a step that has ASO act: resources are created, all of them in the namespace.
pub(super) fn written(step: &StepDone) -> Result<(AzureStep, Name, Who), String> {
    let Effect::Azure(own) = step.effect else { return Err("the step is not in Azure".to_owned()) };
    let (AzureGain::Through(who), Some(namespace)) = (own.gain, own.namespace) else {
        return Err("ASO acts for nobody".to_owned());
    };
    let rights = step.requests.iter().flat_map(|request| &request.rights);
    let created =
        |right: &&RightDone| right.verb == "create" && KindIx::of_resource(right.api_group, right.resource).is_some();
    let mut created = rights.filter(created).peekable();
    if created.peek().is_some() && created.all(|right| right.place == place_in(namespace)) {
        Ok((own, namespace, who))
    } else {
        Err("nothing of ASO is created in the namespace".to_owned())
    }
}
