//! `workload-patch`: the template of a workload that is there can be changed into any other.

use crate::model::ControllerKind;
use crate::rules::attack::{Attack, Done, Place};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Alike, At, Confidence, On, Request, Right, Technique, WRITE, right};

use super::pods::NEW_PODS;

const fn changed(api_group: &'static str, resource: &'static str) -> [Right; 1] {
    [right(WRITE, api_group, resource, On::Object)]
}

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "workload-patch",
    title: "Change the template of a workload",
    requests: &[
        Request { rights: &changed("apps", "deployments"), at: At::Namespace },
        Request { rights: &changed("apps", "daemonsets"), at: At::Namespace },
        Request { rights: &changed("apps", "statefulsets"), at: At::Namespace },
        Request { rights: &changed("apps", "replicasets"), at: At::Namespace },
        Request { rights: &changed("batch", "cronjobs"), at: At::Namespace },
        Request { rights: &changed("", "replicationcontrollers"), at: At::Namespace },
    ],
    gain: "every service account, Secret, ConfigMap and volume claim of the namespace; a node, if its pods may be privileged",
    why: "`update` and `patch` change the whole pod template of a Deployment, DaemonSet, StatefulSet, ReplicaSet, CronJob or \
          ReplicationController: image, account and what is mounted. Its controller then creates such pods. The template of a Job \
          cannot be changed.",
    remedy: "Take the right away, or limit it with resourceNames to workloads of namespaces that hold nothing more; where only \
             the number of pods is to be changed, grant the scale subresource.",
    confidence: Confidence::Documented,
    attack: &["T1610", "T1525"],
    references: &[
        "https://kubernetes.io/docs/concepts/security/rbac-good-practices/#workload-creation",
        "https://kubernetes.io/docs/concepts/workloads/controllers/job/",
    ],
    build: Some(build),
    alike: |_, _| Alike::part(&[&[NEW_PODS]]),
    proof: Some(proof),
    ..Technique::MOVE
};

/// The kinds in the order of the requests.
const KINDS: [ControllerKind; 6] = [
    ControllerKind::Deployment,
    ControllerKind::DaemonSet,
    ControllerKind::StatefulSet,
    ControllerKind::ReplicaSet,
    ControllerKind::CronJob,
    ControllerKind::ReplicationController,
];

fn build(attack: &mut Attack<'_>, done: Done) {
    if !done.first {
        return;
    }
    let (kind, place) = (KINDS[done.within], done.site.place);
    let Some(namespaces) = attack.with_workload(kind, place, done.site.object) else {
        attack.runs_pods(done.technique, vec![done.fact], place);
        return;
    };
    for namespace in namespaces {
        attack.runs_pods(done.technique, vec![done.fact], Place::Namespace(namespace));
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let all = &state.graph.snapshot().controllers;
    for kind in ControllerKind::ALL {
        let Some(right) = step.asks(WRITE, kind.group(), kind.resource()) else { continue };
        if kind == ControllerKind::Job {
            return Err("the template of a Job cannot be changed".to_owned());
        }
        let is_it = |one: &crate::model::Controller| {
            one.kind == kind
                && right.name.is_none_or(|name| name == one.name)
                && matches!(right.place, Place::Namespace(namespace) if namespace == one.namespace)
        };
        let unread = all.is_empty() || !state.graph.snapshot().gaps.is_empty();
        if !unread && !all.iter().any(is_it) {
            return Err("there is no such workload".to_owned());
        }
        return state.new_pod_gives(step.effect, right.place);
    }
    Err("no workload is changed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::world::check;

    const BOT: &str = "role big: * *.*
             bind big sa:dev/bot
             bind dev/x=x user:alice
             ";
    const FOUND: &str = "alice -> cluster-admin: workload-patch, wildcard-admin";

    #[test]
    fn a_template_is_changed_into_any_other() {
        for (resource, kind) in [
            ("deployments.apps", "deployment"),
            ("daemonsets.apps", "daemonset"),
            ("statefulsets.apps", "statefulset"),
            ("replicasets.apps", "replicaset"),
            ("cronjobs.batch", "cronjob"),
            ("replicationcontrollers", "replicationcontroller"),
        ] {
            for verb in ["update", "patch"] {
                check(&format!("{BOT}role x: {verb} {resource}\n{kind} dev/web"), FOUND);
            }
            check(&format!("{BOT}role x: get,delete {resource}\n{kind} dev/web"), "");
        }
    }

    #[test]
    fn there_has_to_be_one() {
        check(&format!("{BOT}role x: patch deployments.apps\ndeployment prod/web"), "");
        check(&format!("{BOT}role x: patch deployments.apps\nstatefulset dev/web"), "");
        check(&format!("{BOT}role x: patch deployments.apps web\ndeployment dev/other"), "");
        check(&format!("{BOT}role x: patch deployments.apps web\ndeployment dev/web"), FOUND);
        // Roles and bindings alone say nothing of workloads.
        check(&format!("{BOT}role x: patch deployments.apps web"), FOUND);
    }

    #[test]
    fn what_changes_no_template_gives_nothing() {
        check(&format!("{BOT}role x: update,patch jobs.batch\njob dev/web"), "");
        check(&format!("{BOT}role x: update,patch deployments\ndeployment dev/web"), "");
        check(&format!("{BOT}role x: patch deployments/scale,deployments/status.apps\ndeployment dev/web"), "");
    }

    #[test]
    fn everywhere_is_each_namespace_that_has_one() {
        check(
            "role big: * *.*
             role x: patch deployments.apps
             bind big sa:dev/bot
             bind x user:alice
             deployment dev/web",
            FOUND,
        );
    }
}
