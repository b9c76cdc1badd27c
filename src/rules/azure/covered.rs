//! Ways into Azure that other techniques cover between them, each with a world in which they do and one in which they nearly do: what
//! stands in no file of its own is found all the same.

use crate::rules::kubernetes::check;

/// An operator with two identities that trust it, one of which is its own.
const OPERATOR: &str = "aso
             credential global aso
             kinds storageaccounts.storage
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default
             assign aso Contributor s1
             identity big s3/ids
             trust big azureserviceoperator-system/azureserviceoperator-default
             assign big Owner s2
             ";

/// What the tokens of both are worth, at the end of some steps.
fn both(steps: &str) -> String {
    format!(
        "alice -> Contributor-like on s1: {steps}, workload-identity, azure-role
         alice -> role-assignment write on s2: {steps}, workload-identity, azure-role"
    )
}

/// A namespace whose credential is used by tokens of an account there.
const STRICT: &str = "aso strict
             credential dev/aso-credential app
             kinds storageaccounts.storage
             identity app s3/ids
             trust app dev/aso-workload
             assign app Contributor s1
             account dev/aso-workload
             account dev/other
             ";

const RAW: &str = "workload-identity, azure-role";

#[test]
fn tokens_of_a_strict_namespace_are_those_of_its_account() {
    // By TokenRequest, with new pods, and in those that run as it.
    for (rule, more, steps) in [
        ("create serviceaccounts/token", "", "token-request"),
        ("create serviceaccounts/token aso-workload", "", "token-request"),
        ("create pods", "", "pod-create"),
        ("create deployments.apps", "", "workload-create"),
        ("create,get pods/exec", "pod dev/p aso-workload n1", "pod-exec, pod-serviceaccount"),
    ] {
        check(
            &format!("{STRICT}{more}\nrole t: {rule}\nbind dev/t=t user:alice"),
            &format!("alice -> Contributor-like on s1: {steps}, {RAW}"),
        );
    }
}

#[test]
fn tokens_of_others_there_or_of_a_relaxed_operator_are_not() {
    for (rule, more) in [
        ("create serviceaccounts/token other", ""),
        ("get,list pods", "pod dev/p aso-workload n1"),
        ("create,get pods/exec", "pod dev/p other n1"),
    ] {
        check(&format!("{STRICT}{more}\nrole t: {rule}\nbind dev/t=t user:alice"), "");
    }
    let relaxed = STRICT
        .replace("aso strict", "aso")
        .replace("trust app dev/aso-workload", "trust app azureserviceoperator-system/azureserviceoperator-default");
    check(&format!("{relaxed}role t: create serviceaccounts/token\nbind dev/t=t user:alice"), "");
}

#[test]
fn whoever_runs_code_as_the_operator_has_every_identity_that_trusts_it() {
    let pod = "pod azureserviceoperator-system/manager azureserviceoperator-default n1";
    for (rule, more, steps) in [
        ("create serviceaccounts/token", "", "token-request"),
        ("create pods", "", "pod-create"),
        ("create jobs.batch", "", "workload-create"),
        ("patch deployments.apps", "", "workload-patch"),
        ("create,get pods/exec", pod, "pod-exec, pod-serviceaccount"),
        ("create,get pods/attach", pod, "pod-attach, pod-serviceaccount"),
        ("patch pods/ephemeralcontainers", pod, "ephemeral-container, pod-serviceaccount"),
    ] {
        check(
            &format!("{OPERATOR}{more}\nrole t: {rule}\nbind azureserviceoperator-system/t=t user:alice"),
            &both(steps),
        );
        // In another namespace it is nothing.
        check(&format!("{OPERATOR}{more}\nrole t: {rule}\nbind qa/t=t user:alice"), "");
    }
}

#[test]
fn the_operator_s_kubernetes_power_comes_with_it() {
    let own = "system:serviceaccount:azureserviceoperator-system:azureserviceoperator-default -> cluster-admin: secret-read, secret-token-create, wildcard-admin";
    let world = format!(
        "{OPERATOR}role manager: get,list,create secrets
             bind manager sa:azureserviceoperator-system/azureserviceoperator-default
             account kube-system/boss
             role all: * *.*
             bind all sa:kube-system/boss
             role t: create serviceaccounts/token azureserviceoperator-default
             "
    );
    check(
        &format!("{world}bind azureserviceoperator-system/t=t user:alice"),
        &[
            own,
            "alice -> cluster-admin: token-request, secret-read, secret-token-create, wildcard-admin",
            &both("token-request"),
        ]
        .join("\n"),
    );
    check(&format!("{world}bind qa/t=t user:alice"), own);
}

