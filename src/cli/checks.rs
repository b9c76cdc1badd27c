//! `checks`.

use super::World;
use super::connection::ConnectionArgs;
use super::exit::{Exits, Failure, Outcome, count, notes};
use super::input::{InputArgs, Level, OutputArgs, graph_of};
use crate::collect::{Needs, StandardInput};
use crate::model::ClusterId;
use crate::query::{Aso, AsoOptions};
use crate::render::{self, ChecksReport, Print};
use crate::rules::{CHECKS, Check, check, run_checks};

/// Recommended practices that are broken, most severe first, each with the command that puts it right.
///
/// `explain ID` tells why a practice is recommended.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "kubectl rbac-lens checks [flags]",
    after_help = "Examples:
  kubectl rbac-lens checks --demo
  kubectl rbac-lens checks --only ASO-001,ASO-020 -o wide --demo
  kubectl rbac-lens checks --skip ASO-006 -o yaml --demo
  kubectl rbac-lens checks --list"
)]
pub(super) struct Args {
    /// Every check, a line each, and nothing else.
    #[arg(long)]
    list: bool,
    /// Only these checks.
    #[arg(long, value_name = "ID,...", value_delimiter = ',')]
    only: Vec<String>,
    /// All but these checks.
    #[arg(long, value_name = "ID,...", value_delimiter = ',')]
    skip: Vec<String>,
    /// Exit with 1 when there is a finding of this severity or above.
    #[arg(long, value_name = "info|low|medium|high|critical")]
    fail_on: Option<Level>,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn run(args: &Args, connection: &ConnectionArgs, world: &mut World<'_>) -> Result<Outcome, Failure> {
    let [only, skip] = [known(&args.only)?, known(&args.skip)?];
    if args.list {
        return Ok(Outcome { out: render::check_list(!args.output.no_headers), ..Outcome::default() });
    }
    let output = args.output.wanted::<ChecksReport<'_>>(world.terminal)?;
    let wanted = |check: &Check| (only.is_empty() || only.contains(&check.id)) && !skip.contains(&check.id);
    let asked: Vec<&'static str> = CHECKS.iter().filter(|check| wanted(check)).map(|check| check.id).collect();
    let needs = Needs { escalations: true, ..Needs::default() };
    let facts = args.input.read(needs, connection, StandardInput::Free, world)?;
    let graph = graph_of(facts.snapshot);
    let found = run_checks(&graph, ClusterId::FIRST, AsoOptions::default(), &wanted);
    let aso = graph.snapshot().azure.given.then(|| Aso::new(&graph, ClusterId::FIRST, AsoOptions::default()));
    let missing = aso.map(|aso| aso.azure_gaps()).unwrap_or_default();
    let gaps = graph.snapshot().gaps.len() + missing.len();
    let mut exits = Exits::default();
    if let Some(level) = args.fail_on.map(Level::severity) {
        let severe = found.findings.iter().filter(|finding| finding.severity >= level).count();
        exits.add(severe > 0, 1, || format!("{} of severity {} or above", count(severe, "finding"), level.as_str()));
    }
    exits.add(args.input.strict && gaps > 0, 3, || format!("{gaps} gaps"));
    let unanswered = found.unanswered.len();
    exits.add(args.input.strict && unanswered > 0, 3, || format!("{} without an answer", count(unanswered, "check")));
    let metadata = render::Metadata { gaps: missing, ..facts.metadata };
    let report = ChecksReport { graph: &graph, found: &found, asked: &asked, metadata, exit: exits.exit() };
    let printed = report.print(&output)?;
    let mut lines = notes(graph.snapshot(), &report.metadata.gaps, args.output.quiet);
    if !args.output.quiet {
        for (check, lacks) in &found.unanswered {
            lines.push(format!("note: {check} cannot be answered without {lacks}"));
        }
        lines.push(match found.findings.len() {
            0 => format!("nothing found by {}", count(asked.len(), "check")),
            some => format!("{} by {}", count(some, "finding"), count(asked.len(), "check")),
        });
    }
    Ok(Outcome::new(printed, lines, report.exit.code))
}

/// The checks that words name.
fn known(words: &[String]) -> Result<Vec<&'static str>, Failure> {
    let id = |word: &String| {
        check(word).map(|check| check.id).ok_or_else(|| {
            let all: Vec<&str> = CHECKS.iter().map(|check| check.id).collect();
            Failure::Usage(format!("there is no check `{word}`; there are: {}", all.join(", ")))
        })
    };
    words.iter().map(id).collect()
}
