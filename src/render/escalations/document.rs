//! Findings as JSON and YAML.

use std::rc::Rc;

use serde::Serialize;

use super::Asked;
use super::words::{pod_thing, secret_thing, step_words};
use crate::graph::AccessGraph;
use crate::model::{Name, Subject, Thing};
use crate::render::document::SubjectOut;
use crate::render::evidence::{RuleOut, grant_out, principal_out, rule_out, thing};
use crate::render::what_can::{SubjectGrantOut, binding_thing};
use crate::rules::{
    AzureGain, AzureTarget, Changes, Chosen, Cuts, Effect, Evidence, Finding, Grant, Holders, Kind, Place, Platform,
    Remedies, RequestDone, RightDone, RoleKey, StepDone, Sure, Target, Who, start_thing, target_name,
};

/// What was asked.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(in crate::render) struct EscalationsQuestion {
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// How much of Azure at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    power: Option<&'static str>,
    /// How Azure Service Operator was taken to work.
    #[serde(skip_serializing_if = "Option::is_none")]
    assume: Option<&'static str>,
    /// What was taken to be gone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    without: Vec<String>,
    /// What was done with system subjects as those who start; none where they were hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<&'static str>,
    /// The version of Kubernetes that was taken; none where whatever any version lets through counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    kube_version: Option<String>,
}

impl EscalationsQuestion {
    pub(in crate::render) fn new(asked: Asked<'_>) -> EscalationsQuestion {
        EscalationsQuestion {
            from: asked.from.map(str::to_owned),
            to: asked.to.map(str::to_owned),
            power: asked.power,
            assume: asked.assume,
            without: asked.without.to_vec(),
            system: asked.system,
            kube_version: asked.kube_version.map(str::to_owned),
        }
    }
}

/// A path from those who start alike to a target.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::render) struct EscalationItem {
    fingerprint: String,
    /// How it stands to the old report; under `--baseline`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(extend("enum" = ["new", "changed"])))]
    pub(super) change: Option<&'static str>,
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
    #[cfg_attr(test, schemars(extend("enum" = ["clusterAdmin", "namespaceAdmin", "secrets", "node", "cluster", "secret", "pod", "subject", "access", "azureScope", "azureIdentity"])))]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    /// In every namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    every_namespace: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<SubjectOut>,
    /// The node, pod, Secret, identity, cluster or Azure scope, as `KIND:[NAMESPACE/]NAME`.
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<String>,
    /// How much in the Azure scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    power: Option<&'static str>,
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
    /// Who else, where one request puts an identity together of several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    with: Vec<SubjectOut>,
    /// Where; none for the whole cluster and for every namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    /// In every namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    every_namespace: Option<bool>,
    /// The node, pod or Secret, as `KIND:[NAMESPACE/]NAME`.
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<String>,
    /// What it takes and gains in Azure.
    #[serde(skip_serializing_if = "Option::is_none")]
    azure: Option<AzureOut>,
}

/// What a step takes and gains in Azure.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "AzureStep"))]
#[serde(rename_all = "camelCase")]
struct AzureOut {
    /// Who acts.
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<AzureIdentityOut>,
    /// Whose rights are gained.
    #[serde(skip_serializing_if = "Option::is_none")]
    gains: Option<AzureIdentityOut>,
    /// The Secret that holds the credential, as `secret:NAMESPACE/NAME`.
    #[serde(skip_serializing_if = "Option::is_none")]
    credential: Option<String>,
    /// The kind of ASO resource that is created, as `RESOURCE.GROUP`.
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<String>,
    /// The action that has to be allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_assignment: Option<RoleAssignmentOut>,
    /// How sure it is that Azure allows it.
    #[cfg_attr(test, schemars(extend("enum" = ["allowed", "conditional", "unknown", "eligible", "denied"])))]
    decision: &'static str,
}

/// An identity of Azure.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "AzureIdentity"))]
#[serde(rename_all = "camelCase")]
struct AzureIdentityOut {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object_id: Option<String>,
}

/// A role assignment of Azure.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "AzureRoleAssignment"))]
struct RoleAssignmentOut {
    id: String,
    role: String,
    scope: String,
    principal: String,
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
    advice: String,
    /// What changes it, each a line for a POSIX shell.
    commands: Vec<String>,
    /// Objects to apply before the commands by whoever needs the rest of what they remove, as YAML.
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<Rc<str>>,
}

