//! Completion at the prompt: from the words of a line to what may stand at its end. One pure function for every shell and for kubectl;
//! what it needs to look at it is handed. Flags and commands come from clap's own tree, so that none can be forgotten; what values
//! mean is in `values.rs`.
//!
//! clap_complete's engine is not used: it offers an argument's values without the rest of the line, and here the names depend on
//! `-f`, resources on the verb and names on the resource.

mod values;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Command};

use crate::collect::KubeconfigNames;
use crate::model::Snapshot;
use crate::render::safe;

/// What may be looked at; asked only when the line calls for it.
pub(super) trait Look {
    /// What the input that the line names holds, or without one the last snapshot.
    fn snapshot(&self, input: &LineInput) -> Option<Snapshot>;
    /// The names in the kubeconfig.
    fn kubeconfig(&self, file: Option<&Path>) -> KubeconfigNames;
}

/// The input that a line names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LineInput {
    pub(super) files: Vec<PathBuf>,
    pub(super) azure: Vec<PathBuf>,
    pub(super) recursive: bool,
    pub(super) demo: bool,
}

/// A word that may stand at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) word: String,
    /// What it is, in a few words; may be empty.
    pub(super) about: String,
}

/// How a shell goes on, in cobra's bits (<https://pkg.go.dev/github.com/spf13/cobra#ShellCompDirective>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Directive(u8);

impl Directive {
    /// Where nothing is offered, file names are.
    pub(super) const FILES: Directive = Directive(0);
    /// Only what is offered.
    pub(super) const ONLY: Directive = Directive(4);
    /// The same, and the word goes on: no space behind it.
    pub(super) const GOES_ON: Directive = Directive(4 | 2);
    /// Names of folders.
    pub(super) const FOLDERS: Directive = Directive(16);
}

/// What may stand at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Completion {
    pub(super) candidates: Vec<Candidate>,
    pub(super) directive: Directive,
}

impl Completion {
    fn new(directive: Directive) -> Completion {
        Completion { candidates: Vec::new(), directive }
    }

    /// As cobra prints it and kubectl and our scripts read it: a candidate a line, a tab before what it is, and the directive last.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for Candidate { word, about } in &self.candidates {
            text.push_str(word);
            if !about.is_empty() {
                text.push('\t');
                text.push_str(&safe(about));
            }
            text.push('\n');
        }
        text.push_str(&format!(":{}\n", self.directive.0));
        text
    }
}

/// A line up to the word at the cursor.
struct Line<'c> {
    command: &'c Command,
    /// The values of the command's positional arguments.
    values: Vec<String>,
    /// The flags with their values; a flag without one has an empty one.
    flags: Vec<(&'c Arg, String)>,
    /// The flag that the word at the cursor is the value of.
    open: Option<&'c Arg>,
    /// Behind `--` nothing is a flag.
    plain: bool,
    /// Whether the line asks for help on a command.
    help: bool,
}

/// What may stand at the end of a line. `words` are those behind the program's name; the last one is at the cursor and may be empty.
/// `command` is the built command line.
pub(super) fn complete(command: &Command, words: &[String], look: &dyn Look) -> Completion {
    let (cursor, before) = words.split_last().map_or(("", &[][..]), |(last, before)| (last.as_str(), before));
    let Some(line) = read(command, before) else { return Completion::new(Directive::ONLY) };
    let mut found = at_cursor(&line, cursor, look);
    found.candidates.retain(|candidate| is_typed_safely(&candidate.word));
    found.candidates.dedup_by(|a, b| a.word == b.word);
    found
}

/// Reads the words before the cursor; none if what they name is no command.
fn read<'c>(root: &'c Command, words: &[String]) -> Option<Line<'c>> {
    let mut line = Line { command: root, values: Vec::new(), flags: Vec::new(), open: None, plain: false, help: false };
    for word in words {
        if let Some(flag) = line.open.take() {
            line.flags.push((flag, word.clone()));
        } else if line.plain || word == "-" || !word.starts_with('-') {
            if line.command.has_subcommands() {
                if word == "help" && !line.help {
                    line.help = true;
                    continue;
                }
                line.command = line.command.find_subcommand(word)?;
            } else {
                line.values.push(word.clone());
            }
        } else if word == "--" {
            line.plain = true;
        } else {
            line.take_flag(word);
        }
    }
    Some(line)
}

impl<'c> Line<'c> {
    fn take_flag(&mut self, word: &str) {
        if let Some(long) = word.strip_prefix("--") {
            let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            let Some(flag) = self.long(name) else { return };
            match value {
                Some(value) => self.flags.push((flag, value.to_owned())),
                None if wants_next_word(flag) => self.open = Some(flag),
                None => self.flags.push((flag, String::new())),
            }
            return;
        }
        // `-An dev`: letters in one word, the last of which may take what follows.
        for (at, letter) in word[1..].char_indices() {
            let Some(flag) = self.command.get_arguments().find(|arg| arg.get_short() == Some(letter)) else { return };
            let rest = &word[1 + at + letter.len_utf8()..];
            if !takes_value(flag) {
                self.flags.push((flag, String::new()));
            } else if rest.is_empty() {
                self.open = Some(flag);
                return;
            } else {
                self.flags.push((flag, rest.strip_prefix('=').unwrap_or(rest).to_owned()));
                return;
            }
        }
    }

