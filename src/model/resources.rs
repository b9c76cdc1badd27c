//! Which resources exist and how they are written: plural, singular, kind, short name, `deployments.apps`, `deploy/scale`.
//! Resolution only decides what is asked; the answer is always RBAC's literal one.

use std::collections::BTreeSet;

/// A resource or a subresource that an API server serves.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiResource {
    /// The API group; empty for the core group. For a subresource it is the parent's, which is what RBAC looks at
    /// (discovery names another one for `pods/eviction` or `*/scale`).
    pub group: String,
    /// The plural name.
    pub resource: String,
    /// The subresource, or empty.
    pub subresource: String,
    /// The preferred version.
    pub version: String,
    /// The kind.
    pub kind: String,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// The verbs it serves.
    pub verbs: Vec<String>,
    /// The singular name.
    pub singular: String,
    /// Short names, such as `deploy`.
    pub short_names: Vec<String>,
}

/// What a word means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// The API group.
    pub group: String,
    /// The plural name, or the word itself when nothing is known by it.
    pub resource: String,
    /// The subresource, or empty.
    pub subresource: String,
    /// What stood after the slash when it is no subresource.
    pub name: Option<String>,
    /// Whether its objects live in namespaces; none when nothing is known.
    pub namespaced: Option<bool>,
    /// What a person should know before believing the answer, each one line.
    pub hints: Vec<String>,
    /// What looks like a mistake, each one line.
    pub warnings: Vec<String>,
}

/// The resources that a question can be about.
pub struct ResourceTable {
    resources: Vec<ApiResource>,
}

/// Dumped from the discovery of kube-apiserver 1.36.3, with every API version turned on.
const BUILT_IN: &str = include_str!("resources.tsv");

/// What the 1.36 server of the table does not list and the API of 1.37 has, behind a feature gate or by default, in the table's own
/// columns (the API types of k8s-openapi 0.29 for 1.37).
const ADDED_IN_1_37: &str = "\
certificates.k8s.io\tv1\tclustertrustbundles\tClusterTrustBundle\tfalse\t@\tclustertrustbundle
certificates.k8s.io\tv1\tpodcertificaterequests\tPodCertificateRequest\ttrue\t@\tpodcertificaterequest
certificates.k8s.io\tv1\tpodcertificaterequests/status\tPodCertificateRequest\ttrue\tget,patch,update\t
lifecycle.k8s.io\tv1alpha1\tevictionrequests\tEvictionRequest\ttrue\t@\tevictionrequest
lifecycle.k8s.io\tv1alpha1\tevictions\tEviction\ttrue\t@\teviction
scheduling.k8s.io\tv1alpha3\tcompositepodgroups\tCompositePodGroup\ttrue\t@\tcompositepodgroup
scheduling.k8s.io\tv1beta1\tpodgroups\tPodGroup\ttrue\t@\tpodgroup
scheduling.k8s.io\tv1beta1\tworkloads\tWorkload\ttrue\t@\tworkload
storagemigration.k8s.io\tv1\tstorageversionmigrations\tStorageVersionMigration\tfalse\t@\tstorageversionmigration
";

/// Resources that the authorizers ask about and discovery never lists, with the verbs that count on them.
/// Sources: kubernetes.io docs "User impersonation" and KEP-5284 (users, groups, uids, userextras, and nodes and
/// serviceaccounts in authentication.k8s.io), "Certificate signing requests" (signers), KEP-5018 (resourceclaims/binding,
/// resourceclaims/driver), endpoint admission (endpoints/restricted), "Kubelet authorization" and KEP-2862 (nodes/*).
/// `finalizers` of every resource is one too (admission plugin OwnerReferencesPermissionEnforcement).
const SYNTHETIC: &[(&str, &str, &str, bool, &str)] = &[
    ("", "users", "", false, "impersonate"),
    ("", "groups", "", false, "impersonate"),
    ("", "endpoints", "restricted", true, "create"),
    ("authentication.k8s.io", "uids", "", false, "impersonate"),
    ("authentication.k8s.io", "userextras", "", false, "impersonate"),
    ("authentication.k8s.io", "userextras", "*", false, "impersonate"),
    ("authentication.k8s.io", "users", "", false, "impersonate:user-info"),
    ("authentication.k8s.io", "groups", "", false, "impersonate:user-info"),
    ("authentication.k8s.io", "nodes", "", false, "impersonate:arbitrary-node,impersonate:associated-node"),
    ("authentication.k8s.io", "serviceaccounts", "", true, "impersonate:serviceaccount"),
    ("certificates.k8s.io", "signers", "", false, "approve,sign,attest"),
    ("certificates.k8s.io", "certificatesigningrequests", "nodeclient", false, "create"),
    ("certificates.k8s.io", "certificatesigningrequests", "selfnodeclient", false, "create"),
    ("", "nodes", "checkpoint", false, KUBELET_VERBS),
    ("", "nodes", "configz", false, KUBELET_VERBS),
    ("", "nodes", "healthz", false, KUBELET_VERBS),
    ("", "nodes", "log", false, KUBELET_VERBS),
    ("", "nodes", "metrics", false, KUBELET_VERBS),
    ("", "nodes", "pods", false, KUBELET_VERBS),
    ("", "nodes", "stats", false, KUBELET_VERBS),
    ("", "nodes", "statusz", false, KUBELET_VERBS),
    ("resource.k8s.io", "resourceclaims", "binding", false, "update,patch"),
    ("resource.k8s.io", "resourceclaims", "driver", true, ""),
];

