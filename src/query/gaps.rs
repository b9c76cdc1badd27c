//! Which of the things that were not read could change an answer.

use crate::graph::AccessGraph;
use crate::model::{Gap, GapReason};

use super::who_can::Where;

/// The gaps that an RBAC answer about this place depends on: unread roles and bindings that count there, and inputs that could
/// not be read at all.
pub fn concerning<'g>(graph: &'g AccessGraph, place: &Where) -> Vec<&'g Gap> {
    let counts = |gap: &&Gap| match (gap.api_group.as_str(), gap.resource.as_str()) {
        _ if gap.reason == GapReason::Unreadable => true,
        ("rbac.authorization.k8s.io", "clusterroles" | "clusterrolebindings") => true,
        ("rbac.authorization.k8s.io", "roles" | "rolebindings") => match place {
            Where::Cluster => false,
            Where::Namespace(asked) => match &gap.namespace {
                Some(namespace) => namespace == asked,
                None => !gap.except.contains(asked),
            },
            Where::EachNamespace | Where::EachNamespaceObject => true,
        },
        _ => false,
    };
    graph.snapshot().gaps.iter().filter(counts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Snapshot;

    #[test]
    fn only_what_counts_at_the_place_counts() {
        let gap = |resource: &str, namespace: Option<&str>, except: &[&str]| Gap {
            api_group: "rbac.authorization.k8s.io".to_owned(),
            resource: resource.to_owned(),
            namespace: namespace.map(str::to_owned),
            except: except.iter().map(|&name| name.to_owned()).collect(),
            reason: GapReason::Forbidden,
            message: String::new(),
        };
        let other = Gap { api_group: String::new(), ..gap("serviceaccounts", None, &[]) };
        let gaps = vec![gap("rolebindings", None, &["dev"]), gap("roles", Some("prod"), &[]), other];
        let graph = AccessGraph::new(Snapshot { gaps, ..Snapshot::default() });
        let found = |place: &Where| concerning(&graph, place).len();
        assert_eq!(found(&Where::Cluster), 0);
        assert_eq!(found(&Where::Namespace("dev".to_owned())), 0);
        assert_eq!(found(&Where::Namespace("prod".to_owned())), 2);
        assert_eq!(found(&Where::EachNamespace), 2);
    }
}
