//! `aso` in every format.

use serde::Serialize;

use super::answer::{Answer, Part};
use super::azure::{WayOut, way_out};
use super::document::{Document, Exit, Metadata, OriginOut, SubjectOut};
use super::evidence::{shown, thing};
use super::format::Fits;
use super::table::{Table, Width};
use crate::graph::AccessGraph;
use crate::graph::azure::{AzureDecision, PrincipalIx, ScopeIx};
use crate::model::azure::fold;
use crate::model::{AsoResource, Name, Subject, Thing};
use crate::query::{
    Aso, AsoPower, AsoUse, Cloud, Credential, CredentialKind, CredentialProblem, CredentialRow, CredentialScope,
    Dormant, Failing, Holder, HowKnown, Operator, OperatorMode, Outcome, Power, PowerLevel, Step, Targets, TokenMode,
    TokenReason,
};

/// What is rendered.
pub struct AsoReport<'a, 'g> {
    /// The graph that the answer is about.
    pub graph: &'a AccessGraph,
    /// The operators, credentials and resources.
    pub aso: &'a Aso<'a>,
    /// What Azure says of the identities.
    pub power: &'a AsoPower<'g>,
    /// A row for each credential.
    pub rows: &'a [CredentialRow<'a>],
    /// Resources that fail without any credential being at fault.
    pub failing: &'a [Failing<'a>],
    /// The one namespace that was asked about.
    pub namespace: Option<&'a str>,
    /// `--assume`.
    pub assume: Option<TokenMode>,
    /// What the report says of itself.
    pub metadata: Metadata,
    /// The exit status.
    pub exit: Exit,
}

/// What was asked.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(super) struct AsoQuestion {
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    /// `strict` or `relaxed`: as if every operator worked so.
    #[serde(skip_serializing_if = "Option::is_none")]
    assume: Option<&'static str>,
}

/// A credential of Azure Service Operator, or what fails for want of one.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Item"))]
#[serde(rename_all = "camelCase")]
pub(super) struct AsoItem {
    /// `global`, `namespace` or `resource`; `none` for resources that fail without any credential being at fault.
    #[cfg_attr(test, schemars(extend("enum" = ["global", "namespace", "resource", "none"])))]
    scope: &'static str,
    /// The namespaces that it serves.
    namespaces: Vec<String>,
    /// The Secret that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<SecretOut>,
    /// How it proves itself to Azure.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(extend("enum" = ["clientSecret", "certificate", "identityFile", "podIdentity", "nodeIdentity", "workloadIdentity", "unknown"])))]
    kind: Option<&'static str>,
    /// How it is known: by the entries of its Secret, by Events of the operator, or only by its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(extend("enum" = ["entries", "event", "name"])))]
    known: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subscription_id: Option<String>,
    /// Whether the Secret names a cloud of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    other_cloud: Option<bool>,
    /// The accounts whose tokens the operator gives to Azure for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tokens_of: Vec<SubjectOut>,
    /// The identity behind the client id, where Azure data has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<AsoIdentityOut>,
    /// What the identity may do in Azure, the strongest first; nothing when roles are unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    azure_power: Option<Vec<PowerOut>>,
    /// Why every resource that asks for it fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    resources: Vec<AsoResourceOut>,
    /// Who may write a resource of an installed kind in one of the namespaces, and so act by it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    users: Vec<HolderOut>,
    /// Who may read its Secret.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    secret_readers: Vec<HolderOut>,
    /// Who may change its Secret, or make it where it is not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    secret_writers: Vec<HolderOut>,
}

#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "SecretReference"))]
struct SecretOut {
    namespace: String,
    name: String,
}

/// An identity of Azure.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Identity"))]
#[serde(rename_all = "camelCase")]
struct AsoIdentityOut {
    object_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    resource_id: String,
}

/// What an identity may do at a scope.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Power"))]
#[serde(rename_all = "camelCase")]
struct PowerOut {
    /// `role-assignment write`, `contributor-like`, `limited`, `keys and data` or `read`; none when roles there are unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<&'static str>,
    scope: String,
    /// `allowed`, `conditional`, `eligible` or `unknown`.
    #[cfg_attr(test, schemars(extend("enum" = ["allowed", "conditional", "eligible", "unknown"])))]
    decision: &'static str,
    /// The resource types that `limited` may write.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resource_types: Vec<&'static str>,
    /// Which roles may be given and to whom, where conditions say so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ways: Vec<WayOut>,
}

