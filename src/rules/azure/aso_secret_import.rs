//! `aso-secret-import`: have ASO send Secrets of the namespace to code of yours.

use super::facts::{AzureFact, AzureGain, AzureStep};
use crate::model::KindIx;
use crate::rules::attack::{Attack, Effect, Fact, Place};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "aso-secret-import",
    title: "Have ASO send Secrets of the namespace to code of yours",
    gain: "every Secret of the namespace",
    why: "Fields of container groups, container apps and jobs take their values from any Secret of the namespace that the \
          resource names, and ASO reads it for whoever creates the resource. The container that gets the value runs what \
          its writer says.",
    remedy: "Keep credentials and other Secrets out of namespaces in which such kinds can be created.",
    confidence: Confidence::Inferred,
    attack: &["T1552.007"],
    references: &[
        "https://azure.github.io/azure-service-operator/guide/secrets/",
    ],
    react: Some(react),
    proof: Some(proof),
    kinds: Some(|_, kind| sends(kind)),
    ..Technique::MOVE
};

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    let (Fact::Azure(AzureFact::Writes(set, place)), Some(bridge)) = (fact, attack.bridge.clone()) else { return };
    let kinds = bridge.writers.kinds(set);
    for namespace in attack.namespaces_of(place) {
        let Some(who) = bridge.default_of(namespace).and_then(|credential| bridge.who(credential)) else { continue };
        for &kind in kinds.iter().filter(|&&kind| sends(kind)) {
            let Some(action) = kind.facts().write_action() else { continue };
            let Some(&at) = bridge.allowed(who, &[&action]).first() else { continue };
            let gain = AzureGain::Secrets(Place::Namespace(namespace));
            let step =
                AzureStep { by: Some(who), kind: Some(kind), namespace: Some(namespace), sure: at.sure, ..AzureStep::new(gain) };
            let fact = Fact::Secrets(Place::Namespace(namespace));
            attack.does_unless(&TECHNIQUE, vec![id], Effect::Azure(step), fact, at.blockers());
            break;
        }
    }
}

/// Whether what runs in Azure by a kind is told Secrets.
fn sends(kind: KindIx) -> bool {
    kind.facts().reads_secrets() && kind.facts().runs_code()
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let Effect::Azure(own) = step.effect else { return Err("the step is not in Azure".to_owned()) };
    let (Some(kind), AzureGain::Secrets(Place::Namespace(namespace)), Some(who)) = (own.kind, own.gain, own.by) else {
        return Err("no Secret is sent".to_owned());
    };
    let facts = kind.facts();
    let created = step.asks(&["create"], facts.group, facts.plural);
    let there = created.is_some_and(|right| right.place == Place::Namespace(namespace));
    let applies = state.with_bridge(|bridge| match bridge.default_of(namespace) {
        Some(credential) if bridge.who(credential) == Some(who) => Ok(()),
        _ => Err("another credential applies there".to_owned()),
    });
    applies?;
    let action = facts.write_action().ok_or_else(|| "the kind is not in Azure".to_owned())?;
    if there && sends(kind) && state.azure_allows_somewhere(who, &action) {
        Ok(())
    } else {
        Err("nothing that takes Secrets is created".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::check;

    #[test]
    fn a_container_is_sent_the_credential_of_its_namespace() {
        check(
            "aso
             credential dev/aso-credential app password
             kinds containergroups.containerinstance
             identity app s3/ids
             assign app Contributor s1
             role c: create containergroups.containerinstance.azure.com
             bind dev/c=c user:alice",
            "alice -> Contributor-like on s1: aso-secret-import, aso-credential-read, azure-role",
        );
    }

    #[test]
    fn what_runs_nothing_of_its_writer_tells_nobody() {
        check(
            "aso
             credential dev/aso-credential app password
             kinds flexibleservers.dbforpostgresql
             identity app s3/ids
             assign app Contributor s1
             role c: create flexibleservers.dbforpostgresql.azure.com
             bind dev/c=c user:alice",
            "alice -> limited (flexibleservers) on s1: aso-resource-write, aso-role",
        );
    }

    #[test]
    fn an_identity_that_may_not_write_it_sends_nothing() {
        check(
            "aso
             credential dev/aso-credential app password
             kinds containergroups.containerinstance
             identity app s3/ids
             azrole c ContainerInstance/containerGroups/read,Storage/storageAccounts/*
             assign app c s1
             role c: create containergroups.containerinstance.azure.com
             bind dev/c=c user:alice",
            "",
        );
    }
}
