//! What escalations go through, as objects that say as much as was read of them.

use std::io;

use serde::Serialize;
use serde_json::{Value, json};

use super::powers::{PowersOut, host_paths};
use super::{Lines, Meta};
use crate::model::{
    Admission, AdmissionHook, AdmissionKind, Backend, Controller, ControllerKind, Deputy, DeputyKind, DeputySpec,
    Destination, Name, Snapshot,
};

const API_SERVICE: (&str, &str) = ("apiregistration.k8s.io", "APIService");
pub(super) const DEFINITION: (&str, &str) = ("apiextensions.k8s.io", "CustomResourceDefinition");

/// A line with whatever fields its kind has.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    api_version: &'a str,
    kind: &'a str,
    metadata: MetaOut<'a>,
    #[serde(flatten)]
    fields: Value,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MetaOut<'a> {
    #[serde(flatten)]
    meta: Meta<'a>,
    #[serde(skip_serializing_if = "<[Value]>::is_empty")]
    owner_references: &'a [Value],
}

/// How many lines each kind gets.
pub(super) fn counts<'a>(snapshot: &'a Snapshot, count: &mut dyn FnMut(&'a str, &'a str, usize)) {
    for kind in ControllerKind::ALL {
        count(kind.group(), kind.as_str(), snapshot.controllers.iter().filter(|at| at.kind == kind).count());
    }
    for kind in AdmissionKind::ALL {
        count(AdmissionKind::GROUP, kind.as_str(), snapshot.admissions.iter().filter(|at| at.kind == kind).count());
    }
    for (kind, name) in BINDINGS {
        count(AdmissionKind::GROUP, name, snapshot.policy_bindings.iter().filter(|at| at.kind == kind).count());
    }
    count(API_SERVICE.0, API_SERVICE.1, snapshot.api_services.len());
    for kind in DeputyKind::ALL {
        count(kind.group(), kind.as_str(), snapshot.deputies.iter().filter(|at| at.kind == kind).count());
    }
}

/// The kinds of the policies' bindings.
const BINDINGS: [(AdmissionKind, &str); 2] = [
    (AdmissionKind::MutatingPolicy, "MutatingAdmissionPolicyBinding"),
    (AdmissionKind::ValidatingPolicy, "ValidatingAdmissionPolicyBinding"),
];

