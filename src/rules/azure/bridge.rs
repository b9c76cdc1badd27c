//! What the techniques of Azure look things up in: the Azure graph, what ASO acts with, and who may do what where.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::facts::{Changed, KindSetIx, Power, Sure, Types, Who};
use super::writers::{KindSet, Writers};
use crate::graph::AccessGraph;
use crate::graph::azure::{
    AssignmentIx, AzureDecision, AzureGrant, AzureGraph, AzurePlace, AzureQuestion, AzureRoleIx, ClusterIx, DenyIx,
    IdentityIx, Membership, PrincipalIx, PrincipalNode, ScopeIx,
};
use crate::model::azure::{
    Alternative, Assigned, AzureCluster, ClusterKind, Effect, Plane, PrincipalKind, Request as RoleRequest,
    RoleDefinition, assigns_roles, guard_parts, guard_prefix, guard_scopes, management_group,
};
use crate::model::{ASO_WORKLOAD_ACCOUNT, AsoKind, AsoResource, AsoSpec, KindIx, Name, Subject, is_copied_to};
use crate::query::{Aso, AsoOptions, CredentialIx, CredentialKind, Outcome, TokenMode, this_cluster};
use crate::rules::attack::{Attack, Fact, Place};
use crate::rules::solve::Ask;
use crate::rules::technique::Blocker;

/// The roles that give all others, by GUID: Owner, User Access Administrator, Role Based Access Control Administrator
/// (<https://learn.microsoft.com/azure/role-based-access-control/built-in-roles>).
const PRIVILEGED: [&str; 3] = [
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
];
/// The role that writes everything but roles.
const CONTRIBUTOR: &str = "b24988ac-6180-42a0-ab88-20f7382dd24c";

/// The kubeconfig of an AKS cluster for its users. With Entra it says where the cluster is and no more; without, it is that of an
/// administrator (<https://learn.microsoft.com/azure/aks/control-kubeconfig-access>).
pub(super) const USER_CREDENTIAL: &str = "Microsoft.ContainerService/managedClusters/listClusterUserCredential/action";

/// The tunnel to a cluster that is connected by Arc. It says where the API server is and lets requests through; what they may do is decided
/// in the cluster (<https://learn.microsoft.com/azure/azure-arc/kubernetes/cluster-connect>).
pub(super) const TUNNEL: &str = "Microsoft.Kubernetes/connectedClusters/listClusterUserCredential/action";

/// The right to delete deny assignments, of which Azure keeps its own
/// (<https://learn.microsoft.com/azure/role-based-access-control/deny-assignments>).
pub(super) const DELETE_DENIALS: &str = "Microsoft.Authorization/denyAssignments/delete";

/// Which deny assignments count for somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denials {
    /// All.
    Stand,
    /// All but one, or without one all but those that they may delete.
    Deleted(Option<DenyIx>),
}

/// Somewhere that somebody may do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Allowed {
    /// Where, and in all that is in it.
    pub(super) scope: ScopeIx,
    /// By which assignment.
    pub(super) assignment: AssignmentIx,
    pub(super) sure: Sure,
    /// Whether nothing is denied anywhere in it.
    pub(super) whole: bool,
    /// What of the deny assignments counted.
    pub(super) denials: Denials,
}

/// What a role allows, as far as power goes.
#[derive(Clone, Debug, Default)]
struct RolePower {
    /// The kinds of ASO whose resources it may write.
    kinds: Vec<KindIx>,
    /// Whether those are all there are, but for role assignments and the like.
    all: bool,
    keys: bool,
    anything: bool,
    /// The most that it comes to with a token.
    alone: Option<(Power, Option<Types>)>,
}

/// A role assignment that reaches a principal, and the group that it comes by.
type Reaching = (AssignmentIx, Option<Membership>);

/// The most that a role comes to, and on which types where it is limited to some.
type Most = (Power, Option<Types>);

/// What was found once.
type Known<K, V> = RefCell<FxHashMap<K, V>>;

/// The Azure side of an attack graph.
pub(super) struct Facts<'g> {
    pub(super) graph: AzureGraph<'g>,
    questions: Known<(Plane, String), Rc<AzureQuestion>>,
    assignments: Known<PrincipalIx, Rc<[Reaching]>>,
    allowed: Known<(PrincipalIx, String), Rc<[Allowed]>>,
    powers: Known<AzureRoleIx, Rc<RolePower>>,
    /// What roles come to through ASO on the kinds of a set.
    through: Known<(AzureRoleIx, KindSetIx), Option<Most>>,
    /// The key vaults that may have access policies, by scope; none where no vault was read.
    open_vaults: OnceCell<Option<Vec<ScopeIx>>>,
    /// The assignments that are taken to be gone.
    without: BTreeSet<AssignmentIx>,
    /// The deny assignments that each principal may delete, and what is asked once they are deleted.
    deletable: Known<PrincipalIx, Rc<[DenyIx]>>,
    questions_then: Known<(PrincipalIx, Option<DenyIx>, String), Rc<AzureQuestion>>,
}

