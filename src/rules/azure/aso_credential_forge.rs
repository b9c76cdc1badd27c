//! `aso-credential-forge`: write a credential that names another identity.

use std::collections::BTreeSet;

use super::bridge::Bridge;
use super::facts::{AzureFact, AzureGain, AzureStep, KindSetIx, Who};
use super::uses;
use crate::model::{ASO_CREDENTIAL, ASO_WORKLOAD_ACCOUNT, Name, Subject};
use crate::query::{Step, TokenMode};
use crate::rules::attack::{Attack, Done, Effect, Fact, Place, SecretIx};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{At, Confidence, Leads, On, Request, Technique, core};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "aso-credential-forge",
    title: "Write a credential that names another identity",
    requests: &WRITES,
    gain: "what every identity that trusts the operator may do in Azure to resources of the kinds that can be created",
    why: "With workload identity a credential is three ids, none of them secret, and ASO gives the same token for all of \
          them unless it runs in strict mode. Whoever writes Secrets and ASO resources in one namespace names the identity \
          of any other namespace, and ASO acts as it. In strict mode ASO gives the token of the account aso-workload of the \
          namespace, and only identities that trust that one are had. A credential may also name a file of the operator's \
          container (AZURE_USER_ASSIGNED_IDENTITY_CREDENTIALS), which only Microsoft's own services have; what is in \
          containers is not read, and no path is told for it.",
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

/// What writes a credential: a Secret of any name that resources then name, or one that is there.
pub(super) const WRITES: [Request; 3] = [
    Request { rights: &[core(&["create"], "secrets", On::Nothing)], at: At::Namespace },
    Request { rights: &[core(&["update", "patch"], "secrets", On::Object)], at: At::Namespace },
    Request { rights: &[core(&["create"], "secrets", On::Object), core(&["patch"], "secrets", On::Object)], at: At::Namespace },
];
/// Which of them changes a Secret that is there, and which makes one by its name.
const CHANGES: usize = 1;
const MAKES: usize = 2;

/// Where a credential may be made up.
fn leads(attack: &Attack<'_>, within: usize) -> Leads {
    let Some(bridge) = &attack.bridge else { return Leads::In(BTreeSet::new()) };
    let takes = |&namespace: &Name| {
        is_of_use(bridge, namespace) && (within != CHANGES || there(attack, bridge, namespace, None).is_some())
    };
    Leads::In(attack.all_namespaces().filter(takes).collect())
}

/// Whether a credential, or another Secret, that is written in a namespace may gain anything: by this technique or by one of those that
/// begin like it.
fn is_of_use(bridge: &Bridge<'_>, namespace: Name) -> bool {
    let trusted = || bridge.forged_account(namespace).is_some_and(|account| bridge.trusting(account).next().is_some());
    bridge.aso.reconcilers(namespace).next().is_some()
        && (trusted()
            || bridge.has_node_identities()
            || !bridge.copied_into(namespace).is_empty()
            || !bridge.servers_in(namespace).is_empty())
}

/// Secrets can be written in a namespace: a new one, or one that is there.
fn build(attack: &mut Attack<'_>, done: Done) {
    let Some(bridge) = attack.bridge.clone().filter(|_| done.first) else { return };
    for namespace in attack.namespaces_of(done.site.place) {
        if !is_of_use(&bridge, namespace) {
            continue;
        }
        let free = |name: &Name| attack.secrets_in(namespace, Some(*name)).is_empty();
        let object = match done.within {
            CHANGES => there(attack, &bridge, namespace, done.site.object),
            MAKES => done.site.object.filter(free),
            _ => None,
        };
        if object.is_none() && done.within != 0 {
            continue;
        }
        let fact = attack.on(&done, Place::Namespace(namespace), object);
        attack.follows(vec![fact], Fact::Azure(AzureFact::Takes(namespace)));
    }
}

/// A Secret of a namespace that is there, of a name or of any: the credential that applies by itself before others.
fn there(attack: &Attack<'_>, bridge: &Bridge<'_>, namespace: Name, wanted: Option<Name>) -> Option<Name> {
    let own = attack.graph.snapshot().names.find(ASO_CREDENTIAL);
    let own = own.filter(|own| wanted.is_none_or(|wanted| wanted == *own));
    let applies = own.filter(|_| bridge.aso.default_of(namespace).step == Step::Namespace);
    let all = attack.secrets_in(namespace, wanted);
    let opaque = |at: &&SecretIx| attack.graph.text(attack.secret(**at).kind) == "Opaque";
    applies.or_else(|| all.iter().find(opaque).or_else(|| all.first()).map(|&at| attack.secret(at).name))
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
    let account = bridge.forged_account(namespace).filter(|&account| bridge.trusting(account).next().is_some());
    let Some(account) = account else { return };
    let kind = bridge.writers.one(set);
    let step = AzureStep { kind, namespace: Some(namespace), ..AzureStep::new(AzureGain::Any) };
    attack.does(technique, needs, Effect::Azure(step), Fact::Azure(AzureFact::Forges(account, set)));
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let namespace = forged(state, step)?;
    writes(state, step, namespace)
}

