//! How long `who-can` takes once everything is loaded: all subjects, with every grant behind them.

use std::hint::black_box;
use std::time::Instant;

use rbac_lens::graph::AccessGraph;
use rbac_lens::model::{Action, ClusterId, Name, ResourceAction};
use rbac_lens::query::{Filter, SystemFilter, Where, who_can};

use crate::median;

pub(super) const WORD: &str = "ask";

/// How long one question took, asked in each namespace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    /// Rows of the answer in most namespaces.
    pub(crate) rows: f64,
    /// Microseconds: half of the times it took less.
    pub(crate) middle: f64,
    /// One time in a hundred it took more.
    pub(crate) hundredth: f64,
    /// Microseconds for all namespaces in one answer, and its rows.
    pub(crate) everywhere: f64,
    pub(crate) rows_everywhere: f64,
}

impl Asked {
    /// The question at a place of the list.
    pub(crate) fn words(at: usize) -> String {
        let Some(&(verb, _, resource, subresource)) = QUESTIONS.get(at) else { return "do anything".to_owned() };
        [verb, " ", resource, if subresource.is_empty() { "" } else { "/" }, subresource].concat()
    }
}

impl From<[f64; 5]> for Asked {
    fn from([rows, middle, hundredth, everywhere, rows_everywhere]: [f64; 5]) -> Asked {
        Asked { rows, middle, hundredth, everywhere, rows_everywhere }
    }
}

/// What is asked in each namespace: common things and rare ones, named and unnamed, allowed by wildcards and by lists.
const QUESTIONS: [(&str, &str, &str, &str); 8] = [
    ("get", "", "secrets", ""),
    ("list", "", "pods", ""),
    ("create", "", "pods", "exec"),
    ("update", "apps", "deployments", "scale"),
    ("get", "coordination.k8s.io", "leases", ""),
    ("delete", "group3.example.com", "widgets30", ""),
    ("impersonate", "", "users", ""),
    ("create", "rbac.authorization.k8s.io", "rolebindings", ""),
];

/// Asks every question in every namespace, and each once about all of them; last, in each namespace a few of the questions that
/// any verb and any resource of a rule make, each as likely as the other.
pub(super) fn ask(graph: &AccessGraph) -> Vec<Asked> {
    let namespaces = graph.snapshot().namespaces.iter().map(|namespace| graph.text(namespace.name).to_owned());
    let places: Vec<Where> = namespaces.map(Where::Namespace).collect();
    let fixed = QUESTIONS.into_iter().map(|(verb, group, resource, subresource)| {
        let action = action(verb, group, resource, subresource);
        measure(graph, &places, &|_| action.clone())
    });
    let targets = targets(graph);
    let any = |at: usize| {
        // Steps that have no common factor with the lengths walk through all pairs.
        let (group, resource, subresource) = &targets[(at * 7_919) % targets.len()];
        action(VERBS[(at * 5) % VERBS.len()], group, resource, subresource)
    };
    fixed.chain([measure(graph, &places, &any)]).collect()
}

const VERBS: [&str; 8] = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];

fn action(verb: &str, api_group: &str, resource: &str, subresource: &str) -> Action {
    Action::Resource(ResourceAction {
        verb: verb.to_owned(),
        api_group: api_group.to_owned(),
        resource: resource.to_owned(),
        subresource: subresource.to_owned(),
        ..ResourceAction::default()
    })
}

/// Group, resource and subresource of everything that some rule names.
fn targets(graph: &AccessGraph) -> Vec<(String, String, String)> {
    let rules = &graph.snapshot().rules;
    let mut all = std::collections::BTreeSet::new();
    for (_, set) in rules.sets() {
        for &rule in set {
            let rule = rules.rule(rule);
            for (&group, &resource) in
                rule.api_groups.iter().flat_map(|group| rule.resources.iter().map(move |at| (group, at)))
            {
                let (resource, subresource) =
                    graph.text(resource).split_once('/').unwrap_or((graph.text(resource), ""));
                if group != Name::STAR && resource != "*" {
                    all.insert((graph.text(group).to_owned(), resource.to_owned(), subresource.to_owned()));
                }
            }
        }
    }
    all.into_iter().collect()
}

/// Asks in each namespace, three times after a round that is not counted, and about all of them at once.
fn measure(graph: &AccessGraph, places: &[Where], question: &dyn Fn(usize) -> Action) -> Asked {
    let rounds: Vec<_> = (0..4)
        .flat_map(|round| places.iter().zip(round * places.len()..))
        .map(|(place, at)| once(graph, &question(at), place))
        .collect();
    let counted = &rounds[places.len()..];
    let mut took: Vec<f64> = counted.iter().map(|(took, _)| *took).collect();
    took.sort_by(f64::total_cmp);
    let at = |share: f64| took.get((share * took.len() as f64) as usize).copied().unwrap_or(f64::NAN);
    let all: Vec<_> = (0..5).map(|at| once(graph, &question(at), &Where::EachNamespace)).collect();
    Asked {
        rows: median(counted.iter().map(|(_, rows)| *rows)),
        middle: at(0.5),
        hundredth: at(0.99),
        everywhere: median(all.iter().map(|(took, _)| *took)),
        rows_everywhere: median(all.iter().map(|(_, rows)| *rows)),
    }
}

/// Microseconds and rows of one answer.
fn once(graph: &AccessGraph, action: &Action, place: &Where) -> (f64, f64) {
    let start = Instant::now();
    let answer =
        who_can(graph, ClusterId::FIRST, action, place, Filter { system: SystemFilter::Show, keep: &|_| true });
    let took = 1e6 * start.elapsed().as_secs_f64();
    (took, black_box(answer).rows.len() as f64)
}
