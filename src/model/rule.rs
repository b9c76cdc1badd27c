//! Policy rules and how one rule matches one request, as kube-apiserver's RBAC authorizer does it
//! (kubernetes `pkg/apis/rbac/v1/evaluation_helpers.go`, `plugin/pkg/auth/authorizer/rbac/rbac.go`).
//!
//! Every comparison is byte-exact; there is no plural, no short name, no regular expression.

use super::action::Action;
use super::intern::{Name, Names, Slices, index_u32};

/// A distinct rule of a [`RuleTable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(u32);

/// A distinct list of rules, as one role has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleSetId(u32);

impl RuleSetId {
    /// The rule set without rules.
    pub const EMPTY: RuleSetId = RuleSetId(0);

    /// Its place among the rule sets of the table.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// One rule, borrowed from the table that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rule<'a> {
    /// Verbs, or `*`.
    pub verbs: &'a [Name],
    /// API groups, the core group being the empty name, or `*`.
    pub api_groups: &'a [Name],
    /// `resource`, `resource/subresource`, `*/subresource` or `*`.
    pub resources: &'a [Name],
    /// Object names; none means every object.
    pub resource_names: &'a [Name],
    /// Paths of requests that are not for resources, a trailing `*` being a prefix.
    pub non_resource_urls: &'a [Name],
}

/// Which objects a matching rule covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchedNames<'a> {
    /// The request as it was asked.
    Every,
    /// Not the nameless request, but the same one for each of these names.
    Only(&'a [Name]),
}

/// A request in the names of one table: texts that the input never mentions are `None` and match only wildcards.
#[derive(Clone, Debug)]
pub enum Question<'q> {
    /// For a resource.
    Resource {
        /// The verb.
        verb: Option<Name>,
        /// The API group.
        api_group: Option<Name>,
        /// `resource` or `resource/subresource`.
        resource: Option<Name>,
        /// `*/subresource`, if there is a subresource and the input has that text.
        any_with_subresource: Option<Name>,
        /// The object's name; `Name::EMPTY` for a request without one.
        name: Option<Name>,
    },
    /// For a path.
    NonResource {
        /// The lower-case HTTP method.
        verb: Option<Name>,
        /// The path.
        path: &'q str,
    },
}

impl<'q> Question<'q> {
    /// Puts an action into the names of a table.
    pub fn new(names: &Names, action: &'q Action) -> Question<'q> {
        match action {
            Action::Resource(action) => {
                let (resource, any) = if action.subresource.is_empty() {
                    (names.find(&action.resource), None)
                } else {
                    let full = [&action.resource, "/", &action.subresource].concat();
                    (names.find(&full), names.find(&["*/", &action.subresource].concat()))
                };
                Question::Resource {
                    verb: names.find(&action.verb),
                    api_group: names.find(&action.api_group),
                    resource,
                    any_with_subresource: any,
                    name: names.find(&action.name),
                }
            }
            Action::NonResource { verb, path } => Question::NonResource { verb: names.find(verb), path },
        }
    }
}

impl<'a> Rule<'a> {
    /// Whether this rule allows the request, and for which object names. A rule's four parts must match together.
    pub fn matches(&self, question: &Question<'_>, names: &Names) -> Option<MatchedNames<'a>> {
        match *question {
            Question::Resource { verb, api_group, resource, any_with_subresource, name } => {
                let held = has(self.verbs, verb)
                    && has(self.api_groups, api_group)
                    && (has(self.resources, resource) || contains(self.resources, any_with_subresource));
                if !held {
                    None
                } else if self.resource_names.is_empty() || contains(self.resource_names, name) {
                    Some(MatchedNames::Every)
                } else {
                    // Only a question without a name can be narrowed to names; one that names another object is a no.
                    (name == Some(Name::EMPTY)).then_some(MatchedNames::Only(self.resource_names))
                }
            }
            Question::NonResource { verb, path } => {
                let held = has(self.verbs, verb)
                    && self.non_resource_urls.iter().any(|&url| url_matches(names.text(url), path));
                held.then_some(MatchedNames::Every)
            }
        }
    }
}

fn has(entries: &[Name], wanted: Option<Name>) -> bool {
    entries.contains(&Name::STAR) || contains(entries, wanted)
}

fn contains(entries: &[Name], wanted: Option<Name>) -> bool {
    wanted.is_some_and(|wanted| entries.contains(&wanted))
}

/// `*` is every path; a trailing `*` makes a prefix (all trailing stars are cut); anything else must be equal.
fn url_matches(entry: &str, path: &str) -> bool {
    entry == "*" || entry == path || (entry.ends_with('*') && path.starts_with(entry.trim_end_matches('*')))
}

/// The distinct rules and rule sets of a snapshot: each is evaluated once, however many roles share it.
pub struct RuleTable {
    rules: Slices<Name>,
    sets: Slices<RuleId>,
    scratch: Vec<Name>,
}

impl Default for RuleTable {
    fn default() -> Self {
        let mut sets = Slices::default();
        // INVARIANT: `RuleSetId::EMPTY` is the first set of every table.
        sets.intern(&[]);
        RuleTable { rules: Slices::default(), sets, scratch: Vec::new() }
    }
}

/// How many list lengths stand before a rule's names: those of all its lists but the last.
const LENGTHS: usize = 4;

impl RuleTable {
    /// The number of a rule, added if it is new.
    pub fn intern(&mut self, rule: Rule<'_>) -> RuleId {
        self.scratch.clear();
        let Rule { verbs, api_groups, resources, resource_names, non_resource_urls } = rule;
        self.scratch.extend([verbs, api_groups, resources, resource_names].map(|list| Name::from_count(list.len())));
        for list in [verbs, api_groups, resources, resource_names, non_resource_urls] {
            self.scratch.extend_from_slice(list);
        }
        RuleId(self.rules.intern(&self.scratch))
    }

