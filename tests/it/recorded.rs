//! What a real kube-apiserver answered, replayed without it.

use crate::worlds::mistakes::MISTAKES;
use crate::worlds::random::Flavour;
use crate::worlds::{self, JUDGES, recorded};

#[test]
fn reviews_are_answered_as_a_real_server_answered_them() {
    let all = recorded::all();
    assert!(all.iter().map(|recorded| recorded.reviews.len()).sum::<usize>() > 2500);
    for recorded in &all {
        // There is no server to ask about smaller worlds; a wrong answer of the oracle is shown in the whole world.
        worlds::compare(&recorded.name, &recorded.world, &recorded.reviews, &recorded.answers, JUDGES, &mut |_, _| {
            None
        });
    }
}

#[test]
fn each_known_mistake_would_be_noticed() {
    let all = recorded::all();
    let unnoticed: Vec<&str> = MISTAKES
        .iter()
        .filter(|mistake| mistake.shown_by != Flavour::Offline)
        .filter(|mistake| {
            !all.iter().any(|recorded| {
                recorded::caught(&recorded.world, &recorded.reviews, &recorded.answers, mistake).next().is_some()
            })
        })
        .map(|mistake| mistake.belief)
        .collect();
    assert!(unnoticed.is_empty(), "nothing recorded would notice who believes this: {unnoticed:#?}");
}
