//! ASO-007: the kinds that give power away.

use super::{SECURITY, Check, Checked, Found};
use std::collections::BTreeSet;

use crate::graph::azure::AzureDecision;
use crate::model::{KindIx, Subject};
use crate::query::{AsoRight, KindSet};
use crate::rules::Severity;

/// The check.
pub(super) const CHECK: Check = Check {
    id: "ASO-007",
    title: "Do not install the kinds that give roles and identities away unless they are needed",
    why: "A RoleAssignment, RoleDefinition or eligibility gives roles, as far as the identity behind it may; a FederatedIdentityCredential lets a token of the writer's choice act as any identity in reach, and a Contributor may write it.",
    remedy: "Delete the definition; where it is needed, keep it to a namespace and an identity of its own, whose assignment has a condition on what it may give.",
    references: &[SECURITY, "https://learn.microsoft.com/azure/role-based-access-control/delegate-role-assignments-overview"],
    run,
};

/// The kinds, by group and plural.
const KINDS: [(&str, &str); 4] = [
    ("authorization.azure.com", "roleassignments"),
    ("authorization.azure.com", "roledefinitions"),
    ("authorization.azure.com", "roleeligibilityschedulerequests"),
    ("managedidentity.azure.com", "federatedidentitycredentials"),
];

fn run(world: &Checked<'_>, found: &mut Found) {
    let installed = world.aso.installed();
    for kind in KINDS.into_iter().filter_map(|(group, plural)| KindIx::of_resource(group, plural)) {
        if installed.has(kind) != Some(true) {
            continue;
        }
        let facts = kind.facts();
        let used = world.aso.resources().filter(|(at, _)| at.known == Some(kind)).count();
        let only: KindSet = [kind].into_iter().collect();
        let mut writers: BTreeSet<Subject> = BTreeSet::new();
        let mut holds = None;
        for namespace in world.targets() {
            let people = world.people(&AsoRight::Write(only), namespace);
            if people.active.is_empty() {
                continue;
            }
            writers.extend(&people.active);
            let credentials = world.aso.named_in(namespace).chain(match world.aso.default_of(namespace).outcome {
                crate::query::Outcome::Uses(at) => Some(at),
                _ => None,
            });
            for at in credentials {
                let powers = world.powers(world.credential(at)).unwrap_or_default();
                let may = powers.into_iter().find(|at| at.kinds.has(kind) && at.decision == AzureDecision::Allowed);
                holds = holds.or(may);
            }
        }
        if used > 0 && writers.is_empty() {
            continue;
        }
        let writers: Vec<Subject> = writers.into_iter().collect();
        let severity = match (&holds, writers.is_empty()) {
            (Some(_), false) => Severity::Critical,
            (None, false) => Severity::High,
            (_, true) => Severity::Medium,
        };
        let who = if writers.is_empty() { "nobody in particular".to_owned() } else { world.names(&writers) };
        let what = format!("{}.{} is installed, {} of it there, and {who} may write it", facts.plural, facts.group, super::count(used, "object"));
        let definition = world.graph.snapshot().aso_definitions.iter().find(|at| at.known == Some(kind));
        let finding = found.add(severity, what);
        if let Some(power) = &holds {
            finding.because(format!("a credential there may: {}", world.words(power)));
        }
        if let Some(at) = definition {
            finding.object("CustomResourceDefinition", None, at.name, Some(at.origin));
        }
        finding.remedy(format!("kubectl delete crd {}.{}", facts.plural, facts.group));
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::*;

    const ID: &str = "ASO-007";

    const CRD: &str = "crd roleassignments.authorization.azure.com RoleAssignment";

    #[test]
    fn who_may_write_it_and_what_it_may_give_counts() {
        let world = format!("operator ID1\n{CRD}\nrole dev/w: create roleassignments.authorization.azure.com\nbind dev/w user:alice");
        let told = "roleassignments.authorization.azure.com is installed, 0 objects of it there, and user:alice may write it";
        check(ID, &world, &format!("high {told}"));
        check_with(ID, &world, &azure(&[(1, "*", SUBSCRIPTION)]), &format!("critical {told}"));
        check_with(ID, &world, &azure(&[(1, "Microsoft.Storage/*", SUBSCRIPTION)]), &format!("high {told}"));
    }

    #[test]
    fn what_is_used_and_written_by_nobody_else_is_needed() {
        check(ID, &format!("operator ID1\n{CRD}\ncr dev/r authorization/RoleAssignment"), "");
        check(ID, "operator ID1\ncrd storageaccounts.storage.azure.com StorageAccount", "");
    }

    #[test]
    fn another_kind_of_the_group_and_nobody_are_told_apart() {
        let world = format!("operator ID1\n{CRD}\nrole dev/w: create userassignedidentities.managedidentity.azure.com\nbind dev/w user:alice");
        check(ID, &world, "medium roleassignments.authorization.azure.com is installed, 0 objects of it there, and nobody in particular may write it");
    }
}
