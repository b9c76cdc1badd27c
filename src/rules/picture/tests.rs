//! Pictures of small worlds, an edge a line.

use std::collections::BTreeSet;

use super::*;
use crate::graph::AccessGraph;
use crate::model::{ClusterId, Thing};
use crate::query::SystemFilter;
use crate::rules::kubernetes::graph;
use crate::rules::{Ask, Finding, escalations};

fn ask() -> PictureAsk {
    PictureAsk { cluster: ClusterId::FIRST, namespace: None, around: None, system: SystemFilter::Hide, max_nodes: 100 }
}

/// A thing in short.
fn name(graph: &AccessGraph, picture: &Picture, item: Item) -> String {
    let text = |name| graph.text(name).to_owned();
    let azure = graph.azure_names();
    match item {
        Item::Subject(subject) => {
            let namespace = subject.namespace().map(|namespace| text(namespace) + "/").unwrap_or_default();
            format!("{}:{namespace}{}", subject.kind().to_lowercase(), text(subject.name()))
        }
        Item::Binding(at) | Item::Grant { binding: at, .. } => format!("binding:{}", text(graph.binding(at).name)),
        Item::Role(role) => format!("role:{}", text(role.name)),
        Item::MissingRole(role) => format!("missing:{}", text(role.name)),
        Item::Rules(role) => format!("rules:{}", graph.snapshot().rules.set(graph.role(role).rules).len()),
        Item::Credential(scope, ..) => format!("credential:{scope:?}"),
        Item::Identity(Who::Principal(at)) => format!("azure:{}", azure.principal(at).unwrap().name),
        Item::Identity(Who::Client(id)) => format!("client:{}", text(id)),
        Item::Assignment(at) | Item::Assigned { assignment: at, .. } => {
            format!("assignment:{}", azure.assignment(at).unwrap().role)
        }
        Item::AzureScope(scope) => format!("scope:{}", azure.scope(scope).rsplit('/').next().unwrap()),
        Item::Pod(namespace, name) => format!("pod:{}/{}", text(namespace), text(name)),
        Item::Secret(namespace, name) => format!("secret:{}/{}", text(namespace), text(name)),
        Item::Node(name) => format!("node:{}", text(name)),
        Item::All(_) => "AND".to_owned(),
        Item::Any => "OR".to_owned(),
        Item::Gain(step) => format!("gain:{}", picture.steps[step as usize].technique.id),
        Item::Target(target) => crate::rules::target_name(graph, target),
        Item::Pods(_) | Item::Cluster(_) => format!("{item:?}"),
    }
}

fn node(graph: &AccessGraph, picture: &Picture, at: usize) -> String {
    let node = &picture.nodes[at];
    let of = match (node.members.len(), node.namespace) {
        (0, _) => return name(graph, picture, node.item),
        (count, Some(namespace)) => format!("{count} of {}", graph.text(namespace)),
        (count, None) => count.to_string(),
    };
    let role = node.role.map(|role| format!(" of {}", graph.text(role.name))).unwrap_or_default();
    format!("{}s{role} ({of})", node.kind.as_str())
}

fn lines(graph: &AccessGraph, picture: &Picture) -> Vec<String> {
    let line = |edge: &PictureEdge| {
        let count = if edge.count > 1 { format!(" x{}", edge.count) } else { String::new() };
        let does = edge.technique.map_or(edge.kind.as_str(), |technique| technique);
        format!("{} -{does}{count}-> {}", node(graph, picture, edge.from), node(graph, picture, edge.to))
    };
    let mut lines: Vec<String> = picture.edges.iter().map(line).collect();
    lines.sort();
    lines
}

/// Compares the picture of a world with lines; every thing has to be in one node, and every edge has to be between nodes.
fn check(world: &str, ask: &PictureAsk, expected: &[&str]) -> Picture {
    let graph = graph(world);
    let drawn = picture(&graph, ask).unwrap();
    whole(&drawn);
    assert_eq!(lines(&graph, &drawn), expected, "{world}");
    drawn
}

fn whole(picture: &Picture) {
    let things: usize = picture.nodes.iter().map(|node| node.members.len().max(1)).sum();
    assert_eq!(things, picture.things);
    let all = picture
        .nodes
        .iter()
        .flat_map(|node| if node.members.is_empty() { vec![node.item] } else { node.members.clone() });
    assert_eq!(all.collect::<BTreeSet<_>>().len(), things, "a thing stands in two nodes");
    assert!(picture.edges.iter().all(|edge| edge.from < picture.nodes.len() && edge.to < picture.nodes.len()));
}

