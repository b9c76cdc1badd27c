//! Paths as trees: each step, what grants it, and what might stop it.

use std::rc::Rc;

use super::words::{
    azure_evidence, binding_words, count, effect_words, right_words, role_words, step_words, target_words, who,
};
use crate::graph::AccessGraph;
use crate::render::document::OriginOut;
use crate::render::evidence::{grant_out, role_out, subject_column};
use crate::render::look::{Look, Paint};
use crate::render::text::safe;
use crate::render::wrap::{width, wrap_from};
use crate::rules::{Effect, Evidence, Finding, Remedies, Remedy, StepDone};

/// A finding as a tree.
pub(super) fn tree(graph: &AccessGraph, remedies: &Remedies<'_>, finding: &Finding, look: Look) -> String {
    let mut lines = Lines { look, text: String::new() };
    branches(graph, finding, "", &mut lines);
    ending(finding, &remedies.of(finding), &mut lines);
    lines.text
}

/// A path that something stops.
pub(super) fn stopped(graph: &AccessGraph, finding: &Finding, look: Look) -> String {
    let mut lines = Lines { look, text: String::new() };
    branches(graph, finding, "stopped, else ", &mut lines);
    lines.text
}

/// Lines that fit the terminal. What does not fit goes on below, under the text that it belongs to.
struct Lines {
    look: Look,
    text: String,
}

/// Below so many columns there is no room for trees, and lines go on wherever the terminal breaks them.
const NARROWEST: usize = 24;

impl Lines {
    /// A line: what stands before it, what stands before its further lines, a word that says what it is, and the rest.
    fn line(&mut self, (before, below): (&str, &str), (word, paint): (&str, Paint), rest: (&str, Option<Paint>)) {
        let (rest, rest_paint) = rest;
        let rest_of = |text: &str| rest_paint.map_or_else(|| text.to_owned(), |paint| paint.on(text, self.look));
        let (word, rest) = (safe(word), safe(rest));
        let whole = [word.as_ref(), rest.as_ref()].concat();
        let columns = self.look.width.filter(|columns| *columns >= NARROWEST);
        let fitted = |columns: usize| wrap_from(&whole, columns - width(before), columns - width(below));
        let pieces = columns.map_or_else(|| vec![whole.clone()], fitted);
        for (at, piece) in pieces.iter().enumerate() {
            let start = if at == 0 { before } else { below };
            let tree = Paint::Faint.on(start.trim_end(), self.look) + &start[start.trim_end().len()..];
            // The word is what the first line begins with, or all of it where it does not fit.
            let (own, more) = match at {
                0 => piece.split_at(word.len().min(piece.len())),
                _ => ("", piece.as_str()),
            };
            self.text.push_str(&format!("{tree}{}{}\n", paint.on(own, self.look), rest_of(more)));
        }
    }

    /// A line that is copied and must stay whole.
    fn command(&mut self, command: &str) {
        self.text.push_str(&format!("  {}\n", safe(command)));
    }
}

/// What is reached, and how; then each alternative.
fn branches(graph: &AccessGraph, finding: &Finding, before: &str, lines: &mut Lines) {
    let severity = finding.severity.as_str();
    let told = format!(
        ": {} can reach {} in {} ({})",
        who(graph, &finding.from, true),
        target_words(graph, finding.gained()),
        count(finding.moves(), "step"),
        finding.confidence().as_str(),
    );
    let word = format!("{before}{severity}");
    lines.line(("", "  "), (&word, Paint::of_severity(severity)), (&told, Some(Paint::Strong)));
    steps(graph, &finding.steps, lines);
    for alternative in &finding.alternatives {
        let start = alternative.start().map(|(binding, _)| binding_words(graph, binding)).unwrap_or_default();
        let some = alternative.from.len() < finding.from.len();
        let whose = if some { format!(", {}", who(graph, &alternative.from, true)) } else { String::new() };
        let other = alternative.target != finding.target;
        let to = if other { format!(" to {}", target_words(graph, alternative.target)) } else { String::new() };
        let told = format!("{whose}, from {start}{to} in {}", count(alternative.moves(), "step"));
        lines.line(("", "  "), ("without that", Paint::Strong), (&told, None));
        steps(graph, &alternative.steps, lines);
    }
}

