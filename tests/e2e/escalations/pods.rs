//! Pods: there is no kubelet here, so what a pod is given is asked for as its node, which is how it gets there.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::lab::{
    Goal, Hand, Lab, MOST, Score, State, Twist, World, account, account_subject, binding, grant, lab, report, role,
    token_request, user,
};
use crate::server::{Call, review};
use crate::worlds::{self, Mode, engine};

/// What makes pods: API path, kind, resource with its group, and whether one that is there can be turned to another account.
const WORKLOADS: &[(&str, &str, &str, bool)] = &[
    ("/api/v1", "ReplicationController", "replicationcontrollers", true),
    ("/apis/apps/v1", "Deployment", "deployments.apps", true),
    ("/apis/apps/v1", "ReplicaSet", "replicasets.apps", true),
    ("/apis/apps/v1", "StatefulSet", "statefulsets.apps", true),
    ("/apis/apps/v1", "DaemonSet", "daemonsets.apps", false),
    ("/apis/batch/v1", "Job", "jobs.batch", false),
];

const ENFORCE: &str = "pod-security.kubernetes.io/enforce";

fn node(lab: &Lab, world: &World) -> Hand {
    lab.hand(user(&format!("system:node:{}", world.id)), &format!("node.{}", world.id))
}

/// A pod that every level of Pod Security lets in, on the node of the world.
fn spec(world: &World, service_account: &str) -> Value {
    json!({
        "serviceAccountName": service_account, "nodeName": world.id, "tolerations": [{"operator": "Exists"}],
        "securityContext": {"runAsNonRoot": true, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{"name": "main", "image": "image",
            "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}}],
        "volumes": [{"name": "planted", "secret": {"secretName": "planted"}}],
    })
}

fn pod(at: &str, name: &str, spec: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": at, "name": name}, "spec": spec})
}

/// One round: pods of the victim, pods of anybody, privileged pods, and workloads that make pods.
pub(crate) async fn round(lab: &Lab, world: &World, state: &mut State) {
    let wanted = |goal: &Goal| world.goals.contains(goal);
    for hand in state.hands.clone() {
        for at in [&world.a, &world.b] {
            let pods = format!("/api/v1/namespaces/{at}/pods");
            for service_account in ["victim", "default"] {
                let name = format!("{}-{service_account}", world.id);
                let object = pod(at, &name, spec(world, service_account));
                let apply = Call::apply(format!("{pods}/{name}?fieldManager=attacker"), object.clone());
                if hand.may(Call::post(&pods, object)).await || hand.may(apply).await {
                    taken(lab, world, state, at, &name, service_account).await;
                }
            }
            if wanted(&Goal::Node) && !state.marks.contains("node") {
                let mut spec = spec(world, "default");
                spec["containers"][0]["securityContext"] = json!({"privileged": true});
                spec["hostPID"] = true.into();
                let object = pod(at, &format!("{}-privileged", world.id), spec);
                if hand.may(Call::post(&pods, object)).await {
                    state.marks.insert("node".to_owned());
                }
            }
            for (root, kind, resource, turns) in WORKLOADS {
                let (plural, _) = resource.split_once('.').unwrap_or((resource, ""));
                let all = format!("{root}/namespaces/{at}/{plural}");
                let name = format!("{}-{}", world.id, kind.to_lowercase());
                for service_account in ["victim", "default"] {
                    if service_account == "victim" && !has_victim(world, at) {
                        continue;
                    }
                    let label = format!("{name}-{service_account}");
                    let object = workload(world, at, kind, &label, service_account);
                    let standing = workload(world, at, kind, "standing", service_account);
                    let path = format!("{all}/standing");
                    let mut made = Vec::new();
                    if hand.may(Call::post(&all, object)).await {
                        made.push(label);
                    }
                    if *turns
                        && (service_account == "victim") == has_victim(world, at)
                        && stands(world, at, kind)
                        && (hand.may(Call::patch(&path, json!({"spec": standing["spec"]}))).await
                            || hand.may(Call::put(&path, standing)).await)
                    {
                        made.push("standing".to_owned());
                    }
                    for label in made {
                        let name = its_pod(lab, at, &label, service_account).await;
                        taken(lab, world, state, at, &name, service_account).await;
                    }
                }
            }
        }
    }
}

fn has_victim(world: &World, at: &str) -> bool {
    world.objects.contains(&account(at, "victim"))
}

fn stands(world: &World, at: &str, kind: &str) -> bool {
    world.objects.iter().any(|object| object["kind"] == kind && object["metadata"]["namespace"] == at)
}

fn workload(world: &World, at: &str, kind: &str, name: &str, service_account: &str) -> Value {
    let labels = json!({"app": name});
    let mut template = json!({"metadata": {"labels": labels}, "spec": spec(world, service_account)});
    let mut spec = json!({"replicas": 1, "selector": {"matchLabels": labels}});
    match kind {
        "ReplicationController" => spec["selector"] = labels,
        "StatefulSet" => spec["serviceName"] = "none".into(),
        "DaemonSet" => drop(spec.as_object_mut().unwrap().remove("replicas")),
        "Job" => {
            spec = json!({});
            template["spec"]["restartPolicy"] = "Never".into();
        }
        _ => {}
    }
    spec["template"] = template;
    let version = WORKLOADS.iter().find(|workload| workload.1 == kind).unwrap().0;
    let version = version.trim_start_matches("/apis/").trim_start_matches("/api/");
    json!({"apiVersion": version, "kind": kind, "metadata": {"namespace": at, "name": name}, "spec": spec})
}

/// The pod that a controller makes.
async fn its_pod(lab: &Lab, at: &str, label: &str, service_account: &str) -> String {
    let path = format!("/api/v1/namespaces/{at}/pods?labelSelector=app%3D{label}");
    lab.until(&format!("{label} has its pod"), || async {
        let pods = lab.admin(Call::get(&path)).await.body;
        let mut items = pods["items"].as_array().into_iter().flatten();
        let pod = items.find(|pod| pod["spec"]["serviceAccountName"] == service_account)?;
        pod["metadata"]["name"].as_str().map(str::to_owned)
    })
    .await
}

/// What the node gives to a pod: a token of its account, and what is mounted.
async fn taken(lab: &Lab, world: &World, state: &mut State, at: &str, pod: &str, service_account: &str) {
    let node = node(lab, world);
    let made = lab.admin(Call::get(format!("/api/v1/namespaces/{at}/pods/{pod}"))).await.body;
    let mut request = token_request();
    request["spec"]["boundObjectRef"] =
        json!({"apiVersion": "v1", "kind": "Pod", "name": pod, "uid": made["metadata"]["uid"]});
    let path = format!("/api/v1/namespaces/{at}/serviceaccounts/{service_account}/token");
    let what = format!("{} knows its pod {pod}", world.id);
    let token = lab.until(&what, || async {
        let reply = node.call(Call::post(&path, request.clone())).await;
        reply.body["status"]["token"].as_str().map(str::to_owned)
    });
    let new = lab.hand(account_subject(at, service_account), &token.await);
    assert!(super::identities::is_account(&new, &new.who).await, "{}: a token that is none", world.id);
    if !state.is(&new.who) {
        state.hands.push(new);
    }
    let secret = Call::get(format!("/api/v1/namespaces/{at}/secrets/planted"));
    if super::secrets::discloses(&node.call(secret).await, at) {
        state.marks.insert(at.to_owned());
    }
}

/// Takes the level of Pod Security off the namespaces, by whatever writes their labels.
pub(crate) async fn relax(world: &World, state: &mut State) {
    let level = |at: &str| {
        world.objects.iter().any(|object| object["metadata"]["name"] == at && !object["metadata"]["labels"].is_null())
    };
    for at in [&world.a, &world.b] {
        if !level(at) {
            continue;
        }
        let path = format!("/api/v1/namespaces/{at}");
        let patch = json!({"metadata": {"labels": {ENFORCE: "privileged"}}});
        let whole = json!({"apiVersion": "v1", "kind": "Namespace", "spec": {"finalizers": ["kubernetes"]},
            "metadata": {"name": at, "labels": {ENFORCE: "privileged", "kubernetes.io/metadata.name": at}}});
        for hand in state.hands.clone() {
            for sub in ["", "/status"] {
                let path = format!("{path}{sub}");
                if !hand.may(Call::patch(&path, patch.clone())).await {
                    hand.may(Call::put(&path, whole.clone())).await;
                }
            }
            hand.may(Call::put(format!("{path}/finalize"), whole.clone())).await;
        }
    }
}

/// What the rights of the attacker are good for.
pub(crate) fn expected(world: &World, goal: &Goal) -> bool {
    let own = world.own();
    let any = |at: &str, what: &str| own.iter().any(|own| world.may(own, at, what));
    let by_workload = |at: &str| {
        WORKLOADS.iter().any(|(_, kind, resource, turns)| {
            let turned =
                |verb: &str| *turns && stands(world, at, kind) && any(at, &format!("{verb} {resource} standing"));
            any(at, &format!("create {resource}")) || turned("patch") || turned("update")
        })
    };
    let runs = |at: &str| any(at, "create pods") || by_workload(at);
    let reads = |at: &str| own.iter().any(|own| super::secrets::may_read(world, own, at, "planted"));
    let victim = has_victim(world, &world.a) && runs(&world.a);
    match goal {
        Goal::Account(..) => victim,
        Goal::Secrets(at) => runs(at) || reads(at) || (*at == world.b && victim),
        Goal::Node => [&world.a, &world.b].iter().any(|at| {
            let strict = world.objects.iter().any(|object| {
                object["metadata"]["name"] == ***at
                    && ["baseline", "restricted"].iter().any(|level| object["metadata"]["labels"][ENFORCE] == *level)
            });
            let relaxed = [
                "patch namespaces",
                "update namespaces",
                "patch namespaces/status",
                "update namespaces/status",
                "update namespaces/finalize",
            ]
            .iter()
            .any(|what| any(at, &format!("{what} {at}")));
            any(at, "create pods") && (!strict || relaxed)
        }),
        other => panic!("nobody wants {other:?}"),
    }
}

/// An account whose pods are worth something, most often.
fn victim(world: &mut World) {
    let (id, a, b) = (world.id.clone(), world.a.clone(), world.b.clone());
    if world.dice.percent(80) {
        world.objects.push(account(&a, "victim"));
    }
    let rules = json!([{"verbs": ["list"], "apiGroups": [""], "resources": ["secrets"]}]);
    world.objects.push(role(&b, &format!("{id}-read"), rules));
    let subject = account_subject(&a, "victim");
    world.objects.push(binding(&b, &format!("{id}-read"), (true, &format!("{id}-read")), vec![subject]));
    world.goals = vec![Goal::Account(a.clone(), "victim".to_owned()), Goal::Secrets(a), Goal::Secrets(b)];
    world.names = vec![format!("{id}-victim"), "standing".to_owned(), "other".to_owned()];
    world.avoid = &[Twist::EveryResource];
}

/// Has a namespace enforce a level, or none.
fn enforce(world: &mut World, levels: &[&str]) {
    let level = *world.dice.pick(levels);
    if !level.is_empty() {
        // The first object is the first namespace.
        world.objects[0]["metadata"]["labels"] = json!({ENFORCE: level});
    }
}

/// What `pod-create` is made from.
pub(crate) fn pod_create(world: &mut World) {
    victim(world);
    enforce(world, &["", "", "baseline", "restricted"]);
    let a = world.a.clone();
    let at = if world.dice.percent(25) { "" } else { &a };
    let noise = *world.dice.pick(&["get pods", "update pods", "create pods/x", "create configmaps"]);
    world.grant(vec![grant(at, "create pods"), grant(at, noise)]);
}

/// What `workload-create` is made from.
pub(crate) fn workload_create(world: &mut World) {
    victim(world);
    let (id, a) = (world.id.clone(), world.a.clone());
    let (_, kind, resource, turns) = *world.dice.pick(WORKLOADS);
    if kind == "DaemonSet" {
        world.objects.push(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": id}}));
    }
    let mut verb = "create";
    if turns && world.dice.percent(40) {
        verb = *world.dice.pick(&["patch", "update"]);
        let mut standing = workload(world, &a, kind, "standing", "default");
        standing["spec"]["replicas"] = 0.into();
        world.objects.push(standing);
    }
    world.grant(vec![grant(&a, &format!("{verb} {resource}"))]);
}

/// What `privileged-pod` is made from.
pub(crate) fn privileged_pod(world: &mut World) {
    enforce(world, &["", "privileged", "baseline", "restricted"]);
    world.goals = vec![Goal::Node];
    world.avoid = &[Twist::EveryResource];
    let a = world.a.clone();
    world.grant(vec![grant(&a, "create pods")]);
}

/// What `relax-pod-security` is made from.
pub(crate) fn relax_pod_security(world: &mut World) {
    enforce(world, &["baseline", "restricted"]);
    world.goals = vec![Goal::Node];
    world.avoid = &[Twist::EveryResource];
    let a = world.a.clone();
    world.names = vec![a.clone(), world.b.clone()];
    let ways = [
        "patch namespaces",
        "update namespaces",
        "patch namespaces/status",
        "update namespaces/status",
        "update namespaces/finalize",
    ];
    let relax = *world.dice.pick(&ways);
    let at = if world.dice.percent(50) { "" } else { &a };
    world.grant(vec![grant(&a, "create pods"), grant(at, relax)]);
}

/// What a node reaches: the Secrets that its pods refer to and the tokens of their accounts, and no others.
pub(crate) fn node_identity() {
    const ID: &str = "node-identity";
    const SECRETS: &[&str] = &["s0", "s1", "s2", "s3", "s4"];
    const ACCOUNTS: &[&str] = &["one", "two", "three"];
    let lab = lab();
    let worlds: Vec<World> = (0..16.min(MOST))
        .map(|at| {
            let mut world = World::new(ID, at);
            let a = world.a.clone();
            for name in SECRETS {
                let mut secret = world.objects.iter().find(|object| object["kind"] == "Secret").unwrap().clone();
                secret["metadata"]["name"] = (*name).into();
                world.objects.push(secret);
            }
            for name in ACCOUNTS {
                world.objects.push(account(&a, name));
            }
            for at in 0..3 {
                let (service_account, secret) = (*world.dice.pick(ACCOUNTS), *world.dice.pick(SECRETS));
                let mut spec = spec(&world, service_account);
                if world.dice.percent(40) {
                    spec["nodeName"] = format!("{}-other", world.id).into();
                }
                let reference = json!({"secretRef": {"name": secret}});
                match world.dice.below(5) {
                    0 => spec["volumes"][0]["secret"]["secretName"] = secret.into(),
                    1 => spec["containers"][0]["envFrom"] = json!([reference]),
                    2 => spec["imagePullSecrets"] = json!([{"name": secret}]),
                    3 => {
                        let key = json!({"name": secret, "key": "what"});
                        spec["containers"][0]["env"] = json!([{"name": "WHAT", "valueFrom": {"secretKeyRef": key}}]);
                    }
                    _ => {
                        spec["volumes"][0] =
                            json!({"name": "all", "projected": {"sources": [{"secret": {"name": secret}}]}})
                    }
                }
                world.objects.push(pod(&a, &format!("p{at}"), spec));
            }
            world
        })
        .collect();
    // Twice, so that everything that pods refer to is there before them.
    let (pods, others): (Vec<Value>, Vec<Value>) =
        worlds.iter().flat_map(|world| world.objects.iter().cloned()).partition(|object| object["kind"] == "Pod");
    lab.server.apply_all(others);
    lab.server.apply_all(pods);
    let answers = lab.each(worlds.iter().collect(), async |world| {
        let (node, a) = (node(lab, world), &world.a);
        let pods: Vec<&Value> = world.objects.iter().filter(|object| object["kind"] == "Pod").collect();
        // The authorizer has seen all pods once it knows one that was made after them.
        let last = format!("{}-last", world.id);
        let made = lab.admin(Call::post(format!("/api/v1/namespaces/{a}/pods"), pod(a, &last, spec(world, "default")))).await;
        assert_eq!(made.code, 200, "{}", made.body);
        lab.until("the Node authorizer knows the pods", || async {
            node.may(Call::get(format!("/api/v1/namespaces/{a}/pods/{last}"))).await.then_some(())
        })
        .await;
        lab.until("the Node authorizer knows what they mount", || async {
            node.may(Call::get(format!("/api/v1/namespaces/{a}/secrets/planted"))).await.then_some(())
        })
        .await;
        let mut answers: Vec<(Value, bool)> = Vec::new();
        let user = format!("system:node:{}", world.id);
        let mut add = |attributes: Value, done: bool| {
            answers.push((review(&user, &["system:nodes", "system:authenticated"], attributes), done));
        };
        for name in SECRETS.iter().chain(&["planted", "missing"]) {
            for verb in ["get", "list", "watch", "patch", "delete"] {
                if *name == "missing" && verb != "get" {
                    continue;
                }
                let reply = super::secrets::read(&node, verb, a, name).await;
                let attributes = json!({"verb": verb, "resource": "secrets", "namespace": a, "name": name});
                add(attributes, reply.code == 200 || reply.code == 404);
            }
        }
        for service_account in ACCOUNTS {
            let path = format!("/api/v1/namespaces/{a}/serviceaccounts/{service_account}/token");
            // Only for one of its pods, which NodeRestriction looks at.
            let mut got = false;
            for pod in &pods {
                let stored = lab.admin(Call::get(format!("/api/v1/namespaces/{a}/pods/{}", pod["metadata"]["name"].as_str().unwrap()))).await.body;
                let mut request = token_request();
                request["spec"]["boundObjectRef"] = json!({"apiVersion": "v1", "kind": "Pod", "name": stored["metadata"]["name"], "uid": stored["metadata"]["uid"]});
                let given = node.may(Call::post(&path, request)).await;
                let its_own = pod["spec"]["nodeName"] == *world.id && pod["spec"]["serviceAccountName"] == **service_account;
                assert_eq!(given, its_own, "{}: a token of {service_account} for {pod}", world.id);
                got = got || given;
            }
            let attributes = json!({"verb": "create", "resource": "serviceaccounts", "subresource": "token", "namespace": a, "name": service_account});
            add(attributes, got);
            assert!(!node.may(Call::post(&path, token_request())).await, "{}: a token that is bound to no pod", world.id);
        }
        answers
    });
    let (mut score, mut wrong) = (Score { worlds: worlds.len(), ..Score::default() }, Vec::new());
    for (world, answers) in worlds.iter().zip(answers) {
        let mut objects = world.objects.clone();
        objects.push(pod(&world.a, "last", spec(world, "default")));
        let judged = worlds::World { objects, mode: Mode::NodeRbac };
        let reviews: Vec<Value> = answers.iter().map(|(review, _)| review.clone()).collect();
        let ours = (engine::REVIEW.answers)(&judged, &reviews);
        for ((review, done), ours) in answers.iter().zip(ours) {
            score.yes += usize::from(*done);
            score.no += usize::from(!done);
            if *done != ours {
                wrong.push(format!("{review}: {done} on the server, {ours} for the program\n{}", world.text()));
            }
        }
    }
    let kinds: BTreeSet<&str> = worlds[0].objects.iter().filter_map(|object| object["kind"].as_str()).collect();
    assert!(kinds.contains("Pod"));
    report(ID, score, &wrong);
    assert!(score.yes > 40 && score.no > 100, "{score:?}");
}
