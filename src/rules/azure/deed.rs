//! What the techniques of Azure have in common: somebody acts, by a token or through ASO, where role assignments let them.

use super::bridge::{Allowed, Bridge};
use super::facts::{AzureFact, AzureGain, AzureStep, KindSetIx, Power, Sure, Who};
use crate::graph::azure::{AzureGraph, ClusterIx, ScopeIx};
use crate::model::KindIx;
use crate::model::azure::{ASSIGN_ROLES, AzureCluster, ClusterKind, KeyVault};
use crate::rules::attack::{Attack, Effect, Fact, Place};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Blocker, Technique};

/// A kind of ASO: its API group and plural.
pub(super) type Kind = (&'static str, &'static str);

/// How somebody acts in Azure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// By tokens of the identity.
    Token,
    /// Through ASO, on resources of these kinds.
    Aso(&'static [Kind]),
}

/// Something that is done in Azure.
pub(super) struct Deed {
    pub(super) technique: &'static Technique,
    pub(super) by: By,
    /// The actions, all of which have to be allowed in the same scope. The first one is told.
    pub(super) actions: &'static [&'static str],
}

/// Who acts, by which kind of ASO, and where.
#[derive(Clone, Copy)]
pub(super) struct Acting {
    pub(super) who: Who,
    pub(super) kind: Option<KindIx>,
    pub(super) at: Allowed,
}

impl Deed {
    /// Every way to do it once a fact is there.
    pub(super) fn ways(&self, bridge: &Bridge<'_>, fact: Fact) -> Vec<Acting> {
        let Some((who, kind)) = self.actor(bridge, fact) else { return Vec::new() };
        if let Fact::Azure(AzureFact::Undenied(Who::Principal(own), one)) = fact {
            let then = bridge.azure.allowed_then(own, self.actions, one);
            return then.into_iter().map(|at| Acting { who, kind, at }).collect();
        }
        bridge.allowed(who, self.actions).iter().map(|&at| Acting { who, kind, at }).collect()
    }

    /// Who acts when a fact is there, and by which kind.
    fn actor(&self, bridge: &Bridge<'_>, fact: Fact) -> Option<(Who, Option<KindIx>)> {
        match (fact, self.by) {
            (Fact::Azure(AzureFact::Token(who) | AzureFact::Undenied(who, _)), By::Token) => Some((who, None)),
            (Fact::Azure(AzureFact::Through(who, set)), By::Aso(kinds)) => {
                Some((who, Some(first_of(bridge, set, kinds)?)))
            }
            _ => None,
        }
    }

    /// Whether it is done with resources of a kind.
    pub(super) fn takes(&self, kind: KindIx) -> bool {
        let facts = kind.facts();
        matches!(self.by, By::Aso(kinds) if kinds.contains(&(facts.group, facts.plural)))
    }

    /// Adds a step of this deed.
    pub(super) fn does(&self, attack: &mut Attack<'_>, needs: Vec<u32>, acting: &Acting, gain: AzureGain, fact: Fact) {
        let step = self.step(acting, gain);
        attack.does_unless(self.technique, needs, Effect::Azure(step), fact, acting.at.blockers());
    }

    /// The step.
    pub(super) fn step(&self, acting: &Acting, gain: AzureGain) -> AzureStep {
        let action = self.actions.first().map(|&action| (action, acting.at.assignment));
        AzureStep { by: Some(acting.who), kind: acting.kind, action, sure: acting.at.sure, ..AzureStep::new(gain) }
    }

    /// Whether the attacker acts as the step says, and Azure lets them do it in this scope.
    pub(super) fn proof(&self, state: &State<'_>, step: &StepDone, scope: ScopeIx) -> Result<AzureStep, String> {
        let Effect::Azure(own) = step.effect else { return Err("the step is not in Azure".to_owned()) };
        let who = own.by.ok_or_else(|| "nobody acts".to_owned())?;
        self.acts(state, own, who)?;
        for action in self.actions {
            let sure = state.azure_allows(who, action, scope)?;
            if sure > own.sure {
                return Err(format!("{action} is less sure than the step says"));
            }
        }
        Ok(own)
    }

