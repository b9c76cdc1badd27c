//! Tests that need a Rust toolchain and nothing else.
//!
//! - `bad_input`: what cannot be read is said in one line for each problem.
//! - `bootstrap`: the objects that a real server creates by itself.
//! - `floors`: a floor imports only from floors below it.
//! - `formats`: every form that objects come in loads as it is.
//! - `profile`: clusters of any size, shared with the benchmark.
//! - `readme`: what README shows is what the program prints.
//! - `recorded`: what a real server answered to thousands of reviews.
//! - `worlds`: random worlds and a naive judge, shared with the end-to-end tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first thing that is not as it should be"
)]

mod bad_input;
mod bootstrap;
mod floors;
mod formats;
#[expect(dead_code, reason = "the benchmark uses the rest")]
#[path = "../../benches/profile/mod.rs"]
mod profile;
mod readme;
mod recorded;
#[path = "../worlds/mod.rs"]
mod worlds;
