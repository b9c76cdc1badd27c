//! The workflows do what they say, with the rights that they need and with nothing that changes under them.
//!
//! They cannot run here, so they are read: every action is pinned to a commit, no job has more rights than the table below says, and
//! no words from outside (a title, a branch) become part of a script. `actionlint`, where it is on PATH, reads the rest in `.ci/run`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

/// What a job may do, by GitHub's names.
type Rights = &'static [(&'static str, &'static str)];

/// The jobs that may do more than read the code, each with its workflow.
const RIGHTS: [(&str, &str, Rights); 3] = [
    ("release.yml", "attest", &[("attestations", "write"), ("id-token", "write")]),
    ("release.yml", "publish", &[("attestations", "read"), ("contents", "write")]),
    ("release.yml", "crates", &[("contents", "read"), ("id-token", "write")]),
];

/// What a script may have from GitHub's expressions: nothing. An `env` may, since a value there is no part of the script.
const EXPRESSION: &str = "${{";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The workflows by file name.
fn workflows() -> BTreeMap<String, String> {
    let folder = root().join(".github/workflows");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap()))
        .collect()
}

fn jobs(workflow: &Value) -> impl Iterator<Item = (&String, &Value)> {
    workflow["jobs"].as_object().into_iter().flatten()
}

fn steps(job: &Value) -> impl Iterator<Item = &Value> {
    job["steps"].as_array().into_iter().flatten()
}

/// What is wrong with a workflow of this file name.
fn complaints(file: &str, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let action = line.trim_start().trim_start_matches("- ").strip_prefix("uses: ");
        if let Some(action) = action.filter(|action| !pinned(action)) {
            wrong.push(format!("{file}:{}: `{action}` is not pinned", at + 1));
        }
    }
    let workflow: Value = match serde_saphyr::from_str(text) {
        Ok(workflow) => workflow,
        Err(error) => return vec![format!("{file}: no YAML: {error}")],
    };
    // Code of a stranger with the rights of the repository.
    if workflow["on"].get("pull_request_target").is_some() || workflow["on"] == "pull_request_target" {
        wrong.push(format!("{file} runs on pull_request_target"));
    }
    if workflow["permissions"].as_object().is_none_or(|rights| !rights.is_empty()) {
        wrong.push(format!("{file} does not begin with no rights"));
    }
    if jobs(&workflow).next().is_none() {
        wrong.push(format!("{file} has no jobs"));
    }
    for (name, job) in jobs(&workflow) {
        let place = format!("{file}: {name}");
        let given: Option<BTreeSet<_>> = job["permissions"].as_object().map(|rights| {
            rights.iter().map(|(right, level)| (right.as_str(), level.as_str().unwrap_or_default())).collect()
        });
        let own = RIGHTS
            .iter()
            .find(|(of, job, _)| *of == file && job == name)
            .map_or([("contents", "read")].as_slice(), |(_, _, rights)| *rights);
        if given != Some(own.iter().copied().collect()) {
            wrong.push(format!("{place} has the rights {given:?}, not {own:?}"));
        }
        if job.get("uses").is_none() && job["timeout-minutes"].as_u64().is_none() {
            wrong.push(format!("{place} may run for ever"));
        }
        if job.get("secrets").is_some() {
            wrong.push(format!("{place} hands on secrets"));
        }
        for step in steps(job) {
            let action = step["uses"].as_str().unwrap_or_default();
            if action.starts_with("actions/checkout@") && step["with"]["persist-credentials"] != false {
                wrong.push(format!("{place} leaves its token in the clone"));
            }
            if step["run"].as_str().is_some_and(|script| script.contains(EXPRESSION)) {
                wrong.push(format!("{place} writes an expression into a script"));
            }
        }
    }
    wrong
}

/// Whether an action is one of our own, or another's at a commit whose version stands beside it.
fn pinned(action: &str) -> bool {
    let commit = regex::Regex::new(r"^[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$").unwrap();
    action.starts_with("./") || commit.is_match(action)
}

#[test]
fn every_workflow_is_pinned_and_has_no_right_too_many() {
    let workflows = workflows();
    assert_eq!(workflows.keys().collect::<Vec<_>>(), ["ci.yml", "release.yml"]);
    for (file, text) in &workflows {
        assert_eq!(complaints(file, text), [""; 0]);
    }
    // The table above names jobs that are there.
    for (file, job, _) in RIGHTS {
        let workflow: Value = serde_saphyr::from_str(&workflows[file]).unwrap();
        assert!(workflow["jobs"].get(job).is_some(), "{file} has no job {job}");
    }
}