/// A resource of ASO.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Resource"))]
#[serde(rename_all = "camelCase")]
struct AsoResourceOut {
    api_group: String,
    kind: String,
    namespace: String,
    name: String,
    /// Which step found the credential: the resource's `annotation`, the `namespace`, the operator's own (`global`), or an `event`.
    #[cfg_attr(test, schemars(extend("enum" = ["annotation", "namespace", "global", "event"])))]
    by: &'static str,
    /// What ASO does in Azure for it.
    #[cfg_attr(test, schemars(extend("enum" = ["manage", "detach-on-delete", "skip"])))]
    policy: &'static str,
    /// What it is in Azure.
    #[serde(skip_serializing_if = "Option::is_none")]
    arm_id: Option<String>,
    source: OriginOut,
}

/// Somebody who holds a right.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Holder"))]
struct HolderOut {
    subject: SubjectOut,
    /// Whether they may do everything in the cluster.
    admin: bool,
}

/// An operator, in the summary.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Operator"))]
#[serde(rename_all = "camelCase")]
pub(super) struct OperatorOut {
    namespace: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// The account that it runs as.
    account: SubjectOut,
    #[cfg_attr(test, schemars(extend("enum" = ["both", "watchers", "webhooks"])))]
    mode: &'static str,
    /// Whether it changes anything in Azure.
    active: bool,
    /// The namespaces that it reconciles; none is all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    target_namespaces: Option<Vec<String>>,
    /// `relaxed`: its own token serves every namespace. `strict`: each namespace has an account for it.
    #[cfg_attr(test, schemars(extend("enum" = ["relaxed", "strict"])))]
    tokens: &'static str,
    /// Why that is thought.
    tokens_because: &'static str,
    /// Whether credentials may name another cloud.
    #[serde(skip_serializing_if = "Option::is_none")]
    multi_environment: Option<bool>,
}

impl Answer for AsoReport<'_, '_> {
    type Item = AsoItem;
    type Question = AsoQuestion;
    const FITS: Fits = Fits { names: true, tree: false, findings: false };

    fn document(&self) -> Result<Document<AsoItem, AsoQuestion>, String> {
        let rows = self.rows.iter().map(|row| item(self, row));
        let items: Vec<AsoItem> = rows.chain(self.failing.iter().map(|failing| failure(self, failing))).collect();
        let question = AsoQuestion { namespace: self.namespace.map(str::to_owned), assume: self.assume.map(tokens) };
        let snapshot = self.graph.snapshot();
        let mut document = Document::new("AsoReport", snapshot, &self.metadata, question, items, &self.exit);
        document.summary.operators = self.aso.operators().map(|(_, own)| operator(self, own)).collect();
        let count = |wanted: fn(Outcome) -> bool| {
            let own = self.aso.resources().filter(|(at, used)| of_asked(self, at) && wanted(used.outcome));
            Some(own.count()).filter(|&count| count > 0)
        };
        document.summary.unknown_resources = count(|outcome| outcome == Outcome::Unknown);
        document.summary.unreconciled_resources = count(|outcome| matches!(outcome, Outcome::NotReconciled(_)));
        Ok(document)
    }

    fn columns(&self, width: Width) -> Vec<Part> {
        vec![Part::Table(if width.is_wide() { wide(self) } else { table(self) })]
    }

    /// The credentials, which are the items; not the resources of the wide columns.
    fn sheets(&self) -> Vec<Table> {
        vec![table(self)]
    }

    fn names(&self) -> Vec<(usize, String)> {
        let rows = self.rows.iter().enumerate();
        rows.filter_map(|(at, row)| name(self, row).map(|thing| (at, thing.to_string()))).collect()
    }
}

fn of_asked(report: &AsoReport<'_, '_>, resource: &AsoResource) -> bool {
    report.namespace.is_none_or(|namespace| report.graph.text(resource.namespace) == namespace)
}

