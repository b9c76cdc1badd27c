//! `azure-export` with an `az` of our own on the PATH: what it is asked for, what is saved, what is reported.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use assert_cmd::cargo::CommandCargoExt as _;
use serde_json::json;

use super::ask;

const FIRST: &str = "11111111-0000-0000-0000-000000000001";
const SECOND: &str = "11111111-0000-0000-0000-000000000002";

/// An `az` that writes down what it is asked and answers from the example; what it does not know it refuses.
fn stub(folder: &Path, cases: &str) {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/contoso/azure");
    let script = format!(
        r##"#!/bin/sh
echo "$*" >> '{log}'
example='{example}'
case "$*" in
{cases}
'account list -o json')
  echo '[{{"id": "{FIRST}", "name": "contoso-main", "tenantId": "99999999-0000-0000-0000-000000000001", "state": "Enabled", "isDefault": true}},
    {{"id": "{SECOND}", "name": "contoso-prod", "tenantId": "99999999-0000-0000-0000-000000000001", "state": "Enabled", "isDefault": false}}]' ;;
'account management-group show'*)
  echo '{{"id": "/providers/Microsoft.Management/managementGroups/99999999-0000-0000-0000-000000000001",
    "type": "Microsoft.Management/managementGroups", "details": {{"parent": null}}, "children": [
    {{"id": "/subscriptions/{FIRST}", "type": "/subscriptions"}}, {{"id": "/subscriptions/{SECOND}", "type": "/subscriptions"}}]}}' ;;
'role assignment list'*) cat "$example/role-assignments.json" ;;
'role definition list'*) cat "$example/role-definitions.json" ;;
*denyAssignments*) cat "$example/deny-assignments.json" ;;
*directory/roleAssignments*62e90394-69f5-4237-9190-012177145e10*)
  echo '{{"value": [{{"id": "lAPpYvVpN0KRkAEhdxReEJC2sEqbR_9Hr48lds9SGHI-1", "principalId": "aaaaaaaa-0000-0000-0000-000000000009",
    "directoryScopeId": "/", "roleDefinitionId": "62e90394-69f5-4237-9190-012177145e10", "principal": {{
    "@odata.type": "#microsoft.graph.user", "id": "aaaaaaaa-0000-0000-0000-000000000009", "displayName": "Root",
    "userPrincipalName": "root@contoso.example"}}}}]}}' ;;
*directory/roleEligibilityScheduleInstances*62e90394-69f5-4237-9190-012177145e10*) echo '{{"value": []}}' ;;
*roleEligibilityScheduleInstances*) cat "$example/pim-eligible.json" ;;
'identity list'*) cat "$example/identities.json" ;;
'identity federated-credential list --identity-name aso-global '*) cat "$example/federated-credentials.json" ;;
'identity federated-credential list'*) echo '[]' ;;
'aks list'*) cat "$example/managed-clusters.json" ;;
'aks identity-binding list'*) echo '[]' ;;
*connectedClusters?api*) echo '{{"value": []}}' ;;
'acr list'*) echo '[]' ;;
*Microsoft.KeyVault/vaults*) echo '{{"value": []}}' ;;
'ad group member list --group eeeeeeee-0000-0000-0000-000000000002 '*)
  echo '{{"id": "eeeeeeee-0000-0000-0000-000000000002", "members": [
    {{"@odata.type": "#microsoft.graph.group", "id": "eeeeeeee-0000-0000-0000-000000000099", "displayName": "inner"}}]}}' ;;
'ad group member list --group eeeeeeee-0000-0000-0000-000000000099 '*)
  echo '{{"id": "eeeeeeee-0000-0000-0000-000000000099", "members": [
    {{"@odata.type": "#microsoft.graph.user", "id": "aaaaaaaa-0000-0000-0000-000000000004", "userPrincipalName": "dana@contoso.example"}},
    {{"@odata.type": "#microsoft.graph.group", "id": "eeeeeeee-0000-0000-0000-000000000002"}}]}}' ;;
'ad group member list'*) echo '{{"id": "eeeeeeee-0000-0000-0000-000000000005", "members": []}}' ;;
*privilegedAccess/group*)
  echo 'WARNING: something else' >&2
  echo 'ERROR: Forbidden({{"error": "no consent"}})' >&2
  exit 1 ;;
