//! What each kind of row says, put into the facts. Nothing secret is looked at: passwords and keys are skipped with everything else.

use std::borrow::Cow;

use super::Reader;
use super::row::Row;
use super::shapes::Shape;
use crate::model::Origin;
use crate::model::azure::{
    AccessPolicy, AddonIdentity, AksIdentityBinding, Assigned, AzureCluster, AzureGroup, AzureIdentityIds,
    AzurePrincipal, ClusterKind, DIRECTORY_ROLES, DenyAssignment, DenyPrincipal, ELEVATE_ACCESS, FederatedCredential,
    GroupEligibility, GroupMember, KeyVault, LocalCluster, ManagementGroup, Members, Permission, PrincipalKind,
    Registry, RoleAssignment, RoleDefinition, Subscription, UserAssignedIdentity, fold, is_guid, last_guid,
};

type Done<T = ()> = Result<T, String>;

/// The role template of Entra's Global Administrator
/// (<https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference#global-administrator>).
const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";

impl Reader {
    /// Reads a row into the facts; says what is missing in it.
    pub(super) fn read(&mut self, shape: Shape, row: &Row<'_>, at: Origin, context: &str) -> Done {
        match shape {
            Shape::RoleAssignment | Shape::ActiveInstance => {
                self.facts.assignments.push(assignment(row, Assigned::Active, at)?);
            }
            Shape::EligibleInstance => self.facts.assignments.push(assignment(row, Assigned::Eligible, at)?),
            Shape::RoleDefinition => self.facts.roles.push(definition(row, at)?),
            Shape::Deny => self.facts.denies.push(deny(row, at)?),
            Shape::GroupEligibility => self.facts.group_eligibilities.push(GroupEligibility {
                group_id: lower(row.need("it", "groupId")?),
                principal_id: lower(row.need("it", "principalId")?),
                owner: row.id("accessId")? == "owner",
                end: row.text("endDateTime")?.map(Cow::into_owned),
                origin: at,
            }),
            Shape::DirectoryRole => self.directory_role(row, Assigned::Active, at)?,
            Shape::EligibleDirectoryRole => self.directory_role(row, Assigned::Eligible, at)?,
            Shape::Identity => self.identity(row, at)?,
            Shape::FederatedCredential => self.facts.federated_credentials.push(federated(row, at, context)?),
            Shape::AzureCluster => self.managed_cluster(row, at)?,
            Shape::ConnectedCluster => self.connected_cluster(row, at)?,
            Shape::LocalCluster => {
                let id = row.need("it", "id")?;
                let end = id.to_ascii_lowercase().find("/providers/microsoft.hybridcontainerservice/");
                let connected_id = end.and_then(|end| id.get(..end)).unwrap_or_default().to_owned();
                self.facts.local_clusters.push(LocalCluster { id, connected_id, origin: at });
            }
            Shape::IdentityBinding => {
                let id = row.need("it", "id")?;
                let end = id.to_ascii_lowercase().find("/identitybindings/");
                let cluster_id = end.and_then(|end| id.get(..end)).unwrap_or_default().to_owned();
                let ids = row.object("managedIdentity")?.map(|row| ids(&row)).transpose()?.unwrap_or_default();
                self.facts.identity_bindings.push(AksIdentityBinding { id, cluster_id, ids, origin: at });
            }
            Shape::User => self.facts.principals.push(directory_object(row, PrincipalKind::User, at)?),
            Shape::Device => self.facts.principals.push(directory_object(row, PrincipalKind::Device, at)?),
            Shape::ServicePrincipal => self.facts.principals.push(service_principal(row, at)?),
            Shape::Application => self.facts.principals.push(AzurePrincipal {
                // An application is not its service principal: it only says which app id its own id belongs to.
                object_id: String::new(),
                client_id: lower(row.need("it", "appId")?),
                application_id: object_id(row)?,
                ..directory_object(row, PrincipalKind::ServicePrincipal, at)?
            }),
            Shape::Group => self.group(row, at)?,
            Shape::Subscription => self.subscription(row, at)?,
            Shape::ManagementGroup => self.management_group(row, at)?,
            Shape::Registry => self.facts.registries.push(Registry {
                id: row.need("it", "id")?,
                login_server: row.word("loginServer")?,
                admin_user: row.flag("adminUserEnabled")?,
                origin: at,
            }),
            Shape::KeyVault => self.facts.vaults.push(vault(row, at)?),
        }
        Ok(())
    }

