//! `azure-deny-delete`: delete a deny assignment that stands in the way.

use super::bridge::{Allowed, DELETE_DENIALS};
use super::facts::{AzureFact, AzureGain, AzureStep, Who};
use crate::graph::azure::DenyIx;
use crate::rules::attack::{Attack, Effect, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "azure-deny-delete",
    title: "Delete a deny assignment that stands in the way",
    gain: "what the deny assignment takes away, from the same identity or another one that is held as well",
    why: "A deny assignment that people made can be deleted by whoever has Microsoft.Authorization/denyAssignments/delete where \
          it is made, and Owner and User Access Administrator have that: it stops nobody longer than they want. \
          Those that Azure keeps, of deployment stacks, managed applications and locked node resource groups, cannot be deleted so; \
          whoever may change the deny settings of a stack (deploymentStacks/manageDenySetting/action) is not told, since \
          which deny assignment is of which stack is not read.",
    remedy: "Deny the deletion as well: let the deny assignment take Microsoft.Authorization/denyAssignments/* away from all but \
             those who keep it.",
    confidence: Confidence::Documented,
    attack: &["T1562.001"],
    references: &["https://learn.microsoft.com/azure/role-based-access-control/deny-assignments"],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    let Fact::Azure(AzureFact::Token(who @ Who::Principal(principal))) = fact else { return };
    let Some(bridge) = attack.bridge.clone() else { return };
    let deletable = bridge.azure.deletable(principal);
    let allowed = |deny: DenyIx| bridge.allowed_at(who, &[DELETE_DENIALS], bridge.azure.graph.deny_scope(deny));
    let each: Vec<(DenyIx, Allowed)> = deletable.iter().filter_map(|&deny| Some((deny, allowed(deny)?))).collect();
    for &(deny, at) in &each {
        deletes(attack, id, who, AzureFact::Undenied(who, Some(deny)), at);
        deletes(attack, id, who, AzureFact::Deleted(deny), at);
    }
    // What it may not delete itself, somebody else may.
    for deny in bridge.azure.standing_in_the_way(principal) {
        if !deletable.contains(&deny) {
            let deleted = attack.fact(Fact::Azure(AzureFact::Deleted(deny)));
            attack.follows(vec![id, deleted], Fact::Azure(AzureFact::Undenied(who, Some(deny))));
        }
    }
    // Where several stand in the way, it is as sure as the least sure deletion; one of them comes first.
    let all = each.iter().map(|&(_, at)| at).max_by_key(|at| at.sure).filter(|_| each.len() > 1);
    if let Some(at) = all {
        let late = attack.late(id);
        deletes(attack, late, who, AzureFact::Undenied(who, None), at);
    }
}

