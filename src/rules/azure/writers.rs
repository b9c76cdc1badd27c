//! Who may write ASO resources of which kinds, and where: as sets of kinds, so that subjects x kinds are never written out.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::bridge::is_usual;
use super::by_name::{self, Named, Verbed};
use super::facts::{AzureFact, KindSetIx};
use crate::graph::{AccessGraph, RoleIx};
use crate::model::{KindIx, MatchedNames, Name, Question, Subject};
use crate::rules::attack::{Attack, Fact, How, Place, Writer, WritesBy, place_in, place_of};
use crate::rules::finding::{Evidence, RequestDone, RightDone};
use crate::rules::technique::READ;

/// A set of kinds.
#[derive(Clone, Debug, Default)]
pub(super) struct KindSet {
    /// The kinds, sorted.
    pub(super) kinds: Rc<[KindIx]>,
    /// Whether these are all but those of rights.
    pub(super) is_usual: bool,
}

/// Sets of kinds, each written down once.
#[derive(Default)]
pub(super) struct KindSets {
    sets: Vec<KindSet>,
    numbers: FxHashMap<Rc<[KindIx]>, KindSetIx>,
}

impl KindSets {
    /// The number of a sorted set.
    fn number(&mut self, kinds: Vec<KindIx>) -> KindSetIx {
        let kinds: Rc<[KindIx]> = kinds.into();
        if let Some(&known) = self.numbers.get(&kinds) {
            return known;
        }
        let number = KindSetIx(u32::try_from(self.sets.len()).unwrap_or(u32::MAX));
        self.sets.push(KindSet { kinds: Rc::clone(&kinds), is_usual: is_usual(&kinds) });
        self.numbers.insert(kinds, number);
        number
    }
}

/// What roles allow to create, each looked at once.
pub(super) struct Writers {
    /// The kinds that exist in the cluster, sorted, each with the question whether a rule allows to create it.
    kinds: Vec<(KindIx, Question<'static>)>,
    sets: RefCell<KindSets>,
    by_role: RefCell<FxHashMap<RoleIx, Rc<[KindIx]>>>,
    /// What roles allow to create by certain names.
    named: RefCell<FxHashMap<RoleIx, Rc<[Named]>>>,
    /// What roles allow to change, and to read for it.
    changes: RefCell<FxHashMap<RoleIx, Rc<[Verbed]>>>,
}

impl Writers {
    /// For these kinds.
    pub(super) fn new(graph: &AccessGraph, kinds: impl Iterator<Item = KindIx>) -> Writers {
        let names = &graph.snapshot().names;
        let question = |kind: KindIx| Question::Resource {
            verb: names.find("create"),
            api_group: names.find(kind.facts().group),
            resource: names.find(kind.facts().plural),
            any_with_subresource: None,
            name: Some(Name::EMPTY),
        };
        let mut kinds: Vec<KindIx> = kinds.collect();
        kinds.sort_unstable();
        kinds.dedup();
        let kinds = kinds.into_iter().map(|kind| (kind, question(kind))).collect();
        Writers {
            kinds,
            sets: RefCell::default(),
            by_role: RefCell::default(),
            named: RefCell::default(),
            changes: RefCell::default(),
        }
    }

    /// The kinds of a set.
    pub(super) fn kinds(&self, set: KindSetIx) -> Rc<[KindIx]> {
        self.set(set).kinds
    }

    /// A set.
    pub(super) fn set(&self, set: KindSetIx) -> KindSet {
        self.sets.borrow().sets.get(set.0 as usize).cloned().unwrap_or_default()
    }

    /// The first kind of a set that writes Secrets.
    pub(super) fn secret_writer(&self, set: KindSetIx) -> Option<KindIx> {
        self.kinds(set).iter().copied().find(|kind| kind.facts().writes_secrets())
    }

    /// One kind of a set: the first that writes Secrets, if one does.
    pub(super) fn one(&self, set: KindSetIx) -> Option<KindIx> {
        self.secret_writer(set).or_else(|| self.kinds(set).first().copied())
    }

    /// The kinds that exist.
    pub(super) fn every(&self) -> impl Iterator<Item = KindIx> {
        self.kinds.iter().map(|&(kind, _)| kind)
    }