    fn tenant(&mut self, id: &str, at: Origin) {
        if is_guid(id) {
            self.tenants.entry(id.to_owned()).or_insert(at);
        }
    }

    /// A role of Entra. Of these one reaches into Azure by itself, and is taken for a role at the root that allows just this; the
    /// others are left out.
    fn directory_role(&mut self, row: &Row<'_>, assigned: Assigned, at: Origin) -> Done {
        let role_id = lower(row.need("it", "roleDefinitionId")?);
        let (principal_id, scope) = (lower(row.need("it", "principalId")?), row.need("it", "directoryScopeId")?);
        if role_id != GLOBAL_ADMINISTRATOR || scope != "/" {
            return Ok(());
        }
        let principal = row.object("principal")?;
        let kind =
            principal.as_ref().map(|principal| self.member(principal, at)).transpose()?.map(|member| member.kind);
        let (list, id) = match (assigned, row.text("roleAssignmentOriginId")?) {
            (Assigned::Eligible, _) => ("roleEligibilityScheduleInstances", row.need("it", "id")?),
            // What Privileged Identity Management has of an assignment names the assignment itself.
            (Assigned::Active, Some(id)) => ("roleAssignments", id.into_owned()),
            (Assigned::Active, None) => ("roleAssignments", row.need("it", "id")?),
        };
        self.facts.roles.push(RoleDefinition {
            id: role_id.clone(),
            name: "Global Administrator".to_owned(),
            custom: false,
            permissions: vec![Permission { actions: vec![ELEVATE_ACCESS.to_owned()], ..Permission::default() }],
            assignable_scopes: vec!["/".to_owned()],
            origin: at,
        });
        self.facts.assignments.push(RoleAssignment {
            id: format!("{DIRECTORY_ROLES}{list}/{id}"),
            scope,
            principal_id,
            principal_kind: kind.unwrap_or(PrincipalKind::Unknown),
            principal_name: String::new(),
            role_id,
            role_name: String::new(),
            condition: None,
            assigned,
            end: row.text("endDateTime")?.map(Cow::into_owned),
            origin: at,
        });
        Ok(())
    }

    fn identity(&mut self, row: &Row<'_>, at: Origin) -> Done {
        let tenant_id = row.id("tenantId")?;
        self.tenant(&tenant_id, at);
        let ids = AzureIdentityIds {
            client_id: row.id("clientId")?,
            object_id: row.id("principalId")?,
            resource_id: row.need("it", "id")?,
        };
        let name = row.text("name")?.map_or_else(|| last_segment(&ids.resource_id), Cow::into_owned);
        self.facts.identities.push(UserAssignedIdentity { ids, name, tenant_id, origin: at });
        Ok(())
    }

    fn managed_cluster(&mut self, row: &Row<'_>, at: Origin) -> Done {
        let id = row.need("it", "id")?;
        let entra = row.object("aadProfile")?;
        let tenant_id = entra.as_ref().map(|entra| entra.id("tenantId")).transpose()?.unwrap_or_default();
        self.tenant(&tenant_id, at);
        let issuer = row.object("oidcIssuerProfile")?;
        let security = row.object("securityProfile")?;
        let workload = match &security {
            Some(security) => security.object("workloadIdentity")?,
            None => None,
        };
        let mut kubelet = None;
        for (name, ids) in named_ids(row, "identityProfile")? {
            if name.eq_ignore_ascii_case("kubeletidentity") {
                kubelet = Some(ids);
            }
        }
        let mut addons = Vec::new();
        if let Some(profiles) = row.object("addonProfiles")? {
            for (addon, raw) in profiles.fields() {
                let Ok(profile) = Row::read(raw) else { continue };
                if let (Some(identity), Some(true)) = (profile.object("identity")?, profile.flag("enabled")?) {
                    addons.push(AddonIdentity { addon: addon.to_owned(), ids: ids(&identity)? });
                }
            }
        }
        addons.sort_by(|a, b| a.addon.cmp(&b.addon));
        let part = |key: &str, field: &str| match row.object(key)? {
            Some(part) => Done::Ok(part.text(field)?.map(Cow::into_owned)),
            None => Ok(None),
        };
        let locked = part("nodeResourceGroupProfile", "restrictionLevel")?;
        let service_principal = part("servicePrincipalProfile", "clientId")?.map(lower).filter(|id| id != "msi");
        let imds = part("networkProfile", "podLinkLocalAccess")?;
        let issuer_on = match &issuer {
            Some(issuer) => issuer.flag("enabled")? != Some(false),
            None => false,
        };
        let cluster = AzureCluster {
            kind: ClusterKind::Aks,
            name: row.text("name")?.map_or_else(|| last_segment(&id), Cow::into_owned),
            fqdn: row.text("fqdn")?.map(Cow::into_owned),
            private_fqdn: row.text("privateFqdn")?.map(Cow::into_owned),
            node_resource_group: row.text("nodeResourceGroup")?.map(Cow::into_owned),
            node_resource_group_locked: locked.is_some_and(|level| level.eq_ignore_ascii_case("ReadOnly")),
            issuer: match issuer.filter(|_| issuer_on) {
                Some(issuer) => issuer.text("issuerUrl")?.map(Cow::into_owned),
                None => None,
            },
            // Azure leaves `null` where nobody has switched them off.
            local_accounts_disabled: row
                .flag("disableLocalAccounts")?
                .or(row.has("disableLocalAccounts").then_some(false)),
            rbac: row.flag("enableRbac")?,
            azure_rbac: match &entra {
                Some(entra) => entra.flag("enableAzureRbac")? == Some(true),
                None => false,
            },
            admin_group_ids: match &entra {
                Some(entra) => entra.texts("adminGroupObjectIds")?.into_iter().map(lower).collect(),
                None => Vec::new(),
            },
            entra: entra.is_some(),
            tenant_id,
            workload_identity: match &workload {
                Some(workload) => workload.flag("enabled")? == Some(true),
                None => false,
            },
            control_plane: control_plane(row, &id)?,
            kubelet,
            addons,
            service_principal,
            imds_from_pods: imds.map(|access| access.eq_ignore_ascii_case("IMDS")),
            origin: at,
            id,
        };
        self.facts.clusters.push(cluster);
        Ok(())
    }

