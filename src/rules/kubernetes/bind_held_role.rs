//! `bind-held-role`: whoever holds all rules of a role may bind others to it. Alone this gains nothing; it is the way under a role
//! that is rewritten afterwards, and the way to bring two halves together.

mod fed;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::graph::{BindingIx, RoleIx};
use crate::model::{Name, Subject};
use crate::rules::attack::{
    Attack, Done, Effect, Fact, Grant, How, Place, Plan, RoleKey, place_in, place_of, role_key,
};
use crate::rules::held::{Held, Mask, RequestIx, Way};
use crate::rules::technique::{At, Confidence, On, Request, Right, Technique, WRITE, rbac};

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
    build: Some(build),
    ..Technique::MOVE
};

fn build(attack: &mut Attack<'_>, done: Done) {
    if done.first {
        attack.binds.push((done.within, done.site, done.fact));
    }
}

/// Looks for those who may bind roles that somebody can rewrite, and roles that complete what others hold a part of.
pub(in crate::rules) fn share(attack: &mut Attack<'_>) {
    let mut rewritten: BTreeMap<Option<Name>, Vec<RoleKey>> = BTreeMap::new();
    for role in attack.rewritten() {
        rewritten.entry(role.namespace).or_default().push(role);
    }
    bind_bare(attack, &rewritten);
    let requests: Vec<RequestIx> =
        attack.rights.requests().filter(|&request| attack.rights.technique(request).0.id == TECHNIQUE.id).collect();
    let halves = Halves::of(attack);
    if !halves.is_empty() {
        share_own(attack, &requests, &halves);
    }
    attack.halves = Some(halves);
    let fed = |role: &RoleKey| attack.find(Fact::CanFeed(*role)).is_some();
    let fed: Vec<RoleKey> = rewritten.into_values().flatten().filter(fed).collect();
    if !fed.is_empty() {
        fed::share(attack, &requests, &fed);
    }
}

/// A role without rules is held by everybody who may bind: one that is made for it, or one that is emptied before it is written.
fn bind_bare(attack: &mut Attack<'_>, rewritten: &BTreeMap<Option<Name>, Vec<RoleKey>>) {
    if rewritten.is_empty() {
        return;
    }
    for (within, site, fact) in attack.binds.clone() {
        let inside: Vec<(Option<Name>, Place)> = match site.place {
            Place::Cluster => Vec::new(),
            Place::Namespace(namespace) => vec![(Some(namespace), site.place)],
            Place::EachNamespace => {
                rewritten.keys().flatten().map(|&namespace| (Some(namespace), place_in(namespace))).collect()
            }
        };
        let wide = rewritten.get(&None).into_iter().flatten().flat_map(|&role| {
            places_of(attack, within, site.place, role).into_iter().map(move |place| (role, place))
        });
        let inside = inside.into_iter().flat_map(|(namespace, place)| {
            rewritten.get(&namespace).into_iter().flatten().map(move |&role| (role, place))
        });
        for (role, place) in inside.chain(wide).collect::<Vec<_>>() {
            let bare = match attack.role(role) {
                None => Fact::CanCreate(role),
                Some(_) => Fact::CanWrite(role),
            };
            if attack.role(role).is_some() && attack.find(bare).is_none() {
                continue;
            }
            for binding in bindings(attack, within, site.other, place, role) {
                let bare = attack.fact(bare);
                let effect = Effect::Bind { role, place, binding };
                attack.does(&TECHNIQUE, vec![fact, bare], effect, Fact::EmptyHolder(role, place));
            }
        }
    }
}

/// Where a ClusterRole is bound by a request: wherever it may be, and a binding of it that is there is changed where it is.
fn places_of(attack: &Attack<'_>, within: usize, wide: Place, role: RoleKey) -> BTreeSet<Place> {
    let mut places = BTreeSet::from([wide]);
    if within == 3 && wide == Place::EachNamespace {
        let all = attack.bindings_to(role).iter().map(|&binding| place_of(attack.graph.binding(binding).namespace));
        places.extend(all.filter(|&place| place != Place::Cluster));
    }
    places
}

