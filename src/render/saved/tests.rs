//! What was saved is read again, whole and without secrets.

use std::io::Read;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::collect::{FileOptions, Input, Needs, load};
use crate::model::{
    Admission, ApiResource, ApiService, AsoDefinition, AsoDeployment, AsoEvent, AsoResource, AsoSecret,
    AsoSecretContent, AsoSpec, Cluster, Controller, Conversion, Deputy, Gap, GapReason, NameListId, Origin, PodPowers,
    PolicyBinding, Subject,
};

fn read(text: &[u8]) -> Result<Snapshot, Vec<String>> {
    let options = FileOptions { needs: Needs::ALL, threads: 2, ..FileOptions::default() };
    let mut input: &mut dyn Read = &mut &*text;
    load(&[Input::Stdin], &mut input, &options).map_err(|error| error.lines().collect())
}

fn read_objects(objects: &[Value]) -> Snapshot {
    let text: String = objects.iter().map(|object| format!("{object}\n")).collect();
    read(text.as_bytes()).unwrap()
}

fn text_of(snapshot: &Snapshot) -> Vec<u8> {
    let mut text = Vec::new();
    saved(snapshot, &mut text).unwrap();
    text
}

/// Everything a snapshot says, without where it was read. Written without the writer above, since that one is judged here.
fn content(snapshot: &Snapshot) -> String {
    use std::fmt::Write;
    let text = |name: Name| format!("{:?}", snapshot.text(name));
    let some = |name: Option<Name>| name.map_or_else(|| "-".to_owned(), text);
    let pairs =
        |pairs: &[(Name, Name)]| pairs.iter().map(|&(a, b)| [text(a), text(b)].join("=")).collect::<Vec<_>>().join(",");
    let list = |names: &[Name]| names.iter().map(|&name| text(name)).collect::<Vec<_>>().join(",");
    let mut all = String::new();
    let out = &mut all;
    let Snapshot { clusters, resources, discovered, counts, gaps, warnings, .. } = snapshot;
    let messages: Vec<_> = warnings.iter().map(|warning| &warning.message).collect();
    writeln!(out, "{clusters:?} {resources:?} {discovered} {counts:?} {gaps:?} {messages:?}").unwrap();
    for role in &snapshot.roles {
        writeln!(out, "role {} {} [{}]", some(role.namespace), text(role.name), pairs(&role.labels)).unwrap();
        for &rule in snapshot.rules.set(role.rules) {
            let rule = snapshot.rules.rule(rule);
            let parts = [rule.verbs, rule.api_groups, rule.resources, rule.resource_names, rule.non_resource_urls];
            writeln!(out, "  {:?}", parts.map(list)).unwrap();
        }
        for selector in role.aggregation.iter().flat_map(|aggregation| &aggregation.selectors) {
            writeln!(out, "  of [{}]", pairs(&selector.match_labels)).unwrap();
            for at in &selector.match_expressions {
                writeln!(out, "    {} {:?} [{}]", text(at.key), at.operator, list(&at.values)).unwrap();
            }
        }
        writeln!(out, "  aggregates: {}", role.aggregation.is_some()).unwrap();
    }
    for at in &snapshot.bindings {
        let kind = match at.role.kind {
            RoleKind::Other(kind) => text(kind),
            known => format!("{known:?}"),
        };
        writeln!(out, "binding {} {} -> {kind} {}", some(at.namespace), text(at.name), text(at.role.name)).unwrap();
        for &subject in snapshot.subjects.set(at.subjects) {
            let subject = snapshot.subjects.get(subject);
            let account = matches!(subject, Subject::ServiceAccount { .. });
            writeln!(out, "  {:?} {account}", (subject.kind(), subject.request_name(&snapshot.names))).unwrap();
        }
    }
    for at in &snapshot.service_accounts {
        let (namespace, name, secrets) = (text(at.namespace), text(at.name), list(snapshot.lists.get(at.secrets)));
        writeln!(out, "account {namespace} {name} {:?} [{secrets}]", at.automount).unwrap();
    }
    for at in &snapshot.namespaces {
        writeln!(out, "namespace {} [{}] {:?}", text(at.name), pairs(&at.labels), at.reconcile_policy).unwrap();
    }
    for at in &snapshot.secrets {
        let purpose = match at.purpose {
            SecretPurpose::Token(account) => ["Token ".to_owned(), some(account)].concat(),
            other => format!("{other:?}"),
        };
        let (namespace, seen) = (text(at.namespace), at.entries_seen);
        writeln!(out, "secret {namespace} {} {} {purpose} {seen}", text(at.name), text(at.kind)).unwrap();
    }
    for at in &snapshot.pods {
        let (node, account) = (some(at.node), some(at.service_account));
        let refs = snapshot.pod_refs.get(at.refs);
        let refs = [refs.secrets, refs.config_maps, refs.claims, refs.resource_claims, refs.token_audiences]
            .map(list)
            .join(" | ");
        let (namespace, name) = (text(at.namespace), text(at.name));
        writeln!(out, "pod {namespace} {name} {node} {account} {} {refs}", at.mirror).unwrap();
        writeln!(out, "  {} {:?} {} {}", at.powers, at.automount, at.token, at.finished).unwrap();
    }
    for at in &snapshot.volumes {
        let claim = at.claim.map_or_else(String::new, |claim| pairs(&[claim]));
        writeln!(out, "volume {} {claim} [{}] {}", text(at.name), pairs(&at.secrets), at.powers).unwrap();
    }
    out.push_str(&escalations(snapshot));
    for at in &snapshot.attachments {
        writeln!(out, "attachment {} {}", text(at.name), text(at.node)).unwrap();
    }
    for at in &snapshot.slices {
        writeln!(out, "slice {} {}", text(at.name), text(at.node)).unwrap();
    }
    for at in &snapshot.nodes {
        let group = at.azure_group.map_or_else(String::new, text);
        writeln!(out, "node {} [{}] {group}", text(at.name), pairs(&at.labels)).unwrap();
    }
    all
}

