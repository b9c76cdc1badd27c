//! Worlds with Flux and Argo CD.

use super::super::world::check;

const FLUX: &str = "
    role admin: * *.*
    bind cluster-reconciler=admin sa:flux-system/kustomize-controller sa:flux-system/helm-controller
    bind w user:alice
    ";

/// What makes an administrator of a namespace.
const LEAD: &str = "lead: create roles,rolebindings.rbac; list secrets; create pods";

const ADMIN: &str = "alice -> cluster-admin: operator-deputy, wildcard-admin";

fn kustomization(name: &str, spec: &str) -> String {
    let (namespace, name) = name.split_once('/').unwrap();
    format!(
        "yaml {{apiVersion: kustomize.toolkit.fluxcd.io/v1, kind: Kustomization, metadata: {{name: {name}, namespace: {namespace}}}, spec: {{{spec}}}}}\n"
    )
}

fn git(name: &str) -> String {
    let (namespace, name) = name.split_once('/').unwrap();
    format!(
        "yaml {{apiVersion: source.toolkit.fluxcd.io/v1, kind: GitRepository, metadata: {{name: {name}, namespace: {namespace}}}}}\n"
    )
}

const FROM_GIT: &str = "sourceRef: {kind: GitRepository, name: main}";

/// Flux's controller with flags.
fn controller(flags: &str) -> String {
    format!(
        "yaml {{apiVersion: apps/v1, kind: Deployment, metadata: {{name: kc, namespace: flux}}, spec: {{template: {{spec: \
         {{serviceAccountName: applier, containers: [{{name: m, image: \"ghcr.io/fluxcd/kustomize-controller:v1\", args: [{flags}]}}]}}}}}}}}
         role admin: * *.*
         bind applier=admin sa:flux/applier
         bind dev/w=w user:alice\n"
    )
}

#[test]
fn a_kustomization_is_applied_by_the_controller() {
    let here = kustomization("infra/apps", FROM_GIT) + &git("infra/main");
    check(&format!("role w: create kustomizations.kustomize.toolkit.fluxcd.io{FLUX}{here}"), ADMIN);
    check(&format!("role w: patch kustomizations.kustomize.toolkit.fluxcd.io apps{FLUX}{here}"), ADMIN);
    let own = kustomization("infra/apps", &format!("serviceAccountName: weak, {FROM_GIT}")) + &git("infra/main");
    // Whoever changes it takes the account out.
    check(&format!("role w: update,list kustomizations.kustomize.toolkit.fluxcd.io{FLUX}{own}"), ADMIN);
    check(&format!("role w: update kustomizations.kustomize.toolkit.fluxcd.io other{FLUX}{own}"), "");
    check(&format!("role w: create kustomizations.apps; get,list kustomizations.kustomize.toolkit.fluxcd.io{FLUX}{own}"), "");
}

#[test]
fn it_takes_a_source() {
    let here = kustomization("infra/apps", "sourceRef: {kind: ExternalArtifact, name: x}");
    check(&format!("role w: create kustomizations.kustomize.toolkit.fluxcd.io{FLUX}{here}"), "");
    let source = "yaml {apiVersion: source.toolkit.fluxcd.io/v1, kind: Bucket, metadata: {name: b, namespace: other}}\n";
    check(&format!("role w: create kustomizations.kustomize.toolkit.fluxcd.io{FLUX}{here}{source}"), ADMIN);
}

#[test]
fn a_source_that_is_used_is_what_its_user_applies() {
    let here = kustomization("infra/apps", FROM_GIT) + &git("infra/main") + &git("infra/other");
    check(&format!("role w: patch gitrepositories.source.toolkit.fluxcd.io main{FLUX}{here}"), ADMIN);
    check(&format!("role w: patch gitrepositories.source.toolkit.fluxcd.io other{FLUX}{here}"), "");
    check(&format!("role w: create gitrepositories.source.toolkit.fluxcd.io{FLUX}{here}"), "");
    for spec in ["serviceAccountName: weak, ", "kubeConfig: {secretRef: {name: k}}, "] {
        let here = kustomization("infra/apps", &format!("{spec}{FROM_GIT}")) + &git("infra/main");
        check(&format!("role w: patch gitrepositories.source.toolkit.fluxcd.io{FLUX}{here}"), "");
    }
    let strong = kustomization("infra/apps", &format!("serviceAccountName: strong, {FROM_GIT}")) + &git("infra/main");
    let lead = format!("role {LEAD}\nbind infra/lead=lead sa:infra/strong");
    check(
        &format!("role w: patch gitrepositories.source.toolkit.fluxcd.io{FLUX}{strong}{lead}"),
        "alice -> admin of infra: operator-deputy, namespace-admin",
    );
}

