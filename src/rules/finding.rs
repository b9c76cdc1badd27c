//! What is found: who reaches what, step by step, each step with the grants behind it; how severe that is, and why.

use super::attack::{Effect, Place, RoleKey};
use super::technique::{Confidence, Kind, Technique};
use crate::graph::{AccessGraph, BindingIx};
use crate::model::{AUTHENTICATED, Name, SERVICE_ACCOUNTS, Subject, Thing, UNAUTHENTICATED};

/// Something worth reaching.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// Everything in the cluster.
    ClusterAdmin,
    /// The administration of a namespace, or of each one.
    NamespaceAdmin(Place),
    /// The Secrets of a namespace, or of each one.
    Secrets(Place),
    /// To act as somebody.
    Subject(Subject),
}

/// A path from those who start alike to a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Who starts.
    pub subjects: Vec<Subject>,
    /// What is reached.
    pub target: Target,
    /// What is done, in this order.
    pub steps: Vec<StepDone>,
    /// How severe it is.
    pub severity: Severity,
    /// Why it is that severe.
    pub reasons: Vec<String>,
    /// The same for the same starting grant, target and steps, whatever else changes.
    pub fingerprint: String,
    /// Paths that are left when the starting grant of this one, and then of each of them, is gone.
    pub alternatives: Vec<Finding>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepDone {
    /// The technique.
    pub technique: &'static Technique,
    /// What it does.
    pub effect: Effect,
    /// The requests it takes.
    pub requests: Vec<RequestDone>,
    /// The bindings that put an identity under the role that is written.
    pub under: Vec<BindingIx>,
}

impl PartialEq for Technique {
    fn eq(&self, other: &Technique) -> bool {
        self.id == other.id
    }
}

impl Eq for Technique {}

impl std::fmt::Debug for Technique {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id)
    }
}

/// A request of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestDone {
    /// Who makes it; none when any identity of the attacker can, by what was gained before.
    pub by: Option<Subject>,
    /// The rights that are looked at.
    pub rights: Vec<RightDone>,
}

/// A right that a request needs, and what grants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RightDone {
    /// The verb.
    pub verb: &'static str,
    /// The API group.
    pub api_group: &'static str,
    /// The resource, with its subresource.
    pub resource: &'static str,
    /// The object's name; none where the request has none or any will do.
    pub name: Option<Name>,
    /// Where.
    pub place: Place,
    /// What grants it.
    pub evidence: Evidence,
}

/// What grants a right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// A binding that was read.
    Grant {
        /// The subject it names.
        subject: Subject,
        /// The binding.
        binding: BindingIx,
        /// The rule's place in its role.
        rule: u32,
    },
    /// A binding that an earlier step made.
    Bound {
        /// The role.
        role: RoleKey,
        /// Where.
        place: Place,
        /// The rule's place in the role.
        rule: u32,
    },
    /// Everything can be done there.
    Everything(Place),
}

/// How severe a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Reading only.
    Low,
    /// One account.
    Medium,
    /// A namespace, or the Secrets of the control plane.
    High,
    /// The cluster.
    Critical,
}

impl Severity {
    /// The word in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }

    fn up(self) -> Severity {
        match self {
            Severity::Info => Severity::Low,
            Severity::Low => Severity::Medium,
            Severity::Medium => Severity::High,
            Severity::High | Severity::Critical => Severity::Critical,
        }
    }

    fn down(self) -> Severity {
        match self {
            Severity::Critical => Severity::High,
            Severity::High => Severity::Medium,
            Severity::Medium => Severity::Low,
            Severity::Low | Severity::Info => Severity::Info,
        }
    }
}

impl Finding {
    /// How many of the steps gain something; the others say what is held.
    pub fn moves(&self) -> usize {
        self.steps.iter().filter(|step| step.technique.kind == Kind::Move).count()
    }

    /// The grant that the path starts with.
    pub fn start(&self) -> Option<(BindingIx, u32)> {
        self.evidence().find_map(|evidence| match evidence {
            Evidence::Grant { binding, rule, .. } => Some((binding, rule)),
            _ => None,
        })
    }

    /// What grants each right, in the order of the steps.
    pub fn evidence(&self) -> impl Iterator<Item = Evidence> {
        let rights = self.steps.iter().flat_map(|step| &step.requests).flat_map(|request| &request.rights);
        rights.map(|right| right.evidence)
    }

    /// How sure the least sure step is.
    pub fn confidence(&self) -> Confidence {
        self.steps.iter().map(|step| step.technique.confidence).max().unwrap_or(Confidence::Documented)
    }
}