/// The same of what escalations go through: each value as Rust shows it, with the texts of its names.
fn escalations(snapshot: &Snapshot) -> String {
    let mut all = Vec::new();
    let origin = Origin::LIVE;
    for at in &snapshot.controllers {
        let lists = [at.images, at.args].map(|list| snapshot.lists.get(list));
        let (images, args) = (NameListId::EMPTY, NameListId::EMPTY);
        all.push(format!("{:?} {lists:?}", Controller { origin, images, args, ..at.clone() }));
    }
    all.extend(snapshot.admissions.iter().map(|at| format!("{:?}", Admission { origin, ..at.clone() })));
    all.extend(snapshot.policy_bindings.iter().map(|at| format!("{:?}", PolicyBinding { origin, ..at.clone() })));
    all.extend(snapshot.api_services.iter().map(|at| format!("{:?}", ApiService { origin, ..at.clone() })));
    all.extend(snapshot.conversions.iter().map(|at| format!("{:?}", Conversion { origin, ..at.clone() })));
    all.extend(snapshot.deputies.iter().map(|at| format!("{:?}", Deputy { origin, ..at.clone() })));
    all.extend(snapshot.aso_definitions.iter().map(|at| format!("{:?}", AsoDefinition { origin, ..at.clone() })));
    for at in &snapshot.aso_resources {
        let empty = NameListId::EMPTY;
        let mut at = AsoResource { origin, ..at.clone() };
        let mut lists = vec![std::mem::replace(&mut at.reads, empty), std::mem::replace(&mut at.writes, empty)];
        match &mut at.spec {
            AsoSpec::Federated(spec) => lists.push(std::mem::replace(&mut spec.audiences, empty)),
            AsoSpec::Cluster(spec) => lists.push(std::mem::replace(&mut spec.admin_groups, empty)),
            _ => {}
        }
        let lists: Vec<_> = lists.into_iter().map(|list| snapshot.lists.get(list)).collect();
        all.push(format!("{at:?} {lists:?}"));
    }
    for at in &snapshot.aso_deployments {
        let args = snapshot.lists.get(at.args);
        all.push(format!("{:?} {args:?}", AsoDeployment { origin, args: NameListId::EMPTY, ..at.clone() }));
    }
    all.extend(snapshot.aso_secrets.iter().map(|at| format!("{:?}", AsoSecret { origin, ..at.clone() })));
    all.extend(snapshot.aso_events.iter().map(|at| format!("{:?}", AsoEvent { origin, ..at.clone() })));
    let texts: BTreeMap<String, &str> = snapshot.names.iter().map(|(name, text)| (format!("{name:?}"), text)).collect();
    let spell = |line: String| {
        let mut parts = line.split("Name(");
        let mut spelled = parts.next().unwrap().to_owned();
        for part in parts {
            let (number, rest) = part.split_once(')').unwrap();
            spelled += &format!("{:?}{rest}", texts[&format!("Name({number})")]);
        }
        spelled + "\n"
    };
    all.into_iter().map(spell).collect()
}

