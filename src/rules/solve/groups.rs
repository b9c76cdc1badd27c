//! One finding for all whose paths are told alike: to the same target, by the same steps with the same grants, but for who starts.

use std::hash::{Hash, Hasher};
use std::rc::Rc;

use hashbrown::HashTable;
use rustc_hash::FxHasher;

use super::bare;
use crate::model::{Name, Subject};
use crate::rules::finding::{Evidence, Finding, RequestDone, RightDone, Start, StepDone, Target};

/// Findings, each found again by what its paths have in common.
#[derive(Default)]
pub(super) struct Groups {
    findings: Vec<Finding>,
    /// The digest and the place of each.
    places: HashTable<(u64, usize)>,
    /// The same by the text of the paths.
    #[cfg(test)]
    slowly: std::collections::BTreeMap<(Target, String), usize>,
}

impl Groups {
    /// Adds a path of somebody, to the finding that tells it already if there is one.
    pub(super) fn add(&mut self, source: Start, target: Target, steps: Vec<Rc<StepDone>>) {
        let digest = digest(source, target, &steps);
        let told = |&(own, at): &(u64, usize)| {
            let finding = &self.findings[at];
            own == digest
                && finding.target == target
                && finding.from.first().is_some_and(|&first| is_alike((first, &finding.steps), (source, &steps)))
        };
        let known = self.places.find(digest, told).map(|&(_, at)| at);
        #[cfg(test)]
        assert_eq!(known, self.known_slowly(source, target, &steps), "{source:?} {target:?} {steps:?}");
        if let Some(at) = known {
            self.findings[at].from.push(source);
            return;
        }
        self.places.insert_unique(digest, (digest, self.findings.len()), |&(digest, _)| digest);
        self.findings.push(Finding { from: vec![source], ..bare(target, steps) });
    }

    /// Where the finding is that tells a path, by all that is told of it; one that is new comes last.
    #[cfg(test)]
    fn known_slowly(&mut self, source: Start, target: Target, steps: &[Rc<StepDone>]) -> Option<usize> {
        let mut steps = steps.to_vec();
        let text = match subject(source) {
            None => format!("{source:?} {steps:?}"),
            Some(source) => {
                for request in steps.iter_mut().flat_map(|step| &mut Rc::make_mut(step).requests) {
                    request.by = request.by.filter(|&by| by != source);
                    request.rights.iter_mut().for_each(|right| right.evidence = granted(right, Some(source)));
                }
                format!("{steps:?}")
            }
        };
        let next = self.findings.len();
        let at = *self.slowly.entry((target, text)).or_insert(next);
        (at < next).then_some(at)
    }

    /// What was added, so far.
    pub(super) fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// What was added.
    pub(super) fn into_findings(self) -> Vec<Finding> {
        self.findings
    }
}

/// The subject that starts; what is none shares its paths with nobody.
fn subject(source: Start) -> Option<Subject> {
    match source {
        Start::Subject(subject) => Some(subject),
        Start::Pod(_) | Start::Pods(_) | Start::Azure(_) => None,
    }
}

/// A number that is the same for paths that are told alike.
fn digest(source: Start, target: Target, steps: &[Rc<StepDone>]) -> u64 {
    let mut hasher = FxHasher::default();
    target.hash(&mut hasher);
    let own = subject(source);
    if own.is_none() {
        source.hash(&mut hasher);
    }
    for step in steps {
        (step.technique.id, step.effect, &step.under).hash(&mut hasher);
        for right in step.requests.iter().flat_map(|request| &request.rights) {
            (right.verb, right.resource, right.name, right.place).hash(&mut hasher);
            granted(right, own).hash(&mut hasher);
        }
    }
    hasher.finish()
}

/// Whether two paths to one target are told alike.
pub(super) fn is_alike((a, left): (Start, &[Rc<StepDone>]), (b, right): (Start, &[Rc<StepDone>])) -> bool {
    let (own, other) = match (subject(a), subject(b)) {
        (Some(own), Some(other)) => (Some(own), Some(other)),
        (None, None) if a == b => (None, None),
        _ => return false,
    };
    let rights = |left: &RightDone, right: &RightDone| {
        let RightDone { verb, api_group, resource, name, place, evidence: _ } = left;
        (*verb, *api_group, *resource, *name, *place)
            == (right.verb, right.api_group, right.resource, right.name, right.place)
            && granted(left, own) == granted(right, other)
    };
    let requests = |left: &RequestDone, right: &RequestDone| {
        let RequestDone { by, rights: all } = left;
        by.filter(|by| Some(*by) != own) == right.by.filter(|by| Some(*by) != other) && each(all, &right.rights, rights)
    };
    let steps = |left: &Rc<StepDone>, right: &Rc<StepDone>| {
        let StepDone { technique, effect, with, requests: all, under, foothold, blockers } = &**left;
        (*technique, *effect, *foothold) == (right.technique, right.effect, right.foothold)
            && (with, under, blockers) == (&right.with, &right.under, &right.blockers)
            && each(all, &right.requests, requests)
    };
    each(left, right, steps)
}

/// Whether two lists are as long and each pair is alike.
fn each<T>(left: &[T], right: &[T], alike: impl Fn(&T, &T) -> bool) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(|(left, right)| alike(left, right))
}

/// What grants a right, whoever of those who start it names.
fn granted(right: &RightDone, own: Option<Subject>) -> Evidence {
    match right.evidence {
        Evidence::Grant { subject, binding, rule } if Some(subject) == own => {
            Evidence::Grant { subject: Subject::Group(Name::EMPTY), binding, rule }
        }
        evidence => evidence,
    }
}
