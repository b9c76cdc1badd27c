//! An attacker that is slow and simple: it tries everything it can name with everybody it has become, again and again until
//! nothing is new. It imports nothing that it judges, and its state is a handful of sets.
//!
//! Namespace `""` is the cluster. [`ELSEWHERE`] is a namespace that no object names: what can be done there can be done in each.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// A namespace that nobody mentions.
pub(crate) const ELSEWHERE: &str = "elsewhere";

/// The name of a role that the attacker thinks of.
const FRESH: &str = "fresh";

const RBAC: &str = "rbac.authorization.k8s.io";

/// Namespace (none for a ClusterRole) and name.
type Role = (String, String);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rule {
    verbs: Vec<String>,
    groups: Vec<String>,
    resources: Vec<String>,
    names: Vec<String>,
}

#[derive(Clone, Debug)]
struct Binding {
    namespace: String,
    name: String,
    role: Role,
    subjects: BTreeSet<String>,
}

/// A world as the attacker sees it.
pub(crate) struct Attacker {
    roles: BTreeMap<Role, Vec<Rule>>,
    aggregated: BTreeSet<Role>,
    bindings: Vec<Binding>,
    accounts: BTreeSet<String>,
    namespaces: Vec<String>,
    /// Namespaces whose accounts are all known.
    known: BTreeSet<String>,
}

/// What it has become.
#[derive(Clone, Debug, Default, PartialEq)]
struct State {
    /// `user NAME` or `group NAME`, or several of them with ` + ` between them: one request carries a name and groups.
    identities: BTreeSet<String>,
    /// Those of them whose credentials it has. The others are impersonated, and impersonate nobody else.
    credentials: BTreeSet<String>,
    /// Roles that it can bind anybody to, and where.
    bound: BTreeSet<(Role, String)>,
    /// The same for roles that were made without rules.
    bound_empty: BTreeSet<(Role, String)>,
    /// Roles that it can write anything into.
    rewritten: BTreeSet<Role>,
    /// Roles that it can have anything added to.
    fed: BTreeSet<Role>,
    /// Roles that it can make with anything in them.
    born: BTreeSet<Role>,
    /// Roles that it can make without rules.
    made: BTreeSet<Role>,
    accounts: BTreeSet<String>,
    /// Where it can do everything.
    everything: BTreeSet<String>,
    /// Where it runs pods of its own: with the Secrets of the namespace in them and, as nothing stops it, as root on any node.
    pods: BTreeSet<String>,
    /// Whether it is told of every object that is written.
    hears: bool,
    /// Where it makes Secrets, and where it reads some Secret that is not there yet.
    makes_secrets: BTreeSet<String>,
    reads_secrets: BTreeSet<String>,
    /// Where it does both at once, by a patch of one name.
    patches_secrets: BTreeSet<String>,
}

/// What somebody reaches or holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Reached {
    pub(crate) cluster_admin: bool,
    /// The namespaces that are administered, [`ELSEWHERE`] for each.
    pub(crate) admin: BTreeSet<String>,
    /// The namespaces whose Secrets are read.
    pub(crate) secrets: BTreeSet<String>,
    /// Whether it is root on any node.
    pub(crate) nodes: bool,
    /// Who it can act as.
    pub(crate) identities: BTreeSet<String>,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(text).collect()
}

