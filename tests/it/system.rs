//! Who holds what it holds by the doing of Kubernetes or of the platform, and who only looks like it.

use std::fs;
use std::path::Path;

use rbac_lens::collect::{FileOptions, Input, Needs, load};
use rbac_lens::graph::AccessGraph;
use rbac_lens::model::{ClusterId, Subject};
use rbac_lens::query::{Standing, SystemFilter, standing};
use rbac_lens::rules::{Ask, Evidence, Platform, Start, escalations};
use serde_json::{Value, json};

const ADD_ON: &str = "addonmanager.kubernetes.io/mode: Reconcile";
const MANAGED: &str = "kubernetes.azure.com/managedby: aks";
const DEFAULT: &str = "kubernetes.io/bootstrapping: rbac-defaults";

/// A binding of `[NS/]NAME=ROLE` with a label to an account `NS/NAME`, or to a user or group.
fn binding(name: &str, label: &str, kind: &str, to: &str) -> String {
    let (name, role) = name.split_once('=').unwrap_or((name, name));
    let (prefix, name, namespace) = match name.split_once('/') {
        Some((namespace, name)) => ("Role", name, format!(", namespace: {namespace}")),
        None => ("ClusterRole", name, String::new()),
    };
    let role = role.rsplit('/').next().unwrap();
    let subject = match to.split_once('/') {
        Some((namespace, name)) => format!("{{kind: ServiceAccount, name: {name}, namespace: {namespace}}}"),
        None => format!("{{kind: {kind}, name: \"{to}\"}}"),
    };
    format!(
        "---\n{{apiVersion: rbac.authorization.k8s.io/v1, kind: {prefix}Binding, metadata: {{name: \"{name}\"{namespace}, \
         labels: {{{label}}}}}, roleRef: {{kind: {prefix}, name: \"{role}\"}}, subjects: [{subject}]}}\n"
    )
}

fn graph(objects: &[String]) -> AccessGraph {
    let options = FileOptions { needs: Needs::ALL, ..FileOptions::default() };
    AccessGraph::new(load(&[Input::Stdin], &mut objects.concat().as_bytes(), &options).unwrap())
}

/// An account `NS/NAME`, `group:NAME` or a user.
fn subject(graph: &AccessGraph, who: &str) -> Subject {
    let names = &graph.snapshot().names;
    let found = match (who.strip_prefix("group:"), who.split_once('/')) {
        (Some(group), _) => names.find(group).map(Subject::Group),
        (None, Some((namespace, name))) => {
            Subject::find_user(names, &format!("system:serviceaccount:{namespace}:{name}"))
        }
        (None, None) => Subject::find_user(names, who),
    };
    found.unwrap()
}

fn standing_of(who: &str, bindings: &[String]) -> Standing {
    let graph = graph(bindings);
    standing(&graph, ClusterId::FIRST, subject(&graph, who), |_| true)
}

#[test]
fn add_ons_are_recognised_by_label_and_place() {
    for label in [ADD_ON, MANAGED] {
        for who in [
            "kube-system/ama-logs",
            "gatekeeper-system/gatekeeper-admin",
            "azure-arc/agent",
            "flux-system/source-controller",
        ] {
            assert_eq!(standing_of(who, &[binding("a", label, "", who)]), Standing::Platform, "{who}");
        }
    }
    let who = "kube-system/ama-logs";
    assert_eq!(standing_of(who, &[binding("kube-system/a", ADD_ON, "", who)]), Standing::Platform);
    let user = "system:konnectivity-server";
    assert_eq!(standing_of(user, &[binding("a", ADD_ON, "User", user)]), Standing::Platform);
}

#[test]
fn copies_of_an_add_on_are_none() {
    let who = "kube-system/ama-logs";
    for bindings in [
        // No label, another label, another value.
        vec![binding("a", "", "", who)],
        vec![binding("a", "app.kubernetes.io/managed-by: Helm", "", who)],
        vec![binding("a", "kubernetes.azure.com/managedby: me", "", who)],
        // An extra grant, in the cluster or in a namespace of somebody.
        vec![binding("a", ADD_ON, "", who), binding("b", "", "", who)],
        vec![binding("dev/a", ADD_ON, "", who)],
    ] {
        assert_eq!(standing_of(who, &bindings), Standing::Other, "{bindings:?}");
    }
    // The label on somebody's own binding, to a namespace of somebody.
    for who in ["dev/ama-logs", "alice", "system:anonymous"] {
        assert_eq!(standing_of(who, &[binding("a", ADD_ON, "User", who)]), Standing::Other, "{who}");
    }
    for group in
        ["system:serviceaccounts", "system:serviceaccounts:dev", "system:authenticated", "system:unauthenticated"]
    {
        let all = binding("a", ADD_ON, "Group", group);
        assert_eq!(standing_of(&format!("group:{group}"), &[all]), Standing::Other, "{group}");
    }
}

