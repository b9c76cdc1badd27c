//! Completion as shells meet it: through the program's own name, through kubectl's, through the scripts in real shells; and the link
//! that `completion install` makes. What is offered for which line is tested beside the code.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::ask;

const PROGRAM: &str = env!("CARGO_BIN_EXE_kubectl-rbac_lens");

fn out(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A folder with the program under its name.
fn installed() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    symlink(PROGRAM, folder.path().join("kubectl-rbac_lens")).unwrap();
    folder
}

/// A command in a folder of its own, with what is in `programs` before everything else on PATH, and no snapshot of anybody's.
fn command(program: impl AsRef<std::ffi::OsStr>, programs: &Path) -> Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([programs.to_owned()].into_iter().chain(std::env::split_paths(&path))).unwrap();
    let mut command = Command::new(program);
    command.current_dir(programs).env("PATH", path).env_remove("RBAC_LENS_SNAPSHOT").env("HOME", programs);
    command
}

#[test]
fn the_program_answers_by_kubectls_name_and_by_its_own() {
    let folder = installed();
    for name in ["kubectl_complete-rbac_lens", "kubectl_complete-rbac_lens.exe"] {
        let link = folder.path().join(name);
        symlink(PROGRAM, &link).unwrap();
        let answer = out(&command(&link, folder.path()).args(["who-can", "--demo", "imp"]).output().unwrap());
        assert_eq!(answer, "impersonate\n:4\n");
        assert!(out(&command(&link, folder.path()).output().unwrap()).starts_with("who-can\t"));
    }
    let own = folder.path().join("kubectl-rbac_lens");
    let answer = out(&command(&own, folder.path()).args(["__complete", "who-can", "-f", ""]).output().unwrap());
    assert_eq!(answer, ":0\n");
    // Whatever is typed, a shell gets an answer and no complaint.
    for line in
        [&["__complete"][..], &["__complete", "nonsense", ""], &["__complete", "who-can", "-f", "absent", "-n", ""]]
    {
        let output = command(&own, folder.path()).args(line).output().unwrap();
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]), "{line:?}");
        assert!(output.stdout.ends_with(b":4\n"));
    }
}

#[test]
fn names_come_from_the_file_on_the_line_or_the_last_snapshot() {
    let folder = installed();
    let at = |name: &str| folder.path().join(name);
    let namespace = |name: &str| format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n");
    fs::write(at("given.yaml"), namespace("of-the-file")).unwrap();
    fs::write(at("other.yaml"), namespace("of-the-snapshot")).unwrap();
    let run = |words: &[&str], snapshot: Option<&Path>| {
        let mut command = command(at("kubectl-rbac_lens"), folder.path());
        if let Some(path) = snapshot {
            command.env("RBAC_LENS_SNAPSHOT", path);
        }
        out(&command.args(words).output().unwrap())
    };
    let line = ["__complete", "who-can", "get", "pods", "-n", ""];
    assert_eq!(run(&line, None), ":4\n", "a manifest is no snapshot");
    let save = |file: &str| run(&["snapshot", file, "-f", "other.yaml", "-q"], None);
    save("saved.ndjson.gz");
    assert_eq!(run(&line, None), "of-the-snapshot\n:4\n");
    fs::create_dir(at("elsewhere")).unwrap();
    fs::rename(at("saved.ndjson.gz"), at("elsewhere/any-name")).unwrap();
    assert_eq!(run(&line, None), ":4\n");
    assert_eq!(run(&line, Some(&at("elsewhere/any-name"))), "of-the-snapshot\n:4\n");
    let given = ["__complete", "who-can", "-f", "given.yaml", "get", "pods", "-n", ""];
    assert_eq!(run(&given, Some(&at("elsewhere/any-name"))), "of-the-file\n:4\n");
    let home = ["__complete", "who-can", "-f", "~/given.yaml", "get", "pods", "-n", ""];
    assert_eq!(run(&home, None), "of-the-file\n:4\n", "shells do not expand it in the words that they hand on");
}

