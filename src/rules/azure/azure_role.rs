//! `azure-role`: hold a role in Azure.

use super::facts::AzureFact;
use super::power;
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "azure-role",
    title: "Hold a role in Azure",
    gain: "what the role allows in its scope",
    why: "A role assignment gives its principal, and every member of a group, what the role allows in the scope and in all \
          that is in it.",
    remedy: "Assign a smaller role, or in a smaller scope.",
    confidence: Confidence::Documented,
    attack: &["T1078.004"],
    references: &[
        "https://learn.microsoft.com/azure/role-based-access-control/built-in-roles",
        "https://learn.microsoft.com/azure/role-based-access-control/overview",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::HOLDING
};

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    match fact {
        Fact::Azure(AzureFact::Token(who)) => power::holds(attack, &TECHNIQUE, id, who, None),
        Fact::Azure(AzureFact::Undenied(who, one)) => power::assigns_then(attack, &TECHNIQUE, id, who, one),
        _ => {}
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let own = power::held(step)?;
    let who = own.by.filter(|&who| state.has_token(who)).ok_or_else(|| "it is the role of somebody else".to_owned())?;
    power::proof(state, own, who, None)
}

#[cfg(test)]
mod tests {
    use super::super::{Sure, least_sure};
    use crate::query::SystemFilter;
    use crate::rules::kubernetes::{check, graph};
    use crate::rules::{Ask, escalations};

    #[test]
    fn the_actions_say_how_much_it_is() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole most * -Authorization/*
             assign app most s1
             role t: create serviceaccounts/token
             bind dev/t=t user:alice",
            "alice -> Contributor-like on s1: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn the_name_of_a_role_says_nothing() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole Contributor-of-nothing Storage/storageAccounts/read
             assign app Contributor-of-nothing s1
             role t: create serviceaccounts/token
             bind dev/t=t user:alice",
            "alice -> read on s1: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn of_two_identities_the_one_that_has_it_now_is_told() {
        for (later, now) in [("app", "other"), ("other", "app")] {
            let world = format!(
                "account dev/app
                 account dev/other
                 identity app s3/ids
                 identity other s3/ids
                 trust app dev/app
                 trust other dev/other
                 assign {later} Owner s1 eligible
                 assign {now} Owner s1
                 role t: create serviceaccounts/token
                 bind dev/t=t user:alice"
            );
            check(&world, "alice -> role-assignment write on s1: token-request, workload-identity, azure-role");
            let ask = Ask { system: SystemFilter::Hide, ..Ask::default() };
            for finding in escalations(&graph(&world), &ask).findings {
                assert_eq!(least_sure(&finding.steps), Sure::Yes, "{world}");
            }
        }
    }

    #[test]
    fn the_role_of_somebody_else_is_not_theirs() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             identity other s3/ids
             assign other Owner s1
             role t: create serviceaccounts/token
             bind dev/t=t user:alice",
            "",
        );
    }

    #[test]
    fn some_types_are_not_all() {
        check(
            "account dev/app
             identity app s3/ids
             trust app dev/app
             azrole some Storage/*,KeyVault/*
             assign app some s1
             role t: create serviceaccounts/token
             bind dev/t=t user:alice",
            "alice -> keys and data on s1: token-request, workload-identity, azure-key-vault-policy
             alice -> limited (vaults) on s1: token-request, workload-identity, azure-role",
        );
    }
}
