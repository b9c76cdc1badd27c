//! How the action strings of roles match actions. The semantics are those of Azure RBAC's role definitions
//! (<https://learn.microsoft.com/azure/role-based-access-control/role-definitions>): case does not count, and `*` spans `/`.

/// Which of the two kinds of actions is meant. An action of one is never granted by the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Plane {
    /// `actions` and `notActions`: Azure Resource Manager.
    Control,
    /// `dataActions` and `notDataActions`: the service itself.
    Data,
}

/// Whether a pattern of `actions` or `dataActions` matches an action.
///
/// A `/*/` in the middle also matches nothing: Managed Identity Operator holds only `userAssignedIdentities/*/assign/action`
/// and is the documented role for `userAssignedIdentities/assign/action`. At worst this finds more than there is.
pub fn allows(pattern: &str, action: &str) -> bool {
    let pattern = pattern.trim();
    matches_strictly(pattern, action) || (pattern.contains("/*/") && matches(pattern, action, Middle::MayBeNothing))
}

/// Whether a pattern matches an action where a doubtful match would hide something: in `notActions`, `notDataActions`
/// and the permissions of deny assignments. A `/*/` stands for one segment at least.
pub fn matches_strictly(pattern: &str, action: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return pattern.eq_ignore_ascii_case(action) };
    if after.contains('*') {
        return matches(pattern, action, Middle::IsSomething);
    }
    let (action, before, after) = (action.as_bytes(), before.as_bytes(), after.as_bytes());
    action.len() >= before.len() + after.len()
        && action[..before.len()].eq_ignore_ascii_case(before)
        && action[action.len() - after.len()..].eq_ignore_ascii_case(after)
}

