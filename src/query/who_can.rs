//! `who-can`: every subject that a request would be allowed for, with every grant behind it.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::graph::{AccessGraph, BindingIx, Scope};
use crate::model::{
    Action, Authorizer, ClusterId, Decision, MASTERS, MatchedNames, Name, Question, ResourceAction, Subject, SubjectId,
};

use super::node::NodeGrant;
use super::system::{SystemFilter, is_system};

/// Where the request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Where {
    /// To the whole cluster: a cluster-scoped object, a list over all namespaces, a path.
    Cluster,
    /// To one namespace.
    Namespace(String),
    /// To any one namespace: each place is answered for itself. A subject with a grant in every namespace still cannot do it in
    /// all namespaces at once.
    EachNamespace,
    /// To the namespace object itself, for every namespace: such a request carries the namespace's own name as its namespace.
    EachNamespaceObject,
}

/// Where a subject can do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Everywhere in the cluster, through ClusterRoleBindings.
    Cluster,
    /// In these namespaces.
    Namespaces(Vec<Name>),
}

/// One subject with every grant it has at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The subject.
    pub subject: Subject,
    /// Where.
    pub place: Place,
    /// The only object names it is allowed for; empty when it is allowed as asked.
    pub resource_names: Vec<Name>,
    /// Which authorizer allows.
    pub authorizer: Authorizer,
    /// `allowed`, or `named` when there are resource names.
    pub decision: Decision,
    /// What grants it; empty where no object does.
    pub grants: Vec<Grant>,
    /// Why the Node authorizer allows; empty for every other one.
    pub node_grants: Vec<NodeGrant>,
}

/// A binding that grants, and the rules of its role that do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The binding.
    pub binding: BindingIx,
    /// A part of [`WhoCan::rules`].
    pub rules: Range<u32>,
}

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WhoCan {
    /// The rows, by subject (groups, service accounts, users), then place.
    pub rows: Vec<Row>,
    /// The places of the rules, in their roles, that the grants refer to.
    pub rules: Vec<u32>,
    /// How many subjects [`SystemFilter`] left out.
    pub hidden: usize,
    left_out: Vec<Subject>,
}

impl WhoCan {
    /// Adds the rows of other authorizers, as far as they are wanted, and keeps the order.
    pub fn merge(&mut self, graph: &AccessGraph, rows: Vec<Row>, filter: Filter<'_>) {
        for row in rows.into_iter().filter(|row| (filter.keep)(row.subject)) {
            if filter.hides(graph, row.subject) {
                self.leave_out(row.subject);
            } else {
                self.rows.push(row);
            }
        }
        // `system:masters` comes first. The sort is stable: the rows of one subject and authorizer stay as they were.
        let masters = graph.snapshot().names.find(MASTERS).map(Subject::Group);
        self.rows.sort_by_key(|row| (Some(row.subject) != masters, row.subject, row.authorizer));
    }

    /// Counts a subject once, whichever authorizers allow it.
    fn leave_out(&mut self, subject: Subject) {
        if let Err(at) = self.left_out.binary_search(&subject) {
            self.left_out.insert(at, subject);
            self.hidden += 1;
        }
    }
}

/// Which rows are wanted.
#[derive(Clone, Copy)]
pub struct Filter<'f> {
    /// What to do with system subjects.
    pub system: SystemFilter,
    /// Keeps a subject.
    pub keep: &'f dyn Fn(Subject) -> bool,
}

impl Filter<'_> {
    fn hides(self, graph: &AccessGraph, subject: Subject) -> bool {
        match self.system {
            SystemFilter::Show => false,
            SystemFilter::Hide => is_system(&graph.snapshot().names, subject),
            SystemFilter::Only => !is_system(&graph.snapshot().names, subject),
        }
    }
}

/// A binding that grants to a subject, before rows are made.
struct Hit {
    subject: SubjectId,
    binding: BindingIx,
    rules: (u32, u32),
    /// Names that a nameless question is narrowed to, in a table of the run; 0 is none.
    names: u32,
}

