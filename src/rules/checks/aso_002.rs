//! ASO-002: namespace scope and no global credential.

use super::{SCOPES, SECURITY, Check, Checked, Found};
use crate::rules::Severity;

/// The check.
pub(super) const CHECK: Check = Check {
    id: "ASO-002",
    title: "Give each namespace a credential of its own, and have no global one",
    why: "The global credential serves every namespace that has none of its own: those of today, those that are made tomorrow, and those whose aso-credential somebody deletes.",
    remedy: "Make an aso-credential in each namespace that needs one, empty the three ids of the global settings, and restart the operator.",
    references: &[SCOPES, SECURITY],
    run,
};

fn run(world: &Checked<'_>, found: &mut Found) {
    for (_, operator) in world.aso.operators().filter(|(_, operator)| operator.is_active()) {
        let Some(at) = operator.global.filter(|_| operator.global_known) else { continue };
        let own = world.credential(at);
        let powers = world.powers(own).unwrap_or_default();
        let broad = world.broad(&powers);
        let severity = if broad.is_some() { Severity::Critical } else { Severity::High };
        let served = world.rows.iter().find(|row| row.credential == at).map_or(0, |row| row.namespaces.len());
        let namespace = world.text(operator.namespace);
        let what = format!("the operator in {namespace} has a global credential, which serves {}", super::count(served, "namespace"));
        let finding = found.add(severity, what);
        if let Some(power) = broad {
            finding.because(world.words(power));
        }
        if let Some((namespace, name)) = own.secret {
            finding.object("Secret", Some(namespace), name, None);
        }
        let empty = "{\"stringData\": {\"AZURE_SUBSCRIPTION_ID\": \"\", \"AZURE_TENANT_ID\": \"\", \"AZURE_CLIENT_ID\": \"\"}}";
        let namespace = world.place(operator.namespace);
        finding.remedy(format!("kubectl -n {namespace} patch secret aso-controller-settings -p '{empty}'"));
        if let Some(name) = operator.deployment {
            finding.remedy(format!("kubectl -n {namespace} rollout restart {}", world.operand("deployment", name)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::*;

    const ID: &str = "ASO-002";

    #[test]
    fn a_global_credential_is_found_and_worse_when_it_is_broad() {
        let world = "operator ID1\nnamespace dev baseline";
        check(ID, world, "high the operator in aso has a global credential, which serves 2 namespaces");
        check_with(ID, world, &azure(&[(1, "*", SUBSCRIPTION)]), "critical the operator in aso has a global credential, which serves 2 namespaces");
    }

    #[test]
    fn without_one_there_is_nothing_to_find() {
        check(ID, "operator AZURE_SUBSCRIPTION_ID: '', AZURE_CLIENT_ID: cccccccc-0000-0000-0000-000000000001\ncredential dev/aso-credential ID1", "");
    }

    #[test]
    fn a_narrow_one_is_no_broad_one_and_webhooks_have_none() {
        let group = format!("{SUBSCRIPTION}/resourceGroups/rg");
        check_with(ID, "operator ID1", &azure(&[(1, "*", &group)]), "high the operator in aso has a global credential, which serves 1 namespace");
        check(ID, "operator ID1, AZURE_OPERATOR_MODE: webhooks", "");
    }
}
