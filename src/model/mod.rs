//! Floor 0: plain values. Subjects, rules and how a rule matches, roles, bindings, workloads, and the
//! [`Snapshot`] that holds what was read. Nothing here reads, prints, or knows a Kubernetes client.

mod action;
mod admission;
mod aso;
pub mod azure;
mod controller;
mod cover;
mod decision;
mod default_roles;
mod deputy;
mod gap;
mod identity;
mod intern;
mod kept;
mod lists;
mod object;
mod powers;
mod resources;
mod review;
mod rule;
mod snapshot;
mod subject;
mod thing;
mod workload;

pub use action::{Action, ResourceAction};
pub use admission::{Admission, AdmissionHook, AdmissionKind, ApiService, Backend, Conversion, PolicyBinding};
pub use aso::{
    ASO_ACCOUNT, ASO_CREDENTIAL, ASO_NAMESPACES, ASO_SETTINGS, ASO_WORKLOAD_ACCOUNT, ASSIGN_IDENTITY, AsoDefinition,
    AsoDeployment, AsoEnv, AsoEvent, AsoExport, AsoKind, AsoOwner, AsoOwnerKind, AsoResource, AsoSecret,
    AsoSecretContent, AsoSpec, AsoText, AsoValueFrom, ClusterSpec, FederatedSpec, GitOps, IdentityIds, KindIx,
    REFLECTION_ALLOWED, REFLECTION_NAMESPACES, ReconcilePolicy, RoleAssignmentSpec, RoleReference, VaultSpec,
    copied_to, is_aso_group, is_aso_secret_entry, is_aso_version, is_copied_to, kept_aso_entry,
};
pub use azure::AzureFacts;
pub use controller::{Controller, ControllerKind};
pub use cover::{Atom, uncovered};
pub use decision::{Authorizer, Decision};
pub use default_roles::{Added, DefaultRole, default_roles, is_default_role_name};
pub use deputy::{ArgoProject, Deputy, DeputyKind, DeputySpec, Destination, FluxApply, SourceRef};
pub use gap::{Gap, GapReason};
pub use identity::{
    ANONYMOUS, AUTHENTICATED, AWS_AUTH, CLUSTER_ADMIN, Identity, MASTERS, NODE_PREFIX, NODES, SERVICE_ACCOUNTS,
    UNAUTHENTICATED, implied_groups,
};
pub use intern::{Name, Names, Slices};
pub use kept::{OldFinding, OldReport, SuppressionText};
pub use lists::{NameListId, NameLists};
pub use object::{
    Aggregation, Binding, ClusterId, Expression, FileId, Labels, Maker, Namespace, Operator, Origin, Role, RoleKind,
    RoleRef, Selector, ServiceAccount,
};
pub use powers::PodPowers;
pub use resources::{ApiResource, Resolved, ResourceTable};
pub use review::{Review, ReviewKind};
pub use rule::{MatchedNames, Question, Rule, RuleId, RuleSetId, RuleTable};
pub use snapshot::{Cluster, ObjectCount, Snapshot, Source, Warning};
pub use subject::{
    SERVICE_ACCOUNT_PREFIX, Subject, SubjectId, SubjectSetId, SubjectTable, is_account_name, service_account_parts,
};
pub use thing::{SubjectText, Thing, ThingError};
pub use workload::{
    NODE_LEASES, Node, PersistentVolume, Pod, PodRefs, PodRefsId, PodRefsTable, ResourceSlice, Secret, SecretPurpose,
    VolumeAttachment,
};
