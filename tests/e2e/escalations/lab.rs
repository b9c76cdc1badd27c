//! What every technique is performed in: one server with the Node authorizer, the admission plugins of a real cluster and a
//! signer of certificates, and small worlds on it that do not know of each other.
//!
//! A world has two namespaces, an attacker who starts with a few grants, sometimes a second identity that the attacker may take
//! a token of, and somebody else, `bob`, whom the attacker is not. The grants are what a technique needs, each often twisted
//! so that it is only nearly enough.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use futures::{StreamExt as _, stream};
use kube::{Client, Config};
use rbac_lens::graph::AccessGraph;
use rbac_lens::model::{Name, Subject};
use rbac_lens::query::SystemFilter;
use rbac_lens::rules::{self, Ask, Escalations, Finding, Place, Remedies, Start, Target, escalations};
use serde_json::{Value, json};

use crate::server::{ApiServer, Call, Options, Reply, USERS, review, send};
use crate::worlds::random::Dice;
use crate::worlds::{self, Mode, ORACLE, engine, kubectl};

/// Worlds of one technique at most.
pub(crate) const MOST: usize = 48;

/// For so many worlds of a technique there is one more, in which all paths are cut before anything is tried.
const CUT: usize = 8;

/// Worlds that are worked on at once.
const AT_ONCE: usize = 8;

const RBAC_GROUP: &str = "rbac.authorization.k8s.io";

/// The server.
pub(crate) struct Lab {
    pub(crate) server: ApiServer,
    /// A client that says nobody's name; see [`Hand`].
    bare: Client,
    /// The port of the webhook.
    pub(crate) hook: u16,
}

/// The server that all techniques share; it runs until the tests end.
pub(crate) fn lab() -> &'static Lab {
    static LAB: OnceLock<Lab> = OnceLock::new();
    LAB.get_or_init(|| {
        let text = |args: &[&str]| args.iter().map(|arg| (*arg).to_owned()).collect();
        let mut server = ApiServer::start(Options {
            authorization_mode: "Node,RBAC",
            controllers: true,
            // Both programs run in the server's folder.
            extra_args: text(&[
                "--token-auth-file=lab-tokens.csv",
                "--client-ca-file=lab-ca.crt",
                "--disable-admission-plugins=",
                "--enable-admission-plugins=NodeRestriction",
            ]),
            controller_args: text(&[
                "--controllers=clusterrole-aggregation-controller,serviceaccount-controller,\
                 serviceaccount-token-controller,root-ca-certificate-publisher-controller,\
                 certificatesigningrequest-signing-controller,replicaset-controller,deployment-controller,\
                 replicationcontroller-controller,daemonset-controller,statefulset-controller,job-controller,\
                 cronjob-controller",
                "--cluster-signing-cert-file=lab-ca.crt",
                "--cluster-signing-key-file=lab-ca.key",
            ]),
            prepare: |folder| {
                openssl(folder, "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=lab -keyout lab-ca.key -out lab-ca.crt");
                let users: String = USERS
                    .iter()
                    .map(|(user, groups)| format!("token-of-{0},{user},uid-{user},\"{1}\"\n", user.replace(':', "-"), groups.join(",")))
                    .chain(super::ids().into_iter().flat_map(|id| (0..MOST).map(move |at| world_id(id, at))).map(|id| {
                        format!(
                            "alice.{id},alice-{id},alice-{id},\"team-{id}\"\nbob.{id},bob-{id},bob-{id},\"rest-{id}\"\n\
                             node.{id},system:node:{id},node-{id},\"system:nodes\"\n"
                        )
                    }))
                    .collect();
                fs::write(folder.join("lab-tokens.csv"), users).unwrap();
            },
        });
        let mut config = Config::new(server.url.parse().unwrap());
        config.root_cert_file = Some(server.ca_file.clone());
        config.default_retry = false;
        let bare = server.block_on(async { Client::try_from(config).unwrap() });
        let (child, hook) = super::webhooks::serve(&server.folder);
        server.stop_with_us(&child);
        Lab { server, bare, hook }
    })
}

