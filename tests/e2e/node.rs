//! The Node authorizer of the real server against ours: a world in which every kind of reference leads to a node, and near misses
//! beside each, asked about in every shape that the authorizer knows and many that it does not.
//!
//! `the_node_authorizer_is_the_servers` compares, also with the recorded selection; `record_node_answers` writes that anew:
//!
//! ```sh
//! env $(tests/e2e/build-assets) cargo test --features e2e --test e2e record_node -- --ignored
//! ```

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rbac_lens::collect::{FileOptions, Input, Needs, load, read_reviews};
use rbac_lens::graph::AccessGraph;
use rbac_lens::model::{ClusterId, Review};
use rbac_lens::query::{Authorizers, decide, reason};
use serde_json::{Value, json};

use crate::server::{ApiServer, Options, strip};

mod world;

/// One of how many shapes of requests is asked; which ones is the same in every run.
const ASKED: u64 = 7;

#[test]
fn the_node_authorizer_is_the_servers() {
    let run = Run::new();
    let wrong: Vec<String> = run.reviews.iter().zip(&run.answers).filter_map(|(q, a)| run.difference(q, a)).collect();
    let allowed = run.answers.iter().filter(|answer| answer["allowed"] == true).count();
    assert!(
        wrong.is_empty(),
        "{} of {} differ:\n{}",
        wrong.len(),
        run.answers.len(),
        wrong[..wrong.len().min(20)].join("\n")
    );
    assert!(allowed > 500 && run.answers.len() > 5_000, "{allowed} of {} are allowed", run.answers.len());
    for (path, text) in run.files() {
        let recorded = fs::read_to_string(&path).unwrap_or_default();
        assert!(recorded == text, "{} is not what the server says: see the head of {}", path.display(), file!());
    }
}

#[test]
#[ignore = "writes into tests/fixtures"]
fn record_node_answers() {
    for (path, text) in Run::new().files() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// Everything asked of one server, and the same objects read by us.
struct Run {
    objects: Vec<Value>,
    graph: AccessGraph,
    questions: Vec<Value>,
    /// The questions as we read them.
    reviews: Vec<Review>,
    answers: Vec<Value>,
}

impl Run {
    fn new() -> Run {
        let server = ApiServer::start(Options { authorization_mode: "Node,RBAC", ..Options::default() });
        world::make(&server);
        let objects = stored(&server);
        let all: Vec<Value> = objects.iter().chain(server.bootstrap.values()).cloned().collect();
        let snapshot = load(&[written(&server, "world", &all)], &mut std::io::empty(), &options()).unwrap();
        let graph = AccessGraph::new(snapshot);
        graph.verify().unwrap();
        let questions = questions(&objects);
        let file = written(&server, "questions", &questions);
        let (reviews, _) = read_reviews(&[file], &mut std::io::empty(), &options()).unwrap();
        let answers = server.review_all(questions.clone());
        assert_eq!(reviews.len(), answers.len());
        Run { objects, graph, questions, reviews, answers }
    }

    /// What the server and we say, where that is not the same.
    fn difference(&self, review: &Review, answer: &Value) -> Option<String> {
        let Review { identity, action, .. } = review;
        let verdict = decide(&self.graph, ClusterId::FIRST, identity, action, Authorizers::default());
        let (ours, said) = (reason(&self.graph, &verdict), answer["reason"].as_str().unwrap_or_default());
        // Of several bindings that allow the server names any.
        let same_words = ours == said || (said.starts_with("RBAC: allowed by") && ours.starts_with("RBAC: allowed by"));
        let same = answer["allowed"] == verdict.allowed() && same_words;
        (!same).then(|| format!("{identity:?} {action:?}\n  server: {answer}\n  ours: {verdict:?} {ours:?}"))
    }

    /// The world, and a selection of the questions with their answers: every yes of the Node authorizer, and some of the rest.
    fn files(&self) -> [(PathBuf, String); 2] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/node");
        let world: Vec<String> = self.objects.iter().map(Value::to_string).collect();
        let mut random = Random(1);
        let mut reviews = Vec::new();
        for (question, answer) in self.questions.iter().zip(&self.answers) {
            let by_rbac = answer["reason"].as_str().is_some_and(|reason| reason.starts_with("RBAC: allowed"));
            // A yes is rare, and says more.
            let yes = answer["allowed"] == true && question["spec"]["groups"].as_array().unwrap().len() == 1;
            let near_miss = question["spec"]["resourceAttributes"]["name"].as_str().is_some_and(is_near_miss);
            if !by_rbac && (near_miss || random.one_of(if yes { 2 } else { 12 })) {
                let mut review = question.clone();
                review["status"] = answer.clone();
                reviews.push(review.to_string());
            }
        }
        [(folder.join("world.ndjson"), lines(&world)), (folder.join("reviews.ndjson"), lines(&reviews))]
    }
}

