//! The operators of a cluster and their settings: the environment of their Deployments first, the Secret behind it second.

use super::place::{Content, content};
use super::{AsoOptions, CredentialIx};
use crate::model::{
    ASO_ACCOUNT, ASO_SETTINGS, AsoDeployment, AsoEnv, AsoText, ClusterId, Gap, Name, ReconcilePolicy, Snapshot, Subject,
};

/// An operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// Its namespace.
    pub namespace: Name,
    /// The Deployment that runs it; none when Deployments could not be read, and its settings were found.
    pub deployment: Option<Name>,
    /// The account that it runs as.
    pub account: Subject,
    /// What it does.
    pub mode: OperatorMode,
    /// Whether its Deployment has no pods.
    pub scaled_down: bool,
    /// The namespaces whose resources it reconciles.
    pub targets: Targets,
    /// Whose token it gives to Azure for the credentials of namespaces and resources.
    pub tokens: TokenMode,
    /// Why that is thought.
    pub tokens_because: TokenReason,
    /// Whether credentials may name another cloud; none when that is not known.
    pub multi_env: Option<bool>,
    /// Its version, by its image.
    pub version: Option<String>,
    /// What it does for resources that do not say it.
    pub default_policy: ReconcilePolicy,
    /// Its own credential.
    pub global: Option<CredentialIx>,
    /// Whether its settings were to be seen, so that no global credential is none.
    pub global_known: bool,
    pub(super) settings: Settings,
}

/// What an operator does (`AZURE_OPERATOR_MODE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorMode {
    /// Webhooks and reconciling.
    Both,
    /// Reconciling.
    Watchers,
    /// Only webhooks: it has no power in Azure.
    Webhooks,
}

/// The namespaces of an operator (`AZURE_TARGET_NAMESPACES`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Targets {
    /// All of them.
    All,
    /// These.
    Only(Vec<String>),
    /// The setting could not be read; it is taken for all.
    Unknown,
}

/// Whose token an operator gives to Azure (`AZURE_WORKLOAD_IDENTITY_AUTH_MODE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenMode {
    /// Its own for every namespace: whoever names an identity gets it, if the identity trusts the operator.
    Relaxed,
    /// That of an account in the namespace of the resource.
    Strict,
}

/// Why a [`TokenMode`] is thought to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenReason {
    /// It was asked for so.
    Assumed,
    /// The setting says so.
    Setting,
    /// The setting is not there, and releases up to v2.21 know no other.
    Default,
    /// The settings could not be read, and the ClusterRole that a strict operator needs is there.
    Role,
    /// The settings could not be read, and that ClusterRole is not there.
    NoRole,
}

/// A setting of an operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Setting {
    #[default]
    Unset,
    Empty,
    Text(Name),
    /// There, and not kept.
    Hidden,
    Unknown,
}

/// The settings that the global credential is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) subscription: Setting,
    pub(super) tenant: Setting,
    pub(super) client: Setting,
    pub(super) workload_identity: Setting,
    pub(super) certificate: Setting,
    pub(super) identity_file: Setting,
    pub(super) secret: Setting,
}

/// What the chart makes for a strict operator only.
const TOKEN_CREATOR: &str = "azureserviceoperator-workload-identity-token-creator-role";

impl Operator {
    /// Whether it changes anything in Azure.
    pub fn is_active(&self) -> bool {
        self.mode != OperatorMode::Webhooks && !self.scaled_down
    }

    /// Whether resources may have it write any text into a Secret (`operatorSpec.secretExpressions`): releases before v2.11.0 do not
    /// know how (<https://github.com/Azure/azure-service-operator/releases/tag/v2.11.0>). One whose tag is none of its releases may
    /// be new.
    pub fn has_expressions(&self) -> bool {
        !matches!(self.version.as_deref().and_then(release), Some((2, 0..11)))
    }

    /// Whether it reconciles what is in a namespace.
    pub fn reconciles(&self, namespace: &str) -> bool {
        self.is_active()
            && match &self.targets {
                Targets::All | Targets::Unknown => true,
                Targets::Only(all) => all.iter().any(|own| own == namespace),
            }
    }
}