impl Lab {
    /// A request of the cluster's administrator.
    pub(crate) async fn admin(&self, call: Call) -> Reply {
        send(self.server.client(), call).await
    }

    /// Somebody who shows this token.
    pub(crate) fn hand(&self, who: Value, token: &str) -> Hand {
        Hand {
            who,
            client: self.bare.clone(),
            headers: vec![("authorization", format!("Bearer {token}"))],
            impersonates: false,
        }
    }

    /// Somebody who shows this certificate.
    pub(crate) fn hand_of_certificate(&self, who: Value, certificate: &str, key: &Path) -> Hand {
        let mut config = Config::new(self.server.url.parse().unwrap());
        config.root_cert_file = Some(self.server.ca_file.clone());
        config.default_retry = false;
        config.auth_info.client_certificate_data = Some(certificate.to_owned());
        config.auth_info.client_key = Some(key.to_str().unwrap().to_owned());
        Hand { who, client: Client::try_from(config).unwrap(), headers: Vec::new(), impersonates: false }
    }

    /// Asks again and again until there is an answer. Panics after half a minute.
    pub(crate) async fn until<T, F: Future<Output = Option<T>>>(&self, what: &str, answer: impl Fn() -> F) -> T {
        for _ in 0..600 {
            if let Some(answer) = answer().await {
                return answer;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("after 30 s it is still not so that {what}")
    }

    /// Does something in every world, some at once.
    pub(crate) fn each<T, W>(&self, worlds: Vec<W>, act: impl AsyncFn(W) -> T) -> Vec<T> {
        self.server.block_on(stream::iter(worlds).map(|world| act(world)).buffered(AT_ONCE).collect())
    }
}

/// Runs openssl in a folder, with arguments that have no blanks.
pub(crate) fn openssl(folder: &Path, args: &str) {
    let out = Command::new("openssl").args(args.split_whitespace()).current_dir(folder).output();
    let out = out.unwrap_or_else(|error| panic!("cannot run openssl, which makes the test's certificates: {error}"));
    assert!(out.status.success(), "openssl {args}: {}", String::from_utf8_lossy(&out.stderr));
}

/// An identity that can be acted as.
#[derive(Clone)]
pub(crate) struct Hand {
    /// The subject, as bindings name it.
    pub(crate) who: Value,
    client: Client,
    headers: Vec<(&'static str, String)>,
    impersonates: bool,
}

impl Hand {
    pub(crate) async fn call(&self, mut call: Call) -> Reply {
        for (name, value) in &self.headers {
            call = call.header(name, value.clone());
        }
        send(self.client.clone(), call).await
    }

    /// Whether a request is let through.
    pub(crate) async fn may(&self, call: Call) -> bool {
        self.call(call).await.code == 200
    }

    /// The same credential with more headers; none where it carries such headers already, since they cannot be stacked.
    pub(crate) fn impersonating(&self, who: Value, headers: &[(&'static str, &str)]) -> Option<Hand> {
        let mut hand = Hand { who, impersonates: true, ..self.clone() };
        hand.headers.extend(headers.iter().map(|&(name, value)| (name, value.to_owned())));
        (!self.impersonates).then_some(hand)
    }

    /// Who the server says that this is: the user name, then the groups.
    pub(crate) async fn whoami(&self) -> Option<Vec<String>> {
        let body = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
        let reply = self.call(Call::post("/apis/authentication.k8s.io/v1/selfsubjectreviews", body)).await;
        let info = &reply.body["status"]["userInfo"];
        let groups = info["groups"].as_array().into_iter().flatten();
        let user = info["username"].as_str()?.to_owned();
        Some([user].into_iter().chain(groups.filter_map(Value::as_str).map(str::to_owned)).collect())
    }
}

/// Something that may be gained.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Goal {
    /// Everything in the cluster.
    Cluster,
    /// To read every Secret of a namespace.
    Secrets(String),
    /// To act as an account of a namespace.
    Account(String, String),
    /// To act as a user.
    User(String),
    /// To act as a member of a group.
    Group(String),
    /// To run a privileged pod, and so to hold a node.
    Node,
    /// Something that the program has no word for.
    Other(&'static str),
}

impl Goal {
    fn target(&self, graph: &AccessGraph) -> Option<Target> {
        let name = |text: &str| graph.snapshot().names.find(text);
        match self {
            Goal::Cluster => Some(Target::ClusterAdmin),
            Goal::Secrets(namespace) => name(namespace).map(|at| Target::Secrets(Place::Namespace(at))),
            Goal::Account(namespace, account) => {
                let (namespace, name) = (name(namespace)?, name(account)?);
                Some(Target::Subject(Subject::ServiceAccount { namespace, name }))
            }
            Goal::User(user) => name(user).map(|user| Target::Subject(Subject::User(user))),
            Goal::Group(group) => name(group).map(|group| Target::Subject(Subject::Group(group))),
            Goal::Node => Some(Target::Node(None)),
            Goal::Other(_) => None,
        }
    }

    /// Whether the attacker really has it; only at last are the odd ways tried.
    async fn is_reached(&self, world: &World, state: &State, last: bool) -> bool {
        match self {
            Goal::Account(namespace, name) => state.is(&account_subject(namespace, name)),
            Goal::User(name) => state.is(&user(name)),
            Goal::Group(name) => state.is(&group(name)),
            Goal::Node => state.marks.contains("node"),
            Goal::Other(mark) => state.marks.contains(*mark),
            Goal::Secrets(namespace) => {
                let mut reached = state.marks.contains(namespace);
                for hand in &state.hands {
                    reached = reached || super::secrets::reads(hand, namespace, last).await;
                }
                reached
            }
            Goal::Cluster => {
                let mut reached = false;
                for hand in &state.hands {
                    reached = reached || holds_everything(world, hand).await;
                }
                reached
            }
        }
    }
}

async fn holds_everything(world: &World, hand: &Hand) -> bool {
    let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"verb": "*", "group": "*", "resource": "*"}}});
    let reply = hand.call(Call::post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)).await;
    let said = reply.body["status"]["allowed"] == true;
    let secrets = Call::get("/api/v1/namespaces/kube-system/secrets?limit=1");
    assert!(!said || hand.may(secrets).await, "{}: what is said to be allowed is not", world.id);
    said
}

