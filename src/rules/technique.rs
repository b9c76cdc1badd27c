//! What a technique is: plain data that can be indexed, printed and compared, and one function for what data cannot say.

use std::collections::BTreeSet;

use rustc_hash::FxHashSet;

use super::attack::{Attack, Done, Fact, Place};
use super::finding::StepDone;
use super::held::Site;
use super::replay::State;
use crate::graph::AccessGraph;
use crate::model::{KindIx, Name};

/// One way to gain something that was not granted, or one way to hold a target.
pub struct Technique {
    /// Kebab-case; never reused and never renamed.
    pub id: &'static str,
    /// One line.
    pub title: &'static str,
    /// Whether it is a move or says what is held.
    pub kind: Kind,
    /// The requests. Which of them go together is said by `build`.
    pub requests: &'static [Request],
    /// What it gains, in words.
    pub gain: &'static str,
    /// Why it works.
    pub why: &'static str,
    /// How it is taken away.
    pub remedy: &'static str,
    /// How sure it is.
    pub confidence: Confidence,
    /// MITRE ATT&CK and Microsoft threat matrix numbers.
    pub attack: &'static [&'static str],
    /// Where it is written down.
    pub references: &'static [&'static str],
    /// Called for each way in which one of the requests can be made; adds what follows. None where the requests are asked for
    /// only when something else calls for them.
    pub(super) build: Option<fn(&mut Attack<'_>, Done)>,
    /// Where one of the requests, by its place in the list, may lead anywhere: asked once, so that those which lead nowhere are
    /// never looked at. None where any may.
    pub(super) leads: Option<fn(&Attack<'_>, usize) -> Leads>,
    /// What each of its requests does that names no object.
    pub(super) alike: fn(&Attack<'_>, usize) -> Alike,
    /// Called for each new fact but requests and what roles allow; adds what follows from it without any request, such as what a
    /// shell in a pod holds.
    pub(super) react: Option<fn(&mut Attack<'_>, Fact, u32)>,
    /// Says for [`replay`](super::replay()) whether a step follows from what the attacker has and from the objects, beyond the
    /// rights of its requests. Shares nothing with `build` and `react`. None where the effect alone says what has to be true.
    pub(super) proof: Option<Proof>,
    /// Says for a step which kinds of ASO resources it could be done with, any one of them. None where it takes no kind.
    pub(super) kinds: Option<fn(&StepDone, KindIx) -> bool>,
    /// What more there is to say of a step: by what exactly.
    pub(super) words: Option<fn(&AccessGraph, &StepDone) -> Option<String>>,
}

/// What a request that names no object does where it is made, so that for whoever makes several of them one will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Alike {
    /// The same as others that do this, those of other techniques included.
    pub(super) does: Option<&'static str>,
    /// No more than those that do any of this; each of these takes all of its parts.
    pub(super) part_of: &'static [&'static [&'static str]],
}

impl Alike {
    /// Something that no other one does.
    pub(super) const OTHER: Alike = Alike { does: None, part_of: &[] };

    /// The same as all that do this.
    pub(super) const fn all(what: &'static str) -> Alike {
        Alike { does: Some(what), part_of: &[] }
    }

    /// No more than those that do any of this.
    pub(super) const fn part(of: &'static [&'static [&'static str]]) -> Alike {
        Alike { does: None, part_of: of }
    }
}

/// Which of some requests that name no object do something that no other one of them does: of those that do all the same it is the
/// first, in the order that they have here.
pub(super) fn needed(attack: &Attack<'_>, all: &[(&Technique, usize)]) -> Vec<bool> {
    let alike = || all.iter().map(|&(technique, within)| (technique.alike)(attack, within));
    let done: BTreeSet<&str> = alike().filter_map(|alike| alike.does).collect();
    let mut seen = BTreeSet::new();
    let mut is_needed = |alike: Alike| {
        let is_part = alike.part_of.iter().any(|parts| parts.iter().all(|what| done.contains(what)));
        !is_part && alike.does.is_none_or(|what| seen.insert(what))
    };
    alike().map(&mut is_needed).collect()
}

/// Says whether a step follows from what the attacker has; if not, why not.
pub(super) type Proof = fn(&State<'_>, &StepDone) -> Result<(), String>;

impl Technique {
    /// What all techniques begin with: a move that nothing is known of.
    pub(super) const MOVE: Technique = Technique {
        id: "",
        title: "",
        kind: Kind::Move,
        requests: &[],
        gain: "",
        why: "",
        remedy: "",
        confidence: Confidence::Documented,
        attack: &[],
        references: &[],
        build: None,
        leads: None,
        alike: |_, _| Alike::OTHER,
        react: None,
        proof: None,
        kinds: None,
        words: None,
    };
    /// The same for what says that a target is held.
    pub(super) const HOLDING: Technique = Technique { kind: Kind::Holding, ..Technique::MOVE };
}

/// Something that stops a step, or that might.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Blocker {
    /// What it is, in one line.
    pub what: String,
    /// Whether it stops the step. What merely might is told with the step.
    pub stops: bool,
}

/// What a technique is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Gains something.
    Move,
    /// Says that what is held already is a target.
    Holding,
}

/// Rights that one identity must hold together, since they are looked at in one request.
pub struct Request {
    /// The rights.
    pub rights: &'static [Right],
    /// Where they must be held.
    pub at: At,
}

impl Request {
    /// Whether it is made in the name of somebody else.
    pub(super) fn impersonates(&self) -> bool {
        self.rights.iter().flat_map(|right| right.verbs).any(|verb| verb.starts_with("impersonate"))
    }
}

/// Where a request may lead anywhere.
#[derive(Clone, Debug)]
pub(super) enum Leads {
    /// Wherever it is made.
    Anywhere,
    /// Where it names its object.
    Named,
    /// In these namespaces.
    In(BTreeSet<Name>),
    /// Where it names no object, or one of these: each in its namespace, and once more without.
    Of(FxHashSet<(Option<Name>, Name)>),
    /// Where this is so.
    Where(fn(Site) -> bool),
}

impl Leads {
    /// Whether a request leads anywhere at a site.
    pub(super) fn admits(&self, site: Site) -> bool {
        match (self, site.place) {
            (Leads::Anywhere, _) => true,
            (Leads::Named, _) => site.object.is_some(),
            (Leads::Of(objects), Place::Namespace(namespace)) => {
                site.object.is_none_or(|object| objects.contains(&(Some(namespace), object)))
            }
            (Leads::Of(objects), Place::Cluster | Place::EachNamespace) => {
                site.object.is_none_or(|object| objects.contains(&(None, object)))
            }
            (Leads::Where(is), _) => is(site),
            (Leads::In(namespaces), Place::Namespace(namespace)) => namespaces.contains(&namespace),
            (Leads::In(namespaces), Place::Cluster | Place::EachNamespace) => !namespaces.is_empty(),
        }
    }

    /// In the namespace of this name.
    pub(super) fn in_one(attack: &Attack<'_>, name: &str) -> Leads {
        Leads::In(attack.graph.snapshot().names.find(name).into_iter().collect())
    }
}

/// One right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// Any of these verbs.
    pub verbs: &'static [&'static str],
    /// The API group.
    pub api_group: &'static str,
    /// The resource, with its subresource.
    pub resource: &'static str,
    /// Which object's name the check carries.
    pub on: On,
    /// Whether it is looked at in the cluster wherever the request is made: RoleBindings never grant it.
    pub in_cluster: bool,
}

impl Right {
    /// The same right, looked at in the cluster wherever the request is made.
    pub(super) const fn in_cluster(self) -> Right {
        Right { in_cluster: true, ..self }
    }
}

/// Where a request is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum At {
    /// At the cluster itself: RoleBindings do not count.
    Cluster,
    /// In a namespace.
    Namespace,
}

