//! The steps of a walk as they are told: each with the requests it takes, the grants behind them, and where it starts from.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::Walk;
use crate::graph::{AccessGraph, BindingIx, RoleIx, Walker};
use crate::model::{KindIx, Name, Subject};
use crate::rules::attack::{Attack, Effect, Fact, How, OnHalf, Place, RoleKey, Step};
use crate::rules::azure;
use crate::rules::finding::{Evidence, RequestDone, RightDone, StepDone};
use crate::rules::held::{Held, HeldBy, RequestIx, Site, Supply};
use crate::rules::kubernetes;
use crate::rules::technique::{Blocker, On, Technique};

/// The steps of a walk that brought a fact.
pub(super) fn steps_of(walk: &Walk<'_, '_>, walker: &Walker<'_>, fact: u32) -> Vec<Rc<StepDone>> {
    let plan = walker.plan(fact);
    let used = used(walk, &plan);
    let mut steps = Vec::with_capacity(plan.len());
    for at in plan {
        tell(walk, walker, at, &used, &mut steps);
    }
    steps
}

/// The kinds of ASO resources that are written with each credential by these steps.
pub(super) fn used(walk: &Walk<'_, '_>, plan: &[u32]) -> Vec<(azure::Who, KindIx)> {
    let effects = plan.iter().filter_map(|&at| match *walk.step(at).how {
        How::Does { effect, .. } => Some(effect),
        _ => None,
    });
    azure::used(effects)
}

/// Adds a step as it is told, behind what is chosen for it; nothing where it goes without saying.
pub(super) fn tell(
    walk: &Walk<'_, '_>,
    walker: &Walker<'_>,
    at: u32,
    used: &[(azure::Who, KindIx)],
    steps: &mut Vec<Rc<StepDone>>,
) {
    let step = walk.step(at);
    let added = added(walk, walker, &step.how);
    let foothold = added.as_ref().map(|&(effect, _)| effect).filter(|effect| !matches!(effect, Effect::ActAs(_)));
    steps.extend(added.and_then(|(_, done)| done).map(Rc::new));
    // What a choice is made of tells how, and what it needs.
    let mut blockers: Vec<Blocker> = step.blockers.to_vec();
    let (technique, effect, needs) = match *step.how {
        How::Does { effect: Effect::Any, .. } => return,
        How::Does { effect, .. } if azure::is_open(effect) => return,
        How::Does { technique, effect } => (technique, effect, step.needs),
        How::Chooses { of, effect } => {
            let Some((technique, by)) = behind(walk, walker, of) else { return };
            blockers.extend(by.blockers.iter().cloned());
            let effect = match *by.how {
                How::Does { effect: behind, .. } => azure::chosen(effect, behind),
                _ => effect,
            };
            (technique, effect, by.needs)
        }
        How::Through { by, .. } => (kubernetes::CONSTRAINED, Effect::ActAs(by), step.needs),
        _ => return,
    };
    let with = joined(walk, at, effect);
    let mut done =
        StepDone { technique, effect, with, requests: Vec::new(), under: Vec::new(), foothold: None, blockers };
    match *step.how {
        How::Through { .. } => halves(walk, walker, &step.how, needs, &mut done),
        _ => gather(walk, walker, needs, used, &mut done),
    }
    done.effect = azure::settled(&done);
    done.foothold = foothold.or(done.foothold);
    steps.push(Rc::new(done));
}

