//! What must hold between the answers, whatever the world: who-can is the inverse of decide and of what-can, why agrees with both,
//! every grant that is named grants by itself, and nothing is taken away by adding a binding.

use std::collections::{BTreeMap, BTreeSet};

use rbac_lens::collect::{FileOptions, Input, load};
use rbac_lens::graph::AccessGraph;
use rbac_lens::model::{Action, ClusterId, Identity, ResourceAction, Subject, SubjectText};
use rbac_lens::query::{Authorizers, Filter, Place, SystemFilter, Target, Where, decide, what_can, who_can, why};
use serde_json::{Value, json};

const WORLDS: u64 = 60;
const NAMESPACES: [&str; 3] = ["n1", "n2", "empty"];

/// A small generator of numbers (Marsaglia's xorshift), so that a world is known by its seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % sides
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// One to three of them, perhaps the same.
    fn some<'t>(&mut self, of: &[&'t str]) -> Vec<&'t str> {
        (0..=self.below(3)).map(|_| self.one(of)).collect()
    }
}

const API: &str = "rbac.authorization.k8s.io/v1";
const VERBS: [&str; 6] = ["get", "get", "list", "create", "*", "GET"];
const GROUPS: [&str; 4] = ["", "", "apps", "*"];
const RESOURCES: [&str; 10] =
    ["pods", "pods", "secrets", "pods/log", "*/log", "pods/*", "*", "nodes", "namespaces", "deployments/scale"];
const NAMES: [&str; 5] = ["a", "b", "", "n1", "*"];
const URLS: [&str; 5] = ["/a", "/a/*", "/a*", "*", "/a/b"];

fn rule(dice: &mut Dice) -> Value {
    let mut rule = json!({"verbs": dice.some(&VERBS)});
    if dice.below(5) == 0 {
        rule["nonResourceURLs"] = json!(dice.some(&URLS));
        return rule;
    }
    rule["apiGroups"] = json!(dice.some(&GROUPS));
    rule["resources"] = json!(dice.some(&RESOURCES));
    if dice.below(3) == 0 {
        rule["resourceNames"] = json!(dice.some(&NAMES));
    }
    rule
}

fn subject(dice: &mut Dice) -> Value {
    match dice.below(6) {
        0 | 1 => json!({"kind": "User", "name": dice.one(&["u1", "u2", "system:serviceaccount:n1:s", "g1"])}),
        2 | 3 => json!({"kind": "Group", "name": dice.one(&["g1", "system:authenticated", "system:serviceaccounts",
            "system:serviceaccounts:n1", "system:unauthenticated"])}),
        4 => json!({"kind": "ServiceAccount", "name": "s", "namespace": dice.one(&["n1", "n2"])}),
        _ => json!({"kind": "ServiceAccount", "name": dice.one(&["s", "t"])}),
    }
}

/// Roles, and apart from them bindings, some of roles that do not exist.
fn world(seed: u64) -> (Vec<Value>, Vec<Value>) {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut roles = Vec::new();
    for name in ["r1", "r2", "r3"] {
        for namespace in [None, Some("n1"), Some("n2")] {
            let kind = if namespace.is_some() { "Role" } else { "ClusterRole" };
            let rules: Vec<Value> = (0..dice.below(3)).map(|_| rule(&mut dice)).collect();
            roles.push(json!({"apiVersion": API, "kind": kind, "metadata": {"name": name, "namespace": namespace}, "rules": rules}));
        }
    }
    let bindings = (0..4 + dice.below(8)).map(|at| {
        let namespace = dice.one(&[None, Some("n1"), Some("n2")]);
        let kind = if namespace.is_some() { "RoleBinding" } else { "ClusterRoleBinding" };
        let role = json!({"kind": dice.one(&["Role", "ClusterRole", "ClusterRole"]), "name": dice.one(&["r1", "r2", "r3", "gone"])});
        let subjects: Vec<Value> = (0..dice.below(4)).map(|_| subject(&mut dice)).collect();
        json!({"apiVersion": API, "kind": kind, "metadata": {"name": format!("b{at}"), "namespace": namespace},
            "roleRef": role, "subjects": subjects})
    });
    let bindings = bindings.collect();
    (roles, bindings)
}