impl Attacker {
    pub(crate) fn new(objects: &[Value]) -> Attacker {
        let kind = |wanted: &'static str| objects.iter().filter(move |object| object["kind"] == wanted);
        let key = |object: &Value| (text(&object["metadata"]["namespace"]), text(&object["metadata"]["name"]));
        let rules = |object: &Value| {
            let rule = |rule: &Value| Rule {
                verbs: texts(&rule["verbs"]),
                groups: texts(&rule["apiGroups"]),
                resources: texts(&rule["resources"]),
                names: texts(&rule["resourceNames"]),
            };
            object["rules"].as_array().into_iter().flatten().map(rule).collect()
        };
        let bindings = kind("RoleBinding").chain(kind("ClusterRoleBinding")).map(|object| {
            let (namespace, name) = key(object);
            let of = if object["roleRef"]["kind"] == "Role" { namespace.clone() } else { String::new() };
            let subject = |subject: &Value| match subject["kind"].as_str() {
                Some("ServiceAccount") => {
                    format!("user system:serviceaccount:{}:{}", text(&subject["namespace"]), text(&subject["name"]))
                }
                Some("Group") => format!("group {}", text(&subject["name"])),
                _ => format!("user {}", text(&subject["name"])),
            };
            Binding {
                namespace,
                name,
                role: (of, text(&object["roleRef"]["name"])),
                subjects: object["subjects"].as_array().into_iter().flatten().map(subject).collect(),
            }
        });
        let bindings: Vec<Binding> = bindings.collect();
        let accounts: BTreeSet<String> = kind("ServiceAccount")
            .map(key)
            .map(|(namespace, name)| format!("user system:serviceaccount:{namespace}:{name}"))
            .collect();
        let mut namespaces: BTreeSet<String> = bindings.iter().map(|binding| binding.namespace.clone()).collect();
        namespaces.extend(kind("ServiceAccount").map(|object| key(object).0));
        namespaces.extend([String::new(), ELSEWHERE.to_owned()]);
        Attacker {
            roles: kind("Role").chain(kind("ClusterRole")).map(|object| (key(object), rules(object))).collect(),
            aggregated: kind("ClusterRole").filter(|object| !object["aggregationRule"].is_null()).map(key).collect(),
            known: kind("ServiceAccount").map(key).filter(|(_, name)| name == "default").map(|(at, _)| at).collect(),
            namespaces: namespaces.into_iter().collect(),
            bindings,
            accounts,
        }
    }

    /// What a subject, `user NAME` or `group NAME`, reaches or holds.
    pub(crate) fn reaches(&self, subject: &str) -> Reached {
        let own = BTreeSet::from([subject.to_owned()]);
        let mut state = State { identities: own.clone(), credentials: own, ..State::default() };
        loop {
            let before = state.clone();
            for who in before.identities.clone() {
                self.act(&who, &mut state);
            }
            if state == before {
                return self.reached(&state);
            }
        }
    }

    fn reached(&self, state: &State) -> Reached {
        let mut reached = Reached { identities: state.identities.clone(), ..Reached::default() };
        let is_master = |who: &String| who.split(" + ").any(|part| part == "group system:masters");
        reached.cluster_admin = state.everything.contains("") || state.identities.iter().any(is_master);
        reached.nodes = !state.pods.is_empty();
        reached.secrets.extend(state.pods.iter().cloned());
        if state.hears {
            reached.secrets.extend(self.namespaces.iter().filter(|at| !at.is_empty()).cloned());
        }
        for who in &state.identities {
            for at in &self.namespaces {
                let hand = self.hand(state, who, at);
                let can = |verb: &str, group: &str, resource: &str| hand.can(verb, group, resource, "");
                if at.is_empty() {
                    continue;
                }
                let lists = can("list", "", "secrets") || can("watch", "", "secrets");
                if can("create", RBAC, "roles")
                    && can("create", RBAC, "rolebindings")
                    && can("create", "", "pods")
                    && lists
                {
                    reached.admin.insert(at.clone());
                }
                let any = |verb: &&str| hand.can(verb, "", "secrets", "one that nobody names");
                if lists || can("deletecollection", "", "secrets") || ["get", "patch", "delete"].iter().any(any) {
                    reached.secrets.insert(at.clone());
                }
            }
        }
        reached
    }

