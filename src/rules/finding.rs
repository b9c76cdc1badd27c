//! What is found: who reaches what, step by step, each step with the grants behind it; how severe that is, and why.

use std::rc::Rc;

use super::attack::{Effect, Place, PodIx, RoleKey, SecretIx, is_absent};
use super::azure::{AzureTarget, Power, Sure, Who, has_roles, identity_thing, is_wide, least_sure, step_text};
use super::technique::{Blocker, Confidence, Kind, READ, Technique};
use crate::graph::{AccessGraph, BindingIx};
use crate::model::{
    ANONYMOUS, AUTHENTICATED, ClusterId, Name, SERVICE_ACCOUNTS, Snapshot, Subject, Thing, UNAUTHENTICATED,
};

/// Who, or what, starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Start {
    /// A user, a group or an account.
    Subject(Subject),
    /// Whoever runs code in this pod.
    Pod(PodIx),
    /// Whoever runs code in some pod of this namespace.
    Pods(Name),
    /// Whoever has tokens of this identity of Azure.
    Azure(Who),
}

/// Something worth reaching.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// Everything in the cluster.
    ClusterAdmin,
    /// The administration of a namespace, or of each one.
    NamespaceAdmin(Place),
    /// The Secrets of a namespace, or of each one.
    Secrets(Place),
    /// A node; without a name, any.
    Node(Option<Name>),
    /// Another cluster, by the credentials that a Secret holds.
    Kubeconfig(SecretIx),
    /// A Secret.
    Secret(SecretIx),
    /// To run code in a pod.
    Pod(PodIx),
    /// To act as somebody.
    Subject(Subject),
    /// Something in Azure.
    Azure(AzureTarget),
    /// What was asked for: one request.
    Access,
}

/// A thing as a start, if it is there. Subjects need not be, but their names have to.
pub fn start(graph: &AccessGraph, thing: &Thing) -> Option<Start> {
    let (Thing::Identity(id) | Thing::Principal(id)) = thing else { return start_in(graph.snapshot(), thing) };
    let known = graph.azure_names().find_principal(id).map(Who::Principal);
    known.or_else(|| graph.snapshot().names.find(id).map(Who::Client)).map(Start::Azure)
}

/// The same for what is not in Azure, whose numbers a snapshot alone does not say.
pub fn start_in(snapshot: &Snapshot, thing: &Thing) -> Option<Start> {
    let name = |text: &String| snapshot.names.find(text);
    match thing {
        Thing::User(user) => Subject::find_user(&snapshot.names, user).map(Start::Subject),
        Thing::Group(group) => name(group).map(|group| Start::Subject(Subject::Group(group))),
        Thing::ServiceAccount(namespace, account) => {
            let account = Subject::ServiceAccount { namespace: name(namespace)?, name: name(account)? };
            Some(Start::Subject(account))
        }
        Thing::Pod(namespace, pod) => {
            let key = (ClusterId::FIRST, name(namespace)?, name(pod)?);
            let at = snapshot.pods.binary_search_by_key(&key, |pod| (pod.cluster, pod.namespace, pod.name)).ok()?;
            Some(Start::Pod(PodIx(u32::try_from(at).ok()?)))
        }
        Thing::Pods(namespace) => name(namespace).map(Start::Pods),
        _ => None,
    }
}

/// A Secret of the snapshot.
pub fn secret(snapshot: &Snapshot, thing: &Thing) -> Option<SecretIx> {
    let Thing::Secret(namespace, name) = thing else { return None };
    let key = (ClusterId::FIRST, snapshot.names.find(namespace)?, snapshot.names.find(name)?);
    let secrets = &snapshot.secrets;
    let at = secrets.binary_search_by_key(&key, |secret| (secret.cluster, secret.namespace, secret.name)).ok()?;
    Some(SecretIx(u32::try_from(at).ok()?))
}

