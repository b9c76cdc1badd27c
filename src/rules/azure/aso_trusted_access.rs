//! `aso-trusted-access`: have ASO open an AKS cluster to a resource in Azure.

use super::deed::{self, By, Deed};
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "aso-trusted-access",
    title: "Have ASO open an AKS cluster to a resource in Azure",
    gain: "what Azure lets the type of resource do in the cluster",
    why: "A TrustedAccessRoleBinding makes ASO give the identity of a resource Kubernetes rights in a cluster. With a Machine \
          Learning workspace or a backup vault, which ASO makes as well, somebody has a resource that acts there. Which rights \
          those are is said by Azure for each type.",
    remedy: "Do not install the kind TrustedAccessRoleBinding where it is not needed, and keep the clusters out of the scope of \
             ASO's identities.",
    confidence: Confidence::Inferred,
    attack: &["T1098.003"],
    references: &[
        "https://learn.microsoft.com/azure/aks/trusted-access-feature",
        "https://azure.github.io/azure-service-operator/guide/security/",
    ],
    react: Some(react),
    proof: Some(proof),
    kinds: Some(|_, kind| DEED.takes(kind)),
    ..Technique::MOVE
};

const DEED: Deed = Deed {
    technique: &TECHNIQUE,
    by: By::Aso(&[("containerservice.azure.com", "trustedaccessrolebindings")]),
    actions: &["Microsoft.ContainerService/managedClusters/trustedAccessRoleBindings/write"],
};

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    deed::opens(attack, &DEED, fact, id);
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    deed::opens_proof(state, &DEED, step)
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::check;

    /// Somebody who may have ASO make some kinds as an identity with a role.
    fn world(kinds: &str, role: &str) -> String {
        let created: Vec<String> = kinds.split(' ').map(|kind| format!("create {kind}.azure.com")).collect();
        format!(
            "aso
             credential global aso
             kinds {kinds}
             aks one s1/rg off entra
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default
             {role}
             role k: {}
             bind dev/k=k user:alice",
            created.join("; ")
        )
    }

    const BOTH: &str = "trustedaccessrolebindings.containerservice workspaces.machinelearningservices";

    #[test]
    fn aso_makes_the_binding_and_the_resource() {
        check(
            &world(BOTH, "assign aso Contributor s1"),
            "alice -> cluster-admin: aso-credential-fallback, aso-trusted-access
             alice -> limited (trustedaccessrolebindings) on s1: aso-credential-fallback, aso-role",
        );
    }

    #[test]
    fn the_binding_alone_opens_it_to_nobody() {
        check(
            &world("trustedaccessrolebindings.containerservice storageaccounts.storage", "assign aso Contributor s1"),
            "alice -> limited (trustedaccessrolebindings) on s1: aso-credential-fallback, aso-role",
        );
    }

    #[test]
    fn the_identity_has_to_be_allowed_both() {
        let some = "azrole some ContainerService/managedClusters/trustedAccessRoleBindings/*
                    assign aso some s1";
        check(
            &world(BOTH, some),
            "alice -> limited (trustedaccessrolebindings) on s1: aso-credential-fallback, aso-role",
        );
    }

    #[test]
    fn a_node_pool_is_not_the_cluster() {
        // Its settings are sizes, labels, taints and network; keys for SSH, scripts and users are no part of it.
        check(
            &world("managedclustersagentpools.containerservice workspaces.machinelearningservices", "assign aso Contributor s1"),
            "alice -> limited (managedclustersagentpools) on s1: aso-credential-fallback, aso-role",
        );
    }
}
