//! `bind-held-role`: whoever holds all rules of a role may bind others to it. Alone this gains nothing; it is the way under a role
//! that is rewritten afterwards.

use crate::graph::{BindingIx, RoleIx};
use crate::model::{Name, Rule, Subject, uncovered};
use crate::rules::attack::{Attack, Effect, Fact, How, Place, RoleKey, groups, place_of, role_key};
use crate::rules::held::{Held, HeldBy, RequestIx, Rights, Way};
use crate::rules::technique::{At, Confidence, Kind, On, Request, Technique, WRITE, rbac};

const CREATE: &[&str] = &["create"];

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "bind-held-role",
    title: "Bind a role that is held already, before it is rewritten",
    kind: Kind::Move,
    requests: &[
        Request { rights: &[rbac(CREATE, "clusterrolebindings", On::Nothing)], at: At::Cluster },
        Request { rights: &[rbac(CREATE, "rolebindings", On::Nothing)], at: At::Namespace },
        Request { rights: &[rbac(WRITE, "clusterrolebindings", On::Other)], at: At::Cluster },
        Request { rights: &[rbac(WRITE, "rolebindings", On::Other)], at: At::Namespace },
        Request {
            rights: &[
                rbac(CREATE, "clusterrolebindings", On::Other),
                rbac(WRITE, "clusterrolebindings", On::Other),
            ],
            at: At::Cluster,
        },
        Request {
            rights: &[rbac(CREATE, "rolebindings", On::Other), rbac(WRITE, "rolebindings", On::Other)],
            at: At::Namespace,
        },
    ],
    gain: "a place under the role",
    why: "Who holds every rule of a role may bind it without `bind`; a role without rules is held by everybody. The check looks at \
          the rules of that moment: what the role gets later, all its subjects get.",
    remedy: "Take away the right to write the role (see escalate-role), or the right to write bindings.",
    confidence: Confidence::Performed,
    attack: &["T1098.006"],
    references: &[
        "https://kubernetes.io/docs/reference/access-authn-authz/rbac/#restrictions-on-role-binding-creation-or-update",
    ],
    build: None,
};

/// Looks for those who may bind the roles that somebody can rewrite.
pub(in crate::rules) fn share(attack: &mut Attack<'_>) {
    let roles = attack.rewritten();
    if roles.is_empty() {
        return;
    }
    let requests: Vec<RequestIx> =
        attack.rights.requests().filter(|&request| attack.rights.technique(request).0.id == TECHNIQUE.id).collect();
    let identities = attack.identities().into_iter().map(Some).chain([None]);
    for by in identities.collect::<Vec<_>>() {
        let (own, groups) = match by {
            Some(subject) => attack.held_by(subject),
            None => (attack.made().to_vec(), Vec::new()),
        };
        let own_mask = Rights::mask(&own);
        let groups: Vec<&[Held]> = groups.iter().map(Vec::as_slice).collect();
        let made = attack.made().to_vec();
        let all = groups.iter().fold(own_mask | Rights::mask(&made), |mask, group| mask | Rights::mask(group));
        for &request in &requests {
            // Who holds nothing but a group's right to bind can still hold the rules of the role itself.
            if !attack.rights.may_be_made(request, all, all) {
                continue;
            }
            let mut any: Vec<Held> = [own.as_slice()].into_iter().chain(groups.iter().copied()).flatten().copied().collect();
            any.extend(&made);
            any.sort_unstable();
            for way in attack.rights.ways(request, &any, &[], &[]) {
                for &role in &roles {
                    for place in places(attack, request, &way, role) {
                        share_role(attack, by, request, &way, role, place);
                    }
                }
            }
        }
    }
}

/// Where the binding of a request can be to this role, and which binding it is.
fn places(attack: &Attack<'_>, request: RequestIx, way: &Way, role: RoleKey) -> Vec<(Place, Option<BindingIx>)> {
    let (_, within) = attack.rights.technique(request);
    let at = attack.rights.request(request).at;
    let place = match (role.namespace, way.site.place) {
        (None, place) => place,
        (Some(_), Place::Cluster) => return Vec::new(),
        (Some(Name::STAR), Place::EachNamespace) => Place::EachNamespace,
        (Some(namespace), place) if namespace != Name::STAR && place.has(namespace) => Place::Namespace(namespace),
        (Some(_), _) => return Vec::new(),
    };
    match within {
        0 | 1 => vec![(place, None)],
        2 | 3 => {
            let bindings = attack.bindings_in(place, way.site.other).into_iter();
            let of_role = bindings.filter(|&binding| role_key(attack.graph, binding) == Some(role));
            of_role.map(|binding| (place_of(attack.graph.binding(binding).namespace), Some(binding))).collect()
        }
        _ => {
            let Some(name) = way.site.other else { return Vec::new() };
            let taken = attack.bindings_in(place, Some(name));
            let free = at == At::Cluster && taken.is_empty()
                || at == At::Namespace
                    && !taken.iter().any(|&binding| place_of(attack.graph.binding(binding).namespace) == place);
            if free { vec![(place, None)] } else { Vec::new() }
        }
    }
}

