//! Walks from those who may start to what is worth reaching. Forward saturation decides; a walk backwards from the targets says
//! beforehand what can lead to one at all.

mod alone;
mod alternatives;
mod begin;
mod groups;
mod shared;
mod tell;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::attack::{Attack, Fact, Links, Marks, Place, RoleKey, SecretIx, Step, Version};
use super::azure::{self, AzureTarget, AzureWanted};
use super::finding::{Evidence, Finding, Start, StepDone, Target, fingerprint, severity};
use super::pins::{self, Names, Pin};
use crate::both::both;
use crate::graph::azure::{AssignmentIx, ScopeIx};
use crate::graph::{AccessGraph, AndOr, BindingIx, Far, Link, RoleIx, Surely, WORTH, Walker, Within};
use crate::model::{Action, ClusterId, Subject};
use crate::query::TokenMode;
use crate::query::{Filter, SystemFilter, Where, who_can};
use alone::Alone;
use begin::{Begin, sources};
use groups::Groups;
use tell::steps_of;

/// What is looked for.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// The cluster.
    pub cluster: ClusterId,
    /// Only from here, whether or not a binding names it.
    pub from: Option<Start>,
    /// Where somebody starts who is asked for, also from each of these.
    pub beside: Vec<Start>,
    /// Only to these targets, sorted; without any, to whatever is worth reaching.
    pub to: Vec<Target>,
    /// Only to being allowed this, whatever else is worth reaching.
    pub access: Option<Access>,
    /// What to do with system subjects that could start.
    pub system: SystemFilter,
    /// No finding of more steps.
    pub max_steps: Option<usize>,
    /// Also what is left when the starting grant is gone.
    pub alternatives: bool,
    /// Bindings that are taken to be gone.
    pub without: BTreeSet<BindingIx>,
    /// Rules of roles, by their places, that are taken to be gone.
    pub without_rules: BTreeSet<(RoleIx, u32)>,
    /// Secrets that are taken to be gone.
    pub without_secrets: BTreeSet<SecretIx>,
    /// The version of the server; without it, what any version lets through counts.
    pub version: Option<Version>,
    /// Also the paths that something stops.
    pub blocked: bool,
    /// Only to this in Azure.
    pub azure: Option<AzureWanted>,
    /// Role assignments of Azure that are taken to be gone.
    pub without_assignments: BTreeSet<AssignmentIx>,
    /// As if every operator of ASO worked so.
    pub assume: Option<TokenMode>,
    /// What names of bindings that have to be made may be used for; anything, unless it is known better.
    pub names: Names,
}

impl Ask {
    /// Those who start, where somebody is asked for.
    pub(super) fn starts(&self) -> impl Iterator<Item = Start> {
        self.from.into_iter().flat_map(|from| [from].into_iter().chain(self.beside.iter().copied()))
    }
}

/// One request, and where.
#[derive(Clone, Debug)]
pub struct Access {
    /// The request.
    pub action: Action,
    /// Where.
    pub place: Where,
}

/// What is found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Escalations {
    /// The findings, most severe first.
    pub findings: Vec<Finding>,
    /// The paths that something stops; only how many there are, unless they are asked for.
    pub blocked: Vec<Finding>,
    /// How many paths something stops.
    pub stopped: usize,
    /// Who holds a target without any step.
    pub holders: Vec<Holders>,
    /// The platform's own add-ons, that hold power by design: counted, and listed only when system subjects are shown.
    pub platform: Vec<Platform>,
    /// How many subjects were left out that hold only what Kubernetes itself gives them.
    pub hidden: usize,
    /// How many subjects have the paths of a group they are in, and none that starts with a grant of their own.
    pub inherited: usize,
    /// The findings of more steps than were asked for.
    pub longer: Vec<Finding>,
}

impl Escalations {
    /// Who can reach which target by whatever is found, be it by more steps than were asked for.
    pub fn reached(&self) -> Vec<(Target, Vec<Start>)> {
        self.findings.iter().chain(&self.longer).map(|finding| (finding.target, finding.from.clone())).collect()
    }
}

/// Those who hold a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holders {
    /// The target.
    pub target: Target,
    /// Who.
    pub from: Vec<Start>,
}

/// An add-on of the platform, and what it could do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform {
    /// Who.
    pub from: Start,
    /// How many targets it reaches.
    pub paths: usize,
    /// How many targets it holds without any step.
    pub holds: usize,
}

/// Everything that is found.
pub fn escalations(graph: &AccessGraph, ask: &Ask) -> Escalations {
    let _stage = tracing::debug_span!("solve").entered();
    let attack = Attack::new(graph, ask);
    let mut found = solve(&attack, ask);
    if ask.alternatives {
        for finding in &mut found.findings {
            finding.alternatives = alternatives::alternatives(graph, ask, finding);
        }
    }
    found
}

/// The same without alternatives, from a graph that leaves nothing out.
#[cfg(test)]
pub(super) fn escalations_slowly(graph: &AccessGraph, ask: &Ask) -> Escalations {
    solve(&Attack::slowly(graph, ask), ask)
}

