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
            if places[at] && pattern[at] == b'*' {
                places[at + 1] = true;
                // INVARIANT: the slash before the star was matched, so the one behind it is the same one.
                let between = at > 0 && pattern[at - 1] == b'/' && pattern.get(at + 1) == Some(&b'/');
                if between && middle == Middle::MayBeNothing {
                    places[at + 2] |= places[at];
                }
            }
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
            }
        }
        std::mem::swap(&mut here, &mut next);
        skip(&mut here);
    }
    here[pattern.len()]
}
