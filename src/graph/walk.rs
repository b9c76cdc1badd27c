//! Walks over AND/OR graphs that know no domain. A fact holds when one of the steps that gain it is done; a step is done when every
//! fact it needs holds. Facts and steps only add, cycles are the normal case, and nothing recurses.

use std::cell::Cell;
use std::collections::VecDeque;

use crate::both::both;

/// Facts and steps, by number.
#[derive(Debug, Default)]
pub struct AndOr {
    facts: usize,
    gain: Vec<u32>,
    free: Vec<bool>,
    needs: Lists,
    needed_by: Lists,
    gained_by: Lists,
}

/// A step of a graph: the facts it needs, the one it gains, and whether it takes no round of its own.
#[derive(Clone, Copy, Debug)]
pub struct Link<'a> {
    /// What it needs, each once.
    pub needs: &'a [u32],
    /// What it gains.
    pub gain: u32,
    /// A free step is done in the round of the last fact it needs. Free steps must not lead in a circle.
    pub free: bool,
}

/// Lists of numbers, one after another.
#[derive(Debug, Default)]
struct Lists {
    starts: Vec<u32>,
    items: Vec<u32>,
}

impl Lists {
    fn new(len: usize, pairs: impl Iterator<Item = (u32, u32)> + Clone) -> Lists {
        let mut starts = vec![0_u32; len + 1];
        for (list, _) in pairs.clone() {
            starts[list as usize + 1] += 1;
        }
        for at in 0..len {
            starts[at + 1] += starts[at];
        }
        let mut next = starts.clone();
        let mut items = vec![0; starts[len] as usize];
        for (list, item) in pairs {
            items[next[list as usize] as usize] = item;
            next[list as usize] += 1;
        }
        Lists { starts, items }
    }

    fn len(&self, list: usize) -> u32 {
        self.starts[list + 1] - self.starts[list]
    }

    fn get(&self, list: u32) -> &[u32] {
        let at = list as usize;
        &self.items[self.starts[at] as usize..self.starts[at + 1] as usize]
    }
}

const NEVER: u32 = u32::MAX;

/// So many steps are worth another thread; in tests few, so that they see both.
pub const WORTH: usize = if cfg!(test) { 20 } else { 20_000 };

/// So many steps that need one fact are worth sorting.
const MANY: usize = 32;

/// Only what may be a part of a way to a goal in this many rounds, by lower bounds as [`AndOr::at_least`] gives them.
#[derive(Clone, Copy, Debug)]
pub struct Within<'a> {
    /// The fewest rounds from each fact to a goal.
    pub least: &'a Far,
    /// The most rounds in all.
    pub most: u32,
    /// Whether the graph is sorted by these bounds, see [`AndOr::nearest_first`].
    pub sorted: bool,
}

/// How far each fact is.
#[derive(Debug, PartialEq, Eq)]
pub struct Far(Vec<u32>);

impl Far {
    /// How far a fact is; none where it leads nowhere.
    pub fn of(&self, fact: u32) -> Option<u32> {
        Some(self.0[fact as usize]).filter(|&far| far != NEVER)
    }
}

impl Within<'_> {
    fn has(&self, fact: u32, round: u32) -> bool {
        self.least.of(fact).is_some_and(|far| far.saturating_add(round) <= self.most)
    }
}

