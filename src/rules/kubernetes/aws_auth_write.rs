//! `aws-auth-write`: EKS reads from a ConfigMap which AWS principal is which user in which groups.

use std::collections::BTreeSet;

use crate::graph::AccessGraph;
use crate::model::{AWS_AUTH, ClusterId, MASTERS, Subject};
use crate::rules::attack::{Attack, Done, Effect, Fact, Place};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{At, Blocker, Confidence, Leads, On, Request, Technique, WRITE, core};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "aws-auth-write",
    title: "Map an AWS principal to system:masters",
    requests: &[Request { rights: &[core(WRITE, "configmaps", On::Object)], at: At::Namespace }],
    gain: "membership in system:masters",
    why: "On EKS the ConfigMap aws-auth of kube-system says which IAM users and roles, of any account, are which users and groups \
          of the cluster, system:masters included. It counts unless the cluster's authentication mode is `API`.",
    remedy: "Take the right away in kube-system, and use EKS access entries instead of aws-auth.",
    confidence: Confidence::Documented,
    attack: &["T1098", "T1078.004"],
    references: &["https://docs.aws.amazon.com/eks/latest/userguide/auth-configmap.html"],
    build: Some(build),
    leads: Some(leads),
    proof: Some(proof),
    ..Technique::MOVE
};

/// In kube-system, where it may be a cluster of EKS.
fn leads(attack: &Attack<'_>, _: usize) -> Leads {
    if is_eks(attack.graph, attack.cluster, true) {
        Leads::in_one(attack, "kube-system")
    } else {
        Leads::In(BTreeSet::new())
    }
}

fn build(attack: &mut Attack<'_>, done: Done) {
    if !done.first {
        return;
    }
    let graph = attack.graph;
    let names = &graph.snapshot().names;
    let place = names.find("kube-system").filter(|&own| done.site.place.has(own));
    let (Some(namespace), Some(masters)) = (place, names.find(MASTERS)) else { return };
    let name = match done.site.object {
        Some(name) if graph.text(name) == AWS_AUTH => Some(name),
        Some(_) => return,
        None => names.find(AWS_AUTH),
    };
    if !is_eks(graph, attack.cluster, done.site.object.is_some()) {
        return;
    }
    let fact = attack.on(&done, Place::Namespace(namespace), name);
    let mode = "if the authentication mode of the EKS cluster is `API`, which is not visible here, aws-auth does not count";
    let group = Subject::Group(masters);
    attack.does_unless(
        done.technique,
        vec![fact],
        Effect::ActAs(group),
        Fact::Identity(group),
        vec![Blocker { what: mode.to_owned(), stops: false }],
    );
}

/// Whether a cluster is one of EKS: by its version, its nodes, or the roles that EKS makes. Where none of them is there to tell,
/// a rule that names the ConfigMap does.
fn is_eks(graph: &AccessGraph, cluster: ClusterId, named: bool) -> bool {
    let snapshot = graph.snapshot();
    let version = snapshot.clusters.get(usize::from(cluster.0)).and_then(|own| own.server_version.as_deref());
    if let Some(version) = version {
        return version.contains("-eks-");
    }
    let of_aws = |key: &str| ["eks.amazonaws.com/", "alpha.eksctl.io/"].iter().any(|prefix| key.starts_with(prefix));
    let mut nodes = snapshot.nodes.iter().filter(|node| node.cluster == cluster).peekable();
    if nodes.peek().is_some() {
        return nodes.any(|node| node.labels.iter().any(|&(key, _)| of_aws(graph.text(key))));
    }
    let mut bindings = graph.bindings();
    named || bindings.any(|(_, binding)| binding.cluster == cluster && graph.text(binding.role.name).starts_with("eks:"))
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let right = step.asks(WRITE, "", "configmaps").ok_or("no ConfigMap is changed")?;
    let text = |name| state.graph.text(name);
    if !matches!(right.place, Place::Namespace(own) if text(own) == "kube-system") {
        return Err("aws-auth lies in kube-system".to_owned());
    }
    match step.effect {
        Effect::ActAs(Subject::Group(group))
            if text(group) == MASTERS && right.name.map(text) == Some(AWS_AUTH) =>
        {
            Ok(())
        }
        _ => Err("aws-auth maps nobody to it".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::check;

    const NODE: &str = "yaml {apiVersion: v1, kind: Node, metadata: {name: n1, labels: ";
    const FOUND: &str = "alice -> cluster-admin: aws-auth-write, system-masters";

    #[test]
    fn on_eks_the_config_map_is_system_masters() {
        for rule in ["patch configmaps aws-auth", "update configmaps", "patch configmaps"] {
            check(
                &format!(
                    "role c: {rule}
                     {NODE}{{eks.amazonaws.com/nodegroup: one}}}}}}
                     bind kube-system/c=c user:alice"
                ),
                FOUND,
            );
        }
        // Nothing is known of the nodes.
        check(
            "role c: patch configmaps aws-auth
             bind kube-system/c=c user:alice",
            FOUND,
        );
        check(
            "role c: patch configmaps
             role eks:node-bootstrapper: create certificatesigningrequests.certificates.k8s.io
             bind eks:node-bootstrapper group:eks:nodes
             bind c user:alice",
            FOUND,
        );
    }

    #[test]
    fn elsewhere_it_is_a_config_map_like_any_other() {
        check(
            &format!(
                "role c: patch configmaps aws-auth; update configmaps
                 {NODE}{{kubernetes.azure.com/cluster: one}}}}}}
                 bind kube-system/c=c user:alice"
            ),
            "",
        );
        check(
            "role c: patch configmaps
             bind kube-system/c=c user:alice",
            "",
        );
    }

    #[test]
    fn another_name_or_namespace_is_not_it() {
        for (rule, place) in [
            ("patch configmaps aws-auth", "dev"),
            ("patch configmaps aws-auth-copy", "kube-system"),
            ("create,get,delete configmaps aws-auth", "kube-system"),
        ] {
            check(
                &format!(
                    "role c: {rule}
                     {NODE}{{eks.amazonaws.com/nodegroup: one}}}}}}
                     bind {place}/c=c user:alice"
                ),
                "",
            );
        }
    }
}
