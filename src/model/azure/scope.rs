//! Scopes as texts. Azure writes one id in several cases (`resourcegroups`, `resourceGroups`), so ids are compared lower-cased and by
//! whole segments. Which management group holds which subscription is not in the text; `graph/azure` knows.

/// What the id of a management group begins with, lower-cased.
pub const MANAGEMENT_GROUPS: &str = "/providers/microsoft.management/managementgroups/";

/// The form that ids are compared in: lower-cased, one slash before it, none behind it. The root is `/`.
pub fn fold(scope: &str) -> String {
    let mut folded = String::with_capacity(scope.len() + 1);
    for segment in scope.trim().split('/').filter(|segment| !segment.is_empty()) {
        folded.push('/');
        folded.extend(segment.chars().map(|c| c.to_ascii_lowercase()));
    }
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
