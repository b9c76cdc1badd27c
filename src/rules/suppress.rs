//! Findings that somebody lives with: hidden for a reason, for a time, and counted.

use super::catalogue::technique;
use super::finding::{Finding, severity, start_thing, target_name};
use crate::graph::AccessGraph;
use crate::model::{SuppressionText, Thing};

/// A day of the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: i64,
    month: u8,
    day: u8,
}

impl Date {
    /// Reads `YYYY-MM-DD`.
    pub fn parse(text: &str) -> Option<Date> {
        let digits = |part: &str, len: usize| {
            (part.len() == len && part.bytes().all(|byte| byte.is_ascii_digit()))
                .then(|| part.parse::<i64>().ok())
                .flatten()
        };
        let mut parts = text.split('-');
        let (year, month, day) = (digits(parts.next()?, 4)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
        let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        let days = match month {
            2 => 28 + i64::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        let there = parts.next().is_none() && (1..=days).contains(&day);
        there.then_some(Date { year, month: u8::try_from(month).ok()?, day: u8::try_from(day).ok()? })
    }

    /// The day, in UTC, that is so many seconds after the beginning of 1970.
    pub fn of_epoch(seconds: i64) -> Date {
        // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
        let days = seconds.div_euclid(86_400) + 719_468;
        let era = days.div_euclid(146_097);
        let of_era = days.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Date { year, month: u8::try_from(month).unwrap_or(1), day: u8::try_from(day).unwrap_or(1) }
    }
}

impl std::fmt::Display for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// An entry of a suppressions file, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    text: SuppressionText,
    subject: Option<Pattern>,
    target: Option<Pattern>,
    expires: Option<Date>,
}

/// A text, or with a `*` behind it all that begin so.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern {
    text: String,
    open: bool,
}

impl Pattern {
    fn new(text: &str) -> Result<Pattern, String> {
        let (text, open) = text.strip_suffix('*').map_or((text, false), |prefix| (prefix, true));
        if text.contains('*') {
            return Err(format!("`{text}` has a `*` that is not at its end"));
        }
        Ok(Pattern { text: text.to_owned(), open })
    }

    fn fits(&self, text: &str) -> bool {
        if self.open { text.starts_with(&self.text) } else { text == self.text }
    }
}

impl Suppression {
    /// Understands an entry.
    ///
    /// # Errors
    /// Everything about it that means nothing.
    pub fn new(text: SuppressionText) -> Result<Suppression, Vec<String>> {
        let mut wrong = Vec::new();
        let mut pattern = |text: &Option<String>| match text.as_deref().map(Pattern::new) {
            Some(Ok(pattern)) => Some(pattern),
            Some(Err(message)) => {
                wrong.push(message);
                None
            }
            None => None,
        };
        let (mut subject, target) = (pattern(&text.subject), pattern(&text.target));
        if let Some(pattern) = &mut subject
            && !pattern.open
        {
            match Thing::parse(&pattern.text) {
                Ok(
                    thing @ (Thing::User(_)
                    | Thing::Group(_)
                    | Thing::ServiceAccount(..)
                    | Thing::Pod(..)
                    | Thing::Pods(_)),
                ) => pattern.text = thing.to_string(),
                Ok(thing) => wrong.push(format!("`{thing}` starts nothing")),
                Err(error) => wrong.push(error.to_string()),
            }
        }
        if let Some(id) = &text.technique
            && technique(id).is_none()
        {
            wrong.push(format!("there is no technique `{id}`; `kubectl rbac-lens explain` lists them"));
        }
        if let Some(fingerprint) = &text.fingerprint
            && !is_fingerprint(fingerprint)
        {
            wrong.push(format!(
                "`{fingerprint}` is no fingerprint; those have 16 hexadecimal digits, or 16, a dash and 8"
            ));
        }
        let expires = text.expires.as_deref().map(|text| (Date::parse(text), text));
        if let Some((None, text)) = expires {
            wrong.push(format!("`{text}` is no day; write YYYY-MM-DD"));
        }
        if wrong.is_empty() {
            Ok(Suppression { subject, target, expires: expires.and_then(|(date, _)| date), text })
        } else {
            Err(wrong)
        }
    }

    /// The entry as it was written.
    pub fn text(&self) -> &SuppressionText {
        &self.text
    }

