//! `who-can` in every format.

use std::collections::HashMap;

use serde::Serialize;

use super::answer::{Answer, Part};
use super::azure::{AzureGrantOut, PrincipalOut};
use super::document::{Document, Exit, Metadata, OriginOut, SubjectOut};
use super::escalations::{items as escalation_items, paths as later, start_names, trees};
use super::evidence::{
    GrantOut, NodeGrantOut, QuestionOut, binding_out, grant_out, name_list, principal_out, role_out, subject_column,
    thing,
};
use super::format::Fits;
use super::guard::{self, EntraMembersOut, GuardPart};
use super::look::Look;
use super::table::{Table, Width};
use crate::graph::AccessGraph;
use crate::model::{Action, Authorizer, Decision, Name, RoleKind};
use crate::query::{EntraMembers, Grant, GuardPlace, Member, Place, Row, WhoCan};
use crate::rules::{Finding, Remedies};

/// What is rendered: the answer and what was asked.
pub struct WhoCanReport<'a> {
    /// The graph that the answer is about.
    pub graph: &'a AccessGraph,
    /// The question, as it was resolved.
    pub action: &'a Action,
    /// The answer.
    pub answer: &'a WhoCan,
    /// For each row the accounts behind its group, under `--expand`.
    pub members: Vec<Option<Vec<Member>>>,
    /// For each row who is in the group of Entra that it is of, under `--expand`.
    pub entra_members: Vec<Option<EntraMembers>>,
    /// For each row what the cluster's own SubjectAccessReview said, under `--verify`.
    pub verified: Vec<Option<bool>>,
    /// Those who can only after escalating, each with the path, under `--via-escalation`.
    pub escalations: Option<(&'a [Finding], &'a Remedies<'a>)>,
    /// Whom Azure lets do it, where the cluster asks Azure.
    pub azure: Option<GuardPart<'a>>,
    /// What the report says of itself.
    pub metadata: Metadata,
    /// The exit status.
    pub exit: Exit,
}

/// One subject with every grant it has at one place.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Item"))]
#[serde(rename_all = "camelCase")]
pub(super) struct WhoCanItem {
    subject: SubjectOut,
    /// Everywhere in the cluster; otherwise `namespaces` says where.
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster_wide: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    namespaces: Vec<String>,
    /// The only object names it is allowed for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resource_names: Vec<String>,
    /// `masters`, `node`, `rbac` or `azure`.
    #[cfg_attr(test, schemars(extend("enum" = ["masters", "node", "rbac", "azure"])))]
    authorizer: &'static str,
    /// `allowed`, or `named` when it is allowed only for `resourceNames`; of Azure also the others.
    #[cfg_attr(test, schemars(extend("enum" = ["allowed", "named", "conditional", "eligible", "unknown", "denied"])))]
    decision: &'static str,
    grants: Vec<GrantOut>,
    /// Through what the Node authorizer allows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    node_grants: Vec<NodeGrantOut>,
    /// Who it is in Azure, where that was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<PrincipalOut>,
    /// The role assignments by which Azure allows it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    azure_grants: Vec<AzureGrantOut>,
    /// The known accounts behind a group that the API server fills by itself, under `--expand`.
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<Vec<MemberOut>>,
    /// Who is in a group of Entra: under `--expand`, and where Azure allows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    entra_members: Option<EntraMembersOut>,
    /// Whether the cluster's own SubjectAccessReview agreed, under `--verify`.
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<bool>,
}

/// An account behind a group.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Member"))]
struct MemberOut {
    namespace: String,
    name: String,
    /// False when bindings or pods mention the account and there is no object of that name.
    exists: bool,
}

impl Answer for WhoCanReport<'_> {
    type Item = WhoCanItem;
    type Question = QuestionOut;
    const FITS: Fits = Fits { names: true, tree: true, findings: false };

    fn document(&self) -> Result<Document<WhoCanItem, QuestionOut>, String> {
        let snapshot = self.graph.snapshot();
        let own = (0..self.answer.rows.len()).map(|at| item(self, at));
        let of_azure = self.azure.iter().flat_map(|part| guard::items(snapshot, part)).map(azure_item);
        let items = own.chain(of_azure).collect();
        let question = QuestionOut::from(self.action);
        let mut document = Document::new("WhoCanReport", snapshot, &self.metadata, question, items, &self.exit);
        document.summary.hidden_subjects = Some(self.answer.hidden);
        if let Some((findings, remedies)) = self.escalations {
            document.summary.via_escalation = escalation_items(self.graph, remedies, findings);
        }
        Ok(document)
    }

    /// Behind those who can, those who can after escalating.
    fn columns(&self, width: Width) -> Vec<Part> {
        let later = self.escalations.map(|(findings, _)| later(self.graph, findings, width));
        [table(self, width)].into_iter().chain(later).map(Part::Table).collect()
    }

    fn trees(&self, look: Look) -> Result<Vec<Part>, String> {
        let Some((findings, remedies)) = self.escalations else {
            return Err("-o tree shows paths, which --via-escalation looks for".to_owned());
        };
        let trees = trees(self.graph, remedies, findings, look);
        Ok(vec![Part::Table(table(self, Width::Narrow)), Part::Asides(trees)])
    }

    fn names(&self) -> Vec<(usize, String)> {
        let rows = self.answer.rows.iter().enumerate();
        let own = rows.map(|(at, row)| (at, thing(self.graph, row.subject).to_string()));
        let azure = self.azure.iter().flat_map(|part| part.answer.rows.iter().map(|row| (part.graph, row.principal)));
        let azure: Vec<String> = azure.map(|(graph, principal)| guard::thing(graph, principal).to_string()).collect();
        let later = self.escalations.map(|(findings, _)| start_names(self.graph, findings)).unwrap_or_default();
        let (rows, both) = (self.answer.rows.len(), self.answer.rows.len() + azure.len());
        let azure = (rows..).zip(azure);
        own.chain(azure).chain(later.into_iter().map(|(at, name)| (both + at, name))).collect()
    }
}

