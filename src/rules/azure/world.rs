//! Lines about Azure and ASO in the small worlds for the tests of techniques.

use serde_json::{Value, json};

/// A world in which somebody has tokens of the identity `app`, with its roles and whatever else.
pub(super) fn app(more: &str) -> String {
    format!(
        "account dev/app
         identity app s3/ids
         trust app dev/app
         role t: create serviceaccounts/token
         bind dev/t=t user:alice
         {more}"
    )
}

/// The objects and the Azure data that the lines of a world stand for, and the lines that are left.
///
/// ```text
/// aso [strict] [clouds] [webhooks] [down] [targets:NS,...] [image:TAG]   the operator, with its settings
/// credential NS/NAME IDENTITY [password] [without:KEY]   a credential; `global` for the operator's own
/// copied NAMESPACES                  where the Secrets of credentials may be copied to; `*` for anywhere, `no` for nowhere
/// kinds PLURAL.GROUP...              the kinds that are installed, without `.azure.com`
/// resource NS/NAME PLURAL.GROUP FIELDS   a custom resource of such a kind, with its fields as YAML
/// identity NAME SCOPE                a user-assigned identity in a resource group
/// azrole NAME ACTION,... [-ACTION,...] [at:SCOPE,...]   a custom role, and where it may be assigned; anywhere if it does not say
/// assign WHO ROLE SCOPE [eligible|CONDITION]  to an identity, or to a group that the world has
/// administers WHO [eligible|ROLE]    a role of Entra for the whole directory; Global Administrator if none is named
/// trust IDENTITY NS/ACCOUNT [CLUSTER [AUDIENCE]]   a federated credential for an account of a cluster, `one` if none is named
/// aks NAME SCOPE [off] [entra] [locked] [noimds] [kubelet:IDENTITY]   a cluster in a resource group, its nodes in SCOPE-nodes
/// arc NAME SCOPE [azurerbac] [local]  a cluster connected by Arc in a resource group; `local` is AKS on Azure Local
/// uses CLUSTER IDENTITY              an identity binding of a cluster
/// vault NAME SCOPE [rbac]            a key vault, with access policies unless `rbac`
/// people GROUP [MEMBER...]           a group of the directory with all its members; `+NAME` for one who may activate it
/// deny SCOPE ACTION [audit] [protected] [but:WHO]   a deny assignment for everybody
/// ```
///
/// Scopes are `/`, `s1` for a subscription, `s1/rg` for a resource group, `s1/rg/NAME` for an identity in it. In the text of objects
/// `in:CLUSTER/NS` is a namespace of an AKS cluster, `managed:CLUSTER/NS` a managed one, `in:CLUSTER` the cluster itself.
/// `<NAME>` is the client id of an identity, `<object NAME>` its object id and `<id NAME>` its resource id.
pub(in crate::rules) fn split(world: &str) -> (String, Vec<Value>) {
    let (mut left, mut azure) = (String::new(), Vec::new());
    for line in world.lines().map(str::trim) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["aso", more @ ..] => left.push_str(&operator(more, world)),
            ["resource", name, kind, ..] => left.push_str(&resource(name, kind, &filled(world, line))),
            ["credential", "global", ..] | ["copied", ..] => {}
            ["credential", place, who, more @ ..] => left.push_str(&credential(world, place, who, more)),
            ["kinds", kinds @ ..] => kinds.iter().for_each(|kind| left.push_str(&definition(kind))),
            ["identity", name, place] => azure.push(identity(name, place)),
            ["azrole", name, more @ ..] => azure.push(role(name, more)),
            ["assign", who, role, place, more @ ..] => azure.push(assign(world, who, role, place, &more.join(" "))),
            ["administers", who, more @ ..] => azure.push(administers(world, who, more)),
            ["trust", who, account, more @ ..] => azure.push(trust(world, who, account, more)),
            ["aks", name, place, more @ ..] => azure.push(cluster(world, name, place, more)),
            ["arc", name, place, more @ ..] => azure.push(connected(name, place, more)),
            ["uses", cluster, who] => azure.push(binding(world, cluster, who)),
            ["vault", name, place, more @ ..] => azure.push(vault(name, place, more)),
            ["people", group, members @ ..] => azure.extend(people(world, group, members)),
            ["deny", place, action, more @ ..] => azure.push(deny(world, place, action, more)),
            _ => {
                left.push_str(&filled(world, line));
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
    let mut parts = text.splitn(3, '/');
    let number: u32 = parts.next().unwrap().trim_start_matches('s').parse().unwrap();
    let subscription = format!("/subscriptions/11111111-0000-0000-0000-{number:012}");
    match (parts.next(), parts.next()) {
        (Some(group), Some(name)) => resource_id(name, &format!("s{number}/{group}")),
        (Some(group), None) => format!("{subscription}/resourceGroups/{group}"),
        (None, _) => subscription,
    }
}

/// The ids that a line has in brackets, in their place.
fn filled(world: &str, line: &str) -> String {
    let mut text = line.to_owned();
    while let Some((before, rest)) = text.split_once('<') {
        let (name, after) = rest.split_once('>').unwrap();
        let id = match name.split_once(' ') {
            Some(("object", name)) => guid("b", name),
            Some(("id", name)) => resource_id(name, place_of(world, name)),
            _ => guid("c", name),
        };
        text = format!("{before}{id}{after}");
    }
    text
}

/// Where an identity of the world is.
fn place_of<'w>(world: &'w str, who: &str) -> &'w str {
    let place = world.lines().find_map(|line| line.trim().strip_prefix(&format!("identity {who} ")));
    place.unwrap_or_else(|| panic!("no identity {who}"))
}

