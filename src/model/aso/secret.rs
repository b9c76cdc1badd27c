//! The Secrets that hold ASO's credentials and settings, without anything that is secret.

use crate::model::intern::Name;
use crate::model::object::{ClusterId, Origin};

/// A Secret that is, or may be, a credential of ASO.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsoSecret {
    /// The cluster.
    pub cluster: ClusterId,
    /// The namespace.
    pub namespace: Name,
    /// The name.
    pub name: Name,
    /// What was seen of it.
    pub content: AsoSecretContent,
    /// Where kubernetes-reflector may copy it to: patterns of namespaces, the empty text for all. None where it may not.
    pub copied_to: Option<Name>,
    /// Where it was read.
    pub origin: Origin,
}

/// What was seen of a Secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AsoSecretContent {
    /// It was asked for, and is not there.
    Absent,
    /// It may be there, and may not be read.
    Unreadable,
    /// Its entries, sorted by name.
    Entries(Box<[(Name, AsoText)]>),
}

/// A text, or only whether there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AsoText {
    /// The empty text.
    Empty,
    /// Some text that is not kept: it is secret, or not of the form that such a value has.
    Hidden,
    /// The text: an id, or a setting.
    Text(Name),
}

impl AsoSecret {
    /// The entry of a name.
    pub fn entry(&self, key: Name) -> Option<AsoText> {
        match &self.content {
            AsoSecretContent::Entries(entries) => {
                entries.binary_search_by_key(&key, |(name, _)| *name).ok().map(|at| entries[at].1)
            }
            AsoSecretContent::Absent | AsoSecretContent::Unreadable => None,
        }
    }
}

/// The annotations by which kubernetes-reflector knows that a Secret may be copied, and into which namespaces
/// (<https://github.com/emberstack/kubernetes-reflector>). A Secret there that names it in `reflects` becomes a copy of it.
pub const REFLECTION_ALLOWED: &str = "reflector.v1.k8s.emberstack.com/reflection-allowed";
/// See [`REFLECTION_ALLOWED`].
pub const REFLECTION_NAMESPACES: &str = "reflector.v1.k8s.emberstack.com/reflection-allowed-namespaces";

/// Where a Secret with these annotations may be copied to, as [`AsoSecret::copied_to`] has it. The switch is read as .NET reads a
/// boolean.
pub fn copied_to<'a>(value: impl Fn(&str) -> Option<&'a str>) -> Option<&'a str> {
    let allowed = value(REFLECTION_ALLOWED)?.trim().eq_ignore_ascii_case("true");
    allowed.then(|| value(REFLECTION_NAMESPACES).unwrap_or_default())
}

/// Whether a list of patterns, as kubernetes-reflector reads it, has a namespace: a regular expression between commas has to match all
/// of its name, and an empty list has every one. None where that depends on an expression that is not understood here.
pub fn is_copied_to(patterns: &str, namespace: &str) -> Option<bool> {
    if patterns.is_empty() {
        return Some(true);
    }
    let mut answer = Some(false);
    for pattern in patterns.split(',').map(str::trim).filter(|pattern| !pattern.is_empty()) {
        match regex::Regex::new(pattern) {
            Ok(pattern) if pattern.find(namespace).is_some_and(|found| found.len() == namespace.len()) => {
                return Some(true);
            }
            Ok(_) => {}
            Err(_) => answer = None,
        }
    }
    answer
}

/// What the value of an entry may look like to be kept.
#[derive(Clone, Copy)]
enum Form {
    /// Only whether it is empty.
    Hidden,
    /// A GUID, in any case.
    Id,
    /// One of these words, in any case.
    Words(&'static [&'static str]),
    /// A list of names of namespaces, or of GUIDs.
    Names,
    /// A duration such as `1h30m`, or `never`.
    Duration,
    /// An address: `https://`, host and path, without a user or a query.
    Address,
}

const BOOL: &[&str] = &["true", "false", "1", "0", "t", "f"];

/// The entries that are looked at, beside `AZURE_CLIENT_SECRET` and its like.
const FORMS: [(&str, Form); 21] = [
    ("ALLOW_MULTI_ENV_MANAGEMENT", Form::Words(BOOL)),
    ("AUTH_MODE", Form::Words(&["workloadidentity", "podidentity"])),
    ("AZURE_ADDITIONAL_TENANTS", Form::Names),
    ("AZURE_AUTHORITY_HOST", Form::Address),
    ("AZURE_CLIENT_CERTIFICATE", Form::Hidden),
    ("AZURE_CLIENT_CERTIFICATE_PASSWORD", Form::Hidden),
    ("AZURE_CLIENT_ID", Form::Id),
    ("AZURE_CLIENT_SECRET", Form::Hidden),
    ("AZURE_OPERATOR_MODE", Form::Words(&["both", "watchers", "webhooks"])),
    ("AZURE_RESOURCE_MANAGER_AUDIENCE", Form::Address),
    ("AZURE_RESOURCE_MANAGER_ENDPOINT", Form::Address),
    ("AZURE_SUBSCRIPTION_ID", Form::Id),
    ("AZURE_SYNC_PERIOD", Form::Duration),
    ("AZURE_TARGET_NAMESPACES", Form::Names),
    ("AZURE_TENANT_ID", Form::Id),
    ("AZURE_USER_ASSIGNED_IDENTITY_CREDENTIALS", Form::Hidden),
    ("AZURE_WORKLOAD_IDENTITY_AUTH_MODE", Form::Words(&["relaxed", "strict"])),
    ("AZURE_WORKLOAD_IDENTITY_SERVICE_ACCOUNT", Form::Names),
    ("DEFAULT_RECONCILE_POLICY", Form::Words(&["manage", "detach-on-delete", "skip"])),
    ("ENTRA_APP_ID", Form::Id),
    ("USE_WORKLOAD_IDENTITY_AUTH", Form::Words(BOOL)),
];