fn solve(attack: &Attack<'_>, ask: &Ask) -> Escalations {
    let mut found = Escalations::default();
    let (links, facts) = (attack.links(), attack.facts.len());
    tracing::debug!("{facts} things that somebody might come to, {} steps to them", links.count());
    let worth = links.count() as usize >= WORTH;
    let ((sources, platform), whole) = both(worth, || sources(attack, ask, &mut found.hidden), || whole(links, facts));
    // Whoever comes to cluster-admin comes out into Azure as well, so that is looked for by itself.
    let of_azure = |&(_, target): &(u32, Target)| matches!(target, Target::Azure(_));
    let (azure, inside): (Vec<_>, Vec<_>) = goals(attack, ask).into_iter().partition(of_azure);
    search((attack, &whole), ask, &inside.into_iter().collect(), &sources, &platform, &mut found);
    // Whoever is cluster-admin has everything that the cluster has in Azure, which goes without saying.
    let admins = found.holders.iter().filter(|holders| holders.target == Target::ClusterAdmin);
    let admins: BTreeSet<Start> = admins.flat_map(|holders| holders.from.iter().copied()).collect();
    let others: Vec<Begin> = sources.into_iter().filter(|source| !admins.contains(&source.from)).collect();
    search((attack, &whole), ask, &azure.into_iter().collect(), &others, &platform, &mut found);
    sort(&mut found.findings);
    sort(&mut found.blocked);
    found.platform.sort_by_key(|own| own.from);
    found.platform = merged(std::mem::take(&mut found.platform));
    found
}

/// Each add-on once.
fn merged(all: Vec<Platform>) -> Vec<Platform> {
    let mut found: Vec<Platform> = Vec::with_capacity(all.len());
    for own in all {
        match found.last_mut().filter(|last| last.from == own.from) {
            Some(last) => (last.paths, last.holds) = (last.paths + own.paths, last.holds + own.holds),
            None => found.push(own),
        }
    }
    found
}

/// Adds what is found of some targets.
fn search(
    (attack, whole): (&Attack<'_>, &AndOr),
    ask: &Ask,
    goals: &FxHashMap<u32, Target>,
    sources: &[Begin],
    platform: &[Begin],
    found: &mut Escalations,
) {
    if goals.is_empty() {
        return;
    }
    let starts: Vec<u32> = sources.iter().chain(platform).flat_map(|source| source.facts.iter().copied()).collect();
    let walk = |among: Among<'_>, tells: bool, counts: fn(Marks) -> bool| {
        Walk::new(attack, ask, goals, among, &starts, tells, counts)
    };
    let open = walk((whole, None), true, |step| !step.is_blocked());
    let free = walk((&open.graph, Some(&open.steps)), false, |step| !step.is_blocked() && !step.is_move());
    let mut had = free.targets(sources);
    let mut holders: BTreeMap<Target, Vec<Start>> = BTreeMap::new();
    for (source, had) in sources.iter().zip(&had) {
        for &target in &had.all {
            holders.entry(target).or_default().push(source.from);
        }
    }
    found.holders.extend(holders.into_iter().map(|(target, from)| Holders { target, from }));
    found.platform.extend(by_design(ask, &free, &open, platform));

    let paths = paths(&open, ask, sources, &mut had);
    found.inherited += paths.inherited;
    found.findings.extend(finish(attack, ask, paths, &mut found.longer));

    let is_left = |had: &Had| !had.has(Target::ClusterAdmin);
    if had.iter().any(is_left) && (0..attack.count()).any(|step| attack.links().marks(step).is_blocked()) {
        let all = walk((whole, None), true, |_| true);
        let paths = self::paths(&all, ask, sources, &mut had);
        found.stopped += paths.found.findings().iter().filter(|finding| !is_longer(ask, finding)).count();
        if ask.blocked {
            found.blocked.extend(finish(attack, ask, paths, &mut Vec::new()));
        }
    }
}

/// What somebody has already.
#[derive(Default)]
struct Had {
    all: FxHashSet<Target>,
    /// Those of Kubernetes that are a part of nothing else of their kind.
    wide: Vec<Target>,
    /// Power in Azure, by its scope.
    powers: FxHashMap<ScopeIx, Vec<Target>>,
    /// What is had with others.
    shared: Vec<Rc<Had>>,
}

impl Had {
    /// Whether this very target is had.
    fn has(&self, target: Target) -> bool {
        self.all.contains(&target) || self.shared.iter().any(|had| had.has(target))
    }

    fn add(&mut self, target: Target) {
        let is_new = self.shared.iter().all(|had| !had.has(target)) && self.all.insert(target);
        if is_new && !target.is_single() {
            match target {
                Target::Azure(AzureTarget::Power { scope, .. }) => self.powers.entry(scope).or_default().push(target),
                _ => self.wide.push(target),
            }
        }
    }

    /// Whether a target is had, by itself or as a part of another one.
    fn covers(&self, attack: &Attack<'_>, target: Target) -> bool {
        self.has(target) || self.has_more(attack, target)
    }

