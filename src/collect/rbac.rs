//! Roles and bindings: their fields go from the parser straight into the interning tables.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::document::{Meta, Reader};
use super::shape::{Object, OrNull, Pairs, Text, list};
use crate::model::{
    Aggregation, Binding, Expression, Labels, Maker, Name, Names, Operator, Origin, Role, RoleKind, RoleRef, Rule,
    RuleId, RuleSetId, Selector, Snapshot, Subject, SubjectId,
};

/// Buffers that every rule and binding reuses, and where in the object the reader is.
#[derive(Default)]
pub(super) struct Scratch {
    lists: [Vec<Name>; 5],
    rules: Vec<RuleId>,
    subjects: Vec<SubjectId>,
    field: &'static str,
    rule: Option<usize>,
    part: &'static str,
}

/// The fields of a rule, in the order of `Scratch::lists`.
const PARTS: [&str; 5] = ["verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs"];

impl Scratch {
    pub(super) fn begin_object(&mut self) {
        (self.field, self.rule, self.part) = ("", None, "");
    }

    pub(super) fn enter(&mut self, field: &'static str) {
        self.field = field;
    }

    pub(super) fn leave(&mut self) {
        self.begin_object();
    }

    /// ``in `rules[3].verbs`: ``, or nothing outside of a known field.
    pub(super) fn place(&self) -> String {
        match (self.field, self.rule, self.part) {
            ("", ..) => String::new(),
            (field, None, _) => format!("in `{field}`: "),
            (field, Some(rule), "") => format!("in `{field}[{rule}]`: "),
            (field, Some(rule), part) => format!("in `{field}[{rule}].{part}`: "),
        }
    }
}

/// Reads a role's `rules`; `null` is the empty list, as it is to the API server.
pub(super) fn rules<'de, D: Deserializer<'de>>(
    scratch: &mut Scratch,
    snapshot: &mut Snapshot,
    value: D,
) -> Result<RuleSetId, D::Error> {
    scratch.enter("rules");
    scratch.rules.clear();
    OrNull(RulesSeed { scratch: &mut *scratch, snapshot: &mut *snapshot }).deserialize(value)?;
    Ok(snapshot.rules.intern_set(&scratch.rules))
}

struct RulesSeed<'s> {
    scratch: &'s mut Scratch,
    snapshot: &'s mut Snapshot,
}

impl<'de> DeserializeSeed<'de> for RulesSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for RulesSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rules")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rules: A) -> Result<(), A::Error> {
        let RulesSeed { scratch, snapshot } = self;
        loop {
            (scratch.rule, scratch.part) = (Some(scratch.rules.len()), "");
            for names in &mut scratch.lists {
                names.clear();
            }
            let seed = RuleSeed { scratch: &mut *scratch, names: &mut snapshot.names };
            if rules.next_element_seed(OrNull(seed))?.is_none() {
                return Ok(());
            }
            let [verbs, api_groups, resources, resource_names, non_resource_urls] = &scratch.lists;
            scratch.rules.push(snapshot.rules.intern(Rule {
                verbs,
                api_groups,
                resources,
                resource_names,
                non_resource_urls,
            }));
        }
    }
}

struct RuleSeed<'s> {
    scratch: &'s mut Scratch,
    names: &'s mut Names,
}

impl<'de> DeserializeSeed<'de> for RuleSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RuleSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a rule")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut rule: A) -> Result<(), A::Error> {
        while let Some(key) = rule.next_key::<Text<'de>>()? {
            let Some(at) = PARTS.iter().position(|part| *part == &*key) else {
                rule.next_value::<IgnoredAny>()?;
                continue;
            };
            self.scratch.part = PARTS[at];
            let into = &mut self.scratch.lists[at];
            into.clear();
            rule.next_value_seed(OrNull(NamesSeed { into, names: self.names }))?;
        }
        Ok(())
    }
}

struct NamesSeed<'s> {
    into: &'s mut Vec<Name>,
    names: &'s mut Names,
}

impl<'de> DeserializeSeed<'de> for NamesSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for NamesSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of text")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(text) = entries.next_element::<Option<Text<'de>>>()? {
            self.into.push(self.names.intern(&text.unwrap_or_default()));
        }
        Ok(())
    }
}

/// A binding's `roleRef`.
#[derive(Debug, Deserialize)]
pub(super) struct RoleRefIn<'a> {
    #[serde(borrow, default)]
    kind: Option<Text<'a>>,
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
}

/// One of a binding's `subjects`. Its apiGroup decides nothing at evaluation.
#[derive(Debug, Deserialize)]
pub(super) struct SubjectIn<'a> {
    #[serde(borrow, default)]
    kind: Option<Text<'a>>,
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    namespace: Option<Text<'a>>,
}

/// A ClusterRole's `aggregationRule`.
#[derive(Debug, Deserialize)]
pub(super) struct AggregationIn<'a> {
    #[serde(borrow, default, rename = "clusterRoleSelectors", deserialize_with = "list")]
    selectors: Vec<Object<SelectorIn<'a>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SelectorIn<'a> {
    #[serde(borrow, default)]
    match_labels: Option<Pairs<'a>>,
    #[serde(borrow, default, deserialize_with = "list")]
    match_expressions: Vec<Object<ExpressionIn<'a>>>,
}

#[derive(Debug, Deserialize)]
struct ExpressionIn<'a> {
    #[serde(borrow)]
    key: Text<'a>,
    #[serde(borrow)]
    operator: Text<'a>,
    #[serde(borrow, default, deserialize_with = "list")]
    values: Vec<Text<'a>>,
}

