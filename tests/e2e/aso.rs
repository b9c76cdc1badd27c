//! The Kubernetes half of Azure Service Operator's paths, performed: weak identities make, change and delete custom resources, say
//! by which credential they are reconciled, and read, replace and delete credentials, in random worlds. What the server lets
//! through is what the program says.
//!
//! There is no operator: what Azure would do with an object is not looked at here.

mod paths;

use std::collections::BTreeSet;

use rbac_lens::graph::AccessGraph;
use rbac_lens::model::{Action, ClusterId, Identity, ResourceAction};
use rbac_lens::query::{Authorizers, Reviewed};
use serde_json::{Value, json};

use crate::live::{as_user, define, definition, read_with};
use crate::server::{ApiServer, Call, Options};
use crate::worlds::random::Dice;

/// Kinds of Azure Service Operator: group, version, plural and kind.
const KINDS: [[&str; 4]; 12] = [
    ["authorization.azure.com", "v1api20220401", "roleassignments", "RoleAssignment"],
    ["authorization.azure.com", "v1api20220401", "roledefinitions", "RoleDefinition"],
    ["managedidentity.azure.com", "v1api20230131", "federatedidentitycredentials", "FederatedIdentityCredential"],
    ["managedidentity.azure.com", "v1api20230131", "userassignedidentities", "UserAssignedIdentity"],
    ["containerservice.azure.com", "v1api20240901", "managedclusters", "ManagedCluster"],
    ["storage.azure.com", "v1api20230101", "storageaccounts", "StorageAccount"],
    ["keyvault.azure.com", "v1api20230701", "vaults", "Vault"],
    ["compute.azure.com", "v1api20220301", "virtualmachines", "VirtualMachine"],
    ["compute.azure.com", "v1api20220301", "virtualmachinesextensions", "VirtualMachinesExtension"],
    ["containerinstance.azure.com", "v1api20211001", "containergroups", "ContainerGroup"],
    ["resources.azure.com", "v1api20200601", "resourcegroups", "ResourceGroup"],
    ["dbforpostgresql.azure.com", "v1api20240801", "flexibleservers", "FlexibleServer"],
];

/// The annotation that names the Secret by which an object is reconciled.
const CREDENTIAL_FROM: &str = "serviceoperator.azure.com/credential-from";

/// The Secret that everything in its namespace is reconciled by.
const CREDENTIAL: &str = "aso-credential";

/// An object that is there in every world, and one that is not.
const OLD: &str = "old";
const NEW: &str = "new";

/// Something to try.
struct Act {
    /// What it is, as the answers are compared.
    what: String,
    /// The rights that the server looks at, all of them: verb, resource with its group and subresource, namespace, name.
    rights: Vec<ResourceAction>,
    call: Call,
    /// What has to be so afterwards if it is let through.
    then: Then,
    /// What puts everything back.
    undo: Vec<Call>,
}

/// What an act does.
enum Then {
    /// The object at the path has the annotation.
    Annotated(String, bool),
    /// There is an object at the path, or none.
    Exists(String, bool),
    /// The answer has this text.
    Says(&'static str),
}

/// Somebody who holds little.
struct Weak {
    user: String,
    groups: Vec<String>,
    /// As a binding names it.
    subject: Value,
}

struct World {
    dice: Dice,
    id: String,
    namespaces: Vec<String>,
    weak: Vec<Weak>,
    objects: Vec<Value>,
}

const RBAC: &str = "rbac.authorization.k8s.io";

impl World {
    fn new(seed: u64) -> World {
        let mut dice = Dice::new(seed.wrapping_mul(0x2545_f491));
        dice.below(2);
        let id = format!("aso-{seed}");
        let namespaces: Vec<String> = ["a", "b"].map(|name| format!("{id}-{name}")).to_vec();
        let [a, b] = [&namespaces[0], &namespaces[1]];
        let person = |kind: &str, name: String| json!({"kind": kind, "apiGroup": RBAC, "name": name});
        let account =
            |namespace: &str, name: &str| json!({"kind": "ServiceAccount", "namespace": namespace, "name": name});
        let of_account = |namespace: &str, name: &str, subject: Value| Weak {
            user: format!("system:serviceaccount:{namespace}:{name}"),
            groups: ["", &format!(":{namespace}")].map(|of| format!("system:serviceaccounts{of}")).to_vec(),
            subject,
        };
        let weak = vec![
            Weak { user: format!("{id}-alice"), groups: Vec::new(), subject: person("User", format!("{id}-alice")) },
            Weak {
                user: format!("{id}-bob"),
                groups: vec![format!("{id}-team")],
                subject: person("Group", format!("{id}-team")),
            },
            of_account(a, "robot", account(a, "robot")),
            of_account(b, "runner", person("Group", format!("system:serviceaccounts:{b}"))),
        ];
        let mut world = World { dice, id, weak, objects: Vec::new(), namespaces };
        world.content();
        world.grants();
        world
    }

