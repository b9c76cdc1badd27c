//! `what-can` as a matrix, as a list, and as a document.

use serde::Serialize;

use super::answer::{Answer, Part};
use super::azure::{AzureGrantOut, PrincipalOut};
use super::document::{Document, Exit, Metadata, OriginOut, SubjectOut};
use super::evidence::{GrantOut, ObjectOut, binding_out, grant_out, name_list, principal_out, role_out};
use super::format::Fits;
use super::guard::GuardRights;
use super::table::{Table, Width};
use crate::graph::{AccessGraph, BindingIx};
use crate::model::{Authorizer, Identity, MASTERS, Name, ResourceTable, Thing};
use crate::query::{GuardRight, Right, Target, WhatCan};

/// How the table is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Resources down, verbs across.
    Matrix,
    /// One line for each right and grant.
    List,
}

/// What is rendered.
pub struct WhatCanReport<'a> {
    /// The graph that the answer is about.
    pub graph: &'a AccessGraph,
    /// Which resources are cluster-scoped.
    pub table: &'a ResourceTable,
    /// Who was asked about, with the groups that counted.
    pub identity: &'a Identity,
    /// The answer.
    pub answer: &'a WhatCan,
    /// What Azure allows beside, where the cluster asks Azure and knows the one who was asked about.
    pub azure: Option<&'a GuardRights<'a>>,
    /// How the table is laid out.
    pub layout: Layout,
    /// What the report says of itself.
    pub metadata: Metadata,
    /// The exit status.
    pub exit: Exit,
}

/// Who was asked about.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Identity"))]
pub(super) struct IdentityOut {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) user: String,
    /// The groups that counted, those that the API server adds included.
    pub(super) groups: Vec<String>,
}

impl From<&Identity> for IdentityOut {
    fn from(identity: &Identity) -> IdentityOut {
        IdentityOut { user: identity.user.clone(), groups: identity.groups.clone() }
    }
}

/// The verbs on one target at one place.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Item"))]
#[serde(rename_all = "camelCase")]
pub(super) struct RightItem {
    /// Everywhere in the cluster; otherwise `namespace` says where.
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster_wide: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_group: Option<String>,
    /// As the rule writes it: `pods`, `pods/log`, `*/scale` or `*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<String>,
    /// The only object names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resource_names: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "nonResourceURL")]
    non_resource_url: Option<String>,
    verbs: Vec<String>,
    /// `masters`, `rbac` or `azure`.
    #[cfg_attr(test, schemars(extend("enum" = ["masters", "rbac", "azure"])))]
    authorizer: &'static str,
    /// Why the right has no effect: a RoleBinding cannot grant what is cluster-scoped, nor a path.
    #[serde(skip_serializing_if = "Option::is_none")]
    no_effect: Option<&'static str>,
    grants: Vec<SubjectGrantOut>,
    /// The role assignments behind a right that Azure gives.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    azure_grants: Vec<AzureGrantOut>,
}

/// A grant, and which of the identity's names it is for.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "SubjectGrant"))]
pub(super) struct SubjectGrantOut {
    pub(super) subject: SubjectOut,
    /// Who it is in Azure, where that was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) principal: Option<PrincipalOut>,
    #[serde(flatten)]
    pub(super) grant: GrantOut,
}

const CLUSTER_SCOPED: &str = "a RoleBinding cannot grant a cluster-scoped resource";
const PATH: &str = "a RoleBinding cannot grant a path";

impl Answer for WhatCanReport<'_> {
    type Item = RightItem;
    type Question = IdentityOut;
    const FITS: Fits = Fits { names: true, tree: false, findings: false };

    fn document(&self) -> Result<Document<RightItem, IdentityOut>, String> {
        let built_in = if self.answer.masters { RightItem::of_masters().to_vec() } else { Vec::new() };
        let own = self.answer.rights.iter().map(|right| item(self, right));
        let of_azure =
            self.azure.iter().flat_map(|azure| azure.rights.iter().map(|right| azure_item(self, azure, right)));
        let items = built_in.into_iter().chain(own).chain(of_azure).collect();
        let question = IdentityOut::from(self.identity);
        let snapshot = self.graph.snapshot();
        let mut document = Document::new("WhatCanReport", snapshot, &self.metadata, question, items, &self.exit);
        let dangling: Vec<ObjectOut> =
            self.answer.dangling.iter().map(|&binding| binding_out(self.graph, binding)).collect();
        document.summary.dangling_bindings = Some(dangling);
        Ok(document)
    }

    fn columns(&self, width: Width) -> Vec<Part> {
        vec![Part::Table(match (width, self.layout) {
            (Width::Narrow, Layout::Matrix) => matrix(self),
            (Width::Narrow, Layout::List) | (Width::Wide, _) => list(self, width),
        })]
    }

    fn names(&self) -> Vec<(usize, String)> {
        names(self)
    }
}

