//! The graph and its indexes. It is built once and never changed.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use rustc_hash::FxHashMap;

use crate::both::both;
use crate::model::{
    Action, Added, Atom, Binding, ClusterId, DefaultRole, MASTERS, MatchedNames, NODE_PREFIX, NODES, Name, Question,
    Role, RoleKind, Rule, RuleSetId, Snapshot, Subject, SubjectId, default_roles,
};

use super::aggregation::aggregate;
use super::azure::{AzureGraph, AzureIndex, AzureNames, join_aso, resource_ids};
use super::node::{NodeGraph, NodeTables};

/// A role of the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleIx(u32);

impl RoleIx {
    /// Its place among the roles of the graph.
    pub fn place(self) -> usize {
        self.0 as usize
    }
}

/// A binding of the graph. Their order is: by cluster, ClusterRoleBindings first, then by namespace, then by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BindingIx(u32);

/// Where bindings hold: the whole cluster, or one namespace of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    /// The cluster.
    pub cluster: ClusterId,
    /// The namespace, or none for ClusterRoleBindings.
    pub namespace: Option<Name>,
}

/// Subjects, bindings, roles and rules of a snapshot, joined.
pub struct AccessGraph {
    snapshot: Snapshot,
    /// The role behind each binding; none where it does not exist.
    role_of: Vec<Option<RoleIx>>,
    /// The places where bindings are, sorted.
    scopes: Vec<Scope>,
    /// For each scope its part of `bindings_by_rules`; one more entry than scopes.
    scope_starts: Vec<u32>,
    /// The bindings of each scope that have a role, by rule set.
    bindings_by_rules: Vec<(RuleSetId, BindingIx)>,
    /// For each subject the bindings that name it, ascending.
    by_subject: Lists<BindingIx>,
    /// For each rule set, which rule names which resource, ascending by resource.
    by_resource: Lists<(Name, u32)>,
    /// For each rule set the rules that have URLs.
    with_urls: Lists<u32>,
    /// For each scope that has many rule sets, which of them name a resource.
    postings: Vec<Postings>,
    /// The names of `COMMON_VERBS`, where the input has them.
    common_verbs: [Option<Name>; COMMON_VERBS.len()],
    /// What belongs to which node.
    nodes: NodeTables,
    /// The Azure side, and what things of it are called; each made at the first question, if not before.
    azure: OnceLock<Arc<AzureIndex>>,
    azure_names: OnceLock<AzureNames>,
    /// What was added to roles of Kubernetes; looked for at the first question.
    added: OnceLock<FxHashMap<RoleIx, Added>>,
}

/// Lists of different lengths in one piece of memory.
struct Lists<T> {
    starts: Vec<u32>,
    items: Vec<T>,
}

impl<T: Copy> Lists<T> {
    /// Makes `len` lists of pairs of list number and item; within a list the order of `pairs` stays.
    fn new(len: usize, pairs: &[(usize, T)]) -> Lists<T> {
        let mut starts = vec![0_u32; len + 1];
        for &(list, _) in pairs {
            starts[list + 1] += 1;
        }
        for at in 0..len {
            starts[at + 1] += starts[at];
        }
        let mut next = starts.clone();
        let Some(&(_, filler)) = pairs.first() else { return Lists { starts, items: Vec::new() } };
        let mut items = vec![filler; pairs.len()];
        for &(list, item) in pairs {
            items[next[list] as usize] = item;
            next[list] += 1;
        }
        Lists { starts, items }
    }

    fn get(&self, list: usize) -> &[T] {
        &self.items[self.starts[list] as usize..self.starts[list + 1] as usize]
    }
}

/// A rule, by its rule set and its place in it.
type Place = (RuleSetId, u32);

/// Which rules of one scope name a resource, ascending; and those that have URLs.
struct Postings {
    scope: usize,
    by_resource: Vec<(Name, (Place, Verbs))>,
    with_urls: Vec<Place>,
}

/// Which of the common verbs a rule has, one bit each, and whether it has others: enough to pass most rules over unread.
type Verbs = u16;

const COMMON_VERBS: [&str; 8] = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];
const OTHER_VERBS: Verbs = 1 << COMMON_VERBS.len();

/// From how many distinct rule sets in one scope looking a resource up beats trying each set.
const MANY_RULE_SETS: usize = 64;

