//! The ClusterRoles that every Kubernetes cluster has. Manifests refer to `edit` or `view` without carrying them; those that an
//! input refers to and leaves out are taken from here, so that the binding is not mistaken for a dangling one.

use rustc_hash::FxHashSet;

use super::document::{ItemKind, Lines, Needs, Reader};
use crate::model::{Origin, RoleKind, Snapshot};

/// The default ClusterRoles of kube-apiserver 1.36.3, one a line; aggregated ones without rules.
const DEFAULT_ROLES: &str = include_str!("default-roles.ndjson");

/// The roles that aggregation unites into others, from the widest down.
const AGGREGATED: [(&str, [&str; 2]); 3] = [
    ("admin", ["system:aggregate-to-admin", "edit"]),
    ("edit", ["system:aggregate-to-edit", "view"]),
    ("view", ["system:aggregate-to-view", "view"]),
];

/// The default ClusterRoles that these parts refer to and do not have, unless they come from a cluster, where what is not
/// there does not exist.
pub(super) fn missing(parts: &[Snapshot]) -> Option<Snapshot> {
    if parts.iter().any(|part| part.clusters.iter().any(|cluster| cluster.stored)) {
        return None;
    }
    let mut wanted: FxHashSet<&str> = FxHashSet::default();
    for part in parts {
        for binding in part.bindings.iter().filter(|binding| binding.role.kind == RoleKind::ClusterRole) {
            wanted.insert(part.text(binding.role.name));
        }
    }
    for (name, parts) in AGGREGATED {
        if wanted.contains(name) {
            wanted.extend(parts);
        }
    }
    for part in parts {
        for role in part.roles.iter().filter(|role| role.namespace.is_none()) {
            wanted.remove(part.text(role.name));
        }
    }
    let mut reader = Reader::new(Needs::default(), "");
    for line in DEFAULT_ROLES.lines() {
        if name_of(line).is_some_and(|name| wanted.contains(name)) {
            reader.json(line, Origin::BUILT_IN, ItemKind::default(), Lines::OfObject);
        }
    }
    let (mut part, _) = reader.finish();
    part.counts.clear();
    (!part.roles.is_empty()).then_some(part)
}

/// The name in a line of `DEFAULT_ROLES`, whose shape is our own.
fn name_of(line: &str) -> Option<&str> {
    line.split_once(r#""metadata":{"name":""#)?.1.split_once('"').map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_found_by_its_name() {
        assert_eq!(DEFAULT_ROLES.lines().filter_map(name_of).count(), 69);
        let mut reader = Reader::new(Needs::default(), "");
        for line in DEFAULT_ROLES.lines() {
            reader.json(line, Origin::BUILT_IN, ItemKind::default(), Lines::OfObject);
        }
        let (part, problems) = reader.finish();
        assert_eq!((part.roles.len(), problems), (69, vec![]));
    }
}
