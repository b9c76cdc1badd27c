//! Findings as columns.

use super::EscalationsReport;
use super::words::{binding_words, count, role_words, target_words, who};
use crate::graph::{AccessGraph, BindingIx};
use crate::render::answer::Part;
use crate::render::document::OriginOut;
use crate::render::evidence::rule_out;
use crate::render::table::{Table, Width};
use crate::rules::{AzureTarget, Blocker, Change, Finding, Grant, Place, RoleKey, Start, Target, start_thing};

/// One line for each kind of target: how many hold it, and how many can reach it, whether or not that is listed. Of what was asked
/// for there is one alone, and whoever has more has that as well.
pub fn classes(report: &EscalationsReport<'_>) -> Vec<String> {
    let class = |target: Target| match report.to.unwrap_or(target) {
        Target::ClusterAdmin => "cluster-admin".to_owned(),
        Target::NamespaceAdmin(Place::Namespace(_)) if report.to.is_none() => "admin of a namespace".to_owned(),
        Target::Node(_) if report.to.is_none() => "a node".to_owned(),
        Target::Kubeconfig(_) | Target::Azure(AzureTarget::Cluster(_)) => "another cluster".to_owned(),
        Target::Azure(AzureTarget::Power { power, .. }) => format!("{} in Azure", power.as_str()),
        Target::Azure(AzureTarget::Identity(_)) => "an identity whose roles are unknown".to_owned(),
        other => target_words(report.graph, other),
    };
    let mut classes: Vec<String> = Vec::new();
    let holders = report.answer.holders.iter().map(|holders| holders.target);
    let mut all: Vec<Target> = holders.chain(report.reached.iter().map(|&(target, _)| target)).collect();
    all.sort_unstable();
    for words in all.into_iter().map(class) {
        if !classes.contains(&words) {
            classes.push(words);
        }
    }
    let distinct = |starts: &mut dyn Iterator<Item = Start>| {
        let mut starts: Vec<Start> = starts.collect();
        starts.sort_unstable();
        starts.dedup();
        starts.len()
    };
    let line = |words: String| {
        let hold = report.answer.holders.iter().filter(|holders| class(holders.target) == words);
        let reach = report.reached.iter().filter(|(target, _)| class(*target) == words);
        let held = distinct(&mut hold.flat_map(|holders| holders.from.iter().copied()));
        let reached = distinct(&mut reach.flat_map(|(_, from)| from.iter().copied()));
        let hold = if held == 1 { "holds" } else { "hold" };
        format!("{words}: {held} {hold} it, {reached} can reach it")
    };
    let mut lines: Vec<String> = classes.into_iter().map(line).collect();
    let platform = &report.answer.platform;
    if !platform.is_empty() {
        let held = platform.iter().filter(|one| one.holds > 0).count();
        let reached = platform.iter().filter(|one| one.paths > 0).count();
        lines.push(format!(
            "platform: {} by design, {held} holding and {reached} reaching a target (--system=show)",
            count(platform.len(), "add-on")
        ));
    }
    lines
}

/// The summary, the findings, what is stopped, and what to cut.
pub(super) fn parts(report: &EscalationsReport<'_>, width: Width) -> Vec<Part> {
    let mut parts = vec![Part::Summary(classes(report))];
    // What to cut is asked for instead of the paths, which -o tree and json show as well.
    if report.cuts.is_none() {
        let changes = report.changes.map(|(changes, _)| changes);
        parts.push(Part::Table(paths(report.graph, &report.answer.findings, changes, width)));
    }
    parts.push(Part::Table(blocked(report)));
    parts.extend(cuts(report, width));
    parts
}

/// Findings behind another answer, of whose items they are none.
pub(in crate::render) fn later(graph: &AccessGraph, findings: &[Finding], width: Width) -> Table {
    paths(graph, findings, None, width).without_items()
}

