//! `why`: the grants that allow something; or, on no, the nearest misses and what each one lacks.

use crate::graph::{AccessGraph, BindingIx, Scope};
use crate::model::{
    Action, Authorizer, ClusterId, Identity, MASTERS, MatchedNames, Name, Question, Rule, Subject,
    service_account_parts,
};

use super::decide::{Authorizers, subjects};
use super::node::{self, NodeGrant};
use super::what_can::RightGrant;
use super::who_can::Where;

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Why {
    /// The authorizer that allows without any binding, if one does.
    pub by: Option<Authorizer>,
    /// Through what the Node authorizer allows, if it is that one.
    pub node: Option<NodeGrant>,
    /// Every rule that allows, by binding.
    pub grants: Vec<RightGrant>,
    /// What almost allows, when nothing does; the nearest first.
    pub misses: Vec<Miss>,
}

impl Why {
    /// Whether the request is allowed.
    pub fn allowed(&self) -> bool {
        self.by.is_some() || !self.grants.is_empty()
    }
}

/// Something that grants almost this.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Miss {
    /// What is lacking.
    pub lack: Lack,
    /// The binding.
    pub binding: BindingIx,
    /// The rule's place among the role's rules, where one rule is meant.
    pub rule: Option<u32>,
    /// The subject that the binding names.
    pub subject: Subject,
}

/// The one thing that a near miss lacks, the nearest kind first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lack {
    /// The role does not exist.
    Role,
    /// The RoleBinding holds in its own namespace only.
    Namespace,
    /// A RoleBinding cannot grant what is cluster-scoped, nor a path.
    ClusterScoped,
    /// The rule is limited to other object names.
    ResourceNames,
    /// The rule names the resource and not this subresource, or the other way round.
    Subresource,
    /// The rule holds a star that is no wildcard there, such as `pods/*` or `*.azure.com`.
    Wildcard,
    /// The rule differs in upper and lower case only.
    Case,
    /// The rule names the resource in another API group.
    ApiGroup,
    /// The rule has other verbs.
    Verb,
    /// The binding names another subject of the same name: another kind, another case, or an account of another namespace.
    Subject,
}

/// Why an identity, exactly with the groups given, can or cannot do this.
///
/// O(rules of the identity's bindings), and of those that name a subject of the same name.
pub fn why(
    graph: &AccessGraph,
    cluster: ClusterId,
    identity: &Identity,
    action: &Action,
    place: &Where,
    authorizers: Authorizers,
) -> Why {
    if identity.is_in(MASTERS) {
        return Why { by: Some(Authorizer::Masters), ..Why::default() };
    }
    if authorizers.node
        && let Ok(grant) = node::decide(graph, cluster, identity, action)
    {
        return Why { by: Some(Authorizer::Node), node: Some(grant), ..Why::default() };
    }
    if !authorizers.rbac {
        return Why::default();
    }
    let own = subjects(graph, identity);
    let mut answer = Why::default();
    for &subject in &own {
        for binding in bindings(graph, cluster, subject) {
            examine(graph, action, place, binding, subject, &mut answer);
        }
    }
    if !answer.allowed() {
        let called = called(identity);
        for (id, other) in graph.snapshot().subjects.iter() {
            let name = graph.text(other.name());
            if called.iter().any(|own| own.eq_ignore_ascii_case(name)) && !own.contains(&other) {
                for &binding in graph.bindings_of(id) {
                    let mut theirs = Why::default();
                    examine(graph, action, place, binding, other, &mut theirs);
                    if theirs.allowed() && graph.scope_of(binding).cluster == cluster {
                        answer.misses.push(Miss { lack: Lack::Subject, binding, rule: None, subject: other });
                    }
                }
            }
        }
    }
    answer.grants.sort_unstable();
    answer.grants.dedup();
    if answer.allowed() {
        answer.misses.clear();
    }
    answer.misses.sort_unstable();
    answer.misses.dedup();
    answer
}

/// The names that an identity goes by: of a service account the one without its namespace.
fn called(identity: &Identity) -> Vec<&str> {
    let user = service_account_parts(&identity.user).map_or(identity.user.as_str(), |(_, name)| name);
    Some(user).filter(|user| !user.is_empty()).into_iter().chain(identity.groups.iter().map(String::as_str)).collect()
}

fn bindings(graph: &AccessGraph, cluster: ClusterId, subject: Subject) -> impl Iterator<Item = BindingIx> {
    let all = graph.snapshot().subjects.find(subject).map_or(&[][..], |id| graph.bindings_of(id));
    all.iter().copied().filter(move |&binding| graph.scope_of(binding).cluster == cluster)
}

/// Adds what one binding says: grants, or what it lacks.
fn examine(
    graph: &AccessGraph,
    action: &Action,
    place: &Where,
    binding: BindingIx,
    subject: Subject,
    answer: &mut Why,
) {
    let scope = graph.scope_of(binding);
    let Some(role) = graph.role_of(binding) else {
        answer.misses.push(Miss { lack: Lack::Role, binding, rule: None, subject });
        return;
    };
    let set = graph.role(role).rules;
    let asked = asked_in(graph, action, place, scope);
    let question = graph.question(&asked);
    let misplaced = misplaced(graph, place, scope);
    for (position, _) in (0_u32..).zip(graph.snapshot().rules.set(set)) {
        let rule = graph.rule(set, position);
        let miss = |lack| Miss { lack, binding, rule: Some(position), subject };
        match (lacks(graph, rule, &question, &asked), misplaced) {
            (None, None) => answer.grants.push(RightGrant { binding, rule: position, subject }),
            (None, Some(lack)) => answer.misses.push(miss(lack)),
            (Some(Some(lack)), None) => answer.misses.push(miss(lack)),
            _ => {}
        }
    }
}

