//! `why` in words, and as a document.

use serde::Serialize;

use super::answer::{Answer, Part};
use super::azure::AzureGrantOut;
use super::document::{Document, Exit, Metadata, OriginOut, SubjectOut};
use super::evidence::{
    GrantOut, NodeGrantOut, ObjectOut, QuestionOut, RoleOut, RuleOut, binding_out, grant_out, principal_out, role_out,
    rule_out, shown, subject_column,
};
use super::format::Fits;
use super::guard::GuardVerdict;
use super::table::{Table, Width};
use super::what_can::{IdentityOut, SubjectGrantOut};
use crate::graph::AccessGraph;
use crate::model::{Action, Decision, Identity, Name, RoleKind};
use crate::query::{Lack, Miss, Why};

/// What is rendered.
pub struct WhyReport<'a> {
    /// The graph that the answer is about.
    pub graph: &'a AccessGraph,
    /// Who was asked about, as it was typed.
    pub subject: &'a str,
    /// The identity with the groups that counted.
    pub identity: &'a Identity,
    /// The question, as it was resolved.
    pub action: &'a Action,
    /// The answer.
    pub answer: &'a Why,
    /// What Azure says, where the cluster asks Azure and knows the subject.
    pub azure: Option<&'a GuardVerdict<'a>>,
    /// `allowed`, `denied`, or `unknown` when something that decides it was not read; of Azure also `conditional` and `eligible`.
    pub decision: Decision,
    /// How many lists that could change the answer were not read.
    pub unread: usize,
    /// What the report says of itself.
    pub metadata: Metadata,
    /// The exit status.
    pub exit: Exit,
}

/// Who and what was asked.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "IdentityAndQuestion"))]
pub(super) struct WhyQuestion {
    identity: IdentityOut,
    action: QuestionOut,
}

/// The one answer.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Item"))]
#[serde(rename_all = "camelCase")]
pub(super) struct WhyItem {
    /// `allowed`, `denied` or `unknown`; of Azure also `conditional` and `eligible`.
    #[cfg_attr(test, schemars(extend("enum" = ["allowed", "denied", "unknown", "conditional", "eligible"])))]
    decision: &'static str,
    /// The authorizer that allows without any binding.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(extend("enum" = ["masters", "node"])))]
    authorizer: Option<&'static str>,
    /// Through what, if it is the Node authorizer.
    #[serde(skip_serializing_if = "Option::is_none")]
    node_grant: Option<NodeGrantOut>,
    grants: Vec<SubjectGrantOut>,
    /// The role assignments by which Azure allows it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    azure_grants: Vec<AzureGrantOut>,
    /// What almost allows, the nearest first.
    near_misses: Vec<MissOut>,
}

/// Something that grants almost this.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "NearMiss"))]
pub(super) struct MissOut {
    /// The kind of what is lacking.
    #[cfg_attr(test, schemars(extend("enum" = ["role", "namespace", "clusterScoped", "resourceNames", "subresource", "wildcard", "case", "apiGroup", "verb", "subject"])))]
    lack: &'static str,
    /// The same in words.
    message: String,
    subject: SubjectOut,
    binding: ObjectOut,
    role: RoleOut,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<RuleOut>,
    source: OriginOut,
}

impl Answer for WhyReport<'_> {
    type Item = WhyItem;
    type Question = WhyQuestion;
    const FITS: Fits = Fits { names: true, tree: false, findings: false };

    fn document(&self) -> Result<Document<WhyItem, WhyQuestion>, String> {
        let question = WhyQuestion { identity: self.identity.into(), action: QuestionOut::from(self.action) };
        let snapshot = self.graph.snapshot();
        Ok(Document::new("WhyReport", snapshot, &self.metadata, question, vec![item(self)], &self.exit))
    }

    fn columns(&self, width: Width) -> Vec<Part> {
        vec![Part::Words(words(self, width.is_wide()))]
    }

    fn sheets(&self) -> Vec<Table> {
        vec![sheet(self)]
    }

    fn names(&self) -> Vec<(usize, String)> {
        vec![(0, self.decision.as_str().to_owned())]
    }
}

