//! `namespace-admin`: what makes an administrator of a namespace.

use crate::rules::attack::{Attack, Done, Effect, Fact};
use crate::rules::technique::{At, Confidence, On, Request, Technique, core, rbac};

const CREATE: &[&str] = &["create"];

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "namespace-admin",
    title: "Hold what an administrator of a namespace holds",
    requests: &[Request {
        rights: &[
            rbac(CREATE, "roles", On::Nothing),
            rbac(CREATE, "rolebindings", On::Nothing),
            core(&["list", "watch"], "secrets", On::Nothing),
            core(CREATE, "pods", On::Nothing),
        ],
        at: At::Namespace,
    }],
    gain: "the namespace: its Secrets, its accounts, and who else may enter",
    why: "Who lists the Secrets of a namespace, runs pods in it and hands out roles in it administers it, whatever the role is \
          called. The default role `admin` is the usual way.",
    remedy: "Bind `edit` or `view`, or a role that names what is needed.",
    confidence: Confidence::Documented,
    attack: &["T1078"],
    references: &["https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles"],
    build: Some(build),
    ..Technique::HOLDING
};

fn build(attack: &mut Attack<'_>, done: Done) {
    let place = done.site.place;
    attack.does(done.technique, vec![done.fact], Effect::NamespaceAdmin(place), Fact::NamespaceAdmin(place));
}

#[cfg(test)]
mod tests {
    use super::super::world::check;

    #[test]
    fn who_holds_admin_is_a_holder_and_who_gets_it_is_found() {
        check(
            "bind dev/a=admin group:leads
             bind dev/e=edit group:devs
             bind dev/b=admin sa:dev/bot",
            "devs -> admin of dev: impersonate-serviceaccount, namespace-admin",
        );
    }

    #[test]
    fn a_part_of_it_is_not_it() {
        check(
            "role part: create roles,rolebindings.rbac; create pods
             role t: create serviceaccounts/token
             bind dev/p=part sa:dev/bot
             bind dev/t=t user:alice",
            "",
        );
    }

    #[test]
    fn rights_of_two_identities_are_one_administrator_when_one_can_bind_the_other() {
        check(
            "role a: create roles,rolebindings.rbac
             role b: create pods; list secrets
             role t: create serviceaccounts/token
             bind dev/a=a sa:dev/one
             bind dev/b=b sa:dev/two
             bind dev/t=t user:alice",
            "system:serviceaccount:dev:two -> admin of dev: pod-create, bind-held-role, namespace-admin
             alice -> admin of dev: token-request, token-request, bind-held-role, namespace-admin",
        );
        check(
            "role a: create roles.rbac; create rolebindings.rbac one
             role b: create pods; list secrets
             role t: create serviceaccounts/token
             bind dev/a=a sa:dev/one
             bind dev/b=b sa:dev/two
             bind dev/t=t user:alice",
            "",
        );
    }
}