    fn connected_cluster(&mut self, row: &Row<'_>, at: Origin) -> Done {
        let id = row.need("it", "id")?;
        let entra = row.object("aadProfile")?.unwrap_or_default();
        let identity = row.object("identity")?.unwrap_or_default();
        let issuer = row.object("oidcIssuerProfile")?.unwrap_or_default();
        let tenant_id = entra.text("tenantId")?.or(identity.text("tenantId")?).map(|id| lower(id.into_owned()));
        let tenant_id = tenant_id.unwrap_or_default();
        self.tenant(&tenant_id, at);
        let local = row.id("kind")? == "provisionedcluster";
        let own = AzureIdentityIds {
            object_id: identity.id("principalId")?,
            resource_id: id.clone(),
            ..AzureIdentityIds::default()
        };
        let kind = if local { ClusterKind::AzureLocal } else { ClusterKind::Arc };
        let name = row.text("name")?.map_or_else(|| last_segment(&id), Cow::into_owned);
        self.facts.clusters.push(AzureCluster {
            issuer: issuer.text("issuerUrl")?.or(issuer.text("selfHostedIssuerUrl")?).map(Cow::into_owned),
            azure_rbac: entra.flag("enableAzureRbac")? == Some(true),
            admin_group_ids: entra.texts("adminGroupObjectIds")?.into_iter().map(lower).collect(),
            tenant_id,
            control_plane: vec![own],
            ..AzureCluster::new(kind, id, name, at)
        });
        Ok(())
    }

    fn group(&mut self, row: &Row<'_>, at: Origin) -> Done {
        let key = ["transitiveMembers", "members"].into_iter().find(|key| row.value(key).is_some());
        let mut members = Members::Unread;
        if let Some(key) = key {
            let rows = row.rows(key)?;
            let mut inside = Vec::with_capacity(rows.len());
            for member in &rows {
                inside.push(self.member(member, at)?);
            }
            inside.sort();
            inside.dedup();
            let more = row.has(&format!("{key}@odata.nextLink"));
            members = if more { Members::AtLeast(inside) } else { Members::Exactly(inside) };
        }
        let name = row.word("displayName")?;
        self.facts.groups.push(AzureGroup { object_id: object_id(row)?, name, members, origin: at });
        Ok(())
    }

