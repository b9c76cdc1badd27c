//! Azure RBAC: who may do what where. Each case is a rule of it that is easy to get wrong.

use serde_json::{Value, json};

use super::*;
use crate::collect::{FileOptions, Input, read_azure};
use crate::model::Snapshot;
use crate::model::azure::{Plane, Request};

const SUB: &str = "/subscriptions/11111111-0000-0000-0000-000000000001";
const OTHER: &str = "/subscriptions/11111111-0000-0000-0000-000000000002";
const OWNER: &str = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
const CONTRIBUTOR: &str = "b24988ac-6180-42a0-ab88-20f7382dd24c";
const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
const IDENTITY_OPERATOR: &str = "f1a07417-d97a-45cb-824c-7a7467783830";
const WRITE: &str = "Microsoft.Authorization/roleAssignments/write";
const KEYS: &str = "Microsoft.Storage/storageAccounts/listKeys/action";

fn snapshot(rows: &Value) -> Snapshot {
    let options = FileOptions { default_namespace: String::new(), ..FileOptions::default() };
    let text = rows.to_string();
    let read = read_azure(&[Input::Stdin], &mut text.as_bytes(), &options, 0);
    let mut snapshot = Snapshot::default();
    read.map_err(|error| error.lines().collect::<Vec<_>>()).unwrap().add_to(&mut snapshot);
    assert_eq!(snapshot.warnings, [], "{text}");
    snapshot
}

fn with(mut base: Value, more: Value) -> Value {
    for (key, value) in more.as_object().into_iter().flatten() {
        base[key] = value.clone();
    }
    base
}

fn assign(principal: &str, kind: &str, role: &str, scope: &str) -> Value {
    json!({"principalId": principal, "principalType": kind, "scope": scope,
        "roleDefinitionId": format!("{SUB}/providers/Microsoft.Authorization/RoleDefinitions/{}", role.to_uppercase())})
}

fn eligible(principal: &str, kind: &str, role: &str, scope: &str) -> Value {
    with(
        assign(principal, kind, role, scope),
        json!({"type": "Microsoft.Authorization/roleEligibilityScheduleInstances"}),
    )
}

fn role(id: &str, blocks: Value) -> Value {
    json!({"name": id, "roleName": id, "roleType": "CustomRole", "assignableScopes": [], "permissions": blocks})
}

/// A role id that nobody else has.
fn role_id(number: u8) -> String {
    format!("77777777-0000-0000-0000-{number:012}")
}

fn deny(scope: &str, principals: &[&str], more: Value) -> Value {
    let base = json!({"denyAssignmentName": format!("deny {more}"), "scope": scope,
        "principals": principals.iter().map(|id| json!({"id": id, "type": "User"})).collect::<Vec<_>>(),
        "permissions": [{"actions": ["*"], "notActions": ["*/read"]}]});
    with(base, more)
}

fn group(id: &str, members: Value) -> Value {
    json!({"@odata.type": "#microsoft.graph.group", "id": id, "displayName": id, "members": members})
}

fn user(id: &str) -> Value {
    json!({"@odata.type": "#microsoft.graph.user", "id": id})
}

fn decide_plane(rows: &Value, principal: &str, action: &str, plane: Plane, scope: &str) -> Verdict {
    let snapshot = snapshot(rows);
    let graph = AzureGraph::new(&snapshot.azure);
    let principal = graph.by_object_id(principal).unwrap();
    graph.decide(principal, &graph.question(action, plane), graph.locate(scope))
}

fn decide(rows: &Value, principal: &str, action: &str, scope: &str) -> &'static str {
    decide_plane(rows, principal, action, Plane::Control, scope).decision.as_str()
}

