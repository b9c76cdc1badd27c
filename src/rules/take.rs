//! Rules without some of what they grant: what is left when a verb on a resource is taken out of a rule, and how much that is.

use super::technique::{On, Right};
use crate::model::{Atom, Name, ResourceTable, Rule, Snapshot};

/// A rule in texts, as a role spells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleText {
    /// Verbs.
    pub verbs: Vec<String>,
    /// API groups.
    pub api_groups: Vec<String>,
    /// Resources.
    pub resources: Vec<String>,
    /// Names of objects.
    pub resource_names: Vec<String>,
    /// Paths.
    pub non_resource_urls: Vec<String>,
}

/// The verbs that the API server itself asks for.
pub(super) const VERBS: [&str; 8] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

impl RuleText {
    /// A rule of a snapshot.
    pub(super) fn of(snapshot: &Snapshot, rule: Rule<'_>) -> RuleText {
        let texts = |names: &[Name]| names.iter().map(|&name| snapshot.text(name).to_owned()).collect();
        RuleText {
            verbs: texts(rule.verbs),
            api_groups: texts(rule.api_groups),
            resources: texts(rule.resources),
            resource_names: texts(rule.resource_names),
            non_resource_urls: texts(rule.non_resource_urls),
        }
    }

    /// What is left of a rule for resources without some of what it grants.
    pub(super) fn without(snapshot: &Snapshot, rule: Rule<'_>, gone: &[Atom]) -> Vec<RuleText> {
        let every = rule.resource_names.is_empty().then_some(None);
        let objects: Vec<Option<Name>> = rule.resource_names.iter().copied().map(Some).chain(every).collect();
        let places = rule.api_groups.iter().flat_map(|&group| objects.iter().map(move |&object| (group, object)));
        let mut left: Vec<RuleText> = Vec::new();
        for (api_group, resource_name) in places {
            for &resource in rule.resources {
                let stays = |&verb: &Name| !gone.contains(&Atom::Resource { verb, api_group, resource, resource_name });
                let verbs: Vec<Name> = rule.verbs.iter().copied().filter(stays).collect();
                if verbs.is_empty() {
                    continue;
                }
                let part = Rule {
                    verbs: &verbs,
                    api_groups: &[api_group],
                    resources: &[resource],
                    resource_names: resource_name.as_slice(),
                    non_resource_urls: &[],
                };
                let part = RuleText::of(snapshot, part);
                match left.last_mut() {
                    Some(last) if RuleText { resources: part.resources.clone(), ..last.clone() } == part => {
                        last.resources.extend(part.resources)
                    }
                    _ => left.push(part),
                }
            }
        }
        left
    }

    /// Whether it grants a right for some object.
    pub(super) fn grants(&self, right: &Right) -> bool {
        let verb = |own: &String| own == "*" || right.verbs.contains(&own.as_str());
        self.verbs.iter().any(verb)
            && has(&self.api_groups, right.api_group)
            && self.resources.iter().any(|own| names(own, right.resource))
            // A request without a name is granted by no name, but by the empty one.
            && (right.on != On::Nothing || self.resource_names.is_empty() || self.resource_names.iter().any(String::is_empty))
    }

