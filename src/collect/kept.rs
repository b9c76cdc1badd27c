//! Files that people keep beside a cluster: `.rbac-lens.yaml` with the findings they live with, and old reports.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;

use super::document::Problem;
use super::files::{FileOptions, Input, Limits, LoadError, read_documents};
use super::sources::cannot_read;
use crate::model::{FileId, OldFinding, OldReport, SuppressionText};

/// The suppressions file that is read where none is named.
pub const CONFIG: &str = ".rbac-lens.yaml";

/// More than anybody writes by hand.
const CONFIG_BYTES: u64 = 4 << 20;

/// The entries of a suppressions file, and its name; without a name, those of [`CONFIG`] in the working directory, if it is there.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read_suppressions(path: Option<&Path>) -> Result<(String, Vec<SuppressionText>), LoadError> {
    let own = path.unwrap_or(Path::new(CONFIG));
    let file = own.to_string_lossy().into_owned();
    let wrong = |line: u32, message: String| Problem { file: FileId(0), line, message };
    let fail = |problems: Vec<Problem>| LoadError { files: vec![file.clone()], problems };
    let text = match read_small(own) {
        Ok(text) => text,
        Err(error) if path.is_none() && error.kind() == std::io::ErrorKind::NotFound => return Ok((file, Vec::new())),
        Err(error) => return Err(fail(vec![wrong(0, cannot_read(&error))])),
    };
    let mut problems = Vec::new();
    let found = suppressions(&text, &mut |line, message| problems.push(wrong(line, message)));
    if problems.is_empty() { Ok((file, found)) } else { Err(fail(problems)) }
}

/// A template for an output format.
///
/// # Errors
/// When it cannot be read, in words.
pub fn read_template(path: &Path) -> Result<String, String> {
    read_small(path).map_err(|error| cannot_read(&error))
}

/// A file that somebody wrote by hand.
fn read_small(path: &Path) -> std::io::Result<String> {
    if std::fs::metadata(path)?.len() > CONFIG_BYTES {
        return Err(std::io::Error::other("it is larger than 4 MiB"));
    }
    std::fs::read_to_string(path)
}

const SHAPE: &str = "it holds one list, `suppressions:`";

fn suppressions(text: &str, wrong: &mut dyn FnMut(u32, String)) -> Vec<SuppressionText> {
    #[derive(Deserialize)]
    struct File {
        #[serde(default)]
        suppressions: Option<Vec<Spanned<Value>>>,
        #[serde(flatten)]
        others: std::collections::BTreeMap<String, Value>,
    }
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Vec::new();
    }
    // `flatten` would lose the places, so the other keys are looked at by themselves.
    #[derive(Deserialize)]
    struct Listed {
        #[serde(default)]
        suppressions: Option<Vec<Spanned<Value>>>,
    }
    let told = |error: &serde_saphyr::Error| {
        let message = error.without_snippet().to_string();
        (line_of(error), message.lines().next().unwrap_or_default().to_owned())
    };
    match serde_saphyr::from_str::<File>(text) {
        Ok(file) => {
            for key in file.others.keys() {
                wrong(0, format!("there is no setting `{key}`; {SHAPE}"));
            }
            drop(file.suppressions);
        }
        Err(error) => {
            let (line, message) = told(&error);
            wrong(line, format!("{message}; {SHAPE}"));
            return Vec::new();
        }
    }
    let listed = match serde_saphyr::from_str::<Listed>(text) {
        Ok(listed) => listed.suppressions.unwrap_or_default(),
        Err(error) => {
            let (line, message) = told(&error);
            wrong(line, format!("{message}; {SHAPE}"));
            return Vec::new();
        }
    };
    let entries = listed.into_iter().map(|entry| {
        let line = u32::try_from(entry.referenced.line()).unwrap_or(0);
        suppression(&entry.value, line, &mut |message| wrong(line, message))
    });
    entries.collect()
}

fn line_of(error: &serde_saphyr::Error) -> u32 {
    error.location().map_or(0, |location| u32::try_from(location.line()).unwrap_or(0))
}

