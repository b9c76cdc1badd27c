//! What does not work with ASO, so that nobody is told that it does: each with the like of it that works.

use crate::rules::kubernetes::{check, check_blocked};

/// A namespace with a credential, and somebody who may do something in one.
fn world(settings: &str, role: &str, rule: &str, namespace: &str) -> String {
    format!(
        "aso {settings}
             credential dev/aso-credential app
             kinds storageaccounts.storage
             identity app s3/ids
             assign app {role}
             role s: {rule}
             bind {namespace}/s=s user:alice
             account qa/other
             "
    )
}

const CREATE: &str = "create storageaccounts.storage.azure.com";
const FOUND: &str = "alice -> limited (storageaccounts) on s1: aso-resource-write, aso-role";

#[test]
fn what_is_not_refused_works() {
    check(&world("", "Contributor s1", CREATE, "dev"), FOUND);
}

#[test]
fn the_credential_of_another_namespace_is_not_named() {
    check(&world("", "Contributor s1", CREATE, "qa"), "");
    // Nor is it by a resource that is there and asks for it.
    let asks = "yaml {apiVersion: storage.azure.com/v1api20230101, kind: StorageAccount, metadata: {name: a, namespace: qa, annotations: {serviceoperator.azure.com/credential-from: dev/aso-credential}}}";
    let change = "create,patch,update,get storageaccounts.storage.azure.com";
    check(&format!("{}{asks}", world("", "Contributor s1", change, "qa")), "");
}

#[test]
fn what_is_exported_stays_in_its_namespace() {
    let keys = |read: &str| {
        format!(
            "{}role g: get,list secrets\nbind {read}/g=g user:alice",
            world("", "keys s1", CREATE, "dev").replace(
                "assign app",
                "azrole keys Storage/storageAccounts/read,Storage/storageAccounts/listKeys/action\nassign app"
            )
        )
    };
    check(&keys("dev"), "alice -> keys and data (storageaccounts) on s1: secret-read, aso-skip-export");
    check(&keys("qa"), "");
}

#[test]
fn what_no_operator_reconciles_comes_to_nothing() {
    check(&world("targets:dev", "Contributor s1", CREATE, "dev"), FOUND);
    check(&world("targets:prod,qa", "Contributor s1", CREATE, "dev"), "");
    // A kind that is not installed cannot be created.
    check(&world("", "Contributor s1", "create vaults.keyvault.azure.com", "dev"), "");
}

#[test]
fn a_resource_of_another_operator_is_not_acted_on() {
    let trust = |note: &str| {
        format!(
            "aso
             credential dev/aso-credential app
             kinds federatedidentitycredentials.managedidentity
             identity app s3/ids
             identity big s1/rg
             assign app Contributor s1
             assign big Owner s2
             yaml {{apiVersion: managedidentity.azure.com/v1api20230131, kind: FederatedIdentityCredential, metadata: {{name: pipeline, namespace: dev{note}}}, spec: {{owner: {{armId: <id big>}}, issuer: \"https://issuer.example/x\", subjectFromConfig: {{name: whose, key: subject}}}}}}
             role c: patch configmaps
             bind dev/c=c user:alice"
        )
    };
    let of = |operator: &str| format!(", annotations: {{serviceoperator.azure.com/operator-namespace: {operator}}}");
    let found = "alice -> role-assignment write on s2: aso-configmap-retarget, azure-role";
    check(&trust(""), found);
    check(&trust(&of("azureserviceoperator-system")), found);
    check(&trust(&of("tenant-operator")), "");
}

#[test]
fn looking_at_resources_gives_nothing() {
    check(&world("", "Contributor s1", "get,list,watch storageaccounts.storage.azure.com", "dev"), "");
}

#[test]
fn contributor_gives_no_roles() {
    let kinds =
        "roleassignments.authorization roledefinitions.authorization roleeligibilityschedulerequests.authorization";
    let rules: Vec<String> = kinds.split(' ').map(|kind| format!("create {kind}.azure.com")).collect();
    let with = |role: &str| {
        world("", role, &rules.join("; "), "dev")
            .replace("kinds storageaccounts.storage", &format!("kinds {kinds}"))
            .replace("assign app", "azrole own Storage/*/read at:s1\nassign app own s1\nassign app")
    };
    check(&with("Contributor s1"), "");
    check(&with("Access s1"), "alice -> role-assignment write on s1: aso-resource-write, aso-role-assignment");
}

#[test]
fn local_accounts_that_are_off_leave_no_admin_kubeconfig() {
    let cluster = |off: &str| {
        world("", "admin s1", "create managedclusters.containerservice.azure.com; get,list secrets", "dev")
            .replace("kinds storageaccounts.storage", "kinds managedclusters.containerservice")
            .replace(
                "assign app",
                &format!(
                    "aks one s2/rg
                     aks two s1/rg {off}
                     azrole admin ContainerService/managedClusters/read,ContainerService/managedClusters/listClusterAdminCredential/action
                     assign app"
                ),
            )
    };
    let found = "alice -> cluster:two: secret-read, aso-skip-export";
    check(&cluster(""), found);
    check(&cluster("off entra"), "");
    check_blocked(&cluster("off entra"), found);
}

#[test]
fn strict_mode_keeps_to_the_namespace() {
    let forge = |mode: &str, trusts: &str, rule: &str| {
        let more = format!(
            "identity big s1/rg
             trust big {trusts}
             assign big Owner s2
             kinds"
        );
        world(mode, "Reader s1", rule, "dev").replace("kinds", &more)
    };
    let (operator, writes) =
        ("azureserviceoperator-system/azureserviceoperator-default", format!("{CREATE}; create,patch,update secrets"));
    let expressed = "alice -> limited (storageaccounts) on s2: aso-expression-forge, aso-role";
    check(&forge("", operator, &writes), expressed);
    check(&forge("", operator, CREATE), expressed);
    for trusts in [operator, "qa/aso-workload"] {
        check(&forge("strict", trusts, &writes), "");
        check(&forge("strict", trusts, CREATE), "");
    }
    check(&forge("strict", "dev/aso-workload", &writes), expressed);
}

#[test]
fn what_is_there_and_belongs_to_others_is_not_written_over() {
    // An expression writes a ConfigMap, but not the one that is there and that a trust takes its subject from.
    let trust = "identity big s1/rg
             assign big Owner s2
             resource dev/pipeline federatedidentitycredentials.managedidentity spec: {owner: {armId: <id big>}, issuer: \"https://issuer.example/x\", subjectFromConfig: {name: whose, key: subject}}
             yaml {apiVersion: v1, kind: ConfigMap, metadata: {name: whose, namespace: dev}}
             kinds federatedidentitycredentials.managedidentity
             ";
    check(&format!("{}{trust}", world("", "Contributor s1", CREATE, "dev")), FOUND);
    check(
        &format!("{}{trust}", world("", "Contributor s1", "patch configmaps", "dev")),
        "alice -> role-assignment write on s2: aso-configmap-retarget, azure-role",
    );
}

#[test]
fn aso_adds_no_right_in_azure() {
    check(&world("", "Reader s1", CREATE, "dev"), "");
    let denied = |effect: &str| {
        format!("{}deny s1 Storage/storageAccounts/write {effect}", world("", "storage s1", CREATE, "dev"))
            .replace("assign app", "azrole storage Storage/storageAccounts/write\nassign app")
    };
    check(&denied(""), "");
    check(&denied("audit"), FOUND);
}
