//! What Secrets of files are good for, and which Secrets an account names. Of a Secret's content only the names of its entries
//! are looked at, and none is kept but those of ASO's credentials (`aso/entries.rs`).

use serde::Deserialize;
use serde::de::Deserializer;
use serde_json::value::RawValue;

use super::aso::entries::{Coding, Entries};
use super::document::{Meta, Reader};
use super::shape::{Object, Pairs, Text, list};
use crate::model::{
    ASO_CREDENTIAL, ASO_SETTINGS, AsoSecret, AsoSecretContent, Name, Origin, REFLECTION_ALLOWED, REFLECTION_NAMESPACES,
    Secret, SecretPurpose, ServiceAccount, copied_to,
};

/// Says in a saved snapshot what a Secret is good for where its type does not.
pub(super) const PURPOSE: &str = "rbac-lens.dev/purpose";

/// The words for it.
const PURPOSES: [(&str, SecretPurpose); 2] =
    [("kubeconfig", SecretPurpose::Kubeconfig), ("argo-cluster", SecretPurpose::ArgoCluster)];

/// The label by which Argo CD finds the Secrets of its clusters, and its value.
pub(super) const ARGO: (&str, &str) = ("argocd.argoproj.io/secret-type", "cluster");
/// The label by which Cluster API marks what belongs to a cluster.
pub(super) const CLUSTER_API: &str = "cluster.x-k8s.io/cluster-name";
/// How Cluster API names a cluster's kubeconfig.
pub(super) const KUBECONFIG_ENDING: &str = "-kubeconfig";

const ACCOUNT: &str = "kubernetes.io/service-account.name";

/// Entries by which an exported kubeconfig is known.
const KUBECONFIG_ENTRIES: [&str; 3] = ["kubeconfig", "kubeconfig.yaml", "admin.conf"];

/// What the type alone says. The account of a token is named by an annotation, so it is still missing.
pub(super) fn by_type(kind: &str) -> SecretPurpose {
    match kind {
        "kubernetes.io/service-account-token" => SecretPurpose::Token(None),
        "bootstrap.kubernetes.io/token" => SecretPurpose::Bootstrap,
        "cluster.x-k8s.io/secret" => SecretPurpose::Kubeconfig,
        _ => SecretPurpose::Other,
    }
}

/// What the fields of a Secret or of a ServiceAccount held.
#[derive(Default)]
pub(super) struct Fields<'a> {
    secret_type: Option<Text<'a>>,
    entries: Entries<'a>,
    automount: Option<bool>,
    secrets: Vec<Object<SecretRef<'a>>>,
}

#[derive(Debug, Deserialize)]
struct SecretRef<'a> {
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
}

impl Fields<'_> {
    /// The field as errors name it.
    pub(super) fn place(field: &str) -> &'static str {
        ["type", "automountServiceAccountToken", "secrets", "data", "stringData"]
            .into_iter()
            .find(|known| *known == field)
            .unwrap_or_default()
    }
}

impl<'de> Fields<'de> {
    pub(super) fn read<D: Deserializer<'de>>(&mut self, field: &str, value: D) -> Result<(), D::Error> {
        match field {
            "type" => self.secret_type = Option::deserialize(value)?,
            "automountServiceAccountToken" => self.automount = Option::deserialize(value)?,
            "secrets" => self.secrets = list(value)?,
            "stringData" => self.entries.read(Coding::Plain, value)?,
            _ => self.entries.read(Coding::Base64, value)?,
        }
        Ok(())
    }
}

