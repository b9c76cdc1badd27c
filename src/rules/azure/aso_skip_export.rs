//! `aso-skip-export`: have ASO write keys or a kubeconfig into a Secret that you read.

use super::deed::{self, By, Deed, Local};
use super::uses;
use super::facts::{AzureFact, AzureGain, AzureStep, KindSetIx, Power, Types, Who};
use crate::model::{KindIx, Name, Secret};
use crate::query::CredentialIx;
use crate::rules::attack::{Attack, Done, Effect, Fact, Place};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{At, Confidence, Leads, On, Request, Technique, core};

/// What returns a Secret by its name.
const READS: &[&str] = &["get", "list", "watch", "patch", "delete"];

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "aso-skip-export",
    title: "Have ASO write keys or a kubeconfig into a Secret that you read",
    requests: &[Request { rights: &[core(READS, "secrets", On::Object)], at: At::Namespace }],
    gain: "keys of resources, or the administration of a cluster",
    why: "`operatorSpec.secrets` makes ASO ask Azure for keys and write them into a Secret of the namespace, for a \
          resource that is only observed as well (reconcile-policy skip), so that nothing changes in Azure. For a \
          ManagedCluster, adminCredentials is a kubeconfig in system:masters while local accounts are on. Whoever creates the \
          resource names the Secret, so it is enough to read one name that is free; what lies there already ASO leaves alone.",
    remedy: "Do not let those who create ASO resources read the Secrets of the namespace, turn local accounts and shared keys \
             off, and give ASO a role without the list actions.",
    confidence: Confidence::Documented,
    attack: &["T1552.007"],
    references: &[
        "https://azure.github.io/azure-service-operator/guide/secrets/",
        "https://learn.microsoft.com/azure/aks/control-kubeconfig-access",
    ],
    build: Some(build),
    leads: Some(leads),
    react: Some(uses::join),
    proof: Some(proof),
    kinds: Some(exports),
    ..Technique::MOVE
};

/// The actions that exporting an admin kubeconfig takes.
const ADMIN: &[&str] = &[
    "Microsoft.ContainerService/managedClusters/listClusterAdminCredential/action",
    "Microsoft.ContainerService/managedClusters/read",
];

/// Where ASO works.
fn leads(attack: &Attack<'_>, _: usize) -> Leads {
    let works = |&namespace: &Name| {
        attack.bridge.as_ref().is_some_and(|bridge| bridge.aso.reconcilers(namespace).next().is_some())
    };
    Leads::In(attack.all_namespaces().filter(works).collect())
}

/// One name can be read. Where Secrets were not listed it is more likely one that is there; who reads all is known by that.
fn build(attack: &mut Attack<'_>, done: Done) {
    let Some(bridge) = attack.bridge.clone().filter(|_| done.first) else { return };
    let Some(name) = done.site.object else { return };
    for namespace in attack.namespaces_of(done.site.place) {
        let known = attack.graph.snapshot().lists_secrets_of(namespace);
        let is_free = known && attack.secrets_in(namespace, Some(name)).is_empty();
        if is_free && bridge.aso.reconcilers(namespace).next().is_some() {
            let fact = attack.on(&done, Place::Namespace(namespace), Some(name));
            attack.follows(vec![fact], Fact::Azure(AzureFact::Reads(namespace)));
        }
    }
}

/// Resources are written in a namespace whose Secrets are read, or of which one name is.
pub(super) fn read(attack: &mut Attack<'_>, needs: Vec<u32>, set: KindSetIx, namespace: Name) {
    let Some(bridge) = attack.bridge.clone() else { return };
    let mut known: Vec<Who> = Vec::new();
    for credential in bridge.credentials_in(namespace) {
        if let Some(who) = bridge.who(credential).filter(|who| !known.contains(who)) {
            known.push(who);
            export(attack, &needs, set, namespace, (credential, who));
        }
    }
}

