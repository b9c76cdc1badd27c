//! The RBAC objects that kube-apiserver 1.36.3 creates by itself, as it was asked for them, and what is known of them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use rbac_lens::collect::{FileOptions, Input, load};
use rbac_lens::graph::AccessGraph;
use rbac_lens::model::{Action, ClusterId, Identity, Name, Resolved, ResourceAction, RuleSetId};
use rbac_lens::query::{Authorizers, decide, what_can};

use crate::worlds::lines;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/bootstrap-1.36")
}

fn graph() -> AccessGraph {
    let options = FileOptions::default();
    let graph = AccessGraph::new(load(&[Input::Path(folder())], &mut std::io::empty(), &options).unwrap());
    graph.verify().unwrap();
    graph
}

fn identity(user: &str, groups: &[&str]) -> Identity {
    Identity { user: user.to_owned(), groups: groups.iter().map(|&group| group.to_owned()).collect() }
}

fn allowed(graph: &AccessGraph, who: &Identity, verb: &str, resource: &str, namespace: &str) -> bool {
    let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let action = Action::Resource(ResourceAction {
        verb: verb.to_owned(),
        api_group: group.to_owned(),
        resource: resource.to_owned(),
        subresource: subresource.to_owned(),
        namespace: namespace.to_owned(),
        ..ResourceAction::default()
    });
    decide(graph, ClusterId::FIRST, who, &action, Authorizers::default()).allowed()
}

/// The same objects with `role` bound to user `u` in namespace `ns`.
fn bound(role: &str) -> AccessGraph {
    let extra = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
    let text = format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: b, namespace: ns}}\n\
         roleRef: {{kind: ClusterRole, name: {role}}}\nsubjects: [{{kind: User, name: u}}]\n"
    );
    std::fs::write(extra.path(), text).unwrap();
    let options = FileOptions { threads: 2, ..FileOptions::default() };
    let inputs = [Input::Path(folder()), Input::Path(extra.path().to_owned())];
    AccessGraph::new(load(&inputs, &mut std::io::empty(), &options).unwrap())
}

#[test]
fn all_of_them_are_read() {
    let graph = graph();
    let snapshot = graph.snapshot();
    let count =
        |kind: &str| snapshot.counts.iter().filter(|((_, at), _)| at == kind).map(|(_, count)| *count).sum::<u64>();
    assert_eq!(
        ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"].map(count),
        [69, 50, 7, 7],
        "a fresh 1.36.3 has these"
    );
    assert_eq!(snapshot.warnings, []);
    assert_eq!(graph.bindings().filter(|(at, _)| graph.role_of(*at).is_none()).count(), 0, "no binding dangles");
    let rules = |name: &str| {
        let role =
            snapshot.roles.iter().find(|role| role.namespace.is_none() && snapshot.text(role.name) == name).unwrap();
        snapshot.rules.set(role.rules).len()
    };
    assert_eq!(["admin", "edit", "view"].map(rules), [29, 27, 12]);
}

#[test]
fn everybody_gets_three_roles_and_no_more() {
    let graph = graph();
    let answer = what_can(&graph, ClusterId::FIRST, &identity("", &["system:authenticated"]));
    let bindings: BTreeSet<&str> = answer
        .rights
        .iter()
        .flat_map(|right| &right.grants)
        .map(|grant| graph.text(graph.binding(grant.binding).name))
        .collect();
    assert_eq!(
        bindings.into_iter().collect::<Vec<_>>(),
        ["system:basic-user", "system:discovery", "system:public-info-viewer"]
    );
    let nobody = what_can(&graph, ClusterId::FIRST, &identity("system:anonymous", &["system:unauthenticated"]));
    assert!(nobody.rights.iter().all(|right| right.namespace.is_none()));
    let verbs: BTreeSet<&str> =
        nobody.rights.iter().flat_map(|right| &right.verbs).map(|&verb| graph.text(verb)).collect();
    assert_eq!(verbs.into_iter().collect::<Vec<_>>(), ["get"], "anonymous may get a few paths");
}

#[test]
fn each_controller_is_allowed_its_own_rules() {
    let graph = graph();
    let snapshot = graph.snapshot();
    let mut seen = 0;
    for (_, role) in graph.roles().filter(|(_, role)| role.namespace.is_none()) {
        let Some(controller) = snapshot.text(role.name).strip_prefix("system:controller:") else { continue };
        seen += 1;
        let user = format!("system:serviceaccount:kube-system:{controller}");
        let rights = what_can(&graph, ClusterId::FIRST, &identity(&user, &[])).rights;
        let sets: BTreeSet<RuleSetId> = rights
            .iter()
            .filter(|right| right.namespace.is_none())
            .flat_map(|right| &right.grants)
            .map(|grant| graph.role(graph.role_of(grant.binding).unwrap()).rules)
            .collect();
        assert_eq!(sets.into_iter().collect::<Vec<_>>(), [role.rules], "{controller}");
    }
    assert_eq!(seen, 38, "controller roles of 1.36.3");
}