'ad sp show'*) cat "$example/service-principals.json" ;;
*) echo "ERROR: az: what is $* supposed to mean?" >&2; exit 2 ;;
esac
"##,
        log = folder.join("log").display(),
        example = example.display(),
    );
    let path = folder.join("az");
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn export(folder: &Path, more: &[&str]) -> Output {
    let path = format!("{}:/usr/bin:/bin", folder.display());
    let mut command = Command::cargo_bin("kubectl-rbac_lens").unwrap();
    command.env("PATH", path).arg("azure-export").args(more).output().unwrap()
}

fn lines(bytes: &[u8]) -> Vec<String> {
    String::from_utf8(bytes.to_vec()).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn what_az_answers_is_saved_and_what_it_refuses_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    stub(folder.path(), "");
    let out = folder.path().join("out");
    let done = export(folder.path(), &[out.to_str().unwrap()]);
    let said = lines(&done.stderr);
    assert_eq!(done.status.code(), Some(0), "{said:?}");
    assert_eq!(done.stdout, b"");
    // Whoever may not see PIM for Groups is told so, for each group, with what `az` said.
    let refused: Vec<&String> = said.iter().filter(|line| line.starts_with("warning: ")).collect();
    assert!(!refused.is_empty());
    for line in &refused {
        assert!(
            line.contains("privilegedAccess/group") && line.ends_with(r#"failed: Forbidden({"error": "no consent"})"#),
            "{line}"
        );
    }
    let last = said.last().unwrap();
    assert!(last.contains(&format!("; {} could not be read; read them with --azure ", refused.len())), "{last}");
    // Only its owner may read what was saved.
    let saved = out.join(FIRST).join("role-assignments.json");
    assert_eq!(std::fs::metadata(&saved).unwrap().permissions().mode() & 0o777, 0o600);
    // It is read back whole, and the groups in groups were asked for.
    let question = [
        "who-can",
        "--azure-action",
        "Microsoft.Authorization/roleAssignments/write",
        "--scope",
        "/subscriptions/11111111-0000-0000-0000-000000000001/resourceGroups/rg-dev",
        "--azure",
        out.to_str().unwrap(),
        "--strict",
        "-o",
        "table",
    ];
    let answer = ask(question);
    assert_eq!(answer.code, 0, "{:?}", answer.notes);
    assert!(answer.out.contains("\nplatform-engineers"), "{}", answer.out);
    assert!(
        answer.out.lines().any(|line| line.starts_with("  dana@contoso.example") && line.contains("member")),
        "{}",
        answer.out
    );
    let question = ["who-can", "--azure-action", "Microsoft.Authorization/elevateAccess/action", "--scope", "/"];
    let answer = ask([&question[..], &["--azure", out.to_str().unwrap()]].concat());
    assert!(
        answer
            .out
            .lines()
            .any(|line| line.starts_with("root@contoso.example") && line.contains("Global Administrator")),
        "{}",
        answer.out
    );
    assert!(out.join("groups/eeeeeeee-0000-0000-0000-000000000099.json").is_file());
    assert!(out.join("federated-credentials/rg-identities-aso-global.json").is_file());
    assert_eq!(export(folder.path(), &[out.to_str().unwrap(), "--strict"]).status.code(), Some(3));
}

#[test]
fn a_file_of_an_earlier_run_is_not_passed_off_as_what_was_refused() {
    let folder = tempfile::tempdir().unwrap();
    stub(folder.path(), "*privilegedAccess/group*) echo '{\"value\": []}' ;;");
    let out = folder.path().join("out");
    let words = [out.to_str().unwrap(), "--subscription", FIRST, "--strict"];
    let first = export(folder.path(), &words);
    assert_eq!((first.status.code(), lines(&first.stderr).len()), (Some(0), 1), "{:?}", lines(&first.stderr));
    let saved = out.join(FIRST).join("role-assignments.json");
    let before = std::fs::read(&saved).unwrap();
    // The old answer is still there: it is told, and left as it is.
    stub(
        folder.path(),
        "'role assignment list'*) echo 'ERROR: AuthorizationFailed' >&2; exit 1 ;;\n*privilegedAccess/group*) echo '{\"value\": []}' ;;",
    );
    let second = export(folder.path(), &words);
    let said = lines(&second.stderr);
    assert_eq!(second.status.code(), Some(3), "{said:?}");
    let told =
        format!("warning: {} is of an earlier run; remove it, or what it says is taken for current", saved.display());
    assert_eq!(said.iter().filter(|line| line.contains("earlier run")).collect::<Vec<_>>(), [&told]);
    assert_eq!(std::fs::read(&saved).unwrap(), before);
    // Without it there is only the refusal.
    std::fs::remove_file(&saved).unwrap();
    let third = lines(&export(folder.path(), &words).stderr);
    assert!(!third.iter().any(|line| line.contains("earlier run")), "{third:?}");
}

#[test]
fn az_is_asked_for_nothing_but_reading() {
    let folder = tempfile::tempdir().unwrap();
    stub(folder.path(), "");
    let out = folder.path().join("out");
    export(folder.path(), &[out.to_str().unwrap(), "--subscription", SECOND]);
    let asked = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(asked.lines().count() > 20);
    for line in asked.lines() {
        let reads = line.starts_with("rest --method get --url https://management.azure.com/")
            || line.starts_with("rest --method get --url https://graph.microsoft.com/")
            || line
                .split(" --")
                .next()
                .unwrap()
                .split(' ')
                .next_back()
                .is_some_and(|verb| matches!(verb, "list" | "show"))
            || line == "account list -o json";
        assert!(reads && line.ends_with(" -o json"), "{line}");
        assert!(
            !line.contains("--subscription 11111111-0000-0000-0000-000000000001") || !line.contains("role assignment"),
            "{line}"
        );
    }
    // What is printed is what is run.
    let printed = ask(["azure-export", "--print-commands"]).out;
    for line in asked.lines() {
        let first = line.split(" --").next().unwrap().trim_end_matches(" -o json");
        assert!(printed.contains(&format!("az {first}")), "{line}");
    }
}

#[test]
fn a_group_that_only_bindings_name_is_asked_for_when_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let inner = "EEEEEEEE-0000-0000-0000-000000000099";
    let out = folder.path().join("out");
    let one = [out.to_str().unwrap(), "--subscription", FIRST, "--group", inner];
    // Groups in it are asked for as well, and nobody twice.
    stub(
        folder.path(),
        "'role assignment list'*) echo '[]' ;;\n'aks list'*) echo '[]' ;;\n*roleEligibility*) echo '{\"value\": []}' ;;",
    );
    assert_eq!(export(folder.path(), &one[..3]).status.code(), Some(0));
    assert!(!out.join("groups").exists());
    assert_eq!(export(folder.path(), &one).status.code(), Some(0));
    let saved = |id: &str| out.join(format!("groups/eeeeeeee-0000-0000-0000-{id}.json")).is_file();
    assert!(saved("000000000099") && saved("000000000002"));
    let asked = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert_eq!(asked.lines().filter(|line| line.starts_with("ad group member list")).count(), 2, "{asked}");
    let read = std::fs::read_to_string(out.join("groups/eeeeeeee-0000-0000-0000-000000000099.json")).unwrap();
    assert!(read.contains("dana@contoso.example"));
    // Bindings on AKS name object ids; a name would be looked for among all groups of the tenant.
    let wrong = export(folder.path(), &[out.to_str().unwrap(), "--group", "dev-team"]);
    assert_eq!(
        lines(&wrong.stderr),
        ["error: `dev-team` is no object id of a group; `az ad group show --group NAME --query id` prints it"]
    );
}

