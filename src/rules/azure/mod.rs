//! Techniques that go out into Azure and come back from it, each in a file of its own with its tests, and one line here.

mod bridge;
mod cluster;
mod deed;
mod facts;
mod power;
mod uses;
mod writers;

#[cfg(test)]
pub(super) mod world;

use super::attack::{Attack, Effect, Fact, Place, Writer};
use super::finding::{RequestDone, StepDone, Target};
use super::technique::Technique;
use crate::graph::AccessGraph;
use crate::model::{KindIx, Thing};

pub(super) use bridge::{Bridge, sureness};
pub(super) use facts::AzureFact;
pub use facts::{AzureGain, AzureStep, AzureTarget, Power, Sure, Types, Who};

macro_rules! techniques {
    ($($module:ident,)*) => {
        $(mod $module;)*
        /// The techniques of this folder.
        pub(super) const TECHNIQUES: &[&Technique] = &[$(&$module::TECHNIQUE),*];
    };
}

techniques! {
    aso_resource_write,
    aso_credential_fallback,
    aso_credential_choice,
    aso_credential_forge,
    aso_expression_forge,
    aso_credential_read,
    aso_role_assignment,
    aso_pim_eligibility,
    aso_federated_credential,
    aso_identity_attach,
    aso_machine_extension,
    aso_cluster_write,
    aso_flux_configuration,
    aso_skip_export,
    aso_secret_import,
    aso_key_vault_policy,
    aso_data_plane_admin,
    aso_role,
    workload_identity,
    node_imds,
    azure_federated_credential,
    azure_identity_attach,
    azure_cluster_credential,
    azure_cluster_write,
    azure_flux_configuration,
    azure_run_command,
    azure_node_command,
    azure_kubernetes_role,
    azure_key_vault_policy,
    azure_role,
}

/// Whether a step is done by the rights of somebody in Azure.
pub(super) fn is_by(step: &StepDone, who: Option<Who>) -> bool {
    matches!(step.effect, Effect::Azure(own) if who.is_some() && own.by == who)
}

/// The requests by which ASO resources are created in a step: of the kind that the step names, or of those that later steps use.
pub(super) fn requests(
    attack: &Attack<'_>,
    writer: Writer,
    effect: Effect,
    used: &[(Who, KindIx)],
) -> Vec<RequestDone> {
    let Effect::Azure(step) = effect else { return Vec::new() };
    let Some(namespace) = step.namespace else { return Vec::new() };
    let mut kinds: Vec<KindIx> = match step.gain {
        AzureGain::Through(who) => used.iter().filter(|(by, _)| *by == who).map(|&(_, kind)| kind).collect(),
        _ => Vec::new(),
    };
    if kinds.is_empty() {
        kinds.extend(step.kind);
    }
    kinds.sort_unstable();
    kinds.dedup();
    kinds.into_iter().filter_map(|kind| writers::request(attack, writer, kind, namespace)).collect()
}

/// The kinds that steps use, each with whom ASO acts as.
pub(super) fn used<'s>(steps: impl Iterator<Item = &'s Effect>) -> Vec<(Who, KindIx)> {
    let kind = |effect: &Effect| match effect {
        Effect::Azure(step) if step.namespace.is_none() => Some((step.by?, step.kind?)),
        _ => None,
    };
    steps.filter_map(kind).collect()
}

/// The step that says which one of many it is, with what the step behind it says.
pub(super) fn chosen(effect: Effect, behind: Effect) -> Effect {
    match (effect, behind) {
        (Effect::Azure(own), Effect::Azure(behind)) => Effect::Azure(AzureStep { gain: own.gain, ..behind }),
        (Effect::ActAs(account), Effect::Azure(behind)) => {
            Effect::Azure(AzureStep { gain: AzureGain::Account(account), ..behind })
        }
        (effect, _) => effect,
    }
}

/// Whether a step is none by itself, since a later choice names what it gains.
pub(super) fn is_open(effect: Effect) -> bool {
    matches!(effect, Effect::Azure(AzureStep { gain: AzureGain::Any, .. }))
}

/// What a fact is as a target.
pub(super) fn target(attack: &Attack<'_>, fact: AzureFact) -> Option<Target> {
    let bridge = attack.bridge.as_deref()?;
    Some(Target::Azure(match fact {
        AzureFact::Power(scope, power, types) => AzureTarget::Power { scope, span: bridge.span(scope), power, types },
        AzureFact::Token(who) if bridge.is_unknown(who) => AzureTarget::Identity(who),
        AzureFact::Through(who, _) if bridge.is_unknown(who) => AzureTarget::Identity(who),
        AzureFact::Cluster(cluster) => AzureTarget::Cluster(cluster),
        _ => return None,
    }))
}

impl AzureTarget {
    /// Whether whoever has this has the other as well.
    pub(super) fn covers(self, other: AzureTarget) -> bool {
        match (self, other) {
            (
                AzureTarget::Power { span: own, power, types, .. },
                AzureTarget::Power { span: other, power: less, types: of, .. },
            ) => {
                let inside = own.0 <= other.0 && other.1 <= own.1;
                inside
                    && (power > less && less != Power::KeysAndData
                        || power == less && types == of
                        || power >= Power::Contributor && less <= Power::Limited)
            }
            _ => self == other,
        }
    }

    /// Whether it is one of many, of which none is a part of another.
    pub(super) fn is_single(self) -> bool {
        !matches!(self, AzureTarget::Power { .. })
    }

