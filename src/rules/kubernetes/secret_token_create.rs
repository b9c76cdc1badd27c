//! `secret-token-create`: a Secret that asks for a token of an account is made, and read once the token is in it.

use std::collections::BTreeSet;

use crate::model::{Name, Subject};
use crate::rules::attack::{Attack, Done, Effect, Fact, Place};
use crate::rules::finding::{RightDone, StepDone};
use crate::rules::replay::State;
use crate::rules::technique::{Alike, At, Confidence, Leads, On, Request, Technique, core};

use super::pods::NEW_PODS;

const CREATE: &[&str] = &["create"];

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "secret-token-create",
    title: "Make a Secret into which a token is put",
    requests: &[
        Request { rights: &[core(CREATE, "secrets", On::Nothing)], at: At::Namespace },
        Request {
            rights: &[core(CREATE, "secrets", On::Object), core(&["patch"], "secrets", On::Object)],
            at: At::Namespace,
        },
        Request { rights: &[core(&["get", "list", "watch", "patch"], "secrets", On::Object)], at: At::Namespace },
        Request { rights: &[core(&["delete"], "secrets", On::Object)], at: At::Namespace },
    ],
    gain: "a token that does not expire, of any account of the namespace",
    why: "The control plane puts a token into every Secret of type kubernetes.io/service-account-token, of the account that its \
          annotation names, and asks for no right on the account. Whoever makes such a Secret and whoever reads it back need not \
          be the same; every verb that returns the Secret will do, and so does a pod that mounts it.",
    remedy: "Take `create` on secrets away; it cannot be limited by resourceNames. Or take away what reads them.",
    confidence: Confidence::Performed,
    attack: &["T1528", "T1098", "MS-TA9016"],
    references: &["https://kubernetes.io/docs/concepts/security/service-accounts/#manually-create-an-api-token"],
    build: Some(build),
    leads: Some(|_, within| if within == 0 { Leads::Anywhere } else { Leads::Named }),
    alike: |_, _| Alike::part(&[&[NEW_PODS]]),
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

fn build(attack: &mut Attack<'_>, done: Done) {
    if !done.first {
        return;
    }
    let (technique, fact) = (done.technique, done.fact);
    match (done.within, done.site.object) {
        // Everything that is made can be read.
        (0, _) => {
            attack.follows(vec![fact], made(done.site.place));
            for namespace in attack.namespaces_of(done.site.place) {
                let read = attack.fact(Fact::Secrets(Place::Namespace(namespace)));
                attack.does(technique, vec![fact, read], Effect::Any, Fact::Accounts(Place::Namespace(namespace)));
            }
        }
        // The patch that makes it returns it as well, once more when the token is there.
        (1, Some(name)) => {
            for place in free(attack, done.site.place, name) {
                attack.does(technique, vec![fact], Effect::Any, Fact::Accounts(place));
            }
        }
        // Whoever makes it calls it what can be read; what is in the way is deleted first.
        (2, Some(name)) => {
            for place in free(attack, done.site.place, name) {
                attack.follows(vec![fact], read(place));
            }
        }
        (3, Some(_)) => attack.follows(vec![fact], read(done.site.place)),
        _ => {}
    }
}

/// Who makes Secrets where some Secret is read has a token; either may be in every namespace.
fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    let Fact::Part(technique, _, place) = fact else { return };
    if technique != TECHNIQUE.id {
        return;
    }
    let other = if fact == read(place) { made } else { read };
    let wide = (place != Place::EachNamespace).then_some(Place::EachNamespace);
    // Those who do both there are said once.
    let here = (fact == read(place)).then_some(place);
    for at in here.into_iter().chain(wide) {
        let other = attack.fact(other(at));
        attack.does(&TECHNIQUE, vec![id, other], Effect::Any, Fact::Accounts(place));
    }
}

/// Makes Secrets of any name there.
fn made(place: Place) -> Fact {
    Fact::Part(TECHNIQUE.id, 0, place)
}

/// Reads some Secret there that is not there yet, or that can be made way for.
fn read(place: Place) -> Fact {
    Fact::Part(TECHNIQUE.id, 1, place)
}

