//! Small worlds for the tests of techniques: one line an object, and one line a finding.

use std::fmt::Write as _;
use std::rc::Rc;

use crate::collect::{BundleFile, DEMO, DEMO_AZURE, FileOptions, Input, Needs, load, read_azure};
use crate::graph::AccessGraph;
use crate::model::{ClusterId, Thing};
use crate::query::SystemFilter;
use crate::rules::azure::world::{short, split};
use crate::rules::solve::escalations_slowly;
use crate::rules::{
    Ask, AzureTarget, Escalations, Finding, Place, PodIx, Remedies, SecretIx, Start, Target, Version, escalations,
    replay, secret, start, start_thing, target_name,
};

#[path = "../../../tests/worlds/kubectl.rs"]
mod kubectl;
#[path = "../../../tests/worlds/lines.rs"]
mod lines;

/// A world in [lines](lines::yaml), with [those about Azure](split).
pub(in crate::rules) fn graph(world: &str) -> AccessGraph {
    let (lines, azure) = split(world);
    read(&lines::yaml(&lines), &azure)
}

/// The objects of a world.
pub(in crate::rules) fn yaml(world: &str) -> String {
    lines::yaml(world)
}

fn options() -> FileOptions {
    FileOptions { needs: Needs::ALL, ..FileOptions::default() }
}

fn read(yaml: &str, azure: &[serde_json::Value]) -> AccessGraph {
    let options = options();
    let mut snapshot = load(&[Input::Stdin], &mut yaml.as_bytes(), &options).unwrap();
    if !azure.is_empty() {
        let text = serde_json::to_string(azure).unwrap();
        read_azure(&[Input::Stdin], &mut text.as_bytes(), &options, snapshot.files.len())
            .unwrap()
            .add_to(&mut snapshot);
    }
    assert!(snapshot.warnings.is_empty(), "{:?}\n{yaml}", snapshot.warnings);
    let graph = AccessGraph::new(snapshot);
    graph.verify().unwrap();
    graph
}

/// Compares the findings with lines `SUBJECTS -> TARGET: TECHNIQUE, ...`, and does each finding again.
pub(in crate::rules) fn check(world: &str, expected: &str) {
    compare(&graph(world), Ask::default(), world, expected);
}

/// The same for a server of a version.
pub(super) fn check_at(version: Version, world: &str, expected: &str) {
    compare(&graph(world), Ask { version: Some(version), ..Ask::default() }, world, expected);
}

/// The same from one thing: a subject, `pod:NS/NAME` or `pods:NS`.
pub(in crate::rules) fn check_from(from: &str, world: &str, expected: &str) {
    let graph = graph(world);
    compare(&graph, Ask { from: Some(starting(&graph, from)), ..Ask::default() }, world, expected);
}

/// The same for a server of a version.
pub(super) fn check_from_at(version: Version, from: &str, world: &str, expected: &str) {
    let graph = graph(world);
    let from = Some(starting(&graph, from));
    compare(&graph, Ask { from, version: Some(version), ..Ask::default() }, world, expected);
}

/// The same to a Secret.
pub(super) fn check_from_to(from: &str, to: &str, world: &str, expected: &str) {
    let graph = graph(world);
    let (from, to) = (Some(starting(&graph, from)), secret(graph.snapshot(), &Thing::parse(to).unwrap()));
    compare(&graph, Ask { from, to: to.map(Target::Secret).into_iter().collect(), ..Ask::default() }, world, expected);
}

fn starting(graph: &AccessGraph, from: &str) -> Start {
    start(graph, &Thing::parse(from).unwrap()).expect("something that the world has")
}

/// The same to one thing, a subject or a Secret.
pub(in crate::rules) fn check_to(to: &str, world: &str, expected: &str) {
    let graph = graph(world);
    let to = Thing::parse(to).unwrap();
    let secret = || secret(graph.snapshot(), &to).map(Target::Secret);
    let target = start(&graph, &to).and_then(Start::target).or_else(secret);
    compare(&graph, Ask { to: vec![target.expect("something that the world has")], ..Ask::default() }, world, expected);
}

/// The same to any of these.
pub(super) fn check_to_any(to: Vec<Target>, world: &str, expected: &str) {
    compare(&graph(world), Ask { to, ..Ask::default() }, world, expected);
}

/// The same for the paths that something stops.
pub(in crate::rules) fn check_blocked(world: &str, expected: &str) {
    blocked(None, world, expected);
}

