//! What the catalogue says that our tests do on a real server, they do, and the other way round.

use std::collections::BTreeSet;

use rbac_lens::rules::{CATALOGUE, Confidence};

/// The tests need a feature that this one does without, so their list is read as text.
const TESTS: &str = include_str!("../e2e/escalations.rs");

/// The ids of one list: lines `"ID" => TEST ...`.
fn listed(list: &str) -> BTreeSet<&'static str> {
    let start = format!("performed! {{ {list}:\n");
    let (_, text) = TESTS.split_once(&start).unwrap_or_else(|| panic!("no list {list}"));
    let (text, _) = text.split_once("\n}\n").unwrap();
    text.lines().filter_map(|line| line.trim().strip_prefix('"')?.split_once("\" => ")).map(|(id, _)| id).collect()
}

fn catalogue(confidence: impl Fn(Confidence) -> bool) -> BTreeSet<&'static str> {
    CATALOGUE.iter().filter(|technique| confidence(technique.confidence)).map(|technique| technique.id).collect()
}

#[test]
fn what_is_said_to_be_performed_is_performed() {
    let (said, done) = (catalogue(|is| is == Confidence::Performed), listed("PERFORMED"));
    let unproved: Vec<_> = said.difference(&done).collect();
    assert!(unproved.is_empty(), "said to be performed, without a test in tests/e2e/escalations.rs: {unproved:?}");
    let unsaid: Vec<_> = done.difference(&said).collect();
    assert!(unsaid.is_empty(), "performed in tests/e2e/escalations.rs, and the catalogue does not say so: {unsaid:?}");
}

#[test]
fn what_is_performed_ahead_of_the_catalogue_moves_once_the_catalogue_says_so() {
    let (said, ahead) = (catalogue(|is| is == Confidence::Performed), listed("AHEAD"));
    let late: Vec<_> = ahead.intersection(&said).collect();
    assert!(late.is_empty(), "to be moved from AHEAD to PERFORMED in tests/e2e/escalations.rs: {late:?}");
    assert!(listed("PERFORMED").is_disjoint(&ahead));
}