    /// What is there: of each kind an object in each namespace, and the credential of one of them.
    fn content(&mut self) {
        let of_each = |namespace: &String| {
            let space = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
            let customs = KINDS.map(|kind| custom(kind, namespace, OLD));
            [vec![space], customs.to_vec(), vec![secret(namespace, "other")]].concat()
        };
        self.objects = self.namespaces.iter().flat_map(of_each).collect();
        self.objects.push(secret(&self.namespaces[0], CREDENTIAL));
    }

    fn grants(&mut self) {
        for at in 0..self.weak.len() {
            for number in 0..self.dice.from(1, 3) {
                let rules: Vec<Value> = (0..self.dice.from(1, 2)).map(|_| self.rule()).collect();
                let namespace = self.dice.pick(&self.namespaces).clone();
                // A Role, a ClusterRole in one namespace, or a ClusterRole everywhere.
                let (own, bound) = *self.dice.pick(&[(true, true), (false, true), (false, true), (false, false)]);
                let metadata = |scoped: bool| {
                    let name = format!("{}-{at}-{number}", self.id);
                    if scoped { json!({"name": name, "namespace": namespace}) } else { json!({"name": name}) }
                };
                let kind = |scoped: bool| if scoped { "" } else { "Cluster" };
                self.objects.push(json!({"apiVersion": format!("{RBAC}/v1"), "kind": format!("{}Role", kind(own)),
                    "metadata": metadata(own), "rules": rules}));
                self.objects.push(json!({"apiVersion": format!("{RBAC}/v1"), "kind": format!("{}RoleBinding", kind(bound)),
                    "metadata": metadata(bound), "subjects": [self.weak[at].subject],
                    "roleRef": {"apiGroup": RBAC, "kind": format!("{}Role", kind(own)), "name": metadata(own)["name"]}}));
            }
        }
    }

    /// A rule about custom resources or about Secrets, often not quite what is meant.
    fn rule(&mut self) -> Value {
        let dice = &mut self.dice;
        if dice.percent(35) {
            let verbs = ["get", "list", "create", "update", "patch", "delete", "deletecollection", "*"];
            let verbs: BTreeSet<&str> = (0..dice.from(1, 2)).map(|_| *dice.pick(&verbs)).collect();
            let mut rule = json!({"verbs": verbs, "apiGroups": [*dice.pick(&["", "", "", "*", "core"])],
                "resources": [*dice.pick(&["secrets", "secrets", "secrets", "*", "secrets/status"])]});
            if dice.percent(50) {
                rule["resourceNames"] = json!([*dice.pick(&[CREDENTIAL, CREDENTIAL, "other"])]);
            }
            return rule;
        }
        let [group, _, plural, _] = *dice.pick(&KINDS);
        let verbs = ["create", "patch", "patch", "update", "delete", "create patch", "*", "get list"];
        let verbs: Vec<&str> = dice.pick(&verbs).split(' ').collect();
        let group = match dice.below(10) {
            0 => "*",
            // No pattern but the star alone means anything.
            1 => "*.azure.com",
            2 => "azure.com",
            _ => group,
        };
        let resource = match dice.below(10) {
            0 | 1 => "*".to_owned(),
            2 => format!("{plural}/status"),
            3 => "*/status".to_owned(),
            _ => plural.to_owned(),
        };
        let mut rule = json!({"verbs": verbs, "apiGroups": [group], "resources": [resource]});
        if dice.percent(25) {
            rule["resourceNames"] = json!([*dice.pick(&[OLD, NEW, "nothing"])]);
        }
        rule
    }
}

fn custom([group, version, _, kind]: [&str; 4], namespace: &str, name: &str) -> Value {
    json!({"apiVersion": format!("{group}/{version}"), "kind": kind, "metadata": {"name": name, "namespace": namespace},
        "spec": {"owner": {"name": "group"}}})
}

/// Three invented ids and nothing that is secret.
fn secret(namespace: &str, name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace},
        "stringData": {"AZURE_CLIENT_ID": "00000000-0000-0000-0000-000000000001",
            "AZURE_TENANT_ID": "00000000-0000-0000-0000-000000000002",
            "AZURE_SUBSCRIPTION_ID": "00000000-0000-0000-0000-000000000003"}})
}

