//! `token-request`: a token of a service account is made for whoever asks.

use std::rc::Rc;

use crate::rules::attack::{Attack, Done, Effect, Fact};
use crate::rules::technique::{At, Confidence, On, Request, Technique, core};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "token-request",
    title: "Ask for a token of a service account",
    requests: &[Request { rights: &[core(&["create"], "serviceaccounts/token", On::Object)], at: At::Namespace }],
    gain: "everything that the account and its groups hold",
    why: "`create` on serviceaccounts/token returns a token of the account, good for as long as was asked. The right is looked at \
          with the account's name, so resourceNames limit it. The default roles `edit` and `admin` have it.",
    remedy: "Take the right away, or limit it with resourceNames to accounts that hold no more.",
    confidence: Confidence::Performed,
    attack: &["T1528", "MS-TA9016"],
    references: &["https://kubernetes.io/docs/concepts/security/rbac-good-practices/#token-request"],
    build: Some(build),
    ..Technique::MOVE
};

fn build(attack: &mut Attack<'_>, done: Done) {
    if !done.first {
        return;
    }
    if done.site.object.is_none() {
        attack.does(done.technique, vec![done.fact], Effect::Any, Fact::Accounts(done.site.place));
        attack.mints(done.technique, vec![done.fact], done.site.place, Rc::default());
        return;
    }
    for account in attack.accounts_in(done.site.place, done.site.object) {
        let mut needs = vec![done.fact];
        if attack.is_missing(account) {
            needs.push(attack.lack(account));
        }
        if attack.is_trusted(account) {
            attack.does(done.technique, needs.clone(), Effect::ActAs(account), Fact::Mints(account));
        }
        attack.does(done.technique, needs, Effect::ActAs(account), Fact::Identity(account));
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::check;

    #[test]
    fn a_token_is_asked_for() {
        check(
            "role t: create serviceaccounts/token bot
             role big: * *.*
             bind dev/t=t group:dev
             bind big sa:dev/bot",
            "dev -> cluster-admin: token-request, wildcard-admin",
        );
        check(
            "role t: create */token
             role secret: list secrets
             bind t user:alice
             bind kube-system/s=secret group:system:serviceaccounts:dev",
            "alice -> secrets of kube-system: token-request, secret-read",
        );
    }

    #[test]
    fn the_account_itself_is_not_its_token() {
        check(
            "role t: * serviceaccounts
             role big: * *.*
             bind dev/t=t user:alice
             bind big sa:prod/bot",
            "",
        );
        check(
            "role t: create,get serviceaccounts
             role big: * *.*
             bind dev/t=t user:alice
             bind big sa:dev/bot",
            "",
        );
    }

    #[test]
    fn a_limit_by_name_limits() {
        check(
            "role t: create serviceaccounts/token other
             role big: * *.*
             bind dev/t=t user:alice
             bind big sa:dev/bot",
            "",
        );
    }

    #[test]
    fn an_account_that_does_not_exist_has_no_token() {
        check(
            "account dev/default
             role t: create serviceaccounts/token
             role n: create serviceaccounts/token gone
             role big: * *.*
             bind dev/t=t user:alice
             bind dev/n=n user:bob
             bind big sa:dev/gone",
            "",
        );
    }

    #[test]
    fn other_verbs_and_tokens_of_other_things_give_none() {
        check(
            "role t: get,update,patch,impersonate serviceaccounts/token; create token; create serviceaccounts/token.apps
             role big: * *.*
             bind dev/t=t user:alice
             bind big sa:dev/bot",
            "",
        );
    }
}