fn item(report: &AsoReport<'_, '_>, row: &CredentialRow<'_>) -> AsoItem {
    let graph = report.graph;
    let credential = report.aso.credential(row.credential);
    let text = |name: Name| graph.text(name).to_owned();
    let principal = principal(report, credential);
    let mut tokens: Vec<Subject> =
        row.namespaces.iter().filter_map(|&at| report.aso.token_of(row.credential, at)).collect();
    tokens.sort_unstable();
    tokens.dedup();
    AsoItem {
        scope: scope(credential.scope),
        namespaces: row.namespaces.iter().map(|&name| text(name)).collect(),
        secret: credential.secret.map(|(namespace, name)| SecretOut { namespace: text(namespace), name: text(name) }),
        kind: Some(kind(credential.kind).0),
        known: Some(match credential.known {
            HowKnown::Entries => "entries",
            HowKnown::Event => "event",
            HowKnown::Named => "name",
        }),
        client_id: credential.client.map(text),
        tenant_id: credential.tenant.map(text),
        subscription_id: credential.subscription.map(text),
        other_cloud: (credential.cloud == Cloud::Named).then_some(true),
        tokens_of: tokens.into_iter().map(|subject| SubjectOut::new(graph.snapshot(), subject)).collect(),
        identity: principal.map(|at| {
            let node = report.power.graph().principal(at);
            AsoIdentityOut {
                object_id: node.object_id.clone(),
                name: node.name.clone(),
                resource_id: node.resource_id.clone(),
            }
        }),
        azure_power: powers(report, credential).map(|powers| powers.iter().map(|at| power_out(report, at)).collect()),
        problem: credential.problem.map(problem),
        resources: row.resources.iter().map(|(resource, used)| resource_out(report, resource, *used)).collect(),
        users: holders(report, &row.users),
        secret_readers: holders(report, &row.readers),
        secret_writers: holders(report, &row.writers),
    }
}

fn failure(report: &AsoReport<'_, '_>, failing: &Failing<'_>) -> AsoItem {
    AsoItem {
        scope: "none",
        namespaces: vec![report.graph.text(failing.namespace).to_owned()],
        secret: None,
        kind: None,
        known: None,
        client_id: None,
        tenant_id: None,
        subscription_id: None,
        other_cloud: None,
        tokens_of: Vec::new(),
        identity: None,
        azure_power: None,
        problem: Some(problem(failing.problem)),
        resources: failing.resources.iter().map(|(resource, used)| resource_out(report, resource, *used)).collect(),
        users: Vec::new(),
        secret_readers: Vec::new(),
        secret_writers: Vec::new(),
    }
}

fn holders(report: &AsoReport<'_, '_>, holders: &[Holder]) -> Vec<HolderOut> {
    let out =
        |at: &Holder| HolderOut { subject: SubjectOut::new(report.graph.snapshot(), at.subject), admin: at.admin };
    holders.iter().map(out).collect()
}

fn resource_out(report: &AsoReport<'_, '_>, resource: &AsoResource, used: AsoUse) -> AsoResourceOut {
    let text = |name: Name| report.graph.text(name).to_owned();
    AsoResourceOut {
        api_group: text(resource.group),
        kind: text(resource.kind),
        namespace: text(resource.namespace),
        name: text(resource.name),
        by: step(used.step),
        policy: report.aso.policy_of(resource).as_str(),
        arm_id: report.aso.arm_id(resource),
        source: OriginOut::new(report.graph.snapshot(), resource.origin),
    }
}

fn operator(report: &AsoReport<'_, '_>, own: &Operator) -> OperatorOut {
    OperatorOut {
        namespace: report.graph.text(own.namespace).to_owned(),
        version: own.version.clone(),
        account: SubjectOut::new(report.graph.snapshot(), own.account),
        mode: match own.mode {
            OperatorMode::Both => "both",
            OperatorMode::Watchers => "watchers",
            OperatorMode::Webhooks => "webhooks",
        },
        active: own.is_active(),
        target_namespaces: match &own.targets {
            Targets::Only(all) => Some(all.clone()),
            Targets::All | Targets::Unknown => None,
        },
        tokens: tokens(own.tokens),
        tokens_because: because(own.tokens_because),
        multi_environment: own.multi_env,
    }
}

fn principal(report: &AsoReport<'_, '_>, credential: &Credential) -> Option<PrincipalIx> {
    report.power.graph().by_client_id(report.graph.text(credential.client?))
}

/// What the identity of a credential may do; none when nothing is known of roles.
fn powers(report: &AsoReport<'_, '_>, credential: &Credential) -> Option<Vec<Power>> {
    if !report.power.is_known() {
        return None;
    }
    let powers = report.power.of(principal(report, credential)?);
    // Of one that the data do not speak of it says nothing that no role was read.
    (!powers.is_empty() || report.aso.elsewhere(credential).is_none()).then_some(powers)
}