    /// Whether everything is had of what was asked for that is a part of a target.
    fn has_all(&self, ask: &Ask, target: Target) -> bool {
        let mut parts = ask.to.iter().filter(|&&to| to != target && target.covers(to)).peekable();
        !ask.to.contains(&target) && parts.peek().is_some() && parts.all(|&to| self.has(to))
    }

    /// Whether something is had that a target is a part of. Power in Azure is a part of power in the same scope or one above it.
    fn has_more(&self, attack: &Attack<'_>, target: Target) -> bool {
        if self.shared.iter().any(|had| had.has_more(attack, target)) {
            return true;
        }
        let is_more = |had: &Target| *had != target && had.covers(target);
        if let Target::Azure(AzureTarget::Power { scope, .. }) = target {
            let above = attack.scopes_above(scope);
            return above.filter_map(|scope| self.powers.get(&scope)).flatten().any(is_more);
        }
        let by_its_namespace =
            matches!(target, Target::Secrets(place) if self.all.contains(&Target::NamespaceAdmin(place)));
        by_its_namespace || self.wide.iter().any(is_more)
    }
}

/// What the platform's add-ons reach and hold; those that do neither are left out.
fn by_design(ask: &Ask, free: &Walk<'_, '_>, open: &Walk<'_, '_>, platform: &[Begin]) -> Vec<Platform> {
    let mut had = free.targets(platform);
    let holds: Vec<usize> = had.iter().map(|had| had.all.len()).collect();
    let paths = paths(open, ask, platform, &mut had);
    let own = platform.iter().zip(holds).map(|(&Begin { from, .. }, holds)| {
        let is_of = |finding: &&Finding| finding.from.contains(&from);
        Platform { from, paths: paths.found.findings().iter().filter(is_of).count(), holds }
    });
    own.filter(|own| own.paths + own.holds > 0).collect()
}

/// Those of the steps of a graph that lead to a goal and that somebody comes to.
fn of_use(graph: &AndOr, goals: &[u32], starts: &[u32], counts: impl Fn(u32) -> bool + Sync) -> Vec<u32> {
    let (leads, comes) = both(
        graph.is_large(),
        || graph.at_least_over(goals, &counts),
        || graph.all_from(starts.iter().copied(), &counts),
    );
    let of_use = |&at: &u32| {
        leads.of(graph.gain(at)).is_some() && graph.needs(at).iter().all(|&need| comes[need as usize]) && counts(at)
    };
    (0..u32::try_from(graph.steps()).unwrap_or(u32::MAX)).filter(of_use).collect()
}

/// The graph of which some steps are taken, and the number in the attack graph of each step of it, where that is another one.
type Among<'a> = (&'a AndOr, Option<&'a [u32]>);

/// A graph of some of the steps, with what is looked for in it.
struct Walk<'w, 'g> {
    attack: &'w Attack<'g>,
    graph: AndOr,
    /// The number in the attack graph of each step.
    steps: Vec<u32>,
    goals: &'w FxHashMap<u32, Target>,
    /// The fewest steps from which each fact could lead to a goal.
    leads: Far,
    /// What is looked for one by one: what was asked for by itself, or else cluster-admin, which has everything else.
    aims: Vec<Aim>,
    /// Cluster-admin, where something else was asked for that comes with it.
    admin: Option<Aim>,
    /// What is less than cluster-admin and has what was asked for as a part.
    wider: Option<Aim>,
    /// Whether there is anything to be reached but that.
    has_wider: bool,
    /// Whether the steps are asked for, or only what is reached.
    tells: bool,
    /// The steps that count.
    counts: fn(Marks) -> bool,
}

/// The graph of all steps, those that are stopped included: what walks are made of.
fn whole(links: &Links, facts: usize) -> AndOr {
    let link = |at: u32| Link { needs: links.needs(at), gain: links.gain(at), free: links.marks(at).is_free() };
    AndOr::new(facts, (0..links.count()).map(link))
}

/// How many more rounds than the fewest are walked first, and what if that was not enough: most paths are about as short as they can be.
const SPARE: [u32; 6] = [0, 1, 2, 4, 8, u32::MAX];

/// The most rounds of one walk after the other, where it takes these at least and at most.
fn bounds(fewest: u32, longest: u32) -> impl Iterator<Item = u32> {
    let mut all: Vec<u32> = SPARE.iter().map(|&spare| fewest.saturating_add(spare).min(longest)).collect();
    all.dedup();
    all.into_iter()
}

/// A target that is looked for by itself.
struct Aim {
    target: Target,
    /// The facts that are it, sorted.
    facts: Vec<u32>,
    /// The fewest steps to it from each fact, and the surest.
    least: Far,
    surely: Surely,
    /// Whether the graph is sorted for it.
    sorted: bool,
}

/// A target that was reached, and how.
#[derive(Clone)]
#[cfg_attr(test, derive(Debug, PartialEq))]
struct Path {
    target: Target,
    steps: Vec<Rc<StepDone>>,
}

