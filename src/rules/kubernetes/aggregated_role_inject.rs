//! `aggregated-role-inject`: what is written into a ClusterRole with the right labels, the control plane unites into another one.

use crate::model::{Name, Operator, Selector};
use crate::rules::attack::{Attack, Done, Fact, RoleKey};
use crate::rules::technique::{At, Confidence, On, Request, Technique, WRITE, rbac};

const CREATE: &[&str] = &["create"];
const ESCALATE: &[&str] = &["escalate"];

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "aggregated-role-inject",
    title: "Have more rules united into a role that is held",
    requests: &[
        Request {
            rights: &[rbac(ESCALATE, "clusterroles", On::Object), rbac(WRITE, "clusterroles", On::Object)],
            at: At::Cluster,
        },
        Request {
            rights: &[rbac(ESCALATE, "clusterroles", On::Nothing), rbac(CREATE, "clusterroles", On::Nothing)],
            at: At::Cluster,
        },
        Request {
            rights: &[
                rbac(ESCALATE, "clusterroles", On::Object),
                rbac(CREATE, "clusterroles", On::Object),
                rbac(WRITE, "clusterroles", On::Object),
            ],
            at: At::Cluster,
        },
    ],
    gain: "any rules, where the aggregated role is held",
    why: "The control plane copies the rules of every ClusterRole whose labels an aggregationRule selects, and asks nobody. So \
          who may `escalate` one ClusterRole, however unimportant, writes any rules and the label into it, and every subject of \
          the aggregated role has them: `admin`, `edit` and `view` are aggregated in every cluster. Without `escalate` only \
          rules that the writer holds can be passed on.",
    remedy: "Take the verb `escalate` out of the rule.",
    confidence: Confidence::Performed,
    attack: &["T1078", "T1098.006"],
    references: &["https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles"],
    build: Some(build),
    ..Technique::MOVE
};

fn build(attack: &mut Attack<'_>, done: Done) {
    if !done.first {
        return;
    }
    let mut needs = vec![done.fact];
    match (done.within, done.site.object) {
        // Who may write every ClusterRole needs no detour.
        (0, None) => return,
        (0, Some(name)) => {
            let role = RoleKey { namespace: None, name };
            if attack.role(role).is_none() {
                attack.name_missing(role);
                needs.push(attack.fact(Fact::CanCreate(role)));
            }
        }
        (_, None) => {}
        (1, _) => {}
        (_, Some(name)) => {
            if attack.role(RoleKey { namespace: None, name }).is_some() {
                return;
            }
        }
    }
    let written = done.site.object;
    let roles: Vec<RoleKey> = attack
        .graph
        .roles()
        .filter(|(_, role)| role.cluster == attack.cluster && Some(role.name) != written)
        .filter(|(_, role)| {
            role.aggregation.as_ref().is_some_and(|aggregation| aggregation.selectors.iter().any(selects_something))
        })
        .map(|(_, role)| RoleKey { namespace: None, name: role.name })
        .collect();
    for role in roles {
        attack.follows(needs.clone(), Fact::CanFeed(role));
    }
}

/// Whether there are labels that a selector selects.
fn selects_something(selector: &Selector) -> bool {
    let mut labels: Vec<(Name, Name)> = selector.match_labels.to_vec();
    for expression in &selector.match_expressions {
        if labels.iter().any(|(key, _)| *key == expression.key) {
            continue;
        }
        // A value that no selector of the input names stands for all such values.
        let candidates: Vec<Name> = match expression.operator {
            Operator::In => expression.values.to_vec(),
            Operator::Exists => vec![Name::STAR],
            Operator::NotIn | Operator::DoesNotExist => Vec::new(),
        };
        let fits = |value: &Name| {
            let of_key = selector.match_expressions.iter().filter(|other| other.key == expression.key);
            of_key.into_iter().all(|other| match other.operator {
                Operator::In => other.values.contains(value),
                Operator::NotIn => !other.values.contains(value),
                Operator::Exists => true,
                Operator::DoesNotExist => false,
            })
        };
        labels.extend(candidates.into_iter().find(fits).map(|value| (expression.key, value)));
    }
    selector.selects(&labels)
}

#[cfg(test)]
mod tests {
    use super::super::world::check;

    const EDIT: &str = "yaml {apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: team}, \
        aggregationRule: {clusterRoleSelectors: [{matchLabels: {to: team}}]}}";

    #[test]
    fn a_new_part_reaches_those_who_hold_the_whole() {
        check(
            &format!(
                "{EDIT}
                 role e: escalate,create clusterroles.rbac
                 bind e user:alice
                 bind dev/t=team user:alice"
            ),
            "alice -> admin of dev: aggregated-role-inject, namespace-admin
             alice -> any node: aggregated-role-inject, pod-create, relax-pod-security, privileged-pod",
        );
        check(
            &format!(
                "{EDIT}
                 role e: escalate,patch clusterroles.rbac small
                 role small: get pods
                 bind e user:alice
                 bind team user:alice"
            ),
            "alice -> cluster-admin: aggregated-role-inject",
        );
    }

    #[test]
    fn without_escalate_only_what_is_held_is_passed_on() {
        check(
            &format!(
                "{EDIT}
                 role w: create,patch clusterroles.rbac
                 bind w user:alice
                 bind dev/t=team user:alice"
            ),
            "",
        );
    }

    #[test]
    fn a_whole_that_nobody_of_ours_holds_is_of_no_use() {
        check(
            &format!(
                "{EDIT}
                 role e: escalate,create clusterroles.rbac
                 bind e user:alice
                 bind dev/t=team user:bob"
            ),
            "",
        );
    }
}