fn annotated(mut object: Value) -> Value {
    object["metadata"]["annotations"] = json!({CREDENTIAL_FROM: "other"});
    object
}

fn right_of([group, _, plural, _]: [&str; 4], namespace: &str, verb: &str, name: &str) -> ResourceAction {
    ResourceAction {
        verb: verb.to_owned(),
        api_group: group.to_owned(),
        resource: plural.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        ..ResourceAction::default()
    }
}

/// Everything that is tried on a kind in a namespace.
fn on_custom(kind: [&str; 4], namespace: &str) -> Vec<Act> {
    let [group, version, plural, _] = kind;
    let all = format!("/apis/{group}/{version}/namespaces/{namespace}/{plural}");
    let (old, new) = (format!("{all}/{OLD}"), format!("{all}/{NEW}"));
    let right = |verb: &str, subresource: &str, name: &str| ResourceAction {
        subresource: subresource.to_owned(),
        ..right_of(kind, namespace, verb, name)
    };
    let note = json!({"metadata": {"annotations": {CREDENTIAL_FROM: "other"}}});
    let no_note = || vec![Call::patch(&old, json!({"metadata": {"annotations": {CREDENTIAL_FROM: null}}}))];
    let act = |what: &str, rights: Vec<ResourceAction>, call: Call, then: Then, undo: Vec<Call>| Act {
        what: format!("{what} {plural}.{group} in {namespace}"),
        rights,
        call,
        then,
        undo,
    };
    let made = custom(kind, namespace, NEW);
    vec![
        act(
            "create",
            vec![right("create", "", "")],
            Call::post(&all, annotated(made.clone())),
            Then::Annotated(new.clone(), true),
            vec![Call::delete(&new)],
        ),
        act(
            "apply",
            vec![right("patch", "", NEW), right("create", "", NEW)],
            Call::apply(format!("{new}?fieldManager=weak"), made),
            Then::Exists(new.clone(), true),
            vec![Call::delete(&new)],
        ),
        act(
            "annotate by patch",
            vec![right("patch", "", OLD)],
            Call::patch(&old, note.clone()),
            Then::Annotated(old.clone(), true),
            no_note(),
        ),
        act(
            "annotate by update",
            vec![right("update", "", OLD)],
            Call::put(&old, annotated(custom(kind, namespace, OLD))),
            Then::Annotated(old.clone(), true),
            no_note(),
        ),
        act(
            "annotate by patch of status",
            vec![right("patch", "status", OLD)],
            Call::patch(format!("{old}/status"), note),
            // The server keeps the metadata to itself.
            Then::Annotated(old.clone(), false),
            no_note(),
        ),
        act(
            "delete",
            vec![right("delete", "", OLD)],
            Call::delete(&old),
            Then::Exists(old.clone(), false),
            vec![Call::post(&all, custom(kind, namespace, OLD))],
        ),
    ]
}

/// A deletion that shows the object and leaves it.
fn without_effect() -> Value {
    json!({"apiVersion": "v1", "kind": "DeleteOptions", "dryRun": ["All"], "propagationPolicy": "Orphan"})
}

