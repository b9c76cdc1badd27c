//! Objects of Azure Service Operator: its resources, the Events in which it says whose credential it used, and its definitions. The
//! Secrets that hold credentials are in `aso/entries.rs`, the Deployments that run it in `aso/deployment.rs`.
//!
//! Fields of the upstream API types, <https://github.com/Azure/azure-service-operator/tree/main/v2/pkg/genruntime> and
//! `v2/pkg/common/annotations`; those of a few kinds as their CRDs have them.

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};
use serde_json::value::RawValue;

use super::document::{Meta, Reader};
use super::shape::{Object, Pairs, Text, list};
use crate::model::{
    AsoDefinition, AsoEvent, AsoExport, AsoOwner, AsoResource, AsoSpec, AsoValueFrom, ClusterSpec, FederatedSpec,
    GitOps, IdentityIds, KindIx, Name, NameListId, Names, Origin, ReconcilePolicy, RoleAssignmentSpec, RoleReference,
    VaultSpec, is_aso_group, is_aso_version,
};

pub(super) mod deployment;
pub(super) mod entries;
mod references;

/// What is read as an object of ASO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One of its resources, and its kind if that is in the table.
    Resource(Option<KindIx>),
    /// An Event, which most often is about something else.
    Event,
}

impl Kind {
    /// The kind of an object; none when it is nothing of ASO's.
    pub(super) fn of(api_version: &str, kind: &str) -> Option<Kind> {
        let Some((group, version)) = api_version.split_once('/') else {
            return (api_version == "v1" && kind == "Event").then_some(Kind::Event);
        };
        // Newer kinds than the table has are known by their group, or by the form of their version.
        let known = || KindIx::of_kind(group, kind);
        let is_one = group.ends_with(".azure.com")
            && !kind.ends_with("List")
            && (is_aso_group(group) || is_aso_version(version));
        is_one.then(|| Kind::Resource(known()))
    }

    pub(super) fn uses(self, field: &str) -> bool {
        match self {
            Kind::Resource(_) => matches!(field, "spec" | "status"),
            Kind::Event => matches!(field, "reason" | "message" | "involvedObject" | "lastTimestamp"),
        }
    }
}

/// What the fields of such an object held.
#[derive(Default)]
pub(super) struct Fields<'a> {
    spec: Option<&'a RawValue>,
    status: Option<&'a RawValue>,
    reason: Option<Text<'a>>,
    message: Option<&'a RawValue>,
    involved: Option<&'a RawValue>,
    seen: Option<&'a RawValue>,
}

impl<'de> Fields<'de> {
    pub(super) fn read<D: Deserializer<'de>>(&mut self, field: &str, value: D) -> Result<(), D::Error> {
        match field {
            "spec" => self.spec = Option::deserialize(value)?,
            "status" => self.status = Option::deserialize(value)?,
            "reason" => self.reason = Option::deserialize(value)?,
            "message" => self.message = Option::deserialize(value)?,
            "involvedObject" => self.involved = Option::deserialize(value)?,
            "lastTimestamp" => self.seen = Option::deserialize(value)?,
            _ => {
                IgnoredAny::deserialize(value)?;
            }
        }
        Ok(())
    }
}

/// Whether objects of a kind say what is in Azure, as `graph/azure/from_aso.rs` takes it of them.
pub(super) fn is_fact(group: &str, kind: &str) -> bool {
    matches!(
        (group, kind),
        ("authorization.azure.com", "RoleAssignment")
            | ("containerservice.azure.com", "ManagedCluster")
            | ("managedidentity.azure.com", "FederatedIdentityCredential" | "UserAssignedIdentity")
    )
}

const CREDENTIAL_FROM: &str = "serviceoperator.azure.com/credential-from";
const RECONCILE_POLICY: &str = "serviceoperator.azure.com/reconcile-policy";
const RESOURCE_ID: &str = "serviceoperator.azure.com/resource-id";
const OPERATOR_NAMESPACE: &str = "serviceoperator.azure.com/operator-namespace";
/// Older releases wrote it as an annotation, newer ones as a label.
const OPERATOR_VERSION: &str = "serviceoperator.azure.com/last-reconciled-version";

/// What is common to the annotations that matter.
const OWN_ANNOTATIONS: &str = "serviceoperator.azure.com/";

