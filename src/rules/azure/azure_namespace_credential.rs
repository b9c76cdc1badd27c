//! `azure-namespace-credential`: fetch the kubeconfig of a managed namespace.

use super::deed::{self, By, Deed};
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "azure-namespace-credential",
    title: "Fetch the kubeconfig of a managed namespace",
    gain: "the administration of a cluster without Entra",
    why: "managedNamespaces/listCredential returns the users' kubeconfig of the cluster with the namespace filled in. With Entra it \
          gives no right in the cluster, and roles of Azure or bindings decide. A cluster without Entra tells no user from another: its \
          users' kubeconfig is that of an administrator, whatever namespace it names.",
    remedy: "Turn Entra integration on and local accounts off, or take managedNamespaces/listCredential away; Azure Kubernetes Service \
             Namespace User has it.",
    confidence: Confidence::Inferred,
    attack: &["T1552.001", "T1078.004"],
    references: &[
        "https://learn.microsoft.com/azure/aks/managed-namespaces",
        "https://learn.microsoft.com/azure/aks/control-kubeconfig-access",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

const DEED: Deed = Deed {
    technique: &TECHNIQUE,
    by: By::Token,
    actions: &["Microsoft.ContainerService/managedClusters/managedNamespaces/listCredential/action"],
};

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    deed::namespace_credentials(attack, &DEED, fact, id);
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    deed::namespace_credentials_proof(state, &DEED, step)
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::{check, check_blocked};

    /// An account whose identity has a role at a place, and a cluster that is another one.
    fn world(role: &str, place: &str, cluster: &str) -> String {
        format!(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole own ContainerService/managedClusters/managedNamespaces/listCredential/action
             azrole near ContainerService/managedClusters/managedNamespaces/read
             assign app {role} {place}
             aks two s1/rg {cluster}
             role t: create serviceaccounts/token
             bind dev/t=t user:alice
             aso
             credential prod/aso-credential aso
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default"
        )
    }

    #[test]
    fn without_entra_it_is_that_of_an_administrator() {
        for (place, short) in [("s1/rg", "s1/rg"), ("managed:two/dev", "s1/rg/providers/Microsoft.ContainerService/managedClusters/two/managedNamespaces/dev")] {
            check(
                &world("own", place, ""),
                &format!(
                    "alice -> cluster:two: token-request, workload-identity, azure-namespace-credential
                     alice -> read on {short}: token-request, workload-identity, azure-role"
                ),
            );
        }
    }

    #[test]
    fn what_is_documented_is_told_before_what_is_inferred() {
        let credential = "ContainerService/managedClusters/listClusterAdminCredential/action";
        let world = world("own", "s1/rg", "");
        let found = |technique: &str, power: &str| {
            format!(
                "alice -> cluster:two: token-request, workload-identity, {technique}
                 alice -> {power} on s1/rg: token-request, workload-identity, azure-role"
            )
        };
        let both = |when: &str| format!("{world}\nazrole k {credential}\nassign app k s1/rg {when}");
        check(&both(""), &found("azure-cluster-credential", "keys and data"));
        // What is sure comes before what has yet to be activated.
        check(&both("eligible"), &found("azure-namespace-credential", "keys and data"));
    }

    #[test]
    fn with_entra_it_gives_no_right() {
        check(
            &world("own", "s1/rg", "entra"),
            "alice -> read on s1/rg: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn whoever_only_reads_managed_namespaces_does_not_fetch_it() {
        check(
            &world("near", "s1/rg", ""),
            "alice -> read on s1/rg: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn one_of_another_cluster_is_none_of_this() {
        let elsewhere = world("own", "managed:three/dev", "").replace("aks two", "aks three s1/other entra\naks two");
        check(
            &elsewhere,
            "alice -> read on s1/other/providers/Microsoft.ContainerService/managedClusters/three/managedNamespaces/dev: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn local_accounts_that_are_off_stop_it_and_are_told() {
        check_blocked(
            &world("own", "s1/rg", "off"),
            "alice -> cluster:two: token-request, workload-identity, azure-namespace-credential",
        );
    }
}