#[test]
fn what_kubernetes_gives_is_recognised_by_label_name_role_and_subject() {
    let controller = "kube-system/job-controller";
    let own = binding("system:controller:job-controller", DEFAULT, "", controller);
    assert_eq!(standing_of(controller, std::slice::from_ref(&own)), Standing::Kubernetes);
    let scheduler = binding("system:kube-scheduler", DEFAULT, "User", "system:kube-scheduler");
    assert_eq!(standing_of("system:kube-scheduler", &[scheduler]), Standing::Kubernetes);
    let lock = binding(
        "kube-system/system::leader-locking-kube-scheduler=system::leader-locking-kube-scheduler",
        DEFAULT,
        "",
        "kube-system/kube-scheduler",
    );
    assert_eq!(standing_of("kube-system/kube-scheduler", &[lock]), Standing::Kubernetes);
    let group = "system:bootstrappers:kubeadm:default-node-token";
    let kubeadm = binding("kubeadm:kubelet-bootstrap=system:node-bootstrapper", "", "Group", group);
    assert_eq!(standing_of(&format!("group:{group}"), &[kubeadm]), Standing::Kubernetes, "kubeadm labels nothing");
    let other = binding("kubeadm:kubelet-bootstrap=cluster-admin", "", "Group", group);
    assert_eq!(standing_of(&format!("group:{group}"), &[other]), Standing::Other);
    let of_both = [own, binding("a", ADD_ON, "", controller)];
    assert_eq!(standing_of(controller, &of_both), Standing::Platform);
    for (name, label, who) in [
        ("system:controller:job-controller", "", controller),
        ("system:controller:job-controller=cluster-admin", DEFAULT, controller),
        ("system:controller:job-controller", DEFAULT, "kube-system/other"),
        ("system:controller:my-controller", DEFAULT, "kube-system/my-controller"),
        ("system:kube-scheduler", DEFAULT, "system:kube-proxy"),
    ] {
        assert_eq!(standing_of(who, &[binding(name, label, "User", who)]), Standing::Other, "{name} {label} {who}");
    }
}

/// A role `[NS/]NAME` with a rule `VERBS|RESOURCES` of the core group.
fn role(name: &str, rule: &str) -> String {
    let (kind, name, namespace) = match name.split_once('/') {
        Some((namespace, name)) => ("Role", name, format!(", namespace: {namespace}")),
        None => ("ClusterRole", name, String::new()),
    };
    let (verbs, resources) = rule.split_once('|').unwrap();
    format!(
        "---\n{{apiVersion: rbac.authorization.k8s.io/v1, kind: {kind}, metadata: {{name: \"{name}\"{namespace}, labels: \
         {{{DEFAULT}}}}}, rules: [{{verbs: [{verbs}], apiGroups: [\"\"], resources: [{resources}]}}]}}\n"
    )
}

#[test]
fn a_role_to_which_somebody_added_is_not_kubernetes_doing() {
    let name = "system:controller:persistent-volume-binder";
    let account = "kube-system/persistent-volume-binder";
    let group = "group:system:bootstrappers:kubeadm:default-node-token";
    let of_group = |name: &str| binding(name, "", "Group", group.strip_prefix("group:").unwrap());
    for (own, who, rule, expected) in [
        (binding(name, DEFAULT, "", account), account, "create|pods", Standing::Kubernetes),
        // 1.31 gave this, and 1.36 no longer does.
        (binding(name, DEFAULT, "", account), account, "get|secrets", Standing::Kubernetes),
        (binding(name, DEFAULT, "", account), account, "list|secrets", Standing::Other),
        (binding(name, DEFAULT, "", account), account, "'*'|'*'", Standing::Other),
        (of_group("kubeadm:get-nodes"), group, "get|nodes", Standing::Kubernetes),
        (of_group("kubeadm:get-nodes"), group, "get|nodes, secrets", Standing::Other),
        (of_group("kube-system/kube-proxy"), group, "get|configmaps", Standing::Other),
    ] {
        let role_name = own.split("name: \"").nth(1).unwrap().split('"').next().unwrap();
        let namespace = if own.contains("kind: RoleBinding") { "kube-system/" } else { "" };
        let objects = [own.clone(), role(&format!("{namespace}{role_name}"), rule)];
        assert_eq!(standing_of(who, &objects), expected, "{role_name} {rule}");
    }
    // What nobody made gives nothing.
    for old in ["kube-proxy", "kubeadm:kubelet-config-1.20"] {
        assert_eq!(standing_of(group, &[of_group(&format!("kube-system/{old}"))]), Standing::Kubernetes, "{old}");
        assert_eq!(standing_of(group, &[of_group(&format!("dev/{old}"))]), Standing::Other, "{old}");
    }
}

