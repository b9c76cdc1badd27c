//! `secret-token-retarget`: a Secret that holds a token is made to hold one of another account.

use crate::model::{SecretPurpose, Subject};
use crate::rules::attack::{Attack, Done, Effect, Fact, Place};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{At, Confidence, Leads, On, Request, Technique, WRITE, core};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "secret-token-retarget",
    title: "Have another account's token put into a Secret",
    requests: &[Request { rights: &[core(WRITE, "secrets", On::Object)], at: At::Namespace }],
    gain: "a token that does not expire, of any account of the namespace",
    why: "The account of a Secret of type kubernetes.io/service-account-token is an annotation, which can be changed like any \
          other. When the old token and the old account's uid are taken out with it, the control plane puts a token of the new \
          account in. So `patch` on one such Secret, which returns it as well, is every account of its namespace; `update` needs \
          something that reads it. The type of a Secret never changes, so other Secrets cannot be used.",
    remedy: "Delete the Secret, or take the right to write it away.",
    confidence: Confidence::Performed,
    attack: &["T1528", "T1098", "MS-TA9016"],
    references: &["https://kubernetes.io/docs/concepts/security/service-accounts/#manually-create-an-api-token"],
    build: Some(build),
    leads: Some(leads),
    proof: Some(proof),
    ..Technique::MOVE
};

/// Where there is a Secret with a token.
fn leads(attack: &Attack<'_>, _: usize) -> Leads {
    let secrets = attack.graph.snapshot().secrets.iter().filter(|secret| secret.cluster == attack.cluster);
    let tokens = secrets.filter(|secret| matches!(secret.purpose, SecretPurpose::Token(_)));
    Leads::In(tokens.map(|secret| secret.namespace).collect())
}

fn build(attack: &mut Attack<'_>, done: Done) {
    if !done.first {
        return;
    }
    for namespace in attack.namespaces_of(done.site.place) {
        for at in attack.secrets_in(namespace, done.site.object) {
            if matches!(attack.secret(at).purpose, SecretPurpose::Token(_)) {
                let needs = vec![done.fact, attack.fact(Fact::Secret(at))];
                attack.does(done.technique, needs, Effect::Any, Fact::Accounts(Place::Namespace(namespace)));
            }
        }
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let (Some(Effect::Secret(at)), Effect::ActAs(account)) = (step.foothold, step.effect) else {
        return Err("no Secret is read".to_owned());
    };
    let secret = &state.graph.snapshot().secrets[at.0 as usize];
    let write = step.asks(WRITE, "", "secrets").ok_or("no Secret is written")?;
    let here = matches!(account, Subject::ServiceAccount { namespace, .. } if namespace == secret.namespace)
        && write.name.is_none_or(|name| name == secret.name)
        && !matches!(write.place, Place::Namespace(namespace) if namespace != secret.namespace);
    if !here || !matches!(secret.purpose, SecretPurpose::Token(_)) {
        return Err("the Secret that is written holds no token, or is in another namespace".to_owned());
    }
    if state.reads(at) && state.is_there(account) {
        Ok(())
    } else {
        Err("nobody reads the Secret, or there is no such account".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::check;

    const TOKEN: &str = "secret dev/other-token kubernetes.io/service-account-token other
             role big: * *.*
             bind big sa:dev/bot
             bind dev/s=s user:alice
             ";

    #[test]
    fn one_token_that_can_be_patched_is_every_account_of_the_namespace() {
        for rule in ["patch secrets other-token", "patch secrets", "get,update secrets other-token"] {
            check(
                &format!("{TOKEN}role s: {rule}"),
                "alice -> cluster-admin: secret-read, secret-token-retarget, wildcard-admin",
            );
        }
    }

    #[test]
    fn an_update_does_not_show_the_token_and_a_read_does_not_change_it() {
        check(&format!("{TOKEN}role s: update secrets other-token"), "");
        check(&format!("{TOKEN}role s: get,list,watch,delete secrets"), "");
    }

    #[test]
    fn another_type_and_another_name_and_another_namespace_give_nothing() {
        check(&format!("{TOKEN}secret dev/plain Opaque\nrole s: patch secrets plain"), "");
        check(&format!("{TOKEN}role s: patch secrets missing; patch serviceaccounts"), "");
        check(
            "secret prod/other-token kubernetes.io/service-account-token other
             role s: patch secrets
             role big: * *.*
             bind dev/s=s user:alice
             bind prod/s=s user:alice
             bind big sa:dev/bot",
            "",
        );
    }
}
