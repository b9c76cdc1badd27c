//! A kube-apiserver for tests: etcd, the server and, when asked, the controller manager, on free ports of this machine.
//!
//! Everything here blocks and runs on a runtime of its own, so a test is a plain `#[test]`. A test takes one of the two
//! shared servers with [`plain`] or [`with_controllers`]: it has the server for itself until it lets go, and finds the
//! RBAC objects as a fresh server has them. A test that needs other flags starts its own with [`ApiServer::start`].
//!
//! Nothing outlives the test program, not even when it is killed or its statics are never dropped: a small shell holds
//! the other end of a pipe, and stops the servers and removes their folder when the pipe closes.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::Write as _;
use std::net::TcpListener;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::{StreamExt as _, stream};
use kube::{Client, Config};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// The users of the token file and their groups; `admin` is the one who may do everything.
pub(crate) const USERS: &[(&str, &[&str])] = &[
    ("admin", &["system:masters"]),
    ("alice", &["dev"]),
    ("bob", &["dev", "ops"]),
    ("carol", &[]),
    ("system:node:node-1", &["system:nodes"]),
];

/// Requests under way at once. More gain nothing with the server on the same machine.
const CONNECTIONS: usize = 8;

/// How long a server may take to start. 5 s are usual; a busy CI machine is slower.
const START_LIMIT: Duration = Duration::from_secs(180);

/// How a server is started.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// `RBAC` or `Node,RBAC`.
    pub(crate) authorization_mode: &'static str,
    /// Also run the controllers that fill aggregated roles, make service accounts and fill token Secrets.
    pub(crate) controllers: bool,
    /// More flags for kube-apiserver. One that is set here already takes the place of ours.
    pub(crate) extra_args: Vec<String>,
    /// The same for kube-controller-manager.
    pub(crate) controller_args: Vec<String>,
    /// Writes what the flags name into the server's folder, in which both programs run.
    pub(crate) prepare: fn(&Path),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            authorization_mode: "RBAC",
            controllers: false,
            extra_args: Vec::new(),
            controller_args: Vec::new(),
            prepare: |_| {},
        }
    }
}

/// A running server. Dropping it stops everything that it started.
pub(crate) struct ApiServer {
    /// `https://127.0.0.1:PORT`.
    pub(crate) url: String,
    /// The certificates that the server's own is to be checked with.
    pub(crate) ca_file: PathBuf,
    /// Logs, certificates, etcd's data and kubeconfig files; gone when the server stops.
    pub(crate) folder: PathBuf,
    /// The RBAC objects of the fresh server by their path, without what differs between two servers.
    pub(crate) bootstrap: BTreeMap<String, Value>,
    client: Client,
    collections: Mutex<HashMap<(String, String), (String, bool)>>,
    runtime: Runtime,
    // The order of these two is the order of stopping: the processes go when the shell sees its pipe close.
    watchdog: Watchdog,
    children: Vec<(&'static str, Child)>,
}

/// One request to a server; see [`ApiServer::call`].
#[derive(Clone, Debug)]
pub(crate) struct Call {
    method: http::Method,
    path: String,
    content_type: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Option<Value>,
}

/// What a server said to a [`Call`].
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    /// The HTTP status; for a success the exact one is not kept, and this is 200.
    pub(crate) code: u16,
    /// The object, or the `Status` of a refusal.
    pub(crate) body: Value,
}

