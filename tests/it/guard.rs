//! Azure RBAC for Kubernetes: which cluster this is, and whom Azure lets do something in it, in `who-can`, `why` and `review`.

use std::path::Path;

use rbac_lens::cli::Outcome;
use rbac_lens::model::{Cluster, Snapshot};
use rbac_lens::render::saved;
use serde_json::{Value, json};
use tempfile::TempDir;

const TENANT: &str = "99999999-0000-0000-0000-000000000001";
const CLUSTER: &str = "/subscriptions/11111111-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/one";
const ARC: &str = "/subscriptions/11111111-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.Kubernetes/connectedClusters/edge";
/// Azure Kubernetes Service RBAC Reader, Writer and Cluster Admin, and Azure Arc Kubernetes Viewer.
const READER: &str = "7f6c6a51-bcf8-42ba-9220-52d62157d7db";
const WRITER: &str = "a7ffa36f-339b-4b5c-8bdf-e2c188b2c0eb";
const ADMIN: &str = "b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b";
const ARC_VIEWER: &str = "63f0a09d-1495-4db4-a681-037d84835eb4";
const ANN: &str = "aaaaaaaa-0000-0000-0000-000000000001";
const TEAM: &str = "eeeeeeee-0000-0000-0000-000000000001";
const ROBOT: &str = "bbbbbbbb-0000-0000-0000-000000000001";
const BEN: &str = "aaaaaaaa-0000-0000-0000-000000000002";

fn assigned(who: &str, kind: &str, role: &str, scope: &str) -> Value {
    let id = format!(
        "/subscriptions/11111111-0000-0000-0000-000000000001/providers/Microsoft.Authorization/roleDefinitions/{role}"
    );
    json!({"id": format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{who}"), "principalId": who,
           "principalType": kind, "roleDefinitionId": id, "scope": scope})
}

/// A cluster whose team reads in all of it, whose robot writes in `dev`, where ann is one of the team and ben is admin if he activates it.
fn world(azure_rbac: bool) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let azure = folder.path().join("azure");
    std::fs::create_dir(&azure).unwrap();
    let aks = json!([{"id": CLUSTER, "name": "one", "type": "Microsoft.ContainerService/ManagedClusters",
        "fqdn": "one-1.hcp.westeurope.azmk8s.io", "enableRbac": true, "nodeResourceGroup": "MC_one",
        "aadProfile": {"managed": true, "enableAzureRbac": azure_rbac, "tenantId": TENANT}}]);
    let arc = json!([{"id": ARC, "name": "edge", "type": "Microsoft.Kubernetes/connectedClusters", "properties": {
        "aadProfile": {"enableAzureRBAC": true, "tenantID": TENANT}}}]);
    let assignments = json!([
        assigned(TEAM, "Group", READER, CLUSTER),
        assigned(ROBOT, "ServicePrincipal", WRITER, &format!("{CLUSTER}/namespaces/dev")),
        assigned(TEAM, "Group", ARC_VIEWER, ARC),
    ]);
    let eligible = json!({"value": [{"id": "/x", "name": "x", "type": "Microsoft.Authorization/roleEligibilityScheduleInstances",
        "properties": {"principalId": BEN, "principalType": "User", "scope": "/subscriptions/11111111-0000-0000-0000-000000000001", "memberType": "Direct",
            "status": "Provisioned",
            "roleDefinitionId": format!("/subscriptions/11111111-0000-0000-0000-000000000001/providers/Microsoft.Authorization/roleDefinitions/{ADMIN}")}}]});
    let groups = json!({"id": TEAM, "displayName": "team", "members": [
        {"@odata.type": "#microsoft.graph.user", "id": ANN, "userPrincipalName": "ann@contoso.example"}]});
    for (name, value) in
        [("aks", aks), ("arc", arc), ("assignments", assignments), ("eligible", eligible), ("groups", groups)]
    {
        std::fs::write(azure.join(format!("{name}.json")), value.to_string()).unwrap();
    }
    let cluster = "apiVersion: v1
kind: Node
metadata: {name: n1}
spec: {providerID: azure:///subscriptions/11111111-0000-0000-0000-000000000001/resourceGroups/mc_ONE/providers/Microsoft.Compute/virtualMachineScaleSets/x/0}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: admins}
subjects: [{kind: User, name: root, apiGroup: rbac.authorization.k8s.io}]
roleRef: {kind: ClusterRole, name: cluster-admin, apiGroup: rbac.authorization.k8s.io}
";
    std::fs::write(folder.path().join("cluster.yaml"), cluster).unwrap();
    folder
}

