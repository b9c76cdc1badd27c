//! Identities that are put together: one request that impersonates, or one certificate, carries a name and groups, and is judged by
//! the rights of all of them.
//!
//! What one part may do alone follows from acting as that part. Here is looked for what takes several: only requests of several
//! rights do, so those are asked for, once for all who can put together the same. Rights only add up, so nothing is lost by taking
//! all groups that somebody can have at once; which of them a request needs is said by the grants of its rights. Names are tried
//! one by one, since a request carries one, and only against what the groups lack. O(pools times names), and nothing at all where
//! nobody can put anything together.

use std::collections::BTreeSet;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{bind_held_role, impersonate_group};
use crate::model::{ANONYMOUS, AUTHENTICATED, MASTERS, Name, Subject, is_account_name};
use crate::rules::attack::{Attack, Effect, Fact, How, Place, Who, role_key};
use crate::rules::held::{Held, HeldBy, Mask, RequestIx, Rights, Site, Way};

/// An identity that one request puts together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::rules) struct Party {
    /// Whose name it carries; none where any will do.
    name: Option<Subject>,
    groups: Vec<Subject>,
    /// Whether it has credentials, and may impersonate others.
    credentials: bool,
}

impl Party {
    /// All parts, the name first.
    pub(in crate::rules) fn parts(&self) -> impl Iterator<Item = Subject> {
        self.name.into_iter().chain(self.groups.iter().copied())
    }
}

/// What somebody can put together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Pool {
    names: BTreeSet<Who>,
    groups: BTreeSet<Subject>,
    credentials: bool,
}

/// What is known of identities that are put together.
#[derive(Default)]
pub(in crate::rules) struct Joint {
    parties: Vec<Party>,
    numbers: FxHashMap<Party, u32>,
    pools: FxHashMap<Pool, u32>,
    /// How much there was to give to everybody when a pool was looked at last.
    looked_at: FxHashMap<u32, usize>,
}

impl Joint {
    /// The identity of a number.
    pub(in crate::rules) fn party(&self, number: u32) -> Option<&Party> {
        self.parties.get(number as usize)
    }

    fn number(&mut self, party: Party) -> u32 {
        let next = u32::try_from(self.parties.len()).unwrap_or(u32::MAX);
        let parties = &mut self.parties;
        *self.numbers.entry(party).or_insert_with_key(|party| {
            parties.push(party.clone());
            next
        })
    }

    fn pool(&mut self, pool: &Pool) -> u32 {
        let next = u32::try_from(self.pools.len()).unwrap_or(u32::MAX);
        *self.pools.entry(pool.clone()).or_insert(next)
    }
}

/// A request that somebody makes whom a pool can be put together to.
struct Joined {
    party: Party,
    request: RequestIx,
    way: Way,
}

/// The rights to impersonate that somebody holds, as far as they can be put together: each group with what allows it, and each
/// name.
struct Lent {
    groups: Vec<(Name, Held)>,
    names: Vec<(Who, Held)>,
}

/// Looks for what identities can do that are put together.
pub(in crate::rules) fn join(attack: &mut Attack<'_>) {
    if let Some(any) = attack.find(Fact::AnyTogether) {
        let pool = all(attack);
        for joined in unless_looked_at(attack, &pool) {
            add(attack, &joined, any);
        }
    }
    let requests: Vec<RequestIx> = attack
        .rights
        .requests()
        .filter(|&request| attack.rights.technique(request).0.id == impersonate_group::TECHNIQUE.id)
        .filter(|&request| attack.rights.is_granted(request))
        .collect();
    if requests.is_empty() {
        return;
    }
    let groups: Mask = requests.iter().filter_map(|&request| attack.rights.of(request).first().copied()).collect();
    let all: Mask = requests.iter().flat_map(|&request| attack.rights.of(request)).copied().collect();
    let to_impersonate = to_impersonate(attack);
    for by in attack.identities_with(groups) {
        let held = attack.held_of(by, to_impersonate);
        let Some(lent) = lent(attack, &held) else { continue };
        let pool = pool_of(attack, &lent);
        let fact = Fact::Pool(attack.joint.pool(&pool));
        add_all(attack, &pool, fact);
        if attack.find(fact).is_some() {
            let identity = attack.fact(Fact::Identity(by));
            attack.step(vec![identity], fact, joins(Some(by), &lent));
        }
    }
    let made = attack.made();
    if !made.1.and(all).is_empty() {
        let made: Vec<Held> = made.0.iter().copied().filter(|held| held.is_of(to_impersonate)).collect();
        for by in attack.identities_with(all).into_iter().map(Some).chain([None]) {
            join_made(attack, by, to_impersonate, &made);
        }
    }
}

