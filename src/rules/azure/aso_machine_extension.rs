//! `aso-machine-extension`: have ASO run an extension on the nodes of the cluster.

use super::deed::{self, By, Deed};
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "aso-machine-extension",
    title: "Have ASO run an extension on the nodes of the cluster",
    gain: "root on the nodes, with every pod on them",
    why: "A VirtualMachineScaleSetsExtension runs a script as root on machines that are there already, those of an AKS \
          node pool included when the node resource group is in reach and not locked.",
    remedy: "Lock the node resource group (nodeResourceGroupProfile.restrictionLevel ReadOnly), and do not install the \
             extension kinds of compute.azure.com.",
    confidence: Confidence::Documented,
    attack: &["T1651"],
    references: &[
        "https://learn.microsoft.com/azure/aks/node-resource-group-lockdown",
        "https://azure.github.io/azure-service-operator/guide/security/",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

const DEED: Deed =
    Deed { technique: &TECHNIQUE, by: By::Aso(&[("compute.azure.com", "virtualmachinescalesetsextensions")]), actions: &["Microsoft.Compute/virtualMachineScaleSets/extensions/write"] };

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    deed::nodes(attack, &DEED, fact, id);
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    deed::nodes_proof(state, &DEED, step)
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::{check, check_blocked};

    #[test]
    fn a_script_runs_on_the_nodes() {
        check(
            "aso
             credential global aso
             kinds virtualmachinescalesetsextensions.compute
             aks one s1/rg
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default
             assign aso Contributor s1
             role c: create virtualmachinescalesetsextensions.compute.azure.com
             bind dev/c=c user:alice",
            "alice -> any node: aso-credential-fallback, aso-machine-extension
             alice -> limited (virtualmachinescalesetsextensions) on s1: aso-credential-fallback, aso-role",
        );
    }

    #[test]
    fn the_group_of_the_nodes_is_another_one() {
        check(
            "aso
             credential global aso
             kinds virtualmachinescalesetsextensions.compute
             aks one s1/rg
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default
             assign aso Contributor s1/rg
             role c: create virtualmachinescalesetsextensions.compute.azure.com
             bind dev/c=c user:alice",
            "alice -> limited (virtualmachinescalesetsextensions) on s1/rg: aso-credential-fallback, aso-role",
        );
    }

    #[test]
    fn a_locked_group_stops_it() {
        check(
            "aso
             credential global aso
             kinds virtualmachinescalesetsextensions.compute
             aks one s1/rg locked
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default
             assign aso Contributor s1
             role c: create virtualmachinescalesetsextensions.compute.azure.com
             bind dev/c=c user:alice",
            "alice -> limited (virtualmachinescalesetsextensions) on s1: aso-credential-fallback, aso-role",
        );
    }

    #[test]
    fn a_locked_group_stops_it_and_is_told_so() {
        check_blocked(
            "aso
             credential global aso
             kinds virtualmachinescalesetsextensions.compute
             aks one s1/rg locked
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default
             assign aso Contributor s1
             role c: create virtualmachinescalesetsextensions.compute.azure.com
             bind dev/c=c user:alice",
            "alice -> any node: aso-credential-fallback, aso-machine-extension",
        );
    }
}
