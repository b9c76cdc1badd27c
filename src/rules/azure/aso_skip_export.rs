//! `aso-skip-export`: have ASO write keys or a kubeconfig into a Secret that you read.

use super::deed::{self, By, Deed, Local};
use super::facts::{AzureFact, AzureGain, AzureStep, KindSetIx, Power, Types};
use crate::model::{KindIx, Name};
use crate::rules::attack::{Attack, Effect, Fact, Place};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "aso-skip-export",
    title: "Have ASO write keys or a kubeconfig into a Secret that you read",
    gain: "keys of resources, or the administration of a cluster",
    why: "`operatorSpec.secrets` makes ASO ask Azure for keys and write them into a Secret of the namespace, for a \
          resource that is only observed as well (reconcile-policy skip), so that nothing changes in Azure. For a \
          ManagedCluster, adminCredentials is a kubeconfig in system:masters while local accounts are on.",
    remedy: "Do not let those who create ASO resources read the Secrets of the namespace, turn local accounts and shared keys \
             off, and give ASO a role without the list actions.",
    confidence: Confidence::Documented,
    attack: &["T1552.007"],
    references: &[
        "https://azure.github.io/azure-service-operator/guide/secrets/",
        "https://learn.microsoft.com/azure/aks/control-kubeconfig-access",
    ],
    proof: Some(proof),
    ..Technique::MOVE
};

/// The actions that exporting an admin kubeconfig takes.
const ADMIN: &[&str] = &[
    "Microsoft.ContainerService/managedClusters/listClusterAdminCredential/action",
    "Microsoft.ContainerService/managedClusters/read",
];

/// Resources are written in a namespace whose Secrets are read.
pub(super) fn read(attack: &mut Attack<'_>, needs: Vec<u32>, set: KindSetIx, namespace: Name) {
    let Some(bridge) = attack.bridge.clone() else { return };
    let Some(credential) = bridge.default_of(namespace) else { return };
    let Some(who) = bridge.who(credential) else { return };
    let kinds = bridge.writers.kinds(set);
    let exports = |kind: &&KindIx| kind.facts().exports().is_some();
    for &kind in kinds.iter().filter(exports) {
        let base = AzureStep {
            by: Some(who),
            kind: Some(kind),
            namespace: Some(namespace),
            credential: bridge.aso.credential(credential).secret,
            ..AzureStep::new(AzureGain::Any)
        };
        let facts = kind.facts();
        if (facts.group, facts.plural) == ("containerservice.azure.com", "managedclusters") {
            let deed = Deed { technique: &TECHNIQUE, by: By::Aso(&[]), actions: ADMIN };
            for at in bridge.allowed(who, ADMIN).iter() {
                deed::clusters_at(attack, &deed, base, at, &needs, Local::Needed);
            }
            continue;
        }
        let Some(actions) = keys(kind) else { continue };
        for at in bridge.allowed(who, &actions).iter() {
            let types = Some(Types { first: kind, more: 0 });
            let gain = AzureGain::Power(at.scope, Power::KeysAndData, types);
            let action = actions.first().map(|&action| (action, at.assignment));
            let step = AzureStep { gain, action, sure: at.sure, ..base };
            let fact = Fact::Azure(AzureFact::Power(at.scope, Power::KeysAndData, types));
            attack.does_unless(&TECHNIQUE, needs.clone(), Effect::Azure(step), fact, at.blockers());
        }
    }
}

/// The first action that exporting keys of a kind takes.
fn keys(kind: KindIx) -> Option<Vec<&'static str>> {
    let (_, actions) = kind.facts().exports()?;
    let actions: Vec<&'static str> = actions.take(1).collect();
    (!actions.is_empty()).then_some(actions)
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let Effect::Azure(own) = step.effect else { return Err("the step is not in Azure".to_owned()) };
    let (Some(kind), Some(namespace), Some(who)) = (own.kind, own.namespace, own.by) else {
        return Err("nothing is exported".to_owned());
    };
    let facts = kind.facts();
    let created = step.asks(&["create"], facts.group, facts.plural);
    if created.is_none_or(|right| right.place != Place::Namespace(namespace)) {
        return Err(format!("no {} is created", facts.plural));
    }
    if !state.reads_secrets(Place::Namespace(namespace)) {
        return Err("the Secrets of the namespace are not read".to_owned());
    }
    let same = state.with_bridge(|bridge| match bridge.default_of(namespace) {
        Some(credential) if bridge.who(credential) == Some(who) => Ok(()),
        _ => Err("another credential applies there".to_owned()),
    });
    same?;
    match own.gain {
        AzureGain::Power(scope, ..) => {
            let actions = keys(kind).ok_or_else(|| "the kind exports nothing".to_owned())?;
            actions.iter().try_for_each(|action| state.azure_allows(who, action, scope).map(|_| ()))
        }
        gain => deed::cluster_proof(state, who, ADMIN, gain, Local::Needed),
    }
}