impl<'a> Lines<'a, '_> {
    /// The lines of all of them.
    pub(super) fn escalations(&mut self) -> io::Result<()> {
        let snapshot = self.snapshot;
        for at in &snapshot.controllers {
            self.controller(at)?;
        }
        for at in &snapshot.admissions {
            let meta = self.meta(None, at.name, &[]);
            self.object((AdmissionKind::GROUP, at.kind.as_str()), meta, &[], self.admission(at))?;
        }
        for at in &snapshot.policy_bindings {
            let name = BINDINGS.into_iter().find(|(kind, _)| *kind == at.kind).map_or("", |(_, name)| name);
            let actions = if at.denies { &["Deny"][..] } else { &[] };
            let spec = json!({"policyName": self.text(at.policy), "validationActions": actions});
            let meta = self.meta(None, at.name, &[]);
            self.object((AdmissionKind::GROUP, name), meta, &[], json!({"spec": spec}))?;
        }
        for at in &snapshot.api_services {
            let service = at.service.map(|(namespace, name)| self.service(namespace, name));
            let meta = self.meta(None, at.name, &[]);
            self.object(API_SERVICE, meta, &[], json!({"spec": {"service": service}}))?;
        }
        for at in &snapshot.deputies {
            let meta = self.meta(Some(at.namespace), at.name, &[]);
            self.object((at.kind.group(), at.kind.as_str()), meta, &[], json!({"spec": self.deputy(at)}))?;
        }
        Ok(())
    }

    pub(super) fn object(
        &mut self,
        of: (&str, &str),
        meta: Meta<'_>,
        owner_references: &[Value],
        fields: Value,
    ) -> io::Result<()> {
        let api_version = self.api_version(of);
        let metadata = MetaOut { meta, owner_references };
        self.write(&Line { api_version: &api_version, kind: of.1, metadata, fields })
    }

    /// The version of an API group in which a kind was met, the last of several.
    fn api_version(&self, (group, kind): (&str, &str)) -> String {
        let of_group = |version: &str| version.split_once('/').map_or("", |(group, _)| group) == group;
        let first = (group.to_owned(), String::new());
        let met = self
            .snapshot
            .counts
            .range(first..)
            .map(|(key, _)| key)
            .take_while(|(version, _)| version.starts_with(group));
        let met = met.filter(|(version, found)| found == kind && of_group(version)).last();
        match met {
            Some((version, _)) => version.clone(),
            None if group.is_empty() => "v1".to_owned(),
            None => [group, "/v1"].concat(),
        }
    }

    fn controller(&mut self, controller: &Controller) -> io::Result<()> {
        let lists = &self.snapshot.lists;
        let powers = PowersOut::new(controller.powers);
        let mut images = self.texts(lists.get(controller.images)).into_iter();
        // The first container has whatever a container can have, the others only their images.
        let mut first = json!(powers.containers.first());
        if first.is_null() {
            first = json!({});
        }
        first["image"] = json!(images.next());
        first["args"] = json!(self.texts(lists.get(controller.args)));
        let mut containers: Vec<Value> =
            [first].into_iter().chain(images.map(|image| json!({"image": image}))).collect();
        let operator = self.deployment(controller.cluster, controller.namespace, controller.name);
        let operator = operator.filter(|_| controller.kind == ControllerKind::Deployment);
        if let Some(own) = operator {
            let image = self.text(own.image);
            let at = containers.iter().position(|container| container["image"] == image).unwrap_or(0);
            if let Some(container) = containers.get_mut(at) {
                container["name"] = json!("manager");
                (container["env"], container["envFrom"]) = self.operator(own);
            }
        }
        let volumes: Vec<Value> = host_paths(controller.powers)
            .map(|(power, path, _)| json!({"name": power.as_str(), "hostPath": {"path": path}}))
            .collect();
        let mut pod = json!(powers);
        pod["serviceAccountName"] = json!(controller.service_account.map(|account| self.text(account)));
        pod["automountServiceAccountToken"] = json!(controller.automount);
        pod["containers"] = containers.into();
        pod["volumes"] = volumes.into();
        let mut template = json!({"template": {"spec": pod}});
        if let Some(replicas) = operator.and_then(|own| own.replicas) {
            template["replicas"] = json!(replicas);
        }
        let spec = match controller.kind {
            ControllerKind::CronJob => json!({"jobTemplate": {"spec": template}}),
            _ => template,
        };
        let owners = controller.owned.then(|| json!({"controller": true}));
        let meta = self.meta(Some(controller.namespace), controller.name, &controller.labels);
        let of = (controller.kind.group(), controller.kind.as_str());
        self.object(of, meta, owners.as_slice(), json!({"spec": spec}))
    }

    fn admission(&self, admission: &Admission) -> Value {
        let rules = |hook: &AdmissionHook| {
            let pods = json!({"operations": ["CREATE"], "apiGroups": [""], "resources": ["pods"]});
            if hook.pods { json!([pods]) } else { json!([]) }
        };
        let policy = |hook: &AdmissionHook| if hook.ignores_failure { "Ignore" } else { "Fail" };
        if admission.kind.is_policy() {
            let spec =
                |hook| json!({"failurePolicy": policy(hook), "matchConstraints": {"resourceRules": rules(hook)}});
            return json!({"spec": admission.hooks.first().map(spec)});
        }
        let webhook = |hook: &AdmissionHook| {
            json!({"name": self.text(hook.name), "failurePolicy": policy(hook), "rules": rules(hook),
                "clientConfig": self.client_config(hook.backend)})
        };
        json!({"webhooks": admission.hooks.iter().map(webhook).collect::<Vec<_>>()})
    }

    fn service(&self, namespace: Name, name: Name) -> Value {
        json!({"namespace": self.text(namespace), "name": self.text(name)})
    }

    pub(super) fn client_config(&self, backend: Backend) -> Value {
        match backend {
            Backend::Service { namespace, name } => json!({"service": self.service(namespace, name)}),
            Backend::Url | Backend::Local => json!({}),
        }
    }

    fn deputy(&self, deputy: &Deputy) -> Value {
        match &deputy.spec {
            DeputySpec::Source => json!({}),
            DeputySpec::Apply(at) => {
                let source = at.source.map(|source| {
                    let mut reference = self.service(source.namespace, source.name);
                    reference["kind"] = json!(self.text(source.kind));
                    reference
                });
                let account = at.service_account.map(|account| self.text(account));
                let kube_config = at.remote.then(|| json!({}));
                json!({"serviceAccountName": account, "kubeConfig": kube_config, "sourceRef": source})
            }
            DeputySpec::Application { project, destination } => {
                json!({"project": self.text(*project), "destination": self.destination(*destination)})
            }
            DeputySpec::Project(at) => {
                let group_kind =
                    |&(group, kind): &(Name, Name)| json!({"group": self.text(group), "kind": self.text(kind)});
                let every = json!([{"group": "*", "kind": "*"}]);
                json!({
                    "namespaceResourceBlacklist": if at.every_namespaced { json!([]) } else { every },
                    "sourceRepos": if at.any_repository { json!(["*"]) } else { json!([]) },
                    "destinations": at.destinations.iter().map(|&at| self.destination(at)).collect::<Vec<_>>(),
                    "clusterResourceWhitelist": at.cluster_resources.iter().map(group_kind).collect::<Vec<_>>(),
                    "sourceNamespaces": self.texts(&at.source_namespaces),
                })
            }
        }
    }

    fn destination(&self, at: Destination) -> Value {
        json!({"server": self.text(at.server), "name": self.text(at.name), "namespace": self.text(at.namespace)})
    }
}
