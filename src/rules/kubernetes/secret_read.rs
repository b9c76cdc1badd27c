//! `secret-read`: the verbs that return Secrets.

use crate::rules::attack::{Attack, Done, Effect, Fact, Place};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Alike, At, Confidence, Leads, On, Request, Technique, core};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "secret-read",
    title: "Read every Secret of a namespace",
    requests: &[
        Request { rights: &[core(&["list", "watch", "deletecollection"], "secrets", On::Nothing)], at: At::Namespace },
        Request { rights: &[core(&["get", "list", "watch", "patch", "delete"], "secrets", On::Object)], at: At::Namespace },
    ],
    gain: "the contents of the Secrets",
    why: "`list` and `watch` return whole objects, as `get` does; limited by resourceNames they do so with a selector that pins \
          the name. So do `patch`, `delete` and `deletecollection`: an empty patch, \
          or a dry run of a deletion that leaves its dependents, returns the object and changes nothing.",
    remedy: "Name the Secrets that are needed with resourceNames, and grant nothing but `get` on them.",
    confidence: Confidence::Performed,
    attack: &["T1552.007", "MS-TA9025"],
    references: &["https://kubernetes.io/docs/concepts/security/rbac-good-practices/#listing-secrets"],
    build: Some(build),
    leads: Some(leads),
    alike: |_, _| Alike::all("read Secrets"),
    proof: Some(proof),
    ..Technique::HOLDING
};

fn leads(attack: &Attack<'_>, _: usize) -> Leads {
    let secrets = attack.graph.snapshot().secrets.iter().filter(|secret| secret.cluster == attack.cluster);
    Leads::Of(secrets.flat_map(|secret| [(Some(secret.namespace), secret.name), (None, secret.name)]).collect())
}

fn build(attack: &mut Attack<'_>, done: Done) {
    let place = done.site.place;
    let Some(name) = done.site.object else {
        attack.does(done.technique, vec![done.fact], Effect::Secrets(place), Fact::Secrets(place));
        return;
    };
    for secret in attack.secrets_named(place, name) {
        attack.does(done.technique, vec![done.fact], Effect::Secret(secret), Fact::Secret(secret));
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let reads = ["get", "list", "watch", "patch", "delete", "deletecollection"];
    let right = step.asks(&reads, "", "secrets").ok_or("nothing that returns a Secret is asked for")?;
    let covers = |place: Place| right.place == place || (right.place == Place::EachNamespace && place != Place::Cluster);
    let follows = match step.effect {
        Effect::Secrets(place) => right.name.is_none() && covers(place),
        Effect::Secret(at) => {
            let secret = &state.graph.snapshot().secrets[at.0 as usize];
            covers(Place::Namespace(secret.namespace)) && right.name.is_none_or(|name| name == secret.name)
        }
        _ => false,
    };
    if follows { Ok(()) } else { Err("other Secrets are read".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::super::world::{check, check_to, check_to_any, graph};
    use crate::rules::{Place, Target};

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
    fn who_asks_for_secrets_is_told_of_the_cluster_where_it_is_nearer() {
        let world = |own: &str| {
            format!(
                "role s: get secrets
                 role t: create serviceaccounts/token
                 role i: bind clusterroles.rbac; create clusterrolebindings.rbac
                 bind dev/s=s sa:qa/bot
                 bind qa/t=t user:alice
                 {own}"
            )
        };
        let check = |own: &str, expected: &str| {
            let names = graph(&world(own));
            let dev = names.snapshot().names.find("dev").map(Place::Namespace);
            check_to_any(dev.map(Target::Secrets).into_iter().collect(), &world(own), expected);
        };
        let secrets = "alice -> secrets of dev: token-request, secret-read";
        check("", secrets);
        check("bind i user:alice", "alice -> cluster-admin: bind-role");
        // Whoever holds what was asked for is told of nothing more.
        check("bind i sa:dev/bot\nbind dev/u=s sa:dev/bot", secrets);
        // Of two that are as near, what was asked for.
        check("bind i sa:qa/bot", secrets);
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

    #[test]
    fn one_secret_is_read_by_name_by_every_verb_that_takes_one() {
        let world = |rule: &str| {
            format!(
                "secret dev/one Opaque
                 role s: {rule}
                 role t: create serviceaccounts/token
                 bind dev/t=t user:alice
                 bind dev/s=s sa:dev/bot"
            )
        };
        let bot = "system:serviceaccount:dev:bot";
        for verb in ["get", "list", "watch", "patch", "delete"] {
            check_to(
                "secret:dev/one",
                &world(&format!("{verb} secrets one")),
                "alice -> secret dev/one: token-request, secret-read",
            );
        }
        for rule in ["deletecollection secrets one", "create,update secrets one", "get secrets two", "get secrets/status one"] {
            check_to("secret:dev/one", &world(rule), "");
        }
        check_to("sa:dev/bot", &world("get pods"), &format!("alice -> {bot}: token-request"));
    }
}
