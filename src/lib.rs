//! Least-privilege RBAC analysis for Kubernetes: who can do what, why, and why not.
//!
//! The modules are floors. A floor imports only from floors below it, never sideways, never up; `tests/it/floors.rs` reads the
//! `use` lines and fails otherwise. Only [`collect`] reads from outside, and only the binary's `main` writes.
//!
//! | floor | module | holds |
//! |---|---|---|
//! | 0 | [`model`] | plain values |
//! | 1 | `collect` | the only reading: files, live clusters, snapshots |
//! | 2 | `graph` | the access graph and its indexes |
//! | 3 | `query` | who-can, what-can, why, review |
//! | 4 | [`rules`] | techniques, the attack graph, findings |
//! | 5 | `render` | answers to text; the only `Serialize` types |
//! | 6 | `cli` | words typed to calls; the exit status |

mod both;
pub mod cli;
pub mod collect;
pub mod graph;
pub mod model;
pub mod query;
pub mod render;
pub mod rules;
