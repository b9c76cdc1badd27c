//! Findings as the tools of pipelines see them: a rule that is broken, a place in a file, a message. SARIF, JUnit and the annotations
//! of GitHub are made of these.

use super::document::GapOut;
use crate::graph::AccessGraph;
use crate::model::{Origin, Source, SuppressionText};

/// What was found, and by what.
pub(super) struct Issues {
    /// The command.
    pub(super) command: &'static str,
    /// The findings, the most severe first.
    pub(super) all: Vec<Issue>,
    /// What was looked for and not found, by id and title.
    pub(super) kept: Vec<(&'static str, &'static str)>,
    /// What could not be looked for, by id, title and what is lacking.
    pub(super) unanswered: Vec<(&'static str, &'static str, &'static str)>,
    /// The findings that suppressions hide, each with what hides it; not among the others.
    pub(super) suppressed: Vec<(Issue, Vec<SuppressionText>)>,
    /// What was not read.
    pub(super) gaps: Vec<GapOut>,
    /// The exit status.
    pub(super) code: u8,
}

/// A finding.
pub(super) struct Issue {
    pub(super) topic: Topic,
    /// `critical`, `high`, `medium`, `low` or `info`.
    pub(super) severity: &'static str,
    pub(super) fingerprint: String,
    /// What is wrong, in one line.
    pub(super) message: String,
    /// How it goes away, in words; none where the rule's own words say it.
    pub(super) advice: Option<String>,
    /// What makes it go away: commands or YAML.
    pub(super) commands: Vec<String>,
    /// Where to look first.
    pub(super) place: Place,
    /// What else belongs to it.
    pub(super) related: Vec<Place>,
    /// The steps of the path, and of each path beside it.
    pub(super) paths: Vec<Vec<(String, Place)>>,
}

impl Issue {
    /// How it goes away, a line each.
    pub(super) fn remedy(&self) -> impl Iterator<Item = &str> {
        self.advice.iter().chain(&self.commands).map(String::as_str)
    }
}

/// A technique or a check, as the catalogue has it.
#[derive(Clone, Copy)]
pub(super) struct Topic {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) why: &'static str,
    pub(super) remedy: &'static str,
    pub(super) references: &'static [&'static str],
    /// Numbers of MITRE ATT&CK and of the threat matrix for Kubernetes.
    pub(super) attack: &'static [&'static str],
}

/// Where an object was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The object, in words.
    pub(super) object: String,
    /// The file, or for what was read from a cluster a path that stays the same.
    pub(super) path: Path,
    pub(super) line: u32,
}

/// A path of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Path {
    /// One that was read.
    File(String),
    /// One that is made up of a cluster's name and an object's, segment by segment. There is no such file.
    Virtual(Vec<String>),
}

impl Place {
    /// The place of an object, which is called `words`, and whose kind, namespace and name are `segments`.
    pub(super) fn new(graph: &AccessGraph, origin: Option<Origin>, words: String, segments: &[&str]) -> Place {
        let snapshot = graph.snapshot();
        let (path, line) = match origin.map(|origin| snapshot.source(origin)) {
            Some(Source::File(file, line)) => (Path::File(file.to_owned()), line.unwrap_or(1)),
            other => {
                let cluster = snapshot.clusters.first().map(|cluster| cluster.name.as_str()).unwrap_or_default();
                let root = if matches!(other, Some(Source::BuiltIn)) { "built-in" } else { "cluster" };
                let own = segments.iter().copied().filter(|segment| !segment.is_empty());
                let segments = [root].into_iter().chain(Some(cluster).filter(|name| !name.is_empty())).chain(own);
                (Path::Virtual(segments.map(str::to_owned).collect()), 1)
            }
        };
        Place { object: words, path, line }
    }

    /// The path as a URI reference (RFC 3986), which GitHub's code scanning asks for on every result.
    pub(super) fn uri(&self) -> String {
        match &self.path {
            Path::File(file) => {
                let file = if cfg!(windows) { file.replace('\\', "/") } else { file.clone() };
                let relative = file.trim_start_matches("./");
                let root = match relative.as_bytes() {
                    [b'/', ..] => "file://",
                    [drive, b':', b'/', ..] if drive.is_ascii_alphabetic() => "file:///",
                    _ => "",
                };
                let segments: Vec<String> = relative.split('/').map(encoded).collect();
                format!("{root}{}", segments.join("/"))
            }
            Path::Virtual(segments) => {
                // No segment may be taken for the folder above.
                let segment =
                    |text: &String| if text.trim_matches('.').is_empty() { "_".to_owned() } else { encoded(text) };
                format!("{}.yaml", segments.iter().map(segment).collect::<Vec<_>>().join("/"))
            }
        }
    }
}

/// A segment of a path with everything escaped that means something in a URI.
fn encoded(segment: &str) -> String {
    let mut text = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// How severities are ranked.
pub(super) fn rank(severity: &str) -> usize {
    ["critical", "high", "medium", "low", "info"].iter().position(|own| *own == severity).unwrap_or(5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_uri_whatever_it_is_called() {
        let uri = |path| Place { object: String::new(), path, line: 1 }.uri();
        for (file, expected) in [
            ("rbac/a.yaml", "rbac/a.yaml"),
            ("./rbac/a b.yaml", "rbac/a%20b.yaml"),
            ("/tmp/ü.yaml", "file:///tmp/%C3%BC.yaml"),
            ("http:x", "http%3Ax"),
            ("standard input", "standard%20input"),
            ("a%b?c#d", "a%25b%3Fc%23d"),
        ] {
            assert_eq!(uri(Path::File(file.to_owned())), expected);
        }
        let path = ["cluster", "..", "a/b", "\u{1b}"].map(str::to_owned).to_vec();
        assert_eq!(uri(Path::Virtual(path)), "cluster/_/a%2Fb/%1B.yaml");
    }
}
