//! `graph`.

use super::World;
use super::connection::ConnectionArgs;
use super::exit::{Exits, Failure, FileOut, Outcome, count, notes};
use super::input::{InputArgs, SaveArgs, System, graph_of, namespace_hint};
use super::search::SearchArgs;
use crate::collect::{Needs, StandardInput};
use crate::graph::AccessGraph;
use crate::model::{ClusterId, Thing};
use crate::query::{Aso, AsoOptions, SystemFilter, azure_gaps};
use crate::render::{self, GraphAsked, GraphFormat, GraphFormatError, GraphReport, Metadata, safe};
use crate::rules::{Around, Ask, Finding, Picture, PictureAsk, escalations, find, finding_by, picture, picture_of};

/// A picture of who is bound to what, and where that leads in Azure; or of one finding's steps.
///
/// Large pictures are grouped and say so, and nothing is cut. Pods, nodes and Secrets are drawn around a thing only.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "kubectl rbac-lens graph [--finding FINGERPRINT | --around THING] [flags]",
    after_help = "Examples:
  kubectl rbac-lens graph --demo
  kubectl rbac-lens graph --finding 19395f9cbed20717 --demo
  kubectl rbac-lens graph --finding dd2eebb694687882 --to node --save yaml=finding.yaml --demo
  kubectl rbac-lens graph --around sa:cicd/deployer --depth 3 -o mermaid --demo
  kubectl rbac-lens graph -n dev -o json --demo"
)]
pub(super) struct Args {
    /// Only the steps of one finding, with what grants them: its fingerprint, as escalations -o wide prints it, or the beginning.
    #[arg(long, value_name = "FINGERPRINT", conflicts_with = "around")]
    finding: Option<String>,
    /// Only what leads to a thing and what it leads to: user:NAME, group:NAME, sa:NAMESPACE/NAME, pod:NAMESPACE/NAME, node:NAME,
    /// secret:NAMESPACE/NAME, rolebinding:NAMESPACE/NAME, clusterrolebinding:NAME, role:NAMESPACE/NAME, clusterrole:NAME,
    /// identity:CLIENT-ID, principal:OBJECT-ID, roleassignment:ID, cluster:NAME or azure:SCOPE.
    #[arg(long, value_name = "THING")]
    around: Option<String>,
    /// With --around: how many edges away at most.
    #[arg(long, value_name = "N", default_value_t = 3, requires = "around")]
    depth: usize,
    /// In all namespaces. The default for files.
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// From how many nodes on what is alike is drawn as one.
    #[arg(long, value_name = "N", default_value_t = 150)]
    max_nodes: usize,
    /// Subjects of Kubernetes itself and of the platform; hidden unless something else is said, and shown around a thing.
    #[arg(long, value_name = "show|hide|only")]
    system: Option<System>,
    #[command(flatten, next_help_heading = "With --finding, as escalations found it")]
    search: SearchArgs,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    output: PictureArgs,
}

/// So many fingerprints are named that begin with what was typed.
const FEW: usize = 5;

/// How to print.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
struct PictureArgs {
    /// How to print: dot (the default, for Graphviz), mermaid, graphml, json or yaml.
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<String>,
    #[command(flatten)]
    save: SaveArgs,
    #[arg(from_global)]
    quiet: bool,
}

pub(super) fn run(args: &Args, connection: &ConnectionArgs, world: &mut World<'_>) -> Result<Outcome, Failure> {
    let parse = |word: &str| word.parse().map_err(|error: GraphFormatError| Failure::Usage(error.to_string()));
    let format: GraphFormat = args.output.output.as_deref().map(parse).transpose()?.unwrap_or_default();
    let saves = args.output.save.parse(parse)?;
    let search = args.search.parse()?;
    if let Some(flag) = args.search.given().filter(|_| args.finding.is_none()) {
        return Err(Failure::Usage(format!(
            "{flag} goes with --finding FINGERPRINT; --around THING draws what leads to a thing and what it leads to"
        )));
    }
    let around = args.around.as_deref().map(Thing::parse).transpose();
    let around = around.map_err(|error| Failure::Usage(error.to_string()))?;
    let mut facts = args.input.read(Needs::ALL, connection, StandardInput::Free, world)?;
    let whole = args.finding.is_some() || around.is_some() || args.all_namespaces;
    let namespace = args.input.namespace.clone().or(facts.context_namespace.clone()).filter(|_| !whole);
    let name = namespace.as_deref().map(|namespace| facts.snapshot.names.intern(namespace));
    let mut usual = search.ask(&mut facts.snapshot)?;
    let graph = graph_of(facts.snapshot);
    search.finish(&graph, &mut usual)?;
    let drawn = match (&args.finding, &around) {
        (Some(fingerprint), _) => of_finding(&graph, fingerprint, &usual, args.system)?,
        (None, thing) => {
            let usual = if thing.is_some() { SystemFilter::Show } else { SystemFilter::Hide };
            let mut ask = PictureAsk {
                cluster: ClusterId::FIRST,
                namespace: name,
                around: None,
                system: args.system.map_or(usual, System::filter),
                max_nodes: args.max_nodes,
            };
            if let Some(thing) = thing {
                ask.around = Some(Around { item: center(&graph, thing)?, depth: args.depth });
            }
            let alone = || {
                let thing = args.around.as_deref().unwrap_or_default();
                Failure::Usage(format!("nothing is at most {} away from `{thing}`", count(args.depth, "edge")))
            };
            picture(&graph, &ask).ok_or_else(alone)?
        }
    };
    let kube_version = args.finding.as_ref().and(usual.version).map(|(major, minor)| format!("{major}.{minor}"));
    let mut missing = azure_gaps(&graph.azure());
    missing.extend(Aso::new(&graph, ClusterId::FIRST, AsoOptions { assume: usual.assume }).azure_gaps());
    let gaps = graph.snapshot().gaps.len() + missing.len();
    let mut exits = Exits::default();
    exits.add(args.input.strict && gaps > 0, 3, || format!("{gaps} gaps"));
    let report = GraphReport {
        graph: &graph,
        picture: &drawn,
        asked: GraphAsked {
            finding: args.finding.as_deref(),
            around: args.around.as_deref().map(|thing| (thing, args.depth)),
            namespace: namespace.as_deref(),
            search: args.search.asked(args.system, kube_version.as_deref()),
        },
        metadata: Metadata { gaps: missing, ..facts.metadata },
        exit: exits.exit(),
    };
    let out = render::graph(&report, format).map_err(Failure::Internal)?;
    let file = |(format, path)| {
        let content = render::graph(&report, format).map_err(Failure::Internal)?.into_bytes();
        Ok(FileOut { path, content })
    };
    let files = saves.into_iter().map(file).collect::<Result<_, Failure>>()?;
    let mut lines = notes(graph.snapshot(), &report.metadata.gaps, args.output.quiet);
    if !args.output.quiet {
        lines.extend(namespace.as_deref().and_then(|namespace| namespace_hint(&graph, namespace)));
        lines.extend(told(&drawn));
    }
    Ok(Outcome { out, notes: lines, code: report.exit.code, files, ..Outcome::default() })
}

