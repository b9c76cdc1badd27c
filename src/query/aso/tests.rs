//! The rules of precedence and failure, case by case (upstream `v2/internal/identity/credential_provider_test.go`, the guide's
//! `credential-format.md`).

use std::collections::BTreeSet;

use super::*;
use crate::collect::{FileOptions, Input, Needs, load};
use crate::graph::AzureGraph;
use crate::model::{Action, Authorizer, ResourceAction};
use crate::query::{Filter, SystemFilter, Where, who_can};

fn options() -> FileOptions {
    FileOptions { needs: Needs::ALL, threads: 2, ..FileOptions::default() }
}

fn graph(yaml: &str) -> AccessGraph {
    let snapshot = load(&[Input::Stdin], &mut yaml.as_bytes(), &options()).unwrap();
    let graph = AccessGraph::new(snapshot);
    graph.verify().unwrap();
    graph
}

/// An operator whose global settings and environment are given.
fn operator(settings: &str, env: &str) -> String {
    format!(
        "---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: manager, namespace: aso}}
spec:
  template:
    spec:
      serviceAccountName: op
      containers:
        - name: manager
          image: mcr.microsoft.com/k8s/azureserviceoperator:v2.20.0
          envFrom: [{{secretRef: {{name: aso-controller-settings}}}}]
          env: [{env}]
---
apiVersion: v1
kind: Secret
metadata: {{name: aso-controller-settings, namespace: aso}}
stringData: {{{settings}}}
"
    )
}

const IDS: &str = "AZURE_SUBSCRIPTION_ID: 11111111-0000-0000-0000-000000000001, \
                   AZURE_TENANT_ID: 99999999-0000-0000-0000-000000000001, \
                   AZURE_CLIENT_ID: cccccccc-0000-0000-0000-00000000000";

fn ids(last: u8) -> String {
    format!("{IDS}{last}")
}

fn secret(place: &str, entries: &str) -> String {
    let (namespace, name) = place.split_once('/').unwrap();
    format!(
        "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: {namespace}}}\nstringData: {{{entries}}}\n"
    )
}

fn resource(namespace: &str, metadata: &str) -> String {
    format!(
        "---\napiVersion: storage.azure.com/v1api20230101\nkind: StorageAccount\n\
         metadata: {{name: store, namespace: {namespace}{metadata}}}\nspec: {{owner: {{name: rg}}}}\n"
    )
}

fn words(aso: &Aso<'_>, used: AsoUse) -> String {
    let text = |name: Name| aso.snapshot().text(name);
    let one = |at: CredentialIx| {
        let own = aso.credential(at);
        let place =
            own.secret.map_or("-".to_owned(), |(namespace, name)| format!("{}/{}", text(namespace), text(name)));
        let client = own.client.map_or("-", |id| &text(id)[35..]);
        format!("{place} {:?} {client}", own.kind)
    };
    match used.outcome {
        Outcome::Uses(at) => format!("{:?}: {}", used.step, one(at)),
        Outcome::Fails(problem, at) => {
            format!("{:?} fails: {problem:?}{}", used.step, if at.is_some() { " of it" } else { "" })
        }
        Outcome::Unknown => format!("{:?}: unknown", used.step),
        Outcome::NotReconciled(why) => format!("{why:?}"),
    }
}

fn used(yaml: &str) -> String {
    let graph = graph(yaml);
    let aso = Aso::new(&graph, ClusterId::FIRST, AsoOptions::default());
    let (resource, used) = aso.resources().next().unwrap();
    assert_eq!(aso.of_resource(resource), used);
    words(&aso, used)
}

const ANNOTATED: &str = ", annotations: {serviceoperator.azure.com/credential-from: own}";