fn power_out(report: &AsoReport<'_, '_>, power: &Power) -> PowerOut {
    let types = power.kinds.iter().filter_map(|kind| kind.facts().arm_type);
    PowerOut {
        level: power.level.map(PowerLevel::as_str),
        scope: report.power.graph().scope_text(power.scope).to_owned(),
        decision: power.decision.as_str(),
        resource_types: if power.level == Some(PowerLevel::Limited) { types.collect() } else { Vec::new() },
        ways: power.ways.iter().map(way_out).collect(),
    }
}

fn table(report: &AsoReport<'_, '_>) -> Table {
    let columns = [
        "SCOPE",
        "NAMESPACES",
        "SECRET",
        "TYPE",
        "IDENTITY",
        "SUBSCRIPTION",
        "AZURE POWER",
        "RESOURCES",
        "WHO CAN USE IT",
        "READ SECRET",
        "REPLACE SECRET",
    ];
    let has_problems = !report.failing.is_empty()
        || report.rows.iter().any(|row| report.aso.credential(row.credential).problem.is_some());
    let columns: Vec<&str> = columns.into_iter().chain(has_problems.then_some("PROBLEM")).collect();
    let mut table = Table::new(&columns);
    for (at, row) in report.rows.iter().enumerate() {
        let credential = report.aso.credential(row.credential);
        let mut cells = vec![
            scope(credential.scope).to_owned(),
            namespaces(report.graph, &row.namespaces),
            secret(report.graph, credential),
            kind(credential.kind).1.to_owned(),
            identity(report, credential),
            subscription(report, credential),
            power(report, credential),
            row.resources.len().to_string(),
            people(report.graph, &row.users),
            people(report.graph, &row.readers),
            people(report.graph, &row.writers),
        ];
        if has_problems {
            cells.push(credential.problem.map(problem).unwrap_or_default());
        }
        table.row_of(at, cells);
    }
    for (at, failing) in (report.rows.len()..).zip(report.failing) {
        let cell = |column: &&str| match *column {
            "SCOPE" => "none".to_owned(),
            "NAMESPACES" => namespaces(report.graph, &[failing.namespace]),
            "RESOURCES" => failing.resources.len().to_string(),
            "PROBLEM" => problem(failing.problem),
            _ => String::new(),
        };
        table.row_of(at, columns.iter().map(cell));
    }
    table
}

/// One line for each resource.
fn wide(report: &AsoReport<'_, '_>) -> Table {
    let graph = report.graph;
    let mut table = Table::new(&["NAMESPACE", "RESOURCE", "CREDENTIAL", "BY", "IDENTITY", "POLICY", "AZURE ID"]);
    for (resource, used) in report.aso.resources().filter(|(at, _)| of_asked(report, at)) {
        let plural = resource
            .known
            .map_or_else(|| graph.text(resource.kind).to_lowercase(), |kind| kind.facts().plural.to_owned());
        let (credential, who) = match used.outcome {
            Outcome::Uses(at) => {
                let own = report.aso.credential(at);
                (secret(graph, own), identity(report, own))
            }
            Outcome::Fails(why, at) => {
                let place = at.map(|at| secret(graph, report.aso.credential(at))).unwrap_or_default();
                (format!("{place} ({})", problem(why)).trim_start().to_owned(), String::new())
            }
            Outcome::Unknown => ("unknown".to_owned(), String::new()),
            Outcome::NotReconciled(why) => (dormant(why).to_owned(), String::new()),
        };
        table.row([
            graph.text(resource.namespace).to_owned(),
            format!("{plural}.{}/{}", graph.text(resource.group), graph.text(resource.name)),
            credential,
            step(used.step).to_owned(),
            who,
            report.aso.policy_of(resource).as_str().to_owned(),
            report.aso.arm_id(resource).unwrap_or_default(),
        ]);
    }
    table
}

/// What a credential is called: its Secret, or else its client id.
fn name(report: &AsoReport<'_, '_>, row: &CredentialRow<'_>) -> Option<Thing> {
    let text = |name: Name| report.graph.text(name).to_owned();
    let credential = report.aso.credential(row.credential);
    match (credential.secret, credential.client) {
        (Some((namespace, name)), _) => Some(Thing::Secret(text(namespace), text(name))),
        (None, Some(client)) => Some(Thing::Identity(text(client))),
        (None, None) => None,
    }
}

