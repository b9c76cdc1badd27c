//! What ASO's own resources say of Azure: the identities, trusts, role assignments and clusters that it made or watches, as the
//! operator wrote them into `status`. They stand beside what was read of Azure itself, which counts where both speak of the same
//! thing. Whatever is not made by ASO stays unknown.

use rustc_hash::FxHashSet;

use crate::model::azure::{
    Assigned, AzureCluster, AzureIdentityIds, ClusterKind, FederatedCredential, PrincipalKind, RoleAssignment,
    UserAssignedIdentity, fold,
};
use crate::model::{
    AsoResource, AsoSpec, AsoValueFrom, ClusterSpec, FederatedSpec, IdentityIds, Name, RoleAssignmentSpec, Snapshot,
    service_account_parts,
};

/// A condition of which only is known that there is one; it can be read as nothing that is understood.
const SOME_CONDITION: &str = "a condition of the RoleAssignment";

/// Adds what the custom resources of ASO say of Azure, and names the accounts that federated credentials speak of, whether or not
/// anything else does. O(n log n) in the resources and facts.
pub(in crate::graph) fn join(snapshot: &mut Snapshot) {
    let resources = std::mem::take(&mut snapshot.aso_resources);
    for resource in &resources {
        let Some(id) = resource.status_id.map(|id| snapshot.text(id).to_owned()) else { continue };
        match &resource.spec {
            AsoSpec::Identity(ids) => identity(snapshot, resource, id, ids),
            AsoSpec::Federated(spec) => federated(snapshot, resource, id, spec),
            AsoSpec::RoleAssignment(spec) if is_active(resource) => assignment(snapshot, resource, id, spec),
            AsoSpec::Cluster(spec) => cluster(snapshot, resource, id, spec),
            AsoSpec::Server(_) => snapshot.azure.database_servers.push(id),
            _ => {}
        }
    }
    snapshot.aso_resources = resources;
    let facts = &mut snapshot.azure;
    sorted(&mut facts.database_servers, |id| fold(id));
    sorted(&mut facts.identities, |one| fold(&one.ids.resource_id));
    sorted(&mut facts.federated_credentials, |one| fold(&one.id) + &one.application_id);
    sorted(&mut facts.clusters, |one| fold(&one.id));
    assignments(&mut facts.assignments, &mut facts.from_aso);
    let subjects = facts.federated_credentials.iter().filter_map(|one| one.subject.as_deref());
    for (namespace, name) in subjects.filter_map(service_account_parts) {
        snapshot.names.intern(namespace);
        snapshot.names.intern(name);
    }
}

/// What ASO's resources are called in Azure, each of which is a scope of its own. Role assignments are none.
pub(in crate::graph) fn resource_ids(snapshot: &Snapshot) -> Vec<String> {
    let resources = snapshot.aso_resources.iter().filter(|own| !matches!(own.spec, AsoSpec::RoleAssignment(_)));
    resources.filter_map(|own| own.status_id).map(|id| snapshot.text(id).to_owned()).collect()
}

/// A RoleEligibilityScheduleRequest has the same fields and assigns nothing.
fn is_active(resource: &AsoResource) -> bool {
    resource.known.is_some_and(|kind| kind.facts().plural == "roleassignments")
}

/// Sorts a list by what each is known by; what was there before comes first and stays.
fn sorted<T>(list: &mut Vec<T>, key: impl Fn(&T) -> String) {
    let keys: Vec<String> = list.iter().map(key).collect();
    put(list, &order_of(&keys));
}

/// The places of keys in their order, the first of those that are the same.
fn order_of(keys: &[String]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_by_key(|&at| &keys[at]);
    order.dedup_by_key(|at| &keys[*at]);
    order
}

/// Puts a list in an order; what is not in it goes.
fn put<T>(list: &mut Vec<T>, order: &[usize]) {
    let mut all: Vec<Option<T>> = std::mem::take(list).into_iter().map(Some).collect();
    list.extend(order.iter().filter_map(|&at| all[at].take()));
}

