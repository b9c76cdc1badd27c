//! The live collector against the real server: what it reads, what it may not read, and what it sends.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rbac_lens::collect::{
    AccessQuestion, ConnectionOptions, FileOptions, Input, LiveCluster, LiveOptions, Needs, Secrets, connection, load,
};
use rbac_lens::model::{Action, AsoKind, AsoSecretContent, GapReason, KindIx, ResourceAction, Snapshot};
use rbac_lens::render::saved;
use serde_json::{Value, json};

use crate::server::{self, ApiServer, Call, Options, RBAC, RBAC_KINDS, review};
use crate::worlds::lines;

/// How the server is reached, as `admin` or as whom `admin` impersonates.
pub(crate) fn as_user(server: &ApiServer, user: &str) -> ConnectionOptions {
    ConnectionOptions {
        kubeconfig: Some(server.kubeconfig("admin")),
        as_user: (user != "admin").then(|| user.to_owned()),
        ..ConnectionOptions::default()
    }
}

pub(crate) fn read_with(options: &ConnectionOptions, change: impl FnOnce(&mut LiveOptions)) -> Snapshot {
    let live = LiveCluster::connect(options).unwrap();
    let mut wanted = live.options(Needs::ALL);
    change(&mut wanted);
    live.collect(&wanted, &|_| {}).unwrap()
}

fn read(options: &ConnectionOptions) -> Snapshot {
    read_with(options, |_| {})
}

fn text(snapshot: &Snapshot) -> String {
    let mut text = Vec::new();
    saved(snapshot, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

/// The objects of a snapshot, without what is said of the cluster.
fn objects(snapshot: &Snapshot) -> String {
    text(snapshot).split_once('\n').unwrap().1.to_owned()
}

fn load_file(path: &Path) -> Snapshot {
    let options =
        FileOptions { needs: Needs::ALL, default_namespace: String::new(), threads: 2, ..FileOptions::default() };
    load(&[Input::Path(path.to_owned())], &mut std::io::empty(), &options)
        .map_err(|error| error.lines().collect::<Vec<_>>())
        .unwrap()
}

/// Each gap as `resource reason`, with the namespaces that were read nevertheless.
fn gaps(snapshot: &Snapshot) -> Vec<String> {
    let line = |gap: &rbac_lens::model::Gap| {
        [vec![gap.resource.clone(), gap.reason.as_str().to_owned()], gap.except.clone()].concat().join(" ")
    };
    snapshot.gaps.iter().map(line).collect()
}

fn role(namespace: &str, name: &str, rules: Value) -> Value {
    let kind = if namespace.is_empty() { "ClusterRole" } else { "Role" };
    json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "rules": rules,
        "metadata": {"name": name, "namespace": (!namespace.is_empty()).then_some(namespace)}})
}

fn binding(namespace: &str, role: &str, user: &str) -> Value {
    let kind = if namespace.is_empty() { "ClusterRole" } else { "Role" };
    json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": format!("{kind}Binding"),
        "metadata": {"name": role, "namespace": (!namespace.is_empty()).then_some(namespace)},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}]})
}

fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"team": name}}})
}

/// A world with enough of everything that pages matter.
fn world(server: &ApiServer) {
    let mut objects = vec![namespace("live-a"), namespace("live-b")];
    for at in 0..7 {
        let name = format!("live-{at}");
        objects.push(role(
            "",
            &name,
            json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], "resourceNames": [name]}]),
        ));
        objects.push(binding("", &name, "alice"));
        for place in ["live-a", "live-b"] {
            objects.push(role(
                place,
                &name,
                json!([{"apiGroups": ["apps"], "resources": ["*"], "verbs": ["list", "watch"]}]),
            ));
            objects.push(binding(place, &name, "bob"));
            objects.push(
                json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": place}}),
            );
        }
    }
    objects.push(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "live-a"},
        "spec": {
            "containers": [{"name": "c", "image": "i", "envFrom": [{"secretRef": {"name": "env"}}, {"configMapRef": {"name": "map"}}]}],
            "imagePullSecrets": [{"name": "pull"}], "nodeName": "node-1", "serviceAccountName": "live-1",
            "volumes": [
                {"name": "a", "secret": {"secretName": "mounted"}},
                {"name": "b", "persistentVolumeClaim": {"claimName": "disk"}},
                {"name": "c", "projected": {"sources": [{"serviceAccountToken": {"path": "t", "audience": "vault"}}]}}]}}));
    objects
        .push(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1", "labels": {"disk": "fast"}}}));
    objects.push(json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "disk"}, "spec": {
        "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"],
        "claimRef": {"namespace": "live-a", "name": "disk"},
        "csi": {"driver": "d", "volumeHandle": "v", "nodePublishSecretRef": {"name": "key", "namespace": "live-b"}}}}));
    server.apply_all(objects);
    let attachment = json!({"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment", "metadata": {"name": "disk"},
        "spec": {"attacher": "d", "nodeName": "node-1", "source": {"persistentVolumeName": "disk"}}});
    // One that is there already cannot be replaced without its version.
    for object in [vec![attachment], deeper()].concat() {
        let made = server.call(server.create_call(&object));
        assert!(made.code == 200 || made.code == 409, "{}", made.body);
    }
}