impl<'g> Facts<'g> {
    pub(super) fn new(graph: AzureGraph<'g>, without: BTreeSet<AssignmentIx>) -> Facts<'g> {
        Facts {
            graph,
            questions: RefCell::default(),
            assignments: RefCell::default(),
            allowed: RefCell::default(),
            powers: RefCell::default(),
            through: RefCell::default(),
            open_vaults: OnceCell::new(),
            without,
            deletable: RefCell::default(),
            questions_then: RefCell::default(),
        }
    }

    /// The role assignments that reach a principal, but for those taken to be gone.
    fn assignments(&self, principal: PrincipalIx) -> Rc<[Reaching]> {
        if let Some(known) = self.assignments.borrow().get(&principal) {
            return Rc::clone(known);
        }
        let all = self.graph.assignments_of(principal).into_iter();
        let found: Rc<[Reaching]> = all.filter(|(one, _)| !self.without.contains(one)).collect();
        self.assignments.borrow_mut().insert(principal, Rc::clone(&found));
        found
    }

    fn question(&self, action: &str, plane: Plane) -> Rc<AzureQuestion> {
        let key = (plane, action.to_owned());
        if let Some(known) = self.questions.borrow().get(&key) {
            return Rc::clone(known);
        }
        let question = Rc::new(self.graph.question(action, plane));
        self.questions.borrow_mut().insert(key, Rc::clone(&question));
        question
    }

    /// Whether a principal may do something that the cluster asks Azure about, in a scope of it.
    fn allowed_data(&self, principal: PrincipalIx, action: &str, place: AzurePlace) -> Option<(Sure, AssignmentIx)> {
        self.surest(principal, &self.question(action, Plane::Data), place)
    }

    /// How surely a principal may do something at a place, and by which assignment.
    fn surest(
        &self,
        principal: PrincipalIx,
        question: &AzureQuestion,
        place: AzurePlace,
    ) -> Option<(Sure, AssignmentIx)> {
        let verdict = self.graph.decide_by(principal, &self.assignments(principal), question, place);
        let node = self.graph.principal(principal);
        let sure = |grant: &AzureGrant| Some((sureness(grant, &question.action, node)?, grant.assignment));
        verdict.grants.iter().filter_map(sure).min()
    }

    /// The deny assignments that a principal may delete: what they deny may be that, too, and Azure keeps its own.
    pub(super) fn deletable(&self, principal: PrincipalIx) -> Rc<[DenyIx]> {
        if let Some(known) = self.deletable.borrow().get(&principal) {
            return Rc::clone(known);
        }
        let may = |&deny: &DenyIx| {
            let read = self.graph.deny(deny);
            let at = || self.allowed_at(principal, &[DELETE_DENIALS], self.graph.deny_scope(deny));
            read.enforced && !read.system_protected && at().is_some_and(|at| at.sure < Sure::Denied)
        };
        let found: Rc<[DenyIx]> = self.graph.denies().filter(may).collect();
        self.deletable.borrow_mut().insert(principal, Rc::clone(&found));
        found
    }

    /// The deny assignments that are about a principal, where it has roles, and that somebody might delete.
    pub(super) fn standing_in_the_way(&self, principal: PrincipalIx) -> Vec<DenyIx> {
        let graph = &self.graph;
        let assignments = self.assignments(principal);
        let is_near = |deny: ScopeIx| {
            let scopes = assignments.iter().map(|&(one, _)| graph.assigned_scope(one));
            scopes.into_iter().any(|own| graph.within(own, deny) || graph.within(deny, own))
        };
        let deletes = self.question(DELETE_DENIALS, Plane::Control);
        let mut found = graph.denies_about(principal);
        found.retain(|&deny| {
            let read = graph.deny(deny);
            let may = read.enforced && !read.system_protected && !graph.denies_everybody(deny, &deletes);
            may && is_near(graph.deny_scope(deny))
        });
        found
    }

    /// What a principal is asked about an action.
    fn question_of(&self, principal: PrincipalIx, action: &str, denials: Denials) -> Rc<AzureQuestion> {
        let now = self.question(action, Plane::Control);
        let Denials::Deleted(one) = denials else { return now };
        let gone = self.deleted(principal, one);
        let mut then = self.questions_then.borrow_mut();
        Rc::clone(then.entry((principal, one, action.to_owned())).or_insert_with(|| Rc::new(now.without(&gone))))
    }

    /// The deny assignments that a principal deletes: one of them, or all.
    fn deleted(&self, principal: PrincipalIx, one: Option<DenyIx>) -> Rc<[DenyIx]> {
        one.map_or_else(|| self.deletable(principal), |one| Rc::new([one]))
    }

    /// The scopes in which a principal may do all of these once what stops it there is deleted: one deny assignment, or all that they
    /// may delete.
    pub(super) fn allowed_then(&self, principal: PrincipalIx, actions: &[&str], one: Option<DenyIx>) -> Vec<Allowed> {
        let deleted = self.deleted(principal, one);
        let assignments = self.assignments(principal);
        let own = assignments.iter().map(|&(one, _)| self.graph.assigned_scope(one));
        let scopes = own.chain(deleted.iter().map(|&deny| self.graph.deny_scope(deny))).collect();
        let is_denied =
            |scope: ScopeIx| self.allowed_at(principal, actions, scope).is_some_and(|at| at.sure == Sure::Denied);
        let then = self.widest(principal, actions, scopes, Denials::Deleted(one)).into_iter();
        then.filter(|at| !at.whole || is_denied(at.scope)).collect()
    }

    /// The scopes in which a principal may do all of these, none inside another that is as sure.
    pub(super) fn allowed(&self, principal: PrincipalIx, actions: &[&str]) -> Rc<[Allowed]> {
        let key = (principal, actions.join(" "));
        if let Some(known) = self.allowed.borrow().get(&key) {
            return Rc::clone(known);
        }
        let found: Rc<[Allowed]> =
            self.widest(principal, actions, self.places(principal, actions), Denials::Stand).into();
        #[cfg(test)]
        assert_eq!(&*found, self.allowed_slowly(principal, actions), "{actions:?}");
        self.allowed.borrow_mut().insert(key, Rc::clone(&found));
        found
    }

    /// The scopes that are worth asking about: those at which a principal has a role that gives one of these, but where what
    /// is denied or not known may make another one differ from the one above it.
    fn places(&self, principal: PrincipalIx, actions: &[&str]) -> BTreeSet<ScopeIx> {
        let graph = &self.graph;
        let questions: Vec<Rc<AzureQuestion>> =
            actions.iter().map(|action| self.question(action, Plane::Control)).collect();
        let assignments = self.assignments(principal);
        let gives = |one: AssignmentIx| questions.iter().any(|question| graph.may_give(one, question));
        let giving = assignments.iter().map(|&(one, _)| one).filter(|&one| gives(one));
        let mut places: BTreeSet<ScopeIx> = giving.map(|one| graph.assigned_scope(one)).collect();
        if places.is_empty() {
            return places;
        }
        let groups: Vec<ScopeIx> =
            places.iter().copied().filter(|&at| management_group(graph.scope_folded(at)).is_some()).collect();
        let like_above = |scope: ScopeIx| {
            let unknown = || groups.iter().any(|&group| !graph.within(group, scope)) && !graph.is_complete(scope);
            let nearest = graph.above(scope).find(|at| places.contains(at));
            !graph.is_denied_over(scope) && !nearest.is_some_and(|at| graph.is_denied_inside(at)) && !unknown()
        };
        let others = assignments.iter().map(|&(one, _)| graph.assigned_scope(one));
        let others: Vec<ScopeIx> = others.filter(|at| !places.contains(at) && !like_above(*at)).collect();
        places.extend(others);
        places
    }

    /// Those of some scopes in which a principal may do all of these, none inside another that is as sure.
    fn widest(
        &self,
        principal: PrincipalIx,
        actions: &[&str],
        scopes: BTreeSet<ScopeIx>,
        denials: Denials,
    ) -> Vec<Allowed> {
        let mut found: Vec<Allowed> = Vec::new();
        // A scope comes before what is in it.
        for scope in scopes {
            let Some(at) = self.allowed_if(principal, actions, scope, denials) else { continue };
            let inside = |wide: &Allowed| wide.sure <= at.sure && wide.whole && self.graph.within(wide.scope, scope);
            if !found.iter().any(inside) {
                found.push(at);
            }
        }
        found
    }

    /// The same as [`Facts::allowed`], asked about every scope at which the principal has any role.
    #[cfg(test)]
    fn allowed_slowly(&self, principal: PrincipalIx, actions: &[&str]) -> Vec<Allowed> {
        let all = self.graph.assignments_of(principal).into_iter();
        let scopes = all.map(|(one, _)| self.graph.assigned_scope(one)).collect();
        self.widest(principal, actions, scopes, Denials::Stand)
    }

    /// Whether a principal may do all of these in a scope.
    pub(super) fn allowed_at(&self, principal: PrincipalIx, actions: &[&str], scope: ScopeIx) -> Option<Allowed> {
        self.allowed_if(principal, actions, scope, Denials::Stand)
    }

    /// The same by the deny assignments that count.
    fn allowed_if(
        &self,
        principal: PrincipalIx,
        actions: &[&str],
        scope: ScopeIx,
        denials: Denials,
    ) -> Option<Allowed> {
        let mut least: Option<Allowed> = None;
        for action in actions {
            let question = self.question_of(principal, action, denials);
            let (sure, assignment) = self.surest(principal, &question, scope.into())?;
            let whole = least.is_none_or(|least| least.whole) && !self.graph.is_denied_inside(scope);
            let first = least.map_or(assignment, |least| least.assignment);
            let sure = least.map_or(sure, |least| least.sure.max(sure));
            least = Some(Allowed { scope, assignment: first, sure, whole, denials });
        }
        least
    }

    /// What a principal may do by its roles, in each scope that one of them is assigned in: by itself, or only on the kinds of a
    /// set.
    pub(super) fn powers(
        &self,
        principal: PrincipalIx,
        kinds: Option<(KindSetIx, &KindSet)>,
    ) -> Vec<(Allowed, Power, Option<Types>)> {
        let mut found = Vec::new();
        for &(assignment, through) in self.assignments(principal).iter() {
            let (read, scope) = (self.graph.assignment(assignment), self.graph.assigned_scope(assignment));
            let role = self.graph.assigned_role(assignment);
            let eligible = read.assigned == Assigned::Eligible || through.is_some_and(|through| through.eligible);
            let blocks = self.graph.role(role).blocks.iter().flatten();
            let conditional = read.condition.is_some()
                || blocks.into_iter().any(|&block| self.graph.block(block).condition.is_some());
            let sure = match (eligible, conditional) {
                (true, _) => Sure::Eligible,
                (false, true) => Sure::Conditional,
                (false, false) => Sure::Yes,
            };
            let Some((power, types)) = self.power(role, principal, scope, kinds) else { continue };
            let whole = !self.graph.is_denied_inside(scope);
            found.push((Allowed { scope, assignment, sure, whole, denials: Denials::Stand }, power, types));
        }
        found
    }

    /// The most that a role of a principal comes to in a scope.
    fn power(
        &self,
        role: AzureRoleIx,
        principal: PrincipalIx,
        scope: ScopeIx,
        kinds: Option<(KindSetIx, &KindSet)>,
    ) -> Option<(Power, Option<Types>)> {
        let own = self.role_power(role);
        if self.graph.is_denied_over(scope) {
            return self.left(&own, principal, scope).of(kinds.map(|(_, kinds)| kinds));
        }
        match kinds {
            None => own.alone,
            Some((set, kinds)) => *self.through.borrow_mut().entry((role, set)).or_insert_with(|| own.of(Some(kinds))),
        }
    }

    /// The custom roles that a principal holds by now, each with where it does.
    pub(super) fn custom_roles(&self, principal: PrincipalIx) -> Vec<(ScopeIx, &'g RoleDefinition)> {
        let facts = self.graph.facts();
        let assignments = self.assignments(principal);
        let held = assignments.iter().filter(|(assignment, through)| {
            let active = self.graph.assignment(*assignment).assigned == Assigned::Active;
            active && !through.is_some_and(|through| through.eligible)
        });
        let custom = |&(assignment, _): &Reaching| {
            let role = self.graph.role(self.graph.assigned_role(assignment));
            let id = if role.custom { &role.id } else { return None };
            let role = facts.roles.iter().find(|role| role.custom && role.id == *id)?;
            (!role.assignable_scopes.is_empty()).then(|| (self.graph.assigned_scope(assignment), role))
        };
        held.filter_map(custom).collect()
    }

    /// Whether some vault at or below a scope has access policies; none where no vault was read at all.
    pub(super) fn has_policies(&self, scope: ScopeIx) -> Option<bool> {
        let open = self.open_vaults.get_or_init(|| {
            let vaults = &self.graph.facts().vaults;
            let open = vaults.iter().filter(|vault| vault.azure_rbac != Some(true));
            let mut open: Vec<ScopeIx> = open.filter_map(|vault| self.graph.find_scope(&vault.id)).collect();
            open.sort_unstable();
            (!vaults.is_empty()).then_some(open)
        });
        let open = open.as_ref()?;
        let next = open.partition_point(|&at| at < scope);
        Some(open.get(next).is_some_and(|&at| self.graph.within(scope, at)))
    }

    /// What deny assignments leave of a role in a scope.
    fn left(&self, own: &RolePower, principal: PrincipalIx, scope: ScopeIx) -> RolePower {
        let writes = |kind: &KindIx| {
            let action = kind.facts().write_action();
            let allowed = action.and_then(|action| self.allowed_at(principal, &[&action], scope));
            allowed.is_some_and(|allowed| allowed.sure < Sure::Denied)
        };
        let kinds: Vec<KindIx> = own.kinds.iter().copied().filter(writes).collect();
        RolePower { all: is_usual(&kinds), kinds, ..*own }
    }

    fn role_power(&self, role: AzureRoleIx) -> Rc<RolePower> {
        if let Some(known) = self.powers.borrow().get(&role) {
            return Rc::clone(known);
        }
        let allows = |action: &str| {
            let question = self.question(action, Plane::Control);
            self.graph.role_allows(role, &question).effect.is_some()
        };
        // What gives rights is a power of its own.
        let writes = |kind: &KindIx| {
            let facts = kind.facts();
            !is_of_rights(facts) && facts.write_action().is_some_and(|action| allows(&action))
        };
        let kinds: Vec<KindIx> = KindIx::all().filter(writes).collect();
        let all = is_usual(&kinds);
        let blocks = self.graph.role(role).blocks.iter().flatten().map(|&block| self.graph.block(block));
        let (mut data, mut anything) = (false, false);
        for block in blocks {
            data |= !block.data_actions.is_empty();
            anything |= !block.actions.is_empty();
        }
        let keys = data
            || KindIx::all().any(|kind| {
                let actions = kind.facts().exports().map(|(_, actions)| actions);
                actions.is_some_and(|actions| actions.filter(|&action| action != USER_CREDENTIAL).any(allows))
            });
        let mut power = RolePower { kinds, all, keys, anything, alone: None };
        power.alone = power.of(None);
        let power = Rc::new(power);
        self.powers.borrow_mut().insert(role, Rc::clone(&power));
        power
    }
}

impl RolePower {
    /// The most that it comes to: with a token, or through ASO on some kinds.
    fn of(&self, kinds: Option<&KindSet>) -> Option<(Power, Option<Types>)> {
        let through = kinds.is_some();
        let all = kinds.is_none_or(|kinds| kinds.is_usual);
        let (first, count) = match kinds {
            None => (self.kinds.first(), self.kinds.len()),
            Some(own) => {
                let mut both = own.kinds.iter().filter(|kind| self.kinds.binary_search(kind).is_ok());
                (both.next(), 1 + both.count())
            }
        };
        match first {
            Some(_) if all && self.all => Some((Power::Contributor, None)),
            Some(&first) => {
                let more = u16::try_from(count - 1).unwrap_or(u16::MAX);
                Some((Power::Limited, Some(Types { first, more })))
            }
            None if through => None,
            None if self.keys => Some((Power::KeysAndData, None)),
            None => self.anything.then_some((Power::Read, None)),
        }
    }
}

/// Whether a sorted list has every kind but those of rights and subscriptions: as good as Contributor.
pub(super) fn is_usual(kinds: &[KindIx]) -> bool {
    let usual = |kind: &KindIx| {
        let facts = kind.facts();
        facts.arm_type.is_some()
            && !is_of_rights(facts)
            && !facts.is_downstream()
            && facts.group != "subscription.azure.com"
    };
    KindIx::all().filter(usual).all(|kind| kinds.binary_search(&kind).is_ok())
}

/// Whether resources of a kind say who may do what.
fn is_of_rights(facts: &AsoKind) -> bool {
    facts.arm_type.is_some_and(|own| own.starts_with("Microsoft.Authorization/"))
}

/// What stands beside a key in a sorted list.
fn of<K: Ord + Copy, V: Copy>(list: &[(K, V)], key: K) -> impl Iterator<Item = V> {
    let from = list.partition_point(|(own, _)| *own < key);
    list[from..].iter().take_while(move |(own, _)| *own == key).map(|&(_, value)| value)
}

/// How sure a grant is. For assigning roles, a condition counts by the roles that it lets be given: surely where one that gives all
/// others may be given to the principal itself, perhaps where it may be given to somebody or where it is Contributor, and not at all
/// where it is neither.
pub(in crate::rules) fn sureness(grant: &AzureGrant, action: &str, who: &PrincipalNode) -> Option<Sure> {
    match grant.decision {
        AzureDecision::Allowed => Some(Sure::Yes),
        AzureDecision::Conditional if assigns_roles(action) => {
            // Assignments call a managed identity a service principal too.
            let kind = match who.kind {
                PrincipalKind::ManagedIdentity => PrincipalKind::ServicePrincipal,
                kind => kind,
            };
            let own = |role| RoleRequest { role, principal: &who.object_id, kind: kind.as_str() };
            if PRIVILEGED.iter().any(|role| grant.effect.permits(own(role)) == Some(true)) {
                return Some(Sure::Yes);
            }
            let Effect::Depends(alternatives) = &grant.effect else { return Some(Sure::Conditional) };
            let gives = |one: &Alternative| PRIVILEGED.into_iter().chain([CONTRIBUTOR]).any(|role| one.roles.has(role));
            alternatives.iter().any(gives).then_some(Sure::Conditional)
        }
        AzureDecision::Conditional => Some(Sure::Conditional),
        AzureDecision::Unknown => Some(Sure::Unknown),
        AzureDecision::Eligible => Some(Sure::Eligible),
        AzureDecision::Denied => Some(Sure::Denied),
        AzureDecision::No => None,
    }
}

/// The kinds of ASO that run code with an identity that is attached to them.
pub(super) const ATTACHING: &[super::deed::Kind] = &[
    ("containerinstance.azure.com", "containergroups"),
    ("app.azure.com", "containerapps"),
    ("app.azure.com", "jobs"),
    ("compute.azure.com", "virtualmachines"),
    ("compute.azure.com", "virtualmachinescalesets"),
    ("web.azure.com", "sites"),
];

/// A credential that kubernetes-reflector copies from another namespace for whoever asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Copied {
    pub(super) credential: CredentialIx,
    /// The Secret that is copied, by its namespace and name.
    pub(super) from: (Name, Name),
    /// Whether the patterns of namespaces were all understood.
    pub(super) sure: bool,
}

