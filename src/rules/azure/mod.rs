//! Techniques that go out into Azure and come back from it, each in a file of its own with its tests, and one line here.

mod bridge;
mod by_name;
mod change;
mod cluster;
mod deed;
mod facts;
mod power;
mod uses;
mod writers;

#[cfg(test)]
mod covered;
#[cfg(test)]
mod refused;
#[cfg(test)]
pub(super) mod world;

use std::rc::Rc;

use super::attack::{Attack, Effect, Fact, Place, Writer};
use super::finding::{Finding, RequestDone, StepDone, Target};
use super::technique::Technique;
use crate::graph::AccessGraph;
use crate::model::azure::fold;
use crate::model::{ClusterId, KindIx, Subject, Thing};
use crate::query::{Aso, AsoOptions, this_cluster};

pub(super) use bridge::{Bridge, sureness};
pub(super) use cluster::use_identity;
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
    aso_node_identity,
    aso_token_redirect,
    aso_settings_write,
    aso_credential_mirror,
    aso_credential_read,
    aso_role_assignment,
    aso_role_definition,
    aso_pim_eligibility,
    aso_federated_credential,
    aso_identity_attach,
    aso_machine_extension,
    aso_cluster_write,
    aso_flux_configuration,
    aso_trusted_access,
    aso_skip_export,
    aso_secret_import,
    aso_resource_change,
    aso_resource_update,
    aso_configmap_retarget,
    aso_conversion_write,
    aso_key_vault_policy,
    aso_data_plane_admin,
    aso_database_user,
    aso_role,
    workload_identity,
    identity_binding,
    node_imds,
    azure_deny_delete,
    azure_role_definition,
    azure_federated_credential,
    azure_identity_attach,
    azure_cluster_credential,
    azure_namespace_credential,
    azure_namespace_write,
    azure_local_credential,
    azure_cluster_write,
    azure_flux_configuration,
    azure_trusted_access,
    azure_run_command,
    azure_node_command,
    azure_kubernetes_role,
    impersonate_extra,
    azure_cluster_login,
    azure_key_vault_policy,
    azure_pim_request,
    azure_elevate_access,
    azure_role_assignment,
    azure_role,
}

/// The accounts of a cluster whose tokens identities accept, each with the identity.
pub(super) fn trusted(access: &AccessGraph, cluster: ClusterId) -> Vec<(Subject, Who)> {
    let graph = access.azure();
    let aso = Aso::new(access, cluster, AsoOptions::default());
    let this = this_cluster(access, &aso).map(|(at, _)| at);
    self::cluster::trusted(access, &graph, this)
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
    kinds.extend(step.writer);
    kinds.sort_unstable();
    kinds.dedup();
    kinds.into_iter().filter_map(|kind| writers::request(attack, writer, kind, namespace)).collect()
}

/// The kinds any of which does for the rest of a path that begins with this step.
pub(super) fn opening_kinds(finding: &Finding, first: &StepDone) -> Vec<KindIx> {
    let Effect::Azure(own) = first.effect else { return Vec::new() };
    let uses = |step: &&Rc<StepDone>| match (own.gain, step.effect) {
        (AzureGain::Through(who), Effect::Azure(used)) => used.by == Some(who) && used.namespace.is_none(),
        _ => ***step == *first,
    };
    let kinds: Vec<_> =
        finding.steps.iter().filter(uses).filter_map(|step| Some((step, step.technique.kinds?))).collect();
    let does = |&kind: &KindIx| kinds.is_empty() || kinds.iter().any(|(step, takes)| takes(step, kind));
    KindIx::all().filter(does).collect()
}

/// The kinds that steps use, each with whom ASO acts as.
pub(super) fn used(steps: impl Iterator<Item = Effect>) -> Vec<(Who, KindIx)> {
    let kinds = |effect: Effect| match effect {
        Effect::Azure(step) if step.namespace.is_none() => [step.kind, step.writer].map(|kind| step.by.zip(kind)),
        _ => [None, None],
    };
    steps.flat_map(kinds).flatten().collect()
}

