//! `aso-flux-configuration`: have ASO apply manifests to a cluster by a FluxConfiguration or an extension.

use super::deed::{self, By, Deed};
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "aso-flux-configuration",
    title: "Have ASO apply manifests to a cluster by a FluxConfiguration or an extension",
    gain: "the administration of the cluster",
    why: "A FluxConfiguration or an Extension of kubernetesconfiguration.azure.com belongs to any AKS or Arc cluster by \
          ARM id, and the manifests that it names are applied there with every right unless it names a service account.",
    remedy: "Keep the clusters out of the scope of ASO's identities, and do not install the kinds of \
             kubernetesconfiguration.azure.com where they are not needed.",
    confidence: Confidence::Documented,
    attack: &["T1098.003", "T1610"],
    references: &[
        "https://learn.microsoft.com/azure/azure-arc/kubernetes/conceptual-gitops-flux2",
    ],
    react: Some(react),
    proof: Some(proof),
    kinds: Some(|_, kind| DEEDS.iter().any(|deed| deed.takes(kind))),
    ..Technique::MOVE
};

const DEEDS: [Deed; 2] = [
    Deed {
        technique: &TECHNIQUE,
        by: By::Aso(&[("kubernetesconfiguration.azure.com", "fluxconfigurations")]),
        actions: &["Microsoft.KubernetesConfiguration/fluxConfigurations/write"],
    },
    Deed {
        technique: &TECHNIQUE,
        by: By::Aso(&[("kubernetesconfiguration.azure.com", "extensions")]),
        actions: &["Microsoft.KubernetesConfiguration/extensions/write"],
    },
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
    fn manifests_are_applied_to_any_cluster_in_reach() {
        check(
            "aso
             credential global aso
             kinds fluxconfigurations.kubernetesconfiguration
             aks one s1/rg
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default
             assign aso Contributor s1
             role c: create fluxconfigurations.kubernetesconfiguration.azure.com
             bind dev/c=c user:alice",
            "alice -> cluster-admin: aso-credential-fallback, aso-flux-configuration
             alice -> limited (fluxconfigurations) on s1: aso-credential-fallback, aso-role",
        );
    }

    #[test]
    fn an_extension_is_installed() {
        check(
            "aso
             credential global aso
             kinds extensions.kubernetesconfiguration
             aks one s1/rg
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default
             assign aso Contributor s1
             role c: create extensions.kubernetesconfiguration.azure.com
             bind dev/c=c user:alice",
            "alice -> cluster-admin: aso-credential-fallback, aso-flux-configuration
             alice -> limited (extensions) on s1: aso-credential-fallback, aso-role",
        );
    }

    #[test]
    fn not_to_one_of_another_subscription() {
        check(
            "aso
             credential global aso
             kinds fluxconfigurations.kubernetesconfiguration
             aks one s2/rg
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default
             assign aso Contributor s1
             role c: create fluxconfigurations.kubernetesconfiguration.azure.com
             bind dev/c=c user:alice",
            "alice -> limited (fluxconfigurations) on s1: aso-credential-fallback, aso-role",
        );
    }

    #[test]
    fn not_by_a_role_that_leaves_it_out() {
        check(
            "aso
             credential global aso
             kinds fluxconfigurations.kubernetesconfiguration
             aks one s1/rg
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default
             azrole r KubernetesConfiguration/* -KubernetesConfiguration/fluxConfigurations/write
             assign aso r s1
             role c: create fluxconfigurations.kubernetesconfiguration.azure.com
             bind dev/c=c user:alice",
            "",
        );
    }
}
