//! `bind-role`: the verb `bind` lifts the check that a binding grants no more than its writer holds.

use crate::model::CLUSTER_ADMIN;
use crate::rules::attack::{Attack, Done, Effect, Fact, Place, RoleKey, place_in, place_of, role_key};
use crate::rules::technique::{Alike, At, Confidence, On, Request, Technique, WRITE, rbac};

const CREATE: &[&str] = &["create"];
const BIND: &[&str] = &["bind"];

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "bind-role",
    title: "Bind a role that grants more than is held",
    requests: &[
        Request {
            rights: &[rbac(BIND, "clusterroles", On::Object), rbac(CREATE, "clusterrolebindings", On::Nothing)],
            at: At::Cluster,
        },
        Request {
            rights: &[rbac(BIND, "clusterroles", On::Object), rbac(CREATE, "rolebindings", On::Nothing)],
            at: At::Namespace,
        },
        Request {
            rights: &[rbac(BIND, "roles", On::Object), rbac(CREATE, "rolebindings", On::Nothing)],
            at: At::Namespace,
        },
        Request {
            rights: &[rbac(BIND, "clusterroles", On::Object), rbac(WRITE, "clusterrolebindings", On::Other)],
            at: At::Cluster,
        },
        Request {
            rights: &[rbac(BIND, "clusterroles", On::Object), rbac(WRITE, "rolebindings", On::Other)],
            at: At::Namespace,
        },
        Request {
            rights: &[rbac(BIND, "roles", On::Object), rbac(WRITE, "rolebindings", On::Other)],
            at: At::Namespace,
        },
        Request {
            rights: &[
                rbac(BIND, "clusterroles", On::Object),
                rbac(CREATE, "clusterrolebindings", On::Other),
                rbac(WRITE, "clusterrolebindings", On::Other),
            ],
            at: At::Cluster,
        },
        Request {
            rights: &[
                rbac(BIND, "clusterroles", On::Object),
                rbac(CREATE, "rolebindings", On::Other),
                rbac(WRITE, "rolebindings", On::Other),
            ],
            at: At::Namespace,
        },
        Request {
            rights: &[
                rbac(BIND, "roles", On::Object),
                rbac(CREATE, "rolebindings", On::Other),
                rbac(WRITE, "rolebindings", On::Other),
            ],
            at: At::Namespace,
        },
    ],
    gain: "the rules of the role, where the binding is",
    why: "Before it stores a binding the API server checks that its writer holds every rule of the role, unless the writer may \
          `bind` that role. The check looks at the role by its name, in the namespace of the binding; the subjects of a binding \
          are not checked at all. A role reference never changes, so a binding that is there helps only with the role it names.",
    remedy: "Take the verb `bind` out of the rule, or limit it with resourceNames to roles that hold no more than the subject \
             does; a `*` among the verbs includes it.",
    confidence: Confidence::Performed,
    attack: &["T1078", "T1098.006", "MS-TA9019"],
    references: &[
        "https://kubernetes.io/docs/reference/access-authn-authz/rbac/#restrictions-on-role-binding-creation-or-update",
        "https://kubernetes.io/docs/concepts/security/rbac-good-practices/#bind-verb",
    ],
    build: Some(build),
    // Whoever binds any ClusterRole in a namespace holds everything there, and so what any Role grants.
    alike: |_, within| match within {
        1 => Alike::all(TECHNIQUE.id),
        2 | 4 | 5 | 7 | 8 => Alike::part(&[&[TECHNIQUE.id]]),
        _ => Alike::OTHER,
    },
    ..Technique::MOVE
};

fn build(attack: &mut Attack<'_>, done: Done) {
    if !done.first {
        return;
    }
    let place = done.site.place;
    match done.within {
        0 | 1 => bind(attack, &done, cluster_role(attack, &done), place),
        2 => {
            for role in roles(attack, &done) {
                bind_in(attack, &done, role);
            }
        }
        3..=5 => {
            for binding in attack.bindings_in(place, done.site.other) {
                let Some(role) = role_key(attack.graph, binding) else { continue };
                let fits = role.namespace.is_some() == (done.within == 5)
                    && done.site.object.is_none_or(|name| name == role.name);
                if fits {
                    let place = place_of(attack.graph.binding(binding).namespace);
                    let effect = Effect::Bind { role, place, binding: Some(binding) };
                    attack.does(done.technique, vec![done.fact], effect, Fact::Bound(role, place));
                }
            }
        }
        // A write to a name that is not there creates it, when creating it is allowed as well: then the request has a name.
        _ => {
            let Some(name) = done.site.other else { return };
            let taken = attack.bindings_in(place, Some(name));
            let free = |place: Place| !taken.iter().any(|&at| place_of(attack.graph.binding(at).namespace) == place);
            let free = |role: RoleKey, place: Place| free(place) && attack.admits(place, name, role);
            if done.within < 8 {
                let role = cluster_role(attack, &done).filter(|&role| free(role, place));
                bind(attack, &done, role, place);
            } else {
                let free = |role: &RoleKey| role.namespace.is_some_and(|at| free(*role, place_in(at)));
                for role in roles(attack, &done).into_iter().filter(free).collect::<Vec<_>>() {
                    bind_in(attack, &done, role);
                }
            }
        }
    }
}