/// Runs a command on a world.
fn ask(folder: &Path, question: &str) -> Outcome {
    let (cluster, azure) = (folder.join("cluster.yaml"), folder.join("azure"));
    let words =
        question.split_whitespace().chain(["-f", cluster.to_str().unwrap(), "--azure", azure.to_str().unwrap()]);
    super::ask(words)
}

/// The subjects that can, but for those of the binding: `KIND NAME WHERE DECISION`.
fn azure_rows(folder: &Path, question: &str) -> Vec<String> {
    let done = ask(folder, &format!("who-can {question} -o json"));
    let report: Value = serde_json::from_str(&done.out).unwrap_or_else(|error| panic!("{error}: {done:?}"));
    let items = report["items"].as_array().unwrap().iter().filter(|item| item["authorizer"] == "azure");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    items
        .map(|item| {
            let place = if item["clusterWide"] == true { "*".to_owned() } else { text(&item["namespaces"][0]) };
            let (kind, name) = (text(&item["subject"]["kind"]), text(&item["subject"]["name"]));
            format!("{kind} {name} {place} {}", text(&item["decision"]))
        })
        .collect()
}

#[test]
fn azure_is_asked_where_the_cluster_asks_it() {
    let world = world(true);
    let rows = |question: &str| azure_rows(world.path(), question);
    let (team, robot, ben) = (format!("Group {TEAM}"), format!("User {ROBOT}"), format!("User {BEN}"));
    // The team reads everywhere but no Secrets, and the robot writes in its namespace alone.
    assert_eq!(
        rows("get pods -A"),
        [format!("{ben} * eligible"), format!("{robot} dev allowed"), format!("{team} * allowed")]
    );
    assert_eq!(rows("get secrets -n dev"), [format!("{ben} dev eligible"), format!("{robot} dev allowed")]);
    assert_eq!(rows("get secrets -n prod"), [format!("{ben} prod eligible")]);
    // A list over all namespaces is not that of one; a subresource is its resource, but for exec.
    assert_eq!(rows("list nodes"), [format!("{ben} * eligible")]);
    assert_eq!(
        rows("create serviceaccounts/token -n dev"),
        [format!("{ben} dev eligible"), format!("{robot} dev allowed")]
    );
    assert_eq!(rows("create pods/exec -n dev"), [format!("{ben} dev eligible"), format!("{robot} dev allowed")]);
    // Only who has a wildcard over everything may write custom resources.
    assert_eq!(rows("create storageaccounts.storage.azure.com -n dev"), [format!("{ben} dev eligible")]);
}

/// Has bindings name the team, a group of which only the id is known, one that is nowhere in Azure, ann, and the robot.
fn bind_by_id(folder: &Path) -> [String; 5] {
    let (unread, nobody) = (TEAM.replace("0001", "0002"), TEAM.replace("0001", "0003"));
    let subjects = [
        ("Group", TEAM),
        ("Group", &unread),
        ("Group", &nobody),
        ("User", "Ann@contoso.example"),
        ("User", ROBOT),
        // No group is called so, and no user.
        ("Group", BEN),
        ("User", TEAM),
    ];
    let list: Vec<String> = subjects
        .map(|(kind, name)| format!("{{kind: {kind}, name: {name}, apiGroup: rbac.authorization.k8s.io}}"))
        .to_vec();
    let binding = format!(
        "---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: viewers}}
subjects: [{}]
roleRef: {{kind: ClusterRole, name: view, apiGroup: rbac.authorization.k8s.io}}
",
        list.join(", ")
    );
    std::fs::write(folder.join("cluster.yaml"), binding).unwrap();
    let rows = json!([
        assigned(&unread, "Group", READER, "/subscriptions/11111111-0000-0000-0000-000000000002"),
        assigned(BEN, "User", READER, "/subscriptions/11111111-0000-0000-0000-000000000002"),
    ]);
    std::fs::write(folder.join("azure/more.json"), rows.to_string()).unwrap();
    let robot = json!([{"id": ROBOT, "appId": "cccccccc-0000-0000-0000-000000000001", "displayName": "robot",
        "servicePrincipalType": "Application"}]);
    std::fs::write(folder.join("azure/sp.json"), robot.to_string()).unwrap();
    [TEAM.to_owned(), unread, nobody, BEN.to_owned(), ROBOT.to_owned()]
}

