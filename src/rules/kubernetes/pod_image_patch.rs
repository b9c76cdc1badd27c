//! `pod-image-patch`: another image in a running pod.

use crate::rules::attack::{Attack, Done, Effect, Fact, Place};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Alike, At, Confidence, On, Request, Technique, WRITE, core};

use super::pods::{CHANGES, Refusal, SHELLS, refuses_change};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "pod-image-patch",
    title: "Change the image of a running pod",
    requests: &[Request { rights: &[core(WRITE, "pods", On::Object)], at: At::Namespace }],
    gain: "what the pod holds: its account's token, what is mounted, its way out of the container",
    why: "Of a running pod `update` and `patch` change hardly anything but the images of its containers; the kubelet then starts \
          the new image with the account and the volumes of the old one. Command, account, volumes and node stay. A static pod \
          is taken from a file, so a change of its mirror does nothing. Pod Security judges the whole pod again.",
    remedy: "Take the right away, or limit it with resourceNames to pods that hold no more.",
    confidence: Confidence::Documented,
    attack: &["T1525", "T1609"],
    references: &["https://kubernetes.io/docs/concepts/workloads/pods/#pod-update-and-replacement"],
    build: Some(build),
    alike: |_, _| Alike { does: Some(CHANGES), part_of: &[&[SHELLS]] },
    proof: Some(proof),
    ..Technique::MOVE
};

fn build(attack: &mut Attack<'_>, done: Done) {
    if done.first {
        changes_pods(attack, &done);
    }
}

/// A request puts other code into running pods: into the one it names, or into every pod of the place.
pub(super) fn changes_pods(attack: &mut Attack<'_>, done: &Done) {
    let place = done.site.place;
    if done.site.object.is_none() {
        attack.does(done.technique, vec![done.fact], Effect::Any, Fact::Changes(place));
    }
    for pod in attack.pods_at(place, done.site.object) {
        let (effect, gain) = (Effect::Pod(pod), Fact::Pod(pod));
        match refuses_change(attack, pod) {
            // Where no name is given this is a part of what was said of all of them.
            None if done.site.object.is_none() => {}
            None => attack.does(done.technique, vec![done.fact], effect, gain),
            Some(Refusal::Static) => {}
            Some(Refusal::PodSecurity(blocker)) => {
                let relaxed = attack.fact(Fact::Relaxed(Place::Namespace(attack.pod(pod).namespace)));
                attack.does(done.technique, vec![done.fact, relaxed], effect, gain);
                attack.does_unless(done.technique, vec![done.fact], effect, gain, vec![blocker]);
            }
        }
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let right = step.asks(WRITE, "", "pods").ok_or("no pod is changed")?;
    let Effect::Pod(pod) = step.effect else { return Err("no pod".to_owned()) };
    state.is_about(right, pod)?;
    state.takes_changes(step, pod)
}

#[cfg(test)]
mod tests {
    use super::super::world::{check, check_blocked};

    const BOT: &str = "role big: * *.*
             bind big sa:dev/bot
             bind dev/x=x user:alice
             ";
    const FOUND: &str = "alice -> cluster-admin: pod-image-patch, pod-serviceaccount, wildcard-admin";

    #[test]
    fn another_image_has_the_account_of_the_old_one() {
        for verb in ["update", "patch"] {
            check(&format!("{BOT}role x: {verb} pods\npod dev/one bot n1"), FOUND);
            check(&format!("{BOT}role x: {verb} pods one\npod dev/one bot n1"), FOUND);
        }
    }

    #[test]
    fn nothing_but_the_image_is_gained() {
        // Neither another account of the namespace, nor the node.
        check(
            &format!("{BOT}role x: patch pods\npod dev/one other n1\nnamespace dev privileged"),
            "",
        );
    }

    #[test]
    fn what_runs_no_image_of_theirs_stays_closed() {
        check(&format!("{BOT}role x: patch pods two\npod dev/one bot n1"), "");
        check(&format!("{BOT}role x: patch pods/status,pods/resize\npod dev/one bot n1"), "");
        check(&format!("{BOT}role x: patch pods\npod dev/one bot n1 finished"), "");
        check(&format!("{BOT}role x: patch pods one\npod dev/one bot n1 finished"), "");
        check(&format!("{BOT}role x: patch pods one; patch pods\npod dev/one - n1 mirror privileged"), "");
    }

    #[test]
    fn a_pod_that_pod_security_would_not_admit_any_more_is_not_changed() {
        let world = format!("{BOT}role x: patch pods\npod dev/one bot n1 hostPID");
        check(&world, "");
        check_blocked(&world, FOUND);
        check(
            &format!("{BOT}role x: patch pods; update namespaces/finalize\npod dev/one bot n1 hostPID"),
            "alice -> cluster-admin: relax-pod-security, pod-image-patch, pod-serviceaccount, wildcard-admin",
        );
    }
}
