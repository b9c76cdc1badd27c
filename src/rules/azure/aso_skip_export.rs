//! `aso-skip-export`: have ASO write keys or a kubeconfig into a Secret that you read.

use super::deed::{self, By, Deed, Local};
use super::uses;
use super::bridge::Bridge;
use super::facts::{AzureFact, AzureGain, AzureStep, Changed, KindSetIx, Power, Types, Who};
use crate::graph::azure::ScopeIx;
use crate::model::{AsoResource, KindIx, Name, Secret};
use crate::query::{CredentialIx, Outcome};
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
          resource, or changes one that is there, names the Secret, so it is enough to read one name that is free; what lies \
          there already ASO leaves alone.",
    remedy: "Do not let those who create or change ASO resources read the Secrets of the namespace, turn local accounts and shared keys \
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
    for credential in each(&bridge, bridge.credentials_in(namespace)) {
        for &kind in bridge.writers.kinds(set).iter() {
            export(attack, &needs, (kind, namespace), credential, None);
        }
    }
}

/// A resource that is there is changed in such a namespace.
pub(super) fn read_of(attack: &mut Attack<'_>, needs: &[u32], changed: Changed) {
    let Some(bridge) = attack.bridge.clone() else { return };
    let Some(resource) = bridge.resource(changed) else { return };
    let Some(only) = bridge.aso.arm_id(resource).and_then(|id| bridge.azure.graph.find_scope(&id)) else { return };
    for credential in each(&bridge, bridge.credentials_of(resource)) {
        export(attack, needs, (changed.0, changed.1), credential, Some(only));
    }
}

/// Credentials with whom ASO acts as, each of these once.
fn each(bridge: &Bridge<'_>, credentials: Vec<CredentialIx>) -> Vec<(CredentialIx, Who)> {
    let mut known: Vec<(CredentialIx, Who)> = Vec::new();
    for credential in credentials {
        if let Some(who) = bridge.who(credential).filter(|who| known.iter().all(|(_, own)| own != who)) {
            known.push((credential, who));
        }
    }
    known
}

