//! What a release gives to krew is what krew and its index accept.
//!
//! The rules are those of krew's own validation (`pkg/index/types.go`, `internal/index/validation`), of its installer, of the check
//! that krew-index runs on each manifest (`validate-krew-manifest`) and of its naming guide, written down here a second time since
//! krew's own tools need a network. They judge the manifest of the repository, and what `.ci/package` made where PACKAGE_DIR names
//! its folder; without it, what the same packer makes of a program that is none.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

#[path = "../../.ci/pack/archive.rs"]
pub(crate) mod archive;
#[path = "../../.ci/pack/licences.rs"]
mod licences;
#[path = "../../.ci/pack/manifest.rs"]
mod manifest;

/// The platforms that krew-index knows, as `validate-krew-manifest` lists them.
const KNOWN: [(&str, &[&str]); 3] = [
    ("windows", &["386", "amd64", "arm64"]),
    ("linux", &["386", "amd64", "arm", "arm64", "ppc64le"]),
    ("darwin", &["386", "amd64", "arm64"]),
];

/// The file names that krew-index takes for a licence, in lower case.
const LICENCE_FILES: [&str; 8] =
    ["license", "license.txt", "license.md", "licenses", "licenses.txt", "licenses.md", "copying", "copying.txt"];

/// Names that Windows keeps for devices; krew refuses them as plugins.
const DEVICES: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9", "lpt1", "lpt2",
    "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

fn matches(pattern: &str, text: &str) -> bool {
    regex::Regex::new(pattern).unwrap().is_match(text)
}

/// Whether a text is what the manifest's key holds, or says that it is missing.
fn text<'a>(value: &'a Value, key: &str, wrong: &mut Vec<String>) -> &'a str {
    match value[key].as_str().filter(|text| !text.is_empty()) {
        Some(text) => text,
        None => {
            wrong.push(format!("{key} is missing"));
            ""
        }
    }
}

/// Keys that krew does not know: it ignores them, so that a misspelt one goes unseen.
fn unknown_keys(value: &Value, place: &str, known: &[&str], wrong: &mut Vec<String>) {
    for key in value.as_object().into_iter().flat_map(serde_json::Map::keys) {
        if !known.contains(&key.as_str()) {
            wrong.push(format!("{place} has the unknown key {key}"));
        }
    }
}

/// What krew, its index or its naming guide have against a manifest of this file name.
fn manifest_complaints(manifest: &str, file: &str) -> Vec<String> {
    let manifest: Value = match serde_saphyr::from_str(manifest) {
        Ok(manifest) => manifest,
        Err(error) => return vec![format!("no YAML: {error}")],
    };
    let wrong = &mut Vec::new();
    unknown_keys(&manifest, "the manifest", &["apiVersion", "kind", "metadata", "spec"], wrong);
    if manifest["apiVersion"] != "krew.googlecontainertools.github.com/v1alpha2" {
        wrong.push("apiVersion is not krew's".to_owned());
    }
    if manifest["kind"] != "Plugin" {
        wrong.push("kind is not Plugin".to_owned());
    }
    unknown_keys(&manifest["metadata"], "metadata", &["name"], wrong);
    name_complaints(text(&manifest["metadata"], "name", wrong), file, wrong);
    let spec = &manifest["spec"];
    let keys = ["version", "homepage", "shortDescription", "description", "caveats", "platforms"];
    unknown_keys(spec, "spec", &keys, wrong);
    let version = text(spec, "version", wrong);
    // The whole of https://semver.org, with krew's v before it.
    let number = "(0|[1-9][0-9]*)";
    let word = "(0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)";
    let semver = format!(r"\Av{number}\.{number}\.{number}(-{word}(\.{word})*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?\z");
    if !matches(&semver, version) {
        wrong.push(format!("version {version} is no v with a semantic version"));
    }
    if !matches(r"\Ahttps://github\.com/[\w-]+/kubectl-[\w-]+\z", text(spec, "homepage", wrong)) {
        wrong.push("homepage is no repository whose name begins with kubectl-".to_owned());
    }
    short_complaints(text(spec, "shortDescription", wrong), wrong);
    let description = text(spec, "description", wrong);
    if description.lines().any(|line| line.chars().count() > 80) {
        wrong.push("a line of description has more than 80 columns".to_owned());
    }
    if matches(r"(?m)kubectl rbac-lens|^\s*\$|(^|\s)--?[a-z]|(?i)\busage\b", description) {
        wrong.push("description shows usage".to_owned());
    }
    let empty = Vec::new();
    let platforms = spec["platforms"].as_array().unwrap_or(&empty);
    if platforms.is_empty() {
        wrong.push("there is no platform".to_owned());
    }
    let mut taken = BTreeSet::new();
    for platform in platforms {
        platform_complaints(platform, version, &mut taken, wrong);
    }
    std::mem::take(wrong)
}

