//! May this principal do that there: role assignments, then conditions, then deny assignments, as Azure Resource Manager does it
//! (<https://learn.microsoft.com/azure/role-based-access-control/overview#how-azure-rbac-determines-if-a-user-has-access-to-a-resource>).

use std::borrow::Cow;

use super::{
    AssignmentIx, AzureGraph, AzurePlace, AzureRoleIx, AzureRoleNode, Block, BlockIx, DenyIx, Membership, PrincipalIx,
    ScopeIx,
};
use crate::model::azure::{
    Assigned, Condition, DenyAssignment, Effect, Permission, Plane, allows, management_group, matches_strictly,
};

/// What is known about a request in Azure, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AzureDecision {
    /// Allowed as asked.
    Allowed,
    /// Allowed under a condition, of an assignment, a role or a deny assignment.
    Conditional,
    /// Not held, but it can be activated (Privileged Identity Management).
    Eligible,
    /// Something that decides it could not be read.
    Unknown,
    /// A role allows it and a deny assignment takes it away.
    Denied,
    /// Nothing that was read allows it.
    No,
}

impl AzureDecision {
    /// The word in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            AzureDecision::Allowed => "allowed",
            AzureDecision::Conditional => "conditional",
            AzureDecision::Eligible => "eligible",
            AzureDecision::Unknown => "unknown",
            AzureDecision::Denied => "denied",
            AzureDecision::No => "no",
        }
    }
}

/// An action, evaluated once for every role and condition.
#[derive(Clone)]
pub struct AzureQuestion {
    /// The action.
    pub action: String,
    /// Of which kind it is.
    pub plane: Plane,
    roles: Vec<RoleAnswer>,
    /// What each condition means for it.
    conditions: Vec<Effect>,
    /// The deny assignments that are taken to be deleted, sorted.
    gone: Vec<DenyIx>,
}

impl AzureQuestion {
    /// The same question once some deny assignments are deleted.
    pub fn without(&self, denies: &[DenyIx]) -> AzureQuestion {
        let mut gone = [&self.gone, denies].concat();
        gone.sort_unstable();
        AzureQuestion { gone, ..self.clone() }
    }
}

/// Whether a role allows an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleAnswer {
    /// Whether anybody knows what the role allows.
    pub known: bool,
    /// The blocks that allow it, each with what its condition means for the action.
    pub blocks: Vec<BlockGrant>,
    /// All blocks together: under what the role allows it; none when it does not.
    pub effect: Option<Effect>,
}

/// A block that allows an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockGrant {
    /// The block.
    pub block: BlockIx,
    /// What its condition means for the action.
    pub effect: Effect,
}

/// The answer, with everything that it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The strongest of the grants; `No` without any.
    pub decision: AzureDecision,
    /// Every assignment whose role allows it, the strongest first.
    pub grants: Vec<AzureGrant>,
    /// The deny assignments that take one of the grants away, or may.
    pub denials: Vec<Denial>,
}

/// An assignment whose role allows an action at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AzureGrant {
    /// What it comes to, deny assignments included.
    pub decision: AzureDecision,
    /// The assignment. Where it is made is where the right is inherited from.
    pub assignment: AssignmentIx,
    /// The group that it comes by.
    pub through: Option<Membership>,
    /// Under what it holds: the conditions of the assignment and of the role's blocks.
    pub effect: Effect,
    /// What would have to be known.
    pub unknown: Option<Standing>,
}

/// What is not known of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// What the role allows.
    Role,
    /// Whether the place lies below the management group of the assignment.
    ManagementGroup,
    /// Whether the principal is in a group that a deny assignment leaves out.
    Exclusion,
    /// Whether Azure's own list of operations has more than the role allows.
    Operations,
}

/// A deny assignment that matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Denial {
    /// The deny assignment.
    pub deny: DenyIx,
    /// `Denied` when it surely takes the right away; `Conditional` when it has a condition, `Unknown` when the principal may be in
    /// a group that it leaves out.
    pub decision: AzureDecision,
}

