//! Access reviews about a world: half of them made from what it grants (to a node, where there are nodes), most with one
//! thing changed, half at random.
//!
//! They are raw reviews: user and groups are what a request would carry, nothing is added to them.

use serde_json::{Value, json};

use super::is_default;
use super::random::{self, ACCOUNTS, CLAIMS, CONFIG_MAPS, Dice, INIT_SECRETS, SECRETS, VOLUME_SECRETS, Words};

/// This many reviews, the same for the same world and seed.
pub(crate) fn questions(world: &[Value], seed: u64, count: usize) -> Vec<Value> {
    let mut asker = Asker::new(world, seed);
    let has_nodes = !asker.pods.is_empty();
    (0..count)
        .map(|_| match asker.dice.below(10) {
            0..5 if has_nodes => asker.of_a_node(),
            0..5 => asker.near_a_grant(),
            5..8 if has_nodes => asker.near_a_grant(),
            5 => asker.of_the_namespace_itself(),
            _ => asker.at_random(),
        })
        .collect()
}

struct Asker<'w> {
    dice: Dice,
    words: Words,
    bindings: Vec<&'w Value>,
    default_bindings: Vec<&'w Value>,
    roles: Vec<&'w Value>,
    pods: Vec<&'w Value>,
    references: Vec<Reference>,
}

/// Something that a pod, or a volume of a pod, refers to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Reference {
    /// One of secrets, configmaps, persistentvolumeclaims, persistentvolumes.
    resource: &'static str,
    namespace: String,
    name: String,
    /// The node of the pod.
    node: String,
}

/// A review before it is written down.
#[derive(Clone, Default)]
struct Draft {
    user: String,
    groups: Vec<String>,
    asked: Asked,
    selector: Option<Value>,
}

#[derive(Clone)]
enum Asked {
    Resource { verb: String, group: String, resource: String, subresource: String, namespace: String, name: String },
    Path { verb: String, path: String },
}

impl Default for Asked {
    fn default() -> Self {
        Asked::Path { verb: String::new(), path: String::new() }
    }
}

