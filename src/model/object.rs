//! Roles, bindings and the other RBAC-side objects, as stored: nothing is resolved here.

use super::aso::ReconcilePolicy;
use super::intern::Name;
use super::lists::NameListId;
use super::rule::RuleSetId;
use super::subject::SubjectSetId;

/// Which cluster an object belongs to. Every key carries it, so that several clusters fit into one graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterId(pub u16);

/// An input of a snapshot, or one of two places that are no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

impl FileId {
    /// Read from the cluster itself.
    pub const LIVE: FileId = FileId(u32::MAX);
    /// A default that Kubernetes creates itself and that the input left out.
    pub const BUILT_IN: FileId = FileId(u32::MAX - 1);
}

/// Where an object was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The file.
    pub file: FileId,
    /// The line the object begins on, from 1; 0 where there are no lines.
    pub line: u32,
    /// The place among the objects of a file that may stand on one line.
    pub item: u32,
}

impl Origin {
    /// Read from the cluster itself.
    pub const LIVE: Origin = Origin { file: FileId::LIVE, line: 0, item: 0 };
    /// A default that Kubernetes creates itself and that the input left out.
    pub const BUILT_IN: Origin = Origin { file: FileId::BUILT_IN, line: 0, item: 0 };
}

/// Labels or selected annotations, in the input's order.
pub type Labels = Box<[(Name, Name)]>;

/// A Role, or a ClusterRole when it has no namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// The cluster.
    pub cluster: ClusterId,
    /// The namespace of a Role; none for a ClusterRole.
    pub namespace: Option<Name>,
    /// The name.
    pub name: Name,
    /// Its rules, as stored.
    pub rules: RuleSetId,
    /// Which ClusterRoles the control plane unites into this one.
    pub aggregation: Option<Box<Aggregation>>,
    /// Labels of a ClusterRole: aggregation selects by them.
    pub labels: Labels,
    /// Where it was read.
    pub origin: Origin,
}

/// A ClusterRole's `aggregationRule`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aggregation {
    /// A ClusterRole is taken when any of these selects it.
    pub selectors: Box<[Selector]>,
}

/// A label selector; an empty one selects everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// Labels that must be there with this value.
    pub match_labels: Labels,
    /// Further conditions, all of which must hold.
    pub match_expressions: Box<[Expression]>,
}

/// One condition of a label selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    /// The label's key.
    pub key: Name,
    /// How it is compared.
    pub operator: Operator,
    /// The values of `In` and `NotIn`.
    pub values: Box<[Name]>,
}

/// How a label is compared (apimachinery `LabelSelectorOperator`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// The label has one of the values.
    In,
    /// The label is missing or has none of the values.
    NotIn,
    /// The label is there.
    Exists,
    /// The label is missing.
    DoesNotExist,
}

impl Selector {
    /// Whether a set of labels is selected.
    pub fn selects(&self, labels: &[(Name, Name)]) -> bool {
        let value_of = |key: Name| labels.iter().rev().find(|(at, _)| *at == key).map(|(_, value)| *value);
        self.match_labels.iter().all(|&(key, value)| value_of(key) == Some(value))
            && self.match_expressions.iter().all(|expression| {
                let value = value_of(expression.key);
                let listed = value.is_some_and(|value| expression.values.contains(&value));
                match expression.operator {
                    Operator::In => listed,
                    Operator::NotIn => !listed,
                    Operator::Exists => value.is_some(),
                    Operator::DoesNotExist => value.is_none(),
                }
            })
    }
}

/// A RoleBinding, or a ClusterRoleBinding when it has no namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The cluster.
    pub cluster: ClusterId,
    /// The namespace of a RoleBinding; none for a ClusterRoleBinding.
    pub namespace: Option<Name>,
    /// The name.
    pub name: Name,
    /// What it grants.
    pub role: RoleRef,
    /// Who it grants to. Subjects that can never match (an unknown kind, an account without a namespace in a
    /// ClusterRoleBinding) are left out here and warned about.
    pub subjects: SubjectSetId,
    /// Whose it says it is. Read only for escalations.
    pub maker: Maker,
    /// Where it was read.
    pub origin: Origin,
}

/// Whose an object says it is, by its labels. Whoever may write the object can have it say so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Maker {
    /// Nothing is said.
    #[default]
    Unknown,
    /// Kubernetes itself, `kubernetes.io/bootstrapping: rbac-defaults`.
    Kubernetes,
    /// The add-ons of a platform: `addonmanager.kubernetes.io/mode`, or `kubernetes.azure.com/managedby: aks`.
    AddOn,
}

impl Maker {
    /// The labels that say so, and what they say; none for any value.
    const LABELS: [(Maker, &'static str, Option<&'static str>); 3] = [
        (Maker::Kubernetes, "kubernetes.io/bootstrapping", Some("rbac-defaults")),
        (Maker::AddOn, "addonmanager.kubernetes.io/mode", None),
        (Maker::AddOn, "kubernetes.azure.com/managedby", Some("aks")),
    ];

    /// What labels, as JSON, may say: most of them need no second look.
    pub fn may_say(labels: &str) -> bool {
        Maker::LABELS.iter().any(|(_, key, _)| labels.contains(key))
    }

    /// What labels say.
    pub fn of<'a>(labels: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> Maker {
        let says = |(_, key, value): &&(Maker, &str, Option<&str>)| {
            labels.clone().any(|(own, found)| own == *key && value.is_none_or(|value| value == found))
        };
        Maker::LABELS.iter().find(says).map_or(Maker::Unknown, |&(maker, _, _)| maker)
    }

    /// A label that says so.
    pub fn label(self) -> Option<(&'static str, &'static str)> {
        let own = Maker::LABELS.into_iter().find(|&(maker, _, _)| maker == self);
        own.map(|(_, key, value)| (key, value.unwrap_or("Reconcile")))
    }
}

/// A binding's `roleRef`. Its `apiGroup` is not looked at by the authorizer and is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleRef {
    /// The kind.
    pub kind: RoleKind,
    /// The role's name.
    pub name: Name,
}

/// The kind of a `roleRef`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoleKind {
    /// `ClusterRole`.
    ClusterRole,
    /// `Role`, in the binding's own namespace.
    Role,
    /// Anything else (`role`, `clusterRole`, ...): an error at evaluation, so the binding grants nothing.
    Other(Name),
}

/// A ServiceAccount object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccount {
    /// The cluster.
    pub cluster: ClusterId,
    /// The namespace.
    pub namespace: Name,
    /// The name.
    pub name: Name,
    /// `automountServiceAccountToken`: whether its pods get a token unless they say otherwise; none is yes. This and what
    /// follows is read only for escalations.
    pub automount: Option<bool>,
    /// The names under `secrets`, in [`Snapshot::lists`](super::Snapshot::lists): its token Secrets of old clusters among them.
    pub secrets: NameListId,
    /// Where it was read.
    pub origin: Origin,
}

/// A Namespace object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace {
    /// The cluster.
    pub cluster: ClusterId,
    /// The name.
    pub name: Name,
    /// Its labels: Pod Security levels stand there.
    pub labels: Labels,
    /// What Azure Service Operator does in Azure for its resources that do not say so. Read only for escalations.
    pub reconcile_policy: Option<ReconcilePolicy>,
    /// Where it was read.
    pub origin: Origin,
}