    /// Whether it is about a finding, whoever starts.
    fn is_about(&self, graph: &AccessGraph, finding: &Finding) -> bool {
        let fingerprint = self.text.fingerprint.as_ref().is_none_or(|own| {
            finding.fingerprint == *own || finding.fingerprint.split('-').next() == Some(own.as_str())
        });
        let technique =
            self.text.technique.as_ref().is_none_or(|id| finding.steps.iter().any(|step| step.technique.id == id));
        let target = self.target.as_ref().is_none_or(|target| target.fits(&target_name(graph, finding.target)));
        fingerprint && technique && target
    }
}

fn is_fingerprint(text: &str) -> bool {
    let digits = |part: &str, len: usize| part.len() == len && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    match text.split_once('-') {
        Some((start, steps)) => digits(start, 16) && digits(steps, 8),
        None => digits(text, 16),
    }
}

/// What is left of findings, and what became of the entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suppressed {
    /// Findings that are shown.
    pub kept: Vec<Finding>,
    /// Findings that are hidden.
    pub hidden: Vec<Hidden>,
    /// Entries whose last day is over, by their places.
    pub expired: Vec<usize>,
    /// Entries that are about nothing.
    pub unmatched: Vec<usize>,
}

/// A finding that nobody is shown to start, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hidden {
    /// The finding, with all who start it.
    pub finding: Finding,
    /// The entries that are about it, in the order of the file.
    pub by: Vec<SuppressionText>,
}

/// Hides findings. One that several start is hidden for those who are named, and wholly when none is left.
pub fn suppress(graph: &AccessGraph, findings: Vec<Finding>, entries: &[Suppression], today: Date) -> Suppressed {
    let mut result = Suppressed::default();
    let mut matched = vec![false; entries.len()];
    let is_over = |entry: &Suppression| entry.expires.is_some_and(|last| last < today);
    result.expired.extend((0..entries.len()).filter(|&at| is_over(&entries[at])));
    for finding in findings {
        let mut from = finding.from.clone();
        let mut by = Vec::new();
        for (entry, matched) in entries.iter().zip(&mut matched) {
            if !entry.is_about(graph, &finding) {
                continue;
            }
            let named = |start| {
                let who = start_thing(graph, start).to_string();
                entry.subject.as_ref().is_none_or(|subject| subject.fits(&who))
            };
            let is_meant = finding.from.iter().any(|&start| named(start));
            *matched |= is_meant;
            if is_meant && !is_over(entry) {
                by.push(entry);
                from.retain(|&start| !named(start));
            }
        }
        if from.is_empty() {
            let by = by.into_iter().map(|entry| entry.text.clone()).collect();
            result.hidden.push(Hidden { finding, by });
        } else if from.len() == finding.from.len() {
            result.kept.push(finding);
        } else {
            let mut left = finding.started_by(from);
            (left.severity, left.reasons) = severity(graph, &left.from, left.target, &left.steps);
            result.kept.push(left);
        }
    }
    result.kept.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    result.unmatched.extend((0..entries.len()).filter(|&at| !matched[at] && !is_over(&entries[at])));
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for text in ["1970-01-01", "2024-02-29", "2026-12-31", "2000-02-29"] {
            assert_eq!(Date::parse(text).map(|date| date.to_string()).as_deref(), Some(text));
        }
        for text in ["2023-02-29", "1900-02-29", "2026-13-01", "2026-00-10", "2026-1-01", "2026-01-01x", "", "26-01-01"]
        {
            assert_eq!(Date::parse(text), None, "{text}");
        }
        for (seconds, day) in [
            (0, "1970-01-01"),
            (86_399, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (1_798_675_200, "2026-12-31"),
            (-1, "1969-12-31"),
        ] {
            assert_eq!(Date::of_epoch(seconds).to_string(), day);
        }
        assert!(Date::parse("2026-01-31") < Date::parse("2026-02-01"));
    }

    #[test]
    fn what_means_nothing_is_told() {
        let entry = SuppressionText {
            fingerprint: Some("xyz".to_owned()),
            technique: Some("pod-kreate".to_owned()),
            subject: Some("node:n1".to_owned()),
            target: Some("se*rets".to_owned()),
            expires: Some("tomorrow".to_owned()),
            ..SuppressionText::default()
        };
        assert_eq!(Suppression::new(entry).unwrap_err().len(), 5);
        let entry =
            SuppressionText { subject: Some("system:serviceaccount:a:b".to_owned()), ..SuppressionText::default() };
        assert_eq!(Suppression::new(entry).unwrap().subject.unwrap().text, "sa:a/b");
    }
}
