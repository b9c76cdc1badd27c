//! ASO-004: nobody stands in namespaces with a broad credential.

use super::{SECURITY, Check, Checked, Found};
use crate::query::{AsoRight, Outcome};
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
    for namespace in targets {
        let Outcome::Uses(at) = world.aso.default_of(namespace).outcome else { continue };
        let own = world.credential(at);
        let powers = world.powers(own).unwrap_or_default();
        let Some(power) = world.broad(&powers) else { continue };
        let people = world.people(&AsoRight::Write(world.kinds), namespace);
        if people.is_empty() {
            continue;
        }
        let place = world.text(namespace);
        let what = format!("in namespace {place} {} may act by a broad credential", world.people_words(&people));
        let finding = found.add(people.severity(Severity::High), what);
        finding.because(world.words(power)).object("Namespace", None, namespace, None);
        finding.remedy(format!("kubectl rbac-lens aso -n {place} -o yaml"));
        for &subject in &people.active {
            if let Some(&binding) = world.rights.holders(&AsoRight::Write(world.kinds), namespace).get(&subject) {
                let binding = world.graph.binding(binding);
                let (flag, kind) = match binding.namespace {
                    Some(namespace) => (format!("-n {} ", world.text(namespace)), "rolebinding"),
                    None => (String::new(), "clusterrolebinding"),
                };
                finding.remedy(format!("kubectl {flag}edit {kind} {}", world.text(binding.name)));
            }
        }
    }
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
}
