//! The Node authorizer, on a world whose answers a real server gave (`tests/e2e/node.rs` records them).

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rbac_lens::collect::{FileOptions, Input, Needs, load, read_reviews};
use rbac_lens::graph::{AccessGraph, Relation};
use rbac_lens::model::{
    Action, Authorizer, ClusterId, Decision, GapReason, Identity, Name, ResourceAction, ResourceTable, Snapshot,
    Subject,
};
use rbac_lens::query::{
    Authorizers, Filter, NodeGrant, NodeRefusal, Place, Reviewed, Row, SystemFilter, Verdict, Where, decide, members,
    node, who_can,
};
use rbac_lens::render::saved;
use serde_json::Value;

const CLUSTER: ClusterId = ClusterId::FIRST;

fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path)
}

fn options(needs: Needs) -> FileOptions {
    FileOptions { needs, threads: 2, ..FileOptions::default() }
}

const WORKLOADS: Needs = Needs { workloads: true, definitions: false, escalations: false, azure: false };

fn graph_of(snapshot: Snapshot) -> AccessGraph {
    let graph = AccessGraph::new(snapshot);
    graph.verify().unwrap();
    graph
}

fn recorded() -> AccessGraph {
    let input = Input::Path(fixture("node/world.ndjson"));
    graph_of(load(&[input], &mut std::io::empty(), &options(WORKLOADS)).unwrap())
}

fn world(text: &str) -> AccessGraph {
    graph_of(load(&[Input::Stdin], &mut text.as_bytes(), &options(WORKLOADS)).unwrap())
}

/// `VERB GROUP RESOURCE[/SUBRESOURCE] [NAME]`, `-` being the core group.
fn action(text: &str, namespace: &str) -> Action {
    let words: Vec<&str> = text.split(' ').collect();
    let (resource, subresource) = words[2].split_once('/').unwrap_or((words[2], ""));
    Action::Resource(ResourceAction {
        verb: words[0].to_owned(),
        api_group: words[1].trim_matches('-').to_owned(),
        resource: resource.to_owned(),
        subresource: subresource.to_owned(),
        namespace: namespace.to_owned(),
        name: words.get(3).copied().unwrap_or_default().to_owned(),
        field_selector: Vec::new(),
    })
}

fn kubelet(node: &str) -> Identity {
    Identity { user: format!("system:node:{node}"), groups: vec!["system:nodes".to_owned()] }
}

fn answers(graph: &AccessGraph, action: &Action, place: &Where) -> Vec<String> {
    node::who_can(graph, CLUSTER, action, place).iter().map(|row| line(graph, row)).collect()
}

/// A row as one line: subject, decision, names, where, and through what.
fn line(graph: &AccessGraph, row: &Row) -> String {
    let texts = |names: &[Name]| names.iter().map(|&name| graph.text(name)).collect::<Vec<_>>().join(",");
    let nodes = graph.nodes();
    let pod = |at| graph.text(nodes.pod(at).name);
    let through = |grant: &NodeGrant| match *grant {
        NodeGrant::EveryNode => "every node".to_owned(),
        NodeGrant::Own => "own".to_owned(),
        NodeGrant::Selected => "selected".to_owned(),
        NodeGrant::Related(Relation::Pod(at)) => format!("pod {}", pod(at)),
        NodeGrant::Related(Relation::Volume { volume, pod: at }) => {
            format!("volume {} of pod {}", graph.text(nodes.volume(volume).name), pod(at))
        }
        NodeGrant::Related(Relation::Attachment(at)) => {
            format!("attachment {}", graph.text(nodes.attachment(at).name))
        }
        NodeGrant::Related(Relation::Slice(at)) => format!("slice {}", graph.text(nodes.slice(at).name)),
    };
    assert_eq!((row.authorizer, row.grants.len()), (Authorizer::Node, 0));
    let place = match &row.place {
        Place::Cluster => "everywhere".to_owned(),
        Place::Namespaces(namespaces) => format!("in {}", texts(namespaces)),
    };
    let grants: BTreeSet<String> = row.node_grants.iter().map(through).collect();
    let grants = grants.into_iter().collect::<Vec<_>>().join(", ");
    let who = row.subject.request_name(&graph.snapshot().names);
    format!("{who} {} [{}] {place}: {grants}", row.decision.as_str(), texts(&row.resource_names))
}

