//! How a finding goes away with the least loss of other rights: what is removed, and the commands that remove it.
//!
//! Only what severs the path for certain is proposed. A path is told by the grant it starts with, its target, and its techniques
//! with what they gain; so it is gone when that grant supplies none of the rights with which its first technique can begin, when
//! it no longer names those who start, or when something on the way stops it wherever it can go.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::rc::Rc;

use rustc_hash::FxHashMap;
use serde_json::{Value, json};

use super::attack::{Effect, Place, PodIx, groups};
use super::azure::{AzureGain, opening_kinds};
use super::cuts::Grant;
use super::finding::{Evidence, Finding, RightDone, Start, StepDone};
use super::kubernetes::{all_powers, blockers, is_way_out};
use super::take::{RuleText, VERBS, in_group};
use super::technique::{At, On, Right, Technique, right};
use crate::graph::{AccessGraph, BindingIx, RoleIx};
use crate::model::azure::DIRECTORY_ROLES;
use crate::model::{ApiResource, CLUSTER_ADMIN, ClusterId, KindIx, Name, PodPowers, ResourceTable, Snapshot, Subject};
use crate::query::{is_default_grant, is_reconciled};

/// How a finding goes away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remedy {
    /// What to change, in one line.
    pub advice: String,
    /// What changes it, each a line for a POSIX shell. None where it is a matter of objects that nobody can rewrite from afar.
    pub commands: Vec<String>,
    /// Objects to apply before the commands by whoever needs the rest of what they remove, as YAML.
    pub patch: Option<Rc<str>>,
    /// What the commands remove.
    pub removes: Vec<Cut>,
}

/// Something that is removed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cut {
    /// A binding.
    Binding(BindingIx),
    /// Subjects of a binding.
    Subjects(BindingIx, Vec<Subject>),
    /// A rule of a role, in whose place others stand.
    Rule {
        /// The role.
        role: RoleIx,
        /// The rule's place in it.
        position: u32,
        /// What stands there then.
        left: Vec<RuleText>,
    },
    /// A label is set on a namespace.
    Label {
        /// The namespace.
        namespace: Name,
        /// `KEY=VALUE`.
        label: &'static str,
    },
    /// A running pod, that comes back only without what leads to its node.
    Pod(PodIx),
}

/// What others lose: the most that one of them does, and all of them together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Loss {
    most: usize,
    all: usize,
}

const BASELINE: &str = "pod-security.kubernetes.io/enforce=baseline";

/// The remedies for the findings about a graph.
pub struct Remedies<'g> {
    graph: &'g AccessGraph,
    table: ResourceTable,
    bindings: FxHashMap<RoleIx, Vec<BindingIx>>,
    /// What was found already.
    known: RefCell<BTreeMap<Case, Remedy>>,
}

/// All that a remedy is found by: findings are many, and most of those that start with one grant go away alike.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Case {
    label: Option<Cut>,
    claims: Option<Vec<Cut>>,
    pods: Option<Vec<Cut>>,
    first: Option<First>,
    from: Vec<Start>,
}

/// The grant that a path starts with: who is named, the binding, and the rights with which the path can begin.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct First {
    subject: Subject,
    binding: BindingIx,
    rights: Option<Vec<Opening>>,
}

