//! Conditions as Azure's documentation, its portal and its own roles write them.

use super::*;
use crate::model::azure::{built_in_role, built_in_roles};

const WRITE: &str = "Microsoft.Authorization/roleAssignments/write";
const DELETE: &str = "Microsoft.Authorization/roleAssignments/delete";
const OWNER: &str = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
const ACR_PULL: &str = "7f951dda-4ed3-4680-a7ca-43fe172d538d";
const SOMEBODY: &str = "aaaaaaaa-0000-0000-0000-000000000001";
const SOMEBODY_ELSE: &str = "aaaaaaaa-0000-0000-0000-000000000002";

fn request<'a>(role: &'a str, principal: &'a str, kind: &'a str) -> Request<'a> {
    Request { role, principal, kind }
}

fn permits(condition: &str, role: &str, principal: &str, kind: &str) -> Option<bool> {
    Condition::parse(condition).effect(WRITE).permits(request(role, principal, kind))
}

/// `!(ActionMatches{write}) OR (...)`, the form of all constrained delegation.
fn on_write(constraint: &str) -> String {
    format!("((!(ActionMatches{{'{WRITE}'}})) OR ({constraint}))")
}

const ROLE: &str = "@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId]";
const PRINCIPAL: &str = "@Request[Microsoft.Authorization/roleAssignments:PrincipalId]";
const KIND: &str = "@Request[Microsoft.Authorization/roleAssignments:PrincipalType]";

#[test]
fn a_condition_narrows_only_the_actions_that_it_names() {
    let condition = Condition::parse(&on_write(&format!("{ROLE} ForAnyOfAnyValues:GuidEquals {{{ACR_PULL}}}")));
    assert_eq!(condition.effect("Microsoft.Storage/storageAccounts/write"), Effect::Always);
    assert_eq!(condition.effect(DELETE), Effect::Always);
    assert!(matches!(condition.effect(WRITE), Effect::Depends(_)));
    assert_eq!(condition.effect(&WRITE.to_uppercase()), condition.effect(WRITE), "in any case");
}

#[test]
fn what_it_says_of_assigning_roles_it_says_of_asking_pim_for_them() {
    let condition = Condition::parse(&on_write(&format!("{ROLE} ForAnyOfAnyValues:GuidEquals {{{ACR_PULL}}}")));
    for action in REQUEST_ROLES {
        assert_eq!(condition.effect(action), condition.effect(WRITE), "{action}");
        assert_eq!(condition.effect(&action.to_uppercase()), condition.effect(WRITE), "in any case");
        // One about requests themselves holds as well.
        let own = Condition::parse(&format!("!(ActionMatches{{'{action}'}}) OR {PRINCIPAL} GuidEquals {{{SOMEBODY}}}"));
        assert!(matches!(own.effect(action), Effect::Depends(_)), "{action}");
        assert_eq!(own.effect(WRITE), Effect::Always);
    }
    let near = "Microsoft.Authorization/roleAssignmentScheduleRequests/cancel/action";
    assert_eq!(condition.effect(near), Effect::Always);
}

