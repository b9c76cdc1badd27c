//! Objects of Azure Service Operator, as objects that say as much as was read of them. Where a value was not kept, words stand that
//! say so.

use std::collections::BTreeMap;
use std::io;

use serde_json::{Map, Value, json};

use super::objects::DEFINITION;
use super::{Lines, Meta, Pairs};
use crate::model::{
    AsoDefinition, AsoDeployment, AsoEnv, AsoEvent, AsoOwner, AsoResource, AsoSecret, AsoSecretContent, AsoSpec,
    AsoText, AsoValueFrom, ClusterId, Conversion, GitOps, Name, REFLECTION_ALLOWED, REFLECTION_NAMESPACES,
    RoleReference, Secret, Snapshot,
};

/// What stands for a value that was not kept. No id or setting looks like it.
const NOT_KEPT: &str = "(not kept)";

/// How many lines each kind gets.
pub(super) fn counts<'a>(snapshot: &'a Snapshot, count: &mut dyn FnMut(&'a str, &'a str, usize)) {
    let mut kinds: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for at in &snapshot.aso_resources {
        *kinds.entry((snapshot.text(at.group), snapshot.text(at.kind))).or_default() += 1;
    }
    for ((group, kind), objects) in kinds {
        count(group, kind, objects);
    }
    count("", "Event", snapshot.aso_events.len());
    count(DEFINITION.0, DEFINITION.1, definitions(snapshot).len());
}

/// What is known of a definition as one of ASO's, and of its conversion.
type Definition<'s> = (Option<&'s AsoDefinition>, Option<&'s Conversion>);

/// The definitions that get a line: those of ASO, those that have a conversion, and most often both.
fn definitions(snapshot: &Snapshot) -> BTreeMap<(ClusterId, Name), Definition<'_>> {
    let mut all: BTreeMap<_, Definition<'_>> = BTreeMap::new();
    for at in &snapshot.aso_definitions {
        all.entry((at.cluster, at.name)).or_default().0 = Some(at);
    }
    for at in &snapshot.conversions {
        all.entry((at.cluster, at.name)).or_default().1 = Some(at);
    }
    all
}

/// The Secrets that were asked for by name, as the first line has them: not all of these are there, and the others are no list of
/// the namespace's Secrets.
pub(super) fn asked_for(snapshot: &Snapshot) -> Vec<Value> {
    let text = |name: Name| snapshot.text(name);
    let is_listed = |at: &AsoSecret| {
        let key = (at.cluster, at.namespace, at.name);
        let found = snapshot.secrets.binary_search_by_key(&key, |at| (at.cluster, at.namespace, at.name));
        found.is_ok_and(|at| snapshot.secrets[at].entries_seen)
    };
    let line = |at: &AsoSecret| {
        let (state, entries) = match &at.content {
            AsoSecretContent::Absent => ("absent", None),
            AsoSecretContent::Unreadable => ("unreadable", None),
            AsoSecretContent::Entries(entries) => {
                let kept = entries.iter().map(|&(key, kept)| (text(key).to_owned(), json!(shown(snapshot, kept))));
                ("read", Some(kept.collect::<Map<_, _>>()))
            }
        };
        let mut line = Map::new();
        put(&mut line, "namespace", Some(text(at.namespace)));
        put(&mut line, "name", Some(text(at.name)));
        put(&mut line, "state", Some(state));
        put(&mut line, "entries", entries);
        put(&mut line, "copiedTo", at.copied_to.map(text));
        Value::Object(line)
    };
    snapshot.aso_secrets.iter().filter(|at| !is_listed(at)).map(line).collect()
}

/// A value, or the words that stand for it.
fn shown(snapshot: &Snapshot, text: AsoText) -> &str {
    match text {
        AsoText::Empty => "",
        AsoText::Hidden => NOT_KEPT,
        AsoText::Text(name) => snapshot.text(name),
    }
}

