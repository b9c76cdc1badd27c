//! `workload-create`: a controller makes the pods that a template describes, and nobody asks who wrote the template.

use crate::rules::attack::{Attack, Done};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Alike, At, Confidence, On, Request, Right, Technique, right};

use super::pods::NEW_PODS;

const CREATE: &[&str] = &["create"];
const PATCH: &[&str] = &["patch"];

/// A POST, which carries no name.
const fn made(api_group: &'static str, resource: &'static str) -> [Right; 1] {
    [right(CREATE, api_group, resource, On::Nothing)]
}

/// Server-side apply of an object that is not there, which carries the name.
const fn applied(api_group: &'static str, resource: &'static str) -> [Right; 2] {
    [right(CREATE, api_group, resource, On::Object), right(PATCH, api_group, resource, On::Object)]
}

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "workload-create",
    title: "Create a workload that makes pods",
    requests: &[
        Request { rights: &made("apps", "deployments"), at: At::Namespace },
        Request { rights: &made("apps", "daemonsets"), at: At::Namespace },
        Request { rights: &made("apps", "statefulsets"), at: At::Namespace },
        Request { rights: &made("apps", "replicasets"), at: At::Namespace },
        Request { rights: &made("batch", "jobs"), at: At::Namespace },
        Request { rights: &made("batch", "cronjobs"), at: At::Namespace },
        Request { rights: &made("", "replicationcontrollers"), at: At::Namespace },
        Request { rights: &applied("apps", "deployments"), at: At::Namespace },
        Request { rights: &applied("apps", "daemonsets"), at: At::Namespace },
        Request { rights: &applied("apps", "statefulsets"), at: At::Namespace },
        Request { rights: &applied("apps", "replicasets"), at: At::Namespace },
        Request { rights: &applied("batch", "jobs"), at: At::Namespace },
        Request { rights: &applied("batch", "cronjobs"), at: At::Namespace },
        Request { rights: &applied("", "replicationcontrollers"), at: At::Namespace },
    ],
    gain: "every service account, Secret, ConfigMap and volume claim of the namespace; a node, if its pods may be privileged",
    why: "The controllers of Deployments, DaemonSets, StatefulSets, ReplicaSets, Jobs, CronJobs and ReplicationControllers create \
          the pods of a template with their own rights. The template names the account and what is mounted, as a pod does. Pod \
          Security looks at the pods and only warns about the workload. A rule with resourceNames does not let anybody create by \
          POST; with `patch` on the same name it does, by server-side apply.",
    remedy: "Keep accounts and Secrets that are worth more out of namespaces in which workloads can be created, or take the right \
             away.",
    confidence: Confidence::Performed,
    attack: &["T1610", "MS-TA9008"],
    references: &["https://kubernetes.io/docs/concepts/security/rbac-good-practices/#workload-creation"],
    build: Some(build),
    alike: |_, _| Alike::all(NEW_PODS),
    proof: Some(proof),
    ..Technique::MOVE
};

fn build(attack: &mut Attack<'_>, done: Done) {
    if done.first {
        attack.runs_pods(done.technique, vec![done.fact], done.site.place);
    }
}

/// What makes pods, with its API group.
const WORKLOADS: [(&str, &str); 7] = [
    ("apps", "deployments"),
    ("apps", "daemonsets"),
    ("apps", "statefulsets"),
    ("apps", "replicasets"),
    ("batch", "jobs"),
    ("batch", "cronjobs"),
    ("", "replicationcontrollers"),
];

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let found = WORKLOADS.iter().find_map(|(group, resource)| {
        let right = step.asks(&["create"], group, resource)?;
        // A name alone creates nothing.
        (right.name.is_none() || step.asks(&["patch"], group, resource).is_some()).then_some(right)
    });
    let right = found.ok_or("no workload is created")?;
    state.new_pod_gives(step.effect, right.place)
}

#[cfg(test)]
mod tests {
    use super::super::world::check;

    const BOT: &str = "role big: * *.*
             bind big sa:dev/bot
             bind dev/x=x user:alice
             ";

    #[test]
    fn every_kind_of_workload_makes_pods() {
        for workload in [
            "deployments.apps",
            "daemonsets.apps",
            "statefulsets.apps",
            "replicasets.apps",
            "jobs.batch",
            "cronjobs.batch",
            "replicationcontrollers",
        ] {
            check(
                &format!("{BOT}role x: create {workload}"),
                "alice -> cluster-admin: workload-create, wildcard-admin",
            );
        }
    }

    #[test]
    fn the_group_is_the_one_that_serves_it() {
        check(&format!("{BOT}role x: create deployments,daemonsets,jobs,pods/log; create pods,jobs.apps"), "");
        check(&format!("{BOT}role x: create deployments.extensions; create replicationcontrollers.apps"), "");
        check(&format!("{BOT}role x: create deployments/scale,deployments/status.apps"), "");
    }

    #[test]
    fn a_name_creates_only_together_with_patch() {
        check(&format!("{BOT}role x: create deployments.apps web"), "");
        check(
            &format!("{BOT}role x: create,patch deployments.apps web"),
            "alice -> cluster-admin: workload-create, wildcard-admin",
        );
        check(
            "role c: create deployments.apps web
             role p: patch deployments.apps web
             role big: * *.*
             bind dev/c=c user:alice
             bind dev/p=p user:bob
             bind big sa:dev/bot
             deployment dev/other",
            "",
        );
    }

    #[test]
    fn a_namespace_that_admits_privileged_pods_gives_the_nodes() {
        check(
            "role x: create daemonsets.apps
             namespace dev privileged
             bind dev/x=x user:alice",
            "alice -> any node: workload-create, privileged-pod",
        );
    }
}
