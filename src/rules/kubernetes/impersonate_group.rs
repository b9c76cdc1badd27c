//! `impersonate-group`: a request carries a name and groups, and is judged as a member's.

use crate::model::{MASTERS, NODE_PREFIX, NODES, Name, SERVICE_ACCOUNTS, Subject, is_account_name};
use crate::rules::attack::{Attack, Done, Effect, Fact, Place};
use crate::rules::finding::{RightDone, StepDone};
use crate::rules::replay::State;
use crate::rules::technique::{At, Confidence, On, Request, Right, Technique, core};

use super::node_identity::be_any;

const IMPERSONATE: &[&str] = &["impersonate"];
/// What the names of accounts begin with.
const ACCOUNTS: &str = "system:serviceaccount:";
const GROUPS: Right = core(IMPERSONATE, "groups", On::Object);

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "impersonate-group",
    title: "Impersonate a member of a group",
    requests: &[
        Request { rights: &[GROUPS, core(IMPERSONATE, "users", On::Other)], at: At::Cluster },
        Request {
            rights: &[GROUPS.in_cluster(), core(IMPERSONATE, "serviceaccounts", On::Other)],
            at: At::Namespace,
        },
    ],
    gain: "everything that the group holds; without a limit by resourceNames this includes system:masters",
    why: "Impersonate-Group is taken only together with Impersonate-User, so the right on the group needs one on some user or \
          account beside it, held by the same identity; whose name it is does not matter. The account's own groups are replaced \
          by those that are asked for. A RoleBinding can grant the account's half and never the group's.",
    remedy: "Take the verb `impersonate` on groups away, or limit it with resourceNames to groups that hold no more.",
    confidence: Confidence::Performed,
    attack: &["T1078"],
    references: &[
        "https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation",
        "https://kubernetes.io/docs/concepts/security/rbac-good-practices/#impersonate-verb",
    ],
    build: Some(build),
    proof: Some(proof),
    ..Technique::MOVE
};

fn build(attack: &mut Attack<'_>, done: Done) {
    let names = &attack.graph.snapshot().names;
    let other = done.site.other.map(|name| attack.graph.text(name));
    // As a user the name of an account is never let through.
    let is_account = |name: &str| !matches!(Subject::find_user(names, name), Some(Subject::User(_)));
    // No account is called that, and the API server reads the name of one only in what is.
    let is_no_account = |name: &str| !is_account_name(name);
    if !done.first
        || (done.within == 0 && other.is_some_and(is_account))
        || (done.within == 1 && other.is_some_and(is_no_account))
    {
        return;
    }
    let groups = match done.site.object {
        Some(name) => vec![Subject::Group(name)],
        None => {
            let masters = names.find(MASTERS).map(Subject::Group);
            let others = attack.granted(|subject| matches!(subject, Subject::Group(_)));
            masters.into_iter().chain(others).collect()
        }
    };
    for group in groups {
        if is_told_apart(attack, group.name()) {
            attack.does(done.technique, vec![done.fact], Effect::ActAs(group), Fact::Acts(group));
        }
    }
    let of_nodes = done.site.object.is_none_or(|name| attack.graph.text(name) == NODES);
    if done.within == 0 && of_nodes {
        let Some(name) = done.site.other else { return be_any(attack, &done, &[done.fact], Fact::Acts) };
        let nodes = attack.nodes();
        let mut nodes = nodes.iter().filter_map(|&node| attack.user_of_node(node));
        if let Some(node) = nodes.find(|node| node.name() == name) {
            attack.does(done.technique, vec![done.fact], Effect::ActAs(node), Fact::Acts(node));
        }
    }
}

/// Whether what a member of the group holds is what the group holds. An account of a namespace is in the group of all accounts
/// as well; who impersonates the one group is not in the other.
pub(super) fn is_told_apart(attack: &Attack<'_>, group: Name) -> bool {
    let text = attack.graph.text(group);
    let of_all = attack.graph.snapshot().names.find(SERVICE_ACCOUNTS).map(Subject::Group);
    let of_namespace = text.strip_prefix(SERVICE_ACCOUNTS).is_some_and(|rest| rest.starts_with(':'));
    !of_namespace || of_all.is_none_or(|all| attack.held_by(all).0.is_empty())
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    if !step.with.is_empty() {
        return proof_of_several(state, step);
    }
    let group = step.asks(IMPERSONATE, "", "groups").ok_or("no group is asked for")?;
    let user = step.asks(IMPERSONATE, "", "users");
    let named = user.or(step.asks(IMPERSONATE, "", "serviceaccounts")).ok_or("no name goes with the group")?;
    let is = |name: Option<Name>, text: &str| name.is_none_or(|name| state.graph.text(name) == text);
    if user.is_none() && named.name.is_some_and(|name| state.graph.text(name).contains(':')) {
        return Err("no account is called that".to_owned());
    }
    let of_account = named.name.is_some_and(|name| state.graph.text(name).starts_with(ACCOUNTS));
    match step.effect {
        _ if user.is_some() && of_account => Err("an account is no user".to_owned()),
        Effect::ActAs(Subject::Group(own)) if group.name.is_none_or(|name| name == own) => Ok(()),
        Effect::ActAs(Subject::User(node)) => {
            let text = state.graph.text(node);
            let fits = text.starts_with(NODE_PREFIX) && is(group.name, NODES) && is(named.name, text);
            if fits && user.is_some() { Ok(()) } else { Err("this is no node".to_owned()) }
        }
        _ => Err("another group is asked for".to_owned()),
    }
}

