//! Azure RBAC: who may do what where, each case a fact of it.

use super::*;
use crate::model::Origin;
use crate::model::azure::{Assigned, Plane, RoleAssignment};

fn assignment(scope: &str, principal: &str, role: &str) -> RoleAssignment {
    RoleAssignment {
        id: String::new(),
        scope: scope.into(),
        principal_id: principal.into(),
        principal_kind: PrincipalKind::User,
        principal_name: String::new(),
        role_id: role.into(),
        role_name: String::new(),
        condition: None,
        assigned: Assigned::Active,
        end: None,
        origin: Origin::LIVE,
    }
}

#[test]
fn a_role_is_inherited_by_whole_segments() {
    let facts = AzureFacts {
        given: true,
        assignments: vec![assignment(
            "/subscriptions/S/resourceGroups/rg1",
            "u",
            "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
        )],
        ..AzureFacts::default()
    };
    let graph = AzureGraph::new(&facts);
    let question = graph.question("microsoft.storage/storageaccounts/write", Plane::Control);
    let user = graph.by_object_id("U").unwrap();
    let decide = |scope: &str| graph.decide(user, &question, graph.locate(scope)).decision;
    assert_eq!(decide("/subscriptions/s/resourcegroups/RG1/providers/x/y/z"), AzureDecision::Allowed);
    assert_eq!(decide("/subscriptions/s/resourcegroups/rg10"), AzureDecision::No);
    assert_eq!(decide("/subscriptions/s"), AzureDecision::No);
    let data = graph.question("microsoft.storage/storageaccounts/write", Plane::Data);
    assert_eq!(
        graph.decide(user, &data, graph.locate("/subscriptions/s/resourcegroups/rg1")).decision,
        AzureDecision::No
    );
}
