//! `kubeconfig-secret-read`: a Secret holds the way into another cluster.

use crate::model::SecretPurpose;
use crate::rules::attack::{Attack, Effect, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "kubeconfig-secret-read",
    title: "Use the kubeconfig that a Secret holds",
    gain: "another cluster, most often all of it",
    why: "Cluster API keeps an administrator's kubeconfig of every cluster that it makes in the Secret CLUSTER-kubeconfig, Argo \
          CD the credentials of every cluster that it deploys to in a Secret labelled argocd.argoproj.io/secret-type: cluster. \
          Whoever reads the Secret is who it was made for.",
    remedy: "Take away what reads the Secret, by resourceNames or by a namespace of its own, and replace the credentials in it.",
    confidence: Confidence::Documented,
    attack: &["T1552.007", "T1552.001", "MS-TA9003"],
    references: &[
        "https://cluster-api.sigs.k8s.io/developer/core/controllers/cluster#secrets",
        "https://argo-cd.readthedocs.io/en/stable/operator-manual/declarative-setup/#clusters",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    let Fact::Secret(at) = fact else { return };
    if matches!(attack.secret(at).purpose, SecretPurpose::Kubeconfig | SecretPurpose::ArgoCluster) {
        attack.does(&TECHNIQUE, vec![id], Effect::Kubeconfig(at), Fact::Kubeconfig(at));
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let (Some(Effect::Secret(at)), Effect::Kubeconfig(own)) = (step.foothold, step.effect) else {
        return Err("no Secret is read".to_owned());
    };
    let purpose = state.graph.snapshot().secrets[at.0 as usize].purpose;
    let fits = at == own && matches!(purpose, SecretPurpose::Kubeconfig | SecretPurpose::ArgoCluster);
    if fits && state.reads(at) { Ok(()) } else { Err("no kubeconfig is read".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::super::world::check;

    #[test]
    fn the_clusters_of_cluster_api_and_of_argo_cd_are_reached() {
        check(
            "secret fleet/one-kubeconfig cluster.x-k8s.io/secret
             role r: get secrets one-kubeconfig
             bind fleet/r=r user:alice",
            "alice -> cluster of fleet/one-kubeconfig: secret-read, kubeconfig-secret-read",
        );
        check(
            "yaml {apiVersion: v1, kind: Secret, metadata: {name: far, namespace: argocd, labels: {argocd.argoproj.io/secret-type: cluster}}}
             namespace argocd restricted
             role p: create pods
             bind argocd/p=p user:alice",
            "alice -> cluster of argocd/far: pod-create, kubeconfig-secret-read",
        );
    }

    #[test]
    fn other_secrets_hold_none() {
        check(
            "secret fleet/one Opaque
             role r: get,list secrets
             bind fleet/r=r user:alice",
            "",
        );
    }

    #[test]
    fn who_may_not_read_it_reaches_nothing() {
        check(
            "secret fleet/one-kubeconfig cluster.x-k8s.io/secret
             role r: get secrets two-kubeconfig; create,update secrets; get configmaps
             role all: list secrets
             bind fleet/r=r user:alice
             bind other/a=all user:alice",
            "",
        );
    }
}