/// Reads an action as it was typed.
///
/// # Errors
/// One line that says what an action looks like.
pub fn check_action(text: &str) -> Result<(), String> {
    let wrong = |why: &str| {
        Err(format!(
            "`{text}` is no Azure action: {why}; write PROVIDER/TYPE/.../read, write, delete or NAME/action, such as \
             Microsoft.Authorization/roleAssignments/write"
        ))
    };
    let mut segments = text.split('/');
    let provider = segments.next().unwrap_or_default();
    let kinds: Vec<&str> = segments.collect();
    if text.contains('*') {
        return wrong("one action has no `*`");
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) || kinds.iter().any(|kind| kind.is_empty()) {
        return wrong("there is a blank or an empty segment in it");
    }
    if !provider.contains('.') {
        return wrong("it begins with no resource provider");
    }
    let ends = kinds
        .last()
        .is_some_and(|last| ["read", "write", "delete", "action"].iter().any(|word| last.eq_ignore_ascii_case(word)));
    if kinds.len() < 2 || !ends {
        return wrong("it ends in no verb");
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Middle {
    MayBeNothing,
    IsSomething,
}

/// Any number of stars, by walking all places of the pattern side by side. O(pattern x action), whatever the pattern.
fn matches(pattern: &str, action: &str, middle: Middle) -> bool {
    let pattern = pattern.as_bytes();
    let mut here = vec![false; pattern.len() + 1];
    let mut next = here.clone();
    let skip = |places: &mut [bool]| {
        for at in 0..pattern.len() {
            places[at + 1] |= places[at] && pattern[at] == b'*';
        }
    };
    here[0] = true;
    skip(&mut here);
    for byte in action.bytes() {
        next.fill(false);
        for at in 0..pattern.len() {
            if here[at] && pattern[at] == b'*' {
                next[at] = true;
            } else if here[at] && pattern[at].eq_ignore_ascii_case(&byte) {
                next[at + 1] = true;
                // The slash before the star is then the one behind it.
                let mut slash = at;
                while middle == Middle::MayBeNothing && pattern[slash..].starts_with(b"/*/") {
                    slash += 2;
                    next[slash + 1] = true;
                }
            }
        }
        std::mem::swap(&mut here, &mut next);
        skip(&mut here);
    }
    here[pattern.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every way to cut the action, by recursion over the pattern's pieces.
    fn slow(pattern: &[u8], action: &[u8], before: u8, nothing: bool) -> bool {
        match pattern.split_first() {
            None => action.is_empty(),
            Some((b'*', rest)) => {
                (0..=action.len()).any(|cut| slow(rest, &action[cut..], b'*', nothing))
                    || (nothing
                        && before == b'/'
                        && rest.first() == Some(&b'/')
                        && slow(&rest[1..], action, b'/', nothing))
            }
            Some((byte, rest)) => {
                action.first().is_some_and(|first| first.eq_ignore_ascii_case(byte))
                    && slow(rest, &action[1..], *byte, nothing)
            }
        }
    }

    #[test]
    fn actions_match_as_azure_matches_them() {
        // Pattern, action, whether `actions` match, whether `notActions` do. The first six are the documentation's and the role data's.
        for (pattern, action, allowed, removed) in [
            ("*", "Microsoft.Compute/virtualMachines/write", true, true),
            ("Microsoft.Authorization/*/Write", "microsoft.authorization/roleAssignments/write", true, true),
            // Managed Identity Operator holds only the first and is the role for the second.
            (
                "Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action",
                "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
                true,
                false,
            ),
            ("Microsoft.Compute/virtualMachines/*", "Microsoft.Compute/virtualMachines/extensions/write", true, true),
            ("Microsoft.Compute/virtualMachines/*", "Microsoft.Compute/virtualMachineScaleSets/write", false, false),
            ("Microsoft.CostManagement/exports/*", "Microsoft.CostManagement/exports/run/action", true, true),
            ("*/read", "Microsoft.KeyVault/vaults/secrets/read", true, true),
            ("*/read", "Microsoft.KeyVault/vaults/secrets/write", false, false),
            // `elevateAccess/Action` and `runcommand` come in two cases.
            (
                "Microsoft.Authorization/elevateAccess/Action",
                "microsoft.authorization/elevateaccess/action",
                true,
                true,
            ),
            ("Microsoft.Storage/storageAccounts/read", "Microsoft.Storage/storageAccounts/reads", false, false),
            ("Microsoft.Storage/storageAccounts/rea", "Microsoft.Storage/storageAccounts/read", false, false),
            ("Microsoft.Compute/*", "Microsoft.Compute", false, false),
            // One built-in role has an action with a blank behind it.
            ("Microsoft.Network/virtualNetworks/read ", "Microsoft.Network/virtualNetworks/read", true, false),
            // More than one star nobody may write, and it means the same.
            ("Microsoft.*/virtual*/write", "Microsoft.Compute/virtualMachines/write", true, true),
            ("A/*/B/*/c", "A/B/c", true, false),
            ("A/*/B/*/c", "A/x/B/y/z/c", true, true),
            ("", "Microsoft.Compute/virtualMachines/write", false, false),
        ] {
            assert_eq!(allows(pattern, action), allowed, "{pattern} allows {action}");
            assert_eq!(matches_strictly(pattern, action), removed, "{pattern} removes {action}");
        }
    }

    #[test]
    fn what_is_no_action_is_said() {
        for good in
            ["Microsoft.Authorization/roleAssignments/write", "microsoft.storage/storageaccounts/listKeys/ACTION"]
        {
            assert_eq!(check_action(good), Ok(()));
        }
        for (bad, why) in [
            ("get", "it begins with no resource provider"),
            ("Microsoft.Authorization/roleAssignments", "it ends in no verb"),
            ("Microsoft.Authorization/write", "it ends in no verb"),
            ("Microsoft.Authorization/*/write", "one action has no `*`"),
            ("Microsoft.Authorization//write", "there is a blank or an empty segment in it"),
            ("Microsoft.Authorization/role Assignments/write", "there is a blank or an empty segment in it"),
        ] {
            assert!(check_action(bad).is_err_and(|said| said.contains(why)), "{bad}");
        }
    }

    #[test]
    fn the_fast_ways_are_the_slow_one() {
        let pieces = ["a", "B", "/", "*", "/*/", "ab"];
        let actions = ["", "a", "b", "a/b", "A//B", "a/x/b", "ab/ab", "a/b/a/b", "/a/", "//"];
        let mut tried = 0;
        for number in 0..pieces.len().pow(5) {
            let pattern: String =
                (0..5).map(|at| pieces[number / pieces.len().pow(at) % pieces.len()]).collect::<Vec<_>>().concat();
            for action in actions {
                let slow = |nothing| slow(pattern.as_bytes(), action.as_bytes(), b' ', nothing);
                assert_eq!(matches_strictly(&pattern, action), slow(false), "{pattern} {action}");
                assert_eq!(allows(&pattern, action), slow(true), "{pattern} {action}, or nothing between");
                tried += 1;
            }
        }
        assert_eq!(tried, 77_760);
    }
}
