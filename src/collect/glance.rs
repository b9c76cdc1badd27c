//! What completion at the prompt may look at: the names in files, the last saved snapshot, the kubeconfig, and where the program is.
//! Never a cluster, never for long, and never a complaint: what cannot be read in a moment is not offered.

#[cfg(test)]
mod tests;

use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

use super::azure::read_azure;
use super::document::Needs;
use super::files::{FileOptions, Input, Limits, load};
use super::live::kubeconfig;
use super::saved;
use crate::model::Snapshot;

/// Bytes that are read of each file. 8 MiB of objects take about 20 ms.
const GLANCE: u64 = 8 << 20;

/// Bytes of a YAML file, which takes ten times as long as JSON.
const GLANCE_YAML: u64 = 1 << 20;

/// The names in files, as far as they can be read in a moment: of each file its beginning. What is wrong with them is for the command
/// itself to say. `azure` is what `--azure` names.
pub fn glance(inputs: &[Input], azure: &[Input], recursive: bool) -> Option<Snapshot> {
    let limits = Limits { source_bytes: GLANCE, yaml_bytes: GLANCE_YAML, ..Limits::DEFAULT };
    let options = FileOptions {
        recursive,
        needs: Needs::ALL,
        default_namespace: "default".to_owned(),
        keep_going: true,
        limits,
        threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
    };
    let [inputs, azure] = [inputs, azure].map(|all| all.iter().map(at_home).collect::<Vec<Input>>());
    let mut snapshot = load(&inputs, &mut std::io::empty(), &options).ok()?;
    let options = FileOptions { limits: Limits { yaml_bytes: GLANCE, ..limits }, ..options };
    if let Ok(read) = read_azure(&azure, &mut std::io::empty(), &options, snapshot.files.len()) {
        read.add_to(&mut snapshot);
    }
    Some(snapshot)
}

/// A shell hands on what was typed, `~` included.
fn at_home(input: &Input) -> Input {
    let Input::Path(path) = input else { return input.clone() };
    match (path.strip_prefix("~"), std::env::home_dir()) {
        (Ok(rest), Some(home)) => Input::Path(home.join(rest)),
        _ => input.clone(),
    }
}

/// The variable that names the snapshot which completion knows names from.
pub const SNAPSHOT_VARIABLE: &str = "RBAC_LENS_SNAPSHOT";

/// The snapshot that `RBAC_LENS_SNAPSHOT` names; without it the newest one in the working directory.
pub fn last_snapshot() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os(SNAPSHOT_VARIABLE).filter(|path| !path.is_empty()) {
        return Some(named.into());
    }
    newest_snapshot(Path::new("."))
}

/// More files of a name that may be a snapshot's are not looked into.
const CANDIDATES: usize = 64;

fn newest_snapshot(folder: &Path) -> Option<PathBuf> {
    let mut found: Vec<(std::time::SystemTime, PathBuf)> = std::fs::read_dir(folder)
        .ok()?
        .flatten()
        .filter(|entry| {
            let name = entry.file_name().to_string_lossy().to_lowercase();
            let name = name.strip_suffix(".gz").unwrap_or(&name);
            [".ndjson", ".jsonl", ".json"].iter().any(|ending| name.ends_with(ending))
        })
        .filter_map(|entry| {
            let about = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
            Some((about.modified().ok()?, entry.path()))
        })
        .collect();
    // Of two of one moment the later name.
    found.sort_by(|a, b| b.cmp(a));
    found.into_iter().take(CANDIDATES).map(|(_, path)| path).find(|path| is_snapshot(path))
}

fn is_snapshot(path: &Path) -> bool {
    let begins = || {
        let mut start = [0; 2];
        std::fs::File::open(path).ok()?.read_exact(&mut start).ok()?;
        let open = std::fs::File::open(path).ok()?;
        let mut head = Vec::new();
        let wanted = saved::FIRST_BYTES.len() as u64;
        match start {
            [0x1f, 0x8b] => GzDecoder::new(open).take(wanted).read_to_end(&mut head).ok()?,
            _ => open.take(wanted).read_to_end(&mut head).ok()?,
        };
        Some(head == saved::FIRST_BYTES.as_bytes())
    };
    begins().unwrap_or(false)
}

/// The contexts, clusters and users of the kubeconfig, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KubeconfigNames {
    /// `contexts`.
    pub contexts: Vec<String>,
    /// `clusters`.
    pub clusters: Vec<String>,
    /// `users`.
    pub users: Vec<String>,
}

/// The names in the kubeconfig that kubectl would take; none of one that cannot be read.
pub fn kubeconfig_names(explicit: Option<&Path>) -> KubeconfigNames {
    let paths = kubeconfig::paths(explicit, std::env::var_os("KUBECONFIG").as_ref(), std::env::home_dir().as_deref());
    kubeconfig::Kubeconfig::read(&paths, false).map(|read| read.names()).unwrap_or_default()
}

/// This program, as it was started.
pub fn own_program() -> Option<PathBuf> {
    std::env::current_exe().ok()
}

/// The folders of PATH.
pub fn search_path() -> Vec<PathBuf> {
    std::env::var_os("PATH").map(|list| std::env::split_paths(&list).collect()).unwrap_or_default()
}

/// What there is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Nothing.
    Absent,
    /// A link and what it says.
    Link(PathBuf),
    /// A file that holds the bytes that were looked for.
    Ours,
    /// Anything else.
    Foreign,
}

/// Looks at a path without following it. A file is ours if it holds `mark`, which takes reading all of it.
pub fn look(path: &Path, mark: &str) -> Entry {
    match std::fs::symlink_metadata(path) {
        Err(_) => Entry::Absent,
        Ok(about) if about.is_symlink() => std::fs::read_link(path).map_or(Entry::Foreign, Entry::Link),
        Ok(about) if about.is_file() => match std::fs::read(path) {
            Ok(bytes) if memchr::memmem::find(&bytes, mark.as_bytes()).is_some() => Entry::Ours,
            _ => Entry::Foreign,
        },
        Ok(_) => Entry::Foreign,
    }
}

/// Whether a path leads to a file.
pub fn is_file(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|about| about.is_file())
}

/// Whether a path leads to a folder.
pub fn is_folder(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|about| about.is_dir())
}

/// Whether two paths lead to the same file or folder.
pub fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    real(one).is_some_and(|one| Some(one) == real(other))
}

/// The bytes of a program, to copy it where links are not for everybody.
///
/// # Errors
/// Why it cannot be read.
pub fn program_bytes(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| super::sources::cannot_read(&error))
}

/// The first program of a name in folders.
pub fn find_program(folders: &[PathBuf], name: &OsStr) -> Option<PathBuf> {
    folders.iter().map(|folder| folder.join(name)).find(|path| is_file(path))
}
