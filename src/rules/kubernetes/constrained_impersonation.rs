//! `constrained-impersonation`: a request is made in somebody else's name by whoever may do so for requests of this kind.
//!
//! Both halves are held by one identity, and what can be done is what the other one may do and the second half names. So nobody
//! becomes anybody here: one request of another technique is made in a name. A way of the impersonated to make it is looked for
//! once for all who impersonate alike, so that impersonators and impersonated are never joined one by one.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::bind_held_role;
use super::impersonate_group::is_told_apart;
use crate::graph::BindingIx;
use crate::model::{MASTERS, NODE_PREFIX, NODES, Name, Question, Rule, RuleSetId, Subject};
use crate::rules::attack::{Attack, Done, Effect, Fact, How, OnHalf, Place, Pose, Version, Who, place_of};
use crate::rules::finding::StepDone;
use crate::rules::held::{RequestIx, Site, Way};
use crate::rules::replay::State;
use crate::rules::technique::{At, Blocker, Confidence, On, Request, Right, Technique, right};

const AUTHENTICATION: &str = "authentication.k8s.io";

/// From this version on the API server looks at these verbs, unless it is told otherwise.
const ON_BY_DEFAULT: Version = (1, 36);
const OFF: &str = "Kubernetes before 1.36 does not look at constrained impersonation by default";

const USER_INFO: &[&str] = &["impersonate:user-info"];
const ACCOUNT: &[&str] = &["impersonate:serviceaccount"];
const ARBITRARY_NODE: &[&str] = &["impersonate:arbitrary-node"];
const ASSOCIATED_NODE: &[&str] = &["impersonate:associated-node"];

const fn identity(verbs: &'static [&'static str], resource: &'static str, on: On) -> Right {
    right(verbs, AUTHENTICATION, resource, on)
}

/// The technique.
pub(in crate::rules) const TECHNIQUE: Technique = Technique {
    id: "constrained-impersonation",
    title: "Impersonate somebody for one kind of request",
    requests: &[
        Request { rights: &[identity(USER_INFO, "users", On::Object)], at: At::Cluster },
        Request {
            rights: &[identity(USER_INFO, "groups", On::Object), identity(USER_INFO, "users", On::Other)],
            at: At::Cluster,
        },
        Request { rights: &[identity(ACCOUNT, "serviceaccounts", On::Object)], at: At::Namespace },
        Request { rights: &[identity(ARBITRARY_NODE, "nodes", On::Object)], at: At::Cluster },
        Request { rights: &[identity(ASSOCIATED_NODE, "nodes", On::Object)], at: At::Cluster },
    ],
    gain: "the requests that the impersonated may make and that the verb impersonate-on names, and nothing else of theirs",
    why: "From 1.36 on a name can be taken for requests of one kind only. This takes two rights, held by one identity: \
          impersonate:MODE on the user, group, account or node in authentication.k8s.io, and impersonate-on:MODE:VERB on what the \
          request is about. One without the other is worth nothing. What the API server asks behind the request, such as `bind` \
          or `escalate`, it asks of the impersonated alone. A `*` among the verbs includes both halves.",
    remedy: "Limit the one half with resourceNames to those who have to be impersonated, and the other to what is needed.",
    confidence: Confidence::Performed,
    attack: &["T1078"],
    references: &["https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/"],
    build: Some(build),
    proof: Some(proof),
    ..Technique::MOVE
};

/// The verbs of requests, and those that allow them in somebody else's name.
macro_rules! verbs {
    ($($verb:literal),*) => {
        const VERBS: &[(&str, [&str; 4])] = &[$((
            $verb,
            [
                concat!("impersonate-on:user-info:", $verb),
                concat!("impersonate-on:serviceaccount:", $verb),
                concat!("impersonate-on:arbitrary-node:", $verb),
                concat!("impersonate-on:associated-node:", $verb),
            ],
        )),*];
    };
}