    /// The number of a list of rules, added if it is new. Order counts: it is the order in the role.
    pub fn intern_set(&mut self, rules: &[RuleId]) -> RuleSetId {
        RuleSetId(self.sets.intern(rules))
    }

    /// The rule behind a number that this table gave out.
    pub fn rule(&self, id: RuleId) -> Rule<'_> {
        let encoded = self.rules.get(id.0);
        let (lengths, mut rest) = encoded.split_at(LENGTHS);
        let mut next = |at: usize| {
            let (list, after) = rest.split_at(lengths[at].index());
            rest = after;
            list
        };
        let (verbs, api_groups, resources, resource_names) = (next(0), next(1), next(2), next(3));
        Rule { verbs, api_groups, resources, resource_names, non_resource_urls: rest }
    }

    /// The rules of a set, in the role's order.
    pub fn set(&self, id: RuleSetId) -> &[RuleId] {
        self.sets.get(id.0)
    }

    /// Every rule set with its number.
    pub fn sets(&self) -> impl Iterator<Item = (RuleSetId, &[RuleId])> {
        self.sets.iter().enumerate().map(|(at, rules)| (RuleSetId(index_u32(at)), rules))
    }

    /// How many distinct rules and rule sets there are.
    pub fn counts(&self) -> (usize, usize) {
        (self.rules.len(), self.sets.len())
    }

    /// Adds the rules and sets of another table whose names were moved; gives the new number of each old set.
    pub(super) fn absorb(&mut self, other: RuleTable, moved: &[Name]) -> Vec<RuleSetId> {
        let mut names = Vec::new();
        let rules: Vec<RuleId> = other
            .rules
            .iter()
            .map(|encoded| {
                names.clear();
                names.extend_from_slice(&encoded[..LENGTHS]);
                names.extend(encoded[LENGTHS..].iter().map(|name| moved[name.index()]));
                RuleId(self.rules.intern(&names))
            })
            .collect();
        let mut set = Vec::new();
        let mut absorb_set = |old: &[RuleId]| {
            set.clear();
            set.extend(old.iter().map(|rule| rules[rule.0 as usize]));
            RuleSetId(self.sets.intern(&set))
        };
        other.sets.iter().map(&mut absorb_set).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ResourceAction;

    /// `verbs|groups|resources|names` or `verbs|urls`, lists by commas; `-` is a list of the empty string alone.
    fn rule_matches(rule: &str, request: &str) -> &'static str {
        let mut names = Names::default();
        let mut lists = rule.split('|').map(|list| {
            let list: Vec<Name> = match list {
                "" => Vec::new(),
                "-" => vec![Name::EMPTY],
                some => some.split(',').map(|entry| names.intern(if entry == "-" { "" } else { entry })).collect(),
            };
            list
        });
        let lists: Vec<Vec<Name>> = lists.by_ref().collect();
        let mut table = RuleTable::default();
        let id = if lists.len() == 2 {
            table.intern(Rule { verbs: &lists[0], non_resource_urls: &lists[1], ..NONE })
        } else {
            table.intern(Rule {
                verbs: &lists[0],
                api_groups: &lists[1],
                resources: &lists[2],
                resource_names: &lists[3],
                ..NONE
            })
        };
        let words: Vec<&str> = request.split(' ').collect();
        let action = if words[1].starts_with('/') {
            Action::NonResource { verb: words[0].into(), path: words[1].into() }
        } else {
            let (resource, subresource) = words[2].split_once('/').unwrap_or((words[2], ""));
            Action::Resource(ResourceAction {
                verb: words[0].into(),
                api_group: words[1].trim_matches('-').into(),
                resource: resource.into(),
                subresource: subresource.into(),
                name: words.get(3).copied().unwrap_or_default().into(),
                ..ResourceAction::default()
            })
        };
        match table.rule(id).matches(&Question::new(&names, &action), &names) {
            None => "no",
            Some(MatchedNames::Every) => "yes",
            Some(MatchedNames::Only(_)) => "named",
        }
    }

