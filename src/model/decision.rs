//! The answer to one question, and who gave it.

/// What is known about a request. Never a bare yes or no: the shades decide what may be claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decision {
    /// Allowed as asked.
    Allowed,
    /// Allowed only for the object names that come with it.
    Named,
    /// Allowed under a condition that was not evaluated.
    Conditional,
    /// Not held, but the subject can activate it.
    Eligible,
    /// Something that decides it could not be read.
    Unknown,
    /// No authorizer that was evaluated allows it.
    Denied,
}

impl Decision {
    /// The word in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Decision::Allowed => "allowed",
            Decision::Named => "named",
            Decision::Conditional => "conditional",
            Decision::Eligible => "eligible",
            Decision::Unknown => "unknown",
            Decision::Denied => "denied",
        }
    }
}

/// The part of the authorizer chain that allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Authorizer {
    /// The group `system:masters`, let through before every other authorizer
    /// (kubernetes `pkg/kubeapiserver/authorizer`, privileged groups); no binding can take it away.
    Masters,
    /// The Node authorizer, for the users `system:node:*` of group `system:nodes`.
    Node,
    /// Roles and bindings.
    Rbac,
    /// Azure role assignments.
    Azure,
}

impl Authorizer {
    /// The word in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Authorizer::Masters => "masters",
            Authorizer::Node => "node",
            Authorizer::Rbac => "rbac",
            Authorizer::Azure => "azure",
        }
    }
}