    /// A member, which is kept as whatever it is, too.
    fn member(&mut self, row: &Row<'_>, at: Origin) -> Done<GroupMember> {
        let kind = match super::shapes::shape(row) {
            Ok(Shape::User) => PrincipalKind::User,
            Ok(Shape::Group) => PrincipalKind::Group,
            Ok(Shape::ServicePrincipal) => PrincipalKind::ServicePrincipal,
            Ok(Shape::Device) => PrincipalKind::Device,
            _ => PrincipalKind::Unknown,
        };
        match kind {
            PrincipalKind::Group => self.group(row, at)?,
            PrincipalKind::ServicePrincipal => {
                let principal = service_principal(row, at)?;
                self.facts.principals.push(principal);
            }
            other => {
                let principal = directory_object(row, other, at)?;
                self.facts.principals.push(principal);
            }
        }
        Ok(GroupMember { object_id: object_id(row)?, kind })
    }

    fn subscription(&mut self, row: &Row<'_>, at: Origin) -> Done {
        let id = match row.text("subscriptionId")? {
            Some(id) => lower(id.into_owned()),
            None => last_guid(&row.need("it", "id")?),
        };
        if !is_guid(&id) {
            return Err("it has no `subscriptionId` or `id` with a GUID".to_owned());
        }
        let chain = if row.has("managementGroupAncestorsChain") { "managementGroupAncestorsChain" } else { "chain" };
        let parent = self.chain(row, chain, at)?;
        let name = row.text("displayName")?.or(row.text("name")?).map(Cow::into_owned).filter(|name| !is_guid(name));
        let parent = match parent {
            Some(parent) => Some(parent),
            None => parent_of(row)?,
        };
        self.facts.subscriptions.push(Subscription { id, name: name.unwrap_or_default(), parent, origin: at });
        Ok(())
    }

    /// The chain of management groups above something, the nearest first. Gives the nearest.
    fn chain(&mut self, row: &Row<'_>, key: &str, at: Origin) -> Done<Option<String>> {
        let mut names = Vec::new();
        for group in row.rows(key)? {
            names.push((group.need("a management group above it", "name")?, group.word("displayName")?));
        }
        for (ix, (name, display_name)) in names.iter().enumerate() {
            let parent = names.get(ix + 1).map(|(name, _)| name.clone());
            self.facts.management_groups.push(ManagementGroup {
                name: name.clone(),
                display_name: display_name.clone(),
                root: parent.is_none(),
                parent,
                origin: at,
            });
        }
        Ok(names.into_iter().next().map(|(name, _)| name))
    }

    fn management_group(&mut self, row: &Row<'_>, at: Origin) -> Done {
        let id = row.need("it", "id")?;
        let name = last_segment(&id);
        let tenant = row.id("tenantId")?;
        self.tenant(&tenant, at);
        let details = row.object("details")?;
        let chain = match &details {
            Some(details) if details.has("managementGroupAncestorsChain") => {
                self.chain(details, "managementGroupAncestorsChain", at)?
            }
            _ => None,
        };
        let parent = match (chain, &details) {
            (Some(parent), _) => Some(parent),
            (None, Some(details)) => parent_of(details)?,
            (None, None) => parent_of(row)?,
        };
        // The root group has the tenant's id for a name, and nothing above it.
        let root = parent.is_none() && (details.is_some() || name.eq_ignore_ascii_case(&tenant));
        self.children(row, &name, at)?;
        let display_name = row.word("displayName")?;
        self.facts.management_groups.push(ManagementGroup { name, display_name, parent, root, origin: at });
        Ok(())
    }

