//! Azure data of another tenant or subscription than the credentials: what an identity may do is unknown then, and is said to be. And
//! what is in the data and is not read.

use rbac_lens::cli::{Outcome, World, run};
use serde_json::{Value, json};

const TENANT: &str = "99999999-0000-0000-0000-00000000000a";
const OTHER_TENANT: &str = "99999999-0000-0000-0000-00000000000b";
const CLIENT: &str = "cccccccc-0000-0000-0000-000000000001";
const OBJECT: &str = "bbbbbbbb-0000-0000-0000-000000000001";
const CONTRIBUTOR: &str = "b24988ac-6180-42a0-ab88-20f7382dd24c";

fn subscription(number: u8) -> String {
    format!("11111111-0000-0000-0000-{number:012}")
}

/// A namespace whose credential is of the first subscription; its identity was made by ASO, so that it is known without any Azure data.
fn cluster(tenant: &str) -> String {
    let (own, place) = (subscription(1), format!("/subscriptions/{}/resourceGroups/rg/providers", subscription(1)));
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{name: manager, namespace: aso}}
spec:
  template:
    spec:
      serviceAccountName: op
      containers: [{{name: manager, image: 'mcr.microsoft.com/k8s/azureserviceoperator:v2.20.0'}}]
---
apiVersion: v1
kind: Secret
metadata: {{name: aso-credential, namespace: dev}}
stringData: {{AZURE_SUBSCRIPTION_ID: {own}, AZURE_TENANT_ID: {tenant}, AZURE_CLIENT_ID: {CLIENT}}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: storageaccounts.storage.azure.com, labels: {{app.kubernetes.io/name: azure-service-operator}}}}
spec:
  group: storage.azure.com
  scope: Namespaced
  names: {{kind: StorageAccount, plural: storageaccounts}}
  versions: [{{name: v1api20230101, served: true, storage: true}}]
---
apiVersion: managedidentity.azure.com/v1api20230131
kind: UserAssignedIdentity
metadata: {{name: app, namespace: ids}}
status: {{id: {place}/Microsoft.ManagedIdentity/userAssignedIdentities/app, clientId: {CLIENT}, principalId: {OBJECT}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: r, namespace: dev}}
rules: [{{apiGroups: [storage.azure.com], resources: [storageaccounts], verbs: [create]}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: b, namespace: dev}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}}
subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: User, name: alice}}]
"
    )
}

/// Somebody else's identity in a subscription.
fn identity(number: u8, tenant: &str) -> Value {
    json!({
        "id": format!("/subscriptions/{}/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/other",
            subscription(number)),
        "type": "Microsoft.ManagedIdentity/userAssignedIdentities", "tenantId": tenant,
        "clientId": "cccccccc-0000-0000-0000-000000000002", "principalId": "bbbbbbbb-0000-0000-0000-000000000002",
    })
}

/// A role in a subscription.
fn assignment(number: u8, to: &str) -> Value {
    json!({
        "id": format!("/subscriptions/{}/providers/Microsoft.Authorization/roleAssignments/{to}", subscription(number)),
        "scope": format!("/subscriptions/{}", subscription(number)), "principalId": to,
        "principalType": "ServicePrincipal",
        "roleDefinitionId": format!("/providers/Microsoft.Authorization/roleDefinitions/{CONTRIBUTOR}"),
    })
}

const OTHER: &str = "bbbbbbbb-0000-0000-0000-000000000002";

/// What a command says of a cluster beside some Azure data, with the folder of both taken out.
fn ask(words: &str, tenant: &str, azure: &Value) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("cluster.yaml"), cluster(tenant)).unwrap();
    std::fs::write(path("azure.json"), azure.to_string()).unwrap();
    let line = format!("kubectl-rbac_lens {words} -f {} --azure {}", path("cluster.yaml"), path("azure.json"));
    let mut world =
        World { stdin: &mut std::io::empty(), progress: &|_| (), now: 1_780_000_000, terminal: Default::default() };
    let mut outcome = run(line.split_whitespace().map(Into::into), &mut world);
    let prefix = format!("{}/", folder.path().display());
    outcome.out = outcome.out.replace(&prefix, "");
    outcome.notes.iter_mut().for_each(|note| *note = note.replace(&prefix, ""));
    outcome
}