#[test]
fn the_first_step_that_finds_anything_decides() {
    let global = operator(&format!("{}, USE_WORKLOAD_IDENTITY_AUTH: 'true'", ids(0)), "");
    let none = operator("AZURE_SUBSCRIPTION_ID: '', AZURE_TENANT_ID: '', AZURE_CLIENT_ID: ''", "");
    let own = secret("dev/own", &ids(2));
    let namespace = secret("dev/aso-credential", &ids(1));
    let partly =
        "AZURE_TENANT_ID: 99999999-0000-0000-0000-000000000001, AZURE_CLIENT_ID: cccccccc-0000-0000-0000-000000000003";
    let slash = ANNOTATED.replace("own", "prod/own");
    let empty = ANNOTATED.replace("own", "''");
    let misspelt = ANNOTATED.replace("annotations", "annotation");
    for (parts, metadata, expected) in [
        // 1. The annotation.
        (vec![&global, &own, &namespace], ANNOTATED, "Annotation: dev/own WorkloadIdentity 2"),
        (vec![&global, &namespace], ANNOTATED, "Annotation fails: SecretMissing of it"),
        (vec![&global, &own, &namespace], &slash, "Annotation fails: CrossNamespace"),
        (vec![&global, &own, &namespace], &empty, "Annotation fails: EmptyName"),
        (
            vec![&global, &secret("dev/own", partly), &namespace],
            ANNOTATED,
            "Annotation fails: MissingKey(\"AZURE_SUBSCRIPTION_ID\") of it",
        ),
        (
            vec![&global, &secret("dev/own", "password: x")],
            ANNOTATED,
            "Annotation fails: MissingKey(\"AZURE_SUBSCRIPTION_ID\") of it",
        ),
        (vec![&global, &secret("prod/own", &ids(2))], ANNOTATED, "Annotation fails: SecretMissing of it"),
        // A sample of the documentation had the word wrong: the annotation is not there, and the next step is taken.
        (vec![&global, &own, &namespace], &misspelt, "Namespace: dev/aso-credential WorkloadIdentity 1"),
        // 2. The namespace.
        (vec![&global, &own, &namespace], "", "Namespace: dev/aso-credential WorkloadIdentity 1"),
        (
            vec![&global, &secret("dev/aso-credential", partly)],
            "",
            "Namespace fails: MissingKey(\"AZURE_SUBSCRIPTION_ID\") of it",
        ),
        (
            vec![&global, &secret("dev/aso-credential", "a: b")],
            "",
            "Namespace fails: MissingKey(\"AZURE_SUBSCRIPTION_ID\") of it",
        ),
        // That an entry is there counts, not what it holds.
        (
            vec![
                &global,
                &secret("dev/aso-credential", "AZURE_SUBSCRIPTION_ID: '', AZURE_TENANT_ID: '', AZURE_CLIENT_ID: ''"),
            ],
            "",
            "Namespace: dev/aso-credential WorkloadIdentity -",
        ),
        // 3. The global one: also once `aso-credential` is deleted.
        (vec![&global, &own], "", "Global: aso/aso-controller-settings WorkloadIdentity 0"),
        (
            vec![&global, &secret("prod/aso-credential", &ids(1))],
            "",
            "Global: aso/aso-controller-settings WorkloadIdentity 0",
        ),
        (vec![&none, &own], "", "Global fails: NoCredential"),
        (vec![&own, &namespace], "", "NoOperator"),
    ] {
        let parts: Vec<&str> = parts.into_iter().map(String::as_str).collect();
        let world = parts.concat() + &resource("dev", metadata);
        assert_eq!(used(&world), expected, "{world}");
    }
}

#[test]
fn the_entries_of_a_secret_select_the_type() {
    let global = operator("AZURE_SUBSCRIPTION_ID: ''", "");
    let multi = operator("ALLOW_MULTI_ENV_MANAGEMENT: 'true'", "");
    let cloud = "AZURE_RESOURCE_MANAGER_ENDPOINT: 'https://a.example', AZURE_RESOURCE_MANAGER_AUDIENCE: 'https://a.example', \
                 AZURE_AUTHORITY_HOST: 'https://a.example'";
    let two = cloud.rsplit_once(", ").unwrap().0;
    for (operator, entries, expected) in [
        (&global, "AZURE_CLIENT_SECRET: x, AZURE_CLIENT_CERTIFICATE: y", "Uses ClientSecret"),
        (&global, "AZURE_CLIENT_SECRET: ''", "Uses ClientSecret"),
        (&global, "AZURE_CLIENT_CERTIFICATE: x, AUTH_MODE: podidentity", "Uses Certificate"),
        (&global, "AZURE_USER_ASSIGNED_IDENTITY_CREDENTIALS: /f, AUTH_MODE: nonsense", "Uses IdentityFile"),
        (&global, "AUTH_MODE: podidentity", "Uses PodIdentity"),
        (&global, "AUTH_MODE: PodIdentity", "UnknownAuthMode"),
        (&global, "AUTH_MODE: workloadidentity", "Uses WorkloadIdentity"),
        (&global, "AUTH_MODE: ''", "Uses WorkloadIdentity"),
        (&global, "AUTH_MODE: managedidentity", "UnknownAuthMode"),
        (&global, "USE_WORKLOAD_IDENTITY_AUTH: 'false', USE_POD_IDENTITY_AUTH: 'true'", "Uses WorkloadIdentity"),
        (&global, cloud, "CloudNotAllowed"),
        (&global, two, "IncompleteCloud"),
        (&multi, cloud, "Uses WorkloadIdentity"),
        (&multi, two, "IncompleteCloud"),
    ] {
        let entries = format!("{}, {entries}", ids(1));
        let graph = graph(&(operator.clone() + &secret("dev/aso-credential", &entries)));
        let aso = Aso::new(&graph, ClusterId::FIRST, AsoOptions::default());
        let dev = graph.snapshot().names.find("dev").unwrap();
        let found = match aso.default_of(dev).outcome {
            Outcome::Uses(at) => format!("Uses {:?}", aso.credential(at).kind),
            Outcome::Fails(problem, Some(_)) => format!("{problem:?}"),
            other => format!("{other:?}"),
        };
        assert_eq!(found, expected, "{entries}");
    }
}

