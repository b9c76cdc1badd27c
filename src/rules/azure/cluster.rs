//! Which identities accept the tokens of a cluster's service accounts, and which its accounts may use since they are bound to it.

use crate::graph::AccessGraph;
use crate::graph::azure::{AzureGraph, ClusterIx};
use crate::model::{Action, ResourceAction, Subject, service_account_parts};
use crate::query::{Filter, Row, SystemFilter, Where, is_same_issuer, who_can};
use crate::rules::attack::groups;
use crate::rules::solve::Ask;

use super::facts::Who;

/// The audience that tokens for Entra have
/// (<https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations>).
const AUDIENCE: &str = "api://AzureADTokenExchange";

/// The group of the right to use an identity that is bound to a cluster; the resource is its client id
/// (<https://learn.microsoft.com/azure/aks/identity-bindings-concepts>).
pub(in crate::rules) const BOUND: (&str, &str) = ("use-managed-identity", "cid.wi.aks.azure.com");

/// The identities that are bound to a cluster, each with its client id.
pub(super) fn bindings<'a>(graph: &'a AzureGraph<'_>, cluster: ClusterIx) -> impl Iterator<Item = (&'a str, Who)> {
    let id = &graph.cluster(cluster).id;
    let own = graph.facts().identity_bindings.iter().filter(move |one| one.cluster_id.eq_ignore_ascii_case(id));
    own.filter_map(|one| Some((one.ids.client_id.as_str(), Who::Principal(graph.by_object_id(&one.ids.object_id)?))))
}

/// The accounts that may use identities which are bound to the cluster, each with the identity.
pub(super) fn bound(
    access: &AccessGraph,
    graph: &AzureGraph<'_>,
    this: Option<ClusterIx>,
    ask: &Ask,
) -> Vec<(Subject, Who)> {
    let mut found: Vec<(Subject, Who)> = Vec::new();
    for (client_id, who) in this.into_iter().flat_map(|cluster| bindings(graph, cluster)) {
        let action = use_identity(client_id);
        let filter = Filter { system: SystemFilter::Show, keep: &|_| true };
        let rows = who_can(access, ask.cluster, &action, &Where::Cluster, filter).rows;
        let counts = |row: &Row| row.grants.iter().any(|grant| !ask.without.contains(&grant.binding));
        let granted = |row: &Row| row.resource_names.is_empty() && counts(row);
        let subjects: Vec<Subject> = rows.iter().filter(|row| granted(row)).map(|row| row.subject).collect();
        let accounts = access.snapshot().service_accounts.iter().filter(|own| own.cluster == ask.cluster);
        let accounts = accounts.map(|own| Subject::ServiceAccount { namespace: own.namespace, name: own.name });
        let in_groups = |account: &Subject| groups(access, *account).iter().any(|group| subjects.contains(group));
        let of_groups = accounts.filter(in_groups);
        let own = subjects.iter().copied().filter(|subject| matches!(subject, Subject::ServiceAccount { .. }));
        found.extend(own.chain(of_groups).map(|account| (account, who)));
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The request that is looked at when an account uses an identity.
pub(in crate::rules) fn use_identity(client_id: &str) -> Action {
    Action::Resource(ResourceAction {
        verb: BOUND.0.to_owned(),
        api_group: BOUND.1.to_owned(),
        resource: client_id.to_owned(),
        subresource: String::new(),
        namespace: String::new(),
        name: String::new(),
        field_selector: Vec::new(),
    })
}

/// The accounts of the cluster whose tokens identities accept, each with the identity. Where it is not known which cluster it is,
/// every issuer counts as its own.
pub(super) fn trusted(access: &AccessGraph, graph: &AzureGraph<'_>, this: Option<ClusterIx>) -> Vec<(Subject, Who)> {
    let names = &access.snapshot().names;
    let issuer = this.and_then(|at| graph.cluster(at).issuer.as_deref());
    let account = |text: &str| {
        let (namespace, name) = service_account_parts(text)?;
        Some(Subject::ServiceAccount { namespace: names.find(namespace)?, name: names.find(name)? })
    };
    let mut found: Vec<(Subject, Who)> = Vec::new();
    for at in graph.federated_credentials() {
        let credential = graph.federated_credential(at);
        let of_this = issuer.is_none_or(|own| is_same_issuer(own, &credential.issuer));
        let for_entra = credential.audiences.is_empty() || credential.audiences.iter().any(|one| one == AUDIENCE);
        let (Some(subject), Some(principal)) = (&credential.subject, graph.federated_principal(at)) else { continue };
        if let (true, true, Some(account)) = (of_this, for_entra, account(subject)) {
            found.push((account, Who::Principal(principal)));
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}
