//! Azure RBAC for Kubernetes in the answers of `who-can`, `what-can`, `why` and `review`.

use super::exit::count;
use crate::graph::AccessGraph;
use crate::graph::azure::{AzureDecision, AzureGraph, ClusterIx, PrincipalIx, clusters};
use crate::model::{Action, ClusterId, Gap, Identity, ResourceTable, Review};
use crate::query::{
    Aso, AsoOptions, GuardRequest, HowRecognised, Reviewed, Where, guard_what_can, guard_who_can, this_cluster,
};
use crate::render::{GuardRights, GuardVerdict, safe};

/// Azure's side of a cluster that asks Azure.
pub(super) struct Guarded<'g> {
    pub(super) graph: AzureGraph<'g>,
    pub(super) cluster: ClusterIx,
    how: HowRecognised,
}

impl<'g> Guarded<'g> {
    /// None where the cluster does not ask Azure; a note where that is not known.
    pub(super) fn new(access: &'g AccessGraph) -> Result<Guarded<'g>, Option<String>> {
        let facts = &access.snapshot().azure;
        let asking = || clusters(facts).filter(|(_, one)| one.azure_rbac);
        if !facts.given || asking().next().is_none() {
            return Err(None);
        }
        let aso = Aso::new(access, ClusterId::FIRST, AsoOptions::default());
        match this_cluster(access, &aso) {
            Some((cluster, how)) if asking().any(|(at, _)| at == cluster) => {
                Ok(Guarded { graph: access.azure(), cluster, how })
            }
            Some(_) => Err(None),
            None => {
                let ask = asking().count();
                Err(Some(format!(
                    "note: which cluster of Azure this is is not known, and {} Azure about requests; say it with \
                     --this-cluster NAME|ID",
                    if ask == 1 { "1 cluster asks".to_owned() } else { format!("{} ask", count(ask, "cluster")) }
                )))
            }
        }
    }

    /// Which cluster it is, and how that is known.
    fn note(&self) -> String {
        format!(
            "note: by {} this cluster is {}, which asks Azure too; that part is documented, and no real Azure was asked",
            self.how.as_str(),
            safe(&self.graph.cluster(self.cluster).name)
        )
    }

    /// The principal that a user of Kubernetes is, by the user principal name or the object id.
    fn user(&self, name: &str) -> Option<PrincipalIx> {
        self.graph.by_user_principal_name(name).or_else(|| self.graph.by_object_id(name))
    }

    /// What Azure says of an identity; none for one that is nobody there.
    pub(super) fn why(&self, identity: &Identity, action: &Action, place: &Where) -> Option<GuardVerdict<'_>> {
        let principals = self.principals(identity);
        if principals.is_empty() {
            return None;
        }
        let (graph, cluster) = (&self.graph, self.cluster);
        let request = GuardRequest::new(graph, cluster, action);
        let verdict = request.decide_in(graph, &principals, place);
        Some(GuardVerdict { graph, cluster, verdict, discovery: request.is_discovery() })
    }

    /// Everything that Azure allows an identity, with what would have to be known; none for one that is nobody there.
    pub(super) fn what_can(&self, identity: &Identity, table: &ResourceTable) -> Option<(GuardRights<'_>, Vec<Gap>)> {
        let principals = self.principals(identity);
        if principals.is_empty() {
            return None;
        }
        let (rights, gaps) = guard_what_can(&self.graph, self.cluster, &principals, table);
        Some((GuardRights { graph: &self.graph, cluster: self.cluster, rights }, gaps))
    }

    /// What would have to be known so that a no of Azure is one.
    pub(super) fn gaps(&self, identity: &Identity, action: &Action, place: &Where) -> Vec<Gap> {
        if identity.user.starts_with("system:") {
            return Vec::new();
        }
        guard_who_can(&self.graph, self.cluster, action, place, &|_| false).gaps
    }

    /// What would have to be known so that a no to a review is one.
    pub(super) fn review_gaps(&self, review: &Review) -> Vec<Gap> {
        let namespace = review.action.namespace();
        let place = if namespace.is_empty() { Where::Cluster } else { Where::Namespace(namespace.to_owned()) };
        self.gaps(&review.identity, &review.action, &place)
    }

    /// The answer to a review of somebody whom the cluster's own authorizers refuse: the user is who `spec.extra.oid` says, and in
    /// exactly the groups that are given. Only a plain yes allows.
    pub(super) fn reviewed(&self, review: &Review, own: Reviewed) -> Reviewed {
        let Some(id) = review.object_id.as_ref().filter(|_| !review.identity.user.starts_with("system:")) else {
            return own;
        };
        if own.allowed {
            return own;
        }
        let ids = std::iter::once(id).chain(&review.identity.groups);
        let these: Vec<PrincipalIx> = ids.filter_map(|id| self.graph.by_object_id(id)).collect();
        let request = GuardRequest::new(&self.graph, self.cluster, &review.action);
        let namespace = Some(review.action.namespace()).filter(|namespace| !namespace.is_empty());
        let verdict = request.decide_as(&self.graph, &these, namespace);
        let (allowed, words) = match verdict.decision {
            _ if request.is_discovery() => (true, "discovery is allowed".to_owned()),
            AzureDecision::Allowed => (true, "allowed by a role assignment".to_owned()),
            AzureDecision::No => (false, "no role assignment allows it".to_owned()),
            other => (false, other.as_str().to_owned()),
        };
        let by = verdict.grants.first().filter(|_| verdict.decision != AzureDecision::No).map(|grant| {
            let role = &self.graph.role(self.graph.assigned_role(grant.assignment)).name;
            format!(" of {role} at {}", self.graph.assignment(grant.assignment).scope)
        });
        let azure = format!("Azure: {words}{}", by.unwrap_or_default());
        let reason = if own.reason.is_empty() || allowed { azure } else { format!("{}\n{azure}", own.reason) };
        Reviewed { allowed, reason }
    }

    /// The principals that an identity is: the user, and the groups that are given beside.
    fn principals(&self, identity: &Identity) -> Vec<PrincipalIx> {
        // Guard has no opinion about these.
        if identity.user.starts_with("system:") {
            return Vec::new();
        }
        let groups = identity.groups.iter().filter_map(|group| self.graph.by_object_id(group));
        self.user(&identity.user).into_iter().chain(groups).collect()
    }
}

/// Which cluster it is, or why that is not known.
pub(super) fn guard_note(guarded: &Result<Guarded<'_>, Option<String>>) -> Option<String> {
    match guarded {
        Ok(own) => Some(own.note()),
        Err(note) => note.clone(),
    }
}
