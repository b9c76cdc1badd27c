//! What a row is: by its `type` where it has one, by `@odata.type`, and else by the fields that only this kind of thing has.

use super::row::Row;

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Shape {
    RoleAssignment,
    ActiveInstance,
    EligibleInstance,
    RoleDefinition,
    Deny,
    GroupEligibility,
    DirectoryRole,
    EligibleDirectoryRole,
    Identity,
    FederatedCredential,
    AzureCluster,
    ConnectedCluster,
    LocalCluster,
    IdentityBinding,
    User,
    ServicePrincipal,
    Application,
    Device,
    Group,
    Subscription,
    ManagementGroup,
    Registry,
    KeyVault,
}

/// Shapes by resource type, lower-cased.
const TYPES: &[(&str, Shape)] = &[
    ("microsoft.authorization/roleassignments", Shape::RoleAssignment),
    ("microsoft.authorization/roleassignmentscheduleinstances", Shape::ActiveInstance),
    ("microsoft.authorization/roleassignmentschedules", Shape::ActiveInstance),
    ("microsoft.authorization/roleeligibilityscheduleinstances", Shape::EligibleInstance),
    ("microsoft.authorization/roleeligibilityschedules", Shape::EligibleInstance),
    ("microsoft.authorization/roledefinitions", Shape::RoleDefinition),
    ("microsoft.authorization/denyassignments", Shape::Deny),
    ("microsoft.managedidentity/userassignedidentities", Shape::Identity),
    ("microsoft.managedidentity/userassignedidentities/federatedidentitycredentials", Shape::FederatedCredential),
    ("microsoft.containerservice/managedclusters", Shape::AzureCluster),
    ("microsoft.containerservice/managedclusters/identitybindings", Shape::IdentityBinding),
    ("microsoft.kubernetes/connectedclusters", Shape::ConnectedCluster),
    ("microsoft.hybridcontainerservice/provisionedclusterinstances", Shape::LocalCluster),
    ("microsoft.management/managementgroups", Shape::ManagementGroup),
    ("/providers/microsoft.management/managementgroups", Shape::ManagementGroup),
    ("microsoft.resources/subscriptions", Shape::Subscription),
    ("/subscriptions", Shape::Subscription),
    ("microsoft.containerregistry/registries", Shape::Registry),
    ("microsoft.keyvault/vaults", Shape::KeyVault),
];

/// Shapes by what Microsoft Graph calls them.
const GRAPH: &[(&str, Shape)] = &[
    ("#microsoft.graph.user", Shape::User),
    ("#microsoft.graph.group", Shape::Group),
    ("#microsoft.graph.serviceprincipal", Shape::ServicePrincipal),
    ("#microsoft.graph.application", Shape::Application),
    ("#microsoft.graph.device", Shape::Device),
    ("#microsoft.graph.federatedidentitycredential", Shape::FederatedCredential),
    ("#microsoft.graph.privilegedaccessgroupeligibilityscheduleinstance", Shape::GroupEligibility),
    ("#microsoft.graph.unifiedroleassignment", Shape::DirectoryRole),
    ("#microsoft.graph.unifiedroleassignmentscheduleinstance", Shape::DirectoryRole),
    ("#microsoft.graph.unifiedroleeligibilityscheduleinstance", Shape::EligibleDirectoryRole),
];

/// Shapes by fields that are there together. The first that fits counts.
const FIELDS: &[(&[&str], Shape)] = &[
    (&["groupId", "principalId", "accessId"], Shape::GroupEligibility),
    (&["roleEligibilityScheduleId", "principalId", "directoryScopeId"], Shape::EligibleDirectoryRole),
    (&["principalId", "directoryScopeId", "roleDefinitionId"], Shape::DirectoryRole),
    (&["linkedRoleEligibilityScheduleId", "principalId", "scope"], Shape::ActiveInstance),
    (&["roleEligibilityScheduleId", "principalId", "scope"], Shape::EligibleInstance),
    (&["principalId", "scope", "roleDefinitionId"], Shape::RoleAssignment),
    (&["principalId", "scope", "roleId"], Shape::RoleAssignment),
    (&["permissions", "denyAssignmentName"], Shape::Deny),
    (&["permissions", "excludePrincipals"], Shape::Deny),
    (&["permissions", "assignableScopes"], Shape::RoleDefinition),
    (&["permissions", "roleName"], Shape::RoleDefinition),
    (&["issuer", "subject"], Shape::FederatedCredential),
    (&["issuer", "audiences"], Shape::FederatedCredential),
    (&["oidcIssuerProfile", "nodeResourceGroup"], Shape::AzureCluster),
    (&["appId", "servicePrincipalType"], Shape::ServicePrincipal),
    (&["appId", "servicePrincipalNames"], Shape::ServicePrincipal),
    (&["appId", "signInAudience"], Shape::Application),
    (&["userPrincipalName"], Shape::User),
    (&["id", "members"], Shape::Group),
    (&["id", "transitiveMembers"], Shape::Group),
    (&["id", "securityEnabled"], Shape::Group),
    (&["id", "groupTypes"], Shape::Group),
    (&["subscriptionId", "managementGroupAncestorsChain"], Shape::Subscription),
    (&["subscriptionId", "chain"], Shape::Subscription),
    (&["id", "tenantId", "state", "isDefault"], Shape::Subscription),
    (&["deviceId"], Shape::Device),
];

