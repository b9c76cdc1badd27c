//! What can be had by writing roles and bindings, tried with everything that can be named.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::lab::{Goal, Hand, State, Twist, World, binding, everything, grant, role};
use crate::server::{Call, RBAC, Reply, path_segment};

/// Namespace (empty for a ClusterRole) and name.
type Key = (String, String);

/// What is tried in the rounds, in this order: what destroys nothing comes first.
const BIND: &[usize] = &[0, 1, 2, 3, 5, 7];
const MAKE: usize = 1;
const WRITE: usize = 2;
const EMPTY: usize = 4;
const WRITE_AGAIN: usize = 6;

/// One round of writing.
pub(crate) async fn round(world: &World, state: &mut State, round: usize) {
    state.refused.clear();
    for hand in state.hands.clone() {
        match round {
            MAKE => make_roles(world, state, &hand).await,
            WRITE => {
                for key in roles(world).into_iter().chain(state.made.clone()).collect::<Vec<_>>() {
                    if rewrite(world, &hand, &key, everything()).await {
                        state.rewritten.insert(key);
                    }
                }
            }
            EMPTY => {
                for key in state.rewritten.clone() {
                    if !names_attacker(world, state, &key) && rewrite(world, &hand, &key, json!([])).await {
                        state.writes += 1;
                    }
                }
            }
            WRITE_AGAIN if state.writes > 0 => {
                for key in state.rewritten.clone() {
                    state.writes += usize::from(rewrite(world, &hand, &key, everything()).await);
                }
            }
            _ => {}
        }
    }
    // What was refused will be refused again unless something was gained.
    let gained = state.size();
    if BIND.contains(&round) && state.bound_at != Some(gained) {
        for hand in state.hands.clone() {
            bind(world, state, &hand).await;
        }
        state.bound_at = Some(gained);
    }
}

/// The roles that are there, of this world or of every cluster.
fn roles(world: &World) -> Vec<Key> {
    let of = |kind: &'static str| world.objects.iter().filter(move |object| object["kind"] == kind);
    of("ClusterRole").chain(of("Role")).map(key).collect()
}

fn key(object: &Value) -> Key {
    let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
    (text("namespace"), text("name"))
}

/// Roles that bindings or rules name, and that are not there; and one that nobody has thought of.
fn missing(world: &World) -> BTreeSet<Key> {
    let there: BTreeSet<Key> = roles(world).into_iter().collect();
    let mut named: BTreeSet<Key> = BTreeSet::new();
    for object in &world.objects {
        let name = |value: &Value| value["name"].as_str().unwrap_or_default().to_owned();
        match object["roleRef"]["kind"].as_str() {
            Some("ClusterRole") => drop(named.insert((String::new(), name(&object["roleRef"])))),
            Some(_) => drop(named.insert((key(object).0, name(&object["roleRef"])))),
            None => {}
        }
    }
    for place in ["", &world.a, &world.b] {
        named.insert((place.to_owned(), format!("{}-fresh", world.id)));
        for name in resource_names(world, "roles") {
            named.insert((place.to_owned(), name));
        }
    }
    &named - &there
}

/// The resourceNames of rules that are about a kind of object.
fn resource_names(world: &World, word: &str) -> BTreeSet<String> {
    let rules = world.objects.iter().flat_map(|object| object["rules"].as_array().into_iter().flatten());
    let about = |rule: &&Value| {
        rule["resources"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|one| one == "*" || one.as_str().is_some_and(|one| one.contains(word)))
    };
    let names = rules.filter(about).flat_map(|rule| rule["resourceNames"].as_array().into_iter().flatten());
    // A name without the world's own would be another world's as well.
    names.filter_map(Value::as_str).filter(|name| name.starts_with(&world.id)).map(str::to_owned).collect()
}

fn collection((namespace, _): &Key, word: &str) -> String {
    if namespace.is_empty() { format!("{RBAC}/cluster{word}") } else { format!("{RBAC}/namespaces/{namespace}/{word}") }
}

