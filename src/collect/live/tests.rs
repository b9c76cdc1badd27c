//! The collector against a server that is a function: no cluster, no network.

use std::path::Path;
use std::sync::Mutex;

use http::{Method, Request, Response};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

use super::cluster::{Secrets, collect};
use super::pages::Progress;
use super::request::{Failure, JSON, METADATA_LIST, Sender, TABLE};
use super::review::{AccessQuestion, verify, whoami};
use super::{LiveOptions, Needs};
use crate::model::{Action, GapReason, ResourceAction, Snapshot};

/// What the server says: a status, a body, and `Retry-After` if there is one.
type Answer = (u16, String, Option<&'static str>);

fn ok(body: Value) -> Answer {
    (200, body.to_string(), None)
}

fn refusal(code: u16, body: Value) -> Answer {
    (code, body.to_string(), None)
}

/// Runs `ask` against a server that answers with `answer`, which is told method, path with query, and accepted form.
fn with_server<T>(
    answer: impl Fn(&str, &str, &str) -> Answer + Send + Sync + 'static,
    ask: impl AsyncFnOnce(Sender) -> T,
) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let (service, mut handle) = tower_test::mock::pair::<Request<Body>, Response<Body>>();
        let server = tokio::spawn(async move {
            while let Some((request, send)) = handle.next_request().await {
                let accept = request.headers().get("accept").map_or("", |value| value.to_str().unwrap());
                let (code, body, later) = answer(request.method().as_str(), &request.uri().to_string(), accept);
                let mut response = Response::builder().status(code);
                if let Some(seconds) = later {
                    response = response.header("retry-after", seconds);
                }
                send.send_response(response.body(Body::from(body.into_bytes())).unwrap());
            }
        });
        let answer = ask(Sender::new(Client::new(service, "default"), None)).await;
        server.abort();
        answer
    })
}

fn options() -> LiveOptions {
    LiveOptions {
        server: String::new(),
        needs: Needs::default(),
        chunk_size: 2,
        namespace: "dev".to_owned(),
        secrets: Secrets::Leave,
        cluster: "test".to_owned(),
    }
}

fn silent(_: &Progress) {}

/// What a quiet cluster with nothing in it says.
fn empty(path: &str) -> Answer {
    match path {
        "/version" => ok(json!({"gitVersion": "v1.36.3"})),
        "/api" | "/apis" => ok(json!({"kind": "APIGroupDiscoveryList", "items": []})),
        _ => ok(json!({"kind": "List", "metadata": {"resourceVersion": "1"}, "items": []})),
    }
}

/// Three ClusterRoles in pages of two, behind a token that needs escaping.
fn roles(path: &str) -> Option<Answer> {
    let role = |name: &str| json!({"metadata": {"name": name}, "rules": [{"verbs": [name]}]});
    let list = |token: Option<&str>, names: &[&str]| {
        let items: Vec<Value> = names.iter().map(|name| role(name)).collect();
        ok(json!({"kind": "ClusterRoleList", "apiVersion": "rbac.authorization.k8s.io/v1",
            "metadata": {"continue": token, "remainingItemCount": 1}, "items": items}))
    };
    match path.strip_prefix("/apis/rbac.authorization.k8s.io/v1/clusterroles?")? {
        "limit=2" => Some(list(Some("a/b=&"), &["one", "two"])),
        "limit=2&continue=a%2Fb%3D%26" | "limit=2&continue=later" => Some(list(None, &["three"])),
        other => panic!("asked for {other}"),
    }
}

fn role_names(snapshot: &Snapshot) -> String {
    snapshot.roles.iter().map(|role| snapshot.text(role.name)).collect::<Vec<_>>().join(" ")
}

fn gaps(snapshot: &Snapshot) -> Vec<String> {
    let line = |gap: &crate::model::Gap| {
        let except = if gap.except.is_empty() { String::new() } else { format!(" except {}", gap.except.join(",")) };
        let place = gap.namespace.as_deref().map_or_else(String::new, |namespace| format!("{namespace}/"));
        format!("{place}{} {}{except}: {}", gap.resource, gap.reason.as_str(), gap.message)
    };
    snapshot.gaps.iter().map(line).collect()
}

#[test]
fn pages_are_followed_to_the_end() {
    let heard = std::sync::Arc::new(Mutex::new(Vec::new()));
    let snapshot = with_server(
        |_, path, _| roles(path).unwrap_or_else(|| empty(path)),
        async |sender| {
            let say = |at: &Progress| heard.lock().unwrap().push((at.what.to_string(), at.objects, at.done));
            collect(&sender, &options(), &say).await.unwrap()
        },
    );
    assert_eq!(role_names(&snapshot), "one three two");
    assert_eq!((snapshot.gaps.len(), snapshot.warnings.len(), snapshot.discovered), (0, 0, true));
    let cluster = &snapshot.clusters[0];
    assert_eq!(
        (cluster.name.as_str(), cluster.server_version.as_deref(), cluster.stored),
        ("test", Some("v1.36.3"), true)
    );
    let heard = heard.lock().unwrap();
    let roles: Vec<_> = heard.iter().filter(|at| at.0 == "clusterroles").map(|at| (at.1, at.2)).collect();
    // That a list is begun is said where there was time to say it.
    let roles: Vec<_> = roles.into_iter().filter(|at| *at != (0, false)).collect();
    assert_eq!(roles, [(2, false), (3, true)]);
}

