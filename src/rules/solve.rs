//! Walks from those who may start to what is worth reaching. Forward saturation decides; a walk backwards from the targets says
//! beforehand what can lead to one at all.

use std::collections::{BTreeMap, BTreeSet};

use super::attack::{Attack, Effect, Fact, How, Place, RoleKey, groups};
use super::finding::{Evidence, Finding, RequestDone, RightDone, StepDone, Target, fingerprint, severity};
use super::held::{Held, HeldBy, RequestIx, Site};
use super::technique::{Kind, On};
use crate::graph::{AccessGraph, AndOr, BindingIx, Walker};
use crate::model::{ClusterId, Name, Subject};
use crate::query::{SystemFilter, is_system};

/// What is looked for.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// The cluster.
    pub cluster: ClusterId,
    /// Only from this subject, whether or not a binding names it.
    pub from: Option<Subject>,
    /// Only to this target.
    pub to: Option<Target>,
    /// What to do with system subjects that could start.
    pub system: SystemFilter,
    /// No finding of more steps.
    pub max_steps: Option<usize>,
    /// Also what is left when the starting grant is gone.
    pub alternatives: bool,
    /// Bindings that are taken to be gone.
    pub without: BTreeSet<BindingIx>,
}

/// What is found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Escalations {
    /// The findings, most severe first.
    pub findings: Vec<Finding>,
    /// Who holds a target without any step.
    pub holders: Vec<Holders>,
    /// How many system subjects were left out.
    pub hidden: usize,
    /// How many subjects have the paths of a group they are in, and none that starts with a grant of their own.
    pub inherited: usize,
    /// How many findings have more steps than were asked for.
    pub longer: usize,
}

/// Those who hold a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holders {
    /// The target.
    pub target: Target,
    /// Who.
    pub subjects: Vec<Subject>,
}

/// Everything that is found.
pub fn escalations(graph: &AccessGraph, ask: &Ask) -> Escalations {
    let attack = Attack::new(graph, ask.cluster, &ask.without);
    let mut found = solve(&attack, ask);
    if ask.alternatives {
        let mut kept: BTreeMap<(BindingIx, Subject, Target), Vec<Finding>> = BTreeMap::new();
        for finding in &mut found.findings {
            let (Some((start, _)), Some(&first)) = (finding.start(), finding.subjects.first()) else { continue };
            let key = (start, first, finding.target);
            finding.alternatives =
                kept.entry(key).or_insert_with(|| alternatives(graph, ask, first, finding.target, start)).clone();
        }
    }
    found
}

/// What is left for one of those who start when the starting grant is gone, then that of what is left, and so on.
fn alternatives(graph: &AccessGraph, ask: &Ask, from: Subject, target: Target, start: BindingIx) -> Vec<Finding> {
    let mut ask = Ask { from: Some(from), to: Some(target), max_steps: None, alternatives: false, ..ask.clone() };
    let mut cut = Some(start);
    let mut found = Vec::new();
    while let Some(start) = cut.take() {
        ask.without.insert(start);
        let attack = Attack::new(graph, ask.cluster, &ask.without);
        if let Some(finding) = solve(&attack, &ask).findings.into_iter().next() {
            cut = finding.start().map(|(binding, _)| binding);
            found.push(finding);
        }
    }
    found
}

