//! Paths through Azure Service Operator, both ways: somebody weak has a path to a scope of Azure if, and only if, the real server lets
//! through the requests that a technique takes. Each scope is one that only some techniques lead to, since each credential has a role
//! in a scope of its own.
//!
//! There is no operator and no Azure: what ASO does with an object, and what Azure allows an identity, is not looked at here.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;

use rbac_lens::collect::{Input, read_azure};
use rbac_lens::graph::AccessGraph;
use rbac_lens::model::{Name, Subject};
use rbac_lens::query::{SystemFilter, TokenMode};
use rbac_lens::rules::{Ask, AzureTarget, AzureWanted, AzureWhat, Finding, Start, Target, escalations};
use serde_json::{Value, json};

use super::{
    Act, CREDENTIAL, CREDENTIAL_FROM, KINDS, NEW, OLD, RBAC, Then, Weak, custom, on_custom, on_secret, performed,
    right_of,
};
use crate::live::{as_user, define, definition, read_with};
use crate::server::{ApiServer, Call, Options};
use crate::worlds::engine;
use crate::worlds::random::Dice;

/// The kinds that the roles in Azure are about, and the other Secret of each namespace.
const ACCOUNTS: [&str; 4] = KINDS[5];
const TRUSTS: [&str; 4] = KINDS[2];
const OTHER: &str = "other";
/// A Secret that no rule names.
const EXPORTED: &str = "exported";

const TENANT: &str = "99999999-0000-0000-0000-000000000001";
const SUBSCRIPTION: &str = "/subscriptions/11111111-0000-0000-0000-000000000001";
/// Where ASO runs.
const OPERATOR: &str = "azureserviceoperator-system";

/// A role: its name and the one action that it allows.
type Role = (&'static str, &'static str);
/// Through ASO by whoever makes storage accounts.
const STORE: Role = ("00000000-0000-0000-0000-00000000000a", "Microsoft.Storage/storageAccounts/write");
/// Through ASO by whoever has their keys written into a Secret and reads that.
const KEYS: Role = ("00000000-0000-0000-0000-00000000000b", "Microsoft.Storage/storageAccounts/listKeys/action");
/// Through ASO by whoever writes trusts.
const TRUST: Role = (
    "00000000-0000-0000-0000-00000000000c",
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write",
);
/// By a token alone, for there is no such kind in the cluster.
const TOKEN: Role = ("00000000-0000-0000-0000-00000000000d", "Microsoft.Network/virtualNetworks/write");

/// What shows a Secret.
const READS: [&str; 6] =
    ["get", "list", "list only", "read by patch", "read by delete", "read by delete by collection"];

/// Somewhere in Azure that somebody may want to reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Goal {
    /// What the credential of the first namespace writes.
    Own,
    /// What its password is worth outside of ASO.
    Password,
    /// What an identity has that it may make trust somebody.
    Trusting,
    /// What the global credential writes.
    Global,
    /// What the other Secret of a namespace is worth, by the number of the namespace.
    Other(usize),
    /// Keys that the other Secret of the second namespace gives.
    Keys,
}

const GOALS: [Goal; 7] =
    [Goal::Own, Goal::Password, Goal::Trusting, Goal::Global, Goal::Other(0), Goal::Other(1), Goal::Keys];

/// An identity, by a number.
fn client(number: u64) -> String {
    format!("{number:08x}-0000-0000-0000-00000000000c")
}

fn object(number: u64) -> String {
    format!("{number:08x}-0000-0000-0000-00000000000b")
}

fn group(name: &str) -> String {
    format!("{SUBSCRIPTION}/resourceGroups/{name}")
}

fn identity_id(number: u64, place: &str) -> String {
    format!("{}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-{number}", group(place))
}

fn identity(number: u64, place: &str) -> Value {
    json!({"id": identity_id(number, place), "name": format!("id-{number}"), "tenantId": TENANT, "clientId": client(number),
        "principalId": object(number), "type": "Microsoft.ManagedIdentity/userAssignedIdentities"})
}

