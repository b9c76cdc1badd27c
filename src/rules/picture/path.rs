//! The steps of one finding: who starts, what grants each step, what it gains, and where a step needs several things at once.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::{EdgeKind, Grouping, Item, LeftOut, Picture, PictureEdge, PictureNode};
use crate::graph::AccessGraph;
use crate::model::ClusterId;
use crate::rules::attack::Effect;
use crate::rules::azure::{AzureGain, AzureStep, Who};
use crate::rules::finding::{Evidence, Finding, RequestDone, RightDone, Severity, Start, StepDone};
use crate::rules::replay::needs;

/// How many of those who start alike are drawn one by one.
const STARTS: usize = 4;

/// The finding with a fingerprint, or with one that begins so; the fingerprints of all where that is several.
///
/// # Errors
/// The fingerprints that begin so, none or more than one.
pub fn finding_by<'f>(findings: &'f [Finding], fingerprint: &str) -> Result<&'f Finding, Vec<&'f str>> {
    let like: Vec<&Finding> = findings.iter().filter(|one| one.fingerprint.starts_with(fingerprint)).collect();
    let mut exact = like.iter().filter(|one| one.fingerprint == fingerprint);
    match (exact.next(), like.as_slice()) {
        (Some(one), _) | (None, [one]) => Ok(one),
        (None, several) => Err(several.iter().map(|one| one.fingerprint.as_str()).collect()),
    }
}

/// Draws a finding, with its alternatives. O(n log n) in its steps and rights.
pub fn picture_of(graph: &AccessGraph, cluster: ClusterId, finding: &Finding) -> Picture {
    let mut sketch = Sketch { graph, cluster, picture: Picture::default(), places: BTreeMap::new() };
    let starts = sketch.starts(&finding.from);
    let target = sketch.node(Item::Target(finding.target));
    sketch.picture.nodes[target].severity = Some(finding.severity);
    let mut end = target;
    let leads_there = |path: &Finding| path.target == finding.target;
    if finding.alternatives.iter().any(leads_there) {
        end = sketch.node(Item::Any);
        sketch.edge(end, target, finding.severity, None, Vec::new());
    }
    for path in std::iter::once(finding).chain(&finding.alternatives) {
        // One node that stands for all who start stands for some of them as well.
        let apart = path.from.len() < finding.from.len() && finding.from.len() <= STARTS;
        let own = if apart { sketch.starts(&path.from) } else { starts.clone() };
        let end = if leads_there(path) { end } else { sketch.node(Item::Target(path.target)) };
        sketch.path(path, &own, end);
    }
    let mut picture = sketch.picture;
    picture.things = picture.nodes.iter().map(|node| node.members.len().max(1)).sum();
    picture.left_out = LeftOut::default();
    picture
}

struct Sketch<'g> {
    graph: &'g AccessGraph,
    cluster: ClusterId,
    picture: Picture,
    places: BTreeMap<Item, usize>,
}

/// What leads to a step, and by which rights.
type Input = (usize, Vec<RightDone>);

/// What was gained on a path so far: by which step, and its node.
type Gained = Vec<(Rc<StepDone>, usize)>;