/// Who can do this, by `system:masters` and RBAC. Nodes are [`node::who_can`](super::node::who_can), to be put in with
/// [`WhoCan::merge`].
///
/// O(matching grants) after a look-up by resource.
pub fn who_can(graph: &AccessGraph, cluster: ClusterId, action: &Action, place: &Where, filter: Filter<'_>) -> WhoCan {
    let _stage = tracing::debug_span!("query").entered();
    let mut search = Search { graph, hits: Vec::new(), rules: Vec::new(), names: vec![Vec::new()] };
    let question = graph.question(action);
    let wide = Scope { cluster, namespace: None };
    search.scope(wide, &question);
    let here = |scope: &&Scope| scope.cluster == cluster && scope.namespace.is_some();
    match place {
        Where::Cluster => {}
        Where::Namespace(namespace) => {
            if let Some(namespace) = graph.snapshot().names.find(namespace) {
                search.scope(Scope { cluster, namespace: Some(namespace) }, &question);
            }
        }
        Where::EachNamespace => {
            for &scope in graph.scopes().iter().filter(here) {
                search.scope(scope, &question);
            }
        }
        Where::EachNamespaceObject => {
            for &scope in graph.scopes().iter().filter(here) {
                let own = scope.namespace.map(|namespace| graph.text(namespace)).unwrap_or_default();
                let action = named_after(action, own);
                search.scope(scope, &graph.question(&action));
            }
        }
    }
    let mut answer = search.rows(filter);
    answer.add_masters(graph, filter);
    answer
}

impl WhoCan {
    /// `system:masters` can do everything on every API server, whatever the bindings say. Its rows come first, and what a
    /// ClusterRoleBinding grants to it stands in the row that it has anyway.
    fn add_masters(&mut self, graph: &AccessGraph, filter: Filter<'_>) {
        let Some(masters) = graph.snapshot().names.find(MASTERS).map(Subject::Group) else { return };
        if !(filter.keep)(masters) {
            return;
        }
        if filter.system == SystemFilter::Hide {
            self.leave_out(masters);
            return;
        }
        let from = self.rows.iter().position(|row| row.subject == masters).unwrap_or(0);
        let len = self.rows[from..].iter().take_while(|row| row.subject == masters).count();
        let mut own: Vec<Row> = self.rows.drain(from..from + len).collect();
        let is_whole = |row: &Row| row.place == Place::Cluster && row.decision == Decision::Allowed;
        let bound = own.iter().position(is_whole).map(|at| own.remove(at).grants);
        let first = Row {
            subject: masters,
            place: Place::Cluster,
            resource_names: Vec::new(),
            authorizer: Authorizer::Masters,
            decision: Decision::Allowed,
            grants: bound.unwrap_or_default(),
            node_grants: Vec::new(),
        };
        self.rows.splice(0..0, std::iter::once(first).chain(own));
    }
}

/// The same request for the namespace object of this name.
fn named_after(action: &Action, namespace: &str) -> Action {
    match action {
        Action::Resource(action) => Action::Resource(ResourceAction {
            name: namespace.to_owned(),
            namespace: namespace.to_owned(),
            ..action.clone()
        }),
        path @ Action::NonResource { .. } => path.clone(),
    }
}

struct Search<'g> {
    graph: &'g AccessGraph,
    hits: Vec<Hit>,
    rules: Vec<u32>,
    names: Vec<Vec<Name>>,
}

