//! The Node authorizer: what kubelets may do (kubernetes `plugin/pkg/auth/authorizer/node/node_authorizer.go`, as of 1.36 with its
//! default feature gates; 1.34 and 1.35 answer the same).
//!
//! It allows or has no opinion; it never denies. What [`access`] says of a request serves both the one question and `who-can`.

use std::collections::BTreeMap;

use crate::graph::{AccessGraph, KnownNode, NodeObject, Object, Objects, Related, Relation};
use crate::model::{
    Action, Authorizer, ClusterId, Decision, Gap, GapReason, Identity, NODE_LEASES, NODE_PREFIX, NODES, Name,
    ResourceAction, Subject,
};

use super::who_can::{Place, Row, Where};

/// Why a node may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeGrant {
    /// Every node may. What a node then writes is limited further by admission (NodeRestriction), which is not looked at.
    EveryNode,
    /// It is the node's own object: its Node, its Lease, its CSINode.
    Own,
    /// The request selects by the field `spec.nodeName` what is on the node.
    Selected,
    /// The object belongs to the node.
    Related(Relation),
}

/// Why the Node authorizer has no opinion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeRefusal {
    /// Not asked by a node: that takes the user name `system:node:NAME` and the group `system:nodes`.
    NotANode,
    /// No node may do this, in this form; in the words of the server, which are empty where it gives none.
    Never(&'static str),
    /// Only for the node's own object; in the words of the server.
    NotOwn(String),
    /// Nothing connects the object with this node.
    Unrelated {
        /// The node.
        node: String,
    },
    /// It depends on the pods of the node, and none were read.
    NotRead,
}

impl NodeRefusal {
    /// What the server's reason says of it.
    pub fn server_words(&self) -> String {
        match self {
            NodeRefusal::NotANode => String::new(),
            NodeRefusal::Never(words) => (*words).to_owned(),
            NodeRefusal::NotOwn(words) => words.clone(),
            NodeRefusal::Unrelated { node } => format!("no relationship found between node '{node}' and this object"),
            NodeRefusal::NotRead => "the Node authorizer was not evaluated: no pods of nodes were read".to_owned(),
        }
    }
}

/// What the Node authorizer looks at to decide a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    /// Every node may.
    Every,
    /// No node may.
    Never(&'static str),
    /// Only on the object that has the node's name.
    Own(Own),
    /// Only on objects that belong to the node.
    Related(NodeObject),
    /// Only with a selector for what is on the node; for pods also on a named one that is.
    Selected(Option<NodeObject>, &'static str),
}

/// Objects that every node has one of, by its own name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Own {
    Node,
    Lease,
    CsiNode,
}

/// The field by which a node selects what is on it.
const ON_NODE: &str = "spec.nodeName";

const NO_NAME: &str = "No Object name found";
const ONLY_READ: &str = "can only read resources of this type";
const ONLY_GET: &str = "can only get individual resources of this type";
const ONLY_IN_NAMESPACE: &str = "can only read namespaced object of this type";
const ONLY_NODE_LEASES: &str = "can only access leases in the \"kube-node-lease\" system namespace";

/// What every node may do with resources that are not looked at more closely: those of the rules of the ClusterRole `system:node`
/// (kubernetes `plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go`, `NodeRules`) which [`access`] does not know by name.
/// The authorizer has them built in; the ClusterRole object is not asked.
const RULES: &[(&[&str], &[&str], &[&str])] = &[
    (&["create"], &["authentication.k8s.io"], &["tokenreviews"]),
    (&["create"], &["authorization.k8s.io"], &["subjectaccessreviews", "localsubjectaccessreviews"]),
    (&["get", "list", "watch"], &[""], &["services"]),
    (&["create", "update", "patch"], &["", "events.k8s.io"], &["events"]),
    (&["get"], &[""], &["endpoints"]),
    (&["create", "get", "list", "watch"], &["certificates.k8s.io"], &["certificatesigningrequests"]),
    (&["get", "list", "watch"], &["storage.k8s.io"], &["csidrivers"]),
    (&["get", "list", "watch"], &["node.k8s.io"], &["runtimeclasses"]),
    // Known by name when the subresource is one; a review that writes the slash into the resource gets here.
    (&["update", "patch"], &[""], &["nodes/status", "pods/status"]),
    (&["create"], &[""], &["pods/eviction", "serviceaccounts/token"]),
    (&["get", "update", "patch"], &[""], &["persistentvolumeclaims/status"]),
];

