//! `aso-credential-fallback`: have Azure Service Operator act with its global credential.

use std::collections::BTreeSet;

use super::facts::{AzureFact, KindSetIx};
use super::uses;
use crate::model::{ASO_CREDENTIAL, Name};
use crate::query::{CredentialScope, Step};
use super::bridge::Bridge;
use crate::rules::attack::{Attack, Done, Fact, Place};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{At, Confidence, Leads, On, Request, Technique, core};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "aso-credential-fallback",
    title: "Have Azure Service Operator act with its global credential",
    requests: &[
        Request { rights: &[core(&["delete"], "secrets", On::Object)], at: At::Namespace },
        Request { rights: &[core(&["deletecollection"], "secrets", On::Nothing)], at: At::Namespace },
        Request { rights: &[core(&["create"], "namespaces", On::Nothing)], at: At::Cluster },
    ],
    gain: "what the global credential may do in Azure to resources of the kinds that can be created",
    why: "Where a namespace has no Secret aso-credential, ASO falls back to its global credential, which thus serves every \
          namespace that has none of its own. A namespace that is new has none, and a Secret that is deleted is as if it \
          never was; one that lacks a key stops ASO instead.",
    remedy: "Leave the three ids of aso-controller-settings empty, give each namespace a credential of its own, and do not \
             let those who create ASO resources delete Secrets or create namespaces; AZURE_TARGET_NAMESPACES leaves out \
             namespaces that are new.",
    confidence: Confidence::Documented,
    attack: &["T1078.004"],
    references: &[
        "https://azure.github.io/azure-service-operator/guide/authentication/credential-scope/",
        "https://azure.github.io/azure-service-operator/guide/security/",
    ],
    build: Some(build),
    leads: Some(leads),
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

/// The request that makes a namespace.
const MADE: usize = 2;

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    uses::react(attack, &TECHNIQUE, fact, id, |scope| scope == CredentialScope::Global);
}

/// Where a credential that is deleted leaves the global one; a namespace is made wherever that one serves it.
fn leads(attack: &Attack<'_>, within: usize) -> Leads {
    let Some(bridge) = &attack.bridge else { return Leads::In(BTreeSet::new()) };
    if within == MADE && bridge.aso.global_of(Name::STAR).is_some() {
        return Leads::Anywhere;
    }
    Leads::In(attack.all_namespaces().filter(|&namespace| falls_back(bridge, namespace)).collect())
}

fn falls_back(bridge: &Bridge<'_>, namespace: Name) -> bool {
    bridge.aso.default_of(namespace).step == Step::Namespace && bridge.aso.global_of(namespace).is_some()
}

/// The credential of a namespace can be deleted, or a namespace made without one.
fn build(attack: &mut Attack<'_>, done: Done) {
    let Some(bridge) = attack.bridge.clone().filter(|_| done.first) else { return };
    if done.within == MADE {
        return attack.follows(vec![done.fact], Fact::Azure(AzureFact::Loses(Name::STAR)));
    }
    let own = attack.graph.snapshot().names.find(ASO_CREDENTIAL);
    if done.site.object.is_some_and(|name| Some(name) != own) {
        return;
    }
    for namespace in attack.namespaces_of(done.site.place) {
        if falls_back(&bridge, namespace) {
            let fact = attack.on(&done, Place::Namespace(namespace), own.filter(|_| done.within == 0));
            attack.follows(vec![fact], Fact::Azure(AzureFact::Loses(namespace)));
        }
    }
}