#[test]
fn the_settings_select_the_global_credential() {
    let sub = "AZURE_SUBSCRIPTION_ID: 11111111-0000-0000-0000-000000000001";
    for (settings, env, expected) in [
        ("", "", "None"),
        ("AZURE_SUBSCRIPTION_ID: ''", "", "None"),
        (&*ids(1), "", "NodeIdentity"),
        (sub, "", "NodeIdentity"),
        (&*format!("{}, USE_WORKLOAD_IDENTITY_AUTH: 'true', AZURE_CLIENT_SECRET: x", ids(1)), "", "WorkloadIdentity"),
        (&*format!("{}, USE_WORKLOAD_IDENTITY_AUTH: 'yes', AZURE_CLIENT_SECRET: x", ids(1)), "", "ClientSecret"),
        (&*format!("{}, USE_WORKLOAD_IDENTITY_AUTH: 'false', AZURE_CLIENT_CERTIFICATE: x", ids(1)), "", "Certificate"),
        (&*format!("{}, AZURE_CLIENT_CERTIFICATE: '', AZURE_CLIENT_SECRET: ''", ids(1)), "", "NodeIdentity"),
        (&*format!("{}, AZURE_USER_ASSIGNED_IDENTITY_CREDENTIALS: /f", ids(1)), "", "IdentityFile"),
        // The Deployment's own environment comes first.
        (sub, "{name: AZURE_SUBSCRIPTION_ID, value: ''}", "None"),
        ("", "{name: AZURE_SUBSCRIPTION_ID, value: 11111111-0000-0000-0000-000000000001}", "NodeIdentity"),
        (sub, "{name: USE_WORKLOAD_IDENTITY_AUTH, value: 'true'}", "WorkloadIdentity"),
        (sub, "{name: AZURE_CLIENT_SECRET, valueFrom: {secretKeyRef: {name: other, key: k}}}", "NodeIdentity"),
        (sub, "{name: AZURE_CLIENT_SECRET, valueFrom: {configMapKeyRef: {name: other, key: k}}}", "Unknown"),
        ("", "{name: AZURE_SUBSCRIPTION_ID, valueFrom: {fieldRef: {fieldPath: x}}}", "Unknown"),
    ] {
        let graph = graph(&operator(settings, env));
        let aso = Aso::new(&graph, ClusterId::FIRST, AsoOptions::default());
        let (_, operator) = aso.operators().next().unwrap();
        let found = operator.global.map_or("None".to_owned(), |at| format!("{:?}", aso.credential(at).kind));
        assert_eq!(found, expected, "{settings} / {env}");
        assert_eq!(operator.version.as_deref(), Some("v2.20.0"));
        assert_eq!(operator.account.request_name(&graph.snapshot().names), "system:serviceaccount:aso:op");
    }
}

#[test]
fn a_namespace_is_reconciled_by_the_operators_that_have_it_as_a_target() {
    let global = |settings: &str, env: &str| operator(&format!("{}, {settings}", ids(0)), env);
    let more = resource("dev", ", annotations: {serviceoperator.azure.com/operator-namespace: elsewhere}");
    let own = resource("dev", ", annotations: {serviceoperator.azure.com/operator-namespace: aso}");
    for (world, expected) in [
        (global("AZURE_TARGET_NAMESPACES: 'prod, dev'", "") + &resource("dev", ""), "Global"),
        (global("AZURE_TARGET_NAMESPACES: ''", "") + &resource("dev", ""), "Global"),
        (global("AZURE_TARGET_NAMESPACES: prod,dev-2", "") + &resource("dev", ""), "NoTarget"),
        (global("AZURE_OPERATOR_MODE: webhooks", "") + &resource("dev", ""), "NoOperator"),
        (global("AZURE_OPERATOR_MODE: watchers", "") + &resource("dev", ""), "Global"),
        (global("", "") + &more, "OtherOperator"),
        (global("", "") + &own, "Global"),
        (
            global("", "").replace("spec:\n  template", "spec:\n  replicas: 0\n  template") + &resource("dev", ""),
            "NoOperator",
        ),
        (resource("dev", ""), "NoOperator"),
    ] {
        assert!(used(&world).starts_with(expected), "{} {world}", used(&world));
    }
}