/// Objects that escalations go through. Nothing is ever asked of the webhook, whose selector selects nothing.
fn deeper() -> Vec<Value> {
    let labels = json!({"app": "web"});
    let pod = json!({"metadata": {"labels": labels}, "spec": {"serviceAccountName": "live-1", "hostPID": true,
        "containers": [{"name": "c", "image": "i", "securityContext": {"privileged": true},
            "volumeMounts": [{"name": "v", "mountPath": "/v", "readOnly": true}]}],
        "volumes": [{"name": "v", "hostPath": {"path": "/etc/kubernetes"}}]}});
    let object = |api_version: &str, kind: &str, spec: Value| {
        json!({"apiVersion": api_version, "kind": kind, "spec": spec,
            "metadata": {"name": "web", "namespace": "live-a", "labels": labels}})
    };
    let template = json!({"selector": {"matchLabels": labels}, "template": pod});
    let mut once = pod.clone();
    once["spec"]["restartPolicy"] = "Never".into();
    let rule = json!({"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]});
    let nothing = json!({"matchLabels": {"never": "set"}});
    let constraints = json!({"resourceRules": [rule], "namespaceSelector": nothing});
    let of_cluster = |kind: &str, more: Value| {
        let mut object =
            json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": "live"}});
        object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        object
    };
    let webhooks = json!({"webhooks": [{"name": "a.b.c", "failurePolicy": "Ignore", "sideEffects": "None",
        "admissionReviewVersions": ["v1"], "namespaceSelector": nothing, "rules": [rule],
        "clientConfig": {"service": {"namespace": "live-a", "name": "hook"}}}]});
    let mut set = template.clone();
    set["serviceName"] = "web".into();
    vec![
        object("apps/v1", "Deployment", template.clone()),
        object("apps/v1", "DaemonSet", template.clone()),
        object("apps/v1", "ReplicaSet", template),
        object("apps/v1", "StatefulSet", set),
        object("v1", "ReplicationController", json!({"selector": labels, "template": pod})),
        object("batch/v1", "Job", json!({"template": once})),
        object("batch/v1", "CronJob", json!({"schedule": "@daily", "jobTemplate": {"spec": {"template": once}}})),
        of_cluster("MutatingWebhookConfiguration", webhooks.clone()),
        of_cluster("ValidatingWebhookConfiguration", webhooks),
        of_cluster(
            "ValidatingAdmissionPolicy",
            json!({"spec": {"matchConstraints": constraints, "validations": [{"expression": "true"}]}}),
        ),
        of_cluster(
            "ValidatingAdmissionPolicyBinding",
            json!({"spec": {"policyName": "live", "validationActions": ["Deny"], "matchResources": {"namespaceSelector": nothing}}}),
        ),
        of_cluster(
            "MutatingAdmissionPolicy",
            json!({"spec": {"matchConstraints": constraints, "reinvocationPolicy": "Never", "mutations": [
                {"patchType": "JSONPatch", "jsonPatch": {"expression": "[JSONPatch{op: 'test', path: '/kind', value: 'Pod'}]"}}]}}),
        ),
        of_cluster(
            "MutatingAdmissionPolicyBinding",
            json!({"spec": {"policyName": "live", "matchResources": {"namespaceSelector": nothing}}}),
        ),
    ]
}

/// The kinds of GitOps controllers, which a server has by definition only, as group, version, plural and kind.
pub(crate) const GITOPS: [[&str; 4]; 9] = [
    ["kustomize.toolkit.fluxcd.io", "v1", "kustomizations", "Kustomization"],
    ["helm.toolkit.fluxcd.io", "v2", "helmreleases", "HelmRelease"],
    ["source.toolkit.fluxcd.io", "v1", "gitrepositories", "GitRepository"],
    ["source.toolkit.fluxcd.io", "v1beta2", "ocirepositories", "OCIRepository"],
    ["source.toolkit.fluxcd.io", "v1", "buckets", "Bucket"],
    ["source.toolkit.fluxcd.io", "v1", "helmrepositories", "HelmRepository"],
    ["source.toolkit.fluxcd.io", "v1", "helmcharts", "HelmChart"],
    ["argoproj.io", "v1alpha1", "applications", "Application"],
    ["argoproj.io", "v1alpha1", "appprojects", "AppProject"],
];

/// A kind as a server takes it: group, version, plural and kind.
pub(crate) fn definition([group, version, plural, kind]: [&str; 4]) -> Value {
    let schema = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}")}, "spec": {"group": group, "scope": "Namespaced",
            "names": {"plural": plural, "kind": kind},
            "versions": [{"name": version, "served": true, "storage": true, "schema": schema}]}})
}

