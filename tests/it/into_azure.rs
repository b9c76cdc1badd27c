//! The paths of the example company out into Azure, and back into its cluster.

use rbac_lens::cli::{World, run};
use serde_json::Value;

fn report(words: &str) -> Value {
    let words = ["kubectl-rbac_lens", "escalations", "-o", "json"].into_iter().chain(words.split_whitespace());
    let done = run(
        words.map(Into::into),
        &mut World {
            stdin: &mut std::io::empty(),
            progress: &|_| (),
            now: 1_780_000_000,
            terminal: Default::default(),
        },
    );
    serde_json::from_str(&done.out).unwrap_or_else(|error| panic!("{error}: {}", done.out))
}

/// Each finding as `SEVERITY WHO -> TARGET [POWER]: TECHNIQUES`.
fn lines(report: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let items = report["items"].as_array().unwrap().iter();
    items
        .map(|item| {
            let target = &item["target"];
            let object = if target["object"].is_null() { text(&target["kind"]) } else { text(&target["object"]) };
            let from: Vec<String> = item["from"].as_array().unwrap().iter().map(text).collect();
            let steps: Vec<String> =
                item["steps"].as_array().unwrap().iter().map(|step| text(&step["technique"])).collect();
            let power = target["power"].as_str().map(|power| format!(" {power}")).unwrap_or_default();
            let level = text(&item["severity"]["level"]);
            format!("{level} {} -> {object}{power}: {}", from.join(" "), steps.join(", "))
        })
        .collect()
}

const MAIN: &str = "azure:/subscriptions/11111111-0000-0000-0000-000000000001";
const PROD: &str = "azure:/subscriptions/11111111-0000-0000-0000-000000000002";

#[test]
fn the_headline() {
    let found = lines(&report("--demo --from group:dev-team"));
    let owner = "aso-credential-fallback, aso-federated-credential, azure-role";
    for expected in [
        // (a) an identity that is Owner is made to trust an account of the team
        format!("critical group:dev-team -> {MAIN} role-assignment write: {owner}"),
        format!("critical group:dev-team -> {PROD} role-assignment write: {owner}"),
        // (b) the admin kubeconfig of this very cluster is written into a Secret that the team reads
        "critical group:dev-team -> clusterAdmin: secret-read, aso-skip-export".to_owned(),
    ] {
        assert!(found.contains(&expected), "{expected}\n{found:#?}");
    }
}

#[test]
fn argo_cd_does_what_the_release_manager_writes() {
    let found = lines(&report("--demo --from user:carol@contoso.example"));
    let expected = "critical user:carol@contoso.example -> clusterAdmin: operator-deputy, wildcard-admin";
    assert!(found.iter().any(|line| line == expected), "{found:#?}");
}

#[test]
fn each_step_names_what_makes_it() {
    let report = report("--demo --from group:dev-team --to azure --power roles");
    let steps = report["items"][0]["steps"].as_array().unwrap();
    let [first, second, third] = &steps[..] else { panic!("{steps:#?}") };
    assert_eq!(first["to"]["azure"]["credential"], "secret:azureserviceoperator-system/aso-controller-settings");
    assert_eq!(first["requests"][0]["rights"][0]["resource"], "federatedidentitycredentials");
    assert_eq!(first["evidence"][0]["grant"]["binding"]["name"], "dev-team-aso");
    let assigned = |step: &Value| step["to"]["azure"]["roleAssignment"]["role"].clone();
    assert_eq!((assigned(second), assigned(third)), ("Contributor".into(), "Owner".into()));
    assert_eq!(second["to"]["azure"]["identity"]["clientId"], "cccccccc-0000-0000-0000-000000000001");
    assert!(steps.iter().all(|step| step["confidence"] == "documented"), "{steps:#?}");
}

#[test]
fn storage_alone_is_limited() {
    let found = lines(&report("--demo --from group:storage-admins"));
    assert!(
        found.contains(&format!("medium group:storage-admins -> {MAIN} limited: aso-credential-fallback, aso-role"))
    );
    assert!(found.iter().all(|line| line.contains(" limited: ")), "{found:#?}");
}

