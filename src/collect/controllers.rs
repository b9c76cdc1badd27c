//! Workloads that make pods: what their pods run as, and what they can do to their node.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::document::{Meta, Reader, words};
use super::pods::PodSpec;
use super::powers::powers;
use super::shape::{Object, Text};
use crate::model::{Controller, ControllerKind, Labels, Name, NameListId, Origin};

/// The spec of any of the kinds; that of a CronJob holds the one of its Jobs.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ControllerSpec<'a> {
    #[serde(default)]
    replicas: Option<i64>,
    #[serde(borrow, default)]
    template: Option<Object<Template<'a>>>,
    #[serde(borrow, default)]
    job_template: Option<Object<JobTemplate<'a>>>,
}

#[derive(Debug, Deserialize)]
struct JobTemplate<'a> {
    #[serde(borrow, default)]
    spec: Option<Object<JobSpec<'a>>>,
}

#[derive(Debug, Deserialize)]
struct JobSpec<'a> {
    #[serde(borrow, default)]
    template: Option<Object<Template<'a>>>,
}

#[derive(Debug, Deserialize)]
struct Template<'a> {
    #[serde(borrow, default)]
    spec: Option<Object<PodSpec<'a>>>,
}

impl<'a> ControllerSpec<'a> {
    fn pod(&self) -> Option<&PodSpec<'a>> {
        let of_job = || self.job_template.as_ref()?.spec.as_ref()?.template.as_ref();
        let template = self.template.as_ref().or_else(of_job)?;
        template.spec.as_deref()
    }
}

#[derive(Debug, Deserialize)]
struct Owner {
    #[serde(default)]
    controller: Option<bool>,
}

/// What is in the images or labels of controllers that do to the cluster, or to Azure, what objects tell them to.
const DEPUTIES: [&str; 8] = [
    "argocd",
    "argoproj",
    "azure-service-operator",
    "azureserviceoperator",
    "fluxcd",
    "helm-controller",
    "kustomize-controller",
    "source-controller",
];

/// What is in arguments that may hold a secret.
const SECRETIVE: [&str; 7] = ["password", "passwd", "token", "secret", "apikey", "api-key", "credential"];

impl Reader {
    /// Adds a workload that makes pods.
    pub(super) fn controller(
        &mut self,
        kind: ControllerKind,
        name: &str,
        meta: &Meta<'_>,
        spec: Option<Box<ControllerSpec<'_>>>,
        at: Origin,
    ) {
        let nothing = PodSpec::default();
        let pod = spec.as_ref().and_then(|spec| spec.pod()).unwrap_or(&nothing);
        let (cluster, namespace, labels) = (self.cluster(), self.namespace(meta), self.labels(meta.labels, at));
        let owned = self.is_owned(meta.owner_references, at);
        let names = &mut self.snapshot.names;
        let name = names.intern(name);
        let service_account = pod.account().map(|account| names.intern(account));
        let images: Vec<Name> =
            pod.running().filter_map(|container| container.image.as_deref()).map(|image| names.intern(image)).collect();
        let args = if self.is_deputy(&images, &labels) { self.args(pod, at) } else { NameListId::EMPTY };
        let images = self.snapshot.lists.intern(&images);
        let controller = Controller {
            cluster,
            kind,
            namespace,
            name,
            service_account,
            automount: pod.automount_service_account_token,
            powers: powers(pod),
            owned,
            labels,
            images,
            args,
            origin: at,
        };
        self.aso_deployment(&controller, pod, spec.as_ref().and_then(|spec| spec.replicas));
        self.snapshot.controllers.push(controller);
    }

    fn is_owned(&mut self, owners: Option<&RawValue>, at: Origin) -> bool {
        let Some(owners) = owners else { return false };
        match serde_json::from_str::<Option<Vec<Object<Owner>>>>(owners.get()) {
            Ok(owners) => owners.is_some_and(|owners| owners.iter().any(|owner| owner.controller == Some(true))),
            Err(error) => {
                self.problem(at, format!("in `metadata.ownerReferences`: {}", words(&error)));
                false
            }
        }
    }

    fn is_deputy(&self, images: &[Name], labels: &Labels) -> bool {
        let texts = images.iter().chain(labels.iter().map(|(_, value)| value)).map(|&name| self.snapshot.text(name));
        // `flux` alone would be in `influxdb`.
        texts.into_iter().any(|text| text == "flux" || DEPUTIES.iter().any(|word| text.contains(word)))
    }

    /// Commands and arguments, without those that may hold a secret.
    fn args(&mut self, pod: &PodSpec<'_>, at: Origin) -> NameListId {
        let mut kept = Vec::new();
        for raw in pod.running().flat_map(|container| [container.command, container.args]).flatten() {
            let words = match serde_json::from_str::<Option<Vec<Text<'_>>>>(raw.get()) {
                Ok(words) => words.unwrap_or_default(),
                Err(error) => {
                    self.problem(at, format!("in `command` or `args` of a container: {}", words(&error)));
                    continue;
                }
            };
            let mut value_is_secret = false;
            for word in &words {
                let is_flag = word.starts_with('-');
                let is_value = value_is_secret && !is_flag;
                let lower = word.to_ascii_lowercase();
                let is_secretive = SECRETIVE.iter().any(|part| lower.contains(part));
                value_is_secret = is_secretive && is_flag && !word.contains('=');
                if !is_value && !is_secretive {
                    kept.push(self.snapshot.names.intern(word));
                }
            }
        }
        self.snapshot.lists.intern(&kept)
    }
}

#[cfg(test)]
mod tests;
