//! Worlds, questions and a real server's answers, as files that need no server: one folder for each world under
//! `tests/fixtures/parity`.
//!
//! - `world.ndjson`: its objects, without the defaults of a fresh server, which `tests/fixtures/bootstrap-1.36` has;
//! - `reviews.ndjson`: the reviews, each with the server's `.status.allowed`;
//! - `server.json`: which server said so.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::mistakes::MISTAKES;
use super::{Aggregated, Mode, World, bootstrap, fixtures, oracle};

/// One recorded world.
pub(crate) struct Recorded {
    /// The folder's name.
    pub(crate) name: String,
    /// What the server had, its defaults included.
    pub(crate) world: World,
    /// The reviews without their status.
    pub(crate) reviews: Vec<Value>,
    /// Whether the server allowed each.
    pub(crate) answers: Vec<bool>,
}

/// Every recorded world, by name.
pub(crate) fn all() -> Vec<Recorded> {
    let mut names: Vec<String> =
        fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names.into_iter().map(read).collect()
}

fn read(name: String) -> Recorded {
    let file = |file: &str| fs::read_to_string(folder().join(&name).join(file)).unwrap();
    let lines = |text: String| -> Vec<Value> { text.lines().map(|line| serde_json::from_str(line).unwrap()).collect() };
    let server: Value = serde_json::from_str(&file("server.json")).unwrap();
    let (mode, defaults) = match server["authorizationMode"].as_str() {
        Some("Node,RBAC") => (Mode::NodeRbac, Aggregated::Empty),
        _ => (Mode::Rbac, Aggregated::Filled),
    };
    let mut objects = bootstrap(defaults);
    objects.extend(lines(file("world.ndjson")));
    let mut reviews = lines(file("reviews.ndjson"));
    let answers = reviews.iter().map(|review| review["status"]["allowed"].as_bool().unwrap()).collect();
    for review in &mut reviews {
        review.as_object_mut().unwrap().remove("status");
    }
    Recorded { name, world: World { objects, mode }, reviews, answers }
}

/// Writes a world down; `own` are its objects without the defaults of a fresh server.
pub(crate) fn write(name: &str, version: &str, mode: Mode, own: &[Value], reviews: &[(Value, bool)]) {
    let folder = folder().join(name);
    fs::create_dir_all(&folder).unwrap();
    let lines = |values: &mut dyn Iterator<Item = Value>| values.map(|value| format!("{value}\n")).collect::<String>();
    let answered = |(review, allowed): &(Value, bool)| {
        let mut review = review.clone();
        review["status"] = json!({"allowed": allowed});
        review
    };
    fs::write(folder.join("world.ndjson"), lines(&mut own.iter().cloned())).unwrap();
    fs::write(folder.join("reviews.ndjson"), lines(&mut reviews.iter().map(answered))).unwrap();
    let server = json!({"gitVersion": version, "authorizationMode": mode.flag()});
    fs::write(folder.join("server.json"), format!("{server}\n")).unwrap();
}

/// The recorded selection of many reviews: a few for each mistake that they would catch, then as many allowed ones as
/// refused ones, as long as there are. Gives their places, in order.
pub(crate) fn selection(world: &World, reviews: &[Value], answers: &[bool], count: usize) -> Vec<usize> {
    /// Enough to see the same mistake in more than one light.
    const FOR_EACH_MISTAKE: usize = 4;
    let mut chosen = vec![false; reviews.len()];
    for mistake in MISTAKES {
        let mut missing = FOR_EACH_MISTAKE;
        for at in caught(world, reviews, answers, mistake) {
            if missing > 0 && !chosen[at] {
                chosen[at] = true;
                missing -= 1;
            }
        }
    }
    for (allowed, share) in [(true, count / 2), (false, count)] {
        for at in 0..reviews.len() {
            let so_far = (0..reviews.len()).filter(|&at| chosen[at] && (!allowed || answers[at])).count();
            if so_far < share && answers[at] == allowed {
                chosen[at] = true;
            }
        }
    }
    (0..reviews.len()).filter(|&at| chosen[at]).collect()
}

/// The reviews that somebody who makes this mistake would answer wrongly.
pub(crate) fn caught<'a>(
    world: &World,
    reviews: &[Value],
    answers: &'a [bool],
    mistake: &super::mistakes::Mistake,
) -> impl Iterator<Item = usize> + use<'a> {
    let (seen_world, seen_reviews) = mistake.seen(world, reviews);
    let wrong = oracle::answers(&seen_world, &seen_reviews);
    (0..answers.len()).filter(move |&at| wrong[at] != answers[at])
}

fn folder() -> PathBuf {
    fixtures().join("parity")
}