impl Verdict {
    /// Nothing allows it.
    pub fn no() -> Verdict {
        Verdict { decision: AzureDecision::No, grants: Vec::new(), denials: Vec::new() }
    }

    /// The same, where it cannot be told whether Azure asks for more than this is about.
    pub fn untold(mut self) -> Verdict {
        for grant in self.grants.iter_mut().filter(|grant| grant.decision <= AzureDecision::Unknown) {
            (grant.decision, grant.unknown) = (AzureDecision::Unknown, grant.unknown.or(Some(Standing::Operations)));
        }
        self.decision = self.decision.max(AzureDecision::Unknown);
        self
    }
}

impl<'g> AzureGraph<'g> {
    /// Evaluates an action for every role and every condition. O(patterns of distinct blocks).
    pub fn question(&self, action: &str, plane: Plane) -> AzureQuestion {
        let effect = |condition: &Condition| condition.effect(action);
        let conditions: Vec<Effect> = self.index.conditions.iter().map(effect).collect();
        let of_block = |block: &Block| {
            let (grants, takes) = match plane {
                Plane::Control => (&block.actions, &block.not_actions),
                Plane::Data => (&block.data_actions, &block.not_data_actions),
            };
            let granted = grants.iter().any(|pattern| allows(pattern, action))
                && !takes.iter().any(|pattern| matches_strictly(pattern, action));
            let condition = block.condition.as_deref().and_then(|text| self.index.by_condition.get(text));
            let effect = condition.map_or(Effect::Always, |at| conditions[at.index()].clone());
            (granted && effect != Effect::Never).then_some(effect)
        };
        let blocks: Vec<Option<Effect>> = self.index.blocks.iter().map(of_block).collect();
        let of_role = |role: &AzureRoleNode| {
            let all = role.blocks.iter().flatten();
            let found: Vec<BlockGrant> =
                all.filter_map(|&block| Some(BlockGrant { block, effect: blocks[block.index()].clone()? })).collect();
            let effect = found.iter().map(|one| one.effect.clone()).reduce(|a, b| a.or(&b));
            RoleAnswer { known: role.blocks.is_some(), blocks: found, effect }
        };
        let roles = self.index.roles.iter().map(of_role).collect();
        AzureQuestion { action: action.to_owned(), plane, roles, conditions, gone: Vec::new() }
    }

