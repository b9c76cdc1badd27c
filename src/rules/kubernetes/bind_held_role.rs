//! `bind-held-role`: whoever holds all rules of a role may bind others to it. Alone this gains nothing; it is the way under a role
//! that is rewritten afterwards, and the way to bring two halves together.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::{BindingIx, RoleIx};
use crate::model::{Name, Rule, Subject, uncovered};
use crate::rules::attack::{Attack, Effect, Fact, How, Place, RoleKey, groups, place_in, place_of, role_key};
use crate::rules::held::{Held, Mask, RequestIx, Rights, Way};
use crate::rules::technique::{At, Confidence, On, Request, Technique, WRITE, rbac};

const CREATE: &[&str] = &["create"];

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "bind-held-role",
    title: "Bind a role without the right to bind it",
    requests: &[
        Request { rights: &[rbac(CREATE, "clusterrolebindings", On::Nothing)], at: At::Cluster },
        Request { rights: &[rbac(CREATE, "rolebindings", On::Nothing)], at: At::Namespace },
        Request { rights: &[rbac(WRITE, "clusterrolebindings", On::Other)], at: At::Cluster },
        Request { rights: &[rbac(WRITE, "rolebindings", On::Other)], at: At::Namespace },
        Request {
            rights: &[rbac(CREATE, "clusterrolebindings", On::Other), rbac(WRITE, "clusterrolebindings", On::Other)],
            at: At::Cluster,
        },
        Request {
            rights: &[rbac(CREATE, "rolebindings", On::Other), rbac(WRITE, "rolebindings", On::Other)],
            at: At::Namespace,
        },
    ],
    gain: "a place under the role, for any identity",
    why: "Who holds every rule of a role may bind it without `bind`, and a role without rules is held by everybody: one that is \
          made for it, or one that is emptied first by whoever may rewrite it. The check looks at the rules of that moment; what \
          the role gets later, all its subjects get. And whatever one identity holds it can give to another one, which may \
          hold the other half of a request.",
    remedy: "Take away the right to write the role (see escalate-role), or the right to write bindings.",
    confidence: Confidence::Performed,
    attack: &["T1098.006"],
    references: &[
        "https://kubernetes.io/docs/reference/access-authn-authz/rbac/#restrictions-on-role-binding-creation-or-update",
    ],
    ..Technique::MOVE
};

/// Looks for those who may bind roles that somebody can rewrite, and roles that complete what others hold a part of.
pub(in crate::rules) fn share(attack: &mut Attack<'_>) {
    let mut rewritten: BTreeMap<Option<Name>, Vec<RoleKey>> = BTreeMap::new();
    for role in attack.rewritten() {
        rewritten.entry(role.namespace).or_default().push(role);
    }
    let halves = halves(attack);
    if rewritten.is_empty() && halves.is_empty() {
        return;
    }
    let requests: Vec<RequestIx> =
        attack.rights.requests().filter(|&request| attack.rights.technique(request).0.id == TECHNIQUE.id).collect();
    for by in attack.identities().into_iter().map(Some).chain([None]).collect::<Vec<_>>() {
        let held = held(attack, by);
        let mask = Rights::mask(&held);
        let own = own_bindings(attack, by);
        for &request in &requests {
            if !attack.rights.may_be_made(request, mask, mask) {
                continue;
            }
            for way in attack.rights.ways(request, &held, &[], &[]) {
                let mut places = places(way.site.place, &own);
                if way.site.place == Place::EachNamespace {
                    places.extend(rewritten.keys().flatten().map(|&namespace| place_in(namespace)));
                    // Only where a binding is can one be changed.
                    if attack.rights.technique(request).1 == 3 {
                        places.extend(attack.namespaces().into_iter().map(Place::Namespace));
                    }
                }
                for place in places {
                    let inside = match place {
                        Place::Namespace(namespace) => vec![namespace],
                        Place::EachNamespace => vec![Name::STAR],
                        Place::Cluster => Vec::new(),
                    };
                    let keys = inside.into_iter().map(Some).chain([None]);
                    let mut roles: BTreeSet<RoleKey> =
                        keys.filter_map(|key| rewritten.get(&key)).flatten().copied().collect();
                    roles.extend(completing(attack, &held, &own, place, &halves));
                    for role in roles {
                        for binding in bindings(attack, request, &way, place, role) {
                            share_role(attack, by, request, &way, role, (place, binding));
                        }
                    }
                }
            }
        }
    }
}