impl RightItem {
    /// What a member of `system:masters` can do: everything, and every path.
    fn of_masters() -> [RightItem; 2] {
        let any = || Some("*".to_owned());
        let everything = RightItem {
            cluster_wide: Some(true),
            namespace: None,
            api_group: any(),
            resource: any(),
            resource_names: Vec::new(),
            non_resource_url: None,
            verbs: vec!["*".to_owned()],
            authorizer: Authorizer::Masters.as_str(),
            no_effect: None,
            grants: Vec::new(),
            azure_grants: Vec::new(),
        };
        let paths = RightItem { api_group: None, resource: None, non_resource_url: any(), ..everything.clone() };
        [everything, paths]
    }
}

fn item(report: &WhatCanReport<'_>, right: &Right) -> RightItem {
    let graph = report.graph;
    let text = |name: Name| graph.text(name).to_owned();
    let (api_group, resource, resource_names, url) = match &right.target {
        Target::Resource { api_group, resource, resource_names } => (
            Some(text(*api_group)),
            Some(text(*resource)),
            resource_names.iter().map(|&name| text(name)).collect(),
            None,
        ),
        Target::Url(url) => (None, None, Vec::new(), Some(text(*url))),
    };
    RightItem {
        cluster_wide: right.namespace.is_none().then_some(true),
        namespace: right.namespace.map(text),
        api_group,
        resource,
        resource_names,
        non_resource_url: url,
        verbs: right.verbs.iter().map(|&verb| text(verb)).collect(),
        authorizer: Authorizer::Rbac.as_str(),
        no_effect: no_effect(report, right),
        grants: right
            .grants
            .iter()
            .map(|grant| SubjectGrantOut {
                subject: SubjectOut::new(graph.snapshot(), grant.subject),
                principal: principal_out(graph, grant.subject),
                grant: grant_out(graph, grant.binding, grant.rule),
            })
            .collect(),
        azure_grants: Vec::new(),
    }
}

fn azure_item(report: &WhatCanReport<'_>, azure: &GuardRights<'_>, right: &GuardRight) -> RightItem {
    RightItem {
        cluster_wide: right.namespace.is_none().then_some(true),
        namespace: right.namespace.clone(),
        api_group: Some(right.api_group.clone()),
        resource: Some(right.resource.clone()),
        resource_names: Vec::new(),
        non_resource_url: None,
        verbs: right.verbs.iter().map(|&verb| verb.to_owned()).collect(),
        authorizer: Authorizer::Azure.as_str(),
        no_effect: None,
        grants: Vec::new(),
        azure_grants: azure.grants_out(report.graph.snapshot(), right),
    }
}

/// Why a right of a RoleBinding never counts: it is on a path, or on a cluster-scoped resource, the namespace object itself
/// excepted.
fn no_effect(report: &WhatCanReport<'_>, right: &Right) -> Option<&'static str> {
    right.namespace?;
    let Target::Resource { api_group, resource, .. } = &right.target else { return Some(PATH) };
    let (group, resource) = (report.graph.text(*api_group), report.graph.text(*resource));
    let (base, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let known = report.table.known(group, base, subresource).filter(|known| !known.namespaced);
    known.filter(|_| !(group.is_empty() && base == "namespaces")).map(|_| CLUSTER_SCOPED)
}

/// The verbs that have a column; others stand in the last one.
const COLUMNS: [&str; 8] = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];

/// The items of `system:masters` come before those of the rights.
fn first_right(report: &WhatCanReport<'_>) -> usize {
    if report.answer.masters { RightItem::of_masters().len() } else { 0 }
}

fn matrix(report: &WhatCanReport<'_>) -> Table {
    let mut titles = vec!["WHERE", "RESOURCE"];
    let upper = COLUMNS.map(str::to_uppercase);
    titles.extend(upper.iter().map(String::as_str));
    titles.push("OTHER");
    let mut table = Table::new(&titles);
    if report.answer.masters {
        let everything = ["cluster-wide", "everything"].into_iter().chain(["*"; COLUMNS.len() + 1]);
        table.row_of(0, everything);
    }
    for (at, right) in (first_right(report)..).zip(&report.answer.rights) {
        let texts: Vec<&str> = right.verbs.iter().map(|&verb| report.graph.text(verb)).collect();
        let mut cells = vec![place(report, right), target(report.graph, right)];
        cells.extend(marks(&texts));
        table.row_of(at, cells);
    }
    for (at, right) in azure_rights(report) {
        let mut cells = vec![format!("{}, by Azure", GuardRights::place(right)), azure_target(right)];
        cells.extend(marks(&right.verbs));
        table.row_of(at, cells);
    }
    table
}

/// The cells of verbs.
fn marks(verbs: &[&str]) -> Vec<String> {
    let any = verbs.contains(&"*");
    let mark = |column: &&str| match verbs.contains(column) {
        _ if any => "*".to_owned(),
        true => "x".to_owned(),
        false => String::new(),
    };
    let other: Vec<&str> = verbs.iter().copied().filter(|text| !COLUMNS.contains(text)).collect();
    COLUMNS.iter().map(mark).chain([other.join(",")]).collect()
}

/// The rights that Azure gives, each with its place among the items.
fn azure_rights<'r>(report: &'r WhatCanReport<'_>) -> impl Iterator<Item = (usize, &'r GuardRight)> {
    let first = first_right(report) + report.answer.rights.len();
    (first..).zip(report.azure.iter().flat_map(|azure| &azure.rights))
}