    const NONE: Rule<'static> =
        Rule { verbs: &[], api_groups: &[], resources: &[], resource_names: &[], non_resource_urls: &[] };

    #[test]
    fn a_rule_matches_as_the_server_matches() {
        // facts: kubernetes evaluation_helpers.go; each row was asked of a real kube-apiserver 1.36.3.
        for (rule, request, expected) in [
            ("get|-|pods|", "get - pods", "yes"),
            ("get|-|pods|", "list - pods", "no"),
            ("get|-|pods|", "get apps pods", "no"),
            ("*|*|*|", "get apps deployments/scale", "yes"),
            ("get|-|pods|", "get - pods/log", "no"),
            ("get|-|pods/*|", "get - pods/log", "no"),
            ("get|-|pods/*|", "get - pods/*", "yes"),
            ("get|-|*/*|", "get - pods/log", "no"),
            ("get|-|*/log|", "get - pods/log", "yes"),
            ("get|-|*/log|", "get - pods", "no"),
            ("get|-|pod*|", "get - pods", "no"),
            ("ge*|-|pods|", "get - pods", "no"),
            ("get|-|Pods|", "get - pods", "no"),
            ("get|-|pods|", "* - pods", "no"),
            ("*|-|pods|", "* - pods", "yes"),
            ("get|-|pods|", "get - *", "no"),
            ("get|-|pods|a,b", "get - pods a", "yes"),
            ("get|-|pods|a,b", "get - pods c", "no"),
            ("list|-|pods|a,b", "list - pods", "named"),
            ("list|-|pods|-", "list - pods", "yes"),
            ("list|-|pods|-", "list - pods a", "no"),
            ("get|-|pods|*", "get - pods a", "no"),
            ("|-|pods|", "get - pods", "no"),
            ("get||pods|", "get - pods", "no"),
            ("get|-||", "get - pods", "no"),
            ("get|/foo/*", "get /foo", "no"),
            ("get|/foo*", "get /foobar", "yes"),
            ("get|/foo*", "get /foo/x", "yes"),
            ("get|/a*b", "get /axb", "no"),
            ("get|/**", "get /x", "yes"),
            ("get|*", "get /x", "yes"),
            ("get|/x", "post /x", "no"),
            ("get|/x", "get /x/", "no"),
            ("*|*|*|", "get /x", "no"),
        ] {
            assert_eq!(rule_matches(rule, request), expected, "rule {rule} asked {request}");
        }
    }

    #[test]
    fn equal_rules_are_one_rule_and_lists_do_not_run_into_each_other() {
        let mut names = Names::default();
        let (a, b) = (names.intern("a"), names.intern("b"));
        let mut table = RuleTable::default();
        let first = table.intern(Rule { verbs: &[a, b], ..NONE });
        let second = table.intern(Rule { verbs: &[a], api_groups: &[b], ..NONE });
        assert_ne!(first, second);
        assert_eq!(table.intern(Rule { verbs: &[a, b], ..NONE }), first);
        assert_eq!(table.rule(second), Rule { verbs: &[a], api_groups: &[b], ..NONE });
        assert_eq!(table.set(RuleSetId::EMPTY), &[]);
    }
}
