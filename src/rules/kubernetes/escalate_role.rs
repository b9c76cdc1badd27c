//! `escalate-role`: the verb `escalate` lifts the check that a role gets no more rules than its writer holds.

use crate::rules::attack::{Attack, Done, Effect, Fact, Place, RoleKey};
use crate::rules::technique::{At, Confidence, On, Request, Technique, WRITE, rbac};

const CREATE: &[&str] = &["create"];
const ESCALATE: &[&str] = &["escalate"];

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "escalate-role",
    title: "Write more rules into a role than are held",
    requests: &[
        Request {
            rights: &[rbac(ESCALATE, "clusterroles", On::Object), rbac(WRITE, "clusterroles", On::Object)],
            at: At::Cluster,
        },
        Request { rights: &[rbac(ESCALATE, "roles", On::Object), rbac(WRITE, "roles", On::Object)], at: At::Namespace },
        Request {
            rights: &[rbac(ESCALATE, "clusterroles", On::Nothing), rbac(CREATE, "clusterroles", On::Nothing)],
            at: At::Cluster,
        },
        Request {
            rights: &[rbac(ESCALATE, "roles", On::Nothing), rbac(CREATE, "roles", On::Nothing)],
            at: At::Namespace,
        },
        Request {
            rights: &[
                rbac(ESCALATE, "clusterroles", On::Object),
                rbac(CREATE, "clusterroles", On::Object),
                rbac(WRITE, "clusterroles", On::Object),
            ],
            at: At::Cluster,
        },
        Request {
            rights: &[
                rbac(ESCALATE, "roles", On::Object),
                rbac(CREATE, "roles", On::Object),
                rbac(WRITE, "roles", On::Object),
            ],
            at: At::Namespace,
        },
        Request { rights: &[rbac(CREATE, "clusterroles", On::Nothing)], at: At::Cluster },
        Request { rights: &[rbac(CREATE, "roles", On::Nothing)], at: At::Namespace },
        Request {
            rights: &[rbac(CREATE, "clusterroles", On::Object), rbac(WRITE, "clusterroles", On::Object)],
            at: At::Cluster,
        },
        Request { rights: &[rbac(CREATE, "roles", On::Object), rbac(WRITE, "roles", On::Object)], at: At::Namespace },
    ],
    gain: "any rules, where the role is held",
    why: "Before it stores a role the API server checks that its writer holds every rule of it, unless the writer may `escalate` \
          that role. The name is the one in the URL: creating by POST has none, so a rule limited by resourceNames does not help \
          there. Who writes a role has to be under it as well: by a binding that is there, by one that can be written, or by a \
          binding that names a role which does not exist.",
    remedy: "Take the verb `escalate` out of the rule; nothing but a controller that manages roles for others needs it. A `*` \
             among the verbs includes it.",
    confidence: Confidence::Performed,
    attack: &["T1078", "T1098.006"],
    references: &[
        "https://kubernetes.io/docs/reference/access-authn-authz/rbac/#restrictions-on-role-creation-or-update",
        "https://kubernetes.io/docs/concepts/security/rbac-good-practices/#escalate-verb",
    ],
    build: Some(build),
    ..Technique::MOVE
};

fn build(attack: &mut Attack<'_>, done: Done) {
    match (done.within, done.site.object) {
        (0, None) => {
            // Whoever may do this in the whole cluster is under a ClusterRole there: the one that says so.
            for (role, under) in done.under {
                let effect = Effect::Write { role, place: Place::Cluster };
                attack.does(done.technique, vec![done.fact, under], effect, Fact::Everything(Place::Cluster));
            }
        }
        _ if !done.first => {}
        (0, Some(name)) => write(attack, &done, RoleKey { namespace: None, name }),
        (1, object) => {
            for role in attack.roles_in(done.site.place, object) {
                write(attack, &done, role);
            }
            if object.is_none() {
                attack.creates(&done, Fact::CanChange);
                for role in attack.new_roles(done.site.place) {
                    write(attack, &done, role);
                }
            }
        }
        (within, name) => {
            // A name that can be made is one more that can be written.
            if let Some(name) = name {
                let inside = attack.roles_in(done.site.place, Some(name));
                let wide = done.site.place == Place::Cluster;
                let roles = if wide { vec![RoleKey { namespace: None, name }] } else { inside };
                for role in roles {
                    attack.name_missing(role);
                }
            }
            match within {
                2 | 3 => attack.creates(&done, Fact::CanMake),
                // Who may make a role of this name by writing it may write it afterwards.
                4 | 5 => attack.creates(&done, Fact::CanWrite),
                _ => attack.creates(&done, Fact::CanCreate),
            }
        }
    }
}

