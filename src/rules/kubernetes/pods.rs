//! What running pods lead to, and what Pod Security lets into a namespace: what several techniques look at.

use crate::graph::AccessGraph;
use crate::model::{ClusterId, Name, Pod, PodPowers, PodRefsId, Subject};
use crate::rules::attack::{Attack, Fact, Place, PodIx, SecretIx};
use crate::rules::technique::Blocker;

use super::container_escape;

/// What whoever creates pods or what makes them of any template does.
pub(super) const NEW_PODS: &str = "new pods";

/// What whoever runs commands in every pod of a place does.
pub(super) const SHELLS: &str = "shells in pods";

/// What whoever changes every pod of a place does.
pub(super) const CHANGES: &str = "changes of pods";

/// What a shell in a pod leads to. Two pods that give the same are as good as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::rules) struct Gives {
    account: Option<Subject>,
    secrets: Option<PodRefsId>,
    node: Option<Name>,
    /// Whether others than the API server accept the token.
    trusted: bool,
}

impl Gives {
    /// Whether it leads nowhere.
    pub(in crate::rules) fn is_empty(self) -> bool {
        self.account.is_none() && !self.is_more()
    }

    /// Whether it leads to more than what is granted to the account.
    pub(in crate::rules) fn is_more(self) -> bool {
        self.secrets.is_some() || self.node.is_some() || self.trusted
    }

    /// The account whose token lies in it, where that is somebody.
    pub(in crate::rules) fn account(self) -> Option<Subject> {
        self.account
    }

    /// The account, where it leads to nothing else.
    pub(in crate::rules) fn only_account(self) -> Option<Subject> {
        self.account.filter(|_| !self.is_more())
    }
}

/// What a shell in a pod leads to.
pub(in crate::rules) fn gives(attack: &Attack<'_>, at: PodIx) -> Gives {
    let pod = attack.pod(at);
    let account = token_account(attack, pod).filter(|&account| attack.is_somebody(account));
    Gives {
        account,
        trusted: account.is_some_and(|account| attack.is_trusted(account)),
        secrets: Some(pod.refs).filter(|_| !secrets_in(attack, pod).is_empty()),
        node: pod.node.filter(|_| container_escape::is_way_out(powers(attack, pod))),
    }
}

/// The running pods of which a fact is any one: those of a node, those of a namespace, all or those that may be changed.
pub(in crate::rules) fn pods_of(attack: &Attack<'_>, fact: Fact) -> Vec<PodIx> {
    match fact {
        Fact::Pods(Place::Namespace(namespace)) => attack.pods_in(namespace),
        Fact::Changes(Place::Namespace(namespace)) => {
            let mut pods = attack.pods_in(namespace);
            pods.retain(|&pod| refuses_change(attack, pod).is_none());
            pods
        }
        Fact::PodsOn(node) => {
            let pods = attack.bound_to(node).iter().copied();
            pods.filter(|&pod| !attack.pod(pod).finished).collect()
        }
        _ => Vec::new(),
    }
}

/// The accounts of pods that are good for nothing else.
pub(super) fn accounts(attack: &Attack<'_>, pods: &[PodIx]) -> Vec<Subject> {
    let mut accounts: Vec<Subject> = pods.iter().filter_map(|&at| attack.gives(at).only_account()).collect();
    accounts.sort_unstable();
    accounts.dedup();
    told_apart(attack, &mut accounts);
    accounts
}

/// Leaves of sorted accounts that no binding names the first of each namespace: what they have is their groups'.
pub(super) fn told_apart(attack: &Attack<'_>, accounts: &mut Vec<Subject>) {
    let mut known = None;
    accounts.retain(|&account| {
        let namespace = account.namespace();
        !attack.is_thrifty() || attack.is_named(account) || known.replace(namespace) != Some(namespace)
    });
}

/// The account whose token lies in a pod.
pub(super) fn token_account(attack: &Attack<'_>, pod: &Pod) -> Option<Subject> {
    let account = account(attack, pod)?;
    let own = attack.account(account).and_then(|account| account.automount);
    // In a cluster the token is a volume; a manifest does not have it yet.
    let mounted = pod.token || pod.automount.or(own).unwrap_or(true);
    mounted.then_some(account)
}

