//! `who-can --azure-action` in every format.

use serde::Serialize;

use super::answer::{Answer, Part};
use super::document::{Document, Exit, Metadata, OriginOut};
use super::format::Fits;
use super::table::{Table, Width};
use crate::graph::azure::{
    AzureDecision, AzureGrant, AzureGraph, AzurePlace, AzureQuestion, Denial, PrincipalIx, Standing,
};
use crate::model::azure::{Alternative, Assigned, Effect, Plane, Set};
use crate::model::{Snapshot, Thing};
pub(super) use crate::query::principal_name as name;
use crate::query::{AzureRow, AzureWhoCan, condition_words};

/// What is rendered: the answer and what was asked.
pub struct AzureWhoCanReport<'a> {
    /// What was read.
    pub snapshot: &'a Snapshot,
    /// The graph that the answer is about.
    pub graph: &'a AzureGraph<'a>,
    /// The action.
    pub question: &'a AzureQuestion,
    /// The scope, as it was asked for.
    pub scope: &'a str,
    /// Where that is.
    pub place: AzurePlace,
    /// The answer.
    pub answer: &'a AzureWhoCan,
    /// What the report says of itself.
    pub metadata: Metadata,
    /// The exit status.
    pub exit: Exit,
}

/// What was asked of Azure.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Question"))]
pub(super) struct AzureQuestionOut {
    action: String,
    /// Whether it is an action of Azure Resource Manager or of the service itself.
    #[cfg_attr(test, schemars(extend("enum" = ["control", "data"])))]
    plane: &'static str,
    scope: String,
}

/// A principal that can, with every assignment behind it.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Item"))]
pub(super) struct AzureWhoCanItem {
    principal: PrincipalOut,
    /// The strongest of the grants.
    #[cfg_attr(test, schemars(extend("enum" = ["allowed", "conditional", "eligible", "unknown", "denied"])))]
    decision: &'static str,
    grants: Vec<AzureGrantOut>,
    /// The deny assignments that take it away, or may.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    denials: Vec<DenialOut>,
    /// Who is in a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<MembersOut>,
}

/// Somebody in Azure.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Principal"))]
#[serde(rename_all = "camelCase")]
pub(super) struct PrincipalOut {
    object_id: String,
    #[cfg_attr(test, schemars(extend("enum" = [
        "User", "Group", "ServicePrincipal", "ManagedIdentity", "ForeignGroup", "Device", "Agent", "Unknown"
    ])))]
    kind: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    user_principal_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    client_id: String,
    /// The resource of a managed identity.
    #[serde(skip_serializing_if = "String::is_empty")]
    resource_id: String,
}

/// A role assignment that allows.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Grant"))]
#[serde(rename_all = "camelCase")]
pub(super) struct AzureGrantOut {
    #[cfg_attr(test, schemars(extend("enum" = ["allowed", "conditional", "eligible", "unknown", "denied"])))]
    decision: &'static str,
    /// The id of the assignment, where it was read.
    #[serde(skip_serializing_if = "String::is_empty")]
    assignment: String,
    /// Where it is made. It holds there and below.
    scope: String,
    /// Whether the place that was asked about lies below that.
    inherited: bool,
    role: AzureRoleOut,
    /// The group that it comes by.
    #[serde(skip_serializing_if = "Option::is_none")]
    through: Option<ThroughOut>,
    /// Under what it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<ConditionOut>,
    /// It has to be activated first, and when that ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    eligible: Option<EligibleOut>,
    /// What is not known of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(extend("enum" = ["role", "managementGroup", "exclusion", "operations"])))]
    unknown: Option<&'static str>,
    /// Where it was read.
    source: OriginOut,
}

#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "AzureRole"))]
struct AzureRoleOut {
    id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    custom: bool,
}

#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Through"))]
struct ThroughOut {
    group: PrincipalOut,
    /// Whether the membership has to be activated.
    eligible: bool,
}

#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Eligible"))]
struct EligibleOut {
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<String>,
}

/// A condition, as far as it is understood.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Condition"))]
#[serde(rename_all = "camelCase")]
struct ConditionOut {
    /// The text on the assignment; the role may have one of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// It holds when one of these does.
    ways: Vec<WayOut>,
}

#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Way"))]
#[serde(rename_all = "camelCase")]
pub(super) struct WayOut {
    /// The roles that may be given, by id.
    #[serde(skip_serializing_if = "Option::is_none")]
    roles: Option<SetOut>,
    /// To whom, by object id.
    #[serde(skip_serializing_if = "Option::is_none")]
    principals: Option<SetOut>,
    /// To which kinds of principals.
    #[serde(skip_serializing_if = "Option::is_none")]
    principal_types: Option<SetOut>,
    /// Whether there is more to it that was not evaluated.
    not_evaluated: bool,
}

#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Set"))]
#[serde(rename_all = "camelCase")]
struct SetOut {
    #[serde(skip_serializing_if = "Option::is_none")]
    only: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    all_but: Option<Vec<String>>,
}

