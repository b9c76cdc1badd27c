//! A finding is done again, step by step, against the facts: by the authorizer's own decision and the check before a role or a
//! binding is written, on a list of what the attacker has so far. Nothing of the attack graph is used here.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use super::attack::{Effect, Place, PodIx, RoleKey, SecretIx, place_in};
use super::azure::{AzureGain, AzureStep, AzureTarget, Bridge, Power, Sure, Who};
use super::finding::{Evidence, Finding, RequestDone, RightDone, Start, StepDone, Target};
use super::solve::Ask;
use crate::graph::azure::{AzureDecision, AzureGraph, AzurePlace, ClusterIx, DenyIx, ScopeIx};
use crate::graph::{AccessGraph, BindingIx, RoleIx};
use crate::model::azure::{AzureCluster, ClusterKind, KeyVault, Plane, guard_prefix};
use crate::model::{
    AUTHENTICATED, Action, AsoKind, AsoResource, CLUSTER_ADMIN, ClusterId, Identity, KindIx, MASTERS, Name,
    ResourceAction, RoleKind, Rule, Subject, SubjectText, uncovered,
};
use crate::query::{Authorizers, Verdict, decide};

const RBAC: &str = "rbac.authorization.k8s.io";

/// Does the steps of a finding as one of those who start.
///
/// # Errors
/// The first thing that would be refused, in words.
pub fn replay(graph: &AccessGraph, cluster: ClusterId, from: Start, finding: &Finding) -> Result<(), String> {
    let state = replayed(graph, cluster, from, finding)?;
    if state.has(finding.target) { Ok(()) } else { Err(format!("{:?} is not reached", finding.target)) }
}

/// For each step of a finding the steps before it without which it would be refused, as one of those who start does them; but not
/// those without which one of these would be refused already. None where not all of the steps can be done. O(steps squared).
pub(super) fn needs(
    graph: &AccessGraph,
    cluster: ClusterId,
    from: Start,
    finding: &Finding,
) -> Option<Vec<Vec<usize>>> {
    replayed(graph, cluster, from, finding).ok()?;
    let mut needs: Vec<Vec<usize>> = vec![Vec::new(); finding.steps.len()];
    for left_out in 0..finding.steps.len() {
        let mut state = begun(graph, cluster, from);
        for (at, step) in finding.steps.iter().enumerate().filter(|(at, _)| *at != left_out) {
            if state.step(step).is_err() {
                needs[at].push(left_out);
            }
        }
    }
    let all = needs.clone();
    let behind = |of: usize, earlier: &usize| all[of].iter().any(|between| all[*between].contains(earlier));
    for (at, own) in needs.iter_mut().enumerate() {
        own.retain(|earlier| !behind(at, earlier));
    }
    Some(needs)
}

/// Who may delete something after the steps of a finding, and what grants it; none where nobody may, or the steps cannot be done.
pub(super) fn deletes(
    graph: &AccessGraph,
    cluster: ClusterId,
    from: Start,
    finding: &Finding,
    what: (&str, Name, Place),
) -> Option<(Option<Subject>, Evidence)> {
    replayed(graph, cluster, from, finding).ok()?.deleter(what)
}

/// What an attacker has after all steps.
fn replayed<'g>(
    graph: &'g AccessGraph,
    cluster: ClusterId,
    from: Start,
    finding: &Finding,
) -> Result<State<'g>, String> {
    let mut state = begun(graph, cluster, from);
    for (at, step) in finding.steps.iter().enumerate() {
        state.step(step).map_err(|refusal| format!("step {}, {}: {refusal}", at + 1, step.technique.id))?;
    }
    Ok(state)
}

/// What an attacker has before the first step.
fn begun(graph: &AccessGraph, cluster: ClusterId, from: Start) -> State<'_> {
    let identities = match from {
        Start::Subject(subject) => vec![identity(graph, subject)],
        Start::Pod(_) | Start::Pods(_) | Start::Azure(_) => Vec::new(),
    };
    let mut state = State {
        graph,
        cluster,
        credentials: identities.clone(),
        posing: Vec::new(),
        guests: Vec::new(),
        identities,
        bound: Vec::new(),
        named: Vec::new(),
        impersonated: Vec::new(),
        rewritten: BTreeSet::new(),
        roles: BTreeSet::new(),
        accounts: BTreeSet::new(),
        gained: Vec::new(),
        bridge: OnceCell::new(),
    };
    match from {
        Start::Subject(subject) => {
            let mut own = None;
            let found = |bridge: &Bridge<'_>| {
                own = bridge.entra(subject);
                Ok(())
            };
            // Without anything of Azure there is none.
            let _ = state.with_bridge(found);
            state.gained.extend(own.map(|who| Effect::Azure(AzureStep::new(AzureGain::Token(who)))));
        }
        Start::Pod(pod) => state.gained.push(Effect::Pod(pod)),
        Start::Azure(who) => state.gained.push(Effect::Azure(AzureStep::new(AzureGain::Token(who)))),
        Start::Pods(namespace) => {
            let pods = (0_u32..).zip(&graph.snapshot().pods);
            let here = pods.filter(|(_, pod)| pod.cluster == cluster && pod.namespace == namespace);
            state.gained.extend(here.map(|(at, _)| Effect::Pod(PodIx(at))));
        }
    }
    state
}

/// The same for a finding that leads to a request, which has to be allowed then.
///
/// # Errors
/// The first thing that would be refused, in words.
pub fn replay_access(
    graph: &AccessGraph,
    cluster: ClusterId,
    from: Start,
    finding: &Finding,
    action: &Action,
) -> Result<(), String> {
    let state = replayed(graph, cluster, from, finding)?;
    let (verb, group, resource, name, place) = match action {
        Action::Resource(action) => {
            let name = (!action.name.is_empty()).then(|| graph.snapshot().names.find(&action.name)).flatten();
            let place = graph.snapshot().names.find(&action.namespace).filter(|namespace| *namespace != Name::EMPTY);
            (&action.verb, action.api_group.as_str(), action.full_resource(), name, place)
        }
        Action::NonResource { .. } => return Err("paths are not replayed".to_owned()),
    };
    let place = place.map_or(Place::Cluster, Place::Namespace);
    let can = |who: &Identity| state.can(who, verb, group, &resource, name, place);
    if state.identities.iter().any(can) { Ok(()) } else { Err(format!("{verb} {resource} is still refused")) }
}