impl AccessGraph {
    /// Joins a snapshot. O(n log n) in bindings and rules.
    pub fn new(mut snapshot: Snapshot) -> AccessGraph {
        let _stage = tracing::debug_span!("graph").entered();
        aggregate(&mut snapshot);
        name_identities(&mut snapshot);
        join_aso(&mut snapshot);
        // Neither graph takes anything of the other, so where there is much of Azure both are made side by side, asked for or not.
        let facts = std::mem::take(&mut snapshot.azure);
        let worth = AzureIndex::is_large(&facts);
        let of_aso = if worth { resource_ids(&snapshot) } else { Vec::new() };
        let index = || worth.then(|| AzureIndex::new(&facts, &of_aso));
        let (mut graph, index) = both(worth, || AccessGraph::of_cluster(snapshot), index);
        graph.snapshot.azure = facts;
        if let Some(index) = index {
            graph.azure = OnceLock::from(index);
        }
        graph
    }

    /// The cluster's own side of it.
    fn of_cluster(snapshot: Snapshot) -> AccessGraph {
        let role_of: Vec<Option<RoleIx>> =
            snapshot.bindings.iter().map(|binding| find_role(&snapshot, binding)).collect();
        let (scopes, scope_starts, bindings_by_rules) = by_scope(&snapshot, &role_of);
        let mut named = Vec::new();
        for (at, binding) in snapshot.bindings.iter().enumerate() {
            let from = named.len();
            named.extend(snapshot.subjects.set(binding.subjects).iter().map(|subject| (subject.index(), index(at))));
            // A binding that names a subject twice grants it once.
            named[from..].sort_unstable();
            let mut last = None;
            let mut kept = from;
            for read in from..named.len() {
                if last != Some(named[read].0) {
                    last = Some(named[read].0);
                    named[kept] = named[read];
                    kept += 1;
                }
            }
            named.truncate(kept);
        }
        let by_subject = Lists::new(snapshot.subjects.len(), &named);
        drop(named);
        let (by_resource, with_urls) = index_rules(&snapshot);
        let nodes = NodeTables::new(&snapshot);
        let common_verbs = COMMON_VERBS.map(|verb| snapshot.names.find(verb));
        let mut graph = AccessGraph {
            snapshot,
            role_of,
            scopes,
            scope_starts,
            bindings_by_rules,
            by_subject,
            by_resource,
            with_urls,
            postings: Vec::new(),
            common_verbs,
            nodes,
            azure: OnceLock::new(),
            azure_names: OnceLock::new(),
            added: OnceLock::new(),
        };
        graph.postings = (0..graph.scopes.len()).filter_map(|scope| graph.post(scope)).collect();
        graph
    }

    fn post(&self, scope: usize) -> Option<Postings> {
        let mut sets: Vec<RuleSetId> = self.bindings_by_rules[self.range(scope)].iter().map(|&(set, _)| set).collect();
        sets.dedup();
        if sets.len() < MANY_RULE_SETS {
            return None;
        }
        let resources = |&set: &RuleSetId| {
            let of_set = self.by_resource.get(set.index()).iter();
            of_set.map(move |&(resource, rule)| (resource, ((set, rule), self.verbs(self.rule(set, rule).verbs))))
        };
        let mut by_resource: Vec<(Name, (Place, Verbs))> = sets.iter().flat_map(resources).collect();
        by_resource.sort_unstable();
        by_resource.shrink_to_fit();
        let urls = |&set: &RuleSetId| self.with_urls.get(set.index()).iter().map(move |&rule| (set, rule));
        let with_urls = sets.iter().flat_map(urls).collect();
        Some(Postings { scope, by_resource, with_urls })
    }