impl<'w, 'g> Walk<'w, 'g> {
    fn new(
        attack: &'w Attack<'g>,
        ask: &Ask,
        goals: &'w FxHashMap<u32, Target>,
        (among, numbers_of): Among<'_>,
        starts: &[u32],
        tells: bool,
        counts: fn(Marks) -> bool,
    ) -> Walk<'w, 'g> {
        let numbers: Vec<u32> = goals.keys().copied().collect();
        let number = |at: u32| numbers_of.map_or(at, |numbers| numbers[at as usize]);
        let links = attack.links();
        let mut of_use = of_use(among, &numbers, starts, |at| counts(links.marks(number(at))));
        // Of the steps that bring a fact in one round a walk takes the first.
        of_use.sort_by_key(|&at| links.marks(number(at)).doubt());
        let mut graph = AndOr::of(among, &of_use);
        let steps: Vec<u32> = of_use.into_iter().map(number).collect();
        let aim = |wanted: Target, is: &dyn Fn(Target) -> bool| {
            let mut facts: Vec<u32> = goals.iter().filter(|&(_, &own)| is(own)).map(|(&fact, _)| fact).collect();
            facts.sort_unstable();
            let (least, surely) = both(graph.is_large(), || graph.at_least(&facts), || graph.surely(&facts));
            Aim { target: wanted, facts, least, surely, sorted: false }
        };
        let asked: Vec<Target> = ask.to.iter().copied().filter(|_| ask.access.is_none()).collect();
        let is_goal = goals.values().any(|&target| target == Target::ClusterAdmin);
        let has_wider = goals.values().any(|target| !asked.contains(target));
        let is_wider = |target: Target| target != Target::ClusterAdmin && !asked.contains(&target);
        let wider = (tells && asked.len() == 1).then(|| aim(Target::Access, &is_wider));
        let wider = wider.filter(|wider| !wider.facts.is_empty());
        let aim = |wanted: Target| aim(wanted, &|own| own == wanted);
        let admin = (is_goal && !asked.contains(&Target::ClusterAdmin)).then(|| aim(Target::ClusterAdmin));
        let (mut aims, admin) = match asked.is_empty() {
            true => (admin.into_iter().collect(), None),
            false => (asked.into_iter().map(aim).collect::<Vec<Aim>>(), admin),
        };
        // The bounds are nearer where only such steps are left.
        let leads = graph.at_least(&numbers);
        if let Some(first) = aims.first_mut() {
            graph.nearest_first(&first.least);
            first.sorted = true;
        }
        Walk { attack, graph, steps, goals, leads, aims, admin, wider, has_wider, tells, counts }
    }

