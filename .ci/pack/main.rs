//! Packs a built program for krew; `.ci/package` says how, and is the way to call it.
//!
//! `pack archive OUTDIR --binary FILE --target TRIPLE` writes the archive of one platform, and `pack render OUTDIR` the manifest and
//! the checksums of the archives that lie there. In Rust and not in shell, since tar and gzip of three systems do not agree to the byte.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::Parser;

mod archive;
mod licences;
mod manifest;

#[derive(Parser)]
enum Words {
    /// Write the archive of one platform.
    Archive {
        /// The folder of the archives.
        out: PathBuf,
        /// The built program.
        #[arg(long)]
        binary: PathBuf,
        /// What it was built for.
        #[arg(long)]
        target: String,
    },
    /// Write the manifest and the checksums of the archives that are there.
    Render {
        /// The folder of the archives.
        out: PathBuf,
    },
}

fn main() -> ExitCode {
    let done = match Words::parse() {
        Words::Archive { out, binary, target } => pack(&out, &binary, &target),
        Words::Render { out } => render(&out),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // A message that cannot be shown is lost; the status stays.
            let _ = writeln!(io::stderr(), "error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn pack(out: &Path, binary: &Path, target: &str) -> Result<(), String> {
    let platform = archive::platform(target).ok_or_else(|| format!("`{target}` is no platform of the manifest"))?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // The tree goes through macros, which are built for the machine that builds.
    let host = host()?;
    let platforms = ["--filter-platform", target, "--filter-platform", &host];
    let words = [["metadata", "--format-version", "1", "--locked"].as_slice(), &platforms].concat();
    let metadata = serde_json::from_str(&cargo(root, &words)?).map_err(|error| format!("cargo metadata: {error}"))?;
    let tree = cargo(root, &[licences::TREE.as_slice(), &["--target", target]].concat())?;
    let files = vec![
        archive::File { name: platform.program(), executable: true, content: read(binary)? },
        archive::File { name: "LICENSE".to_owned(), executable: false, content: read(&root.join("LICENSE"))? },
        archive::File {
            name: "LICENSES.md".to_owned(),
            executable: false,
            content: licences::page(&tree, &metadata)?.into_bytes(),
        },
    ];
    let path = out.join(platform.archive());
    let content = archive::pack(files).map_err(|error| format!("{}: {error}", path.display()))?;
    write(&path, &content)
}

fn render(out: &Path) -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let template = String::from_utf8(read(&root.join("krew-manifest.yaml"))?).map_err(|error| error.to_string())?;
    let mut sums = BTreeMap::new();
    for entry in fs::read_dir(out).map_err(|error| format!("{}: {error}", out.display()))? {
        let entry = entry.map_err(|error| format!("{}: {error}", out.display()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".tar.gz") {
            sums.insert(name, archive::sha256(&read(&entry.path())?));
        }
    }
    let manifest = manifest::render(&template, env!("CARGO_PKG_VERSION"), &sums)?;
    let lines: String = sums.iter().map(|(name, sum)| format!("{sum}  {name}\n")).collect();
    write(&out.join("SHA256SUMS"), lines.as_bytes())?;
    write(&out.join("rbac-lens.yaml"), manifest.as_bytes())
}

/// What cargo says of the packages.
fn cargo(root: &Path, words: &[&str]) -> Result<String, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output =
        Command::new(cargo).args(words).current_dir(root).output().map_err(|error| format!("cargo: {error}"))?;
    match output.status.success() {
        true => String::from_utf8(output.stdout).map_err(|error| format!("cargo {}: {error}", words[0])),
        false => Err(format!("cargo {}: {}", words[0], String::from_utf8_lossy(&output.stderr).trim())),
    }
}

/// The platform of this machine, as rustc names it.
fn host() -> Result<String, String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output().map_err(|error| format!("rustc: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc -vV names no host".to_owned())
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(path: &Path, content: &[u8]) -> Result<(), String> {
    fs::write(path, content).map_err(|error| format!("{}: {error}", path.display()))
}
