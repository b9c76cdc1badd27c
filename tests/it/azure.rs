//! Azure's side: the engine against a naive judge on random worlds, every form that the data comes in, and what is said of data that cannot
//! be read.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use rbac_lens::collect::{DEMO_AZURE, FileOptions, Input, Limits, Needs, read_azure};
use rbac_lens::graph::AzureGraph;
use rbac_lens::model::Snapshot;
use rbac_lens::model::azure::{Assigned, Members, Plane, PrincipalKind, Request, fold};
use serde_json::{Value, json};

use super::worlds::azure::{Answer, Asked, GIVEN, judge, questions, world};
use super::worlds::random::Dice;
use super::{ask, ask_with};

fn options() -> FileOptions {
    FileOptions {
        recursive: false,
        needs: Needs::default(),
        default_namespace: "default".to_owned(),
        keep_going: false,
        limits: Limits::DEFAULT,
        threads: 1,
    }
}

fn read_text(text: &str) -> Result<Snapshot, Vec<String>> {
    let read = read_azure(&[Input::Stdin], &mut text.as_bytes(), &options(), 0);
    let mut snapshot = Snapshot::default();
    read.map_err(|error| error.lines().collect::<Vec<_>>())?.add_to(&mut snapshot);
    Ok(snapshot)
}

/// What the engine says to a question.
fn engine(graph: &AzureGraph<'_>, asked: &Asked) -> Answer {
    let plane = if asked.data { Plane::Data } else { Plane::Control };
    let Some(principal) = graph.by_object_id(&asked.principal) else {
        return Answer { decision: "no", grants: BTreeMap::new() };
    };
    let verdict = graph.decide(principal, &graph.question(asked.action, plane), graph.locate(&asked.scope));
    let grants = verdict.grants.iter().map(|grant| {
        let read = graph.assignment(grant.assignment);
        let through = grant.through.map_or_else(String::new, |through| {
            format!(" by {} {}", graph.principal(through.group).object_id, through.eligible)
        });
        let key = format!(
            "{} at {} {} {}{through}",
            read.role_id,
            fold(&read.scope),
            read.assigned == Assigned::Eligible,
            read.condition.as_ref().map_or(Value::Null, |text| json!(text))
        );
        let permits = GIVEN.map(|role| grant.effect.permits(Request { role, principal: "x", kind: "User" }));
        (key, (grant.decision.as_str(), permits.to_vec()))
    });
    Answer { grants: grants.collect(), decision: verdict.decision.as_str() }
}

#[test]
fn the_engine_and_the_judge_agree_on_random_worlds() {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in 0..80 {
        let mut dice = Dice::new(seed);
        let mut rows = world(&mut dice);
        let questions = questions(&mut dice);
        let judged: Vec<Answer> = questions.iter().map(|asked| judge(&rows, asked)).collect();
        // The order of the rows means nothing.
        dice.shuffle(&mut rows);
        let snapshot = read_text(&json!(rows).to_string()).unwrap();
        let graph = AzureGraph::new(&snapshot.azure);
        for (asked, judged) in questions.iter().zip(judged) {
            let found = engine(&graph, asked);
            assert_eq!(found, judged, "seed {seed}: {asked:?} in {:#}", json!(rows));
            *seen.entry(judged.decision).or_default() += 1;
        }
    }
    for decision in ["allowed", "conditional", "eligible", "unknown", "denied", "no"] {
        assert!(seen.get(decision).is_some_and(|times| *times > 100), "{decision} is hardly ever met: {seen:?}");
    }
}