/// The first two cells of each line of a table.
fn cells(table: &str) -> Vec<String> {
    let cells = |line: &str| line.split("   ").filter(|cell| !cell.is_empty()).take(1).map(str::trim_end).collect();
    table.lines().skip(1).map(cells).collect()
}

#[test]
fn bindings_say_who_an_object_id_is() {
    let world = world(false);
    let [team, unread, nobody, ben, robot] = bind_by_id(world.path());
    let only = "--subject 0000|contoso";
    let done = ask(world.path(), &format!("who-can get pods {only}"));
    let plain = [
        format!("Group {ben}"),
        format!("Group {team} (team)"),
        format!("Group {unread}"),
        format!("Group {nobody}"),
        "User Ann@contoso.example".to_owned(),
        format!("User {robot} (robot)"),
        format!("User {team}"),
    ];
    assert_eq!(cells(&done.out), plain);
    // What is not known of members is told where they are asked for.
    assert!(!done.notes.iter().any(|note| note.contains("gap")), "{done:?}");
    let done = ask(world.path(), &format!("who-can get pods {only} --expand"));
    let [first, second, third, rest @ ..] = &plain;
    let mut expanded = vec![first.clone(), second.clone(), "  User ann@contoso.example".to_owned(), third.clone()];
    expanded.push("  (members not read)".to_owned());
    expanded.extend_from_slice(rest);
    assert_eq!(cells(&done.out), expanded);

    let done = ask(world.path(), &format!("who-can get pods {only} --expand -o json"));
    let report: Value = serde_json::from_str(&done.out).unwrap();
    let item = |kind: &str, name: &str| {
        let is = |item: &&Value| item["subject"]["kind"] == kind && item["subject"]["name"] == name;
        report["items"].as_array().unwrap().iter().find(is).unwrap().clone()
    };
    let own = item("Group", &team);
    assert_eq!((&own["principal"]["name"], &own["authorizer"]), (&json!("team"), &json!("rbac")));
    assert_eq!(own["entraMembers"]["complete"], true);
    assert_eq!(own["entraMembers"]["known"][0]["principal"]["userPrincipalName"], "ann@contoso.example");
    assert_eq!(item("Group", &unread)["entraMembers"], json!({"complete": false, "known": []}));
    assert_eq!(item("User", "Ann@contoso.example")["principal"]["objectId"], ANN);
    for (kind, name) in [("Group", &nobody), ("Group", &ben), ("User", &team)] {
        let own = item(kind, name);
        assert!(own.get("principal").is_none() && own.get("entraMembers").is_none(), "{own}");
    }
    let gaps: Vec<&str> = report["gaps"].as_array().unwrap().iter().filter_map(|gap| gap["message"].as_str()).collect();
    let about = gaps.iter().filter(|gap| gap.contains(&unread));
    assert_eq!(about.count(), 1, "{gaps:?}");

    let why = ask(world.path(), &format!("why group:{team} get pods"));
    assert!(why.out.contains(&format!("gives Group {team} (team) the ClusterRole view")), "{why:?}");
    let what = ask(world.path(), &format!("what-can group:{team} -o wide"));
    assert!(what.out.contains(&format!("Group {team} (team)")), "{what:?}");
}

#[test]
fn without_the_data_of_entra_an_object_id_is_all_that_is_known() {
    let world = world(false);
    let [team, ..] = bind_by_id(world.path());
    let cluster = world.path().join("cluster.yaml");
    let ask = |more: &str| {
        super::ask(
            ["who-can", "get", "pods", "--expand", "-f", cluster.to_str().unwrap()]
                .into_iter()
                .chain(more.split_whitespace()),
        )
    };
    assert!(cells(&ask("").out).contains(&format!("Group {team}")), "{:?}", ask(""));
    let json = ask("-o json").out;
    assert!(!json.contains("\"principal\"") && !json.contains("entraMembers"), "{json}");
}