#[test]
fn all_at_once_is_asked_of_the_cache() {
    let seen = |path: &str| match path.split_once('?') {
        None | Some((_, "resourceVersion=0")) => empty(path),
        Some(_) => panic!("asked for {path}"),
    };
    let all = LiveOptions { chunk_size: 0, ..options() };
    with_server(move |_, path, _| seen(path), async |sender| collect(&sender, &all, &silent).await.map(drop).unwrap());
}

#[test]
fn an_expired_token_goes_on_with_the_servers_own() {
    let expired = |path: &str| {
        path.ends_with("continue=a%2Fb%3D%26")
            .then(|| refusal(410, json!({"kind": "Status", "reason": "Expired", "metadata": {"continue": "later"}})))
    };
    let snapshot = with_server(
        move |_, path, _| expired(path).or_else(|| roles(path)).unwrap_or_else(|| empty(path)),
        async |sender| collect(&sender, &options(), &silent).await.unwrap(),
    );
    assert_eq!((role_names(&snapshot).as_str(), snapshot.gaps.len()), ("one three two", 0));
    assert!(snapshot.warnings[0].message.contains("clusterroles took so long"), "{:?}", snapshot.warnings);
}

#[test]
fn an_expired_token_without_another_begins_the_list_anew() {
    // Twice expired, then good: the first pages are read three times and kept once.
    let left = Mutex::new(2);
    let expired = move |path: &str| {
        let mut left = left.lock().unwrap();
        (path.contains("continue=") && *left > 0).then(|| {
            *left -= 1;
            refusal(410, json!({"kind": "Status", "reason": "Expired"}))
        })
    };
    let snapshot = with_server(
        move |_, path, _| expired(path).or_else(|| roles(path)).unwrap_or_else(|| empty(path)),
        async |sender| collect(&sender, &options(), &silent).await.unwrap(),
    );
    assert_eq!((role_names(&snapshot).as_str(), snapshot.gaps.len()), ("one three two", 0));
    assert!(snapshot.warnings.is_empty(), "{:?}", snapshot.warnings);
}

#[test]
fn a_list_that_never_stays_valid_is_a_gap() {
    let snapshot = with_server(
        |_, path, _| {
            let expired = || refusal(410, json!({"kind": "Status", "metadata": {"continue": "later"}}));
            let roles = || roles(path).unwrap_or_else(|| empty(path));
            if path.contains("continue=") { expired() } else { roles() }
        },
        async |sender| collect(&sender, &options(), &silent).await.unwrap(),
    );
    let gaps = gaps(&snapshot);
    assert!(gaps.len() == 1 && gaps[0].starts_with("clusterroles failed: the list changed faster"), "{gaps:?}");
    assert_eq!(role_names(&snapshot), "");
}

#[test]
fn each_list_fails_by_itself() {
    let snapshot = with_server(
        |_, path, _| match path.split('?').next().unwrap() {
            "/apis/rbac.authorization.k8s.io/v1/roles" => refusal(403, json!({"message": "roles is\nforbidden"})),
            "/apis/rbac.authorization.k8s.io/v1/namespaces/dev/roles" => {
                ok(json!({"items": [{"metadata": {"name": "mine", "namespace": "dev"}}]}))
            }
            "/apis/rbac.authorization.k8s.io/v1/rolebindings" => refusal(403, json!({"message": "no"})),
            "/apis/rbac.authorization.k8s.io/v1/namespaces/dev/rolebindings" => refusal(403, json!({"message": "no"})),
            "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings" => {
                refusal(404, json!({"message": "page not found"}))
            }
            "/api/v1/serviceaccounts" => refusal(500, json!("not a Status")),
            "/api/v1/namespaces" => refusal(403, json!({"message": "no"})),
            "/api/v1/namespaces/dev" => ok(json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
                "metadata": {"name": "dev", "labels": {"a": "b"}}})),
            "/apis" => (200, "<html>".to_owned(), None),
            _ => empty(path),
        },
        async |sender| collect(&sender, &options(), &silent).await.unwrap(),
    );
    assert_eq!(
        gaps(&snapshot),
        [
            "namespaces forbidden except dev: no",
            "serviceaccounts failed: the server answered 500 Internal Server Error",
            "clusterrolebindings notServed: page not found",
            "rolebindings forbidden: no",
            "roles forbidden except dev: roles is forbidden",
        ]
    );
    assert_eq!((role_names(&snapshot).as_str(), snapshot.namespaces.len(), snapshot.discovered), ("mine", 1, false));
    assert!(
        snapshot.warnings[0].message.starts_with("what the server serves cannot be read"),
        "{:?}",
        snapshot.warnings
    );
}

