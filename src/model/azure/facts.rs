//! The Azure side of what was read, as Azure states it: nothing is joined here. Ids of principals, apps, roles and tenants are GUIDs and
//! stored lower-cased; scopes and resource ids are spelled as they were read. A snapshot holds them as they are here, but for where they were
//! read.

use serde::{Deserialize, Serialize};

use super::scope::{fold, subscription_of};
use crate::model::object::Origin;

/// What was read of Azure. The default is that nothing was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AzureFacts {
    /// Whether Azure data was given at all.
    pub given: bool,
    /// The name or resource id of the cluster that the Kubernetes objects are of, where somebody said it.
    pub this_cluster: Option<String>,
    /// Role assignments: active ones and those that PIM lets somebody activate.
    // INVARIANT: every list is sorted by what it is known by, and no two are alike in it.
    pub assignments: Vec<RoleAssignment>,
    /// How many of the role assignments only ASO's own resources speak of. Of those that it did not make they say nothing.
    pub from_aso: usize,
    /// Role definitions that were read; they override the built-in table.
    pub roles: Vec<RoleDefinition>,
    /// Deny assignments.
    pub denies: Vec<DenyAssignment>,
    /// Whom PIM for Groups lets into a group.
    pub group_eligibilities: Vec<GroupEligibility>,
    /// User-assigned identities.
    pub identities: Vec<UserAssignedIdentity>,
    /// Federated credentials of identities and applications.
    pub federated_credentials: Vec<FederatedCredential>,
    /// Clusters: those of AKS and those that are connected by Arc.
    pub clusters: Vec<AzureCluster>,
    /// AKS on Azure Local: what a connected cluster is when Azure made it.
    pub local_clusters: Vec<LocalCluster>,
    /// Identity bindings of AKS clusters.
    pub identity_bindings: Vec<AksIdentityBinding>,
    /// Users, service principals and whatever else the directory names; groups are in `groups`.
    pub principals: Vec<AzurePrincipal>,
    /// Groups of the directory.
    pub groups: Vec<AzureGroup>,
    /// Subscriptions, as far as something is known of them.
    pub subscriptions: Vec<Subscription>,
    /// Management groups.
    pub management_groups: Vec<ManagementGroup>,
    /// Container registries.
    pub registries: Vec<Registry>,
    /// Key vaults.
    pub vaults: Vec<KeyVault>,
    /// The resource ids of the database servers that ASO keeps, of which nothing more is known.
    pub database_servers: Vec<String>,
    /// The tenants that the facts name, sorted.
    pub tenants: Vec<Covered>,
    /// The subscriptions that something inside them was read of, sorted; not those that are only listed.
    #[serde(default)]
    pub subscriptions_read: Vec<Covered>,
}

/// A tenant or a subscription by its id, and where it is named first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Covered {
    /// The id.
    pub id: String,
    /// Where it was read.
    pub origin: Origin,
}

impl From<String> for Covered {
    fn from(id: String) -> Covered {
        Covered { id, origin: nowhere() }
    }
}

impl From<Covered> for String {
    fn from(seen: Covered) -> String {
        seen.id
    }
}

fn nowhere() -> Origin {
    Origin::LIVE
}

impl AzureFacts {
    /// Says of everything that it was read there.
    pub fn read_at(&mut self, at: Origin) {
        self.assignments.iter_mut().for_each(|one| one.origin = at);
        self.roles.iter_mut().for_each(|one| one.origin = at);
        self.denies.iter_mut().for_each(|one| one.origin = at);
        self.group_eligibilities.iter_mut().for_each(|one| one.origin = at);
        self.identities.iter_mut().for_each(|one| one.origin = at);
        self.federated_credentials.iter_mut().for_each(|one| one.origin = at);
        self.clusters.iter_mut().for_each(|one| one.origin = at);
        self.local_clusters.iter_mut().for_each(|one| one.origin = at);
        self.identity_bindings.iter_mut().for_each(|one| one.origin = at);
        self.principals.iter_mut().for_each(|one| one.origin = at);
        self.groups.iter_mut().for_each(|one| one.origin = at);
        self.subscriptions.iter_mut().for_each(|one| one.origin = at);
        self.management_groups.iter_mut().for_each(|one| one.origin = at);
        self.registries.iter_mut().for_each(|one| one.origin = at);
        self.vaults.iter_mut().for_each(|one| one.origin = at);
        self.tenants.iter_mut().for_each(|one| one.origin = at);
        self.subscriptions_read.iter_mut().for_each(|one| one.origin = at);
    }

