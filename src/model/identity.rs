//! Who asks: a user name with its groups, and the groups that come with a name.

use super::subject::service_account_parts;
use super::thing::SubjectText;

/// The group that is let through before every authorizer.
pub const MASTERS: &str = "system:masters";
/// The group of everyone who is authenticated.
pub const AUTHENTICATED: &str = "system:authenticated";
/// The group of those who are not.
pub const UNAUTHENTICATED: &str = "system:unauthenticated";
/// The group of all service accounts; with `:NAMESPACE` behind it, those of one namespace.
pub const SERVICE_ACCOUNTS: &str = "system:serviceaccounts";
/// The group of all nodes.
pub const NODES: &str = "system:nodes";
/// What the user name of a node begins with.
pub const NODE_PREFIX: &str = "system:node:";
/// The ClusterRole that holds everything; every API server makes it and brings it back at each start.
pub const CLUSTER_ADMIN: &str = "cluster-admin";
/// The ConfigMap from which EKS reads who is in which groups.
pub const AWS_AUTH: &str = "aws-auth";
/// The user of requests without credentials.
pub const ANONYMOUS: &str = "system:anonymous";

/// A user with groups, exactly as a request carries them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The user name; empty when only groups are asked about.
    pub user: String,
    /// The groups.
    pub groups: Vec<String>,
}

impl Identity {
    /// The identity of a subject with the groups that the API server adds by itself.
    ///
    /// A group is asked about as an authenticated user who is in it and of whom nothing else is known.
    pub fn of(subject: &SubjectText) -> Identity {
        match subject {
            SubjectText::User(user) => Identity { user: user.clone(), groups: implied_groups(user) },
            SubjectText::Group(group) => {
                let mut groups = vec![group.clone()];
                if group != UNAUTHENTICATED && group != AUTHENTICATED {
                    if group.strip_prefix(SERVICE_ACCOUNTS).is_some_and(|rest| rest.starts_with(':')) {
                        groups.push(SERVICE_ACCOUNTS.to_owned());
                    }
                    groups.push(AUTHENTICATED.to_owned());
                }
                Identity { user: String::new(), groups }
            }
        }
    }

    /// Whether the identity is in a group.
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|at| at == group)
    }
}

/// The groups that the API server gives a user name by itself (kubernetes `pkg/serviceaccount`, apiserver
/// `authentication/group`): those of a service account or a node, and `system:authenticated`.
pub fn implied_groups(user: &str) -> Vec<String> {
    let authenticated = || AUTHENTICATED.to_owned();
    if let Some((namespace, _)) = service_account_parts(user) {
        vec![SERVICE_ACCOUNTS.to_owned(), format!("{SERVICE_ACCOUNTS}:{namespace}"), authenticated()]
    } else if user == ANONYMOUS {
        vec![UNAUTHENTICATED.to_owned()]
    } else if user.starts_with(NODE_PREFIX) {
        vec![NODES.to_owned(), authenticated()]
    } else {
        vec![authenticated()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_come_with_names() {
        for (user, groups) in [
            ("alice", "system:authenticated"),
            ("system:anonymous", "system:unauthenticated"),
            ("system:node:n1", "system:nodes system:authenticated"),
            ("system:serviceaccount:dev:bot", "system:serviceaccounts system:serviceaccounts:dev system:authenticated"),
            ("system:serviceaccount:dev", "system:authenticated"),
        ] {
            assert_eq!(implied_groups(user).join(" "), groups, "{user}");
        }
    }
}
