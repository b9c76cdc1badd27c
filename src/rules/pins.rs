//! Names of bindings that hold one role each.
//!
//! A rule that limits `create` to names allows nothing by itself, since a creation carries no name; with `patch` or `update` beside
//! it a binding is made by writing to a name that is free. The role of a binding never changes, so such a name serves one role. The
//! attack graph knows facts one by one and would use a name for several. So a path that does is put in turn where the first binding
//! can be deleted before the second one is made, or else it is looked for anew: with the name for that role alone, and with the name
//! never for that role. Whatever can be done is one of the two, so nothing is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::attack::{Effect, Place, RoleKey};
use super::finding::{RequestDone, RightDone, Start, StepDone, Target};
use super::replay::{deletes, replay, replay_access};
use super::solve::{Ask, bare};
use super::technique::RBAC;
use crate::graph::AccessGraph;
use crate::model::Name;

/// A binding that is made under a name, and the role that it names.
pub(super) type Pin = (Place, Name, RoleKey);

/// What names that no binding has yet may be used for.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Names {
    only: BTreeMap<(Place, Name), RoleKey>,
    never: BTreeSet<Pin>,
}

impl Names {
    /// Whether a binding of this name may be made for a role.
    pub(super) fn admit(&self, place: Place, name: Name, role: RoleKey) -> bool {
        let others = self.only.iter().filter(|&(&(at, own), _)| own == name && overlap(at, place));
        others.into_iter().all(|(_, &own)| own == role) && !self.never.contains(&(place, name, role))
    }

    /// The same, with a name for one role alone and with the name never for that role.
    pub(super) fn both(&self, (place, name, role): Pin) -> [Names; 2] {
        let (mut with, mut without) = (self.clone(), self.clone());
        with.only.insert((place, name), role);
        without.never.insert((place, name, role));
        [with, without]
    }
}

fn overlap(one: Place, other: Place) -> bool {
    one == other || (one != Place::Cluster && other != Place::Cluster && [one, other].contains(&Place::EachNamespace))
}

/// The binding that a step makes under a name that its requests are limited to.
fn pin(step: &StepDone) -> Option<Pin> {
    let Effect::Bind { role, place, binding: None } = step.effect else { return None };
    let made = step.asks(&["create"], RBAC, bindings(place))?;
    Some((place, made.name?, role))
}

fn bindings(place: Place) -> &'static str {
    if place == Place::Cluster { "clusterrolebindings" } else { "rolebindings" }
}

/// Whether any of these bindings has the name of another one for another role.
pub(super) fn may_clash(pins: &BTreeSet<Pin>) -> bool {
    let mut by_name: BTreeMap<Name, Vec<Pin>> = BTreeMap::new();
    pins.iter().for_each(|&pin| by_name.entry(pin.1).or_default().push(pin));
    by_name.values().any(|alike| alike.iter().any(|&pin| alike.iter().any(|&other| is_other(pin, other))))
}

/// The first binding of a path whose name serves another role in it as well.
pub(super) fn clash(steps: &[Rc<StepDone>]) -> Option<Pin> {
    let pins: Vec<Pin> = steps.iter().filter_map(|step| pin(step)).collect();
    pins.iter().copied().find(|&pin| pins.iter().any(|&other| is_other(pin, other)))
}

fn is_other((place, name, role): Pin, (at, own, other): Pin) -> bool {
    name == own && role != other && overlap(place, at)
}

/// The steps of a path in an order in which each binding that another one of its name follows is deleted before, and not needed any
/// more; none where there is no such order. O(steps to the third).
pub(super) fn in_turn(
    graph: &AccessGraph,
    ask: &Ask,
    from: Start,
    target: Target,
    steps: &[Rc<StepDone>],
) -> Option<Vec<Rc<StepDone>>> {
    let first: Vec<usize> = (0..steps.len()).filter(|&at| pin(&steps[at]).is_some()).collect();
    let whole = |steps: Vec<Rc<StepDone>>| {
        let finding = bare(target, steps);
        let done = match &ask.access {
            Some(access) => replay_access(graph, ask.cluster, from, &finding, &access.action),
            None => replay(graph, ask.cluster, from, &finding),
        };
        done.ok().map(|()| finding.steps)
    };
    // Whichever of the bindings comes first, whatever it is good for is done before the next one takes its name.
    first.into_iter().find_map(|first| {
        let mut left: Vec<&Rc<StepDone>> = steps.iter().collect();
        let step = left.remove(first);
        left.insert(0, step);
        whole(greedily(graph, ask, from, left)?)
    })
}

