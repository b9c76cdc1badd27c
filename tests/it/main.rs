//! Tests that need a Rust toolchain and nothing else.
//!
//! - `aso`: no secret of a credential gets out in any way.
//! - `azure`: what Azure's side says, judged by a naive judge; what of it cannot be read.
//! - `azure_export`: what `az` is asked for and what becomes of its answers.
//! - `bad_input`: what cannot be read is said in one line for each problem.
//! - `bootstrap`: the objects that a real server creates by itself.
//! - `cli`: help, formats, messages, streams and exit statuses.
//! - `completion`: what shells are offered, and the link by which kubectl finds it.
//! - `cuts`: no smaller set of grants severs every path; who can do something after escalating.
//! - `elsewhere`: Azure data of another tenant or subscription than the credentials.
//! - `escalations`: what is reached on random worlds, judged by an attacker that tries everything.
//! - `first`: no cluster, no rights, nothing of Azure: what is told, and the command that helps.
//! - `floors`: a floor imports only from floors below it.
//! - `graph`: the same picture in every format, whatever is in a name.
//! - `guard`: whom Azure lets do something in a cluster that asks it.
//! - `hostile`: no name steers a terminal, and every name comes back exactly.
//! - `into_azure`: the paths of the example company into Azure, and back.
//! - `kept`: suppressions and baselines.
//! - `look`: how answers look on a terminal.
//! - `node`: the Node authorizer, on answers of a real server.
//! - `outputs`: one answer in all formats, each as its readers expect it.
//! - `properties`: what must hold between the answers, whatever the world.
//! - `random_worlds`: the naive judge and the engine agree on random worlds, in any order.
//! - `formats`: every form that objects come in loads as it is.
//! - `package`: what a release gives to krew is what krew accepts.
//! - `performed`: what the catalogue says is done on a real server is done.
//! - `profile`: clusters of any size, shared with the benchmark.
//! - `readme`: what README shows is what the program prints.
//! - `recorded`: what a real server answered to thousands of reviews.
//! - `remedies`: what the printed commands remove severs the path.
//! - `reviews`: raw semantics, the server's refusals, expectations.
//! - `schemas`: reports hold what `schemas/` says.
//! - `scenarios`: small worlds and the whole answers to questions about them.
//! - `server`: an API server that is a function, for runs of the whole program.
//! - `system`: who is Kubernetes' own, who the platform's, and who only looks like it.
//! - `verbose`: what is told beside the answer, and to whom.
//! - `words`: the reasons that a real server gives, and what it refuses to answer.
//! - `workflows`: the workflows are pinned and have no right too many.
//! - `worlds`: random worlds and a naive judge, shared with the end-to-end tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first thing that is not as it should be"
)]

mod aso;
mod azure;
#[cfg(unix)]
mod azure_export;
mod bad_input;
mod bootstrap;
mod cli;
mod completion;
mod cuts;
mod elsewhere;
mod escalations;
mod first;
mod floors;
mod formats;
mod graph;
mod guard;
mod hostile;
mod into_azure;
mod kept;
mod look;
mod node;
mod outputs;
mod package;
mod performed;
#[expect(dead_code, unused_imports, reason = "the benchmark uses the rest")]
#[path = "../../benches/profile/mod.rs"]
mod profile;
mod properties;
mod random_worlds;
mod readme;
mod recorded;
mod remedies;
mod reviews;
mod scenarios;
mod schemas;
mod server;
mod system;
mod verbose;
mod words;
mod workflows;
#[path = "../worlds/mod.rs"]
mod worlds;

use rbac_lens::cli::{Outcome, World, run};

/// Runs one command line in this process, with nothing on standard input.
fn ask<'a>(words: impl IntoIterator<Item = &'a str>) -> Outcome {
    ask_with(words, "")
}

/// Runs one command line in this process.
fn ask_with<'a>(words: impl IntoIterator<Item = &'a str>, stdin: &str) -> Outcome {
    let words = ["kubectl-rbac_lens"].into_iter().chain(words).map(Into::into);
    run(
        words,
        &mut World {
            stdin: &mut stdin.as_bytes(),
            progress: &|_| (),
            now: 1_780_000_000,
            terminal: Default::default(),
        },
    )
}

/// The formats that a command prints.
fn formats(command: &str) -> impl Iterator<Item = &'static str> + use<> {
    let named = command != "review";
    ["table", "wide", "name", "json", "yaml", "ndjson", "csv", "markdown"]
        .into_iter()
        .filter(move |format| named || *format != "name")
}
