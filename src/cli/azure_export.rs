//! `azure-export`.

use std::path::{Path, PathBuf};

use super::World;
use super::exit::{Exits, Failure, FileOut, Outcome, count};
use crate::collect::{AzureExport, AzureWanted, azure_commands, export_azure, is_file};
use crate::render::safe;

/// Save Azure's side with your own az, to be read with --azure.
///
/// Runs az, which has to be installed and logged in, once for each list: role assignments, custom roles, deny assignments, what PIM
/// lets somebody activate, identities with their federated credentials, clusters, registries, vaults, management groups, and who is in
/// the groups that have roles or are given. Every command only reads. What you may not read is reported and left out.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "kubectl rbac-lens azure-export DIR [flags]",
    after_help = "Examples:
  kubectl rbac-lens azure-export azure
  kubectl rbac-lens azure-export azure --subscription 11111111-0000-0000-0000-000000000001
  kubectl rbac-lens azure-export azure --group eeeeeeee-0000-0000-0000-000000000001
  kubectl rbac-lens azure-export --print-commands"
)]
pub(super) struct Args {
    /// The folder to save in; it is made if it is not there.
    #[arg(required_unless_present = "print_commands")]
    dir: Option<PathBuf>,
    /// Only this subscription, by id; may be given several times. Without it, all that az is logged in to.
    #[arg(long, value_name = "ID")]
    subscription: Vec<String>,
    /// Also who is in this group, by object id; may be given several times: for groups that only bindings of the cluster name.
    #[arg(long, value_name = "ID")]
    group: Vec<String>,
    /// Print the commands and run none of them.
    #[arg(long, conflicts_with_all = ["dir", "subscription", "group"])]
    print_commands: bool,
    /// Exit with 3 when something could not be read.
    #[arg(long)]
    strict: bool,
    /// No notes and counts on standard error.
    #[arg(short, long)]
    quiet: bool,
}

pub(super) fn run(args: &Args, world: &mut World<'_>) -> Result<Outcome, Failure> {
    let Some(folder) = args.dir.as_ref().filter(|_| !args.print_commands) else {
        return Ok(Outcome { out: azure_commands(), ..Outcome::default() });
    };
    let wanted = AzureWanted { subscriptions: &args.subscription, groups: &args.group };
    let done = export_azure(wanted, world.progress).map_err(Failure::Usage)?;
    let old = of_an_earlier_run(folder, &done);
    let mut exits = Exits::default();
    exits.add(args.strict && !done.failures.is_empty(), 3, || format!("{} not read", done.failures.len()));
    exits.add(args.strict && !old.is_empty(), 3, || format!("{} of an earlier run", count(old.len(), "file")));
    let mut lines = Vec::new();
    if !args.quiet {
        lines.extend(
            done.failures
                .iter()
                .map(|failed| format!("warning: `{}` {}", safe(&failed.command), safe(&failed.message))),
        );
        lines.extend(old.iter().map(|file| {
            let file = file.display().to_string();
            format!("warning: {} is of an earlier run; remove it, or what it says is taken for current", safe(&file))
        }));
        let saved = count(done.files.len(), "list");
        let missing = match done.failures.len() {
            0 => String::new(),
            some => format!("; {some} could not be read"),
        };
        let folder = folder.display().to_string();
        lines.push(format!("{saved} saved in {0}{missing}; read them with --azure {0}", safe(&folder)));
    }
    let file = |(name, text): (String, String)| FileOut { path: folder.join(name), content: text.into_bytes() };
    Ok(Outcome {
        notes: lines,
        code: exits.exit().code,
        folder: Some(folder.clone()),
        files: done.files.into_iter().map(file).collect(),
        ..Outcome::default()
    })
}

/// The files of an earlier run that stand where the answers would be that could not be read.
fn of_an_earlier_run(folder: &Path, done: &AzureExport) -> Vec<PathBuf> {
    done.failures.iter().map(|failed| folder.join(&failed.file)).filter(|file| is_file(file)).collect()
}