#[test]
fn what_could_not_be_read_is_unknown() {
    let blind = "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: m, namespace: aso}\nspec: {template: {spec: {containers: \
                 [{image: azureserviceoperator:v2, env: [{name: AZURE_SUBSCRIPTION_ID, valueFrom: {secretKeyRef: \
                 {name: aso-controller-settings, key: AZURE_SUBSCRIPTION_ID}}}]}]}}}\n"
        .to_owned();
    // There is no Secret at all in the input: they were left out.
    assert_eq!(used(&(blind.clone() + &resource("dev", ""))), "Namespace: unknown");
    assert_eq!(used(&(blind.clone() + &resource("dev", ANNOTATED))), "Annotation: unknown");
    // There are some, and the settings are one whose content was taken away.
    let bare = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: aso-controller-settings, namespace: aso}\n";
    assert_eq!(used(&(blind.clone() + bare + &resource("dev", ""))), "Global: unknown");
    let bare = bare.replace("aso-controller-settings, namespace: aso", "aso-credential, namespace: dev");
    assert_eq!(used(&(blind.clone() + &bare + &resource("dev", ""))), "Namespace: unknown");
    // The operator says itself what it used.
    let event = "---\napiVersion: v1\nkind: Event\nmetadata: {name: store.1, namespace: dev}\nreason: CredentialFrom\n\
                 message: 'Using credential from \"dev/aso-credential\"'\nlastTimestamp: '2026-01-01T00:00:00Z'\n\
                 involvedObject: {apiVersion: storage.azure.com/v1api20230101, kind: StorageAccount, namespace: dev, name: store}\n";
    assert_eq!(used(&(blind + event + &resource("dev", ""))), "Event: dev/aso-credential Unknown -");
}

#[test]
fn a_strict_operator_uses_a_token_of_the_namespace() {
    let relaxed = operator(&format!("{}, USE_WORKLOAD_IDENTITY_AUTH: 'true'", ids(0)), "");
    let strict = operator(
        &format!("{}, USE_WORKLOAD_IDENTITY_AUTH: 'true', AZURE_WORKLOAD_IDENTITY_AUTH_MODE: strict", ids(0)),
        "",
    );
    let named = secret("dev/aso-credential", &format!("{}, AZURE_WORKLOAD_IDENTITY_SERVICE_ACCOUNT: team", ids(1)));
    let own = secret("dev/aso-credential", &ids(1));
    let password = secret("dev/aso-credential", &format!("{}, AZURE_CLIENT_SECRET: x", ids(1)));
    let assume = |mode| AsoOptions { assume: Some(mode) };
    let usual = AsoOptions::default();
    for (world, options, expected, global) in [
        (&relaxed, usual, "aso:op", "Relaxed Default"),
        (&strict, usual, "dev:aso-workload", "Strict Setting"),
        (&relaxed, assume(TokenMode::Strict), "dev:aso-workload", "Strict Assumed"),
        (&strict, assume(TokenMode::Relaxed), "aso:op", "Relaxed Assumed"),
    ] {
        for (secret, expected) in
            [(&own, expected), (&named, if expected == "aso:op" { expected } else { "dev:team" }), (&password, "-")]
        {
            let graph = graph(&(world.clone() + secret));
            let names = &graph.snapshot().names;
            let aso = Aso::new(&graph, ClusterId::FIRST, options);
            let dev = names.find("dev").unwrap();
            let Outcome::Uses(at) = aso.default_of(dev).outcome else { panic!("{world}") };
            let token = aso.token_of(at, dev).map_or("-".to_owned(), |subject| subject.request_name(names));
            assert_eq!(token.trim_start_matches("system:serviceaccount:"), expected);
            let (_, operator) = aso.operators().next().unwrap();
            assert_eq!(format!("{:?} {:?}", operator.tokens, operator.tokens_because), global);
            // The global credential goes on with the operator's own.
            let own = aso.token_of(operator.global.unwrap(), dev).unwrap();
            assert_eq!(own.request_name(names), "system:serviceaccount:aso:op");
        }
    }
}

#[test]
fn any_complete_secret_of_a_namespace_can_be_asked_for() {
    let world = operator(&ids(0), "")
        + &secret("dev/aso-credential", &ids(1))
        + &secret("dev/app", &ids(2))
        + &secret("dev/half", "AZURE_CLIENT_ID: cccccccc-0000-0000-0000-000000000003")
        + &secret("dev/other", "password: x")
        + &secret("prod/app", &ids(4));
    let graph = graph(&world);
    let aso = Aso::new(&graph, ClusterId::FIRST, AsoOptions::default());
    let text = |name: Name| graph.text(name);
    let all: Vec<_> = aso.credentials().map(|(_, at)| at.secret.map_or("-", |(_, name)| text(name))).collect();
    assert_eq!(all, ["aso-controller-settings", "app", "aso-credential", "app"]);
    let dev = graph.snapshot().names.find("dev").unwrap();
    let named: Vec<_> = aso.named_in(dev).map(|at| text(aso.credential(at).secret.unwrap().1)).collect();
    assert_eq!(named, ["app", "aso-credential"]);
    assert_eq!(graph.snapshot().names.find("x"), None);
}

