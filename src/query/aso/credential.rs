//! Credentials: which type the entries of a Secret select, and what is wrong with them (upstream
//! `v2/internal/identity/credential_provider.go`).

use super::operator::{Setting, is_true};
use super::place::{Content, content};
use super::{Aso, CredentialIx, OperatorIx};
use crate::model::{ASO_CREDENTIAL, ASO_SETTINGS, AsoText, Name, Snapshot};

/// A credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Whom it serves.
    pub scope: CredentialScope,
    /// Namespace and name of the Secret that holds it; none for a global one that stands in the Deployment itself.
    pub secret: Option<(Name, Name)>,
    /// The operator whose own it is.
    pub operator: Option<OperatorIx>,
    /// How it proves itself to Azure.
    pub kind: CredentialKind,
    /// The client id of the identity or application.
    pub client: Option<Name>,
    /// The tenant.
    pub tenant: Option<Name>,
    /// The subscription that resources are made in.
    pub subscription: Option<Name>,
    /// The account whose token a strict operator asks for, where the Secret names one.
    pub account: Option<Name>,
    /// Which cloud it is of.
    pub cloud: Cloud,
    /// Why every resource that asks for it fails.
    pub problem: Option<CredentialProblem>,
    /// How it is known.
    pub known: HowKnown,
}

/// Whom a credential serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CredentialScope {
    /// Every namespace of its operator that has none of its own.
    Global,
    /// The resources of its namespace that ask for none.
    Namespace,
    /// The resources of its namespace that ask for it.
    Named,
}

/// How a credential proves itself to Azure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CredentialKind {
    /// By a password that stands in the Secret.
    ClientSecret,
    /// By a certificate whose key stands in the Secret.
    Certificate,
    /// By a file in the operator's container, which only Microsoft's own services have.
    IdentityFile,
    /// By what the pod's node gives out for this client id (`AUTH_MODE: podidentity`).
    PodIdentity,
    /// By the identity of the operator's node: global settings that name a subscription and no secret.
    NodeIdentity,
    /// By a token of a service account. The Secret holds nothing secret.
    WorkloadIdentity,
    /// Its Secret could not be read.
    Unknown,
}

/// Which cloud a credential is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cloud {
    /// That of the operator.
    Own,
    /// Another one, which the Secret names.
    Named,
}

/// How a credential is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HowKnown {
    /// By its entries.
    Entries,
    /// By Events that say it was used.
    Event,
    /// By resources that ask for it, or by its operator.
    Named,
}

/// Why a resource cannot be reconciled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CredentialProblem {
    /// The Secret lacks an entry, and there is no falling back.
    MissingKey(&'static str),
    /// `AUTH_MODE` is neither `workloadidentity` nor `podidentity`.
    UnknownAuthMode,
    /// Of the three entries that name a cloud some are missing.
    IncompleteCloud,
    /// The operator does not let credentials name a cloud.
    CloudNotAllowed,
    /// The annotation names a Secret that does not exist.
    SecretMissing,
    /// The annotation names another namespace.
    CrossNamespace,
    /// The annotation is there and empty.
    EmptyName,
    /// There is none anywhere.
    NoCredential,
}

/// What every Secret must have, in the order in which it is looked for.
const REQUIRED: [&str; 3] = ["AZURE_SUBSCRIPTION_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_ID"];
const CLOUD: [&str; 3] = ["AZURE_RESOURCE_MANAGER_ENDPOINT", "AZURE_RESOURCE_MANAGER_AUDIENCE", "AZURE_AUTHORITY_HOST"];