/// Why it is that severe, and how it goes away.
fn ending(finding: &Finding, remedy: &Remedy, lines: &mut Lines) {
    let mut told = |word: &str, text: &str| lines.line(("", "  "), (word, Paint::Strong), (text, None));
    told(&format!("why {}:", finding.severity.as_str()), &format!(" {}", finding.reasons.join("; ")));
    told("remedy:", &format!(" {}", remedy.advice));
    for command in &remedy.commands {
        lines.command(command);
    }
    if remedy.patch.is_some() {
        let hint = "(-o json has a lesser role for those who need the rest, to be applied before)";
        lines.line(("  ", "  "), ("", Paint::Faint), (hint, Some(Paint::Faint)));
    }
    if let Some(step) = finding.steps.first().filter(|step| step.technique.remedy != remedy.advice) {
        let general = format!(" {}", step.technique.remedy);
        lines.line(("", "  "), ("in general:", Paint::Strong), (&general, None));
    }
    let fingerprint = format!(" {}", finding.fingerprint);
    lines.line(("", "  "), ("fingerprint:", Paint::Faint), (&fingerprint, Some(Paint::Faint)));
}

fn steps(graph: &AccessGraph, steps: &[Rc<StepDone>], lines: &mut Lines) {
    for (at, step) in steps.iter().enumerate() {
        let (branch, bar) = if at + 1 == steps.len() { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        let words = format!(": {}", step_words(graph, step));
        lines.line((branch, bar), (step.technique.id, Paint::Technique), (&words, None));
        for (proof, deeper) in proof(graph, step) {
            let blank = if deeper { "     " } else { "   " };
            let start = [bar, blank].concat();
            let below = [bar, blank, "  "].concat();
            let stops = ["stopped by", "might be stopped by"].into_iter().find(|word| proof.starts_with(word));
            let (word, rest) = proof.split_at(stops.map_or(0, str::len));
            let faint = deeper.then_some(Paint::Faint);
            lines.line((&start, &below), (word, Paint::Medium), (rest, faint));
        }
    }
}

/// What grants each right of a step, a line each, and whether it stands below the one before.
fn proof(graph: &AccessGraph, step: &StepDone) -> Vec<(String, bool)> {
    let mut lines = Vec::new();
    for request in &step.requests {
        let who = request.by.map_or("any of these".to_owned(), |by| subject_column(graph, by));
        for right in &request.rights {
            lines.push((format!("{who}: {}", right_words(graph, right)), false));
            lines.extend(grant_line(graph, right.evidence).map(|line| (line, true)));
        }
    }
    if let Effect::Azure(own) = step.effect {
        lines.extend(azure_evidence(graph, own).map(|line| (line, false)));
    }
    if let Some(foothold) = step.foothold {
        lines.push((format!("from where it is possible to {}", effect_words(graph, foothold)), false));
    }
    for blocker in &step.blockers {
        let how = if blocker.stops { "stopped by" } else { "might be stopped by" };
        lines.push((format!("{how}: {}", blocker.what), false));
    }
    for &binding in &step.under {
        let source = OriginOut::new(graph.snapshot(), graph.binding(binding).origin).column();
        lines.push((format!("under it by {} ({source})", binding_words(graph, binding)), false));
    }
    lines
}

fn grant_line(graph: &AccessGraph, evidence: Evidence) -> Option<String> {
    match evidence {
        Evidence::Grant { subject, binding, rule } => {
            let grant = grant_out(graph, binding, rule);
            let role = role_out(graph, binding);
            Some(format!(
                "by {} for {}, {} {}, rule {} ({})",
                binding_words(graph, binding),
                subject_column(graph, subject),
                role.kind,
                role.name,
                grant.rule.column(),
                grant.source.column(),
            ))
        }
        Evidence::Bound { role, .. } => Some(format!("by {}, bound before", role_words(graph, role))),
        Evidence::Everything(_) => None,
    }
}
