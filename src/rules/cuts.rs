//! The fewest grants whose removal leaves no severe path: what to change first.
//!
//! Every path that is known must lose one of its grants. What hits all of them is removed and everything is solved again, until no
//! further path turns up. Where the hitting set is a smallest one each time, so is the last: it hits more than any smaller set can.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Evidence, Finding, Severity, Start, Target};
use super::solve::{Ask, Escalations, escalations};
use super::take::RuleText;
use crate::graph::{AccessGraph, BindingIx, RoleIx};
use crate::query::{is_default_grant, is_reconciled};

/// Something that can be removed. Bindings come first: where both do, what is simpler is proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grant {
    /// A binding.
    Binding(BindingIx),
    /// A rule of a role, by its place in it.
    Rule(RoleIx, u32),
}

/// A grant to remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The grant.
    pub grant: Grant,
    /// How many more paths are gone with it than with those before it. A path is one of those who start, and a target.
    pub severs: usize,
    /// How many more of those who start have no severe path left.
    pub frees: usize,
}

/// The grants to remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cuts {
    /// Findings of this severity and above are looked at.
    pub level: Severity,
    /// How many paths there are, those that stand behind a wider target included.
    pub paths: usize,
    /// How many start them.
    pub starts: usize,
    /// What to remove, what severs most first.
    pub chosen: Vec<Chosen>,
    /// How many of the paths are left then, since no grant is behind them.
    pub left: usize,
    /// Whether no smaller set would do.
    pub smallest: bool,
}

/// Rounds of removing and solving again.
const ROUNDS: usize = 64;
/// Steps of the search for a smallest set.
const BUDGET: usize = 5_000;
/// Sets up to this size are counted one after another by solving again.
const COUNTED: usize = 64;

/// In sets up to this size, of inputs with up to so many bindings, it is tried out which grant severs most.
const TRIED: usize = 12;
const SMALL: usize = 2_000;

/// The fewest grants without which nothing severe is found that is asked for and shown. `found` is what is found with all of them,
/// as far as it is shown; `shown` takes of findings those that are.
pub fn cuts(graph: &AccessGraph, ask: &Ask, found: &Escalations, shown: &dyn Fn(Vec<Finding>) -> Vec<Finding>) -> Cuts {
    let _stage = tracing::debug_span!("cuts").entered();
    let severe = |finding: &&Finding| finding.severity >= Severity::High;
    let level = if found.findings.iter().any(|finding| severe(&finding)) { Severity::High } else { Severity::Info };
    let ask = Ask { alternatives: false, blocked: false, ..ask.clone() };
    let solve = |grants: &[Grant]| shown(escalations(graph, &without(&ask, grants)).findings);
    let mut before = Paths::of(&found.findings, level);
    let mut known: BTreeSet<Vec<Grant>> = BTreeSet::new();
    let mut latest: Vec<Finding> = found.findings.clone();
    let mut chosen: Vec<Grant> = Vec::new();
    let mut smallest = true;
    for round in 0..=ROUNDS {
        let paths = latest.iter().filter(|finding| finding.severity >= level).map(|finding| grants(graph, finding));
        let more: Vec<Vec<Grant>> = paths.filter(|grants| !grants.is_empty()).collect();
        let all = known.len();
        known.extend(more);
        if known.len() == all || round == ROUNDS {
            smallest &= round < ROUNDS;
            break;
        }
        let sets: Vec<&Vec<Grant>> = known.iter().collect();
        let exact;
        (chosen, exact) = hitting(graph, &sets);
        smallest = exact;
        latest = solve(&chosen);
        // What stood behind a wider target comes to light, and counts as well.
        before.pairs.extend(Paths::of(&latest, level).pairs);
    }
    let order = by_hits(&known, chosen);
    let order = if order.len() <= TRIED && graph.bindings().len() <= SMALL {
        by_trial(&solve, &before, level, order)
    } else {
        order
    };
    let left = before.left(&Paths::of(&latest, level));
    let counted = count(&solve, &before, level, &known, order);
    Cuts {
        level,
        paths: before.pairs.len(),
        starts: before.starts().len(),
        chosen: counted,
        left: left.pairs.len(),
        smallest,
    }
}

/// What is asked when grants are gone.
fn without(ask: &Ask, grants: &[Grant]) -> Ask {
    let mut ask = ask.clone();
    for &grant in grants {
        match grant {
            Grant::Binding(binding) => drop(ask.without.insert(binding)),
            Grant::Rule(role, position) => drop(ask.without_rules.insert((role, position))),
        }
    }
    ask
}

/// Who reaches what.
struct Paths {
    pairs: BTreeSet<(Start, Target)>,
}

impl Paths {
    fn of(findings: &[Finding], level: Severity) -> Paths {
        let severe = findings.iter().filter(|finding| finding.severity >= level);
        let pairs = severe.flat_map(|finding| finding.from.iter().map(|&start| (start, finding.target))).collect();
        Paths { pairs }
    }

    fn starts(&self) -> BTreeSet<Start> {
        self.pairs.iter().map(|&(start, _)| start).collect()
    }

