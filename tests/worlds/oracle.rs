//! A judge that is slow, short and made in another way than the program: it imports nothing of it.
//!
//! A world is written out as one set of sentences, `SUBJECT may ATOM in PLACE`, an atom being one verb on one group, one
//! resource and one name (or one path). A request is allowed when one of the few sentences that would allow it is in the
//! set. Nothing is matched against anything: all wildcards are spelled out on the side of the request.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::Value;

use super::{Mode, World};

/// Whether each of the reviews is allowed.
pub(crate) fn answers(world: &World, reviews: &[Value]) -> Vec<bool> {
    let sentences = Sentences::of(&world.objects);
    reviews.iter().map(|review| allowed(world, &sentences, review)).collect()
}

fn allowed(world: &World, sentences: &Sentences, review: &Value) -> bool {
    let spec = &review["spec"];
    let groups: Vec<&str> = list(&spec["groups"]).map(text).collect();
    if groups.contains(&"system:masters") {
        return true;
    }
    if world.mode == Mode::NodeRbac && groups.contains(&"system:nodes") {
        let node = text(&spec["user"]).strip_prefix("system:node:");
        if node.is_some_and(|node| !node.is_empty() && node_may(world, node, spec)) {
            return true;
        }
    }
    let mut who: Vec<String> = groups.iter().map(|group| format!("group {group}")).collect();
    who.push(format!("user {}", text(&spec["user"])));
    let namespace = text(&spec["resourceAttributes"]["namespace"]);
    let mut places = vec!["everywhere".to_owned()];
    if !namespace.is_empty() {
        places.push(format!("in {namespace}"));
    }
    let atoms = atoms_of_request(spec);
    who.iter().any(|who| {
        places.iter().any(|place| atoms.iter().any(|atom| sentences.0.contains(&sentence(who, place, atom))))
    })
}

/// Every grant of a world, down to its atoms.
struct Sentences(HashSet<String>);

impl Sentences {
    fn of(objects: &[Value]) -> Self {
        let roles = roles(objects);
        let mut sentences = HashSet::new();
        for binding in bindings(objects) {
            let Some(rules) = roles.get(&granted_role(binding)) else { continue };
            let place = place(binding);
            let atoms: Vec<String> = rules.iter().flat_map(atoms_of_rule).collect();
            for subject in list(&binding["subjects"]) {
                let Some(who) = who(binding, subject) else { continue };
                sentences.extend(atoms.iter().map(|atom| sentence(&who, &place, atom)));
            }
        }
        Self(sentences)
    }
}

fn sentence(who: &str, place: &str, atom: &str) -> String {
    format!("{who}\n{place}\n{atom}")
}

fn bindings(objects: &[Value]) -> impl Iterator<Item = &Value> {
    objects.iter().filter(|object| matches!(text(&object["kind"]), "RoleBinding" | "ClusterRoleBinding"))
}

fn place(binding: &Value) -> String {
    match text(&binding["kind"]) {
        "ClusterRoleBinding" => "everywhere".to_owned(),
        _ => format!("in {}", text(&binding["metadata"]["namespace"])),
    }
}

/// The user or the group that a subject is to a request; none for a subject that is nobody.
fn who(binding: &Value, subject: &Value) -> Option<String> {
    let name = text(&subject["name"]);
    match text(&subject["kind"]) {
        "User" => Some(format!("user {name}")),
        "Group" => Some(format!("group {name}")),
        "ServiceAccount" => {
            let own = text(&binding["metadata"]["namespace"]);
            let namespace = Some(text(&subject["namespace"])).filter(|given| !given.is_empty()).unwrap_or(own);
            (!namespace.is_empty()).then(|| format!("user system:serviceaccount:{namespace}:{name}"))
        }
        _ => None,
    }
}

/// Kind, namespace and name of the role that a binding refers to.
fn granted_role(binding: &Value) -> [String; 3] {
    let (kind, name) = (text(&binding["roleRef"]["kind"]), text(&binding["roleRef"]["name"]));
    let namespace = if kind == "Role" { text(&binding["metadata"]["namespace"]) } else { "" };
    [kind, namespace, name].map(str::to_owned)
}