impl Search<'_> {
    fn scope(&mut self, scope: Scope, question: &Question<'_>) {
        let Search { graph, hits, rules, names } = self;
        let graph = *graph;
        graph.answers(scope, question, |bindings, matched| {
            let from = end(rules);
            let mut limited: Vec<Name> = Vec::new();
            let mut limiting: Vec<u32> = Vec::new();
            for &(rule, covers) in matched {
                match covers {
                    MatchedNames::Every => rules.push(rule),
                    MatchedNames::Only(only) => {
                        limited.extend_from_slice(only);
                        limiting.push(rule);
                    }
                }
            }
            let full = (from, end(rules));
            rules.extend_from_slice(&limiting);
            let narrow = (full.1, end(rules));
            let narrowed = (narrow.0 < narrow.1).then(|| {
                limited.sort_unstable();
                limited.dedup();
                names.push(std::mem::take(&mut limited));
                u32::try_from(names.len() - 1).unwrap_or(u32::MAX)
            });
            for &(_, binding) in bindings {
                for &subject in graph.snapshot().subjects.set(graph.binding(binding).subjects) {
                    if full.0 < full.1 {
                        hits.push(Hit { subject, binding, rules: full, names: 0 });
                    }
                    if let Some(names) = narrowed {
                        hits.push(Hit { subject, binding, rules: narrow, names });
                    }
                }
            }
        });
    }

    fn rows(self, filter: Filter<'_>) -> WhoCan {
        let Search { graph, mut hits, rules, names } = self;
        let subjects = &graph.snapshot().subjects;
        // The numbers of subjects are in their order.
        hits.sort_unstable_by_key(|hit| (hit.subject, hit.names != 0, hit.binding));
        // A binding that names a subject twice grants it once.
        hits.dedup_by_key(|hit| (hit.subject, hit.names != 0, hit.binding));
        let mut answer = WhoCan { rules, ..WhoCan::default() };
        for of_subject in hits.chunk_by(|a, b| a.subject == b.subject) {
            let Some(first) = of_subject.first() else { continue };
            let subject = subjects.get(first.subject);
            if !(filter.keep)(subject) {
                continue;
            }
            if filter.hides(graph, subject) {
                answer.leave_out(subject);
                continue;
            }
            for of_kind in of_subject.chunk_by(|a, b| (a.names == 0) == (b.names == 0)) {
                rows_of(graph, subject, of_kind, &names, &mut answer.rows);
            }
        }
        answer
    }
}

/// The rows of one subject: one for the whole cluster, and one for the namespaces with the same names.
fn rows_of(graph: &AccessGraph, subject: Subject, hits: &[Hit], names: &[Vec<Name>], rows: &mut Vec<Row>) {
    let row = |place, only: Vec<Name>, grants| Row {
        subject,
        place,
        decision: if only.is_empty() { Decision::Allowed } else { Decision::Named },
        resource_names: only,
        authorizer: Authorizer::Rbac,
        grants,
        node_grants: Vec::new(),
    };
    let grant = |hit: &Hit| Grant { binding: hit.binding, rules: hit.rules.0..hit.rules.1 };
    let mut by_names: BTreeMap<Vec<Name>, (Vec<Name>, Vec<Grant>)> = BTreeMap::new();
    let mut rest = hits;
    while let Some(first) = rest.first() {
        let scope = graph.scope_of(first.binding);
        let len = rest.iter().take_while(|hit| graph.scope_of(hit.binding) == scope).count();
        let (here, behind) = rest.split_at(len);
        rest = behind;
        let mut only: Vec<Name> = here.iter().flat_map(|hit| &names[hit.names as usize]).copied().collect();
        only.sort_unstable();
        only.dedup();
        match scope.namespace {
            None => rows.push(row(Place::Cluster, only, here.iter().map(grant).collect())),
            // The only namespace needs no grouping.
            Some(namespace) if rest.is_empty() && by_names.is_empty() => {
                rows.push(row(Place::Namespaces(vec![namespace]), only, here.iter().map(grant).collect()));
            }
            Some(namespace) => {
                let (namespaces, all) = by_names.entry(only).or_default();
                namespaces.push(namespace);
                all.extend(here.iter().map(grant));
            }
        }
    }
    let grouped = by_names.into_iter();
    rows.extend(grouped.map(|(only, (namespaces, grants))| row(Place::Namespaces(namespaces), only, grants)));
}

fn end(rules: &[u32]) -> u32 {
    u32::try_from(rules.len()).unwrap_or(u32::MAX)
}