/// The role can be written, if it is there or can be made.
fn write(attack: &mut Attack<'_>, done: &Done, role: RoleKey) {
    let mut needs = vec![done.fact];
    if attack.role(role).is_none() {
        attack.name_missing(role);
        needs.push(attack.fact(Fact::CanCreate(role)));
    }
    attack.follows(needs, Fact::CanWrite(role));
}

#[cfg(test)]
mod tests {
    use super::super::world::check;

    #[test]
    fn a_role_that_is_held_is_rewritten() {
        check(
            "role e: escalate,update clusterroles.rbac
             bind e user:alice",
            "alice -> cluster-admin: escalate-role",
        );
        check(
            "role e: escalate,patch roles.rbac
             role dev/own: get pods
             bind dev/e=e user:alice
             bind dev/own user:alice",
            "alice -> admin of dev: escalate-role, namespace-admin
             alice -> any node: escalate-role, pod-create, relax-pod-security, privileged-pod",
        );
        check(
            "role e: escalate,patch clusterroles.rbac small
             role small: get pods
             bind e user:alice
             bind dev/s=small group:system:authenticated",
            "alice -> admin of dev: escalate-role, namespace-admin
             alice -> any node: escalate-role, pod-create, relax-pod-security, privileged-pod",
        );
    }

    #[test]
    fn two_halves_on_two_roles_are_nothing() {
        check(
            "role e: escalate clusterroles.rbac a; patch clusterroles.rbac b
             role a: get pods
             role b: get pods
             bind e user:alice
             bind a user:alice
             bind b user:alice",
            "",
        );
        check(
            "role e: escalate clusterroles.rbac
             bind e user:alice",
            "",
        );
        check(
            "role w: create,update,patch clusterroles,roles.rbac
             bind w user:alice",
            "",
        );
    }

    #[test]
    fn a_default_role_is_emptied_bound_and_rewritten_that_no_binding_refers_to() {
        check(
            "role e: escalate,update clusterroles.rbac system:node-bootstrapper; create clusterrolebindings.rbac
             bind e user:alice",
            "alice -> cluster-admin: bind-held-role, escalate-role",
        );
    }

    #[test]
    fn a_role_that_nobody_of_ours_holds_is_of_no_use() {
        check(
            "role e: escalate,patch clusterroles.rbac other
             role other: get pods
             bind e user:alice
             bind other user:bob",
            "",
        );
        // For a Role it is the right on roles that counts, and where the Role is.
        check(
            "role e: escalate,patch clusterroles.rbac
             role dev/own: get pods
             bind dev/e=e user:alice
             bind dev/own user:alice",
            "",
        );
    }

    #[test]
    fn a_missing_role_is_made_under_its_name() {
        check(
            "role e: escalate,create clusterroles.rbac
             bind e user:alice
             bind gone user:alice",
            "alice -> cluster-admin: escalate-role",
        );
        // Creating has no name, so a right that is limited by name does not lift the check.
        check(
            "role e: escalate clusterroles.rbac gone; create clusterroles.rbac
             bind e user:alice
             bind gone user:alice",
            "",
        );
        check(
            "role e: escalate,update clusterroles.rbac gone; create clusterroles.rbac
             bind e user:alice
             bind gone user:alice",
            "alice -> cluster-admin: escalate-role",
        );
        check(
            "role e: create clusterroles.rbac
             bind e user:alice
             bind gone user:alice",
            "",
        );
    }
}