#[test]
fn subjects_lead_to_bindings_roles_and_rules() {
    let drawn = check(
        "role view: get pods; list pods
         role spare: get secrets
         bind dev/b=view user:alice group:dev
         bind c=view user:bob
         bind d=gone user:bob
         bind e=view user:system:kube-scheduler",
        &ask(),
        &[
            "binding:b -grants-> role:view",
            "binding:c -grants-> role:view",
            "binding:d -grants-> missing:gone",
            "group:dev -bound-> binding:b",
            "role:view -allows-> rules:2",
            "user:alice -bound-> binding:b",
            "user:bob -bound-> binding:c",
            "user:bob -bound-> binding:d",
        ],
    );
    assert_eq!(drawn.grouping, Grouping::Not);
    assert_eq!(drawn.left_out.subjects, 1, "the scheduler is Kubernetes' own");
    assert!(drawn.left_out.roles > 0, "nobody is bound to spare");
}

#[test]
fn system_subjects_are_shown_or_alone_when_asked_for() {
    let world = "role view: get pods
         bind a=view user:alice
         bind e=view user:system:kube-scheduler";
    let only = PictureAsk { system: SystemFilter::Only, ..ask() };
    check(
        world,
        &only,
        &[
            "binding:e -grants-> role:view",
            "role:view -allows-> rules:1",
            "user:system:kube-scheduler -bound-> binding:e",
        ],
    );
    let shown = PictureAsk { system: SystemFilter::Show, ..ask() };
    let graph = graph(world);
    let drawn = picture(&graph, &shown).unwrap();
    assert_eq!((drawn.left_out.subjects, lines(&graph, &drawn).len()), (0, 5));
}

#[test]
fn a_namespace_is_its_bindings_and_what_its_accounts_hold() {
    let world = "role view: get pods
         bind dev/b=view user:alice
         bind test/b=view user:carol
         bind c=view user:bob
         bind d=view sa:dev/bot
         bind e=view group:system:serviceaccounts:dev
         bind f=view sa:test/bot";
    let graph = graph(world);
    let asked = PictureAsk { namespace: graph.snapshot().names.find("dev"), ..ask() };
    let drawn = check(
        world,
        &asked,
        &[
            "binding:b -grants-> role:view",
            "binding:d -grants-> role:view",
            "binding:e -grants-> role:view",
            "group:system:serviceaccounts:dev -bound-> binding:e",
            "role:view -allows-> rules:1",
            "serviceaccount:dev/bot -bound-> binding:d",
            "user:alice -bound-> binding:b",
        ],
    );
    assert_eq!(drawn.left_out.bindings, 2, "c and f hold in dev as well");
}

#[test]
fn credentials_lead_into_azure() {
    check(
        "aso
         identity global s1/rg
         identity other s1/rg
         credential dev/aso-credential global
         kinds storageaccounts.storage
         assign global Contributor s1
         assign other Owner s1
         role writer: create storageaccounts.storage.azure.com
         role reader: get storageaccounts.storage.azure.com
         bind dev/w=writer user:alice
         bind dev/r=reader user:bob
         bind test/t=writer user:carol",
        &PictureAsk { system: SystemFilter::Hide, ..ask() },
        &[
            "assignment:Contributor -on-> scope:11111111-0000-0000-0000-000000000001",
            "azure:global -assigned-> assignment:Contributor",
            "binding:r -grants-> role:reader",
            "binding:t -grants-> role:writer",
            "binding:w -grants-> role:writer",
            "binding:w -writes-> credential:Namespace",
            "credential:Namespace -actsAs-> azure:global",
            "role:reader -allows-> rules:1",
            "role:writer -allows-> rules:1",
            "user:alice -bound-> binding:w",
            "user:bob -bound-> binding:r",
            "user:carol -bound-> binding:t",
        ],
    );
}

/// A world of accounts and bindings in two namespaces.
fn crowd() -> String {
    let mut world = "role view: get pods\nrole edit: update pods\n".to_owned();
    for namespace in ["dev", "test"] {
        for at in 0..6 {
            let role = if at < 4 { "view" } else { "edit" };
            world.push_str(&format!("bind {namespace}/b{at}={role} sa:{namespace}/a{at}\n"));
        }
    }
    world
}