/// The spec of any kind, as far as all kinds have it in common.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct SpecIn<'a> {
    azure_name: Option<Text<'a>>,
    owner: Option<Object<OwnerIn<'a>>>,
    operator_spec: Option<Object<OperatorSpecIn<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct OwnerIn<'a> {
    group: Option<Text<'a>>,
    kind: Option<Text<'a>>,
    name: Option<Text<'a>>,
    arm_id: Option<Text<'a>>,
    well_known_name: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct OperatorSpecIn<'a> {
    secrets: Option<&'a RawValue>,
    #[serde(deserialize_with = "list")]
    secret_expressions: Vec<Object<Destination<'a>>>,
}

/// An entry of a Secret or ConfigMap.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound = "'de: 'a")]
struct Destination<'a> {
    name: Option<Text<'a>>,
    key: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct StatusIn<'a> {
    id: Option<Text<'a>>,
}

/// `spec` of a RoleAssignment.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct AssignmentIn<'a> {
    principal_id: Option<Text<'a>>,
    principal_id_from_config: Option<Object<Destination<'a>>>,
    principal_type: Option<Text<'a>>,
    role_definition_reference: Option<Object<OwnerIn<'a>>>,
    condition: Option<Text<'a>>,
}

/// `status` of a RoleAssignment.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct AssignmentStatusIn<'a> {
    principal_id: Option<Text<'a>>,
    role_definition_id: Option<Text<'a>>,
    scope: Option<Text<'a>>,
}

/// `spec` of a FederatedIdentityCredential.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct FederatedIn<'a> {
    issuer: Option<Text<'a>>,
    issuer_from_config: Option<Object<Destination<'a>>>,
    subject: Option<Text<'a>>,
    subject_from_config: Option<Object<Destination<'a>>>,
    #[serde(deserialize_with = "list")]
    audiences: Vec<Text<'a>>,
}

/// `status` of a UserAssignedIdentity.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct IdentityIn<'a> {
    client_id: Option<Text<'a>>,
    principal_id: Option<Text<'a>>,
    tenant_id: Option<Text<'a>>,
}

/// `spec` of a database server.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct ServerIn<'a> {
    // Not a reference in every version: whatever else stands there is a password, and let go.
    #[serde(borrow)]
    administrator_login_password: Option<&'a RawValue>,
}

/// `spec` of a ManagedCluster.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct ClusterIn<'a> {
    disable_local_accounts: Option<bool>,
    aad_profile: Option<Object<AadProfile<'a>>>,
    node_resource_group: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct AadProfile<'a> {
    managed: Option<bool>,
    #[serde(rename = "enableAzureRBAC")]
    enable_azure_rbac: Option<bool>,
    #[serde(rename = "adminGroupObjectIDs", deserialize_with = "list")]
    admin_group_object_ids: Vec<Text<'a>>,
}

/// `status` of a ManagedCluster.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct ClusterStatusIn<'a> {
    fqdn: Option<Text<'a>>,
    #[serde(rename = "privateFQDN")]
    private_fqdn: Option<Text<'a>>,
    node_resource_group: Option<Text<'a>>,
    oidc_issuer_profile: Option<Object<OidcProfile<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound = "'de: 'a")]
struct OidcProfile<'a> {
    #[serde(rename = "issuerURL")]
    issuer_url: Option<Text<'a>>,
}

/// `spec` of a Vault.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound = "'de: 'a")]
struct VaultIn<'a> {
    #[serde(borrow)]
    properties: Option<Object<VaultProperties<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct VaultProperties<'a> {
    #[serde(deserialize_with = "list")]
    access_policies: Vec<IgnoredAny>,
    enable_rbac_authorization: Option<bool>,
    create_mode: Option<Text<'a>>,
}

/// A text that is there and not empty, as a name.
fn given(names: &mut Names, text: Option<&Text<'_>>) -> Option<Name> {
    text.map(|text| &**text).filter(|text| !text.is_empty()).map(|text| names.intern(text))
}

