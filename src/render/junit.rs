//! JUnit's XML, which has no standard; in the form that Jenkins, GitLab and Azure Pipelines read
//! (<https://github.com/testmoapp/junitxml>). A finding is a failed case, a suppressed one is skipped for its reason; what was looked
//! for and not found has passed.
//!
//! Written by hand: four elements. The writers that there are bring clocks and random numbers.

use std::fmt::Write as _;

use super::issues::{Issue, Issues};
use super::text::safe;
use crate::model::SuppressionText;

/// The report.
pub(super) fn junit(issues: &Issues) -> String {
    let (failures, skipped) = (issues.all.len(), issues.unanswered.len() + issues.suppressed.len());
    let none = failures + skipped + issues.kept.len() == 0;
    let tests = failures + skipped + issues.kept.len() + usize::from(none);
    let counts = format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\"");
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"rbac-lens\" {counts}>\n  <testsuite name=\"{}\" {counts}>\n",
        issues.command
    );
    for issue in &issues.all {
        failed(issue, &mut text);
    }
    for (issue, by) in &issues.suppressed {
        suppressed(issue, by, &mut text);
    }
    // Writing into a text cannot fail.
    for (id, title, lacks) in &issues.unanswered {
        let (id, title, lacks) = (xml(id), xml(title), xml(lacks));
        let _ = writeln!(
            text,
            "    <testcase classname=\"{id}\" name=\"{title}\">\n      <skipped message=\"cannot be answered without {lacks}\"/>\n    </testcase>"
        );
    }
    for (id, title) in &issues.kept {
        let _ = writeln!(text, "    <testcase classname=\"{}\" name=\"{}\"/>", xml(id), xml(title));
    }
    if none {
        let _ = writeln!(text, "    <testcase classname=\"{0}\" name=\"nothing found\"/>", issues.command);
    }
    if !issues.gaps.is_empty() {
        text.push_str("    <system-err>");
        for gap in &issues.gaps {
            let _ = writeln!(text, "not read: {}", xml(&gap.message));
        }
        text.push_str("</system-err>\n");
    }
    text.push_str("  </testsuite>\n</testsuites>\n");
    text
}

fn failed(issue: &Issue, text: &mut String) {
    let Issue { topic, severity, fingerprint, message, place, .. } = issue;
    case(issue, text);
    let _ = writeln!(text, "      <failure type=\"{severity}\" message=\"{}\">{}", xml(message), xml(topic.title));
    let _ = writeln!(text, "object: {}", xml(&place.object));
    for (at, (words, _)) in issue.paths.iter().flatten().enumerate() {
        let _ = writeln!(text, "step {}: {}", at + 1, xml(words));
    }
    for line in issue.remedy() {
        let _ = writeln!(text, "remedy: {}", xml(line));
    }
    let _ = writeln!(text, "fingerprint: {}</failure>\n    </testcase>", xml(fingerprint));
}

fn suppressed(issue: &Issue, by: &[SuppressionText], text: &mut String) {
    case(issue, text);
    let reasons: Vec<&str> = by.iter().map(|entry| entry.reason.as_str()).collect();
    let reasons = xml(&reasons.join("; "));
    let _ = writeln!(text, "      <skipped message=\"suppressed: {reasons}\"/>\n    </testcase>");
}

/// The beginning of a finding's case.
fn case(issue: &Issue, text: &mut String) {
    let Issue { topic, fingerprint, message, place, .. } = issue;
    let _ = writeln!(
        text,
        "    <testcase classname=\"{}\" name=\"{} ({})\" file=\"{}\" line=\"{}\">",
        xml(topic.id),
        xml(message),
        xml(fingerprint),
        xml(&place.uri()),
        place.line
    );
}

/// A text in XML, in an element or in quotes. What XML 1.0 has no letters for is shown as an escape, as everywhere.
fn xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for letter in safe(text).chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push_str(&format!("\\u{{{:x}}}", u32::from(letter))),
            letter => escaped.push(letter),
        }
    }
    escaped
}