/// What is in the images of kubernetes-reflector, new and old.
const REFLECTOR: [&str; 2] = ["emberstack/kubernetes-reflector", "emberstack/es.kubernetes.reflector"];

/// What joins a cluster, its ASO and Azure.
pub(in crate::rules) struct Bridge<'g> {
    pub(super) access: &'g AccessGraph,
    pub(super) aso: Aso<'g>,
    pub(super) azure: Facts<'g>,
    pub(super) writers: Writers,
    /// The AKS cluster that the attack graph is of, if it is known which one that is.
    pub(super) this_cluster: Option<ClusterIx>,
    /// Whether what cluster-admin leads to is looked for as well.
    pub(super) beyond_admin: bool,
    /// The accounts whose tokens identities accept, each with the identity, sorted; and the other way round.
    trusted: Vec<(Subject, Who)>,
    trusting: Vec<(Who, Subject)>,
    /// The accounts that may use identities which are bound to this cluster, each with the identity.
    bound: Vec<(Subject, Who)>,
    /// The accounts of both, each once.
    accounts: Vec<Subject>,
    identities: Known<ScopeIx, Rc<[(Who, ScopeIx)]>>,
    /// The identities of credentials that the Azure data do not speak of.
    elsewhere: BTreeSet<Who>,
    /// The names that resources of each kind have, with their namespaces.
    taken: OnceCell<FxHashSet<(KindIx, Name, Name)>>,
    /// What in the cluster's bindings somebody of the directory is called.
    named: OnceCell<FxHashMap<Who, Vec<Subject>>>,
    /// The database servers in each namespace, each with the kind of its users.
    servers: OnceCell<FxHashMap<Name, Vec<(KindIx, ScopeIx)>>>,
    /// The credentials that can be had in each namespace by having them copied there.
    copies: Known<Name, Rc<[Copied]>>,
    /// Whether there is anything that copies them.
    reflector: OnceCell<bool>,
    /// The resources of each kind, by namespace.
    resources: OnceCell<FxHashMap<KindIx, Vec<&'g AsoResource>>>,
    /// The resource group that the nodes of this cluster are in.
    node_group: OnceCell<Option<ScopeIx>>,
    /// Halves of steps, as far as the attack graph has grown: what can be written where, and what else namespaces give.
    pub(super) writes: RefCell<Vec<(KindSetIx, Place, u32)>>,
    pub(super) gives: RefCell<Vec<(Name, Fact, u32)>>,
    /// The same of steps that export from what is there, by namespace.
    pub(super) changes: Known<Name, Vec<(Changed, u32)>>,
    pub(super) reads: Known<Name, Vec<u32>>,
}