/// The ids of an identity.
fn ids(world: &str, who: &str) -> Value {
    json!({"clientId": guid("c", who), "objectId": guid("b", who), "resourceId": resource_id(who, place_of(world, who))})
}

/// A scope as the lines write it.
pub(in crate::rules) fn short(text: &str) -> String {
    let mut text = text.to_owned();
    for number in 1..=3 {
        text = text.replace(&format!("/subscriptions/11111111-0000-0000-0000-{number:012}"), &format!("s{number}"));
    }
    text.replace("/resourceGroups/", "/").replace("/providers/Microsoft.ManagedIdentity/userAssignedIdentities/", "/")
}

/// The settings that the operator of a world has from its Secret.
const KEYS: [&str; 9] = [
    "AZURE_SUBSCRIPTION_ID",
    "AZURE_TENANT_ID",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_WORKLOAD_IDENTITY_AUTH_MODE",
    "USE_WORKLOAD_IDENTITY_AUTH",
    "AZURE_OPERATOR_MODE",
    "AZURE_TARGET_NAMESPACES",
    "ALLOW_MULTI_ENV_MANAGEMENT",
];

fn operator(more: &[&str], world: &str) -> String {
    let global = world.lines().find_map(|line| line.trim().strip_prefix("credential global "));
    let mut words = global.unwrap_or_default().split_whitespace();
    let who = words.next();
    let id = |id: &str| who.map_or(String::new(), |_| id.to_owned());
    let client = who.map(|who| guid("c", who)).unwrap_or_default();
    let password = if words.next() == Some("password") { ", AZURE_CLIENT_SECRET: x" } else { "" };
    let strict = if more.contains(&"strict") { "strict" } else { "" };
    let mode = if more.contains(&"webhooks") { "webhooks" } else { "both" };
    let clouds = more.contains(&"clouds");
    let replicas = u8::from(!more.contains(&"down"));
    let targets = more.iter().find_map(|word| word.strip_prefix("targets:")).unwrap_or_default();
    let tag = more.iter().find_map(|word| word.strip_prefix("image:")).unwrap_or("v2.20.0");
    let env = KEYS.map(|key| {
        format!("{{name: {key}, valueFrom: {{secretKeyRef: {{name: aso-controller-settings, key: {key}}}}}}}")
    });
    format!(
        "namespace azureserviceoperator-system restricted\n\
         account azureserviceoperator-system/azureserviceoperator-default\n\
         yaml {{apiVersion: v1, kind: Secret, metadata: {{name: aso-controller-settings, namespace: azureserviceoperator-system}}, \
         stringData: {{AZURE_SUBSCRIPTION_ID: \"{}\", AZURE_TENANT_ID: \"{}\", AZURE_CLIENT_ID: \"{client}\", \
         AZURE_WORKLOAD_IDENTITY_AUTH_MODE: \"{strict}\", USE_WORKLOAD_IDENTITY_AUTH: \"{}\", \
         AZURE_OPERATOR_MODE: {mode}, ALLOW_MULTI_ENV_MANAGEMENT: \"{clouds}\", AZURE_TARGET_NAMESPACES: \"{targets}\"{password}}}}}\n\
         yaml {{apiVersion: apps/v1, kind: Deployment, metadata: {{name: azureserviceoperator-controller-manager, \
         namespace: azureserviceoperator-system, labels: {{app.kubernetes.io/name: azure-service-operator}}}}, \
         spec: {{replicas: {replicas}, selector: {{matchLabels: {{a: b}}}}, template: {{metadata: {{labels: {{a: b}}}}, \
         spec: {{serviceAccountName: azureserviceoperator-default, containers: [{{name: manager, \
         image: \"mcr.microsoft.com/k8s/azureserviceoperator:{tag}\", env: [{}]}}]}}}}}}}}\n",
        id("11111111-0000-0000-0000-000000000001"),
        id(TENANT),
        password.is_empty(),
        env.join(", ")
    )
}

