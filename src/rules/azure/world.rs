//! Lines about Azure and ASO in the small worlds for the tests of techniques.

use serde_json::{Value, json};

/// The objects and the Azure data that the lines of a world stand for, and the lines that are left.
///
/// ```text
/// aso [strict]                       the operator, with its settings
/// credential NS/NAME IDENTITY [password]   a credential; `global` for the operator's own
/// kinds PLURAL.GROUP...              the kinds that are installed, without `.azure.com`
/// identity NAME SCOPE                a user-assigned identity in a resource group
/// azrole NAME ACTION,... [-ACTION,...]     a custom role
/// assign WHO ROLE SCOPE [eligible|CONDITION]  to an identity or a group
/// trust IDENTITY NS/ACCOUNT          a federated credential for an account of the cluster `one`
/// aks NAME SCOPE [off] [entra] [locked]  a cluster in a resource group, its nodes in SCOPE-nodes
/// people GROUP [MEMBER...]           a group of the directory with all its members; `+NAME` for one who may activate it
/// deny SCOPE ACTION                  a deny assignment for everybody
/// ```
///
/// Scopes are `/`, `s1` for a subscription, `s1/rg` for a resource group.
pub(in crate::rules) fn split(world: &str) -> (String, Vec<Value>) {
    let (mut left, mut azure) = (String::new(), Vec::new());
    for line in world.lines().map(str::trim) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["aso", more @ ..] => left.push_str(&operator(more, world)),
            ["credential", "global", ..] => {}
            ["credential", place, who, more @ ..] => left.push_str(&credential(place, who, more)),
            ["kinds", kinds @ ..] => kinds.iter().for_each(|kind| left.push_str(&definition(kind))),
            ["identity", name, place] => azure.push(identity(name, place)),
            ["azrole", name, more @ ..] => azure.push(role(name, more)),
            ["assign", who, role, place, more @ ..] => azure.push(assign(world, who, role, place, &more.join(" "))),
            ["trust", who, account] => azure.push(trust(world, who, account)),
            ["aks", name, place, more @ ..] => azure.push(cluster(name, place, more)),
            ["people", group, members @ ..] => azure.extend(people(group, members)),
            ["deny", place, action] => azure.push(deny(place, action)),
            _ => {
                left.push_str(line);
                left.push('\n');
            }
        }
    }
    (left, azure)
}

/// A GUID for a name, the same every time.
fn guid(kind: &str, name: &str) -> String {
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{}-0000-0000-0000-{:012x}", kind.repeat(8), hash & 0xffff_ffff_ffff)
}

const TENANT: &str = "99999999-0000-0000-0000-000000000001";

fn scope(text: &str) -> String {
    if text == "/" {
        return text.to_owned();
    }
    let (subscription, group) = text.split_once('/').unwrap_or((text, ""));
    let number: u32 = subscription.trim_start_matches('s').parse().unwrap();
    let subscription = format!("/subscriptions/11111111-0000-0000-0000-{number:012}");
    if group.is_empty() { subscription } else { format!("{subscription}/resourceGroups/{group}") }
}

/// A scope as the lines write it.
pub(in crate::rules) fn short(text: &str) -> String {
    let mut text = text.to_owned();
    for number in 1..=3 {
        text = text.replace(&format!("/subscriptions/11111111-0000-0000-0000-{number:012}"), &format!("s{number}"));
    }
    text.replace("/resourceGroups/", "/")
}

