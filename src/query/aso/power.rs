//! What an identity of Azure may do there, in the words of ASO: the kinds that it may write, and where. Computed from actions, never
//! from the names of roles.

use std::cell::OnceCell;

use super::rights::KindSet;
use crate::graph::azure::{AzureDecision, AzureGraph, AzureQuestion, PrincipalIx, ScopeIx, Verdict};
use crate::model::KindIx;
use crate::model::azure::{Alternative, Effect, Plane};
use crate::query::azure::condition_words;

/// How much somebody may do at a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PowerLevel {
    /// Look at things.
    Read,
    /// Read keys and data of what is there.
    KeysAndData,
    /// Create and change resources of some kinds.
    Limited,
    /// Create and change resources of every kind.
    Contributor,
    /// Give roles to anybody.
    RoleAssignments,
}

impl PowerLevel {
    /// The words in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            PowerLevel::Read => "read",
            PowerLevel::KeysAndData => "keys and data",
            PowerLevel::Limited => "limited",
            PowerLevel::Contributor => "contributor-like",
            PowerLevel::RoleAssignments => "role-assignment write",
        }
    }
}

/// What an identity may do at a scope and below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Power {
    /// The scope, that of a role assignment.
    pub scope: ScopeIx,
    /// How much; none when roles there could not be read.
    pub level: Option<PowerLevel>,
    /// `Allowed`, or `Conditional`, `Eligible` or `Unknown`: nothing is surely held then.
    pub decision: AzureDecision,
    /// The kinds of ASO that may be written; of `Limited` and above.
    pub kinds: KindSet,
    /// What may be given, where that is roles under conditions that are understood.
    pub ways: Vec<Alternative>,
}

impl Power {
    /// How sure it is, in words, with what its conditions let be given.
    pub fn doubt(&self, graph: &AzureGraph<'_>) -> String {
        match self.ways.as_slice() {
            [] => self.decision.as_str().to_owned(),
            ways => format!("{}: {}", self.decision.as_str(), condition_words(graph, ways)),
        }
    }
}

/// The actions that are asked about, each evaluated once.
pub struct AsoPower<'g> {
    graph: AzureGraph<'g>,
    assign: OnceCell<AzureQuestion>,
    writes: OnceCell<Vec<(KindIx, AzureQuestion)>>,
    keys: OnceCell<Vec<AzureQuestion>>,
    read: OnceCell<AzureQuestion>,
}

const ASSIGN: &str = "Microsoft.Authorization/roleAssignments/write";

impl<'g> AsoPower<'g> {
    /// Asks this graph.
    pub fn new(graph: AzureGraph<'g>) -> AsoPower<'g> {
        AsoPower {
            graph,
            assign: OnceCell::new(),
            writes: OnceCell::new(),
            keys: OnceCell::new(),
            read: OnceCell::new(),
        }
    }

    /// The graph behind it.
    pub fn graph(&self) -> &AzureGraph<'g> {
        &self.graph
    }

    /// Whether anything can be said of roles.
    pub fn is_known(&self) -> bool {
        self.graph.is_known() && self.graph.assignments_known()
    }

    /// What a principal may do, at each scope where it has a role; the strongest first, of equals the widest. Of a scope there may be
    /// two: what is surely held, and more that is conditional or has to be activated.
    ///
    /// O(kinds x its assignments) per scope.
    pub fn of(&self, principal: PrincipalIx) -> Vec<Power> {
        let assignments = self.graph.assignments_of(principal);
        let mut scopes: Vec<ScopeIx> = assignments.iter().map(|&(at, _)| self.graph.assigned_scope(at)).collect();
        scopes.sort_unstable();
        scopes.dedup();
        let mut powers: Vec<Power> = scopes.into_iter().flat_map(|scope| self.at(principal, scope)).collect();
        powers.sort_by_key(|power| {
            (std::cmp::Reverse(power.level), power.decision, self.depth(power.scope), power.scope)
        });
        powers
    }

    fn depth(&self, scope: ScopeIx) -> usize {
        self.graph.above(scope).count()
    }

