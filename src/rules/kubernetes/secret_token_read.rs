//! `secret-token-read`: whoever reads the token of an account is that account.

use crate::model::{SecretPurpose, Subject};
use crate::rules::attack::{Attack, Effect, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "secret-token-read",
    title: "Use the token that a Secret holds",
    gain: "everything that the account and its groups hold, for as long as the Secret is there",
    why: "A Secret of type kubernetes.io/service-account-token holds a token of the account that its annotation names. The token \
          does not expire. Since 1.24 such Secrets are no longer made for every account, but those that are there still work.",
    remedy: "Delete the Secret and let its users ask for tokens that expire.",
    confidence: Confidence::Performed,
    attack: &["T1528", "T1552.007", "MS-TA9016"],
    references: &["https://kubernetes.io/docs/concepts/security/service-accounts/#manually-create-an-api-token"],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    let Fact::Secret(at) = fact else { return };
    let secret = attack.secret(at);
    let SecretPurpose::Token(Some(name)) = secret.purpose else { return };
    let account = Subject::ServiceAccount { namespace: secret.namespace, name };
    // A token of an account that is gone is deleted with it.
    if !attack.is_missing(account) {
        attack.does(&TECHNIQUE, vec![id], Effect::ActAs(account), Fact::Identity(account));
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let (Some(Effect::Secret(at)), Effect::ActAs(account)) = (step.foothold, step.effect) else {
        return Err("no Secret is read".to_owned());
    };
    let secret = &state.graph.snapshot().secrets[at.0 as usize];
    let own = match secret.purpose {
        SecretPurpose::Token(Some(name)) => Some(Subject::ServiceAccount { namespace: secret.namespace, name }),
        _ => None,
    };
    if own == Some(account) && state.reads(at) && state.is_there(account) {
        Ok(())
    } else {
        Err("the Secret is not read, or holds no token of this account".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::check;

    const TOKEN: &str = "secret dev/bot-token kubernetes.io/service-account-token bot
             role big: * *.*
             bind big sa:dev/bot
             bind dev/r=r user:alice
             ";

    #[test]
    fn a_token_that_is_read_is_used() {
        for rule in ["get secrets bot-token", "list secrets", "watch secrets bot-token", "delete secrets bot-token"] {
            check(
                &format!("{TOKEN}role r: {rule}"),
                "alice -> cluster-admin: secret-read, secret-token-read, wildcard-admin",
            );
        }
        check(
            &format!("{TOKEN}role r: create pods"),
            "alice -> cluster-admin: pod-create, wildcard-admin",
        );
    }

    #[test]
    fn no_secret_is_no_token() {
        check(
            "role r: get,list,watch secrets
             role big: * *.*
             bind dev/r=r user:alice
             bind big sa:dev/bot",
            "",
        );
    }

    #[test]
    fn another_name_another_namespace_and_another_type_give_nothing() {
        check(&format!("{TOKEN}role r: get,list secrets other; deletecollection secrets bot-token"), "");
        check(
            "secret prod/bot-token kubernetes.io/service-account-token bot
             role r: get,list,watch secrets
             role big: * *.*
             bind dev/r=r user:alice
             bind big sa:dev/bot",
            "",
        );
        check(
            "secret dev/bot-token Opaque bot
             role r: get,list,watch secrets
             role big: * *.*
             bind dev/r=r user:alice
             bind big sa:dev/bot",
            "",
        );
    }

    #[test]
    fn an_account_that_is_gone_has_no_token() {
        check(&format!("{TOKEN}account dev/default\nrole r: get secrets"), "");
    }
}
