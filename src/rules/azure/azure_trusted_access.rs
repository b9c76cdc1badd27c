//! `azure-trusted-access`: open an AKS cluster to a resource in Azure.

use super::deed::{self, By, Deed};
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "azure-trusted-access",
    title: "Open an AKS cluster to a resource in Azure",
    gain: "what Azure lets the type of resource do in the cluster",
    why: "A binding of Trusted Access (trustedAccessRoleBindings/write) gives the identity of a resource, such as a Machine \
          Learning workspace or a backup vault, Kubernetes rights in a cluster, past Entra, private endpoints and local \
          accounts that are off. Whoever makes the binding and the resource has the resource act there. Which rights those \
          are is said by Azure for each type; they are made for running workloads and for restoring backups.",
    remedy: "Take trustedAccessRoleBindings/write away from those who need not administer the cluster, and delete bindings that \
             no resource uses.",
    confidence: Confidence::Inferred,
    attack: &["T1098.003"],
    references: &["https://learn.microsoft.com/azure/aks/trusted-access-feature"],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

const DEED: Deed = Deed {
    technique: &TECHNIQUE,
    by: By::Token,
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
    use super::super::world::app;
    use crate::rules::kubernetes::check;

    const OPEN: &str = "ContainerService/managedClusters/trustedAccessRoleBindings/write";

    /// Somebody who has tokens of an identity with some roles, and two clusters.
    fn world(roles: &str) -> String {
        app(&format!(
            "aks one s1/rg off entra
             aks two s1/rg2
             aso
             credential prod/aso-credential aso
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default
             {roles}"
        ))
    }

    #[test]
    fn the_cluster_is_opened_to_a_resource_of_theirs() {
        for (made, word) in
            [("MachineLearningServices/workspaces/write", "workspaces"), ("DataProtection/backupVaults/*", "backupvaults")]
        {
            check(
                &world(&format!("azrole open {OPEN}\nazrole make {made}\nassign app open s1/rg\nassign app make s2")),
                &format!(
                    "alice -> cluster-admin: token-request, workload-identity, azure-trusted-access
                     alice -> limited (trustedaccessrolebindings) on s1/rg: token-request, workload-identity, azure-role
                     alice -> limited ({word}) on s2: token-request, workload-identity, azure-role"
                ),
            );
        }
    }

    #[test]
    fn another_cluster_is_another_target() {
        check(
            &world(&format!("azrole open {OPEN},MachineLearningServices/workspaces/write\nassign app open s1/rg2")),
            "alice -> limited (trustedaccessrolebindings) on s1/rg2: token-request, workload-identity, azure-role
             alice -> cluster:two: token-request, workload-identity, azure-trusted-access",
        );
    }

    #[test]
    fn without_a_resource_there_is_nobody_to_open_it_to() {
        check(
            &world(&format!("azrole open {OPEN},Storage/storageAccounts/write\nassign app open s1")),
            "alice -> limited (trustedaccessrolebindings) on s1: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn reading_bindings_opens_nothing() {
        let near = "ContainerService/managedClusters/trustedAccessRoleBindings/read,\
                    ContainerService/managedClusters/trustedAccessRoleBindings/delete,\
                    MachineLearningServices/workspaces/write";
        check(
            &world(&format!("azrole near {near}\nassign app near s1")),
            "alice -> limited (workspaces) on s1: token-request, workload-identity, azure-role",
        );
    }
}
