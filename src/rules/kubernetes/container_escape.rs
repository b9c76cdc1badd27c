//! `container-escape`: pods whose spec opens a way to the node.

use crate::graph::AccessGraph;
use crate::model::{PodPowers, Snapshot};
use crate::rules::attack::{Attack, Done, Effect, Fact, Place, PodIx};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{At, Blocker, Confidence, Leads, On, Request, Technique, core};

use super::pods::powers;

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "container-escape",
    title: "Leave a container for its node",
    requests: &[
        Request { rights: &[core(&["get"], "pods/log", On::Object)], at: At::Namespace },
        Request { rights: &[core(&["get"], "nodes/log", On::Object)], at: At::Cluster },
        Request { rights: &[core(&["get"], "nodes/proxy", On::Object)], at: At::Cluster },
    ],
    gain: "root on the node or its files, with the kubelet's credentials and every pod on it",
    why: "These open the node: a privileged container; the capabilities SYS_ADMIN, SYS_MODULE or DAC_READ_SEARCH; the node's processes \
          together with SYS_PTRACE; the socket of the container runtime; folders of the node that hold credentials or what root runs; \
          its /proc for writing, and thus the kernel's core_pattern; /var/log for writing together with a right to read logs, since \
          the kubelet follows links. The node's network, its IPC, or its processes alone do not.",
    remedy: "Take out of the pod what it does not need; keep what needs it in a namespace of its own, in which nobody runs commands.",
    confidence: Confidence::Documented,
    attack: &["T1611", "MS-TA9018"],
    references: &[
        "https://kubernetes.io/docs/concepts/security/pod-security-standards/",
        "https://kubernetes.io/docs/concepts/storage/volumes/#hostpath",
    ],
    build: Some(build),
    leads: Some(leads),
    react: Some(react),
    proof: Some(proof),
    words: Some(words),
    ..Technique::MOVE
};

/// The folders of a node that are as good as the node.
pub(super) const FOLDERS: PodPowers = PodPowers::HOST_ROOT
    .union(PodPowers::HOST_READ)
    .union(PodPowers::HOST_PROC)
    .union(PodPowers::RUNTIME_SOCKET);

/// What might stop a way out that needs more than the spec says.
const APPARMOR: Option<&str> = Some("the AppArmor profile of the container runtime may forbid it");
const ROOT: Option<&str> = Some("the permissions of the files count where the containers do not run as root");

/// The ways out, the surest first: what the pod has, in words, and what might stop it.
const WAYS: [(PodPowers, &str, Option<&str>); 9] = [
    (PodPowers::PRIVILEGED, "a privileged container", None),
    (PodPowers::SYS_MODULE, "the capability SYS_MODULE, which loads kernel modules", None),
    (PodPowers::DAC_READ_SEARCH, "the capability DAC_READ_SEARCH, which opens any file of the node", None),
    (PodPowers::SYS_ADMIN, "the capability SYS_ADMIN, which mounts", APPARMOR),
    (
        PodPowers::HOST_PID.union(PodPowers::SYS_PTRACE),
        "the node's processes together with the capability SYS_PTRACE",
        APPARMOR,
    ),
    (PodPowers::RUNTIME_SOCKET, "the socket of the container runtime", ROOT),
    (PodPowers::HOST_ROOT, "a folder of the node for writing that root runs programs from", ROOT),
    (PodPowers::HOST_PROC, "the node's /proc for writing, and with it core_pattern", ROOT),
    (PodPowers::HOST_READ, "a folder of the node that holds credentials", ROOT),
];

/// Whether a pod with these leads to its node, by itself or together with a right to read logs.
pub(in crate::rules) fn is_way_out(powers: PodPowers) -> bool {
    way(powers).is_some() || powers.contains(PodPowers::HOST_LOG)
}

fn way(powers: PodPowers) -> Option<(&'static str, Option<&'static str>)> {
    WAYS.into_iter().find(|(way, ..)| powers.contains(*way)).map(|(_, words, might)| (words, might))
}

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    let Fact::Pod(at) = fact else { return };
    let pod = attack.pod(at);
    let Some(node) = pod.node.filter(|_| !pod.finished) else { return };
    if let Some((_, might)) = way(powers(attack, pod)) {
        let blockers: Vec<Blocker> = might.into_iter().map(|what| Blocker { what: what.to_owned(), stops: false }).collect();
        attack.does_unless(&TECHNIQUE, vec![id], Effect::Node(Some(node)), Fact::Node(node), blockers);
    }
}

/// Where there is a pod for which it takes a right to read logs.
fn leads(attack: &Attack<'_>, _: usize) -> Leads {
    let pods = attack.graph.snapshot().pods.iter().filter(|pod| pod.cluster == attack.cluster);
    let by_logs = pods.filter(|pod| powers(attack, pod).contains(PodPowers::HOST_LOG));
    Leads::In(by_logs.map(|pod| pod.namespace).collect())
}

/// A link in /var/log that the kubelet follows when somebody reads logs.
fn build(attack: &mut Attack<'_>, done: Done) {
    if !done.first {
        return;
    }
    let of_pods = done.within == 0;
    let pods = match (of_pods, done.site.object) {
        (true, name) => attack.pods_at(done.site.place, name),
        (false, Some(node)) => attack.bound_to(node).to_vec(),
        (false, None) => attack.pods_at(Place::EachNamespace, None),
    };
    for at in pods {
        let pod = attack.pod(at);
        let Some(node) = pod.node.filter(|_| !pod.finished) else { continue };
        let powers = powers(attack, pod);
        if powers.contains(PodPowers::HOST_LOG) && way(powers).is_none() {
            let shell = attack.fact(Fact::Pod(at));
            let blockers: Vec<Blocker> = ROOT.into_iter().map(|what| Blocker { what: what.to_owned(), stops: false }).collect();
            let (effect, gain) = (Effect::Node(Some(node)), Fact::Node(node));
            attack.does_unless(&TECHNIQUE, vec![shell, done.fact], effect, gain, blockers);
        }
    }
}

