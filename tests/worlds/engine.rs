//! The program itself as a judge: a world and its reviews go in as files would, through the same reader.
//!
//! Each of its questions is a judge of its own: `review` decides, `why` finds grants, `who-can` lists subjects and
//! `what-can` lists rights. They are separate code over the same graph, and all must say what a server says.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;

use rbac_lens::collect::{FileOptions, Input, Needs, load, read_reviews};
use rbac_lens::graph::AccessGraph;
use rbac_lens::model::{Action, ClusterId, Decision, Identity, Names, Review, Subject};
use rbac_lens::query::{
    Authorizers, Filter, Place, Reviewed, SystemFilter, Target, Where, WhoCan, node, what_can, who_can, why,
};
use serde_json::{Value, json};

use super::oracle::{Held, Holder};
use super::{Judge, Mode, World, oracle};

pub(crate) const REVIEW: Judge = Judge { name: "review", nodes: true, answers: by_review };
pub(crate) const WHY: Judge = Judge { name: "why", nodes: true, answers: by_why };
pub(crate) const WHO_CAN: Judge = Judge { name: "who-can", nodes: true, answers: by_who_can };
pub(crate) const WHAT_CAN: Judge = Judge { name: "what-can", nodes: true, answers: by_what_can };

/// Reads objects as a file of NDJSON.
pub(crate) fn graph(objects: &[Value]) -> AccessGraph {
    let snapshot = load(&[Input::Stdin], &mut Cursor::new(ndjson(objects)), &options());
    let graph =
        AccessGraph::new(snapshot.unwrap_or_else(|error| panic!("{}", error.lines().collect::<Vec<_>>().join("\n"))));
    graph.verify().unwrap();
    graph
}

/// Reads reviews as a file of NDJSON.
pub(crate) fn reviews(reviews: &[Value]) -> Vec<Review> {
    match read_reviews(&[Input::Stdin], &mut Cursor::new(ndjson(reviews)), &options()) {
        Ok((reviews, _)) => reviews,
        Err(error) => panic!("{}", error.lines().collect::<Vec<_>>().join("\n")),
    }
}

fn ndjson(objects: &[Value]) -> String {
    objects.iter().map(|object| format!("{object}\n")).collect()
}

pub(crate) fn options() -> FileOptions {
    FileOptions { needs: Needs::ALL, ..FileOptions::default() }
}

fn authorizers(world: &World) -> Authorizers {
    Authorizers { node: world.mode == Mode::NodeRbac, rbac: true }
}

fn by_review(world: &World, questions: &[Value]) -> Vec<bool> {
    let graph = graph(&world.objects);
    let answer = |review: &Review| {
        Reviewed::new(&graph, ClusterId::FIRST, &review.identity, &review.action, authorizers(world)).allowed
    };
    reviews(questions).iter().map(answer).collect()
}

/// The reason of each answer, in the server's words.
pub(crate) fn reasons(world: &World, questions: &[Value]) -> Vec<String> {
    let graph = graph(&world.objects);
    let answer = |review: &Review| {
        Reviewed::new(&graph, ClusterId::FIRST, &review.identity, &review.action, authorizers(world)).reason
    };
    reviews(questions).iter().map(answer).collect()
}

fn by_why(world: &World, questions: &[Value]) -> Vec<bool> {
    let graph = graph(&world.objects);
    let answer = |review: &Review| {
        let place = place(&review.action);
        why(&graph, ClusterId::FIRST, &review.identity, &review.action, &place, authorizers(world)).allowed()
    };
    reviews(questions).iter().map(answer).collect()
}

/// Who can is asked without the one who asks, and the answer looked through for them.
fn by_who_can(world: &World, questions: &[Value]) -> Vec<bool> {
    let graph = graph(&world.objects);
    let answer = |review: &Review| {
        let found = everybody_who_can(&graph, &review.action, &place(&review.action));
        let mut own: BTreeSet<String> = review.identity.groups.iter().map(|group| format!("group {group}")).collect();
        own.insert(format!("user {}", review.identity.user));
        holders(&graph, &found).iter().any(|((who, _), held)| held.every && own.contains(who))
            || (world.mode == Mode::NodeRbac && listed_as_node(&graph, review))
    };
    reviews(questions).iter().map(answer).collect()
}