/// One grant of a world.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) verbs: Vec<String>,
    pub(crate) group: String,
    pub(crate) resources: Vec<String>,
    pub(crate) names: Vec<String>,
    /// The namespace of the binding; empty in the whole cluster.
    pub(crate) at: String,
    pub(crate) to: Holder,
}

/// Whose a grant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    Attacker,
    /// An account that the attacker may take a token of.
    Second,
    Bob,
}

/// `VERBS RESOURCES[.GROUP] [NAMES]`, lists by commas; `rbac` stands for its group.
pub(crate) fn grant(at: &str, text: &str) -> Grant {
    let words: Vec<&str> = text.split(' ').collect();
    let (resources, group) = words[1].split_once('.').unwrap_or((words[1], ""));
    let list = |text: &str| text.split(',').map(str::to_owned).collect();
    Grant {
        verbs: list(words[0]),
        group: if group == "rbac" { RBAC_GROUP } else { group }.to_owned(),
        resources: list(resources),
        names: words.get(2).map(|names| list(names)).unwrap_or_default(),
        at: at.to_owned(),
        to: Holder::Attacker,
    }
}

/// A small world.
pub(crate) struct World {
    pub(crate) id: String,
    /// Its two namespaces.
    pub(crate) a: String,
    pub(crate) b: String,
    pub(crate) dice: Dice,
    pub(crate) objects: Vec<Value>,
    pub(crate) goals: Vec<Goal>,
    /// Names that resourceNames are taken from.
    pub(crate) names: Vec<String>,
    /// Twists that would open ways that the test does not try.
    pub(crate) avoid: &'static [Twist],
    twists: Vec<Twist>,
    start: Shown,
    second: bool,
    grants: usize,
}

