//! Scopes as texts. Azure writes one id in several cases (`resourcegroups`, `resourceGroups`), so ids are compared lower-cased and by
//! whole segments. Which management group holds which subscription is not in the text; `graph/azure` knows.

/// What the id of a management group begins with, lower-cased.
pub const MANAGEMENT_GROUPS: &str = "/providers/microsoft.management/managementgroups/";

/// The form that ids are compared in: lower-cased, one slash before it, none behind it. The root is `/`.
pub fn fold(scope: &str) -> String {
    let scope = scope.trim_ascii();
    let bytes = scope.as_bytes();
    // Most are in this form but for their case.
    if bytes.len() > 1 && bytes[0] == b'/' && !bytes.ends_with(b"/") && !scope.contains("//") {
        return scope.to_ascii_lowercase();
    }
    let mut folded = String::with_capacity(scope.len() + 1);
    for segment in scope.split('/').filter(|segment| !segment.is_empty()) {
        folded.push('/');
        folded.push_str(segment);
    }
    folded.make_ascii_lowercase();
    if folded.is_empty() {
        folded.push('/');
    }
    folded
}

/// Whether a folded scope is another one or holds it, as far as their texts say: by whole segments.
pub fn contains(outer: &str, inner: &str) -> bool {
    outer == "/" || inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A folded scope and everything above it in its text, from the scope itself up to `/`.
pub fn ancestors(folded: &str) -> impl Iterator<Item = &str> {
    let mut next = Some(folded);
    std::iter::from_fn(move || {
        let here = next?;
        next = match here.rfind('/') {
            _ if here == "/" => None,
            Some(at) if at > 0 => Some(&here[..at]),
            _ => Some("/"),
        };
        Some(here)
    })
}

/// The subscription that a folded scope is or lies in, as `/subscriptions/ID`.
pub fn subscription_of(folded: &str) -> Option<&str> {
    let rest = folded.strip_prefix("/subscriptions/")?;
    let end = rest.find('/').unwrap_or(rest.len());
    (end > 0).then(|| &folded[.."/subscriptions/".len() + end])
}

/// The id of the management group that a folded scope is.
pub fn management_group(folded: &str) -> Option<&str> {
    folded.strip_prefix(MANAGEMENT_GROUPS).filter(|id| !id.is_empty() && !id.contains('/'))
}

/// Whether a text is a GUID with dashes.
pub fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// The last segment of an id, lower-cased: what role definitions are joined by, since their ids come with and without a subscription.
pub fn last_guid(id: &str) -> String {
    id.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_ascii_lowercase()
}

/// Reads a scope as it was typed.
///
/// # Errors
/// One line that says what a scope looks like.
pub fn check_scope(text: &str) -> Result<String, String> {
    let wrong = |why: &str| {
        Err(format!(
            "`{text}` is no Azure scope: {why}; write /subscriptions/ID[/resourceGroups/NAME[/providers/...]], \
             {}NAME, or /",
            "/providers/Microsoft.Management/managementGroups/"
        ))
    };
    if !text.starts_with('/') {
        return wrong("it does not begin with a slash");
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '*') {
        return wrong("there is a blank or a `*` in it");
    }
    if text.trim_end_matches('/').contains("//") {
        return wrong("a segment is empty");
    }
    let folded = fold(text);
    let segments: Vec<&str> = folded.split('/').skip(1).filter(|segment| !segment.is_empty()).collect();
    match segments.as_slice() {
        [] | ["providers", ..] => Ok(folded),
        ["subscriptions"] => wrong("the id of the subscription is missing"),
        ["subscriptions", id, ..] if !is_guid(id) => wrong("the id of a subscription is a GUID"),
        ["subscriptions", _] => Ok(folded),
        ["subscriptions", _, "resourcegroups"] => wrong("the name of the resource group is missing"),
        ["subscriptions", _, "resourcegroups" | "providers", ..] => Ok(folded),
        ["subscriptions", ..] => wrong("`resourceGroups` or `providers` comes after a subscription"),
        _ => wrong("it begins with `subscriptions` or `providers`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_hold_each_other_by_whole_segments() {
        const RG: &str = "/subscriptions/s/resourcegroups/rg1";
        for (outer, inner, holds) in [
            ("/", "/", true),
            ("/", RG, true),
            ("/", "/providers/Microsoft.Management/managementGroups/root", true),
            (RG, RG, true),
            ("/subscriptions/S/resourceGroups/RG1/", RG, true),
            (RG, "/subscriptions/s/resourceGroups/rg1/providers/Microsoft.Storage/storageAccounts/a", true),
            (RG, "/subscriptions/s/resourcegroups/rg10", false),
            ("/subscriptions/s", "/subscriptions/s2/resourcegroups/rg1", false),
            (RG, "/subscriptions/s", false),
            // AKS namespaces, and extension resources.
            ("/subscriptions/s/providers/c/c/c1", "/subscriptions/s/providers/c/c/c1/namespaces/dev", true),
            (
                "/subscriptions/s/providers/c/c/c1/namespaces/dev",
                "/subscriptions/s/providers/c/c/c1/namespaces/dev2",
                false,
            ),
        ] {
            assert_eq!(contains(&fold(outer), &fold(inner)), holds, "{outer} holds {inner}");
            let above = ancestors(&fold(inner)).any(|text| text == fold(outer));
            assert_eq!(above, holds, "{outer} is above {inner}");
        }
    }

    #[test]
    fn a_scope_says_what_it_is() {
        assert_eq!(subscription_of("/subscriptions/s/resourcegroups/x"), Some("/subscriptions/s"));
        assert_eq!(subscription_of("/subscriptions/s"), Some("/subscriptions/s"));
        assert_eq!((subscription_of("/subscriptions/"), subscription_of("/providers/x")), (None, None));
        assert_eq!(management_group("/providers/microsoft.management/managementgroups/a"), Some("a"));
        assert_eq!(management_group("/providers/microsoft.management/managementgroups/a/b"), None);
        let role =
            "/subscriptions/s/providers/Microsoft.Authorization/RoleDefinitions/8E3AF657-A8FF-443C-A75C-2FE8C4BCB635";
        assert_eq!(last_guid(role), "8e3af657-a8ff-443c-a75c-2fe8c4bcb635");
    }

    #[test]
    fn what_is_no_scope_is_said() {
        let subscription = "/subscriptions/11111111-0000-0000-0000-000000000001";
        for good in [
            "/",
            subscription,
            "/providers/Microsoft.Management/managementGroups/contoso",
            "/providers/Microsoft.Capacity",
        ] {
            assert_eq!(check_scope(good), Ok(fold(good)));
        }
        assert!(check_scope(&format!("{subscription}/resourceGroups/rg/providers/a/b/c")).is_ok());
        for (bad, why) in [
            ("contoso-main", "it does not begin with a slash"),
            ("/subscriptions", "the id of the subscription is missing"),
            ("/subscriptions/contoso-main", "the id of a subscription is a GUID"),
            (&format!("{subscription}/resourceGroups"), "the name of the resource group is missing"),
            (&format!("{subscription}/rg"), "`resourceGroups` or `providers` comes after a subscription"),
            (&format!("{subscription}//resourceGroups/rg"), "a segment is empty"),
            ("/subscriptions/*", "there is a blank or a `*` in it"),
            ("/resourceGroups/rg", "it begins with `subscriptions` or `providers`"),
        ] {
            let said = check_scope(bad).unwrap_err();
            assert!(said.contains(why) && said.starts_with(&format!("`{bad}` is no Azure scope: ")), "{said}");
        }
    }
}