#[test]
fn the_definitions_say_which_kinds_are_there() {
    let definition = |label: &str, name: &str, kind: &str| {
        let (plural, group) = name.split_once('.').unwrap();
        format!(
            "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: {name}, labels: {{{label}}}}}\n\
             spec: {{group: {group}, scope: Namespaced, names: {{plural: {plural}, kind: {kind}}}, versions: [{{name: v1, served: false}}]}}\n"
        )
    };
    let own = "app.kubernetes.io/name: azure-service-operator";
    let kind = |group, plural| KindIx::of_resource(group, plural).unwrap();
    let (vaults, stores) = (kind("keyvault.azure.com", "vaults"), kind("storage.azure.com", "storageaccounts"));
    let installed = |world: &str| Aso::new(&graph(world), ClusterId::FIRST, AsoOptions::default()).installed();
    let both = installed(
        &(definition(own, "vaults.keyvault.azure.com", "Vault") + &definition(own, "moons.sky.azure.com", "Moon")),
    );
    assert_eq!(
        (both.complete, both.has(vaults), both.has(stores), both.newer.len()),
        (true, Some(true), Some(false), 1)
    );
    let other = installed(&definition("a: b", "moons.sky.azure.com", "Moon"));
    assert_eq!(
        (other.complete, other.newer.len(), other.has(vaults)),
        (false, 0, None),
        "none is of ASO: they may be elsewhere"
    );
    let used = installed(&resource("dev", ""));
    assert_eq!((used.has(stores), used.has(vaults)), (Some(true), None));
}

#[test]
fn a_resource_is_known_by_the_id_of_its_owner() {
    let credential = operator("", "") + &secret("dev/aso-credential", &ids(1));
    let object = |version: &str, kind: &str, metadata: &str, spec: &str| {
        format!(
            "---\napiVersion: {version}\nkind: {kind}\nmetadata: {{name: {metadata}, namespace: dev}}\nspec: {{{spec}}}\n"
        )
    };
    let group = object("resources.azure.com/v1api20200601", "ResourceGroup", "rg", "azureName: rg-dev");
    let store = object("storage.azure.com/v1api20230101", "StorageAccount", "s", "owner: {name: rg}");
    let blobs = object("storage.azure.com/v1api20230101", "StorageAccountsBlobService", "default", "owner: {name: s}");
    let role = object(
        "authorization.azure.com/v1api20220401",
        "RoleAssignment",
        "r",
        "azureName: '1', owner: {group: storage.azure.com, kind: StorageAccount, name: s}",
    );
    let far = object(
        "storage.azure.com/v1api20230101",
        "StorageAccount",
        "far",
        "owner: {armId: /subscriptions/x/resourceGroups/y/}",
    );
    let lost = object("storage.azure.com/v1api20230101", "StorageAccount", "lost", "owner: {name: nothing}");
    let circle = object(
        "storage.azure.com/v1api20230101",
        "StorageAccount",
        "x",
        "owner: {group: storage.azure.com, kind: StorageAccount, name: x}",
    );
    let graph = graph(&[credential, group, store, blobs, role, far, lost, circle].concat());
    let aso = Aso::new(&graph, ClusterId::FIRST, AsoOptions::default());
    let mut found: Vec<_> = aso
        .resources()
        .map(|(at, _)| format!("{}: {}", graph.text(at.name), aso.arm_id(at).unwrap_or_default()))
        .collect();
    found.sort();
    let sub = "/subscriptions/11111111-0000-0000-0000-000000000001/resourceGroups/rg-dev";
    let stores = "providers/Microsoft.Storage/storageAccounts";
    assert_eq!(
        found,
        [
            format!("default: {sub}/{stores}/s/blobServices/default"),
            format!("far: /subscriptions/x/resourceGroups/y/{stores}/far"),
            "lost: ".to_owned(),
            format!("r: {sub}/{stores}/s/providers/Microsoft.Authorization/roleAssignments/1"),
            format!("rg: {sub}"),
            format!("s: {sub}/{stores}/s"),
            "x: ".to_owned(),
        ]
    );
}