impl Reader {
    /// Adds a Secret.
    pub(super) fn secret(&mut self, name: &str, meta: &Meta<'_>, fields: &Fields<'_>, at: Origin) {
        let namespace = self.namespace(meta);
        // The API server's default (kubernetes pkg/apis/core/v1/defaults.go).
        let kind = fields.secret_type.as_deref().filter(|kind| !kind.is_empty()).unwrap_or("Opaque");
        let purpose =
            if self.needs().escalations { self.purpose(name, kind, meta, fields, at) } else { SecretPurpose::Other };
        let cluster = self.cluster();
        let entries_seen = fields.entries.seen();
        let is_aso = entries_seen && (matches!(name, ASO_CREDENTIAL | ASO_SETTINGS) || fields.entries.is_aso());
        let copied_to = if is_aso { self.copied_to(meta, at) } else { None };
        let names = &mut self.snapshot.names;
        let (name, kind) = (names.intern(name), names.intern(kind));
        if is_aso {
            let content = AsoSecretContent::Entries(fields.entries.kept(names));
            self.snapshot.aso_secrets.push(AsoSecret { cluster, namespace, name, content, copied_to, origin: at });
        }
        self.snapshot.secrets.push(Secret { cluster, namespace, name, kind, purpose, entries_seen, origin: at });
    }

    fn purpose(&mut self, name: &str, kind: &str, meta: &Meta<'_>, fields: &Fields<'_>, at: Origin) -> SecretPurpose {
        match by_type(kind) {
            SecretPurpose::Token(_) => {
                let account = self.value_of(meta.annotations, "annotations", ACCOUNT, at);
                let account = account.filter(|account| !account.is_empty());
                SecretPurpose::Token(account.map(|account| self.snapshot.names.intern(&account)))
            }
            SecretPurpose::Other => {
                let said = self.value_of(meta.annotations, "annotations", PURPOSE, at);
                let said = PURPOSES.into_iter().find(|(word, _)| said.as_deref() == Some(word));
                if let Some((_, purpose)) = said {
                    return purpose;
                }
                let mut label = |key| self.value_of(meta.labels, "labels", key, at);
                let (of_cluster, argo) = (label(CLUSTER_API).is_some(), label(ARGO.0));
                if fields.entries.has_any(&KUBECONFIG_ENTRIES) || of_cluster && name.ends_with(KUBECONFIG_ENDING) {
                    SecretPurpose::Kubeconfig
                } else if argo.as_deref() == Some(ARGO.1) {
                    SecretPurpose::ArgoCluster
                } else {
                    SecretPurpose::Other
                }
            }
            known => known,
        }
    }

    /// Where the Secret may be copied to.
    fn copied_to(&mut self, meta: &Meta<'_>, at: Origin) -> Option<Name> {
        let [allowed, namespaces] = [REFLECTION_ALLOWED, REFLECTION_NAMESPACES]
            .map(|key| self.value_of(meta.annotations, "annotations", key, at));
        let value = |key: &str| if key == REFLECTION_ALLOWED { allowed.as_deref() } else { namespaces.as_deref() };
        copied_to(value).map(|patterns| self.snapshot.names.intern(patterns))
    }

    /// The value of one label or annotation.
    fn value_of<'a>(&mut self, raw: Option<&'a RawValue>, field: &str, key: &str, at: Origin) -> Option<Text<'a>> {
        // Most objects do not have it, so that only a text which may hold it is taken apart.
        let raw = raw.filter(|raw| raw.get().contains(key) || raw.get().contains('\\'))?;
        match serde_json::from_str::<Option<Pairs<'_>>>(raw.get()) {
            Ok(pairs) => pairs?.0.into_iter().rfind(|(found, _)| &**found == key).map(|(_, value)| value),
            Err(error) => {
                let words = super::document::words(&error);
                self.problem(at, format!("in `metadata.{field}`: {words}"));
                None
            }
        }
    }

    /// Adds a ServiceAccount.
    pub(super) fn service_account(&mut self, name: &str, meta: &Meta<'_>, fields: &Fields<'_>, at: Origin) {
        let (cluster, namespace) = (self.cluster(), self.namespace(meta));
        let names = &mut self.snapshot.names;
        let name = names.intern(name);
        let given = fields.secrets.iter().filter_map(|secret| secret.name.as_deref()).filter(|name| !name.is_empty());
        let secrets: Vec<Name> = given.map(|secret| names.intern(secret)).collect();
        let secrets = self.snapshot.lists.intern(&secrets);
        let automount = fields.automount;
        self.snapshot.service_accounts.push(ServiceAccount {
            cluster,
            namespace,
            name,
            automount,
            secrets,
            origin: at,
        });
    }
}

#[cfg(test)]
mod tests;