/// Everything that is tried on a Secret of a namespace, which is there or not.
fn on_secret(namespace: &str, name: &str, there: bool) -> Vec<Act> {
    let all = format!("/api/v1/namespaces/{namespace}/secrets");
    let path = format!("{all}/{name}");
    let right = |verb: &str, name: &str| ResourceAction {
        verb: verb.to_owned(),
        resource: "secrets".to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        ..ResourceAction::default()
    };
    let one = format!("{all}?fieldSelector=metadata.name%3D{name}");
    let act = |what: &str, right: ResourceAction, call: Call, then: Then, undo: Vec<Call>| Act {
        what: format!("{what} {name} in {namespace}"),
        rights: vec![right],
        call,
        then,
        undo,
    };
    let made = || vec![Call::post(&all, secret(namespace, name))];
    if !there {
        return vec![
            act(
                "create",
                right("create", ""),
                Call::post(&all, secret(namespace, name)),
                Then::Exists(path.clone(), true),
                vec![Call::delete(&path)],
            ),
            Act {
                rights: vec![right("patch", name), right("create", name)],
                ..act(
                    "apply",
                    right("patch", name),
                    Call::apply(format!("{path}?fieldManager=weak"), secret(namespace, name)),
                    Then::Exists(path.clone(), true),
                    vec![Call::delete(&path)],
                )
            },
        ];
    }
    let whole = || vec![Call::put(&path, secret(namespace, name))];
    let note = json!({"metadata": {"annotations": {CREDENTIAL_FROM: "other"}}});
    vec![
        act("get", right("get", name), Call::get(&path), Then::Says("AZURE_CLIENT_ID"), Vec::new()),
        act("list", right("list", ""), Call::get(&all), Then::Says("AZURE_CLIENT_ID"), Vec::new()),
        act("list only", right("list", name), Call::get(&one), Then::Says("AZURE_CLIENT_ID"), Vec::new()),
        // Whoever changes or deletes a Secret may be shown it, without anything being done.
        act(
            "read by patch",
            right("patch", name),
            Call::patch(format!("{path}?dryRun=All"), json!({})),
            Then::Says("AZURE_CLIENT_ID"),
            Vec::new(),
        ),
        act(
            "read by delete",
            right("delete", name),
            Call::delete(&path).body(without_effect()),
            Then::Says("AZURE_CLIENT_ID"),
            Vec::new(),
        ),
        act(
            "read by delete by collection",
            right("deletecollection", ""),
            Call::delete(format!("{all}?dryRun=All")).body(without_effect()),
            Then::Says("AZURE_CLIENT_ID"),
            Vec::new(),
        ),
        act(
            "replace",
            right("update", name),
            Call::put(&path, annotated(secret(namespace, name))),
            Then::Annotated(path.clone(), true),
            whole(),
        ),
        act("patch", right("patch", name), Call::patch(&path, note), Then::Annotated(path.clone(), true), whole()),
        act("delete", right("delete", name), Call::delete(&path), Then::Exists(path.clone(), false), made()),
        act(
            "delete by collection",
            // Whatever the selector says, a collection has no name.
            right("deletecollection", ""),
            Call::delete(&one),
            Then::Exists(path.clone(), false),
            made(),
        ),
    ]
}

/// Everything that is tried in a world.
fn acts(world: &World) -> Vec<Act> {
    let mut acts = Vec::new();
    for (at, namespace) in world.namespaces.iter().enumerate() {
        KINDS.into_iter().for_each(|kind| acts.extend(on_custom(kind, namespace)));
        acts.extend(on_secret(namespace, CREDENTIAL, at == 0));
    }
    acts
}