    /// Whether a role allows an action, block by block.
    pub fn role_allows<'q>(&self, role: AzureRoleIx, question: &'q AzureQuestion) -> &'q RoleAnswer {
        &question.roles[role.index()]
    }

    /// Whether an assignment may give an action somewhere: nobody knows its role, or the role allows it.
    pub fn may_give(&self, assignment: AssignmentIx, question: &AzureQuestion) -> bool {
        let answer = self.role_allows(self.assigned_role(assignment), question);
        !answer.known || answer.effect.is_some()
    }

    /// May this principal do that there. O(its groups and assignments).
    pub fn decide(&self, principal: PrincipalIx, question: &AzureQuestion, place: AzurePlace) -> Verdict {
        self.decide_all(&[principal], question, place)
    }

    /// The same for somebody who is all of these: a user and some groups, say.
    pub fn decide_all(&self, these: &[PrincipalIx], question: &AzureQuestion, place: AzurePlace) -> Verdict {
        let mut groups: Vec<Membership> = these.iter().flat_map(|&one| self.groups_of(one)).collect();
        groups.retain(|one| !these.contains(&one.group));
        groups.sort_unstable_by_key(|one| (one.group, one.eligible));
        groups.dedup_by_key(|one| one.group);
        self.decide_in(these, &groups, question, place)
    }

    /// The same for somebody who is exactly these principals: no group is added.
    pub fn decide_as(&self, these: &[PrincipalIx], question: &AzureQuestion, place: AzurePlace) -> Verdict {
        self.decide_in(these, &[], question, place)
    }

    /// The same for somebody whose assignments are known, as [`AzureGraph::assignments_of`] gives them.
    pub fn decide_by(
        &self,
        principal: PrincipalIx,
        assignments: &[(AssignmentIx, Option<Membership>)],
        question: &AzureQuestion,
        place: AzurePlace,
    ) -> Verdict {
        let groups = || Cow::Owned(self.groups_of(principal));
        self.decide_of(&[principal], assignments.iter().copied(), &groups, question, place)
    }

    fn decide_in(
        &self,
        these: &[PrincipalIx],
        groups: &[Membership],
        question: &AzureQuestion,
        place: AzurePlace,
    ) -> Verdict {
        self.decide_of(these, self.reach(these, groups), &|| Cow::Borrowed(groups), question, place)
    }

    fn decide_of<'m>(
        &self,
        these: &[PrincipalIx],
        assignments: impl Iterator<Item = (AssignmentIx, Option<Membership>)>,
        groups: &dyn Fn() -> Cow<'m, [Membership]>,
        question: &AzureQuestion,
        place: AzurePlace,
    ) -> Verdict {
        let mut verdict = Verdict::no();
        for (assignment, through) in assignments {
            if let Some(grant) = self.grant(assignment, through, question, place) {
                verdict.grants.push(grant);
            }
        }
        if verdict.grants.is_empty() {
            return verdict;
        }
        let denies = self.denies_of(question, place);
        if !denies.is_empty() {
            self.take_away(these, &groups(), &denies, &mut verdict);
        }
        verdict.grants.sort_by_key(|grant| (grant.decision, grant.through, grant.assignment));
        verdict.decision = verdict.grants.first().map_or(AzureDecision::No, |grant| grant.decision);
        verdict
    }

    /// What an assignment gives at a place, before deny assignments; nothing when its role does not allow it or it is elsewhere.
    pub fn grant(
        &self,
        assignment: AssignmentIx,
        through: Option<Membership>,
        question: &AzureQuestion,
        place: AzurePlace,
    ) -> Option<AzureGrant> {
        let scope = self.assigned_scope(assignment);
        let mut unknown = None;
        if !self.within(scope, place.scope) {
            if !self.may_hold(scope, place) {
                return None;
            }
            unknown = Some(Standing::ManagementGroup);
        }
        let answer = self.role_allows(self.assigned_role(assignment), question);
        let effect = match &answer.effect {
            Some(effect) => effect.clone(),
            None if answer.known => return None,
            None => {
                unknown = Some(Standing::Role);
                Effect::Always
            }
        };
        let read = self.assignment(assignment);
        let effect = match self.index.assignments[assignment.index()].3 {
            Some(condition) => effect.and(&question.conditions[condition.index()]),
            None => effect,
        };
        let eligible = read.assigned == Assigned::Eligible || through.is_some_and(|through| through.eligible);
        let decision = match &effect {
            Effect::Never => return None,
            _ if unknown.is_some() => AzureDecision::Unknown,
            _ if eligible => AzureDecision::Eligible,
            Effect::Depends(_) => AzureDecision::Conditional,
            Effect::Always => AzureDecision::Allowed,
        };
        Some(AzureGrant { decision, assignment, through, effect, unknown })
    }

    /// Whether a management group may lie above a place without that having been read.
    fn may_hold(&self, group: ScopeIx, place: AzurePlace) -> bool {
        // Of a subscription that nothing was read of, this was not read either.
        let unread = place.below && place.scope == self.root();
        management_group(self.scope_folded(group)).is_some()
            && (unread || (!self.is_complete(place.scope) && !self.within(place.scope, group)))
    }

    /// The deny assignments that match an action at a place, each with whether it has a condition.
    fn denies_of(&self, question: &AzureQuestion, place: AzurePlace) -> Vec<(DenyIx, bool)> {
        let mut found = Vec::new();
        if self.facts.denies.is_empty() {
            return found;
        }
        for scope in self.above(place.scope) {
            let exact = scope == place.scope && !place.below;
            for &ix in self.index.denies_at.get(scope.index()) {
                let deny = self.deny(ix);
                if !deny.enforced || (deny.only_here && !exact) || question.gone.binary_search(&ix).is_ok() {
                    continue;
                }
                let matching = deny.permissions.iter().filter(|one| takes(one, question));
                let open: Vec<bool> = matching.map(|one| one.condition.is_some() || deny.condition.is_some()).collect();
                if !open.is_empty() {
                    found.push((ix, !open.contains(&false)));
                }
            }
        }
        found.sort_unstable();
        found
    }

    /// Weakens the grants that deny assignments take away, surely or perhaps.
    fn take_away(
        &self,
        these: &[PrincipalIx],
        groups: &[Membership],
        denies: &[(DenyIx, bool)],
        verdict: &mut Verdict,
    ) {
        // A right that comes by a membership which has to be activated is used with that membership.
        for activated in [false, true] {
            let concerned = |grant: &AzureGrant| grant.through.is_some_and(|through| through.eligible) == activated;
            if !verdict.grants.iter().any(concerned) {
                continue;
            }
            let inside = groups.iter().filter(|one| activated || !one.eligible).map(|one| one.group);
            let all: Vec<PrincipalIx> = inside.chain(these.iter().copied()).collect();
            for &(deny, conditional) in denies {
                let Some(mut decision) = self.denied(deny, &all) else { continue };
                if conditional {
                    decision = AzureDecision::Conditional;
                }
                for grant in verdict.grants.iter_mut().filter(|grant| concerned(grant)) {
                    if decision == AzureDecision::Unknown && grant.decision != AzureDecision::Denied {
                        grant.unknown = Some(Standing::Exclusion);
                    }
                    grant.decision = grant.decision.max(decision);
                }
                verdict.denials.push(Denial { deny, decision });
            }
        }
        verdict.denials.sort_unstable();
        verdict.denials.dedup();
    }

    /// The deny assignments that are about a principal or a group that it is in, with what it may activate or without.
    pub fn denies_about(&self, principal: PrincipalIx) -> Vec<DenyIx> {
        if self.facts.denies.is_empty() {
            return Vec::new();
        }
        let groups = self.groups_of(principal);
        let all = [false, true].map(|activated| {
            let inside = groups.iter().filter(|one| activated || !one.eligible).map(|one| one.group);
            inside.chain([principal]).collect::<Vec<PrincipalIx>>()
        });
        self.denies().filter(|&deny| all.iter().any(|all| self.denied(deny, all).is_some())).collect()
    }

    /// Whether a deny assignment takes an action away from everybody, without exception or condition.
    pub fn denies_everybody(&self, deny: DenyIx, question: &AzureQuestion) -> bool {
        let read = self.deny(deny);
        read.excluded.is_empty()
            && read.condition.is_none()
            && read.principals.iter().any(|one| one.id == DenyAssignment::EVERYONE)
            && read.permissions.iter().any(|one| one.condition.is_none() && takes(one, question))
    }

    /// Whether a deny assignment is about somebody who is all of these: `Denied`, `Unknown` when it leaves out a group that they may
    /// be in, or not at all.
    fn denied(&self, deny: DenyIx, all: &[PrincipalIx]) -> Option<AzureDecision> {
        let read = self.deny(deny);
        let is = |id: &str| self.by_object_id(id).is_some_and(|found| all.contains(&found));
        let named = read.principals.iter().any(|one| one.id == DenyAssignment::EVERYONE || is(&one.id));
        if !named || read.excluded.iter().any(|one| is(&one.id)) {
            return None;
        }
        let mut excluded = read.excluded.iter().filter_map(|one| self.by_object_id(&one.id));
        Some(if excluded.any(|group| self.members_unread(group)) {
            AzureDecision::Unknown
        } else {
            AzureDecision::Denied
        })
    }
}

/// Whether a block of a deny assignment takes an action away. Where a pattern is in doubt, it does not: nothing is hidden by a guess.
fn takes(permission: &Permission, question: &AzureQuestion) -> bool {
    let (takes, leaves) = match question.plane {
        Plane::Control => (&permission.actions, &permission.not_actions),
        Plane::Data => (&permission.data_actions, &permission.not_data_actions),
    };
    takes.iter().any(|pattern| matches_strictly(pattern, &question.action))
        && !leaves.iter().any(|pattern| allows(pattern, &question.action))
}
