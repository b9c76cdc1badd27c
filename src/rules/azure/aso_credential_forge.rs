//! `aso-credential-forge`: write a credential that names another identity.

use std::collections::BTreeSet;

use super::facts::{AzureFact, AzureGain, AzureStep, KindSetIx};
use super::uses;
use crate::model::{ASO_CREDENTIAL, Name};
use crate::query::Step;
use super::bridge::Bridge;
use crate::rules::attack::{Attack, Done, Effect, Fact, Place};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{At, Confidence, Leads, On, Request, Technique, core};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "aso-credential-forge",
    title: "Write a credential that names another identity",
    requests: &[
        Request { rights: &[core(&["create"], "secrets", On::Nothing)], at: At::Namespace },
        Request { rights: &[core(&["update", "patch"], "secrets", On::Object)], at: At::Namespace },
    ],
    gain: "what every identity that trusts the operator may do in Azure to resources of the kinds that can be created",
    why: "With workload identity a credential is three ids, none of them secret, and ASO gives the same token for all of \
          them unless it runs in strict mode. Whoever writes Secrets and ASO resources in one namespace names the identity \
          of any other namespace, and ASO acts as it.",
    remedy: "Run ASO in strict mode (AZURE_WORKLOAD_IDENTITY_AUTH_MODE), or one operator for each tenant, and do not let \
             those who create ASO resources write Secrets.",
    confidence: Confidence::Documented,
    attack: &["T1078.004", "T1098.001"],
    references: &[
        "https://github.com/Azure/azure-service-operator/issues/4807",
        "https://azure.github.io/azure-service-operator/guide/authentication/credential-scope/",
    ],
    build: Some(build),
    leads: Some(leads),
    proof: Some(proof),
    ..Technique::MOVE
};

/// Where a credential may be made up.
fn leads(attack: &Attack<'_>, within: usize) -> Leads {
    let Some(bridge) = &attack.bridge else { return Leads::In(BTreeSet::new()) };
    Leads::In(attack.all_namespaces().filter(|&namespace| takes(bridge, within, namespace)).collect())
}

/// Whether ASO would take a credential that is written in a namespace: a new one, or the one that applies there.
fn takes(bridge: &Bridge<'_>, within: usize, namespace: Name) -> bool {
    let there = within == 0 || bridge.aso.default_of(namespace).step == Step::Namespace;
    there && bridge.relaxed_operator(namespace).is_some()
}

/// Secrets can be written in a namespace.
fn build(attack: &mut Attack<'_>, done: Done) {
    let Some(bridge) = attack.bridge.clone().filter(|_| done.first) else { return };
    let own = attack.graph.snapshot().names.find(ASO_CREDENTIAL);
    if done.site.object.is_some_and(|name| Some(name) != own) {
        return;
    }
    for namespace in attack.namespaces_of(done.site.place) {
        if takes(&bridge, done.within, namespace) {
            let fact = attack.on(&done, Place::Namespace(namespace), own.filter(|_| done.within == 1));
            attack.follows(vec![fact], Fact::Azure(AzureFact::Takes(namespace)));
        }
    }
}

/// Resources are written in a namespace into which a credential can be put.
pub(super) fn with(attack: &mut Attack<'_>, needs: Vec<u32>, set: KindSetIx, namespace: Name) {
    forges(attack, &TECHNIQUE, needs, set, namespace);
}

/// ASO is made to act as any identity that trusts it.
pub(super) fn forges(
    attack: &mut Attack<'_>,
    technique: &'static Technique,
    needs: Vec<u32>,
    set: KindSetIx,
    namespace: Name,
) {
    let Some(bridge) = attack.bridge.clone() else { return };
    let Some(operator) = bridge.relaxed_operator(namespace) else { return };
    let kind = bridge.writers.kinds(set).first().copied();
    let step = AzureStep { kind, namespace: Some(namespace), ..AzureStep::new(AzureGain::Any) };
    attack.does(technique, needs, Effect::Azure(step), Fact::Azure(AzureFact::Forges(operator, set)));
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let namespace = forged(state, step)?;
    let created = step.asks(&["create"], "", "secrets");
    let changed = step.asks(&["update", "patch"], "", "secrets");
    let changed = changed.filter(|right| right.name.is_none_or(|name| state.graph.text(name) == ASO_CREDENTIAL));
    match created.or(changed) {
        Some(right) if right.place == Place::Namespace(namespace) => Ok(()),
        _ => Err("no credential is written".to_owned()),
    }
}

