//! SARIF 2.1.0 (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/>), in the way that GitHub's code scanning takes
//! (<https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning>).
//!
//! GitHub refuses a whole file when one result has no physical location, and takes severities from rules alone. So what was read from a
//! cluster has a path that stays the same, and a rule is a technique or check together with a severity: `pod-create/high`.

use serde_json::{Value, json};

use super::issues::{Issue, Issues, Place, rank};
use super::tame;
use super::text::safe;
use crate::model::SuppressionText;

/// More results GitHub does not take in a run.
const RESULTS: usize = 25_000;

/// More related places are not shown with a result.
const RELATED: usize = 100;

/// The log, and what has to be said beside it.
pub(super) fn sarif(issues: &Issues) -> Result<(String, Vec<String>), String> {
    log(issues, RESULTS)
}

fn log(issues: &Issues, most: usize) -> Result<(String, Vec<String>), String> {
    let whole = issues.all.len() + issues.suppressed.len();
    let open = issues.all.iter().map(|issue| (issue, &[][..]));
    let closed = issues.suppressed.iter().map(|(issue, by)| (issue, by.as_slice()));
    let shown: Vec<(&Issue, &[SuppressionText])> = open.chain(closed).take(most).collect();
    let mut ids: Vec<(&str, &str)> = shown.iter().map(|(issue, _)| (issue.topic.id, issue.severity)).collect();
    ids.sort_by_key(|(id, severity)| (*id, rank(severity)));
    ids.dedup();
    let rules: Vec<Value> = ids
        .iter()
        .filter_map(|id| shown.iter().find(|(issue, _)| is_of(issue, *id)))
        .map(|(issue, _)| rule(issue))
        .collect();
    let place = |issue: &Issue| ids.iter().position(|id| is_of(issue, *id)).unwrap_or(0);
    let mut results: Vec<Value> = shown.iter().map(|(issue, _)| result(issue, place(issue))).collect();
    let mut told: Vec<String> = Vec::new();
    // Either every result of a run says what suppresses it or none does (3.27.23).
    if !issues.suppressed.is_empty() {
        for (result, (_, by)) in results.iter_mut().zip(&shown) {
            result["suppressions"] = suppressions(by);
        }
    }
    if whole > most {
        told.push(format!(
            "{} of {whole} findings are left out, what is suppressed and the least severe: GitHub takes {most} in a run; \
             ask for less, and save the rest apart",
            whole - most,
        ));
    }
    let gaps = issues.gaps.iter().map(|gap| format!("not read, so these are at least the ones: {}", gap.message));
    let notifications: Vec<Value> = told
        .iter()
        .cloned()
        .chain(gaps)
        .map(|text| json!({"level": "warning", "message": {"text": message(&text)}}))
        .collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "rbac-lens",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules,
            }},
            "automationDetails": {"id": format!("rbac-lens/{}/", issues.command)},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": true,
                "exitCode": issues.code,
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
            "properties": {"suppressed": issues.suppressed.len()},
        }],
    });
    let text = serde_json::to_string_pretty(&log).map_err(|error| error.to_string())?;
    Ok((tame::json(text) + "\n", told.iter().map(|text| format!("warning: sarif: {text}")).collect()))
}

fn is_of(issue: &Issue, (id, severity): (&str, &str)) -> bool {
    issue.topic.id == id && issue.severity == severity
}

fn rule(issue: &Issue) -> Value {
    let topic = issue.topic;
    let links: String = topic.references.iter().map(|link| format!("\n- {link}")).collect();
    let references = if links.is_empty() { String::new() } else { format!("\n\nReferences:{links}") };
    let help = format!("{}\n\nRemedy: {}", topic.why, topic.remedy);
    let tags: Vec<&str> =
        ["security", "kubernetes", "rbac"].iter().chain(topic.attack.iter().take(17)).copied().collect();
    let mut properties = json!({"tags": tags});
    // GitHub's words for these numbers: from 9 critical, from 7 high, from 4 medium, above 0 low.
    let score = [Some("9.5"), Some("8.0"), Some("5.5"), Some("2.0"), None];
    if let Some(Some(score)) = score.get(rank(issue.severity)) {
        properties["security-severity"] = (*score).into();
    }
    let mut rule = json!({
        "id": rule_id(issue),
        "name": topic.id,
        "shortDescription": {"text": message(topic.title)},
        "fullDescription": {"text": message(topic.why)},
        "help": {"text": message(&format!("{help}{references}")), "markdown": format!("{help}{references}")},
        "defaultConfiguration": {"level": level(issue.severity)},
        "properties": properties,
    });
    if let Some(link) = topic.references.iter().find(|link| link.starts_with("https://")) {
        rule["helpUri"] = (*link).into();
    }
    rule
}

fn rule_id(issue: &Issue) -> String {
    format!("{}/{}", issue.topic.id, issue.severity)
}

fn level(severity: &str) -> &'static str {
    match severity {
        "critical" | "high" => "error",
        "medium" => "warning",
        _ => "note",
    }
}

