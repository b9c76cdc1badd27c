//! The ClusterRoles that every Kubernetes cluster has. Manifests refer to `edit` or `view` without carrying them; those that an
//! input refers to and leaves out are taken from here, so that a binding is not mistaken for a dangling one, nor the right to
//! bind such a role for the right to bind nothing.

use rustc_hash::FxHashSet;

use super::document::{ItemKind, Lines, Needs, Reader};
use crate::model::{Name, Origin, RoleKind, Snapshot};

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
        wanted.extend(written(part));
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

/// The verbs by which somebody puts others under a ClusterRole, or changes it for those who are.
const WRITES: [&str; 5] = ["bind", "escalate", "update", "patch", "*"];

/// The ClusterRoles that rules name which may be bound or changed. A rule without names is about any, cluster-admin included, and
/// takes none of them to be here.
fn written(part: &Snapshot) -> impl Iterator<Item = &str> {
    let is_any = |list: &[Name], texts: &[&str]| list.iter().any(|&name| texts.contains(&part.text(name)));
    let rules = part.rules.sets().flat_map(|(_, rules)| rules).map(|&rule| part.rules.rule(rule));
    let writes = rules.filter(move |rule| {
        !rule.resource_names.is_empty()
            && is_any(rule.verbs, &WRITES)
            && is_any(rule.api_groups, &["rbac.authorization.k8s.io", "*"])
            && is_any(rule.resources, &["clusterroles", "*"])
    });
    writes.flat_map(|rule| rule.resource_names).map(|&name| part.text(name))
}

/// The name in a line of `DEFAULT_ROLES`, whose shape is our own.
fn name_of(line: &str) -> Option<&str> {
    line.split_once(r#""metadata":{"name":""#)?.1.split_once('"').map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::{FileOptions, Input, load};

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

    /// The ClusterRoles that are taken from here for a role with one rule about `view`.
    fn taken(verb: &str, group: &str, resource: &str) -> Vec<String> {
        let rule =
            format!("{{verbs: [{verb}], apiGroups: [{group}], resources: [{resource}], resourceNames: [view, mine]}}");
        let kind = "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole";
        let input = format!("{kind}, metadata: {{name: own}}, rules: [{rule}]}}");
        let options = FileOptions::default();
        let snapshot = load(&[Input::Stdin], &mut input.as_bytes(), &options).unwrap();
        let taken = snapshot.roles.iter().filter(|role| role.origin == Origin::BUILT_IN);
        taken.map(|role| snapshot.text(role.name).to_owned()).collect()
    }

    #[test]
    fn what_may_be_bound_or_changed_by_its_name_is_there() {
        for verb in ["bind", "escalate", "update", "patch", "'*'"] {
            assert_eq!(taken(verb, "rbac.authorization.k8s.io", "clusterroles"), ["system:aggregate-to-view", "view"]);
        }
        assert_eq!(taken("bind", "'*'", "'*'"), ["system:aggregate-to-view", "view"]);
        for (verb, group, resource) in [
            ("get", "rbac.authorization.k8s.io", "clusterroles"),
            ("bind", "''", "clusterroles"),
            ("bind", "rbac.authorization.k8s.io", "roles"),
        ] {
            assert_eq!(taken(verb, group, resource), Vec::<String>::new());
        }
    }
}