/// What decides a request. Where the authorizer checks several things, the first that fails gives the words.
fn access(action: &ResourceAction) -> Access {
    let ResourceAction { verb, api_group, resource, subresource, namespace, name, .. } = action;
    let (verb, subresource) = (verb.as_str(), subresource.as_str());
    match (api_group.as_str(), resource.as_str()) {
        ("", "secrets") => read(NodeObject::Secret, action),
        ("", "configmaps") => read(NodeObject::ConfigMap, action),
        ("", "serviceaccounts") => match (verb, subresource) {
            ("get", "") => read(NodeObject::ServiceAccount, action),
            ("create", "token") => Access::Related(NodeObject::ServiceAccount),
            ("create", _) if !name.is_empty() => Access::Never("can only create token subresource of serviceaccount"),
            _ => Access::Never("can only create tokens for individual service accounts"),
        },
        ("", "persistentvolumeclaims") if subresource == "status" => match verb {
            "update" | "patch" => Access::Related(NodeObject::Claim),
            _ => Access::Never("can only get/update/patch this type"),
        },
        ("", "persistentvolumeclaims") => get(NodeObject::Claim, action),
        ("", "persistentvolumes") => get(NodeObject::Volume, action),
        ("resource.k8s.io", "resourceclaims") => get(NodeObject::ResourceClaim, action),
        ("storage.k8s.io", "volumeattachments") => get(NodeObject::Attachment, action),
        ("coordination.k8s.io", "leases") => match verb {
            "get" | "create" | "update" | "patch" | "delete" if namespace != NODE_LEASES => {
                Access::Never(ONLY_NODE_LEASES)
            }
            "create" => Access::Every,
            "get" | "update" | "patch" | "delete" => Access::Own(Own::Lease),
            _ => Access::Never("can only get, create, update, patch, or delete a node lease"),
        },
        ("storage.k8s.io", "csinodes") => match verb {
            "get" | "create" | "update" | "patch" | "delete" if !subresource.is_empty() => {
                Access::Never("cannot authorize CSINode subresources")
            }
            "create" => Access::Every,
            "get" | "update" | "patch" | "delete" => Access::Own(Own::CsiNode),
            _ => Access::Never("can only get, create, update, patch, or delete a CSINode"),
        },
        ("resource.k8s.io", "resourceslices") => match verb {
            _ if !subresource.is_empty() => Access::Never("cannot authorize ResourceSlice subresources"),
            "create" => Access::Every,
            "get" | "update" | "patch" | "delete" => Access::Related(NodeObject::Slice),
            "watch" | "list" | "deletecollection" => Access::Selected(
                None,
                "can only list/watch/deletecollection resourceslices with nodeName field selector",
            ),
            _ => Access::Never(
                "only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, \
                 deletecollection",
            ),
        },
        ("", "nodes") => match (subresource, verb) {
            ("", "create" | "update" | "patch") | ("status", "update" | "patch") => Access::Every,
            ("", "get" | "list" | "watch") => Access::Own(Own::Node),
            _ => Access::Never(""),
        },
        ("", "pods") => match (subresource, verb) {
            ("", "get") => get(NodeObject::Pod, action),
            ("", "list" | "watch") => {
                Access::Selected(Some(NodeObject::Pod), "can only list/watch pods with spec.nodeName field selector")
            }
            ("", "create" | "delete") | ("status", "update" | "patch") | ("eviction", "create") => Access::Every,
            _ => Access::Never(""),
        },
        (group, resource) => {
            let has = |list: &[&str], wanted: &str| list.contains(&wanted);
            let allows = |(verbs, groups, resources): &(&[&str], &[&str], &[&str])| {
                has(verbs, verb) && has(groups, group) && has(resources, resource)
            };
            if subresource.is_empty() && RULES.iter().any(allows) { Access::Every } else { Access::Never("") }
        }
    }
}

