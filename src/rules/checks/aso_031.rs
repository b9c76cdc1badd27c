//! ASO-031: no wildcards over kinds.

use super::{SECURITY, Check, Checked, Found, People};
use std::collections::BTreeMap;

use crate::graph::RoleIx;
use crate::model::{Name, Rule, is_aso_group};
use crate::rules::Severity;

/// The check.
pub(super) const CHECK: Check = Check {
    id: "ASO-031",
    title: "Name the kinds that are granted, and no wildcards",
    why: "A rule for every group, or every resource of a group of ASO, grants the kinds of every later release too. A rule that names *.azure.com grants nothing at all: RBAC has no wildcards inside of words.",
    remedy: "Name the groups and resources that are needed; delete rules that grant nothing.",
    references: &["https://kubernetes.io/docs/concepts/security/rbac-good-practices/", SECURITY],
    run,
};

fn run(world: &Checked<'_>, found: &mut Found) {
    let snapshot = world.graph.snapshot();
    if !world.aso.operators().any(|(_, at)| at.is_active()) {
        return;
    }
    let mut by_role: BTreeMap<RoleIx, (People, Vec<Option<Name>>)> = BTreeMap::new();
    for (at, binding) in world.graph.bindings().filter(|(_, binding)| binding.cluster == world.cluster) {
        let Some(role) = world.graph.role_of(at) else { continue };
        let rules = snapshot.rules.set(world.graph.role(role).rules).iter().map(|&rule| snapshot.rules.rule(rule));
        if !rules.into_iter().any(|rule| is_wide(world, &rule) || is_dead(world, &rule)) {
            continue;
        }
        let subjects = snapshot.subjects.set(binding.subjects).iter().map(|&subject| snapshot.subjects.get(subject));
        let people = world.sorted_out(subjects.map(|subject| (subject, at)).collect());
        if !people.is_empty() {
            let (all, places) = by_role.entry(role).or_default();
            all.active.extend(people.active);
            all.dormant.extend(people.dormant);
            places.push(binding.namespace);
        }
    }
    for (role, (mut people, places)) in by_role {
        let role = world.graph.role(role);
        for list in [&mut people.active, &mut people.dormant] {
            list.sort_unstable();
            list.dedup();
        }
        let kind = if role.namespace.is_some() { "Role" } else { "ClusterRole" };
        let place = role.namespace.map(|namespace| format!("{}/", world.text(namespace))).unwrap_or_default();
        let name = format!("{kind} {place}{}", world.text(role.name));
        let flag = role.namespace.map(|namespace| format!("-n {} ", world.place(namespace))).unwrap_or_default();
        let edit = format!("kubectl {flag}edit {}", world.operand(&kind.to_lowercase(), role.name));
        let rules = || snapshot.rules.set(role.rules).iter().map(|&rule| snapshot.rules.rule(rule));
        if rules().any(|rule| is_wide(world, &rule)) {
            // Where it is bound for the whole cluster, the namespaces add nothing.
            let mut inside: Option<Vec<Name>> = places.into_iter().collect();
            inside.iter_mut().for_each(Vec::dedup);
            let inside = inside.map_or("the whole cluster".to_owned(), |all| world.inside(&all));
            let who = world.people_words(&people);
            let what = format!("{name} grants {who} kinds of ASO by a wildcard, in {inside}");
            let finding = found.add(people.severity(Severity::High), what);
            finding.object(kind, role.namespace, role.name, Some(role.origin)).remedy(edit.clone());
        }
        if rules().any(|rule| is_dead(world, &rule)) {
            let finding = found.add(Severity::Low, format!("{name} names *.azure.com, which grants nothing"));
            finding.object(kind, role.namespace, role.name, Some(role.origin)).remedy(edit);
        }
    }
}

/// Whether a rule writes whatever there is of ASO, or of one of its groups.
fn is_wide(world: &Checked<'_>, rule: &Rule<'_>) -> bool {
    let writes = |verb: &Name| *verb == Name::STAR || matches!(world.text(*verb), "create" | "update" | "patch");
    let every = rule.resources.contains(&Name::STAR);
    let group = |group: &Name| *group == Name::STAR || is_aso_group(world.text(*group));
    rule.resource_names.is_empty() && every && rule.verbs.iter().any(writes) && rule.api_groups.iter().any(group)
}

/// Whether a rule names a group as if RBAC had wildcards inside of words.
fn is_dead(world: &Checked<'_>, rule: &Rule<'_>) -> bool {
    let is_pattern = |group: &str| group.len() > 1 && group.contains('*') && group.ends_with("azure.com");
    rule.api_groups.iter().any(|&group| is_pattern(world.text(group)))
}

#[cfg(test)]
mod tests {
    use super::super::world::*;

    const ID: &str = "ASO-031";

    #[test]
    fn wildcards_that_write_are_found() {
        check(ID, "operator ID1\nrole dev/w: create,get *.storage.azure.com\nbind dev/w user:alice", "high Role dev/w grants user:alice kinds of ASO by a wildcard, in namespace dev");
        check(ID, "operator ID1\nrole w: patch *.*\nbind w user:alice", "high ClusterRole w grants user:alice kinds of ASO by a wildcard, in the whole cluster");
    }

    #[test]
    fn one_role_is_one_finding_however_often_it_is_bound() {
        let world = "operator ID1\nrole w: create *.storage.azure.com\nbind dev/a=w user:alice\nbind prod/b=w user:bob\nbind prod/c=w user:bob";
        check(ID, world, "high ClusterRole w grants user:alice, user:bob kinds of ASO by a wildcard, in namespaces dev, prod");
    }

    #[test]
    fn a_name_that_matches_nothing_is_told_as_dead() {
        check(ID, "operator ID1\nyaml {apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: d, namespace: dev}, rules: [{apiGroups: ['*.azure.com'], resources: ['*'], verbs: [create]}]}\nbind dev/d user:erin", "low Role dev/d names *.azure.com, which grants nothing");
    }

    #[test]
    fn named_kinds_reading_and_administrators_are_as_they_should_be() {
        check(ID, "operator ID1\nrole dev/w: create storageaccounts.storage.azure.com\nbind dev/w user:alice", "");
        check(ID, "operator ID1\nrole dev/w: get,list *.storage.azure.com\nbind dev/w user:alice", "");
        check(ID, "operator ID1\nrole w: * *.*\nbind w user:alice", "");
        check(ID, "operator ID1\nrole w: create *.apps\nbind w user:alice", "");
    }
}