/// Puts role assignments in order, which they are without those that ASO speaks of, and counts those that nobody else does.
fn assignments(list: &mut Vec<RoleAssignment>, from_aso: &mut usize) {
    if *from_aso == 0 {
        return;
    }
    let read = list.len() - *from_aso;
    let scopes: Vec<String> = list.iter().map(|one| fold(&one.scope)).collect();
    let key = |at: usize| {
        let one = &list[at];
        (scopes[at].as_str(), one.principal_id.as_str(), one.role_id.as_str(), one.assigned)
    };
    let known: FxHashSet<_> = (0..read).map(key).collect();
    let new: Vec<usize> = (read..list.len()).filter(|&at| !known.contains(&key(at))).collect();
    if new.is_empty() {
        *from_aso = 0;
        return list.truncate(read);
    }
    let mut order: Vec<usize> = (0..read).chain(new).collect();
    let lower = |at: usize| list[at].id.bytes().map(|byte| byte.to_ascii_lowercase());
    order.sort_by(|&one, &other| {
        let by_key = key(one).cmp(&key(other)).then_with(|| list[one].condition.cmp(&list[other].condition));
        by_key.then_with(|| lower(one).cmp(lower(other)))
    });
    order.dedup_by(|later, earlier| list[*later].id == list[*earlier].id && key(*later) == key(*earlier));
    *from_aso = order.len() - read;
    put(list, &order);
}

fn identity(snapshot: &mut Snapshot, of: &AsoResource, id: String, ids: &IdentityIds) {
    let text = |name: Option<Name>| name.map(|name| snapshot.text(name).to_ascii_lowercase()).unwrap_or_default();
    let (client_id, object_id, tenant_id) = (text(ids.client), text(ids.principal), text(ids.tenant));
    if client_id.is_empty() || object_id.is_empty() {
        return;
    }
    let name = last(&id);
    let ids = AzureIdentityIds { client_id, object_id, resource_id: id };
    snapshot.azure.identities.push(UserAssignedIdentity { ids, name, tenant_id, origin: of.origin });
}

fn federated(snapshot: &mut Snapshot, of: &AsoResource, id: String, spec: &FederatedSpec) {
    let value = |from: AsoValueFrom| match from {
        AsoValueFrom::Value(name) => Some(snapshot.text(name).to_owned()),
        AsoValueFrom::None | AsoValueFrom::ConfigMap { .. } => None,
    };
    // What comes out of a ConfigMap is not read.
    let (Some(issuer), Some(subject)) = (value(spec.issuer), value(spec.subject)) else { return };
    let Some(end) = id.to_ascii_lowercase().find("/federatedidentitycredentials/") else { return };
    let audiences = snapshot.lists.get(spec.audiences).iter().map(|&one| snapshot.text(one).to_owned()).collect();
    snapshot.azure.federated_credentials.push(FederatedCredential {
        name: last(&id),
        identity_id: id.get(..end).unwrap_or_default().to_owned(),
        application_id: String::new(),
        issuer,
        subject: Some(subject),
        expression: None,
        audiences,
        id,
        origin: of.origin,
    });
}

fn assignment(snapshot: &mut Snapshot, of: &AsoResource, id: String, spec: &RoleAssignmentSpec) {
    let text = |name: Option<Name>| name.map(|name| snapshot.text(name).to_owned());
    let (Some(principal), Some(role), Some(scope)) =
        (text(spec.status_principal), text(spec.status_role), text(spec.status_scope))
    else {
        return;
    };
    let principal_kind = text(spec.principal_type).map_or(PrincipalKind::Unknown, |kind| PrincipalKind::parse(&kind));
    snapshot.azure.from_aso += 1;
    snapshot.azure.assignments.push(RoleAssignment {
        id,
        scope,
        principal_id: principal.to_ascii_lowercase(),
        principal_kind,
        principal_name: String::new(),
        role_id: last(&role).to_ascii_lowercase(),
        role_name: String::new(),
        condition: spec.conditional.then(|| SOME_CONDITION.to_owned()),
        assigned: Assigned::Active,
        end: None,
        origin: of.origin,
    });
}

fn cluster(snapshot: &mut Snapshot, of: &AsoResource, id: String, spec: &ClusterSpec) {
    let text = |name: Option<Name>| name.map(|name| snapshot.text(name).to_owned());
    let admin_group_ids =
        snapshot.lists.get(spec.admin_groups).iter().map(|&one| snapshot.text(one).to_ascii_lowercase()).collect();
    let (fqdn, node_resource_group, issuer) = (text(spec.fqdn), text(spec.node_resource_group), text(spec.issuer));
    let name = last(&id);
    // What is not set is as Azure has it by now, which the resource does not say.
    snapshot.azure.clusters.push(AzureCluster {
        fqdn,
        node_resource_group,
        issuer,
        local_accounts_disabled: spec.local_accounts_off,
        entra: spec.entra == Some(true),
        azure_rbac: spec.azure_rbac == Some(true),
        admin_group_ids,
        ..AzureCluster::new(ClusterKind::Aks, id, name, of.origin)
    });
}

/// The last segment of a resource id.
fn last(id: &str) -> String {
    id.trim_end_matches('/').rsplit('/').next().unwrap_or(id).to_owned()
}