/// Who starts, in the grammar of things.
pub fn start_thing(graph: &AccessGraph, start: Start) -> Thing {
    let names = &graph.snapshot().names;
    match start {
        Start::Subject(Subject::ServiceAccount { namespace, name }) => {
            Thing::ServiceAccount(names.text(namespace).to_owned(), names.text(name).to_owned())
        }
        Start::Subject(Subject::User(name)) => Thing::User(names.text(name).to_owned()),
        Start::Subject(Subject::Group(name)) => Thing::Group(names.text(name).to_owned()),
        Start::Pod(at) => pod_thing(graph, at),
        Start::Pods(namespace) => Thing::Pods(names.text(namespace).to_owned()),
        Start::Azure(who) => identity_thing(graph, who),
    }
}

/// What is reached, as `--to` takes it.
pub fn target_name(graph: &AccessGraph, target: Target) -> String {
    let inside = |class: &str, place: Place| match place {
        Place::Namespace(namespace) => format!("{class}:{}", graph.text(namespace)),
        Place::Cluster | Place::EachNamespace => class.to_owned(),
    };
    match target {
        Target::ClusterAdmin => "cluster-admin".to_owned(),
        Target::NamespaceAdmin(place) => inside("namespace-admin", place),
        Target::Secrets(place) => inside("secrets", place),
        Target::Node(None) => "node".to_owned(),
        Target::Node(Some(node)) => Thing::Node(graph.text(node).to_owned()).to_string(),
        Target::Kubeconfig(secret) => {
            format!("kubeconfig:{}", secret_text(graph, secret).trim_start_matches("secret:"))
        }
        Target::Secret(secret) => secret_text(graph, secret),
        Target::Pod(pod) => pod_text(graph, pod),
        Target::Subject(subject) => start_thing(graph, Start::Subject(subject)).to_string(),
        Target::Azure(target) => target.name(graph),
        Target::Access => "access".to_owned(),
    }
}

impl Start {
    /// The same as a target; none for any of several.
    pub fn target(self) -> Option<Target> {
        match self {
            Start::Subject(subject) => Some(Target::Subject(subject)),
            Start::Pod(pod) => Some(Target::Pod(pod)),
            Start::Pods(_) => None,
            Start::Azure(who) => Some(Target::Azure(AzureTarget::Identity(who))),
        }
    }
}

impl Target {
    /// The same as a start: what has to be known of though nobody grants it anything.
    pub(super) fn start(self) -> Option<Start> {
        match self {
            Target::Subject(subject) => Some(Start::Subject(subject)),
            Target::Pod(pod) => Some(Start::Pod(pod)),
            _ => None,
        }
    }
}