impl<'a> Lines<'a, '_> {
    /// The lines of all of them but Secrets and Deployments, which have theirs.
    pub(super) fn aso(&mut self) -> io::Result<()> {
        let snapshot = self.snapshot;
        for ((_, name), (own, conversion)) in definitions(snapshot) {
            self.definition(name, own, conversion)?;
        }
        for at in &snapshot.aso_resources {
            self.aso_resource(at)?;
        }
        for at in &snapshot.aso_events {
            self.aso_event(at)?;
        }
        Ok(())
    }

    fn definition(
        &mut self,
        name: Name,
        own: Option<&AsoDefinition>,
        conversion: Option<&Conversion>,
    ) -> io::Result<()> {
        let conversion = conversion
            .map(|at| json!({"strategy": "Webhook", "webhook": {"clientConfig": self.client_config(at.backend)}}));
        let mut meta = self.meta(None, name, &[]);
        // What a definition cannot be without; what it defines is in the first line.
        let [mut group, mut plural, mut kind] = [""; 3];
        if let Some(own) = own {
            [group, plural, kind] = [own.group, own.plural, own.kind].map(|name| self.text(name));
            meta.labels.0.push(("app.kubernetes.io/name", "azure-service-operator"));
            meta.labels.0.extend(own.version.map(|version| ("app.kubernetes.io/version", self.text(version))));
        }
        let names = json!({"plural": plural, "kind": kind});
        let spec = json!({"group": group, "scope": "", "names": names, "conversion": conversion});
        self.object(DEFINITION, meta, &[], json!({"spec": spec}))
    }

    /// The environment of the operator's container, and which container that is by its image.
    pub(super) fn operator(&self, at: &AsoDeployment) -> (Value, Value) {
        let env = at.env.iter().map(|&(name, env)| {
            let name = self.text(name);
            match env {
                AsoEnv::Value(text) => json!({"name": name, "value": self.kept(text)}),
                AsoEnv::Secret { name: secret, key, optional } => {
                    let from = json!({"name": self.text(secret), "key": self.text(key), "optional": optional});
                    json!({"name": name, "valueFrom": {"secretKeyRef": from}})
                }
                AsoEnv::Elsewhere => json!({"name": name, "valueFrom": {}}),
            }
        });
        let from = at.env_from.iter().map(|&name| json!({"secretRef": {"name": self.text(name)}}));
        (env.collect(), from.collect())
    }

    /// The Deployment of an operator, for the line of its controller.
    pub(super) fn deployment(&self, cluster: ClusterId, namespace: Name, name: Name) -> Option<&'a AsoDeployment> {
        let all = &self.snapshot.aso_deployments;
        let found = all.binary_search_by_key(&(cluster, namespace, name), |at| (at.cluster, at.namespace, at.name));
        found.ok().map(|at| &all[at])
    }

    fn kept(&self, text: AsoText) -> &'a str {
        shown(self.snapshot, text)
    }

    /// The credential that a Secret is, if its entries were seen.
    fn credential(&self, secret: &Secret) -> Option<&'a AsoSecret> {
        let key = (secret.cluster, secret.namespace, secret.name);
        let all = &self.snapshot.aso_secrets;
        let own = all.binary_search_by_key(&key, |at| (at.cluster, at.namespace, at.name)).ok().map(|at| &all[at]);
        own.filter(|_| secret.entries_seen)
    }

    /// Where a Secret may be copied to, as its annotations say it.
    pub(super) fn copied_to(&self, secret: &Secret) -> Vec<(&'a str, &'a str)> {
        let patterns = self.credential(secret).and_then(|own| own.copied_to).map(|patterns| self.text(patterns));
        let namespaces = patterns.filter(|patterns| !patterns.is_empty()).map(|own| (REFLECTION_NAMESPACES, own));
        patterns.map(|_| (REFLECTION_ALLOWED, "true")).into_iter().chain(namespaces).collect()
    }

    /// What is known of a Secret's entries: nothing, that there are some, or which.
    pub(super) fn entries(&self, secret: &Secret) -> Option<Pairs<'a>> {
        if !secret.entries_seen {
            return None;
        }
        let pairs = match self.credential(secret).map(|own| &own.content) {
            Some(AsoSecretContent::Entries(entries)) => {
                entries.iter().map(|&(key, text)| (self.text(key), self.kept(text))).collect()
            }
            _ => Vec::new(),
        };
        Some(Pairs(pairs))
    }

    fn aso_resource(&mut self, at: &AsoResource) -> io::Result<()> {
        let metadata = self.aso_meta(at);
        let mut spec = Map::new();
        let mut status = Map::new();
        put(&mut spec, "azureName", at.azure_name.map(|name| self.text(name)));
        put(&mut status, "id", at.status_id.map(|id| self.text(id)));
        let owner = match at.owner {
            AsoOwner::None => None,
            AsoOwner::ArmId(id) => Some(json!({"armId": self.text(id)})),
            AsoOwner::Named { group, kind, name } => {
                Some(json!({"group": self.text(group), "kind": self.text(kind), "name": self.text(name)}))
            }
        };
        put(&mut spec, "owner", owner);
        let lists = &self.snapshot.lists;
        let mut operator = Map::new();
        if !at.exports.is_empty() {
            let to = |secret, key| json!({"name": self.text(secret), "key": self.text(key)});
            let exports = at.exports.iter().map(|own| (self.text(own.what).to_owned(), to(own.secret, own.key)));
            operator.insert("secrets".to_owned(), Value::Object(exports.collect()));
        }
        let writes: Vec<Value> = lists.get(at.writes).iter().map(|&name| json!({"name": self.text(name)})).collect();
        put(&mut operator, "secretExpressions", Some(writes).filter(|all| !all.is_empty()));
        put(&mut spec, "operatorSpec", Some(operator).filter(|own| !own.is_empty()));
        // Wherever in the spec they stood: a reference is known by its form.
        let reads = lists.get(at.reads).iter().map(|&name| json!({"name": self.text(name), "key": ""}));
        let reads: Vec<Value> = reads.collect();
        put(&mut spec, "secretReferences", Some(reads).filter(|all| !all.is_empty()));
        self.aso_spec(&at.spec, &mut spec, &mut status);
        let mut fields = Map::new();
        fields.insert("spec".to_owned(), Value::Object(spec));
        put(&mut fields, "status", Some(status).filter(|status| !status.is_empty()));
        self.object((self.text(at.group), self.text(at.kind)), metadata, &[], Value::Object(fields))
    }

    fn aso_meta(&self, at: &AsoResource) -> Meta<'a> {
        let mut metadata = self.meta(Some(at.namespace), at.name, &[]);
        let annotations = [
            ("serviceoperator.azure.com/credential-from", at.credential_from),
            ("serviceoperator.azure.com/operator-namespace", at.operator_namespace),
            ("serviceoperator.azure.com/last-reconciled-version", at.operator_version),
            ("serviceoperator.azure.com/resource-id", at.resource_id),
        ];
        let given = annotations.into_iter().filter_map(|(key, value)| Some((key, self.text(value?))));
        metadata.annotations.0.extend(given);
        metadata.annotations.0.extend(at.policy.map(|policy| (POLICY, policy.as_str())));
        metadata.labels.0.extend(at.git_ops.map(|by| match by {
            GitOps::Argo => ("argocd.argoproj.io/instance", ""),
            GitOps::Flux => ("kustomize.toolkit.fluxcd.io/name", ""),
        }));
        metadata
    }

    fn value(&self, into: &mut Map<String, Value>, field: &str, value: AsoValueFrom) {
        match value {
            AsoValueFrom::None => {}
            AsoValueFrom::Value(name) => put(into, field, Some(self.text(name))),
            AsoValueFrom::ConfigMap { name, key } => {
                let from = json!({"name": self.text(name), "key": self.text(key)});
                put(into, &[field, "FromConfig"].concat(), Some(from));
            }
        }
    }

    fn aso_spec(&self, own: &AsoSpec, spec: &mut Map<String, Value>, status: &mut Map<String, Value>) {
        let text = |name: Option<Name>| name.map(|name| self.text(name));
        let lists = &self.snapshot.lists;
        match own {
            AsoSpec::Other => {}
            AsoSpec::RoleAssignment(own) => {
                self.value(spec, "principalId", own.principal);
                put(spec, "principalType", text(own.principal_type));
                let role = match own.role {
                    RoleReference::None => None,
                    RoleReference::ArmId(id) => Some(json!({"armId": self.text(id)})),
                    RoleReference::WellKnown(name) => Some(json!({"wellKnownName": self.text(name)})),
                    RoleReference::Named(name) => Some(json!({"name": self.text(name)})),
                };
                put(spec, "roleDefinitionReference", role);
                put(spec, "condition", own.conditional.then_some(NOT_KEPT));
                put(status, "principalId", text(own.status_principal));
                put(status, "roleDefinitionId", text(own.status_role));
                put(status, "scope", text(own.status_scope));
            }
            AsoSpec::Federated(own) => {
                self.value(spec, "issuer", own.issuer);
                self.value(spec, "subject", own.subject);
                put(spec, "audiences", Some(self.texts(lists.get(own.audiences))));
            }
            AsoSpec::Identity(own) => {
                put(status, "clientId", text(own.client));
                put(status, "principalId", text(own.principal));
                put(status, "tenantId", text(own.tenant));
            }
            AsoSpec::Cluster(own) => {
                put(spec, "disableLocalAccounts", own.local_accounts_off);
                let groups = self.texts(lists.get(own.admin_groups));
                if own.entra.is_some() || own.azure_rbac.is_some() || !groups.is_empty() {
                    let profile = json!({"managed": own.entra, "enableAzureRBAC": own.azure_rbac,
                        "adminGroupObjectIDs": groups});
                    put(spec, "aadProfile", Some(profile));
                }
                put(spec, "nodeResourceGroup", text(own.node_resource_group));
                put(status, "fqdn", text(own.fqdn));
                put(status, "oidcIssuerProfile", own.issuer.map(|issuer| json!({"issuerURL": self.text(issuer)})));
            }
            AsoSpec::Server(secret) => {
                let password = json!({"name": self.text(*secret), "key": ""});
                put(spec, "administratorLoginPassword", Some(password));
            }
            AsoSpec::Vault(own) => {
                let policies = vec![Value::Null; own.policies as usize];
                let mode = own.purges.then_some("purgeThenCreate");
                let properties =
                    json!({"enableRbacAuthorization": own.rbac, "accessPolicies": policies, "createMode": mode});
                put(spec, "properties", Some(properties));
            }
        }
    }

    fn aso_event(&mut self, at: &AsoEvent) -> io::Result<()> {
        let name = at.name;
        let (group, kind) = (self.text(at.group), self.text(at.kind));
        let version = [group, "/v1"].concat();
        let involved =
            json!({"apiVersion": version, "kind": kind, "namespace": self.text(at.namespace), "name": self.text(name)});
        let (namespace, secret) = at.secret;
        let fields = json!({
            "reason": "CredentialFrom",
            "message": format!("{}/{}", self.text(namespace), self.text(secret)),
            "lastTimestamp": self.text(at.seen),
            "involvedObject": involved,
        });
        let meta = self.meta(Some(at.namespace), name, &[]);
        self.object(("", "Event"), meta, &[], fields)
    }
}

/// The annotation that says what ASO does in Azure.
pub(super) const POLICY: &str = "serviceoperator.azure.com/reconcile-policy";

/// A field, unless there is nothing to say.
fn put(into: &mut Map<String, Value>, field: &str, value: Option<impl serde::Serialize>) {
    if let Some(value) = value {
        into.insert(field.to_owned(), json!(value));
    }
}