/// A shared server, held by one test at a time.
pub(crate) struct Turn(MutexGuard<'static, Option<ApiServer>>);

impl Deref for Turn {
    type Target = ApiServer;

    fn deref(&self) -> &ApiServer {
        self.0.as_ref().expect("a turn begins with a started server")
    }
}

/// The shared server that runs the RBAC authorizer alone, without controllers.
pub(crate) fn plain() -> Turn {
    static SERVER: Mutex<Option<ApiServer>> = Mutex::new(None);
    take(&SERVER, Options::default())
}

/// The shared server that runs `Node,RBAC` and the controllers.
pub(crate) fn with_controllers() -> Turn {
    static SERVER: Mutex<Option<ApiServer>> = Mutex::new(None);
    take(&SERVER, Options { authorization_mode: "Node,RBAC", controllers: true, ..Options::default() })
}

fn take(server: &'static Mutex<Option<ApiServer>>, options: Options) -> Turn {
    // A test that failed in its turn leaves its world behind, and that is what reset() is for.
    let mut server = server.lock().unwrap_or_else(PoisonError::into_inner);
    match &*server {
        Some(server) => server.reset(),
        None => *server = Some(ApiServer::start(options)),
    }
    Turn(server)
}

impl ApiServer {
    /// Starts a server and waits until it is ready. Panics with the end of the logs when it does not come up.
    pub(crate) fn start(options: Options) -> Self {
        let [etcd, apiserver] = [asset("etcd"), asset("kube-apiserver")];
        let folder = tempfile::Builder::new().prefix("rbac-lens-e2e-").tempdir().unwrap().keep();
        (options.prepare)(&folder);
        let mut watchdog = Watchdog::start(&folder);
        let mut children = Vec::new();
        let [etcd_port, peer_port, port] = free_ports();

        let (etcd_url, peer_url) = (format!("http://127.0.0.1:{etcd_port}"), format!("http://127.0.0.1:{peer_port}"));
        let etcd_args = [
            format!("--data-dir={}", folder.join("etcd").display()),
            format!("--listen-client-urls={etcd_url}"),
            format!("--advertise-client-urls={etcd_url}"),
            format!("--listen-peer-urls={peer_url}"),
            format!("--initial-advertise-peer-urls={peer_url}"),
            format!("--initial-cluster=default={peer_url}"),
            "--unsafe-no-fsync".to_owned(),
        ];
        children.push(("etcd", spawn(&mut watchdog, &folder, "etcd", &etcd, &etcd_args)));

        let url = format!("https://127.0.0.1:{port}");
        let (ca_file, key_file) = (folder.join("apiserver.crt"), folder.join("apiserver.key"));
        fs::write(folder.join("tokens.csv"), token_file()).unwrap();
        let mut args = vec![
            format!("--etcd-servers={etcd_url}"),
            // The server makes a self-signed certificate here, and its key then signs service account tokens as well:
            // the options are completed in that order (pkg/controlplane/apiserver/options/options.go).
            format!("--cert-dir={}", folder.display()),
            format!("--service-account-key-file={}", key_file.display()),
            format!("--service-account-signing-key-file={}", key_file.display()),
            format!("--service-account-issuer={url}/"),
            format!("--token-auth-file={}", folder.join("tokens.csv").display()),
            format!("--authorization-mode={}", options.authorization_mode),
            "--bind-address=127.0.0.1".to_owned(),
            "--advertise-address=127.0.0.1".to_owned(),
            "--endpoint-reconciler-type=none".to_owned(),
            format!("--secure-port={port}"),
            "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
            "--allow-privileged=true".to_owned(),
            // Without controllers no namespace gets its `default` account, and no pod could be made.
            "--disable-admission-plugins=ServiceAccount".to_owned(),
        ];
        override_flags(&mut args, options.extra_args);
        children.push(("kube-apiserver", spawn(&mut watchdog, &folder, "kube-apiserver", &apiserver, &args)));

        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let client = wait_until_ready(&runtime, &folder, &mut children, &url, &ca_file);
        let collections = Mutex::default();
        let bootstrap = BTreeMap::new();
        let mut server = Self { url, ca_file, folder, bootstrap, client, collections, runtime, watchdog, children };
        if options.controllers {
            server.start_controllers(&key_file, options.controller_args);
        }
        server.bootstrap = server.rbac_objects();
        server
    }

    /// Starts the controller manager and waits until it has nothing left to do.
    fn start_controllers(&mut self, key_file: &Path, more: Vec<String>) {
        let mut args = vec![
            format!("--kubeconfig={}", self.kubeconfig("admin").display()),
            "--controllers=clusterrole-aggregation-controller,serviceaccount-controller,serviceaccount-token-controller,\
             root-ca-certificate-publisher-controller"
                .to_owned(),
            format!("--service-account-private-key-file={}", key_file.display()),
            format!("--root-ca-file={}", self.ca_file.display()),
            "--use-service-account-credentials=false".to_owned(),
            "--leader-elect=false".to_owned(),
            "--bind-address=127.0.0.1".to_owned(),
            "--secure-port=0".to_owned(),
        ];
        override_flags(&mut args, more);
        let name = "kube-controller-manager";
        let child = spawn(&mut self.watchdog, &self.folder, name, &asset(name), &args);
        self.children.push((name, child));

        let started = Instant::now();
        loop {
            let account = self.call(Call::get("/api/v1/namespaces/default/serviceaccounts/default"));
            if account.code == 200 && aggregated(&self.rbac_objects()) {
                return;
            }
            if let Some(why) = stopped(&mut self.children).or_else(|| timed_out(started)) {
                panic!("kube-controller-manager did not do its work: {why}\n{}", log_tails(&self.folder));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Stops one more program when the server is stopped.
    pub(crate) fn stop_with_us(&mut self, child: &Child) {
        self.watchdog.add(child);
    }

    /// Runs a future on the server's runtime, as code that uses [`Self::client`] has to.
    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// A client of the user `admin`, to be used inside [`Self::block_on`].
    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    /// A client of one of [`USERS`], to be used inside [`Self::block_on`].
    pub(crate) fn client_of(&self, user: &str) -> Client {
        self.block_on(async { client(&self.url, &self.ca_file, user) })
    }

    /// Sends one request.
    pub(crate) fn call(&self, call: Call) -> Reply {
        self.block_on(send(self.client.clone(), call))
    }

    /// Sends many requests, some at once, and gives their replies in the order of the requests.
    pub(crate) fn call_all(&self, calls: Vec<Call>) -> Vec<Reply> {
        let replies = stream::iter(calls).map(|call| {
            let client = self.client.clone();
            async { tokio::spawn(send(client, call)).await.unwrap() }
        });
        self.block_on(replies.buffered(CONNECTIONS).collect())
    }

    /// The object at a path. Panics when there is none.
    pub(crate) fn get(&self, path: &str) -> Value {
        let reply = self.call(Call::get(path));
        assert_eq!(reply.code, 200, "GET {path}: {}", reply.body);
        reply.body
    }

    /// Creates the objects, or replaces those that exist, as `admin`: first namespaces, then service accounts (the
    /// controllers delete a token Secret that has none), then everything else in any order. Panics when the server
    /// refuses one.
    pub(crate) fn apply_all(&self, objects: Vec<Value>) {
        let refused = self.try_apply_all(objects);
        assert!(refused.is_empty(), "{} objects refused:\n{}", refused.len(), refused.join("\n"));
    }

    /// The same; gives the server's words about those that it refuses. What cannot be replaced and is there already is
    /// taken to be what it should be.
    pub(crate) fn try_apply_all(&self, objects: Vec<Value>) -> Vec<String> {
        let mut refused = Vec::new();
        let (namespaces, others): (Vec<_>, Vec<_>) =
            objects.into_iter().partition(|object| object["kind"] == "Namespace");
        let (accounts, others): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|object| object["kind"] == "ServiceAccount");
        for objects in [namespaces, accounts, others] {
            let creates = objects.iter().map(|object| self.create_call(object)).collect();
            let mut replaces = Vec::new();
            for (object, reply) in objects.iter().zip(self.call_all(creates)) {
                match reply.code {
                    200 => {}
                    409 if FIXED_KINDS.contains(&text(&object["kind"])) => {}
                    409 => replaces.push(Call::put(self.object_path(object), object.clone())),
                    _ => refused.push(reply.body.to_string()),
                }
            }
            refused.extend(self.call_all(replaces).iter().filter(|r| r.code != 200).map(|r| r.body.to_string()));
        }
        refused
    }

    /// The request that creates an object; say `.by(user, groups)` to have somebody else do it.
    pub(crate) fn create_call(&self, object: &Value) -> Call {
        Call::post(self.collection_path(object), object.clone())
    }

    /// The path of an object that has a name.
    pub(crate) fn object_path(&self, object: &Value) -> String {
        format!("{}/{}", self.collection_path(object), path_segment(text(&object["metadata"]["name"])))
    }

    /// The path that an object is created at, from what the server's discovery says about its kind.
    fn collection_path(&self, object: &Value) -> String {
        let (api_version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
        let root =
            if api_version.contains('/') { format!("/apis/{api_version}") } else { format!("/api/{api_version}") };
        let key = (api_version.to_owned(), kind.to_owned());
        let known = self.collections.lock().unwrap().get(&key).cloned();
        let (plural, namespaced) = known.unwrap_or_else(|| {
            let list = self.get(&root);
            let resource = list["resources"]
                .as_array()
                .and_then(|all| all.iter().find(|r| r["kind"] == kind && !text(&r["name"]).contains('/')))
                .unwrap_or_else(|| panic!("the server has no kind {kind} in {api_version}"));
            let found = (text(&resource["name"]).to_owned(), resource["namespaced"] == true);
            self.collections.lock().unwrap().insert(key, found.clone());
            found
        });
        if namespaced {
            format!("{root}/namespaces/{}/{plural}", text(&object["metadata"]["namespace"]))
        } else {
            format!("{root}/{plural}")
        }
    }

    /// The `.status` of each SubjectAccessReview or LocalSubjectAccessReview, asked as `admin`. Panics on a refusal.
    pub(crate) fn review_all(&self, reviews: Vec<Value>) -> Vec<Value> {
        let calls = reviews.iter().map(|review| self.create_call(review)).collect();
        let replies = self.call_all(calls);
        let statuses = replies.into_iter().zip(&reviews).map(|(mut reply, review)| {
            assert_eq!(reply.code, 200, "{review}: {}", reply.body);
            reply.body["status"].take()
        });
        statuses.collect()
    }

    /// Waits until reviews see every change made to RBAC objects so far.
    ///
    /// The authorizer reads from one cache for each of the four kinds, and each is filled in the order of the changes:
    /// once it knows a later object of every kind, it knows all earlier ones. The Node authorizer has caches of its own,
    /// which this says nothing about.
    pub(crate) fn wait_visible(&self) {
        static ROUND: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let name = format!("e2e-marker-{}", ROUND.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        let [cluster_user, namespace_user] = ["cluster", "namespace"].map(|place| format!("{name}-{place}"));
        let role = |kind: &str| {
            json!({
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind,
                "metadata": {"name": name, "namespace": (kind == "Role").then_some("default")},
                "rules": [{"apiGroups": ["e2e.invalid"], "resources": ["markers"], "verbs": ["see"]}],
            })
        };
        let binding = |kind: &str, role: &str, user: &str| {
            json!({
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind,
                "metadata": {"name": name, "namespace": (kind == "RoleBinding").then_some("default")},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": role, "name": name},
                "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
            })
        };
        let markers = vec![
            role("ClusterRole"),
            role("Role"),
            binding("ClusterRoleBinding", "ClusterRole", &cluster_user),
            binding("RoleBinding", "Role", &namespace_user),
        ];
        let paths: Vec<String> = markers.iter().map(|marker| self.object_path(marker)).collect();
        self.apply_all(markers);

        let asked = json!({"group": "e2e.invalid", "resource": "markers", "verb": "see", "namespace": "default"});
        let reviews = [cluster_user, namespace_user].map(|user| review(&user, &[], asked.clone()));
        self.wait_until("the authorizer knows the markers", || {
            self.review_all(reviews.to_vec()).iter().all(|status| status["allowed"] == true)
        });
        self.call_all(paths.into_iter().map(Call::delete).collect());
    }

    /// Asks again and again until the answer is yes. Panics after half a minute.
    pub(crate) fn wait_until(&self, what: &str, answer: impl Fn() -> bool) {
        let started = Instant::now();
        while !answer() {
            assert!(started.elapsed() < Duration::from_secs(30), "after 30 s it is still not so that {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Puts the RBAC objects back as they were on the fresh server. Namespaces and other objects stay: without the
    /// namespace controller a namespace does not go away, so worlds should use names of their own.
    pub(crate) fn reset(&self) {
        let aggregated_gone = Cell::new(false);
        self.wait_until("the RBAC objects are those of a fresh server", || {
            let now = self.rbac_objects();
            if now != self.bootstrap {
                let gone = now.iter().filter(|(path, _)| !self.bootstrap.contains_key(*path));
                if gone.into_iter().any(|(_, object)| !object["aggregationRule"].is_null()) {
                    aggregated_gone.set(true);
                }
                self.put_back(&now);
                return false;
            }
            if aggregated_gone.get() {
                // The aggregation controller writes by server-side apply, which creates what is not there: a role that
                // is deleted while the controller computes it comes back, with rules and nothing else.
                std::thread::sleep(Duration::from_millis(300));
                return self.rbac_objects() == self.bootstrap;
            }
            true
        });
    }

    fn put_back(&self, now: &BTreeMap<String, Value>) {
        // The roleRef of a binding cannot be changed, so a changed binding goes. A changed role stays: the aggregation
        // controller would put back what it misses before we do.
        let kept = |path: &&String, object: &Value| {
            self.bootstrap.get(*path).is_some_and(|first| first["roleRef"] == object["roleRef"])
        };
        let deletes = now.iter().filter(|(path, object)| !kept(path, object));
        let deleted = self.call_all(deletes.map(|(path, _)| Call::delete(path)).collect());
        let refused = deleted.iter().find(|reply| reply.code != 200 && reply.code != 404);
        assert!(refused.is_none(), "cannot reset the server: {refused:?}");
        let changed = self.bootstrap.iter().filter(|(path, object)| now.get(*path) != Some(object));
        self.apply_all(changed.map(|(_, object)| object.clone()).collect());
    }

    /// Every RBAC object by its path, without what differs between two servers.
    fn rbac_objects(&self) -> BTreeMap<String, Value> {
        let mut objects = BTreeMap::new();
        for (kind, plural) in RBAC_KINDS {
            for mut object in self.get(&format!("{RBAC}/{plural}"))["items"].take().as_array_mut().unwrap().drain(..) {
                strip(&mut object);
                object["apiVersion"] = "rbac.authorization.k8s.io/v1".into();
                object["kind"] = (*kind).into();
                objects.insert(self.object_path(&object), object);
            }
        }
        objects
    }

    /// Writes a kubeconfig file for one of [`USERS`].
    pub(crate) fn kubeconfig(&self, user: &str) -> PathBuf {
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "e2e",
            "clusters": [{"name": "e2e", "cluster": {"server": self.url, "certificate-authority": self.ca_file}}],
            "users": [{"name": user, "user": {"token": token(user)}}],
            "contexts": [{"name": "e2e", "context": {"cluster": "e2e", "user": user, "namespace": "default"}}],
        });
        let path = self.folder.join(format!("kubeconfig-{}", user.replace(':', "-")));
        // Whole at once: somebody else may be reading it.
        let mut unfinished = tempfile::NamedTempFile::new_in(&self.folder).unwrap();
        unfinished.write_all(config.to_string().as_bytes()).unwrap();
        unfinished.persist(&path).unwrap();
        path
    }

    /// Runs kubectl as `admin`. It finds the plugin under test as `kubectl rbac-lens`.
    pub(crate) fn kubectl(&self, args: &[&str]) -> Output {
        self.run(&asset("kubectl"), "admin", args)
    }

    /// Has a shell run commands as the program prints them, as `admin`; what is to be applied comes first. A dry run is one in
    /// which the server does everything but to store it.
    ///
    /// # Errors
    /// What kubectl or the shell said, and the commands.
    pub(crate) fn run_printed(&self, apply: Option<&str>, commands: &[String], dry: bool) -> Result<(), String> {
        let mut script = "kubectl() { verb=$1; shift; \"$KUBECTL\" \"$verb\" $FLAG \"$@\"; }\n".to_owned();
        if let Some(yaml) = apply {
            script.push_str(&format!("kubectl apply -f - <<'END-OF-YAML' || exit\n{yaml}END-OF-YAML\n"));
        }
        script.extend(commands.iter().map(|command| format!("{command} || exit\n")));
        let mut shell = self.command(Path::new("sh"), "admin", &["-c", &script]);
        shell.env("KUBECTL", asset("kubectl")).env("FLAG", if dry { "--dry-run=server" } else { "" });
        let output = shell.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.success() { Ok(()) } else { Err(format!("{said}\n{script}")) }
    }

    /// Runs kubectl as one of [`USERS`].
    pub(crate) fn kubectl_as(&self, user: &str, args: &[&str]) -> Output {
        self.run(&asset("kubectl"), user, args)
    }

    /// Runs the program under test as one of [`USERS`].
    pub(crate) fn rbac_lens_as(&self, user: &str, args: &[&str]) -> Output {
        self.run(Path::new(env!("CARGO_BIN_EXE_kubectl-rbac_lens")), user, args)
    }

    fn run(&self, program: &Path, user: &str, args: &[&str]) -> Output {
        let output = self.command(program, user, args).output();
        output.unwrap_or_else(|error| panic!("cannot run {}: {error}", program.display()))
    }

    fn command(&self, program: &Path, user: &str, args: &[&str]) -> Command {
        let plugins = Path::new(env!("CARGO_BIN_EXE_kubectl-rbac_lens")).parent().unwrap();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths([plugins.to_owned()].into_iter().chain(std::env::split_paths(&path))).unwrap();
        let mut command = Command::new(program);
        command
            .args(args)
            .stdin(Stdio::null())
            .env("KUBECONFIG", self.kubeconfig(user))
            .env("HOME", &self.folder)
            .env("PATH", path)
            .env("NO_PROXY", "127.0.0.1")
            .env("no_proxy", "127.0.0.1");
        command
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        self.watchdog.stop();
        for (_, child) in &mut self.children {
            // Killed by the watchdog; this only collects it.
            drop(child.wait());
        }
    }
}

impl Call {
    fn new(method: http::Method, path: impl Into<String>, body: Option<Value>) -> Self {
        let patch = method == http::Method::PATCH;
        let content_type = if patch { "application/merge-patch+json" } else { "application/json" };
        Self { method, path: path.into(), content_type, headers: Vec::new(), body }
    }

    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(http::Method::GET, path, None)
    }

    pub(crate) fn post(path: impl Into<String>, body: Value) -> Self {
        Self::new(http::Method::POST, path, Some(body))
    }

    pub(crate) fn put(path: impl Into<String>, body: Value) -> Self {
        Self::new(http::Method::PUT, path, Some(body))
    }

    /// A JSON merge patch.
    pub(crate) fn patch(path: impl Into<String>, body: Value) -> Self {
        Self::new(http::Method::PATCH, path, Some(body))
    }

    /// A server-side apply, which creates what is not there. The path has to name the field manager.
    pub(crate) fn apply(path: impl Into<String>, body: Value) -> Self {
        Self { content_type: "application/apply-patch+yaml", ..Self::patch(path, body) }
    }

    pub(crate) fn delete(path: impl Into<String>) -> Self {
        Self::new(http::Method::DELETE, path, None)
    }

    /// The body of a request that usually has none, such as the options of a deletion.
    pub(crate) fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Has `admin` impersonate this user. The server adds `system:authenticated` and a service account's groups itself.
    pub(crate) fn by(self, user: &str, groups: &[&str]) -> Self {
        let call = self.header("Impersonate-User", user);
        groups.iter().fold(call, |call, group| call.header("Impersonate-Group", *group))
    }
}

/// Kinds whose objects stay as they were made.
const FIXED_KINDS: &[&str] = &["Namespace", "Pod", "PersistentVolume", "PersistentVolumeClaim", "VolumeAttachment"];

/// The group and version of RBAC objects.
pub(crate) const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";

/// The kinds of RBAC objects and their resources.
pub(crate) const RBAC_KINDS: &[(&str, &str)] = &[
    ("ClusterRole", "clusterroles"),
    ("ClusterRoleBinding", "clusterrolebindings"),
    ("Role", "roles"),
    ("RoleBinding", "rolebindings"),
];

/// A SubjectAccessReview of a resource. Groups are taken as given: nothing adds `system:authenticated`.
pub(crate) fn review(user: &str, groups: &[&str], resource_attributes: Value) -> Value {
    json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
        "spec": {"user": user, "groups": groups, "resourceAttributes": resource_attributes},
    })
}

/// A SubjectAccessReview of a path that is no resource.
pub(crate) fn path_review(user: &str, groups: &[&str], verb: &str, path: &str) -> Value {
    json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
        "spec": {"user": user, "groups": groups, "nonResourceAttributes": {"path": path, "verb": verb}},
    })
}

/// Takes out of an object or a list what differs between two servers.
pub(crate) fn strip(object: &mut Value) {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for key in ["managedFields", "uid", "resourceVersion", "creationTimestamp"] {
            metadata.remove(key);
        }
    }
}