/// Where a name is not taken: the whole place, or the namespaces of it in which it is free.
fn free(attack: &Attack<'_>, place: Place, name: Name) -> Vec<Place> {
    let taken = attack.secrets_named(place, name).into_iter().map(|at| attack.secret(at).namespace);
    let taken: BTreeSet<Name> = taken.collect();
    if taken.is_empty() {
        return vec![place];
    }
    let inside = attack.namespaces_of(place).into_iter();
    inside.filter(|namespace| !taken.contains(namespace)).map(Place::Namespace).collect()
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let Effect::ActAs(account @ Subject::ServiceAccount { namespace, .. }) = step.effect else {
        return Err("a token is of an account".to_owned());
    };
    let place = Place::Namespace(namespace);
    let here = |right: &&RightDone| match right.place {
        Place::Namespace(own) => own == namespace,
        Place::Cluster | Place::EachNamespace => true,
    };
    let create = step.asks(CREATE, "", "secrets").filter(here).ok_or("no Secret is made there")?;
    let secrets = &state.graph.snapshot().secrets;
    let taken = |name: Name| secrets.iter().any(|one| one.namespace == namespace && one.name == name);
    let read = || step.asks(&["get", "list", "watch", "patch"], "", "secrets").filter(here).and_then(|right| right.name);
    let deleted = || step.asks(&["delete"], "", "secrets").filter(here).and_then(|right| right.name);
    let is_read = match create.name {
        // By a patch, which is asked for beside it.
        Some(name) => !taken(name) && read() == Some(name),
        None => state.reads_secrets(place) || deleted().is_some() || read().is_some_and(|name| !taken(name)),
    };
    if !is_read {
        return Err("nobody reads the Secret".to_owned());
    }
    if state.is_there(account) { Ok(()) } else { Err("there is no such account".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::super::world::check;

    const BOT: &str = "role big: * *.*
             bind big sa:dev/bot
             ";

    #[test]
    fn a_token_is_made_and_read_back_by_any_verb_that_returns_it() {
        for verb in ["get", "list", "watch", "patch", "delete", "deletecollection"] {
            check(
                &format!(
                    "{BOT}role s: create,{verb} secrets
                     bind dev/s=s user:alice"
                ),
                "alice -> cluster-admin: secret-read, secret-token-create, wildcard-admin",
            );
        }
    }

    #[test]
    fn one_makes_it_and_another_reads_it() {
        check(
            &format!(
                "{BOT}role s: create secrets
                 role r: get secrets mine
                 role t: create serviceaccounts/token reader
                 bind dev/s=s user:alice
                 bind dev/t=t user:alice
                 bind dev/r=r sa:dev/reader"
            ),
            "alice -> cluster-admin: token-request, secret-token-create, wildcard-admin",
        );
        check(
            &format!(
                "{BOT}role s: create secrets
                 role p: create pods
                 role t: create serviceaccounts/token maker
                 bind dev/p=p user:alice
                 bind dev/t=t user:alice
                 bind dev/s=s sa:dev/maker
                 bind prod/s=s user:bob"
            ),
            "alice -> cluster-admin: pod-create, wildcard-admin",
        );
    }

    #[test]
    fn either_of_them_may_do_it_in_every_namespace() {
        let found = "alice -> cluster-admin: token-request, secret-token-create, wildcard-admin";
        for (made, read, expected) in [
            ("dev/s", "dev/r", found),
            ("s", "dev/r", found),
            ("dev/s", "r", found),
            ("s", "r", found),
            ("prod/s", "dev/r", ""),
            ("prod/s", "r", ""),
            ("s", "prod/r", ""),
        ] {
            check(
                &format!(
                    "{BOT}role s: create secrets
                     role r: get secrets mine
                     role t: create serviceaccounts/token reader
                     bind {made}=s user:alice
                     bind dev/t=t user:alice
                     bind {read}=r sa:dev/reader"
                ),
                expected,
            );
        }
    }

    #[test]
    fn either_half_alone_gives_nothing() {
        for rule in ["create,update secrets", "get,list,watch,patch,delete,deletecollection secrets"] {
            check(&format!("{BOT}role s: {rule}\nbind dev/s=s user:alice"), "");
        }
    }

    #[test]
    fn a_name_that_is_taken_holds_no_token_unless_it_can_be_freed() {
        let world = |verb: &str| {
            format!(
                "{BOT}secret dev/mine Opaque
                 role s: create secrets; {verb} secrets mine
                 bind dev/s=s user:alice"
            )
        };
        check(&world("get"), "");
        check(&world("delete"), "alice -> cluster-admin: secret-token-create, wildcard-admin");
    }

    #[test]
    fn a_name_creates_by_a_patch_and_not_by_a_post() {
        check(
            &format!("{BOT}role s: create,patch secrets mine\nbind dev/s=s user:alice"),
            "alice -> cluster-admin: secret-token-create, wildcard-admin",
        );
        check(&format!("{BOT}role s: create,get secrets mine\nbind dev/s=s user:alice"), "");
    }

    #[test]
    fn two_namespaces_are_two() {
        check(
            &format!(
                "{BOT}role s: create secrets
                 role r: list secrets
                 bind dev/s=s user:alice
                 bind prod/r=r user:alice"
            ),
            "",
        );
    }

    #[test]
    fn an_account_that_is_gone_gets_no_token() {
        check(&format!("{BOT}account dev/default\nrole s: create,get secrets\nbind dev/s=s user:alice"), "");
    }

    #[test]
    fn one_who_reads_a_name_and_all_of_them_reads_all_of_them() {
        check(
            &format!(
                "{BOT}role n: get secrets mine
                 role s: create,list secrets
                 bind dev/n=n user:alice
                 bind dev/s=s user:alice"
            ),
            "alice -> cluster-admin: secret-read, secret-token-create, wildcard-admin",
        );
    }
}