/// Reading an object in a namespace, which `list` and `watch` may do too when they are for a single one.
fn read(kind: NodeObject, action: &ResourceAction) -> Access {
    match action.verb.as_str() {
        "get" | "list" | "watch" if !action.subresource.is_empty() => Access::Never("cannot read subresource"),
        "get" | "list" | "watch" if action.namespace.is_empty() => Access::Never(ONLY_IN_NAMESPACE),
        "get" | "list" | "watch" => Access::Related(kind),
        _ => Access::Never(ONLY_READ),
    }
}

fn get(kind: NodeObject, action: &ResourceAction) -> Access {
    match action.verb.as_str() {
        "get" if !action.subresource.is_empty() => Access::Never("cannot get subresource"),
        "get" => Access::Related(kind),
        _ => Access::Never(ONLY_GET),
    }
}

/// Whether the Node authorizer allows a request, exactly as it is asked, and through what.
///
/// # Errors
/// Why it has no opinion. [`NodeRefusal::NotRead`] is no answer: the input has too little for one.
pub fn decide(
    graph: &AccessGraph,
    cluster: ClusterId,
    identity: &Identity,
    action: &Action,
) -> Result<NodeGrant, NodeRefusal> {
    let node = identity.user.strip_prefix(NODE_PREFIX).filter(|_| identity.is_in(NODES));
    let node = node.ok_or(NodeRefusal::NotANode)?;
    if node.is_empty() {
        return Err(NodeRefusal::Never("unknown node for user \"system:node:\""));
    }
    let Action::Resource(action) = action else { return Err(NodeRefusal::Never("")) };
    match access(action) {
        Access::Every => Ok(NodeGrant::EveryNode),
        Access::Never(words) => Err(NodeRefusal::Never(words)),
        Access::Own(_) if action.name == node => Ok(NodeGrant::Own),
        Access::Own(own) => Err(NodeRefusal::NotOwn(own.words(node, &action.name))),
        Access::Selected(..) if selects(action, node) => Ok(NodeGrant::Selected),
        Access::Selected(Some(kind), _) if !action.name.is_empty() => related(graph, cluster, kind, action, node),
        Access::Selected(_, words) => Err(NodeRefusal::Never(words)),
        Access::Related(NodeObject::ServiceAccount) if action.name.is_empty() && action.verb == "create" => {
            Err(NodeRefusal::Never("can only create tokens for individual service accounts"))
        }
        Access::Related(kind) => related(graph, cluster, kind, action, node),
    }
}

fn selects(action: &ResourceAction, node: &str) -> bool {
    action.field_selector.iter().any(|(field, value)| field == ON_NODE && value == node)
}

fn related(
    graph: &AccessGraph,
    cluster: ClusterId,
    kind: NodeObject,
    action: &ResourceAction,
    node: &str,
) -> Result<NodeGrant, NodeRefusal> {
    if action.name.is_empty() {
        return Err(NodeRefusal::Never(NO_NAME));
    }
    let nodes = graph.nodes();
    let find = |text: &str| graph.snapshot().names.find(text);
    let found = find(node)
        .zip(find(&action.namespace))
        .zip(find(&action.name))
        .and_then(|((node, namespace), name)| nodes.relation(kind, Object { cluster, namespace, name }, node));
    match found {
        Some(through) => Ok(NodeGrant::Related(through)),
        None if !nodes.is_read(cluster) => Err(NodeRefusal::NotRead),
        None => Err(NodeRefusal::Unrelated { node: node.to_owned() }),
    }
}

impl Own {
    fn words(self, node: &str, name: &str) -> String {
        match self {
            Own::Node if name.is_empty() => format!("node '{node}' cannot read all nodes, only its own Node object"),
            Own::Node => format!("node '{node}' cannot read '{name}', only its own Node object"),
            Own::Lease => "can only access node lease with the same name as the requesting node".to_owned(),
            Own::CsiNode => "can only access CSINode with the same name as the requesting node".to_owned(),
        }
    }
}