/// An identity that trusts the operator.
fn trusting(number: u64, place: &str) -> [Value; 2] {
    let id = format!("{}/federatedIdentityCredentials/aso", identity_id(number, place));
    let trust = json!({"id": id, "name": "aso", "issuer": "https://issuer.example/one/",
        "type": "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
        "audiences": ["api://AzureADTokenExchange"],
        "subject": format!("system:serviceaccount:{OPERATOR}:azureserviceoperator-default")});
    [identity(number, place), trust]
}

fn role_id(role: Role) -> String {
    format!("/providers/Microsoft.Authorization/roleDefinitions/{}", role.0)
}

fn definition_of(role: Role) -> Value {
    json!({"id": role_id(role), "name": role.0, "roleName": role.1, "roleType": "CustomRole", "assignableScopes": ["/"],
        "type": "Microsoft.Authorization/roleDefinitions",
        "permissions": [{"actions": [role.1], "notActions": [], "dataActions": [], "notDataActions": []}]})
}

fn assigned(number: u64, role: Role, place: &str) -> Value {
    let scope = group(place);
    json!({"id": format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{number}-{}", role.0),
        "type": "Microsoft.Authorization/roleAssignments", "name": format!("{number}-{}", role.0), "scope": scope,
        "principalId": object(number), "principalType": "ServicePrincipal", "roleDefinitionId": role_id(role)})
}

fn secret(namespace: &str, name: &str, number: u64, more: Value) -> Value {
    let mut data = json!({"AZURE_CLIENT_ID": client(number), "AZURE_TENANT_ID": TENANT,
        "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION.rsplit('/').next().unwrap()});
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "stringData": data})
}

/// ASO with a global credential, as its chart installs it.
fn operator() -> Vec<Value> {
    let keys = [
        "AZURE_SUBSCRIPTION_ID",
        "AZURE_TENANT_ID",
        "AZURE_CLIENT_ID",
        "USE_WORKLOAD_IDENTITY_AUTH",
        "AZURE_OPERATOR_MODE",
    ];
    let env: Vec<Value> = keys
        .iter()
        .map(|key| json!({"name": key, "valueFrom": {"secretKeyRef": {"name": "aso-controller-settings", "key": key}}}))
        .collect();
    let account = "azureserviceoperator-default";
    let settings = json!({"USE_WORKLOAD_IDENTITY_AUTH": "true", "AZURE_OPERATOR_MODE": "both"});
    vec![
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": OPERATOR}}),
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account, "namespace": OPERATOR}}),
        secret(OPERATOR, "aso-controller-settings", 1, settings),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "azureserviceoperator-controller-manager",
            "namespace": OPERATOR, "labels": {"app.kubernetes.io/name": "azure-service-operator"}},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}},
                "spec": {"serviceAccountName": account, "containers": [{"name": "manager",
                    "image": "mcr.microsoft.com/k8s/azureserviceoperator:v2.20.0", "env": env}]}}}}),
    ]
}

/// The resource group of a goal of a world.
fn place(world: &str, goal: Goal) -> String {
    match goal {
        Goal::Global => "global".to_owned(),
        other => format!("{world}-{other:?}").to_lowercase().replace(['(', ')'], ""),
    }
}

struct World {
    dice: Dice,
    id: String,
    /// Where something is tried, and one that only an account is in.
    namespaces: [String; 4],
    weak: Vec<Weak>,
    objects: Vec<Value>,
    azure: Vec<Value>,
}

impl World {
    fn new(seed: u64) -> World {
        let mut dice = Dice::new(seed.wrapping_mul(0x9e37_79b9));
        dice.below(2);
        let id = format!("path-{seed}");
        let namespaces = ["a", "b", "c", "d"].map(|name| format!("{id}-{name}"));
        let named = |kind: &str, name: String| json!({"kind": kind, "apiGroup": RBAC, "name": name});
        let (user, team) = (format!("{id}-alice"), format!("{id}-team"));
        let weak = vec![
            Weak { user: user.clone(), groups: Vec::new(), subject: named("User", user) },
            Weak { user: format!("{id}-bob"), groups: vec![team.clone()], subject: named("Group", team) },
            Weak {
                user: format!("system:serviceaccount:{}:robot", namespaces[3]),
                groups: ["", &format!(":{}", namespaces[3])].map(|of| format!("system:serviceaccounts{of}")).to_vec(),
                subject: json!({"kind": "ServiceAccount", "namespace": namespaces[3], "name": "robot"}),
            },
        ];
        let mut world = World { dice, id, namespaces, weak, objects: Vec::new(), azure: Vec::new() };
        world.content(seed * 10);
        world.grants();
        world
    }

