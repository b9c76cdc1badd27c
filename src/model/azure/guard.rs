//! Azure RBAC for Kubernetes: which data actions of Azure a request to the API server needs. AKS and Arc run Guard as the last
//! authorizer, and this is its mapping (<https://github.com/kubeguard/guard>, `authz/providers/azure/rbac`;
//! <https://learn.microsoft.com/azure/aks/manage-azure-rbac>). Service accounts and other `system:` users it never answers for.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use super::facts::ClusterKind;
use crate::model::{Action, ResourceAction, ResourceTable};

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
    /// One of these readings must be allowed. Two exist for custom resources: whether Guard folds them into `customresources` is a
    /// switch of the cluster that nothing shows.
    Reads(Vec<GuardReading>),
}

/// Data actions that must be allowed, all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuardReading {
    /// What is surely asked for.
    pub actions: Vec<String>,
    /// What a `*` may stand for as well. Whether it does, nothing that is read here tells.
    pub perhaps: Vec<String>,
}

/// What the paths begin with whose GET needs no role: `/api*` and so on (`authz/providers/azure/options.go`,
/// `azure.allow-nonres-discovery-path-access`).
const DISCOVERY: [&str; 4] = ["/api", "/openapi", "/version", "/healthz"];

/// Azure's own list of the operations of a cluster, as far as they are about objects: of each group the resources, each with `read`,
/// `write` and `delete` or with what follows it; without what no cluster has served since Kubernetes 1.25. Guard looks a request up in it, as far as the cluster serves the resource, to tell custom
/// resources from others and to put a `*`. From "Azure permissions for Containers" of 2024-03-01 (Microsoft, CC BY 4.0); that of Arc is
/// the same (<https://learn.microsoft.com/azure/role-based-access-control/permissions/containers>).
const OPERATIONS: [&str; 21] = [
    ": bindings=write componentstatuses configmaps endpoints events groups=impersonate/action limitranges namespaces nodes \
     persistentvolumeclaims persistentvolumes pods=read,write,delete,exec/action podtemplates replicationcontrollers resourcequotas \
     secrets serviceaccounts=read,write,delete,impersonate/action services users=impersonate/action",
    "admissionregistration.k8s.io: mutatingwebhookconfigurations validatingwebhookconfigurations",
    "apiextensions.k8s.io: customresourcedefinitions",
    "apiregistration.k8s.io: apiservices",
    "apps: controllerrevisions daemonsets deployments replicasets statefulsets",
    "authentication.k8s.io: tokenreviews=write userextras=impersonate/action",
    "authorization.k8s.io: localsubjectaccessreviews=write selfsubjectaccessreviews=write selfsubjectrulesreviews=write \
     subjectaccessreviews=write",
    "autoscaling: horizontalpodautoscalers",
    "batch: cronjobs jobs",
    "certificates.k8s.io: certificatesigningrequests",
    "coordination.k8s.io: leases",
    "discovery.k8s.io: endpointslices",
    "events.k8s.io: events",
    "flowcontrol.apiserver.k8s.io: flowschemas prioritylevelconfigurations",
    "metrics.k8s.io: nodes=read pods=read",
    "networking.k8s.io: ingressclasses ingresses networkpolicies",
    "node.k8s.io: runtimeclasses",
    "policy: poddisruptionbudgets",
    "rbac.authorization.k8s.io: clusterrolebindings clusterroles=read,write,delete,bind/action,escalate/action rolebindings \
     roles=read,write,delete,bind/action,escalate/action",
    "scheduling.k8s.io: priorityclasses",
    "storage.k8s.io: csidrivers csinodes csistoragecapacities storageclasses volumeattachments",
];

/// The ends of data actions that a resource has if nothing else is said.
const USUAL: [&str; 3] = ["read", "write", "delete"];

/// A name that no group and no resource has.
const ANYTHING: &str = "~";