fn lines(of: &[String]) -> String {
    of.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
}

/// The lists that the Node authorizer reads, and those that we read beside them.
const LISTS: &[&str] = &[
    "/api/v1/nodes",
    "/api/v1/pods",
    "/api/v1/persistentvolumes",
    "/api/v1/persistentvolumeclaims",
    "/apis/storage.k8s.io/v1/volumeattachments",
    "/apis/resource.k8s.io/v1/resourceslices",
];

/// The objects as the server stores them.
fn stored(server: &ApiServer) -> Vec<Value> {
    let mut objects = Vec::new();
    for path in LISTS {
        let mut list = server.get(path);
        let (version, kind) = (list["apiVersion"].clone(), list["kind"].as_str().unwrap().replace("List", ""));
        for mut object in list["items"].take().as_array_mut().unwrap().drain(..) {
            strip(&mut object);
            // What depends on the clock, and on nothing that is asked here.
            for part in ["conditions", "lastPhaseTransitionTime"] {
                object["status"].as_object_mut().and_then(|status| status.remove(part));
            }
            (object["apiVersion"], object["kind"]) = (version.clone(), kind.clone().into());
            objects.push(object);
        }
    }
    objects
}

fn written(server: &ApiServer, name: &str, objects: &[Value]) -> Input {
    let file = server.folder.join(name).with_extension("ndjson");
    let objects: Vec<String> = objects.iter().map(Value::to_string).collect();
    fs::write(&file, lines(&objects)).unwrap();
    Input::Path(file)
}

fn options() -> FileOptions {
    FileOptions { needs: Needs { workloads: true, ..Needs::default() }, threads: 2, ..FileOptions::default() }
}

const NODES: &str = "system:nodes";

/// Group, resource and subresource: those that the authorizer knows, with subresources that exist and one that does not, those
/// of its static rules, and some that are nobody's.
const RESOURCES: &[(&str, &str, &[&str])] = &[
    ("", "secrets", &["", "x"]),
    ("", "configmaps", &["", "x"]),
    ("", "serviceaccounts", &["", "token", "x"]),
    ("", "persistentvolumeclaims", &["", "status", "x"]),
    ("", "persistentvolumes", &["", "status"]),
    ("", "pods", &["", "status", "eviction", "exec", "log", "binding", "ephemeralcontainers"]),
    ("", "nodes", &["", "status", "proxy"]),
    ("", "services", &["", "status"]),
    ("", "endpoints", &[""]),
    ("", "events", &[""]),
    ("", "namespaces", &[""]),
    ("", "*", &["", "status"]),
    ("*", "secrets", &[""]),
    ("apps", "secrets", &[""]),
    ("apps", "deployments", &[""]),
    ("events.k8s.io", "events", &["", "x"]),
    ("storage.k8s.io", "volumeattachments", &["", "status"]),
    ("storage.k8s.io", "csinodes", &["", "x"]),
    ("storage.k8s.io", "csidrivers", &[""]),
    ("storage.k8s.io", "storageclasses", &[""]),
    ("resource.k8s.io", "resourceclaims", &["", "status"]),
    ("resource.k8s.io", "resourceslices", &["", "x"]),
    ("coordination.k8s.io", "leases", &["", "x"]),
    ("node.k8s.io", "runtimeclasses", &[""]),
    ("authentication.k8s.io", "tokenreviews", &[""]),
    ("authorization.k8s.io", "subjectaccessreviews", &[""]),
    ("authorization.k8s.io", "localsubjectaccessreviews", &["", "x"]),
    ("authorization.k8s.io", "selfsubjectaccessreviews", &[""]),
    ("certificates.k8s.io", "certificatesigningrequests", &["", "approval", "nodeclient"]),
    ("certificates.k8s.io", "clustertrustbundles", &[""]),
    ("certificates.k8s.io", "podcertificaterequests", &["", "status"]),
];