fn name_complaints(name: &str, file: &str, wrong: &mut Vec<String>) {
    if !matches(r"\A[\w-]+\z", name) || DEVICES.contains(&name.to_lowercase().as_str()) {
        wrong.push(format!("krew refuses the name {name}"));
    }
    if !matches(r"\A[a-z0-9]+(-[a-z0-9]+)+\z", name) || name.starts_with("kube") {
        wrong.push(format!("the name {name} is not as the naming guide wants it"));
    }
    if file != format!("{name}.yaml") {
        wrong.push(format!("the file of {name} is called {file}"));
    }
}

fn short_complaints(short: &str, wrong: &mut Vec<String>) {
    if short.contains(['\r', '\n']) {
        wrong.push("shortDescription has more than one line".to_owned());
    }
    if short.chars().count() > 50 {
        wrong.push("shortDescription has more than 50 characters".to_owned());
    }
    if short.ends_with('.') {
        wrong.push("shortDescription ends in a full stop".to_owned());
    }
    for word in ["kubectl", "plugin", "kubernetes"] {
        if short.to_lowercase().contains(word) {
            wrong.push(format!("shortDescription says {word}"));
        }
    }
}

fn platform_complaints(
    platform: &Value,
    version: &str,
    taken: &mut BTreeSet<(&'static str, &'static str)>,
    wrong: &mut Vec<String>,
) {
    unknown_keys(platform, "a platform", &["selector", "uri", "sha256", "bin", "files"], wrong);
    let selected = selected(&platform["selector"], wrong);
    if selected.is_empty() {
        wrong.push("a platform matches none that krew-index knows".to_owned());
    }
    for &(os, arch) in &selected {
        if !taken.insert((os, arch)) {
            wrong.push(format!("{os}/{arch} is matched by two platforms"));
        }
    }
    let uri = text(platform, "uri", wrong);
    // One platform, one archive of its name, from the release of this version.
    if let [(os, arch)] = selected.as_slice() {
        let address = format!("/releases/download/{version}/kubectl-rbac_lens-{os}-{arch}.tar.gz");
        if !uri.starts_with("https://github.com/") || !uri.ends_with(&address) {
            wrong.push(format!("{uri} is not where the release has its archive"));
        }
    }
    if !matches(r"\A[a-f0-9]{64}\z", text(platform, "sha256", wrong)) {
        wrong.push("sha256 is not 64 digits in lower case".to_owned());
    }
    let bin = text(platform, "bin", wrong);
    if bin.contains('\\') || bin.starts_with('/') || bin.split('/').any(|part| part == "..") {
        wrong.push(format!("bin {bin} is no path inside of the archive"));
    }
    if selected.iter().any(|(os, _)| (*os == "windows") != bin.ends_with(".exe")) {
        wrong.push(format!("bin {bin} has not the ending of its system"));
    }
    let Some(files) = platform.get("files") else { return };
    let files = files.as_array().cloned().unwrap_or_default();
    if files.is_empty() {
        wrong.push("files is given and empty".to_owned());
    }
    for file in &files {
        unknown_keys(file, "files", &["from", "to"], wrong);
        text(file, "from", wrong);
        let to = text(file, "to", wrong);
        if clean(to) != to {
            wrong.push(format!("the path {to} is not clean"));
        }
    }
}