/// The same for a server of a version.
pub(super) fn check_blocked_at(version: Version, world: &str, expected: &str) {
    blocked(Some(version), world, expected);
}

fn blocked(version: Option<Version>, world: &str, expected: &str) {
    let graph = graph(world);
    let ask = Ask { system: SystemFilter::Hide, blocked: true, version, ..Ask::default() };
    let found = escalations(&graph, &ask);
    is_whole(&graph, &ask, &found, world);
    for finding in &found.blocked {
        assert!(finding.steps.iter().flat_map(|step| &step.blockers).any(|blocker| blocker.stops), "{finding:#?}");
    }
    let text: Vec<String> = found.blocked.iter().map(|finding| line(&graph, finding)).collect();
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(text, expected, "{world}");
}

/// Looks that nothing was lost by what the graph of steps leaves out: all but which of several rights a step of the same length uses.
fn is_whole(graph: &AccessGraph, ask: &Ask, found: &Escalations, world: &str) {
    assert_eq!(brief(found.clone()), brief(escalations_slowly(graph, ask)), "{world}");
}

/// What is found without the rights of its steps.
fn brief(mut found: Escalations) -> Escalations {
    for finding in found.findings.iter_mut().chain(&mut found.blocked) {
        for step in &mut finding.steps {
            Rc::make_mut(step).requests.clear();
        }
    }
    found
}

#[test]
fn the_example_is_whole() {
    let inputs = |files: &'static [BundleFile]| files.iter().map(Input::Embedded).collect::<Vec<_>>();
    for with_azure in [false, true] {
        let mut snapshot = load(&inputs(DEMO), &mut std::io::empty(), &options()).unwrap();
        if with_azure {
            let files = snapshot.files.len();
            let azure = read_azure(&inputs(DEMO_AZURE), &mut std::io::empty(), &options(), files).unwrap();
            azure.add_to(&mut snapshot);
        }
        let graph = AccessGraph::new(snapshot);
        for system in [SystemFilter::Hide, SystemFilter::Show] {
            let ask = Ask { system, blocked: true, ..Ask::default() };
            let found = escalations(&graph, &ask);
            assert!(found.findings.len() > 10);
            // Fingerprints follow from the rights as well.
            let plain = |found: Escalations| {
                let mut found = brief(found);
                let all = found.findings.iter_mut().chain(&mut found.blocked);
                all.for_each(|finding| finding.fingerprint.clear());
                found
            };
            assert_eq!(plain(found), plain(escalations_slowly(&graph, &ask)));
        }
    }
}

fn compare(graph: &AccessGraph, ask: Ask, world: &str, expected: &str) {
    let ask = Ask { system: SystemFilter::Hide, ..ask };
    let found = escalations(graph, &ask);
    is_whole(graph, &ask, &found, world);
    for finding in &found.findings {
        is_cut(graph, &ask, world, finding);
    }
    let mut text = String::new();
    for finding in &found.findings {
        for &from in &finding.from {
            let done = replay(graph, ClusterId::FIRST, from, &finding.started_by(vec![from]));
            assert_eq!(done, Ok(()), "{finding:#?}");
        }
        writeln!(text, "{}", line(graph, finding)).unwrap();
    }
    let trimmed: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(text.trim_end(), trimmed.join("\n"), "{world}");
}

