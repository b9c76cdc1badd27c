//! The accounts behind a group that the API server fills by itself, and who is in a group of Entra.

use std::collections::BTreeMap;

use crate::graph::azure::PrincipalIx;
use crate::graph::{AccessGraph, KnownNode};
use crate::model::{AUTHENTICATED, ClusterId, NODES, Name, SERVICE_ACCOUNTS, Subject};

use super::guard::entra_principal;

/// A service account or a node that is in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// The account, or the user of the node.
    pub account: Subject,
    /// Whether there is an object of that name. One that a binding or a pod only mentions can be created by somebody.
    pub exists: bool,
}

/// The known service accounts of `system:serviceaccounts`, `system:serviceaccounts:NAMESPACE` or `system:authenticated`, and the
/// users of the known nodes of `system:nodes`; none for a group that is not filled by the API server.
pub fn members(graph: &AccessGraph, cluster: ClusterId, group: Name) -> Option<Vec<Member>> {
    let text = graph.text(group);
    if text == NODES {
        let member = |node: KnownNode| Member { account: Subject::User(node.user), exists: node.exists };
        return Some(graph.nodes().nodes(cluster).map(member).collect());
    }
    let only: Option<&str> = match text.strip_prefix(SERVICE_ACCOUNTS) {
        Some("") => None,
        Some(rest) => Some(rest.strip_prefix(':')?),
        None if text == AUTHENTICATED => None,
        None => return None,
    };
    let snapshot = graph.snapshot();
    let is_in = |namespace: Name| only.is_none_or(|only| graph.text(namespace) == only);
    let mut found: BTreeMap<Subject, bool> = BTreeMap::new();
    let accounts = snapshot.service_accounts.iter().filter(|account| account.cluster == cluster);
    for account in accounts.filter(|account| is_in(account.namespace)) {
        found.insert(Subject::ServiceAccount { namespace: account.namespace, name: account.name }, true);
    }
    let pods = snapshot.pods.iter().filter(|pod| pod.cluster == cluster && is_in(pod.namespace));
    for (namespace, name) in pods.filter_map(|pod| Some((pod.namespace, pod.service_account?))) {
        found.entry(Subject::ServiceAccount { namespace, name }).or_insert(false);
    }
    for (_, subject) in snapshot.subjects.iter() {
        if subject.namespace().is_some_and(is_in) {
            found.entry(subject).or_insert(false);
        }
    }
    Some(found.into_iter().map(|(account, exists)| Member { account, exists }).collect())
}

/// Who is in a group of Entra, nested groups included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntraMembers {
    /// The group.
    pub group: PrincipalIx,
    /// Whether these are all.
    pub complete: bool,
    /// Those that are known, each with whether it has to activate the membership.
    pub known: Vec<(PrincipalIx, bool)>,
}

/// Who is in the group of Entra that a subject is, if it is one that Azure's data name.
pub fn entra_members(graph: &AccessGraph, subject: Subject) -> Option<EntraMembers> {
    let azure = graph.azure();
    let group = entra_principal(graph, subject).filter(|&one| azure.is_group(one))?;
    let known = azure.members_of(group).into_iter().map(|one| (one.group, one.eligible)).collect();
    Some(EntraMembers { group, complete: !azure.members_unread(group), known })
}