/// Runs the script for bash in bash, for a line with its words as bash takes them apart; the last one is at the cursor.
fn bash(line: &str, words: &[&str]) -> Vec<String> {
    const ASK: &str = "
        source <(kubectl-rbac_lens completion bash) || exit 9
        [[ $(complete -p kubectl-rbac_lens) == *__kubectl_rbac_lens* ]] || exit 8
        COMP_LINE=$1; COMP_POINT=${#COMP_LINE}; shift
        COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); COMP_TYPE=9; COMP_KEY=9
        __kubectl_rbac_lens kubectl-rbac_lens \"${COMP_WORDS[COMP_CWORD]}\" '' || exit 7
        printf '%s\\n' \"${COMPREPLY[@]}\"
    ";
    let folder = installed();
    let run = command("bash", folder.path()).args(["--norc", "-c", ASK, "bash", line]).args(words).output();
    let mut found: Vec<String> = out(&run.unwrap()).lines().map(str::to_owned).collect();
    found.retain(|word| !word.is_empty());
    found.sort();
    found
}

#[test]
fn bash_offers_what_the_program_does() {
    const P: &str = "kubectl-rbac_lens";
    for (line, words, expected) in [
        ("kubectl-rbac_lens wh", &[P, "wh"][..], &["what-can", "who-can", "why"][..]),
        ("kubectl-rbac_lens  who-can   imp", &[P, "who-can", "imp"], &["impersonate"]),
        ("kubectl-rbac_lens who-can get secrets -n ", &[P, "who-can", "get", "secrets", "-n", ""], &[]),
        ("kubectl-rbac_lens --demo", &[P, "--demo"], &[]),
        (
            "kubectl-rbac_lens who-can --demo get secrets -n pr",
            &[P, "who-can", "--demo", "get", "secrets", "-n", "pr"],
            &["prod"],
        ),
        // bash takes words apart at `:` and `=`, and wants what comes behind them.
        ("kubectl-rbac_lens what-can --demo group:dev", &[P, "what-can", "--demo", "group", ":", "dev"], &["dev-team"]),
        (
            "kubectl-rbac_lens what-can --demo sa:cicd/",
            &[P, "what-can", "--demo", "sa", ":", "cicd/"],
            &["cicd/deployer"],
        ),
        ("kubectl-rbac_lens what-can --demo gr", &[P, "what-can", "--demo", "gr"], &["group:"]),
        (
            "kubectl-rbac_lens escalations --demo --from=group:dev",
            &[P, "escalations", "--demo", "--from", "=", "group", ":", "dev"],
            &["dev-team"],
        ),
        ("kubectl-rbac_lens who-can --system=", &[P, "who-can", "--system", "="], &["hide", "only", "show"]),
        ("kubectl-rbac_lens who-can --system=h", &[P, "who-can", "--system", "=", "h"], &["hide"]),
        // Nothing behind the cursor counts.
        ("kubectl-rbac_lens who-can --sys", &[P, "who-can", "--system"], &["--system"]),
    ] {
        assert_eq!(bash(line, words), expected, "{line}");
    }
}

/// Runs a shell if it is installed.
fn shell(name: &str, script: &str) -> Option<String> {
    let folder = installed();
    match command(name, folder.path()).args(["-c", script]).output() {
        Ok(output) => Some(out(&output)),
        Err(error) => {
            // What is not installed cannot be asked; bash always is, where these tests run.
            assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{name}: {error}");
            None
        }
    }
}

#[test]
fn fish_offers_what_the_program_does() {
    let offers = |line: &str| {
        shell("fish", &format!("kubectl-rbac_lens completion fish | source; complete -C '{line}'"))
            .map(|text| text.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect::<Vec<_>>())
    };
    let Some(commands) = offers("kubectl-rbac_lens wh") else { return };
    assert_eq!(commands, ["what-can", "who-can", "why"]);
    assert_eq!(offers("kubectl-rbac_lens who-can --demo get secrets -n pr").unwrap(), ["prod"]);
    assert_eq!(offers("kubectl-rbac_lens who-can --system=h").unwrap(), ["--system=hide"]);
    assert_eq!(offers("kubectl-rbac_lens what-can --demo group:dev").unwrap(), ["group:dev-team"]);
}

#[test]
fn zsh_and_powershell_can_read_their_scripts() {
    // zsh completes only on a terminal of its own; that the script is one, and defines what it says, is seen without.
    let defined = shell(
        "zsh",
        "autoload -Uz compinit && compinit -u -D && source <(kubectl-rbac_lens completion zsh) && print $_comps[kubectl-rbac_lens]",
    );
    assert!(defined.is_none_or(|defined| defined == "_kubectl-rbac_lens\n"));
    let parsed = shell("pwsh", "kubectl-rbac_lens completion powershell | Out-String | Invoke-Expression; 'read'");
    assert!(parsed.is_none_or(|parsed| parsed.trim() == "read"));
}

