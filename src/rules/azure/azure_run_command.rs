//! `azure-run-command`: run commands in an AKS cluster without Entra.

use super::deed::{self, By, Deed};
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "azure-run-command",
    title: "Run commands in an AKS cluster without Entra",
    gain: "the administration of the cluster",
    why: "Run command starts a pod that runs kubectl as cluster-admin where the cluster has no Entra integration. Where it \
          has one, the pod has the rights of the caller only.",
    remedy: "Turn on Entra integration, or take managedClusters/runCommand/action away.",
    confidence: Confidence::Inferred,
    attack: &["T1651"],
    references: &[
        "https://learn.microsoft.com/azure/aks/access-private-cluster",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

const DEED: Deed =
    Deed { technique: &TECHNIQUE, by: By::Token, actions: &["Microsoft.ContainerService/managedClusters/runCommand/action"] };

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    deed::commands(attack, &DEED, fact, id);
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    deed::commands_proof(state, &DEED, step)
}
