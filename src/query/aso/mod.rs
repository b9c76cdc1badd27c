//! Azure Service Operator: which operators run and how, which credential each resource is reconciled with, and which kinds are
//! installed. Nothing of Azure is looked at: what a credential may do there is another question.
//!
//! Precedence and failures are those of upstream `v2/internal/identity/credential_provider.go`, the global credential those of
//! `v2/cmd/controller/app/setup.go`, as of 2026-08.

mod credential;
mod elsewhere;
mod operator;
mod place;
mod power;
mod rights;
mod rows;

use rustc_hash::FxHashMap;

use crate::graph::AccessGraph;
use crate::model::{
    ASO_CREDENTIAL, ASO_WORKLOAD_ACCOUNT, AsoOwner, AsoOwnerKind, AsoResource, ClusterId, KindIx, Name,
    ReconcilePolicy, Snapshot, Subject,
};

pub use credential::{Cloud, Credential, CredentialKind, CredentialProblem, CredentialScope, HowKnown};
pub use elsewhere::Elsewhere;
pub use operator::{Operator, OperatorMode, Targets, TokenMode, TokenReason};
pub use power::{AsoPower, Power, PowerLevel};
pub use rights::{AsoRight, AsoRights, KindSet};
pub use rows::{CredentialRow, Failing, Holder};

use place::{Content, content};

/// What to take for given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AsoOptions {
    /// As if every operator worked so.
    pub assume: Option<TokenMode>,
}

/// An operator, in the order of their namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperatorIx(u32);

/// A credential: the global ones first, then by namespace and Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CredentialIx(u32);

/// The operators, credentials and kinds of a cluster, joined.
pub struct Aso<'g> {
    snapshot: &'g Snapshot,
    cluster: ClusterId,
    operators: Vec<Operator>,
    credentials: Vec<Credential>,
    by_secret: FxHashMap<(Name, Name), CredentialIx>,
    /// Those of each namespace that resources there can ask for.
    named: FxHashMap<Name, Vec<CredentialIx>>,
    /// The Secret that each resource used last, by its Events.
    events: FxHashMap<(Name, Name, Name, Name), (Name, Name)>,
    /// For each resource what it uses.
    uses: Vec<AsoUse>,
}

/// Which credential is used, and by which step it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AsoUse {
    /// The step that decides.
    pub step: Step,
    /// What comes of it.
    pub outcome: Outcome,
}

/// The steps in which the operator looks for a credential; the first that finds anything decides, even when what it finds is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The resource's `credential-from` annotation.
    Annotation,
    /// `aso-credential` of its namespace.
    Namespace,
    /// The operator's own.
    Global,
    /// The operator said so itself, in an Event; where it could not be seen.
    Event,
}

/// What comes of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// This credential is used.
    Uses(CredentialIx),
    /// Reconciling fails; with the credential that is broken, where it is one.
    Fails(CredentialProblem, Option<CredentialIx>),
    /// What decides could not be read.
    Unknown,
    /// Nobody reconciles it.
    NotReconciled(Dormant),
}

/// Why nothing is done for a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dormant {
    /// No operator runs.
    NoOperator,
    /// No operator has its namespace as a target.
    NoTarget,
    /// Its annotation names the namespace of an operator that is not there.
    OtherOperator,
}

/// Which kinds are installed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Installed {
    /// Whether all definitions were read, so that a kind which is not listed is not installed.
    pub complete: bool,
    /// The kinds of the table, sorted.
    pub kinds: Vec<KindIx>,
    /// Group and plural of those that are newer than the table, sorted.
    pub newer: Vec<(Name, Name)>,
}

impl<'g> Aso<'g> {
    /// Joins what was read of a cluster. O(n log n) in its operators, credentials and resources.
    pub fn new(graph: &'g AccessGraph, cluster: ClusterId, options: AsoOptions) -> Aso<'g> {
        let snapshot = graph.snapshot();
        let mut aso = Aso {
            snapshot,
            cluster,
            operators: operator::operators(snapshot, cluster, options),
            credentials: Vec::new(),
            by_secret: FxHashMap::default(),
            named: FxHashMap::default(),
            events: FxHashMap::default(),
            uses: Vec::new(),
        };
        let own = snapshot.aso_events.iter().filter(|event| event.cluster == cluster);
        aso.events = own.map(|at| ((at.group, at.kind, at.namespace, at.name), at.secret)).collect();
        credential::gather(&mut aso);
        for (at, own) in (0..).map(CredentialIx).zip(&aso.credentials) {
            let works = own.scope != CredentialScope::Global && own.problem.is_none();
            if let Some((namespace, _)) = own.secret.filter(|_| works) {
                aso.named.entry(namespace).or_default().push(at);
            }
        }
        let mut defaults = FxHashMap::default();
        let uses = snapshot.aso_resources.iter().map(|resource| aso.find(resource, &mut defaults)).collect();
        aso.uses = uses;
        aso
    }

    /// Everything that was read.
    pub fn snapshot(&self) -> &'g Snapshot {
        self.snapshot
    }