/// What an attacker has.
pub(super) struct State<'g> {
    pub(super) graph: &'g AccessGraph,
    pub(super) cluster: ClusterId,
    identities: Vec<Identity>,
    /// Those of them that are more than impersonated: only they can impersonate others.
    credentials: Vec<Identity>,
    /// Identities that are had for one kind of request only: which one, as the right to impersonate says it.
    posing: Vec<(Identity, RightDone)>,
    /// Those of them in whose names the step that is looked at is done.
    guests: Vec<Identity>,
    /// Bindings made: each is for all identities, since nobody looks at the subjects of a binding.
    bound: Vec<(RoleKey, Place)>,
    /// Those of them that have a name which no other may have: where, and the name.
    named: Vec<(RoleKey, Place, Name)>,
    /// Who is impersonated, and by which requests: they are sent again each time.
    impersonated: Vec<(Identity, Vec<RequestDone>)>,
    /// Roles that hold whatever the attacker writes.
    rewritten: BTreeSet<RoleKey>,
    /// Roles that were made.
    roles: BTreeSet<RoleKey>,
    /// Accounts that were made.
    accounts: BTreeSet<Subject>,
    /// What else was gained, in this order: pods, nodes, Secrets, what there is in Azure.
    gained: Vec<Effect>,
    /// What is looked things up in, made when it is needed first.
    bridge: OnceCell<Option<Bridge<'g>>>,
}

fn identity(graph: &AccessGraph, subject: Subject) -> Identity {
    let text = subject.request_name(&graph.snapshot().names);
    Identity::of(&match subject {
        Subject::Group(_) => SubjectText::Group(text),
        _ => SubjectText::User(text),
    })
}

/// Whoever a request names that carries a name or none that matters, and groups: in those and in no others of the name's own.
fn put_together<'s>(graph: &AccessGraph, parts: impl Iterator<Item = &'s Subject>) -> Identity {
    let mut whole = Identity { user: String::new(), groups: vec![AUTHENTICATED.to_owned()] };
    for part in parts {
        let text = part.request_name(&graph.snapshot().names);
        match part {
            Subject::Group(_) => whole.groups.push(text),
            Subject::User(_) | Subject::ServiceAccount { .. } => whole.user = text,
        }
    }
    whole
}

impl<'g> State<'g> {
    fn step(&mut self, step: &StepDone) -> Result<(), String> {
        self.make_room(step)?;
        for request in step.requests.iter().filter(|request| !is_deletion(request)) {
            self.ask(request)?;
        }
        let names = step.requests.iter().filter_map(|request| request.by).map(|by| identity(self.graph, by));
        self.guests = names.filter(|named| self.posing.iter().any(|(own, _)| own == named)).collect();
        if let Some(proof) = step.technique.proof {
            proof(self, step)?;
        }
        let asks = |verb: &str, resource: &str| {
            let rights =
                |request: &RequestDone| request.rights.iter().any(|r| r.verb == verb && r.resource == resource);
            step.requests.iter().any(rights)
        };
        match step.effect {
            Effect::Bind { role, place, binding } => {
                if !self.exists(role) && asks("create", roles(role)) {
                    self.make(role)?;
                }
                let writer = |who: &Identity| {
                    self.may_bind(who, role, place)
                        && self.may_write_binding(who, place, role, binding.ok_or(name_of(step)))
                };
                if !self.writers().any(writer) {
                    return Err(format!("nobody may bind {} at {place:?}", self.text(role)));
                }
                self.bound.push((role, place));
                self.named.extend(name_of(step).filter(|_| binding.is_none()).map(|name| (role, place, name)));
            }
            Effect::Write { role, place } => {
                if !self.exists(role) {
                    let object = self.scope_of(role);
                    let born = |who: &Identity| {
                        let can = |verb: &str, name: Option<Name>| self.can(who, verb, RBAC, roles(role), name, object);
                        (can("escalate", None) && can("create", None))
                            || (can("escalate", Some(role.name))
                                && can("create", Some(role.name))
                                && (can("update", Some(role.name)) || can("patch", Some(role.name))))
                    };
                    if !self.writers().any(born) {
                        self.make(role)?;
                    }
                }
                // What was written once holds everything already.
                if self.exists(role) && !self.rewritten.contains(&role) {
                    self.escalates(role)?;
                }
                self.is_under(role, place)?;
                self.rewritten.insert(role);
                self.roles.insert(role);
            }
            Effect::Feed { role, place } => {
                self.feeds(step, role)?;
                self.is_under(role, place)?;
                self.rewritten.insert(role);
            }
            Effect::Create(account) => {
                self.accounts.insert(account);
            }
            Effect::ActAs(subject) if step.technique.proof.is_some() => self.act_as(step, subject),
            Effect::ActAs(account) => {
                let gets_a_token = || asks("create", "serviceaccounts/token") && self.is_account(account);
                if !asks("impersonate", "serviceaccounts") && !gets_a_token() {
                    return Err("there is no such account".to_owned());
                }
                self.act_as(step, account);
            }
            Effect::Everything(_) if step.technique.proof.is_some() => self.gained.push(step.effect),
            Effect::Everything(place) => {
                self.holds(&[("*", "*", "*")], place)?;
                // With a binding there everybody else of ours has it as well.
                self.gained.push(step.effect);
            }
            Effect::NamespaceAdmin(place) => self.administers(place)?,
            effect @ (Effect::Secrets(_)
            | Effect::Secret(_)
            | Effect::Pod(_)
            | Effect::Container(_)
            | Effect::NewPod(_)
            | Effect::Relax(_)
            | Effect::Unguard
            | Effect::Node(_)
            | Effect::Kubeconfig(_)
            | Effect::Azure(_))
                if step.technique.proof.is_some() =>
            {
                self.gained.push(effect);
                if let Effect::Azure(own) = effect {
                    if let AzureGain::Account(account) = own.gain {
                        self.act_as(step, account);
                    }
                    self.gained.extend(match own.gain {
                        AzureGain::ThisCluster => Some(Effect::Everything(Place::Cluster)),
                        AzureGain::TheseNodes => Some(Effect::Node(None)),
                        AzureGain::Secrets(place) => Some(Effect::Secrets(place)),
                        AzureGain::NewPod(place) => Some(Effect::NewPod(place)),
                        AzureGain::Labels(place) => Some(Effect::Relax(place)),
                        _ => None,
                    });
                }
            }
            Effect::Secret(_)
            | Effect::Pod(_)
            | Effect::Container(_)
            | Effect::NewPod(_)
            | Effect::Relax(_)
            | Effect::Unguard
            | Effect::Node(_)
            | Effect::Kubeconfig(_)
            | Effect::Secrets(_)
            | Effect::Azure(_)
            | Effect::Any => return Err("nothing says why this follows".to_owned()),
        }
        Ok(())
    }