/// Saves and reads again; everything must be there, and saving that must give the same text.
fn check(snapshot: &Snapshot) {
    let text = text_of(snapshot);
    let again = read(&text).unwrap();
    assert_eq!(content(&again), content(snapshot));
    assert_eq!(String::from_utf8(text_of(&again)).unwrap(), String::from_utf8(text.clone()).unwrap());
    let mut packed = Vec::new();
    saved_gz(snapshot, &mut packed).unwrap();
    assert_eq!(content(&read(&packed).unwrap()), content(snapshot));
}

fn traps() -> Vec<Value> {
    let rbac = |kind: &str, metadata: Value, rest: Value| {
        let mut object = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": metadata});
        object.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        object
    };
    vec![
        rbac(
            "ClusterRole",
            json!({"name": "system:odd \"\n\u{1b}[31m", "labels": {"b": "2", "a": ""}}),
            json!({"rules": [
            {"verbs": ["get", "", "get"], "apiGroups": [""], "resources": ["pods/*", "*"], "resourceNames": [""]},
            {"verbs": ["*"], "nonResourceURLs": ["/a*", "*"]}, {}, null]}),
        ),
        rbac(
            "ClusterRole",
            json!({"name": "sum"}),
            json!({"rules": null, "aggregationRule": {"clusterRoleSelectors": [
            {"matchLabels": {"a": "", "b": "2"}}, {},
            {"matchExpressions": [{"key": "a", "operator": "In", "values": ["x", "y"]}, {"key": "b", "operator": "Exists"}]}]}}),
        ),
        rbac("ClusterRole", json!({"name": "sum-of-nothing"}), json!({"aggregationRule": {}})),
        rbac("Role", json!({"name": "r", "namespace": "dev"}), json!({"rules": []})),
        rbac(
            "RoleBinding",
            json!({"name": "b", "namespace": "dev"}),
            json!({
            "roleRef": {"kind": "clusterRole", "name": "x"}, "subjects": [
                {"kind": "User", "name": "system:serviceaccount:dev:bot"}, {"kind": "ServiceAccount", "name": "bot"},
                {"kind": "ServiceAccount", "name": "a:b", "namespace": "c"}, {"kind": "Group", "name": "*"},
                {"kind": "User", "name": ""}, {"kind": "user", "name": "nobody"}]}),
        ),
        rbac(
            "ClusterRoleBinding",
            json!({"name": "b"}),
            json!({
            "roleRef": {"kind": "Role", "name": "r"}, "subjects": [{"kind": "ServiceAccount", "name": "lost"}]}),
        ),
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "bot", "namespace": "dev"}}),
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "old", "namespace": "dev"},
            "automountServiceAccountToken": false, "secrets": [{"name": "old-token"}, {"name": "\u{1b}\""}]}),
        json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
            "metadata": {"name": "old-token", "namespace": "dev", "annotations": {"kubernetes.io/service-account.name": "old"}}}),
        json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
            "metadata": {"name": "nobodys", "namespace": "dev"}}),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "way-in", "namespace": "dev"},
            "stringData": {"kubeconfig": "hunter2"}}),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "argo", "namespace": "dev",
            "labels": {"argocd.argoproj.io/secret-type": "cluster"}}, "data": {"config": "aHVudGVyMg=="}}),
        json!({"apiVersion": "v1", "kind": "Secret", "type": "cluster.x-k8s.io/secret", "metadata": {"name": "ca", "namespace": "dev"}}),
        json!({"apiVersion": "v1", "kind": "Secret", "type": "bootstrap.kubernetes.io/token", "metadata": {"name": "join", "namespace": "dev"}}),
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "strong", "namespace": "dev"}, "spec": {
            "automountServiceAccountToken": false, "hostPID": true, "hostNetwork": true, "hostIPC": true,
            "shareProcessNamespace": true, "containers": [
                {"securityContext": {"privileged": true, "capabilities": {"add": ["ALL"]}}, "volumeMounts": [
                    {"name": "root"}, {"name": "mine"}]},
                {"volumeMounts": [{"name": "root", "readOnly": true}]}],
            "volumes": [{"name": "root", "hostPath": {"path": "/"}}, {"name": "mine", "hostPath": {"path": "/data"}}]},
            "status": {"phase": "Failed"}}),
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "dev", "labels": {"x/y": "z"}}}),
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "labels": {"role": "control-plane"}},
            "spec": {"providerID": "azure:///subscriptions/S/resourceGroups/G/providers/Microsoft.Compute/x/y"}}),
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "dev",
            "annotations": {"kubernetes.io/config.mirror": "x", "note": "hunter2"}}, "spec": {"nodeName": "n1"}}),
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "q", "namespace": "dev"}, "spec": {
            "serviceAccountName": "bot", "imagePullSecrets": [{"name": "z"}, {"name": "a"}],
            "containers": [{"name": "c", "env": [{"name": "E", "value": "hunter2"},
                {"name": "F", "valueFrom": {"secretKeyRef": {"name": "env", "key": "k"}}}]}],
            "resourceClaims": [{"name": "gpu", "resourceClaimTemplateName": "t"}],
            "volumes": [{"name": "v", "ephemeral": {}}, {"name": "m", "configMap": {"name": "map"}},
                {"name": "t", "projected": {"sources": [{"serviceAccountToken": {"path": "x"}},
                    {"serviceAccountToken": {"audience": "vault", "path": "x"}}]}}]},
            "status": {"resourceClaimStatuses": [{"name": "gpu", "resourceClaimName": "gpu-7"}]}}),
        json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "odd"}, "spec": {
            "claimRef": {"namespace": "dev", "name": "c"},
            "azureFile": {"secretName": "f", "secretNamespace": "x"}, "rbd": {"secretRef": {"name": "r"}},
            "csi": {"nodePublishSecretRef": {"name": "p", "namespace": "x"}, "nodeStageSecretRef": {"name": "s", "namespace": "x"},
                "nodeExpandSecretRef": {"name": "e", "namespace": "y"}}}}),
        json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "free"}, "spec": {}}),
        json!({"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment", "metadata": {"name": "at"}, "spec": {"nodeName": "n1"}}),
        json!({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": {"name": "sl"}, "spec": {"nodeName": "n1"}}),
        json!({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": {"name": "all"}, "spec": {"allNodes": true}}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "dev"}}),
        json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": "s", "namespace": "dev",
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{\"data\":{\"k\":\"aHVudGVyMg==\"}}"}},
            "data": {"k": "aHVudGVyMg=="}, "stringData": {"k": "hunter2"}}),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "t", "namespace": "dev"}, "data": {"k": "aHVudGVyMg=="}}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "argocd-server", "namespace": "dev",
            "labels": {"app.kubernetes.io/part-of": "argocd"}}, "spec": {"template": {"spec": {
                "serviceAccountName": "bot", "automountServiceAccountToken": true, "hostPID": true, "containers": [
                    {"image": "a", "command": ["argocd"], "args": ["--x", "--password", "hunter2", "y", "--token=hunter2", "\u{1b}"],
                        "securityContext": {"privileged": true}, "volumeMounts": [{"name": "v"}]}, {}, {"image": "b", "args": ["z"]}],
                "volumes": [{"name": "v", "hostPath": {"path": "/var/log"}}]}}}}),
        json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "d", "namespace": "dev",
            "ownerReferences": [{"kind": "Deployment", "name": "d", "controller": true}]}, "spec": {"template": {"spec": {
                "containers": [{"image": "x:1", "args": ["hunter2"]}]}}}}),
        json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "c", "namespace": "dev"}, "spec": {"jobTemplate": {
            "spec": {"template": {"spec": {"hostNetwork": true, "serviceAccount": "old"}}}}}}),
        json!({"apiVersion": "v1", "kind": "ReplicationController", "metadata": {"name": "rc", "namespace": "dev"}, "spec": {}}),
        json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "host"}, "spec": {
            "local": {"path": "/"}, "claimRef": {"namespace": "dev", "name": "h"}}}),
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration", "metadata": {"name": "m"},
            "webhooks": [
                {"name": "a.x", "failurePolicy": "Ignore", "clientConfig": {"service": {"namespace": "dev", "name": "hook"}},
                    "rules": [{"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"]}]},
                {"name": "b.x", "clientConfig": {"url": "https://x"}, "rules": null}]}),
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": {"name": "m"}}),
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": "p"},
            "spec": {"failurePolicy": "Ignore", "matchConstraints": {"resourceRules": [
                {"operations": ["DELETE"], "apiGroups": [""], "resources": ["pods"]}]}}}),
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicy", "metadata": {"name": "p"}}),
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": "b"}, "spec": {"policyName": "p", "validationActions": ["Audit", "Deny"]}}),
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicyBinding",
            "metadata": {"name": "b"}, "spec": {"policyName": "p"}}),
        json!({"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "v1.x"},
            "spec": {"service": {"namespace": "dev", "name": "api"}}}),
        json!({"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "v1."}, "spec": {"version": "v1"}}),
        json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": {"name": "k", "namespace": "dev"},
            "spec": {"serviceAccountName": "bot", "kubeConfig": {}, "sourceRef": {"kind": "GitRepository", "name": "g"}}}),
        json!({"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "metadata": {"name": "h", "namespace": "dev"},
            "spec": {"chart": {"spec": {"sourceRef": {"kind": "HelmRepository", "name": "r", "namespace": "flux"}}}}}),
        json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": {"name": "g", "namespace": "dev"},
            "spec": {"url": "https://hunter2@example.com"}}),
        json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "a", "namespace": "dev"},
            "spec": {"project": "p", "destination": {"server": "https://kubernetes.default.svc", "namespace": "dev"}}}),
        json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "p", "namespace": "dev"},
            "spec": {"destinations": [{"server": "*", "namespace": "*"}, {"name": "in-cluster"}],
                "clusterResourceWhitelist": [{"group": "*", "kind": "*"}], "sourceNamespaces": ["dev", "\u{1b}[31m"]}}),
        json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "c.x"}, "spec": {
            "group": "x", "scope": "Cluster", "names": {"plural": "c", "kind": "C"}, "versions": [],
            "conversion": {"strategy": "Webhook", "webhook": {"clientConfig": {"service": {"namespace": "dev", "name": "conv"}}}}}}),
        json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "w.x"}, "spec": {
            "group": "x", "scope": "Cluster", "names": {"plural": "w", "kind": "W", "shortNames": ["ww"]},
            "versions": [{"name": "v1", "served": true, "subresources": {"status": {}}}]}}),
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "prod",
            "annotations": {"serviceoperator.azure.com/reconcile-policy": "skip"}}}),
        json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "vaults.keyvault.azure.com", "labels": {"app.kubernetes.io/version": "v2.20.0"}}, "spec": {
            "group": "keyvault.azure.com", "scope": "Namespaced", "names": {"plural": "vaults", "kind": "Vault"}, "versions": [],
            "conversion": {"strategy": "Webhook", "webhook": {"clientConfig": {"service": {"namespace": "aso", "name": "conv"}}}}}}),
        json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "moons.sky.azure.com", "labels": {"app.kubernetes.io/name": "azure-service-operator"}}, "spec": {
            "group": "sky.azure.com", "scope": "Namespaced", "names": {"plural": "moons", "kind": "Moon"}, "versions": []}}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "manager", "namespace": "aso"}, "spec": {
            "replicas": 2, "template": {"spec": {"serviceAccountName": "op", "containers": [
                {"image": "proxy:1", "args": ["--token=hunter2"], "env": [{"name": "AZURE_CLIENT_ID", "value": "hunter2"}]},
                {"name": "manager", "image": "mcr.microsoft.com/k8s/azureserviceoperator:v2.20.0", "args": ["--crd-pattern=*"],
                    "envFrom": [{"secretRef": {"name": "aso-controller-settings"}}], "env": [
                    {"name": "AZURE_TARGET_NAMESPACES", "value": "dev,prod"}, {"name": "AZURE_CLIENT_SECRET", "value": "hunter2"},
                    {"name": "AZURE_SYNC_PERIOD", "value": ""}, {"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "x"}}},
                    {"name": "AZURE_TENANT_ID", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": true}}}]}]}}}}),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "aso-controller-settings", "namespace": "aso"},
            "data": {"AZURE_CLIENT_ID": "Y2NjY2NjY2MtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAx", "AZURE_CLIENT_SECRET": "aHVudGVyMg==",
                "AZURE_SUBSCRIPTION_ID": ""}}),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "aso-credential", "namespace": "dev",
            "annotations": {"reflector.v1.k8s.emberstack.com/reflection-allowed": "true", "note": "hunter2",
                "reflector.v1.k8s.emberstack.com/reflection-allowed-namespaces": "qa,dev-.*"}},
            "stringData": {"AZURE_CLIENT_ID": "hunter2", "AUTH_MODE": "podidentity", "AZURE_CLIENT_CERTIFICATE": "hunter2", "note": "hunter2"}}),
        json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "s.1", "namespace": "dev"}, "reason": "CredentialFrom",
            "message": "Using credential from \"dev/aso-credential\"", "lastTimestamp": "2026-01-01T00:00:00Z",
            "involvedObject": {"apiVersion": "storage.azure.com/v1api20230101", "kind": "StorageAccount", "namespace": "dev", "name": "s"}}),
        json!({"apiVersion": "storage.azure.com/v1api20230101", "kind": "StorageAccount", "metadata": {"name": "s", "namespace": "dev",
            "labels": {"kustomize.toolkit.fluxcd.io/name": "x", "serviceoperator.azure.com/last-reconciled-version": "v2.20.0"},
            "annotations": {"serviceoperator.azure.com/credential-from": "", "serviceoperator.azure.com/resource-id": "/subscriptions/x",
                "serviceoperator.azure.com/operator-namespace": "aso", "serviceoperator.azure.com/reconcile-policy": "detach-on-delete"}},
            "spec": {"azureName": "n", "owner": {"name": "rg"}, "operatorSpec": {"secrets": {"key1": {"name": "k", "key": "a"}},
                "secretExpressions": [{"name": "w", "key": "x", "value": "hunter2"}]}}, "status": {"id": "/subscriptions/y"}}),
        json!({"apiVersion": "dbforpostgresql.azure.com/v1api20240801", "kind": "FlexibleServer", "metadata": {"name": "d", "namespace": "dev"},
            "spec": {"owner": {"armId": "/x"}, "administratorLoginPassword": {"name": "pw", "key": "p"}}}),
        json!({"apiVersion": "authorization.azure.com/v1api20220401", "kind": "RoleAssignment", "metadata": {"name": "r", "namespace": "dev"},
            "spec": {"owner": {"group": "a", "kind": "b", "name": "c"}, "principalIdFromConfig": {"name": "m", "key": "k"},
                "principalType": "User", "roleDefinitionReference": {"wellKnownName": "Owner"}, "condition": "hunter2"},
            "status": {"principalId": "p", "roleDefinitionId": "d", "scope": "/s"}}),
        json!({"apiVersion": "managedidentity.azure.com/v1api20230131", "kind": "FederatedIdentityCredential",
            "metadata": {"name": "f", "namespace": "dev"}, "spec": {"issuer": "https://x", "subject": "s", "audiences": ["a", "b"]}}),
        json!({"apiVersion": "managedidentity.azure.com/v1api20230131", "kind": "UserAssignedIdentity", "metadata": {"name": "i", "namespace": "dev"},
            "status": {"clientId": "c", "principalId": "p", "tenantId": "t"}}),
        json!({"apiVersion": "containerservice.azure.com/v1api20240901", "kind": "ManagedCluster", "metadata": {"name": "c", "namespace": "dev"},
            "spec": {"disableLocalAccounts": true, "aadProfile": {"managed": true, "enableAzureRBAC": false, "adminGroupObjectIDs": ["g"]}},
            "status": {"fqdn": "f.example", "nodeResourceGroup": "mc", "oidcIssuerProfile": {"issuerURL": "https://o"}}}),
        json!({"apiVersion": "keyvault.azure.com/v1api20230701", "kind": "Vault", "metadata": {"name": "v", "namespace": "dev"},
            "spec": {"properties": {"enableRbacAuthorization": true, "accessPolicies": [{}, {}], "createMode": "purgeThenCreate"}}}),
        json!({"apiVersion": "sky.azure.com/v20300101", "kind": "Moon", "metadata": {"name": "m", "namespace": "dev"},
            "spec": {"password": {"name": "light", "key": "k"}}}),
    ]
}

