//! `aso-credential-choice`: name another credential of the namespace.

use super::facts::{AzureFact, Who};
use super::uses;
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "aso-credential-choice",
    title: "Name another credential of the namespace",
    gain: "what that credential may do in Azure to resources of the kinds that can be created",
    why: "The annotation serviceoperator.azure.com/credential-from names any Secret of the namespace, and ASO reads it. \
          Whoever creates ASO resources in a namespace thus acts with each credential that lies there: the namespace is \
          the boundary, and not the Secret.",
    remedy: "Keep credentials that hold different things in different namespaces.",
    confidence: Confidence::Documented,
    attack: &["T1078.004"],
    references: &[
        "https://azure.github.io/azure-service-operator/guide/authentication/credential-scope/",
        "https://azure.github.io/azure-service-operator/guide/security/",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    let (Fact::Azure(AzureFact::Writes(set, place)), Some(bridge)) = (fact, attack.bridge.clone()) else { return };
    let mut known: Vec<Who> = Vec::new();
    for namespace in attack.namespaces_of(place) {
        let usual = bridge.default_of(namespace);
        if bridge.aso.reconcilers(namespace).next().is_none() {
            continue;
        }
        for credential in bridge.aso.named_in(namespace).filter(|&one| Some(one) != usual).collect::<Vec<_>>() {
            if let Some(who) = bridge.who(credential).filter(|who| !known.contains(who)) {
                known.push(who);
                uses::acts(attack, &TECHNIQUE, vec![id], set, (namespace, credential), who);
            }
        }
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let (own, namespace, who) = uses::written(step)?;
    let (place, secret) = own.credential.ok_or_else(|| "no Secret is named".to_owned())?;
    state.with_bridge(|bridge| {
        let credential = bridge.aso.in_secret(place, secret).ok_or("there is no such credential")?;
        let usable = place == namespace
            && bridge.aso.credential(credential).problem.is_none()
            && bridge.who(credential) == Some(who)
            && bridge.aso.reconcilers(namespace).next().is_some();
        if usable { Ok(()) } else { Err("the credential is not to be used there".to_owned()) }
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::check;

    #[test]
    fn any_credential_of_the_namespace_is_used() {
        check(
            "aso
             credential dev/aso-credential app
             credential dev/big big
             kinds storageaccounts.storage
             identity app s1/ids
             identity big s1/ids
             assign app Reader s1
             assign big Contributor s2
             role s: create storageaccounts.storage.azure.com
             bind dev/s=s user:alice",
            "alice -> limited (storageaccounts) on s2: aso-credential-choice, aso-role",
        );
    }

    #[test]
    fn one_of_another_namespace_is_not() {
        check(
            "aso
             credential dev/aso-credential app
             credential prod/big big
             kinds storageaccounts.storage
             identity app s1/ids
             identity big s1/ids
             assign app Reader s1
             assign big Contributor s2
             role s: create storageaccounts.storage.azure.com
             bind dev/s=s user:alice",
            "",
        );
    }

    #[test]
    fn one_that_lacks_a_key_is_not() {
        check(
            "aso
             credential dev/big big without:AZURE_SUBSCRIPTION_ID
             kinds storageaccounts.storage
             identity big s1/ids
             assign big Contributor s2
             role s: create storageaccounts.storage.azure.com
             bind dev/s=s user:alice",
            "",
        );
    }

    #[test]
    fn whoever_only_reads_resources_names_nothing() {
        check(
            "aso
             credential dev/big big
             kinds storageaccounts.storage
             identity big s1/ids
             assign big Contributor s2
             role s: get,list storageaccounts.storage.azure.com
             role t: create storageaccounts.storage.azure.com
             bind dev/s=s user:alice
             bind qa/t=t user:alice",
            "",
        );
    }
}