/// Adds what somebody binds in whose name the request can be made by way of these facts: every role that they are under.
pub(super) fn lend(attack: &mut Attack<'_>, needs: &[u32], (request, by): (RequestIx, Subject), way: &Way, how: &How) {
    for (at, role) in own_bindings(attack, Some(by)) {
        let place = match (way.site.place, at) {
            (Place::Cluster, Place::Cluster) | (Place::Namespace(_), Place::Cluster) => way.site.place,
            (Place::EachNamespace, Place::Cluster) => Place::EachNamespace,
            (Place::EachNamespace, at) => at,
            (place, at) if place == at => place,
            _ => continue,
        };
        if attack.role(role).is_none() {
            continue;
        }
        for binding in bindings(attack, request, way, place, role) {
            let shares = Fact::Shares(request, way.site, Some(by), role, place, false);
            attack.step(needs.to_vec(), shares, how.clone());
            let shares = attack.fact(shares);
            attack.does(&TECHNIQUE, vec![shares], Effect::Bind { role, place, binding }, Fact::Bound(role, place));
        }
    }
}

/// What an identity holds by itself, by its groups, and by what was made.
fn held(attack: &Attack<'_>, by: Option<Subject>) -> Vec<Held> {
    let mut held: Vec<Held> = attack.made().to_vec();
    if let Some(subject) = by {
        let (own, groups) = attack.held_by(subject);
        held.extend(own);
        held.extend(groups.into_iter().flatten());
    }
    held.sort_unstable();
    held
}

/// The roles that an identity is under, itself or by its groups, and where.
fn own_bindings(attack: &Attack<'_>, by: Option<Subject>) -> Vec<(Place, RoleKey)> {
    let graph = attack.graph;
    let subjects = by.into_iter().flat_map(|by| [by].into_iter().chain(groups(graph, by)));
    let ids = subjects.filter_map(|subject| graph.snapshot().subjects.find(subject));
    let bindings = ids.flat_map(|id| graph.bindings_of(id)).copied();
    let counts = |&at: &BindingIx| attack.counts(at) && graph.scope_of(at).cluster == attack.cluster;
    bindings
        .filter(counts)
        .filter_map(|at| Some((place_of(graph.binding(at).namespace), role_key(graph, at)?)))
        .collect()
}

/// Requests of several rights that nobody but several together can make, with all of their rights.
fn halves(attack: &Attack<'_>) -> Vec<Mask> {
    let mut parts: BTreeMap<Mask, Mask> = BTreeMap::new();
    for by in attack.identities() {
        let held = held(attack, Some(by));
        let (some, everywhere) = (Rights::mask(&held), Rights::mask_at(&held, Place::Cluster).1);
        for request in attack.rights.requests().filter(|&request| attack.rights.asked(request).rights.len() > 1) {
            let mask = attack.rights.mask_of(request);
            if !some.and(mask).is_empty() && !everywhere.has(mask) {
                let part = parts.entry(mask).or_default();
                *part = part.with(some.and(mask));
            }
        }
    }
    parts.into_iter().filter(|(mask, together)| mask == together).map(|(mask, _)| mask).collect()
}