    /// What is below a management group, level by level: `az account management-group show -e -r` nests them.
    fn children(&mut self, group: &Row<'_>, name: &str, at: Origin) -> Done {
        let mut open: Vec<(String, Row<'_>)> = vec![(name.to_owned(), group.clone())];
        while let Some((parent, row)) = open.pop() {
            for child in row.rows("children")? {
                let id = child.need("a child", "id")?;
                let (display_name, parent) = (child.word("displayName")?, Some(parent.clone()));
                if fold(&id).starts_with("/subscriptions/") {
                    let subscription = Subscription { id: last_guid(&id), name: display_name, parent, origin: at };
                    self.facts.subscriptions.push(subscription);
                } else {
                    let name = last_segment(&id);
                    open.push((name.clone(), child));
                    let group = ManagementGroup { name, display_name, parent, root: false, origin: at };
                    self.facts.management_groups.push(group);
                }
            }
        }
        Ok(())
    }
}

fn lower(text: String) -> String {
    text.trim_ascii().to_ascii_lowercase()
}

fn last_segment(id: &str) -> String {
    id.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned()
}

/// The name of the management group above, where a row says it.
fn parent_of(row: &Row<'_>) -> Done<Option<String>> {
    let Some(parent) = row.object("parent")? else { return Ok(None) };
    Ok(parent.text("id")?.or(parent.text("name")?).map(|id| last_segment(&id)))
}

/// Before version 2.37 the CLI said `objectId`.
fn object_id(row: &Row<'_>) -> Done<String> {
    match row.text("objectId")? {
        Some(id) => Ok(lower(id.into_owned())),
        None => row.need("it", "id").map(lower),
    }
}

fn ids(row: &Row<'_>) -> Done<AzureIdentityIds> {
    let object_id = row.text("objectId")?.or(row.text("principalId")?).map(Cow::into_owned);
    Ok(AzureIdentityIds {
        client_id: row.id("clientId")?,
        object_id: object_id.map(lower).unwrap_or_default(),
        resource_id: row.word("resourceId")?,
    })
}

/// The identities of a map, by key, in the order of the keys.
fn named_ids(row: &Row<'_>, key: &str) -> Done<Vec<(String, AzureIdentityIds)>> {
    let Some(map) = row.object(key)? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for (name, raw) in map.fields() {
        if let Ok(inner) = Row::read(raw) {
            found.push((name.to_owned(), ids(&inner)?));
        }
    }
    found.sort();
    Ok(found)
}

/// The cluster's own identity, or the user-assigned ones that it has.
fn control_plane(row: &Row<'_>, cluster: &str) -> Done<Vec<AzureIdentityIds>> {
    let Some(identity) = row.object("identity")? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    let own = identity.id("principalId")?;
    if !own.is_empty() {
        found.push(AzureIdentityIds { client_id: String::new(), object_id: own, resource_id: cluster.to_owned() });
    }
    for (resource_id, ids) in named_ids(&identity, "userAssignedIdentities")? {
        found.push(AzureIdentityIds { resource_id, ..ids });
    }
    Ok(found)
}

fn assignment(row: &Row<'_>, assigned: Assigned, at: Origin) -> Done<RoleAssignment> {
    let role = match row.text("roleDefinitionId")? {
        Some(id) => id.into_owned(),
        None => row.need("it", "roleId").map_err(|_| "it has no `roleDefinitionId`".to_owned())?,
    };
    let (mut principal_name, mut role_name) = (row.word("principalName")?, row.word("roleDefinitionName")?);
    let mut kind = PrincipalKind::parse(&row.word("principalType")?);
    if let Some(more) = row.object("expandedProperties")? {
        if let Some(principal) = more.object("principal")? {
            if principal_name.is_empty() {
                principal_name = principal.word("displayName")?;
            }
            if kind == PrincipalKind::Unknown {
                kind = PrincipalKind::parse(&principal.word("type")?);
            }
        }
        if let Some(role) = more.object("roleDefinition")?.filter(|_| role_name.is_empty()) {
            role_name = role.word("displayName")?;
        }
    }
    Ok(RoleAssignment {
        id: row.word("id")?,
        scope: row.need("it", "scope")?,
        principal_id: lower(row.need("it", "principalId")?),
        principal_kind: kind,
        principal_name,
        role_id: last_guid(&role),
        role_name,
        condition: row.text("condition")?.map(Cow::into_owned),
        assigned,
        end: row.text("endDateTime")?.map(Cow::into_owned),
        origin: at,
    })
}

fn permissions(row: &Row<'_>) -> Done<Vec<Permission>> {
    let one = |row: &Row<'_>| {
        Done::Ok(Permission {
            actions: row.texts("actions")?,
            not_actions: row.texts("notActions")?,
            data_actions: row.texts("dataActions")?,
            not_data_actions: row.texts("notDataActions")?,
            condition: row.text("condition")?.map(Cow::into_owned),
        })
    };
    if !row.has("permissions") {
        return Err("it has no `permissions`".to_owned());
    }
    row.rows("permissions")?.iter().map(one).collect()
}

fn definition(row: &Row<'_>, at: Origin) -> Done<RoleDefinition> {
    let id = match row.text("name")?.filter(|name| is_guid(name)) {
        Some(name) => lower(name.into_owned()),
        None => last_guid(&row.need("it", "id")?),
    };
    // In Azure Resource Manager's form `type` is the resource type outside and the role's own inside.
    let kind = row.text("roleType")?.or(row.inner_text("type")?).unwrap_or_default();
    Ok(RoleDefinition {
        id,
        name: row.text("roleName")?.map(Cow::into_owned).unwrap_or_default(),
        custom: kind.eq_ignore_ascii_case("CustomRole"),
        permissions: permissions(row)?,
        assignable_scopes: row.texts("assignableScopes")?,
        origin: at,
    })
}

