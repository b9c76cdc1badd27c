//! Those who begin with nothing that many others begin with. Most of them come to one of a few things that lead nearly everywhere: any
//! node, the Secrets of every namespace. What follows from such a gate is walked and told once; of each start only the way to it, and
//! what the start makes nearer. What comes out is what a walk of its own finds.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::tell::{steps_of, tell, used};
use super::{Aim, Had, Path, Walk, bounds};
use crate::graph::{Walker, Within};
use crate::model::KindIx;
use crate::rules::attack::{Fact, Place};
use crate::rules::azure::Who;
use crate::rules::finding::{Start, StepDone, Target};

/// Walks from one start after another.
pub(super) struct Alone<'w, 'g> {
    walk: &'w Walk<'w, 'g>,
    walker: Walker<'w>,
    /// The facts that lead nearly everywhere, sorted.
    gates: Vec<u32>,
    /// What follows from each that somebody came to.
    behind: BTreeMap<u32, Behind<'w>>,
}

/// What follows from a gate.
struct Behind<'w> {
    walker: Walker<'w>,
    near: Near,
    tails: FxHashMap<u32, Tail>,
}

/// The steps behind a gate that bring a fact.
struct Tail {
    /// How each is told; one that rests on the way to the gate is told anew for each start.
    steps: Vec<(u32, Option<Vec<Rc<StepDone>>>)>,
    /// What they write.
    used: Vec<(Who, KindIx)>,
}

/// What a walk without bounds found.
pub(super) struct Near {
    /// Every target.
    pub(super) had: Rc<Had>,
    /// Those that are a part of no other, sorted, each with its nearest fact.
    pub(super) widest: Vec<(Target, u32)>,
    /// The nearest fact of each target, behind its round.
    pub(super) nearest: FxHashMap<Target, (u32, u32)>,
}

impl Near {
    pub(super) fn new(walk: &Walk<'_, '_>, walker: &Walker<'_>) -> Near {
        let (mut had, mut nearest) = (Had::default(), FxHashMap::default());
        for &fact in walker.found() {
            let (Some(&target), Some(round)) = (walk.goals.get(&fact), walker.round(fact)) else { continue };
            let near = nearest.entry(target).or_insert((round, fact));
            *near = (*near).min((round, fact));
            had.add(target);
        }
        let all = nearest.iter().map(|(&target, &(_, fact))| (target, fact));
        let mut widest: Vec<(Target, u32)> = all.filter(|&(target, _)| !had.has_more(walk.attack, target)).collect();
        widest.sort_unstable();
        Near { had: Rc::new(had), widest, nearest }
    }

    /// The nearest fact of each target among those that more facts changed, sorted by target; without those to which there is a nearer
    /// one that nothing changed.
    pub(super) fn changed(&self, walk: &Walk<'_, '_>, walker: &Walker<'_>, marked: &[u32]) -> Vec<(Target, u32)> {
        let target = |&fact: &u32| Some((*walk.goals.get(&fact)?, walker.round(fact)?, fact));
        let mut changed: Vec<(Target, u32, u32)> = marked.iter().filter_map(target).collect();
        changed.sort_unstable();
        changed.dedup_by_key(|(target, ..)| *target);
        let nearer = |&(target, round, fact): &(Target, u32, u32)| {
            self.nearest.get(&target).is_some_and(|&near| near < (round, fact) && !walker.is_marked(near.1))
        };
        changed.retain(|found| !nearer(found));
        changed.into_iter().map(|(target, _, fact)| (target, fact)).collect()
    }
}

