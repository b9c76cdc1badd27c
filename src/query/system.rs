//! Which subjects belong to Kubernetes itself or to the platform, so that people can look past them, or at nothing else.

use super::identity::{ANONYMOUS, AUTHENTICATED, SERVICE_ACCOUNTS, UNAUTHENTICATED};
use crate::model::{Names, Subject};

/// What to do with system subjects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SystemFilter {
    /// Show them with the others.
    #[default]
    Show,
    /// Leave them out, and count them.
    Hide,
    /// Show nothing else.
    Only,
}

/// Namespaces whose accounts are the platform's: Kubernetes' own, and those that AKS and Arc bring.
const SYSTEM_NAMESPACES: [&str; 8] = [
    "kube-system",
    "kube-public",
    "kube-node-lease",
    "gatekeeper-system",
    "calico-system",
    "tigera-operator",
    "azure-arc",
    "azure-arc-release",
];

/// Whether a subject is Kubernetes' own or the platform's. The groups of everybody and of all accounts are not: they hold people.
pub fn is_system(names: &Names, subject: Subject) -> bool {
    match subject {
        Subject::ServiceAccount { namespace, .. } => SYSTEM_NAMESPACES.contains(&names.text(namespace)),
        Subject::User(name) => {
            let name = names.text(name);
            name.starts_with("system:") && name != ANONYMOUS
        }
        Subject::Group(name) => {
            let name = names.text(name);
            let everybody = [AUTHENTICATED, UNAUTHENTICATED, SERVICE_ACCOUNTS].contains(&name);
            match name.strip_prefix("system:serviceaccounts:") {
                Some(namespace) => SYSTEM_NAMESPACES.contains(&namespace),
                None => name.starts_with("system:") && !everybody,
            }
        }
    }
}