/// The kubelet asks with the verb of the HTTP method.
const KUBELET_VERBS: &str = "get,create,update,patch,delete";

/// Verbs that no resource serves and an authorizer asks for nevertheless; one that ends in `:` is a prefix.
const SYNTHETIC_VERBS: &[&str] = &[
    "*",
    "approve",
    "arbitrary-node:",
    "associated-node:",
    "attest",
    "bind",
    "escalate",
    "impersonate",
    "impersonate-on:",
    "impersonate:",
    "sign",
    "use",
    "use-managed-identity",
];

const SERVED_VERBS: &[&str] = &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

const HTTP_VERBS: &[&str] = &["get", "post", "put", "patch", "delete", "head", "options", "*"];

impl ResourceTable {
    /// The table for an input. `served` is what the input says of resources (discovery, CRDs); unless it is the whole
    /// discovery of a server, what a Kubernetes 1.36 serves is added.
    pub fn new(served: &[ApiResource], whole_discovery: bool) -> ResourceTable {
        let mut resources: Vec<ApiResource> = SYNTHETIC
            .iter()
            .map(|&(group, resource, subresource, namespaced, verbs)| ApiResource {
                group: group.to_owned(),
                resource: resource.to_owned(),
                subresource: subresource.to_owned(),
                namespaced,
                verbs: words(verbs),
                ..ApiResource::default()
            })
            .collect();
        if !whole_discovery {
            resources.extend(built_in());
        }
        resources.extend_from_slice(served);
        ResourceTable { resources }
    }

