//! ASO-024: no broad roles given by ASO.

use super::{SECURITY, Check, Checked, Found};
use crate::model::azure::{allows, built_in_role, built_in_roles, fold, last_guid, management_group, matches_strictly};
use crate::model::{AsoOwner, AsoSpec, AsoValueFrom, RoleAssignmentSpec, RoleReference};
use crate::rules::Severity;

/// The check.
pub(super) const CHECK: Check = Check {
    id: "ASO-024",
    title: "Do not give broad roles by ASO",
    why: "A RoleAssignment of a broad role at a subscription or above is as easily written as one on a storage account, and nothing asks twice. One to the identity that writes it is a grant to itself.",
    remedy: "Narrow the role and the scope, and give broad roles by hand.",
    references: &[SECURITY, "https://github.com/Azure/azure-service-operator/issues/3645"],
    run,
};

fn run(world: &Checked<'_>, found: &mut Found) {
    let clients = world.aso.credentials().filter_map(|(_, own)| own.client).map(|id| world.text(id));
    let own: Vec<String> = clients
        .filter_map(|id| world.power.graph().by_client_id(id))
        .map(|at| world.power.graph().principal(at).object_id.clone())
        .collect();
    for (resource, _) in world.aso.resources() {
        let AsoSpec::RoleAssignment(spec) = &resource.spec else { continue };
        let scope = match resource.owner {
            AsoOwner::ArmId(id) => fold(world.text(id)),
            AsoOwner::None | AsoOwner::Named { .. } => continue,
        };
        let wide = scope == "/" || management_group(&scope).is_some() || (scope.starts_with("/subscriptions/") && scope.split('/').count() == 3);
        let principal = match spec.principal {
            AsoValueFrom::Value(id) => Some(id),
            AsoValueFrom::None | AsoValueFrom::ConfigMap { .. } => spec.status_principal,
        };
        let itself = principal.is_some_and(|id| own.iter().any(|own| own.eq_ignore_ascii_case(world.text(id))));
        if !(wide && is_broad(world, spec) || itself) {
            continue;
        }
        let (place, name) = (world.text(resource.namespace), world.text(resource.name));
        let to = if itself { "a credential's own identity" } else { "somebody" };
        let severity = if spec.conditional { Severity::High } else { Severity::Critical };
        let finding = found.add(severity, format!("RoleAssignment {place}/{name} gives {to} a role at {scope}"));
        if spec.conditional {
            finding.because("it has a condition, which is not looked at");
        }
        finding.object("RoleAssignment.authorization.azure.com", Some(resource.namespace), resource.name, Some(resource.origin));
        let operand = world.operand("roleassignments.authorization.azure.com", resource.name);
        finding.remedy(format!("kubectl -n {} delete {operand}", world.place(resource.namespace)));
    }
}

/// Whether a role gives roles, or writes resources of any kind: by its actions, whatever it is called. A role that nobody knows is
/// taken for one that does not.
fn is_broad(world: &Checked<'_>, spec: &RoleAssignmentSpec) -> bool {
    let id = match spec.role {
        RoleReference::ArmId(id) => last_guid(world.text(id)),
        RoleReference::WellKnown(name) => {
            let found = built_in_roles().find(|(_, own)| own.eq_ignore_ascii_case(world.text(name)));
            found.map(|(id, _)| id.to_owned()).unwrap_or_default()
        }
        RoleReference::Named(_) | RoleReference::None => return false,
    };
    fn holds(actions: &[impl AsRef<str>], not: &[impl AsRef<str>]) -> bool {
        ["Microsoft.Authorization/roleAssignments/write", "Microsoft.Any/thing/write"].into_iter().any(|wanted| {
            actions.iter().any(|own| allows(own.as_ref(), wanted))
                && !not.iter().any(|own| matches_strictly(own.as_ref(), wanted))
        })
    }
    let azure = world.power.graph();
    if let Some(blocks) = azure.find_role(&id).and_then(|at| azure.role(at).blocks.clone()) {
        return blocks.iter().map(|&at| azure.block(at)).any(|block| holds(&block.actions, &block.not_actions));
    }
    built_in_role(&id).is_some_and(|role| role.blocks.iter().any(|block| holds(&block.lists[0], &block.lists[1])))
}

#[cfg(test)]
mod tests {
    use super::super::world::*;

    const ID: &str = "ASO-024";

    fn world(owner: &str, role: &str) -> String {
        format!("operator ID1\ncr dev/r authorization/RoleAssignment spec: {{owner: {{armId: {owner}}}, principalId: x, roleDefinitionReference: {{{role}}}}}")
    }

    #[test]
    fn a_broad_role_at_a_subscription_is_found() {
        let told = format!("critical RoleAssignment dev/r gives somebody a role at {SUBSCRIPTION}");
        check(ID, &world(SUBSCRIPTION, "wellKnownName: contributor"), &told);
        let owner = "armId: /providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
        check(ID, &world(SUBSCRIPTION, owner), &told);
        check(ID, &world("/providers/Microsoft.Management/managementGroups/m", "wellKnownName: User Access Administrator"), "critical RoleAssignment dev/r gives somebody a role at /providers/microsoft.management/managementgroups/m");
    }

    #[test]
    fn a_narrow_role_or_scope_is_not() {
        check(ID, &world(SUBSCRIPTION, "wellKnownName: Storage Blob Data Contributor"), "");
        check(ID, &world(&format!("{SUBSCRIPTION}/resourceGroups/rg"), "wellKnownName: Owner"), "");
        check(ID, "operator ID1\ncr dev/r authorization/RoleAssignment spec: {owner: {name: s}, roleDefinitionReference: {wellKnownName: Owner}}", "");
    }

    #[test]
    fn a_grant_to_itself_is_one_at_any_scope() {
        let group = format!("{SUBSCRIPTION}/resourceGroups/rg");
        let own = world(&group, "wellKnownName: Reader").replace("principalId: x", "principalId: bbbbbbbb-0000-0000-0000-000000000001");
        check_with(ID, &own, &azure(&[(1, "*", SUBSCRIPTION)]), &format!("critical RoleAssignment dev/r gives a credential's own identity a role at {}", group.to_lowercase()));
        check_with(ID, &own.replace("000000000001, role", "000000000002, role"), &azure(&[(1, "*", SUBSCRIPTION)]), "");
    }
}
