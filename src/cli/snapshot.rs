//! `snapshot`.

use std::path::PathBuf;

use super::World;
use super::connection::ConnectionArgs;
use super::exit::{Exits, Failure, FileOut, Outcome, notes};
use super::input::InputArgs;
use crate::collect::{Needs, StandardInput};
use crate::render::{self, safe};

/// Save what was read, for answers without the cluster.
///
/// The file holds roles, bindings, accounts, namespaces, pods, nodes and volumes as far as they are used, what --azure gives, what could
/// not be read, and no secret values. Every command reads it with `-f FILE`. Only its owner may read it.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "kubectl rbac-lens snapshot FILE [flags]",
    after_help = "Examples:
  kubectl rbac-lens snapshot cluster.ndjson.gz
  kubectl rbac-lens snapshot - --demo"
)]
pub(super) struct Args {
    /// Where to save; a name that ends in .gz is packed; `-` is standard output.
    file: PathBuf,
    #[command(flatten)]
    input: InputArgs,
    /// No notes, hints and counts on standard error.
    #[arg(short, long)]
    quiet: bool,
}

pub(super) fn run(args: &Args, connection: &ConnectionArgs, world: &mut World<'_>) -> Result<Outcome, Failure> {
    let facts = args.input.read(Needs::ALL, connection, StandardInput::Free, world)?;
    let packed = args.file.extension().is_some_and(|ending| ending == "gz");
    let mut content = Vec::new();
    let written = if packed {
        render::saved_gz(&facts.snapshot, &mut content)
    } else {
        render::saved(&facts.snapshot, &mut content)
    };
    written.map_err(|error| Failure::Internal(error.to_string()))?;
    let gaps = facts.snapshot.gaps.len();
    let mut exits = Exits::default();
    exits.add(args.input.strict && gaps > 0, 3, || format!("{gaps} gaps"));
    let mut lines = notes(&facts.snapshot, &[], args.quiet);
    let mut outcome = Outcome { code: exits.exit().code, ..Outcome::default() };
    if args.file.as_os_str() == "-" {
        outcome.out = String::from_utf8(content).map_err(|error| Failure::Internal(error.to_string()))?;
    } else {
        if !args.quiet {
            lines.push(format!("saved in {}", safe(&args.file.display().to_string())));
        }
        outcome.files.push(FileOut { path: args.file.clone(), content });
    }
    outcome.notes = lines;
    Ok(outcome)
}
