//! `privileged-pod`: a pod that is let out of its container holds the node it runs on.

use std::rc::Rc;

use crate::rules::attack::{Attack, Effect, Fact, Place};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Blocker, Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "privileged-pod",
    title: "Run a privileged pod",
    gain: "root on any node, with every pod on it: `nodeName` in the pod says which",
    why: "A privileged container, host namespaces or a hostPath volume are as good as root on the node. Pod Security admission \
          refuses them in namespaces labelled `baseline` or `restricted`; without a label the cluster's default counts, which is \
          `privileged` unless somebody changed it.",
    remedy: "Label the namespace pod-security.kubernetes.io/enforce: baseline (better: restricted).",
    confidence: Confidence::Performed,
    attack: &["T1611", "MS-TA9018"],
    references: &["https://kubernetes.io/docs/concepts/security/pod-security-admission/"],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    // They are asked about pods, and not about containers that are added to one.
    let guards = match fact {
        Fact::NewPod(_) => attack.pod_guards(),
        _ => Rc::default(),
    };
    let (namespace, effect, gain) = match fact {
        Fact::NewPod(Place::Namespace(namespace)) => (namespace, Effect::Node(None), Fact::Nodes),
        // Of the namespaces that are known each is looked at; where none is, one that nobody spoke of will do.
        Fact::NewPod(_) if attack.graph.snapshot().namespaces.is_empty() => {
            has_node(attack, vec![id], Effect::Node(None), Fact::Nodes, Rc::default(), &guards);
            return;
        }
        Fact::Containers(Place::Namespace(namespace)) if !attack.open_pods(namespace).is_empty() => {
            (namespace, Effect::Any, Fact::AnyContainer(namespace))
        }
        Fact::Container(pod) => {
            let pod = attack.pod(pod);
            let Some(node) = pod.node else { return };
            (pod.namespace, Effect::Node(Some(node)), Fact::Node(node))
        }
        _ => return,
    };
    let blockers = attack.pod_security(namespace);
    if blockers.iter().any(|blocker| blocker.stops) {
        let relaxed = attack.fact(Fact::Relaxed(Place::Namespace(namespace)));
        has_node(attack, vec![id, relaxed], effect, gain, Rc::default(), &guards);
    }
    has_node(attack, vec![id], effect, gain, blockers, &guards);
}

/// Who runs a pod has a node, unless a guard says no: what guards say is not known, so that a way without any comes first.
fn has_node(
    attack: &mut Attack<'_>,
    needs: Vec<u32>,
    effect: Effect,
    gain: Fact,
    blockers: Rc<[Blocker]>,
    guards: &[Blocker],
) {
    if guards.is_empty() {
        attack.does_unless(&TECHNIQUE, needs, effect, gain, blockers);
        return;
    }
    let unguarded = attack.fact(Fact::Unguarded);
    let sure = needs.iter().copied().chain([unguarded]).collect();
    attack.does_unless(&TECHNIQUE, sure, effect, gain, Rc::clone(&blockers));
    let blockers: Rc<[Blocker]> = blockers.iter().chain(guards).cloned().collect();
    let late = needs.into_iter().map(|need| attack.late(need)).collect();
    attack.does_unless(&TECHNIQUE, late, effect, gain, blockers);
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let place = match (step.foothold, step.effect) {
        (Some(Effect::NewPod(place)), Effect::Node(None)) if state.runs_new_pods(place) => place,
        (Some(Effect::Container(at)), Effect::Node(Some(node))) if state.adds_containers(at) => {
            let pod = &state.graph.snapshot().pods[at.0 as usize];
            if pod.node != Some(node) {
                return Err("the pod is on another node".to_owned());
            }
            Place::Namespace(pod.namespace)
        }
        _ => return Err("no pod or container can be run there".to_owned()),
    };
    if !state.is_strict(place) || state.relaxes(place) || step.blockers.iter().any(|blocker| blocker.stops) {
        Ok(())
    } else {
        Err("Pod Security refuses the pod".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::{check, check_blocked, check_to_any};
    use crate::rules::Target;

    #[test]
    fn who_asks_for_a_node_is_told_of_the_node() {
        let node = || vec![Target::Node(None)];
        let world = "role p: create pods
             role big: * *.*
             namespace dev -
             bind dev/p=p user:alice
             bind root=big sa:dev/root";
        check(world, "alice -> cluster-admin: pod-create, wildcard-admin");
        check_to_any(node(), world, "alice -> any node: pod-create, privileged-pod");
        // Whoever is told of no way to a node has all of them by the cluster.
        let world = "role b: bind clusterroles.rbac; create clusterrolebindings.rbac
             bind b user:alice";
        check_to_any(node(), world, "alice -> cluster-admin: bind-role");
    }

    #[test]
    fn who_asks_for_one_node_is_told_of_all_nodes_before_the_cluster() {
        let world = "role p: create pods
             role big: * *.*
             namespace dev -
             pod prod/one root n1
             bind dev/p=p user:alice
             bind root=big sa:prod/root";
        check(world, "alice -> cluster-admin: pod-create, privileged-pod, node-pods, pod-serviceaccount, wildcard-admin");
        let names = super::super::world::graph(world);
        let node = names.snapshot().names.find("n1");
        check_to_any(vec![Target::Node(node)], world, "alice -> any node: pod-create, privileged-pod");
    }

    #[test]
    fn a_namespace_that_admits_it_gives_the_nodes() {
        for level in ["-", "privileged", "Baseline"] {
            check(
                &format!(
                    "role p: create pods
                     namespace dev {level}
                     bind dev/p=p user:alice"
                ),
                "alice -> any node: pod-create, privileged-pod",
            );
        }
    }

    #[test]
    fn pod_security_stops_it() {
        for level in ["baseline", "restricted"] {
            let world = format!(
                "role p: create pods
                 namespace dev {level}
                 bind dev/p=p user:alice"
            );
            check(&world, "");
            check_blocked(&world, "alice -> any node: pod-create, privileged-pod");
        }
    }

    #[test]
    fn a_label_that_only_warns_stops_nothing() {
        check(
            "role p: create pods
             namespace dev yaml
             yaml {apiVersion: v1, kind: Namespace, metadata: {name: dev, labels: {pod-security.kubernetes.io/warn: restricted}}}
             bind dev/p=p user:alice",
            "alice -> any node: pod-create, privileged-pod",
        );
    }

    #[test]
    fn a_node_leads_to_the_pods_on_it() {
        check(
            "role p: create pods
             role big: * *.*
             namespace dev -
             pod prod/one bot n1
             bind dev/p=p user:alice
             bind big sa:prod/bot",
            "alice -> cluster-admin: pod-create, privileged-pod, node-pods, pod-serviceaccount, wildcard-admin",
        );
    }
}