verbs!["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];

/// What is looked at once.
#[derive(Default)]
pub(in crate::rules) struct Poses {
    /// The halves that rules hold which say for which requests.
    on: FxHashMap<RuleSetId, Rc<[Allowed]>>,
    /// The requests that a right is the verb of, and the right's place in it.
    sent: Option<Rc<[Sent]>>,
    /// The ways in which those who may be impersonated make requests of a right, by place.
    ways: FxHashMap<(Who, u8), Rc<Ways>>,
}

/// Ways to make requests, by place.
type Ways = BTreeMap<Place, Vec<Made>>;

/// A right with which requests can be made in somebody else's name, by one mode.
#[derive(Clone, Copy)]
struct Allowed {
    mode: usize,
    right: u8,
    verb: &'static str,
    verb_on: &'static str,
    name: Option<Name>,
    rule: u32,
}

/// A request with the right whose verb is that of the request.
#[derive(Clone, Copy)]
struct Sent {
    request: RequestIx,
    asks: usize,
    right: u8,
    /// Whether what it gains is a role of whoever it is that is impersonated.
    shares: bool,
}

/// A way to make a request, and whose.
#[derive(Clone)]
struct Made {
    by: Subject,
    sent: Sent,
    way: Way,
}

fn build(attack: &mut Attack<'_>, done: Done) {
    let Some(by) = done.by else { return };
    let is_off = attack.version().is_some_and(|version| version < ON_BY_DEFAULT);
    let off: Option<Rc<[Blocker]>> = is_off.then(|| [Blocker { what: OFF.to_owned(), stops: true }].into());
    let step = attack.step_at(done.step);
    let How::Asks { request, held, .. } = &*step.how else { return };
    let (request, held, needs) = (*request, held.clone(), step.needs.to_vec());
    // Whoever rewrites a role has to be under it; the one whose name is used does not count.
    let own = held.first().map(|first| attack.under(*first)).unwrap_or_default();
    let (mode, whos) = impersonated(attack, &done, by);
    for (half, place, subject, binding) in on_halves(attack, by).into_iter().filter(|(half, ..)| half.mode == mode) {
        let on = OnHalf { verb: half.verb_on, subject, binding, rule: half.rule };
        for &who in &whos {
            let pose = Pose { who, right: half.right, verb: half.verb, place, name: half.name };
            let ways = ways(attack, who, half.right);
            let targets = targets(attack, &pose, &ways);
            if targets.is_empty() {
                continue;
            }
            let how = How::Halves { request, site: done.site, by: Some(by), held: held.clone(), on };
            let poses = Fact::Poses(attack.posing.number(pose));
            attack.step_unless(needs.clone(), poses, how, off.clone());
            let fact = attack.fact(poses);
            for (Made { by, sent, mut way }, site) in targets {
                let Sent { request, asks, shares, .. } = sent;
                let how = How::Through { request, site, by, held: way.held.clone(), asks, verb: half.verb };
                if shares {
                    way.site = site;
                    bind_held_role::lend(attack, &[fact], (request, by), &way, &how);
                } else {
                    attack.asked(request, site, vec![fact], how, own.clone());
                }
            }
        }
    }
}

/// Who can be impersonated by a way to make the first half, and by which mode.
fn impersonated(attack: &Attack<'_>, done: &Done, by: Subject) -> (usize, Vec<Who>) {
    let names = &attack.graph.snapshot().names;
    let text = |name: Name| attack.graph.text(name);
    let is_user = |name: Name| {
        !text(name).starts_with(NODE_PREFIX) && matches!(Subject::find_user(names, text(name)), Some(Subject::User(_)))
    };
    let node = |name: Name| {
        let all = names.find(NODES).map(Subject::Group);
        all.into_iter().chain(attack.user_of_node(name)).map(Who::One)
    };
    match (done.within, done.site.object) {
        (0, None) => (0, vec![Who::Users]),
        (0, Some(name)) => (0, Some(Who::One(Subject::User(name))).filter(|_| is_user(name)).into_iter().collect()),
        (1, _) if done.site.other.is_some_and(|name| !is_user(name)) => (0, Vec::new()),
        (1, None) => (0, vec![Who::Groups]),
        (1, Some(name)) if text(name) == MASTERS || !is_told_apart(attack, name) => (0, Vec::new()),
        (1, Some(name)) => (0, vec![Who::One(Subject::Group(name))]),
        (2, None) => (1, vec![Who::Accounts(done.site.place)]),
        (2, name) => (1, attack.accounts_in(done.site.place, name).into_iter().map(Who::One).collect()),
        (3, Some(name)) => (2, node(name).collect()),
        (3, None) => (2, attack.nodes().iter().copied().flat_map(node).chain(names.find(NODES).map(Subject::Group).map(Who::One)).collect()),
        // The name that is looked at here is always `*`, and the node is the one that the sender's token is bound to.
        (_, None | Some(Name::STAR)) => {
            let Subject::ServiceAccount { namespace, name } = by else { return (3, Vec::new()) };
            let pods = attack.pods_in(namespace).into_iter().map(|at| attack.pod(at));
            let nodes = pods.filter(|pod| pod.service_account == Some(name)).filter_map(|pod| pod.node);
            (3, nodes.flat_map(node).collect())
        }
        _ => (3, Vec::new()),
    }
}

/// The second halves that an identity holds, itself or by its groups: where, and by which grant.
fn on_halves(attack: &mut Attack<'_>, by: Subject) -> Vec<(Allowed, Place, Subject, BindingIx)> {
    let graph = attack.graph;
    let mut found = Vec::new();
    for subject in [by].into_iter().chain(attack.groups(by).to_vec()) {
        let Some(id) = graph.snapshot().subjects.find(subject) else { continue };
        for &binding in graph.bindings_of(id) {
            let Some(role) = graph.role_of(binding) else { continue };
            if attack.counts(binding) && graph.scope_of(binding).cluster == attack.cluster {
                let place = place_of(graph.binding(binding).namespace);
                let on = on_halves_of(attack, graph.role(role).rules);
                found.extend(on.iter().map(|&half| (half, place, subject, binding)));
            }
        }
    }
    found
}

/// The second halves that a rule set holds.
fn on_halves_of(attack: &mut Attack<'_>, set: RuleSetId) -> Rc<[Allowed]> {
    if let Some(known) = attack.poses.on.get(&set) {
        return Rc::clone(known);
    }
    let mut found = Vec::new();
    let mut seen = FxHashSet::default();
    let snapshot = attack.graph.snapshot();
    let rules = if attack.rights.is_everything(set) { &[] } else { snapshot.rules.set(set) };
    let sent = sent(attack);
    for (position, &rule) in (0_u32..).zip(rules) {
        let rule = snapshot.rules.rule(rule);
        let every_name = Rule { resource_names: &[], ..rule };
        for &Sent { request, asks, right: number, .. } in sent.iter() {
            let right = attack.rights.asked(request).rights[asks];
            for &(verb, verbs_on) in VERBS.iter().filter(|(verb, _)| right.verbs.contains(verb)) {
                for (mode, verb_on) in verbs_on.into_iter().enumerate() {
                    let question = question(attack, right, verb_on);
                    if every_name.matches(&question, &snapshot.names).is_none() {
                        continue;
                    }
                    let names: Vec<Option<Name>> = match rule.resource_names {
                        [] => vec![None],
                        names if right.on == On::Nothing && names.contains(&Name::EMPTY) => vec![None],
                        _ if right.on == On::Nothing => Vec::new(),
                        names => names.iter().filter(|&&name| name != Name::EMPTY).map(|&name| Some(name)).collect(),
                    };
                    for name in names {
                        if seen.insert((mode, number, verb, name)) {
                            found.push(Allowed { mode, right: number, verb, verb_on, name, rule: position });
                        }
                    }
                }
            }
        }
    }
    let found: Rc<[Allowed]> = found.into();
    attack.poses.on.insert(set, Rc::clone(&found));
    found
}

fn question<'q>(attack: &Attack<'_>, right: Right, verb: &str) -> Question<'q> {
    let names = &attack.graph.snapshot().names;
    let any = right.resource.split_once('/').and_then(|(_, sub)| names.find(&["*/", sub].concat()));
    Question::Resource {
        verb: names.find(verb),
        api_group: names.find(right.api_group),
        resource: names.find(right.resource),
        any_with_subresource: any,
        name: Some(Name::EMPTY),
    }
}