    /// Those kinds that something is true of, as a set; none when there are none.
    pub(super) fn those(&self, is: impl Fn(&KindIx) -> bool) -> Option<KindSetIx> {
        let kinds: Vec<KindIx> = self.every().filter(is).collect();
        (!kinds.is_empty()).then(|| self.sets.borrow_mut().number(kinds))
    }

    /// Every kind that exists.
    pub(super) fn all(&self) -> KindSetIx {
        self.sets.borrow_mut().number(self.every().collect())
    }

    /// The kinds that a role allows to create.
    pub(super) fn of_role(&self, attack: &Attack<'_>, role: RoleIx) -> Rc<[KindIx]> {
        if let Some(known) = self.by_role.borrow().get(&role) {
            return Rc::clone(known);
        }
        let snapshot = attack.graph.snapshot();
        let rules: Vec<_> = attack.rules_of(role).map(|(_, rule)| snapshot.rules.rule(rule)).collect();
        let allows = |question: &Question<'_>| {
            rules.iter().any(|rule| rule.matches(question, &snapshot.names) == Some(MatchedNames::Every))
        };
        let found = self.kinds.iter().filter(|(_, question)| allows(question)).map(|&(kind, _)| kind);
        let found: Rc<[KindIx]> = found.collect();
        self.by_role.borrow_mut().insert(role, Rc::clone(&found));
        found
    }

    /// What a role allows to create by certain names.
    pub(super) fn named(&self, attack: &Attack<'_>, role: RoleIx) -> Rc<[Named]> {
        if let Some(known) = self.named.borrow().get(&role) {
            return Rc::clone(known);
        }
        let found: Rc<[Named]> = by_name::of_role(attack, role, "create", &|_| true).into();
        self.named.borrow_mut().insert(role, Rc::clone(&found));
        found
    }

    /// What a role allows to change of what is there, and to read for it: of the kinds that it does not allow to create.
    pub(super) fn changes(&self, attack: &Attack<'_>, role: RoleIx) -> Rc<[Verbed]> {
        if let Some(known) = self.changes.borrow().get(&role) {
            return Rc::clone(known);
        }
        let created = self.of_role(attack, role);
        let is_there = |kind: KindIx| {
            let bridge = attack.bridge.as_ref();
            bridge.is_some_and(|bridge| !bridge.resources_of(Some(kind), Place::Cluster).is_empty())
        };
        let wanted = |kind: KindIx| created.binary_search(&kind).is_err() && is_there(kind);
        let of = |verb| by_name::of_role(attack, role, verb, &wanted).into_iter().map(move |own| (verb, own));
        let found: Rc<[Verbed]> = ["patch", "update"].into_iter().chain(READ.iter().copied()).flat_map(of).collect();
        self.changes.borrow_mut().insert(role, Rc::clone(&found));
        found
    }

    /// The kinds that a subject may create by its own grants: at each place by all grants that reach it.
    fn of_subject(&self, attack: &Attack<'_>, subject: Subject) -> Vec<(KindSetIx, Place)> {
        let graph = attack.graph;
        let Some(id) = graph.snapshot().subjects.find(subject) else { return Vec::new() };
        let mut by_place: BTreeMap<Place, Vec<KindIx>> = BTreeMap::new();
        for &binding in graph.bindings_of(id).iter().filter(|&&binding| attack.counts(binding)) {
            let Some(role) = graph.role_of(binding) else { continue };
            let kinds = self.of_role(attack, role);
            // What cluster-admin leads to goes without saying.
            let everything = attack.rights.is_everything(graph.role(role).rules);
            if everything && graph.binding(binding).namespace.is_none() && !beyond_admin(attack) {
                continue;
            }
            if !kinds.is_empty() && graph.binding(binding).cluster == attack.cluster {
                by_place.entry(inside(place_of(graph.binding(binding).namespace))).or_default().extend(&*kinds);
            }
        }
        for (place, kinds) in by_name::made(attack, subject) {
            by_place.entry(place).or_default().extend(kinds);
        }
        let wide = by_place.get(&Place::EachNamespace).cloned().unwrap_or_default();
        let sets = by_place.into_iter().map(|(place, mut kinds)| {
            kinds.extend(&wide);
            kinds.sort_unstable();
            kinds.dedup();
            (self.sets.borrow_mut().number(kinds), place)
        });
        sets.collect()
    }