/// The rules of every role by its kind, namespace and name, aggregated ones as the controllers would fill them.
pub(crate) fn roles(objects: &[Value]) -> BTreeMap<[String; 3], Vec<Value>> {
    let mut roles = BTreeMap::new();
    let mut aggregated = Vec::new();
    for object in objects {
        let kind = text(&object["kind"]);
        if !matches!(kind, "Role" | "ClusterRole") {
            continue;
        }
        let key = [kind, text(&object["metadata"]["namespace"]), text(&object["metadata"]["name"])].map(str::to_owned);
        let rules: Vec<Value> = list(&object["rules"]).cloned().collect();
        if rules.is_empty() && !object["aggregationRule"].is_null() {
            aggregated.push((key.clone(), object));
        }
        roles.insert(key, rules);
    }
    loop {
        let mut changed = false;
        for (key, role) in &aggregated {
            let sources = objects.iter().filter(|source| {
                text(&source["kind"]) == "ClusterRole"
                    && text(&source["metadata"]["name"]) != key[2]
                    && list(&role["aggregationRule"]["clusterRoleSelectors"]).any(|selector| selects(selector, source))
            });
            for source in sources {
                let rules = &roles[&["ClusterRole", "", text(&source["metadata"]["name"])].map(str::to_owned)];
                let new: Vec<Value> = rules.iter().filter(|rule| !roles[key].contains(rule)).cloned().collect();
                changed |= !new.is_empty();
                roles.get_mut(key).unwrap().extend(new);
            }
        }
        if !changed {
            return roles;
        }
    }
}

fn selects(selector: &Value, object: &Value) -> bool {
    let labels = &object["metadata"]["labels"];
    let equal = selector["matchLabels"].as_object().into_iter().flatten().all(|(key, value)| &labels[key] == value);
    equal
        && list(&selector["matchExpressions"]).all(|expression| {
            let label = &labels[text(&expression["key"])];
            let listed = list(&expression["values"]).any(|value| value == label);
            match text(&expression["operator"]) {
                "In" => listed,
                "NotIn" => !listed,
                "Exists" => !label.is_null(),
                "DoesNotExist" => label.is_null(),
                other => panic!("no operator: {other}"),
            }
        })
}

/// Name of an atom that is good for every object.
const EVERY_NAME: &str = "every name";

fn atoms_of_rule(rule: &Value) -> Vec<String> {
    let part = |field: &str| list(&rule[field]).map(text).collect::<Vec<_>>();
    let mut names: Vec<String> = part("resourceNames").iter().map(|name| format!("name {name}")).collect();
    if names.is_empty() {
        names.push(EVERY_NAME.to_owned());
    }
    let mut atoms = Vec::new();
    for verb in part("verbs") {
        for group in part("apiGroups") {
            for resource in part("resources") {
                atoms.extend(names.iter().map(|name| format!("{verb}\n{group}\n{resource}\n{name}")));
            }
        }
        for path in part("nonResourceURLs") {
            // However many stars end it, they are one.
            let stem = path.trim_end_matches('*');
            let path = if stem.len() < path.len() { format!("prefix {stem}") } else { format!("path {path}") };
            atoms.push(format!("{verb}\n{path}"));
        }
    }
    atoms
}

/// The atoms any of which allows the request.
fn atoms_of_request(spec: &Value) -> Vec<String> {
    let mut atoms = Vec::new();
    let asked = &spec["nonResourceAttributes"];
    if !asked.is_null() {
        let path = text(&asked["path"]);
        let ends = path.char_indices().map(|(at, _)| at).chain([path.len()]);
        let mut paths: Vec<String> = ends.map(|end| format!("prefix {}", &path[..end])).collect();
        paths.push(format!("path {path}"));
        for verb in [text(&asked["verb"]), "*"] {
            atoms.extend(paths.iter().map(|path| format!("{verb}\n{path}")));
        }
        return atoms;
    }
    let asked = &spec["resourceAttributes"];
    let part = |field: &str| text(&asked[field]);
    let mut resources = vec!["*".to_owned(), part("resource").to_owned()];
    if !part("subresource").is_empty() {
        resources[1] = format!("{}/{}", part("resource"), part("subresource"));
        resources.push(format!("*/{}", part("subresource")));
    }
    for verb in [part("verb"), "*"] {
        for group in [part("group"), "*"] {
            for resource in &resources {
                for name in [EVERY_NAME.to_owned(), format!("name {}", part("name"))] {
                    atoms.push(format!("{verb}\n{group}\n{resource}\n{name}"));
                }
            }
        }
    }
    atoms
}