    /// The first namespace has a credential with a password, the second has none, and that of the third lacks a key; the first two have
    /// another Secret each.
    fn content(&mut self, first: u64) {
        let [a, b, c, d] = self.namespaces.clone();
        for namespace in [&a, &b, &c, &d] {
            self.objects.push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}));
        }
        self.objects
            .push(json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot", "namespace": d}}));
        self.objects.push(secret(&a, CREDENTIAL, first, json!({"AZURE_CLIENT_SECRET": "invented"})));
        let mut broken = secret(&c, CREDENTIAL, first, json!({}));
        broken["stringData"].as_object_mut().unwrap().remove("AZURE_TENANT_ID");
        self.objects.extend([broken, custom(ACCOUNTS, &c, OLD), custom(TRUSTS, &c, OLD)]);
        let id = self.id.clone();
        let place = |goal| place(&id, goal);
        let mut azure = vec![
            json!({"id": object(first), "appId": client(first), "displayName": format!("app-{first}"),
                "servicePrincipalType": "Application", "appOwnerOrganizationId": TENANT}),
            assigned(first, STORE, &place(Goal::Own)),
            assigned(first, TOKEN, &place(Goal::Password)),
            assigned(first, TRUST, &format!("{}-ids", self.id)),
            identity(first + 1, &format!("{}-ids", self.id)),
            assigned(first + 1, TOKEN, &place(Goal::Trusting)),
        ];
        for (at, namespace) in [&a, &b].into_iter().enumerate() {
            let number = first + 2 + at as u64;
            azure.extend(trusting(number, &format!("{}-elsewhere", self.id)));
            azure.push(assigned(number, STORE, &place(Goal::Other(at))));
            if at == 1 {
                azure.push(assigned(number, KEYS, &place(Goal::Keys)));
                self.objects.push(super::secret(namespace, EXPORTED));
            }
            self.objects.push(secret(namespace, OTHER, number, json!({})));
            // ASO is told of the Secret by a resource that names it.
            let mut kept = custom(ACCOUNTS, namespace, "kept");
            kept["metadata"]["annotations"] = json!({CREDENTIAL_FROM: OTHER});
            let mut trust = custom(TRUSTS, namespace, OLD);
            let owner =
                if at == 0 { identity_id(first + 1, &format!("{}-ids", self.id)) } else { identity_id(0, "nothing") };
            trust["spec"]["owner"] = json!({"armId": owner});
            self.objects.extend([kept, trust, custom(ACCOUNTS, namespace, OLD)]);
        }
        self.azure = azure;
    }

    fn grants(&mut self) {
        for at in 0..self.weak.len() {
            // Most techniques take two rights in one namespace.
            let favourite = self.dice.pick(&self.namespaces[..3]).clone();
            for number in 0..self.dice.from(2, 5) {
                let (rule, in_namespace) = self.rule();
                let elsewhere = self.dice.pick(&self.namespaces[..3]).clone();
                let namespace = if self.dice.percent(65) { favourite.clone() } else { elsewhere };
                let (own, bound) =
                    if in_namespace || self.dice.percent(75) { (self.dice.percent(50), true) } else { (false, false) };
                let metadata = |scoped: bool| {
                    let name = format!("{}-{at}-{number}", self.id);
                    if scoped { json!({"name": name, "namespace": namespace}) } else { json!({"name": name}) }
                };
                let kind = |scoped: bool| if scoped { "" } else { "Cluster" };
                self.objects.push(json!({"apiVersion": format!("{RBAC}/v1"), "kind": format!("{}Role", kind(own)),
                    "metadata": metadata(own), "rules": [rule]}));
                self.objects.push(json!({"apiVersion": format!("{RBAC}/v1"), "kind": format!("{}RoleBinding", kind(bound)),
                    "metadata": metadata(bound), "subjects": [self.weak[at].subject],
                    "roleRef": {"apiGroup": RBAC, "kind": format!("{}Role", kind(own)), "name": metadata(own)["name"]}}));
            }
        }
    }

    /// A rule that a technique may need, often not quite, and whether it has to stay in a namespace: who writes the Secrets of all
    /// namespaces has ways that are not tried here.
    fn rule(&mut self) -> (Value, bool) {
        let dice = &mut self.dice;
        let list = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let (verbs, kind, names): (&[&str], Option<[&str; 4]>, &[&str]) = match dice.below(100) {
            0..45 => {
                (&["create", "create", "create", "create patch", "patch", "*", "get list"], Some(ACCOUNTS), &[OLD, NEW])
            }
            45..60 => (
                &["create", "patch", "update", "update get", "update list", "create patch", "*"],
                Some(TRUSTS),
                &[OLD, OLD, NEW],
            ),
            _ => (
                &[
                    "get",
                    "list",
                    "get list",
                    "create",
                    "update",
                    "patch",
                    "create patch",
                    "delete",
                    "deletecollection",
                    "*",
                ],
                None,
                &[CREDENTIAL, CREDENTIAL, OTHER, NEW],
            ),
        };
        let verbs: &&str = dice.pick(verbs);
        let verbs = list(verbs);
        let (own, plural) = kind.map_or(("", "secrets"), |[group, _, plural, _]| (group, plural));
        let group = match dice.below(12) {
            0 => "*",
            1 if kind.is_some() => "*.azure.com",
            1 => "core",
            _ => own,
        };
        let resource = match dice.below(12) {
            // Everything of the core group has more ways than these.
            0 if group == own && kind.is_some() => "*".to_owned(),
            1 => format!("{plural}/status"),
            _ => plural.to_owned(),
        };
        let writes = kind.is_none() && verbs.iter().any(|verb| verb != "get" && verb != "list");
        let mut rule = json!({"verbs": verbs, "apiGroups": [group], "resources": [resource]});
        if dice.percent(30) {
            rule["resourceNames"] = json!([dice.pick(names)]);
        }
        (rule, writes)
    }

    /// Everything that is tried.
    fn acts(&self) -> Vec<Act> {
        let mut acts = vec![on_empty(ACCOUNTS, &self.namespaces[3])];
        for (at, namespace) in self.namespaces[..3].iter().enumerate() {
            for kind in [ACCOUNTS, TRUSTS] {
                acts.extend(on_custom(kind, namespace));
                acts.extend(on_reading(kind, namespace));
            }
            acts.extend(on_secret(namespace, CREDENTIAL, at != 1));
            acts.extend(on_secret(namespace, OTHER, at != 2));
            acts.extend(on_secret(namespace, NEW, false));
            if at == 1 {
                acts.extend(on_secret(namespace, EXPORTED, true));
            }
        }
        acts
    }

    /// What can be reached by what was let through, if ASO gives every namespace the same token, or each its own.
    fn reached(&self, done: &BTreeSet<String>, tokens: TokenMode) -> BTreeSet<Goal> {
        let did = |what: &str, at: usize| done.contains(&format!("{what} in {}", self.namespaces[at]));
        let name = |[group, _, plural, _]: [&str; 4]| format!("{plural}.{group}");
        let any = |verbs: &[&str], what: &str, at: usize| verbs.iter().any(|verb| did(&format!("{verb} {what}"), at));
        let makes = |kind, at| any(&["create", "apply"], &name(kind), at);
        let changes = |kind, at| {
            let version =
                any(&["get", "list", "list only"], &name(kind), at) && any(&["annotate by update"], &name(kind), at);
            version || any(&["annotate by patch"], &name(kind), at)
        };
        let writes = |secret, at| any(&["create", "apply", "replace", "patch"], secret, at);
        let reads = any(&READS, CREDENTIAL, 0);
        let deletes = |at| any(&["delete", "delete by collection"], CREDENTIAL, at);
        let stores = |at| makes(ACCOUNTS, at) || any(&[&format!("apply {OLD}")], &name(ACCOUNTS), at);
        // Where a credential applies, what is made writes another one itself. In strict mode ASO acts by the token of an account that
        // nothing trusts.
        let written = [CREDENTIAL, OTHER, NEW].iter().any(|secret| writes(secret, 2));
        let forged = tokens == TokenMode::Relaxed && ([0, 1, 3].into_iter().any(&stores) || (stores(2) && written));
        // What is exported has any name; that one of a free name is read alone is not told, since Secrets are not listed here.
        let exported = any(&READS, EXPORTED, 1);
        let is_reached = |goal: &Goal| match goal {
            Goal::Own => reads || stores(0),
            Goal::Password => reads,
            Goal::Trusting => reads || makes(TRUSTS, 0) || changes(TRUSTS, 0),
            Goal::Global => stores(1) || stores(3) || [0, 2].into_iter().any(|at| stores(at) && deletes(at)) || forged,
            Goal::Other(at) => stores(*at) || forged,
            Goal::Keys => stores(1) && exported,
        };
        GOALS.into_iter().filter(is_reached).collect()
    }

    /// What the program says: each goal with the techniques of its path.
    fn predicted(&self, graph: &AccessGraph, weak: &Weak, tokens: TokenMode) -> BTreeMap<Goal, Vec<&'static str>> {
        let name = |text: &Value| -> Name { graph.snapshot().names.find(text.as_str().unwrap()).unwrap() };
        let own = name(&weak.subject["name"]);
        let from = match weak.subject["kind"].as_str() {
            Some("User") => Subject::User(own),
            Some("Group") => Subject::Group(own),
            _ => Subject::ServiceAccount { namespace: name(&weak.subject["namespace"]), name: own },
        };
        let ask = Ask {
            from: Some(Start::Subject(from)),
            azure: Some(AzureWanted { what: AzureWhat::Any, power: None }),
            assume: Some(tokens),
            system: SystemFilter::Show,
            ..Ask::default()
        };
        let (found, azure) = (escalations(graph, &ask).findings, graph.azure());
        let path = |goal| {
            let scope = azure.find_scope(&group(&place(&self.id, goal)));
            let leads = |finding: &&Finding| match finding.target {
                Target::Azure(AzureTarget::Power { scope: own, .. }) => Some(own) == scope,
                _ => false,
            };
            Some((goal, found.iter().find(leads)?.steps.iter().map(|step| step.technique.id).collect()))
        };
        GOALS.into_iter().filter_map(path).collect()
    }
}

