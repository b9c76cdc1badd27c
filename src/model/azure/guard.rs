//! Azure RBAC for Kubernetes: which data actions of Azure a request to the API server needs. AKS and Arc run Guard as the last
//! authorizer, and this is its mapping (<https://github.com/kubeguard/guard>, `authz/providers/azure/rbac`;
//! <https://learn.microsoft.com/azure/aks/manage-azure-rbac>). Service accounts and other `system:` users it never answers for.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use super::facts::ClusterKind;
use crate::model::{Action, ResourceTable};

/// What the data actions of a cluster begin with.
pub fn guard_prefix(kind: ClusterKind) -> &'static str {
    match kind {
        ClusterKind::Aks => "Microsoft.ContainerService/managedClusters",
        ClusterKind::Arc | ClusterKind::AzureLocal => "Microsoft.Kubernetes/connectedClusters",
    }
}

/// The scopes in which a request to a cluster, or to a namespace of it, is judged: allowed in one of them it is allowed. AKS looks at the
/// managed namespace of the same name as well (<https://github.com/kubeguard/guard>,
/// <https://learn.microsoft.com/azure/aks/managed-namespaces>).
pub fn guard_scopes(kind: ClusterKind, cluster: &str, namespace: Option<&str>) -> Vec<String> {
    match namespace {
        Some(namespace) => guard_parts(kind).iter().map(|part| [cluster, part, namespace].concat()).collect(),
        None => vec![cluster.to_owned()],
    }
}

/// What stands between the id of a cluster and a namespace in the scopes of [`guard_scopes`].
pub fn guard_parts(kind: ClusterKind) -> &'static [&'static str] {
    match kind {
        ClusterKind::Aks => &["/namespaces/", "/managedNamespaces/"],
        ClusterKind::Arc | ClusterKind::AzureLocal => &["/namespaces/"],
    }
}

/// What Azure is asked for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuardQuestion {
    /// Nothing: the request is for discovery, which everybody who logs in with Entra may do.
    Discovery,
    /// One of these readings must be allowed, and of a reading every data action. Two readings exist for custom resources: whether
    /// Guard folds them into `customresources` is a switch of the cluster that nothing shows.
    Reads(Vec<Vec<String>>),
}

/// What the paths begin with whose GET needs no role: `/api*` and so on (`authz/providers/azure/options.go`,
/// `azure.allow-nonres-discovery-path-access`).
const DISCOVERY: [&str; 4] = ["/api", "/openapi", "/version", "/healthz"];

/// The data actions that a request needs.
///
/// A subresource counts as its resource, but for `pods/exec`; a name counts for nothing. What Kubernetes itself does not have is a custom
/// resource. A `*` means everything that Kubernetes has, for Azure's own list of operations is not public.
pub fn guard_question(kind: ClusterKind, action: &Action) -> GuardQuestion {
    let prefix = guard_prefix(kind);
    let action = match action {
        Action::NonResource { verb, path } => {
            if verb == "get" && DISCOVERY.iter().any(|start| path.starts_with(start)) {
                return GuardQuestion::Discovery;
            }
            let path = path.trim_matches('/');
            return GuardQuestion::Reads(vec![vec![ended([prefix, "/", path].concat(), verb)]]);
        }
        Action::Resource(action) => action,
    };
    let (group, resource) = (action.api_group.as_str(), action.resource.as_str());
    if resource == "pods" && group.is_empty() && action.subresource == "exec" {
        return GuardQuestion::Reads(vec![vec![[prefix, "/pods/exec/action"].concat()]]);
    }
    if group == "*" || resource == "*" || action.verb == "*" {
        return GuardQuestion::Reads(vec![everything(prefix, group, resource, &action.verb)]);
    }
    let mut readings = vec![vec![ended(path(prefix, group, resource), &action.verb)]];
    let custom = !kubernetes().contains(&(group.to_owned(), resource.to_owned()));
    if let (true, Verb::Part(part @ ("read" | "write" | "delete"))) = (custom, Verb::of(&action.verb)) {
        readings.push(vec![[prefix, "/customresources/", part].concat()]);
    }
    GuardQuestion::Reads(readings)
}