#[test]
fn a_helm_release_is_applied_by_the_other_controller() {
    let here = "yaml {apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: h, namespace: infra}, \
                spec: {chart: {spec: {sourceRef: {kind: HelmRepository, name: r}}}}}
                yaml {apiVersion: source.toolkit.fluxcd.io/v1, kind: HelmRepository, metadata: {name: r, namespace: infra}}\n";
    check(&format!("role w: create helmreleases.helm.toolkit.fluxcd.io{FLUX}{here}"), ADMIN);
    check(&format!("role w: update,get helmrepositories.source.toolkit.fluxcd.io r{FLUX}{here}"), ADMIN);
    check(&format!("role w: create kustomizations.kustomize.toolkit.fluxcd.io{FLUX}{here}"), "");
}

#[test]
fn a_cluster_without_flux_has_no_use_for_the_right() {
    check(&format!("role w: create kustomizations.kustomize.toolkit.fluxcd.io{FLUX}{}", git("infra/main")), "");
    let here = kustomization("infra/apps", FROM_GIT) + &git("infra/main");
    check(&format!("role w: create kustomizations.kustomize.toolkit.fluxcd.io\nbind w user:alice\n{here}"), "");
}

#[test]
fn flags_say_as_whom_and_where() {
    let objects = kustomization("flux/apps", FROM_GIT) + &git("flux/main");
    let rule = "role w: create kustomizations.kustomize.toolkit.fluxcd.io\n";
    let world = |flags: &str| format!("{rule}{objects}{}", controller(flags));
    check(&world("--watch-all-namespaces=true"), ADMIN);
    check(&world("--watch-all-namespaces=false"), "");
    check(&world("--no-cross-namespace-refs=true"), "");
    check(&world("--default-service-account=default"), "");
    check(
        &format!("{}account dev/deployer\nrole {LEAD}\nbind dev/d=lead sa:dev/deployer", world("--default-service-account=default")),
        "alice -> admin of dev: operator-deputy, namespace-admin",
    );
    check(
        &format!("{}role s: create gitrepositories.source.toolkit.fluxcd.io\nbind dev/s=s user:alice", world("--no-cross-namespace-refs")),
        ADMIN,
    );
}

#[test]
fn what_else_runs_says_nothing_of_the_controller() {
    let objects = kustomization("flux-system/apps", FROM_GIT) + &git("flux-system/main");
    let world = |more: &str| format!("role w: create kustomizations.kustomize.toolkit.fluxcd.io{FLUX}{objects}{more}");
    let other = |name: &str| {
        format!(
            "yaml {{apiVersion: apps/v1, kind: Deployment, metadata: {{name: {name}}}, spec: {{template: {{spec: \
             {{serviceAccountName: kustomize-controller, containers: [{{name: m, image: \"mirror.example/other:v1\"}}]}}}}}}}}\n"
        )
    };
    let [elsewhere, at_home, renamed] = [("web, namespace: dev"), ("web, namespace: flux-system"), ("kustomize-controller, namespace: flux-system")].map(other);
    check(&world(&elsewhere), ADMIN);
    check(&world(&at_home), "");
    // A mirror has another name for the image.
    check(&world(&renamed), ADMIN);
}

const ARGO: &str = "
    role admin: * *.*
    bind argo=admin sa:argocd/argocd-application-controller
    yaml {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: app, namespace: argocd}, spec: {project: default}}
    ";

fn project(name: &str, spec: &str) -> String {
    format!(
        "yaml {{apiVersion: argoproj.io/v1alpha1, kind: AppProject, metadata: {{name: {name}, namespace: argocd}}, spec: {{{spec}}}}}\n"
    )
}

const HERE: &str = "server: \"https://kubernetes.default.svc\"";

#[test]
fn an_application_in_argos_own_namespace_is_its_account() {
    for rule in ["create", "patch", "update,get"] {
        let rule = format!("role w: {rule} applications.argoproj.io{ARGO}");
        check(&format!("{rule}bind argocd/w=w user:alice"), ADMIN);
        check(&format!("{rule}bind w user:alice"), ADMIN);
        check(&format!("{rule}bind dev/w=w user:alice"), "");
    }
    // Who updates it has to know its version.
    check(&format!("role w: update applications.argoproj.io{ARGO}bind argocd/w=w user:alice"), "");
    check(&format!("role w: patch applications.argoproj.io gone{ARGO}bind argocd/w=w user:alice"), "");
    check(&format!("role w: patch applications.argoproj.io app{ARGO}bind argocd/w=w user:alice"), ADMIN);
}