impl AndOr {
    /// A graph of `facts` facts and these steps.
    pub fn new<'a>(facts: usize, steps: impl Iterator<Item = Link<'a>> + Clone + Send + Sync) -> AndOr {
        let gain: Vec<u32> = steps.clone().map(|step| step.gain).collect();
        let pairs = || steps.clone().zip(0_u32..).flat_map(|(step, at)| step.needs.iter().map(move |&need| (at, need)));
        let ((needs, gained_by), needed_by) = both(
            gain.len() >= WORTH,
            || (Lists::new(gain.len(), pairs()), Lists::new(facts, gain.iter().copied().zip(0_u32..))),
            || Lists::new(facts, pairs().map(|(step, need)| (need, step))),
        );
        let free = steps.map(|step| step.free).collect();
        AndOr { facts, gain, free, needs, needed_by, gained_by }
    }

    /// A graph of these steps of another graph and all its facts.
    pub fn of(whole: &AndOr, steps: &[u32]) -> AndOr {
        let link = |&at: &u32| Link { needs: whole.needs(at), gain: whole.gain(at), free: whole.free[at as usize] };
        AndOr::new(whole.facts, steps.iter().map(link))
    }

    /// How many facts there are.
    pub fn facts(&self) -> usize {
        self.facts
    }

    /// How many steps there are.
    pub fn steps(&self) -> usize {
        self.gain.len()
    }

    /// Whether there is enough to look at for two threads.
    pub fn is_large(&self) -> bool {
        self.steps() >= WORTH
    }

    /// The facts that a step needs.
    pub fn needs(&self, step: u32) -> &[u32] {
        self.needs.get(step)
    }

    /// The fact that a step gains.
    pub fn gain(&self, step: u32) -> u32 {
        self.gain[step as usize]
    }

    /// For each fact the fewest rounds from which the goals could follow if one need of a step were enough: a lower bound of the
    /// rounds, and none where no start of this fact alone can lead to a goal. Linear.
    pub fn at_least(&self, goals: &[u32]) -> Far {
        self.at_least_over(goals, |_| true)
    }

    /// The same over some of the steps only.
    pub fn at_least_over(&self, goals: &[u32], counts: impl Fn(u32) -> bool) -> Far {
        Far(self.backwards(goals, counts))
    }

    /// The same over steps that need one fact only: from these facts a goal surely follows. Gives the next step of a shortest
    /// way as well, the smallest of those that are equally good; a goal has none. Linear.
    pub fn surely(&self, goals: &[u32]) -> Surely {
        let distance = self.backwards(goals, |step| self.needs.get(step).len() == 1);
        let mut next = vec![NEVER; self.facts];
        for step in 0..u32::try_from(self.gain.len()).unwrap_or(NEVER) {
            let &[need] = self.needs.get(step) else { continue };
            let (from, to) = (distance[need as usize], distance[self.gain(step) as usize]);
            let shortest = to != NEVER && from == to + self.cost(step) && !goals.contains(&need);
            if shortest && next[need as usize] == NEVER {
                next[need as usize] = step;
            }
        }
        Surely { distance: Far(distance), next }
    }

    fn cost(&self, step: u32) -> u32 {
        u32::from(!self.free[step as usize])
    }

    fn backwards(&self, goals: &[u32], walks: impl Fn(u32) -> bool) -> Vec<u32> {
        let mut distance: Vec<u32> = vec![NEVER; self.facts];
        let mut queue: VecDeque<(u32, u32)> = VecDeque::new();
        for &goal in goals {
            if distance[goal as usize] == NEVER {
                distance[goal as usize] = 0;
                queue.push_back((0, goal));
            }
        }
        while let Some((far, fact)) = queue.pop_front() {
            if far > distance[fact as usize] {
                continue;
            }
            for &step in self.gained_by.get(fact).iter().filter(|&&step| walks(step)) {
                let far = far + self.cost(step);
                for &need in self.needs.get(step) {
                    if far < distance[need as usize] {
                        distance[need as usize] = far;
                        // What takes no round is as near as what led to it.
                        if self.free[step as usize] {
                            queue.push_front((far, need));
                        } else {
                            queue.push_back((far, need));
                        }
                    }
                }
            }
        }
        distance
    }

    /// Sorts the steps that need a fact by how far the goal is behind them, so that walks which are bound by these distances leave
    /// the others alone.
    pub fn nearest_first(&mut self, least: &Far) {
        let Lists { starts, items } = &mut self.needed_by;
        let far = |step: u32| {
            let least = least.of(self.gain[step as usize]);
            (least.is_none(), least.map(|far| far + u32::from(!self.free[step as usize])))
        };
        for range in starts.windows(2) {
            let list = &mut items[range[0] as usize..range[1] as usize];
            if list.len() > MANY {
                list.sort_by_cached_key(|&step| far(step));
            }
        }
    }

    /// Which facts follow from all of these together over some of the steps. Linear.
    pub fn all_from(&self, start: impl Iterator<Item = u32>, counts: impl Fn(u32) -> bool) -> Vec<bool> {
        let mut found = vec![false; self.facts];
        let mut unmet: Vec<u32> = (0..self.gain.len()).map(|step| self.needs.len(step)).collect();
        let mut open: Vec<u32> = Vec::new();
        for fact in start {
            if !std::mem::replace(&mut found[fact as usize], true) {
                open.push(fact);
            }
        }
        while let Some(fact) = open.pop() {
            for &step in self.needed_by.get(fact).iter().filter(|&&step| counts(step)) {
                unmet[step as usize] -= 1;
                let gain = self.gain(step);
                if unmet[step as usize] == 0 && !std::mem::replace(&mut found[gain as usize], true) {
                    open.push(gain);
                }
            }
        }
        found
    }
}