const VERBS: &[&str] =
    &["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "*", "Get", "impersonate"];

/// Node identities: with pods, with claims of a status, without a Node object, with nothing but an attachment, with nothing.
const NODE_USERS: &[&str] = &[
    "system:node:nd-1",
    "system:node:nd-2",
    "system:node:nd-3",
    "system:node:nd-ghost",
    "system:node:nd-attached",
    "system:node:nd-unknown",
];

/// Identities that are nearly those of nodes, or more than that.
const OTHER_USERS: &[(&str, &[&str])] = &[
    ("system:node:nd-1", &[NODES, "system:authenticated"]),
    ("system:node:nd-1", &["system:authenticated"]),
    ("system:node:nd-1", &["system:node"]),
    ("system:node:nd-1", &[NODES, "system:masters"]),
    ("system:node:", &[NODES]),
    ("system:nodes:nd-1", &[NODES]),
    ("nd-1", &[NODES]),
];

fn questions(objects: &[Value]) -> Vec<Value> {
    let mut random = Random(36);
    let mut questions = Vec::new();
    // Every shape of request.
    for (group, resource, subresources) in RESOURCES {
        let names = BTreeSet::from(["", "nd-1", "missing", known_name(resource)]);
        let names: Vec<&str> = names.into_iter().collect();
        for (subresource, verb, namespace) in product(subresources, VERBS, &["", "nd-a", "nd-b", "kube-node-lease"]) {
            for &name in &names {
                let attributes = json!({"verb": verb, "group": group, "resource": resource,
                    "subresource": subresource, "namespace": namespace, "name": name});
                for user in NODE_USERS {
                    if random.one_of(ASKED) {
                        questions.push(review(user, &[NODES], attributes.clone()));
                    }
                }
                let (user, groups) = OTHER_USERS[random.below(OTHER_USERS.len())];
                if random.one_of(ASKED) {
                    questions.push(review(user, groups, attributes));
                }
            }
        }
    }
    // Every name.
    for (group, resource, prefix) in [
        ("", "secrets", "s-"),
        ("", "configmaps", "cm-"),
        ("", "serviceaccounts", "sa-"),
        ("", "persistentvolumeclaims", "c-"),
        ("", "persistentvolumeclaims", "every-eph"),
        ("", "persistentvolumes", "pv-"),
        ("", "pods", ""),
        ("resource.k8s.io", "resourceclaims", "rc-"),
        ("storage.k8s.io", "volumeattachments", "va-"),
        ("resource.k8s.io", "resourceslices", "slice-"),
    ] {
        for (name, namespace, user) in product(&names(objects, prefix), &["", "nd-a", "nd-b"], NODE_USERS) {
            let ways: &[(&str, &str)] = match resource {
                "serviceaccounts" => &[("", "get"), ("token", "create")],
                "persistentvolumeclaims" => &[("", "get"), ("status", "patch")],
                "secrets" | "configmaps" | "pods" if random.one_of(4) => &[("", "get"), ("", "list"), ("", "watch")],
                _ => &[("", "get")],
            };
            for (subresource, verb) in ways {
                let attributes = json!({"verb": verb, "group": group, "resource": resource,
                    "subresource": subresource, "namespace": namespace, "name": name});
                questions.push(review(user, &[NODES], attributes));
            }
        }
    }
    questions.extend(selector_questions());
    questions
}

/// The texts of the world that begin so, or the names of its pods.
fn names<'o>(objects: &'o [Value], prefix: &str) -> Vec<&'o str> {
    let mut found = BTreeSet::new();
    for object in objects {
        if !prefix.is_empty() {
            texts(object, &mut |text| found.extend(text.starts_with(prefix).then_some(text)));
        } else if object["kind"] == "Pod" {
            found.extend(object["metadata"]["name"].as_str());
        }
    }
    // That of an ephemeral volume stands nowhere.
    found.extend((prefix == "every-eph").then_some("every-eph"));
    found.into_iter().collect()
}