/// The same for those who can be given rights to impersonate on the way.
fn join_made(attack: &mut Attack<'_>, by: Option<Subject>, to_impersonate: Mask, made: &[Held]) {
    let mut held = by.map(|by| attack.held_of(by, to_impersonate)).unwrap_or_default();
    held.extend_from_slice(made);
    let Some(lent) = lent(attack, &held) else { return };
    let pool = pool_of(attack, &lent);
    for joined in joined(attack, &pool) {
        let (groups, names) = (lent.groups.clone(), lent.names.clone());
        let parts: Vec<(Name, Held)> =
            groups.into_iter().filter(|&(name, _)| joined.party.groups.contains(&Subject::Group(name))).collect();
        let fits = |who: Who| joined.party.name.is_none_or(|name| is_of(who, name));
        let name = names.into_iter().find(|&(who, _)| fits(who));
        let mut own = Lent { groups: parts, names: name.into_iter().collect() };
        let mut needs: Vec<u32> = by.map(|by| attack.fact(Fact::Identity(by))).into_iter().collect();
        for held in own.groups.iter_mut().map(|(_, held)| held).chain(own.names.iter_mut().map(|(_, held)| held)) {
            if let HeldBy::Made(_) = held.source {
                let can = attack.can(held.key());
                held.source = HeldBy::Made(can);
                needs.push(can);
            }
        }
        let exact = pool_of(attack, &own);
        let fact = Fact::Pool(attack.joint.pool(&exact));
        attack.step(needs, fact, joins(by, &own));
        let id = attack.fact(fact);
        add(attack, &joined, id);
    }
}

/// How the rights to impersonate are used at once.
fn joins(by: Option<Subject>, lent: &Lent) -> How {
    How::Joins {
        by,
        groups: lent.groups.iter().map(|&(_, held)| held).collect(),
        names: lent.names.iter().map(|&(_, held)| held).collect(),
    }
}

/// The rights to impersonate, as they were before 1.36.
fn to_impersonate(attack: &Attack<'_>) -> Mask {
    attack.rights.that(|right| right.verbs == ["impersonate"] && right.api_group.is_empty())
}

/// What of these rights to impersonate goes into one request; none where nothing does, and for whoever can be in system:masters,
/// which has everything by itself. Grants that were read come before rights that are made on the way.
fn lent(attack: &Attack<'_>, held: &[Held]) -> Option<Lent> {
    let (mut groups, mut names) = (Vec::new(), Vec::new());
    let resource = |held: Held| attack.rights.right(held.key().0).resource;
    for &held in held.iter().filter(|&&held| resource(held) == "groups" && held.key().1 == Place::Cluster) {
        let name = held.key().2.filter(|&name| attack.graph.text(name) != MASTERS)?;
        groups.push((name, held));
    }
    if groups.is_empty() {
        return None;
    }
    for &held in held {
        let (_, place, name) = held.key();
        match (resource(held), name) {
            ("users", None) if place == Place::Cluster => names.push((Who::Users, held)),
            ("users", Some(name)) if place == Place::Cluster && is_user(attack, name) => {
                names.push((Who::One(Subject::User(name)), held));
            }
            ("serviceaccounts", name) => {
                let place = if place == Place::Cluster { Place::EachNamespace } else { place };
                match (place, name) {
                    (_, None) => names.push((Who::Accounts(place), held)),
                    (_, Some(name)) if !is_account_name(attack.graph.text(name)) => {}
                    (Place::Namespace(namespace), Some(name)) => {
                        names.push((Who::One(Subject::ServiceAccount { namespace, name }), held));
                    }
                    (_, name) => {
                        let all = attack.accounts_in(place, name);
                        names.extend(all.into_iter().map(|account| (Who::One(account), held)));
                    }
                }
            }
            _ => {}
        }
    }
    groups.sort_by_key(|&(name, held)| (name, held.source));
    groups.dedup_by_key(|&mut (name, _)| name);
    names.sort_by_key(|&(who, held)| (who, held.source));
    names.dedup_by_key(|&mut (who, _)| who);
    (!names.is_empty()).then_some(Lent { groups, names })
}