/// Does what the remedy of a finding says, on the objects, and looks that the finding is gone.
fn is_cut(graph: &AccessGraph, ask: &Ask, world: &str, finding: &Finding) {
    let remedy = Remedies::new(graph).of(finding);
    assert!(!remedy.advice.is_empty());
    if finding.start().is_none() && remedy.commands.is_empty() {
        // Nothing is granted, so nothing can be taken away.
        return;
    }
    let (lines, mut azure) = split(world);
    let yaml = lines::yaml(&lines);
    let documents = yaml.split("---\n").filter(|text| !text.trim().is_empty());
    let mut objects: Vec<serde_json::Value> = documents.map(|text| serde_saphyr::from_str(text).unwrap()).collect();
    assert!(!remedy.commands.is_empty(), "no command: {finding:#?}");
    for command in &remedy.commands {
        if let Some(id) = command.strip_prefix("az role assignment delete --ids ") {
            let before = azure.len();
            azure.retain(|row| row["id"].as_str() != Some(id.trim_matches('\'')));
            assert_eq!(azure.len() + 1, before, "{command}");
            continue;
        }
        kubectl::run(&mut objects, command).unwrap_or_else(|error| panic!("{error}\n{command}\n{world}"));
    }
    let after: String = objects.iter().map(|object| format!("---\n{object}\n")).collect();
    let after = read(&after, &azure);
    // Names are numbered anew, and who is not named any more starts nowhere.
    let who = |graph: &AccessGraph, finding: &Finding| -> Vec<String> {
        finding.from.iter().map(|&start| start_words(graph, start)).collect()
    };
    let begin = ask.from.and_then(|from| start(&after, &start_thing(graph, from)));
    if ask.from.is_some() && begin.is_none() {
        return;
    }
    let to = |&to: &Target| match to {
        Target::Secret(_) => secret(after.snapshot(), &Thing::parse(&target_name(graph, to)).ok()?).map(Target::Secret),
        Target::Subject(_) | Target::Pod(_) => {
            start(&after, &Thing::parse(&target_name(graph, to)).ok()?).and_then(Start::target)
        }
        Target::Node(Some(node)) => after.snapshot().names.find(graph.text(node)).map(|node| Target::Node(Some(node))),
        Target::Secrets(Place::Namespace(namespace)) => {
            let namespace = after.snapshot().names.find(graph.text(namespace));
            namespace.map(|namespace| Target::Secrets(Place::Namespace(namespace)))
        }
        // No name is in it.
        Target::ClusterAdmin | Target::Node(None) => Some(to),
        _ => panic!("{to:?}"),
    };
    let to: Vec<Target> = ask.to.iter().filter_map(to).collect();
    if to.len() < ask.to.len() {
        return;
    }
    let ask = Ask { from: begin, to, system: SystemFilter::Show, ..ask.clone() };
    let own = who(graph, finding);
    for left in escalations(&after, &ask).findings {
        let same = left.fingerprint == finding.fingerprint && who(&after, &left).iter().any(|one| own.contains(one));
        assert!(!same, "{:?} does not cut it\n{world}\n{left:#?}", remedy.commands);
    }
}

fn start_words(graph: &AccessGraph, start: Start) -> String {
    match start {
        Start::Subject(subject) => subject.request_name(&graph.snapshot().names),
        Start::Pod(at) => {
            let pod = &graph.snapshot().pods[at.0 as usize];
            format!("pod {}/{}", graph.text(pod.namespace), graph.text(pod.name))
        }
        Start::Pods(namespace) => format!("pods of {}", graph.text(namespace)),
        Start::Azure(_) => start_thing(graph, start).to_string(),
    }
}

fn line(graph: &AccessGraph, finding: &Finding) -> String {
    let names = &graph.snapshot().names;
    let pod = |pod: PodIx| {
        let pod = &graph.snapshot().pods[pod.0 as usize];
        format!("pod {}/{}", graph.text(pod.namespace), graph.text(pod.name))
    };
    let secret = |at: SecretIx| {
        let secret = &graph.snapshot().secrets[at.0 as usize];
        format!("{}/{}", graph.text(secret.namespace), graph.text(secret.name))
    };
    let subjects: Vec<String> = finding.from.iter().map(|&start| start_words(graph, start)).collect();
    let place = |place: Place| match place {
        Place::Cluster => "cluster".to_owned(),
        Place::EachNamespace => "every namespace".to_owned(),
        Place::Namespace(namespace) => graph.text(namespace).to_owned(),
    };
    let target = match finding.target {
        Target::ClusterAdmin => "cluster-admin".to_owned(),
        Target::NamespaceAdmin(at) => format!("admin of {}", place(at)),
        Target::Secrets(at) => format!("secrets of {}", place(at)),
        Target::Node(node) => node.map_or("any node".to_owned(), |node| format!("node {}", graph.text(node))),
        Target::Kubeconfig(at) => format!("cluster of {}", secret(at)),
        Target::Secret(at) => format!("secret {}", secret(at)),
        Target::Pod(at) => pod(at),
        Target::Subject(subject) => subject.request_name(names),
        Target::Azure(AzureTarget::Power { scope, power, types, .. }) => {
            let types = types.map(|types| format!(" ({})", types.first.facts().plural)).unwrap_or_default();
            format!("{}{types} on {}", power.as_str(), short(graph.azure_names().scope(scope)))
        }
        Target::Azure(target) => target.name(graph),
        Target::Access => "access".to_owned(),
    };
    let steps: Vec<&str> = finding.steps.iter().map(|step| step.technique.id).collect();
    format!("{} -> {target}: {}", subjects.join(" "), steps.join(", "))
}
