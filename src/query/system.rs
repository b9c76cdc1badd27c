//! Which subjects belong to Kubernetes itself or to the platform, so that people can look past them, or at nothing else.

use crate::graph::{AccessGraph, BindingIx, RoleIx};
use crate::model::{
    ANONYMOUS, AUTHENTICATED, CLUSTER_ADMIN, ClusterId, FileId, MASTERS, Maker, NODES, Names, RoleKind,
    SERVICE_ACCOUNTS, Subject, UNAUTHENTICATED, is_default_role_name,
};

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

/// Whether a namespace is Kubernetes' own or the platform's.
pub fn is_system_namespace(namespace: &str) -> bool {
    SYSTEM_NAMESPACES.contains(&namespace)
}

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

/// By whose doing a subject holds what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Kubernetes made every grant that it has.
    Kubernetes,
    /// Kubernetes and the platform's add-ons did.
    Platform,
    /// Somebody else gave it at least one.
    Other,
}

/// The namespace of an add-on that is the platform's only when its grants say so: everybody may install it there.
const SHARED_NAMESPACE: &str = "flux-system";

/// By whose doing a subject holds what it holds, by all its bindings that count. A label alone says nothing, since whoever may write
/// the binding can set it: a default of Kubernetes has to have its role and its subjects as well, and nothing in the role that no
/// version of Kubernetes put there; an add-on's has to be about a subject of the platform, and lie in one of the platform's
/// namespaces if it lies in any. What is in the roles of add-ons is not published, and not looked at.
pub fn standing(
    graph: &AccessGraph,
    cluster: ClusterId,
    subject: Subject,
    counts: impl Fn(BindingIx) -> bool,
) -> Standing {
    let names = &graph.snapshot().names;
    let in_platform = |namespace: &str| SYSTEM_NAMESPACES.contains(&namespace) || namespace == SHARED_NAMESPACE;
    let of_accounts = |group: &str| group.strip_prefix(SERVICE_ACCOUNTS)?.strip_prefix(':').map(in_platform);
    let of_platform = match subject {
        Subject::ServiceAccount { namespace, .. } => in_platform(names.text(namespace)),
        Subject::Group(group) => of_accounts(names.text(group)).unwrap_or_else(|| is_system(names, subject)),
        Subject::User(_) => is_system(names, subject),
    };
    let Some(id) = graph.snapshot().subjects.find(subject) else { return Standing::Other };
    let of_binding = |&at: &BindingIx| {
        let binding = graph.binding(at);
        let in_its_place = binding.namespace.is_none_or(|namespace| in_platform(graph.text(namespace)));
        let is_as_made = || graph.role_of(at).is_none_or(|role| graph.added(role).is_empty());
        if is_default_grant(graph, at, subject) && is_as_made() {
            Standing::Kubernetes
        } else if of_platform && binding.maker == Maker::AddOn && in_its_place {
            Standing::Platform
        } else {
            Standing::Other
        }
    };
    let own = graph.bindings_of(id).iter().filter(|&&at| graph.binding(at).cluster == cluster && counts(at));
    own.map(of_binding).max().unwrap_or(Standing::Other)
}

/// The group of kubeadm's bootstrap tokens.
const BOOTSTRAPPERS: &str = "system:bootstrappers:kubeadm:default-node-token";

