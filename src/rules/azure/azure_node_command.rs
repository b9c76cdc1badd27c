//! `azure-node-command`: run commands on the nodes of an AKS cluster.

use super::deed::{self, By, Deed};
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "azure-node-command",
    title: "Run commands on the nodes of an AKS cluster",
    gain: "root on the nodes, with every pod on them",
    why: "The nodes of AKS are virtual machine scale sets in the node resource group. Whoever may run commands or write \
          extensions there is root on them. A locked node resource group stops it.",
    remedy: "Lock the node resource group (nodeResourceGroupProfile.restrictionLevel ReadOnly), and keep roles on compute out \
             of it.",
    confidence: Confidence::Documented,
    attack: &["T1651"],
    references: &[
        "https://learn.microsoft.com/azure/aks/node-resource-group-lockdown",
        "https://learn.microsoft.com/azure/virtual-machines/run-command-overview",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

const DEED: Deed =
    Deed { technique: &TECHNIQUE, by: By::Token, actions: &["Microsoft.Compute/virtualMachineScaleSets/virtualMachines/runCommand/action"] };

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    deed::nodes(attack, &DEED, fact, id);
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    deed::nodes_proof(state, &DEED, step)
}