impl<'g> Bridge<'g> {
    /// None where neither ASO nor anything of Azure is known.
    pub(in crate::rules) fn new(access: &'g AccessGraph, ask: &Ask) -> Option<Bridge<'g>> {
        let snapshot = access.snapshot();
        let aso = Aso::new(access, ask.cluster, AsoOptions { assume: ask.assume });
        let facts = &snapshot.azure;
        if !facts.given && aso.operators().next().is_none() {
            return None;
        }
        let graph = access.azure();
        let installed = aso.installed();
        let kinds: Vec<KindIx> =
            if installed.complete || !installed.kinds.is_empty() { installed.kinds } else { KindIx::all().collect() };
        let this_cluster = this_cluster(access, &aso).map(|(at, _)| at);
        let trusted = super::cluster::trusted(access, &graph, this_cluster);
        let bound = super::cluster::bound(access, &graph, this_cluster, ask);
        let mut trusting: Vec<(Who, Subject)> = trusted.iter().map(|&(account, who)| (who, account)).collect();
        trusting.sort_unstable();
        let mut accounts: Vec<Subject> = trusted.iter().chain(&bound).map(|&(account, _)| account).collect();
        accounts.sort_unstable();
        accounts.dedup();
        let unseen = aso.credentials().filter(|(_, own)| aso.elsewhere(own).is_some());
        let clients = unseen.filter_map(|(_, own)| graph.by_client_id(access.text(own.client?)));
        let elsewhere = clients.map(Who::Principal).collect();
        Some(Bridge {
            access,
            writers: Writers::new(access, kinds.into_iter()),
            aso,
            azure: Facts::new(graph, ask.without_assignments.clone()),
            this_cluster,
            beyond_admin: ask.from.is_some() || ask.azure.is_some(),
            trusted,
            trusting,
            bound,
            accounts,
            identities: RefCell::default(),
            elsewhere,
            taken: OnceCell::new(),
            named: OnceCell::new(),
            servers: OnceCell::new(),
            copies: RefCell::default(),
            reflector: OnceCell::new(),
            node_group: OnceCell::new(),
            resources: OnceCell::new(),
            writes: RefCell::default(),
            gives: RefCell::default(),
            changes: RefCell::default(),
            reads: RefCell::default(),
        })
    }

    /// Whether some grant of a subject allows to create a kind, or to change what is there.
    pub(in crate::rules) fn writes_any(&self, attack: &Attack<'_>, subject: Subject) -> bool {
        self.writers.writes_any(attack, subject)
    }

    /// The AKS cluster that the attack graph is of.
    pub(in crate::rules) fn this_cluster(&self) -> Option<ClusterIx> {
        self.this_cluster
    }

    /// The identity of a credential; none where it does not say it.
    pub(super) fn who(&self, credential: CredentialIx) -> Option<Who> {
        let client = self.aso.credential(credential).client?;
        let known = self.azure.graph.by_client_id(self.access.text(client));
        Some(known.map_or(Who::Client(client), Who::Principal))
    }

    /// The scopes in which somebody may do all of these.
    pub(super) fn allowed(&self, who: Who, actions: &[&str]) -> Rc<[Allowed]> {
        match who {
            Who::Principal(principal) => self.azure.allowed(principal, actions),
            Who::Client(_) => Rc::default(),
        }
    }

    /// The same in one scope.
    pub(super) fn allowed_at(&self, who: Who, actions: &[&str], scope: ScopeIx) -> Option<Allowed> {
        match who {
            Who::Principal(principal) => self.azure.allowed_at(principal, actions, scope),
            Who::Client(_) => None,
        }
    }

    /// The same where something else is allowed, by the deny assignments that count there.
    pub(super) fn allowed_like(&self, who: Who, actions: &[&str], scope: ScopeIx, like: Allowed) -> Option<Allowed> {
        match who {
            Who::Principal(principal) => self.azure.allowed_if(principal, actions, scope, like.denials),
            Who::Client(_) => None,
        }
    }

    /// Whether nothing is known of what an identity may do. That no role of it was read says nothing where the Azure data is of
    /// another tenant or subscription than its credential.
    pub(super) fn is_unknown(&self, who: Who) -> bool {
        let Who::Principal(principal) = who else { return true };
        let unseen = || self.elsewhere.contains(&who) && self.azure.assignments(principal).is_empty();
        !self.azure.graph.assignments_known() || unseen()
    }

    /// A scope and everything above it.
    pub(in crate::rules) fn scopes_above(&self, scope: ScopeIx) -> impl Iterator<Item = ScopeIx> {
        self.azure.graph.above(scope)
    }

    /// The credential that a namespace's resources get when they ask for none.
    pub(super) fn default_of(&self, namespace: Name) -> Option<CredentialIx> {
        match self.aso.default_of(namespace).outcome {
            Outcome::Uses(credential) => Some(credential),
            _ => None,
        }
    }

    /// Every credential that a resource of a namespace can have: the one that applies by itself, and those that it can name.
    pub(super) fn credentials_in(&self, namespace: Name) -> Vec<CredentialIx> {
        if self.aso.reconcilers(namespace).next().is_none() {
            return Vec::new();
        }
        let usual = self.default_of(namespace);
        let named = self.aso.named_in(namespace).filter(|&one| Some(one) != usual);
        usual.into_iter().chain(named).collect()
    }

    /// The account whose token ASO gives to Azure for a credential that is written into a namespace: that of the operator, or in strict
    /// mode one of the namespace. Identities that trust it are had by naming them.
    pub(super) fn forged_account(&self, namespace: Name) -> Option<Subject> {
        let operator = self.aso.operator(self.aso.reconcilers(namespace).next()?);
        match operator.tokens {
            TokenMode::Relaxed => Some(operator.account),
            TokenMode::Strict => {
                let name = self.access.snapshot().names.find(ASO_WORKLOAD_ACCOUNT)?;
                Some(Subject::ServiceAccount { namespace, name })
            }
        }
    }

    /// Whether an operator of a namespace may know expressions, by which resources have it write Secrets.
    pub(super) fn has_expressions(&self, namespace: Name) -> bool {
        self.aso.reconcilers(namespace).any(|operator| self.aso.operator(operator).has_expressions())
    }

    /// Whether the operator of a namespace lets credentials name a cloud, and with it where tokens are sent to; none where that was not
    /// read.
    pub(super) fn names_clouds(&self, namespace: Name) -> Option<bool> {
        match self.aso.reconcilers(namespace).next() {
            Some(operator) => self.aso.operator(operator).multi_env,
            None => Some(false),
        }
    }

    /// Every account whose tokens get those of some identity.
    pub(in crate::rules) fn trusted_accounts(&self) -> impl Iterator<Item = Subject> {
        self.accounts.iter().copied()
    }

    /// Those of them that are in a place.
    pub(in crate::rules) fn trusted_accounts_in(&self, place: Place) -> impl Iterator<Item = Subject> {
        let range = match place {
            Place::Namespace(namespace) => {
                let at = |account: &Subject| account.namespace() <= Some(namespace);
                let before = |account: &Subject| account.namespace() < Some(namespace);
                self.accounts.partition_point(before)..self.accounts.partition_point(at)
            }
            Place::Cluster | Place::EachNamespace => 0..self.accounts.len(),
        };
        self.accounts[range].iter().copied()
    }

    /// The identities that an account may use since they are bound to this cluster.
    pub(super) fn bound_to(&self, account: Subject) -> impl Iterator<Item = Who> {
        of(&self.bound, account)
    }

    /// What might be wrong with a trust in a token of this cluster: whose tokens an identity accepts is told by the issuer, and where
    /// nobody knows which cluster of Azure this is, every issuer is taken to be its own.
    pub(super) fn of_any_cluster(&self) -> Vec<Blocker> {
        if self.this_cluster.is_some() {
            return Vec::new();
        }
        let what = "the trust is taken to be in this cluster, since it is not known which cluster of Azure this is (--this-cluster)";
        vec![Blocker { what: what.to_owned(), stops: false }]
    }

    /// Whether an identity is bound to this cluster.
    pub(super) fn is_bound(&self, who: Who) -> bool {
        let Some(cluster) = self.this_cluster else { return false };
        super::cluster::bindings(&self.azure.graph, cluster).any(|(_, own)| own == who)
    }

    /// The client id of an identity; empty where it is not known.
    pub(super) fn client_of(&self, who: Who) -> &str {
        match who {
            Who::Client(name) => self.access.text(name),
            Who::Principal(principal) => &self.azure.graph.principal(principal).client_id,
        }
    }

    /// The identities that accept the tokens of an account.
    pub(super) fn trusting(&self, account: Subject) -> impl Iterator<Item = Who> + '_ {
        of(&self.trusted, account)
    }

