//! `aso`, as a whole: nothing secret gets out in any way, and what cannot be found out is said.

use rbac_lens::cli::{Outcome, World, run};

use super::outputs::FORMATS;

fn ask(words: &str, input: &str) -> Outcome {
    let words = ["kubectl-rbac_lens"].into_iter().chain(words.split_whitespace()).map(Into::into);
    run(
        words,
        &mut World {
            stdin: &mut input.as_bytes(),
            progress: &|_| (),
            now: 1_780_000_000,
            terminal: Default::default(),
        },
    )
}

/// A cluster in which every value that is secret, or stands where a secret may, is planted.
fn planted() -> String {
    let secret = |place: &str, entries: &str| {
        let (namespace, name) = place.split_once('/').unwrap();
        format!(
            "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: {namespace}}}\nstringData: {{{entries}}}\n"
        )
    };
    let ids = "AZURE_SUBSCRIPTION_ID: 11111111-0000-0000-0000-000000000001, AZURE_TENANT_ID: 99999999-0000-0000-0000-000000000001, \
               AZURE_CLIENT_ID: cccccccc-0000-0000-0000-000000000001";
    let operator = "---
apiVersion: apps/v1
kind: Deployment
metadata: {name: manager, namespace: aso}
spec:
  template:
    spec:
      serviceAccountName: op
      containers:
        - name: manager
          image: mcr.microsoft.com/k8s/azureserviceoperator:v2.20.0
          args: [--token=PLANTED-1, --password, PLANTED-2]
          env: [{name: AZURE_CLIENT_SECRET, value: PLANTED-3}, {name: AZURE_CLIENT_ID, value: PLANTED-4}]
          envFrom: [{secretRef: {name: aso-controller-settings}}]
";
    let resources = "---
apiVersion: containerservice.azure.com/v1api20240901
kind: ManagedCluster
metadata: {name: c, namespace: dev}
spec:
  owner: {armId: /subscriptions/x/resourceGroups/y}
  linuxProfile: {adminUsername: PLANTED-5}
  operatorSpec:
    secrets: {adminCredentials: {name: kube, key: kubeconfig}}
    secretExpressions: [{name: made, key: k, value: '\"PLANTED-6\"'}]
---
apiVersion: sql.azure.com/v1api20211101
kind: Server
metadata: {name: s, namespace: dev, annotations: {note: PLANTED-7, serviceoperator.azure.com/credential-from: own}}
spec: {administratorLoginPassword: PLANTED-8, owner: {name: rg}}
status: {administratorLogin: PLANTED-9}
";
    [
        operator.to_owned(),
        secret("aso/aso-controller-settings", &format!("{ids}, AZURE_CLIENT_SECRET: PLANTED-10")),
        secret(
            "dev/aso-credential",
            &format!("{ids}, AZURE_CLIENT_CERTIFICATE: PLANTED-11, AZURE_CLIENT_CERTIFICATE_PASSWORD: PLANTED-12"),
        ),
        secret("dev/own", "AZURE_CLIENT_ID: PLANTED-13, AZURE_TENANT_ID: PLANTED-14, AUTH_MODE: PLANTED-15"),
        secret("dev/kube", "kubeconfig: PLANTED-16"),
        secret("dev/token", "token: PLANTED-17"),
        // In `data` it is PLANTED-21.
        secret("dev/packed", "token: UExBTlRFRC0yMQ==").replace("stringData", "data"),
        resources.to_owned(),
    ]
    .concat()
}

