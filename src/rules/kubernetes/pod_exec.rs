//! `pod-exec`: a shell in a running pod.

use crate::rules::attack::{Attack, Done, Effect};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Alike, At, Blocker, Confidence, On, Request, Technique, core};

use super::pods::SHELLS;

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "pod-exec",
    title: "Run a command in a running pod",
    requests: &[
        Request { rights: &[core(&["create"], "pods/exec", On::Object)], at: At::Namespace },
        Request { rights: &[core(&["get"], "pods/exec", On::Object)], at: At::Namespace },
    ],
    gain: "what the pod holds: its account's token, what is mounted, its way out of the container",
    why: "`create` on pods/exec starts a process in a container. Until 1.34 `get` does as well, since a WebSocket begins with a \
          GET; from 1.35 the API server asks for `create` in addition.",
    remedy: "Take the right away, or limit it with resourceNames to pods that hold no more.",
    confidence: Confidence::Documented,
    attack: &["T1609", "MS-TA9006"],
    references: &["https://kubernetes.io/docs/reference/access-authn-authz/authorization/"],
    build: Some(build),
    alike: |_, within| if within == 0 { Alike::all(SHELLS) } else { Alike::part(&[&[SHELLS]]) },
    proof: Some(proof),
    ..Technique::MOVE
};

/// From this version on `get` alone opens nothing.
const GET_IS_NOT_ENOUGH: (u32, u32) = (1, 35);

fn build(attack: &mut Attack<'_>, done: Done) {
    if done.first {
        let blockers: Vec<Blocker> = get_alone(attack, &done).into_iter().collect();
        attack.runs_in_pods(&done, &blockers);
    }
}

/// What stops whoever may only `get` pods/exec or pods/attach.
pub(super) fn get_alone(attack: &Attack<'_>, done: &Done) -> Option<Blocker> {
    let stops = done.within > 0 && attack.version().is_some_and(|version| version >= GET_IS_NOT_ENOUGH);
    stops.then(|| Blocker { what: "Kubernetes 1.35 and later ask for `create` as well".to_owned(), stops: true })
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let right = step.asks(&["create", "get"], "", "pods/exec").ok_or("no command is run")?;
    let Effect::Pod(pod) = step.effect else { return Err("no pod".to_owned()) };
    state.is_about(right, pod)?;
    state.is_running(pod)
}

#[cfg(test)]
mod tests {
    use super::super::world::{check, check_at, check_blocked_at};

    const BOT: &str = "role big: * *.*
             pod dev/one bot n1
             pod dev/two other n1
             bind big sa:dev/bot
             bind dev/x=x user:alice
             ";

    #[test]
    fn a_shell_holds_what_the_pod_holds() {
        check(&format!("{BOT}role x: create pods/exec"), "alice -> cluster-admin: pod-exec, pod-serviceaccount, wildcard-admin");
        check(
            &format!("{BOT}role x: create pods/exec one"),
            "alice -> cluster-admin: pod-exec, pod-serviceaccount, wildcard-admin",
        );
    }

    #[test]
    fn a_get_runs_nothing_since_it_needs_create_as_well() {
        let world = format!("{BOT}role x: get pods/exec");
        check_at((1, 34), &world, "alice -> cluster-admin: pod-exec, pod-serviceaccount, wildcard-admin");
        check_at((1, 35), &world, "");
        check_blocked_at((1, 35), &world, "alice -> cluster-admin: pod-exec, pod-serviceaccount, wildcard-admin");
    }

    #[test]
    fn a_pod_that_is_not_named_and_one_that_is_not_there_stay_closed() {
        check(&format!("{BOT}role x: create pods/exec two"), "");
        check(&format!("{BOT}role x: create pods/exec three; create pods"), "alice -> cluster-admin: pod-create, wildcard-admin");
        check(&format!("{BOT}role x: create pods/log,exec"), "");
    }

    #[test]
    fn nothing_runs_in_a_pod_that_has_run_to_its_end() {
        let world = "role big: * *.*
             pod dev/one bot n1 finished
             bind big sa:dev/bot
             bind dev/x=x user:alice
             role x: create pods/exec";
        check(world, "");
        check(&format!("{world} one"), "");
    }

    #[test]
    fn a_static_pod_has_no_account_but_may_have_a_way_out() {
        let world = |pod: &str| format!("pod kube-system/etcd - n1 mirror {pod}\nbind kube-system/x=x user:alice\nrole x: create pods/exec");
        check(&world(""), "");
        check(&world("ro:/etc/kubernetes/pki"), "alice -> node n1: pod-exec, container-escape");
    }
}
