//! `aso-expression-forge`: have ASO itself write a credential that names another identity.

use std::collections::BTreeSet;

use super::aso_credential_forge;
use super::facts::{AzureFact, KindSetIx};
use crate::model::{KindIx, Name, Subject};
use crate::rules::attack::{Attack, Fact, Place};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "aso-expression-forge",
    title: "Have ASO itself write a credential that names another identity",
    gain: "what every identity that trusts the operator may do in Azure to resources of the kinds that can be created",
    why: "`operatorSpec.secretExpressions` writes any text into a Secret of the namespace under a chosen name, literal ids \
          included, from v2.11.0 on; a resource that Azure has already and that is only observed (reconcile-policy skip) is enough to have \
          it written. A second resource then names that Secret. So the right to create one ASO kind is also the right to \
          write a credential.",
    remedy: "Run ASO in strict mode (AZURE_WORKLOAD_IDENTITY_AUTH_MODE), or one operator for each tenant.",
    confidence: Confidence::Inferred,
    attack: &["T1078.004", "T1098.001"],
    references: &[
        "https://azure.github.io/azure-service-operator/guide/secrets/",
        "https://github.com/Azure/azure-service-operator/issues/4807",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    let Some((set, namespaces)) = one_for_each_account(attack, fact) else { return };
    for namespace in namespaces {
        aso_credential_forge::forges(attack, &TECHNIQUE, vec![id], set, namespace);
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let namespace = aso_credential_forge::forged(state, step)?;
    expresses(state, step, namespace)
}

/// Resources are written of which some write a Secret themselves: the kinds, the first that does, and the namespaces in which they get
/// ready.
pub(super) fn secret_writers(attack: &Attack<'_>, fact: Fact) -> Option<(KindSetIx, KindIx, Vec<Name>)> {
    let Fact::Azure(AzureFact::Writes(set, place)) = fact else { return None };
    let bridge = attack.bridge.as_ref()?;
    let writer = bridge.writers.secret_writer(set)?;
    let mut namespaces = attack.namespaces_of(place);
    namespaces.retain(|&namespace| bridge.default_of(namespace).is_some() && bridge.has_expressions(namespace));
    Some((set, writer, namespaces))
}

/// The same, of the namespaces the first for each account by which ASO acts in them.
pub(super) fn one_for_each_account(attack: &Attack<'_>, fact: Fact) -> Option<(KindSetIx, Vec<Name>)> {
    let (set, _, mut namespaces) = secret_writers(attack, fact)?;
    let bridge = attack.bridge.as_ref()?;
    let mut known: BTreeSet<Subject> = BTreeSet::new();
    namespaces.retain(|&at| bridge.forged_account(at).is_some_and(|account| known.insert(account)));
    Some((set, namespaces))
}

/// Whether a step writes a credential into a namespace, or has ASO write it.
pub(super) fn credential_written(state: &State<'_>, step: &StepDone, namespace: Name) -> Result<(), String> {
    aso_credential_forge::writes(state, step, namespace).or_else(|_| expresses(state, step, namespace))
}

/// Whether a step has ASO write a Secret into a namespace: a kind that does is created, and a credential applies there.
fn expresses(state: &State<'_>, step: &StepDone, namespace: Name) -> Result<(), String> {
    let rights = step.requests.iter().flat_map(|request| &request.rights);
    let mut created = rights.filter(|right| right.verb == "create" && right.place == Place::Namespace(namespace));
    let writes = |kind: KindIx| kind.facts().writes_secrets();
    if !created.any(|right| KindIx::of_resource(right.api_group, right.resource).is_some_and(writes)) {
        return Err("no kind that writes Secrets is created".to_owned());
    }
    state.with_bridge(|bridge| match bridge.default_of(namespace) {
        Some(_) if bridge.has_expressions(namespace) => Ok(()),
        Some(_) => Err("the operator is older than expressions".to_owned()),
        None => Err("no resource of the namespace gets ready".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::check;

    #[test]
    fn one_kind_is_enough() {
        check(
            "aso
             credential dev/aso-credential app
             kinds storageaccounts.storage
             identity big s1/ids
             trust big azureserviceoperator-system/azureserviceoperator-default
             assign big Contributor s2
             role s: create storageaccounts.storage.azure.com
             identity app s1/ids
             bind dev/s=s user:alice",
            "alice -> limited (storageaccounts) on s2: aso-expression-forge, aso-role",
        );
    }

    #[test]
    fn nothing_gets_ready_without_a_credential() {
        check(
            "aso
             kinds storageaccounts.storage
             identity big s1/ids
             trust big azureserviceoperator-system/azureserviceoperator-default
             assign big Contributor s2
             role s: create storageaccounts.storage.azure.com
             bind dev/s=s user:alice",
            "",
        );
    }

    #[test]
    fn strict_mode_stops_it() {
        check(
            "aso strict
             credential dev/aso-credential app
             kinds storageaccounts.storage
             identity big s1/ids
             trust big azureserviceoperator-system/azureserviceoperator-default
             assign big Contributor s2
             role s: create storageaccounts.storage.azure.com
             identity app s1/ids
             bind dev/s=s user:alice",
            "",
        );
    }

    #[test]
    fn a_kind_of_the_directory_writes_no_secrets() {
        check(
            "aso
             credential dev/aso-credential app
             kinds securitygroups.entra storageaccounts.storage
             identity app s1/ids
             identity big s1/ids
             trust big azureserviceoperator-system/azureserviceoperator-default
             assign big Contributor s2
             role s: create securitygroups.entra.azure.com
             bind dev/s=s user:alice",
            "",
        );
    }

    #[test]
    fn an_operator_that_is_older_than_expressions_writes_none() {
        let world = |tag: &str, rule: &str| {
            format!(
                "aso image:{tag}
                 credential dev/aso-credential app
                 kinds storageaccounts.storage
                 identity big s1/ids
                 trust big azureserviceoperator-system/azureserviceoperator-default
                 assign big Contributor s2
                 role s: create storageaccounts.storage.azure.com{rule}
                 identity app s1/ids
                 bind dev/s=s user:alice"
            )
        };
        let found = "alice -> limited (storageaccounts) on s2: aso-expression-forge, aso-role";
        for (tag, expected) in [("v2.10.0", ""), ("v2.11.0", found), ("latest", found)] {
            check(&world(tag, ""), expected);
        }
        // Who writes the Secret needs no expression.
        let forged = found.replace("aso-expression-forge", "aso-credential-forge");
        check(&world("v2.10.0", "; create secrets"), &forged);
    }
}