#[test]
fn a_role_is_inherited_by_whole_segments_in_any_case() {
    let rows = json!([assign("U", "User", OWNER, &format!("{SUB}/resourceGroups/rg1"))]);
    for (scope, expected) in [
        (format!("{SUB}/resourcegroups/RG1"), "allowed"),
        (format!("{SUB}/resourceGroups/rg1/providers/Microsoft.Storage/storageAccounts/a"), "allowed"),
        (format!("{SUB}/resourceGroups/rg1/providers/Microsoft.X/x/c/namespaces/dev"), "allowed"),
        (format!("{SUB}/resourceGroups/rg10"), "no"),
        (SUB.to_owned(), "no"),
        (OTHER.to_owned(), "no"),
        ("/".to_owned(), "no"),
    ] {
        assert_eq!(decide(&rows, "u", KEYS, &scope), expected, "{scope}");
    }
}

#[test]
fn control_actions_and_data_actions_are_apart() {
    let rows = json!([assign("u", "User", OWNER, SUB)]);
    let action = "Microsoft.ContainerService/managedClusters/pods/read";
    assert_eq!(decide_plane(&rows, "u", action, Plane::Control, SUB).decision, AzureDecision::Allowed);
    assert_eq!(decide_plane(&rows, "u", action, Plane::Data, SUB).decision, AzureDecision::No);
}

#[test]
fn not_actions_belong_to_one_block_of_one_role() {
    let (a, b) = (role_id(1), role_id(2));
    let takes = json!({"actions": ["*"], "notActions": [KEYS]});
    let gives = json!({"actions": ["Microsoft.Storage/*"]});
    for (what, roles, expected) in [
        ("a block takes away from itself", vec![role(&a, json!([takes]))], "no"),
        ("not from another block", vec![role(&a, json!([takes, gives]))], "allowed"),
        ("not from another role", vec![role(&a, json!([takes])), role(&b, json!([gives]))], "allowed"),
    ] {
        let mut rows: Vec<Value> = roles.clone();
        rows.extend(roles.iter().map(|one| assign("u", "User", one["name"].as_str().unwrap(), SUB)));
        assert_eq!(decide(&json!(rows), "u", KEYS, SUB), expected, "{what}");
    }
}

#[test]
fn a_star_in_the_middle_matches_nothing_where_it_grants_and_something_where_it_takes() {
    let assign_action = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action";
    assert_eq!(decide(&json!([assign("u", "User", IDENTITY_OPERATOR, SUB)]), "u", assign_action, SUB), "allowed");
    let id = role_id(1);
    let pattern = "Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action";
    let not = role(&id, json!([{"actions": ["*"], "notActions": [pattern]}]));
    assert_eq!(decide(&json!([not, assign("u", "User", &id, SUB)]), "u", assign_action, SUB), "allowed");
    let block = json!({"permissions": [{"actions": [pattern]}]});
    let rows = json!([assign("u", "User", OWNER, SUB), deny(SUB, &["u"], block)]);
    assert_eq!(decide(&rows, "u", assign_action, SUB), "allowed");
}

#[test]
fn a_definition_that_was_read_counts_and_one_that_nobody_knows_is_not_a_no() {
    assert_eq!(decide(&json!([assign("u", "User", CONTRIBUTOR, SUB)]), "u", WRITE, SUB), "no");
    let changed = role(CONTRIBUTOR, json!([{"actions": ["*"]}]));
    assert_eq!(decide(&json!([assign("u", "User", CONTRIBUTOR, SUB), changed]), "u", WRITE, SUB), "allowed");
    let verdict = decide_plane(&json!([assign("u", "User", &role_id(9), SUB)]), "u", WRITE, Plane::Control, SUB);
    assert_eq!((verdict.decision, verdict.grants[0].unknown), (AzureDecision::Unknown, Some(Standing::Role)));
    // What is surely allowed is not put in doubt.
    let both = json!([assign("u", "User", &role_id(9), SUB), assign("u", "User", OWNER, SUB)]);
    assert_eq!(decide(&both, "u", WRITE, SUB), "allowed");
}