    /// The same to some of the goals, for some of those who start, where nothing is looked for by itself.
    fn towards<'v>(&self, goals: &'v FxHashMap<u32, Target>, starts: &[u32]) -> Walk<'v, 'g>
    where
        'w: 'v,
    {
        let numbers: Vec<u32> = goals.keys().copied().collect();
        let of_use = of_use(&self.graph, &numbers, starts, |_| true);
        let graph = AndOr::of(&self.graph, &of_use);
        let steps: Vec<u32> = of_use.into_iter().map(|at| self.steps[at as usize]).collect();
        let leads = graph.at_least(&numbers);
        Walk {
            attack: self.attack,
            graph,
            steps,
            goals,
            leads,
            aims: Vec::new(),
            admin: None,
            wider: None,
            has_wider: true,
            tells: self.tells,
            counts: self.counts,
        }
    }

    /// A step of the walk's own graph.
    fn step(&self, at: u32) -> Step<'w> {
        self.attack.step_at(self.steps[at as usize])
    }

    /// What one of those who start begins with, as far as it leads anywhere.
    fn start(&self, source: &Begin) -> Vec<u32> {
        source.facts.iter().copied().filter(|&fact| self.leads.of(fact).is_some()).collect()
    }

    /// A shortest path to an aim; empty without one. Most are known beforehand: where nothing shorter can be, the surest is the
    /// shortest.
    fn to(&self, aim: &Aim, walker: &mut Walker<'_>, memo: &mut Memo<'_, '_>, start: &[u32]) -> Rc<[Path]> {
        let far = |fact: u32| aim.least.of(fact).unwrap_or(u32::MAX);
        let fewest = start.iter().map(|&fact| far(fact)).min().filter(|&far| far != u32::MAX);
        let Some(fewest) = fewest else { return Rc::default() };
        // The first of those that are equally good, which is their own where it can be.
        let sure = start.iter().filter_map(|&fact| Some((aim.surely.distance(fact)?, fact)));
        let (longest, from) = sure.min_by_key(|&(far, _)| far).unwrap_or((u32::MAX - 1, u32::MAX));
        if longest == fewest {
            return self.known(memo, (Some(aim.target), vec![from], longest), |_| {
                walker.take(from, aim.surely.way(&self.graph, from));
                self.nearest(walker, aim)
            });
        }
        if let Some(alone) = memo.alone.as_mut() {
            let found = alone.nearest(start, aim, (fewest, longest));
            #[cfg(test)]
            assert_eq!(
                found,
                self.within(aim, walker, &mut Memo::default(), start, (fewest, longest)).first().cloned()
            );
            return found.into_iter().collect();
        }
        self.within(aim, walker, memo, start, (fewest, longest))
    }

    /// The same by walks that are bounded ever more widely.
    fn within(
        &self,
        aim: &Aim,
        walker: &mut Walker<'_>,
        memo: &mut Memo<'_, '_>,
        start: &[u32],
        (fewest, longest): (u32, u32),
    ) -> Rc<[Path]> {
        let far = |fact: u32| aim.least.of(fact).unwrap_or(u32::MAX);
        for most in bounds(fewest, longest) {
            let near: Vec<u32> = start.iter().copied().filter(|&fact| far(fact) <= most).collect();
            let found = self.known(memo, (Some(aim.target), near, most), |near| {
                let within = Within { least: &aim.least, most, sorted: aim.sorted };
                walker.walk(near, Some(within), |fact| aim.facts.binary_search(&fact).is_ok());
                self.nearest(walker, aim)
            });
            if !found.is_empty() {
                return found;
            }
        }
        Rc::default()
    }

    /// What is reached from a start, but for what is a part of something else; of what was asked for each by itself, and what is
    /// more only where it is not reached.
    fn from(&self, walker: &mut Walker<'_>, memo: &mut Memo<'_, '_>, start: &[u32]) -> Rc<[Path]> {
        if start.is_empty() {
            return Rc::default();
        }
        let found: Vec<Rc<[Path]>> = self.aims.iter().map(|aim| self.to(aim, walker, memo, start)).collect();
        let missing = found.is_empty() || found.iter().any(|paths| paths.is_empty());
        let more = if missing && self.has_wider {
            let admin = self.admin.as_ref().map(|admin| self.to(admin, walker, memo, start));
            match admin.filter(|paths| !paths.is_empty()) {
                Some(admin) => self.less(&admin, walker, memo, start).unwrap_or(admin),
                None => self.all(walker, memo, start),
            }
        } else {
            Rc::default()
        };
        match &found[..] {
            [] => more,
            [one] if !one.is_empty() => self.less(one, walker, memo, start).unwrap_or_else(|| Rc::clone(one)),
            [_] => more,
            _ => {
                let exact: Vec<&Path> = found.iter().flat_map(|paths| paths.iter()).collect();
                let more = more.iter().filter(|path| exact.iter().all(|own| own.target != path.target));
                exact.iter().copied().chain(more).cloned().collect()
            }
        }
    }

    /// What is reached by fewer steps than something else and has what was asked for as a part: whoever is root on any node is on
    /// the one, and cluster-admin is everywhere.
    fn less(
        &self,
        than: &[Path],
        walker: &mut Walker<'_>,
        memo: &mut Memo<'_, '_>,
        start: &[u32],
    ) -> Option<Rc<[Path]>> {
        let far = |paths: &[Path]| paths.iter().map(|path| path.steps.len()).min();
        let wider = [&self.wider, &self.admin].into_iter().flatten();
        let found = wider.map(|aim| self.to(aim, walker, memo, start)).filter(|paths| !paths.is_empty());
        found.min_by_key(|paths| far(paths)).filter(|paths| far(paths) < far(than))
    }

    /// Everything that is reached from a start.
    fn all(&self, walker: &mut Walker<'_>, memo: &mut Memo<'_, '_>, start: &[u32]) -> Rc<[Path]> {
        self.known(memo, (None, start.to_vec(), u32::MAX), |start| {
            walker.walk(start, None, |_| false);
            let goals = walker.found().iter().copied().filter(|fact| self.goals.contains_key(fact));
            self.reached(walker, &goals.collect::<Vec<_>>())
        })
    }

    /// Whether one walk does for all who begin alike: nothing is looked for by itself, and no path has to be settled.
    fn shares(&self, ask: &Ask) -> bool {
        let all = ask.from.is_none() && ask.to.is_empty() && ask.access.is_none();
        all && self.attack.is_thrifty() && !self.attack.may_clash()
    }

    /// What is reached where an aim is, or where nothing else can be; none where everything is to be looked for.
    fn nearest_aim(&self, walker: &mut Walker<'_>, memo: &mut Memo<'_, '_>, start: &[u32]) -> Option<Rc<[Path]>> {
        let found = self.aims.first().filter(|_| !start.is_empty()).map(|aim| self.to(aim, walker, memo, start));
        let found = found.filter(|paths| !paths.is_empty());
        match found {
            None if self.has_wider && !start.is_empty() => None,
            found => Some(found.unwrap_or_default()),
        }
    }

    /// The path to an aim that a walk came to.
    fn nearest(&self, walker: &Walker<'_>, aim: &Aim) -> Vec<Path> {
        let nearest = aim.facts.iter().filter_map(|&fact| Some((walker.round(fact)?, fact))).min();
        nearest.map(|(_, fact)| self.reached(walker, &[fact])).unwrap_or_default()
    }

    /// What a walk finds, unless the same walk was done already.
    fn known(&self, memo: &mut Memo<'_, '_>, key: MemoKey, walk: impl FnOnce(&[u32]) -> Vec<Path>) -> Rc<[Path]> {
        if let Some(known) = memo.known.get(&key) {
            return Rc::clone(known);
        }
        let found: Rc<[Path]> = walk(&key.1).into();
        // What one of those who start has for itself, nobody else begins with.
        if !memo.own.is_some_and(|own| key.1.contains(&own)) {
            memo.known.insert(key, Rc::clone(&found));
        }
        found
    }

    /// The widest of the goals that a walk came to, with the steps to them.
    fn reached(&self, walker: &Walker<'_>, goals: &[u32]) -> Vec<Path> {
        let reached = goals.iter().filter_map(|&fact| Some((walker.round(fact)?, fact, *self.goals.get(&fact)?)));
        let mut reached: Vec<(u32, u32, Target)> = reached.collect();
        // Of facts that are one target the nearest comes first.
        reached.sort_unstable();
        let reached = reached.into_iter().map(|(_, fact, target)| (fact, target)).collect();
        let path = |(fact, target)| {
            let steps = if self.tells { steps_of(self, walker, fact) } else { Vec::new() };
            Path { target, steps }
        };
        widest(self.attack, reached).into_iter().map(path).collect()
    }

    /// The targets that each of those who start comes to.
    fn targets(&self, sources: &[Begin]) -> Vec<Had> {
        let (mut walker, mut memo) = (Walker::new(&self.graph), Memo::default());
        let targets = |source: &Begin| {
            let mut had = Had::default();
            let start = self.start(source);
            memo.begin(self.attack, source);
            for path in self.from(&mut walker, &mut memo, &start).iter() {
                had.add(path.target);
            }
            had
        };
        sources.iter().map(targets).collect()
    }
}

