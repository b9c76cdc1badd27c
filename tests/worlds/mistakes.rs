//! What tools get wrong about RBAC, each as a change of the world or the question that makes a right judge give the wrong
//! tool's answer. A selection of questions is worth something when each of these would be caught by one of them.

use serde_json::{Value, json};

use super::random::Flavour;
use super::{Mode, World};

/// One misunderstanding.
pub(crate) struct Mistake {
    /// What somebody believes.
    pub(crate) belief: &'static str,
    /// The worlds that can show it; those of `Flavour::Rbac` are in all of them.
    pub(crate) shown_by: Flavour,
    world: fn(&mut World),
    review: fn(&mut Value),
}

impl Mistake {
    /// World and questions as somebody sees them who believes this.
    pub(crate) fn seen(&self, world: &World, reviews: &[Value]) -> (World, Vec<Value>) {
        let (mut world, mut reviews) = (world.clone(), reviews.to_vec());
        (self.world)(&mut world);
        reviews.iter_mut().for_each(self.review);
        (world, reviews)
    }
}

const fn about_worlds(belief: &'static str, world: fn(&mut World)) -> Mistake {
    Mistake { belief, shown_by: Flavour::Rbac, world, review: |_| {} }
}

const fn about_reviews(belief: &'static str, review: fn(&mut Value)) -> Mistake {
    Mistake { belief, shown_by: Flavour::Rbac, world: |_| {}, review }
}

const fn about_nodes(belief: &'static str, world: fn(&mut World)) -> Mistake {
    Mistake { belief, shown_by: Flavour::NodesAndControllers, world, review: |_| {} }
}

const fn about_files(belief: &'static str, world: fn(&mut World)) -> Mistake {
    Mistake { belief, shown_by: Flavour::Offline, world, review: |_| {} }
}

const SUBRESOURCES: &[&str] = &["log", "exec", "proxy", "scale", "token", "status", "finalize", "x"];