/// The data actions that a request needs; `inside` says that it goes to a namespace.
///
/// A subresource counts as its resource, but for `pods/exec`; a name counts for nothing. What Azure's list does not have is a custom
/// resource, even where it is Kubernetes' own. A `*` stands for everything of the list that the cluster serves, as Guard has it, and perhaps
/// for what is newer than the list that is known here, for custom resources, and for people who may be acted as.
pub fn guard_question(kind: ClusterKind, action: &Action, inside: bool) -> GuardQuestion {
    let prefix = guard_prefix(kind);
    let surely = |actions: Vec<String>| GuardReading { actions, perhaps: Vec::new() };
    let action = match action {
        Action::NonResource { verb, path } => {
            let folded = path.to_ascii_lowercase();
            if verb.eq_ignore_ascii_case("get") && DISCOVERY.iter().any(|start| folded.starts_with(start)) {
                return GuardQuestion::Discovery;
            }
            let path = path.split('/').filter(|part| !part.is_empty());
            let full = std::iter::once(prefix).chain(path).collect::<Vec<_>>().join("/");
            // Of a path it is asked as it stands.
            let asked = if verb == "*" { [&full, "/*"].concat() } else { ended(full, verb) };
            return GuardQuestion::Reads(vec![surely(vec![asked])]);
        }
        Action::Resource(action) => action,
    };
    let (group, resource, verb) = (action.api_group.as_str(), action.resource.as_str(), action.verb.as_str());
    if resource == "pods" && group.is_empty() && action.subresource == "exec" {
        return GuardQuestion::Reads(vec![surely(vec![[prefix, "/pods/exec/action"].concat()])]);
    }
    let listed = |own: &&Operation| own.matches(group, resource);
    if operations().iter().any(|own| listed(&own)) && [group, resource, verb].contains(&"*") {
        return GuardQuestion::Reads(vec![everything(prefix, action, inside)]);
    }
    let parts: Vec<&str> = if verb == "*" { USUAL.to_vec() } else { Verb::of(verb).part().into_iter().collect() };
    let full = path(prefix, group, resource);
    let own =
        if parts.is_empty() { vec![full] } else { parts.iter().map(|part| [&full, "/", part].concat()).collect() };
    let mut readings = vec![surely(own)];
    // Guard knows no other verbs on them.
    let custom = !group.is_empty() && !operations().iter().any(|own| listed(&own));
    if custom && !parts.is_empty() && parts.iter().all(|part| USUAL.contains(part)) {
        readings.push(surely(parts.iter().map(|part| [prefix, "/customresources/", part].concat()).collect()));
    }
    if action.subresource == "*" && resource == "pods" && group.is_empty() {
        readings.iter_mut().for_each(|one| one.actions.push([prefix, "/pods/exec/action"].concat()));
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
            "create" | "update" | "patch" => "write",
            "delete" | "deletecollection" => "delete",
            "bind" => "bind/action",
            "escalate" => "escalate/action",
            "use" => "use/action",
            "impersonate" => "impersonate/action",
            _ => return Verb::Unknown,
        })
    }

    fn part(self) -> Option<&'static str> {
        match self {
            Verb::Part(part) => Some(part),
            Verb::Unknown => None,
        }
    }
}

fn ended(path: String, verb: &str) -> String {
    match Verb::of(verb) {
        Verb::Part(part) => [&path, "/", part].concat(),
        Verb::Unknown => path,
    }
}

/// Every data action that a request with a `*` stands for.
fn everything(prefix: &str, asked: &ResourceAction, inside: bool) -> GuardReading {
    let (group, resource, verb) = (asked.api_group.as_str(), asked.resource.as_str(), asked.verb.as_str());
    let part = Verb::of(verb).part();
    let is_wanted = |one: &&&str| verb == "*" || part == Some(**one);
    let mut reading = GuardReading::default();
    for own in operations().iter().filter(|own| own.matches(group, resource)) {
        // In a namespace it is everything that lives in namespaces.
        if resource == "*" && inside && own.namespaced != Some(true) {
            continue;
        }
        let all =
            own.parts.iter().filter(is_wanted).map(|part| [&path(prefix, own.group, own.resource), "/", part].concat());
        match own.namespaced {
            Some(_) => reading.actions.extend(all),
            None => reading.perhaps.extend(all),
        }
    }
    if asked.subresource == "*" && group.is_empty() && ["*", "pods"].contains(&resource) {
        reading.actions.push([prefix, "/pods/exec/action"].concat());
    }
    let mut more: Vec<String> = newer(group, resource, inside).map(|own| path(prefix, &own.0, &own.1)).collect();
    let any = |word| if word == "*" { ANYTHING } else { word };
    let unheard = path(prefix, any(group), any(resource));
    if group == "*" {
        more.extend([unheard.clone(), path(prefix, "", "customresources")]);
    }
    let usual: Vec<&str> = USUAL.iter().filter(is_wanted).copied().collect();
    let ends = |path: &String| usual.iter().map(|part| [path, "/", part].concat()).collect::<Vec<_>>();
    reading.perhaps.extend(more.iter().flat_map(ends));
    if reading.actions.is_empty() {
        reading.actions = std::mem::take(&mut reading.perhaps);
    }
    if reading.actions.is_empty() {
        // Only a role that ends in a wildcard allows it, on anything.
        reading.actions.push(ended(unheard, verb));
    }
    reading
}