/// What is chosen before a choice that says it: the pod that is entered for the token of an account, the pod to which a container is
/// added on a node, the kubelet that gets it. And the step that does so, unless one starts with any of them.
fn added(walk: &Walk<'_, '_>, walker: &Walker<'_>, how: &How) -> Option<(Effect, Option<StepDone>)> {
    let attack = walk.attack;
    let &How::Chooses { of, effect } = how else { return None };
    let needs = || behind(walk, walker, of).into_iter().flat_map(|(_, taken)| taken.needs.iter().copied());
    let (any, effect) = match (attack.facts[of as usize], effect) {
        (Fact::AnyContainer(namespace), Effect::Node(Some(node))) => {
            let is_added = |&need: &u32| matches!(attack.facts[need as usize], Fact::Containers(_));
            (needs().find(is_added)?, Effect::Container(*attack.open_pods(namespace).get(&node)?))
        }
        (Fact::TokensOn(_) | Fact::TokensIn(_), Effect::ActAs(account)) => {
            let entered = |need: u32| match attack.facts[need as usize] {
                Fact::Kubelets => Some((need, Effect::ActAs(kubernetes::kubelet_for(attack, effect)?))),
                pods => Some((need, Effect::Pod(kubernetes::entered(attack, pods, account)?))),
            };
            needs().find_map(entered)?
        }
        (Fact::OfKubelets, effect) => (needs().next()?, Effect::ActAs(kubernetes::kubelet_for(attack, effect)?)),
        _ => return None,
    };
    let done = behind(walk, walker, any).map(|(technique, step)| {
        let (with, requests, under, blockers) = (Vec::new(), Vec::new(), Vec::new(), step.blockers.to_vec());
        let mut done = StepDone { technique, effect, with, requests, under, foothold: None, blockers };
        gather(walk, walker, step.needs, &[], &mut done);
        done
    });
    Some((effect, done))
}

/// The technique that brought a fact, and its step.
fn behind<'w>(walk: &Walk<'w, '_>, walker: &Walker<'_>, mut fact: u32) -> Option<(&'static Technique, Step<'w>)> {
    loop {
        let step = walk.step(walker.by(fact)?);
        match *step.how {
            How::Does { technique, .. } => return Some((technique, step)),
            How::Chooses { of, .. } => fact = of,
            How::Follows | How::Serves => fact = *step.needs.first()?,
            _ => return None,
        }
    }
}

/// The requests that a step rests on, back to the steps before it, and what it starts from.
fn gather(walk: &Walk<'_, '_>, walker: &Walker<'_>, needs: &[u32], used: &[(azure::Who, KindIx)], done: &mut StepDone) {
    let attack = walk.attack;
    done.foothold = needs.iter().find_map(|&need| foothold(attack.facts[need as usize]));
    let mut open: Vec<u32> = needs.to_vec();
    open.reverse();
    let mut seen = BTreeSet::new();
    // Where and on what a request is made that could be made elsewhere and on others as well.
    let mut narrow: BTreeMap<u32, Site> = BTreeMap::new();
    while let Some(fact) = open.pop() {
        if !seen.insert(fact) {
            continue;
        }
        let at = match attack.facts[fact as usize] {
            Fact::Request(_, site) => Some(*narrow.get(&fact).unwrap_or(&site)),
            _ => None,
        };
        done.foothold = done.foothold.or(foothold(attack.facts[fact as usize]));
        let Some(by) = walker.by(fact) else { continue };
        let step = walk.step(by);
        match &*step.how {
            How::Asks { request, site, by, held } => {
                let site = at.unwrap_or(*site);
                let rights = rights(attack, *request, site, done, |at| evidence(walk, walker, held.get(at)));
                done.requests.push(RequestDone { by: *by, rights });
                // What else it takes: a role that is made first, rights that are made on the way.
                open.extend(step.needs.iter().rev());
            }
            How::AsRole { request, site } => {
                let site = at.unwrap_or(*site);
                let Some(under) = under(walk, walker, step.needs) else { continue };
                let by = under.granted.map(|(subject, _)| subject);
                let rights = rights(attack, *request, site, done, |at| under.evidence(walk, walker, &step, at));
                done.requests.push(RequestDone { by, rights });
                open.extend(step.needs.iter().rev());
            }
            How::AsEverything { request, site, place } => {
                let site = at.unwrap_or(*site);
                let rights = rights(attack, *request, site, done, |_| Some(Evidence::Everything(*place)));
                done.requests.push(RequestDone { by: None, rights });
            }
            How::Through { request, site, by, held, asks, verb } => {
                let site = at.unwrap_or(*site);
                let mut rights = rights(attack, *request, site, done, |at| evidence(walk, walker, held.get(at)));
                if let Some(right) = rights.get_mut(*asks) {
                    right.verb = verb;
                }
                done.requests.push(RequestDone { by: Some(*by), rights });
            }
            How::Joins { by, groups, names } => {
                let rights = joined_rights(attack, done, (groups, names), |held| evidence(walk, walker, Some(&held)));
                done.requests.push(RequestDone { by: *by, rights });
                open.extend(step.needs.iter().rev());
            }
            How::Under(binding) => done.under.push(*binding),
            How::Follows => {
                let needs = step.needs.iter();
                let of_request =
                    needs.clone().filter(|&&need| matches!(attack.facts[need as usize], Fact::Request(..)));
                narrow.extend(at.into_iter().flat_map(|site| of_request.clone().map(move |&need| (need, site))));
                open.extend(needs.rev());
            }
            How::Writes(writer) => {
                done.requests.extend(azure::requests(attack, *writer, done.effect, used));
                open.extend(step.needs.iter().rev());
            }
            How::Sends(request) => {
                done.requests.push(RequestDone::clone(request));
                open.extend(step.needs.iter().rev());
            }
            How::Serves => open.extend(step.needs),
            How::Granted(_) | How::Member | How::Does { .. } | How::Chooses { .. } | How::Halves { .. } => {}
        }
    }
}

