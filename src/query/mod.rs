//! Floor 3: questions to the access graph. Who can do this, what can this one do, why or why not, and reviews as the API server
//! answers them. Answers are plain values that name the binding, role and rule behind them; nothing is put into words for people.

mod aso;
mod azure;
mod decide;
mod expand;
mod gaps;
mod guard;
pub mod node;
mod review;
mod system;
mod what_can;
mod who_can;
mod why;

pub use aso::{
    Aso, AsoOptions, AsoPower, AsoRight, AsoRights, AsoUse, Cloud, Credential, CredentialIx, CredentialKind,
    CredentialProblem, CredentialRow, CredentialScope, Dormant, Elsewhere, Failing, Holder, HowKnown, Installed,
    KindSet, Operator, OperatorIx, OperatorMode, Outcome, Power, PowerLevel, Step, Targets, TokenMode, TokenReason,
};
pub use azure::{
    AzureMember, AzureMembers, AzureRow, AzureWhoCan, azure_gaps, azure_who_can, condition_words, principal_name,
    unread_groups, unread_place,
};
pub use decide::{Authorizers, Verdict, decide};
pub use expand::{EntraMembers, Member, entra_members, members};
pub use gaps::concerning;
pub(crate) use guard::is_same_issuer;
pub use guard::{
    GuardPlace, GuardRequest, GuardRight, GuardRow, GuardWhoCan, HowRecognised, entra_principal, guard_what_can,
    guard_who_can, kubernetes_name, this_cluster,
};
pub use node::{NodeGrant, NodeRefusal};
pub use review::{Reviewed, reason};
pub use system::{
    Standing, SystemFilter, is_default_grant, is_default_role, is_reconciled, is_system, is_system_namespace, standing,
};
pub use what_can::{Right, RightGrant, Target, WhatCan, what_can};
pub use who_can::{Filter, Grant, Place, Row, Where, WhoCan, who_can};
pub use why::{Lack, Miss, Why, why};