fn credential(world: &str, place: &str, who: &str, more: &[&str]) -> String {
    let (namespace, name) = place.split_once('/').unwrap();
    let mut entries = vec![
        ("AZURE_SUBSCRIPTION_ID", "11111111-0000-0000-0000-000000000001".to_owned()),
        ("AZURE_TENANT_ID", TENANT.to_owned()),
        ("AZURE_CLIENT_ID", guid("c", who)),
    ];
    if more.contains(&"password") {
        entries.push(("AZURE_CLIENT_SECRET", "x".to_owned()));
    }
    entries.retain(|(key, _)| !more.contains(&format!("without:{key}").as_str()));
    let entries: Vec<String> = entries.iter().map(|(key, value)| format!("{key}: {value}")).collect();
    let copied = world.lines().find_map(|line| line.trim().strip_prefix("copied "));
    let notes = copied.map(|namespaces| {
        let reflector = "reflector.v1.k8s.emberstack.com/reflection-allowed";
        let list = match namespaces {
            "*" => String::new(),
            list => format!(", {reflector}-namespaces: \"{list}\""),
        };
        format!(", annotations: {{{reflector}: \"{}\"{list}}}", namespaces != "no")
    });
    format!(
        "yaml {{apiVersion: v1, kind: Secret, metadata: {{name: {name}, namespace: {namespace}{}}}, stringData: {{{}}}}}\n",
        notes.unwrap_or_default(),
        entries.join(", ")
    )
}

/// A custom resource, whose fields follow its kind on the line.
fn resource(name: &str, kind: &str, line: &str) -> String {
    let (namespace, name) = name.split_once('/').unwrap();
    let (_, known) = known(kind);
    let fields = line.split_once(kind).unwrap().1.trim();
    let fields = if fields.is_empty() { String::new() } else { format!(", {fields}") };
    format!(
        "yaml {{apiVersion: {}/v1api20230131, kind: {}, metadata: {{name: {name}, namespace: {namespace}}}{fields}}}\n",
        known.group, known.kind
    )
}

/// A kind of the table, with its plural.
fn known(kind: &str) -> (&str, &'static crate::model::AsoKind) {
    let (plural, group) = kind.split_once('.').unwrap();
    let found = crate::model::KindIx::of_resource(&format!("{group}.azure.com"), plural);
    (plural, found.unwrap_or_else(|| panic!("no kind {kind}")).facts())
}