/// What can be exported with a credential: by the resources of a kind, or by one that is in Azure there.
fn export(
    attack: &mut Attack<'_>,
    needs: &[u32],
    (kind, namespace): (KindIx, Name),
    (credential, who): (CredentialIx, Who),
    only: Option<ScopeIx>,
) {
    let Some(bridge) = attack.bridge.clone().filter(|_| kind.facts().exports().is_some()) else { return };
    let allowed = |actions: &[&str]| match only {
        Some(scope) => bridge.allowed_at(who, actions, scope).into_iter().collect(),
        None => bridge.allowed(who, actions),
    };
    let base = AzureStep {
        by: Some(who),
        kind: Some(kind),
        namespace: Some(namespace),
        credential: bridge.aso.credential(credential).secret,
        ..AzureStep::new(AzureGain::Any)
    };
    if is_cluster(kind) {
        let deed = Deed { technique: &TECHNIQUE, by: By::Aso(&[]), actions: ADMIN };
        for at in allowed(ADMIN).iter() {
            deed::clusters_at(attack, &deed, base, at, needs, Local::Needed);
        }
        return;
    }
    let Some(actions) = keys(kind) else { return };
    for at in allowed(&actions).iter() {
        let types = Some(Types { first: kind, more: 0 });
        let gain = AzureGain::Power(at.scope, Power::KeysAndData, types);
        let action = actions.first().map(|&action| (action, at.assignment));
        let step = AzureStep { gain, action, sure: at.sure, ..base };
        let fact = Fact::Azure(AzureFact::Power(at.scope, Power::KeysAndData, types));
        attack.does_unless(&TECHNIQUE, needs.to_vec(), Effect::Azure(step), fact, at.blockers());
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
    let here = Place::Namespace(namespace);
    let created = step.asks(&["create"], facts.group, facts.plural).is_some_and(|right| right.place == here);
    let changed = step.changes(facts.group, facts.plural).filter(|right| right.place == here && !created);
    if changed.is_none() && !created {
        return Err(format!("no {} is created or changed", facts.plural));
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
        let Some(changed) = changed else {
            let any = bridge.credentials_in(namespace).iter().any(applies);
            return if any { Ok(()) } else { Err("no such credential applies there".to_owned()) };
        };
        let is_it = |own: &&AsoResource| (own.known, own.namespace, Some(own.name)) == (Some(kind), namespace, changed.name);
        let resource = bridge.aso.resources().map(|(own, _)| own).find(is_it).ok_or("no such resource is there")?;
        let uses = matches!(bridge.aso.of_resource(resource).outcome, Outcome::Uses(at) if applies(&at));
        if !uses && !bridge.credentials_in(namespace).iter().any(applies) {
            return Err("it has no such credential".to_owned());
        }
        let scope = match own.gain {
            AzureGain::Power(scope, ..) => scope,
            gain => state.cluster_in_azure(gain, |_| false)?.0,
        };
        let id = bridge.aso.arm_id(resource).and_then(|id| bridge.azure.graph.find_scope(&id));
        if id == Some(scope) { Ok(()) } else { Err("it is another resource in Azure".to_owned()) }
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

    const DATA: &str = "/subscriptions/11111111-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/data";

    #[test]
    fn keys_of_an_account_that_is_there_are_written_into_a_secret() {
        let world = |rule: &str, rest: &str| {
            let there = format!("resource dev/data storageaccounts.storage spec: {{}}, status: {{id: {DATA}}}\n{rest}");
            accounts(&there).replace("create storageaccounts.storage.azure.com", rule)
        };
        let patch = "patch storageaccounts.storage.azure.com";
        let found = "alice -> keys and data (storageaccounts) on s1/rg/providers/Microsoft.Storage/storageAccounts/data: ";
        let all = "role g: get,list secrets\nbind dev/g=g user:alice";
        check(&world(patch, all), &format!("{found}secret-read, aso-skip-export"));
        check(&world(&format!("{patch} data"), all), &format!("{found}secret-read, aso-skip-export"));
        let named = "role g: get secrets keys\nbind dev/g=g user:alice";
        check(&world(patch, named), &format!("{found}aso-skip-export"));
        // Another resource, another namespace, nothing that changes it, a name that is taken, and roles elsewhere.
        check(&world(&format!("{patch} other"), all), "");
        check(&world(patch, &all.replace("dev/g", "qa/g")), "");
        check(&world(patch, all).replace("bind dev/c", "bind qa/c"), "");
        check(&world("patch storageaccounts/status.storage.azure.com", all), "");
        check(&world(patch, &format!("{named}\nsecret dev/keys Opaque")), "");
        check(&world(patch, all).replace("assign aso r s1", "assign aso r s2"), "");
    }

    #[test]
    fn a_kubeconfig_of_a_cluster_that_is_there_is_written_into_a_secret() {
        let world = |rest: &str| {
            format!(
                "aso
                 credential global aso
                 kinds managedclusters.containerservice
                 aks one s1/rg
                 aks two s1/rg
                 identity aso s3/ids
                 trust aso azureserviceoperator-system/azureserviceoperator-default
                 azrole r ContainerService/managedClusters/read,ContainerService/managedClusters/listClusterAdminCredential/action
                 assign aso r s1
                 resource dev/two managedclusters.containerservice spec: {{location: here}}, status: {{id: /subscriptions/11111111-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/two}}
                 role c: patch managedclusters.containerservice.azure.com
                 bind dev/c=c user:alice
                 {rest}"
            )
        };
        let reads = "role g: get,list secrets\nbind dev/g=g user:alice";
        check(&world(reads), "alice -> cluster:two: secret-read, aso-skip-export");
        check(&world(""), "");
        check(&world(reads).replace("aks two s1/rg", "aks two s1/rg off"), "");
    }
}