fn deletes(attack: &mut Attack<'_>, id: u32, who: Who, gain: AzureFact, at: Allowed) {
    let one = match gain {
        AzureFact::Undenied(_, one) => one,
        AzureFact::Deleted(one) => Some(one),
        _ => None,
    };
    let step = AzureStep {
        by: Some(who),
        action: Some((DELETE_DENIALS, at.assignment)),
        sure: at.sure,
        ..AzureStep::new(AzureGain::Undenied(at.scope, one))
    };
    attack.does_unless(&TECHNIQUE, vec![id], Effect::Azure(step), Fact::Azure(gain), at.blockers());
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let Effect::Azure(AzureStep { gain: AzureGain::Undenied(scope, one), by: Some(who), sure, .. }) = step.effect else {
        return Err("no deny assignment is deleted".to_owned());
    };
    let allowed = state.azure_allows(who, DELETE_DENIALS, scope)?;
    let deletable = state.deletable(who);
    let deleted = one.map_or(!deletable.is_empty(), |one| deletable.contains(&one));
    if state.has_token(who) && allowed <= sure && deleted {
        Ok(())
    } else {
        Err("they may delete no deny assignment".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::app as world;
    use crate::rules::kubernetes::{check, check_blocked};

    const STOPPED: &str = "alice -> role-assignment write on s1: token-request, workload-identity, azure-role";

    #[test]
    fn an_owner_deletes_what_stops_them() {
        check(
            &world("assign app Access s1\ndeny s1 Authorization/roleAssignments/write"),
            "alice -> role-assignment write on s1: token-request, workload-identity, azure-deny-delete, azure-role",
        );
    }

    #[test]
    fn an_identity_that_was_protected_is_taken_over() {
        let roles = "azrole fed ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write
                     azrole del Authorization/denyAssignments/delete
                     assign app fed s1
                     identity big s1/ids
                     assign big Owner s2
                     deny s1/ids ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write
                     ";
        let limited =
            "alice -> limited (federatedidentitycredentials) on s1: token-request, workload-identity, azure-role";
        check(
            &world(&format!("{roles}assign app del s1/ids")),
            &format!(
                "alice -> role-assignment write on s2: token-request, workload-identity, azure-deny-delete, azure-federated-credential, azure-role
                 {limited}"
            ),
        );
        // To delete others is nothing.
        check(
            &world(&format!("{roles}assign app del s2")),
            &format!(
                "{limited}
                 alice -> read on s2: token-request, workload-identity, azure-role"
            ),
        );
    }

    #[test]
    fn of_several_those_that_stand_in_the_way_are_deleted() {
        let found =
            "alice -> role-assignment write on s1: token-request, workload-identity, azure-deny-delete, azure-role";
        let one = "assign app Access s1
                   deny s1 Authorization/roleAssignments/write
                   deny s1/rg Authorization/roleAssignments/write";
        check(&world(one), found);
        // Two of the same scope, of which one alone is not enough.
        let two = "assign app Access s1
                   deny s1 Authorization/roleAssignments/write
                   deny s1 Authorization/roleAssignments/*";
        check(&world(two), found);
        // One of them stays.
        check_blocked(&world(&format!("{two} protected")), STOPPED);
    }

    #[test]
    fn one_that_denies_its_deletion_stays() {
        let world = world("assign app Access s1\ndeny s1 Authorization/*");
        check(&world, "alice -> read on s1: token-request, workload-identity, azure-role");
        check_blocked(&world, STOPPED);
    }

    #[test]
    fn one_that_azure_keeps_stays() {
        check_blocked(
            &world(
                "azrole stack Resources/deploymentStacks/manageDenySetting/action,Authorization/*
                 assign app stack s1
                 deny s1 Authorization/roleAssignments/write protected",
            ),
            STOPPED,
        );
    }

    #[test]
    fn what_stops_one_is_deleted_by_another() {
        let world = |scope: &str, more: &str| {
            world(&format!(
                "azrole own Authorization/roleAssignments/write
                 azrole del Authorization/denyAssignments/delete
                 assign app own s1
                 deny s1 Authorization/roleAssignments/write {more}
                 account dev/other
                 identity other s3/ids
                 trust other dev/other
                 assign other del {scope}"
            ))
        };
        // That it may come to be left out by a membership is nothing to what it has by itself.
        for stops in [world("s1", ""), world("s1", "but:spared") + "\npeople spared +app"] {
            check(
                &stops,
                "alice -> role-assignment write on s1: token-request, token-request, workload-identity, workload-identity, \
                 azure-deny-delete, azure-role",
            );
        }
        // Whoever is left out of it is not stopped.
        check(
            &world("s1", "but:app"),
            "alice -> role-assignment write on s1: token-request, workload-identity, azure-role",
        );
        for stays in [world("s2", ""), world("s1", "protected")] {
            check_blocked(&stays, STOPPED);
        }
    }

    #[test]
    fn whoever_may_not_delete_it_is_stopped() {
        let assign = "azrole own Authorization/roleAssignments/write
                      assign app own s1
                      deny s1 Authorization/roleAssignments/write";
        check_blocked(&world(assign), STOPPED);
        // That somebody else may delete it is nothing to them.
        check_blocked(&world(&format!("{assign}\nidentity other s3/ids\nassign other Owner s1")), STOPPED);
    }
}
