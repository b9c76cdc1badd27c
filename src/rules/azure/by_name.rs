//! Who may make ASO resources of certain names: a server-side apply of a resource that is not there asks for `patch` and `create` with its
//! name, so that both may be limited to it by resourceNames
//! (<https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources>).

use std::collections::BTreeMap;

use super::writers::inside;
use crate::graph::{BindingIx, RoleIx};
use crate::model::{KindIx, MatchedNames, Name, Question, Subject};
use crate::rules::attack::{Attack, Place, place_of};
use crate::rules::finding::{Evidence, RequestDone, RightDone};

/// A right on resources of a kind, which one binding grants: where, on which of them, and by which rule.
#[derive(Clone, Copy)]
struct Granted {
    kind: KindIx,
    place: Place,
    /// None for any.
    name: Option<Name>,
    binding: BindingIx,
    rule: u32,
}

/// The places in which a subject may make resources of a kind by a name that is free there, by its own grants.
pub(super) fn made(attack: &Attack<'_>, subject: Subject) -> BTreeMap<Place, Vec<KindIx>> {
    let mut found: BTreeMap<Place, Vec<KindIx>> = BTreeMap::new();
    for (create, patch) in pairs(attack, subject) {
        let place = create.place.max(patch.place);
        for namespace in attack.namespaces_of(place) {
            if create.name.is_some_and(|name| is_free(attack, create.kind, namespace, name)) {
                found.entry(Place::Namespace(namespace)).or_default().push(create.kind);
            }
        }
    }
    found
}

/// The request by which a subject makes a resource of a kind in a namespace by some name, with what grants it.
pub(super) fn request(attack: &Attack<'_>, subject: Subject, kind: KindIx, namespace: Name) -> Option<RequestDone> {
    let facts = kind.facts();
    let place = Place::Namespace(namespace);
    let mut pairs = pairs(attack, subject).into_iter();
    let (create, patch) = pairs.find(|(create, patch)| {
        let free = create.name.is_some_and(|name| is_free(attack, kind, namespace, name));
        create.kind == kind && free && create.place.has(namespace) && patch.place.has(namespace)
    })?;
    let right = |verb, granted: Granted| RightDone {
        verb,
        api_group: facts.group,
        resource: facts.plural,
        name: create.name,
        place,
        evidence: Evidence::Grant { subject, binding: granted.binding, rule: granted.rule },
    };
    Some(RequestDone { by: Some(subject), rights: vec![right("create", create), right("patch", patch)] })
}

/// The grants of a subject to create a kind by a name, each with one to patch it by the same.
fn pairs(attack: &Attack<'_>, subject: Subject) -> Vec<(Granted, Granted)> {
    let creates = grants(attack, subject, "create", &|_| true);
    // What may be created by any name needs none.
    let creates: Vec<Granted> = creates.into_iter().filter(|granted| granted.name.is_some()).collect();
    if creates.is_empty() {
        return Vec::new();
    }
    let patches = grants(attack, subject, "patch", &|kind| creates.iter().any(|own| own.kind == kind));
    let fits = |create: &Granted, patch: &Granted| {
        let meet = match (create.place, patch.place) {
            (Place::Namespace(one), Place::Namespace(other)) => one == other,
            _ => true,
        };
        meet && create.kind == patch.kind && (patch.name.is_none() || patch.name == create.name)
    };
    let each = |create: &Granted| patches.iter().find(|patch| fits(create, patch)).map(|patch| (*create, *patch));
    creates.iter().filter_map(each).collect()
}

/// What the grants of a subject allow on resources of ASO by a verb. Of creating, only what is limited to names is looked for.
fn grants(attack: &Attack<'_>, subject: Subject, verb: &str, wanted: &dyn Fn(KindIx) -> bool) -> Vec<Granted> {
    let graph = attack.graph;
    let Some(id) = graph.snapshot().subjects.find(subject) else { return Vec::new() };
    let mut found = Vec::new();
    for &binding in graph.bindings_of(id).iter().filter(|&&binding| attack.counts(binding)) {
        let own = graph.binding(binding);
        let Some(role) = graph.role_of(binding).filter(|_| own.cluster == attack.cluster) else { continue };
        let place = inside(place_of(own.namespace));
        for (kind, name, rule) in of_role(attack, role, verb, wanted) {
            found.push(Granted { kind, place, name, binding, rule });
        }
    }
    found
}

fn of_role(
    attack: &Attack<'_>,
    role: RoleIx,
    verb: &str,
    wanted: &dyn Fn(KindIx) -> bool,
) -> Vec<(KindIx, Option<Name>, u32)> {
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
                Some(MatchedNames::Every) => found.push((kind, None, at)),
                Some(MatchedNames::Only(names)) => {
                    let names = names.iter().filter(|&&name| name != Name::EMPTY);
                    found.extend(names.map(|&name| (kind, Some(name), at)));
                }
                None => {}
            }
        }
    }
    found
}

/// Whether no resource of a kind has this name in a namespace.
fn is_free(attack: &Attack<'_>, kind: KindIx, namespace: Name, name: Name) -> bool {
    attack.bridge.as_ref().is_some_and(|bridge| !bridge.is_taken(kind, namespace, name))
}