/// The known platforms that a selector matches, as Kubernetes' label selectors do.
fn selected(selector: &Value, wrong: &mut Vec<String>) -> Vec<(&'static str, &'static str)> {
    unknown_keys(selector, "selector", &["matchLabels", "matchExpressions"], wrong);
    let given: Vec<_> = selector.as_object().into_iter().flatten().collect();
    if given.is_empty() {
        wrong.push("a selector is missing or empty".to_owned());
        return Vec::new();
    }
    for (key, value) in given {
        if value.as_object().is_none_or(serde_json::Map::is_empty) && value.as_array().is_none_or(Vec::is_empty) {
            wrong.push(format!("{key} is given and empty"));
        }
    }
    let mut terms: Vec<(String, String, Vec<String>)> = Vec::new();
    for (key, value) in selector["matchLabels"].as_object().into_iter().flatten() {
        terms.push((key.clone(), "In".to_owned(), vec![value.as_str().unwrap_or_default().to_owned()]));
    }
    for term in selector["matchExpressions"].as_array().into_iter().flatten() {
        let word = |key: &str| term[key].as_str().unwrap_or_default().to_owned();
        let values = term["values"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
        terms.push((word("key"), word("operator"), values.collect()));
    }
    for (key, ..) in &terms {
        if key != "os" && key != "arch" {
            wrong.push(format!("a selector asks for {key}"));
        }
    }
    let all = KNOWN.iter().flat_map(|(os, archs)| archs.iter().map(|arch| (*os, *arch)));
    all.filter(|(os, arch)| {
        terms.iter().all(|(key, operator, values)| {
            let have = if key == "os" { os } else { arch };
            match operator.as_str() {
                "In" => values.iter().any(|value| value == have),
                "NotIn" => !values.iter().any(|value| value == have),
                "Exists" => true,
                _ => false,
            }
        })
    })
    .collect()
}

/// A path as Go's `filepath.Clean` leaves it.
fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if path.starts_with('/') => {}
            part => parts.push(part),
        }
    }
    match (path.starts_with('/'), parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}

/// What an archive holds, by name.
type Files = BTreeMap<String, Vec<u8>>;

/// The files of an archive, and what krew or its index have against it; and against what would make two packings differ.
fn archive_complaints(archive: &[u8], bin: &str) -> (Files, Vec<String>) {
    let mut wrong = Vec::new();
    let mut files = Files::new();
    let mut last = String::new();
    let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(archive));
    if archive.get(4..8) != Some(&[0; 4]) || archive.get(3) != Some(&0) {
        wrong.push("gzip keeps a time or a name".to_owned());
    }
    for entry in tar.entries().unwrap() {
        let mut entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                wrong.push(format!("no tar: {error}"));
                break;
            }
        };
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let header = entry.header();
        if header.entry_type() != tar::EntryType::Regular {
            wrong.push(format!("{name} is no plain file"));
        }
        if name.contains("..") || name.starts_with('/') {
            wrong.push(format!("{name} leaves the folder"));
        }
        if name.contains(['/', '\\']) {
            wrong.push(format!("{name} is in a folder"));
        }
        if name <= last {
            wrong.push(format!("{name} comes after {last}"));
        }
        let mode = if name == bin { 0o755 } else { 0o644 };
        if header.mode().unwrap() != mode {
            wrong.push(format!("{name} has the mode {:o}", header.mode().unwrap()));
        }
        let owner = (header.uid().unwrap(), header.gid().unwrap(), header.username(), header.groupname());
        if owner != (0, 0, Ok(Some("")), Ok(Some(""))) || header.mtime().unwrap() != 315_532_800 {
            wrong.push(format!("{name} has an owner or a time of its own"));
        }
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        last.clone_from(&name);
        files.insert(name, content);
    }
    if !files.contains_key(bin) {
        wrong.push(format!("there is no {bin}"));
    }
    if !files.keys().any(|name| LICENCE_FILES.contains(&name.to_lowercase().as_str())) {
        wrong.push("there is no licence".to_owned());
    }
    (files, wrong)
}

