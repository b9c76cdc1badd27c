//! Aggregated ClusterRoles of manifests: what kube-controller-manager's `clusterrole-aggregation-controller` would write into
//! their rules (kubernetes `pkg/controller/clusterroleaggregation`). In a cluster the result is data and is taken as stored.

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::model::{Role, RuleId, RuleSetId, Snapshot};

/// Fills in the rules of aggregated ClusterRoles that have none.
///
/// Each one unites, selector by selector, the rules of the ClusterRoles it selects in the order of their names, itself left out
/// and repeated rules dropped. Chains and cycles reach the controller's fixpoint: roles that aggregate each other get the same
/// rules. O(roles x selectors), then linear in the rules united.
pub(super) fn aggregate(snapshot: &mut Snapshot) {
    let stored = |role: &Role| snapshot.clusters.get(usize::from(role.cluster.0)).is_some_and(|cluster| cluster.stored);
    let cluster_roles: Vec<usize> =
        (0..snapshot.roles.len()).filter(|&at| snapshot.roles[at].namespace.is_none()).collect();
    let wanted: Vec<usize> = cluster_roles
        .iter()
        .copied()
        .filter(|&at| {
            let role = &snapshot.roles[at];
            role.aggregation.is_some() && role.rules == RuleSetId::EMPTY && !stored(role)
        })
        .collect();
    if wanted.is_empty() {
        return;
    }
    // An edge leads from an aggregated role to a role whose rules it takes.
    let mut graph: DiGraph<usize, ()> = DiGraph::new();
    let nodes: Vec<NodeIndex> = cluster_roles.iter().map(|&at| graph.add_node(at)).collect();
    let mut sources: Vec<Vec<usize>> = vec![Vec::new(); snapshot.roles.len()];
    for (place, &at) in cluster_roles.iter().enumerate() {
        if wanted.binary_search(&at).is_err() {
            continue;
        }
        let role = &snapshot.roles[at];
        for selector in role.aggregation.iter().flat_map(|aggregation| &aggregation.selectors) {
            for (other, &from) in cluster_roles.iter().enumerate() {
                let source = &snapshot.roles[from];
                if from != at && source.cluster == role.cluster && selector.selects(&source.labels) {
                    graph.add_edge(nodes[place], nodes[other], ());
                    sources[at].push(from);
                }
            }
        }
    }
    // Kosaraju's order is reverse topological: what a component takes from is finished before it. petgraph's is iterative.
    for component in kosaraju_scc(&graph) {
        let mut members: Vec<usize> = component.into_iter().map(|node| graph[node]).collect();
        members.sort_unstable();
        if members.iter().all(|member| sources[*member].is_empty()) {
            continue;
        }
        let mut rules: Vec<RuleId> = Vec::new();
        for &member in &members {
            for &source in &sources[member] {
                for &rule in snapshot.rules.set(snapshot.roles[source].rules) {
                    if !rules.contains(&rule) {
                        rules.push(rule);
                    }
                }
            }
        }
        let set = snapshot.rules.intern_set(&rules);
        for member in members {
            snapshot.roles[member].rules = set;
        }
    }
}
