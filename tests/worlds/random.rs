//! Random worlds, the same for the same seed on every machine.
//!
//! The names come from small pools, so that grants and questions meet, and the pools hold what is easily got wrong:
//! wildcards that are none, names in the wrong case, users spelled as service accounts, references that lead nowhere.

use std::collections::BTreeSet;

use serde_json::{Value, json};

/// Which objects a world has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// RBAC objects that a server takes from `system:masters`, which need no controllers.
    Rbac,
    /// These with aggregated ClusterRoles, which the controllers fill, and pods on nodes with what they refer to.
    NodesAndControllers,
    /// These with what no server takes but a file may hold.
    Offline,
}

/// Numbers that look random (splitmix64).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `limit - 1`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    /// A number of this range, both ends included.
    pub(crate) fn from(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    pub(crate) fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// One of the plain ones, or with this chance one of the odd ones.
    pub(crate) fn pick_odd<'a, T>(&mut self, plain: &'a [T], odd: &'a [T], chance: usize) -> &'a T {
        if self.percent(chance) { self.pick(odd) } else { self.pick(plain) }
    }

    /// The same elements in another order.
    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        for at in (1..list.len()).rev() {
            list.swap(at, self.below(at + 1));
        }
    }
}

/// The words that worlds and questions are made of.
pub(crate) struct Words {
    pub(crate) namespaces: Vec<String>,
    pub(crate) users: Vec<String>,
    pub(crate) odd_users: Vec<String>,
    pub(crate) groups: Vec<String>,
    pub(crate) odd_groups: Vec<String>,
    pub(crate) nodes: Vec<String>,
}

