//! The modules are floors: each imports only from floors below it, never sideways, never up. And what a floor must not do, no line
//! of it does: only `collect` reads, only `main` writes.

use std::fs;
use std::path::{Path, PathBuf};

/// The floors, from the ground up. A floor that is not there yet is simply not imported.
const FLOORS: [&str; 7] = ["model", "collect", "graph", "query", "rules", "render", "cli"];

/// Every source file below a folder that is part of the program, with its text; `tests.rs` is not.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("tests.rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The floors that a line of code names by their path.
fn named(line: &str) -> impl Iterator<Item = usize> {
    let code = line.split("//").next().unwrap_or_default();
    FLOORS.iter().enumerate().filter(move |(_, floor)| code.contains(&format!("crate::{floor}"))).map(|(at, _)| at)
}

#[test]
fn each_floor_imports_only_from_below() {
    let mut wrong = Vec::new();
    for (own, floor) in FLOORS.iter().enumerate() {
        let folder = src().join(floor);
        if !folder.is_dir() {
            continue;
        }
        for (path, text) in sources(&folder) {
            assert!(
                !text.contains("use crate::{"),
                "{}: one import a floor, so that this test can read them",
                path.display()
            );
            for (number, line) in text.lines().enumerate() {
                for other in named(line).filter(|&other| other >= own && FLOORS[other] != *floor) {
                    wrong.push(format!("{}:{}: {floor} imports from {}", path.display(), number + 1, FLOORS[other]));
                }
            }
        }
    }
    // Collecting and the graph never meet: a snapshot is handed from one to the other.
    for (path, text) in sources(&src().join("graph")).into_iter().chain(sources(&src().join("query"))) {
        if text.contains("crate::collect") {
            wrong.push(format!("{}: facts only, no reading", path.display()));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn only_collect_reads_and_only_main_writes() {
    let mut wrong = Vec::new();
    for floor in FLOORS.iter().filter(|floor| **floor != "collect") {
        let folder = src().join(floor);
        if folder.is_dir() {
            for (path, text) in sources(&folder) {
                for word in
                    ["std::fs", "std::net", "std::process::Command", "kube::", "tokio::", "io::stdout", "io::stderr"]
                {
                    if text.contains(word) {
                        wrong.push(format!("{}: {word}", path.display()));
                    }
                }
            }
        }
    }
    // Tests in files of their own make the files that they read.
    let code = sources(&src().join("collect")).into_iter().filter(|(path, _)| !path.ends_with("tests.rs"));
    for (path, text) in code {
        for word in ["fs::write", "File::create", "OpenOptions", "io::stdout", "io::stderr"] {
            if text.contains(word) {
                wrong.push(format!("{}: {word}", path.display()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_module_says_what_lives_in_it() {
    for (path, text) in sources(&src()) {
        assert!(text.starts_with("//! "), "{} does not open with `//!`", path.display());
    }
}