fn graph<'v>(objects: impl IntoIterator<Item = &'v Value>) -> AccessGraph {
    let text: String = objects.into_iter().map(|object| format!("{object}\n")).collect();
    let options = FileOptions::default();
    let graph = AccessGraph::new(load(&[Input::Stdin], &mut text.as_bytes(), &options).unwrap());
    graph.verify().unwrap();
    graph
}

/// Questions about each place, each with and without a name.
fn questions() -> Vec<Action> {
    let mut all = Vec::new();
    for (verb, api_group, resource, subresource) in [
        ("get", "", "pods", ""),
        ("list", "", "pods", ""),
        ("get", "", "pods", "log"),
        ("get", "apps", "deployments", "scale"),
        ("create", "", "secrets", ""),
        ("get", "", "namespaces", ""),
        ("*", "*", "*", ""),
    ] {
        for name in ["", "a"] {
            for namespace in NAMESPACES.into_iter().chain([""]) {
                let [verb, api_group, resource, subresource, namespace, name] =
                    [verb, api_group, resource, subresource, namespace, name].map(str::to_owned);
                all.push(Action::Resource(ResourceAction {
                    verb,
                    api_group,
                    resource,
                    subresource,
                    namespace,
                    name,
                    ..ResourceAction::default()
                }));
            }
        }
    }
    for path in ["/a", "/a/", "/a/b", "/b"] {
        all.push(Action::NonResource { verb: "get".to_owned(), path: path.to_owned() });
    }
    all
}

fn place(action: &Action) -> Where {
    match action.namespace() {
        "" => Where::Cluster,
        namespace => Where::Namespace(namespace.to_owned()),
    }
}

/// Who asks, as somebody and as nothing but a name.
fn identities() -> Vec<Identity> {
    let subjects = [
        SubjectText::User("u1".to_owned()),
        SubjectText::User("g1".to_owned()),
        SubjectText::User("system:serviceaccount:n1:s".to_owned()),
        SubjectText::User("system:serviceaccount:n2:t".to_owned()),
        SubjectText::User("system:anonymous".to_owned()),
        SubjectText::User("stranger".to_owned()),
        SubjectText::Group("g1".to_owned()),
        SubjectText::Group("system:serviceaccounts:n1".to_owned()),
    ];
    let raw = subjects.iter().map(|subject| match subject {
        SubjectText::User(user) => Identity { user: user.clone(), groups: Vec::new() },
        SubjectText::Group(group) => Identity { user: String::new(), groups: vec![group.clone()] },
    });
    subjects.iter().map(Identity::of).chain(raw).collect()
}

/// The subject that carries a row, as the text a request would carry it with, and whether it is a group.
fn called(graph: &AccessGraph, subject: Subject) -> (bool, String) {
    (matches!(subject, Subject::Group(_)), subject.request_name(&graph.snapshot().names))
}

fn is(identity: &Identity, (group, name): &(bool, String)) -> bool {
    if *group { identity.is_in(name) } else { identity.user == *name }
}

const EVERYONE: Filter<'static> = Filter { system: SystemFilter::Show, keep: &|_| true };

/// A row without what belongs to one graph: subject, namespaces (none for the cluster), names.
type RowText = (bool, String, Vec<String>, Vec<String>);

/// The rows of an answer with the names of the bindings behind each.
fn rows(graph: &AccessGraph, action: &Action, place: &Where) -> BTreeMap<RowText, Vec<String>> {
    let texts = |names: &[rbac_lens::model::Name]| names.iter().map(|&name| graph.text(name).to_owned()).collect();
    let answer = who_can(graph, ClusterId::FIRST, action, place, EVERYONE);
    let all = answer.rows.iter().map(|row| {
        let (group, name) = called(graph, row.subject);
        let namespaces = match &row.place {
            Place::Cluster => Vec::new(),
            Place::Namespaces(namespaces) => texts(namespaces),
        };
        let bindings =
            row.grants.iter().map(|grant| graph.text(graph.binding(grant.binding).name).to_owned()).collect();
        ((group, name, namespaces, texts(&row.resource_names)), bindings)
    });
    let count = answer.rows.len();
    let all: BTreeMap<RowText, Vec<String>> = all.collect();
    assert_eq!(all.len(), count, "a subject appears once a place");
    all
}