#[test]
fn a_role_on_a_managed_namespace_is_one_in_it() {
    let world = world(true);
    let assign = |scope: String| {
        let rows = json!([assigned(BEN, "User", READER, &scope)]);
        std::fs::write(world.path().join("azure/more.json"), rows.to_string()).unwrap();
    };
    let rows = |question: &str| azure_rows(world.path(), question);
    let (team, robot, ben) = (format!("Group {TEAM}"), format!("User {ROBOT}"), format!("User {BEN}"));
    std::fs::remove_file(world.path().join("azure/eligible.json")).unwrap();
    assign(format!("{CLUSTER}/managedNamespaces/dev"));
    assert_eq!(
        rows("get pods -A"),
        [format!("{ben} dev allowed"), format!("{robot} dev allowed"), format!("{team} * allowed")]
    );
    assert_eq!(rows("get pods -n dev").len(), 3);
    assert_eq!(rows("get pods -n prod"), [format!("{team} prod allowed")]);
    assert_eq!(rows("list nodes"), [] as [String; 0]);
    // A cluster of Arc has no managed namespaces, and this one is not that.
    assign(format!("{ARC}/managedNamespaces/dev"));
    assert_eq!(rows("get pods -n dev"), [format!("{robot} dev allowed"), format!("{team} dev allowed")]);
}

/// A world where the robot has only a role with these data actions of the cluster, in all of it, and nobody else has any.
fn with_role(data_actions: &[&str], not: &[&str]) -> TempDir {
    let world = world(true);
    let role =
        "/subscriptions/11111111-0000-0000-0000-000000000001/providers/Microsoft.Authorization/roleDefinitions/own";
    let full = |all: &[&str]| -> Vec<String> {
        all.iter().map(|one| format!("Microsoft.ContainerService/managedClusters/{one}")).collect()
    };
    let definitions = json!([{"id": role, "name": "own", "roleName": "Own", "roleType": "CustomRole",
        "type": "Microsoft.Authorization/roleDefinitions", "assignableScopes": ["/subscriptions/11111111-0000-0000-0000-000000000001"],
        "permissions": [{"actions": [], "notActions": [], "dataActions": full(data_actions), "notDataActions": full(not)}]}]);
    let azure = world.path().join("azure");
    std::fs::remove_file(azure.join("eligible.json")).unwrap();
    std::fs::write(azure.join("roles.json"), definitions.to_string()).unwrap();
    let assignments = json!([assigned(ROBOT, "ServicePrincipal", "own", CLUSTER)]);
    std::fs::write(azure.join("assignments.json"), assignments.to_string()).unwrap();
    world
}

#[test]
fn a_star_is_judged_by_all_that_it_stands_for() {
    let (allowed, unknown, none) = ("allowed", "unknown", "");
    let apps = ["controllerrevisions", "daemonsets", "deployments", "replicasets", "statefulsets"];
    let reads: Vec<String> = apps.iter().map(|one| format!("apps/{one}/read")).collect();
    let reads: Vec<&str> = reads.iter().map(String::as_str).collect();
    for (role, not, question, expected) in [
        // A wildcard is exact, whatever Azure's list has.
        (&["*"][..], &[][..], "* *.*", allowed),
        (&["*/read"], &[], "get *.*", allowed),
        (&["*/read"], &[], "* *.*", none),
        (&["*"], &["resourcequotas/write"], "* *.*", none),
        (&["*"], &["resourcequotas/write"], "get *.*", allowed),
        // Each of a list is as good, where the list is all that there is.
        (&["secrets/read", "secrets/write", "secrets/delete"], &[], "* secrets", allowed),
        (&["secrets/read", "secrets/write"], &[], "* secrets", none),
        (&reads, &[], "get *.apps", allowed),
        (&reads[1..], &[], "get *.apps", none),
        (&["pods/read", "pods/write", "pods/delete"], &[], "* pods", none),
        (&["pods/read", "pods/exec/action"], &[], "get pods --subresource *", allowed),
        (&["pods/read"], &[], "get pods --subresource *", none),
        // Custom resources, both ways, and what Azure's list lacks of Kubernetes' own.
        (&["customresources/read"], &[], "get *.example.com", allowed),
        (&["customresources/read"], &[], "* *.example.com", none),
        (
            &["customresources/read", "customresources/write", "customresources/delete"],
            &[],
            "* things.example.com",
            allowed,
        ),
        (&["customresources/read"], &[], "list validatingadmissionpolicies", allowed),
        (&["customresources/read"], &[], "list validatingwebhookconfigurations", none),
        // Everything that lives in namespaces is not everything, and what may be newer cannot be told.
        (&["*"], &["customresources/write"], "create *.*", unknown),
        (&["*"], &["customresources/write"], "get *.*", allowed),
        (&["serviceaccounts/impersonate/action"], &[], "impersonate *", unknown),
        // A path is what it is.
        (&["metrics/read"], &[], "get /metrics", allowed),
        (&["metrics/read"], &[], "* /metrics", none),
        (&["metrics/*"], &[], "* /metrics", allowed),
        (&["metrics/write"], &[], "post /metrics", none),
        (&["read"], &[], "get /", allowed),
    ] {
        let world = with_role(role, not);
        let rows = azure_rows(world.path(), question);
        let decision = rows.first().map_or("", |row| row.rsplit(' ').next().unwrap());
        assert_eq!(decision, expected, "{question} by {role:?} without {not:?}: {rows:?}");
        let done = ask(world.path(), &format!("who-can {question} -o json"));
        let report: Value = serde_json::from_str(&done.out).unwrap();
        let told = report["gaps"].to_string().contains("Azure has a list of operations of its own");
        assert_eq!(told, expected == unknown, "{question}: {}", report["gaps"]);
        assert!(!told || report["summary"]["partial"] == true, "{question}");
    }
}

