//! ASO-004: nobody stands in namespaces with a broad credential.

use super::{SECURITY, Check, Checked, Found, shell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::graph::BindingIx;
use crate::model::Name;
use crate::query::{AsoRight, CredentialIx, Outcome};
use crate::rules::Severity;

/// The check.
pub(super) const CHECK: Check = Check {
    id: "ASO-004",
    title: "Let nobody stand in a namespace whose credential is broad",
    why: "A namespace whose credential is broad is worth a subscription. Rights there should be a group that is empty until somebody activates it, for a reason and for a time.",
    remedy: "Bind a group that is empty by default and whose membership is activated (Privileged Identity Management), and switch local accounts of the cluster off.",
    references: &[SECURITY],
    run,
};

fn run(world: &Checked<'_>, found: &mut Found) {
    let targets = world.targets();
    if !world.power.is_known() && !targets.is_empty() {
        found.lacks("the role assignments of Azure (--azure)");
        return;
    }
    // One finding for all namespaces in which the same people act by the same credential.
    let mut broad = Vec::new();
    let mut by_people: BTreeMap<(Reverse<Severity>, String, CredentialIx), Vec<Name>> = BTreeMap::new();
    for namespace in targets {
        let Outcome::Uses(at) = world.aso.default_of(namespace).outcome else { continue };
        let powers = world.powers(world.credential(at)).unwrap_or_default();
        if world.broad(&powers).is_none() {
            continue;
        }
        broad.push(namespace);
        let people = world.people(&AsoRight::Write(world.kinds), namespace);
        if !people.is_empty() {
            let key = (Reverse(people.severity(Severity::High)), world.people_words(&people), at);
            by_people.entry(key).or_default().push(namespace);
        }
    }
    for ((Reverse(severity), who, at), namespaces) in by_people {
        let powers = world.powers(world.credential(at)).unwrap_or_default();
        let finding = found.add(severity, format!("in {} {who} may act by a broad credential", world.inside(&namespaces)));
        if let Some(power) = world.broad(&powers) {
            finding.because(world.words(power));
        }
        for &namespace in &namespaces {
            finding.object("Namespace", None, namespace, None);
        }
        let bindings = namespaces.iter().flat_map(|&namespace| {
            let holders = world.rights.holders(&AsoRight::Write(world.kinds), namespace);
            let active = world.sorted_out(holders.clone()).active;
            active.into_iter().filter_map(move |subject| holders.get(&subject).copied())
        });
        let bindings: BTreeSet<BindingIx> = bindings.collect();
        for binding in bindings.into_iter().map(|at| world.graph.binding(at)) {
            let (flag, kind) = match binding.namespace {
                Some(namespace) => (format!("-n {} ", world.place(namespace)), "rolebinding"),
                None => (String::new(), "clusterrolebinding"),
            };
            finding.remedy(format!("kubectl {flag}edit {}", world.operand(kind, binding.name)));
        }
        if finding.remedy.is_empty() {
            finding.remedy("kubectl rbac-lens aso -o yaml");
        }
    }
    if !broad.is_empty() {
        local_accounts(world, &broad, found);
    }
}

/// Local accounts are in no group: what is activated for a time holds nobody back who uses one.
fn local_accounts(world: &Checked<'_>, broad: &[Name], found: &mut Found) {
    let Some(cluster) = world.this_cluster().filter(|cluster| cluster.local_accounts_disabled == Some(false)) else { return };
    let name = &cluster.name;
    let what = format!("local accounts of the cluster {name} are on, and the credential of {} is broad", world.inside(broad));
    let finding = found.add(Severity::High, what);
    finding.because("whoever may list the admin credentials of the cluster is cluster-admin by one, whichever groups are empty");
    let group = cluster.id.split('/').nth(4).unwrap_or_default();
    let update = format!("az aks update -g {} -n {}", shell(group), shell(name));
    if !cluster.entra {
        finding.because("nothing is known of Entra integration (aadProfile), without which they cannot be switched off");
        finding.remedy(format!("{update} --enable-aad"));
    }
    finding.remedy(format!("{update} --disable-local-accounts"));
}

#[cfg(test)]
mod tests {
    use super::super::world::*;

    const ID: &str = "ASO-004";

    const WORLD: &str = "operator ID1\nrole dev/w: create storageaccounts.storage.azure.com\nbind dev/w group:team";

    #[test]
    fn who_stands_there_is_found() {
        check_with(ID, WORLD, &azure(&[(1, "*", SUBSCRIPTION)]), "high in namespace dev group:team may act by a broad credential");
    }

    #[test]
    fn a_narrow_credential_is_no_matter() {
        check_with(ID, WORLD, &azure(&[(1, "Microsoft.Storage/*", SUBSCRIPTION)]), "");
        check(ID, WORLD, "");
    }

    #[test]
    fn an_empty_group_and_who_may_do_everything_are_known() {
        let group = r#"{"id": "eeeeeeee-0000-0000-0000-000000000001", "displayName": "team", "securityEnabled": true, "mailNickname": "t", "members": []}"#;
        let azure = azure(&[(1, "*", SUBSCRIPTION)]).replacen('[', &format!("[{group},"), 1);
        check_with(ID, WORLD, &azure, "info in namespace dev group:team, dormant until somebody activates it may act by a broad credential");
        let admin = "operator ID1\nrole w: * *.*\nbind w group:team";
        check_with(ID, admin, &super::super::world::azure(&[(1, "*", SUBSCRIPTION)]), "");
    }

    #[test]
    fn local_accounts_of_this_cluster_go_past_every_group() {
        let cluster = |local: &str| aks("one", "https://one/").replace(r#""location""#, &format!(r#"{local} "location""#));
        let world = "operator ID1";
        let found = "high local accounts of the cluster one are on, and the credential of namespace aso is broad";
        let off = r#""aadProfile": {"managed": true}, "disableLocalAccounts": true,"#;
        for (local, said, actions, expected) in [
            (r#""disableLocalAccounts": false,"#, "one", "*", found),
            (r#""aadProfile": {"managed": true}, "disableLocalAccounts": null,"#, "one", "*", found),
            (off, "one", "*", ""),
            // It is not known, or not of which cluster.
            ("", "one", "*", ""),
            (r#""disableLocalAccounts": false,"#, "", "*", ""),
            (r#""disableLocalAccounts": false,"#, "one", "Microsoft.Storage/*", ""),
        ] {
            let azure = azure(&[(1, actions, SUBSCRIPTION)]).replacen('[', &format!("[{},", cluster(local)), 1);
            check_said(ID, world, &azure, said, expected);
        }
    }

    #[test]
    fn what_aso_says_of_this_cluster_counts() {
        let id = "/subscriptions/1/resourceGroups/c/providers/Microsoft.ContainerService/managedClusters/one";
        let world = |off: bool| {
            format!("{WORLD}\ncr aso/one containerservice/ManagedCluster spec: {{disableLocalAccounts: {off}}}, status: {{id: '{id}'}}")
        };
        let people = "high in namespace dev group:team may act by a broad credential";
        let azure = azure(&[(1, "*", SUBSCRIPTION)]);
        let local = "high local accounts of the cluster one are on, and the credential of namespaces aso, dev is broad";
        check_said(ID, &world(false), &azure, "one", &format!("{people}\n{local}"));
        check_said(ID, &world(true), &azure, "one", people);
    }
}