    /// Everything that was read.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The Azure side of the snapshot, joined once.
    pub fn azure(&self) -> AzureGraph<'_> {
        let facts = &self.snapshot.azure;
        AzureGraph::with(
            facts,
            Arc::clone(self.azure.get_or_init(|| AzureIndex::new(facts, &resource_ids(&self.snapshot)))),
        )
    }

    /// What things of Azure are called, by their numbers in [`AccessGraph::azure`].
    pub fn azure_names(&self) -> &AzureNames {
        self.azure_names.get_or_init(|| AzureNames::new(&self.azure()))
    }

    /// What belongs to which node.
    pub fn nodes(&self) -> NodeGraph<'_> {
        NodeGraph { snapshot: &self.snapshot, tables: &self.nodes }
    }

    /// The text of a name.
    pub fn text(&self, name: Name) -> &str {
        self.snapshot.names.text(name)
    }

    /// A binding of this graph.
    pub fn binding(&self, at: BindingIx) -> &Binding {
        &self.snapshot.bindings[at.0 as usize]
    }

    /// A role of this graph.
    pub fn role(&self, at: RoleIx) -> &Role {
        &self.snapshot.roles[at.0 as usize]
    }

    /// The role that a binding grants, unless it does not exist.
    pub fn role_of(&self, at: BindingIx) -> Option<RoleIx> {
        self.role_of[at.0 as usize]
    }

    /// What a role that Kubernetes makes has and no version of Kubernetes put there, by the places of the rules.
    pub fn added(&self, at: RoleIx) -> &[(u32, Vec<Atom>)] {
        self.added.get_or_init(|| self.find_added()).get(&at).map_or(&[], Vec::as_slice)
    }

    fn find_added(&self) -> FxHashMap<RoleIx, Added> {
        let names = &self.snapshot.names;
        let key = |role: &DefaultRole| {
            let namespace = match role.namespace {
                Some(namespace) => Some(names.find(namespace)?),
                None => None,
            };
            Some((namespace, names.find(role.name)?))
        };
        let known: FxHashMap<(Option<Name>, Name), &DefaultRole> =
            default_roles().iter().filter_map(|role| Some((key(role)?, role))).collect();
        let of_role = |(at, role): (RoleIx, &Role)| {
            let rules = self.snapshot.rules.set(role.rules).iter().map(|&rule| self.snapshot.rules.rule(rule));
            let added = known.get(&(role.namespace, role.name))?.added(names, &rules.collect::<Vec<_>>());
            (!added.is_empty()).then_some((at, added))
        };
        self.roles().filter_map(of_role).collect()
    }

    /// Every binding.
    pub fn bindings(&self) -> impl ExactSizeIterator<Item = (BindingIx, &Binding)> {
        self.snapshot.bindings.iter().enumerate().map(|(at, binding)| (index(at), binding))
    }

    /// Every role.
    pub fn roles(&self) -> impl ExactSizeIterator<Item = (RoleIx, &Role)> {
        self.snapshot.roles.iter().enumerate().map(|(at, role)| (role_index(at), role))
    }

    /// Where a binding holds.
    pub fn scope_of(&self, at: BindingIx) -> Scope {
        let binding = self.binding(at);
        Scope { cluster: binding.cluster, namespace: binding.namespace }
    }

    /// The places where bindings are, cluster-wide ones first.
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// The bindings that name a subject, ascending.
    pub fn bindings_of(&self, subject: SubjectId) -> &[BindingIx] {
        self.by_subject.get(subject.index())
    }

    /// The bindings that name a subject and hold for requests in a namespace (`None`: cluster-wide only): first the
    /// ClusterRoleBindings, then those of the namespace.
    pub fn bindings_for(
        &self,
        subject: Subject,
        cluster: ClusterId,
        namespace: Option<Name>,
    ) -> impl Iterator<Item = BindingIx> {
        let all = self.snapshot.subjects.find(subject).map_or(&[][..], |id| self.bindings_of(id));
        let part = |namespace: Option<Name>| {
            let scope = Scope { cluster, namespace };
            let from = all.partition_point(|&at| self.scope_of(at) < scope);
            let len = all[from..].partition_point(|&at| self.scope_of(at) == scope);
            &all[from..from + len]
        };
        let inside = namespace.map_or(&[][..], |namespace| part(Some(namespace)));
        part(None).iter().chain(inside).copied()
    }

    /// One rule of a role, by its place among the role's rules.
    pub fn rule(&self, set: RuleSetId, position: u32) -> Rule<'_> {
        self.snapshot.rules.rule(self.snapshot.rules.set(set)[position as usize])
    }

    /// Whether a rule set allows the request as it is asked.
    pub fn allows(&self, set: RuleSetId, question: &Question<'_>) -> bool {
        let allows =
            |rule: u32| self.rule(set, rule).matches(question, &self.snapshot.names) == Some(MatchedNames::Every);
        match question {
            Question::Resource { .. } => tokens(question)
                .any(|wanted| equal(self.by_resource.get(set.index()), wanted).iter().any(|&(_, rule)| allows(rule))),
            Question::NonResource { .. } => self.with_urls.get(set.index()).iter().any(|&rule| allows(rule)),
        }
    }

    /// Calls `each` with the bindings of a scope that answer a question, those of one rule set at once, and with the rules of the set
    /// that do, in the role's order, and the names they cover.
    ///
    /// O(rules of the scope that name the resource, and matching bindings) after a look-up.
    pub fn answers<'g>(
        &'g self,
        scope: Scope,
        question: &Question<'_>,
        mut each: impl FnMut(&[(RuleSetId, BindingIx)], &[(u32, MatchedNames<'g>)]),
    ) {
        let Ok(at) = self.scopes.binary_search(&scope) else { return };
        let bindings = &self.bindings_by_rules[self.range(at)];
        let mut matched: Vec<(u32, MatchedNames<'g>)> = Vec::new();
        let mut answer = |rules: &[Place], granted: Option<&[(RuleSetId, BindingIx)]>| {
            matched.clear();
            let test =
                |&(set, rule): &Place| Some((rule, self.rule(set, rule).matches(question, &self.snapshot.names)?));
            matched.extend(rules.iter().filter_map(test));
            if let (Some(&(set, _)), false) = (rules.first(), matched.is_empty()) {
                each(granted.unwrap_or_else(|| equal(bindings, set)), &matched);
            }
        };
        let mut rules: Vec<Place> = Vec::new();
        if let Ok(found) = self.postings.binary_search_by_key(&at, |postings| postings.scope) {
            let postings = &self.postings[found];
            match question {
                Question::NonResource { .. } => rules.extend_from_slice(&postings.with_urls),
                Question::Resource { .. } => {
                    let wanted = self.verb(question);
                    let named = tokens(question).flat_map(|wanted| equal(&postings.by_resource, wanted));
                    rules.extend(named.filter(|(_, (_, verbs))| verbs & wanted != 0).map(|&(_, (at, _))| at));
                    rules.sort_unstable();
                    rules.dedup();
                }
            }
            for of_set in rules.chunk_by(|(a, _), (b, _)| a == b) {
                answer(of_set, None);
            }
            return;
        }
        for granted in bindings.chunk_by(|(a, _), (b, _)| a == b) {
            let Some(&(set, _)) = granted.first() else { continue };
            rules.clear();
            match question {
                Question::NonResource { .. } => {
                    rules.extend(self.with_urls.get(set.index()).iter().map(|&rule| (set, rule)));
                }
                Question::Resource { .. } => {
                    let of_set = self.by_resource.get(set.index());
                    rules.extend(
                        tokens(question).flat_map(|wanted| equal(of_set, wanted)).map(|&(_, rule)| (set, rule)),
                    );
                    rules.sort_unstable();
                    rules.dedup();
                }
            }
            answer(&rules, Some(granted));
        }
    }

    fn verbs(&self, verbs: &[Name]) -> Verbs {
        verbs.iter().fold(0, |all, &verb| all | if verb == Name::STAR { Verbs::MAX } else { self.verb_bit(Some(verb)) })
    }

    fn verb(&self, question: &Question<'_>) -> Verbs {
        match *question {
            Question::Resource { verb, .. } | Question::NonResource { verb, .. } => self.verb_bit(verb),
        }
    }

    fn verb_bit(&self, verb: Option<Name>) -> Verbs {
        // A verb that the input never mentions can only be covered by a star, which has every bit.
        let common = self.common_verbs.iter().position(|known| known.is_some() && *known == verb);
        common.map_or(OTHER_VERBS, |at| 1 << at)
    }

    fn range(&self, scope: usize) -> Range<usize> {
        self.scope_starts[scope] as usize..self.scope_starts[scope + 1] as usize
    }

    /// The question for an action in the names of this graph.
    pub fn question<'q>(&self, action: &'q Action) -> Question<'q> {
        Question::new(&self.snapshot.names, action)
    }

    /// Checks what the structure promises; tests call it on every graph they build.
    ///
    /// # Errors
    /// The first promise that is broken, in words.
    pub fn verify(&self) -> Result<(), String> {
        let keys: Vec<_> = self.bindings().map(|(at, binding)| (self.scope_of(at), binding.name)).collect();
        if !keys.is_sorted_by(|a, b| a < b) {
            return Err("bindings are not sorted or not distinct".to_owned());
        }
        let roles: Vec<_> = self.snapshot.roles.iter().map(|role| (role.cluster, role.namespace, role.name)).collect();
        if !roles.is_sorted_by(|a, b| a < b) {
            return Err("roles are not sorted or not distinct".to_owned());
        }
        for (at, binding) in self.bindings() {
            let found = self.role_of(at).map(|role| self.role(role).name);
            if found.is_some_and(|name| name != binding.role.name) {
                return Err(format!("binding {} has another role than it names", self.text(binding.name)));
            }
            for subject in self.snapshot.subjects.set(binding.subjects) {
                if self.bindings_of(*subject).binary_search(&at).is_err() {
                    return Err(format!("binding {} is missing at a subject of it", self.text(binding.name)));
                }
            }
        }
        let subjects: Vec<Subject> = self.snapshot.subjects.iter().map(|(_, subject)| subject).collect();
        if !subjects.is_sorted_by(|a, b| a < b) {
            return Err("subjects are not numbered in their order".to_owned());
        }
        let granted = self.role_of.iter().flatten().count();
        if granted != self.bindings_by_rules.len() {
            return Err(format!("{granted} bindings have a role and {} are indexed", self.bindings_by_rules.len()));
        }
        Ok(())
    }
}