    /// As `--to` takes it.
    pub(super) fn name(self, graph: &AccessGraph) -> String {
        match self {
            AzureTarget::Power { scope, .. } => format!("azure:{}", graph.azure_names().scope(scope)),
            AzureTarget::Identity(who) => format!("identity:{}", client_id(graph, who)),
            AzureTarget::Cluster(cluster) => format!("cluster:{}", graph.azure_names().cluster(cluster).0),
        }
    }
}

/// An identity in the grammar of things.
pub(super) fn identity_thing(graph: &AccessGraph, who: Who) -> Thing {
    match who {
        Who::Principal(at) if graph.azure_names().principal(at).is_some_and(|known| known.client_id.is_empty()) => {
            Thing::Principal(client_id(graph, who))
        }
        _ => Thing::Identity(client_id(graph, who)),
    }
}

/// What in Azure is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AzureWanted {
    /// Where, or what.
    pub what: AzureWhat,
    /// No less than this in a scope.
    pub power: Option<Power>,
}

/// Where in Azure, or what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AzureWhat {
    /// Whatever is worth reaching.
    Any,
    /// Power that reaches this scope.
    Scope(String),
    /// This cluster, by its name or resource id.
    Cluster(String),
    /// Tokens of this identity.
    Identity(Who),
}

/// The facts that are what is looked for in Azure.
pub(super) fn wanted(attack: &Attack<'_>, wanted: &AzureWanted, fact: Fact) -> Option<Target> {
    let bridge = attack.bridge.as_deref()?;
    match (&wanted.what, fact) {
        (AzureWhat::Identity(who), Fact::Azure(AzureFact::Token(own) | AzureFact::Through(own, _))) => {
            (own == *who).then_some(Target::Azure(AzureTarget::Identity(own)))
        }
        (AzureWhat::Cluster(name), Fact::Azure(AzureFact::Cluster(cluster))) => {
            bridge.is_called(cluster, name).then_some(Target::Azure(AzureTarget::Cluster(cluster)))
        }
        (AzureWhat::Cluster(name), Fact::Everything(Place::Cluster)) => {
            bridge.this_cluster().is_some_and(|at| bridge.is_called(at, name)).then_some(Target::ClusterAdmin)
        }
        (AzureWhat::Any, Fact::Azure(fact)) => {
            target(attack, fact).filter(|target| wanted.power.is_none_or(|least| is_at_least(*target, least)))
        }
        (AzureWhat::Scope(scope), Fact::Azure(fact @ AzureFact::Power(at, ..))) => {
            let enough = |target: &Target| wanted.power.is_none_or(|least| is_at_least(*target, least));
            target(attack, fact).filter(|target| bridge.reaches(at, scope) && enough(target))
        }
        _ => None,
    }
}

fn is_at_least(target: Target, least: Power) -> bool {
    matches!(target, Target::Azure(AzureTarget::Power { power, .. }) if power >= least)
}

/// The client id of an identity, or its object id.
fn client_id(graph: &AccessGraph, who: Who) -> String {
    match who {
        Who::Client(name) => graph.text(name).to_owned(),
        Who::Principal(at) => graph.azure_names().principal(at).map_or_else(String::new, |known| {
            if known.client_id.is_empty() { known.object_id.clone() } else { known.client_id.clone() }
        }),
    }
}

/// What a step does, the same in every run.
pub(super) fn step_text(graph: &AccessGraph, step: AzureStep) -> String {
    let names = graph.azure_names();
    let gain = match step.gain {
        AzureGain::Through(who) | AzureGain::Token(who) => client_id(graph, who),
        AzureGain::Power(scope, power, _) => format!("{} {}", names.scope(scope), power.as_str()),
        AzureGain::Cluster(cluster) => names.cluster(cluster).1.to_owned(),
        AzureGain::ThisCluster => "this-cluster".to_owned(),
        AzureGain::TheseNodes => "these-nodes".to_owned(),
        AzureGain::Secrets(place) => format!("secrets:{}", place_text(graph, place)),
        AzureGain::NewPod(place) => format!("pods:{}", place_text(graph, place)),
        AzureGain::Account(account) => account.request_name(&graph.snapshot().names),
        AzureGain::Any => String::new(),
    };
    let by = step.by.map(|who| client_id(graph, who)).unwrap_or_default();
    format!("{gain} {by}")
}

fn place_text(graph: &AccessGraph, place: Place) -> &str {
    match place {
        Place::Namespace(namespace) => graph.text(namespace),
        Place::Cluster | Place::EachNamespace => "",
    }
}

/// The scope that a path comes to by the steps of Azure, for whoever wants to know how wide it is.
pub(super) fn is_wide(graph: &AccessGraph, target: AzureTarget) -> bool {
    match target {
        AzureTarget::Power { scope, .. } => {
            // Whatever lies in no resource group is a subscription or above.
            !graph.azure_names().scope(scope).to_ascii_lowercase().contains("/resourcegroups/")
        }
        AzureTarget::Identity(_) | AzureTarget::Cluster(_) => false,
    }
}

/// The least sure of the steps in Azure.
pub(super) fn least_sure(steps: &[StepDone]) -> Sure {
    let sure = |step: &StepDone| match step.effect {
        Effect::Azure(own) => Some(own.sure),
        _ => None,
    };
    steps.iter().filter_map(sure).max().unwrap_or_default()
}
