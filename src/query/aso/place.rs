//! What is known of a Secret's entries.

use crate::model::{AsoSecretContent, AsoText, ClusterId, Name, Snapshot};

/// What is known of a Secret's entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content<'s> {
    /// There is no such Secret.
    Absent,
    /// Whether there is one, or what it holds, was not to be seen.
    Unknown,
    /// It has none of ASO's entries.
    None,
    /// Its entries, by name.
    Entries(&'s [(Name, AsoText)]),
}

impl Content<'_> {
    /// The entry of a name; none where there is no such entry.
    pub(super) fn entry(&self, key: Option<Name>) -> Option<AsoText> {
        let Content::Entries(entries) = self else { return None };
        let at = entries.binary_search_by_key(&key?, |(name, _)| *name).ok()?;
        entries.get(at).map(|(_, text)| *text)
    }
}

/// The entries of a Secret, as far as they were read.
pub(super) fn content(snapshot: &Snapshot, cluster: ClusterId, namespace: Name, name: Name) -> Content<'_> {
    let key = (cluster, namespace, name);
    if let Ok(at) = snapshot.aso_secrets.binary_search_by_key(&key, |at| (at.cluster, at.namespace, at.name)) {
        return match &snapshot.aso_secrets[at].content {
            AsoSecretContent::Absent => Content::Absent,
            AsoSecretContent::Unreadable => Content::Unknown,
            AsoSecretContent::Entries(entries) => Content::Entries(entries),
        };
    }
    if let Ok(at) = snapshot.secrets.binary_search_by_key(&key, |at| (at.cluster, at.namespace, at.name)) {
        return if snapshot.secrets[at].entries_seen { Content::None } else { Content::Unknown };
    }
    if snapshot.lists_secrets_of(namespace) { Content::Absent } else { Content::Unknown }
}