/// Defines kinds, and waits until they are served and discovered.
pub(crate) fn define(server: &ApiServer, definitions: &[Value]) {
    server.apply_all(definitions.to_vec());
    let part = |definition: &Value, path: &str| definition.pointer(path).unwrap().as_str().unwrap().to_owned();
    let served = |definition: &Value| {
        let at = format!("/apis/{}/{}", part(definition, "/spec/group"), part(definition, "/spec/versions/0/name"));
        let list = server.call(Call::get(at));
        list.code == 200 && list.body.to_string().contains(&format!(r#""{}""#, part(definition, "/spec/names/plural")))
    };
    server.wait_until("the kinds are served", || definitions.iter().all(served));
    let discovered = |definition: &Value| {
        let live = read_with(&as_user(server, "admin"), |wanted| wanted.needs = Needs::default());
        let (group, plural) = (part(definition, "/spec/group"), part(definition, "/spec/names/plural"));
        live.resources.iter().any(|at| at.group == group && at.resource == plural)
    };
    server.wait_until("the kinds are discovered", || definitions.iter().all(discovered));
}

/// Defines these kinds and makes one object of each.
fn gitops(server: &ApiServer) {
    define(server, &GITOPS.map(definition));
    let object = |[group, version, _, kind]: [&str; 4]| {
        json!({"apiVersion": format!("{group}/{version}"), "kind": kind, "metadata": {"name": "live", "namespace": "live-a"},
            "spec": {"serviceAccountName": "live-1", "project": "live", "destination": {"namespace": "live-b"},
                "sourceRef": {"kind": "GitRepository", "name": "live"}, "destinations": [{"server": "*"}]}})
    };
    server.apply_all(GITOPS.into_iter().map(object).collect());
    let all = || read(&as_user(server, "admin")).deputies.len() == GITOPS.len();
    server.wait_until("discovery has the kinds", all);
}

#[test]
fn what_is_read_is_what_kubectl_gets() {
    let server = server::plain();
    world(&server);
    let live = read(&as_user(&server, "admin"));
    assert_eq!((gaps(&live), live.warnings.len(), live.discovered), (vec![], 0, true));
    assert_eq!(live.clusters[0].name, "e2e");
    assert_eq!(live.clusters[0].server_version.as_deref(), Some("v1.36.3"));

    let kinds = "clusterroles,clusterrolebindings,roles,rolebindings,namespaces,serviceaccounts,pods,nodes,\
                 persistentvolumes,volumeattachments,resourceslices,deployments,daemonsets,statefulsets,replicasets,\
                 jobs,cronjobs,replicationcontrollers,mutatingwebhookconfigurations,validatingwebhookconfigurations,\
                 validatingadmissionpolicies,validatingadmissionpolicybindings,mutatingadmissionpolicies,\
                 mutatingadmissionpolicybindings,apiservices";
    let dump = server.kubectl(&["get", kinds, "-A", "-o", "json"]);
    assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    let path = server.folder.join("dump.json");
    fs::write(&path, dump.stdout).unwrap();
    let mut files = load_file(&path);
    // Defaults that a manifest leaves out are added to it; a dump has them all.
    assert_eq!(objects(&live), objects(&files));
    assert_eq!(live.counts, std::mem::take(&mut files.counts));
    assert_eq!((live.controllers.len(), live.admissions.len(), live.policy_bindings.len()), (7, 4, 2));
    let powers = "privileged, hostPID, hostPath:read";
    assert!(live.controllers.iter().all(|at| at.powers.to_string() == powers), "{:?}", live.controllers);
    assert!(live.admissions.iter().all(|at| at.hooks.len() == 1 && at.hooks[0].pods), "{:?}", live.admissions);
    assert!(live.api_services.len() > 20 && live.api_services.iter().all(|at| at.service.is_none()));
    assert!(live.roles.len() > 69 && live.service_accounts.len() >= 14, "{:?}", live.counts);
}

#[test]
fn pages_of_any_size_are_the_same_list() {
    let server = server::plain();
    world(&server);
    let options = as_user(&server, "admin");
    let whole = text(&read_with(&options, |at| at.chunk_size = 100_000));
    for chunk_size in [1, 3, 7, 500] {
        assert!(text(&read_with(&options, |at| at.chunk_size = chunk_size)) == whole, "in pages of {chunk_size}");
    }
    // The cache may be moments behind.
    server.wait_until("the cache is of now", || text(&read_with(&options, |at| at.chunk_size = 0)) == whole);
}

#[test]
fn a_snapshot_says_the_same_as_the_cluster() {
    let server = server::plain();
    world(&server);
    for user in ["admin", "nobody"] {
        let live = read(&as_user(&server, user));
        let path = server.folder.join(format!("{user}.ndjson"));
        fs::write(&path, text(&live)).unwrap();
        let file = load_file(&path);
        assert!(text(&file) == text(&live));
        assert!(file.gaps == live.gaps && file.resources == live.resources && file.clusters == live.clusters);
        assert_eq!((file.discovered, &file.counts, file.roles.len()), (true, &live.counts, live.roles.len()));
    }
}

#[test]
fn answers_from_a_snapshot_are_those_of_the_cluster() {
    let server = server::plain();
    world(&server);
    let ask = |words: &[&str]| {
        let output = server.rbac_lens_as("admin", words);
        assert!(output.stderr.is_empty() || !words.contains(&"-q"), "{}", String::from_utf8_lossy(&output.stderr));
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    for name in ["cluster.ndjson", "cluster.ndjson.gz"] {
        let path = server.folder.join(name);
        let path = path.to_str().unwrap();
        assert_eq!(ask(&["snapshot", path, "-q"]), (Some(0), String::new()));
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        for question in [
            &["who-can", "get", "pods", "live-3", "-A"][..],
            &["who-can", "list", "deployments", "-n", "live-b"],
            &["who-can", "get", "/healthz"],
            &["what-can", "user:bob", "-A"],
            &["why", "user:alice", "get", "pods", "live-3", "-n", "live-a"],
            &["why", "user:alice", "delete", "pods", "-n", "live-a"],
        ] {
            let question = [question, &["-o", "json"]].concat();
            let [live, file] = [question.clone(), [&question[..], &["-f", path]].concat()].map(|words| {
                let (code, out) = ask(&words);
                let mut report: Value = serde_json::from_str(&out).unwrap();
                forget_sources(&mut report);
                (code, report)
            });
            assert_eq!(live, file, "{question:?}");
        }
    }
}

/// Where something was read is the one thing that differs between a cluster and its snapshot.
fn forget_sources(report: &mut Value) {
    match report {
        Value::Object(fields) => {
            fields.remove("source");
            fields.values_mut().for_each(forget_sources);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_sources),
        _ => {}
    }
}

/// What is listed of a server with nothing but Kubernetes in it.
const LISTED: [&str; 26] = [
    "apiservices",
    "clusterrolebindings",
    "clusterroles",
    "cronjobs",
    "customresourcedefinitions",
    "daemonsets",
    "deployments",
    "jobs",
    "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
    "mutatingwebhookconfigurations",
    "namespaces",
    "nodes",
    "persistentvolumes",
    "pods",
    "replicasets",
    "replicationcontrollers",
    "resourceslices",
    "rolebindings",
    "roles",
    "serviceaccounts",
    "statefulsets",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
    "validatingwebhookconfigurations",
    "volumeattachments",
];

#[test]
fn who_may_not_list_gets_gaps() {
    let server = server::plain();
    world(&server);
    let live = read(&as_user(&server, "nobody"));
    let expected: BTreeSet<_> = LISTED.map(|resource| format!("{resource} forbidden")).into();
    assert_eq!(gaps(&live).into_iter().collect::<BTreeSet<_>>(), expected);
    assert!(
        live.gaps.iter().all(|gap| gap.message.contains(r#"User "nobody" cannot list resource"#)),
        "{:?}",
        live.gaps
    );
    // Discovery and version are everybody's.
    assert!(live.roles.is_empty() && live.discovered && live.clusters[0].server_version.is_some());
}

#[test]
fn one_namespace_is_better_than_none() {
    let server = server::plain();
    world(&server);
    let rights = json!([
        {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles", "rolebindings"], "verbs": ["list"]},
        {"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["list"]},
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]},
    ]);
    server.apply_all(vec![role("live-a", "reader", rights), binding("live-a", "reader", "carol")]);
    server.wait_visible();
    let options = |place: &str| ConnectionOptions { namespace: Some(place.to_owned()), ..as_user(&server, "carol") };
    let live = read_with(&options("live-a"), |at| at.needs = Needs::default());
    assert_eq!(
        gaps(&live),
        [
            "namespaces forbidden live-a",
            "serviceaccounts forbidden live-a",
            "clusterrolebindings forbidden",
            "clusterroles forbidden",
            "rolebindings forbidden live-a",
            "roles forbidden live-a",
        ]
    );
    assert_eq!(
        (live.roles.len(), live.bindings.len(), live.service_accounts.len(), live.namespaces.len()),
        (8, 8, 7, 1)
    );
    let elsewhere = read_with(&options("live-b"), |at| at.needs = Needs::default());
    assert!(
        elsewhere.roles.is_empty() && elsewhere.gaps.iter().all(|gap| gap.except.is_empty()),
        "{:?}",
        elsewhere.gaps
    );
}

/// The rules of the example, and those that it has as comments.
fn minimal_rules() -> (Value, Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/minimal-clusterrole.yaml");
    let file = fs::read_to_string(path).unwrap();
    let uncommented =
        |line: &str| line.strip_prefix('#').filter(|rest| rest.starts_with(['-', ' '])).map(str::to_owned);
    let (head, optional) = file.split_once("\n# For").unwrap();
    let rest =
        optional.lines().filter(|line| line.starts_with("#-") || line.starts_with("#  ")).filter_map(uncommented);
    let everything = [vec![head.to_owned()], rest.collect()].concat().join("\n");
    let rules = |text: &str| {
        let role: Value = serde_saphyr::from_str(text).unwrap();
        assert_eq!(role["kind"], "ClusterRole");
        role["rules"].clone()
    };
    (rules(&file), rules(&everything))
}

/// Every way to leave out one resource of one rule, with that resource; of a rule for every resource of its groups one group.
fn each_missing_one(rules: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for (at, rule) in rules.as_array().unwrap().iter().enumerate() {
        if rule["resources"] == json!(["*"]) {
            for (index, group) in rule["apiGroups"].as_array().unwrap().iter().enumerate() {
                let mut fewer = rules.clone();
                fewer[at]["apiGroups"].as_array_mut().unwrap().remove(index);
                all.push((one_kind_of(group.as_str().unwrap()).facts().plural.to_owned(), fewer));
            }
            continue;
        }
        assert_eq!((rule["apiGroups"].as_array().unwrap().len(), rule["verbs"].as_array().unwrap().len()), (1, 1));
        for (index, resource) in rule["resources"].as_array().unwrap().iter().enumerate() {
            let mut fewer = rules.clone();
            fewer[at]["resources"].as_array_mut().unwrap().remove(index);
            if fewer[at]["resources"].as_array().unwrap().is_empty() {
                fewer.as_array_mut().unwrap().remove(at);
            }
            all.push((resource.as_str().unwrap().to_owned(), fewer));
        }
    }
    all
}

/// The first kind of a group of Azure Service Operator.
fn one_kind_of(group: &str) -> KindIx {
    KindIx::all().find(|kind| kind.facts().group == group).unwrap()
}

/// Defines one kind of each group of Azure Service Operator, with one object each, and one credential.
fn azure(server: &ApiServer) {
    let groups: BTreeSet<&str> = KindIx::all().map(|kind| kind.facts().group).collect();
    let kinds: Vec<KindIx> = groups.into_iter().map(one_kind_of).collect();
    let definition = |kind: &KindIx| {
        let AsoKind { group, plural, kind, .. } = kind.facts();
        let schema = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
        json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{plural}.{group}"), "labels": {"app.kubernetes.io/name": "azure-service-operator"}},
            "spec": {"group": group, "scope": "Namespaced", "names": {"plural": plural, "kind": kind},
                "versions": [{"name": "v1api20300101", "served": true, "storage": true, "schema": schema}]}})
    };
    server.apply_all(kinds.iter().map(definition).collect());
    let served = |kind: &KindIx| {
        let AsoKind { group, plural, .. } = kind.facts();
        let list = server.call(Call::get(format!("/apis/{group}/v1api20300101")));
        list.code == 200 && list.body.to_string().contains(&format!(r#""{plural}""#))
    };
    server.wait_until("the kinds are served", || kinds.iter().all(served));
    let object = |kind: &KindIx| {
        let AsoKind { group, kind, .. } = kind.facts();
        json!({"apiVersion": format!("{group}/v1api20300101"), "kind": kind, "metadata": {"name": "live", "namespace": "live-a"},
            "spec": {"owner": {"name": "rg"}}})
    };
    server.apply_all(kinds.iter().map(object).collect());
    server.apply_all(vec![
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "aso-credential", "namespace": "live-a"},
        "stringData": {"AZURE_CLIENT_ID": "cccccccc-0000-0000-0000-000000000001", "AZURE_CLIENT_SECRET": "hunter2"}}),
    ]);
    let all = || read(&as_user(server, "admin")).aso_resources.len() == kinds.len();
    server.wait_until("discovery has the kinds", all);
}

#[test]
fn credentials_of_aso_are_read_by_name_and_without_their_secrets() {
    let server = ApiServer::start(Options::default());
    world(&server);
    azure(&server);
    let live = read(&as_user(&server, "admin"));
    assert_eq!(gaps(&live), [] as [&str; 0]);
    let line = |at: &rbac_lens::model::AsoSecret| {
        let place = [at.namespace, at.name].map(|name| live.text(name)).join("/");
        match &at.content {
            AsoSecretContent::Entries(all) => {
                format!("{place} {}", all.iter().map(|(key, _)| live.text(*key)).collect::<Vec<_>>().join(","))
            }
            other => format!("{place} {other:?}"),
        }
    };
    let secrets: Vec<String> = live.aso_secrets.iter().map(line).collect();
    assert!(secrets.contains(&"live-a/aso-credential AZURE_CLIENT_ID,AZURE_CLIENT_SECRET".to_owned()), "{secrets:?}");
    assert!(secrets.contains(&"live-b/aso-credential Absent".to_owned()), "{secrets:?}");
    let saved = text(&live);
    assert!(!saved.contains("hunter2") && !saved.contains("aHVudGVyMg"));
    let path = server.folder.join("aso.ndjson");
    fs::write(&path, &saved).unwrap();
    assert!(text(&load_file(&path)) == saved);
}

fn question(user: &str) -> AccessQuestion {
    let action = ResourceAction { verb: "get".into(), resource: "pods".into(), ..ResourceAction::default() };
    AccessQuestion { user: user.to_owned(), groups: Vec::new(), action: Action::Resource(action) }
}

#[test]
fn the_minimal_role_is_enough_and_not_too_much() {
    // What is defined on a server stays, and other tests need theirs without.
    let server = ApiServer::start(Options::default());
    world(&server);
    gitops(&server);
    azure(&server);
    let (minimal, whole) = minimal_rules();
    assert_eq!((minimal.as_array().unwrap().len(), whole.as_array().unwrap().len()), (2, 19));
    server.apply_all(vec![role("", "rbac-lens", json!([])), binding("", "rbac-lens", "lens")]);
    let options = ConnectionOptions { namespace: Some("nowhere".to_owned()), ..as_user(&server, "lens") };
    // What does not work with these rules: the resources of the gaps, and of the reviews.
    let missing = |rules: &Value, needs: Needs, everything: bool| {
        let path = server.object_path(&role("", "rbac-lens", json!([])));
        assert_eq!(server.call(Call::put(path, role("", "rbac-lens", rules.clone()))).code, 200);
        server.wait_visible();
        let live = LiveCluster::connect(&options).unwrap();
        let mut wanted = live.options(needs);
        if everything {
            wanted.secrets = Secrets::NamesAndTypes;
        }
        let snapshot = live.collect(&wanted, &|_| {}).unwrap();
        assert!(snapshot.gaps.iter().all(|gap| gap.reason == GapReason::Forbidden), "{:?}", snapshot.gaps);
        let mut missing: Vec<String> = snapshot.gaps.iter().map(|gap| gap.resource.clone()).collect();
        missing.dedup();
        if everything && live.verify(&[question("alice")])[0].is_err() {
            missing.push("subjectaccessreviews".to_owned());
        }
        missing
    };
    assert_eq!(missing(&minimal, Needs::default(), false), [] as [&str; 0]);
    for (resource, fewer) in each_missing_one(&minimal) {
        assert_eq!(missing(&fewer, Needs::default(), false), [resource]);
    }
    assert_eq!(missing(&whole, Needs::ALL, true), [] as [&str; 0]);
    for (resource, fewer) in each_missing_one(&whole) {
        assert_eq!(missing(&fewer, Needs::ALL, true), [resource]);
    }
}

/// A world with paths: into a running pod, by Flux, and over a token.
const PATHS: &str = "
    account live-a/robot
    account flux-system/kustomize-controller
    yaml {apiVersion: apps/v1, kind: Deployment, metadata: {name: kustomize-controller, namespace: flux-system}, spec: {selector: \
        {matchLabels: {app: k}}, template: {metadata: {labels: {app: k}}, spec: {serviceAccountName: kustomize-controller, \
        containers: [{name: m, image: \"ghcr.io/fluxcd/kustomize-controller:v1\"}]}}}}
    role live-shell: create pods/exec
    bind live-a/live-shell=live-shell user:alice
    role live-deploy: create kustomizations.kustomize.toolkit.fluxcd.io
    bind live-deploy user:bob
    role live-everything: * *.*
    bind live-everything sa:flux-system/kustomize-controller sa:live-a/robot sa:live-a/live-1
    role live-tokens: create serviceaccounts/token
    bind live-a/live-tokens=live-tokens group:dev
    account azureserviceoperator-system/azureserviceoperator-default
    yaml {apiVersion: apps/v1, kind: Deployment, metadata: {name: azureserviceoperator-controller-manager, namespace: \
        azureserviceoperator-system, labels: {app.kubernetes.io/name: azure-service-operator}}, spec: {selector: {matchLabels: \
        {control-plane: controller-manager}}, template: {metadata: {labels: {control-plane: controller-manager}}, spec: \
        {serviceAccountName: azureserviceoperator-default, containers: [{name: manager, \
        image: \"mcr.microsoft.com/k8s/azureserviceoperator:v2.20.0\"}]}}}}
    yaml {apiVersion: v1, kind: Secret, metadata: {name: aso-controller-settings, namespace: azureserviceoperator-system}, \
        stringData: {AZURE_CLIENT_ID: c1, AZURE_TENANT_ID: t1, AZURE_SUBSCRIPTION_ID: s1, AZURE_CLIENT_SECRET: planted}}
    yaml {apiVersion: v1, kind: Secret, metadata: {name: aso-credential, namespace: live-a}, \
        stringData: {AZURE_CLIENT_ID: c2, AZURE_TENANT_ID: t1, AZURE_SUBSCRIPTION_ID: s1, AZURE_CLIENT_SECRET: planted}}
    yaml {apiVersion: resources.azure.com/v1api20200601, kind: ResourceGroup, metadata: {name: rg, namespace: live-a}}
    yaml {apiVersion: resources.azure.com/v1api20200601, kind: ResourceGroup, metadata: {name: rg, namespace: live-b}}
    role live-azure: create,patch resourcegroups.resources.azure.com
    bind live-a/live-azure=live-azure group:ops
    bind live-b/live-azure=live-azure group:ops";

/// Each command that looks at a whole cluster, as people type it: kubectl finds the program, and the role of the example is all
/// that whoever types it holds.
#[test]
fn kubectl_runs_the_whole_of_it_with_the_minimal_role_alone() {
    // What is defined on a server stays, and other tests need theirs without.
    let server = ApiServer::start(Options::default());
    world(&server);
    gitops(&server);
    define(&server, &[definition(["resources.azure.com", "v1api20200601", "resourcegroups", "ResourceGroup"])]);
    let documents = lines::yaml(PATHS);
    let documents = documents.split("---\n").filter(|text| !text.trim().is_empty());
    let objects = documents.map(|text| serde_saphyr::from_str::<Value>(text).unwrap());
    server.apply_all(objects.collect());
    let (minimal, whole) = minimal_rules();
    server.apply_all(vec![role("", "rbac-lens", whole), binding("", "rbac-lens", "carol")]);
    server.wait_visible();
    let ask = |user: &str, words: &[&str]| {
        let output = server.kubectl_as(user, &[&["rbac-lens"], words].concat());
        let [out, notes] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        (output.status.code(), out, notes)
    };
    let path = server.folder.join("whole.ndjson");
    let path = path.to_str().unwrap();
    assert_eq!(ask("carol", &["snapshot", path, "-q"]).0, Some(0));
    let mut commands = vec![
        &["escalations"][..],
        &["escalations", "-o", "tree"],
        &["escalations", "-o", "json"],
        &["escalations", "--cuts"],
        &["escalations", "--show-blocked", "--all", "--ungrouped"],
        &["escalations", "--from", "pod:live-a/web"],
        &["escalations", "--to", "cluster-admin", "--secret-metadata"],
    ];
    if ask("carol", &["--help"]).1.contains("\n  aso ") {
        commands.extend([&["aso", "-A"][..], &["aso", "-A", "-o", "wide"], &["aso", "-A", "-o", "json"]]);
    }
    for command in commands {
        let command = [command, &["--strict"]].concat();
        let (code, out, notes) = ask("carol", &command);
        assert_eq!(code, Some(0), "{command:?}: {notes}");
        assert!(!out.is_empty() && !notes.contains("forbidden"), "{command:?}: {notes}");
        assert!(!out.contains("planted") && !notes.contains("planted"), "{command:?}: what a Secret holds is said");
        // Whoever may do everything sees no more.
        assert_eq!(plain(&out), plain(&ask("admin", &command).1), "{command:?}");
        if !command.contains(&"--secret-metadata") {
            let (code, again, _) = ask("carol", &[&command[..], &["-f", path]].concat());
            assert_eq!((code, plain(&again)), (Some(0), plain(&out)), "{command:?}");
        }
    }
    let found = ask("carol", &["escalations", "-o", "json"]).1;
    let found: Value = serde_json::from_str(&found).unwrap();
    let steps = found["items"].as_array().unwrap().iter().flat_map(|item| item["steps"].as_array().unwrap());
    let steps: BTreeSet<&str> = steps.map(|step| step["technique"].as_str().unwrap()).collect();
    for technique in ["pod-exec", "operator-deputy", "token-request"] {
        assert!(steps.contains(technique), "{steps:?}");
    }
    // Without what the example has as comments the answer says what it does not know.
    server.apply_all(vec![role("", "rbac-lens", minimal)]);
    server.wait_visible();
    let (code, _, notes) = ask("carol", &["escalations"]);
    assert!(code == Some(0) && notes.contains("pods"), "{code:?} {notes}");
    let (code, _, notes) = ask("carol", &["escalations", "--strict"]);
    assert!(code == Some(3) && notes.contains("gaps"), "{code:?} {notes}");
}

/// An answer without where the objects were read, which is what differs between a cluster and its snapshot.
fn plain(out: &str) -> String {
    if let Ok(mut report) = serde_json::from_str::<Value>(out) {
        forget_sources(&mut report);
        return report.to_string();
    }
    // `(live)` or `(FILE:LINE)` behind a grant.
    let lines = out.lines().map(|line| match line.rsplit_once(" (") {
        Some((head, tail)) if tail == "live)" || tail.contains("ndjson:") => head,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn only_reading_is_seen_by_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let [policy, log] = ["policy.yaml", "audit.log"].map(|name| folder.path().join(name));
    // Metadata alone would not show what a review or a table of Secrets held.
    fs::write(&policy, "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: RequestResponse\n").unwrap();
    let extra_args = vec![
        format!("--audit-policy-file={}", policy.display()),
        format!("--audit-log-path={}", log.display()),
        "--audit-log-mode=blocking".to_owned(),
    ];
    let server = ApiServer::start(Options { extra_args, ..Options::default() });
    world(&server);
    let copied = json!({"data": {"key": "aHVudGVyMg=="}}).to_string();
    server.apply_all(vec![
        role("", "lens", json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}])),
        binding("", "lens", "lens"),
        json!({"apiVersion": "v1", "kind": "Secret", "data": {"key": "aHVudGVyMg=="}, "type": "Opaque", "metadata": {
            "name": "s", "namespace": "live-a", "annotations": {"kubectl.kubernetes.io/last-applied-configuration": copied}}}),
    ]);
    server.wait_visible();

    let live = LiveCluster::connect(&as_user(&server, "lens")).unwrap();
    for chunk_size in [0, 2] {
        let mut wanted = live.options(Needs::ALL);
        (wanted.chunk_size, wanted.secrets) = (chunk_size, Secrets::NamesAndTypes);
        let snapshot = live.collect(&wanted, &|_| {}).unwrap();
        assert_eq!((gaps(&snapshot), snapshot.secrets.len()), (vec![], 1));
        let secret = &snapshot.secrets[0];
        assert_eq!(
            [secret.namespace, secret.name, secret.kind].map(|name| snapshot.text(name)),
            ["live-a", "s", "Opaque"]
        );
    }
    assert_eq!(live.verify(&[question("alice"), question("lens")]), [Ok(false), Ok(true)]);
    assert_eq!(live.whoami().unwrap().user, "lens");

    let (mut verbs, mut hits) = (BTreeSet::new(), 0);
    for line in fs::read_to_string(&log).unwrap().lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        if event["impersonatedUser"]["username"] != "lens" || event["stage"] != "ResponseComplete" {
            continue;
        }
        hits += 1;
        let uri = event["requestURI"].as_str().unwrap();
        let path = uri.split('?').next().unwrap();
        let what = path.rsplit('/').next().unwrap();
        verbs.insert(format!(
            "{} {}",
            event["verb"].as_str().unwrap(),
            if what.starts_with("live-") { "..." } else { what }
        ));
        assert!(event["responseStatus"]["code"].as_u64().unwrap() < 300, "{event}");
        if what == "secrets" {
            assert!(uri.contains("includeObject=None") && !line.contains("aHVudGVyMg"), "{event}");
        }
    }
    assert!(hits > 40, "{hits} requests");
    let reads = LISTED.into_iter().chain(["secrets"]);
    let mut expected: BTreeSet<String> = reads.map(|resource| format!("list {resource}")).collect();
    expected.extend(["get api", "get apis", "get version"].map(str::to_owned));
    expected.extend(["create subjectaccessreviews", "create selfsubjectreviews"].map(str::to_owned));
    assert_eq!(verbs, expected);
}

#[test]
fn the_cluster_is_asked_what_it_thinks() {
    let server = server::plain();
    world(&server);
    server.wait_visible();
    let live = LiveCluster::connect(&as_user(&server, "admin")).unwrap();
    let resource = |verb: &str, resource: &str, namespace: &str, name: &str| {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let [verb, resource, subresource, namespace, name] =
            [verb, resource, subresource, namespace, name].map(str::to_owned);
        Action::Resource(ResourceAction { verb, resource, subresource, namespace, name, ..ResourceAction::default() })
    };
    let path = |path: &str| Action::NonResource { verb: "get".into(), path: path.into() };
    let asked = [
        ("alice", vec![], resource("get", "pods", "live-a", "live-3")),
        ("alice", vec![], resource("get", "pods", "live-a", "")),
        ("alice", vec![], resource("get", "pods/log", "live-a", "live-3")),
        ("x", vec!["system:masters"], resource("delete", "nodes", "", "")),
        ("x", vec!["system:authenticated"], path("/healthz")),
        ("x", vec![], path("/metrics")),
    ];
    let questions: Vec<_> = asked
        .iter()
        .cycle()
        .take(60)
        .map(|(user, groups, action)| AccessQuestion {
            user: (*user).to_owned(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            action: action.clone(),
        })
        .collect();
    let expected: Vec<_> = [true, false, false, true, true, false].into_iter().cycle().take(60).map(Ok).collect();
    assert_eq!(live.verify(&questions), expected);
    // What the server refuses to judge is no answer, and the next question is asked nevertheless.
    let mut odd = question("");
    odd.groups.clear();
    let answers = live.verify(&[odd, question("alice")]);
    assert!(answers[0].as_ref().is_err_and(|why| why.contains("at least one of user or group")), "{answers:?}");
    assert_eq!(answers[1], Ok(false));
    let sent = server.review_all(vec![review("alice", &[], json!({"verb": "get", "resource": "pods"}))]);
    assert_eq!(sent[0]["allowed"], false);
    let carol = LiveCluster::connect(&as_user(&server, "carol")).unwrap();
    let refused = carol.verify(&[question("alice"), question("bob")]);
    assert!(
        refused.iter().all(|answer| answer.as_ref().is_err_and(|why| why.contains("cannot create"))),
        "{refused:?}"
    );
}

#[test]
fn impersonation_is_whole() {
    let server = server::plain();
    let mut options = as_user(&server, "eve");
    options.as_groups = vec!["ops".to_owned(), "dev".to_owned()];
    options.as_uid = Some("42".to_owned());
    options.as_user_extra = vec!["example.com/Scopes=a".to_owned(), "example.com/Scopes=b".to_owned()];
    let me = LiveCluster::connect(&options).unwrap().whoami().unwrap();
    assert_eq!((me.user.as_str(), me.groups.join(" ").as_str()), ("eve", "ops dev system:authenticated"));
    // Who may not impersonate is told so, once.
    let weak = ConnectionOptions {
        kubeconfig: Some(server.kubeconfig("carol")),
        as_user: Some("admin".into()),
        ..Default::default()
    };
    let live = LiveCluster::connect(&weak).unwrap();
    let error = live.collect(&live.options(Needs::ALL), &|_| {}).map(drop).unwrap_err().to_string();
    assert!(error.contains("refuses every request") && error.contains("cannot impersonate"), "{error}");
}

/// A kubeconfig for the server with other credentials and a changed cluster entry.
fn kubeconfig(server: &ApiServer, name: &str, user: Value, cluster: Value) -> ConnectionOptions {
    let mut entry = json!({"server": server.url, "certificate-authority": server.ca_file});
    entry.as_object_mut().unwrap().extend(cluster.as_object().unwrap().clone());
    let config = json!({
        "current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": entry}], "users": [{"name": "u", "user": user}],
    });
    let path = server.folder.join(name);
    fs::write(&path, config.to_string()).unwrap();
    ConnectionOptions { kubeconfig: Some(path), ..ConnectionOptions::default() }
}

fn user_of(options: &ConnectionOptions) -> String {
    LiveCluster::connect(options).unwrap().whoami().unwrap().user
}

#[test]
fn credentials_come_from_files_plugins_and_data() {
    let server = server::plain();
    fs::write(server.folder.join("token"), "token-of-bob\n").unwrap();
    let file = kubeconfig(&server, "by-file", json!({"tokenFile": "token"}), json!({}));
    assert_eq!(user_of(&file), "bob");
    let script = r#"echo ran >> ran; echo '{"apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential", "status": {"token": "token-of-alice"}}'"#;
    let script = script.replace(">> ran", &format!(">> {}", server.folder.join("ran").display()));
    let exec = json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "sh", "args": ["-c", script]}});
    let plugin = kubeconfig(&server, "by-plugin", exec, json!({}));
    assert_eq!(user_of(&plugin), "alice");
    // An interactive plugin that runs twice asks twice.
    assert_eq!(fs::read_to_string(server.folder.join("ran")).unwrap(), "ran\n");
    let token = ConnectionOptions { token: Some("token-of-carol".into()), ..plugin };
    assert_eq!(user_of(&token), "carol");
    let authority = fs::read(&server.ca_file).unwrap();
    let data = base64(&authority);
    let as_data = json!({"certificate-authority": null, "certificate-authority-data": data});
    let data = kubeconfig(&server, "by-data", json!({"token": "token-of-bob"}), as_data);
    assert_eq!(user_of(&data), "bob");
    let unchecked = json!({"certificate-authority": null, "insecure-skip-tls-verify": true});
    assert_eq!(user_of(&kubeconfig(&server, "unchecked", json!({"token": "token-of-bob"}), unchecked)), "bob");
    let other_name = json!({"tls-server-name": "kubernetes.default.svc"});
    assert_eq!(user_of(&kubeconfig(&server, "named", json!({"token": "token-of-bob"}), other_name)), "bob");
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().chain([&0, &0]).take(3).fold(0_usize, |bits, &byte| bits << 8 | usize::from(byte));
        for at in 0..4 {
            let letter = char::from(LETTERS[bits >> (18 - 6 * at) & 63]);
            text.push(if at <= chunk.len() { letter } else { '=' });
        }
    }
    text
}

#[test]
fn a_proxy_is_gone_through() {
    let server = server::plain();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = listener.local_addr().unwrap();
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = seen.clone();
    std::thread::spawn(move || {
        for inner in listener.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(inner.try_clone().unwrap()).lines();
            let first = lines.next().unwrap().unwrap();
            while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
            let target = first.split(' ').nth(1).unwrap().to_owned();
            log.lock().unwrap().push(first);
            let outer = TcpStream::connect(target).unwrap();
            (&inner).write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
            for (mut from, mut to) in [(inner.try_clone().unwrap(), outer.try_clone().unwrap()), (outer, inner)] {
                std::thread::spawn(move || std::io::copy(&mut from, &mut to));
            }
        }
    });
    let through = json!({"proxy-url": format!("http://{proxy}")});
    let options = kubeconfig(&server, "proxied", json!({"token": "token-of-alice"}), through);
    assert_eq!(user_of(&options), "alice");
    let target = server.url.strip_prefix("https://").unwrap();
    assert_eq!(*seen.lock().unwrap(), [format!("CONNECT {target} HTTP/1.1")]);
}

/// What ends a run, and how long it took to say so.
fn end(options: &ConnectionOptions) -> (String, Duration) {
    let started = Instant::now();
    let live = LiveCluster::connect(options).unwrap();
    let error = live.collect(&live.options(Needs::ALL), &|_| {}).map(drop).unwrap_err().to_string();
    assert!(!error.contains('\n'), "{error}");
    (error, started.elapsed())
}

#[test]
fn a_cluster_that_cannot_be_asked_is_one_clear_line() {
    let server = server::plain();
    let at =
        |address: &str| kubeconfig(&server, "broken", json!({"token": "token-of-bob"}), json!({"server": address}));
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (error, took) = end(&at(&format!("https://{closed}")));
    let expected = format!(
        "cannot reach the cluster at https://{closed} (context `c`): Connection refused (os error 111); check the context, the \
         network and the proxy"
    );
    assert_eq!(error, expected);
    assert!(took < Duration::from_secs(5), "{took:?}");

    let (error, _) = end(&at("https://no-such-host.invalid"));
    assert!(error.contains("its name is unknown"), "{error}");

    // It takes the connection and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut slow = at(&format!("https://{}", silent.local_addr().unwrap()));
    slow.request_timeout = Some("1s".to_owned());
    let (error, took) = end(&slow);
    assert!(error.contains("does not answer") && error.contains("--request-timeout"), "{error}");
    assert!(took > Duration::from_millis(900) && took < Duration::from_secs(5), "{took:?}");

    let strangers = json!({"certificate-authority": null});
    let (error, _) = end(&kubeconfig(&server, "stranger", json!({"token": "token-of-bob"}), strangers));
    assert!(error.starts_with("cannot reach the cluster") && error.contains("certificate"), "{error}");
    let (error, _) = end(&kubeconfig(&server, "misnamed", json!({}), json!({"tls-server-name": "elsewhere.example"})));
    assert!(error.contains("certificate"), "{error}");

    let (error, _) = end(&kubeconfig(&server, "wrong-token", json!({"token": "hunter2"}), json!({})));
    assert!(error.contains("does not take the credentials of user `u`") && !error.contains("hunter2"), "{error}");
    let (error, _) = end(&kubeconfig(&server, "no-token", json!({}), json!({})));
    assert!(error.contains("system:anonymous"), "{error}");

    let (error, _) = end(&at(&server.url.replace("https", "http")));
    assert!(error.contains("HTTP request to an HTTPS server"), "{error}");
}

/// A server on plain HTTP that answers for the real one, except where `instead` has another answer for a path.
fn between(server: &ApiServer, instead: impl Fn(&str) -> Option<(u16, Value)> + Sync, run: impl FnOnce(String)) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer = |stream: TcpStream| {
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        loop {
            let Some(Ok(first)) = lines.next() else { return };
            let mut accept = String::new();
            while let Some(Ok(line)) = lines.next() {
                if line.is_empty() {
                    break;
                }
                if let Some(value) = line.strip_prefix("accept: ") {
                    value.clone_into(&mut accept);
                }
            }
            let path = first.split(' ').nth(1).unwrap();
            let (code, body) = instead(path).unwrap_or_else(|| {
                let reply = server.call(Call::get(path).header("accept", accept));
                (reply.code, reply.body)
            });
            let body = body.to_string();
            let head = format!(
                "HTTP/1.1 {code} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            (&stream).write_all(head.as_bytes()).unwrap();
            (&stream).write_all(body.as_bytes()).unwrap();
        }
    };
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for stream in listener.incoming().map_while(Result::ok) {
                if done.load(std::sync::atomic::Ordering::Relaxed) {
                    return;
                }
                scope.spawn(|| answer(stream));
            }
        });
        run(format!("http://{address}"));
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        // Wakes the listener so that it sees that it is done.
        drop(TcpStream::connect(address));
    });
}

#[test]
fn a_token_that_expired_does_not_lose_the_list() {
    let server = server::plain();
    world(&server);
    let whole = objects(&read(&as_user(&server, "admin")));
    let here = |address: String| ConnectionOptions {
        kubeconfig: Some(server.kubeconfig("admin")),
        server: Some(address),
        ..ConnectionOptions::default()
    };
    // The server's words for an expired token, with the token that it offers: here the same one, which is still good.
    let expired = |path: &str, offer: bool| {
        let token = path.split_once("continue=")?.1;
        let token = token.replace("%3D", "=");
        let mut status = json!({"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"});
        if offer {
            status["metadata"] = json!({"continue": token});
        }
        Some((410, status))
    };
    for (offer, warnings) in [(true, 1), (false, 0)] {
        let left = std::sync::Mutex::new(1);
        let instead = |path: &str| {
            let mut left = left.lock().unwrap();
            let answer = expired(path, offer).filter(|_| path.contains("/roles?") && *left > 0)?;
            *left -= 1;
            Some(answer)
        };
        between(&server, instead, |address| {
            let live = read_with(&here(address), |at| at.chunk_size = 5);
            assert!(objects(&live) == whole && live.gaps.is_empty(), "{:?}", live.gaps);
            assert_eq!(live.warnings.len(), warnings, "{:?}", live.warnings);
        });
    }
    // One list that always fails is one gap, and takes nothing else with it.
    let failing =
        |path: &str| path.contains("/rolebindings?").then(|| (500, json!({"message": "etcdserver: no leader"})));
    between(&server, failing, |address| {
        let live = read(&here(address));
        assert_eq!(gaps(&live), ["rolebindings failed"]);
        assert_eq!(live.gaps[0].message, "etcdserver: no leader");
        assert!(live.bindings.len() > 50 && live.roles.len() > 69);
    });
}

/// Prints where the surroundings lead to, for the test below, which runs it in surroundings of its own.
#[test]
#[ignore = "run by kubeconfigs_are_merged_as_kubectl_merges_them"]
fn print_connection() {
    let context = std::env::var("E2E_CONTEXT").ok();
    let found = connection(&ConnectionOptions { context, ..ConnectionOptions::default() }).unwrap();
    let line = json!([found.server, found.cluster, found.user, found.context, found.namespace]);
    writeln!(std::io::stdout(), "\n#{line}").unwrap();
}

fn ours(home: &Path, list: &str, context: Option<&str>) -> Value {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "live::print_connection", "--ignored", "--nocapture"]);
    let output = surroundings(&mut child, home, list).envs(context.map(|name| ("E2E_CONTEXT", name))).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix('#'));
    serde_json::from_str(line.unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)))).unwrap()
}

