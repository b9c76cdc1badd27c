//! Tests that need a Rust toolchain and nothing else.
//!
//! - `floors`: a floor imports only from floors below it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first thing that is not as it should be"
)]

mod floors;