/// Whether a request can carry this as the name of a user: an account is none, and whoever is anonymous is in no group but one.
fn is_user(attack: &Attack<'_>, name: Name) -> bool {
    let text = attack.graph.text(name);
    text != ANONYMOUS && matches!(Subject::find_user(&attack.graph.snapshot().names, text), Some(Subject::User(_)))
}

/// Whether a right to take names is one to take this one.
fn is_of(who: Who, name: Subject) -> bool {
    match (who, name) {
        (Who::Users, Subject::User(_)) => true,
        (Who::Accounts(place), Subject::ServiceAccount { namespace, .. }) => place.has(namespace),
        (Who::One(one), name) => one == name,
        _ => false,
    }
}

/// Of the rights to take names the first that is one to take this one, or any name.
pub(in crate::rules) fn names_it(attack: &Attack<'_>, names: &[Held], name: Option<Subject>) -> Option<Held> {
    let fits = |held: &&Held| {
        let Some(wanted) = name else { return true };
        let (number, place, only) = held.key();
        let resource = attack.rights.right(number).resource;
        match wanted {
            Subject::User(own) => resource == "users" && only.is_none_or(|only| only == own),
            Subject::ServiceAccount { namespace, name } => {
                resource == "serviceaccounts" && place.has(namespace) && only.is_none_or(|only| only == name)
            }
            Subject::Group(_) => false,
        }
    };
    names.iter().find(fits).copied()
}

fn pool_of(attack: &Attack<'_>, lent: &Lent) -> Pool {
    let groups = lent.groups.iter().map(|&(name, _)| Subject::Group(name));
    Pool {
        names: lent.names.iter().map(|&(who, _)| who).collect(),
        // Whoever holds nothing adds nothing.
        groups: groups.filter(|&group| !attack.grants(group).is_empty()).collect(),
        credentials: false,
    }
}

/// What a certificate can name: everything but system:masters.
fn all(attack: &Attack<'_>) -> Pool {
    let groups = attack.granted(|subject| matches!(subject, Subject::Group(_)));
    let names = [Who::Users, Who::Accounts(Place::EachNamespace)].into();
    Pool { names, groups: groups.into_iter().collect(), credentials: true }
}

/// Adds what comes of a pool, unless that was done; without anything the pool is no fact.
fn add_all(attack: &mut Attack<'_>, pool: &Pool, fact: Fact) {
    let number = attack.joint.pool(pool);
    if attack.joint.looked_at.get(&number) == Some(&attack.made().0.len()) {
        return;
    }
    for joined in unless_looked_at(attack, pool) {
        let id = attack.fact(fact);
        add(attack, &joined, id);
    }
    let names = names(attack, pool);
    bind_held_role::share_joined(attack, &pool.groups, &names, |attack, parts| {
        let (groups, names): (Vec<Subject>, Vec<Subject>) =
            parts.iter().partition(|part| matches!(part, Subject::Group(_)));
        let party = Party { name: names.first().copied(), groups, credentials: pool.credentials };
        let id = attack.fact(fact);
        act_as(attack, &party, id)
    });
}

/// What comes of a pool that was not looked at since there was so much to give to everybody.
fn unless_looked_at(attack: &mut Attack<'_>, pool: &Pool) -> Vec<Joined> {
    let number = attack.joint.pool(pool);
    let made = attack.made().0.len();
    if attack.joint.looked_at.insert(number, made) == Some(made) { Vec::new() } else { joined(attack, pool) }
}

/// Adds that whoever has a fact acts as an identity that is put together.
fn act_as(attack: &mut Attack<'_>, party: &Party, by: u32) -> u32 {
    let together = Fact::Together(attack.joint.number(party.clone()));
    if let Some(first) = party.parts().next() {
        if party.credentials {
            attack.chooses(by, Effect::ActAs(first), together);
        } else {
            attack.does(&impersonate_group::TECHNIQUE, vec![by], Effect::ActAs(first), together);
        }
    }
    attack.fact(together)
}

/// Adds one request of an identity that is put together by whoever has a fact.
fn add(attack: &mut Attack<'_>, joined: &Joined, by: u32) {
    let Joined { party, request, way } = joined;
    let id = act_as(attack, party, by);
    let (mut needs, held) = attack.needs_of(None, *request, way);
    needs.push(id);
    // Whoever rewrites a role has to be under it.
    let under = match held.first().filter(|_| attack.rights.is_rewriting(*request)) {
        Some(&Held { source: HeldBy::Grant { binding, .. }, .. }) => {
            role_key(attack.graph, binding).map(|role| (role, id)).into_iter().collect()
        }
        Some(&first) => attack.under(first),
        None => Vec::new(),
    };
    let how = How::Asks { request: *request, site: way.site, by: None, held };
    attack.asked(*request, way.site, needs, how, under);
}

