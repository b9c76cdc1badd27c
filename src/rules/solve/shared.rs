//! One walk for all who begin alike. Most of those who start are in the same few groups: what these lead to is walked once, and then of
//! each of them only what its own start adds or makes nearer. What comes out is what a walk of its own finds.

use std::collections::BTreeMap;
use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::alone::{Alone, Near};
use super::{Had, Path, Walk, steps_of, uses};
use crate::graph::{BindingIx, Walker};
use crate::model::Subject;
use crate::rules::attack::{Attack, Effect, Fact, How, WritesBy};
use crate::rules::azure::{self, Who};
use crate::rules::finding::{Start, Target};
use crate::rules::held::{Held, HeldBy};
use crate::rules::solve::Ask;

/// What no more than one in so many of those who start begins with is their own.
const FEW: usize = 32;

/// One of those who start, by its place among all, and what it begins with.
pub(super) type One = (usize, Start, Vec<u32>);

/// For each of those who start the paths that are their own, and whether they have others, of a group.
pub(super) struct Own {
    pub(super) of_each: Vec<(Vec<Path>, bool)>,
}

impl Own {
    /// Nobody has any.
    pub(super) fn new(sources: usize) -> Own {
        Own { of_each: (0..sources).map(|_| (Vec::new(), false)).collect() }
    }

    /// Adds a path of one of those who start.
    pub(super) fn add(&mut self, at: usize, source: Start, ask: &Ask, attack: &Attack<'_>, path: Path) {
        let (paths, inherits) = &mut self.of_each[at];
        let is_own = match source {
            Start::Subject(subject) => path
                .steps
                .iter()
                .any(|step| uses(attack.graph, step, subject) || azure::is_by(step, attack.entra(subject))),
            Start::Pod(_) | Start::Pods(_) | Start::Azure(_) => true,
        };
        if is_own || ask.from.is_some() {
            paths.push(path);
        } else {
            *inherits = true;
        }
    }
}

/// The facts that many begin with.
pub(super) fn common<'s>(starts: impl ExactSizeIterator<Item = &'s [u32]>) -> FxHashSet<u32> {
    let few = FEW.max(starts.len() / FEW);
    let mut counts: FxHashMap<u32, usize> = FxHashMap::default();
    starts.flatten().for_each(|&fact| *counts.entry(fact).or_default() += 1);
    counts.into_iter().filter(|&(_, count)| count > few).map(|(fact, _)| fact).collect()
}

/// Everything that is reached by those for whom nothing else is left.
pub(super) fn rest(walk: &Walk<'_, '_>, ask: &Ask, all: &[One], had: &mut [Had], own: &mut Own) {
    let common = common(all.iter().map(|(_, _, start)| start.as_slice()));
    // Those who have the same before, too, have the same left to reach.
    let mut alike: BTreeMap<(Vec<u32>, Vec<*const Had>), Vec<&One>> = BTreeMap::new();
    for one @ (at, source, start) in all {
        // What is no subject has paths of its own only.
        let shares = matches!(source, Start::Subject(_));
        let common = start.iter().copied().filter(|fact| shares && common.contains(fact)).collect();
        let before = had[*at].shared.iter().map(Rc::as_ptr).collect();
        alike.entry((common, before)).or_default().push(one);
    }
    for ((start, _), members) in alike {
        let before: Vec<Rc<Had>> = members.first().map(|(at, ..)| had[*at].shared.clone()).unwrap_or_default();
        let all = reached(walk, &start);
        // What is a part of something that all of them reach, or had, needs no way of its own.
        let is_left = |target: Target| {
            !all.has_more(walk.attack, target) && !before.iter().any(|had| had.covers(walk.attack, target))
        };
        let goals = walk.goals.iter().filter(|&(_, &target)| is_left(target)).map(|(&fact, &target)| (fact, target));
        let goals: FxHashMap<u32, Target> = goals.collect();
        let starts: Vec<u32> = members.iter().flat_map(|(_, _, start)| start).copied().collect();
        let walk = walk.towards(&goals, &starts);
        let mut walker = Walker::new(&walk.graph);
        let common = Common::new(&walk, &mut walker, &start, all);
        let mut alone = start.is_empty().then(|| Alone::new(&walk));
        for &&(at, source, ref own_start) in &members {
            let more: Vec<u32> = own_start.iter().copied().filter(|fact| !start.contains(fact)).collect();
            let alone = alone.as_mut().map(|alone| alone.paths(&more, source, &had[at]));
            #[cfg(test)]
            if let Some(alone) = &alone {
                let slowly = common.of_one(&walk, &mut walker, &more, source, &had[at]);
                assert_eq!((&alone.0, false), (&slowly.0, slowly.1), "{source:?}");
                walker.back();
            }
            let (paths, behind) = alone.unwrap_or_else(|| {
                let (paths, inherits) = common.of_one(&walk, &mut walker, &more, source, &had[at]);
                walker.back();
                own.of_each[at].1 |= inherits;
                (paths, None)
            });
            had[at].shared.extend(behind.into_iter().chain([Rc::clone(&common.had)]));
            for path in paths {
                had[at].add(path.target);
                own.add(at, source, ask, walk.attack, path);
            }
        }
    }
}

