//! Which objects belong to which node, as the Node authorizer finds out (kubernetes
//! `plugin/pkg/auth/authorizer/node/graph.go`): what pods that are bound to it refer to, the volumes behind their claims, and the
//! Secrets of those volumes. What a node may do with them is decided elsewhere.
//!
//! It is tables sorted by object and node, so that a question is a binary search. The way over a volume is not written out for
//! each node, which would be more than linear where many volumes name one claim.

use std::ops::Range;

use crate::model::{ClusterId, NODE_PREFIX, Name, PersistentVolume, Pod, ResourceSlice, Snapshot, VolumeAttachment};

/// A pod of the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PodIx(u32);

/// A PersistentVolume of the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VolumeIx(u32);

/// A VolumeAttachment of the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttachmentIx(u32);

/// A ResourceSlice of the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SliceIx(u32);

/// Kinds of objects that can belong to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeObject {
    /// Secrets: those that pods refer to, and those of their volumes.
    Secret,
    /// ConfigMaps that pods refer to.
    ConfigMap,
    /// ServiceAccounts that pods run as.
    ServiceAccount,
    /// PersistentVolumeClaims that pods mount.
    Claim,
    /// ResourceClaims of pods.
    ResourceClaim,
    /// The pods themselves.
    Pod,
    /// PersistentVolumes behind the claims of pods.
    Volume,
    /// VolumeAttachments that name the node.
    Attachment,
    /// ResourceSlices that name the node.
    Slice,
}

/// Through what an object belongs to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// A pod that is bound to the node refers to it, or is it.
    Pod(PodIx),
    /// It is this volume or a Secret of it, and a pod that is bound to the node mounts the volume's claim.
    Volume {
        /// The volume.
        volume: VolumeIx,
        /// The pod.
        pod: PodIx,
    },
    /// The attachment names the node.
    Attachment(AttachmentIx),
    /// The slice names the node.
    Slice(SliceIx),
}

/// One object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Object {
    /// Its cluster.
    pub cluster: ClusterId,
    /// Its namespace; `Name::EMPTY` for a cluster-scoped one.
    pub namespace: Name,
    /// Its name.
    pub name: Name,
}

/// Several objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Objects {
    /// Their cluster.
    pub cluster: ClusterId,
    /// Their namespace, `Name::EMPTY` for cluster-scoped ones; none for those of every namespace.
    pub namespace: Option<Name>,
    /// Their name; none for any.
    pub name: Option<Name>,
}

/// An object that belongs to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Related {
    /// The node.
    pub node: Name,
    /// The object's namespace; `Name::EMPTY` for a cluster-scoped one.
    pub namespace: Name,
    /// The object's name.
    pub name: Name,
    /// Through what.
    pub through: Relation,
}

/// A node that the input speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KnownNode {
    /// Its name.
    pub name: Name,
    /// Its kubelet's user name, `system:node:NAME`.
    pub user: Name,
    /// Whether there is a Node object, and not only something that names it.
    pub exists: bool,
}

/// The tables.
#[derive(Default)]
pub(super) struct NodeTables {
    nodes: Vec<(ClusterId, KnownNode)>,
    /// For each kind that pods refer to, what they refer to; by object, then node, with the first pod.
    by_kind: [Vec<Reference>; KINDS],
    /// The Secrets of volumes.
    volume_secrets: Vec<VolumeSecret>,
    /// The clusters of which a pod was read that is bound to a node.
    read: Vec<ClusterId>,
}

