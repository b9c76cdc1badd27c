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
    impersonate_user,
    impersonate_group,
    token_request,
    wildcard_admin,
    system_masters,
    namespace_admin,
    secret_read,
    secret_token_read,
    secret_token_create,
    secret_token_retarget,
    kubeconfig_secret_read,
    bootstrap_token_create,
    csr_approve,
    node_csr,
    constrained_impersonation,
    pod_create,
    workload_create,
    workload_patch,
    pod_image_patch,
    pod_exec,
    pod_attach,
    ephemeral_container,
    node_proxy,
    pod_serviceaccount,
    pod_secrets,
    privileged_pod,
    relax_pod_security,
    hostpath_volume,
    node_pods,
    node_identity,
    control_plane_node,
    container_escape,
    pod_steal,
    pod_bind,
    webhook_write,
    admission_guard_remove,
    admission_policy_write,
    kube_system_config_write,
    aws_auth_write,
    crd_conversion_write,
    apiservice_write,
    operator_deputy,
    custom_workload_create,
}

pub(super) use admission_guard_remove::guarded;
pub(super) use bind_held_role::{Halves, share};
pub(super) use constrained_impersonation::{Poses, TECHNIQUE as CONSTRAINED_IMPERSONATION};
pub(super) use container_escape::{all_powers, is_way_out};
pub(super) use dangling_claim::make as make_account;
pub(super) use joint::{Joint, join, names_it};
pub(super) use node_identity::kubelet_for;
pub(super) use pod_serviceaccount::{chosen_together, entered};
pub(super) use pods::{Gives, blockers, gives, pods_of};
pub(super) use system_masters::masters;

mod gitops;
mod joint;
mod pods;

/// The technique by which a request is made in somebody else's name.
pub(super) const CONSTRAINED: &Technique = &CONSTRAINED_IMPERSONATION;

#[cfg(test)]
mod world;

#[cfg(test)]
pub(super) use world::{check, check_blocked, check_from, graph, yaml};