/// Looks at a folder as `.ci/package` leaves it: each archive, the manifest and the checksums fit together. Gives the archives by
/// name with their files.
fn check_folder(folder: &Path) -> BTreeMap<String, Files> {
    let manifest = fs::read_to_string(folder.join("rbac-lens.yaml")).unwrap();
    assert_eq!(manifest_complaints(&manifest, "rbac-lens.yaml"), [""; 0]);
    let manifest: Value = serde_saphyr::from_str(&manifest).unwrap();
    assert_eq!(manifest["spec"]["version"], format!("v{}", env!("CARGO_PKG_VERSION")));
    let mut found = BTreeMap::new();
    let mut sums = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if !name.ends_with(".tar.gz") {
            assert!(["rbac-lens.yaml", "SHA256SUMS"].contains(&name.as_str()), "{name} is not of the package");
            continue;
        }
        let content = fs::read(&path).unwrap();
        let platforms = manifest["spec"]["platforms"].as_array().unwrap();
        let platform =
            platforms.iter().find(|platform| platform["uri"].as_str().unwrap().ends_with(&format!("/{name}")));
        let platform = platform.unwrap_or_else(|| panic!("no platform has {name}"));
        assert_eq!(platform["sha256"], archive::sha256(&content), "{name}");
        let (files, wrong) = archive_complaints(&content, platform["bin"].as_str().unwrap());
        assert_eq!(wrong, [""; 0], "{name}");
        let names: Vec<_> = files.keys().map(String::as_str).collect();
        assert_eq!(names, ["LICENSE", "LICENSES.md", platform["bin"].as_str().unwrap()], "{name}");
        assert_eq!(files["LICENSE"], read("LICENSE").into_bytes());
        sums.push_str(&format!("{}  {name}\n", archive::sha256(&content)));
        found.insert(name, files);
    }
    let mut lines: Vec<_> = sums.lines().collect();
    lines.sort_by_key(|line| line.split_at(64).1);
    assert_eq!(fs::read_to_string(folder.join("SHA256SUMS")).unwrap().lines().collect::<Vec<_>>(), lines);
    assert_eq!(manifest["spec"]["platforms"].as_array().unwrap().len(), found.len(), "a platform has no archive");
    found
}

/// Packs a program that is none for these targets, as `.ci/package` packs a real one.
fn pack_stand_ins(folder: &Path, targets: &[&str]) {
    let mut sums = BTreeMap::new();
    for target in targets {
        let platform = archive::platform(target).unwrap();
        let file = |name: &str, executable, content: &str| archive::File {
            name: name.to_owned(),
            executable,
            content: content.as_bytes().to_vec(),
        };
        let files = vec![
            file(&platform.program(), true, "no program"),
            file("LICENSES.md", false, "- a 1.0.0: MIT\n"),
            file("LICENSE", false, &read("LICENSE")),
        ];
        let packed = archive::pack(files).unwrap();
        fs::write(folder.join(platform.archive()), &packed).unwrap();
        sums.insert(platform.archive(), archive::sha256(&packed));
    }
    let rendered = manifest::render(&read("krew-manifest.yaml"), env!("CARGO_PKG_VERSION"), &sums).unwrap();
    fs::write(folder.join("rbac-lens.yaml"), rendered).unwrap();
    let lines: String = sums.iter().map(|(name, sum)| format!("{sum}  {name}\n")).collect();
    fs::write(folder.join("SHA256SUMS"), lines).unwrap();
}

/// What cargo says, without asking a registry.
fn cargo(words: &[&str]) -> String {
    let output = Command::new(env!("CARGO")).args(words).arg("--offline").current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The packages of this machine's program.
fn metadata() -> Value {
    let rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())).arg("-vV").output().unwrap();
    let host = String::from_utf8(rustc.stdout).unwrap();
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    serde_json::from_str(&cargo(&["metadata", "--format-version", "1", "--locked", "--filter-platform", host])).unwrap()
}

#[test]
fn the_manifest_of_the_repository_is_as_krew_wants_it() {
    let manifest = read("krew-manifest.yaml");
    assert_eq!(manifest_complaints(&manifest, "rbac-lens.yaml"), [""; 0]);
    let manifest: Value = serde_saphyr::from_str(&manifest).unwrap();
    assert_eq!(manifest["spec"]["version"], format!("v{}", env!("CARGO_PKG_VERSION")));
}