#[test]
fn a_large_picture_is_grouped_and_nothing_is_lost() {
    let world = crowd();
    check(
        &world,
        &PictureAsk { max_nodes: 20, ..ask() },
        &[
            "role:edit -allows-> rules:1",
            "role:view -allows-> rules:1",
            "roleBindings of edit (2 of dev) -grants x2-> role:edit",
            "roleBindings of edit (2 of test) -grants x2-> role:edit",
            "roleBindings of view (4 of dev) -grants x4-> role:view",
            "roleBindings of view (4 of test) -grants x4-> role:view",
            "serviceAccounts (2 of dev) -bound x2-> roleBindings of edit (2 of dev)",
            "serviceAccounts (2 of test) -bound x2-> roleBindings of edit (2 of test)",
            "serviceAccounts (4 of dev) -bound x4-> roleBindings of view (4 of dev)",
            "serviceAccounts (4 of test) -bound x4-> roleBindings of view (4 of test)",
        ],
    );
    check(
        &world,
        &PictureAsk { max_nodes: 10, ..ask() },
        &[
            "role:edit -allows-> rules:1",
            "role:view -allows-> rules:1",
            "roleBindings of edit (4) -grants x4-> role:edit",
            "roleBindings of view (8) -grants x8-> role:view",
            "serviceAccounts (6 of dev) -bound x2-> roleBindings of edit (4)",
            "serviceAccounts (6 of dev) -bound x4-> roleBindings of view (8)",
            "serviceAccounts (6 of test) -bound x2-> roleBindings of edit (4)",
            "serviceAccounts (6 of test) -bound x4-> roleBindings of view (8)",
        ],
    );
    let drawn = check(
        &world,
        &PictureAsk { max_nodes: 1, ..ask() },
        &[
            "clusterRoles (2) -allows x2-> ruless (2)",
            "roleBindings (12) -grants x12-> clusterRoles (2)",
            "serviceAccounts (12) -bound x12-> roleBindings (12)",
        ],
    );
    assert_eq!(drawn.grouping, Grouping::Kinds);
}

#[test]
fn the_first_way_to_group_that_is_enough_is_taken() {
    let graph = graph(&crowd());
    let mut before = Grouping::Not;
    for max_nodes in (0..40).rev() {
        let drawn = picture(&graph, &PictureAsk { max_nodes, ..ask() }).unwrap();
        whole(&drawn);
        assert!(drawn.nodes.len() <= max_nodes || drawn.grouping == Grouping::Kinds, "{max_nodes}");
        assert!(drawn.grouping >= before, "{max_nodes}: fewer nodes are never grouped less");
        assert_eq!(drawn.edges.iter().map(|edge| edge.count).sum::<usize>(), 26, "no edge is lost");
        before = drawn.grouping;
    }
}

/// A world with a pod, its node and its Secret.
const POD: &str = "role admin: get secrets; create pods/exec; create serviceaccounts/token
         role view: get pods
         bind dev/b=admin user:alice
         bind dev/v=view sa:dev/app
         bind dev/w=view user:bob
         account dev/app
         yaml {apiVersion: v1, kind: Node, metadata: {name: n1}}
         yaml {apiVersion: v1, kind: Secret, metadata: {name: db, namespace: dev}}
         yaml {apiVersion: v1, kind: Pod, metadata: {name: web, namespace: dev}, spec: {nodeName: n1, serviceAccountName: app, volumes: [{name: s, secret: {secretName: db}}]}}";

fn around(thing: &str, depth: usize) -> Vec<String> {
    let graph = graph(POD);
    let item = find(&graph, ClusterId::FIRST, &Thing::parse(thing).unwrap()).unwrap();
    let ask = PictureAsk { around: Some(Around { item, depth }), system: SystemFilter::Show, ..ask() };
    lines(&graph, &picture(&graph, &ask).unwrap())
}