/// The nodes that the Node authorizer allows a request: rows for the answer of `who-can`, by subject.
///
/// What every node may is a row of the group `system:nodes`, though it takes a node's user name as well. What only some may is a
/// row of the user of each; a question without a name gives the names for which it may. The group's row is `unknown` where it
/// depends on pods and none were read, and `conditional` where each node may on its own object and the one that is asked for
/// belongs to no node that is known.
///
/// O(log n) and the objects that are found.
pub fn who_can(graph: &AccessGraph, cluster: ClusterId, action: &Action, place: &Where) -> Vec<Row> {
    let Action::Resource(action) = action else { return Vec::new() };
    let leases = (action.api_group.as_str(), action.resource.as_str()) == ("coordination.k8s.io", "leases");
    let namespace = match place {
        Where::Cluster => String::new(),
        Where::Namespace(namespace) => namespace.clone(),
        // `access` tells this one from all others, and otherwise only asks whether there is a namespace.
        Where::EachNamespace if leases => NODE_LEASES.to_owned(),
        Where::EachNamespace => "*".to_owned(),
        // No rule for nodes is about namespaces.
        Where::EachNamespaceObject => return Vec::new(),
    };
    let action = ResourceAction { namespace, ..action.clone() };
    let own_namespace = graph.snapshot().names.find(NODE_LEASES).filter(|_| leases);
    let here = own_namespace.map_or(Place::Cluster, |namespace| Place::Namespaces(vec![namespace]));
    let search = Search { graph, cluster, action: &action, place, here };
    match access(&action) {
        Access::Never(_) => Vec::new(),
        Access::Every => search.group(Decision::Allowed, vec![NodeGrant::EveryNode]),
        Access::Own(_) => search.own(),
        Access::Selected(kind, _) => {
            let on_node = action.field_selector.iter().filter(|(field, _)| field == ON_NODE);
            let mut rows: Vec<Row> = on_node.filter_map(|(_, node)| search.selected(node)).collect();
            rows.extend(kind.into_iter().flat_map(|kind| search.related(kind)));
            rows.sort_by_key(|row| row.subject);
            rows
        }
        Access::Related(kind) => search.related(kind),
    }
}

struct Search<'s> {
    graph: &'s AccessGraph,
    cluster: ClusterId,
    action: &'s ResourceAction,
    place: &'s Where,
    /// Where it is allowed if that does not depend on the object.
    here: Place,
}