fn namespaces(graph: &AccessGraph, all: &[Name]) -> String {
    match all {
        [] => String::new(),
        [one] => graph.text(*one).to_owned(),
        [a, b] => format!("{}, {}", graph.text(*a), graph.text(*b)),
        [a, b, rest @ ..] => {
            format!("{} ({}, {}, +{})", all.len(), graph.text(*a), graph.text(*b), rest.len())
        }
    }
}

fn secret(graph: &AccessGraph, credential: &Credential) -> String {
    let place = |(namespace, name): (Name, Name)| format!("{}/{}", graph.text(namespace), shown(graph.text(name)));
    credential.secret.map(place).unwrap_or_default()
}

/// The name of the identity, or its client id.
fn identity(report: &AsoReport<'_, '_>, credential: &Credential) -> String {
    let name = principal(report, credential).map(|at| report.power.graph().principal(at).name.clone());
    let id = || credential.client.map(|id| report.graph.text(id).to_owned()).unwrap_or_default();
    name.filter(|name| !name.is_empty()).unwrap_or_else(id)
}

/// The name of the subscription, or its id.
fn subscription(report: &AsoReport<'_, '_>, credential: &Credential) -> String {
    let Some(id) = credential.subscription.map(|id| report.graph.text(id)) else { return String::new() };
    subscription_name(report, id).unwrap_or(id).to_owned()
}

fn subscription_name<'r>(report: &'r AsoReport<'_, '_>, id: &str) -> Option<&'r str> {
    let all = &report.power.graph().facts().subscriptions;
    let found = all.iter().find(|at| at.id.eq_ignore_ascii_case(id) && !at.name.is_empty())?;
    Some(&found.name)
}

/// The most that it may do, and the most that it surely may where that is less.
fn power(report: &AsoReport<'_, '_>, credential: &Credential) -> String {
    let Some(powers) = powers(report, credential) else { return "roles unknown".to_owned() };
    let Some(most) = powers.first() else { return "none".to_owned() };
    let sure = powers.iter().find(|power| power.decision == AzureDecision::Allowed);
    match sure.filter(|_| most.decision != AzureDecision::Allowed) {
        Some(sure) => format!("{}; {}", power_words(report, most), power_words(report, sure)),
        None => power_words(report, most),
    }
}

fn power_words(report: &AsoReport<'_, '_>, power: &Power) -> String {
    let place = place(report, power.scope);
    let doubt = match power.decision {
        AzureDecision::Allowed => String::new(),
        _ => format!(" ({})", power.doubt(report.power.graph())),
    };
    match power.level {
        None => format!("roles unknown at {place}"),
        Some(PowerLevel::Limited) => format!("limited ({}){doubt} at {place}", types(power)),
        Some(level) => format!("{}{doubt} at {place}", level.as_str()),
    }
}

/// The types of resources that may be written, by their last words.
fn types(power: &Power) -> String {
    let last = |arm: &'static str| arm.rsplit('/').next().unwrap_or(arm);
    let all: Vec<&str> = power.kinds.iter().filter_map(|kind| kind.facts().arm_type).map(last).collect();
    match all.as_slice() {
        [a, b, c, rest @ ..] if !rest.is_empty() => format!("{a}, {b}, {c}, +{}", rest.len()),
        few => few.join(", "),
    }
}

/// A scope in few words.
fn place(report: &AsoReport<'_, '_>, scope: ScopeIx) -> String {
    let text = report.power.graph().scope_text(scope);
    let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty()).collect();
    let folded = fold(text);
    let words: Vec<&str> = folded.split('/').filter(|part| !part.is_empty()).collect();
    match (words.as_slice(), parts.as_slice()) {
        ([], _) => "the root".to_owned(),
        (["providers", "microsoft.management", "managementgroups", _], [.., name]) => {
            format!("management group {name}")
        }
        (["subscriptions", _], [_, id]) => format!("subscription {}", subscription_name(report, id).unwrap_or(id)),
        (["subscriptions", _, "resourcegroups", _], [.., name]) => format!("resource group {name}"),
        (_, [.., kind, name]) => format!("{kind} {name}"),
        (_, [one]) => (*one).to_owned(),
        (_, []) => text.to_owned(),
    }
}

