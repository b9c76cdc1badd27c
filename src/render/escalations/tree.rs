//! Paths as trees: each step, what grants it, and what might stop it.

use super::words::{
    azure_evidence, binding_words, count, effect_words, right_words, role_words, step_words, target_words, who,
};
use crate::graph::AccessGraph;
use crate::render::document::OriginOut;
use crate::render::evidence::{grant_out, role_out, subject_column};
use crate::render::text::safe;
use crate::rules::{Effect, Evidence, Finding, Remedies, Remedy, StepDone};

/// Every finding as a tree.
pub(super) fn trees(graph: &AccessGraph, remedies: &Remedies<'_>, findings: &[Finding]) -> String {
    let one = |finding: &Finding| tree(graph, finding) + &ending(finding, &remedies.of(finding));
    findings.iter().map(one).collect::<Vec<_>>().join("\n")
}

/// Every path that something stops.
pub(super) fn stopped(graph: &AccessGraph, findings: &[Finding]) -> String {
    let one = |finding: &Finding| format!("stopped, else {}", tree(graph, finding));
    findings.iter().map(one).collect::<Vec<_>>().join("\n")
}

fn tree(graph: &AccessGraph, finding: &Finding) -> String {
    let mut text = format!(
        "{}: {} can reach {} in {} ({})\n",
        finding.severity.as_str(),
        safe(&who(graph, &finding.from, true)),
        safe(&target_words(graph, finding.target)),
        count(finding.moves(), "step"),
        finding.confidence().as_str(),
    );
    branches(graph, &finding.steps, &mut text);
    for alternative in &finding.alternatives {
        let start = alternative.start().map(|(binding, _)| binding_words(graph, binding)).unwrap_or_default();
        text.push_str(&format!("without that, from {} in {}\n", safe(&start), count(alternative.moves(), "step")));
        branches(graph, &alternative.steps, &mut text);
    }
    text
}

/// Why it is that severe, and how it goes away.
fn ending(finding: &Finding, remedy: &Remedy) -> String {
    let mut text = format!("why {}: {}\n", finding.severity.as_str(), safe(&finding.reasons.join("; ")));
    text.push_str(&format!("remedy: {}\n", safe(&remedy.advice)));
    for command in &remedy.commands {
        text.push_str(&format!("  {}\n", safe(command)));
    }
    if remedy.patch.is_some() {
        text.push_str("  (-o json has a lesser role for those who need the rest, to be applied before)\n");
    }
    if let Some(step) = finding.steps.first().filter(|step| step.technique.remedy != remedy.advice) {
        text.push_str(&format!("in general: {}\n", step.technique.remedy));
    }
    text.push_str(&format!("fingerprint: {}\n", finding.fingerprint));
    text
}

fn branches(graph: &AccessGraph, steps: &[StepDone], text: &mut String) {
    for (at, step) in steps.iter().enumerate() {
        let (branch, bar) = if at + 1 == steps.len() { ("└─", "  ") } else { ("├─", "│ ") };
        let words = safe(&step_words(graph, step)).into_owned();
        text.push_str(&format!("{branch} {}: {words}\n", step.technique.id));
        for line in proof(graph, step) {
            text.push_str(&format!("{bar}    {}\n", safe(&line)));
        }
    }
}

/// What grants each right of a step, a line each.
fn proof(graph: &AccessGraph, step: &StepDone) -> Vec<String> {
    let mut lines = Vec::new();
    for request in &step.requests {
        let who = request.by.map_or("any of these".to_owned(), |by| subject_column(graph, by));
        for right in &request.rights {
            lines.push(format!("{who}: {}", right_words(graph, right)));
            lines.extend(grant_line(graph, right.evidence));
        }
    }
    if let Effect::Azure(own) = step.effect {
        lines.extend(azure_evidence(graph, own));
    }
    if let Some(foothold) = step.foothold {
        lines.push(format!("from where it is possible to {}", effect_words(graph, foothold)));
    }
    for blocker in &step.blockers {
        lines.push(format!("{}: {}", if blocker.stops { "stopped by" } else { "might be stopped by" }, blocker.what));
    }
    for &binding in &step.under {
        let source = OriginOut::new(graph.snapshot(), graph.binding(binding).origin).column();
        lines.push(format!("under it by {} ({source})", binding_words(graph, binding)));
    }
    lines
}

fn grant_line(graph: &AccessGraph, evidence: Evidence) -> Option<String> {
    match evidence {
        Evidence::Grant { subject, binding, rule } => {
            let grant = grant_out(graph, binding, rule);
            let role = role_out(graph, binding);
            Some(format!(
                "  by {} for {}, {} {}, rule {} ({})",
                binding_words(graph, binding),
                subject_column(graph, subject),
                role.kind,
                role.name,
                grant.rule.column(),
                grant.source.column(),
            ))
        }
        Evidence::Bound { role, .. } => Some(format!("  by {}, bound before", role_words(graph, role))),
        Evidence::Everything(_) => None,
    }
}
