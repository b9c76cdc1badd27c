//! `pod-bind`: a pod that waits for a node is sent to the attacker's.

use crate::rules::attack::{Attack, Done, Effect, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{At, Confidence, Leads, On, Request, Technique, core};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "pod-bind",
    title: "Send a waiting pod to a node that is held",
    requests: &[
        Request { rights: &[core(&["create"], "pods/binding", On::Object)], at: At::Namespace },
        Request { rights: &[core(&["create"], "bindings", On::Nothing)], at: At::Namespace },
    ],
    gain: "what the pods hold that wait for a node",
    why: "`create` on pods/binding, or on bindings, puts a pod that is not bound yet onto any node, whatever the scheduler would have \
          said. The kubelet of that node gets the pod's Secrets and tokens.",
    remedy: "Grant this to schedulers alone.",
    confidence: Confidence::Documented,
    attack: &["T1578", "T1528"],
    references: &["https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/"],
    build: Some(build),
    leads: Some(leads),
    proof: Some(proof),
    ..Technique::MOVE
};

fn leads(attack: &Attack<'_>, _: usize) -> Leads {
    let pods = attack.graph.snapshot().pods.iter().filter(|pod| pod.cluster == attack.cluster);
    Leads::In(pods.filter(|pod| pod.node.is_none()).map(|pod| pod.namespace).collect())
}

fn build(attack: &mut Attack<'_>, done: Done) {
    // Where no pod is bound, nobody has bound them yet: these are manifests.
    if !done.first || !attack.graph.nodes().is_read(attack.cluster) {
        return;
    }
    let mut waiting = attack.pods_at(done.site.place, done.site.object);
    waiting.retain(|&pod| attack.pod(pod).node.is_none());
    let held = attack.fact(Fact::SomeNode);
    for pod in attack.worth(waiting) {
        attack.does(done.technique, vec![done.fact, held], Effect::Pod(pod), Fact::Pod(pod));
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let (Some(Effect::Node(_)), Effect::Pod(at)) = (step.foothold, step.effect) else {
        return Err("no node is held".to_owned());
    };
    let right = step.asks(&["create"], "", "pods/binding").or_else(|| step.asks(&["create"], "", "bindings"));
    state.is_about(right.ok_or("no pod is bound")?, at)?;
    state.is_running(at)?;
    if state.graph.snapshot().pods[at.0 as usize].node.is_some() {
        return Err("the pod is bound already".to_owned());
    }
    if state.has_gained(|gained| matches!(gained, Effect::Node(_))) { Ok(()) } else { Err("no node is held".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::super::world::check;

    fn world(agent: &str, role: &str, pod: &str) -> String {
        format!(
            "role x: create pods/exec one
             bind agents/x=x user:alice
             pod agents/one agent n1 {agent}
             pod kube-system/big big {pod}
             role big: * *.*
             bind big sa:kube-system/big
             role s: {role}
             bind s sa:agents/agent"
        )
    }
    const FOUND: &str =
        "alice -> cluster-admin: pod-exec, pod-serviceaccount, container-escape, pod-bind, pod-serviceaccount, wildcard-admin";
    const NODE: &str = "alice -> node n1: pod-exec, container-escape";

    #[test]
    fn a_waiting_pod_is_sent_to_the_node() {
        for role in ["create pods/binding", "create pods/binding big", "create bindings"] {
            check(&world("privileged", role, "-"), FOUND);
        }
    }

    #[test]
    fn a_pod_that_is_bound_stays() {
        check(&world("privileged", "create pods/binding; create bindings", "n2"), NODE);
        check(&world("privileged", "create pods/binding; create bindings", "- finished"), NODE);
    }

    #[test]
    fn it_takes_the_right_and_a_node() {
        check(&world("privileged", "create pods/binding other; create bindings big; update pods/binding", "-"), NODE);
        check(&world("", "create pods/binding", "-"), "");
    }
}