#[test]
fn everything_in_a_namespace_is_what_lives_in_namespaces() {
    let world = with_role(&["*"], &["nodes/write", "rbac.authorization.k8s.io/clusterroles/bind/action"]);
    assert_eq!(azure_rows(world.path(), "* *.* -n dev"), [format!("User {ROBOT} dev allowed")]);
    assert_eq!(azure_rows(world.path(), "* *.*"), [] as [String; 0]);
    let why = |question: &str| ask(world.path(), &format!("why user:{ROBOT} {question}"));
    assert_eq!((why("* *.* -n dev").code, why("* *.*").code), (0, 1));
    let untold = with_role(&["*"], &["customresources/write"]);
    let done = ask(untold.path(), &format!("why user:{ROBOT} * *.* -n dev"));
    assert!(done.out.starts_with("not found, ") && done.code == 1, "{done:?}");
}

/// What Azure gives somebody: `WHERE VERBS RESOURCE DECISION`.
fn azure_rights(folder: &Path, question: &str) -> Vec<String> {
    let done = ask(folder, &format!("what-can {question} -o json"));
    let report: Value = serde_json::from_str(&done.out).unwrap_or_else(|error| panic!("{error}: {done:?}"));
    let items = report["items"].as_array().unwrap().iter().filter(|item| item["authorizer"] == "azure");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let line = |item: &Value| {
        let place = if item["clusterWide"] == true { "*".to_owned() } else { text(&item["namespace"]) };
        let verbs: Vec<String> = item["verbs"].as_array().unwrap().iter().map(text).collect();
        let resource = [text(&item["resource"]), text(&item["apiGroup"])].join(".");
        let decision = text(&item["azureGrants"][0]["decision"]);
        format!("{place} {} {} {decision}", verbs.join(","), resource.trim_end_matches('.'))
    };
    items.map(line).collect()
}

#[test]
fn what_azure_allows_is_a_part_of_what_somebody_can() {
    let world = world(true);
    let rights = |who: &str| azure_rights(world.path(), who);
    // Who may activate everything has that, and nothing beside it.
    assert_eq!(rights(&format!("user:{BEN}")), ["* * *.* eligible"]);
    let team = rights(&format!("group:{TEAM}"));
    assert!(team.contains(&"* get,list,watch pods allowed".to_owned()), "{team:?}");
    assert!(team.iter().all(|right| right.starts_with("* get,list,watch ") && !right.contains("secrets")), "{team:?}");
    // A member of the team has it by the group, be it called by its name in Entra.
    assert_eq!(rights("user:ann@contoso.example"), team);
    let robot = rights(&format!("principal:{ROBOT}"));
    assert!(robot.contains(&"dev get,create pods/exec allowed".to_owned()), "{robot:?}");
    assert!(robot.iter().any(|right| right.starts_with("dev ") && right.contains(" secrets ")), "{robot:?}");
    assert!(robot.iter().all(|right| right.starts_with("dev ")), "{robot:?}");
    assert_eq!(rights(&format!("principal:{ROBOT} -n prod")), [] as [String; 0]);
    // Accounts and strangers have nothing of Azure, nor has anybody where the cluster does not ask it.
    for nobody in ["sa:dev/default", "user:root", "group:system:authenticated"] {
        assert_eq!(rights(nobody), [] as [String; 0], "{nobody}");
    }
    assert_eq!(azure_rights(self::world(false).path(), &format!("user:{BEN}")), [] as [String; 0]);
    let wrong = ask(world.path(), "what-can principal:nobody");
    assert_eq!(wrong.code, 2);
    assert!(wrong.notes[0].contains("no principal `nobody` was read of Azure"), "{wrong:?}");
    let table = ask(world.path(), &format!("what-can group:{TEAM} --list")).out;
    assert!(
        table.contains("RoleAssignment at ") && table.contains("Azure role Azure Kubernetes Service RBAC Reader"),
        "{table}"
    );
    let matrix = ask(world.path(), &format!("what-can user:{BEN}")).out;
    assert!(matrix.contains("cluster-wide (eligible), by Azure"), "{matrix}");
}

