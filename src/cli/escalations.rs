//! `escalations`.

use std::path::PathBuf;

use clap::ValueEnum;

use super::World;
use super::connection::ConnectionArgs;
use super::exit::{Exits, Failure, Outcome, count, notes};
use super::first::without_azure;
use super::input::{InputArgs, Level, OutputArgs, System};
use crate::collect::{LoadError, Needs, Problem, StandardInput, read_baseline, read_suppressions};
use crate::graph::{AccessGraph, BindingIx};
use crate::model::azure::check_scope;
use crate::model::{ClusterId, FileId, Name, OldReport, Snapshot, Subject, SubjectText, Thing};
use crate::query::{Aso, AsoOptions, TokenMode, azure_gaps};
use crate::render::{Asked, EscalationsReport, Format, Metadata, Print, safe};
use crate::rules::{
    Ask, AzureWanted, AzureWhat, CATALOGUE, Change, Date, Escalations, Finding, Place, Power, Remedies, Start,
    Suppression, Target, Version, compare, cuts, escalations, secret, start, start_in, suppress,
};

/// Who can become more than they were given, step by step.
///
/// Those who hold a target already are counted and not listed.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "kubectl rbac-lens escalations [--from THING] [--to TARGET] [flags]",
    after_help = "Examples:
  kubectl rbac-lens escalations --demo
  kubectl rbac-lens escalations --from user:alice@contoso.example -o tree --demo
  kubectl rbac-lens escalations --to azure --power contributor --demo
  kubectl rbac-lens escalations --to namespace-admin:prod --demo
  kubectl rbac-lens escalations --cuts --demo
  kubectl rbac-lens escalations --without clusterrolebinding:argocd-application-controller --demo"
)]
pub(super) struct Args {
    /// Only from user:NAME, group:NAME or sa:NAMESPACE/NAME, whether or not a binding names it; or from pod:NAMESPACE/NAME or
    /// pods:NAMESPACE, as whoever runs code there; or from identity:CLIENT-ID or principal:OBJECT-ID in Azure.
    #[arg(long, value_name = "THING")]
    from: Option<String>,
    /// Only to cluster-admin, node[:NAME], namespace-admin[:NAMESPACE], secrets[:NAMESPACE], or to user:NAME, group:NAME,
    /// sa:NAMESPACE/NAME, pod:NAMESPACE/NAME or secret:NAMESPACE/NAME; or in Azure to azure[:SCOPE], cluster:NAME,
    /// identity:CLIENT-ID or principal:OBJECT-ID.
    #[arg(long, value_name = "TARGET")]
    to: Option<String>,
    /// With --to azure: no less than this.
    #[arg(long, value_name = "read|keys|limited|contributor|roles", requires = "to")]
    power: Option<PowerArg>,
    /// As if Azure Service Operator worked so.
    #[arg(long, value_name = "strict|relaxed")]
    assume: Option<Assume>,
    /// Also the paths that are left when the grant that a path starts with is gone.
    #[arg(long)]
    all: bool,
    /// Only paths of at most this many steps; longer ones are counted.
    #[arg(long, value_name = "N")]
    max_steps: Option<usize>,
    /// One finding for each of those who start, not one for all who start with the same grant.
    #[arg(long)]
    ungrouped: bool,
    /// The fewest bindings, and rules of roles, whose removal leaves no severe path, and how much each of them severs.
    #[arg(long)]
    cuts: bool,
    /// As if these were gone: clusterrolebinding:NAME, rolebinding:NAMESPACE/NAME, secret:NAMESPACE/NAME, roleassignment:ID.
    #[arg(long, value_name = "THING,...", value_delimiter = ',')]
    without: Vec<String>,
    /// Also the paths that something stops, and what; they are always counted.
    #[arg(long)]
    show_blocked: bool,
    /// The version of Kubernetes, such as 1.34. That of the cluster is known; for files whatever any version lets through counts.
    #[arg(long, value_name = "VERSION")]
    kube_version: Option<String>,
    /// Subjects of Kubernetes itself and of the platform as those who start.
    #[arg(long, value_name = "show|hide|only", default_value = "hide")]
    system: System,
    #[command(flatten)]
    kept: KeptArgs,
    /// Exit with 1 when there is a finding of this severity or above.
    #[arg(long, value_name = "info|low|medium|high|critical")]
    fail_on: Option<Level>,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PowerArg {
    Read,
    Keys,
    Limited,
    Contributor,
    Roles,
}

impl PowerArg {
    fn power(self) -> Power {
        match self {
            PowerArg::Read => Power::Read,
            PowerArg::Keys => Power::KeysAndData,
            PowerArg::Limited => Power::Limited,
            PowerArg::Contributor => Power::Contributor,
            PowerArg::Roles => Power::RoleAssignments,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Assume {
    Strict,
    Relaxed,
}

/// What people keep beside the cluster.
#[derive(Debug, clap::Args)]
struct KeptArgs {
    /// The findings that are lived with: a list of suppressions. Without it .rbac-lens.yaml of the working directory, if it is there.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The day on which suppressions may expire, instead of today: YYYY-MM-DD.
    #[arg(long, value_name = "DAY")]
    now: Option<String>,
    /// Only what is new or changed since an old report (-o json or yaml); what is gone is counted.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Exit with 1 when there is a finding that the baseline does not have.
    #[arg(long, requires = "baseline")]
    fail_on_new: bool,
}

pub(super) fn run(args: &Args, connection: &ConnectionArgs, world: &mut World<'_>) -> Result<Outcome, Failure> {
    let mut wanted = args.output.wanted::<EscalationsReport<'_>>(world.terminal)?;
    let mut from = args.from.as_deref().map(parse_start).transpose()?;
    let mut to = args.to.as_deref().map(Wanted::parse).transpose()?;
    let without = args.without.iter().map(|text| parse_gone(text)).collect::<Result<Vec<Thing>, Failure>>()?;
    let version = args.kube_version.as_deref().map(parse_version).transpose()?;
    let kept = Kept::read(args, world.now)?;
    let mut facts = args.input.read(Needs::ALL, connection, StandardInput::Free, world)?;
    let snapshot = &mut facts.snapshot;
    if args.power.is_some() && !to.as_ref().is_some_and(Wanted::is_in_azure) {
        return Err(Failure::Usage("--power goes with --to azure or --to azure:SCOPE".to_owned()));
    }
    // What is in Azure is numbered once what ASO says is joined to what was read.
    let (azure_from, azure_to) = (from.take_if(|from| is_identity(from)), to.take_if(|to| to.is_in_azure()));
    let mut ask = Ask {
        cluster: ClusterId::FIRST,
        from: from.map(|from| known(snapshot, &from)).transpose()?,
        to: to.map(|to| to.target(snapshot)).transpose()?.into_iter().collect(),
        assume: args.assume.map(|assume| match assume {
            Assume::Strict => TokenMode::Strict,
            Assume::Relaxed => TokenMode::Relaxed,
        }),
        system: args.system.filter(),
        max_steps: args.max_steps,
        alternatives: args.all,
        version: version.or_else(|| server_version(snapshot)),
        blocked: args.show_blocked,
        ..Ask::default()
    };
    let graph = AccessGraph::new(facts.snapshot);
    if let Some(thing) = azure_from {
        ask.from = Some(start(&graph, &thing).ok_or_else(|| absent(&thing))?);
    }
    ask.azure = azure_to.map(|to| to.azure(&graph, args.power)).transpose()?.flatten();
    take_away(&graph, &without, &mut ask)?;
    let mut answer = escalations(&graph, &ask);
    let missing = azure_gaps(&graph.azure());
    let mut lines = notes(graph.snapshot(), &missing, args.output.quiet);
    let whole = ask.from.is_none() && ask.to.is_empty() && ask.azure.is_none() && ask.max_steps.is_none();
    let suppressed = kept.hide(&graph, &mut answer, whole, &mut lines);
    let cuts = args.cuts.then(|| cuts(&graph, &ask, &answer));
    if args.ungrouped {
        answer.findings = ungrouped(answer.findings);
        answer.blocked = ungrouped(answer.blocked);
    }
    let changes = kept.baseline.as_ref().map(|old| {
        let (changes, counts) = compare(&graph, &answer.findings, old);
        let mut stays = changes.iter().map(|change| *change != Change::Same);
        answer.findings.retain(|_| stays.next().unwrap_or(true));
        (changes.into_iter().filter(|change| *change != Change::Same).collect::<Vec<_>>(), counts)
    });
    let gaps = graph.snapshot().gaps.len() + missing.len();
    let mut exits = Exits::default();
    if let Some(level) = args.fail_on.map(Level::severity) {
        let severe = answer.findings.iter().filter(|finding| finding.severity >= level).count();
        exits.add(severe > 0, 1, || format!("{} of severity {} or above", count(severe, "finding"), level.as_str()));
    }
    if let Some((_, counts)) = &changes {
        exits.add(args.kept.fail_on_new && counts.new > 0, 1, || count(counts.new, "new finding"));
    }
    exits.add(args.input.strict && gaps > 0, 3, || format!("{gaps} gaps"));
    let version = ask.version.map(|(major, minor)| format!("{major}.{minor}"));
    let report = EscalationsReport {
        graph: &graph,
        asked: Asked {
            from: args.from.as_deref(),
            to: args.to.as_deref(),
            without: &args.without,
            kube_version: version.as_deref(),
        },
        answer: &answer,
        remedies: &Remedies::new(&graph),
        changes: changes.as_ref().map(|(changes, counts)| (changes.as_slice(), *counts)),
        suppressed,
        cuts: cuts.as_ref(),
        metadata: Metadata { gaps: missing, ..facts.metadata },
        exit: exits.exit(),
    };
    if args.output.is_usual() && answer.findings.len() == 1 && cuts.is_none() {
        wanted.format = Format::Tree;
    }
    let printed = report.print(&wanted)?;
    if !args.output.quiet {
        if !graph.snapshot().azure.given {
            let aso = Aso::new(&graph, ClusterId::FIRST, AsoOptions { assume: ask.assume });
            lines.extend(without_azure(&aso, false));
        }
        lines.extend(told(args, &report));
    }
    Ok(Outcome::new(printed, lines, report.exit.code))
}

/// What was found and what was left out, in words.
fn told(args: &Args, report: &EscalationsReport<'_>) -> Vec<String> {
    let answer = report.answer;
    let mut counts = vec![match answer.findings.len() {
        0 => {
            let from = args.from.as_deref().map(|from| format!(" from {}", safe(from))).unwrap_or_default();
            let to = args.to.as_deref().map(|to| format!(" to {}", safe(to))).unwrap_or_default();
            format!("no {}escalation found{from}{to}", if report.changes.is_some() { "new or changed " } else { "" })
        }
        some => count(some, "finding"),
    }];
    if let Some((_, changes)) = report.changes {
        counts.push(format!(
            "{} new, {} changed, {} as before, {} gone since the baseline",
            changes.new, changes.changed, changes.same, changes.gone
        ));
    }
    let left_out = [
        (answer.hidden, "system subject", "left out as a start (--system=show)"),
        (answer.inherited, "subject", "with paths of a group that is listed (--from shows them)"),
        (answer.longer, "finding", "with more steps than --max-steps"),
        (report.suppressed, "finding", "suppressed"),
    ];
    for (number, word, why) in left_out.into_iter().filter(|(number, _, _)| *number > 0) {
        counts.push(format!("{} {why}", count(number, word)));
    }
    if answer.stopped > 0 {
        let more = if args.show_blocked { "" } else { " (--show-blocked)" };
        counts.push(format!("{} that something stops{more}", count(answer.stopped, "path")));
    }
    let mut lines = vec![counts.join("; ")];
    if let Some(cuts) = report.cuts {
        let smallest = if cuts.smallest { "no fewer would do" } else { "fewer might do" };
        lines.push(match (cuts.chosen.len(), cuts.left) {
            (0, _) => "nothing to cut".to_owned(),
            (some, 0) => format!(
                "without {} none of the {} of severity {} or above is left; {smallest}",
                count(some, "grant"),
                count(cuts.paths, "path"),
                cuts.level.as_str()
            ),
            (some, left) => {
                format!("without {} {} of {} are left", count(some, "grant"), left, count(cuts.paths, "path"))
            }
        });
    }
    // No finding is no proof of safety while the catalogue is growing, and the answer must not read like one.
    lines.push(format!("note: {} are looked for (`explain` lists them)", count(CATALOGUE.len(), "technique")));
    lines
}

/// What people keep beside the cluster, as it was read.
struct Kept {
    file: String,
    entries: Vec<Suppression>,
    baseline: Option<OldReport>,
    today: Date,
    quiet: bool,
}

impl Kept {
    fn read(args: &Args, now: i64) -> Result<Kept, Failure> {
        let today = match args.kept.now.as_deref() {
            Some(text) => {
                let day = text.split_once('T').map_or(text, |(day, _)| day);
                Date::parse(day).ok_or_else(|| Failure::Usage(format!("`{text}` is no day; write YYYY-MM-DD")))?
            }
            None => Date::of_epoch(now),
        };
        let (file, texts) = read_suppressions(args.kept.config.as_deref())?;
        let mut entries = Vec::with_capacity(texts.len());
        let mut problems = Vec::new();
        for text in texts {
            let line = text.line;
            match Suppression::new(text) {
                Ok(entry) => entries.push(entry),
                Err(messages) => {
                    let problem = |message| Problem { file: FileId(0), line, message };
                    problems.extend(messages.into_iter().map(problem));
                }
            }
        }
        if !problems.is_empty() {
            return Err(Failure::Input(LoadError { files: vec![file], problems }));
        }
        let baseline = match &args.kept.baseline {
            Some(path) => Some(read_baseline(path, &args.input.options(Needs::default()))?),
            None => None,
        };
        if let Some(old) = &baseline
            && (old.from.as_deref(), old.to.as_deref()) != (args.from.as_deref(), args.to.as_deref())
        {
            return Err(Failure::Usage(
                "the baseline was made with other --from and --to; what it did not look for would seem new or gone"
                    .to_owned(),
            ));
        }
        Ok(Kept { file, entries, baseline, today, quiet: args.output.quiet })
    }

    /// Hides what is suppressed, counts it, and warns of entries that are over or about nothing.
    fn hide(&self, graph: &AccessGraph, answer: &mut Escalations, whole: bool, lines: &mut Vec<String>) -> usize {
        if self.entries.is_empty() {
            return 0;
        }
        let done = suppress(graph, std::mem::take(&mut answer.findings), &self.entries, self.today);
        answer.findings = done.kept;
        let told = |at: &usize, what: &str| {
            let text = self.entries[*at].text();
            let owner = text.owner.as_deref().map(|owner| format!(" (owner: {owner})")).unwrap_or_default();
            format!("warning: {}", safe(&format!("{}:{}: {what}{owner}: {}", self.file, text.line, text.reason)))
        };
        if !self.quiet {
            lines.extend(done.expired.iter().map(|at| {
                let day = self.entries[*at].text().expires.clone().unwrap_or_default();
                told(at, &format!("this suppression is over since {day}"))
            }));
            // What was not looked for cannot be found.
            let unmatched = done.unmatched.iter().filter(|_| whole);
            lines.extend(unmatched.map(|at| told(at, "this suppression hides nothing any more")));
        }
        done.hidden
    }
}

/// A finding for each of those who start.
fn ungrouped(findings: Vec<Finding>) -> Vec<Finding> {
    let each = findings.iter().flat_map(|finding| finding.from.iter().map(|&start| finding.started_by(vec![start])));
    each.collect()
}

/// Reads what is taken to be gone.
fn parse_gone(text: &str) -> Result<Thing, Failure> {
    match Thing::parse(text) {
        Ok(
            thing @ (Thing::ClusterRoleBinding(_)
            | Thing::RoleBinding(..)
            | Thing::Secret(..)
            | Thing::RoleAssignment(_)),
        ) => Ok(thing),
        _ => Err(Failure::Usage(format!(
            "`{text}` cannot be taken away; write clusterrolebinding:NAME, rolebinding:NAMESPACE/NAME, secret:NAMESPACE/NAME \
             or roleassignment:ID"
        ))),
    }
}

/// Takes things away, each of which has to be there.
fn take_away(graph: &AccessGraph, things: &[Thing], ask: &mut Ask) -> Result<(), Failure> {
    let missing: Vec<String> = things
        .iter()
        .filter(|thing| match thing {
            Thing::Secret(..) => match secret(graph.snapshot(), thing) {
                Some(secret) => {
                    ask.without_secrets.insert(secret);
                    false
                }
                None => true,
            },
            Thing::RoleAssignment(id) => match graph.azure_names().find_assignment(id) {
                Some(assignment) => {
                    ask.without_assignments.insert(assignment);
                    false
                }
                None => true,
            },
            thing => match binding(graph, thing) {
                Some(binding) => {
                    ask.without.insert(binding);
                    false
                }
                None => true,
            },
        })
        .map(|thing| format!("`{thing}`"))
        .collect();
    if missing.is_empty() { Ok(()) } else { Err(Failure::Usage(format!("the input has no {}", missing.join(", no ")))) }
}

fn binding(graph: &AccessGraph, thing: &Thing) -> Option<BindingIx> {
    let (namespace, name) = match thing {
        Thing::ClusterRoleBinding(name) => (None, name),
        Thing::RoleBinding(namespace, name) => (Some(graph.snapshot().names.find(namespace)?), name),
        _ => return None,
    };
    let name = graph.snapshot().names.find(name)?;
    let is = |own: &crate::model::Binding| own.namespace == namespace && own.name == name;
    graph.bindings().find(|(_, own)| own.cluster == ClusterId::FIRST && is(own)).map(|(at, _)| at)
}

/// Reads `1.34`, `v1.34` or `v1.34.2-gke.1`.
fn parse_version(text: &str) -> Result<Version, Failure> {
    version(text).ok_or_else(|| Failure::Usage(format!("`{text}` is no version of Kubernetes; write one such as 1.34")))
}

fn version(text: &str) -> Option<Version> {
    let mut parts = text.strip_prefix('v').unwrap_or(text).split('.');
    let major = parts.next()?.parse().ok()?;
    let minor = parts.next()?;
    // Some platforms write `34+`.
    let digits = minor.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(minor.len());
    Some((major, minor[..digits].parse().ok()?))
}

/// The version of the server that a snapshot is of, if it says so.
pub(super) fn server_version(snapshot: &Snapshot) -> Option<Version> {
    snapshot.clusters.first().and_then(|cluster| cluster.server_version.as_deref()).and_then(version)
}

/// Reads what somebody may start from.
fn parse_start(text: &str) -> Result<Thing, Failure> {
    match Thing::parse(text).map_err(|error| Failure::Usage(error.to_string()))? {
        thing @ (Thing::User(_)
        | Thing::Group(_)
        | Thing::ServiceAccount(..)
        | Thing::Pod(..)
        | Thing::Pods(_)
        | Thing::Identity(_)
        | Thing::Principal(_)) => Ok(thing),
        _ => Err(Failure::Usage(format!(
            "nobody starts at `{text}`; write user:NAME, group:NAME, sa:NAMESPACE/NAME, pod:NAMESPACE/NAME, pods:NAMESPACE, \
             identity:CLIENT-ID or principal:OBJECT-ID"
        ))),
    }
}

fn is_identity(thing: &Thing) -> bool {
    matches!(thing, Thing::Identity(_) | Thing::Principal(_))
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
    start_in(snapshot, thing).ok_or_else(|| absent(thing))
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
    Azure,
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
            ("azure", "") => return Ok(Wanted::Azure),
            _ => {}
        }
        match Thing::parse(text) {
            Ok(
                thing @ (Thing::User(_)
                | Thing::Group(_)
                | Thing::ServiceAccount(..)
                | Thing::Pod(..)
                | Thing::Secret(..)
                | Thing::AzureScope(_)
                | Thing::Cluster(_)
                | Thing::Identity(_)
                | Thing::Principal(_)),
            ) => Ok(Wanted::Thing(thing)),
            _ => Err(Failure::Usage(format!(
                "`{text}` is no target; write cluster-admin, node[:NAME], namespace-admin[:NAMESPACE], secrets[:NAMESPACE], \
                 user:NAME, group:NAME, sa:NAMESPACE/NAME, pod:NAMESPACE/NAME, secret:NAMESPACE/NAME, azure[:SCOPE], \
                 cluster:NAME, identity:CLIENT-ID or principal:OBJECT-ID"
            ))),
        }
    }

    /// Whether it is in Azure.
    fn is_in_azure(&self) -> bool {
        match self {
            Wanted::Azure => true,
            Wanted::Thing(thing) => matches!(thing, Thing::AzureScope(_) | Thing::Cluster(_)) || is_identity(thing),
            _ => false,
        }
    }

    /// What is wanted in Azure, if it is that.
    fn azure(&self, graph: &AccessGraph, power: Option<PowerArg>) -> Result<Option<AzureWanted>, Failure> {
        let what = match self {
            Wanted::Azure => AzureWhat::Any,
            Wanted::Thing(Thing::AzureScope(scope)) => AzureWhat::Scope(check_scope(scope).map_err(Failure::Usage)?),
            Wanted::Thing(thing @ Thing::Cluster(name)) => {
                if !graph.azure_names().has_cluster(name) {
                    return Err(absent(thing));
                }
                AzureWhat::Cluster(name.clone())
            }
            Wanted::Thing(thing @ (Thing::Identity(_) | Thing::Principal(_))) => match start(graph, thing) {
                Some(Start::Azure(who)) => AzureWhat::Identity(who),
                _ => return Err(absent(thing)),
            },
            _ => return Ok(None),
        };
        Ok(Some(AzureWanted { what, power: power.map(PowerArg::power) }))
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
            Wanted::Azure => return Err(Failure::Internal("a target in Azure is none of Kubernetes".to_owned())),
            Wanted::Thing(thing @ Thing::Secret(..)) => {
                secret(snapshot, &thing).map(Target::Secret).ok_or_else(|| absent(&thing))?
            }
            Wanted::Thing(thing) => known(snapshot, &thing)?.target().ok_or_else(|| absent(&thing))?,
        })
    }
}