/// What Kubernetes has of a group and a resource, or of all, and Azure's list as it is known here has not.
fn newer<'a>(
    group: &'a str,
    resource: &'a str,
    inside: bool,
) -> impl Iterator<Item = &'static (String, String, bool)> + 'a {
    let is_listed = |own: &(String, String, bool)| operations().iter().any(|one| one.matches(&own.0, &own.1));
    let wanted = move |own: &&(String, String, bool)| {
        (group == "*" || group == own.0) && (resource == "*" || resource == own.1) && (!inside || own.2)
    };
    kubernetes().iter().filter(wanted).filter(move |own| !is_listed(own))
}

fn path(prefix: &str, group: &str, resource: &str) -> String {
    let parts = [prefix, group, resource];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}

/// What Azure's list has of one resource.
struct Operation {
    group: &'static str,
    resource: &'static str,
    parts: Vec<&'static str>,
    /// Whether its objects live in namespaces; none for what is no object.
    namespaced: Option<bool>,
}

impl Operation {
    fn matches(&self, group: &str, resource: &str) -> bool {
        (group == "*" || group == self.group) && (resource == "*" || resource == self.resource)
    }
}

fn operations() -> &'static [Operation] {
    static LIST: OnceLock<Vec<Operation>> = OnceLock::new();
    LIST.get_or_init(|| {
        let in_group = |line: &'static str| {
            let (group, resources) = line.split_once(": ")?;
            Some(resources.split_whitespace().map(move |word| {
                let (resource, parts) = word.split_once('=').unwrap_or((word, "read,write,delete"));
                let served = kubernetes().iter().find(|own| own.0 == group && own.1 == resource);
                // The metrics server serves both, and nodes live in no namespace.
                let metrics = (group == "metrics.k8s.io").then_some(resource == "pods");
                let namespaced = served.map(|own| own.2).or(metrics);
                Operation { group, resource, parts: parts.split(',').collect(), namespaced }
            }))
        };
        OPERATIONS.into_iter().filter_map(in_group).flatten().collect()
    })
}