impl Reader {
    /// Adds a Role, or without a namespace a ClusterRole.
    pub(super) fn role(
        &mut self,
        namespace: Option<Name>,
        name: &str,
        meta: &Meta<'_>,
        rules: Option<RuleSetId>,
        aggregation: Option<AggregationIn<'_>>,
        at: Origin,
    ) {
        let labels = if namespace.is_none() { self.labels(meta.labels, at) } else { Labels::default() };
        let aggregation = aggregation.and_then(|aggregation| self.aggregation(&aggregation, at)).map(Box::new);
        let cluster = self.cluster();
        let name = self.snapshot.names.intern(name);
        let rules = rules.unwrap_or(RuleSetId::EMPTY);
        self.snapshot.roles.push(Role { cluster, namespace, name, rules, aggregation, labels, origin: at });
    }

    fn aggregation(&mut self, from: &AggregationIn<'_>, at: Origin) -> Option<Aggregation> {
        let mut selectors = Vec::with_capacity(from.selectors.len());
        for selector in &from.selectors {
            let names = &mut self.snapshot.names;
            let pairs = selector.match_labels.as_ref().map_or(&[][..], |pairs| &pairs.0);
            let match_labels = pairs.iter().map(|(key, value)| (names.intern(key), names.intern(value))).collect();
            let mut match_expressions = Vec::with_capacity(selector.match_expressions.len());
            for expression in &selector.match_expressions {
                let Some(operator) = operator(&expression.operator) else {
                    self.problem(
                        at,
                        format!(
                            "in `aggregationRule`: operator `{}` is none of In, NotIn, Exists, DoesNotExist",
                            &*expression.operator
                        ),
                    );
                    return None;
                };
                let names = &mut self.snapshot.names;
                match_expressions.push(Expression {
                    key: names.intern(&expression.key),
                    operator,
                    values: expression.values.iter().map(|value| names.intern(value)).collect(),
                });
            }
            selectors.push(Selector { match_labels, match_expressions: match_expressions.into() });
        }
        Some(Aggregation { selectors: selectors.into() })
    }

    /// Adds a RoleBinding, or without a namespace a ClusterRoleBinding.
    pub(super) fn binding(
        &mut self,
        namespace: Option<Name>,
        name: &str,
        role_ref: Option<RoleRefIn<'_>>,
        subjects: &[Object<SubjectIn<'_>>],
        meta: &Meta<'_>,
        at: Origin,
    ) {
        let kind = if namespace.is_some() { "RoleBinding" } else { "ClusterRoleBinding" };
        let Some(role_ref) = role_ref else {
            self.problem(at, format!("{kind} `{name}` has no `roleRef`"));
            return;
        };
        let (Some(role_kind), Some(role_name)) = (role_ref.kind, role_ref.name) else {
            self.problem(at, format!("{kind} `{name}` needs both `roleRef.kind` and `roleRef.name`"));
            return;
        };
        self.rules.subjects.clear();
        for subject in subjects {
            if let Some(subject) = self.subject(namespace, subject, kind, name, at) {
                let id = self.snapshot.subjects.intern(subject);
                self.rules.subjects.push(id);
            }
        }
        let subjects = self.snapshot.subjects.intern_set(&self.rules.subjects);
        let cluster = self.cluster();
        let names = &mut self.snapshot.names;
        let role_kind = match &*role_kind {
            "ClusterRole" => RoleKind::ClusterRole,
            "Role" => RoleKind::Role,
            other => RoleKind::Other(names.intern(other)),
        };
        let role = RoleRef { kind: role_kind, name: names.intern(&role_name) };
        let name = names.intern(name);
        let maker = if self.needs().escalations { maker(meta.labels) } else { Maker::Unknown };
        self.snapshot.bindings.push(Binding { cluster, namespace, name, role, subjects, maker, origin: at });
    }

    /// The subject, unless it can never match anybody, which is worth a warning.
    fn subject(
        &mut self,
        namespace: Option<Name>,
        subject: &SubjectIn<'_>,
        binding_kind: &str,
        binding: &str,
        at: Origin,
    ) -> Option<Subject> {
        let name = subject.name.as_deref().unwrap_or_default();
        let why = match subject.kind.as_deref().unwrap_or_default() {
            "User" => return Some(Subject::user(&mut self.snapshot.names, name)),
            "Group" => return Some(Subject::Group(self.snapshot.names.intern(name))),
            "ServiceAccount" => match (subject.namespace.as_deref().filter(|given| !given.is_empty()), namespace) {
                (Some(given), _) => return Some(Subject::service_account(&mut self.snapshot.names, given, name)),
                (None, Some(own)) => {
                    let own = self.snapshot.text(own).to_owned();
                    return Some(Subject::service_account(&mut self.snapshot.names, &own, name));
                }
                (None, None) => format!("service account `{name}` has no namespace"),
            },
            other => format!("`{other}` is no kind of subject (User, Group or ServiceAccount)"),
        };
        self.warn(at, format!("a subject of {binding_kind} `{binding}` matches nobody: {why}"));
        None
    }
}

fn operator(word: &str) -> Option<Operator> {
    Some(match word {
        "In" => Operator::In,
        "NotIn" => Operator::NotIn,
        "Exists" => Operator::Exists,
        "DoesNotExist" => Operator::DoesNotExist,
        _ => return None,
    })
}

/// Whose an object says it is, by its labels. Most have none that would say.
fn maker(labels: Option<&RawValue>) -> Maker {
    let Some(labels) = labels.map(RawValue::get).filter(|labels| Maker::may_say(labels)) else { return Maker::Unknown };
    let pairs = serde_json::from_str::<Option<Pairs<'_>>>(labels).ok().flatten();
    pairs.map_or(Maker::Unknown, |pairs| Maker::of(pairs.0.iter().map(|(key, value)| (&**key, &**value))))
}