#[test]
fn groups_count_through_groups_and_in_circles() {
    let inner = group("g2", json!([user("u"), {"@odata.type": "#microsoft.graph.group", "id": "g1"}]));
    let rows = json!([
        assign("g1", "Group", OWNER, SUB),
        group("g1", json!([{"@odata.type": "#microsoft.graph.group", "id": "g2"}])),
        inner,
        group("g3", json!([user("v")])),
    ]);
    assert_eq!(decide(&rows, "u", WRITE, SUB), "allowed");
    assert_eq!(decide(&rows, "v", WRITE, SUB), "no");
    let verdict = decide_plane(&rows, "u", WRITE, Plane::Control, SUB);
    let snapshot = snapshot(&rows);
    let graph = AzureGraph::new(&snapshot.azure);
    let name = |ix: PrincipalIx| graph.principal(ix).object_id.as_str();
    assert_eq!(verdict.grants[0].through.map(|through| name(through.group)), Some("g1"));
    let inside: Vec<&str> =
        graph.members_of(graph.by_object_id("g1").unwrap()).iter().map(|one| name(one.group)).collect();
    assert_eq!(inside, ["u"]);
    assert!(!graph.members_unread(graph.by_object_id("g1").unwrap()));
}

#[test]
fn a_group_whose_members_were_not_read_is_known_as_such() {
    let rows = json!([
        assign("g1", "Group", OWNER, SUB),
        {"@odata.type": "#microsoft.graph.group", "id": "g2", "securityEnabled": true},
        group("g3", json!([{"@odata.type": "#microsoft.graph.group", "id": "g2"}])),
        {"@odata.type": "#microsoft.graph.group", "id": "g4", "members": [user("u")],
            "members@odata.nextLink": "https://graph.microsoft.com/v1.0/groups/g4/members?$skiptoken=x"},
        group("g5", json!([])),
    ]);
    let snapshot = snapshot(&rows);
    let graph = AzureGraph::new(&snapshot.azure);
    let unread = |id: &str| graph.members_unread(graph.by_object_id(id).unwrap());
    assert_eq!(["g1", "g2", "g3", "g4", "g5", "u"].map(unread), [true, true, true, true, false, false]);
}

const EVERYONE: &str = DenyAssignment::EVERYONE;

#[test]
fn deny_assignments_come_last() {
    let rg = format!("{SUB}/resourceGroups/rg");
    let below = format!("{rg}/providers/Microsoft.Storage/storageAccounts/a");
    let data_only = json!({"permissions": [{"dataActions": ["*"]}]});
    for (what, deny, scope, expected) in [
        ("at the scope", deny(&rg, &["u"], json!({})), &rg, "denied"),
        ("above", deny(SUB, &["u"], json!({})), &below, "denied"),
        ("below", deny(&below, &["u"], json!({})), &rg, "allowed"),
        ("everyone", deny(&rg, &[EVERYONE], json!({})), &below, "denied"),
        ("somebody else", deny(&rg, &["v"], json!({})), &rg, "allowed"),
        ("a group", deny(&rg, &["g"], json!({})), &rg, "denied"),
        ("audited only", deny(&rg, &["u"], json!({"denyAssignmentEffect": "audit"})), &rg, "allowed"),
        ("enforced", deny(&rg, &["u"], json!({"denyAssignmentEffect": "Enforced"})), &rg, "denied"),
        ("only here, here", deny(&rg, &["u"], json!({"doNotApplyToChildScopes": true})), &rg, "denied"),
        ("only here, below", deny(&rg, &["u"], json!({"doNotApplyToChildScopes": true})), &below, "allowed"),
        ("left out", deny(&rg, &[EVERYONE], json!({"excludePrincipals": [{"id": "u"}]})), &rg, "allowed"),
        ("a group left out", deny(&rg, &[EVERYONE], json!({"excludePrincipals": [{"id": "g"}]})), &rg, "allowed"),
        ("others left out", deny(&rg, &[EVERYONE], json!({"excludePrincipals": [{"id": "v"}]})), &rg, "denied"),
        ("perhaps left out", deny(&rg, &[EVERYONE], json!({"excludePrincipals": [{"id": "unread"}]})), &rg, "unknown"),
        ("data", deny(&rg, &["u"], data_only), &rg, "allowed"),
        ("with a condition", deny(&rg, &["u"], json!({"condition": "x"})), &rg, "conditional"),
        (
            "with a condition in a block",
            deny(&rg, &["u"], json!({"permissions": [{"actions": ["*"], "condition": "x"}]})),
            &rg,
            "conditional",
        ),
    ] {
        let rows = json!([
            assign("u", "User", OWNER, SUB),
            assign("v", "User", OWNER, OTHER),
            group("g", json!([user("u")])),
            {"@odata.type": "#microsoft.graph.group", "id": "unread", "securityEnabled": true},
            deny,
        ]);
        assert_eq!(decide(&rows, "u", KEYS, scope), expected, "{what}");
        // The deny assignment leaves reading alone, or is about something else.
        if what != "with a condition in a block" {
            assert_eq!(decide(&rows, "u", "Microsoft.Storage/storageAccounts/read", scope), "allowed", "{what}");
        }
    }
}