    /// Whether some grant of a subject allows to create a kind, or to change what is there.
    pub(super) fn writes_any(&self, attack: &Attack<'_>, subject: Subject) -> bool {
        !self.of_subject(attack, subject).is_empty() || !by_name::changed(attack, subject).is_empty()
    }
}

/// Whether what cluster-admin leads to is looked for.
fn beyond_admin(attack: &Attack<'_>) -> bool {
    attack.bridge.as_ref().is_some_and(|bridge| bridge.beyond_admin)
}

/// The resources are in namespaces, so what holds in the cluster holds in each of them.
pub(super) fn inside(place: Place) -> Place {
    if place == Place::Cluster { Place::EachNamespace } else { place }
}

/// Adds who writes what.
pub(super) fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    let Some(bridge) = attack.bridge.clone() else { return };
    let writers = &bridge.writers;
    let found: Vec<(KindSetIx, Writer)> = match fact {
        Fact::Acts(subject) => {
            let of_subject = writers.of_subject(attack, subject).into_iter();
            of_subject.map(|(set, place)| (set, Writer { place, by: WritesBy::Subject(subject) })).collect()
        }
        Fact::Bound(role, place) => {
            let kinds = attack.role(role).map(|at| writers.of_role(attack, at)).filter(|kinds| !kinds.is_empty());
            let any = kinds.map(|kinds| (inside(place), kinds.to_vec()));
            let named = by_name::made_under(attack, role, place).into_iter();
            let number = |(at, mut kinds): (Place, Vec<KindIx>)| {
                kinds.sort_unstable();
                kinds.dedup();
                (writers.sets.borrow_mut().number(kinds), Writer { place: at, by: WritesBy::Role(role, place) })
            };
            any.into_iter().chain(named).map(number).collect()
        }
        Fact::Everything(place) if place != Place::Cluster || bridge.beyond_admin => {
            vec![(writers.all(), Writer { place: inside(place), by: WritesBy::Everything(place) })]
        }
        Fact::Azure(AzureFact::Manages(set, place)) => {
            vec![(set, Writer { place, by: WritesBy::Everything(place) })]
        }
        _ => return,
    };
    for (set, writer) in found {
        attack.step(vec![id], Fact::Azure(AzureFact::Writes(set, writer.place)), How::Writes(writer));
    }
}

/// The request by which a kind is created in a namespace, `*` for one that is new, with what grants it.
pub(super) fn request(attack: &Attack<'_>, writer: Writer, kind: KindIx, namespace: Name) -> Option<RequestDone> {
    let facts = kind.facts();
    let place = place_in(namespace);
    let (by, evidence) = match writer.by {
        WritesBy::Subject(subject) => {
            let id = attack.graph.snapshot().subjects.find(subject)?;
            let mut bindings = attack.graph.bindings_of(id).iter().filter(|&&binding| {
                let own = attack.graph.binding(binding);
                attack.counts(binding) && own.cluster == attack.cluster && place_of(own.namespace).has(namespace)
            });
            let granted = bindings.find_map(|&binding| {
                let rule = rule_for(attack, attack.graph.role_of(binding)?, kind)?;
                Some(Evidence::Grant { subject, binding, rule })
            });
            let Some(granted) = granted else { return by_name::request(attack, subject, kind, namespace) };
            (Some(subject), granted)
        }
        WritesBy::Role(role, at) => match rule_for(attack, attack.role(role)?, kind) {
            Some(rule) => (None, Evidence::Bound { role, place: at, rule }),
            None => return by_name::request_under(attack, (role, at), kind, namespace),
        },
        WritesBy::Everything(at) => (None, Evidence::Everything(at)),
    };
    let right =
        RightDone { verb: "create", api_group: facts.group, resource: facts.plural, name: None, place, evidence };
    Some(RequestDone { by, rights: vec![right] })
}

/// The rule of a role that allows to create a kind.
fn rule_for(attack: &Attack<'_>, role: RoleIx, kind: KindIx) -> Option<u32> {
    let bridge = attack.bridge.as_ref()?;
    let (_, question) = bridge.writers.kinds.iter().find(|(own, _)| *own == kind)?;
    let snapshot = attack.graph.snapshot();
    let mut rules = attack.rules_of(role);
    rules
        .find(|(_, rule)| snapshot.rules.rule(*rule).matches(question, &snapshot.names) == Some(MatchedNames::Every))
        .map(|(at, _)| at)
}