#[test]
fn what_was_saved_is_read_again() {
    let mut snapshot = read_objects(&traps());
    assert_eq!((snapshot.roles.len(), snapshot.secrets.len(), snapshot.warnings.len()), (4, 10, 2));
    let aso = (snapshot.aso_definitions.len(), snapshot.aso_resources.len(), snapshot.aso_deployments.len());
    assert_eq!((aso, snapshot.aso_secrets.len(), snapshot.aso_events.len()), ((2, 8, 1), 2, 1));
    let copied_to: Vec<_> =
        snapshot.aso_secrets.iter().map(|at| at.copied_to.map(|text| snapshot.text(text))).collect();
    assert_eq!(copied_to, [None, Some("qa,dev-.*")]);
    let admissions = (snapshot.admissions.len(), snapshot.policy_bindings.len(), snapshot.api_services.len());
    assert_eq!((admissions, snapshot.conversions.len()), ((4, 2, 2), 2));
    assert_eq!((snapshot.controllers.len(), snapshot.deputies.len()), (6, 5));
    assert_eq!((snapshot.pods.len(), snapshot.volumes.len(), snapshot.slices.len()), (3, 3, 1));
    check(&snapshot);
    snapshot.clusters = vec![Cluster {
        name: "prod".into(),
        server: "prod.hcp.example".into(),
        server_version: Some("v1.36.3".into()),
        stored: true,
    }];
    snapshot.discovered = true;
    snapshot.resources.push(ApiResource { resource: "pods".into(), namespaced: true, ..ApiResource::default() });
    snapshot.resources.sort();
    for (namespace, except, reason) in [
        (None, vec!["dev".to_owned()], GapReason::Forbidden),
        (None, vec![], GapReason::NotServed),
        (Some("dev".to_owned()), vec![], GapReason::Failed),
    ] {
        let (api_group, message) = ("g".to_owned(), "why \"so\"".to_owned());
        snapshot.gaps.push(Gap { api_group, resource: "r".into(), namespace, except, reason, message });
    }
    snapshot.gaps.sort();
    check(&snapshot);
    // Of a live cluster Secrets are asked for by name, and are no list.
    for (at, content) in [(0, AsoSecretContent::Absent), (1, AsoSecretContent::Unreadable)] {
        let mut more = snapshot.aso_secrets[1].clone();
        more.name = snapshot.names.find(["x", "y"][at]).unwrap();
        more.content = content;
        snapshot.aso_secrets.push(more);
    }
    let mut read_one = snapshot.aso_secrets[1].clone();
    read_one.name = snapshot.names.find("w").unwrap();
    snapshot.aso_secrets.push(read_one);
    snapshot.aso_secrets.sort_by_key(|at| (at.cluster, at.namespace, at.name));
    check(&snapshot);
    check(&read(&text_of(&Snapshot::default())).unwrap());
}