/// Finds all credentials.
pub(super) fn gather(aso: &mut Aso<'_>) {
    for at in 0..aso.operators.len() {
        if let Some(own) = global(aso, at) {
            let place = own.secret;
            let ix = push(aso, own);
            aso.operators[at].global = Some(ix);
            if let Some(place) = place {
                aso.by_secret.insert(place, ix);
            }
        }
    }
    let (snapshot, cluster) = (aso.snapshot, aso.cluster);
    let [own, settings] = [ASO_CREDENTIAL, ASO_SETTINGS].map(|name| snapshot.names.find(name));
    // Secrets that are read, that resources ask for, and that the operator says it used.
    let read = snapshot.aso_secrets.iter().filter(|at| at.cluster == cluster && Some(at.name) != settings);
    let asked = snapshot.aso_resources.iter().filter(|at| at.cluster == cluster);
    let asked = asked.filter_map(|at| Some((at.namespace, at.credential_from?)));
    let asked: Vec<(Name, Name)> =
        asked.filter(|(_, name)| *name != Name::EMPTY && !snapshot.text(*name).contains('/')).collect();
    let said: Vec<(Name, Name)> = aso.events.values().copied().collect();
    let mut places: Vec<(Name, Name)> =
        read.map(|at| (at.namespace, at.name)).chain(asked.iter().copied()).chain(said.iter().copied()).collect();
    // An `aso-credential` without content that could be seen.
    let bare = snapshot.secrets.iter().filter(|at| at.cluster == cluster && Some(at.name) == own);
    places.extend(bare.map(|at| (at.namespace, at.name)));
    places.sort_unstable();
    places.dedup();
    let [asked, said]: [rustc_hash::FxHashSet<_>; 2] = [asked, said].map(|list| list.into_iter().collect());
    for place in places.into_iter().filter(|place| Some(place.1) != settings) {
        let is_own = Some(place.1) == own;
        let known = if said.contains(&place) { HowKnown::Event } else { HowKnown::Named };
        let found = scoped(aso, place, is_own, known);
        // A Secret of a workload that lacks an entry is nobody's credential while nobody asks for it.
        let matters = is_own || asked.contains(&place) || said.contains(&place) || found.problem.is_none();
        // What was asked for and is not there is no credential, unless somebody needs it.
        let is_there = content(snapshot, cluster, place.0, place.1) != Content::Absent || asked.contains(&place);
        // A Secret that may not be read and nobody asks for need not exist.
        let is_seen = found.kind != CredentialKind::Unknown
            || found.problem.is_some()
            || asked.contains(&place)
            || said.contains(&place)
            || snapshot
                .secrets
                .binary_search_by_key(&(cluster, place.0, place.1), |at| (at.cluster, at.namespace, at.name))
                .is_ok();
        if matters && is_there && is_seen {
            let ix = push(aso, found);
            aso.by_secret.insert(place, ix);
        }
    }
}

#[expect(clippy::expect_used, reason = "there are fewer credentials than Secrets, and those have 32 bits")]
fn push(aso: &mut Aso<'_>, credential: Credential) -> CredentialIx {
    let at = u32::try_from(aso.credentials.len()).expect("fewer than four billion credentials");
    aso.credentials.push(credential);
    CredentialIx(at)
}

/// The credential of an operator itself, if it has one or may have.
fn global(aso: &Aso<'_>, at: usize) -> Option<Credential> {
    let operator = &aso.operators[at];
    let own = &operator.settings;
    let names = &aso.snapshot.names;
    let filled = |setting: Setting| matches!(setting, Setting::Text(_) | Setting::Hidden);
    let text = |setting: Setting| match setting {
        Setting::Text(name) => Some(name),
        _ => None,
    };
    if matches!(own.subscription, Setting::Unset | Setting::Empty) {
        return None;
    }
    let kind = if own.subscription == Setting::Unknown {
        CredentialKind::Unknown
    } else if text(own.workload_identity).is_some_and(|word| is_true(names.text(word))) {
        CredentialKind::WorkloadIdentity
    } else if filled(own.certificate) {
        CredentialKind::Certificate
    } else if filled(own.identity_file) {
        CredentialKind::IdentityFile
    } else if filled(own.secret) {
        CredentialKind::ClientSecret
    } else if [own.workload_identity, own.certificate, own.identity_file, own.secret].contains(&Setting::Unknown) {
        CredentialKind::Unknown
    } else {
        CredentialKind::NodeIdentity
    };
    let settings = names.find(ASO_SETTINGS);
    let in_secret = |secret| content(aso.snapshot, aso.cluster, operator.namespace, secret) != Content::Absent;
    Some(Credential {
        scope: CredentialScope::Global,
        secret: settings.filter(|&secret| in_secret(secret)).map(|secret| (operator.namespace, secret)),
        operator: u32::try_from(at).ok().map(OperatorIx),
        kind,
        client: text(own.client),
        tenant: text(own.tenant),
        subscription: text(own.subscription),
        account: None,
        cloud: Cloud::Own,
        problem: None,
        known: if kind == CredentialKind::Unknown { HowKnown::Named } else { HowKnown::Entries },
    })
}

