//! Azure's side: the engine against a naive judge on random worlds, every form that the data comes in, and what is said of data that cannot
//! be read.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use rbac_lens::collect::{DEMO, DEMO_AZURE, FileOptions, Input, Needs, load, read_azure};
use rbac_lens::graph::{AccessGraph, AzureGraph};
use rbac_lens::model::azure::{Assigned, ClusterKind, Members, Plane, PrincipalKind, Request, fold};
use rbac_lens::model::{ClusterId, Snapshot};
use rbac_lens::query::{Aso, AsoOptions, azure_gaps, this_cluster};
use serde_json::{Value, json};

use super::worlds::azure::{Answer, Asked, GIVEN, judge, questions, world};
use super::worlds::random::Dice;
use super::{ask, ask_with};

fn options() -> FileOptions {
    FileOptions::default()
}

fn read_text(text: &str) -> Result<Snapshot, Vec<String>> {
    let read = read_azure(&[Input::Stdin], &mut text.as_bytes(), &options(), 0);
    let mut snapshot = Snapshot::default();
    read.map_err(|error| error.lines().collect::<Vec<_>>())?.add_to(&mut snapshot);
    Ok(snapshot)
}

/// Resources that ASO made and told the ids of.
const MADE: &str = r#"
{apiVersion: containerservice.azure.com/v1api20231001, kind: ManagedCluster, metadata: {name: k, namespace: dev},
 status: {id: /subscriptions/s/resourceGroups/r/providers/Microsoft.ContainerService/managedClusters/k}}
---
{apiVersion: managedidentity.azure.com/v1api20230131, kind: UserAssignedIdentity, metadata: {name: i, namespace: dev},
 status: {id: /subscriptions/s/resourceGroups/r/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i, clientId: c, principalId: p}}
---
{apiVersion: managedidentity.azure.com/v1api20230131, kind: FederatedIdentityCredential, metadata: {name: f, namespace: dev},
 spec: {issuer: 'https://issuer', subject: 'system:serviceaccount:dev:f'},
 status: {id: /subscriptions/s/resourceGroups/r/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i/federatedIdentityCredentials/f}}
---
{apiVersion: authorization.azure.com/v1api20220401, kind: RoleAssignment, metadata: {name: a, namespace: dev},
 status: {id: /subscriptions/s/providers/Microsoft.Authorization/roleAssignments/a, scope: /subscriptions/s, principalId: p, roleDefinitionId: d}}
---
{apiVersion: authorization.azure.com/v1api20220401, kind: RoleAssignment, metadata: {name: same, namespace: prod},
 status: {id: /subscriptions/s/providers/Microsoft.Authorization/roleAssignments/a, scope: /subscriptions/s, principalId: p, roleDefinitionId: d}}
---
{apiVersion: storage.azure.com/v1api20230101, kind: StorageAccount, metadata: {name: s, namespace: dev},
 status: {id: /subscriptions/s/resourceGroups/r/providers/Microsoft.Storage/storageAccounts/s}}
"#;

/// What is in Azure, and which cluster this is, is the same whether all is read or only what tells that.
#[test]
fn what_asks_azure_needs_little_of_the_cluster() {
    for of_azure in [DEMO_AZURE, &[]] {
        let [all, little] = [Needs::ALL, Needs::default().with_azure()].map(|needs| {
            let options = FileOptions { needs, ..options() };
            let inputs: Vec<Input> = DEMO.iter().map(Input::Embedded).chain([Input::Stdin]).collect();
            let mut snapshot = load(&inputs, &mut MADE.as_bytes(), &options).unwrap();
            if !of_azure.is_empty() {
                let azure: Vec<Input> = of_azure.iter().map(Input::Embedded).collect();
                read_azure(&azure, &mut io::empty(), &options, inputs.len()).unwrap().add_to(&mut snapshot);
            }
            AccessGraph::new(snapshot)
        });
        let [whole, least] = [&all, &little].map(|graph| &graph.snapshot().azure);
        assert_eq!(least, whole);
        let made =
            [&whole.clusters.len(), &whole.identities.len(), &whole.federated_credentials.len(), &whole.from_aso];
        assert!(made.iter().all(|&&of_a_kind| of_a_kind > 0), "{made:?}");
        let [whole, least] =
            [&all, &little].map(|graph| this_cluster(graph, &Aso::new(graph, ClusterId::FIRST, AsoOptions::default())));
        assert_eq!(least, whole);
        assert_eq!(whole.is_some(), !of_azure.is_empty());
        assert!(little.snapshot().aso_resources.len() < all.snapshot().aso_resources.len());
    }
}

/// Azure spells one id in several cases, and the list of today another than that of tomorrow.
#[test]
fn a_fingerprint_is_the_same_however_azure_spells_an_id() {
    let folder = tempfile::tempdir().unwrap();
    let spelled = |to: fn(&str) -> String| {
        for file in DEMO_AZURE {
            let text =
                file.text.replace("resourceGroups", &to("resourceGroups")).replace("providers", &to("providers"));
            std::fs::write(folder.path().join(Path::new(file.name).file_name().unwrap()), text).unwrap();
        }
        let azure = folder.path().to_str().unwrap();
        let found = ask(["escalations", "-f", "examples/contoso", "--azure", azure, "-o", "json"]);
        let found: Value = serde_json::from_str(&found.out).unwrap();
        let items = found["items"].as_array().unwrap().iter();
        items.map(|item| item["fingerprint"].as_str().unwrap().to_owned()).collect::<Vec<String>>()
    };
    let usual = spelled(str::to_owned);
    assert!(!usual.is_empty());
    assert_eq!(spelled(str::to_lowercase), usual);
    assert_eq!(spelled(str::to_uppercase), usual);
}