impl<'g> Remedies<'g> {
    /// Looks up who is bound to what.
    pub fn new(graph: &'g AccessGraph) -> Remedies<'g> {
        let snapshot = graph.snapshot();
        let mut bindings: FxHashMap<RoleIx, Vec<BindingIx>> = FxHashMap::default();
        for (at, _) in graph.bindings() {
            if let Some(role) = graph.role_of(at) {
                bindings.entry(role).or_default().push(at);
            }
        }
        let mut served = snapshot.resources.clone();
        served.extend(aso_resources(snapshot));
        let table = ResourceTable::new(&served, snapshot.discovered);
        Remedies { graph, table, bindings, known: RefCell::default() }
    }

    /// The remedy with the least loss.
    pub fn of(&self, finding: &Finding) -> Remedy {
        let first = first_grant(finding).map(|(step, right, subject, binding)| {
            let in_namespace = self.graph.binding(binding).namespace.is_some();
            First { subject, binding, rights: openings(finding, step, right, in_namespace) }
        });
        let pods = if first.is_none() { self.pods(finding) } else { None };
        let (label, claims) = (self.label(finding), self.claims(finding));
        let case = Case { label, claims, pods, first, from: finding.from.clone() };
        if let Some(known) = self.known.borrow().get(&case) {
            return known.clone();
        }
        let Some(remedy) = self.best(&case) else {
            let advice = finding.steps.first().map(|step| self.advice(finding, step)).unwrap_or_default();
            let commands = self.unassign(finding).into_iter().collect();
            return Remedy { advice, commands, ..Remedy::default() };
        };
        self.known.borrow_mut().insert(case, remedy.clone());
        remedy
    }

    /// The remedy with the least loss, where the objects of the cluster have one.
    fn best(&self, case: &Case) -> Option<Remedy> {
        let mut candidates: Vec<(Loss, Vec<Cut>)> = Vec::new();
        candidates.extend(case.label.clone().map(|cut| (Loss::default(), vec![cut])));
        candidates.extend([&case.claims, &case.pods].into_iter().flatten().map(|cuts| (Loss::default(), cuts.clone())));
        if let Some(first) = &case.first {
            candidates.extend(self.restore(first));
            candidates.extend(self.trim(first));
            // Kubernetes would put its own binding back.
            if !is_default_grant(self.graph, first.binding, first.subject) {
                candidates.push(self.drop(&case.from, first));
            }
        }
        let (_, removes) = candidates.into_iter().enumerate().min_by_key(|(at, (loss, _))| (*loss, *at))?.1;
        let patch = case.first.as_ref().and_then(|first| self.lesser(first, &removes));
        Some(Remedy { advice: self.words(&removes), commands: self.commands(&removes), patch, removes })
    }

    /// What to do about a path of which no object says how it goes away, and where, if it starts in pods.
    fn advice(&self, finding: &Finding, first: &StepDone) -> String {
        let entered = || finding.steps.iter().find_map(|step| step.foothold.and_then(pod_of));
        let pod = match finding.from.first() {
            Some(&Start::Pod(at)) => Some(at),
            Some(Start::Pods(_)) => entered(),
            _ => None,
        };
        let about = pod.map(|at| format!(" This is about {}, and what makes it.", self.pod_words(at)));
        format!("{}{}", first.technique.remedy, about.unwrap_or_default())
    }

    /// The commands that remove each of some grants, lines for a POSIX shell. They are run in this order: a rule of a role stands
    /// where those before it have left it.
    pub fn removing(&self, grants: &[Grant]) -> Vec<Vec<String>> {
        let of = |(at, &grant): (usize, &Grant)| match grant {
            Grant::Binding(binding) => self.commands(&[Cut::Binding(binding)]),
            Grant::Rule(role, position) => {
                let is_gone =
                    |&&other: &&Grant| matches!(other, Grant::Rule(of, before) if of == role && before < position);
                let moved = grants[..at].iter().filter(is_gone).count();
                let patch = self.rule_patch(role, &[&Cut::Rule { role, position, left: Vec::new() }], moved);
                vec![self.role_command(role, &patch)]
            }
        };
        grants.iter().enumerate().map(of).collect()
    }

    /// The command that deletes the role assignment by which a path begins that needs no grant of the cluster. Another assignment may
    /// allow the same, so that nothing is said to be removed for certain.
    fn unassign(&self, finding: &Finding) -> Option<String> {
        let assignment = finding.steps.iter().find_map(|step| match step.effect {
            Effect::Azure(own) => own.action.map(|(_, assignment)| assignment),
            _ => None,
        })?;
        let id = &self.graph.azure_names().assignment(assignment)?.id;
        if id.strip_prefix(DIRECTORY_ROLES).is_some_and(|rest| rest.starts_with("roleAssignments/")) {
            let url = format!("https://graph.microsoft.com/v1.0{id}");
            return Some(format!("az rest --method delete --url {}", shell(&url)));
        }
        // What Privileged Identity Management makes eligible is no role assignment.
        let deletable = id.to_ascii_lowercase().contains("/providers/microsoft.authorization/roleassignments/");
        deletable.then(|| format!("az role assignment delete --ids {}", shell(id)))
    }

    /// Pod Security in the namespace in which a pod that leads to a node is run.
    fn label(&self, finding: &Finding) -> Option<Cut> {
        let to_node = |step: &Rc<StepDone>| match (step.foothold, step.effect) {
            (Some(Effect::NewPod(Place::Namespace(namespace))), Effect::Node(_)) => Some(namespace),
            _ => None,
        };
        let namespace = finding.steps.iter().find_map(to_node)?;
        let relaxed = finding.steps.iter().any(|step| match step.effect {
            Effect::Relax(_) => true,
            Effect::Azure(own) => matches!(own.gain, AzureGain::Labels(_)),
            _ => false,
        });
        let snapshot = self.graph.snapshot();
        let text = snapshot.text(namespace);
        // What runs there now would not come back after a restart.
        let key = (ClusterId::FIRST, namespace);
        let from = snapshot.pods.partition_point(|pod| (pod.cluster, pod.namespace) < key);
        let mut here = snapshot.pods[from..].iter().take_while(|pod| (pod.cluster, pod.namespace) == key);
        let strict = |&(key, level): &(Name, Name)| {
            snapshot.text(key) == "pod-security.kubernetes.io/enforce"
                && ["baseline", "restricted"].contains(&snapshot.text(level))
        };
        let own = snapshot.namespaces.binary_search_by_key(&key, |own| (own.cluster, own.name)).ok()?;
        let fits = !snapshot.namespaces[own].labels.iter().any(strict)
            && !relaxed
            && !text.starts_with("kube-")
            && here.all(|pod| pod.powers.is_empty());
        fits.then_some(Cut::Label { namespace, label: BASELINE })
    }

    /// The pods of those who start from which a path leads to a node without any right: they go, and Pod Security keeps them from
    /// coming back. None where it does not, or where what the platform runs would not come back either.
    fn pods(&self, finding: &Finding) -> Option<Vec<Cut>> {
        let snapshot = self.graph.snapshot();
        let to_node = finding.steps.iter().find(|step| matches!(step.effect, Effect::Node(_)))?;
        let at = to_node.foothold.and_then(pod_of)?;
        let pod = &snapshot.pods[at.0 as usize];
        let every = finding.from.contains(&Start::Pods(pod.namespace));
        let here = |&own: &PodIx| {
            let other = &snapshot.pods[own.0 as usize];
            every && (other.cluster, other.namespace) == (pod.cluster, pod.namespace) && !other.finished
        };
        let all = (0..).take(snapshot.pods.len()).map(PodIx);
        let open: Vec<PodIx> =
            all.filter(|own| *own == at || here(own)).filter(|&own| is_way_out(all_powers(snapshot, own))).collect();
        let lasts = |&own: &PodIx| {
            let pod = &snapshot.pods[own.0 as usize];
            !pod.mirror && all_powers(snapshot, own) == pod.powers
        };
        if snapshot.text(pod.namespace).starts_with("kube-") || !open.iter().all(lasts) {
            return None;
        }
        let strict = blockers(self.graph, pod.cluster, pod.namespace).iter().any(|blocker| blocker.stops);
        let label = (!strict).then_some(Cut::Label { namespace: pod.namespace, label: BASELINE });
        Some(label.into_iter().chain(open.into_iter().map(Cut::Pod)).collect())
    }

    /// A missing account that bindings name, taken out of all of them; none where Kubernetes would put it back.
    fn claims(&self, finding: &Finding) -> Option<Vec<Cut>> {
        let created = |step: &Rc<StepDone>| match step.effect {
            Effect::Create(subject) => Some(subject),
            _ => None,
        };
        let subject = finding.steps.iter().find_map(created)?;
        let subjects = &self.graph.snapshot().subjects;
        let bindings = subjects.find(subject).map(|id| self.graph.bindings_of(id)).unwrap_or_default();
        if bindings.iter().any(|&binding| is_default_grant(self.graph, binding, subject)) {
            return None;
        }
        let cuts: Vec<Cut> = bindings.iter().map(|&binding| self.without(binding, vec![subject])).collect();
        (!cuts.is_empty()).then_some(cuts)
    }

    /// A binding without some of its subjects; without any it need not be there.
    fn without(&self, binding: BindingIx, subjects: Vec<Subject>) -> Cut {
        let all = self.subjects(binding);
        if all.iter().all(|own| subjects.contains(own)) {
            Cut::Binding(binding)
        } else {
            Cut::Subjects(binding, subjects)
        }
    }

    fn subjects(&self, binding: BindingIx) -> Vec<Subject> {
        let subjects = &self.graph.snapshot().subjects;
        subjects.set(self.graph.binding(binding).subjects).iter().map(|&id| subjects.get(id)).collect()
    }

    /// Those who start, taken out of the binding they start with.
    fn drop(&self, from: &[Start], &First { subject, binding, .. }: &First) -> (Loss, Vec<Cut>) {
        let start = |start: &Start| match *start {
            Start::Subject(subject) => Some(subject),
            Start::Pod(_) | Start::Pods(_) | Start::Azure(_) => None,
        };
        let starts = from.iter().filter_map(start).chain([subject]);
        let who: Vec<Subject> = starts.flat_map(|one| [one].into_iter().chain(groups(self.graph, one))).collect();
        let own = self.subjects(binding);
        let dropped: Vec<Subject> = own.iter().filter(|one| who.contains(one)).copied().collect();
        let role = self.graph.role_of(binding).map_or(0, |role| self.rules(role).iter().map(RuleText::weight).sum());
        (Loss { most: role, all: role * dropped.len() }, vec![self.without(binding, dropped)])
    }

    fn rules(&self, role: RoleIx) -> Vec<RuleText> {
        let snapshot = self.graph.snapshot();
        let rules = snapshot.rules.set(self.graph.role(role).rules).iter();
        rules.map(|&rule| RuleText::of(snapshot, snapshot.rules.rule(rule))).collect()
    }

    /// The rights that a path can begin with, taken out of the role of its binding; none where that cannot be done.
    fn trim(&self, first: &First) -> Option<(Loss, Vec<Cut>)> {
        let rights = first.rights.as_deref()?;
        let role = self.graph.role_of(first.binding)?;
        let (mut loss, mut cuts) = (Loss::default(), Vec::new());
        for role in self.written(role)? {
            let mut lost = 0;
            for (position, rule) in (0_u32..).zip(self.rules(role)) {
                let left = self.left(rule.clone(), rights)?;
                if left != [rule.clone()] {
                    lost += rule.weight().saturating_sub(left.iter().map(RuleText::weight).sum());
                    cuts.push(Cut::Rule { role, position, left });
                }
            }
            let under = self.bindings.get(&role).into_iter().flatten();
            let subjects: usize = under
                .map(|&binding| self.graph.snapshot().subjects.set(self.graph.binding(binding).subjects).len())
                .sum();
            loss = Loss { most: loss.most.max(lost), all: loss.all + lost * subjects.max(1) };
        }
        (!cuts.is_empty()).then_some((loss, cuts))
    }

    /// What somebody added to a role of Kubernetes, taken out of it; none where what is left lets the path begin as well.
    fn restore(&self, first: &First) -> Option<(Loss, Vec<Cut>)> {
        let rights = first.rights.as_deref()?;
        let role = self.graph.role_of(first.binding).filter(|&role| !self.graph.added(role).is_empty())?;
        let rules = self.graph.role(role).rules;
        let opens = |rule: &RuleText| {
            let grants = |(right, on): &Opening| on.iter().any(|&resource| rule.grants(&Right { resource, ..*right }));
            rights.iter().any(grants)
        };
        let mut cuts = Vec::new();
        for (position, rule) in (0_u32..).zip(self.rules(role)) {
            if !opens(&rule) {
                continue;
            }
            let (_, added) = self.graph.added(role).iter().find(|(at, _)| *at == position)?;
            let left = RuleText::without(self.graph.snapshot(), self.graph.rule(rules, position), added);
            if left.iter().any(opens) {
                return None;
            }
            cuts.push(Cut::Rule { role, position, left });
        }
        (!cuts.is_empty()).then_some((Loss::default(), cuts))
    }

    /// What is left of a rule without some rights.
    fn left(&self, rule: RuleText, rights: &[Opening]) -> Option<Vec<RuleText>> {
        let mut left = vec![rule];
        for (right, resources) in rights {
            let parts: Option<Vec<Vec<RuleText>>> =
                left.iter().map(|rule| rule.without_any(right, resources, &self.table)).collect();
            left = parts?.concat();
        }
        Some(left)
    }

    /// The roles in which the rules of a role are written: itself, or what is united into it. None where one of them is written
    /// anew by Kubernetes.
    fn written(&self, role: RoleIx) -> Option<Vec<RoleIx>> {
        let (mut found, mut open) = (Vec::new(), vec![role]);
        while let Some(at) = open.pop() {
            if is_reconciled(self.graph, at) {
                return None;
            }
            let own = self.graph.role(at);
            match &own.aggregation {
                Some(aggregation) => {
                    let parts = self.graph.roles().filter(|(part, other)| {
                        *part != at
                            && other.cluster == own.cluster
                            && other.namespace.is_none()
                            && aggregation.selectors.iter().any(|selector| selector.selects(&other.labels))
                    });
                    let parts: Vec<RoleIx> = parts.map(|(part, _)| part).filter(|part| !found.contains(part)).collect();
                    // Rules that no part explains are gone as soon as the controller looks at them.
                    if parts.is_empty() {
                        return None;
                    }
                    found.push(at);
                    open.extend(parts);
                }
                None => found.push(at),
            }
        }
        found.retain(|&at| self.graph.role(at).aggregation.is_none());
        found.sort_unstable();
        found.dedup();
        Some(found)
    }

    /// A role with what is left of a default one, for those whose binding to it goes.
    fn lesser(&self, &First { binding, ref rights, .. }: &First, removes: &[Cut]) -> Option<Rc<str>> {
        let gone = match removes {
            [Cut::Binding(at)] if *at == binding => self.subjects(binding),
            [Cut::Subjects(at, subjects)] if *at == binding => subjects.clone(),
            _ => return None,
        };
        let own = self.graph.binding(binding);
        let role =
            self.graph.role_of(binding).filter(|&role| self.graph.text(self.graph.role(role).name) != CLUSTER_ADMIN)?;
        let rights = rights.as_deref()?;
        let parts: Option<Vec<Vec<RuleText>>> =
            self.rules(role).into_iter().map(|rule| self.left(rule, rights)).collect();
        let mut rules = parts?.concat();
        if rules.is_empty() {
            return None;
        }
        if own.namespace.is_some() {
            // A Role of a namespace has no paths.
            rules.retain(|rule| rule.non_resource_urls.is_empty());
        }
        let text = |name: Name| self.graph.text(name).to_owned();
        let name = format!("{}-lesser", text(own.name));
        let kind = if own.namespace.is_some() { "Role" } else { "ClusterRole" };
        let mut metadata = json!({ "name": name });
        if let Some(namespace) = own.namespace {
            metadata["namespace"] = text(namespace).into();
        }
        let group = "rbac.authorization.k8s.io";
        let documents = [
            json!({"apiVersion": format!("{group}/v1"), "kind": kind, "metadata": metadata,
                "rules": rules.iter().map(RuleText::json).collect::<Vec<_>>()}),
            json!({"apiVersion": format!("{group}/v1"), "kind": format!("{kind}Binding"), "metadata": metadata,
                "roleRef": {"apiGroup": group, "kind": kind, "name": name},
                "subjects": gone.iter().map(|&subject| self.subject_json(subject)).collect::<Vec<_>>()}),
        ];
        // JSON is YAML, and its strings mean the same to every reader.
        Some(documents.iter().map(|document| format!("---\n{document:#}\n")).collect::<String>().into())
    }

    fn subject_json(&self, subject: Subject) -> Value {
        let name = self.graph.text(subject.name());
        match subject {
            Subject::ServiceAccount { namespace, .. } => {
                json!({"kind": subject.kind(), "namespace": self.graph.text(namespace), "name": name})
            }
            _ => json!({"apiGroup": "rbac.authorization.k8s.io", "kind": subject.kind(), "name": name}),
        }
    }

    fn words(&self, cuts: &[Cut]) -> String {
        let words: Vec<String> = cuts.iter().map(|cut| self.cut_words(cut)).chain(self.others(cuts)).collect();
        words.join("; ")
    }

    /// What else would not come back where pods go for good.
    fn others(&self, cuts: &[Cut]) -> Option<String> {
        let [Cut::Label { namespace, .. }, Cut::Pod(_), ..] = cuts else { return None };
        let pods = (0..).map(PodIx).zip(&self.graph.snapshot().pods);
        let others = pods.filter(|(at, pod)| {
            let more = pod.powers.without(PodPowers::SHARED_PID);
            pod.namespace == *namespace && !pod.finished && !more.is_empty() && !cuts.contains(&Cut::Pod(*at))
        });
        let count = others.count();
        (count > 0).then(|| format!("{count} more of its pods need a namespace that admits them"))
    }

    fn cut_words(&self, cut: &Cut) -> String {
        match cut {
            Cut::Binding(binding) => format!("delete {}", self.binding_words(*binding)),
            Cut::Subjects(binding, subjects) => {
                let names: Vec<String> =
                    subjects.iter().map(|subject| subject.request_name(&self.graph.snapshot().names)).collect();
                format!("take {} out of {}", names.join(", "), self.binding_words(*binding))
            }
            Cut::Rule { role, position, left } => {
                let before = &self.rules(*role)[*position as usize];
                let what = gone(before, left, &self.table);
                let own = self.graph.role(*role);
                let name = self.graph.text(own.name);
                let stays = if is_reconciled(self.graph, *role) {
                    " (kube-apiserver puts back what is its own at its next start, and this is not)"
                } else {
                    ""
                };
                match own.namespace {
                    Some(namespace) => format!("take {what} out of Role {}/{name}{stays}", self.graph.text(namespace)),
                    None => format!("take {what} out of ClusterRole {name}{stays}"),
                }
            }
            Cut::Label { namespace, label } => format!("label namespace {} {label}", self.graph.text(*namespace)),
            Cut::Pod(at) => {
                let powers = self.graph.snapshot().pods[at.0 as usize].powers.without(PodPowers::SHARED_PID);
                format!("delete {}, which what makes it has to make without {powers}", self.pod_words(*at))
            }
        }
    }

    fn pod_words(&self, at: PodIx) -> String {
        let pod = &self.graph.snapshot().pods[at.0 as usize];
        format!("Pod {}/{}", self.graph.text(pod.namespace), self.graph.text(pod.name))
    }

    fn binding_words(&self, at: BindingIx) -> String {
        let own = self.graph.binding(at);
        let name = self.graph.text(own.name);
        match own.namespace {
            Some(namespace) => format!("RoleBinding {}/{name}", self.graph.text(namespace)),
            None => format!("ClusterRoleBinding {name}"),
        }
    }

    /// A line for each object that is changed.
    fn commands(&self, cuts: &[Cut]) -> Vec<String> {
        let mut commands = Vec::new();
        let mut roles: Vec<(RoleIx, Vec<&Cut>)> = Vec::new();
        for cut in cuts {
            match cut {
                Cut::Binding(binding) => {
                    let own = self.graph.binding(*binding);
                    commands.push(self.command("delete", binding_kind(own.namespace), own.namespace, own.name, ""));
                }
                Cut::Subjects(binding, subjects) => {
                    let own = self.graph.binding(*binding);
                    let patch = patch(&self.subject_patch(*binding, subjects));
                    commands.push(self.command("patch", binding_kind(own.namespace), own.namespace, own.name, &patch));
                }
                Cut::Rule { role, .. } => match roles.last_mut() {
                    Some((last, cuts)) if last == role => cuts.push(cut),
                    _ => roles.push((*role, vec![cut])),
                },
                Cut::Label { namespace, label } => {
                    commands.push(format!(
                        "kubectl label --overwrite namespace {} {label}",
                        shell(self.graph.text(*namespace))
                    ));
                }
                Cut::Pod(at) => {
                    let pod = &self.graph.snapshot().pods[at.0 as usize];
                    commands.push(self.command("delete", "pod", Some(pod.namespace), pod.name, ""));
                }
            }
        }
        for (role, cuts) in roles {
            commands.push(self.role_command(role, &self.rule_patch(role, &cuts, 0)));
        }
        commands
    }

    fn role_command(&self, role: RoleIx, operations: &Value) -> String {
        let own = self.graph.role(role);
        let kind = if own.namespace.is_some() { "role" } else { "clusterrole" };
        self.command("patch", kind, own.namespace, own.name, &patch(operations))
    }

    fn command(&self, verb: &str, kind: &str, namespace: Option<Name>, name: Name, flags: &str) -> String {
        let mut text = format!("kubectl {verb} {kind}");
        if let Some(namespace) = namespace {
            let _ = write!(text, " -n {}", shell(self.graph.text(namespace)));
        }
        let name = self.graph.text(name);
        // A name that begins like a flag.
        let dashes = if name.starts_with('-') { " --" } else { "" };
        let _ = write!(text, "{flags}{dashes} {}", shell(name));
        text
    }

    /// Takes subjects out by their places, the last one first; each is looked at before.
    fn subject_patch(&self, binding: BindingIx, subjects: &[Subject]) -> Value {
        let mut patch = Vec::new();
        for (at, own) in self.subjects(binding).into_iter().enumerate().rev() {
            if !subjects.contains(&own) {
                continue;
            }
            let path = format!("/subjects/{at}");
            if let Value::Object(fields) = self.subject_json(own) {
                let looked_at = fields.into_iter().filter(|(key, _)| key != "apiGroup");
                patch.extend(
                    looked_at
                        .map(|(key, value)| json!({"op": "test", "path": format!("{path}/{key}"), "value": value})),
                );
            }
            patch.push(json!({"op": "remove", "path": path}));
        }
        patch.into()
    }

    /// Puts what is left of rules in their place, the last one first; each is looked at before. So many rules that stood before
    /// them are gone.
    fn rule_patch(&self, role: RoleIx, cuts: &[&Cut], moved: usize) -> Value {
        let rules = self.rules(role);
        let mut patch = Vec::new();
        for cut in cuts.iter().rev() {
            let Cut::Rule { position, left, .. } = cut else { continue };
            let place = *position as usize - moved;
            let path = format!("/rules/{place}");
            patch.push(json!({"op": "test", "path": path, "value": rules[*position as usize].json()}));
            match left.split_first() {
                None => patch.push(json!({"op": "remove", "path": path})),
                Some((first, rest)) => {
                    patch.push(json!({"op": "replace", "path": path, "value": first.json()}));
                    for (more, rule) in rest.iter().enumerate() {
                        let path = format!("/rules/{}", place + 1 + more);
                        patch.push(json!({"op": "add", "path": path, "value": rule.json()}));
                    }
                }
            }
        }
        patch.into()
    }
}

/// The grant that a path starts with: its step, the right, who is named, and the binding.
fn first_grant(finding: &Finding) -> Option<(&StepDone, &RightDone, Subject, BindingIx)> {
    finding.steps.iter().map(AsRef::as_ref).find_map(|step: &StepDone| {
        let rights = step.requests.iter().flat_map(|request| &request.rights);
        rights.into_iter().find_map(|right| match right.evidence {
            Evidence::Grant { subject, binding, .. } => Some((step, right, subject, binding)),
            _ => None,
        })
    })
}

/// A right that is taken out of rules, on each of some resources of its group.
type Opening = (Right, Vec<&'static str>);

/// The resources of ASO in a cluster; where it is not known which are installed, all that there are.
fn aso_resources(snapshot: &Snapshot) -> Vec<ApiResource> {
    let installed = snapshot.aso_definitions.iter();
    let mut all: Vec<(&str, &str)> = installed.map(|at| (snapshot.text(at.group), snapshot.text(at.plural))).collect();
    if all.is_empty() && !snapshot.discovered {
        all.extend(KindIx::all().map(|kind| (kind.facts().group, kind.facts().plural)));
    }
    let resource = |(group, resource): (&str, &str), subresource: &str| ApiResource {
        group: group.to_owned(),
        resource: resource.to_owned(),
        subresource: subresource.to_owned(),
        namespaced: true,
        ..ApiResource::default()
    };
    all.into_iter().flat_map(|one| ["", "status"].map(|subresource| resource(one, subresource))).collect()
}

/// The rights by which ASO resources are created with which a path can begin, by group.
fn creations(finding: &Finding, step: &StepDone, held: &RightDone) -> Option<Vec<Opening>> {
    KindIx::of_resource(held.api_group, held.resource).filter(|_| held.verb == "create")?;
    let mut by_group: Vec<Opening> = Vec::new();
    for kind in opening_kinds(finding, step) {
        let facts = kind.facts();
        match by_group.last_mut().filter(|(right, _)| right.api_group == facts.group) {
            Some((_, resources)) => resources.push(facts.plural),
            None => {
                let creation = right(&["create"], facts.group, facts.plural, On::Nothing);
                by_group.push((creation, vec![facts.plural]));
            }
        }
    }
    let is_held =
        |(right, resources): &Opening| right.api_group == held.api_group && resources.contains(&held.resource);
    by_group.iter().any(is_held).then_some(by_group)
}

/// The rights with which a path can begin, by a binding of a namespace or of the cluster.
fn openings(finding: &Finding, step: &StepDone, held: &RightDone, in_namespace: bool) -> Option<Vec<Opening>> {
    creations(finding, step, held).or_else(|| {
        let rights = requested(step.technique, step.effect, held, in_namespace)?;
        Some(rights.into_iter().map(|right| (right, vec![right.resource])).collect())
    })
}

/// The rights with which a technique can begin to do the same, by a binding of a namespace or of the cluster: the first of each
/// request. None where the right at hand is none of them.
fn requested(technique: &Technique, effect: Effect, held: &RightDone, in_namespace: bool) -> Option<Vec<Right>> {
    let of_role = match effect {
        Effect::Bind { role, .. } | Effect::Write { role, .. } => Some(role),
        _ => None,
    };
    let about = |right: &Right| match (of_role, right.resource) {
        (Some(role), "roles") => role.namespace.is_some(),
        (Some(role), "clusterroles") => role.namespace.is_none(),
        _ => true,
    };
    let reaches = |at: At, right: &Right| !in_namespace || (at == At::Namespace && !right.in_cluster);
    let mut rights: Vec<Right> = Vec::new();
    for request in technique.requests {
        let Some(&first) = request.rights.first() else { continue };
        if about(&first) && reaches(request.at, &first) && !rights.contains(&first) {
            rights.push(first);
        }
    }
    let is_held = |right: &Right| {
        right.verbs.contains(&held.verb) && right.api_group == held.api_group && right.resource == held.resource
    };
    rights.iter().any(is_held).then_some(rights)
}

/// What a rule loses, in words.
fn gone(before: &RuleText, left: &[RuleText], table: &ResourceTable) -> String {
    let still = |verb: &str, group: &str, resource: &str| {
        left.iter().any(|rule| {
            rule.verbs.iter().any(|own| own == verb)
                && rule.api_groups.iter().any(|own| own == group)
                && rule.resources.iter().any(|own| own == resource)
        })
    };
    let mut words: Vec<String> = Vec::new();
    for group in &before.api_groups {
        let is_same = |rule: &RuleText| rule.api_groups.contains(group) && rule.resources == before.resources;
        if left.iter().any(|rule| is_same(rule) && rule.verbs == before.verbs) {
            continue;
        }
        let listed = |rule: &RuleText| rule.api_groups.contains(group) && rule.resources.iter().all(|own| own != "*");
        let known = in_group(table, group).into_iter().filter(|one| !one.contains('/'));
        let any = before.resources.iter().any(|own| own == "*") && left.iter().any(listed);
        let resources: Vec<String> = if any { known.collect() } else { before.resources.clone() };
        for resource in &resources {
            let verbs: Vec<&str> =
                before.verbs.iter().map(String::as_str).filter(|verb| !still(verb, group, resource)).collect();
            // Of a `*` some verbs are still there.
            let star = |verb: &&str| *verb == "*" && VERBS.iter().any(|verb| still(verb, group, resource));
            let verbs: Vec<&str> = if verbs.iter().any(star) {
                VERBS.into_iter().filter(|verb| !still(verb, group, resource)).collect()
            } else {
                verbs
            };
            if !verbs.is_empty() {
                let group = if group.is_empty() { String::new() } else { format!(".{group}") };
                words.push(format!("`{} {resource}{group}`", verbs.join(",")));
            }
        }
    }
    words.join(" and ")
}

fn pod_of(foothold: Effect) -> Option<PodIx> {
    match foothold {
        Effect::Pod(at) => Some(at),
        _ => None,
    }
}

fn binding_kind(namespace: Option<Name>) -> &'static str {
    if namespace.is_some() { "rolebinding" } else { "clusterrolebinding" }
}

fn patch(operations: &Value) -> String {
    format!(" --type=json -p {}", shell(&operations.to_string()))
}

/// A word as a POSIX shell takes it for one, whatever is in it.
pub(super) fn shell(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-._:".contains(letter);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