#[test]
fn recorded_reviews_are_answered_as_the_server_did() {
    let graph = recorded();
    let file = Input::Path(fixture("node/reviews.ndjson"));
    let (reviews, _) = read_reviews(&[file], &mut std::io::empty(), &options(WORKLOADS)).unwrap();
    assert!(reviews.len() > 1_000);
    for review in &reviews {
        let ours = Reviewed::new(&graph, CLUSTER, &review.identity, &review.action, Authorizers::default());
        let object: Value = serde_json::from_str(&review.object).unwrap();
        let said = object["status"]["reason"].as_str().unwrap_or_default();
        assert_eq!((Some(ours.allowed), ours.reason.as_str()), (review.expected, said), "{}", object["spec"]);
    }
}

#[test]
fn a_saved_snapshot_says_the_same_of_nodes() {
    let graph = recorded();
    let mut text = Vec::new();
    saved(graph.snapshot(), &mut text).unwrap();
    let again = world(std::str::from_utf8(&text).unwrap());
    let asked = ["get - secrets", "get - configmaps", "create - serviceaccounts/token", "get - persistentvolumeclaims"];
    let everywhere = asked.map(|asked| (action(asked, ""), Where::EachNamespace));
    let scoped =
        ["get - persistentvolumes", "get storage.k8s.io volumeattachments", "get resource.k8s.io resourceslices"];
    let scoped = scoped.map(|asked| (action(asked, ""), Where::Cluster));
    for (action, place) in everywhere.iter().chain(&scoped) {
        let lines = answers(&graph, action, place);
        assert!(!lines.is_empty(), "{action:?}");
        assert_eq!(answers(&again, action, place), lines, "{action:?}");
    }
}

#[test]
fn who_can_is_decide_turned_around() {
    let graph = recorded();
    let file = Input::Path(fixture("node/reviews.ndjson"));
    let (reviews, _) = read_reviews(&[file], &mut std::io::empty(), &options(WORKLOADS)).unwrap();
    let mut actions: Vec<ResourceAction> = Vec::new();
    for review in reviews {
        let Action::Resource(action) = review.action else { continue };
        let bare = ResourceAction { name: String::new(), ..action.clone() };
        actions.extend([action, bare].map(|one| ResourceAction { namespace: String::new(), ..one }));
    }
    actions.sort_by_key(|action| format!("{action:?}"));
    actions.dedup();
    let namespaces = ["nd-a", "nd-b", "kube-node-lease", "default"];
    let places = [Where::Cluster, Where::EachNamespace].into_iter();
    let places: Vec<Where> = places.chain(namespaces.map(|name| Where::Namespace(name.to_owned()))).collect();
    let nodes: Vec<&str> = graph.nodes().nodes(CLUSTER).map(|node| graph.text(node.name)).collect();
    assert_eq!(nodes, ["nd-1", "nd-2", "nd-3", "nd-attached", "nd-ghost", "nd-marker"]);
    for action in &actions {
        for place in &places {
            let rows = node::who_can(&graph, CLUSTER, &Action::Resource(action.clone()), place);
            let asked: &[&str] = match place {
                Where::Cluster => &[""],
                Where::Namespace(name) => &[name.as_str()],
                _ => &namespaces,
            };
            for node in &nodes {
                for &namespace in asked {
                    agree(&graph, &rows, node, &ResourceAction { namespace: namespace.to_owned(), ..action.clone() });
                }
            }
        }
    }
}

/// What the rows say of one node is what `decide` says; without a name also for each name that the rows give, and some others.
fn agree(graph: &AccessGraph, rows: &[Row], node: &str, action: &ResourceAction) {
    let names = &graph.snapshot().names;
    let is_mine = |row: &&Row| match row.subject {
        Subject::Group(_) => true,
        subject => subject.request_name(names) == format!("system:node:{node}"),
    };
    let is_here = |row: &&Row| match &row.place {
        Place::Cluster => true,
        Place::Namespaces(namespaces) => namespaces.iter().any(|&name| graph.text(name) == action.namespace),
    };
    let mine: Vec<&Row> = rows.iter().filter(is_mine).filter(is_here).collect();
    let may = |action: &ResourceAction| node::decide(graph, CLUSTER, &kubelet(node), &Action::Resource(action.clone()));
    let allowed = mine.iter().any(|row| row.decision == Decision::Allowed);
    assert_eq!(allowed, may(action).is_ok(), "{node} {action:?}");
    if action.name.is_empty() && !allowed {
        for name in ["nd-1", "nd-2", "s-volume", "s-pv-stage", "cm-env", "sa-every", "c-1", "pv-csi", "every", "va-1"] {
            let named = mine.iter().any(|row| row.resource_names.iter().any(|&at| graph.text(at) == name));
            let one = ResourceAction { name: name.to_owned(), ..action.clone() };
            assert_eq!(named, may(&one).is_ok(), "{node} {one:?}");
        }
    }
}