/// What the attacker starts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    User,
    Group,
    Account,
}

/// An identity by its names.
pub(crate) struct Own {
    pub(crate) user: String,
    pub(crate) groups: Vec<String>,
}

/// How a grant is made into a near miss, or into more than it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Twist {
    OtherVerb,
    OneVerbLess,
    EveryVerb,
    OtherGroup,
    EveryResource,
    Subresource,
    Named,
    OtherNamespace,
    Namespaced,
    ClusterWide,
    Bob,
    Second,
    Gone,
}

const TWISTS: &[Twist] = &[
    Twist::OtherVerb,
    Twist::OneVerbLess,
    Twist::EveryVerb,
    Twist::OtherGroup,
    Twist::EveryResource,
    Twist::Subresource,
    Twist::Named,
    Twist::Named,
    Twist::OtherNamespace,
    Twist::Namespaced,
    Twist::ClusterWide,
    Twist::Bob,
    Twist::Second,
    Twist::Second,
    Twist::Gone,
];

fn world_id(technique: &str, at: usize) -> String {
    format!("{technique}-{at:02}")
}

impl World {
    /// A world with nothing in it but what every cluster has, and a Secret to read.
    pub(crate) fn new(technique: &str, at: usize) -> World {
        // `ESCALATIONS_SHIFT=1000` looks at other worlds.
        let shift = std::env::var("ESCALATIONS_SHIFT").map_or(0, |shift| shift.parse().unwrap());
        let seed = technique.bytes().fold(at + shift, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
        let mut dice = Dice::new(u64::try_from(seed).unwrap());
        dice.below(2);
        let id = world_id(technique, at);
        let (a, b) = (format!("{id}-a"), format!("{id}-b"));
        let mut objects = Vec::new();
        for namespace in [&a, &b] {
            objects.push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}));
            objects.push(account(namespace, "default"));
            objects.push(
                json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": namespace, "name": "planted"},
                "stringData": {"what": format!("planted in {namespace}")}}),
            );
        }
        let start = *dice.pick(&[Shown::User, Shown::Group, Shown::Account]);
        let mut world = World {
            goals: Vec::new(),
            names: Vec::new(),
            avoid: &[],
            twists: Vec::new(),
            second: false,
            grants: 0,
            id,
            a,
            b,
            dice,
            objects,
            start,
        };
        if start == Shown::Account {
            world.objects.push(account(&world.a, "attacker"));
        }
        world
    }

    /// The subject that the attacker starts as.
    pub(crate) fn attacker(&self) -> Value {
        match self.start {
            Shown::User => user(&format!("alice-{}", self.id)),
            Shown::Group => group(&format!("team-{}", self.id)),
            Shown::Account => json!({"kind": "ServiceAccount", "namespace": self.a, "name": "attacker"}),
        }
    }

    fn subject(&self, holder: Holder) -> Value {
        match holder {
            Holder::Attacker => self.attacker(),
            Holder::Second => json!({"kind": "ServiceAccount", "namespace": self.a, "name": "second"}),
            Holder::Bob => user(&format!("bob-{}", self.id)),
        }
    }

    /// Adds grants, some of them twisted.
    pub(crate) fn grant(&mut self, mut grants: Vec<Grant>) {
        for _ in 0..*self.dice.pick(&[0, 0, 1, 1, 1, 1, 2]) {
            let at = self.dice.below(grants.len());
            let twist = loop {
                let twist = *self.dice.pick(TWISTS);
                if !self.avoid.contains(&twist) {
                    break twist;
                }
            };
            self.twists.push(twist);
            self.twist(&mut grants[at], twist);
        }
        for grant in grants {
            self.add(&grant);
        }
    }

    fn twist(&mut self, grant: &mut Grant, twist: Twist) {
        match twist {
            Twist::OtherVerb => grant.verbs = vec![(*self.dice.pick(&["get", "view", "Create", "lis"])).to_owned()],
            Twist::OneVerbLess => {
                let at = self.dice.below(grant.verbs.len());
                grant.verbs.remove(at);
                if grant.verbs.is_empty() {
                    grant.verbs.push("get".to_owned());
                }
            }
            Twist::EveryVerb => grant.verbs = vec!["*".to_owned()],
            Twist::OtherGroup => grant.group = if grant.group.is_empty() { "core" } else { "" }.to_owned(),
            Twist::EveryResource => grant.resources = vec!["*".to_owned()],
            Twist::Subresource => {
                let resource = &mut grant.resources[0];
                *resource = match resource.split_once('/') {
                    Some((_, sub)) if self.dice.percent(50) => format!("*/{sub}"),
                    Some((main, _)) => main.to_owned(),
                    None => format!("{resource}/x"),
                };
            }
            Twist::Named => {
                let count = self.dice.from(1, 2);
                grant.names = (0..count)
                    .filter_map(|_| self.names.get(self.dice.below(self.names.len().max(1))))
                    .cloned()
                    .collect();
                if grant.names.is_empty() {
                    grant.names.push("nothing".to_owned());
                }
            }
            Twist::OtherNamespace => grant.at = self.b.clone(),
            Twist::Namespaced => grant.at = self.a.clone(),
            Twist::ClusterWide => grant.at = String::new(),
            Twist::Bob => grant.to = Holder::Bob,
            Twist::Second => grant.to = Holder::Second,
            Twist::Gone => grant.verbs = vec!["none".to_owned()],
        }
    }

    /// Adds a grant as it is.
    pub(crate) fn add(&mut self, grant: &Grant) {
        let name = format!("{}-g{}", self.id, self.grants);
        self.grants += 1;
        let namespace = if grant.at.is_empty() || self.dice.percent(50) { "" } else { &grant.at };
        let mut rule = json!({"verbs": grant.verbs, "apiGroups": [grant.group], "resources": grant.resources});
        if !grant.names.is_empty() {
            rule["resourceNames"] = json!(grant.names);
        }
        if grant.to == Holder::Second && !self.second {
            self.second = true;
            self.objects.push(account(&self.a, "second"));
            let token = self::grant(&self.a, "create serviceaccounts/token second");
            self.add(&token);
        }
        let (role, subject) = (role(namespace, &name, json!([rule])), self.subject(grant.to));
        self.objects.push(role);
        self.objects.push(binding(&grant.at, &name, (!namespace.is_empty(), &name), vec![subject]));
    }

    /// The identities that the attacker can act as from the start.
    pub(crate) async fn hands(&self, lab: &Lab) -> Vec<Hand> {
        let hand = match self.start {
            Shown::User | Shown::Group => lab.hand(self.attacker(), &format!("alice.{}", self.id)),
            Shown::Account => {
                let path = format!("/api/v1/namespaces/{}/serviceaccounts/attacker/token", self.a);
                let reply = lab.admin(Call::post(path, token_request())).await;
                lab.hand(self.attacker(), reply.body["status"]["token"].as_str().unwrap())
            }
        };
        vec![hand]
    }

    /// What the program is told.
    fn graph(&self) -> AccessGraph {
        // Of the defaults only what everybody can reach by its name: the accounts of the control plane are not tried.
        let default = json!({"apiVersion": format!("{RBAC_GROUP}/v1"), "kind": "ClusterRole",
            "metadata": {"name": "cluster-admin"}, "rules": everything()});
        let objects: Vec<Value> = [default].iter().chain(&self.objects).cloned().collect();
        engine::graph(&objects)
    }

    /// What the program says about each goal: the techniques of the path.
    fn predicted(&self) -> Vec<Option<Vec<&'static str>>> {
        let graph = self.graph();
        self.goals.iter().map(|goal| self.predict(&graph, goal)).collect()
    }

    fn predict(&self, graph: &AccessGraph, goal: &Goal) -> Option<Vec<&'static str>> {
        let (found, target) = self.found(graph, goal)?;
        if found.holders.iter().any(|holders| holders.target.covers(target)) {
            return Some(Vec::new());
        }
        let finding = found.findings.iter().find(|finding| finding.target.covers(target))?;
        Some(finding.steps.iter().map(|step| step.technique.id).collect())
    }

    fn found(&self, graph: &AccessGraph, goal: &Goal) -> Option<(Escalations, Target)> {
        let name = |text: &str| -> Option<Name> { graph.snapshot().names.find(text) };
        let attacker = self.attacker();
        let own = name(attacker["name"].as_str().unwrap())?;
        let from = match self.start {
            Shown::User => Subject::User(own),
            Shown::Group => Subject::Group(own),
            Shown::Account => Subject::ServiceAccount { namespace: name(&self.a)?, name: own },
        };
        let target = goal.target(graph)?;
        let ask =
            Ask { from: Some(Start::Subject(from)), to: vec![target], system: SystemFilter::Show, ..Ask::default() };
        Some((escalations(graph, &ask), target))
    }

    /// A path to one of the goals.
    fn path(&self, graph: &AccessGraph) -> Option<Finding> {
        let to = |goal| self.found(graph, goal).and_then(|(found, _)| found.findings.into_iter().next());
        self.goals.iter().find_map(to)
    }

    /// Runs what the remedies say on the server, until the program finds no path any more.
    fn cut(&mut self, lab: &Lab) {
        loop {
            let graph = self.graph();
            let Some(finding) = self.path(&graph) else { return };
            let commands = Remedies::new(&graph).of(&finding).commands;
            assert!(!commands.is_empty(), "no remedy: {finding:#?}\n{}", self.text());
            for dry in [true, false] {
                let ran = lab.server.run_printed(None, &commands, dry);
                ran.unwrap_or_else(|said| panic!("{said}\n{}", self.text()));
            }
            for command in &commands {
                kubectl::run(&mut self.objects, command).unwrap();
            }
        }
    }

    /// The identities that the attacker has from the start, with their groups.
    pub(crate) fn own(&self) -> Vec<Own> {
        let account = |name: &str| {
            let groups = ["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{}", self.a)];
            Own { user: format!("system:serviceaccount:{}:{name}", self.a), groups: groups.into() }
        };
        let first = match self.start {
            Shown::User | Shown::Group => {
                Own { user: format!("alice-{}", self.id), groups: vec![format!("team-{}", self.id)] }
            }
            Shown::Account => account("attacker"),
        };
        [first].into_iter().chain(self.second.then(|| account("second"))).collect()
    }

    /// Whether an identity may do `VERB RESOURCE[.GROUP] [NAME]` in a namespace, or in the cluster where that is empty.
    pub(crate) fn may(&self, own: &Own, at: &str, what: &str) -> bool {
        let words: Vec<&str> = what.split(' ').collect();
        let (resource, group) = words[1].split_once('.').unwrap_or((words[1], ""));
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let attributes = json!({"verb": words[0], "group": group, "resource": resource, "subresource": subresource,
            "namespace": at, "name": words.get(2).copied().unwrap_or_default()});
        let groups: Vec<&str> = own.groups.iter().map(String::as_str).chain(["system:authenticated"]).collect();
        let world = worlds::World { objects: self.objects.clone(), mode: Mode::Rbac };
        (ORACLE.answers)(&world, &[review(&own.user, &groups, attributes)])[0]
    }

    pub(crate) fn text(&self) -> String {
        let plain = |object: &&Value| {
            object["kind"] != "Namespace"
                && object["metadata"]["name"] != "planted"
                && object["metadata"]["name"] != "default"
        };
        let lines: Vec<String> = self.objects.iter().filter(plain).map(Value::to_string).collect();
        format!("{} {:?} {:?}\n{}", self.id, self.start, self.twists, lines.join("\n"))
    }
}