impl<'w> Asker<'w> {
    fn new(world: &'w [Value], seed: u64) -> Self {
        let of = |kinds: &[&str]| -> Vec<&'w Value> {
            world.iter().filter(|object| kinds.contains(&text(&object["kind"]))).collect()
        };
        let (default_bindings, bindings) =
            of(&["RoleBinding", "ClusterRoleBinding"]).into_iter().partition::<Vec<_>, _>(|object| is_default(object));
        let pods = of(&["Pod"]);
        let mut nodes: Vec<String> = pods.iter().map(|pod| text(&pod["spec"]["nodeName"]).to_owned()).collect();
        nodes.sort();
        nodes.dedup();
        nodes.retain(|node| !node.is_empty());
        if nodes.is_empty() {
            nodes.push("n1".to_owned());
        }
        let mut namespaces = random::names_of(world, "Namespace");
        if namespaces.is_empty() {
            namespaces.push("default".to_owned());
        }
        let words = Words::of(namespaces, nodes);
        let roles = of(&["Role", "ClusterRole"]);
        let references = references(&pods, &of(&["PersistentVolume"]));
        Self { dice: Dice::new(seed ^ 0x5eed), words, bindings, default_bindings, roles, pods, references }
    }

    fn near_a_grant(&mut self) -> Value {
        let Some((binding, rule)) = self.grant() else { return self.at_random() };
        let namespace = text(&binding["metadata"]["namespace"]);
        let subjects: Vec<&Value> = list(&binding["subjects"]).collect();
        let mut draft = Draft::default();
        let subject = *self.dice.pick(&subjects);
        self.become_subject(&mut draft, namespace, subject);
        draft.asked = self.what_the_rule_grants(rule, namespace);
        if self.dice.percent(50) {
            self.change_one_thing(&mut draft);
        }
        self.written(draft)
    }

    /// A binding with a subject, and a rule of the role it refers to.
    fn grant(&mut self) -> Option<(&'w Value, &'w Value)> {
        for _ in 0..20 {
            let defaults = self.bindings.is_empty() || (self.dice.percent(8) && !self.default_bindings.is_empty());
            let from = if defaults { &self.default_bindings } else { &self.bindings };
            if from.is_empty() {
                return None;
            }
            let binding = *self.dice.pick(from);
            let (kind, name) = (text(&binding["roleRef"]["kind"]), &binding["roleRef"]["name"]);
            let rules: Vec<&Value> = self
                .roles
                .iter()
                .copied()
                // A kind in the wrong case grants nothing, which is worth a question.
                .filter(|role| text(&role["kind"]).eq_ignore_ascii_case(kind) && &role["metadata"]["name"] == name)
                .filter(|role| kind != "Role" || role["metadata"]["namespace"] == binding["metadata"]["namespace"])
                .flat_map(|role| list(&role["rules"]))
                .collect();
            if !rules.is_empty() && list(&binding["subjects"]).next().is_some() {
                return Some((binding, *self.dice.pick(&rules)));
            }
        }
        None
    }

    fn become_subject(&mut self, draft: &mut Draft, namespace: &str, subject: &Value) {
        let name = text(&subject["name"]);
        match text(&subject["kind"]) {
            "Group" => {
                draft.user = if self.dice.percent(15) { String::new() } else { self.user() };
                draft.groups = self.groups(0, 2);
                draft.groups.push(name.to_owned());
                self.dice.shuffle(&mut draft.groups);
            }
            "ServiceAccount" => {
                let given = text(&subject["namespace"]);
                let namespace = if given.is_empty() { namespace } else { given };
                draft.user = format!("system:serviceaccount:{namespace}:{name}");
                if self.dice.percent(50) {
                    draft.groups = vec![
                        "system:serviceaccounts".to_owned(),
                        format!("system:serviceaccounts:{namespace}"),
                        "system:authenticated".to_owned(),
                    ];
                }
            }
            _ => {
                draft.user = name.to_owned();
                draft.groups = self.groups(0, 2);
            }
        }
    }

    fn what_the_rule_grants(&mut self, rule: &Value, binding_namespace: &str) -> Asked {
        let has_paths = !rule["nonResourceURLs"].is_null();
        let asks_for_a_path = has_paths && (rule["resources"].is_null() || self.dice.percent(50));
        let mut one_of = |field: &str| -> String {
            let entries: Vec<&str> = list(&rule[field]).map(text).collect();
            if entries.is_empty() { String::new() } else { (*self.dice.pick(&entries)).to_owned() }
        };
        let verb = one_of("verbs");
        if asks_for_a_path {
            let path = one_of("nonResourceURLs");
            let verb = if verb == "*" { self.verb() } else { verb };
            return Asked::Path { verb, path: self.path_under(&path) };
        }
        let (group, resource, name) = (one_of("apiGroups"), one_of("resources"), one_of("resourceNames"));
        let has_names = list(&rule["resourceNames"]).next().is_some();
        let verb = if verb == "*" && self.dice.percent(80) { self.verb() } else { verb };
        let group = if group == "*" && self.dice.percent(80) { self.api_group() } else { group };
        let (mut resource, mut subresource) = split(&resource);
        if resource == "*" && self.dice.percent(80) {
            let concrete = split(&self.resource());
            resource = concrete.0;
            if subresource.is_empty() {
                subresource = concrete.1;
            }
        }
        let name = if has_names { name } else { self.name() };
        let mut namespace = binding_namespace.to_owned();
        if namespace.is_empty() && self.dice.percent(70) {
            namespace = self.namespace();
        }
        if resource == "namespaces" && self.dice.percent(60) {
            return Asked::Resource { verb, group, resource, subresource, name: namespace.clone(), namespace };
        }
        Asked::Resource { verb, group, resource, subresource, namespace, name }
    }

    /// A path that an entry of nonResourceURLs may stand for.
    fn path_under(&mut self, entry: &str) -> String {
        let stem = entry.trim_end_matches('*');
        match self.dice.below(4) {
            0 => entry.to_owned(),
            1 => stem.trim_end_matches('/').to_owned(),
            2 => stem.to_owned(),
            _ => format!("{stem}x/y"),
        }
    }

    fn change_one_thing(&mut self, draft: &mut Draft) {
        match self.dice.below(10) {
            0 => draft.user = self.user(),
            1 if !draft.groups.is_empty() => {
                let at = self.dice.below(draft.groups.len());
                draft.groups.remove(at);
            }
            1 | 2 => draft.groups.extend(self.groups(1, 1)),
            _ => {
                let mut asked = draft.asked.clone();
                self.change_attribute(&mut asked);
                draft.asked = asked;
            }
        }
    }

    fn change_attribute(&mut self, asked: &mut Asked) {
        match asked {
            Asked::Path { verb, path } => match self.dice.below(4) {
                0 => *verb = self.verb(),
                1 => path.push('/'),
                2 => *path = format!("/{path}"),
                _ => *path = self.path(),
            },
            Asked::Resource { verb, group, resource, subresource, namespace, name } => match self.dice.below(9) {
                0 => *verb = self.verb(),
                1 => *group = self.api_group(),
                2 => *resource = split(&self.resource()).0,
                3 if subresource.is_empty() => *subresource = split(&self.resource()).1,
                3 => subresource.clear(),
                4 | 5 => *namespace = if self.dice.percent(30) { String::new() } else { self.namespace() },
                6 => *name = self.name(),
                // A review may write the slash into the resource; RBAC then takes the whole for it.
                7 if !subresource.is_empty() => *resource = format!("{resource}/{}", std::mem::take(subresource)),
                7 => *resource = resource.to_uppercase(),
                _ if name.is_empty() => *name = self.name(),
                _ => name.clear(),
            },
        }
    }

    fn at_random(&mut self) -> Value {
        let user = if self.dice.percent(8) { String::new() } else { self.user() };
        let low = usize::from(user.is_empty());
        let mut groups = self.groups(low, 3);
        if self.dice.percent(2) {
            groups.push("system:masters".to_owned());
        }
        let asked = if self.dice.percent(20) {
            Asked::Path { verb: self.verb(), path: self.path() }
        } else {
            let (resource, subresource) = split(&self.resource());
            let namespace = if self.dice.percent(25) { String::new() } else { self.namespace() };
            Asked::Resource {
                verb: self.verb(),
                group: self.api_group(),
                resource,
                subresource,
                namespace,
                name: self.name(),
            }
        };
        self.written(Draft { user, groups, asked, selector: None })
    }

    /// A request on a namespace object carries that namespace, too, so a RoleBinding in it counts.
    fn of_the_namespace_itself(&mut self) -> Value {
        let namespace = self.namespace();
        let subresource = (*self.dice.pick(&["", "", "status", "finalize"])).to_owned();
        let asked = Asked::Resource {
            verb: self.verb(),
            group: String::new(),
            resource: "namespaces".to_owned(),
            subresource,
            name: namespace.clone(),
            namespace: if self.dice.percent(75) { namespace } else { String::new() },
        };
        let user = self.user();
        let groups = self.groups(0, 2);
        self.written(Draft { user, groups, asked, selector: None })
    }

    /// What kubelets ask, about pods on this node and on others.
    fn of_a_node(&mut self) -> Value {
        let node = self.dice.pick(&self.words.nodes).clone();
        let mut user = format!("system:node:{node}");
        let mut groups = vec!["system:nodes".to_owned()];
        match self.dice.below(20) {
            0 => groups.clear(),
            1 => user = self.user(),
            2 => user = "system:node:".to_owned(),
            3 => groups.push("system:authenticated".to_owned()),
            _ => {}
        }
        let pod = if self.pods.is_empty() { &Value::Null } else { *self.dice.pick(&self.pods) };
        let mut namespace = text(&pod["metadata"]["namespace"]).to_owned();
        let mut selector = None;
        let reading = ["get", "get", "get", "list", "watch"];
        let (group, resource, verbs, name): (&str, &str, &[&str], String) = match self.dice.below(16) {
            0..7 => {
                let reference = self.reference();
                namespace = reference.namespace;
                if self.dice.percent(75) && user.starts_with("system:node:") && !reference.node.is_empty() {
                    user = format!("system:node:{}", reference.node);
                }
                let status = reference.resource == "persistentvolumeclaims" && self.dice.percent(30);
                let verbs: &[&str] = if status { &["get", "update", "patch"] } else { &reading };
                let resource = if status { "persistentvolumeclaims/status" } else { reference.resource };
                if reference.resource == "persistentvolumes" && self.dice.percent(10) {
                    namespace = self.namespace();
                }
                ("", resource, verbs, reference.name)
            }
            7 => ("resource.k8s.io", "resourceclaims", &["get"], (*self.dice.pick(CLAIMS)).to_owned()),
            8 => {
                namespace.clear();
                let name = format!("attach-{}-{}", self.dice.below(3), self.words.nodes[0]);
                ("storage.k8s.io", "volumeattachments", &["get", "get", "list"], name)
            }
            9 => ("", "serviceaccounts/token", &["create", "create", "get"], (*self.dice.pick(ACCOUNTS)).to_owned()),
            10 => ("", "serviceaccounts", &["get", "list", "create"], (*self.dice.pick(ACCOUNTS)).to_owned()),
            11 => {
                namespace = (*self.dice.pick(&["kube-node-lease", "kube-node-lease", "default"])).to_owned();
                let verbs = &["get", "create", "update", "delete", "list"];
                ("coordination.k8s.io", "leases", verbs, self.dice.pick(&self.words.nodes).clone())
            }
            12 if self.dice.percent(20) => {
                // Not the subresource: the slash stands in the name of the resource.
                let at = *self.dice.pick(&["pods/status", "nodes/status", "pods/eviction", "serviceaccounts/token"]);
                let verb = *self.dice.pick(&["create", "update", "patch", "get"]);
                let (resource, verb) = (at.to_owned(), verb.to_owned());
                let [group, subresource, name] = [""; 3].map(str::to_owned);
                let asked = Asked::Resource { verb, group, resource, subresource, namespace, name };
                return self.written(Draft { user, groups, asked, selector });
            }
            12 => {
                namespace.clear();
                let at = *self.dice.pick(&[
                    ("storage.k8s.io", "csinodes"),
                    ("", "nodes"),
                    ("", "nodes"),
                    ("", "nodes/status"),
                    ("", "nodes/proxy"),
                ]);
                let name =
                    if self.dice.percent(20) { String::new() } else { self.dice.pick(&self.words.nodes).clone() };
                (at.0, at.1, &["get", "create", "update", "patch", "delete", "list", "watch"], name)
            }
            13 => {
                let value = self.dice.pick(&self.words.nodes).clone();
                let other = self.dice.pick(&self.words.nodes).clone();
                let raw = |text: String| json!({"rawSelector": text});
                let one = |operator: &str, values: Value| json!({"requirements": [{"key": "spec.nodeName", "operator": operator, "values": values}]});
                selector = Some(match self.dice.below(14) {
                    0 => raw(format!("spec.nodeName={value}")),
                    1 => raw(format!("status.phase=Running,spec.nodeName=={value}")),
                    2 => raw(format!("spec.nodeName!={value}")),
                    3 => raw(format!("spec.nodeName={value},spec.nodeName={other}")),
                    4 => raw(format!("spec.nodeName={value},,metadata.name=a\\,b")),
                    5 => raw(format!("metadata.name=a\\,spec.nodeName={value}")),
                    6 => raw(format!("spec.nodeName={value},nothing")),
                    7 => raw(format!("spec.nodeName={value}=")),
                    8 => raw(format!(" spec.nodeName={value}")),
                    9 => one("NotIn", json!([value])),
                    10 => one("In", json!([value, other])),
                    11 => json!({"requirements": [{"key": "metadata.name", "operator": "Near"},
                        {"key": "spec.nodeName", "operator": "In", "values": [value]}]}),
                    _ => one("In", json!([value])),
                });
                let at = *self.dice.pick(&[("", "pods"), ("", "pods"), ("resource.k8s.io", "resourceslices")]);
                (at.0, at.1, &["list", "watch", "deletecollection"], String::new())
            }
            14 => {
                let name = text(&pod["metadata"]["name"]).to_owned();
                let resource = *self.dice.pick(&["pods", "pods/status", "pods/eviction", "pods/log"]);
                ("", resource, &["get", "list", "create", "delete", "update", "patch"], name)
            }
            _ => {
                let at = *self.dice.pick(&[
                    ("", "services"),
                    ("", "events"),
                    ("events.k8s.io", "events"),
                    ("", "endpoints"),
                    ("certificates.k8s.io", "certificatesigningrequests"),
                    ("authorization.k8s.io", "subjectaccessreviews"),
                    ("resource.k8s.io", "resourceslices"),
                ]);
                (at.0, at.1, &["get", "list", "create", "patch"], String::new())
            }
        };
        let verb = (*self.dice.pick(verbs)).to_owned();
        let (resource, subresource) = split(resource);
        let mut asked = Asked::Resource { verb, group: group.to_owned(), resource, subresource, namespace, name };
        if self.dice.percent(20) {
            self.change_attribute(&mut asked);
        }
        self.written(Draft { user, groups, asked, selector })
    }

    /// Something that a pod refers to, or might.
    fn reference(&mut self) -> Reference {
        if self.references.is_empty() || self.dice.percent(25) {
            let (resource, names) =
                *self.dice.pick(&[("secrets", SECRETS), ("secrets", VOLUME_SECRETS), ("configmaps", CONFIG_MAPS)]);
            let name = (*self.dice.pick(names)).to_owned();
            return Reference { resource, namespace: self.namespace(), name, node: String::new() };
        }
        self.dice.pick(&self.references).clone()
    }

    fn written(&mut self, mut draft: Draft) -> Value {
        if draft.user.is_empty() && draft.groups.is_empty() {
            draft.groups.push("system:authenticated".to_owned());
        }
        let mut spec = json!({});
        if !draft.user.is_empty() {
            spec["user"] = draft.user.into();
        }
        if !draft.groups.is_empty() || self.dice.percent(20) {
            spec["groups"] = json!(draft.groups);
        }
        if self.dice.percent(4) {
            // Nobody looks at these.
            spec["uid"] = "6".into();
            spec["extra"] = json!({"scopes": ["read"]});
        }
        let mut kind = "SubjectAccessReview";
        let mut metadata = Value::Null;
        match draft.asked {
            Asked::Path { verb, path } => spec["nonResourceAttributes"] = json!({"verb": verb, "path": path}),
            Asked::Resource { verb, group, resource, subresource, namespace, name } => {
                let parts = [
                    ("verb", verb),
                    ("group", group),
                    ("resource", resource),
                    ("subresource", subresource),
                    ("namespace", namespace.clone()),
                    ("name", name),
                ];
                let mut attributes = json!({});
                for (field, value) in parts {
                    if !value.is_empty() {
                        attributes[field] = value.into();
                    }
                }
                if self.dice.percent(4) {
                    attributes["version"] = (*self.dice.pick(&["v1", "*", "v9"])).into();
                }
                if let Some(selector) = draft.selector {
                    attributes["fieldSelector"] = selector;
                } else if self.dice.percent(2) {
                    // RBAC goes by the name of the request alone.
                    let requirement = json!({"key": "metadata.name", "operator": "In", "values": ["a"]});
                    attributes["fieldSelector"] = json!({"requirements": [requirement]});
                }
                spec["resourceAttributes"] = attributes;
                if self.dice.percent(3) && self.words.namespaces.contains(&namespace) {
                    kind = "LocalSubjectAccessReview";
                    metadata = json!({"namespace": namespace});
                }
            }
        }
        let mut review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec});
        if !metadata.is_null() {
            review["metadata"] = metadata;
        }
        review
    }

    fn user(&mut self) -> String {
        self.dice.pick_odd(&self.words.users, &self.words.odd_users, 30).clone()
    }

    fn groups(&mut self, low: usize, high: usize) -> Vec<String> {
        let count = self.dice.from(low, high);
        let mut groups: Vec<String> =
            (0..count).map(|_| self.dice.pick_odd(&self.words.groups, &self.words.odd_groups, 30).clone()).collect();
        // Who is a master may do everything, which would hide all else.
        groups.retain(|group| group != "system:masters");
        groups
    }

    fn verb(&mut self) -> String {
        (*self.dice.pick_odd(random::VERBS, random::ODD_VERBS, 15)).to_owned()
    }

    fn api_group(&mut self) -> String {
        (*self.dice.pick_odd(random::API_GROUPS, random::ODD_API_GROUPS, 15)).to_owned()
    }

    fn resource(&mut self) -> String {
        let plain = if self.dice.percent(25) { random::CLUSTER_RESOURCES } else { random::RESOURCES };
        (*self.dice.pick_odd(plain, random::ODD_RESOURCES, 20)).to_owned()
    }

    fn name(&mut self) -> String {
        match self.dice.below(10) {
            0..4 => String::new(),
            4..7 => (*self.dice.pick(random::NAMES)).to_owned(),
            7 | 8 => (*self.dice.pick(random::ODD_NAMES)).to_owned(),
            _ => self.namespace(),
        }
    }

    fn namespace(&mut self) -> String {
        let odd = ["gone".to_owned(), "*".to_owned(), "kube-system".to_owned(), "Alpha".to_owned()];
        self.dice.pick_odd(&self.words.namespaces, &odd, 8).clone()
    }

    fn path(&mut self) -> String {
        let entry = *self.dice.pick_odd(random::PATHS, random::ODD_PATHS, 30);
        self.path_under(entry)
    }
}

