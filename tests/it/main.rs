//! Tests that need nothing but the repository.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first thing that is not as it should be"
)]

mod recorded;
#[path = "../worlds/mod.rs"]
mod worlds;