fn solve(attack: &Attack<'_>, ask: &Ask) -> Escalations {
    let steps: Vec<(Vec<u32>, u32)> = attack.steps.iter().map(|step| (step.needs.clone(), step.gain)).collect();
    let all = AndOr::new(attack.facts.len(), &steps);
    let held =
        |step: &&super::attack::Step| !matches!(&step.how, How::Does { technique, .. } if technique.kind == Kind::Move);
    let steps: Vec<(Vec<u32>, u32)> =
        attack.steps.iter().filter(held).map(|step| (step.needs.clone(), step.gain)).collect();
    let without_moves = AndOr::new(attack.facts.len(), &steps);

    let goals = goals(attack, ask);
    let numbers: Vec<u32> = goals.iter().map(|&(fact, _)| fact).collect();
    let leads = all.at_least(&numbers);
    let cluster_admin = attack.find(Fact::Everything(Place::Cluster));
    let (mut walker, mut holding) = (Walker::new(&all), Walker::new(&without_moves));

    let mut found = Escalations::default();
    let mut holders: BTreeMap<Target, Vec<Subject>> = BTreeMap::new();
    let mut by_path: BTreeMap<(Target, String), Finding> = BTreeMap::new();
    for source in sources(attack, ask, &mut found.hidden) {
        let mut start: Vec<u32> = attack.find(Fact::Identity(source)).into_iter().collect();
        start.extend(groups(attack.graph, source).into_iter().filter_map(|group| attack.find(Fact::Identity(group))));
        start.retain(|&fact| leads[fact as usize].is_some());
        if start.is_empty() {
            continue;
        }
        let reached = |walker: &Walker<'_>| -> Vec<(u32, Target)> {
            goals.iter().filter(|&&(fact, _)| walker.round(fact).is_some()).copied().collect()
        };
        let wanted = |fact: u32| leads[fact as usize].is_some();
        holding.walk(&start, wanted, |_| false);
        let held: Vec<Target> = widest(reached(&holding)).into_iter().map(|(_, target)| target).collect();
        for &target in &held {
            holders.entry(target).or_default().push(source);
        }
        if held.contains(&Target::ClusterAdmin) {
            continue;
        }
        walker.walk(&start, wanted, |fact| Some(fact) == cluster_admin && ask.to.is_none());
        let mut inherits = false;
        for (fact, target) in widest(reached(&walker)) {
            if held.iter().any(|held| held.covers(target)) || target == Target::Subject(source) {
                continue;
            }
            let steps = steps_of(attack, &walker, fact);
            let own = |step: &StepDone| uses(attack.graph, step, source);
            if ask.from.is_none() && !steps.iter().any(own) {
                inherits = true;
                continue;
            }
            let key = path_key(target, source, &steps);
            by_path.entry(key).or_insert_with(|| bare(target, steps)).subjects.push(source);
        }
        found.inherited += usize::from(inherits);
    }
    found.holders = holders.into_iter().map(|(target, subjects)| Holders { target, subjects }).collect();
    for (_, mut finding) in by_path {
        if ask.max_steps.is_some_and(|most| finding.moves() > most) {
            found.longer += 1;
            continue;
        }
        (finding.severity, finding.reasons) = severity(attack.graph, &finding.subjects, finding.target, &finding.steps);
        finding.fingerprint = fingerprint(attack.graph, &finding);
        found.findings.push(finding);
    }
    found.findings.sort_by(|a, b| {
        let key =
            |finding: &Finding| (std::cmp::Reverse(finding.severity), finding.target, finding.moves(), finding.start());
        key(a).cmp(&key(b)).then_with(|| a.subjects.cmp(&b.subjects))
    });
    found
}

/// What makes the paths of two subjects one: the target, and the steps with their grants, but for who starts.
fn path_key(target: Target, source: Subject, steps: &[StepDone]) -> (Target, String) {
    let mut steps = steps.to_vec();
    for request in steps.iter_mut().flat_map(|step| &mut step.requests) {
        request.by = request.by.filter(|&by| by != source);
        for right in &mut request.rights {
            if let Evidence::Grant { subject, .. } = &mut right.evidence
                && *subject == source
            {
                *subject = Subject::Group(Name::EMPTY);
            }
        }
    }
    (target, format!("{steps:?}"))
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

fn bare(target: Target, steps: Vec<StepDone>) -> Finding {
    Finding {
        subjects: Vec::new(),
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
            (Target::ClusterAdmin, _) => true,
            (Target::NamespaceAdmin(own), Target::NamespaceAdmin(other) | Target::Secrets(other))
            | (Target::Secrets(own), Target::Secrets(other)) => within(own, other),
            _ => self == other,
        }
    }
}