/// Does everything as somebody; gives what was let through.
fn performed(server: &ApiServer, weak: &Weak, acts: &[Act]) -> BTreeSet<String> {
    let mut done = BTreeSet::new();
    for act in acts {
        let groups: Vec<&str> = weak.groups.iter().map(String::as_str).collect();
        let mut call = act.call.clone();
        if let (true, Then::Annotated(path, _)) = (act.what.contains("by update"), &act.then) {
            // It has to carry the version that is there.
            call = call.body(annotated(server.get(path)));
        }
        let reply = server.call(call.by(&weak.user, &groups));
        if reply.code == 403 {
            continue;
        }
        assert_eq!(reply.code, 200, "{} {}: {}", weak.user, act.what, reply.body);
        let get = |path: &String| server.call(Call::get(path));
        match &act.then {
            Then::Says(text) => assert!(reply.body.to_string().contains(text), "{}", act.what),
            Then::Exists(path, there) => assert_eq!(get(path).code == 200, *there, "{}", act.what),
            Then::Annotated(path, is) => {
                let note = &get(path).body["metadata"]["annotations"][CREDENTIAL_FROM];
                assert_eq!(note == "other", *is, "{}", act.what);
            }
        }
        for undo in &act.undo {
            let undone = server.call(undo.clone());
            assert_eq!(undone.code, 200, "{}: {}", act.what, undone.body);
        }
        done.insert(act.what.clone());
    }
    done
}

/// What the program says about everything that was tried: the one place where it is asked.
fn predicted(graph: &AccessGraph, weak: &Weak, acts: &[Act]) -> BTreeSet<String> {
    let groups = weak.groups.iter().cloned().chain(["system:authenticated".to_owned()]).collect();
    let identity = Identity { user: weak.user.clone(), groups };
    let may = |right: &ResourceAction| {
        let (action, authorizers) = (Action::Resource(right.clone()), Authorizers { node: false, rbac: true });
        Reviewed::new(graph, ClusterId::FIRST, &identity, &action, authorizers).allowed
    };
    acts.iter().filter(|act| act.rights.iter().all(may)).map(|act| act.what.clone()).collect()
}

/// `ASO=1001..1100` looks at other worlds.
fn seeds() -> std::ops::Range<u64> {
    let Ok(range) = std::env::var("ASO") else { return 1..13 };
    let (from, to) = range.split_once("..").unwrap();
    from.parse().unwrap()..to.parse().unwrap()
}

#[test]
#[allow(clippy::print_stderr, reason = "cargo test shows it on request")]
fn what_weak_identities_can_ask_the_operator_for_is_what_is_said() {
    // What is defined on a server stays, and other tests need theirs without.
    let server = ApiServer::start(Options::default());
    let with_status = KINDS.map(|kind| {
        let mut definition = definition(kind);
        definition["spec"]["versions"][0]["subresources"] = json!({"status": {}});
        definition
    });
    define(&server, &with_status);
    let worlds: Vec<World> = seeds().map(World::new).collect();
    server.apply_all(worlds.iter().flat_map(|world| world.objects.iter().cloned()).collect());
    server.wait_visible();
    let graph = AccessGraph::new(read_with(&as_user(&server, "admin"), |_| {}));
    let (mut yes, mut no, mut kinds) = (0, 0, BTreeSet::new());
    for world in &worlds {
        for weak in &world.weak {
            let acts = acts(world);
            let done = performed(&server, weak, &acts);
            let said = predicted(&graph, weak, &acts);
            let rules = || world.objects.iter().filter(|at| at["apiVersion"] == format!("{RBAC}/v1"));
            assert_eq!(done, said, "{}\n{}", weak.user, rules().map(Value::to_string).collect::<Vec<_>>().join("\n"));
            yes += done.len();
            no += acts.len() - done.len();
            kinds.extend(done.iter().map(|what| what.split(" in ").next().unwrap().replace(CREDENTIAL, "credential")));
        }
    }
    eprintln!("{yes} let through, {no} refused: {kinds:#?}");
    let of = |what: &str| kinds.iter().filter(|kind| kind.starts_with(what)).count();
    for what in
        ["create ", "apply ", "annotate by patch ", "annotate by patch of status ", "annotate by update ", "delete "]
    {
        assert!(of(what) > 2, "hardly ever: {what}");
    }
    assert!(yes > 100 && no > 1000, "{yes} let through, {no} refused");
}
