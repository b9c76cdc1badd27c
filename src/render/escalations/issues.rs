//! Findings as issues: the place of one is where its first grant was read, and its steps are a way through files.

use std::rc::Rc;

use super::EscalationsReport;
use super::words::{binding_words, count, start_words, step_words, target_words};
use crate::graph::{AccessGraph, BindingIx};
use crate::model::SuppressionText;
use crate::render::evidence::binding_out;
use crate::render::issues::{Issue, Place, Topic};
use crate::rules::{Evidence, Finding, StepDone, start_thing};

/// So many of those who start are named in a message.
const NAMED: usize = 5;

/// The findings of a report, in their order.
pub(super) fn issues(report: &EscalationsReport<'_>) -> Vec<Issue> {
    report.answer.findings.iter().filter_map(|finding| issue(report, finding)).collect()
}

/// Those that suppressions hide, each with what hides it.
pub(super) fn suppressed(report: &EscalationsReport<'_>) -> Vec<(Issue, Vec<SuppressionText>)> {
    report.suppressed.iter().filter_map(|hidden| Some((issue(report, &hidden.finding)?, hidden.by.clone()))).collect()
}

fn issue(report: &EscalationsReport<'_>, finding: &Finding) -> Option<Issue> {
    let graph = report.graph;
    let technique = finding.steps.first()?.technique;
    let place = place(graph, finding);
    let path = |steps: &[Rc<StepDone>]| {
        let step = |step: &Rc<StepDone>| {
            let words = format!("{}: {}", step.technique.id, step_words(graph, step));
            (words, granted_by(graph, step).unwrap_or_else(|| place.clone()))
        };
        steps.iter().map(step).collect::<Vec<_>>()
    };
    let alternatives = finding.alternatives.iter().map(|other| path(&other.steps));
    let remedy = report.remedies.of(finding);
    Some(Issue {
        topic: Topic {
            id: technique.id,
            title: technique.title,
            why: technique.why,
            remedy: technique.remedy,
            references: technique.references,
            attack: technique.attack,
        },
        severity: finding.severity.as_str(),
        fingerprint: finding.fingerprint.clone(),
        message: message(graph, finding),
        advice: Some(remedy.advice),
        commands: remedy.commands,
        related: Vec::new(),
        paths: [path(&finding.steps)].into_iter().chain(alternatives).collect(),
        place,
    })
}

fn message(graph: &AccessGraph, finding: &Finding) -> String {
    let mut who: Vec<String> = finding.from.iter().take(NAMED).map(|&start| start_words(graph, start)).collect();
    if finding.from.len() > NAMED {
        who.push(format!("+{}", finding.from.len() - NAMED));
    }
    let techniques: Vec<&str> = finding.steps.iter().map(|step| step.technique.id).collect();
    format!(
        "{} can reach {} in {}: {} ({})",
        who.join(", "),
        target_words(graph, finding.target),
        count(finding.moves(), "step"),
        techniques.join(", "),
        finding.reasons.join("; ")
    )
}

/// Where the first grant was read, and of a path without any the one who starts.
fn place(graph: &AccessGraph, finding: &Finding) -> Place {
    let first = finding.start().map(|(binding, _)| of_binding(graph, binding));
    first.or_else(|| finding.steps.iter().find_map(|step| granted_by(graph, step))).unwrap_or_else(|| {
        let start = finding.from.first().map(|&start| start_thing(graph, start).to_string()).unwrap_or_default();
        Place::new(graph, None, start.clone(), &["subjects", &start])
    })
}

/// Where the grant behind a step was read.
fn granted_by(graph: &AccessGraph, step: &StepDone) -> Option<Place> {
    let mut rights = step.requests.iter().flat_map(|request| &request.rights);
    let granted = rights.find_map(|right| match right.evidence {
        Evidence::Grant { binding, .. } => Some(binding),
        _ => None,
    });
    granted.or_else(|| step.under.first().copied()).map(|binding| of_binding(graph, binding))
}

fn of_binding(graph: &AccessGraph, at: BindingIx) -> Place {
    let binding = binding_out(graph, at);
    let kind = format!("{}s", binding.kind.to_lowercase());
    let segments = [kind.as_str(), binding.namespace.as_deref().unwrap_or_default(), &binding.name];
    Place::new(graph, Some(graph.binding(at).origin), binding_words(graph, at), &segments)
}
