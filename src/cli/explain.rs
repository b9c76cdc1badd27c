//! `explain`.

use super::exit::{Failure, Outcome};
use crate::render;
use crate::rules::{CATALOGUE, check, technique};

/// What a technique is: what it needs, what it gains, why it works, and how to take it away. Or why a check is recommended.
///
/// Without an id: every technique, a line each; `checks --list` has the checks.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubectl rbac-lens explain
  kubectl rbac-lens explain bind-role
  kubectl rbac-lens explain ASO-001")]
pub(super) struct Args {
    /// The id, as `escalations` or `checks` prints it.
    id: Option<String>,
    /// Leave out the heads of the columns.
    #[arg(long)]
    no_headers: bool,
}

pub(super) fn run(args: &Args) -> Result<Outcome, Failure> {
    if let Some(check) = args.id.as_deref().and_then(check) {
        return Ok(Outcome { out: render::explain_check(check), ..Outcome::default() });
    }
    let found = match &args.id {
        None => CATALOGUE.to_vec(),
        Some(id) => {
            let unknown = || {
                let known: Vec<&str> = CATALOGUE.iter().map(|technique| technique.id).collect();
                Failure::Usage(format!(
                    "there is no technique or check `{id}`; there are: {}; and the checks of `checks --list`",
                    known.join(", ")
                ))
            };
            vec![technique(id).ok_or_else(unknown)?]
        }
    };
    Ok(Outcome { out: render::explain(&found, !args.no_headers), ..Outcome::default() })
}