pub(crate) const ACCOUNTS: &[&str] = &["robot", "runner", "default"];
pub(crate) const VERBS: &[&str] = &["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];
pub(crate) const ODD_VERBS: &[&str] =
    &["*", "*", "impersonate", "bind", "escalate", "use", "approve", "Get", "ge*", "", "impersonate:user-info"];
pub(crate) const API_GROUPS: &[&str] = &["", "", "", "apps", "rbac.authorization.k8s.io", "documentdb.azure.com"];
pub(crate) const ODD_API_GROUPS: &[&str] = &["*", "*", "*.azure.com", "Apps", "core", "v1"];
pub(crate) const RESOURCES: &[&str] = &[
    "pods",
    "pods",
    "pods/log",
    "pods/exec",
    "secrets",
    "configmaps",
    "deployments",
    "deployments/scale",
    "serviceaccounts",
    "serviceaccounts/token",
    "roles",
    "rolebindings",
    "databaseaccounts",
];
pub(crate) const CLUSTER_RESOURCES: &[&str] =
    &["namespaces", "namespaces/status", "namespaces/finalize", "nodes", "nodes/proxy", "persistentvolumes"];
pub(crate) const ODD_RESOURCES: &[&str] = &[
    "*",
    "*/*",
    "pods/*",
    "*/scale",
    "*/log",
    "*/status",
    "Pods",
    "pod",
    "pod*",
    "",
    "/log",
    "pods/",
    "*pods",
    "users",
    "groups",
    "userextras/scopes",
    "userextras/*",
    "pods/proxy/x",
];
pub(crate) const NAMES: &[&str] = &["a", "b", "web-1"];
pub(crate) const ODD_NAMES: &[&str] = &["", "*", "A", "system:x", "two words", "ü"];
pub(crate) const PATHS: &[&str] =
    &["/healthz", "/healthz/*", "/metrics", "/foo", "/foo/*", "/foo/bar", "/api", "/api/*", "/foo*"];
pub(crate) const ODD_PATHS: &[&str] = &[
    "*",
    "/*",
    "/**",
    "**",
    "/foo/**",
    "/metrics/**",
    "/api**",
    "/a*b",
    "/a*b*",
    "/healthz/",
    "/Foo",
    "foo",
    "/foo//bar",
    "/ü*",
    "",
];
const ROLE_NAMES: &[&str] = &["reader", "writer", "Reader", "role:odd", "rôle zwei", "x", "y"];
const DEFAULT_ROLES: &[&str] = &["view", "view", "edit", "admin", "system:basic-user", "system:discovery"];
const POWERFUL_ROLES: &[&str] = &["cluster-admin", "system:node", "system:kube-scheduler"];

impl Words {
    pub(crate) fn new(seed: u64, flavour: Flavour) -> Self {
        // Namespaces, and pods on them, stay on the server when a world is gone, so those that hold pods are a world's own.
        let own = |name: &str| match flavour {
            Flavour::NodesAndControllers => format!("{name}-{seed}"),
            _ => name.to_owned(),
        };
        Self::of(["alpha", "beta", "gamma"].map(own).to_vec(), ["n1", "n2", "n3"].map(own).to_vec())
    }

    /// The words for a world with these namespaces and nodes.
    pub(crate) fn of(namespaces: Vec<String>, nodes: Vec<String>) -> Self {
        let mut users: Vec<String> = ["alice", "bob", "carol"].map(str::to_owned).to_vec();
        let groups: Vec<String> = ["dev", "ops", "system:authenticated"].map(str::to_owned).to_vec();
        let mut odd_users: Vec<String> = [
            "*",
            "Alice",
            "system:anonymous",
            "system:masters",
            "system:kube-scheduler",
            "name with blanks",
            "Jörg",
            "oidc:alice",
            "dev",
            "system:serviceaccount:",
            "system:serviceaccount:alpha::robot",
        ]
        .map(str::to_owned)
        .to_vec();
        let mut odd_groups: Vec<String> = [
            "*",
            "Dev",
            "alice",
            "system:unauthenticated",
            "system:serviceaccounts",
            "system:serviceaccounts:",
            "system:nodes",
            "system:masters",
            "Gruppe ü",
        ]
        .map(str::to_owned)
        .to_vec();
        for namespace in &namespaces {
            users.push(format!("system:serviceaccount:{namespace}:robot"));
            odd_users.push(format!("system:serviceaccount:{namespace}:runner"));
            odd_users.push(format!("system:serviceaccount:{namespace}"));
            odd_users.push(format!("system:serviceaccount:{namespace}:Robot"));
            odd_users.push(format!("system:serviceaccount:{namespace}:robot:x"));
            odd_groups.push(format!("system:serviceaccounts:{namespace}"));
        }
        odd_users.extend(nodes.iter().map(|node| format!("system:node:{node}")));
        Self { namespaces, users, odd_users, groups, odd_groups, nodes }
    }
}

/// A world without the objects of a fresh server.
pub(crate) fn world(seed: u64, flavour: Flavour) -> Vec<Value> {
    let mut dice = Dice::new(seed);
    // Seeds that follow each other are to give worlds that have nothing in common.
    dice.next();
    let words = Words::new(seed, flavour);
    let mut maker = Maker { dice, words, flavour, objects: Vec::new() };
    maker.namespaces();
    maker.roles();
    maker.bindings();
    match flavour {
        Flavour::Rbac => {}
        Flavour::NodesAndControllers => {
            maker.aggregated();
            maker.nodes();
        }
        Flavour::Offline => maker.offline(),
    }
    maker.objects
}

struct Maker {
    dice: Dice,
    words: Words,
    flavour: Flavour,
    objects: Vec<Value>,
}

const RBAC_VERSION: &str = "rbac.authorization.k8s.io/v1";
const RBAC_GROUP: &str = "rbac.authorization.k8s.io";

impl Maker {
    fn namespaces(&mut self) {
        for namespace in self.words.namespaces.clone() {
            self.objects.push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}));
            // Not every account that a binding names exists.
            for account in ACCOUNTS {
                if self.dice.percent(40) {
                    self.objects.push(json!({"apiVersion": "v1", "kind": "ServiceAccount",
                        "metadata": {"name": account, "namespace": namespace}}));
                }
            }
        }
    }

    fn roles(&mut self) {
        for name in ROLE_NAMES {
            if self.dice.percent(75) {
                let rules = self.rules(RuleKinds::Both);
                let mut role = json!({"apiVersion": RBAC_VERSION, "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules});
                if self.dice.percent(15) {
                    // Nothing but a label where nobody aggregates, or where the role it goes to has its rules already.
                    role["metadata"]["labels"] = json!({"rbac.authorization.k8s.io/aggregate-to-view": "true"});
                }
                self.objects.push(role);
            }
            for namespace in self.words.namespaces.clone() {
                if self.dice.percent(40) {
                    let rules = self.rules(RuleKinds::Resources);
                    self.objects.push(json!({"apiVersion": RBAC_VERSION, "kind": "Role",
                        "metadata": {"name": name, "namespace": namespace}, "rules": rules}));
                }
            }
        }
    }

    fn rules(&mut self, kinds: RuleKinds) -> Vec<Value> {
        let count = if self.dice.percent(6) { 0 } else { self.dice.from(1, 3) };
        (0..count).map(|_| self.rule(kinds)).collect()
    }

    fn rule(&mut self, kinds: RuleKinds) -> Value {
        let verbs = self.list(1, 3, VERBS, ODD_VERBS, 12);
        if kinds == RuleKinds::Both && self.dice.percent(25) {
            let paths: Vec<&str> = ODD_PATHS.iter().copied().filter(|path| !path.is_empty()).collect();
            return json!({"verbs": verbs, "nonResourceURLs": self.list(1, 2, PATHS, &paths, 35)});
        }
        let resources = if self.dice.percent(25) { CLUSTER_RESOURCES } else { RESOURCES };
        let mut rule = json!({
            "verbs": verbs,
            "apiGroups": self.list(1, 2, API_GROUPS, ODD_API_GROUPS, 15),
            "resources": self.list(1, 3, resources, ODD_RESOURCES, 30),
        });
        if self.dice.percent(30) {
            let mut names = self.list(1, 2, NAMES, ODD_NAMES, 35);
            if self.dice.percent(20) {
                names.push(self.dice.pick(&self.words.namespaces).clone());
            }
            rule["resourceNames"] = json!(names);
        }
        rule
    }

    fn list(&mut self, low: usize, high: usize, plain: &[&str], odd: &[&str], chance: usize) -> Vec<String> {
        let count = self.dice.from(low, high);
        (0..count).map(|_| (*self.dice.pick_odd(plain, odd, chance)).to_owned()).collect()
    }

    fn bindings(&mut self) {
        for at in 0..self.dice.from(6, 10) {
            let role = self.role_ref(None);
            let subjects = self.subjects(None);
            let name = self.binding_name(at);
            self.objects.push(json!({"apiVersion": RBAC_VERSION, "kind": "ClusterRoleBinding",
                "metadata": {"name": name}, "roleRef": role, "subjects": subjects}));
        }
        for namespace in self.words.namespaces.clone() {
            for at in 0..self.dice.from(3, 8) {
                let role = self.role_ref(Some(&namespace));
                let subjects = self.subjects(Some(&namespace));
                let name = self.binding_name(at);
                self.objects.push(json!({"apiVersion": RBAC_VERSION, "kind": "RoleBinding",
                    "metadata": {"name": name, "namespace": namespace}, "roleRef": role, "subjects": subjects}));
            }
        }
    }

    fn binding_name(&mut self, at: usize) -> String {
        let odd = ["Upper", "with:colon", "zwei Wörter", "x.y", "~tilde"];
        if self.dice.percent(15) { format!("{}-{at}", self.dice.pick(&odd)) } else { format!("b{at}") }
    }

    /// What a binding grants: mostly a role that is there.
    fn role_ref(&mut self, namespace: Option<&str>) -> Value {
        let there = |kind: &str| -> Vec<String> {
            self.objects
                .iter()
                .filter(|object| object["kind"] == kind)
                .filter(|object| kind == "ClusterRole" || object["metadata"]["namespace"].as_str() == namespace)
                .map(|object| object["metadata"]["name"].as_str().unwrap().to_owned())
                .collect()
        };
        let (roles, cluster_roles) = (there("Role"), there("ClusterRole"));
        let kind = if namespace.is_some() && self.dice.percent(50) { "Role" } else { "ClusterRole" };
        let known = if kind == "Role" { &roles } else { &cluster_roles };
        let name = if self.dice.percent(10) || known.is_empty() {
            // It may be there as the other kind, in another namespace, or not at all.
            (*self.dice.pick_odd(ROLE_NAMES, &["ghost", "Ghost", "view", "cluster-admin"], 50)).to_owned()
        } else if kind == "ClusterRole" && self.dice.percent(15) {
            (*self.dice.pick_odd(DEFAULT_ROLES, POWERFUL_ROLES, 10)).to_owned()
        } else {
            self.dice.pick(known).clone()
        };
        let mut role = json!({"kind": kind, "name": name});
        if self.dice.percent(70) {
            role["apiGroup"] = RBAC_GROUP.into();
        }
        role
    }

    fn subjects(&mut self, namespace: Option<&str>) -> Vec<Value> {
        let count = if self.dice.percent(6) { 0 } else { self.dice.from(1, 3) };
        let mut subjects: Vec<Value> = (0..count).map(|_| self.subject(namespace)).collect();
        if self.dice.percent(10)
            && let Some(first) = subjects.first().cloned()
        {
            subjects.push(first);
        }
        subjects
    }

    fn subject(&mut self, namespace: Option<&str>) -> Value {
        let mut subject = match self.dice.below(3) {
            0 => json!({"kind": "User", "name": self.dice.pick_odd(&self.words.users, &self.words.odd_users, 35)}),
            1 => json!({"kind": "Group", "name": self.dice.pick_odd(&self.words.groups, &self.words.odd_groups, 45)}),
            _ => {
                let mut account = json!({"kind": "ServiceAccount", "name": self.dice.pick(ACCOUNTS)});
                if namespace.is_none() || self.dice.percent(60) {
                    let odd = ["kube-system".to_owned(), "Bad/NS".to_owned(), "gone".to_owned()];
                    account["namespace"] = self.dice.pick_odd(&self.words.namespaces, &odd, 10).as_str().into();
                }
                return account;
            }
        };
        if self.dice.percent(60) {
            subject["apiGroup"] = RBAC_GROUP.into();
        }
        if self.dice.percent(5) {
            // Nobody looks at it.
            subject["namespace"] = self.dice.pick(&self.words.namespaces).as_str().into();
        }
        subject
    }

    /// ClusterRoles made of others: a union, one made of unions, two that are made of each other, one of everything with
    /// a label, and more for the roles that users get.
    fn aggregated(&mut self) {
        let label = |name: &str| format!("worlds.test/{name}");
        let made_of = |name: &str, labels: Value, selectors: Value| {
            json!({"apiVersion": RBAC_VERSION, "kind": "ClusterRole", "metadata": {"name": name, "labels": labels},
                "aggregationRule": {"clusterRoleSelectors": selectors}, "rules": []})
        };
        for at in 0..4 {
            let labels =
                json!({label("union"): if at % 2 == 0 { "true" } else { "false" }, label("part"): at.to_string()});
            let rules = vec![self.rule(RuleKinds::Both), self.rule(RuleKinds::Resources)];
            self.objects.push(json!({"apiVersion": RBAC_VERSION, "kind": "ClusterRole",
                "metadata": {"name": format!("part-{at}"), "labels": labels}, "rules": rules}));
        }
        let to_edit = json!({"rbac.authorization.k8s.io/aggregate-to-edit": "true"});
        let rules = vec![self.rule(RuleKinds::Resources)];
        self.objects.push(json!({"apiVersion": RBAC_VERSION, "kind": "ClusterRole",
            "metadata": {"name": "more-edit", "labels": to_edit}, "rules": rules}));
        let equals = |key: &str, value: &str| json!({"matchLabels": {label(key): value}});
        let is = |key: &str, operator: &str, values: &[&str]| json!({"matchExpressions": [{"key": label(key), "operator": operator, "values": values}]});
        self.objects.extend([
            made_of("union", json!({label("top"): "1"}), json!([equals("union", "true")])),
            made_of("union-of-union", json!({}), json!([is("top", "Exists", &[])])),
            made_of("some", json!({}), json!([is("part", "In", &["1", "3"]), equals("nobody", "x")])),
            made_of(
                "not-all",
                json!({}),
                json!([{"matchLabels": {label("union"): "false"},
                    "matchExpressions": [{"key": label("part"), "operator": "NotIn", "values": ["3"]},
                        {"key": label("top"), "operator": "DoesNotExist"}]}]),
            ),
            made_of("hen", json!({label("egg"): "true"}), json!([equals("hen", "true"), equals("part", "0")])),
            made_of("egg", json!({label("hen"): "true"}), json!([equals("egg", "true"), equals("part", "1")])),
            made_of("itself", json!({label("itself"): "true"}), json!([equals("itself", "true")])),
        ]);
        let roles = ["union", "union-of-union", "some", "not-all", "hen", "egg", "itself", "more-edit"];
        for (at, role) in roles.iter().enumerate() {
            let namespace = self.words.namespaces[at % self.words.namespaces.len()].clone();
            let kind = if at % 3 == 0 { "ClusterRoleBinding" } else { "RoleBinding" };
            let subjects = [self.subject(Some(&namespace)), self.subject(Some(&namespace))];
            let subjects: Vec<Value> = subjects
                .into_iter()
                .map(|mut subject| {
                    if subject["kind"] == "ServiceAccount" && subject["namespace"].is_null() {
                        subject["namespace"] = namespace.clone().into();
                    }
                    subject
                })
                .collect();
            let mut metadata = json!({"name": format!("to-{role}")});
            if kind == "RoleBinding" {
                metadata["namespace"] = namespace.into();
            }
            self.objects.push(json!({"apiVersion": RBAC_VERSION, "kind": kind, "metadata": metadata,
                "roleRef": {"apiGroup": RBAC_GROUP, "kind": "ClusterRole", "name": role}, "subjects": subjects}));
        }
    }

    /// Nodes, pods on them, and what these refer to. The objects referred to need not exist: the Node authorizer goes by
    /// the references alone.
    fn nodes(&mut self) {
        let nodes = self.words.nodes.clone();
        // The last one has pods but no Node object.
        for node in &nodes[..nodes.len() - 1] {
            self.objects.push(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": node}}));
        }
        for namespace in self.words.namespaces.clone() {
            let first = self.objects.len();
            let pods = self.dice.from(3, 6);
            for at in 0..pods {
                let pod = self.pod(&namespace, &format!("p{at}"));
                self.objects.push(pod);
            }
            for claim in CLAIMS {
                if self.dice.percent(70) {
                    let pod = &mut self.objects[first + self.dice.below(pods)];
                    let volume = json!({"name": format!("{claim}-too"), "persistentVolumeClaim": {"claimName": claim}});
                    pod["spec"]["volumes"].as_array_mut().unwrap().push(volume);
                }
                if self.dice.percent(90) {
                    let volume = self.volume(&namespace, claim);
                    self.objects.push(json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
                        "metadata": {"name": claim, "namespace": namespace},
                        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}},
                            "storageClassName": "", "volumeName": volume["metadata"]["name"]}}));
                    self.objects.push(volume);
                }
            }
        }
        for at in 0..3 {
            let node = self.dice.pick(&nodes).clone();
            self.objects.push(json!({"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment",
                "metadata": {"name": format!("attach-{at}-{}", nodes[0])},
                "spec": {"attacher": "csi.test", "nodeName": node, "source": {"persistentVolumeName": "any"}}}));
        }
    }

    fn pod(&mut self, namespace: &str, name: &str) -> Value {
        let mut metadata = json!({"name": name, "namespace": namespace});
        let mut container = json!({"name": "main", "image": "image"});
        let mut spec = json!({"terminationGracePeriodSeconds": 0});
        // A pod that waits for a node gives nobody anything; a mirror pod has to have one.
        let mirror = self.dice.percent(20);
        if mirror || self.dice.percent(85) {
            spec["nodeName"] = self.dice.pick(&self.words.nodes).as_str().into();
        }
        if mirror {
            metadata["annotations"] = json!({"kubernetes.io/config.mirror": "x"});
        }
        if self.dice.percent(80) {
            spec["serviceAccountName"] = (*self.dice.pick(ACCOUNTS)).into();
        }
        if self.dice.percent(30) {
            spec["imagePullSecrets"] = json!([{"name": self.dice.pick(SECRETS)}]);
        }
        if self.dice.percent(30) {
            container["envFrom"] = json!([{"secretRef": {"name": self.dice.pick(SECRETS)}},
                {"configMapRef": {"name": self.dice.pick(CONFIG_MAPS)}}]);
        }
        if self.dice.percent(30) {
            container["env"] = json!([
                {"name": "A", "valueFrom": {"secretKeyRef": {"name": self.dice.pick(SECRETS), "key": "k"}}},
                {"name": "B", "valueFrom": {"configMapKeyRef": {"name": self.dice.pick(CONFIG_MAPS), "key": "k"}}}]);
        }
        let mut volumes = Vec::new();
        for at in 0..self.dice.from(0, 4) {
            let mut volume = match self.dice.below(9) {
                0 => json!({"secret": {"secretName": self.dice.pick(SECRETS)}}),
                1 => json!({"configMap": {"name": self.dice.pick(CONFIG_MAPS)}}),
                2 | 3 | 6 => json!({"persistentVolumeClaim": {"claimName": self.dice.pick(CLAIMS)}}),
                4 => {
                    let mut sources = vec![
                        json!({"secret": {"name": self.dice.pick(SECRETS)}}),
                        json!({"configMap": {"name": self.dice.pick(CONFIG_MAPS)}}),
                    ];
                    if !spec["serviceAccountName"].is_null() {
                        sources.push(json!({"serviceAccountToken": {"path": "token", "audience": "vault"}}));
                    }
                    json!({"projected": {"sources": sources}})
                }
                5 => json!({"csi": {"driver": "csi.test", "nodePublishSecretRef": {"name": self.dice.pick(SECRETS)}}}),
                _ => json!({"ephemeral": {"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"],
                    "resources": {"requests": {"storage": "1Gi"}}}}}}),
            };
            volume["name"] = format!("v{at}").into();
            volumes.push(volume);
        }
        spec["volumes"] = json!(volumes);
        if self.dice.percent(20) {
            spec["initContainers"] = json!([{"name": "first", "image": "image",
                "envFrom": [{"secretRef": {"name": self.dice.pick(INIT_SECRETS)}}]}]);
        }
        if !mirror && self.dice.percent(20) {
            spec["resourceClaims"] = json!([{"name": "gpu", "resourceClaimName": self.dice.pick(CLAIMS)}]);
            container["resources"] = json!({"claims": [{"name": "gpu"}]});
        }
        spec["containers"] = json!([container]);
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    }

    fn volume(&mut self, namespace: &str, claim: &str) -> Value {
        let mut spec = json!({"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"]});
        if self.dice.percent(75) {
            spec["claimRef"] = json!({"namespace": namespace, "name": claim});
        }
        let of = self.dice.pick(&self.words.namespaces).clone();
        if self.dice.percent(65) {
            let mut secret = |chance: usize| {
                self.dice.percent(chance).then(|| json!({"name": self.dice.pick(VOLUME_SECRETS), "namespace": of}))
            };
            let mut source = json!({"driver": "csi.test", "volumeHandle": claim});
            for field in ["nodePublishSecretRef", "nodeStageSecretRef", "nodeExpandSecretRef"] {
                if let Some(reference) = secret(35) {
                    source[field] = reference;
                }
            }
            // Those are for the driver's controller, not for the node.
            for field in ["controllerPublishSecretRef", "controllerExpandSecretRef"] {
                if let Some(reference) = secret(70) {
                    source[field] = reference;
                }
            }
            spec["csi"] = source;
        } else {
            spec["azureFile"] = json!({"secretName": self.dice.pick(VOLUME_SECRETS), "shareName": "share"});
            if self.dice.percent(50) {
                spec["azureFile"]["secretNamespace"] = of.into();
            }
        }
        json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": format!("{claim}-{namespace}")},
            "spec": spec})
    }

    /// What validation refuses, but a file may hold and the authorizer's own code has an answer to.
    fn offline(&mut self) {
        let namespace = self.words.namespaces[0].clone();
        for at in 0..self.objects.len() {
            if !self.dice.percent(35) {
                continue;
            }
            let broken = match self.objects[at]["kind"].as_str() {
                Some("Role" | "ClusterRole") => self.broken_role(at),
                Some("RoleBinding" | "ClusterRoleBinding") => self.broken_binding(at),
                _ => continue,
            };
            self.objects[at] = broken;
        }
        // A rule for both kinds of request: each looks at its own half, and names do not count for paths.
        let mut rule = self.rule(RuleKinds::Resources);
        rule["nonResourceURLs"] = json!(self.list(1, 2, PATHS, ODD_PATHS, 40));
        self.objects.push(json!({"apiVersion": RBAC_VERSION, "kind": "ClusterRole", "metadata": {"name": "both"},
            "rules": [rule]}));
        for (at, kind) in ["ClusterRole", "clusterRole", "clusterrole"].iter().enumerate() {
            let subject = self.subject(None);
            self.objects.push(json!({"apiVersion": RBAC_VERSION, "kind": "ClusterRoleBinding",
                "metadata": {"name": format!("both-{at}")}, "roleRef": {"kind": kind, "name": "both"},
                "subjects": [subject]}));
        }
        // A namespace without an object, and one more name for the service accounts of everybody.
        let rule = self.rule(RuleKinds::Resources);
        self.objects.push(json!({"apiVersion": RBAC_VERSION, "kind": "Role",
            "metadata": {"name": "left", "namespace": "gone"}, "rules": [rule]}));
        self.objects.push(json!({"apiVersion": RBAC_VERSION, "kind": "RoleBinding",
            "metadata": {"name": "left", "namespace": "gone"}, "roleRef": {"kind": "Role", "name": "left"},
            "subjects": [{"kind": "User", "name": "alice"}, {"kind": "ServiceAccount", "name": "robot"},
                {"kind": "ServiceAccount", "name": "robot", "namespace": namespace}]}));
    }

    fn broken_role(&mut self, at: usize) -> Value {
        let mut role = self.objects[at].clone();
        let has_rules = role["rules"].as_array().is_some_and(|rules| !rules.is_empty());
        match self.dice.below(if has_rules { 5 } else { 2 }) {
            0 => role["rules"] = Value::Null,
            1 => drop(role.as_object_mut().unwrap().remove("rules")),
            2 => {
                let field = *self.dice.pick(&["verbs", "apiGroups", "resources"]);
                role["rules"][0][field] = json!([]);
            }
            3 => {
                let field = *self.dice.pick(&["verbs", "apiGroups", "resources", "resourceNames"]);
                role["rules"][0][field] = Value::Null;
            }
            _ => {
                let field = *self.dice.pick(&["verbs", "apiGroups", "resources"]);
                drop(role["rules"][0].as_object_mut().unwrap().remove(field));
            }
        }
        role
    }

    fn broken_binding(&mut self, at: usize) -> Value {
        let mut binding = self.objects[at].clone();
        let has_subjects = binding["subjects"].as_array().is_some_and(|subjects| !subjects.is_empty());
        match self.dice.below(if has_subjects { 10 } else { 4 }) {
            0 => drop(binding.as_object_mut().unwrap().remove("subjects")),
            1 => binding["roleRef"]["kind"] = (*self.dice.pick(&["clusterRole", "role", "Group", ""])).into(),
            // A ClusterRoleBinding looks for it in the namespace without a name.
            2 => binding["roleRef"]["kind"] = "Role".into(),
            3 => binding["subjects"] = Value::Null,
            4 => binding["roleRef"]["apiGroup"] = "example.org".into(),
            5 => {
                binding["subjects"][0]["kind"] =
                    (*self.dice.pick(&["user", "Users", "group", "serviceaccount", ""])).into()
            }
            6 => binding["subjects"][0] = json!({"kind": "ServiceAccount", "name": "robot"}),
            7 => binding["subjects"][0] = json!({"kind": "ServiceAccount", "name": "robot", "namespace": ""}),
            8 => binding["subjects"][0]["apiGroup"] = "example.org".into(),
            _ => binding["subjects"][0] = json!({"kind": self.dice.pick(&["User", "Group"]), "name": ""}),
        }
        binding
    }
}

/// Which rules a role may have: validation refuses paths in a Role.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RuleKinds {
    Resources,
    Both,
}

// So many, and different ones for different places, that mostly there is one way only to one of them.
pub(crate) const SECRETS: &[&str] = &["s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8"];
pub(crate) const VOLUME_SECRETS: &[&str] = &["v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8"];
pub(crate) const INIT_SECRETS: &[&str] = &["i1", "i2", "i3"];
pub(crate) const CONFIG_MAPS: &[&str] = &["c1", "c2", "c3", "c4", "c5"];
pub(crate) const CLAIMS: &[&str] = &["data-1", "data-2", "data-3", "data-4"];

/// The names of objects of a kind.
pub(crate) fn names_of(objects: &[Value], kind: &str) -> Vec<String> {
    let named = objects.iter().filter(|object| object["kind"] == kind);
    let names: BTreeSet<String> = named.map(|object| object["metadata"]["name"].as_str().unwrap().to_owned()).collect();
    names.into_iter().collect()
}