/// One request, of one identity, with a right to each group and to the one name.
fn proof_of_several(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let Effect::ActAs(first) = step.effect else { return Err("nobody is impersonated".to_owned()) };
    let [request] = &step.requests[..] else { return Err("one request carries all of it".to_owned()) };
    let parts = || [first].into_iter().chain(step.with.iter().copied());
    let may = |resource: &'static str, fits: &dyn Fn(&RightDone) -> bool| {
        request.rights.iter().any(|right| {
            (right.verb, right.api_group, right.resource) == (IMPERSONATE[0], "", resource) && fits(right)
        })
    };
    let is = |own: Option<Name>, name: Name| own.is_none_or(|own| own == name);
    for part in parts() {
        let text = state.graph.text(part.name());
        let allowed = match part {
            Subject::Group(name) => {
                may("groups", &|right| right.place == Place::Cluster && right.name.is_some() && is(right.name, name))
            }
            Subject::User(_) if text.starts_with(ACCOUNTS) => false,
            Subject::User(name) => may("users", &|right| right.place == Place::Cluster && is(right.name, name)),
            Subject::ServiceAccount { namespace, name } => {
                may("serviceaccounts", &|right| right.place == Place::Namespace(namespace) && is(right.name, name))
            }
        };
        if !allowed {
            return Err(format!("nobody may impersonate {text} here"));
        }
    }
    let names = parts().filter(|part| !matches!(part, Subject::Group(_))).count();
    let some_user = |right: &RightDone| right.name.is_none_or(|name| !state.graph.text(name).starts_with(ACCOUNTS));
    let some_account = |right: &RightDone| right.name.is_none_or(|name| is_account_name(state.graph.text(name)));
    match names {
        0 if may("users", &some_user) || may("serviceaccounts", &some_account) => Ok(()),
        0 => Err("no name goes with the groups".to_owned()),
        1 => Ok(()),
        _ => Err("a request carries one name".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::check;

    #[test]
    fn a_group_with_some_user() {
        check(
            "role i: impersonate groups dev; impersonate users nobody
             role big: * *.*
             bind i user:alice
             bind big group:dev",
            "alice -> cluster-admin: impersonate-group, wildcard-admin",
        );
    }

    #[test]
    fn any_group_is_system_masters() {
        check(
            "role i: impersonate groups,users
             bind i user:alice",
            "alice -> cluster-admin: impersonate-group, system-masters",
        );
        check(
            "role i: impersonate groups system:masters
             role a: impersonate serviceaccounts bot
             bind i user:alice
             bind dev/a=a user:alice",
            "alice -> cluster-admin: impersonate-group, system-masters",
        );
    }

    #[test]
    fn whoever_has_everything_in_a_namespace_has_its_accounts_to_go_with_a_group() {
        let writes = |groups: &str| {
            format!(
                "role writer: create,escalate clusterroles.rbac; {groups}
                 bind writer user:bob
                 bind dev/all=missing user:bob"
            )
        };
        check(
            &writes("impersonate groups"),
            "bob -> cluster-admin: escalate-role, impersonate-group, system-masters",
        );
        check(
            &(writes("impersonate groups dev") + "\nrole big: * *.*\nbind big group:dev"),
            "bob -> cluster-admin: escalate-role, impersonate-group, wildcard-admin",
        );
        // By a binding that they make.
        check(
            "role binder: bind clusterroles.rbac; create rolebindings.rbac
             role i: impersonate groups
             role all: * *.*
             bind dev/b=binder user:bob
             bind i user:bob",
            "bob -> cluster-admin: bind-role, impersonate-group, system-masters",
        );
        // The one by one of their groups, and the other by another one.
        check(
            "role i: impersonate groups
             role all: * *.*
             bind i group:system:authenticated
             bind kube-system/all=all group:system:serviceaccounts:dev",
            "system:serviceaccounts:dev -> cluster-admin: wildcard-admin, impersonate-group, system-masters",
        );
        // The group is somebody else's, or the server refuses it in a namespace.
        let inside = "bob -> admin of dev: escalate-role, namespace-admin
             bob -> any node: escalate-role, pod-create, relax-pod-security, privileged-pod";
        check(
            &(writes("get pods") + "\nrole i: impersonate groups\nbind i user:alice"),
            inside,
        );
        check(
            &(writes("get pods") + "\nrole i: impersonate groups\nbind dev/i=i user:bob"),
            inside,
        );
    }

    #[test]
    fn a_group_without_a_name_gives_nothing() {
        check(
            "role i: impersonate groups
             bind i user:alice",
            "",
        );
        check(
            "role i: impersonate groups; impersonate users system:serviceaccount:dev:bot
             bind i user:alice",
            "",
        );
    }

    #[test]
    fn a_name_that_no_account_can_have_goes_with_no_group() {
        for name in ["system:masters", "Bot", "bot-", "a..b"] {
            check(
                &format!(
                    "role i: impersonate groups dev
                     role a: impersonate serviceaccounts {name}
                     role big: * *.*
                     bind i user:alice
                     bind dev/a=a user:alice
                     bind big group:dev group:system:serviceaccounts:dev"
                ),
                "",
            );
        }
    }

    #[test]
    fn a_role_binding_grants_accounts_and_no_groups() {
        check(
            "role i: impersonate groups,users,serviceaccounts
             role big: * *.*
             bind dev/i=i user:alice
             bind big group:dev",
            "",
        );
    }

    #[test]
    fn both_halves_are_one_identitys() {
        check(
            "role g: impersonate groups
             role u: impersonate users nobody
             role t: create serviceaccounts/token
             bind g user:alice
             bind u sa:dev/bot
             bind dev/t=t user:alice",
            "",
        );
        check(
            "role g: impersonate groups dev
             role u: impersonate users nobody
             role big: * *.*
             bind g group:ops
             bind u user:alice
             bind big group:dev",
            "",
        );
    }

    #[test]
    fn a_limit_by_name_limits() {
        check(
            "role i: impersonate groups test; impersonate users nobody
             role big: * *.*
             bind i user:alice
             bind big group:dev",
            "",
        );
    }

    #[test]
    fn the_accounts_own_groups_are_replaced() {
        check(
            "role i: impersonate groups test
             role a: impersonate serviceaccounts bot
             role big: * *.*
             bind i user:alice
             bind dev/a=a user:alice
             bind big group:system:serviceaccounts:prod",
            "",
        );
        // One group of an account is not the other one.
        check(
            "role i: impersonate groups system:serviceaccounts:prod; impersonate users nobody
             role big: * *.*
             bind i user:alice
             bind big group:system:serviceaccounts",
            "",
        );
    }

    /// A request is judged by the rights of the name and of all groups that it carries.
    fn split(rights: &str, one: &str, other: &str) -> String {
        format!(
            "role i: {rights}
             role b: escalate clusterroles.rbac
             role c: patch clusterroles.rbac
             bind i user:alice
             bind b {one}
             bind c {other}"
        )
    }

    #[test]
    fn the_name_and_the_group_are_one_identity() {
        check(
            &split("impersonate users bob; impersonate groups dev", "user:bob", "group:dev"),
            "alice -> cluster-admin: impersonate-group, escalate-role",
        );
    }

    #[test]
    fn all_groups_of_a_request_are_one_identity() {
        check(
            &split("impersonate users nobody; impersonate groups dev,ops", "group:dev", "group:ops"),
            "alice -> cluster-admin: impersonate-group, escalate-role",
        );
    }

    #[test]
    fn an_account_and_a_group_are_one_identity() {
        let account = "role a: impersonate serviceaccounts bot\nbind dev/a=a user:alice\n";
        check(
            &[account, &split("impersonate groups dev", "sa:dev/bot", "group:dev")].concat(),
            "alice -> cluster-admin: impersonate-group, escalate-role",
        );
    }

    #[test]
    fn a_name_or_a_group_that_cannot_be_had_adds_nothing() {
        for (rights, one, other) in [
            ("impersonate users carol; impersonate groups dev", "user:bob", "group:dev"),
            ("impersonate users bob; impersonate groups ops", "user:bob", "group:dev"),
            // One request carries one name.
            ("impersonate users bob,carol; impersonate groups ops", "user:bob", "user:carol"),
            ("impersonate users bob", "user:bob", "group:dev"),
        ] {
            check(&split(rights, one, other), "");
        }
        // The groups that an account has by itself are not there beside those that are asked for.
        let account = "role a: impersonate serviceaccounts bot\nbind dev/a=a user:alice\n";
        check(
            &[account, &split("impersonate groups dev", "group:system:serviceaccounts:dev", "group:dev")].concat(),
            "",
        );
        // Who sends the request has the right to the name, and somebody else that to the group.
        check(
            "role u: impersonate users bob
             role g: impersonate groups dev
             role b: escalate clusterroles.rbac
             role c: patch clusterroles.rbac
             role t: create serviceaccounts/token
             bind u user:alice
             bind dev/t=t user:alice
             bind g sa:dev/bot
             bind b user:bob
             bind c group:dev",
            "",
        );
    }
}