/// Whether these rules, held where they count, allow what a review asks for.
pub(crate) fn rules_allow(rules: &[Value], review: &Value) -> bool {
    let asked = atoms_of_request(&review["spec"]);
    rules.iter().flat_map(atoms_of_rule).any(|atom| asked.contains(&atom))
}

/// Where a question of who can looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Where<'a> {
    /// Only at what holds for the whole cluster: cluster-scoped kinds, and lists over all namespaces.
    Cluster,
    /// At what holds in one namespace.
    In(&'a str),
    /// At every namespace, each for itself.
    EachNamespace,
}

/// A holder: `user NAME` or `group NAME` as a request carries them, so a service account is a user; and `everywhere` or
/// `in NAMESPACE`.
pub(crate) type Holder = (String, String);

/// For which objects somebody holds what was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    /// For the request as it was asked.
    pub(crate) every: bool,
    /// Not for the nameless request that was asked, but for each of these names.
    pub(crate) only: BTreeSet<String>,
}

/// Every subject of a binding that holds what the attributes of a review ask for (their namespace is not looked at), place
/// by place; what holds everywhere is not repeated for each namespace. `system:masters` holds everything everywhere.
pub(crate) fn who_can(objects: &[Value], spec: &Value, place: Where<'_>) -> BTreeMap<Holder, Held> {
    let roles = roles(objects);
    let asked: BTreeSet<String> = atoms_of_request(spec).into_iter().collect();
    let nameless = !spec["resourceAttributes"].is_null() && text(&spec["resourceAttributes"]["name"]).is_empty();
    let mut holders: BTreeMap<Holder, Held> = BTreeMap::new();
    let masters = ("group system:masters".to_owned(), "everywhere".to_owned());
    holders.entry(masters).or_default().every = true;
    for binding in bindings(objects) {
        let there = self::place(binding);
        let counts = there == "everywhere"
            || match place {
                Where::Cluster => false,
                Where::In(namespace) => there == format!("in {namespace}"),
                Where::EachNamespace => spec["nonResourceAttributes"].is_null(),
            };
        let Some(rules) = roles.get(&granted_role(binding)).filter(|_| counts) else { continue };
        let mut held = Held::default();
        for atoms in rules.iter().map(atoms_of_rule) {
            // A rule with the empty name among its names is good for the nameless request, and narrows nobody to names.
            if atoms.iter().any(|atom| asked.contains(atom)) {
                held.every = true;
            } else if nameless {
                let named = atoms.iter().filter_map(|atom| atom.rsplit_once("\nname "));
                let good = named.filter(|(stem, _)| asked.contains(&format!("{stem}\n{EVERY_NAME}")));
                held.only.extend(good.map(|(_, name)| name.to_owned()));
            }
        }
        if !held.every && held.only.is_empty() {
            continue;
        }
        for subject in list(&binding["subjects"]) {
            let Some(who) = who(binding, subject) else { continue };
            let holder = holders.entry((who, there.clone())).or_default();
            holder.every |= held.every;
            holder.only.extend(held.only.iter().cloned());
        }
    }
    holders
}