/// The grants, or else the near misses, a row each; and a row for a decision that nothing is behind.
fn sheet(report: &WhyReport<'_>) -> Table {
    let mut table = Table::new(&["DECISION", "LACKS", "SUBJECT", "BINDING", "ROLE", "RULE", "SOURCE"]);
    let graph = report.graph;
    let decision = report.decision.as_str();
    let object = |kind: &str, namespace: Option<&String>, name: &str| match namespace {
        Some(namespace) => format!("{kind} {namespace}/{name}"),
        None => format!("{kind} {name}"),
    };
    if let Some(by) = report.answer.by {
        table.row_of(0, [decision, "", "", &format!("(the {} authorizer)", by.as_str()), "", "", ""]);
    }
    for grant in &report.answer.grants {
        let GrantOut { binding, role, rule, source } = grant_out(graph, grant.binding, grant.rule);
        table.row_of(
            0,
            [
                decision.to_owned(),
                String::new(),
                subject_column(graph, grant.subject),
                object(binding.kind, binding.namespace.as_ref(), &binding.name),
                object(&role.kind, role.namespace.as_ref(), &role.name),
                rule.column(),
                source.column(),
            ],
        );
    }
    for [by, role, source] in report.azure.iter().flat_map(|own| own.cells(graph.snapshot())) {
        table.row_of(0, [decision, "", "", &by, &role, "", &source]);
    }
    for miss in &report.answer.misses {
        let (binding, role) = (binding_out(graph, miss.binding), role_out(graph, miss.binding));
        table.row_of(
            0,
            [
                decision.to_owned(),
                lack_word(miss.lack).to_owned(),
                subject_column(graph, miss.subject),
                object(binding.kind, binding.namespace.as_ref(), &binding.name),
                object(&role.kind, role.namespace.as_ref(), &role.name),
                rule_of(graph, miss).map(|rule| rule.column()).unwrap_or_default(),
                OriginOut::new(graph.snapshot(), graph.binding(miss.binding).origin).column(),
            ],
        );
    }
    if table.is_empty() {
        table.row_of(0, [decision, "", "", "", "", "", ""]);
    }
    table
}

fn item(report: &WhyReport<'_>) -> WhyItem {
    let graph = report.graph;
    WhyItem {
        decision: report.decision.as_str(),
        authorizer: report.answer.by.map(|by| by.as_str()),
        node_grant: report.answer.node.map(|grant| NodeGrantOut::new(graph, grant)),
        grants: report
            .answer
            .grants
            .iter()
            .map(|grant| SubjectGrantOut {
                subject: SubjectOut::new(graph.snapshot(), grant.subject),
                principal: principal_out(graph, grant.subject),
                grant: grant_out(graph, grant.binding, grant.rule),
            })
            .collect(),
        azure_grants: report.azure.map(|own| own.grants_out(graph.snapshot())).unwrap_or_default(),
        near_misses: report
            .answer
            .misses
            .iter()
            .map(|miss| MissOut {
                lack: lack_word(miss.lack),
                message: message(report, miss),
                subject: SubjectOut::new(graph.snapshot(), miss.subject),
                binding: binding_out(graph, miss.binding),
                role: role_out(graph, miss.binding),
                rule: rule_of(graph, miss),
                source: OriginOut::new(graph.snapshot(), graph.binding(miss.binding).origin),
            })
            .collect(),
    }
}

fn rule_of(graph: &AccessGraph, miss: &Miss) -> Option<RuleOut> {
    let set = graph.role(graph.role_of(miss.binding)?).rules;
    miss.rule.map(|rule| rule_out(graph, graph.rule(set, rule)))
}

fn lack_word(lack: Lack) -> &'static str {
    match lack {
        Lack::Role => "role",
        Lack::Namespace => "namespace",
        Lack::ClusterScoped => "clusterScoped",
        Lack::ResourceNames => "resourceNames",
        Lack::Subresource => "subresource",
        Lack::Wildcard => "wildcard",
        Lack::Case => "case",
        Lack::ApiGroup => "apiGroup",
        Lack::Verb => "verb",
        Lack::Subject => "subject",
    }
}

fn words(report: &WhyReport<'_>, wide: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let (graph, subject, action) = (report.graph, report.subject, action_words(report.action));
    match report.decision {
        Decision::Allowed => lines.push(format!("yes: {subject} can {action}")),
        Decision::Conditional => lines.push(format!("conditional: {subject} can {action} only under a condition")),
        Decision::Eligible => lines.push(format!("eligible: {subject} can {action} once a role is activated")),
        Decision::Unknown if report.unread == 0 => lines.push(format!("unknown: whether {subject} can {action}")),
        Decision::Unknown => {
            let unread = report.unread;
            lines.push(format!("not found, {unread} lists unread: nothing that was read lets {subject} {action}"));
        }
        _ => lines.push(format!("no: {subject} cannot {action}")),
    }
    if let Some(by) = report.answer.by {
        lines.push(match by {
            crate::model::Authorizer::Masters => {
                "  group system:masters is let through before every authorizer; no binding can take that away"
                    .to_owned()
            }
            other => {
                let through = report.answer.node.map(|grant| NodeGrantOut::new(graph, grant).column());
                let through = through.map(|through| format!(", through {through}")).unwrap_or_default();
                format!("  the {} authorizer allows it{through}", other.as_str())
            }
        });
    }
    for grant in &report.answer.grants {
        let out = grant_out(graph, grant.binding, grant.rule);
        let place =
            out.binding.namespace.as_deref().map_or("cluster-wide".to_owned(), |at| format!("in namespace {at}"));
        lines.push(format!(
            "  {} {} gives {} the {} {} {place}",
            out.binding.kind,
            object(&out.binding),
            subject_column(graph, grant.subject),
            out.role.kind,
            out.role.name
        ));
        lines.push(format!("    rule: {}", out.rule.column()));
        if wide {
            lines.push(format!("    from: {}", out.source.column()));
        }
    }
    lines.extend(report.azure.iter().flat_map(|own| own.lines()));
    if !report.answer.misses.is_empty() {
        lines.push("nearest:".to_owned());
    }
    for miss in &report.answer.misses {
        lines.push(format!("  {}", message(report, miss)));
        if wide {
            lines.push(format!(
                "    from: {}",
                OriginOut::new(graph.snapshot(), graph.binding(miss.binding).origin).column()
            ));
        }
    }
    lines
}