/// A request that takes several to make.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Half {
    /// Its rights, and those of them that no RoleBinding grants.
    rights: Mask,
    in_cluster: Mask,
    /// Who is impersonated cannot make it, and gives it to somebody who can.
    impersonates: bool,
}

impl Half {
    /// Whether whoever is under a role at a place needs nobody else.
    fn is_held(&self, plan: &Plan, place: Place) -> bool {
        let everywhere = place == Place::Cluster;
        plan.any.has(self.rights) && (everywhere || self.in_cluster.is_empty()) && !(everywhere && self.impersonates)
    }

    /// What whoever is under a role adds to it.
    fn part(&self, plan: &Plan, place: Place) -> Option<Mask> {
        let part = plan.some.and(self.rights);
        (!part.is_empty() && !self.is_held(plan, place)).then_some(part)
    }
}

/// Requests that those who are under roles make only together, what is held of them, and where. Looked at again when more are
/// under roles.
pub(in crate::rules) struct Halves {
    halves: Vec<Half>,
    /// For each, the parts that are held at a place.
    parts: Vec<FxHashMap<Place, Mask>>,
    /// Whether each is whole when all come together, at some place at least; only then it is worth it.
    whole: Vec<bool>,
    /// The roles that are a part of any, and how many were looked at.
    unders: Rc<[(RoleIx, Place, u32)]>,
    looked_at: usize,
    /// What can be given to everybody.
    made: Mask,
    /// The parts of each plan, in the cluster or not.
    of_plan: RefCell<FxHashMap<(*const Plan, bool), Parts>>,
}

/// Requests that take several, by number, and what whoever is under a role adds to each.
type Parts = Rc<[(usize, Mask)]>;

impl Halves {
    /// Those of now.
    fn of(attack: &mut Attack<'_>) -> Halves {
        let unders = attack.unders();
        let known = attack.halves.take().filter(|known| known.looked_at == unders.len());
        let mut halves = known.unwrap_or_else(|| Halves::new(attack, unders));
        halves.made = attack.made().1;
        let whole = |at: usize| halves.parts[at].keys().any(|&place| halves.is_whole(at, place));
        halves.whole = (0..halves.halves.len()).map(whole).collect();
        halves
    }

    fn new(attack: &Attack<'_>, mut unders: Vec<(RoleIx, Place, u32)>) -> Halves {
        let rights = &attack.rights;
        let half = |request: RequestIx| {
            let asked = rights.asked(request);
            let in_cluster = |right: &Right| asked.at == At::Cluster || right.in_cluster;
            let numbers = asked.rights.iter().zip(rights.of(request));
            let in_cluster: Mask = numbers.filter(|(right, _)| in_cluster(right)).map(|(_, &number)| number).collect();
            let impersonates = asked.impersonates() && !in_cluster.is_empty();
            // Where a request without a name does as much, its halves are those.
            let several = asked.rights.len() > 1 && !rights.is_more_by_post(request, Mask::default());
            let half = Half { rights: rights.mask_of(request), in_cluster, impersonates };
            (several || impersonates).then_some(half)
        };
        let all: BTreeSet<Half> = rights.requests().filter_map(half).collect();
        let all: Vec<Half> = all.into_iter().collect();
        let mut halves = Halves {
            parts: all.iter().map(|_| FxHashMap::default()).collect(),
            halves: all,
            whole: Vec::new(),
            unders: Rc::default(),
            looked_at: unders.len(),
            made: Mask::default(),
            of_plan: RefCell::default(),
        };
        unders.retain(|&(role, place, _)| {
            let parts = halves.parts(&attack.plan(role, place), place);
            for &(at, part) in parts.iter() {
                let known = halves.parts[at].entry(place).or_default();
                *known = known.with(part);
            }
            !parts.is_empty()
        });
        halves.unders = unders.into();
        halves
    }