    /// The verbs that authorizers are known to ask for, without those that are only the beginning of one.
    pub fn verbs() -> impl Iterator<Item = &'static str> {
        SERVED_VERBS.iter().chain(SYNTHETIC_VERBS.iter().filter(|verb| !verb.ends_with(':'))).copied()
    }

    /// The HTTP methods that authorizers ask for on paths.
    pub fn path_verbs() -> impl Iterator<Item = &'static str> {
        HTTP_VERBS.iter().copied()
    }

    /// Every resource of the table.
    pub fn resources(&self) -> &[ApiResource] {
        &self.resources
    }

    /// What `RESOURCE`, `RESOURCE.GROUP`, `RESOURCE.VERSION.GROUP`, each with `/SUBRESOURCE` or `/NAME`, means for a verb.
    ///
    /// A bare word means a core or virtual resource before any other of the same name. A known subresource wins over a name.
    pub fn resolve(&self, verb: &str, word: &str) -> Resolved {
        let (head, tail) = match word.split_once('/') {
            Some((head, tail)) => (head, Some(tail)),
            None => (word, None),
        };
        let lower = head.to_lowercase();
        let mut found = match self.find(verb, &lower) {
            Some((resource, others)) => {
                let mut hints = Vec::new();
                if !others.is_empty() {
                    let meant = match resource.group.as_str() {
                        "" => "the one of the core group".to_owned(),
                        group => place(&resource.resource, group),
                    };
                    let others = others.into_iter().collect::<Vec<_>>().join(" or ");
                    hints.push(format!("`{head}` means {meant}; for another one write {others}"));
                }
                Resolved {
                    group: resource.group.clone(),
                    resource: resource.resource.clone(),
                    namespaced: Some(resource.namespaced),
                    hints,
                    ..Resolved::default()
                }
            }
            None => self.literal(head, &lower),
        };
        if let Some(tail) = tail {
            let known = self.subresource(&found, tail);
            if let Some(known) = known {
                found.namespaced = Some(known.namespaced);
                found.subresource = tail.to_owned();
                found.hints.push(format!(
                    "`{tail}` is the subresource {}/{tail}; for an object of that name write `{head} {tail}`",
                    found.resource
                ));
            } else {
                found.name = Some(tail.to_owned());
                // The word is a subresource somewhere, so it may have been meant as one here.
                if found.namespaced.is_none() || self.resources.iter().any(|at| at.subresource == tail) {
                    found.hints.push(format!(
                        "`{tail}` is taken as the name of an object; for a subresource use --subresource={tail}"
                    ));
                }
            }
        }
        found
    }

    /// Whether a resource, or with `subresource` that one of it, is known, and what of it.
    pub fn known(&self, group: &str, resource: &str, subresource: &str) -> Option<&ApiResource> {
        let subresource = if subresource == "finalizers" { "" } else { subresource };
        self.resources.iter().find(|at| at.group == group && at.resource == resource && at.subresource == subresource)
    }

    /// The warning that an unusual verb deserves.
    pub fn verb_warning(&self, verb: &str, resolved: &Resolved) -> Option<String> {
        let asked_by_an_authorizer = |known: &str| verb == known || (known.ends_with(':') && verb.starts_with(known));
        if SYNTHETIC_VERBS.iter().copied().any(asked_by_an_authorizer) {
            return None;
        }
        if !SERVED_VERBS.contains(&verb) {
            let lower = verb.to_lowercase();
            let next = if verb.contains(',') {
                "one verb is asked for at a time".to_owned()
            } else if SERVED_VERBS.contains(&lower.as_str()) {
                format!("verbs are case-sensitive, was `{lower}` meant?")
            } else {
                format!("usual ones are {}", SERVED_VERBS.join(", "))
            };
            return Some(format!("no authorizer is known to ask for verb `{verb}`; {next}"));
        }
        let known = self.known(&resolved.group, &resolved.resource, &resolved.subresource)?;
        let asked = known.verbs.is_empty() || known.verbs.iter().any(|served| served == verb);
        // An apply or a PUT that creates is authorised as `create` with a name.
        (!asked && verb != "create").then(|| {
            let what = if resolved.subresource.is_empty() {
                resolved.resource.clone()
            } else {
                format!("{}/{}", resolved.resource, resolved.subresource)
            };
            format!("{what} does not serve verb `{verb}`, only {}", known.verbs.join(", "))
        })
    }

    /// The warning that an unusual verb on a path deserves.
    pub fn path_verb_warning(verb: &str) -> Option<String> {
        (!HTTP_VERBS.contains(&verb)).then(|| {
            format!("verb `{verb}` never comes with a path; those are HTTP methods in lower case, such as get or post")
        })
    }

    fn subresource(&self, of: &Resolved, word: &str) -> Option<&ApiResource> {
        if word == "finalizers" {
            return self.known(&of.group, &of.resource, word);
        }
        self.resources.iter().find(|at| {
            at.group == of.group
                && at.resource == of.resource
                && !at.subresource.is_empty()
                && (at.subresource == word || at.subresource == "*")
        })
    }

    /// The best match for a lower-case word, and how to write the other ones.
    fn find(&self, verb: &str, word: &str) -> Option<(&ApiResource, BTreeSet<String>)> {
        let candidates = |name: &str, group: Option<&str>| {
            let mut found: Vec<&ApiResource> = self
                .resources
                .iter()
                .filter(|at| at.subresource.is_empty() && at.is_called(name))
                .filter(|at| {
                    group.is_none_or(|group| at.group == group || group == format!("{}.{}", at.version, at.group))
                })
                .collect();
            found.sort_by_key(|at| at.rank(name, verb));
            found
        };
        let found = match candidates(word, None) {
            bare if !bare.is_empty() => bare,
            _ => {
                let (name, group) = word.split_once('.')?;
                return candidates(name, Some(group)).first().map(|&found| (found, BTreeSet::new()));
            }
        };
        let best = *found.first()?;
        let others = found
            .iter()
            .filter(|at| (&at.group, &at.resource) != (&best.group, &best.resource))
            // What only authorizers know (no version is served) is no other meaning of a word, unless they ask for this verb.
            .filter(|at| !at.version.is_empty() || at.verbs.iter().any(|known| known == verb))
            .map(|at| place(&at.resource, &at.group))
            .collect();
        Some((best, others))
    }

    fn literal(&self, head: &str, lower: &str) -> Resolved {
        if head == "*" {
            return Resolved { resource: "*".to_owned(), ..Resolved::default() };
        }
        let (resource, group) = lower.split_once('.').unwrap_or((lower, ""));
        let warnings = if resource == "*" {
            Vec::new()
        } else {
            vec![format!("no resource is known as `{head}`; it is asked as it is written")]
        };
        Resolved { group: group.to_owned(), resource: resource.to_owned(), warnings, ..Resolved::default() }
    }
}