/// What a walk looked for, where it began, and how far it went.
type MemoKey = (Option<Target>, Vec<u32>, u32);

/// Walks that were done.
#[derive(Default)]
struct Memo<'w, 'g> {
    known: FxHashMap<MemoKey, Rc<[Path]>>,
    /// What nobody else begins with.
    own: Option<u32>,
    /// What walks for those who start, where nobody begins with what many others begin with.
    alone: Option<Alone<'w, 'g>>,
}

impl Memo<'_, '_> {
    fn begin(&mut self, attack: &Attack<'_>, source: &Begin) {
        self.own = source.own(attack);
    }
}

/// Paths, grouped.
#[derive(Default)]
struct Paths {
    found: Groups,
    inherited: usize,
}

/// The paths of all who start to what they do not have yet; what they reach is added to what they have.
fn paths(walk: &Walk<'_, '_>, ask: &Ask, sources: &[Begin], had: &mut [Had]) -> Paths {
    let attack = walk.attack;
    let starts: Vec<Vec<u32>> = sources.iter().map(|source| walk.start(source)).collect();
    let alone = shared::common(starts.iter().map(Vec::as_slice)).is_empty().then(|| Alone::new(walk));
    let (mut walker, mut memo) = (Walker::new(&walk.graph), Memo { alone, ..Memo::default() });
    let mut paths = Paths::default();
    let mut own = shared::Own::new(sources.len());
    let mut rest = Vec::new();
    let shares = walk.shares(ask);
    let mut from = |(at, ((source, had), start)): (usize, ((&Begin, &Had), Vec<u32>))| {
        if had.has(Target::ClusterAdmin) {
            return Rc::default();
        }
        memo.begin(attack, source);
        if !shares {
            return walk.from(&mut walker, &mut memo, &start);
        }
        let nearest = walk.nearest_aim(&mut walker, &mut memo, &start);
        nearest.unwrap_or_else(|| {
            rest.push((at, source.from, start));
            Rc::default()
        })
    };
    let mut reached: Vec<Rc<[Path]>> = sources.iter().zip(&*had).zip(starts).enumerate().map(&mut from).collect();
    settle(walk, ask, sources, &mut reached);
    for (at, ((&Begin { from: source, .. }, had), reached)) in
        sources.iter().zip(had.iter_mut()).zip(reached).enumerate()
    {
        for path in reached.iter().filter(|path| path.target.start() != Some(source)) {
            if !had.covers(attack, path.target) && !had.has_all(ask, path.target) {
                had.add(path.target);
                own.add(at, source, ask, attack, path.clone());
            }
        }
    }
    shared::rest(walk, ask, &rest, had, &mut own);
    for (source, (found, inherits)) in sources.iter().zip(own.of_each) {
        for Path { target, steps } in found {
            paths.found.add(source.from, target, steps);
        }
        paths.inherited += usize::from(inherits);
    }
    paths
}

