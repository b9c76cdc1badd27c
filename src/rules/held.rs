//! Which of the catalogue's rights are held, by whom, where and for which names; and in which ways a request can be made.
//! What follows from a request is not decided here.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use super::attack::Place;
use super::catalogue::CATALOGUE;
use super::kubernetes;
use super::technique::{At, On, Request, Right, Technique, right};
use crate::graph::{AccessGraph, BindingIx};
use crate::model::{Name, Question, Rule, RuleId, RuleSetId, Subject};

/// A request of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct RequestIx(pub(super) u16);

/// A right that somebody holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Held {
    right: u8,
    place: Place,
    /// The only object; none for every object.
    name: Option<Name>,
    /// What grants it.
    pub(super) source: HeldBy,
}

/// What grants a right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum HeldBy {
    /// A binding that was read, through this subject of it and this rule of its role.
    Grant {
        /// The subject that the binding names.
        subject: Subject,
        /// The binding.
        binding: BindingIx,
        /// The rule's place in the role.
        rule: u32,
    },
    /// Whatever binding it is that puts somebody under the role, by this rule of the role.
    Role(u32),
    /// A binding that the attacker makes on the way: the number of the fact.
    Made(u32),
}

/// Where and on what a request is made. A name that is not there means any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Site {
    pub(super) place: Place,
    pub(super) object: Option<Name>,
    pub(super) other: Option<Name>,
}

/// One way to make a request: the site, and what grants each of its rights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) site: Site,
    pub(super) held: Vec<Held>,
}

/// A set of rights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mask([u64; 4]);

impl Mask {
    fn of(right: u8) -> Mask {
        let mut mask = Mask::default();
        mask.0[usize::from(right >> 6)] = 1 << (right & 63);
        mask
    }

    /// All rights of both.
    pub(super) fn with(self, other: Mask) -> Mask {
        Mask(std::array::from_fn(|at| self.0[at] | other.0[at]))
    }

    /// The rights that are in both.
    pub(super) fn and(self, other: Mask) -> Mask {
        Mask(std::array::from_fn(|at| self.0[at] & other.0[at]))
    }

    /// Whether all rights of another set are in this one.
    pub(super) fn has(self, other: Mask) -> bool {
        self.and(other) == other
    }

    /// The rights, in order.
    fn iter(self) -> impl Iterator<Item = u8> {
        let words = [0_u8, 64, 128, 192].into_iter().zip(self.0);
        words.flat_map(|(first, word)| (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| first + bit))
    }

    /// Whether nothing is in it.
    pub(super) fn is_empty(self) -> bool {
        self == Mask::default()
    }
}

impl FromIterator<u8> for Mask {
    fn from_iter<I: IntoIterator<Item = u8>>(rights: I) -> Mask {
        rights.into_iter().fold(Mask::default(), |mask, right| mask.with(Mask::of(right)))
    }
}

/// The requests of the catalogue in the names of a graph.
pub(super) struct Rights {
    rights: Vec<Named>,
    requests: Vec<Asked>,
    /// For each rule set what it supplies.
    supplies: FxHashMap<RuleSetId, Box<[Supply]>>,
    by_resource: FxHashMap<Name, Vec<u8>>,
    /// The rights that some rule limits to names, and those of requests that impersonate.
    named: Mask,
    impersonating: Mask,
    /// The rights that some role supplies, and those of requests of several that can come together.
    supplied: Mask,
    parts: Mask,
    /// The requests of several rights, and those that are about the identity which makes them.
    several: Vec<RequestIx>,
    unshared: Vec<RequestIx>,
    /// The requests by the first of their rights.
    by_first: Vec<Vec<RequestIx>>,
}

/// A right in the names of a graph.
struct Named {
    right: Right,
    questions: Vec<Question<'static>>,
}