pub(crate) fn account(namespace: &str, name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"namespace": namespace, "name": name}})
}

pub(crate) fn user(name: &str) -> Value {
    json!({"kind": "User", "apiGroup": RBAC_GROUP, "name": name})
}

pub(crate) fn group(name: &str) -> Value {
    json!({"kind": "Group", "apiGroup": RBAC_GROUP, "name": name})
}

pub(crate) fn account_subject(namespace: &str, name: &str) -> Value {
    json!({"kind": "ServiceAccount", "namespace": namespace, "name": name})
}

fn metadata(namespace: &str, name: &str) -> Value {
    if namespace.is_empty() { json!({"name": name}) } else { json!({"name": name, "namespace": namespace}) }
}

/// A Role, or a ClusterRole where the namespace is empty.
pub(crate) fn role(namespace: &str, name: &str, rules: Value) -> Value {
    let kind = if namespace.is_empty() { "ClusterRole" } else { "Role" };
    json!({"apiVersion": format!("{RBAC_GROUP}/v1"), "kind": kind, "metadata": metadata(namespace, name), "rules": rules})
}

/// A binding to a Role, if so said, or to a ClusterRole.
pub(crate) fn binding(namespace: &str, name: &str, (own, role): (bool, &str), subjects: Vec<Value>) -> Value {
    let kind = if namespace.is_empty() { "ClusterRoleBinding" } else { "RoleBinding" };
    let role_kind = if own { "Role" } else { "ClusterRole" };
    json!({"apiVersion": format!("{RBAC_GROUP}/v1"), "kind": kind, "metadata": metadata(namespace, name),
        "roleRef": {"apiGroup": RBAC_GROUP, "kind": role_kind, "name": role}, "subjects": subjects})
}

