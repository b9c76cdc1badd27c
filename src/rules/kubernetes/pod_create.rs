//! `pod-create`: who runs a pod says which account of the namespace it runs as, and which Secrets are mounted into it.

use crate::rules::attack::{Attack, Done};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{At, Confidence, On, Request, Technique, core};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "pod-create",
    title: "Create a pod",
    requests: &[Request { rights: &[core(&["create"], "pods", On::Nothing)], at: At::Namespace }],
    gain: "every service account, Secret, ConfigMap and volume claim of the namespace; a node, if its pods may be privileged",
    why: "A pod names the account it runs as and the Secrets and ConfigMaps that are mounted into it, and the API server asks \
          for no right on any of them; it looks only whether the account exists. `create` carries no name, so resourceNames \
          cannot limit it.",
    remedy: "Keep accounts and Secrets that are worth more out of namespaces in which pods can be created, or take the right away.",
    confidence: Confidence::Documented,
    attack: &["T1610", "MS-TA9008"],
    references: &["https://kubernetes.io/docs/concepts/security/rbac-good-practices/#workload-creation"],
    build: Some(build),
    proof: Some(proof),
    ..Technique::MOVE
};

fn build(attack: &mut Attack<'_>, done: Done) {
    if done.first {
        attack.runs_pods(done.technique, vec![done.fact], done.site.place);
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let right = step.asks(&["create"], "", "pods").ok_or("no pod is created")?;
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