#[test]
fn when_nothing_can_be_read_it_is_one_error() {
    let all = |code: u16, message: &'static str| {
        with_server(
            move |_, _, _| refusal(code, json!({"message": message})),
            async |sender| collect(&sender, &options(), &silent).await.map(drop).unwrap_err(),
        )
    };
    assert_eq!(all(401, "Unauthorized"), Failure::Unauthorized("Unauthorized".to_owned()));
    assert!(matches!(all(403, "cannot impersonate"), Failure::Refused { code: 403, .. }));
    let html = with_server(
        |_, _, _| (200, "<html>Log in".to_owned(), None),
        async |sender| collect(&sender, &options(), &silent).await.map(drop).unwrap_err(),
    );
    assert!(matches!(&html, Failure::Unreadable(_)), "{html:?}");
    // A cluster that answers, and answers with no, is still a cluster.
    let nobody = |user: &'static str| {
        with_server(
            move |_, path, _| match path {
                "/version" | "/api" | "/apis" => empty(path),
                _ => refusal(403, json!({"message": format!("User \"{user}\" cannot list")})),
            },
            async |sender| collect(&sender, &options(), &silent).await,
        )
    };
    let snapshot = nobody("alice").unwrap();
    assert!(snapshot.gaps.len() == 6 && snapshot.gaps.iter().all(|gap| gap.reason == GapReason::Forbidden));
    assert!(matches!(nobody("system:anonymous").map(drop).unwrap_err(), Failure::Unauthorized(_)));
}

#[test]
fn the_server_may_ask_to_come_back_later() {
    let tries = Mutex::new(0);
    let busy = move |path: &str| {
        let mut tries = tries.lock().unwrap();
        if path != "/version" {
            return empty(path);
        }
        *tries += 1;
        if *tries < 3 { (429, String::new(), Some("0")) } else { ok(json!({"gitVersion": format!("v{tries}")})) }
    };
    let said = with_server(move |_, path, _| busy(path), async |sender| sender.get("/version", JSON).await);
    assert_eq!(said.unwrap(), r#"{"gitVersion":"v3"}"#);
    let busy = |_: &str, _: &str, _: &str| (503, json!({"message": "starting"}).to_string(), Some("0"));
    let said = with_server(busy, async |sender| sender.get("/version", JSON).await);
    assert_eq!(said, Err(Failure::Refused { code: 503, message: "starting".to_owned(), continued: None }));
}

#[test]
fn what_is_not_needed_is_not_asked_for() {
    let paths = |needs: Needs| {
        let seen = std::sync::Arc::new(Mutex::new(Vec::new()));
        let log = seen.clone();
        let wanted = LiveOptions { needs, ..options() };
        with_server(
            move |method, path, accept| {
                let form = if accept == METADATA_LIST { " metadata" } else { "" };
                let bare = path.split('?').next().unwrap();
                log.lock().unwrap().push(format!("{method} {}{form}", bare.rsplit('/').next().unwrap()));
                empty(path)
            },
            async |sender| collect(&sender, &wanted, &silent).await.map(drop).unwrap(),
        );
        let mut seen = seen.lock().unwrap().clone();
        seen.sort();
        seen
    };
    let always = [
        "GET api",
        "GET apis",
        "GET clusterrolebindings",
        "GET clusterroles",
        "GET namespaces metadata",
        "GET rolebindings",
        "GET roles",
        "GET serviceaccounts metadata",
        "GET version",
    ];
    assert_eq!(paths(Needs::default()), always);
    let more = paths(Needs::ALL);
    let more: Vec<_> = more.iter().filter(|path| !always.contains(&path.as_str())).collect();
    assert_eq!(
        more,
        [
            "GET cronjobs",
            "GET customresourcedefinitions",
            "GET daemonsets",
            "GET deployments",
            "GET jobs",
            "GET mutatingwebhookconfigurations",
            "GET nodes metadata",
            "GET persistentvolumes",
            "GET pods",
            "GET replicasets",
            "GET replicationcontrollers",
            "GET resourceslices",
            "GET serviceaccounts",
            "GET statefulsets",
            "GET validatingwebhookconfigurations",
            "GET volumeattachments",
        ]
    );
}

/// Aggregated discovery of resources, each as `GROUP VERSION PLURAL`.
fn serving(resources: &[&str]) -> Answer {
    let group = |at: &&str| {
        let [group, version, resource] = at.split(' ').collect::<Vec<_>>()[..] else { panic!("{at}") };
        json!({"metadata": {"name": group}, "versions": [{"version": version, "resources": [
            {"resource": resource, "scope": "Namespaced", "verbs": ["list"], "responseKind": {"kind": "K"}}]}]})
    };
    ok(json!({"kind": "APIGroupDiscoveryList", "items": resources.iter().map(group).collect::<Vec<_>>()}))
}

#[test]
fn what_is_served_is_asked_for_in_its_version() {
    let asked = std::sync::Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    let wanted = LiveOptions { needs: Needs::ALL, ..options() };
    let snapshot = with_server(
        move |_, path, accept| match path.split('?').next().unwrap() {
            "/apis" => serving(&[
                "kustomize.toolkit.fluxcd.io v1beta2 kustomizations",
                "source.toolkit.fluxcd.io v1 gitrepositories",
                "helm.toolkit.fluxcd.io v3 helmreleases",
                "argoproj.io v1alpha1 applications",
                "admissionregistration.k8s.io v1 validatingadmissionpolicies",
            ]),
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions" => {
                ok(json!({"items": [{"metadata": {"name": "p.g"},
                "spec": {"group": "g", "scope": "Cluster", "names": {"plural": "p", "kind": "K"},
                    "versions": [{"name": "v1", "served": true}], "conversion": {"strategy": "Webhook"}}}]}))
            }
            "/apis/kustomize.toolkit.fluxcd.io/v1beta2/kustomizations" => ok(
                json!({"items": [{"metadata": {"name": "k", "namespace": "a"}, "spec": {"serviceAccountName": "bot"}}]}),
            ),
            "/apis/source.toolkit.fluxcd.io/v1/gitrepositories" => {
                assert_eq!(accept, METADATA_LIST);
                let item = json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
                    "metadata": {"name": "g", "namespace": "a"}});
                ok(json!({"items": [item]}))
            }
            "/apis/argoproj.io/v1alpha1/applications" => refusal(403, json!({"message": "no"})),
            "/apis/argoproj.io/v1alpha1/namespaces/dev/applications" => refusal(403, json!({"message": "no"})),
            bare => {
                log.lock().unwrap().push(bare.to_owned());
                empty(path)
            }
        },
        async |sender| collect(&sender, &wanted, &silent).await.unwrap(),
    );
    let kinds: Vec<_> = snapshot.deputies.iter().map(|at| (at.kind.as_str(), snapshot.text(at.name))).collect();
    assert_eq!(kinds, [("Kustomization", "k"), ("GitRepository", "g")]);
    assert_eq!(
        gaps(&snapshot),
        [
            "applications forbidden: no",
            "helmreleases notServed: helm.toolkit.fluxcd.io/v3 is no version that this program reads",
        ]
    );
    // What is served is as discovery says, not as definitions do.
    assert_eq!((snapshot.conversions.len(), snapshot.resources.len()), (1, 5));
    let asked = asked.lock().unwrap();
    let of = |word: &str| asked.iter().filter(|path| path.contains(word)).cloned().collect::<Vec<_>>();
    assert_eq!(of("policies"), ["/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"]);
    assert!(["toolkit", "argoproj", "apiservices"].iter().all(|word| of(word).is_empty()), "{asked:?}");
}

