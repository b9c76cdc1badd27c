//! ASO-008: kinds, identities and Kubernetes rights together.

use super::{SECURITY, Check, Checked, Found};
use crate::query::AsoRight;
use crate::rules::Severity;

/// The check.
pub(super) const CHECK: Check = Check {
    id: "ASO-008",
    title: "Use all three levers: the kinds, the identities and the rights in Kubernetes",
    why: "What somebody can do in Azure through ASO is what all three leave: the kinds that are installed, the roles of the identity, and the rights on the kinds. Each covers for a mistake in the others.",
    remedy: "Narrow the kinds (ASO-006), the identities (ASO-002, ASO-003) and the rights of people (ASO-031) alike.",
    references: &[SECURITY],
    run,
};

fn run(world: &Checked<'_>, found: &mut Found) {
    let broken: Vec<&str> = ["ASO-002", "ASO-003", "ASO-006"].into_iter().filter(|id| found.has(id)).collect();
    if broken.is_empty() {
        return;
    }
    // Who may write every kind that is there, in any namespace.
    let broad = world.targets().into_iter().find_map(|namespace| {
        let people = world.people(&AsoRight::Write(world.kinds), namespace).active;
        let all: Vec<_> = people
            .into_iter()
            .filter(|&subject| world.kinds.iter().count() > 1 && world.rights.kinds_of(subject, namespace).and(&world.kinds) == world.kinds)
            .collect();
        (!all.is_empty()).then_some((namespace, all))
    });
    let Some((namespace, subjects)) = broad else { return };
    let place = world.text(namespace);
    let what = format!("in namespace {place} {} may write every kind, and {} do not hold either", world.names(&subjects), broken.join(", "));
    let finding = found.add(Severity::Info, what);
    finding.object("Namespace", None, namespace, None);
    finding.remedy("kubectl rbac-lens checks --only ASO-002,ASO-003,ASO-006,ASO-031");
}

#[cfg(test)]
mod tests {
    use super::super::world::*;

    const ID: &str = "ASO-008";

    const WORLD: &str = "operator ID1\ncrd vaults.keyvault.azure.com Vault\ncrd storageaccounts.storage.azure.com StorageAccount";

    #[test]
    fn all_three_together_are_told() {
        check(ID, &format!("{WORLD}\nrole dev/w: create *.*\nbind dev/w user:alice"), "info in namespace dev user:alice may write every kind, and ASO-002, ASO-006 do not hold either");
    }

    #[test]
    fn rights_on_some_kinds_are_one_lever() {
        check(ID, &format!("{WORLD}\nrole dev/w: create vaults.keyvault.azure.com\nbind dev/w user:alice"), "");
    }

    #[test]
    fn narrow_identities_and_kinds_are_two() {
        check(ID, "operator AZURE_SUBSCRIPTION_ID: ''\ncredential dev/aso-credential ID1\ncrd vaults.keyvault.azure.com Vault\ncr dev/v keyvault/Vault\nrole dev/w: create *.*\nbind dev/w user:alice", "");
    }
}
