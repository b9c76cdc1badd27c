//! `node-pods`: a node has everything that runs on it.

use crate::rules::attack::{Attack, Effect, Fact, Place};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "node-pods",
    title: "Enter the pods of a node",
    gain: "what every pod of the node holds: accounts' tokens, and what is mounted",
    why: "Root on a node reads the memory and the volumes of every container on it, the tokens of their accounts among them.",
    remedy: "Keep pods of powerful accounts on nodes where nobody else can run privileged pods.",
    confidence: Confidence::Documented,
    attack: &["T1609", "T1528"],
    references: &["https://kubernetes.io/docs/concepts/security/rbac-good-practices/#privileged-access-and-nodes"],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    match fact {
        Fact::Nodes => attack.does(&TECHNIQUE, vec![id], Effect::Any, Fact::Pods(Place::EachNamespace)),
        Fact::Node(node) if !attack.bound_to(node).is_empty() => {
            attack.does(&TECHNIQUE, vec![id], Effect::Any, Fact::PodsOn(node));
        }
        _ => {}
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let (Some(Effect::Node(held)), Effect::Pod(at)) = (step.foothold, step.effect) else {
        return Err("no node".to_owned());
    };
    state.is_running(at)?;
    let pod = &state.graph.snapshot().pods[at.0 as usize];
    let holds = match held {
        None => state.has_gained(|gained| gained == Effect::Node(None)),
        Some(node) => state.is_on(node) && pod.node == Some(node),
    };
    if holds { Ok(()) } else { Err("the pod is on another node".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::super::world::{check, check_from, check_from_at};

    #[test]
    fn every_pod_of_the_node_is_entered() {
        check_from(
            "pod:dev/agent",
            "role big: * *.*
             pod dev/agent other n1 privileged
             pod prod/one bot n1
             bind big sa:prod/bot",
            "pod dev/agent -> cluster-admin: container-escape, node-pods, pod-serviceaccount, wildcard-admin",
        );
    }

    #[test]
    fn pods_of_other_nodes_are_not_and_neither_are_finished_ones() {
        for pod in ["pod prod/one bot n2", "pod prod/one bot - ", "pod prod/one bot n1 finished notoken"] {
            check_from_at(
                (1, 36),
                "pod:dev/agent",
                &format!(
                    "role big: * *.*
                     pod dev/agent other n1 privileged
                     {pod}
                     bind big sa:prod/bot"
                ),
                "pod dev/agent -> node n1: container-escape",
            );
        }
    }

    #[test]
    fn any_node_is_every_pod() {
        check(
            "role p: create pods
             role s: list secrets
             namespace dev privileged
             pod kube-system/one reader n7
             bind dev/p=p user:alice
             bind kube-system/s=s sa:kube-system/reader",
            "alice -> secrets of kube-system: pod-create, privileged-pod, node-pods, pod-serviceaccount, secret-read
             alice -> any node: pod-create, privileged-pod",
        );
    }
}