fn path(key: &Key, word: &str) -> String {
    format!("{}/{}", collection(key, word), path_segment(&key.1))
}

/// Whether it was the verb that was refused, not what was to be stored.
fn by_verb(reply: &Reply) -> bool {
    let message = reply.body["message"].as_str().unwrap_or_default();
    reply.code == 403 && message.contains(" cannot ") && message.contains(" resource ")
}

fn apply_path(path: &str) -> String {
    format!("{path}?fieldManager=attacker&force=true")
}

/// The labels that have a ClusterRole united into another one.
fn labelled(world: &World, mut object: Value) -> Value {
    if object["kind"] == "ClusterRole" && world.objects.iter().any(|object| !object["aggregationRule"].is_null()) {
        object["metadata"]["labels"] = json!({"part-of": world.id});
    }
    object
}

async fn rewrite(world: &World, hand: &Hand, key: &Key, rules: Value) -> bool {
    let path = path(key, "roles");
    let object = labelled(world, role(&key.0, &key.1, rules));
    let patch = json!({"rules": object["rules"], "metadata": {"labels": object["metadata"]["labels"]}});
    hand.may(Call::patch(&path, patch)).await || hand.may(Call::put(&path, object)).await
}

/// Makes roles that are not there: full, or else empty.
async fn make_roles(world: &World, state: &mut State, hand: &Hand) {
    for key in missing(world) {
        if state.made.contains(&key) {
            continue;
        }
        let (collection, path) = (collection(&key, "roles"), path(&key, "roles"));
        for rules in [everything(), json!([])] {
            let object = labelled(world, role(&key.0, &key.1, rules.clone()));
            let full = rules != json!([]);
            if hand.may(Call::post(&collection, object.clone())).await
                || hand.may(Call::put(&path, object.clone())).await
                || hand.may(Call::apply(apply_path(&path), object)).await
            {
                state.made.insert(key.clone());
                if full {
                    state.rewritten.insert(key.clone());
                }
                break;
            }
        }
    }
}

/// Whether the attacker is under a role, by a binding of the world or a new one.
fn names_attacker(world: &World, state: &State, key: &Key) -> bool {
    let ours: Vec<&Value> = state.hands.iter().map(|hand| &hand.who).collect();
    world.objects.iter().any(|object| {
        let own = object["roleRef"]["kind"] == "Role";
        object["roleRef"]["name"] == *key.1
            && own != key.0.is_empty()
            && (!own || object["metadata"]["namespace"] == *key.0)
            && object["subjects"].as_array().into_iter().flatten().any(|subject| ours.contains(&subject))
    })
}