#[test]
fn the_policy_is_the_resources_then_the_namespaces_then_the_operators() {
    let namespace = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: dev, annotations: {serviceoperator.azure.com/reconcile-policy: detach-on-delete}}\n";
    let skip = ", annotations: {serviceoperator.azure.com/reconcile-policy: skip}";
    let wrong = ", annotations: {serviceoperator.azure.com/reconcile-policy: Skip}";
    let plain = operator("", "");
    let detach = operator("DEFAULT_RECONCILE_POLICY: skip", "");
    for (world, expected) in [
        (plain.clone() + &resource("dev", ""), ReconcilePolicy::Manage),
        (plain.clone() + namespace + &resource("dev", ""), ReconcilePolicy::DetachOnDelete),
        (plain.clone() + namespace + &resource("dev", skip), ReconcilePolicy::Skip),
        (plain + namespace + &resource("dev", wrong), ReconcilePolicy::DetachOnDelete),
        (detach + &resource("dev", ""), ReconcilePolicy::Skip),
    ] {
        let graph = graph(&world);
        let aso = Aso::new(&graph, ClusterId::FIRST, AsoOptions::default());
        assert_eq!(aso.policy_of(aso.resources().next().unwrap().0), expected, "{world}");
    }
}

fn demo() -> AccessGraph {
    let inputs: Vec<Input> = crate::collect::DEMO.iter().map(Input::Embedded).collect();
    let azure: Vec<Input> = crate::collect::DEMO_AZURE.iter().map(Input::Embedded).collect();
    let options = options();
    let mut snapshot = load(&inputs, &mut std::io::empty(), &options).unwrap();
    let files = snapshot.files.len();
    crate::collect::read_azure(&azure, &mut std::io::empty(), &options, files).unwrap().add_to(&mut snapshot);
    AccessGraph::new(snapshot)
}

#[test]
fn contoso_uses() {
    let graph = demo();
    let aso = Aso::new(&graph, ClusterId::FIRST, AsoOptions::default());
    let mut found: Vec<_> = aso
        .resources()
        .map(|(at, used)| format!("{}/{}: {}", graph.text(at.namespace), graph.text(at.name), words(&aso, used)))
        .collect();
    found.sort();
    let global = "Global: azureserviceoperator-system/aso-controller-settings WorkloadIdentity 1";
    assert_eq!(
        found,
        [
            &*format!("dev/contoso-aks: {global}"),
            &*format!("dev/contosodevdata: {global}"),
            &*format!("dev/orders-api-blobs: {global}"),
            &*format!("dev/orders-api-dev: {global}"),
            &*format!("dev/orders-api: {global}"),
            &*format!("dev/rg-dev: {global}"),
            "prod/contoso-prod-orders: Namespace: prod/aso-credential WorkloadIdentity 2",
            "prod/contosoprodorders: Namespace: prod/aso-credential WorkloadIdentity 2",
            "shared/contososhared: Annotation: shared/storage-credential ClientSecret 5",
        ]
    );
    let installed = aso.installed();
    assert_eq!((installed.complete, installed.kinds.len(), installed.newer.len()), (true, 8, 0));
}

/// Who can do something, by the engine that answers `who-can`: the slow twin of [`AsoRights`].
fn slowly(
    graph: &AccessGraph,
    verbs: &[&str],
    group: &str,
    resource: &str,
    name: &str,
    place: &str,
) -> BTreeSet<Subject> {
    let mut all = BTreeSet::new();
    for verb in verbs {
        let action = Action::Resource(ResourceAction {
            verb: (*verb).to_owned(),
            api_group: group.to_owned(),
            resource: resource.to_owned(),
            namespace: place.to_owned(),
            name: if *verb == "create" { String::new() } else { name.to_owned() },
            ..ResourceAction::default()
        });
        let keep = |_| true;
        let filter = Filter { system: SystemFilter::Show, keep: &keep };
        let answer = who_can(graph, ClusterId::FIRST, &action, &Where::Namespace(place.to_owned()), filter);
        // A creation carries no name, so that a rule for names does not help.
        let rows = answer.rows.iter().filter(|row| *verb != "create" || row.resource_names.is_empty());
        all.extend(rows.filter(|row| row.authorizer == Authorizer::Rbac).map(|row| row.subject));
    }
    all
}

#[test]
fn rights_are_those_that_who_can_tells() {
    let extra = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: odd}