#[test]
fn projects_say_how_far_it_goes() {
    let world = |projects: &str, rule: &str| {
        format!("role w: create applications.argoproj.io{rule}{ARGO}{projects}bind argocd/w=w user:alice\nrole {LEAD}\nbind team/lead=lead sa:team/bot")
    };
    let closed = project("default", "destinations: [], sourceRepos: []");
    check(&world(&closed, ""), "");
    let open = project("open", &format!("sourceRepos: [\"*\"], destinations: [{{{HERE}, namespace: \"*\"}}]"));
    check(&world(&(closed.clone() + &open), ""), ADMIN);
    let team = project("team", &format!("sourceRepos: [\"*\"], destinations: [{{{HERE}, namespace: \"team*\"}}]"));
    check(
        &world(&(closed.clone() + &team), ""),
        "alice -> admin of team: operator-deputy, namespace-admin
         alice -> any node: operator-deputy, pod-create, relax-pod-security, privileged-pod",
    );
    let other = project("team", "sourceRepos: [\"*\"], destinations: [{server: \"https://other\", namespace: \"*\"}]");
    check(&world(&(closed.clone() + &other), ""), "");
    let repository = project("team", &format!("sourceRepos: [\"https://a\"], destinations: [{{{HERE}, namespace: \"*\"}}]"));
    check(&world(&(closed.clone() + &repository), ""), "");
    // Whoever changes the project as well lets it go anywhere.
    check(&world(&closed, "; patch appprojects.argoproj.io default"), ADMIN);
    check(&world(&closed, "; create appprojects.argoproj.io"), ADMIN);
    check(&world(&closed, "; patch appprojects.argoproj.io gone"), "");
    check(&format!("role w: create,patch appprojects.argoproj.io{ARGO}bind argocd/w=w user:alice"), "");
}

#[test]
fn a_project_for_a_namespace_has_its_resources_of_aso() {
    let world = |role: &str| {
        format!(
            "role w: create applications.argoproj.io{}
             {}{}bind argocd/w=w user:alice
             aso
             credential global aso
             kinds storageaccounts.storage
             identity aso s3/ids
             assign aso Contributor s1
             account dev/app",
            ARGO.replace("admin: * *.*", role),
            project("default", "destinations: [], sourceRepos: []"),
            project("team", &format!("sourceRepos: [\"*\"], destinations: [{{{HERE}, namespace: dev}}]"))
        )
    };
    check(
        &world("admin: * *.*"),
        "alice -> admin of dev: operator-deputy, namespace-admin
         alice -> any node: operator-deputy, pod-create, relax-pod-security, privileged-pod
         alice -> keys and data (storageaccounts) on s1: operator-deputy, secret-read, aso-skip-export
         alice -> limited (storageaccounts) on s1: operator-deputy, aso-credential-fallback, aso-role",
    );
    check(
        &world("admin: create pods"),
        "system:serviceaccount:argocd:argocd-application-controller -> secrets of every namespace: pod-create",
    );
}

#[test]
fn other_namespaces_count_when_a_flag_and_a_project_say_so() {
    let world = |flag: &str, namespaces: &str| {
        let project = project(
            "apps",
            &format!("sourceRepos: [\"*\"], destinations: [{{{HERE}, namespace: \"*\"}}], sourceNamespaces: [{namespaces}]"),
        );
        format!(
            "role w: create applications.argoproj.io{ARGO}{project}
             yaml {{apiVersion: apps/v1, kind: StatefulSet, metadata: {{name: c, namespace: argocd, labels: {{app.kubernetes.io/name: argocd-application-controller}}}}, \
             spec: {{template: {{spec: {{serviceAccountName: argocd-application-controller, containers: [{{name: m, image: argocd, args: [{flag}]}}]}}}}}}}}
             bind dev/w=w user:alice"
        )
    };
    check(&world("--application-namespaces=dev", "dev"), ADMIN);
    check(&world("--application-namespaces, \"d*\"", "\"*\""), ADMIN);
    check(&world("--application-namespaces=dev", "prod"), "");
    check(&world("--status-processors=20", "dev"), "");
}
