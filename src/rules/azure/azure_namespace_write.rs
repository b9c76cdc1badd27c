//! `azure-namespace-write`: have AKS label a namespace.

use super::bridge::Bridge;
use super::deed::{Acting, By, Deed};
use super::facts::{AzureFact, AzureGain, AzureStep};
use crate::graph::azure::ScopeIx;
use crate::model::Name;
use crate::model::azure::ClusterKind;
use crate::query::is_system_namespace;
use crate::rules::attack::{Attack, Effect, Fact, Place};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "azure-namespace-write",
    title: "Have AKS label a namespace",
    gain: "pods of any kind in the namespace, privileged ones included, for whoever can run pods there",
    why: "A managed namespace is written in Azure and AKS writes it into the cluster, its labels and annotations too. With \
          adoptionPolicy Always that is done to a namespace which is there already, so that its label \
          pod-security.kubernetes.io/enforce is whatever the writer wants. AKS refuses the namespaces of the system.",
    remedy: "Take managedNamespaces/write away from those who must not decide what runs in the cluster; Azure Kubernetes Service Namespace \
             Contributor has it. An admission policy that does not go by labels still holds.",
    confidence: Confidence::Inferred,
    attack: &["T1562", "T1078.004"],
    references: &[
        "https://learn.microsoft.com/azure/aks/concepts-managed-namespaces",
        "https://learn.microsoft.com/azure/aks/managed-namespaces",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

const DEED: Deed = Deed {
    technique: &TECHNIQUE,
    by: By::Token,
    actions: &["Microsoft.ContainerService/managedClusters/managedNamespaces/write"],
};

/// Namespaces of AKS's add-ons that are no managed ones either.
const ADD_ONS: [&str; 3] = ["aks-istio-system", "app-routing-system", "istio-system"];

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    let Some(bridge) = attack.bridge.clone() else { return };
    let Some(cluster) = cluster(&bridge) else { return };
    let graph = &bridge.azure.graph;
    for acting in DEED.ways(&bridge, fact) {
        let namespaces = if graph.within(acting.at.scope, cluster) {
            let Some(at) = bridge.allowed_at(acting.who, DEED.actions, cluster) else { continue };
            if at.whole {
                let acting = Acting { at, ..acting };
                DEED.does(attack, vec![id], &acting, AzureGain::Any, Fact::Azure(AzureFact::Labels));
                continue;
            }
            // Something is denied in one of them, so that each is looked at by itself.
            attack.namespaces_of(Place::EachNamespace)
        } else {
            managed(&bridge, cluster, acting.at.scope).into_iter().collect()
        };
        for namespace in namespaces.into_iter().filter(|&namespace| takes(attack.graph.text(namespace))) {
            let scope = [graph.scope_text(cluster), PART, attack.graph.text(namespace)].concat();
            let scope = graph.find_scope(&scope).unwrap_or(cluster);
            if let Some(at) = bridge.allowed_at(acting.who, DEED.actions, scope) {
                let place = Place::Namespace(namespace);
                let acting = Acting { at, ..acting };
                DEED.does(attack, vec![id], &acting, AzureGain::Labels(place), Fact::Relaxed(place));
            }
        }
    }
}

/// The namespaces that can be labelled, each for itself.
pub(super) fn each(attack: &mut Attack<'_>, id: u32) {
    for namespace in attack.namespaces_of(Place::EachNamespace) {
        if takes(attack.graph.text(namespace)) {
            let place = Place::Namespace(namespace);
            attack.chooses(id, Effect::Azure(AzureStep::new(AzureGain::Labels(place))), Fact::Relaxed(place));
        }
    }
}

/// The scope of this cluster, if AKS runs it.
fn cluster(bridge: &Bridge<'_>) -> Option<ScopeIx> {
    let graph = &bridge.azure.graph;
    let cluster = bridge.this_cluster.filter(|&at| graph.cluster(at).kind == ClusterKind::Aks)?;
    graph.cluster_scope(cluster)
}

/// What stands between the ids of a cluster and of a managed namespace of it.
const PART: &str = "/managedNamespaces/";

/// The namespace that a scope is, if it is a managed one of a cluster.
fn managed(bridge: &Bridge<'_>, cluster: ScopeIx, scope: ScopeIx) -> Option<Name> {
    let graph = &bridge.azure.graph;
    let rest = graph.scope_folded(scope).strip_prefix(graph.scope_folded(cluster))?;
    bridge.access.snapshot().names.find(rest.strip_prefix(&PART.to_ascii_lowercase())?)
}

/// Whether AKS takes a namespace for a managed one.
fn takes(namespace: &str) -> bool {
    !is_system_namespace(namespace) && !ADD_ONS.contains(&namespace)
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let Effect::Azure(AzureStep { gain: AzureGain::Labels(Place::Namespace(namespace)), by: Some(who), sure, .. }) =
        step.effect
    else {
        return Err("no namespace is labelled".to_owned());
    };
    let name = state.graph.text(namespace);
    if !state.has_token(who) || !takes(name) {
        return Err(format!("nobody of ours labels {name}"));
    }
    let allowed = state.azure_allows_in_cluster(who, DEED.actions[0], &[PART, name].concat())?;
    if allowed <= sure { Ok(()) } else { Err("it is less sure than the step says".to_owned()) }
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::check;

    /// Somebody who runs pods in two namespaces, of which `dev` is strict, and is somebody in Azure.
    fn world(role: &str, place: &str, more: &str) -> String {
        format!(
            "aso
             credential prod/aso-credential aso
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default
             aks one s1/rg entra
             people team ann
             azrole label ContainerService/managedClusters/managedNamespaces/write
             azrole fetch ContainerService/managedClusters/managedNamespaces/read,ContainerService/managedClusters/managedNamespaces/listCredential/action
             assign team {role} {place}
             namespace dev restricted
             namespace qa restricted
             namespace kube-system restricted
             role p: create pods
             {more}"
        )
    }

    const BOUND: &str = "bind dev/p=p group:team";
    const FOUND: &str = "team -> any node: azure-namespace-write, pod-create, privileged-pod";

    #[test]
    fn a_strict_namespace_is_relaxed() {
        check(&world("label", "managed:one/dev", BOUND), FOUND);
        // Neither of the two needs the other, so either may come first.
        for place in ["s1", "s1/rg"] {
            let found = "team -> any node: pod-create, azure-namespace-write, privileged-pod";
            check(&world("label", place, BOUND), found);
        }
    }

    #[test]
    fn whoever_only_fetches_kubeconfigs_labels_nothing() {
        check(&world("fetch", "s1/rg", BOUND), "");
    }

    #[test]
    fn another_namespace_and_another_cluster_are_not_this_one() {
        check(&world("label", "managed:one/qa", BOUND), "");
        check(&world("label", "s1/other", &format!("{BOUND}\naks two s1/other")), "");
    }

    #[test]
    fn aks_refuses_the_namespaces_of_the_system() {
        let secrets = "team -> secrets of kube-system: pod-create";
        check(&world("label", "s1/rg", "bind kube-system/p=p group:team"), secrets);
    }

    #[test]
    fn a_deny_assignment_for_one_namespace_leaves_the_others() {
        let denied = |namespace: &str| {
            format!("{BOUND}\ndeny managed:one/{namespace} ContainerService/managedClusters/managedNamespaces/write")
        };
        check(&world("label", "s1/rg", &denied("qa")), FOUND);
        check(&world("label", "s1/rg", &denied("dev")), "");
    }
}