fn item(report: &WhoCanReport<'_>, at: usize) -> WhoCanItem {
    let graph = report.graph;
    let snapshot = graph.snapshot();
    let row = &report.answer.rows[at];
    let texts = |names: &[Name]| names.iter().map(|&name| graph.text(name).to_owned()).collect();
    let (cluster_wide, namespaces) = match &row.place {
        Place::Cluster => (Some(true), Vec::new()),
        Place::Namespaces(namespaces) => (None, texts(namespaces)),
    };
    let members = report.members.get(at).and_then(Option::as_ref).map(|members| {
        let member = |member: &Member| MemberOut {
            namespace: member.account.namespace().map(|namespace| graph.text(namespace).to_owned()).unwrap_or_default(),
            name: graph.text(member.account.name()).to_owned(),
            exists: member.exists,
        };
        members.iter().map(member).collect()
    });
    WhoCanItem {
        subject: SubjectOut::new(snapshot, row.subject),
        cluster_wide,
        namespaces,
        resource_names: texts(&row.resource_names),
        authorizer: row.authorizer.as_str(),
        decision: row.decision.as_str(),
        grants: row.grants.iter().flat_map(|grant| grants(report, grant)).collect(),
        node_grants: row.node_grants.iter().map(|&grant| NodeGrantOut::new(graph, grant)).collect(),
        principal: principal_out(graph, row.subject),
        azure_grants: Vec::new(),
        members,
        entra_members: report
            .entra_members
            .get(at)
            .and_then(Option::as_ref)
            .map(|of| EntraMembersOut::new(&graph.azure(), of.complete, of.known.iter().copied())),
        verified: report.verified.get(at).copied().flatten(),
    }
}

/// Somebody whom Azure allows it.
fn azure_item((row, subject, principal, azure_grants, entra_members): guard::Item<'_>) -> WhoCanItem {
    let (cluster_wide, namespaces) = match &row.place {
        GuardPlace::Cluster => (Some(true), Vec::new()),
        GuardPlace::Namespaces(names) => (None, names.clone()),
    };
    WhoCanItem {
        subject,
        cluster_wide,
        namespaces,
        resource_names: Vec::new(),
        authorizer: Authorizer::Azure.as_str(),
        decision: row.verdict.decision.as_str(),
        grants: Vec::new(),
        node_grants: Vec::new(),
        principal: Some(principal),
        azure_grants,
        members: None,
        entra_members,
        verified: None,
    }
}

fn grants<'r>(report: &'r WhoCanReport<'_>, grant: &'r Grant) -> impl Iterator<Item = GrantOut> + 'r {
    let rules = &report.answer.rules[grant.rules.start as usize..grant.rules.end as usize];
    rules.iter().map(|&rule| grant_out(report.graph, grant.binding, rule))
}

fn table(report: &WhoCanReport<'_>, width: Width) -> Table {
    let wide = width.is_wide();
    let verified = report.verified.iter().any(Option::is_some);
    let mut columns = vec!["SUBJECT", "WHERE", "BINDING", "ROLE"];
    if verified {
        columns.push("VERIFIED");
    }
    if wide {
        columns.extend(["RULE", "AUTHORIZER", "DEFAULT", "SOURCE"]);
    }
    let mut table = Table::new(&columns);
    for (at, row) in report.answer.rows.iter().enumerate() {
        for line in lines(report, row, wide) {
            let mut cells = vec![subject_column(report.graph, row.subject), line.place, line.binding, line.role];
            if verified {
                cells.push(match report.verified[at] {
                    Some(true) => "agreed".to_owned(),
                    Some(false) => "NOT AGREED".to_owned(),
                    None => String::new(),
                });
            }
            if wide {
                let default = if line.default { "yes" } else { "no" };
                cells.extend([line.rule, line.authorizer.as_str().to_owned(), default.to_owned(), line.source]);
            }
            table.row_of(at, cells);
        }
        for member in report.members.get(at).and_then(Option::as_ref).into_iter().flatten() {
            let note = if member.exists { "" } else { " (no such object)" };
            let mut cells =
                vec![format!("  {}{note}", subject_column(report.graph, member.account)), "member".to_owned()];
            cells.resize(columns.len(), String::new());
            table.row_of(at, cells);
        }
        if let Some(of) = report.entra_members.get(at).and_then(Option::as_ref) {
            for cells in guard::member_lines(&report.graph.azure(), of.complete, of.known.iter().copied()) {
                table.row_of(at, cells.into_iter().chain(vec![String::new(); columns.len() - 2]));
            }
        }
    }
    if let Some(part) = &report.azure {
        let lines = guard::lines(report.graph.snapshot(), part, wide);
        guard::rows_into(&mut table, report.answer.rows.len(), lines, columns.len(), verified, wide);
    }
    table
}

