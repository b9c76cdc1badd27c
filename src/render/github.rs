//! The annotations of a GitHub workflow
//! (<https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-an-error-message>).

use super::issues::{Issue, Issues, Path};
use super::text::safe;

/// So many annotations of one kind are shown for a step; the others stand in its log.
const SHOWN: usize = 10;

/// A line for each finding, and one that counts them.
pub(super) fn github(issues: &Issues) -> String {
    let mut text: String = issues.all.iter().map(annotation).collect();
    let count = |kind: &str| issues.all.iter().filter(|issue| self::kind(issue) == kind).count();
    let kinds = ["error", "warning", "notice"].map(|kind| (kind, count(kind)));
    let counts: Vec<String> = kinds
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(kind, count)| format!("{count} {kind}{}", if *count == 1 { "" } else { "s" }))
        .collect();
    let more = if kinds.iter().any(|(_, count)| *count > SHOWN) {
        format!("; GitHub shows the first {SHOWN} of each kind, the log has all")
    } else {
        String::new()
    };
    let found = if counts.is_empty() { "nothing found".to_owned() } else { counts.join(", ") };
    let partial =
        if issues.gaps.is_empty() { "" } else { "; not everything could be read, so these are at least the ones" };
    text.push_str(&format!("rbac-lens {}: {found}{more}{partial}\n", issues.command));
    text
}

fn kind(issue: &Issue) -> &'static str {
    match issue.severity {
        "critical" | "high" => "error",
        "medium" => "warning",
        _ => "notice",
    }
}

fn annotation(issue: &Issue) -> String {
    // A path that no file has would be a dead link.
    let file = match &issue.place.path {
        Path::File(file) => format!("file={},line={},", property(file), issue.place.line),
        Path::Virtual(_) => String::new(),
    };
    let title = property(&format!("{} ({})", issue.topic.title, issue.severity));
    let mut lines = vec![format!("{} [{}]", issue.message, issue.topic.id)];
    lines.extend(issue.remedy().map(|line| format!("remedy: {line}")));
    lines.push(format!("fingerprint: {}", issue.fingerprint));
    // A line end between lines of ours is one of the message, and no name holds one.
    let message: Vec<String> = lines.iter().map(|line| data(line)).collect();
    format!("::{} {file}title={title}::{}\n", kind(issue), message.join("%0A"))
}

fn data(text: &str) -> String {
    safe(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