/// Does of some steps whatever can be done, and deletes a binding only where nothing else is left.
fn greedily(graph: &AccessGraph, ask: &Ask, from: Start, mut left: Vec<&Rc<StepDone>>) -> Option<Vec<Rc<StepDone>>> {
    let mut done: Vec<Rc<StepDone>> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let taken = |step: &StepDone| {
            let pin = pin(step)?;
            done.iter()
                .rev()
                .filter_map(|step| self::pin(step))
                .find(|&(at, name, _)| name == pin.1 && overlap(at, pin.0))
                .filter(|&other| is_other(pin, other))
        };
        let tried = |step: &StepDone| {
            let mut step = step.clone();
            if let Some((place, name, _)) = taken(&step) {
                let so_far = bare(Target::Access, done.clone());
                let (by, evidence) = deletes(graph, ask.cluster, from, &so_far, (bindings(place), name, place))?;
                let (api_group, resource) = (RBAC, bindings(place));
                let right = RightDone { verb: "delete", api_group, resource, name: Some(name), place, evidence };
                step.requests.insert(0, RequestDone { by, rights: vec![right] });
            }
            let steps: Vec<Rc<StepDone>> = done.iter().cloned().chain([Rc::new(step)]).collect();
            replay(graph, ask.cluster, from, &bare(Target::Access, steps.clone())).ok().map(|()| steps)
        };
        let (later, sooner): (Vec<usize>, Vec<usize>) = (0..left.len()).partition(|&at| taken(left[at]).is_some());
        let next = sooner.into_iter().chain(later).find_map(|at| Some((at, tried(left[at])?)));
        let (at, steps) = next?;
        left.remove(at);
        done = steps;
    }
    Some(done)
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use crate::model::ClusterId;
    use crate::rules::kubernetes::{check, graph};
    use crate::rules::{Ask, Evidence, Finding, StepDone, escalations, replay};

    /// Alice may bind roles by names alone; `a` and `b` are halves of a request, and `rest` is the world beside.
    fn halves(rights: &str, rest: &str) -> String {
        format!(
            "role binder: bind clusterroles.rbac a,b,c; {rights}
             role a: impersonate groups dev
             role b: impersonate users nobody
             role big: * *.*
             bind binder user:alice
             bind big group:dev
             {rest}"
        )
    }

    const ONE: &str = "create,patch clusterrolebindings.rbac one";

    #[test]
    fn where_a_name_would_serve_two_roles_another_path_is_looked_for() {
        // A third role leads there by itself, and takes longer.
        let tokens = "role c: create serviceaccounts/token
             bind one/t=c sa:dev/one
             bind two/t=c sa:one/two
             bind more=big sa:two/three";
        check(
            &halves(ONE, &tokens.replace("bind one/t=c sa:dev/one\n", "")),
            "system:serviceaccount:one:two -> cluster-admin: token-request, wildcard-admin
             alice -> cluster-admin: bind-role, token-request, wildcard-admin",
        );
        check(&halves(ONE, ""), "");
        let longer = "role c: create serviceaccounts/token one
             role d: create serviceaccounts/token
             bind two/t=d sa:dev/one
             bind three/t=d sa:two/two
             bind more=big sa:three/three
             account two/default
             account two/two
             account three/default
             account three/three";
        check(
            &halves(ONE, longer),
            "system:serviceaccount:two:two -> cluster-admin: token-request, wildcard-admin
             system:serviceaccount:dev:one -> cluster-admin: token-request, token-request, wildcard-admin
             alice -> cluster-admin: bind-role, token-request, token-request, token-request, wildcard-admin",
        );
    }

    #[test]
    fn what_is_reached_by_one_role_is_kept() {
        // Less than what both would give together.
        check(
            &halves(ONE, "role c: get nodes\nrole dev/x: get pods")
                .replace("impersonate users nobody", "impersonate users nobody; list secrets"),
            "alice -> secrets of every namespace: bind-role, secret-read",
        );
    }

    #[test]
    fn all_who_are_in_the_same_place_are_looked_at_together() {
        check(&halves(ONE, "bind other=binder user:bob user:carol group:ops"), "");
        check(
            &halves(
                &format!("{ONE}; create,patch clusterrolebindings.rbac two"),
                "bind other=binder user:bob user:carol",
            ),
            "alice -> cluster-admin: bind-role, bind-role, impersonate-group, wildcard-admin
             bob carol -> cluster-admin: bind-role, bind-role, impersonate-group, wildcard-admin",
        );
    }

    #[test]
    fn a_name_is_taken_in_one_namespace_only() {
        let world = |name: &str, binds: &str| {
            format!(
                "role binder: bind clusterroles.rbac a,b; create,patch rolebindings.rbac {name}
                 role a: escalate roles.rbac
                 role b: patch roles.rbac
                 role dev/own: get pods
                 namespace dev restricted
                 namespace prod restricted
                 bind dev/own user:alice
                 {binds}"
            )
        };
        let dev = "bind dev/binder=binder user:alice";
        check(&world("one", dev), "");
        check(
            &world("one,two", dev),
            "alice -> admin of dev: bind-role, bind-role, escalate-role, namespace-admin
             alice -> any node: bind-role, bind-role, escalate-role, pod-create, relax-pod-security, privileged-pod",
        );
        // One half in each namespace is no whole.
        check(&world("one", &[dev, "\nbind prod/binder=binder user:alice"].concat()), "");
        check(&world("one", "bind binder user:alice"), "");
        check(
            &world("one", "bind binder user:alice")
                .replace("prod restricted", "prod restricted\nrole prod/one: get pods\nbind prod/one user:dan"),
            "",
        );
    }

    /// Bob is impersonated by the right of the first role, and needs the second.
    fn by_bob(rights: &str, bob: &str) -> String {
        format!(
            "role binder: bind clusterroles.rbac a,b; {rights}
             role a: impersonate users bob
             role b: patch clusterroles.rbac
             role bob: {bob}
             bind binder user:alice
             bind bob user:bob"
        )
    }

    #[test]
    fn nobody_is_impersonated_by_a_binding_that_is_gone() {
        let escalates = "escalate clusterroles.rbac";
        let found = "alice -> cluster-admin: bind-role, bind-role, impersonate-user, escalate-role";
        check(&by_bob("create,patch clusterrolebindings.rbac one,two", escalates), found);
        check(&by_bob("create,patch,delete clusterrolebindings.rbac one", escalates), "");
        check(&by_bob("create,patch clusterrolebindings.rbac one", escalates), "");
    }

    #[test]
    fn what_an_impersonated_has_done_stays_done() {
        let world = |rights: &str| {
            format!(
                "{}
                 role t: create serviceaccounts/token
                 role e: escalate clusterroles.rbac
                 bind e sa:dev/bot",
                by_bob(&format!("{rights} clusterrolebindings.rbac one"), "create serviceaccounts/token")
            )
        };
        check(
            &world("create,patch,delete"),
            "alice -> cluster-admin: bind-role, impersonate-user, token-request, bind-role, escalate-role",
        );
    }

    /// The steps of a world in which one binding follows the other under its name.
    fn in_turn(rights: &str) -> (crate::graph::AccessGraph, Finding) {
        let graph = graph(&format!(
            "role binder: bind clusterroles.rbac a,b; {rights}
             role a: create serviceaccounts/token
             role b: impersonate users nobody
             role g: impersonate groups dev
             role big: * *.*
             bind binder user:alice
             bind g sa:dev/bot
             bind big group:dev"
        ));
        let found = escalations(&graph, &Ask::default()).findings.remove(0);
        (graph, found)
    }

    #[test]
    fn the_deletion_is_told_with_what_grants_it() {
        let (_, found) = in_turn("create,patch,delete clusterrolebindings.rbac one");
        let second = &found.steps[2].requests[0];
        assert_eq!((second.rights[0].verb, second.rights[0].resource), ("delete", "clusterrolebindings"));
        assert!(matches!(second.rights[0].evidence, Evidence::Grant { .. }) && second.by.is_some(), "{second:#?}");
    }

    #[test]
    fn a_name_that_serves_two_roles_is_refused() {
        let (graph, found) = in_turn("create,patch,delete clusterrolebindings.rbac one");
        let done = |change: &dyn Fn(&mut Vec<Rc<StepDone>>)| {
            let mut changed = found.clone();
            change(&mut changed.steps);
            replay(&graph, ClusterId::FIRST, changed.from[0], &changed)
        };
        assert_eq!(done(&|_| {}), Ok(()));
        // Without the deletion, with one of another name, before it is done with the first role, and with one for nothing.
        assert!(done(&|steps| drop(Rc::make_mut(&mut steps[2]).requests.remove(0))).is_err());
        let other = graph.snapshot().names.find("binder");
        assert!(done(&|steps| Rc::make_mut(&mut steps[2]).requests[0].rights[0].name = other).is_err());
        assert!(done(&|steps| steps.swap(1, 2)).is_err());
        assert!(
            done(&|steps| {
                let deletion = steps[2].requests[0].clone();
                Rc::make_mut(&mut steps[1]).requests.push(deletion);
            })
            .is_err()
        );
        // Nor does anybody delete who may not.
        let (other, _) = in_turn("create,patch clusterrolebindings.rbac one,two");
        assert!(replay(&other, ClusterId::FIRST, found.from[0], &found).is_err());
    }
}
