//! `escalations` as a table, as trees, and as a document; and `explain`.

use serde::Serialize;

use super::document::{Document, Exit, Metadata, OriginOut, SubjectOut};
use super::evidence::{binding_out, grant_out, role_out, subject_column, thing};
use super::format::Format;
use super::table::Table;
use super::text::safe;
use super::what_can::{SubjectGrantOut, binding_thing};
use crate::graph::{AccessGraph, BindingIx};
use crate::model::{Name, Subject, Thing};
use crate::rules::{
    At, Effect, Escalations, Evidence, Finding, Kind, On, Place, PodIx, RequestDone, RightDone, RoleKey, SecretIx,
    Start, StepDone, Target, Technique,
};

/// What is rendered: the findings and what was asked.
pub struct EscalationsReport<'a> {
    /// The graph that the answer is about.
    pub graph: &'a AccessGraph,
    /// From whom, as it was typed.
    pub from: Option<&'a str>,
    /// To what, as it was typed.
    pub to: Option<&'a str>,
    /// The answer.
    pub answer: &'a Escalations,
    /// What the report says of itself.
    pub metadata: Metadata,
    /// The exit status.
    pub exit: Exit,
}

/// What was asked.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct EscalationsQuestion {
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
}

/// A path from those who start alike to a target.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct EscalationItem {
    fingerprint: String,
    severity: SeverityOut,
    /// Who starts, as `KIND:[NAMESPACE/]NAME`.
    from: Vec<String>,
    target: TargetOut,
    steps: Vec<StepOut>,
    remedy: RemedyOut,
    /// Paths that are left when the starting grant of this one, and then of each of them, is gone; under `--all`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    alternatives: Vec<AlternativeOut>,
    /// Numbers of MITRE ATT&CK and of the threat matrix for Kubernetes.
    references: Vec<&'static str>,
}

#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Severity"))]
struct SeverityOut {
    #[cfg_attr(test, schemars(extend("enum" = ["info", "low", "medium", "high", "critical"])))]
    level: &'static str,
    reasons: Vec<String>,
}

/// What is reached, or held.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Target"))]
#[serde(rename_all = "camelCase")]
struct TargetOut {
    #[cfg_attr(test, schemars(extend("enum" = ["clusterAdmin", "namespaceAdmin", "secrets", "node", "cluster", "secret", "pod", "subject"])))]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    /// In every namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    every_namespace: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<SubjectOut>,
    /// The node, pod or Secret, as `KIND:[NAMESPACE/]NAME`.
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<String>,
}

/// One step.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Step"))]
struct StepOut {
    technique: &'static str,
    /// `move` gains something, `holding` says what is held by then.
    #[cfg_attr(test, schemars(extend("enum" = ["move", "holding"])))]
    kind: &'static str,
    /// Who makes the requests, where that is one identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    to: EffectOut,
    requests: Vec<RequestOut>,
    /// What grants the rights of the requests, and what puts an identity under a role that is written.
    evidence: Vec<EvidenceOut>,
    #[cfg_attr(test, schemars(extend("enum" = ["performed", "documented", "inferred"])))]
    confidence: &'static str,
    /// What stops the step, or might.
    blockers: Vec<BlockerOut>,
}

/// Something that stops a step, or that might.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Blocker"))]
struct BlockerOut {
    message: String,
    stops: bool,
}

/// What a step does.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Effect"))]
#[serde(rename_all = "camelCase")]
struct EffectOut {
    /// In words.
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<NamedRoleOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<SubjectOut>,
    /// Where; none for the whole cluster and for every namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    /// In every namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    every_namespace: Option<bool>,
    /// The node, pod or Secret, as `KIND:[NAMESPACE/]NAME`.
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<String>,
}