    /// Whether the attacker acts as somebody by what the deed takes.
    fn acts(&self, state: &State<'_>, own: AzureStep, who: Who) -> Result<(), String> {
        match (self.by, own.kind) {
            (By::Token, _) if state.has_token(who) => Ok(()),
            (By::Aso(_), Some(kind)) if self.takes(kind) => {
                if state.kinds_through(who)?.contains(&kind) {
                    Ok(())
                } else {
                    Err(format!("ASO does not act on {} for us", kind.facts().plural))
                }
            }
            _ => Err("nobody of ours acts there".to_owned()),
        }
    }
}

/// Whether one of several deeds does it.
pub(super) fn one_of(deeds: &[Deed], proof: impl Fn(&Deed) -> Result<(), String>) -> Result<(), String> {
    let mut refused = Err("nothing does it".to_owned());
    for deed in deeds {
        refused = proof(deed);
        if refused.is_ok() {
            break;
        }
    }
    refused
}

/// The first of these kinds that is in a set.
fn first_of(bridge: &Bridge<'_>, set: KindSetIx, kinds: &[Kind]) -> Option<KindIx> {
    let set = bridge.writers.kinds(set);
    let mut wanted = kinds.iter().filter_map(|(group, plural)| KindIx::of_resource(group, plural));
    wanted.find(|kind| set.binary_search(kind).is_ok())
}

impl Allowed {
    /// What a step says of how sure it is.
    pub(super) fn blockers(&self) -> Vec<Blocker> {
        blockers(self.sure)
    }
}

/// What a step says of how sure it is.
pub(super) fn blockers(sure: Sure) -> Vec<Blocker> {
    let might = |what: &str| vec![Blocker { what: what.to_owned(), stops: false }];
    match sure {
        Sure::Yes => Vec::new(),
        Sure::Conditional => might("a condition of the role assignment"),
        Sure::Unknown => might("what decides it was not read: the role, a group, or the management groups above"),
        Sure::Eligible => might("the role has to be activated first (PIM)"),
        Sure::Denied => vec![Blocker { what: "a deny assignment".to_owned(), stops: true }],
    }
}

/// Power in each scope in which a deed can be done.
pub(super) fn power(attack: &mut Attack<'_>, deed: &Deed, fact: Fact, id: u32, power: Power) {
    let Some(bridge) = attack.bridge.clone() else { return };
    for acting in deed.ways(&bridge, fact) {
        let scope = acting.at.scope;
        let gain = Fact::Azure(AzureFact::Power(scope, power, None));
        deed.does(attack, vec![id], &acting, AzureGain::Power(scope, power, None), gain);
    }
}

/// Whether it is so.
pub(super) fn power_proof(state: &State<'_>, deed: &Deed, step: &StepDone) -> Result<(), String> {
    match step.effect {
        Effect::Azure(AzureStep { gain: AzureGain::Power(scope, ..), .. }) => {
            deed.proof(state, step, scope).map(|_| ())
        }
        _ => Err("no power is gained".to_owned()),
    }
}