/// A path from those who start alike to a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Who starts.
    pub from: Vec<Start>,
    /// What is reached.
    pub target: Target,
    /// What is done, in this order.
    pub steps: Vec<Rc<StepDone>>,
    /// How severe it is.
    pub severity: Severity,
    /// Why it is that severe.
    pub reasons: Vec<String>,
    /// The same for the same starting grant, target and steps, whatever else changes.
    pub fingerprint: String,
    /// Paths that are left when the starting grant of this one, and then of each of them, is gone; each of some of those who start.
    pub alternatives: Vec<Finding>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepDone {
    /// The technique.
    pub technique: &'static Technique,
    /// What it does.
    pub effect: Effect,
    /// Who else is acted as, where one request puts an identity together of several.
    pub with: Vec<Subject>,
    /// The requests it takes.
    pub requests: Vec<RequestDone>,
    /// The bindings that put an identity under the role that is written.
    pub under: Vec<BindingIx>,
    /// What the step starts from, where that is no identity: a pod, a node, a Secret.
    pub foothold: Option<Effect>,
    /// What stops it, or might.
    pub blockers: Vec<Blocker>,
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

impl StepDone {
    /// What more there is to say of it: by what exactly.
    pub fn words(&self, graph: &AccessGraph) -> Option<String> {
        self.technique.words.and_then(|words| words(graph, self))
    }

    /// The right of one of the requests that has this verb and resource, in the core group or any other.
    pub(super) fn asks(&self, verbs: &[&str], api_group: &str, resource: &str) -> Option<&RightDone> {
        let rights = self.requests.iter().flat_map(|request| &request.rights);
        rights
            .into_iter()
            .find(|right| verbs.contains(&right.verb) && right.api_group == api_group && right.resource == resource)
    }
}

impl StepDone {
    /// The right to change an object whose version has to be known for an update.
    pub(super) fn changes(&self, api_group: &str, resource: &str) -> Option<&RightDone> {
        let read = |right: &&RightDone| {
            let rights = self.requests.iter().flat_map(|request| &request.rights);
            let of_it = |own: &&RightDone| (own.api_group, own.resource) == (right.api_group, right.resource);
            rights.into_iter().filter(of_it).any(|own| {
                READ.contains(&own.verb) && own.place == right.place && (own.name == right.name || own.name.is_none())
            })
        };
        let patched = self.asks(&["patch"], api_group, resource);
        patched.or_else(|| self.asks(&["update"], api_group, resource).filter(read))
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// What is gained in the end: of a path to what was asked, whom or what its last step reaches.
    pub fn gained(&self) -> Target {
        gained(self.target, &self.steps)
    }

    /// The same finding for some of those who start, with the alternatives of theirs. The steps are told of the first of them.
    #[must_use]
    pub fn started_by(&self, from: Vec<Start>) -> Finding {
        let theirs = |other: &Finding| -> Option<Finding> {
            let own: Vec<Start> = other.from.iter().copied().filter(|start| from.contains(start)).collect();
            (!own.is_empty()).then(|| other.started_by(own))
        };
        let alternatives = self.alternatives.iter().filter_map(theirs).collect();
        let mut own = Finding { from, alternatives, ..self.clone() };
        if let (Some(&Start::Subject(before)), Some(&Start::Subject(now))) = (self.from.first(), own.from.first()) {
            for request in own.steps.iter_mut().flat_map(|step| &mut Rc::make_mut(step).requests) {
                request.by = request.by.map(|by| if by == before { now } else { by });
                for right in &mut request.rights {
                    if let Evidence::Grant { subject, .. } = &mut right.evidence
                        && *subject == before
                    {
                        *subject = now;
                    }
                }
            }
        }
        own
    }

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

fn gained(target: Target, steps: &[Rc<StepDone>]) -> Target {
    match (target, steps.last().map(|step| step.effect)) {
        (Target::Access, Some(Effect::ActAs(subject))) => Target::Subject(subject),
        (Target::Access, Some(Effect::Everything(Place::Cluster))) => Target::ClusterAdmin,
        (Target::Access, Some(Effect::Everything(place))) => Target::NamespaceAdmin(place),
        _ => target,
    }
}

/// How severe it is that these reach a target by these steps, and why.
pub(super) fn severity(
    graph: &AccessGraph,
    from: &[Start],
    target: Target,
    steps: &[Rc<StepDone>],
) -> (Severity, Vec<String>) {
    let target = gained(target, steps);
    let (mut level, reason) = match target {
        Target::ClusterAdmin => (Severity::Critical, "gains everything in the cluster"),
        Target::NamespaceAdmin(Place::Namespace(_)) => (Severity::High, "gains the administration of a namespace"),
        Target::NamespaceAdmin(_) => (Severity::High, "gains the administration of every namespace"),
        Target::Secrets(Place::Namespace(_)) => (Severity::High, "gains the Secrets of kube-system"),
        Target::Secrets(_) => (Severity::High, "gains the Secrets of every namespace"),
        Target::Node(_) => (Severity::High, "gains a node, with every pod on it"),
        Target::Kubeconfig(_) => (Severity::High, "gains the credentials of another cluster"),
        Target::Secret(_) => (Severity::Medium, "gains one Secret"),
        Target::Pod(_) => (Severity::Medium, "gains one workload"),
        Target::Subject(_) => (Severity::Medium, "gains one identity"),
        Target::Azure(AzureTarget::Power { power, .. }) => match power {
            Power::RoleAssignments => (Severity::High, "gains the right to assign any role"),
            Power::Contributor => (Severity::High, "gains the right to write resources of every type"),
            Power::Limited => (Severity::Medium, "gains the right to write resources of some types"),
            Power::KeysAndData => (Severity::Medium, "gains keys and data"),
            Power::Read => (Severity::Low, "gains the right to read"),
        },
        Target::Azure(AzureTarget::Identity(who)) if has_roles(graph, who) => (Severity::Medium, "gains one identity"),
        Target::Azure(AzureTarget::Identity(_)) => (Severity::Medium, "gains an identity whose roles are not known"),
        Target::Azure(AzureTarget::Cluster(_)) => (Severity::High, "gains the administration of another cluster"),
        Target::Access => (Severity::Medium, "gains what was asked"),
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
    if let Target::Azure(at @ AzureTarget::Power { power: Power::Contributor | Power::RoleAssignments, .. }) = target
        && is_wide(graph, at)
    {
        level = Severity::Critical;
        reasons.push("in a whole subscription or more".to_owned());
    }
    if let Some(node) = control_plane(graph, target) {
        level = Severity::Critical;
        reasons.push(format!(
            "{node} runs the control plane: what signs its certificates and stores its objects is there"
        ));
    }
    let wide = from.iter().find_map(|&start| match start {
        Start::Subject(Subject::Group(name)) => Some(graph.text(name))
            .filter(|name| [AUTHENTICATED, UNAUTHENTICATED].contains(name) || name.starts_with(SERVICE_ACCOUNTS)),
        Start::Subject(Subject::User(name)) => Some(graph.text(name)).filter(|name| *name == ANONYMOUS),
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
    let doubt = match least_sure(steps) {
        Sure::Yes | Sure::Denied => None,
        Sure::Conditional => Some("a role assignment has a condition that is not evaluated"),
        Sure::Unknown => Some("what decides a step in Azure was not read"),
        Sure::Eligible => Some("a role or a membership has to be activated first"),
    };
    if let Some(doubt) = doubt {
        level = level.down();
        reasons.push(doubt.to_owned());
    }
    if let Some(dormant) = dormant(graph, from) {
        level = Severity::Info;
        reasons.push(dormant);
    }
    let absent =
        |start: &Start| matches!(*start, Start::Subject(account) if is_absent(graph, ClusterId::FIRST, account));
    if !from.is_empty() && from.iter().all(absent) {
        level = Severity::Info;
        reasons.push("nobody is there to start: the account does not exist".to_owned());
    }
    (level, reasons)
}

/// Nobody is in the groups that start, as far as the directory says it.
fn dormant(graph: &AccessGraph, from: &[Start]) -> Option<String> {
    let mut activate = 0;
    for &start in from {
        let Start::Subject(Subject::Group(name)) = start else { return None };
        let group = graph.azure_names().group(graph.text(name)).filter(|group| group.empty)?;
        activate += group.activate;
    }
    (!from.is_empty()).then(|| format!("dormant ({activate} can activate): nobody is in the group"))
}

/// The node of a target that runs the control plane, if one does.
fn control_plane(graph: &AccessGraph, target: Target) -> Option<String> {
    let Target::Node(wanted) = target else { return None };
    let snapshot = graph.snapshot();
    let labelled = |node: &&crate::model::Node| {
        let is = |&(key, _): &(Name, Name)| {
            ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"].contains(&snapshot.text(key))
        };
        wanted.is_none_or(|wanted| wanted == node.name) && node.labels.iter().any(is)
    };
    snapshot.nodes.iter().find(labelled).map(|node| format!("node {}", snapshot.text(node.name)))
}

/// A digest of the starting grant and the target, and one of the steps.
pub(super) fn fingerprint(graph: &AccessGraph, finding: &Finding) -> String {
    let start = finding.start().map(|(binding, _)| grant(graph, binding)).unwrap_or_default();
    let what = format!("{start}|{}", target_text(graph, finding.target));
    let step = |step: &Rc<StepDone>| {
        let with = step.with.iter().map(|&part| format!("+{}", target_text(graph, Target::Subject(part))));
        format!("{}@{}{}", step.technique.id, effect_text(graph, step.effect), with.collect::<String>())
    };
    let steps: Vec<String> = finding.steps.iter().map(step).collect();
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
        Target::Node(node) => node_text(graph, node),
        Target::Kubeconfig(secret) => format!("kubeconfig/{}", secret_text(graph, secret)),
        Target::Secret(secret) => secret_text(graph, secret),
        Target::Pod(pod) => pod_text(graph, pod),
        // Azure spells one id in several cases.
        Target::Azure(target) => target.name(graph).to_ascii_lowercase(),
        Target::Access => "access".to_owned(),
    }
}

fn node_text(graph: &AccessGraph, node: Option<Name>) -> String {
    node.map_or("any-node".to_owned(), |node| Thing::Node(graph.text(node).to_owned()).to_string())
}

fn secret_text(graph: &AccessGraph, at: SecretIx) -> String {
    let secret = &graph.snapshot().secrets[at.0 as usize];
    Thing::Secret(graph.text(secret.namespace).to_owned(), graph.text(secret.name).to_owned()).to_string()
}

fn pod_thing(graph: &AccessGraph, at: PodIx) -> Thing {
    let pod = &graph.snapshot().pods[at.0 as usize];
    Thing::Pod(graph.text(pod.namespace).to_owned(), graph.text(pod.name).to_owned())
}

fn pod_text(graph: &AccessGraph, at: PodIx) -> String {
    pod_thing(graph, at).to_string()
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
        Effect::Everything(place)
        | Effect::NamespaceAdmin(place)
        | Effect::Secrets(place)
        | Effect::NewPod(place)
        | Effect::Relax(place) => place_text(graph, place),
        Effect::Node(node) => node_text(graph, node),
        Effect::Secret(secret) | Effect::Kubeconfig(secret) => secret_text(graph, secret),
        Effect::Pod(pod) | Effect::Container(pod) => pod_text(graph, pod),
        Effect::Azure(step) => step_text(graph, step),
        Effect::Unguard | Effect::Any => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::graph;
    use crate::rules::{Ask, Severity, Target, escalations};

    /// The severity of the first finding of a world, with the reasons behind the first.
    fn check(world: &str, expected: &str) {
        let found = escalations(&graph(world), &Ask::default()).findings;
        let told = found.first().map(|finding| {
            let more: Vec<&str> = finding.reasons[1..].iter().map(String::as_str).collect();
            format!("{} {}", finding.severity.as_str(), more.join("; "))
        });
        assert_eq!(told.unwrap_or_default().trim_end(), expected, "{world}");
    }

    #[test]
    fn what_is_gained_says_how_severe_it_is() {
        check(
            "role e: escalate,patch clusterroles.rbac
             bind e user:alice",
            "critical",
        );
        check(
            "role b: bind clusterroles.rbac; create rolebindings.rbac
             bind dev/b=b user:alice",
            "high",
        );
        check(
            "role p: create pods
             namespace dev -
             bind dev/p=p user:alice",
            "high",
        );
    }

    #[test]
    fn a_node_of_the_control_plane_is_the_cluster() {
        let node = |labels: &str| {
            let world = format!("yaml {{apiVersion: v1, kind: Node, metadata: {{name: n1, labels: {{{labels}}}}}}}");
            let graph = graph(&world);
            let named = graph.snapshot().names.find("n1");
            [None, named].map(|node| super::severity(&graph, &[], Target::Node(node), &[]).0)
        };
        assert_eq!(node("node-role.kubernetes.io/control-plane: ''"), [Severity::Critical; 2]);
        assert_eq!(node("role: control-plane"), [Severity::High; 2]);
    }

    #[test]
    fn whoever_need_not_be_let_in_makes_it_worse() {
        for who in ["group:system:authenticated", "group:system:unauthenticated", "group:system:serviceaccounts:dev"] {
            check(
                &format!(
                    "role b: bind clusterroles.rbac; create rolebindings.rbac
                     bind dev/b=b {who}"
                ),
                &format!("critical starts at {}, which nobody has to be put into", who.trim_start_matches("group:")),
            );
        }
        check(
            "role b: bind clusterroles.rbac; create rolebindings.rbac
             bind dev/b=b group:dev-team",
            "high",
        );
    }

    #[test]
    fn an_account_that_is_not_there_starts_nothing() {
        check(
            "account dev/default
             role b: bind clusterroles.rbac; create rolebindings.rbac
             bind dev/b=b sa:dev/gone",
            "info nobody is there to start: the account does not exist",
        );
        check(
            "account dev/default
             account dev/here
             role b: bind clusterroles.rbac; create rolebindings.rbac
             bind dev/b=b sa:dev/here",
            "high",
        );
    }
}