/// A role by its name.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "NamedRole"))]
struct NamedRoleOut {
    #[cfg_attr(test, schemars(extend("enum" = ["Role", "ClusterRole"])))]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    /// None for one of a new name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

/// Rights that one identity needs together.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Request"))]
struct RequestOut {
    /// Who makes it; none when every identity gained so far can.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    rights: Vec<NeededRightOut>,
}

/// A right that is looked at.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "NeededRight"))]
#[serde(rename_all = "camelCase")]
struct NeededRightOut {
    verb: &'static str,
    api_group: &'static str,
    resource: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    /// In every namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    every_namespace: Option<bool>,
}

/// What grants something.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Evidence"))]
#[serde(rename_all = "camelCase")]
struct EvidenceOut {
    /// `grant` is a binding that was read; `membership` is one that puts an identity under the role that is written;
    /// `earlierStep` is what a step before this one made.
    #[cfg_attr(test, schemars(extend("enum" = ["grant", "membership", "earlierStep"])))]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    grant: Option<SubjectGrantOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binding: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<NamedRoleOut>,
}

/// How a finding goes away.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Remedy"))]
struct RemedyOut {
    /// What to change, in words.
    advice: &'static str,
    /// What removes the starting grant, and with it this path. Everything else that the binding grants goes as well.
    commands: Vec<String>,
}

/// Another path to the same target.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Alternative"))]
struct AlternativeOut {
    fingerprint: String,
    steps: Vec<StepOut>,
}

/// Those who hold a target without any step.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Holders"))]
pub(super) struct HoldersOut {
    target: TargetOut,
    subjects: Vec<String>,
}

/// The text of the findings.
///
/// # Errors
/// When it cannot be serialised, which is a fault of this program.
pub fn escalations(report: &EscalationsReport<'_>, format: Format, heads: bool) -> Result<String, String> {
    match format {
        Format::Table => Ok(table(report, heads, false)),
        Format::Wide => Ok(table(report, heads, true)),
        Format::Tree => Ok(trees(report)),
        Format::Name => Ok(names(report)),
        Format::Json | Format::Yaml | Format::Ndjson => {
            let graph = report.graph;
            let items = report.answer.findings.iter().map(|finding| item(graph, finding)).collect();
            let question =
                EscalationsQuestion { from: report.from.map(str::to_owned), to: report.to.map(str::to_owned) };
            let mut document =
                Document::new("EscalationReport", graph.snapshot(), &report.metadata, question, items, &report.exit);
            document.summary.hidden_subjects = Some(report.answer.hidden);
            document.summary.inherited_subjects = Some(report.answer.inherited);
            document.summary.longer_paths = Some(report.answer.longer);
            let holders = report.answer.holders.iter().map(|holders| HoldersOut {
                target: target_out(graph, holders.target),
                subjects: holders.from.iter().map(|&start| start_thing(graph, start).to_string()).collect(),
            });
            document.summary.holders = Some(holders.collect());
            document.text(format).unwrap_or_else(|| Ok(String::new()))
        }
    }
}

/// One line for each kind of target: how many hold it, and how many can reach it.
pub fn classes(report: &EscalationsReport<'_>) -> Vec<String> {
    let class = |target: Target| match target {
        Target::ClusterAdmin => "cluster-admin".to_owned(),
        Target::NamespaceAdmin(Place::Namespace(_)) => "admin of a namespace".to_owned(),
        Target::NamespaceAdmin(_) => "admin of every namespace".to_owned(),
        other => target_words(report.graph, other),
    };
    let mut classes: Vec<(Target, String)> = Vec::new();
    let holders = report.answer.holders.iter().map(|holders| holders.target);
    let mut all: Vec<Target> = holders.chain(report.answer.findings.iter().map(|finding| finding.target)).collect();
    all.sort_unstable();
    for target in all {
        let words = class(target);
        if !classes.iter().any(|(_, known)| *known == words) {
            classes.push((target, words));
        }
    }
    let distinct = |subjects: &mut dyn Iterator<Item = Start>| {
        let mut subjects: Vec<Start> = subjects.collect();
        subjects.sort_unstable();
        subjects.dedup();
        subjects.len()
    };
    let line = |(_, words): (Target, String)| {
        let hold = report.answer.holders.iter().filter(|holders| class(holders.target) == words);
        let reach = report.answer.findings.iter().filter(|finding| class(finding.target) == words);
        let held = distinct(&mut hold.flat_map(|holders| holders.from.iter().copied()));
        let reached = distinct(&mut reach.flat_map(|finding| finding.from.iter().copied()));
        format!("{words}: {held} hold it, {reached} more can reach it")
    };
    classes.into_iter().map(line).collect()
}

fn table(report: &EscalationsReport<'_>, heads: bool, wide: bool) -> String {
    let mut columns = vec!["SEVERITY", "WHO", "REACHES", "STEPS", "STARTS WITH", "CONFIDENCE"];
    if wide {
        columns.extend(["TECHNIQUES", "SOURCE", "FINGERPRINT"]);
    }
    let mut table = Table::new(&columns, heads);
    for finding in &report.answer.findings {
        let graph = report.graph;
        let start = finding.start().map(|(binding, _)| binding);
        let mut cells = vec![
            finding.severity.as_str().to_owned(),
            who(graph, &finding.from, wide),
            target_words(graph, finding.target),
            finding.moves().to_string(),
            start.map(|binding| binding_words(graph, binding)).unwrap_or_default(),
            finding.confidence().as_str().to_owned(),
        ];
        if wide {
            let techniques: Vec<&str> = finding.steps.iter().map(|step| step.technique.id).collect();
            let source = start.map(|binding| OriginOut::new(graph.snapshot(), graph.binding(binding).origin).column());
            cells.extend([techniques.join(", "), source.unwrap_or_default(), finding.fingerprint.clone()]);
        }
        table.row(cells);
    }
    let mut text = String::new();
    if heads {
        for line in classes(report) {
            text.push_str(&safe(&line));
            text.push('\n');
        }
        if !text.is_empty() && !report.answer.findings.is_empty() {
            text.push('\n');
        }
    }
    text + &table.text()
}

fn names(report: &EscalationsReport<'_>) -> String {
    let mut subjects: Vec<Start> =
        report.answer.findings.iter().flat_map(|finding| finding.from.iter().copied()).collect();
    subjects.sort_unstable();
    subjects.dedup();
    subjects.into_iter().map(|subject| format!("{}\n", safe(&start_thing(report.graph, subject).to_string()))).collect()
}

fn trees(report: &EscalationsReport<'_>) -> String {
    let trees: Vec<String> = report.answer.findings.iter().map(|finding| tree(report.graph, finding)).collect();
    trees.join("\n")
}

fn tree(graph: &AccessGraph, finding: &Finding) -> String {
    let mut text = format!(
        "{}: {} can reach {} in {} ({})\n",
        finding.severity.as_str(),
        safe(&who(graph, &finding.from, true)),
        safe(&target_words(graph, finding.target)),
        count(finding.moves(), "step"),
        finding.confidence().as_str(),
    );
    branches(graph, &finding.steps, &mut text);
    for alternative in &finding.alternatives {
        let start = alternative.start().map(|(binding, _)| binding_words(graph, binding)).unwrap_or_default();
        text.push_str(&format!("without that, from {} in {}\n", safe(&start), count(alternative.moves(), "step")));
        branches(graph, &alternative.steps, &mut text);
    }
    text.push_str(&format!("why {}: {}\n", finding.severity.as_str(), safe(&finding.reasons.join("; "))));
    if let Some(step) = finding.steps.first() {
        text.push_str(&format!("remedy: {}\n", step.technique.remedy));
    }
    text.push_str(&format!("fingerprint: {}\n", finding.fingerprint));
    text
}

fn branches(graph: &AccessGraph, steps: &[StepDone], text: &mut String) {
    for (at, step) in steps.iter().enumerate() {
        let (branch, bar) = if at + 1 == steps.len() { ("└─", "  ") } else { ("├─", "│ ") };
        let words = safe(&step_words(graph, step)).into_owned();
        text.push_str(&format!("{branch} {}: {words}\n", step.technique.id));
        for line in proof(graph, step) {
            text.push_str(&format!("{bar}    {}\n", safe(&line)));
        }
    }
}

/// What grants each right of a step, a line each.
fn proof(graph: &AccessGraph, step: &StepDone) -> Vec<String> {
    let mut lines = Vec::new();
    for request in &step.requests {
        let who = request.by.map_or("any of these".to_owned(), |by| subject_column(graph, by));
        for right in &request.rights {
            lines.push(format!("{who}: {}", right_words(graph, right)));
            lines.extend(grant_line(graph, right.evidence));
        }
    }
    if let Some(foothold) = step.foothold {
        lines.push(format!("from where it is possible to {}", effect_words(graph, foothold)));
    }
    for blocker in &step.blockers {
        lines.push(format!("{}: {}", if blocker.stops { "stopped by" } else { "might be stopped by" }, blocker.what));
    }
    for &binding in &step.under {
        let source = OriginOut::new(graph.snapshot(), graph.binding(binding).origin).column();
        lines.push(format!("under it by {} ({source})", binding_words(graph, binding)));
    }
    lines
}

fn grant_line(graph: &AccessGraph, evidence: Evidence) -> Option<String> {
    match evidence {
        Evidence::Grant { subject, binding, rule } => {
            let grant = grant_out(graph, binding, rule);
            let role = role_out(graph, binding);
            Some(format!(
                "  by {} for {}, {} {}, rule {} ({})",
                binding_words(graph, binding),
                subject_column(graph, subject),
                role.kind,
                role.name,
                grant.rule.column(),
                grant.source.column(),
            ))
        }
        Evidence::Bound { role, .. } => Some(format!("  by {}, bound before", role_words(graph, role))),
        Evidence::Everything(_) => None,
    }
}

fn start_thing(graph: &AccessGraph, start: Start) -> Thing {
    match start {
        Start::Subject(subject) => thing(graph, subject),
        Start::Pod(pod) => pod_thing(graph, pod),
        Start::Pods(namespace) => Thing::Pods(graph.text(namespace).to_owned()),
    }
}

fn start_words(graph: &AccessGraph, start: Start) -> String {
    match start {
        Start::Subject(subject) => subject_column(graph, subject),
        Start::Pod(pod) => pod_words(graph, pod),
        Start::Pods(namespace) => format!("any pod of {}", graph.text(namespace)),
    }
}

fn pod_thing(graph: &AccessGraph, at: PodIx) -> Thing {
    let pod = &graph.snapshot().pods[at.0 as usize];
    Thing::Pod(graph.text(pod.namespace).to_owned(), graph.text(pod.name).to_owned())
}

fn secret_thing(graph: &AccessGraph, at: SecretIx) -> Thing {
    let secret = &graph.snapshot().secrets[at.0 as usize];
    Thing::Secret(graph.text(secret.namespace).to_owned(), graph.text(secret.name).to_owned())
}

fn pod_words(graph: &AccessGraph, at: PodIx) -> String {
    let pod = &graph.snapshot().pods[at.0 as usize];
    format!("pod {}/{}", graph.text(pod.namespace), graph.text(pod.name))
}

fn secret_words(graph: &AccessGraph, at: SecretIx) -> String {
    let secret = &graph.snapshot().secrets[at.0 as usize];
    format!("Secret {}/{}", graph.text(secret.namespace), graph.text(secret.name))
}

fn node_words(graph: &AccessGraph, node: Option<Name>) -> String {
    node.map_or("any node".to_owned(), |node| format!("node {}", graph.text(node)))
}

fn who(graph: &AccessGraph, from: &[Start], wide: bool) -> String {
    let names: Vec<String> = from.iter().map(|&start| start_words(graph, start)).collect();
    match names.as_slice() {
        [a, b, rest @ ..] if !wide && rest.len() > 1 => format!("{a}, {b}, +{}", rest.len()),
        all => all.join(", "),
    }
}

fn count(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

fn binding_words(graph: &AccessGraph, at: BindingIx) -> String {
    let binding = binding_out(graph, at);
    match binding.namespace {
        Some(namespace) => format!("{} {namespace}/{}", binding.kind, binding.name),
        None => format!("{} {}", binding.kind, binding.name),
    }
}

fn target_words(graph: &AccessGraph, target: Target) -> String {
    match target {
        Target::ClusterAdmin => "cluster-admin".to_owned(),
        Target::NamespaceAdmin(Place::Namespace(namespace)) => format!("admin of {}", graph.text(namespace)),
        Target::NamespaceAdmin(_) => "admin of every namespace".to_owned(),
        Target::Secrets(Place::Namespace(namespace)) => format!("Secrets of {}", graph.text(namespace)),
        Target::Secrets(_) => "Secrets of every namespace".to_owned(),
        Target::Node(node) => node_words(graph, node),
        Target::Kubeconfig(secret) => format!("the cluster of {}", secret_words(graph, secret)),
        Target::Secret(secret) => secret_words(graph, secret),
        Target::Pod(pod) => pod_words(graph, pod),
        Target::Subject(subject) => subject_column(graph, subject),
    }
}

fn place_words(graph: &AccessGraph, place: Place) -> String {
    match place {
        Place::Cluster => "in the whole cluster".to_owned(),
        Place::EachNamespace => "in every namespace".to_owned(),
        Place::Namespace(namespace) => format!("in {}", graph.text(namespace)),
    }
}

fn role_words(graph: &AccessGraph, role: RoleKey) -> String {
    let name = graph.text(role.name);
    match (role.namespace, name) {
        (None, "") => "a new ClusterRole".to_owned(),
        (None, name) => format!("ClusterRole {name}"),
        (Some(_), "") => "a new Role".to_owned(),
        (Some(namespace), name) => format!("Role {}/{name}", graph.text(namespace)),
    }
}

/// What a step does, and by what exactly.
fn step_words(graph: &AccessGraph, step: &StepDone) -> String {
    let more = step.words(graph).map(|words| format!(": {words}")).unwrap_or_default();
    [effect_words(graph, step.effect), more].concat()
}

fn effect_words(graph: &AccessGraph, effect: Effect) -> String {
    match effect {
        Effect::Bind { role, place, binding } => {
            let by = match binding {
                Some(binding) => format!("as one more subject of {}", binding_words(graph, binding)),
                None if place == Place::Cluster => "by a new ClusterRoleBinding".to_owned(),
                None => "by a new RoleBinding".to_owned(),
            };
            format!("bind {} {}, {by}", role_words(graph, role), place_words(graph, place))
        }
        Effect::Write { role, place } => {
            format!("write any rules into {}, which is held {}", role_words(graph, role), place_words(graph, place))
        }
        Effect::Feed { role, place } => format!(
            "write any rules into a ClusterRole that is united into {}, which is held {}",
            role_words(graph, role),
            place_words(graph, place)
        ),
        Effect::Create(subject) => format!("create {}", subject_column(graph, subject)),
        Effect::ActAs(subject) => format!("act as {}", subject_column(graph, subject)),
        Effect::Everything(place) => format!("everything is held {}", place_words(graph, place)),
        Effect::NamespaceAdmin(place) => format!("administration is held {}", place_words(graph, place)),
        Effect::Secrets(place) => format!("Secrets are read {}", place_words(graph, place)),
        Effect::Secret(secret) => format!("read {}", secret_words(graph, secret)),
        Effect::Pod(pod) => format!("run code in {}", pod_words(graph, pod)),
        Effect::Container(pod) => format!("add a container to {}", pod_words(graph, pod)),
        Effect::NewPod(place) => format!("run a new pod {}", place_words(graph, place)),
        Effect::Relax(place) => format!("have any pod admitted {}", place_words(graph, place)),
        Effect::Node(node) => format!("be root on {}", node_words(graph, node)),
        Effect::Kubeconfig(secret) => {
            format!("use the credentials of another cluster in {}", secret_words(graph, secret))
        }
        Effect::Any => String::new(),
    }
}

fn right_words(graph: &AccessGraph, right: &RightDone) -> String {
    let group = if right.api_group.is_empty() || right.api_group == "*" {
        String::new()
    } else {
        format!(".{}", right.api_group)
    };
    let name = right.name.map(|name| format!(" {}", graph.text(name))).unwrap_or_default();
    format!("{} {}{group}{name} {}", right.verb, right.resource, place_words(graph, right.place))
}

fn item(graph: &AccessGraph, finding: &Finding) -> EscalationItem {
    let mut references: Vec<&'static str> =
        finding.steps.iter().flat_map(|step| step.technique.attack.iter().copied()).collect();
    references.sort_unstable();
    references.dedup();
    let first = finding.steps.first();
    EscalationItem {
        fingerprint: finding.fingerprint.clone(),
        severity: SeverityOut { level: finding.severity.as_str(), reasons: finding.reasons.clone() },
        from: finding.from.iter().map(|&start| start_thing(graph, start).to_string()).collect(),
        target: target_out(graph, finding.target),
        steps: finding.steps.iter().map(|step| step_out(graph, step)).collect(),
        remedy: RemedyOut {
            advice: first.map(|step| step.technique.remedy).unwrap_or_default(),
            commands: finding.start().map(|(binding, _)| delete(graph, binding)).into_iter().collect(),
        },
        alternatives: finding
            .alternatives
            .iter()
            .map(|other| AlternativeOut {
                fingerprint: other.fingerprint.clone(),
                steps: other.steps.iter().map(|step| step_out(graph, step)).collect(),
            })
            .collect(),
        references,
    }
}

/// The command that removes a binding.
fn delete(graph: &AccessGraph, at: BindingIx) -> String {
    let binding = binding_out(graph, at);
    let quoted = |text: &str| {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "-._:".contains(letter);
        if text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
    };
    let name = quoted(&binding.name);
    match binding.namespace {
        Some(namespace) => format!("kubectl delete rolebinding {name} -n {}", quoted(&namespace)),
        None => format!("kubectl delete clusterrolebinding {name}"),
    }
}

fn target_out(graph: &AccessGraph, target: Target) -> TargetOut {
    let (kind, place, subject, object) = match target {
        Target::ClusterAdmin => ("clusterAdmin", None, None, None),
        Target::NamespaceAdmin(place) => ("namespaceAdmin", Some(place), None, None),
        Target::Secrets(place) => ("secrets", Some(place), None, None),
        Target::Node(node) => ("node", None, None, node.map(|node| Thing::Node(graph.text(node).to_owned()))),
        Target::Kubeconfig(secret) => ("cluster", None, None, Some(secret_thing(graph, secret))),
        Target::Secret(secret) => ("secret", None, None, Some(secret_thing(graph, secret))),
        Target::Pod(pod) => ("pod", None, None, Some(pod_thing(graph, pod))),
        Target::Subject(subject) => ("subject", None, Some(subject), None),
    };
    let (namespace, every_namespace) = place.map_or((None, None), |place| place_out(graph, place));
    let subject = subject.map(|subject| SubjectOut::new(graph.snapshot(), subject));
    TargetOut { kind, namespace, every_namespace, subject, object: object.map(|thing| thing.to_string()) }
}

fn place_out(graph: &AccessGraph, place: Place) -> (Option<String>, Option<bool>) {
    match place {
        Place::Cluster => (None, None),
        Place::EachNamespace => (None, Some(true)),
        Place::Namespace(namespace) => (Some(graph.text(namespace).to_owned()), None),
    }
}

fn named_role(graph: &AccessGraph, role: RoleKey) -> NamedRoleOut {
    let some = |name: Name| Some(graph.text(name)).filter(|text| !text.is_empty() && *text != "*").map(str::to_owned);
    NamedRoleOut {
        kind: if role.namespace.is_some() { "Role" } else { "ClusterRole" },
        namespace: role.namespace.and_then(some),
        name: some(role.name),
    }
}

fn step_out(graph: &AccessGraph, step: &StepDone) -> StepOut {
    let mut by: Vec<Option<Subject>> = step.requests.iter().map(|request| request.by).collect();
    by.dedup();
    let from = match by.as_slice() {
        [Some(one)] => Some(thing(graph, *one).to_string()),
        _ => step.foothold.and_then(|foothold| object(graph, foothold)),
    };
    let (role, subject, place) = match step.effect {
        Effect::Bind { role, place, .. } | Effect::Write { role, place } | Effect::Feed { role, place } => {
            (Some(role), None, Some(place))
        }
        Effect::Create(subject) | Effect::ActAs(subject) => (None, Some(subject), None),
        Effect::Everything(place)
        | Effect::NamespaceAdmin(place)
        | Effect::Secrets(place)
        | Effect::NewPod(place)
        | Effect::Relax(place) => (None, None, Some(place)),
        Effect::Secret(_)
        | Effect::Pod(_)
        | Effect::Container(_)
        | Effect::Node(_)
        | Effect::Kubeconfig(_)
        | Effect::Any => (None, None, None),
    };
    let (namespace, every_namespace) = place.map_or((None, None), |place| place_out(graph, place));
    StepOut {
        technique: step.technique.id,
        kind: if step.technique.kind == Kind::Move { "move" } else { "holding" },
        from,
        to: EffectOut {
            message: step_words(graph, step),
            role: role.map(|role| named_role(graph, role)),
            subject: subject.map(|subject| SubjectOut::new(graph.snapshot(), subject)),
            namespace,
            every_namespace,
            object: object(graph, step.effect),
        },
        requests: step.requests.iter().map(|request| request_out(graph, request)).collect(),
        evidence: evidence_out(graph, step),
        confidence: step.technique.confidence.as_str(),
        blockers: step
            .blockers
            .iter()
            .map(|blocker| BlockerOut { message: blocker.what.clone(), stops: blocker.stops })
            .collect(),
    }
}

/// The object that an effect is about, where it is neither a role nor a subject.
fn object(graph: &AccessGraph, effect: Effect) -> Option<String> {
    let thing = match effect {
        Effect::Pod(pod) | Effect::Container(pod) => pod_thing(graph, pod),
        Effect::Secret(secret) | Effect::Kubeconfig(secret) => secret_thing(graph, secret),
        Effect::Node(node) => Thing::Node(graph.text(node?).to_owned()),
        _ => return None,
    };
    Some(thing.to_string())
}

fn request_out(graph: &AccessGraph, request: &RequestDone) -> RequestOut {
    let right = |right: &RightDone| {
        let (namespace, every_namespace) = place_out(graph, right.place);
        NeededRightOut {
            verb: right.verb,
            api_group: right.api_group,
            resource: right.resource,
            name: right.name.map(|name| graph.text(name).to_owned()),
            namespace,
            every_namespace,
        }
    };
    RequestOut {
        by: request.by.map(|by| thing(graph, by).to_string()),
        rights: request.rights.iter().map(right).collect(),
    }
}

fn evidence_out(graph: &AccessGraph, step: &StepDone) -> Vec<EvidenceOut> {
    let mut all: Vec<Evidence> = Vec::new();
    for right in step.requests.iter().flat_map(|request| &request.rights) {
        if !all.contains(&right.evidence) {
            all.push(right.evidence);
        }
    }
    let empty = |kind| EvidenceOut { kind, grant: None, binding: None, role: None };
    let one = |evidence: Evidence| match evidence {
        Evidence::Grant { subject, binding, rule } => EvidenceOut {
            grant: Some(SubjectGrantOut {
                subject: SubjectOut::new(graph.snapshot(), subject),
                grant: grant_out(graph, binding, rule),
            }),
            ..empty("grant")
        },
        Evidence::Bound { role, .. } => EvidenceOut { role: Some(named_role(graph, role)), ..empty("earlierStep") },
        Evidence::Everything(_) => empty("earlierStep"),
    };
    let under = step.under.iter().map(|&binding| EvidenceOut {
        binding: Some(binding_thing(graph, binding).to_string()),
        ..empty("membership")
    });
    all.into_iter().map(one).chain(under).collect()
}

/// Everything about a technique, or a line about each.
pub fn explain(techniques: &[&Technique], heads: bool) -> String {
    if let [technique] = techniques {
        return explain_one(technique);
    }
    let mut table = Table::new(&["ID", "WHAT", "GAINS", "CONFIDENCE"], heads);
    for technique in techniques {
        table.row([technique.id, technique.title, technique.gain, technique.confidence.as_str()]);
    }
    table.text()
}

fn explain_one(technique: &Technique) -> String {
    let mut text = format!("{}: {}\n\n{}\n", technique.id, technique.title, technique.why);
    if !technique.requests.is_empty() {
        text.push_str("\nneeds one of these, each held by one identity:\n");
    }
    for request in technique.requests {
        let rights: Vec<String> = request
            .rights
            .iter()
            .map(|right| {
                let group = match right.api_group {
                    "" | "*" => String::new(),
                    group => format!(".{group}"),
                };
                let on = match right.on {
                    On::Nothing => "",
                    On::Object => " NAME",
                    On::Other => " OTHER",
                };
                format!("{} {}{group}{on}", right.verbs.join("|"), right.resource)
            })
            .collect();
        let at = if request.at == At::Cluster { "in the whole cluster" } else { "in a namespace" };
        text.push_str(&format!("  {} ({at})\n", rights.join(" + ")));
    }
    text.push_str(&format!("\ngains: {}\n", technique.gain));
    text.push_str(&format!("remedy: {}\n", technique.remedy));
    text.push_str(&format!("confidence: {}\n", technique.confidence.as_str()));
    text.push_str(&format!("references: {}\n", technique.attack.join(", ")));
    for reference in technique.references {
        text.push_str(&format!("  {reference}\n"));
    }
    text
}