/// Adds flags, each in the place of one that is there already.
fn override_flags(args: &mut Vec<String>, more: Vec<String>) {
    let flag = |arg: &str| arg.split('=').next().unwrap_or_default().to_owned();
    args.retain(|ours| more.iter().all(|extra| flag(extra) != flag(ours)));
    args.extend(more);
}

/// The program NAME, from TEST_ASSET_NAME or from the folder KUBEBUILDER_ASSETS. Panics when it is in neither: a test
/// that quietly did nothing would look like one that passed.
pub(crate) fn asset(name: &str) -> PathBuf {
    let variable = format!("TEST_ASSET_{}", name.to_uppercase().replace('-', "_"));
    let named = std::env::var_os(&variable).filter(|path| !path.is_empty()).map(PathBuf::from);
    let in_folder = || std::env::var_os("KUBEBUILDER_ASSETS").map(|folder| Path::new(&folder).join(name));
    match named.or_else(in_folder).filter(|path| path.is_file()) {
        Some(path) => path,
        None => panic!(
            "{variable} does not name a file: run these tests with \
             `env $(tests/e2e/build-assets) cargo test --features e2e --test e2e`"
        ),
    }
}

fn token(user: &str) -> String {
    format!("token-of-{}", user.replace(':', "-"))
}