/// Who else a step makes its identity of, where it puts one together.
fn joined(walk: &Walk<'_, '_>, at: u32, effect: Effect) -> Vec<Subject> {
    let gain = walk.attack.links().gain(walk.steps[at as usize]);
    let Fact::Together(party) = walk.attack.facts[gain as usize] else { return Vec::new() };
    let party = walk.attack.joint.party(party);
    party.into_iter().flat_map(|party| party.parts()).filter(|&part| Effect::ActAs(part) != effect).collect()
}

/// What the one request needs that puts an identity together: a right to each of its groups, and one to a name.
fn joined_rights(
    attack: &Attack<'_>,
    step: &StepDone,
    (groups, names): (&[Held], &[Held]),
    evidence: impl Fn(Held) -> Option<Evidence>,
) -> Vec<RightDone> {
    let Effect::ActAs(first) = step.effect else { return Vec::new() };
    let parts: Vec<Subject> = [first].into_iter().chain(step.with.iter().copied()).collect();
    let named = parts.iter().copied().find(|part| !matches!(part, Subject::Group(_)));
    let of_group = |held: &&Held| held.key().2.is_some_and(|name| parts.contains(&Subject::Group(name)));
    let of_name = kubernetes::names_it(attack, names, named);
    let done = groups.iter().filter(of_group).copied().chain(of_name).filter_map(|held| {
        let (number, place, name) = held.key();
        let right = attack.rights.right(number);
        let place = match (right.resource, place) {
            ("serviceaccounts", Place::Cluster) => Place::EachNamespace,
            (_, place) => place,
        };
        let is_name = right.resource != "groups";
        let place = named.filter(|_| is_name).and_then(Subject::namespace).map_or(place, Place::Namespace);
        let name = name.or_else(|| named.filter(|_| is_name).map(Subject::name));
        let (verb, api_group, resource) = (*right.verbs.first()?, right.api_group, right.resource);
        Some(RightDone { verb, api_group, resource, name, place, evidence: evidence(held)? })
    });
    done.collect()
}

/// The request by which somebody else's name is taken for one request: both halves.
fn halves(walk: &Walk<'_, '_>, walker: &Walker<'_>, through: &How, needs: &[u32], done: &mut StepDone) {
    let attack = walk.attack;
    let How::Through { request: made, site: target, asks, .. } = through else { return };
    for &need in needs {
        let Some(at) = walker.by(need) else { continue };
        let step = walk.step(at);
        let How::Halves { request, site, by, held, on } = &*step.how else { continue };
        done.blockers.extend(step.blockers.iter().cloned());
        let mut rights = rights(attack, *request, *site, done, |at| evidence(walk, walker, held.get(at)));
        let right = attack.rights.asked(*made).rights[*asks];
        let name = match right.on {
            On::Nothing => None,
            On::Object => target.object,
            On::Other => target.other,
        };
        let OnHalf { verb, subject, binding, rule } = *on;
        let evidence = Evidence::Grant { subject, binding, rule };
        let (api_group, resource, place) = (right.api_group, right.resource, target.place);
        rights.push(RightDone { verb, api_group, resource, name, place, evidence });
        done.requests.push(RequestDone { by: *by, rights });
        gather(walk, walker, step.needs, &[], done);
    }
}

