//! What can be listed of a cluster, when it is, and how much of each object. Nothing else is ever listed.

use super::super::document::Needs;
use super::aso::{self, Version};
use crate::model::ApiResource;

/// A collection and what is wanted of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Collection {
    pub(super) group: &'static str,
    pub(super) version: Version,
    pub(super) resource: &'static str,
    pub(super) kind: &'static str,
    pub(super) scope: Scope,
    pub(super) form: Form,
    pub(super) when: When,
}

/// Where the objects of a collection live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    Cluster,
    Namespaced,
}

/// How much of each object is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Whole,
    Metadata,
}

/// When a collection is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    Always,
    /// When pods and nodes are needed.
    Workloads,
    /// When escalations are.
    Escalations,
    /// When escalations are, and the server serves this version of it.
    Served,
    /// When the server does not say what it serves, or escalations are needed.
    Definitions,
}

use Form::{Metadata, Whole};
use Scope::{Cluster, Namespaced};
use When::{Always, Definitions, Escalations, Served, Workloads};

const RBAC: &str = "rbac.authorization.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";
const FLUX_SOURCE: &str = "source.toolkit.fluxcd.io";

const fn of(
    (group, version, resource, kind): (&'static str, &'static str, &'static str, &'static str),
    scope: Scope,
    form: Form,
    when: When,
) -> Collection {
    Collection { group, version: Version::Of(version), resource, kind, scope, form, when }
}

