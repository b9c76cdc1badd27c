//! A world in which every kind of reference leads from an object to a node, with near misses beside.

use serde_json::{Value, json};

use super::{NODES, review};
use crate::server::{ApiServer, Call};

/// Puts it on a server, and waits until the server's Node authorizer has seen it.
pub(super) fn make(server: &ApiServer) {
    server.apply_all(world());
    // References that come with a status, and a node that comes after it, as the scheduler does it.
    let late = "/api/v1/namespaces/nd-a/pods/late";
    let status = json!({"status": {
        "resourceClaimStatuses": [
            {"name": "made", "resourceClaimName": "rc-made"},
            {"name": "needless"},
        ],
        "extendedResourceClaimStatus": {"resourceClaimName": "rc-extended", "requestMappings": [
            {"containerName": "c", "resourceName": "example.com/gpu", "requestName": "r"}]},
    }});
    done(server, Call::patch(format!("{late}/status"), status));
    done(
        server,
        Call::post(
            format!("{late}/binding"),
            json!({"apiVersion": "v1", "kind": "Binding",
        "metadata": {"name": "late"}, "target": {"kind": "Node", "name": "nd-3"}}),
        ),
    );
    done(server, Call::patch("/api/v1/namespaces/nd-a/pods/done/status", json!({"status": {"phase": "Succeeded"}})));
    done(
        server,
        Call::patch(
            "/api/v1/namespaces/nd-a/pods/every/ephemeralcontainers",
            json!({"spec": {
        "ephemeralContainers": [{"name": "debug", "image": "i", "env": env("s-ephemeral", "cm-ephemeral")}]}}),
        ),
    );
    // Each list has a cache of its own, which is filled in the order of the changes.
    server.apply_all(vec![
        pod("nd-a", "zz-marker", "nd-marker", json!({"imagePullSecrets": [{"name": "s-marker"}]})),
        volume("zz-marker", "nd-a", "c-marker", json!({"hostPath": {"path": "/x"}})),
        pod("nd-a", "zz-marker-claim", "nd-marker", json!({"volumes": [claim("v", "c-marker")]})),
        attachment("zz-marker", "nd-marker"),
        slice("zz-marker", json!({"nodeName": "nd-marker"})),
    ]);
    let markers = [
        ("", "secrets", "nd-a", "s-marker"),
        ("", "persistentvolumes", "", "zz-marker"),
        ("storage.k8s.io", "volumeattachments", "", "zz-marker"),
        ("resource.k8s.io", "resourceslices", "", "zz-marker"),
    ];
    let markers = markers.map(|(group, resource, namespace, name)| {
        let attributes =
            json!({"verb": "get", "group": group, "resource": resource, "namespace": namespace, "name": name});
        review("system:node:nd-marker", &[NODES], attributes)
    });
    server.wait_until("the Node authorizer knows the markers", || {
        server.review_all(markers.to_vec()).iter().all(|status| status["allowed"] == true)
    });
}

fn done(server: &ApiServer, call: Call) {
    let reply = server.call(call);
    assert_eq!(reply.code, 200, "{}", reply.body);
}

