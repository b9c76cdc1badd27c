//! What answers for an API group. It is performed on a server of its own and in one world after the other, for what it does to
//! one group it does to everybody.
//!
//! How it goes on takes up to ten minutes and was seen once on 1.36.3, by a Service that answered for `v1.rbac.authorization.k8s.io`:
//! the API server's own watches of roles and bindings end after five to ten minutes and begin again over the APIService; an
//! invented ClusterRoleBinding that came as an event of such a watch let its subject list the Secrets of kube-system.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rbac_lens::query::SystemFilter;
use rbac_lens::rules::{Ask, Start, Target, escalations};
use serde_json::{Value, json};

use super::lab::{Score, binding, openssl, report, role, user};
use crate::live::{define, definition};
use crate::server::{ApiServer, Call, Options};
use crate::worlds::engine;
use crate::worlds::random::Dice;

const ID: &str = "apiservice-write";
const WORLDS: usize = 40;

/// Groups of Kubernetes that a server without controllers can do without for a while.
const TARGETS: [&str; 2] = ["v1.apps", "v1.batch"];

const API_SERVICES: &str = "/apis/apiregistration.k8s.io/v1/apiservices";
const MARK: &str = "answered by somebody else";

/// A server of TLS that has an answer for each group.
fn serve(folder: &Path) -> (Child, u16) {
    let folder = folder.join("answers");
    for target in TARGETS {
        let (version, group) = target.split_once('.').unwrap();
        let answer =
            json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": MARK, "resources": []}).to_string();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}", answer.len());
        let path = folder.join("apis").join(group);
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join(version), format!("{head}\r\nConnection: close\r\n\r\n{answer}")).unwrap();
    }
    openssl(
        &folder,
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=anybody -keyout own.key -out own.crt",
    );
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let child = Command::new("openssl")
        .args(["s_server", "-HTTP", "-quiet", "-cert", "own.crt", "-key", "own.key", "-accept"])
        .arg(format!("127.0.0.1:{port}"))
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    (child, port)
}

struct World {
    user: String,
    namespace: String,
    objects: Vec<Value>,
}

impl World {
    fn new(at: usize) -> World {
        let mut dice = Dice::new(at as u64 + 77);
        dice.below(2);
        let (name, namespace) = (format!("{ID}-{at}"), format!("{ID}-{at}"));
        let mut world = World { user: format!("alice-{at}"), namespace: namespace.clone(), objects: Vec::new() };
        let verbs = *dice.pick(&[
            "patch",
            "patch",
            "update",
            "update get",
            "update list",
            "delete create",
            "delete",
            "create",
            "get",
        ]);
        let mut rule = json!({"verbs": verbs.split(' ').collect::<Vec<_>>(), "resources": ["apiservices"],
            "apiGroups": [if dice.percent(90) { "apiregistration.k8s.io" } else { "" }]});
        if dice.percent(35) {
            rule["resourceNames"] = json!([*dice.pick(&["v1.apps", "v1.batch", "v1beta1.metrics.test"])]);
        }
        if dice.percent(10) {
            rule["resources"] = json!(["apiservices/status"]);
        }
        let place = if dice.percent(85) { "" } else { &namespace };
        world.grant(&format!("{name}-a"), ["", place], rule);
        let verbs = *dice.pick(&["create", "create", "create patch", "patch", "update", "get list delete"]);
        let mut rule =
            json!({"verbs": verbs.split(' ').collect::<Vec<_>>(), "resources": ["services"], "apiGroups": [""]});
        if dice.percent(30) {
            // What is changed is told to have to be there, since Services are not read.
            let names: &[&str] = if verbs.contains("create") { &["mine", "there"] } else { &["there"] };
            rule["resourceNames"] = json!([*dice.pick(names)]);
        }
        let place = if dice.percent(30) { "" } else { &namespace };
        world.grant(&format!("{name}-s"), [place, place], rule);
        world
    }

    fn grant(&mut self, name: &str, [role_at, bound_at]: [&str; 2], rule: Value) {
        self.objects.push(role(role_at, name, json!([rule])));
        self.objects.push(binding(bound_at, name, (!role_at.is_empty(), name), vec![user(&self.user)]));
    }

    /// Whether the program says that everything can be reached.
    fn predicted(&self, server: &ApiServer) -> bool {
        let services = server.get(API_SERVICES)["items"].as_array().unwrap().clone();
        let services = services.into_iter().map(|mut one| {
            (one["apiVersion"], one["kind"]) = ("apiregistration.k8s.io/v1".into(), "APIService".into());
            one
        });
        let graph = engine::graph(&services.chain(self.objects.iter().cloned()).collect::<Vec<_>>());
        let user = rbac_lens::model::Subject::User(graph.snapshot().names.find(&self.user).unwrap());
        let to = vec![Target::ClusterAdmin];
        let ask = Ask { from: Some(Start::Subject(user)), to, system: SystemFilter::Show, ..Ask::default() };
        escalations(&graph, &ask).findings.iter().any(|one| one.steps.iter().any(|step| step.technique.id == ID))
    }

    fn may(&self, server: &ApiServer, call: Call) -> bool {
        server.call(call.by(&self.user, &[])).code == 200
    }

