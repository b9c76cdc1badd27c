//! ASO-014: no other clouds.

use super::{AUTHENTICATION, Check, Checked, Found};
use std::collections::BTreeSet;

use crate::model::Subject;
use crate::query::AsoRight;
use crate::rules::Severity;

/// The check.
pub(super) const CHECK: Check = Check {
    id: "ASO-014",
    title: "Do not let credentials name a cloud",
    why: "With ALLOW_MULTI_ENV_MANAGEMENT whoever writes a credential names the address that the operator sends its Azure token to, and the audience of the token: the token can be had, and not only used.",
    remedy: "Set ALLOW_MULTI_ENV_MANAGEMENT to false, and run an operator for each cloud.",
    references: &[AUTHENTICATION, "https://azure.github.io/azure-service-operator/guide/aso-controller-settings-options/"],
    run,
};

fn run(world: &Checked<'_>, found: &mut Found) {
    for (_, operator) in world.aso.operators().filter(|(_, at)| at.is_active() && at.multi_env == Some(true)) {
        let mut writers: BTreeSet<Subject> = BTreeSet::new();
        for namespace in world.targets().into_iter().filter(|&at| operator.reconciles(world.text(at))) {
            writers.extend(world.people(&AsoRight::Write(world.kinds), namespace).active);
        }
        let writers: Vec<Subject> = writers.into_iter().collect();
        let severity = if writers.is_empty() { Severity::High } else { Severity::Critical };
        let place = world.text(operator.namespace);
        let finding = found.add(severity, format!("the operator in {place} lets credentials name a cloud"));
        if !writers.is_empty() {
            finding.because(format!("{} may write resources, and by them credentials", world.names(&writers)));
        }
        if let Some(name) = operator.deployment {
            finding.object("Deployment.apps", Some(operator.namespace), name, None);
        }
        let place = world.place(operator.namespace);
        finding.remedy(format!("kubectl -n {place} patch secret aso-controller-settings -p '{{\"stringData\": {{\"ALLOW_MULTI_ENV_MANAGEMENT\": \"false\"}}}}'"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::*;

    const ID: &str = "ASO-014";

    #[test]
    fn it_is_worse_where_somebody_writes() {
        let world = "operator ALLOW_MULTI_ENV_MANAGEMENT: 'true'";
        check(ID, world, "high the operator in aso lets credentials name a cloud");
        check(ID, &format!("{world}\nrole w: create storageaccounts.storage.azure.com\nbind dev/w=w user:alice"), "critical the operator in aso lets credentials name a cloud");
    }

    #[test]
    fn it_is_off_unless_it_is_on() {
        check(ID, "operator ALLOW_MULTI_ENV_MANAGEMENT: 'false'", "");
        check(ID, "operator ID1", "");
    }

    #[test]
    fn a_word_that_is_not_true_and_an_operator_without_pods_are_no_matter() {
        check(ID, "operator ALLOW_MULTI_ENV_MANAGEMENT: 'yes'", "");
        check(ID, "operator ALLOW_MULTI_ENV_MANAGEMENT: 'true', AZURE_OPERATOR_MODE: webhooks", "");
    }
}