/// A request with its rights.
struct Asked {
    technique: &'static Technique,
    within: usize,
    request: &'static Request,
    rights: Vec<u8>,
    mask: Mask,
    /// Those of its rights that make an object of a name.
    making: Mask,
    shared: bool,
    /// The rights without a name that do more than this request, which makes an object by its name.
    post: Option<Mask>,
}

/// A right that a rule of a rule set supplies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Supply {
    right: u8,
    name: Option<Name>,
    rule: u32,
}

/// The right to everything: who has it needs no other one at the same place.
const EVERYTHING: Right = right(&["*"], "*", "*", On::Nothing);

impl Rights {
    /// Puts the catalogue into the names of a graph, and evaluates each distinct rule set once.
    pub(super) fn new(graph: &AccessGraph) -> Rights {
        let mut rights: Vec<Right> = vec![EVERYTHING];
        let mut requests = Vec::new();
        for technique in CATALOGUE {
            for (within, request) in technique.requests.iter().enumerate() {
                let mut own = Vec::new();
                for right in request.rights {
                    let at = rights.iter().position(|known| known == right).unwrap_or_else(|| {
                        rights.push(*right);
                        rights.len() - 1
                    });
                    own.push(u8::try_from(at).unwrap_or(u8::MAX));
                }
                let mask = own.iter().copied().collect();
                let shared = technique.build.is_some() && technique.id != kubernetes::CONSTRAINED.id;
                let makes =
                    |&at: &u8| rights[usize::from(at)].verbs == ["create"] && rights[usize::from(at)].on != On::Nothing;
                let making = own.iter().copied().filter(makes).collect();
                requests.push(Asked { technique, within, request, rights: own, mask, making, shared, post: None });
            }
        }
        let number =
            |right: &Right| rights.iter().position(|known| known == right).and_then(|at| u8::try_from(at).ok());
        for asked in &mut requests {
            let posts = asked.technique.requests.iter().filter(|other| makes_more(other, asked.request));
            asked.post = posts.map(|post| post.rights.iter().filter_map(number).collect()).next();
        }
        let rights: Vec<Named> = rights.into_iter().map(|right| Named::new(graph, right)).collect();
        let mut by_resource: FxHashMap<Name, Vec<u8>> = FxHashMap::default();
        for (at, named) in (0_u8..).zip(&rights) {
            for resource in named.resources() {
                by_resource.entry(resource).or_default().push(at);
            }
        }
        let mut all = Rights {
            rights,
            requests,
            supplies: FxHashMap::default(),
            by_resource,
            named: Mask::default(),
            impersonating: Mask::default(),
            supplied: Mask::default(),
            parts: Mask::default(),
            several: Vec::new(),
            unshared: Vec::new(),
            by_first: Vec::new(),
        };
        all.by_first.resize(all.rights.len(), Vec::new());
        for request in all.requests() {
            if let Some(&first) = all.of(request).iter().min() {
                all.by_first[usize::from(first)].push(request);
            }
        }
        let impersonating = all.requests().filter(|&request| all.asked(request).impersonates());
        all.impersonating = impersonating.fold(Mask::default(), |mask, request| mask.with(all.mask_of(request)));
        all.several = all.requests().filter(|&request| all.asked(request).rights.len() > 1).collect();
        let builds = |request: &RequestIx| all.technique(*request).0.build.is_some();
        all.unshared = all.requests().filter(builds).filter(|&request| !all.is_shared(request)).collect();
        let mut supplied = Mask::default();
        for (set, rules) in graph.snapshot().rules.sets() {
            let found = all.supplied_by(graph, (0_u32..).zip(rules.iter().copied()));
            all.named = found
                .iter()
                .filter(|supply| supply.name.is_some())
                .fold(all.named, |named, supply| named.with(Mask::of(supply.right)));
            supplied = supplied.with(found.iter().map(|supply| supply.right).collect());
            if !found.is_empty() {
                all.supplies.insert(set, found.into_boxed_slice());
            }
        }
        let several = std::mem::take(&mut all.several).into_iter();
        all.supplied = supplied;
        all.several = several.filter(|&request| all.is_granted(request)).collect();
        let parts = all.several.iter().filter(|&&request| !all.is_more_by_post(request, Mask::default()));
        all.parts = parts.fold(Mask::default(), |parts, &request| parts.with(all.mask_of(request)));
        all
    }

