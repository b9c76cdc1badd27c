//! What is left when the grant that a finding starts with is gone: of each of those who start, since one may keep a path and the
//! next one none. They are looked for together as long as they lose the same grants.

use std::collections::BTreeSet;

use super::groups::is_alike;
use super::{Ask, solve};
use crate::graph::{AccessGraph, BindingIx};
use crate::rules::attack::Attack;
use crate::rules::finding::{Finding, Start, Target};

/// The paths that are left when the starting grant of a finding, and then of each of them, is gone, each with whose it is.
pub(super) fn alternatives(graph: &AccessGraph, ask: &Ask, finding: &Finding) -> Vec<Finding> {
    let Some((start, _)) = finding.start() else { return Vec::new() };
    let mut found = Vec::new();
    let mut open = vec![(finding.from.clone(), BTreeSet::from([start]))];
    // What was asked for may be left where the wider target, that is nearer, is not.
    let asked = ask.to.iter().copied().find(|&to| finding.target.covers(to));
    let target = asked.filter(|_| !ask.to.contains(&finding.target)).unwrap_or(finding.target);
    while let Some((from, without)) = open.pop() {
        let left = left(graph, ask, &from, target, &without);
        // The last is the first to be looked at.
        open.extend(left.iter().rev().filter_map(|own| {
            let (start, _) = own.start()?;
            Some((own.from.clone(), without.iter().copied().chain([start]).collect()))
        }));
        left.into_iter().for_each(|own| add(&mut found, own));
    }
    found
}

/// The first path of each of these to a target without some bindings.
fn left(graph: &AccessGraph, ask: &Ask, from: &[Start], target: Target, without: &BTreeSet<BindingIx>) -> Vec<Finding> {
    let ask = Ask {
        from: from.first().copied(),
        beside: from.get(1..).unwrap_or_default().to_vec(),
        to: vec![target],
        max_steps: None,
        alternatives: false,
        without: ask.without.union(without).copied().collect(),
        ..ask.clone()
    };
    let mut seen: BTreeSet<Start> = BTreeSet::new();
    let first_of = |finding: Finding| {
        let own: Vec<Start> = finding.from.iter().copied().filter(|&start| seen.insert(start)).collect();
        (!own.is_empty()).then(|| finding.started_by(own))
    };
    solve(&Attack::new(graph, &ask), &ask).findings.into_iter().filter_map(first_of).collect()
}

/// Adds a path, to one that is told alike if there is one.
fn add(found: &mut Vec<Finding>, own: Finding) {
    let told = |known: &&mut Finding| match (known.from.first(), own.from.first()) {
        (Some(&first), Some(&start)) => {
            known.target == own.target && is_alike((first, &known.steps), (start, &own.steps))
        }
        _ => false,
    };
    match found.iter_mut().find(told) {
        Some(known) => {
            let from: BTreeSet<Start> = known.from.iter().copied().chain(own.from).collect();
            *known = known.started_by(from.into_iter().collect());
        }
        None => found.push(own),
    }
}

#[cfg(test)]
mod tests {
    use crate::graph::AccessGraph;
    use crate::model::ClusterId;
    use crate::rules::kubernetes::graph;
    use crate::rules::{Ask, Finding, Place, Start, Target, escalations, replay, start_thing};

    /// Who starts a finding, and by which binding, and the same of each alternative.
    fn told(graph: &AccessGraph, finding: &Finding) -> String {
        let who = |start: &Start| start_thing(graph, *start).to_string();
        let one = |finding: &Finding| {
            for &start in &finding.from {
                assert_eq!(replay(graph, ClusterId::FIRST, start, &finding.started_by(vec![start])), Ok(()));
            }
            let binding = graph.binding(finding.start().unwrap().0).name;
            format!("{} by {}", finding.from.iter().map(who).collect::<Vec<_>>().join(" "), graph.text(binding))
        };
        [finding].into_iter().chain(&finding.alternatives).map(one).collect::<Vec<_>>().join(", ")
    }

    /// Compares the only finding of a world with what is expected, and that of each of those who start.
    fn check(bindings: &str, expected: &str, of_each: &[&str]) {
        let role = "role i: bind clusterroles.rbac; create clusterrolebindings.rbac";
        let graph = graph(&format!("{role}\n{bindings}"));
        let found = escalations(&graph, &Ask { alternatives: true, ..Ask::default() });
        let [finding] = &found.findings[..] else { panic!("{found:?}") };
        assert_eq!(told(&graph, finding), expected);
        let own: Vec<String> =
            finding.from.iter().map(|&start| told(&graph, &finding.started_by(vec![start]))).collect();
        assert_eq!(own, of_each);
    }

    #[test]
    fn each_of_those_who_start_has_what_is_left_of_its_own() {
        check("bind i user:alice user:bob", "user:alice user:bob by i", &["user:alice by i", "user:bob by i"]);
        check(
            "bind i user:alice user:bob
             bind j=i user:bob",
            "user:alice user:bob by i, user:bob by j",
            &["user:alice by i", "user:bob by i, user:bob by j"],
        );
        check(
            "bind i user:alice user:bob
             bind j=i user:alice",
            "user:alice user:bob by i, user:alice by j",
            &["user:alice by i, user:alice by j", "user:bob by i"],
        );
    }

    #[test]
    fn what_was_asked_for_is_left_where_the_cluster_that_was_nearer_is_gone() {
        let graph = graph(
            "role s: get secrets
             role t: create serviceaccounts/token
             role i: bind clusterroles.rbac; create clusterrolebindings.rbac
             bind dev/s=s sa:qa/bot
             bind qa/t=t user:alice
             bind i user:alice",
        );
        let to = graph.snapshot().names.find("dev").map(|dev| Target::Secrets(Place::Namespace(dev)));
        let ask = Ask { to: to.into_iter().collect(), alternatives: true, ..Ask::default() };
        let found = escalations(&graph, &ask).findings;
        let targets = found.iter().map(|one| (one.target, one.alternatives.iter().map(|left| left.target).collect()));
        assert_eq!(targets.collect::<Vec<(Target, Vec<Target>)>>(), [(Target::ClusterAdmin, ask.to.clone())]);
    }

    #[test]
    fn what_is_told_alike_is_told_once() {
        check(
            "bind i user:alice user:bob
             bind j=i user:alice user:bob",
            "user:alice user:bob by i, user:alice user:bob by j",
            &["user:alice by i, user:alice by j", "user:bob by i, user:bob by j"],
        );
        check(
            "bind i user:alice user:bob user:carol
             bind j=i user:bob user:carol
             bind k=i user:alice user:carol",
            "user:alice user:bob user:carol by i, user:bob user:carol by j, user:alice user:carol by k",
            &[
                "user:alice by i, user:alice by k",
                "user:bob by i, user:bob by j",
                "user:carol by i, user:carol by j, user:carol by k",
            ],
        );
    }
}