/// One line of a row: the grants with one binding name and role, over all namespaces that have them.
struct Line {
    place: String,
    binding: String,
    role: String,
    rule: String,
    authorizer: Authorizer,
    default: bool,
    source: String,
}

fn lines(report: &WhoCanReport<'_>, row: &Row, wide: bool) -> Vec<Line> {
    let graph = report.graph;
    let only = if row.resource_names.is_empty() {
        String::new()
    } else {
        format!(" (only: {})", name_list(graph, &row.resource_names))
    };
    // A decision that is neither yes nor limited to names is said.
    let doubt = match row.decision {
        Decision::Unknown | Decision::Conditional => format!(" ({})", row.decision.as_str()),
        _ => String::new(),
    };
    let without_binding = |binding: &str, role: String, source: String| Line {
        place: format!("{}{only}{doubt}", place_column(graph, &row.place, wide)),
        binding: binding.to_owned(),
        role,
        rule: String::new(),
        authorizer: row.authorizer,
        default: true,
        source,
    };
    let built_in = match row.authorizer {
        Authorizer::Masters => Some(without_binding("(built in)", String::new(), String::new())),
        Authorizer::Node => {
            let through: Vec<NodeGrantOut> = row.node_grants.iter().map(|&at| NodeGrantOut::new(graph, at)).collect();
            let mut columns: Vec<String> = through.iter().map(NodeGrantOut::column).collect();
            columns.dedup();
            let role = match columns.as_slice() {
                [] => String::new(),
                [first, rest @ ..] if !wide && rest.len() > 1 => format!("through {first}, +{}", rest.len()),
                all => format!("through {}", all.join(", ")),
            };
            let source = through.iter().find_map(|at| at.source.as_ref()).map(OriginOut::column);
            Some(without_binding("(Node authorizer)", role, source.unwrap_or_default()))
        }
        Authorizer::Rbac | Authorizer::Azure => None,
    };
    // Grants are ordered by namespace; those that differ only in it are one line.
    let mut groups: Vec<Vec<&Grant>> = Vec::new();
    let mut by_key: HashMap<(Name, RoleKind, Name), usize> = HashMap::new();
    for grant in &row.grants {
        let binding = graph.binding(grant.binding);
        let key = (binding.name, binding.role.kind, binding.role.name);
        let at = *by_key.entry(key).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[at].push(grant);
    }
    let line = |grants: Vec<&Grant>| {
        let first = grants.first()?;
        let binding = graph.binding(first.binding);
        let namespaces: Vec<Name> = grants.iter().filter_map(|grant| graph.binding(grant.binding).namespace).collect();
        let place = if namespaces.is_empty() { Place::Cluster } else { Place::Namespaces(namespaces) };
        let role = role_out(graph, first.binding);
        let rules: Vec<String> =
            if wide { self::grants(report, first).map(|grant| grant.rule.column()).collect() } else { Vec::new() };
        Some(Line {
            place: format!("{}{only}", place_column(graph, &place, wide)),
            binding: format!("{} {}", binding_out(graph, first.binding).kind, graph.text(binding.name)),
            role: format!("{} {}", role.kind, role.name),
            rule: rules.join("; "),
            authorizer: Authorizer::Rbac,
            default: role.kubernetes_default,
            source: match grants.len() {
                1 => OriginOut::new(graph.snapshot(), binding.origin).column(),
                many => format!("{} (+{})", OriginOut::new(graph.snapshot(), binding.origin).column(), many - 1),
            },
        })
    };
    built_in.into_iter().chain(groups.into_iter().filter_map(line)).collect()
}

fn place_column(graph: &AccessGraph, place: &Place, wide: bool) -> String {
    match place {
        Place::Cluster => "cluster-wide".to_owned(),
        Place::Namespaces(namespaces) => match namespaces.as_slice() {
            [one] => graph.text(*one).to_owned(),
            all if wide || all.len() < 4 => name_list(graph, all),
            [a, b, rest @ ..] => {
                format!("in {} namespaces ({}, {}, +{})", namespaces.len(), graph.text(*a), graph.text(*b), rest.len())
            }
            [] => String::new(),
        },
    }
}