fn value_from(names: &mut Names, value: Option<&Text<'_>>, config: Option<&Object<Destination<'_>>>) -> AsoValueFrom {
    match (given(names, value), config) {
        (Some(value), _) => AsoValueFrom::Value(value),
        (None, Some(config)) => AsoValueFrom::ConfigMap {
            name: given(names, config.name.as_ref()).unwrap_or(Name::EMPTY),
            key: given(names, config.key.as_ref()).unwrap_or(Name::EMPTY),
        },
        (None, None) => AsoValueFrom::None,
    }
}

impl Reader {
    /// Adds an object of ASO.
    pub(super) fn aso(
        &mut self,
        kind: Kind,
        (api_version, kind_name): (&str, &str),
        name: &str,
        meta: &Meta<'_>,
        fields: &Fields<'_>,
        at: Origin,
    ) {
        match kind {
            Kind::Resource(known) => {
                let group = api_version.split_once('/').map_or("", |(group, _)| group);
                self.aso_resource(known, (group, kind_name), name, meta, fields, at);
            }
            Kind::Event => self.aso_event(fields, at),
        }
    }

    fn aso_resource(
        &mut self,
        known: Option<KindIx>,
        (group, kind): (&str, &str),
        name: &str,
        meta: &Meta<'_>,
        fields: &Fields<'_>,
        at: Origin,
    ) {
        let (cluster, namespace) = (self.cluster(), self.namespace(meta));
        let spec: SpecIn<'_> = self.part(fields.spec, "spec", at);
        let status: StatusIn<'_> = self.part(fields.status, "status", at);
        let annotations = self.pairs(meta.annotations, "annotations", OWN_ANNOTATIONS, at);
        let labels = self.pairs(meta.labels, "labels", "/", at);
        let tracked = self.pairs(meta.annotations, "annotations", ARGO_TRACKING, at);
        let exports = self.exports(spec.operator_spec.as_deref().and_then(|own| own.secrets), at);
        let reads = self.references(known, fields.spec, at);
        let details = self.aso_spec((group, kind), fields, at);
        let names = &mut self.snapshot.names;
        let value = |key: &str| {
            annotations.iter().chain(&labels).rfind(|(found, _)| &**found == key).map(|(_, value)| &**value)
        };
        let mut text = |key: &str| value(key).filter(|value| !value.is_empty()).map(|value| names.intern(value));
        let [operator_namespace, operator_version, resource_id] =
            [OPERATOR_NAMESPACE, OPERATOR_VERSION, RESOURCE_ID].map(&mut text);
        let credential_from =
            annotations.iter().rfind(|(found, _)| &**found == CREDENTIAL_FROM).map(|(_, value)| names.intern(value));
        let written = spec.operator_spec.iter().flat_map(|own| &own.secret_expressions);
        let mut writes: Vec<Name> = written.filter_map(|to| given(names, to.name.as_ref())).collect();
        writes.sort_unstable();
        writes.dedup();
        let resource = AsoResource {
            cluster,
            namespace,
            group: names.intern(group),
            kind: names.intern(kind),
            name: names.intern(name),
            known,
            credential_from,
            policy: value(RECONCILE_POLICY).and_then(ReconcilePolicy::parse),
            operator_namespace,
            operator_version,
            resource_id,
            status_id: given(names, status.id.as_ref()),
            azure_name: given(names, spec.azure_name.as_ref()),
            owner: owner(names, spec.owner.as_deref()),
            exports,
            writes: self.snapshot.lists.intern(&writes),
            reads,
            git_ops: git_ops(labels.iter().chain(&tracked).map(|(key, _)| &**key)),
            spec: details,
            origin: at,
        };
        self.snapshot.aso_resources.push(resource);
    }

