//! `ephemeral-container`: one more container in a running pod.

use crate::rules::attack::{Attack, Done, Effect, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Alike, At, Confidence, On, Request, Technique, WRITE, core};

use super::admission_guard_remove::guards;
use super::pod_image_patch::changes_pods;
use super::pods::{NEW_PODS, SHELLS};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "ephemeral-container",
    title: "Add an ephemeral container to a running pod",
    requests: &[Request { rights: &[core(WRITE, "pods/ephemeralcontainers", On::Object)], at: At::Namespace }],
    gain: "what the pod holds: its account's token, what is mounted, its way out of the container; its node, where the container \
           may be privileged",
    why: "`update` and `patch` on pods/ephemeralcontainers start a container of any image in a running pod, with the pod's \
          account and volumes, and without any right on pods themselves. Its security context is chosen as well; Pod Security \
          judges the whole pod again. Static pods take none.",
    remedy: "Take the right away, or limit it with resourceNames to pods that hold no more, and have Pod Security enforce \
             `baseline` or more.",
    confidence: Confidence::Documented,
    attack: &["T1609", "T1610"],
    references: &["https://kubernetes.io/docs/concepts/workloads/pods/ephemeral-containers/"],
    build: Some(build),
    // What may refuse a new pod is asked about pods alone.
    alike: |attack, _| match guards(attack.graph, attack.cluster).is_empty() {
        true => Alike::part(&[&[NEW_PODS, SHELLS]]),
        false => Alike::OTHER,
    },
    proof: Some(proof),
    ..Technique::MOVE
};

fn build(attack: &mut Attack<'_>, done: Done) {
    if !done.first {
        return;
    }
    changes_pods(attack, &done);
    let Done { technique, fact, site, .. } = done;
    if site.object.is_none() {
        attack.does(technique, vec![fact], Effect::Any, Fact::Containers(site.place));
        return;
    }
    for pod in attack.pods_at(site.place, site.object) {
        if attack.pod(pod).node.is_some() && !attack.pod(pod).mirror {
            attack.does(technique, vec![fact], Effect::Container(pod), Fact::Container(pod));
        }
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let right = step.asks(WRITE, "", "pods/ephemeralcontainers").ok_or("no container is added")?;
    match step.effect {
        Effect::Pod(pod) => {
            state.is_about(right, pod)?;
            state.takes_changes(step, pod)
        }
        Effect::Container(pod) if state.graph.snapshot().pods[pod.0 as usize].mirror => {
            Err("a static pod takes no containers".to_owned())
        }
        Effect::Container(pod) => {
            state.is_about(right, pod)?;
            state.is_running(pod)
        }
        _ => Err("no pod".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::{check, check_blocked};

    const BOT: &str = "role big: * *.*
             bind big sa:dev/bot
             bind dev/x=x user:alice
             ";
    const FOUND: &str = "alice -> cluster-admin: ephemeral-container, pod-serviceaccount, wildcard-admin";

    #[test]
    fn a_container_beside_the_others_has_their_account() {
        for verb in ["update", "patch"] {
            check(&format!("{BOT}role x: {verb} pods/ephemeralcontainers\npod dev/one bot n1"), FOUND);
            check(&format!("{BOT}role x: {verb} pods/ephemeralcontainers one\npod dev/one bot n1"), FOUND);
        }
    }

    #[test]
    fn where_it_may_be_privileged_it_has_the_node() {
        let world = "role x: patch pods/ephemeralcontainers
             bind dev/x=x user:alice
             pod dev/one other n1
             pod dev/two other n1
             namespace dev";
        check(&format!("{world} -"), "alice -> node n1: ephemeral-container, privileged-pod");
        check(&format!("{world} baseline"), "");
        check_blocked(&format!("{world} baseline"), "alice -> node n1: ephemeral-container, privileged-pod");
    }

    #[test]
    fn each_node_is_reached_by_a_pod_of_a_namespace_that_admits_it() {
        check(
            "role x: patch pods/ephemeralcontainers
             bind x user:alice
             pod dev/one other n1
             pod qa/two other n2
             pod qa/three other n3 mirror
             namespace dev -
             namespace qa baseline",
            "alice -> node n1: ephemeral-container, privileged-pod",
        );
        check(
            "role x: patch pods/ephemeralcontainers; patch namespaces
             bind qa/x=x user:alice
             pod dev/one other n1
             pod qa/two other n2
             pod qa/four other n4
             namespace dev -
             namespace qa baseline",
            "alice -> node n2: relax-pod-security, ephemeral-container, privileged-pod
             alice -> node n4: relax-pod-security, ephemeral-container, privileged-pod",
        );
    }

    #[test]
    fn who_runs_new_pods_and_enters_those_that_run_has_no_more_by_it() {
        let world = |rules: &str, level: &str| {
            format!(
                "role x: {rules}; patch pods/ephemeralcontainers
                 bind dev/x=x user:alice
                 pod dev/one other n1
                 namespace dev {level}"
            )
        };
        check(&world("create pods; create pods/exec", "-"), "alice -> any node: pod-create, privileged-pod");
        check(&world("create pods", "-"), "alice -> any node: pod-create, privileged-pod");
        check(&world("create pods/exec", "-"), "alice -> node n1: ephemeral-container, privileged-pod");
        check_blocked(
            &world("create pods; create pods/exec", "baseline"),
            "alice -> any node: pod-create, privileged-pod",
        );
        // Whatever it is that judges new pods, it does not judge this.
        let guard = "yaml {apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: judge}, webhooks: [{name: a, rules: [{operations: [\"*\"], apiGroups: [\"\"], resources: [pods]}]}]}";
        let found = "alice -> any node: pod-create, privileged-pod";
        check(&format!("{}\n{guard}", world("create pods; create pods/exec", "-")), found);
    }

    #[test]
    fn what_takes_no_container_stays_closed() {
        check(&format!("{BOT}role x: patch pods/ephemeralcontainers two\npod dev/one bot n1"), "");
        check(&format!("{BOT}role x: get,create pods/ephemeralcontainers\npod dev/one bot n1"), "");
        check(&format!("{BOT}role x: patch pods/ephemeralcontainers\npod dev/one bot n1 finished"), "");
        check(
            &format!("{BOT}role x: patch pods/ephemeralcontainers\npod dev/one - n1 mirror privileged\nnamespace dev -"),
            "",
        );
    }
}
