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
    why: "The nodes of AKS are virtual machine scale sets in the node resource group. Whoever may run commands there, write \
          extensions or the scale sets themselves is root on them. A locked node resource group stops it.",
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

const DEEDS: [Deed; 4] = [
    Deed {
        technique: &TECHNIQUE,
        by: By::Token,
        actions: &["Microsoft.Compute/virtualMachineScaleSets/virtualMachines/runCommand/action"],
    },
    Deed {
        technique: &TECHNIQUE,
        by: By::Token,
        actions: &["Microsoft.Compute/virtualMachineScaleSets/virtualMachines/runCommands/write"],
    },
    Deed { technique: &TECHNIQUE, by: By::Token, actions: &["Microsoft.Compute/virtualMachineScaleSets/extensions/write"] },
    Deed { technique: &TECHNIQUE, by: By::Token, actions: &["Microsoft.Compute/virtualMachineScaleSets/write"] },
];

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    for deed in &DEEDS {
        deed::nodes(attack, deed, fact, id);
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    deed::one_of(&DEEDS, |deed| deed::nodes_proof(state, deed, step))
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::{check, check_blocked};

    #[test]
    fn commands_run_on_the_nodes() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole k Compute/virtualMachineScaleSets/virtualMachines/runCommand/action
             assign app k s1/rg-nodes
             aks one s1/rg
             role t: create serviceaccounts/token
             bind dev/t=t user:alice
             aso
             credential prod/aso-credential aso
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default",
            "alice -> any node: token-request, workload-identity, azure-node-command
             alice -> read on s1/rg-nodes: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn so_does_an_extension_or_the_scale_set_itself() {
        let nodes = |action: &str| {
            super::super::world::app(&format!(
                "azrole k Compute/virtualMachineScaleSets/{action}
                 assign app k s1/rg-nodes
                 aks one s1/rg
                 aso
                 credential prod/aso-credential aso
                 identity aso s3/ids
                 trust aso azureserviceoperator-system/azureserviceoperator-default"
            ))
        };
        for (action, power) in [
            ("extensions/write", "limited (virtualmachinescalesetsextensions)"),
            ("write", "limited (virtualmachinescalesets)"),
            ("virtualMachines/runCommands/write", "read"),
        ] {
            check(
                &nodes(action),
                &format!(
                    "alice -> any node: token-request, workload-identity, azure-node-command
                     alice -> {power} on s1/rg-nodes: token-request, workload-identity, azure-role"
                ),
            );
        }
        check(
            &nodes("extensions/read"),
            "alice -> read on s1/rg-nodes: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn the_group_of_the_cluster_is_not_that_of_its_nodes() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole k Compute/virtualMachineScaleSets/virtualMachines/runCommand/action
             assign app k s1/rg
             aks one s1/rg
             role t: create serviceaccounts/token
             bind dev/t=t user:alice
             aso
             credential prod/aso-credential aso
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default",
            "alice -> read on s1/rg: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn a_locked_group_stops_it() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole k Compute/virtualMachineScaleSets/virtualMachines/runCommand/action
             assign app k s1/rg-nodes
             aks one s1/rg locked
             role t: create serviceaccounts/token
             bind dev/t=t user:alice
             aso
             credential prod/aso-credential aso
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default",
            "alice -> read on s1/rg-nodes: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn a_locked_group_stops_it_and_is_told() {
        check_blocked(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole k Compute/virtualMachineScaleSets/virtualMachines/runCommand/action
             assign app k s1/rg-nodes
             aks one s1/rg locked
             role t: create serviceaccounts/token
             bind dev/t=t user:alice
             aso
             credential prod/aso-credential aso
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default",
            "alice -> any node: token-request, workload-identity, azure-node-command",
        );
    }
}
