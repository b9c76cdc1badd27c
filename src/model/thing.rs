//! One grammar for things, read from flags and arguments and printed by `-o name`: `KIND:[NS/]NAME`.

use std::fmt;

use super::subject::{SERVICE_ACCOUNT_PREFIX, service_account_parts};

/// A thing that a user names: a subject, an object, or a place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Thing {
    /// `user:NAME`.
    User(String),
    /// `group:NAME`.
    Group(String),
    /// `sa:NAMESPACE/NAME`.
    ServiceAccount(String, String),
    /// `pod:NAMESPACE/NAME`.
    Pod(String, String),
    /// `pods:NAMESPACE`: every pod of a namespace.
    Pods(String),
    /// `node:NAME`.
    Node(String),
    /// `secret:NAMESPACE/NAME`.
    Secret(String, String),
    /// `namespace:NAME`.
    Namespace(String),
    /// `rolebinding:NAMESPACE/NAME`.
    RoleBinding(String, String),
    /// `clusterrolebinding:NAME`.
    ClusterRoleBinding(String),
    /// `role:NAMESPACE/NAME`.
    Role(String, String),
    /// `clusterrole:NAME`.
    ClusterRole(String),
    /// `identity:CLIENT-ID`.
    Identity(String),
    /// `principal:OBJECT-ID`.
    Principal(String),
    /// `cluster:NAME`.
    Cluster(String),
    /// `azure:SCOPE`.
    AzureScope(String),
    /// `roleassignment:ID`: its resource id, or the last part of it.
    RoleAssignment(String),
}

/// Why a text names no thing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ThingError {
    /// No `KIND:` before it, or not one of ours.
    #[error(
        "`{0}` names nothing; write KIND:[NS/]NAME, such as user:alice, group:dev, sa:ns/name, pod:ns/name or node:n1"
    )]
    Kind(String),
    /// The kind lives in a namespace and none was given.
    #[error("`{0}` needs a namespace; write {1}:NAMESPACE/NAME")]
    Namespace(String, &'static str),
    /// Nothing after the colon.
    #[error("`{0}` has no name after the colon")]
    Empty(String),
}

impl Thing {
    /// Reads `KIND:[NS/]NAME`; a service account's user name is understood as well.
    ///
    /// # Errors
    /// [`ThingError`] says what is missing.
    pub fn parse(text: &str) -> Result<Thing, ThingError> {
        if let Some((namespace, name)) = service_account_parts(text) {
            return Ok(Thing::ServiceAccount(namespace.to_owned(), name.to_owned()));
        }
        let (kind, rest) = text.split_once(':').ok_or_else(|| ThingError::Kind(text.to_owned()))?;
        let whole = || if rest.is_empty() { Err(ThingError::Empty(text.to_owned())) } else { Ok(rest.to_owned()) };
        let inside = |kind: &'static str| match rest.split_once('/') {
            Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => {
                Ok((namespace.to_owned(), name.to_owned()))
            }
            _ => Err(ThingError::Namespace(text.to_owned(), kind)),
        };
        match kind {
            "user" => Ok(match service_account_parts(rest) {
                Some((namespace, name)) => Thing::ServiceAccount(namespace.to_owned(), name.to_owned()),
                None => Thing::User(whole()?),
            }),
            "group" => whole().map(Thing::Group),
            "sa" | "serviceaccount" => inside("sa").map(|(namespace, name)| Thing::ServiceAccount(namespace, name)),
            "pod" => inside("pod").map(|(namespace, name)| Thing::Pod(namespace, name)),
            "pods" => whole().map(Thing::Pods),
            "node" => whole().map(Thing::Node),
            "secret" => inside("secret").map(|(namespace, name)| Thing::Secret(namespace, name)),
            "namespace" | "ns" => whole().map(Thing::Namespace),
            "rolebinding" => inside("rolebinding").map(|(namespace, name)| Thing::RoleBinding(namespace, name)),
            "clusterrolebinding" => whole().map(Thing::ClusterRoleBinding),
            "role" => inside("role").map(|(namespace, name)| Thing::Role(namespace, name)),
            "clusterrole" => whole().map(Thing::ClusterRole),
            "identity" => whole().map(Thing::Identity),
            "principal" => whole().map(Thing::Principal),
            "cluster" => whole().map(Thing::Cluster),
            "azure" => whole().map(Thing::AzureScope),
            "roleassignment" => whole().map(Thing::RoleAssignment),
            _ => Err(ThingError::Kind(text.to_owned())),
        }
    }

    /// User name and, for a group, that it is one: what RBAC compares. None for things that are no subject.
    pub fn as_subject_text(&self) -> Option<SubjectText> {
        match self {
            Thing::User(name) => Some(SubjectText::User(name.clone())),
            Thing::Group(name) => Some(SubjectText::Group(name.clone())),
            Thing::ServiceAccount(namespace, name) => {
                Some(SubjectText::User([SERVICE_ACCOUNT_PREFIX, namespace, ":", name].concat()))
            }
            Thing::Node(name) => Some(SubjectText::User(["system:node:", name].concat())),
            _ => None,
        }
    }
}

