//! Tests that need a Rust toolchain and nothing else.
//!
//! - `bootstrap`: the objects that a real server creates by itself.
//! - `floors`: a floor imports only from floors below it.
//! - `node`: the Node authorizer, on answers of a real server.
//! - `readme`: what README shows is what the program prints.
//! - `recorded`: what a real server answered to thousands of reviews.
//! - `worlds`: random worlds and a naive judge, shared with the end-to-end tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first thing that is not as it should be"
)]

mod bootstrap;
mod floors;
mod node;
mod readme;
mod recorded;
#[path = "../worlds/mod.rs"]
mod worlds;