#[test]
fn the_operator_s_own_secret_is_read() {
    let world = |kind: &str| {
        format!(
            "aso
             credential global aso{kind}
             kinds storageaccounts.storage
             identity aso s3/ids
             assign aso Contributor s1
             role r: get secrets
             bind azureserviceoperator-system/r=r user:alice"
        )
    };
    check(&world(" password"), "alice -> Contributor-like on s1: secret-read, aso-credential-read, azure-role");
    // Of workload identity there is nothing in it but ids.
    check(&world(""), "");
}

#[test]
fn the_operator_s_settings_are_written() {
    let world = |rule: &str| format!("{OPERATOR}role s: {rule}\nbind azureserviceoperator-system/s=s user:alice");
    for rule in ["patch secrets aso-controller-settings", "patch secrets"] {
        check(
            &world(rule),
            "alice -> Contributor-like on s1: aso-settings-write, azure-role
             alice -> role-assignment write on s2: aso-settings-write, azure-role",
        );
    }
    check(&world("patch secrets other"), "");
    check(&world("get secrets aso-controller-settings"), "");
}

#[test]
fn webhooks_and_definitions_stand_before_every_resource() {
    let hooks = "yaml {apiVersion: admissionregistration.k8s.io/v1, kind: MutatingWebhookConfiguration, metadata: {name: azureserviceoperator-mutating-webhook-configuration}}";
    let world = |rule: &str| format!("{OPERATOR}{hooks}\nrole w: {rule}\nbind w user:alice");
    check(
        &world(
            "patch mutatingwebhookconfigurations.admissionregistration.k8s.io azureserviceoperator-mutating-webhook-configuration",
        ),
        "alice -> cluster-admin: webhook-write",
    );
    check(&world("get mutatingwebhookconfigurations.admissionregistration.k8s.io"), "");
}

#[test]
fn the_operator_s_node_has_its_tokens() {
    let pods = "pod azureserviceoperator-system/manager azureserviceoperator-default n1
             node n1 a
             node n2 a
             ";
    let world = |level: &str, pods: &str| {
        format!("{OPERATOR}{pods}\nnamespace dev {level}\nrole p: create pods\nbind dev/p=p user:alice")
    };
    let nodes = "alice -> any node: pod-create, privileged-pod";
    let steps = "pod-create, privileged-pod, node-pods, pod-serviceaccount";
    check(&world("privileged", pods), &[both(steps).as_str(), nodes].join("\n"));
    check(&world("restricted", pods), "");
    // A node without it has none of them.
    check(&world("privileged", "node n1 a"), nodes);
}

/// Flux, which applies what a repository has as an account that may write storage accounts.
const FLUX: &str = "role f: create storageaccounts.storage.azure.com
             bind dev/f=f sa:flux-system/kustomize-controller
             yaml {apiVersion: apps/v1, kind: Deployment, metadata: {name: kustomize-controller, namespace: flux-system}, spec: {template: {spec: {serviceAccountName: kustomize-controller, containers: [{name: m, image: \"ghcr.io/fluxcd/kustomize-controller:v1\"}]}}}}
             yaml {apiVersion: source.toolkit.fluxcd.io/v1, kind: GitRepository, metadata: {name: main, namespace: infra}}
             yaml {apiVersion: kustomize.toolkit.fluxcd.io/v1, kind: Kustomization, metadata: {name: apps, namespace: infra}, spec: {sourceRef: {kind: GitRepository, name: main}ACCOUNT}}
             ";

#[test]
fn whoever_writes_the_source_of_gitops_has_the_credential_behind_it() {
    let world = |account: &str, kind: &str, namespace: &str| {
        let flux = FLUX.replace("ACCOUNT", account);
        let operator = OPERATOR.replace("assign big Owner s2", "");
        format!("{operator}{flux}role w: patch {kind}\nbind {namespace}/w=w user:alice")
    };
    let own = "system:serviceaccount:flux-system:kustomize-controller -> limited (storageaccounts) on s1: aso-credential-fallback, aso-role";
    let (source, applied) = ("gitrepositories.source.toolkit.fluxcd.io", "kustomizations.kustomize.toolkit.fluxcd.io");
    for kind in [source, applied] {
        check(
            &world("", kind, "infra"),
            &format!(
                "{own}
                 alice -> limited (storageaccounts) on s1: operator-deputy, aso-credential-fallback, aso-role"
            ),
        );
        check(&world("", kind, "qa"), own);
    }
    // As an account of the namespace it applies what that one may, which is nothing of ASO.
    check(&world(", serviceAccountName: weak", source, "infra"), own);
}
