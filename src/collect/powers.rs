//! The ways to its node that a pod's spec opens. A volume counts only where a container mounts it, and a container only while it
//! runs beside the others: init containers that are no sidecars are gone.

use serde::Deserialize;

use super::pods::{PodSpec, PodVolume};
use super::shape::{Text, list};
use crate::model::PodPowers;

/// A container's `securityContext`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
pub(super) struct ContainerSecurity<'a> {
    privileged: Option<bool>,
    capabilities: Option<Capabilities<'a>>,
    windows_options: Option<WindowsOptions>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound = "'de: 'a")]
struct Capabilities<'a> {
    #[serde(deserialize_with = "list")]
    add: Vec<Text<'a>>,
}

/// A pod's `securityContext`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PodSecurity {
    windows_options: Option<WindowsOptions>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WindowsOptions {
    host_process: Option<bool>,
}

/// Where a container sees a volume.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
pub(super) struct VolumeMount<'a> {
    name: Option<Text<'a>>,
    read_only: Option<bool>,
    sub_path: Option<Text<'a>>,
}

/// A folder or file of the node.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound = "'de: 'a")]
pub(super) struct HostPath<'a> {
    path: Option<Text<'a>>,
}

/// The capabilities that are told apart.
const CAPABILITIES: [(&str, PodPowers); 4] = [
    ("SYS_ADMIN", PodPowers::SYS_ADMIN),
    ("SYS_PTRACE", PodPowers::SYS_PTRACE),
    ("SYS_MODULE", PodPowers::SYS_MODULE),
    ("DAC_READ_SEARCH", PodPowers::DAC_READ_SEARCH),
];

/// The ways of a pod.
pub(super) fn powers(spec: &PodSpec<'_>) -> PodPowers {
    let mut powers = PodPowers::NONE;
    for (set, power) in [
        (spec.host_pid, PodPowers::HOST_PID),
        (spec.host_network, PodPowers::HOST_NETWORK),
        (spec.host_ipc, PodPowers::HOST_IPC),
        (spec.share_process_namespace, PodPowers::SHARED_PID),
    ] {
        if set == Some(true) {
            powers.insert(power);
        }
    }
    let host_process = |options: Option<&WindowsOptions>| options.is_some_and(|at| at.host_process == Some(true));
    if host_process(spec.security_context.as_ref().and_then(|at| at.windows_options.as_ref())) {
        powers.insert(PodPowers::PRIVILEGED);
    }
    for container in spec.running() {
        if let Some(security) = &container.security_context {
            // The root of a user namespace of its own is nobody on the node (KEP-127), though volumes are still root's.
            if spec.host_users != Some(false) {
                powers.insert(of_container(security));
            }
            if host_process(security.windows_options.as_ref()) {
                powers.insert(PodPowers::PRIVILEGED);
            }
        }
        for mount in &container.volume_mounts {
            let volume = spec.volumes.iter().find(|volume| volume.name == mount.name);
            powers.insert(volume.map_or(PodPowers::NONE, |volume| of_mount(volume, mount)));
        }
    }
    powers
}

fn of_container(security: &ContainerSecurity<'_>) -> PodPowers {
    let mut powers = PodPowers::NONE;
    if security.privileged == Some(true) {
        powers.insert(PodPowers::PRIVILEGED);
    }
    for added in security.capabilities.iter().flat_map(|capabilities| &capabilities.add) {
        // Container runtimes take any case, and the prefix that the kernel's own names have.
        let added = added.to_ascii_uppercase();
        let added = added.strip_prefix("CAP_").unwrap_or(&added);
        for (name, power) in CAPABILITIES {
            if added == name || added == "ALL" {
                powers.insert(power);
            }
        }
    }
    powers
}

fn of_mount(volume: &PodVolume<'_>, mount: &VolumeMount<'_>) -> PodPowers {
    let Some(host) = &volume.host_path else { return PodPowers::NONE };
    let [folder, below] = [&host.path, &mount.sub_path].map(|text| text.as_deref().unwrap_or_default());
    of_path(&[folder, "/", below].concat(), mount.read_only == Some(true))
}

/// What comes with a volume of the cluster that is a folder of a node.
pub(super) fn of_volume(folder: &HostPath<'_>) -> PodPowers {
    of_path(folder.path.as_deref().unwrap_or_default(), false)
}

