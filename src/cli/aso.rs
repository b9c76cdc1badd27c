//! `aso`.

use clap::ValueEnum;

use super::World;
use super::connection::ConnectionArgs;
use super::exit::{Exits, Failure, Outcome, count, notes};
use super::first::without_azure;
use super::input::{InputArgs, OutputArgs, graph_of, namespace_hint};
use crate::collect::{Needs, StandardInput};
use crate::graph::AccessGraph;
use crate::model::{ClusterId, Gap, GapReason, Name};
use crate::query::{self, Aso, AsoOptions, AsoPower, AsoRights, TokenMode};
use crate::render::{self, AsoReport, Print, operator_line, safe};

/// The credentials of Azure Service Operator: whom they serve, what they may do in Azure, and who can use them.
///
/// One row for each credential; -o wide has one for each resource. Who may write any resource of ASO in a namespace acts in Azure by
/// the credentials that serve it.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "kubectl rbac-lens aso [flags]",
    after_help = "Examples:
  kubectl rbac-lens aso --demo
  kubectl rbac-lens aso -n dev -o wide --demo
  kubectl rbac-lens aso --assume strict -o yaml --demo
  kubectl rbac-lens aso -A --azure ./azure"
)]
pub(super) struct Args {
    /// In all namespaces. The default for files.
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// As if every operator gave Azure its own token for all namespaces (relaxed), or that of an account in each (strict).
    #[arg(long, value_name = "relaxed|strict")]
    assume: Option<Assume>,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Assume {
    Relaxed,
    Strict,
}

impl Assume {
    fn mode(self) -> TokenMode {
        match self {
            Assume::Relaxed => TokenMode::Relaxed,
            Assume::Strict => TokenMode::Strict,
        }
    }
}

pub(super) fn run(args: &Args, connection: &ConnectionArgs, world: &mut World<'_>) -> Result<Outcome, Failure> {
    let wanted = args.output.wanted::<AsoReport<'_, '_>>(world.terminal)?;
    // Pods and nodes say nothing of credentials.
    let needs = Needs { escalations: true, ..Needs::default() };
    let facts = args.input.read(needs, connection, StandardInput::Free, world)?;
    let namespace = args.input.namespace.clone().or(facts.context_namespace.clone()).filter(|_| !args.all_namespaces);
    let graph = graph_of(facts.snapshot);
    let assume = args.assume.map(Assume::mode);
    let aso = Aso::new(&graph, ClusterId::FIRST, AsoOptions { assume });
    let power = AsoPower::new(graph.azure());
    let rights = AsoRights::new(&graph, ClusterId::FIRST);
    let only = namespace.as_deref().map(|text| graph.snapshot().names.find(text).unwrap_or(Name::EMPTY));
    let rows = aso.rows(&rights, only);
    let failing = aso.failing(only);
    let mut missing = unknown(&aso, &graph, only);
    missing.extend(aso.azure_gaps());
    let gaps = graph.snapshot().gaps.len() + missing.len();
    let mut exits = Exits::default();
    exits.add(args.input.strict && gaps > 0, 3, || format!("{gaps} gaps"));
    let report = AsoReport {
        graph: &graph,
        aso: &aso,
        power: &power,
        rows: &rows,
        failing: &failing,
        namespace: namespace.as_deref(),
        assume,
        metadata: render::Metadata { gaps: missing, ..facts.metadata },
        exit: exits.exit(),
    };
    let printed = report.print(&wanted)?;
    let mut lines = notes(graph.snapshot(), &report.metadata.gaps, args.output.quiet);
    if !args.output.quiet {
        lines.extend(namespace.as_deref().and_then(|namespace| namespace_hint(&graph, namespace)));
        lines.extend(told(&report));
    }
    Ok(Outcome::new(printed, lines, report.exit.code))
}

/// What could not be found out of resources, by namespace.
fn unknown(aso: &Aso<'_>, graph: &AccessGraph, only: Option<Name>) -> Vec<Gap> {
    let mut by_namespace = std::collections::BTreeMap::<Name, usize>::new();
    for (resource, used) in aso.resources() {
        if used.outcome == query::Outcome::Unknown && only.is_none_or(|namespace| resource.namespace == namespace) {
            *by_namespace.entry(resource.namespace).or_default() += 1;
        }
    }
    let gap = |(namespace, resources): (Name, usize)| Gap {
        api_group: String::new(),
        resource: "secrets".to_owned(),
        namespace: Some(graph.text(namespace).to_owned()),
        except: Vec::new(),
        reason: GapReason::NotInInput,
        message: format!(
            "the credential of {} in namespace {} is unknown, since the Secrets that decide it were not read",
            count(resources, "resource"),
            graph.text(namespace)
        ),
    };
    by_namespace.into_iter().map(gap).collect()
}

/// What there is, in words.
fn told(report: &AsoReport<'_, '_>) -> Vec<String> {
    let (graph, aso) = (report.graph, report.aso);
    let mut lines: Vec<String> =
        aso.operators().map(|(_, operator)| format!("note: {}", safe(&operator_line(graph, operator)))).collect();
    if lines.is_empty() {
        let is_there = !graph.snapshot().aso_definitions.is_empty() || aso.resources().next().is_some();
        let what =
            if is_there { "its kinds are installed, and nothing is done for them" } else { "nothing of it was read" };
        lines.push(format!("note: no operator of Azure Service Operator was found; {what}"));
    }
    lines.extend(without_azure(aso, report.power.is_known()).filter(|_| !report.rows.is_empty()));
    let resources =
        aso.resources().filter(|(at, _)| report.namespace.is_none_or(|only| graph.text(at.namespace) == only));
    let (mut all, mut dormant) = (0, 0);
    for (_, used) in resources {
        all += 1;
        dormant += usize::from(matches!(used.outcome, query::Outcome::NotReconciled(_)));
    }
    let mut counts = vec![count(report.rows.len(), "credential"), count(all, "resource")];
    if dormant > 0 {
        counts.push(format!("{dormant} that nobody reconciles"));
    }
    let broken = report.rows.iter().filter(|row| aso.credential(row.credential).problem.is_some()).count();
    if broken > 0 {
        counts.push(format!("{} broken", count(broken, "credential")));
    }
    lines.push(counts.join("; "));
    lines
}