/// By what the node is reached.
fn words(graph: &AccessGraph, step: &StepDone) -> Option<String> {
    let Some(Effect::Pod(at)) = step.foothold else { return None };
    let has = all_powers(graph.snapshot(), at);
    let words = way(has).map_or("/var/log of the node for writing, where the kubelet follows links", |(words, _)| words);
    Some(format!("the pod has {words}"))
}

/// The powers of a pod, those of the volumes behind its claims included.
pub(in crate::rules) fn all_powers(snapshot: &Snapshot, at: PodIx) -> PodPowers {
    let pod = &snapshot.pods[at.0 as usize];
    let claims = snapshot.pod_refs.get(pod.refs).claims;
    let mounted = snapshot.volumes.iter().filter(|volume| {
        let is_its = |(namespace, name)| namespace == pod.namespace && claims.contains(&name);
        volume.cluster == pod.cluster && volume.claim.is_some_and(is_its)
    });
    mounted.fold(pod.powers, |powers, volume| powers.union(volume.powers))
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let (Some(Effect::Pod(at)), Effect::Node(Some(node))) = (step.foothold, step.effect) else {
        return Err("no pod".to_owned());
    };
    state.is_running(at)?;
    let pod = &state.graph.snapshot().pods[at.0 as usize];
    if !state.runs_in(at) || pod.node != Some(node) {
        return Err("the pod is on another node".to_owned());
    }
    let has = all_powers(state.graph.snapshot(), at).to_string();
    let has: Vec<&str> = has.split(", ").collect();
    let any = ["privileged", "SYS_ADMIN", "SYS_MODULE", "DAC_READ_SEARCH"];
    let folders = ["hostPath:root", "hostPath:read", "hostPath:runtime-socket", "hostPath:proc"];
    if any.iter().chain(&folders).any(|one| has.contains(one)) || (has.contains(&"hostPID") && has.contains(&"SYS_PTRACE")) {
        return Ok(());
    }
    let reads = match (step.asks(&["get"], "", "pods/log"), step.asks(&["get"], "", "nodes/log")) {
        (Some(right), _) => state.is_about(right, at).is_ok(),
        (None, right) => right
            .or_else(|| step.asks(&["get"], "", "nodes/proxy"))
            .is_some_and(|right| right.name.is_none_or(|name| name == node)),
    };
    if has.contains(&"hostPath:log") && reads { Ok(()) } else { Err("the pod has no way to its node".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::super::world::check_from;

    fn found(pod: &str, found: bool) {
        let expected = if found { "pod dev/one -> node n1: container-escape" } else { "" };
        check_from("pod:dev/one", &format!("pod dev/one other n1 {pod}"), expected);
    }

    #[test]
    fn each_way_out_leads_to_the_node() {
        for pod in [
            "privileged",
            "cap:SYS_ADMIN",
            "cap:SYS_MODULE",
            "cap:DAC_READ_SEARCH",
            "hostPID cap:SYS_PTRACE",
            "host:/var/run/docker.sock",
            "ro:/run/containerd",
            "host:/",
            "ro:/",
            "ro:/etc/kubernetes",
            "host:/etc/cron.d",
            "host:/proc/sys/kernel",
            "ro:/var/lib/kubelet/pods",
        ] {
            found(pod, true);
        }
    }

    #[test]
    fn what_looks_like_a_way_out_is_none() {
        for pod in [
            "hostPID",
            "cap:SYS_PTRACE",
            "hostNetwork",
            "hostIPC",
            "shared",
            "cap:NET_ADMIN",
            "cap:NET_RAW",
            "host:/mnt/data",
            "ro:/proc",
            "ro:/var/log",
            "host:/var/log",
            "ro:/etc/ssl/certs",
            "privileged finished",
        ] {
            found(pod, false);
        }
        check_from("pod:dev/one", "pod dev/one other - privileged", "");
    }

    #[test]
    fn a_link_in_the_logs_needs_somebody_who_reads_them() {
        let world = |role: &str, binding: &str, volume: &str| {
            format!("pod dev/one bot n1 {volume}\nrole l: {role}\nbind {binding}=l sa:dev/bot")
        };
        let node = "pod dev/one -> node n1: pod-serviceaccount, container-escape";
        check_from("pod:dev/one", &world("get pods/log", "dev/l", "host:/var/log"), node);
        check_from("pod:dev/one", &world("get pods/log one", "l", "host:/var/log"), node);
        check_from("pod:dev/one", &world("get nodes/log n1", "l", "host:/var/log"), node);
        check_from("pod:dev/one", &world("get nodes/log n2", "l", "host:/var/log"), "");
        check_from("pod:dev/one", &world("get nodes/log", "dev/l", "host:/var/log"), "");
        check_from("pod:dev/one", &world("get pods/log", "prod/l", "host:/var/log"), "");
        check_from("pod:dev/one", &world("get pods/log two", "dev/l", "host:/var/log"), "");
        check_from("pod:dev/one", &world("get pods/log", "dev/l", "ro:/var/log"), "");
    }

    #[test]
    fn a_volume_of_the_cluster_is_a_folder_as_well() {
        let world = |path: &str| format!("pod dev/one other n1 claim:data\nvolume v {path} dev/data");
        check_from("pod:dev/one", &world("/etc"), "pod dev/one -> node n1: container-escape");
        check_from("pod:dev/one", &world("/mnt/data"), "");
    }
}