/// What can be exported with a credential.
fn export(
    attack: &mut Attack<'_>,
    needs: &[u32],
    set: KindSetIx,
    namespace: Name,
    (credential, who): (CredentialIx, Who),
) {
    let Some(bridge) = attack.bridge.clone() else { return };
    let kinds = bridge.writers.kinds(set);
    let exports = |kind: &&KindIx| kind.facts().exports().is_some();
    for &kind in kinds.iter().filter(exports) {
        let base = AzureStep {
            by: Some(who),
            kind: Some(kind),
            namespace: Some(namespace),
            credential: bridge.aso.credential(credential).secret,
            ..AzureStep::new(AzureGain::Any)
        };
        if is_cluster(kind) {
            let deed = Deed { technique: &TECHNIQUE, by: By::Aso(&[]), actions: ADMIN };
            for at in bridge.allowed(who, ADMIN).iter() {
                deed::clusters_at(attack, &deed, base, at, needs, Local::Needed);
            }
            continue;
        }
        let Some(actions) = keys(kind) else { continue };
        for at in bridge.allowed(who, &actions).iter() {
            let types = Some(Types { first: kind, more: 0 });
            let gain = AzureGain::Power(at.scope, Power::KeysAndData, types);
            let action = actions.first().map(|&action| (action, at.assignment));
            let step = AzureStep { gain, action, sure: at.sure, ..base };
            let fact = Fact::Azure(AzureFact::Power(at.scope, Power::KeysAndData, types));
            attack.does_unless(&TECHNIQUE, needs.to_vec(), Effect::Azure(step), fact, at.blockers());
        }
    }
}

/// Whether a kind exports the same: a kubeconfig, or keys.
fn exports(step: &StepDone, kind: KindIx) -> bool {
    match step.effect {
        Effect::Azure(AzureStep { gain: AzureGain::Power(..), .. }) => keys(kind).is_some() && !is_cluster(kind),
        _ => is_cluster(kind),
    }
}

fn is_cluster(kind: KindIx) -> bool {
    (kind.facts().group, kind.facts().plural) == ("containerservice.azure.com", "managedclusters")
}