/// Every request of the catalogue that is one request, with the right whose verb is its own. What else it needs is asked behind
/// it, of the impersonated.
fn sent(attack: &mut Attack<'_>) -> Rc<[Sent]> {
    if let Some(known) = &attack.poses.sent {
        return Rc::clone(known);
    }
    let one = |request: RequestIx| {
        let (technique, _) = attack.rights.technique(request);
        let shares = technique.id == bind_held_role::TECHNIQUE.id;
        let asks = verb_of(attack.rights.asked(request).rights).filter(|_| shares || technique.build.is_some())?;
        Some(Sent { request, asks, right: attack.rights.of(request)[asks], shares })
    };
    let sent: Rc<[Sent]> = attack.rights.requests().filter_map(one).collect();
    attack.poses.sent = Some(Rc::clone(&sent));
    sent
}

/// The right whose verb is that of the request itself; none for several requests, or for what is no request.
fn verb_of(rights: &[Right]) -> Option<usize> {
    let of_requests = |verb: &&&str| VERBS.iter().any(|(own, _)| own == *verb);
    let is_sent = |right: &Right| {
        right.verbs.iter().filter(of_requests).count() == right.verbs.len() && right.resource != NODE_CLIENT && !right.in_cluster
    };
    let sent: Vec<usize> = (0..rights.len()).filter(|&at| is_sent(&rights[at])).collect();
    match sent[..] {
        [one] => Some(one),
        // A write that makes what is not there.
        [made, written] if rights[made].resource == rights[written].resource && rights[made].verbs == ["create"] => {
            Some(written)
        }
        _ => None,
    }
}