/// Puts every identity of the attacker under every role, everywhere.
async fn bind(world: &World, state: &mut State, hand: &Hand) {
    let ours: Vec<Value> = state.hands.iter().map(|hand| hand.who.clone()).collect();
    let mut all: BTreeSet<Key> = roles(world).into_iter().chain(state.made.clone()).collect();
    all.extend(missing(world));
    all.insert((String::new(), "cluster-admin".to_owned()));
    // A name is good for one binding only, so the roles that are worth most come first.
    let worth =
        |(_, name): &Key| ["cluster-admin", "-big", "-whole", "-own"].iter().position(|end| name.ends_with(end));
    let mut all: Vec<Key> = all.into_iter().collect();
    all.sort_by_key(|role| worth(role).unwrap_or(usize::MAX));
    for place in ["", world.a.as_str(), world.b.as_str()] {
        let standing: Vec<&Value> = world
            .objects
            .iter()
            .filter(|object| {
                !object["roleRef"].is_null() && object["metadata"]["namespace"].as_str().unwrap_or_default() == place
            })
            .collect();
        for object in &standing {
            let key = key(object);
            let done = (place.to_owned(), "standing".to_owned(), format!("{} {}", key.1, ours.len()));
            if state.bound.contains(&done) {
                continue;
            }
            let subjects: Vec<Value> = object["subjects"].as_array().unwrap().iter().chain(&ours).cloned().collect();
            let mut whole = (*object).clone();
            whole["subjects"] = subjects.into();
            let path = path(&key, "rolebindings");
            if hand.may(Call::patch(&path, json!({"subjects": whole["subjects"]}))).await
                || hand.may(Call::put(&path, whole)).await
            {
                state.bound.insert(done);
            }
        }
        let named: Vec<String> = resource_names(world, "rolebindings")
            .into_iter()
            .filter(|name| standing.iter().all(|object| object["metadata"]["name"] != **name))
            .collect();
        for role in &all {
            let own = !role.0.is_empty();
            let done = (place.to_owned(), role.0.clone(), format!("{} {}", role.1, ours.len()));
            if (own && role.0 != place) || state.bound.contains(&done) {
                continue;
            }
            state.counter += 1;
            let fresh = format!("{}-x{}", world.id, state.counter);
            let made = binding(place, &fresh, (own, &role.1), ours.clone());
            let (refusal, collection) =
                (format!("{} {place}", hand.who), collection(&(place.to_owned(), String::new()), "rolebindings"));
            let mut bound = false;
            if !state.refused.contains(&refusal) {
                let reply = hand.call(Call::post(&collection, made)).await;
                bound = reply.code == 200;
                if by_verb(&reply) {
                    state.refused.insert(refusal);
                }
            }
            for name in &named {
                let path = path(&(place.to_owned(), name.clone()), "rolebindings");
                let made = binding(place, name, (own, &role.1), ours.clone());
                bound = bound
                    || hand.may(Call::put(&path, made.clone())).await
                    || hand.may(Call::apply(apply_path(&path), made)).await;
            }
            if bound {
                state.bound.insert(done);
            }
        }
    }
}

/// Roles that grant much, and who would like to have them.
fn big(world: &mut World) {
    let (id, a) = (world.id.clone(), world.a.clone());
    world.objects.push(role("", &format!("{id}-big"), everything()));
    world.objects.push(role(
        &a,
        &format!("{id}-own"),
        json!([{"verbs": ["*"], "apiGroups": [""], "resources": ["secrets"]}]),
    ));
    world.names = ["big", "own", "small", "mine", "standing", "fresh"].map(|name| format!("{id}-{name}")).into();
    world.names.push("cluster-admin".to_owned());
    world.goals = vec![Goal::Cluster, Goal::Secrets(world.a.clone()), Goal::Secrets(world.b.clone())];
    world.avoid = &[Twist::Subresource];
}

/// What `bind-role` is made from.
pub(crate) fn bind_role(world: &mut World) {
    big(world);
    let (id, a) = (world.id.clone(), world.a.clone());
    let at = if world.dice.percent(50) { "" } else { &a };
    let bindings = if at.is_empty() { "clusterrolebindings" } else { "rolebindings" };
    let roles = if !at.is_empty() && world.dice.percent(40) { "roles" } else { "clusterroles" };
    let bind = grant(at, &format!("bind {roles}.rbac"));
    let write = match world.dice.below(3) {
        0 => grant(at, &format!("create {bindings}.rbac")),
        1 => {
            let role = if roles == "roles" { "own" } else { "big" };
            let standing = binding(at, &format!("{id}-standing"), (roles == "roles", &format!("{id}-{role}")), vec![]);
            world.objects.push(standing);
            let verb = *world.dice.pick(&["patch", "update"]);
            grant(at, &format!("{verb} {bindings}.rbac"))
        }
        _ => {
            let verb = *world.dice.pick(&["patch", "update"]);
            // A name is good for one binding, and the program, whose steps only add, has the second identity given the right
            // to write it by that very binding.
            world.avoid = &[Twist::Subresource, Twist::Second];
            grant(at, &format!("create,{verb} {bindings}.rbac {id}-mine"))
        }
    };
    world.grant(vec![bind, write]);
}

