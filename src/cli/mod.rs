//! Floor 6: words typed become calls, and answers become text and an exit status. Nothing is decided about RBAC here, and nothing
//! is written: `main` writes.

mod aso;
mod azure;
mod azure_export;
mod checks;
mod complete;
mod completion;
mod connection;
mod escalations;
mod exit;
mod explain;
mod first;
mod graph;
mod guard;
mod help;
mod input;
mod mistake;
mod review;
mod search;
mod snapshot;
mod what_can;
mod who_can;
mod why;

use std::ffi::OsString;
use std::io::Read;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use connection::ConnectionArgs;
use exit::Failure;

use crate::collect::Progress;
use crate::render::Look;
pub use exit::{FileOut, LinkOut, Outcome};

/// What a run may use of the world around it.
pub struct World<'w> {
    /// Standard input.
    pub stdin: &'w mut dyn Read,
    /// Called while a cluster is read.
    pub progress: &'w (dyn Fn(&Progress) + Sync),
    /// The time, in seconds since 1970. Nothing but the expiry of suppressions looks at it.
    pub now: i64,
    /// How standard output looks: the width of its terminal, and whether it has colours and nobody minds them.
    pub terminal: Look,
}

/// Find who can do what in Kubernetes, and why.
///
/// Answers come from the cluster of the current context, or with -f from manifests, dumps and saved snapshots. Nothing is
/// ever written to a cluster. Of Secrets nothing is kept but their names, and of Azure Service Operator's credentials the ids.
#[derive(Debug, Parser)]
#[command(
    name = "rbac-lens",
    bin_name = "kubectl rbac-lens",
    version,
    disable_help_subcommand = true,
    infer_subcommands = false
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Colours: where standard output is a terminal that has them (auto, which NO_COLOR, CLICOLOR, CLICOLOR_FORCE and FORCE_COLOR
    /// change as elsewhere), always or never.
    #[arg(long, global = true, value_name = "auto|always|never", default_value = "auto", help_heading = "Output")]
    color: Color,
    #[command(flatten)]
    verbosity: VerbosityArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// When there are colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// Where a terminal has them.
    #[default]
    Auto,
    /// Into files and pipes as well.
    Always,
    /// Nowhere.
    Never,
}

/// How much to tell beside the answer.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
struct VerbosityArgs {
    /// No notes, hints, counts and progress on standard error.
    #[arg(short, long, global = true, display_order = 900)]
    quiet: bool,
    /// Tell on standard error: 1 what is read, 2 how long each stage takes, 6 each request, without headers and bodies.
    #[arg(short, long = "v", global = true, value_name = "N", display_order = 900)]
    verbosity: Option<u8>,
}

/// How much `-v` asks for, read before anything is done. What is wrong with a line is found when it is run.
pub fn verbosity(words: &[OsString]) -> u8 {
    let may_ask = |word: &OsString| {
        let word = word.to_string_lossy();
        match word.strip_prefix("--") {
            Some(long) => long == "v" || long.starts_with("v="),
            None => word.starts_with('-') && word.contains('v'),
        }
    };
    if !words.iter().any(may_ask) {
        return 0;
    }
    let read = Cli::command().ignore_errors(true).try_get_matches_from(words).ok();
    read.and_then(|read| read.get_one::<u8>("verbosity").copied()).unwrap_or(0)
}

#[derive(Debug, Subcommand)]
enum Command {
    WhoCan(Box<who_can::Args>),
    WhatCan(Box<what_can::Args>),
    Why(Box<why::Args>),
    Escalations(Box<escalations::Args>),
    Aso(Box<aso::Args>),
    Checks(Box<checks::Args>),
    Explain(explain::Args),
    Graph(Box<graph::Args>),
    Review(Box<review::Args>),
    Snapshot(Box<snapshot::Args>),
    AzureExport(azure_export::Args),
    Completion(completion::Args),
    Help(help::Args),
    Version(help::VersionArgs),
}

/// Runs one command line.
pub fn run(words: impl IntoIterator<Item = OsString>, world: &mut World<'_>) -> Outcome {
    let words: Vec<OsString> = words.into_iter().collect();
    if let Some(words) = completion::asked(&words) {
        return completion::answer(&command(), &words);
    }
    if words.len() <= 1 {
        return help::first_page();
    }
    let cli = match command().try_get_matches_from(words).and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => return Outcome::of_clap(&error),
    };
    if cli.verbosity.quiet {
        world.progress = &|_| ();
    }
    match cli.color {
        Color::Auto => {}
        Color::Always => world.terminal.colour = true,
        Color::Never => world.terminal.colour = false,
    }
    let _all = tracing::debug_span!("all of it").entered();
    let done = match cli.command {
        Command::WhoCan(args) => who_can::run(&args, &cli.connection, world),
        Command::WhatCan(args) => what_can::run(&args, &cli.connection, world),
        Command::Why(args) => why::run(&args, &cli.connection, world),
        Command::Escalations(args) => escalations::run(&args, &cli.connection, world),
        Command::Aso(args) => aso::run(&args, &cli.connection, world),
        Command::Checks(args) => checks::run(&args, &cli.connection, world),
        Command::Explain(args) => explain::run(&args),
        Command::Graph(args) => graph::run(&args, &cli.connection, world),
        Command::Review(args) => review::run(&args, &cli.connection, world),
        Command::Snapshot(args) => snapshot::run(&args, &cli.connection, world),
        Command::AzureExport(args) => azure_export::run(&args, world),
        Command::Completion(args) => completion::run(&args),
        Command::Help(args) => Ok(help::run(&args)),
        Command::Version(_) => Ok(help::version()),
    };
    let outcome = done.unwrap_or_else(|failure: Failure| failure.into());
    Outcome { color: cli.color, ..outcome }
}

/// The command line itself, for tests over all of its help.
pub fn command() -> clap::Command {
    help::grouped(Cli::command())
}
