//! Floor 2: the access graph, subject -> binding -> role -> rule, with the indexes that make each question a look-up.
//! Facts only: no question is answered and nothing is judged here.

mod access;
mod aggregation;
pub mod azure;
mod node;
mod walk;

pub use access::{AccessGraph, BindingIx, RoleIx, Scope};
pub use azure::AzureGraph;
pub use node::{
    AttachmentIx, KnownNode, NodeGraph, NodeObject, Object, Objects, PodIx, Related, Relation, SliceIx, VolumeIx,
};
pub use walk::{AndOr, Far, Link, Surely, WORTH, Walker, Within};
