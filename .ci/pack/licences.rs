//! The page of the licences of everything that is linked into the program.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;

/// How the files begin that say under which terms a package is given.
const FILES: [&str; 6] = ["licen", "copying", "notice", "copyright", "unlicense", "authors"];

/// What `cargo tree` is asked for: what the program needs to run, and not what only a build script, a test or a benchmark needs.
pub(crate) const TREE: [&str; 8] = ["tree", "--locked", "--edges", "normal", "--prefix", "none", "--format", "{p}"];

/// A package that is linked into the program.
struct Package<'a> {
    name: &'a str,
    version: &'a str,
    licence: &'a str,
    address: &'a str,
    /// The texts that its source has, by file name.
    texts: BTreeMap<String, String>,
}

/// The page: each package with its licence, then each text once with the packages that have it. `tree` is what `cargo tree` says with
/// [`TREE`], and tells what is linked: `cargo metadata` also counts the features that only tests turn on. `metadata` is what that one
/// says, and tells the rest. Errors: a package that says no licence or has no text of it, or a source that cannot be read.
pub(crate) fn page(tree: &str, metadata: &Value) -> Result<String, String> {
    // Our own is the first line. The words after the version are `(proc-macro)` and `(*)`.
    let linked: BTreeSet<(&str, &str)> = tree.lines().skip(1).filter_map(package).collect();
    let mut packages = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        if linked.contains(&(text(package, "name"), text(package, "version"))) {
            packages.push(read(package)?);
        }
    }
    if packages.len() != linked.len() {
        return Err(format!("cargo tree names {} packages, cargo metadata {} of them", linked.len(), packages.len()));
    }
    packages.sort_by_key(|package| (package.name, package.version));
    Ok(write(&packages))
}

/// The name and the version of `NAME vVERSION ...`.
fn package(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split(' ');
    Some((words.next()?, words.next()?.strip_prefix('v')?))
}

fn read(package: &Value) -> Result<Package<'_>, String> {
    let name = text(package, "name");
    let manifest = Path::new(text(package, "manifest_path"));
    let folder = manifest.parent().unwrap_or(manifest);
    let mut texts = BTreeMap::new();
    let named = package["license_file"].as_str();
    for entry in fs::read_dir(folder).map_err(|error| format!("{name}: {}: {error}", folder.display()))? {
        let entry = entry.map_err(|error| format!("{name}: {error}"))?;
        let file = entry.file_name().to_string_lossy().into_owned();
        let lower = file.to_lowercase();
        if entry.path().is_file() && (FILES.iter().any(|start| lower.starts_with(start)) || named == Some(&file)) {
            let text = fs::read(entry.path()).map_err(|error| format!("{}: {error}", entry.path().display()))?;
            texts.insert(file, plain(&String::from_utf8_lossy(&text)));
        }
    }
    let licence = match (package["license"].as_str(), named) {
        (Some(licence), _) => licence,
        (None, Some(_)) => "see its text",
        (None, None) => return Err(format!("{name} says no licence")),
    };
    // LICENSE beside the page is the text of this one; of any other there is none to point to.
    if texts.is_empty() && !licence.split(['/', ' ', '(', ')']).any(|word| word == "Apache-2.0") {
        return Err(format!("{name} is given under {licence}, and its source has no text of it"));
    }
    let address = package["repository"].as_str().or(package["homepage"].as_str()).unwrap_or_default();
    Ok(Package { name, version: text(package, "version"), licence, address, texts })
}

fn write(packages: &[Package<'_>]) -> String {
    let mut page = String::from(
        "# Licences\n\n\
         kubectl-rbac_lens is given under the Apache License 2.0, see LICENSE. Linked into it are the packages below, each under its\n\
         own licence, and Rust's standard library (MIT or Apache-2.0, the Rust project's contributors), on linux with musl (MIT,\n\
         Rich Felker and others). The texts follow the list. A package that has no text in its source is given under the Apache\n\
         License 2.0, whose text is in LICENSE.\n\n",
    );
    let mut by_text: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for Package { name, version, licence, address, texts } in packages {
        let none = if texts.is_empty() { ", no text in its source" } else { "" };
        let address = if address.is_empty() { String::new() } else { format!(", <{address}>") };
        // Writing into a String cannot fail.
        let _ = writeln!(page, "- {name} {version}: {licence}{address}{none}");
        for text in texts.values() {
            by_text.entry(text).or_default().insert(format!("{name} {version}"));
        }
    }
    // By who has it first, so that a new package moves little.
    let mut texts: Vec<_> = by_text.into_iter().collect();
    texts.sort_by(|(text, owners), (other_text, others)| (owners, text).cmp(&(others, other_text)));
    for (text, owners) in texts {
        let owners: Vec<_> = owners.into_iter().collect();
        let fence = fence(text);
        let _ = write!(page, "\n## {}\n\n{fence}text\n{text}\n{fence}\n", owners.join(", "));
    }
    page
}

/// A row of backticks that the text does not have.
fn fence(text: &str) -> String {
    let mut fence = "```".to_owned();
    while text.contains(&fence) {
        fence.push('`');
    }
    fence
}

/// A text without what differs between editors, so that equal ones are one: line ends, spaces at them, empty lines around it.
fn plain(text: &str) -> String {
    let lines: Vec<_> = text.trim_start_matches('\u{feff}').lines().map(str::trim_end).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}
