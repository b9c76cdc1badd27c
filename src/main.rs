//! The binary: the only place that writes and that ends the process.

mod terminal;

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use owo_colors::{AnsiColors, OwoColorize, Stream};
#[cfg(unix)]
use rbac_lens::cli::LinkOut;
use rbac_lens::cli::{Color, FileOut, Outcome, World, run, verbosity};
use rbac_lens::collect::Progress;
use rbac_lens::render::{Look, safe};
use terminal::{Bar, be_verbose};

fn main() -> ExitCode {
    let mut stdin = io::stdin();
    let words: Vec<OsString> = std::env::args_os().collect();
    let verbosity = verbosity(&words);
    be_verbose(verbosity);
    let bar = Bar::new(verbosity);
    let progress = |step: &Progress| bar.show(step);
    let now = match now() {
        Ok(now) => now,
        Err(message) => return finish(&Outcome { notes: vec![message], code: 2, ..Outcome::default() }),
    };
    let outcome = run(words, &mut World { stdin: &mut stdin, progress: &progress, now, terminal: look() });
    bar.clear();
    finish(&outcome)
}

/// How standard output looks. Whether it has colours is read as <https://docs.rs/supports-color> does: NO_COLOR, CLICOLOR,
/// CLICOLOR_FORCE, FORCE_COLOR and TERM say it, and a file or a pipe has none.
fn look() -> Look {
    let width = terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0));
    Look { width: width.filter(|columns| *columns > 0), colour: has_colours(Stream::Stdout) }
}

fn has_colours(stream: Stream) -> bool {
    "x".if_supports_color(stream, |text| text.red()).to_string() != "x"
}

/// The time in seconds since 1970, or the one that reproducible runs set (<https://reproducible-builds.org/specs/source-date-epoch/>).
fn now() -> Result<i64, String> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text.parse().map_err(|_| {
            format!("error: SOURCE_DATE_EPOCH is `{}`; it is a number of seconds since 1970", safe(&text))
        }),
        Err(_) => {
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            Ok(since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX)))
        }
    }
}

/// Writes what a run leaves behind and ends with its status.
fn finish(outcome: &Outcome) -> ExitCode {
    match write(outcome) {
        // Whoever closed the pipe has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error may be as full; there is nobody else to tell.
            let _ = writeln!(io::stderr().lock(), "error: the answer cannot be written: {error}");
            ExitCode::from(2)
        }
        Ok(code) => ExitCode::from(code),
    }
}

/// Writes what a run leaves behind, and gives the exit status.
fn write(outcome: &Outcome) -> io::Result<u8> {
    let mut code = outcome.code;
    let failed = save_all(outcome).and_then(|()| link(outcome)).err();
    let mut out = io::stdout().lock();
    out.write_all(outcome.out.as_bytes())?;
    out.flush()?;
    let mut err = io::stderr().lock();
    let colours = match outcome.color {
        Color::Auto => has_colours(Stream::Stderr),
        Color::Always => true,
        Color::Never => false,
    };
    // What a command says of its files and links holds only if they are there.
    for note in outcome.notes.iter().filter(|_| failed.is_none()) {
        writeln!(err, "{}", if colours { tinted(note) } else { note.clone() })?;
    }
    if let Some((path, error)) = failed {
        writeln!(err, "error: `{}` cannot be written: {error}", safe(&path.display().to_string()))?;
        code = 2;
    }
    err.flush()?;
    Ok(code)
}

/// A note with its first word in colour.
fn tinted(note: &str) -> String {
    for (word, colour) in [("error:", AnsiColors::Red), ("warning:", AnsiColors::Yellow), ("hint:", AnsiColors::Cyan)] {
        if let Some(rest) = note.strip_prefix(word) {
            return format!("{}{rest}", word.color(colour));
        }
    }
    note.to_owned()
}

/// Writes every file, with the folders between the one that was named and it. Ends at the first that cannot be written.
fn save_all(outcome: &Outcome) -> Result<(), (PathBuf, io::Error)> {
    for file in &outcome.files {
        if let (Some(_), Some(parent)) = (&outcome.folder, file.path.parent()) {
            std::fs::create_dir_all(parent).map_err(|error| (parent.to_owned(), error))?;
        }
        save(file).map_err(|error| (file.path.clone(), error))?;
    }
    Ok(())
}

/// Makes the link of a command. What is in its place is replaced only if the command has found it to be ours.
#[cfg(unix)]
fn link(outcome: &Outcome) -> Result<(), (PathBuf, io::Error)> {
    let Some(LinkOut { path, target, replace }) = &outcome.link else { return Ok(()) };
    let made = if *replace {
        let part = part(path);
        std::os::unix::fs::symlink(target, &part).and_then(|()| std::fs::rename(&part, path))
    } else {
        std::os::unix::fs::symlink(target, path)
    };
    made.map_err(|error| (path.clone(), error))
}

/// Where links are not for everybody, commands make copies.
#[cfg(not(unix))]
fn link(_: &Outcome) -> Result<(), (PathBuf, io::Error)> {
    Ok(())
}

/// The name of a file that is not whole yet.
fn part(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    path.with_file_name(name)
}

/// Writes a file that only its owner may read. A file that is there already is replaced only when the new one is whole.
fn save(file: &FileOut) -> io::Result<()> {
    let part = part(&file.path);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut open = options.open(&part)?;
    let written = open.write_all(&file.content).and_then(|()| open.flush());
    let done = written.and_then(|()| std::fs::rename(&part, &file.path));
    if done.is_err() {
        // What is half written is of no use; the error that matters is the first one.
        let _ = std::fs::remove_file(&part);
    }
    done
}
