//! Floor 5: answers as text. Owns all output formats and the only `Serialize` types; decides nothing.

mod saved;

pub use saved::{saved, saved_gz};
