//! `aso-resource-write`: have Azure Service Operator act with the credential of a namespace.

use super::{uses, writers};
use crate::query::CredentialScope;
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "aso-resource-write",
    title: "Have Azure Service Operator act with the credential of a namespace",
    gain: "what the credential may do in Azure to resources of the kinds that can be created",
    why: "Azure Service Operator (ASO) sends to Azure what a custom resource says, as the identity of the credential that \
          applies in its namespace. Whoever creates the resource has the rights of the credential without ever seeing it: \
          `spec.owner` takes any ARM id, and what is there already is adopted and overwritten.",
    remedy: "Give the namespace a credential whose roles cover only what it keeps in Azure, install only the kinds that are \
             needed, and leave `create` on them to GitOps.",
    confidence: Confidence::Documented,
    attack: &["T1078.004"],
    references: &[
        "https://azure.github.io/azure-service-operator/guide/authentication/credential-scope/",
        "https://azure.github.io/azure-service-operator/guide/security/",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    writers::react(attack, fact, id);
    uses::react(attack, &TECHNIQUE, fact, id, |scope| scope != CredentialScope::Global);
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    uses::proof(state, step, |scope| scope != CredentialScope::Global)
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::check;

    #[test]
    fn the_credential_of_the_namespace_is_used() {
        check(
            "aso
             credential dev/aso-credential app
             kinds storageaccounts.storage
             identity app s1/ids
             assign app Contributor s1/rg
             role s: create storageaccounts.storage.azure.com
             bind dev/s=s user:alice
             bind qa/s=s user:bob",
            "alice -> limited (storageaccounts) on s1/rg: aso-resource-write, aso-role",
        );
    }

    #[test]
    fn accounts_write_what_their_group_may() {
        let world = |way: &str| {
            format!(
                "aso
                 credential dev/aso-credential app
                 kinds storageaccounts.storage
                 identity app s1/ids
                 assign app Contributor s1/rg
                 account dev/default
                 account dev/app
                 pod dev/one app n1
                 role s: create storageaccounts.storage.azure.com
                 bind dev/s=s group:system:serviceaccounts:dev
                 role w: {way}
                 bind dev/w=w user:alice"
            )
        };
        let of_group = "system:serviceaccounts:dev -> limited (storageaccounts) on s1/rg: aso-resource-write, aso-role";
        for (way, step) in [("create serviceaccounts/token", "token-request"), ("create pods/exec", "pod-exec, pod-serviceaccount")] {
            let found = format!("alice -> limited (storageaccounts) on s1/rg: {step}, aso-resource-write, aso-role");
            check(&world(way), &format!("{of_group}\n{found}"));
        }
        check(&world("list pods"), of_group);
    }

    #[test]
    fn a_resource_is_made_by_its_name_with_both_rights_on_it() {
        let world = |rules: &str| {
            format!(
                "aso
                 credential dev/aso-credential app
                 kinds storageaccounts.storage
                 resource dev/there storageaccounts.storage
                 identity app s1/ids
                 assign app Contributor s1/rg
                 role s: {rules}
                 bind dev/s=s user:alice"
            )
        };
        let (create, patch) = ("create storageaccounts.storage.azure.com", "patch storageaccounts.storage.azure.com");
        let found = "alice -> limited (storageaccounts) on s1/rg: aso-resource-write, aso-role";
        check(&world(&format!("{create} mine; {patch} mine")), found);
        check(&world(&format!("{create} mine; {patch}")), found);
        // One request may use what its sender holds by several bindings, and as a member of a group.
        let halves = |one: &str, who: &str| {
            format!("{}\nrole p: {patch} mine\nbind {one}p=p {who}", world(&format!("{create} mine")))
        };
        check(&halves("dev/", "user:alice"), found);
        check(&halves("", "user:alice"), found);
        check(&halves("", "group:system:authenticated"), found);
        check(&halves("other/", "user:alice"), "");
        check(&halves("", "user:bob"), "");
        // In the whole cluster, and in all of it but where the name is taken.
        let wide = |name: &str| {
            world(&format!("{create} {name}; {patch} {name}")).replace("bind dev/s=s", "bind s")
        };
        check(&wide("mine"), found);
        check(&wide("there"), "");
        // By a role that is bound on the way.
        let bound = format!(
            "role n: {create} mine; {patch} mine\n{}",
            world("bind clusterroles.rbac n; create rolebindings.rbac")
        );
        check(
            &bound,
            "alice -> limited (storageaccounts) on s1/rg: bind-role, aso-resource-write, aso-role",
        );
        // Nothing is made by what changes another one, or by the name of one that is there.
        for rules in [format!("{create} mine; {patch} other"), format!("{create} there; {patch} there"), format!("{create} mine")] {
            check(&world(&rules), "");
        }
    }

    #[test]
    fn what_does_not_create_does_not() {
        check(
            "aso
             credential dev/aso-credential app
             kinds storageaccounts.storage
             identity app s1/ids
             assign app Contributor s1/rg
             role r: get,list,watch,delete storageaccounts.storage.azure.com
             role n: create storageaccounts.storage.azure.com mine
             role k: create vaults.keyvault.azure.com
             role o: create storageaccounts.storage.contoso.example
             bind dev/r=r user:alice
             bind dev/n=n user:bob
             bind dev/k=k user:carol
             bind dev/o=o user:dave",
            "",
        );
    }

    #[test]
    fn an_operator_that_only_has_webhooks_does_nothing() {
        check(
            "aso webhooks
             credential dev/aso-credential app
             kinds storageaccounts.storage
             identity app s1/ids
             assign app Contributor s1/rg
             role s: create storageaccounts.storage.azure.com
             bind dev/s=s user:alice",
            "",
        );
    }

    #[test]
    fn an_operator_without_pods_does_nothing() {
        check(
            "aso down
             credential dev/aso-credential app
             kinds storageaccounts.storage
             identity app s1/ids
             assign app Contributor s1/rg
             role s: create storageaccounts.storage.azure.com
             bind dev/s=s user:alice",
            "",
        );
    }

    #[test]
    fn a_namespace_that_is_no_target_is_left_alone() {
        check(
            "aso targets:qa,prod
             credential dev/aso-credential app
             kinds storageaccounts.storage
             identity app s1/ids
             assign app Contributor s1/rg
             role s: create storageaccounts.storage.azure.com
             bind dev/s=s user:alice",
            "",
        );
    }

    #[test]
    fn a_credential_that_lacks_a_key_stops_and_does_not_fall_back() {
        check(
            "aso
             credential global aso
             credential dev/aso-credential app without:AZURE_TENANT_ID
             kinds storageaccounts.storage
             identity app s1/ids
             identity aso s1/ids
             assign app Contributor s1/rg
             assign aso Contributor s1
             role s: create storageaccounts.storage.azure.com
             bind dev/s=s user:alice",
            "",
        );
    }

    #[test]
    fn whose_roles_nobody_knows_is_an_identity_and_no_more() {
        check(
            "aso
             credential dev/aso-credential app
             kinds storageaccounts.storage
             role s: create storageaccounts.storage.azure.com
             bind dev/s=s user:alice",
            "alice -> identity:cccccccc-0000-0000-0000-a719056a838c: aso-resource-write",
        );
    }

    #[test]
    fn an_identity_without_any_role_is_worth_nothing() {
        check(
            "aso
             credential dev/aso-credential app
             kinds storageaccounts.storage
             identity app s1/ids
             identity other s1/ids
             assign other Contributor s1
             role s: create storageaccounts.storage.azure.com
             bind dev/s=s user:alice",
            "",
        );
    }

    #[test]
    fn a_group_that_nobody_is_in_only_sleeps() {
        check(
            "aso
             credential dev/aso-credential app
             kinds storageaccounts.storage
             identity app s1/ids
             assign app Contributor s1/rg
             people jit +olivia
             role s: create storageaccounts.storage.azure.com
             bind dev/s=s group:jit",
            "jit -> limited (storageaccounts) on s1/rg: aso-resource-write, aso-role",
        );
    }
}