    fn long(&self, name: &str) -> Option<&'c Arg> {
        let is = |arg: &&Arg| {
            arg.get_long() == Some(name) || arg.get_all_aliases().is_some_and(|aliases| aliases.contains(&name))
        };
        self.command.get_arguments().find(is)
    }

    /// The values of a flag, by its id.
    fn given<'l>(&'l self, id: &str) -> impl Iterator<Item = &'l str> {
        let id = id.to_owned();
        self.flags.iter().filter(move |(flag, _)| flag.get_id() == id.as_str()).map(|(_, value)| value.as_str())
    }

    /// The value of the command's positional argument of an id.
    fn value(&self, id: &str) -> Option<&str> {
        let at = self.command.get_positionals().position(|arg| arg.get_id() == id)?;
        self.values.get(at).map(String::as_str)
    }

    fn input(&self) -> LineInput {
        let paths = |id: &str| self.given(id).map(PathBuf::from).collect();
        LineInput {
            files: paths("filename"),
            azure: paths("azure"),
            recursive: self.given("recursive").next().is_some(),
            demo: self.given("demo").next().is_some(),
        }
    }
}

fn takes_value(flag: &Arg) -> bool {
    flag.get_action().takes_values()
}

fn wants_next_word(flag: &Arg) -> bool {
    takes_value(flag) && !flag.is_require_equals_set()
}

fn at_cursor(line: &Line<'_>, cursor: &str, look: &dyn Look) -> Completion {
    if let Some(flag) = line.open {
        return values::of(line, flag, cursor, look);
    }
    if let Some(word) = cursor.strip_prefix('-').filter(|_| !line.plain) {
        if let Some((name, value)) = word.split_once('=') {
            let flag = match name.strip_prefix('-') {
                Some(name) => line.long(name),
                None => line
                    .command
                    .get_arguments()
                    .find(|arg| arg.get_short().is_some() && arg.get_short() == one_char(name)),
            };
            // The shells take `--flag=` off before they compare, so the value alone is offered.
            return flag.map_or(Completion::new(Directive::ONLY), |flag| values::of(line, flag, value, look));
        }
        return flags(line, cursor);
    }
    if line.command.has_subcommands() {
        return commands(line, cursor);
    }
    if line.help {
        return Completion::new(Directive::ONLY);
    }
    let mut positionals = line.command.get_positionals();
    let several = |arg: &&Arg| matches!(arg.get_action(), ArgAction::Append);
    let last = line.command.get_positionals().last().filter(several);
    match positionals.nth(line.values.len()).or(last) {
        Some(argument) => values::of(line, argument, cursor, look),
        None => Completion::new(Directive::ONLY),
    }
}

fn one_char(text: &str) -> Option<char> {
    let mut letters = text.chars();
    letters.next().filter(|_| letters.next().is_none())
}

fn commands(line: &Line<'_>, cursor: &str) -> Completion {
    let mut found = Completion::new(Directive::ONLY);
    // All of them are hidden from clap's own list.
    for command in line.command.get_subcommands() {
        if command.get_name().starts_with(cursor) && !(line.help && command.get_name() == "help") {
            found.candidates.push(Candidate {
                word: command.get_name().to_owned(),
                about: command.get_about().map(first_sentence).unwrap_or_default(),
            });
        }
    }
    found
}

/// The flags that begin so, without those that are there already and may not be there twice.
fn flags(line: &Line<'_>, cursor: &str) -> Completion {
    let mut found = Completion::new(Directive::ONLY);
    let repeats = |arg: &Arg| matches!(arg.get_action(), ArgAction::Append | ArgAction::Count);
    let is_there = |arg: &Arg| line.flags.iter().any(|(flag, _)| flag.get_id() == arg.get_id());
    let free = line.command.get_arguments().filter(|arg| !arg.is_positional() && !arg.is_hide_set());
    for arg in free.filter(|arg| repeats(arg) || !is_there(arg)) {
        let about = arg.get_help().map(first_sentence).unwrap_or_default();
        let mut offer = |word: String| {
            if word.starts_with(cursor) {
                found.candidates.push(Candidate { word, about: about.clone() });
            }
        };
        if let Some(long) = arg.get_long() {
            offer(format!("--{long}"));
        }
        // `--n` completes to names alone; `-` and `-n` to the letters too.
        if let Some(short) = arg.get_short() {
            offer(format!("-{short}"));
        }
    }
    found
}

fn first_sentence(text: &clap::builder::StyledStr) -> String {
    let text = text.to_string();
    let line = text.lines().next().unwrap_or_default();
    let end = line.find(". ").unwrap_or(line.len());
    line[..end].trim_end_matches('.').to_owned()
}

/// Whether a word can be put on a command line as it is. Names are chosen by whoever may create objects, and shells put in what they
/// are offered without quotes: a name that a shell would take apart, expand or run is never offered.
fn is_typed_safely(word: &str) -> bool {
    let plain = |letter: char| letter.is_alphanumeric() || "@.:/-_+=,%#".contains(letter);
    !word.is_empty() && word.chars().all(plain) && !word.starts_with(['#', '=', '%'])
}
