//! Whether one list of rules covers another: what the API server asks before it lets a role or a binding be written
//! (kubernetes component-helpers `auth/rbac/validation/policy_comparator.go`).
//!
//! This is not request matching: `*/*` covers `pods/*` here, and two rules never cover one atom together.

use super::intern::{Name, Names};
use super::rule::Rule;

/// One thing that a rule grants, at its smallest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Atom {
    /// A verb on a resource.
    Resource {
        /// The verb.
        verb: Name,
        /// The API group.
        api_group: Name,
        /// The resource, with its subresource.
        resource: Name,
        /// The only object, or none for every object.
        resource_name: Option<Name>,
    },
    /// A verb on a path.
    Url {
        /// The verb.
        verb: Name,
        /// The path or prefix.
        url: Name,
    },
}

/// The atoms of `servant` that no single rule of `owner` covers, in the order of the rules. Empty: all of it is held.
///
/// O(atoms of `servant` x rules of `owner`).
pub fn uncovered<'r>(names: &Names, owner: &[Rule<'r>], servant: &[Rule<'r>]) -> Vec<Atom> {
    let mut missing = Vec::new();
    for rule in servant {
        each_atom(rule, &mut |atom| {
            if !owner.iter().any(|rule| covers(names, rule, atom)) {
                missing.push(atom);
            }
        });
    }
    missing
}

/// Breaks a rule down. A rule without verbs, groups or resources has no atoms.
fn each_atom(rule: &Rule<'_>, each: &mut dyn FnMut(Atom)) {
    for &api_group in rule.api_groups {
        for &resource in rule.resources {
            for &verb in rule.verbs {
                if rule.resource_names.is_empty() {
                    each(Atom::Resource { verb, api_group, resource, resource_name: None });
                }
                for &name in rule.resource_names {
                    each(Atom::Resource { verb, api_group, resource, resource_name: Some(name) });
                }
            }
        }
    }
    for &url in rule.non_resource_urls {
        for &verb in rule.verbs {
            each(Atom::Url { verb, url });
        }
    }
}

fn covers(names: &Names, owner: &Rule<'_>, atom: Atom) -> bool {
    let has = |entries: &[Name], wanted: Name| entries.contains(&Name::STAR) || entries.contains(&wanted);
    match atom {
        Atom::Resource { verb, api_group, resource, resource_name } => {
            has(owner.verbs, verb)
                && has(owner.api_groups, api_group)
                && (has(owner.resources, resource) || covers_subresource(names, owner.resources, resource))
                && (owner.resource_names.is_empty()
                    || resource_name.is_some_and(|name| owner.resource_names.contains(&name)))
        }
        Atom::Url { verb, url } => {
            let text = names.text(url);
            let held = |&entry: &Name| {
                let entry = names.text(entry);
                entry == text
                    || entry.strip_suffix('*').is_some_and(|prefix| text.starts_with(prefix.trim_end_matches('*')))
            };
            has(owner.verbs, verb) && owner.non_resource_urls.iter().any(held)
        }
    }
}

/// An owner's `*/b` covers the servant's `a/b`: everything behind the first slash must be equal.
fn covers_subresource(names: &Names, owner: &[Name], resource: Name) -> bool {
    let Some((_, wanted)) = names.text(resource).split_once('/') else { return false };
    owner.iter().any(|&entry| names.text(entry).strip_prefix("*/") == Some(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `verbs|groups|resources|names` or `verbs|urls`, lists by commas, `-` the empty name.
    fn rule(names: &mut Names, text: &str) -> Vec<Vec<Name>> {
        let list = |names: &mut Names, list: &str| match list {
            "" => Vec::new(),
            some => some.split(',').map(|entry| names.intern(entry.trim_matches('-'))).collect(),
        };
        text.split('|').map(|part| list(names, part)).collect()
    }

    fn view(lists: &[Vec<Name>]) -> Rule<'_> {
        match lists {
            [verbs, urls] => {
                Rule { verbs, api_groups: &[], resources: &[], resource_names: &[], non_resource_urls: urls }
            }
            [verbs, api_groups, resources, resource_names] => {
                Rule { verbs, api_groups, resources, resource_names, non_resource_urls: &[] }
            }
            _ => panic!("a rule has two or four parts"),
        }
    }

    #[test]
    fn a_rule_covers_as_the_server_counts() {
        // Each row is a rule of the semantics above, its exception, or a near miss of it.
        for (owner, servant, missing) in [
            ("get|-|pods|", "get|-|pods|", 0),
            ("get,list|-|pods|", "get|-|pods|", 0),
            ("get|-|pods|", "get,list|-|pods|", 1),
            ("*|-|pods|", "get|-|pods|", 0),
            ("get,list,watch|-|pods|", "*|-|pods|", 1),
            ("get|*|pods|", "get|apps|pods|", 0),
            ("get|-|*|", "get|-|pods/log|", 0),
            ("get|-|pods|", "get|-|pods/log|", 1),
            ("get|-|*/log|", "get|-|pods/log|", 0),
            ("get|-|*/*|", "get|-|pods/*|", 0),
            ("get|-|*/*|", "get|-|pods/log|", 1),
            ("get|-|*/scale|", "get|-|*/scale|", 0),
            ("get|-|*/b/c|", "get|-|a/b/c|", 0),
            ("get|-|*/c|", "get|-|a/b/c|", 1),
            ("get|-|pods|", "get|-|pods|a", 0),
            ("get|-|pods|a", "get|-|pods|", 1),
            ("get|-|pods|a,b", "get|-|pods|a,c", 1),
            ("get|-|pods|-", "get|-|pods|", 1),
            ("get|-|pods|-", "get|-|pods|-", 0),
            ("get|/a/*", "get|/a/b", 0),
            ("get|/a", "get|/a/b", 1),
            ("get|*", "get|/a", 0),
            ("get|/a/*", "get|/a/*", 0),
            ("get|-|pods|", "|-|pods|", 0),
        ] {
            let mut names = Names::default();
            let (owner_lists, servant_lists) = (rule(&mut names, owner), rule(&mut names, servant));
            let found = uncovered(&names, &[view(&owner_lists)], &[view(&servant_lists)]);
            assert_eq!(found.len(), missing, "owner {owner}, servant {servant}");
        }
    }

    #[test]
    fn two_rules_cover_two_atoms_but_never_one() {
        let mut names = Names::default();
        let (get, list) = (rule(&mut names, "get|-|pods|"), rule(&mut names, "list|-|pods|"));
        let both = rule(&mut names, "get,list|-|pods|");
        assert_eq!(uncovered(&names, &[view(&get), view(&list)], &[view(&both)]), []);
        let (verb, group) = (rule(&mut names, "*|-|pods|"), rule(&mut names, "get|*|pods|"));
        let mixed = rule(&mut names, "list|apps|pods|");
        assert_eq!(uncovered(&names, &[view(&verb), view(&group)], &[view(&mixed)]).len(), 1);
    }
}