/// What a row is; or the type that it has and nobody reads.
pub(super) fn shape(row: &Row<'_>) -> Result<Shape, Option<String>> {
    let lower = |key: &str| row.text(key).ok().flatten().map(|text| text.to_ascii_lowercase());
    let known =
        |list: &[(&str, Shape)], word: &str| list.iter().find(|(name, _)| *name == word).map(|(_, shape)| *shape);
    let type_name = lower("type");
    if let Some(shape) = type_name.as_deref().and_then(|name| known(TYPES, name.trim_start_matches('#'))) {
        return Ok(shape);
    }
    let odata = lower("@odata.type").or_else(|| lower("odata.type"));
    if let Some(shape) = odata.as_deref().and_then(|name| known(GRAPH, name)) {
        return Ok(shape);
    }
    // Before version 2.37 the CLI had `objectType`.
    match lower("objectType").as_deref() {
        Some("user") => return Ok(Shape::User),
        Some("group") => return Ok(Shape::Group),
        Some("serviceprincipal") => return Ok(Shape::ServicePrincipal),
        _ => {}
    }
    // A resource says what it is by its type, and is not taken for something else.
    let resource = type_name.as_deref().filter(|name| name.contains('/'));
    if resource.is_none()
        && let Some((_, shape)) = FIELDS.iter().find(|(fields, _)| fields.iter().all(|field| row.has(field)))
    {
        return Ok(*shape);
    }
    Err(row.text("type").ok().flatten().map(std::borrow::Cow::into_owned).or(odata))
}

impl Shape {
    /// What one is called in messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Shape::RoleAssignment => "a role assignment",
            Shape::ActiveInstance => "an active assignment of PIM",
            Shape::EligibleInstance => "an eligible assignment of PIM",
            Shape::RoleDefinition => "a role definition",
            Shape::Deny => "a deny assignment",
            Shape::GroupEligibility => "an eligible membership of PIM for Groups",
            Shape::DirectoryRole => "a role assignment of Entra",
            Shape::EligibleDirectoryRole => "an eligible role assignment of Entra",
            Shape::Identity => "a user-assigned identity",
            Shape::FederatedCredential => "a federated credential",
            Shape::AzureCluster => "an AKS cluster",
            Shape::ConnectedCluster => "an Arc-enabled cluster",
            Shape::LocalCluster => "an AKS cluster on Azure Local",
            Shape::IdentityBinding => "an AKS identity binding",
            Shape::User => "a user",
            Shape::ServicePrincipal => "a service principal",
            Shape::Application => "an application",
            Shape::Device => "a device",
            Shape::Group => "a group",
            Shape::Subscription => "a subscription",
            Shape::ManagementGroup => "a management group",
            Shape::Registry => "a container registry",
            Shape::KeyVault => "a key vault",
        }
    }

    /// The provider and the type, or what Microsoft Graph calls the list: what a gap names.
    pub(super) fn resource(self) -> (&'static str, &'static str) {
        match self {
            Shape::RoleAssignment => ("Microsoft.Authorization", "roleAssignments"),
            Shape::ActiveInstance => ("Microsoft.Authorization", "roleAssignmentScheduleInstances"),
            Shape::EligibleInstance => ("Microsoft.Authorization", "roleEligibilityScheduleInstances"),
            Shape::RoleDefinition => ("Microsoft.Authorization", "roleDefinitions"),
            Shape::Deny => ("Microsoft.Authorization", "denyAssignments"),
            Shape::GroupEligibility => ("graph.microsoft.com", "eligibilityScheduleInstances"),
            Shape::DirectoryRole => ("graph.microsoft.com", "roleAssignments"),
            Shape::EligibleDirectoryRole => ("graph.microsoft.com", "roleEligibilityScheduleInstances"),
            Shape::Identity => ("Microsoft.ManagedIdentity", "userAssignedIdentities"),
            Shape::FederatedCredential => ("Microsoft.ManagedIdentity", "federatedIdentityCredentials"),
            Shape::AzureCluster => ("Microsoft.ContainerService", "managedClusters"),
            Shape::ConnectedCluster => ("Microsoft.Kubernetes", "connectedClusters"),
            Shape::LocalCluster => ("Microsoft.HybridContainerService", "provisionedClusterInstances"),
            Shape::IdentityBinding => ("Microsoft.ContainerService", "identityBindings"),
            Shape::User => ("graph.microsoft.com", "users"),
            Shape::ServicePrincipal => ("graph.microsoft.com", "servicePrincipals"),
            Shape::Application => ("graph.microsoft.com", "applications"),
            Shape::Device => ("graph.microsoft.com", "devices"),
            Shape::Group => ("graph.microsoft.com", "groups"),
            Shape::Subscription => ("Microsoft.Resources", "subscriptions"),
            Shape::ManagementGroup => ("Microsoft.Management", "managementGroups"),
            Shape::Registry => ("Microsoft.ContainerRegistry", "registries"),
            Shape::KeyVault => ("Microsoft.KeyVault", "vaults"),
        }
    }
}
