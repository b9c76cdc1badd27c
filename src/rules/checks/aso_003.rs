//! ASO-003: least privilege for the identities.

use super::{SECURITY, Check, Checked, Found};
use crate::graph::azure::AzureDecision;
use crate::query::PowerLevel;
use crate::rules::Severity;

/// The check.
pub(super) const CHECK: Check = Check {
    id: "ASO-003",
    title: "Give the identities of credentials no more than their resource groups",
    why: "Whoever may write a resource of ASO acts as the identity behind it, for every kind that is installed. What it holds beyond the resource groups of its namespace is held by all of them.",
    remedy: "Assign a role with the types that are used, at the resource groups that are used, and take the wide assignment away.",
    references: &[SECURITY, "https://azure.github.io/azure-service-operator/guide/authentication/reducing-access/"],
    run,
};

fn run(world: &Checked<'_>, found: &mut Found) {
    let used: Vec<_> = world.rows.iter().filter(|row| world.is_used(row)).collect();
    if !world.power.is_known() && !used.is_empty() {
        found.lacks("the role assignments of Azure (--azure)");
        return;
    }
    for row in used {
        let own = world.credential(row.credential);
        let powers = world.powers(own).unwrap_or_default();
        let too_much = powers.iter().find_map(|power| {
            let severity = match (power.level?, world.is_wide(power.scope)) {
                (PowerLevel::RoleAssignments, true) => Severity::Critical,
                (PowerLevel::RoleAssignments, false) | (PowerLevel::Contributor, true) => Severity::High,
                _ => return None,
            };
            // What is conditional or has to be activated first is not held now.
            Some((if power.decision == AzureDecision::Allowed { severity } else { Severity::Medium }, power))
        });
        let Some((severity, power)) = too_much else { continue };
        let what = format!("the identity of {} is {}", world.holder(own), world.words(power));
        let scope = world.power.graph().scope_text(power.scope).to_owned();
        let client = own.client.map_or("CLIENT-ID", |client| world.text(client));
        let finding = found.add(severity, what);
        finding.because(super::count(row.users.len(), "subject") + " may act by it");
        if let Some((namespace, name)) = own.secret {
            finding.object("Secret", Some(namespace), name, None);
        }
        finding.remedy(format!("az role assignment list --assignee {client} --scope {scope} -o table"));
        finding.remedy(format!("az role assignment delete --assignee {client} --scope {scope} --role ROLE"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::*;

    const ID: &str = "ASO-003";

    #[test]
    fn a_wide_identity_is_found() {
        check_with(ID, "operator ID1", &azure(&[(1, "*", SUBSCRIPTION)]), &format!("critical the identity of Secret aso/aso-controller-settings is role-assignment write (allowed) at {SUBSCRIPTION}"));
    }

    #[test]
    fn a_resource_group_is_enough() {
        let group = format!("{SUBSCRIPTION}/resourceGroups/rg");
        check_with(ID, "operator ID1", &azure(&[(1, "Microsoft.Storage/*", &group)]), "");
        check_with(ID, "operator ID1", &azure(&[(1, "Microsoft.Storage/*", SUBSCRIPTION)]), "");
    }

    #[test]
    fn what_a_condition_lets_be_given_is_told() {
        let only = |conditions: &str| {
            let condition = format!(
                r#""condition": "((!(ActionMatches{{'Microsoft.Authorization/roleAssignments/write'}})) OR ({conditions}))", "principalType""#
            );
            azure(&[(1, "Microsoft.Authorization/roleAssignments/write", SUBSCRIPTION)])
                .replacen("\"principalType\"", &condition, 1)
        };
        let role = "@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {7f951dda-4ed3-4680-a7ca-43fe172d538d}";
        let found = |doubt: &str| {
            format!("medium the identity of Secret aso/aso-controller-settings is role-assignment write ({doubt}) at {SUBSCRIPTION}")
        };
        check_with(ID, "operator ID1", &only(role), &found("conditional: role AcrPull"));
        // There is more to this one.
        let more = format!("{role} AND @Request[a:b] StringEquals 'c'");
        check_with(ID, "operator ID1", &only(&more), &found("conditional"));
    }

    #[test]
    fn another_identity_and_unknown_roles_say_nothing() {
        check_with(ID, "operator ID1", &azure(&[(2, "*", SUBSCRIPTION)]), "");
        check(ID, "operator ID1", "");
        let group = format!("{SUBSCRIPTION}/resourceGroups/rg");
        check_with(ID, "operator ID1", &azure(&[(1, "*", &group)]), &format!("high the identity of Secret aso/aso-controller-settings is role-assignment write (allowed) at {group}"));
    }
}