    /// What is left of it without a right; none where that cannot be written down, since a `*` stands for what nobody can list.
    /// The right is one on each of some resources of its group.
    pub(super) fn without_any(
        &self,
        right: &Right,
        on: &[&'static str],
        table: &ResourceTable,
    ) -> Option<Vec<RuleText>> {
        let granted = |&&resource: &&&'static str| self.grants(&Right { resource, ..*right });
        let on: Vec<&str> = on.iter().filter(granted).copied().collect();
        if on.is_empty() {
            return Some(vec![self.clone()]);
        }
        if right.verbs.contains(&"*") || right.resource == "*" || self.api_groups.iter().any(|group| group == "*") {
            return None;
        }
        let known = in_group(table, right.api_group);
        let (taken, others) = self.split(&on, &known)?;
        let verbs: Vec<String> = if self.verbs.iter().any(|verb| verb == "*") {
            VERBS.iter().filter(|verb| !right.verbs.contains(verb)).map(|&verb| verb.to_owned()).collect()
        } else {
            self.verbs.iter().filter(|own| !right.verbs.contains(&own.as_str())).cloned().collect()
        };
        let group = vec![right.api_group.to_owned()];
        let groups: Vec<String> = self.api_groups.iter().filter(|own| *own != right.api_group).cloned().collect();
        let paths = Vec::new;
        let parts = [
            RuleText { verbs, api_groups: group.clone(), resources: taken, non_resource_urls: paths(), ..self.clone() },
            RuleText { api_groups: group, resources: others, non_resource_urls: paths(), ..self.clone() },
            RuleText { api_groups: groups, non_resource_urls: paths(), ..self.clone() },
            RuleText { api_groups: Vec::new(), resources: Vec::new(), resource_names: Vec::new(), ..self.clone() },
        ];
        Some(parts.into_iter().filter(|part| part.weight() > 0).collect())
    }

    /// Its resources as two lists: those that are taken out, and the others in their order. A wildcard is all that is known of the
    /// group; none where nothing is.
    fn split(&self, on: &[&str], known: &[String]) -> Option<(Vec<String>, Vec<String>)> {
        let is_out = |one: &str| on.contains(&one);
        let is_wild = |own: &str| !is_out(own) && on.iter().any(|one| names(own, one));
        let mut others: Vec<String> =
            self.resources.iter().filter(|own| !is_out(own) && !is_wild(own)).cloned().collect();
        let mut wild = self.resources.iter().filter(|own| is_wild(own)).peekable();
        if wild.peek().is_none() {
            return Some((self.resources.iter().filter(|own| is_out(own)).cloned().collect(), others));
        }
        if known.is_empty() {
            return None;
        }
        let of_wild: Vec<&String> = known.iter().filter(|one| wild.clone().any(|own| names(own, one))).collect();
        let of_it = |one: &&String| is_out(one) || one.strip_suffix("/status").is_some_and(is_out);
        if of_wild.iter().all(of_it) && others.is_empty() {
            // Nothing else is there, so the wildcard may stay.
            return Some((self.resources.clone(), others));
        }
        for one in &of_wild {
            if !is_out(one) && !others.contains(one) {
                others.push((*one).clone());
            }
        }
        let taken =
            on.iter().filter(|one| known.iter().any(|own| own == *one) || self.resources.iter().any(|own| own == *one));
        Some((taken.map(|&one| one.to_owned()).collect(), others))
    }

    /// How many rights it grants, as far as they can be counted: a `*` counts as what a usual cluster has of its kind.
    pub(super) fn weight(&self) -> usize {
        let sum = |list: &[String], any: usize| {
            list.iter()
                .map(|own| {
                    if own == "*" {
                        any
                    } else if own.starts_with("*/") {
                        any / 5
                    } else {
                        1
                    }
                })
                .sum::<usize>()
        };
        let verbs = sum(&self.verbs, VERBS.len() + 2);
        let objects = self.resource_names.len().max(1);
        let resources = sum(&self.api_groups, 20) * sum(&self.resources, 100) * objects;
        verbs * (resources + sum(&self.non_resource_urls, 50))
    }

    /// The rule as JSON, as a role in a cluster holds it.
    pub(super) fn json(&self) -> serde_json::Value {
        let lists = [
            ("verbs", &self.verbs),
            ("apiGroups", &self.api_groups),
            ("resources", &self.resources),
            ("resourceNames", &self.resource_names),
            ("nonResourceURLs", &self.non_resource_urls),
        ];
        let some = lists.into_iter().filter(|(_, list)| !list.is_empty());
        some.map(|(key, list)| (key.to_owned(), serde_json::Value::from(list.clone())))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }
}

fn has(list: &[String], wanted: &str) -> bool {
    list.iter().any(|own| own == "*" || own == wanted)
}

/// Whether an entry of a rule's resources means a resource.
fn names(own: &str, resource: &str) -> bool {
    let sub = || own.strip_prefix("*/").zip(resource.split_once('/')).is_some_and(|(own, (_, sub))| own == sub);
    own == "*" || own == resource || sub()
}

/// The resources of a group with their subresources, sorted.
pub(super) fn in_group(table: &ResourceTable, group: &str) -> Vec<String> {
    let of_group = table.resources().iter().filter(|one| one.group == group && one.subresource != "*");
    let mut all: Vec<String> = of_group
        .map(|one| match one.subresource.as_str() {
            "" => one.resource.clone(),
            subresource => format!("{}/{subresource}", one.resource),
        })
        .collect();
    all.sort();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ApiResource;
    use crate::rules::technique::{core, right};

    /// `verbs|groups|resources|names`.
    fn rule(text: &str) -> RuleText {
        let mut parts = text.split('|').map(|part| match part {
            "" => Vec::new(),
            list => list.split(',').map(|one| one.trim_matches('-').to_owned()).collect(),
        });
        let mut next = || parts.next().unwrap_or_default();
        RuleText {
            verbs: next(),
            api_groups: next(),
            resources: next(),
            resource_names: next(),
            non_resource_urls: Vec::new(),
        }
    }

    fn left(text: &str, right: &Right) -> Option<Vec<RuleText>> {
        rule(text).without_any(right, &[right.resource], &ResourceTable::new(&[], false))
    }

    #[test]
    fn what_is_left_is_everything_but_the_one_right() {
        let create = core(&["create"], "pods", On::Nothing);
        for (before, after) in [
            ("create|-|pods|", &[][..]),
            ("get,create|-|pods|", &["get|-|pods|"][..]),
            ("get,create|-|pods,services|", &["get|-|pods|", "get,create|-|services|"][..]),
            ("get,create|-,apps|pods|", &["get|-|pods|", "get,create|apps|pods|"][..]),
            ("get|-|pods|", &["get|-|pods|"][..]),
            ("create|apps|pods|", &["create|apps|pods|"][..]),
            ("create|-|pods|one", &["create|-|pods|one"][..]),
            ("*|-|pods|", &["delete,deletecollection,get,list,patch,update,watch|-|pods|"][..]),
        ] {
            let after: Vec<RuleText> = after.iter().map(|text| rule(text)).collect();
            assert_eq!(left(before, &create), Some(after), "{before}");
        }
        assert_eq!(left("create|*|pods|", &create), None);
    }

    #[test]
    fn of_several_resources_each_is_taken_out() {
        let create = right(&["create"], "acme.example", "a", On::Nothing);
        let resource = |resource: &str, subresource: &str| ApiResource {
            group: "acme.example".to_owned(),
            resource: resource.to_owned(),
            subresource: subresource.to_owned(),
            ..ApiResource::default()
        };
        let served = [resource("a", ""), resource("a", "status"), resource("b", ""), resource("c", "")];
        let table = ResourceTable::new(&served, false);
        for (before, on, after) in [
            (
                "get,create|acme.example|a,b,c|",
                &["a", "b"][..],
                &["get|acme.example|a,b|", "get,create|acme.example|c|"][..],
            ),
            ("get,create|acme.example|a,c|", &["a", "b"], &["get|acme.example|a|", "get,create|acme.example|c|"]),
            (
                "get,create|acme.example|*|",
                &["a", "b"],
                &["get|acme.example|a,b|", "get,create|acme.example|a/status,c|"],
            ),
            // What is not there need not be named.
            (
                "get,create|acme.example|*|",
                &["a", "d"],
                &["get|acme.example|a|", "get,create|acme.example|a/status,b,c|"],
            ),
            ("get,create|acme.example|*|", &["a", "b", "c"], &["get|acme.example|*|"]),
            ("create|acme.example,apps|*|", &["a", "b", "c"], &["create|apps|*|"]),
            ("get|acme.example|*|", &["a"], &["get|acme.example|*|"]),
        ] {
            let after: Vec<RuleText> = after.iter().map(|text| rule(text)).collect();
            assert_eq!(rule(before).without_any(&create, on, &table), Some(after), "{before} {on:?}");
        }
    }

    #[test]
    fn a_star_of_resources_becomes_the_list_of_the_others() {
        let right = core(&["create"], "serviceaccounts/token", On::Object);
        let [rest] = &left("create|-|*|", &right).unwrap()[..] else { panic!("one rule") };
        assert!(rest.resources.contains(&"pods/exec".to_owned()) && rest.resources.contains(&"secrets".to_owned()));
        assert!(!rest.grants(&right));
        assert_eq!(left("create|-|*/token|", &right), Some(Vec::new()));
        // Nobody knows what else is in a group that nobody knows.
        let other = Right { api_group: "acme.example", ..right };
        assert_eq!(left("create|acme.example|*|", &other), None);
    }
}