/// The first of those who hold a right, and how many more; those who may do everything are counted.
fn people(graph: &AccessGraph, holders: &[Holder]) -> String {
    let mut parts: Vec<String> = Vec::new();
    let own: Vec<Subject> = holders.iter().filter(|at| !at.admin).map(|at| at.subject).collect();
    let few = if own.len() > 3 { 2 } else { own.len() };
    parts.extend(own.iter().take(few).map(|&subject| thing(graph, subject).to_string()));
    if own.len() > few {
        parts.push(format!("+{}", own.len() - few));
    }
    match holders.len() - own.len() {
        0 => {}
        1 => parts.push("1 admin".to_owned()),
        some => parts.push(format!("{some} admins")),
    }
    parts.join(", ")
}

fn scope(scope: CredentialScope) -> &'static str {
    match scope {
        CredentialScope::Global => "global",
        CredentialScope::Namespace => "namespace",
        CredentialScope::Named => "resource",
    }
}

/// The word of JSON, and those of people.
fn kind(kind: CredentialKind) -> (&'static str, &'static str) {
    match kind {
        CredentialKind::ClientSecret => ("clientSecret", "client secret"),
        CredentialKind::Certificate => ("certificate", "certificate"),
        CredentialKind::IdentityFile => ("identityFile", "identity file"),
        CredentialKind::PodIdentity => ("podIdentity", "pod identity"),
        CredentialKind::NodeIdentity => ("nodeIdentity", "node identity"),
        CredentialKind::WorkloadIdentity => ("workloadIdentity", "workload identity"),
        CredentialKind::Unknown => ("unknown", "unknown"),
    }
}

/// Why a resource cannot be reconciled, in words.
fn problem(problem: CredentialProblem) -> String {
    match problem {
        CredentialProblem::MissingKey(key) => format!("the Secret has no {key}"),
        CredentialProblem::UnknownAuthMode => "AUTH_MODE is neither workloadidentity nor podidentity".to_owned(),
        CredentialProblem::IncompleteCloud => "of the three entries that name a cloud some are missing".to_owned(),
        CredentialProblem::CloudNotAllowed => "it names a cloud, and the operator does not allow that".to_owned(),
        CredentialProblem::SecretMissing => "the Secret does not exist".to_owned(),
        CredentialProblem::CrossNamespace => "credential-from names another namespace".to_owned(),
        CredentialProblem::EmptyName => "credential-from is empty".to_owned(),
        CredentialProblem::NoCredential => "there is no credential".to_owned(),
    }
}

fn step(step: Step) -> &'static str {
    match step {
        Step::Annotation => "annotation",
        Step::Namespace => "namespace",
        Step::Global => "global",
        Step::Event => "event",
    }
}

fn dormant(why: Dormant) -> &'static str {
    match why {
        Dormant::NoOperator => "none: no operator runs",
        Dormant::NoTarget => "none: no operator has the namespace as a target",
        Dormant::OtherOperator => "none: it belongs to an operator that is not there",
    }
}

fn tokens(mode: TokenMode) -> &'static str {
    match mode {
        TokenMode::Relaxed => "relaxed",
        TokenMode::Strict => "strict",
    }
}

fn because(reason: TokenReason) -> &'static str {
    match reason {
        TokenReason::Assumed => "assumed",
        TokenReason::Setting => "its settings say so",
        TokenReason::Default => "it is not set",
        TokenReason::Role => "its settings could not be read, and the ClusterRole of strict mode is there",
        TokenReason::NoRole => "its settings could not be read, and the ClusterRole of strict mode is not there",
    }
}

/// What an operator is, in one line.
pub fn operator_line(graph: &AccessGraph, own: &Operator) -> String {
    let version = own.version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
    let what = match (own.scaled_down, own.mode) {
        (true, _) => "has no pods",
        (false, OperatorMode::Webhooks) => "only webhooks, nothing is done in Azure",
        (false, _) => match &own.targets {
            Targets::All => "all namespaces",
            Targets::Unknown => "which namespaces is unknown",
            Targets::Only(_) => "only some namespaces",
        },
    };
    let namespaces = match &own.targets {
        Targets::Only(all) if own.is_active() => format!(" ({})", all.join(", ")),
        _ => String::new(),
    };
    let (mode, why) = (tokens(own.tokens), because(own.tokens_because));
    format!("operator{version} in {}: {what}{namespaces}; {mode} ({why})", graph.text(own.namespace))
}