/// What the pods and their volumes refer to, whether or not the Node authorizer goes by it.
fn references(pods: &[&Value], volumes: &[&Value]) -> Vec<Reference> {
    let mut references = Vec::new();
    for pod in pods {
        let node = text(&pod["spec"]["nodeName"]).to_owned();
        let namespace = text(&pod["metadata"]["namespace"]).to_owned();
        let mut add = |resource, name: &str| {
            references.push(Reference {
                resource,
                namespace: namespace.clone(),
                name: name.to_owned(),
                node: node.clone(),
            });
        };
        each_text(&pod["spec"], &mut |word| {
            for (resource, names) in [
                ("secrets", SECRETS),
                ("secrets", INIT_SECRETS),
                ("configmaps", CONFIG_MAPS),
                ("persistentvolumeclaims", CLAIMS),
            ] {
                if names.contains(&word) {
                    add(resource, word);
                }
            }
        });
        for volume in list(&pod["spec"]["volumes"]).filter(|volume| !volume["ephemeral"].is_null()) {
            add("persistentvolumeclaims", &format!("{}-{}", text(&pod["metadata"]["name"]), text(&volume["name"])));
        }
    }
    for volume in volumes {
        // Its claim has its name, whether or not it says so.
        let name = text(&volume["metadata"]["name"]);
        let users: Vec<Reference> = references
            .iter()
            .filter(|used| {
                used.resource == "persistentvolumeclaims" && format!("{}-{}", used.name, used.namespace) == name
            })
            .cloned()
            .collect();
        for used in users {
            for secrets_of in [&used.namespace, text(&volume["spec"]["azureFile"]["secretNamespace"])] {
                each_text(&volume["spec"], &mut |word| {
                    if VOLUME_SECRETS.contains(&word) {
                        let namespace = secrets_of.to_owned();
                        references.push(Reference {
                            resource: "secrets",
                            namespace,
                            name: word.to_owned(),
                            ..used.clone()
                        });
                    }
                });
            }
            let csi = volume["spec"]["csi"].as_object();
            for secret in csi.into_iter().flatten().map(|(_, field)| field).filter(|field| field.is_object()) {
                let (namespace, name) = (text(&secret["namespace"]).to_owned(), text(&secret["name"]).to_owned());
                references.push(Reference { resource: "secrets", namespace, name, node: used.node.clone() });
            }
            let (resource, namespace) = ("persistentvolumes", String::new());
            references.push(Reference { resource, namespace, name: name.to_owned(), node: used.node });
        }
    }
    references.sort();
    references.dedup();
    references
}

/// Every text inside of a value.
fn each_text<'v>(value: &'v Value, each: &mut dyn FnMut(&'v str)) {
    match value {
        Value::String(text) => each(text),
        Value::Array(list) => list.iter().for_each(|value| each_text(value, each)),
        Value::Object(fields) => fields.values().for_each(|value| each_text(value, each)),
        _ => {}
    }
}

/// Resource and subresource of `resource/subresource`.
fn split(full: &str) -> (String, String) {
    let (resource, subresource) = full.split_once('/').unwrap_or((full, ""));
    (resource.to_owned(), subresource.to_owned())
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
