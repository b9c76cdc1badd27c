//! What holds in every world, shown on random ones: each answer is the naive judge's, nothing depends on the order of the
//! input, and an explanation stands and falls with what it names.

use std::collections::BTreeSet;

use rbac_lens::graph::AccessGraph;
use rbac_lens::model::{Action, ClusterId, Review};
use rbac_lens::query::{Authorizers, Where, why};
use serde_json::Value;

use crate::worlds::mistakes::MISTAKES;
use crate::worlds::oracle::{self, Holder};
use crate::worlds::questions::questions;
use crate::worlds::random::{self, Dice, Flavour};
use crate::worlds::{Aggregated, JUDGES, Mode, ORACLE, World, bootstrap, compare, engine, recorded};

/// Worlds of every flavour, some with what no server takes, with questions about each.
fn worlds() -> impl Iterator<Item = (u64, World, Vec<Value>)> {
    let first = some(Flavour::Rbac, 3).chain(some(Flavour::NodesAndControllers, 2));
    first.chain(some(Flavour::Offline, 6))
}

fn some(flavour: Flavour, count: u64) -> impl Iterator<Item = (u64, World, Vec<Value>)> {
    let (first, defaults, mode) = match flavour {
        Flavour::Rbac => (1000, Aggregated::Filled, Mode::Rbac),
        Flavour::NodesAndControllers => (1100, Aggregated::Empty, Mode::NodeRbac),
        Flavour::Offline => (1200, Aggregated::Filled, Mode::Rbac),
    };
    (first..first + count).map(move |seed| {
        let mut objects = bootstrap(defaults);
        objects.extend(random::world(seed, flavour));
        let reviews = questions(&objects, seed, 200);
        (seed, World { objects, mode }, reviews)
    })
}

#[test]
fn every_judge_says_what_the_oracle_says() {
    for (seed, world, reviews) in worlds() {
        let answers = (ORACLE.answers)(&world, &reviews);
        compare(&format!("seed {seed}"), &world, &reviews, &answers, JUDGES, &mut |_, _| None);
    }
}

#[test]
fn questions_about_files_would_notice_each_known_mistake() {
    let all: Vec<_> = some(Flavour::Offline, 12)
        .map(|(_, world, reviews)| {
            let answers = (ORACLE.answers)(&world, &reviews);
            (world, reviews, answers)
        })
        .collect();
    let unnoticed: Vec<&str> = MISTAKES
        .iter()
        .filter(|mistake| mistake.shown_by == Flavour::Offline)
        .filter(|mistake| {
            !all.iter()
                .any(|(world, reviews, answers)| recorded::caught(world, reviews, answers, mistake).next().is_some())
        })
        .map(|mistake| mistake.belief)
        .collect();
    assert!(unnoticed.is_empty(), "no question would notice who believes this: {unnoticed:#?}");
}

#[test]
fn who_can_lists_those_whom_the_oracle_lists() {
    for (seed, world, reviews) in worlds() {
        let graph = engine::graph(&world.objects);
        for (review, question) in engine::reviews(&reviews).iter().zip(&reviews).take(15) {
            let namespace = review.action.namespace().to_owned();
            let mut places = vec![(Where::Cluster, oracle::Where::Cluster)];
            if !namespace.is_empty() {
                places.push((Where::Namespace(namespace.clone()), oracle::Where::In(&namespace)));
                places.push((Where::EachNamespace, oracle::Where::EachNamespace));
            }
            for (place, of_oracle) in places {
                let found = engine::everybody_who_can(&graph, &review.action, &place);
                let expected = oracle::who_can(&world.objects, &question["spec"], of_oracle);
                assert_eq!(engine::holders(&graph, &found), expected, "seed {seed}, {place:?}: {question}");
            }
        }
    }
}