#[test]
fn constrained_delegation_says_which_roles_to_whom() {
    let acr = format!("{ROLE} ForAnyOfAnyValues:GuidEquals {{{ACR_PULL}}}");
    let bare = format!("{ROLE} ForAnyOfAnyValues:GuidEquals{{{}}}", ACR_PULL.replace('-', ""));
    let not_owner = format!("{ROLE} ForAnyOfAllValues:GuidNotEquals {{{OWNER}, 18d7d88d-d35e-4fb5-a5c3-7773c20a72d9}}");
    let to_services = format!("{acr} AND {KIND} ForAnyOfAnyValues:StringEqualsIgnoreCase {{'ServicePrincipal'}}");
    let to_one = format!("{acr} && {PRINCIPAL} ForAnyOfAnyValues:GuidEquals {{{SOMEBODY}}}");
    let not_to_one = format!("NOT {PRINCIPAL} GuidEquals {SOMEBODY}");
    let either = format!("({acr}) OR ({PRINCIPAL} GuidEquals {SOMEBODY})");
    for (condition, role, principal, kind, expected) in [
        (on_write(&acr), ACR_PULL, SOMEBODY, "User", Some(true)),
        (on_write(&acr), OWNER, SOMEBODY, "User", Some(false)),
        // Azure's own roles write GUIDs without dashes.
        (on_write(&bare), ACR_PULL, SOMEBODY, "User", Some(true)),
        (on_write(&bare), OWNER, SOMEBODY, "User", Some(false)),
        // The portal's "all except privileged roles".
        (on_write(&not_owner), ACR_PULL, SOMEBODY, "User", Some(true)),
        (on_write(&not_owner), OWNER, SOMEBODY, "User", Some(false)),
        // ... and one that forgets a role that is just as good.
        (
            on_write(&format!("{ROLE} ForAnyOfAllValues:GuidNotEquals {{{OWNER}}}")),
            "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
            SOMEBODY,
            "User",
            Some(true),
        ),
        (on_write(&to_services), ACR_PULL, SOMEBODY, "ServicePrincipal", Some(true)),
        (on_write(&to_services), ACR_PULL, SOMEBODY, "User", Some(false)),
        (on_write(&to_one), ACR_PULL, SOMEBODY, "User", Some(true)),
        (on_write(&to_one), ACR_PULL, SOMEBODY_ELSE, "User", Some(false)),
        (on_write(&not_to_one), OWNER, SOMEBODY, "User", Some(false)),
        (on_write(&not_to_one), OWNER, SOMEBODY_ELSE, "User", Some(true)),
        (on_write(&either), OWNER, SOMEBODY, "User", Some(true)),
        (on_write(&either), OWNER, SOMEBODY_ELSE, "User", Some(false)),
        // Without an action it is about all of them, as in the role Azure Sphere Owner.
        (acr.clone(), OWNER, SOMEBODY, "User", Some(false)),
        // Something differs from one of two values always, and equals both never.
        (
            on_write(&format!("{ROLE} ForAnyOfAnyValues:GuidNotEquals {{{OWNER}, {ACR_PULL}}}")),
            OWNER,
            SOMEBODY,
            "User",
            Some(true),
        ),
        (
            on_write(&format!("{ROLE} ForAnyOfAllValues:GuidEquals {{{OWNER}, {ACR_PULL}}}")),
            OWNER,
            SOMEBODY,
            "User",
            Some(false),
        ),
    ] {
        assert_eq!(permits(&condition, role, principal, kind), expected, "{condition}");
    }
}

#[test]
fn what_is_deleted_is_the_resource() {
    let text = format!(
        "(!(ActionMatches{{'{DELETE}'}})) OR @Resource[Microsoft.Authorization/roleAssignments:RoleDefinitionId] \
         ForAnyOfAnyValues:GuidEquals{{{ACR_PULL}}}"
    );
    let effect = Condition::parse(&text).effect(DELETE);
    assert_eq!(effect.permits(request(OWNER, SOMEBODY, "User")), Some(false));
    assert_eq!(effect.permits(request(ACR_PULL, SOMEBODY, "User")), Some(true));
    // What is written is not the resource yet, so that this says nothing that is understood.
    let on_resource = on_write("@Resource[Microsoft.Authorization/roleAssignments:RoleDefinitionId] GuidEquals x");
    assert_eq!(permits(&on_resource, OWNER, SOMEBODY, "User"), None);
}

#[test]
fn what_is_not_understood_stays_open() {
    for open in [
        "something else entirely",
        "@Resource[HasObotoken] boolequals true",
        "@Principal[Microsoft.Directory/CustomSecurityAttributes/Id:Eng_Project] StringEquals 'Baker'",
        "@Request[a:b] StringEquals @Principal[c:d]",
        "Exists @Request[a:b]",
        "@Environment[UtcNow] DateTimeGreaterThan '2026-05-01T13:00:00.0Z'",
        "SubOperationMatches{'Blob.List'}",
        &format!("{ROLE} StringLike '*'"),
        &format!("{ROLE} ForAnyOfAnyValues:GuidEquals {{'no guid'}}"),
        "(((",
        "@Request[a",
        "'open",
        "",
        &"(".repeat(100_000),
        &"!".repeat(100_000),
    ] {
        let condition = Condition::parse(open);
        let effect = condition.effect(WRITE);
        assert_eq!(effect.permits(request(OWNER, SOMEBODY, "User")), None, "{:.60}", open);
        // Never dropped, and never unconditional.
        assert!(matches!(effect, Effect::Depends(_)), "{:.60}", open);
    }
    // A known part narrows even where another one is open.
    let half = on_write(&format!("{ROLE} GuidEquals {ACR_PULL} AND @Environment[x] BoolEquals true"));
    assert_eq!(permits(&half, OWNER, SOMEBODY, "User"), Some(false));
    assert_eq!(permits(&half, ACR_PULL, SOMEBODY, "User"), None);
    assert_eq!(Condition::parse(&half).effect(DELETE), Effect::Always);
}