/// No path of the API: only the control plane asks for it.
const NODE_CLIENT: &str = "certificatesigningrequests/nodeclient";

/// The ways in which those who may be impersonated make requests of a right, each request and site once.
fn ways(attack: &mut Attack<'_>, who: Who, right: u8) -> Rc<Ways> {
    if let Some(known) = attack.poses.ways.get(&(who, right)) {
        return Rc::clone(known);
    }
    let subjects = match who {
        Who::One(subject) => vec![subject],
        Who::Users => {
            let users = attack.granted(|subject| matches!(subject, Subject::User(_)));
            let plain = |user: &Subject| !attack.graph.text(user.name()).starts_with(NODE_PREFIX);
            users.into_iter().filter(plain).collect()
        }
        Who::Groups => {
            let groups = attack.granted(|subject| matches!(subject, Subject::Group(_)));
            groups.into_iter().filter(|group| is_told_apart(attack, group.name())).collect()
        }
        Who::Accounts(place) => attack.accounts_in(place, None),
    };
    let sent: Vec<Sent> = sent(attack).iter().filter(|sent| sent.right == right).copied().collect();
    // Whoever holds everything is not listed with each right of it.
    let asked: BTreeSet<u8> = sent.iter().flat_map(|sent| attack.rights.of(sent.request)).copied().collect();
    let mut found = Ways::new();
    let mut seen: FxHashSet<(RequestIx, Site, Vec<Name>)> = FxHashSet::default();
    for by in subjects {
        let (mut own, groups) = attack.held_by(by);
        // What an account has by its groups it has as well.
        own.extend(groups.into_iter().flatten());
        for &right in &asked {
            own.extend(attack.rights.of_everything(right, &own));
        }
        own.sort_unstable();
        for &sent in &sent {
            for way in attack.rights.ways(sent.request, &own, &[], &[]) {
                let verbs = attack.verbs_of(way.held[sent.asks]);
                if sent.shares || seen.insert((sent.request, way.site, verbs)) {
                    found.entry(way.site.place).or_default().push(Made { by, sent, way });
                }
            }
        }
    }
    let found = Rc::new(found);
    attack.poses.ways.insert((who, right), Rc::clone(&found));
    found
}