/// How severe it is that these reach a target by these steps, and why.
pub(super) fn severity(
    graph: &AccessGraph,
    subjects: &[Subject],
    target: Target,
    steps: &[StepDone],
) -> (Severity, Vec<String>) {
    let (mut level, reason) = match target {
        Target::ClusterAdmin => (Severity::Critical, "gains everything in the cluster"),
        Target::NamespaceAdmin(Place::Namespace(_)) => (Severity::High, "gains the administration of a namespace"),
        Target::NamespaceAdmin(_) => (Severity::High, "gains the administration of every namespace"),
        Target::Secrets(Place::Namespace(_)) => (Severity::High, "gains the Secrets of kube-system"),
        Target::Secrets(_) => (Severity::High, "gains the Secrets of every namespace"),
        Target::Subject(_) => (Severity::Medium, "gains one identity"),
    };
    if let Target::Secrets(Place::Namespace(namespace)) = target
        && graph.text(namespace) != "kube-system"
    {
        level = Severity::Medium;
    }
    let mut reasons = vec![reason.to_owned()];
    if let Target::Secrets(Place::Namespace(namespace)) = target {
        reasons = vec![format!("gains the Secrets of {}", graph.text(namespace))];
    }
    let wide = subjects.iter().find_map(|&subject| match subject {
        Subject::Group(name) => Some(graph.text(name))
            .filter(|name| [AUTHENTICATED, UNAUTHENTICATED].contains(name) || name.starts_with(SERVICE_ACCOUNTS)),
        _ => None,
    });
    if let Some(wide) = wide {
        level = level.up();
        reasons.push(format!("starts at {wide}, which nobody has to be put into"));
    }
    if let Some(step) = steps.iter().find(|step| step.technique.confidence == Confidence::Inferred) {
        level = level.down();
        reasons.push(format!("{} is inferred", step.technique.id));
    }
    (level, reasons)
}

/// A digest of the starting grant and the target, and one of the steps.
pub(super) fn fingerprint(graph: &AccessGraph, finding: &Finding) -> String {
    let start = finding.start().map(|(binding, _)| grant(graph, binding)).unwrap_or_default();
    let what = format!("{start}|{}", target_text(graph, finding.target));
    let steps: Vec<String> =
        finding.steps.iter().map(|step| format!("{}@{}", step.technique.id, effect_text(graph, step.effect))).collect();
    format!("{:016x}-{:08x}", digest(&what), digest(&steps.join("|")) & 0xffff_ffff)
}

/// FNV-1a: the digest has to be the same on every machine and in every version, and nobody gains by forging it.
fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A binding in the grammar of things.
fn grant(graph: &AccessGraph, binding: BindingIx) -> String {
    let binding = graph.binding(binding);
    let name = graph.text(binding.name).to_owned();
    match binding.namespace {
        Some(namespace) => Thing::RoleBinding(graph.text(namespace).to_owned(), name).to_string(),
        None => Thing::ClusterRoleBinding(name).to_string(),
    }
}

fn place_text(graph: &AccessGraph, place: Place) -> String {
    match place {
        Place::Cluster => "cluster".to_owned(),
        Place::EachNamespace => "each-namespace".to_owned(),
        Place::Namespace(namespace) => format!("namespace:{}", graph.text(namespace)),
    }
}

fn target_text(graph: &AccessGraph, target: Target) -> String {
    match target {
        Target::ClusterAdmin => "cluster-admin".to_owned(),
        Target::NamespaceAdmin(place) => format!("namespace-admin/{}", place_text(graph, place)),
        Target::Secrets(place) => format!("secrets/{}", place_text(graph, place)),
        Target::Subject(subject) => format!("{}/{}", subject.kind(), subject.request_name(&graph.snapshot().names)),
    }
}

fn effect_text(graph: &AccessGraph, effect: Effect) -> String {
    let role = |role: RoleKey| match role.namespace {
        Some(namespace) => format!("Role {}/{}", graph.text(namespace), graph.text(role.name)),
        None => format!("ClusterRole {}", graph.text(role.name)),
    };
    match effect {
        Effect::Bind { role: bound, place, .. }
        | Effect::Write { role: bound, place }
        | Effect::Feed { role: bound, place } => {
            format!("{} {}", role(bound), place_text(graph, place))
        }
        Effect::Create(subject) | Effect::ActAs(subject) => target_text(graph, Target::Subject(subject)),
        Effect::Everything(place) | Effect::NamespaceAdmin(place) | Effect::Secrets(place) => place_text(graph, place),
    }
}
