//! Who may put others under an aggregated role that somebody can have more united into: those who hold all rules of it, by roles of
//! their own and by what can be given to them.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{bind_own, own_bindings, places_of};
use crate::graph::RoleIx;
use crate::model::{Atom, Rule, RuleId, Subject, uncovered};
use crate::rules::attack::{Attack, Fact, How, Place, RoleKey, Table};
use crate::rules::held::{Held, HeldBy, RequestIx, Rights, Way};

/// Adds that those who hold all rules of an aggregated role which somebody can have more united into put others under it.
pub(super) fn share(attack: &mut Attack<'_>, requests: &[RequestIx], fed: &[RoleKey]) {
    let made = attack.made().0.to_vec();
    let mut known = Known::default();
    for (role, place, id) in attack.bound() {
        let role = known.role(attack, role);
        known.bound.entry(place).or_default().extend(role.map(|role| (role, id)));
    }
    let made_ways: Vec<Vec<Way>> =
        requests.iter().map(|&request| attack.rights.ways(request, &made, &[], &[])).collect();
    for by in attack.identities().into_iter().map(Some).chain([None]).collect::<Vec<_>>() {
        let own = known.own(attack, by);
        let own_held = own_rights(attack, by);
        let mask = Rights::mask(&own_held).with(attack.made().1);
        for (&request, made_ways) in requests.iter().zip(&made_ways) {
            if !attack.rights.may_be_made(request, mask, mask) {
                continue;
            }
            let (_, within) = attack.rights.technique(request);
            for way in attack.rights.ways(request, &own_held, &[], &made).iter().chain(made_ways) {
                let others = others(attack, by, way).into_iter().map(|other| known.own(attack, other));
                let others: Vec<Rc<Own>> = others.collect();
                for &role in fed {
                    let alike = others.iter().any(|other| known.is_alike(attack, &own, other, role));
                    for place in own.places(way.site.place, || places_of(attack, within, way.site.place, role), alike) {
                        let Some(lacks) = known.lacks(attack, &own, role, place) else { continue };
                        if others.iter().any(|other| known.lacks(attack, other, role, place) == Some(lacks)) {
                            continue;
                        }
                        let (mut needs, held) = attack.needs_of(by, request, way);
                        needs.extend(lacks);
                        let how = How::Asks { request, site: way.site, by, held };
                        bind_own(attack, by, request, way, (role, place), &needs, &how);
                    }
                }
            }
        }
    }
}

/// Who else makes a request by a way in which an identity makes it, and is acted as whenever it is: those of its groups that are granted
/// all of it but what can be given away, and anybody where that is everything.
fn others(attack: &Attack<'_>, by: Option<Subject>, way: &Way) -> Vec<Option<Subject>> {
    let Some(subject) = by else { return Vec::new() };
    let granted = || way.held.iter().filter(|held| !matches!(held.source, HeldBy::Made(_)));
    let makes = |other: &Option<Subject>| granted().all(|held| held.by() == *other && other.is_some());
    let groups = attack.granted_groups(subject).into_iter().map(Some);
    groups.chain([None]).filter(makes).collect()
}

/// What an identity holds by itself and by its groups, sorted.
fn own_rights(attack: &Attack<'_>, by: Option<Subject>) -> Vec<Held> {
    let Some(subject) = by else { return Vec::new() };
    let (mut own, groups) = attack.held_by(subject);
    own.extend(groups.into_iter().flatten());
    own.sort_unstable();
    own
}

/// What is the same for everybody who may bind.
#[derive(Default)]
struct Known {
    /// One role for all that have the same rules.
    roles: FxHashMap<RoleIx, RoleIx>,
    same: FxHashMap<Box<[RuleId]>, RoleIx>,
    /// The roles that identities are under.
    own: FxHashMap<Option<Subject>, Rc<Own>>,
    /// The roles that somebody can be put under, by place, each with that fact.
    bound: FxHashMap<Place, Vec<(RoleIx, u32)>>,
    /// What rule sets together lack of the rules of a role, by its number; few differ.
    left: FxHashMap<(Vec<RoleIx>, RoleIx), Left>,
    numbers: Table<Rc<[Atom]>>,
    /// What a role has of the rules of another one.
    has: FxHashMap<(RoleIx, RoleIx), Rc<[Atom]>>,
    /// The roles that somebody can be put under at a place, and the rules of a role in parts that these have.
    brings: FxHashMap<(RoleIx, Place), Brings>,
    parts: FxHashMap<(RoleIx, Vec<RoleIx>), Rc<[Part]>>,
    /// The parts that some of the rules of a role are in, by the number of their list, if all of these come from somewhere.
    parts_of: FxHashMap<(*const Part, u32), Option<Rc<[Part]>>>,
    /// The facts that a part, and that these parts can be given at a place.
    part: FxHashMap<(*const Atom, Place), u32>,
    given: FxHashMap<(u32, RoleIx, Place), Option<u32>>,
}

