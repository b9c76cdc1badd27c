//! `impersonate-serviceaccount`: a request carries the name of an account, and is judged as that account's.

use super::pod_serviceaccount;
use crate::rules::attack::{Attack, Done, Effect, Fact};
use crate::rules::technique::{At, Confidence, On, Request, Technique, core};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "impersonate-serviceaccount",
    title: "Impersonate a service account",
    requests: &[Request { rights: &[core(&["impersonate"], "serviceaccounts", On::Object)], at: At::Namespace }],
    gain: "everything that the account and its groups hold",
    why: "With the header Impersonate-User a request is judged as another identity's. For accounts the verb is looked at in the \
          account's namespace, so a RoleBinding is enough; the default roles `edit` and `admin` have it. The account need not \
          exist.",
    remedy: "Take the verb `impersonate` away, or limit it with resourceNames to accounts that hold no more.",
    confidence: Confidence::Performed,
    attack: &["T1078", "MS-TA9016"],
    references: &[
        "https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation",
        "https://kubernetes.io/docs/concepts/security/rbac-good-practices/#impersonate-verb",
    ],
    build: Some(build),
    ..Technique::MOVE
};

fn build(attack: &mut Attack<'_>, done: Done) {
    if !done.first {
        return;
    }
    let accounts = attack.accounts_in(done.site.place, done.site.object);
    // Those whose names are used have not lent their credentials.
    let any = done.site.object.is_none();
    let (together, accounts) =
        pod_serviceaccount::chosen_together(attack, &accounts, |account| any && !attack.lends(account));
    for tokens in together {
        attack.does(done.technique, vec![done.fact], Effect::Any, tokens);
    }
    for account in accounts {
        attack.does(done.technique, vec![done.fact], Effect::ActAs(account), Fact::Acts(account));
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::check;

    #[test]
    fn an_account_of_the_namespace_is_impersonated() {
        check(
            "account dev/default
             role i: impersonate serviceaccounts
             role big: * *.*
             bind dev/i=i user:alice
             bind big sa:dev/gone",
            "alice -> cluster-admin: impersonate-serviceaccount, wildcard-admin",
        );
    }

    #[test]
    fn an_account_of_another_namespace_is_not() {
        check(
            "role i: impersonate serviceaccounts
             role big: * *.*
             bind dev/i=i user:alice
             bind big sa:prod/bot",
            "",
        );
    }

    #[test]
    fn a_limit_by_name_limits() {
        check(
            "role i: impersonate serviceaccounts other
             role big: * *.*
             bind dev/i=i user:alice
             bind big sa:dev/bot",
            "",
        );
        check(
            "role i: impersonate serviceaccounts.authentication.k8s.io
             role big: * *.*
             bind dev/i=i user:alice
             bind big sa:dev/bot",
            "",
        );
    }

    #[test]
    fn an_account_that_does_not_exist_has_what_bindings_name_it_for() {
        check(
            "account dev/default
             role i: impersonate serviceaccounts gone
             role big: * *.*
             bind dev/i=i user:alice
             bind big sa:dev/gone",
            "alice -> cluster-admin: impersonate-serviceaccount, wildcard-admin",
        );
    }

    #[test]
    fn the_token_and_other_verbs_impersonate_nobody() {
        check(
            "role i: impersonate serviceaccounts/token; get,update,patch serviceaccounts
             role big: * *.*
             bind dev/i=i user:alice
             bind big sa:dev/bot",
            "",
        );
    }
}