#[test]
fn no_planted_secret_gets_out() {
    let world = planted();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world.yaml");
    std::fs::write(&path, &world).unwrap();
    let file = path.to_str().unwrap();
    let saved = folder.path().join("saved.ndjson");
    let saved = saved.to_str().unwrap();
    let mut seen = 0;
    let formats = ["table", "wide", "name", "json", "yaml", "ndjson"].map(|format| format!("aso -A -o {format}"));
    let more = [
        "escalations -o json --all --show-blocked",
        "aso -n dev",
        "checks -o yaml",
        "checks -o wide",
        "who-can get secrets -o json",
    ]
    .map(str::to_owned);
    for words in formats.into_iter().chain(more) {
        let outcome = ask(&format!("{words} -f {file}"), "");
        let text = format!("{}\n{}", outcome.out, outcome.notes.join("\n"));
        assert!(!text.contains("PLANTED"), "{words}: {text}");
        assert!(outcome.code == 0 && outcome.out.len() > 20, "{words}: {text}");
        seen += 1;
    }
    assert_eq!(seen, 11);
    let outcome = ask(&format!("snapshot {saved} -f {file}"), "");
    let content = String::from_utf8(outcome.files.into_iter().next().unwrap().content).unwrap();
    assert!(!content.contains("PLANTED") && content.contains("AZURE_CLIENT_CERTIFICATE_PASSWORD"), "{content}");
    // What is broken is told without what stands there.
    for (good, bad) in [
        ("stringData: {AZURE_CLIENT_ID: PLANTED-13", "stringData: [PLANTED-13"),
        ("owner: {name: rg}", "owner: PLANTED-18"),
        ("secrets: {adminCredentials: {name: kube, key: kubeconfig}}", "secrets: {adminCredentials: PLANTED-19}"),
        ("linuxProfile: {adminUsername: PLANTED-5}", "aadProfile: PLANTED-20"),
    ] {
        let broken = world.replacen(good, bad, 1);
        assert_ne!(broken, world);
        let broken = if bad.contains('[') {
            broken.replacen("AUTH_MODE: PLANTED-15}", "AUTH_MODE: PLANTED-15]", 1)
        } else {
            broken
        };
        let outcome = ask("aso -f -", &broken);
        assert_eq!(outcome.code, 2, "{bad}");
        assert!(!outcome.notes.is_empty() && !outcome.notes.join("\n").contains("PLANTED"), "{:?}", outcome.notes);
    }
}

/// Every command that reads it, in every format and at every level of what is told beside.
#[test]
fn no_planted_secret_gets_out_in_any_format_or_at_any_level() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world.yaml");
    std::fs::write(&path, planted()).unwrap();
    let file = path.to_str().unwrap();
    let planted = |text: &str| text.contains("PLANTED") || text.contains("UExBTlRFRC");
    let commands = [
        "aso",
        "aso -n dev",
        "checks",
        "escalations --all --show-blocked",
        "escalations --cuts",
        "who-can get secrets --via-escalation",
        "what-can sa:aso/op",
        "why sa:aso/op get secrets -n dev",
        "graph --around secret:dev/aso-credential",
        "graph",
    ];
    let more = ["jsonpath={..}", "jsonpath-as-json={..}", "custom-columns=A:..", "dot", "mermaid", "graphml"];
    let mut seen = 0;
    for command in commands {
        for format in FORMATS.into_iter().chain(more) {
            let outcome = ask(&format!("{command} -f {file} -o {format}"), "");
            let text = format!("{}\n{}", outcome.out, outcome.notes.join("\n"));
            assert!(!planted(&text), "{command} -o {format}: {text}");
            seen += usize::from(outcome.code != 2);
        }
        for level in ["-v=2", "-v=6", "-v=9"] {
            let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_kubectl-rbac_lens"));
            let run =
                program.args(command.split(' ')).args(["-f", file, level]).env("RUST_LOG", "trace").output().unwrap();
            let text = [run.stdout, run.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
            assert!(!planted(&text), "{command} {level}: {text}");
            assert!(text.contains("time: "), "{command} {level} tells nothing: {text}");
        }
    }
    assert!(seen > 60, "only {seen} answers");
}