#[test]
fn who_holds_what_was_added_is_listed_and_a_fresh_cluster_has_nobody() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/bootstrap-1.36");
    let files = ["clusterroles", "clusterrolebindings", "roles", "rolebindings"];
    let files = files.map(|name| fs::read_to_string(folder.join(format!("{name}.json"))).unwrap());
    let [roles, ..] = &files;
    let name = "system:controller:ttl-controller";
    let mut widened: Value = serde_json::from_str(roles).unwrap();
    let items = widened["items"].as_array_mut().unwrap();
    let own = items.iter_mut().find(|role| role["metadata"]["name"] == name).unwrap();
    let added = json!({"verbs": ["escalate", "patch"], "apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"]});
    own["rules"].as_array_mut().unwrap().push(added);
    let ask = Ask { system: SystemFilter::Hide, ..Ask::default() };
    let documents = |roles: &str| {
        let all = [roles, &files[1], &files[2], &files[3]];
        graph(&all.map(|text| format!("---\n{text}\n")))
    };
    let fresh = escalations(&documents(roles), &ask);
    assert!(fresh.findings.is_empty() && fresh.holders.is_empty() && fresh.platform.is_empty());

    let world = documents(&widened.to_string());
    let [finding] = &escalations(&world, &ask).findings[..] else { panic!("one finding") };
    assert_eq!(finding.from, [Start::Subject(subject(&world, "kube-system/ttl-controller"))]);
    let of_role = |evidence| match evidence {
        Evidence::Grant { binding, rule, .. } => Some((world.text(world.binding(binding).role.name), rule)),
        _ => None,
    };
    let grants: Vec<(&str, u32)> = finding.evidence().filter_map(of_role).collect();
    assert_eq!(grants, [(name, 2); 2]);
}

#[test]
fn the_platform_is_counted_and_its_copy_is_listed() {
    let rules = |verb: &str, resource: &str| {
        format!("rules: [{{verbs: [{verb}], apiGroups: [\"\"], resources: [{resource}]}}]")
    };
    let role = |name: &str, rules: &str| {
        format!(
            "---\n{{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {{name: {name}}}, {rules}}}\n"
        )
    };
    let world = graph(&[
        role("tokens", &rules("create", "serviceaccounts/token")),
        role("secrets", &rules("list", "secrets")),
        role("all", "rules: [{verbs: [\"*\"], apiGroups: [\"*\"], resources: [\"*\"]}]"),
        binding("agent=tokens", ADD_ON, "", "kube-system/agent"),
        binding("boss=all", MANAGED, "", "kube-system/boss"),
        binding("reader=secrets", ADD_ON, "", "kube-system/reader"),
        binding("copy=tokens", ADD_ON, "", "dev/agent"),
        binding("own=tokens", "", "", "kube-system/own"),
    ]);
    let found = escalations(&world, &Ask { system: SystemFilter::Hide, ..Ask::default() });
    let account = |who: &str| Start::Subject(subject(&world, who));
    let platform = [("kube-system/agent", 1, 0), ("kube-system/boss", 0, 1), ("kube-system/reader", 0, 1)];
    let platform = platform.map(|(who, paths, holds)| Platform { from: account(who), paths, holds });
    assert_eq!(found.platform, platform);
    let mut listed: Vec<Start> = found.findings.into_iter().flat_map(|finding| finding.from).collect();
    listed.sort_unstable();
    let mut expected = vec![account("dev/agent"), account("kube-system/own")];
    expected.sort_unstable();
    assert_eq!(listed, expected);
    assert!(found.holders.is_empty(), "{:?}", found.holders);

    let all = escalations(&world, &Ask { system: SystemFilter::Show, ..Ask::default() });
    assert!(all.platform.is_empty());
    assert_eq!(all.findings.iter().map(|finding| finding.from.len()).sum::<usize>(), 3);
}