/// An identity whose roles were read is not said to have unknown ones.
#[test]
fn the_roles_of_an_identity_that_was_asked_for_are_known() {
    let to = |id: &str| ask(["escalations", "--demo", "--from", "group:dev-team", "--to", id, "-o", "tree"]).out;
    let known = to("identity:cccccccc-0000-0000-0000-000000000003");
    assert!(known.contains("landing-zone") && !known.contains("unknown") && !known.contains("not known"), "{known}");
}

/// What the engine says to a question.
fn engine(graph: &AzureGraph<'_>, asked: &Asked) -> Answer {
    let plane = if asked.data { Plane::Data } else { Plane::Control };
    let Some(principal) = graph.by_object_id(&asked.principal) else {
        return Answer { decision: "no", grants: BTreeMap::new() };
    };
    let verdict = graph.decide(principal, &graph.question(asked.action, plane), graph.locate(&asked.scope));
    let grants = verdict.grants.iter().map(|grant| {
        let read = graph.assignment(grant.assignment);
        let through = grant.through.map_or_else(String::new, |through| {
            format!(" by {} {}", graph.principal(through.group).object_id, through.eligible)
        });
        let key = format!(
            "{} at {} {} {}{through}",
            read.role_id,
            fold(&read.scope),
            read.assigned == Assigned::Eligible,
            read.condition.as_ref().map_or(Value::Null, |text| json!(text))
        );
        let permits = GIVEN.map(|role| grant.effect.permits(Request { role, principal: "x", kind: "User" }));
        (key, (grant.decision.as_str(), permits.to_vec()))
    });
    Answer { grants: grants.collect(), decision: verdict.decision.as_str() }
}

#[test]
fn the_engine_and_the_judge_agree_on_random_worlds() {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in 0..200 {
        let mut dice = Dice::new(seed);
        let mut rows = world(&mut dice);
        let questions = questions(&mut dice);
        let judged: Vec<Answer> = questions.iter().map(|asked| judge(&rows, asked)).collect();
        // The order of the rows means nothing.
        dice.shuffle(&mut rows);
        let snapshot = read_text(&json!(rows).to_string()).unwrap();
        let graph = AzureGraph::new(&snapshot.azure);
        for (asked, judged) in questions.iter().zip(judged) {
            let found = engine(&graph, asked);
            assert_eq!(found, judged, "seed {seed}: {asked:?} in {:#}", json!(rows));
            *seen.entry(judged.decision).or_default() += 1;
        }
    }
    for decision in ["allowed", "conditional", "eligible", "unknown", "denied", "no"] {
        assert!(seen.get(decision).is_some_and(|times| *times > 100), "{decision} is hardly ever met: {seen:?}");
    }
}

const SUB: &str = "/subscriptions/11111111-0000-0000-0000-000000000001";

/// The facts of a text that is read without a word.
fn facts(rows: &Value) -> rbac_lens::model::AzureFacts {
    let snapshot = read_text(&rows.to_string()).unwrap();
    assert_eq!((snapshot.warnings.as_slice(), snapshot.gaps.as_slice()), (&[][..], &[][..]), "{rows}");
    snapshot.azure
}

/// The rows of every kind that is read, as the CLI prints them.
fn every_kind() -> Vec<Value> {
    let mut rows: Vec<Value> = Vec::new();
    for file in DEMO_AZURE {
        let value: Value = serde_json::from_str(file.text).unwrap();
        match value.get("value").unwrap_or(&value) {
            Value::Array(list) => rows.extend(list.iter().cloned()),
            one => rows.push(one.clone()),
        }
    }
    rows.extend([
        json!({"id": format!("{SUB}/resourceGroups/arc/providers/Microsoft.Kubernetes/connectedClusters/edge"), "name": "edge",
            "type": "microsoft.kubernetes/connectedclusters", "kind": "ProvisionedCluster",
            "identity": {"type": "SystemAssigned", "principalId": "BBBBBBBB-0000-0000-0000-00000000000A", "tenantId": null},
            "aadProfile": {"enableAzureRBAC": true, "adminGroupObjectIDs": ["EEEEEEEE-0000-0000-0000-000000000005"], "tenantID": null},
            "oidcIssuerProfile": {"enabled": true, "issuerUrl": "https://issuer/"}}),
        json!({"id": format!("{SUB}/resourceGroups/arc/providers/Microsoft.Kubernetes/connectedClusters/edge/providers/\
            Microsoft.HybridContainerService/provisionedClusterInstances/default"),
            "type": "microsoft.hybridcontainerservice/provisionedclusterinstances"}),
        json!({"id": format!("{SUB}/resourceGroups/rg-aks/providers/Microsoft.ContainerService/managedClusters/contoso-aks/identityBindings/b"),
            "type": "Microsoft.ContainerService/managedClusters/identityBindings",
            "managedIdentity": {"clientId": "CCCC", "objectId": "BBBB", "resourceId": "/x/y"}}),
        json!({"id": format!("{SUB}/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso"),
            "type": "Microsoft.ContainerRegistry/registries", "loginServer": "contoso.azurecr.io", "adminUserEnabled": true}),
        json!({"id": format!("{SUB}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv"), "type": "Microsoft.KeyVault/vaults",
            "enableRbacAuthorization": null, "accessPolicies": [{"objectId": "AAAA", "tenantId": "t",
            "permissions": {"keys": ["Get"], "secrets": ["Get", "List"], "certificates": null}}]}),
        json!({"name": "dddddddd", "id": format!("{SUB}/providers/Microsoft.Authorization/roleAssignmentScheduleInstances/1"),
            "type": "Microsoft.Authorization/roleAssignmentScheduleInstances", "scope": SUB, "principalType": "User",
            "principalId": "aaaaaaaa-0000-0000-0000-000000000009", "assignmentType": "Activated",
            "roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"}),
        json!({"id": "given", "principalId": "AAAAAAAA-0000-0000-0000-000000000009", "directoryScopeId": "/",
            "roleDefinitionId": "62e90394-69f5-4237-9190-012177145e10", "principal": {"@odata.type": "#microsoft.graph.user",
            "id": "aaaaaaaa-0000-0000-0000-000000000009", "displayName": "Root", "userPrincipalName": "root@contoso.example"}}),
        json!({"id": "instance", "roleAssignmentOriginId": "activated", "assignmentType": "Activated", "directoryScopeId": "/",
            "principalId": "aaaaaaaa-0000-0000-0000-000000000008", "roleDefinitionId": "62e90394-69f5-4237-9190-012177145e10"}),
        json!({"id": "may", "roleEligibilityScheduleId": "s", "directoryScopeId": "/", "memberType": "Direct",
            "principalId": "aaaaaaaa-0000-0000-0000-000000000007", "roleDefinitionId": "62E90394-69f5-4237-9190-012177145e10"}),
        json!({"id": "part", "principalId": "aaaaaaaa-0000-0000-0000-000000000006", "directoryScopeId": "/administrativeUnits/u",
            "roleDefinitionId": "62e90394-69f5-4237-9190-012177145e10"}),
        json!({"id": "other", "principalId": "aaaaaaaa-0000-0000-0000-000000000005", "directoryScopeId": "/",
            "roleDefinitionId": "fe930be7-5e62-47db-91af-98c3a49a38b1"}),
        json!({"@odata.type": "#microsoft.graph.device", "id": "device", "displayName": "laptop"}),
        json!({"id": "app-object", "appId": "CCCCCCCC-0000-0000-0000-000000000005", "displayName": "legacy-storage",
            "signInAudience": "AzureADMyOrg"}),
    ]);
    rows
}