    /// Deletes the binding whose name a step gives to one of another role, by the request of the step that says so. A role
    /// reference never changes.
    fn make_room(&mut self, step: &StepDone) -> Result<(), String> {
        let Effect::Bind { role, place, binding: None } = step.effect else {
            return if step.requests.iter().any(is_deletion) {
                Err("nothing is to be deleted".to_owned())
            } else {
                Ok(())
            };
        };
        for request in step.requests.iter().filter(|request| is_deletion(request)) {
            self.ask(request)?;
        }
        let same = |own: Place| reaches(own, place) || reaches(place, own);
        let inside = |own: Place| (own == Place::Cluster) == (place == Place::Cluster);
        let taken = |&(other, own, name): &(RoleKey, Place, Name)| {
            Some(name) == name_of(step) && other != role && inside(own) && same(own)
        };
        while let Some(at) = self.named.iter().position(taken) {
            let (other, own, name) = self.named[at];
            let deletes = |right: &RightDone| right.name == Some(name) && right.place == own;
            if !step.requests.iter().any(|request| is_deletion(request) && request.rights.iter().all(deletes)) {
                return Err(format!("a binding of the name {} is there already", self.graph.text(name)));
            }
            self.named.remove(at);
            if let Some(at) = self.bound.iter().position(|&bound| bound == (other, own)) {
                self.bound.remove(at);
            }
            self.send_again();
        }
        Ok(())
    }

    /// Forgets whom nobody may impersonate any more.
    fn send_again(&mut self) {
        // These say for one request only whose name it carries.
        self.posing.clear();
        for (identity, requests) in std::mem::take(&mut self.impersonated) {
            if requests.iter().all(|request| self.ask(request).is_ok()) {
                self.impersonated.push((identity, requests));
            } else if let Some(at) = self.identities.iter().position(|own| *own == identity) {
                // By its credentials it may be there once more.
                self.identities.remove(at);
            }
        }
    }

    /// Who may delete something, and what grants it.
    fn deleter(&self, (resource, name, place): (&str, Name, Place)) -> Option<(Option<Subject>, Evidence)> {
        let graph = self.graph;
        let action = Action::Resource(ResourceAction {
            verb: "delete".to_owned(),
            api_group: RBAC.to_owned(),
            resource: resource.to_owned(),
            subresource: String::new(),
            namespace: self.namespace_text(place),
            name: graph.text(name).to_owned(),
            field_selector: Vec::new(),
        });
        let question = graph.question(&action);
        let rule_of = |role: RoleIx| {
            let rules = (0_u32..).zip(graph.snapshot().rules.set(graph.role(role).rules));
            let allows = |rule| graph.snapshot().rules.rule(rule).matches(&question, &graph.snapshot().names).is_some();
            rules.into_iter().find(|&(_, &rule)| allows(rule)).map(|(at, _)| at)
        };
        let granted = self.identities.iter().find_map(|own| {
            let authorizers = Authorizers { node: false, rbac: true };
            let Verdict::Rbac { binding, subject } = decide(graph, self.cluster, own, &action, authorizers) else {
                return None;
            };
            let rule = rule_of(graph.role_of(binding)?)?;
            let user = Subject::find_user(&graph.snapshot().names, &own.user);
            let by = user.filter(|&user| identity(graph, user) == *own);
            Some((by, Evidence::Grant { subject, binding, rule }))
        });
        let bound = || {
            self.bound.iter().filter(|&&(_, at)| reaches(at, place)).find_map(|&(role, at)| {
                Some((None, Evidence::Bound { role, place: at, rule: rule_of(self.role(role)?)? }))
            })
        };
        let everything = || {
            let all = |gained: &&Effect| matches!(**gained, Effect::Everything(at) if reaches(at, place));
            self.gained.iter().find(all).map(|_| (None, Evidence::Everything(place)))
        };
        granted.or_else(bound).or_else(everything)
    }

    /// Who may have sent the requests of a step.
    fn writers(&self) -> impl Iterator<Item = &Identity> {
        self.identities.iter().chain(&self.guests)
    }

    /// Adds an identity, by its credentials unless the step impersonates it.
    fn act_as(&mut self, step: &StepDone, subject: Subject) {
        let identity = match &step.with[..] {
            [] => identity(self.graph, subject),
            with => put_together(self.graph, [subject].iter().chain(with)),
        };
        let rights = step.requests.iter().flat_map(|request| &request.rights);
        let limits: Vec<RightDone> = rights.filter(|right| right.verb.starts_with(ON)).cloned().collect();
        if !limits.is_empty() {
            self.posing.extend(limits.into_iter().map(|limit| (identity.clone(), limit)));
            return;
        }
        if step.requests.iter().any(impersonates) {
            self.impersonated.push((identity.clone(), step.requests.clone()));
        } else {
            self.credentials.push(identity.clone());
        }
        self.identities.push(identity);
    }

    /// Whether code runs in a pod by an earlier step, or from the start.
    pub(super) fn runs_in(&self, pod: PodIx) -> bool {
        self.gained.contains(&Effect::Pod(pod))
    }

    /// Whether new pods can be run at a place by an earlier step.
    pub(super) fn runs_new_pods(&self, place: Place) -> bool {
        self.gained.iter().any(|gained| matches!(*gained, Effect::NewPod(at) if reaches(at, place)))
    }

    /// Whether a namespace can be made to admit any pod by an earlier step.
    pub(super) fn relaxes(&self, place: Place) -> bool {
        self.gained.iter().any(|gained| matches!(*gained, Effect::Relax(at) if reaches(at, place)))
    }

    /// Whether a node is held by an earlier step.
    pub(super) fn is_on(&self, node: Name) -> bool {
        self.gained.iter().any(|gained| *gained == Effect::Node(Some(node)) || *gained == Effect::Node(None))
    }

    /// Whether all Secrets of a place can be read, by an earlier step or by a verb that returns them.
    pub(super) fn reads_secrets(&self, place: Place) -> bool {
        let verbs = ["get", "list", "watch", "patch", "delete", "deletecollection"];
        self.gained.iter().any(|gained| matches!(*gained, Effect::Secrets(at) if reaches(at, place)))
            || verbs.iter().any(|verb| self.holds(&[(verb, "", "secrets")], place).is_ok())
    }

    /// Whether a Secret can be read, by an earlier step or by a verb that returns it.
    pub(super) fn reads(&self, at: SecretIx) -> bool {
        let secret = &self.graph.snapshot().secrets[at.0 as usize];
        let place = Place::Namespace(secret.namespace);
        let by_name = |who: &Identity| {
            let can = |verb: &&str| self.can(who, verb, "", "secrets", Some(secret.name), place);
            ["get", "list", "watch", "patch", "delete"].iter().any(can)
        };
        self.gained.contains(&Effect::Secret(at)) || self.reads_secrets(place) || self.identities.iter().any(by_name)
    }