/// All that a role can have on resources.
pub(crate) fn everything() -> Value {
    json!([{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}])
}

pub(crate) fn token_request() -> Value {
    json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}})
}

/// What an attacker has at some time.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) hands: Vec<Hand>,
    /// What was gained that is no identity: namespaces whose Secrets were read, and words of goals.
    pub(crate) marks: BTreeSet<String>,
    /// Roles that were written into, and roles that were made: namespace and name.
    pub(crate) rewritten: BTreeSet<(String, String)>,
    pub(crate) made: BTreeSet<(String, String)>,
    /// Bindings that were made: the place, and the role's namespace and name.
    pub(crate) bound: BTreeSet<(String, String, String)>,
    /// Ways that were refused whatever the role; tried again in the next round.
    pub(crate) refused: BTreeSet<String>,
    /// How much there was when bindings were last tried.
    pub(crate) bound_at: Option<usize>,
    pub(crate) counter: usize,
    /// Roles that were written once more, and accounts that were made.
    pub(crate) writes: usize,
    /// How much there was before the last round.
    pub(crate) before: Option<usize>,
    reached: Vec<bool>,
}

impl State {
    /// How much there is; it never gets less.
    pub(crate) fn size(&self) -> usize {
        self.hands.len() + self.marks.len() + self.rewritten.len() + self.made.len() + self.bound.len() + self.writes
    }

