//! The ways of a pod to its node, as a spec that has just these.

use serde::Serialize;

use crate::model::PodPowers;

/// What gives a pod its powers, each by the shortest spec that does.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PowersOut {
    #[serde(rename = "hostPID", skip_serializing_if = "is_false")]
    host_pid: bool,
    #[serde(skip_serializing_if = "is_false")]
    host_network: bool,
    #[serde(rename = "hostIPC", skip_serializing_if = "is_false")]
    host_ipc: bool,
    #[serde(skip_serializing_if = "is_false")]
    share_process_namespace: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) containers: Vec<ContainerOut>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ContainerOut {
    #[serde(skip_serializing_if = "Option::is_none")]
    security_context: Option<SecurityOut>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    volume_mounts: Vec<MountOut>,
}

#[derive(Serialize)]
struct SecurityOut {
    #[serde(skip_serializing_if = "is_false")]
    privileged: bool,
    capabilities: CapabilitiesOut,
}

#[derive(Serialize)]
struct CapabilitiesOut {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    add: Vec<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MountOut {
    name: &'static str,
    #[serde(skip_serializing_if = "is_false")]
    read_only: bool,
}

/// Paths of the node that give one power each, and whether they are mounted for reading alone.
const HOST_PATHS: [(PodPowers, &str, bool); 6] = [
    (PodPowers::HOST_ROOT, "/etc", false),
    (PodPowers::HOST_READ, "/etc", true),
    (PodPowers::RUNTIME_SOCKET, "/run/docker.sock", false),
    (PodPowers::HOST_PROC, "/proc", false),
    (PodPowers::HOST_LOG, "/var/log", false),
    (PodPowers::HOST_OTHER, "/mnt", false),
];

const CAPABILITIES: [PodPowers; 4] =
    [PodPowers::SYS_ADMIN, PodPowers::SYS_PTRACE, PodPowers::SYS_MODULE, PodPowers::DAC_READ_SEARCH];

pub(super) fn host_paths(powers: PodPowers) -> impl Iterator<Item = (PodPowers, &'static str, bool)> {
    HOST_PATHS.into_iter().filter(move |(power, ..)| powers.contains(*power))
}

/// A folder of the node that comes with these powers when it is mounted for writing.
pub(super) fn volume_path(powers: PodPowers) -> Option<&'static str> {
    const PATHS: [(PodPowers, &str); 6] = [
        (PodPowers::HOST_ROOT.union(PodPowers::HOST_PROC), "/"),
        (PodPowers::HOST_ROOT.union(PodPowers::HOST_LOG), "/var"),
        (PodPowers::HOST_ROOT, "/etc"),
        (PodPowers::RUNTIME_SOCKET, "/run"),
        (PodPowers::HOST_PROC, "/proc"),
        (PodPowers::HOST_LOG, "/var/log"),
    ];
    let path = PATHS.into_iter().find(|&(some, _)| powers.contains(some)).map_or("/mnt", |(_, path)| path);
    (!powers.is_empty()).then_some(path)
}

impl PowersOut {
    pub(super) fn new(powers: PodPowers) -> PowersOut {
        let add = CAPABILITIES.into_iter().filter(|&power| powers.contains(power)).map(PodPowers::as_str).collect();
        let security =
            SecurityOut { privileged: powers.contains(PodPowers::PRIVILEGED), capabilities: CapabilitiesOut { add } };
        let container = ContainerOut {
            security_context: (security.privileged || !security.capabilities.add.is_empty()).then_some(security),
            volume_mounts: host_paths(powers)
                .map(|(power, _, read_only)| MountOut { name: power.as_str(), read_only })
                .collect(),
        };
        let is_bare = container.security_context.is_none() && container.volume_mounts.is_empty();
        PowersOut {
            host_pid: powers.contains(PodPowers::HOST_PID),
            host_network: powers.contains(PodPowers::HOST_NETWORK),
            host_ipc: powers.contains(PodPowers::HOST_IPC),
            share_process_namespace: powers.contains(PodPowers::SHARED_PID),
            containers: if is_bare { Vec::new() } else { vec![container] },
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_false(value: &bool) -> bool {
    !value
}
