//! Those who begin with nothing that many others begin with. Most of them come to one of a few things that lead nearly everywhere: any
//! node, the Secrets of every namespace. What follows from these is looked at once, and what is walked from each start is the way to
//! what is told.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::{Had, Path, SPARE, Walk, steps_of};
use crate::graph::{Reach, Walker, Within};
use crate::rules::finding::{Start, Target};

/// Where more is told than this, one walk to everything takes less.
const FEW: usize = 8;
/// So many targets have their distances kept.
const KEPT: usize = 64;

/// Walks from one start after another.
pub(super) struct Alone<'w, 'g> {
    walk: &'w Walk<'w, 'g>,
    walker: Walker<'w>,
    reach: Reach<'w>,
    /// The facts that lead nearly everywhere: the targets of which others are a part.
    hubs: Vec<u32>,
    /// What follows from some of them.
    after: BTreeMap<Vec<u32>, Rc<After>>,
    ways: FxHashMap<Target, Way>,
}

/// What follows from some facts.
struct After {
    found: Vec<bool>,
    had: Rc<Had>,
    /// The targets that are a part of no other.
    widest: Vec<Target>,
}

/// A target, and how far it is.
struct Way {
    /// The facts that are it.
    facts: Vec<u32>,
    /// The fewest rounds to it from each fact.
    least: Vec<Option<u32>>,
}

impl<'w, 'g> Alone<'w, 'g> {
    pub(super) fn new(walk: &'w Walk<'w, 'g>) -> Alone<'w, 'g> {
        let is_hub = |target: &Target| !target.is_single() && !matches!(target, Target::Azure(_));
        let hubs = walk.goals.iter().filter(|(_, target)| is_hub(target));
        let mut hubs: Vec<u32> = hubs.map(|(&fact, _)| fact).collect();
        hubs.sort_unstable();
        let (walker, reach) = (Walker::new(&walk.graph), Reach::new(&walk.graph));
        Alone { walk, walker, reach, hubs, after: BTreeMap::new(), ways: FxHashMap::default() }
    }

    /// The paths from a start to what is reached but not had; none where one walk to everything takes less.
    pub(super) fn paths(&mut self, start: &[u32], source: Start, had: &Had) -> Option<Vec<Path>> {
        let attack = self.walk.attack;
        let (after, beside) = self.reached(start)?;
        let mut new = Had { shared: vec![Rc::clone(&after.had)], ..Had::default() };
        let mut reached: BTreeSet<Target> =
            beside.iter().filter_map(|fact| self.walk.goals.get(fact).copied()).collect();
        reached.iter().for_each(|&target| new.add(target));
        reached.extend(&after.widest);
        reached.retain(|&target| {
            !new.has_more(attack, target) && target.start() != Some(source) && !had.covers(attack, target)
        });
        if reached.len() > FEW || self.ways.len() > KEPT {
            return None;
        }
        reached.into_iter().map(|target| self.path(start, target)).collect()
    }

    /// What follows from the hubs that a start leads to, and what else does; none where it leads to no hub.
    fn reached(&mut self, start: &[u32]) -> Option<(Rc<After>, Vec<u32>)> {
        let mut had: Vec<u32> = Vec::new();
        loop {
            let after = self.after(&had);
            match self.reach.beside(&after.found, start, |fact| self.hubs.binary_search(&fact).is_ok()) {
                Err(hub) => had.push(hub),
                Ok(beside) => return (!had.is_empty()).then_some((after, beside)),
            }
        }
    }

    /// What follows from some hubs.
    fn after(&mut self, hubs: &[u32]) -> Rc<After> {
        if let Some(known) = self.after.get(hubs) {
            return Rc::clone(known);
        }
        let walk = self.walk;
        let found = walk.graph.all_from(hubs.iter().copied(), |_| true);
        let mut had = Had::default();
        let targets = walk.goals.iter().filter(|&(&fact, _)| found[fact as usize]);
        let targets: BTreeSet<Target> = targets.map(|(_, &target)| target).collect();
        targets.iter().for_each(|&target| had.add(target));
        let widest = targets.into_iter().filter(|&target| !had.has_more(walk.attack, target)).collect();
        let after = Rc::new(After { found, had: Rc::new(had), widest });
        self.after.insert(hubs.to_vec(), Rc::clone(&after));
        after
    }

    /// A shortest path to a target.
    fn path(&mut self, start: &[u32], target: Target) -> Option<Path> {
        let Alone { walk, walker, ways, .. } = self;
        let way = ways.entry(target).or_insert_with(|| {
            let facts = walk.goals.iter().filter(|&(_, &own)| own == target).map(|(&fact, _)| fact);
            let facts: Vec<u32> = facts.collect();
            Way { least: walk.graph.at_least(&facts), facts }
        });
        let fewest = start.iter().filter_map(|&fact| way.least[fact as usize]).min()?;
        for spare in SPARE {
            let within = Within { least: &way.least, most: fewest.saturating_add(spare), sorted: false };
            walker.walk(start, Some(within), |fact| way.facts.contains(&fact));
            let nearest = way.facts.iter().filter_map(|&fact| Some((walker.round(fact)?, fact))).min();
            if let Some((_, fact)) = nearest {
                return Some(Path { target, steps: steps_of(walk, walker, fact) });
            }
        }
        None
    }
}
