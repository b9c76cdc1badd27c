//! What somebody should know who sees little: no cluster, no rights, nothing of Azure. Each says what could not be seen and the one
//! command that helps.

use std::collections::BTreeSet;

use crate::collect::LiveError;
use crate::model::{Gap, GapReason, Name, Snapshot};
use crate::query::Aso;

/// Beside the error, where there is no cluster to ask at all.
pub(super) fn without_cluster(error: &LiveError) -> Option<String> {
    let hint = "hint: `kubectl rbac-lens escalations --demo` needs no cluster: it answers for an example company";
    matches!(error, LiveError::Unreachable(_)).then(|| hint.to_owned())
}

/// Behind the gaps: whether they leave nothing to answer from, and the commands that give the rights that were missing.
pub(super) fn without_rights(snapshot: &Snapshot) -> Vec<String> {
    let mut lines = Vec::new();
    let refused = |gap: &&Gap| gap.reason == GapReason::Forbidden && gap.namespace.is_none();
    let unseen = |resource: &str| {
        let is = |gap: &Gap| gap.api_group == RBAC && gap.resource == resource && gap.except.is_empty();
        snapshot.gaps.iter().filter(refused).any(is)
    };
    if ["clusterroles", "clusterrolebindings", "roles", "rolebindings"].into_iter().all(unseen) {
        lines.push(
            "warning: no role and no binding of the cluster could be read, so the answer says nothing about it"
                .to_owned(),
        );
    }
    // Secrets are asked for by name, or on demand: their list is for no ClusterRole that reads everything.
    let wanted = snapshot.gaps.iter().filter(refused).filter(|gap| gap.resource != "secrets");
    let wanted: BTreeSet<String> = wanted.filter_map(resource).collect();
    if !wanted.is_empty() {
        let list = wanted.into_iter().collect::<Vec<_>>().join(",");
        lines.push(format!(
            "hint: `kubectl create clusterrole rbac-lens --verb=list --resource={list}` has what is missing; an administrator binds it \
             to you with `kubectl create clusterrolebinding rbac-lens --clusterrole=rbac-lens --user=YOU`"
        ));
    }
    lines
}

const RBAC: &str = "rbac.authorization.k8s.io";

/// A resource as kubectl takes it, if it is one: gaps of a saved snapshot may hold any words.
fn resource(gap: &Gap) -> Option<String> {
    let group = if gap.api_group.is_empty() { String::new() } else { format!(".{}", gap.api_group) };
    let word = [gap.resource.as_str(), &group].concat();
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-.".contains(letter);
    (!gap.resource.is_empty() && word.chars().all(plain)).then_some(word)
}

/// Where identities of Azure are used and what they may do was not given.
pub(super) fn without_azure(aso: &Aso<'_>, is_known: bool) -> Option<String> {
    if is_known {
        return None;
    }
    let clients: BTreeSet<Option<Name>> = aso.credentials().map(|(_, credential)| credential.client).collect();
    let made = aso.snapshot().azure.identities.iter();
    let made: BTreeSet<Option<Name>> =
        made.map(|identity| aso.snapshot().names.find(&identity.ids.client_id)).filter(Option::is_some).collect();
    let number = clients.union(&made).count();
    (number > 0).then(|| {
        format!(
            "note: what {} may do in Azure is unknown; `kubectl rbac-lens azure-export DIR` saves it, and --azure DIR reads it",
            match number {
                1 => "1 identity".to_owned(),
                more => format!("{more} identities"),
            }
        )
    })
}
