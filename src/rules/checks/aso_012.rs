//! ASO-012: nobody falls up to the global credential.

use super::{SCOPES, Check, Checked, Found};
use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::model::{ASO_CREDENTIAL, Name};
use crate::query::{AsoRight, CredentialIx};
use crate::rules::Severity;

/// The check.
pub(super) const CHECK: Check = Check {
    id: "ASO-012",
    title: "Let nobody delete the credential of a namespace that falls back to a global one",
    why: "A namespace whose aso-credential is deleted is served by the global credential, without a word. Who may delete it and write a resource steps from the narrow identity up to the broad one; strict mode does not stop that.",
    remedy: "Have no global credential, or keep aso-credential from being deleted by an admission policy.",
    references: &[SCOPES],
    run,
};

fn run(world: &Checked<'_>, found: &mut Found) {
    let Some(own) = world.graph.snapshot().names.find(ASO_CREDENTIAL) else { return };
    // One finding for all namespaces in which the same people may.
    let mut by_people: BTreeMap<(Reverse<Severity>, String, CredentialIx), Vec<Name>> = BTreeMap::new();
    for namespace in world.targets() {
        let (Some(_), Some(global)) = (world.aso.in_secret(namespace, own), world.aso.global_of(namespace)) else { continue };
        let mut people = world.people(&AsoRight::DeleteSecret(own), namespace);
        // Somebody has to write a resource as well.
        let writers = world.rights.holders(&AsoRight::Write(world.kinds), namespace);
        if writers.is_empty() || people.is_empty() {
            continue;
        }
        people.active.sort_unstable();
        let key = (Reverse(people.severity(Severity::High)), world.people_words(&people), global);
        by_people.entry(key).or_default().push(namespace);
    }
    for ((Reverse(severity), who, global), namespaces) in by_people {
        let inside = world.inside(&namespaces);
        let what = format!("in {inside} {who} may delete aso-credential, and the global credential serves it then");
        let finding = found.add(severity, what);
        finding.because(format!("the global credential is {}", world.holder(world.credential(global))));
        for &namespace in &namespaces {
            finding.object("Secret", Some(namespace), own, None);
        }
        let place = namespaces.first().map_or("NAMESPACE".to_owned(), |&namespace| world.place(namespace));
        finding.remedy(format!("kubectl rbac-lens who-can delete secrets {ASO_CREDENTIAL} -n {place}"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::*;

    const ID: &str = "ASO-012";

    const WORLD: &str = "operator ID1\ncredential dev/aso-credential ID2\nrole w: create storageaccounts.storage.azure.com\nbind dev/w=w user:bob";

    #[test]
    fn who_may_delete_it_is_found() {
        check(ID, &format!("{WORLD}\nrole d: delete secrets\nbind dev/d=d user:alice"), "high in namespace dev user:alice may delete aso-credential, and the global credential serves it then");
    }

    #[test]
    fn without_a_global_one_nothing_serves_it() {
        check(ID, &format!("{}\nrole d: delete secrets\nbind dev/d=d user:alice", WORLD.replace("operator ID1", "operator AZURE_SUBSCRIPTION_ID: ''")), "");
    }

    #[test]
    fn another_secret_and_another_namespace_are_no_matter() {
        check(ID, &format!("{WORLD}\nrole d: delete secrets other\nbind dev/d=d user:alice"), "");
        check(ID, &format!("{WORLD}\nrole d: delete secrets\nbind prod/d=d user:alice"), "");
    }
}