fn surroundings<'c>(command: &'c mut Command, home: &Path, list: &str) -> &'c mut Command {
    command.env("HOME", home).env("KUBECONFIG", list).env_remove("KUBERNETES_SERVICE_HOST")
}

fn kubectls(home: &Path, list: &str, context: Option<&str>) -> Value {
    let mut child = Command::new(std::env::var_os("TEST_ASSET_KUBECTL").unwrap());
    child.args(["config", "view", "--minify", "-o", "json"]).args(context.map(|name| format!("--context={name}")));
    let output = surroundings(&mut child, home, list).output().unwrap();
    let view: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{list}: {}", String::from_utf8_lossy(&output.stderr)));
    let context = &view["contexts"][0]["context"];
    let filled =
        |value: &Value, otherwise: &str| value.as_str().filter(|text| !text.is_empty()).unwrap_or(otherwise).to_owned();
    json!([
        view["clusters"][0]["cluster"]["server"],
        context["cluster"],
        filled(&context["user"], ""),
        view["current-context"],
        filled(&context["namespace"], "default"),
    ])
}

#[test]
fn kubeconfigs_are_merged_as_kubectl_merges_them() {
    drop(server::plain());
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    };
    let cluster = |name: &str, server: &str| format!("- {{name: {name}, cluster: {{server: 'https://{server}'}}}}\n");
    let context = |name: &str, rest: &str| format!("- {{name: {name}, context: {{{rest}}}}}\n");
    file(
        "one",
        &format!(
            "current-context: ''\nclusters:\n{}contexts:\n{}{}users:\n- {{name: u, user: {{token: a}}}}\n",
            cluster("c", "one"),
            context("x", "cluster: c, user: u"),
            context("odd name@with:signs", "cluster: c, namespace: odd"),
        ),
    );
    file(
        "two",
        &format!(
            "apiVersion: v1\nkind: Config\npreferences: {{}}\ncurrent-context: z\nusers:\n- {{name: v}}\n- {{name: u, user: {{username: x}}}}\n\
             clusters:\n{}{}contexts:\n{}{}",
            cluster("c", "two"),
            cluster("d", "two"),
            context("x", "cluster: d, user: v, namespace: two"),
            context("z", "cluster: d, user: u, namespace: why"),
        ),
    );
    file("three", &format!("current-context: x\nclusters: null\ncontexts:\n{}", context("z", "cluster: c")));
    file("json", &json!({"current-context": "z", "clusters": []}).to_string());
    file("empty", "");
    file(
        ".kube/config",
        &format!("current-context: h\nclusters:\n{}contexts:\n{}", cluster("h", "home"), context("h", "cluster: h")),
    );
    let path = |name: &str| folder.path().join(name).display().to_string();
    let list = |names: &[&str]| {
        names.iter().map(|name| if name.is_empty() { String::new() } else { path(name) }).collect::<Vec<_>>().join(":")
    };
    let cases: &[(&[&str], Option<&str>)] = &[
        (&["one", "two"], None),
        (&["two", "one"], None),
        (&["two", "one"], Some("x")),
        (&["one", "two", "three"], None),
        (&["three", "one", "two"], None),
        (&["three", "two", "one"], Some("z")),
        (&["missing", "one", "two", "one"], Some("x")),
        (&["empty", "json", "", "two"], None),
        (&["one"], Some("odd name@with:signs")),
        (&["one", "two"], Some("odd name@with:signs")),
        (&[], None),
    ];
    for (names, context) in cases {
        let list = list(names);
        assert_eq!(
            ours(folder.path(), &list, *context),
            kubectls(folder.path(), &list, *context),
            "{names:?} {context:?}"
        );
    }
}

