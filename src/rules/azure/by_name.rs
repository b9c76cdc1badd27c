//! Who may make ASO resources of certain names: a server-side apply of a resource that is not there asks for `patch` and `create` with its
//! name, so that both may be limited to it by resourceNames
//! (<https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources>).

use std::collections::BTreeMap;

use super::writers::inside;
use crate::graph::{BindingIx, RoleIx};
use crate::model::{AsoResource, KindIx, MatchedNames, Name, Question, Subject};
use crate::rules::attack::{Attack, Place, RoleKey, place_in, place_of};
use crate::rules::finding::{Evidence, RequestDone, RightDone};
use crate::rules::technique::READ;

/// A right on resources of a kind that a rule of a role grants: on which of them, none for any.
pub(super) type Named = (KindIx, Option<Name>, u32);

/// The same by a verb.
pub(super) type Verbed = (&'static str, Named);

/// The same where it is held, and by whom.
#[derive(Clone, Copy)]
struct Granted {
    kind: KindIx,
    place: Place,
    name: Option<Name>,
    evidence: Evidence,
}

/// A role that somebody is under, where, and by what.
type Under = (RoleIx, Place, By);

#[derive(Clone, Copy)]
enum By {
    /// A binding that was read, by this subject of it.
    Grant(Subject, BindingIx),
    /// One that is made on the way.
    Bound(RoleKey, Place),
}

impl By {
    fn evidence(self, rule: u32) -> Evidence {
        match self {
            By::Grant(subject, binding) => Evidence::Grant { subject, binding, rule },
            By::Bound(role, place) => Evidence::Bound { role, place, rule },
        }
    }
}

/// The places in which a subject may make resources of a kind by a name that is free there, by its own grants and those of its
/// groups, which the same request may use.
pub(super) fn made(attack: &Attack<'_>, subject: Subject) -> BTreeMap<Place, Vec<KindIx>> {
    places(attack, pairs(attack, &under(attack, subject)))
}

/// The same for whoever is bound to a role on the way.
pub(super) fn made_under(attack: &Attack<'_>, role: RoleKey, place: Place) -> BTreeMap<Place, Vec<KindIx>> {
    places(attack, pairs(attack, &under_role(attack, role, place)))
}

/// The request by which a subject makes a resource of a kind in a namespace by some name, with what grants it.
pub(super) fn request(attack: &Attack<'_>, subject: Subject, kind: KindIx, namespace: Name) -> Option<RequestDone> {
    let by = Some(subject);
    Some(RequestDone { by, rights: rights(attack, &under(attack, subject), kind, namespace)? })
}

/// The same for whoever is bound to a role on the way.
pub(super) fn request_under(
    attack: &Attack<'_>,
    (role, place): (RoleKey, Place),
    kind: KindIx,
    namespace: Name,
) -> Option<RequestDone> {
    let rights = rights(attack, &under_role(attack, role, place), kind, namespace)?;
    Some(RequestDone { by: None, rights })
}

/// The resources that are there and that a subject may change, each with the rights that it takes. Whoever may create such ones as well
/// has all of that by creating them.
pub(super) fn changed<'g>(attack: &Attack<'g>, subject: Subject) -> Vec<(&'g AsoResource, Vec<RightDone>)> {
    changes(attack, &under(attack, subject))
}

/// The same for whoever is bound to a role on the way.
pub(super) fn changed_under<'g>(
    attack: &Attack<'g>,
    role: RoleKey,
    place: Place,
) -> Vec<(&'g AsoResource, Vec<RightDone>)> {
    changes(attack, &under_role(attack, role, place))
}

