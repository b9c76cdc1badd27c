//! `privileged-pod`: a pod that is let out of its container holds the node it runs on.

use crate::model::{ClusterId, Name};
use crate::rules::attack::{Attack, Effect, Fact, Place};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Blocker, Confidence, Technique};
use crate::graph::AccessGraph;

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "privileged-pod",
    title: "Run a privileged pod",
    gain: "root on any node, with every pod on it: `nodeName` in the pod says which",
    why: "A privileged container, host namespaces or a hostPath volume are as good as root on the node. Pod Security admission \
          refuses them in namespaces labelled `baseline` or `restricted`; without a label the cluster's default counts, which is \
          `privileged` unless somebody changed it.",
    remedy: "Label the namespace pod-security.kubernetes.io/enforce: baseline (better: restricted).",
    confidence: Confidence::Documented,
    attack: &["T1611", "MS-TA9018"],
    references: &["https://kubernetes.io/docs/concepts/security/pod-security-admission/"],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    let Fact::NewPod(place) = fact else { return };
    let (cluster, effect) = (attack.cluster, Effect::Node(None));
    match place {
        Place::Namespace(namespace) => {
            let level = enforced(attack.graph, cluster, namespace);
            let blockers = blockers(attack.graph, namespace, level);
            if blockers.iter().any(|blocker| blocker.stops) {
                let relaxed = attack.fact(Fact::Relaxed(place));
                attack.does(&TECHNIQUE, vec![id, relaxed], effect, Fact::Nodes);
            }
            attack.does_unless(&TECHNIQUE, vec![id], effect, Fact::Nodes, blockers);
        }
        // Of the namespaces that are known each is looked at; where none is, one that nobody spoke of will do.
        Place::Cluster | Place::EachNamespace if attack.graph.snapshot().namespaces.is_empty() => {
            attack.does(&TECHNIQUE, vec![id], effect, Fact::Nodes);
        }
        Place::Cluster | Place::EachNamespace => {}
    }
}

/// The level that Pod Security enforces in a namespace, if one is set.
fn enforced(graph: &AccessGraph, cluster: ClusterId, namespace: Name) -> Option<&str> {
    let namespaces = &graph.snapshot().namespaces;
    let at = namespaces.binary_search_by_key(&(cluster, namespace), |own| (own.cluster, own.name)).ok()?;
    let labels = namespaces[at].labels.iter();
    let label = labels.into_iter().find(|(key, _)| graph.text(*key) == "pod-security.kubernetes.io/enforce");
    label.map(|&(_, level)| graph.text(level))
}

fn blockers(graph: &AccessGraph, namespace: Name, level: Option<&str>) -> Vec<Blocker> {
    let name = graph.text(namespace);
    let what = match level {
        Some("privileged") => return Vec::new(),
        Some(level) => format!("Pod Security: namespace {name} enforces `{level}`"),
        None => format!("Pod Security: namespace {name} has no level of its own, and the cluster's default is not visible"),
    };
    vec![Blocker { what, stops: matches!(level, Some("baseline" | "restricted")) }]
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let Some(Effect::NewPod(place)) = step.foothold else { return Err("there is no new pod".to_owned()) };
    if !state.runs_new_pods(place) {
        return Err("no new pod can be run there".to_owned());
    }
    let open = match place {
        Place::Namespace(namespace) => {
            let own = state.graph.snapshot().namespaces.iter().find(|own| own.name == namespace);
            let strict = own.is_some_and(|own| {
                own.labels.iter().any(|(key, level)| {
                    state.graph.text(*key) == "pod-security.kubernetes.io/enforce"
                        && ["baseline", "restricted"].contains(&state.graph.text(*level))
                })
            });
            !strict || state.relaxes(place)
        }
        Place::Cluster | Place::EachNamespace => true,
    };
    if open || step.blockers.iter().any(|blocker| blocker.stops) {
        Ok(())
    } else {
        Err("Pod Security refuses the pod".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::check;

    #[test]
    fn a_namespace_that_admits_it_gives_the_nodes() {
        check(
            "role p: create pods
             namespace dev -
             bind dev/p=p user:alice",
            "alice -> any node: pod-create, privileged-pod",
        );
    }

    #[test]
    fn pod_security_stops_it() {
        for level in ["baseline", "restricted"] {
            check(
                &format!(
                    "role p: create pods
                     namespace dev {level}
                     bind dev/p=p user:alice"
                ),
                "",
            );
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
}
