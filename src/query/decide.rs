//! One request against the authorizer chain: `system:masters`, then Node, then RBAC. The first that allows decides.

use crate::graph::{AccessGraph, BindingIx};
use crate::model::{Action, ClusterId, Decision, Identity, MASTERS, Subject};

use super::node::{self, NodeGrant, NodeRefusal};

/// Which authorizers of the chain are evaluated. `system:masters` is let through by every API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authorizers {
    /// The Node authorizer.
    pub node: bool,
    /// RBAC.
    pub rbac: bool,
}

impl Default for Authorizers {
    fn default() -> Self {
        Authorizers { node: true, rbac: true }
    }
}

/// What the chain says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The identity is in `system:masters`.
    Masters,
    /// RBAC allows, through this subject of this binding and this rule of its role.
    Rbac {
        /// The binding.
        binding: BindingIx,
        /// The subject of it that matched.
        subject: Subject,
    },
    /// The Node authorizer allows.
    Node {
        /// Why.
        grant: NodeGrant,
    },
    /// Nothing allows.
    Denied {
        /// Why the Node authorizer does not; none when it was not asked.
        node: Option<NodeRefusal>,
        /// Bindings that would have counted, but whose role does not exist.
        dangling: Vec<BindingIx>,
    },
}

impl Verdict {
    /// Whether the request is allowed.
    pub fn allowed(&self) -> bool {
        !matches!(self, Verdict::Denied { .. })
    }

    /// `allowed`, `denied`, or `unknown` where the Node authorizer would have to be asked and too little was read for that.
    pub fn decision(&self) -> Decision {
        match self {
            Verdict::Denied { node: Some(NodeRefusal::NotRead), .. } => Decision::Unknown,
            Verdict::Denied { .. } => Decision::Denied,
            Verdict::Masters | Verdict::Node { .. } | Verdict::Rbac { .. } => Decision::Allowed,
        }
    }
}

/// The subjects that an identity is for RBAC: its user name, then its groups. Those that no binding can name are left out.
pub(super) fn subjects(graph: &AccessGraph, identity: &Identity) -> Vec<Subject> {
    let names = &graph.snapshot().names;
    let user = Subject::find_user(names, &identity.user);
    let groups = identity.groups.iter().filter_map(|group| names.find(group).map(Subject::Group));
    user.into_iter().chain(groups).collect()
}

/// Decides one request exactly as the identity is given: no group is added.
pub fn decide(
    graph: &AccessGraph,
    cluster: ClusterId,
    identity: &Identity,
    action: &Action,
    authorizers: Authorizers,
) -> Verdict {
    if identity.is_in(MASTERS) {
        return Verdict::Masters;
    }
    let node = match authorizers.node.then(|| node::decide(graph, cluster, identity, action)) {
        Some(Ok(grant)) => return Verdict::Node { grant },
        Some(Err(refusal)) => Some(refusal),
        None => None,
    };
    if !authorizers.rbac {
        return Verdict::Denied { node, dangling: Vec::new() };
    }
    let question = graph.question(action);
    let mut dangling = Vec::new();
    let mut first: Option<(BindingIx, Subject)> = None;
    // A namespace that the input never mentions has no bindings.
    let namespace = Some(action.namespace()).filter(|at| !at.is_empty()).and_then(|at| graph.snapshot().names.find(at));
    for subject in subjects(graph, identity) {
        for binding in graph.bindings_for(subject, cluster, namespace) {
            match graph.role_of(binding) {
                None => dangling.push(binding),
                Some(role) if graph.allows(graph.role(role).rules, &question) => {
                    if first.is_none_or(|(earlier, _)| binding < earlier) {
                        first = Some((binding, subject));
                    }
                    break;
                }
                Some(_) => {}
            }
        }
    }
    match first {
        Some((binding, subject)) => Verdict::Rbac { binding, subject },
        None => {
            dangling.sort_unstable();
            dangling.dedup();
            Verdict::Denied { node, dangling }
        }
    }
}
