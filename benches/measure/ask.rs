//! How long `who-can` takes once everything is loaded: all subjects, with every grant behind them.

use std::hint::black_box;
use std::time::Instant;

use rbac_lens::graph::AccessGraph;
use rbac_lens::model::{Action, ClusterId, ResourceAction};
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
        let (verb, _, resource, subresource) = QUESTIONS[at];
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

/// Asks every question in every namespace, and each once about all of them.
pub(super) fn ask(graph: &AccessGraph) -> Vec<Asked> {
    let namespaces = graph.snapshot().namespaces.iter().map(|namespace| graph.text(namespace.name).to_owned());
    let places: Vec<Where> = namespaces.map(Where::Namespace).collect();
    QUESTIONS
        .into_iter()
        .map(|(verb, api_group, resource, subresource)| {
            let action = Action::Resource(ResourceAction {
                verb: verb.to_owned(),
                api_group: api_group.to_owned(),
                resource: resource.to_owned(),
                subresource: subresource.to_owned(),
                ..ResourceAction::default()
            });
            // The first round is not counted.
            let rounds: Vec<_> = (0..4).flat_map(|_| &places).map(|place| once(graph, &action, place)).collect();
            let counted = &rounds[places.len()..];
            let mut took: Vec<f64> = counted.iter().map(|(took, _)| *took).collect();
            took.sort_by(f64::total_cmp);
            let at = |share: f64| took.get((share * took.len() as f64) as usize).copied().unwrap_or(f64::NAN);
            let all: Vec<_> = (0..5).map(|_| once(graph, &action, &Where::EachNamespace)).collect();
            Asked {
                rows: median(counted.iter().map(|(_, rows)| *rows)),
                middle: at(0.5),
                hundredth: at(0.99),
                everywhere: median(all.iter().map(|(took, _)| *took)),
                rows_everywhere: median(all.iter().map(|(_, rows)| *rows)),
            }
        })
        .collect()
}

/// Microseconds and rows of one answer.
fn once(graph: &AccessGraph, action: &Action, place: &Where) -> (f64, f64) {
    let start = Instant::now();
    let answer =
        who_can(graph, ClusterId::FIRST, action, place, Filter { system: SystemFilter::Show, keep: &|_| true });
    let took = 1e6 * start.elapsed().as_secs_f64();
    (took, black_box(answer).rows.len() as f64)
}