    /// Whether a pod is there and runs.
    pub(super) fn is_running(&self, pod: PodIx) -> Result<(), String> {
        let pod = &self.graph.snapshot().pods[pod.0 as usize];
        match (pod.cluster == self.cluster, pod.finished) {
            (true, false) => Ok(()),
            (true, true) => Err("the pod has run to its end".to_owned()),
            (false, _) => Err("it runs in another cluster".to_owned()),
        }
    }

    /// Whether a right of a request is about this pod: the place is its namespace or all of them, the name its own or none.
    pub(super) fn is_about(&self, right: &RightDone, pod: PodIx) -> Result<(), String> {
        let pod = &self.graph.snapshot().pods[pod.0 as usize];
        let named = right.name.is_none_or(|name| name == pod.name);
        if named && reaches(right.place, Place::Namespace(pod.namespace)) {
            Ok(())
        } else {
            Err("the request is about another pod".to_owned())
        }
    }

    /// Whether a pod runs what it is changed into: static pods do not, and Pod Security judges the whole pod again.
    pub(super) fn takes_changes(&self, step: &StepDone, at: PodIx) -> Result<(), String> {
        self.is_running(at)?;
        let pod = &self.graph.snapshot().pods[at.0 as usize];
        let place = Place::Namespace(pod.namespace);
        let plain = pod.powers.iter().all(|power| power.as_str() == "shareProcessNamespace");
        if pod.mirror {
            return Err("the kubelet takes the pod from a file".to_owned());
        }
        let stopped = step.blockers.iter().any(|blocker| blocker.stops);
        if plain || !self.is_strict(place) || self.relaxes(place) || stopped {
            Ok(())
        } else {
            Err("Pod Security refuses the pod".to_owned())
        }
    }

    /// Whether a namespace enforces a level that privileged pods do not meet.
    pub(super) fn is_strict(&self, place: Place) -> bool {
        let Place::Namespace(namespace) = place else { return false };
        let own = self.graph.snapshot().namespaces.iter().find(|own| own.name == namespace);
        own.is_some_and(|own| {
            own.labels.iter().any(|(key, level)| {
                self.graph.text(*key) == "pod-security.kubernetes.io/enforce"
                    && ["baseline", "restricted"].contains(&self.graph.text(*level))
            })
        })
    }

    /// Whether containers of any kind can be added to a pod by an earlier step.
    pub(super) fn adds_containers(&self, pod: PodIx) -> bool {
        self.gained.contains(&Effect::Container(pod))
    }

    /// Whether something like this was gained by an earlier step.
    pub(super) fn has_gained(&self, like: impl Fn(Effect) -> bool) -> bool {
        self.gained.iter().any(|&gained| like(gained))
    }

    /// The cluster.
    pub(super) fn cluster(&self) -> ClusterId {
        self.cluster
    }

    /// Whether somebody who runs a new pod at a place has this: an account of its namespace that is there, its Secrets, the
    /// pod itself.
    pub(super) fn new_pod_gives(&self, effect: Effect, place: Place) -> Result<(), String> {
        let inside = match effect {
            Effect::ActAs(account @ Subject::ServiceAccount { namespace, .. }) => {
                if !self.is_account(account) {
                    return Err("there is no such account".to_owned());
                }
                Place::Namespace(namespace)
            }
            Effect::Secrets(at) | Effect::NewPod(at) => at,
            _ => return Err("a pod gives nothing like this".to_owned()),
        };
        if reaches(place, inside) { Ok(()) } else { Err("the pod runs in another namespace".to_owned()) }
    }

    /// Whether one of the attacker's identities has this name.
    pub(super) fn is_user(&self, user: &str) -> bool {
        self.identities.iter().any(|own| own.user == user)
    }

    /// Whether there is such an account, as far as the input says.
    pub(super) fn is_there(&self, account: Subject) -> bool {
        self.is_account(account)
    }

    /// Whether one identity, the one that is named, holds all rights of a request.
    fn ask(&self, request: &RequestDone) -> Result<(), String> {
        let named = request.by.map(|by| identity(self.graph, by));
        let ours = if impersonates(request) { &self.credentials } else { &self.identities };
        let is_ours = |named: &Identity| {
            let of_groups = |own: &Identity| named.user.is_empty() && named.groups.iter().all(|group| own.is_in(group));
            ours.iter().any(|own| own == named || of_groups(own))
        };
        let poses = |named: &Identity| self.posing.iter().any(|(own, on)| own == named && is_on(on, request));
        if let Some(named) = named.as_ref().filter(|named| !is_ours(named) && !poses(named)) {
            return Err(format!("{named:?} is not ours"));
        }
        let all = |who: &Identity| request.rights.iter().all(|right| self.can_right(who, right));
        let by_azure = |right: &RightDone| {
            let kind = KindIx::of_resource(right.api_group, right.resource).filter(|_| right.verb == "create");
            kind.is_some_and(|kind| self.azure_writes(kind, right.place))
        };
        let held = match &named {
            Some(named) => all(named),
            None => ours.iter().any(all) || request.rights.iter().all(by_azure),
        };
        if held { Ok(()) } else { Err(format!("nobody of ours may do {:?}", request.rights)) }
    }

    fn can_right(&self, who: &Identity, right: &RightDone) -> bool {
        self.can(who, right.verb, right.api_group, right.resource, right.name, right.place)
    }

    /// Whether an identity, with the bindings and roles that were made, is allowed something.
    fn can(
        &self,
        who: &Identity,
        verb: &str,
        api_group: &str,
        resource: &str,
        name: Option<Name>,
        place: Place,
    ) -> bool {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let action = Action::Resource(ResourceAction {
            verb: verb.to_owned(),
            api_group: api_group.to_owned(),
            resource: resource.to_owned(),
            subresource: subresource.to_owned(),
            namespace: self.namespace_text(place),
            name: match name {
                Some(name) => self.graph.text(name).to_owned(),
                // Any object is one that nobody lists.
                None if ["get", "update", "patch", "delete"].contains(&verb) => "\u{0}any".to_owned(),
                None => String::new(),
            },
            field_selector: Vec::new(),
        });
        let authorizers = Authorizers { node: false, rbac: true };
        let everything = |gained: &Effect| matches!(*gained, Effect::Everything(at) if reaches(at, place));
        if self.gained.iter().any(everything) || decide(self.graph, self.cluster, who, &action, authorizers).allowed() {
            return true;
        }
        let question = self.graph.question(&action);
        let allows = |role: RoleKey| {
            self.rewritten.contains(&role)
                || self.is_cluster_admin(role)
                || self.role(role).is_some_and(|at| self.graph.allows(self.graph.role(at).rules, &question))
        };
        self.bound.iter().any(|&(role, at)| reaches(at, place) && allows(role))
            || self.bindings_of(who).any(|(binding, at)| {
                reaches(at, place) && self.role_named(binding).is_some_and(|role| self.rewritten.contains(&role))
            })
    }

