//! `pod-secrets`: what is mounted into a pod, or stands in its environment, is read in it.

use crate::rules::attack::{Attack, Effect, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

use super::pods::secrets_in;

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "pod-secrets",
    title: "Read the Secrets of a pod",
    gain: "the contents of the Secrets that the pod refers to in volumes and environment variables",
    why: "The kubelet writes Secrets into the pod's volumes and its environment in plain. Whoever runs code in the pod needs no right \
          on Secrets to read them.",
    remedy: "Mount only what the pod needs; keep tokens of other accounts and credentials of other clusters out of pods that many \
             can run commands in.",
    confidence: Confidence::Documented,
    attack: &["T1552.007", "MS-TA9025"],
    references: &["https://kubernetes.io/docs/concepts/configuration/secret/#using-secrets"],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    let Fact::Pod(at) = fact else { return };
    let pod = attack.pod(at);
    if pod.finished {
        return;
    }
    for secret in secrets_in(attack, pod) {
        attack.does(&TECHNIQUE, vec![id], Effect::Secret(secret), Fact::Secret(secret));
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let (Some(Effect::Pod(at)), Effect::Secret(secret)) = (step.foothold, step.effect) else {
        return Err("no pod".to_owned());
    };
    let snapshot = state.graph.snapshot();
    let (pod, secret) = (&snapshot.pods[at.0 as usize], &snapshot.secrets[secret.0 as usize]);
    let refers = snapshot.pod_refs.get(pod.refs).secrets.contains(&secret.name) && pod.namespace == secret.namespace;
    state.is_running(at)?;
    if refers && state.runs_in(at) { Ok(()) } else { Err("the pod does not see the Secret".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::super::world::check_to;

    const SHELL: &str = "role x: create pods/exec
             bind dev/x=x user:alice
             secret dev/key Opaque
             ";

    #[test]
    fn a_mounted_secret_is_read() {
        check_to(
            "secret:dev/key",
            &format!("{SHELL}pod dev/one other n1 secret:key"),
            "alice -> secret dev/key: pod-exec, pod-secrets",
        );
    }

    #[test]
    fn one_that_is_not_mounted_is_not() {
        check_to("secret:dev/key", &format!("{SHELL}pod dev/one other n1"), "");
        check_to("secret:dev/key", &format!("{SHELL}pod prod/one other n1 secret:key"), "");
        check_to("secret:dev/key", &format!("{SHELL}pod dev/one other n1 secret:key finished"), "");
    }

    #[test]
    fn a_pull_secret_is_the_kubelets() {
        check_to(
            "secret:dev/pull",
            &format!("{SHELL}secret dev/pull kubernetes.io/dockerconfigjson\npod dev/one other n1 pull:pull"),
            "",
        );
    }
}