fn world() -> Vec<Value> {
    let secret_of = |name: &str| json!({"name": name});
    let mut objects = vec![
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "nd-a"}}),
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "nd-b"}}),
        pod(
            "nd-a",
            "every",
            "nd-1",
            json!({
                "serviceAccountName": "sa-every",
                "imagePullSecrets": [{"name": "s-pull"}],
                "initContainers": [{"name": "i", "image": "i", "env": env("s-init", "cm-init")}],
                "containers": [{"name": "c", "image": "i", "env": env("s-env", "cm-env"), "envFrom": [
                    {"secretRef": {"name": "s-env-from"}}, {"configMapRef": {"name": "cm-env-from"}}]}],
                "volumes": [
                    {"name": "secret", "secret": {"secretName": "s-volume", "optional": true}},
                    {"name": "map", "configMap": {"name": "cm-volume"}},
                    {"name": "projected", "projected": {"sources": [
                        {"secret": {"name": "s-projected"}}, {"configMap": {"name": "cm-projected"}},
                        {"serviceAccountToken": {"path": "t", "audience": "nd-audience"}}]}},
                    {"name": "csi", "csi": {"driver": "d", "nodePublishSecretRef": secret_of("s-csi")}},
                    {"name": "azure", "azureFile": {"secretName": "s-azure", "shareName": "s"}},
                    {"name": "ceph", "cephfs": {"monitors": ["m"], "secretRef": secret_of("s-ceph")}},
                    {"name": "cinder", "cinder": {"volumeID": "v", "secretRef": secret_of("s-cinder")}},
                    {"name": "flex", "flexVolume": {"driver": "a/b", "secretRef": secret_of("s-flex")}},
                    {"name": "rbd", "rbd": {"monitors": ["m"], "image": "i", "secretRef": secret_of("s-rbd")}},
                    {"name": "scale", "scaleIO": {"gateway": "g", "system": "s", "volumeName": "v", "secretRef": secret_of("s-scale")}},
                    {"name": "iscsi", "iscsi": {"targetPortal": "1.2.3.4", "iqn": "iqn.2000-01.a.b:c", "lun": 0,
                        "chapAuthSession": true, "secretRef": secret_of("s-iscsi")}},
                    {"name": "storageos", "storageos": {"volumeName": "v", "secretRef": secret_of("s-storageos")}},
                    claim("claim", "c-1"),
                    {"name": "eph", "ephemeral": {"volumeClaimTemplate": {"spec": {
                        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}}},
                ],
                "resourceClaims": [{"name": "direct", "resourceClaimName": "rc-direct"}],
            }),
        ),
        pod(
            "nd-a",
            "other",
            "nd-2",
            json!({"serviceAccountName": "sa-other", "imagePullSecrets": [{"name": "s-other"}],
            "volumes": [claim("v", "c-shared")]}),
        ),
        pod(
            "nd-a",
            "shared",
            "nd-1",
            json!({"imagePullSecrets": [{"name": "s-shared"}],
            "volumes": [claim("v", "c-shared"), claim("w", "c-same-name")]}),
        ),
        // The same names in another namespace lead to another node.
        pod(
            "nd-b",
            "every",
            "nd-2",
            json!({"serviceAccountName": "sa-every", "imagePullSecrets": [{"name": "s-volume"}],
            "volumes": [claim("v", "c-1")]}),
        ),
        pod(
            "nd-a",
            "unbound",
            "",
            json!({"serviceAccountName": "sa-unbound", "imagePullSecrets": [{"name": "s-unbound"}]}),
        ),
        pod("nd-a", "done", "nd-2", json!({"serviceAccountName": "sa-done", "imagePullSecrets": [{"name": "s-done"}]})),
        pod("nd-a", "ghost", "nd-ghost", json!({"imagePullSecrets": [{"name": "s-ghost"}]})),
        pod(
            "nd-a",
            "late",
            "",
            json!({"resourceClaims": [
            {"name": "made", "resourceClaimTemplateName": "template"},
            {"name": "needless", "resourceClaimTemplateName": "template"},
            {"name": "unmade", "resourceClaimTemplateName": "template"}],
            "containers": [{"name": "c", "image": "i",
                "resources": {"limits": {"example.com/gpu": 1}, "requests": {"example.com/gpu": 1}}}]}),
        ),
    ];
    let mut mirror = pod(
        "nd-a",
        "mirror",
        "nd-1",
        json!({"imagePullSecrets": [{"name": "s-mirror"}],
        "volumes": [claim("v", "c-mirror")]}),
    );
    mirror["metadata"]["annotations"] = json!({"kubernetes.io/config.mirror": ""});
    objects.push(mirror);
    objects.extend(
        ["nd-1", "nd-2", "nd-3"].map(|name| json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})),
    );
    objects.push(json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "c-1", "namespace": "nd-a"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "volumeName": "pv-csi"}}));
    objects.extend(volumes());
    objects.extend([attachment("va-1", "nd-1"), attachment("va-2", "nd-2"), attachment("va-far", "nd-attached")]);
    objects.extend([slice("slice-1", json!({"nodeName": "nd-1"})), slice("slice-all", json!({"allNodes": true}))]);
    objects
}