/// Sockets of container runtimes.
const SOCKETS: [&str; 7] = [
    "/run/docker.sock",
    "/run/dockershim.sock",
    "/run/cri-dockerd.sock",
    "/run/containerd/containerd.sock",
    "/run/k3s/containerd/containerd.sock",
    "/run/crio/crio.sock",
    "/run/podman/podman.sock",
];

/// The names of such sockets wherever they lie.
const SOCKET_NAMES: [&str; 5] = ["docker.sock", "dockershim.sock", "cri-dockerd.sock", "containerd.sock", "crio.sock"];

/// What holds credentials of the node, of its pods, or of the whole cluster.
const CREDENTIALS: [&str; 9] = [
    "/etc/kubernetes",
    "/etc/rancher",
    "/root",
    "/home",
    "/var/lib/etcd",
    "/var/lib/kubelet/kubeconfig",
    "/var/lib/kubelet/pki",
    "/var/lib/kubelet/pods",
    "/var/lib/rancher",
];

/// What root of the node runs, or takes orders from.
const ORDERS: [&str; 25] = [
    "/bin",
    "/boot",
    "/etc/cron.d",
    "/etc/cron.daily",
    "/etc/crontab",
    "/etc/kubernetes",
    "/etc/ld.so.preload",
    "/etc/passwd",
    "/etc/pam.d",
    "/etc/profile.d",
    "/etc/shadow",
    "/etc/ssh",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/systemd",
    "/lib/systemd",
    "/opt/cni/bin",
    "/sbin",
    "/usr/bin",
    "/usr/lib/systemd",
    "/usr/local/bin",
    "/usr/sbin",
    "/var/lib/containerd",
    "/var/lib/docker",
    "/var/spool/cron",
];

const CORE_PATTERN: &str = "/proc/sys/kernel/core_pattern";
const LOGS: [&str; 2] = ["/var/log/pods", "/var/log/containers"];

/// What comes with a folder or file of the node.
fn of_path(path: &str, read_only: bool) -> PodPowers {
    let path = plain(path);
    let mut powers = PodPowers::NONE;
    let holds = |places: &[&str]| places.iter().any(|place| is_within(place, &path));
    let meets = |places: &[&str]| places.iter().any(|place| is_within(place, &path) || is_within(&path, place));
    let socket_name = path.rsplit('/').next().is_some_and(|name| SOCKET_NAMES.contains(&name));
    if holds(&SOCKETS) || socket_name {
        powers.insert(PodPowers::RUNTIME_SOCKET);
    }
    if read_only {
        if meets(&CREDENTIALS) {
            powers.insert(PodPowers::HOST_READ);
        }
    } else {
        if meets(&CREDENTIALS) || meets(&ORDERS) {
            powers.insert(PodPowers::HOST_ROOT);
        }
        if is_within(CORE_PATTERN, &path) {
            powers.insert(PodPowers::HOST_PROC);
        }
        if meets(&LOGS) {
            powers.insert(PodPowers::HOST_LOG);
        }
    }
    if powers.is_empty() { PodPowers::HOST_OTHER } else { powers }
}

