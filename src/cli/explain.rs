//! `explain`.

use super::exit::{Failure, Outcome};
use crate::render;
use crate::rules::{CATALOGUE, CHECKS, check, technique};

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
                let near = match near(id) {
                    near if near.is_empty() => String::new(),
                    near => format!("did you mean `{}`? ", near.join("`, `")),
                };
                Failure::Usage(format!(
                    "there is no technique or check `{id}`; {near}`kubectl rbac-lens explain` and `kubectl rbac-lens checks --list` \
                     have all"
                ))
            };
            vec![technique(id).ok_or_else(unknown)?]
        }
    };
    Ok(Outcome { out: render::explain(&found, !args.no_headers), ..Outcome::default() })
}

/// The ids that begin as what was typed does, with as many letters as any.
fn near(typed: &str) -> Vec<&'static str> {
    let ids = CATALOGUE.iter().map(|technique| technique.id).chain(CHECKS.iter().map(|check| check.id));
    let same =
        |id: &str| id.chars().zip(typed.chars()).take_while(|(one, other)| one.eq_ignore_ascii_case(other)).count();
    let ranked: Vec<(usize, &str)> = ids.map(|id| (same(id), id)).collect();
    let most = ranked.iter().map(|(same, _)| *same).max().unwrap_or(0);
    ranked.into_iter().filter(|(same, _)| *same == most && most > 3).map(|(_, id)| id).collect()
}