/// A deny assignment that matches.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Denial"))]
struct DenialOut {
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    id: String,
    scope: String,
    /// `denied` when it surely takes it away; `conditional` under a condition; `unknown` when the principal may be left out of it.
    #[cfg_attr(test, schemars(extend("enum" = ["conditional", "unknown", "denied"])))]
    decision: &'static str,
    source: OriginOut,
}

#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Members"))]
struct MembersOut {
    /// Whether these are all.
    complete: bool,
    known: Vec<MemberOut>,
}

#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Member"))]
struct MemberOut {
    principal: PrincipalOut,
    /// What the member may itself, all of its groups and deny assignments together.
    #[cfg_attr(test, schemars(extend("enum" = ["allowed", "conditional", "eligible", "unknown", "denied", "no"])))]
    decision: &'static str,
    /// Whether it has to activate the membership.
    eligible: bool,
}

impl Answer for AzureWhoCanReport<'_> {
    type Item = AzureWhoCanItem;
    type Question = AzureQuestionOut;
    const FITS: Fits = Fits { names: true, tree: false, findings: false };

    fn document(&self) -> Result<Document<AzureWhoCanItem, AzureQuestionOut>, String> {
        let plane = match self.question.plane {
            Plane::Control => "control",
            Plane::Data => "data",
        };
        let (action, scope) = (self.question.action.clone(), self.scope.to_owned());
        let question = AzureQuestionOut { action, plane, scope };
        let items = self.answer.rows.iter().map(|row| item(self, row)).collect();
        Ok(Document::new("AzureWhoCanReport", self.snapshot, &self.metadata, question, items, &self.exit))
    }

    fn columns(&self, width: Width) -> Vec<Part> {
        vec![Part::Table(table(self, width.is_wide()))]
    }

    fn names(&self) -> Vec<(usize, String)> {
        let id = |row: &AzureRow| self.graph.principal(row.principal).object_id.clone();
        let rows = self.answer.rows.iter().enumerate();
        rows.map(|(at, row)| (at, Thing::Principal(id(row)).to_string())).collect()
    }
}

fn item(report: &AzureWhoCanReport<'_>, row: &AzureRow) -> AzureWhoCanItem {
    let members = row.members.as_ref().map(|members| MembersOut {
        complete: members.complete,
        known: members
            .known
            .iter()
            .map(|member| MemberOut {
                principal: principal(report.graph, member.principal),
                decision: member.decision.as_str(),
                eligible: member.eligible,
            })
            .collect(),
    });
    AzureWhoCanItem {
        principal: principal(report.graph, row.principal),
        decision: row.verdict.decision.as_str(),
        grants: row
            .verdict
            .grants
            .iter()
            .map(|grant| grant_out(report.snapshot, report.graph, grant, is_inherited(report, grant)))
            .collect(),
        denials: row.verdict.denials.iter().map(|denial| denial_out(report, denial)).collect(),
        members,
    }
}

pub(super) fn principal(graph: &AzureGraph<'_>, ix: PrincipalIx) -> PrincipalOut {
    let node = graph.principal(ix);
    PrincipalOut {
        object_id: node.object_id.clone(),
        kind: node.kind.as_str(),
        name: node.name.clone(),
        user_principal_name: node.user_principal_name.clone(),
        client_id: node.client_id.clone(),
        resource_id: node.resource_id.clone(),
    }
}

pub(super) fn grant_out(
    snapshot: &Snapshot,
    graph: &AzureGraph<'_>,
    grant: &AzureGrant,
    inherited: bool,
) -> AzureGrantOut {
    let read = graph.assignment(grant.assignment);
    let role = graph.role(graph.assigned_role(grant.assignment));
    let through =
        grant.through.map(|through| ThroughOut { group: principal(graph, through.group), eligible: through.eligible });
    let condition = match &grant.effect {
        Effect::Depends(ways) => {
            Some(ConditionOut { text: read.condition.clone(), ways: ways.iter().map(way_out).collect() })
        }
        Effect::Always | Effect::Never => None,
    };
    let eligible = (read.assigned == Assigned::Eligible).then(|| EligibleOut { end: read.end.clone() });
    AzureGrantOut {
        decision: grant.decision.as_str(),
        assignment: read.id.clone(),
        scope: read.scope.clone(),
        inherited,
        role: AzureRoleOut { id: role.id.to_owned(), name: role.name.to_owned(), custom: role.custom },
        through,
        condition,
        eligible,
        unknown: grant.unknown.map(|unknown| match unknown {
            Standing::Role => "role",
            Standing::ManagementGroup => "managementGroup",
            Standing::Exclusion => "exclusion",
            Standing::Operations => "operations",
        }),
        source: OriginOut::new(snapshot, read.origin),
    }
}

/// Whether an assignment is made above the place that was asked about.
fn is_inherited(report: &AzureWhoCanReport<'_>, grant: &AzureGrant) -> bool {
    AzurePlace::from(report.graph.assigned_scope(grant.assignment)) != report.place
}

