//! `bind-held-role`: whoever holds all rules of a role may bind others to it. Alone this gains nothing; it is the way under a role
//! that is rewritten afterwards, and the way to bring two halves together.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::{FxHashMap, FxHashSet};

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

/// So many ways to share what somebody holds by a binding that has to be made first are looked at, and no more.
const MANY: usize = 1_000_000;

/// What is said of the others.
const LEFT_OUT: &str = "bind-held-role was looked at only for those who may write bindings already, not for those who get there \
                        on the way: too many identities";

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
    let wanted = halves.iter().fold(Mask::default(), |wanted, half| wanted.with(*half));
    let made = attack.made().0.to_vec();
    let mut made_ways: Vec<Vec<Way>> =
        requests.iter().map(|&request| attack.rights.ways(request, &made, &[], &[])).collect();
    let many = made_ways.iter().map(Vec::len).sum::<usize>().saturating_mul(attack.identities().len());
    if many > MANY {
        made_ways.iter_mut().for_each(Vec::clear);
        attack.leave_out(LEFT_OUT);
    }
    let mut made_at: FxHashMap<Place, (Mask, Mask)> = FxHashMap::default();
    for by in attack.identities().into_iter().map(Some).chain([None]).collect::<Vec<_>>() {
        let own = own_bindings(attack, by);
        // Who is under no role that anybody would want has nothing to share.
        if rewritten.is_empty() && !own.iter().any(|&(_, role)| supplies(attack, role, wanted)) {
            continue;
        }
        let own_held = own_rights(attack, by);
        let mask = Rights::mask(&own_held).with(attack.made().1);
        if !requests.iter().any(|&request| attack.rights.may_be_made(request, mask, mask)) {
            continue;
        }
        let under = |place: Place| own.iter().any(|(at, _)| place.covering().any(|covering| covering == *at));
        let mut shared: FxHashSet<(RoleKey, Place)> = FxHashSet::default();
        for (&request, made_ways) in requests.iter().zip(&made_ways) {
            if !attack.rights.may_be_made(request, mask, mask) {
                continue;
            }
            let mut ways = attack.rights.ways(request, &own_held, &[], &made);
            // What rests on nothing of their own is of use where they are under a role.
            let useful = |way: &&Way| {
                !rewritten.is_empty() || way.site.place == Place::EachNamespace || under(way.site.place)
            };
            ways.extend(made_ways.iter().filter(useful).cloned());
            for way in ways {
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
                    let made_here = *made_at.entry(place).or_insert_with(|| Rights::mask_at(&made, place));
                    let (some, any) = Rights::mask_at(&own_held, place);
                    let here = (some.with(made_here.0), any.with(made_here.1));
                    roles.extend(completing(attack, here, &own, place, &halves));
                    for role in roles {
                        // One way that rests on nothing else will do.
                        if shared.contains(&(role, place)) {
                            continue;
                        }
                        let bindings = bindings(attack, request, &way, place, role);
                        if !bindings.is_empty() && way.needs_nothing() && rewritten.is_empty() {
                            shared.insert((role, place));
                        }
                        for binding in bindings {
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

/// What an identity holds by itself and by its groups, sorted.
fn own_rights(attack: &Attack<'_>, by: Option<Subject>) -> Vec<Held> {
    let Some(subject) = by else { return Vec::new() };
    let (mut own, groups) = attack.held_by(subject);
    own.extend(groups.into_iter().flatten());
    own.sort_unstable();
    own
}

/// Whether a role grants one of these rights.
fn supplies(attack: &Attack<'_>, role: RoleKey, wanted: Mask) -> bool {
    let at = attack.role(role);
    at.is_some_and(|at| !Rights::mask_supplied(attack.supplied(at)).and(wanted).is_empty())
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
    let (made, made_mask) = attack.made();
    let made_everywhere = Rights::mask_at(made, Place::Cluster).1;
    let several = attack.rights.requests().filter(|&request| attack.rights.asked(request).rights.len() > 1);
    let several: BTreeSet<Mask> = several.map(|request| attack.rights.mask_of(request)).collect();
    for by in attack.identities() {
        let own = own_rights(attack, Some(by));
        let some = Rights::mask(&own).with(made_mask);
        let everywhere = Rights::mask_at(&own, Place::Cluster).1.with(made_everywhere);
        for &mask in &several {
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
    (some, any): (Mask, Mask),
    own: &[(Place, RoleKey)],
    place: Place,
    halves: &[Mask],
) -> Vec<RoleKey> {
    let lacking = halves.iter().filter(|&&mask| !any.has(mask));
    let useful = lacking.fold(Mask::default(), |useful, mask| useful.with(mask.and(some)));
    if useful.is_empty() {
        return Vec::new();
    }
    let here = own.iter().filter(|(at, role)| {
        place.covering().any(|covering| covering == *at) && (role.namespace.is_none() || *at == place)
    });
    here.filter(|(_, role)| supplies(attack, *role, useful)).map(|&(_, role)| role).collect()
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
    let rules_of = |attack: &Attack<'_>, at: RoleIx| -> Vec<Rule<'_>> {
        attack.rules_of(at).map(|(_, rule)| graph.snapshot().rules.rule(rule)).collect()
    };
    let at = attack.role(role)?;
    let is_own = |&(there, own): &(Place, RoleKey)| own == role && place.covering().any(|place| place == there);
    if own_bindings(attack, by).iter().any(is_own) {
        return Some(Vec::new());
    }
    let servant = rules_of(attack, at);
    let mut owner: Vec<Rule<'_>> = Vec::new();
    for subject in by.into_iter().flat_map(|by| [by].into_iter().chain(groups(graph, by))) {
        let Some(id) = graph.snapshot().subjects.find(subject) else { continue };
        for &binding in graph.bindings_of(id) {
            let here = place.covering().any(|place| place == place_of(graph.binding(binding).namespace));
            if here && attack.counts(binding) && graph.scope_of(binding).cluster == attack.cluster {
                owner.extend(graph.role_of(binding).map(|role| rules_of(attack, role)).unwrap_or_default());
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
            let held = rules_of(attack, at);
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
    fn a_way_without_a_binding_to_change_does_not_hide_the_next_one() {
        // Nobody is bound to the role by a binding that can be changed, and a new one of this name can be made.
        check(
            "role a: create pods one
             role b: patch pods one
             role w: patch rolebindings.rbac; create rolebindings.rbac mine
             role t: create serviceaccounts/token
             namespace dev -
             bind a sa:dev/one
             bind dev/w=w sa:dev/one
             bind dev/b=b sa:dev/two
             bind dev/t=t user:alice",
            "alice -> any node: token-request, token-request, bind-held-role, pod-create, privileged-pod",
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