/// Has every path use each name of a binding for one role at a time. Those who have a path that does not are looked at once more,
/// all together, as often as it takes.
fn settle(walk: &Walk<'_, '_>, ask: &Ask, sources: &[Begin], reached: &mut [Rc<[Path]>]) {
    let graph = walk.attack.graph;
    let is_azure = |target: &Target| matches!(target, Target::Azure(_));
    let in_azure = walk.goals.values().any(is_azure);
    let mut open: BTreeMap<Names, Vec<usize>> = BTreeMap::new();
    let mut found: BTreeMap<usize, Vec<Path>> = BTreeMap::new();
    for (at, paths) in reached.iter_mut().enumerate() {
        match settled(graph, ask, sources[at].from, paths) {
            Ok(None) => {}
            Ok(Some(settled)) => *paths = settled,
            Err(pin) => ask.names.both(pin).into_iter().for_each(|names| open.entry(names).or_default().push(at)),
        }
    }
    while let Some((names, whose)) = open.pop_first() {
        let own = Ask { names, ..ask.clone() };
        let attack = walk.attack.again(&own);
        let goals = goals(&attack, &own).into_iter().filter(|(_, target)| is_azure(target) == in_azure).collect();
        let own_sources: Vec<Begin> = whose.iter().map(|&at| Begin::new(&attack, sources[at].from)).collect();
        let starts: Vec<u32> = own_sources.iter().flat_map(|source| source.facts.iter().copied()).collect();
        let whole = whole(attack.links(), attack.facts.len());
        let walk = Walk::new(&attack, &own, &goals, (&whole, None), &starts, true, walk.counts);
        let (mut walker, mut memo) = (Walker::new(&walk.graph), Memo::default());
        for (at, source) in whose.into_iter().zip(&own_sources) {
            memo.begin(&attack, source);
            let paths = walk.from(&mut walker, &mut memo, &walk.start(source));
            match settled(graph, &own, source.from, &paths) {
                Ok(settled) => found.entry(at).or_default().extend_from_slice(&settled.unwrap_or(paths)),
                Err(pin) => {
                    found.entry(at).or_default();
                    own.names.both(pin).into_iter().for_each(|names| open.entry(names).or_default().push(at));
                }
            }
        }
    }
    for (at, paths) in found {
        reached[at] = best(walk.attack, ask, paths).into();
    }
}

/// Paths in which each name of a binding serves one role at a time, where that takes another order; or the first name that does not.
fn settled(graph: &AccessGraph, ask: &Ask, from: Start, paths: &Rc<[Path]>) -> Result<Option<Rc<[Path]>>, Pin> {
    if paths.iter().all(|path| pins::clash(&path.steps).is_none()) {
        return Ok(None);
    }
    let in_turn = |path: &Path| match pins::clash(&path.steps) {
        None => Ok(path.clone()),
        Some(pin) => {
            let steps = pins::in_turn(graph, ask, from, path.target, &path.steps).ok_or(pin)?;
            Ok(Path { target: path.target, steps })
        }
    };
    paths.iter().map(in_turn).collect::<Result<_, _>>().map(Some)
}

/// The shortest path to each target, but for what is a part of something else; of what was asked for each by itself, and what is
/// more only where it is not reached.
fn best(attack: &Attack<'_>, ask: &Ask, mut paths: Vec<Path>) -> Vec<Path> {
    paths.sort_by_key(|path| (path.target, path.steps.len()));
    paths.dedup_by_key(|path| path.target);
    let is_asked = |target: Target| ask.access.is_none() && ask.to.contains(&target);
    let missing = ask.to.iter().any(|&to| paths.iter().all(|path| path.target != to));
    let mut had = Had::default();
    paths.iter().filter(|path| !is_asked(path.target)).for_each(|path| had.add(path.target));
    let more = |target: Target| (ask.to.is_empty() || missing) && !had.has_more(attack, target);
    paths.retain(|path| is_asked(path.target) || more(path.target));
    paths
}

/// The findings of paths; those of more steps than were asked for are put apart.
fn finish(attack: &Attack<'_>, ask: &Ask, paths: Paths, longer: &mut Vec<Finding>) -> Vec<Finding> {
    let mut findings = Vec::with_capacity(paths.found.findings().len());
    for mut finding in paths.found.into_findings() {
        (finding.severity, finding.reasons) = severity(attack.graph, &finding.from, finding.target, &finding.steps);
        finding.fingerprint = fingerprint(attack.graph, &finding);
        if is_longer(ask, &finding) { &mut *longer } else { &mut findings }.push(finding);
    }
    findings
}

/// Whether a finding has more steps than were asked for.
fn is_longer(ask: &Ask, finding: &Finding) -> bool {
    ask.max_steps.is_some_and(|most| finding.moves() > most)
}

/// Most severe first.
fn sort(findings: &mut [Finding]) {
    findings.sort_by_cached_key(|finding| {
        let Finding { severity, target, from, .. } = finding;
        (Reverse(*severity), *target, finding.moves(), finding.start(), from.clone())
    });
}

/// Whether a step uses a grant of a subject's own.
fn uses(graph: &AccessGraph, step: &StepDone, subject: Subject) -> bool {
    let names = |&binding: &BindingIx| {
        let subjects = graph.snapshot().subjects.set(graph.binding(binding).subjects);
        subjects.iter().any(|&id| graph.snapshot().subjects.get(id) == subject)
    };
    let rights = step.requests.iter().flat_map(|request| &request.rights);
    rights.into_iter().any(|right| matches!(right.evidence, Evidence::Grant { subject: own, .. } if own == subject))
        || step.under.iter().any(names)
}

/// Steps to a target as a finding, of nobody yet.
pub(super) fn bare(target: Target, steps: Vec<Rc<StepDone>>) -> Finding {
    Finding {
        from: Vec::new(),
        target,
        steps,
        severity: super::Severity::Info,
        reasons: Vec::new(),
        fingerprint: String::new(),
        alternatives: Vec::new(),
    }
}