    /// Those that are still there, be it as a part of something wider.
    fn left(&self, now: &Paths) -> Paths {
        let mut by_start: BTreeMap<Start, Vec<Target>> = BTreeMap::new();
        for &(start, target) in &now.pairs {
            by_start.entry(start).or_default().push(target);
        }
        let is_left = |(start, target): &&(Start, Target)| {
            by_start.get(start).is_some_and(|targets| targets.iter().any(|now| now.covers(*target)))
        };
        Paths { pairs: self.pairs.iter().filter(is_left).copied().collect() }
    }
}

/// The grants of a path: without any one of them it cannot be walked as it is.
fn grants(graph: &AccessGraph, finding: &Finding) -> Vec<Grant> {
    let mut found = BTreeSet::new();
    for evidence in finding.evidence() {
        let Evidence::Grant { subject, binding, rule } = evidence else { continue };
        if !is_default_grant(graph, binding, subject) {
            found.insert(Grant::Binding(binding));
        }
        let role = graph.role_of(binding);
        // What Kubernetes writes anew, or unites from others, cannot be changed there; nor is a part of a rule a grant.
        let is_free = |role: RoleIx| !is_reconciled(graph, role) || is_foreign(graph, role, rule);
        let lasts = |role: &RoleIx| is_free(*role) && graph.role(*role).aggregation.is_none();
        found.extend(role.filter(lasts).map(|role| Grant::Rule(role, rule)));
    }
    found.extend(finding.steps.iter().flat_map(|step| &step.under).map(|&binding| Grant::Binding(binding)));
    found.into_iter().collect()
}

/// Whether nothing of a rule in a role of Kubernetes is Kubernetes' own.
fn is_foreign(graph: &AccessGraph, role: RoleIx, position: u32) -> bool {
    let whole = graph.rule(graph.role(role).rules, position);
    let mut added = graph.added(role).iter().filter(|(at, _)| *at == position);
    added.any(|(_, added)| RuleText::without(graph.snapshot(), whole, added).is_empty())
}

/// A set of grants that has one of each list, and whether no smaller one has.
fn hitting(graph: &AccessGraph, sets: &[&Vec<Grant>]) -> (Vec<Grant>, bool) {
    // A list that holds all of another one is hit with it.
    let own: Vec<BTreeSet<Grant>> = sets.iter().map(|set| set.iter().copied().collect()).collect();
    let few = own.len() <= 200;
    let needed: Vec<&BTreeSet<Grant>> = own
        .iter()
        .enumerate()
        .filter(|(at, set)| {
            let within = |(other, smaller): (usize, &BTreeSet<Grant>)| {
                other != *at && smaller.is_subset(set) && (smaller.len() < set.len() || other < *at)
            };
            !few || !own.iter().enumerate().any(within)
        })
        .map(|(_, set)| set)
        .collect();
    let mut losses: BTreeMap<Grant, usize> = BTreeMap::new();
    let mut under: BTreeMap<RoleIx, usize> = BTreeMap::new();
    for (at, binding) in graph.bindings() {
        if let Some(role) = graph.role_of(at) {
            *under.entry(role).or_default() += graph.snapshot().subjects.set(binding.subjects).len();
        }
    }
    for &grant in needed.iter().copied().flatten() {
        losses.entry(grant).or_insert_with(|| loss(graph, &under, grant));
    }
    let mut search = Search { sets: &needed, losses: &losses, best: greedy(&needed, &losses), budget: BUDGET };
    if few {
        search.descend(&mut Vec::new());
    }
    let exact = few && search.budget > 0;
    (search.best, exact)
}

/// How much is lost with a grant, by those who are bound.
fn loss(graph: &AccessGraph, under: &BTreeMap<RoleIx, usize>, grant: Grant) -> usize {
    let snapshot = graph.snapshot();
    let weight = |rule: crate::model::RuleId| RuleText::of(snapshot, snapshot.rules.rule(rule)).weight();
    match grant {
        Grant::Rule(role, position) => {
            let rules = snapshot.rules.set(graph.role(role).rules);
            let own = rules.get(position as usize).map_or(0, |&rule| weight(rule));
            own * under.get(&role).copied().unwrap_or_default()
        }
        Grant::Binding(binding) => {
            let role = graph.role_of(binding);
            let rules = role.map_or(&[][..], |role| snapshot.rules.set(graph.role(role).rules));
            let all: usize = rules.iter().map(|&rule| weight(rule)).sum();
            all * snapshot.subjects.set(graph.binding(binding).subjects).len()
        }
    }
}

