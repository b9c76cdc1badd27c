//! Writing roles and bindings without `escalate` and `bind`: what the server says to each write is what the program counts as held.

use rbac_lens::graph::{AccessGraph, RoleIx};
use rbac_lens::model::{AUTHENTICATED, Rule, Subject, uncovered};
use serde_json::{Value, json};

use super::lab::{Score, World, binding, grant, lab, report, role};
use crate::server::{Call, RBAC};
use crate::worlds::random::Dice;
use crate::worlds::{Aggregated, bootstrap, engine};

/// The worlds' name.
pub(crate) const ID: &str = "held-rules";

const WORLDS: usize = 24;
const SERVANTS: usize = 8;

#[test]
fn what_is_held_and_nothing_else_may_be_written_into_roles_and_bound() {
    let lab = lab();
    let worlds: Vec<World> = (0..WORLDS).map(world).collect();
    lab.server.apply_all(worlds.iter().flat_map(|world| world.objects.iter().cloned()).collect());
    lab.server.wait_visible();
    let answers = lab.each(worlds.iter().collect(), async |world| {
        let hand = world.hands(lab).await.remove(0);
        let mut answers = Vec::new();
        for write in writes(world) {
            let reply = hand.call(write.call.clone()).await;
            let held = reply.code == 200;
            let said = reply.body["message"].as_str().unwrap_or_default();
            assert!(held || said.contains("attempting to grant RBAC permissions"), "{}: {}", world.id, reply.body);
            answers.push((write, held));
        }
        answers
    });
    let defaults = bootstrap(Aggregated::Filled);
    let (mut score, mut wrong) = (Score { worlds: WORLDS, ..Score::default() }, Vec::new());
    for (world, answers) in worlds.iter().zip(answers) {
        let objects: Vec<Value> = defaults.iter().chain(&world.objects).cloned().collect();
        let graph = engine::graph(&objects);
        for (write, held) in answers {
            score.yes += usize::from(held);
            score.no += usize::from(!held);
            let left = missing(&graph, world, &write);
            if left.is_empty() != held {
                wrong.push(format!(
                    "{:?}: the server says {held}, the program misses {left:?}\n{}",
                    write.call,
                    world.text()
                ));
            }
        }
    }
    report(ID, score, &wrong);
    assert!(score.yes > 150 && score.no > 150, "{score:?}");
}

/// A write that grants the rules of a role at a place.
struct Write {
    call: Call,
    servant: (String, String),
    place: String,
}

fn world(at: usize) -> World {
    let mut world = World::new(ID, at);
    let (id, a) = (world.id.clone(), world.a.clone());
    let write = "create,update,patch roles,rolebindings,clusterroles,clusterrolebindings.rbac";
    world.add(&grant("", write));
    for (at, place) in ["", "", &a, &a].into_iter().enumerate() {
        let name = format!("{id}-own{at}");
        let rules = rules(&mut world.dice, true);
        let attacker = world.attacker();
        world.objects.push(role("", &name, rules));
        world.objects.push(binding(place, &name, (false, &name), vec![attacker]));
    }
    for at in 0..SERVANTS {
        let name = format!("{id}-s{at}");
        let (plain, with_urls) = (rules(&mut world.dice, false), rules(&mut world.dice, true));
        world.objects.push(role(&a, &name, plain));
        world.objects.push(role("", &name, with_urls));
    }
    world.objects.push(role(&a, &format!("{id}-empty"), json!([])));
    world.objects.push(role("", &format!("{id}-empty"), json!([])));
    world
}

fn rules(dice: &mut Dice, urls: bool) -> Value {
    (0..dice.from(0, 2)).map(|_| rule(dice, urls)).collect()
}