/// Each request by itself, against the list of all.
#[test]
fn what_somebody_can_by_azure_is_what_why_says_of_each_request() {
    let world = world(true);
    let covers = |right: &str, place: &str, verb: &str, resource: &str| {
        let words: Vec<&str> = right.split(' ').collect();
        let any = |list: &str, one: &str| list == "*" || list.split(',').any(|own| own == one);
        (words[0] == "*" || words[0] == place) && any(words[1], verb) && (words[2] == "*.*" || words[2] == resource)
    };
    for who in [format!("user:{BEN}"), format!("group:{TEAM}"), format!("user:{ROBOT}")] {
        let rights = azure_rights(world.path(), &who);
        for (verb, resource) in [
            ("get", "pods"),
            ("list", "secrets"),
            ("create", "deployments.apps"),
            ("delete", "configmaps"),
            ("get", "pods/exec"),
            ("impersonate", "users"),
        ] {
            for place in ["dev", "prod"] {
                let done = ask(world.path(), &format!("why {who} {verb} {resource} -n {place} -o json"));
                let report: Value = serde_json::from_str(&done.out).unwrap();
                let decision = report["items"][0]["decision"].as_str().unwrap_or_default();
                let may = ["allowed", "eligible", "conditional"].contains(&decision);
                let listed = rights.iter().any(|right| covers(right, place, verb, resource));
                assert_eq!(listed, may, "{who} {verb} {resource} in {place}: {decision}, {rights:?}");
            }
        }
    }
}

#[test]
fn azure_is_not_asked_where_it_has_no_say() {
    let off = world(false);
    assert!(azure_rows(off.path(), "get pods -A").is_empty());
    let on = world(true);
    assert!(azure_rows(on.path(), "get pods -A --authorizers node,rbac").is_empty());
}

#[test]
fn the_cluster_is_recognised_or_named() {
    let world = world(true);
    let note = |question: &str| ask(world.path(), question).notes.join("\n");
    let known = note("who-can get pods -A");
    assert!(known.contains("by the resource group of its nodes this cluster is one, which asks Azure too"), "{known}");
    // Named, it is the one of Arc, with the data actions of Arc.
    let rows = azure_rows(world.path(), "get pods -A --this-cluster edge");
    assert_eq!(rows, [format!("Group {TEAM} * allowed")]);
    let wrong = ask(world.path(), "who-can get pods --this-cluster other");
    assert_eq!(wrong.code, 2);
    assert!(
        wrong.notes[0].contains("--this-cluster `other` was not read of Azure; there are /subscriptions/1"),
        "{wrong:?}"
    );
    // Without nodes nothing says which one it is.
    std::fs::write(world.path().join("cluster.yaml"), "{apiVersion: v1, kind: Namespace, metadata: {name: dev}}")
        .unwrap();
    let unknown = note("who-can get pods -A");
    assert!(unknown.contains("which cluster of Azure this is is not known, and 2 clusters ask Azure"), "{unknown}");
}

#[test]
fn why_says_which_role_of_azure_it_is() {
    let world = world(true);
    let why = |question: &str| {
        let done = ask(world.path(), &format!("why {question}"));
        (done.code, done.out)
    };
    let (code, out) = why("user:ann@contoso.example get pods -n dev");
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("RoleAssignment at managedClusters/one, through team allows it by Azure role Azure Kubernetes Service RBAC Reader"), "{out}");
    let (code, out) = why("user:ann@contoso.example get secrets -n dev");
    assert!(code == 1 && out.starts_with("no: "), "{code} {out}");
    let (code, out) = why(&format!("user:{BEN} delete nodes"));
    assert!(code == 1 && out.starts_with("eligible: ") && out.contains("once it is activated"), "{code} {out}");
    let (code, out) = why(&format!("group:{TEAM} get pods"));
    assert_eq!(code, 0, "{out}");
    // A service account is nobody in Azure, whatever it is called.
    assert_eq!(why("sa:dev/ann@contoso.example get pods -n dev").0, 1);
    assert_eq!(why("user:ann@contoso.example get /version").0, 0);
}

