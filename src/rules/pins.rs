//! Names of bindings that hold one role each.
//!
//! A rule that limits `create` to names allows nothing by itself, since a creation carries no name; with `patch` or `update` beside
//! it a binding is made by writing to a name that is free. The role of a binding never changes, so such a name serves one role. The
//! attack graph knows facts one by one and would use a name for several. So a path that does is put in turn where the first binding
//! can be deleted before the second one is made, or else it is looked for anew: with the name for that role alone, and with the name
//! never for that role. Whatever can be done is one of the two, so nothing is lost.

use std::collections::{BTreeMap, BTreeSet};

use super::attack::{Effect, Place, RoleKey};
use super::finding::{Finding, RequestDone, RightDone, Start, StepDone, Target};
use super::replay::{deletes, replay, replay_access};
use super::solve::Ask;
use super::technique::RBAC;
use crate::graph::AccessGraph;
use crate::model::Name;

/// A binding that is made under a name, and the role that it names.
pub(super) type Pin = (Place, Name, RoleKey);

/// What names that no binding has yet may be used for.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Names {
    only: BTreeMap<(Place, Name), RoleKey>,
    never: BTreeSet<Pin>,
}

impl Names {
    /// Whether a binding of this name may be made for a role.
    pub(super) fn admit(&self, place: Place, name: Name, role: RoleKey) -> bool {
        let others = self.only.iter().filter(|&(&(at, own), _)| own == name && overlap(at, place));
        others.into_iter().all(|(_, &own)| own == role) && !self.never.contains(&(place, name, role))
    }

    /// The same, with a name for one role alone and with the name never for that role.
    pub(super) fn both(&self, (place, name, role): Pin) -> [Names; 2] {
        let (mut with, mut without) = (self.clone(), self.clone());
        with.only.insert((place, name), role);
        without.never.insert((place, name, role));
        [with, without]
    }
}

fn overlap(one: Place, other: Place) -> bool {
    one == other || (one != Place::Cluster && other != Place::Cluster && [one, other].contains(&Place::EachNamespace))
}

/// The binding that a step makes under a name that its requests are limited to.
fn pin(step: &StepDone) -> Option<Pin> {
    let Effect::Bind { role, place, binding: None } = step.effect else { return None };
    let made = step.asks(&["create"], RBAC, bindings(place))?;
    Some((place, made.name?, role))
}

fn bindings(place: Place) -> &'static str {
    if place == Place::Cluster { "clusterrolebindings" } else { "rolebindings" }
}

/// The first binding of a path whose name serves another role in it as well.
pub(super) fn clash(steps: &[StepDone]) -> Option<Pin> {
    let pins: Vec<Pin> = steps.iter().filter_map(pin).collect();
    pins.iter().copied().find(|&pin| pins.iter().any(|&other| is_other(pin, other)))
}

fn is_other((place, name, role): Pin, (at, own, other): Pin) -> bool {
    name == own && role != other && overlap(place, at)
}

/// The steps of a path in an order in which each binding that another one of its name follows is deleted before, and not needed any
/// more; none where there is no such order. O(steps to the third).
pub(super) fn in_turn(
    graph: &AccessGraph,
    ask: &Ask,
    from: Start,
    target: Target,
    steps: &[StepDone],
) -> Option<Vec<StepDone>> {
    let first: Vec<usize> = (0..steps.len()).filter(|&at| pin(&steps[at]).is_some()).collect();
    let whole = |steps: Vec<StepDone>| {
        let finding = Finding { target, ..bare(steps) };
        let done = match &ask.access {
            Some(access) => replay_access(graph, ask.cluster, from, &finding, &access.action),
            None => replay(graph, ask.cluster, from, &finding),
        };
        done.ok().map(|()| finding.steps)
    };
    // Whichever of the bindings comes first, whatever it is good for is done before the next one takes its name.
    first.into_iter().find_map(|first| {
        let mut left: Vec<&StepDone> = steps.iter().collect();
        let step = left.remove(first);
        left.insert(0, step);
        whole(greedily(graph, ask, from, left)?)
    })
}

/// Does of some steps whatever can be done, and deletes a binding only where nothing else is left.
fn greedily(graph: &AccessGraph, ask: &Ask, from: Start, mut left: Vec<&StepDone>) -> Option<Vec<StepDone>> {
    let mut done: Vec<StepDone> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let taken = |step: &StepDone| {
            let pin = pin(step)?;
            done.iter()
                .rev()
                .filter_map(self::pin)
                .find(|&(at, name, _)| name == pin.1 && overlap(at, pin.0))
                .filter(|&other| is_other(pin, other))
        };
        let tried = |step: &StepDone| {
            let mut step = step.clone();
            if let Some((place, name, _)) = taken(&step) {
                let (by, evidence) =
                    deletes(graph, ask.cluster, from, &bare(done.clone()), (bindings(place), name, place))?;
                let (api_group, resource) = (RBAC, bindings(place));
                let right = RightDone { verb: "delete", api_group, resource, name: Some(name), place, evidence };
                step.requests.insert(0, RequestDone { by, rights: vec![right] });
            }
            let steps: Vec<StepDone> = done.iter().cloned().chain([step]).collect();
            replay(graph, ask.cluster, from, &bare(steps.clone())).ok().map(|()| steps)
        };
        let (later, sooner): (Vec<usize>, Vec<usize>) = (0..left.len()).partition(|&at| taken(left[at]).is_some());
        let next = sooner.into_iter().chain(later).find_map(|at| Some((at, tried(left[at])?)));
        let (at, steps) = next?;
        left.remove(at);
        done = steps;
    }
    Some(done)
}

/// Steps as a finding that reaches nothing by itself.
fn bare(steps: Vec<StepDone>) -> Finding {
    Finding {
        from: Vec::new(),
        target: Target::Access,
        steps,
        severity: super::Severity::Info,
        reasons: Vec::new(),
        fingerprint: String::new(),
        alternatives: Vec::new(),
    }
}
