//! Real reports hold what `schemas/` says, and nothing that it does not say. That the schemas are those of the types is tested
//! beside the types, in `src/render`.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{ask, ask_with};

fn schema(kind: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schemas/{kind}.json"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Checks a value by the part of JSON Schema that our schemas use, and panics where they use more. Fields that a schema does not
/// name are wrong here, while it allows them to readers: reports may grow.
fn check(root: &Value, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
    let Some(fields) = schema.as_object() else { return };
    for (key, says) in fields {
        let holds = match key.as_str() {
            "$schema" | "$id" | "title" | "description" | "$defs" => true,
            "$ref" => {
                let name = says.as_str().and_then(|path| path.strip_prefix("#/$defs/")).unwrap();
                check(root, &root["$defs"][name], value, at, wrong);
                true
            }
            "type" => match says.as_str().unwrap() {
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                "boolean" => value.is_boolean(),
                "integer" => value.is_u64(),
                other => panic!("type {other}"),
            },
            "const" => value == says,
            "enum" => says.as_array().unwrap().contains(value),
            "minimum" => value.as_u64() >= says.as_u64(),
            "maximum" => value.as_u64() <= says.as_u64(),
            "required" => says.as_array().unwrap().iter().all(|name| value.get(name.as_str().unwrap()).is_some()),
            "items" => {
                for (place, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, says, item, &format!("{at}[{place}]"), wrong);
                }
                true
            }
            "properties" => {
                let open = fields.get("additionalProperties") == Some(&Value::Bool(true));
                for (name, inner) in value.as_object().into_iter().flatten() {
                    match says.get(name) {
                        Some(says) => check(root, says, inner, &format!("{at}.{name}"), wrong),
                        None if open => {}
                        None => wrong.push(format!("{at}.{name} is not in the schema")),
                    }
                }
                true
            }
            "additionalProperties" => says == &Value::Bool(true),
            other => panic!("`{other}` is not understood here"),
        };
        if !holds {
            wrong.push(format!("{at}: {key} should be {says}, is {value}"));
        }
    }
}

fn problems(kind: &str, report: &str) -> Vec<String> {
    let schema = schema(kind);
    let mut wrong = Vec::new();
    check(&schema, &schema, &serde_json::from_str(report).unwrap(), kind, &mut wrong);
    wrong
}