    /// Puts what others were read beside these.
    pub fn extend(&mut self, other: AzureFacts) {
        self.given |= other.given;
        self.this_cluster = self.this_cluster.take().or(other.this_cluster);
        self.assignments.extend(other.assignments);
        self.from_aso += other.from_aso;
        self.roles.extend(other.roles);
        self.denies.extend(other.denies);
        self.group_eligibilities.extend(other.group_eligibilities);
        self.identities.extend(other.identities);
        self.federated_credentials.extend(other.federated_credentials);
        self.clusters.extend(other.clusters);
        self.local_clusters.extend(other.local_clusters);
        self.identity_bindings.extend(other.identity_bindings);
        self.principals.extend(other.principals);
        self.groups.extend(other.groups);
        self.subscriptions.extend(other.subscriptions);
        self.management_groups.extend(other.management_groups);
        self.registries.extend(other.registries);
        self.vaults.extend(other.vaults);
        self.database_servers.extend(other.database_servers);
        for (own, other) in
            [(&mut self.tenants, other.tenants), (&mut self.subscriptions_read, other.subscriptions_read)]
        {
            own.extend(other);
            own.sort();
            own.dedup_by(|later, earlier| later.id == earlier.id);
        }
    }
}

/// Whether an assignment holds now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Assigned {
    /// It holds.
    Active,
    /// It grants nothing until its principal activates it (Privileged Identity Management).
    Eligible,
}

/// What the id of a role assignment of Entra begins with, which is where Microsoft Graph has it.
pub const DIRECTORY_ROLES: &str = "/roleManagement/directory/";

/// What a role of Entra allows in Azure.
pub const ELEVATE_ACCESS: &str = "Microsoft.Authorization/elevateAccess/action";

/// A role given to a principal at a scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleAssignment {
    /// Its resource id; may be empty.
    pub id: String,
    /// Where it holds: here and below.
    pub scope: String,
    /// The object id of the principal.
    pub principal_id: String,
    /// What the principal is.
    pub principal_kind: PrincipalKind,
    /// A name that came with it: a UPN, a group's name, an app id. May be empty.
    pub principal_name: String,
    /// The GUID of the role.
    pub role_id: String,
    /// The name of the role that came with it; may be empty.
    pub role_name: String,
    /// The condition.
    pub condition: Option<String>,
    /// Whether it holds now.
    pub assigned: Assigned,
    /// When an eligible one ends, as it was read.
    pub end: Option<String>,
    /// Where it was read.
    #[serde(skip, default = "nowhere")]
    pub origin: Origin,
}

/// What a role allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleDefinition {
    /// Its GUID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether somebody made it, and not Azure.
    pub custom: bool,
    /// Its permission blocks.
    pub permissions: Vec<Permission>,
    /// Where it may be assigned. No part of the access check.
    pub assignable_scopes: Vec<String>,
    /// Where it was read.
    #[serde(skip, default = "nowhere")]
    pub origin: Origin,
}

/// A permission block of a role or of a deny assignment.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Permission {
    /// `actions`.
    pub actions: Vec<String>,
    /// `notActions`: what this block, and only this one, does not give.
    pub not_actions: Vec<String>,
    /// `dataActions`.
    pub data_actions: Vec<String>,
    /// `notDataActions`.
    pub not_data_actions: Vec<String>,
    /// The condition.
    pub condition: Option<String>,
}

