//! kubectl's own completion finds ours. No server is needed: completion never asks one.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::server::asset;

/// What the real kubectl offers for a line.
fn kubectl_offers(folder: &Path, words: &[&str]) -> Vec<String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([folder.to_owned()].into_iter().chain(std::env::split_paths(&path))).unwrap();
    let output = Command::new(asset("kubectl"))
        .args(["__complete", "rbac-lens"])
        .args(words)
        .current_dir(folder)
        .env("PATH", path)
        .env("HOME", folder)
        .env("KUBECONFIG", "")
        .env_remove("RBAC_LENS_SNAPSHOT")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn kubectl_completes_through_the_link_that_install_makes() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("kubectl-rbac_lens");
    symlink(env!("CARGO_BIN_EXE_kubectl-rbac_lens"), &program).unwrap();
    assert_eq!(
        kubectl_offers(folder.path(), &["who-can", ""]),
        [":0"],
        "without the link kubectl has nothing to offer"
    );
    let install = Command::new(&program).args(["completion", "install"]).env("PATH", folder.path()).output().unwrap();
    assert!(install.status.success(), "{}", String::from_utf8_lossy(&install.stderr));

    let verbs = kubectl_offers(folder.path(), &["who-can", ""]);
    assert!(verbs.contains(&"impersonate".to_owned()), "{verbs:?}");
    assert_eq!(verbs.last().unwrap(), ":4");
    assert_eq!(kubectl_offers(folder.path(), &["who-can", "imp"]), ["impersonate", ":4"]);
    assert_eq!(kubectl_offers(folder.path(), &["who-can", "get", "secrets", "--demo", "-n", "pr"]), ["prod", ":4"]);
    assert_eq!(kubectl_offers(folder.path(), &["what-can", "--demo", "sa:cicd/"]), ["sa:cicd/deployer", ":4"]);
    assert_eq!(kubectl_offers(folder.path(), &["what-can", "gr"]), ["group:\ta group", ":6"]);
    assert_eq!(kubectl_offers(folder.path(), &["who-can", "--system=h"]), ["hide", ":4"]);
    assert_eq!(kubectl_offers(folder.path(), &["who-can", "-f", ""]), [":0"]);
    let commands = kubectl_offers(folder.path(), &[""]);
    assert!(commands.iter().any(|line| line.starts_with("escalations\tWho can become more")), "{commands:?}");
}