#[test]
fn scripts_are_printed_and_say_nothing_else() {
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let outcome = ask(["completion", shell]);
        assert_eq!((outcome.code, outcome.notes.len()), (0, 0));
        assert!(outcome.out.contains("__complete"), "{shell}");
    }
    assert_eq!(ask(["completion", "bash", "--dir", "x"]).code, 2);
    assert_eq!(ask(["completion", "tcsh"]).code, 2);
    assert_eq!(ask(["completion"]).code, 2);
}

/// Runs `completion install` with the program in a folder of PATH.
fn install(folder: &Path, more: &[&str]) -> (Option<i32>, String) {
    let output = command(folder.join("kubectl-rbac_lens"), folder).args(["completion", "install"]).args(more).output();
    let output = output.unwrap();
    assert_eq!(output.stdout, b"");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn the_link_is_made_beside_the_program() {
    let folder = installed();
    let link = folder.path().join("kubectl_complete-rbac_lens");
    let (code, said) = install(folder.path(), &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with(&format!("made `{}`, a link to kubectl-rbac_lens\nnote: ", link.display())), "{said}");
    assert_eq!(fs::read_link(&link).unwrap(), PathBuf::from("kubectl-rbac_lens"));
    assert_eq!(out(&command(&link, folder.path()).args(["who-can", "imp"]).output().unwrap()), "impersonate\n:4\n");
    // Once more is no harm.
    let (code, said) = install(folder.path(), &[]);
    assert_eq!((code, said.contains("is there already, and leads to this program")), (Some(0), true), "{said}");
    // A link to where the program once was is put right.
    fs::remove_file(&link).unwrap();
    symlink("/gone/kubectl-rbac_lens", &link).unwrap();
    let (code, said) = install(folder.path(), &[]);
    assert_eq!((code, said.starts_with("replaced ")), (Some(0), true), "{said}");
    assert_eq!(fs::read_link(&link).unwrap(), PathBuf::from("kubectl-rbac_lens"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left over");
}

#[test]
fn nothing_of_others_is_overwritten() {
    let folder = installed();
    let link = folder.path().join("kubectl_complete-rbac_lens");
    fs::write(&link, "#!/bin/sh\n").unwrap();
    let (code, said) = install(folder.path(), &[]);
    assert_eq!((code, said.contains("is not of this program; remove it")), (Some(2), true), "{said}");
    assert_eq!(fs::read_to_string(&link).unwrap(), "#!/bin/sh\n");
    fs::remove_file(&link).unwrap();
    symlink("/bin/sh", &link).unwrap();
    assert_eq!(install(folder.path(), &[]).0, Some(2));
    assert_eq!(fs::read_link(&link).unwrap(), PathBuf::from("/bin/sh"));
    // A copy of this program is its own.
    fs::remove_file(&link).unwrap();
    fs::copy(PROGRAM, &link).unwrap();
    assert_eq!(install(folder.path(), &[]).0, Some(0));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
}

#[test]
fn another_folder_has_to_be_there_and_should_be_on_the_path() {
    let (folder, other) = (installed(), tempfile::tempdir().unwrap());
    let there = other.path().to_str().unwrap();
    let (code, said) = install(folder.path(), &["--dir", there]);
    assert_eq!((code, said.contains("is not in PATH, and kubectl looks nowhere else")), (Some(0), true), "{said}");
    let target = fs::read_link(other.path().join("kubectl_complete-rbac_lens")).unwrap();
    assert_eq!(target, folder.path().join("kubectl-rbac_lens"));
    let (code, said) = install(folder.path(), &["--dir", "absent"]);
    assert_eq!((code, said.as_str()), (Some(2), "error: `absent` is no folder; make it first, or choose another\n"));
    // A folder that cannot be written to: nothing is said to be made. (Root may write everywhere.)
    fs::set_permissions(other.path(), fs::Permissions::from_mode(0o500)).unwrap();
    fs::remove_file(other.path().join("kubectl_complete-rbac_lens")).ok();
    if fs::write(other.path().join("x"), "").is_err() {
        let (code, said) = install(folder.path(), &["--dir", there]);
        assert_eq!(code, Some(2));
        assert!(said.starts_with("error: ") && !said.contains("made "), "{said}");
    }
    fs::set_permissions(other.path(), fs::Permissions::from_mode(0o700)).unwrap();
}