#[test]
fn each_rule_finds_what_breaks_it() {
    let checkout = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1";
    let good = format!(
        "on: push\npermissions: {{}}\njobs:\n  a:\n    runs-on: x\n    timeout-minutes: 5\n    permissions:\n      contents: read\n    \
         steps:\n      - uses: {checkout}\n        with:\n          persist-credentials: false\n      - run: echo \"$REF\"\n"
    );
    assert_eq!(complaints("a.yml", &good), [""; 0]);
    let cases = [
        (checkout, "actions/checkout@v7", "is not pinned"),
        (checkout, "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1", "is not pinned"),
        (checkout, "actions/checkout@3d3c42e # v7.0.1", "is not pinned"),
        ("on: push", "on: pull_request_target", "runs on pull_request_target"),
        ("on: push", "on: {pull_request_target: {}}", "runs on pull_request_target"),
        ("permissions: {}\n", "", "does not begin with no rights"),
        ("permissions: {}\n", "permissions: write-all\n", "does not begin with no rights"),
        ("      contents: read\n", "      contents: write\n", "has the rights"),
        ("    permissions:\n      contents: read\n", "", "has the rights None"),
        ("    timeout-minutes: 5\n", "", "may run for ever"),
        ("    timeout-minutes: 5\n", "    timeout-minutes: 5\n    secrets: inherit\n", "hands on secrets"),
        ("          persist-credentials: false\n", "          fetch-depth: 0\n", "leaves its token in the clone"),
        ("$REF", "${{ github.event.pull_request.title }}", "writes an expression into a script"),
        ("jobs:", "works:", "has no jobs"),
        ("jobs:", "jobs: [", "no YAML"),
    ];
    for (old, new, complaint) in cases {
        assert!(good.contains(old), "{old}");
        let wrong = complaints("a.yml", &good.replacen(old, new, 1));
        assert!(wrong.iter().any(|wrong| wrong.contains(complaint)), "{new}: {complaint} is not among {wrong:?}");
    }
}

/// One action, one commit: two of them are an update that stopped half-way.
#[test]
fn an_action_has_one_version() {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for text in workflows().values() {
        for line in text.lines() {
            if let Some((action, version)) = line.split_once("uses: ").and_then(|(_, action)| action.split_once('@')) {
                versions.entry(action.to_owned()).or_default().insert(version.to_owned());
            }
        }
    }
    assert!(versions.len() > 5, "{versions:?}");
    for (action, versions) in versions {
        assert_eq!(versions.len(), 1, "{action}: {versions:?}");
    }
}

/// What is released is what the manifest names and what cargo-deny judges, built by one Rust, after all that CI checks.
#[test]
fn a_release_has_the_platforms_of_the_manifest() {
    let workflows = workflows();
    let release: Value = serde_saphyr::from_str(&workflows["release.yml"]).unwrap();
    let ci: Value = serde_saphyr::from_str(&workflows["ci.yml"]).unwrap();
    let built = release["jobs"]["build"]["strategy"]["matrix"]["include"].as_array().unwrap();
    let built: BTreeSet<_> = built.iter().map(|build| build["target"].as_str().unwrap()).collect();
    let archives: BTreeSet<_> =
        built.iter().map(|target| super::package::archive::platform(target).unwrap().archive()).collect();
    let manifest: Value =
        serde_saphyr::from_str(&fs::read_to_string(root().join("krew-manifest.yaml")).unwrap()).unwrap();
    let platforms = manifest["spec"]["platforms"].as_array().unwrap();
    let named: BTreeSet<_> = platforms
        .iter()
        .map(|platform| platform["uri"].as_str().unwrap().rsplit_once('/').unwrap().1.to_owned())
        .collect();
    assert_eq!(archives, named);

    let deny = fs::read_to_string(root().join("deny.toml")).unwrap();
    let list = deny.split_once("targets = [").unwrap().1.split_once(']').unwrap().0;
    assert_eq!(list.split('"').skip(1).step_by(2).collect::<BTreeSet<_>>(), built);

    assert_eq!(release["env"]["RUST"], ci["env"]["RUST"]);
    assert_eq!(release["jobs"]["ci"]["uses"], "./.github/workflows/ci.yml");
    let needs = |job: &str| release["jobs"][job]["needs"].clone();
    assert!(needs("attest").as_array().unwrap().contains(&"ci".into()));
    assert_eq!([needs("publish"), needs("krew"), needs("crates")], ["attest", "publish", "publish"]);
}

/// CI is the script that everybody runs, and what scripts are called are there.
#[test]
fn ci_is_the_script_of_the_repository() {
    let workflows = workflows();
    let ci: Value = serde_saphyr::from_str(&workflows["ci.yml"]).unwrap();
    assert!(steps(&ci["jobs"]["run"]).any(|step| step["run"] == ".ci/run"));
    let script = regex::Regex::new(r"\.ci/\w+").unwrap();
    for text in workflows.values() {
        for found in script.find_iter(text) {
            assert!(root().join(found.as_str()).is_file(), "{} is not there", found.as_str());
        }
    }
    let dependabot: Value =
        serde_saphyr::from_str(&fs::read_to_string(root().join(".github/dependabot.yml")).unwrap()).unwrap();
    for update in dependabot["updates"].as_array().unwrap() {
        let folder = root().join(update["directory"].as_str().unwrap().trim_start_matches('/'));
        assert!(folder.is_dir(), "{update}");
    }
}
