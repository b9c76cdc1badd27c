//! Workloads that make pods, as far as their pods' rights and ways to the node go. Read only for escalations.

use super::intern::Name;
use super::lists::NameListId;
use super::object::{ClusterId, Labels, Origin};
use super::powers::PodPowers;

/// An object whose controller makes pods of its template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Controller {
    /// The cluster.
    pub cluster: ClusterId,
    /// What it is.
    pub kind: ControllerKind,
    /// The namespace.
    pub namespace: Name,
    /// The name.
    pub name: Name,
    /// `serviceAccountName` of the template; none is the account `default`.
    pub service_account: Option<Name>,
    /// `automountServiceAccountToken` of the template; none leaves it to the account.
    pub automount: Option<bool>,
    /// The ways to the node that its pods have.
    pub powers: PodPowers,
    /// Whether another object controls it: a ReplicaSet of a Deployment, a Job of a CronJob.
    pub owned: bool,
    /// The object's own labels.
    pub labels: Labels,
    /// The images of its containers, in [`Snapshot::lists`](super::Snapshot::lists).
    pub images: NameListId,
    /// Commands and arguments of its containers, without those that look like a secret. Only of controllers that act for those
    /// who write their objects (Argo CD, Flux, Azure Service Operator): their flags say how far they go.
    pub args: NameListId,
    /// Where it was read.
    pub origin: Origin,
}

/// The kinds of the API that make pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ControllerKind {
    /// `Deployment`.
    Deployment,
    /// `DaemonSet`.
    DaemonSet,
    /// `StatefulSet`.
    StatefulSet,
    /// `ReplicaSet`.
    ReplicaSet,
    /// `Job`.
    Job,
    /// `CronJob`.
    CronJob,
    /// `ReplicationController`.
    ReplicationController,
}

impl ControllerKind {
    /// All of them.
    pub const ALL: [ControllerKind; 7] = [
        ControllerKind::Deployment,
        ControllerKind::DaemonSet,
        ControllerKind::StatefulSet,
        ControllerKind::ReplicaSet,
        ControllerKind::Job,
        ControllerKind::CronJob,
        ControllerKind::ReplicationController,
    ];

    /// The kind of an API group by its name.
    pub fn of(group: &str, kind: &str) -> Option<ControllerKind> {
        ControllerKind::ALL.into_iter().find(|at| at.as_str() == kind && at.group() == group)
    }

    /// The API group.
    pub fn group(self) -> &'static str {
        match self {
            ControllerKind::Deployment
            | ControllerKind::DaemonSet
            | ControllerKind::StatefulSet
            | ControllerKind::ReplicaSet => "apps",
            ControllerKind::Job | ControllerKind::CronJob => "batch",
            ControllerKind::ReplicationController => "",
        }
    }

    /// The name of the kind.
    pub fn as_str(self) -> &'static str {
        match self {
            ControllerKind::Deployment => "Deployment",
            ControllerKind::DaemonSet => "DaemonSet",
            ControllerKind::StatefulSet => "StatefulSet",
            ControllerKind::ReplicaSet => "ReplicaSet",
            ControllerKind::Job => "Job",
            ControllerKind::CronJob => "CronJob",
            ControllerKind::ReplicationController => "ReplicationController",
        }
    }

    /// The plural resource.
    pub fn resource(self) -> &'static str {
        match self {
            ControllerKind::Deployment => "deployments",
            ControllerKind::DaemonSet => "daemonsets",
            ControllerKind::StatefulSet => "statefulsets",
            ControllerKind::ReplicaSet => "replicasets",
            ControllerKind::Job => "jobs",
            ControllerKind::CronJob => "cronjobs",
            ControllerKind::ReplicationController => "replicationcontrollers",
        }
    }
}