    /// A Service that leads to an address of theirs.
    fn service(&self, server: &ApiServer, port: u16) -> Option<&'static str> {
        let all = format!("/api/v1/namespaces/{}/services", self.namespace);
        let named = |name: &str| {
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": self.namespace},
                "spec": {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": port}]}})
        };
        let patch = json!({"spec": {"type": "ExternalName", "externalName": "localhost", "clusterIP": null, "clusterIPs": null}});
        let (mine, there) = (format!("{all}/mine"), format!("{all}/there"));
        if self.may(server, Call::post(&all, named("mine")))
            || self.may(server, Call::apply(format!("{mine}?fieldManager=weak"), named("mine")))
        {
            return Some("mine");
        }
        let changed =
            self.may(server, Call::patch(&there, patch)) || self.may(server, Call::put(&there, named("there")));
        changed.then_some("there")
    }

    /// Hands a group on to the Service, in every way.
    fn takes(&self, server: &ApiServer, service: &str, port: u16) -> Option<&'static str> {
        let spec = json!({"service": {"namespace": self.namespace, "name": service, "port": port}, "insecureSkipTLSVerify": true});
        TARGETS.into_iter().find(|target| {
            let path = format!("{API_SERVICES}/{target}");
            if self.may(server, Call::patch(&path, json!({"spec": spec}))) {
                return true;
            }
            let patched_status = self.may(server, Call::patch(format!("{path}/status"), json!({"spec": spec})));
            assert!(!patched_status || server.get(&path)["spec"]["service"].is_null(), "the status is not the spec");
            let mut whole = server.get(&path);
            whole["spec"].as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
            // The version that an update has to carry is known to those who can read it.
            let reads = [&path, API_SERVICES].into_iter().any(|path| self.may(server, Call::get(path)));
            if reads && self.may(server, Call::put(&path, whole.clone())) {
                return true;
            }
            let new = json!({"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
                "metadata": {"name": target}, "spec": whole["spec"]});
            self.may(server, Call::delete(&path)) && self.may(server, Call::post(API_SERVICES, new))
        })
    }
}

/// Whether somebody else answers for a group.
fn is_answered(server: &ApiServer, target: &str) -> bool {
    let (version, group) = target.split_once('.').unwrap();
    server.call(Call::get(format!("/apis/{group}/{version}"))).body.to_string().contains(MARK)
}

/// A group is handed on in random worlds, and the requests of others are answered by whoever did it.
pub(crate) fn apiservice_write() {
    let mut server = ApiServer::start(Options::default());
    let (child, port) = serve(&server.folder);
    server.stop_with_us(&child);
    let worlds: Vec<World> = (0..WORLDS).map(World::new).collect();
    for world in &worlds {
        let there = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "there", "namespace": world.namespace},
            "spec": {"ports": [{"port": 443}]}});
        let space = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": world.namespace}});
        server.apply_all([vec![space, there], world.objects.clone()].concat());
    }
    server.wait_visible();
    let first: Vec<Value> = TARGETS.iter().map(|target| server.get(&format!("{API_SERVICES}/{target}"))).collect();
    let (mut score, mut wrong) = (Score { worlds: WORLDS, ..Score::default() }, Vec::new());
    for world in &worlds {
        let predicted = world.predicted(&server);
        let taken = world.service(&server, port).and_then(|service| world.takes(&server, service, port));
        if let Some(target) = taken {
            server.wait_until("requests are answered by somebody else", || is_answered(&server, target));
        }
        put_back(&server, &first);
        score.yes += usize::from(taken.is_some());
        score.by_it += usize::from(taken.is_some() && predicted);
        score.no += usize::from(taken.is_none());
        if predicted != taken.is_some() {
            let lines: Vec<String> = world.objects.iter().map(Value::to_string).collect();
            wrong.push(format!("taken: {taken:?}, the program says {predicted}\n{}", lines.join("\n")));
        }
    }
    report(ID, score, &wrong);
    assert!(score.by_it >= 8 && score.no >= 8, "{ID} is hardly seen: {score:?}");
    // A group of custom resources is not kept: its controller puts it back.
    define(&server, &[definition(["example.test", "v1", "things", "Thing"])]);
    let path = format!("{API_SERVICES}/v1.example.test");
    let spec =
        json!({"spec": {"service": {"namespace": "default", "name": "kubernetes"}, "insecureSkipTLSVerify": true}});
    assert_eq!(server.call(Call::patch(&path, spec)).code, 200);
    server.wait_until("it is put back", || server.get(&path)["spec"]["service"].is_null());
}

/// What the API server does when it starts.
fn put_back(server: &ApiServer, first: &[Value]) {
    for service in first {
        let name = service["metadata"]["name"].as_str().unwrap();
        let path = format!("{API_SERVICES}/{name}");
        // The API server itself writes whether the service is there, so that a change may come too late.
        server.wait_until("it is written back", || {
            let (now, mut whole) = (server.call(Call::get(&path)), service.clone());
            let done = if now.code == 404 {
                whole["metadata"] = json!({"name": name, "labels": service["metadata"]["labels"]});
                server.call(Call::post(API_SERVICES, whole))
            } else {
                whole["metadata"]["resourceVersion"] = now.body["metadata"]["resourceVersion"].clone();
                whole["metadata"]["uid"] = now.body["metadata"]["uid"].clone();
                server.call(Call::put(&path, whole))
            };
            assert!([200, 201, 409].contains(&done.code), "{}", done.body);
            done.code != 409
        });
        server.wait_until("the group is served again", || !is_answered(server, name));
    }
}
