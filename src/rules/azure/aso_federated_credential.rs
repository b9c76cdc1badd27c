//! `aso-federated-credential`: have ASO make an identity trust a token of yours.

use super::deed::{self, By, Deed};
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "aso-federated-credential",
    title: "Have ASO make an identity trust a token of yours",
    gain: "every user-assigned identity in the scope, with all roles that it has anywhere",
    why: "A FederatedIdentityCredential names an issuer and a subject whose tokens an identity accepts. Its owner may be \
          any identity by ARM id, and the subject a service account of any cluster or a repository of anybody. Contributor \
          is enough for it, so that Contributor on a resource group becomes whatever the identities in it hold.",
    remedy: "Keep identities that hold much in a subscription of their own, give ASO a role without \
             federatedIdentityCredentials/write, and do not install the kind FederatedIdentityCredential where it is not \
             needed.",
    confidence: Confidence::Documented,
    attack: &["T1098.001"],
    references: &[
        "https://learn.microsoft.com/entra/workload-id/workload-identity-federation",
        "https://azure.github.io/azure-service-operator/guide/security/",
    ],
    react: Some(react),
    proof: Some(proof),
    kinds: Some(|_, kind| DEED.takes(kind)),
    ..Technique::MOVE
};

const DEED: Deed =
    Deed { technique: &TECHNIQUE, by: By::Aso(&[("managedidentity.azure.com", "federatedidentitycredentials")]), actions: &["Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write"] };

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    deed::trusts(attack, &DEED, fact, id);
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    deed::trusts_proof(state, &DEED, step)
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::{check, graph};
    use crate::rules::{Ask, Remedies, escalations};

    #[test]
    fn any_identity_in_reach_is_had() {
        check(
            "aso
             credential global aso
             kinds federatedidentitycredentials.managedidentity storageaccounts.storage
             identity aso s1/ids
             identity big s1/other
             assign aso Contributor s1
             assign big Owner s2
             role f: create federatedidentitycredentials.managedidentity.azure.com
             bind dev/f=f user:alice",
            "alice -> Contributor-like on s1: aso-credential-fallback, aso-federated-credential, azure-role
             alice -> role-assignment write on s2: aso-credential-fallback, aso-federated-credential, azure-role",
        );
    }

    #[test]
    fn an_identity_elsewhere_is_not() {
        check(
            "aso
             credential global aso
             kinds federatedidentitycredentials.managedidentity
             identity aso s3/ids
             identity big s2/other
             assign aso Contributor s1
             assign big Owner s2
             role f: create federatedidentitycredentials.managedidentity.azure.com
             bind dev/f=f user:alice",
            "alice -> limited (federatedidentitycredentials) on s1: aso-credential-fallback, aso-role",
        );
    }

    #[test]
    fn a_role_without_the_action_gives_none() {
        check(
            "aso
             credential global aso
             kinds federatedidentitycredentials.managedidentity
             identity aso s3/ids
             identity big s1/other
             azrole near ManagedIdentity/userAssignedIdentities/*,Storage/* -ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write
             assign aso near s1
             assign big Owner s2
             role f: create federatedidentitycredentials.managedidentity.azure.com
             role g: get,list,delete federatedidentitycredentials.managedidentity.azure.com
             bind dev/f=f user:alice
             bind dev/g=g user:bob",
            "",
        );
    }

    #[test]
    fn a_group_whose_name_only_begins_alike_is_another_one() {
        check(
            "aso
             credential global aso
             kinds federatedidentitycredentials.managedidentity
             identity aso s3/ids
             role f: create federatedidentitycredentials.managedidentity.azure.com
             bind dev/f=f user:alice
             identity big s1/rg10
             assign aso Contributor s1/rg1
             assign big Owner s2",
            "alice -> limited (federatedidentitycredentials) on s1/rg1: aso-credential-fallback, aso-role",
        );
    }

    #[test]
    fn an_identity_in_reach_leads_to_those_in_its_own_reach() {
        check(
            "aso
             credential global aso
             kinds federatedidentitycredentials.managedidentity
             identity aso s3/ids
             role f: create federatedidentitycredentials.managedidentity.azure.com
             bind dev/f=f user:alice
             identity near s1/rg
             identity far s2/rg
             assign aso Contributor s1/rg
             assign near Contributor s2
             assign far Owner s3",
            "alice -> Contributor-like on s2: aso-credential-fallback, aso-federated-credential, azure-role
             alice -> role-assignment write on s3: aso-credential-fallback, aso-federated-credential, azure-federated-credential, azure-role
             alice -> Contributor-like on s1/rg: aso-credential-fallback, aso-federated-credential, azure-federated-credential, azure-federated-credential, azure-role",
        );
    }

    #[test]
    fn one_that_is_protected_is_left_out_and_its_neighbour_is_not() {
        check(
            "aso
             credential global aso
             kinds federatedidentitycredentials.managedidentity
             identity aso s3/ids
             role f: create federatedidentitycredentials.managedidentity.azure.com
             bind dev/f=f user:alice
             identity safe s1/rg
             identity near s1/rg
             assign aso Contributor s1
             assign safe Owner s2
             assign near Reader s2
             deny s1/rg/safe ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/*",
            "alice -> limited (federatedidentitycredentials) on s1: aso-credential-fallback, aso-role
             alice -> read on s2: aso-credential-fallback, aso-federated-credential, azure-role",
        );
    }

    #[test]
    fn what_only_audits_protects_nothing() {
        check(
            "aso
             credential global aso
             kinds federatedidentitycredentials.managedidentity
             identity aso s3/ids
             role f: create federatedidentitycredentials.managedidentity.azure.com
             bind dev/f=f user:alice
             identity safe s1/rg
             assign aso Contributor s1
             assign safe Owner s2
             deny s1/rg/safe ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/* audit",
            "alice -> role-assignment write on s2: aso-credential-fallback, aso-federated-credential, azure-role
             alice -> limited (federatedidentitycredentials) on s1: aso-credential-fallback, aso-role",
        );
    }

    #[test]
    fn only_the_one_kind_is_taken_away() {
        let world = "aso
             credential global aso
             kinds federatedidentitycredentials.managedidentity userassignedidentities.managedidentity vaults.keyvault
             identity aso s3/ids
             identity big s1/other
             azrole near ManagedIdentity/*
             assign aso near s1
             assign big Owner s2
             role f: get,create *.managedidentity.azure.com; create *.keyvault.azure.com
             bind dev/f=f user:alice";
        let graph = graph(world);
        let found = escalations(&graph, &Ask::default()).findings;
        let remedy = Remedies::new(&graph).of(&found[0]);
        assert_eq!(remedy.advice, "take `create federatedidentitycredentials.managedidentity.azure.com` out of ClusterRole f");
        check(
            world,
            "alice -> role-assignment write on s2: aso-credential-fallback, aso-federated-credential, azure-role
             alice -> limited (federatedidentitycredentials) on s1: aso-credential-fallback, aso-role",
        );
    }
}