/// Power to assign roles in each scope in which a deed can be done, where nothing is said of assigning them without it: whoever may
/// has it by the role, and from whom it is taken away a detour does not give it.
pub(super) fn power_to_assign(
    attack: &mut Attack<'_>,
    deed: &Deed,
    fact: Fact,
    id: u32,
    at: fn(&Bridge<'_>, ScopeIx) -> bool,
) {
    let Some(bridge) = attack.bridge.clone() else { return };
    for acting in deed.ways(&bridge, fact) {
        let scope = acting.at.scope;
        if at(&bridge, scope) && bridge.allowed_at(acting.who, &[ASSIGN_ROLES], scope).is_none() {
            let gain = AzureGain::Power(scope, Power::RoleAssignments, None);
            let fact = Fact::Azure(AzureFact::Power(scope, Power::RoleAssignments, None));
            deed.does(attack, vec![id], &acting, gain, fact);
        }
    }
}

/// Power in each scope in which somebody holds a role that they can rewrite: a custom one, in all scopes that it may be assigned in.
pub(super) fn role_definitions(attack: &mut Attack<'_>, deed: &Deed, fact: Fact, id: u32) {
    let Some(bridge) = attack.bridge.clone() else { return };
    let Some((who @ Who::Principal(principal), kind)) = deed.actor(&bridge, fact) else { return };
    for (scope, role) in bridge.azure.custom_roles(principal) {
        let places = role.assignable_scopes.iter().map(|text| bridge.azure.graph.locate(text).scope);
        let allowed: Option<Vec<Allowed>> = places.map(|place| bridge.allowed_at(who, deed.actions, place)).collect();
        let Some(at) = allowed.and_then(|all| all.into_iter().max_by_key(|at| at.sure)) else { continue };
        let acting = Acting { who, kind, at };
        let gain = Fact::Azure(AzureFact::Power(scope, Power::RoleAssignments, None));
        deed.does(attack, vec![id], &acting, AzureGain::Power(scope, Power::RoleAssignments, None), gain);
    }
}

/// Whether it is so.
pub(super) fn role_definitions_proof(state: &State<'_>, deed: &Deed, step: &StepDone) -> Result<(), String> {
    let Effect::Azure(own) = step.effect else { return Err("the step is not in Azure".to_owned()) };
    let (AzureGain::Power(scope, ..), Some(who)) = (own.gain, own.by) else {
        return Err("no power is gained".to_owned());
    };
    deed.acts(state, own, who)?;
    let roles = state.custom_roles(who, scope);
    let rewritten = |places: &Vec<ScopeIx>| {
        let sure =
            |&place: &ScopeIx| state.azure_allows(who, deed.actions[0], place).is_ok_and(|sure| sure <= own.sure);
        !places.is_empty() && places.iter().all(sure)
    };
    if roles.iter().any(rewritten) { Ok(()) } else { Err("no role that they hold can be rewritten".to_owned()) }
}

/// Keys and data in each scope in which a deed can be done and a vault has access policies. Where no vault was read there may be one.
pub(super) fn vaults(attack: &mut Attack<'_>, deed: &Deed, fact: Fact, id: u32) {
    let Some(bridge) = attack.bridge.clone() else { return };
    for acting in deed.ways(&bridge, fact) {
        let scope = acting.at.scope;
        let mut blockers = acting.at.blockers();
        match bridge.azure.has_policies(scope) {
            Some(true) => {}
            Some(false) => continue,
            None => {
                let what = "no key vault was read; one that leaves access to role assignments is out of reach";
                blockers.push(Blocker { what: what.to_owned(), stops: false });
            }
        }
        let gain = AzureGain::Power(scope, Power::KeysAndData, None);
        let fact = Fact::Azure(AzureFact::Power(scope, Power::KeysAndData, None));
        attack.does_unless(deed.technique, vec![id], Effect::Azure(deed.step(&acting, gain)), fact, blockers);
    }
}

/// Whether it is so.
pub(super) fn vaults_proof(state: &State<'_>, deed: &Deed, step: &StepDone) -> Result<(), String> {
    power_proof(state, deed, step)?;
    let Effect::Azure(AzureStep { gain: AzureGain::Power(scope, ..), .. }) = step.effect else {
        return Err("no power is gained".to_owned());
    };
    let open = |at: &KeyVault| at.azure_rbac != Some(true);
    state.with_vaults(|graph, vaults| {
        let inside = |at: &&KeyVault| graph.find_scope(&at.id).is_some_and(|at| graph.within(scope, at));
        vaults.is_empty() || vaults.iter().filter(inside).any(open)
    })
}

/// Every identity in the scopes in which a deed can be done, by what stands for all of them.
fn identities(attack: &mut Attack<'_>, deed: &Deed, fact: Fact, needs: &[u32], all: fn(ScopeIx) -> AzureFact) {
    let Some(bridge) = attack.bridge.clone() else { return };
    for acting in deed.ways(&bridge, fact) {
        let scope = acting.at.scope;
        if acting.at.whole {
            let gain = Fact::Azure(all(scope));
            attack.does_unless(
                deed.technique,
                needs.to_vec(),
                Effect::Azure(deed.step(&acting, AzureGain::Any)),
                gain,
                acting.at.blockers(),
            );
            continue;
        }
        // Something is denied somewhere in it, so that each is looked at by itself.
        for (identity, at) in bridge.identities_in(scope).to_vec() {
            if let Some(own) = bridge.allowed_like(acting.who, deed.actions, at, acting.at) {
                let acting = Acting { at: own, ..acting };
                deed.does(
                    attack,
                    needs.to_vec(),
                    &acting,
                    AzureGain::Token(identity),
                    Fact::Azure(AzureFact::Token(identity)),
                );
            }
        }
    }
}

/// Every identity in a scope can be made to trust somebody.
pub(super) fn trusts(attack: &mut Attack<'_>, deed: &Deed, fact: Fact, id: u32) {
    identities(attack, deed, fact, &[id], AzureFact::Trusts);
}

/// Whether it is so for one of them.
pub(super) fn trusts_proof(state: &State<'_>, deed: &Deed, step: &StepDone) -> Result<(), String> {
    let Effect::Azure(AzureStep { gain: AzureGain::Token(identity), .. }) = step.effect else {
        return Err("no identity is gained".to_owned());
    };
    let at = state.user_assigned(identity).ok_or_else(|| "it is no user-assigned identity".to_owned())?;
    deed.proof(state, step, at).map(|_| ())
}

/// Every identity in a scope can be attached to something that runs code.
pub(super) fn attaches(attack: &mut Attack<'_>, deed: &Deed, fact: Fact, id: u32) {
    let Some(bridge) = attack.bridge.clone() else { return };
    let Some((who, kind)) = deed.actor(&bridge, fact) else { return };
    // There has to be something that it can be attached to.
    let runs = match kind {
        Some(kind) => kind.facts().write_action().is_some_and(|action| !bridge.allowed(who, &[&action]).is_empty()),
        None => RUNS.iter().any(|action| !bridge.allowed(who, &[action]).is_empty()),
    };
    if runs {
        identities(attack, deed, fact, &[id], AzureFact::Attaches);
    }
}

/// What runs code with an identity.
const RUNS: [&str; 4] = [
    "Microsoft.Compute/virtualMachines/write",
    "Microsoft.ContainerInstance/containerGroups/write",
    "Microsoft.App/containerApps/write",
    "Microsoft.Web/sites/write",
];

/// Whether it is so for one of them.
pub(super) fn attaches_proof(state: &State<'_>, deed: &Deed, step: &StepDone) -> Result<(), String> {
    trusts_proof(state, deed, step)?;
    let Effect::Azure(AzureStep { by: Some(who), kind, .. }) = step.effect else {
        return Err("nobody acts".to_owned());
    };
    let runs = match kind.and_then(|kind| kind.facts().write_action()) {
        Some(action) => state.azure_allows_somewhere(who, &action),
        None => RUNS.iter().any(|action| state.azure_allows_somewhere(who, action)),
    };
    if runs { Ok(()) } else { Err("there is nothing to attach it to".to_owned()) }
}

/// Whether a way into a cluster needs local accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Local {
    /// It does.
    Needed,
    /// It does not.
    NotNeeded,
    /// It needs a cluster without Entra.
    WithoutEntra,
    /// It needs them in a cluster without Entra; with it, there is nothing in the way since it leads nowhere.
    OfUsers,
    /// It does not, and what it allows there is said by Azure.
    OfResources,
}