#[test]
fn what_could_not_be_read_is_said() {
    let world = planted();
    let without: String = world
        .split("---\n")
        .filter(|object| !object.contains("kind: Secret"))
        .map(|object| format!("---\n{object}"))
        .collect();
    let outcome = ask("aso -f - --strict", &without);
    assert_eq!(outcome.code, 3, "{:?}", outcome.notes);
    let notes = outcome.notes.join("\n");
    assert!(notes.contains("the credential of 2 resources in namespace dev is unknown"), "{notes}");
    assert!(notes.contains("may do in Azure is unknown") || outcome.out.is_empty(), "{notes}");
    let whole = ask("aso -f -", &world);
    assert!(
        whole.out.contains("roles unknown") && whole.out.contains("the Secret has no AZURE_SUBSCRIPTION_ID"),
        "{}",
        whole.out
    );
    let none = ask("aso -f -", "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n");
    assert_eq!((none.code, none.out.as_str()), (0, ""));
    assert!(
        none.notes.iter().any(|note| note.contains("no operator of Azure Service Operator was found")),
        "{:?}",
        none.notes
    );
}

#[test]
fn the_same_input_gives_the_same_bytes_in_any_order() {
    let world = planted();
    let mut objects: Vec<&str> = world.split("---\n").filter(|object| !object.trim().is_empty()).collect();
    let ask_all = |objects: &[&str]| {
        let text: String = objects.iter().map(|object| format!("---\n{object}")).collect();
        let outcome = ask("aso -f - -o json", &text);
        let mut report: serde_json::Value = serde_json::from_str(&outcome.out).unwrap();
        forget_lines(&mut report);
        report
    };
    let first = ask_all(&objects);
    for _ in 0..objects.len() {
        objects.rotate_left(1);
        objects.swap(0, 3);
        assert_eq!(ask_all(&objects), first);
    }
}

fn forget_lines(report: &mut serde_json::Value) {
    match report {
        serde_json::Value::Object(fields) => {
            fields.remove("line");
            fields.values_mut().for_each(forget_lines);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(forget_lines),
        _ => {}
    }
}

#[test]
fn a_row_says_what_a_condition_lets_be_given() {
    let scope = "/subscriptions/11111111-0000-0000-0000-000000000001";
    let roles = "Microsoft.Authorization/roleAssignments";
    let assignment = serde_json::json!([{
        "id": format!("{scope}/providers/{roles}/one"), "scope": scope, "type": roles, "principalType": "ServicePrincipal",
        "principalId": "bbbbbbbb-0000-0000-0000-000000000001", "roleDefinitionName": "Role Based Access Control Administrator",
        "roleDefinitionId": format!("{scope}/providers/Microsoft.Authorization/roleDefinitions/f58310d9-a9f6-439a-9e8d-f62e7b41a168"),
        "condition": format!("((!(ActionMatches{{'{roles}/write'}})) OR (@Request[{roles}:RoleDefinitionId] \
            ForAnyOfAnyValues:GuidEquals {{7f951dda-4ed3-4680-a7ca-43fe172d538d}}))"),
    }]);
    let file = tempfile::NamedTempFile::with_suffix(".json").unwrap();
    std::fs::write(file.path(), assignment.to_string()).unwrap();
    let contoso = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/contoso");
    let words = format!("aso -f {contoso} --azure {contoso}/azure --azure {} -n dev", file.path().display());
    let told = "role-assignment write (conditional: role AcrPull) at ";
    let out = ask(&words, "").out;
    let (_, row) = out.split_once(told).unwrap();
    // What is surely held is told as well.
    assert!(row.starts_with("subscription contoso-main; contributor-like at subscription contoso-main "), "{out}");
    let report: serde_json::Value = serde_json::from_str(&ask(&format!("{words} -o json"), "").out).unwrap();
    let powers =
        report["items"].as_array().unwrap().iter().flat_map(|item| item["azurePower"].as_array().into_iter().flatten());
    let ways: Vec<_> = powers.filter_map(|power| power.get("ways")).collect();
    assert!(ways.iter().all(|ways| ways[0]["roles"]["only"][0] == "7f951dda-4ed3-4680-a7ca-43fe172d538d"), "{report}");
    assert!(!ways.is_empty(), "{report}");
}