#[test]
fn without_discovery_it_is_unknown_what_is_served() {
    let unserved = |needs: Needs| {
        let wanted = LiveOptions { needs, ..options() };
        let snapshot = with_server(
            |_, path, _| if path == "/apis" { refusal(403, json!({"message": "no"})) } else { empty(path) },
            async |sender| collect(&sender, &wanted, &silent).await.unwrap(),
        );
        gaps(&snapshot)
    };
    let gaps = unserved(Needs::ALL);
    assert!(gaps.contains(&"appprojects forbidden: whether it is served is unknown: no".to_owned()), "{gaps:?}");
    assert_eq!((gaps.len(), unserved(Needs::default()).len()), (14, 0));
}

#[test]
fn metadata_alone_is_enough_for_accounts_and_namespaces() {
    let partial = |name: &str| {
        json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
            "metadata": {"name": name, "namespace": "dev", "labels": {"a": "b"}}})
    };
    let snapshot = with_server(
        move |_, path, _| match path.split('?').next().unwrap() {
            "/api/v1/serviceaccounts" | "/api/v1/namespaces" => ok(
                json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "items": [partial("x")]}),
            ),
            _ => empty(path),
        },
        async |sender| collect(&sender, &options(), &silent).await.unwrap(),
    );
    assert_eq!((snapshot.service_accounts.len(), snapshot.namespaces[0].labels.len()), (1, 1));
    let counts: Vec<_> = snapshot.counts.keys().map(|(version, kind)| format!("{version} {kind}")).collect();
    assert_eq!(counts, ["v1 Namespace", "v1 ServiceAccount"]);
}

/// Namespaces `a` and `b`, and tables of Secrets for them, that of `a` in two pages.
fn cluster_with_secrets(path: &str, accept: &str, everywhere: bool) -> Answer {
    let table = |token: Option<&str>, rows: Value| {
        ok(json!({"kind": "Table", "metadata": {"continue": token}, "rows": rows, "columnDefinitions":
            [{"name": "Name"}, {"name": "Type"}, {"name": "Data"}, {"name": "Age"}]}))
    };
    let forbidden = || refusal(403, json!({"message": "secrets is forbidden"}));
    if path.contains("secrets") {
        assert!(accept == TABLE && path.contains("includeObject=None"), "{accept} {path}");
    }
    match path {
        "/api/v1/namespaces?limit=2" => {
            ok(json!({"items": [{"metadata": {"name": "b"}}, {"metadata": {"name": "a"}}]}))
        }
        "/api/v1/secrets?includeObject=None&limit=1" if everywhere => table(Some("t"), json!([])),
        "/api/v1/namespaces/a/secrets?includeObject=None&limit=500" if everywhere => {
            table(Some("t"), json!([{"cells": ["s1", "Opaque", 1, "5d"], "object": null}]))
        }
        "/api/v1/namespaces/a/secrets?includeObject=None&limit=500&continue=t" => {
            table(None, json!([{"cells": ["s2", "kubernetes.io/tls", 2, "5d"]}]))
        }
        "/api/v1/namespaces/dev/secrets?includeObject=None&limit=500" => {
            table(None, json!([{"cells": ["d", "Opaque", 0, "1s"]}]))
        }
        path if path.contains("secrets") => forbidden(),
        path => empty(path),
    }
}