/// One entry; every field that is not as it should be is told.
fn suppression(value: &Value, line: u32, wrong: &mut dyn FnMut(String)) -> SuppressionText {
    let mut entry = SuppressionText { line, ..SuppressionText::default() };
    let Value::Object(fields) = value else {
        wrong("an entry is a mapping with a `reason`".to_owned());
        return entry;
    };
    let mut reason = None;
    for (key, value) in fields {
        let place = match key.as_str() {
            "fingerprint" => &mut entry.fingerprint,
            "technique" => &mut entry.technique,
            "subject" => &mut entry.subject,
            "target" => &mut entry.target,
            "owner" => &mut entry.owner,
            "expires" => &mut entry.expires,
            "reason" => &mut reason,
            other => {
                wrong(format!(
                    "there is no field `{other}`; there are fingerprint, technique, subject, target, reason, owner, expires"
                ));
                continue;
            }
        };
        match value {
            Value::String(text) if !text.trim().is_empty() => *place = Some(text.trim().to_owned()),
            Value::String(_) | Value::Null => wrong(format!("`{key}` is empty")),
            // Digits alone are read as a number.
            Value::Number(_) if key == "fingerprint" => wrong("put quotes around `fingerprint`".to_owned()),
            // YAML reads `y`, `no` and `1` as something else.
            _ => wrong(format!("`{key}` is no text; put quotes around it")),
        }
    }
    match reason {
        Some(reason) => entry.reason = reason,
        None if fields.contains_key("reason") => {}
        None => wrong("an entry needs a `reason`".to_owned()),
    }
    let SuppressionText { fingerprint, technique, subject, target, .. } = &entry;
    if [fingerprint, technique, subject, target].into_iter().all(Option::is_none)
        && !["fingerprint", "technique", "subject", "target"].iter().any(|key| fields.contains_key(*key))
    {
        wrong("an entry needs a `fingerprint`, `technique`, `subject` or `target`".to_owned());
    }
    entry
}

/// An old EscalationReport, in JSON or YAML, with .gz or without.
///
/// # Errors
/// When it cannot be read, or is something else.
pub fn read_baseline(path: &Path, options: &FileOptions) -> Result<OldReport, LoadError> {
    // A report is one object and may be large.
    let limits = Limits { object_bytes: 1 << 30, ..options.limits };
    let options = FileOptions { limits, keep_going: false, recursive: false, ..options.clone() };
    let mut reports = Vec::new();
    let inputs = [Input::Path(path.to_owned())];
    let files = read_documents(&inputs, &mut std::io::empty(), &options, &mut |text, at| {
        let report = old_report(text).map_err(|message| Problem { file: at.file, line: at.line, message })?;
        reports.push(report);
        Ok(())
    })?;
    let several = match reports.len() {
        1 => return Ok(reports.remove(0)),
        0 => "there is no report in it",
        _ => "there is more than one report in it",
    };
    Err(LoadError { files, problems: vec![Problem { file: FileId(0), line: 0, message: several.to_owned() }] })
}