/// Which name a check carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum On {
    /// None.
    Nothing,
    /// That of the object that the request is about; the same one in every right that says so.
    Object,
    /// That of a second object.
    Other,
}

/// How sure a technique is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// Our tests do it on a real server.
    Performed,
    /// The documentation says so.
    Documented,
    /// It follows from the documentation.
    Inferred,
}

impl Confidence {
    /// The word in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Confidence::Performed => "performed",
            Confidence::Documented => "documented",
            Confidence::Inferred => "inferred",
        }
    }
}

/// The API group of roles and bindings.
pub(super) const RBAC: &str = "rbac.authorization.k8s.io";

/// A right.
pub(super) const fn right(
    verbs: &'static [&'static str],
    api_group: &'static str,
    resource: &'static str,
    on: On,
) -> Right {
    Right { verbs, api_group, resource, on, in_cluster: false }
}

/// A right on roles or bindings.
pub(super) const fn rbac(verbs: &'static [&'static str], resource: &'static str, on: On) -> Right {
    right(verbs, RBAC, resource, on)
}

/// A right in the core group.
pub(super) const fn core(verbs: &'static [&'static str], resource: &'static str, on: On) -> Right {
    right(verbs, "", resource, on)
}

/// The requests that change objects which only whoever knows their version may update (`AllowUnconditionalUpdate` of the kind's
/// strategy in the API server): a patch, an update, and the reading that it takes, by whomever.
macro_rules! changes {
    ($group:expr, $resource:expr, $at:expr) => {
        [
            crate::rules::technique::Request {
                rights: &[crate::rules::technique::right(
                    &["patch"],
                    $group,
                    $resource,
                    crate::rules::technique::On::Object,
                )],
                at: $at,
            },
            crate::rules::technique::Request {
                rights: &[crate::rules::technique::right(
                    &["update"],
                    $group,
                    $resource,
                    crate::rules::technique::On::Object,
                )],
                at: $at,
            },
            crate::rules::technique::Request {
                rights: &[crate::rules::technique::right(
                    crate::rules::technique::READ,
                    $group,
                    $resource,
                    crate::rules::technique::On::Object,
                )],
                at: $at,
            },
        ]
    };
}