    /// What stands for each namespace is one that nobody names, so that only what holds everywhere counts.
    fn namespace_text(&self, place: Place) -> String {
        match place {
            Place::Cluster => String::new(),
            Place::EachNamespace => "\u{0}each".to_owned(),
            Place::Namespace(namespace) => self.graph.text(namespace).to_owned(),
        }
    }

    fn bindings_of<'s>(&'s self, who: &'s Identity) -> impl Iterator<Item = (BindingIx, Place)> + 's {
        let names = &self.graph.snapshot().names;
        let user = Subject::find_user(names, &who.user).into_iter();
        let groups = who.groups.iter().filter_map(|group| names.find(group).map(Subject::Group));
        let subjects = user.chain(groups).filter_map(|subject| self.graph.snapshot().subjects.find(subject));
        subjects
            .flat_map(|subject| self.graph.bindings_of(subject))
            .map(|&binding| (binding, self.graph.binding(binding).namespace.map_or(Place::Cluster, Place::Namespace)))
    }

    fn role_named(&self, binding: BindingIx) -> Option<RoleKey> {
        let binding = self.graph.binding(binding);
        let namespace = match binding.role.kind {
            RoleKind::ClusterRole => None,
            RoleKind::Role => Some(binding.namespace?),
            RoleKind::Other(_) => return None,
        };
        Some(RoleKey { namespace, name: binding.role.name })
    }

    fn role(&self, key: RoleKey) -> Option<RoleIx> {
        let found = self
            .graph
            .roles()
            .find(|(_, role)| role.cluster == self.cluster && role.namespace == key.namespace && role.name == key.name);
        found.map(|(at, _)| at)
    }

    fn exists(&self, role: RoleKey) -> bool {
        self.roles.contains(&role) || self.role(role).is_some() || self.is_cluster_admin(role)
    }

    /// The role that holds everything is in every cluster, and manifests leave it out.
    fn is_cluster_admin(&self, role: RoleKey) -> bool {
        role.namespace.is_none() && self.graph.text(role.name) == CLUSTER_ADMIN && self.role(role).is_none()
    }

    /// Makes a role without rules, which nobody checks.
    fn make(&mut self, role: RoleKey) -> Result<(), String> {
        let place = self.scope_of(role);
        let may = |who: &Identity| {
            let can = |verb: &str, name: Option<Name>| self.can(who, verb, RBAC, roles(role), name, place);
            let name = Some(role.name);
            can("create", None) || (can("create", name) && (can("update", name) || can("patch", name)))
        };
        if !self.writers().any(may) {
            return Err(format!("there is no {} and nobody may make it", self.text(role)));
        }
        self.roles.insert(role);
        Ok(())
    }

    /// Whether somebody may write any rules into a role that is there.
    fn escalates(&self, role: RoleKey) -> Result<(), String> {
        let place = self.scope_of(role);
        let may = |who: &Identity| {
            let can = |verb: &str| self.can(who, verb, RBAC, roles(role), Some(role.name), place);
            can("escalate") && (can("update") || can("patch"))
        };
        let any = self.writers().any(may);
        if any { Ok(()) } else { Err(format!("nobody may escalate {}", self.text(role))) }
    }

    /// Whether rules can be written into a ClusterRole that is united into this one.
    fn feeds(&mut self, step: &StepDone, role: RoleKey) -> Result<(), String> {
        let aggregated = self.role(role).and_then(|at| self.graph.role(at).aggregation.as_ref());
        if aggregated.is_none() {
            return Err(format!("{} is not aggregated", self.text(role)));
        }
        let new = |who: &Identity| {
            ["escalate", "create"].iter().all(|verb| self.can(who, verb, RBAC, "clusterroles", None, Place::Cluster))
        };
        if self.writers().any(new) {
            return Ok(());
        }
        let rights = step.requests.iter().flat_map(|request| &request.rights);
        let part = rights.filter(|right| right.verb == "escalate").find_map(|right| right.name);
        let part = part.map(|name| RoleKey { namespace: None, name }).filter(|&part| part != role);
        let part = part.ok_or_else(|| "no other ClusterRole is written".to_owned())?;
        if !self.exists(part) {
            self.make(part)?;
        }
        self.escalates(part)
    }

    fn is_under(&self, role: RoleKey, place: Place) -> Result<(), String> {
        let bound = self.bound.iter().any(|&(own, at)| own == role && reaches(at, place));
        let read = |who: &Identity| {
            self.bindings_of(who).any(|(binding, at)| self.role_named(binding) == Some(role) && reaches(at, place))
        };
        let any = bound || self.identities.iter().any(read);
        if any { Ok(()) } else { Err(format!("nobody of ours is under {}", self.text(role))) }
    }

    /// The check before a binding is written.
    fn may_bind(&self, who: &Identity, role: RoleKey, place: Place) -> bool {
        if self.can(who, "bind", RBAC, roles(role), Some(role.name), place) {
            return true;
        }
        let rules = |at: RoleIx| {
            let set = self.graph.snapshot().rules.set(self.graph.role(at).rules);
            set.iter().map(|&rule| self.graph.snapshot().rules.rule(rule))
        };
        if !self.exists(role) {
            return false;
        }
        // Who may rewrite it may empty it first.
        if self.role(role).is_some() && self.escalates(role).is_ok() {
            return true;
        }
        let servant: Vec<Rule<'_>> = self.role(role).into_iter().flat_map(rules).collect();
        let read = self.bindings_of(who).filter(|&(_, at)| reaches(at, place));
        let made = self.bound.iter().filter(|&&(_, at)| reaches(at, place)).filter_map(|&(role, _)| self.role(role));
        let owner: Vec<Rule<'_>> =
            read.filter_map(|(binding, _)| self.graph.role_of(binding)).chain(made).flat_map(rules).collect();
        uncovered(&self.graph.snapshot().names, &owner, &servant).is_empty()
    }

