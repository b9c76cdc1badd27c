//! A command line that cannot be understood: what clap says of it on several lines, as one line in the words of all other errors.

use std::error::Error as _;

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// What is wrong, and what to write instead or where to look.
pub(super) fn in_one_line(error: &clap::Error) -> String {
    let what = known(error).unwrap_or_else(|| {
        // Whatever else there is, up to its first empty line.
        let text = error.render().to_string();
        let told: Vec<&str> = text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
        told.join(" ").trim_start_matches("error: ").to_owned()
    });
    format!("error: {what}")
}

fn known(error: &clap::Error) -> Option<String> {
    let help = command(error).map_or_else(|| "--help".to_owned(), |command| format!("`{command} --help`"));
    match error.kind() {
        ErrorKind::MissingRequiredArgument => Some(missing(list(error, ContextKind::InvalidArg)?, error, &help)),
        ErrorKind::MissingSubcommand => Some("no command is given; `kubectl rbac-lens --help` lists them".to_owned()),
        ErrorKind::InvalidSubcommand => {
            let word = text(error, ContextKind::InvalidSubcommand)?;
            // The nearest comes last.
            let near = list(error, ContextKind::SuggestedSubcommand).and_then(|near| near.last());
            Some(or_else(format!("there is no command `{word}`"), near, "`kubectl rbac-lens --help` lists them"))
        }
        ErrorKind::UnknownArgument => {
            let word = text(error, ContextKind::InvalidArg)?;
            let what = if word.starts_with('-') {
                format!("there is no flag `{word}`")
            } else {
                format!("`{word}` is too much")
            };
            let near = text(error, ContextKind::SuggestedArg).map(flag);
            Some(or_else(what, near, &format!("{help} tells what there is")))
        }
        ErrorKind::InvalidValue => {
            let of = flag(text(error, ContextKind::InvalidArg)?);
            let values = list(error, ContextKind::ValidValue).filter(|values| !values.is_empty());
            let values = values.map(|values| joined(values, "or"));
            Some(match (text(error, ContextKind::InvalidValue)?, values) {
                ("", Some(values)) => format!("{of} needs a value; write {values}"),
                ("", None) => format!("{of} needs a value; {help} tells which"),
                (value, Some(values)) => format!("`{value}` is no value of {of}; write {values}"),
                (value, None) => format!("`{value}` is no value of {of}; {help} tells which are"),
            })
        }
        ErrorKind::ValueValidation => {
            let (of, value) = (flag(text(error, ContextKind::InvalidArg)?), text(error, ContextKind::InvalidValue)?);
            Some(format!("`{value}` is no value of {of}: {}", why(error)?))
        }
        ErrorKind::ArgumentConflict => {
            let of = flag(text(error, ContextKind::InvalidArg)?);
            let with = match error.get(ContextKind::PriorArg)? {
                ContextValue::String(with) if flag(with) == of => {
                    return Some(format!("{of} is given twice; leave one out"));
                }
                ContextValue::String(with) => flag(with).to_owned(),
                ContextValue::Strings(all) => joined(&all.iter().map(|with| flag(with)).collect::<Vec<_>>(), "and"),
                _ => return None,
            };
            Some(format!("{of} and {with} exclude each other; leave one of them out"))
        }
        _ => None,
    }
}

/// Words that are missing are written down where they go; flags are looked up.
fn missing(all: &[String], error: &clap::Error, help: &str) -> String {
    let names: Vec<&str> = all.iter().map(|name| flag(name)).collect();
    let are = if names.len() == 1 { "is" } else { "are" };
    let usage = usage(error).filter(|_| !names.iter().any(|name| name.starts_with('-')));
    let next = usage.map_or_else(|| format!("{help} tells more"), |usage| format!("write `{usage}`"));
    format!("{} {are} missing; {next}", joined(&names, "and"))
}

/// What somebody who typed nearly that has meant, or where to look.
fn or_else(what: String, near: Option<impl AsRef<str>>, look: &str) -> String {
    match near {
        Some(near) => format!("{what}; did you mean `{}`?", near.as_ref()),
        None => format!("{what}; {look}"),
    }
}

/// Why a value is none, in one line.
fn why(error: &clap::Error) -> Option<String> {
    let source = error.source()?;
    if source.is::<std::num::ParseIntError>() {
        return Some("write a whole number that is not too large".to_owned());
    }
    // Of a regular expression the last line says it, below a picture of the place.
    let told = source.to_string();
    told.lines().last().map(|line| line.trim().trim_start_matches("error: ").to_owned())
}

fn text(error: &clap::Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text),
        ContextValue::Strings(all) => all.last().map(String::as_str),
        _ => None,
    }
}

fn list(error: &clap::Error, kind: ContextKind) -> Option<&[String]> {
    match error.get(kind)? {
        ContextValue::Strings(all) => Some(all),
        _ => None,
    }
}

/// `--output <FORMAT>` as `--output`, and `[NAME]` or `<FILE>...` as the word inside.
fn flag(argument: &str) -> &str {
    let first = argument.split(' ').next().unwrap_or(argument);
    first.trim_end_matches('.').trim_matches(['<', '>', '[', ']'])
}

fn joined<T: AsRef<str>>(words: &[T], last: &str) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    match words.as_slice() {
        [before @ .., end] if !before.is_empty() => format!("{} {last} {end}", before.join(", ")),
        words => words.concat(),
    }
}

/// The first line of how a command is written.
fn usage(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::StyledStr(text)) = error.get(ContextKind::Usage) else { return None };
    let text = text.to_string();
    text.lines().next().map(|line| line.trim_start_matches("Usage: ").to_owned())
}

/// The command that was typed, as far as it was understood.
fn command(error: &clap::Error) -> Option<String> {
    let usage = usage(error)?;
    let is_name =
        |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') && !word.starts_with('-');
    Some(usage.split(' ').take_while(is_name).collect::<Vec<_>>().join(" "))
}
