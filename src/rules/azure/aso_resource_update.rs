//! `aso-resource-update`: have ASO write a resource that is there. What `aso-resource-change` is about has a file of its own.

use std::rc::Rc;

use super::bridge::{ATTACHING, Allowed};
use super::by_name;
use super::change::{CLUSTER, FEDERATED, FLUX};
use super::facts::{AzureFact, AzureGain, AzureStep, Changed, Power, Types, Who};
use crate::model::azure::KeyVault;
use crate::model::{AsoResource, KindIx};
use crate::query::{CredentialIx, Outcome};
use crate::rules::attack::{Attack, Effect, Fact, How, Place};
use crate::rules::finding::{RequestDone, StepDone};
use crate::rules::replay::State;
use crate::rules::technique::{Blocker, Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "aso-resource-update",
    title: "Have ASO write a resource that is there",
    gain: "that one resource; what is in a key vault, and every identity that a container, an app or a scale set can run as",
    why: "`patch`, or `update` and a verb that reads, do without `create`: ASO sends to Azure what the resource says by then, by \
          any credential of the namespace that it is made to name. It keeps its owner and its name in Azure, so that it is \
          that one resource; but a Vault can let its writer in, and what runs code can be given other code and an identity. \
          A virtual machine runs no other code by being written.",
    remedy: "Leave `update` and `patch` on ASO resources to GitOps, or limit them with resourceNames.",
    confidence: Confidence::Documented,
    attack: &["T1098.001", "T1078.004"],
    references: &[
        "https://azure.github.io/azure-service-operator/guide/security/",
        "https://azure.github.io/azure-service-operator/guide/authentication/credential-scope/",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

const ATTACH: &str = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action";

/// Whether a kind is one of these.
fn is_one_of(kind: KindIx, kinds: &[(&str, &str)]) -> bool {
    kinds.contains(&(kind.facts().group, kind.facts().plural))
}

fn is_vault(kind: KindIx) -> bool {
    is_one_of(kind, &[("keyvault.azure.com", "vaults")])
}

/// Whether a resource of the kind, written anew, runs other code.
fn runs(kind: KindIx) -> bool {
    is_one_of(kind, ATTACHING) && kind.facts().plural != "virtualmachines"
}

/// Whether nothing else says what a change of such a resource gives. Azure keeps role assignments as they are.
fn is_ours(kind: KindIx) -> bool {
    let others = [FEDERATED, CLUSTER, FLUX].map(|(group, plural, _)| (group, plural));
    !is_one_of(kind, &others) && kind.facts().group != "authorization.azure.com"
}

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    let (by, changed) = match fact {
        Fact::Acts(subject) => (Some(subject), by_name::changed(attack, subject)),
        Fact::Bound(role, place) => (None, by_name::changed_under(attack, role, place)),
        Fact::Azure(AzureFact::Changes(changed)) => return writes(attack, id, changed),
        _ => return,
    };
    for (resource, rights) in changed {
        if let Some(kind) = resource.known {
            let fact = Fact::Azure(AzureFact::Changes((kind, resource.namespace, resource.name)));
            attack.step(vec![id], fact, How::Sends(Rc::new(RequestDone { by, rights })));
        }
    }
}

/// What comes of a change by each credential that may write the resource.
fn writes(attack: &mut Attack<'_>, id: u32, changed: Changed) {
    let (kind, namespace, _) = changed;
    let Some(bridge) = attack.bridge.clone().filter(|_| is_ours(kind)) else { return };
    let Some(resource) = bridge.resource(changed) else { return };
    let (Some(azure_id), Some(action)) = (bridge.aso.arm_id(resource), kind.facts().write_action()) else { return };
    let graph = &bridge.azure.graph;
    let (here, near) = (graph.find_scope(&azure_id), graph.locate(&azure_id).scope);
    let mut known: Vec<Who> = Vec::new();
    for credential in bridge.credentials_of(resource) {
        let Some(who) = bridge.who(credential).filter(|who| !known.contains(who)) else { continue };
        known.push(who);
        let Some(at) = bridge.allowed_at(who, &[&action], near) else { continue };
        let base = AzureStep {
            by: Some(who),
            action: Some(("", at.assignment)),
            kind: Some(kind),
            namespace: Some(namespace),
            credential: bridge.aso.credential(credential).secret,
            sure: at.sure,
            ..AzureStep::new(AzureGain::Any)
        };
        let mut power = |power, types, more: Option<Blocker>| {
            let Some(here) = here else { return };
            let step = AzureStep { gain: AzureGain::Power(here, power, types), ..base };
            let fact = Fact::Azure(AzureFact::Power(here, power, types));
            let mut blockers = at.blockers();
            blockers.extend(more);
            attack.does_unless(&TECHNIQUE, vec![id], Effect::Azure(step), fact, blockers);
        };
        power(Power::Limited, Some(Types { first: kind, more: 0 }), None);
        if is_vault(kind) && here.is_some_and(|here| bridge.azure.has_policies(here) != Some(false)) {
            let unread = here.is_some_and(|here| bridge.azure.has_policies(here).is_none());
            let what = "no key vault was read; one that leaves access to role assignments is out of reach";
            power(Power::KeysAndData, None, unread.then(|| Blocker { what: what.to_owned(), stops: false }));
        }
        if runs(kind) {
            attaches(attack, id, base, at);
        }
    }
}

/// Every identity that can be attached by whoever writes what runs code.
fn attaches(attack: &mut Attack<'_>, id: u32, base: AzureStep, write: Allowed) {
    let (Some(bridge), Some(who)) = (attack.bridge.clone(), base.by) else { return };
    for &at in bridge.allowed(who, &[ATTACH]).iter() {
        let mut attach = |at: Allowed, gain, fact| {
            let at = Allowed { sure: at.sure.max(write.sure), ..at };
            let step = AzureStep { gain, action: Some((ATTACH, at.assignment)), sure: at.sure, ..base };
            attack.does_unless(&TECHNIQUE, vec![id], Effect::Azure(step), Fact::Azure(fact), at.blockers());
        };
        if at.whole {
            attach(at, AzureGain::Any, AzureFact::Attaches(at.scope));
            continue;
        }
        // Something is denied somewhere in it, so that each is looked at by itself.
        for &(identity, place) in bridge.identities_in(at.scope).iter() {
            if let Some(own) = bridge.allowed_like(who, &[ATTACH], place, at) {
                attach(own, AzureGain::Token(identity), AzureFact::Token(identity));
            }
        }
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let Effect::Azure(own) = step.effect else { return Err("the step is not in Azure".to_owned()) };
    let (Some(kind), Some(namespace), Some(who)) = (own.kind, own.namespace, own.by) else {
        return Err("no resource is written".to_owned());
    };
    let right = step.changes(kind.facts().group, kind.facts().plural).ok_or("no resource is changed")?;
    let (here, near) = state.with_bridge(|bridge| {
        let is_it = |resource: &&AsoResource| {
            resource.known == Some(kind)
                && right.place == Place::Namespace(resource.namespace)
                && (resource.namespace, Some(resource.name)) == (namespace, right.name)
        };
        let resource = bridge.aso.resources().map(|(resource, _)| resource).find(is_it).ok_or("no such resource is there")?;
        let used = |at: CredentialIx| bridge.who(at) == Some(who) && bridge.aso.credential(at).secret == own.credential;
        let by_itself = [bridge.aso.of_resource(resource).outcome, bridge.aso.default_of(namespace).outcome];
        let applies = by_itself.into_iter().any(|outcome| matches!(outcome, Outcome::Uses(at) if used(at)));
        if !applies && !bridge.aso.named_in(namespace).any(used) {
            return Err("it has no such credential".to_owned());
        }
        let id = bridge.aso.arm_id(resource).ok_or("it is not known what it is in Azure")?;
        Ok((bridge.azure.graph.find_scope(&id), bridge.azure.graph.locate(&id).scope))
    })?;
    let write = kind.facts().write_action().ok_or("it is nothing in Azure")?;
    let mut sure = state.azure_allows(who, &write, near)?;
    match own.gain {
        AzureGain::Power(scope, Power::Limited, types)
            if here == Some(scope) && types == Some(Types { first: kind, more: 0 }) => {}
        AzureGain::Power(scope, Power::KeysAndData, None) if here == Some(scope) && is_vault(kind) => {
            let is_open = |vault: &KeyVault| vault.azure_rbac != Some(true);
            state.with_vaults(|graph, vaults| {
                vaults.is_empty() || vaults.iter().any(|vault| graph.find_scope(&vault.id) == Some(scope) && is_open(vault))
            })?;
        }
        AzureGain::Token(identity) if runs(kind) => {
            let at = state.user_assigned(identity).ok_or("it is no user-assigned identity")?;
            sure = sure.max(state.azure_allows(who, ATTACH, at)?);
        }
        _ => return Err("it does not give that".to_owned()),
    }
    if sure <= own.sure { Ok(()) } else { Err("it is less sure than the step says".to_owned()) }
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::check;

    const IN: &str = "/subscriptions/11111111-0000-0000-0000-000000000001/resourceGroups/rg/providers";

    /// A namespace with a storage account, a vault, a container and a machine that ASO keeps, and who may do what.
    fn world(more: &str) -> String {
        format!(
            "aso
             credential global aso
             kinds storageaccounts.storage vaults.keyvault containergroups.containerinstance virtualmachines.compute
             identity aso s3/ids
             identity big s1/rg
             assign aso Contributor s1
             assign big Owner s2
             resource dev/data storageaccounts.storage spec: {{}}, status: {{id: {IN}/Microsoft.Storage/storageAccounts/data}}
             resource dev/keys vaults.keyvault spec: {{}}, status: {{id: {IN}/Microsoft.KeyVault/vaults/keys}}
             resource dev/job containergroups.containerinstance spec: {{}}, status: {{id: {IN}/Microsoft.ContainerInstance/containerGroups/job}}
             resource dev/vm virtualmachines.compute spec: {{}}, status: {{id: {IN}/Microsoft.Compute/virtualMachines/vm}}
             {more}"
        )
    }

    const DATA: &str = "alice -> limited (storageaccounts) on s1/rg/providers/Microsoft.Storage/storageAccounts/data: aso-resource-update";

    #[test]
    fn that_one_resource_is_written() {
        for (binding, verbs) in [("dev/c", "patch"), ("c", "patch"), ("dev/c", "update,get"), ("dev/c", "update,list")] {
            let rule = format!("role c: {verbs} storageaccounts.storage.azure.com\nbind {binding}=c user:alice");
            check(&world(&rule), DATA);
        }
        check(&world("role c: patch storageaccounts.storage.azure.com data\nbind dev/c=c user:alice"), DATA);
        // The verb that reads may come by a group.
        let halves = "role c: update storageaccounts.storage.azure.com
             bind dev/c=c user:alice
             role g: get storageaccounts.storage.azure.com
             bind g group:system:authenticated";
        check(&world(halves), DATA);
        // By a role that is bound on the way.
        let bound = "role c: patch storageaccounts.storage.azure.com
             role b: bind clusterroles.rbac c; create rolebindings.rbac
             bind dev/b=b user:alice";
        check(&world(bound), &DATA.replace("aso-", "bind-role, aso-"));
    }

    #[test]
    fn another_resource_or_what_does_not_change_it_is_not() {
        for rule in [
            "update storageaccounts.storage.azure.com",
            "get,delete storageaccounts.storage.azure.com",
            "patch storageaccounts.storage.azure.com other",
            "patch,update,get storageaccounts/status.storage.azure.com",
            "patch disks.compute.azure.com",
        ] {
            check(&world(&format!("role c: {rule}\nbind dev/c=c user:alice")), "");
        }
        check(&world("role c: patch storageaccounts.storage.azure.com\nbind qa/c=c user:alice"), "");
    }

    #[test]
    fn who_creates_such_ones_is_told_of_that() {
        let found = "alice -> limited (storageaccounts) on s1: aso-credential-fallback, aso-role";
        let (create, patch) = ("create storageaccounts.storage.azure.com", "patch storageaccounts.storage.azure.com");
        check(&world(&format!("role c: {create}; {patch}\nbind dev/c=c user:alice")), found);
        let halves = format!("role c: {create}\nbind dev/c=c user:alice\nrole p: {patch}\nbind p user:alice");
        check(&world(&halves), found);
    }

    #[test]
    fn a_credential_that_may_not_write_it_does_not() {
        let patch = world("role c: patch storageaccounts.storage.azure.com\nbind dev/c=c user:alice");
        check(&patch.replace("assign aso Contributor s1", "assign aso Contributor s2"), "");
        check(&patch.replace("assign aso Contributor s1", "assign aso Reader s1"), "");
        check(&patch.replace("aso\n", "aso targets:qa\n"), "");
        // Another one of the namespace is named.
        let named = patch.replace("assign aso Contributor s1", "credential dev/app app\nidentity app s3/ids\nassign app Contributor s1/rg");
        check(&named, DATA);
        check(&named.replace("credential dev/app", "credential qa/app"), "");
    }

    #[test]
    fn a_vault_lets_its_writer_in() {
        let patch = |more: &str| world(&format!("role c: patch vaults.keyvault.azure.com\nbind dev/c=c user:alice\n{more}"));
        let keys = "s1/rg/providers/Microsoft.KeyVault/vaults/keys: aso-resource-update";
        let limited = format!("alice -> limited (vaults) on {keys}");
        check(&patch("vault keys s1/rg"), &format!("alice -> keys and data on {keys}\n{limited}"));
        check(&patch("vault keys s1/rg rbac"), &limited);
    }

    #[test]
    fn what_runs_code_is_given_an_identity() {
        let patch = |kind: &str| world(&format!("role c: patch {kind}.azure.com\nbind dev/c=c user:alice"));
        let job = "alice -> limited (containergroups) on s1/rg/providers/Microsoft.ContainerInstance/containerGroups/job: aso-resource-update";
        let found = patch("containergroups.containerinstance");
        check(&found, &format!("alice -> role-assignment write on s2: aso-resource-update, azure-role\n{job}"));
        let weak = "azrole weak ContainerInstance/*\nassign aso weak s1";
        check(&found.replace("assign aso Contributor s1", weak), job);
        // A machine that is there runs what it ran.
        let machine = "alice -> limited (virtualmachines) on s1/rg/providers/Microsoft.Compute/virtualMachines/vm: aso-resource-update";
        check(&patch("virtualmachines.compute"), machine);
    }
}