/// The thing in the middle.
fn center(graph: &AccessGraph, thing: &Thing) -> Result<crate::rules::Item, Failure> {
    let absent = || match thing {
        Thing::Namespace(name) | Thing::Pods(name) => {
            Failure::Usage(format!("`{thing}` is no one thing; -n {name} draws a namespace"))
        }
        _ => Failure::Usage(format!("the input has no `{thing}`")),
    };
    find(graph, ClusterId::FIRST, thing).ok_or_else(absent)
}

/// The steps of a finding. Those that start with system subjects, and those that something stops, are looked at when no other has
/// that fingerprint.
fn of_finding(graph: &AccessGraph, fingerprint: &str, usual: &Ask, system: Option<System>) -> Result<Picture, Failure> {
    let mut ask = Ask { system: system.map_or(SystemFilter::Hide, System::filter), ..usual.clone() };
    let mut found = escalations(graph, &ask);
    if matches!(finding_by(&found.findings, fingerprint), Err(like) if like.is_empty()) {
        ask = Ask { system: system.map_or(SystemFilter::Show, System::filter), blocked: true, ..usual.clone() };
        found = escalations(graph, &ask);
        found.findings.append(&mut found.blocked);
    }
    let finding = finding_by(&found.findings, fingerprint).map_err(|like| {
        let text = safe(fingerprint);
        Failure::Usage(if like.is_empty() {
            format!(
                "no finding has the fingerprint `{text}`; `kubectl rbac-lens escalations -o wide` shows those that there are, and \
                 one that was found with --from, --to, --without, --assume or --kube-version is drawn with the same flags"
            )
        } else {
            let (shown, more) = like.split_at(like.len().min(FEW));
            let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
            format!("`{text}` begins {} fingerprints: {}{more}; write one of them", like.len(), shown.join(", "))
        })
    })?;
    Ok(picture_of(graph, ClusterId::FIRST, &with_alternatives(graph, &ask, finding)))
}

/// The finding with the paths that are left without its starting grant; they are looked for from those who start to its target only.
fn with_alternatives(graph: &AccessGraph, ask: &Ask, finding: &Finding) -> Finding {
    let ask = Ask {
        from: finding.from.first().copied(),
        beside: finding.from.get(1..).unwrap_or_default().to_vec(),
        to: vec![finding.target],
        azure: None,
        alternatives: true,
        blocked: false,
        ..ask.clone()
    };
    let own = escalations(graph, &ask).findings.into_iter().find(|own| own.fingerprint == finding.fingerprint);
    Finding { alternatives: own.map_or_else(Vec::new, |own| own.alternatives), ..finding.clone() }
}

/// What is in the picture, what stands together, and what is left out.
fn told(picture: &Picture) -> Vec<String> {
    let mut counts = vec![count(picture.nodes.len(), "node"), count(picture.edges.len(), "edge")];
    let left = &picture.left_out;
    let left_out = [
        (left.subjects, "system subject", "left out (--system=show)"),
        (left.bindings, "ClusterRoleBinding", "that hold there as well and name none of its accounts left out (-A)"),
        (left.roles, "role", "that nobody is bound to left out"),
        (left.assignments, "role assignment", "in Azure that nothing of the cluster leads to left out"),
    ];
    for (number, word, why) in left_out.into_iter().filter(|(number, _, _)| *number > 0) {
        counts.push(format!("{} {why}", count(number, word)));
    }
    let grouped = picture.grouping.words().map(|how| {
        format!(
            "note: {} are drawn as {}: {how} (--max-nodes {} draws each, -n and --around draw less)",
            count(picture.things, "thing"),
            count(picture.nodes.len(), "node"),
            picture.things
        )
    });
    grouped.into_iter().chain([counts.join("; ")]).collect()
}