/// The answers to reviews: whether each is allowed, and why.
fn reviewed(folder: &Path, reviews: &[Value]) -> Vec<(bool, String)> {
    let file = folder.join("reviews.ndjson");
    std::fs::write(&file, reviews.iter().map(|one| format!("{one}\n")).collect::<String>()).unwrap();
    let done = ask(folder, &format!("review {} -o ndjson", file.display()));
    let status = |line: &str| {
        let object: Value = serde_json::from_str(line).unwrap();
        (object["status"]["allowed"] == true, object["status"]["reason"].as_str().unwrap_or_default().to_owned())
    };
    done.out.lines().map(status).collect()
}

#[test]
fn reviews_count_exactly_the_ids_that_they_give() {
    let world = world(true);
    let review = |user: &str, groups: &[&str], oid: Option<&str>, verb: &str, resource: &str| {
        let mut spec = json!({"user": user, "groups": groups,
            "resourceAttributes": {"verb": verb, "resource": resource, "namespace": "dev"}});
        if let Some(oid) = oid {
            spec["extra"] = json!({"oid": [oid]});
        }
        json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec})
    };
    let user = "ann@contoso.example";
    let answers = reviewed(
        world.path(),
        &[
            review(user, &[TEAM], Some(ANN), "get", "pods"),
            // The group is not given, and no group is added.
            review(user, &[], Some(ANN), "get", "pods"),
            // Without an object id Azure has no opinion.
            review(user, &[TEAM], None, "get", "pods"),
            review(user, &[TEAM], Some(ANN), "get", "secrets"),
            review(ROBOT, &[], Some(ROBOT), "update", "secrets"),
            review("system:serviceaccount:dev:x", &[TEAM], Some(ANN), "get", "pods"),
            // What has to be activated is no yes.
            review(BEN, &[], Some(BEN), "get", "pods"),
            review("root", &[], Some(ANN), "get", "pods"),
        ],
    );
    let allowed: Vec<bool> = answers.iter().map(|(allowed, _)| *allowed).collect();
    assert_eq!(allowed, [true, false, false, false, true, false, false, true], "{answers:#?}");
    assert!(
        answers[0].1.starts_with("Azure: allowed by a role assignment of Azure Kubernetes Service RBAC Reader at ")
    );
    assert!(answers[6].1.starts_with("Azure: eligible of Azure Kubernetes Service RBAC Cluster Admin"), "{answers:#?}");
    assert!(answers[7].1.starts_with("RBAC: allowed by ClusterRoleBinding"), "{answers:#?}");
}

#[test]
fn whoever_has_only_a_role_of_azure_is_one_to_start_from() {
    let world = world(true);
    let azure = world.path().join("azure/assignments.json");
    let assignments =
        json!([assigned(TEAM, "Group", ADMIN, CLUSTER), assigned(ROBOT, "ServicePrincipal", READER, CLUSTER)]);
    std::fs::write(azure, assignments.to_string()).unwrap();
    let done = ask(world.path(), "escalations --to cluster-admin -o json");
    let report: Value = serde_json::from_str(&done.out).unwrap_or_else(|error| panic!("{error}: {done:?}"));
    let items = report["items"].as_array().unwrap();
    let starts: Vec<&Value> = items.iter().map(|item| &item["from"][0]).collect();
    assert_eq!(
        starts,
        [&json!(format!("principal:{TEAM}")), &json!(format!("principal:{BEN}"))],
        "{:#}",
        report["items"]
    );
    let steps: Vec<&Value> = items.iter().map(|item| &item["steps"][0]["technique"]).collect();
    assert_eq!(steps, ["azure-kubernetes-role", "azure-kubernetes-role"]);
    // What has to be activated first is less severe, and no role assignment that could be deleted.
    let levels: Vec<&Value> = items.iter().map(|item| &item["severity"]["level"]).collect();
    assert_eq!(levels, ["critical", "high"]);
    let command =
        format!("az role assignment delete --ids {CLUSTER}/providers/Microsoft.Authorization/roleAssignments/{TEAM}");
    assert_eq!(items[0]["remedy"]["commands"], json!([command.replace("--ids ", "--ids '") + "'"]));
    assert_eq!(items[1]["remedy"]["commands"], json!([]));
    // And without it, it is gone.
    let left = ask(world.path(), &format!("escalations --to cluster-admin -o name --without roleassignment:{TEAM}"));
    assert_eq!(left.out, format!("principal:{BEN}\n"));
}

