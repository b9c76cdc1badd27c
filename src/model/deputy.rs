//! Objects by which GitOps controllers are told what to apply, with rights that their writers need not have. Read only for
//! escalations.

use super::intern::Name;
use super::object::{ClusterId, Origin};

/// An object of Flux or Argo CD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deputy {
    /// The cluster.
    pub cluster: ClusterId,
    /// What it is.
    pub kind: DeputyKind,
    /// The namespace.
    pub namespace: Name,
    /// The name.
    pub name: Name,
    /// What its kind says.
    pub spec: DeputySpec,
    /// Where it was read.
    pub origin: Origin,
}

/// The kinds of [`Deputy`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeputyKind {
    /// Flux `Kustomization`.
    Kustomization,
    /// Flux `HelmRelease`.
    HelmRelease,
    /// Flux `GitRepository`.
    GitRepository,
    /// Flux `OCIRepository`.
    OciRepository,
    /// Flux `Bucket`.
    Bucket,
    /// Flux `HelmRepository`.
    HelmRepository,
    /// Flux `HelmChart`.
    HelmChart,
    /// Argo CD `Application`.
    Application,
    /// Argo CD `AppProject`.
    AppProject,
}

/// What a [`Deputy`] says beyond its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeputySpec {
    /// Of a Kustomization or HelmRelease.
    Apply(FluxApply),
    /// Of a Flux source: nothing more is of use.
    Source,
    /// Of an Application.
    Application {
        /// `spec.project`.
        project: Name,
        /// Where it deploys to.
        destination: Destination,
    },
    /// Of an AppProject.
    Project(Box<ArgoProject>),
}

/// What Flux applies, and as whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FluxApply {
    /// `spec.serviceAccountName`: the account of its namespace that is impersonated; none is the controller itself, unless it was
    /// given a default account.
    pub service_account: Option<Name>,
    /// Whether it goes to another cluster (`spec.kubeConfig`).
    pub remote: bool,
    /// Where the manifests come from.
    pub source: Option<SourceRef>,
}

/// A Flux source by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceRef {
    /// The kind as written.
    pub kind: Name,
    /// The namespace, that of the object itself unless it names another.
    pub namespace: Name,
    /// The name.
    pub name: Name,
}

/// Where Argo CD deploys to. Each may be a pattern in an AppProject, and empty when left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The address of the API server.
    pub server: Name,
    /// The name of the cluster, instead of the address.
    pub name: Name,
    /// The namespace.
    pub namespace: Name,
}

/// What the Applications of an AppProject may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgoProject {
    /// Where they may deploy to.
    pub destinations: Box<[Destination]>,
    /// Which cluster-scoped objects they may deploy, as group and kind, each of which may be a pattern; empty is none.
    pub cluster_resources: Box<[(Name, Name)]>,
    /// Whether they may deploy every namespaced object.
    pub every_namespaced: bool,
    /// Whether the manifests may come from any repository.
    pub any_repository: bool,
    /// The namespaces beside Argo CD's own in which its Applications may be written.
    pub source_namespaces: Box<[Name]>,
}

impl DeputyKind {
    /// All of them.
    pub const ALL: [DeputyKind; 9] = [
        DeputyKind::Kustomization,
        DeputyKind::HelmRelease,
        DeputyKind::GitRepository,
        DeputyKind::OciRepository,
        DeputyKind::Bucket,
        DeputyKind::HelmRepository,
        DeputyKind::HelmChart,
        DeputyKind::Application,
        DeputyKind::AppProject,
    ];

    /// The kind of an API group by its name.
    pub fn of(group: &str, kind: &str) -> Option<DeputyKind> {
        DeputyKind::ALL.into_iter().find(|at| at.as_str() == kind && at.group() == group)
    }

    /// The API group.
    pub fn group(self) -> &'static str {
        match self {
            DeputyKind::Kustomization => "kustomize.toolkit.fluxcd.io",
            DeputyKind::HelmRelease => "helm.toolkit.fluxcd.io",
            DeputyKind::Application | DeputyKind::AppProject => "argoproj.io",
            _ => "source.toolkit.fluxcd.io",
        }
    }

    /// The name of the kind.
    pub fn as_str(self) -> &'static str {
        match self {
            DeputyKind::Kustomization => "Kustomization",
            DeputyKind::HelmRelease => "HelmRelease",
            DeputyKind::GitRepository => "GitRepository",
            DeputyKind::OciRepository => "OCIRepository",
            DeputyKind::Bucket => "Bucket",
            DeputyKind::HelmRepository => "HelmRepository",
            DeputyKind::HelmChart => "HelmChart",
            DeputyKind::Application => "Application",
            DeputyKind::AppProject => "AppProject",
        }
    }

    /// The plural resource.
    pub fn resource(self) -> &'static str {
        match self {
            DeputyKind::Kustomization => "kustomizations",
            DeputyKind::HelmRelease => "helmreleases",
            DeputyKind::GitRepository => "gitrepositories",
            DeputyKind::OciRepository => "ocirepositories",
            DeputyKind::Bucket => "buckets",
            DeputyKind::HelmRepository => "helmrepositories",
            DeputyKind::HelmChart => "helmcharts",
            DeputyKind::Application => "applications",
            DeputyKind::AppProject => "appprojects",
        }
    }
}
