//! What Azure knows: role assignments, roles, identities, clusters, groups; and how actions, scopes and conditions compare.
//! Plain values and their semantics. Nothing is joined here: that is `graph/azure`.

mod built_in;
mod condition;
mod facts;
mod guard;
mod pattern;
mod scope;

pub use built_in::{BuiltInBlock, BuiltInRole, built_in_role, built_in_roles};
pub use condition::{ASSIGN_ROLES, Alternative, Condition, Effect, REQUEST_ROLES, Request, Set, assigns_roles};
pub use facts::{
    AccessPolicy, AddonIdentity, AksIdentityBinding, Assigned, AzureCluster, AzureFacts, AzureGroup, AzureIdentityIds,
    AzurePrincipal, ClusterKind, Covered, DIRECTORY_ROLES, DenyAssignment, DenyPrincipal, ELEVATE_ACCESS,
    FederatedCredential, GroupEligibility, GroupMember, KeyVault, LocalCluster, ManagementGroup, Members, Permission,
    PrincipalKind, Registry, RoleAssignment, RoleDefinition, Subscription, UserAssignedIdentity,
};
pub use guard::{GuardQuestion, GuardReading, guard_parts, guard_prefix, guard_question, guard_scopes};
pub use pattern::{Plane, allows, check_action, matches_strictly};
pub use scope::{
    MANAGEMENT_GROUPS, ancestors, check_scope, contains, fold, is_guid, last_guid, management_group, subscription_of,
};