/// How many findings stand how to the old report.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Baseline"))]
pub(in crate::render) struct BaselineOut {
    new: usize,
    changed: usize,
    same: usize,
    gone: usize,
}

impl From<Changes> for BaselineOut {
    fn from(Changes { new, changed, same, gone }: Changes) -> BaselineOut {
        BaselineOut { new, changed, same, gone }
    }
}

/// The fewest grants whose removal leaves no severe path; under `--cuts`.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Cuts"))]
pub(in crate::render) struct CutsOut {
    /// Findings of this severity and above are looked at.
    #[cfg_attr(test, schemars(extend("enum" = ["info", "low", "medium", "high", "critical"])))]
    severity: &'static str,
    /// How many paths there are, those that stand behind a wider target included; a path is one of those who start, and a target.
    paths: usize,
    /// How many start them.
    subjects: usize,
    /// What to remove, what severs most first.
    remove: Vec<CutOut>,
    /// How many paths are left then, since no grant is behind them.
    left: usize,
    /// Whether no smaller set would do.
    smallest: bool,
}

/// A grant to remove.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Cut"))]
struct CutOut {
    /// A binding, or a rule of a role.
    #[cfg_attr(test, schemars(extend("enum" = ["binding", "rule"])))]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    binding: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<NamedRoleOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<RuleOut>,
    /// How many more paths are gone with it than with those before it.
    severs: usize,
    /// How many more of those who start have no severe path left.
    frees: usize,
    /// What removes it, each a line for a POSIX shell.
    commands: Vec<String>,
}

impl CutsOut {
    pub(super) fn new(graph: &AccessGraph, remedies: &Remedies<'_>, cuts: &Cuts) -> CutsOut {
        let grants: Vec<Grant> = cuts.chosen.iter().map(|chosen| chosen.grant).collect();
        let cut = |(chosen, commands): (&Chosen, Vec<String>)| {
            let (kind, binding, role, rule) = match chosen.grant {
                Grant::Binding(binding) => ("binding", Some(binding_thing(graph, binding).to_string()), None, None),
                Grant::Rule(role, position) => {
                    let own = graph.role(role);
                    let key = RoleKey { namespace: own.namespace, name: own.name };
                    let rule = rule_out(graph, graph.rule(own.rules, position));
                    ("rule", None, Some(named_role(graph, key)), Some(rule))
                }
            };
            CutOut { kind, binding, role, rule, severs: chosen.severs, frees: chosen.frees, commands }
        };
        CutsOut {
            severity: cuts.level.as_str(),
            paths: cuts.paths,
            subjects: cuts.starts,
            remove: cuts.chosen.iter().zip(remedies.removing(&grants)).map(cut).collect(),
            left: cuts.left,
            smallest: cuts.smallest,
        }
    }
}

/// Another path to the same target.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Alternative"))]
struct AlternativeOut {
    fingerprint: String,
    /// Whose it is, of those who start.
    from: Vec<String>,
    /// Where it leads, if that is another target than the finding's.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<TargetOut>,
    steps: Vec<StepOut>,
}

/// Those who hold a target without any step.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Holders"))]
pub(in crate::render) struct HoldersOut {
    target: TargetOut,
    subjects: Vec<String>,
}

/// An add-on of the platform.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Platform"))]
pub(in crate::render) struct PlatformOut {
    subject: String,
    /// How many targets it reaches.
    reaches: usize,
    /// How many targets it holds without any step.
    holds: usize,
}

impl PlatformOut {
    pub(super) fn new(graph: &AccessGraph, platform: &Platform) -> PlatformOut {
        let subject = start_thing(graph, platform.from).to_string();
        PlatformOut { subject, reaches: platform.paths, holds: platform.holds }
    }
}

/// Findings as items.
pub(in crate::render) fn items(
    graph: &AccessGraph,
    remedies: &Remedies<'_>,
    findings: &[Finding],
) -> Vec<EscalationItem> {
    findings.iter().map(|finding| item(graph, remedies, finding)).collect()
}

/// Those who hold targets.
pub(super) fn holders(graph: &AccessGraph, holders: &[Holders]) -> Vec<HoldersOut> {
    let one = |holders: &Holders| HoldersOut {
        target: target_out(graph, holders.target),
        subjects: holders.from.iter().map(|&start| start_thing(graph, start).to_string()).collect(),
    };
    holders.iter().map(one).collect()
}