    /// Everything that one identity can do now.
    fn act(&self, who: &str, state: &mut State) {
        for at in &self.namespaces {
            let kind = if at.is_empty() { "clusterroles" } else { "roles" };
            let hand = self.hand(state, who, at);
            for role in self.role_names(at) {
                let can = |verb: &str, name: &str| hand.can(verb, RBAC, kind, name);
                let write = can("update", &role.1) || can("patch", &role.1);
                let named = can("create", &role.1) && write;
                let there = self.roles.contains_key(&role);
                let (make, born, rewrite) = (
                    can("create", "") || named,
                    (can("create", "") && can("escalate", "")) || (named && can("escalate", &role.1)),
                    write && can("escalate", &role.1),
                );
                if !there && make {
                    state.made.insert(role.clone());
                }
                if !there && born {
                    state.born.insert(role.clone());
                }
                if rewrite && (there || state.made.contains(&role)) {
                    state.rewritten.insert(role.clone());
                }
                if at.is_empty() && (state.rewritten.contains(&role) || state.born.contains(&role)) {
                    state.fed.extend(self.aggregated.iter().filter(|whole| **whole != role).cloned());
                }
            }
            self.bind(who, at, state);
            if at.is_empty() {
                if state.credentials.contains(who) {
                    self.impersonate(who, &hand, state);
                }
                // There are no webhooks to be changed.
                let puts_in = |resource: &str| {
                    let can = |verb: &str, name: &str| hand.can(verb, "admissionregistration.k8s.io", resource, name);
                    can("create", "")
                        || self.binding_names().iter().any(|name| can("create", name) && can("patch", name))
                };
                if puts_in("mutatingwebhookconfigurations") {
                    state.everything.extend(self.namespaces.iter().cloned());
                }
                state.hears |= puts_in("validatingwebhookconfigurations");
            } else {
                if self.runs_pods(&hand) {
                    state.pods.insert(at.clone());
                    state.identities.insert("group system:nodes".to_owned());
                }
                self.secrets(&hand, at, state);
                self.become_accounts(who, at, state);
            }
            let star = Rule {
                verbs: vec!["*".to_owned()],
                groups: vec!["*".to_owned()],
                resources: vec!["*".to_owned()],
                names: vec![],
            };
            if self.rules(state, who, at).iter().any(|rule| covers(rule, &star)) || self.rewrites(state, who, at) {
                state.everything.insert(at.clone());
                if at.is_empty() {
                    state.everything.extend(self.namespaces.iter().cloned());
                }
                if at == ELSEWHERE {
                    state.everything.extend(self.namespaces.iter().filter(|at| !at.is_empty()).cloned());
                }
            }
        }
    }

    /// Binds every role that it may, at one place.
    fn bind(&self, who: &str, at: &str, state: &mut State) {
        let bindings = if at.is_empty() { "clusterrolebindings" } else { "rolebindings" };
        let kinds = if at.is_empty() { vec![""] } else { vec!["", at] };
        let (hand, names) = (self.hand(state, who, at), self.binding_names());
        for role in kinds.into_iter().flat_map(|kind| self.role_names(kind)) {
            let can = |verb: &str, name: &str| hand.can(verb, RBAC, bindings, name);
            let there = |name: &str| self.bindings.iter().find(|one| one.namespace == at && one.name == name);
            let writes = can("create", "")
                || names.iter().any(|name| {
                    let write = can("update", name) || can("patch", name);
                    match there(name) {
                        Some(binding) => write && binding.role == role,
                        None => write && can("create", name),
                    }
                });
            if !writes {
                continue;
            }
            let kind = if role.0.is_empty() { "clusterroles" } else { "roles" };
            if hand.can("bind", RBAC, kind, &role.1) {
                state.bound.insert((role.clone(), at.to_owned()));
            }
            if self.roles.get(&role).is_some_and(|rules| rules.iter().all(|rule| held(&hand.rules, rule))) {
                state.bound.insert((role.clone(), at.to_owned()));
            }
            // A role without rules, be it new or emptied for this, is held by everybody.
            if state.made.contains(&role) || state.rewritten.contains(&role) {
                state.bound_empty.insert((role.clone(), at.to_owned()));
            }
        }
    }