    /// What the fields of a few kinds say.
    fn aso_spec(&mut self, kind: (&str, &str), fields: &Fields<'_>, at: Origin) -> AsoSpec {
        match kind {
            ("authorization.azure.com", "RoleAssignment" | "RoleEligibilityScheduleRequest") => {
                let spec: AssignmentIn<'_> = self.part(fields.spec, "spec", at);
                let status: AssignmentStatusIn<'_> = self.part(fields.status, "status", at);
                let names = &mut self.snapshot.names;
                AsoSpec::RoleAssignment(Box::new(RoleAssignmentSpec {
                    principal: value_from(names, spec.principal_id.as_ref(), spec.principal_id_from_config.as_ref()),
                    principal_type: given(names, spec.principal_type.as_ref()),
                    role: spec.role_definition_reference.map_or(RoleReference::None, |role| {
                        let [id, known, name] =
                            [&role.arm_id, &role.well_known_name, &role.name].map(|text| given(names, text.as_ref()));
                        let id = id.map(RoleReference::ArmId).or(known.map(RoleReference::WellKnown));
                        id.or(name.map(RoleReference::Named)).unwrap_or_default()
                    }),
                    conditional: spec.condition.is_some_and(|condition| !condition.trim_ascii().is_empty()),
                    status_principal: given(names, status.principal_id.as_ref()),
                    status_role: given(names, status.role_definition_id.as_ref()),
                    status_scope: given(names, status.scope.as_ref()),
                }))
            }
            ("managedidentity.azure.com", "FederatedIdentityCredential") => {
                let spec: FederatedIn<'_> = self.part(fields.spec, "spec", at);
                let names = &mut self.snapshot.names;
                let audiences: Vec<Name> = spec.audiences.iter().map(|audience| names.intern(audience)).collect();
                AsoSpec::Federated(Box::new(FederatedSpec {
                    issuer: value_from(names, spec.issuer.as_ref(), spec.issuer_from_config.as_ref()),
                    subject: value_from(names, spec.subject.as_ref(), spec.subject_from_config.as_ref()),
                    audiences: self.snapshot.lists.intern(&audiences),
                }))
            }
            ("managedidentity.azure.com", "UserAssignedIdentity") => {
                let status: IdentityIn<'_> = self.part(fields.status, "status", at);
                let names = &mut self.snapshot.names;
                let [client, principal, tenant] = [&status.client_id, &status.principal_id, &status.tenant_id]
                    .map(|text| given(names, text.as_ref()));
                AsoSpec::Identity(Box::new(IdentityIds { client, principal, tenant }))
            }
            ("containerservice.azure.com", "ManagedCluster") => {
                let spec: ClusterIn<'_> = self.part(fields.spec, "spec", at);
                let status: ClusterStatusIn<'_> = self.part(fields.status, "status", at);
                let names = &mut self.snapshot.names;
                let profile = spec.aad_profile.as_deref();
                let groups = profile.map_or(&[][..], |profile| &profile.admin_group_object_ids);
                let groups: Vec<Name> = groups.iter().map(|group| names.intern(group)).collect();
                let issuer = status.oidc_issuer_profile.and_then(|Object(profile)| profile.issuer_url);
                let node_group = spec.node_resource_group.or(status.node_resource_group);
                let fqdn = status.fqdn.filter(|text| !text.is_empty()).or(status.private_fqdn);
                AsoSpec::Cluster(Box::new(ClusterSpec {
                    local_accounts_off: spec.disable_local_accounts,
                    entra: profile.and_then(|profile| profile.managed),
                    azure_rbac: profile.and_then(|profile| profile.enable_azure_rbac),
                    admin_groups: self.snapshot.lists.intern(&groups),
                    node_resource_group: given(names, node_group.as_ref()),
                    issuer: given(names, issuer.as_ref()),
                    fqdn: given(names, fqdn.as_ref()),
                }))
            }
            ("keyvault.azure.com", "Vault") => {
                let spec: VaultIn<'_> = self.part(fields.spec, "spec", at);
                let properties = spec.properties.map(|Object(properties)| properties).unwrap_or_default();
                AsoSpec::Vault(VaultSpec {
                    rbac: properties.enable_rbac_authorization,
                    policies: u32::try_from(properties.access_policies.len()).unwrap_or(u32::MAX),
                    purges: properties.create_mode.as_deref() == Some("purgeThenCreate"),
                })
            }
            ("sql.azure.com" | "dbformysql.azure.com" | "dbforpostgresql.azure.com", "Server" | "FlexibleServer") => {
                let spec: ServerIn<'_> = self.part(fields.spec, "spec", at);
                let raw = spec.administrator_login_password.map_or("null", RawValue::get);
                let password = serde_json::from_str::<Object<Destination<'_>>>(raw).ok().and_then(|own| own.0.name);
                given(&mut self.snapshot.names, password.as_ref()).map_or(AsoSpec::Other, AsoSpec::Server)
            }
            _ => AsoSpec::Other,
        }
    }