/// The operators of a cluster, by namespace.
pub(super) fn operators(snapshot: &Snapshot, cluster: ClusterId, options: AsoOptions) -> Vec<Operator> {
    let own = snapshot.aso_deployments.iter().filter(|at| at.cluster == cluster);
    let mut found: Vec<Operator> = own
        .map(|at| Source { snapshot, cluster, deployment: Some(at), namespace: at.namespace }.operator(options))
        .collect();
    // Without Deployments an operator is still known by its settings.
    if snapshot.gaps.iter().any(|gap: &Gap| gap.resource == "deployments") {
        let settings = snapshot.names.find(ASO_SETTINGS);
        let own = snapshot.aso_secrets.iter().filter(|at| at.cluster == cluster && Some(at.name) == settings);
        for secret in own.filter(|at| matches!(at.content, crate::model::AsoSecretContent::Entries(_))) {
            if found.iter().all(|at| at.namespace != secret.namespace) {
                let source = Source { snapshot, cluster, deployment: None, namespace: secret.namespace };
                found.push(source.operator(options));
            }
        }
    }
    found.sort_by_key(|at| (at.namespace, at.deployment));
    found
}

/// Where the settings of one operator are.
struct Source<'s> {
    snapshot: &'s Snapshot,
    cluster: ClusterId,
    deployment: Option<&'s AsoDeployment>,
    namespace: Name,
}

