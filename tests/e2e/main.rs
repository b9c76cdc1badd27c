//! Tests against a real kube-apiserver.
//!
//! They need the programs that `tests/e2e/build-assets` finds or builds, and fail without them:
//!
//! ```sh
//! env $(tests/e2e/build-assets) cargo test --features e2e --test e2e
//! ```
//!
//! - `server`: starts the server, speaks to it, puts it back to its first state between worlds.
//! - `live`: the collector reads what is there, says what it may not read, and sends nothing but reads.
//! - `smoke`: the server is the one that the other tests think it is.
//! - `aso`: the Kubernetes half of Azure Service Operator's paths.
//! - `completion`: kubectl completes through us.
//! - `node`: the Node authorizer.
//! - `output`: our jsonpath and custom columns print what kubectl prints.
//! - `package`: the archive of a release, run by kubectl and, where it is on PATH, installed by krew.
//! - `parity`: random worlds, and thousands of questions that the server and our judges answer alike.
//! - `words`: how the server gives its reasons, and what it refuses to answer.
//! - `escalations`: techniques performed, each in random worlds.
//! - `remedies`: what findings and cuts print is run by the real kubectl.
//! - `picture`: Graphviz draws what `graph` prints. It needs no server.
//! - `record`: what the server answered, kept under `tests/fixtures` for tests that have no server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first thing that is not as it should be"
)]

mod aso;
mod completion;
mod escalations;
mod live;
mod node;
mod output;
mod package;
mod parity;
mod picture;
mod record;
mod remedies;
mod server;
mod smoke;
mod words;
#[path = "../worlds/mod.rs"]
mod worlds;
