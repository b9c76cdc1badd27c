//! Tests that need a Rust toolchain and nothing else.
//!
//! - `bootstrap`: the objects that a real server creates by itself.
//! - `floors`: a floor imports only from floors below it.
//! - `properties`: what holds in every random world.
//! - `readme`: what README shows is what the program prints.
//! - `recorded`: what a real server answered to thousands of reviews.
//! - `words`: the reasons that a real server gives, and what it refuses to answer.
//! - `worlds`: random worlds and a naive judge, shared with the end-to-end tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first thing that is not as it should be"
)]

mod bootstrap;
mod floors;
mod properties;
mod readme;
mod recorded;
mod words;
#[path = "../worlds/mod.rs"]
mod worlds;