/// Whether ASO may be made to act as an identity there: its operator is relaxed, and the identity trusts it.
pub(super) fn forged(state: &State<'_>, step: &StepDone) -> Result<Name, String> {
    let (_, namespace, who) = uses::written(step)?;
    state.with_bridge(|bridge| {
        let operator = bridge.relaxed_operator(namespace).ok_or("the operator of the namespace is strict, or there is none")?;
        let account = bridge.operator_account(operator).ok_or("the operator runs as nobody")?;
        let trusts = bridge.trusting(account).any(|own| own == who);
        if trusts { Ok(()) } else { Err("the identity does not trust the operator".to_owned()) }
    })?;
    Ok(namespace)
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::check;

    #[test]
    fn secrets_and_resources_are_any_identity_that_trusts_the_operator() {
        check(
            "aso
             kinds storageaccounts.storage
             identity big s1/ids
             trust big azureserviceoperator-system/azureserviceoperator-default
             assign big Contributor s2
             role s: create storageaccounts.storage.azure.com
             role w: create secrets
             bind dev/s=s user:alice
             bind dev/w=w user:alice",
            "alice -> limited (storageaccounts) on s2: aso-credential-forge, aso-role",
        );
    }

    #[test]
    fn a_credential_that_is_there_is_written_anew() {
        check(
            "aso
             credential dev/aso-credential app without:AZURE_TENANT_ID
             kinds storageaccounts.storage
             identity big s1/ids
             trust big azureserviceoperator-system/azureserviceoperator-default
             assign big Contributor s2
             role s: create storageaccounts.storage.azure.com
             role w: patch secrets aso-credential
             role o: patch secrets other
             bind dev/s=s user:alice user:bob
             bind dev/w=w user:alice
             bind dev/o=o user:bob",
            "alice -> limited (storageaccounts) on s2: aso-credential-forge, aso-role",
        );
    }

    #[test]
    fn half_of_it_is_nothing() {
        check(
            "aso
             kinds storageaccounts.storage
             identity big s1/ids
             trust big azureserviceoperator-system/azureserviceoperator-default
             assign big Contributor s2
             role s: create storageaccounts.storage.azure.com
             role w: create secrets
             role g: get,list secrets
             bind dev/s=s user:alice user:bob user:carol
             bind qa/w=w user:alice
             bind dev/g=g user:bob
             bind dev/w=w user:dave",
            "",
        );
    }

    #[test]
    fn strict_mode_stops_it() {
        check(
            "aso strict
             kinds storageaccounts.storage
             identity big s1/ids
             trust big azureserviceoperator-system/azureserviceoperator-default
             assign big Contributor s2
             role s: create storageaccounts.storage.azure.com
             role w: create secrets
             bind dev/s=s user:alice
             bind dev/w=w user:alice",
            "",
        );
    }

    #[test]
    fn an_identity_that_trusts_somebody_else_is_not_had() {
        check(
            "aso
             kinds storageaccounts.storage
             identity big s1/ids
             trust big dev/app
             assign big Contributor s2
             role s: create storageaccounts.storage.azure.com
             role w: create secrets
             bind dev/s=s user:alice
             bind dev/w=w user:alice",
            "",
        );
    }

    #[test]
    fn an_identity_that_trusts_the_operator_of_another_cluster_is_not_had() {
        check(
            "aso
             credential prod/aso-credential app
             kinds storageaccounts.storage
             aks one s1/rg
             aks two s1/rg
             identity app s1/ids
             identity big s1/ids
             trust app azureserviceoperator-system/azureserviceoperator-default one
             trust big azureserviceoperator-system/azureserviceoperator-default two
             assign big Contributor s2
             assign app Reader s3
             role s: create storageaccounts.storage.azure.com
             role w: create secrets
             bind dev/s=s user:alice
             bind dev/w=w user:alice",
            "",
        );
    }
}