impl ApiResource {
    fn is_called(&self, word: &str) -> bool {
        self.resource == word
            || (!word.is_empty() && (self.singular == word || self.kind.to_lowercase() == word))
            || self.short_names.iter().any(|short| short == word)
    }

    /// Smaller is better: what a person means by a bare word.
    fn rank(&self, word: &str, verb: &str) -> (bool, bool, u8, usize) {
        let spelling = if self.resource == word {
            0
        } else if self.short_names.iter().any(|short| short == word) {
            1
        } else {
            2
        };
        let asks = !verb.starts_with("impersonate") || self.verbs.iter().any(|known| known == verb);
        let group = PREFERRED.iter().position(|group| *group == self.group).unwrap_or(PREFERRED.len());
        (!asks, !self.group.is_empty(), spelling, group)
    }
}

/// Groups that a bare word is looked for in first, after the core group: the server's own order.
const PREFERRED: &[&str] = &[
    "",
    "apps",
    "events.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "storage.k8s.io",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "scheduling.k8s.io",
    "coordination.k8s.io",
    "node.k8s.io",
    "discovery.k8s.io",
    "resource.k8s.io",
    "flowcontrol.apiserver.k8s.io",
];

fn place(resource: &str, group: &str) -> String {
    if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") }
}

fn words(list: &str) -> Vec<String> {
    list.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn built_in() -> impl Iterator<Item = ApiResource> {
    BUILT_IN.lines().chain(ADDED_IN_1_37.lines()).filter(|line| !line.starts_with('#')).filter_map(|line| {
        let mut columns = line.split('\t');
        let mut next = || columns.next().map(str::to_owned);
        let (group, version, resource, kind) = (next()?, next()?, next()?, next()?);
        let (namespaced, verbs, singular, short_names) = (next()?, next()?, next()?, next().unwrap_or_default());
        let (resource, subresource) =
            resource.split_once('/').map_or((resource.clone(), String::new()), |(a, b)| (a.to_owned(), b.to_owned()));
        Some(ApiResource {
            group,
            resource,
            subresource,
            version,
            kind,
            namespaced: namespaced == "true",
            // All verbs of an object that is stored.
            verbs: if verbs == "@" { words(&SERVED_VERBS.join(",")) } else { words(&verbs) },
            singular,
            short_names: words(&short_names),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_tables_is_a_resource() {
        let lines = BUILT_IN.lines().chain(ADDED_IN_1_37.lines()).filter(|line| !line.starts_with('#')).count();
        assert_eq!(built_in().count(), lines);
        let table = ResourceTable::new(&[], false);
        for (group, resource, namespaced) in [
            ("", "pods", true),
            ("", "nodes", false),
            ("certificates.k8s.io", "clustertrustbundles", false),
            ("certificates.k8s.io", "podcertificaterequests", true),
            ("storagemigration.k8s.io", "storageversionmigrations", false),
        ] {
            let known = table.known(group, resource, "").unwrap();
            assert_eq!(known.namespaced, namespaced, "{resource}");
            assert_eq!(table.verb_warning("list", &table.resolve("list", resource)), None);
        }
    }

    #[test]
    fn what_the_server_lists_itself_is_not_added_again() {
        let mut keys: Vec<_> = built_in().map(|at| (at.group, at.resource, at.subresource)).collect();
        let all = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), all);
    }
}