/// The account that a pod runs as. Static pods have none, and manifests may leave it to admission.
pub(super) fn account(attack: &Attack<'_>, pod: &Pod) -> Option<Subject> {
    let default = || attack.graph.snapshot().names.find("default");
    let name = pod.service_account.or_else(default).filter(|_| !pod.mirror)?;
    Some(Subject::ServiceAccount { namespace: pod.namespace, name })
}

/// Secrets that the containers of a pod see and that are good for something. Pull secrets are only the kubelet's.
pub(super) fn secrets_in(attack: &Attack<'_>, pod: &Pod) -> Vec<SecretIx> {
    let refs = attack.graph.snapshot().pod_refs.get(pod.refs);
    let found = refs.secrets.iter().flat_map(|&name| attack.secrets_in(pod.namespace, Some(name)));
    let is_pull = |at: SecretIx| attack.graph.text(attack.secret(at).kind).starts_with("kubernetes.io/dockerc");
    found.filter(|&at| attack.is_of_use(at) && !is_pull(at)).collect()
}

/// The ways to the node that a pod has, those of its volumes included.
pub(super) fn powers(attack: &Attack<'_>, pod: &Pod) -> PodPowers {
    let claims = attack.graph.snapshot().pod_refs.get(pod.refs).claims;
    claims.iter().fold(pod.powers, |powers, &claim| powers.union(attack.folder_behind(pod.namespace, claim)))
}

/// What Pod Security says to a change of a pod that is there: the whole pod is judged again.
pub(in crate::rules) fn refuses_change(attack: &Attack<'_>, at: PodIx) -> Option<Refusal> {
    let pod = attack.pod(at);
    if pod.mirror {
        return Some(Refusal::Static);
    }
    if pod.powers.without(PodPowers::SHARED_PID).is_empty() {
        return None;
    }
    let blockers = attack.pod_security(pod.namespace);
    blockers.iter().find(|blocker| blocker.stops).cloned().map(Refusal::PodSecurity)
}

/// Why a pod cannot be changed.
pub(in crate::rules) enum Refusal {
    /// The kubelet takes it from a file.
    Static,
    /// The pod is more than its namespace admits by now.
    PodSecurity(Blocker),
}

/// What might stop a pod that is more than `baseline` in a namespace, or does.
pub(in crate::rules) fn blockers(graph: &AccessGraph, cluster: ClusterId, namespace: Name) -> Vec<Blocker> {
    let name = graph.text(namespace);
    let (what, stops) = match enforced(graph, cluster, namespace) {
        Level::Set("privileged") => return Vec::new(),
        Level::Set(level @ ("baseline" | "restricted")) => (format!("namespace {name} enforces `{level}`"), true),
        Level::Set(level) => (format!("namespace {name} enforces `{level}`, which is no level that is known"), false),
        Level::Unset => {
            (format!("namespace {name} has no level of its own, and the cluster's default is not visible"), false)
        }
        Level::Unread => (format!("namespace {name} is not in the input, and what it enforces is not visible"), false),
    };
    vec![Blocker { what: format!("Pod Security: {what}"), stops }]
}

/// What a namespace says of Pod Security.
enum Level<'g> {
    Set(&'g str),
    Unset,
    Unread,
}

fn enforced(graph: &AccessGraph, cluster: ClusterId, namespace: Name) -> Level<'_> {
    let namespaces = &graph.snapshot().namespaces;
    let Ok(at) = namespaces.binary_search_by_key(&(cluster, namespace), |own| (own.cluster, own.name)) else {
        return Level::Unread;
    };
    let mut labels = namespaces[at].labels.iter();
    let label = labels.find(|(key, _)| graph.text(*key) == "pod-security.kubernetes.io/enforce");
    label.map_or(Level::Unset, |&(_, level)| Level::Set(graph.text(level)))
}