    /// Whether this subject can be acted as.
    pub(crate) fn is(&self, who: &Value) -> bool {
        self.hands.iter().any(|hand| hand.who == *who)
    }
}

/// What is tried, beside tokens and the impersonation of accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    /// Writing roles and bindings.
    Writes,
    /// Impersonating the user and the group of the world.
    Impersonation,
    /// Having the certificate of somebody signed.
    Certificates,
    /// Secrets that hold tokens.
    TokenSecrets,
    /// Pods and what makes pods.
    Pods,
    /// The labels of namespaces.
    Labels,
    /// Webhooks.
    Webhooks,
}

/// A test: what is tried, how often, and what is expected as long as the program does not know the technique.
#[derive(Clone, Copy)]
pub(crate) struct Trial {
    pub(crate) moves: &'static [Move],
    pub(crate) rounds: usize,
    /// For each goal of a world.
    pub(crate) expected: Option<fn(&World, &Goal) -> bool>,
}

/// What came out of one test.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Score {
    pub(crate) worlds: usize,
    /// Of which all paths were cut in so many before.
    pub(crate) cut: usize,
    pub(crate) yes: usize,
    pub(crate) no: usize,
    /// The yes whose path has the technique.
    pub(crate) by_it: usize,
}

/// Makes worlds, performs in them what an attacker can, and compares what is gained with what the program says.
pub(crate) fn run(technique: &'static str, worlds: usize, trial: Trial, make: fn(&mut World)) {
    let lab = lab();
    assert!(worlds <= MOST);
    let new = |at| {
        let mut world = World::new(technique, at);
        make(&mut world);
        world
    };
    let known = rules::technique(technique).is_some();
    let with_paths =
        (worlds..if known { MOST } else { worlds }).map(new).filter(|world| world.path(&world.graph()).is_some());
    let mut to_cut: Vec<World> = with_paths.take(worlds.div_ceil(CUT)).collect();
    let mut worlds: Vec<World> = (0..worlds).map(new).collect();
    let all = worlds.iter().chain(&to_cut);
    lab.server.apply_all(all.flat_map(|world| world.objects.iter().cloned()).collect());
    to_cut.iter_mut().for_each(|world| world.cut(lab));
    let cut = to_cut.len();
    worlds.extend(to_cut);
    lab.server.wait_visible();
    let mut states: Vec<State> = lab.each(worlds.iter().collect(), async |world| State {
        hands: world.hands(lab).await,
        reached: vec![false; world.goals.len()],
        ..State::default()
    });
    for round in 0..trial.rounds {
        let before: usize = states.iter().map(State::size).sum();
        states = lab.each(worlds.iter().zip(states).collect(), async |(world, mut state)| {
            super::round(lab, world, &mut state, trial.moves, round).await;
            state
        });
        let last = round + 1 == trial.rounds;
        if !last && round > 0 && states.iter().map(State::size).sum::<usize>() == before {
            continue;
        }
        lab.server.wait_visible();
        states = lab.each(worlds.iter().zip(states).collect(), async |(world, mut state)| {
            for (at, goal) in world.goals.iter().enumerate() {
                state.reached[at] = state.reached[at] || goal.is_reached(world, &state, last).await;
            }
            state
        });
    }
    let mut score = Score { worlds: worlds.len(), cut, ..Score::default() };
    let mut wrong = Vec::new();
    for (world, state) in worlds.iter().zip(&states) {
        for ((goal, path), &reached) in world.goals.iter().zip(world.predicted()).zip(&state.reached) {
            score.yes += usize::from(reached);
            score.no += usize::from(!reached);
            let by_rights = trial.expected.filter(|_| !known || matches!(goal, Goal::Other(_)));
            let (expected, by_it, who) = match by_rights {
                Some(expected) => (expected(world, goal), true, "the rights say".to_owned()),
                None => {
                    let by_it = path.iter().flatten().any(|&id| id == technique);
                    // What is held from the start takes no step.
                    let holds = technique == "secret-read" && path.as_ref().is_some_and(Vec::is_empty);
                    (path.is_some(), by_it || holds, format!("the program says {path:?}"))
                }
            };
            score.by_it += usize::from(reached && by_it);
            if expected != reached {
                let does = if reached { "has it" } else { "does not have it" };
                wrong.push(format!("{goal:?}: {does} on the server; {who}, {expected}\n{}", world.text()));
            }
        }
    }
    report(technique, score, &wrong);
    assert!(score.by_it >= 3 && score.no >= 5, "{technique} is hardly seen: {score:?}");
}

/// Panics with the first of what is wrong.
#[allow(clippy::print_stderr, reason = "cargo test shows it on request")]
pub(crate) fn report(technique: &str, score: Score, wrong: &[String]) {
    let Score { worlds, cut, yes, no, by_it } = score;
    eprintln!("{technique}: {worlds} worlds, {cut} of them cut, {yes} yes ({by_it} by it), {no} no");
    assert!(
        wrong.is_empty(),
        "{technique}: {} of {} differ:\n{}",
        wrong.len(),
        yes + no,
        wrong[..wrong.len().min(3)].join("\n\n")
    );
}
