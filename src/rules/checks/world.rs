//! Small worlds for the tests of checks: the lines of the techniques' worlds, and some for ASO.

use crate::collect::{FileOptions, Input, Needs, load, read_azure};
use crate::graph::AccessGraph;
use crate::model::ClusterId;
use crate::query::AsoOptions;
use crate::rules::kubernetes::yaml;

use super::run_checks;

const IDS: &str = "AZURE_SUBSCRIPTION_ID: 11111111-0000-0000-0000-000000000001, \
                   AZURE_TENANT_ID: 99999999-0000-0000-0000-000000000001, \
                   AZURE_CLIENT_ID: cccccccc-0000-0000-0000-00000000000";

/// The same lines, with these more:
///
/// ```text
/// operator SETTINGS            in the namespace `aso`, as the account `aso/op`; `ID1` is a whole credential of the identity 1
/// credential NS/NAME ENTRIES
/// crd PLURAL.GROUP KIND
/// cr NS/NAME GROUP/KIND [annotations {...}] SPEC
/// ```
fn lines(world: &str) -> String {
    let mut out = String::new();
    for line in world.lines().map(str::trim) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let ids = |text: &str| {
            let mut text = text.to_owned();
            for last in 1..5 {
                text = text.replace(&format!("ID{last}"), &format!("{IDS}{last}"));
            }
            text
        };
        let object = match word {
            "operator" => {
                out.push_str(&format!(
                    "yaml {{apiVersion: v1, kind: Secret, metadata: {{name: aso-controller-settings, namespace: aso}}, stringData: {{{}}}}}\n",
                    ids(rest)
                ));
                "yaml {apiVersion: apps/v1, kind: Deployment, metadata: {name: manager, namespace: aso}, spec: {template: {spec: \
                 {serviceAccountName: op, containers: [{name: manager, image: 'mcr/azureserviceoperator:v2.20.0', args: ['--crd-pattern=*'], \
                 envFrom: [{secretRef: {name: aso-controller-settings}}]}]}}}}"
                    .to_owned()
            }
            "credential" => {
                let (place, entries) = rest.split_once(' ').unwrap_or((rest, ""));
                let (namespace, name) = place.split_once('/').unwrap();
                format!(
                    "yaml {{apiVersion: v1, kind: Secret, metadata: {{name: {name}, namespace: {namespace}}}, stringData: {{{}}}}}",
                    ids(entries)
                )
            }
            "crd" => {
                let (name, kind) = rest.split_once(' ').unwrap();
                let (plural, group) = name.split_once('.').unwrap();
                format!(
                    "yaml {{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {{name: {name}, labels: \
                     {{app.kubernetes.io/name: azure-service-operator}}}}, spec: {{group: {group}, scope: Namespaced, names: \
                     {{plural: {plural}, kind: {kind}}}, versions: [{{name: v1api20300101, served: true}}]}}}}"
                )
            }
            "cr" => {
                let mut parts = rest.splitn(3, ' ');
                let (namespace, name) = parts.next().unwrap().split_once('/').unwrap();
                let (group, kind) = parts.next().unwrap().split_once('/').unwrap();
                let spec = parts.next().unwrap_or("spec: {}");
                let (meta, spec) = match spec.split_once(" spec:") {
                    Some((meta, spec)) => (format!(", {meta}"), format!("spec:{spec}")),
                    None if spec.starts_with("spec:") => (String::new(), spec.to_owned()),
                    None => (format!(", {spec}"), "spec: {}".to_owned()),
                };
                format!(
                    "yaml {{apiVersion: {group}.azure.com/v1api20300101, kind: {kind}, metadata: {{name: {name}, namespace: {namespace}{meta}}}, {spec}}}"
                )
            }
            _ => line.to_owned(),
        };
        out.push_str(&object);
        out.push('\n');
    }
    out
}

fn graph(world: &str, azure: &str, said: &str) -> AccessGraph {
    let options = FileOptions { needs: Needs::ALL, ..FileOptions::default() };
    let yaml = yaml(&lines(world));
    let mut snapshot = load(&[Input::Stdin], &mut yaml.as_bytes(), &options).unwrap();
    if !azure.is_empty() {
        read_azure(&[Input::Stdin], &mut azure.as_bytes(), &options, 1).unwrap().add_to(&mut snapshot);
    }
    snapshot.azure.this_cluster = (!said.is_empty()).then(|| said.to_owned());
    AccessGraph::new(snapshot)
}

/// What one check finds in a world: a line each, `SEVERITY WHAT`.
pub(super) fn check(id: &str, world: &str, expected: &str) {
    check_with(id, world, "", expected);
}

/// The same with what is known of Azure.
pub(super) fn check_with(id: &str, world: &str, azure: &str, expected: &str) {
    check_said(id, world, azure, "", expected);
}

/// The same of a cluster of Azure that somebody says it is, by its name.
pub(super) fn check_said(id: &str, world: &str, azure: &str, said: &str, expected: &str) {
    let graph = graph(world, azure, said);
    let found = run_checks(&graph, ClusterId::FIRST, AsoOptions::default(), &|check| check.id == id);
    let lines: Vec<String> = found.findings.iter().map(|at| format!("{} {}", at.severity.as_str(), at.what)).collect();
    assert_eq!(lines.join("\n"), expected, "{world}");
    assert!(
        found.findings.iter().all(|at| at.check == id && !at.remedy.is_empty() && !at.fingerprint.is_empty()),
        "{world}"
    );
}

/// Azure in which the identity of the client id that ends so has a role with these actions at a scope.
pub(super) fn azure(identities: &[(u8, &str, &str)]) -> String {
    let one = |(last, actions, scope): &(u8, &str, &str)| {
        format!(
            r#"{{"id": "/subscriptions/1/resourceGroups/i/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i{last}", "name": "i{last}",
            "type": "Microsoft.ManagedIdentity/userAssignedIdentities", "clientId": "cccccccc-0000-0000-0000-00000000000{last}",
            "principalId": "bbbbbbbb-0000-0000-0000-00000000000{last}", "tenantId": "99999999-0000-0000-0000-000000000001", "location": "x",
            "resourceGroup": "i"}},
            {{"id": "/providers/Microsoft.Authorization/roleDefinitions/dddddddd-0000-0000-0000-00000000000{last}",
            "name": "dddddddd-0000-0000-0000-00000000000{last}", "roleName": "r{last}", "roleType": "CustomRole",
            "permissions": [{{"actions": ["{actions}"]}}]}},
            {{"id": "{scope}/providers/Microsoft.Authorization/roleAssignments/a{last}", "scope": "{scope}", "principalType": "ServicePrincipal",
            "principalId": "bbbbbbbb-0000-0000-0000-00000000000{last}", "roleDefinitionName": "r{last}", "roleDefinitionId":
            "/providers/Microsoft.Authorization/roleDefinitions/dddddddd-0000-0000-0000-00000000000{last}"}}"#
        )
    };
    format!("[{}]", identities.iter().map(one).collect::<Vec<_>>().join(","))
}

/// A cluster of Azure with the issuer of its tokens.
pub(super) fn aks(name: &str, issuer: &str) -> String {
    format!(
        r#"{{"id": "/subscriptions/1/resourceGroups/c/providers/Microsoft.ContainerService/managedClusters/{name}", "name": "{name}",
        "type": "Microsoft.ContainerService/managedClusters", "location": "x", "resourceGroup": "c",
        "oidcIssuerProfile": {{"enabled": true, "issuerUrl": "{issuer}"}}}}"#
    )
}

pub(super) const SUBSCRIPTION: &str = "/subscriptions/11111111-0000-0000-0000-000000000001";
