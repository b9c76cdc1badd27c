//! `impersonate-user`: a request carries the name of a user, and is judged as that user's.

use crate::model::{NODE_PREFIX, Subject};
use crate::rules::attack::{Attack, Done, Effect, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{At, Confidence, On, Request, Technique, core};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "impersonate-user",
    title: "Impersonate a user",
    requests: &[Request { rights: &[core(&["impersonate"], "users", On::Object)], at: At::Cluster }],
    gain: "everything that is bound to the user's name; not what is bound to its groups",
    why: "With the header Impersonate-User a request is judged as another user's, of whom nothing but the name is known: it is \
          in no group but system:authenticated. Users are not in a namespace, so a RoleBinding never grants this, and the name \
          of a service account is not a user here.",
    remedy: "Take the verb `impersonate` away, or limit it with resourceNames to users who hold no more.",
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
    if !done.first {
        return;
    }
    let users = match done.site.object {
        Some(name) => vec![Subject::User(name)],
        None => attack.granted(|subject| matches!(subject, Subject::User(_))),
    };
    for user in users {
        let name = attack.graph.text(user.name());
        // A kubelet is one by its group, which does not come with the name; nor is an account a user.
        let is_plain = Subject::find_user(&attack.graph.snapshot().names, name) == Some(user);
        if is_plain && !name.starts_with(NODE_PREFIX) {
            attack.does(done.technique, vec![done.fact], Effect::ActAs(user), Fact::Acts(user));
        }
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let right = step.asks(&["impersonate"], "", "users").ok_or("nobody is impersonated")?;
    match step.effect {
        Effect::ActAs(Subject::User(user)) if right.name.is_none_or(|name| name == user) => {
            let is_node = state.graph.text(user).starts_with(NODE_PREFIX);
            if is_node { Err("a node is one by its group".to_owned()) } else { Ok(()) }
        }
        _ => Err("somebody else is impersonated".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::check;

    #[test]
    fn a_user_is_impersonated() {
        check(
            "role i: impersonate users
             role big: * *.*
             bind i user:alice
             bind big user:bob",
            "alice -> cluster-admin: impersonate-user, wildcard-admin",
        );
        check(
            "role i: impersonate users bob
             role big: * *.*
             bind i user:alice
             bind big user:bob",
            "alice -> cluster-admin: impersonate-user, wildcard-admin",
        );
    }

    #[test]
    fn groups_do_not_come_with_the_name_and_neither_do_accounts() {
        check(
            "role i: impersonate users
             role big: * *.*
             bind i user:alice
             bind big group:dev group:system:masters sa:dev/bot group:system:nodes
             pod dev/one bot n1",
            "",
        );
        check(
            "role i: impersonate users system:node:n1,system:serviceaccount:dev:bot
             role big: * *.*
             bind i user:alice
             bind big sa:dev/bot group:system:nodes",
            "",
        );
    }

    #[test]
    fn a_role_binding_another_name_and_another_group_give_nothing() {
        check(
            "role i: impersonate users
             role j: impersonate users carol; impersonate users.authentication.k8s.io; impersonate *.rbac
             role big: * *.*
             bind dev/i=i user:alice
             bind j user:alice
             bind big user:bob",
            "",
        );
    }

    #[test]
    fn whoever_is_impersonated_impersonates_nobody() {
        // The API server looks at the rights of whoever sends the request.
        check(
            "role i: impersonate users bob
             role j: impersonate users carol
             role big: * *.*
             bind i user:alice
             bind j user:bob
             bind big user:carol",
            "bob -> cluster-admin: impersonate-user, wildcard-admin",
        );
        check(
            "role i: impersonate serviceaccounts; create serviceaccounts/token
             role j: impersonate users carol
             role big: * *.*
             bind dev/i=i user:alice
             bind j sa:dev/bot
             bind big user:carol",
            "system:serviceaccount:dev:bot -> cluster-admin: impersonate-user, wildcard-admin
             alice -> cluster-admin: token-request, impersonate-user, wildcard-admin",
        );
    }

    #[test]
    fn extra_values_count_for_no_authorizer_of_the_cluster_itself() {
        // They reach webhooks, such as that of AKS (see `impersonate-extra`), and constrained impersonation, which looks at the sender's own.
        check(
            "role i: impersonate userextras/scopes,userextras/authentication.kubernetes.io/node-name,uids.authentication.k8s.io
             role u: impersonate users nobody
             role big: * *.*
             bind i user:alice
             bind u user:alice
             bind big user:bob group:system:nodes
             pod dev/one bot n1",
            "",
        );
    }
}
