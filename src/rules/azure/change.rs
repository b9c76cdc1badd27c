//! Resources of ASO that are there and are changed: what each is in Azure stays, so that only that one thing is reached.

use super::bridge::{Allowed, Bridge};
use super::facts::{AzureFact, AzureGain, AzureStep, Who};
use crate::model::{AsoResource, KindIx};
use crate::query::{CredentialIx, Outcome};
use crate::rules::attack::{Attack, Effect, Fact, Place};
use crate::rules::finding::StepDone;
use crate::rules::technique::{Blocker, Technique};

/// A kind whose resources, changed, give more than themselves: its group and plural, and the action that it takes.
pub(super) type Kind = (&'static str, &'static str, &'static str);

/// The trusts of an identity.
pub(super) const FEDERATED: Kind = (
    "managedidentity.azure.com",
    "federatedidentitycredentials",
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write",
);
/// A cluster.
pub(super) const CLUSTER: Kind =
    ("containerservice.azure.com", "managedclusters", "Microsoft.ContainerService/managedClusters/write");
/// What is applied in a cluster.
pub(super) const FLUX: Kind = (
    "kubernetesconfiguration.azure.com",
    "fluxconfigurations",
    "Microsoft.KubernetesConfiguration/fluxConfigurations/write",
);

/// Whether a resource is of a kind.
pub(super) fn is_of(resource: &AsoResource, kind: Kind) -> bool {
    resource.known.is_some() && resource.known == KindIx::of_resource(kind.0, kind.1)
}

/// The credential with which a resource is reconciled.
pub(super) fn own_credential(bridge: &Bridge<'_>, resource: &AsoResource) -> Option<CredentialIx> {
    match bridge.aso.of_resource(resource).outcome {
        Outcome::Uses(credential) => Some(credential),
        _ => None,
    }
}

/// What a change of a resource gains as somebody, and by which right of theirs.
pub(super) fn gain(bridge: &Bridge<'_>, resource: &AsoResource, kind: Kind, who: Who) -> Option<(AzureGain, Allowed)> {
    let graph = &bridge.azure.graph;
    let id = bridge.aso.arm_id(resource)?;
    let before = |part: &str| id.to_ascii_lowercase().find(part).and_then(|at| id.get(..at)).map(str::to_owned);
    if kind == FEDERATED {
        let identity = graph.by_resource(&before("/federatedidentitycredentials/")?)?;
        let scope = graph.principal(identity).identity.and_then(|identity| graph.identity_scope(identity))?;
        let at = bridge.allowed_at(who, &[kind.2], scope)?;
        return Some((AzureGain::Token(Who::Principal(identity)), at));
    }
    let id = if kind == FLUX { before("/providers/microsoft.kubernetesconfiguration/")? } else { id };
    let scope = graph.find_scope(&id)?;
    let cluster = graph.clusters().find(|&cluster| graph.cluster_scope(cluster) == Some(scope))?;
    let at = bridge.allowed_at(who, &[kind.2], scope)?;
    let here = bridge.this_cluster() == Some(cluster);
    Some((if here { AzureGain::ThisCluster } else { AzureGain::Cluster(cluster) }, at))
}

/// Adds that a resource is changed, by what is needed for it, with the first of some credentials that does.
pub(super) fn change(
    attack: &mut Attack<'_>,
    technique: &'static Technique,
    needs: &[u32],
    (resource, kind): (&AsoResource, Kind),
    credentials: &[CredentialIx],
    more: &[Blocker],
) {
    let Some(bridge) = attack.bridge.clone() else { return };
    let gained = credentials.iter().find_map(|&credential| {
        let who = bridge.who(credential)?;
        let (gain, at) = gain(&bridge, resource, kind, who)?;
        Some((credential, who, gain, at))
    });
    let Some((credential, who, gain, at)) = gained else { return };
    let fact = match gain {
        AzureGain::Token(who) => Fact::Azure(AzureFact::Token(who)),
        AzureGain::Cluster(cluster) => Fact::Azure(AzureFact::Cluster(cluster)),
        _ => Fact::Everything(Place::Cluster),
    };
    let step = AzureStep {
        by: Some(who),
        action: Some((kind.2, at.assignment)),
        kind: resource.known,
        namespace: Some(resource.namespace),
        credential: bridge.aso.credential(credential).secret,
        sure: at.sure,
        ..AzureStep::new(gain)
    };
    let mut blockers = at.blockers();
    blockers.extend(more.iter().cloned());
    // What changes nothing comes first where that leads as far.
    let needs = needs.iter().map(|&need| attack.late(need)).collect();
    attack.does_unless(technique, needs, Effect::Azure(step), fact, blockers);
}

/// Whether a step gains what a change of a resource does with one of some credentials.
pub(super) fn proof(
    bridge: &Bridge<'_>,
    step: &StepDone,
    (resource, kind): (&AsoResource, Kind),
    credentials: &[CredentialIx],
) -> bool {
    let Effect::Azure(own) = step.effect else { return false };
    credentials.iter().any(|&credential| {
        let who = bridge.who(credential);
        let gained = who.and_then(|who| gain(bridge, resource, kind, who));
        own.by == who && gained.is_some_and(|(gain, at)| gain == own.gain && at.sure <= own.sure)
    })
}
