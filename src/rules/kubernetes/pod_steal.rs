//! `pod-steal`: pods are made to start again where the attacker has the node.

use crate::rules::attack::{Attack, Done, Effect, Fact, Place};
use crate::rules::finding::StepDone;
use crate::rules::held::Site;
use crate::rules::replay::State;
use crate::rules::technique::{Alike, At, Blocker, Confidence, On, Request, Technique, WRITE, core};

use super::pods::{CHANGES, SHELLS, refuses_change};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "pod-steal",
    title: "Have pods start again on a node that is held",
    requests: &[
        Request { rights: &[core(&["delete"], "pods", On::Object)], at: At::Namespace },
        Request { rights: &[core(&["create"], "pods/eviction", On::Object)], at: At::Namespace },
        Request { rights: &[core(&["deletecollection"], "pods", On::Nothing)], at: At::Namespace },
        Request { rights: &[core(WRITE, "nodes", On::Object)], at: At::Cluster },
        Request { rights: &[core(WRITE, "nodes/status", On::Object)], at: At::Cluster },
    ],
    gain: "what the pods hold that are moved there",
    why: "Who can write to the other nodes keeps them from taking pods: by taints and cordons, or by what their status says they can \
          hold. A pod that is deleted or evicted then is made again by its controller and lands on the node that is left.",
    remedy: "Take the rights on nodes away from workloads that run on every node; bind what they need to their own node by admission.",
    confidence: Confidence::Inferred,
    attack: &["T1578", "T1528"],
    references: &["https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/"],
    build: Some(build),
    alike: |_, within| if STEER.contains(&within) { Alike::OTHER } else { Alike::part(&[&[CHANGES], &[SHELLS]]) },
    proof: Some(proof),
    ..Technique::MOVE
};

/// The requests that keep pods off the other nodes.
const STEER: [usize; 2] = [3, 4];

fn build(attack: &mut Attack<'_>, done: Done) {
    if !done.first || STEER.contains(&done.within) {
        return;
    }
    let held = attack.fact(Fact::SomeNode);
    let what = "pods that no controller makes again, that every node has one of, or that may not run on the node stay away";
    let blockers = vec![Blocker { what: what.to_owned(), stops: false }];
    for within in STEER {
        // All nodes but one: a limit by name leaves others to go to.
        let steer = attack.asking(done.technique, within, Site { place: Place::Cluster, object: None, other: None });
        let needs = vec![done.fact, steer, held];
        match done.site.object {
            None => {
                let gain = Fact::Changes(done.site.place);
                attack.does_unless(done.technique, needs, Effect::Any, gain, blockers.clone());
            }
            Some(name) => {
                let mut pods = attack.pods_at(done.site.place, Some(name));
                pods.retain(|&pod| refuses_change(attack, pod).is_none());
                for pod in pods {
                    let (needs, gain) = (needs.clone(), Fact::Pod(pod));
                    attack.does_unless(done.technique, needs, Effect::Pod(pod), gain, blockers.clone());
                }
            }
        }
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let (Some(Effect::Node(_)), Effect::Pod(pod)) = (step.foothold, step.effect) else {
        return Err("no node is held".to_owned());
    };
    if !state.has_gained(|gained| matches!(gained, Effect::Node(_))) {
        return Err("no node is held".to_owned());
    }
    let moved = step
        .asks(&["delete"], "", "pods")
        .or_else(|| step.asks(&["create"], "", "pods/eviction"))
        .or_else(|| step.asks(&["deletecollection"], "", "pods"));
    state.is_about(moved.ok_or("no pod is moved")?, pod)?;
    step.asks(WRITE, "", "nodes").or_else(|| step.asks(WRITE, "", "nodes/status")).ok_or("no node is closed")?;
    state.takes_changes(step, pod)
}

#[cfg(test)]
mod tests {
    use super::super::world::check;

    /// An agent on every node, which alice has a shell in.
    fn world(agent: &str, rest: &str) -> String {
        format!(
            "role x: create pods/exec one
             bind agents/x=x user:alice
             pod agents/one agent n1 {agent}
             pod kube-system/controller big n2
             role big: * *.*
             bind big sa:kube-system/big
             {rest}"
        )
    }
    const FOUND: &str =
        "alice -> cluster-admin: pod-exec, pod-serviceaccount, container-escape, pod-steal, pod-serviceaccount, wildcard-admin";
    const NODE: &str = "alice -> node n1: pod-exec, container-escape";

    #[test]
    fn pods_go_where_they_are_left_to_go() {
        for role in [
            "delete pods; patch nodes",
            "create pods/eviction; update nodes",
            "deletecollection pods; patch nodes/status",
        ] {
            check(&world("privileged", &format!("role s: {role}\nbind s sa:agents/agent")), FOUND);
        }
    }

    #[test]
    fn a_half_moves_nothing() {
        for role in ["delete pods", "patch nodes", "delete pods; get,list nodes", "delete pods; patch nodes n2"] {
            check(&world("privileged", &format!("role s: {role}\nbind s sa:agents/agent")), NODE);
        }
        // In a namespace nobody writes to nodes.
        check(&world("privileged", "role s: delete pods; patch nodes\nbind kube-system/s=s sa:agents/agent"), NODE);
        check(&world("privileged", "role s: delete pods two; patch nodes\nbind s sa:agents/agent"), NODE);
    }

    #[test]
    fn without_a_node_there_is_nowhere_to_go() {
        check(&world("", "role s: delete pods; patch nodes\nbind s sa:agents/agent"), "");
    }
}