/// Targets that are not a part of others.
fn widest(mut reached: Vec<(u32, Target)>) -> Vec<(u32, Target)> {
    reached.sort_by_key(|&(_, target)| target);
    let all: Vec<Target> = reached.iter().map(|&(_, target)| target).collect();
    let each = all.iter().any(|target| !matches!(target, Target::NamespaceAdmin(Place::Namespace(_))));
    if !each {
        // Namespaces are no part of each other.
        return reached;
    }
    let wide: Vec<Target> =
        all.into_iter().filter(|target| !matches!(target, Target::NamespaceAdmin(Place::Namespace(_)))).collect();
    let kube_system = reached.clone();
    reached.retain(|&(_, target)| {
        let part_of = |&other: &Target| other != target && other.covers(target);
        !wide.iter().any(part_of)
            && (!matches!(target, Target::Secrets(_)) || !kube_system.iter().map(|(_, other)| other).any(part_of))
    });
    reached
}

/// The facts that are a target.
fn goals(attack: &Attack<'_>, ask: &Ask) -> Vec<(u32, Target)> {
    let target = |fact: &Fact| match *fact {
        Fact::Everything(Place::Cluster) => Some(Target::ClusterAdmin),
        Fact::NamespaceAdmin(place) => Some(Target::NamespaceAdmin(place)),
        Fact::Secrets(place) => Some(Target::Secrets(place)),
        Fact::Identity(subject) => Some(Target::Subject(subject)),
        _ => None,
    };
    let wanted = |target: &Target| match (ask.to, *target) {
        (Some(to), target) => to == target || (!matches!(to, Target::Subject(_)) && target.covers(to)),
        (None, Target::Subject(_)) => false,
        (None, Target::Secrets(Place::Namespace(namespace))) => attack.graph.text(namespace) == "kube-system",
        (None, _) => true,
    };
    let facts = (0_u32..).zip(&attack.facts);
    facts.filter_map(|(id, fact)| target(fact).filter(wanted).map(|target| (id, target))).collect()
}

/// Who may start.
fn sources(attack: &Attack<'_>, ask: &Ask, hidden: &mut usize) -> Vec<Subject> {
    if let Some(from) = ask.from {
        return vec![from];
    }
    let snapshot = attack.graph.snapshot();
    let mut named: Vec<Subject> = snapshot
        .subjects
        .iter()
        .map(|(_, subject)| subject)
        .filter(|&subject| attack.find(Fact::Identity(subject)).is_some())
        .collect();
    named.sort_unstable();
    let shown = |subject: &Subject| match ask.system {
        SystemFilter::Show => true,
        SystemFilter::Hide => !is_system(&snapshot.names, *subject),
        SystemFilter::Only => is_system(&snapshot.names, *subject),
    };
    let all = named.len();
    named.retain(shown);
    *hidden = all - named.len();
    named
}

/// The steps of a walk that brought a fact.
fn steps_of(attack: &Attack<'_>, walker: &Walker<'_>, fact: u32) -> Vec<StepDone> {
    let mut steps = Vec::new();
    for at in walker.plan(fact) {
        if let How::Does { technique, effect } = attack.steps[at as usize].how {
            let (mut requests, mut under) = (Vec::new(), Vec::new());
            gather(attack, walker, at, effect, &mut requests, &mut under);
            steps.push(StepDone { technique, effect, requests, under });
        }
    }
    steps
}

/// The requests that a step rests on, back to the steps before it.
fn gather(
    attack: &Attack<'_>,
    walker: &Walker<'_>,
    step: u32,
    effect: Effect,
    requests: &mut Vec<RequestDone>,
    under: &mut Vec<BindingIx>,
) {
    let mut open: Vec<u32> = attack.steps[step as usize].needs.clone();
    open.reverse();
    let mut seen = BTreeSet::new();
    while let Some(fact) = open.pop() {
        if !seen.insert(fact) {
            continue;
        }
        let Some(by) = walker.by(fact) else { continue };
        let step = &attack.steps[by as usize];
        match &step.how {
            How::Asks { request, site, by, held } => {
                let rights = rights(attack, *request, *site, effect, |at| evidence(attack, walker, held.get(at)));
                requests.push(RequestDone { by: *by, rights });
                // What else it takes: a role that is made first, rights that are made on the way.
                open.extend(step.needs.iter().rev());
            }
            How::AsEverything { request, site, place } => {
                let rights = rights(attack, *request, *site, effect, |_| Some(Evidence::Everything(*place)));
                requests.push(RequestDone { by: None, rights });
            }
            How::Under(binding) => under.push(*binding),
            How::Follows => open.extend(step.needs.iter().rev()),
            How::Member | How::Does { .. } => {}
        }
    }
}