/// What hits most lists that are not hit yet, again and again; among equals what loses least.
fn greedy(sets: &[&BTreeSet<Grant>], losses: &BTreeMap<Grant, usize>) -> Vec<Grant> {
    let mut holding: BTreeMap<Grant, Vec<usize>> = BTreeMap::new();
    for (at, set) in sets.iter().enumerate() {
        for &grant in *set {
            holding.entry(grant).or_default().push(at);
        }
    }
    let mut hits: BTreeMap<Grant, usize> = holding.iter().map(|(&grant, sets)| (grant, sets.len())).collect();
    let mut open = vec![true; sets.len()];
    let mut chosen = Vec::new();
    loop {
        let key = |(grant, hits): &(&Grant, &usize)| (**hits, std::cmp::Reverse((losses.get(grant).copied(), **grant)));
        let Some((&best, _)) = hits.iter().filter(|(_, hits)| **hits > 0).max_by_key(key) else { break };
        chosen.push(best);
        for &at in &holding[&best] {
            if std::mem::take(&mut open[at]) {
                for grant in sets[at] {
                    if let Some(hits) = hits.get_mut(grant) {
                        *hits -= 1;
                    }
                }
            }
        }
    }
    chosen
}

/// Looks for a smaller set, or one of the same size that loses less, as long as the budget lasts.
struct Search<'s> {
    sets: &'s [&'s BTreeSet<Grant>],
    losses: &'s BTreeMap<Grant, usize>,
    best: Vec<Grant>,
    budget: usize,
}

impl Search<'_> {
    fn cost(&self, grants: &[Grant]) -> (usize, usize) {
        (grants.len(), grants.iter().filter_map(|grant| self.losses.get(grant)).sum())
    }

    /// Goes one grant deeper: never deeper than the best set is large, so the stack stays small.
    fn descend(&mut self, chosen: &mut Vec<Grant>) {
        if self.budget == 0 {
            return;
        }
        self.budget -= 1;
        let open: Vec<&BTreeSet<Grant>> =
            self.sets.iter().copied().filter(|set| !chosen.iter().any(|grant| set.contains(grant))).collect();
        let Some(next) = open.iter().min_by_key(|set| set.len()) else {
            if self.cost(chosen) < self.cost(&self.best) {
                self.best = chosen.clone();
            }
            return;
        };
        // Lists that share nothing need a grant each.
        let mut apart: Vec<&BTreeSet<Grant>> = Vec::new();
        for set in &open {
            if apart.iter().all(|other| other.is_disjoint(set)) {
                apart.push(set);
            }
        }
        if chosen.len() + apart.len() > self.best.len() {
            return;
        }
        let mut grants: Vec<Grant> = next.iter().copied().collect();
        let hits = |grant: &Grant| open.iter().filter(|set| set.contains(grant)).count();
        grants.sort_by_key(|grant| (std::cmp::Reverse(hits(grant)), self.losses.get(grant).copied(), *grant));
        for grant in grants {
            chosen.push(grant);
            self.descend(chosen);
            chosen.pop();
        }
    }
}

/// What hits most paths first.
fn by_hits(known: &BTreeSet<Vec<Grant>>, chosen: Vec<Grant>) -> Vec<Grant> {
    let mut open: Vec<&Vec<Grant>> = known.iter().collect();
    let mut rest = chosen;
    let mut order = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        let hits = |grant: &Grant| open.iter().filter(|path| path.contains(grant)).count();
        let best = (0..rest.len()).max_by_key(|&at| (hits(&rest[at]), std::cmp::Reverse(rest[at]))).unwrap_or(0);
        let grant = rest.remove(best);
        open.retain(|path| !path.contains(&grant));
        order.push(grant);
    }
    order
}

/// What severs most first, by solving again without each.
fn by_trial(
    solve: &dyn Fn(&[Grant]) -> Vec<Finding>,
    before: &Paths,
    level: Severity,
    order: Vec<Grant>,
) -> Vec<Grant> {
    let (mut rest, mut gone) = (order, Vec::new());
    while rest.len() > 1 {
        let left = |grant: &Grant| {
            let now = solve(&[gone.as_slice(), &[*grant]].concat());
            before.left(&Paths::of(&now, level)).pairs.len()
        };
        let best = (0..rest.len()).min_by_key(|&at| (left(&rest[at]), at)).unwrap_or(0);
        gone.push(rest.remove(best));
    }
    gone.extend(rest);
    gone
}

/// Removes one after the other and counts what is left.
fn count(
    solve: &dyn Fn(&[Grant]) -> Vec<Finding>,
    before: &Paths,
    level: Severity,
    known: &BTreeSet<Vec<Grant>>,
    order: Vec<Grant>,
) -> Vec<Chosen> {
    let (mut pairs, mut starts) = (before.pairs.len(), before.starts().len());
    let mut gone: Vec<Grant> = Vec::new();
    let mut counted = Vec::with_capacity(order.len());
    let many = order.len() > COUNTED;
    for grant in order {
        gone.push(grant);
        if many {
            // Of so many each is told by the paths that are known to use it.
            let severs = known.iter().filter(|path| path.contains(&grant)).count();
            counted.push(Chosen { grant, severs, frees: 0 });
            continue;
        }
        let now = solve(&gone);
        let left = before.left(&Paths::of(&now, level));
        let (pairs_left, starts_left) = (left.pairs.len(), left.starts().len());
        counted.push(Chosen {
            grant,
            severs: pairs.saturating_sub(pairs_left),
            frees: starts.saturating_sub(starts_left),
        });
        (pairs, starts) = (pairs.min(pairs_left), starts.min(starts_left));
    }
    counted
}