/// The roles of an identity that grant a part of a request which it cannot make itself.
fn completing(
    attack: &Attack<'_>,
    held: &[Held],
    own: &[(Place, RoleKey)],
    place: Place,
    halves: &[Mask],
) -> Vec<RoleKey> {
    let (some, any) = Rights::mask_at(held, place);
    let lacking = halves.iter().filter(|&&mask| !any.has(mask));
    let useful = lacking.fold(Mask::default(), |useful, mask| useful.with(mask.and(some)));
    if useful.is_empty() {
        return Vec::new();
    }
    let here = own.iter().filter(|(at, role)| {
        place.covering().any(|covering| covering == *at) && (role.namespace.is_none() || *at == place)
    });
    here.filter(|(_, role)| {
        let at = attack.role(*role);
        at.is_some_and(|at| !attack.rights.supplied_mask(attack.graph.role(at).rules).and(useful).is_empty())
    })
    .map(|&(_, role)| role)
    .collect()
}

/// The places of a way at which an identity may hold enough: the whole of it, and the parts where it is under a role.
fn places(wide: Place, own: &[(Place, RoleKey)]) -> BTreeSet<Place> {
    let inside = own.iter().map(|&(at, _)| at).filter(|at| matches!(at, Place::Namespace(_)));
    let inside = inside.filter(|_| wide == Place::EachNamespace);
    inside.chain([wide]).collect()
}

/// The bindings by which a request can put somebody under a role at a place: one that is there, or none for a new one.
fn bindings(attack: &Attack<'_>, request: RequestIx, way: &Way, place: Place, role: RoleKey) -> Vec<Option<BindingIx>> {
    let of_role = role.namespace.is_none_or(|namespace| place_in(namespace) == place);
    let (_, within) = attack.rights.technique(request);
    match within {
        _ if !of_role => Vec::new(),
        0 | 1 => vec![None],
        2 | 3 => {
            let bindings = attack.bindings_in(place, way.site.other).into_iter();
            let fits = |binding: &BindingIx| {
                role_key(attack.graph, *binding) == Some(role)
                    && place_of(attack.graph.binding(*binding).namespace) == place
            };
            bindings.filter(fits).map(Some).collect()
        }
        _ => {
            let taken = way.site.other.map(|name| attack.bindings_in(place, Some(name)));
            let is_there = |at: &BindingIx| place_of(attack.graph.binding(*at).namespace) == place;
            if taken.is_some_and(|taken| !taken.iter().any(is_there)) { vec![None] } else { Vec::new() }
        }
    }
}

fn share_role(
    attack: &mut Attack<'_>,
    by: Option<Subject>,
    request: RequestIx,
    way: &Way,
    role: RoleKey,
    (place, binding): (Place, Option<BindingIx>),
) {
    let effect = Effect::Bind { role, place, binding };
    let (needs, held) = attack.needs_of(by, request, way);
    // A role without rules is held by everybody: one that is made for this, or one that is emptied before it is written.
    let bare = match attack.role(role) {
        None => Some(Fact::CanCreate(role)),
        Some(_) => Some(Fact::CanWrite(role)).filter(|&fact| attack.find(fact).is_some()),
    };
    let add = |attack: &mut Attack<'_>, more: Vec<u32>, gain: Fact| {
        let shares = Fact::Shares(request, way.site, by, role, place, matches!(gain, Fact::EmptyHolder(..)));
        let how = How::Asks { request, site: way.site, by, held: held.clone() };
        attack.step([needs.clone(), more].concat(), shares, how);
        let shares = attack.fact(shares);
        attack.does(&TECHNIQUE, vec![shares], effect, gain);
    };
    if let Some(bare) = bare {
        let bare = attack.fact(bare);
        add(attack, vec![bare], Fact::EmptyHolder(role, place));
    }
    if let Some(covered) = covered(attack, by, role, place) {
        add(attack, covered, Fact::Bound(role, place));
    }
}