#[test]
fn the_groups_that_bindings_name_are_found_as_the_readme_says() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let (_, program) = readme.split_once("jq -r '").unwrap();
    let (program, _) = program.split_once('\'').unwrap();
    let group = |name: &str| json!({"kind": "Group", "name": name});
    let (inner, other) = ("EEEEEEEE-0000-0000-0000-000000000099", "eeeeeeee-0000-0000-0000-000000000001");
    let bindings = json!({"kind": "List", "items": [
        {"subjects": [group(inner), group("dev-team"), {"kind": "User", "name": "aaaaaaaa-0000-0000-0000-000000000001"}]},
        {"roleRef": {"kind": "ClusterRole", "name": "view"}},
        {"subjects": [group(other), group(&inner.to_lowercase()), group(&format!("{other}0"))]},
    ]});
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bindings.json");
    std::fs::write(&file, bindings.to_string()).unwrap();
    let done = Command::new("jq").args(["-r", program]).arg(&file).output();
    // A machine without jq cannot tell.
    let Ok(done) = done else { return };
    assert_eq!(lines(&done.stdout), [format!("--group={other}"), format!("--group={}", inner.to_lowercase())]);
    // That is how they are given.
    stub(folder.path(), "");
    let out = folder.path().join("out");
    let mut words = vec![out.to_str().unwrap().to_owned()];
    words.extend(lines(&done.stdout));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    assert_eq!(export(folder.path(), &words).status.code(), Some(0));
    assert!(out.join(format!("groups/{other}.json")).is_file());
}