    /// The user-assigned identities at or below a scope that are of use: with a role, or with roles that are not known.
    pub(super) fn identities_in(&self, scope: ScopeIx) -> Rc<[(Who, ScopeIx)]> {
        if let Some(known) = self.identities.borrow().get(&scope) {
            return Rc::clone(known);
        }
        let graph = &self.azure.graph;
        let of_use = |identity: IdentityIx| {
            let (principal, at) = (graph.identity_principal(identity)?, graph.identity_scope(identity)?);
            let roles = !self.azure.assignments(principal).is_empty() || !graph.assignments_known();
            roles.then_some((Who::Principal(principal), at))
        };
        let found: Rc<[(Who, ScopeIx)]> = graph.identities_below(scope).filter_map(of_use).collect();
        self.identities.borrow_mut().insert(scope, Rc::clone(&found));
        found
    }

    /// The resource of a kind, a namespace and a name.
    pub(super) fn resource(&self, (kind, namespace, name): Changed) -> Option<&'g AsoResource> {
        let all = self.resources_of(Some(kind), Place::Namespace(namespace)).iter();
        all.copied().find(|resource| resource.name == name)
    }

    /// The credentials that a resource has, or has once it names another one or none.
    pub(super) fn credentials_of(&self, resource: &AsoResource) -> Vec<CredentialIx> {
        let own = super::change::own_credential(self, resource).into_iter();
        own.chain(self.credentials_in(resource.namespace)).collect()
    }

    /// The resources of a kind in a place.
    pub(super) fn resources_of(&self, kind: Option<KindIx>, place: Place) -> &[&'g AsoResource] {
        let by_kind = self.resources.get_or_init(|| {
            let mut by_kind: FxHashMap<KindIx, Vec<&'g AsoResource>> = FxHashMap::default();
            for (resource, _) in self.aso.resources() {
                if let Some(kind) = resource.known {
                    by_kind.entry(kind).or_default().push(resource);
                }
            }
            by_kind
        });
        let all = kind.and_then(|kind| by_kind.get(&kind)).map_or(&[][..], Vec::as_slice);
        let Place::Namespace(namespace) = place else { return all };
        // Resources are sorted by their namespaces.
        let from = all.partition_point(|resource| resource.namespace < namespace);
        let to = all.partition_point(|resource| resource.namespace <= namespace);
        &all[from..to]
    }

    /// Whether a credential's Secret holds what proves it to Azure.
    pub(super) fn is_secret(&self, credential: CredentialIx) -> bool {
        matches!(self.aso.credential(credential).kind, CredentialKind::ClientSecret | CredentialKind::Certificate)
    }

    /// Whether a resource of a kind in a namespace has this name.
    pub(super) fn is_taken(&self, kind: KindIx, namespace: Name, name: Name) -> bool {
        let taken = self.taken.get_or_init(|| {
            let known = self.aso.resources().filter_map(|(own, _)| Some((own.known?, own.namespace, own.name)));
            known.collect()
        });
        taken.contains(&(kind, namespace, name))
    }

    /// The database servers of a namespace whose administrator's password lies there, each with the kind of its users.
    pub(super) fn servers_in(&self, namespace: Name) -> &[(KindIx, ScopeIx)] {
        let servers = self.servers.get_or_init(|| {
            let mut servers: FxHashMap<Name, Vec<(KindIx, ScopeIx)>> = FxHashMap::default();
            for (resource, _) in self.aso.resources() {
                let (AsoSpec::Server(_), Some(id)) = (&resource.spec, resource.status_id) else { continue };
                let users = KindIx::of_resource(self.access.text(resource.group), "users");
                let scope = self.azure.graph.find_scope(self.access.text(id));
                servers.entry(resource.namespace).or_default().extend(users.zip(scope));
            }
            servers
        });
        servers.get(&namespace).map_or(&[], Vec::as_slice)
    }

    /// The credentials of other namespaces, with a password or a certificate, that can be copied into a namespace: if
    /// kubernetes-reflector runs, and the Secret lets itself be copied.
    pub(super) fn copied_into(&self, namespace: Name) -> Rc<[Copied]> {
        if let Some(known) = self.copies.borrow().get(&namespace) {
            return Rc::clone(known);
        }
        let found: Rc<[Copied]> =
            if self.has_reflector() { self.copies_for(namespace).collect() } else { Rc::default() };
        self.copies.borrow_mut().insert(namespace, Rc::clone(&found));
        found
    }

    fn copies_for(&self, namespace: Name) -> impl Iterator<Item = Copied> {
        let snapshot = self.access.snapshot();
        let elsewhere = snapshot.aso_secrets.iter().filter(move |secret| secret.namespace != namespace);
        elsewhere.filter_map(move |secret| {
            let patterns = secret.copied_to?;
            let credential = self.aso.in_secret(secret.namespace, secret.name)?;
            let usable = self.is_secret(credential) && self.aso.credential(credential).problem.is_none();
            let into = is_copied_to(snapshot.text(patterns), snapshot.text(namespace)).filter(|_| usable);
            let copied = |sure| Copied { credential, from: (secret.namespace, secret.name), sure };
            match into {
                Some(true) => Some(copied(true)),
                None if usable => Some(copied(false)),
                _ => None,
            }
        })
    }

    /// Whether kubernetes-reflector runs, by the image of a workload.
    fn has_reflector(&self) -> bool {
        *self.reflector.get_or_init(|| {
            let snapshot = self.access.snapshot();
            let is_one = |image: &Name| REFLECTOR.iter().any(|own| snapshot.text(*image).contains(own));
            snapshot.controllers.iter().any(|own| snapshot.lists.get(own.images).iter().any(is_one))
        })
    }

    /// The accounts whose tokens an identity accepts.
    pub(super) fn trusted_by(&self, who: Who) -> impl Iterator<Item = Subject> + '_ {
        of(&self.trusting, who)
    }

    /// Whether a cluster has this name or resource id.
    pub(super) fn is_called(&self, cluster: ClusterIx, name: &str) -> bool {
        self.azure.graph.cluster(cluster).is_called(name)
    }

    /// Whether what holds in a scope holds in one that is written out, whether or not anything was read of that.
    pub(super) fn reaches(&self, scope: ScopeIx, text: &str) -> bool {
        self.azure.graph.within(scope, self.azure.graph.locate(text).scope)
    }

    /// Who a user or a group of the cluster is in Azure: users by their UPN, both by their object id, groups also by a name that no
    /// other group has (<https://github.com/kubeguard/guard>, the `azure` authentication provider). Accounts are nobody there.
    pub(in crate::rules) fn entra(&self, subject: Subject) -> Option<Who> {
        let graph = &self.azure.graph;
        let found = match subject {
            Subject::User(name) => {
                let name = self.access.text(name);
                graph.by_user_principal_name(name).or_else(|| graph.by_object_id(name))
            }
            Subject::Group(name) => {
                let name = self.access.text(name);
                graph.by_object_id(name).or_else(|| {
                    self.access.azure_names().group(name).and_then(|group| graph.by_object_id(&group.object_id))
                })
            }
            Subject::ServiceAccount { .. } => None,
        };
        found.map(Who::Principal)
    }

    /// What in the bindings of the cluster somebody of the directory is called: itself and the groups that it is in, each with whether the
    /// membership has to be activated first.
    pub(super) fn names_of(&self, who: Who) -> Vec<(Subject, Sure)> {
        let named = self.named.get_or_init(|| {
            let mut named: FxHashMap<Who, Vec<Subject>> = FxHashMap::default();
            for (_, subject) in self.access.snapshot().subjects.iter() {
                if let Some(who) = self.entra(subject) {
                    named.entry(who).or_default().push(subject);
                }
            }
            named
        });
        let Who::Principal(principal) = who else { return Vec::new() };
        let groups = self.azure.graph.groups_of(principal).into_iter().map(|one| {
            let sure = if one.eligible { Sure::Eligible } else { Sure::Yes };
            (Who::Principal(one.group), sure)
        });
        let all = std::iter::once((who, Sure::Yes)).chain(groups);
        all.flat_map(|(who, sure)| named.get(&who).into_iter().flatten().map(move |&subject| (subject, sure))).collect()
    }

    /// Whether somebody may open the tunnel of Arc to this cluster.
    pub(super) fn tunnel(&self, who: Who) -> Option<Allowed> {
        let scope = self.this_cluster.and_then(|at| self.azure.graph.cluster_scope(at))?;
        self.allowed_at(who, &[TUNNEL], scope)
    }

    /// Those whom role assignments give data actions in this cluster, if it asks Azure.
    pub(in crate::rules) fn guests(&self) -> BTreeSet<Who> {
        let graph = &self.azure.graph;
        let Some(cluster) = self.this_cluster.map(|at| graph.cluster(at)) else { return BTreeSet::new() };
        let prefix = [guard_prefix(cluster.kind), "/"].concat().to_ascii_lowercase();
        // What stands before the first star is a part of what such actions begin with, or goes on from it.
        let is_of_cluster = |pattern: &String| {
            let fixed = pattern.split('*').next().unwrap_or_default().to_ascii_lowercase();
            fixed.starts_with(&prefix) || (prefix.starts_with(&fixed) && pattern.contains('*'))
        };
        let has_data = |role: AzureRoleIx| {
            let mut blocks = graph.role(role).blocks.iter().flatten();
            blocks.any(|&block| graph.block(block).data_actions.iter().any(&is_of_cluster))
        };
        let roles: BTreeSet<AzureRoleIx> = graph.roles().filter(|&role| has_data(role)).collect();
        let data = |&at: &AssignmentIx| roles.contains(&graph.assigned_role(at)) && !self.azure.without.contains(&at);
        let all: BTreeSet<PrincipalIx> = graph.assignments().filter(data).map(|at| graph.assignee(at)).collect();
        all.into_iter().map(Who::Principal).filter(|&who| !self.kubernetes_places(who).is_empty()).collect()
    }

    /// Every principal of the directory that requests can be made as: all but groups.
    pub(super) fn principals_of_one(&self) -> impl Iterator<Item = Who> {
        let graph = &self.azure.graph;
        graph.principals().filter(|&one| !graph.is_group(one)).map(Who::Principal)
    }

    /// Whether this is the object id of somebody.
    pub(super) fn has_id(&self, who: Who, id: &str) -> bool {
        matches!(who, Who::Principal(one) if self.azure.graph.principal(one).object_id.eq_ignore_ascii_case(id))
    }

    /// Where in this cluster somebody has roles of Azure, if the cluster asks Azure: the whole cluster, or namespaces.
    pub(super) fn kubernetes_places(&self, who: Who) -> Vec<Place> {
        let graph = &self.azure.graph;
        let cluster = self.this_cluster.filter(|&at| graph.cluster(at).azure_rbac);
        let (Some(cluster), Who::Principal(principal)) = (cluster, who) else { return Vec::new() };
        let Some(at) = graph.cluster_scope(cluster) else { return Vec::new() };
        let parts = guard_parts(graph.cluster(cluster).kind).iter();
        let inside: Vec<String> =
            parts.map(|part| [graph.scope_folded(at), &part.to_ascii_lowercase()].concat()).collect();
        let mut found: Vec<Place> = Vec::new();
        for &(assignment, _) in self.azure.assignments(principal).iter() {
            let scope = graph.assigned_scope(assignment);
            let namespace = inside.iter().find_map(|inside| graph.scope_folded(scope).strip_prefix(inside));
            if graph.within(scope, at) {
                found.push(Place::Cluster);
            } else if let Some(name) = namespace {
                found.extend(self.access.snapshot().names.find(name).map(Place::Namespace));
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Whether Azure lets somebody do something in this cluster, by a data action of it, which is written without what all of them
    /// begin with.
    pub(super) fn in_kubernetes(&self, who: Who, action: &str, place: Place) -> Option<(Sure, AssignmentIx)> {
        let graph = &self.azure.graph;
        let (Some(cluster), Who::Principal(principal)) = (self.this_cluster, who) else { return None };
        let AzureCluster { id, kind, .. } = graph.cluster(cluster);
        let namespace = match place {
            Place::Namespace(namespace) => Some(self.access.text(namespace)),
            Place::Cluster | Place::EachNamespace => None,
        };
        let action = [guard_prefix(*kind), "/", action].concat();
        let scopes = guard_scopes(*kind, id, namespace);
        scopes.iter().filter_map(|scope| self.azure.allowed_data(principal, &action, graph.locate(scope))).min()
    }

    /// Whether this cluster is connected by Arc.
    pub(super) fn is_behind_arc(&self) -> bool {
        self.this_cluster.is_some_and(|at| self.azure.graph.cluster(at).kind != ClusterKind::Aks)
    }

    /// Whether pods reach the metadata service of their node. Unless the data say that they do not, they do.
    pub(super) fn pods_reach_imds(&self) -> bool {
        self.this_cluster.is_some_and(|at| self.azure.graph.cluster(at).imds_from_pods != Some(false))
    }

    /// The resource group that the nodes of this cluster are in, where it was named.
    pub(super) fn node_group(&self) -> Option<ScopeIx> {
        let of = |cluster| self.azure.graph.node_resource_group(cluster);
        *self.node_group.get_or_init(|| self.this_cluster.and_then(of))
    }

    /// Whether there are any.
    pub(super) fn has_node_identities(&self) -> bool {
        !self.node_identities().is_empty()
    }

    /// The identities that are attached to the nodes of this cluster: the kubelets', and those of add-ons.
    pub(super) fn node_identities(&self) -> Vec<Who> {
        let Some(cluster) = self.this_cluster.map(|at| self.azure.graph.cluster(at)) else { return Vec::new() };
        let ids = cluster.kubelet.iter().chain(cluster.addons.iter().map(|addon| &addon.ids));
        let principals = ids.filter_map(|ids| self.azure.graph.by_object_id(&ids.object_id));
        principals.map(Who::Principal).collect()
    }
}