fn with_secrets(everywhere: bool) -> (Vec<String>, Vec<String>) {
    let wanted = LiveOptions { secrets: Secrets::NamesAndTypes, ..options() };
    let snapshot = with_server(
        move |_, path, accept| cluster_with_secrets(path, accept, everywhere),
        async |sender| collect(&sender, &wanted, &silent).await.unwrap(),
    );
    let line = |at: &crate::model::Secret| [at.namespace, at.name, at.kind].map(|name| snapshot.text(name)).join(" ");
    (snapshot.secrets.iter().map(line).collect(), gaps(&snapshot))
}

#[test]
fn of_secrets_only_columns_are_asked_for() {
    let (secrets, gaps) = with_secrets(true);
    assert_eq!(secrets, ["a s1 Opaque", "a s2 kubernetes.io/tls"]);
    assert_eq!(gaps, ["b/secrets forbidden: secrets is forbidden"]);
    let (secrets, gaps) = with_secrets(false);
    assert_eq!(secrets, ["dev d Opaque"]);
    assert_eq!(gaps, ["secrets forbidden except dev: secrets is forbidden"]);
}

#[test]
fn labels_of_secrets_are_selected_by_the_server() {
    let table = |rows: Value| {
        ok(json!({"kind": "Table", "rows": rows, "columnDefinitions": [{"name": "Name"}, {"name": "Type"}]}))
    };
    let selected = |path: &str| path.split_once("&labelSelector=").map(|(_, selector)| selector.to_owned());
    let wanted = LiveOptions { secrets: Secrets::NamesAndTypes, needs: Needs::ALL, ..options() };
    let asked = std::sync::Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    let snapshot = with_server(
        move |_, path, _| match path.split('?').next().unwrap() {
            "/api/v1/namespaces" => ok(json!({"items": [{"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}]})),
            "/api/v1/namespaces/a/secrets" => match selected(path).as_deref() {
                Some("argocd.argoproj.io%2Fsecret-type%3Dcluster") => table(json!([{"cells": ["c", "Opaque"]}])),
                Some("cluster.x-k8s.io%2Fcluster-name") => {
                    table(json!([{"cells": ["d-kubeconfig", "Opaque"]}, {"cells": ["plain", "Opaque"]}]))
                }
                Some(other) => panic!("{other}"),
                None => table(json!(
                    [
                        ["c", "Opaque"],
                        ["d-kubeconfig", "Opaque"],
                        ["e-kubeconfig", "Opaque"],
                        ["plain", "Opaque"],
                        ["t", "kubernetes.io/service-account-token"]
                    ]
                    .map(|cells| json!({"cells": cells}))
                )),
            },
            "/api/v1/namespaces/b/secrets" => {
                log.lock().unwrap().extend(selected(path));
                table(json!([{"cells": ["j", "bootstrap.kubernetes.io/token"]}]))
            }
            "/api/v1/serviceaccounts" => ok(json!({"items": [
                {"metadata": {"name": "bot", "namespace": "a"}, "secrets": [{"name": "t"}], "automountServiceAccountToken": false}]})),
            _ => empty(path),
        },
        async |sender| collect(&sender, &wanted, &silent).await.unwrap(),
    );
    let line = |at: &crate::model::Secret| format!("{} {:?}", snapshot.text(at.name), at.purpose);
    let bot = snapshot.names.find("bot");
    let secrets: Vec<_> = snapshot.secrets.iter().map(line).collect();
    let token = format!("t Token({bot:?})");
    let expected =
        ["c ArgoCluster", "d-kubeconfig Kubeconfig", "e-kubeconfig Other", "plain Other", &token, "j Bootstrap"];
    assert_eq!((secrets, gaps(&snapshot)), (expected.map(str::to_owned).to_vec(), vec![]));
    assert_eq!(snapshot.service_accounts[0].automount, Some(false));
    assert_eq!(*asked.lock().unwrap(), [] as [&str; 0], "none of its Secrets can have a label that matters");
}

#[test]
fn nothing_but_reading_gets_out() {
    let sent = |method: Method, path: &str, accept: &str| {
        let request = Request::builder().method(method).uri(path).header("accept", accept).body(Vec::new()).unwrap();
        super::request::is_allowed(&request)
    };
    for path in [
        "/version",
        "/api",
        "/apis",
        "/api/v1/pods?limit=500",
        "/api/v1/namespaces/dev/pods?limit=500",
        "/api/v1/namespaces",
        "/api/v1/namespaces/dev",
        "/apis/rbac.authorization.k8s.io/v1/namespaces/dev/roles",
        "/apis/argoproj.io/v1alpha1/applications",
        "/apis/apps/v1/namespaces/dev/deployments",
        "/apis/storage.azure.com/v1api20230101/storageaccounts?limit=5",
        "/apis/entra.azure.com/v1/namespaces/dev/securitygroups",
        "/api/v1/events?limit=50&fieldSelector=reason%3DCredentialFrom",
    ] {
        assert!(sent(Method::GET, path, JSON), "{path}");
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD, Method::OPTIONS] {
            assert!(!sent(method, path, JSON), "{path}");
        }
    }
    for path in [
        "/api/v1/secrets",
        "/api/v1/secrets?includeObject=None",
        "/api/v1/namespaces/dev/secrets",
        "/api/v1/namespaces/dev/secrets/token",
        "/api/v1/namespaces/dev/secrets/aso-credential",
        "/api/v1/events",
        "/api/v1/events?fieldSelector=reason%3DKilling",
        "/apis/sky.azure.com/v20230101/moons",
        "/apis/storage.azure.com/v1beta1/storageaccounts",
        "/apis/storage.azure.com/v1api20230101/namespaces/dev/storageaccounts/one",
        "/api/v1/namespaces/dev/pods/web/exec?command=sh",
        "/api/v1/namespaces/dev/pods/web/log",
        "/api/v1/namespaces/dev/services/web/proxy",
        "/api/v1/nodes/n1/proxy/run",
        "/api/v1/namespaces/dev/finalize",
        "/api/v1/configmaps",
        "/logs/",
    ] {
        assert!(!sent(Method::GET, path, JSON) && !sent(Method::GET, path, METADATA_LIST), "{path}");
    }
    assert!(sent(Method::GET, "/api/v1/namespaces/dev/secrets?includeObject=None&limit=5", TABLE));
    assert!(sent(Method::GET, "/api/v1/secrets?includeObject=None", TABLE));
    for path in [
        "/api/v1/secrets",
        "/api/v1/secrets?includeObject=Object",
        "/api/v1/namespaces/dev/secrets/s?includeObject=None",
    ] {
        assert!(!sent(Method::GET, path, TABLE), "{path}");
    }
    assert!(sent(Method::POST, "/apis/authorization.k8s.io/v1/subjectaccessreviews", JSON));
    assert!(sent(Method::POST, "/apis/authentication.k8s.io/v1/selfsubjectreviews", JSON));
    for path in ["/apis/authentication.k8s.io/v1/tokenreviews", "/api/v1/namespaces/dev/serviceaccounts/bot/token"] {
        assert!(!sent(Method::POST, path, JSON), "{path}");
    }
    // A name from outside cannot leave its place in the path.
    let path = super::request::collection_path("", "v1", "pods", Some("dev/secrets/x?y=#"));
    assert_eq!(path, "/api/v1/namespaces/dev%2Fsecrets%2Fx%3Fy%3D%23/pods");
    assert_eq!(super::request::encoded(".."), "%2E%2E");
    let refused = with_server(|_, path, _| panic!("{path}"), async |sender| sender.get("/api/v1/secrets", JSON).await);
    assert!(refused.unwrap_err().message().contains("not among the requests"));
}

/// Requests leave through `Sender::send` in `request.rs` and from nowhere else: kube's own ways to send are not in any other
/// source file.
#[test]
fn there_is_one_place_that_sends() {
    let senders = [
        ".send(",
        ".request(",
        ".request_text(",
        ".request_status(",
        ".request_stream(",
        ".request_events(",
        "Api::<",
        "kube::Api",
        "Api::all",
        "kube::api",
        "kube::discovery",
        "Discovery::new",
        "apiserver_version",
        "list_api_groups",
        "list_core_api",
        "Client::try_default",
        "Config::infer",
        "TcpStream",
        "hyper::",
    ];
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.ends_with("live/tests.rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            for (number, line) in text.lines().enumerate() {
                let code = line.split("//").next().unwrap_or_default();
                let channel = path.ends_with("collect/files.rs") && code.contains(".send(");
                if !channel && senders.iter().any(|sender| code.contains(sender)) {
                    found.push(format!("{}:{}: {}", path.file_name().unwrap().display(), number + 1, code.trim()));
                }
            }
        }
    }
    assert_eq!(found.len(), 4, "{found:#?}");
    assert!(found.iter().all(|line| line.starts_with("request.rs:") && line.contains(".send(")), "{found:#?}");
}

/// A cluster with ASO: an operator, two resources, and Secrets of which `refused` may not be read. Gives what was asked for of Secrets
/// and Events, and the snapshot.
fn with_aso(refused: &'static [&'static str], events: bool) -> (Vec<String>, Snapshot) {
    let asked = std::sync::Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    let wanted = LiveOptions { needs: Needs::ALL, chunk_size: 50, ..options() };
    let deployment = json!({"metadata": {"name": "m", "namespace": "aso"}, "spec": {"template": {"spec": {"containers": [
        {"image": "mcr.microsoft.com/k8s/azureserviceoperator:v2.20.0", "envFrom": [{"secretRef": {"name": "aso-controller-settings"}}]}]}}}});
    let resource = |name: &str, from: Value| {
        json!({"metadata": {"name": name, "namespace": "dev",
            "annotations": {"serviceoperator.azure.com/credential-from": from}}, "spec": {"owner": {"name": "rg"}}})
    };
    let resources = json!([resource("a", json!("own")), resource("b", json!("prod/other")), resource("c", json!(""))]);
    // `hunter2` in base64, and a client id.
    let secret = |keys: Value| json!({"kind": "Secret", "apiVersion": "v1", "metadata": {"annotations": {"x": "hunter2"}}, "data": keys});
    let id = "Y2NjY2NjY2MtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAx";
    let answer = move |path: &str, accept: &str| {
        let bare = path.split('?').next().unwrap();
        if bare.contains("/secrets") || bare.ends_with("/events") {
            log.lock().unwrap().push(path.trim_start_matches("/api/v1/").to_owned());
        }
        if refused.iter().any(|name| bare.ends_with(name)) {
            return refusal(403, json!({"message": "you may not get it"}));
        }
        match bare {
            "/apis" => serving(&[
                "storage.azure.com v1api20230101 storageaccounts",
                "sky.azure.com v20300101 moons",
                "storage.azure.com v1beta1 fridges",
            ]),
            "/apis/storage.azure.com/v1api20230101/storageaccounts" => ok(json!({"items": resources})),
            "/apis/apps/v1/deployments" => ok(json!({"items": [deployment]})),
            "/api/v1/namespaces" => {
                ok(json!({"items": [{"metadata": {"name": "dev"}}, {"metadata": {"name": "prod"}}]}))
            }
            "/api/v1/namespaces/aso/secrets/aso-controller-settings" => {
                assert_eq!(accept, JSON);
                ok(secret(json!({"AZURE_SUBSCRIPTION_ID": "", "AZURE_CLIENT_SECRET": "aHVudGVyMg=="})))
            }
            "/api/v1/namespaces/prod/secrets/aso-credential" => {
                let mut copied = secret(json!({"AZURE_CLIENT_ID": id, "AZURE_CLIENT_SECRET": "aHVudGVyMg=="}));
                copied["metadata"]["annotations"]["reflector.v1.k8s.emberstack.com/reflection-allowed"] = json!("True");
                ok(copied)
            }
            "/api/v1/namespaces/dev/secrets/own" => ok(secret(json!({"password": "aHVudGVyMg=="}))),
            "/api/v1/events" if events => ok(
                json!({"items": [{"kind": "Event", "apiVersion": "v1", "metadata": {"name": "e", "namespace": "dev"},
                "reason": "CredentialFrom", "message": "dev/own", "involvedObject":
                {"apiVersion": "storage.azure.com/v1api20230101", "kind": "StorageAccount", "namespace": "dev", "name": "a"}}]}),
            ),
            path if path.ends_with("/events") => refusal(403, json!({"message": "no"})),
            path if path.contains("/secrets/") => refusal(404, json!({"message": "not found"})),
            path => empty(path),
        }
    };
    let snapshot = with_server(
        move |_, path, accept| answer(path, accept),
        async |sender| collect(&sender, &wanted, &silent).await.unwrap(),
    );
    let asked = asked.lock().unwrap().clone();
    (asked, snapshot)
}

fn aso_secrets(snapshot: &Snapshot) -> Vec<String> {
    let line = |at: &crate::model::AsoSecret| {
        let place = [at.namespace, at.name].map(|name| snapshot.text(name)).join("/");
        let content = match &at.content {
            crate::model::AsoSecretContent::Entries(all) => all
                .iter()
                .map(|(key, text)| {
                    format!(
                        "{}{}",
                        snapshot.text(*key),
                        match text {
                            crate::model::AsoText::Text(name) => format!("={}", snapshot.text(*name)),
                            crate::model::AsoText::Empty => "=".to_owned(),
                            crate::model::AsoText::Hidden => String::new(),
                        }
                    )
                })
                .collect::<Vec<_>>()
                .join(" "),
            other => format!("{other:?}").to_lowercase(),
        };
        format!("{place}: {content}")
    };
    snapshot.aso_secrets.iter().map(line).collect()
}

#[test]
fn secrets_of_aso_are_asked_for_by_their_names() {
    let (mut asked, snapshot) = with_aso(&[], true);
    asked.sort();
    assert_eq!(
        asked,
        [
            "namespaces/aso/secrets/aso-controller-settings",
            "namespaces/dev/secrets/aso-credential",
            "namespaces/dev/secrets/own",
            "namespaces/prod/secrets/aso-credential",
        ]
    );
    assert_eq!(
        aso_secrets(&snapshot),
        [
            "aso/aso-controller-settings: AZURE_CLIENT_SECRET AZURE_SUBSCRIPTION_ID=",
            "dev/aso-credential: absent",
            "dev/own: password",
            "prod/aso-credential: AZURE_CLIENT_ID=cccccccc-0000-0000-0000-000000000001 AZURE_CLIENT_SECRET",
        ]
    );
    assert_eq!(
        gaps(&snapshot),
        [
            "moons notServed: sky.azure.com/v20300101 is newer than what this program knows of ASO",
            "fridges notServed: storage.azure.com/v1beta1 is newer than what this program knows of ASO",
        ]
    );
    let copied: Vec<bool> = snapshot.aso_secrets.iter().map(|at| at.copied_to.is_some()).collect();
    assert_eq!(copied, [false, false, false, true]);
    assert!(snapshot.names.iter().all(|(_, text)| !text.contains("hunter2") && !text.contains("aHVudGVyMg")));
    assert_eq!((snapshot.aso_resources.len(), snapshot.aso_deployments.len()), (3, 1));
    // The credentials are Secrets that whoever may do so reads or writes; that these are there says nothing of others.
    let known: Vec<&str> = snapshot.secrets.iter().map(|at| snapshot.text(at.name)).collect();
    assert_eq!((known, snapshot.lists_secrets()), (vec!["aso-controller-settings", "aso-credential"], false));
}

#[test]
fn where_secrets_may_not_be_read_events_say_what_was_used() {
    let (asked, snapshot) = with_aso(&["/own", "/aso-credential"], true);
    assert!(asked.contains(&"events?limit=50&fieldSelector=reason%3DCredentialFrom".to_owned()), "{asked:?}");
    assert_eq!(snapshot.aso_events.len(), 1);
    assert_eq!(
        gaps(&snapshot)[..2],
        [
            "secrets forbidden: the credentials of ASO in `aso-credential` of 2 namespaces are unknown: you may not get it; what its \
             Events say of them is used",
            "dev/secrets forbidden: the credentials of ASO in `own` of namespace dev are unknown: you may not get it; what its Events \
             say of them is used",
        ]
    );
    let (asked, snapshot) = with_aso(&["/own"], false);
    assert_eq!(asked.iter().filter(|path| path.contains("events")).count(), 2, "everywhere, then where one is");
    assert_eq!((snapshot.aso_events.len(), gaps(&snapshot).len()), (0, 3));
    assert_eq!(aso_secrets(&snapshot)[2], "dev/own: unreadable");
}

#[test]
fn a_secret_is_only_had_by_who_asks_for_one_of_aso() {
    let got = with_server(
        |_, path, _| (200, path.to_owned(), None),
        async |sender| [sender.aso_secret("dev", "own").await, sender.aso_secret("dev/x", "../pods").await],
    );
    let paths = got.map(|answer| answer.unwrap());
    assert_eq!(paths, ["/api/v1/namespaces/dev/secrets/own", "/api/v1/namespaces/dev%2Fx/secrets/..%2Fpods"]);
}

fn question(user: &str) -> AccessQuestion {
    let action =
        ResourceAction { verb: "get".into(), resource: "pods".into(), namespace: "dev".into(), ..Default::default() };
    AccessQuestion { user: user.to_owned(), groups: vec!["g".to_owned()], action: Action::Resource(action) }
}

#[test]
fn reviews_are_answered_in_order_and_a_refusal_ends_them() {
    // The body cannot be seen by this server, so it answers by turns.
    let turn = Mutex::new(0);
    let by_turns = move |method: &str, path: &str| {
        assert_eq!((method, path), ("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews"));
        let mut turn = turn.lock().unwrap();
        *turn += 1;
        ok(json!({"status": {"allowed": *turn % 2 == 1}}))
    };
    let questions: Vec<_> = (0..4).map(|at| question(&at.to_string())).collect();
    let answers = with_server(
        move |method, path, _| by_turns(method, path),
        async |sender| verify(&sender, &questions[..1]).await,
    );
    assert_eq!(answers, [Ok(true)]);
    let asked = std::sync::Arc::new(Mutex::new(0));
    let count = asked.clone();
    let many: Vec<_> = (0..100).map(|at| question(&at.to_string())).collect();
    let answers = with_server(
        move |_, _, _| {
            *count.lock().unwrap() += 1;
            refusal(403, json!({"message": "you may not ask"}))
        },
        async |sender| verify(&sender, &many).await,
    );
    assert!(answers.len() == 100 && answers.iter().all(|answer| answer == &Err("you may not ask".to_owned())));
    assert!(*asked.lock().unwrap() <= 8, "asked {} times", asked.lock().unwrap());
}

#[test]
fn the_server_says_who_one_is() {
    let me = with_server(
        |_, _, _| ok(json!({"status": {"userInfo": {"username": "alice", "groups": ["dev", "system:authenticated"]}}})),
        async |sender| whoami(&sender).await.unwrap(),
    );
    assert_eq!((me.user.as_str(), me.groups.join(" ").as_str()), ("alice", "dev system:authenticated"));
}

#[test]
fn without_discovery_the_definitions_say_what_is_served() {
    let definition = json!({"metadata": {"name": "w.x"}, "spec": {"group": "x", "scope": "Cluster",
        "names": {"plural": "w", "kind": "W"}, "versions": [{"name": "v1", "served": true}]}});
    let served = move |path: &str| match path.split('?').next().unwrap() {
        "/api" | "/apis" => refusal(403, json!({"message": "no"})),
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions" => ok(json!({"items": [definition]})),
        _ => empty(path),
    };
    let wanted = LiveOptions { needs: Needs { definitions: true, ..Needs::default() }, ..options() };
    let snapshot =
        with_server(move |_, path, _| served(path), async |sender| collect(&sender, &wanted, &silent).await.unwrap());
    assert_eq!((snapshot.discovered, snapshot.resources.len(), snapshot.resources[0].kind.as_str()), (false, 1, "W"));
}