fn token_file() -> String {
    let line =
        |(user, groups): &(&str, &[&str])| format!("{},{user},uid-{user},\"{}\"\n", token(user), groups.join(","));
    USERS.iter().map(line).collect()
}

/// Ports that were free a moment ago; held all at once, so that they differ.
fn free_ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

fn spawn(watchdog: &mut Watchdog, folder: &Path, name: &str, program: &Path, args: &[String]) -> Child {
    let log = File::create(folder.join(format!("{name}.log"))).unwrap();
    let child = Command::new(program)
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run {}: {error}", program.display()));
    watchdog.add(&child);
    child
}

fn wait_until_ready(
    runtime: &Runtime,
    folder: &Path,
    children: &mut [(&'static str, Child)],
    url: &str,
    ca_file: &Path,
) -> Client {
    let started = Instant::now();
    loop {
        if ca_file.exists() {
            let client = runtime.block_on(async { client(url, ca_file, "admin") });
            let ready = http::Request::get("/readyz").body(Vec::new()).unwrap();
            if runtime.block_on(client.request_text(ready)).is_ok() {
                return client;
            }
        }
        if let Some(why) = stopped(children).or_else(|| timed_out(started)) {
            panic!("kube-apiserver did not get ready: {why}\n{}", log_tails(folder));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Whether admin, edit and view have every rule of the roles that are labelled for them.
fn aggregated(objects: &BTreeMap<String, Value>) -> bool {
    ["admin", "edit", "view"].iter().all(|name| {
        let label = format!("rbac.authorization.k8s.io/aggregate-to-{name}");
        let rules = objects[&format!("{RBAC}/clusterroles/{name}")]["rules"].as_array();
        let mut sources = objects.values().filter(|object| object["metadata"]["labels"][&label] == "true");
        rules.is_some_and(|rules| {
            sources.all(|source| source["rules"].as_array().into_iter().flatten().all(|rule| rules.contains(rule)))
        })
    })
}

fn stopped(children: &mut [(&'static str, Child)]) -> Option<String> {
    children.iter_mut().find_map(|(name, child)| {
        let status = child.try_wait().unwrap()?;
        Some(format!("{name} stopped with {status}"))
    })
}

fn timed_out(started: Instant) -> Option<String> {
    (started.elapsed() > START_LIMIT).then(|| format!("{} s have passed", START_LIMIT.as_secs()))
}

fn log_tails(folder: &Path) -> String {
    let mut tails = String::new();
    for name in ["etcd", "kube-apiserver", "kube-controller-manager"] {
        let Ok(log) = fs::read_to_string(folder.join(format!("{name}.log"))) else { continue };
        let lines: Vec<&str> = log.lines().collect();
        let tail = &lines[lines.len().saturating_sub(20)..];
        tails.push_str(&format!("--- the end of {name}.log\n{}\n", tail.join("\n")));
    }
    tails
}

/// Has to be called on a runtime: the client keeps a task there.
fn client(url: &str, ca_file: &Path, user: &str) -> Client {
    let mut config = Config::new(url.parse().unwrap());
    config.root_cert_file = Some(ca_file.to_owned());
    config.auth_info.token = Some(token(user).into());
    // A refusal is to be seen as it is, and a slow start is waited for by those who start.
    config.default_retry = false;
    Client::try_from(config).unwrap()
}

/// Sends a request by a client, on the runtime that it belongs to.
pub(crate) async fn send(client: Client, call: Call) -> Reply {
    let mut request =
        http::Request::builder().method(call.method).uri(&call.path).header("content-type", call.content_type);
    for (name, value) in &call.headers {
        request = request.header(*name, value);
    }
    let body = call.body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
    match client.request_text(request.body(body).unwrap()).await {
        // Some paths answer with plain text, as /readyz does.
        Ok(text) => Reply { code: 200, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) },
        Err(kube::Error::Api(status)) => Reply { code: status.code, body: serde_json::to_value(status).unwrap() },
        Err(error) => panic!("{}: {error}", call.path),
    }
}

/// A name as one part of a path: RBAC objects may have blanks and any letters in their names.
pub(crate) fn path_segment(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte);
    name.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}

/// The shell that stops the servers and removes their folder once this program is gone or says so.
struct Watchdog {
    shell: Child,
    pipe: Option<ChildStdin>,
}

impl Watchdog {
    fn start(folder: &Path) -> Self {
        // Ctrl-C reaches the shell too, and it has to stay for its work.
        let script = r#"trap '' INT TERM HUP; pids=
            while read -r pid; do pids="$pids $pid"; done
            kill -9 $pids; rm -rf "$1" || { sleep 1; rm -rf "$1"; }"#;
        let mut shell = Command::new("sh")
            .args(["-c", script, "sh"])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh is on PATH");
        let pipe = shell.stdin.take();
        Self { shell, pipe }
    }

    fn add(&mut self, child: &Child) {
        let pipe = self.pipe.as_mut().expect("the watchdog has not been stopped");
        writeln!(pipe, "{}", child.id()).unwrap();
    }

    fn stop(&mut self) {
        self.pipe = None;
        drop(self.shell.wait());
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.stop();
    }
}