fn changes<'g>(attack: &Attack<'g>, under: &[Under]) -> Vec<(&'g AsoResource, Vec<RightDone>)> {
    let Some(bridge) = &attack.bridge else { return Vec::new() };
    let granted = |&(role, place, by): &Under| {
        let of_role = bridge.writers.changes(attack, role);
        let own =
            |&(verb, (kind, name, rule)): &Verbed| (verb, Granted { kind, place, name, evidence: by.evidence(rule) });
        of_role.iter().map(own).collect::<Vec<_>>()
    };
    let granted: Vec<(&'static str, Granted)> = under.iter().flat_map(granted).collect();
    let creates = |kind: KindIx, namespace: Name| {
        let creates = |role: RoleIx| bridge.writers.of_role(attack, role).binary_search(&kind).is_ok();
        under.iter().any(|&(role, place, _)| place.has(namespace) && creates(role))
    };
    let mut found = BTreeMap::new();
    for (verb, change) in granted.iter().filter(|(verb, _)| !READ.contains(verb)) {
        for &resource in bridge.resources_of(Some(change.kind), change.place) {
            let is_it = |own: &Granted| own.name.is_none_or(|name| name == resource.name);
            if !is_it(change) || creates(change.kind, resource.namespace) {
                continue;
            }
            // An update takes the version.
            let reads = granted.iter().find(|(verb, own)| {
                READ.contains(verb) && own.kind == change.kind && own.place.has(resource.namespace) && is_it(own)
            });
            let right = |(verb, own): &(&'static str, Granted)| RightDone {
                verb,
                api_group: own.kind.facts().group,
                resource: own.kind.facts().plural,
                name: Some(resource.name),
                place: Place::Namespace(resource.namespace),
                evidence: own.evidence,
            };
            let rights = match (*verb, reads) {
                ("update", Some(read)) => vec![right(&(verb, *change)), right(read)],
                ("update", None) => continue,
                _ => vec![right(&(verb, *change))],
            };
            found.entry((change.kind, resource.namespace, resource.name)).or_insert((resource, rights));
        }
    }
    found.into_values().collect()
}

fn places(attack: &Attack<'_>, pairs: Vec<(Granted, Granted)>) -> BTreeMap<Place, Vec<KindIx>> {
    let mut found: BTreeMap<Place, Vec<KindIx>> = BTreeMap::new();
    for (create, patch) in pairs {
        let Some(name) = create.name else { continue };
        // Where the name is free everywhere, that is said once.
        let place = create.place.max(patch.place);
        let free: Vec<Name> = attack
            .namespaces_of(place)
            .into_iter()
            .filter(|&namespace| is_free(attack, create.kind, namespace, name))
            .collect();
        if place == Place::EachNamespace && free.len() == attack.namespaces_of(place).len() {
            found.entry(place).or_default().push(create.kind);
        } else {
            for namespace in free {
                found.entry(Place::Namespace(namespace)).or_default().push(create.kind);
            }
        }
    }
    found
}

fn rights(attack: &Attack<'_>, under: &[Under], kind: KindIx, namespace: Name) -> Option<Vec<RightDone>> {
    let facts = kind.facts();
    let place = place_in(namespace);
    let mut pairs = pairs(attack, under).into_iter();
    let (create, patch) = pairs.find(|(create, patch)| {
        let free = create.name.is_some_and(|name| is_free(attack, kind, namespace, name));
        create.kind == kind && free && create.place.has(namespace) && patch.place.has(namespace)
    })?;
    let right = |verb, evidence| RightDone {
        verb,
        api_group: facts.group,
        resource: facts.plural,
        name: create.name,
        place,
        evidence,
    };
    Some(vec![right("create", create.evidence), right("patch", patch.evidence)])
}

/// The roles that a subject is under that may say something of ASO's resources, itself or by its groups.
fn under(attack: &Attack<'_>, subject: Subject) -> Vec<Under> {
    let graph = attack.graph;
    let mut found: Vec<Under> = Vec::new();
    for owner in [subject].into_iter().chain(attack.groups(subject).iter().copied()) {
        let Some(id) = graph.snapshot().subjects.find(owner) else { continue };
        for &binding in graph.bindings_of(id).iter().filter(|&&binding| attack.counts(binding)) {
            let own = graph.binding(binding);
            let Some(role) = graph.role_of(binding).filter(|_| own.cluster == attack.cluster) else { continue };
            found.push((role, inside(place_of(own.namespace)), By::Grant(owner, binding)));
        }
    }
    found
}

fn under_role(attack: &Attack<'_>, role: RoleKey, place: Place) -> Vec<Under> {
    attack.role(role).map(|at| (at, inside(place), By::Bound(role, place))).into_iter().collect()
}

/// The rights to create a kind by a name, each with those to patch it by the same.
fn pairs(attack: &Attack<'_>, under: &[Under]) -> Vec<(Granted, Granted)> {
    let Some(bridge) = &attack.bridge else { return Vec::new() };
    let creates = granted(under, |role| bridge.writers.named(attack, role).to_vec());
    if creates.is_empty() {
        return Vec::new();
    }
    let wanted = |kind: KindIx| creates.iter().any(|own| own.kind == kind);
    let patches = granted(under, |role| of_role(attack, role, "patch", &wanted));
    let meet = |one: Place, other: Place| match (one, other) {
        (Place::Namespace(one), Place::Namespace(other)) => one == other,
        _ => true,
    };
    let fits = |create: &Granted, patch: &Granted| {
        meet(create.place, patch.place)
            && create.kind == patch.kind
            && (patch.name.is_none() || patch.name == create.name)
    };
    let each = |create: &Granted| {
        let create = *create;
        patches.iter().filter(move |patch| fits(&create, patch)).map(move |patch| (create, *patch)).collect::<Vec<_>>()
    };
    creates.iter().flat_map(each).collect()
}

fn granted(under: &[Under], of_role: impl Fn(RoleIx) -> Vec<Named>) -> Vec<Granted> {
    let of = |&(role, place, by): &Under| {
        let granted = move |(kind, name, rule): Named| Granted { kind, place, name, evidence: by.evidence(rule) };
        of_role(role).into_iter().map(granted)
    };
    under.iter().flat_map(of).collect()
}

/// What a role allows on ASO's resources by a verb. Of creating, only what is limited to names is looked for: what may be created by
/// any name needs none.
pub(super) fn of_role(attack: &Attack<'_>, role: RoleIx, verb: &str, wanted: &dyn Fn(KindIx) -> bool) -> Vec<Named> {
    let (snapshot, bridge) = (attack.graph.snapshot(), attack.bridge.as_ref());
    let of_azure = |&group: &Name| group == Name::STAR || snapshot.text(group).ends_with(".azure.com");
    let mut found = Vec::new();
    for (at, rule) in attack.rules_of(role) {
        let rule = snapshot.rules.rule(rule);
        let by_name = verb != "create" || !rule.resource_names.is_empty();
        if !by_name || !rule.api_groups.iter().any(of_azure) {
            continue;
        }
        for kind in bridge.into_iter().flat_map(|bridge| bridge.writers.every()).filter(|&kind| wanted(kind)) {
            let question = Question::Resource {
                verb: snapshot.names.find(verb),
                api_group: snapshot.names.find(kind.facts().group),
                resource: snapshot.names.find(kind.facts().plural),
                any_with_subresource: None,
                name: Some(Name::EMPTY),
            };
            match rule.matches(&question, &snapshot.names) {
                Some(MatchedNames::Every) if verb != "create" => found.push((kind, None, at)),
                Some(MatchedNames::Only(names)) => {
                    let names = names.iter().filter(|&&name| name != Name::EMPTY);
                    found.extend(names.map(|&name| (kind, Some(name), at)));
                }
                Some(MatchedNames::Every) | None => {}
            }
        }
    }
    found
}

/// Whether no resource of a kind has this name in a namespace.
fn is_free(attack: &Attack<'_>, kind: KindIx, namespace: Name, name: Name) -> bool {
    attack.bridge.as_ref().is_some_and(|bridge| !bridge.is_taken(kind, namespace, name))
}