/// What it takes for an identity to hold all rules of a role at a place; none when it does not.
fn covered(attack: &mut Attack<'_>, by: Option<Subject>, role: RoleKey, place: Place) -> Option<Vec<u32>> {
    let graph = attack.graph;
    let names = &graph.snapshot().names;
    let rules_of = |at: RoleIx| {
        graph.snapshot().rules.set(graph.role(at).rules).iter().map(|&rule| graph.snapshot().rules.rule(rule))
    };
    let at = attack.role(role)?;
    let servant: Vec<Rule<'_>> = rules_of(at).collect();
    let mut owner: Vec<Rule<'_>> = Vec::new();
    for subject in by.into_iter().flat_map(|by| [by].into_iter().chain(groups(graph, by))) {
        let Some(id) = graph.snapshot().subjects.find(subject) else { continue };
        for &binding in graph.bindings_of(id) {
            let here = place.covering().any(|place| place == place_of(graph.binding(binding).namespace));
            if here && attack.counts(binding) && graph.scope_of(binding).cluster == attack.cluster {
                owner.extend(graph.role_of(binding).into_iter().flat_map(rules_of));
            }
        }
    }
    let left = uncovered(names, &owner, &servant);
    if left.is_empty() {
        return Some(Vec::new());
    }
    let mut needs = Vec::new();
    let bound = attack.bound();
    for atom in left {
        let fact = Fact::Atom(atom, place);
        for &(other, there, bound) in &bound {
            let Some(at) = attack.role(other).filter(|_| place.covering().any(|place| place == there)) else {
                continue;
            };
            let held: Vec<Rule<'_>> = rules_of(at).collect();
            if !uncovered(names, &held, &servant).contains(&atom) {
                attack.step(vec![bound], fact, How::Follows);
            }
        }
        needs.push(attack.find(fact)?);
    }
    Some(needs)
}

#[cfg(test)]
mod tests {
    use super::super::world::check;

    #[test]
    fn a_held_role_is_bound_and_then_rewritten() {
        check(
            "role manager: escalate,patch roles.rbac; create rolebindings.rbac
             role dev/small: create rolebindings.rbac
             bind dev/m=manager user:alice",
            "alice -> admin of dev: bind-held-role, escalate-role, namespace-admin
             alice -> any node: bind-held-role, escalate-role, pod-create, relax-pod-security, privileged-pod",
        );
    }

    #[test]
    fn a_new_role_is_held_by_everybody() {
        check(
            "role manager: escalate,create,patch roles.rbac; create rolebindings.rbac
             bind dev/m=manager user:alice",
            "alice -> admin of dev: bind-held-role, escalate-role, namespace-admin
             alice -> any node: bind-held-role, escalate-role, pod-create, relax-pod-security, privileged-pod",
        );
    }

    #[test]
    fn a_role_is_emptied_bound_and_rewritten() {
        check(
            "role manager: escalate,patch roles.rbac; create rolebindings.rbac
             role dev/big: get secrets
             bind dev/m=manager user:alice",
            "alice -> admin of dev: bind-held-role, escalate-role, namespace-admin
             alice -> any node: bind-held-role, escalate-role, pod-create, relax-pod-security, privileged-pod",
        );
    }

    #[test]
    fn halves_come_together_when_one_can_be_given_away() {
        let halves = "role t: create serviceaccounts/token
             role bind: bind clusterroles.rbac
             bind dev/t=t user:alice
             bind dev/b=bind sa:dev/bot";
        check(
            &format!(
                "{halves}
                 role write: create rolebindings.rbac
                 bind dev/w=write user:alice"
            ),
            "alice -> admin of dev: bind-held-role, token-request, bind-role, namespace-admin
             alice -> any node: bind-held-role, token-request, bind-role, pod-create, relax-pod-security, privileged-pod",
        );
        // Changing a binding to another role gives nothing of this one away.
        check(
            &format!(
                "{halves}
                 role write: patch rolebindings.rbac t
                 bind dev/w=write user:alice"
            ),
            "",
        );
    }

    #[test]
    fn a_role_that_is_neither_held_nor_written_is_not_bound() {
        check(
            "role writer: create rolebindings.rbac
             role dev/big: * secrets; create roles,rolebindings.rbac; create pods
             bind dev/w=writer user:alice",
            "",
        );
        check(
            "role manager: escalate,patch roles.rbac other; create rolebindings.rbac
             role dev/big: get secrets
             bind dev/m=manager user:alice",
            "",
        );
    }
}