/// Whether a step writes a credential into a namespace.
pub(super) fn writes(state: &State<'_>, step: &StepDone, namespace: Name) -> Result<(), String> {
    let created = step.asks(&["create"], "", "secrets");
    let changed = step.asks(&["update", "patch"], "", "secrets");
    let secrets = &state.graph.snapshot().secrets;
    let is_there = |name: Name| secrets.iter().any(|own| own.namespace == namespace && own.name == name);
    let one = |name: Name| state.graph.text(name) == ASO_CREDENTIAL || is_there(name);
    let changed = changed.filter(|right| right.name.is_none_or(one));
    match created.or(changed) {
        Some(right) if right.place == Place::Namespace(namespace) => Ok(()),
        _ => Err("no credential is written".to_owned()),
    }
}

/// Whether ASO may be made to act as an identity there: it gives the token of an account that the identity trusts.
pub(super) fn forged(state: &State<'_>, step: &StepDone) -> Result<Name, String> {
    let (_, namespace, who) = uses::written(step)?;
    trusts(state, namespace, who)?;
    Ok(namespace)
}

/// Whether an identity trusts the account whose token ASO gives for what is written into a namespace.
pub(super) fn trusts(state: &State<'_>, namespace: Name, who: Who) -> Result<(), String> {
    state.with_bridge(|bridge| {
        let operator = bridge.aso.reconcilers(namespace).next().ok_or("nobody reconciles the namespace")?;
        let operator = bridge.aso.operator(operator);
        let workload = state.graph.snapshot().names.find(ASO_WORKLOAD_ACCOUNT);
        let is_its_own = |account: Subject| match operator.tokens {
            TokenMode::Relaxed => account == operator.account,
            TokenMode::Strict => account.namespace() == Some(namespace) && Some(account.name()) == workload,
        };
        let trusts = bridge.trusted_by(who).any(is_its_own);
        if trusts { Ok(()) } else { Err("the identity does not trust the account that ASO logs in as".to_owned()) }
    })
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
    fn any_secret_that_is_there_becomes_one_and_is_named() {
        check(
            "aso
             kinds storageaccounts.storage
             secret dev/other Opaque
             identity big s1/ids
             trust big azureserviceoperator-system/azureserviceoperator-default
             assign big Contributor s2
             role s: create storageaccounts.storage.azure.com
             role o: patch secrets other
             role a: update secrets
             role n: patch secrets none
             bind dev/s=s user:alice user:bob user:carol
             bind qa/s=s user:dave
             bind dev/o=o user:alice
             bind dev/a=a user:bob
             bind dev/n=n user:carol
             bind qa/a=a user:dave",
            "alice -> limited (storageaccounts) on s2: aso-credential-forge, aso-role
             bob -> limited (storageaccounts) on s2: aso-credential-forge, aso-role",
        );
    }

    #[test]
    fn a_secret_is_made_by_its_name_with_both_rights_on_it() {
        let world = |secrets: &str| {
            format!(
                "aso
                 kinds storageaccounts.storage
                 identity big s1/ids
                 trust big azureserviceoperator-system/azureserviceoperator-default
                 assign big Contributor s2
                 role s: create storageaccounts.storage.azure.com
                 role w: {secrets}
                 bind dev/s=s user:alice
                 bind dev/w=w user:alice"
            )
        };
        let found = "alice -> limited (storageaccounts) on s2: aso-credential-forge, aso-role";
        check(&world("create,patch secrets mine"), found);
        check(&world("create secrets mine; patch secrets"), found);
        for secrets in ["create secrets mine", "create secrets mine; patch secrets other", "create,update secrets mine"] {
            check(&world(secrets), "");
        }
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
    fn in_strict_mode_an_identity_that_trusts_the_namespace_is_had_from_there_alone() {
        let world = |namespace: &str| {
            format!(
                "aso strict
                 kinds storageaccounts.storage
                 identity big s1/ids
                 trust big dev/aso-workload
                 assign big Contributor s2
                 role s: create storageaccounts.storage.azure.com
                 role w: create secrets
                 bind {namespace}/s=s user:alice
                 bind {namespace}/w=w user:alice"
            )
        };
        check(&world("dev"), "alice -> limited (storageaccounts) on s2: aso-credential-forge, aso-role");
        check(&world("qa"), "");
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