#[test]
fn a_deny_assignment_is_named_with_what_it_takes_away() {
    let rows = json!([assign("u", "User", OWNER, SUB), deny(SUB, &["u"], json!({}))]);
    let verdict = decide_plane(&rows, "u", WRITE, Plane::Control, SUB);
    assert_eq!(verdict.denials, [Denial { deny: DenyIx(0), decision: AzureDecision::Denied }]);
    assert_eq!(verdict.grants.len(), 1);
    // Who has nothing is not denied anything.
    let rows = json!([assign("u", "User", READER, SUB), deny(SUB, &["u"], json!({}))]);
    let verdict = decide_plane(&rows, "u", WRITE, Plane::Control, SUB);
    assert_eq!((verdict.decision, verdict.denials.len()), (AzureDecision::No, 0));
}

#[test]
fn what_has_to_be_activated_is_eligible() {
    let pim = json!({"groupId": "g", "principalId": "v", "accessId": "member"});
    let owner = json!({"groupId": "g", "principalId": "w", "accessId": "owner"});
    let rows = json!([
        eligible("u", "User", OWNER, SUB),
        assign("g", "Group", OWNER, SUB),
        group("g", json!([])),
        pim,
        owner,
        user("w"),
        assign("both", "User", OWNER, SUB),
        eligible("both", "User", OWNER, SUB),
    ]);
    for (principal, expected) in
        [("u", "eligible"), ("v", "eligible"), ("w", "eligible"), ("g", "allowed"), ("both", "allowed")]
    {
        assert_eq!(decide(&rows, principal, WRITE, SUB), expected, "{principal}");
    }
    // Whoever a deny assignment meets only as a member is met once the membership is active.
    let rows = json!([
        assign("g", "Group", OWNER, SUB),
        assign("v", "User", CONTRIBUTOR, SUB),
        group("g", json!([])),
        {"groupId": "g", "principalId": "v", "accessId": "member"},
        deny(SUB, &["g"], json!({})),
    ]);
    assert_eq!(decide(&rows, "v", WRITE, SUB), "denied");
    assert_eq!(decide(&rows, "v", KEYS, SUB), "allowed", "as long as it is not");
}

