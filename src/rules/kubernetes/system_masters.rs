//! `system-masters`: a group that every API server lets through before it asks any authorizer.

use crate::model::{MASTERS, Subject};
use crate::rules::attack::{Attack, Effect, Fact, Place};
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "system-masters",
    title: "Be in the group system:masters",
    requests: &[],
    gain: "cluster-admin, which no binding can take away",
    why: "Members of system:masters are let through before every authorizer. Membership comes with a certificate or a token, \
          never from a binding, and cannot be revoked by one.",
    remedy: "Issue credentials without the group, and bind a role to their owner instead.",
    confidence: Confidence::Documented,
    attack: &["T1078", "MS-TA9019"],
    references: &["https://kubernetes.io/docs/concepts/security/rbac-good-practices/#least-privilege"],
    ..Technique::HOLDING
};

/// Adds the group, whether or not a binding names it.
pub(in crate::rules) fn masters(attack: &mut Attack<'_>) {
    if let Some(masters) = attack.graph.snapshot().names.find(MASTERS).map(Subject::Group) {
        attack.fact(Fact::Identity(masters));
        let group = attack.fact(Fact::Acts(masters));
        attack.does(&TECHNIQUE, vec![group], Effect::Everything(Place::Cluster), Fact::Everything(Place::Cluster));
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::check;

    use super::super::world::graph;
    use crate::rules::{Ask, Target, escalations};

    #[test]
    fn masters_hold_the_cluster_without_any_binding() {
        let graph = graph("role any: get pods");
        let found = escalations(&graph, &Ask::default());
        assert!(found.holders.is_empty(), "a group that nobody names is not listed");
        let graph = super::super::world::graph(
            "role any: get pods
             bind any group:system:masters",
        );
        let found = escalations(&graph, &Ask::default());
        assert_eq!(found.holders.first().map(|holders| holders.target), Some(Target::ClusterAdmin));
    }

    #[test]
    fn a_user_of_that_name_is_nobody() {
        check(
            "role t: create serviceaccounts/token
             bind t user:system:masters",
            "",
        );
    }
}
