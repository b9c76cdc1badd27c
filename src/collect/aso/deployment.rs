//! The Deployments that run the operator: their environment says how it works. Values are kept only of the settings that are no
//! secret.

use serde_json::value::RawValue;

use crate::collect::document::Reader;
use crate::collect::pods::{Container, PodSpec};
use crate::collect::shape::Text;
use crate::model::{AsoDeployment, AsoEnv, Controller, ControllerKind, Name};

/// What is in the image of the operator, or is its label.
const IMAGES: [&str; 2] = ["azureserviceoperator", "azure-service-operator"];
const LABEL: (&str, &str) = ("app.kubernetes.io/name", "azure-service-operator");

fn is_own(image: &str) -> bool {
    IMAGES.iter().any(|own| image.contains(own))
}

impl Reader {
    /// Adds a Deployment as the operator, if it is.
    pub(in crate::collect) fn aso_deployment(
        &mut self,
        controller: &Controller,
        pod: &PodSpec<'_>,
        replicas: Option<i64>,
    ) {
        if controller.kind != ControllerKind::Deployment {
            return;
        }
        let text = |name: Name| self.snapshot.text(name);
        let labelled = controller.labels.iter().any(|&(key, value)| (text(key), text(value)) == LABEL);
        let image = |container: &&Container<'_>| container.image.as_deref().is_some_and(is_own);
        let own = pod.running().find(image);
        if own.is_none() && !labelled {
            return;
        }
        let manager = || pod.running().find(|container| container.name.as_deref() == Some("manager"));
        let Some(container) = own.or_else(manager).or_else(|| pod.running().next()) else { return };
        let names = &mut self.snapshot.names;
        let image = names.intern(container.image.as_deref().unwrap_or_default());
        let env = container.env.iter().filter_map(|variable| {
            let name = variable.name.as_deref().filter(|name| !name.is_empty())?;
            let from = variable.value_from.as_ref();
            let value = match from.map(|from| from.secret_key_ref.as_ref()) {
                None => {
                    let value: Option<&RawValue> = variable.value;
                    let value: Text<'_> =
                        value.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
                    AsoEnv::Value(super::entries::plain(names, name, &value))
                }
                Some(None) => AsoEnv::Elsewhere,
                Some(Some(from)) => AsoEnv::Secret {
                    name: names.intern(from.name.as_deref().unwrap_or_default()),
                    key: names.intern(from.key.as_deref().unwrap_or_default()),
                    optional: from.optional == Some(true),
                },
            };
            Some((names.intern(name), value))
        });
        let env: Box<[(Name, AsoEnv)]> = env.collect();
        let from = container.env_from.iter().filter_map(|from| from.secret_ref.as_ref()?.name.as_deref());
        let env_from: Box<[Name]> = from.map(|name| names.intern(name)).collect();
        self.snapshot.aso_deployments.push(AsoDeployment {
            cluster: controller.cluster,
            namespace: controller.namespace,
            name: controller.name,
            service_account: controller.service_account,
            image,
            replicas: replicas.map(|count| u32::try_from(count).unwrap_or(0)),
            args: controller.args,
            env,
            env_from,
            origin: controller.origin,
        });
    }
}
