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
    ..Technique::MOVE
};

const DEED: Deed =
    Deed { technique: &TECHNIQUE, by: By::Aso(&[("kubernetesconfiguration.azure.com", "fluxconfigurations")]), actions: &["Microsoft.KubernetesConfiguration/fluxConfigurations/write"] };

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    deed::clusters(attack, &DEED, fact, id);
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    deed::clusters_proof(state, &DEED, step)
}