pub(super) fn way_out(way: &Alternative) -> WayOut {
    let set = |set: &Set| match set {
        Set::Only(these) => Some(SetOut { only: Some(these.iter().cloned().collect()), all_but: None }),
        Set::AllBut(these) if !these.is_empty() => {
            Some(SetOut { only: None, all_but: Some(these.iter().cloned().collect()) })
        }
        Set::AllBut(_) => None,
    };
    WayOut {
        roles: set(&way.roles),
        principals: set(&way.principals),
        principal_types: set(&way.kinds),
        not_evaluated: way.open,
    }
}

fn denial_out(report: &AzureWhoCanReport<'_>, denial: &Denial) -> DenialOut {
    let read = report.graph.deny(denial.deny);
    DenialOut {
        name: read.name.clone(),
        id: read.id.clone(),
        scope: read.scope.clone(),
        decision: denial.decision.as_str(),
        source: OriginOut::new(report.snapshot, read.origin),
    }
}

fn table(report: &AzureWhoCanReport<'_>, wide: bool) -> Table {
    let mut columns = vec!["PRINCIPAL", "KIND", "DECISION", "ROLE", "ASSIGNED AT", "VIA"];
    if wide {
        columns.extend(["OBJECT ID", "CONDITION", "DENY ASSIGNMENTS", "SOURCE"]);
    }
    let graph = report.graph;
    let mut table = Table::new(&columns);
    for (at, row) in report.answer.rows.iter().enumerate() {
        for grant in &row.verdict.grants {
            let role = graph.role(graph.assigned_role(grant.assignment));
            let read = graph.assignment(grant.assignment);
            let mut cells = vec![
                name(graph, row.principal),
                graph.principal(row.principal).kind.as_str().to_owned(),
                decision(grant),
                if role.name.is_empty() { role.id.to_owned() } else { role.name.to_owned() },
                if is_inherited(report, grant) { format!("{} (inherited)", read.scope) } else { read.scope.clone() },
                grant.through.map(|through| name(graph, through.group)).unwrap_or_default(),
            ];
            if wide {
                let denials = row.verdict.denials.iter().map(|denial| graph.deny(denial.deny).name.as_str());
                cells.extend([
                    graph.principal(row.principal).object_id.clone(),
                    condition(graph, &grant.effect),
                    denials.collect::<Vec<_>>().join(", "),
                    OriginOut::new(report.snapshot, read.origin).column(),
                ]);
            }
            table.row_of(at, cells);
        }
        let Some(members) = &row.members else { continue };
        for member in &members.known {
            let note = match (member.eligible, member.decision) {
                (true, AzureDecision::Eligible) => "can be activated".to_owned(),
                (true, other) => format!("{} (membership can be activated)", other.as_str()),
                (false, other) => other.as_str().to_owned(),
            };
            let kind = graph.principal(member.principal).kind.as_str().to_owned();
            let mut cells = vec![format!("  {}", name(graph, member.principal)), kind, note, "member".to_owned()];
            cells.resize(columns.len(), String::new());
            if wide {
                cells[6].clone_from(&graph.principal(member.principal).object_id);
            }
            table.row_of(at, cells);
        }
        if !members.complete {
            let mut cells = vec!["  (members not read)".to_owned()];
            cells.resize(columns.len(), String::new());
            table.row_of(at, cells);
        }
    }
    table
}

/// A scope in few words.
pub(super) fn scope_words(scope: &str) -> String {
    let segments: Vec<&str> = scope.split('/').filter(|segment| !segment.is_empty()).collect();
    match segments.as_slice() {
        [] => "everything (/)".to_owned(),
        [first, id] if first.eq_ignore_ascii_case("subscriptions") => format!("subscription {id}"),
        [first, _, _, group] if first.eq_ignore_ascii_case("subscriptions") => format!("resource group {group}"),
        [.., _, kind, name] if kind.eq_ignore_ascii_case("managementGroups") => format!("management group {name}"),
        [.., kind, name] => format!("{kind}/{name}"),
        [one] => (*one).to_owned(),
    }
}

fn decision(grant: &AzureGrant) -> String {
    match (grant.decision, &grant.effect, grant.unknown) {
        (AzureDecision::Eligible, Effect::Depends(_), _) => "eligible, conditional".to_owned(),
        (AzureDecision::Unknown, _, Some(Standing::Role)) => "unknown (role not read)".to_owned(),
        (AzureDecision::Unknown, _, Some(Standing::ManagementGroup)) => {
            "unknown (management groups not read)".to_owned()
        }
        (AzureDecision::Unknown, _, Some(Standing::Exclusion)) => "unknown (members not read)".to_owned(),
        (AzureDecision::Unknown, _, Some(Standing::Operations)) => "unknown (operations not read)".to_owned(),
        (decision, ..) => decision.as_str().to_owned(),
    }
}

/// A condition in few words.
fn condition(graph: &AzureGraph<'_>, effect: &Effect) -> String {
    match effect {
        Effect::Depends(ways) => condition_words(graph, ways),
        Effect::Always | Effect::Never => String::new(),
    }
}
