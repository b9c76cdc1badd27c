//! The server's words, replayed without it: the reasons of reviews, and which reviews are no questions.

use std::io::Cursor;

use rbac_lens::collect::{Input, read_reviews};
use rbac_lens::model::ClusterId;
use rbac_lens::query::{Authorizers, Reviewed};
use serde_json::Value;

use crate::worlds::{engine, fixtures};

#[test]
fn reasons_are_the_servers() {
    let recorded = recorded("review-reasons.json");
    let graph = engine::graph(recorded["objects"].as_array().unwrap());
    let reviews = recorded["reviews"].as_array().unwrap();
    let mut wrong = Vec::new();
    for (review, question) in engine::reviews(reviews).iter().zip(reviews) {
        let status = &question["status"];
        let said = Reviewed::new(&graph, ClusterId::FIRST, &review.identity, &review.action, Authorizers::default());
        assert_eq!(said.allowed, status["allowed"] == true, "{question}");
        // All spellings of one service account are one subject here, which is told as what it is.
        let expected = status["reason"].as_str().unwrap_or_default();
        let expected =
            expected.replace("User \"system:serviceaccount:elsewhere:a2\"", "ServiceAccount \"a2/elsewhere\"");
        if said.reason != expected {
            wrong.push(format!("{}\n  server: {expected}\n  we:     {}", question["spec"], said.reason));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_the_server_refuses_is_an_input_error() {
    let mut wrong = Vec::new();
    for case in recorded("review-errors.json").as_array().unwrap() {
        let text = format!("{}\n", case["review"]);
        let read = read_reviews(&[Input::Stdin], &mut Cursor::new(text), &engine::options());
        let refused = read.err().map(|error| error.lines().collect::<Vec<_>>().join("\n"));
        match (&refused, case["code"] == 200) {
            (Some(_), false) | (None, true) => {}
            (Some(ours), true) => wrong.push(format!("{}: the server answers, we say {ours}", case["what"])),
            (None, false) => wrong.push(format!("{}: we answer, the server says {}", case["what"], case["message"])),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn recorded(file: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(fixtures().join(file)).unwrap()).unwrap()
}
