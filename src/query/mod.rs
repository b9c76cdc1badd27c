//! Floor 3: questions to the access graph. Who can do this, what can this one do, why or why not, and reviews as the API server
//! answers them. Answers are plain values that name the binding, role and rule behind them; nothing is put into words for people.

mod decide;
mod expand;
mod identity;
pub mod node;
mod review;
mod system;
mod who_can;

pub use decide::{Authorizers, Verdict, decide};
pub use expand::{Member, members};
pub use identity::{Identity, implied_groups};
pub use node::{NodeGrant, NodeRefusal};
pub use review::{Reviewed, reason};
pub use system::{SystemFilter, is_system};
pub use who_can::{Filter, Grant, Place, Row, Where, WhoCan, who_can};
