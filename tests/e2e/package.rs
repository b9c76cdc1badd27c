//! The archive of a release, as people get it: kubectl finds the program that was in it and runs it, krew installs it.
//!
//! PACKAGE_DIR names the folder that `.ci/package` wrote; `.ci/run` sets it. Without it the program under test is packed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use flate2::read::GzDecoder;

use crate::server::{self, asset};

/// The archive of this machine's platform, and the manifest beside it.
fn packaged(scratch: &Path) -> (PathBuf, PathBuf) {
    let folder = std::env::var_os("PACKAGE_DIR").map_or_else(|| pack(&scratch.join("packed")), PathBuf::from);
    let os = if cfg!(target_os = "macos") { "darwin" } else { std::env::consts::OS };
    let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let archive = folder.join(format!("kubectl-rbac_lens-{os}-{arch}.tar.gz"));
    assert!(archive.is_file(), "{} is not there", archive.display());
    (archive, folder.join("rbac-lens.yaml"))
}

/// Packs the program under test as `.ci/package` packs the one that it builds.
fn pack(folder: &Path) -> PathBuf {
    let system = if cfg!(target_os = "macos") { "apple-darwin" } else { "unknown-linux-gnu" };
    let output = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/package"))
        .arg(folder)
        .args(["--binary", env!("CARGO_BIN_EXE_kubectl-rbac_lens")])
        .args(["--target", &format!("{}-{system}", std::env::consts::ARCH)])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder.to_owned()
}

/// Unpacks the archive into a folder.
fn unpacked(scratch: &Path) -> PathBuf {
    let (archive, _) = packaged(scratch);
    let folder = scratch.join("unpacked");
    tar::Archive::new(GzDecoder::new(File::open(archive).unwrap())).unpack(&folder).unwrap();
    folder
}

/// A command for kubectl with this folder alone before the machine's own programs, and with nobody's settings.
fn kubectl(folder: &Path, home: &Path, words: &[&str]) -> Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([folder.to_owned()].into_iter().chain(std::env::split_paths(&path))).unwrap();
    let mut command = Command::new(asset("kubectl"));
    command.args(words).stdin(Stdio::null()).env("PATH", path).env("HOME", home).env("KUBECONFIG", home.join("none"));
    command
}

fn succeed(mut command: Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert!(status.success(), "{command:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

const QUESTION: [&str; 5] = ["rbac-lens", "who-can", "get", "secrets", "--demo"];

#[test]
fn kubectl_finds_and_runs_the_unpacked_program() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = unpacked(scratch.path());
    let listed = succeed(kubectl(&folder, scratch.path(), &["plugin", "list"]));
    let program = folder.join("kubectl-rbac_lens");
    assert!(listed.lines().any(|line| Path::new(line) == program), "{listed}");
    let answer = succeed(kubectl(&folder, scratch.path(), &QUESTION));
    // The same as the program that the other tests test says.
    let words = QUESTION.iter().skip(1);
    let expected = Command::new(env!("CARGO_BIN_EXE_kubectl-rbac_lens")).args(words).output().unwrap();
    assert_eq!(answer, String::from_utf8(expected.stdout).unwrap());
    assert!(answer.contains("cluster-admin"), "{answer}");
    // What is beside it is what its licence asks for.
    assert!(fs::read_to_string(folder.join("LICENSE")).unwrap().contains("Apache License"));
}

/// Linked statically, it still resolves names, checks certificates and speaks HTTP.
#[test]
fn the_unpacked_program_reads_a_live_cluster() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = unpacked(scratch.path());
    let server = server::plain();
    let ask = |address: String| {
        let words = ["rbac-lens", "who-can", "delete", "nodes", "-o", "name", "--server", &address];
        let mut command = kubectl(&folder, scratch.path(), &words);
        command.env("KUBECONFIG", server.kubeconfig("admin")).env("NO_PROXY", "*").env("no_proxy", "*");
        succeed(command)
    };
    let answer = ask(server.url.clone());
    assert!(answer.contains("system:masters"), "{answer}");
    assert_eq!(ask(server.url.replace("127.0.0.1", "localhost")), answer);
}

#[test]
fn krew_installs_the_archive_and_kubectl_runs_it() {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if !std::env::split_paths(&path).any(|folder| folder.join("kubectl-krew").is_file()) {
        // The rules of krew are checked by tests/it/package.rs all the same.
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let (archive, manifest) = packaged(scratch.path());
    let root = scratch.path().join("krew");
    let krew = |words: &[&str]| {
        let mut command = kubectl(&root.join("bin"), scratch.path(), words);
        command.env("KREW_ROOT", &root);
        succeed(command)
    };
    let (archive, manifest) =
        (format!("--archive={}", archive.display()), format!("--manifest={}", manifest.display()));
    krew(&["krew", "install", &manifest, &archive]);
    let answer = krew(&QUESTION);
    assert!(answer.contains("cluster-admin"), "{answer}");
    krew(&["krew", "uninstall", "rbac-lens"]);
    assert!(!root.join("bin/kubectl-rbac_lens").exists());
}