impl Target {
    /// Whether whoever has this has the other as well.
    pub fn covers(self, other: Target) -> bool {
        let within = |own: Place, other: Place| other.covering().any(|place| place == own);
        match (self, other) {
            (Target::Azure(own), Target::Azure(other)) => own.covers(other),
            (_, Target::Azure(_)) => false,
            (Target::ClusterAdmin, _) | (Target::Node(None), Target::Node(_)) => true,
            (Target::NamespaceAdmin(own), Target::NamespaceAdmin(other) | Target::Secrets(other))
            | (Target::Secrets(own), Target::Secrets(other)) => within(own, other),
            _ => self == other,
        }
    }

    /// Whether it is one of many, of which none is a part of another.
    fn is_single(self) -> bool {
        matches!(
            self,
            Target::NamespaceAdmin(Place::Namespace(_))
                | Target::Node(Some(_))
                | Target::Kubeconfig(_)
                | Target::Secret(_)
                | Target::Pod(_)
                | Target::Subject(_)
        ) || matches!(self, Target::Azure(target) if target.is_single())
    }
}

/// Targets that are not a part of others.
fn widest(attack: &Attack<'_>, mut reached: Vec<(u32, Target)>) -> Vec<(u32, Target)> {
    reached.sort_by_key(|&(_, target)| target);
    let mut had = Had::default();
    for &(_, target) in &reached {
        had.add(target);
    }
    reached.retain(|&(_, target)| !had.has_more(attack, target));
    reached
}

/// The facts that are a target.
fn goals(attack: &Attack<'_>, ask: &Ask) -> Vec<(u32, Target)> {
    let classes: Vec<Target> = ask.to.iter().copied().filter(|&to| is_class(to)).collect();
    let target = |fact: &Fact| match *fact {
        Fact::Everything(Place::Cluster) => Some(Target::ClusterAdmin),
        Fact::NamespaceAdmin(place) => Some(Target::NamespaceAdmin(place)),
        Fact::Secrets(place) => Some(Target::Secrets(place)),
        Fact::NewSecrets => Some(Target::Secrets(Place::EachNamespace)),
        Fact::Secret(secret) => Some(Target::Secret(secret)),
        Fact::Nodes => Some(Target::Node(None)),
        Fact::Node(node) => Some(Target::Node(Some(node))),
        Fact::Kubeconfig(secret) => Some(Target::Kubeconfig(secret)),
        Fact::Pod(pod) => Some(Target::Pod(pod)),
        Fact::Acts(subject) => Some(Target::Subject(subject)),
        Fact::Azure(fact) => azure::target(attack, fact),
        _ => None,
    };
    let wanted = |target: &Target| match *target {
        target if !ask.to.is_empty() => {
            ask.to.binary_search(&target).is_ok() || classes.iter().any(|&class| target.covers(class))
        }
        Target::Subject(_) | Target::Secret(_) | Target::Pod(_) => false,
        Target::Secrets(Place::Namespace(namespace)) => attack.graph.text(namespace) == "kube-system",
        _ => true,
    };
    let facts = (0_u32..).zip(&attack.facts);
    if let Some(wanted) = &ask.azure {
        return facts.filter_map(|(id, fact)| Some((id, azure::wanted(attack, wanted, *fact)?))).collect();
    }
    if let Some(access) = &ask.access {
        let gives = gives_access(attack, access);
        return facts.filter(|(_, fact)| gives(fact)).map(|(id, _)| (id, Target::Access)).collect();
    }
    facts.filter_map(|(id, fact)| target(fact).filter(wanted).map(|target| (id, target))).collect()
}

/// Whether a fact lets a request through: to act as somebody who may make it, to be bound to a role that grants it, or everything.
fn gives_access<'a>(attack: &'a Attack<'_>, access: &'a Access) -> impl Fn(&Fact) -> bool + 'a {
    let graph = attack.graph;
    let filter = Filter { system: SystemFilter::Show, keep: &|_| true };
    let rows = who_can(graph, attack.cluster, &access.action, &access.place, filter).rows;
    let may: BTreeSet<Subject> = rows.into_iter().map(|row| row.subject).collect();
    let here = move |place: Place| match &access.place {
        Where::Cluster => place == Place::Cluster,
        Where::Namespace(namespace) => graph.snapshot().names.find(namespace).map_or(
            // A namespace that nothing names is one of all.
            !matches!(place, Place::Namespace(_)),
            |namespace| place.has(namespace),
        ),
        Where::EachNamespace | Where::EachNamespaceObject => true,
    };
    let question = graph.question(&access.action);
    let grants =
        move |role: RoleKey| attack.role(role).is_some_and(|role| graph.allows(graph.role(role).rules, &question));
    move |fact| match *fact {
        Fact::Acts(subject) => may.contains(&subject),
        Fact::Everything(place) => here(place),
        Fact::Bound(role, place) => here(place) && grants(role),
        _ => false,
    }
}

/// Whether a target is one of many of its kind, so that more than it will do.
fn is_class(target: Target) -> bool {
    !matches!(target, Target::Subject(_) | Target::Secret(_) | Target::Pod(_) | Target::Access | Target::Azure(_))
}
