//! What pods and volumes refer to, field by field.

use super::*;
use crate::collect::document::{ItemKind, Lines, Needs};

fn read(object: &str) -> Snapshot {
    read_with(Needs { workloads: true, ..Needs::default() }, object)
}

fn read_with(needs: Needs, object: &str) -> Snapshot {
    let mut reader = Reader::new(needs, "default");
    reader.json(object, Origin::LIVE, ItemKind::default(), Lines::OfObject);
    let (part, problems) = reader.finish();
    assert_eq!(problems, []);
    Snapshot::unite(vec![part])
}

/// What a pod with this spec, and these other fields, refers to.
fn refs(spec: &str, more: &str) -> String {
    let pod = format!(r#"{{"apiVersion": "v1", "kind": "Pod", "metadata": {{"name": "p"}}, "spec": {spec}{more}}}"#);
    let snapshot = read(&pod);
    let refs = snapshot.pod_refs.get(snapshot.pods[0].refs);
    let lists = [
        ("secrets", refs.secrets),
        ("maps", refs.config_maps),
        ("claims", refs.claims),
        ("resources", refs.resource_claims),
        ("audiences", refs.token_audiences),
    ];
    let text = |(word, list): (&str, &[Name])| {
        let names: Vec<&str> = list.iter().map(|&name| snapshot.text(name)).collect();
        (!names.is_empty()).then(|| format!("{word} {}", names.join(",")))
    };
    lists.into_iter().filter_map(text).collect::<Vec<_>>().join("; ")
}

#[test]
fn a_pod_has_a_token() {
    let pod = |needs: Needs, spec: &str, more: &str| {
        let pod =
            format!(r#"{{"apiVersion": "v1", "kind": "Pod", "metadata": {{"name": "p"}}, "spec": {spec}{more}}}"#);
        let pod = read_with(needs, &pod).pods.remove(0);
        (pod.powers.to_string(), pod.automount, pod.token, pod.finished)
    };
    let projected = |token: &str| {
        format!(r#"{{"volumes": [{{"projected": {{"sources": [{{}}, {{"serviceAccountToken": {token}}}]}}}}]}}"#)
    };
    for (spec, more, automount, token, finished) in [
        ("null", "", None, false, false),
        (r#"{"automountServiceAccountToken": false}"#, "", Some(false), false, false),
        (r#"{"automountServiceAccountToken": true}"#, "", Some(true), false, false),
        (&projected("{}"), "", None, true, false),
        (&projected(r#"{"audience": ""}"#), "", None, true, false),
        (&projected(r#"{"audience": "https://kubernetes.default.svc.cluster.local"}"#), "", None, true, false),
        (&projected(r#"{"audience": "vault"}"#), "", None, false, false),
        (&projected("null"), "", None, false, false),
        ("{}", r#", "status": {"phase": "Running"}"#, None, false, false),
        ("{}", r#", "status": {"phase": "Succeeded"}"#, None, false, true),
        ("{}", r#", "status": {"phase": "Failed"}"#, None, false, true),
    ] {
        assert_eq!(pod(Needs::ALL, spec, more), (String::new(), automount, token, finished), "{spec}{more}");
    }
    let strong = r#"{"hostPID": true, "automountServiceAccountToken": true}"#;
    assert_eq!(pod(Needs::ALL, strong, "").0, "hostPID");
    let usual = Needs { workloads: true, ..Needs::default() };
    assert_eq!(pod(usual, strong, r#", "status": {"phase": "Failed"}"#), (String::new(), None, false, false));
}

#[test]
fn which_cluster_of_azure_it_is_takes_no_pods() {
    let list = r#"{"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}},
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"nodeName": "n"}}
    ]}"#;
    for (needs, expected) in [(Needs::default(), (0, 0)), (Needs::default().with_azure(), (1, 0)), (Needs::ALL, (1, 1))]
    {
        let snapshot = read_with(needs, list);
        assert_eq!((snapshot.nodes.len(), snapshot.pods.len()), expected, "{needs:?}");
    }
}

#[test]
fn a_pod_refers_to() {
    for (spec, expected) in [
        ("null", ""),
        ("{}", ""),
        (r#"{"imagePullSecrets": [{"name": "b"}, {"name": "a"}, {"name": "b"}, {"name": ""}, {}]}"#, "secrets a,b"),
        (r#"{"containers": null, "volumes": null, "imagePullSecrets": null, "resourceClaims": null}"#, ""),
        (r#"{"containers": [{"env": null, "envFrom": [{"secretRef": null}, {"prefix": "x"}]}]}"#, ""),
        (r#"{"initContainers": [{"envFrom": [{"secretRef": {"name": "s"}}]}]}"#, "secrets s"),
        (r#"{"ephemeralContainers": [{"envFrom": [{"configMapRef": {"name": "m"}}]}]}"#, "maps m"),
        (
            r#"{"containers": [{"env": [{"name": "A", "value": "x"}, {"name": "B", "valueFrom": {"fieldRef": {}}}]}]}"#,
            "",
        ),
        (r#"{"containers": [{"env": [{"valueFrom": {"configMapKeyRef": {"name": "m", "key": "k"}}}]}]}"#, "maps m"),
        (r#"{"volumes": [{"name": "v", "emptyDir": {}}, {"name": "w", "hostPath": {"path": "/"}}]}"#, ""),
        (r#"{"volumes": [{"name": "v", "secret": {"secretName": "s"}}]}"#, "secrets s"),
        // The field of a Secret volume is not `name`.
        (r#"{"volumes": [{"name": "v", "secret": {"name": "s"}}]}"#, ""),
        (r#"{"volumes": [{"name": "v", "ephemeral": {"volumeClaimTemplate": {}}}]}"#, "claims p-v"),
        (r#"{"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}, "ephemeral": {}}]}"#, "claims c"),
        (
            r#"{"volumes": [{"name": "v", "projected": {"sources": [
                {"serviceAccountToken": {"path": "t"}}, {"serviceAccountToken": {"audience": "vault"}},
                {"configMap": {"name": "m"}}, {"downwardAPI": {}}, {"secret": {"name": "s"}}]}}]}"#,
            "secrets s; maps m; audiences ,vault",
        ),
        (r#"{"volumes": [{"name": "v", "csi": {"driver": "d", "nodePublishSecretRef": {"name": "s"}}}]}"#, "secrets s"),
    ] {
        assert_eq!(refs(spec, ""), expected, "{spec}");
    }
}

#[test]
fn claims_made_from_templates_are_named_in_the_status() {
    let spec = r#"{"resourceClaims": [{"name": "a", "resourceClaimName": "own"},
        {"name": "b", "resourceClaimTemplateName": "t"}, {"name": "c", "resourceClaimTemplateName": "t"}]}"#;
    assert_eq!(refs(spec, ""), "resources own");
    let status = r#", "status": {"resourceClaimStatuses": [{"name": "a", "resourceClaimName": "not-this"},
        {"name": "b", "resourceClaimName": "p-b"}, {"name": "c", "resourceClaimName": null}],
        "extendedResourceClaimStatus": {"resourceClaimName": "p-x"}}"#;
    assert_eq!(refs(spec, status), "resources own,p-b,p-x");
    assert_eq!(refs(spec, r#", "status": null"#), "resources own");
}

#[test]
fn a_mirror_pod_is_known_by_its_annotation() {
    for (annotations, expected) in [
        ("null", false),
        (r#"{"a": "kubernetes.io/config.mirror"}"#, false),
        (r#"{"kubernetes.io/config.mirror": ""}"#, true),
        (r#"{"kubernetes.io\/config.mirror": null}"#, true),
    ] {
        let metadata = format!(r#"{{"name": "p", "namespace": "dev", "annotations": {annotations}}}"#);
        let snapshot = read(&format!(r#"{{"apiVersion": "v1", "kind": "Pod", "metadata": {metadata}}}"#));
        assert_eq!(snapshot.pods[0].mirror, expected, "{annotations}");
    }
}

#[test]
fn node_and_account_of_a_pod() {
    for (spec, expected) in [
        ("{}", (None, None)),
        (r#"{"nodeName": "", "serviceAccountName": ""}"#, (None, None)),
        (r#"{"nodeName": null, "serviceAccountName": null}"#, (None, None)),
        (r#"{"nodeName": "n", "serviceAccount": "old"}"#, (Some("n"), Some("old"))),
        (r#"{"serviceAccount": "old", "serviceAccountName": "new"}"#, (None, Some("new"))),
    ] {
        let pod = format!(r#"{{"apiVersion": "v1", "kind": "Pod", "metadata": {{"name": "p"}}, "spec": {spec}}}"#);
        let snapshot = read(&pod);
        let pod = &snapshot.pods[0];
        let text = |name: Option<Name>| name.map(|name| snapshot.text(name));
        assert_eq!((text(pod.node), text(pod.service_account)), expected, "{spec}");
    }
}

#[test]
fn a_volume_needs() {
    for (spec, expected) in [
        ("null", "-"),
        (r#"{"csi": {"nodePublishSecretRef": {"namespace": "n", "name": "s"}}}"#, "-"),
        (r#"{"claimRef": {"namespace": "dev", "name": "c"}, "hostPath": {"path": "/"}}"#, "dev/c"),
        (r#"{"claimRef": {"namespace": "dev", "name": "c"}, "azureFile": {"secretName": "s"}}"#, "dev/c dev/s"),
        (
            r#"{"claimRef": {"namespace": "dev", "name": "c"}, "azureFile": {"secretName": "s", "secretNamespace": "n"}}"#,
            "dev/c n/s",
        ),
        (r#"{"claimRef": {"namespace": "dev", "name": "c"}, "rbd": {"secretRef": {"name": "s"}}}"#, "dev/c dev/s"),
        (r#"{"claimRef": {"namespace": "dev", "name": "c"}, "cinder": {"secretRef": {"name": "s"}}}"#, "dev/c /s"),
        (
            r#"{"claimRef": {"namespace": "dev", "name": "c"}, "csi": {
                "controllerPublishSecretRef": {"namespace": "n", "name": "no"}, "nodeStageSecretRef": null,
                "nodePublishSecretRef": {"namespace": "n", "name": "b"},
                "nodeExpandSecretRef": {"namespace": "n", "name": "a"}}}"#,
            "dev/c n/a n/b",
        ),
    ] {
        let volume = format!(
            r#"{{"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {{"name": "v"}}, "spec": {spec}}}"#
        );
        let snapshot = read(&volume);
        let volume = &snapshot.volumes[0];
        let text = |(namespace, name): (Name, Name)| format!("{}/{}", snapshot.text(namespace), snapshot.text(name));
        let claim = volume.claim.map_or("-".to_owned(), text);
        let all: Vec<String> = [claim].into_iter().chain(volume.secrets.iter().map(|&pair| text(pair))).collect();
        assert_eq!(all.join(" "), expected, "{spec}");
    }
}

#[test]
fn what_belongs_to_no_node_is_left_out() {
    let attachment = |spec: &str| {
        let object = format!(
            r#"{{"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment", "metadata": {{"name": "a"}}, "spec": {spec}}}"#
        );
        read(&object).attachments.len()
    };
    assert_eq!([r#"{"nodeName": "n"}"#, r#"{"nodeName": ""}"#, "null"].map(attachment), [1, 0, 0]);
}
