//! `review`.

use std::path::PathBuf;

use super::World;
use super::connection::ConnectionArgs;
use super::exit::{Exits, Failure, Outcome, notes};
use super::input::{InputArgs, OutputArgs, inputs};
use crate::collect::{Needs, StandardInput, read_reviews};
use crate::graph::AccessGraph;
use crate::model::ClusterId;
use crate::query::{Authorizers, Reviewed};
use crate::render::{self, ReviewItem, ReviewReport};

/// Answer SubjectAccessReview objects as the API server would.
///
/// User and groups count exactly as they are given: no group is added. An object that comes with `.status.allowed` is an
/// expectation, and one that is not met makes the exit status 1.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "kubectl rbac-lens review FILE... [flags]",
    after_help = "Examples:
  kubectl rbac-lens review expectations.yaml --demo
  kubectl rbac-lens review - -f cluster.json -o ndjson < reviews.ndjson"
)]
pub(super) struct Args {
    /// Files with reviews: YAML, JSON or NDJSON, or `-`.
    #[arg(required = true, value_name = "FILE")]
    reviews: Vec<PathBuf>,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn run(args: &Args, connection: &ConnectionArgs, world: &mut World<'_>) -> Result<Outcome, Failure> {
    let options = args.input.options(Needs::default());
    let (reviews, files) = read_reviews(&inputs(&args.reviews)?, world.stdin, &options)?;
    let from_stdin = args.reviews.iter().any(|path| path.as_os_str() == "-");
    let stdin = if from_stdin { StandardInput::Taken } else { StandardInput::Free };
    let facts = args.input.read(Needs::default(), connection, stdin, world)?;
    let graph = AccessGraph::new(facts.snapshot);
    let items: Vec<ReviewItem<'_>> = reviews
        .iter()
        .map(|review| ReviewItem {
            status: Reviewed::new(&graph, ClusterId::FIRST, &review.identity, &review.action, Authorizers::default()),
            review,
        })
        .collect();
    let unmet: Vec<&ReviewItem<'_>> = items
        .iter()
        .filter(|item| item.review.expected.is_some_and(|expected| expected != item.status.allowed))
        .collect();
    let mut lines = notes(graph.snapshot(), args.output.quiet);
    let place = |item: &ReviewItem<'_>| {
        let file = files.get(item.review.origin.file.0 as usize).map(String::as_str).unwrap_or_default();
        format!("{file}:{}", item.review.origin.line)
    };
    let word = |allowed: bool| if allowed { "allowed" } else { "denied" };
    lines.extend(unmet.iter().map(|item| {
        format!("error: {}: expected {}, is {}", place(item), word(!item.status.allowed), word(item.status.allowed))
    }));
    let gaps = graph.snapshot().gaps.len();
    let mut exits = Exits::default();
    exits.add(!unmet.is_empty(), 1, || format!("{} of {} reviews are not as expected", unmet.len(), items.len()));
    exits.add(args.input.strict && gaps > 0, 3, || format!("{gaps} gaps"));
    let report =
        ReviewReport { snapshot: graph.snapshot(), items: &items, metadata: facts.metadata, exit: exits.exit() };
    let out = render::reviews(&report, args.output.output, !args.output.no_headers).map_err(Failure::Usage)?;
    Ok(Outcome { out, notes: lines, code: report.exit.code, ..Outcome::default() })
}