#[test]
fn the_namespace_of_the_security_guide_has_nothing_for_people() {
    let all = report("--demo");
    let prod: Vec<&Value> = all["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|item| item["from"] == serde_json::json!(["group:prod-breakglass"]))
        .collect();
    assert!(!prod.is_empty());
    for item in prod {
        assert_eq!(item["severity"]["level"], "info", "{item:#}");
        let reasons = item["severity"]["reasons"].to_string();
        assert!(reasons.contains("dormant (2 can activate)"), "{reasons}");
    }
    // Nobody starts with a grant in `prod` but that group.
    let in_prod = |item: &&Value| item.to_string().contains("\"namespace\":\"prod\",\"name\"");
    for item in all["items"].as_array().unwrap().iter().filter(in_prod) {
        assert_eq!(item["from"], serde_json::json!(["group:prod-breakglass"]), "{item:#}");
    }
}

#[test]
fn what_is_not_known_is_no_no() {
    let found = lines(&report("-f examples/contoso --from group:dev-team"));
    assert!(
        found.contains(
            &"medium group:dev-team -> identity:cccccccc-0000-0000-0000-000000000001: aso-credential-fallback"
                .to_owned()
        ),
        "{found:#?}"
    );
}

#[test]
fn without_the_assignment_no_subscription_is_left() {
    let gone = "--demo --from group:dev-team --to azure --power contributor --without roleassignment:dddddddd-0000-0000-0000-000000000001";
    assert_eq!(lines(&report(gone)), [] as [&str; 0]);
    assert_ne!(lines(&report("--demo --from group:dev-team --to azure --power contributor")), [] as [&str; 0]);
}

#[test]
fn a_scope_and_how_much_of_it_can_be_asked_for() {
    let found = |more: &str| lines(&report(&format!("--demo --from group:dev-team {more}")));
    let owner = format!(
        "critical group:dev-team -> {PROD} role-assignment write: aso-credential-fallback, aso-federated-credential, azure-role"
    );
    for scope in
        [PROD.to_owned(), format!("{PROD}/resourceGroups/rg-prod"), format!("{PROD}/resourceGroups/unheard-of")]
    {
        for power in ["", "--power limited", "--power contributor", "--power roles"] {
            assert!(found(&format!("--to {scope} {power}")).contains(&owner), "{scope} {power}");
        }
        assert!(found(&format!("--to {scope}")).iter().all(|line| line.contains(PROD)), "{scope}");
    }
    assert_eq!(found("--to azure:/subscriptions/11111111-0000-0000-0000-000000000009"), [] as [&str; 0]);
    let storage = lines(&report(&format!("--demo --from group:storage-admins --to {MAIN} --power contributor")));
    assert_eq!(storage, [] as [&str; 0]);
    assert_eq!(
        found("--to cluster:contoso-hub"),
        ["high group:dev-team -> cluster:contoso-hub: aso-credential-fallback, aso-cluster-write"]
    );
    // From the identity itself.
    let from = lines(&report(&format!("--demo --from principal:bbbbbbbb-0000-0000-0000-000000000001 --to {PROD}")));
    let start = "critical identity:cccccccc-0000-0000-0000-000000000001";
    assert_eq!(from, [format!("{start} -> {PROD} role-assignment write: azure-federated-credential, azure-role")]);
}

#[test]
fn without_its_secret_a_credential_is_none() {
    let left =
        |who: &str, secret: &str| lines(&report(&format!("--demo --from {who} --to azure --without secret:{secret}")));
    // Nothing falls back to a global credential that is gone; another Secret is another matter.
    let settings = "azureserviceoperator-system/aso-controller-settings";
    let falls_back = |line: &String| line.contains("aso-credential-fallback");
    assert!(!left("group:dev-team", settings).iter().any(falls_back), "{:#?}", left("group:dev-team", settings));
    assert_eq!(left("group:storage-admins", settings), [] as [&str; 0]);
    assert!(left("group:dev-team", "prod/aso-credential").iter().any(falls_back));
    // A namespace whose credential is gone has the global one.
    let prod = left("group:prod-breakglass", "prod/aso-credential");
    assert!(prod.iter().any(falls_back), "{prod:#?}");
    assert!(prod.iter().all(|line| !line.contains("aso-resource-write")), "{prod:#?}");
}

#[test]
fn a_strict_operator_takes_the_neighbours_identity_away() {
    let forged = |more: &str| {
        let found = lines(&report(&format!("--demo --from group:storage-admins {more}")));
        found.iter().any(|line| line.contains("forge"))
    };
    assert!(forged("") && !forged("--assume strict"));
}

#[test]
fn a_scope_of_which_nothing_was_read_is_no_clean_answer() {
    let ask = |scope: &str| {
        let to = format!("azure:{scope}");
        super::ask(["escalations", "--demo", "--strict", "--to", &to])
    };
    let unread = "/subscriptions/11111111-0000-0000-0000-000000000009";
    let answer = ask(unread);
    assert_eq!(answer.code, 3, "{:?}", answer.notes);
    for told in [
        "note: no role assignment of this part of Azure was read: `az role assignment list --all`".to_owned(),
        format!("hint: nothing was read of a scope `{unread}`; what is above it is /"),
    ] {
        assert!(answer.notes.contains(&told), "{told}: {:?}", answer.notes);
    }
    // A subscription that was read says nothing, and what lies in it need not be listed.
    let answer = ask("/subscriptions/11111111-0000-0000-0000-000000000002");
    assert_eq!(answer.code, 0, "{:?}", answer.notes);
    assert!(!answer.notes.iter().any(|line| line.contains("nothing was read")), "{:?}", answer.notes);
    let inside = "/subscriptions/11111111-0000-0000-0000-000000000001/resourceGroups/Nope";
    let answer = ask(inside);
    assert_eq!(answer.code, 0, "{:?}", answer.notes);
    assert!(answer.notes.iter().any(|line| line.contains(&format!("of a scope `{inside}`"))), "{:?}", answer.notes);
}