/// The roles that an identity is under, sorted: in the cluster, and with these in each namespace in which it is under more.
struct Own {
    wide: Vec<RoleIx>,
    inside: BTreeMap<Place, Vec<RoleIx>>,
}

impl Own {
    fn new(attack: &Attack<'_>, by: Option<Subject>, known: &mut Known) -> Own {
        let mut all: BTreeMap<Place, BTreeSet<RoleIx>> = BTreeMap::new();
        for (place, role) in own_bindings(attack, by) {
            all.entry(place).or_default().extend(known.role(attack, role));
        }
        let wide = all.remove(&Place::Cluster).unwrap_or_default();
        let inside = all.into_iter().map(|(place, roles)| (place, roles.union(&wide).copied().collect()));
        Own { inside: inside.collect(), wide: wide.into_iter().collect() }
    }

    fn roles(&self, place: Place) -> &[RoleIx] {
        self.inside.get(&place).unwrap_or(&self.wide)
    }

    /// The places of a way at which it may hold enough: the whole of it, these, and the parts where it is under more; no others where
    /// somebody else who makes the request is under as much.
    fn places(&self, wide: Place, all: impl FnOnce() -> BTreeSet<Place>, is_alike: bool) -> BTreeSet<Place> {
        let inside = self.inside.keys().copied().filter(|&place| wide == Place::EachNamespace || wide == place);
        let mut places = if is_alike { BTreeSet::new() } else { all() };
        places.extend(inside);
        places
    }
}

/// Rights, and the number of their list.
type Left = (u32, Rc<[Atom]>);

/// Rights that come together, and the roles that have them.
type Part = (Rc<[Atom]>, Vec<RoleIx>);

/// Roles that somebody can be put under, each with that fact, and the rules of another role in parts that these roles have.
type Brings = (Rc<[(RoleIx, u32)]>, Rc<[Part]>);

impl Known {
    /// A role, or the first that has the same rules.
    fn role(&mut self, attack: &Attack<'_>, role: RoleKey) -> Option<RoleIx> {
        let Known { roles, same, .. } = self;
        let rules = |role: RoleIx| attack.rules_of(role).map(|(_, rule)| rule).collect();
        attack.role(role).map(|role| *roles.entry(role).or_insert_with(|| *same.entry(rules(role)).or_insert(role)))
    }

    fn own(&mut self, attack: &Attack<'_>, by: Option<Subject>) -> Rc<Own> {
        if let Some(own) = self.own.get(&by) {
            return Rc::clone(own);
        }
        let own = Rc::new(Own::new(attack, by, self));
        self.own.insert(by, Rc::clone(&own));
        own
    }

    /// Whether two identities hold the same of a role, but for the namespaces in which they are granted something.
    fn is_alike(&mut self, attack: &Attack<'_>, own: &Own, other: &Own, role: RoleKey) -> bool {
        let Some(role) = self.role(attack, role) else { return false };
        self.left(attack, &own.wide, role).0 == self.left(attack, &other.wide, role).0
    }

    fn left(&mut self, attack: &Attack<'_>, roles: &[RoleIx], of: RoleIx) -> Left {
        let Known { left, numbers, .. } = self;
        let find = |(roles, of): &(Vec<RoleIx>, RoleIx)| {
            let snapshot = attack.graph.snapshot();
            let rules = |at: RoleIx| attack.rules_of(at).map(|(_, rule)| snapshot.rules.rule(rule));
            let held: Vec<Rule<'_>> = roles.iter().flat_map(|&role| rules(role)).collect();
            let left: Rc<[Atom]> = uncovered(&snapshot.names, &held, &rules(*of).collect::<Vec<_>>()).into();
            (numbers.number(Rc::clone(&left)), left)
        };
        left.entry((roles.to_vec(), of)).or_insert_with_key(find).clone()
    }