/// The request as it is made where the binding holds.
fn asked_in(graph: &AccessGraph, action: &Action, place: &Where, scope: Scope) -> Action {
    match (place, scope.namespace, action) {
        (Where::EachNamespaceObject, Some(namespace), Action::Resource(action)) => {
            let mut action = action.clone();
            action.name = graph.text(namespace).to_owned();
            Action::Resource(action)
        }
        _ => action.clone(),
    }
}

/// What keeps a binding of this scope from counting at all.
fn misplaced(graph: &AccessGraph, place: &Where, scope: Scope) -> Option<Lack> {
    let namespace = scope.namespace?;
    match place {
        Where::EachNamespace | Where::EachNamespaceObject => None,
        Where::Namespace(asked) => (graph.text(namespace) != asked).then_some(Lack::Namespace),
        Where::Cluster => Some(Lack::ClusterScoped),
    }
}

/// What a rule lacks: nothing, one thing that makes it a near miss, or more than that.
fn lacks(graph: &AccessGraph, rule: Rule<'_>, question: &Question<'_>, asked: &Action) -> Option<Option<Lack>> {
    let names = &graph.snapshot().names;
    match rule.matches(question, names) {
        Some(MatchedNames::Every) => return None,
        Some(MatchedNames::Only(_)) => return Some(Some(Lack::ResourceNames)),
        None => {}
    }
    let Question::Resource { verb, api_group, resource, any_with_subresource, .. } = *question else {
        let Action::NonResource { path, .. } = asked else { return Some(None) };
        let any_verb = Rule { verbs: &[Name::STAR], ..rule };
        return Some(if any_verb.matches(question, names).is_some() {
            Some(Lack::Verb)
        } else {
            // `/foo/*` is not `/foo`, and a star inside of a path is none.
            let near = |url: &Name| {
                let url = graph.text(*url);
                url.strip_suffix("/*") == Some(path) || (url.contains('*') && globs(url, path))
            };
            rule.non_resource_urls.iter().any(near).then_some(Lack::Wildcard)
        });
    };
    let Action::Resource(action) = asked else { return Some(None) };
    let has = |list: &[Name], wanted: Option<Name>| {
        list.contains(&Name::STAR) || wanted.is_some_and(|wanted| list.contains(&wanted))
    };
    let verb_held = has(rule.verbs, verb);
    let group_held = has(rule.api_groups, api_group);
    let resource_held =
        has(rule.resources, resource) || any_with_subresource.is_some_and(|any| rule.resources.contains(&any));
    Some(match (verb_held, group_held, resource_held) {
        (true, true, true) => Some(Lack::ResourceNames),
        (false, true, true) => Some(near_text(graph, rule.verbs, &action.verb).unwrap_or(Lack::Verb)),
        (true, false, true) if !rule.resources.contains(&Name::STAR) => {
            Some(near_text(graph, rule.api_groups, &action.api_group).unwrap_or(Lack::ApiGroup))
        }
        (true, false, true) => near_text(graph, rule.api_groups, &action.api_group),
        (true, true, false) => near_resource(graph, rule.resources, action),
        _ => None,
    })
}

/// Case, or a star that is meant as a wildcard.
fn near_text(graph: &AccessGraph, entries: &[Name], wanted: &str) -> Option<Lack> {
    let texts = || entries.iter().map(|&entry| graph.text(entry));
    if texts().any(|entry| entry.eq_ignore_ascii_case(wanted)) {
        Some(Lack::Case)
    } else if texts().any(|entry| entry.contains('*') && globs(entry, wanted)) {
        Some(Lack::Wildcard)
    } else {
        None
    }
}

fn near_resource(graph: &AccessGraph, resources: &[Name], action: &crate::model::ResourceAction) -> Option<Lack> {
    let wanted = action.full_resource();
    near_text(graph, resources, &wanted).or_else(|| {
        let base = |entry: &str| entry.split('/').next() == Some(action.resource.as_str());
        resources.iter().any(|&entry| base(graph.text(entry))).then_some(Lack::Subresource)
    })
}

/// Whether a text would match if a star stood for any text, which it does not in RBAC.
fn globs(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::globs;

    #[test]
    fn a_star_is_what_people_mean_by_it() {
        for (pattern, text, expected) in [
            ("*.azure.com", "storage.azure.com", true),
            ("pods/*", "pods/log", true),
            ("get*", "get", true),
            ("a*c*e", "abcde", true),
            ("a*c", "ab", false),
            ("*", "x", true),
            ("a", "a", true),
            ("a*a", "a", false),
        ] {
            assert_eq!(globs(pattern, text), expected, "{pattern} {text}");
        }
    }
}