    /// What some rules of a role supply, each with its place in the role.
    pub(super) fn supplied_by(&self, graph: &AccessGraph, rules: impl Iterator<Item = (u32, RuleId)>) -> Vec<Supply> {
        let mut found = Vec::new();
        for (position, rule) in rules {
            let rule = graph.snapshot().rules.rule(rule);
            supply(graph, &self.rights, &self.by_resource, rule, position, &mut found);
        }
        found.sort_unstable();
        found.dedup_by_key(|supply| (supply.right, supply.name));
        if found.first().is_some_and(|first| first.right == 0) {
            found.truncate(1);
        }
        found
    }

    /// Every request.
    pub(super) fn requests(&self) -> impl Iterator<Item = RequestIx> + use<> {
        (0..u16::try_from(self.requests.len()).unwrap_or(u16::MAX)).map(RequestIx)
    }

    /// The technique of a request, and the request's place in it.
    pub(super) fn technique(&self, request: RequestIx) -> (&'static Technique, usize) {
        let asked = &self.requests[usize::from(request.0)];
        (asked.technique, asked.within)
    }

    /// Whether all rights of one of the requests of a technique are in some role or other that does not grant everything.
    pub(super) fn is_supplied(&self, technique: &Technique, within: usize) -> bool {
        let mut requests = self.requests.iter();
        let own = requests.find(|asked| asked.technique.id == technique.id && asked.within == within);
        own.is_some_and(|own| self.supplied.has(own.mask))
    }

    /// Whether all rights of a request are in some role or other that does not grant everything; of a request that takes rights of
    /// the whole cluster as well these, since whoever has everything in a namespace can give the others to everybody.
    pub(super) fn is_granted(&self, request: RequestIx) -> bool {
        let in_cluster: Mask = self.parts_of(request).filter(|(right, _)| right.in_cluster).map(|(_, at)| at).collect();
        self.supplied.has(if in_cluster.is_empty() { self.mask_of(request) } else { in_cluster })
    }

    /// The rights of a namespace that make a request together with others of the whole cluster, for whoever can give everybody
    /// everything in the namespace by a fact.
    pub(super) fn beside_cluster(&self, place: Place, fact: u32) -> Vec<Held> {
        let both = |request: &&RequestIx| self.parts_of(**request).any(|(right, _)| right.in_cluster);
        let parts = self.several.iter().filter(both).flat_map(|&request| self.parts_of(request));
        let rights: BTreeSet<u8> = parts.filter(|(right, _)| !right.in_cluster).map(|(_, at)| at).collect();
        rights.into_iter().map(|right| Held { right, place, name: None, source: HeldBy::Made(fact) }).collect()
    }

    /// The rights of a request, with their numbers.
    fn parts_of(&self, request: RequestIx) -> impl Iterator<Item = (&'static Right, u8)> {
        self.asked(request).rights.iter().zip(self.of(request).iter().copied())
    }

    /// A right by its number.
    pub(super) fn right(&self, number: u8) -> Right {
        self.rights[usize::from(number)].right
    }

    /// The rights that are so.
    pub(super) fn that(&self, is: impl Fn(&Right) -> bool) -> Mask {
        (0_u8..).zip(&self.rights).filter(|(_, named)| is(&named.right)).map(|(at, _)| at).collect()
    }

