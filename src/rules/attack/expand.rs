//! What follows from a fact by itself: the one of many, the roles that somebody is under, what is written into a role.

use std::rc::Rc;

use super::{Attack, Done, Effect, Fact, Grant, How, Place, RoleKey, place_of};
use crate::graph::RoleIx;
use crate::model::{Name, Subject};
use crate::rules::azure;
use crate::rules::held::{Held, RequestIx, Site};
use crate::rules::kubernetes;
use crate::rules::technique::{At, Blocker, RBAC, Technique, needed};

impl Attack<'_> {
    /// A technique gets tokens of any account of a place for whatever audience, unless something stops it.
    pub(in crate::rules) fn mints(
        &mut self,
        technique: &'static Technique,
        needs: Vec<u32>,
        place: Place,
        blockers: Rc<[Blocker]>,
    ) {
        let trusted = self.bridge.as_ref().is_some_and(|bridge| bridge.trusted_accounts().next().is_some());
        if trusted {
            self.does_unless(technique, needs, Effect::Any, Fact::Tokens(place), blockers);
        }
    }

    /// A technique lets code run in a new pod of a place: with any account of its namespace, and with what its Secrets hold.
    pub(in crate::rules) fn runs_pods(&mut self, technique: &'static Technique, needs: Vec<u32>, place: Place) {
        let might = self.pod_guards();
        self.does_unless(technique, needs.clone(), Effect::Any, Fact::Accounts(place), Rc::clone(&might));
        self.mints(technique, needs.clone(), place, Rc::clone(&might));
        self.does_unless(technique, needs.clone(), Effect::Secrets(place), Fact::Secrets(place), might);
        // What leads to a node by it says so of itself.
        self.does(technique, needs, Effect::NewPod(place), Fact::NewPod(place));
    }

    /// A request lets code run in running pods: in the one it names, or in every pod of the place.
    pub(in crate::rules) fn runs_in_pods(&mut self, done: &Done, blockers: &[Blocker]) {
        let (technique, needs, blockers) = (done.technique, vec![done.fact], Rc::from(blockers));
        if done.site.object.is_none() {
            self.does_unless(technique, needs, Effect::Any, Fact::Pods(done.site.place), blockers);
            return;
        }
        for pod in self.pods_at(done.site.place, done.site.object) {
            self.does_unless(technique, needs.clone(), Effect::Pod(pod), Fact::Pod(pod), blockers.clone());
        }
    }

    /// What stands for a fact in steps that may fail.
    pub(in crate::rules) fn late(&mut self, fact: u32) -> u32 {
        let near = self.fact(Fact::Late(fact));
        self.follows(vec![fact], Fact::Late(fact));
        self.follows(vec![near], Fact::Late(near));
        self.fact(Fact::Late(near))
    }

    /// What a fact about many is about.
    pub(super) fn choices(&mut self, fact: Fact, id: u32) {
        // What holds in every namespace holds in each.
        let inside: Option<fn(Place) -> Fact> = match fact {
            Fact::Accounts(_) => Some(Fact::Accounts),
            Fact::Secrets(_) => Some(Fact::Secrets),
            Fact::Pods(_) => Some(Fact::Pods),
            Fact::Changes(_) => Some(Fact::Changes),
            Fact::NewPod(_) => Some(Fact::NewPod),
            Fact::Relaxed(_) => Some(Fact::Relaxed),
            _ => None,
        };
        if let Fact::Containers(Place::Cluster | Place::EachNamespace) = fact {
            for namespace in self.namespaces.clone() {
                self.link(id, Fact::Containers(Place::Namespace(namespace)), How::Serves);
            }
        }
        if let (
            Some(inside),
            Fact::Accounts(place)
            | Fact::Secrets(place)
            | Fact::Pods(place)
            | Fact::Changes(place)
            | Fact::NewPod(place)
            | Fact::Relaxed(place),
        ) = (inside, fact)
            && !matches!(place, Place::Namespace(_))
        {
            let mut namespaces = self.namespaces.clone();
            if let Fact::Accounts(_) = fact {
                namespaces.extend(&self.trusted_namespaces);
            }
            for namespace in namespaces {
                self.link(id, inside(Place::Namespace(namespace)), How::Serves);
            }
        }
        match fact {
            Fact::Accounts(place @ Place::Namespace(namespace)) => {
                let is_missing = self.missing_in(namespace);
                let (missing, there): (Vec<Subject>, Vec<Subject>) =
                    self.accounts_in(place, None).into_iter().partition(|&account| is_missing(account));
                let (together, there) = kubernetes::chosen_together(self, &there, |account| !is_missing(account));
                for tokens in together {
                    self.serves(id, tokens);
                }
                for account in there {
                    self.choice(id, Effect::ActAs(account), Fact::Identity(account));
                }
                for account in missing {
                    let (lack, effect) = (self.lack(account), Effect::ActAs(account));
                    self.step(vec![id, lack], Fact::Identity(account), How::Chooses { of: id, effect });
                }
            }
            Fact::Tokens(place) => {
                let bridge = self.bridge.clone();
                for account in bridge.iter().flat_map(|bridge| bridge.trusted_accounts_in(place)) {
                    let missing = self.is_missing(account).then(|| self.lack(account));
                    let needs = [id].into_iter().chain(missing).collect();
                    let effect = Effect::ActAs(account);
                    self.step(needs, Fact::Mints(account), How::Chooses { of: id, effect });
                }
            }
            Fact::Users | Fact::Groups => {
                let of_kind: fn(Subject) -> bool = match fact {
                    Fact::Users => |subject| matches!(subject, Subject::User(_)),
                    _ => |subject| matches!(subject, Subject::Group(_)),
                };
                for subject in self.granted(of_kind) {
                    self.choice(id, Effect::ActAs(subject), Fact::Identity(subject));
                }
                if fact == Fact::Users {
                    for &node in self.nodes().iter() {
                        if let Some(user) = self.user_of_node(node) {
                            self.choice(id, Effect::ActAs(user), Fact::Identity(user));
                        }
                    }
                }
            }
            Fact::AnyContainer(namespace) => {
                for &node in self.open_pods(namespace).keys() {
                    self.link(id, Fact::Node(node), How::Chooses { of: id, effect: Effect::Node(Some(node)) });
                }
            }
            Fact::Pods(Place::Namespace(_)) | Fact::Changes(Place::Namespace(_)) | Fact::PodsOn(_) => {
                let mut pods = kubernetes::pods_of(self, fact);
                pods.retain(|&pod| self.gives(pod).is_more() || self.is_asked(pod));
                for pod in self.worth(pods) {
                    self.choice(id, Effect::Pod(pod), Fact::Pod(pod));
                }
            }
            Fact::Secrets(Place::Namespace(namespace)) => {
                for secret in self.secrets_in(namespace, None) {
                    self.link(id, Fact::Secret(secret), How::Follows);
                }
            }
            Fact::Azure(fact) => azure::choices(self, fact, id),
            Fact::NewPod(_) if self.any_pod_counts => self.link(id, Fact::SomeNewPod, How::Follows),
            Fact::NewPod(_) => self.new_pods.push(id),
            Fact::SomeNewPod => {
                self.any_pod_counts = true;
                for pod in std::mem::take(&mut self.new_pods) {
                    self.link_to(pod, id, How::Follows);
                }
            }
            Fact::Nodes | Fact::Node(_) => self.link(id, Fact::SomeNode, How::Follows),
            _ => {}
        }
    }

    pub(super) fn expand(&mut self, id: u32) {
        let fact = self.facts[id as usize];
        self.choices(fact, id);
        // What a request and what a role gives is said by `build`.
        if !self.thrifty || !matches!(fact, Fact::Request(..) | Fact::Under(..) | Fact::Right(..)) {
            for at in 0..self.reacting.len() {
                self.reacting[at](self, fact, id);
            }
        }
        match fact {
            Fact::Identity(subject) => {
                self.link(id, Fact::Acts(subject), How::Serves);
                for &group in self.groups(subject).iter() {
                    if self.grants.contains_key(&group) {
                        let member = self.fact(Fact::Identity(group));
                        if self.lends(group) {
                            self.link_to(id, member, How::Member);
                        }
                    }
                }
                self.is_under(subject, id, true);
            }
            Fact::Acts(subject) => {
                for &group in self.groups(subject).iter() {
                    if self.grants.contains_key(&group) && Some(group) != self.common {
                        self.link(id, Fact::Acts(group), How::Member);
                    }
                }
                self.is_under(subject, id, false);
                self.ask_roles();
                self.ask(subject, None);
            }
            Fact::Bound(role, place) => self.expand_bound(role, place, id),
            Fact::Holder(role, place) | Fact::EmptyHolder(role, place) => {
                self.holders.entry(role).or_default().push((place, id));
                for writer in self.writers.get(&role).cloned().unwrap_or_default() {
                    self.rewrite(role, place, id, writer);
                }
            }
            Fact::CanChange(role) => {
                let made = self.fact(Fact::CanCreate(role));
                self.follows(vec![id, made], Fact::CanWrite(role));
            }
            Fact::CanWrite(role) | Fact::CanMake(role) | Fact::CanFeed(role) => {
                if !self.writers.contains_key(&role) {
                    self.find_holders(role);
                }
                self.writers.entry(role).or_default().push(id);
                for (place, holder) in self.holders.get(&role).cloned().unwrap_or_default() {
                    self.rewrite(role, place, holder, id);
                }
            }
            Fact::Everything(place) if place != Place::Cluster => {
                self.fresh.extend(self.rights.beside_cluster(place, id));
                // What rewrites or binds roles there gains nothing that is not there already, and whoever it is that has
                // everything may be impersonated: that one asks for tokens instead.
                let inside = self.rights.requests().filter(|&request| {
                    let (technique, _) = self.rights.technique(request);
                    let asked = self.rights.asked(request);
                    let of_roles = asked.rights.iter().all(|right| right.api_group == RBAC);
                    technique.build.is_some()
                        && !of_roles
                        && !asked.impersonates()
                        && asked.at == At::Namespace
                        && asked.rights.iter().all(|right| !right.in_cluster)
                        && !(self.thrifty && self.rights.is_made_by_post(request))
                });
                let inside: Vec<RequestIx> = inside.collect();
                let whole: Vec<_> = inside.iter().map(|&request| self.rights.technique(request)).collect();
                for (request, needed) in inside.into_iter().zip(needed(self, &whole)) {
                    if self.thrifty && !needed {
                        continue;
                    }
                    let site = Site { place, object: None, other: None };
                    let how = How::AsEverything { request, site, place };
                    self.asked(request, site, vec![id], how, Vec::new());
                }
            }
            _ => {}
        }
    }

    pub(super) fn expand_bound(&mut self, role: RoleKey, place: Place, id: u32) {
        self.bound.entry(role).or_default().push((place, id));
        if self.writers.contains_key(&role) {
            self.step(vec![id], Fact::Holder(role, place), How::Follows);
        }
        let Some(&at) = self.roles.get(&role) else {
            self.name_missing(role);
            return;
        };
        // Whoever is bound may do what the role allows.
        let some = self.plan(at, place).some;
        for credentials in [false, true] {
            if !some.is_empty() && (!credentials || !some.and(self.rights.impersonating()).is_empty()) {
                let under = self.under_role(at, place, credentials);
                self.link_to(id, under, How::Follows);
            }
        }
        // What others hold a part of is completed right by right.
        let parts = self.supplied(at).iter().copied().filter(|supply| supply.is_of(self.rights.parts()));
        for supply in parts.collect::<Vec<_>>() {
            let fact = Fact::Right(role, place, supply.key());
            self.step(vec![id], fact, How::Follows);
            let right = self.fact(fact);
            self.fresh.push(Held::made(supply, place, right));
        }
    }

    /// Adds those who hold a role that somebody might rewrite.
    pub(super) fn find_holders(&mut self, role: RoleKey) {
        for binding in self.bindings.get(&role).cloned().unwrap_or_default() {
            let place = place_of(self.graph.binding(binding).namespace);
            for &subject in self.graph.snapshot().subjects.set(self.graph.binding(binding).subjects) {
                let subject = self.graph.snapshot().subjects.get(subject);
                let identity = self.fact(Fact::Acts(subject));
                self.step(vec![identity], Fact::Holder(role, place), How::Under(binding));
            }
        }
        for (place, bound) in self.bound.get(&role).cloned().unwrap_or_default() {
            self.step(vec![bound], Fact::Holder(role, place), How::Follows);
        }
    }

    /// Whoever can write into a role that they hold can do everything there.
    pub(super) fn rewrite(&mut self, role: RoleKey, place: Place, holder: u32, writer: u32) {
        let (id, effect) = match self.facts[writer as usize] {
            // It is there already, and its rules are gone unless they are written.
            Fact::CanMake(_) | Fact::CanFeed(_) if matches!(self.facts[holder as usize], Fact::EmptyHolder(..)) => {
                return;
            }
            Fact::CanFeed(_) => ("aggregated-role-inject", Effect::Feed { role, place }),
            _ => ("escalate-role", Effect::Write { role, place }),
        };
        if let Some(technique) = crate::rules::technique(id) {
            self.does(technique, vec![holder, writer], effect, Fact::Everything(place));
        }
    }

    /// Adds the roles that an identity is under by bindings that name it; those that impersonate ask for credentials.
    pub(super) fn is_under(&mut self, subject: Subject, id: u32, credentials: bool) {
        for at in self.place_of_grants(subject) {
            let Grant { place, binding, role } = self.all_grants[at];
            let leads = if credentials { Self::impersonates } else { Self::leads_under };
            if leads(self, role, place) {
                let under = self.under_role(role, place, credentials);
                let number = under as usize;
                if number >= self.granted_unders.len() {
                    self.granted_unders.resize(number + 1, false);
                }
                self.granted_unders[number] = true;
                self.link_to(id, under, How::Granted(binding));
            }
        }
    }

    /// The fact that somebody is under a role, of which is asked what it allows when it is new.
    pub(super) fn under_role(&mut self, role: RoleIx, place: Place, credentials: bool) -> u32 {
        let (under, is_new) = self.fact_and_new(Fact::Under(role, place, credentials));
        if is_new {
            self.unasked.push(under);
        }
        under
    }

    /// Whether a role grants a right to impersonate where it is bound.
    pub(super) fn impersonates(&self, role: RoleIx, place: Place) -> bool {
        !self.plan(role, place).some.and(self.rights.impersonating()).is_empty()
    }

    /// Whether it matters that somebody has the credentials of an identity, or of a member of a group, and not only that they act
    /// as one: whether it may impersonate, by itself or by its groups.
    pub(in crate::rules) fn lends(&self, subject: Subject) -> bool {
        !self.thrifty
            || self.lenders.contains(&subject)
            || (self.groups_lend && !self.mask_of_groups(subject).and(self.rights.impersonating()).is_empty())
    }

    /// Remembers a request that makes any role which does not exist, and says what is gained for each.
    pub(in crate::rules) fn creates(&mut self, done: &Done, gain: fn(RoleKey) -> Fact) {
        self.creators.push((done.site, done.fact, gain));
        let missing: Vec<RoleKey> = match done.site.place {
            Place::Namespace(namespace) => {
                let namespace = Some(namespace);
                let from = self.missing.range(RoleKey { namespace, name: Name::EMPTY }..);
                from.take_while(|role| role.namespace == namespace).copied().collect()
            }
            Place::Cluster | Place::EachNamespace => self.missing.iter().copied().collect(),
        };
        for role in missing {
            self.create(done.site, done.fact, role, gain);
        }
    }

    pub(super) fn create(&mut self, site: Site, fact: u32, role: RoleKey, gain: fn(RoleKey) -> Fact) {
        let here = match (site.place, role.namespace) {
            (Place::Cluster, namespace) => namespace.is_none(),
            (place, Some(namespace)) => place.has(namespace),
            (_, None) => false,
        };
        if here && site.object.is_none_or(|name| name == role.name) {
            self.step(vec![fact], gain(role), How::Follows);
        }
    }

    /// A role that nobody has is named.
    pub(in crate::rules) fn name_missing(&mut self, role: RoleKey) {
        if !self.roles.contains_key(&role) && self.missing.insert(role) {
            for (site, fact, gain) in self.creators.clone() {
                self.create(site, fact, role, gain);
            }
        }
    }
}