/// All of them.
pub(crate) const MISTAKES: &[Mistake] = &[
    // Rules.
    about_worlds("pods/* covers every subresource of pods", |world| {
        each_rule(world, "resources", |entries, entry| {
            let Some(resource) = entry.strip_suffix("/*") else { return entries.push(entry.to_owned()) };
            entries.extend(SUBRESOURCES.iter().map(|sub| format!("{resource}/{sub}")));
        });
    }),
    about_worlds("*/* covers everything", |world| {
        each_rule(world, "resources", |entries, entry| entries.push(entry.replace("*/*", "*")));
    }),
    about_worlds("*/scale covers nothing", |world| {
        each_rule(world, "resources", |entries, entry| {
            if !entry.starts_with("*/") {
                entries.push(entry.to_owned());
            }
        });
    }),
    about_worlds("*/scale covers the resources themselves", |world| {
        each_rule(world, "resources", |entries, entry| {
            entries.push(if entry.starts_with("*/") { "*".to_owned() } else { entry.to_owned() });
        });
    }),
    about_worlds("resource * does not cover subresources", |world| {
        each_rule(world, "resources", |entries, entry| match entry {
            "*" => {
                entries.extend(super::random::RESOURCES.iter().filter(|r| !r.contains('/')).map(|r| (*r).to_owned()))
            }
            other => entries.push(other.to_owned()),
        });
    }),
    about_reviews("pods covers pods/log", |review| {
        if let Some(asked) = review["spec"]["resourceAttributes"].as_object_mut() {
            asked.remove("subresource");
        }
    }),
    about_reviews("a resource with a slash is a resource and a subresource", |review| {
        let asked = &mut review["spec"]["resourceAttributes"];
        if let Some((resource, subresource)) = text(&asked["resource"]).split_once('/')
            && asked["subresource"].is_null()
        {
            let (resource, subresource) = (resource.to_owned(), subresource.to_owned());
            asked["resource"] = resource.into();
            asked["subresource"] = subresource.into();
        }
    }),
    about_worlds("pod* is a prefix", |world| {
        each_rule(world, "resources", |entries, entry| match entry {
            "pod*" | "*pods" => entries.extend(["pods", "pods/log", "pods/exec"].map(str::to_owned)),
            other => entries.push(other.to_owned()),
        });
    }),
    about_worlds("ge* is a prefix", |world| {
        each_rule(world, "verbs", |entries, entry| entries.push(entry.replace("ge*", "get")));
    }),
    about_worlds("*.azure.com is a suffix", |world| {
        each_rule(world, "apiGroups", |entries, entry| entries.push(entry.replace("*.azure", "documentdb.azure")));
    }),
    about_worlds("core is the name of the core group", |world| {
        each_rule(world, "apiGroups", |entries, entry| {
            entries.push(if matches!(entry, "core" | "v1") { String::new() } else { entry.to_owned() });
        });
    }),
    Mistake {
        belief: "letter case does not count in verbs, groups and resources",
        shown_by: Flavour::Rbac,
        world: |world| {
            for field in ["verbs", "apiGroups", "resources"] {
                each_rule(world, field, |entries, entry| entries.push(entry.to_lowercase()));
            }
        },
        review: |review| {
            for field in ["verb", "group", "resource"] {
                let asked = &mut review["spec"]["resourceAttributes"][field];
                if !asked.is_null() {
                    *asked = text(asked).to_lowercase().into();
                }
            }
        },
    },
    about_reviews("asking for verb * is asking for some verb", |review| {
        for attributes in ["resourceAttributes", "nonResourceAttributes"] {
            if review["spec"][attributes]["verb"] == "*" {
                review["spec"][attributes]["verb"] = "get".into();
            }
        }
    }),
    about_reviews("asking for resource * is asking for some resource", |review| {
        let asked = &mut review["spec"]["resourceAttributes"];
        if asked["resource"] == "*" {
            asked["resource"] = "pods".into();
        }
    }),
    about_reviews("asking for group * is asking for some group", |review| {
        let asked = &mut review["spec"]["resourceAttributes"];
        if asked["group"] == "*" {
            asked["group"] = "".into();
        }
    }),
    about_worlds("names do not count for requests without a name", |world| {
        each_rule(world, "resourceNames", |entries, entry| entries.extend([entry.to_owned(), String::new()]));
    }),
    about_worlds("an empty name among the names is nothing", |world| {
        each_rule(world, "resourceNames", |entries, entry| {
            entries.push(if entry.is_empty() { "no object".to_owned() } else { entry.to_owned() });
        });
    }),
    about_worlds("resourceNames * is every name", |world| {
        each_rule(world, "resourceNames", |entries, entry| {
            entries.push(entry.to_owned());
            if entry == "*" {
                entries.extend(super::random::NAMES.iter().map(|name| (*name).to_owned()));
            }
        });
    }),
    about_reviews("a field selector gives the request its name", |review| {
        let asked = &mut review["spec"]["resourceAttributes"];
        if asked["fieldSelector"]["requirements"][0]["key"] == "metadata.name" {
            asked["name"] = asked["fieldSelector"]["requirements"][0]["values"][0].clone();
        }
    }),
    // Paths.
    about_worlds("/foo/* covers /foo", |world| {
        each_rule(world, "nonResourceURLs", |entries, entry| {
            entries.push(entry.to_owned());
            entries.extend(entry.strip_suffix("/*").map(str::to_owned));
        });
    }),
    about_worlds("/foo* covers only what is below /foo", |world| {
        each_rule(world, "nonResourceURLs", |entries, entry| match entry.strip_suffix('*') {
            Some(stem) if !stem.is_empty() && !stem.ends_with(['/', '*']) => {
                entries.extend([stem.to_owned(), format!("{stem}/*")]);
            }
            _ => entries.push(entry.to_owned()),
        });
    }),
    about_worlds("only one star at the end is cut", |world| {
        each_rule(world, "nonResourceURLs", |entries, entry| {
            if !entry.ends_with("**") {
                entries.push(entry.to_owned());
            }
        });
    }),
    about_worlds("a star inside of a path stands for anything", |world| {
        each_rule(world, "nonResourceURLs", |entries, entry| {
            entries.push(entry.split_once('*').map_or(entry.to_owned(), |(stem, _)| format!("{stem}*")));
        });
    }),
    about_reviews("a slash at the end of a path does not count", |review| {
        let asked = &mut review["spec"]["nonResourceAttributes"];
        if !asked.is_null() {
            asked["path"] = text(&asked["path"]).trim_end_matches('/').into();
        }
    }),
    about_reviews("two slashes in a path are one", |review| {
        let asked = &mut review["spec"]["nonResourceAttributes"];
        if !asked.is_null() {
            asked["path"] = text(&asked["path"]).replace("//", "/").into();
        }
    }),
    about_worlds("a RoleBinding grants the paths of a ClusterRole", |world| {
        let mut more = Vec::new();
        for binding in world.objects.iter().filter(|object| object["kind"] == "RoleBinding") {
            let role = world.objects.iter().find(|role| {
                role["kind"] == "ClusterRole"
                    && binding["roleRef"]["kind"] == "ClusterRole"
                    && role["metadata"]["name"] == binding["roleRef"]["name"]
            });
            let Some(rules) = role.and_then(|role| role["rules"].as_array()) else { continue };
            let rules: Vec<&Value> = rules.iter().filter(|rule| !rule["nonResourceURLs"].is_null()).collect();
            let name = format!("paths-{}", more.len());
            more.push(json!({"kind": "ClusterRole", "metadata": {"name": name}, "rules": rules}));
            more.push(json!({"kind": "ClusterRoleBinding", "metadata": {"name": name},
                "roleRef": {"kind": "ClusterRole", "name": name}, "subjects": binding["subjects"]}));
        }
        world.objects.extend(more);
    }),
    // Namespaces.
    about_reviews("a request for all namespaces is one for some namespace", |review| {
        let asked = &mut review["spec"]["resourceAttributes"];
        if !asked.is_null() && text(&asked["namespace"]).is_empty() {
            asked["namespace"] = "alpha".into();
        }
    }),
    about_reviews("RoleBindings do not count for what lives in no namespace", |review| {
        let asked = &mut review["spec"]["resourceAttributes"];
        if matches!(text(&asked["resource"]), "nodes" | "persistentvolumes") {
            asked["namespace"] = "".into();
        }
    }),
    about_reviews("a request for a namespace object carries no namespace", |review| {
        let asked = &mut review["spec"]["resourceAttributes"];
        if asked["resource"] == "namespaces" {
            asked["namespace"] = "".into();
        }
    }),
    about_worlds("a Role that is not there may be a ClusterRole", |world| {
        let known = roles(world);
        each_binding(world, |binding| {
            let namespace = text(&binding["metadata"]["namespace"]).to_owned();
            let name = text(&binding["roleRef"]["name"]).to_owned();
            if binding["roleRef"]["kind"] == "Role" && !known.contains(&("Role".to_owned(), namespace, name)) {
                binding["roleRef"]["kind"] = "ClusterRole".into();
            }
        });
    }),
    about_worlds("a RoleBinding to a ClusterRole holds everywhere", |world| {
        each_binding(world, |binding| {
            if binding["roleRef"]["kind"] == "ClusterRole" {
                binding["kind"] = "ClusterRoleBinding".into();
            }
        });
    }),
    about_worlds("a name of a ClusterRole may be a Role's", |world| {
        let known = roles(world);
        each_binding(world, |binding| {
            let namespace = text(&binding["metadata"]["namespace"]).to_owned();
            let name = text(&binding["roleRef"]["name"]).to_owned();
            if known.contains(&("Role".to_owned(), namespace, name)) {
                binding["roleRef"]["kind"] = "Role".into();
            }
        });
    }),
    // Subjects.
    about_worlds("a User is never a service account", |world| {
        each_subject(world, |_, subject| {
            if subject["kind"] == "User" && text(&subject["name"]).starts_with("system:serviceaccount:") {
                subject["kind"] = "Nobody".into();
            }
        });
    }),
    about_worlds("a ServiceAccount without a namespace is nobody", |world| {
        each_subject(world, |_, subject| {
            if subject["kind"] == "ServiceAccount" && text(&subject["namespace"]).is_empty() {
                subject["kind"] = "Nobody".into();
            }
        });
    }),
    about_worlds("a RoleBinding's service accounts are those of its namespace", |world| {
        each_subject(world, |namespace, subject| {
            if subject["kind"] == "ServiceAccount" && !namespace.is_empty() {
                subject["namespace"] = namespace.into();
            }
        });
    }),
    about_reviews("everybody is in system:authenticated", |review| add_group(review, "system:authenticated")),
    about_reviews("a service account is in its groups", |review| {
        let user = text(&review["spec"]["user"]).to_owned();
        if let Some((namespace, _)) = user.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':'))
        {
            add_group(review, "system:serviceaccounts");
            add_group(review, &format!("system:serviceaccounts:{namespace}"));
        }
    }),
    about_reviews("the groups of a service account are its namespace's", |review| {
        let groups = review["spec"]["groups"].take();
        let groups = groups.as_array().cloned().unwrap_or_default();
        review["spec"]["groups"] =
            groups.into_iter().filter(|group| !text(group).starts_with("system:serviceaccounts")).collect();
    }),
    about_reviews("a user has the groups of their name", |review| {
        let user = text(&review["spec"]["user"]).to_owned();
        add_group(review, &user);
    }),
    about_reviews("system:masters is a group like others", |review| {
        if let Some(groups) = review["spec"]["groups"].as_array_mut() {
            groups.retain(|group| group != "system:masters");
        }
    }),
    Mistake {
        belief: "a subject * is everybody",
        shown_by: Flavour::Rbac,
        world: |world| {
            each_subject(world, |_, subject| {
                if subject["name"] == "*" {
                    *subject = json!({"kind": "Group", "name": "everybody"});
                }
            });
        },
        review: |review| add_group(review, "everybody"),
    },
    Mistake {
        belief: "letter case does not count in the names of users and groups",
        shown_by: Flavour::Rbac,
        world: |world| {
            each_subject(world, |_, subject| subject["name"] = text(&subject["name"]).to_lowercase().into());
        },
        review: |review| {
            let user = text(&review["spec"]["user"]).to_lowercase();
            review["spec"]["user"] = user.into();
            let groups: Vec<String> = list(&review["spec"]["groups"]).map(|group| text(group).to_lowercase()).collect();
            review["spec"]["groups"] = json!(groups);
        },
    },
    about_reviews("only a user has rights, not their groups", |review| review["spec"]["groups"] = json!([])),
    about_reviews("who has no name has no rights", |review| {
        if text(&review["spec"]["user"]).is_empty() {
            review["spec"]["groups"] = json!(["nobody"]);
        }
    }),
    about_worlds("system:unauthenticated and system:anonymous have no rights", |world| {
        each_subject(world, |_, subject| {
            if matches!(text(&subject["name"]), "system:unauthenticated" | "system:anonymous") {
                subject["kind"] = "Nobody".into();
            }
        });
    }),
    // Aggregation.
    about_nodes("aggregated roles have no rules of their own", |world| {
        for object in &mut world.objects {
            object.as_object_mut().unwrap().remove("aggregationRule");
        }
    }),
    about_nodes("an aggregated role takes no aggregated roles in", |world| {
        let (mut aggregated, others): (Vec<Value>, Vec<Value>) =
            world.objects.drain(..).partition(|object| !object["aggregationRule"].is_null());
        let alone = |role: &Value| {
            let mut objects = others.clone();
            objects.push(role.clone());
            super::oracle::roles(&objects)[&["ClusterRole", "", text(&role["metadata"]["name"])].map(str::to_owned)]
                .clone()
        };
        for role in &mut aggregated {
            role["rules"] = json!(alone(role));
            role.as_object_mut().unwrap().remove("aggregationRule");
        }
        world.objects = others;
        world.objects.extend(aggregated);
    }),
    about_nodes("all selectors of an aggregated role have to select", |world| {
        for object in &mut world.objects {
            if let Some(selectors) = object["aggregationRule"]["clusterRoleSelectors"].as_array_mut() {
                selectors.truncate(1);
            }
        }
    }),
    // Nodes.
    about_nodes("RBAC is the only authorizer", |world| world.mode = Mode::Rbac),
    Mistake {
        belief: "a node is known by its name",
        shown_by: Flavour::NodesAndControllers,
        world: |_| {},
        review: |review| {
            if text(&review["spec"]["user"]).starts_with("system:node:") {
                add_group(review, "system:nodes");
            }
        },
    },
    about_nodes("a mirror pod gives what it refers to", |world| {
        each_of_kind(world, "Pod", |pod| drop(pod["metadata"].as_object_mut().unwrap().remove("annotations")));
    }),
    about_nodes("a pod gives only its volumes", |world| {
        each_of_kind(world, "Pod", |pod| {
            for field in ["containers", "initContainers", "imagePullSecrets"] {
                pod["spec"].as_object_mut().unwrap().remove(field);
            }
        });
    }),
    about_nodes("init containers do not count", |world| {
        each_of_kind(world, "Pod", |pod| drop(pod["spec"].as_object_mut().unwrap().remove("initContainers")));
    }),
    about_nodes("ephemeral volumes have no claims", |world| {
        each_of_kind(world, "Pod", |pod| {
            if let Some(volumes) = pod["spec"]["volumes"].as_array_mut() {
                volumes.retain(|volume| volume["ephemeral"].is_null());
            }
        });
    }),
    about_nodes("volumes give no secrets", |world| {
        each_of_kind(world, "PersistentVolume", |volume| {
            volume["spec"].as_object_mut().unwrap().remove("csi");
            volume["spec"].as_object_mut().unwrap().remove("azureFile");
        });
    }),
    about_nodes("the secrets of a driver's controller are for the nodes, too", |world| {
        each_of_kind(world, "PersistentVolume", |volume| {
            let other = volume["spec"]["csi"]["controllerPublishSecretRef"].clone();
            if !other.is_null() {
                volume["spec"]["csi"]["nodePublishSecretRef"] = other;
            }
        });
    }),
    about_nodes("the share's secret is in the claim's namespace", |world| {
        each_of_kind(world, "PersistentVolume", |volume| {
            if let Some(share) = volume["spec"]["azureFile"].as_object_mut() {
                share.remove("secretNamespace");
            }
        });
    }),
    about_nodes("a claim says which volume is its own", |world| {
        let claims: Vec<Value> =
            world.objects.iter().filter(|object| object["kind"] == "PersistentVolumeClaim").cloned().collect();
        each_of_kind(world, "PersistentVolume", |volume| {
            let own = claims.iter().find(|claim| claim["spec"]["volumeName"] == volume["metadata"]["name"]);
            if let Some(claim) = own {
                volume["spec"]["claimRef"] = claim["metadata"].clone();
            }
        });
    }),
    Mistake {
        belief: "a field selector with several nodes, or without one, selects the node",
        shown_by: Flavour::NodesAndControllers,
        world: |_| {},
        review: |review| {
            let selector = &mut review["spec"]["resourceAttributes"]["fieldSelector"]["requirements"];
            if let Some(requirement) = selector.as_array_mut().and_then(|all| all.first_mut()) {
                requirement["operator"] = "In".into();
                if let Some(values) = requirement["values"].as_array_mut() {
                    values.truncate(1);
                }
            }
        },
    },
    // What only a file can hold.
    about_files("no verbs are all verbs", |world| {
        for object in &mut world.objects {
            for rule in object["rules"].as_array_mut().into_iter().flatten() {
                for field in ["verbs", "apiGroups", "resources"] {
                    if rule["nonResourceURLs"].is_null() && list(&rule[field]).next().is_none() {
                        rule[field] = json!(["*"]);
                    }
                }
            }
        }
    }),
    about_files("a rule is for resources or for paths", |world| {
        for object in &mut world.objects {
            for rule in object["rules"].as_array_mut().into_iter().flatten() {
                if !rule["resources"].is_null() {
                    rule.as_object_mut().unwrap().remove("nonResourceURLs");
                }
            }
        }
    }),
    about_files("names limit paths, too", |world| {
        for object in &mut world.objects {
            for rule in object["rules"].as_array_mut().into_iter().flatten() {
                if list(&rule["resourceNames"]).next().is_some() {
                    rule.as_object_mut().unwrap().remove("nonResourceURLs");
                }
            }
        }
    }),
    about_files("letter case does not count in the kind of a role", |world| {
        each_binding(world, |binding| match text(&binding["roleRef"]["kind"]) {
            "clusterRole" => binding["roleRef"]["kind"] = "ClusterRole".into(),
            "role" => binding["roleRef"]["kind"] = "Role".into(),
            _ => {}
        });
    }),
    about_files("a ClusterRoleBinding grants ClusterRoles whatever it says", |world| {
        each_binding(world, |binding| {
            if binding["kind"] == "ClusterRoleBinding" {
                binding["roleRef"]["kind"] = "ClusterRole".into();
            }
        });
    }),
    about_files("the API group of a role reference counts", |world| {
        each_binding(world, |binding| {
            if binding["roleRef"]["apiGroup"] == "example.org" {
                binding["subjects"] = json!([]);
            }
        });
    }),
    about_files("the API group of a subject counts", |world| {
        each_subject(world, |_, subject| {
            if subject["apiGroup"] == "example.org" {
                subject["kind"] = "Nobody".into();
            }
        });
    }),
    about_files("letter case does not count in the kind of a subject", |world| {
        each_subject(world, |_, subject| {
            subject["kind"] = match text(&subject["kind"]).to_lowercase().as_str() {
                "user" | "users" => "User".into(),
                "group" => "Group".into(),
                "serviceaccount" => "ServiceAccount".into(),
                _ => return,
            };
        });
    }),
    about_files("a namespace has to be there for its bindings to count", |world| {
        world.objects.retain(|object| object["metadata"]["namespace"] != "gone");
    }),
];

