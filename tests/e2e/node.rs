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

use rbac_lens::collect::{FileOptions, Input, Limits, Needs, load, read_reviews};
use rbac_lens::graph::AccessGraph;
use rbac_lens::model::{ClusterId, Review};
use rbac_lens::query::{Authorizers, decide, reason};
use serde_json::{Value, json};

use crate::server::{ApiServer, Call, Options, strip};

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
        make_world(&server);
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
            if !by_rbac && random.one_of(if yes { 2 } else { 12 }) {
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
    FileOptions {
        recursive: false,
        needs: Needs { workloads: true, ..Needs::default() },
        default_namespace: "default".to_owned(),
        keep_going: false,
        limits: Limits::default(),
        threads: 2,
    }
}

fn make_world(server: &ApiServer) {
    server.apply_all(world());
    // References that come with a status, and a node that comes after it, as the scheduler does it.
    let late = "/api/v1/namespaces/nd-a/pods/late";
    let status = json!({"status": {
        "resourceClaimStatuses": [
            {"name": "made", "resourceClaimName": "rc-made"},
            {"name": "needless"},
        ],
        "extendedResourceClaimStatus": {"resourceClaimName": "rc-extended", "requestMappings": [
            {"containerName": "c", "resourceName": "example.com/gpu", "requestName": "r"}]},
    }});
    done(server, Call::patch(format!("{late}/status"), status));
    done(
        server,
        Call::post(
            format!("{late}/binding"),
            json!({"apiVersion": "v1", "kind": "Binding",
        "metadata": {"name": "late"}, "target": {"kind": "Node", "name": "nd-3"}}),
        ),
    );
    done(server, Call::patch("/api/v1/namespaces/nd-a/pods/done/status", json!({"status": {"phase": "Succeeded"}})));
    done(
        server,
        Call::patch(
            "/api/v1/namespaces/nd-a/pods/every/ephemeralcontainers",
            json!({"spec": {
        "ephemeralContainers": [{"name": "debug", "image": "i", "env": env("s-ephemeral", "cm-ephemeral")}]}}),
        ),
    );
    // Each list has a cache of its own, which is filled in the order of the changes.
    server.apply_all(vec![
        pod("nd-a", "zz-marker", "nd-marker", json!({"imagePullSecrets": [{"name": "s-marker"}]})),
        volume("zz-marker", "nd-a", "c-marker", json!({"hostPath": {"path": "/x"}})),
        pod("nd-a", "zz-marker-claim", "nd-marker", json!({"volumes": [claim("v", "c-marker")]})),
        attachment("zz-marker", "nd-marker"),
        slice("zz-marker", json!({"nodeName": "nd-marker"})),
    ]);
    let markers = [
        ("", "secrets", "nd-a", "s-marker"),
        ("", "persistentvolumes", "", "zz-marker"),
        ("storage.k8s.io", "volumeattachments", "", "zz-marker"),
        ("resource.k8s.io", "resourceslices", "", "zz-marker"),
    ];
    let markers = markers.map(|(group, resource, namespace, name)| {
        let attributes =
            json!({"verb": "get", "group": group, "resource": resource, "namespace": namespace, "name": name});
        review("system:node:nd-marker", &[NODES], attributes)
    });
    server.wait_until("the Node authorizer knows the markers", || {
        server.review_all(markers.to_vec()).iter().all(|status| status["allowed"] == true)
    });
}

fn done(server: &ApiServer, call: Call) {
    let reply = server.call(call);
    assert_eq!(reply.code, 200, "{}", reply.body);
}

