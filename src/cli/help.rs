//! The first page: what to begin with, and the commands by what they are for.

use clap::Command;

use super::exit::Outcome;

/// The commands by what they are for, each with what it does in a few words.
const GROUPS: &[(&str, &[(&str, &str)])] = &[
    (
        "Ask",
        &[
            ("who-can", "who can do something, and through which binding and role"),
            ("what-can", "everything that a subject can do"),
            ("why", "why a subject can do something, or what it lacks"),
            ("review", "answer SubjectAccessReview objects as the API server would"),
        ],
    ),
    (
        "Find",
        &[
            ("escalations", "who can become more than they were given, step by step"),
            ("checks", "recommended practices that are broken"),
            ("aso", "the credentials of Azure Service Operator, and who can use them"),
        ],
    ),
    (
        "Fix",
        &[
            ("explain", "a technique or a check: why it works, and how to take it away"),
            ("right-size", "the least privilege that does"),
            ("diff", "the rights and paths that a change adds"),
        ],
    ),
    (
        "Share",
        &[
            ("graph", "the access graph as a picture or a file"),
            ("report", "everything that was found, as one page"),
            ("snapshot", "save what was read, for answers without the cluster"),
            ("azure-export", "save Azure's side with your own az"),
            ("completion", "completion for shells and for kubectl"),
        ],
    ),
    ("About", &[("help", "the help of a command"), ("version", "the version of this program")]),
];

/// What somebody who knows nothing yet may type.
const BEGIN: &str = "\
Begin with:
  kubectl rbac-lens escalations --demo       what there is to find, in an example company
  kubectl rbac-lens who-can get secrets -A   who can read the Secrets of your cluster
  kubectl rbac-lens escalations              who in your cluster can become more than they were given
";

/// The command line with its commands in groups on the first page. clap has one list for all of them, so that list is hidden and ours
/// stands in its place.
pub(super) fn grouped(mut command: Command) -> Command {
    let mut text = String::new();
    let mut listed = Vec::new();
    for (group, members) in GROUPS {
        let there: Vec<_> = members.iter().filter(|(name, _)| command.find_subcommand(name).is_some()).collect();
        if there.is_empty() {
            continue;
        }
        text.push_str(&format!("\n{group}:\n"));
        for (name, about) in there {
            text.push_str(&format!("  {name:<13} {about}\n"));
            listed.push(*name);
        }
    }
    let names: Vec<String> = command.get_subcommands().map(|inner| inner.get_name().to_owned()).collect();
    debug_assert!(names.iter().all(|name| listed.contains(&name.as_str())), "a command is in no group: {names:?}");
    for name in names {
        command = command.mut_subcommand(name, |inner| inner.hide(true));
    }
    let begin = BEGIN;
    command.override_usage("kubectl rbac-lens COMMAND [flags]").help_template(format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{begin}{text}\n{{all-args}}\n\nkubectl rbac-lens help COMMAND tells more."
    ))
}

/// Shows the help of a command, or the first page.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "kubectl rbac-lens help [COMMAND]",
    after_help = "Examples:
  kubectl rbac-lens help
  kubectl rbac-lens help who-can"
)]
pub(super) struct Args {
    /// The command.
    #[arg(value_name = "COMMAND")]
    words: Vec<String>,
}

pub(super) fn run(args: &Args) -> Outcome {
    let words = args.words.iter().map(String::as_str);
    let asked = ["kubectl-rbac_lens"].into_iter().chain(words).chain(["--help"]);
    match super::command().try_get_matches_from(asked) {
        Err(told) => Outcome::of_clap(&told),
        // clap answers `--help` before anything else.
        Ok(_) => first_page(),
    }
}

/// The first page, short.
pub(super) fn first_page() -> Outcome {
    Outcome { out: super::command().render_help().to_string(), ..Outcome::default() }
}

/// Shows the version of this program.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "kubectl rbac-lens version",
    after_help = "Examples:
  kubectl rbac-lens version"
)]
pub(super) struct VersionArgs {}

pub(super) fn version() -> Outcome {
    Outcome { out: super::command().render_version(), ..Outcome::default() }
}
