//! `explain`.

use super::exit::{Failure, Outcome};
use crate::render;
use crate::rules::{CATALOGUE, technique};

/// What a technique is: what it needs, what it gains, why it works, and how to take it away.
///
/// Without an id: every technique, a line each.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubectl rbac-lens explain
  kubectl rbac-lens explain bind-role")]
pub(super) struct Args {
    /// The id, as `escalations` prints it.
    id: Option<String>,
    /// Leave out the heads of the columns.
    #[arg(long)]
    no_headers: bool,
}

pub(super) fn run(args: &Args) -> Result<Outcome, Failure> {
    let found = match &args.id {
        None => CATALOGUE.to_vec(),
        Some(id) => {
            let unknown = || {
                let known: Vec<&str> = CATALOGUE.iter().map(|technique| technique.id).collect();
                Failure::Usage(format!("there is no technique `{id}`; there are: {}", known.join(", ")))
            };
            vec![technique(id).ok_or_else(unknown)?]
        }
    };
    Ok(Outcome { out: render::explain(&found, !args.no_headers), ..Outcome::default() })
}