/// What the one who asks can do is listed, and what was asked looked for in it.
fn by_what_can(world: &World, questions: &[Value]) -> Vec<bool> {
    let graph = graph(&world.objects);
    let answer = |(review, question): (&Review, &Value)| {
        let found = what_can(&graph, ClusterId::FIRST, &review.identity);
        let names = &graph.snapshot().names;
        let namespace = review.action.namespace();
        let here = found
            .rights
            .iter()
            .filter(|right| right.namespace.is_none_or(|at| !namespace.is_empty() && names.text(at) == namespace));
        // A right is as good as a role with one rule, which the oracle can take from here.
        let rules: Vec<Value> = here
            .map(|right| {
                let verbs: Vec<&str> = right.verbs.iter().map(|&verb| names.text(verb)).collect();
                match &right.target {
                    Target::Url(url) => json!({"verbs": verbs, "nonResourceURLs": [names.text(*url)]}),
                    Target::Resource { api_group, resource, resource_names } => json!({
                        "verbs": verbs,
                        "apiGroups": [names.text(*api_group)],
                        "resources": [names.text(*resource)],
                        "resourceNames": resource_names.iter().map(|&name| names.text(name)).collect::<Vec<_>>(),
                    }),
                }
            })
            .collect();
        found.masters || oracle::rules_allow(&rules, question) || by_node(world, &graph, review)
    };
    reviews(questions).iter().zip(questions).map(answer).collect()
}

/// What only the Node authorizer knows, for the questions that are about RBAC alone.
fn by_node(world: &World, graph: &AccessGraph, review: &Review) -> bool {
    let said = node::decide(graph, ClusterId::FIRST, &review.identity, &review.action);
    world.mode == Mode::NodeRbac && said.is_ok()
}

/// Whether the rows that the Node authorizer adds to who-can hold the one who asks.
fn listed_as_node(graph: &AccessGraph, review: &Review) -> bool {
    let Identity { user, groups } = &review.identity;
    let Some(name) = user.strip_prefix("system:node:").filter(|name| !name.is_empty()) else { return false };
    let in_group = groups.iter().any(|group| group == "system:nodes");
    let rows = node::who_can(graph, ClusterId::FIRST, &review.action, &place(&review.action));
    in_group
        && rows.iter().any(|row| {
            let own = match &review.action {
                Action::Resource(action) => action.name == name,
                Action::NonResource { .. } => false,
            };
            let meant = match row.subject {
                Subject::Group(_) => true,
                other => other.request_name(&graph.snapshot().names) == *user,
            };
            meant && (row.decision == Decision::Allowed || (row.decision == Decision::Conditional && own))
        })
}

fn place(action: &Action) -> Where {
    match action.namespace() {
        "" => Where::Cluster,
        namespace => Where::Namespace(namespace.to_owned()),
    }
}

/// Who can, with nobody left out.
pub(crate) fn everybody_who_can(graph: &AccessGraph, action: &Action, place: &Where) -> WhoCan {
    let filter = Filter { system: SystemFilter::Show, keep: &|_| true };
    who_can(graph, ClusterId::FIRST, action, place, filter)
}

/// The rows of an answer in the oracle's words.
pub(crate) fn holders(graph: &AccessGraph, answer: &WhoCan) -> BTreeMap<Holder, Held> {
    let names = &graph.snapshot().names;
    let mut holders: BTreeMap<Holder, Held> = BTreeMap::new();
    for row in &answer.rows {
        let who = who(names, row.subject);
        let places = match &row.place {
            Place::Cluster => vec!["everywhere".to_owned()],
            Place::Namespaces(namespaces) => {
                namespaces.iter().map(|&namespace| format!("in {}", names.text(namespace))).collect()
            }
        };
        for place in places {
            let held = holders.entry((who.clone(), place)).or_default();
            match row.decision {
                Decision::Allowed => held.every = true,
                Decision::Named => held.only.extend(row.resource_names.iter().map(|&name| names.text(name).to_owned())),
                other => panic!("RBAC alone does not say {other:?}"),
            }
        }
    }
    holders
}

fn who(names: &Names, subject: Subject) -> String {
    let kind = if matches!(subject, Subject::Group(_)) { "group" } else { "user" };
    format!("{kind} {}", subject.request_name(names))
}