    /// The operators.
    pub fn operators(&self) -> impl Iterator<Item = (OperatorIx, &Operator)> {
        (0..).map(OperatorIx).zip(&self.operators)
    }

    /// One of them.
    pub fn operator(&self, at: OperatorIx) -> &Operator {
        &self.operators[at.0 as usize]
    }

    /// The credentials: the global ones, every `aso-credential`, every Secret that a resource asks for, and every other one that
    /// a resource could ask for.
    pub fn credentials(&self) -> impl Iterator<Item = (CredentialIx, &Credential)> {
        (0..).map(CredentialIx).zip(&self.credentials)
    }

    /// One of them.
    pub fn credential(&self, at: CredentialIx) -> &Credential {
        &self.credentials[at.0 as usize]
    }

    /// The credential in a Secret.
    pub fn in_secret(&self, namespace: Name, secret: Name) -> Option<CredentialIx> {
        self.by_secret.get(&(namespace, secret)).copied()
    }

    /// The resources of the cluster, each with what it uses.
    pub fn resources(&self) -> impl Iterator<Item = (&'g AsoResource, AsoUse)> {
        let all = self.snapshot.aso_resources.iter().zip(self.uses.iter().copied());
        all.filter(|(resource, _)| resource.cluster == self.cluster)
    }

    /// The operators that reconcile what is in a namespace. Of several each does, which ASO warns against.
    pub fn reconcilers(&self, namespace: Name) -> impl Iterator<Item = OperatorIx> {
        let text = self.snapshot.text(namespace);
        let own = self.operators.iter().zip(0..).filter(move |(operator, _)| operator.reconciles(text));
        own.map(|(_, at)| OperatorIx(at))
    }

    /// Which credential a resource of a namespace uses that asks for none.
    pub fn default_of(&self, namespace: Name) -> AsoUse {
        let Some(operator) = self.reconcilers(namespace).next() else {
            return AsoUse { step: Step::Namespace, outcome: Outcome::NotReconciled(self.dormant()) };
        };
        self.default_by(namespace, operator)
    }

    /// The same for one of several operators.
    pub fn default_by(&self, namespace: Name, operator: OperatorIx) -> AsoUse {
        let own = self.snapshot.names.find(ASO_CREDENTIAL).unwrap_or(Name::EMPTY);
        match content(self.snapshot, self.cluster, namespace, own) {
            Content::Absent => self.global_by(operator),
            Content::Unknown => AsoUse { step: Step::Namespace, outcome: Outcome::Unknown },
            Content::None | Content::Entries(_) => {
                AsoUse { step: Step::Namespace, outcome: self.use_secret(namespace, own) }
            }
        }
    }

    /// What the last step of an operator comes to.
    pub fn global_by(&self, operator: OperatorIx) -> AsoUse {
        let operator = self.operator(operator);
        let outcome = match (operator.global, operator.global_known) {
            (Some(at), true) => Outcome::Uses(at),
            (None, true) => Outcome::Fails(CredentialProblem::NoCredential, None),
            (_, false) => Outcome::Unknown,
        };
        AsoUse { step: Step::Global, outcome }
    }

    /// The global credential that serves a namespace once it has no credential of its own.
    pub fn global_of(&self, namespace: Name) -> Option<CredentialIx> {
        self.reconcilers(namespace).find_map(|at| self.operator(at).global)
    }

    /// Which credential a resource uses. O(log n).
    pub fn of_resource(&self, resource: &AsoResource) -> AsoUse {
        self.find(resource, &mut FxHashMap::default())
    }

    /// The credentials of a namespace that a resource there can ask for by name, `aso-credential` among them.
    pub fn named_in(&self, namespace: Name) -> impl Iterator<Item = CredentialIx> {
        self.named.get(&namespace).into_iter().flatten().copied()
    }

