//! Admission webhooks and policies, aggregated APIs, conversion webhooks: whom the API server asks, and about what.

use serde::Deserialize;

use super::document::Reader;
use super::shape::{Object, Text, list};
use crate::model::{
    Admission, AdmissionHook, AdmissionKind, ApiService, Backend, Conversion, Name, Names, Origin, PolicyBinding,
};

/// One of a configuration's `webhooks`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
pub(super) struct Webhook<'a> {
    name: Option<Text<'a>>,
    failure_policy: Option<Text<'a>>,
    client_config: Option<Object<ClientConfig<'a>>>,
    #[serde(deserialize_with = "list")]
    rules: Vec<Object<AskedAbout<'a>>>,
}

/// Where a webhook is.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound = "'de: 'a")]
struct ClientConfig<'a> {
    service: Option<Object<ServiceRef<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound = "'de: 'a")]
struct ServiceRef<'a> {
    namespace: Option<Text<'a>>,
    name: Option<Text<'a>>,
}

/// A rule of a webhook or of a policy: the requests that it is about.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct AskedAbout<'a> {
    #[serde(deserialize_with = "list")]
    operations: Vec<Text<'a>>,
    #[serde(deserialize_with = "list")]
    api_groups: Vec<Text<'a>>,
    #[serde(deserialize_with = "list")]
    resources: Vec<Text<'a>>,
    scope: Option<Text<'a>>,
}

/// The spec of a policy, of a policy's binding, or of an APIService.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
pub(super) struct AdmissionSpec<'a> {
    failure_policy: Option<Text<'a>>,
    match_constraints: Option<Object<MatchConstraints<'a>>>,
    policy_name: Option<Text<'a>>,
    #[serde(deserialize_with = "list")]
    validation_actions: Vec<Text<'a>>,
    service: Option<Object<ServiceRef<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct MatchConstraints<'a> {
    #[serde(deserialize_with = "list")]
    resource_rules: Vec<Object<AskedAbout<'a>>>,
}

/// The `conversion` of a CustomResourceDefinition.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound = "'de: 'a")]
pub(super) struct ConversionIn<'a> {
    strategy: Option<Text<'a>>,
    webhook: Option<Object<ConversionWebhook<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct ConversionWebhook<'a> {
    client_config: Option<Object<ClientConfig<'a>>>,
}

impl AskedAbout<'_> {
    /// Whether the creation of a pod is among the requests. `*` is every resource and no subresource, `*/*` is both.
    fn creation_of_pods(&self) -> bool {
        let one_of = |list: &[Text<'_>], words: &[&str]| list.iter().any(|found| words.contains(&&**found));
        one_of(&self.operations, &["CREATE", "*"])
            && one_of(&self.api_groups, &["", "*"])
            && one_of(&self.resources, &["pods", "*", "*/*"])
            && self.scope.as_deref() != Some("Cluster")
    }
}

impl ServiceRef<'_> {
    fn names(&self, names: &mut Names) -> (Name, Name) {
        let [namespace, name] = [&self.namespace, &self.name].map(|text| text.as_deref().unwrap_or_default());
        (names.intern(namespace), names.intern(name))
    }
}

impl Reader {
    /// Adds a webhook configuration.
    pub(super) fn webhooks(&mut self, kind: AdmissionKind, name: &str, webhooks: &[Object<Webhook<'_>>], at: Origin) {
        let hook = |webhook: &Object<Webhook<'_>>| AdmissionHook {
            name: self.snapshot.names.intern(webhook.name.as_deref().unwrap_or_default()),
            pods: webhook.rules.iter().any(|rule| rule.creation_of_pods()),
            ignores_failure: webhook.failure_policy.as_deref() == Some("Ignore"),
            backend: self.backend(webhook.client_config.as_deref()),
        };
        let hooks = webhooks.iter().map(hook).collect();
        self.admission(kind, name, hooks, at);
    }

    /// Adds an admission policy.
    pub(super) fn policy(&mut self, kind: AdmissionKind, name: &str, spec: Option<&AdmissionSpec<'_>>, at: Origin) {
        let constraints = spec.and_then(|spec| spec.match_constraints.as_deref());
        let asked = |at: &MatchConstraints<'_>| at.resource_rules.iter().any(|rule| rule.creation_of_pods());
        let hook = AdmissionHook {
            name: Name::EMPTY,
            // Without constraints a policy is not valid; it is not taken for harmless.
            pods: constraints.is_none_or(asked),
            ignores_failure: spec.and_then(|spec| spec.failure_policy.as_deref()) == Some("Ignore"),
            backend: Backend::Local,
        };
        self.admission(kind, name, Box::new([hook]), at);
    }

    fn admission(&mut self, kind: AdmissionKind, name: &str, hooks: Box<[AdmissionHook]>, at: Origin) {
        let (cluster, name) = (self.cluster(), self.snapshot.names.intern(name));
        self.snapshot.admissions.push(Admission { cluster, kind, name, hooks, origin: at });
    }

    /// Adds a binding of an admission policy.
    pub(super) fn policy_binding(
        &mut self,
        kind: AdmissionKind,
        name: &str,
        spec: Option<&AdmissionSpec<'_>>,
        at: Origin,
    ) {
        let (cluster, names) = (self.cluster(), &mut self.snapshot.names);
        let (name, policy) = (names.intern(name), spec.and_then(|spec| spec.policy_name.as_deref()));
        let policy = names.intern(policy.unwrap_or_default());
        let denies = spec.is_some_and(|spec| spec.validation_actions.iter().any(|action| &**action == "Deny"));
        self.snapshot.policy_bindings.push(PolicyBinding { cluster, kind, name, policy, denies, origin: at });
    }

    /// Adds an APIService.
    pub(super) fn api_service(&mut self, name: &str, spec: Option<&AdmissionSpec<'_>>, at: Origin) {
        let (cluster, names) = (self.cluster(), &mut self.snapshot.names);
        let name = names.intern(name);
        let service = spec.and_then(|spec| spec.service.as_ref()).map(|service| service.names(names));
        self.snapshot.api_services.push(ApiService { cluster, name, service, origin: at });
    }

    /// Adds the conversion webhook of a CustomResourceDefinition, if it has one.
    pub(super) fn conversion(&mut self, name: &str, conversion: Option<&ConversionIn<'_>>, at: Origin) {
        let Some(conversion) = conversion.filter(|at| at.strategy.as_deref() == Some("Webhook")) else { return };
        let config = conversion.webhook.as_ref().and_then(|webhook| webhook.client_config.as_deref());
        let backend = self.backend(config);
        let (cluster, name) = (self.cluster(), self.snapshot.names.intern(name));
        self.snapshot.conversions.push(Conversion { cluster, name, backend, origin: at });
    }

    fn backend(&mut self, config: Option<&ClientConfig<'_>>) -> Backend {
        let service = config.and_then(|config| config.service.as_ref());
        service.map_or(Backend::Url, |service| {
            let (namespace, name) = service.names(&mut self.snapshot.names);
            Backend::Service { namespace, name }
        })
    }
}

#[cfg(test)]
mod tests;