    /// Becomes users, and members of groups where some name goes with them. Nobody's own groups come with a name.
    fn impersonate(&self, who: &str, hand: &Hand<'_>, state: &mut State) {
        let mentioned: BTreeSet<&String> = self.bindings.iter().flat_map(|binding| &binding.subjects).collect();
        let can = |resource: &str, name: &str| hand.can("impersonate", "", resource, name);
        let names = self.roles.values().flatten().flat_map(|rule| &rule.names).filter(|name| !name.is_empty());
        let names: Vec<&str> = names.map(String::as_str).chain(["one that nobody names"]).collect();
        let account = |at: &String| {
            let there = self.hand(state, who, at);
            !at.is_empty() && names.iter().any(|name| there.can("impersonate", "", "serviceaccounts", name))
        };
        let some_name = names.iter().any(|name| can("users", name)) || self.namespaces.iter().any(account);
        let user = |user: &str| !user.starts_with("system:serviceaccount:") && can("users", user);
        let group = |group: &str| some_name && can("groups", group);
        let masters = "group system:masters".to_owned();
        let become_one = |one: &&&String| match one.split_once(' ') {
            Some(("user", name)) => user(name),
            Some((_, name)) => group(name),
            None => false,
        };
        let all = mentioned.into_iter().chain([&masters]).collect::<Vec<_>>();
        state.identities.extend(all.iter().filter(become_one).map(|one| (*one).clone()));
        // All groups at once are the most that one request carries, and any name goes with them.
        let groups: Vec<&str> =
            all.iter().filter(|one| one.starts_with("group ") && become_one(one)).map(|one| one.as_str()).collect();
        let together = |name: Option<&str>| groups.iter().copied().chain(name).collect::<Vec<&str>>().join(" + ");
        let accounts = self.bindings.iter().flat_map(|binding| &binding.subjects).filter(|one| {
            let parts = one.strip_prefix("user system:serviceaccount:").and_then(|rest| rest.split_once(':'));
            parts.is_some_and(|(at, name)| self.hand(state, who, at).can("impersonate", "", "serviceaccounts", name))
        });
        let users = all.iter().filter(|one| one.starts_with("user ") && become_one(one)).copied();
        let names: Vec<&str> = users.chain(accounts).map(String::as_str).collect();
        if !groups.is_empty() {
            state.identities.extend(names.into_iter().map(Some).chain([None]).map(together));
        }
    }

    /// Whether it can have a pod of its own run there. These worlds say nothing of pods and workloads: any name may be free, and
    /// any may be taken.
    fn runs_pods(&self, hand: &Hand<'_>) -> bool {
        let names = self.roles.values().flatten().flat_map(|rule| &rule.names).map(String::as_str);
        let names: BTreeSet<&str> = names.chain(["a name that nobody lists"]).filter(|name| !name.is_empty()).collect();
        let makes = |group: &str, resource: &str| {
            let can = |verb: &str, name: &str| hand.can(verb, group, resource, name);
            can("create", "") || names.iter().any(|name| can("create", name) && can("patch", name))
        };
        let changes = |group: &str, resource: &str| {
            names.iter().any(|name| ["update", "patch"].iter().any(|verb| hand.can(verb, group, resource, name)))
        };
        let lasting = ["deployments", "daemonsets", "statefulsets", "replicasets"];
        makes("", "pods")
            || makes("batch", "jobs")
            || lasting.iter().any(|resource| makes("apps", resource) || changes("apps", resource))
            || [("batch", "cronjobs"), ("", "replicationcontrollers")]
                .iter()
                .any(|(group, resource)| makes(group, resource) || changes(group, resource))
    }