fn object(binding: &ObjectOut) -> String {
    match &binding.namespace {
        Some(namespace) => format!("{namespace}/{}", binding.name),
        None => binding.name.clone(),
    }
}

/// `get secrets db in namespace dev`.
fn action_words(action: &Action) -> String {
    match action {
        Action::NonResource { verb, path } => format!("{verb} {path}"),
        Action::Resource(action) => {
            let group = if action.api_group.is_empty() { String::new() } else { format!(".{}", action.api_group) };
            let name = if action.name.is_empty() { String::new() } else { format!(" {}", action.name) };
            // A namespace object carries its own name as its namespace.
            let itself = action.resource == "namespaces" && action.name == action.namespace;
            let place = if action.namespace.is_empty() || itself {
                String::new()
            } else {
                format!(" in namespace {}", action.namespace)
            };
            format!("{} {}{group}{name}{place}", action.verb, action.full_resource())
        }
    }
}

/// What a near miss lacks, in one sentence.
fn message(report: &WhyReport<'_>, miss: &Miss) -> String {
    let graph = report.graph;
    let binding = graph.binding(miss.binding);
    let out = binding_out(graph, miss.binding);
    let title = format!("{} {}", out.kind, object(&out));
    let role = role_out(graph, miss.binding);
    let rule = rule_of(graph, miss).unwrap_or_else(RuleOut::empty);
    let quoted =
        |texts: &[String]| texts.iter().map(|text| format!("`{}`", shown(text))).collect::<Vec<_>>().join(", ");
    let role_title = format!("{} {}", role.kind, role.name);
    let namespace = binding.namespace.map(|namespace: Name| graph.text(namespace)).unwrap_or_default();
    let wanted = match report.action {
        Action::Resource(action) => action.full_resource(),
        Action::NonResource { path, .. } => path.clone(),
    };
    match miss.lack {
        Lack::Role if matches!(binding.role.kind, RoleKind::Other(_)) => {
            format!("{title} grants nothing: `{}` of its roleRef is neither Role nor ClusterRole", role.kind)
        }
        Lack::Role if binding.role.kind == RoleKind::Role && binding.namespace.is_none() => {
            format!("{title} grants nothing: a ClusterRoleBinding cannot grant a Role, and names {role_title}")
        }
        Lack::Role => format!("{title} grants nothing: {role_title} does not exist"),
        Lack::Namespace => match report.action.namespace() {
            "" => format!("{title} grants this in namespace {namespace} only"),
            asked => format!("{title} grants this in namespace {namespace}, not {asked}"),
        },
        Lack::ClusterScoped if matches!(report.action, Action::NonResource { .. }) => {
            format!("{title} grants {role_title} in namespace {namespace}, but a RoleBinding cannot grant a path")
        }
        Lack::ClusterScoped => {
            format!(
                "{title} grants {role_title} in namespace {namespace}, but a RoleBinding cannot grant what is cluster-scoped"
            )
        }
        Lack::ResourceNames => {
            format!("{title}: {role_title} is limited to resourceNames {}", quoted(&rule.resource_names))
        }
        Lack::Subresource => format!("{title}: {role_title} allows {}, not `{wanted}`", quoted(&rule.resources)),
        Lack::Wildcard => {
            let stars: Vec<String> = [&rule.verbs, &rule.api_groups, &rule.resources, &rule.non_resource_urls]
                .into_iter()
                .flatten()
                .filter(|text| text.len() > 1 && text.contains('*'))
                .cloned()
                .collect();
            format!("{title}: in {role_title} {} is not a wildcard for this", quoted(&stars))
        }
        Lack::Case => format!("{title}: {role_title} differs in upper and lower case only, and case counts"),
        Lack::ApiGroup if rule.api_groups.is_empty() => {
            format!("{title}: a rule of {role_title} names no API group, so it allows nothing")
        }
        Lack::ApiGroup => {
            let groups: Vec<String> = rule
                .api_groups
                .iter()
                .map(|group| if group.is_empty() { "\"\" (core)".to_owned() } else { group.clone() })
                .collect();
            format!("{title}: {role_title} allows this in API group {}", quoted(&groups))
        }
        Lack::Verb if rule.verbs.is_empty() => {
            format!("{title}: a rule of {role_title} names no verb, so it allows nothing")
        }
        Lack::Verb => format!("{title}: {role_title} allows verbs {} on it", quoted(&rule.verbs)),
        Lack::Subject => {
            format!("{title} grants this to {}, which is another subject", subject_column(graph, miss.subject))
        }
    }
}
