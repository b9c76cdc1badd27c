//! What a pod's spec gives its containers beyond themselves: ways to the node that it runs on. Which of them make an escape, and
//! which only together, is the techniques' business; what sets them is `collect/powers.rs`'s.

use std::fmt;

/// A set of such ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PodPowers(u16);

impl PodPowers {
    /// A container is privileged, or a process of a Windows host.
    pub const PRIVILEGED: PodPowers = PodPowers(1);
    /// The processes of the node are seen.
    pub const HOST_PID: PodPowers = PodPowers(1 << 1);
    /// The network of the node is used.
    pub const HOST_NETWORK: PodPowers = PodPowers(1 << 2);
    /// The shared memory of the node is used.
    pub const HOST_IPC: PodPowers = PodPowers(1 << 3);
    /// The capability of this name is added to a container.
    pub const SYS_ADMIN: PodPowers = PodPowers(1 << 4);
    /// The capability of this name is added to a container.
    pub const SYS_PTRACE: PodPowers = PodPowers(1 << 5);
    /// The capability of this name is added to a container.
    pub const SYS_MODULE: PodPowers = PodPowers(1 << 6);
    /// The capability of this name is added to a container.
    pub const DAC_READ_SEARCH: PodPowers = PodPowers(1 << 7);
    /// Folders of the node are mounted for writing whose content decides what runs there as root.
    pub const HOST_ROOT: PodPowers = PodPowers(1 << 8);
    /// Folders of the node are mounted for reading that hold credentials of the node or of its other pods.
    pub const HOST_READ: PodPowers = PodPowers(1 << 9);
    /// The socket of the container runtime is mounted. Reading and writing are alike for a socket.
    pub const RUNTIME_SOCKET: PodPowers = PodPowers(1 << 10);
    /// The node's `/proc` is mounted for writing, and with it the kernel's `core_pattern`.
    pub const HOST_PROC: PodPowers = PodPowers(1 << 11);
    /// The node's logs are mounted for writing: a link put there is followed by the kubelet.
    pub const HOST_LOG: PodPowers = PodPowers(1 << 12);
    /// Another folder of the node is mounted.
    pub const HOST_OTHER: PodPowers = PodPowers(1 << 13);
    /// The containers see each other's processes.
    pub const SHARED_PID: PodPowers = PodPowers(1 << 14);

    /// No way.
    pub const NONE: PodPowers = PodPowers(0);

    /// Each one, with its name.
    const NAMED: [(PodPowers, &'static str); 15] = [
        (PodPowers::PRIVILEGED, "privileged"),
        (PodPowers::HOST_PID, "hostPID"),
        (PodPowers::HOST_NETWORK, "hostNetwork"),
        (PodPowers::HOST_IPC, "hostIPC"),
        (PodPowers::SYS_ADMIN, "SYS_ADMIN"),
        (PodPowers::SYS_PTRACE, "SYS_PTRACE"),
        (PodPowers::SYS_MODULE, "SYS_MODULE"),
        (PodPowers::DAC_READ_SEARCH, "DAC_READ_SEARCH"),
        (PodPowers::HOST_ROOT, "hostPath:root"),
        (PodPowers::HOST_READ, "hostPath:read"),
        (PodPowers::RUNTIME_SOCKET, "hostPath:runtime-socket"),
        (PodPowers::HOST_PROC, "hostPath:proc"),
        (PodPowers::HOST_LOG, "hostPath:log"),
        (PodPowers::HOST_OTHER, "hostPath:other"),
        (PodPowers::SHARED_PID, "shareProcessNamespace"),
    ];

    /// Whether all of `other` are in this.
    pub const fn contains(self, other: PodPowers) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any of `other` is in this.
    pub const fn intersects(self, other: PodPowers) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Both.
    #[must_use]
    pub const fn union(self, other: PodPowers) -> PodPowers {
        PodPowers(self.0 | other.0)
    }

    /// This without those of `other`.
    #[must_use]
    pub const fn without(self, other: PodPowers) -> PodPowers {
        PodPowers(self.0 & !other.0)
    }

    /// Adds those of `other`.
    pub fn insert(&mut self, other: PodPowers) {
        *self = self.union(other);
    }

    /// Each by itself.
    pub fn iter(self) -> impl Iterator<Item = PodPowers> {
        PodPowers::NAMED.into_iter().map(|(power, _)| power).filter(move |&power| self.contains(power))
    }

    /// The name of a single one; empty for none or several.
    pub fn as_str(self) -> &'static str {
        PodPowers::NAMED.into_iter().find(|(power, _)| *power == self).map_or("", |(_, name)| name)
    }
}

/// The names, with commas.
impl fmt::Display for PodPowers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, power) in self.iter().enumerate() {
            write!(f, "{}{}", if at > 0 { ", " } else { "" }, power.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_power_is_a_bit_with_a_name() {
        let all = PodPowers::NAMED.into_iter().fold(PodPowers::NONE, |all, (power, _)| all.union(power));
        assert_eq!(all, PodPowers((1 << PodPowers::NAMED.len()) - 1));
        assert_eq!(all.iter().count(), PodPowers::NAMED.len());
        for (power, name) in PodPowers::NAMED {
            assert_eq!((power.as_str(), power.to_string()), (name, name.to_owned()));
            assert!(all.contains(power) && !all.without(power).intersects(power));
        }
    }

    #[test]
    fn sets_are_sets() {
        let mut some = PodPowers::HOST_PID.union(PodPowers::SYS_ADMIN);
        assert!(some.contains(PodPowers::HOST_PID) && some.contains(PodPowers::NONE));
        assert!(!some.contains(PodPowers::HOST_PID.union(PodPowers::PRIVILEGED)));
        some.insert(PodPowers::PRIVILEGED);
        assert_eq!(some.to_string(), "privileged, hostPID, SYS_ADMIN");
        assert!(some.as_str().is_empty() && PodPowers::NONE.is_empty() && PodPowers::NONE.as_str().is_empty());
    }
}
