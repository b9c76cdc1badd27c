//! What Azure RBAC for Kubernetes allows, behind the answers of the cluster's own authorizers.

use serde::Serialize;

use super::azure::{AzureGrantOut, PrincipalOut, grant_out, name, principal, scope_words};
use super::document::{OriginOut, SubjectOut};
use super::table::Table;
use crate::graph::azure::{AzureDecision, AzureGrant, AzureGraph, ClusterIx, PrincipalIx, Verdict};
use crate::model::azure::contains;
use crate::model::{Decision, Snapshot, Thing};
use crate::query::{AzureMembers, GuardPlace, GuardRight, GuardRow, GuardWhoCan, kubernetes_name};

/// Whom Azure lets do it.
pub struct GuardPart<'a> {
    /// The graph that the answer is about.
    pub graph: &'a AzureGraph<'a>,
    /// The cluster.
    pub cluster: ClusterIx,
    /// The answer.
    pub answer: &'a GuardWhoCan,
}

/// What Azure allows the one who was asked about.
pub struct GuardRights<'a> {
    /// The graph that the answer is about.
    pub graph: &'a AzureGraph<'a>,
    /// The cluster.
    pub cluster: ClusterIx,
    /// The rights.
    pub rights: Vec<GuardRight>,
}

impl GuardRights<'_> {
    /// The assignments behind a right.
    pub(super) fn grants_out(&self, snapshot: &Snapshot, right: &GuardRight) -> Vec<AzureGrantOut> {
        grants(&right.verdict).map(|grant| grant_of(snapshot, self.graph, self.cluster, grant)).collect()
    }

    /// The same in cells: by what, which role, and where that was read.
    pub(super) fn cells(&self, snapshot: &Snapshot, right: &GuardRight, wide: bool) -> Vec<[String; 3]> {
        let cells = |grant: &AzureGrant| {
            let source = OriginOut::new(snapshot, self.graph.assignment(grant.assignment).origin).column();
            [by(self.graph, grant, wide), role(self.graph, grant).to_owned(), source]
        };
        grants(&right.verdict).map(cells).collect()
    }

    /// Where a right holds, and how surely if not in any case.
    pub(super) fn place(right: &GuardRight) -> String {
        let place = right.namespace.as_deref().unwrap_or("cluster-wide");
        match right.verdict.decision {
            AzureDecision::Allowed => place.to_owned(),
            other => format!("{place} ({})", other.as_str()),
        }
    }
}

/// What Azure says of the one who was asked about.
pub struct GuardVerdict<'a> {
    /// The graph that the answer is about.
    pub graph: &'a AzureGraph<'a>,
    /// The cluster.
    pub cluster: ClusterIx,
    /// The answer.
    pub verdict: Verdict,
    /// The request is for discovery, which everybody who logs in with Entra may do.
    pub discovery: bool,
}

/// The subject that an Entra principal is in Kubernetes.
pub(super) fn subject(graph: &AzureGraph<'_>, ix: PrincipalIx) -> SubjectOut {
    let kind = if graph.is_group(ix) { "Group" } else { "User" };
    SubjectOut { kind, name: kubernetes_name(graph, ix).to_owned(), namespace: None }
}

/// The same in the grammar of things.
pub(super) fn thing(graph: &AzureGraph<'_>, ix: PrincipalIx) -> Thing {
    let name = kubernetes_name(graph, ix).to_owned();
    if graph.is_group(ix) { Thing::Group(name) } else { Thing::User(name) }
}

/// The subject with the name that people know it by.
fn subject_column(graph: &AzureGraph<'_>, ix: PrincipalIx) -> String {
    let (own, known) = (subject(graph, ix), name(graph, ix));
    if own.name == known { format!("{} {known}", own.kind) } else { format!("{} {} ({known})", own.kind, own.name) }
}

/// The assignments behind a verdict that come to something.
fn grants(verdict: &Verdict) -> impl Iterator<Item = &AzureGrant> {
    verdict.grants.iter().filter(|grant| !matches!(grant.decision, AzureDecision::Denied | AzureDecision::No))
}

/// The cells of a line, with the row that it is of: who, where, by what, which role; the last one is where that was read.
pub(super) fn lines(snapshot: &Snapshot, part: &GuardPart<'_>, wide: bool) -> Vec<(usize, [String; 5])> {
    let graph = part.graph;
    let mut all = Vec::new();
    for (at, row) in part.answer.rows.iter().enumerate() {
        for grant in grants(&row.verdict) {
            let place = match &row.place {
                GuardPlace::Cluster => "cluster-wide".to_owned(),
                GuardPlace::Namespaces(names) => names.join(", "),
            };
            let doubt = match grant.decision {
                AzureDecision::Allowed => String::new(),
                other => format!(" ({})", other.as_str()),
            };
            let cells = [
                subject_column(graph, row.principal),
                format!("{place}{doubt}"),
                by(graph, grant, wide),
                role(graph, grant).to_owned(),
                OriginOut::new(snapshot, graph.assignment(grant.assignment).origin).column(),
            ];
            all.push((at, cells));
        }
        if let Some(members) = &row.members {
            for [who, how] in member_lines(graph, members.complete, known(members)) {
                all.push((at, [who, how, String::new(), String::new(), String::new()]));
            }
        }
    }
    all
}

/// The members of a group, each with whether it has to activate the membership.
fn known(members: &AzureMembers) -> impl Iterator<Item = (PrincipalIx, bool)> {
    members.known.iter().map(|member| (member.principal, member.eligible))
}