    /// Makes Secrets for tokens, and reads them.
    fn secrets(&self, hand: &Hand<'_>, at: &str, state: &mut State) {
        let can = |verb: &str, name: &str| hand.can(verb, "", "secrets", name);
        let named = self.roles.values().flatten().flat_map(|rule| &rule.names).filter(|name| !name.is_empty());
        let names: Vec<&str> = named.map(String::as_str).chain(["one that nobody names"]).collect();
        let read = |name: &str| ["get", "list", "watch", "patch", "delete"].iter().any(|verb| can(verb, name));
        if can("create", "") {
            state.makes_secrets.insert(at.to_owned());
        }
        if can("list", "") || can("watch", "") || can("deletecollection", "") || names.iter().any(|name| read(name)) {
            state.reads_secrets.insert(at.to_owned());
        }
        if names.iter().any(|name| can("create", name) && can("patch", name)) {
            state.patches_secrets.insert(at.to_owned());
        }
    }

    fn become_accounts(&self, who: &str, at: &str, state: &mut State) {
        let prefix = format!("user system:serviceaccount:{at}:");
        let mentioned = self.bindings.iter().flat_map(|binding| &binding.subjects).chain(&self.accounts);
        let mut accounts: BTreeSet<String> = mentioned.filter(|one| one.starts_with(&prefix)).cloned().collect();
        let named = self.roles.values().flatten().flat_map(|rule| &rule.names).filter(|name| !name.is_empty());
        accounts.extend(named.map(String::as_str).chain(["default"]).map(|name| format!("{prefix}{name}")));
        let hand = self.hand(state, who, at);
        for account in accounts {
            let name = account.strip_prefix(&prefix).unwrap();
            let can = |verb: &str, resource: &str, name: &str| hand.can(verb, "", resource, name);
            let exists =
                !self.known.contains(at) || self.accounts.contains(&account) || state.accounts.contains(&account);
            let makes = can("create", "serviceaccounts", "")
                || (can("create", "serviceaccounts", name) && can("patch", "serviceaccounts", name));
            let in_secret = state.patches_secrets.contains(at)
                || (state.makes_secrets.contains(at) && (state.reads_secrets.contains(at) || state.pods.contains(at)));
            let has_token =
                exists && (can("create", "serviceaccounts/token", name) || state.pods.contains(at) || in_secret);
            if makes {
                state.accounts.insert(account.clone());
            }
            if has_token {
                state.credentials.insert(account.clone());
            }
            if has_token || (state.credentials.contains(who) && can("impersonate", "serviceaccounts", name)) {
                state.identities.insert(account);
            }
        }
    }

    /// The rules that an identity holds at a place, with what it was bound to on the way.
    fn rules(&self, state: &State, who: &str, at: &str) -> Vec<&Rule> {
        let own = self.bindings.iter().filter(|binding| binding.subjects.iter().any(|one| is(who, one)));
        let own = own.filter(|binding| binding.namespace.is_empty() || binding.namespace == at).map(|b| &b.role);
        let bound = state.bound.iter().filter(|(_, place)| reaches(place, at)).map(|(role, _)| role);
        own.chain(bound).filter_map(|role| self.roles.get(role)).flatten().collect()
    }

    /// Whether it is under a role there that it can write anything into.
    fn rewrites(&self, state: &State, who: &str, at: &str) -> bool {
        let own = self.bindings.iter().filter(|binding| binding.subjects.iter().any(|one| is(who, one)));
        let own = own.filter(|binding| binding.namespace.is_empty() || binding.namespace == at).map(|b| &b.role);
        let bound = state.bound.iter().filter(|(_, place)| reaches(place, at)).map(|(role, _)| role);
        let empty = state.bound_empty.iter().filter(|(_, place)| reaches(place, at)).map(|(role, _)| role);
        let any = own
            .chain(bound)
            .any(|role| state.rewritten.contains(role) || state.born.contains(role) || state.fed.contains(role));
        any || empty.into_iter().any(|role| state.rewritten.contains(role))
    }

    /// What an identity holds at a place; it is not looked at again before the next round.
    fn hand(&self, state: &State, who: &str, at: &str) -> Hand<'_> {
        Hand { everything: state.everything.contains(at), rules: self.rules(state, who, at) }
    }
}

/// What an identity holds at a place.
struct Hand<'a> {
    everything: bool,
    rules: Vec<&'a Rule>,
}