/// Every target that follows from a start.
fn reached(walk: &Walk<'_, '_>, start: &[u32]) -> Rc<Had> {
    let mut had = Had::default();
    if !start.is_empty() {
        let found = walk.graph.all_from(start.iter().copied(), |_| true);
        walk.goals.iter().filter(|&(&fact, _)| found[fact as usize]).for_each(|(_, &target)| had.add(target));
    }
    Rc::new(had)
}

/// What those who begin alike reach by what they have in common.
struct Common {
    /// Every target.
    had: Rc<Had>,
    /// Those that are left to be told.
    near: Near,
    /// The facts that are reached by what is somebody's own.
    by_subject: FxHashMap<Subject, Vec<u32>>,
    by_binding: FxHashMap<BindingIx, Vec<u32>>,
    by_who: FxHashMap<Who, Vec<u32>>,
}

impl Common {
    fn new(walk: &Walk<'_, '_>, walker: &mut Walker<'_>, start: &[u32], had: Rc<Had>) -> Common {
        walker.walk(start, None, |_| false);
        let mut common = Common {
            had,
            near: Near::new(walk, walker),
            by_subject: FxHashMap::default(),
            by_binding: FxHashMap::default(),
            by_who: FxHashMap::default(),
        };
        for &fact in walker.found() {
            common.note(walk, walker, fact);
        }
        common
    }

    /// Notes whose own the step is that brings a fact.
    fn note(&mut self, walk: &Walk<'_, '_>, walker: &Walker<'_>, fact: u32) {
        let Some(by) = walker.by(fact) else { return };
        let step = walk.step(by);
        let facts = &walk.attack.facts;
        let mut of_subject = |subject: Subject| {
            let list = self.by_subject.entry(subject).or_default();
            if list.last() != Some(&fact) {
                list.push(fact);
            }
        };
        let of_held = |held: &[Held]| {
            let own = |held: &Held| match held.source {
                HeldBy::Grant { subject, .. } => Some(subject),
                _ => None,
            };
            held.iter().filter_map(own).collect::<Vec<Subject>>()
        };
        match &*step.how {
            How::Asks { held, .. } | How::Through { held, .. } => of_held(held).into_iter().for_each(of_subject),
            How::Halves { held, on, .. } => {
                of_held(held).into_iter().for_each(&mut of_subject);
                of_subject(on.subject);
            }
            How::Joins { by, groups, names } => {
                let held = [groups, names].into_iter().flat_map(|held| of_held(held));
                held.chain(*by).for_each(of_subject);
            }
            How::Granted(_) => {
                for &need in step.needs {
                    if let Fact::Acts(subject) | Fact::Identity(subject) = facts[need as usize] {
                        of_subject(subject);
                    }
                }
            }
            How::Writes(writer) => {
                if let WritesBy::Subject(subject) = writer.by {
                    of_subject(subject);
                }
            }
            How::Sends(request) => request.by.into_iter().for_each(of_subject),
            How::Under(binding) => self.by_binding.entry(*binding).or_default().push(fact),
            How::Does { effect: Effect::Azure(effect), .. } | How::Chooses { effect: Effect::Azure(effect), .. } => {
                if let Some(who) = effect.by {
                    self.by_who.entry(who).or_default().push(fact);
                }
            }
            _ => {}
        }
    }

    /// The facts that are reached by what is this subject's own.
    fn of_subject(&self, attack: &Attack<'_>, source: Start) -> Vec<u32> {
        let Start::Subject(subject) = source else { return Vec::new() };
        let mut found = self.by_subject.get(&subject).cloned().unwrap_or_default();
        let bindings = attack.graph.snapshot().subjects.find(subject).map(|id| attack.graph.bindings_of(id));
        if !self.by_binding.is_empty() {
            let bindings = bindings.into_iter().flatten().filter_map(|binding| self.by_binding.get(binding));
            found.extend(bindings.flatten());
        }
        found.extend(attack.entra(subject).and_then(|who| self.by_who.get(&who)).into_iter().flatten());
        found
    }

    /// What one of those who begin so reaches and does not have, by what is their own, and whether there is more that they do not
    /// have, of a group.
    fn of_one(
        &self,
        walk: &Walk<'_, '_>,
        walker: &mut Walker<'_>,
        more: &[u32],
        source: Start,
        had: &Had,
    ) -> (Vec<Path>, bool) {
        let attack = walk.attack;
        let changed = walker.more(more);
        let whose = self.of_subject(attack, source);
        let marked = walker.mark(changed.into_iter().chain(whose)).to_vec();
        let mut reached = self.near.changed(walk, walker, &marked);
        let mut new = Had::default();
        reached.iter().for_each(|&(target, _)| new.add(target));
        let covered = |target: Target| {
            new.has_more(attack, target) || target.start() == Some(source) || had.covers(attack, target)
        };
        // What the walk of all has as well and did not change is of a group.
        let mut widest = self.near.widest.iter().filter(|(_, fact)| !walker.is_marked(*fact));
        let inherits = widest.any(|&(target, _)| !covered(target));
        reached.retain(|&(target, _)| !covered(target));
        let path = |(target, fact)| Path { target, steps: steps_of(walk, walker, fact) };
        (reached.into_iter().map(path).collect(), inherits)
    }
}
