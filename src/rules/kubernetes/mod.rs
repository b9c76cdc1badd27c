//! Techniques inside a cluster, each in a file of its own with its tests, and one line here.

use super::technique::Technique;

macro_rules! techniques {
    ($($module:ident,)*) => {
        $(mod $module;)*
        /// The techniques of this folder.
        pub(super) const TECHNIQUES: &[&Technique] = &[$(&$module::TECHNIQUE),*];
    };
}

techniques! {
    bind_role,
    bind_held_role,
    escalate_role,
    aggregated_role_inject,
    dangling_claim,
    impersonate_serviceaccount,
    token_request,
    wildcard_admin,
    system_masters,
    namespace_admin,
    secret_read,
    pod_create,
    pod_exec,
    pod_serviceaccount,
    privileged_pod,
}

pub(super) use bind_held_role::share;
pub(super) use dangling_claim::make as make_account;
pub(super) use system_masters::masters;

#[cfg(test)]
mod world;

#[cfg(test)]
pub(super) use world::graph;