fn volumes() -> Vec<Value> {
    let at = |namespace: &str, name: &str| json!({"namespace": namespace, "name": name});
    let bare = |name: &str| json!({"name": name});
    let iscsi = |secret: Value| {
        json!({"iscsi": {"targetPortal": "1.2.3.4", "iqn": "iqn.2000-01.a.b:c", "lun": 0, "chapAuthSession": true,
            "secretRef": secret}})
    };
    let mut free = volume(
        "pv-free",
        "",
        "",
        json!({"csi": {"driver": "d", "volumeHandle": "h",
        "nodePublishSecretRef": at("nd-a", "s-pv-free")}}),
    );
    free["spec"].as_object_mut().unwrap().remove("claimRef");
    vec![
        free,
        volume(
            "pv-csi",
            "nd-a",
            "c-1",
            json!({"csi": {"driver": "d", "volumeHandle": "h",
            "nodePublishSecretRef": at("nd-a", "s-pv-publish"), "nodeStageSecretRef": at("nd-b", "s-pv-stage"),
            "nodeExpandSecretRef": at("nd-b", "s-pv-expand"), "controllerPublishSecretRef": at("nd-a", "s-pv-controller"),
            "controllerExpandSecretRef": at("nd-a", "s-pv-controller-expand")}}),
        ),
        volume("pv-shared", "nd-a", "c-shared", json!({"azureFile": {"secretName": "s-pv-azure", "shareName": "s"}})),
        volume(
            "pv-azure",
            "nd-a",
            "c-1",
            json!({"azureFile": {"secretName": "s-pv-azure", "shareName": "s", "secretNamespace": "nd-b"}}),
        ),
        volume("pv-iscsi", "nd-a", "c-1", iscsi(bare("s-pv-iscsi"))),
        volume("pv-iscsi-b", "nd-a", "c-1", iscsi(at("nd-b", "s-pv-iscsi-b"))),
        volume("pv-ceph", "nd-a", "c-1", json!({"cephfs": {"monitors": ["m"], "secretRef": bare("s-pv-ceph")}})),
        volume("pv-flex", "nd-a", "c-1", json!({"flexVolume": {"driver": "a/b", "secretRef": bare("s-pv-flex")}})),
        volume(
            "pv-rbd",
            "nd-a",
            "c-1",
            json!({"rbd": {"monitors": ["m"], "image": "i", "secretRef": at("nd-b", "s-pv-rbd")}}),
        ),
        volume(
            "pv-scale",
            "nd-a",
            "c-1",
            json!({"scaleIO": {"gateway": "g", "system": "s", "volumeName": "v",
            "secretRef": bare("s-pv-scale")}}),
        ),
        volume(
            "pv-cinder",
            "nd-a",
            "c-1",
            json!({"cinder": {"volumeID": "v", "secretRef": at("nd-b", "s-pv-cinder")}}),
        ),
        volume(
            "pv-storageos",
            "nd-a",
            "c-1",
            json!({"storageos": {"volumeName": "v", "volumeNamespace": "n",
            "secretRef": {"namespace": "nd-b", "name": "s-pv-storageos"}}}),
        ),
        volume("pv-eph", "nd-a", "every-eph", json!({"hostPath": {"path": "/x"}})),
        volume(
            "pv-unmounted",
            "nd-a",
            "c-nobody",
            json!({"csi": {"driver": "d", "volumeHandle": "h",
            "nodePublishSecretRef": at("nd-a", "s-pv-unmounted")}}),
        ),
        volume("pv-mirror", "nd-a", "c-mirror", json!({"hostPath": {"path": "/x"}})),
        // A claim of the mounted name, in another namespace.
        volume(
            "pv-same-name",
            "nd-b",
            "c-same-name",
            json!({"csi": {"driver": "d", "volumeHandle": "h",
            "nodePublishSecretRef": at("nd-b", "s-pv-same-name")}}),
        ),
    ]
}

fn env(secret: &str, map: &str) -> Value {
    json!([
        {"name": "PLAIN", "value": "x"},
        {"name": "S", "valueFrom": {"secretKeyRef": {"name": secret, "key": "k"}}},
        {"name": "M", "valueFrom": {"configMapKeyRef": {"name": map, "key": "k"}}},
        {"name": "F", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    ])
}

fn claim(volume: &str, name: &str) -> Value {
    json!({"name": volume, "persistentVolumeClaim": {"claimName": name}})
}

fn pod(namespace: &str, name: &str, node: &str, spec: Value) -> Value {
    let mut full = json!({"containers": [{"name": "c", "image": "i"}], "nodeName": node});
    for (key, value) in spec.as_object().unwrap() {
        full[key] = value.clone();
    }
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace}, "spec": full})
}

fn volume(name: &str, namespace: &str, claim: &str, source: Value) -> Value {
    let mut spec = json!({"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"},
        "claimRef": {"namespace": namespace, "name": claim}});
    for (key, value) in source.as_object().unwrap() {
        spec[key] = value.clone();
    }
    json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec})
}

fn attachment(name: &str, node: &str) -> Value {
    json!({"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment", "metadata": {"name": name},
        "spec": {"attacher": "d", "nodeName": node, "source": {"persistentVolumeName": "pv-csi"}}})
}

fn slice(name: &str, of: Value) -> Value {
    let mut spec = json!({"driver": "d.example.com",
        "pool": {"name": name, "generation": 1, "resourceSliceCount": 1}});
    for (key, value) in of.as_object().unwrap() {
        spec[key] = value.clone();
    }
    json!({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": {"name": name}, "spec": spec})
}