    /// What whoever is under a role at a place adds to each request that takes several.
    fn parts(&self, plan: &Rc<Plan>, place: Place) -> Parts {
        let parts = || {
            let part = |(at, half): (usize, &Half)| Some((at, half.part(plan, place)?));
            self.halves.iter().enumerate().filter_map(part).collect()
        };
        let key = (Rc::as_ptr(plan), place == Place::Cluster);
        Rc::clone(self.of_plan.borrow_mut().entry(key).or_insert_with(parts))
    }

    fn is_empty(&self) -> bool {
        !self.whole.contains(&true)
    }

    /// Whether whoever is under a role at a place adds to any that is worth it.
    fn is_part(&self, plan: &Rc<Plan>, place: Place) -> bool {
        self.parts(plan, place).iter().any(|&(at, _)| self.whole[at])
    }

    /// Whether those who hold parts of a request at a place hold all of it together.
    fn is_whole(&self, at: usize, place: Place) -> bool {
        let held = [Place::Cluster, place].into_iter().filter_map(|place| self.parts[at].get(&place));
        held.fold(self.made, |all, part| all.with(*part)).has(self.halves[at].rights)
    }

    /// Whether a role that is bound at one place is a part of something when it is bound at another one.
    fn needs(&self, plan: &Rc<Plan>, bound: Place, place: Place) -> bool {
        self.parts(plan, bound).iter().any(|&(at, _)| self.whole[at] && self.is_whole(at, place))
    }
}

/// Adds that those who may bind put others under the roles that they are under themselves, where these complete something.
fn share_own(attack: &mut Attack<'_>, requests: &[RequestIx], halves: &Halves) {
    let made = attack.made().0.to_vec();
    let made_ways: Vec<Vec<Way>> =
        requests.iter().map(|&request| attack.rights.ways(request, &made, &[], &[])).collect();
    let binding = requests.iter().fold(Mask::default(), |all, &request| all.with(attack.rights.mask_of(request)));
    for &(role, at, id) in halves.unders.iter() {
        let plan = attack.plan(role, at);
        let is_part = match at {
            Place::Cluster | Place::EachNamespace => halves.is_part(&plan, at),
            Place::Namespace(_) => halves.needs(&plan, at, at),
        };
        if !is_part {
            continue;
        }
        let binds = !plan.some.and(binding).is_empty();
        for (&request, made_ways) in requests.iter().zip(&made_ways) {
            let mut ways = Vec::new();
            if binds {
                ways = attack.rights.ways(request, &attack.held_under(role, at), &[], &made);
            }
            ways.extend(made_ways.iter().filter(|way| meet(way.site.place, at).is_some()).cloned());
            for way in ways {
                let Some(place) = meet(way.site.place, at).filter(|&place| halves.needs(&plan, at, place)) else { continue };
                let mut needs = vec![id];
                needs.extend(attack.cans(&way));
                let how = How::AsRole { request, site: way.site };
                bind_own(attack, None, request, &way, (attack.key(role), place), &needs, &how);
            }
        }
    }
    share_by_others(attack, requests, halves, binding);
}