/// What of these ways the second half allows, each with the site at which it does.
fn targets(attack: &Attack<'_>, pose: &Pose, ways: &Ways) -> Vec<(Made, Site)> {
    let names = &attack.graph.snapshot().names;
    let inside: Vec<Place> = match pose.place {
        Place::Namespace(_) => vec![Place::EachNamespace, pose.place],
        _ => ways.keys().copied().collect(),
    };
    let made = inside.into_iter().filter_map(|place| ways.get(&place)).flatten();
    let narrowed = |made: &Made| {
        let verbs = attack.verbs_of(made.way.held[made.sent.asks]);
        if !verbs.iter().any(|&verb| verb == Name::STAR || names.text(verb) == pose.verb) {
            return None;
        }
        let mut site = made.way.site;
        if let Place::Namespace(_) = pose.place {
            site.place = pose.place;
        }
        let name = match attack.rights.asked(made.sent.request).rights[made.sent.asks].on {
            On::Nothing => return pose.name.is_none().then(|| (made.clone(), site)),
            On::Object => &mut site.object,
            On::Other => &mut site.other,
        };
        match (*name, pose.name) {
            (Some(own), Some(other)) if own != other => return None,
            (own, other) => *name = own.or(other),
        }
        Some((made.clone(), site))
    };
    made.filter_map(narrowed).collect()
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let asks = |verbs: &[&str], resource: &str| step.asks(verbs, AUTHENTICATION, resource);
    let text = |name: Name| state.graph.text(name);
    let [request] = &step.requests[..] else { return Err("more than one request carries the name".to_owned()) };
    let on = request.rights.last().filter(|right| right.verb.starts_with("impersonate-on:"));
    let mode = on.and_then(|right| right.verb.split(':').nth(1)).ok_or("no request is named")?;
    let Effect::ActAs(subject) = step.effect else { return Err("nobody is impersonated".to_owned()) };
    let is = |name: Option<Name>| name.is_none_or(|name| name == subject.name());
    let of_node = |name: Option<Name>| match subject {
        Subject::User(user) => {
            let node = text(user).strip_prefix(NODE_PREFIX);
            node.is_some_and(|node| name.is_none_or(|name| text(name) == node))
        }
        Subject::Group(group) => text(group) == NODES,
        Subject::ServiceAccount { .. } => false,
    };
    let fits = match (mode, subject) {
        ("user-info", Subject::User(user)) => {
            asks(USER_INFO, "users").is_some_and(|right| is(right.name)) && !text(user).starts_with(NODE_PREFIX)
        }
        ("user-info", Subject::Group(group)) => {
            asks(USER_INFO, "users").is_some()
                && asks(USER_INFO, "groups").is_some_and(|right| is(right.name))
                && text(group) != MASTERS
        }
        ("serviceaccount", Subject::ServiceAccount { namespace, .. }) => asks(ACCOUNT, "serviceaccounts")
            .is_some_and(|right| is(right.name) && matches!(right.place, Place::Namespace(at) if at == namespace)),
        ("arbitrary-node", _) => asks(ARBITRARY_NODE, "nodes").is_some_and(|right| of_node(right.name)),
        ("associated-node", _) => {
            let pods = &state.graph.snapshot().pods;
            let near = pods.iter().any(|pod| {
                let own = pod.service_account.map(|name| Subject::ServiceAccount { namespace: pod.namespace, name });
                own.is_some() && own == request.by && pod.node.is_some_and(|node| of_node(Some(node)))
            });
            near && asks(ASSOCIATED_NODE, "nodes").is_some_and(|right| right.name.is_none_or(|name| name == Name::STAR))
        }
        _ => false,
    };
    if fits { Ok(()) } else { Err("somebody else is impersonated".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::super::world::{check, check_at, check_blocked_at};

    /// Bob may make tokens of an account that holds everything, and alice may act as bob for some requests.
    const BOB: &str = "role big: * *.*
             role t: create serviceaccounts/token
             bind big sa:dev/bot
             bind dev/t=t user:bob
             bind i user:alice
             ";
    const PATH: &str = "bob -> cluster-admin: token-request, wildcard-admin
             alice -> cluster-admin: constrained-impersonation, token-request, wildcard-admin";
    const ONLY_BOB: &str = "bob -> cluster-admin: token-request, wildcard-admin";

    fn world(rules: &str) -> String {
        format!("{BOB}role i: {rules}")
    }

    #[test]
    fn a_request_is_made_in_the_name_of_somebody_who_may_make_it() {
        for who in ["", " bob"] {
            for on in ["", " bot"] {
                check(
                    &world(&format!(
                        "impersonate:user-info users.authentication.k8s.io{who}; impersonate-on:user-info:create serviceaccounts/token{on}"
                    )),
                    PATH,
                );
            }
        }
        check(&world("* *.authentication.k8s.io; impersonate-on:user-info:create */token"), PATH);
    }

    #[test]
    fn the_second_half_may_come_from_a_role_binding_and_the_first_may_not() {
        let halves = "role w: impersonate:user-info users.authentication.k8s.io
             role o: impersonate-on:user-info:create serviceaccounts/token
             role i:
             ";
        check(&format!("{BOB}{halves}bind w user:alice\nbind dev/o=o user:alice"), PATH);
        check(&format!("{BOB}{halves}bind dev/w=w user:alice\nbind o user:alice"), ONLY_BOB);
        check(&format!("{BOB}{halves}bind w user:alice\nbind prod/o=o user:alice"), ONLY_BOB);
    }

    #[test]
    fn one_half_is_worth_nothing_and_two_of_two_identities_neither() {
        for rules in [
            "impersonate:user-info users.authentication.k8s.io",
            "impersonate-on:user-info:create serviceaccounts/token",
            "impersonate:user-info users; impersonate-on:user-info:create serviceaccounts/token",
            "impersonate:user-info users.authentication.k8s.io carol; impersonate-on:user-info:create serviceaccounts/token",
            "impersonate:user-info users.authentication.k8s.io; impersonate-on:user-info:create serviceaccounts/token other",
            "impersonate:user-info users.authentication.k8s.io; impersonate-on:user-info:get,impersonate-on:user-info:* serviceaccounts/token",
            "impersonate:user-info users.authentication.k8s.io; impersonate-on:serviceaccount:create serviceaccounts/token",
            "impersonate:user-info users.authentication.k8s.io; impersonate-on:user-info:create serviceaccounts",
            "impersonate:*,impersonate users.authentication.k8s.io; impersonate-on:user-info:create serviceaccounts/token",
        ] {
            check(&world(rules), ONLY_BOB);
        }
        check(
            &format!(
                "{BOB}role i: impersonate:user-info users.authentication.k8s.io; create serviceaccounts/token other
                 role o: impersonate-on:user-info:create serviceaccounts/token
                 bind o sa:dev/other"
            ),
            ONLY_BOB,
        );
    }

    #[test]
    fn the_server_has_to_know_it() {
        let world = world("impersonate:user-info users.authentication.k8s.io; impersonate-on:user-info:create serviceaccounts/token");
        check_at((1, 35), &world, ONLY_BOB);
        check_blocked_at((1, 35), &world, "alice -> cluster-admin: constrained-impersonation, token-request, wildcard-admin");
        check_at((1, 36), &world, PATH);
    }

    #[test]
    fn what_the_other_one_may_not_do_is_not_gained() {
        check(
            "role big: * *.*
             role r: get,list secrets
             bind big sa:dev/bot
             bind kube-system/r=r user:bob
             role i: impersonate:user-info users.authentication.k8s.io; impersonate-on:user-info:create serviceaccounts/token
             bind i user:alice",
            "",
        );
        check(
            "role r: get,list secrets
             bind kube-system/r=r user:bob
             role i: impersonate:user-info users.authentication.k8s.io; impersonate-on:user-info:list secrets
             bind i user:alice",
            "alice -> secrets of kube-system: constrained-impersonation, secret-read",
        );
    }

    #[test]
    fn what_is_asked_behind_the_request_is_asked_of_the_other_one() {
        let world = |verb: &str| {
            format!(
                "role big: * *.*
                 role b: bind clusterroles.rbac; create clusterrolebindings.rbac
                 bind b user:bob
                 role i: impersonate:user-info users.authentication.k8s.io; impersonate-on:user-info:{verb}.rbac
                 bind i user:alice"
            )
        };
        let bob = "bob -> cluster-admin: bind-role";
        check(
            &world("create clusterrolebindings"),
            &format!("{bob}\nalice -> cluster-admin: constrained-impersonation, bind-role"),
        );
        check(&world("bind clusterroles"), bob);
    }

    #[test]
    fn whoever_holds_everything_may_make_each_request() {
        let world = |on: &str| {
            format!(
                "role big: * *.*
                 bind big user:bob sa:dev/bot
                 role i: impersonate:user-info users.authentication.k8s.io bob; impersonate-on:user-info:{on}
                 bind i user:alice"
            )
        };
        for (on, expected) in [
            ("create clusterrolebindings.rbac", "alice -> cluster-admin: constrained-impersonation, bind-role"),
            ("update clusterroles.rbac", "alice -> cluster-admin: constrained-impersonation, escalate-role"),
            (
                "create serviceaccounts/token",
                "alice -> cluster-admin: constrained-impersonation, token-request, wildcard-admin",
            ),
            ("list secrets", "alice -> secrets of every namespace: constrained-impersonation, secret-read"),
            ("bind clusterroles.rbac", ""),
            ("get pods", ""),
        ] {
            check(&world(on), expected);
        }
    }

    #[test]
    fn whoever_holds_everything_in_a_namespace_may_make_each_request_there() {
        let world = |on: &str| {
            format!(
                "role big: * *.*
                 bind kube-system/big=big user:bob
                 role i: impersonate:user-info users.authentication.k8s.io bob; impersonate-on:user-info:{on}
                 bind i user:alice"
            )
        };
        let bob = "bob -> any node: wildcard-admin, pod-create, relax-pod-security, privileged-pod";
        check(
            &world("list secrets"),
            &format!("alice -> secrets of kube-system: constrained-impersonation, secret-read\n{bob}"),
        );
        check(
            &world("create rolebindings.rbac"),
            &format!(
                "alice -> admin of kube-system: constrained-impersonation, bind-role, namespace-admin
                 {bob}
                 alice -> any node: constrained-impersonation, bind-role, pod-create, relax-pod-security, privileged-pod"
            ),
        );
        check(&world("create clusterrolebindings.rbac"), bob);
    }

    #[test]
    fn accounts_and_groups_that_hold_everything_may_make_each_request() {
        check(
            "role big: * *.*
             bind big sa:dev/bot
             role w: impersonate:serviceaccount serviceaccounts.authentication.k8s.io bot
             role o: impersonate-on:serviceaccount:create clusterrolebindings.rbac
             bind dev/w=w user:alice
             bind o user:alice",
            "alice -> cluster-admin: constrained-impersonation, bind-role",
        );
        check(
            "role big: * *.*
             bind big group:ops
             role i: impersonate:user-info users.authentication.k8s.io nobody; impersonate:user-info groups.authentication.k8s.io ops; impersonate-on:user-info:list secrets
             bind i user:alice",
            "alice -> secrets of every namespace: constrained-impersonation, secret-read",
        );
    }

    #[test]
    fn what_is_done_as_whoever_holds_everything_is_a_half() {
        check(
            "role big: * *.*
             bind big user:bob
             role i: impersonate:user-info users.authentication.k8s.io bob; impersonate-on:user-info:patch apiservices.apiregistration.k8s.io
             role s: create services
             bind i user:alice
             bind dev/s=s user:alice",
            "alice -> cluster-admin: constrained-impersonation, apiservice-write",
        );
    }

    #[test]
    fn a_role_of_the_other_one_is_bound_to_the_sender() {
        let world = |rules: &str| {
            format!(
                "bind dev/a=admin user:bob
                 bind other/a=edit user:bob
                 role w: impersonate:user-info users.authentication.k8s.io
                 bind w user:alice
                 role on: {rules}
                 bind dev/on=on user:alice
                 bind other/on=on user:alice"
            )
        };
        check(
            &world("impersonate-on:user-info:create rolebindings.rbac"),
            "alice -> admin of dev: constrained-impersonation, bind-held-role, namespace-admin",
        );
        check(&world("impersonate-on:user-info:create roles.rbac"), "");
        check(&world("impersonate-on:user-info:update rolebindings"), "");
        // A write makes what is not there; whether it may be made is asked of the other one.
        for name in ["a", "c"] {
            check(
                &world(&format!("impersonate-on:user-info:patch rolebindings.rbac {name}")),
                "alice -> admin of dev: constrained-impersonation, bind-held-role, namespace-admin",
            );
        }
    }

    #[test]
    fn whose_role_is_rewritten_is_under_it() {
        let world = |who: &str| {
            format!(
                "role r: escalate,update roles.rbac
                 bind dev/r=r user:bob
                 role w: impersonate:user-info users.authentication.k8s.io
                 bind w user:alice
                 role dev/own: impersonate-on:user-info:update roles.rbac
                 bind dev/o=dev/own user:alice
                 role prod/far: get pods
                 bind prod/f=prod/far {who}"
            )
        };
        check(
            &world("user:alice"),
            "alice -> admin of dev: constrained-impersonation, escalate-role, namespace-admin
                 alice -> any node: constrained-impersonation, escalate-role, pod-create, relax-pod-security, privileged-pod",
        );
        check(
            "role r: escalate,update roles.rbac
             role dev/theirs: get pods
             bind dev/r=r user:bob
             bind dev/t=dev/theirs user:bob
             role i: impersonate:user-info users.authentication.k8s.io; impersonate-on:user-info:update roles.rbac
             bind i user:alice",
            "bob -> admin of dev: escalate-role, namespace-admin
             bob -> any node: escalate-role, pod-create, relax-pod-security, privileged-pod",
        );
    }

    #[test]
    fn groups_accounts_and_nodes_have_modes_of_their_own() {
        let group = "role s: get secrets
             bind kube-system/s=s group:dev
             bind i user:alice
             role i: impersonate:user-info groups.authentication.k8s.io dev; impersonate-on:user-info:get secrets";
        check(group, "");
        check(
            &format!("{group}; impersonate:user-info users.authentication.k8s.io nobody"),
            "alice -> secrets of kube-system: constrained-impersonation, secret-read",
        );
        let account = "role s: get secrets
             bind kube-system/s=s sa:dev/bot
             role w: impersonate:serviceaccount serviceaccounts.authentication.k8s.io bot
             role o: impersonate-on:serviceaccount:get secrets
             bind kube-system/o=o user:alice
             ";
        check(
            &format!("{account}bind dev/w=w user:alice"),
            "alice -> secrets of kube-system: constrained-impersonation, secret-read",
        );
        check(&format!("{account}bind prod/w=w user:alice"), "");
        let node = "role s: get secrets
             bind kube-system/s=s group:system:nodes
             pod dev/one bot n1
             ";
        check(
            &format!("{node}bind i user:alice\nrole i: impersonate:arbitrary-node nodes.authentication.k8s.io n1; impersonate-on:arbitrary-node:get secrets"),
            "alice -> secrets of kube-system: constrained-impersonation, secret-read",
        );
        let near = "role i: impersonate:associated-node nodes.authentication.k8s.io; impersonate-on:associated-node:get secrets";
        check(
            &format!("{node}bind i user:alice sa:dev/bot\n{near}"),
            "system:serviceaccount:dev:bot -> secrets of kube-system: constrained-impersonation, secret-read",
        );
        check(&format!("{node}bind i sa:dev/other\n{near} n1"), "");
    }

    #[test]
    fn what_a_group_is_granted_is_asked_of_each_of_its_members() {
        let near = "role i: impersonate:associated-node nodes.authentication.k8s.io; impersonate-on:associated-node:get secrets
             role s: get secrets
             bind kube-system/s=s group:system:nodes
             role x: create pods/exec
             bind dev/x=x user:alice
             bind i ";
        let path = "alice -> secrets of kube-system: pod-exec, pod-serviceaccount, constrained-impersonation, secret-read";
        for group in ["system:authenticated", "system:serviceaccounts", "system:serviceaccounts:dev"] {
            check(&format!("{near}group:{group}\npod dev/one bot n1"), path);
        }
        check(&format!("{near}group:system:serviceaccounts:prod\npod dev/one bot n1"), "");
        check(&format!("{near}group:system:authenticated\npod prod/one bot n1"), "");

        let halves = "role w: impersonate:user-info users.authentication.k8s.io
             role o: impersonate-on:user-info:create serviceaccounts/token
             bind w group:system:authenticated
             ";
        check(&format!("{BOB}{halves}bind o user:alice"), PATH);
        check(&format!("{BOB}{halves}bind dev/o=o user:alice"), PATH);
        check(&format!("{BOB}{halves}bind prod/o=o user:alice"), ONLY_BOB);
        check(&format!("{BOB}{}bind o user:alice", halves.replace("system:authenticated", "dev")), ONLY_BOB);
    }

    #[test]
    fn whoever_is_impersonated_impersonates_nobody() {
        check(
            &format!(
                "{BOB}role i: impersonate users carol
                 role j: impersonate:user-info users.authentication.k8s.io; impersonate-on:user-info:create serviceaccounts/token
                 bind j user:carol"
            ),
            "bob -> cluster-admin: token-request, wildcard-admin
             carol -> cluster-admin: constrained-impersonation, token-request, wildcard-admin",
        );
    }
}