/// The groups and resources that are Kubernetes' own, and whether they live in namespaces.
fn kubernetes() -> &'static BTreeSet<(String, String, bool)> {
    static OWN: OnceLock<BTreeSet<(String, String, bool)>> = OnceLock::new();
    OWN.get_or_init(|| {
        let table = ResourceTable::new(&[], false);
        // What has no kind is only asked about.
        let served = table.resources().iter().filter(|own| !own.kind.is_empty() && own.subresource.is_empty());
        served.map(|own| (own.group.clone(), own.resource.clone(), own.namespaced)).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
        readings(words, true).into_iter().map(|one| one.actions).collect()
    }

    fn readings(words: &str, inside: bool) -> Vec<GuardReading> {
        match guard_question(ClusterKind::Aks, &action(words), inside) {
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
            ("get /", "read"),
            // Guard knows no other methods, and of a path a `*` is not everything.
            ("post /api", "api"),
            ("put /metrics", "metrics"),
            ("* /metrics", "metrics/*"),
            ("get /logs/kubelet/", "logs/kubelet/read"),
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
        // What is Kubernetes' own and not in Azure's list is one as well, and what has no group never is.
        assert_eq!(
            reads("get validatingadmissionpolicies.admissionregistration.k8s.io")[1],
            [format!("{prefix}/customresources/read")]
        );
        assert_eq!(reads("get validatingwebhookconfigurations.admissionregistration.k8s.io").len(), 1);
        assert_eq!(reads("get things"), [[format!("{prefix}/things/read")]]);
        // Guard knows no other verbs on them.
        assert_eq!(reads("approve things.example.com"), [[format!("{prefix}/example.com/things")]]);
    }

    #[test]
    fn discovery_needs_no_role_and_what_only_looks_like_it_does() {
        for path in ["/api", "/apis", "/apis/apps/v1", "/openapi/v3", "/version", "/healthz", "/API"] {
            let asked = guard_question(ClusterKind::Arc, &action(&format!("get {path}")), false);
            assert_eq!(asked, GuardQuestion::Discovery, "{path}");
        }
        for path in ["/readyz", "/metrics"] {
            let asked = guard_question(ClusterKind::Arc, &action(&format!("get {path}")), false);
            assert_ne!(asked, GuardQuestion::Discovery, "{path}");
        }
    }

    #[test]
    fn a_star_is_everything_of_azures_list() {
        let has =
            |all: &[String], one: &str| all.contains(&format!("Microsoft.ContainerService/managedClusters/{one}"));
        let wide = readings("* *.*", false).remove(0);
        for one in [
            "secrets/read",
            "namespaces/write",
            "rbac.authorization.k8s.io/clusterroles/bind/action",
            "pods/exec/action",
        ] {
            assert!(has(&wide.actions, one), "{one} of {:?}", wide.actions);
        }
        // What may be there beside it, and what the list has no such operation of.
        for one in
            ["customresources/delete", "~/~/write", "users/impersonate/action", "resource.k8s.io/resourceslices/read"]
        {
            assert!(has(&wide.perhaps, one) && !has(&wide.actions, one), "{one} of {:?}", wide.perhaps);
        }
        assert!(!has(&wide.actions, "authentication.k8s.io/tokenreviews/read"), "it can only be written");
        // In a namespace what lives in no namespace is not asked for.
        let inside = readings("* *.*", true).remove(0);
        assert!(has(&inside.actions, "secrets/read") && !has(&inside.actions, "nodes/read"), "{inside:?}");
        assert!(has(&readings("* nodes", true)[0].actions, "nodes/read"), "by its name it is");
    }

    #[test]
    fn a_star_in_a_part_of_a_question_leaves_the_rest_as_it_is() {
        let ends = |words: &str| {
            let reading = readings(words, false).remove(0);
            let cut = |all: Vec<String>| -> Vec<String> {
                all.iter()
                    .map(|one| one.strip_prefix("Microsoft.ContainerService/managedClusters/").unwrap().to_owned())
                    .collect()
            };
            (cut(reading.actions), cut(reading.perhaps))
        };
        let none: Vec<String> = Vec::new();
        assert_eq!(
            ends("* secrets"),
            (["read", "write", "delete"].map(|end| format!("secrets/{end}")).to_vec(), none.clone())
        );
        assert_eq!(ends("* pods").0.last().unwrap(), "pods/exec/action");
        let of_apps = ["controllerrevisions", "daemonsets", "deployments", "replicasets", "statefulsets"];
        assert_eq!(ends("get *.apps"), (of_apps.map(|one| format!("apps/{one}/read")).to_vec(), none.clone()));
        // A verb that some have only.
        assert_eq!(ends("impersonate *").0, ["serviceaccounts/impersonate/action"]);
        assert_eq!(ends("impersonate *").1, ["groups/impersonate/action", "users/impersonate/action"]);
        assert_eq!(ends("approve *.*"), (vec!["~/~".to_owned()], none.clone()));
        // A subresource is its resource, but any of them is exec as well.
        assert_eq!(ends("get pods/*").0, ["pods/read", "pods/exec/action"]);
        assert_eq!(ends("* pods/log"), ends("* pods"));
        // Everything of a group of custom resources, both ways.
        let prefix = "Microsoft.ContainerService/managedClusters";
        assert_eq!(
            reads("get *.example.com"),
            [[format!("{prefix}/example.com/*/read")], [format!("{prefix}/customresources/read")]]
        );
        assert_eq!(reads("* things.example.com")[1].len(), 3);
    }
}