    /// A part of an object, once it is known what is wanted of it. What cannot be read is told once.
    fn part<'a, T: Default + Deserialize<'a>>(&mut self, raw: Option<&'a RawValue>, place: &str, at: Origin) -> T {
        let Some(raw) = raw else { return T::default() };
        match serde_json::from_str::<Option<Object<T>>>(raw.get()) {
            Ok(read) => read.map(|Object(read)| read).unwrap_or_default(),
            Err(error) => {
                let message = format!("in `{place}`: {}", words(&error));
                if self.problems.last().is_none_or(|last| last.message != message || last.line != at.line) {
                    self.problem(at, message);
                }
                T::default()
            }
        }
    }

    /// Annotations or labels, unless none of them can be of interest.
    fn pairs<'a>(
        &mut self,
        raw: Option<&'a RawValue>,
        field: &str,
        part: &str,
        at: Origin,
    ) -> Vec<(Text<'a>, Text<'a>)> {
        let Some(raw) = raw.filter(|raw| raw.get().contains(part) || raw.get().contains('\\')) else {
            return Vec::new();
        };
        match serde_json::from_str::<Option<Pairs<'_>>>(raw.get()) {
            Ok(pairs) => pairs.map(|pairs| pairs.0).unwrap_or_default(),
            Err(error) => {
                let words = words(&error);
                self.problem(at, format!("in `metadata.{field}`: {words}"));
                Vec::new()
            }
        }
    }

    /// `operatorSpec.secrets`: a map of what to where.
    fn exports(&mut self, raw: Option<&RawValue>, at: Origin) -> Box<[AsoExport]> {
        let Some(raw) = raw else { return Box::default() };
        let entries: references::Entries<'_> = match serde_json::from_str(raw.get()) {
            Ok(entries) => entries,
            Err(error) => {
                let words = words(&error);
                self.problem(at, format!("in `spec.operatorSpec.secrets`: {words}"));
                return Box::default();
            }
        };
        let names = &mut self.snapshot.names;
        let export = |(what, to): &(Text<'_>, references::Reference<'_>)| {
            let secret = given(names, to.name.as_ref())?;
            let key = given(names, to.key.as_ref()).unwrap_or(Name::EMPTY);
            Some(AsoExport { what: names.intern(what), secret, key })
        };
        entries.0.iter().filter_map(export).collect()
    }

    /// The Secrets that fields take values from, of the kinds that do.
    fn references(&mut self, known: Option<KindIx>, spec: Option<&RawValue>, at: Origin) -> NameListId {
        // Of a kind that is not in the table it is not known; asking it too costs little.
        let (Some(spec), true) = (spec, known.is_none_or(|kind| kind.facts().reads_secrets())) else {
            return NameListId::EMPTY;
        };
        let found = match references::secrets(spec.get()) {
            Ok(found) => found,
            Err(error) => {
                let words = words(&error);
                self.problem(at, format!("in `spec`: {words}"));
                return NameListId::EMPTY;
            }
        };
        let names = &mut self.snapshot.names;
        let mut found: Vec<Name> = found.iter().map(|name| names.intern(name)).collect();
        found.sort_unstable();
        found.dedup();
        self.snapshot.lists.intern(&found)
    }

    /// Adds what an Event says of a credential; the others say nothing of interest.
    fn aso_event(&mut self, fields: &Fields<'_>, at: Origin) {
        if fields.reason.as_deref() != Some("CredentialFrom") {
            return;
        }
        #[derive(Debug, Default, Deserialize)]
        #[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
        struct Involved<'a> {
            api_version: Option<Text<'a>>,
            kind: Option<Text<'a>>,
            namespace: Option<Text<'a>>,
            name: Option<Text<'a>>,
        }
        let involved: Involved<'_> = self.part(fields.involved, "involvedObject", at);
        let message: Option<Text<'_>> = fields.message.and_then(|raw| serde_json::from_str(raw.get()).ok());
        let seen: Option<Text<'_>> = fields.seen.and_then(|raw| serde_json::from_str(raw.get()).ok());
        let Some((namespace, secret)) = message.as_deref().and_then(secret_of) else { return };
        let Involved { api_version: Some(version), kind: Some(kind), namespace: Some(place), name: Some(name) } =
            involved
        else {
            return;
        };
        let group = version.split_once('/').map_or("", |(group, _)| group);
        let (cluster, names) = (self.cluster(), &mut self.snapshot.names);
        let event = AsoEvent {
            cluster,
            group: names.intern(group),
            kind: names.intern(&kind),
            namespace: names.intern(&place),
            name: names.intern(&name),
            secret: (names.intern(namespace), names.intern(secret)),
            seen: names.intern(seen.as_deref().unwrap_or_default()),
            origin: at,
        };
        self.snapshot.aso_events.push(event);
    }

    /// Adds a definition, if it is one of ASO's: by its label, or by the table.
    pub(super) fn aso_definition(&mut self, name: &str, names: (&str, &str, &str), meta: &Meta<'_>, at: Origin) {
        let (group, plural, kind) = names;
        if !group.ends_with(".azure.com") {
            return;
        }
        let known = KindIx::of_resource(group, plural);
        let labels = self.pairs(meta.labels, "labels", "app.kubernetes.io/", at);
        let value = |key: &str| labels.iter().rfind(|(found, _)| &**found == key).map(|(_, value)| value);
        let is_labelled = value("app.kubernetes.io/name").is_some_and(|name| &**name == "azure-service-operator");
        if !is_labelled && known.is_none() {
            return;
        }
        let (cluster, all) = (self.cluster(), &mut self.snapshot.names);
        let definition = AsoDefinition {
            cluster,
            name: all.intern(name),
            group: all.intern(group),
            plural: all.intern(plural),
            kind: all.intern(kind),
            known,
            version: given(all, value("app.kubernetes.io/version")),
            origin: at,
        };
        self.snapshot.aso_definitions.push(definition);
    }

    /// What an annotation of a namespace says of all its resources.
    pub(super) fn namespace_policy(&mut self, meta: &Meta<'_>, at: Origin) -> Option<ReconcilePolicy> {
        if !self.needs().escalations {
            return None;
        }
        let pairs = self.pairs(meta.annotations, "annotations", RECONCILE_POLICY, at);
        pairs.iter().rfind(|(key, _)| &**key == RECONCILE_POLICY).and_then(|(_, value)| ReconcilePolicy::parse(value))
    }
}