/// All of them; one that is served in several versions stands here with each that can be read.
pub(super) const COLLECTIONS: &[Collection] = &[
    of((RBAC, "v1", "clusterroles", "ClusterRole"), Cluster, Whole, Always),
    of((RBAC, "v1", "clusterrolebindings", "ClusterRoleBinding"), Cluster, Whole, Always),
    of((RBAC, "v1", "roles", "Role"), Namespaced, Whole, Always),
    of((RBAC, "v1", "rolebindings", "RoleBinding"), Namespaced, Whole, Always),
    of(("", "v1", "namespaces", "Namespace"), Cluster, Metadata, Always),
    of(("", "v1", "serviceaccounts", "ServiceAccount"), Namespaced, Metadata, Always),
    of(("", "v1", "pods", "Pod"), Namespaced, Whole, Workloads),
    // Of a node only the labels are used, and its status is long.
    of(("", "v1", "nodes", "Node"), Cluster, Metadata, Workloads),
    of(("", "v1", "persistentvolumes", "PersistentVolume"), Cluster, Whole, Workloads),
    of(("storage.k8s.io", "v1", "volumeattachments", "VolumeAttachment"), Cluster, Whole, Workloads),
    // Before 1.34 there are none unless somebody turns them on.
    of(("resource.k8s.io", "v1", "resourceslices", "ResourceSlice"), Cluster, Whole, Workloads),
    of(
        ("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition"),
        Cluster,
        Whole,
        Definitions,
    ),
    of(("apps", "v1", "deployments", "Deployment"), Namespaced, Whole, Escalations),
    of(("apps", "v1", "daemonsets", "DaemonSet"), Namespaced, Whole, Escalations),
    of(("apps", "v1", "statefulsets", "StatefulSet"), Namespaced, Whole, Escalations),
    of(("apps", "v1", "replicasets", "ReplicaSet"), Namespaced, Whole, Escalations),
    of(("batch", "v1", "jobs", "Job"), Namespaced, Whole, Escalations),
    of(("batch", "v1", "cronjobs", "CronJob"), Namespaced, Whole, Escalations),
    of(("", "v1", "replicationcontrollers", "ReplicationController"), Namespaced, Whole, Escalations),
    of((ADMISSION, "v1", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration"), Cluster, Whole, Escalations),
    of(
        (ADMISSION, "v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration"),
        Cluster,
        Whole,
        Escalations,
    ),
    of((ADMISSION, "v1", "validatingadmissionpolicies", "ValidatingAdmissionPolicy"), Cluster, Whole, Served),
    of(
        (ADMISSION, "v1", "validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding"),
        Cluster,
        Whole,
        Served,
    ),
    of((ADMISSION, "v1beta1", "validatingadmissionpolicies", "ValidatingAdmissionPolicy"), Cluster, Whole, Served),
    of(
        (ADMISSION, "v1beta1", "validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding"),
        Cluster,
        Whole,
        Served,
    ),
    of((ADMISSION, "v1", "mutatingadmissionpolicies", "MutatingAdmissionPolicy"), Cluster, Whole, Served),
    of((ADMISSION, "v1", "mutatingadmissionpolicybindings", "MutatingAdmissionPolicyBinding"), Cluster, Whole, Served),
    of((ADMISSION, "v1beta1", "mutatingadmissionpolicies", "MutatingAdmissionPolicy"), Cluster, Whole, Served),
    of(
        (ADMISSION, "v1beta1", "mutatingadmissionpolicybindings", "MutatingAdmissionPolicyBinding"),
        Cluster,
        Whole,
        Served,
    ),
    of((ADMISSION, "v1alpha1", "mutatingadmissionpolicies", "MutatingAdmissionPolicy"), Cluster, Whole, Served),
    of(
        (ADMISSION, "v1alpha1", "mutatingadmissionpolicybindings", "MutatingAdmissionPolicyBinding"),
        Cluster,
        Whole,
        Served,
    ),
    of(("apiregistration.k8s.io", "v1", "apiservices", "APIService"), Cluster, Whole, Served),
    of(("kustomize.toolkit.fluxcd.io", "v1", "kustomizations", "Kustomization"), Namespaced, Whole, Served),
    of(("kustomize.toolkit.fluxcd.io", "v1beta2", "kustomizations", "Kustomization"), Namespaced, Whole, Served),
    of(("helm.toolkit.fluxcd.io", "v2", "helmreleases", "HelmRelease"), Namespaced, Whole, Served),
    of(("helm.toolkit.fluxcd.io", "v2beta2", "helmreleases", "HelmRelease"), Namespaced, Whole, Served),
    of(("helm.toolkit.fluxcd.io", "v2beta1", "helmreleases", "HelmRelease"), Namespaced, Whole, Served),
    // Of a Flux source only the name is used.
    of((FLUX_SOURCE, "v1", "gitrepositories", "GitRepository"), Namespaced, Metadata, Served),
    of((FLUX_SOURCE, "v1beta2", "gitrepositories", "GitRepository"), Namespaced, Metadata, Served),
    of((FLUX_SOURCE, "v1", "ocirepositories", "OCIRepository"), Namespaced, Metadata, Served),
    of((FLUX_SOURCE, "v1beta2", "ocirepositories", "OCIRepository"), Namespaced, Metadata, Served),
    of((FLUX_SOURCE, "v1", "buckets", "Bucket"), Namespaced, Metadata, Served),
    of((FLUX_SOURCE, "v1beta2", "buckets", "Bucket"), Namespaced, Metadata, Served),
    of((FLUX_SOURCE, "v1", "helmrepositories", "HelmRepository"), Namespaced, Metadata, Served),
    of((FLUX_SOURCE, "v1beta2", "helmrepositories", "HelmRepository"), Namespaced, Metadata, Served),
    of((FLUX_SOURCE, "v1", "helmcharts", "HelmChart"), Namespaced, Metadata, Served),
    of((FLUX_SOURCE, "v1beta2", "helmcharts", "HelmChart"), Namespaced, Metadata, Served),
    of(("argoproj.io", "v1alpha1", "applications", "Application"), Namespaced, Whole, Served),
    of(("argoproj.io", "v1alpha1", "appprojects", "AppProject"), Namespaced, Whole, Served),
];

/// What is read whatever the server serves.
pub(super) fn at_once(needs: Needs) -> impl Iterator<Item = Collection> {
    COLLECTIONS.iter().copied().filter_map(move |list| match list.when {
        Always if list.kind == "ServiceAccount" && needs.escalations => {
            // Whether its pods get tokens is no metadata.
            Some(Collection { form: Whole, ..list })
        }
        Always => Some(list),
        Workloads => needs.workloads.then_some(list),
        Escalations => needs.escalations.then_some(list),
        Served | Definitions => None,
    })
}

/// What is read once it is known what the server serves; of nothing when that cannot be known.
pub(super) fn after_discovery(needs: Needs, served: Option<&[ApiResource]>) -> Vec<Collection> {
    let known = |list: &Collection| {
        let is = |at: &ApiResource| {
            at.group == list.group && at.resource == list.resource && at.version == list.version.text()
        };
        served.is_some_and(|served| served.iter().any(|at| at.subresource.is_empty() && is(at)))
    };
    let wanted = |list: &&Collection| match list.when {
        Served => needs.escalations && known(list),
        Definitions => needs.escalations || needs.definitions && served.is_none(),
        Always | Workloads | Escalations => false,
    };
    let known = COLLECTIONS.iter().filter(wanted).copied();
    known.chain(aso::lists(needs, served.unwrap_or_default())).collect()
}

/// What is read only if the server serves it.
pub(super) fn only_if_served(needs: Needs) -> impl Iterator<Item = Collection> {
    COLLECTIONS.iter().copied().filter(move |list| needs.escalations && list.when == Served)
}

/// What the server serves in a version that cannot be read.
pub(super) fn unknown_versions(needs: Needs, served: &[ApiResource]) -> Vec<(Collection, &ApiResource)> {
    let of_kind = |list: &Collection, at: &ApiResource| {
        at.subresource.is_empty() && at.group == list.group && at.resource == list.resource
    };
    let unknown =
        |at: &&ApiResource| !COLLECTIONS.iter().any(|list| of_kind(list, at) && list.version.text() == at.version);
    let all = only_if_served(needs).flat_map(|list| {
        let here = served.iter().filter(move |at| of_kind(&list, at)).filter(unknown);
        here.map(move |at| (list, at))
    });
    all.collect()
}
