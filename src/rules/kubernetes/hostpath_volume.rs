//! `hostpath-volume`: a volume of the cluster may be a folder of a node, and Pod Security does not look behind claims.

use crate::model::PodPowers;
use crate::rules::attack::{Attack, Done, Effect, Fact, Place};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{At, Blocker, Confidence, On, Request, Technique, core};

use super::container_escape::FOLDERS;

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "hostpath-volume",
    title: "Mount a folder of the node by a PersistentVolume",
    requests: &[
        Request { rights: &[core(&["create"], "persistentvolumes", On::Nothing)], at: At::Cluster },
        Request {
            rights: &[core(&["create"], "persistentvolumes", On::Object), core(&["patch"], "persistentvolumes", On::Object)],
            at: At::Cluster,
        },
    ],
    gain: "the files of any node, and by them the node",
    why: "A PersistentVolume may be a hostPath. A pod mounts it by a claim, which it can bring along as a generic ephemeral volume \
          without any right on claims, and a claim is allowed even by the level `restricted`. The same is true of a claim that is \
          bound to such a volume already.",
    remedy: "Grant `create` on persistentvolumes to provisioners alone; refuse hostPath in them by an admission policy.",
    confidence: Confidence::Documented,
    attack: &["T1611", "MS-TA9013"],
    references: &[
        "https://kubernetes.io/docs/concepts/security/rbac-good-practices/#persistent-volume-creation",
        "https://kubernetes.io/docs/concepts/storage/ephemeral-volumes/#security",
    ],
    build: Some(build),
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

fn build(attack: &mut Attack<'_>, done: Done) {
    if !done.first {
        return;
    }
    // A volume that is there cannot be turned into another one.
    let is_free = |name| attack.graph.snapshot().volumes.iter().all(|volume| volume.name != name);
    if done.site.object.is_none_or(is_free) {
        let somewhere = attack.fact(Fact::SomeNewPod);
        let (effect, gain) = (Effect::Node(None), Fact::Nodes);
        attack.does_unless(done.technique, vec![done.fact, somewhere], effect, gain, attack.pod_guards());
    }
}

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    let Fact::NewPod(Place::Namespace(namespace)) = fact else { return };
    for (claim, powers) in attack.folders_of(namespace) {
        if !powers.intersects(FOLDERS) {
            continue;
        }
        let nodes = attack.nodes_that_mount(namespace, claim);
        for &node in &nodes {
            let (effect, gain) = (Effect::Node(Some(node)), Fact::Node(node));
            attack.does_unless(&TECHNIQUE, vec![id], effect, gain, attack.pod_guards());
        }
        if nodes.is_empty() {
            let what = "the volume may be bound to one node by its node affinity".to_owned();
            let blockers: Vec<Blocker> =
                [Blocker { what, stops: false }].into_iter().chain(attack.pod_guards().iter().cloned()).collect();
            attack.does_unless(&TECHNIQUE, vec![id], Effect::Node(None), Fact::Nodes, blockers);
        }
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let Some(Effect::NewPod(place)) = step.foothold else { return Err("there is no new pod".to_owned()) };
    if !state.runs_new_pods(place) {
        return Err("no new pod can be run there".to_owned());
    }
    if let Some(right) = step.asks(&["create"], "", "persistentvolumes") {
        let applied = step.asks(&["patch"], "", "persistentvolumes").is_some();
        let made = right.place == Place::Cluster && (right.name.is_none() || applied) && step.effect == Effect::Node(None);
        return if made { Ok(()) } else { Err("no volume is made".to_owned()) };
    }
    let snapshot = state.graph.snapshot();
    let wanted = ["hostPath:root", "hostPath:read", "hostPath:runtime-socket", "hostPath:proc"];
    let opens = |powers: PodPowers| powers.iter().any(|power| wanted.contains(&power.as_str()));
    let found = snapshot.volumes.iter().any(|volume| {
        let Some((namespace, claim)) = volume.claim.filter(|_| opens(volume.powers)) else { return false };
        let on = |node| {
            snapshot.pods.iter().any(|pod| {
                pod.node == Some(node)
                    && pod.namespace == namespace
                    && snapshot.pod_refs.get(pod.refs).claims.contains(&claim)
            })
        };
        Place::Namespace(namespace) == place
            && match step.effect {
                Effect::Node(None) => true,
                Effect::Node(Some(node)) => on(node),
                _ => false,
            }
    });
    if found { Ok(()) } else { Err("no claim there is bound to such a folder".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::super::world::check;

    #[test]
    fn a_volume_that_is_a_folder_of_the_node_passes_pod_security() {
        check(
            "role p: create pods
             role v: create persistentvolumes
             bind dev/p=p user:alice
             bind v user:alice",
            "alice -> any node: pod-create, hostpath-volume",
        );
        check(
            "role p: create deployments.apps
             role v: create,patch persistentvolumes mine
             bind dev/p=p user:alice
             bind v user:alice",
            "alice -> any node: workload-create, hostpath-volume",
        );
    }

    #[test]
    fn volumes_are_in_no_namespace_and_need_a_pod() {
        check("role p: create pods,persistentvolumes\nbind dev/p=p user:alice", "");
        check("role p: create persistentvolumes,persistentvolumeclaims\nbind p user:alice", "");
        check(
            "role p: create pods
             role v: update persistentvolumes; create persistentvolumes mine
             bind dev/p=p user:alice
             bind v user:alice",
            "",
        );
    }

    #[test]
    fn a_claim_that_is_bound_to_one_already_will_do() {
        let world = |volume: &str| format!("role p: create pods\nbind dev/p=p user:alice\nvolume v {volume}");
        check(&world("/ dev/data"), "alice -> any node: pod-create, hostpath-volume");
        check(&world("/ dev/data\npod dev/db other n1 claim:data"), "alice -> node n1: pod-create, hostpath-volume");
        check(&world("/ prod/data"), "");
        // Nothing of the node lies there.
        check(&world("/mnt/data dev/data"), "");
    }
}