/// Resources are written in a namespace whose credential can be deleted, or in one that is new.
pub(super) fn without(attack: &mut Attack<'_>, needs: Vec<u32>, set: KindSetIx, namespace: Name) {
    let Some(bridge) = attack.bridge.clone() else { return };
    let Some(credential) = bridge.aso.global_of(namespace) else { return };
    if let Some(who) = bridge.who(credential) {
        uses::acts(attack, &TECHNIQUE, needs, set, (namespace, credential), who);
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let (own, namespace, who) = uses::written(step)?;
    let deleted = ["delete", "deletecollection"].into_iter().find_map(|verb| step.asks(&[verb], "", "secrets"));
    state.with_bridge(|bridge| {
        if namespace == Name::STAR {
            step.asks(&["create"], "", "namespaces").ok_or("no namespace is made")?;
        } else if let Some(deleted) = deleted {
            let named = deleted.name.is_none_or(|name| state.graph.text(name) == ASO_CREDENTIAL);
            if !named || deleted.place != Place::Namespace(namespace) {
                return Err("another Secret is deleted".to_owned());
            }
        } else if bridge.aso.default_of(namespace).step != Step::Global {
            return Err("the namespace has a credential of its own".to_owned());
        }
        let global = bridge.aso.global_of(namespace).ok_or("there is no global credential")?;
        let same = bridge.who(global) == Some(who) && bridge.aso.credential(global).secret == own.credential;
        if same { Ok(()) } else { Err("the global credential is another one".to_owned()) }
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::check;

    #[test]
    fn a_namespace_without_a_credential_has_the_global_one() {
        check(
            "aso
             credential global aso
             credential dev/aso-credential app
             kinds disks.compute
             identity app s1/ids
             identity aso s1/ids
             assign app Contributor s1/rg
             assign aso Contributor s1
             role s: create disks.compute.azure.com
             bind qa/s=s user:alice
             bind dev/s=s user:bob",
            "alice -> limited (disks) on s1: aso-credential-fallback, aso-role
             bob -> limited (disks) on s1/rg: aso-resource-write, aso-role",
        );
    }

    #[test]
    fn a_namespace_that_only_a_trust_names_is_none_to_write_in() {
        let world = |more: &str| {
            format!(
                "aso
                 credential global aso
                 credential dev/aso-credential app
                 credential azureserviceoperator-system/aso-credential app
                 kinds disks.compute
                 identity app s1/ids
                 identity aso s1/ids
                 trust app gone/app
                 assign app Contributor s1/rg
                 assign aso Contributor s1
                 role s: create disks.compute.azure.com
                 bind s user:alice
                 {more}"
            )
        };
        check(&world(""), "alice -> limited (disks) on s1/rg: aso-resource-write, aso-role");
        check(
            &world("namespace gone -"),
            "alice -> limited (disks) on s1: aso-credential-fallback, aso-role",
        );
    }

    #[test]
    fn a_credential_that_can_be_deleted_is_none() {
        check(
            "aso
             credential global aso
             credential dev/aso-credential app
             kinds disks.compute
             identity app s1/ids
             identity aso s1/ids
             assign app Contributor s1/rg
             assign aso Contributor s1
             role s: create disks.compute.azure.com
             role d: delete secrets
             role n: delete secrets aso-credential
             role c: deletecollection secrets
             bind dev/s=s user:alice user:bob user:carol
             bind dev/d=d user:alice
             bind dev/n=n user:bob
             bind dev/c=c user:carol",
            "alice -> limited (disks) on s1: aso-credential-fallback, aso-role
             bob -> limited (disks) on s1: aso-credential-fallback, aso-role
             carol -> limited (disks) on s1: aso-credential-fallback, aso-role",
        );
    }

    #[test]
    fn another_secret_or_another_namespace_is_not_it() {
        check(
            "aso
             credential global aso
             credential dev/aso-credential app
             kinds disks.compute
             identity app s1/ids
             identity aso s1/ids
             assign app Contributor s1/rg
             assign aso Contributor s1
             role s: create disks.compute.azure.com
             role n: delete secrets other
             role d: delete secrets
             bind dev/s=s user:alice user:bob
             bind dev/n=n user:alice
             bind qa/d=d user:bob",
            "alice bob -> limited (disks) on s1/rg: aso-resource-write, aso-role",
        );
    }

    /// Every namespace has a credential of its own, and Alice makes namespaces.
    fn own_everywhere(operator: &str, more: &str) -> String {
        format!(
            "aso {operator}
             credential global aso
             credential dev/aso-credential app
             credential azureserviceoperator-system/aso-credential app
             kinds disks.compute
             identity app s1/ids
             identity aso s1/ids
             assign app Contributor s1/rg
             assign aso Contributor s1
             role s: create disks.compute.azure.com
             role n: create namespaces
             {more}"
        )
    }

    #[test]
    fn a_namespace_that_is_made_has_none() {
        let found = "alice -> limited (disks) on s1: aso-credential-fallback, aso-role";
        check(&own_everywhere("", "bind s user:alice\nbind n user:alice"), found);
        check(
            &own_everywhere("strict", "bind s group:system:authenticated\nbind n user:alice"),
            &format!("system:authenticated -> limited (disks) on s1/rg: aso-resource-write, aso-role\n{found}"),
        );
        // Two identities do a half each.
        check(
            &own_everywhere(
                "",
                "account dev/maker
                 bind n sa:dev/maker
                 role t: impersonate serviceaccounts
                 bind dev/t=t user:alice
                 bind s user:alice",
            ),
            "alice -> limited (disks) on s1: impersonate-serviceaccount, aso-credential-fallback, aso-role",
        );
        // By a role that is bound on the way.
        check(
            &own_everywhere(
                "",
                "role b: bind clusterroles.rbac s; create clusterrolebindings.rbac
                 bind b user:alice
                 bind n user:alice",
            ),
            "alice -> limited (disks) on s1: bind-role, aso-credential-fallback, aso-role",
        );
    }

    #[test]
    fn a_namespace_that_is_made_has_no_role_bindings_and_may_be_no_target() {
        let own = "alice -> limited (disks) on s1/rg: aso-resource-write, aso-role";
        check(&own_everywhere("", "bind dev/s=s user:alice\nbind n user:alice"), own);
        check(&own_everywhere("", "bind s user:alice\nbind dev/n=n user:alice"), own);
        check(&own_everywhere("targets:dev,azureserviceoperator-system", "bind s user:alice\nbind n user:alice"), own);
        let without = own_everywhere("", "bind s user:alice\nbind n user:alice").replace("credential global aso", "");
        check(&without, own);
    }

    #[test]
    fn without_a_global_credential_there_is_nothing_to_fall_back_to() {
        check(
            "aso
             kinds storageaccounts.storage
             identity aso s1/ids
             assign aso Contributor s1
             role s: create storageaccounts.storage.azure.com
             bind dev/s=s user:alice",
            "",
        );
    }

    #[test]
    fn strict_mode_does_not_stop_it() {
        check(
            "aso strict
             credential global aso
             kinds storageaccounts.storage
             identity aso s1/ids
             assign aso Contributor s1
             role s: create storageaccounts.storage.azure.com
             bind dev/s=s user:alice",
            "alice -> limited (storageaccounts) on s1: aso-credential-fallback, aso-role",
        );
    }

    #[test]
    fn a_broken_credential_is_one_until_it_is_deleted() {
        check(
            "aso
             credential global aso
             credential dev/aso-credential app without:AZURE_CLIENT_ID
             kinds storageaccounts.storage
             identity aso s1/ids
             assign aso Contributor s1
             role s: create storageaccounts.storage.azure.com
             role d: delete secrets
             bind dev/s=s user:alice user:bob
             bind dev/d=d user:bob",
            "bob -> limited (storageaccounts) on s1: aso-credential-fallback, aso-role",
        );
    }
}