fn item(graph: &AccessGraph, remedies: &Remedies<'_>, finding: &Finding) -> EscalationItem {
    let mut references: Vec<&'static str> =
        finding.steps.iter().flat_map(|step| step.technique.attack.iter().copied()).collect();
    references.sort_unstable();
    references.dedup();
    let remedy = remedies.of(finding);
    EscalationItem {
        fingerprint: finding.fingerprint.clone(),
        change: None,
        severity: SeverityOut { level: finding.severity.as_str(), reasons: finding.reasons.clone() },
        from: finding.from.iter().map(|&start| start_thing(graph, start).to_string()).collect(),
        target: target_out(graph, finding.target),
        steps: finding.steps.iter().map(|step| step_out(graph, step)).collect(),
        remedy: RemedyOut { advice: remedy.advice, commands: remedy.commands, patch: remedy.patch },
        alternatives: finding
            .alternatives
            .iter()
            .map(|other| AlternativeOut {
                fingerprint: other.fingerprint.clone(),
                from: other.from.iter().map(|&start| start_thing(graph, start).to_string()).collect(),
                target: (other.target != finding.target).then(|| target_out(graph, other.target)),
                steps: other.steps.iter().map(|step| step_out(graph, step)).collect(),
            })
            .collect(),
        references,
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
        Target::Azure(AzureTarget::Power { .. }) => ("azureScope", None, None, None),
        Target::Azure(AzureTarget::Identity(_)) => ("azureIdentity", None, None, None),
        Target::Azure(AzureTarget::Cluster(_)) => ("cluster", None, None, None),
        Target::Access => ("access", None, None, None),
    };
    let (namespace, every_namespace) = place.map_or((None, None), |place| place_out(graph, place));
    let subject = subject.map(|subject| SubjectOut::new(graph.snapshot(), subject));
    let (azure, power) = match target {
        Target::Azure(at) => (Some(target_name(graph, target)), power_of(at)),
        _ => (None, None),
    };
    let object = object.map(|thing| thing.to_string()).or(azure);
    TargetOut { kind, namespace, every_namespace, subject, object, power }
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
        | Effect::Unguard
        | Effect::Azure(_)
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
            with: step.with.iter().map(|&part| SubjectOut::new(graph.snapshot(), part)).collect(),
            namespace,
            every_namespace,
            object: object(graph, step.effect),
            azure: azure_out(graph, step.effect),
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
                principal: principal_out(graph, subject),
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

fn power_of(target: AzureTarget) -> Option<&'static str> {
    match target {
        AzureTarget::Power { power, .. } => Some(power.as_str()),
        AzureTarget::Identity(_) | AzureTarget::Cluster(_) => None,
    }
}

fn azure_out(graph: &AccessGraph, effect: Effect) -> Option<AzureOut> {
    let Effect::Azure(step) = effect else { return None };
    let names = graph.azure_names();
    let identity = |who: Who| match who {
        Who::Principal(at) => {
            let known = names.principal(at);
            let some = |text: &String| (!text.is_empty()).then(|| text.clone());
            AzureIdentityOut {
                name: known.and_then(|known| some(&known.name)),
                client_id: known.and_then(|known| some(&known.client_id)),
                object_id: known.and_then(|known| some(&known.object_id)),
            }
        }
        Who::Client(id) => AzureIdentityOut { name: None, client_id: Some(graph.text(id).to_owned()), object_id: None },
    };
    let assigned = step.action.and_then(|(_, at)| names.assignment(at));
    let role_assignment = assigned.map(|assigned| RoleAssignmentOut {
        id: assigned.id.clone(),
        role: assigned.role.clone(),
        scope: names.scope(assigned.scope).to_owned(),
        principal: names.principal(assigned.principal).map(|known| known.object_id.clone()).unwrap_or_default(),
    });
    let secret = |(namespace, name): (Name, Name)| {
        Thing::Secret(graph.text(namespace).to_owned(), graph.text(name).to_owned()).to_string()
    };
    Some(AzureOut {
        identity: step.by.map(identity),
        gains: match step.gain {
            AzureGain::Through(who) | AzureGain::Token(who) => Some(identity(who)),
            _ => None,
        },
        credential: step.credential.map(secret),
        resource: step.kind.map(|kind| format!("{}.{}", kind.facts().plural, kind.facts().group)),
        action: step.action.map(|(action, _)| action).filter(|action| !action.is_empty()),
        role_assignment,
        decision: match step.sure {
            Sure::Yes => "allowed",
            Sure::Conditional => "conditional",
            Sure::Unknown => "unknown",
            Sure::Eligible => "eligible",
            Sure::Denied => "denied",
        },
    })
}
