//! Subjects: who a binding grants to, and who asks.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use rustc_hash::FxBuildHasher;

use super::intern::{Name, Names, Slices, index_u32};

/// A subject in one canonical spelling, so that all spellings of one account are one subject.
///
/// RBAC compares user and group names as text (kubernetes `pkg/registry/rbac/validation/rule.go`, `appliesToUser`): a service
/// account is the user `system:serviceaccount:NAMESPACE:NAME`, whether a binding spells it as ServiceAccount or as User.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A group.
    Group(Name),
    /// A service account.
    ServiceAccount {
        /// Its namespace.
        namespace: Name,
        /// Its name.
        name: Name,
    },
    /// Any other user name.
    User(Name),
}

/// What stands before `NAMESPACE:NAME` in the user name of a service account.
pub const SERVICE_ACCOUNT_PREFIX: &str = "system:serviceaccount:";

/// Whether an account may be called that: a DNS subdomain (kubernetes `pkg/apis/core/validation`, `ValidateServiceAccountName`).
pub fn is_account_name(text: &str) -> bool {
    let is_end = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let is_label = |label: &str| {
        let bytes = label.as_bytes();
        let inside = |&byte: &u8| byte == b'-' || is_end(Some(&byte));
        is_end(bytes.first()) && is_end(bytes.last()) && bytes.iter().all(inside)
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

impl Subject {
    /// The subject with this user name.
    pub fn user(names: &mut Names, text: &str) -> Subject {
        match service_account_parts(text) {
            Some((namespace, name)) => {
                Subject::ServiceAccount { namespace: names.intern(namespace), name: names.intern(name) }
            }
            None => Subject::User(names.intern(text)),
        }
    }

    /// The subject with this user name, if the input mentions all of its parts.
    pub fn find_user(names: &Names, text: &str) -> Option<Subject> {
        match service_account_parts(text) {
            Some((namespace, name)) => {
                Some(Subject::ServiceAccount { namespace: names.find(namespace)?, name: names.find(name)? })
            }
            None => names.find(text).map(Subject::User),
        }
    }

    /// The subject that a binding spells as a ServiceAccount.
    ///
    /// Names that hold a colon or are empty cannot be told from other spellings of the same user name, and are kept as that.
    pub fn service_account(names: &mut Names, namespace: &str, name: &str) -> Subject {
        if namespace.is_empty() || name.is_empty() || namespace.contains(':') || name.contains(':') {
            return Subject::user(names, &[SERVICE_ACCOUNT_PREFIX, namespace, ":", name].concat());
        }
        Subject::ServiceAccount { namespace: names.intern(namespace), name: names.intern(name) }
    }

    /// The name that requests carry: the user name, or the group's name.
    pub fn request_name(self, names: &Names) -> String {
        match self {
            Subject::Group(name) | Subject::User(name) => names.text(name).to_owned(),
            Subject::ServiceAccount { namespace, name } => {
                [SERVICE_ACCOUNT_PREFIX, names.text(namespace), ":", names.text(name)].concat()
            }
        }
    }

    /// `User`, `Group` or `ServiceAccount`.
    pub fn kind(self) -> &'static str {
        match self {
            Subject::Group(_) => "Group",
            Subject::ServiceAccount { .. } => "ServiceAccount",
            Subject::User(_) => "User",
        }
    }

    /// The name as a binding writes it.
    pub fn name(self) -> Name {
        match self {
            Subject::Group(name) | Subject::User(name) | Subject::ServiceAccount { name, .. } => name,
        }
    }

    /// The namespace of a service account.
    pub fn namespace(self) -> Option<Name> {
        match self {
            Subject::ServiceAccount { namespace, .. } => Some(namespace),
            Subject::Group(_) | Subject::User(_) => None,
        }
    }

    /// The same subject in the names of another table.
    pub(super) fn moved(self, moved: &[Name]) -> Subject {
        match self {
            Subject::Group(name) => Subject::Group(moved[name.index()]),
            Subject::User(name) => Subject::User(moved[name.index()]),
            Subject::ServiceAccount { namespace, name } => {
                Subject::ServiceAccount { namespace: moved[namespace.index()], name: moved[name.index()] }
            }
        }
    }
}

/// Namespace and name of a service account's user name; `None` for every other user name.
pub fn service_account_parts(user: &str) -> Option<(&str, &str)> {
    let (namespace, name) = user.strip_prefix(SERVICE_ACCOUNT_PREFIX)?.split_once(':')?;
    (!namespace.is_empty() && !name.is_empty() && !name.contains(':')).then_some((namespace, name))
}

/// A distinct subject of a [`SubjectTable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubjectId(u32);

impl SubjectId {
    /// Its place among the subjects of the table.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A distinct list of subjects, as one binding has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubjectSetId(u32);

/// The distinct subjects of all bindings.
#[derive(Default)]
pub struct SubjectTable {
    subjects: Vec<Subject>,
    // Only the numbers stand in the table: the subjects themselves would make it four times as large, and it is read at random.
    by_subject: HashTable<u32>,
    // Subjects hold our own numbers, never text from outside, so the fast hasher is safe here.
    hasher: FxBuildHasher,
    sets: Slices<SubjectId>,
}

impl SubjectTable {
    /// The number of a subject, added if it is new.
    pub fn intern(&mut self, subject: Subject) -> SubjectId {
        let SubjectTable { subjects, by_subject, hasher, .. } = self;
        let entry = by_subject.entry(
            hasher.hash_one(subject),
            |&at| subjects[at as usize] == subject,
            |&at| hasher.hash_one(subjects[at as usize]),
        );
        match entry {
            Entry::Occupied(found) => SubjectId(*found.get()),
            Entry::Vacant(free) => {
                let at = index_u32(subjects.len());
                free.insert(at);
                subjects.push(subject);
                SubjectId(at)
            }
        }
    }

    /// The number of a list of subjects, added if it is new.
    pub fn intern_set(&mut self, subjects: &[SubjectId]) -> SubjectSetId {
        SubjectSetId(self.sets.intern(subjects))
    }

    /// The number of a subject, if a binding mentions it.
    pub fn find(&self, subject: Subject) -> Option<SubjectId> {
        let at = self.by_subject.find(self.hasher.hash_one(subject), |&at| self.subjects[at as usize] == subject);
        at.map(|&at| SubjectId(at))
    }

    /// The subject behind a number that this table gave out.
    pub fn get(&self, id: SubjectId) -> Subject {
        self.subjects[id.index()]
    }

    /// The subjects of a set.
    pub fn set(&self, id: SubjectSetId) -> &[SubjectId] {
        self.sets.get(id.0)
    }

    /// Every subject with its number.
    pub fn iter(&self) -> impl Iterator<Item = (SubjectId, Subject)> {
        self.subjects.iter().enumerate().map(|(at, &subject)| (SubjectId(index_u32(at)), subject))
    }

    /// How many distinct subjects there are.
    pub fn len(&self) -> usize {
        self.subjects.len()
    }

    /// Whether no binding has a subject.
    pub fn is_empty(&self) -> bool {
        self.subjects.is_empty()
    }

    /// A table of all subjects of several tables whose names were moved, numbered in their order; without sets.
    pub(super) fn sorted<'t>(tables: impl Iterator<Item = (&'t SubjectTable, &'t [Name])>) -> SubjectTable {
        let mut all: Vec<Subject> =
            tables.flat_map(|(table, moved)| table.subjects.iter().map(|subject| subject.moved(moved))).collect();
        all.sort_unstable();
        all.dedup();
        let mut sorted = SubjectTable::default();
        for subject in all {
            sorted.intern(subject);
        }
        sorted
    }

    /// Adds the subjects and sets of another table whose names were moved; gives the new number of each old set.
    pub(super) fn absorb(&mut self, other: SubjectTable, moved: &[Name]) -> Vec<SubjectSetId> {
        let subjects: Vec<SubjectId> = other.subjects.iter().map(|subject| self.intern(subject.moved(moved))).collect();
        let mut set = Vec::new();
        let mut absorb_set = |old: &[SubjectId]| {
            set.clear();
            set.extend(old.iter().map(|id| subjects[id.index()]));
            SubjectSetId(self.sets.intern(&set))
        };
        other.sets.iter().map(&mut absorb_set).collect()
    }
}

impl SubjectSetId {
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_service_account_is_one_subject() {
        let mut names = Names::default();
        let account = Subject::service_account(&mut names, "dev", "bot");
        assert_eq!(Subject::user(&mut names, "system:serviceaccount:dev:bot"), account);
        assert_eq!(account.request_name(&names), "system:serviceaccount:dev:bot");
        assert_eq!((account.kind(), account.namespace().map(|ns| names.text(ns))), ("ServiceAccount", Some("dev")));
    }

    #[test]
    fn text_that_is_no_account_stays_a_user() {
        let mut names = Names::default();
        for text in ["system:serviceaccount:dev", "system:serviceaccount::bot", "system:serviceaccount:dev:", "a:b"] {
            assert_eq!(Subject::user(&mut names, text).kind(), "User", "{text}");
        }
        // A namespace with a colon is spelled the same as an account of another namespace with a colon in its name.
        assert_eq!(
            Subject::service_account(&mut names, "a:b", "c"),
            Subject::user(&mut names, "system:serviceaccount:a:b:c")
        );
    }
}
