//! What findings and cuts print is run as it is printed, by a shell and the real kubectl: the server accepts it, and once it is
//! done the path is gone.
//!
//! - `worlds`: for each technique a small world in which its right is what a path begins with.

mod worlds;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use rbac_lens::collect::Secrets;
use rbac_lens::graph::AccessGraph;
use rbac_lens::query::SystemFilter;
use rbac_lens::rules::{
    Ask, CATALOGUE, Cuts, Evidence, Finding, Grant, PodIx, Remedies, Start, StepDone, cuts, escalations, start,
    start_thing,
};
use serde_json::{Value, json};

use crate::live::{as_user, define, read_with};
use crate::server::{ApiServer, Call, Options};
use crate::worlds::{halves, lines};

/// Techniques that a path never begins with, and why: what comes before them is taken away.
const SECOND: &[(&str, &str)] = &[
    ("admission-guard-remove", "guards are taken away for a pod that can be made"),
    ("container-escape", "a pod is entered before"),
    ("hostpath-volume", "it is a pod that claims the volume"),
    ("namespace-admin", "says what is held"),
    ("relax-pod-security", "labels are taken off for a pod that can be made"),
    ("secret-token-retarget", "the token that is changed is read all the same"),
];

/// Whether a technique needs what Azure says, which no server here does. Its remedies take the same kinds of grants away by the same
/// commands, and are done to the objects in the tests of the technique.
fn is_of_azure(id: &str) -> bool {
    ["aso-", "azure-"].iter().any(|prefix| id.starts_with(prefix))
        || ["workload-identity", "identity-binding", "node-imds", "impersonate-extra"].contains(&id)
}

/// A server whose objects can be deleted for good by whoever asks.
fn server() -> ApiServer {
    let server = ApiServer::start(Options {
        extra_args: vec!["--disable-admission-plugins=ServiceAccount,StorageObjectInUseProtection".to_owned()],
        ..Options::default()
    });
    for namespace in ["default", "kube-system", "kube-public", "kube-node-lease"] {
        server.apply_all(vec![json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})]);
        set_level(&server, namespace, Some("restricted"));
    }
    // What controllers would make: without them the defaults would be about accounts that anybody could claim.
    let defaults = server.bootstrap.values().flat_map(|object| object["subjects"].as_array().into_iter().flatten());
    let accounts = defaults.filter(|subject| subject["kind"] == "ServiceAccount");
    let account = |subject: &Value| json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": subject["name"], "namespace": subject["namespace"]}});
    server.apply_all(accounts.map(account).collect());
    server
}

/// What Pod Security enforces in a namespace.
fn set_level(server: &ApiServer, namespace: &str, level: Option<&str>) {
    let labels = json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": level}}});
    let reply = server.call(Call::patch(format!("/api/v1/namespaces/{namespace}"), labels));
    assert_eq!(reply.code, 200, "{}", reply.body);
}

/// Objects on a server.
struct Loaded<'s> {
    server: &'s ApiServer,
    objects: Vec<Value>,
}