/// What is wrong, without what was found: it may be secret.
fn words(error: &serde_json::Error) -> String {
    let words = super::document::words(error);
    words.split_once(", found").map_or(words.as_str(), |(expected, _)| expected).to_owned()
}

/// `spec.owner`; an id beats a name, as only one of them is accepted.
fn owner(names: &mut Names, from: Option<&OwnerIn<'_>>) -> AsoOwner {
    let Some(from) = from else { return AsoOwner::None };
    if let Some(id) = given(names, from.arm_id.as_ref()) {
        return AsoOwner::ArmId(id);
    }
    let Some(name) = given(names, from.name.as_ref()) else { return AsoOwner::None };
    let [group, kind] = [&from.group, &from.kind].map(|text| given(names, text.as_ref()).unwrap_or(Name::EMPTY));
    AsoOwner::Named { group, kind, name }
}

/// By which Argo CD knows what it applied.
const ARGO_TRACKING: &str = "argocd.argoproj.io/";

fn git_ops<'k>(keys: impl Iterator<Item = &'k str>) -> Option<GitOps> {
    let of = |key: &str| {
        if key.starts_with("kustomize.toolkit.fluxcd.io/") || key.starts_with("helm.toolkit.fluxcd.io/") {
            Some(GitOps::Flux)
        } else if key.starts_with("argocd.argoproj.io/instance") || key.starts_with("argocd.argoproj.io/tracking-id") {
            Some(GitOps::Argo)
        } else {
            None
        }
    };
    keys.filter_map(of).max()
}

/// Namespace and name of the Secret that a message ends with, in quotes or without.
fn secret_of(message: &str) -> Option<(&str, &str)> {
    let plain = |c: char| matches!(c, '"' | '\'' | '`' | '.' | ',' | ')' | '(');
    let mut words = message.split_ascii_whitespace().rev().map(|word| word.trim_matches(plain));
    let (namespace, name) = words.find_map(|word| word.split_once('/'))?;
    let is_name = |text: &str| {
        !text.is_empty()
            && text.len() <= 253
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte))
    };
    (is_name(namespace) && is_name(name)).then_some((namespace, name))
}

#[cfg(test)]
mod tests;