/// The default bindings that are not named after their controller, with their roles and one of their subjects each.
const DEFAULT_GRANTS: &[(&str, &str, &str)] = &[
    (CLUSTER_ADMIN, CLUSTER_ADMIN, MASTERS),
    ("system:kube-controller-manager", "system:kube-controller-manager", "system:kube-controller-manager"),
    ("system:kube-dns", "system:kube-dns", "system:serviceaccount:kube-system:kube-dns"),
    ("system:kube-scheduler", "system:kube-scheduler", "system:kube-scheduler"),
    ("system:monitoring", "system:monitoring", "system:monitoring"),
    ("system:node-proxier", "system:node-proxier", "system:kube-proxy"),
    ("system:volume-scheduler", "system:volume-scheduler", "system:kube-scheduler"),
    (
        "system::extension-apiserver-authentication-reader",
        "extension-apiserver-authentication-reader",
        "system:kube-controller-manager",
    ),
    (
        "system::extension-apiserver-authentication-reader",
        "extension-apiserver-authentication-reader",
        "system:kube-scheduler",
    ),
    (
        "system::leader-locking-kube-controller-manager",
        "system::leader-locking-kube-controller-manager",
        "system:kube-controller-manager",
    ),
    (
        "system::leader-locking-kube-controller-manager",
        "system::leader-locking-kube-controller-manager",
        "system:serviceaccount:kube-system:kube-controller-manager",
    ),
    (
        "system::leader-locking-kube-controller-manager",
        "system::leader-locking-kube-controller-manager",
        "system:serviceaccount:kube-system:leader-election-controller",
    ),
    ("system::leader-locking-kube-scheduler", "system::leader-locking-kube-scheduler", "system:kube-scheduler"),
    (
        "system::leader-locking-kube-scheduler",
        "system::leader-locking-kube-scheduler",
        "system:serviceaccount:kube-system:kube-scheduler",
    ),
    ("kube-proxy", "kube-proxy", BOOTSTRAPPERS),
    ("kubeadm:apiserver-kubelet-client", "system:kubelet-api-admin", "kube-apiserver-kubelet-client"),
    ("kubeadm:get-nodes", "kubeadm:get-nodes", BOOTSTRAPPERS),
    ("kubeadm:kubelet-bootstrap", "system:node-bootstrapper", BOOTSTRAPPERS),
    ("kubeadm:kubelet-config", "kubeadm:kubelet-config", BOOTSTRAPPERS),
    ("kubeadm:kubelet-config", "kubeadm:kubelet-config", NODES),
    (
        "kubeadm:node-autoapprove-bootstrap",
        "system:certificates.k8s.io:certificatesigningrequests:nodeclient",
        BOOTSTRAPPERS,
    ),
    (
        "kubeadm:node-autoapprove-certificate-rotation",
        "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
        NODES,
    ),
    ("kubeadm:node-proxier", "system:node-proxier", "system:serviceaccount:kube-system:kube-proxy"),
    ("kubeadm:nodes-kubeadm-config", "kubeadm:nodes-kubeadm-config", BOOTSTRAPPERS),
    ("kubeadm:nodes-kubeadm-config", "kubeadm:nodes-kubeadm-config", NODES),
];

/// Whether a binding is one that Kubernetes, or its kubeadm, creates itself, and gives a subject what it gives it there. What is in the
/// role is not looked at.
pub fn is_default_grant(graph: &AccessGraph, at: BindingIx, subject: Subject) -> bool {
    let binding = graph.binding(at);
    let (name, role) = (graph.text(binding.name), graph.text(binding.role.name));
    let kind = if binding.namespace.is_some() { RoleKind::Role } else { RoleKind::ClusterRole };
    // kubeadm labels nothing.
    let is_marked = binding.maker == Maker::Kubernetes || name.starts_with("kubeadm:") || name == "kube-proxy";
    if !is_marked || binding.role.kind != kind {
        return false;
    }
    if let Some(namespace) = binding.namespace
        && !["kube-system", "kube-public"].contains(&graph.text(namespace))
    {
        return false;
    }
    let user = subject.request_name(&graph.snapshot().names);
    if let Some(controller) = name.strip_prefix("system:controller:") {
        let namespace = binding.namespace.map(|namespace| graph.text(namespace));
        return is_default_role_name(namespace, name)
            && role == name
            && user.strip_prefix("system:serviceaccount:kube-system:") == Some(controller);
    }
    // Up to 1.23 each minor had its own.
    let is_old = name.starts_with("kubeadm:kubelet-config-1.") && role == name;
    let (name, role) = if is_old { ("kubeadm:kubelet-config", "kubeadm:kubelet-config") } else { (name, role) };
    DEFAULT_GRANTS.iter().any(|&(binding, of, to)| binding == name && of == role && user == to)
}

/// Whether a role is one that Kubernetes creates itself, and nothing was added to it. Its name and its label must both say so: anyone
/// who may write the object can set the label.
pub fn is_default_role(graph: &AccessGraph, at: RoleIx) -> bool {
    let role = graph.role(at);
    let labelled = || {
        let bootstrapping =
            |&(key, value)| graph.text(key) == "kubernetes.io/bootstrapping" && graph.text(value) == "rbac-defaults";
        role.labels.iter().any(bootstrapping)
    };
    role.namespace.is_none()
        && is_default_role_name(None, graph.text(role.name))
        && (role.origin.file == FileId::BUILT_IN || labelled())
        && graph.added(at).is_empty()
}

/// Whether Kubernetes writes a role anew at every start, so that nothing that is taken out of it stays out, unless somebody else put it
/// there. Its name alone says so.
pub fn is_reconciled(graph: &AccessGraph, role: RoleIx) -> bool {
    let role = graph.role(role);
    let name = graph.text(role.name);
    let in_namespace = |namespace: &str| namespace == "kube-system" || namespace == "kube-public";
    match role.namespace {
        None => name.starts_with("system:") || (is_default_role_name(None, name) && !name.starts_with("kubeadm:")),
        Some(namespace) => {
            in_namespace(graph.text(namespace))
                && (name.starts_with("system:") || name == "extension-apiserver-authentication-reader")
        }
    }
}
