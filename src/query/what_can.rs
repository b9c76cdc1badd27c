//! `what-can`: everything that an identity is allowed to do, place by place, with the grant behind each.

use std::collections::BTreeMap;

use crate::graph::{AccessGraph, BindingIx};
use crate::model::{ClusterId, Identity, MASTERS, Name, Subject};

use super::decide::subjects;

/// What a right is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// A resource as a rule writes it, wildcards and subresource included.
    Resource {
        /// The API group, or `*`.
        api_group: Name,
        /// `resource`, `resource/subresource`, `*/subresource` or `*`.
        resource: Name,
        /// The only object names; empty for every object.
        resource_names: Vec<Name>,
    },
    /// A path, or a prefix of paths.
    Url(Name),
}

/// A right: the verbs on one target at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    /// The namespace, or none for the whole cluster.
    pub namespace: Option<Name>,
    /// What it is about.
    pub target: Target,
    /// The verbs, as the rules write them.
    pub verbs: Vec<Name>,
    /// What grants it.
    pub grants: Vec<RightGrant>,
}

/// A binding and one rule of its role, and the subject of the identity that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RightGrant {
    /// The binding.
    pub binding: BindingIx,
    /// The rule's place among the role's rules.
    pub rule: u32,
    /// The user or group that the binding names.
    pub subject: Subject,
}

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WhatCan {
    /// The identity is in `system:masters` and may do everything, whatever the rights say.
    pub masters: bool,
    /// The rights: cluster-wide ones first, then by namespace, each by target.
    pub rights: Vec<Right>,
    /// Bindings that name the identity and whose role does not exist.
    pub dangling: Vec<BindingIx>,
}

/// The verbs on one target at one place while they are gathered.
#[derive(Default)]
struct Held {
    verbs: Vec<Name>,
    grants: Vec<RightGrant>,
}

/// Everything that an identity can do by RBAC, exactly with the groups given.
///
/// Rights are what the rules say. Some of a RoleBinding never count, and are given nevertheless: those on cluster-scoped
/// resources, and those on paths, since a request for one has no namespace.
pub fn what_can(graph: &AccessGraph, cluster: ClusterId, identity: &Identity) -> WhatCan {
    let _stage = tracing::debug_span!("query").entered();
    let mut found: BTreeMap<(Option<Name>, Target), Held> = BTreeMap::new();
    let mut dangling = Vec::new();
    for subject in subjects(graph, identity) {
        let Some(id) = graph.snapshot().subjects.find(subject) else { continue };
        for &binding in graph.bindings_of(id) {
            let scope = graph.scope_of(binding);
            if scope.cluster != cluster {
                continue;
            }
            let Some(role) = graph.role_of(binding) else {
                dangling.push(binding);
                continue;
            };
            let set = graph.role(role).rules;
            for (rule, _) in (0_u32..).zip(graph.snapshot().rules.set(set)) {
                let grant = RightGrant { binding, rule, subject };
                let held = graph.rule(set, rule);
                let mut add = |target: Target| {
                    let right = found.entry((scope.namespace, target)).or_default();
                    right.verbs.extend_from_slice(held.verbs);
                    right.grants.push(grant);
                };
                for &api_group in held.api_groups {
                    for &resource in held.resources {
                        let mut resource_names = held.resource_names.to_vec();
                        resource_names.sort_unstable();
                        resource_names.dedup();
                        add(Target::Resource { api_group, resource, resource_names });
                    }
                }
                held.non_resource_urls.iter().for_each(|&url| add(Target::Url(url)));
            }
        }
    }
    dangling.sort_unstable();
    dangling.dedup();
    let rights = found.into_iter().map(|((namespace, target), Held { mut verbs, mut grants })| {
        verbs.sort_unstable();
        verbs.dedup();
        grants.sort_unstable();
        grants.dedup();
        Right { namespace, target, verbs, grants }
    });
    WhatCan {
        masters: identity.is_in(MASTERS),
        rights: rights.filter(|right| !right.verbs.is_empty()).collect(),
        dangling,
    }
}