fn allowed(graph: &AccessGraph, identity: &Identity, action: &Action) -> bool {
    decide(graph, ClusterId::FIRST, identity, action, Authorizers::default()).allowed()
}

#[test]
fn who_can_is_the_inverse_of_decide_and_why_agrees() {
    let (mut yes, mut no) = (0, 0);
    for seed in 0..WORLDS {
        let (roles, bindings) = world(seed);
        let graph = graph(roles.iter().chain(&bindings));
        for action in questions() {
            let rows = rows(&graph, &action, &place(&action));
            let full: BTreeSet<(bool, String)> = rows
                .keys()
                .filter(|(_, _, _, names)| names.is_empty())
                .map(|(group, name, _, _)| (*group, name.clone()))
                .collect();
            for identity in identities() {
                let allowed = allowed(&graph, &identity, &action);
                assert_eq!(allowed, full.iter().any(|row| is(&identity, row)), "world {seed}: {identity:?} {action:?}");
                let why = why(&graph, ClusterId::FIRST, &identity, &action, &place(&action), Authorizers::default());
                assert_eq!(why.allowed(), allowed, "world {seed}: {identity:?} {action:?}");
                assert!(why.misses.is_empty() || !allowed);
                *(if allowed { &mut yes } else { &mut no }) += 1;
            }
            // What is limited to names holds for each of them.
            let Action::Resource(asked) = &action else { continue };
            for (group, subject, _, names) in rows.keys() {
                for name in names {
                    let identity = match group {
                        true => Identity { user: String::new(), groups: vec![subject.clone()] },
                        false => Identity { user: subject.clone(), groups: Vec::new() },
                    };
                    let action = Action::Resource(ResourceAction { name: name.clone(), ..asked.clone() });
                    assert!(self::allowed(&graph, &identity, &action), "world {seed}: {subject} {action:?}");
                }
            }
        }
    }
    assert!(yes > 1000 && no > 1000, "{yes} yes and {no} no are a poor choice of worlds");
}

#[test]
fn each_namespace_is_every_namespace_by_itself() {
    for seed in 0..WORLDS {
        let (roles, bindings) = world(seed);
        let graph = graph(roles.iter().chain(&bindings));
        for action in questions() {
            let Action::Resource(asked) = &action else { continue };
            if !asked.namespace.is_empty() {
                continue;
            }
            // One row holds several namespaces that are alike.
            let mut together: BTreeSet<RowText> = BTreeSet::new();
            for (group, name, namespaces, names) in rows(&graph, &action, &Where::EachNamespace).into_keys() {
                if namespaces.is_empty() {
                    together.insert((group, name, namespaces, names));
                } else {
                    together.extend(namespaces.into_iter().map(|one| (group, name.clone(), vec![one], names.clone())));
                }
            }
            let at =
                |namespace: &str| Action::Resource(ResourceAction { namespace: namespace.to_owned(), ..asked.clone() });
            let apart: BTreeSet<RowText> = NAMESPACES
                .iter()
                .flat_map(|one| rows(&graph, &at(one), &Where::Namespace((*one).to_owned())).into_keys())
                .collect();
            assert_eq!(together, apart, "world {seed}: {action:?}");
            if asked.resource == "namespaces" && asked.name.is_empty() {
                // The namespace object itself is asked about with its own name, in its own namespace.
                let inside = |rows: BTreeMap<RowText, Vec<String>>| {
                    rows.into_keys().filter(|(_, _, namespaces, _)| !namespaces.is_empty()).collect::<Vec<_>>()
                };
                let objects = inside(rows(&graph, &action, &Where::EachNamespaceObject));
                let apart = NAMESPACES.iter().flat_map(|one| {
                    let own = ResourceAction { namespace: (*one).to_owned(), name: (*one).to_owned(), ..asked.clone() };
                    inside(rows(&graph, &Action::Resource(own), &Where::Namespace((*one).to_owned())))
                });
                let apart: BTreeSet<RowText> = apart.collect();
                let objects: BTreeSet<RowText> = objects
                    .into_iter()
                    .flat_map(|(group, name, namespaces, names)| {
                        namespaces.into_iter().map(move |one| (group, name.clone(), vec![one], names.clone()))
                    })
                    .collect();
                assert_eq!(objects, apart, "world {seed}");
            }
        }
    }
}

