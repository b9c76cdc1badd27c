//! Random worlds on a real server: what it answers to thousands of reviews is what our judges answer.
//!
//! `PARITY_SHIFT=1000` asks about other worlds. A selection of the usual ones is kept under `tests/fixtures/parity` for
//! tests without a server; `record_parity` writes it anew:
//!
//! ```sh
//! env $(tests/e2e/build-assets) cargo test --features e2e --test e2e record_ -- --ignored
//! ```

use serde_json::{Value, json};

use crate::server::{self, ApiServer, Turn, review};
use crate::worlds::random::{self, Flavour};
use crate::worlds::{self, Aggregated, JUDGES, Mode, World, engine, oracle, questions, recorded};

/// The worlds of one run. Other numbers are as good; these stay, so that a failure comes again.
const RBAC_SEEDS: std::ops::Range<u64> = 1..11;
const NODE_SEEDS: std::ops::Range<u64> = 101..104;

/// Reviews for each world: 22,100 in all.
const REVIEWS: usize = 1700;

#[test]
fn reviews_of_random_worlds_are_answered_as_the_server_answers() {
    for seed in RBAC_SEEDS.map(shifted) {
        let loaded = Loaded::rbac(seed);
        let reviews = questions::questions(&loaded.world.objects, seed, REVIEWS);
        loaded.compare(seed, &reviews);
    }
}

#[test]
fn reviews_of_worlds_with_nodes_and_aggregated_roles_are_answered_as_the_server_answers() {
    for seed in NODE_SEEDS.map(shifted) {
        let loaded = Loaded::with_nodes(seed);
        let reviews = questions::questions(&loaded.world.objects, seed, REVIEWS);
        loaded.compare(seed, &reviews);
    }
}

#[test]
#[ignore = "writes into tests/fixtures"]
fn record_parity() {
    let names =
        RBAC_SEEDS.take(RECORDED_RBAC).map(|seed| (format!("rbac-{seed:02}"), seed, Loaded::rbac as fn(u64) -> _));
    let nodes = NODE_SEEDS.map(|seed| (format!("nodes-{}", seed - 100), seed, Loaded::with_nodes as fn(u64) -> _));
    for (name, seed, load) in names.chain(nodes) {
        let loaded: Loaded = load(seed);
        let reviews = questions::questions(&loaded.world.objects, seed, REVIEWS);
        let answers = loaded.ask(&reviews);
        let selection = recorded::selection(&loaded.world, &reviews, &answers, RECORDED_REVIEWS);
        let selected: Vec<_> = selection.into_iter().map(|at| (reviews[at].clone(), answers[at])).collect();
        let version = loaded.server.get("/version")["gitVersion"].as_str().unwrap().to_owned();
        recorded::write(&name, &version, loaded.world.mode, &loaded.own, &selected);
    }
}

/// How much of the worlds of a run is recorded: some 2,700 reviews, 1 MB.
const RECORDED_RBAC: usize = 7;
const RECORDED_REVIEWS: usize = 270;

/// The seed of another run's worlds, when somebody asks for one.
fn shifted(seed: u64) -> u64 {
    seed + std::env::var("PARITY_SHIFT").map_or(0, |shift| shift.parse().unwrap())
}

/// A world that a server has and sees.
pub(crate) struct Loaded {
    pub(crate) server: Turn,
    pub(crate) world: World,
    /// The world without the defaults of a fresh server.
    pub(crate) own: Vec<Value>,
}

impl Loaded {
    /// On the server without controllers, with the default roles filled all the same: some worlds refer to them.
    pub(crate) fn rbac(seed: u64) -> Self {
        let server = server::plain();
        let own = random::world(seed, Flavour::Rbac);
        let defaults = worlds::bootstrap(Aggregated::Filled);
        let filled = defaults.iter().filter(|object| !object["aggregationRule"].is_null()).cloned();
        server.apply_all(filled.chain(own.iter().cloned()).collect());
        server.wait_visible();
        let objects = defaults.into_iter().chain(own.iter().cloned()).collect();
        Self { server, world: World { objects, mode: Mode::Rbac }, own }
    }

    /// On the server with controllers, whose work the judges have to do by themselves.
    pub(crate) fn with_nodes(seed: u64) -> Self {
        let server = server::with_controllers();
        let own = random::world(seed, Flavour::NodesAndControllers);
        let defaults = worlds::bootstrap(Aggregated::Empty);
        server.apply_all(own.clone());
        let objects: Vec<Value> = defaults.into_iter().chain(own.iter().cloned()).collect();
        wait_until_aggregated(&server, &objects);
        server.wait_visible();
        wait_until_nodes_are_seen(&server, seed);
        Self { server, world: World { objects, mode: Mode::NodeRbac }, own }
    }

    /// Asks the server. What it says of its reasons is what we say, as far as it is not left to chance.
    fn ask(&self, reviews: &[Value]) -> Vec<bool> {
        let statuses = self.server.review_all(reviews.to_vec());
        let ours = engine::reasons(&self.world, reviews);
        for ((review, status), ours) in reviews.iter().zip(&statuses).zip(ours) {
            self.check_reason(review, status);
            let said = status["reason"].as_str().unwrap_or_default();
            if !said.starts_with("RBAC: allowed by ") {
                assert_eq!(sorted(&ours), sorted(said), "the reasons of {review}");
            }
        }
        statuses.iter().map(|status| status["allowed"] == true).collect()
    }