/// The requests that somebody makes who can be put together of a pool, and that no part of it makes alone; each once.
fn joined(attack: &Attack<'_>, pool: &Pool) -> Vec<Joined> {
    let implied = attack.graph.snapshot().names.find(AUTHENTICATED).map(Subject::Group);
    let own = |subject: Subject| attack.held_by(subject).0;
    let mut groups: Vec<Held> = pool.groups.iter().flat_map(|&group| own(group)).collect();
    groups.sort_unstable();
    let implied_held: Vec<Held> = implied.into_iter().flat_map(own).collect();
    let (made, made_mask) = attack.made();
    let others = Rights::mask(&implied_held).with(made_mask);
    let of_groups = Rights::mask(&groups);
    let requests: Vec<RequestIx> = attack
        .rights
        .several()
        .iter()
        .copied()
        .filter(|&request| {
            attack.rights.is_shared(request)
                && (pool.credentials || !attack.rights.asked(request).impersonates())
                && !attack.rights.mask_of(request).and(of_groups).is_empty()
                && !attack.rights.is_more_by_post(request, Mask::default())
        })
        .collect();
    let mut found: Vec<Joined> = Vec::new();
    let mut seen: FxHashSet<(RequestIx, Site)> = FxHashSet::default();
    let mut consider = |name: Option<Subject>, request: RequestIx, ways: Vec<Way>| {
        for way in ways {
            let mut parts = parts(&way, implied);
            if parts.len() < 2 || seen.contains(&(request, way.site)) {
                continue;
            }
            let ways_of = |parts: &[Subject]| {
                let mut held: Vec<Held> = parts.iter().flat_map(|&part| own(part)).collect();
                held.sort_unstable();
                if !attack.rights.may_be_made(request, Rights::mask(&held), Rights::mask(&held).with(others)) {
                    return None;
                }
                let ways = attack.rights.ways(request, &held, &[&implied_held], made);
                ways.into_iter().find(|other| other.site == way.site || other.site.covers(way.site))
            };
            let mut singles = name.into_iter().chain(pool.groups.iter().copied());
            if singles.any(|one| ways_of(&[one]).is_some()) {
                continue;
            }
            // None more than it takes.
            let mut way = way.clone();
            let mut at = 0;
            while parts.len() > 2 && at < parts.len() {
                let mut fewer = parts.clone();
                fewer.remove(at);
                match ways_of(&fewer).filter(|other| other.site == way.site) {
                    Some(other) => (way, parts) = (other, fewer),
                    None => at += 1,
                }
            }
            seen.insert((request, way.site));
            let (groups, names) = parts.into_iter().partition(|part| matches!(part, Subject::Group(_)));
            let names: Vec<Subject> = names;
            let party = Party { name: names.first().copied(), groups, credentials: pool.credentials };
            found.push(Joined { party, request, way });
        }
    };
    for &request in &requests {
        if attack.rights.may_be_made(request, of_groups, of_groups.with(others)) {
            consider(None, request, attack.rights.ways(request, &groups, &[&implied_held], made));
        }
    }
    if requests.is_empty() {
        return found;
    }
    for name in names(attack, pool) {
        let grants = attack.grants(name).iter();
        let mask = grants.fold(Mask::default(), |mask, grant| mask.with(attack.plan(grant.role, grant.place).some));
        if mask.is_empty() {
            continue;
        }
        let all = mask.with(of_groups).with(others);
        for &request in requests.iter().filter(|&&request| attack.rights.may_be_made(request, mask, all)) {
            let ways = attack.rights.ways(request, &own(name), &[&groups, &implied_held], made);
            consider(Some(name), request, ways);
        }
    }
    found
}

/// Everybody whose grants a way uses, but for the group that everybody is in.
fn parts(way: &Way, implied: Option<Subject>) -> Vec<Subject> {
    let parts: BTreeSet<Subject> = way.held.iter().filter_map(|held| held.by()).collect();
    parts.into_iter().filter(|&part| Some(part) != implied).collect()
}

