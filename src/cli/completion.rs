//! `completion`: the scripts of the shells, the link by which kubectl finds us, and the answers to both.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::complete::{LineInput, Look, complete};
#[cfg(not(unix))]
use super::exit::FileOut;
use super::exit::{Failure, LinkOut, Outcome};
use crate::collect::{
    DEMO, DEMO_AZURE, Entry, Input, KubeconfigNames, find_program, glance, is_folder, is_same, kubeconfig_names,
    last_snapshot, look, own_program, search_path,
};
use crate::model::Snapshot;
use crate::render::safe;

/// Completion at the prompt: commands, flags, verbs, resources, namespaces, subjects, techniques and more.
///
/// `completion install` makes the link kubectl_complete-rbac_lens beside the program; kubectl 1.26 and newer then completes `kubectl
/// rbac-lens` wherever its own completion is on. The scripts of the shells are for the program called by its own name,
/// kubectl-rbac_lens.
///
/// Names come from what the line names (-f, --azure, --demo), or else from a saved snapshot: the one of the variable
/// RBAC_LENS_SNAPSHOT, or the newest in the working directory. Never from a cluster. Of a large file the beginning is looked at.
/// Names that a shell would take for more than text are not offered.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "kubectl rbac-lens completion bash|zsh|fish|powershell\n       kubectl rbac-lens completion install [--dir DIR]",
    after_help = "Examples:
  kubectl rbac-lens completion install
  kubectl rbac-lens completion bash > ~/.local/share/bash-completion/completions/kubectl-rbac_lens
  kubectl rbac-lens completion zsh > \"${fpath[1]}/_kubectl-rbac_lens\"
  kubectl rbac-lens completion fish > ~/.config/fish/completions/kubectl-rbac_lens.fish"
)]
pub(super) struct Args {
    /// A shell, to print its script; or install.
    what: What,
    /// With install: the folder for the link, instead of that of the program; it should be one of PATH.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    Bash,
    Zsh,
    Fish,
    Powershell,
    Install,
}

pub(super) fn run(args: &Args) -> Result<Outcome, Failure> {
    let script = match args.what {
        What::Bash => include_str!("completion/bash.sh"),
        What::Zsh => include_str!("completion/zsh.zsh"),
        What::Fish => include_str!("completion/fish.fish"),
        What::Powershell => include_str!("completion/powershell.ps1"),
        What::Install => return install(args.dir.as_deref()),
    };
    if args.dir.is_some() {
        return Err(Failure::Usage("--dir belongs to `completion install`".to_owned()));
    }
    Ok(Outcome { out: script.to_owned(), ..Outcome::default() })
}

/// The program by which kubectl asks, without the ending that programs have on Windows.
const ASKED_AS: &str = "kubectl_complete-rbac_lens";

/// The word by which our own scripts ask, as cobra's do.
const ASKED_BY: &str = "__complete";

/// The words to complete, if that is what is asked: by the name that the program is called by, or by its first word.
pub(super) fn asked(words: &[OsString]) -> Option<Vec<String>> {
    let (program, rest) = words.split_first()?;
    let stem = Path::new(program).file_stem().and_then(OsStr::to_str).unwrap_or_default();
    let rest = match rest.split_first() {
        _ if stem == ASKED_AS => rest,
        Some((first, rest)) if first == ASKED_BY => rest,
        _ => return None,
    };
    Some(rest.iter().map(|word| word.to_string_lossy().into_owned()).collect())
}

/// Answers a shell. Whatever is wrong with the line, the shell gets no more than nothing to offer.
pub(super) fn answer(command: &clap::Command, words: &[String]) -> Outcome {
    let mut command = command.clone();
    command.build();
    Outcome { out: complete(&command, words, &Files).text(), ..Outcome::default() }
}

/// Looks at files.
struct Files;

impl Look for Files {
    fn snapshot(&self, input: &LineInput) -> Option<Snapshot> {
        if input.demo {
            let embedded = |files: &'static [_]| files.iter().map(Input::Embedded).collect::<Vec<Input>>();
            return glance(&embedded(DEMO), &embedded(DEMO_AZURE), false);
        }
        let named = |paths: &[PathBuf]| -> Vec<Input> {
            paths.iter().filter(|path| path.as_os_str() != "-").cloned().map(Input::Path).collect()
        };
        let (mut files, azure) = (named(&input.files), named(&input.azure));
        if input.files.is_empty() {
            files.extend(last_snapshot().map(Input::Path));
        }
        if files.is_empty() && azure.is_empty() { None } else { glance(&files, &azure, input.recursive) }
    }