/// The gaps about credentials, the power that `aso` tells of, and the targets of `escalations`.
fn told(tenant: &str, azure: &Value) -> (Vec<String>, Vec<String>, Vec<String>) {
    let read = |words: &str| -> (Outcome, Value) {
        let outcome = ask(words, tenant, azure);
        assert_eq!(outcome.code, 0, "{:?}", outcome.notes);
        let report = serde_json::from_str(&outcome.out).unwrap();
        (outcome, report)
    };
    let texts = |list: &Value, key: &str| -> Vec<String> {
        let all = list.as_array().unwrap().iter();
        all.filter_map(|one| one.pointer(key).and_then(Value::as_str)).map(str::to_owned).collect()
    };
    let (aso, report) = read("aso -o json");
    let (paths, findings) = read("escalations -o json");
    let (picture, drawn) = read("graph -o json");
    let gaps: Vec<String> =
        texts(&report["gaps"], "/message").into_iter().filter(|gap| gap.contains("aso-credential")).collect();
    for gap in &gaps {
        for report in [&findings, &drawn] {
            assert!(texts(&report["gaps"], "/message").contains(gap), "{gap}");
        }
        for outcome in [&aso, &paths, &picture] {
            assert!(outcome.notes.contains(&format!("note: {gap}")), "{:?}", outcome.notes);
        }
    }
    let own = |item: &&Value| item["secret"]["name"] == "aso-credential";
    let credential = report["items"].as_array().unwrap().iter().find(own).unwrap();
    let power = match credential.get("azurePower").and_then(Value::as_array) {
        None => vec!["roles unknown".to_owned()],
        Some(powers) if powers.is_empty() => vec!["none".to_owned()],
        Some(powers) => powers.iter().map(|power| power["level"].as_str().unwrap().to_owned()).collect(),
    };
    let table = ask("aso --no-headers", tenant, azure).out;
    assert!(power.iter().all(|word| table.contains(word)), "{table}");
    let targets = findings["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["target"]["object"].as_str().unwrap_or_default().to_owned());
    (gaps, power, targets.collect())
}

#[test]
fn data_of_another_tenant_says_nothing_of_a_credential() {
    let azure = json!([identity(1, OTHER_TENANT), assignment(1, OTHER)]);
    let (gaps, power, targets) = told(TENANT, &azure);
    assert_eq!(
        gaps,
        [format!(
            "the credential in Secret dev/aso-credential is of tenant {TENANT}, and the Azure data is of {OTHER_TENANT} (azure.json): what \
             its identity may do is unknown; `az login --tenant {TENANT}` and `kubectl rbac-lens azure-export DIR` save it"
        )]
    );
    assert_eq!((power, targets), (vec!["roles unknown".to_owned()], vec![format!("identity:{CLIENT}")]));
    for command in ["escalations", "aso", "checks"] {
        let strict = ask(&format!("{command} --strict"), TENANT, &azure);
        assert!(strict.code == 3 && strict.notes.contains(&format!("note: {}", gaps[0])), "{:?}", strict.notes);
    }
    // A snapshot knows it as well as the files that it was made of.
    let saved = ask("snapshot saved.ndjson", TENANT, &azure).files.remove(0).content;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("saved.ndjson");
    std::fs::write(&path, saved).unwrap();
    let line = format!("kubectl-rbac_lens aso -f {}", path.display());
    let mut world =
        World { stdin: &mut std::io::empty(), progress: &|_| (), now: 1_780_000_000, terminal: Default::default() };
    let notes = run(line.split_whitespace().map(Into::into), &mut world).notes;
    let expected = gaps[0].replace("azure.json", path.to_str().unwrap());
    assert!(notes.contains(&format!("note: {expected}")), "{notes:?}");
}

#[test]
fn a_subscription_that_nothing_was_read_of_is_told() {
    // That it is in a list of subscriptions does not say what is in it.
    let listed =
        json!({"id": subscription(1), "tenantId": TENANT, "state": "Enabled", "isDefault": true, "name": "one"});
    for azure in
        [json!([identity(2, TENANT), assignment(2, OTHER)]), json!([listed, identity(2, TENANT), assignment(2, OTHER)])]
    {
        let (gaps, power, targets) = told(TENANT, &azure);
        assert_eq!(
            gaps,
            [format!(
                "the credential in Secret dev/aso-credential is of subscription {one}, and the Azure data is of {} (azure.json): what its \
                 identity may do there is unknown; `kubectl rbac-lens azure-export DIR --subscription {one}` saves it",
                subscription(2),
                one = subscription(1)
            )]
        );
        assert_eq!((power, targets), (vec!["roles unknown".to_owned()], vec![format!("identity:{CLIENT}")]));
    }
}

#[test]
fn what_was_read_of_an_identity_elsewhere_is_told_beside_the_gap() {
    let (gaps, power, targets) = told(TENANT, &json!([identity(2, TENANT), assignment(2, OBJECT)]));
    assert_eq!((gaps.len(), power), (1, vec!["contributor-like".to_owned()]));
    assert_eq!(targets, [format!("azure:/subscriptions/{}", subscription(2))]);
}

#[test]
fn data_of_the_same_tenant_and_subscription_is_all_that_there_is() {
    let none = || (Vec::new(), vec!["none".to_owned()], Vec::new());
    for (tenant, azure) in [
        (TENANT.to_owned(), json!([identity(1, TENANT), assignment(1, OTHER)])),
        // Ids are the same in any case.
        (TENANT.to_uppercase(), json!([identity(1, TENANT), assignment(1, OTHER)])),
        (TENANT.to_owned(), json!([identity(1, &TENANT.to_uppercase()), assignment(1, OTHER)])),
        // Two subscriptions of one tenant go together.
        (
            TENANT.to_owned(),
            json!([identity(1, TENANT), identity(2, TENANT), assignment(2, OTHER), assignment(1, OTHER)]),
        ),
        // Role assignments name no tenant, and say nothing about it.
        (TENANT.to_owned(), json!([assignment(1, OTHER)])),
        // Two tenants, one of which is that of the credential: what is wrong with that is told of the data.
        (TENANT.to_owned(), json!([identity(1, TENANT), identity(2, OTHER_TENANT), assignment(1, OTHER)])),
    ] {
        assert_eq!(told(&tenant, &azure), none(), "{tenant} {azure}");
    }
}

#[test]
fn locks_are_not_read_and_never_counted_as_a_stop() {
    let plain = json!([identity(1, TENANT), assignment(1, OBJECT)]);
    let paths = |azure: &Value| {
        let outcome = ask("escalations -o json", TENANT, azure);
        let report: Value = serde_json::from_str(&outcome.out).unwrap();
        (report["items"].clone(), outcome.notes)
    };
    let (open, _) = paths(&plain);
    assert_eq!(open.as_array().unwrap().len(), 1, "{open}");
    // A lock of the first kind stops nothing but deletions; of the second, whoever gives roles removes it.
    for level in ["CanNotDelete", "ReadOnly"] {
        let lock = json!({
            "id": format!("/subscriptions/{}/providers/Microsoft.Authorization/locks/keep", subscription(1)),
            "level": level, "name": "keep", "notes": null, "owners": null, "type": "Microsoft.Authorization/locks",
        });
        let mut locked = plain.clone();
        locked.as_array_mut().unwrap().push(lock.clone());
        let (same, notes) = paths(&locked);
        assert_eq!(same, open, "{level}");
        assert!(
            notes.iter().any(|note| note.contains("1 object of type `Microsoft.Authorization/locks` not used")),
            "{notes:?}"
        );
        // Nothing but locks is no Azure data.
        let alone = ask("escalations", TENANT, &json!([lock]));
        assert_eq!((alone.code, alone.notes.len()), (2, 1), "{:?}", alone.notes);
    }
}