/// The text of a subject as requests carry it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubjectText {
    /// A user name, that of a service account included.
    User(String),
    /// A group name.
    Group(String),
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Thing::User(name) => write!(f, "user:{name}"),
            Thing::Group(name) => write!(f, "group:{name}"),
            Thing::ServiceAccount(namespace, name) => write!(f, "sa:{namespace}/{name}"),
            Thing::Pod(namespace, name) => write!(f, "pod:{namespace}/{name}"),
            Thing::Pods(namespace) => write!(f, "pods:{namespace}"),
            Thing::Node(name) => write!(f, "node:{name}"),
            Thing::Secret(namespace, name) => write!(f, "secret:{namespace}/{name}"),
            Thing::Namespace(name) => write!(f, "namespace:{name}"),
            Thing::RoleBinding(namespace, name) => write!(f, "rolebinding:{namespace}/{name}"),
            Thing::ClusterRoleBinding(name) => write!(f, "clusterrolebinding:{name}"),
            Thing::Role(namespace, name) => write!(f, "role:{namespace}/{name}"),
            Thing::ClusterRole(name) => write!(f, "clusterrole:{name}"),
            Thing::Identity(id) => write!(f, "identity:{id}"),
            Thing::Principal(id) => write!(f, "principal:{id}"),
            Thing::Cluster(name) => write!(f, "cluster:{name}"),
            Thing::AzureScope(scope) => write!(f, "azure:{scope}"),
            Thing::RoleAssignment(id) => write!(f, "roleassignment:{id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_thing_is_read_back_as_it_is_printed() {
        for text in [
            "user:alice@contoso.example",
            "group:system:authenticated",
            "sa:dev/bot",
            "pod:dev/web-0",
            "pods:dev",
            "node:n1",
            "secret:dev/db",
            "namespace:dev",
            "rolebinding:dev/edit",
            "clusterrolebinding:a:b",
            "role:dev/aso-writer",
            "clusterrole:system:node",
            "identity:0000",
            "principal:1111",
            "cluster:prod",
            "azure:/subscriptions/0",
            "roleassignment:0000",
        ] {
            assert_eq!(Thing::parse(text).map(|thing| thing.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn a_service_account_is_understood_by_its_user_name() {
        let account = Thing::ServiceAccount("dev".into(), "bot".into());
        assert_eq!(Thing::parse("system:serviceaccount:dev:bot"), Ok(account.clone()));
        assert_eq!(Thing::parse("user:system:serviceaccount:dev:bot"), Ok(account));
    }

    #[test]
    fn what_is_missing_is_said() {
        assert_eq!(Thing::parse("alice"), Err(ThingError::Kind("alice".into())));
        assert_eq!(Thing::parse("sa:bot"), Err(ThingError::Namespace("sa:bot".into(), "sa")));
        assert_eq!(Thing::parse("user:"), Err(ThingError::Empty("user:".into())));
        assert_eq!(Thing::parse("robot:x"), Err(ThingError::Kind("robot:x".into())));
    }
}