fn world() -> Vec<Value> {
    let secret_of = |name: &str| json!({"name": name});
    let mut objects = vec![
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "nd-a"}}),
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "nd-b"}}),
        pod(
            "nd-a",
            "every",
            "nd-1",
            json!({
                "serviceAccountName": "sa-every",
                "imagePullSecrets": [{"name": "s-pull"}],
                "initContainers": [{"name": "i", "image": "i", "env": env("s-init", "cm-init")}],
                "containers": [{"name": "c", "image": "i", "env": env("s-env", "cm-env"), "envFrom": [
                    {"secretRef": {"name": "s-env-from"}}, {"configMapRef": {"name": "cm-env-from"}}]}],
                "volumes": [
                    {"name": "secret", "secret": {"secretName": "s-volume", "optional": true}},
                    {"name": "map", "configMap": {"name": "cm-volume"}},
                    {"name": "projected", "projected": {"sources": [
                        {"secret": {"name": "s-projected"}}, {"configMap": {"name": "cm-projected"}},
                        {"serviceAccountToken": {"path": "t", "audience": "nd-audience"}}]}},
                    {"name": "csi", "csi": {"driver": "d", "nodePublishSecretRef": secret_of("s-csi")}},
                    {"name": "azure", "azureFile": {"secretName": "s-azure", "shareName": "s"}},
                    {"name": "ceph", "cephfs": {"monitors": ["m"], "secretRef": secret_of("s-ceph")}},
                    {"name": "cinder", "cinder": {"volumeID": "v", "secretRef": secret_of("s-cinder")}},
                    {"name": "flex", "flexVolume": {"driver": "a/b", "secretRef": secret_of("s-flex")}},
                    {"name": "rbd", "rbd": {"monitors": ["m"], "image": "i", "secretRef": secret_of("s-rbd")}},
                    {"name": "scale", "scaleIO": {"gateway": "g", "system": "s", "volumeName": "v", "secretRef": secret_of("s-scale")}},
                    {"name": "iscsi", "iscsi": {"targetPortal": "1.2.3.4", "iqn": "iqn.2000-01.a.b:c", "lun": 0,
                        "chapAuthSession": true, "secretRef": secret_of("s-iscsi")}},
                    {"name": "storageos", "storageos": {"volumeName": "v", "secretRef": secret_of("s-storageos")}},
                    claim("claim", "c-1"),
                    {"name": "eph", "ephemeral": {"volumeClaimTemplate": {"spec": {
                        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}}},
                ],
                "resourceClaims": [{"name": "direct", "resourceClaimName": "rc-direct"}],
            }),
        ),
        pod(
            "nd-a",
            "other",
            "nd-2",
            json!({"serviceAccountName": "sa-other", "imagePullSecrets": [{"name": "s-other"}],
            "volumes": [claim("v", "c-shared")]}),
        ),
        pod(
            "nd-a",
            "shared",
            "nd-1",
            json!({"imagePullSecrets": [{"name": "s-shared"}],
            "volumes": [claim("v", "c-shared"), claim("w", "c-same-name")]}),
        ),
        // The same names in another namespace lead to another node.
        pod(
            "nd-b",
            "every",
            "nd-2",
            json!({"serviceAccountName": "sa-every", "imagePullSecrets": [{"name": "s-volume"}],
            "volumes": [claim("v", "c-1")]}),
        ),
        pod(
            "nd-a",
            "unbound",
            "",
            json!({"serviceAccountName": "sa-unbound", "imagePullSecrets": [{"name": "s-unbound"}]}),
        ),
        pod("nd-a", "done", "nd-2", json!({"serviceAccountName": "sa-done", "imagePullSecrets": [{"name": "s-done"}]})),
        pod("nd-a", "ghost", "nd-ghost", json!({"imagePullSecrets": [{"name": "s-ghost"}]})),
        pod(
            "nd-a",
            "late",
            "",
            json!({"resourceClaims": [
            {"name": "made", "resourceClaimTemplateName": "template"},
            {"name": "needless", "resourceClaimTemplateName": "template"},
            {"name": "unmade", "resourceClaimTemplateName": "template"}],
            "containers": [{"name": "c", "image": "i",
                "resources": {"limits": {"example.com/gpu": 1}, "requests": {"example.com/gpu": 1}}}]}),
        ),
    ];
    let mut mirror = pod(
        "nd-a",
        "mirror",
        "nd-1",
        json!({"imagePullSecrets": [{"name": "s-mirror"}],
        "volumes": [claim("v", "c-mirror")]}),
    );
    mirror["metadata"]["annotations"] = json!({"kubernetes.io/config.mirror": ""});
    objects.push(mirror);
    objects.extend(
        ["nd-1", "nd-2", "nd-3"].map(|name| json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})),
    );
    objects.push(json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "c-1", "namespace": "nd-a"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "volumeName": "pv-csi"}}));
    objects.extend(volumes());
    objects.extend([attachment("va-1", "nd-1"), attachment("va-2", "nd-2"), attachment("va-far", "nd-attached")]);
    objects.extend([slice("slice-1", json!({"nodeName": "nd-1"})), slice("slice-all", json!({"allNodes": true}))]);
    objects
}