/// What the Node authorizer lets a node do (kubernetes `plugin/pkg/auth/authorizer/node/node_authorizer.go`).
fn node_may(world: &World, node: &str, spec: &Value) -> bool {
    let asked = &spec["resourceAttributes"];
    if asked.is_null() {
        return false;
    }
    let part = |field: &str| text(&asked[field]);
    let (verb, group, resource, subresource) = (part("verb"), part("group"), part("resource"), part("subresource"));
    let (namespace, name) = (part("namespace"), part("name"));
    let related = |kind: &str| !name.is_empty() && related(&world.objects, node, kind, namespace, name);
    let reads = matches!(verb, "get" | "list" | "watch");
    let own = matches!(verb, "get" | "create" | "update" | "patch" | "delete") && (verb == "create" || name == node);
    match (group, resource, subresource) {
        ("", "secrets", "") => reads && !namespace.is_empty() && related("secret"),
        ("", "configmaps", "") => reads && !namespace.is_empty() && related("configmap"),
        ("", "persistentvolumeclaims", "") => verb == "get" && related("claim"),
        ("", "persistentvolumeclaims", "status") => matches!(verb, "update" | "patch") && related("claim"),
        ("", "persistentvolumes", "") => verb == "get" && related("volume"),
        ("resource.k8s.io", "resourceclaims", "") => verb == "get" && related("resource claim"),
        ("storage.k8s.io", "volumeattachments", "") => verb == "get" && related("attachment"),
        ("", "serviceaccounts", "") => verb == "get" && !namespace.is_empty() && related("account"),
        ("", "serviceaccounts", "token") => verb == "create" && related("account"),
        // Whatever the subresource.
        ("coordination.k8s.io", "leases", _) => own && namespace == "kube-node-lease",
        ("storage.k8s.io", "csinodes", "") => own,
        ("resource.k8s.io", "resourceslices", "") => match verb {
            "create" => true,
            "list" | "watch" | "deletecollection" => selected(asked, "spec.nodeName", node),
            _ => false,
        },
        ("", "nodes", "") => matches!(verb, "create" | "update" | "patch") || (reads && name == node),
        ("", "nodes" | "pods", "status") => matches!(verb, "update" | "patch"),
        ("", "pods", "") => match verb {
            "get" => related("pod"),
            "list" | "watch" => selected(asked, "spec.nodeName", node) || related("pod"),
            "create" | "delete" => true,
            _ => false,
        },
        ("", "pods", "eviction") => verb == "create",
        (
            "",
            "secrets"
            | "configmaps"
            | "persistentvolumeclaims"
            | "persistentvolumes"
            | "serviceaccounts"
            | "nodes"
            | "pods",
            _,
        ) => false,
        _ => {
            let combined =
                if subresource.is_empty() { resource.to_owned() } else { format!("{resource}/{subresource}") };
            STATIC_NODE_RULES.iter().any(|(verbs, groups, resources)| {
                verbs.contains(&verb) && groups.contains(&group) && resources.contains(&&*combined)
            })
        }
    }
}

/// What every node may do with resources that are not looked at one by one (`bootstrappolicy.NodeRules`).
const STATIC_NODE_RULES: &[(&[&str], &[&str], &[&str])] = &[
    (&["create"], &["authentication.k8s.io"], &["tokenreviews"]),
    (&["create"], &["authorization.k8s.io"], &["subjectaccessreviews", "localsubjectaccessreviews"]),
    (&["get", "list", "watch"], &[""], &["services"]),
    (&["create", "update", "patch"], &["", "events.k8s.io"], &["events"]),
    (&["get"], &[""], &["endpoints"]),
    (&["create", "get", "list", "watch"], &["certificates.k8s.io"], &["certificatesigningrequests"]),
    (&["get", "list", "watch"], &["storage.k8s.io"], &["csidrivers"]),
    (&["get", "list", "watch"], &["node.k8s.io"], &["runtimeclasses"]),
    // Only a review that writes the slash into the resource gets this far with these.
    (&["update", "patch"], &[""], &["nodes/status", "pods/status"]),
    (&["create"], &[""], &["pods/eviction", "serviceaccounts/token"]),
    (&["get", "update", "patch"], &[""], &["persistentvolumeclaims/status"]),
];

/// Whether the review carries a field selector that pins this field to this value. A text with one term that is none pins
/// nothing; a backslash takes a comma, an equals sign or a backslash for what it is.
fn selected(asked: &Value, field: &str, value: &str) -> bool {
    let selector = &asked["fieldSelector"];
    let required = list(&selector["requirements"]).any(|requirement| {
        text(&requirement["key"]) == field
            && text(&requirement["operator"]) == "In"
            && requirement["values"] == Value::from(vec![value])
    });
    // Escaped letters become ones that no selector has, so that the others divide.
    let hidden =
        text(&selector["rawSelector"]).replace("\\\\", "\u{1}").replace("\\,", "\u{2}").replace("\\=", "\u{3}");
    let shown = |text: &str| text.replace('\u{1}', "\\").replace('\u{2}', ",").replace('\u{3}', "=");
    let terms: Vec<&str> = hidden.split(',').filter(|term| !term.is_empty()).collect();
    let is_value = |value: &str| !value.contains(['=', '\\']);
    let term = |term: &str| -> Option<(String, bool, String)> {
        let at = term.find('=')?;
        let unequal = term.find("!=").is_some_and(|unequal| unequal < at);
        let before = if unequal { &term[..at - 1] } else { &term[..at] };
        let after = &term[at + 1..];
        let after = if unequal { after } else { after.strip_prefix('=').unwrap_or(after) };
        is_value(after).then(|| (shown(before), !unequal, shown(after)))
    };
    let read: Option<Vec<_>> = terms.into_iter().map(term).collect();
    required || read.is_some_and(|terms| terms.contains(&(field.to_owned(), true, value.to_owned())))
}