#[test]
fn each_rule_of_krew_finds_what_breaks_it() {
    let good = read("krew-manifest.yaml");
    let sum = "0".repeat(64);
    let cases: &[(&str, &str, &str)] = &[
        ("/v1alpha2", "/v1alpha1", "apiVersion is not krew's"),
        ("kind: Plugin", "kind: Plugins", "kind is not Plugin"),
        ("name: rbac-lens", "name: rbac lens", "krew refuses the name rbac lens"),
        ("name: rbac-lens", "name: con", "krew refuses the name con"),
        ("name: rbac-lens", "name: RBAC-lens", "the name RBAC-lens is not as the naming guide wants it"),
        ("name: rbac-lens", "name: kube-rbac-lens", "the name kube-rbac-lens is not as the naming guide wants it"),
        ("name: rbac-lens", "name: rbac-glass", "the file of rbac-glass is called rbac-lens.yaml"),
        ("version: v0.1.0", "version: 0.1.0", "version 0.1.0 is no v with a semantic version"),
        ("version: v0.1.0", "version: v0.1", "version v0.1 is no v with a semantic version"),
        ("version: v0.1.0", "version: v0.01.0", "version v0.01.0 is no v with a semantic version"),
        ("version: v0.1.0", "versoin: v0.1.0", "spec has the unknown key versoin"),
        ("version: v0.1.0", "versoin: v0.1.0", "version is missing"),
        (
            "rbac-lens/kubectl-rbac-lens\n",
            "rbac-lens/rbac-lens\n",
            "homepage is no repository whose name begins with kubectl-",
        ),
        (
            "Find who can do what and how RBAC escalates",
            "Find who can do what, and see how RBAC escalates here",
            "50 characters",
        ),
        ("how RBAC escalates", "how RBAC escalates.", "shortDescription ends in a full stop"),
        ("Find who can", "Plugin for who can", "shortDescription says plugin"),
        ("Find who can", "Kubectl who can", "shortDescription says kubectl"),
        ("shortDescription: Find", "shortDescription: |\n    Find\n    ", "shortDescription has more than one line"),
        ("    Answers who can do a thing, what", "    Answers who can do a thing, what and", "more than 80 columns"),
        ("    Answers who", "    $ answers who", "description shows usage"),
        ("changes nothing, and", "--no-change, and", "description shows usage"),
        ("arch: arm64", "arch: amd64", "linux/amd64 is matched by two platforms"),
        ("          arch: arm64\n", "", "linux/amd64 is matched by two platforms"),
        ("arch: arm64", "arch: riscv64", "a platform matches none that krew-index knows"),
        ("arch: arm64", "machine: arm64", "a selector asks for machine"),
        (
            "        matchLabels:\n          os: linux\n          arch: amd64\n",
            "        matchLabels: {}\n",
            "matchLabels is given and empty",
        ),
        (
            "    - selector:\n        matchLabels:\n          os: linux\n          arch: amd64\n",
            "    - selector: {}\n",
            "a selector is missing or empty",
        ),
        ("      uri: https", "      url: https", "uri is missing"),
        ("v0.1.0/kubectl", "v0.2.0/kubectl", "is not where the release has its archive"),
        ("linux-arm64.tar.gz", "linux-amd64.tar.gz", "is not where the release has its archive"),
        (&sum, "ABCDEF", "sha256 is not 64 digits in lower case"),
        (&sum, &"A".repeat(64), "sha256 is not 64 digits in lower case"),
        ("bin: kubectl-rbac_lens\n", "bin: ../kubectl-rbac_lens\n", "is no path inside of the archive"),
        ("bin: kubectl-rbac_lens\n", "bin: bin\\kubectl-rbac_lens\n", "is no path inside of the archive"),
        ("bin: kubectl-rbac_lens.exe", "bin: kubectl-rbac_lens", "has not the ending of its system"),
        ("bin: kubectl-rbac_lens\n", "bin: kubectl-rbac_lens\n      files: []\n", "files is given and empty"),
        (
            "bin: kubectl-rbac_lens\n",
            "bin: kubectl-rbac_lens\n      files: [{from: '*', to: ./x}]\n",
            "the path ./x is not clean",
        ),
        ("bin: kubectl-rbac_lens\n", "bin: kubectl-rbac_lens\n      files: [{from: '*'}]\n", "to is missing"),
        ("kind: Plugin", "kind: [", "no YAML"),
    ];
    for (old, new, complaint) in cases {
        assert!(good.contains(old), "{old} is not in the manifest");
        let wrong = manifest_complaints(&good.replacen(old, new, 1), "rbac-lens.yaml");
        assert!(wrong.iter().any(|wrong| wrong.contains(complaint)), "{new}: {complaint} is not among {wrong:?}");
    }
    // And what the rules allow: one platform for two systems is not ours, but is no mistake.
    let fine = "files: [{from: '*', to: .}, {from: a/*, to: b/c}]";
    let fine = good.replacen("bin: kubectl-rbac_lens\n", &format!("bin: kubectl-rbac_lens\n      {fine}\n"), 1);
    assert_eq!(manifest_complaints(&fine, "rbac-lens.yaml"), [""; 0]);
    let expressions = "matchExpressions: [{key: os, operator: NotIn, values: [windows, darwin]}, {key: arch, operator: In, values: [amd64]}]";
    let fine =
        good.replacen("matchLabels:\n          os: linux\n          arch: amd64\n", &format!("{expressions}\n"), 1);
    assert_eq!(manifest_complaints(&fine, "rbac-lens.yaml"), [""; 0]);
}

