//! Which AKS cluster it is that the Kubernetes objects are of, and which identities accept tokens of its service accounts.

use crate::graph::AccessGraph;
use crate::graph::azure::{AksIx, AzureGraph};
use crate::model::{Name, Subject, service_account_parts};
use crate::query::Aso;

use super::facts::Who;

/// What a subject of a federated credential begins with that is a service account.
const ACCOUNT: &str = "system:serviceaccount:";

/// The audience that tokens for Entra have
/// (<https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations>).
const AUDIENCE: &str = "api://AzureADTokenExchange";

/// The cluster, if something says which one it is: its nodes, which lie in its node resource group; the identity of an operator,
/// which accepts only tokens of the cluster that the operator runs in; or that there is no other one.
pub(super) fn find(access: &AccessGraph, graph: &AzureGraph<'_>, aso: &Aso<'_>) -> Option<AksIx> {
    by_issuer(access, graph, aso)
}

fn by_issuer(access: &AccessGraph, graph: &AzureGraph<'_>, aso: &Aso<'_>) -> Option<AksIx> {
    let mut found: Vec<AksIx> = Vec::new();
    for (_, operator) in aso.operators() {
        let Some(subject) = account_text(access, operator.account) else { continue };
        let clients = aso.credentials().filter_map(|(_, credential)| credential.client);
        let principals = clients.filter_map(|client| graph.by_client_id(access.text(client)));
        let identities = principals.filter_map(|principal| graph.principal(principal).identity);
        for identity in identities {
            let trusts = graph.federated_credentials_of(identity).iter().map(|&at| graph.federated_credential(at));
            let issuers = trusts.filter(|one| one.subject.as_deref() == Some(&subject)).map(|one| &one.issuer);
            for issuer in issuers {
                found.extend(graph.clusters().filter(|&at| same_issuer(graph.cluster(at).issuer.as_deref(), issuer)));
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    // Identities that trust operators of several clusters say nothing.
    if let [one] = found[..] { Some(one) } else { None }
}

/// Issuers are compared with and without the last slash.
fn same_issuer(own: Option<&str>, other: &str) -> bool {
    own.is_some_and(|own| own.trim_end_matches('/') == other.trim_end_matches('/'))
}

fn account_text(access: &AccessGraph, account: Subject) -> Option<String> {
    let Subject::ServiceAccount { namespace, name } = account else { return None };
    Some(format!("{ACCOUNT}{}:{}", access.text(namespace), access.text(name)))
}

/// The accounts of the cluster whose tokens identities accept, each with the identity. Where it is not known which cluster it is,
/// every issuer counts as its own.
pub(super) fn trusted(access: &AccessGraph, graph: &AzureGraph<'_>, this: Option<AksIx>) -> Vec<(Subject, Who)> {
    let names = &access.snapshot().names;
    let issuer = this.and_then(|at| graph.cluster(at).issuer.as_deref());
    let account = |text: &str| {
        let (namespace, name): (Name, Name) = {
            let (namespace, name) = service_account_parts(text)?;
            (names.find(namespace)?, names.find(name)?)
        };
        Some(Subject::ServiceAccount { namespace, name })
    };
    let mut found: Vec<(Subject, Who)> = Vec::new();
    for at in graph.federated_credentials() {
        let credential = graph.federated_credential(at);
        let of_this = issuer.is_none_or(|own| same_issuer(Some(own), &credential.issuer));
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