    fn at(&self, principal: PrincipalIx, scope: ScopeIx) -> Vec<Power> {
        let verdict = |question: &AzureQuestion| self.graph.decide(principal, question, scope.into());
        let decide = |question: &AzureQuestion| verdict(question).decision;
        let assigns = verdict(self.assign.get_or_init(|| self.graph.question(ASSIGN, Plane::Control)));
        let assign = assigns.decision;
        let writes: Vec<(KindIx, AzureDecision)> =
            self.writes().iter().map(|(kind, question)| (*kind, decide(question))).collect();
        let keys = self.keys().iter().map(&decide).min().unwrap_or(AzureDecision::No);
        let read = decide(self.read.get_or_init(|| {
            self.graph.question("Microsoft.Resources/subscriptions/resourceGroups/read", Plane::Control)
        }));
        let of = |worst: AzureDecision| {
            let holds = |decision: AzureDecision| decision <= worst;
            let kinds: KindSet = writes.iter().filter(|(_, at)| holds(*at)).map(|(kind, _)| *kind).collect();
            // Giving roles is a kind of its own, and what makes subscriptions is asked of the tenant.
            let every = writes.iter().all(|(kind, at)| holds(*at) || is_apart(*kind));
            let level = if holds(assign) {
                Some(PowerLevel::RoleAssignments)
            } else if every && !kinds.is_empty() {
                Some(PowerLevel::Contributor)
            } else if !kinds.is_empty() {
                Some(PowerLevel::Limited)
            } else if holds(keys) {
                Some(PowerLevel::KeysAndData)
            } else {
                holds(read).then_some(PowerLevel::Read)
            };
            (level, kinds)
        };
        let mut powers = Vec::new();
        let (sure, kinds) = of(AzureDecision::Allowed);
        if sure.is_some() {
            powers.push(Power { scope, level: sure, decision: AzureDecision::Allowed, kinds, ways: Vec::new() });
        }
        let mut last = (sure, kinds);
        for decision in [AzureDecision::Conditional, AzureDecision::Eligible] {
            let more = of(decision);
            if more.0 > last.0 || more.0 == last.0 && more.1 != last.1 {
                let limited = more.0 == Some(PowerLevel::RoleAssignments) && decision == AzureDecision::Conditional;
                let ways = if limited { understood(&assigns) } else { Vec::new() };
                powers.push(Power { scope, level: more.0, decision, kinds: more.1, ways });
                last = more;
            }
        }
        let mut all = writes.iter().map(|(_, at)| *at).chain([assign, keys, read]);
        if all.any(|at| at == AzureDecision::Unknown) {
            let (decision, kinds) = (AzureDecision::Unknown, KindSet::default());
            powers.push(Power { scope, level: None, decision, kinds, ways: Vec::new() });
        }
        powers
    }

    fn writes(&self) -> &[(KindIx, AzureQuestion)] {
        self.writes.get_or_init(|| {
            let ask = |kind: KindIx| Some((kind, self.graph.question(&kind.facts().write_action()?, Plane::Control)));
            KindIx::all().filter_map(ask).collect()
        })
    }

    fn keys(&self) -> &[AzureQuestion] {
        self.keys.get_or_init(|| {
            let exports = KindIx::all().filter_map(|kind| kind.facts().exports());
            let mut actions: Vec<&str> = exports.flat_map(|(_, actions)| actions).collect();
            actions.sort_unstable();
            actions.dedup();
            let control = actions.into_iter().map(|action| self.graph.question(action, Plane::Control));
            let data = DATA.into_iter().map(|action| self.graph.question(action, Plane::Data));
            control.chain(data).collect()
        })
    }
}

/// What reads data itself.
const DATA: [&str; 2] = [
    "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
    "Microsoft.KeyVault/vaults/secrets/getSecret/action",
];

/// What conditions let be given, where each of them is understood.
fn understood(assigns: &Verdict) -> Vec<Alternative> {
    let conditional = assigns.grants.iter().filter(|grant| grant.decision == AzureDecision::Conditional);
    let ways: Option<Vec<&[Alternative]>> = conditional
        .map(|grant| match &grant.effect {
            Effect::Depends(ways) if ways.iter().all(|way| !way.open) => Some(ways.as_slice()),
            _ => None,
        })
        .collect();
    ways.unwrap_or_default().concat()
}

/// Whether a kind says nothing about whether its writer may write every kind: what gives roles, and what is no resource of a
/// subscription.
fn is_apart(kind: KindIx) -> bool {
    let own = kind.facts().arm_type.unwrap_or_default().to_ascii_lowercase();
    own.starts_with("microsoft.authorization/") || own.starts_with("microsoft.subscription/")
}