pub(super) use changes;

/// Which of the requests of `changes!` it is, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// By itself.
    Patch,
    /// With the version that somebody has read.
    Update,
    /// Changes nothing by itself.
    Read,
}

impl Change {
    /// All of them.
    pub(super) const ALL: [Change; 3] = [Change::Patch, Change::Update, Change::Read];
}

/// Returns an object, and thus its version.
pub(super) const READ: &[&str] = &["get", "list", "watch"];

/// Changes an object that exists.
pub(super) const WRITE: &[&str] = &["update", "patch"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Ask;
    use crate::rules::kubernetes::graph;

    #[track_caller]
    fn check_in(world: &str, requests: &[(&str, usize)], expected: &[bool]) {
        let (graph, ask) = (graph(world), Ask::default());
        let all = requests.iter().filter_map(|&(id, within)| Some((crate::rules::technique(id)?, within)));
        let all: Vec<_> = all.collect();
        assert_eq!(needed(&Attack::new(&graph, &ask), &all), expected, "{requests:?}");
    }

    #[track_caller]
    fn check(requests: &[(&str, usize)], expected: &[bool]) {
        check_in("namespace dev -", requests, expected);
    }

    #[test]
    fn of_requests_that_do_the_same_the_first_is_needed() {
        check(&[("pod-create", 0), ("workload-create", 0), ("workload-create", 2)], &[true, false, false]);
        check(&[("workload-create", 0), ("workload-create", 2)], &[true, false]);
        check(&[("secret-read", 0), ("pod-create", 0)], &[true, true]);
    }

    #[test]
    fn what_does_no_more_than_another_one_is_not_needed() {
        check(
            &[
                ("pod-exec", 0),
                ("pod-exec", 1),
                ("pod-attach", 0),
                ("pod-image-patch", 0),
                ("pod-steal", 0),
                ("pod-steal", 3),
            ],
            &[true, false, false, false, false, true],
        );
        check(&[("secret-token-create", 0), ("pod-create", 0)], &[false, true]);
        check(&[("bind-role", 1), ("bind-role", 2), ("bind-role", 3)], &[true, false, true]);
        // Whatever the order.
        check(&[("workload-patch", 0), ("pod-create", 0)], &[false, true]);
    }

    #[test]
    fn what_does_less_leaves_nothing_out() {
        // From 1.35 on `get` on pods/exec does nothing by itself.
        check(
            &[("pod-exec", 1), ("pod-attach", 0), ("pod-image-patch", 0), ("pod-steal", 0)],
            &[true, true, true, false],
        );
        check(&[("pod-exec", 1), ("pod-steal", 0), ("pod-steal", 2)], &[true, true, true]);
        check(&[("bind-role", 2), ("bind-role", 5)], &[true, true]);
        check(&[("apiservice-write", 7), ("apiservice-write", 0)], &[true, true]);
    }

    #[test]
    fn what_takes_several_others_to_be_a_part_of_them_is_needed_without_one() {
        let (container, shell, pod) = (("ephemeral-container", 0), ("pod-exec", 0), ("pod-create", 0));
        check(&[container, shell, pod], &[false, true, true]);
        check(&[container, shell], &[true, true]);
        check(&[container, pod], &[true, true]);
        // A webhook that judges new pods says nothing to a container in one that is there.
        let guard = "yaml {apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: \
                     {name: judge}, webhooks: [{name: a, rules: [{operations: [\"*\"], apiGroups: [\"\"], resources: [pods]}]}]}";
        check_in(guard, &[container, shell, pod], &[true, true, true]);
    }
}