/// The first action that exporting keys of a kind takes.
fn keys(kind: KindIx) -> Option<Vec<&'static str>> {
    let (_, actions) = kind.facts().exports()?;
    let actions: Vec<&'static str> = actions.take(1).collect();
    (!actions.is_empty()).then_some(actions)
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let Effect::Azure(own) = step.effect else { return Err("the step is not in Azure".to_owned()) };
    let (Some(kind), Some(namespace), Some(who)) = (own.kind, own.namespace, own.by) else {
        return Err("nothing is exported".to_owned());
    };
    let facts = kind.facts();
    let created = step.asks(&["create"], facts.group, facts.plural);
    if created.is_none_or(|right| right.place != Place::Namespace(namespace)) {
        return Err(format!("no {} is created", facts.plural));
    }
    let snapshot = state.graph.snapshot();
    let named = step.asks(READS, "", "secrets").filter(|right| right.place == Place::Namespace(namespace));
    let is_free = |name: Name| {
        let here = |secret: &&Secret| (secret.cluster, secret.namespace) == (state.cluster(), namespace);
        snapshot.lists_secrets_of(namespace) && !snapshot.secrets.iter().filter(here).any(|own| own.name == name)
    };
    if !state.reads_secrets(Place::Namespace(namespace)) && !named.and_then(|right| right.name).is_some_and(is_free) {
        return Err("no Secret of the namespace that ASO writes is read".to_owned());
    }
    let same = state.with_bridge(|bridge| {
        let applies = |&credential: &CredentialIx| {
            bridge.who(credential) == Some(who) && bridge.aso.credential(credential).secret == own.credential
        };
        let any = bridge.credentials_in(namespace).iter().any(applies);
        if any { Ok(()) } else { Err("no such credential applies there".to_owned()) }
    });
    same?;
    match own.gain {
        AzureGain::Power(scope, ..) => {
            let actions = keys(kind).ok_or_else(|| "the kind exports nothing".to_owned())?;
            actions.iter().try_for_each(|action| state.azure_allows(who, action, scope).map(|_| ()))
        }
        gain => deed::cluster_proof(state, who, ADMIN, gain, Local::Needed),
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::{check, check_blocked};

    #[test]
    fn a_kubeconfig_of_this_cluster_is_written_into_a_secret() {
        check(
            "aso
             credential global aso
             kinds managedclusters.containerservice
             aks one s1/rg
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default
             azrole r ContainerService/managedClusters/read,ContainerService/managedClusters/listClusterAdminCredential/action
             assign aso r s1
             role c: create managedclusters.containerservice.azure.com
             bind dev/c=c user:alice
             role g: get,list secrets
             bind dev/g=g user:alice",
            "alice -> cluster-admin: secret-read, aso-skip-export",
        );
    }

    #[test]
    fn whoever_does_not_read_secrets_has_nothing_of_it() {
        check(
            "aso
             credential global aso
             kinds managedclusters.containerservice
             aks one s1/rg
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default
             azrole r ContainerService/managedClusters/read,ContainerService/managedClusters/listClusterAdminCredential/action
             assign aso r s1
             role c: create managedclusters.containerservice.azure.com
             bind dev/c=c user:alice
             role g: get,list secrets
             bind qa/g=g user:alice",
            "",
        );
    }

    #[test]
    fn local_accounts_that_are_off_stop_it() {
        check(
            "aso
             credential global aso
             kinds managedclusters.containerservice
             aks one s1/rg off
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default
             azrole r ContainerService/managedClusters/read,ContainerService/managedClusters/listClusterAdminCredential/action
             assign aso r s1
             role c: create managedclusters.containerservice.azure.com
             bind dev/c=c user:alice
             role g: get,list secrets
             bind dev/g=g user:alice",
            "",
        );
    }

    #[test]
    fn local_accounts_that_are_off_stop_it_and_are_told() {
        check_blocked(
            "aso
             credential global aso
             kinds managedclusters.containerservice
             aks one s1/rg off
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default
             azrole r ContainerService/managedClusters/read,ContainerService/managedClusters/listClusterAdminCredential/action
             assign aso r s1
             role c: create managedclusters.containerservice.azure.com
             bind dev/c=c user:alice
             role g: get,list secrets
             bind dev/g=g user:alice",
            "alice -> cluster-admin: secret-read, aso-skip-export",
        );
    }

    /// Alice makes storage accounts in `dev`, and there is more.
    fn accounts(rest: &str) -> String {
        format!(
            "aso
             credential global aso
             kinds storageaccounts.storage
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default
             azrole r Storage/storageAccounts/read,Storage/storageAccounts/listKeys/action
             assign aso r s1
             role c: create storageaccounts.storage.azure.com
             bind dev/c=c user:alice
             {rest}"
        )
    }

    #[test]
    fn keys_of_an_account_are_written_into_a_secret() {
        check(
            &accounts("role g: get,list secrets\nbind dev/g=g user:alice"),
            "alice -> keys and data (storageaccounts) on s1: secret-read, aso-skip-export",
        );
    }

    #[test]
    fn one_free_name_is_enough_to_read() {
        let named = |rest: &str| accounts(&format!("role g: get secrets keys\n{rest}"));
        let found = "alice -> keys and data (storageaccounts) on s1: aso-skip-export";
        check(&named("bind dev/g=g user:alice"), found);
        check(&named("bind g user:alice"), found);
        // What lies there is not written, the name is free in another namespace only, and somebody else reads it.
        check(&named("bind dev/g=g user:alice\nsecret dev/keys Opaque"), "");
        check(&named("bind qa/g=g user:alice"), "");
        check(&named("bind dev/g=g user:bob"), "");
    }

    #[test]
    fn a_kind_that_exports_nothing_gives_no_keys() {
        check(
            "aso
             credential global aso
             kinds vaults.keyvault
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default
             azrole r KeyVault/vaults/read,Storage/storageAccounts/listKeys/action
             assign aso r s1
             role c: create vaults.keyvault.azure.com
             bind dev/c=c user:alice
             role g: get,list secrets
             bind dev/g=g user:alice",
            "",
        );
    }

    #[test]
    fn any_credential_of_the_namespace_does_for_it() {
        check(
            "aso
             credential global aso
             kinds storageaccounts.storage
             credential dev/other other
             identity other s3/ids
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default
             azrole r Storage/storageAccounts/read,Storage/storageAccounts/listKeys/action
             assign other r s1
             role c: create storageaccounts.storage.azure.com
             bind dev/c=c user:alice
             role g: get,list secrets
             bind dev/g=g user:alice",
            "alice -> keys and data (storageaccounts) on s1: secret-read, aso-skip-export",
        );
    }

    #[test]
    fn keys_of_another_namespace_are_not_read() {
        check(
            "aso
             credential global aso
             kinds storageaccounts.storage
             credential qa/other other
             identity other s3/ids
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default
             azrole r Storage/storageAccounts/read,Storage/storageAccounts/listKeys/action
             assign other r s1
             role c: create storageaccounts.storage.azure.com
             bind dev/c=c user:alice
             role g: get,list secrets
             bind dev/g=g user:alice",
            "",
        );
    }
}
