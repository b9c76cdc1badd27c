//! `review`.

use std::path::PathBuf;

use super::World;
use super::connection::ConnectionArgs;
use super::exit::{Exits, Failure, Outcome, count, notes};
use super::guard::guard_note;
use super::input::{AuthorizerArgs, InputArgs, OutputArgs, graph_of, inputs, node_gaps};
use crate::collect::{Needs, StandardInput, read_reviews};
use crate::model::{ClusterId, NODES, Review};
use crate::query::{Reviewed, node};
use crate::render::{Metadata, Print, ReviewItem, ReviewReport};

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
    authorizers: AuthorizerArgs,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn run(args: &Args, connection: &ConnectionArgs, world: &mut World<'_>) -> Result<Outcome, Failure> {
    let is_stdin = |paths: &[PathBuf]| paths.iter().any(|path| path.as_os_str() == "-");
    if is_stdin(&args.reviews) && args.input.takes_stdin() {
        return Err(Failure::Usage("standard input (`-`) can be read only once".to_owned()));
    }
    let wanted = args.output.wanted::<ReviewReport<'_>>(world.terminal)?;
    let options = args.input.options(Needs::default());
    let (reviews, files) = read_reviews(&inputs(&args.reviews)?, world.stdin, &options)?;
    let from_stdin = args.reviews.iter().any(|path| path.as_os_str() == "-");
    let stdin = if from_stdin { StandardInput::Taken } else { StandardInput::Free };
    let chain = args.authorizers.chain();
    let by_nodes =
        |review: &&Review| chain.node && review.identity.is_in(NODES) && node::depends_on_pods(&review.action);
    let needs = Needs { workloads: reviews.iter().any(|review| by_nodes(&review)), ..Needs::default() };
    let facts = args.input.read(needs, connection, stdin, world)?;
    let graph = graph_of(facts.snapshot);
    let guarded = args.authorizers.guarded(&graph);
    let items: Vec<ReviewItem<'_>> = reviews
        .iter()
        .map(|review| {
            let status = Reviewed::new(&graph, ClusterId::FIRST, &review.identity, &review.action, chain);
            ReviewItem { status: guarded.iter().fold(status, |status, own| own.reviewed(review, status)), review }
        })
        .collect();
    let unmet: Vec<&ReviewItem<'_>> = items
        .iter()
        .filter(|item| item.review.expected.is_some_and(|expected| expected != item.status.allowed))
        .collect();
    let about_nodes = reviews.iter().find(by_nodes);
    let mut missing = about_nodes.map_or_else(Vec::new, |review| node_gaps(&graph, &review.action, chain));
    // A no of Azure is one only where its role assignments were read.
    for own in guarded.iter() {
        let refused = items.iter().filter(|item| item.review.object_id.is_some() && !item.status.allowed);
        missing.extend(refused.flat_map(|item| own.review_gaps(item.review)));
    }
    missing.sort();
    missing.dedup();
    let mut lines = notes(graph.snapshot(), &missing, args.output.quiet);
    if !args.output.quiet {
        lines.extend(guard_note(&guarded));
        let unnamed = reviews.iter().filter(|review| review.object_id.is_none()).count();
        if guarded.is_ok() && unnamed > 0 {
            let some = count(unnamed, "review");
            lines.push(format!(
                "note: Azure is not asked about {some} without `spec.extra.oid`, the object id of the user"
            ));
        }
    }
    let place = |item: &ReviewItem<'_>| {
        let file = files.get(item.review.origin.file.0 as usize).map(String::as_str).unwrap_or_default();
        format!("{file}:{}", item.review.origin.line)
    };
    let word = |allowed: bool| if allowed { "allowed" } else { "denied" };
    lines.extend(unmet.iter().map(|item| {
        format!("error: {}: expected {}, is {}", place(item), word(!item.status.allowed), word(item.status.allowed))
    }));
    let metadata = Metadata { gaps: missing, without_azure: guarded.is_err(), ..facts.metadata };
    let gaps = metadata.missing(graph.snapshot());
    let mut exits = Exits::default();
    exits.add(!unmet.is_empty(), 1, || format!("{} of {} reviews are not as expected", unmet.len(), items.len()));
    exits.add(args.input.strict && gaps > 0, 3, || format!("{gaps} gaps"));
    let report = ReviewReport { snapshot: graph.snapshot(), items: &items, metadata, exit: exits.exit() };
    let printed = report.print(&wanted)?;
    Ok(Outcome::new(printed, lines, report.exit.code))
}
