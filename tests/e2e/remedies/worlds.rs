//! For each technique a world in which its right is what a path begins with, or, where it asks for none, that it is on the way.

use serde_json::Value;

use crate::live::{GITOPS, definition};

/// Technique and world.
pub(super) const WORLDS: &[(&str, &str)] = &[
    (
        "bind-role",
        "role binder: bind clusterroles.rbac; create clusterrolebindings.rbac; get pods
         bind binder user:alice user:bob",
    ),
    (
        "bind-held-role",
        "role manager: escalate,patch roles.rbac; create rolebindings.rbac
         role dev/small: create rolebindings.rbac
         bind dev/m=manager user:alice",
    ),
    (
        "escalate-role",
        "role e: escalate,patch roles.rbac
         role dev/own: get pods
         bind dev/e=e user:alice
         bind dev/own user:alice",
    ),
    (
        "aggregated-role-inject",
        "yaml {apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: team}, \
         aggregationRule: {clusterRoleSelectors: [{matchLabels: {to: team}}]}}
         role e: escalate,create clusterroles.rbac
         bind e user:alice
         bind dev/t=team user:alice",
    ),
    (
        "dangling-claim",
        "account dev/default
         role maker: create serviceaccounts; create serviceaccounts/token
         role big: * *.*
         bind dev/m=maker user:alice
         bind big sa:dev/gone user:bob",
    ),
    (
        "impersonate-serviceaccount",
        "account dev/bot
         role i: impersonate serviceaccounts,users.; list pods
         role big: * *.*
         bind dev/i=i user:alice
         bind big sa:dev/bot",
    ),
    (
        "impersonate-user",
        "role i: impersonate users bob
         role big: * *.*
         bind i user:alice
         bind big user:bob",
    ),
    (
        "impersonate-group",
        "role i: impersonate groups,users
         bind i user:alice",
    ),
    (
        "token-request",
        "account dev/bot
         role t: create *
         role big: * *.*
         bind dev/t=t group:dev
         bind big sa:dev/bot",
    ),
    (
        "wildcard-admin",
        "account dev/bot
         role t: create serviceaccounts/token bot
         role big: * *.*
         bind dev/t=t user:alice
         bind prod/big=big sa:dev/bot",
    ),
    (
        "system-masters",
        "role i: impersonate groups system:masters; impersonate users
         bind i user:alice",
    ),
    (
        "namespace-admin",
        "account dev/bot
         role t: create serviceaccounts/token
         role lead: create roles,rolebindings.rbac; list secrets; create pods
         bind dev/t=t group:devs
         bind dev/lead=lead sa:dev/bot",
    ),
    (
        "secret-read",
        "role s: get,list,watch,create secrets
         account dev/bot
         role t: create serviceaccounts/token
         bind dev/t=t user:alice
         bind kube-system/s=s sa:dev/bot",
    ),
    (
        "secret-token-read",
        "yaml {apiVersion: v1, kind: ServiceAccount, metadata: {name: bot, namespace: dev}, secrets: [{name: bot-token}]}
         secret dev/bot-token kubernetes.io/service-account-token bot
         role big: * *.*
         bind big sa:dev/bot
         bind dev/r=r user:alice
         role r: get,list secrets",
    ),
    (
        "secret-token-create",
        "account dev/bot
         role big: * *.*
         bind big sa:dev/bot
         role s: create secrets
         role r: get secrets mine
         bind dev/s=s user:alice
         bind dev/r=r user:alice",
    ),
    (
        "secret-token-retarget",
        "account dev/bot
         secret dev/other-token kubernetes.io/service-account-token other
         role big: * *.*
         bind big sa:dev/bot
         bind dev/s=s user:alice
         role s: patch secrets other-token",
    ),
    (
        "kubeconfig-secret-read",
        "secret fleet/one-kubeconfig cluster.x-k8s.io/secret
         role r: get secrets one-kubeconfig
         bind fleet/r=r user:alice",
    ),
    (
        "bootstrap-token-create",
        "role s: create secrets
         role big: * *.*
         bind kube-system/s=s user:alice
         bind big group:system:bootstrappers:big",
    ),
    (
        "csr-approve",
        "role big: * *.*
         role c: create certificatesigningrequests.certificates.k8s.io
         bind c user:alice
         bind a user:alice
         bind big user:bob
         role a: update certificatesigningrequests/approval.certificates.k8s.io; approve signers.certificates.k8s.io",
    ),
    (
        "node-csr",
        "role join: create,get certificatesigningrequests.certificates.k8s.io; create certificatesigningrequests/nodeclient.certificates.k8s.io
         bind join user:alice
         pod dev/one bot n1
         role big: * *.*
         bind big group:system:nodes",
    ),
    (
        "constrained-impersonation",
        "account dev/bot
         role big: * *.*
         role t: create serviceaccounts/token
         bind big sa:dev/bot
         bind dev/t=t user:bob
         bind i user:alice
         role i: impersonate:user-info users.authentication.k8s.io bob; impersonate-on:user-info:create serviceaccounts/token",
    ),
    (
        "pod-create",
        "account dev/bot
         role p: create,get,delete pods
         role big: * *.*
         bind dev/p=p user:alice
         bind big sa:dev/bot",
    ),
    (
        "workload-create",
        "account dev/bot
         role big: * *.*
         bind big sa:dev/bot
         bind dev/x=x user:alice
         role x: create,list deployments,jobs.apps; * jobs.batch",
    ),
    (
        "workload-patch",
        "account dev/bot
         role big: * *.*
         bind big sa:dev/bot
         bind dev/x=x user:alice
         role x: update,patch deployments.apps web
         deployment dev/web",
    ),
    (
        "pod-image-patch",
        "account dev/bot
         role big: * *.*
         bind big sa:dev/bot
         bind dev/x=x user:alice
         role x: get,patch pods
         pod dev/one bot n1",
    ),
    (
        "pod-exec",
        "account dev/bot
         role big: * *.*
         pod dev/one bot n1
         bind big sa:dev/bot
         bind dev/x=x user:alice
         role x: get,create pods/exec,pods/log",
    ),
    (
        "pod-attach",
        "account dev/bot
         role big: * *.*
         pod dev/one bot n1
         bind big sa:dev/bot
         bind dev/x=x user:alice
         role x: create pods/attach one",
    ),
    (
        "ephemeral-container",
        "role x: patch pods/ephemeralcontainers
         bind dev/x=x user:alice
         pod dev/one other n1
         pod dev/two other n1
         namespace dev -",
    ),
    (
        "node-proxy",
        "account dev/bot
         role big: * *.*
         pod dev/one bot n1
         bind big sa:dev/bot
         role x: get,create nodes,nodes/proxy,nodes/stats
         bind x user:alice",
    ),
    (
        "pod-serviceaccount",
        "account dev/bot
         role big: * *.*
         pod dev/one bot n1
         role x: create pods/exec one
         bind dev/x=x user:alice
         bind big sa:dev/bot",
    ),
    (
        "pod-secrets",
        "yaml {apiVersion: v1, kind: ServiceAccount, metadata: {name: bot, namespace: dev}, secrets: [{name: bot-token}]}
         secret dev/bot-token kubernetes.io/service-account-token bot
         pod dev/one other n1 secret:bot-token
         role big: * *.*
         bind big sa:dev/bot
         role x: create pods/exec
         bind dev/x=x user:alice",
    ),
    (
        "privileged-pod",
        "role p: create pods
         namespace dev -
         bind dev/p=p user:alice",
    ),
    (
        "privileged-pod",
        "role p: create pods
         namespace dev -
         pod dev/old other n1 privileged
         bind dev/p=p user:alice",
    ),
    (
        "relax-pod-security",
        "role p: create pods
         role l: patch namespaces dev
         bind dev/l=l user:alice
         bind dev/p=p user:alice",
    ),
    (
        "hostpath-volume",
        "role p: create pods
         role v: create persistentvolumes
         bind dev/p=p user:alice
         bind v user:alice",
    ),
    (
        "hostpath-volume",
        "role p: create pods
         bind dev/p=p user:alice
         volume v / dev/data",
    ),
    (
        "node-pods",
        "account prod/bot
         role big: * *.*
         pod dev/agent other n1 privileged
         pod prod/one bot n1
         role x: create pods/exec agent
         bind dev/x=x user:alice
         bind big sa:prod/bot",
    ),
    (
        "node-identity",
        "account prod/bot
         pod dev/agent other n1 privileged
         pod prod/one bot n1 token finished
         role big: * *.*
         role x: create pods/exec agent
         bind dev/x=x user:alice
         bind big sa:prod/bot",
    ),
    (
        "control-plane-node",
        "pod dev/one other n1 privileged
         node n1 node-role.kubernetes.io/control-plane
         role x: create pods/exec
         bind dev/x=x user:alice",
    ),
    (
        "container-escape",
        "pod dev/one other n1 hostPID cap:SYS_PTRACE
         role x: create pods/exec
         bind dev/x=x user:alice",
    ),
    (
        "pod-steal",
        "account agents/agent
         account kube-system/big
         role x: create pods/exec one
         bind agents/x=x user:alice
         pod agents/one agent n1 privileged
         pod kube-system/controller big n2
         role big: * *.*
         bind big sa:kube-system/big
         role s: delete pods; patch nodes
         bind s sa:agents/agent",
    ),
    (
        "pod-bind",
        "account agents/agent
         account kube-system/big
         role x: create pods/exec one
         bind agents/x=x user:alice
         pod agents/one agent n1 privileged
         pod kube-system/big big -
         role big: * *.*
         bind big sa:kube-system/big
         role s: create pods/binding
         bind s sa:agents/agent",
    ),
    (
        "webhook-write",
        "yaml {apiVersion: admissionregistration.k8s.io/v1, kind: MutatingWebhookConfiguration, metadata: {name: injector}}
         role w: update,list mutatingwebhookconfigurations,validatingwebhookconfigurations.admissionregistration.k8s.io
         bind w user:alice",
    ),
    (
        "admission-guard-remove",
        "role p: create pods
         role w: delete,get validatingadmissionpolicies.admissionregistration.k8s.io
         bind dev/p=p user:alice
         bind w user:alice
         namespace dev -
         yaml {apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {name: rule}, spec: {validations: [{expression: \"true\"}], matchConstraints: {resourceRules: [{operations: [CREATE], apiGroups: [\"\"], apiVersions: [v1], resources: [pods]}]}}}
         yaml {apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: of-rule}, spec: {policyName: rule, validationActions: [Deny]}}",
    ),
    (
        "admission-policy-write",
        "role w: create,update,list mutatingadmissionpolicies,mutatingadmissionpolicybindings.admissionregistration.k8s.io
         bind w user:alice",
    ),
    (
        "kube-system-config-write",
        "role c: get,patch configmaps kubeadm-config
         role kube-system/kubeadm:nodes-kubeadm-config: get configmaps kubeadm-config
         role kube-system/kubeadm:kubelet-config: get configmaps kubelet-config
         bind kube-system/c=c user:alice",
    ),
    (
        "aws-auth-write",
        "role c: get,patch,update configmaps
         yaml {apiVersion: v1, kind: Node, metadata: {name: n1, labels: {eks.amazonaws.com/nodegroup: one}}}
         bind kube-system/c=c user:alice",
    ),
    (
        "crd-conversion-write",
        "account flux-system/kustomize-controller
         role admin: * *.*
         bind admin sa:flux-system/kustomize-controller
         yaml {apiVersion: kustomize.toolkit.fluxcd.io/v1, kind: Kustomization, metadata: {name: apps, namespace: flux-system}, spec: {serviceAccountName: weak}}
         bind d user:alice
         role d: patch customresourcedefinitions.apiextensions.k8s.io",
    ),
    (
        "apiservice-write",
        "role w: patch,get apiservices.apiregistration.k8s.io
         role s: create services
         bind w user:alice
         bind dev/s=s user:alice",
    ),
    (
        "operator-deputy",
        "account flux-system/kustomize-controller
         role admin: * *.*
         role w: update,list kustomizations.kustomize.toolkit.fluxcd.io
         bind cluster-reconciler=admin sa:flux-system/kustomize-controller sa:flux-system/helm-controller
         bind w user:alice
         namespace infra restricted
         yaml {apiVersion: kustomize.toolkit.fluxcd.io/v1, kind: Kustomization, metadata: {name: apps, namespace: infra}, spec: {serviceAccountName: weak, sourceRef: {kind: GitRepository, name: main}}}
         yaml {apiVersion: source.toolkit.fluxcd.io/v1, kind: GitRepository, metadata: {name: main, namespace: infra}}",
    ),
    (
        "operator-deputy",
        "account argocd/argocd-application-controller
         role admin: * *.*
         role w: create,get applications.argoproj.io
         bind argo=admin sa:argocd/argocd-application-controller
         yaml {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: app, namespace: argocd}, spec: {project: default}}
         bind argocd/w=w user:alice",
    ),
    (
        "custom-workload-create",
        "account dev/bot
         role w: create,get,list workflows.argoproj.io
         role big: * *.*
         bind dev/w=w user:alice
         bind big sa:dev/bot",
    ),
];

/// The kinds that the worlds have objects of, or rights on.
pub(super) fn definitions() -> Vec<Value> {
    let workflow = ["argoproj.io", "v1alpha1", "workflows", "Workflow"];
    GITOPS.into_iter().chain([workflow]).map(definition).collect()
}