fn old_report(text: &str) -> Result<OldReport, String> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct ReportIn {
        api_version: String,
        kind: String,
        metadata: MetadataIn,
        items: Vec<ItemIn>,
        summary: SummaryIn,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct MetadataIn {
        question: QuestionIn,
    }
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct QuestionIn {
        from: Option<String>,
        to: Option<String>,
        power: Option<String>,
        assume: Option<String>,
        without: Vec<String>,
        system: Option<String>,
        kube_version: Option<String>,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct ItemIn {
        fingerprint: String,
        from: Vec<String>,
    }
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct SummaryIn {
        longer_paths: u64,
        baseline: Option<Value>,
    }
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct KindIn {
        api_version: Option<String>,
        kind: Option<String>,
        fingerprint: Option<String>,
    }
    const HOW: &str = "make one with `kubectl rbac-lens escalations -o json`";
    // What it is comes before whether all of it is as it should be.
    let kind: KindIn = serde_json::from_str(text).map_err(|_| format!("this is no EscalationReport; {HOW}"))?;
    if kind.kind.is_none() && kind.fingerprint.is_some() {
        return Err(format!("these are items of a report without the rest (-o ndjson); {HOW}"));
    }
    match (kind.api_version.as_deref(), kind.kind.as_deref()) {
        (Some("rbac-lens.dev/v1alpha1"), Some("EscalationReport")) => {}
        (Some(version), Some("EscalationReport")) => {
            return Err(format!(
                "this is an EscalationReport of `{version}`, and rbac-lens.dev/v1alpha1 is understood"
            ));
        }
        (_, Some(kind)) => return Err(format!("this is `{kind}` and no EscalationReport; {HOW}")),
        _ => return Err(format!("this is no EscalationReport; {HOW}")),
    }
    let report: ReportIn =
        serde_json::from_str(text).map_err(|error| format!("this EscalationReport is damaged: {error}"))?;
    drop((report.api_version, report.kind));
    if report.summary.baseline.is_some() {
        return Err(
            "this report shows only what differs from another one (--baseline); keep one that was made without"
                .to_owned(),
        );
    }
    if report.summary.longer_paths > 0 {
        return Err("this report leaves longer paths out (--max-steps); keep one that was made without".to_owned());
    }
    if report.items.iter().any(|item| item.fingerprint.is_empty()) {
        return Err("this EscalationReport is damaged: an item has no `fingerprint`".to_owned());
    }
    let findings =
        report.items.into_iter().map(|item| OldFinding { fingerprint: item.fingerprint, from: item.from }).collect();
    let QuestionIn { from, to, power, assume, without, system, kube_version } = report.metadata.question;
    Ok(OldReport { from, to, power, assume, without, system, kube_version, findings })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let mut all = Vec::new();
        suppressions(text, &mut |line, message| all.push(format!("{line}: {message}")));
        all
    }

    #[test]
    fn entries_come_with_their_lines() {
        let text = "# ours\nsuppressions:\n- technique: pod-create\n  subject: group:dev-*\n  reason: they may\n\n- fingerprint: '12'\n  \
                    reason: known\n  owner: ops\n  expires: 2026-12-31\n";
        let mut wrong = Vec::new();
        let found = suppressions(text, &mut |line, message| wrong.push((line, message)));
        assert_eq!(wrong, []);
        assert_eq!(found.iter().map(|entry| entry.line).collect::<Vec<_>>(), [3, 7]);
        assert_eq!(found[1].expires.as_deref(), Some("2026-12-31"));
        assert_eq!(found[0].subject.as_deref(), Some("group:dev-*"));
        assert_eq!(problems("# nothing\n"), [""; 0]);
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let text = "suppressions:\n- technique: pod-create\n- reason: x\n  colour: red\n- reason: ''\n  subject: [a]\n- just words\n";
        assert_eq!(
            problems(text),
            [
                "2: an entry needs a `reason`",
                "3: there is no field `colour`; there are fingerprint, technique, subject, target, reason, owner, expires",
                "3: an entry needs a `fingerprint`, `technique`, `subject` or `target`",
                "5: `reason` is empty",
                "5: `subject` is no text; put quotes around it",
                "7: an entry is a mapping with a `reason`",
            ]
        );
        assert_eq!(problems("ignore: []\n"), ["0: there is no setting `ignore`; it holds one list, `suppressions:`"]);
        assert!(
            problems("suppressions: [\n")[0].starts_with("2: ") || problems("suppressions: [\n")[0].starts_with("1: ")
        );
        assert!(problems("just words\n")[0].ends_with("it holds one list, `suppressions:`"));
    }

    #[test]
    fn what_is_no_baseline_is_told_from_what_is_damaged() {
        for (text, expected) in [
            ("{}", "this is no EscalationReport"),
            ("{\"fingerprint\": \"a\"}", "these are items"),
            ("{\"apiVersion\": \"rbac-lens.dev/v1alpha1\", \"kind\": \"WhoCanReport\"}", "this is `WhoCanReport`"),
            (
                "{\"apiVersion\": \"rbac-lens.dev/v9\", \"kind\": \"EscalationReport\"}",
                "this is an EscalationReport of",
            ),
            (
                "{\"apiVersion\": \"rbac-lens.dev/v1alpha1\", \"kind\": \"EscalationReport\", \"items\": [{}]}",
                "this EscalationReport is damaged",
            ),
            (
                "{\"apiVersion\": \"rbac-lens.dev/v1alpha1\", \"kind\": \"EscalationReport\", \"summary\": {\"longerPaths\": 1}}",
                "this report leaves",
            ),
        ] {
            assert!(old_report(text).unwrap_err().starts_with(expected), "{text}");
        }
    }
}