/// What nobody may do, whatever roles say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DenyAssignment {
    /// Its resource id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where it holds.
    pub scope: String,
    /// What it denies.
    pub permissions: Vec<Permission>,
    /// Whom.
    pub principals: Vec<DenyPrincipal>,
    /// Whom not.
    pub excluded: Vec<DenyPrincipal>,
    /// Only at the scope itself.
    pub only_here: bool,
    /// False when it only audits (`denyAssignmentEffect: audit`).
    pub enforced: bool,
    /// Whether Azure made it and nobody may remove it.
    pub system_protected: bool,
    /// The condition.
    pub condition: Option<String>,
    /// Where it was read.
    #[serde(skip, default = "nowhere")]
    pub origin: Origin,
}

impl DenyAssignment {
    /// The id that stands for every principal (type `SystemDefined`).
    pub const EVERYONE: &str = "00000000-0000-0000-0000-000000000000";
}

/// Somebody a deny assignment names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DenyPrincipal {
    /// The object id, or [`DenyAssignment::EVERYONE`].
    pub id: String,
    /// What it is.
    pub kind: PrincipalKind,
}

/// A membership that PIM for Groups lets somebody activate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupEligibility {
    /// The object id of the group.
    pub group_id: String,
    /// The object id of who may activate it.
    pub principal_id: String,
    /// Whether as an owner, who may then add members, and not as a member.
    pub owner: bool,
    /// When it ends, as it was read.
    pub end: Option<String>,
    /// Where it was read.
    #[serde(skip, default = "nowhere")]
    pub origin: Origin,
}

/// The three ids of an identity. Any of them may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AzureIdentityIds {
    /// The app id: what service accounts, Secrets and kubelets name.
    pub client_id: String,
    /// The object id of the service principal: what role assignments name.
    pub object_id: String,
    /// The resource id.
    pub resource_id: String,
}

/// A user-assigned identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserAssignedIdentity {
    /// Its ids.
    pub ids: AzureIdentityIds,
    /// Its name.
    pub name: String,
    /// Its tenant; may be empty.
    pub tenant_id: String,
    /// Where it was read.
    #[serde(skip, default = "nowhere")]
    pub origin: Origin,
}

/// Whose tokens an identity or an application accepts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FederatedCredential {
    /// Its resource id; of an application's, the id alone.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The resource id of the identity; empty for an application's.
    pub identity_id: String,
    /// The object id of the application (not of its service principal), or its app id; empty for an identity's.
    pub application_id: String,
    /// The issuer.
    pub issuer: String,
    /// The subject; none when an expression says which.
    pub subject: Option<String>,
    /// `claimsMatchingExpression`, which may match many.
    pub expression: Option<String>,
    /// The audiences.
    pub audiences: Vec<String>,
    /// Where it was read.
    #[serde(skip, default = "nowhere")]
    pub origin: Origin,
}

/// What a cluster is for Azure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ClusterKind {
    /// AKS.
    #[default]
    Aks,
    /// Connected by Arc.
    Arc,
    /// AKS on Azure Local, which is connected by Arc as well.
    AzureLocal,
}

impl ClusterKind {
    /// Whether there are such clusters among those that an action is about. Actions of other providers, such as that of Flux, are
    /// about all.
    pub fn is_of(self, action: &str) -> bool {
        let begins = |provider: &str| action.get(..provider.len()).is_some_and(|at| at.eq_ignore_ascii_case(provider));
        if begins("Microsoft.ContainerService/") {
            self == ClusterKind::Aks
        } else if begins("Microsoft.HybridContainerService/") {
            self == ClusterKind::AzureLocal
        } else {
            !begins("Microsoft.Kubernetes/") || self != ClusterKind::Aks
        }
    }
}