impl Sketch<'_> {
    fn node(&mut self, item: Item) -> usize {
        if let Some(&at) = self.places.get(&item) {
            return at;
        }
        let at = self.picture.nodes.len();
        self.places.insert(item, at);
        let (kind, namespace) = (item.kind(self.graph), item.namespace(self.graph));
        let node = PictureNode { item, kind, namespace, role: None, members: Vec::new(), severity: None };
        self.picture.nodes.push(node);
        at
    }

    fn edge(
        &mut self,
        from: usize,
        to: usize,
        severity: Severity,
        technique: Option<&'static str>,
        rights: Vec<RightDone>,
    ) {
        let same = |own: &&mut PictureEdge| own.from == from && own.to == to && own.technique == technique;
        if let Some(own) = self.picture.edges.iter_mut().find(same) {
            own.rights.extend(rights);
            return;
        }
        self.picture.edges.push(PictureEdge {
            from,
            to,
            kind: EdgeKind::Path,
            count: 1,
            rights,
            technique,
            severity: Some(severity),
        });
    }

    /// Those who start: a few, each a node, or all in one.
    fn starts(&mut self, from: &[Start]) -> Vec<usize> {
        let graph = self.graph;
        let items: Vec<Item> = from.iter().filter_map(|&start| start_item(graph, start)).collect();
        if items.len() <= STARTS {
            return items.into_iter().map(|item| self.node(item)).collect();
        }
        let Some(&first) = items.first() else { return Vec::new() };
        let at = self.node(first);
        if let Some(node) = self.picture.nodes.get_mut(at) {
            node.namespace =
                node.namespace.filter(|_| items.iter().all(|item| item.namespace(graph) == node.namespace));
            node.members = items;
        }
        self.picture.grouping = Grouping::Alike;
        vec![at]
    }

    fn path(&mut self, finding: &Finding, starts: &[usize], end: usize) {
        let mut gained: Gained = Vec::new();
        let needs = self.needs(finding);
        for (place, step) in finding.steps.iter().enumerate() {
            let number = u32::try_from(self.picture.steps.len()).unwrap_or(u32::MAX);
            self.picture.steps.push(step.clone());
            let is_last = place + 1 == finding.steps.len();
            let gain = if is_last { end } else { self.node(Item::Gain(number)) };
            let before: Vec<usize> = needs[place].iter().filter_map(|&at| gained.get(at)).map(|&(_, at)| at).collect();
            let inputs = self.inputs(finding, step, number, (starts, &before, &gained));
            let technique = Some(step.technique.id);
            if let [(from, rights)] = inputs.as_slice() {
                self.edge(*from, gain, finding.severity, technique, rights.clone());
            } else {
                let all = self.node(Item::All(number));
                for (from, rights) in inputs {
                    self.edge(from, all, finding.severity, None, rights);
                }
                self.edge(all, gain, finding.severity, technique, Vec::new());
            }
            gained.push((Rc::clone(step), gain));
        }
    }

    /// For each step the steps before it that it takes. What cannot be done again is taken as one step after the other.
    fn needs(&self, finding: &Finding) -> Vec<Vec<usize>> {
        let count = finding.steps.len();
        let known = finding.from.first().and_then(|&from| needs(self.graph, self.cluster, from, finding));
        let Some(mut needs) = known else {
            return (0..count).map(|at| at.checked_sub(1).into_iter().collect()).collect();
        };
        // What could be had in another way as well is no need of any one step. The path has it for its end.
        let unused = (0..count.saturating_sub(1)).filter(|at| !needs.iter().any(|own| own.contains(at)));
        let unused: Vec<usize> = unused.collect();
        needs.last_mut().into_iter().for_each(|last| last.extend(&unused));
        needs
    }

    /// Everything that a step needs, each once.
    fn inputs(
        &mut self,
        finding: &Finding,
        step: &StepDone,
        number: u32,
        (starts, needed, gained): (&[usize], &[usize], &Gained),
    ) -> Vec<Input> {
        let mut inputs: Vec<Input> = Vec::new();
        let drawn = self.picture.edges.len();
        let before = if needed.is_empty() { starts } else { needed };
        for request in &step.requests {
            self.grants_of(finding, request, number, (starts, before, gained), &mut inputs);
        }
        if let Some(foothold) = step.foothold {
            let from = gained.iter().rev().find(|(own, _)| own.effect == foothold).map(|&(_, at)| at);
            let from = from.map_or_else(|| before.to_vec(), |at| vec![at]);
            from.into_iter().for_each(|at| put(&mut inputs, at, Vec::new()));
        }
        if let Effect::Azure(own) = step.effect {
            self.in_azure(finding, own, number, (before, gained), &mut inputs);
        }
        for &binding in &step.under {
            let held = self.node(Item::Grant { step: number, binding });
            for &at in before {
                self.edge(at, held, finding.severity, None, Vec::new());
            }
            put(&mut inputs, held, Vec::new());
        }
        // What no grant leads on from is needed for itself.
        let unused = |at: &usize| !self.picture.edges[drawn..].iter().any(|edge| edge.from == *at);
        let rest: Vec<usize> = needed.iter().copied().filter(unused).collect();
        let rest = if rest.is_empty() && inputs.is_empty() { starts.to_vec() } else { rest };
        rest.into_iter().for_each(|at| put(&mut inputs, at, Vec::new()));
        inputs
    }

    /// The role assignment by which Azure lets a step be done. It is that of an identity that was gained before, or of the one that
    /// ASO acts as for what this step's own grants let be written.
    fn in_azure(
        &mut self,
        finding: &Finding,
        own: AzureStep,
        number: u32,
        (before, gained): (&[usize], &Gained),
        inputs: &mut Vec<Input>,
    ) {
        let of = own.by.and_then(|who| gained.iter().rev().find(|(before, _)| gains(before, who)));
        let Some((_, assignment)) = own.action else {
            of.into_iter().for_each(|&(_, at)| put(inputs, at, Vec::new()));
            return;
        };
        let from: Vec<Input> = match of {
            Some(&(_, at)) => vec![(at, Vec::new())],
            None if !inputs.is_empty() => std::mem::take(inputs),
            None => before.iter().map(|&at| (at, Vec::new())).collect(),
        };
        let assigned = self.node(Item::Assigned { step: number, assignment });
        for (at, rights) in from {
            self.edge(at, assigned, finding.severity, None, rights);
        }
        put(inputs, assigned, Vec::new());
    }

    /// The grants behind the rights of a request, and whoever makes it.
    fn grants_of(
        &mut self,
        finding: &Finding,
        request: &RequestDone,
        number: u32,
        (starts, before, gained): (&[usize], &[usize], &Gained),
        inputs: &mut Vec<Input>,
    ) {
        let acts = |step: &StepDone| match (request.by, step.effect) {
            (Some(by), Effect::ActAs(subject) | Effect::Create(subject)) => by == subject,
            (Some(by), Effect::Azure(step)) => step.gain == AzureGain::Account(by),
            _ => false,
        };
        let started = request.by.is_some_and(|by| finding.from.contains(&Start::Subject(by)));
        let actor = gained.iter().rev().find(|(step, _)| acts(step)).map(|&(_, at)| at);
        let actors = match actor {
            Some(at) => vec![at],
            None if started => starts.to_vec(),
            None => before.to_vec(),
        };
        for right in &request.rights {
            match right.evidence {
                Evidence::Grant { binding, .. } => {
                    let grant = self.node(Item::Grant { step: number, binding });
                    for &at in &actors {
                        self.edge(at, grant, finding.severity, None, Vec::new());
                    }
                    put(inputs, grant, vec![right.clone()]);
                }
                Evidence::Bound { role, place, .. } => {
                    let bound = |step: &StepDone| match step.effect {
                        Effect::Bind { role: own, place: at, .. } => (own, at) == (role, place),
                        _ => false,
                    };
                    let from = gained.iter().rev().find(|(step, _)| bound(step)).map(|&(_, at)| at);
                    let from = from.map_or_else(|| actors.clone(), |at| vec![at]);
                    from.into_iter().for_each(|at| put(inputs, at, vec![right.clone()]));
                }
                Evidence::Everything(_) => {
                    actors.iter().for_each(|&at| put(inputs, at, vec![right.clone()]));
                }
            }
        }
    }
}

/// Adds an input, or its rights to the same one.
fn put(inputs: &mut Vec<Input>, at: usize, rights: Vec<RightDone>) {
    match inputs.iter_mut().find(|(own, _)| *own == at) {
        Some((_, own)) => {
            for right in rights {
                if !own.contains(&right) {
                    own.push(right);
                }
            }
        }
        None => inputs.push((at, rights)),
    }
}

/// Whether a step gains the rights of an identity.
fn gains(step: &StepDone, who: Who) -> bool {
    match step.effect {
        Effect::Azure(own) => {
            matches!(own.gain, AzureGain::Through(gained) | AzureGain::Token(gained) if gained == who)
        }
        _ => false,
    }
}

fn start_item(graph: &AccessGraph, start: Start) -> Option<Item> {
    match start {
        Start::Subject(subject) => Some(Item::Subject(subject)),
        Start::Pod(at) => {
            let pod = graph.snapshot().pods.get(at.0 as usize)?;
            Some(Item::Pod(pod.namespace, pod.name))
        }
        Start::Pods(namespace) => Some(Item::Pods(namespace)),
        Start::Azure(who) => Some(Item::Identity(who)),
    }
}