fn rule(dice: &mut Dice, urls: bool) -> Value {
    let mut list = |from: &[&'static str], most: usize| -> Vec<&str> {
        (0..dice.from(1, most)).map(|_| *dice.pick(from)).collect()
    };
    let verbs = list(&["get", "get", "list", "create", "*"], 2);
    let groups = list(&["", "", "", "apps", "*"], 2);
    let resources =
        list(&["pods", "pods", "pods/log", "*/log", "deployments", "deployments/scale", "*/scale", "*/*", "*"], 2);
    // Every verb in every group would be `bind` and `escalate` as well.
    let groups = if verbs.contains(&"*") { vec!["", "apps"] } else { groups };
    let names = list(&["x", "y", "x", ""], 2);
    let paths = list(&["/a", "/a/*", "/a/b", "/a/b*", "*", "/healthz"], 2);
    if urls && dice.percent(20) {
        return json!({"verbs": verbs, "nonResourceURLs": paths});
    }
    let mut rule = json!({"verbs": verbs, "apiGroups": groups, "resources": resources});
    if dice.percent(30) {
        rule["resourceNames"] = json!(names);
    }
    rule
}

/// Every write, none of which is kept.
fn writes(world: &World) -> Vec<Write> {
    let (id, a) = (&world.id, &world.a);
    let mut writes = Vec::new();
    for at in 0..SERVANTS {
        let name = format!("{id}-s{at}");
        for own in [true, false] {
            let namespace = if own { a.as_str() } else { "" };
            let stored = world.objects.iter().find(|object| {
                object["metadata"]["name"] == *name
                    && object["metadata"]["namespace"].as_str().unwrap_or_default() == namespace
            });
            let rules = &stored.unwrap()["rules"];
            let collection = |namespace: &str, word: &str| match namespace {
                "" => format!("{RBAC}/cluster{word}"),
                _ => format!("{RBAC}/namespaces/{namespace}/{word}"),
            };
            let roles = collection(namespace, "roles");
            let servant = (namespace.to_owned(), name.clone());
            let mut add = |call: Call, place: &str| {
                writes.push(Write { call, servant: servant.clone(), place: place.to_owned() });
            };
            let new = role(namespace, &format!("{id}-new"), rules.clone());
            add(Call::post(format!("{roles}?dryRun=All"), new), namespace);
            let empty = format!("{roles}/{id}-empty?dryRun=All");
            // A write that changes nothing is not looked at.
            if *rules != json!([]) {
                add(Call::patch(&empty, json!({"rules": rules})), namespace);
                add(Call::put(&empty, role(namespace, &format!("{id}-empty"), rules.clone())), namespace);
            }
            for place in if own { vec![a.as_str()] } else { vec![a.as_str(), ""] } {
                let bindings = collection(place, "rolebindings");
                let new = binding(place, &format!("{id}-new"), (own, &name), vec![]);
                add(Call::post(format!("{bindings}?dryRun=All"), new), place);
            }
        }
    }
    writes
}

/// What the attacker lacks for a write.
fn missing(graph: &AccessGraph, world: &World, write: &Write) -> Vec<rbac_lens::model::Atom> {
    let names = &graph.snapshot().names;
    let rules = |at: RoleIx| -> Vec<Rule<'_>> {
        let set = graph.snapshot().rules.set(graph.role(at).rules);
        set.iter().map(|&rule| graph.snapshot().rules.rule(rule)).collect()
    };
    let servant = graph.roles().find(|(_, role)| {
        graph.text(role.name) == write.servant.1 && role.namespace.map_or("", |at| graph.text(at)) == write.servant.0
    });
    let own = world.attacker();
    let ours = |subject: Subject| {
        let name = subject.request_name(names);
        match subject {
            Subject::User(_) => own["kind"] == "User" && own["name"] == name,
            Subject::Group(_) => (own["kind"] == "Group" && own["name"] == name) || name == AUTHENTICATED,
            Subject::ServiceAccount { .. } => {
                own["kind"] == "ServiceAccount" && name == format!("system:serviceaccount:{}:attacker", world.a)
            }
        }
    };
    let mut owner = Vec::new();
    for (at, binding) in graph.bindings() {
        let here = binding.namespace.is_none_or(|at| graph.text(at) == write.place);
        let subjects = graph.snapshot().subjects.set(binding.subjects);
        if here && subjects.iter().any(|&subject| ours(graph.snapshot().subjects.get(subject))) {
            owner.extend(graph.role_of(at).into_iter().flat_map(rules));
        }
    }
    uncovered(names, &owner, &rules(servant.unwrap().0))
}