#[test]
fn a_role_over_other_things_is_none_in_the_cluster() {
    let world = world(true);
    // Contributor, who could fetch the admin kubeconfig, and Storage Blob Data Owner, whose data actions are none of the cluster's.
    let subscription = "/subscriptions/11111111-0000-0000-0000-000000000001";
    let roles = ["b24988ac-6180-42a0-ab88-20f7382dd24c", "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"];
    let assignments = roles.map(|role| {
        let mut one = assigned(ROBOT, "ServicePrincipal", role, subscription);
        one["id"] = json!(format!("{subscription}/providers/Microsoft.Authorization/roleAssignments/{role}"));
        one
    });
    let assignments = json!(assignments);
    std::fs::write(world.path().join("azure/assignments.json"), assignments.to_string()).unwrap();
    let done = ask(world.path(), "escalations -o name");
    assert_eq!(done.out, format!("principal:{BEN}\n"), "{done:?}");
}

#[test]
fn what_was_not_read_of_azure_is_no_no() {
    let world = world(true);
    std::fs::remove_file(world.path().join("azure/groups.json")).unwrap();
    let why = |question: &str| ask(world.path(), &format!("why user:ann@contoso.example {question}")).out;
    // She may be in the team, which may.
    assert!(why("get pods -n dev").starts_with("not found, "), "{}", why("get pods -n dev"));
    // Nobody whom she may be may do this.
    assert!(why("get secrets -n dev").starts_with("no: "), "{}", why("get secrets -n dev"));
    assert!(ask(world.path(), "why sa:dev/app get pods -n dev").out.starts_with("no: "));
}

#[test]
fn what_was_not_read_of_azure_leaves_answers_of_kubernetes_whole() {
    let partial = |azure_rbac: bool, question: &str| {
        let world = world(azure_rbac);
        let cut = json!({"value": [assigned(TEAM, "Group", READER, CLUSTER)], "nextLink": "https://next.example"});
        std::fs::write(world.path().join("azure/assignments.json"), cut.to_string()).unwrap();
        let done = ask(world.path(), &format!("{question} -o json"));
        let report: Value = serde_json::from_str(&done.out).unwrap_or_else(|error| panic!("{error}: {done:?}"));
        assert!(!report["gaps"].as_array().unwrap().is_empty(), "{question}: it is told in any case");
        report["summary"]["partial"].as_bool().unwrap()
    };
    for question in ["who-can get pods -A --authorizers rbac,azure", "what-can user:root", "why user:root get pods -A"]
    {
        assert!(partial(true, question), "{question}");
        assert!(!partial(false, question), "{question}");
        assert!(!partial(false, &format!("{question} --strict")), "{question}");
    }
    assert!(partial(false, "escalations"));
}

#[test]
fn a_review_without_role_assignments_has_a_gap() {
    let world = world(true);
    for name in ["assignments", "eligible"] {
        std::fs::remove_file(world.path().join(format!("azure/{name}.json"))).unwrap();
    }
    let file = world.path().join("review.json");
    let review = |verb: &str, extra: &Value| {
        json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": {"user": "ann@contoso.example",
            "extra": extra, "resourceAttributes": {"verb": verb, "resource": "pods", "namespace": "dev"}}})
    };
    let known = json!({"oid": [ANN]});
    for (extra, code) in [(&known, 3), (&json!({}), 0)] {
        std::fs::write(&file, review("get", extra).to_string()).unwrap();
        let done = ask(world.path(), &format!("review {} --strict", file.display()));
        assert_eq!(done.code, code, "{done:?}");
        assert_eq!(done.notes.join("\n").contains("no role assignment"), code == 3, "{done:?}");
    }
}

#[test]
fn the_cluster_is_recognised_by_the_address_of_its_server() {
    let world = world(true);
    let mut snapshot = Snapshot::default();
    for (server, expected) in [("one-1.hcp.westeurope.azmk8s.io", true), ("two-1.hcp.westeurope.azmk8s.io", false)] {
        snapshot.clusters =
            vec![Cluster { name: "prod".to_owned(), server: server.to_owned(), stored: true, ..Cluster::default() }];
        let mut text = Vec::new();
        saved(&snapshot, &mut text).unwrap();
        // What it is called does not count.
        std::fs::write(world.path().join("cluster.yaml"), text).unwrap();
        let notes = ask(world.path(), "who-can get pods -A").notes.join("\n");
        assert_eq!(notes.contains("by the address of its API server this cluster is one"), expected, "{notes}");
    }
}