impl Source<'_> {
    fn operator(&self, options: AsoOptions) -> Operator {
        let names = &self.snapshot.names;
        let text = |setting: Setting| match setting {
            Setting::Text(name) => Some(names.text(name)),
            _ => None,
        };
        let account = self
            .deployment
            .map_or_else(|| names.find(ASO_ACCOUNT), |at| at.service_account.or_else(|| names.find("default")));
        let targets = match self.setting("AZURE_TARGET_NAMESPACES") {
            Setting::Unset | Setting::Empty => Targets::All,
            Setting::Text(list) => {
                let all = names.text(list).split(',').map(str::trim).filter(|name| !name.is_empty());
                Targets::Only(all.map(str::to_owned).collect())
            }
            Setting::Hidden | Setting::Unknown => Targets::Unknown,
        };
        let (tokens, tokens_because) = self.tokens(options);
        let settings = Settings {
            subscription: self.setting("AZURE_SUBSCRIPTION_ID"),
            tenant: self.setting("AZURE_TENANT_ID"),
            client: self.setting("AZURE_CLIENT_ID"),
            workload_identity: self.setting("USE_WORKLOAD_IDENTITY_AUTH"),
            certificate: self.setting("AZURE_CLIENT_CERTIFICATE"),
            identity_file: self.setting("AZURE_USER_ASSIGNED_IDENTITY_CREDENTIALS"),
            secret: self.setting("AZURE_CLIENT_SECRET"),
        };
        Operator {
            namespace: self.namespace,
            deployment: self.deployment.map(|at| at.name),
            account: Subject::ServiceAccount { namespace: self.namespace, name: account.unwrap_or(Name::EMPTY) },
            mode: match text(self.setting("AZURE_OPERATOR_MODE")) {
                Some(mode) if mode.eq_ignore_ascii_case("webhooks") => OperatorMode::Webhooks,
                Some(mode) if mode.eq_ignore_ascii_case("watchers") => OperatorMode::Watchers,
                _ => OperatorMode::Both,
            },
            scaled_down: self.deployment.is_some_and(|at| at.replicas == Some(0)),
            targets,
            tokens,
            tokens_because,
            multi_env: match self.setting("ALLOW_MULTI_ENV_MANAGEMENT") {
                Setting::Unknown => None,
                setting => Some(text(setting).is_some_and(is_true)),
            },
            version: self.deployment.and_then(|at| version(names.text(at.image))),
            default_policy: text(self.setting("DEFAULT_RECONCILE_POLICY"))
                .and_then(ReconcilePolicy::parse)
                .unwrap_or_default(),
            global: None,
            global_known: settings.subscription != Setting::Unknown,
            settings,
        }
    }

    fn tokens(&self, options: AsoOptions) -> (TokenMode, TokenReason) {
        if let Some(mode) = options.assume {
            return (mode, TokenReason::Assumed);
        }
        match self.setting("AZURE_WORKLOAD_IDENTITY_AUTH_MODE") {
            Setting::Text(name) if self.snapshot.text(name).eq_ignore_ascii_case("strict") => {
                (TokenMode::Strict, TokenReason::Setting)
            }
            Setting::Text(_) => (TokenMode::Relaxed, TokenReason::Setting),
            Setting::Unset | Setting::Empty => (TokenMode::Relaxed, TokenReason::Default),
            Setting::Hidden | Setting::Unknown => {
                let role = self.snapshot.names.find(TOKEN_CREATOR);
                let is_role = |name| {
                    let key = (self.cluster, None, name);
                    self.snapshot.roles.binary_search_by_key(&key, |at| (at.cluster, at.namespace, at.name)).is_ok()
                };
                match role.is_some_and(is_role) {
                    true => (TokenMode::Strict, TokenReason::Role),
                    false => (TokenMode::Relaxed, TokenReason::NoRole),
                }
            }
        }
    }

    /// One setting as the operator's container has it.
    fn setting(&self, key: &str) -> Setting {
        let names = &self.snapshot.names;
        // A name that the input does not have is nowhere set.
        let Some(key) = names.find(key) else { return self.unnamed() };
        let Some(deployment) = self.deployment else { return self.of_secret(names.find(ASO_SETTINGS), key) };
        if let Some((_, env)) = deployment.env.iter().rfind(|(name, _)| *name == key) {
            return match *env {
                AsoEnv::Value(text) => setting(text),
                AsoEnv::Secret { name, key, .. } => self.of_secret(Some(name), key),
                AsoEnv::Elsewhere => Setting::Unknown,
            };
        }
        for &secret in deployment.env_from.iter().rev() {
            match self.of_secret(Some(secret), key) {
                Setting::Unset => {}
                found => return found,
            }
        }
        // A Deployment without any environment was cut short: its chart always has one.
        let is_cut = deployment.env.is_empty() && deployment.env_from.is_empty();
        if is_cut { self.of_secret(names.find(ASO_SETTINGS), key) } else { Setting::Unset }
    }

    /// What a setting is whose name stands nowhere: unset, unless it could stand in a Secret that was not read.
    fn unnamed(&self) -> Setting {
        let unread = |secret: Option<Name>| {
            secret.is_none_or(|secret| content(self.snapshot, self.cluster, self.namespace, secret) == Content::Unknown)
        };
        let settings = || unread(self.snapshot.names.find(ASO_SETTINGS));
        let may_be = match self.deployment {
            None => settings(),
            Some(at) if at.env.is_empty() && at.env_from.is_empty() => settings(),
            Some(at) => at.env_from.iter().any(|&secret| unread(Some(secret))),
        };
        if may_be { Setting::Unknown } else { Setting::Unset }
    }

    fn of_secret(&self, secret: Option<Name>, key: Name) -> Setting {
        let Some(secret) = secret else { return Setting::Unknown };
        let content = content(self.snapshot, self.cluster, self.namespace, secret);
        match content {
            Content::Unknown => Setting::Unknown,
            Content::Absent | Content::None => Setting::Unset,
            Content::Entries(_) => content.entry(Some(key)).map_or(Setting::Unset, setting),
        }
    }
}

fn setting(text: AsoText) -> Setting {
    match text {
        AsoText::Empty => Setting::Empty,
        AsoText::Hidden => Setting::Hidden,
        AsoText::Text(name) => Setting::Text(name),
    }
}

/// Whether Go's `strconv.ParseBool` takes a text for true.
pub(super) fn is_true(text: &str) -> bool {
    matches!(text, "1" | "t" | "T" | "TRUE" | "true" | "True")
}

/// The version that an image has as its tag.
fn version(image: &str) -> Option<String> {
    let (name, _) = image.split_once('@').unwrap_or((image, ""));
    let (_, last) = name.rsplit_once('/').unwrap_or(("", name));
    last.split_once(':').map(|(_, tag)| tag.to_owned())
}

/// The first two numbers of a version such as `v2.11.0`; none of a tag that is no version.
fn release(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.strip_prefix('v').unwrap_or(version).split('.');
    let mut number = || numbers.next()?.parse().ok();
    Some((number()?, number()?))
}