#[test]
fn each_rule_for_archives_finds_what_breaks_it() {
    type Change = fn(&mut tar::Header);
    // An archive with one more entry before the others, changed as told.
    let packed = |name: &str, change: Change| {
        let mut tar = tar::Builder::new(Vec::new());
        for own in [name, "LICENSE", "kubectl-rbac_lens"] {
            let mut header = tar::Header::new_gnu();
            header.set_mode(if own == "kubectl-rbac_lens" { 0o755 } else { 0o644 });
            header.set_mtime(315_532_800);
            header.set_uid(0);
            header.set_gid(0);
            header.set_size(0);
            // Not set_path(), which refuses what this is about.
            header.as_old_mut().name[..own.len()].copy_from_slice(own.as_bytes());
            if own == name {
                change(&mut header);
            }
            header.set_cksum();
            tar.append(&header, std::io::empty()).unwrap();
        }
        let mut gzip = flate2::GzBuilder::new().write(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut gzip, &tar.into_inner().unwrap()).unwrap();
        gzip.finish().unwrap()
    };
    assert_eq!(archive_complaints(&packed("AUTHORS", |_| ()), "kubectl-rbac_lens").1, [""; 0]);
    let cases: &[(&str, Change, &str)] = &[
        ("A", |header| header.set_entry_type(tar::EntryType::Symlink), "A is no plain file"),
        ("A", |header| header.set_entry_type(tar::EntryType::Link), "A is no plain file"),
        ("A", |header| header.set_entry_type(tar::EntryType::Directory), "A is no plain file"),
        ("../A", |_| (), "../A leaves the folder"),
        ("/A", |_| (), "/A leaves the folder"),
        ("A/A", |_| (), "A/A is in a folder"),
        ("Z", |_| (), "LICENSE comes after Z"),
        ("LICENSE", |_| (), "LICENSE comes after LICENSE"),
        ("A", |header| header.set_mode(0o755), "A has the mode 755"),
        ("A", |header| header.set_mtime(1), "A has an owner or a time of its own"),
        ("A", |header| header.set_uid(1000), "A has an owner or a time of its own"),
        ("A", |header| header.set_username("me").unwrap(), "A has an owner or a time of its own"),
    ];
    for (name, change, complaint) in cases {
        let (_, wrong) = archive_complaints(&packed(name, *change), "kubectl-rbac_lens");
        assert!(wrong.iter().any(|wrong| wrong == complaint), "{complaint} is not among {wrong:?}");
    }
    let (_, wrong) = archive_complaints(&packed("A", |_| ()), "kubectl-rbac_lens.exe");
    assert!(wrong.contains(&"there is no kubectl-rbac_lens.exe".to_owned()), "{wrong:?}");

    let file = |name: &str| archive::File { name: name.to_owned(), executable: true, content: Vec::new() };
    let no_licence = archive::pack(vec![file("kubectl-rbac_lens"), file("LICENSE-MIT")]).unwrap();
    let (_, wrong) = archive_complaints(&no_licence, "kubectl-rbac_lens");
    assert!(wrong.contains(&"there is no licence".to_owned()), "{wrong:?}");
}

#[test]
fn a_packed_release_fits_together() {
    let folder = tempfile::tempdir().unwrap();
    let targets = ["aarch64-apple-darwin", "x86_64-unknown-linux-musl", "x86_64-pc-windows-msvc"];
    pack_stand_ins(folder.path(), &targets);
    let found = check_folder(folder.path());
    let names: Vec<_> = found.keys().collect();
    assert_eq!(
        names,
        ["darwin-arm64", "linux-amd64", "windows-amd64"]
            .map(|name| format!("kubectl-rbac_lens-{name}.tar.gz"))
            .each_ref()
    );
    assert!(found["kubectl-rbac_lens-windows-amd64.tar.gz"].contains_key("kubectl-rbac_lens.exe"));
}

#[test]
fn the_order_of_files_does_not_show_in_an_archive() {
    let file = |name: &str| archive::File { name: name.to_owned(), executable: false, content: name.into() };
    let one = archive::pack(vec![file("b"), file("a")]).unwrap();
    assert_eq!(one, archive::pack(vec![file("a"), file("b")]).unwrap());
}