/// Whoever updates a custom resource has to say which version they have read.
fn on_reading(kind: [&'static str; 4], namespace: &str) -> Vec<Act> {
    let [group, version, plural, name] = kind;
    let all = format!("/apis/{group}/{version}/namespaces/{namespace}/{plural}");
    let act = |verb: &str, object: &str, path: String| Act {
        what: format!("{verb} {plural}.{group} in {namespace}"),
        rights: vec![right_of(kind, namespace, verb, object)],
        call: Call::get(path),
        then: Then::Says(name),
        undo: Vec::new(),
    };
    vec![
        act("get", OLD, format!("{all}/{OLD}")),
        act("list only", OLD, format!("{all}?fieldSelector=metadata.name%3D{OLD}")),
        act("list", "", all),
    ]
}

/// A name that is taken elsewhere is free in a namespace that has no resource.
fn on_empty(kind: [&'static str; 4], namespace: &str) -> Act {
    let [group, version, plural, _] = kind;
    let path = format!("/apis/{group}/{version}/namespaces/{namespace}/{plural}/{OLD}");
    Act {
        what: format!("apply {OLD} {plural}.{group} in {namespace}"),
        rights: ["patch", "create"].map(|verb| right_of(kind, namespace, verb, OLD)).to_vec(),
        call: Call::apply(format!("{path}?fieldManager=weak"), custom(kind, namespace, OLD)),
        then: Then::Exists(path.clone(), true),
        undo: vec![Call::delete(path)],
    }
}

/// `ASO=1001..1100` looks at other worlds.
#[test]
#[allow(clippy::print_stderr, reason = "cargo test shows it on request")]
fn paths_through_aso_are_there_exactly_where_their_requests_are_let_through() {
    let server = ApiServer::start(Options::default());
    let labelled = KINDS.map(|kind| {
        let mut definition = definition(kind);
        definition["metadata"]["labels"] = json!({"app.kubernetes.io/name": "azure-service-operator"});
        definition["spec"]["versions"][0]["subresources"] = json!({"status": {}});
        definition
    });
    define(&server, &labelled);
    let seeds = if std::env::var("ASO").is_ok() { super::seeds() } else { 1..37 };
    let worlds: Vec<World> = seeds.map(World::new).collect();
    server.apply_all(worlds.iter().flat_map(|world| world.objects.iter().cloned()).chain(operator()).collect());
    server.wait_visible();
    let mut snapshot = read_with(&as_user(&server, "admin"), |_| {});
    let global = trusting(1, "global-ids").into_iter().chain([assigned(1, STORE, "global")]);
    let roles = [STORE, KEYS, TRUST, TOKEN].map(definition_of);
    let own = worlds.iter().flat_map(|world| world.azure.iter().cloned());
    let azure: Vec<Value> = global.chain(roles).chain(own).collect();
    let azure = json!(azure).to_string();
    let files = snapshot.files.len();
    let read = read_azure(&[Input::Stdin], &mut Cursor::new(azure), &engine::options(), files);
    read.unwrap_or_else(|error| panic!("{:?}", error.lines().collect::<Vec<_>>())).add_to(&mut snapshot);
    let graph = AccessGraph::new(snapshot);
    let mut seen: BTreeMap<(Goal, bool), usize> = BTreeMap::new();
    let (mut techniques, mut wrong) = (BTreeMap::<&str, usize>::new(), Vec::new());
    for world in &worlds {
        for weak in &world.weak {
            let done = performed(&server, weak, &world.acts());
            for tokens in [TokenMode::Relaxed, TokenMode::Strict] {
                let (said, reached) = (world.predicted(&graph, weak, tokens), world.reached(&done, tokens));
                if said.keys().copied().collect::<BTreeSet<_>>() != reached {
                    let mine = |object: &&Value| object["subjects"][0] == weak.subject;
                    let role = |binding: &Value| {
                        let named = |object: &&Value| {
                            object["kind"] == binding["roleRef"]["kind"]
                                && object["metadata"]["name"] == binding["roleRef"]["name"]
                        };
                        let role = world.objects.iter().find(named).unwrap();
                        format!("in {} {}", binding["metadata"]["namespace"], role["rules"][0])
                    };
                    let rules: Vec<String> = world.objects.iter().filter(mine).map(role).collect();
                    wrong.push(format!(
                        "{} {tokens:?}\nby the server {reached:?}\nthe program says {said:?}\ndone {done:?}\n{}",
                        weak.user,
                        rules.join("\n")
                    ));
                }
                GOALS.into_iter().for_each(|goal| *seen.entry((goal, reached.contains(&goal))).or_default() += 1);
                said.values().flatten().for_each(|&technique| *techniques.entry(technique).or_default() += 1);
            }
        }
    }
    eprintln!("{seen:?}\n{techniques:?}");
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong[..wrong.len().min(6)].join("\n\n"));
    for goal in GOALS {
        let count = |reached| seen.get(&(goal, reached)).copied().unwrap_or_default();
        assert!(count(true) >= 5 && count(false) >= 20, "hardly ever: {goal:?} in {seen:?}");
    }
    for technique in [
        "aso-resource-write",
        "aso-resource-change",
        "aso-credential-read",
        "aso-credential-forge",
        "aso-credential-fallback",
        "aso-credential-choice",
        "aso-federated-credential",
        "aso-skip-export",
    ] {
        assert!(techniques.get(technique).is_some_and(|&count| count >= 2), "hardly ever {technique}: {techniques:?}");
    }
}
