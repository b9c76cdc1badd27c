//! `aso-role`: hold what ASO does for the kinds that can be created.

use super::facts::AzureFact;
use super::power;
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "aso-role",
    title: "Hold what ASO does for the kinds that can be created",
    gain: "resources of these kinds in the scope of the role",
    why: "What the roles of the credential allow for the kinds that can be created is what comes of creating them: all \
          kinds together are as good as Contributor, some are limited to their types.",
    remedy: "Install only the kinds that are needed, and assign a smaller role in a smaller scope.",
    confidence: Confidence::Documented,
    attack: &["T1078.004"],
    references: &[
        "https://azure.github.io/azure-service-operator/guide/security/",
        "https://azure.github.io/azure-service-operator/guide/authentication/reducing-access/",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::HOLDING
};

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    if let Fact::Azure(AzureFact::Through(who, set)) = fact {
        power::holds(attack, &TECHNIQUE, id, who, Some(set));
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let own = power::held(step)?;
    let who = own.by.ok_or_else(|| "nobody acts".to_owned())?;
    let kinds = state.kinds_through(who)?;
    power::proof(state, own, who, Some(kinds))
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::check;

    #[test]
    fn only_what_can_be_created_and_the_role_allows_counts() {
        check(
            "aso
             credential global aso
             kinds storageaccounts.storage vaults.keyvault disks.compute
             identity aso s3/ids
             azrole r Storage/*,KeyVault/*
             assign aso r s1/rg
             role v: create storageaccounts.storage.azure.com; create disks.compute.azure.com
             bind dev/v=v user:alice",
            "alice -> limited (storageaccounts) on s1/rg: aso-credential-fallback, aso-role",
        );
    }

    #[test]
    fn every_kind_is_as_good_as_contributor() {
        check(
            "aso
             credential global aso
             identity aso s3/ids
             assign aso Contributor s1
             role v: create *.*
             bind dev/v=v user:alice",
            "alice -> Contributor-like on s1: aso-credential-fallback, aso-role",
        );
    }

    #[test]
    fn whoever_is_cluster_admin_is_not_told_of_azure() {
        check(
            "aso
             credential global aso
             identity aso s3/ids
             assign aso Contributor s1
             role v: * *.*
             bind v user:alice",
            "",
        );
    }

    #[test]
    fn each_role_counts_where_it_is_assigned() {
        check(
            "aso
             credential global aso
             kinds storageaccounts.storage
             identity aso s3/ids
             assign aso Contributor s1/rg
             assign aso Contributor s2
             assign aso Reader s3
             role v: create storageaccounts.storage.azure.com
             bind dev/v=v user:alice",
            "alice -> limited (storageaccounts) on s1/rg: aso-credential-fallback, aso-role
             alice -> limited (storageaccounts) on s2: aso-credential-fallback, aso-role",
        );
    }
}