fn share_role(
    attack: &mut Attack<'_>,
    by: Option<Subject>,
    request: RequestIx,
    way: &Way,
    role: RoleKey,
    (place, binding): (Place, Option<BindingIx>),
) {
    let Some(mut needs) = covered(attack, by, role, place) else { return };
    needs.extend(by.map(|by| attack.fact(Fact::Identity(by))));
    needs.extend(way.held.iter().filter_map(|held| match held.source {
        HeldBy::Made { fact, .. } => Some(fact),
        HeldBy::Grant { .. } => None,
    }));
    let shares = Fact::Shares(request, way.site, by, role);
    let how = How::Asks { request, site: way.site, by, held: way.held.clone() };
    attack.step(needs, shares, how);
    let shares = attack.fact(shares);
    // A role that is made for this has no rules yet, and only rewriting it gives it some.
    let gain = if attack.role(role).is_some() { Fact::Bound(role, place) } else { Fact::EmptyHolder(role, place) };
    attack.does(&TECHNIQUE, vec![shares], Effect::Bind { role, place, binding }, gain);
}

/// What it takes for an identity to hold all rules of a role at a place; none when it does not.
fn covered(attack: &mut Attack<'_>, by: Option<Subject>, role: RoleKey, place: Place) -> Option<Vec<u32>> {
    let graph = attack.graph;
    let names = &graph.snapshot().names;
    let rules_of = |at: RoleIx| {
        graph.snapshot().rules.set(graph.role(at).rules).iter().map(|&rule| graph.snapshot().rules.rule(rule))
    };
    let Some(at) = attack.role(role) else {
        // A new role has no rules yet.
        return Some(vec![attack.fact(Fact::CanCreate(role))]);
    };
    let servant: Vec<Rule<'_>> = rules_of(at).collect();
    let mut owner: Vec<Rule<'_>> = Vec::new();
    for subject in by.into_iter().flat_map(|by| [by].into_iter().chain(groups(graph, by))) {
        let Some(id) = graph.snapshot().subjects.find(subject) else { continue };
        for &binding in graph.bindings_of(id) {
            let here = place.covering().any(|place| place == place_of(graph.binding(binding).namespace));
            if here && attack.counts(binding) && graph.scope_of(binding).cluster == attack.cluster {
                owner.extend(graph.role_of(binding).into_iter().flat_map(rules_of));
            }
        }
    }
    let left = uncovered(names, &owner, &servant);
    if left.is_empty() {
        return Some(Vec::new());
    }
    let mut needs = Vec::new();
    let bound = attack.bound();
    for atom in left {
        let fact = Fact::Atom(atom, place);
        for &(other, there, bound) in &bound {
            let Some(at) = attack.role(other).filter(|_| place.covering().any(|place| place == there)) else { continue };
            let held: Vec<Rule<'_>> = rules_of(at).collect();
            if !uncovered(names, &held, &servant).contains(&atom) {
                attack.step(vec![bound], fact, How::Follows);
            }
        }
        needs.push(attack.find(fact)?);
    }
    Some(needs)
}

#[cfg(test)]
mod tests {
    use super::super::world::check;

    #[test]
    fn a_held_role_is_bound_and_then_rewritten() {
        check(
            "role manager: escalate,patch roles.rbac; create rolebindings.rbac
             role dev/small: create rolebindings.rbac
             bind dev/m=manager user:alice",
            "alice -> admin of dev: bind-held-role, escalate-role, namespace-admin",
        );
    }

    #[test]
    fn a_new_role_is_held_by_everybody() {
        check(
            "role manager: escalate,create,patch roles.rbac; create rolebindings.rbac
             bind dev/m=manager user:alice",
            "alice -> admin of dev: bind-held-role, escalate-role, namespace-admin",
        );
    }

    #[test]
    fn a_role_that_is_not_held_is_not_bound() {
        check(
            "role manager: escalate,patch roles.rbac; create rolebindings.rbac
             role dev/big: get secrets
             bind dev/m=manager user:alice",
            "",
        );
    }
}