#[test]
fn management_groups_hold_what_was_read_to_lie_in_them() {
    let tenant = "99999999-0000-0000-0000-000000000001";
    let mg = |name: &str| format!("/providers/Microsoft.Management/managementGroups/{name}");
    let tree = json!({"id": mg(tenant), "type": "Microsoft.Management/managementGroups", "tenantId": tenant,
        "name": tenant, "details": {"parent": null}, "children": [
            {"id": mg("Prod"), "type": "Microsoft.Management/managementGroups", "children": [
                {"id": SUB, "type": "/subscriptions"}]},
            {"id": mg("dev"), "type": "Microsoft.Management/managementGroups", "children": [
                {"id": OTHER, "type": "/subscriptions"}]}]});
    let rg = format!("{SUB}/resourceGroups/rg");
    let world = |scope: &str| json!([assign("u", "User", OWNER, scope), assign("v", "User", READER, &rg), tree]);
    for (assigned, asked, expected) in [
        (mg("prod"), SUB, "allowed"),
        (mg("PROD"), rg.as_str(), "allowed"),
        (mg("prod"), OTHER, "no"),
        (mg("dev"), SUB, "no"),
        (mg(tenant), rg.as_str(), "allowed"),
        ("/".to_owned(), rg.as_str(), "allowed"),
        (mg("prod"), &mg(tenant), "no"),
        (mg("elsewhere"), SUB, "no"),
    ] {
        assert_eq!(decide(&world(&assigned), "u", WRITE, asked), expected, "{assigned} and {asked}");
    }
    // Without the tree nobody knows.
    let unread = json!([assign("u", "User", OWNER, &mg("prod")), assign("v", "User", READER, &rg)]);
    let verdict = decide_plane(&unread, "u", WRITE, Plane::Control, &rg);
    assert_eq!(
        (verdict.decision, verdict.grants[0].unknown),
        (AzureDecision::Unknown, Some(Standing::ManagementGroup))
    );
    assert_eq!(decide(&unread, "u", WRITE, "/"), "no");
    // The root group, which has the tenant's id for a name, holds everything of the tenant.
    let rooted = json!([assign("u", "User", OWNER, &mg(tenant)), {"subscriptionId": SUB.rsplit('/').next(),
        "chain": [{"name": "prod"}, {"name": tenant}]}]);
    assert_eq!(decide(&rooted, "u", WRITE, &rg), "allowed");
    // A circle is left open, and ends.
    let circle = json!([assign("u", "User", OWNER, &mg("a")),
        {"id": mg("a"), "type": "Microsoft.Management/managementGroups", "details": {"parent": {"id": mg("b")}}},
        {"id": mg("b"), "type": "Microsoft.Management/managementGroups", "details": {"parent": {"id": mg("a")}}}]);
    assert_ne!(decide(&circle, "u", WRITE, &mg("b")), "denied");
}

#[test]
fn conditions_of_assignments_and_of_roles_are_kept() {
    let reader_only = format!(
        "((!(ActionMatches{{'{WRITE}'}})) OR (@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] \
         ForAnyOfAnyValues:GuidEquals {{{READER}}}))"
    );
    let rows = json!([with(assign("u", "User", OWNER, SUB), json!({"condition": reader_only}))]);
    let verdict = decide_plane(&rows, "u", WRITE, Plane::Control, SUB);
    assert_eq!(verdict.decision, AzureDecision::Conditional);
    let permits = |role| verdict.grants[0].effect.permits(Request { role, principal: "u", kind: "User" });
    assert_eq!((permits(READER), permits(OWNER)), (Some(true), Some(false)));
    assert_eq!(decide(&rows, "u", KEYS, SUB), "allowed", "the condition is about another action");
    // Key Vault Data Access Administrator may give out roles of Key Vault only, by the role's own condition.
    let vault = "8b54135c-b56d-4d72-a534-26097cfdc8d8";
    let verdict = decide_plane(&json!([assign("u", "User", vault, SUB)]), "u", WRITE, Plane::Control, SUB);
    let secrets_officer = "b86a8fe4-44ce-4948-aee5-eccb2c155cd7";
    let permits = |role| verdict.grants[0].effect.permits(Request { role, principal: "u", kind: "User" });
    assert_eq!(
        (verdict.decision, permits(secrets_officer), permits(OWNER)),
        (AzureDecision::Conditional, Some(true), Some(false))
    );
    // Both conditions hold together: no role of Key Vault is Reader.
    let rows = json!([with(assign("u", "User", vault, SUB), json!({"condition": reader_only}))]);
    assert_eq!(decide(&rows, "u", WRITE, SUB), "no");
    let open = json!([with(assign("u", "User", OWNER, SUB), json!({"condition": "what is this"}))]);
    assert_eq!(decide(&open, "u", KEYS, SUB), "conditional");
}