/// What a fact about many in Azure is about.
pub(super) fn choices(attack: &mut Attack<'_>, fact: AzureFact, id: u32) {
    let Some(bridge) = attack.bridge.clone() else { return };
    let found: Vec<(AzureGain, AzureFact)> = match fact {
        AzureFact::Labels => return azure_namespace_write::each(attack, id),
        AzureFact::Trusts(scope) | AzureFact::Attaches(scope) => {
            let identities = bridge.identities_in(scope);
            identities.iter().map(|&(who, _)| (AzureGain::Token(who), AzureFact::Token(who))).collect()
        }
        AzureFact::Forges(account, set) => {
            let trusting = bridge.trusting(account);
            trusting.map(|who| (AzureGain::Through(who), AzureFact::Through(who, set))).collect()
        }
        AzureFact::Diverts(account) => {
            bridge.trusting(account).map(|who| (AzureGain::Token(who), AzureFact::Token(who))).collect()
        }
        _ => return,
    };
    for (gain, fact) in found {
        attack.chooses(id, Effect::Azure(AzureStep::new(gain)), Fact::Azure(fact));
    }
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

/// What a step does, once it is known which resources are created in it.
pub(super) fn settled(step: &StepDone) -> Effect {
    let created = || {
        let rights = step.requests.iter().flat_map(|request| &request.rights).filter(|right| right.verb == "create");
        rights.into_iter().find_map(|right| KindIx::of_resource(right.api_group, right.resource))
    };
    match step.effect {
        Effect::Azure(own) if matches!(own.gain, AzureGain::Through(_)) => {
            Effect::Azure(AzureStep { kind: created().or(own.kind), ..own })
        }
        effect => effect,
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
        AzureFact::Power(scope, power, types) => {
            AzureTarget::Power { scope, span: bridge.azure.graph.span(scope), power, types }
        }
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

/// Whether roles of somebody were read.
pub fn has_roles(graph: &AccessGraph, who: Who) -> bool {
    matches!(who, Who::Principal(principal) if !graph.azure().assignments_of(principal).is_empty())
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
        AzureGain::Power(scope, power, _) => format!("{} {}", fold(names.scope(scope)), power.as_str()),
        AzureGain::Undenied(scope, one) => {
            let id = one.map(|one| fold(&graph.azure().deny(one).id));
            format!("undenied:{}", id.unwrap_or_else(|| fold(names.scope(scope))))
        }
        AzureGain::Cluster(cluster) => fold(names.cluster(cluster).1),
        AzureGain::ThisCluster => "this-cluster".to_owned(),
        AzureGain::TheseNodes => "these-nodes".to_owned(),
        AzureGain::Secrets(place) => format!("secrets:{}", place_text(graph, place)),
        AzureGain::Resources(place) => format!("resources:{}", place_text(graph, place)),
        AzureGain::NewPod(place) => format!("pods:{}", place_text(graph, place)),
        AzureGain::Labels(place) => format!("labels:{}", place_text(graph, place)),
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
pub(super) fn least_sure(steps: &[Rc<StepDone>]) -> Sure {
    let sure = |step: &Rc<StepDone>| match step.effect {
        Effect::Azure(own) => Some(own.sure),
        _ => None,
    };
    steps.iter().filter_map(sure).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::check;

    const IN: &str = "/subscriptions/11111111-0000-0000-0000-000000000001/resourceGroups/rg/providers";

    /// A namespace with a credential and resources that ASO made, and nothing of Azure itself.
    fn made(more: &str) -> String {
        format!(
            "aso
             credential dev/aso-credential app
             kinds storageaccounts.storage roleassignments.authorization userassignedidentities.managedidentity federatedidentitycredentials.managedidentity
             role s: create storageaccounts.storage.azure.com
             resource ids/app userassignedidentities.managedidentity status: {{id: {IN}/Microsoft.ManagedIdentity/userAssignedIdentities/app, clientId: <app>, principalId: <object app>}}
             {more}"
        )
    }

    fn assigned(role: &str, condition: &str) -> String {
        format!(
            "resource ids/grant roleassignments.authorization spec: {{owner: {{armId: /subscriptions/11111111-0000-0000-0000-000000000001}}{condition}}}, status: {{id: /subscriptions/11111111-0000-0000-0000-000000000001/providers/Microsoft.Authorization/roleAssignments/grant, principalId: <object app>, scope: /subscriptions/11111111-0000-0000-0000-000000000001, roleDefinitionId: /providers/Microsoft.Authorization/roleDefinitions/{role}}}
             "
        )
    }

    const CONTRIBUTOR: &str = "b24988ac-6180-42a0-ab88-20f7382dd24c";
    const OWNER: &str = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";

    #[test]
    fn a_role_that_aso_assigned_is_known_and_others_are_not() {
        check(
            &made(&format!("{}bind dev/s=s user:alice", assigned(CONTRIBUTOR, ""))),
            "alice -> limited (storageaccounts) on s1: aso-resource-write, aso-role
             alice -> identity:cccccccc-0000-0000-0000-a719056a838c: aso-resource-write",
        );
        check(
            &made("bind dev/s=s user:alice"),
            "alice -> identity:cccccccc-0000-0000-0000-a719056a838c: aso-resource-write",
        );
    }

    #[test]
    fn a_trust_that_aso_made_is_known() {
        let trust = format!(
            "account ci/builder
             resource ids/trust federatedidentitycredentials.managedidentity spec: {{owner: {{name: app}}, issuer: \"https://issuer.example/one/\", subject: \"system:serviceaccount:ci:builder\", audiences: [\"api://AzureADTokenExchange\"]}}, status: {{id: {IN}/Microsoft.ManagedIdentity/userAssignedIdentities/app/federatedIdentityCredentials/trust}}
             role t: create serviceaccounts/token
             bind ci/t=t user:alice
             "
        );
        check(
            &made(&format!("{trust}{}", assigned(OWNER, ""))),
            "alice -> role-assignment write on s1: token-request, workload-identity, azure-role
             alice -> identity:cccccccc-0000-0000-0000-a719056a838c: token-request, workload-identity",
        );
        check(
            &made(
                &trust.replace("subject: \"system:serviceaccount:ci:builder\"", "subjectFromConfig: {name: a, key: b}"),
            ),
            "",
        );
    }

    #[test]
    fn a_condition_that_is_not_read_is_told() {
        let world = made(&format!("{}bind dev/s=s user:alice", assigned(CONTRIBUTOR, ", condition: \"x\"")));
        check(
            &world,
            "alice -> identity:cccccccc-0000-0000-0000-a719056a838c: aso-resource-write
             alice -> limited (storageaccounts) on s1: aso-resource-write, aso-role",
        );
    }

    #[test]
    fn what_was_read_of_azure_counts_for_more() {
        let world = made(&format!(
            "{}identity app s1/rg
             assign app Reader s1
             bind dev/s=s user:alice",
            assigned(CONTRIBUTOR, "")
        ));
        // Both are there: Azure's list may be older than the resource.
        check(&world, "alice -> limited (storageaccounts) on s1: aso-resource-write, aso-role");
    }

    #[test]
    fn a_cluster_that_aso_made_is_known() {
        let world = made(&format!(
            "{}resource ids/one managedclusters.containerservice spec: {{disableLocalAccounts: true, aadProfile: {{managed: true}}}}, status: {{id: {IN}/Microsoft.ContainerService/managedClusters/one, oidcIssuerProfile: {{issuerURL: \"https://issuer.example/one/\"}}}}
             role m: create managedclusters.containerservice.azure.com
             bind dev/m=m user:alice",
            assigned(CONTRIBUTOR, "")
        ));
        check(
            &world,
            "alice -> cluster:one: aso-resource-write, aso-cluster-write
             alice -> limited (managedclusters) on s1: aso-resource-write, aso-role
             alice -> identity:cccccccc-0000-0000-0000-a719056a838c: aso-resource-write",
        );
    }

    /// Flux's controller, which may write what ASO reconciles and nothing else.
    const FLUX: &str = "role f: create storageaccounts.storage.azure.com
             bind flux=f sa:flux-system/kustomize-controller
             yaml {apiVersion: apps/v1, kind: Deployment, metadata: {name: kustomize-controller, namespace: flux-system}, spec: {template: {spec: {serviceAccountName: kustomize-controller, containers: [{name: m, image: \"ghcr.io/fluxcd/kustomize-controller:v1\"}]}}}}
             yaml {apiVersion: source.toolkit.fluxcd.io/v1, kind: GitRepository, metadata: {name: main, namespace: infra}}
             yaml {apiVersion: kustomize.toolkit.fluxcd.io/v1, kind: Kustomization, metadata: {name: apps, namespace: infra}, spec: {sourceRef: {kind: GitRepository, name: main}}}
             ";

    #[test]
    fn whoever_tells_a_controller_what_to_apply_has_its_credential() {
        let world = format!(
            "aso
             credential dev/aso-credential app
             kinds storageaccounts.storage
             identity app s1/rg
             assign app Contributor s1
             role w: patch kustomizations.kustomize.toolkit.fluxcd.io
             role g: patch gitrepositories.source.toolkit.fluxcd.io
             role r: get kustomizations.kustomize.toolkit.fluxcd.io
             bind infra/w=w user:alice
             bind infra/g=g user:bob
             bind infra/r=r user:carol
             {FLUX}"
        );
        check(
            &world,
            "system:serviceaccount:flux-system:kustomize-controller -> limited (storageaccounts) on s1: aso-resource-write, aso-role
             bob -> limited (storageaccounts) on s1: operator-deputy, aso-resource-write, aso-role
             alice -> limited (storageaccounts) on s1: operator-deputy, aso-resource-write, aso-role",
        );
    }
}
