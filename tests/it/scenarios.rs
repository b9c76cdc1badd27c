//! Small worlds and what is said of them: each file of `tests/scenarios` is a world of manifests, trimmed to the last needed
//! line, and below it, in comments, a transcript of questions with the whole answer to each.
//!
//! In a transcript `$` begins a command line (without the program's name and the input), `!` a line of standard error, `?` the
//! exit status when it is not 0; everything else is standard output. `UPDATE_SCENARIOS=1` writes the transcripts anew: read the
//! difference before you commit it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Outcome, ask};

/// One question of a transcript, and what follows it.
struct Question {
    command: String,
    expected: String,
}

#[test]
fn every_scenario_holds() {
    let folder = Path::new("tests/scenarios");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 20, "the scenarios are not where they should be");
    let update = std::env::var_os("UPDATE_SCENARIOS").is_some();
    let failures: Vec<String> = files.iter().filter_map(|file| check(file, update).err()).collect();
    assert!(failures.is_empty(), "{} of {} scenarios:\n\n{}", failures.len(), files.len(), failures.join("\n"));
}

/// Asks every question of a scenario and compares the answers with the transcript, or writes them there.
fn check(file: &Path, update: bool) -> Result<(), String> {
    let text = fs::read_to_string(file).unwrap();
    let (world, questions) = read(&text);
    assert!(!questions.is_empty(), "{} asks nothing", file.display());
    let (mut failures, mut transcript) = (String::new(), String::new());
    for Question { command, expected } in questions {
        let words = words(&command);
        let input = file.to_str().unwrap();
        let outcome = ask(words.iter().map(String::as_str).chain(["-f", input]));
        let answer = answer(&outcome);
        write!(transcript, "\n# $ {command}\n{answer}").unwrap();
        if answer != expected {
            write!(failures, "{}\n$ {command}\nexpected:\n{expected}is:\n{answer}\n", file.display()).unwrap();
        }
    }
    if update && !failures.is_empty() {
        fs::write(file, format!("{world}{transcript}")).unwrap();
        return Ok(());
    }
    if failures.is_empty() { Ok(()) } else { Err(failures) }
}

/// The manifests of a scenario, and its questions.
fn read(text: &str) -> (&str, Vec<Question>) {
    let at = text.find("\n# $ ").unwrap_or(text.len());
    let (world, transcript) = text.split_at(at);
    let question = |part: &str| {
        let (command, rest) = part.split_once('\n').unwrap_or((part, ""));
        let expected: String = rest.lines().filter(|line| !line.is_empty()).map(|line| format!("{line}\n")).collect();
        Question { command: command.to_owned(), expected }
    };
    (world, transcript.split("\n# $ ").skip(1).map(question).collect())
}

/// What a run left behind, as a transcript shows it.
fn answer(outcome: &Outcome) -> String {
    let mut text = String::new();
    for line in outcome.out.lines() {
        writeln!(text, "{}", format!("# {line}").trim_end()).unwrap();
    }
    for note in &outcome.notes {
        writeln!(text, "{}", format!("# ! {note}").trim_end()).unwrap();
    }
    if outcome.code != 0 {
        writeln!(text, "# ? {}", outcome.code).unwrap();
    }
    text
}

/// The words of a command line; single quotes keep blanks and nothing together.
fn words(command: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, part) in command.split('\'').enumerate() {
        if at % 2 == 1 {
            found.push(part.to_owned());
        } else {
            found.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    found
}