/// The same for those who may bind by another role than the one that completes something.
fn share_by_others(attack: &mut Attack<'_>, requests: &[RequestIx], halves: &Halves, binding: Mask) {
    let made = attack.made().0.to_vec();
    for by in attack.identities_with(binding) {
        if attack.grants(by).is_empty() {
            continue;
        }
        let groups = attack.groups(by);
        let binds = |(_, grant): &&(Subject, Grant)| {
            !attack.plan(grant.role, grant.place).some.and(binding).is_empty()
        };
        let all = [by].into_iter().chain(groups.iter().copied());
        let all = all.flat_map(|own| attack.grants(own).iter().map(move |&grant| (own, grant)));
        let grants: Vec<(Subject, Grant)> = all.collect();
        let binders: Vec<(Subject, Grant)> = grants.iter().filter(binds).copied().collect();
        if binders.is_empty() {
            continue;
        }
        let held = attack.held_of(by, binding);
        for &(owner, Grant { place: at, role, .. }) in &grants {
            let plan = attack.plan(role, at);
            if !halves.is_part(&plan, at) {
                continue;
            }
            // What one of them does alone, or one of the groups by itself, is known.
            let other = |(own, grant): &(Subject, Grant)| {
                (grant.role, grant.place) != (role, at) && (*own == by || owner == by || *own != owner)
            };
            if !binders.iter().any(other) {
                continue;
            }
            for &request in requests {
                for way in attack.rights.ways(request, &held, &[], &made) {
                    let Some(place) = meet(way.site.place, at).filter(|&place| halves.needs(&plan, at, place)) else {
                        continue;
                    };
                    let (needs, held) = attack.needs_of(Some(by), request, &way);
                    let how = How::Asks { request, site: way.site, by: Some(by), held };
                    bind_own(attack, Some(by), request, &way, (attack.key(role), place), &needs, &how);
                }
            }
        }
    }
}

/// Adds that identities which are put together of several put others under the roles that one of their parts is under.
///
/// `join` gives the fact that somebody is put together of these, the name first where one is among them.
pub(super) fn share_joined(
    attack: &mut Attack<'_>,
    groups: &BTreeSet<Subject>,
    names: &BTreeSet<Subject>,
    join: impl FnMut(&mut Attack<'_>, &BTreeSet<Subject>) -> u32,
) {
    let halves = Halves::of(attack);
    if !halves.is_empty() {
        share_of(attack, &halves, groups, names, join);
    }
    attack.halves = Some(halves);
}

fn share_of(
    attack: &mut Attack<'_>,
    halves: &Halves,
    groups: &BTreeSet<Subject>,
    names: &BTreeSet<Subject>,
    mut join: impl FnMut(&mut Attack<'_>, &BTreeSet<Subject>) -> u32,
) {
    let requests: Vec<RequestIx> =
        attack.rights.requests().filter(|&request| attack.rights.technique(request).0.id == TECHNIQUE.id).collect();
    let made = attack.made().0.to_vec();
    let held = |attack: &Attack<'_>, parts: &mut dyn Iterator<Item = Subject>| {
        let mut held: Vec<Held> = parts.flat_map(|part| attack.held_by(part).0).collect();
        held.sort_unstable();
        held
    };
    let binding = requests.iter().fold(Mask::default(), |all, &request| all.with(attack.rights.mask_of(request)));
    let binds = |attack: &Attack<'_>, name: Subject| {
        attack.grants(name).iter().any(|grant| !attack.plan(grant.role, grant.place).some.and(binding).is_empty())
    };
    let binders = held(attack, &mut groups.iter().copied().filter(|&group| binds(attack, group)));
    let able: Vec<Subject> = names.iter().copied().filter(|&name| binds(attack, name)).collect();
    if binders.is_empty() && able.is_empty() {
        return;
    }
    for owner in groups.iter().chain(names).copied() {
        for Grant { place: at, role, .. } in attack.grants(owner).to_vec() {
            let plan = attack.plan(role, at);
            if !halves.is_part(&plan, at) {
                continue;
            }
            // A request carries one name: that of the owner, or any other one beside a group.
            let mut with = vec![None];
            if !names.contains(&owner) {
                with.extend(able.iter().copied().map(Some));
            }
            for name in with {
                let own = match name {
                    Some(name) => held(attack, &mut [name].into_iter()),
                    None => binders.clone(),
                };
                let others: &[&[Held]] = if name.is_some() { &[&binders] } else { &[] };
                for &request in &requests {
                    for way in attack.rights.ways(request, &own, others, &made) {
                        let place = meet(way.site.place, at).filter(|&place| halves.needs(&plan, at, place));
                        let Some(place) = place else { continue };
                        let mut parts: BTreeSet<Subject> = way.held.iter().filter_map(|held| held.by()).collect();
                        parts.insert(owner);
                        if parts.len() < 2 {
                            continue;
                        }
                        let id = join(attack, &parts);
                        let (mut needs, held) = attack.needs_of(None, request, &way);
                        needs.push(id);
                        let how = How::Asks { request, site: way.site, by: None, held };
                        bind_own(attack, None, request, &way, (attack.key(role), place), &needs, &how);
                    }
                }
            }
        }
    }
}

