//! `azure-cluster-credential`: fetch the admin kubeconfig of an AKS cluster.

use super::deed::{self, By, Deed};
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "azure-cluster-credential",
    title: "Fetch the admin kubeconfig of an AKS cluster",
    gain: "the administration of the cluster",
    why: "listClusterAdminCredential returns a client certificate in system:masters, which no Entra login, no role binding \
          and no audit of Entra sees. It works while local accounts are on.",
    remedy: "Turn local accounts off, and take listClusterAdminCredential away; Contributor and every role with \
             managedClusters/* have it.",
    confidence: Confidence::Documented,
    attack: &["T1552.001", "T1078.004"],
    references: &[
        "https://learn.microsoft.com/azure/aks/control-kubeconfig-access",
        "https://learn.microsoft.com/azure/aks/manage-local-accounts-managed-azure-ad",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

const DEED: Deed =
    Deed { technique: &TECHNIQUE, by: By::Token, actions: &["Microsoft.ContainerService/managedClusters/listClusterAdminCredential/action"] };

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    deed::admin_credentials(attack, &DEED, fact, id);
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    deed::admin_credentials_proof(state, &DEED, step)
}