fn definition(kind: &str) -> String {
    let (plural, known) = known(kind);
    let group = known.group;
    format!(
        "yaml {{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {{name: {plural}.{group}, \
         labels: {{app.kubernetes.io/name: azure-service-operator}}}}, spec: {{group: {group}, scope: Namespaced, \
         names: {{kind: {}, plural: {plural}}}, versions: [{{name: v1api20230131, served: true, storage: true}}]}}}}\n",
        known.kind
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
    let places: Vec<String> =
        more.iter().filter_map(|word| word.strip_prefix("at:")).flat_map(|list| list.split(',')).map(scope).collect();
    let places = if places.is_empty() { vec!["/".to_owned()] } else { places };
    let list = |minus: bool| -> Vec<String> {
        let mine = more.iter().filter(|word| word.starts_with('-') == minus && !word.starts_with("at:"));
        mine.flat_map(|word| word.trim_start_matches('-').split(','))
            .map(|action| format!("Microsoft.{action}"))
            .collect()
    };
    json!({
        "id": format!("/providers/Microsoft.Authorization/roleDefinitions/{}", guid("d", name)),
        "name": guid("d", name), "roleName": name, "roleType": "CustomRole",
        "type": "Microsoft.Authorization/roleDefinitions", "assignableScopes": places,
        "permissions": [{"actions": list(false), "notActions": list(true), "dataActions": [], "notDataActions": []}],
    })
}

fn assign(world: &str, who: &str, role: &str, place: &str, more: &str) -> Value {
    let role_id = match role {
        "Owner" => "8e3af657-a8ff-443c-a75c-2fe8c4bcb635".to_owned(),
        "Contributor" => "b24988ac-6180-42a0-ab88-20f7382dd24c".to_owned(),
        "Access" => "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9".to_owned(),
        "Reader" => "acdd72a7-3385-48ef-bd42-f606fba81ae7".to_owned(),
        "AksClusterAdmin" => "b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b".to_owned(),
        "AksAdmin" => "3498e952-d568-435e-9b2c-8d77e338d7f7".to_owned(),
        "ArcViewer" => "63f0a09d-1495-4db4-a681-037d84835eb4".to_owned(),
        "LocalAdmin" => "b5092dac-c796-4349-8681-1a322a31c3f9".to_owned(),
        "ArcClusterAdmin" => "8393591c-06b9-48a2-a542-1bd6b377f6a2".to_owned(),
        "AksReader" => "7f6c6a51-bcf8-42ba-9220-52d62157d7db".to_owned(),
        other => guid("d", other),
    };
    let (id, kind) = principal(world, who);
    let place = scope_in(world, place);
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

fn administers(world: &str, who: &str, more: &[&str]) -> Value {
    let (id, _) = principal(world, who);
    let role = match more {
        [] | ["eligible"] => "62e90394-69f5-4237-9190-012177145e10".to_owned(),
        [role, ..] => guid("d", role),
    };
    let mut row = json!({
        "id": guid("f", &format!("{who}{role}")), "principalId": id, "directoryScopeId": "/", "roleDefinitionId": role,
    });
    if more == ["eligible"] {
        row["roleEligibilityScheduleId"] = json!(guid("e", who));
    }
    row
}

fn trust(world: &str, who: &str, account: &str, more: &[&str]) -> Value {
    let cluster = more.first().unwrap_or(&"one");
    let audience = more.get(1).unwrap_or(&"api://AzureADTokenExchange");
    let name = guid("f", &format!("{account}{cluster}"));
    json!({
        "id": format!("{}/federatedIdentityCredentials/{name}", resource_id(who, place_of(world, who))), "name": name,
        "type": "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
        "issuer": format!("https://issuer.example/{cluster}/"), "audiences": [audience],
        "subject": format!("system:serviceaccount:{}", account.replace('/', ":")),
    })
}

fn cluster(world: &str, name: &str, place: &str, more: &[&str]) -> Value {
    let (_, group) = place.split_once('/').unwrap();
    let restriction = if more.contains(&"locked") { "ReadOnly" } else { "Unrestricted" };
    let azure = more.contains(&"azurerbac");
    let entra = azure || more.contains(&"entra");
    let kubelet = more.iter().find_map(|word| word.strip_prefix("kubelet:")).map(|who| ids(world, who));
    json!({
        "id": format!("{}/providers/Microsoft.ContainerService/managedClusters/{name}", scope(place)), "name": name,
        "type": "Microsoft.ContainerService/managedClusters", "fqdn": format!("{name}.example"),
        "nodeResourceGroup": format!("{group}-nodes"), "disableLocalAccounts": more.contains(&"off"),
        "aadProfile": entra.then(|| json!({"managed": true, "enableAzureRbac": azure})),
        "oidcIssuerProfile": {"enabled": true, "issuerUrl": format!("https://issuer.example/{name}/")},
        "nodeResourceGroupProfile": {"restrictionLevel": restriction},
        "identityProfile": kubelet.map(|ids| json!({"kubeletidentity": ids})),
        "networkProfile": {"podLinkLocalAccess": if more.contains(&"noimds") { "None" } else { "IMDS" }},
    })
}

/// A cluster that is connected by Arc.
fn connected(name: &str, place: &str, more: &[&str]) -> Value {
    json!({
        "id": format!("{}/providers/Microsoft.Kubernetes/connectedClusters/{name}", scope(place)), "name": name,
        "type": "Microsoft.Kubernetes/connectedClusters",
        "kind": more.contains(&"local").then_some("ProvisionedCluster"),
        "oidcIssuerProfile": {"enabled": true, "issuerUrl": format!("https://issuer.example/{name}/")},
        "aadProfile": {"enableAzureRBAC": more.contains(&"azurerbac")},
    })
}

/// The resource id of a cluster of the world.
fn cluster_id(world: &str, name: &str) -> String {
    let line = |kind: &str| world.lines().find_map(|line| line.trim().strip_prefix(&format!("{kind} {name} ")));
    let (place, provider) = match (line("aks"), line("arc")) {
        (Some(place), _) => (place, "Microsoft.ContainerService/managedClusters"),
        (None, place) => (place.unwrap(), "Microsoft.Kubernetes/connectedClusters"),
    };
    format!("{}/providers/{provider}/{name}", scope(place.split_whitespace().next().unwrap()))
}

/// A scope that may be in a cluster.
fn scope_in(world: &str, text: &str) -> String {
    if let Some((cluster, namespace)) = text.strip_prefix("managed:").and_then(|inside| inside.split_once('/')) {
        return format!("{}/managedNamespaces/{namespace}", cluster_id(world, cluster));
    }
    let Some(inside) = text.strip_prefix("in:") else { return scope(text) };
    match inside.split_once('/') {
        Some((cluster, namespace)) => format!("{}/namespaces/{namespace}", cluster_id(world, cluster)),
        None => cluster_id(world, inside),
    }
}

fn binding(world: &str, name: &str, who: &str) -> Value {
    let cluster = cluster_id(world, name);
    json!({
        "id": format!("{cluster}/identityBindings/{who}"), "name": who,
        "type": "Microsoft.ContainerService/managedClusters/identityBindings",
        "properties": {"managedIdentity": ids(world, who)},
    })
}

fn vault(name: &str, place: &str, more: &[&str]) -> Value {
    json!({
        "id": format!("{}/providers/Microsoft.KeyVault/vaults/{name}", scope(place)), "name": name,
        "type": "Microsoft.KeyVault/vaults", "tenantId": TENANT,
        "properties": {"enableRbacAuthorization": more.contains(&"rbac"), "accessPolicies": []},
    })
}

/// The object id of an identity or of a group that the world has, and which of them it is.
fn principal(world: &str, who: &str) -> (String, &'static str) {
    let group = world.lines().any(|line| line.trim().starts_with(&format!("people {who}")));
    if group { (guid("e", who), "Group") } else { (guid("b", who), "ServicePrincipal") }
}

fn people(world: &str, group: &str, members: &[&str]) -> Vec<Value> {
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
        let identity = world.lines().any(|line| line.trim().starts_with(&format!("identity {name} ")));
        let member = if identity { guid("b", name) } else { guid("a", name) };
        json!({"id": guid("f", name), "principalId": member, "groupId": guid("e", group), "accessId": "member",
               "memberType": "direct", "eligibilityScheduleId": guid("f", name)})
    }));
    all
}

fn deny(world: &str, place: &str, action: &str, more: &[&str]) -> Value {
    let name = guid("f", &format!("{place}{action}"));
    let effect = if more.contains(&"audit") { "audit" } else { "enforced" };
    let excluded: Vec<Value> = more
        .iter()
        .filter_map(|word| word.strip_prefix("but:"))
        .map(|who| principal(world, who))
        .map(|(id, kind)| json!({"id": id, "type": kind}))
        .collect();
    json!({
        "id": format!("{}/providers/Microsoft.Authorization/denyAssignments/{name}", scope_in(world, place)), "name": name,
        "type": "Microsoft.Authorization/denyAssignments",
        "properties": {
            "denyAssignmentName": "no", "scope": scope_in(world, place), "doNotApplyToChildScopes": false,
            "permissions": [{"actions": [format!("Microsoft.{action}")], "notActions": [], "dataActions": [], "notDataActions": []}],
            "principals": [{"id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined"}],
            "excludePrincipals": excluded, "isSystemProtected": more.contains(&"protected"),
            "denyAssignmentEffect": effect,
        },
    })
}