/// Adds that a role which the binder is under is bound at a place.
fn bind_own(
    attack: &mut Attack<'_>,
    by: Option<Subject>,
    request: RequestIx,
    way: &Way,
    (role, place): (RoleKey, Place),
    needs: &[u32],
    how: &How,
) {
    let (_, within) = attack.rights.technique(request);
    for binding in bindings(attack, within, way.site.other, place, role) {
        let shares = Fact::Shares(attack.shares.number((request, way.site, by, role, place)));
        attack.step(needs.to_vec(), shares, how.clone());
        let shares = attack.fact(shares);
        attack.does(&TECHNIQUE, vec![shares], Effect::Bind { role, place, binding }, Fact::Bound(role, place));
    }
}

/// Where somebody who may bind at one place, and is under a role at the other, puts others under that role.
fn meet(binds: Place, under: Place) -> Option<Place> {
    match (binds, under) {
        (binds, under) if binds == under => Some(binds),
        (_, Place::Cluster) => Some(binds),
        (Place::EachNamespace, Place::Namespace(_)) => Some(under),
        _ => None,
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
        bind_own(attack, Some(by), request, way, (role, place), needs, how);
    }
}

/// The roles that an identity is under, itself or by its groups, and where.
fn own_bindings(attack: &Attack<'_>, by: Option<Subject>) -> Vec<(Place, RoleKey)> {
    let graph = attack.graph;
    let subjects = by.into_iter().flat_map(|by| [by].into_iter().chain(attack.groups(by).to_vec()));
    let ids = subjects.filter_map(|subject| graph.snapshot().subjects.find(subject));
    let bindings = ids.flat_map(|id| graph.bindings_of(id)).copied();
    let counts = |&at: &BindingIx| attack.counts(at) && graph.scope_of(at).cluster == attack.cluster;
    bindings
        .filter(counts)
        .filter_map(|at| Some((place_of(graph.binding(at).namespace), role_key(graph, at)?)))
        .collect()
}

/// The bindings by which a request can put somebody under a role at a place: one that is there, or none for a new one. The name is
/// that of the only binding that it may write.
fn bindings(
    attack: &Attack<'_>,
    within: usize,
    name: Option<Name>,
    place: Place,
    role: RoleKey,
) -> Vec<Option<BindingIx>> {
    let of_role = role.namespace.is_none_or(|namespace| place_in(namespace) == place);
    match within {
        _ if !of_role => Vec::new(),
        0 | 1 => vec![None],
        2 | 3 => {
            let fits = |binding: &&BindingIx| {
                let own = attack.graph.binding(**binding);
                place_of(own.namespace) == place && name.is_none_or(|name| name == own.name)
            };
            attack.bindings_to(role).iter().filter(fits).copied().map(Some).collect()
        }
        _ => {
            let taken = name.map(|name| attack.bindings_in(place, Some(name)));
            let is_there = |at: &BindingIx| place_of(attack.graph.binding(*at).namespace) == place;
            let admitted = name.is_some_and(|name| attack.admits(place, name, role));
            if admitted && taken.is_some_and(|taken| !taken.iter().any(is_there)) { vec![None] } else { Vec::new() }
        }
    }
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