/// Lists that are limited by a field selector, as kubelets make them.
fn selector_questions() -> Vec<Value> {
    let requires =
        |field: &str, value: &str| json!({"requirements": [{"key": field, "operator": "In", "values": [value]}]});
    let selectors = [
        requires("spec.nodeName", "nd-1"),
        requires("spec.nodeName", "nd-unknown"),
        requires("metadata.name", "every"),
        requires("nodeName", "nd-1"),
        json!({"rawSelector": "spec.nodeName=nd-1"}),
        json!({"rawSelector": "metadata.name=every,spec.nodeName==nd-1"}),
        json!({"rawSelector": "spec.nodeName=nd-1,nonsense"}),
        json!({"rawSelector": "spec.nodeName!=nd-1"}),
        json!({"requirements": [{"key": "spec.nodeName", "operator": "NotIn", "values": ["nd-1"]}]}),
    ];
    let resources = [("", "pods"), ("resource.k8s.io", "resourceslices"), ("", "secrets"), ("", "nodes")];
    let users = NODE_USERS.iter().map(|&user| (user, &[NODES][..])).chain(OTHER_USERS.iter().copied());
    let users: Vec<(&str, &[&str])> = users.collect();
    let mut questions = Vec::new();
    for ((group, resource), verb, (user, groups)) in
        product(&resources, &["list", "watch", "deletecollection", "get"], &users)
    {
        for selector in &selectors {
            let attributes = json!({"verb": verb, "group": group, "resource": resource, "fieldSelector": selector});
            questions.push(review(user, groups, attributes));
        }
    }
    questions
}

/// An object that nearly belongs to a node.
fn is_near_miss(name: &str) -> bool {
    let why = ["mirror", "unbound", "controller", "unmounted", "same-name", "free"];
    why.iter().any(|word| name.contains(word))
}

/// A name for which some node is allowed something.
fn known_name(resource: &str) -> &'static str {
    match resource {
        "secrets" => "s-pv-stage",
        "configmaps" => "cm-env",
        "serviceaccounts" => "sa-every",
        "persistentvolumeclaims" => "c-1",
        "persistentvolumes" => "pv-csi",
        "pods" => "every",
        "volumeattachments" => "va-1",
        "resourceclaims" => "rc-direct",
        "resourceslices" => "slice-1",
        _ => "nd-2",
    }
}

fn product<'a, A: Copy, B: Copy, C: Copy>(a: &'a [A], b: &'a [B], c: &'a [C]) -> impl Iterator<Item = (A, B, C)> + 'a {
    a.iter().flat_map(move |&a| b.iter().flat_map(move |&b| c.iter().map(move |&c| (a, b, c))))
}

fn texts<'v>(value: &'v Value, each: &mut impl FnMut(&'v str)) {
    match value {
        Value::String(text) => each(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, each)),
        Value::Object(fields) => fields.values().for_each(|field| texts(field, each)),
        _ => {}
    }
}

/// A review without the attributes that are empty, as the server leaves them out.
fn review(user: &str, groups: &[&str], mut attributes: Value) -> Value {
    attributes.as_object_mut().unwrap().retain(|_, value| *value != "");
    crate::server::review(user, groups, attributes)
}

/// Numbers that look random and are the same in every run (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 11
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    fn one_of(&mut self, many: u64) -> bool {
        self.next().is_multiple_of(many)
    }
}