impl Search<'_> {
    fn find(&self, text: &str) -> Option<Name> {
        self.graph.snapshot().names.find(text)
    }

    fn group(&self, decision: Decision, node_grants: Vec<NodeGrant>) -> Vec<Row> {
        let Some(group) = self.find(NODES) else { return Vec::new() };
        vec![self.row(Subject::Group(group), self.here.clone(), decision, Vec::new(), node_grants)]
    }

    fn row(
        &self,
        subject: Subject,
        place: Place,
        decision: Decision,
        resource_names: Vec<Name>,
        node_grants: Vec<NodeGrant>,
    ) -> Row {
        Row { subject, place, resource_names, authorizer: Authorizer::Node, decision, grants: Vec::new(), node_grants }
    }

    fn node(&self, name: &str) -> Option<KnownNode> {
        self.graph.nodes().node(self.cluster, self.find(name)?)
    }

    /// The object with the node's own name.
    fn own(&self) -> Vec<Row> {
        let name = &self.action.name;
        if name.is_empty() {
            let row = |node: KnownNode| {
                let (subject, own) = (Subject::User(node.user), vec![NodeGrant::Own]);
                self.row(subject, self.here.clone(), Decision::Named, vec![node.name], own)
            };
            let rows: Vec<Row> = self.graph.nodes().nodes(self.cluster).map(row).collect();
            return if rows.is_empty() { self.group(Decision::Conditional, vec![NodeGrant::Own]) } else { rows };
        }
        match self.node(name) {
            Some(node) => {
                let (subject, own) = (Subject::User(node.user), vec![NodeGrant::Own]);
                vec![self.row(subject, self.here.clone(), Decision::Allowed, Vec::new(), own)]
            }
            None => self.group(Decision::Conditional, vec![NodeGrant::Own]),
        }
    }

    fn selected(&self, node: &str) -> Option<Row> {
        let user = self.node(node)?.user;
        let selected = vec![NodeGrant::Selected];
        Some(self.row(Subject::User(user), self.here.clone(), Decision::Allowed, Vec::new(), selected))
    }

    /// The objects that belong to nodes.
    fn related(&self, kind: NodeObject) -> Vec<Row> {
        let mut found = self.find_related(kind);
        if found.is_empty() && !self.graph.nodes().is_read(self.cluster) {
            return self.group(Decision::Unknown, Vec::new());
        }
        found.sort_unstable();
        // One reason is enough, as it is to the authorizer.
        found.dedup_by_key(|related| (related.node, related.namespace, related.name));
        let named = !self.action.name.is_empty();
        found.chunk_by(|a, b| a.node == b.node).flat_map(|of_node| self.rows_of(of_node, named)).collect()
    }

    fn find_related(&self, kind: NodeObject) -> Vec<Related> {
        let mut found = Vec::new();
        // Of a text that the input never mentions there is no object.
        let namespace = match self.place {
            Where::EachNamespace => Some(None),
            _ => self.find(&self.action.namespace).map(Some),
        };
        let name = match self.action.name.as_str() {
            "" => Some(None),
            name => self.find(name).map(Some),
        };
        if let (Some(namespace), Some(name)) = (namespace, name) {
            let wanted = Objects { cluster: self.cluster, namespace, name };
            self.graph.nodes().each(kind, wanted, |related| found.push(related));
        }
        found
    }

    /// The rows of one node: one for the namespaces with the same names.
    fn rows_of(&self, of_node: &[Related], named: bool) -> Vec<Row> {
        let node = of_node.first().and_then(|first| self.graph.nodes().node(self.cluster, first.node));
        let Some(node) = node else { return Vec::new() };
        let mut by_names: BTreeMap<Vec<Name>, (Vec<Name>, Vec<NodeGrant>)> = BTreeMap::new();
        for here in of_node.chunk_by(|a, b| a.namespace == b.namespace) {
            let names = if named { Vec::new() } else { here.iter().map(|related| related.name).collect() };
            let (namespaces, grants) = by_names.entry(names).or_default();
            namespaces.extend(here.first().map(|first| first.namespace));
            grants.extend(here.iter().map(|related| NodeGrant::Related(related.through)));
        }
        let decision = if named { Decision::Allowed } else { Decision::Named };
        let row = |(names, (namespaces, grants)): (Vec<Name>, (Vec<Name>, Vec<NodeGrant>))| {
            let place = if namespaces == [Name::EMPTY] { Place::Cluster } else { Place::Namespaces(namespaces) };
            self.row(Subject::User(node.user), place, decision, names, grants)
        };
        by_names.into_iter().map(row).collect()
    }
}

/// Whether the Node authorizer decides such a request by what runs on a node, so that pods have to be read.
pub fn depends_on_pods(action: &Action) -> bool {
    let Action::Resource(action) = action else { return false };
    // Whether the namespace is known yet or not: `access` only asks whether there is one.
    [String::new(), "*".to_owned()].into_iter().any(|namespace| {
        let action = ResourceAction { namespace, ..action.clone() };
        matches!(access(&action), Access::Related(_) | Access::Selected(Some(_), _))
    })
}

/// The lists that the Node authorizer is evaluated from.
const LISTS: [(&str, &str); 4] = [
    ("", "pods"),
    ("", "persistentvolumes"),
    ("storage.k8s.io", "volumeattachments"),
    ("resource.k8s.io", "resourceslices"),
];

/// What the Node authorizer looks at and was not read. Only an answer that may be a node depends on it.
pub fn gaps(graph: &AccessGraph, cluster: ClusterId) -> Vec<Gap> {
    let unread = |gap: &&Gap| LISTS.contains(&(gap.api_group.as_str(), gap.resource.as_str()));
    let mut gaps: Vec<Gap> = graph.snapshot().gaps.iter().filter(unread).cloned().collect();
    let nodes = graph.nodes();
    let missing = if !nodes.is_read(cluster) {
        ("pods", "no pods that run on nodes were read, so the Node authorizer was evaluated only in part")
    } else if nodes.lacks_volumes(cluster) {
        ("persistentvolumes", "pods mount claims and no volumes were read, so what nodes may do with those is missing")
    } else {
        return gaps;
    };
    let (resource, message) = missing;
    if gaps.iter().all(|gap| gap.resource != resource) {
        gaps.push(Gap {
            api_group: String::new(),
            resource: resource.to_owned(),
            namespace: None,
            except: Vec::new(),
            reason: GapReason::NotInInput,
            message: message.to_owned(),
        });
    }
    gaps
}