#[test]
fn every_way_from_a_secret_to_a_node() {
    let graph = recorded();
    let lines = answers(&graph, &action("get - secrets", ""), &Where::EachNamespace);
    let expected = [
        "system:node:nd-1 named [s-azure,s-ceph,s-cinder,s-csi,s-env,s-env-from,s-ephemeral,s-flex,s-init,s-iscsi,s-projected,\
         s-pull,s-pv-azure,s-pv-ceph,s-pv-flex,s-pv-iscsi,s-pv-publish,s-pv-scale,s-rbd,s-scale,s-shared,s-storageos,s-volume] \
         in nd-a: pod every, pod shared, volume pv-ceph of pod every, volume pv-csi of pod every, volume pv-flex of pod every, \
         volume pv-iscsi of pod every, volume pv-scale of pod every, volume pv-shared of pod shared",
        "system:node:nd-1 named [s-pv-azure,s-pv-cinder,s-pv-expand,s-pv-iscsi-b,s-pv-rbd,s-pv-stage,s-pv-storageos] in nd-b: \
         volume pv-azure of pod every, volume pv-cinder of pod every, volume pv-csi of pod every, volume pv-iscsi-b of pod every, \
         volume pv-rbd of pod every, volume pv-storageos of pod every",
        "system:node:nd-2 named [s-done,s-other,s-pv-azure] in nd-a: pod done, pod other, volume pv-shared of pod other",
        "system:node:nd-2 named [s-volume] in nd-b: pod every",
        "system:node:nd-ghost named [s-ghost] in nd-a: pod ghost",
        "system:node:nd-marker named [s-marker] in nd-a: pod zz-marker",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn rows_for_every_shape() {
    let graph = recorded();
    let namespace = |name: &str| Where::Namespace(name.to_owned());
    for (asked, place, expected) in [
        ("get - services", Where::EachNamespace, "system:nodes allowed [] everywhere: every node"),
        ("get - services/x", Where::Cluster, ""),
        ("create - pods", namespace("nd-a"), "system:nodes allowed [] everywhere: every node"),
        ("get - nodes nd-2", Where::Cluster, "system:node:nd-2 allowed [] everywhere: own"),
        // No such node is known, but one of that name would be allowed.
        ("get - nodes nd-9", Where::Cluster, "system:nodes conditional [] everywhere: own"),
        ("update coordination.k8s.io leases nd-1", namespace("nd-a"), ""),
        (
            "update coordination.k8s.io leases nd-1",
            Where::EachNamespace,
            "system:node:nd-1 allowed [] in kube-node-lease: own",
        ),
        (
            "create coordination.k8s.io leases",
            Where::EachNamespace,
            "system:nodes allowed [] in kube-node-lease: every node",
        ),
        (
            "get - secrets s-pv-azure",
            namespace("nd-b"),
            "system:node:nd-1 allowed [] in nd-b: volume pv-azure of pod every",
        ),
        ("get - secrets s-mirror", namespace("nd-a"), ""),
        ("get - secrets s-unbound", namespace("nd-a"), ""),
        ("get - secrets s-pv-controller", namespace("nd-a"), ""),
        ("delete - secrets s-volume", namespace("nd-a"), ""),
        ("get - persistentvolumes pv-mirror", Where::Cluster, ""),
        (
            "get - persistentvolumes pv-eph",
            Where::Cluster,
            "system:node:nd-1 allowed [] everywhere: volume pv-eph of pod every",
        ),
        (
            "get storage.k8s.io volumeattachments va-far",
            Where::Cluster,
            "system:node:nd-attached allowed [] everywhere: attachment va-far",
        ),
        (
            "delete resource.k8s.io resourceslices",
            Where::Cluster,
            "system:node:nd-1 named [slice-1] everywhere: slice slice-1; \
          system:node:nd-marker named [zz-marker] everywhere: slice zz-marker",
        ),
        (
            "get resource.k8s.io resourceclaims",
            namespace("nd-a"),
            "system:node:nd-1 named [rc-direct] in nd-a: pod every; \
          system:node:nd-3 named [rc-extended,rc-made] in nd-a: pod late",
        ),
        (
            "create - serviceaccounts/token sa-every",
            Where::EachNamespace,
            "system:node:nd-1 allowed [] in nd-a: pod every; \
          system:node:nd-2 allowed [] in nd-b: pod every",
        ),
        ("patch - namespaces", Where::EachNamespaceObject, ""),
    ] {
        assert_eq!(answers(&graph, &action(asked, ""), &place).join("; "), expected, "{asked} {place:?}");
    }
    let path = Action::NonResource { verb: "get".to_owned(), path: "/metrics".to_owned() };
    assert!(node::who_can(&graph, CLUSTER, &path, &Where::Cluster).is_empty());
}

#[test]
fn a_selector_names_the_node() {
    let graph = recorded();
    let Action::Resource(mut list) = action("list - pods", "") else { panic!() };
    list.field_selector = vec![("spec.nodeName".to_owned(), "nd-3".to_owned())];
    let list = Action::Resource(list);
    assert!(
        answers(&graph, &list, &Where::EachNamespace)
            .contains(&"system:node:nd-3 allowed [] everywhere: selected".to_owned())
    );
    assert_eq!(node::decide(&graph, CLUSTER, &kubelet("nd-3"), &list), Ok(NodeGrant::Selected));
    assert!(node::decide(&graph, CLUSTER, &kubelet("nd-1"), &list).is_err());
}

/// The built-in rules are those of the ClusterRole `system:node`, which the server makes for people to read.
#[test]
fn what_every_node_may_stands_in_the_role() {
    let file = fs::read_to_string(fixture("bootstrap-1.36/clusterroles.json")).unwrap();
    let roles: Value = serde_json::from_str(&file).unwrap();
    let roles = roles["items"].as_array().unwrap();
    let role = roles.iter().find(|role| role["metadata"]["name"] == "system:node").unwrap();
    let has = |list: &Value, text: &str| list.as_array().unwrap().iter().any(|entry| entry == text);
    let in_role = |verb: &str, group: &str, resource: &str| {
        let rules = role["rules"].as_array().unwrap();
        rules.iter().any(|rule| {
            has(&rule["verbs"], verb) && has(&rule["apiGroups"], group) && has(&rule["resources"], resource)
        })
    };
    let graph = recorded();
    // Resources that the authorizer decides by what belongs to the node. It lets nodes create slices, of which the role says nothing.
    let narrowed = [
        "secrets",
        "configmaps",
        "serviceaccounts",
        "persistentvolumeclaims",
        "persistentvolumes",
        "resourceclaims",
        "volumeattachments",
        "leases",
        "csinodes",
        "resourceslices",
        "nodes",
        "pods",
        "podcertificaterequests",
    ];
    let mut seen = 0;
    for at in ResourceTable::new(&[], false).resources() {
        for verb in ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"] {
            let full = if at.subresource.is_empty() {
                at.resource.clone()
            } else {
                format!("{}/{}", at.resource, at.subresource)
            };
            if narrowed.contains(&at.resource.as_str()) {
                continue;
            }
            let group = if at.group.is_empty() { "-" } else { &at.group };
            let asked = action(&format!("{verb} {group} {full}"), "nd-a");
            let every = node::decide(&graph, CLUSTER, &kubelet("nd-3"), &asked).is_ok();
            assert_eq!(every, in_role(verb, &at.group, &full), "{verb} {full} {}", at.group);
            seen += usize::from(every);
        }
    }
    assert_eq!(seen, 23);
}

const ONE_POD: &str = r#"
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "dev"}, "spec": {"nodeName": "n1", "volumes": [{"name": "v", "secret": {"secretName": "s"}}, {"name": "c", "persistentVolumeClaim": {"claimName": "c"}}]}}
"#;