#[test]
fn conditions_of_assignment_and_role_hold_together() {
    let effect = |constraint: &str| Condition::parse(&on_write(constraint)).effect(WRITE);
    let acr = effect(&format!("{ROLE} GuidEquals {ACR_PULL}"));
    let owner = effect(&format!("{ROLE} GuidEquals {OWNER}"));
    let somebody = effect(&format!("{PRINCIPAL} GuidEquals {SOMEBODY}"));
    assert_eq!(acr.and(&owner), Effect::Never);
    let both = acr.and(&somebody);
    assert_eq!(both.permits(request(ACR_PULL, SOMEBODY, "User")), Some(true));
    assert_eq!(both.permits(request(ACR_PULL, SOMEBODY_ELSE, "User")), Some(false));
    assert_eq!(acr.and(&Effect::Always), acr);
    assert_eq!(acr.or(&Effect::Always), Effect::Always);
    assert_eq!(acr.or(&owner).permits(request(OWNER, SOMEBODY, "User")), Some(true));
    assert_eq!(acr.or(&Effect::Never), acr);
}

#[test]
fn a_condition_of_a_thousand_ways_stays_open() {
    let ways: Vec<String> = (0..100)
        .map(|at| format!("({ROLE} GuidEquals {ACR_PULL} AND {PRINCIPAL} GuidEquals aaaaaaaa-0000-0000-0000-{at:012})"))
        .collect();
    assert_eq!(permits(&on_write(&ways.join(" OR ")), OWNER, SOMEBODY, "User"), None);
    let few = on_write(&ways[..20].join(" OR "));
    assert_eq!(permits(&few, OWNER, SOMEBODY, "User"), Some(false));
}

#[test]
fn every_condition_of_azures_own_roles_is_read() {
    let roles = built_in_roles().filter_map(|(id, _)| built_in_role(id));
    let conditions: Vec<&str> = roles.flat_map(|role| role.blocks).filter_map(|block| block.condition).collect();
    assert_eq!(conditions.len(), 31);
    for text in conditions {
        let condition = Condition::parse(text);
        assert!(condition.expression.is_some(), "{text}");
        // None of them lets anybody give the role Owner.
        let effect = condition.effect(WRITE);
        let about_write = text.to_lowercase().contains("roleassignments:roledefinitionid") && text.contains("@Request");
        if about_write {
            assert_eq!(effect.permits(request(OWNER, SOMEBODY, "ServicePrincipal")), Some(false), "{text}");
        }
    }
}

proptest::proptest! {
    /// Whatever is written, it is read to its end, and what a reading says of single role assignments agrees with what it says at all.
    #[test]
    fn any_text_is_read(parts in proptest::collection::vec(0..WORDS.len(), 0..24)) {
        let text: Vec<&str> = parts.into_iter().map(|at| WORDS[at]).collect();
        for text in [text.join(" "), text.concat()] {
            let effect = Condition::parse(&text).effect(WRITE);
            for role in [OWNER, ACR_PULL, SOMEBODY] {
                match (&effect, effect.permits(request(role, SOMEBODY, "User"))) {
                    (Effect::Always, permits) => assert_eq!(permits, Some(true)),
                    (Effect::Never, permits) => assert_eq!(permits, Some(false)),
                    (Effect::Depends(ways), _) => assert!(!ways.is_empty() && ways.len() <= MOST),
                }
            }
        }
    }

    /// The opposite of a condition permits what the condition does not.
    #[test]
    fn not_is_the_opposite(parts in proptest::collection::vec(0..3_usize, 1..6), or in proptest::bool::ANY) {
        let owner = format!("{ROLE} GuidEquals {OWNER}");
        let not_me = format!("{PRINCIPAL} GuidNotEquals {SOMEBODY}");
        let all = [owner.as_str(), not_me.as_str(), "!(ActionMatches{'*/delete'})"];
        let text = parts.iter().map(|at| all[*at]).collect::<Vec<_>>().join(if or { " OR " } else { " AND " });
        for (role, principal) in [(OWNER, SOMEBODY), (OWNER, SOMEBODY_ELSE), (ACR_PULL, SOMEBODY), (ACR_PULL, SOMEBODY_ELSE)] {
            let yes = permits(&text, role, principal, "User");
            let no = permits(&format!("NOT ({text})"), role, principal, "User");
            assert_eq!(yes.map(|yes| !yes), no, "{text}");
            let each = [role == OWNER, principal != SOMEBODY, true];
            let mut holds = parts.iter().map(|at| each[*at]);
            assert_eq!(yes, Some(if or { holds.any(|one| one) } else { holds.all(|one| one) }), "{text}");
        }
    }
}

/// The words that conditions are made of, and some that they are not.
const WORDS: [&str; 20] = [
    "(",
    ")",
    "!",
    "NOT",
    "AND",
    "OR",
    "&&",
    "||",
    "{",
    "}",
    ",",
    "'x'",
    "'",
    "@Request[",
    ROLE,
    "GuidEquals",
    "ForAnyOfAllValues:GuidNotEquals",
    OWNER,
    "ActionMatches{'*'}",
    "\u{e9}",
];