#[test]
fn around_a_thing_is_what_leads_to_it_and_what_it_leads_to() {
    assert_eq!(around("secret:dev/db", 1), ["binding:b -reads-> secret:dev/db", "pod:dev/web -mounts-> secret:dev/db"]);
    assert_eq!(
        around("secret:dev/db", 2),
        [
            "binding:b -reads-> secret:dev/db",
            "node:n1 -runs-> pod:dev/web",
            "pod:dev/web -mounts-> secret:dev/db",
            "user:alice -bound-> binding:b",
            // That alice may also run commands in the pod is told around the pod.
        ]
    );
    assert_eq!(
        around("node:n1", 3),
        [
            "node:n1 -actsAs-> user:system:node:n1",
            "node:n1 -runs-> pod:dev/web",
            "pod:dev/web -actsAs-> serviceaccount:dev/app",
            "pod:dev/web -mounts-> secret:dev/db",
            "serviceaccount:dev/app -bound-> binding:v",
        ]
    );
    assert_eq!(
        around("pod:dev/web", 1),
        [
            "binding:b -executes-> pod:dev/web",
            "node:n1 -runs-> pod:dev/web",
            "pod:dev/web -actsAs-> serviceaccount:dev/app",
            "pod:dev/web -mounts-> secret:dev/db",
        ]
    );
    assert_eq!(
        around("sa:dev/app", 1),
        [
            "binding:b -mints-> serviceaccount:dev/app",
            "pod:dev/web -actsAs-> serviceaccount:dev/app",
            "serviceaccount:dev/app -bound-> binding:v",
        ]
    );
    // Others who are bound to the same role are no neighbours of the account's.
    assert_eq!(
        around("rolebinding:dev/v", 2),
        [
            "binding:v -grants-> role:view",
            "pod:dev/web -actsAs-> serviceaccount:dev/app",
            "role:view -allows-> rules:1",
            "serviceaccount:dev/app -bound-> binding:v",
        ]
    );
}

#[test]
fn what_is_not_there_is_not_found() {
    let graph = graph(POD);
    for thing in
        ["user:nobody", "role:dev/view", "clusterrolebinding:b", "azure:/subscriptions/x", "namespace:dev", "cluster:x"]
    {
        assert_eq!(find(&graph, ClusterId::FIRST, &Thing::parse(thing).unwrap()), None, "{thing}");
    }
    let item = find(&graph, ClusterId::FIRST, &Thing::parse("clusterrole:view").unwrap());
    assert!(matches!(item, Some(Item::Role(_))));
    // A name that is known and names nothing here.
    let item = find(&graph, ClusterId::FIRST, &Thing::parse("secret:dev/web").unwrap()).unwrap();
    let ask = PictureAsk { around: Some(Around { item, depth: 0 }), ..ask() };
    assert_eq!(picture(&graph, &ask), None);
}

/// The picture of the first finding of a world that leads to a target.
fn path(world: &str, target: &str, alternatives: bool) -> Vec<String> {
    path_of(world, None, target, alternatives)
}

fn path_of(world: &str, from: Option<&str>, target: &str, alternatives: bool) -> Vec<String> {
    let graph = graph(world);
    let from = from.map(|from| crate::rules::start(&graph, &Thing::parse(from).unwrap()).unwrap());
    let found = escalations(&graph, &Ask { from, alternatives, ..Ask::default() }).findings;
    let is = |finding: &&Finding| crate::rules::target_name(&graph, finding.target) == target;
    let finding = found.iter().find(is).unwrap_or_else(|| panic!("{found:?}"));
    let drawn = picture_of(&graph, ClusterId::FIRST, finding);
    whole(&drawn);
    assert!(drawn.edges.iter().all(|edge| edge.severity.is_some() && edge.kind == EdgeKind::Path));
    lines(&graph, &drawn)
}

#[test]
fn a_path_leads_through_what_grants_it() {
    assert_eq!(
        path("role e: escalate,patch clusterroles.rbac\nbind e user:alice", "cluster-admin", false),
        ["binding:e -escalate-role-> cluster-admin", "user:alice -path-> binding:e"]
    );
}

/// Alice may have tokens of an account that may write any rules.
const TOKENS: &str = "account dev/boss
     role e: escalate,patch clusterroles.rbac
     bind e sa:dev/boss
     role t: create serviceaccounts/token
     bind dev/t=t user:alice";

#[test]
fn each_step_starts_where_its_identity_was_gained() {
    assert_eq!(
        path_of(TOKENS, Some("user:alice"), "cluster-admin", false),
        [
            "binding:e -escalate-role-> cluster-admin",
            "binding:t -token-request-> gain:token-request",
            "gain:token-request -path-> binding:e",
            "user:alice -path-> binding:t",
        ]
    );
}

