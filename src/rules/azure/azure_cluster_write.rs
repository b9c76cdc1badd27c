//! `azure-cluster-write`: change an AKS cluster.

use super::deed::{self, By, Deed};
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "azure-cluster-write",
    title: "Change an AKS cluster",
    gain: "the administration of the cluster",
    why: "Whoever may write a managed cluster turns local accounts on or names an Entra group that is cluster-admin.",
    remedy: "Take managedClusters/write away from those who need not administer the cluster.",
    confidence: Confidence::Documented,
    attack: &["T1098.003"],
    references: &[
        "https://learn.microsoft.com/azure/aks/control-kubeconfig-access",
        "https://learn.microsoft.com/azure/aks/manage-local-accounts-managed-azure-ad",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

const DEED: Deed =
    Deed { technique: &TECHNIQUE, by: By::Token, actions: &["Microsoft.ContainerService/managedClusters/write"] };

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    deed::clusters(attack, &DEED, fact, id);
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    deed::clusters_proof(state, &DEED, step)
}
