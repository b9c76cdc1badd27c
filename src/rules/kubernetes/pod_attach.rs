//! `pod-attach`: the input of a process that runs in a pod.

use crate::rules::attack::{Attack, Done, Effect};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Alike, At, Blocker, Confidence, On, Request, Technique, core};

use super::pod_exec::get_alone;
use super::pods::SHELLS;

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "pod-attach",
    title: "Attach to a process in a running pod",
    requests: &[
        Request { rights: &[core(&["create"], "pods/attach", On::Object)], at: At::Namespace },
        Request { rights: &[core(&["get"], "pods/attach", On::Object)], at: At::Namespace },
    ],
    gain: "what the pod holds, where one of its containers reads commands from its input",
    why: "`create` on pods/attach writes to the input of a container's first process; a container with `stdin: true` that runs a \
          shell or an interpreter does what it is told. Until 1.34 `get` does as well, since a WebSocket begins with a GET; from \
          1.35 the API server asks for `create` in addition.",
    remedy: "Take the right away, or limit it with resourceNames to pods that hold no more.",
    confidence: Confidence::Inferred,
    attack: &["T1609", "MS-TA9006"],
    references: &["https://kubernetes.io/docs/reference/access-authn-authz/authorization/"],
    build: Some(build),
    alike: |_, _| Alike::part(&[&[SHELLS]]),
    proof: Some(proof),
    ..Technique::MOVE
};

fn build(attack: &mut Attack<'_>, done: Done) {
    if done.first {
        let what = "no container of the pod may read commands from its input".to_owned();
        let mut blockers = vec![Blocker { what, stops: false }];
        blockers.extend(get_alone(attack, &done));
        attack.runs_in_pods(&done, &blockers);
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let right = step.asks(&["create", "get"], "", "pods/attach").ok_or("nothing is attached")?;
    let Effect::Pod(pod) = step.effect else { return Err("no pod".to_owned()) };
    state.is_about(right, pod)?;
    state.is_running(pod)
}

#[cfg(test)]
mod tests {
    use super::super::world::{check, check_at};

    const BOT: &str = "role big: * *.*
             pod dev/one bot n1
             bind big sa:dev/bot
             bind dev/x=x user:alice
             ";
    const FOUND: &str = "alice -> cluster-admin: pod-attach, pod-serviceaccount, wildcard-admin";

    #[test]
    fn a_process_that_listens_does_what_it_is_told() {
        check(&format!("{BOT}role x: create pods/attach"), FOUND);
        check(&format!("{BOT}role x: create pods/attach one"), FOUND);
    }

    #[test]
    fn a_get_attaches_nothing_since_it_needs_create_as_well() {
        check_at((1, 34), &format!("{BOT}role x: get pods/attach"), FOUND);
        check_at((1, 35), &format!("{BOT}role x: get pods/attach"), "");
    }

    #[test]
    fn what_only_talks_to_a_pod_runs_nothing_in_it() {
        check(&format!("{BOT}role x: * pods/portforward,pods/proxy,services/proxy,pods/log"), "");
        check(&format!("{BOT}role x: create pods/attach two; update,patch pods/attach"), "");
    }
}