/// The names of a pool that something is granted to.
fn names(attack: &Attack<'_>, pool: &Pool) -> BTreeSet<Subject> {
    let mut all: BTreeSet<Subject> = BTreeSet::new();
    for &who in &pool.names {
        match who {
            Who::Users => all.extend(attack.granted(|subject| matches!(subject, Subject::User(_)))),
            Who::Accounts(place) => all.extend(attack.accounts_in(place, None)),
            Who::One(subject) => {
                all.insert(subject);
            }
            Who::Groups => {}
        }
    }
    all.retain(|&name| match name {
        Subject::User(user) => is_user(attack, user),
        Subject::ServiceAccount { .. } => true,
        Subject::Group(_) => false,
    });
    all
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::super::world::{check, graph};
    use crate::model::{ClusterId, Name, Subject};
    use crate::rules::{Ask, Effect, Finding, StepDone, escalations, replay};

    #[test]
    fn a_request_of_three_rights_takes_no_more_parts_than_it_needs() {
        let world = |three: &str| {
            format!(
                "role i: impersonate users bob; impersonate groups dev,ops,qa,web
                 role b: bind clusterroles.rbac
                 role c: create clusterrolebindings.rbac one
                 role p: patch clusterrolebindings.rbac one
                 bind i user:alice
                 bind b group:dev
                 bind c group:ops
                 bind p {three}"
            )
        };
        check(&world("group:qa"), "alice -> cluster-admin: impersonate-group, bind-role");
        check(&world("user:bob"), "alice -> cluster-admin: impersonate-group, bind-role");
        check(&world("user:carol"), "");
        check(&world("group:sre"), "");
        let found = first(&world("group:qa group:web"));
        assert_eq!(found.steps[0].with.len(), 2, "{found:#?}");
        // Whom everybody is in comes by itself.
        check(&world("group:system:authenticated"), "alice -> cluster-admin: impersonate-group, bind-role");
        assert_eq!(first(&world("group:system:authenticated")).steps[0].with.len(), 1);
    }

    #[test]
    fn whoever_holds_all_of_it_is_one_identity_by_itself() {
        let world = "role i: impersonate users bob; impersonate groups dev,ops,qa
             role b: escalate clusterroles.rbac
             role c: patch clusterroles.rbac
             bind i user:alice
             bind b group:dev group:qa
             bind c group:ops group:qa";
        let found = escalations(&graph(world), &Ask::default()).findings;
        let path = found.iter().find(|finding| finding.moves() == 2).unwrap();
        assert!(path.steps[0].with.is_empty(), "{path:#?}");
    }

    #[test]
    fn rights_in_two_namespaces_make_no_request() {
        let world = |one: &str, other: &str| {
            format!(
                "role i: impersonate users nobody; impersonate groups dev,ops
                 role b: bind clusterroles.rbac
                 role c: create rolebindings.rbac
                 bind i user:alice
                 bind {one}b=b group:dev
                 bind {other}c=c group:ops"
            )
        };
        let found = "alice -> admin of one: impersonate-group, bind-role, namespace-admin
             alice -> any node: impersonate-group, bind-role, pod-create, relax-pod-security, privileged-pod";
        check(&world("one/", "one/"), found);
        check(&world("", "one/"), found);
        check(&world("two/", "one/"), "");
    }

    #[test]
    fn what_is_held_of_a_namespace_adds_up() {
        check(
            "role i: impersonate users nobody; impersonate groups dev,ops
             role a: create roles.rbac; create rolebindings.rbac
             role b: list secrets; create pods
             bind i user:alice
             bind one/a=a group:dev
             bind one/b=b group:ops",
            "alice -> admin of one: impersonate-group, namespace-admin",
        );
    }

    #[test]
    fn the_right_to_a_group_may_be_given_on_the_way() {
        let world = |last: &str| {
            format!(
                "role i: impersonate users nobody; impersonate groups dev
                 role more: impersonate groups ops
                 role g: bind clusterroles.rbac {last}; create clusterrolebindings.rbac
                 role b: escalate clusterroles.rbac
                 role c: patch clusterroles.rbac
                 bind i user:alice
                 bind g user:alice
                 bind b group:dev
                 bind c group:ops"
            )
        };
        check(&world("more"), "alice -> cluster-admin: bind-role, impersonate-group, escalate-role");
        check(&world("other"), "");
    }

    #[test]
    fn whoever_is_impersonated_impersonates_nobody_and_who_has_a_certificate_does() {
        let halves = "role a: impersonate users nobody
             role b: impersonate groups dev
             role big: * *.*
             bind a group:one
             bind b group:two
             bind big group:dev
             ";
        check(&[halves, "role i: impersonate users x; impersonate groups one,two\nbind i user:alice"].concat(), "");
        let approver = "role c: create certificatesigningrequests.certificates.k8s.io
             role d: update certificatesigningrequests/approval.certificates.k8s.io; approve signers.certificates.k8s.io
             role e: bind clusterroles.rbac
             role f: create clusterrolebindings.rbac
             bind c user:alice
             bind d user:alice
             ";
        let groups = "bind e group:one\nbind f group:two";
        check(&[approver, groups].concat(), "alice -> cluster-admin: csr-approve, bind-role");
        let impersonates = "role a: impersonate users nobody
             role b: impersonate groups system:masters
             bind a group:one
             bind b group:two";
        check(
            &[approver, impersonates].concat(),
            "alice -> cluster-admin: csr-approve, impersonate-group, system-masters",
        );
    }

    #[test]
    fn what_one_part_holds_is_bound_by_another_one() {
        let world = |binder: &str, owner: &str| {
            format!(
                "role i: impersonate users nobody,bob,carol; impersonate groups dev,ops
                 role w: create clusterrolebindings.rbac
                 role m: impersonate groups system:masters
                 bind i user:alice
                 bind w {binder}
                 bind m {owner}"
            )
        };
        let found = "alice -> cluster-admin: impersonate-group, bind-held-role, impersonate-group, system-masters";
        check(&world("group:dev", "group:ops"), found);
        check(&world("user:bob", "group:ops"), found);
        check(&world("group:dev", "user:bob"), found);
        // One request carries one name, and no group that is not asked for.
        check(&world("user:bob", "user:carol"), "");
        check(&world("group:dev", "group:qa"), "");
        check(&world("dev/w=w group:dev", "group:ops").replace("bind w dev/w=w", "bind dev/w=w"), "");
    }

    #[test]
    fn several_who_put_together_the_same_are_one_finding() {
        check(
            "role i: impersonate users nobody; impersonate groups dev,ops
             role b: escalate clusterroles.rbac
             role c: patch clusterroles.rbac
             bind i user:alice user:carol
             bind b group:dev
             bind c group:ops",
            "alice carol -> cluster-admin: impersonate-group, escalate-role",
        );
    }

    fn first(world: &str) -> Finding {
        escalations(&graph(world), &Ask::default()).findings.into_iter().next().unwrap()
    }

    const TOGETHER: &str = "role i: impersonate users bob,carol; impersonate groups dev,ops
         role b: escalate clusterroles.rbac
         role c: patch clusterroles.rbac
         bind i user:alice
         bind b group:dev
         bind c group:ops
         bind small user:dan group:qa
         role small: get pods";

    #[test]
    fn a_step_that_puts_together_what_it_may_not_is_refused() {
        let graph = graph(TOGETHER);
        let found = escalations(&graph, &Ask::default()).findings.remove(0);
        let user = |name: &str| Subject::User(graph.snapshot().names.find(name).unwrap());
        let group = |name: &str| Subject::Group(graph.snapshot().names.find(name).unwrap());
        let done = |change: &dyn Fn(&mut StepDone)| {
            let mut changed = found.clone();
            change(Rc::make_mut(&mut changed.steps[0]));
            replay(&graph, ClusterId::FIRST, changed.from[0], &changed)
        };
        assert_eq!(done(&|_| {}), Ok(()));
        // What is not asked for is not had, and two names are one too many.
        let refused: [&dyn Fn(&mut StepDone); 7] = [
            &|step| step.with.clear(),
            &|step| step.with = vec![group("qa")],
            &|step| step.with.push(user("dan")),
            &|step| step.with.extend([user("bob"), user("carol")]),
            &|step| step.effect = Effect::ActAs(group("qa")),
            &|step| {
                let rights = &mut step.requests[0].rights;
                rights.retain(|right| right.resource != "users");
            },
            &|step| {
                for right in &mut step.requests[0].rights {
                    right.name = right.name.filter(|_| right.resource == "users").or(Some(Name::EMPTY));
                }
            },
        ];
        for (at, change) in refused.iter().enumerate() {
            assert!(done(change).is_err(), "{at}");
        }
    }
}