/// A cluster, as Azure knows it. What only AKS has is empty for the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AzureCluster {
    /// What it is.
    pub kind: ClusterKind,
    /// Its resource id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The API server's name.
    pub fqdn: Option<String>,
    /// The API server's name inside the network.
    pub private_fqdn: Option<String>,
    /// The resource group of its nodes.
    pub node_resource_group: Option<String>,
    /// The node resource group is locked: `restrictionLevel: ReadOnly`.
    pub node_resource_group_locked: bool,
    /// The issuer of its service account tokens.
    pub issuer: Option<String>,
    /// Whether local accounts are off; none when the data does not say it.
    pub local_accounts_disabled: Option<bool>,
    /// Whether Kubernetes RBAC is on.
    pub rbac: Option<bool>,
    /// Whether Entra identities log in.
    pub entra: bool,
    /// Whether Azure role assignments decide too.
    pub azure_rbac: bool,
    /// Entra groups that are cluster-admin.
    pub admin_group_ids: Vec<String>,
    /// The Entra tenant.
    pub tenant_id: String,
    /// Whether the workload identity webhook runs.
    pub workload_identity: bool,
    /// The identities of the control plane.
    pub control_plane: Vec<AzureIdentityIds>,
    /// The identity of the kubelets.
    pub kubelet: Option<AzureIdentityIds>,
    /// The identities of add-ons.
    pub addons: Vec<AddonIdentity>,
    /// The app id of a cluster that runs with a service principal.
    pub service_principal: Option<String>,
    /// Whether pods reach the identities of their node through IMDS; none when the data does not say it.
    pub imds_from_pods: Option<bool>,
    /// Where it was read.
    #[serde(skip, default = "nowhere")]
    pub origin: Origin,
}

impl AzureCluster {
    /// A cluster of which nothing else is known.
    pub fn new(kind: ClusterKind, id: String, name: String, origin: Origin) -> AzureCluster {
        AzureCluster {
            kind,
            id,
            name,
            fqdn: None,
            private_fqdn: None,
            node_resource_group: None,
            node_resource_group_locked: false,
            issuer: None,
            local_accounts_disabled: None,
            rbac: None,
            entra: false,
            azure_rbac: false,
            admin_group_ids: Vec::new(),
            tenant_id: String::new(),
            workload_identity: false,
            control_plane: Vec::new(),
            kubelet: None,
            addons: Vec::new(),
            service_principal: None,
            imds_from_pods: None,
            origin,
        }
    }

    /// Whether a word is its name or its resource id.
    pub fn is_called(&self, word: &str) -> bool {
        self.name == word || self.id.eq_ignore_ascii_case(word)
    }

    /// The resource id of the group that its nodes are in, where that was named.
    pub fn node_group(&self) -> Option<String> {
        let folded = fold(&self.id);
        let subscription = subscription_of(&folded)?;
        Some(format!("{subscription}/resourceGroups/{}", self.node_resource_group.as_ref()?))
    }
}

/// The identity of an add-on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AddonIdentity {
    /// The add-on, as in `addonProfiles`.
    pub addon: String,
    /// Its identity.
    pub ids: AzureIdentityIds,
}

/// An AKS cluster on Azure Local.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LocalCluster {
    /// Its resource id.
    pub id: String,
    /// The resource id of the connected cluster that it extends.
    pub connected_id: String,
    /// Where it was read.
    #[serde(skip, default = "nowhere")]
    pub origin: Origin,
}

/// An identity that pods of a cluster may use by an AKS identity binding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AksIdentityBinding {
    /// Its resource id.
    pub id: String,
    /// The resource id of the cluster.
    pub cluster_id: String,
    /// The identity.
    pub ids: AzureIdentityIds,
    /// Where it was read.
    #[serde(skip, default = "nowhere")]
    pub origin: Origin,
}

/// What a principal is. Azure adds kinds, so the list is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PrincipalKind {
    /// A user.
    User,
    /// A group.
    Group,
    /// The service principal of an application.
    ServicePrincipal,
    /// The service principal of a managed identity; role assignments call it a service principal.
    ManagedIdentity,
    /// A group of another tenant.
    ForeignGroup,
    /// A device.
    Device,
    /// An agent identity (`AgentUser`, `AgentServicePrincipal`).
    Agent,
    /// Nobody says it, or it is a kind that is not known here.
    #[default]
    Unknown,
}