/// What a rule may call the resource of a question.
fn tokens(question: &Question<'_>) -> impl Iterator<Item = Name> {
    let (resource, any) = match *question {
        Question::Resource { resource, any_with_subresource, .. } => (resource, any_with_subresource),
        Question::NonResource { .. } => (None, None),
    };
    [Some(Name::STAR), resource.filter(|&resource| resource != Name::STAR), any].into_iter().flatten()
}

/// The part of a sorted list of pairs that has this key.
fn equal<K: Ord + Copy, V>(pairs: &[(K, V)], key: K) -> &[(K, V)] {
    let from = pairs.partition_point(|&(at, _)| at < key);
    let len = pairs[from..].partition_point(|&(at, _)| at == key);
    &pairs[from..from + len]
}

fn index(at: usize) -> BindingIx {
    BindingIx(u32::try_from(at).unwrap_or(u32::MAX))
}

fn role_index(at: usize) -> RoleIx {
    RoleIx(u32::try_from(at).unwrap_or(u32::MAX))
}

/// The role that a binding refers to, as the authorizer resolves it: a Role in the binding's own namespace, a ClusterRole by
/// name, and nothing for any other kind or for a Role in a ClusterRoleBinding.
/// Names identities that are there in every cluster with these nodes, whether or not a binding speaks of them.
fn name_identities(snapshot: &mut Snapshot) {
    for group in [MASTERS, NODES] {
        snapshot.names.intern(group);
    }
    let of_pods = snapshot.pods.iter().filter_map(|pod| pod.node);
    let mut nodes: Vec<Name> = snapshot.nodes.iter().map(|node| node.name).chain(of_pods).collect();
    nodes.sort_unstable();
    nodes.dedup();
    for node in nodes {
        let user = [NODE_PREFIX, snapshot.names.text(node)].concat();
        snapshot.names.intern(&user);
    }
}

