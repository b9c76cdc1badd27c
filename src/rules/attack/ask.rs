//! Which requests can be made: by a role alone, by several rights that one identity holds, with what can be given to it on the way.

use std::rc::Rc;

use super::{Attack, Completed, Done, Fact, How, Place, Plan, PlanWay, RoleKey, role_key};
use crate::graph::RoleIx;
use crate::model::{Name, Subject};
use crate::rules::held::{Held, HeldBy, Mask, RequestIx, Rights, Site, Way};
use crate::rules::technique::{At, Change, Technique, needed};

impl Attack<'_> {
    /// Adds every request that roles allow whoever is under them, the roles that were found since it was last done.
    pub(super) fn ask_roles(&mut self) {
        let ids = std::mem::take(&mut self.unasked);
        let mut ways: Vec<(RequestIx, u32, Site)> = Vec::new();
        for &id in &ids {
            let Fact::Under(role, place, credentials) = self.facts[id as usize] else { continue };
            for &(request, object, other) in &self.plan(role, place).ways {
                let asked = self.rights.asked(request);
                let site = self.site_under(request, place, (object, other));
                if asked.impersonates() == credentials && self.rights.is_shared(request) && self.leads(request, site) {
                    ways.push((request, id, site));
                }
            }
        }
        // In the order of the catalogue, whatever the roles are called.
        ways.sort_by_key(|&(request, ..)| request);
        for (request, id, site) in ways {
            let under = match self.facts[id as usize] {
                Fact::Under(role, ..) if self.rights.is_rewriting(request) => vec![(self.key(role), id)],
                _ => Vec::new(),
            };
            // Each is asked once.
            let fact = self.fact(Fact::Request(request, site));
            self.link_to(id, fact, How::AsRole { request, site });
            self.build(request, site, fact, None, under);
        }
        if !self.made.is_empty() {
            let mut known = std::mem::take(&mut self.completed);
            for &id in &ids {
                self.complete(id, self.made_mask, &mut known);
            }
            self.completed = known;
        }
        self.unders.extend(ids);
    }

    /// Where and on what whoever is under a role at a place makes a request.
    fn site_under(&self, request: RequestIx, place: Place, (object, other): (Option<Name>, Option<Name>)) -> Site {
        let place = match (self.rights.asked(request).at, place) {
            (At::Namespace, Place::Cluster) => Place::EachNamespace,
            (_, place) => place,
        };
        Site { place, object, other }
    }

    /// Whether it leads anywhere to be under a role, by what the role allows alone or by what it is a part of.
    pub(super) fn leads_under(&self, role: RoleIx, place: Place) -> bool {
        let plan = self.plan(role, place);
        let leads =
            |&(request, object, other): &PlanWay| self.leads(request, self.site_under(request, place, (object, other)));
        !self.thrifty || plan.is_part || plan.ways.iter().any(leads)
    }

    /// Adds every request that rights which can be given to everybody complete for whoever is under a role.
    pub(super) fn complete(&mut self, id: u32, fresh: Mask, known: &mut Completed) {
        let Fact::Under(role, place, credentials) = self.facts[id as usize] else { return };
        let plan = self.plan(role, place);
        let requests = self.completed(&plan, credentials, fresh, known);
        let mut held: Vec<Held> = Vec::new();
        let made = Rc::clone(&self.made);
        for &request in requests.iter() {
            if held.is_empty() {
                held = self.held_under(role, place);
            }
            for way in self.rights.ways(request, &held, &[], &made) {
                if way.needs_nothing() {
                    continue;
                }
                let mut needs = vec![id];
                needs.extend(self.cans(&way));
                let first = way.held.first().filter(|_| self.rights.is_rewriting(request));
                let under = first.map(|&first| match first.source {
                    HeldBy::Made(_) => self.under(first),
                    _ => vec![(self.key(role), id)],
                });
                let site = way.site;
                self.asked(request, site, needs, How::AsRole { request, site }, under.unwrap_or_default());
            }
        }
    }

    /// The requests that rights which can be given to everybody may complete for whoever is under a role with this plan.
    pub(super) fn completed(
        &self,
        plan: &Rc<Plan>,
        credentials: bool,
        fresh: Mask,
        known: &mut Completed,
    ) -> Rc<[RequestIx]> {
        let all = plan.some.with(self.made_mask);
        let may = |&request: &RequestIx| {
            let asked = self.rights.asked(request);
            asked.rights.len() > 1
                && !self.rights.mask_of(request).and(fresh).is_empty()
                && asked.impersonates() == credentials
                && self.rights.is_shared(request)
                && self.rights.may_be_made(request, plan.some, all)
                && !self.rights.is_more_by_post(request, plan.any)
        };
        let found = known.entry((Rc::as_ptr(plan), credentials));
        Rc::clone(found.or_insert_with(|| self.rights.requests().filter(may).collect()))
    }

    /// What whoever is under a role holds by it, sorted.
    pub(in crate::rules) fn held_under(&self, role: RoleIx, place: Place) -> Vec<Held> {
        self.supplied(role).iter().map(|&supply| Held::under(supply, place)).collect()
    }

    /// What a role allows by itself where it is bound.
    pub(in crate::rules) fn plan(&self, role: RoleIx, place: Place) -> Rc<Plan> {
        let wide = place == Place::Cluster;
        Rc::clone(self.plan_of[role.place()][usize::from(wide)].get_or_init(|| self.plan_like(role, wide)))
    }

    /// The same, once for all roles of the same rules.
    fn plan_like(&self, role: RoleIx, wide: bool) -> Rc<Plan> {
        let own = Some(role).filter(|role| self.cut.contains_key(role));
        let key = (own, self.graph.role(role).rules, wide);
        if let Some(known) = self.plans.borrow().get(&key) {
            return Rc::clone(known);
        }
        let held = self.held_under(role, if wide { Place::Cluster } else { Place::Namespace(Name::EMPTY) });
        let (some, any) = (Rights::mask(&held), Rights::mask_of_any(&held));
        let mut found: Vec<PlanWay> = Vec::new();
        for request in self.rights.within(some) {
            // An object of a name is not made by whoever makes any.
            let posted = self.rights.is_more_by_post(request, any) && any.has(self.rights.mask_of(request));
            if !self.thrifty || !posted {
                let ways = self.rights.ways(request, &held, &[], &[]).into_iter();
                found.extend(ways.map(|Way { site: Site { object, other, .. }, .. }| (request, object, other)));
            }
        }
        if self.thrifty {
            let is_whole = |&&(_, object, other): &&PlanWay| (object, other) == (None, None);
            let whole: Vec<_> = found.iter().filter(is_whole).map(|&(at, ..)| self.rights.technique(at)).collect();
            let mut needed = needed(self, &whole).into_iter();
            found.retain(|way| !is_whole(&way) || needed.next().unwrap_or(true));
        }
        let is_part = !some.and(self.rights.parts().with(self.rights.impersonating())).is_empty();
        let plan = Rc::new(Plan { ways: found.into(), some, any, is_part });
        self.plans.borrow_mut().insert(key, Rc::clone(&plan));
        plan
    }

    /// The rights that are supplied for some objects to whoever is a subject, by bindings that name it.
    pub(in crate::rules) fn own_mask(&self, subject: Subject) -> Mask {
        self.grants.get(&subject).map(|grants| grants.mask).unwrap_or_default()
    }

    /// The same, and what its groups are supplied.
    pub(in crate::rules) fn mask(&self, subject: Subject) -> Mask {
        self.own_mask(subject).with(self.mask_of_groups(subject))
    }

    /// What a subject holds by bindings that name it, sorted.
    pub(super) fn held(&self, subject: Subject) -> Vec<Held> {
        let grants = self.grants(subject).iter();
        let held = grants.flat_map(|grant| {
            let supplied = self.supplied(grant.role).iter();
            supplied.map(|&supply| Held::new(supply, grant.place, grant.binding, subject))
        });
        let mut held: Vec<Held> = held.collect();
        held.sort_unstable();
        held
    }

    /// What of some rights a subject holds, itself or by its groups, sorted.
    pub(in crate::rules) fn held_of(&self, subject: Subject, rights: Mask) -> Vec<Held> {
        let mut held = Vec::new();
        for own in [subject].into_iter().chain(self.groups(subject).iter().copied()) {
            for grant in self.grants(own) {
                if !self.plan(grant.role, grant.place).some.and(rights).is_empty() {
                    let supplied = self.supplied(grant.role).iter().filter(|supply| supply.is_of(rights));
                    held.extend(supplied.map(|&supply| Held::new(supply, grant.place, grant.binding, own)));
                }
            }
        }
        held.sort_unstable();
        held
    }

    /// Adds every request that an identity can make by grants of its own which no role allows alone.
    pub(super) fn ask(&mut self, subject: Subject, fresh: Option<Mask>) {
        let requests = self.together(subject, fresh);
        if requests.is_empty() {
            return;
        }
        let own = self.held(subject);
        let groups: Vec<Vec<Held>> = self.groups(subject).iter().map(|&group| self.held(group)).collect();
        let mut all: Vec<Held> = own.iter().chain(groups.iter().flatten()).copied().collect();
        all.sort_unstable();
        let groups: Vec<&[Held]> = groups.iter().map(Vec::as_slice).collect();
        let made = Rc::clone(&self.made);
        for request in requests {
            if self.rights.is_shared(request) {
                for way in self.rights.ways(request, &own, &groups, &made).iter().filter(|way| !way.is_of_one()) {
                    self.make(Some(subject), request, way);
                }
            } else {
                // What it comes to depends on who makes it, so that what a group is granted is asked of each of its members.
                for way in self.rights.ways(request, &all, &[], &made) {
                    self.make(Some(subject), request, &way);
                }
            }
        }
    }

    /// Adds the same for everybody as far as it takes rights that everybody can be given since it was last done.
    pub(super) fn ask_all(&mut self, fresh: Mask) {
        let alone = self.unshared_of(Some(fresh)).fold(Mask::default(), |all, one| all.with(self.rights.mask_of(one)));
        let several: Vec<Mask> = self.several_of(Some(fresh)).map(|one| self.rights.mask_of(one)).collect();
        let may = |&(subject, mask): &(Subject, Mask)| {
            let all = mask.with(self.made_mask);
            let may = !mask.and(alone).is_empty() || several.iter().any(|&one| all.has(one));
            may.then_some(subject)
        };
        for subject in self.acting.iter().filter_map(may).collect::<Vec<_>>() {
            self.ask(subject, Some(fresh));
        }
    }

    /// The requests that are about the identity which makes them, as far as fresh rights complete them.
    fn unshared_of(&self, fresh: Option<Mask>) -> impl Iterator<Item = RequestIx> {
        let all = self.rights.unshared().iter().copied();
        all.filter(move |&request| fresh.is_none_or(|fresh| self.rights.completes(request, fresh)))
    }

    /// The requests of several rights that one identity may hold by several bindings, as far as fresh rights are a part of them.
    fn several_of(&self, fresh: Option<Mask>) -> impl Iterator<Item = RequestIx> {
        let again = move |&request: &RequestIx| {
            // Where one right of two can be given, one is left, and that is in one role.
            let with_made = self.rights.asked(request).rights.len() > 2;
            let again = fresh.is_none_or(|fresh| with_made && !self.rights.mask_of(request).and(fresh).is_empty());
            again && self.rights.is_shared(request)
        };
        self.rights.several().iter().copied().filter(again)
    }

    /// The requests for which it takes several bindings of an identity, or the identity itself.
    pub(super) fn together(&self, subject: Subject, fresh: Option<Mask>) -> Vec<RequestIx> {
        let own = self.grants.get(&subject).filter(|own| !own.mask.is_empty());
        if own.is_none() && !self.groups_pose {
            return Vec::new();
        }
        let (own, own_mask) =
            own.map_or((&[][..], Mask::default()), |own| (&self.all_grants[own.all.clone()], own.mask));
        let (groups, of_groups) = self.groups_and_mask(subject);
        let mine = own_mask.with(of_groups);
        let alone = self.unshared_of(fresh).filter(|&request| !self.rights.mask_of(request).and(mine).is_empty());
        let mut found: Vec<RequestIx> = alone.collect();
        let all = own.iter().chain(groups.iter().flat_map(|&group| self.grants(group)));
        let anywhere = mine.with(self.made_mask);
        let several = || self.several_of(fresh).filter(|&request| anywhere.has(self.rights.mask_of(request)));
        if all.clone().nth(1).is_some() && several().next().is_some() {
            let plans: Vec<(Place, Rc<Plan>)> =
                all.map(|grant| (grant.place, self.plan(grant.role, grant.place))).collect();
            let mut places: Vec<Place> = plans.iter().map(|&(place, _)| place).collect();
            places.sort_unstable();
            places.dedup();
            for request in several() {
                let mask = self.rights.mask_of(request);
                let with_made = self.rights.asked(request).rights.len() > 2;
                let made = if with_made { self.made_mask } else { Mask::default() };
                let takes_several = |&place: &Place| {
                    let here = plans.iter().filter(|(at, _)| *at == place || *at == Place::Cluster);
                    let (mut all, mut many) = (made, 0);
                    for (_, plan) in here.filter(|(_, plan)| !plan.some.and(mask).is_empty()) {
                        if plan.any.has(mask) || self.rights.is_more_by_post(request, plan.any) {
                            return false;
                        }
                        all = all.with(plan.some);
                        many += 1;
                    }
                    many > 1 && all.has(mask)
                };
                if places.iter().any(takes_several) {
                    found.push(request);
                }
            }
        }
        found
    }

    /// Adds every way in which rights that can be given to everybody are enough for a request.
    pub(super) fn ask_made(&mut self, fresh: Mask) {
        let made = Rc::clone(&self.made);
        for request in self.rights.requests() {
            let (technique, _) = self.rights.technique(request);
            let again = self.rights.mask_of(request).and(fresh).is_empty();
            // What one role allows follows from being under it.
            let alone = self.rights.asked(request).rights.len() == 1;
            if alone
                || technique.build.is_none()
                || again
                || !self.rights.may_be_made(request, self.made_mask, self.made_mask)
            {
                continue;
            }
            for way in self.rights.ways(request, &made, &[], &[]) {
                self.make(None, request, &way);
            }
        }
    }

    /// Adds a way in which somebody can make a request.
    pub(super) fn make(&mut self, by: Option<Subject>, request: RequestIx, way: &Way) {
        let (needs, held) = self.needs_of(by, request, way);
        let first = way.held.first().filter(|_| self.rights.is_rewriting(request));
        let under = first.map(|first| self.under(*first)).unwrap_or_default();
        let how = How::Asks { request, site: way.site, by, held };
        self.asked(request, way.site, needs, how, under);
    }

    /// What a way to make a request rests on, and what grants each of its rights.
    pub(in crate::rules) fn needs_of(
        &mut self,
        by: Option<Subject>,
        request: RequestIx,
        way: &Way,
    ) -> (Vec<u32>, Vec<Held>) {
        let who: fn(Subject) -> Fact =
            if self.rights.asked(request).impersonates() { Fact::Identity } else { Fact::Acts };
        let mut needs: Vec<u32> = by.map(|by| self.fact(who(by))).into_iter().collect();
        let mut cans = self.cans(way).into_iter();
        let mut held = way.held.clone();
        for right in held.iter_mut().filter(|right| matches!(right.source, HeldBy::Made(_))) {
            if let Some(can) = cans.next() {
                right.source = HeldBy::Made(can);
                needs.push(can);
            }
        }
        (needs, held)
    }

    /// The facts that the rights of a way which are made on the way can be given to everybody, in their order.
    pub(in crate::rules) fn cans(&mut self, way: &Way) -> Vec<u32> {
        let made: Vec<Held> =
            way.held.iter().copied().filter(|right| matches!(right.source, HeldBy::Made(_))).collect();
        made.into_iter().map(|right| self.can(right.key())).collect()
    }

    /// The fact that a right can be given to everybody, with what serves it: the same right, and wider ones, each by its own fact,
    /// so that those for which it is wider share the way to it.
    pub(in crate::rules) fn can(&mut self, key: (u8, Place, Option<Name>)) -> u32 {
        let (right, place, name) = key;
        let can = self.fact(Fact::Can(right, place, name));
        if self.served.insert(key, self.made.len()) == Some(self.made.len()) {
            return can;
        }
        let made = Rc::clone(&self.made);
        for held in Held::equal(&made, key) {
            if let HeldBy::Made(fact) = held.source {
                self.add(&[fact], can, How::Serves, None);
            }
        }
        let wider = match place {
            Place::Namespace(_) => Some(Place::EachNamespace),
            Place::EachNamespace => Some(Place::Cluster),
            Place::Cluster => None,
        };
        let unnamed = name.map(|_| (right, place, None));
        for wider in unnamed.into_iter().chain(wider.map(|place| (right, place, name))) {
            if Held::is_served(wider, &made) {
                let wide = self.can(wider);
                self.add(&[wide], can, How::Serves, None);
            }
        }
        can
    }

    /// The facts of rights that can be given to everybody and are as good as this one.
    pub(super) fn serving(&self, right: Held) -> Vec<u32> {
        let facts = right.served_by(&self.made).filter_map(|made| match made.source {
            HeldBy::Made(fact) => Some(fact),
            HeldBy::Grant { .. } | HeldBy::Role(_) => None,
        });
        facts.collect()
    }

    /// The verbs of the rule that grants a right.
    pub(in crate::rules) fn verbs_of(&self, held: Held) -> Vec<Name> {
        let HeldBy::Grant { binding, rule, .. } = held.source else { return Vec::new() };
        let role = self.graph.role_of(binding).map(|role| self.graph.role(role).rules);
        role.map(|rules| self.graph.rule(rules, rule).verbs.to_vec()).unwrap_or_default()
    }

    /// The roles behind a right, and the facts that somebody is under them.
    pub(in crate::rules) fn under(&self, held: Held) -> Vec<(RoleKey, u32)> {
        match held.source {
            HeldBy::Grant { subject, binding, .. } => {
                let role = role_key(self.graph, binding);
                role.zip(self.find(Fact::Acts(subject))).into_iter().collect()
            }
            HeldBy::Made(_) => {
                let role = |fact: u32| match self.facts[fact as usize] {
                    Fact::Right(role, _, _) => Some((role, fact)),
                    _ => None,
                };
                self.serving(held).into_iter().filter_map(role).collect()
            }
            HeldBy::Role(_) => Vec::new(),
        }
    }

    /// Adds a way to make a request, and what follows from it.
    pub(in crate::rules) fn asked(
        &mut self,
        request: RequestIx,
        site: Site,
        needs: Vec<u32>,
        how: How,
        under: Vec<(RoleKey, u32)>,
    ) {
        let by = match how {
            How::Asks { by, .. } => by,
            How::Through { by, .. } => Some(by),
            _ => None,
        };
        if !self.leads(request, site) {
            return;
        }
        let fact = self.fact(Fact::Request(request, site));
        if self.step_to(needs, fact, how, None) {
            self.build(request, site, fact, by, under);
        }
    }

    /// Adds what follows from the step that was added last, a way to make a request.
    fn build(&mut self, request: RequestIx, site: Site, fact: u32, by: Option<Subject>, under: Vec<(RoleKey, u32)>) {
        // That a technique asks for it is no way to make it.
        let first = self.asked.insert(fact);
        let (technique, within) = self.rights.technique(request);
        if let Some(build) = technique.build {
            let step = self.count() - 1;
            build(self, Done { within, technique, fact, by, step, site, first, under });
        }
    }

    /// Whether a request may lead anywhere there.
    pub(super) fn leads(&self, request: RequestIx, site: Site) -> bool {
        self.leads[usize::from(request.0)].admits(site)
    }

    /// The fact that one of the requests of a technique can be made, whether or not it ever is.
    pub(in crate::rules) fn asking(&mut self, technique: &Technique, within: usize, site: Site) -> u32 {
        let request = self.rights.requests().find(|&request| {
            let (of, at) = self.rights.technique(request);
            of.id == technique.id && at == within
        });
        self.fact(Fact::Request(request.unwrap_or(RequestIx(u16::MAX)), site))
    }

    /// The fact that a request can be made there and on this object, of all places and objects for which it can be made. Steps
    /// that need it name the object.
    pub(in crate::rules) fn on(&mut self, done: &Done, place: Place, object: Option<Name>) -> u32 {
        let Fact::Request(request, _) = self.facts[done.fact as usize] else { return done.fact };
        let site = Site { place, object, ..done.site };
        if site == done.site {
            return done.fact;
        }
        let narrow = Fact::Request(request, site);
        self.follows(vec![done.fact], narrow);
        self.fact(narrow)
    }

    /// What it takes to change an object by one of the requests of `changes!`; nothing does by reading alone. Each object that can
    /// be changed has to be asked for, whichever request it is.
    pub(in crate::rules) fn changes(
        &mut self,
        done: &Done,
        change: Change,
        place: Place,
        object: Name,
    ) -> Option<Vec<u32>> {
        let fact = self.on(done, place, Some(object));
        match change {
            Change::Patch => Some(vec![fact]),
            Change::Update => {
                let site = Site { place, object: Some(object), other: None };
                let read = self.asking(done.technique, done.within + 1, site);
                Some(vec![fact, read])
            }
            Change::Read => None,
        }
    }

    /// What a subject holds itself, and what it holds by its groups.
    pub(in crate::rules) fn held_by(&self, subject: Subject) -> (Vec<Held>, Vec<Vec<Held>>) {
        (self.held(subject), self.groups(subject).iter().map(|&group| self.held(group)).collect())
    }

    /// What can be given to every identity, and which rights these are.
    pub(in crate::rules) fn made(&self) -> (&[Held], Mask) {
        (&self.made, self.made_mask)
    }
}