/// The ClusterRole that is bound: the one of the name, or the one that every cluster has and that holds everything.
fn cluster_role(attack: &Attack<'_>, done: &Done) -> Option<RoleKey> {
    let name = done.site.object.or_else(|| attack.graph.snapshot().names.find(CLUSTER_ADMIN))?;
    Some(RoleKey { namespace: None, name })
}

fn bind(attack: &mut Attack<'_>, done: &Done, role: Option<RoleKey>, place: Place) {
    let Some(role) = role else { return };
    let any = done.site.object.is_none() && role.namespace.is_none();
    let gain = if any { Fact::Everything(place) } else { Fact::Bound(role, place) };
    attack.does(done.technique, vec![done.fact], Effect::Bind { role, place, binding: None }, gain);
}

/// The Roles that are bound: those of the name, or all and one that is made for it.
fn roles(attack: &Attack<'_>, done: &Done) -> Vec<RoleKey> {
    let mut roles = attack.roles_in(done.site.place, done.site.object);
    if done.site.object.is_none() {
        roles.extend(attack.new_roles(done.site.place));
    }
    roles
}

/// Binds a Role where it is.
fn bind_in(attack: &mut Attack<'_>, done: &Done, role: RoleKey) {
    let Some(namespace) = role.namespace else { return };
    bind(attack, done, Some(role), place_in(namespace));
}

#[cfg(test)]
mod tests {
    use super::super::world::check;

    #[test]
    fn bind_and_a_write_of_bindings_are_every_role() {
        check(
            "role binder: bind clusterroles.rbac; create clusterrolebindings.rbac
             bind binder user:alice",
            "alice -> cluster-admin: bind-role",
        );
        check(
            "role binder: bind clusterroles.rbac; create rolebindings.rbac
             bind dev/b=binder user:alice",
            "alice -> admin of dev: bind-role, namespace-admin
             alice -> any node: bind-role, pod-create, relax-pod-security, privileged-pod",
        );
    }

    #[test]
    fn a_default_role_is_bound_that_no_binding_refers_to() {
        check(
            "role i: bind clusterroles.rbac cluster-admin; create clusterrolebindings.rbac
             bind i user:alice",
            "alice -> cluster-admin: bind-role, wildcard-admin",
        );
        check(
            "role i: bind clusterroles.rbac cluster-admin; create,patch clusterrolebindings.rbac mine
             bind i user:alice",
            "alice -> cluster-admin: bind-role, wildcard-admin",
        );
        check(
            "role i: bind clusterroles.rbac admin; create rolebindings.rbac
             bind dev/i=i user:alice",
            "alice -> admin of dev: bind-role, namespace-admin",
        );
        check(
            "role i: bind clusterroles.rbac view,gone; create clusterrolebindings.rbac
             bind i user:alice",
            "",
        );
        check(
            "role i: get clusterroles.rbac cluster-admin; create clusterrolebindings.rbac
             bind i user:alice",
            "",
        );
    }

    #[test]
    fn a_binding_that_is_there_helps_with_its_own_role() {
        check(
            "role binder: bind clusterroles.rbac; patch clusterrolebindings.rbac ops
             role ops: * *.*
             bind binder user:alice
             bind ops group:ops",
            "alice -> cluster-admin: bind-role, wildcard-admin",
        );
        check(
            "role binder: bind clusterroles.rbac; patch clusterrolebindings.rbac view
             role view: get pods
             bind binder user:alice
             bind view group:ops",
            "",
        );
    }

    #[test]
    fn one_half_is_nothing() {
        check(
            "role binder: bind clusterroles.rbac
             bind binder user:alice",
            "",
        );
        check(
            "role writer: create,update,patch clusterrolebindings,rolebindings.rbac
             bind writer user:alice",
            "",
        );
        check(
            "role a: bind clusterroles.rbac
             role b: create clusterrolebindings.rbac
             bind a user:alice
             bind b user:bob",
            "",
        );
    }