    /// Whether somebody may change a binding that is there, or make one: of any name, or of the only one that they may make by
    /// writing it.
    fn may_write_binding(
        &self,
        who: &Identity,
        place: Place,
        role: RoleKey,
        binding: Result<BindingIx, Option<Name>>,
    ) -> bool {
        let resource = if place == Place::Cluster { "clusterrolebindings" } else { "rolebindings" };
        let can = |verb: &str, name: Option<Name>| self.can(who, verb, RBAC, resource, name, place);
        let own = |at: BindingIx| self.graph.binding(at).namespace.map_or(Place::Cluster, Place::Namespace);
        match binding {
            Ok(at) => {
                let name = Some(self.graph.binding(at).name);
                own(at) == place && self.role_named(at) == Some(role) && (can("update", name) || can("patch", name))
            }
            Err(_) if can("create", None) => true,
            Err(None) => false,
            Err(name) => {
                let taken = self
                    .graph
                    .bindings()
                    .any(|(at, other)| other.cluster == self.cluster && Some(other.name) == name && own(at) == place);
                !taken && can("create", name) && (can("update", name) || can("patch", name))
            }
        }
    }

    fn is_account(&self, account: Subject) -> bool {
        let Subject::ServiceAccount { namespace, name } = account else { return false };
        let snapshot = self.graph.snapshot();
        let has = |wanted: Name| {
            snapshot
                .service_accounts
                .iter()
                .any(|one| one.cluster == self.cluster && one.namespace == namespace && one.name == wanted)
        };
        let stored = snapshot.clusters.first().is_some_and(|cluster| cluster.stored);
        let complete = stored || snapshot.names.find("default").is_some_and(has);
        self.accounts.contains(&account) || !complete || has(name) || !snapshot.gaps.is_empty()
    }

    fn holds(&self, rights: &[(&str, &str, &str)], place: Place) -> Result<(), String> {
        let all = |who: &Identity| {
            rights.iter().all(|(verb, group, resource)| self.can(who, verb, group, resource, None, place))
        };
        if self.identities.iter().any(all) { Ok(()) } else { Err(format!("{rights:?} is not held at {place:?}")) }
    }

    /// What an administrator of a namespace can do.
    fn administers(&self, place: Place) -> Result<(), String> {
        let with = |verb| {
            [("create", RBAC, "roles"), ("create", RBAC, "rolebindings"), (verb, "", "secrets"), ("create", "", "pods")]
        };
        self.holds(&with("list"), place).or_else(|_| self.holds(&with("watch"), place))
    }

    fn has(&self, target: Target) -> bool {
        match target {
            Target::ClusterAdmin => {
                // Who starts in Azure need not have a name here.
                self.identities.iter().any(|own| own.is_in(MASTERS))
                    || self.gained.contains(&Effect::Everything(Place::Cluster))
                    || self.holds(&[("*", "*", "*")], Place::Cluster).is_ok()
            }
            Target::NamespaceAdmin(place) => self.administers(place).is_ok(),
            Target::Secrets(place) => self.reads_secrets(place),
            Target::Node(Some(node)) => self.is_on(node),
            Target::Node(None) => self.gained.contains(&Effect::Node(None)),
            Target::Kubeconfig(secret) => self.gained.contains(&Effect::Kubeconfig(secret)),
            Target::Secret(secret) => self.reads(secret),
            Target::Pod(pod) => self.runs_in(pod),
            Target::Subject(subject) => self.identities.contains(&identity(self.graph, subject)),
            Target::Azure(target) => self.has_in_azure(target),
            // What was asked is not told here; see `replay_access`.
            Target::Access => true,
        }
    }

    /// Whether everything in the cluster can be done.
    pub(super) fn is_admin(&self) -> bool {
        self.has(Target::ClusterAdmin)
    }

    /// Whether tokens of an identity were gained.
    pub(super) fn has_token(&self, who: Who) -> bool {
        self.has_gained(|gained| matches!(gained, Effect::Azure(step) if step.gain == AzureGain::Token(who)))
    }

    /// Whether the attacker has credentials of an account.
    pub(super) fn has_credentials(&self, account: Subject) -> bool {
        self.credentials.contains(&identity(self.graph, account))
    }

    /// The kinds that ASO creates for the attacker as an identity, also those that they could create beside those of the steps.
    pub(super) fn kinds_through(&self, who: Who) -> Result<Vec<KindIx>, String> {
        let namespaces = self.gained.iter().filter_map(|gained| match gained {
            Effect::Azure(step) if step.gain == AzureGain::Through(who) => step.namespace,
            _ => None,
        });
        let namespaces: Vec<Name> = namespaces.collect();
        if namespaces.is_empty() {
            return Err("ASO does not act as that identity for us".to_owned());
        }
        let creates = |kind: &KindIx| {
            let facts = kind.facts();
            namespaces.iter().any(|&namespace| {
                let place = place_in(namespace);
                self.identities.iter().any(|own| self.can(own, "create", facts.group, facts.plural, None, place))
                    || self.identities.iter().any(|own| self.makes_by_name(own, facts, namespace))
                    || self.azure_writes(*kind, place)
            })
        };
        Ok(KindIx::all().filter(creates).collect())
    }

    /// Whether an identity makes a resource of a kind in a namespace by a name that some rule of theirs has and no such resource.
    fn makes_by_name(&self, own: &Identity, kind: &AsoKind, namespace: Name) -> bool {
        let snapshot = self.graph.snapshot();
        let roles = self.bindings_of(own).filter_map(|(binding, _)| self.graph.role_of(binding));
        let made = self.bound.iter().filter_map(|&(role, _)| self.role(role));
        let sets = roles.chain(made).map(|at| snapshot.rules.set(self.graph.role(at).rules));
        let names: BTreeSet<Name> =
            sets.flatten().flat_map(|&rule| snapshot.rules.rule(rule).resource_names).copied().collect();
        let taken = |name: Name| {
            let same = |one: &&AsoResource| (one.namespace, one.name) == (namespace, name);
            let mut there = snapshot.aso_resources.iter().filter(same);
            there.any(|one| snapshot.text(one.group) == kind.group && snapshot.text(one.kind) == kind.kind)
        };
        let can =
            |verb: &str, name: Name| self.can(own, verb, kind.group, kind.plural, Some(name), place_in(namespace));
        names.into_iter().any(|name| name != Name::EMPTY && !taken(name) && can("create", name) && can("patch", name))
    }

    /// What joins the cluster and Azure, made anew from the facts.
    pub(super) fn with_bridge<T>(&self, ask: impl FnOnce(&Bridge<'_>) -> Result<T, String>) -> Result<T, String> {
        let own = || Bridge::new(self.graph, &Ask { cluster: self.cluster, ..Ask::default() });
        ask(self.bridge.get_or_init(own).as_ref().ok_or_else(|| "there is nothing of Azure".to_owned())?)
    }

    fn azure(&self) -> AzureGraph<'g> {
        self.graph.azure()
    }

    /// Which cluster of Azure this one is.
    fn this_cluster(&self) -> Result<ClusterIx, String> {
        self.with_bridge(|bridge| {
            bridge.this_cluster().ok_or_else(|| "it is not known which cluster this is".to_owned())
        })
    }