#[test]
fn a_manifest_is_rendered_for_what_is_there_and_for_nothing_else() {
    let template = read("krew-manifest.yaml");
    let sums = |names: &[&str]| -> BTreeMap<String, String> {
        names.iter().map(|name| (format!("kubectl-rbac_lens-{name}.tar.gz"), "ab".repeat(32))).collect()
    };
    let rendered = manifest::render(&template, "1.2.3", &sums(&["linux-arm64", "darwin-amd64"])).unwrap();
    let rendered: Value = serde_saphyr::from_str(&rendered).unwrap();
    let of = |index: usize, key: &str| rendered["spec"]["platforms"][index][key].clone();
    assert_eq!(rendered["spec"]["version"], "v1.2.3");
    assert_eq!(rendered["spec"]["platforms"].as_array().unwrap().len(), 2);
    assert_eq!(of(0, "selector")["matchLabels"], json!({"os": "linux", "arch": "arm64"}));
    assert_eq!(of(1, "selector")["matchLabels"], json!({"os": "darwin", "arch": "amd64"}));
    let address =
        "https://github.com/rbac-lens/kubectl-rbac-lens/releases/download/v1.2.3/kubectl-rbac_lens-linux-arm64.tar.gz";
    assert_eq!(of(0, "uri"), address);
    assert_eq!(of(0, "sha256"), "ab".repeat(32));

    let unknown = manifest::render(&template, "1.2.3", &sums(&["linux-arm64", "plan9-amd64"])).unwrap_err();
    assert_eq!(unknown, "no platform of krew-manifest.yaml names kubectl-rbac_lens-plan9-amd64.tar.gz");
    let none = manifest::render(&template, "1.2.3", &sums(&[])).unwrap_err();
    assert_eq!(none, "there is no archive to render a manifest for");
}

/// `.krew.yaml`, as the bot fills it in, is the manifest.
#[test]
fn the_template_of_the_bot_is_the_manifest() {
    let mut filled = String::new();
    for line in read(".krew.yaml").lines() {
        let line = line.replace("{{ .TagName }}", &format!("v{}", env!("CARGO_PKG_VERSION")));
        match line.strip_prefix("    {{addURIAndSha \"").and_then(|rest| rest.strip_suffix("\" .TagName }}")) {
            // As the bot writes it: four spaces before the second line, whatever stands before the first.
            Some(uri) => filled.push_str(&format!("    uri: {uri}\n    sha256: \"{}\"\n", "0".repeat(64))),
            None => filled.push_str(&format!("{line}\n")),
        }
    }
    let filled: Value = serde_saphyr::from_str(&filled).unwrap();
    let manifest: Value = serde_saphyr::from_str(&read("krew-manifest.yaml")).unwrap();
    assert_eq!(filled, manifest);
}

/// `cargo binstall` finds the archive of each platform that the manifest has.
#[test]
fn binstall_takes_the_archives_of_the_manifest() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    let own = packages.iter().find(|package| package["name"] == env!("CARGO_PKG_NAME")).unwrap();
    let mut addresses = BTreeSet::new();
    for (target, of) in own["metadata"]["binstall"]["overrides"].as_object().unwrap() {
        let address = of["pkg-url"].as_str().unwrap();
        let repository = own["repository"].as_str().unwrap();
        let address = address.replace("{ repo }", repository).replace("{ version }", env!("CARGO_PKG_VERSION"));
        assert!(address.ends_with(&archive::platform(target).unwrap().archive()), "{target}: {address}");
        addresses.insert(address);
    }
    let manifest: Value = serde_saphyr::from_str(&read("krew-manifest.yaml")).unwrap();
    let platforms = manifest["spec"]["platforms"].as_array().unwrap();
    assert_eq!(addresses, platforms.iter().map(|platform| platform["uri"].as_str().unwrap().to_owned()).collect());
}

/// The page of licences has what is linked: a walk over the dependencies that `cargo metadata` resolves judges what `cargo tree` said.
#[test]
fn every_linked_package_is_on_the_page_of_licences() {
    let metadata = metadata();
    let page = licences::page(&cargo(&licences::TREE), &metadata).unwrap();
    let listed: BTreeSet<_> = page
        .lines()
        .filter_map(|line| line.strip_prefix("- ")?.split_once(':'))
        .map(|(package, _)| package.to_owned())
        .collect();
    let walked = walked(&metadata);
    assert_eq!(listed.difference(&walked).collect::<Vec<_>>(), [""; 0]);
    // The walk also goes where only a test turns a feature on, and that is rare.
    let unlisted: Vec<_> = walked.difference(&listed).collect();
    assert!(listed.len() > 100 && unlisted.len() < 10, "{unlisted:?}");
    for text in ["## ", "Permission is hereby granted, free of charge", "Apache License"] {
        assert!(page.contains(text), "{text} is not on the page");
    }
    assert!(!page.contains(root().to_str().unwrap()), "the page names a folder of this machine");
}

