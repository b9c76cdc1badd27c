//! `wildcard-admin`: every verb on every resource.

use crate::rules::attack::{Attack, Done, Effect, Fact};
use crate::rules::technique::{At, Confidence, On, Request, Right, Technique, right};

const EVERYTHING: Right = right(&["*"], "*", "*", On::Nothing);

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "wildcard-admin",
    title: "Hold every verb on every resource",
    requests: &[
        Request { rights: &[EVERYTHING], at: At::Cluster },
        Request { rights: &[EVERYTHING], at: At::Namespace },
    ],
    gain: "everything there: in the whole cluster this is cluster-admin",
    why: "One rule with `*` for verbs, groups and resources includes `bind`, `escalate` and `impersonate`, and every kind that \
          will ever be installed.",
    remedy: "Bind a role that names what is needed.",
    confidence: Confidence::Documented,
    attack: &["T1078", "MS-TA9019"],
    references: &["https://kubernetes.io/docs/concepts/security/rbac-good-practices/#least-privilege"],
    build: Some(build),
    ..Technique::HOLDING
};

fn build(attack: &mut Attack<'_>, done: Done) {
    let place = done.site.place;
    attack.does(done.technique, vec![done.fact], Effect::Everything(place), Fact::Everything(place));
}

#[cfg(test)]
mod tests {
    use super::super::world::check;

    #[test]
    fn who_holds_everything_is_a_holder_and_no_finding() {
        check(
            "role big: * *.*
             role t: create serviceaccounts/token
             bind big user:alice
             bind t user:alice
             bind dev/t=t user:bob
             bind dev/big=big sa:dev/bot",
            "bob -> admin of dev: token-request, wildcard-admin, namespace-admin
             system:serviceaccount:dev:bot -> any node: wildcard-admin, pod-create, relax-pod-security, privileged-pod
             bob -> any node: token-request, wildcard-admin, pod-create, relax-pod-security, privileged-pod",
        );
    }

    #[test]
    fn a_star_that_is_limited_is_not_everything() {
        check(
            "role t: create serviceaccounts/token
             role named: get,list,watch *.* web
             role core: * *
             role verbs: get,list *.*
             bind dev/t=t user:alice
             bind named sa:dev/a
             bind dev/v=verbs sa:dev/b",
            "",
        );
    }

    #[test]
    fn everything_in_one_namespace_is_that_namespace() {
        check(
            "role t: create serviceaccounts/token bot
             role big: * *.*
             bind dev/t=t user:alice
             bind prod/big=big sa:dev/bot",
            "alice -> admin of prod: token-request, wildcard-admin, namespace-admin
             system:serviceaccount:dev:bot -> any node: wildcard-admin, pod-create, relax-pod-security, privileged-pod
             alice -> any node: token-request, wildcard-admin, pod-create, relax-pod-security, privileged-pod",
        );
    }
}