    fn kubeconfig(&self, file: Option<&Path>) -> KubeconfigNames {
        kubeconfig_names(file)
    }
}

/// What every build of this program holds, and nothing else is likely to.
const MARK: &str = "rbac-lens.dev/v1alpha1";

/// Makes the link by which kubectl finds completion for `kubectl rbac-lens`.
fn install(folder: Option<&Path>) -> Result<Outcome, Failure> {
    let ending = std::env::consts::EXE_SUFFIX;
    let own = OsString::from(format!("kubectl-rbac_lens{ending}"));
    let path = search_path();
    let found = find_program(&path, &own);
    let program = found.clone().or_else(own_program).ok_or_else(|| {
        Failure::Usage("`kubectl-rbac_lens` is not on PATH; add its folder to PATH, and try again".to_owned())
    })?;
    let beside = program.parent().unwrap_or(Path::new(".")).to_owned();
    let folder = folder.unwrap_or(&beside);
    if !is_folder(folder) {
        return Err(Failure::Usage(format!("`{}` is no folder; make it first, or choose another", folder.display())));
    }
    let at = folder.join(format!("{ASKED_AS}{ending}"));
    // A link to the neighbour by its name alone still holds when krew puts another version in its place.
    let target = if is_same(folder, &beside) { PathBuf::from(&own) } else { absolute(&program) };
    let shown = safe(&at.display().to_string()).into_owned();
    let replace = match look(&at, MARK) {
        Entry::Absent => false,
        Entry::Link(_) if is_same(&at, &program) => {
            let mut notes = vec![format!("`{shown}` is there already, and leads to this program")];
            notes.extend(off_path(folder, &path));
            return Ok(Outcome { notes, ..Outcome::default() });
        }
        // An older place of this program, which may be gone.
        Entry::Link(to) if to.file_name() == Some(&own) => true,
        Entry::Ours => true,
        Entry::Link(_) | Entry::Foreign => {
            return Err(Failure::Usage(format!(
                "`{shown}` is there already and is not of this program; remove it, or choose another folder with --dir"
            )));
        }
    };
    let mut notes = vec![told(&shown, &target, replace)];
    notes.extend(off_path(folder, &path));
    notes.push(
        "note: kubectl 1.26 or newer asks it wherever kubectl's own completion is on, as by `source <(kubectl completion bash)`"
            .to_owned(),
    );
    put(LinkOut { path: at, target, replace }, notes, &program)
}

fn told(shown: &str, target: &Path, replace: bool) -> String {
    let (made, what) = match (cfg!(unix), replace) {
        (true, false) => ("made", format!("a link to {}", safe(&target.display().to_string()))),
        (true, true) => ("replaced", format!("now a link to {}", safe(&target.display().to_string()))),
        (false, false) => ("made", "a copy of this program; run it again after an upgrade".to_owned()),
        (false, true) => ("replaced", "now a copy of this program; run it again after an upgrade".to_owned()),
    };
    format!("{made} `{shown}`, {what}")
}

/// A link where there are links for everybody.
#[cfg(unix)]
fn put(link: LinkOut, notes: Vec<String>, _: &Path) -> Result<Outcome, Failure> {
    Ok(Outcome { link: Some(link), notes, ..Outcome::default() })
}

/// A copy where making links is for administrators alone.
#[cfg(not(unix))]
fn put(link: LinkOut, notes: Vec<String>, program: &Path) -> Result<Outcome, Failure> {
    let content = crate::collect::program_bytes(program).map_err(Failure::Usage)?;
    Ok(Outcome { files: vec![FileOut { path: link.path, content }], notes, ..Outcome::default() })
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// A warning for a folder in which kubectl does not look.
fn off_path(folder: &Path, path: &[PathBuf]) -> Option<String> {
    let on_path = path.iter().any(|other| is_same(other, folder));
    (!on_path).then(|| {
        let folder = folder.display().to_string();
        format!("warning: `{}` is not in PATH, and kubectl looks nowhere else; add it to PATH", safe(&folder))
    })
}