fn find_role(snapshot: &Snapshot, binding: &Binding) -> Option<RoleIx> {
    let namespace = match binding.role.kind {
        RoleKind::ClusterRole => None,
        RoleKind::Role => Some(binding.namespace?),
        RoleKind::Other(_) => return None,
    };
    let key = (binding.cluster, namespace, binding.role.name);
    let found = snapshot.roles.binary_search_by_key(&key, |role| (role.cluster, role.namespace, role.name));
    found.ok().map(role_index)
}

type ByScope = (Vec<Scope>, Vec<u32>, Vec<(RuleSetId, BindingIx)>);

fn by_scope(snapshot: &Snapshot, role_of: &[Option<RoleIx>]) -> ByScope {
    let (mut scopes, mut starts, mut all) = (Vec::new(), Vec::new(), Vec::with_capacity(role_of.len()));
    let mut from = 0;
    for group in snapshot.bindings.chunk_by(|a, b| (a.cluster, a.namespace) == (b.cluster, b.namespace)) {
        starts.push(u32::try_from(all.len()).unwrap_or(u32::MAX));
        scopes.extend(group.first().map(|first| Scope { cluster: first.cluster, namespace: first.namespace }));
        let begin = all.len();
        all.extend(
            (from..from + group.len())
                .filter_map(|at| role_of[at].map(|role| (snapshot.roles[role.0 as usize].rules, index(at)))),
        );
        all[begin..].sort_unstable();
        from += group.len();
    }
    starts.push(u32::try_from(all.len()).unwrap_or(u32::MAX));
    (scopes, starts, all)
}

fn index_rules(snapshot: &Snapshot) -> (Lists<(Name, u32)>, Lists<u32>) {
    let (mut resources, mut urls) = (Vec::new(), Vec::new());
    let mut of_set: Vec<(Name, u32)> = Vec::new();
    for (set, rules) in snapshot.rules.sets() {
        of_set.clear();
        for (position, &rule) in (0_u32..).zip(rules) {
            let rule = snapshot.rules.rule(rule);
            of_set.extend(rule.resources.iter().map(|&resource| (resource, position)));
            if !rule.non_resource_urls.is_empty() {
                urls.push((set.index(), position));
            }
        }
        of_set.sort_unstable();
        of_set.dedup();
        resources.extend(of_set.iter().map(|&entry| (set.index(), entry)));
    }
    let (_, sets) = snapshot.rules.counts();
    (Lists::new(sets, &resources), Lists::new(sets, &urls))
}