/// What a fact is as a start of a step, where it is no identity.
fn foothold(fact: Fact) -> Option<Effect> {
    match fact {
        Fact::Pod(pod) => Some(Effect::Pod(pod)),
        Fact::Container(pod) => Some(Effect::Container(pod)),
        Fact::NewPod(place) => Some(Effect::NewPod(place)),
        Fact::Node(node) => Some(Effect::Node(Some(node))),
        Fact::Nodes => Some(Effect::Node(None)),
        Fact::Secret(secret) => Some(Effect::Secret(secret)),
        _ => None,
    }
}

/// What a request needs, with its names and its place as the effect has them.
fn rights(
    attack: &Attack<'_>,
    request: RequestIx,
    site: Site,
    step: &StepDone,
    evidence: impl Fn(usize) -> Option<Evidence>,
) -> Vec<RightDone> {
    let (namespace, binding) = places_of(attack.graph, step.effect);
    let place = match (site.place, namespace) {
        (Place::EachNamespace, Some(namespace)) => Place::Namespace(namespace),
        (place, _) => place,
    };
    let rights = attack.rights.asked(request).rights.iter().enumerate();
    let done = rights.filter_map(|(at, right)| {
        let evidence = evidence(at)?;
        let place = if right.in_cluster { Place::Cluster } else { place };
        let name = match right.on {
            On::Nothing => None,
            On::Object => site.object.or_else(|| name_of(attack.graph, step, right.resource)),
            On::Other => site.other.or(binding),
        };
        let name = name.filter(|&name| name != Name::EMPTY);
        let verb = right.verbs.iter().find(|verb| grants(attack, evidence, verb)).or(right.verbs.first())?;
        Some(RightDone { verb, api_group: right.api_group, resource: right.resource, name, place, evidence })
    });
    done.collect()
}

/// The object of a resource that a step is about.
fn name_of(graph: &AccessGraph, step: &StepDone, resource: &str) -> Option<Name> {
    let resource = resource.split('/').next().unwrap_or_default();
    match (step.effect, resource) {
        (Effect::Bind { role, .. } | Effect::Write { role, .. }, "roles" | "clusterroles") => Some(role.name),
        // Whatever names an identity: users, accounts, their parts.
        (Effect::Create(subject) | Effect::ActAs(subject), "serviceaccounts" | "users" | "groups" | "uids") => {
            Some(subject.name())
        }
        // A token comes out of a Secret.
        (Effect::ActAs(_), "secrets") => match step.foothold {
            Some(Effect::Secret(secret)) => Some(graph.snapshot().secrets[secret.0 as usize].name),
            _ => None,
        },
        (Effect::Create(subject), "namespaces") => subject.namespace(),
        (Effect::Relax(Place::Namespace(namespace)), "namespaces") => Some(namespace),
        (Effect::Secret(secret) | Effect::Kubeconfig(secret), "secrets") => {
            Some(graph.snapshot().secrets[secret.0 as usize].name)
        }
        (Effect::Pod(pod) | Effect::Container(pod), "pods") => Some(graph.snapshot().pods[pod.0 as usize].name),
        (Effect::Pod(pod), "nodes") => graph.snapshot().pods[pod.0 as usize].node,
        (Effect::Node(node), "nodes") => node,
        _ => None,
    }
}

/// The namespace that an effect is about, and the binding that is changed.
fn places_of(graph: &AccessGraph, effect: Effect) -> (Option<Name>, Option<Name>) {
    let inside = |place: Place| match place {
        Place::Namespace(namespace) => Some(namespace),
        _ => None,
    };
    match effect {
        Effect::Bind { place, binding, .. } => (inside(place), binding.map(|binding| graph.binding(binding).name)),
        Effect::Write { role, .. } => (own_namespace(role), None),
        Effect::Create(subject) | Effect::ActAs(subject) => (subject.namespace(), None),
        Effect::Everything(place)
        | Effect::NamespaceAdmin(place)
        | Effect::Secrets(place)
        | Effect::NewPod(place)
        | Effect::Relax(place) => (inside(place), None),
        Effect::Secret(secret) | Effect::Kubeconfig(secret) => {
            (Some(graph.snapshot().secrets[secret.0 as usize].namespace), None)
        }
        Effect::Pod(pod) | Effect::Container(pod) => (Some(graph.snapshot().pods[pod.0 as usize].namespace), None),
        Effect::Feed { .. } | Effect::Node(_) | Effect::Unguard | Effect::Azure(_) | Effect::Any => (None, None),
    }
}