impl Hand<'_> {
    fn can(&self, verb: &str, group: &str, resource: &str, name: &str) -> bool {
        let has = |list: &[String], wanted: &str| list.iter().any(|one| one == "*" || one == wanted);
        let any = resource.split_once('/').map(|(_, sub)| format!("*/{sub}"));
        self.everything
            || self.rules.iter().any(|rule| {
                has(&rule.verbs, verb)
                    && has(&rule.groups, group)
                    && (has(&rule.resources, resource) || any.as_ref().is_some_and(|any| rule.resources.contains(any)))
                    && (rule.names.is_empty() || rule.names.iter().any(|one| one == name))
            })
    }
}

impl Attacker {
    /// Every role that can be named at a place: those that are there, those that something names, and one more.
    fn role_names(&self, at: &str) -> BTreeSet<Role> {
        let mut names: BTreeSet<String> = [FRESH.to_owned()].into();
        names.extend(self.roles.values().flatten().flat_map(|rule| rule.names.iter().cloned()));
        names.remove("");
        let mut roles: BTreeSet<Role> = names.into_iter().map(|name| (at.to_owned(), name)).collect();
        roles.extend(self.roles.keys().chain(self.bindings.iter().map(|b| &b.role)).filter(|r| r.0 == at).cloned());
        roles
    }

    fn binding_names(&self) -> BTreeSet<String> {
        let rules = self.roles.values().flatten().flat_map(|rule| rule.names.iter().cloned());
        let names = rules.chain(self.bindings.iter().map(|binding| binding.name.clone()));
        names.filter(|name| !name.is_empty()).collect()
    }
}

fn reaches(place: &str, at: &str) -> bool {
    place.is_empty() || place == at
}

/// Whether an identity is a subject, by its name or by a group that comes with it.
fn is(who: &str, subject: &str) -> bool {
    // Of those who are put together, nobody brings groups of their own.
    if who.contains(" + ") {
        return who.split(" + ").any(|part| part == subject) || subject == "group system:authenticated";
    }
    if who == subject {
        return true;
    }
    match subject.strip_prefix("group ") {
        Some("system:authenticated") => who != "group system:unauthenticated" && who != "user system:anonymous",
        Some("system:serviceaccounts") => {
            who.starts_with("user system:serviceaccount:") || who.starts_with("group system:serviceaccounts:")
        }
        Some(group) => match group.strip_prefix("system:serviceaccounts:") {
            Some(namespace) => who.starts_with(&format!("user system:serviceaccount:{namespace}:")),
            None => false,
        },
        None => false,
    }
}

fn covers(owner: &Rule, servant: &Rule) -> bool {
    let has = |own: &[String], wanted: &String| own.iter().any(|one| one == "*" || one == wanted);
    let resource = |wanted: &String| {
        has(&owner.resources, wanted)
            || wanted.split_once('/').is_some_and(|(_, sub)| owner.resources.contains(&format!("*/{sub}")))
    };
    servant.verbs.iter().all(|verb| has(&owner.verbs, verb))
        && servant.groups.iter().all(|group| has(&owner.groups, group))
        && servant.resources.iter().all(resource)
        && (owner.names.is_empty()
            || (!servant.names.is_empty() && servant.names.iter().all(|name| owner.names.contains(name))))
}

/// Whether each single thing that a rule grants is granted by one of ours.
fn held(own: &[&Rule], rule: &Rule) -> bool {
    let mut names: Vec<Vec<String>> = rule.names.iter().map(|name| vec![name.clone()]).collect();
    if names.is_empty() {
        names.push(Vec::new());
    }
    rule.verbs.iter().all(|verb| {
        rule.groups.iter().all(|group| {
            rule.resources.iter().all(|resource| {
                names.iter().all(|names| {
                    let atom = Rule {
                        verbs: vec![verb.clone()],
                        groups: vec![group.clone()],
                        resources: vec![resource.clone()],
                        names: names.clone(),
                    };
                    own.iter().any(|rule| covers(rule, &atom))
                })
            })
        })
    })
}