/// The same rows as Azure Resource Manager has them: nested, but for what the directory says.
fn nested(row: &Value) -> Value {
    let outside = ["id", "name", "type", "location", "identity", "kind", "tags"];
    let Some(fields) = row.as_object().filter(|row| {
        row.get("type").and_then(Value::as_str).is_some_and(|name| name.contains('/'))
            && !row.contains_key("properties")
    }) else {
        return row.clone();
    };
    let (out, mut inside): (serde_json::Map<_, _>, serde_json::Map<_, _>) =
        fields.clone().into_iter().partition(|(key, _)| outside.contains(&key.as_str()));
    if let Some(kind) = inside.remove("roleType") {
        inside.insert("type".to_owned(), kind);
    }
    let mut out = Value::Object(out);
    out["properties"] = Value::Object(inside);
    out
}

/// The same with every key in another case.
fn cased(value: &Value, upper: bool) -> Value {
    match value {
        Value::Object(fields) => {
            let case = |key: &str| if upper { key.to_uppercase() } else { key.to_lowercase() };
            // What is a name and not a key keeps its case: identities by id, add-ons, and what Microsoft Graph marks with an `@`.
            let key = |key: &String| if key.contains(['/', '@']) { key.clone() } else { case(key) };
            Value::Object(fields.iter().map(|(name, value)| (key(name), cased(value, upper))).collect())
        }
        Value::Array(list) => Value::Array(list.iter().map(|value| cased(value, upper)).collect()),
        other => other.clone(),
    }
}

#[test]
fn every_form_says_the_same() {
    let rows = every_kind();
    let told = |facts: rbac_lens::model::AzureFacts| {
        // Where something was read differs, and nothing else.
        let text = format!("{facts:#?}");
        let mut origin = 0;
        text.lines()
            .filter(|line| {
                origin = if line.trim() == "origin: Origin {" { 6 } else { origin - 1 };
                origin <= 0
            })
            .map(|line| format!("{line}\n"))
            .collect::<String>()
    };
    let flat = facts(&json!(rows));
    assert_eq!(flat.assignments.iter().filter(|one| one.assigned == Assigned::Eligible).count(), 3);
    assert_eq!((flat.assignments.len(), flat.roles.len(), flat.denies.len()), (21, 13, 2));
    assert_eq!((flat.group_eligibilities.len(), flat.identities.len(), flat.federated_credentials.len()), (2, 7, 4));
    assert_eq!((flat.clusters.len(), flat.local_clusters.len()), (3, 1));
    assert_eq!((flat.identity_bindings.len(), flat.registries.len(), flat.vaults.len()), (1, 1, 1));
    assert_eq!((flat.groups.len(), flat.management_groups.len(), flat.subscriptions.len()), (6, 2, 2));
    let tenants: Vec<&str> = flat.tenants.iter().map(|seen| seen.id.as_str()).collect();
    assert_eq!(tenants, ["99999999-0000-0000-0000-000000000001"]);
    let told_flat = told(flat);
    let nested: Vec<Value> = rows.iter().map(nested).collect();
    let nested_rows = json!(nested);
    assert_ne!(nested_rows, json!(rows));
    for (form, rows) in [
        ("nested", nested_rows.clone()),
        ("lower-cased", cased(&json!(rows), false)),
        ("upper-cased", cased(&nested_rows, true)),
        ("a page", json!({"value": nested, "nextLink": null})),
        ("a page of the directory", json!({"@odata.context": "x", "value": nested})),
        ("Resource Graph", json!({"count": 3, "data": nested, "skip_token": null, "total_records": 3})),
        ("Resource Graph, raw", json!({"totalRecords": 3, "count": 3, "data": nested, "resultTruncated": "false"})),
    ] {
        assert_eq!(told(facts(&rows)), told_flat, "{form}");
    }
    // One after another, in any order, and twice.
    let mut reversed: Vec<String> = nested.iter().map(Value::to_string).collect();
    reversed.reverse();
    let snapshot = read_text(&[reversed.join("\n"), json!(rows).to_string()].concat()).unwrap();
    assert_eq!(told(snapshot.azure), told_flat);
}