/// Ways to a goal over steps that need one fact only.
#[derive(Debug, PartialEq, Eq)]
pub struct Surely {
    distance: Far,
    next: Vec<u32>,
}

impl Surely {
    /// In how many rounds a goal surely follows from a fact.
    pub fn distance(&self, fact: u32) -> Option<u32> {
        self.distance.of(fact)
    }

    /// The steps from a fact to a goal, in their order.
    pub fn way<'s>(&'s self, graph: &'s AndOr, fact: u32) -> impl Iterator<Item = u32> + 's {
        let step = move |fact: u32| Some(self.next[fact as usize]).filter(|&step| step != NEVER);
        std::iter::successors(step(fact), move |&last| step(graph.gain(last)))
    }
}

/// Saturation from one start after another, with memory that is used again: a walk costs what it touches.
pub struct Walker<'g> {
    graph: &'g AndOr,
    round: Vec<u32>,
    by: Vec<u32>,
    unmet: Vec<u32>,
    facts: Vec<u32>,
    steps: Vec<u32>,
    /// For each step the place of what it needed last when it was looked at.
    last: Vec<u32>,
    /// What facts were before more was started from.
    before: Vec<(u32, u32, u32)>,
    /// The facts that are marked, and which these are.
    marked: Vec<u32>,
    marks: Vec<bool>,
    /// The fact that is watched, and whether it was asked what brought it.
    watched: Cell<(u32, bool)>,
}

impl<'g> Walker<'g> {
    /// The round of a start that others come before: more rounds than any walk has.
    const LATE: u32 = 1 << 30;