    /// What a request needs.
    pub(super) fn asked(&self, request: RequestIx) -> &'static Request {
        self.requests[usize::from(request.0)].request
    }

    /// The rights of a request, by number.
    pub(super) fn of(&self, request: RequestIx) -> &[u8] {
        &self.requests[usize::from(request.0)].rights
    }

    /// Whether a rule set supplies the right to everything, which makes all others needless.
    pub(super) fn is_everything(&self, set: RuleSetId) -> bool {
        self.supplied(set).first().is_some_and(|first| first.right == 0)
    }

    /// A right as a part of everything, wherever everything is among what is held.
    pub(super) fn of_everything(&self, right: u8, held: &[Held]) -> Vec<Held> {
        let everything = held.iter().filter(|held| held.right == 0);
        everything.map(|&held| Held { right, name: None, ..held }).collect()
    }

    /// What the rules of a set supply.
    pub(super) fn supplied(&self, set: RuleSetId) -> &[Supply] {
        self.supplies.get(&set).map_or(&[], |supplies| supplies)
    }

    /// All rights of these as a set.
    pub(super) fn mask(held: &[Held]) -> Mask {
        held.iter().map(|held| held.right).collect()
    }

    /// The rights of these that are held for every object.
    pub(super) fn mask_of_any(held: &[Held]) -> Mask {
        held.iter().filter(|held| held.name.is_none()).map(|held| held.right).collect()
    }

    /// The rights of a request as a set.
    pub(super) fn mask_of(&self, request: RequestIx) -> Mask {
        self.requests[usize::from(request.0)].mask
    }

    /// The requests of which all rights are among these, in the order of the catalogue.
    pub(super) fn within(&self, rights: Mask) -> Vec<RequestIx> {
        let all = rights.iter().flat_map(|right| self.by_first[usize::from(right)].iter().copied());
        let mut found: Vec<RequestIx> = all.filter(|&request| rights.has(self.mask_of(request))).collect();
        found.sort_unstable();
        found
    }

    /// Whether somebody with these rights alone could make the request anywhere.
    pub(super) fn may_be_made(&self, request: RequestIx, own: Mask, all: Mask) -> bool {
        let mask = self.requests[usize::from(request.0)].mask;
        !mask.and(own).is_empty() && all.has(mask)
    }

    /// Whether it does not matter who makes a request, but only what grants its rights; and something follows from it.
    pub(super) fn is_shared(&self, request: RequestIx) -> bool {
        self.requests[usize::from(request.0)].shared
    }

    /// Whether whoever makes a request has to be under the role that it is about.
    pub(super) fn is_rewriting(&self, request: RequestIx) -> bool {
        self.asked(request).rights.iter().any(|right| right.verbs == ["escalate"])
    }

    /// The requests that take several rights.
    pub(super) fn several(&self) -> &[RequestIx] {
        &self.several
    }

    /// The requests that are about the identity which makes them.
    pub(super) fn unshared(&self) -> &[RequestIx] {
        &self.unshared
    }

    /// The rights that are a part of a request of several of which each is granted by some role.
    pub(super) fn parts(&self) -> Mask {
        self.parts
    }

    /// The rights of requests that impersonate.
    pub(super) fn impersonating(&self) -> Mask {
        self.impersonating
    }

    /// Whether some of these rights are a part of a request of several.
    pub(super) fn completes(&self, request: RequestIx, rights: Mask) -> bool {
        self.asked(request).rights.len() > 1 && !self.mask_of(request).and(rights).is_empty()
    }

    /// Whether a request makes an object by its name for which nobody is limited to names, or whoever has these rights is not: then
    /// there is a request that makes one of any name, and does as much.
    pub(super) fn is_more_by_post(&self, request: RequestIx, any: Mask) -> bool {
        let asked = &self.requests[usize::from(request.0)];
        asked.post.is_some_and(|post| any.has(post) || self.named.and(asked.making).is_empty())
    }

    /// Whether a request makes an object by its name where another one makes one of any name.
    pub(super) fn is_made_by_post(&self, request: RequestIx) -> bool {
        self.requests[usize::from(request.0)].post.is_some()
    }

    /// Every way in which a request can be made with at least one right of `own`; `groups` are held by the same identity, and
    /// `made` can be given to every identity. A way that is no more than another one is left out.
    pub(super) fn ways(&self, request: RequestIx, own: &[Held], groups: &[&[Held]], made: &[Held]) -> Vec<Way> {
        let asked = &self.requests[usize::from(request.0)];
        let mut layers: Vec<&[Held]> = vec![own];
        layers.extend(groups);
        layers.push(made);
        let mut found: Vec<Way> = Vec::new();
        let mut alone: Vec<Site> = Vec::new();
        for place in self.places(asked, &layers) {
            // The widest comes first, and nothing is more than it.
            let all = |wider: &Site| wider.object.is_none() && wider.other.is_none() && wider.place != place;
            if alone.iter().any(|wider| all(wider) && !matches!(wider.place, Place::Namespace(_))) {
                break;
            }
            let objects = self.objects(asked, On::Object, place, &layers);
            let others = self.objects(asked, On::Other, place, &layers);
            for &object in &objects {
                for &other in &others {
                    let site = Site { place, object, other };
                    if alone.iter().any(|wider| wider.covers(site)) {
                        continue;
                    }
                    if let Some(held) = self.all(asked, site, &layers) {
                        if !held.iter().any(|held| matches!(held.source, HeldBy::Made(_))) {
                            alone.push(site);
                        }
                        found.push(Way { site, held });
                    }
                }
            }
        }
        found
    }

    /// The places at which the request may be possible, the widest first.
    fn places(&self, asked: &Asked, layers: &[&[Held]]) -> Vec<Place> {
        if asked.request.at == At::Cluster {
            return vec![Place::Cluster];
        }
        let mut places: Vec<Place> = Vec::new();
        let mut wide = false;
        for (at, layer) in layers.iter().enumerate() {
            if at > 0 && !wide {
                break;
            }
            for &right in &asked.rights {
                let from = layer.partition_point(|held| held.right < right);
                for held in layer[from..].iter().take_while(|held| held.right == right) {
                    wide |= at == 0 && !matches!(held.place, Place::Namespace(_));
                    let place = if held.place == Place::Cluster { Place::EachNamespace } else { held.place };
                    // Those of one place stand together.
                    if places.last() != Some(&place) {
                        places.push(place);
                    }
                }
            }
        }
        places.sort_unstable();
        places.dedup();
        places
    }

    /// The names that the rights of one kind of name are limited to there, after the unlimited.
    fn objects(&self, asked: &Asked, on: On, place: Place, layers: &[&[Held]]) -> Vec<Option<Name>> {
        let mut names = vec![None];
        for &right in &asked.rights {
            if self.rights[usize::from(right)].right.on != on {
                continue;
            }
            for layer in layers {
                for at in place.covering() {
                    let from = layer.partition_point(|held| (held.right, held.place) < (right, at));
                    let here = layer[from..].iter().take_while(|held| (held.right, held.place) == (right, at));
                    names.extend(here.map(|held| held.name));
                }
            }
        }
        names.sort_unstable();
        names.dedup();
        names
    }

    /// What grants each right at a site; none when one is missing, or when nothing of it is in the first layer.
    fn all(&self, asked: &Asked, site: Site, layers: &[&[Held]]) -> Option<Vec<Held>> {
        let mut of_first = false;
        let mut found = Vec::with_capacity(asked.rights.len());
        for &right in &asked.rights {
            let name = match self.rights[usize::from(right)].right.on {
                On::Nothing => None,
                On::Object => site.object,
                On::Other => site.other,
            };
            let place = if self.rights[usize::from(right)].right.in_cluster { Place::Cluster } else { site.place };
            let (layer, held) =
                layers.iter().enumerate().find_map(|(at, layer)| Some((at, find(layer, right, place, name)?)))?;
            of_first |= layer == 0;
            // Which of the bindings that can be made it is does not matter: any that serves.
            let made = matches!(held.source, HeldBy::Made(_));
            found.push(if made { Held { place, name, ..held } } else { held });
        }
        of_first.then_some(found)
    }
}

