//! Every technique there is.

use super::kubernetes;
use super::technique::Technique;

/// Every technique, moves first.
pub const CATALOGUE: &[&Technique] = kubernetes::TECHNIQUES;

/// The technique of this id.
pub fn technique(id: &str) -> Option<&'static Technique> {
    CATALOGUE.iter().find(|technique| technique.id == id).copied()
}