impl PrincipalKind {
    /// The kind by Azure's word.
    pub fn parse(word: &str) -> PrincipalKind {
        match word.to_ascii_lowercase().as_str() {
            "user" => PrincipalKind::User,
            "group" => PrincipalKind::Group,
            "serviceprincipal" => PrincipalKind::ServicePrincipal,
            "foreigngroup" => PrincipalKind::ForeignGroup,
            "device" => PrincipalKind::Device,
            "agentuser" | "agentserviceprincipal" => PrincipalKind::Agent,
            _ => PrincipalKind::Unknown,
        }
    }

    /// The word in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            PrincipalKind::User => "User",
            PrincipalKind::Group => "Group",
            PrincipalKind::ServicePrincipal => "ServicePrincipal",
            PrincipalKind::ManagedIdentity => "ManagedIdentity",
            PrincipalKind::ForeignGroup => "ForeignGroup",
            PrincipalKind::Device => "Device",
            PrincipalKind::Agent => "Agent",
            PrincipalKind::Unknown => "Unknown",
        }
    }
}

/// Somebody of the directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AzurePrincipal {
    /// The object id.
    pub object_id: String,
    /// What it is.
    pub kind: PrincipalKind,
    /// The display name; may be empty.
    pub name: String,
    /// The user principal name; may be empty.
    pub user_principal_name: String,
    /// The app id of a service principal; may be empty.
    pub client_id: String,
    /// The resource that a managed identity belongs to: the identity itself, or what has it as its own; may be empty.
    pub resource_id: String,
    /// Whether it may log in.
    pub enabled: bool,
    /// The object id of the application in this tenant, where it is known; may be empty.
    pub application_id: String,
    /// Where it was read.
    #[serde(skip, default = "nowhere")]
    pub origin: Origin,
}

/// Who is in a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Members {
    /// Nothing was read of it.
    #[default]
    Unread,
    /// At least these.
    AtLeast(Vec<GroupMember>),
    /// Exactly these.
    Exactly(Vec<GroupMember>),
}

impl Members {
    /// Those that are known.
    pub fn known(&self) -> &[GroupMember] {
        match self {
            Members::Unread => &[],
            Members::AtLeast(known) | Members::Exactly(known) => known,
        }
    }
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupMember {
    /// The object id.
    pub object_id: String,
    /// What it is.
    pub kind: PrincipalKind,
}

/// A group of the directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AzureGroup {
    /// The object id.
    pub object_id: String,
    /// The display name; may be empty.
    pub name: String,
    /// Who is in it, directly or through further groups.
    pub members: Members,
    /// Where it was read.
    #[serde(skip, default = "nowhere")]
    pub origin: Origin,
}

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// Its id, a GUID.
    pub id: String,
    /// Its name; may be empty.
    pub name: String,
    /// The management group right above it, by name; none when that was not read.
    pub parent: Option<String>,
    /// Where it was read.
    #[serde(skip, default = "nowhere")]
    pub origin: Origin,
}

/// A management group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManagementGroup {
    /// Its name, which its id ends in.
    pub name: String,
    /// Its display name; may be empty.
    pub display_name: String,
    /// The one right above it, by name; none when that was not read.
    pub parent: Option<String>,
    /// Whether it is the tenant's root group.
    pub root: bool,
    /// Where it was read.
    #[serde(skip, default = "nowhere")]
    pub origin: Origin,
}

/// A container registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Registry {
    /// Its resource id.
    pub id: String,
    /// The name that images begin with.
    pub login_server: String,
    /// Whether it has an admin user with a password.
    pub admin_user: Option<bool>,
    /// Where it was read.
    #[serde(skip, default = "nowhere")]
    pub origin: Origin,
}

/// A key vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyVault {
    /// Its resource id.
    pub id: String,
    /// Whether Azure role assignments decide who reads it, and not access policies.
    pub azure_rbac: Option<bool>,
    /// Its access policies.
    pub policies: Vec<AccessPolicy>,
    /// Where it was read.
    #[serde(skip, default = "nowhere")]
    pub origin: Origin,
}

/// Whom a key vault lets do what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessPolicy {
    /// The object id.
    pub object_id: String,
    /// What with secrets, keys and certificates: `secrets/get`, lower-cased.
    pub permissions: Vec<String>,
}
