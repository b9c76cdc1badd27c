//! Who may write resources of ASO, and who may read or change the Secrets that hold its credentials: every rule set is looked at
//! once, and every binding then.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::graph::{AccessGraph, BindingIx};
use crate::model::{ClusterId, KindIx, Name, Names, Rule, RuleSetId, Subject};

/// A set of ASO's kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct KindSet([u64; WORDS]);

const WORDS: usize = 5;

impl KindSet {
    /// Every kind of the table.
    pub fn all() -> KindSet {
        KindIx::all().collect()
    }

    /// Adds a kind.
    pub fn insert(&mut self, kind: KindIx) {
        if let Some(word) = self.0.get_mut(kind.index() / 64) {
            *word |= 1 << (kind.index() % 64);
        }
    }

    /// Whether a kind is in it.
    pub fn has(&self, kind: KindIx) -> bool {
        self.0.get(kind.index() / 64).is_some_and(|word| word & (1 << (kind.index() % 64)) != 0)
    }

    /// What is in both.
    pub fn and(&self, other: &KindSet) -> KindSet {
        KindSet(std::array::from_fn(|at| self.0[at] & other.0[at]))
    }

    /// What is in either.
    pub fn or(&self, other: &KindSet) -> KindSet {
        KindSet(std::array::from_fn(|at| self.0[at] | other.0[at]))
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0 == [0; WORDS]
    }

    /// The kinds, in their order.
    pub fn iter(&self) -> impl Iterator<Item = KindIx> + '_ {
        KindIx::all().filter(|&kind| self.has(kind))
    }
}

impl FromIterator<KindIx> for KindSet {
    fn from_iter<I: IntoIterator<Item = KindIx>>(kinds: I) -> KindSet {
        let mut set = KindSet::default();
        kinds.into_iter().for_each(|kind| set.insert(kind));
        set
    }
}

/// Some names, or all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Which {
    #[default]
    None,
    Only(Vec<Name>),
    All,
}

impl Which {
    fn add(&mut self, names: &[Name]) {
        match self {
            Which::All => {}
            _ if names.is_empty() => *self = Which::All,
            Which::Only(all) => all.extend_from_slice(names),
            Which::None => *self = Which::Only(names.to_vec()),
        }
    }

    fn has(&self, name: Name) -> bool {
        match self {
            Which::None => false,
            Which::Only(all) => all.contains(&name),
            Which::All => true,
        }
    }
}

/// What a rule set gives.
#[derive(Clone, Debug, Default)]
struct Given {
    create: KindSet,
    /// Update or patch, of some objects or all.
    change: KindSet,
    delete: KindSet,
    read_secrets: Which,
    change_secrets: Which,
    delete_secrets: Which,
    create_secrets: bool,
    everything: bool,
}

impl Given {
    fn is_empty(&self) -> bool {
        self.create.or(&self.change).or(&self.delete).is_empty()
            && [&self.read_secrets, &self.change_secrets, &self.delete_secrets].into_iter().all(|at| *at == Which::None)
            && !self.create_secrets
    }
}

/// A right on ASO's resources or on a Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsoRight {
    /// Create, or change, resources of one of these kinds.
    Write(KindSet),
    /// Create resources of one of these kinds.
    Create(KindSet),
    /// Read a Secret.
    ReadSecret(Name),
    /// Change a Secret, or make it where it is not.
    ChangeSecret(Name),
    /// Delete a Secret.
    DeleteSecret(Name),
    /// Create any Secret.
    CreateSecret,
}

/// Who holds what of ASO, by namespace.
pub struct AsoRights<'g> {
    graph: &'g AccessGraph,
    cluster: ClusterId,
    given: FxHashMap<RuleSetId, Given>,
    everywhere: Vec<BindingIx>,
    by_namespace: FxHashMap<Name, Vec<BindingIx>>,
}