impl Way {
    /// Whether it rests on nothing that has to be made first.
    pub(super) fn needs_nothing(&self) -> bool {
        !self.held.iter().any(|held| matches!(held.source, HeldBy::Made(_)))
    }

    /// Whether one binding that was read, with what has to be made first, is enough.
    pub(super) fn is_of_one(&self) -> bool {
        let mut bindings = self.held.iter().filter_map(|held| match held.source {
            HeldBy::Grant { binding, .. } => Some(binding),
            HeldBy::Role(_) | HeldBy::Made(_) => None,
        });
        let first = bindings.next();
        bindings.all(|binding| Some(binding) == first)
    }
}

impl Site {
    /// Whether whoever can do it here can do it at the other site.
    pub(super) fn covers(self, other: Site) -> bool {
        let any_or_same = |own: Option<Name>, other: Option<Name>| own.is_none() || own == other;
        other.place.covering().any(|place| place == self.place)
            && any_or_same(self.object, other.object)
            && any_or_same(self.other, other.other)
    }
}

impl Held {
    /// A right that a rule supplies at a place.
    pub(super) fn new(supply: Supply, place: Place, binding: BindingIx, subject: Subject) -> Held {
        let source = HeldBy::Grant { subject, binding, rule: supply.rule };
        Held { right: supply.right, place, name: supply.name, source }
    }