/// The credential of a Secret of a namespace.
fn scoped(aso: &Aso<'_>, (namespace, secret): (Name, Name), is_own: bool, known: HowKnown) -> Credential {
    let snapshot = aso.snapshot;
    let content = content(snapshot, aso.cluster, namespace, secret);
    let id = |key: &str| match content.entry(snapshot.names.find(key)) {
        Some(AsoText::Text(name)) => Some(name),
        _ => None,
    };
    let multi_env = aso.reconcilers(namespace).next().and_then(|at| aso.operator(at).multi_env);
    let (kind, problem) = match content {
        Content::Unknown => (CredentialKind::Unknown, None),
        Content::Absent => (CredentialKind::Unknown, Some(CredentialProblem::SecretMissing)),
        Content::None | Content::Entries(_) => (kind(snapshot, content), problem(snapshot, content, multi_env)),
    };
    let has = |key: &str| content.entry(snapshot.names.find(key)).is_some();
    Credential {
        scope: if is_own { CredentialScope::Namespace } else { CredentialScope::Named },
        secret: Some((namespace, secret)),
        operator: None,
        kind,
        client: id("AZURE_CLIENT_ID"),
        tenant: id("AZURE_TENANT_ID"),
        subscription: id("AZURE_SUBSCRIPTION_ID"),
        account: id("AZURE_WORKLOAD_IDENTITY_SERVICE_ACCOUNT"),
        cloud: if CLOUD.into_iter().any(has) { Cloud::Named } else { Cloud::Own },
        problem,
        known: if content == Content::Unknown { known } else { HowKnown::Entries },
    }
}

/// What the entries select. That an entry is there decides, whether or not it is empty.
fn kind(snapshot: &Snapshot, content: Content<'_>) -> CredentialKind {
    let entry = |key: &str| content.entry(snapshot.names.find(key));
    if entry("AZURE_CLIENT_SECRET").is_some() {
        CredentialKind::ClientSecret
    } else if entry("AZURE_CLIENT_CERTIFICATE").is_some() {
        CredentialKind::Certificate
    } else if entry("AZURE_USER_ASSIGNED_IDENTITY_CREDENTIALS").is_some() {
        CredentialKind::IdentityFile
    } else {
        match entry("AUTH_MODE") {
            Some(AsoText::Text(mode)) if snapshot.text(mode) == "podidentity" => CredentialKind::PodIdentity,
            _ => CredentialKind::WorkloadIdentity,
        }
    }
}

/// Why a Secret cannot be used.
fn problem(snapshot: &Snapshot, content: Content<'_>, multi_env: Option<bool>) -> Option<CredentialProblem> {
    let entry = |key: &str| content.entry(snapshot.names.find(key));
    if let Some(missing) = REQUIRED.into_iter().find(|key| entry(key).is_none()) {
        return Some(CredentialProblem::MissingKey(missing));
    }
    match CLOUD.into_iter().filter(|key| entry(key).is_some()).count() {
        0 => {}
        some if some < CLOUD.len() => return Some(CredentialProblem::IncompleteCloud),
        _ if multi_env == Some(false) => return Some(CredentialProblem::CloudNotAllowed),
        _ => {}
    }
    if kind(snapshot, content) != CredentialKind::WorkloadIdentity {
        return None;
    }
    match entry("AUTH_MODE") {
        None | Some(AsoText::Empty) => None,
        Some(AsoText::Text(mode)) if snapshot.text(mode) == "workloadidentity" => None,
        Some(_) => Some(CredentialProblem::UnknownAuthMode),
    }
}
