//! `azure-elevate-access`: elevate access to the whole tenant.

use super::deed::{self, By, Deed};
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "azure-elevate-access",
    title: "Elevate access to the whole tenant",
    gain: "User Access Administrator at the root, and so any role anywhere in the tenant",
    why: "Microsoft.Authorization/elevateAccess/action makes its caller User Access Administrator at `/`. It is asked for at the \
          root: that it is matched by the `*` of an Owner of a subscription or a management group gives them nothing. Entra \
          lets its Global Administrators do it; a role assignment at `/` whose role allows it is told as well.",
    remedy: "Have few Global Administrators, none of them an identity of a workload, and all of them by activation; remove role \
             assignments at `/`: nobody needs one for longer than it takes to repair something.",
    confidence: Confidence::Inferred,
    attack: &["T1098.003"],
    references: &["https://learn.microsoft.com/azure/role-based-access-control/elevate-access-global-admin"],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

const DEED: Deed =
    Deed { technique: &TECHNIQUE, by: By::Token, actions: &["Microsoft.Authorization/elevateAccess/action"] };

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    deed::power_to_assign(attack, &DEED, fact, id, |bridge, scope| scope == bridge.azure.graph.root());
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    deed::power_proof(state, &DEED, step)?;
    if state.is_at_root(step) { Ok(()) } else { Err("it is asked for at the root of the tenant".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::super::world::app as world;
    use crate::rules::kubernetes::check;

    #[test]
    fn it_is_asked_for_at_the_root() {
        check(
            &world("azrole up Authorization/elevateAccess/action\nassign app up /"),
            "alice -> role-assignment write on /: token-request, workload-identity, azure-elevate-access",
        );
    }

    #[test]
    fn a_global_administrator_may() {
        check(
            &world("administers app"),
            "alice -> role-assignment write on /: token-request, workload-identity, azure-elevate-access",
        );
        check(
            &world("administers app eligible"),
            "alice -> role-assignment write on /: token-request, workload-identity, azure-elevate-access",
        );
    }

    #[test]
    fn another_administrator_of_the_directory_may_not() {
        check(
            &world("administers app Groups\nassign app Reader s1"),
            "alice -> read on s1: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn nowhere_else() {
        check(
            &world("azrole up Authorization/elevateAccess/action\nassign app up s1"),
            "alice -> read on s1: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn the_star_of_a_subscription_s_owner_is_not_it() {
        check(
            &world("assign app Owner s1"),
            "alice -> role-assignment write on s1: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn whoever_may_assign_roles_at_the_root_need_not_elevate() {
        check(
            &world("assign app Access /"),
            "alice -> role-assignment write on /: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn contributor_at_the_root_is_without_it() {
        check(
            &world("assign app Contributor /"),
            "alice -> Contributor-like on /: token-request, workload-identity, azure-role",
        );
        check(
            &world("azrole near Authorization/*/read,Authorization/elevateAccess/read\nassign app near /"),
            "alice -> read on /: token-request, workload-identity, azure-role",
        );
    }
}