/// How many kinds pods refer to by name: the first ones of [`NodeObject`].
const KINDS: usize = 5;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Reference {
    key: Key,
    node: Name,
    pod: PodIx,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct VolumeSecret {
    key: Key,
    volume: VolumeIx,
}

/// Cluster, namespace and name of an object.
type Key = (ClusterId, Name, Name);

impl NodeTables {
    /// O(n log n) in pods and what they refer to, and nothing where no pod is bound to a node.
    pub(super) fn new(snapshot: &Snapshot) -> NodeTables {
        let mut tables = NodeTables { nodes: known_nodes(snapshot), ..NodeTables::default() };
        for (at, pod) in snapshot.pods.iter().enumerate() {
            let Some(node) = pod.node else { continue };
            tables.read.push(pod.cluster);
            tables.read.dedup();
            // Kubelets create mirror pods themselves; what they could give themselves that way does not count.
            if pod.mirror {
                continue;
            }
            let refs = snapshot.pod_refs.get(pod.refs);
            let account = pod.service_account.as_slice();
            let lists = [refs.secrets, refs.config_maps, account, refs.claims, refs.resource_claims];
            for (table, list) in tables.by_kind.iter_mut().zip(lists) {
                let reference =
                    |&name: &Name| Reference { key: (pod.cluster, pod.namespace, name), node, pod: PodIx(index(at)) };
                table.extend(list.iter().map(reference));
            }
        }
        for table in &mut tables.by_kind {
            table.sort_unstable();
            table.dedup_by_key(|reference| (reference.key, reference.node));
            table.shrink_to_fit();
        }
        for (at, volume) in snapshot.volumes.iter().enumerate() {
            let volume_secret = |&(namespace, name): &(Name, Name)| VolumeSecret {
                key: (volume.cluster, namespace, name),
                volume: VolumeIx(index(at)),
            };
            tables.volume_secrets.extend(volume.secrets.iter().map(volume_secret));
        }
        tables.volume_secrets.sort_unstable();
        tables
    }

    fn references(&self, kind: NodeObject) -> &[Reference] {
        match kind {
            NodeObject::Secret => &self.by_kind[0],
            NodeObject::ConfigMap => &self.by_kind[1],
            NodeObject::ServiceAccount => &self.by_kind[2],
            NodeObject::Claim => &self.by_kind[3],
            NodeObject::ResourceClaim => &self.by_kind[4],
            NodeObject::Pod | NodeObject::Volume | NodeObject::Attachment | NodeObject::Slice => &[],
        }
    }
}

/// The node side of an [`AccessGraph`](super::AccessGraph).
#[derive(Clone, Copy)]
pub struct NodeGraph<'g> {
    pub(super) snapshot: &'g Snapshot,
    pub(super) tables: &'g NodeTables,
}

impl<'g> NodeGraph<'g> {
    /// Whether anything is known of what belongs to the nodes of a cluster: a pod was read that is bound to one. Without that
    /// the Node authorizer cannot be evaluated. Manifests, whose pods nobody has bound yet, say nothing of nodes.
    pub fn is_read(self, cluster: ClusterId) -> bool {
        self.tables.read.binary_search(&cluster).is_ok()
    }

    /// Whether pods of a cluster mount claims and not one volume was read, so that volumes were most likely left out.
    pub fn lacks_volumes(self, cluster: ClusterId) -> bool {
        let claims = self.tables.references(NodeObject::Claim);
        let here = |at: ClusterId| at == cluster;
        claims.iter().any(|claim| here(claim.key.0)) && !self.snapshot.volumes.iter().any(|volume| here(volume.cluster))
    }

