//! `azure-flux-configuration`: apply manifests to a cluster by a FluxConfiguration or an extension.

use super::deed::{self, By, Deed};
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "azure-flux-configuration",
    title: "Apply manifests to a cluster by a FluxConfiguration or an extension",
    gain: "the administration of the cluster",
    why: "A Flux configuration of an AKS or Arc cluster applies the manifests that it names, with every right unless it \
          names a service account. An extension installs a chart there.",
    remedy: "Take fluxConfigurations/write and extensions/write of Microsoft.KubernetesConfiguration away from those who need \
             not administer the cluster.",
    confidence: Confidence::Documented,
    attack: &["T1098.003", "T1610"],
    references: &[
        "https://learn.microsoft.com/azure/azure-arc/kubernetes/conceptual-gitops-flux2",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

const DEEDS: [Deed; 2] = [
    Deed {
        technique: &TECHNIQUE,
        by: By::Token,
        actions: &["Microsoft.KubernetesConfiguration/fluxConfigurations/write"],
    },
    Deed { technique: &TECHNIQUE, by: By::Token, actions: &["Microsoft.KubernetesConfiguration/extensions/write"] },
];

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    for deed in &DEEDS {
        deed::clusters(attack, deed, fact, id);
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    deed::one_of(&DEEDS, |deed| deed::clusters_proof(state, deed, step))
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::check;

    #[test]
    fn an_extension_is_installed() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole k KubernetesConfiguration/extensions/write
             assign app k s1
             arc edge s1/rg
             role t: create serviceaccounts/token
             bind dev/t=t user:alice",
            "alice -> cluster:edge: token-request, workload-identity, azure-flux-configuration
             alice -> limited (extensions) on s1: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn a_cluster_of_arc_takes_them_too() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole k KubernetesConfiguration/fluxConfigurations/write
             assign app k s1
             arc edge s1/rg
             role t: create serviceaccounts/token
             bind dev/t=t user:alice",
            "alice -> cluster:edge: token-request, workload-identity, azure-flux-configuration
             alice -> limited (fluxconfigurations) on s1: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn manifests_are_applied() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole k KubernetesConfiguration/fluxConfigurations/write
             assign app k s1
             aks one s1/rg off entra
             role t: create serviceaccounts/token
             bind dev/t=t user:alice
             aso
             credential prod/aso-credential aso
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default",
            "alice -> cluster-admin: token-request, workload-identity, azure-flux-configuration
             alice -> limited (fluxconfigurations) on s1: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn not_where_the_role_does_not_reach() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole k KubernetesConfiguration/fluxConfigurations/write
             assign app k s1
             aks one s2/rg
             role t: create serviceaccounts/token
             bind dev/t=t user:alice
             aso
             credential prod/aso-credential aso
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default",
            "alice -> limited (fluxconfigurations) on s1: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn not_by_reading_them() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole k KubernetesConfiguration/fluxConfigurations/read
             assign app k s1
             aks one s1/rg
             role t: create serviceaccounts/token
             bind dev/t=t user:alice
             aso
             credential prod/aso-credential aso
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default",
            "alice -> read on s1: token-request, workload-identity, azure-role",
        );
    }
}
