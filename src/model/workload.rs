//! Pods, nodes and storage, as far as the Node authorizer looks at them.

use super::intern::Name;
use super::object::{ClusterId, Labels, Origin};

/// A Pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pod {
    /// The cluster.
    pub cluster: ClusterId,
    /// The namespace.
    pub namespace: Name,
    /// The name.
    pub name: Name,
    /// The node it is bound to.
    pub node: Option<Name>,
    /// `spec.serviceAccountName`; none for a mirror pod and for a manifest that leaves the default to admission.
    pub service_account: Option<Name>,
    /// A mirror pod stands for a static pod of the kubelet; the Node authorizer gives nothing through it.
    pub mirror: bool,
    /// What it refers to by name.
    pub refers: Box<PodVolumes>,
    /// Where it was read.
    pub origin: Origin,
}

/// The objects of its own namespace that a pod refers to by name: in volumes, environment and pull secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodVolumes {
    /// Secrets.
    pub secrets: Box<[Name]>,
    /// ConfigMaps.
    pub config_maps: Box<[Name]>,
    /// PersistentVolumeClaims, those of ephemeral volumes included.
    pub claims: Box<[Name]>,
    /// ResourceClaims, those made from a template included once their name stands in the status.
    pub resource_claims: Box<[Name]>,
    /// Audiences of projected service account tokens; the empty one is the API server's own.
    pub token_audiences: Box<[Name]>,
}

/// A Node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The cluster.
    pub cluster: ClusterId,
    /// The name.
    pub name: Name,
    /// Its labels.
    pub labels: Labels,
    /// Where it was read.
    pub origin: Origin,
}

/// A PersistentVolumeClaim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The cluster.
    pub cluster: ClusterId,
    /// The namespace.
    pub namespace: Name,
    /// The name.
    pub name: Name,
    /// The volume it is bound to.
    pub volume: Option<Name>,
    /// Where it was read.
    pub origin: Origin,
}

/// A PersistentVolume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersistentVolume {
    /// The cluster.
    pub cluster: ClusterId,
    /// The name.
    pub name: Name,
    /// Namespace and name of the claim it is bound to.
    pub claim: Option<(Name, Name)>,
    /// Namespace and name of the Secrets that its driver needs.
    pub secrets: Box<[(Name, Name)]>,
    /// Where it was read.
    pub origin: Origin,
}

/// A VolumeAttachment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeAttachment {
    /// The cluster.
    pub cluster: ClusterId,
    /// The name.
    pub name: Name,
    /// The node.
    pub node: Name,
    /// Where it was read.
    pub origin: Origin,
}

/// A Secret, without its content: what it is called and what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// The cluster.
    pub cluster: ClusterId,
    /// The namespace.
    pub namespace: Name,
    /// The name.
    pub name: Name,
    /// Its `type`, `Opaque` where none is given.
    pub kind: Name,
    /// Where it was read.
    pub origin: Origin,
}