impl<'g> AsoRights<'g> {
    /// Looks at every rule set and binding of a cluster. O(rules and bindings).
    pub fn new(graph: &'g AccessGraph, cluster: ClusterId) -> AsoRights<'g> {
        let mut rights = AsoRights {
            graph,
            cluster,
            given: FxHashMap::default(),
            everywhere: Vec::new(),
            by_namespace: FxHashMap::default(),
        };
        let snapshot = graph.snapshot();
        let words = Words::new(&snapshot.names);
        for (set, rules) in snapshot.rules.sets() {
            let mut given = Given::default();
            for &rule in rules {
                words.add(&snapshot.rules.rule(rule), &mut given);
            }
            if !given.is_empty() {
                rights.given.insert(set, given);
            }
        }
        for (at, binding) in graph.bindings().filter(|(_, binding)| binding.cluster == cluster) {
            if rights.of(at).is_none() {
                continue;
            }
            match binding.namespace {
                None => rights.everywhere.push(at),
                Some(namespace) => rights.by_namespace.entry(namespace).or_default().push(at),
            }
        }
        rights
    }

    fn of(&self, binding: BindingIx) -> Option<&Given> {
        let role = self.graph.role_of(binding)?;
        self.given.get(&self.graph.role(role).rules)
    }

    /// Who holds a right in a namespace, each with the first binding that gives it. Those who are in `system:masters` hold every
    /// right without a binding and are left out.
    pub fn holders(&self, right: &AsoRight, namespace: Name) -> BTreeMap<Subject, BindingIx> {
        let mut found = BTreeMap::new();
        for at in self.bindings(right, namespace) {
            for &subject in self.graph.snapshot().subjects.set(self.graph.binding(at).subjects) {
                found.entry(self.graph.snapshot().subjects.get(subject)).or_insert(at);
            }
        }
        found
    }

    /// The bindings that give a right in a namespace.
    pub fn bindings(&self, right: &AsoRight, namespace: Name) -> impl Iterator<Item = BindingIx> {
        let inside = self.by_namespace.get(&namespace).map_or(&[][..], Vec::as_slice);
        let all = self.everywhere.iter().chain(inside).copied();
        all.filter(|&at| self.of(at).is_some_and(|given| holds(given, right)))
    }

    /// Whether a binding gives everything in the whole cluster.
    pub fn gives_everything(&self, binding: BindingIx) -> bool {
        self.graph.binding(binding).namespace.is_none() && self.of(binding).is_some_and(|given| given.everything)
    }

    /// The namespaces in which a right is given by a RoleBinding, and whether it is given everywhere.
    pub fn places(&self, right: &AsoRight) -> (Vec<Name>, bool) {
        let gives = |at: &BindingIx| self.of(*at).is_some_and(|given| holds(given, right));
        let inside = self.by_namespace.iter().filter(|(_, all)| all.iter().any(gives)).map(|(&namespace, _)| namespace);
        let mut inside: Vec<Name> = inside.collect();
        inside.sort_unstable();
        (inside, self.everywhere.iter().any(gives))
    }

    /// The kinds that a subject may create or change in a namespace, as far as bindings name it.
    pub fn kinds_of(&self, subject: Subject, namespace: Name) -> KindSet {
        let bindings = self.graph.bindings_for(subject, self.cluster, Some(namespace));
        let given = bindings.filter_map(|at| self.of(at));
        given.fold(KindSet::default(), |all, given| all.or(&given.create).or(&given.change))
    }

    /// Whether a subject may do everything in the whole cluster, as far as bindings name it.
    pub fn is_admin(&self, subject: Subject) -> bool {
        let mut bindings = self.graph.bindings_for(subject, self.cluster, None);
        bindings.any(|at| self.of(at).is_some_and(|given| given.everything))
    }
}

fn holds(given: &Given, right: &AsoRight) -> bool {
    match right {
        AsoRight::Write(kinds) => !given.create.or(&given.change).and(kinds).is_empty(),
        AsoRight::Create(kinds) => !given.create.and(kinds).is_empty(),
        AsoRight::ReadSecret(name) => given.read_secrets.has(*name),
        AsoRight::ChangeSecret(name) => given.change_secrets.has(*name) || given.create_secrets,
        AsoRight::DeleteSecret(name) => given.delete_secrets.has(*name),
        AsoRight::CreateSecret => given.create_secrets,
    }
}

/// The names of the words that matter, where the input has them.
struct Words<'n> {
    names: &'n Names,
    secrets: Option<Name>,
    read: [Option<Name>; 3],
    create: Option<Name>,
    change: [Option<Name>; 2],
    delete: [Option<Name>; 2],
}

impl<'n> Words<'n> {
    fn new(names: &'n Names) -> Words<'n> {
        Words {
            names,
            secrets: names.find("secrets"),
            read: ["get", "list", "watch"].map(|verb| names.find(verb)),
            create: names.find("create"),
            change: ["update", "patch"].map(|verb| names.find(verb)),
            delete: ["delete", "deletecollection"].map(|verb| names.find(verb)),
        }
    }

    fn add(&self, rule: &Rule<'_>, given: &mut Given) {
        let has = |list: &[Name], words: &[Option<Name>]| {
            list.iter().any(|name| *name == Name::STAR || words.contains(&Some(*name)))
        };
        let verbs = |words: &[Option<Name>]| has(rule.verbs, words);
        let [create, change, delete] = [verbs(&[self.create]), verbs(&self.change), verbs(&self.delete)];
        let named = !rule.resource_names.is_empty();
        let star = |list: &[Name]| list.contains(&Name::STAR);
        given.everything |= !named && star(rule.verbs) && star(rule.api_groups) && star(rule.resources);
        if has(rule.api_groups, &[Some(Name::EMPTY)]) && has(rule.resources, &[self.secrets]) {
            for (verb, which) in [
                (verbs(&self.read), &mut given.read_secrets),
                (change, &mut given.change_secrets),
                (delete, &mut given.delete_secrets),
            ] {
                if verb {
                    which.add(rule.resource_names);
                }
            }
            // What is not there has no name that could be asked about.
            given.create_secrets |= create && !named;
        }
        if create || change || delete {
            let kinds = self.kinds(rule);
            if create && !named {
                given.create = given.create.or(&kinds);
            }
            if change {
                given.change = given.change.or(&kinds);
            }
            if delete {
                given.delete = given.delete.or(&kinds);
            }
        }
    }

    /// The kinds that a rule names.
    fn kinds(&self, rule: &Rule<'_>) -> KindSet {
        let every_group = rule.api_groups.contains(&Name::STAR);
        let every_resource = rule.resources.contains(&Name::STAR);
        let mut kinds = KindSet::default();
        if every_group && every_resource {
            return KindSet::all();
        }
        if every_group || every_resource {
            let listed = |list: &[Name], text: &str| list.iter().any(|&name| self.names.text(name) == text);
            for kind in KindIx::all() {
                let facts = kind.facts();
                if (every_group || listed(rule.api_groups, facts.group))
                    && (every_resource || listed(rule.resources, facts.plural))
                {
                    kinds.insert(kind);
                }
            }
            return kinds;
        }
        for &group in rule.api_groups {
            let group = self.names.text(group);
            if group.ends_with(".azure.com") {
                let own =
                    rule.resources.iter().filter_map(|&plural| KindIx::of_resource(group, self.names.text(plural)));
                own.for_each(|kind| kinds.insert(kind));
            }
        }
        kinds
    }
}
