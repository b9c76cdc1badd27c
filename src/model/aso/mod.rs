//! Azure Service Operator (ASO) v2 as it is installed in a cluster: its kinds, its resources, its operators, and the Secrets that
//! hold its credentials. Of a Secret only names of entries are kept, and the few values that are no secret; which credential a
//! resource uses is the `query` floor's to say.

mod kinds;
mod resource;
mod secret;

pub use kinds::{ASSIGN_IDENTITY, AsoKind, AsoOwnerKind, KindIx, is_aso_group, is_aso_version};
pub use resource::{
    AsoExport, AsoOwner, AsoResource, AsoSpec, AsoValueFrom, ClusterSpec, FederatedSpec, GitOps, IdentityIds,
    ReconcilePolicy, RoleAssignmentSpec, RoleReference, VaultSpec,
};
pub use secret::{
    AsoSecret, AsoSecretContent, AsoText, REFLECTION_ALLOWED, REFLECTION_NAMESPACES, copied_to, is_aso_secret_entry,
    is_copied_to, kept_aso_entry,
};

use super::intern::Name;
use super::lists::NameListId;
use super::object::{ClusterId, Origin};

/// The Secret that a namespace's resources use when they name none.
pub const ASO_CREDENTIAL: &str = "aso-credential";

/// The Secret of an operator's namespace that holds its settings, the global credential among them.
pub const ASO_SETTINGS: &str = "aso-controller-settings";

/// The namespaces that an operator is usually in: that of its own chart, and that of Cluster API for Azure.
pub const ASO_NAMESPACES: [&str; 2] = ["azureserviceoperator-system", "capz-system"];

/// The account that the operator's chart makes.
pub const ASO_ACCOUNT: &str = "azureserviceoperator-default";

/// The account whose token a strict operator asks for in the namespace of a resource, unless the credential names another.
pub const ASO_WORKLOAD_ACCOUNT: &str = "aso-workload";

/// An installed CustomResourceDefinition of ASO.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsoDefinition {
    /// The cluster.
    pub cluster: ClusterId,
    /// The object's name: plural, a dot, and the group.
    pub name: Name,
    /// The API group.
    pub group: Name,
    /// The plural resource.
    pub plural: Name,
    /// The kind.
    pub kind: Name,
    /// The kind in the table of this program; none for one that is newer.
    pub known: Option<KindIx>,
    /// The operator's version that installed it, by its label.
    pub version: Option<Name>,
    /// Where it was read.
    pub origin: Origin,
}

/// A Deployment that runs the operator, as far as its settings go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsoDeployment {
    /// The cluster.
    pub cluster: ClusterId,
    /// The namespace.
    pub namespace: Name,
    /// The name.
    pub name: Name,
    /// The account that it runs as; none is `default`.
    pub service_account: Option<Name>,
    /// The image of the operator's container.
    pub image: Name,
    /// `spec.replicas`; none is one.
    pub replicas: Option<u32>,
    /// The arguments of the operator's container, without those that look like a secret.
    pub args: NameListId,
    /// The environment of the operator's container, by name.
    pub env: Box<[(Name, AsoEnv)]>,
    /// The Secrets whose entries all become environment, the last one counting first.
    pub env_from: Box<[Name]>,
    /// Where it was read.
    pub origin: Origin,
}

/// Where a variable of the operator's environment comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AsoEnv {
    /// From the Deployment itself.
    Value(AsoText),
    /// From an entry of a Secret of its namespace.
    Secret {
        /// The Secret.
        name: Name,
        /// The entry.
        key: Name,
        /// Whether the pod starts without it.
        optional: bool,
    },
    /// From somewhere that is not looked at: a ConfigMap, a field of the pod.
    Elsewhere,
}

/// A Secret by whose credential an object was reconciled, as the operator's `CredentialFrom` Event says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsoEvent {
    /// The cluster.
    pub cluster: ClusterId,
    /// The API group of the resource.
    pub group: Name,
    /// Its kind.
    pub kind: Name,
    /// Its namespace.
    pub namespace: Name,
    /// Its name.
    pub name: Name,
    /// Namespace and name of the Secret.
    pub secret: (Name, Name),
    /// When it was last seen, as the Event says it (RFC 3339); the later one sorts behind the earlier.
    pub seen: Name,
    /// Where it was read.
    pub origin: Origin,
}