#[test]
fn the_order_of_the_input_does_not_count() {
    for (seed, world, reviews) in worlds().step_by(3) {
        let mut shuffled = world.clone();
        let mut dice = Dice::new(seed);
        dice.shuffle(&mut shuffled.objects);
        for object in &mut shuffled.objects {
            for list in ["rules", "subjects"] {
                if let Some(list) = object[list].as_array_mut() {
                    dice.shuffle(list);
                }
            }
        }
        for judge in JUDGES {
            assert_eq!(
                (judge.answers)(&world, &reviews),
                (judge.answers)(&shuffled, &reviews),
                "seed {seed}, {}",
                judge.name
            );
        }
        let [graph, of_shuffled] = [&world, &shuffled].map(|world| engine::graph(&world.objects));
        for review in engine::reviews(&reviews).iter().take(50) {
            let rows = |graph: &AccessGraph| {
                let found = engine::everybody_who_can(graph, &review.action, &Where::EachNamespace);
                engine::holders(graph, &found)
            };
            assert_eq!(rows(&graph), rows(&of_shuffled), "seed {seed}: {review:?}");
            assert_eq!(explanation(&graph, review), explanation(&of_shuffled, review), "seed {seed}: {review:?}");
        }
    }
}

#[test]
fn without_the_binding_an_explanation_names_the_explanation_is_gone() {
    for (seed, world, reviews) in worlds() {
        let graph = engine::graph(&world.objects);
        for (review, question) in engine::reviews(&reviews).iter().zip(&reviews).take(15) {
            let grants = explanation(&graph, review);
            for (kind, namespace, name) in grants.iter().take(1) {
                let mut less = world.clone();
                less.objects.retain(|object| {
                    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                    let metadata = &object["metadata"];
                    object["kind"] != *kind
                        || text(&metadata["namespace"]) != *namespace
                        || text(&metadata["name"]) != *name
                });
                assert_eq!(
                    less.objects.len() + 1,
                    world.objects.len(),
                    "seed {seed}: {kind} {namespace}/{name} is no object"
                );
                let rest = explanation(&engine::graph(&less.objects), review);
                let mut expected = grants.clone();
                expected.remove(&(kind.clone(), namespace.clone(), name.clone()));
                assert_eq!(rest, expected, "seed {seed}, without {kind} {namespace}/{name}: {question}");
            }
            // Without all of them nothing allows it.
            if !grants.is_empty() && review.identity.groups.iter().all(|group| group != "system:masters") {
                let mut less = world.clone();
                less.objects.retain(|object| {
                    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                    let metadata = &object["metadata"];
                    !grants.contains(&(text(&object["kind"]), text(&metadata["namespace"]), text(&metadata["name"])))
                });
                less.mode = Mode::Rbac;
                assert_eq!((ORACLE.answers)(&less, std::slice::from_ref(question)), [false], "seed {seed}: {question}");
            }
        }
    }
}

#[test]
fn one_more_binding_takes_nothing_away() {
    for (seed, world, reviews) in worlds().step_by(3) {
        let mut more = world.clone();
        let other = random::world(seed + 5000, Flavour::Rbac);
        let binding = other.into_iter().find(|object| object["kind"] == "ClusterRoleBinding").unwrap();
        more.objects.retain(|object| object["kind"] != binding["kind"] || object["metadata"] != binding["metadata"]);
        let fewer = more.clone();
        more.objects.push(binding);
        let [before, after] = [fewer, more].map(|world| engine::graph(&world.objects));
        for review in engine::reviews(&reviews).iter().take(100) {
            let who = |graph: &AccessGraph| -> BTreeSet<Holder> {
                let found = engine::everybody_who_can(graph, &review.action, &Where::EachNamespace);
                engine::holders(graph, &found).into_iter().filter(|(_, held)| held.every).map(|(who, _)| who).collect()
            };
            assert!(who(&before).is_subset(&who(&after)), "seed {seed}: {review:?}");
        }
    }
}

/// Kind, namespace and name of each binding that `why` gives as a reason for a yes.
fn explanation(graph: &AccessGraph, review: &Review) -> BTreeSet<(String, String, String)> {
    let place = match &review.action {
        Action::Resource(action) if !action.namespace.is_empty() => Where::Namespace(action.namespace.clone()),
        _ => Where::Cluster,
    };
    let found = why(graph, ClusterId::FIRST, &review.identity, &review.action, &place, Authorizers::default());
    let named = |grant: &rbac_lens::query::RightGrant| {
        let binding = graph.binding(grant.binding);
        let namespace = binding.namespace.map(|namespace| graph.text(namespace).to_owned());
        let kind = if namespace.is_some() { "RoleBinding" } else { "ClusterRoleBinding" };
        (kind.to_owned(), namespace.unwrap_or_default(), graph.text(binding.name).to_owned())
    };
    found.grants.iter().map(named).collect()
}
