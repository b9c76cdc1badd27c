//! One walk for all who begin alike. Most of those who start are in the same few groups: what these lead to is walked once, and then of
//! each of them only what its own start adds or makes nearer. What comes out is what a walk of its own finds.

use std::collections::BTreeMap;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::{Aim, Had, Memo, Path, Walk, steps_of, uses};
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

/// What each of those who start has in common with many others.
fn in_common(all: &[One]) -> Vec<Vec<u32>> {
    let mut counts: FxHashMap<u32, usize> = FxHashMap::default();
    for (_, _, start) in all {
        start.iter().for_each(|&fact| *counts.entry(fact).or_default() += 1);
    }
    let is_common = |fact: &u32| counts[fact] > FEW && counts[fact] > all.len() / FEW;
    // What is no subject has paths of its own only.
    let common = |(_, source, start): &One| {
        let shares = matches!(source, Start::Subject(_));
        start.iter().copied().filter(|fact| shares && is_common(fact)).collect()
    };
    all.iter().map(common).collect()
}

/// The paths of those who come to the first aim; gives those for whom everything else is to be looked for.
pub(super) fn nearest(
    walk: &Walk<'_, '_>,
    walker: &mut Walker<'_>,
    memo: &mut Memo,
    all: Vec<One>,
    reached: &mut [Rc<[Path]>],
) -> Vec<One> {
    let Some(aim) = walk.aims.first() else { return all };
    let (open, mut rest): (Vec<One>, Vec<One>) =
        all.into_iter().partition(|(.., start)| aim.bounds(start).fewest != u32::MAX);
    let (sure, open): (Vec<One>, Vec<One>) = open.into_iter().partition(|(.., start)| aim.bounds(start).is_sure());
    for (at, source, start) in sure {
        memo.begin(walk.attack, source);
        reached[at] = walk.to(aim, walker, memo, &start);
    }
    let rounds = rounds(walk, aim, &open);
    for one in open {
        let (at, source, start) = &one;
        match rounds.get(at) {
            Some(&round) => {
                memo.begin(walk.attack, *source);
                reached[*at] = walk.within(aim, round, walker, memo, start);
            }
            None => rest.push(one),
        }
    }
    if walk.has_wider { rest } else { Vec::new() }
}

/// In how many rounds each of those who start comes to an aim, for those who do.
fn rounds(walk: &Walk<'_, '_>, aim: &Aim, all: &[One]) -> FxHashMap<usize, u32> {
    let mut alike: BTreeMap<Vec<u32>, Vec<&One>> = BTreeMap::new();
    for (one, common) in all.iter().zip(in_common(all)) {
        alike.entry(common).or_default().push(one);
    }
    let goals: FxHashMap<u32, Target> = aim.facts.iter().map(|&fact| (fact, aim.target)).collect();
    let starts: Vec<u32> = all.iter().flat_map(|(_, _, start)| start).copied().collect();
    let walk = walk.towards(&goals, &starts);
    let mut walker = Walker::new(&walk.graph);
    let mut found = FxHashMap::default();
    for (start, members) in alike {
        walker.walk(&start, None, |_| false);
        for (at, _, own) in members {
            let more: Vec<u32> = own.iter().copied().filter(|fact| !start.contains(fact)).collect();
            walker.more(&more);
            found.extend(aim.facts.iter().filter_map(|&fact| walker.round(fact)).min().map(|round| (*at, round)));
            walker.back();
        }
    }
    found
}

/// Everything that is reached by those for whom nothing else is left.
pub(super) fn rest(walk: &Walk<'_, '_>, ask: &Ask, all: &[One], had: &mut [Had], own: &mut Own) {
    // Those who have the same before, too, have the same left to reach.
    let mut alike: BTreeMap<(Vec<u32>, Vec<*const Had>), Vec<&One>> = BTreeMap::new();
    for (one, common) in all.iter().zip(in_common(all)) {
        let before = had[one.0].shared.iter().map(Rc::as_ptr).collect();
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
        for &&(at, source, ref own_start) in &members {
            let more: Vec<u32> = own_start.iter().copied().filter(|fact| !start.contains(fact)).collect();
            common.of_one(&walk, ask, &mut walker, &more, (at, source), &mut had[at], own);
            walker.back();
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
    /// Those that are left to be told, each with its nearest fact.
    widest: Vec<(Target, u32)>,
    /// The nearest fact of each target, with its round.
    nearest: FxHashMap<Target, (u32, u32)>,
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
            widest: Vec::new(),
            nearest: FxHashMap::default(),
            by_subject: FxHashMap::default(),
            by_binding: FxHashMap::default(),
            by_who: FxHashMap::default(),
        };
        for &fact in walker.found() {
            common.note(walk, walker, fact);
            let (Some(&target), Some(round)) = (walk.goals.get(&fact), walker.round(fact)) else { continue };
            let near = common.nearest.entry(target).or_insert((round, fact));
            *near = (*near).min((round, fact));
        }
        common.widest = common.nearest.iter().map(|(&target, &(_, fact))| (target, fact)).collect();
        common.widest.sort_unstable();
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
        match step.how {
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

    /// Adds what one of those who begin so reaches.
    #[expect(clippy::too_many_arguments, reason = "all of it is of one walk")]
    fn of_one(
        &self,
        walk: &Walk<'_, '_>,
        ask: &Ask,
        walker: &mut Walker<'_>,
        more: &[u32],
        (at, source): (usize, Start),
        had: &mut Had,
        own: &mut Own,
    ) {
        let attack = walk.attack;
        let changed = walker.more(more);
        let whose = self.of_subject(attack, source);
        let marked = walker.mark(changed.into_iter().chain(whose)).to_vec();
        let target = |fact| Some((*walk.goals.get(&fact)?, walker.round(fact)?, fact));
        let mut reached: Vec<(Target, u32, u32)> = marked.into_iter().filter_map(target).collect();
        reached.sort_unstable();
        let mut new = Had::default();
        reached.iter().for_each(|&(target, ..)| new.add(target));
        reached.dedup_by_key(|(target, ..)| *target);
        let covered = |target| new.has_more(attack, target) || target.start() == Some(source);
        // What the walk of all has as well and did not change is of a group.
        let mut widest = self.widest.iter().filter(|(_, fact)| !walker.is_marked(*fact));
        let inherits = widest.any(|&(target, _)| !covered(target) && !had.covers(attack, target));
        own.of_each[at].1 |= inherits;
        for (target, round, fact) in reached {
            let nearer =
                self.nearest.get(&target).is_some_and(|&near| near < (round, fact) && !walker.is_marked(near.1));
            if nearer || covered(target) || had.covers(attack, target) {
                continue;
            }
            had.add(target);
            own.add(at, source, ask, attack, Path { target, steps: steps_of(walk, walker, fact) });
        }
        had.shared.push(Rc::clone(&self.had));
    }
}