fn operator(more: &[&str], world: &str) -> String {
    let global = world.lines().find_map(|line| line.trim().strip_prefix("credential global "));
    let mut words = global.unwrap_or_default().split_whitespace();
    let who = words.next();
    let id = |id: &str| who.map_or(String::new(), |_| id.to_owned());
    let client = who.map(|who| guid("c", who)).unwrap_or_default();
    let password = if words.next() == Some("password") { ", AZURE_CLIENT_SECRET: x" } else { "" };
    let strict = if more.contains(&"strict") { "strict" } else { "" };
    let keys = ["AZURE_SUBSCRIPTION_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_WORKLOAD_IDENTITY_AUTH_MODE"];
    let env = keys.map(|key| {
        format!("{{name: {key}, valueFrom: {{secretKeyRef: {{name: aso-controller-settings, key: {key}}}}}}}")
    });
    format!(
        "namespace azureserviceoperator-system restricted\n\
         account azureserviceoperator-system/azureserviceoperator-default\n\
         yaml {{apiVersion: v1, kind: Secret, metadata: {{name: aso-controller-settings, namespace: azureserviceoperator-system}}, \
         stringData: {{AZURE_SUBSCRIPTION_ID: \"{}\", AZURE_TENANT_ID: \"{}\", AZURE_CLIENT_ID: \"{client}\", \
         AZURE_WORKLOAD_IDENTITY_AUTH_MODE: \"{strict}\", USE_WORKLOAD_IDENTITY_AUTH: \"true\"{password}}}}}\n\
         yaml {{apiVersion: apps/v1, kind: Deployment, metadata: {{name: azureserviceoperator-controller-manager, \
         namespace: azureserviceoperator-system, labels: {{app.kubernetes.io/name: azure-service-operator}}}}, \
         spec: {{selector: {{matchLabels: {{a: b}}}}, template: {{metadata: {{labels: {{a: b}}}}, \
         spec: {{serviceAccountName: azureserviceoperator-default, containers: [{{name: manager, \
         image: \"mcr.microsoft.com/k8s/azureserviceoperator:v2.20.0\", env: [{}]}}]}}}}}}}}\n",
        id("11111111-0000-0000-0000-000000000001"),
        id(TENANT),
        env.join(", ")
    )
}

fn credential(place: &str, who: &str, more: &[&str]) -> String {
    let (namespace, name) = place.split_once('/').unwrap();
    let password = if more.contains(&"password") { ", AZURE_CLIENT_SECRET: x" } else { "" };
    format!(
        "yaml {{apiVersion: v1, kind: Secret, metadata: {{name: {name}, namespace: {namespace}}}, stringData: \
         {{AZURE_SUBSCRIPTION_ID: 11111111-0000-0000-0000-000000000001, AZURE_TENANT_ID: {TENANT}, \
         AZURE_CLIENT_ID: {}{password}}}}}\n",
        guid("c", who)
    )
}

fn definition(kind: &str) -> String {
    let (plural, group) = kind.split_once('.').unwrap();
    let group = format!("{group}.azure.com");
    let known = crate::model::KindIx::of_resource(&group, plural).unwrap_or_else(|| panic!("no kind {kind}"));
    format!(
        "yaml {{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {{name: {plural}.{group}, \
         labels: {{app.kubernetes.io/name: azure-service-operator}}}}, spec: {{group: {group}, scope: Namespaced, \
         names: {{kind: {}, plural: {plural}}}, versions: [{{name: v1api20230131, served: true, storage: true}}]}}}}\n",
        known.facts().kind
    )
}

fn resource_id(name: &str, place: &str) -> String {
    format!("{}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}", scope(place))
}

fn identity(name: &str, place: &str) -> Value {
    json!({
        "id": resource_id(name, place), "name": name, "tenantId": TENANT, "clientId": guid("c", name),
        "principalId": guid("b", name), "type": "Microsoft.ManagedIdentity/userAssignedIdentities",
    })
}

fn role(name: &str, more: &[&str]) -> Value {
    let list = |minus: bool| -> Vec<String> {
        let mine = more.iter().filter(|word| word.starts_with('-') == minus);
        mine.flat_map(|word| word.trim_start_matches('-').split(','))
            .map(|action| format!("Microsoft.{action}"))
            .collect()
    };
    json!({
        "id": format!("/providers/Microsoft.Authorization/roleDefinitions/{}", guid("d", name)),
        "name": guid("d", name), "roleName": name, "roleType": "CustomRole",
        "type": "Microsoft.Authorization/roleDefinitions", "assignableScopes": ["/"],
        "permissions": [{"actions": list(false), "notActions": list(true), "dataActions": [], "notDataActions": []}],
    })
}

