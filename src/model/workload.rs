//! Pods, nodes and storage, as far as the Node authorizer looks at them (kubernetes
//! `plugin/pkg/auth/authorizer/node/graph.go`). It does not look at PersistentVolumeClaims: their names come from the pods and
//! from the volumes that are bound to them.

use super::intern::{Name, Slices, index_u32};
use super::object::{ClusterId, Labels, Origin};
use super::powers::PodPowers;

/// The namespace in which every node has a Lease of its own name.
pub const NODE_LEASES: &str = "kube-node-lease";

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
    pub refs: PodRefsId,
    /// Its ways to the node. This and what follows is read only for escalations.
    pub powers: PodPowers,
    /// `spec.automountServiceAccountToken`; none leaves it to the account, which leaves it at yes.
    pub automount: Option<bool>,
    /// Whether a volume holds a token of its account that the API server takes. In a cluster this is how automounted tokens
    /// come in; a manifest does not have that volume yet.
    pub token: bool,
    /// Whether it has run to its end.
    pub finished: bool,
    /// Where it was read.
    pub origin: Origin,
}

/// The objects of its own namespace that a pod refers to by name: in volumes, environment, pull secrets and resource claims.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PodRefs<'a> {
    /// Secrets.
    pub secrets: &'a [Name],
    /// ConfigMaps.
    pub config_maps: &'a [Name],
    /// PersistentVolumeClaims, those of ephemeral volumes included.
    pub claims: &'a [Name],
    /// ResourceClaims, those made from a template included once their name stands in the status.
    pub resource_claims: &'a [Name],
    /// Audiences of projected service account tokens; the empty one is the API server's own. The Node authorizer does not
    /// look at them; admission (NodeRestriction) does when the kubelet asks for a token.
    pub token_audiences: &'a [Name],
}

/// A distinct [`PodRefs`] of a [`PodRefsTable`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PodRefsId(u32);

/// What the pods refer to. The pods of one Deployment refer to the same, so each distinct combination is stored once.
#[derive(Default)]
pub struct PodRefsTable(Slices<Name>);

/// How many list lengths stand before the names: those of all lists but the last.
const LENGTHS: usize = 4;

impl PodRefsTable {
    /// The number of a combination, added if it is new.
    pub fn intern(&mut self, refs: PodRefs<'_>) -> PodRefsId {
        let PodRefs { secrets, config_maps, claims, resource_claims, token_audiences } = refs;
        let mut encoded: Vec<Name> =
            [secrets, config_maps, claims, resource_claims].iter().map(|list| Name::from_count(list.len())).collect();
        for list in [secrets, config_maps, claims, resource_claims, token_audiences] {
            encoded.extend_from_slice(list);
        }
        PodRefsId(self.0.intern(&encoded))
    }

    /// The names behind a number that this table gave out.
    pub fn get(&self, id: PodRefsId) -> PodRefs<'_> {
        let (lengths, mut rest) = self.0.get(id.0).split_at(LENGTHS);
        let mut next = |at: usize| {
            let (list, after) = rest.split_at(lengths[at].index());
            rest = after;
            list
        };
        let (secrets, config_maps, claims, resource_claims) = (next(0), next(1), next(2), next(3));
        PodRefs { secrets, config_maps, claims, resource_claims, token_audiences: rest }
    }

    /// Adds what another table holds, whose names were moved; gives the new number of each old one.
    pub(super) fn absorb(&mut self, other: &PodRefsTable, moved: &[Name]) -> Vec<PodRefsId> {
        let list = |names: &[Name]| {
            let mut names: Vec<Name> = names.iter().map(|name| moved[name.index()]).collect();
            names.sort_unstable();
            names
        };
        (0..other.0.len())
            .map(|at| {
                let refs = other.get(PodRefsId(index_u32(at)));
                self.intern(PodRefs {
                    secrets: &list(refs.secrets),
                    config_maps: &list(refs.config_maps),
                    claims: &list(refs.claims),
                    resource_claims: &list(refs.resource_claims),
                    token_audiences: &list(refs.token_audiences),
                })
            })
            .collect()
    }
}

impl PodRefsId {
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
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
    /// The resource group of Azure that its machine is in, from `spec.providerID`.
    pub azure_group: Option<Name>,
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
    /// Namespace and name of the claim it is bound to, or meant for; whether that claim exists is not looked at.
    pub claim: Option<(Name, Name)>,
    /// Namespace and name of the Secrets that the kubelet needs for it. Those that only controllers need are left out.
    pub secrets: Box<[(Name, Name)]>,
    /// What comes with the folder of a node that it is (`hostPath` or `local`), mounted for writing. Read only for escalations.
    pub powers: PodPowers,
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

/// A ResourceSlice that belongs to one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceSlice {
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
    /// What it is good for. Read only for escalations, otherwise `Other`.
    pub purpose: SecretPurpose,
    /// Whether its entries were to be seen, so that those it does not have are missing. Read only for escalations.
    pub entries_seen: bool,
    /// Where it was read.
    pub origin: Origin,
}

/// What whoever reads a Secret gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecretPurpose {
    /// Whatever the workloads of its namespace need.
    #[default]
    Other,
    /// A lasting token of the service account of this name in its namespace; none when that was not to be seen.
    Token(Option<Name>),
    /// The way into a cluster with all its rights: a kubeconfig, or what Cluster API keeps of a cluster that it made.
    Kubeconfig,
    /// A cluster that Argo CD deploys to, with its credentials there.
    ArgoCluster,
    /// A token by which nodes join.
    Bootstrap,
}
