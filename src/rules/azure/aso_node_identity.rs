//! `aso-node-identity`: have ASO act as an identity of the node it runs on.

use super::facts::{AzureFact, AzureGain, AzureStep, KindSetIx};
use super::{aso_credential_forge, aso_expression_forge, uses};
use crate::model::Name;
use crate::rules::attack::{Attack, Effect, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Blocker, Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "aso-node-identity",
    title: "Have ASO act as an identity of the node it runs on",
    requests: &aso_credential_forge::WRITES,
    gain: "what the kubelet identity and whatever else is attached to the nodes may do in Azure to resources of the kinds that can be \
           created",
    why: "A credential with AUTH_MODE podidentity has ASO ask the metadata service of its node for the identity that it names. That \
          was meant for pod identity; without it the node answers, and gives tokens of every identity that is attached to it. Strict \
          mode changes nothing of it. Whoever writes a credential, or a resource that writes one (secretExpressions), names such an \
          identity.",
    remedy: "Turn pod access to the metadata service off (networkProfile.podLinkLocalAccess None), or keep the chart's network policies \
             and a network policy engine that enforces them: they do not let the operator out on port 80. Give the kubelet identity no \
             more than AcrPull.",
    confidence: Confidence::Inferred,
    attack: &["T1552.005", "T1078.004"],
    references: &[
        "https://azure.github.io/azure-service-operator/guide/authentication/credential-format/",
        "https://learn.microsoft.com/azure/aks/use-managed-identity",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

/// Resources are written that write a credential themselves. One namespace stands for all: the nodes are the same.
fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    if let Some((set, _, namespaces)) = aso_expression_forge::secret_writers(attack, fact)
        && let Some(&namespace) = namespaces.first()
    {
        with(attack, &[id], set, namespace);
    }
}

/// Resources are written in a namespace into which a credential can be put.
pub(super) fn with(attack: &mut Attack<'_>, needs: &[u32], set: KindSetIx, namespace: Name) {
    let Some(bridge) = attack.bridge.clone() else { return };
    let kind = bridge.writers.one(set);
    for who in bridge.node_identities() {
        let step = AzureStep { kind, namespace: Some(namespace), ..AzureStep::new(AzureGain::Through(who)) };
        // Network policies are not read, so that a way without any comes first where it is little longer.
        let needs = needs.iter().map(|&need| attack.late(need)).collect();
        let blocker = blocker(bridge.pods_reach_imds());
        let gain = Fact::Azure(AzureFact::Through(who, set));
        attack.does_unless(&TECHNIQUE, needs, Effect::Azure(step), gain, vec![blocker]);
    }
}

fn blocker(reached: bool) -> Blocker {
    let what = match reached {
        true => "a network policy of the operator, if there is one and it is enforced: none was read",
        false => "pods do not reach the metadata service of their node",
    };
    Blocker { what: what.to_owned(), stops: !reached }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let (_, namespace, who) = uses::written(step)?;
    aso_expression_forge::credential_written(state, step, namespace)?;
    let stopped = step.blockers.iter().any(|blocker| blocker.stops);
    state.with_bridge(|bridge| {
        bridge.aso.reconcilers(namespace).next().ok_or("nobody reconciles the namespace")?;
        if !bridge.pods_reach_imds() && !stopped {
            return Err("pods do not reach the metadata service".to_owned());
        }
        let attached = bridge.node_identities().contains(&who);
        if attached { Ok(()) } else { Err("the identity is not that of a node".to_owned()) }
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::{check, check_blocked};

    /// Somebody who creates storage accounts where no credential applies, in a cluster whose kubelets have an identity.
    fn world(mode: &str, cluster: &str, more: &str) -> String {
        format!(
            "aso {mode}
             credential prod/aso-credential aso
             kinds storageaccounts.storage
             aks {cluster}
             identity aso s3/ids
             identity kubelet s1/rg-nodes
             trust aso azureserviceoperator-system/azureserviceoperator-default
             trust aso prod/aso-workload
             assign kubelet Contributor s1/other
             role s: create storageaccounts.storage.azure.com
             role w: create secrets
             role g: get,list secrets
             {more}"
        )
    }

    const WRITES: &str = "bind dev/s=s user:alice\nbind dev/w=w user:alice";
    const FOUND: &str = "alice -> limited (storageaccounts) on s1/other: aso-node-identity, aso-role";

    #[test]
    fn a_credential_that_is_written_names_an_identity_of_the_nodes() {
        for mode in ["", "strict"] {
            check(&world(mode, "one s1/rg kubelet:kubelet", WRITES), FOUND);
        }
    }

    #[test]
    fn a_resource_writes_the_credential_itself_where_one_gets_ready() {
        check(&world("", "one s1/rg kubelet:kubelet", "bind prod/s=s user:alice"), FOUND);
        check(&world("", "one s1/rg kubelet:kubelet", "bind dev/s=s user:alice"), "");
    }

    #[test]
    fn half_of_it_is_nothing() {
        for more in ["bind dev/s=s user:alice\nbind dev/g=g user:alice", "bind dev/s=s user:alice\nbind qa/w=w user:alice"] {
            check(&world("", "one s1/rg kubelet:kubelet", more), "");
        }
    }

    #[test]
    fn pods_that_do_not_reach_the_metadata_service_stop_it() {
        check(&world("", "one s1/rg kubelet:kubelet noimds", WRITES), "");
        check_blocked(&world("", "one s1/rg kubelet:kubelet noimds", WRITES), FOUND);
    }

    #[test]
    fn the_nodes_of_another_cluster_are_elsewhere() {
        check(&world("", "one s1/rg\naks two s1/rg kubelet:kubelet", WRITES), "");
    }
}