/// Findings, a line each.
fn paths(graph: &AccessGraph, findings: &[Finding], changes: Option<&[Change]>, width: Width) -> Table {
    let wide = width.is_wide();
    let mut columns = vec!["SEVERITY", "WHO", "REACHES", "STEPS", "STARTS WITH", "CONFIDENCE"];
    if changes.is_some() {
        columns.insert(0, "CHANGE");
    }
    if wide {
        columns.extend(["TECHNIQUES", "MIGHT BE STOPPED BY", "SOURCE", "FINGERPRINT"]);
    }
    let mut table = Table::new(&columns);
    for (at, finding) in findings.iter().enumerate() {
        let mut cells = vec![
            finding.severity.as_str().to_owned(),
            who(graph, &finding.from, wide),
            target_words(graph, finding.gained()),
            finding.moves().to_string(),
            starts_with(graph, finding),
            finding.confidence().as_str().to_owned(),
        ];
        if let Some(change) = changes.and_then(|changes| changes.get(at)) {
            cells.insert(0, change.as_str().to_owned());
        }
        if wide {
            let techniques: Vec<&str> = finding.steps.iter().map(|step| step.technique.id).collect();
            let origin = |binding: BindingIx| OriginOut::new(graph.snapshot(), graph.binding(binding).origin).column();
            let source = finding.start().map(|(binding, _)| origin(binding)).unwrap_or_default();
            let might = stoppers(finding, |blocker| !blocker.stops);
            cells.extend([techniques.join(", "), might, source, finding.fingerprint.clone()]);
        }
        table.row_of(at, cells);
    }
    table
}

fn starts_with(graph: &AccessGraph, finding: &Finding) -> String {
    finding.start().map(|(binding, _)| binding_words(graph, binding)).unwrap_or_default()
}

/// What stops the steps of a path, or what might.
fn stoppers(finding: &Finding, counts: fn(&Blocker) -> bool) -> String {
    let blockers = finding.steps.iter().flat_map(|step| &step.blockers).filter(|blocker| counts(blocker));
    let mut what: Vec<&str> = blockers.map(|blocker| blocker.what.as_str()).collect();
    what.dedup();
    what.join("; ")
}

/// Paths that something stops, and what.
fn blocked(report: &EscalationsReport<'_>) -> Table {
    let graph = report.graph;
    let mut table = Table::new(&["STOPPED BY", "WHO", "WOULD REACH", "STEPS", "STARTS WITH"]);
    for finding in &report.answer.blocked {
        table.row([
            stoppers(finding, |blocker| blocker.stops),
            who(graph, &finding.from, false),
            target_words(graph, finding.target),
            finding.moves().to_string(),
            starts_with(graph, finding),
        ]);
    }
    table
}

/// The fewest grants to remove, and the commands that do so: beside each grant where there is room, and else below.
pub(super) fn cuts(report: &EscalationsReport<'_>, width: Width) -> Vec<Part> {
    let Some(cuts) = report.cuts else { return Vec::new() };
    let mut columns = vec!["REMOVE", "SEVERS", "FREES"];
    if width.is_wide() {
        columns.push("COMMANDS");
    }
    let mut table = Table::new(&columns);
    let mut below = Vec::new();
    let grants: Vec<Grant> = cuts.chosen.iter().map(|chosen| chosen.grant).collect();
    let graph = report.graph;
    for (chosen, commands) in cuts.chosen.iter().zip(report.remedies.removing(&grants)) {
        let what = match chosen.grant {
            Grant::Binding(binding) => binding_words(graph, binding),
            Grant::Rule(role, position) => {
                let own = graph.role(role);
                let rule = rule_out(graph, graph.rule(own.rules, position)).column();
                let role = role_words(graph, RoleKey { namespace: own.namespace, name: own.name });
                format!("rule {} of {role}: {rule}", position + 1)
            }
        };
        let mut cells =
            vec![what, format!("{} of {}", chosen.severs, cuts.paths), format!("{} of {}", chosen.frees, cuts.starts)];
        if width.is_wide() {
            cells.push(commands.join("; "));
        } else {
            below.extend(commands);
        }
        table.row(cells);
    }
    vec![Part::Table(table), Part::Summary(below)]
}

/// Those who start, each with the first finding that is theirs.
pub(in crate::render) fn start_names(graph: &AccessGraph, findings: &[Finding]) -> Vec<(usize, String)> {
    let of = |(at, finding): (usize, &Finding)| finding.from.iter().map(move |&start| (start, at)).collect::<Vec<_>>();
    let mut starts: Vec<(Start, usize)> = findings.iter().enumerate().flat_map(of).collect();
    starts.sort_unstable();
    starts.into_iter().map(|(start, at)| (at, start_thing(graph, start).to_string())).collect()
}