impl<'w, 'g> Alone<'w, 'g> {
    pub(super) fn new(walk: &'w Walk<'w, 'g>) -> Alone<'w, 'g> {
        let is_wide = |place: Place| !matches!(place, Place::Namespace(_));
        let is_gate = |fact: &Fact| match *fact {
            Fact::Nodes | Fact::Kubelets | Fact::NewSecrets | Fact::Users | Fact::Groups => true,
            Fact::Everything(place)
            | Fact::NamespaceAdmin(place)
            | Fact::Secrets(place)
            | Fact::Accounts(place)
            | Fact::Pods(place) => is_wide(place),
            _ => false,
        };
        let gates = (0..).zip(&walk.attack.facts).filter(|&(id, fact)| walk.leads.of(id).is_some() && is_gate(fact));
        let gates = gates.map(|(id, _)| id).collect();
        Alone { walk, walker: Walker::new(&walk.graph), gates, behind: BTreeMap::new() }
    }

    /// Walks from a start until it comes to a gate. Gives the rounds to the nearest one, of several the one with most behind it; without
    /// any, the walk has come to everything.
    fn gate(&mut self, start: &[u32]) -> Option<(u32, u32)> {
        let Alone { walk, walker, gates, behind } = self;
        walker.walk(start, None, |fact| gates.binary_search(&fact).is_ok());
        let come_to = || walker.found().iter().filter(|fact| gates.binary_search(fact).is_ok());
        let rounds = come_to().filter_map(|&fact| walker.round(fact)).min()?;
        let nearest = come_to().copied().filter(|&fact| walker.round(fact) == Some(rounds));
        let most = nearest.max_by_key(|&gate| {
            let behind = behind.entry(gate).or_insert_with(|| Behind::new(walk, gate));
            (behind.walker.found().len(), Reverse(gate))
        });
        Some((rounds, most?))
    }

    /// The path from a start to the nearest fact that is an aim.
    pub(super) fn nearest(&mut self, start: &[u32], aim: &Aim, (fewest, longest): (u32, u32)) -> Option<Path> {
        let gate = self.gate(start);
        let Alone { walk, walker, behind, .. } = self;
        let late = gate.map(|(rounds, gate)| {
            let behind = behind.entry(gate).or_insert_with(|| Behind::new(walk, gate));
            for most in bounds(fewest, longest) {
                let within = Within { least: &aim.least, most, sorted: aim.sorted };
                if behind.walker.more_within(rounds, start, within, &aim.facts).is_some() {
                    break;
                }
                behind.walker.back();
            }
            behind.bring((gate, walker.by(gate)));
            &mut behind.walker
        });
        let walker = late.unwrap_or(walker);
        let fact = aim.facts.iter().filter_map(|&fact| Some((walker.round(fact)?, fact))).min();
        let path = fact.map(|(_, fact)| walk.reached(walker, &[fact]));
        walker.back();
        path?.pop()
    }

    /// The paths from a start to what is reached but not had, and what is behind the gate that it comes to, if any.
    pub(super) fn paths(&mut self, start: &[u32], source: Start, had: &Had) -> (Vec<Path>, Option<Rc<Had>>) {
        let come_to = self.gate(start);
        let Alone { walk, walker, behind, .. } = self;
        let attack = walk.attack;
        let covered = |new: &Had, target: Target| {
            new.has_more(attack, target) || target.start() == Some(source) || had.covers(attack, target)
        };
        let Some((rounds, gate)) = come_to else {
            let near = Near::new(walk, walker);
            let left = near.widest.into_iter().filter(|&(target, _)| !covered(&Had::default(), target));
            let paths = left.map(|(target, fact)| Path { target, steps: steps_of(walk, walker, fact) });
            return (paths.collect(), None);
        };
        let behind = behind.entry(gate).or_insert_with(|| Behind::new(walk, gate));
        let marked = behind.begin(start, (rounds, gate, walker.by(gate)));
        let Behind { walker: late, near, tails } = behind;
        let changed = near.changed(walk, late, &marked);
        let mut new = Had::default();
        changed.iter().for_each(|&(target, _)| new.add(target));
        let is_changed = |target: Target| changed.binary_search_by_key(&target, |&(target, _)| target).is_ok();
        let same = near.widest.iter().copied().filter(|&(target, _)| !is_changed(target) && !covered(&new, target));
        let way = Way::new(walk, late, gate);
        let told = same.map(|(target, fact)| Path { target, steps: way.to(fact, tails) });
        let more = changed.iter().filter(|&&(target, _)| !near.had.has_more(attack, target) && !covered(&new, target));
        let mut paths: Vec<Path> =
            told.chain(more.map(|&(target, fact)| Path { target, steps: steps_of(walk, late, fact) })).collect();
        late.back();
        paths.sort_by_key(|path| path.target);
        (paths, Some(Rc::clone(&near.had)))
    }
}

