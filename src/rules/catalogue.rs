//! Every technique there is.

use super::technique::Technique;
use super::{azure, kubernetes};

/// Every technique, moves first.
pub const CATALOGUE: &[&Technique] = &ALL;

const INSIDE: usize = kubernetes::TECHNIQUES.len();

const ALL: [&Technique; INSIDE + azure::TECHNIQUES.len()] = {
    let mut all = [kubernetes::TECHNIQUES[0]; INSIDE + azure::TECHNIQUES.len()];
    let mut at = 0;
    while at < all.len() {
        all[at] = if at < INSIDE { kubernetes::TECHNIQUES[at] } else { azure::TECHNIQUES[at - INSIDE] };
        at += 1;
    }
    all
};

/// The technique of this id.
pub fn technique(id: &str) -> Option<&'static Technique> {
    CATALOGUE.iter().find(|technique| technique.id == id).copied()
}

#[cfg(test)]
mod tests {
    use super::CATALOGUE;

    #[test]
    fn every_right_has_a_number_of_its_own() {
        let mut rights: Vec<super::super::Right> = Vec::new();
        for right in CATALOGUE.iter().flat_map(|technique| technique.requests).flat_map(|request| request.rights) {
            if !rights.contains(right) {
                rights.push(*right);
            }
        }
        assert!(rights.len() < 256, "{} rights do not fit into the sets of `held.rs`", rights.len());
    }
}
