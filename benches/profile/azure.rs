//! Azure around a cluster: role assignments, identities with federated credentials, groups, clusters and custom roles as `az` prints
//! them, and in the cluster an ASO operator with its credentials and resources. A workload has a resource group and an identity of
//! its own, a few credentials serve most resources, and groups of the directory hold roles at scopes of every height.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::Profile;
use super::objects::{account_name, group_id, namespace_name, user_name};
use super::random::Random;

/// How much of Azure there is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Azure {
    pub(crate) assignments: usize,
    pub(crate) identities: usize,
    pub(crate) resources: usize,
    /// Users and groups of the directory. Those of the cluster are the first of them.
    users: usize,
    groups: usize,
}

impl Azure {
    pub(crate) const LARGE: Azure =
        Azure { assignments: 10_000, identities: 2_000, resources: 18_000, users: 5_000, groups: 2_000 };

    /// So much less of everything.
    pub(crate) fn part(self, of: usize) -> Azure {
        Azure {
            assignments: self.assignments / of,
            identities: self.identities / of,
            resources: self.resources / of,
            users: self.users / of,
            groups: self.groups / of,
        }
    }
}

const TENANT: &str = "99999999-0000-0000-0000-000000000001";
const SUBSCRIPTIONS: usize = 40;
/// Identities that ASO works with.
const CREDENTIALS: usize = 20;
const CLUSTERS: usize = 40;
const CUSTOM_ROLES: usize = 25;
/// Resources that ASO has of a workload, of which two assign roles.
const PER_WORKLOAD: usize = 9;

