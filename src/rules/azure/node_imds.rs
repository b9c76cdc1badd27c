//! `node-imds`: ask the metadata service of a node for its identities.

use super::facts::{AzureFact, AzureGain, AzureStep};
use crate::rules::attack::{Attack, Effect, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "node-imds",
    title: "Ask the metadata service of a node for its identities",
    gain: "every role of the kubelet identity and of whatever else is attached to the nodes",
    why: "The instance metadata service gives tokens of every identity that is attached to a node to whoever asks from the \
          node. Pods reach it too unless that is turned off, those in the network of the node always.",
    remedy: "Turn pod access to the metadata service off (networkProfile.podLinkLocalAccess None), and give the kubelet \
             identity no more than AcrPull.",
    confidence: Confidence::Documented,
    attack: &["T1552.005"],
    references: &[
        "https://learn.microsoft.com/azure/aks/use-managed-identity",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    let Some(bridge) = attack.bridge.clone() else { return };
    let reaches = match fact {
        Fact::SomeNode => true,
        Fact::NewPod(_) if bridge.pods_reach_imds() => {
            attack.fact(Fact::SomeNewPod);
            false
        }
        Fact::SomeNewPod => bridge.pods_reach_imds(),
        _ => return,
    };
    for who in bridge.node_identities().into_iter().filter(|_| reaches) {
        let effect = Effect::Azure(AzureStep::new(AzureGain::Token(who)));
        attack.does(&TECHNIQUE, vec![id], effect, Fact::Azure(AzureFact::Token(who)));
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let Effect::Azure(AzureStep { gain: AzureGain::Token(who), .. }) = step.effect else {
        return Err("no identity is gained".to_owned());
    };
    let node = state.has_gained(|gained| matches!(gained, Effect::Node(_)));
    let pod = state.has_gained(|gained| matches!(gained, Effect::NewPod(_)));
    state.with_bridge(|bridge| {
        let there = node || (pod && bridge.pods_reach_imds());
        if there && bridge.node_identities().contains(&who) { Ok(()) } else { Err("no node is reached".to_owned()) }
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::check;

    #[test]
    fn any_pod_asks_for_the_identity_of_its_node() {
        check(
            "aso
             credential prod/aso-credential aso
             aks one s1/rg kubelet:kubelet
             identity aso s3/ids
             identity kubelet s1/rg-nodes
             trust aso azureserviceoperator-system/azureserviceoperator-default
             assign kubelet Contributor s1/other
             role p: create pods
             role n: create nodes/proxy
             namespace dev -
             namespace qa restricted
             bind qa/p=p user:bob",
            "bob -> Contributor-like on s1/other: pod-create, node-imds, azure-role",
        );
    }

    #[test]
    fn pods_that_do_not_reach_it_do_not() {
        check(
            "aso
             credential prod/aso-credential aso
             aks one s1/rg kubelet:kubelet noimds
             identity aso s3/ids
             identity kubelet s1/rg-nodes
             trust aso azureserviceoperator-system/azureserviceoperator-default
             assign kubelet Contributor s1/other
             role p: create pods
             role n: create nodes/proxy
             namespace dev -
             namespace qa restricted
             bind qa/p=p user:bob",
            "",
        );
    }

    #[test]
    fn the_nodes_of_another_cluster_are_elsewhere() {
        check(
            "aso
             credential prod/aso-credential aso
             aks one s1/rg
             aks two s1/rg kubelet:kubelet
             identity aso s3/ids
             identity kubelet s1/rg-nodes
             trust aso azureserviceoperator-system/azureserviceoperator-default
             assign kubelet Contributor s1/other
             role p: create pods
             role n: create nodes/proxy
             namespace dev -
             namespace qa restricted
             bind qa/p=p user:bob",
            "",
        );
    }

    #[test]
    fn root_on_the_node_reaches_it_always() {
        check(
            "aso
             credential prod/aso-credential aso
             aks one s1/rg kubelet:kubelet noimds
             identity aso s3/ids
             identity kubelet s1/rg-nodes
             trust aso azureserviceoperator-system/azureserviceoperator-default
             assign kubelet Contributor s1/other
             role p: create pods
             role n: create nodes/proxy
             namespace dev -
             namespace qa restricted
             bind dev/p=p user:bob",
            "bob -> any node: pod-create, privileged-pod
             bob -> Contributor-like on s1/other: pod-create, privileged-pod, node-imds, azure-role",
        );
    }
}