fn own_namespace(role: RoleKey) -> Option<Name> {
    role.namespace.filter(|&namespace| namespace != Name::STAR)
}

fn evidence(walk: &Walk<'_, '_>, walker: &Walker<'_>, held: Option<&Held>) -> Option<Evidence> {
    match held?.source {
        HeldBy::Grant { subject, binding, rule } => Some(Evidence::Grant { subject, binding, rule }),
        HeldBy::Made(can) => bound(walk, walker, can),
        HeldBy::Role(_) => None,
    }
}

/// The binding that the walk made to give a right to everybody.
fn bound(walk: &Walk<'_, '_>, walker: &Walker<'_>, mut fact: u32) -> Option<Evidence> {
    let attack = walk.attack;
    loop {
        match attack.facts[fact as usize] {
            Fact::Right(role, place, (_, _, rule)) => return Some(Evidence::Bound { role, place, rule }),
            Fact::Everything(place) => return Some(Evidence::Everything(place)),
            _ => {}
        }
        let step = walk.step(walker.by(fact)?);
        fact = *step.needs.first()?;
    }
}

/// A role that somebody is under in a walk.
struct UnderRole {
    /// Who, and by which binding; none for everybody, by a binding that the walk made.
    granted: Option<(Subject, BindingIx)>,
    role: RoleIx,
    place: Place,
}

/// Who is under the role that a step needs.
fn under(walk: &Walk<'_, '_>, walker: &Walker<'_>, needs: &[u32]) -> Option<UnderRole> {
    let attack = walk.attack;
    needs.iter().find_map(|&need| {
        let Fact::Under(role, place, _) = attack.facts[need as usize] else { return None };
        let step = walk.step(walker.by(need)?);
        let subject = step.needs.iter().find_map(|&need| match attack.facts[need as usize] {
            Fact::Acts(subject) | Fact::Identity(subject) => Some(subject),
            _ => None,
        });
        let granted = match *step.how {
            How::Granted(binding) => Some((subject?, binding)),
            _ => None,
        };
        Some(UnderRole { granted, role, place })
    })
}

impl UnderRole {
    /// What grants one of the rights of a request that a step makes: the role, or what has to be given first.
    fn evidence(&self, walk: &Walk<'_, '_>, walker: &Walker<'_>, step: &Step<'_>, at: usize) -> Option<Evidence> {
        let attack = walk.attack;
        let How::AsRole { request, site } = *step.how else { return None };
        let right = *attack.rights.of(request).get(at)?;
        let asked = attack.rights.asked(request).rights.get(at)?;
        let name = match asked.on {
            On::Nothing => None,
            On::Object => site.object,
            On::Other => site.other,
        };
        let place = if asked.in_cluster { Place::Cluster } else { site.place };
        let rule = Supply::rule(attack.supplied(self.role), right, name);
        let rule = rule.filter(|_| place.covering().any(|place| place == self.place));
        match (rule, self.granted) {
            (Some(rule), Some((subject, binding))) => Some(Evidence::Grant { subject, binding, rule }),
            (Some(rule), None) => Some(Evidence::Bound { role: attack.key(self.role), place: self.place, rule }),
            (None, _) => bound(walk, walker, attack.find(Fact::Can(right, place, name))?),
        }
    }
}

/// Whether the rule behind a right has this verb.
fn grants(attack: &Attack<'_>, evidence: Evidence, verb: &str) -> bool {
    let graph = attack.graph;
    let (role, rule) = match evidence {
        Evidence::Grant { binding, rule, .. } => (graph.role_of(binding), rule),
        Evidence::Bound { role, rule, .. } => (attack.role(role), rule),
        Evidence::Everything(_) => return true,
    };
    let Some(role) = role else { return false };
    let verbs = graph.rule(graph.role(role).rules, rule).verbs;
    verbs.iter().any(|&own| own == Name::STAR || graph.text(own) == verb)
}