    fn has(&mut self, attack: &Attack<'_>, role: RoleIx, of: RoleIx) -> Rc<[Atom]> {
        if let Some(has) = self.has.get(&(role, of)) {
            return Rc::clone(has);
        }
        let lacks: FxHashSet<Atom> = self.left(attack, &[role], of).1.iter().copied().collect();
        let (_, all) = self.left(attack, &[], of);
        let has: Rc<[Atom]> = all.iter().copied().filter(|atom| !lacks.contains(atom)).collect();
        self.has.insert((role, of), Rc::clone(&has));
        has
    }

    fn brings(&mut self, attack: &Attack<'_>, of: RoleIx, place: Place) -> Brings {
        if let Some((bound, parts)) = self.brings.get(&(of, place)) {
            return (Rc::clone(bound), Rc::clone(parts));
        }
        let bound = place.covering().filter_map(|place| self.bound.get(&place)).flatten().copied();
        let mut bound: Vec<(RoleIx, u32)> = bound.collect();
        bound.retain(|&(role, _)| !self.has(attack, role, of).is_empty());
        let roles: BTreeSet<RoleIx> = bound.iter().map(|&(role, _)| role).collect();
        let parts = self.parts(attack, of, roles.into_iter().collect());
        self.brings.entry((of, place)).insert_entry((bound.into(), parts)).get().clone()
    }

    /// The rules of a role, divided by which of these roles have them.
    fn parts(&mut self, attack: &Attack<'_>, of: RoleIx, roles: Vec<RoleIx>) -> Rc<[Part]> {
        if let Some(parts) = self.parts.get(&(of, roles.clone())) {
            return Rc::clone(parts);
        }
        let (_, all) = self.left(attack, &[], of);
        let mut by: FxHashMap<Atom, Vec<RoleIx>> = all.iter().map(|&atom| (atom, Vec::new())).collect();
        for &role in &roles {
            for atom in self.has(attack, role, of).iter() {
                by.entry(*atom).or_default().push(role);
            }
        }
        let mut parts: BTreeMap<Vec<RoleIx>, BTreeSet<Atom>> = BTreeMap::new();
        for (atom, roles) in by {
            parts.entry(roles).or_default().insert(atom);
        }
        let parts: Rc<[Part]> = parts.into_iter().map(|(roles, all)| (all.into_iter().collect(), roles)).collect();
        self.parts.insert((of, roles), Rc::clone(&parts));
        parts
    }

    /// What it takes for an identity to hold all rules of a role at a place: nothing, or one fact; none when it does not.
    fn lacks(&mut self, attack: &mut Attack<'_>, own: &Own, role: RoleKey, place: Place) -> Option<Option<u32>> {
        let at = self.role(attack, role)?;
        let roles = own.roles(place);
        if roles.contains(&at) {
            return Some(None);
        }
        let (number, left) = self.left(attack, roles, at);
        if left.is_empty() {
            return Some(None);
        }
        if let Some(&given) = self.given.get(&(number, at, place)) {
            return given.map(Some);
        }
        let given = self.give(attack, (number, &left), at, place);
        self.given.insert((number, at, place), given);
        given.map(Some)
    }

    /// The fact that somebody can be given these rules of a role at a place, if they can.
    fn give(&mut self, attack: &mut Attack<'_>, (number, left): (u32, &[Atom]), of: RoleIx, place: Place) -> Option<u32> {
        let (bound, parts) = self.brings(attack, of, place);
        let needed = self.parts_of.entry((parts.as_ptr(), number)).or_insert_with(|| {
            let left: FxHashSet<Atom> = left.iter().copied().collect();
            let needed = parts.iter().filter(|(all, _)| all.iter().any(|atom| left.contains(atom)));
            let needed: Vec<&Part> = needed.collect();
            let come = needed.iter().all(|(_, roles)| !roles.is_empty());
            come.then(|| needed.into_iter().cloned().collect())
        });
        let needed = Rc::clone(needed.as_ref()?);
        let part = |(all, roles): &Part| {
            let give = || {
                let whole = Fact::Whole(attack.wholes.number((Rc::clone(all), place)));
                for &(_, bound) in bound.iter().filter(|(role, _)| roles.contains(role)) {
                    attack.step(vec![bound], whole, How::Follows);
                }
                attack.fact(whole)
            };
            *self.part.entry((all.as_ptr(), place)).or_insert_with(give)
        };
        let ids: Vec<u32> = needed.iter().map(part).collect();
        if let [one] = ids[..] {
            return Some(one);
        }
        let all: Rc<[Atom]> = needed.iter().flat_map(|(all, _)| all.iter().copied()).collect();
        let whole = Fact::Whole(attack.wholes.number((all, place)));
        attack.step(ids, whole, How::Serves);
        Some(attack.fact(whole))
    }
}