rules:
- {apiGroups: ['*'], resources: [vaults, secrets], verbs: [patch]}
- {apiGroups: [storage.azure.com], resources: ['*'], verbs: ['*'], resourceNames: [one]}
- {apiGroups: [''], resources: [secrets], verbs: [get, delete, create], resourceNames: [aso-credential]}
- {apiGroups: ['*.azure.com'], resources: ['*'], verbs: ['*']}
- {apiGroups: [keyvault.azure.com], resources: [vaults/status], verbs: ['*']}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: odd, namespace: prod}
roleRef: {kind: ClusterRole, name: odd}
subjects: [{kind: User, name: odd}, {kind: ServiceAccount, name: bot}]
";
    let odd = graph(
        &(operator("", "") + &secret("prod/aso-credential", &ids(1)) + &secret("prod/own", "a: b") + "---\n" + extra),
    );
    for graph in [demo(), odd] {
        let rights = AsoRights::new(&graph, ClusterId::FIRST);
        let holders =
            |right: AsoRight, namespace: Name| rights.holders(&right, namespace).into_keys().collect::<BTreeSet<_>>();
        let names = &graph.snapshot().names;
        for place in ["dev", "prod", "shared", "azureserviceoperator-system", "aso"] {
            let Some(namespace) = names.find(place) else { continue };
            for (group, plural) in [
                ("storage.azure.com", "storageaccounts"),
                ("keyvault.azure.com", "vaults"),
                ("authorization.azure.com", "roleassignments"),
                ("compute.azure.com", "virtualmachines"),
            ] {
                let kinds: KindSet = KindIx::of_resource(group, plural).into_iter().collect();
                let twin = |verbs: &[&str], name: &str| slowly(&graph, verbs, group, plural, name, place);
                assert_eq!(holders(AsoRight::Create(kinds), namespace), twin(&["create"], ""), "{plural} {place}");
                let written = twin(&["create", "update", "patch"], "one");
                assert_eq!(holders(AsoRight::Write(kinds), namespace), written, "{plural} {place}");
                for &subject in &written {
                    assert!(!rights.kinds_of(subject, namespace).and(&kinds).is_empty());
                }
            }
            for name in ["aso-credential", "aso-controller-settings", "own"] {
                let Some(secret) = names.find(name) else { continue };
                let twin = |verbs: &[&str]| slowly(&graph, verbs, "", "secrets", name, place);
                assert_eq!(
                    holders(AsoRight::ReadSecret(secret), namespace),
                    twin(&["get", "list", "watch"]),
                    "{name} {place}"
                );
                assert_eq!(
                    holders(AsoRight::ChangeSecret(secret), namespace),
                    twin(&["update", "patch", "create"]),
                    "{name} {place}"
                );
                assert_eq!(holders(AsoRight::DeleteSecret(secret), namespace), twin(&["delete"]), "{name} {place}");
            }
        }
    }
}

#[test]
fn power_is_computed_from_actions() {
    let graph = demo();
    let power = AsoPower::new(graph.azure());
    let of = |client: &str| {
        let principal = power.graph().by_client_id(&format!("cccccccc-0000-0000-0000-00000000000{client}")).unwrap();
        let all: Vec<String> = power
            .of(principal)
            .iter()
            .map(|at| {
                let scope = power.graph().scope_text(at.scope);
                let level = at.level.map_or("unknown", PowerLevel::as_str);
                format!(
                    "{level} {} {} {}",
                    at.decision.as_str(),
                    at.kinds.iter().count(),
                    scope.rsplit('/').next().unwrap()
                )
            })
            .collect();
        all
    };
    assert_eq!(of("1"), ["contributor-like allowed 288 11111111-0000-0000-0000-000000000001"]);
    assert!(of("2")[0].starts_with("limited allowed") && of("2")[0].ends_with(" rg-prod"), "{:?}", of("2"));
    assert!(of("5")[0].starts_with("limited allowed") && of("5")[0].ends_with(" rg-shared"), "{:?}", of("5"));
    assert_eq!(power.graph().by_client_id("cccccccc-0000-0000-0000-00000000ffff"), None);
}