fn deny(row: &Row<'_>, at: Origin) -> Done<DenyAssignment> {
    let people = |key: &str| {
        let one = |row: &Row<'_>| {
            let kind = PrincipalKind::parse(&row.word("type")?);
            Done::Ok(DenyPrincipal { id: lower(row.need("a principal of it", "id")?), kind })
        };
        row.rows(key)?.iter().map(one).collect::<Done<Vec<DenyPrincipal>>>()
    };
    let effect = row.id("denyAssignmentEffect")?;
    Ok(DenyAssignment {
        id: row.word("id")?,
        name: row.text("denyAssignmentName")?.or(row.text("name")?).map(Cow::into_owned).unwrap_or_default(),
        scope: row.need("it", "scope")?,
        permissions: permissions(row)?,
        principals: people("principals")?,
        excluded: people("excludePrincipals")?,
        only_here: row.flag("doNotApplyToChildScopes")? == Some(true),
        enforced: effect != "audit",
        system_protected: row.flag("isSystemProtected")? == Some(true),
        condition: row.text("condition")?.map(Cow::into_owned),
        origin: at,
    })
}

fn federated(row: &Row<'_>, at: Origin, context: &str) -> Done<FederatedCredential> {
    let id = row.need("it", "id")?;
    let end = id.to_ascii_lowercase().find("/federatedidentitycredentials/");
    let identity_id = end.and_then(|end| id.get(..end)).unwrap_or_default().to_owned();
    // Microsoft Graph names the application only where it answers: `...#applications('ID')/federatedIdentityCredentials`.
    let application = context.split_once("applications('").and_then(|(_, rest)| rest.split_once('\''));
    let application_id = match row.text("applicationId")? {
        Some(id) => lower(id.into_owned()),
        None => application.map(|(id, _)| id.to_ascii_lowercase()).unwrap_or_default(),
    };
    Ok(FederatedCredential {
        name: row.text("name")?.map_or_else(|| last_segment(&id), Cow::into_owned),
        identity_id,
        application_id,
        issuer: row.need("it", "issuer")?,
        subject: row.text("subject")?.map(Cow::into_owned),
        expression: expression(row)?,
        audiences: row.texts("audiences")?,
        id,
        origin: at,
    })
}

/// The expression of a flexible credential: text, or an object that holds it as `value`.
fn expression(row: &Row<'_>) -> Done<Option<String>> {
    match row.object("claimsMatchingExpression") {
        Ok(Some(inner)) => Ok(inner.text("value")?.map(Cow::into_owned)),
        _ => Ok(row.text("claimsMatchingExpression")?.map(Cow::into_owned)),
    }
}

fn directory_object(row: &Row<'_>, kind: PrincipalKind, at: Origin) -> Done<AzurePrincipal> {
    Ok(AzurePrincipal {
        object_id: object_id(row)?,
        kind,
        name: row.word("displayName")?,
        user_principal_name: row.word("userPrincipalName")?,
        client_id: String::new(),
        resource_id: String::new(),
        enabled: row.flag("accountEnabled")? != Some(false),
        application_id: String::new(),
        origin: at,
    })
}

fn service_principal(row: &Row<'_>, at: Origin) -> Done<AzurePrincipal> {
    let managed = row.id("servicePrincipalType")? == "managedidentity";
    let kind = if managed { PrincipalKind::ManagedIdentity } else { PrincipalKind::ServicePrincipal };
    let resource = row.texts("alternativeNames")?.into_iter().find(|name| name.starts_with('/'));
    Ok(AzurePrincipal {
        client_id: row.id("appId")?,
        resource_id: resource.filter(|_| managed).unwrap_or_default(),
        ..directory_object(row, kind, at)?
    })
}

fn vault(row: &Row<'_>, at: Origin) -> Done<KeyVault> {
    let mut policies = Vec::new();
    for policy in row.rows("accessPolicies")? {
        let mut all = Vec::new();
        if let Some(permissions) = policy.object("permissions")? {
            for of in ["secrets", "keys", "certificates", "storage"] {
                all.extend(permissions.texts(of)?.into_iter().map(|one| format!("{of}/{}", lower(one))));
            }
        }
        policies
            .push(AccessPolicy { object_id: lower(policy.need("an access policy", "objectId")?), permissions: all });
    }
    Ok(KeyVault { id: row.need("it", "id")?, azure_rbac: row.flag("enableRbacAuthorization")?, policies, origin: at })
}
