//! A custom resource of ASO: which credential it asks for, what it is in Azure, and what it reads and writes in its namespace.

use crate::model::intern::Name;
use crate::model::lists::NameListId;
use crate::model::object::{ClusterId, Origin};

use super::KindIx;

/// A custom resource of ASO.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsoResource {
    /// The cluster.
    pub cluster: ClusterId,
    /// The namespace.
    pub namespace: Name,
    /// The API group.
    pub group: Name,
    /// The kind.
    pub kind: Name,
    /// The name.
    pub name: Name,
    /// The kind in the table of this program; none for one that is newer.
    pub known: Option<KindIx>,
    /// `serviceoperator.azure.com/credential-from`: the Secret that it asks for. An annotation without a value is there, and empty.
    pub credential_from: Option<Name>,
    /// `serviceoperator.azure.com/reconcile-policy`, if it is one.
    pub policy: Option<ReconcilePolicy>,
    /// `serviceoperator.azure.com/operator-namespace`: where the operator is that owns it.
    pub operator_namespace: Option<Name>,
    /// `serviceoperator.azure.com/last-reconciled-version`: the version of the operator that saw it last.
    pub operator_version: Option<Name>,
    /// `serviceoperator.azure.com/resource-id`, which whoever writes the resource can write too.
    pub resource_id: Option<Name>,
    /// `status.id`, which the operator writes.
    pub status_id: Option<Name>,
    /// `spec.azureName`; none is the name.
    pub azure_name: Option<Name>,
    /// `spec.owner`.
    pub owner: AsoOwner,
    /// `spec.operatorSpec.secrets`: what is exported to which Secret.
    pub exports: Box<[AsoExport]>,
    /// The Secrets that `spec.operatorSpec.secretExpressions` writes.
    pub writes: NameListId,
    /// The Secrets of its namespace that its fields take values from.
    pub reads: NameListId,
    /// Who applied it, by its labels.
    pub git_ops: Option<GitOps>,
    /// What the fields of a few kinds say.
    pub spec: AsoSpec,
    /// Where it was read.
    pub origin: Origin,
}

/// What ASO does in Azure for a resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReconcilePolicy {
    /// Creates, changes and deletes.
    #[default]
    Manage,
    /// Creates and changes.
    DetachOnDelete,
    /// Only reads. Exports are written nevertheless.
    Skip,
}

impl ReconcilePolicy {
    /// All of them.
    pub const ALL: [ReconcilePolicy; 3] =
        [ReconcilePolicy::Manage, ReconcilePolicy::DetachOnDelete, ReconcilePolicy::Skip];

    /// The policy of a text, which has to be exact. Any other text is as if there were none.
    pub fn parse(text: &str) -> Option<ReconcilePolicy> {
        ReconcilePolicy::ALL.into_iter().find(|at| at.as_str() == text)
    }

    /// The text.
    pub fn as_str(self) -> &'static str {
        match self {
            ReconcilePolicy::Manage => "manage",
            ReconcilePolicy::DetachOnDelete => "detach-on-delete",
            ReconcilePolicy::Skip => "skip",
        }
    }
}

/// What a resource belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AsoOwner {
    /// Nothing.
    #[default]
    None,
    /// A resource of its own namespace. Without group and kind it is of the kind that owns its kind.
    Named {
        /// The API group, or the empty name.
        group: Name,
        /// The kind, or the empty name.
        kind: Name,
        /// The name.
        name: Name,
    },
    /// Any resource or scope of Azure.
    ArmId(Name),
}

/// One exported value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AsoExport {
    /// What is exported, such as `adminCredentials`.
    pub what: Name,
    /// The Secret of its namespace.
    pub secret: Name,
    /// The entry of the Secret.
    pub key: Name,
}

/// Who applies resources of Git.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GitOps {
    /// Argo CD.
    Argo,
    /// Flux.
    Flux,
}

/// A value, or the ConfigMap that it is taken from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AsoValueFrom {
    /// Nothing is said.
    #[default]
    None,
    /// The value.
    Value(Name),
    /// An entry of a ConfigMap of the namespace.
    ConfigMap {
        /// The ConfigMap.
        name: Name,
        /// The entry.
        key: Name,
    },
}

/// What the fields of a few kinds say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AsoSpec {
    /// Nothing that is looked at.
    #[default]
    Other,
    /// Of a RoleAssignment.
    RoleAssignment(Box<RoleAssignmentSpec>),
    /// Of a FederatedIdentityCredential.
    Federated(Box<FederatedSpec>),
    /// Of a UserAssignedIdentity: its status.
    Identity(Box<IdentityIds>),
    /// Of a ManagedCluster.
    Cluster(Box<ClusterSpec>),
    /// Of a Vault.
    Vault(VaultSpec),
    /// Of a database server: the Secret with the password of its administrator.
    Server(Name),
}

/// `spec` of a RoleAssignment, and of a RoleEligibilityScheduleRequest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoleAssignmentSpec {
    /// Who gets the role.
    pub principal: AsoValueFrom,
    /// `principalType`.
    pub principal_type: Option<Name>,
    /// The role.
    pub role: RoleReference,
    /// Whether a `condition` restricts it.
    pub conditional: bool,
    /// `status.principalId`.
    pub status_principal: Option<Name>,
    /// `status.roleDefinitionId`.
    pub status_role: Option<Name>,
    /// `status.scope`.
    pub status_scope: Option<Name>,
}

/// `spec.roleDefinitionReference`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RoleReference {
    /// Nothing is said.
    #[default]
    None,
    /// By its id.
    ArmId(Name),
    /// A built-in role by its name, in any case.
    WellKnown(Name),
    /// A RoleDefinition of the namespace.
    Named(Name),
}

/// `spec` of a FederatedIdentityCredential.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FederatedSpec {
    /// Who signs the tokens.
    pub issuer: AsoValueFrom,
    /// Whose tokens they are.
    pub subject: AsoValueFrom,
    /// The audiences.
    pub audiences: NameListId,
}

/// The ids of a UserAssignedIdentity, as its status has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IdentityIds {
    /// `status.clientId`.
    pub client: Option<Name>,
    /// `status.principalId`.
    pub principal: Option<Name>,
    /// `status.tenantId`.
    pub tenant: Option<Name>,
}

/// What a ManagedCluster says of who gets in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClusterSpec {
    /// `spec.disableLocalAccounts`.
    pub local_accounts_off: Option<bool>,
    /// `spec.aadProfile.managed`.
    pub entra: Option<bool>,
    /// `spec.aadProfile.enableAzureRBAC`.
    pub azure_rbac: Option<bool>,
    /// `spec.aadProfile.adminGroupObjectIDs`.
    pub admin_groups: NameListId,
    /// `spec.nodeResourceGroup`, or that of the status.
    pub node_resource_group: Option<Name>,
    /// `status.oidcIssuerProfile.issuerURL`.
    pub issuer: Option<Name>,
    /// `status.fqdn`, or the private one.
    pub fqdn: Option<Name>,
}

/// What a Vault says of who gets in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VaultSpec {
    /// `spec.properties.enableRbacAuthorization`.
    pub rbac: Option<bool>,
    /// How many access policies it has.
    pub policies: u32,
    /// `spec.properties.createMode` is `purgeThenCreate`.
    pub purges: bool,
}
