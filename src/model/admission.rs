//! What the API server asks before it stores or converts an object: admission webhooks and policies, aggregated APIs, conversion
//! webhooks. Read only for escalations. Whether a policy really refuses something is not evaluated.

use super::intern::Name;
use super::object::{ClusterId, Origin};

/// A webhook configuration, or an admission policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// The cluster.
    pub cluster: ClusterId,
    /// What it is.
    pub kind: AdmissionKind,
    /// The name.
    pub name: Name,
    /// The webhooks of a configuration; of a policy itself as the one that there is.
    pub hooks: Box<[AdmissionHook]>,
    /// Where it was read.
    pub origin: Origin,
}

/// One thing that is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdmissionHook {
    /// The name of a webhook; empty for a policy.
    pub name: Name,
    /// Whether it may be asked when a pod is created. Selectors and conditions are not looked at, so a yes may be too much.
    pub pods: bool,
    /// Whether what it is asked about is let through when there is no answer (`failurePolicy: Ignore`).
    pub ignores_failure: bool,
    /// Who answers.
    pub backend: Backend,
}

/// Who answers the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// A Service of the cluster.
    Service {
        /// The namespace.
        namespace: Name,
        /// The name.
        name: Name,
    },
    /// An address anywhere.
    Url,
    /// The API server itself.
    Local,
}

/// The kinds of [`Admission`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AdmissionKind {
    /// `MutatingWebhookConfiguration`.
    MutatingWebhook,
    /// `ValidatingWebhookConfiguration`.
    ValidatingWebhook,
    /// `MutatingAdmissionPolicy`.
    MutatingPolicy,
    /// `ValidatingAdmissionPolicy`.
    ValidatingPolicy,
}

impl AdmissionKind {
    /// All of them.
    pub const ALL: [AdmissionKind; 4] = [
        AdmissionKind::MutatingWebhook,
        AdmissionKind::ValidatingWebhook,
        AdmissionKind::MutatingPolicy,
        AdmissionKind::ValidatingPolicy,
    ];

    /// The API group of them all.
    pub const GROUP: &'static str = "admissionregistration.k8s.io";

    /// The name of the kind.
    pub fn as_str(self) -> &'static str {
        match self {
            AdmissionKind::MutatingWebhook => "MutatingWebhookConfiguration",
            AdmissionKind::ValidatingWebhook => "ValidatingWebhookConfiguration",
            AdmissionKind::MutatingPolicy => "MutatingAdmissionPolicy",
            AdmissionKind::ValidatingPolicy => "ValidatingAdmissionPolicy",
        }
    }

    /// The plural resource.
    pub fn resource(self) -> &'static str {
        match self {
            AdmissionKind::MutatingWebhook => "mutatingwebhookconfigurations",
            AdmissionKind::ValidatingWebhook => "validatingwebhookconfigurations",
            AdmissionKind::MutatingPolicy => "mutatingadmissionpolicies",
            AdmissionKind::ValidatingPolicy => "validatingadmissionpolicies",
        }
    }

    /// Whether it is a policy, and thus does nothing without a binding.
    pub fn is_policy(self) -> bool {
        matches!(self, AdmissionKind::MutatingPolicy | AdmissionKind::ValidatingPolicy)
    }
}

/// A binding that puts an admission policy in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyBinding {
    /// The cluster.
    pub cluster: ClusterId,
    /// The kind of the policy.
    pub kind: AdmissionKind,
    /// The binding's name.
    pub name: Name,
    /// The policy's name.
    pub policy: Name,
    /// Whether a broken rule refuses the request (`validationActions` has `Deny`); a mutation refuses nothing.
    pub denies: bool,
    /// Where it was read.
    pub origin: Origin,
}

/// An `APIService`: a group version that the API server serves itself or hands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiService {
    /// The cluster.
    pub cluster: ClusterId,
    /// The name, `VERSION.GROUP`.
    pub name: Name,
    /// Namespace and name of the Service that answers; none where the API server does itself.
    pub service: Option<(Name, Name)>,
    /// Where it was read.
    pub origin: Origin,
}

/// A CustomResourceDefinition whose objects go through a webhook to become another version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// The cluster.
    pub cluster: ClusterId,
    /// The name of the definition, `RESOURCE.GROUP`.
    pub name: Name,
    /// Who converts.
    pub backend: Backend,
    /// Where it was read.
    pub origin: Origin,
}