fn azure_target(right: &GuardRight) -> String {
    match right.api_group.as_str() {
        "" => right.resource.clone(),
        group => format!("{}.{group}", right.resource),
    }
}

fn list(report: &WhatCanReport<'_>, width: Width) -> Table {
    let mut titles = vec!["WHERE", "RESOURCE", "VERBS", "BINDING", "ROLE"];
    if width.is_wide() {
        titles.extend(["THROUGH", "DEFAULT", "SOURCE"]);
    }
    let graph = report.graph;
    let mut table = Table::new(&titles);
    if report.answer.masters {
        let everything = ["cluster-wide", "everything", "*", "(built in)"];
        table.row_of(0, everything.into_iter().chain(vec![""; titles.len() - 4]));
    }
    for (at, right) in (first_right(report)..).zip(&report.answer.rights) {
        for grant in &right.grants {
            let role = role_out(graph, grant.binding);
            // The verbs of this grant alone: another one may add further verbs to the same right.
            let verbs = grant_out(graph, grant.binding, grant.rule).rule.verbs;
            let binding = binding_out(graph, grant.binding);
            let mut cells = vec![
                place(report, right),
                target(graph, right),
                verbs.join(","),
                format!("{} {}", binding.kind, binding.name),
                format!("{} {}", role.kind, role.name),
            ];
            if width.is_wide() {
                let origin = OriginOut::new(graph.snapshot(), graph.binding(grant.binding).origin);
                let default = if role.kubernetes_default { "yes" } else { "no" };
                cells.extend([
                    super::evidence::subject_column(graph, grant.subject),
                    default.to_owned(),
                    origin.column(),
                ]);
            }
            table.row_of(at, cells);
        }
    }
    let Some(azure) = report.azure else { return table };
    for (at, right) in azure_rights(report) {
        for [by, role, source] in azure.cells(graph.snapshot(), right, width.is_wide()) {
            let mut cells = vec![
                GuardRights::place(right),
                azure_target(right),
                right.verbs.join(","),
                by,
                format!("Azure role {role}"),
            ];
            if width.is_wide() {
                cells.extend([String::new(), "no".to_owned(), source]);
            }
            table.row_of(at, cells);
        }
    }
    table
}

fn place(report: &WhatCanReport<'_>, right: &Right) -> String {
    match right.namespace {
        None => "cluster-wide".to_owned(),
        Some(namespace) if no_effect(report, right).is_some() => {
            format!("{} (no effect)", report.graph.text(namespace))
        }
        Some(namespace) => report.graph.text(namespace).to_owned(),
    }
}

fn target(graph: &AccessGraph, right: &Right) -> String {
    match &right.target {
        Target::Url(url) => graph.text(*url).to_owned(),
        Target::Resource { api_group, resource, resource_names } => {
            let group = match graph.text(*api_group) {
                "" => String::new(),
                group => format!(".{group}"),
            };
            let only = if resource_names.is_empty() {
                String::new()
            } else {
                format!(" (only: {})", name_list(graph, resource_names))
            };
            format!("{}{group}{only}", graph.text(*resource))
        }
    }
}

/// The bindings behind the rights, and the group that needs none.
fn names(report: &WhatCanReport<'_>) -> Vec<(usize, String)> {
    let rights = (first_right(report)..).zip(&report.answer.rights);
    let mut bindings: Vec<(BindingIx, usize)> =
        rights.flat_map(|(at, right)| right.grants.iter().map(move |grant| (grant.binding, at))).collect();
    bindings.sort_unstable();
    let masters = report.answer.masters.then(|| (0, format!("group:{MASTERS}")));
    let things = bindings.into_iter().map(|(binding, at)| (at, binding_thing(report.graph, binding).to_string()));
    masters.into_iter().chain(things).collect()
}

/// A binding in the grammar of things.
pub fn binding_thing(graph: &AccessGraph, at: BindingIx) -> Thing {
    let binding = graph.binding(at);
    let name = graph.text(binding.name).to_owned();
    match binding.namespace {
        Some(namespace) => Thing::RoleBinding(graph.text(namespace).to_owned(), name),
        None => Thing::ClusterRoleBinding(name),
    }
}