/// Whether a place is a folder or lies in it. The root is the empty text.
fn is_within(place: &str, folder: &str) -> bool {
    place.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A path without detours, and without the link that `/var/run` is.
fn plain(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            other => parts.push(other),
        }
    }
    if parts.starts_with(&["var", "run"]) {
        parts.remove(0);
    }
    parts.iter().flat_map(|part| ["/", part]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_the_node_gives() {
        for (path, writing, reading) in [
            (
                "/",
                "hostPath:root, hostPath:runtime-socket, hostPath:proc, hostPath:log",
                "hostPath:read, hostPath:runtime-socket",
            ),
            (
                "",
                "hostPath:root, hostPath:runtime-socket, hostPath:proc, hostPath:log",
                "hostPath:read, hostPath:runtime-socket",
            ),
            ("/etc", "hostPath:root", "hostPath:read"),
            ("/etc/kubernetes/manifests", "hostPath:root", "hostPath:read"),
            ("//etc/./ssl/../kubernetes/", "hostPath:root", "hostPath:read"),
            ("/etc/ssl/certs", "hostPath:other", "hostPath:other"),
            ("/etc/kubernetes-zoneinfo", "hostPath:other", "hostPath:other"),
            ("/root/.ssh", "hostPath:root", "hostPath:read"),
            ("/var", "hostPath:root, hostPath:log", "hostPath:read"),
            ("/var/log", "hostPath:log", "hostPath:other"),
            ("/var/log/pods/x", "hostPath:log", "hostPath:other"),
            ("/var/log/app", "hostPath:other", "hostPath:other"),
            ("/var/lib/kubelet", "hostPath:root", "hostPath:read"),
            ("/var/lib/kubelet/plugins/csi", "hostPath:other", "hostPath:other"),
            ("/var/lib/kubelet/device-plugins", "hostPath:other", "hostPath:other"),
            ("/usr/bin", "hostPath:root", "hostPath:other"),
            ("/opt", "hostPath:root", "hostPath:other"),
            ("/proc", "hostPath:proc", "hostPath:other"),
            ("/proc/sys/kernel", "hostPath:proc", "hostPath:other"),
            ("/proc/sys/net", "hostPath:other", "hostPath:other"),
            ("/var/run/docker.sock", "hostPath:runtime-socket", "hostPath:runtime-socket"),
            ("/run", "hostPath:runtime-socket", "hostPath:runtime-socket"),
            ("/var/run/containerd", "hostPath:runtime-socket", "hostPath:runtime-socket"),
            ("/snap/microk8s/run/containerd.sock", "hostPath:runtime-socket", "hostPath:runtime-socket"),
            ("/var/run/secrets", "hostPath:other", "hostPath:other"),
            ("/mnt/data", "hostPath:other", "hostPath:other"),
        ] {
            assert_eq!([false, true].map(|only| of_path(path, only).to_string()), [writing, reading], "{path}");
        }
    }

    #[test]
    fn a_pod_has_the_powers() {
        for (spec, expected) in [
            ("{}", ""),
            (
                r#"{"hostPID": true, "hostIPC": true, "hostNetwork": true, "shareProcessNamespace": true}"#,
                "hostPID, hostNetwork, hostIPC, shareProcessNamespace",
            ),
            (r#"{"hostPID": false, "hostIPC": null}"#, ""),
            (r#"{"containers": [{"securityContext": {"privileged": true}}]}"#, "privileged"),
            (r#"{"containers": [{"securityContext": {"privileged": null, "capabilities": {"add": null}}}]}"#, ""),
            (r#"{"ephemeralContainers": [{"securityContext": {"privileged": true}}]}"#, "privileged"),
            (r#"{"initContainers": [{"securityContext": {"privileged": true}}]}"#, ""),
            (
                r#"{"initContainers": [{"restartPolicy": "Always", "securityContext": {"privileged": true}}]}"#,
                "privileged",
            ),
            (r#"{"hostUsers": false, "containers": [{"securityContext": {"privileged": true}}]}"#, ""),
            (r#"{"securityContext": {"windowsOptions": {"hostProcess": true}}}"#, "privileged"),
            (r#"{"containers": [{"securityContext": {"windowsOptions": {"hostProcess": true}}}]}"#, "privileged"),
            (
                r#"{"containers": [{"securityContext": {"capabilities": {"add": ["NET_ADMIN", "cap_sys_admin"], "drop": ["ALL"]}}},
                {"securityContext": {"capabilities": {"add": ["SYS_PTRACE"]}}}]}"#,
                "SYS_ADMIN, SYS_PTRACE",
            ),
            (
                r#"{"containers": [{"securityContext": {"capabilities": {"add": ["all"]}}}]}"#,
                "SYS_ADMIN, SYS_PTRACE, SYS_MODULE, DAC_READ_SEARCH",
            ),
            (r#"{"volumes": [{"name": "v", "hostPath": {"path": "/"}}], "containers": [{}]}"#, ""),
            (
                r#"{"volumes": [{"name": "v", "hostPath": {"path": "/etc"}}],
                "containers": [{"volumeMounts": [{"name": "v", "readOnly": true}]}]}"#,
                "hostPath:read",
            ),
            (
                r#"{"volumes": [{"name": "v", "hostPath": {"path": "/etc"}}], "containers": [
                {"volumeMounts": [{"name": "v", "readOnly": true}]}, {"volumeMounts": [{"name": "v"}]}]}"#,
                "hostPath:root, hostPath:read",
            ),
            (
                r#"{"volumes": [{"name": "v", "hostPath": {"path": "/etc"}}],
                "containers": [{"volumeMounts": [{"name": "v", "subPath": "ssl/certs"}, {"name": "w"}]}]}"#,
                "hostPath:other",
            ),
            (r#"{"volumes": [{"name": "v", "emptyDir": {}}], "containers": [{"volumeMounts": [{"name": "v"}]}]}"#, ""),
        ] {
            assert_eq!(powers(&serde_json::from_str(spec).unwrap()).to_string(), expected, "{spec}");
        }
    }
}
