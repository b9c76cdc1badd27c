//! `dangling-claim`: a binding that names an account which does not exist waits for whoever makes it.

use crate::model::Subject;
use crate::rules::attack::{Attack, Done, Effect, Fact, Place};
use crate::rules::held::Site;
use crate::rules::technique::{At, Confidence, Leads, On, Request, Technique, core};

const CREATE: &[&str] = &["create"];

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "dangling-claim",
    title: "Make the missing account that a binding names",
    requests: &[
        Request { rights: &[core(CREATE, "serviceaccounts", On::Nothing)], at: At::Namespace },
        Request {
            rights: &[core(CREATE, "serviceaccounts", On::Object), core(&["patch"], "serviceaccounts", On::Object)],
            at: At::Namespace,
        },
        Request { rights: &[core(CREATE, "namespaces", On::Nothing)], at: At::Cluster },
    ],
    gain: "an account that bindings name already; somebody has to act as it next",
    why: "RBAC compares names and nothing else. A binding outlives the account it names, and whoever makes an account of that \
          name in that namespace gives it everything that the binding grants. Where the namespace is gone as well, it has to be \
          made first; its account `default` then comes by itself. A missing role is another matter: filling it needs `escalate`. A federated \
          credential of an identity in Azure compares names as well.",
    remedy: "Delete the binding, or take the missing account out of it.",
    confidence: Confidence::Performed,
    attack: &["T1078", "T1136"],
    references: &[
        "https://kubernetes.io/docs/concepts/security/rbac-good-practices/#periodic-review",
        "https://kubernetes.io/docs/concepts/security/service-accounts/",
    ],
    build: Some(build),
    leads: Some(leads),
    ..Technique::MOVE
};

/// Accounts are made where one is missing that somebody would have.
fn leads(attack: &Attack<'_>, within: usize) -> Leads {
    if within == 2 { Leads::Anywhere } else { attack.where_accounts_are_missing() }
}

fn build(attack: &mut Attack<'_>, done: Done) {
    if done.first {
        for account in attack.makes_accounts(done.within, done.site, done.fact) {
            make(attack, done.within, done.site, done.fact, account);
        }
    }
}

/// Adds that a request makes a missing account, if it does.
pub(in crate::rules) fn make(attack: &mut Attack<'_>, within: usize, site: Site, fact: u32, account: Subject) {
    let Subject::ServiceAccount { namespace, name } = account else { return };
    let gone = attack.lacks_namespace(namespace);
    let cluster = Site { place: Place::Cluster, object: None, other: None };
    let needs = match within {
        // The controllers make this one themselves.
        2 if gone && attack.graph.text(name) == "default" => vec![fact],
        2 => return,
        _ if !site.place.has(namespace) || site.object.is_some_and(|object| object != name) => return,
        _ if gone && site.place == Place::EachNamespace => vec![fact, attack.asking(&TECHNIQUE, 2, cluster)],
        // A RoleBinding in a namespace that is gone is gone as well.
        _ if gone => return,
        _ => vec![fact],
    };
    attack.does(&TECHNIQUE, needs, Effect::Create(account), Fact::Exists(account));
}

#[cfg(test)]
mod tests {
    use super::super::world::check;

    #[test]
    fn a_missing_account_is_made_and_used() {
        check(
            "account dev/default
             role maker: create serviceaccounts; create serviceaccounts/token
             role big: * *.*
             bind dev/m=maker user:alice
             bind big sa:dev/gone",
            "alice -> cluster-admin: dangling-claim, token-request, wildcard-admin",
        );
    }

    #[test]
    fn making_an_account_is_not_acting_as_it() {
        check(
            "account dev/default
             role maker: create serviceaccounts
             role big: * *.*
             bind dev/m=maker user:alice
             bind big sa:dev/gone",
            "",
        );
        check(
            "account dev/default
             role user: create serviceaccounts/token
             role big: * *.*
             bind dev/u=user user:alice
             bind big sa:dev/gone",
            "",
        );
    }

    #[test]
    fn where_nobody_says_what_is_there_an_account_is_taken_to_be() {
        check(
            "role user: create serviceaccounts/token
             role big: * *.*
             bind dev/u=user user:alice
             bind big sa:dev/bot",
            "alice -> cluster-admin: token-request, wildcard-admin",
        );
        check(
            "account dev/default
             role maker: create serviceaccounts; create serviceaccounts/token
             role big: * *.*
             bind prod/m=maker user:alice
             bind big sa:dev/gone",
            "",
        );
    }
}
