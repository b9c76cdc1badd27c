//! `why`.

use super::World;
use super::connection::ConnectionArgs;
use super::exit::{Exits, Failure, Outcome, notes};
use super::guard::guard_note;
use super::input::{AuthorizerArgs, InputArgs, OutputArgs, graph_of, node_gaps};
use super::what_can::IdentityArgs;
use super::who_can::Asked;
use crate::collect::{Needs, StandardInput};
use crate::model::{ClusterId, Decision, NODES, ResourceTable};
use crate::query::{concerning, why};
use crate::render::{GuardVerdict, Metadata, Print, WhyReport};

/// Why a subject can do something; or, when it cannot, what comes nearest and what it lacks.
///
/// The exit status is 0 for yes and 1 for no.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "kubectl rbac-lens why SUBJECT VERB RESOURCE [NAME] [flags]\n       kubectl rbac-lens why SUBJECT VERB /PATH [flags]",
    after_help = "Examples:
  kubectl rbac-lens why group:dev-team get secrets -n dev --demo
  kubectl rbac-lens why sa:cicd/deployer get secrets -n prod --demo
  kubectl rbac-lens why user:alice@contoso.example get pods/log -n shared --demo"
)]
pub(super) struct Args {
    /// Who: user:NAME, group:NAME, sa:NAMESPACE/NAME or node:NAME.
    subject: String,
    /// The verb.
    verb: String,
    /// The resource, or a path.
    resource: String,
    /// The name of one object.
    name: Option<String>,
    /// The subresource, when it cannot be told from a name.
    #[arg(long)]
    subresource: Option<String>,
    /// In any namespace. The default for files.
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    #[command(flatten)]
    who: IdentityArgs,
    #[command(flatten)]
    authorizers: AuthorizerArgs,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn run(args: &Args, connection: &ConnectionArgs, world: &mut World<'_>) -> Result<Outcome, Failure> {
    let wanted = args.output.wanted::<WhyReport<'_>>(world.terminal)?;
    let identity = args.who.identity(&args.subject)?;
    let chain = args.authorizers.chain();
    let (verb, resource) = (&args.verb, &args.resource);
    let (name, subresource) = (args.name.as_deref(), args.subresource.as_deref());
    let early = Asked::new(&ResourceTable::new(&[], false), verb, resource, name, subresource)?;
    // Only a node's answer depends on pods.
    let is_node = identity.is_in(NODES);
    let needs = Needs {
        definitions: true,
        workloads: is_node && args.authorizers.needs(early.action()).workloads,
        ..Needs::default()
    };
    let facts = args.input.read(needs, connection, StandardInput::Free, world)?;
    let table = ResourceTable::new(&facts.snapshot.resources, facts.snapshot.discovered);
    let asked = Asked::new(&table, verb, resource, name, subresource)?;
    let namespace = args.input.namespace.clone().or(facts.context_namespace.clone()).filter(|_| !args.all_namespaces);
    let placed = asked.place(namespace, args.input.namespace.is_some());
    let graph = graph_of(facts.snapshot);
    let mut answer = why(&graph, ClusterId::FIRST, &identity, &placed.action, &placed.place, chain);
    let mut missing = if is_node { node_gaps(&graph, &placed.action, chain) } else { Vec::new() };
    let guarded = args.authorizers.guarded(&graph);
    let in_azure = guarded.as_ref().ok().and_then(|own| own.why(&identity, &placed.action, &placed.place));
    if let (false, Ok(own)) = (answer.allowed(), &guarded) {
        missing.extend(own.gaps(&identity, &placed.action, &placed.place));
    }
    let concerned = concerning(&graph, &placed.place).into_iter().filter(|gap| guarded.is_ok() || !gap.is_of_azure());
    let unread = concerned.count() + missing.len();
    let metadata = Metadata { gaps: missing, without_azure: guarded.is_err(), ..facts.metadata };
    let gaps = metadata.missing(graph.snapshot());
    let beyond = in_azure.as_ref().map_or(Decision::Denied, GuardVerdict::decision);
    let decision = match (answer.allowed(), beyond, unread) {
        (true, ..) => Decision::Allowed,
        (false, Decision::Denied, 0) => Decision::Denied,
        (false, Decision::Denied, _) => Decision::Unknown,
        (false, beyond, _) => beyond,
    };
    if decision == Decision::Allowed {
        answer.misses.clear();
    }
    let mut exits = Exits::default();
    exits.add(decision == Decision::Denied, 1, || "no".to_owned());
    exits.add(decision == Decision::Unknown, 1, || format!("not found, {unread} lists unread"));
    let open = matches!(decision, Decision::Conditional | Decision::Eligible);
    exits.add(open, 1, || format!("{}, by Azure", decision.as_str()));
    exits.add(args.input.strict && gaps > 0, 3, || format!("{gaps} gaps"));
    let report = WhyReport {
        graph: &graph,
        subject: &args.subject,
        identity: &identity,
        action: &placed.action,
        answer: &answer,
        azure: in_azure.as_ref(),
        decision,
        unread,
        metadata,
        exit: exits.exit(),
    };
    let printed = report.print(&wanted)?;
    let mut lines = notes(graph.snapshot(), &report.metadata.gaps, args.output.quiet);
    if !args.output.quiet {
        lines.splice(0..0, asked.notes().chain(placed.notes_in(&graph)));
        lines.extend(guard_note(&guarded));
    }
    Ok(Outcome::new(printed, lines, report.exit.code))
}
