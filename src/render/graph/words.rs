//! Nodes and edges in words.

use std::collections::BTreeSet;

use super::document::{EdgeOut, NodeOut};
use crate::graph::azure::AssignmentIx;
use crate::graph::{AccessGraph, BindingIx};
use crate::model::azure::{Assigned, PrincipalKind};
use crate::model::{Name, RuleSetId, Thing};
use crate::query::CredentialScope;
use crate::render::azure::scope_words;
use crate::render::document::OriginOut;
use crate::render::escalations::words::{azure_evidence, effect_words, right_words, role_words, target_words};
use crate::render::evidence::{rule_out, thing as subject_thing};
use crate::render::what_can::binding_thing;
use crate::rules::{
    EdgeKind, Effect, Evidence, Item, ItemKind, Picture, PictureEdge, PictureNode, RightDone, RoleKey, Start, StepDone,
    Who, start_thing,
};

/// How many rules of a role are told one by one; the others are counted.
const RULES: usize = 4;

/// How many of a group are named; the others are counted.
const NAMED: usize = 3;

pub(super) fn nodes(graph: &AccessGraph, picture: &Picture) -> Vec<NodeOut> {
    let words = Words { graph, picture };
    picture.nodes.iter().enumerate().map(|(at, node)| words.node(at, node)).collect()
}

pub(super) fn edges(graph: &AccessGraph, picture: &Picture) -> Vec<EdgeOut> {
    picture.edges.iter().map(|edge| edge_out(graph, edge)).collect()
}

/// What an edge calls a node by. They are numbered, since names may hold anything.
fn id(at: usize) -> String {
    format!("n{}", at + 1)
}

fn edge_out(graph: &AccessGraph, edge: &PictureEdge) -> EdgeOut {
    let mut rights: Vec<String> = Vec::new();
    for words in edge.rights.iter().map(|right: &RightDone| right_words(graph, right)) {
        if !rights.contains(&words) {
            rights.push(words);
        }
    }
    EdgeOut {
        from: id(edge.from),
        to: id(edge.to),
        kind_word: edge.kind.as_str(),
        kind: edge.kind,
        label: label(edge.kind),
        count: (edge.count > 1).then_some(edge.count),
        technique: edge.technique,
        rights,
        severity_word: edge.severity.map(|severity| severity.as_str()),
        severity: edge.severity,
    }
}

/// What a picture says beside an edge, where the nodes at its ends do not say it.
fn label(kind: EdgeKind) -> Option<&'static str> {
    match kind {
        EdgeKind::Bound | EdgeKind::Grants | EdgeKind::Allows | EdgeKind::On | EdgeKind::Assigned | EdgeKind::Path => {
            None
        }
        EdgeKind::Writes => Some("writes ASO resources"),
        EdgeKind::ActsAs => Some("acts as"),
        EdgeKind::MemberOf => Some("is in"),
        EdgeKind::Is => Some("is"),
        EdgeKind::Contains => Some("contains"),
        EdgeKind::Runs => Some("runs"),
        EdgeKind::Mounts => Some("mounts"),
        EdgeKind::Holds => Some("holds"),
        EdgeKind::Reads => Some("may read"),
        EdgeKind::Executes => Some("may run commands in"),
        EdgeKind::Mints => Some("may get tokens of"),
    }
}

struct Words<'a> {
    graph: &'a AccessGraph,
    picture: &'a Picture,
}