/// What `escalate-role` is made from.
pub(crate) fn escalate_role(world: &mut World) {
    big(world);
    let (id, a) = (world.id.clone(), world.a.clone());
    let at = if world.dice.percent(50) { "" } else { &a };
    let roles = if !at.is_empty() { "roles" } else { "clusterroles" };
    let namespace = if roles == "roles" { at } else { "" };
    // The attacker is under a small role, or under one that is missing.
    let attacker = world.attacker();
    let small = format!("{id}-small");
    let how = world.dice.below(3);
    if how != 0 {
        world.objects.push(role(
            namespace,
            &small,
            json!([{"verbs": ["get"], "apiGroups": [""], "resources": ["configmaps"]}]),
        ));
    }
    let place = if at.is_empty() && world.dice.percent(30) { &a } else { at };
    world.objects.push(binding(place, &small, (roles == "roles", &small), vec![attacker]));
    let verbs = match how {
        0 => *world.dice.pick(&["create", "create,patch", "create,update"]),
        _ => *world.dice.pick(&["patch", "update"]),
    };
    world.grant(vec![grant(at, &format!("escalate {roles}.rbac")), grant(at, &format!("{verbs} {roles}.rbac"))]);
}

/// What `aggregated-role-inject` is made from.
pub(crate) fn aggregated_role_inject(world: &mut World) {
    big(world);
    let (id, a) = (world.id.clone(), world.a.clone());
    let mut whole = role("", &format!("{id}-whole"), json!([]));
    whole["aggregationRule"] = json!({"clusterRoleSelectors": [{"matchLabels": {"part-of": id}}]});
    world.objects.push(whole);
    let small =
        role("", &format!("{id}-small"), json!([{"verbs": ["get"], "apiGroups": [""], "resources": ["configmaps"]}]));
    world.objects.push(small);
    let place = if world.dice.percent(50) { "" } else { &a };
    let subject = if world.dice.percent(85) { world.attacker() } else { super::lab::user(&format!("bob-{id}")) };
    world.objects.push(binding(place, &format!("{id}-whole"), (false, &format!("{id}-whole")), vec![subject]));
    let verbs = *world.dice.pick(&["create", "patch", "update"]);
    let names = if verbs == "create" { String::new() } else { format!(" {id}-small") };
    let (escalate, write) = (format!("escalate clusterroles.rbac{names}"), format!("{verbs} clusterroles.rbac{names}"));
    world.grant(vec![grant("", &escalate), grant("", &write)]);
}

/// What `bind-held-role` is made from.
pub(crate) fn bind_held_role(world: &mut World) {
    big(world);
    let (id, a) = (world.id.clone(), world.a.clone());
    let at = if world.dice.percent(40) { "" } else { &a };
    let bindings = if at.is_empty() { "clusterrolebindings" } else { "rolebindings" };
    let roles = if at.is_empty() { "clusterroles" } else { "roles" };
    let namespace = if at.is_empty() { "" } else { at };
    let write = grant(at, &format!("create {bindings}.rbac"));
    match world.dice.below(3) {
        // A role is held, or made, and rewritten when it is bound.
        0 => {
            let verbs = *world.dice.pick(&["escalate,patch", "escalate,create,patch", "escalate,update"]);
            world.objects.push(role(namespace, &format!("{id}-small"), json!([])));
            world.grant(vec![write, grant(at, &format!("{verbs} {roles}.rbac"))]);
        }
        1 => {
            let verbs = *world.dice.pick(&["escalate,patch", "escalate,update"]);
            world.grant(vec![write, grant(at, &format!("{verbs} {roles}.rbac {id}-small"))]);
            let full = json!([{"verbs": ["get"], "apiGroups": [""], "resources": ["nodes", "pods"]}]);
            world.objects.push(role(namespace, &format!("{id}-small"), full));
        }
        // Two identities that have a half each, one of which can give its half away.
        _ => {
            let mut bind = grant(at, "bind clusterroles.rbac");
            let mut write = write;
            let halves = [&mut bind, &mut write];
            halves[world.dice.below(2)].to = super::lab::Holder::Second;
            world.grant(vec![bind, write]);
        }
    }
}