#[test]
fn no_content_of_a_secret_is_saved() {
    let text = String::from_utf8(text_of(&read_objects(&traps()))).unwrap();
    assert!(
        text.contains(
            r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"t","namespace":"dev"},"type":"Opaque","stringData":{}}"#
        )
    );
    assert!(!text.contains("hunter2") && !text.contains("aHVudGVyMg"), "{text}");
}

#[test]
fn two_clusters_are_one_too_many() {
    let of = |name: &str| {
        let mut snapshot = Snapshot::default();
        snapshot.clusters.push(Cluster { name: name.to_owned(), stored: true, ..Cluster::default() });
        text_of(&snapshot)
    };
    let problems = read(&[of("a"), of("b")].concat()).err().unwrap();
    assert_eq!(
        problems,
        [
            "standard input:2: this is a snapshot of cluster `b`, and standard input is one of cluster `a`; ask about one cluster at a time"
        ]
    );
    assert!(read(&[of("a"), of("a")].concat()).is_ok());
    let newer = String::from_utf8(of("a")).unwrap().replace("v1alpha1", "v9");
    assert!(read(newer.as_bytes()).err().unwrap()[0].contains("`rbac-lens.dev/v9`"));
}

/// Words that collide often, and some of any kind.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(vec!["", "*", "a", "b", "pods", "pods/log", "system:serviceaccount:a:b", "ü"]).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