impl Local {
    /// Whether it has anything to do with a cluster.
    fn concerns(self, cluster: &AzureCluster) -> bool {
        self != Local::OfUsers || !cluster.entra
    }
}

/// The clusters in the scopes in which a deed can be done, whoever may log in there by now.
pub(super) fn clusters(attack: &mut Attack<'_>, deed: &Deed, fact: Fact, id: u32) {
    clusters_if(attack, deed, fact, id, Local::NotNeeded);
}

/// Whether it is so.
pub(super) fn clusters_proof(state: &State<'_>, deed: &Deed, step: &StepDone) -> Result<(), String> {
    cluster_step(state, deed, step, Local::NotNeeded)
}

/// The clusters whose admin kubeconfig can be fetched.
pub(super) fn admin_credentials(attack: &mut Attack<'_>, deed: &Deed, fact: Fact, id: u32) {
    clusters_if(attack, deed, fact, id, Local::Needed);
}

/// Whether it is so.
pub(super) fn admin_credentials_proof(state: &State<'_>, deed: &Deed, step: &StepDone) -> Result<(), String> {
    cluster_step(state, deed, step, Local::Needed)
}

/// The clusters whose users' kubeconfig is that of an administrator.
pub(super) fn user_credentials(attack: &mut Attack<'_>, deed: &Deed, fact: Fact, id: u32) {
    clusters_if(attack, deed, fact, id, Local::OfUsers);
}

