//! `kube-system-config-write`: kubeadm makes control planes and nodes after two ConfigMaps.

use std::collections::BTreeSet;

use crate::model::{ClusterId, Name};
use crate::graph::AccessGraph;
use crate::rules::attack::{Attack, Done, Effect, Fact, Place};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{At, Confidence, Leads, On, Request, Technique, WRITE, core};

/// The technique. Of the other ConfigMaps of kube-system none leads to a target: `extension-apiserver-authentication` opens the
/// aggregated APIs alone, and `coredns` says where names lead, not who is believed there.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "kube-system-config-write",
    title: "Change the configuration that kubeadm uses",
    requests: &[Request { rights: &[core(WRITE, "configmaps", On::Object)], at: At::Namespace }],
    gain: "with kubeadm-config the cluster, with kubelet-config its nodes, as soon as kubeadm upgrades or adds one",
    why: "kubeadm takes the flags and host mounts of the control plane from the ConfigMap kubeadm-config of kube-system whenever it \
          upgrades it or adds a machine to it, and the configuration of a kubelet, with the place of its static pods, from \
          kubelet-config. Both count only in clusters that kubeadm made, which its own roles for them tell.",
    remedy: "Take the right away in kube-system, or limit it with resourceNames to the ConfigMaps that are needed.",
    confidence: Confidence::Inferred,
    attack: &["T1078", "T1525"],
    references: &[
        "https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/",
        "https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-reconfigure/",
    ],
    build: Some(build),
    leads: Some(leads),
    proof: Some(proof),
    ..Technique::MOVE
};

/// The ConfigMap, and the Role by which kubeadm lets nodes read it.
const CONFIG_MAPS: [(&str, &str); 2] =
    [("kubeadm-config", "kubeadm:nodes-kubeadm-config"), ("kubelet-config", "kubeadm:kubelet-config")];

/// In kube-system, where kubeadm has left the roles for its ConfigMaps.
fn leads(attack: &Attack<'_>, _: usize) -> Leads {
    if CONFIG_MAPS.iter().any(|(_, role)| has_role(attack.graph, attack.cluster, role)) {
        Leads::in_one(attack, "kube-system")
    } else {
        Leads::In(BTreeSet::new())
    }
}

fn build(attack: &mut Attack<'_>, done: Done) {
    let names = &attack.graph.snapshot().names;
    let Some(namespace) = names.find("kube-system").filter(|&own| done.site.place.has(own)) else { return };
    for (at, (config_map, role)) in CONFIG_MAPS.into_iter().enumerate() {
        let Some(name) = attack.graph.snapshot().names.find(config_map) else { continue };
        if done.site.object.is_some_and(|own| own != name) || !has_role(attack.graph, attack.cluster, role) {
            continue;
        }
        let fact = attack.on(&done, Place::Namespace(namespace), Some(name));
        let (effect, gain) = match at {
            0 => (Effect::Everything(Place::Cluster), Fact::Everything(Place::Cluster)),
            _ => (Effect::Node(None), Fact::Nodes),
        };
        attack.does(done.technique, vec![fact], effect, gain);
    }
}

fn has_role(graph: &AccessGraph, cluster: ClusterId, wanted: &str) -> bool {
    let in_kube_system = |namespace: Option<Name>| namespace.is_some_and(|own| graph.text(own) == "kube-system");
    let mut roles = graph.roles();
    roles.any(|(_, role)| {
        role.cluster == cluster && in_kube_system(role.namespace) && graph.text(role.name) == wanted
    })
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let right = step.asks(WRITE, "", "configmaps").ok_or("no ConfigMap is changed")?;
    let name = right.name.map(|name| state.graph.text(name));
    let place = matches!(right.place, Place::Namespace(own) if state.graph.text(own) == "kube-system");
    let by_kubeadm = state.graph.snapshot().roles.iter().any(|role| state.graph.text(role.name).starts_with("kubeadm:"));
    match step.effect {
        Effect::Everything(Place::Cluster) if place && by_kubeadm && name == Some("kubeadm-config") => Ok(()),
        Effect::Node(None) if place && by_kubeadm && name == Some("kubelet-config") => Ok(()),
        _ => Err("kubeadm does not look at it".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::check;

    const KUBEADM: &str = "
        role kube-system/kubeadm:nodes-kubeadm-config: get configmaps kubeadm-config
        role kube-system/kubeadm:kubelet-config: get configmaps kubelet-config
        ";

    #[test]
    fn what_kubeadm_makes_of_it_is_the_cluster_or_a_node() {
        for rule in ["patch configmaps kubeadm-config", "update configmaps", "* configmaps"] {
            check(
                &format!("role c: {rule}{KUBEADM}bind kube-system/c=c user:alice"),
                "alice -> cluster-admin: kube-system-config-write",
            );
        }
        check(
            &format!("role c: patch configmaps{KUBEADM}bind c user:alice"),
            "alice -> cluster-admin: kube-system-config-write",
        );
        check(
            &format!("role c: patch configmaps kubelet-config{KUBEADM}bind kube-system/c=c user:alice"),
            "alice -> any node: kube-system-config-write",
        );
    }

    #[test]
    fn other_config_maps_and_other_namespaces_are_nothing() {
        for (rule, place) in [
            ("patch configmaps extension-apiserver-authentication,coredns,coredns-custom", "kube-system"),
            ("patch configmaps", "kube-public"),
            ("get,create,delete configmaps", "kube-system"),
            ("patch configmaps/status", "kube-system"),
        ] {
            check(&format!("role c: {rule}{KUBEADM}bind {place}/c=c user:alice"), "");
        }
    }

    #[test]
    fn a_cluster_that_kubeadm_did_not_make_has_no_use_for_them() {
        check(
            "role c: patch configmaps; patch configmaps kubeadm-config,kubelet-config
             role dev/kubeadm:nodes-kubeadm-config: get configmaps kubeadm-config
             bind kube-system/c=c user:alice",
            "",
        );
    }
}