/// Whether there is a way from the object over pods, claims and volumes to the node: everything that the node's pods refer
/// to is collected, and what that refers to, until nothing is new.
fn related(objects: &[Value], node: &str, kind: &str, namespace: &str, name: &str) -> bool {
    type Thing<'a> = (&'a str, String, String);
    let mut found: BTreeSet<Thing<'_>> = BTreeSet::new();
    let thing = |kind: &'static str, namespace: &str, name: &str| (kind, namespace.to_owned(), name.to_owned());
    for object in objects {
        let (namespace, name) = (text(&object["metadata"]["namespace"]), text(&object["metadata"]["name"]));
        let spec = &object["spec"];
        if text(&spec["nodeName"]) != node {
            continue;
        }
        match text(&object["kind"]) {
            "VolumeAttachment" => drop(found.insert(thing("attachment", "", name))),
            "Pod" => {
                found.insert(thing("pod", namespace, name));
                if !object["metadata"]["annotations"]["kubernetes.io/config.mirror"].is_null() {
                    continue;
                }
                found.insert(thing("account", namespace, text(&spec["serviceAccountName"])));
                let mut add = |kind: &'static str, name: &Value| {
                    found.insert(thing(kind, namespace, text(name)));
                };
                list(&spec["imagePullSecrets"]).for_each(|secret| add("secret", &secret["name"]));
                for list_of in ["containers", "initContainers", "ephemeralContainers"] {
                    for container in list(&spec[list_of]) {
                        for from in list(&container["envFrom"]) {
                            add("secret", &from["secretRef"]["name"]);
                            add("configmap", &from["configMapRef"]["name"]);
                        }
                        for variable in list(&container["env"]) {
                            add("secret", &variable["valueFrom"]["secretKeyRef"]["name"]);
                            add("configmap", &variable["valueFrom"]["configMapKeyRef"]["name"]);
                        }
                    }
                }
                for volume in list(&spec["volumes"]) {
                    add("secret", &volume["secret"]["secretName"]);
                    add("secret", &volume["csi"]["nodePublishSecretRef"]["name"]);
                    add("configmap", &volume["configMap"]["name"]);
                    add("claim", &volume["persistentVolumeClaim"]["claimName"]);
                    if !volume["ephemeral"].is_null() {
                        add("claim", &Value::from(format!("{name}-{}", text(&volume["name"]))));
                    }
                    for source in list(&volume["projected"]["sources"]) {
                        add("secret", &source["secret"]["name"]);
                        add("configmap", &source["configMap"]["name"]);
                    }
                }
                list(&spec["resourceClaims"]).for_each(|claim| add("resource claim", &claim["resourceClaimName"]));
            }
            _ => {}
        }
    }
    for volume in objects.iter().filter(|object| object["kind"] == "PersistentVolume") {
        let spec = &volume["spec"];
        let claim_namespace = text(&spec["claimRef"]["namespace"]);
        if !found.contains(&thing("claim", claim_namespace, text(&spec["claimRef"]["name"]))) {
            continue;
        }
        found.insert(thing("volume", "", text(&volume["metadata"]["name"])));
        for field in ["nodePublishSecretRef", "nodeStageSecretRef", "nodeExpandSecretRef"] {
            let secret = &spec["csi"][field];
            found.insert(thing("secret", text(&secret["namespace"]), text(&secret["name"])));
        }
        let of_share = Some(text(&spec["azureFile"]["secretNamespace"])).filter(|given| !given.is_empty());
        found.insert(thing("secret", of_share.unwrap_or(claim_namespace), text(&spec["azureFile"]["secretName"])));
    }
    found.contains(&(kind, namespace.to_owned(), name.to_owned()))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
