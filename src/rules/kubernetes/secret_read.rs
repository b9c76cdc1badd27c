//! `secret-read`: the verbs that return Secrets.

use crate::rules::attack::{Attack, Done, Effect, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{At, Confidence, On, Request, Technique, core};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "secret-read",
    title: "Read every Secret of a namespace",
    requests: &[
        Request { rights: &[core(&["list", "watch", "deletecollection"], "secrets", On::Nothing)], at: At::Namespace },
        Request { rights: &[core(&["get", "patch", "delete"], "secrets", On::Object)], at: At::Namespace },
    ],
    gain: "the contents of the Secrets",
    why: "`list` and `watch` return whole objects, as `get` does. So do `patch`, `delete` and `deletecollection`: an empty patch, \
          or a dry run of a deletion that leaves its dependents, returns the object and changes nothing.",
    remedy: "Name the Secrets that are needed with resourceNames, and grant nothing but `get` on them.",
    confidence: Confidence::Documented,
    attack: &["T1552.007", "MS-TA9025"],
    references: &["https://kubernetes.io/docs/concepts/security/rbac-good-practices/#listing-secrets"],
    build: Some(build),
    proof: Some(proof),
    ..Technique::HOLDING
};

fn build(attack: &mut Attack<'_>, done: Done) {
    let place = done.site.place;
    let Some(name) = done.site.object else {
        attack.does(done.technique, vec![done.fact], Effect::Secrets(place), Fact::Secrets(place));
        return;
    };
    for namespace in attack.namespaces_of(place) {
        for secret in attack.secrets_in(namespace, Some(name)) {
            attack.does(done.technique, vec![done.fact], Effect::Secret(secret), Fact::Secret(secret));
        }
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    match step.effect {
        Effect::Secret(secret) if state.reads(secret) => Ok(()),
        Effect::Secrets(place) if state.reads_secrets(place) => Ok(()),
        _ => Err("the Secrets cannot be read".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::check;

    #[test]
    fn every_verb_that_returns_them_reads_them() {
        for verb in ["get", "list", "watch", "patch", "delete", "deletecollection"] {
            check(
                &format!(
                    "role s: {verb} secrets
                     role t: create serviceaccounts/token
                     bind dev/t=t user:alice
                     bind kube-system/s=s sa:dev/bot"
                ),
                "alice -> secrets of kube-system: token-request, secret-read",
            );
        }
    }

    #[test]
    fn writing_does_not_read() {
        check(
            "role s: create,update secrets
             role t: create serviceaccounts/token
             bind dev/t=t user:alice
             bind kube-system/s=s sa:dev/bot",
            "",
        );
    }

    #[test]
    fn one_secret_is_not_all_of_them() {
        check(
            "role s: get,list secrets one
             role t: create serviceaccounts/token
             bind dev/t=t user:alice
             bind kube-system/s=s sa:dev/bot",
            "",
        );
    }
}
