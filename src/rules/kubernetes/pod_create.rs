//! `pod-create`: who runs a pod says which account of the namespace it runs as, and which Secrets are mounted into it.

use std::collections::BTreeSet;

use crate::model::Name;
use crate::rules::attack::{Attack, Done, Place};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Alike, At, Confidence, On, Request, Technique, core};

use super::pods::NEW_PODS;

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "pod-create",
    title: "Create a pod",
    requests: &[
        Request { rights: &[core(&["create"], "pods", On::Nothing)], at: At::Namespace },
        // Server-side apply of a pod that is not there carries its name.
        Request {
            rights: &[core(&["create"], "pods", On::Object), core(&["patch"], "pods", On::Object)],
            at: At::Namespace,
        },
    ],
    gain: "every service account, Secret, ConfigMap and volume claim of the namespace; a node, if its pods may be privileged",
    why: "A pod names the account it runs as and the Secrets and ConfigMaps that are mounted into it, and the API server asks \
          for no right on any of them; it looks only whether the account exists. A POST carries no name, so a rule with \
          resourceNames does not let anybody create; with `patch` on the same name it does, by server-side apply.",
    remedy: "Keep accounts and Secrets that are worth more out of namespaces in which pods can be created, or take the right away.",
    confidence: Confidence::Performed,
    attack: &["T1610", "MS-TA9008"],
    references: &["https://kubernetes.io/docs/concepts/security/rbac-good-practices/#workload-creation"],
    build: Some(build),
    alike: |_, _| Alike::all(NEW_PODS),
    proof: Some(proof),
    ..Technique::MOVE
};

fn build(attack: &mut Attack<'_>, done: Done) {
    if !done.first {
        return;
    }
    let place = done.site.place;
    // A name that is taken is no new pod.
    let named = done.site.object.map(|name| attack.pods_named(place, name)).unwrap_or_default();
    if named.is_empty() {
        attack.runs_pods(done.technique, vec![done.fact], place);
        return;
    }
    let taken: BTreeSet<Name> = named.into_iter().map(|pod| attack.pod(pod).namespace).collect();
    for namespace in attack.namespaces_of(place).into_iter().filter(|namespace| !taken.contains(namespace)) {
        attack.runs_pods(done.technique, vec![done.fact], Place::Namespace(namespace));
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let right = step.asks(&["create"], "", "pods").ok_or("no pod is created")?;
    if let Some(name) = right.name {
        let taken = state.graph.snapshot().pods.iter().any(|pod| {
            pod.name == name && right.place.has(pod.namespace)
        });
        if taken || step.asks(&["patch"], "", "pods").is_none() {
            return Err("a name creates nothing new".to_owned());
        }
    }
    state.new_pod_gives(step.effect, right.place)
}

#[cfg(test)]
mod tests {
    use super::super::world::check;

    #[test]
    fn a_pod_runs_as_any_account_of_its_namespace() {
        check(
            "role p: create pods
             role big: * *.*
             bind dev/p=p user:alice
             bind big sa:dev/bot",
            "alice -> cluster-admin: pod-create, wildcard-admin",
        );
    }

    #[test]
    fn an_account_of_another_namespace_is_out_of_reach() {
        check(
            "role p: create pods
             role big: * *.*
             bind dev/p=p user:alice
             bind big sa:prod/bot",
            "",
        );
    }

    #[test]
    fn a_name_is_free_to_be_applied() {
        let world = |pod: &str| {
            format!(
                "role p: create,patch pods one
                 role big: * *.*
                 bind dev/p=p user:alice
                 bind big sa:dev/bot
                 pod {pod} other n1"
            )
        };
        check(&world("dev/two"), "alice -> cluster-admin: pod-create, wildcard-admin");
        check(&world("dev/one"), "");
    }

    #[test]
    fn a_name_creates_nothing_and_neither_does_a_part_of_a_pod() {
        check(
            "role p: create pods one; create pods/exec,pods/log; get,patch pods.metrics.k8s.io
             role big: * *.*
             namespace dev -
             bind dev/p=p user:alice
             bind big sa:dev/bot",
            "",
        );
    }
}