/// Every RBAC object of the server is in what the collector read.
#[test]
fn nothing_is_left_out() {
    let server = server::with_controllers();
    let live = read(&as_user(&server, "admin"));
    let names = |snapshot: &Snapshot, kind: &str| -> BTreeSet<String> {
        let of = |name, namespace: Option<_>| {
            [namespace.map_or("", |namespace| snapshot.text(namespace)), "/", snapshot.text(name)].concat()
        };
        let scoped = !kind.starts_with("Cluster");
        if kind.ends_with("Binding") {
            let all = snapshot.bindings.iter().filter(|at| at.namespace.is_some() == scoped);
            all.map(|at| of(at.name, at.namespace)).collect()
        } else {
            let all = snapshot.roles.iter().filter(|at| at.namespace.is_some() == scoped);
            all.map(|at| of(at.name, at.namespace)).collect()
        }
    };
    for (kind, plural) in RBAC_KINDS {
        let listed = server.get(&format!("{RBAC}/{plural}"));
        let listed: BTreeSet<String> = listed["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|at| {
                let meta = &at["metadata"];
                [meta["namespace"].as_str().unwrap_or_default(), "/", meta["name"].as_str().unwrap()].concat()
            })
            .collect();
        assert_eq!(names(&live, kind), listed);
    }
    assert!(live.service_accounts.len() > 3, "the controllers made the default accounts");
}