fn result(issue: &Issue, rule: usize) -> Value {
    let more = issue.related.len().saturating_sub(RELATED);
    let mut text = issue.message.clone();
    if let Some(advice) = &issue.advice {
        text.push_str(&format!(". Remedy: {advice}"));
    }
    if more > 0 {
        text.push_str(&format!(" (and {more} more objects)"));
    }
    let related = issue.related.iter().take(RELATED).enumerate();
    let flows = issue.paths.iter().map(|path| json!({"threadFlows": [{"locations": steps(path)}]}));
    let mut result = json!({
        "ruleId": rule_id(issue),
        "ruleIndex": rule,
        "level": level(issue.severity),
        "message": {"text": message(&text)},
        "locations": [location(&issue.place)],
        // GitHub tells results apart by the second one, which its uploader else makes from the line.
        "partialFingerprints": {"rbacLens/v1": issue.fingerprint, "primaryLocationLineHash": issue.fingerprint},
        // Commands are no message: what is escaped in one could not be run.
        "properties": {"severity": issue.severity, "remedy": issue.commands},
    });
    if !issue.related.is_empty() {
        let related = related.map(|(at, place)| {
            let mut location = location(place);
            location["id"] = (at + 1).into();
            location["message"] = json!({"text": message(&place.object)});
            location
        });
        result["relatedLocations"] = related.collect();
    }
    if !issue.paths.is_empty() {
        result["codeFlows"] = flows.collect();
    }
    result
}

/// What hides a finding. The reason stands in the file of suppressions, and nobody asks whether it was agreed on.
fn suppressions(by: &[SuppressionText]) -> Value {
    let mut all: Vec<Value> = Vec::new();
    for entry in by {
        let mut own = json!({"kind": "external", "status": "accepted", "justification": safe(&entry.reason)});
        for (key, value) in [("owner", &entry.owner), ("expires", &entry.expires)] {
            if let Some(value) = value {
                own["properties"][key] = safe(value).into();
            }
        }
        // They are a set, and entries may say the same.
        if !all.contains(&own) {
            all.push(own);
        }
    }
    all.into()
}

fn steps(path: &[(String, Place)]) -> Vec<Value> {
    let step = |(words, place): &(String, Place)| {
        let mut location = location(place);
        location["message"] = json!({"text": message(words)});
        json!({"location": location})
    };
    path.iter().map(step).collect()
}

fn location(place: &Place) -> Value {
    json!({
        "physicalLocation": {
            "artifactLocation": {"uri": place.uri()},
            "region": {"startLine": place.line.max(1)},
        },
        "logicalLocations": [{"fullyQualifiedName": safe(&place.object), "kind": "resource"}],
    })
}

/// A text as a message: braces are for arguments and brackets for links, so that they are escaped (3.11.5 and 3.11.6).
fn message(text: &str) -> String {
    let text: String = text.lines().map(safe).collect::<Vec<_>>().join("\n");
    let mut escaped = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        match letter {
            '{' | '}' => escaped.extend([letter, letter]),
            '[' | ']' => escaped.extend(['\\', letter]),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::issues::{Path, Topic};

    fn issue(number: usize) -> Issue {
        let topic = Topic { id: "x", title: "X", why: "y", remedy: "z", references: &[], attack: &[] };
        let place = Place { object: "o".to_owned(), path: Path::File("a.yaml".to_owned()), line: 0 };
        Issue {
            topic,
            severity: if number == 0 { "high" } else { "info" },
            fingerprint: number.to_string(),
            message: "a [link](1) and {0}".to_owned(),
            advice: None,
            commands: Vec::new(),
            related: vec![place.clone(); 150],
            paths: vec![vec![("step".to_owned(), place.clone())]],
            place,
        }
    }

    #[test]
    fn what_github_does_not_take_is_said() {
        let issues = |count| Issues {
            command: "checks",
            all: (0..count).map(issue).collect(),
            kept: Vec::new(),
            unanswered: Vec::new(),
            suppressed: Vec::new(),
            gaps: Vec::new(),
            code: 0,
        };
        let (text, told) = log(&issues(5), 3).unwrap();
        let log_of = |text: &str| serde_json::from_str::<Value>(text).unwrap()["runs"][0].clone();
        let run = log_of(&text);
        assert_eq!(run["results"].as_array().unwrap().len(), 3);
        let said = run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"].as_str().unwrap();
        assert!(said.starts_with("2 of 5 findings are left out, what is suppressed and the least severe"), "{said}");
        assert_eq!(told, [format!("warning: sarif: {said}")]);
        let first = &run["results"][0];
        assert_eq!(first["message"]["text"], "a \\[link\\](1) and {{0}} (and 50 more objects)");
        assert_eq!(first["relatedLocations"].as_array().unwrap().len(), 100);
        assert_eq!(first["locations"][0]["physicalLocation"]["region"]["startLine"], 1);
        assert_eq!(run["tool"]["driver"]["rules"][0]["properties"]["security-severity"], "8.0");
        assert_eq!(run["tool"]["driver"]["rules"][1].get("properties").unwrap().get("security-severity"), None);
        let (text, told) = log(&issues(3), 3).unwrap();
        assert!(told.is_empty() && log_of(&text)["results"].as_array().unwrap().len() == 3);
    }
}
