//! The fewest grants to remove, judged by trying every smaller set; and who can do something only after escalating.

use rbac_lens::graph::AccessGraph;
use rbac_lens::model::{Action, ClusterId, ResourceAction};
use rbac_lens::query::{Filter, SystemFilter, Where, who_can};
use rbac_lens::rules::{Access, Ask, Cuts, Grant, Severity, Start, cuts, escalations, replay_access};

use crate::worlds::engine;
use crate::worlds::halves::world;

fn severe(graph: &AccessGraph, ask: &Ask, level: Severity) -> bool {
    escalations(graph, ask).findings.iter().any(|finding| finding.severity >= level)
}

fn without(ask: &Ask, grants: &[Grant]) -> Ask {
    let mut ask = ask.clone();
    for &grant in grants {
        match grant {
            Grant::Binding(binding) => drop(ask.without.insert(binding)),
            Grant::Rule(role, position) => drop(ask.without_rules.insert((role, position))),
        }
    }
    ask
}

/// Every grant of a world that can be removed.
fn grants(graph: &AccessGraph) -> Vec<Grant> {
    let bindings = graph.bindings().map(|(at, _)| Grant::Binding(at));
    let rules =
        graph.roles().filter(|(_, role)| role.aggregation.is_none() && graph.text(role.name) != "cluster-admin");
    let rules = rules.flat_map(|(at, role)| {
        let all = graph.snapshot().rules.set(role.rules).len();
        (0..u32::try_from(all).unwrap()).map(move |position| Grant::Rule(at, position))
    });
    bindings.chain(rules).collect()
}

/// Whether some set of this size leaves nothing severe.
fn enough(graph: &AccessGraph, ask: &Ask, level: Severity, all: &[Grant], size: usize) -> bool {
    if size == 0 {
        return !severe(graph, ask, level);
    }
    (0..all.len()).any(|at| enough(graph, &without(ask, &all[at..=at]), level, &all[at + 1..], size - 1))
}

#[test]
fn no_smaller_set_severs_everything() {
    let (mut some, mut several) = (0, 0);
    for seed in 1..46 {
        let graph = engine::graph(&world(seed));
        let ask = Ask { system: SystemFilter::Show, ..Ask::default() };
        let found = escalations(&graph, &ask);
        if found.findings.is_empty() {
            continue;
        }
        let Cuts { level, chosen, left, smallest, paths, starts } = cuts(&graph, &ask, &found, &|findings| findings);
        let own: Vec<Grant> = chosen.iter().map(|one| one.grant).collect();
        assert_eq!(left, 0, "seed {seed}");
        assert!(!severe(&graph, &without(&ask, &own), level), "seed {seed}: {own:?}");
        assert_eq!(chosen.iter().map(|one| one.severs).sum::<usize>(), paths, "seed {seed}");
        assert_eq!(chosen.iter().map(|one| one.frees).sum::<usize>(), starts, "seed {seed}");
        assert!(smallest, "seed {seed}");
        if own.len() <= 3 {
            let all = grants(&graph);
            assert!(!enough(&graph, &ask, level, &all, own.len() - 1), "seed {seed}: fewer than {own:?} would do");
            some += 1;
            several += usize::from(own.len() > 1);
        }
    }
    assert!(some > 10 && several > 3, "{some} worlds, {several} with more than one cut");
}

#[test]
fn who_can_after_escalating_is_allowed_then_and_not_before() {
    let action = |namespace: &str| {
        Action::Resource(ResourceAction {
            verb: "list".to_owned(),
            api_group: String::new(),
            resource: "secrets".to_owned(),
            subresource: String::new(),
            namespace: namespace.to_owned(),
            name: String::new(),
            field_selector: Vec::new(),
        })
    };
    let mut found = 0;
    for seed in 1..61 {
        let graph = engine::graph(&world(seed));
        let (action, place) = (action("a"), Where::Namespace("a".to_owned()));
        let access = Access { action: action.clone(), place: place.clone() };
        let later = escalations(&graph, &Ask { access: Some(access), ..Ask::default() });
        let filter = Filter { system: SystemFilter::Show, keep: &|_| true };
        let now = who_can(&graph, ClusterId::FIRST, &action, &place, filter);
        for finding in &later.findings {
            for &start in &finding.from {
                let Start::Subject(subject) = start else { panic!("{start:?}") };
                let finding = finding.started_by(vec![start]);
                assert!(now.rows.iter().all(|row| row.subject != subject), "seed {seed}: {finding:#?}");
                let done = replay_access(&graph, ClusterId::FIRST, start, &finding, &action);
                assert_eq!(done, Ok(()), "seed {seed}: {finding:#?}");
                found += 1;
            }
        }
        // Whoever becomes cluster-admin can do this too.
        let all = escalations(&graph, &Ask::default());
        for finding in all.findings.iter().filter(|one| one.target == rbac_lens::rules::Target::ClusterAdmin) {
            for start in &finding.from {
                let can = later.findings.iter().any(|one| one.from.contains(start))
                    || later.holders.iter().any(|one| one.from.contains(start));
                assert!(can || later.inherited > 0, "seed {seed}: {start:?}");
            }
        }
    }
    assert!(found > 20, "{found}");
}