#[test]
fn what_the_rows_say_is_kept() {
    let facts = facts(&json!(every_kind()));
    let aks = facts.clusters.iter().find(|cluster| cluster.name == "contoso-aks").unwrap();
    assert_eq!((aks.local_accounts_disabled, aks.entra, aks.azure_rbac), (Some(false), true, false));
    assert_eq!(aks.fqdn.as_deref(), Some("contoso-aks-00000001.hcp.westeurope.azmk8s.io"));
    assert!(aks.issuer.as_ref().is_some_and(|issuer| issuer.ends_with("/ffffffff-0000-0000-0000-000000000001/")));
    assert_eq!(aks.kubelet.as_ref().map(|ids| ids.client_id.as_str()), Some("cccccccc-0000-0000-0000-000000000006"));
    assert_eq!(aks.control_plane[0].object_id, "bbbbbbbb-0000-0000-0000-000000000007");
    assert_eq!((aks.imds_from_pods, aks.node_resource_group_locked), (Some(true), false));
    let hub = facts.clusters.iter().find(|cluster| cluster.name == "contoso-hub").unwrap();
    assert_eq!((hub.local_accounts_disabled, hub.azure_rbac, hub.node_resource_group_locked), (Some(true), true, true));
    let edge = facts.clusters.iter().find(|one| one.kind != ClusterKind::Aks).unwrap();
    assert_eq!(
        (edge.kind, edge.azure_rbac, edge.control_plane[0].object_id.as_str()),
        (ClusterKind::AzureLocal, true, "bbbbbbbb-0000-0000-0000-00000000000a")
    );
    assert_eq!(edge.admin_group_ids, ["eeeeeeee-0000-0000-0000-000000000005"]);
    assert!(fold(&facts.local_clusters[0].connected_id) == fold(&edge.id));
    assert_eq!(facts.vaults[0].policies[0].permissions, ["secrets/get", "secrets/list", "keys/get"]);
    assert_eq!(facts.vaults[0].azure_rbac, None);
    assert_eq!(facts.registries[0].admin_user, Some(true));
    assert!(facts.denies.iter().all(|deny| deny.enforced && deny.principals.len() == 1));
    let role = facts.roles.iter().find(|role| role.custom).unwrap();
    assert_eq!((role.name.as_str(), role.permissions.len()), ("Contoso ASO prod resources", 1));
    // Of the roles of Entra only that of Global Administrator in the whole directory.
    let directory = facts.assignments.iter().filter(|one| one.scope == "/" && one.id.starts_with("/roleManagement/"));
    let mut directory: Vec<&str> = directory.map(|one| one.id.rsplit_once("directory/").unwrap().1).collect();
    directory.sort_unstable();
    assert_eq!(
        directory,
        ["roleAssignments/activated", "roleAssignments/given", "roleEligibilityScheduleInstances/may"]
    );
    let root = facts.principals.iter().find(|one| one.name == "Root").unwrap();
    assert_eq!((root.kind, root.object_id.as_str()), (PrincipalKind::User, "aaaaaaaa-0000-0000-0000-000000000009"));
    let empty = facts.groups.iter().find(|group| group.name == "prod-breakglass").unwrap();
    assert_eq!(empty.members, Members::Exactly(Vec::new()));
    let legacy = facts.principals.iter().find(|one| one.name == "legacy-storage").unwrap();
    assert_eq!((legacy.kind, legacy.application_id.as_str()), (PrincipalKind::ServicePrincipal, "app-object"));
    assert_eq!(facts.subscriptions[0].parent.as_deref(), Some("contoso"));
}

#[test]
fn the_embedded_azure_side_is_the_folders() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/contoso/azure");
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| format!("examples/contoso/azure/{}", entry.unwrap().file_name().to_str().unwrap()))
        .collect();
    names.sort();
    assert_eq!(DEMO_AZURE.iter().map(|file| file.name).collect::<Vec<_>>(), names);
    let question =
        ["who-can", "--azure-action", "Microsoft.Authorization/roleAssignments/write", "--scope", SUB, "-o", "wide"];
    let demo = ask(question.into_iter().chain(["--demo"]));
    let path = folder.to_str().unwrap();
    let files = ask(question.into_iter().chain(["--azure", path]));
    assert_eq!(demo.out, files.out.replace(&format!("{path}/"), "examples/contoso/azure/"));
    assert!(!demo.out.is_empty());
}

