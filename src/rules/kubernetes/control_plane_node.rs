//! `control-plane-node`: the keys of the cluster lie on the nodes of the control plane.

use crate::model::{MASTERS, Node, Subject};
use crate::rules::attack::{Attack, Effect, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "control-plane-node",
    title: "Take the cluster's keys from a node of the control plane",
    gain: "system:masters, and thus the cluster",
    why: "A node of the control plane holds the key of the cluster's certificate authority, the key that signs tokens, and etcd with every \
          object. Root on it issues itself a certificate of the group system:masters.",
    remedy: "Run nothing on nodes of the control plane that others can enter, and let nobody run privileged pods there: `nodeName` passes \
             taints.",
    confidence: Confidence::Documented,
    attack: &["T1552.004", "T1611"],
    references: &["https://kubernetes.io/docs/setup/best-practices/certificates/"],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

/// The labels of such a node, by kubeadm and others; the second one is from before 1.24.
const LABELS: [&str; 2] = ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    let snapshot = attack.graph.snapshot();
    let is_one = |node: &Node| {
        let names = &node.labels;
        node.cluster == attack.cluster && names.iter().any(|&(key, _)| LABELS.contains(&attack.graph.text(key)))
    };
    let found = match fact {
        Fact::Nodes => snapshot.nodes.iter().any(is_one),
        Fact::Node(name) => {
            let at = snapshot.nodes.binary_search_by_key(&(attack.cluster, name), |node| (node.cluster, node.name));
            at.is_ok_and(|at| is_one(&snapshot.nodes[at]))
        }
        _ => return,
    };
    if let Some(masters) = snapshot.names.find(MASTERS).map(Subject::Group).filter(|_| found) {
        attack.does(&TECHNIQUE, vec![id], Effect::ActAs(masters), Fact::Identity(masters));
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let Some(Effect::Node(held)) = step.foothold else { return Err("no node".to_owned()) };
    let is_control_plane = state.graph.snapshot().nodes.iter().any(|node| {
        let marked = |text: &str| text.ends_with("/control-plane") || text.ends_with("/master");
        state.is_on(node.name)
            && held.is_none_or(|held| held == node.name)
            && node.labels.iter().any(|&(key, _)| marked(state.graph.text(key)))
    });
    match step.effect {
        Effect::ActAs(Subject::Group(group)) if is_control_plane && state.graph.text(group) == MASTERS => Ok(()),
        _ => Err("the node is none of the control plane".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::{check, check_from};

    #[test]
    fn root_on_the_control_plane_is_root_of_the_cluster() {
        check_from(
            "pod:dev/one",
            "pod dev/one other n1 privileged
             node n1 node-role.kubernetes.io/control-plane",
            "pod dev/one -> cluster-admin: container-escape, control-plane-node, system-masters",
        );
        check(
            "role p: create pods
             namespace dev -
             node n1 node-role.kubernetes.io/master
             bind dev/p=p user:alice",
            "alice -> cluster-admin: pod-create, privileged-pod, control-plane-node, system-masters",
        );
    }

    #[test]
    fn any_other_node_is_a_node() {
        for label in ["node-role.kubernetes.io/worker", "control-plane"] {
            check_from(
                "pod:dev/one",
                &format!(
                    "pod dev/one other n1 privileged
                     node n1 {label}
                     node n2 node-role.kubernetes.io/control-plane"
                ),
                "pod dev/one -> node n1: container-escape",
            );
        }
    }

    #[test]
    fn a_pod_there_is_not_yet_the_node() {
        check_from("pod:dev/one", "pod dev/one other n1\nnode n1 node-role.kubernetes.io/control-plane", "");
    }
}
