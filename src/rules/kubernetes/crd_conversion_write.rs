//! `crd-conversion-write`: a conversion webhook is given every stored object of a kind, and gives back what it likes.

use super::gitops::controllers;
use crate::graph::AccessGraph;
use crate::model::{ClusterId, DeputyKind, Name, Subject};
use crate::rules::attack::{Attack, Done, Effect, Fact, Place};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{At, Change, Confidence, Technique, changes};

const GROUP: &str = "apiextensions.k8s.io";
const DEFINITIONS: &str = "customresourcedefinitions";

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "crd-conversion-write",
    title: "Convert the objects of a controller",
    requests: &changes!(GROUP, DEFINITIONS, At::Cluster),
    gain: "what the controller that acts on the objects may write; for other kinds nothing but the objects themselves",
    why: "A CustomResourceDefinition names the webhook that turns stored objects into the version that is asked for, at any \
          address, and may be given a new version to turn them into. The webhook may change everything but most of their metadata, \
          so a Kustomization, HelmRelease or Application that is there comes out as the writer of the definition likes, and its \
          controller applies that.",
    remedy: "Take the right away, or limit it with resourceNames to the definitions that are needed.",
    confidence: Confidence::Inferred,
    attack: &["T1546", "T1078"],
    references: &[
        "https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/",
    ],
    build: Some(build),
    proof: Some(proof),
    ..Technique::MOVE
};

const KINDS: [DeputyKind; 3] = [DeputyKind::Kustomization, DeputyKind::HelmRelease, DeputyKind::Application];

fn build(attack: &mut Attack<'_>, done: Done) {
    let Some(&change) = Change::ALL.get(done.within) else { return };
    for kind in KINDS {
        let name = attack.graph.snapshot().names.find(&definition(kind));
        if done.site.object.is_some() && done.site.object != name {
            continue;
        }
        for account in accounts(attack.graph, attack.cluster, kind) {
            // The definition itself need not have been read.
            if let Some(needs) = attack.changes(&done, change, Place::Cluster, name.unwrap_or(Name::EMPTY)) {
                attack.does(done.technique, needs, Effect::ActAs(account), Fact::Identity(account));
            }
        }
    }
}

fn definition(kind: DeputyKind) -> String {
    [kind.resource(), ".", kind.group()].concat()
}

/// The accounts of the controllers that act on objects of a kind, if there are any.
fn accounts(graph: &AccessGraph, cluster: ClusterId, kind: DeputyKind) -> Vec<Subject> {
    let objects = || graph.snapshot().deputies.iter().filter(|own| own.cluster == cluster && own.kind == kind);
    let controllers = controllers(graph, cluster, kind).into_iter();
    let acting = controllers.filter(|controller| {
        controller.default_account.is_none() && objects().any(|own| controller.watches(graph, own.namespace))
    });
    acting.map(|controller| controller.account).collect()
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let right = step.changes(GROUP, DEFINITIONS).ok_or("no definition is changed")?;
    let is_of = |kind: &DeputyKind, name: Name| state.graph.text(name) == definition(*kind);
    let acts = |kind: &DeputyKind| {
        right.name.is_none_or(|name| is_of(kind, name))
            && state.graph.snapshot().deputies.iter().any(|own| own.kind == *kind)
            && controllers(state.graph, state.cluster, *kind).iter().any(|own| step.effect == Effect::ActAs(own.account))
    };
    if KINDS.iter().any(acts) { Ok(()) } else { Err("no controller acts on the objects".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::super::world::check;

    const FLUX: &str = "
        role admin: * *.*
        bind admin sa:flux-system/kustomize-controller
        yaml {apiVersion: kustomize.toolkit.fluxcd.io/v1, kind: Kustomization, metadata: {name: apps, namespace: flux-system}, spec: {serviceAccountName: weak}}
        bind d user:alice
        ";

    #[test]
    fn objects_that_a_controller_acts_on_are_its_account() {
        for names in ["", " kustomizations.kustomize.toolkit.fluxcd.io"] {
            check(
                &format!("role d: patch customresourcedefinitions.apiextensions.k8s.io{names}{FLUX}"),
                "alice -> cluster-admin: crd-conversion-write, wildcard-admin",
            );
        }
    }

    #[test]
    fn objects_that_nobody_acts_on_are_nothing() {
        for rule in [
            "patch customresourcedefinitions.apiextensions.k8s.io helmreleases.helm.toolkit.fluxcd.io",
            "patch customresourcedefinitions.apiextensions.k8s.io certificates.cert-manager.io",
            "create,delete,update customresourcedefinitions.apiextensions.k8s.io",
            "patch customresourcedefinitions/status.apiextensions.k8s.io",
        ] {
            check(&format!("role d: {rule}{FLUX}"), "");
        }
    }

    #[test]
    fn without_an_object_nothing_is_converted() {
        check(
            "role d: patch customresourcedefinitions.apiextensions.k8s.io
             role admin: * *.*
             bind admin sa:flux-system/kustomize-controller
             bind d user:alice",
            "",
        );
    }

    #[test]
    fn what_serves_an_api_group_holds_nothing_of_another() {
        for rule in [
            "* apiservices.apiregistration.k8s.io",
            "* clustertrustbundles.certificates.k8s.io",
            "* leases.coordination.k8s.io",
            "* customresourcedefinitions/status.apiextensions.k8s.io",
        ] {
            check(&format!("role d: {rule}{FLUX}"), "");
        }
    }
}