/// Whether it is so.
pub(super) fn user_credentials_proof(state: &State<'_>, deed: &Deed, step: &StepDone) -> Result<(), String> {
    cluster_step(state, deed, step, Local::OfUsers)
}

/// The clusters in which commands run as an administrator.
pub(super) fn commands(attack: &mut Attack<'_>, deed: &Deed, fact: Fact, id: u32) {
    clusters_if(attack, deed, fact, id, Local::WithoutEntra);
}

/// Whether it is so.
pub(super) fn commands_proof(state: &State<'_>, deed: &Deed, step: &StepDone) -> Result<(), String> {
    cluster_step(state, deed, step, Local::WithoutEntra)
}

/// The clusters whose users' kubeconfig is that of an administrator, also by what is allowed on a namespace of theirs alone.
pub(super) fn namespace_credentials(attack: &mut Attack<'_>, deed: &Deed, fact: Fact, id: u32) {
    user_credentials(attack, deed, fact, id);
    let Some(bridge) = attack.bridge.clone() else { return };
    for acting in deed.ways(&bridge, fact) {
        let Some(cluster) = around(&bridge.azure.graph, acting.at.scope) else { continue };
        let base = deed.step(&acting, AzureGain::Any);
        enters(attack, deed, base, cluster, acting.at, &[id], Local::OfUsers);
    }
}

/// Whether it is so.
pub(super) fn namespace_credentials_proof(state: &State<'_>, deed: &Deed, step: &StepDone) -> Result<(), String> {
    user_credentials_proof(state, deed, step).or_else(|refused| {
        let Effect::Azure(AzureStep { gain, by: Some(who), .. }) = step.effect else { return Err(refused) };
        let (scope, closed) = state.cluster_in_azure(gain, |cluster| {
            cluster.entra || cluster.kind != ClusterKind::Aks || cluster.local_accounts_disabled == Some(true)
        })?;
        let inside = state.azure_allows_inside(who, deed.actions[0], scope);
        if inside && !closed && state.has_token(who) { Ok(()) } else { Err(refused) }
    })
}

/// The cluster that a scope lies in, below it.
fn around(graph: &AzureGraph<'_>, scope: ScopeIx) -> Option<ClusterIx> {
    let holds = |own: ScopeIx| own != scope && graph.within(own, scope);
    graph.clusters().find(|&cluster| graph.cluster_scope(cluster).is_some_and(holds))
}

fn clusters_if(attack: &mut Attack<'_>, deed: &Deed, fact: Fact, id: u32, local: Local) {
    let Some(bridge) = attack.bridge.clone() else { return };
    for acting in deed.ways(&bridge, fact) {
        let base = AzureStep { by: Some(acting.who), kind: acting.kind, ..AzureStep::new(AzureGain::Any) };
        clusters_at(attack, deed, base, &acting.at, &[id], local);
    }
}