    /// The resources that use a credential.
    pub fn users_of(&self, credential: CredentialIx) -> impl Iterator<Item = &'g AsoResource> {
        let uses = move |used: &AsoUse| match used.outcome {
            Outcome::Uses(at) | Outcome::Fails(_, Some(at)) => at == credential,
            _ => false,
        };
        self.resources().filter(move |(_, used)| uses(used)).map(|(resource, _)| resource)
    }

    /// Whose token the operator gives to Azure for a credential of a namespace; none for credentials that need none.
    pub fn token_of(&self, credential: CredentialIx, namespace: Name) -> Option<Subject> {
        let own = self.credential(credential);
        if own.kind != CredentialKind::WorkloadIdentity {
            return None;
        }
        if let CredentialScope::Global = own.scope {
            return own.operator.map(|at| self.operator(at).account);
        }
        let operator = self.operator(self.reconcilers(namespace).next()?);
        if operator.tokens == TokenMode::Relaxed {
            return Some(operator.account);
        }
        let usual = self.snapshot.names.find(ASO_WORKLOAD_ACCOUNT).unwrap_or(Name::EMPTY);
        Some(Subject::ServiceAccount { namespace, name: own.account.unwrap_or(usual) })
    }

    /// What ASO does in Azure for a resource: its annotation, that of its namespace, and the operator's default.
    pub fn policy_of(&self, resource: &AsoResource) -> ReconcilePolicy {
        let own = |at: &crate::model::Namespace| (at.cluster, at.name).cmp(&(resource.cluster, resource.namespace));
        let of_namespace = || {
            let namespaces = &self.snapshot.namespaces;
            namespaces.binary_search_by(own).ok().and_then(|at| namespaces[at].reconcile_policy)
        };
        let of_operator = || self.reconcilers(resource.namespace).next().map(|at| self.operator(at).default_policy);
        resource.policy.or_else(of_namespace).or_else(of_operator).unwrap_or_default()
    }

    /// Which kinds are installed: by the definitions, or by what the server serves where these were not read.
    pub fn installed(&self) -> Installed {
        let mut installed = Installed::default();
        for at in self.snapshot.aso_definitions.iter().filter(|at| at.cluster == self.cluster) {
            match at.known {
                Some(kind) => installed.kinds.push(kind),
                None => installed.newer.push((at.group, at.plural)),
            }
        }
        for at in self.snapshot.resources.iter().filter(|at| at.subresource.is_empty()) {
            installed.kinds.extend(KindIx::of_resource(&at.group, &at.resource));
        }
        // Whatever has a resource is there.
        installed.kinds.extend(self.resources().filter_map(|(resource, _)| resource.known));
        installed.kinds.sort_unstable();
        installed.kinds.dedup();
        installed.newer.sort_unstable();
        installed.newer.dedup();
        let definitions = "customresourcedefinitions";
        let is_missing = self.snapshot.gaps.iter().any(|gap| gap.resource == definitions);
        let stored = self.snapshot.clusters.iter().any(|cluster| cluster.stored);
        let given = !self.snapshot.aso_definitions.is_empty() || stored;
        installed.complete = self.snapshot.discovered || given && !is_missing;
        installed
    }

    /// What a resource is in Azure: the id that was written down for it, or the one that its owners and its name make.
    pub fn arm_id(&self, resource: &AsoResource) -> Option<String> {
        // As deep as the types of Azure go, and more.
        const DEEPEST: usize = 8;
        self.arm_id_within(resource, DEEPEST)
    }

    fn arm_id_within(&self, resource: &AsoResource, deeper: usize) -> Option<String> {
        let text = |name: Name| self.snapshot.text(name);
        if let Some(id) = resource.status_id.or(resource.resource_id) {
            return Some(text(id).to_owned());
        }
        let facts = resource.known?.facts();
        let arm_type = facts.arm_type?;
        let name = text(resource.azure_name.unwrap_or(resource.name));
        if arm_type == "Microsoft.Resources/resourceGroups" {
            let Outcome::Uses(credential) = self.of_resource(resource).outcome else { return None };
            let subscription = text(self.credential(credential).subscription?);
            return Some(format!("/subscriptions/{subscription}/resourceGroups/{name}"));
        }
        let owner = match resource.owner {
            AsoOwner::None => return None,
            AsoOwner::ArmId(id) => text(id).trim_end_matches('/').to_owned(),
            AsoOwner::Named { group, kind, name } => {
                let owner = self.owner_of(resource, (text(group), text(kind)), name)?;
                self.arm_id_within(owner, deeper.checked_sub(1)?)?
            }
        };
        let (_, nested) = arm_type.split_once('/')?;
        Some(match nested.rsplit_once('/') {
            Some((_, last)) if !facts.is_extension() => format!("{owner}/{last}/{name}"),
            _ => format!("{owner}/providers/{arm_type}/{name}"),
        })
    }

    /// The resource of the same namespace that owns one.
    fn owner_of(&self, of: &AsoResource, (group, kind): (&str, &str), name: Name) -> Option<&'g AsoResource> {
        let usual = match of.known?.facts().owner {
            AsoOwnerKind::Kind(group, kind) => (group, kind),
            AsoOwnerKind::Any | AsoOwnerKind::Nothing => ("", ""),
        };
        let [group, kind] =
            [(group, usual.0), (kind, usual.1)].map(|(own, usual)| if own.is_empty() { usual } else { own });
        let [group, kind] = [self.snapshot.names.find(group)?, self.snapshot.names.find(kind)?];
        let key = |at: &AsoResource| (at.cluster, at.namespace, at.group, at.kind, at.name);
        let all = &self.snapshot.aso_resources;
        let found = all.binary_search_by_key(&(of.cluster, of.namespace, group, kind, name), key).ok()?;
        Some(&all[found])
    }

    fn dormant(&self) -> Dormant {
        if self.operators.iter().any(Operator::is_active) { Dormant::NoTarget } else { Dormant::NoOperator }
    }

    /// Which credential a resource uses; those of namespaces are kept, since thousands of resources ask for them.
    fn find(&self, resource: &AsoResource, defaults: &mut FxHashMap<(Name, OperatorIx), AsoUse>) -> AsoUse {
        let mut reconcilers = self.reconcilers(resource.namespace).peekable();
        let none = |why| AsoUse { step: Step::Namespace, outcome: Outcome::NotReconciled(why) };
        if reconcilers.peek().is_none() {
            return none(self.dormant());
        }
        // The operator that made a resource puts its namespace there, and the others leave it alone.
        let operator = match resource.operator_namespace {
            Some(namespace) => reconcilers.find(|&at| self.operator(at).namespace == namespace),
            None => reconcilers.next(),
        };
        let Some(operator) = operator else { return none(Dormant::OtherOperator) };
        let found = match resource.credential_from {
            Some(secret) => AsoUse { step: Step::Annotation, outcome: self.named(resource.namespace, secret) },
            None => *defaults
                .entry((resource.namespace, operator))
                .or_insert_with(|| self.default_by(resource.namespace, operator)),
        };
        if found.outcome != Outcome::Unknown {
            return found;
        }
        let said = self.events.get(&(resource.group, resource.kind, resource.namespace, resource.name));
        match said.and_then(|&(namespace, secret)| self.in_secret(namespace, secret)) {
            Some(at) => AsoUse { step: Step::Event, outcome: Outcome::Uses(at) },
            None => found,
        }
    }

    /// What comes of a `credential-from` annotation.
    fn named(&self, namespace: Name, secret: Name) -> Outcome {
        if self.snapshot.text(secret).contains('/') {
            return Outcome::Fails(CredentialProblem::CrossNamespace, None);
        }
        if secret == Name::EMPTY {
            return Outcome::Fails(CredentialProblem::EmptyName, None);
        }
        match content(self.snapshot, self.cluster, namespace, secret) {
            Content::Absent => Outcome::Fails(CredentialProblem::SecretMissing, self.in_secret(namespace, secret)),
            Content::Unknown => Outcome::Unknown,
            Content::None | Content::Entries(_) => self.use_secret(namespace, secret),
        }
    }

    fn use_secret(&self, namespace: Name, secret: Name) -> Outcome {
        match self.in_secret(namespace, secret) {
            None => Outcome::Unknown,
            Some(at) => match self.credential(at).problem {
                Some(problem) => Outcome::Fails(problem, Some(at)),
                None => Outcome::Uses(at),
            },
        }
    }
}

impl Installed {
    /// Whether a kind is installed; none when that is not known.
    pub fn has(&self, kind: KindIx) -> Option<bool> {
        let found = self.kinds.binary_search(&kind).is_ok();
        (found || self.complete).then_some(found)
    }
}

#[cfg(test)]
mod tests;