#[test]
fn what_is_needed_together_is_joined() {
    // The right to bind and the right to write a binding, by two grants.
    assert_eq!(
        path(
            "role b: bind clusterroles.rbac
             role c: create clusterrolebindings.rbac
             bind b user:alice
             bind c user:alice",
            "cluster-admin",
            false
        ),
        [
            "AND -bind-role-> cluster-admin",
            "binding:b -path-> AND",
            "binding:c -path-> AND",
            "user:alice -path-> binding:b",
            "user:alice -path-> binding:c",
        ]
    );
    // By one grant there is nothing to join.
    let one = path(
        "role b: bind clusterroles.rbac; create clusterrolebindings.rbac\nbind b user:alice",
        "cluster-admin",
        false,
    );
    assert!(one.iter().all(|line| !line.contains("AND")), "{one:?}");
}

#[test]
fn what_is_enough_alone_is_an_alternative() {
    let world = "role e: escalate,patch clusterroles.rbac\nbind e user:alice\nbind f=e user:alice";
    assert_eq!(
        path(world, "cluster-admin", true),
        [
            "OR -path-> cluster-admin",
            "binding:e -escalate-role-> OR",
            "binding:f -escalate-role-> OR",
            "user:alice -path-> binding:e",
            "user:alice -path-> binding:f",
        ]
    );
    assert!(path(world, "cluster-admin", false).iter().all(|line| !line.contains("OR")));
}

#[test]
fn an_alternative_starts_with_whose_it_is() {
    let world = "role b: bind clusterroles.rbac; create clusterrolebindings.rbac
         bind e=b user:alice user:bob
         bind f=b user:bob";
    assert_eq!(
        path(world, "cluster-admin", true),
        [
            "OR -path-> cluster-admin",
            "binding:e -bind-role-> OR",
            "binding:f -bind-role-> OR",
            "user:alice -path-> binding:e",
            "user:bob -path-> binding:e",
            "user:bob -path-> binding:f",
        ]
    );
}

#[test]
fn many_who_start_alike_are_one_node() {
    let names: Vec<String> = (0..9).map(|at| format!("user:u{at}")).collect();
    let world = format!("role e: escalate,patch clusterroles.rbac\nbind e {}", names.join(" "));
    assert_eq!(
        path(&world, "cluster-admin", false),
        ["binding:e -escalate-role-> cluster-admin", "users (9) -path-> binding:e"]
    );
}

#[test]
fn a_finding_is_found_by_the_beginning_of_its_fingerprint() {
    let found = escalations(&graph(TOKENS), &Ask::default()).findings;
    let all: Vec<&str> = found.iter().map(|finding| finding.fingerprint.as_str()).collect();
    for own in &found {
        assert_eq!(finding_by(&found, &own.fingerprint), Ok(own));
        assert_eq!(finding_by(&found, &own.fingerprint[..12]), Ok(own));
    }
    assert!(all.len() > 1, "{all:?}");
    assert_eq!(finding_by(&found, ""), Err(all));
    assert_eq!(finding_by(&found, "x"), Err(Vec::new()));
}

#[test]
fn every_step_of_every_path_leads_to_the_end() {
    let worlds = [
        TOKENS,
        POD,
        "aso
         identity global s1/rg
         identity landing s1/rg
         credential global global
         kinds federatedidentitycredentials.managedidentity
         assign global Contributor s1
         assign landing Owner s1
         role w: create federatedidentitycredentials.managedidentity.azure.com
         bind dev/w=w user:alice",
    ];
    let mut drawn = 0;
    for world in worlds {
        let graph = graph(world);
        for finding in escalations(&graph, &Ask { alternatives: true, ..Ask::default() }).findings {
            let picture = picture_of(&graph, ClusterId::FIRST, &finding);
            whole(&picture);
            for (at, node) in picture.nodes.iter().enumerate() {
                let leads_on = picture.edges.iter().any(|edge| edge.from == at);
                let comes_from = picture.edges.iter().any(|edge| edge.to == at);
                let is_start =
                    matches!(node.item, Item::Subject(_) | Item::Pod(..) | Item::Pods(_) | Item::Identity(_));
                assert_eq!(leads_on, !matches!(node.item, Item::Target(_)), "{world} {node:?}");
                assert_eq!(comes_from, !is_start, "{world} {node:?}");
            }
            drawn += 1;
        }
    }
    assert!(drawn > 2, "{drawn}");
}