/// The clusters at or below a scope.
pub(super) fn clusters_at(
    attack: &mut Attack<'_>,
    deed: &Deed,
    base: AzureStep,
    at: &Allowed,
    needs: &[u32],
    local: Local,
) {
    let (Some(bridge), Some(who)) = (attack.bridge.clone(), base.by) else { return };
    for cluster in bridge.azure.graph.clusters_below(at.scope).collect::<Vec<_>>() {
        let scope = bridge.azure.graph.cluster_scope(cluster);
        let at = if at.whole {
            Some(*at)
        } else {
            scope.and_then(|scope| bridge.allowed_like(who, deed.actions, scope, *at))
        };
        if let Some(at) = at {
            enters(attack, deed, base, cluster, at, needs, local);
        }
    }
}

/// One cluster, if the deed is about such ones.
fn enters(
    attack: &mut Attack<'_>,
    deed: &Deed,
    base: AzureStep,
    cluster: ClusterIx,
    at: Allowed,
    needs: &[u32],
    local: Local,
) {
    let Some(bridge) = attack.bridge.clone() else { return };
    let read = bridge.azure.graph.cluster(cluster);
    if !deed.actions.iter().all(|action| read.kind.is_of(action)) || !local.concerns(read) {
        return;
    }
    let mut blockers = at.blockers();
    blockers.extend(refuses(read, local));
    let (gain, fact) = if bridge.this_cluster == Some(cluster) {
        (AzureGain::ThisCluster, Fact::Everything(Place::Cluster))
    } else {
        (AzureGain::Cluster(cluster), Fact::Azure(AzureFact::Cluster(cluster)))
    };
    let action = deed.actions.first().map(|&action| (action, at.assignment));
    let step = AzureStep { gain, action, sure: at.sure, ..base };
    attack.does_unless(deed.technique, needs.to_vec(), Effect::Azure(step), fact, blockers);
}

/// What stands in the way into a cluster.
fn refuses(cluster: &AzureCluster, local: Local) -> Option<Blocker> {
    let off = "local accounts are off";
    match local {
        Local::NotNeeded => None,
        Local::OfResources => Some(Blocker {
            what:
                "which rights in the cluster Azure offers to the type of resource is not read; they are taken for all"
                    .to_owned(),
            stops: false,
        }),
        Local::Needed | Local::WithoutEntra | Local::OfUsers if cluster.local_accounts_disabled == Some(true) => {
            Some(Blocker { what: off.to_owned(), stops: true })
        }
        Local::WithoutEntra if cluster.entra => Some(Blocker {
            what: "with Entra integration the command has the rights of its caller".to_owned(),
            stops: true,
        }),
        Local::Needed | Local::WithoutEntra | Local::OfUsers if cluster.local_accounts_disabled.is_none() => {
            Some(Blocker { what: "local accounts may be off; the data do not say it".to_owned(), stops: false })
        }
        _ => None,
    }
}

fn cluster_step(state: &State<'_>, deed: &Deed, step: &StepDone, local: Local) -> Result<(), String> {
    let Effect::Azure(own) = step.effect else { return Err("the step is not in Azure".to_owned()) };
    let who = own.by.ok_or_else(|| "nobody acts".to_owned())?;
    deed.acts(state, own, who)?;
    cluster_proof(state, who, deed.actions, own.gain, local)
}

/// Whether somebody comes into a cluster so.
pub(super) fn cluster_proof(
    state: &State<'_>,
    who: Who,
    actions: &[&str],
    gain: AzureGain,
    local: Local,
) -> Result<(), String> {
    let (scope, refused) = state.cluster_in_azure(gain, |cluster| {
        !actions.iter().all(|action| cluster.kind.is_of(action))
            || !local.concerns(cluster)
            || refuses(cluster, local).is_some_and(|one| one.stops)
    })?;
    for action in actions {
        state.azure_allows(who, action, scope)?;
    }
    if refused { Err("the cluster lets nobody in so".to_owned()) } else { Ok(()) }
}