#[test]
fn what_can_says_the_same_as_who_can() {
    for seed in 0..WORLDS {
        let (roles, bindings) = world(seed);
        let graph = graph(roles.iter().chain(&bindings));
        for identity in identities() {
            let rights = what_can(&graph, ClusterId::FIRST, &identity).rights;
            for action in questions() {
                let covered = rights.iter().any(|right| {
                    let here = right.namespace.is_none_or(|namespace| graph.text(namespace) == action.namespace());
                    let verb = right.verbs.iter().any(|&verb| ["*", action.verb()].contains(&graph.text(verb)));
                    here && verb && covers(&graph, &right.target, &action)
                });
                assert_eq!(covered, allowed(&graph, &identity, &action), "world {seed}: {identity:?} {action:?}");
            }
        }
    }
}

/// Whether a target covers a request, by the letter of the Kubernetes documentation.
fn covers(graph: &AccessGraph, target: &Target, action: &Action) -> bool {
    match (target, action) {
        (Target::Url(url), Action::NonResource { path, .. }) => {
            let url = graph.text(*url);
            url == path || url.strip_suffix('*').is_some_and(|prefix| path.starts_with(prefix))
        }
        (Target::Resource { api_group, resource, resource_names }, Action::Resource(asked)) => {
            let (group, resource) = (graph.text(*api_group), graph.text(*resource));
            let names: Vec<&str> = resource_names.iter().map(|&name| graph.text(name)).collect();
            let resource_held = match resource.split_once('/') {
                _ if resource == "*" => true,
                None => asked.subresource.is_empty() && resource == asked.resource,
                Some((base, subresource)) => {
                    !asked.subresource.is_empty()
                        && subresource == asked.subresource
                        && (base == "*" || base == asked.resource)
                }
            };
            (group == "*" || group == asked.api_group)
                && resource_held
                && (names.is_empty() || names.contains(&asked.name.as_str()))
        }
        _ => false,
    }
}

#[test]
fn every_grant_that_is_named_grants_and_only_those_do() {
    let mut grants = 0;
    for seed in 0..WORLDS {
        let (roles, bindings) = world(seed);
        let whole = graph(roles.iter().chain(&bindings));
        let alone: Vec<AccessGraph> = bindings.iter().map(|one| graph(roles.iter().chain([one]))).collect();
        let without: Vec<AccessGraph> = (0..bindings.len())
            .map(|at| {
                graph(
                    roles
                        .iter()
                        .chain(bindings.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, one)| one)),
                )
            })
            .collect();
        for action in questions() {
            let place = place(&action);
            let all = rows(&whole, &action, &place);
            let subjects_of = |rows: &BTreeMap<RowText, Vec<String>>| -> BTreeSet<(bool, String)> {
                rows.keys().map(|(group, name, _, _)| (*group, name.clone())).collect()
            };
            for (at, binding) in bindings.iter().enumerate() {
                let name = binding["metadata"]["name"].as_str().unwrap().to_owned();
                let named = |rows: &BTreeMap<RowText, Vec<String>>| -> BTreeSet<(bool, String)> {
                    let with = rows.iter().filter(|(_, bindings)| bindings.contains(&name));
                    with.map(|((group, subject, _, _), _)| (*group, subject.clone())).collect()
                };
                // The binding alone grants to exactly those for whom the whole answer names it.
                let by_itself = named(&rows(&alone[at], &action, &place));
                assert_eq!(named(&all), by_itself, "world {seed}, {name}: {action:?}");
                grants += by_itself.len();
                // Without it the others stay as they are, and whoever had nothing else can do it no more.
                let rest = rows(&without[at], &action, &place);
                assert_eq!(named(&rest), BTreeSet::new());
                let others: BTreeSet<(bool, String)> = all
                    .iter()
                    .filter(|((_, subject, _, _), bindings)| {
                        subject == "system:masters" || bindings.iter().any(|other| *other != name)
                    })
                    .map(|((group, subject, _, _), _)| (*group, subject.clone()))
                    .collect();
                assert_eq!(subjects_of(&rest), others, "world {seed} without {name}: {action:?}");
                assert!(subjects_of(&rest).is_subset(&subjects_of(&all)), "a binding took something away");
            }
        }
    }
    assert!(grants > 500, "only {grants} grants");
}