/// Whether an entry of this name makes a Secret one of ASO's, whatever it is called. Many workloads have such Secrets for
/// themselves; ASO takes them as well.
pub fn is_aso_secret_entry(key: &str) -> bool {
    matches!(key, "AZURE_CLIENT_ID" | "AZURE_SUBSCRIPTION_ID" | "AZURE_TENANT_ID")
}

/// The text of an entry if it may be kept: one of the known ids and settings, and of their form. A secret that stands under a wrong
/// key is not of that form.
pub fn kept_aso_entry<'v>(key: &str, value: &'v str) -> Option<&'v str> {
    let at = FORMS.binary_search_by_key(&key, |(name, _)| name).ok()?;
    // People paste ids with line ends, and Azure takes them nevertheless; the other texts have to be exact.
    let value = if matches!(FORMS[at].1, Form::Id) { value.trim_ascii() } else { value };
    let kept = match FORMS[at].1 {
        Form::Hidden => false,
        Form::Id => is_guid(value),
        Form::Words(words) => words.iter().any(|word| word.eq_ignore_ascii_case(value)),
        Form::Names => value.split(',').all(|part| is_name(part.trim_ascii())),
        Form::Duration => is_duration(value),
        Form::Address => is_address(value),
    };
    kept.then_some(value)
}

/// Whether a text is a GUID with its dashes.
fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// A name as objects of Kubernetes have, which no secret of Azure is: those are longer, or have capitals or signs.
fn is_name(text: &str) -> bool {
    let inside = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    is_guid(text) || text.len() <= 63 && inside
}

fn is_duration(text: &str) -> bool {
    text == "never"
        || text.len() <= 20
            && text.starts_with(|first: char| first.is_ascii_digit())
            && text.bytes().all(|byte| byte.is_ascii_digit() || b".hmsun".contains(&byte))
}

fn is_address(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-/:_".contains(&byte);
    text.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && rest.len() <= 200 && rest.bytes().all(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_namespaces_match_whole_names() {
        for (patterns, namespace, copied) in [
            ("", "dev", Some(true)),
            ("dev", "dev", Some(true)),
            ("dev", "dev-1", Some(false)),
            ("prod, dev-[0-9]*", "dev-17", Some(true)),
            ("dev-[0-9]*", "dev-x", Some(false)),
            (".*", "kube-system", Some(true)),
            // The first alternative matches a part, and no other one is tried.
            ("dev|dev-1", "dev-1", Some(false)),
            ("(?!prod).*", "dev", None),
            ("(?!prod).*,dev", "dev", Some(true)),
            (" , ", "dev", Some(false)),
        ] {
            assert_eq!(is_copied_to(patterns, namespace), copied, "{patterns} {namespace}");
        }
    }

    #[test]
    fn only_what_has_the_form_of_no_secret_is_kept() {
        assert!(FORMS.is_sorted_by_key(|(name, _)| name));
        let id = "cccccccc-0000-0000-0000-00000000000A";
        for (key, value, kept) in [
            ("AZURE_CLIENT_ID", id, true),
            ("AZURE_CLIENT_ID", " cccccccc-0000-0000-0000-00000000000a\n", true),
            ("AZURE_CLIENT_ID", "k3y~Q.not-an-id-but-a-password-aaaaa", false),
            ("AZURE_CLIENT_ID", "", false),
            ("AZURE_CLIENT_SECRET", id, false),
            ("AZURE_CLIENT_CERTIFICATE", "true", false),
            ("AUTH_MODE", "podidentity", true),
            ("AUTH_MODE", "s3cret", false),
            ("AZURE_TARGET_NAMESPACES", "dev, prod-1", true),
            ("AZURE_TARGET_NAMESPACES", "abc8Q~def", false),
            ("AZURE_SYNC_PERIOD", "1h30m", true),
            ("AZURE_SYNC_PERIOD", "password", false),
            ("AZURE_RESOURCE_MANAGER_ENDPOINT", "https://management.azure.com/", true),
            ("AZURE_RESOURCE_MANAGER_ENDPOINT", "https://user:pass@host?sig=abc", false),
            ("password", "true", false),
        ] {
            assert_eq!(kept_aso_entry(key, value).is_some(), kept, "{key}={value}");
        }
    }
}
