//! What a technique is: plain data that can be indexed, printed and compared, and one function for what data cannot say.

use super::attack::{Attack, Done};

/// One way to gain something that was not granted, or one way to hold a target.
pub struct Technique {
    /// Kebab-case; never reused and never renamed.
    pub id: &'static str,
    /// One line.
    pub title: &'static str,
    /// Whether it is a move or says what is held.
    pub kind: Kind,
    /// The requests. Which of them go together is said by `build`.
    pub requests: &'static [Request],
    /// What it gains, in words.
    pub gain: &'static str,
    /// Why it works.
    pub why: &'static str,
    /// How it is taken away.
    pub remedy: &'static str,
    /// How sure it is.
    pub confidence: Confidence,
    /// MITRE ATT&CK and Microsoft threat matrix numbers.
    pub attack: &'static [&'static str],
    /// Where it is written down.
    pub references: &'static [&'static str],
    /// Called for each way in which one of the requests can be made; adds what follows. None where the requests are asked for
    /// only when something else calls for them.
    pub(super) build: Option<fn(&mut Attack<'_>, Done)>,
}

/// What a technique is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Gains something.
    Move,
    /// Says that what is held already is a target.
    Holding,
}

/// Rights that one identity must hold together, since they are looked at in one request.
pub struct Request {
    /// The rights.
    pub rights: &'static [Right],
    /// Where they must be held.
    pub at: At,
}

/// One right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Right {
    /// Any of these verbs.
    pub verbs: &'static [&'static str],
    /// The API group.
    pub api_group: &'static str,
    /// The resource, with its subresource.
    pub resource: &'static str,
    /// Which object's name the check carries.
    pub on: On,
}

/// Where a request is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum At {
    /// At the cluster itself: RoleBindings do not count.
    Cluster,
    /// In a namespace.
    Namespace,
}

/// Which name a check carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum On {
    /// None.
    Nothing,
    /// That of the object that the request is about; the same one in every right that says so.
    Object,
    /// That of a second object.
    Other,
}

/// How sure a technique is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// Our tests do it on a real server.
    Performed,
    /// The documentation says so.
    Documented,
    /// It follows from the documentation.
    Inferred,
}

impl Confidence {
    /// The word in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Confidence::Performed => "performed",
            Confidence::Documented => "documented",
            Confidence::Inferred => "inferred",
        }
    }
}

/// The API group of roles and bindings.
pub(super) const RBAC: &str = "rbac.authorization.k8s.io";

/// A right on roles or bindings.
pub(super) const fn rbac(verbs: &'static [&'static str], resource: &'static str, on: On) -> Right {
    Right { verbs, api_group: RBAC, resource, on }
}

/// A right in the core group.
pub(super) const fn core(verbs: &'static [&'static str], resource: &'static str, on: On) -> Right {
    Right { verbs, api_group: "", resource, on }
}

/// Changes an object that exists.
pub(super) const WRITE: &[&str] = &["update", "patch"];
