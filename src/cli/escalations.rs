//! `escalations`.

use clap::ValueEnum;

use super::World;
use super::connection::ConnectionArgs;
use super::exit::{Exits, Failure, Outcome, count, notes};
use super::input::{InputArgs, OutputArgs};
use crate::collect::{Needs, StandardInput};
use crate::graph::AccessGraph;
use crate::model::{ClusterId, Name, Snapshot, Subject, SubjectText, Thing};
use crate::query::SystemFilter;
use crate::render::{self, EscalationsReport};
use crate::rules::{Ask, CATALOGUE, Place, Severity, Start, Target, escalations, secret, start};

/// Who can become more than they were given, step by step.
///
/// Those who hold a target already are counted and not listed.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "kubectl rbac-lens escalations [--from THING] [--to TARGET] [flags]",
    after_help = "Examples:
  kubectl rbac-lens escalations --demo
  kubectl rbac-lens escalations --from group:dev-team --demo
  kubectl rbac-lens escalations --to namespace-admin:prod --demo"
)]
pub(super) struct Args {
    /// Only from user:NAME, group:NAME or sa:NAMESPACE/NAME, whether or not a binding names it; or from pod:NAMESPACE/NAME or
    /// pods:NAMESPACE, as whoever runs code there.
    #[arg(long, value_name = "THING")]
    from: Option<String>,
    /// Only to cluster-admin, node[:NAME], namespace-admin[:NAMESPACE], secrets[:NAMESPACE], or to user:NAME, group:NAME,
    /// sa:NAMESPACE/NAME, pod:NAMESPACE/NAME or secret:NAMESPACE/NAME.
    #[arg(long, value_name = "TARGET")]
    to: Option<String>,
    /// Also the paths that are left when the grant that a path starts with is gone.
    #[arg(long)]
    all: bool,
    /// Only paths of at most this many steps; longer ones are counted.
    #[arg(long, value_name = "N")]
    max_steps: Option<usize>,
    /// Subjects of Kubernetes itself and of the platform as those who start.
    #[arg(long, value_name = "show|hide|only", default_value = "hide")]
    system: System,
    /// Exit with 1 when there is a finding of this severity or above.
    #[arg(long, value_name = "info|low|medium|high|critical")]
    fail_on: Option<Level>,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum System {
    Show,
    Hide,
    Only,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Level {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

impl Level {
    fn severity(self) -> Severity {
        match self {
            Level::Info => Severity::Info,
            Level::Low => Severity::Low,
            Level::Medium => Severity::Medium,
            Level::High => Severity::High,
            Level::Critical => Severity::Critical,
        }
    }
}

pub(super) fn run(args: &Args, connection: &ConnectionArgs, world: &mut World<'_>) -> Result<Outcome, Failure> {
    let from = args.from.as_deref().map(parse_start).transpose()?;
    let to = args.to.as_deref().map(Wanted::parse).transpose()?;
    let mut facts = args.input.read(Needs::ALL, connection, StandardInput::Free, world)?;
    let snapshot = &mut facts.snapshot;
    let ask = Ask {
        cluster: ClusterId::FIRST,
        from: from.map(|from| known(snapshot, &from)).transpose()?,
        to: to.map(|to| to.target(snapshot)).transpose()?.into_iter().collect(),
        system: match args.system {
            System::Show => SystemFilter::Show,
            System::Hide => SystemFilter::Hide,
            System::Only => SystemFilter::Only,
        },
        max_steps: args.max_steps,
        alternatives: args.all,
        ..Ask::default()
    };
    let graph = AccessGraph::new(facts.snapshot);
    let answer = escalations(&graph, &ask);
    let gaps = graph.snapshot().gaps.len();
    let mut exits = Exits::default();
    if let Some(level) = args.fail_on.map(Level::severity) {
        let severe = answer.findings.iter().filter(|finding| finding.severity >= level).count();
        exits.add(severe > 0, 1, || format!("{} of severity {} or above", count(severe, "finding"), level.as_str()));
    }
    exits.add(args.input.strict && gaps > 0, 3, || format!("{gaps} gaps"));
    let report = EscalationsReport {
        graph: &graph,
        from: args.from.as_deref(),
        to: args.to.as_deref(),
        answer: &answer,
        metadata: facts.metadata,
        exit: exits.exit(),
    };
    let out = render::escalations(&report, args.output.output, !args.output.no_headers).map_err(Failure::Internal)?;
    let mut lines = notes(graph.snapshot(), &[], args.output.quiet);
    if !args.output.quiet {
        let mut counts = vec![count(answer.findings.len(), "finding")];
        let left_out = [
            (answer.hidden, "system subject", "left out as a start (--system=show)"),
            (answer.inherited, "subject", "with paths of a group that is listed (--from shows them)"),
            (answer.longer, "finding", "with more steps than --max-steps"),
        ];
        for (number, word, why) in left_out.into_iter().filter(|(number, _, _)| *number > 0) {
            counts.push(format!("{} {why}", count(number, word)));
        }
        lines.push(counts.join("; "));
        // No finding is no proof of safety while the catalogue is growing, and the answer must not read like one.
        let known: Vec<&str> = CATALOGUE.iter().map(|technique| technique.id).collect();
        lines.push(format!(
            "note: these techniques are looked for, and no others yet (none through workloads, nodes or Azure): {}",
            known.join(", ")
        ));
    }
    Ok(Outcome { out, notes: lines, code: report.exit.code, ..Outcome::default() })
}

/// Reads what somebody may start from.
fn parse_start(text: &str) -> Result<Thing, Failure> {
    match Thing::parse(text).map_err(|error| Failure::Usage(error.to_string()))? {
        thing @ (Thing::User(_) | Thing::Group(_) | Thing::ServiceAccount(..) | Thing::Pod(..) | Thing::Pods(_)) => {
            Ok(thing)
        }
        _ => Err(Failure::Usage(format!(
            "nobody starts at `{text}`; write user:NAME, group:NAME, sa:NAMESPACE/NAME, pod:NAMESPACE/NAME or pods:NAMESPACE"
        ))),
    }
}

/// A thing of the snapshot. A subject that the input never mentions is one more subject; a pod has to be there.
fn known(snapshot: &mut Snapshot, thing: &Thing) -> Result<Start, Failure> {
    if let Some(subject) = thing.as_subject_text() {
        let names = &mut snapshot.names;
        return Ok(Start::Subject(match &subject {
            SubjectText::User(name) => Subject::user(names, name),
            SubjectText::Group(name) => Subject::Group(names.intern(name)),
        }));
    }
    start(snapshot, thing).ok_or_else(|| absent(thing))
}

fn absent(thing: &Thing) -> Failure {
    Failure::Usage(format!("the input has no `{thing}`"))
}

/// A target as it was typed.
enum Wanted {
    ClusterAdmin,
    NamespaceAdmin(Option<String>),
    Secrets(Option<String>),
    Node(Option<String>),
    Thing(Thing),
}

impl Wanted {
    fn parse(text: &str) -> Result<Wanted, Failure> {
        let inside = |rest: &str| (!rest.is_empty()).then(|| rest.to_owned());
        match text.split_once(':').unwrap_or((text, "")) {
            ("cluster-admin", "") => return Ok(Wanted::ClusterAdmin),
            ("namespace-admin", namespace) => return Ok(Wanted::NamespaceAdmin(inside(namespace))),
            ("secrets", namespace) => return Ok(Wanted::Secrets(inside(namespace))),
            ("node", name) => return Ok(Wanted::Node(inside(name))),
            _ => {}
        }
        match Thing::parse(text) {
            Ok(
                thing @ (Thing::User(_)
                | Thing::Group(_)
                | Thing::ServiceAccount(..)
                | Thing::Pod(..)
                | Thing::Secret(..)),
            ) => Ok(Wanted::Thing(thing)),
            _ => Err(Failure::Usage(format!(
                "`{text}` is no target; write cluster-admin, node[:NAME], namespace-admin[:NAMESPACE], secrets[:NAMESPACE], \
                 user:NAME, group:NAME, sa:NAMESPACE/NAME, pod:NAMESPACE/NAME or secret:NAMESPACE/NAME"
            ))),
        }
    }

    fn target(self, snapshot: &mut Snapshot) -> Result<Target, Failure> {
        let mut place = |namespace: Option<String>| {
            let namespace: Option<Name> = namespace.map(|namespace| snapshot.names.intern(&namespace));
            namespace.map_or(Place::EachNamespace, Place::Namespace)
        };
        Ok(match self {
            Wanted::ClusterAdmin => Target::ClusterAdmin,
            Wanted::NamespaceAdmin(namespace) => Target::NamespaceAdmin(place(namespace)),
            Wanted::Secrets(namespace) => Target::Secrets(place(namespace)),
            Wanted::Node(name) => Target::Node(name.map(|name| snapshot.names.intern(&name))),
            Wanted::Thing(thing @ Thing::Secret(..)) => {
                secret(snapshot, &thing).map(Target::Secret).ok_or_else(|| absent(&thing))?
            }
            Wanted::Thing(thing) => known(snapshot, &thing)?.target().ok_or_else(|| absent(&thing))?,
        })
    }
}