#[test]
fn a_list_that_goes_on_is_a_gap() {
    let row = json!({"principalId": "u", "principalType": "User", "scope": SUB,
        "roleDefinitionId": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"});
    for (key, more) in [
        ("value", json!({"nextLink": "https://management.azure.com/...skipToken=x"})),
        ("value", json!({"@odata.nextLink": "https://graph.microsoft.com/v1.0/..."})),
        ("data", json!({"count": 1, "skip_token": "x"})),
        ("data", json!({"count": 1, "resultTruncated": "true"})),
    ] {
        let mut page = json!({key: [row]});
        for (key, value) in more.as_object().unwrap() {
            page[key] = value.clone();
        }
        let snapshot = read_text(&page.to_string()).unwrap();
        assert_eq!(snapshot.azure.assignments.len(), 1);
        let [gap] = snapshot.gaps.as_slice() else { panic!("{page}: {:?}", snapshot.gaps) };
        assert_eq!((gap.api_group.as_str(), gap.resource.as_str()), ("Microsoft.Authorization", "roleAssignments"));
        assert!(
            gap.message.starts_with("Microsoft.Authorization/roleAssignments: not all pages were saved: "),
            "{gap:?}"
        );
        assert_eq!(snapshot.warnings.len(), 1);
        let question = format!(
            "who-can --azure-action Microsoft.Authorization/roleAssignments/write --scope {SUB} --azure - --strict"
        );
        assert_eq!(ask_with(question.split(' '), &page.to_string()).code, 3);
    }
}

fn gaps(rows: &Value) -> Vec<String> {
    let snapshot = read_text(&rows.to_string()).unwrap();
    azure_gaps(&AzureGraph::new(&snapshot.azure)).into_iter().map(|gap| gap.message).collect()
}

#[test]
fn what_is_missing_is_named() {
    let assign = |principal: &str, kind: &str, role: &str, scope: &str| json!({"principalId": principal, "principalType": kind, "scope": scope, "roleDefinitionId": role});
    let (owner, lost) = ("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "77777777-0000-0000-0000-000000000009");
    let mg = "/providers/Microsoft.Management/managementGroups/m";
    assert_eq!(gaps(&json!([assign("u", "User", owner, SUB)])), [""; 0]);
    let user = json!({"@odata.type": "#microsoft.graph.user", "id": "u"});
    assert_eq!(
        gaps(&json!([user])),
        ["no role assignment of the Azure data was read: `az role assignment list --all`"]
    );
    let rows = json!([
        assign("u", "User", lost, SUB),
        assign("g1", "Group", owner, SUB),
        assign("g2", "Group", owner, SUB),
        assign("u", "User", owner, mg),
        {"@odata.type": "#microsoft.graph.group", "id": "g2", "displayName": "known", "members": []},
        {"@odata.type": "#microsoft.graph.group", "id": "g3", "displayName": "without a role"},
    ]);
    assert_eq!(
        gaps(&rows),
        [
            &format!(
                "what the Azure role {lost} allows is not known: `az role definition list --custom-role-only true` was not read"
            ),
            &format!(
                "which management groups {SUB} lies in is not known, and roles are assigned at some: \
                 `az account management-group show` was not read"
            ),
            "who is in the Azure groups g1 is not known: their members were not read",
        ]
    );
    // Of an answer, those that it depends on.
    let ask_at = |scope: &str| {
        let question =
            format!("who-can --azure-action Microsoft.Authorization/roleAssignments/write --scope {scope} --azure -");
        let outcome = ask_with(question.split(' '), &rows.to_string());
        outcome.notes.iter().filter(|note| note.starts_with("note: w") || note.starts_with("note: no role")).count()
    };
    assert_eq!(ask_at(SUB), 3);
    assert_eq!(ask_at(mg), 0);
    assert_eq!(ask_at("/subscriptions/11111111-0000-0000-0000-000000000009"), 2);
}

#[test]
fn a_federated_credential_of_an_application_leads_to_its_service_principal() {
    let rows = [
        json!({"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#applications('APP-OBJECT')/federatedIdentityCredentials",
            "value": [{"id": "f", "name": "f", "issuer": "https://i/", "subject": "s", "audiences": ["a"]},
                {"id": "e", "name": "e", "issuer": "https://i/", "subject": null, "audiences": ["a"],
                    "claimsMatchingExpression": {"value": "claims['sub'] matches 'x*'", "languageVersion": 1}}]}),
        json!({"id": "app-object", "appId": "c", "displayName": "app", "signInAudience": "AzureADMyOrg"}),
        json!({"id": "p", "appId": "C", "displayName": "app", "servicePrincipalType": "Application"}),
    ];
    let snapshot = read_text(&rows.map(|row| row.to_string()).join("\n")).unwrap();
    let graph = AzureGraph::new(&snapshot.azure);
    let found: Vec<_> = graph.federated_credentials().collect();
    for &credential in &found {
        assert_eq!(graph.federated_principal(credential), graph.by_object_id("p"));
    }
    let many = graph.federated_credential(found[0]);
    assert_eq!((many.subject.as_deref(), many.expression.as_deref()), (None, Some("claims['sub'] matches 'x*'")));
}

/// Each text gives exactly these problems.
fn wrong(text: &str, expected: &[&str]) {
    let found = read_text(text).err().unwrap_or_default();
    assert_eq!(found, expected, "{text:.200}");
}

#[test]
fn what_is_not_azures_json_is_said() {
    const IN: &str = "standard input";
    let said = |line: &str, what: &str| format!("{IN}{line}: {what}");
    for (text, line, what) in [
        ("", "", "it is empty; the command that should have filled it said why on standard error"),
        (" \n", "", "it is empty; the command that should have filled it said why on standard error"),
        (
            "<!DOCTYPE html>\n<html><title>Sign in</title>",
            ":1",
            "this is an HTML page, not JSON; a proxy or a login page answered instead of Azure",
        ),
        ("Name\tState\n", ":1", "this is not JSON; run az with `-o json`, and keep its warnings (2>) out of the file"),
        ("- id: x\n", ":1", "this is not JSON; run az with `-o json`, and keep its warnings (2>) out of the file"),
        ("[\n{\"id\": \"x\",", ":2", "the JSON ends in the middle of an object; was the file cut off?"),
        ("[\n{\"id\" \"x\"}]", ":2", "this is not JSON that Azure writes: expected `:`"),
        ("[] 7", ":1", "this is not JSON that Azure writes: invalid type: integer `7`, expected an object or a list"),
        (
            r#"{"error": {"code": "AuthorizationFailed", "message": "The client does not have authorization\nto do it"}}"#,
            ":1",
            "this is an error that Azure answered: AuthorizationFailed: The client does not have authorization",
        ),
        (
            r#"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}}"#,
            ":1",
            "this is a Kubernetes object; give it with -f, and Azure's data with --azure",
        ),
        (r#"{"value": "x"}"#, ":1", "`value` should be a list"),
        (
            r#"{"count": 1, "data": {"columns": [], "rows": []}}"#,
            ":1",
            "`data` is a table; ask Resource Graph for `objectArray`",
        ),
        ("[\n[],\n\"x\"]", "", ""),
    ] {
        if what.is_empty() {
            let two = [said(":2", "an object was expected here"), said(":3", "an object was expected here")];
            wrong(text, &two.each_ref().map(String::as_str));
        } else {
            wrong(text, &[&said(line, what)]);
        }
    }
    let utf16: Vec<u8> = [0xff_u8, 0xfe].into_iter().chain("[]".encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let error = read_azure(&[Input::Stdin], &mut &utf16[..], &options(), 0).err().unwrap();
    assert_eq!(error.lines().collect::<Vec<_>>(), ["standard input:1: this is UTF-16 text; save it as UTF-8"]);
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_told_from_a_whole_one() {
    for file in DEMO_AZURE {
        let whole = file.text.trim_end();
        for at in (1..whole.len()).step_by(311).filter(|at| whole.is_char_boundary(*at)) {
            let said = read_text(&whole[..at]).err().unwrap_or_else(|| panic!("{} is cut off at {at}", file.name));
            assert_eq!(said.len(), 1, "{said:?}");
            assert!(said[0].ends_with("the JSON ends in the middle of an object; was the file cut off?"), "{said:?}");
        }
    }
}

#[test]
fn rows_that_lack_something_are_named_all_at_once() {
    wrong(
        r##"[
{"type": "Microsoft.Authorization/roleAssignments", "scope": "/", "roleDefinitionId": "x"},
{"type": "Microsoft.Authorization/roleAssignments", "properties": {"principalId": "u", "roleDefinitionId": "x"}},
{"principalId": "u", "scope": "/", "roleDefinitionId": null},
{"principalId": {"id": "u"}, "scope": "/", "roleDefinitionId": "x"},
{"type": "Microsoft.Authorization/roleDefinitions", "name": "x", "id": "x"},
{"type": "Microsoft.Authorization/denyAssignments", "scope": "/", "permissions": [], "principals": [{"type": "User"}]},
{"roleName": "x", "id": "x", "permissions": [{"actions": "*"}]},
{"roleName": "x", "id": "x", "permissions": [{"actions": [7]}]},
{"@odata.type": "#microsoft.graph.group", "displayName": "dev"},
{"principalId": "u", "directoryScopeId": "/", "roleDefinitionId": null},
{"type": "Microsoft.ContainerService/managedClusters", "id": "/x", "disableLocalAccounts": "maybe"}
]"##,
        &[
            "standard input:2: it has no `principalId`, as a role assignment should have it",
            "standard input:3: it has no `scope`, as a role assignment should have it",
            "standard input:4: it has no `roleDefinitionId`, as a role assignment should have it",
            "standard input:5: `principalId` should be text, as a role assignment should have it",
            "standard input:6: it has no `permissions`, as a role definition should have it",
            "standard input:7: a principal of it has no `id`, as a deny assignment should have it",
            "standard input:8: `actions` should be a list, as a role definition should have it",
            "standard input:9: `actions` should be a list of texts, as a role definition should have it",
            "standard input:10: it has no `id`, as a group should have it",
            "standard input:11: it has no `roleDefinitionId`, as a role assignment of Entra should have it",
            "standard input:12: `disableLocalAccounts` should be true or false, as an AKS cluster should have it",
        ],
    );
    // Under --keep-going they are gaps, and the rest is answered.
    let text = format!(
        r#"[{{"principalId": "u", "scope": "/", "roleDefinitionId": null}},
        {{"principalId": "u", "scope": "{SUB}", "roleDefinitionId": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"}}]"#
    );
    let question = format!(
        "who-can --azure-action Microsoft.Authorization/roleAssignments/write --scope {SUB} --azure - --keep-going -o json"
    );
    let outcome = ask_with(question.split(' '), &text);
    let report: Value = serde_json::from_str(&outcome.out).unwrap();
    assert_eq!((report["summary"]["items"].as_u64(), report["summary"]["partial"].as_bool()), (Some(1), Some(true)));
    assert_eq!(report["gaps"][0]["reason"], "unreadable");
}

#[test]
fn what_nobody_reads_is_counted_and_said() {
    let rows = json!([
        {"id": "/x", "type": "Microsoft.Compute/virtualMachines"},
        {"id": "/y", "type": "Microsoft.Compute/virtualMachines", "principalId": "u", "scope": "/", "roleDefinitionId": "x"},
        {"surprise": 1},
        {"@odata.type": "#microsoft.graph.group", "id": "g"},
    ]);
    let snapshot = read_text(&rows.to_string()).unwrap();
    let said: Vec<&str> = snapshot.warnings.iter().map(|warning| warning.message.as_str()).collect();
    assert_eq!(said.len(), 2);
    assert_eq!(said[0], "2 objects of type `Microsoft.Compute/virtualMachines` not used");
    assert!(said[1].starts_with("an object is nothing that is known; expected are role assignments, "), "{said:?}");
    assert_eq!(snapshot.azure.assignments, []);
    // A file that was named and holds nothing else is a mistake; one of a folder may be about other things.
    let nothing = json!([{"id": "/x", "type": "Microsoft.Compute/virtualMachines"}, {"surprise": 1}]).to_string();
    let problems = read_text(&nothing).err().unwrap_or_default();
    assert_eq!(problems.len(), 2, "{problems:?}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("other.json");
    std::fs::write(&file, &nothing).unwrap();
    let ask = |path: &std::path::Path| {
        super::ask_with(
            ["escalations", "-f", "-", "--azure", path.to_str().unwrap()],
            "{apiVersion: v1, kind: Namespace, metadata: {name: dev}}",
        )
    };
    let named = ask(&file);
    assert_eq!(named.code, 2, "{:?}", named.notes);
    assert!(
        named.notes[0].contains("other.json:1: 1 object of type `Microsoft.Compute/virtualMachines` not used"),
        "{:?}",
        named.notes
    );
    let inside = ask(folder.path());
    assert_ne!(inside.code, 2, "{:?}", inside.notes);
    // Nothing to say of nothing.
    for empty in ["[]", "{\"value\": []}", "{\"value\": null}", "{\"data\": null, \"count\": 0}", "[] []"] {
        assert!(read_text(empty).unwrap().warnings.is_empty(), "{empty}");
    }
}

#[test]
fn lists_that_are_null_are_empty() {
    let rows = json!([
        {"name": "77777777-0000-0000-0000-000000000001", "roleName": "r", "assignableScopes": null,
            "permissions": [{"actions": ["*"], "notActions": null, "dataActions": null}]},
        {"denyAssignmentName": "d", "scope": "/", "principals": null, "excludePrincipals": null, "permissions": null},
        {"@odata.type": "#microsoft.graph.group", "id": "g", "members": null},
        {"type": "Microsoft.ContainerService/managedClusters", "id": "/c", "aadProfile": null, "identity": null,
            "identityProfile": null, "addonProfiles": null, "disableLocalAccounts": null},
    ]);
    let facts = facts(&rows);
    assert_eq!(facts.roles[0].permissions[0].actions, ["*"]);
    assert_eq!(facts.denies[0].permissions, []);
    assert_eq!((facts.clusters[0].local_accounts_disabled, facts.clusters[0].entra), (Some(false), false));
    // That a list of members is null says as little as that there is none.
    assert_eq!(facts.groups[0].members, Members::Unread);
}

#[test]
fn data_of_two_tenants_is_warned_about_and_of_two_subscriptions_is_not() {
    let identity = |subscription: u8, tenant: u8| {
        json!({"id": format!("/subscriptions/11111111-0000-0000-0000-{subscription:012}/resourceGroups/rg/providers/\
            Microsoft.ManagedIdentity/userAssignedIdentities/i"), "type": "Microsoft.ManagedIdentity/userAssignedIdentities",
            "tenantId": format!("99999999-0000-0000-0000-{tenant:012}"), "clientId": "c", "principalId": "p"})
    };
    assert_eq!(facts(&json!([identity(1, 1), identity(2, 1)])).identities.len(), 2);
    let snapshot = read_text(&json!([identity(1, 1), identity(2, 2)]).to_string()).unwrap();
    let said: Vec<&str> = snapshot.warnings.iter().map(|warning| warning.message.as_str()).collect();
    assert_eq!(
        said,
        ["the Azure data is of 2 tenants (99999999-0000-0000-0000-000000000001 in standard input, \
          99999999-0000-0000-0000-000000000002 in standard input); principals of one are unknown in the other"]
    );
}

#[test]
fn what_contradicts_itself_is_said_and_what_repeats_itself_is_not() {
    let role = |action: &str| {
        json!({"name": "77777777-0000-0000-0000-000000000001", "roleName": "r",
        "permissions": [{"actions": [action]}]})
    };
    assert_eq!(facts(&json!([role("*"), role("*")])).roles.len(), 1);
    let snapshot = read_text(&json!([role("*"), role("*/read")]).to_string()).unwrap();
    assert_eq!(snapshot.azure.roles[0].permissions[0].actions, ["*/read"]);
    assert_eq!(
        snapshot.warnings[0].message,
        "role `77777777-0000-0000-0000-000000000001` is given twice and not alike; the one read last counts"
    );
}

#[test]
fn nothing_secret_is_kept() {
    let secret = "S3cr3t-Value";
    let rows = json!([
        {"@odata.type": "#microsoft.graph.servicePrincipal", "id": "s", "appId": "a", "displayName": "s",
            "passwordCredentials": [{"secretText": secret, "hint": secret}], "keyCredentials": [{"key": secret}]},
        {"type": "Microsoft.ContainerService/managedClusters", "id": "/c", "servicePrincipalProfile": {"clientId": "x", "secret": secret},
            "windowsProfile": {"adminPassword": secret}},
        {"type": "Microsoft.KeyVault/vaults", "id": "/v", "secret": secret},
        {"type": "Microsoft.Odd/thing", "id": "/v", "secret": secret},
    ]);
    let snapshot = read_text(&rows.to_string()).unwrap();
    let kept = format!("{:?} {:?} {:?}", snapshot.azure, snapshot.warnings, snapshot.gaps);
    assert!(!kept.contains(secret), "{kept}");
    // Nor is it said when a row cannot be read.
    let broken = json!([{"type": "Microsoft.ContainerService/managedClusters", "id": "/c", "fqdn": {"x": secret}}]);
    let said = read_text(&broken.to_string()).err().unwrap().join("");
    assert!(said.contains("`fqdn` should be text") && !said.contains(secret), "{said}");
}

#[test]
fn administrators_of_entra_that_were_not_read_are_missed() {
    let question = "who-can --azure-action microsoft.authorization/elevateAccess/ACTION --scope / --azure - -o name";
    let owner = json!({"principalId": "u", "scope": "/", "roleDefinitionId": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"});
    let missed = |rows: &Value| {
        let outcome = ask_with(question.split(' '), &rows.to_string());
        assert!(outcome.out.contains("principal:u\n"), "{:?}", outcome.notes);
        outcome.notes.iter().any(|line| line.starts_with("note: who is Global Administrator of Entra"))
    };
    assert!(missed(&json!([owner])));
    let global = json!({"id": "x", "principalId": "v", "directoryScopeId": "/",
        "roleDefinitionId": "62e90394-69f5-4237-9190-012177145e10"});
    assert!(!missed(&json!([owner, global])));
}

#[test]
fn a_role_of_entra_is_taken_away_where_microsoft_graph_has_it() {
    let global = json!([{"id": "given", "principalId": "v", "directoryScopeId": "/",
        "roleDefinitionId": "62e90394-69f5-4237-9190-012177145e10"}]);
    let question = "escalations --azure - -f examples/in-cluster --from principal:v -o tree";
    let told = ask_with(question.split(' '), &global.to_string()).out;
    let command =
        "az rest --method delete --url https://graph.microsoft.com/v1.0/roleManagement/directory/roleAssignments/given";
    assert!(told.contains("azure-elevate-access") && told.replace('\'', "").contains(command), "{told}");
    let without = format!("{question} --without roleassignment:/roleManagement/directory/roleAssignments/given");
    assert_eq!(ask_with(without.split(' '), &global.to_string()).out, "");
}

#[test]
fn names_of_azure_steer_no_terminal() {
    let rows = json!([
        {"principalId": "u\u{1b}[31m", "principalType": "User", "principalName": "a@b\u{202e}", "scope": SUB,
            "roleDefinitionId": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "condition": "x\n\u{7}"},
    ]);
    for format in ["table", "wide", "name", "json", "yaml", "ndjson"] {
        let question = format!(
            "who-can --azure-action Microsoft.Authorization/roleAssignments/write --scope {SUB} --azure - -o {format}"
        );
        let outcome = ask_with(question.split(' '), &rows.to_string());
        assert_eq!(outcome.code, 0, "{:?}", outcome.notes);
        assert!(!outcome.out.contains(['\u{1b}', '\u{202e}', '\u{7}']), "{format}: {}", outcome.out);
    }
}

#[test]
fn files_are_read_packed_from_folders_and_beside_manifests() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    let row = |principal: &str| {
        json!([{"principalId": principal, "principalType": "User", "scope": SUB,
            "roleDefinitionId": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"}])
        .to_string()
    };
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    io::Write::write_all(&mut packed, row("u1").as_bytes()).unwrap();
    write("azure/one.json.gz", &packed.finish().unwrap());
    write("azure/below/two.json", ["\u{feff}".as_bytes(), row("u2").as_bytes()].concat().as_slice());
    write("azure/notes.yaml", b"this: is not read");
    write("cluster.yaml", b"{apiVersion: v1, kind: Namespace, metadata: {name: dev}}");
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let azure = path("azure");
    let question = [
        "who-can",
        "--azure-action",
        "Microsoft.Authorization/roleAssignments/write",
        "--scope",
        SUB,
        "--azure",
        &azure,
        "-o",
        "name",
    ];
    assert_eq!(ask(question).out, "principal:u1\nprincipal:u2\n");
    // Kubernetes answers know it was given, and both sides' mistakes are told together.
    let cluster = path("cluster.yaml");
    let report = ask(["who-can", "get", "pods", "-f", &cluster, "--azure", &azure, "-o", "json"]).out;
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["metadata"]["source"]["files"].as_array().unwrap().len(), 3);
    write("broken.json", b"[{");
    write("broken.yaml", b"{");
    let both = ask(["who-can", "get", "pods", "-f", &path("broken.yaml"), "--azure", &path("broken.json")]);
    assert_eq!((both.code, both.notes.len()), (2, 2), "{:?}", both.notes);
    assert!(both.notes[1].contains("broken.json:1: the JSON ends in the middle"), "{:?}", both.notes);
    write("empty/x.txt", b"");
    let none = ask(["who-can", "get", "pods", "-f", &cluster, "--azure", &path("empty")]);
    assert!(
        none.notes[0].ends_with("there is no .json or .ndjson file (or one of these with .gz) in it"),
        "{:?}",
        none.notes
    );
}

#[test]
fn an_identity_is_the_one_that_was_asked_for_whatever_aso_knows_besides() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let id = |last: u32| format!("00000000-0000-0000-0000-0000000000{last:02}");
    // One that only ASO knows, before and after those of the directory.
    let made = |last: u32| {
        let arm =
            format!("{SUB}/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/made{last}");
        format!(
            "---\n{{apiVersion: managedidentity.azure.com/v1api20230131, kind: UserAssignedIdentity, metadata: {{name: made{last}, \
             namespace: dev}}, spec: {{}}, status: {{id: {arm}, clientId: {0}, principalId: {0}, tenantId: {1}}}}}\n",
            id(last),
            id(99)
        )
    };
    std::fs::write(path("cluster.yaml"), made(1) + &made(30)).unwrap();
    let owner = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
    let row = |last: u32| {
        json!({"principalId": id(last), "principalType": "ServicePrincipal", "scope": format!("{SUB}/resourceGroups/rg{last}"),
            "roleDefinitionId": owner})
    };
    std::fs::write(path("azure.json"), json!([row(10), row(20)]).to_string()).unwrap();
    let (cluster, azure) = (path("cluster.yaml"), path("azure.json"));
    for last in [10, 20] {
        let from = format!("principal:{}", id(last));
        let report = ask(["escalations", "--from", &from, "-f", &cluster, "--azure", &azure, "-o", "json"]).out;
        let report: Value = serde_json::from_str(&report).unwrap();
        let holders = report["summary"]["holders"].as_array().unwrap();
        assert!(!holders.is_empty(), "{report}");
        let of_another = |holder: &Value| !holder.to_string().contains(&format!("rg{last}"));
        assert!(!holders.iter().any(of_another), "{from}: {holders:?}");
    }
}