/// What a request needs, with its names and its place as the effect has them.
fn rights(
    attack: &Attack<'_>,
    request: RequestIx,
    site: Site,
    effect: Effect,
    evidence: impl Fn(usize) -> Option<Evidence>,
) -> Vec<RightDone> {
    let (of_effect, namespace, binding) = names_of(attack.graph, effect);
    let place = match (site.place, namespace) {
        (Place::EachNamespace, Some(namespace)) => Place::Namespace(namespace),
        (place, _) => place,
    };
    let rights = attack.rights.asked(request).rights.iter().enumerate();
    let done = rights.filter_map(|(at, right)| {
        let evidence = evidence(at)?;
        let name = match right.on {
            On::Nothing => None,
            On::Object => site.object.or(of_effect),
            On::Other => site.other.or(binding),
        };
        let name = name.filter(|&name| name != Name::EMPTY);
        let verb = right.verbs.iter().find(|verb| grants(attack, evidence, verb)).or(right.verbs.first())?;
        Some(RightDone { verb, api_group: right.api_group, resource: right.resource, name, place, evidence })
    });
    done.collect()
}

/// The object that an effect is about, its namespace, and the binding that is changed.
fn names_of(graph: &AccessGraph, effect: Effect) -> (Option<Name>, Option<Name>, Option<Name>) {
    let inside = |place: Place| match place {
        Place::Namespace(namespace) => Some(namespace),
        _ => None,
    };
    match effect {
        Effect::Bind { role, place, binding } => {
            (Some(role.name), inside(place), binding.map(|binding| graph.binding(binding).name))
        }
        Effect::Write { role, .. } => (Some(role.name), own_namespace(role), None),
        Effect::Feed { .. } => (None, None, None),
        Effect::Create(subject) | Effect::ActAs(subject) => (Some(subject.name()), subject.namespace(), None),
        Effect::Everything(place) | Effect::NamespaceAdmin(place) | Effect::Secrets(place) => {
            (None, inside(place), None)
        }
    }
}

fn own_namespace(role: RoleKey) -> Option<Name> {
    role.namespace.filter(|&namespace| namespace != Name::STAR)
}

fn evidence(attack: &Attack<'_>, walker: &Walker<'_>, held: Option<&Held>) -> Option<Evidence> {
    match held?.source {
        HeldBy::Grant { subject, binding, rule } => Some(Evidence::Grant { subject, binding, rule }),
        HeldBy::Made(can) => {
            // The binding that the walk made.
            let step = &attack.steps[walker.by(can)? as usize];
            step.needs.iter().find_map(|&need| match attack.facts[need as usize] {
                Fact::Right(role, place, (_, _, rule)) => Some(Evidence::Bound { role, place, rule }),
                _ => None,
            })
        }
    }
}

/// Whether the rule behind a right has this verb.
fn grants(attack: &Attack<'_>, evidence: Evidence, verb: &str) -> bool {
    let graph = attack.graph;
    let (role, rule) = match evidence {
        Evidence::Grant { binding, rule, .. } => (graph.role_of(binding), rule),
        Evidence::Bound { role, rule, .. } => (attack.role(role), rule),
        Evidence::Everything(_) => return true,
    };
    let Some(role) = role else { return false };
    let verbs = graph.rule(graph.role(role).rules, rule).verbs;
    verbs.iter().any(|&own| own == Name::STAR || graph.text(own) == verb)
}
