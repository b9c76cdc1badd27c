//! `pod-serviceaccount`: the token of its account lies in a pod.

use crate::rules::attack::{Attack, Effect, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::model::Subject;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "pod-serviceaccount",
    title: "Use the token that lies in a pod",
    gain: "everything that the pod's account and its groups hold",
    why: "The kubelet puts a token of its account into every pod that does not say otherwise, under \
          /var/run/secrets/kubernetes.io/serviceaccount. Whoever runs code in the pod reads it, and may use it from anywhere.",
    remedy: "Set automountServiceAccountToken: false where the API is not called; give each workload an account of its own that \
             holds no more than it needs.",
    confidence: Confidence::Documented,
    attack: &["T1528", "MS-TA9016"],
    references: &["https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/"],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    let Fact::Pod(at) = fact else { return };
    let pod = attack.pod(at);
    if let Some(name) = pod.service_account {
        let account = Subject::ServiceAccount { namespace: pod.namespace, name };
        attack.does(&TECHNIQUE, vec![id], Effect::ActAs(account), Fact::Identity(account));
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let (Some(Effect::Pod(at)), Effect::ActAs(account)) = (step.foothold, step.effect) else {
        return Err("no pod".to_owned());
    };
    let pod = &state.graph.snapshot().pods[at.0 as usize];
    let own = pod.service_account.map(|name| Subject::ServiceAccount { namespace: pod.namespace, name });
    if state.runs_in(at) && own == Some(account) { Ok(()) } else { Err("the pod runs as somebody else".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::super::world::check_from;

    #[test]
    fn a_pod_is_its_account() {
        check_from(
            "pod:dev/one",
            "role big: * *.*
             pod dev/one bot n1
             bind big sa:dev/bot",
            "pod dev/one -> cluster-admin: pod-serviceaccount, wildcard-admin",
        );
        check_from(
            "pods:dev",
            "role big: * *.*
             pod dev/one bot n1
             pod dev/two other n1
             bind big sa:dev/bot",
            "pods of dev -> cluster-admin: pod-serviceaccount, wildcard-admin",
        );
    }

    #[test]
    fn a_pod_of_another_account_is_not() {
        check_from(
            "pod:dev/one",
            "role big: * *.*
             pod dev/one other n1
             pod prod/two bot n1
             bind big sa:dev/bot",
            "",
        );
    }
}