    #[test]
    fn a_limit_by_name_limits() {
        check(
            "role binder: bind clusterroles.rbac small; create clusterrolebindings.rbac
             role small: get pods
             bind binder user:alice",
            "",
        );
        check(
            "role binder: bind clusterroles.rbac big; create clusterrolebindings.rbac
             role big: * *.*
             bind binder user:alice",
            "alice -> cluster-admin: bind-role, wildcard-admin",
        );
        // A creation carries no name.
        check(
            "role binder: bind clusterroles.rbac; create clusterrolebindings.rbac mine
             bind binder user:alice",
            "",
        );
        // Writing to a name that is not there does.
        check(
            "role binder: bind clusterroles.rbac; create,patch clusterrolebindings.rbac mine
             bind binder user:alice",
            "alice -> cluster-admin: bind-role",
        );
    }

    #[test]
    fn bind_is_looked_at_where_the_binding_is() {
        check(
            "role binder: bind clusterroles.rbac
             role writer: create clusterrolebindings,rolebindings.rbac
             bind dev/b=binder user:alice
             bind writer user:alice",
            "alice -> admin of dev: bind-role, namespace-admin
             alice -> any node: bind-role, pod-create, relax-pod-security, privileged-pod",
        );
        check(
            "role binder: bind clusterroles.rbac
             role writer: create clusterrolebindings,rolebindings.rbac
             bind binder user:alice
             bind dev/w=writer user:alice",
            "alice -> admin of dev: bind-role, namespace-admin
             alice -> any node: bind-role, pod-create, relax-pod-security, privileged-pod",
        );
    }

    #[test]
    fn a_role_that_is_bound_leads_on() {
        check(
            "role binder: bind clusterroles.rbac next; create clusterrolebindings.rbac
             role next: bind clusterroles.rbac
             bind binder user:alice",
            "alice -> cluster-admin: bind-role, bind-role",
        );
    }

    /// Two roles that make a request together, and `names` for bindings of them.
    fn halves(rights: &str) -> String {
        format!(
            "role binder: bind clusterroles.rbac a,b; {rights}
             role a: impersonate groups dev
             role b: impersonate users nobody
             role big: * *.*
             bind binder user:alice
             bind big group:dev"
        )
    }

    const HALVES: &str = "alice -> cluster-admin: bind-role, bind-role, impersonate-group, wildcard-admin";

    #[test]
    fn each_name_is_one_binding_of_one_role() {
        check(&halves("create,patch clusterrolebindings.rbac one,two"), HALVES);
        // The first name may be that of the second role, so that none is left over.
        check(&halves("create,patch clusterrolebindings.rbac one; create clusterrolebindings.rbac"), HALVES);
        // One role of both halves needs one name.
        check(
            "role binder: bind clusterroles.rbac a; create,patch clusterrolebindings.rbac one
             role a: impersonate groups dev; impersonate users nobody
             role big: * *.*
             bind binder user:alice
             bind big group:dev",
            "alice -> cluster-admin: bind-role, impersonate-group, wildcard-admin",
        );
        // What the first binding gives may be the right to make another one.
        check(
            "role binder: bind clusterroles.rbac a,b; create,patch clusterrolebindings.rbac one
             role a: create clusterrolebindings.rbac; impersonate groups dev
             role b: impersonate users nobody
             role big: * *.*
             bind binder user:alice
             bind big group:dev",
            HALVES,
        );
    }

    #[test]
    fn a_name_in_two_namespaces_is_two_bindings() {
        check(
            "role binder: bind clusterroles.rbac a; create,patch rolebindings.rbac one; create,patch clusterrolebindings.rbac one
             role other: bind clusterroles.rbac b
             role a: impersonate serviceaccounts bot
             role b: impersonate groups dev
             role big: * *.*
             bind binder user:alice
             bind other user:alice
             bind big group:dev",
            "alice -> cluster-admin: bind-role, bind-role, impersonate-group, wildcard-admin",
        );
    }

    #[test]
    fn one_name_is_one_role() {
        check(&halves("create,patch clusterrolebindings.rbac one"), "");
    }

    #[test]
    fn a_binding_that_is_deleted_for_another_one_binds_no_more() {
        check(&halves("create,patch,delete clusterrolebindings.rbac one"), "");
    }

    /// The token that the first role gives outlives the binding.
    fn one_after_the_other(rights: &str) -> String {
        format!(
            "role binder: bind clusterroles.rbac a,b; {rights} clusterrolebindings.rbac one
             role a: create serviceaccounts/token
             role b: impersonate users nobody
             role g: impersonate groups dev
             role big: * *.*
             bind binder user:alice
             bind g sa:dev/bot
             bind big group:dev"
        )
    }

    #[test]
    fn one_name_serves_one_role_after_the_other_when_the_binding_can_be_deleted() {
        check(
            &one_after_the_other("create,patch,delete"),
            "alice -> cluster-admin: bind-role, token-request, bind-role, impersonate-group, wildcard-admin",
        );
    }

    #[test]
    fn one_name_serves_one_role_where_the_binding_stays() {
        check(&one_after_the_other("create,patch"), "");
    }
}