/// A world with everything that a report can say and the demo does not.
const WORLD: &str = r#"
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: masters}
roleRef: {kind: ClusterRole, name: cluster-admin}
subjects: [{kind: Group, name: 'system:masters'}, {kind: User, name: a}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: odd, namespace: dev}
roleRef: {kind: robot, name: cluster-admin}
subjects: [{kind: User, name: a}, {kind: User, name: b}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: nodes, namespace: dev}
roleRef: {kind: ClusterRole, name: 'system:node-problem-detector'}
subjects: [{kind: User, name: a}, {kind: User, name: b}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: writer}
rules: [{verbs: [escalate, patch], apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: writers}
roleRef: {kind: ClusterRole, name: writer}
subjects: [{kind: User, name: c}]
---
apiVersion: [
"#;

const DELEGATED: &str = "who-can --azure-action Microsoft.Authorization/roleAssignments/write --scope \
                         /subscriptions/11111111-0000-0000-0000-000000000001/resourceGroups/rg-dev";

/// Azure's side with everything that a report can say and the demo does not.
const AZURE: &str = r##"[
{"principalId": "u", "principalType": "User", "scope": "/subscriptions/S", "roleDefinitionId": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"},
{"principalId": "g", "principalType": "Group", "scope": "/subscriptions/S", "roleDefinitionId": "77777777-0000-0000-0000-000000000001",
 "roleDefinitionName": "lost"},
{"principalId": "h", "principalType": "Group", "scope": "/providers/Microsoft.Management/managementGroups/m",
 "roleDefinitionId": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "condition": "x", "linkedRoleEligibilityScheduleId": "e"},
{"principalId": "u", "principalType": "User", "scope": "/subscriptions/S", "roleDefinitionId": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
 "type": "Microsoft.Authorization/roleEligibilityScheduleInstances", "condition":
 "@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAllValues:GuidNotEquals {8e3af657-a8ff-443c-a75c-2fe8c4bcb635} AND @Request[Microsoft.Authorization/roleAssignments:PrincipalType] StringEquals 'User' AND @Request[Microsoft.Authorization/roleAssignments:PrincipalId] GuidEquals 8e3af657-a8ff-443c-a75c-2fe8c4bcb635"},
{"id": "i", "displayName": "i", "members": [{"@odata.type": "#microsoft.graph.user", "id": "v"}]},
{"groupId": "i", "principalId": "w", "accessId": "member"},
{"principalId": "i", "principalType": "Group", "scope": "/subscriptions/S", "roleDefinitionId": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"},
{"denyAssignmentName": "d", "scope": "/subscriptions/S", "permissions": [{"actions": ["*"]}], "principals": [{"id": "v"}]},
{"denyAssignmentName": "e", "scope": "/subscriptions/S", "permissions": [{"actions": ["*"]}], "condition": "x", "principals": [{"id": "u"}]}
]"##;

#[test]
fn a_report_of_azure_holds_what_its_schema_says() {
    let scope = "/subscriptions/11111111-0000-0000-0000-000000000001";
    let question = format!(
        "who-can --azure-action Microsoft.Authorization/roleAssignments/write --scope {scope} --azure - -o json"
    );
    let report = ask_with(question.split(' '), &AZURE.replace("/subscriptions/S", scope)).out;
    assert_eq!(problems("AzureWhoCanReport", &report), [""; 0]);
    for word in [
        "allBut",
        "notEvaluated\": true",
        "managementGroup\"",
        "\"role\"",
        "denials",
        "members",
        "eligible\": true",
        "\"denied\"",
    ] {
        assert!(report.contains(word), "{word}: {report}");
    }
}

#[test]
fn reports_hold_what_their_schemas_say() {
    let reviews = r#"{"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", 
        "spec": {"user": "a", "extra": {"k": ["v"]}, "nonResourceAttributes": {"verb": "get", "path": "/"}}}
        {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
        "spec": {"groups": ["system:authenticated"], "resourceAttributes": {"verb": "get", "resource": "configmaps"}}}"#;
    for (kind, question) in [
        ("WhoCanReport", "who-can get secrets --expand"),
        ("WhoCanReport", "who-can get /metrics --system hide"),
        ("WhoCanReport", "who-can get secrets db -n dev"),
        ("AzureWhoCanReport", DELEGATED),
        ("AzureWhoCanReport", "who-can --azure-action Microsoft.KeyVault/vaults/read --scope / --subject nobody"),
        ("WhatCanReport", "what-can group:dev-team"),
        ("WhatCanReport", "what-can user:a"),
        ("WhatCanReport", "what-can user:a --group system:masters"),
        ("WhyReport", "why group:dev-team get secrets -n dev"),
        ("WhyReport", "why sa:dev/orders-api list secrets -n shared"),
        ("WhyReport", "why group:system:masters get pods"),
        ("WhyReport", "why user:b get secrets -n dev"),
        ("WhyReport", "why user:b get /version"),
        ("WhoCanReport", "who-can list secrets -n dev --via-escalation"),
        ("EscalationReport", "escalations --show-blocked --all --cuts"),
        ("EscalationReport", "escalations --system show --kube-version 1.34 --ungrouped"),
        ("EscalationReport", "escalations --from user:a --to cluster-admin --max-steps 3"),
        ("CheckReport", "checks"),
        ("GraphReport", "graph"),
        ("GraphReport", "graph --max-nodes 3"),
        ("GraphReport", "graph -n dev"),
        ("AsoReport", "aso"),
        ("AsoReport", "aso --assume strict -n dev"),
        ("ReviewReport", "review -"),
    ] {
        let demo = ask_with(question.split(' ').chain(["--demo", "-o", "json"]), reviews);
        assert_eq!(problems(kind, &demo.out), [""; 0], "{question}");
        if !matches!(kind, "ReviewReport" | "AzureWhoCanReport") {
            let ours = ask_with(question.split(' ').chain(["-f", "-", "--keep-going", "-o", "json"]), WORLD);
            assert_eq!(problems(kind, &ours.out), [""; 0], "{question}");
            assert!(ours.out.contains("\"partial\": true"));
        }
    }
}

#[test]
fn parts_of_the_graph_hold_what_its_schema_says() {
    for question in [
        "--finding e2a48f23b95eff27",
        "--finding 52a81e0acfd8bcf3 --to azure --power contributor",
        "--around identity:cccccccc-0000-0000-0000-000000000001",
        "--around group:dev-team",
    ] {
        let report = ask(["graph", "--demo", "-o", "json"].into_iter().chain(question.split(' ')));
        assert_eq!(problems("GraphReport", &report.out), [""; 0], "{question}");
    }
}

#[test]
fn the_check_finds_what_is_wrong() {
    let good: Value = serde_json::from_str(&ask(["who-can", "get", "secrets", "--demo", "-o", "json"]).out).unwrap();
    for (place, value) in [
        ("/kind", json!("WhyReport")),
        ("/items/0/decision", json!("maybe")),
        ("/items/0/subject/name", json!(7)),
        ("/summary/exit/code", json!(-1)),
        ("/items", json!({})),
        ("/items/1/grants/0/role", json!({})),
        ("/summary", json!({"surprise": 1})),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(place).unwrap() = value;
        assert_ne!(problems("WhoCanReport", &bad.to_string()), [""; 0], "{place}");
    }
}