impl Words<'_> {
    fn node(&self, at: usize, node: &PictureNode) -> NodeOut {
        let (title, lines) = if node.members.is_empty() { self.one(node.item) } else { self.several(node) };
        NodeOut {
            id: id(at),
            kind_word: node.kind.as_str(),
            kind: node.kind,
            title,
            lines,
            thing: node.members.is_empty().then(|| self.thing(node.item)).flatten(),
            namespace: node.namespace.map(|namespace| self.text(namespace)),
            members: (!node.members.is_empty()).then_some(node.members.len()),
            severity_word: node.severity.map(|severity| severity.as_str()),
            severity: node.severity,
        }
    }

    fn text(&self, name: Name) -> String {
        self.graph.text(name).to_owned()
    }

    fn pair(&self, namespace: Name, name: Name) -> String {
        format!("{}/{}", self.graph.text(namespace), self.graph.text(name))
    }

    /// What a thing is, and its name with what more there is to say.
    fn one(&self, item: Item) -> (String, Vec<String>) {
        let graph = self.graph;
        let named = |title: &str, name: String| (title.to_owned(), vec![name]);
        let role = |role: RoleKey| match role.namespace {
            Some(namespace) => ("Role", self.pair(namespace, role.name)),
            None => ("ClusterRole", self.text(role.name)),
        };
        match item {
            Item::Node(name) => named("Node", self.text(name)),
            Item::Pod(namespace, name) => named("Pod", self.pair(namespace, name)),
            Item::Pods(namespace) => named("any pod of", self.text(namespace)),
            Item::Secret(namespace, name) => named("Secret", self.pair(namespace, name)),
            Item::Subject(subject) => {
                let name = self.text(subject.name());
                let name = subject
                    .namespace()
                    .map_or(name.clone(), |namespace| format!("{}/{name}", self.graph.text(namespace)));
                named(subject.kind(), name)
            }
            Item::Binding(at) => {
                let (kind, name) = self.binding(at);
                named(kind, name)
            }
            Item::Role(key) => {
                let (kind, name) = role(key);
                named(kind, name)
            }
            Item::MissingRole(key) => {
                let (kind, name) = role(key);
                (format!("{kind}, does not exist"), vec![name])
            }
            Item::Rules(role) => ("rules".to_owned(), self.rules(graph.role(role).rules)),
            Item::Credential(scope, secret, operator) => self.credential(scope, secret, operator),
            Item::Identity(who) => self.identity(who),
            Item::Assignment(at) => ("role assignment".to_owned(), vec![self.role_of(at)]),
            Item::AzureScope(scope) => {
                let text = graph.azure_names().scope(scope);
                let words = scope_words(text);
                let parts = words.rsplit_once(' ').or_else(|| words.split_once('/')).filter(|_| text != "/");
                match parts {
                    Some((kind, name)) => (kind.to_owned(), vec![name.to_owned()]),
                    None => ("scope".to_owned(), vec![words]),
                }
            }
            Item::Cluster(at) => named("cluster", graph.azure_names().cluster(at).0.to_owned()),
            Item::Grant { binding, .. } => self.grant(item, binding),
            Item::Assigned { step, assignment } => {
                let effect = self.step(step).map(|step| step.effect);
                let words = match effect {
                    Some(Effect::Azure(own)) => azure_evidence(graph, own),
                    _ => None,
                };
                ("role assignment".to_owned(), vec![words.unwrap_or_else(|| self.role_of(assignment))])
            }
            Item::All(_) => ("AND".to_owned(), Vec::new()),
            Item::Any => ("OR".to_owned(), Vec::new()),
            Item::Gain(step) => self.gain(step),
            Item::Target(target) => ("reaches".to_owned(), vec![target_words(graph, target)]),
        }
    }

    fn step(&self, step: u32) -> Option<&StepDone> {
        self.picture.steps.get(step as usize).map(AsRef::as_ref)
    }

    fn binding(&self, at: BindingIx) -> (&'static str, String) {
        let binding = self.graph.binding(at);
        match binding.namespace {
            Some(namespace) => ("RoleBinding", self.pair(namespace, binding.name)),
            None => ("ClusterRoleBinding", self.text(binding.name)),
        }
    }

    fn rules(&self, set: RuleSetId) -> Vec<String> {
        let count = self.graph.snapshot().rules.set(set).len();
        let all = (0..).map(|at| rule_out(self.graph, self.graph.rule(set, at)).column());
        // One more is told where counting it would take as much room.
        let told = if count <= RULES + 1 { count } else { RULES };
        let mut lines: Vec<String> = all.take(told).collect();
        if count > told {
            lines.push(format!("and {} more rules", count - told));
        }
        if lines.is_empty() {
            lines.push("none".to_owned());
        }
        lines
    }

    fn credential(
        &self,
        scope: CredentialScope,
        secret: Option<(Name, Name)>,
        operator: Option<Name>,
    ) -> (String, Vec<String>) {
        let whose = match scope {
            CredentialScope::Global => "of the operator",
            CredentialScope::Namespace => "of a namespace",
            CredentialScope::Named => "by name",
        };
        let name = match (secret, operator) {
            (Some((namespace, name)), _) => self.pair(namespace, name),
            (None, Some(operator)) => format!("in the Deployment in {}", self.graph.text(operator)),
            (None, None) => "in a Deployment".to_owned(),
        };
        (format!("ASO credential {whose}"), vec![name])
    }

    fn identity(&self, who: Who) -> (String, Vec<String>) {
        match who {
            Who::Principal(at) => {
                let Some(known) = self.graph.azure_names().principal(at) else { return Default::default() };
                let kind = match known.kind {
                    PrincipalKind::User => "Azure user",
                    PrincipalKind::Group | PrincipalKind::ForeignGroup => "Azure group",
                    _ => "Azure identity",
                };
                (kind.to_owned(), vec![known.name.clone()])
            }
            Who::Client(id) => ("Azure identity, roles unknown".to_owned(), vec![self.text(id)]),
        }
    }

    fn role_of(&self, at: AssignmentIx) -> String {
        let Some(own) = self.graph.azure_names().assignment(at) else { return String::new() };
        let eligible = if own.assigned == Assigned::Eligible { ", once activated" } else { "" };
        format!("{}{eligible}", own.role)
    }

    /// A binding, and which of its role's rules count.
    fn grant(&self, item: Item, at: BindingIx) -> (String, Vec<String>) {
        let (kind, name) = self.binding(at);
        let source = OriginOut::new(self.graph.snapshot(), self.graph.binding(at).origin).column();
        let mut lines = vec![name];
        if let Some(role) = self.graph.role_of(at) {
            let own = self.graph.role(role);
            lines.push(role_words(self.graph, RoleKey { namespace: own.namespace, name: own.name }));
            let rules = self.rules_used(item, at);
            lines.extend(rules.into_iter().map(|rule| rule_out(self.graph, self.graph.rule(own.rules, rule)).column()));
        }
        lines.push(source);
        (kind.to_owned(), lines)
    }

    /// The rules of a binding's role that the edges from it use.
    fn rules_used(&self, item: Item, of: BindingIx) -> BTreeSet<u32> {
        let from_it = |edge: &&PictureEdge| self.picture.nodes.get(edge.from).is_some_and(|node| node.item == item);
        let rights = self.picture.edges.iter().filter(from_it).flat_map(|edge| &edge.rights);
        let rule = |right: &RightDone| match right.evidence {
            Evidence::Grant { binding, rule, .. } if binding == of => Some(rule),
            _ => None,
        };
        rights.filter_map(rule).collect()
    }

    fn gain(&self, step: u32) -> (String, Vec<String>) {
        let Some(step) = self.step(step) else { return (String::new(), Vec::new()) };
        let mut lines = vec![effect_words(self.graph, step.effect)];
        lines.extend(step.words(self.graph));
        let blocked = step.blockers.iter();
        lines.extend(blocked.map(|blocker| {
            format!("{}: {}", if blocker.stops { "stopped by" } else { "might be stopped by" }, blocker.what)
        }));
        (String::new(), lines)
    }

    /// How many there are of what, and the first of them.
    fn several(&self, node: &PictureNode) -> (String, Vec<String>) {
        let count = node.members.len();
        let mut kinds: Vec<ItemKind> = node.members.iter().map(|item| item.kind(self.graph)).collect();
        kinds.dedup();
        let what = if kinds.len() == 1 { plural(node.kind) } else { "of several kinds" };
        let place = match (node.namespace, node.role) {
            (Some(namespace), _) => format!(" of {}", self.graph.text(namespace)),
            (None, _) => self.namespaces(node),
        };
        let title = format!("{what}{place} ({count})");
        if let Some(role) = node.role {
            return (title, vec![format!("of {}", role_words(self.graph, role))]);
        }
        let name = |item: &Item| self.one(*item).1.into_iter().next().unwrap_or_default();
        let inside = |name: String| match node.namespace {
            Some(namespace) => {
                let before = format!("{}/", self.graph.text(namespace));
                name.strip_prefix(&before).map(str::to_owned).unwrap_or(name)
            }
            None => name,
        };
        let told = if count <= NAMED + 1 { count } else { NAMED };
        let mut names: Vec<String> = node.members.iter().take(told).map(|item| inside(name(item))).collect();
        if count > told {
            names.push(format!("+{}", count - told));
        }
        (title, names)
    }

    /// In how many namespaces the members are, where these are in any.
    fn namespaces(&self, node: &PictureNode) -> String {
        let mut all: Vec<Name> = node.members.iter().filter_map(|item| item.namespace(self.graph)).collect();
        all.sort_unstable();
        all.dedup();
        match all.len() {
            0 | 1 => String::new(),
            several => format!(" of {several} namespaces"),
        }
    }

    fn thing(&self, item: Item) -> Option<String> {
        let text = |name: Name| self.text(name);
        let thing = match item {
            Item::Node(name) => Thing::Node(text(name)),
            Item::Pod(namespace, name) => Thing::Pod(text(namespace), text(name)),
            Item::Pods(namespace) => Thing::Pods(text(namespace)),
            Item::Secret(namespace, name) => Thing::Secret(text(namespace), text(name)),
            Item::Subject(subject) => subject_thing(self.graph, subject),
            Item::Binding(at) | Item::Grant { binding: at, .. } => binding_thing(self.graph, at),
            Item::Role(RoleKey { namespace: Some(namespace), name }) => Thing::Role(text(namespace), text(name)),
            Item::Role(role) => Thing::ClusterRole(text(role.name)),
            Item::Credential(_, Some((namespace, name)), _) => Thing::Secret(text(namespace), text(name)),
            Item::Identity(who) => start_thing(self.graph, Start::Azure(who)),
            Item::Assignment(at) | Item::Assigned { assignment: at, .. } => {
                Thing::RoleAssignment(self.graph.azure_names().assignment(at)?.id.clone())
            }
            Item::AzureScope(scope) => Thing::AzureScope(self.graph.azure_names().scope(scope).to_owned()),
            Item::Cluster(at) => Thing::Cluster(self.graph.azure_names().cluster(at).0.to_owned()),
            _ => return None,
        };
        Some(thing.to_string())
    }
}

fn plural(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::User => "Users",
        ItemKind::Group => "Groups",
        ItemKind::ServiceAccount => "ServiceAccounts",
        ItemKind::Node => "Nodes",
        ItemKind::Pod => "Pods",
        ItemKind::Secret => "Secrets",
        ItemKind::RoleBinding => "RoleBindings",
        ItemKind::ClusterRoleBinding => "ClusterRoleBindings",
        ItemKind::Role => "Roles",
        ItemKind::ClusterRole => "ClusterRoles",
        ItemKind::Rules => "sets of rules",
        ItemKind::Credential => "ASO credentials",
        ItemKind::Identity => "Azure identities",
        ItemKind::RoleAssignment => "role assignments",
        ItemKind::AzureScope => "scopes of Azure",
        ItemKind::Cluster => "clusters",
        ItemKind::All | ItemKind::Any | ItemKind::Gain | ItemKind::Target => "steps",
    }
}