#[test]
fn names_of_roles_say_nothing() {
    let assignment = |role: u8, name: &str, scope: &str| {
        format!(
            r#"{{"id": "{scope}/providers/Microsoft.Authorization/roleAssignments/{role}", "scope": "{scope}", "principalId": "bbbbbbbb-0000-0000-0000-000000000001",
            "principalType": "ServicePrincipal", "roleDefinitionName": "{name}", "roleDefinitionId":
            "/providers/Microsoft.Authorization/roleDefinitions/dddddddd-0000-0000-0000-00000000000{role}"}}"#
        )
    };
    let role = |role: u8, name: &str, actions: &str, not: &str| {
        format!(
            r#"{{"id": "/providers/Microsoft.Authorization/roleDefinitions/dddddddd-0000-0000-0000-00000000000{role}",
            "name": "dddddddd-0000-0000-0000-00000000000{role}", "roleName": "{name}", "roleType": "CustomRole",
            "permissions": [{{"actions": [{actions}], "notActions": [{not}]}}]}}"#
        )
    };
    let sub = "/subscriptions/11111111-0000-0000-0000-000000000001";
    for (name, actions, not, expected) in [
        ("Owner", r#""*/read""#, "", "read"),
        ("Reader", r#""*""#, "", "role-assignment write"),
        ("Reader", r#""*""#, r#""Microsoft.Authorization/*/Write""#, "contributor-like"),
        ("Owner", r#""*""#, r#""Microsoft.Authorization/*/Write", "Microsoft.Storage/*""#, "limited"),
        ("Owner", r#""Microsoft.Storage/storageAccounts/write""#, "", "limited"),
        ("Owner", r#""Microsoft.Storage/storageAccounts/listkeys/action""#, "", "keys and data"),
        ("Owner", r#""microsoft.authorization/ROLEASSIGNMENTS/*""#, "", "role-assignment write"),
        ("Owner", r#""Microsoft.Support/*""#, "", "-"),
    ] {
        let text = format!("[{},{}]", role(1, name, actions, not), assignment(1, name, sub));
        let mut snapshot = Snapshot::default();
        crate::collect::read_azure(&[Input::Stdin], &mut text.as_bytes(), &options(), 0).unwrap().add_to(&mut snapshot);
        let power = AsoPower::new(AzureGraph::new(&snapshot.azure));
        let principal = power.graph().by_object_id("bbbbbbbb-0000-0000-0000-000000000001").unwrap();
        let found = power.of(principal).first().and_then(|at| at.level).map_or("-", PowerLevel::as_str);
        assert_eq!(found, expected, "{actions} without {not}");
    }
}

#[test]
fn rows_say_whom_a_credential_serves_and_who_can_use_it() {
    let graph = demo();
    let aso = Aso::new(&graph, ClusterId::FIRST, AsoOptions::default());
    let rights = AsoRights::new(&graph, ClusterId::FIRST);
    let line = |row: &CredentialRow<'_>| {
        let names: Vec<&str> = row.namespaces.iter().map(|&name| graph.text(name)).collect();
        let people = |holders: &[Holder]| {
            holders.iter().filter(|at| !at.admin).map(|at| graph.text(at.subject.name())).collect::<Vec<_>>().join(",")
        };
        format!(
            "{} | {} | {} | {} | {}",
            names.join(","),
            row.resources.len(),
            people(&row.users),
            people(&row.readers),
            people(&row.writers)
        )
    };
    let lines: Vec<String> = aso.rows(&rights, None).iter().map(line).collect();
    assert_eq!(
        lines,
        [
            "argocd,azureserviceoperator-system,cert-manager,cicd,dev,kube-system,shared | 6 | dev-team,storage-admins | \
             platform-engineers,cert-manager | cert-manager",
            "prod | 2 | prod-breakglass | platform-engineers,prod-breakglass,cert-manager | prod-breakglass,cert-manager",
            "shared | 1 |  | platform-engineers,cert-manager,alice@contoso.example | cert-manager,alice@contoso.example",
        ]
    );
    let prod = graph.snapshot().names.find("prod").unwrap();
    assert_eq!(aso.rows(&rights, Some(prod)).len(), 1);
    // What is in no namespace of an operator is served by nobody.
    let world =
        operator("AZURE_TARGET_NAMESPACES: prod", "") + &secret("dev/aso-credential", &ids(1)) + &resource("dev", "");
    let graph = self::graph(&world);
    let aso = Aso::new(&graph, ClusterId::FIRST, AsoOptions::default());
    let rows = aso.rows(&AsoRights::new(&graph, ClusterId::FIRST), None);
    assert_eq!((rows.len(), rows[0].namespaces.len(), rows[0].resources.len()), (1, 0, 0));
}

#[test]
fn what_fails_without_a_credential_is_told_by_itself() {
    let slash = resource("dev", &ANNOTATED.replace("own", "prod/own"));
    let graph = graph(&(operator("", "") + &secret("prod/x", "a: b") + &slash + &resource("prod", "")));
    let aso = Aso::new(&graph, ClusterId::FIRST, AsoOptions::default());
    let failing: Vec<_> =
        aso.failing(None).iter().map(|at| (at.problem, graph.text(at.namespace), at.resources.len())).collect();
    assert_eq!(failing, [(CredentialProblem::CrossNamespace, "dev", 1), (CredentialProblem::NoCredential, "prod", 1)]);
}

#[test]
fn expressions_are_known_from_a_release_on() {
    for (tag, expected) in [
        (":v2.10.0", false),
        (":v2.9.1", false),
        (":2.10.0", false),
        (":v2.11.0", true),
        (":v2.11.0-hotfix.1", true),
        (":v3.0.0", true),
        (":latest", true),
        (":v2", true),
        (":1.3.0", true),
        ("@sha256:0", true),
        ("", true),
    ] {
        let graph = graph(&operator("", "").replace(":v2.20.0", tag));
        let aso = Aso::new(&graph, ClusterId::FIRST, AsoOptions::default());
        let (_, operator) = aso.operators().next().unwrap();
        assert_eq!(operator.has_expressions(), expected, "{tag} {:?}", operator.version);
    }
}