impl<'s> Loaded<'s> {
    /// Makes the objects. What Pod Security would refuse was there before it was told to.
    fn new(server: &'s ApiServer, objects: Vec<Value>) -> Loaded<'s> {
        let objects: Vec<Value> =
            objects.into_iter().filter(|object| object["metadata"]["name"] != "cluster-admin").map(whole).collect();
        let loaded = Loaded { server, objects };
        loaded.make(|_| true);
        loaded
    }

    /// Makes those of the objects that are not as they should be.
    fn make(&self, of: impl Fn(&Value) -> bool) {
        let Loaded { server, objects } = self;
        for namespace in objects.iter().filter(|object| object["kind"] == "Namespace") {
            set_level_of(server, namespace, None);
        }
        let bare = objects.iter().filter(|object| of(object)).cloned().map(|mut object| {
            if object["kind"] == "Namespace" {
                object["metadata"]["labels"] = Value::Null;
            }
            object
        });
        let bare: Vec<Value> = bare.collect();
        // Pod Security judges by a cache of the namespaces, which hears a moment later that a label is gone.
        server.wait_until("Pod Security lets the pods in", || {
            let refused = server.try_apply_all(bare.clone());
            let late = refused.iter().any(|said| said.contains("violates PodSecurity"));
            assert!(late || refused.is_empty(), "refused:\n{}", refused.join("\n"));
            !late
        });
        for pod in objects.iter().filter(|object| object["kind"] == "Pod" && !object["status"].is_null()) {
            let status = json!({"status": pod["status"]});
            assert_eq!(server.call(Call::patch(format!("{}/status", server.object_path(pod)), status)).code, 200);
        }
        self.label();
    }

    fn label(&self) {
        for object in self.objects.iter().filter(|object| object["kind"] == "Namespace") {
            set_level_of(
                self.server,
                object,
                object["metadata"]["labels"]["pod-security.kubernetes.io/enforce"].as_str(),
            );
        }
    }

    /// Takes back what a remedy did.
    fn restore(&self) {
        self.make(|object| object["apiVersion"] == "rbac.authorization.k8s.io/v1" || object["kind"] == "Pod");
    }

    /// What is on the server, whose version might be anybody's.
    fn graph(&self) -> AccessGraph {
        let mut live = read_with(&as_user(self.server, "admin"), |wanted| wanted.secrets = Secrets::NamesAndTypes);
        assert!(live.gaps.is_empty() && live.warnings.is_empty(), "{:?} {:?}", live.gaps, live.warnings);
        live.clusters[0].server_version = None;
        AccessGraph::new(live)
    }

    fn text(&self) -> String {
        self.objects.iter().map(|object| format!("{object}\n")).collect()
    }
}

impl Drop for Loaded<'_> {
    /// Namespaces stay, and let nothing in.
    fn drop(&mut self) {
        let now = |object: &Value| Call::delete(format!("{}?gracePeriodSeconds=0", self.server.object_path(object)));
        let (namespaces, others): (Vec<&Value>, Vec<&Value>) =
            self.objects.iter().partition(|object| object["kind"] == "Namespace");
        self.server.call_all(others.into_iter().map(now).collect());
        for namespace in namespaces {
            set_level_of(self.server, namespace, Some("restricted"));
        }
    }
}

fn set_level_of(server: &ApiServer, namespace: &Value, level: Option<&str>) {
    let name = namespace["metadata"]["name"].as_str().unwrap();
    if server.call(Call::get(format!("/api/v1/namespaces/{name}"))).code == 200 {
        set_level(server, name, level);
    }
}