impl<'w> Behind<'w> {
    fn new(walk: &'w Walk<'_, '_>, gate: u32) -> Behind<'w> {
        let mut walker = Walker::new(&walk.graph);
        walker.walk_late(&[gate]);
        Behind { near: Near::new(walk, &walker), walker, tails: FxHashMap::default() }
    }

    /// Begins at a start from which the gate is so many rounds away and is brought by a step, if by any. Gives the facts that come
    /// otherwise than from the gate alone, and what rests on them.
    fn begin(&mut self, start: &[u32], (rounds, gate, by): (u32, u32, Option<u32>)) -> Vec<u32> {
        let changed = self.walker.more_before(rounds, start);
        let marked = self.walker.mark(changed.into_iter()).to_vec();
        self.bring((gate, by));
        marked
    }

    /// As if this step had brought the gate.
    fn bring(&mut self, (gate, by): (u32, Option<u32>)) {
        if let Some(by) = by {
            self.walker.bring(gate, by);
        }
    }
}

/// The way of one start to a gate.
struct Way<'v, 'w, 'g> {
    walk: &'v Walk<'w, 'g>,
    walker: &'v Walker<'v>,
    gate: u32,
    plan: Vec<u32>,
    /// How it is told; not apart from what follows where Azure is a part of it.
    told: Option<Vec<Rc<StepDone>>>,
}

impl<'v, 'w, 'g> Way<'v, 'w, 'g> {
    fn new(walk: &'v Walk<'w, 'g>, walker: &'v Walker<'v>, gate: u32) -> Way<'v, 'w, 'g> {
        let plan = walker.plan(gate);
        let is_azure = |&fact: &u32| matches!(walk.attack.facts[fact as usize], Fact::Azure(_));
        let gained =
            plan.iter().flat_map(|&at| [walk.graph.gain(at)].into_iter().chain(walk.graph.needs(at).iter().copied()));
        let told = (!gained.into_iter().any(|fact| is_azure(&fact))).then(|| {
            let mut steps = Vec::new();
            plan.iter().for_each(|&at| tell(walk, walker, at, &[], &mut steps));
            steps
        });
        Way { walk, walker, gate, plan, told }
    }

    /// The steps to a fact behind the gate.
    fn to(&self, fact: u32, tails: &mut FxHashMap<u32, Tail>) -> Vec<Rc<StepDone>> {
        let Way { walk, walker, .. } = self;
        let Some(told) = &self.told else { return steps_of(walk, walker, fact) };
        let tail = tails.entry(fact).or_insert_with(|| self.tail(fact));
        let mut steps = Vec::with_capacity(told.len() + tail.steps.len());
        steps.extend(told.iter().cloned());
        for (at, told) in &tail.steps {
            match told {
                Some(told) => steps.extend(told.iter().cloned()),
                None => tell(walk, walker, *at, &tail.used, &mut steps),
            }
        }
        steps
    }

    fn tail(&self, fact: u32) -> Tail {
        let Way { walk, walker, gate, .. } = self;
        let plan = walker.plan(fact);
        let plan = plan.get(self.plan.len()..).unwrap_or_default();
        let used = used(walk, plan);
        let told = |&at: &u32| {
            let mut steps = Vec::new();
            let ((), asked) = walker.watch(*gate, || tell(walk, walker, at, &used, &mut steps));
            (at, (!asked).then_some(steps))
        };
        Tail { steps: plan.iter().map(told).collect(), used }
    }
}