#[test]
fn every_id_of_an_identity_leads_to_it() {
    let identity = format!("{SUB}/resourcegroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id1");
    let rows = json!([
        {"id": identity, "name": "id1", "type": "Microsoft.ManagedIdentity/userAssignedIdentities",
            "clientId": "CCCC", "principalId": "BBBB", "tenantId": ""},
        {"id": format!("{identity}/federatedIdentityCredentials/f"), "issuer": "https://i/", "subject": "s", "audiences": ["a"],
            "type": "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials"},
        assign("bbbb", "ServicePrincipal", OWNER, SUB),
        with(assign("dddd", "ServicePrincipal", READER, SUB), json!({"principalName": "EEEEEEEE-0000-0000-0000-000000000001"})),
    ]);
    let snapshot = snapshot(&rows);
    let graph = AzureGraph::new(&snapshot.azure);
    let found = graph.by_object_id("BBBB").unwrap();
    assert_eq!(graph.by_client_id("cccc"), Some(found));
    assert_eq!(graph.by_resource(&identity.to_uppercase()), Some(found));
    assert_eq!(graph.principal(found).kind, PrincipalKind::ManagedIdentity);
    // `az` fills in the app id of a service principal as its name.
    assert_eq!(graph.by_client_id("eeeeeeee-0000-0000-0000-000000000001"), graph.by_object_id("dddd"));
    let at = |scope: &str| graph.identities_below(graph.find_scope(scope).unwrap()).collect::<Vec<_>>();
    assert_eq!(at(SUB), [IdentityIx(0)]);
    assert_eq!(at("/"), [IdentityIx(0)]);
    assert_eq!(graph.federated_credentials_of(IdentityIx(0)), [FederatedIx(0)]);
    assert_eq!(graph.federated_principal(FederatedIx(0)), Some(found));
}

#[test]
fn the_tree_of_scopes_is_one() {
    let rows = json!([
        assign(
            "u",
            "User",
            OWNER,
            &format!("{SUB}/resourceGroups/rg/providers/Microsoft.X/y/z/providers/Microsoft.E/e/f")
        ),
        assign("u", "User", OWNER, &format!("{SUB}/providers/Microsoft.X/y/z")),
        assign("u", "User", OWNER, "/providers/Microsoft.Capacity"),
        assign("u", "User", OWNER, "/providers/Microsoft.Capacity/reservationOrders/1"),
    ]);
    let snapshot = snapshot(&rows);
    let graph = AzureGraph::new(&snapshot.azure);
    for scope in graph.scopes() {
        // Whatever lies below lies in between, and nothing else does.
        let within: Vec<ScopeIx> = graph.scopes().filter(|&inner| graph.above(inner).any(|up| up == scope)).collect();
        assert_eq!(graph.below(scope).collect::<Vec<_>>(), within);
        for inner in graph.scopes() {
            assert_eq!(graph.within(scope, inner), within.contains(&inner));
        }
        for child in graph.children(scope) {
            assert_eq!(graph.parent(child), Some(scope));
        }
        assert_eq!(graph.find_scope(graph.scope_text(scope)), Some(scope));
    }
    assert_eq!(graph.children(graph.root()).count(), 2);
    assert_eq!(
        graph.locate(&format!("{SUB}/resourceGroups/new")),
        AzurePlace { scope: graph.find_scope(SUB).unwrap(), below: true }
    );
    assert_eq!(graph.locate("/subscriptions/x"), AzurePlace { scope: graph.root(), below: true });
}