/// The packages that are reached from our own by what is no dependency of a build script or of a test.
fn walked(metadata: &Value) -> BTreeSet<String> {
    let by_id = |list: &'static str| -> BTreeMap<&str, &Value> {
        let list = metadata.pointer(list).unwrap().as_array().unwrap();
        list.iter().map(|value| (value["id"].as_str().unwrap(), value)).collect()
    };
    let (nodes, packages) = (by_id("/resolve/nodes"), by_id("/packages"));
    let mut found = BTreeSet::new();
    let mut next = vec![metadata["resolve"]["root"].as_str().unwrap()];
    while let Some(id) = next.pop() {
        for dependency in nodes[id]["deps"].as_array().unwrap() {
            let normal = dependency["dep_kinds"].as_array().unwrap().iter().any(|kind| kind["kind"].is_null());
            let package = dependency["pkg"].as_str().unwrap();
            if normal && found.insert(package) {
                next.push(package);
            }
        }
    }
    let word = |id: &str, key: &str| packages[id][key].as_str().unwrap();
    found.into_iter().map(|id| format!("{} {}", word(id, "name"), word(id, "version"))).collect()
}

#[test]
fn a_package_without_a_licence_stops_the_packing() {
    let folder = tempfile::tempdir().unwrap();
    let page = |licence: Value| {
        let manifest = folder.path().join("Cargo.toml");
        let package = json!({"name": "a", "version": "1.0.0", "license": licence, "manifest_path": manifest});
        licences::page(
            "own v0.1.0 (/own)\na v1.0.0 (*)\n",
            &json!({"packages": [package, {"name": "dev", "version": "1.0.0"}]}),
        )
    };
    assert_eq!(page(Value::Null).unwrap_err(), "a says no licence");
    assert_eq!(page(json!("MIT")).unwrap_err(), "a is given under MIT, and its source has no text of it");
    assert!(
        page(json!("MIT OR Apache-2.0")).unwrap().contains("- a 1.0.0: MIT OR Apache-2.0, no text in its source\n")
    );
    fs::write(folder.path().join("LICENSE"), "\u{feff}\r\nMay be ```used```.  \r\n").unwrap();
    assert!(page(json!("MIT")).unwrap().ends_with("\n## a 1.0.0\n\n````text\nMay be ```used```.\n````\n"));
}

/// What `.ci/package` made on this machine; `.ci/run` names its folder.
#[test]
fn what_was_packaged_fits_together_and_runs() {
    let Some(folder) = std::env::var_os("PACKAGE_DIR") else { return };
    let found = check_folder(Path::new(&folder));
    assert!(!found.is_empty());
    for (name, files) in found {
        let page = String::from_utf8(files["LICENSES.md"].clone()).unwrap();
        assert!(page.contains("\n- kube 5.") && page.contains("\n- ring 0."), "{name}");
        if !name.contains("-linux-") {
            continue;
        }
        let program = &files["kubectl-rbac_lens"];
        assert!(program.len() <= 15_000_000, "{name}: the program has {} bytes", program.len());
        assert!(is_static(program), "{name}: the program asks for a loader");
        for place in [root().to_str().unwrap(), "/.cargo/registry"] {
            let named = memchr::memmem::find(program, place.as_bytes());
            assert_eq!(named, None, "{name}: the program names {place}");
        }
    }
}

/// Whether a 64-bit ELF program has no PT_INTERP among its program headers: then the kernel starts it without a loader.
fn is_static(program: &[u8]) -> bool {
    let number = |at: usize, bytes: usize| {
        program[at..at + bytes].iter().rev().fold(0_usize, |number, byte| number << 8 | usize::from(*byte))
    };
    assert!(program.starts_with(b"\x7fELF\x02\x01"), "no 64-bit little-endian ELF");
    let (start, size, count) = (number(32, 8), number(54, 2), number(56, 2));
    (0..count).all(|index| number(start + index * size, 4) != 3)
}