#[test]
fn without_pods_it_is_unknown() {
    let pending = ONE_POD.replace(r#""nodeName": "n1","#, "");
    let secret = action("get - secrets s", "dev");
    let verdict =
        |graph: &AccessGraph, action: &Action| decide(graph, CLUSTER, &kubelet("n1"), action, Authorizers::default());
    for text in [pending.as_str(), r#"{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "dev"}}"#] {
        let graph = world(text);
        assert!(!graph.nodes().is_read(CLUSTER));
        let unknown = verdict(&graph, &secret);
        assert_eq!(unknown, Verdict::Denied { node: Some(NodeRefusal::NotRead), dangling: vec![] });
        assert_eq!((unknown.decision(), unknown.allowed()), (Decision::Unknown, false));
        // What needs no pods is known.
        assert_eq!(verdict(&graph, &action("get - services", "dev")), Verdict::Node { grant: NodeGrant::EveryNode });
        assert_eq!(verdict(&graph, &action("delete - secrets s", "dev")).decision(), Decision::Denied);
        assert_eq!(
            answers(&graph, &secret, &Where::Namespace("dev".to_owned())),
            ["system:nodes unknown [] everywhere: "]
        );
        let gaps = node::gaps(&graph, CLUSTER);
        assert_eq!(
            gaps.iter().map(|gap| (gap.resource.as_str(), gap.reason)).collect::<Vec<_>>(),
            [("pods", GapReason::NotInInput)]
        );
    }
    let graph = world(ONE_POD);
    assert_eq!(verdict(&graph, &secret).decision(), Decision::Allowed);
    assert_eq!(verdict(&graph, &action("get - secrets t", "dev")).decision(), Decision::Denied);
    // The pod mounts a claim, and the volume behind it is not there.
    assert_eq!(
        node::gaps(&graph, CLUSTER).iter().map(|gap| gap.resource.as_str()).collect::<Vec<_>>(),
        ["persistentvolumes"]
    );
}

#[test]
fn the_node_authorizer_can_be_left_out() {
    let graph = world(ONE_POD);
    let secret = action("get - secrets s", "dev");
    let alone = Authorizers { node: false, rbac: true };
    let verdict = decide(&graph, CLUSTER, &kubelet("n1"), &secret, alone);
    assert_eq!(verdict, Verdict::Denied { node: None, dangling: vec![] });
    assert_eq!(verdict.decision(), Decision::Denied);
}

#[test]
fn rows_of_nodes_are_filtered_and_sorted_among_the_others() {
    let graph = world(&format!(
        "{ONE_POD}{}",
        r#"{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "b"}, "roleRef": {"kind": "ClusterRole", "name": "r"}, "subjects": [{"kind": "User", "name": "system:node:n1"}, {"kind": "User", "name": "zoe"}, {"kind": "Group", "name": "dev"}]}
{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "r"}, "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]}
"#
    ));
    let (asked, place) = (action("get - secrets s", "dev"), Where::Namespace("dev".to_owned()));
    let shown = |system: SystemFilter| {
        let filter = Filter { system, keep: &|_| true };
        let mut answer = who_can(&graph, CLUSTER, &asked, &place, filter);
        answer.merge(&graph, node::who_can(&graph, CLUSTER, &asked, &place), filter);
        let line =
            |row: &Row| format!("{} {}", row.subject.request_name(&graph.snapshot().names), row.authorizer.as_str());
        (answer.rows.iter().map(line).collect::<Vec<_>>().join(", "), answer.hidden)
    };
    let all = "system:masters masters, dev rbac, system:node:n1 node, system:node:n1 rbac, zoe rbac";
    assert_eq!(shown(SystemFilter::Show), (all.to_owned(), 0));
    assert_eq!(shown(SystemFilter::Hide), ("dev rbac, zoe rbac".to_owned(), 2));
}

#[test]
fn nodes_are_behind_their_group() {
    let graph = world(&format!("{ONE_POD}{}", r#"{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n2"}}"#));
    let names = &graph.snapshot().names;
    let found = members(&graph, CLUSTER, names.find("system:nodes").unwrap()).unwrap();
    let found: Vec<_> = found.iter().map(|member| (member.account.request_name(names), member.exists)).collect();
    assert_eq!(found, [("system:node:n1".to_owned(), false), ("system:node:n2".to_owned(), true)]);
}