fn words() -> impl Strategy<Value = Value> {
    prop_oneof![prop::collection::vec(word(), 0..4).prop_map(Value::from), Just(Value::Null)]
}

fn object() -> impl Strategy<Value = Value> {
    let name = word().prop_filter("an object has a name", |name| !name.is_empty());
    let role = (name, word(), prop::collection::vec((words(), words(), words(), words()), 0..3), any::<bool>()).prop_map(
        |(name, namespace, rules, cluster)| {
            let rules: Vec<Value> = rules
                .into_iter()
                .map(|(verbs, groups, resources, names)| {
                    json!({"verbs": verbs, "apiGroups": groups, "resources": resources, "resourceNames": names, "nonResourceURLs": null})
                })
                .collect();
            let kind = if cluster { "ClusterRole" } else { "Role" };
            json!({"kind": kind, "apiVersion": RBAC, "metadata": {"name": name, "namespace": namespace}, "rules": rules})
        },
    );
    let name = word().prop_filter("an object has a name", |name| !name.is_empty());
    let subject = (prop::sample::select(vec!["User", "Group", "ServiceAccount"]), word(), word())
        .prop_map(|(kind, name, namespace)| json!({"kind": kind, "name": name, "namespace": namespace}));
    let binding = (name, word(), prop::collection::vec(subject, 0..4), word(), any::<bool>()).prop_map(
        |(name, namespace, subjects, role, cluster)| {
            let kind = if cluster { "ClusterRoleBinding" } else { "RoleBinding" };
            json!({"kind": kind, "apiVersion": RBAC, "metadata": {"name": name, "namespace": namespace},
                "roleRef": {"kind": role.clone(), "name": role}, "subjects": subjects})
        },
    );
    prop_oneof![role, binding]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_was_saved_is_read_again(objects in prop::collection::vec(object(), 1..12)) {
        check(&read_objects(&objects));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_powers_are_read_again(chosen in prop::collection::vec(any::<prop::sample::Index>(), 0..8)) {
        let mut snapshot = read_objects(&traps());
        let all: Vec<PodPowers> = snapshot.pods.iter().flat_map(|pod| pod.powers.iter()).collect();
        assert_eq!(all.len(), 15);
        let powers = chosen.iter().fold(PodPowers::NONE, |powers, at| powers.union(*at.get(&all)));
        for pod in &mut snapshot.pods {
            pod.powers = powers;
        }
        check(&snapshot);
    }

    #[test]
    fn the_order_of_objects_does_not_matter(
        order in Just((0..traps().len()).collect::<Vec<_>>()).prop_shuffle(),
        again in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let traps = traps();
        let shuffled: Vec<Value> = order.iter().map(|&at| traps[at].clone()).collect();
        let twice: Vec<Value> = again.iter().map(|at| at.get(&shuffled).clone()).chain(shuffled.clone()).collect();
        let objects = |text: Vec<u8>| String::from_utf8(text).unwrap().split_once('\n').unwrap().1.to_owned();
        let [plain, shuffled, twice] = [traps, shuffled, twice].map(|all| objects(text_of(&read_objects(&all))));
        assert_eq!(plain, shuffled);
        assert_eq!(plain, twice);
    }
}