fn assign(world: &str, who: &str, role: &str, place: &str, more: &str) -> Value {
    let role_id = match role {
        "Owner" => "8e3af657-a8ff-443c-a75c-2fe8c4bcb635".to_owned(),
        "Contributor" => "b24988ac-6180-42a0-ab88-20f7382dd24c".to_owned(),
        "Reader" => "acdd72a7-3385-48ef-bd42-f606fba81ae7".to_owned(),
        other => guid("d", other),
    };
    let group = world.lines().any(|line| line.trim().starts_with(&format!("people {who}")));
    let id = if group { guid("e", who) } else { guid("b", who) };
    let kind = if group { "Group" } else { "ServicePrincipal" };
    let place = scope(place);
    let name = guid("f", &format!("{who}{role}{place}"));
    let eligible = more == "eligible";
    let condition = (!more.is_empty() && !eligible).then_some(more);
    let at = if place == "/" { "" } else { place.as_str() };
    let table = if eligible { "roleEligibilityScheduleInstances" } else { "roleAssignments" };
    json!({
        "id": format!("{at}/providers/Microsoft.Authorization/{table}/{name}"), "name": name,
        "type": format!("Microsoft.Authorization/{table}"),
        "properties": {
            "scope": place, "principalId": id, "principalType": kind, "condition": condition,
            "roleDefinitionId": format!("/providers/Microsoft.Authorization/roleDefinitions/{role_id}"),
        },
    })
}

fn trust(world: &str, who: &str, account: &str) -> Value {
    let place = world.lines().find_map(|line| line.trim().strip_prefix(&format!("identity {who} "))).unwrap();
    json!({
        "id": format!("{}/federatedIdentityCredentials/{}", resource_id(who, place), guid("f", account)),
        "name": guid("f", account),
        "type": "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
        "issuer": "https://issuer.example/one/", "audiences": ["api://AzureADTokenExchange"],
        "subject": format!("system:serviceaccount:{}", account.replace('/', ":")),
    })
}

fn cluster(name: &str, place: &str, more: &[&str]) -> Value {
    let (_, group) = place.split_once('/').unwrap();
    let restriction = if more.contains(&"locked") { "ReadOnly" } else { "Unrestricted" };
    json!({
        "id": format!("{}/providers/Microsoft.ContainerService/managedClusters/{name}", scope(place)), "name": name,
        "type": "Microsoft.ContainerService/managedClusters", "fqdn": format!("{name}.example"),
        "nodeResourceGroup": format!("{group}-nodes"), "disableLocalAccounts": more.contains(&"off"),
        "aadProfile": more.contains(&"entra").then(|| json!({"managed": true, "enableAzureRbac": false})),
        "oidcIssuerProfile": {"enabled": true, "issuerUrl": format!("https://issuer.example/{name}/")},
        "nodeResourceGroupProfile": {"restrictionLevel": restriction},
    })
}

fn people(group: &str, members: &[&str]) -> Vec<Value> {
    let (later, now): (Vec<&str>, Vec<&str>) = members.iter().partition(|member| member.starts_with('+'));
    let member = |name: &str| {
        json!({"@odata.type": "#microsoft.graph.user", "id": guid("a", name), "displayName": name,
               "userPrincipalName": format!("{name}@contoso.example")})
    };
    let now: Vec<Value> = now.into_iter().map(member).collect();
    let mut all = vec![json!({
        "@odata.type": "#microsoft.graph.group", "id": guid("e", group), "displayName": group,
        "securityEnabled": true, "members": now,
    })];
    all.extend(later.into_iter().map(|name| {
        let name = name.trim_start_matches('+');
        json!({"id": guid("f", name), "principalId": guid("a", name), "groupId": guid("e", group), "accessId": "member",
               "memberType": "direct", "eligibilityScheduleId": guid("f", name)})
    }));
    all
}

fn deny(place: &str, action: &str) -> Value {
    let name = guid("f", &format!("{place}{action}"));
    json!({
        "id": format!("{}/providers/Microsoft.Authorization/denyAssignments/{name}", scope(place)), "name": name,
        "type": "Microsoft.Authorization/denyAssignments",
        "properties": {
            "denyAssignmentName": "no", "scope": scope(place), "doNotApplyToChildScopes": false,
            "permissions": [{"actions": [format!("Microsoft.{action}")], "notActions": [], "dataActions": [], "notDataActions": []}],
            "principals": [{"id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined"}],
            "excludePrincipals": [], "isSystemProtected": false,
        },
    })
}