/// The end of a data action for a verb.
enum Verb {
    Part(&'static str),
    /// Guard knows no end for it, so that only a role that ends in a wildcard allows it.
    Unknown,
}

impl Verb {
    fn of(verb: &str) -> Verb {
        Verb::Part(match verb {
            "get" | "list" | "watch" => "read",
            "create" | "update" | "patch" | "post" | "put" => "write",
            "delete" | "deletecollection" => "delete",
            "bind" => "bind/action",
            "escalate" => "escalate/action",
            "use" => "use/action",
            "impersonate" => "impersonate/action",
            _ => return Verb::Unknown,
        })
    }
}

fn ended(path: String, verb: &str) -> String {
    match Verb::of(verb) {
        Verb::Part(part) => [&path, "/", part].concat(),
        Verb::Unknown => path,
    }
}

/// Every data action that a request with a `*` stands for.
fn everything(prefix: &str, group: &str, resource: &str, verb: &str) -> Vec<String> {
    let wanted = |own: &&(String, String)| (group == "*" || group == own.0) && (resource == "*" || resource == own.1);
    let mut pairs: Vec<(&str, &str)> =
        kubernetes().iter().filter(wanted).map(|(group, resource)| (group.as_str(), resource.as_str())).collect();
    if pairs.is_empty() {
        pairs.push((group, resource));
    }
    let mut actions = Vec::new();
    for (group, resource) in pairs {
        let full = path(prefix, group, resource);
        if verb != "*" {
            actions.push(ended(full, verb));
            continue;
        }
        let special = match (group, resource) {
            ("", "pods") => &["exec/action"][..],
            ("", "users" | "groups" | "serviceaccounts") => &["impersonate/action"],
            ("rbac.authorization.k8s.io", "roles" | "clusterroles") => &["bind/action", "escalate/action"],
            _ => &[],
        };
        actions.extend(["read", "write", "delete"].iter().chain(special).map(|part| [&full, "/", part].concat()));
    }
    actions
}

fn path(prefix: &str, group: &str, resource: &str) -> String {
    let parts = [prefix, group, resource];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}

/// The groups and resources that are Kubernetes' own.
fn kubernetes() -> &'static BTreeSet<(String, String)> {
    static OWN: OnceLock<BTreeSet<(String, String)>> = OnceLock::new();
    OWN.get_or_init(|| {
        let table = ResourceTable::new(&[], false);
        table.resources().iter().map(|own| (own.group.clone(), own.resource.clone())).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ResourceAction;

    /// `verb resource.group/subresource`, or `verb /path`.
    fn action(words: &str) -> Action {
        let (verb, rest) = words.split_once(' ').unwrap();
        if rest.starts_with('/') {
            return Action::NonResource { verb: verb.to_owned(), path: rest.to_owned() };
        }
        let (resource, subresource) = rest.split_once('/').unwrap_or((rest, ""));
        let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
        Action::Resource(ResourceAction {
            verb: verb.to_owned(),
            api_group: group.to_owned(),
            resource: resource.to_owned(),
            subresource: subresource.to_owned(),
            namespace: "dev".to_owned(),
            name: "x".to_owned(),
            field_selector: Vec::new(),
        })
    }

    fn reads(words: &str) -> Vec<Vec<String>> {
        match guard_question(ClusterKind::Aks, &action(words)) {
            GuardQuestion::Reads(readings) => readings,
            GuardQuestion::Discovery => panic!("{words} is discovery"),
        }
    }

    /// The table of `authz/providers/azure/rbac/checkaccessreqhelper.go`.
    #[test]
    fn requests_need_the_data_actions_that_guard_asks_for() {
        for (words, expected) in [
            ("get pods", "pods/read"),
            ("list pods", "pods/read"),
            ("watch pods", "pods/read"),
            ("create pods", "pods/write"),
            ("update pods", "pods/write"),
            ("patch pods", "pods/write"),
            ("delete pods", "pods/delete"),
            ("deletecollection pods", "pods/delete"),
            ("get pods/log", "pods/read"),
            ("create pods/portforward", "pods/write"),
            ("get pods/exec", "pods/exec/action"),
            ("create pods/exec", "pods/exec/action"),
            ("create pods/eviction", "pods/write"),
            ("create serviceaccounts/token", "serviceaccounts/write"),
            ("patch deployments.apps/scale", "apps/deployments/write"),
            ("get nodes/proxy", "nodes/read"),
            (
                "update certificatesigningrequests.certificates.k8s.io/approval",
                "certificates.k8s.io/certificatesigningrequests/write",
            ),
            ("bind clusterroles.rbac.authorization.k8s.io", "rbac.authorization.k8s.io/clusterroles/bind/action"),
            ("escalate roles.rbac.authorization.k8s.io", "rbac.authorization.k8s.io/roles/escalate/action"),
            ("use podsecuritypolicies.policy", "policy/podsecuritypolicies/use/action"),
            ("impersonate users", "users/impersonate/action"),
            ("approve signers.certificates.k8s.io", "certificates.k8s.io/signers"),
            ("get /metrics", "metrics/read"),
            ("get /livez", "livez/read"),
            ("post /api", "api/write"),
        ] {
            let expected = format!("Microsoft.ContainerService/managedClusters/{expected}");
            assert_eq!(reads(words), [[expected]], "{words}");
        }
    }

    #[test]
    fn custom_resources_are_read_both_ways() {
        let prefix = "Microsoft.ContainerService/managedClusters";
        assert_eq!(
            reads("create storageaccounts.storage.azure.com"),
            [
                [format!("{prefix}/storage.azure.com/storageaccounts/write")],
                [format!("{prefix}/customresources/write")]
            ]
        );
        // Guard knows no other verbs on them.
        assert_eq!(reads("approve things.example.com"), [[format!("{prefix}/example.com/things")]]);
    }

    #[test]
    fn discovery_needs_no_role_and_what_only_looks_like_it_does() {
        for path in ["/api", "/apis", "/apis/apps/v1", "/openapi/v3", "/version", "/healthz"] {
            let asked = guard_question(ClusterKind::Arc, &action(&format!("get {path}")));
            assert_eq!(asked, GuardQuestion::Discovery, "{path}");
        }
        for path in ["/readyz", "/metrics"] {
            let asked = guard_question(ClusterKind::Arc, &action(&format!("get {path}")));
            assert_ne!(asked, GuardQuestion::Discovery, "{path}");
        }
    }

    #[test]
    fn a_star_is_everything_that_is_known() {
        let all = reads("* *.*").remove(0);
        for one in [
            "secrets/read",
            "namespaces/write",
            "rbac.authorization.k8s.io/clusterroles/bind/action",
            "pods/exec/action",
        ] {
            let full = format!("Microsoft.ContainerService/managedClusters/{one}");
            assert!(all.contains(&full), "{one} of {}", all.len());
        }
        let of_one = reads("* things.example.com").remove(0);
        assert_eq!(of_one.len(), 3, "{of_one:?}");
        let read = reads("get *.apps").remove(0);
        assert!(read.iter().all(|one| one.ends_with("/read") && one.contains("/apps/")), "{read:?}");
        assert!(read.len() > 3, "{read:?}");
    }
}