/// An object with what a server insists on.
fn whole(mut object: Value) -> Value {
    let pods = json!({"selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "main", "image": "main"}]}}});
    match object["kind"].as_str().unwrap() {
        "PersistentVolume" => {
            object["spec"]["capacity"] = json!({"storage": "1Gi"});
            object["spec"]["accessModes"] = json!(["ReadWriteOnce"]);
        }
        "Pod" => {
            if !object["metadata"]["annotations"].is_null() && object["spec"]["nodeName"].is_null() {
                object["spec"]["nodeName"] = json!("n1");
            }
            // No kubelet says that it has stopped.
            object["spec"]["terminationGracePeriodSeconds"] = json!(0);
        }
        "Deployment" | "DaemonSet" if object["spec"].is_null() => object["spec"] = pods,
        _ => {}
    }
    object
}

/// What is asked without flags.
fn usual() -> Ask {
    Ask { version: Some((1, 36)), system: SystemFilter::Hide, ..Ask::default() }
}

/// Everything that is found, from those who start and from every pod, with what was asked.
fn findings(graph: &AccessGraph) -> Vec<(Option<Start>, Finding)> {
    let pods = (0_u32..).zip(&graph.snapshot().pods).map(|(at, _)| Some(Start::Pod(PodIx(at))));
    let found = |from| escalations(graph, &Ask { from, ..usual() }).findings.into_iter().map(move |one| (from, one));
    [None].into_iter().chain(pods).flat_map(found).collect()
}

fn who(graph: &AccessGraph, finding: &Finding) -> Vec<String> {
    finding.from.iter().map(|&start| start_thing(graph, start).to_string()).collect()
}

/// Whether somebody can still go the way of a finding.
fn is_there(before: &AccessGraph, from: Option<Start>, finding: &Finding, after: &AccessGraph) -> bool {
    let from = match from {
        None => None,
        Some(from) => match start(after, &start_thing(before, from)) {
            Some(from) => Some(from),
            None => return false,
        },
    };
    let own = who(before, finding);
    escalations(after, &Ask { from, ..usual() })
        .findings
        .iter()
        .any(|left| left.fingerprint == finding.fingerprint && who(after, left).iter().any(|one| own.contains(one)))
}

/// The step whose right a finding begins with.
fn begins(finding: &Finding) -> Option<&StepDone> {
    let granted = |step: &&StepDone| {
        let rights = step.requests.iter().flat_map(|request| &request.rights);
        rights.into_iter().any(|right| matches!(right.evidence, Evidence::Grant { .. }))
    };
    finding.steps.iter().map(AsRef::as_ref).find(granted)
}

/// What a remedy prints: what is to be applied, and the commands.
type Printed = (Option<Rc<str>>, Vec<String>);

/// What was done with remedies.
#[derive(Debug, Default)]
struct Done {
    findings: usize,
    cut: usize,
    /// Verb and kind of each command.
    forms: BTreeMap<String, usize>,
    /// Techniques whose right a remedy took away.
    first: BTreeSet<&'static str>,
    /// Techniques that were on a path that one cut.
    passed: BTreeSet<&'static str>,
}

impl Done {
    /// Runs the remedies of all findings of a world dry, and those that are chosen by their number for good.
    fn all(&mut self, loaded: &Loaded<'_>, really: impl Fn(usize) -> bool) {
        let graph = loaded.graph();
        let remedies = Remedies::new(&graph);
        // Many findings have one remedy.
        let mut printed: BTreeMap<Printed, Vec<(Option<Start>, Finding)>> = BTreeMap::new();
        for asked in findings(&graph) {
            let remedy = remedies.of(&asked.1);
            if remedy.commands.is_empty() {
                assert!(begins(&asked.1).is_none(), "no command\n{:#?}", asked.1);
                continue;
            }
            self.findings += 1;
            printed.entry((remedy.patch, remedy.commands)).or_default().push(asked);
        }
        let text = |one: &Finding| format!("{}\n{one:#?}\n{}", who(&graph, one).join(", "), loaded.text());
        for ((patch, commands), asked) in &printed {
            let ran = loaded.server.run_printed(patch.as_deref(), commands, true);
            ran.unwrap_or_else(|said| panic!("{said}\n{}", text(&asked[0].1)));
            for command in commands {
                let words: Vec<&str> = command.split(' ').filter(|word| !word.starts_with('-')).collect();
                *self.forms.entry(words[1..3].join(" ")).or_default() += 1;
            }
        }
        let now = loaded.graph();
        let all = |graph: &AccessGraph| findings(graph).into_iter().map(|(_, one)| one.fingerprint).collect::<Vec<_>>();
        assert_eq!(all(&now), all(&graph), "a dry run changes nothing");
        for (at, ((patch, commands), asked)) in printed.iter().enumerate().filter(|(at, _)| really(*at)) {
            let ran = loaded.server.run_printed(patch.as_deref(), commands, false);
            ran.unwrap_or_else(|said| panic!("{at}: {said}\n{}", text(&asked[0].1)));
            let after = loaded.graph();
            for (from, one) in asked {
                assert!(!is_there(&graph, *from, one, &after), "{commands:?} does not cut it\n{}", text(one));
                self.cut += 1;
                self.first.extend(begins(one).map(|step| step.technique.id));
                self.passed.extend(one.steps.iter().map(|step| step.technique.id));
            }
            if let Some(patch) = patch {
                self.forget(loaded, patch);
            }
            loaded.restore();
        }
        self.cuts(loaded, &graph);
    }

    /// Deletes what was applied beside the commands.
    fn forget(&mut self, loaded: &Loaded<'_>, patch: &str) {
        for document in patch.split("---\n").filter(|text| !text.is_empty()) {
            *self.forms.entry("apply".to_owned()).or_default() += 1;
            let object: Value = serde_saphyr::from_str(document).unwrap();
            assert_eq!(loaded.server.call(Call::delete(loaded.server.object_path(&object))).code, 200);
        }
    }

    /// Runs what `--cuts` prints, one after the other, and looks that nothing severe is left.
    fn cuts(&mut self, loaded: &Loaded<'_>, graph: &AccessGraph) {
        let ask = usual();
        let found = escalations(graph, &ask);
        let Cuts { level, chosen, left, .. } = cuts(graph, &ask, &found, &|findings| findings);
        if chosen.is_empty() {
            return;
        }
        let grants: Vec<Grant> = chosen.iter().map(|one| one.grant).collect();
        let commands = Remedies::new(graph).removing(&grants).concat();
        for command in &commands {
            for dry in [true, false] {
                let ran = loaded.server.run_printed(None, std::slice::from_ref(command), dry);
                ran.unwrap_or_else(|said| panic!("{said}\n{commands:#?}\n{}", loaded.text()));
            }
        }
        let after = loaded.graph();
        let severe = escalations(&after, &ask).findings.into_iter().filter(|finding| finding.severity >= level);
        let severe: Vec<Finding> = severe.collect();
        assert!(severe.is_empty() || left > 0, "{commands:#?} leave\n{severe:#?}\n{}", loaded.text());
        *self.forms.entry("cuts".to_owned()).or_default() += commands.len();
        loaded.restore();
    }
}

#[test]
#[allow(clippy::print_stderr, reason = "cargo test shows it on request")]
fn what_is_printed_cuts_the_path_on_the_server() {
    let server = server();
    define(&server, &worlds::definitions());
    let mut done = Done::default();
    let mut missing: Vec<&str> = Vec::new();
    for (technique, world) in worlds::WORLDS {
        let mut own = Done::default();
        own.all(&Loaded::new(&server, documents(&lines::yaml(world))), |_| true);
        if !own.passed.contains(technique) {
            missing.push(technique);
        }
        done.add(own);
    }
    eprintln!("{done:#?}");
    assert!(missing.is_empty(), "{missing:?} is on no path of its world");
    let inside = || CATALOGUE.iter().filter(|technique| !is_of_azure(technique.id));
    let all: BTreeSet<&str> = inside().map(|technique| technique.id).collect();
    let asks = inside().filter(|technique| !technique.requests.is_empty()).map(|technique| technique.id);
    let named: BTreeSet<&str> = SECOND.iter().map(|(id, _)| *id).collect();
    let left_out: Vec<&str> = all.difference(&done.passed).copied().collect();
    assert!(left_out.is_empty(), "no remedy was run for {left_out:?}");
    let asks: BTreeSet<&str> = asks.collect();
    let second: BTreeSet<&str> = asks.difference(&done.first).copied().collect();
    assert_eq!(second, named, "techniques that no path begins with");
}

impl Done {
    fn add(&mut self, other: Done) {
        self.findings += other.findings;
        self.cut += other.cut;
        self.first.extend(other.first);
        self.passed.extend(other.passed);
        for (form, count) in other.forms {
            *self.forms.entry(form).or_default() += count;
        }
    }
}

fn documents(yaml: &str) -> Vec<Value> {
    let documents = yaml.split("---\n").filter(|text| !text.trim().is_empty());
    documents.map(|text| serde_saphyr::from_str(text).unwrap()).collect()
}

/// `REMEDIES=1001..1100` looks at other worlds.
fn seeds() -> std::ops::Range<u64> {
    let Ok(range) = std::env::var("REMEDIES") else { return 1..16 };
    let (from, to) = range.split_once("..").unwrap();
    from.parse().unwrap()..to.parse().unwrap()
}

#[test]
#[allow(clippy::print_stderr, reason = "cargo test shows it on request")]
fn the_server_accepts_what_is_printed_about_random_worlds() {
    let server = server();
    let mut done = Done::default();
    for seed in seeds() {
        let place = |name: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        let places = ["a", "kube-system"].map(place).to_vec();
        let mut worlds = vec![halves::busy_world(seed)];
        // Of these a few, since some take a build for tests a minute to solve.
        if seed % 3 == 2 {
            worlds.push([places, halves::world(seed)].concat());
        }
        for world in worlds {
            let mut own = Done::default();
            own.all(&Loaded::new(&server, world), |at| at % 2 == 0);
            done.add(own);
        }
    }
    eprintln!("{done:#?}");
    assert!(done.findings > 20 && done.cut > 10, "hardly anything is found: {done:#?}");
}