    /// How surely Azure lets somebody do something in one of these places, by all that was read; none where it does not.
    fn decided(&self, who: Who, action: &str, plane: Plane, places: &[AzurePlace]) -> Option<Sure> {
        let Who::Principal(principal) = who else { return None };
        let azure = self.azure();
        let mut question = azure.question(action, plane);
        for own in &self.gained {
            let Effect::Azure(AzureStep { gain: AzureGain::Undenied(_, one), by, .. }) = own else { continue };
            // What is deleted is gone for everybody.
            match one {
                Some(one) => question = question.without(&[*one]),
                None if *by == Some(who) => question = question.without(&self.deletable(who)),
                None => {}
            }
        }
        let grants = places.iter().flat_map(|&place| azure.decide(principal, &question, place).grants);
        grants.filter_map(|grant| super::azure::sureness(&grant, action, azure.principal(principal))).min()
    }

    /// The deny assignments that somebody may delete, while all of them stand.
    pub(super) fn deletable(&self, who: Who) -> Vec<DenyIx> {
        let Who::Principal(principal) = who else { return Vec::new() };
        let azure = self.azure();
        let question = azure.question("Microsoft.Authorization/denyAssignments/delete", Plane::Control);
        let may = |&deny: &DenyIx| {
            let (read, place) = (azure.deny(deny), azure.deny_scope(deny).into());
            read.enforced
                && !read.system_protected
                && azure.decide(principal, &question, place).decision < AzureDecision::Denied
        };
        azure.denies().filter(may).collect()
    }

    /// Whether Azure lets somebody do something in a scope, by all that was read.
    pub(super) fn azure_allows(&self, who: Who, action: &str, scope: ScopeIx) -> Result<Sure, String> {
        let refused = || format!("{action} is not allowed on {}", self.azure().scope_text(scope));
        self.decided(who, action, Plane::Control, &[scope.into()]).ok_or_else(refused)
    }

    /// Whether a step gains power at the root of the tenant.
    pub(super) fn is_at_root(&self, step: &StepDone) -> bool {
        matches!(step.effect, Effect::Azure(AzureStep { gain: AzureGain::Power(at, ..), .. }) if at == self.azure().root())
    }

    /// The same for what lies in this cluster, by what comes behind the id of the cluster.
    pub(super) fn azure_allows_in_cluster(&self, who: Who, action: &str, inside: &str) -> Result<Sure, String> {
        let azure = self.azure();
        let place = azure.locate(&[&azure.cluster(self.this_cluster()?).id, inside].concat());
        self.decided(who, action, Plane::Control, &[place]).ok_or_else(|| format!("{action} is not allowed there"))
    }

    /// Whether a role of Azure in the cluster, gained before, allows to create resources of a kind there.
    fn azure_writes(&self, kind: KindIx, place: Place) -> bool {
        self.has_gained(|gained| match gained {
            Effect::Azure(AzureStep { gain: AzureGain::Resources(_), by: Some(who), .. }) => {
                self.azure_allows_kind(who, kind.facts(), place).is_ok()
            }
            _ => false,
        })
    }

    /// Whether Azure lets somebody write resources of a kind in the cluster, by either way in which it may be asked.
    pub(super) fn azure_allows_kind(&self, who: Who, kind: &AsoKind, place: Place) -> Result<(), String> {
        let own = format!("{}/{}/write", kind.group, kind.plural);
        let either = self.azure_allows_data(who, &own, place);
        either.or_else(|_| self.azure_allows_data(who, "customresources/write", place)).map(|_| ())
    }

    /// The same for what the cluster asks Azure, written without what its data actions begin with.
    pub(super) fn azure_allows_data(&self, who: Who, action: &str, place: Place) -> Result<Sure, String> {
        let azure = self.azure();
        let cluster = self.this_cluster()?;
        if !azure.cluster(cluster).azure_rbac {
            return Err("Azure is not asked".to_owned());
        }
        let AzureCluster { id, kind, .. } = azure.cluster(cluster);
        let inside = match place {
            Place::Namespace(namespace) => {
                let name = self.graph.text(namespace);
                let managed = (*kind == ClusterKind::Aks).then(|| format!("{id}/managedNamespaces/{name}"));
                managed.into_iter().chain([format!("{id}/namespaces/{name}")]).collect()
            }
            Place::Cluster | Place::EachNamespace => vec![id.clone()],
        };
        let action = &[guard_prefix(*kind), "/", action].concat();
        let places: Vec<AzurePlace> = inside.iter().map(|at: &String| azure.locate(at)).collect();
        self.decided(who, action, Plane::Data, &places).ok_or_else(|| format!("{action} is not allowed"))
    }

    /// The scopes in which each custom role that somebody holds in a scope may be assigned.
    pub(super) fn custom_roles(&self, who: Who, scope: ScopeIx) -> Vec<Vec<ScopeIx>> {
        let Who::Principal(principal) = who else { return Vec::new() };
        let facts = &self.graph.snapshot().azure;
        let azure = self.azure();
        let held = azure.assignments_of(principal).into_iter().map(|(assignment, _)| azure.assignment(assignment));
        let there = held.filter(|one| azure.find_scope(&one.scope) == Some(scope));
        let roles = there.filter_map(|one| facts.roles.iter().find(|role| role.custom && role.id == one.role_id));
        roles.map(|role| role.assignable_scopes.iter().map(|text| azure.locate(text).scope).collect()).collect()
    }

    /// Whether an account may use an identity that is bound to the cluster, by what was read.
    pub(super) fn may_use_identity(&self, account: Subject, client_id: &str) -> bool {
        let authorizers = Authorizers { node: false, rbac: true };
        let action = super::azure::use_identity(client_id);
        decide(self.graph, self.cluster, &identity(self.graph, account), &action, authorizers).allowed()
    }

