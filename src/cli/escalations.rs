//! `escalations`.

use std::path::PathBuf;

use super::World;
use super::azure::nearest;
use super::connection::ConnectionArgs;
use super::exit::{Exits, Failure, Outcome, count, notes};
use super::first::without_azure;
use super::input::{InputArgs, Level, OutputArgs, System, graph_of};
use super::search::SearchArgs;
use crate::collect::{LoadError, Needs, Problem, StandardInput, read_baseline, read_suppressions};
use crate::graph::AccessGraph;
use crate::model::{ClusterId, FileId, OldReport};
use crate::query::{Aso, AsoOptions, azure_gaps, unread_place};
use crate::render::{EscalationsReport, Format, Metadata, Print, safe};
use crate::rules::{
    Ask, CATALOGUE, Change, Date, Escalations, Finding, Hidden, Remedies, Suppression, compare, cuts, escalations,
    suppress,
};

/// Who can become more than they were given, step by step.
///
/// Those who hold a target already are counted and not listed.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "kubectl rbac-lens escalations [--from THING] [--to TARGET] [flags]",
    mut_arg("namespace", |namespace| namespace.help("The namespace of objects in files that name none; paths lead through all")),
    after_help = "Examples:
  kubectl rbac-lens escalations --demo
  kubectl rbac-lens escalations --from user:alice@contoso.example -o tree --demo
  kubectl rbac-lens escalations --to azure --power contributor --demo
  kubectl rbac-lens escalations --to namespace-admin:prod --demo
  kubectl rbac-lens escalations --cuts --demo
  kubectl rbac-lens escalations --without clusterrolebinding:argocd-application-controller --demo"
)]
pub(super) struct Args {
    #[command(flatten)]
    search: SearchArgs,
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
    /// Also the paths that something stops, and what; they are always counted.
    #[arg(long)]
    show_blocked: bool,
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

/// What people keep beside the cluster.
#[derive(Debug, clap::Args)]
struct KeptArgs {
    /// The findings that are lived with: a list of suppressions. Without it .rbac-lens.yaml of the working directory, if it is there.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// In sarif also the findings that are suppressed, marked so. Code scanning of GitHub opens alerts for them all the same.
    #[arg(long)]
    show_suppressed: bool,
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
    let search = args.search.parse()?;
    let kept = Kept::read(args, world.now)?;
    let mut facts = args.input.read(Needs::ALL, connection, StandardInput::Free, world)?;
    let mut ask = Ask {
        system: args.system.filter(),
        max_steps: args.max_steps,
        alternatives: args.all,
        blocked: args.show_blocked,
        ..search.ask(&mut facts.snapshot)?
    };
    let graph = graph_of(facts.snapshot);
    search.finish(&graph, &mut ask)?;
    let mut answer = escalations(&graph, &ask);
    let azure = graph.azure();
    let mut missing = azure_gaps(&azure);
    let scope = args.search.azure_scope().map(|scope| (scope, azure.locate(scope)));
    let unread = scope.and_then(|(_, place)| unread_place(&azure, place));
    missing.extend(unread.filter(|gap| !missing.contains(gap)));
    let aso = Aso::new(&graph, ClusterId::FIRST, AsoOptions { assume: ask.assume });
    missing.extend(aso.azure_gaps());
    let mut lines = notes(graph.snapshot(), &missing, args.output.quiet);
    let whole = ask.from.is_none() && ask.to.is_empty() && ask.azure.is_none() && ask.max_steps.is_none();
    let reached = answer.reached();
    let suppressed = kept.hide(&graph, &mut answer, whole, &mut lines);
    let cuts = args.cuts.then(|| cuts(&graph, &ask, &answer, &|findings| kept.shown(&graph, findings)));
    if args.ungrouped {
        answer.findings = ungrouped(answer.findings);
        answer.blocked = ungrouped(answer.blocked);
    }
    let changes = kept.baseline.as_ref().map(|old| {
        let unlisted = suppressed.iter().map(|hidden| &hidden.finding).chain(&answer.longer);
        let (changes, counts) = compare(&graph, &answer.findings, unlisted, old);
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
    lines.extend(kept.other_version(version.as_deref()));
    let report = EscalationsReport {
        graph: &graph,
        asked: args.search.asked(Some(args.system), version.as_deref()),
        to: ask.to.first().copied(),
        answer: &answer,
        reached: &reached,
        remedies: &Remedies::new(&graph),
        changes: changes.as_ref().map(|(changes, counts)| (changes.as_slice(), *counts)),
        suppressed: &suppressed,
        marks_suppressed: args.kept.show_suppressed,
        cuts: cuts.as_ref(),
        metadata: Metadata { gaps: missing, ..facts.metadata },
        exit: exits.exit(),
    };
    if args.output.is_usual() && answer.findings.len() == 1 && cuts.is_none() {
        wanted.format = Format::Tree;
    }
    let printed = report.print(&wanted)?;
    if !args.output.quiet {
        lines.extend(search.hint(&graph));
        lines.extend(args.input.namespace.as_deref().map(through_all));
        let looked = scope.filter(|_| azure.assignments_known());
        lines.extend(looked.and_then(|(scope, place)| nearest(&azure, scope, place)));
        lines.extend(without_azure(&aso, graph.snapshot().azure.given));
        lines.extend(told(args, &report));
    }
    Ok(Outcome::new(printed, lines, report.exit.code))
}

/// A namespace that was given leaves no path out, which must not go unsaid.
fn through_all(namespace: &str) -> String {
    let namespace = safe(namespace);
    format!(
        "note: --namespace leaves nothing out, since paths lead through all namespaces; to those of one lead \
         --to namespace-admin:{namespace} and --to secrets:{namespace}, from its pods --from pods:{namespace}"
    )
}

/// What was found and what was left out, in words.
fn told(args: &Args, report: &EscalationsReport<'_>) -> Vec<String> {
    let answer = report.answer;
    let mut counts = vec![match answer.findings.len() {
        0 => {
            let from = args.search.from().map(|from| format!(" from {}", safe(from))).unwrap_or_default();
            let to = args.search.to().map(|to| format!(" to {}", safe(to))).unwrap_or_default();
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
        (answer.longer.len(), "finding", "with more steps than --max-steps"),
        (report.suppressed.len(), "finding", "suppressed"),
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
        let few = args.max_steps.map(|most| format!(" and of at most {}", count(most, "step"))).unwrap_or_default();
        let smallest = if cuts.smallest { "no fewer would do" } else { "fewer might do" };
        lines.push(match (cuts.chosen.len(), cuts.left) {
            (0, _) => "nothing to cut".to_owned(),
            (some, 0) => format!(
                "without {} none of the {} of severity {} or above{few} is left; {smallest}",
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
    /// What is new or gone may be so by the version of Kubernetes alone.
    fn other_version(&self, version: Option<&str>) -> Option<String> {
        let old = self.baseline.as_ref().filter(|old| !self.quiet && old.kube_version.as_deref() != version)?;
        let word =
            |version: Option<&str>| version.map_or("any version".to_owned(), |version| safe(version).into_owned());
        Some(format!(
            "note: the baseline was made for Kubernetes {}, and this is for {}; findings may differ by that alone",
            word(old.kube_version.as_deref()),
            word(version)
        ))
    }

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
        if let Some(old) = &baseline {
            let own = args.search.asked(Some(args.system), None);
            let others = [
                ("--from and --to", (old.from.as_deref(), old.to.as_deref()) != (own.from, own.to)),
                ("--power", old.power.as_deref() != own.power),
                ("--assume", old.assume.as_deref() != own.assume),
                ("--without", old.without != own.without),
                ("--system", old.system.as_deref() != own.system),
            ];
            if let Some((flag, _)) = others.into_iter().find(|(_, other)| *other) {
                return Err(Failure::Usage(format!(
                    "the baseline was made with other {flag}; what it did not look for would seem new or gone"
                )));
            }
        }
        Ok(Kept { file, entries, baseline, today, quiet: args.output.quiet })
    }

    /// Findings without what is suppressed.
    fn shown(&self, graph: &AccessGraph, findings: Vec<Finding>) -> Vec<Finding> {
        if self.entries.is_empty() { findings } else { suppress(graph, findings, &self.entries, self.today).kept }
    }

    /// Hides what is suppressed, keeps it apart, and warns of entries that are over or about nothing.
    fn hide(&self, graph: &AccessGraph, answer: &mut Escalations, whole: bool, lines: &mut Vec<String>) -> Vec<Hidden> {
        if self.entries.is_empty() {
            return Vec::new();
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