    /// The same, for whoever is under the role.
    pub(super) fn under(supply: Supply, place: Place) -> Held {
        Held { right: supply.right, place, name: supply.name, source: HeldBy::Role(supply.rule) }
    }

    /// The same, for a binding that the attacker makes.
    pub(super) fn made(supply: Supply, place: Place, fact: u32) -> Held {
        Held { right: supply.right, place, name: supply.name, source: HeldBy::Made(fact) }
    }

    /// Whom the binding names that grants it, where that was read.
    pub(super) fn by(self) -> Option<Subject> {
        match self.source {
            HeldBy::Grant { subject, .. } => Some(subject),
            HeldBy::Role(_) | HeldBy::Made(_) => None,
        }
    }

    /// Whether it is one of these rights.
    pub(super) fn is_of(self, rights: Mask) -> bool {
        rights.has(Mask::of(self.right))
    }

    /// What tells it apart from other rights.
    pub(super) fn key(self) -> (u8, Place, Option<Name>) {
        (self.right, self.place, self.name)
    }

    /// Those of a sorted list that are this right.
    pub(super) fn equal(sorted: &[Held], key: (u8, Place, Option<Name>)) -> &[Held] {
        let from = sorted.partition_point(|held| held.key() < key);
        let len = sorted[from..].partition_point(|held| held.key() == key);
        &sorted[from..from + len]
    }

    /// Whether something in a sorted list is as good as this right.
    pub(super) fn is_served((right, place, name): (u8, Place, Option<Name>), sorted: &[Held]) -> bool {
        find(sorted, right, place, name).is_some()
    }

    /// Those of a sorted list that are as good as this one.
    pub(super) fn served_by(self, sorted: &[Held]) -> impl Iterator<Item = &Held> {
        self.place.covering().flat_map(move |place| {
            let from = sorted.partition_point(|held| (held.right, held.place) < (self.right, place));
            let here = sorted[from..].iter().take_while(move |held| (held.right, held.place) == (self.right, place));
            here.filter(move |held| held.name.is_none() || held.name == self.name)
        })
    }
}

impl Supply {
    /// The rule by which a role grants a right for an object, of what it supplies.
    pub(super) fn rule(supplied: &[Supply], right: u8, name: Option<Name>) -> Option<u32> {
        [None, name].into_iter().find_map(|name| {
            let at = supplied.binary_search_by_key(&(right, name), |supply| (supply.right, supply.name)).ok()?;
            supplied.get(at).map(|supply| supply.rule)
        })
    }