    /// Whether the vaults that were read are as something says.
    pub(super) fn with_vaults(&self, ask: impl FnOnce(&AzureGraph<'_>, &[KeyVault]) -> bool) -> Result<(), String> {
        let facts = &self.graph.snapshot().azure;
        let there = ask(&self.azure(), &facts.vaults);
        if there { Ok(()) } else { Err("no vault there has access policies".to_owned()) }
    }

    /// Whether Azure lets somebody do something in some scope in which they have a role.
    pub(super) fn azure_allows_somewhere(&self, who: Who, action: &str) -> bool {
        let Who::Principal(principal) = who else { return false };
        let azure = self.azure();
        let scopes: Vec<ScopeIx> =
            azure.assignments_of(principal).iter().map(|&(one, _)| azure.assigned_scope(one)).collect();
        scopes.into_iter().any(|scope| self.azure_allows(who, action, scope).is_ok())
    }

    /// Whether Azure lets somebody do something in a scope in which they have a role, inside another one.
    pub(super) fn azure_allows_inside(&self, who: Who, action: &str, outer: ScopeIx) -> bool {
        let Who::Principal(principal) = who else { return false };
        let azure = self.azure();
        let own = azure.assignments_of(principal);
        let mut scopes = own.iter().map(|&(one, _)| azure.assigned_scope(one));
        scopes.any(|scope| azure.within(outer, scope) && self.azure_allows(who, action, scope).is_ok())
    }

    /// Whether roles can be assigned in a scope, and nothing is denied there to everybody.
    pub(super) fn assigns_roles(&self, at: ScopeIx) -> bool {
        let assigns = |gained| match gained {
            Effect::Azure(AzureStep { gain: AzureGain::Power(scope, Power::RoleAssignments, _), .. }) => {
                self.azure().within(scope, at)
            }
            _ => false,
        };
        self.has_gained(assigns) && !self.azure().is_denied_over(at)
    }

    /// The scope of the user-assigned identity that somebody is.
    pub(super) fn user_assigned(&self, who: Who) -> Option<ScopeIx> {
        let Who::Principal(principal) = who else { return None };
        let azure = self.azure();
        azure.principal(principal).identity.and_then(|identity| azure.identity_scope(identity))
    }

    /// The scope of the cluster that a step gains, and what it says of that cluster.
    pub(super) fn cluster_in_azure(
        &self,
        gain: AzureGain,
        ask: impl Fn(&AzureCluster) -> bool,
    ) -> Result<(ScopeIx, bool), String> {
        let azure = self.azure();
        let mut found = None;
        self.with_bridge(|bridge| {
            found = match gain {
                AzureGain::ThisCluster => bridge.this_cluster(),
                AzureGain::Cluster(cluster) => Some(cluster),
                _ => None,
            };
            Ok(())
        })?;
        let cluster = found.ok_or_else(|| "no cluster is gained".to_owned())?;
        let scope = azure.cluster_scope(cluster).ok_or_else(|| "the cluster is nowhere".to_owned())?;
        Ok((scope, ask(azure.cluster(cluster))))
    }

    /// The scope of this cluster, and what is asked of it.
    pub(super) fn this_cluster_in_azure<T>(&self, ask: impl Fn(&AzureCluster) -> T) -> Result<(ScopeIx, T), String> {
        let azure = self.azure();
        let cluster = self.this_cluster()?;
        let scope = azure.cluster_scope(cluster).ok_or_else(|| "the cluster is nowhere".to_owned())?;
        Ok((scope, ask(azure.cluster(cluster))))
    }

    /// Whether somebody is in a group of the directory, by now or after activating it.
    pub(super) fn is_member(&self, who: Who, group: Who) -> bool {
        let (Who::Principal(who), Who::Principal(group)) = (who, group) else { return false };
        self.azure().groups_of(who).iter().any(|one| one.group == group)
    }

    /// The resource group of this cluster's nodes.
    pub(super) fn nodes_in_azure(&self) -> Result<ScopeIx, String> {
        let azure = self.azure();
        let mut found = None;
        self.with_bridge(|bridge| {
            found = bridge.this_cluster();
            Ok(())
        })?;
        found.and_then(|cluster| azure.node_resource_group(cluster)).ok_or_else(|| "the nodes are nowhere".to_owned())
    }

    /// Whether something in Azure was gained by a step.
    fn has_in_azure(&self, target: AzureTarget) -> bool {
        self.has_gained(|gained| {
            let Effect::Azure(step) = gained else { return false };
            match (step.gain, target) {
                (AzureGain::Power(scope, power, _), AzureTarget::Power { scope: wanted, power: least, .. }) => {
                    power >= least && scope == wanted
                }
                (AzureGain::Token(own) | AzureGain::Through(own), AzureTarget::Identity(who)) => own == who,
                (AzureGain::Cluster(own), AzureTarget::Cluster(cluster)) => own == cluster,
                _ => false,
            }
        })
    }

    fn scope_of(&self, role: RoleKey) -> Place {
        match role.namespace {
            None => Place::Cluster,
            Some(Name::STAR) => Place::EachNamespace,
            Some(namespace) => Place::Namespace(namespace),
        }
    }

    fn text(&self, role: RoleKey) -> String {
        format!("{} {}", roles(role), self.graph.text(role.name))
    }
}

/// What the verb begins with that says for which requests somebody else's name is taken.
const ON: &str = "impersonate-on:";

/// Whether a request is one of those that a right to impersonate speaks of: by the verb of the request itself, not by what the API
/// server asks after it has let the request through.
fn is_on(on: &RightDone, request: &RequestDone) -> bool {
    let Some((_, verb)) = on.verb.strip_prefix(ON).and_then(|rest| rest.split_once(':')) else { return false };
    let same = |right: &&RightDone| (right.api_group, right.resource) == (on.api_group, on.resource);
    let writes = |right: &RightDone| ["update", "patch"].contains(&right.verb);
    let sent = |right: &&RightDone| {
        right.verb == verb
            && (on.name.is_none() || on.name == right.name)
            && reaches(on.place, right.place)
            // What does not exist yet is made by a write, with `create` asked for behind it.
            && (writes(right) || !request.rights.iter().filter(same).any(writes))
    };
    let follows = ["bind", "escalate", "approve"];
    request.rights.iter().filter(same).any(|right| sent(&right)) && !follows.contains(&verb) && !impersonates(request)
}

/// Whether a request deletes a binding, to have its name.
fn is_deletion(request: &RequestDone) -> bool {
    request.rights.iter().any(|right| right.verb == "delete" && right.resource.ends_with("rolebindings"))
}

/// The name of the binding that a step makes, where it has to have one.
fn name_of(step: &StepDone) -> Option<Name> {
    let rights = step.requests.iter().flat_map(|request| &request.rights);
    let made = rights.into_iter().find(|right| right.verb == "create" && right.resource.ends_with("rolebindings"));
    made.and_then(|right| right.name)
}

/// Whether a request is made in the name of somebody else.
fn impersonates(request: &RequestDone) -> bool {
    request.rights.iter().any(|right| right.verb.starts_with("impersonate"))
}

fn roles(role: RoleKey) -> &'static str {
    if role.namespace.is_some() { "roles" } else { "clusterroles" }
}

/// Whether what holds at one place holds at the other.
fn reaches(own: Place, other: Place) -> bool {
    own == other || own == Place::Cluster || (own == Place::EachNamespace && other != Place::Cluster)
}