    /// The nodes that the input speaks of, by name.
    pub fn nodes(self, cluster: ClusterId) -> impl Iterator<Item = KnownNode> + 'g {
        let all = &self.tables.nodes;
        let range = range(all, |(at, _)| *at, cluster);
        all[range].iter().map(|&(_, node)| node)
    }

    /// A node that the input speaks of, by its name.
    pub fn node(self, cluster: ClusterId, name: Name) -> Option<KnownNode> {
        let all = &self.tables.nodes;
        all.binary_search_by_key(&(cluster, name), |(at, node)| (*at, node.name)).ok().map(|at| all[at].1)
    }

    /// A pod.
    pub fn pod(self, at: PodIx) -> &'g Pod {
        &self.snapshot.pods[at.0 as usize]
    }

    /// A volume.
    pub fn volume(self, at: VolumeIx) -> &'g PersistentVolume {
        &self.snapshot.volumes[at.0 as usize]
    }

    /// A volume attachment.
    pub fn attachment(self, at: AttachmentIx) -> &'g VolumeAttachment {
        &self.snapshot.attachments[at.0 as usize]
    }

    /// A resource slice.
    pub fn slice(self, at: SliceIx) -> &'g ResourceSlice {
        &self.snapshot.slices[at.0 as usize]
    }

    /// Through what an object belongs to a node. A look-up; for a Secret of volumes one in each volume that names it.
    pub fn relation(self, kind: NodeObject, object: Object, node: Name) -> Option<Relation> {
        let mut found = None;
        match kind {
            NodeObject::Secret
            | NodeObject::ConfigMap
            | NodeObject::ServiceAccount
            | NodeObject::Claim
            | NodeObject::ResourceClaim => {
                found = self.referring(kind, object.key(), node).map(Relation::Pod);
                if kind == NodeObject::Secret && found.is_none() {
                    let secrets = &self.tables.volume_secrets;
                    let volumes = &secrets[range(secrets, |secret| secret.key, object.key())];
                    found = volumes.iter().find_map(|secret| self.through_volume(secret.volume, node));
                }
            }
            NodeObject::Volume => {
                let volume = |_: Key, at: usize| found = self.through_volume(VolumeIx(index(at)), node);
                select(&self.snapshot.volumes, volume_key, object.into(), volume);
            }
            NodeObject::Pod | NodeObject::Attachment | NodeObject::Slice => {
                let same_node = |related: Related| found = (related.node == node).then_some(related.through);
                self.each(kind, object.into(), same_node);
            }
        }
        found
    }

    fn referring(self, kind: NodeObject, key: Key, node: Name) -> Option<PodIx> {
        let references = self.tables.references(kind);
        let found = references.binary_search_by_key(&(key, node), |reference| (reference.key, reference.node));
        found.ok().map(|at| references[at].pod)
    }

    fn through_volume(self, volume: VolumeIx, node: Name) -> Option<Relation> {
        let PersistentVolume { cluster, claim, .. } = *self.volume(volume);
        let (namespace, name) = claim?;
        let pod = self.referring(NodeObject::Claim, (cluster, namespace, name), node)?;
        Some(Relation::Volume { volume, pod })
    }

    /// Calls `each` with every object of a kind that belongs to some node.
    pub fn each(self, kind: NodeObject, wanted: Objects, mut each: impl FnMut(Related)) {
        let NodeGraph { snapshot, tables } = self;
        match kind {
            NodeObject::Secret
            | NodeObject::ConfigMap
            | NodeObject::ServiceAccount
            | NodeObject::Claim
            | NodeObject::ResourceClaim => {
                let references = tables.references(kind);
                select(
                    references,
                    |reference| reference.key,
                    wanted,
                    |key, at| {
                        let Reference { node, pod, .. } = references[at];
                        each(Related::new(key, node, Relation::Pod(pod)));
                    },
                );
                if kind == NodeObject::Secret {
                    let secrets = &tables.volume_secrets;
                    select(
                        secrets,
                        |secret| secret.key,
                        wanted,
                        |key, at| {
                            self.each_node_of(key, secrets[at].volume, &mut each);
                        },
                    );
                }
            }
            NodeObject::Volume => select(&snapshot.volumes, volume_key, wanted, |key, at| {
                self.each_node_of(key, VolumeIx(index(at)), &mut each);
            }),
            NodeObject::Pod => {
                let key_of = |pod: &Pod| (pod.cluster, pod.namespace, pod.name);
                select(&snapshot.pods, key_of, wanted, |key, at| {
                    if let Some(node) = snapshot.pods[at].node {
                        each(Related::new(key, node, Relation::Pod(PodIx(index(at)))));
                    }
                });
            }
            NodeObject::Attachment => {
                let key_of = |one: &VolumeAttachment| (one.cluster, Name::EMPTY, one.name);
                select(&snapshot.attachments, key_of, wanted, |key, at| {
                    let through = Relation::Attachment(AttachmentIx(index(at)));
                    each(Related::new(key, snapshot.attachments[at].node, through));
                });
            }
            NodeObject::Slice => {
                let key_of = |slice: &ResourceSlice| (slice.cluster, Name::EMPTY, slice.name);
                select(&snapshot.slices, key_of, wanted, |key, at| {
                    each(Related::new(key, snapshot.slices[at].node, Relation::Slice(SliceIx(index(at)))));
                });
            }
        }
    }

    /// Every node on which a pod mounts the volume's claim.
    fn each_node_of(self, key: Key, volume: VolumeIx, each: &mut impl FnMut(Related)) {
        let PersistentVolume { cluster, claim, .. } = *self.volume(volume);
        let Some((namespace, name)) = claim else { return };
        let claims = self.tables.references(NodeObject::Claim);
        for claim in &claims[range(claims, |claim| claim.key, (cluster, namespace, name))] {
            each(Related::new(key, claim.node, Relation::Volume { volume, pod: claim.pod }));
        }
    }
}

