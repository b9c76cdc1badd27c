//! Large pictures are grouped, never cut: the first way that leaves few enough nodes is taken, and each node says what it stands for.

use std::collections::BTreeMap;

use super::{EdgeKind, Item, ItemKind, Picture, PictureEdge, PictureNode};
use crate::graph::AccessGraph;
use crate::model::{Name, RoleKind};
use crate::rules::attack::RoleKey;

/// How nodes are grouped, from not at all to as much as can be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grouping {
    /// Every thing is a node.
    #[default]
    Not,
    /// Bindings of one namespace that grant the same role are one node; so are accounts, pods and Secrets of one namespace, users and
    /// groups, that have the same neighbours. Nothing that can be read off the picture is lost.
    Alike,
    /// Bindings by what they grant, all namespaces together; accounts, pods and Secrets by namespace.
    Roles,
    /// Everything by namespace and kind.
    Namespaces,
    /// Everything by kind.
    Kinds,
}

impl Grouping {
    const ALL: [Grouping; 5] = [Grouping::Not, Grouping::Alike, Grouping::Roles, Grouping::Namespaces, Grouping::Kinds];

    /// How, in words; none where nothing is grouped.
    pub fn words(self) -> Option<&'static str> {
        match self {
            Grouping::Not => None,
            Grouping::Alike => Some("what has the same neighbours is one node"),
            Grouping::Roles => Some("bindings are grouped by role, and what they name by namespace"),
            Grouping::Namespaces => Some("everything is grouped by namespace and kind"),
            Grouping::Kinds => Some("everything is grouped by kind"),
        }
    }
}

/// Things and how they hang together, by place; both sorted, none twice.
#[derive(Debug, Default)]
pub(super) struct Threads {
    pub(super) items: Vec<Item>,
    pub(super) edges: Vec<(u32, u32, EdgeKind)>,
}

/// What becomes one node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Alone(Item),
    Of { kind: ItemKind, namespace: Option<Name>, role: Option<RoleKey>, alike: Vec<(bool, EdgeKind, Option<u32>)> },
}

/// The picture with no more nodes than asked for, where grouping can do that. `center` always stands for itself.
///
/// O(n log n) in things and edges, for each way that is tried.
pub(super) fn grouped(graph: &AccessGraph, threads: &Threads, center: Option<Item>, max_nodes: usize) -> Picture {
    let mut picture = Picture::default();
    for grouping in Grouping::ALL {
        let groups = groups(graph, threads, center, grouping);
        let nodes = groups.iter().max().map_or(0, |&last| last as usize + 1);
        if nodes <= max_nodes || grouping == Grouping::Kinds {
            picture = drawn(graph, threads, &groups, grouping);
            break;
        }
    }
    picture.things = threads.items.len();
    picture
}

/// For each thing the number of its node. Nodes are numbered in the order of their first things.
fn groups(graph: &AccessGraph, threads: &Threads, center: Option<Item>, grouping: Grouping) -> Vec<u32> {
    let items = &threads.items;
    let key = |item: Item| if Some(item) == center { Key::Alone(item) } else { key(graph, item, grouping) };
    let mut keys: Vec<Key> = items.iter().map(|&item| key(item)).collect();
    let first = numbered(&keys);
    let mut around: Vec<Vec<(bool, EdgeKind, Option<u32>)>> = vec![Vec::new(); items.len()];
    for &(from, to, kind) in &threads.edges {
        for (own, other, out) in [(from, to, true), (to, from, false)] {
            if matches!(keys[own as usize], Key::Of { .. }) && is_leaf(items[own as usize], grouping) {
                let neighbour = (!is_leaf(items[other as usize], grouping)).then(|| first[other as usize]);
                around[own as usize].push((out, kind, neighbour));
            }
        }
    }
    for (own, mut of_it) in keys.iter_mut().zip(around) {
        of_it.sort_unstable();
        of_it.dedup();
        if let Key::Of { alike, .. } = own {
            *alike = of_it;
        }
    }
    numbered(&keys)
}

/// Numbers keys in the order in which they come.
fn numbered(keys: &[Key]) -> Vec<u32> {
    let mut numbers: BTreeMap<&Key, u32> = BTreeMap::new();
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        found.push(*numbers.entry(key).or_insert(next));
    }
    found
}

/// What is grouped by its neighbours as well.
fn is_leaf(item: Item, grouping: Grouping) -> bool {
    match item {
        Item::Subject(_) | Item::Pod(..) | Item::Secret(..) | Item::Node(_) => grouping == Grouping::Alike,
        Item::Rules(_) | Item::Assignment(_) => grouping == Grouping::Namespaces,
        _ => false,
    }
}

fn key(graph: &AccessGraph, item: Item, grouping: Grouping) -> Key {
    let kind = item.kind(graph);
    let by = |namespace, role| Key::Of { kind, namespace, role, alike: Vec::new() };
    let namespace = item.namespace(graph);
    let is_named = matches!(item, Item::Subject(_) | Item::Pod(..) | Item::Secret(..) | Item::Node(_));
    match grouping {
        Grouping::Not => Key::Alone(item),
        Grouping::Alike | Grouping::Roles => match item {
            Item::Binding(at) => {
                let binding = graph.binding(at);
                let role = match binding.role.kind {
                    RoleKind::Role => RoleKey { namespace: binding.namespace, name: binding.role.name },
                    RoleKind::ClusterRole => RoleKey { namespace: None, name: binding.role.name },
                    RoleKind::Other(_) => return Key::Alone(item),
                };
                by(namespace.filter(|_| grouping == Grouping::Alike), Some(role))
            }
            _ if is_named => by(namespace, None),
            _ => Key::Alone(item),
        },
        Grouping::Namespaces => match item {
            Item::Binding(_) | Item::Role(_) | Item::MissingRole(_) | Item::Rules(_) | Item::Assignment(_) => {
                by(namespace, None)
            }
            _ if is_named => by(namespace, None),
            _ => Key::Alone(item),
        },
        Grouping::Kinds => by(None, None),
    }
}

fn drawn(graph: &AccessGraph, threads: &Threads, groups: &[u32], grouping: Grouping) -> Picture {
    let mut members: Vec<Vec<Item>> = Vec::new();
    for (&item, &group) in threads.items.iter().zip(groups) {
        if members.len() <= group as usize {
            members.resize(group as usize + 1, Vec::new());
        }
        members[group as usize].push(item);
    }
    let node = |members: Vec<Item>| {
        let item = members.first().copied()?;
        let alone = members.len() == 1;
        let namespace =
            item.namespace(graph).filter(|_| members.iter().all(|one| one.namespace(graph) == item.namespace(graph)));
        let role = match key(graph, item, grouping) {
            Key::Of { role, .. } if !alone => role,
            _ => None,
        };
        let members = if alone { Vec::new() } else { members };
        Some(PictureNode { item, kind: item.kind(graph), namespace, role, members, severity: None })
    };
    let nodes = members.into_iter().filter_map(node).collect();
    let mut counts: BTreeMap<(usize, usize, EdgeKind), usize> = BTreeMap::new();
    for &(from, to, kind) in &threads.edges {
        let key = (groups[from as usize] as usize, groups[to as usize] as usize, kind);
        *counts.entry(key).or_default() += 1;
    }
    let edge = |((from, to, kind), count)| PictureEdge {
        from,
        to,
        kind,
        count,
        rights: Vec::new(),
        technique: None,
        severity: None,
    };
    Picture { nodes, edges: counts.into_iter().map(edge).collect(), grouping, ..Picture::default() }
}