#[test]
fn the_node_role_is_bound_to_nobody() {
    let graph = graph();
    let (_, binding) = graph.bindings().find(|(_, binding)| graph.text(binding.name) == "system:node").unwrap();
    assert!(graph.snapshot().subjects.set(binding.subjects).is_empty());
}

#[test]
fn the_user_roles_allow_what_they_are_known_for() {
    let user = identity("u", &[]);
    for (role, yes, no) in [
        (
            "view",
            &["get pods", "list configmaps", "get namespaces", "get deployments.apps"][..],
            &["get secrets", "get roles.rbac.authorization.k8s.io", "create pods", "create pods/exec"][..],
        ),
        (
            "edit",
            &["get secrets", "create secrets", "create pods", "create pods/exec", "impersonate serviceaccounts"][..],
            &["create roles.rbac.authorization.k8s.io", "patch namespaces", "create pods/ephemeralcontainers"][..],
        ),
        (
            "edit",
            &["create serviceaccounts/token", "create pods/eviction", "get pods/log"][..],
            &["update pods/status", "create pods/binding", "update endpoints", "create bindings"][..],
        ),
        (
            "admin",
            &["create roles.rbac.authorization.k8s.io", "create rolebindings.rbac.authorization.k8s.io"][..],
            &["escalate roles.rbac.authorization.k8s.io", "update resourcequotas", "patch namespaces", "list nodes"][..],
        ),
    ] {
        let graph = bound(role);
        let ask = |words: &str, namespace| {
            let (verb, resource) = words.split_once(' ').unwrap();
            allowed(&graph, &user, verb, resource, namespace)
        };
        for words in yes {
            assert!(ask(words, "ns"), "{role} in ns: {words}");
            assert!(!ask(words, "other"), "{role} in another namespace: {words}");
            assert!(!ask(words, ""), "{role} everywhere: {words}");
        }
        for words in no {
            assert!(!ask(words, "ns"), "{role} in ns: {words}");
        }
    }
}

#[test]
fn the_table_of_resources_knows_what_these_roles_name() {
    let graph = graph();
    let table = rbac_lens::model::ResourceTable::new(&[], false);
    let snapshot = graph.snapshot();
    let mut unknown = BTreeSet::new();
    for (_, role) in graph.roles() {
        for &rule in snapshot.rules.set(role.rules) {
            let rule = snapshot.rules.rule(rule);
            for &group in rule.api_groups {
                for &resource in
                    rule.resources.iter().filter(|&&resource| resource != Name::STAR && group != Name::STAR)
                {
                    let text = snapshot.text(resource);
                    let (base, subresource) = text.split_once('/').unwrap_or((text, ""));
                    if base != "*" && table.known(snapshot.text(group), base, subresource).is_none() {
                        unknown.insert(format!("{text}.{}", snapshot.text(group)));
                    }
                }
            }
        }
    }
    // These are gone from the API, or another server's.
    unknown.retain(|at| {
        !at.ends_with(".extensions") && !at.ends_with(".metrics.k8s.io") && at != "deployments/rollback.apps"
    });
    assert_eq!(unknown, BTreeSet::new());
    let pods: Resolved = table.resolve("get", "po/log");
    assert_eq!((pods.resource.as_str(), pods.subresource.as_str()), ("pods", "log"));
}

/// How many steps are looked at in a cluster of teams with a namespace each, where somebody else may do something.
fn steps(namespaces: usize, may: &str, who: &str) -> u32 {
    let team = |at: usize| {
        let role = ["edit", "view", "admin"][at % 3];
        format!(
            "namespace ns{at} -
             role ns{at}/r: get,list,create pods,configmaps; get,list,create deployments.apps
             bind ns{at}/r=ns{at}/r sa:ns{at}/a group:team-{}
             bind ns{at}/{role} sa:ns{at}/b user:dev{at}
             pod ns{at}/p p n{}\n",
            at % 7,
            at % 10
        )
    };
    let operator = |at: usize| {
        format!(
            "role op{at}: * *.op{at}.io; get,list,create,update {}\nbind op{at} sa:ns{at}/op\n",
            ["secrets", "configmaps"][at % 2]
        )
    };
    let others: String = (0..namespaces).map(team).chain((0..8).map(operator)).collect();
    let objects = lines::yaml(&format!("{others}role may: {may}\nbind may {who}"));
    let world = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
    std::fs::write(&world, objects).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_kubectl-rbac_lens"));
    program.env_remove("KUBECONFIG").args(["escalations", "-v", "2", "-f"]).arg(folder()).arg("-f").arg(world.path());
    let told = String::from_utf8(program.output().unwrap().stderr).unwrap();
    let steps = told.lines().find_map(|line| line.strip_suffix(" steps to them")?.rsplit(' ').next()?.parse().ok());
    steps.unwrap_or_else(|| panic!("{told}"))
}

#[test]
fn twice_the_namespaces_are_twice_the_steps_where_somebody_may_write_bindings() {
    for (may, who) in [("create *.*", "user:u"), ("create,update,patch *.rbac", "group:system:serviceaccounts")] {
        let [few, more, most] = [20, 40, 80].map(|namespaces| steps(namespaces, may, who));
        assert!(most - more < (more - few) * 21 / 10, "{may}: {few} {more} {most}");
    }
}