impl Object {
    fn key(self) -> Key {
        (self.cluster, self.namespace, self.name)
    }
}

impl From<Object> for Objects {
    fn from(object: Object) -> Objects {
        Objects { cluster: object.cluster, namespace: Some(object.namespace), name: Some(object.name) }
    }
}

impl Related {
    fn new((_, namespace, name): Key, node: Name, through: Relation) -> Related {
        Related { node, namespace, name, through }
    }
}

fn volume_key(volume: &PersistentVolume) -> Key {
    (volume.cluster, Name::EMPTY, volume.name)
}

fn known_nodes(snapshot: &Snapshot) -> Vec<(ClusterId, KnownNode)> {
    let objects = snapshot.nodes.iter().map(|node| (node.cluster, node.name, true));
    let bound = snapshot.pods.iter().filter_map(|pod| Some((pod.cluster, pod.node?, false)));
    let attached = snapshot.attachments.iter().map(|attachment| (attachment.cluster, attachment.node, false));
    let sliced = snapshot.slices.iter().map(|slice| (slice.cluster, slice.node, false));
    let mut found: Vec<(ClusterId, Name, bool)> = objects.chain(bound).chain(attached).chain(sliced).collect();
    // Node objects first, so that they are the ones that stay.
    found.sort_unstable_by_key(|&(cluster, name, exists)| (cluster, name, !exists));
    found.dedup_by_key(|&mut (cluster, name, _)| (cluster, name));
    let known = |(cluster, name, exists)| {
        // INVARIANT: a united snapshot has the user name of every node it speaks of.
        let user = snapshot.names.find(&[NODE_PREFIX, snapshot.text(name)].concat())?;
        Some((cluster, KnownNode { name, user, exists }))
    };
    found.into_iter().filter_map(known).collect()
}

/// The part of a sorted list that has this key.
fn range<T, K: Ord + Copy>(list: &[T], key_of: impl Fn(&T) -> K, key: K) -> Range<usize> {
    let from = list.partition_point(|item| key_of(item) < key);
    from..from + list[from..].partition_point(|item| key_of(item) == key)
}

/// Calls `each` with key and place of those objects of a list, sorted by their keys, that are wanted.
fn select<T>(list: &[T], key_of: impl Fn(&T) -> Key, wanted: Objects, mut each: impl FnMut(Key, usize)) {
    let Objects { cluster, namespace, name } = wanted;
    let part = match (namespace, name) {
        (Some(namespace), Some(name)) => range(list, &key_of, (cluster, namespace, name)),
        (Some(namespace), None) => range(list, |item| (key_of(item).0, key_of(item).1), (cluster, namespace)),
        (None, _) => range(list, |item| key_of(item).0, cluster),
    };
    for at in part {
        let key = key_of(&list[at]);
        // Every namespace: what is in none is in none of them.
        let placed = namespace.is_some() || key.1 != Name::EMPTY;
        if placed && name.is_none_or(|name| name == key.2) {
            each(key, at);
        }
    }
}

fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