#[test]
fn pages_are_put_together_and_nobody_else_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let page = |id: &str, next: &str| {
        format!(
            r#"echo '{{"value": [{{"denyAssignmentName": "{id}", "id": "{id}", "scope": "/", "permissions": []}}], "nextLink": "{next}"}}' ;;"#
        )
    };
    let cases = format!(
        "*denyAssignments?api*) {}\n*denyAssignments?page2*) {}\n*denyAssignments?page3*) {}\n*roleEligibility*) {}",
        page("d1", "https://management.azure.com/x/denyAssignments?page2"),
        page("d2", "https://management.azure.com/x/denyAssignments?page3"),
        page("d3", ""),
        page("d4", "https://elsewhere.example/"),
    );
    stub(folder.path(), &cases);
    let out = folder.path().join("out");
    export(folder.path(), &[out.to_str().unwrap(), "--subscription", FIRST]);
    let saved = std::fs::read_to_string(out.join(FIRST).join("deny-assignments.json")).unwrap();
    assert_eq!(["d1", "d2", "d3"].map(|id| saved.matches(&format!(r#""id": "{id}""#)).count()), [1, 1, 1], "{saved}");
    assert!(!saved.contains("nextLink"));
    // What leads elsewhere is not followed, and stays marked as unfinished.
    let saved = std::fs::read_to_string(out.join(FIRST).join("pim-eligible.json")).unwrap();
    assert!(saved.contains("elsewhere.example"));
    let asked = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(!asked.contains("elsewhere"));
}

#[test]
fn without_az_or_a_login_there_is_nothing_to_save() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let run = |more: &[&str]| {
        let done = export(folder.path(), &[&[out.to_str().unwrap()], more].concat());
        assert_eq!((done.status.code(), out.exists()), (Some(2), false));
        lines(&done.stderr).join("\n")
    };
    assert_eq!(
        run(&[]),
        "error: `az account list` cannot be run: there is no `az` on the PATH; az has to be installed and logged in (`az login`)"
    );
    stub(folder.path(), "'account list'*) echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1 ;;");
    assert_eq!(
        run(&[]),
        "error: `az account list` failed: Please run 'az login' to setup account.; az has to be installed and logged in (`az login`)"
    );
    stub(folder.path(), "'account list'*) echo '[]' ;;");
    assert_eq!(run(&[]), "error: `az account list` names no subscription; log in with `az login`");
    stub(folder.path(), "'account list'*) echo '[{\"id\": \"x\"}]' ;;");
    assert_eq!(run(&[]), "error: `az account list` printed something that is no list of subscriptions");
    stub(folder.path(), "'account list'*) echo 'Name' ;;");
    assert!(run(&[]).contains("printed something that is no JSON"));
    stub(folder.path(), "");
    assert_eq!(run(&["--subscription", "nope"]), "error: `nope` is no subscription that `az account list` names");
}

#[test]
fn what_az_is_asked_is_told_to_whoever_wants_to_know() {
    let folder = tempfile::tempdir().unwrap();
    stub(folder.path(), "");
    let out = folder.path().join("out");
    let said = lines(&export(folder.path(), &[out.to_str().unwrap(), "-q", "-v=1"]).stderr);
    assert!(
        said.iter().any(|line| line.starts_with("info: az role assignment list ") && line.ends_with(" bytes")),
        "{said:?}"
    );
    assert!(lines(&export(folder.path(), &[out.to_str().unwrap(), "-q"]).stderr).is_empty());
}