/// What has an identity of its own that clusters can be opened to, and runs what its owner says
/// (<https://learn.microsoft.com/azure/aks/trusted-access-feature>).
const OPENED_TO: &[Kind] =
    &[("machinelearningservices.azure.com", "workspaces"), ("dataprotection.azure.com", "backupvaults")];

fn opened_to() -> impl Iterator<Item = (KindIx, String)> {
    let kinds = OPENED_TO.iter().filter_map(|(group, plural)| KindIx::of_resource(group, plural));
    kinds.filter_map(|kind| Some((kind, kind.facts().write_action()?)))
}

/// The clusters that can be opened to a resource, if somebody can make one: by ASO it is of another kind, which is told.
pub(super) fn opens(attack: &mut Attack<'_>, deed: &Deed, fact: Fact, id: u32) {
    let Some(bridge) = attack.bridge.clone() else { return };
    let makes = |who: Who, action: &str| bridge.allowed(who, &[action]).iter().any(|at| at.sure < Sure::Denied);
    let made = match fact {
        Fact::Azure(AzureFact::Token(who) | AzureFact::Undenied(who, _)) => {
            opened_to().find(|(_, action)| makes(who, action)).map(|_| None)
        }
        Fact::Azure(AzureFact::Through(who, set)) => {
            let set = bridge.writers.kinds(set);
            let of_set = |kind: &KindIx| set.binary_search(kind).is_ok();
            opened_to().find(|(kind, action)| of_set(kind) && makes(who, action)).map(|(kind, _)| Some(kind))
        }
        _ => None,
    };
    let Some(writer) = made else { return };
    for acting in deed.ways(&bridge, fact) {
        let step = AzureStep { by: Some(acting.who), kind: acting.kind, writer, ..AzureStep::new(AzureGain::Any) };
        clusters_at(attack, deed, step, &acting.at, &[id], Local::OfResources);
    }
}

/// Whether it is so.
pub(super) fn opens_proof(state: &State<'_>, deed: &Deed, step: &StepDone) -> Result<(), String> {
    cluster_step(state, deed, step, Local::OfResources)?;
    let Effect::Azure(AzureStep { by: Some(who), writer, .. }) = step.effect else {
        return Err("nobody acts".to_owned());
    };
    let made = |(kind, action): (KindIx, String)| {
        let ours = match (deed.by, writer) {
            (By::Token, None) => true,
            (By::Aso(_), Some(own)) => own == kind && state.kinds_through(who).is_ok_and(|kinds| kinds.contains(&kind)),
            _ => false,
        };
        ours && state.azure_allows_somewhere(who, &action)
    };
    if opened_to().any(made) { Ok(()) } else { Err("there is nothing that it can be opened to".to_owned()) }
}

/// The nodes of this cluster.
pub(super) fn nodes(attack: &mut Attack<'_>, deed: &Deed, fact: Fact, id: u32) {
    let Some(bridge) = attack.bridge.clone() else { return };
    let Some(cluster) = bridge.this_cluster else { return };
    let Some(group) = bridge.node_group() else { return };
    for acting in deed.ways(&bridge, fact) {
        if !bridge.azure.graph.within(acting.at.scope, group) {
            continue;
        }
        let Some(at) = bridge.allowed_like(acting.who, deed.actions, group, acting.at) else { continue };
        let mut blockers = at.blockers();
        if bridge.azure.graph.cluster(cluster).node_resource_group_locked {
            blockers.push(nodes_locked());
        }
        let step = deed.step(&Acting { at, ..acting }, AzureGain::TheseNodes);
        attack.does_unless(deed.technique, vec![id], Effect::Azure(step), Fact::Nodes, blockers);
    }
}

/// What a lock on the resource group of the nodes stops.
pub(super) fn nodes_locked() -> Blocker {
    Blocker { what: "the node resource group is locked".to_owned(), stops: true }
}

/// Whether it is so.
pub(super) fn nodes_proof(state: &State<'_>, deed: &Deed, step: &StepDone) -> Result<(), String> {
    let group = state.nodes_in_azure()?;
    deed.proof(state, step, group).map(|_| ())
}