/// Who is in a group and how, and whether there may be more.
pub(super) fn member_lines(
    graph: &AzureGraph<'_>,
    complete: bool,
    known: impl Iterator<Item = (PrincipalIx, bool)>,
) -> Vec<[String; 2]> {
    let line = |(principal, eligible)| {
        let how = if eligible { "member, can be activated" } else { "member" };
        [format!("  {}", subject_column(graph, principal)), how.to_owned()]
    };
    let unread = (!complete).then(|| ["  (members not read)".to_owned(), String::new()]);
    known.map(line).chain(unread).collect()
}

/// Who is in a group of Entra, nested groups included.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "EntraMembers"))]
pub(super) struct EntraMembersOut {
    /// Whether these are all.
    complete: bool,
    known: Vec<EntraMemberOut>,
}

#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "EntraMember"))]
struct EntraMemberOut {
    principal: PrincipalOut,
    /// Whether it has to activate the membership.
    eligible: bool,
}

impl EntraMembersOut {
    pub(super) fn new(
        graph: &AzureGraph<'_>,
        complete: bool,
        known: impl Iterator<Item = (PrincipalIx, bool)>,
    ) -> EntraMembersOut {
        let member = |(one, eligible)| EntraMemberOut { principal: principal(graph, one), eligible };
        EntraMembersOut { complete, known: known.map(member).collect() }
    }
}

/// `RoleAssignment at resource group rg`, in full where there is room.
fn by(graph: &AzureGraph<'_>, grant: &AzureGrant, wide: bool) -> String {
    let scope = &graph.assignment(grant.assignment).scope;
    let through = grant.through.map(|through| format!(", through {}", name(graph, through.group))).unwrap_or_default();
    let at = if wide { scope.clone() } else { scope_words(scope) };
    format!("RoleAssignment at {at}{through}")
}

fn role<'a>(graph: &'a AzureGraph<'_>, grant: &AzureGrant) -> &'a str {
    let role = graph.role(graph.assigned_role(grant.assignment));
    if role.name.is_empty() { &role.id } else { &role.name }
}

/// A grant, inherited where it is assigned above the cluster.
fn grant_of(snapshot: &Snapshot, graph: &AzureGraph<'_>, cluster: ClusterIx, grant: &AzureGrant) -> AzureGrantOut {
    let inside = contains(&graph.cluster(cluster).id, &graph.assignment(grant.assignment).scope);
    grant_out(snapshot, graph, grant, !inside)
}

/// A row, who that is in Kubernetes and in Azure, by which assignments, and who is in it.
pub(super) type Item<'p> = (&'p GuardRow, SubjectOut, PrincipalOut, Vec<AzureGrantOut>, Option<EntraMembersOut>);

/// The rows as items.
pub(super) fn items<'p>(snapshot: &'p Snapshot, part: &'p GuardPart<'_>) -> impl Iterator<Item = Item<'p>> {
    part.answer.rows.iter().map(move |row| {
        let graph = part.graph;
        let own = grants(&row.verdict).map(|grant| grant_of(snapshot, graph, part.cluster, grant)).collect();
        let members = row.members.as_ref().map(|of| EntraMembersOut::new(graph, of.complete, known(of)));
        (row, subject(graph, row.principal), principal(graph, row.principal), own, members)
    })
}

/// What Azure says of one, as items and in words.
impl GuardVerdict<'_> {
    /// What it comes to.
    pub fn decision(&self) -> Decision {
        match self.verdict.decision {
            AzureDecision::Allowed => Decision::Allowed,
            _ if self.discovery => Decision::Allowed,
            AzureDecision::Conditional => Decision::Conditional,
            AzureDecision::Eligible => Decision::Eligible,
            AzureDecision::Unknown => Decision::Unknown,
            AzureDecision::Denied | AzureDecision::No => Decision::Denied,
        }
    }

    pub(super) fn grants_out(&self, snapshot: &Snapshot) -> Vec<AzureGrantOut> {
        grants(&self.verdict).map(|grant| grant_of(snapshot, self.graph, self.cluster, grant)).collect()
    }

    /// The same in cells: by what, which role, and where that was read.
    pub(super) fn cells(&self, snapshot: &Snapshot) -> Vec<[String; 3]> {
        let cells = |grant: &AzureGrant| {
            let source = OriginOut::new(snapshot, self.graph.assignment(grant.assignment).origin).column();
            [by(self.graph, grant, true), role(self.graph, grant).to_owned(), source]
        };
        grants(&self.verdict).map(cells).collect()
    }

    pub(super) fn lines(&self) -> Vec<String> {
        if self.discovery {
            return vec!["  Azure RBAC for Kubernetes leaves discovery to everybody who logs in with Entra".to_owned()];
        }
        let line = |grant: &AzureGrant| {
            let doubt = match grant.decision {
                AzureDecision::Allowed => String::new(),
                AzureDecision::Eligible => ", once it is activated".to_owned(),
                AzureDecision::Conditional => ", under a condition".to_owned(),
                other => format!(" ({})", other.as_str()),
            };
            format!("  {} allows it by Azure role {}{doubt}", by(self.graph, grant, false), role(self.graph, grant))
        };
        grants(&self.verdict).map(line).collect()
    }
}

/// Puts the rows of Azure behind those of the cluster, of which there are `before`; `width` is how many columns there are.
pub(super) fn rows_into(
    table: &mut Table,
    before: usize,
    lines: Vec<(usize, [String; 5])>,
    width: usize,
    verified: bool,
    wide: bool,
) {
    for (at, [who, place, by, role, source]) in lines {
        let member = by.is_empty();
        let mut cells = vec![who, place, by, role];
        if verified {
            cells.push(String::new());
        }
        if wide && !member {
            cells.extend([String::new(), "azure".to_owned(), "no".to_owned(), source]);
        }
        cells.resize(width, String::new());
        table.row_of(before + at, cells);
    }
}