fn volumes() -> Vec<Value> {
    let at = |namespace: &str, name: &str| json!({"namespace": namespace, "name": name});
    let bare = |name: &str| json!({"name": name});
    let iscsi = |secret: Value| {
        json!({"iscsi": {"targetPortal": "1.2.3.4", "iqn": "iqn.2000-01.a.b:c", "lun": 0, "chapAuthSession": true,
            "secretRef": secret}})
    };
    let mut free = volume(
        "pv-free",
        "",
        "",
        json!({"csi": {"driver": "d", "volumeHandle": "h",
        "nodePublishSecretRef": at("nd-a", "s-pv-free")}}),
    );
    free["spec"].as_object_mut().unwrap().remove("claimRef");
    vec![
        free,
        volume(
            "pv-csi",
            "nd-a",
            "c-1",
            json!({"csi": {"driver": "d", "volumeHandle": "h",
            "nodePublishSecretRef": at("nd-a", "s-pv-publish"), "nodeStageSecretRef": at("nd-b", "s-pv-stage"),
            "nodeExpandSecretRef": at("nd-b", "s-pv-expand"), "controllerPublishSecretRef": at("nd-a", "s-pv-controller"),
            "controllerExpandSecretRef": at("nd-a", "s-pv-controller-expand")}}),
        ),
        volume("pv-shared", "nd-a", "c-shared", json!({"azureFile": {"secretName": "s-pv-azure", "shareName": "s"}})),
        volume(
            "pv-azure",
            "nd-a",
            "c-1",
            json!({"azureFile": {"secretName": "s-pv-azure", "shareName": "s", "secretNamespace": "nd-b"}}),
        ),
        volume("pv-iscsi", "nd-a", "c-1", iscsi(bare("s-pv-iscsi"))),
        volume("pv-iscsi-b", "nd-a", "c-1", iscsi(at("nd-b", "s-pv-iscsi-b"))),
        volume("pv-ceph", "nd-a", "c-1", json!({"cephfs": {"monitors": ["m"], "secretRef": bare("s-pv-ceph")}})),
        volume("pv-flex", "nd-a", "c-1", json!({"flexVolume": {"driver": "a/b", "secretRef": bare("s-pv-flex")}})),
        volume(
            "pv-rbd",
            "nd-a",
            "c-1",
            json!({"rbd": {"monitors": ["m"], "image": "i", "secretRef": at("nd-b", "s-pv-rbd")}}),
        ),
        volume(
            "pv-scale",
            "nd-a",
            "c-1",
            json!({"scaleIO": {"gateway": "g", "system": "s", "volumeName": "v",
            "secretRef": bare("s-pv-scale")}}),
        ),
        volume(
            "pv-cinder",
            "nd-a",
            "c-1",
            json!({"cinder": {"volumeID": "v", "secretRef": at("nd-b", "s-pv-cinder")}}),
        ),
        volume(
            "pv-storageos",
            "nd-a",
            "c-1",
            json!({"storageos": {"volumeName": "v", "volumeNamespace": "n",
            "secretRef": {"namespace": "nd-b", "name": "s-pv-storageos"}}}),
        ),
        volume("pv-eph", "nd-a", "every-eph", json!({"hostPath": {"path": "/x"}})),
        volume(
            "pv-unmounted",
            "nd-a",
            "c-nobody",
            json!({"csi": {"driver": "d", "volumeHandle": "h",
            "nodePublishSecretRef": at("nd-a", "s-pv-unmounted")}}),
        ),
        volume("pv-mirror", "nd-a", "c-mirror", json!({"hostPath": {"path": "/x"}})),
        // A claim of the mounted name, in another namespace.
        volume(
            "pv-same-name",
            "nd-b",
            "c-same-name",
            json!({"csi": {"driver": "d", "volumeHandle": "h",
            "nodePublishSecretRef": at("nd-b", "s-pv-same-name")}}),
        ),
    ]
}

fn env(secret: &str, map: &str) -> Value {
    json!([
        {"name": "PLAIN", "value": "x"},
        {"name": "S", "valueFrom": {"secretKeyRef": {"name": secret, "key": "k"}}},
        {"name": "M", "valueFrom": {"configMapKeyRef": {"name": map, "key": "k"}}},
        {"name": "F", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    ])
}

fn claim(volume: &str, name: &str) -> Value {
    json!({"name": volume, "persistentVolumeClaim": {"claimName": name}})
}

fn pod(namespace: &str, name: &str, node: &str, spec: Value) -> Value {
    let mut full = json!({"containers": [{"name": "c", "image": "i"}], "nodeName": node});
    for (key, value) in spec.as_object().unwrap() {
        full[key] = value.clone();
    }
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace}, "spec": full})
}

fn volume(name: &str, namespace: &str, claim: &str, source: Value) -> Value {
    let mut spec = json!({"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"},
        "claimRef": {"namespace": namespace, "name": claim}});
    for (key, value) in source.as_object().unwrap() {
        spec[key] = value.clone();
    }
    json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec})
}

fn attachment(name: &str, node: &str) -> Value {
    json!({"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment", "metadata": {"name": name},
        "spec": {"attacher": "d", "nodeName": node, "source": {"persistentVolumeName": "pv-csi"}}})
}

fn slice(name: &str, of: Value) -> Value {
    let mut spec = json!({"driver": "d.example.com",
        "pool": {"name": name, "generation": 1, "resourceSliceCount": 1}});
    for (key, value) in of.as_object().unwrap() {
        spec[key] = value.clone();
    }
    json!({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": {"name": name}, "spec": spec})
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