    /// Asks the server, then the judges.
    fn compare(&self, seed: u64, reviews: &[Value]) {
        let answers = self.ask(reviews);
        let yes = answers.iter().filter(|answer| **answer).count();
        assert!(
            yes * 5 > answers.len() && yes * 5 < 4 * answers.len(),
            "seed {seed}: {yes} of {} allowed",
            answers.len()
        );
        let mut ask = |world: &World, review: &Value| ask_about(&self.server, world, review);
        worlds::compare(&format!("seed {seed}"), &self.world, reviews, &answers, JUDGES, &mut ask);
    }

    /// Which of several bindings is named is left to chance, but it is there, and so is its role.
    fn check_reason(&self, review: &Value, status: &Value) {
        let reason = status["reason"].as_str().unwrap_or_default();
        let Some(named) = reason.strip_prefix("RBAC: allowed by ") else { return };
        let (kind, rest) = named.split_once(' ').unwrap();
        // Names may hold blanks and, in theory, quotes; the words between them do not.
        let (binding, rest) = rest.split_once(" of ").unwrap();
        let (role, subject) = rest.split_once(" to ").unwrap();
        let (role_kind, role) = role.split_once(' ').unwrap();
        let found = self.world.objects.iter().any(|object| {
            let metadata = &object["metadata"];
            let mut title = metadata["name"].as_str().unwrap_or_default().to_owned();
            if kind == "RoleBinding" {
                title = format!("{title}/{}", metadata["namespace"].as_str().unwrap_or_default());
            }
            object["kind"] == kind
                && format!("{title:?}") == binding
                && object["roleRef"]["kind"] == role_kind
                && format!("{:?}", object["roleRef"]["name"].as_str().unwrap()) == role
        });
        assert!(found, "{reason} (to {subject}): no such binding; {review}");
    }
}

/// A reason with the roles that are missing in the order of their names.
fn sorted(reason: &str) -> String {
    match reason.split_once("RBAC: [").and_then(|(before, rest)| Some((before, rest.strip_suffix(']')?))) {
        Some((before, list)) => {
            let mut parts: Vec<&str> = list.split(", ").collect();
            parts.sort_unstable();
            format!("{before}RBAC: [{}]", parts.join(", "))
        }
        None => reason.to_owned(),
    }
}

/// Puts another world onto the server and asks it one question. None when the server does not take the world.
fn ask_about(server: &ApiServer, world: &World, review: &Value) -> Option<bool> {
    server.reset();
    if !server.try_apply_all(world.objects.clone()).is_empty() {
        return None;
    }
    server.wait_visible();
    let reply = server.call(server.create_call(review));
    (reply.code == 200).then(|| reply.body["status"]["allowed"] == true)
}

/// Waits until the aggregated roles have the rules that the oracle says they get.
fn wait_until_aggregated(server: &ApiServer, objects: &[Value]) {
    let expected = oracle::roles(objects);
    let sorted = |rules: &Value| {
        let mut rules: Vec<String> = rules.as_array().into_iter().flatten().map(Value::to_string).collect();
        rules.sort();
        rules.dedup();
        rules
    };
    for role in objects.iter().filter(|object| !object["aggregationRule"].is_null()) {
        let name = role["metadata"]["name"].as_str().unwrap();
        let rules = sorted(&json!(expected[&["ClusterRole", "", name].map(str::to_owned)]));
        let path = server.object_path(role);
        server.wait_until(&format!("{name} has the rules {rules:#?}"), || sorted(&server.get(&path)["rules"]) == rules);
    }
}

/// Waits until the Node authorizer has seen everything made so far: it has a cache for pods, one for volumes and one for
/// attachments, each of which is filled in the order of the changes.
fn wait_until_nodes_are_seen(server: &ApiServer, seed: u64) {
    let name = format!("marker-{seed}");
    server.apply_all(vec![
        json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": {
            "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"],
            "claimRef": {"namespace": "default", "name": name}, "csi": {"driver": "csi.test", "volumeHandle": name}}}),
        json!({"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment", "metadata": {"name": name},
            "spec": {"attacher": "csi.test", "nodeName": name, "source": {"persistentVolumeName": name}}}),
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"}, "spec": {
            "nodeName": name, "containers": [{"name": "main", "image": "image"}],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": name}}]}}),
    ]);
    let user = format!("system:node:{name}");
    let reviews = [
        json!({"verb": "get", "resource": "persistentvolumes", "name": name}),
        json!({"verb": "get", "group": "storage.k8s.io", "resource": "volumeattachments", "name": name}),
    ]
    .map(|asked| review(&user, &["system:nodes"], asked));
    server.wait_until("the Node authorizer knows the markers", || {
        server.review_all(reviews.to_vec()).iter().all(|status| status["allowed"] == true)
    });
}