    /// Whether it supplies one of these rights.
    pub(super) fn is_of(self, rights: Mask) -> bool {
        rights.has(Mask::of(self.right))
    }

    /// What tells two supplies of a role apart, and the rule.
    pub(super) fn key(self) -> (u8, Option<Name>, u32) {
        (self.right, self.name, self.rule)
    }
}

/// The right in a sorted list that is good for this place and name.
fn find(held: &[Held], right: u8, place: Place, name: Option<Name>) -> Option<Held> {
    place.covering().find_map(|at| {
        [None, name].into_iter().find_map(|name| {
            let key = (right, at, name);
            let from = held.partition_point(|held| (held.right, held.place, held.name) < key);
            held.get(from).filter(|held| (held.right, held.place, held.name) == key).copied()
        })
    })
}

/// Whether a request makes an object of whatever name, with no more rights than one that makes it of a certain name.
fn makes_more(post: &Request, named: &Request) -> bool {
    let same = |a: &Right, b: &Right| {
        (a.verbs, a.api_group, a.resource, a.in_cluster) == (b.verbs, b.api_group, b.resource, b.in_cluster)
    };
    let has =
        |right: &Right| named.rights.iter().any(|own| own == right || (right.on == On::Nothing && same(own, right)));
    let makes = |right: &Right| {
        right.verbs == ["create"]
            && right.on == On::Nothing
            && named.rights.iter().any(|own| own.on != On::Nothing && same(own, right))
    };
    post.at == named.at
        && post.rights.len() < named.rights.len()
        && post.rights.iter().all(has)
        && post.rights.iter().any(makes)
}

impl Named {
    fn new(graph: &AccessGraph, right: Right) -> Named {
        let names = &graph.snapshot().names;
        let any = right.resource.split_once('/').and_then(|(_, sub)| names.find(&["*/", sub].concat()));
        let question = |verb: &&str| Question::Resource {
            verb: names.find(verb),
            api_group: names.find(right.api_group),
            resource: names.find(right.resource),
            any_with_subresource: any,
            name: Some(Name::EMPTY),
        };
        Named { right, questions: right.verbs.iter().map(question).collect() }
    }

    /// What a rule may call the resource.
    fn resources(&self) -> impl Iterator<Item = Name> {
        let (resource, any) = match self.questions.first() {
            Some(&Question::Resource { resource, any_with_subresource, .. }) => (resource, any_with_subresource),
            _ => (None, None),
        };
        [resource.filter(|&resource| resource != Name::STAR), any].into_iter().flatten()
    }
}

fn supply(
    graph: &AccessGraph,
    rights: &[Named],
    by_resource: &FxHashMap<Name, Vec<u8>>,
    rule: Rule<'_>,
    position: u32,
    found: &mut Vec<Supply>,
) {
    let mut candidates: Vec<u8> = Vec::new();
    if rule.resources.contains(&Name::STAR) {
        candidates.extend((0_u8..).take(rights.len()));
    } else {
        for resource in rule.resources {
            candidates.extend(by_resource.get(resource).into_iter().flatten());
        }
        candidates.sort_unstable();
        candidates.dedup();
    }
    let every_name = Rule { resource_names: &[], ..rule };
    for right in candidates {
        let named = &rights[usize::from(right)];
        let names = &graph.snapshot().names;
        if !named.questions.iter().any(|question| every_name.matches(question, names).is_some()) {
            continue;
        }
        if right == 0 && !rule.resource_names.is_empty() {
            continue;
        }
        if rule.resource_names.is_empty()
            || (named.right.on == On::Nothing && rule.resource_names.contains(&Name::EMPTY))
        {
            found.push(Supply { right, name: None, rule: position });
        } else if named.right.on != On::Nothing {
            let of_objects = rule.resource_names.iter().filter(|&&name| name != Name::EMPTY);
            found.extend(of_objects.map(|&name| Supply { right, name: Some(name), rule: position }));
        }
    }
}