/// GUID, name, and how many of a hundred assignments at a group or a subscription are of it.
const ROLES: [(&str, &str, usize); 11] = [
    ("acdd72a7-3385-48ef-bd42-f606fba81ae7", "Reader", 32),
    ("b24988ac-6180-42a0-ab88-20f7382dd24c", "Contributor", 12),
    ("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "Owner", 2),
    ("18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", "User Access Administrator", 1),
    ("f58310d9-a9f6-439a-9e8d-f62e7b41a168", "Role Based Access Control Administrator", 1),
    ("43d0d8ad-25c7-4714-9337-8ba259a9fe05", "Monitoring Reader", 12),
    ("4d97b98b-1d4f-4787-a291-c67834d212e7", "Network Contributor", 6),
    ("7f951dda-4ed3-4680-a7ca-43fe172d538d", "AcrPull", 10),
    ("4abbcc35-e782-43d8-92c5-2d3f1bd2253f", "Azure Kubernetes Service Cluster User Role", 8),
    ("f1a07417-d97a-45cb-824c-7a7467783830", "Managed Identity Operator", 4),
    ("", "", 12),
];
/// What is assigned at a resource.
const DATA_ROLES: [(&str, &str); 3] = [
    ("ba92f5b4-2d11-453d-a403-e96b0029c9fe", "Storage Blob Data Contributor"),
    ("2a2b9908-6ea1-4ae2-8e65-a410df84e7d1", "Storage Blob Data Reader"),
    ("4633458b-17de-408a-b874-0445c86b69e6", "Key Vault Secrets User"),
];
/// Cluster-wide kinds that the operator has installed: group, version, kind, plural.
const KINDS: [(&str, &str, &str, &str); 8] = [
    ("resources.azure.com", "v1api20200601", "ResourceGroup", "resourcegroups"),
    ("managedidentity.azure.com", "v1api20230131", "UserAssignedIdentity", "userassignedidentities"),
    ("managedidentity.azure.com", "v1api20230131", "FederatedIdentityCredential", "federatedidentitycredentials"),
    ("authorization.azure.com", "v1api20220401", "RoleAssignment", "roleassignments"),
    ("storage.azure.com", "v1api20230101", "StorageAccount", "storageaccounts"),
    ("keyvault.azure.com", "v1api20230701", "Vault", "vaults"),
    ("dbforpostgresql.azure.com", "v1api20221201", "FlexibleServer", "flexibleservers"),
    ("containerservice.azure.com", "v1api20240901", "ManagedCluster", "managedclusters"),
];

const OPERATOR: &str = "azureserviceoperator-system";
const OPERATOR_ACCOUNT: &str = "azureserviceoperator-default";

fn guid(kind: &str, at: usize) -> String {
    format!("{kind}-0000-4000-8000-{at:012x}")
}

fn client_id(at: usize) -> String {
    guid("cccccccc", at)
}

fn object_id(at: usize) -> String {
    guid("bbbbbbbb", at)
}

fn subscription(at: usize) -> String {
    format!("/subscriptions/{}", guid("11111111", at % SUBSCRIPTIONS))
}

/// Where a workload runs: one in eight in this cluster.
fn cluster_of(workload: usize) -> usize {
    if workload.is_multiple_of(8) { 0 } else { workload % CLUSTERS }
}

/// The resource group of a workload.
fn resource_group(workload: usize) -> String {
    format!("{}/resourceGroups/rg-{workload:05}", subscription(workload))
}

fn namespace_of(profile: &Profile, workload: usize) -> String {
    namespace_name(workload % profile.namespaces)
}

fn identity(at: usize) -> String {
    format!("{}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-{at}", resource_group(at))
}

fn storage_account(workload: usize, at: usize) -> String {
    format!("{}/providers/Microsoft.Storage/storageAccounts/st{workload}x{at}", resource_group(workload))
}

fn issuer(cluster: usize) -> String {
    format!("https://westeurope.oic.prod-aks.azure.com/{TENANT}/{}/", guid("ffffffff", cluster))
}

/// A role assignment of Azure, as ASO's resource has it as well.
struct Assigned {
    principal: String,
    kind: &'static str,
    name: String,
    role: (String, String),
    scope: String,
}

/// One of two that the identity of a workload has at its storage accounts.
fn own_assignment(at: usize) -> Assigned {
    let workload = at / 2;
    let (role, name) = DATA_ROLES[at % DATA_ROLES.len()];
    Assigned {
        principal: object_id(workload),
        kind: "ServicePrincipal",
        name: client_id(workload),
        role: (role.to_owned(), name.to_owned()),
        scope: storage_account(workload, at % 2),
    }
}

/// Who may write what ASO makes resources of: there with and without ASO.
pub(crate) fn write_access(profile: &Profile, out: &mut dyn Write) -> io::Result<()> {
    let roles = [("aso-developer", ""), ("aso-administrator", r#","managedidentity.azure.com""#)];
    for (name, more) in roles {
        writeln!(
            out,
            r#"{{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{{"name":"{name}"}},"rules":[{{"apiGroups":["storage.azure.com","dbforpostgresql.azure.com"{more}],"resources":["*"],"verbs":["create","delete","get","list","patch","update","watch"]}}]}}"#
        )?;
    }
    for at in (0..profile.namespaces).step_by(4) {
        // Few may write identities, with which they have whatever the credential reaches.
        let (role, _) = roles[usize::from(at % 200 == 0)];
        writeln!(
            out,
            r#"{{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","metadata":{{"name":"aso-developers","namespace":"{}"}},"roleRef":{{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"{role}"}},"subjects":[{{"apiGroup":"rbac.authorization.k8s.io","kind":"Group","name":"{}"}}]}}"#,
            namespace_name(at),
            group_id(at % profile.groups)
        )?;
    }
    Ok(())
}

/// The operator, its credentials, its definitions and its resources.
pub(crate) fn write_aso(profile: &Profile, azure: &Azure, out: &mut dyn Write) -> io::Result<()> {
    operator(profile, out)?;
    for (group, version, kind, plural) in KINDS {
        writeln!(
            out,
            r#"{{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{{"name":"{plural}.{group}"}},"spec":{{"group":"{group}","names":{{"kind":"{kind}","listKind":"{kind}List","plural":"{plural}"}},"scope":"Namespaced","versions":[{{"name":"{version}","served":true,"storage":true}}]}}}}"#
        )?;
    }
    let mut random = Random::new(profile.seed + 1);
    for at in 0..azure.resources {
        resource(profile, (at / PER_WORKLOAD) % azure.identities, at, &mut random, out)?;
    }
    Ok(())
}

fn operator(profile: &Profile, out: &mut dyn Write) -> io::Result<()> {
    let secret = |namespace: &str, name: &str, identity: usize, out: &mut dyn Write| {
        writeln!(
            out,
            r#"{{"apiVersion":"v1","kind":"Secret","metadata":{{"name":"{name}","namespace":"{namespace}"}},"stringData":{{"AZURE_SUBSCRIPTION_ID":"{}","AZURE_TENANT_ID":"{TENANT}","AZURE_CLIENT_ID":"{}","USE_WORKLOAD_IDENTITY_AUTH":"true"}}}}"#,
            guid("11111111", identity % SUBSCRIPTIONS),
            client_id(identity)
        )
    };
    secret(OPERATOR, "aso-controller-settings", 0, out)?;
    let variables: Vec<String> = [
        "AZURE_SUBSCRIPTION_ID",
        "AZURE_TENANT_ID",
        "AZURE_CLIENT_ID",
        "USE_WORKLOAD_IDENTITY_AUTH",
    ]
    .map(|name| {
        format!(
            r#"{{"name":"{name}","valueFrom":{{"secretKeyRef":{{"name":"aso-controller-settings","key":"{name}"}}}}}}"#
        )
    })
    .to_vec();
    writeln!(
        out,
        r#"{{"apiVersion":"apps/v1","kind":"Deployment","metadata":{{"name":"azureserviceoperator-controller-manager","namespace":"{OPERATOR}","labels":{{"app.kubernetes.io/name":"azure-service-operator"}}}},"spec":{{"replicas":1,"selector":{{"matchLabels":{{"control-plane":"controller-manager"}}}},"template":{{"metadata":{{"labels":{{"control-plane":"controller-manager"}}}},"spec":{{"serviceAccountName":"{OPERATOR_ACCOUNT}","containers":[{{"name":"manager","image":"mcr.microsoft.com/k8s/azureserviceoperator:v2.20.0","env":[{}]}}]}}}}}}}}"#,
        variables.join(",")
    )?;
    let groups: Vec<String> = KINDS.iter().map(|(group, ..)| format!(r#""{group}""#)).collect();
    writeln!(
        out,
        r#"{{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{{"name":"azureserviceoperator-manager-role"}},"rules":[{{"apiGroups":[""],"resources":["configmaps","secrets"],"verbs":["create","delete","get","list","patch","update","watch"]}},{{"apiGroups":[{}],"resources":["*"],"verbs":["create","delete","get","list","patch","update","watch"]}}]}}"#,
        groups.join(",")
    )?;
    writeln!(
        out,
        r#"{{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{{"name":"azureserviceoperator-manager-rolebinding"}},"roleRef":{{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"azureserviceoperator-manager-role"}},"subjects":[{{"kind":"ServiceAccount","name":"{OPERATOR_ACCOUNT}","namespace":"{OPERATOR}"}}]}}"#
    )?;
    for at in (0..profile.namespaces).filter(|&at| has_credential(at)) {
        secret(&namespace_name(at), "aso-credential", 1 + at / 10 % (CREDENTIALS - 1), out)?;
        if at % 50 == 0 {
            secret(&namespace_name(at), "aso-own", at, out)?;
        }
    }
    Ok(())
}

/// One namespace in ten has a credential of its own.
fn has_credential(namespace: usize) -> bool {
    namespace.is_multiple_of(10)
}

fn resource(profile: &Profile, workload: usize, at: usize, random: &mut Random, out: &mut dyn Write) -> io::Result<()> {
    let (name, group) = (namespace_of(profile, workload), resource_group(workload));
    let within = format!(r#""owner":{{"name":"azure-{}"}}"#, at - at % PER_WORKLOAD);
    let (kind, spec, id, more) = match at % PER_WORKLOAD {
        0 => (0, r#""location":"westeurope""#.to_owned(), group, String::new()),
        1 => {
            let (client, principal) = (client_id(workload), object_id(workload));
            let more = format!(r#","clientId":"{client}","principalId":"{principal}","tenantId":"{TENANT}""#);
            (1, format!(r#""azureName":"id-{workload}","location":"westeurope",{within}"#), identity(workload), more)
        }
        2 => {
            let spec = format!(
                r#""audiences":["api://AzureADTokenExchange"],"issuer":"{}","owner":{{"name":"azure-{}"}},"subject":"system:serviceaccount:{name}:{}""#,
                issuer(cluster_of(workload)),
                at - 1,
                account_name(3 + workload % 3)
            );
            (2, spec, format!("{}/federatedIdentityCredentials/app", identity(workload)), String::new())
        }
        own @ (3 | 4) => {
            let Assigned { principal, role: (role, _), scope, .. } = own_assignment(2 * workload + own - 3);
            let role = format!("{}/providers/Microsoft.Authorization/roleDefinitions/{role}", subscription(workload));
            let spec = format!(
                r#""owner":{{"armId":"{scope}"}},"principalId":"{principal}","principalType":"ServicePrincipal","roleDefinitionReference":{{"armId":"{role}"}}"#
            );
            let own = guid("dddddddd", CREDENTIALS + 2 * workload + own - 3);
            let id = format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{own}");
            let more = format!(r#","principalId":"{principal}","roleDefinitionId":"{role}","scope":"{scope}""#);
            (3, spec, id, more)
        }
        own @ (5 | 6) => {
            let spec = format!(
                r#""azureName":"st{workload}x{}","kind":"StorageV2","location":"westeurope",{within},"sku":{{"name":"Standard_LRS"}}"#,
                own - 5
            );
            (4, spec, storage_account(workload, own - 5), String::new())
        }
        7 => {
            let spec = format!(
                r#""location":"westeurope",{within},"properties":{{"enableRbacAuthorization":true,"sku":{{"family":"A","name":"standard"}},"tenantId":"{TENANT}"}}"#
            );
            (5, spec, format!("{group}/providers/Microsoft.KeyVault/vaults/kv{workload}"), String::new())
        }
        _ => {
            let spec = format!(
                r#""location":"westeurope",{within},"operatorSpec":{{"secrets":{{"fullyQualifiedDomainName":{{"key":"fqdn","name":"db"}}}}}},"version":"16""#
            );
            let id = format!("{group}/providers/Microsoft.DBforPostgreSQL/flexibleServers/pg{workload}");
            (6, spec, id, String::new())
        }
    };
    let namespace = workload % profile.namespaces;
    let own = if namespace.is_multiple_of(50) && random.percent(50) {
        r#","serviceoperator.azure.com/credential-from":"aso-own""#
    } else {
        ""
    };
    let (group, version, kind, _) = KINDS[kind];
    writeln!(
        out,
        r#"{{"apiVersion":"{group}/{version}","kind":"{kind}","metadata":{{"annotations":{{"serviceoperator.azure.com/operator-namespace":"{OPERATOR}","serviceoperator.azure.com/reconcile-policy":"manage"{own}}},"creationTimestamp":"2025-03-02T10:00:07Z","finalizers":["serviceoperator.azure.com/finalizer"],"generation":1,"labels":{{"app.kubernetes.io/managed-by":"Helm"}},"name":"azure-{at}","namespace":"{name}","resourceVersion":"{at}","uid":"{}"}},"spec":{{{spec}}},"status":{{"conditions":[{{"lastTransitionTime":"2025-03-01T10:00:07Z","observedGeneration":1,"reason":"Succeeded","status":"True","type":"Ready"}}],"id":"{id}"{more}}}}}"#,
        guid("eeeeeeee", at)
    )
}

/// The lists of Azure, by the names of their files, as `az` indents them.
pub(crate) fn lists(profile: &Profile, azure: &Azure) -> Vec<(&'static str, String)> {
    let mut random = Random::new(profile.seed + 2);
    vec![
        ("role-assignments.json", list((0..azure.assignments).map(|at| assignment(azure, at, &mut random)))),
        ("role-definitions.json", list((0..CUSTOM_ROLES).map(custom_role))),
        ("identities.json", list((0..azure.identities).map(identity_row))),
        ("federated-credentials.json", list((0..azure.identities).flat_map(|at| trusts(profile, at)))),
        ("groups.json", list((0..azure.groups).map(|at| group(azure, at)))),
        ("clusters.json", list((0..CLUSTERS).map(cluster))),
        ("deny-assignments.json", list((0..CLUSTERS / 2).map(deny))),
        ("management-groups.json", management_groups()),
    ]
}

/// One object a piece, each its lines.
fn list(rows: impl Iterator<Item = Vec<String>>) -> String {
    let rows: Vec<String> = rows.map(|lines| format!("  {{\n    {}\n  }}", lines.join(",\n    "))).collect();
    format!("[\n{}\n]\n", rows.join(",\n"))
}

fn text(key: &str, value: &str) -> String {
    format!(r#""{key}": "{value}""#)
}

fn assignment(azure: &Azure, at: usize, random: &mut Random) -> Vec<String> {
    let own = 2 * azure.identities;
    let Assigned { principal, kind, name, role: (role, role_name), scope } = match at {
        // The credentials of ASO first, those of workloads behind them.
        at if at < CREDENTIALS => Assigned {
            principal: object_id(at),
            kind: "ServicePrincipal",
            name: client_id(at),
            role: (ROLES[1].0.to_owned(), ROLES[1].1.to_owned()),
            scope: if at == 0 || at % 4 == 1 { subscription(at) } else { resource_group(10 * at) },
        },
        at if at < CREDENTIALS + own => own_assignment(at - CREDENTIALS),
        _ => other_assignment(azure, random),
    };
    let condition = if random.percent(2) {
        r#""condition": "((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR (@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {7f951dda-4ed3-4680-a7ca-43fe172d538d}))""#
    } else {
        r#""condition": null"#
    };
    let id = guid("dddddddd", at);
    let scope_end = if scope == "/" { "" } else { &scope };
    vec![
        condition.to_owned(),
        r#""conditionVersion": null"#.to_owned(),
        text("createdBy", &guid("aaaaaaaa", 1)),
        text("createdOn", "2025-03-02T09:00:00.000000+00:00"),
        r#""delegatedManagedIdentityResourceId": null"#.to_owned(),
        r#""description": null"#.to_owned(),
        text("id", &format!("{scope_end}/providers/Microsoft.Authorization/roleAssignments/{id}")),
        text("name", &id),
        text("principalId", &principal),
        text("principalName", &name),
        text("principalType", kind),
        text(
            "roleDefinitionId",
            &format!("{}/providers/Microsoft.Authorization/roleDefinitions/{role}", subscription(at)),
        ),
        text("roleDefinitionName", &role_name),
        text("scope", &scope),
        text("type", "Microsoft.Authorization/roleAssignments"),
        text("updatedBy", &guid("aaaaaaaa", 1)),
        text("updatedOn", "2025-03-02T09:00:00.000000+00:00"),
    ]
}

/// A role of a group, a user, a workload or an identity, somewhere.
fn other_assignment(azure: &Azure, random: &mut Random) -> Assigned {
    let (principal, kind, name) = match random.below(100) {
        0..50 => {
            let at = random.below(azure.groups);
            (group_id(at), "Group", format!("team-{at}"))
        }
        50..65 => {
            let at = random.below(azure.users);
            (guid("aaaaaaaa", at), "User", user_name(at))
        }
        65..80 => {
            let at = random.below(azure.identities);
            (object_id(at), "ServicePrincipal", client_id(at))
        }
        _ => {
            let at = random.below(1_500);
            (guid("abababab", at), "ServicePrincipal", guid("acacacac", at))
        }
    };
    let workload = random.below(azure.identities);
    let scope = match random.below(100) {
        0..3 => format!("/providers/Microsoft.Management/managementGroups/mg-{}", random.below(8)),
        3..18 => subscription(workload),
        18..70 => resource_group(workload),
        _ => storage_account(workload, random.below(2)),
    };
    let mut share = random.below(100);
    let (id, role, _) = ROLES
        .iter()
        .find(|(.., of)| {
            let found = share < *of;
            share = share.saturating_sub(*of);
            found
        })
        .copied()
        .unwrap_or(ROLES[0]);
    let custom = random.below(CUSTOM_ROLES);
    let role = if id.is_empty() {
        (guid("77777777", custom), format!("Contoso role {custom}"))
    } else {
        (id.to_owned(), role.to_owned())
    };
    Assigned { principal, kind, name, role, scope }
}

fn custom_role(at: usize) -> Vec<String> {
    let id = guid("77777777", at);
    let provider = [
        "Microsoft.Storage/storageAccounts",
        "Microsoft.KeyVault/vaults",
        "Microsoft.Network",
        "Microsoft.DBforPostgreSQL/flexibleServers",
        "Microsoft.Compute/virtualMachines",
    ][at % 5];
    vec![
        format!(r#""assignableScopes": ["{}"]"#, subscription(at)),
        text("id", &format!("{}/providers/Microsoft.Authorization/roleDefinitions/{id}", subscription(at))),
        text("name", &id),
        format!(
            r#""permissions": [{{"actions": ["{provider}/*", "Microsoft.Resources/subscriptions/resourceGroups/read"], "notActions": ["{provider}/delete"], "dataActions": [], "notDataActions": [], "condition": null, "conditionVersion": null}}]"#
        ),
        text("roleName", &format!("Contoso role {at}")),
        text("roleType", "CustomRole"),
        text("type", "Microsoft.Authorization/roleDefinitions"),
    ]
}

fn identity_row(at: usize) -> Vec<String> {
    vec![
        text("clientId", &client_id(at)),
        text("id", &identity(at)),
        text("location", "westeurope"),
        text("name", &format!("id-{at}")),
        text("principalId", &object_id(at)),
        text("resourceGroup", &format!("rg-{at:05}")),
        r#""tags": {}"#.to_owned(),
        text("tenantId", TENANT),
        text("type", "Microsoft.ManagedIdentity/userAssignedIdentities"),
    ]
}

/// Whose tokens an identity accepts: those of an account of its workload, and ASO's where ASO uses it.
fn trusts(profile: &Profile, at: usize) -> Vec<Vec<String>> {
    let trust = |name: &str, cluster: usize, namespace: &str, account: &str| {
        vec![
            r#""audiences": ["api://AzureADTokenExchange"]"#.to_owned(),
            text("id", &format!("{}/federatedIdentityCredentials/{name}", identity(at))),
            text("issuer", &issuer(cluster)),
            text("name", name),
            text("subject", &format!("system:serviceaccount:{namespace}:{account}")),
            text("type", "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials"),
        ]
    };
    let mut all = vec![trust("app", cluster_of(at), &namespace_of(profile, at), &account_name(3 + at % 3))];
    if at < CREDENTIALS || at.is_multiple_of(50) {
        all.push(trust("aso", 0, OPERATOR, OPERATOR_ACCOUNT));
    }
    all
}

fn group(azure: &Azure, at: usize) -> Vec<String> {
    let mut members = String::new();
    for member in 0..8 {
        let user = (at * 8 + member) % azure.users;
        let comma = if member > 0 { ", " } else { "" };
        let _ = write!(
            members,
            r##"{comma}{{"@odata.type": "#microsoft.graph.user", "id": "{}", "displayName": "User {user}", "userPrincipalName": "{}"}}"##,
            guid("aaaaaaaa", user),
            user_name(user)
        );
    }
    vec![
        text("displayName", &format!("team-{at}")),
        text("id", &group_id(at)),
        r#""securityEnabled": true"#.to_owned(),
        format!(r#""members": [{members}]"#),
    ]
}

fn cluster_id(at: usize) -> String {
    format!(
        "{}/resourceGroups/rg-aks-{at}/providers/Microsoft.ContainerService/managedClusters/aks-{at}",
        subscription(at)
    )
}

fn cluster(at: usize) -> Vec<String> {
    let azure_rbac = at.is_multiple_of(2);
    vec![
        format!(
            r#""aadProfile": {{"managed": true, "enableAzureRbac": {azure_rbac}, "adminGroupObjectIDs": [], "tenantId": "{TENANT}"}}"#
        ),
        format!(r#""disableLocalAccounts": {}"#, at.is_multiple_of(3)),
        r#""enableRbac": true"#.to_owned(),
        text("fqdn", &format!("aks-{at}-00000001.hcp.westeurope.azmk8s.io")),
        text("id", &cluster_id(at)),
        text("name", &format!("aks-{at}")),
        text("nodeResourceGroup", &format!("MC_rg-aks-{at}_aks-{at}_westeurope")),
        format!(r#""oidcIssuerProfile": {{"enabled": true, "issuerUrl": "{}"}}"#, issuer(at)),
        text("type", "Microsoft.ContainerService/ManagedClusters"),
    ]
}

fn deny(at: usize) -> Vec<String> {
    let scope = format!("{}/resourceGroups/MC_rg-aks-{at}_aks-{at}_westeurope", subscription(at));
    let id = guid("66666666", at);
    vec![
        text("denyAssignmentName", "AKS node resource group"),
        text("id", &format!("{scope}/providers/Microsoft.Authorization/denyAssignments/{id}")),
        text("name", &id),
        r#""permissions": [{"actions": ["*"], "notActions": ["*/read"], "dataActions": [], "notDataActions": []}]"#
            .to_owned(),
        r#""principals": [{"id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined"}]"#.to_owned(),
        r#""excludePrincipals": []"#.to_owned(),
        text("scope", &scope),
        text("type", "Microsoft.Authorization/denyAssignments"),
    ]
}

/// Eight groups below that of the tenant, five subscriptions in each.
fn management_groups() -> String {
    let groups: Vec<String> = (0..8)
        .map(|at| {
            let inside: Vec<String> = (0..SUBSCRIPTIONS)
                .filter(|one| one % 8 == at)
                .map(|one| {
                    format!(
                        r#"{{"children": null, "id": "{}", "name": "{}", "type": "/subscriptions", "displayName": "subscription-{one}"}}"#,
                        subscription(one),
                        guid("11111111", one)
                    )
                })
                .collect();
            format!(
                r#"{{"id": "/providers/Microsoft.Management/managementGroups/mg-{at}", "name": "mg-{at}", "type": "Microsoft.Management/managementGroups", "displayName": "Group {at}", "children": [{}]}}"#,
                inside.join(", ")
            )
        })
        .collect();
    format!(
        r#"{{"id": "/providers/Microsoft.Management/managementGroups/{TENANT}", "name": "{TENANT}", "type": "Microsoft.Management/managementGroups", "tenantId": "{TENANT}", "displayName": "Tenant Root Group", "details": {{"parent": null}}, "children": [{}]}}
"#,
        groups.join(", ")
    )
}