/// Replaces the entries of one field of all rules; `each` gets the new list and an old entry.
fn each_rule(world: &mut World, field: &str, each: fn(&mut Vec<String>, &str)) {
    for object in &mut world.objects {
        for rule in object["rules"].as_array_mut().into_iter().flatten() {
            let Some(entries) = rule[field].as_array() else { continue };
            let mut new = Vec::new();
            entries.iter().for_each(|entry| each(&mut new, text(entry)));
            rule[field] = json!(new);
        }
    }
}

fn each_binding(world: &mut World, mut each: impl FnMut(&mut Value)) {
    for kind in ["RoleBinding", "ClusterRoleBinding"] {
        each_of_kind(world, kind, &mut each);
    }
}

/// `each` gets the binding's namespace and a subject.
fn each_subject(world: &mut World, each: fn(&str, &mut Value)) {
    each_binding(world, |binding| {
        let namespace = text(&binding["metadata"]["namespace"]).to_owned();
        for subject in binding["subjects"].as_array_mut().into_iter().flatten() {
            each(&namespace, subject);
        }
    });
}

fn each_of_kind(world: &mut World, kind: &str, mut each: impl FnMut(&mut Value)) {
    world.objects.iter_mut().filter(|object| object["kind"] == kind).for_each(&mut each);
}

fn roles(world: &World) -> std::collections::BTreeSet<(String, String, String)> {
    let roles = world.objects.iter().filter(|object| matches!(text(&object["kind"]), "Role" | "ClusterRole"));
    let key = |role: &Value| {
        let metadata = &role["metadata"];
        (text(&role["kind"]).to_owned(), text(&metadata["namespace"]).to_owned(), text(&metadata["name"]).to_owned())
    };
    roles.map(key).collect()
}

fn add_group(review: &mut Value, group: &str) {
    let mut groups: Vec<String> = list(&review["spec"]["groups"]).map(|group| text(group).to_owned()).collect();
    groups.push(group.to_owned());
    review["spec"]["groups"] = json!(groups);
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