    /// A walker that has not walked yet.
    pub fn new(graph: &'g AndOr) -> Walker<'g> {
        Walker {
            graph,
            round: vec![NEVER; graph.facts],
            by: vec![NEVER; graph.facts],
            unmet: vec![NEVER; graph.gain.len()],
            facts: Vec::new(),
            steps: Vec::new(),
            last: vec![0; graph.gain.len()],
            before: Vec::new(),
            marked: Vec::new(),
            marks: vec![false; graph.facts],
            watched: Cell::new((NEVER, false)),
        }
    }

    /// As if a walk had taken these steps from a fact, each of which needs what the one before it brought.
    pub fn take(&mut self, start: u32, steps: impl Iterator<Item = u32>) {
        self.forget();
        self.round[start as usize] = 0;
        self.facts.push(start);
        for (round, step) in (1..).zip(steps) {
            let gain = self.graph.gain(step);
            (self.round[gain as usize], self.by[gain as usize]) = (round, step);
            self.facts.push(gain);
        }
    }

    /// The facts that the last walk found, its start first.
    pub fn found(&self) -> &[u32] {
        &self.facts
    }

    fn forget(&mut self) {
        self.back();
        for fact in self.facts.drain(..) {
            self.round[fact as usize] = NEVER;
            self.by[fact as usize] = NEVER;
        }
        for step in self.steps.drain(..) {
            self.unmet[step as usize] = NEVER;
        }
    }

    /// Everything that follows from a start, in the fewest rounds, over the facts from which it may still be near enough;
    /// what the last walk found is forgotten. A step is done one round after the last fact it needs, and a free one in the same;
    /// among steps of one round the smallest number brings the fact, and those that are free come behind those that are not. `enough` stops
    /// the walk as soon as it says so.
    ///
    /// Linear in the needs of the steps that are touched.
    pub fn walk(&mut self, start: &[u32], within: Option<Within<'_>>, enough: impl FnMut(u32) -> bool) {
        self.walk_at(0, start, within, enough);
    }

    /// Everything that follows from a start that others may come before, see [`Walker::more_before`].
    pub fn walk_late(&mut self, start: &[u32]) {
        self.walk_at(Walker::LATE, start, None, |_| false);
    }

    fn walk_at(&mut self, first: u32, start: &[u32], within: Option<Within<'_>>, mut enough: impl FnMut(u32) -> bool) {
        let wanted = |fact: u32, round: u32| within.is_none_or(|within| within.has(fact, round));
        self.forget();
        let mut now: Vec<u32> = start.to_vec();
        now.sort_unstable();
        now.dedup();
        for &fact in &now {
            self.round[fact as usize] = first;
            self.facts.push(fact);
        }
        let mut round = first;
        let mut ready: Vec<u32> = Vec::new();
        while !now.is_empty() {
            ready.clear();
            let mut at = 0;
            while let Some(&fact) = now.get(at) {
                at += 1;
                let steps = self.graph.needed_by.get(fact);
                for &step in steps {
                    // What is too far now is too far later on.
                    if !wanted(self.graph.gain(step), round + self.graph.cost(step)) {
                        if within.is_some_and(|within| within.sorted) && steps.len() > MANY {
                            break;
                        }
                        continue;
                    }
                    let unmet = &mut self.unmet[step as usize];
                    if *unmet == NEVER {
                        *unmet = self.graph.needs.len(step as usize);
                        self.steps.push(step);
                    }
                    *unmet -= 1;
                    if *unmet > 0 {
                        continue;
                    }
                    if !self.graph.free[step as usize] {
                        ready.push(step);
                        continue;
                    }
                    let gain = self.graph.gain(step);
                    if self.round[gain as usize] == NEVER {
                        (self.round[gain as usize], self.by[gain as usize]) = (round, step);
                        self.facts.push(gain);
                        now.push(gain);
                    } else if self.round[gain as usize] == round && self.comes_before(step, self.by[gain as usize]) {
                        self.by[gain as usize] = step;
                    }
                }
            }
            if now.iter().any(|&fact| enough(fact)) {
                break;
            }
            round += 1;
            ready.sort_unstable();
            now.clear();
            for &step in &ready {
                let gain = self.graph.gain(step);
                if self.round[gain as usize] == NEVER {
                    (self.round[gain as usize], self.by[gain as usize]) = (round, step);
                    self.facts.push(gain);
                    now.push(gain);
                }
            }
        }
    }

    /// Whether a step brings a fact rather than another one of the same round. What was there from the start is brought by none.
    fn comes_before(&self, step: u32, other: u32) -> bool {
        let rank = |step: u32| (self.graph.free[step as usize], step);
        other != NEVER && rank(step) < rank(other)
    }

    /// Goes on from the last walk, which nothing bounded, as if it had started from these facts as well, and gives the facts that
    /// come now, come earlier, or come by another step. [`Walker::back`] takes it back.
    ///
    /// Linear in the needs of the steps that need a fact which comes earlier.
    pub fn more(&mut self, start: &[u32]) -> Vec<u32> {
        self.more_at(0, start, None);
        self.changed()
    }

    /// The same after [`Walker::walk_late`], so many rounds before it.
    pub fn more_before(&mut self, rounds: u32, start: &[u32]) -> Vec<u32> {
        self.more_at(Walker::LATE.saturating_sub(rounds), start, None);
        self.changed()
    }

    /// The same for what is near enough only. Gives the round of the nearest of these facts, from the start, if one is.
    pub fn more_within(&mut self, rounds: u32, start: &[u32], within: Within<'_>, to: &[u32]) -> Option<u32> {
        let first = Walker::LATE.saturating_sub(rounds);
        self.more_at(first, start, Some(Within { most: first.saturating_add(within.most), ..within }));
        let nearest = to.iter().filter_map(|&fact| self.round(fact)).min()?;
        Some(nearest.saturating_sub(first)).filter(|&round| round <= within.most)
    }

    fn more_at(&mut self, first: u32, start: &[u32], within: Option<Within<'_>>) {
        let graph = self.graph;
        let mut open: Vec<Vec<u32>> = vec![Vec::new()];
        for &fact in start {
            if self.round[fact as usize] != first {
                open[0].push(fact);
            }
            if self.round[fact as usize] != first || self.by[fact as usize] != NEVER {
                self.set(fact, first, NEVER);
            }
        }
        let mut round = first;
        while let Some(now) = open.get_mut((round - first) as usize) {
            let mut now = std::mem::take(now);
            let mut at = 0;
            while let Some(&fact) = now.get(at) {
                at += 1;
                // What came nearer in the meantime was looked at there.
                if self.round[fact as usize] != round {
                    continue;
                }
                let steps = graph.needed_by.get(fact);
                for &step in steps {
                    let (gain, cost) = (graph.gain(step), graph.cost(step));
                    if within.is_some_and(|within| !within.has(gain, round + cost)) {
                        if within.is_some_and(|within| within.sorted) && steps.len() > MANY {
                            break;
                        }
                        continue;
                    }
                    // In which round all has to be there for the step to bring what it gains earlier, or instead of another one.
                    let first_of_its_round = self.comes_before(step, self.by[gain as usize]);
                    let known = self.round[gain as usize].checked_sub(cost + u32::from(!first_of_its_round));
                    let Some(latest) = known.filter(|&latest| latest >= round) else { continue };
                    let Some(far) = self.ready(step, latest).map(|ready| ready + cost) else { continue };
                    let nearer = far < self.round[gain as usize];
                    self.set(gain, far, step);
                    if nearer && far == round {
                        now.push(gain);
                    } else if nearer {
                        let at = (far - first) as usize;
                        open.resize_with(open.len().max(at + 1), Vec::new);
                        open[at].push(gain);
                    }
                }
            }
            round += 1;
        }
    }

    /// In which round everything is there that a step needs, unless that is too late. What was too late is looked at first the next
    /// time.
    fn ready(&mut self, step: u32, latest: u32) -> Option<u32> {
        let needs = self.graph.needs(step);
        let last = &mut self.last[step as usize];
        let (before, behind) = needs.split_at(*last as usize);
        let mut ready = 0;
        for (at, &need) in (*last..).zip(behind).chain((0..).zip(before)) {
            if self.round[need as usize] > latest {
                *last = at;
                return None;
            }
            ready = ready.max(self.round[need as usize]);
        }
        Some(ready)
    }

    /// What was changed since the last walk.
    fn changed(&self) -> Vec<u32> {
        let mut changed: Vec<u32> = self.before.iter().map(|&(fact, ..)| fact).collect();
        changed.sort_unstable();
        changed.dedup();
        changed
    }

    /// As if this step had brought a fact that was there from the start. [`Walker::back`] takes it back.
    pub fn bring(&mut self, fact: u32, by: u32) {
        self.set(fact, self.round[fact as usize], by);
    }

    fn set(&mut self, fact: u32, round: u32, by: u32) {
        let at = fact as usize;
        self.before.push((fact, self.round[at], self.by[at]));
        (self.round[at], self.by[at]) = (round, by);
    }

    /// Takes back what was started from since the last walk.
    pub fn back(&mut self) {
        while let Some((fact, round, by)) = self.before.pop() {
            (self.round[fact as usize], self.by[fact as usize]) = (round, by);
        }
    }

    /// Marks these facts and all to which the ways lead over them, and gives the marked ones. Marks from before are gone.
    pub fn mark(&mut self, facts: impl Iterator<Item = u32>) -> &[u32] {
        let mut marked = std::mem::take(&mut self.marked);
        for fact in marked.drain(..) {
            self.marks[fact as usize] = false;
        }
        for fact in facts {
            if !std::mem::replace(&mut self.marks[fact as usize], true) {
                marked.push(fact);
            }
        }
        let mut at = 0;
        while let Some(&fact) = marked.get(at) {
            at += 1;
            for &step in self.graph.needed_by.get(fact) {
                let gain = self.graph.gain(step);
                if self.by[gain as usize] == step && !std::mem::replace(&mut self.marks[gain as usize], true) {
                    marked.push(gain);
                }
            }
        }
        self.marked = marked;
        &self.marked
    }

    /// Whether a fact is marked.
    pub fn is_marked(&self, fact: u32) -> bool {
        self.marks[fact as usize]
    }

    /// In which round of the last walk a fact came.
    pub fn round(&self, fact: u32) -> Option<u32> {
        Some(self.round[fact as usize]).filter(|&round| round != NEVER)
    }

    /// The step of the last walk that brought a fact; none for its start.
    pub fn by(&self, fact: u32) -> Option<u32> {
        if self.watched.get().0 == fact {
            self.watched.set((fact, true));
        }
        Some(self.by[fact as usize]).filter(|&step| step != NEVER)
    }

    /// What is made of a walk, and whether it was asked for that what brought a fact.
    pub fn watch<T>(&self, fact: u32, make: impl FnOnce() -> T) -> (T, bool) {
        self.watched.set((fact, false));
        let made = make();
        (made, self.watched.replace((NEVER, false)).1)
    }

    /// The steps of the last walk that bring a fact, each once, every step behind those that bring what it needs. Empty for the
    /// start and for what does not follow.
    pub fn plan(&self, fact: u32) -> Vec<u32> {
        let mut plan = Vec::new();
        let mut open = vec![fact];
        let mut seen = std::collections::BTreeSet::new();
        while let Some(fact) = open.pop() {
            let step = self.by[fact as usize];
            if step != NEVER && seen.insert(step) {
                plan.push((self.round[fact as usize], self.late(fact), step));
                open.extend(self.graph.needs(step));
            }
        }
        plan.sort_unstable();
        plan.into_iter().map(|(_, _, step)| step).collect()
    }

    /// How many free steps in a row brought a fact within its round.
    fn late(&self, fact: u32) -> u32 {
        let step = self.by[fact as usize];
        if step == NEVER || !self.graph.free[step as usize] {
            return 0;
        }
        let same = |&need: &u32| self.round[need as usize] == self.round[fact as usize];
        let needs = self.graph.needs(step).iter().copied().filter(same);
        1 + needs.map(|need| self.late(need)).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(facts: usize, steps: &[(&[u32], u32, bool)]) -> AndOr {
        AndOr::new(facts, steps.iter().map(|&(needs, gain, free)| Link { needs, gain, free }))
    }

    fn graph() -> AndOr {
        // 0 and 1 together give 2; 2 gives 3; 3 gives 0 again; 1 alone gives 4; 5 needs what nobody has.
        let steps: [(&[u32], u32); 5] = [(&[0, 1], 2), (&[2], 3), (&[3], 0), (&[1], 4), (&[6, 2], 5)];
        build(7, &steps.map(|(needs, gain)| (needs, gain, false)))
    }

    #[test]
    fn a_plan_has_free_steps_behind_those_they_need() {
        let graph = build(4, &[(&[2], 3, true), (&[1], 2, true), (&[0], 1, false)]);
        let mut walker = Walker::new(&graph);
        walker.walk(&[0], None, |_| false);
        assert_eq!(walker.plan(3), [2, 1, 0]);
        assert_eq!(walker.round(3), Some(1));
    }

    #[test]
    fn a_step_needs_all_of_its_needs() {
        let graph = graph();
        let mut one = Walker::new(&graph);
        one.walk(&[1], None, |_| false);
        assert_eq!([0, 1, 2, 3, 4].map(|fact| one.round(fact)), [None, Some(0), None, None, Some(1)]);
        let mut both = Walker::new(&graph);
        both.walk(&[0, 1], None, |_| false);
        assert_eq!([2, 3, 4, 5].map(|fact| both.round(fact)), [Some(1), Some(2), Some(1), None]);
        assert_eq!(both.plan(3), [0, 1]);
        assert!(both.plan(0).is_empty(), "the start needs no step, though a cycle leads back to it");
    }

    #[test]
    fn bounds_hold_on_both_sides() {
        let graph = graph();
        assert_eq!(graph.at_least(&[3]).of(1), Some(2), "half of what it takes");
        assert_eq!(graph.surely(&[3]).distance(1), None);
        assert_eq!(graph.surely(&[3]).distance(2), Some(1));
        assert_eq!(graph.surely(&[4]).distance(1), Some(1));
        assert_eq!(graph.surely(&[0]).way(&graph, 2).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(graph.surely(&[0]).way(&graph, 0).count(), 0, "a goal needs no way to itself");
    }

    #[test]
    fn a_walker_forgets() {
        let graph = graph();
        let mut walker = Walker::new(&graph);
        walker.walk(&[0, 1], None, |_| false);
        assert_eq!((walker.round(3), walker.plan(3)), (Some(2), vec![0, 1]));
        walker.walk(&[1], None, |_| false);
        assert_eq!((walker.round(3), walker.round(4), walker.by(4)), (None, Some(1), Some(3)));
        let least = graph.at_least(&[3]);
        walker.walk(&[0, 1], Some(Within { least: &least, most: 1, sorted: false }), |_| false);
        assert_eq!(walker.round(3), None, "what is too far is not walked");
        walker.take(2, [1, 2].into_iter());
        assert_eq!((walker.plan(0), walker.found()), (vec![1, 2], [2, 3, 0].as_slice()));
        assert_eq!(walker.round(1), None);
    }

    #[test]
    fn a_free_step_takes_no_round() {
        // By way of 1, which is free, 2 is as near as 0; by way of 3 it is farther.
        let graph =
            build(5, &[(&[0], 1, true), (&[1], 2, false), (&[0], 3, false), (&[3], 2, false), (&[1, 3], 4, true)]);
        let mut walker = Walker::new(&graph);
        walker.walk(&[0], None, |_| false);
        assert_eq!([0, 1, 2, 3, 4].map(|fact| walker.round(fact)), [Some(0), Some(0), Some(1), Some(1), Some(1)]);
        assert_eq!(walker.plan(2), [0, 1]);
        assert_eq!(graph.at_least(&[2]), Far(vec![1, 1, 0, 1, NEVER]));
        assert_eq!(graph.surely(&[2]).way(&graph, 0).collect::<Vec<_>>(), [0, 1]);
        walker.walk(&[0], None, |fact| fact == 1);
        assert_eq!(walker.round(2), None, "what comes free is enough as well");
    }

    #[test]
    fn more_can_be_taken_back() {
        let graph = graph();
        let mut walker = Walker::new(&graph);
        walker.walk(&[1], None, |_| false);
        assert_eq!(walker.more(&[0]), [0, 2, 3]);
        assert_eq!((walker.round(3), walker.plan(3)), (Some(2), vec![0, 1]));
        assert_eq!(walker.mark([2].into_iter()), [2, 3], "0 is there from the start");
        assert!(walker.is_marked(3) && !walker.is_marked(4));
        walker.back();
        assert_eq!([0, 1, 2, 3, 4].map(|fact| walker.round(fact)), [None, Some(0), None, None, Some(1)]);
        assert_eq!(walker.mark([1].into_iter()), [1, 4]);
        assert_eq!(walker.more(&[1]), [0; 0], "it was there already");
    }

    /// The steps that bring each fact of a walk, by asking of every step whether it does.
    fn brought_by(steps: &[(Vec<u32>, u32, bool)], round: &[Option<u32>], start: &[u32]) -> Vec<Option<u32>> {
        let by = |fact: u32| {
            let here = round[fact as usize].filter(|_| !start.contains(&fact))?;
            let brings = |&at: &u32| {
                let (needs, gain, free) = &steps[at as usize];
                let ready = needs.iter().map(|&need| round[need as usize]).collect::<Option<Vec<u32>>>();
                let ready = ready.and_then(|all| all.into_iter().max());
                *gain == fact && ready.is_some_and(|ready| ready + u32::from(!free) == here)
            };
            let all = (0..u32::try_from(steps.len()).unwrap()).filter(brings);
            all.min_by_key(|&at| (steps[at as usize].2, at))
        };
        (0..u32::try_from(round.len()).unwrap()).map(by).collect()
    }

    /// Rounds by trying every step again and again until nothing comes nearer.
    fn slowly(facts: usize, steps: &[(Vec<u32>, u32, bool)], start: &[u32]) -> Vec<Option<u32>> {
        let mut round: Vec<Option<u32>> = vec![None; facts];
        start.iter().for_each(|&fact| round[fact as usize] = Some(0));
        loop {
            let mut nearer = false;
            for (needs, gain, free) in steps {
                let last = needs.iter().map(|&need| round[need as usize]).min().flatten();
                let all = needs.iter().map(|&need| round[need as usize]).max().flatten();
                let Some(far) = last.and(all).map(|far| far + u32::from(!free)) else { continue };
                if round[*gain as usize].is_none_or(|old| far < old) {
                    (round[*gain as usize], nearer) = (Some(far), true);
                }
            }
            if !nearer {
                return round;
            }
        }
    }

    #[test]
    fn walks_find_what_trying_everything_finds() {
        let mut seed = 7_u64;
        let mut dice = |below: u32| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            u32::try_from(seed >> 33).unwrap() % below
        };
        for _ in 0..300 {
            let facts = 12;
            let steps: Vec<(Vec<u32>, u32, bool)> = (0..dice(40))
                .map(|_| {
                    let mut needs: Vec<u32> = (0..=dice(3)).map(|_| dice(facts)).collect();
                    needs.sort_unstable();
                    needs.dedup();
                    let gain = dice(facts);
                    // Free steps only lead upwards, so never in a circle.
                    let free = needs.iter().all(|&need| need < gain) && dice(2) == 0;
                    (needs, gain, free)
                })
                .collect();
            let links = steps.iter().map(|(needs, gain, free)| Link { needs, gain: *gain, free: *free });
            let graph = AndOr::new(facts as usize, links);
            let start = [dice(facts), dice(facts)];
            let slow = slowly(facts as usize, &steps, &start);
            let mut walker = Walker::new(&graph);
            walker.walk(&start, None, |_| false);
            let walked: Vec<Option<u32>> = (0..facts).map(|fact| walker.round(fact)).collect();
            assert_eq!(walked, slow, "{steps:?} from {start:?}");
            let brought = |walker: &Walker<'_>| (0..facts).map(|fact| walker.by(fact)).collect::<Vec<_>>();
            assert_eq!(brought(&walker), brought_by(&steps, &slow, &start), "{steps:?} from {start:?}");
            let (first, more) = start.split_at(1);
            walker.walk(first, None, |_| false);
            let before = ((0..facts).map(|fact| walker.round(fact)).collect::<Vec<_>>(), brought(&walker));
            let changed = walker.more(more);
            let after: Vec<Option<u32>> = (0..facts).map(|fact| walker.round(fact)).collect();
            assert_eq!(after, slow, "{steps:?} from {first:?} and then {more:?}");
            assert_eq!(brought(&walker), brought_by(&steps, &slow, &start), "{steps:?} from {first:?} and {more:?}");
            let plans: Vec<Vec<u32>> = (0..facts).map(|fact| walker.plan(fact)).collect();
            let marked = walker.mark(changed.into_iter()).to_vec();
            walker.back();
            assert_eq!(((0..facts).map(|fact| walker.round(fact)).collect(), brought(&walker)), before, "{steps:?}");
            for fact in (0..facts).filter(|fact| !marked.contains(fact)) {
                assert_eq!(walker.plan(fact), plans[fact as usize], "{steps:?}: {fact} is not marked");
            }
            let all = graph.all_from(start.iter().copied(), |_| true);
            assert_eq!(all, slow.iter().map(Option::is_some).collect::<Vec<_>>(), "{steps:?} from {start:?}");
            // From what follows from the start, which the start comes before.
            for gate in (0..facts).filter(|&gate| slow[gate as usize].is_some()) {
                walker.walk(&start, None, |_| false);
                let all: Vec<Option<u32>> = (0..facts).map(|fact| walker.round(fact)).collect();
                let plans: Vec<Vec<u32>> = (0..facts).map(|fact| walker.plan(fact)).collect();
                let (rounds, by) = (walker.round(gate).unwrap(), walker.by(gate));
                walker.walk_late(&[gate]);
                let behind: Vec<Vec<u32>> = (0..facts).map(|fact| walker.plan(fact)).collect();
                let changed = walker.more_before(rounds, &start);
                let marked = walker.mark(changed.into_iter()).to_vec();
                by.into_iter().for_each(|by| walker.bring(gate, by));
                let late = |fact: u32| walker.round(fact).map(|round| round + rounds - Walker::LATE);
                assert_eq!((0..facts).map(late).collect::<Vec<_>>(), all, "{steps:?} from {start:?} by {gate}");
                for fact in 0..facts {
                    assert_eq!(walker.plan(fact), plans[fact as usize], "{steps:?} from {start:?} by {gate} to {fact}");
                    if walker.round(fact).is_some() && !marked.contains(&fact) {
                        let way = [walker.plan(gate), behind[fact as usize].clone()].concat();
                        assert_eq!(plans[fact as usize], way, "{steps:?} from {start:?}: {fact} rests on {gate} alone");
                    }
                }
                let asked = |fact: u32| walker.watch(gate, || walker.by(fact)).1;
                assert!(asked(gate) && (0..facts).filter(|&fact| asked(fact)).eq([gate]));
                for (goal, most) in (0..facts).flat_map(|goal| (0..6).map(move |most| (goal, most))) {
                    walker.back();
                    let least = graph.at_least(&[goal]);
                    let within = Within { least: &least, most, sorted: false };
                    let near = walker.more_within(rounds, &start, within, &[goal]);
                    assert_eq!(
                        near,
                        slow[goal as usize].filter(|&round| round <= most),
                        "{steps:?} by {gate} to {goal}"
                    );
                    by.into_iter().for_each(|by| walker.bring(gate, by));
                    assert!(
                        near.is_none() || walker.plan(goal) == plans[goal as usize],
                        "{steps:?} by {gate} to {goal}"
                    );
                }
            }
            for goal in 0..facts {
                let (least, surely) = (graph.at_least(&[goal]), graph.surely(&[goal]));
                for most in 0..6 {
                    walker.walk(&start, Some(Within { least: &least, most, sorted: false }), |fact| fact == goal);
                    let within = slow[goal as usize].filter(|&round| round <= most);
                    assert_eq!(walker.round(goal), within, "{steps:?} from {start:?} to {goal} in {most}");
                }
                for fact in 0..facts {
                    let alone = slowly(facts as usize, &steps, &[fact])[goal as usize];
                    let (least, sure) = (least.of(fact), surely.distance(fact));
                    assert!(alone.is_none_or(|alone| least.is_some_and(|least| least <= alone)), "{steps:?} {fact}");
                    assert!(sure.is_none_or(|sure| alone.is_some_and(|alone| alone <= sure)), "{steps:?} {fact}");
                    if let Some(sure) = sure {
                        let way: Vec<u32> = surely.way(&graph, fact).collect();
                        let cost = way.iter().filter(|&&step| !steps[step as usize].2).count();
                        assert_eq!(u32::try_from(cost), Ok(sure), "{steps:?} {fact} -> {goal}");
                    }
                }
            }
        }
    }
}
