//! What is read of objects of Flux and Argo CD.

use super::*;
use crate::collect::document::{ItemKind, Lines, Needs};
use crate::model::Snapshot;

fn read(kind: DeputyKind, spec: &str) -> (Snapshot, Vec<String>) {
    let (group, kind) = (kind.group(), kind.as_str());
    let object = format!(
        r#"{{"apiVersion": "{group}/v1", "kind": "{kind}", "metadata": {{"name": "x", "namespace": "dev"}}, "spec": {spec}}}"#
    );
    let mut reader = Reader::new(Needs::ALL, "default");
    reader.json(&object, Origin { line: 1, ..Origin::LIVE }, ItemKind::default(), Lines::OfFile);
    let (part, problems) = reader.finish();
    (Snapshot::unite(vec![part]), problems.into_iter().map(|at| format!("{}: {}", at.line, at.message)).collect())
}

fn say(kind: DeputyKind, spec: &str) -> String {
    let (snapshot, problems) = read(kind, spec);
    assert_eq!(problems, [] as [&str; 0], "{spec}");
    let text = |name: Name| snapshot.text(name);
    let place = |at: &Destination| [at.server, at.name, at.namespace].map(text).join("|");
    assert_eq!(snapshot.deputies[0].kind, kind);
    match &snapshot.deputies[0].spec {
        DeputySpec::Source => "source".to_owned(),
        DeputySpec::Apply(at) => {
            let source = at.source.map_or("-".to_owned(), |at| [at.kind, at.namespace, at.name].map(text).join("/"));
            format!("{} {source}{}", at.service_account.map_or("-", text), if at.remote { " remote" } else { "" })
        }
        DeputySpec::Application { project, destination } => format!("{} {}", text(*project), place(destination)),
        DeputySpec::Project(at) => {
            let places: Vec<_> = at.destinations.iter().map(place).collect();
            let kinds: Vec<_> =
                at.cluster_resources.iter().map(|&(group, kind)| [group, kind].map(text).join("/")).collect();
            let namespaces: Vec<_> = at.source_namespaces.iter().map(|&name| text(name)).collect();
            let open = [(at.every_namespaced, " every"), (at.any_repository, " any")];
            let open: String = open.into_iter().filter(|(is, _)| *is).map(|(_, word)| word).collect();
            format!("{places:?} {kinds:?} {namespaces:?}{open}")
        }
    }
}

#[test]
fn flux_applies() {
    for (spec, expected) in [
        (r#"{"sourceRef": {"kind": "GitRepository", "name": "g"}}"#, "- GitRepository/dev/g"),
        (
            r#"{"serviceAccountName": "bot", "sourceRef": {"kind": "Bucket", "name": "b", "namespace": "infra"}}"#,
            "bot Bucket/infra/b",
        ),
        (r#"{"serviceAccountName": "", "kubeConfig": {"secretRef": {"name": "k"}}, "sourceRef": null}"#, "- - remote"),
        ("null", "- -"),
    ] {
        assert_eq!(say(DeputyKind::Kustomization, spec), expected);
    }
    for (spec, expected) in [
        (
            r#"{"chart": {"spec": {"chart": "c", "sourceRef": {"kind": "HelmRepository", "name": "r"}}}}"#,
            "- HelmRepository/dev/r",
        ),
        (r#"{"chartRef": {"kind": "OCIRepository", "name": "o", "namespace": "x"}}"#, "- OCIRepository/x/o"),
        (r#"{"chart": null, "chartRef": null}"#, "- -"),
    ] {
        assert_eq!(say(DeputyKind::HelmRelease, spec), expected);
    }
    use DeputyKind::{Bucket, GitRepository, HelmChart, HelmRepository, OciRepository};
    for kind in [Bucket, GitRepository, HelmChart, HelmRepository, OciRepository] {
        assert_eq!(
            say(kind, r#"{"url": "https://x", "sourceRef": {"kind": "HelmRepository", "name": "r"}}"#),
            "source"
        );
    }
}

#[test]
fn argo_deploys() {
    let spec =
        r#"{"project": "p", "source": {"repoURL": "x"}, "destination": {"server": "https://a", "namespace": "n"}}"#;
    assert_eq!(say(DeputyKind::Application, spec), "p https://a||n");
    assert_eq!(say(DeputyKind::Application, r#"{"destination": {"name": "in-cluster"}}"#), " |in-cluster|");
    assert_eq!(say(DeputyKind::Application, "{}"), " ||");
    let spec = r#"{"destinations": [{"server": "*", "namespace": "team-*"}], "sourceNamespaces": ["a", "b*"],
        "clusterResourceWhitelist": [{"group": "*", "kind": "*"}, {"group": "", "kind": "Namespace"}]}"#;
    let expected = r#"["*||team-*"] ["*/*", "/Namespace"] ["a", "b*"] every"#;
    assert_eq!(say(DeputyKind::AppProject, spec), expected);
    assert_eq!(
        say(DeputyKind::AppProject, r#"{"destinations": null, "clusterResourceWhitelist": null}"#),
        "[] [] [] every"
    );
    for (spec, expected) in [
        (
            r#"{"sourceRepos": ["*"], "namespaceResourceWhitelist": [{"group": "*", "kind": "*"}]}"#,
            "[] [] [] every any",
        ),
        (r#"{"sourceRepos": ["*", "!https://a"], "namespaceResourceWhitelist": []}"#, "[] [] []"),
        (
            r#"{"sourceRepos": ["https://a/*"], "namespaceResourceBlacklist": [{"group": "", "kind": "Secret"}]}"#,
            "[] [] []",
        ),
    ] {
        assert_eq!(say(DeputyKind::AppProject, spec), expected, "{spec}");
    }
}

#[test]
fn a_deputy_of_the_wrong_shape_is_an_error() {
    let problems = |kind, spec| read(kind, spec).1;
    assert_eq!(
        problems(DeputyKind::Kustomization, r#"{"sourceRef": "g"}"#),
        ["1: in `spec`: expected an object, found the text `\"g\"`"]
    );
    assert_eq!(
        problems(DeputyKind::AppProject, r#"{"destinations": {"server": "*"}}"#),
        ["1: in `spec`: expected a list, found an object"]
    );
}
