//! What a value means, and the words that it may be.

use std::collections::BTreeSet;
use std::path::Path;

use clap::Arg;

use super::{Candidate, Completion, Directive, Line, Look};
use crate::graph::AccessGraph;
use crate::model::{ResourceTable, Snapshot, Subject};
use crate::query::SystemFilter;
use crate::render::{
    AsoReport, ChecksReport, EscalationsReport, Fits, Format, GraphFormat, Print, ReviewReport, WhatCanReport,
    WhoCanReport, WhyReport,
};
use crate::rules::{Ask, CATALOGUE, CHECKS, escalations};

/// What stands for a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A few words that clap knows.
    Words,
    Format,
    /// `FORMAT=FILE`.
    Save,
    Verb,
    Resource,
    Subresource,
    /// The name of an object of the resource before it.
    ObjectName,
    Namespace,
    /// A thing of one of these kinds, or one of these words.
    Thing(&'static [Kind], &'static [(&'static str, &'static str)]),
    /// What `explain` tells about.
    Explained,
    Check,
    Fingerprint,
    User,
    Group,
    AzureScope,
    AzureCluster,
    Subscription,
    Context,
    Cluster,
    KubeconfigUser,
    File,
    Folder,
    /// Whatever somebody thinks of: a number, a pattern, a day.
    Free,
}

/// A kind of the grammar of things, with what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    User,
    Group,
    ServiceAccount,
    Pod,
    Pods,
    Node,
    Secret,
    RoleBinding,
    ClusterRoleBinding,
    Namespace,
    Identity,
    Principal,
    Cluster,
    Azure,
    RoleAssignment,
}

impl Kind {
    fn word(self) -> (&'static str, &'static str) {
        match self {
            Kind::User => ("user:", "a user"),
            Kind::Group => ("group:", "a group"),
            Kind::ServiceAccount => ("sa:", "a service account, NAMESPACE/NAME"),
            Kind::Pod => ("pod:", "a pod, NAMESPACE/NAME"),
            Kind::Pods => ("pods:", "every pod of a namespace"),
            Kind::Node => ("node:", "a node"),
            Kind::Secret => ("secret:", "a Secret, NAMESPACE/NAME"),
            Kind::RoleBinding => ("rolebinding:", "a RoleBinding, NAMESPACE/NAME"),
            Kind::ClusterRoleBinding => ("clusterrolebinding:", "a ClusterRoleBinding"),
            Kind::Namespace => ("namespace:", "a namespace"),
            Kind::Identity => ("identity:", "an identity in Azure, by its client id"),
            Kind::Principal => ("principal:", "a principal in Azure, by its object id"),
            Kind::Cluster => ("cluster:", "a cluster"),
            Kind::Azure => ("azure:", "a scope in Azure"),
            Kind::RoleAssignment => ("roleassignment:", "a role assignment in Azure, by its id"),
        }
    }
}

const SUBJECTS: &[Kind] = &[Kind::User, Kind::Group, Kind::ServiceAccount, Kind::Node];
const STARTS: &[Kind] =
    &[Kind::User, Kind::Group, Kind::ServiceAccount, Kind::Pod, Kind::Pods, Kind::Identity, Kind::Principal];
const TARGETS: &[Kind] = &[
    Kind::User,
    Kind::Group,
    Kind::ServiceAccount,
    Kind::Pod,
    Kind::Secret,
    Kind::Node,
    Kind::Cluster,
    Kind::Identity,
    Kind::Principal,
    Kind::Azure,
];
const CLASSES: &[(&str, &str)] = &[
    ("cluster-admin", "everything in the cluster"),
    ("namespace-admin", "the administration of any namespace"),
    ("namespace-admin:", "the administration of a namespace"),
    ("secrets", "the Secrets of any namespace"),
    ("secrets:", "the Secrets of a namespace"),
    ("node", "any node"),
    ("azure", "anything in Azure"),
];
const GONE: &[Kind] = &[Kind::ClusterRoleBinding, Kind::RoleBinding, Kind::Secret, Kind::RoleAssignment];
const AROUND: &[Kind] = &[
    Kind::User,
    Kind::Group,
    Kind::ServiceAccount,
    Kind::Pod,
    Kind::Pods,
    Kind::Node,
    Kind::Secret,
    Kind::Namespace,
    Kind::RoleBinding,
    Kind::ClusterRoleBinding,
    Kind::Identity,
    Kind::Principal,
    Kind::Cluster,
    Kind::Azure,
];

/// The formats of a command's answer.
fn fits(command: &str) -> Fits {
    match command {
        "who-can" => <WhoCanReport<'_> as Print>::FITS,
        "what-can" => <WhatCanReport<'_> as Print>::FITS,
        "why" => <WhyReport<'_> as Print>::FITS,
        "review" => <ReviewReport<'_> as Print>::FITS,
        "escalations" => <EscalationsReport<'_> as Print>::FITS,
        "checks" => <ChecksReport<'_> as Print>::FITS,
        "aso" => <AsoReport<'_, '_> as Print>::FITS,
        _ => Fits::default(),
    }
}

/// What the value of an argument of a command means.
pub(super) fn meaning(command: &str, argument: &Arg) -> Meaning {
    if !argument.get_possible_values().is_empty() {
        return Meaning::Words;
    }
    match (command, argument.get_id().as_str()) {
        (_, "verb") => Meaning::Verb,
        (_, "resource") => Meaning::Resource,
        (_, "subresource") => Meaning::Subresource,
        (_, "name") => Meaning::ObjectName,
        (_, "namespace") => Meaning::Namespace,
        // There it is a pattern.
        ("who-can", "subject") => Meaning::Free,
        (_, "subject") => Meaning::Thing(SUBJECTS, &[]),
        (_, "from") => Meaning::Thing(STARTS, &[]),
        (_, "to") => Meaning::Thing(TARGETS, CLASSES),
        (_, "without") => Meaning::Thing(GONE, &[]),
        (_, "around") => Meaning::Thing(AROUND, &[]),
        ("explain", "id") => Meaning::Explained,
        (_, "only" | "skip") => Meaning::Check,
        (_, "finding") => Meaning::Fingerprint,
        (_, "group" | "as_groups") => Meaning::Group,
        (_, "as_user") => Meaning::User,
        (_, "scope") => Meaning::AzureScope,
        (_, "this_cluster") => Meaning::AzureCluster,
        (_, "subscription") => Meaning::Subscription,
        (_, "context") => Meaning::Context,
        (_, "cluster") => Meaning::Cluster,
        (_, "user") => Meaning::KubeconfigUser,
        (_, "output") => Meaning::Format,
        (_, "save") => Meaning::Save,
        (
            _,
            "filename"
            | "azure"
            | "file"
            | "reviews"
            | "config"
            | "baseline"
            | "kubeconfig"
            | "certificate_authority"
            | "client_certificate"
            | "client_key",
        ) => Meaning::File,
        (_, "dir" | "cache_dir") => Meaning::Folder,
        _ => Meaning::Free,
    }
}

/// The words that the value of an argument may be.
pub(super) fn of(line: &Line<'_>, argument: &Arg, cursor: &str, look: &dyn Look) -> Completion {
    let meaning = meaning(line.command.get_name(), argument);
    match meaning {
        Meaning::File => return Completion::new(Directive::FILES),
        Meaning::Save if cursor.contains('=') => return Completion::new(Directive::FILES),
        Meaning::Folder => return Completion::new(Directive::FOLDERS),
        Meaning::Free => return Completion::new(Directive::ONLY),
        _ => {}
    }
    // Of a list separated by commas the last item is at the cursor.
    let listed = argument.get_value_delimiter().and_then(|comma| cursor.rfind(comma)).map_or(0, |at| at + 1);
    let (before, item) = cursor.split_at(listed);
    let mut found = Found { item, candidates: Vec::new(), directive: Directive::ONLY };
    found.look(line, argument, meaning, look);
    let mut candidates = found.candidates;
    if !before.is_empty() {
        candidates.retain(|candidate| !before.split(',').any(|there| there == candidate.word));
        candidates.iter_mut().for_each(|candidate| candidate.word.insert_str(0, before));
    }
    Completion { candidates, directive: found.directive }
}

/// What was found so far.
struct Found<'w> {
    item: &'w str,
    candidates: Vec<Candidate>,
    directive: Directive,
}

impl Found<'_> {
    fn offer(&mut self, word: impl Into<String>, about: impl Into<String>) {
        let word = word.into();
        if word.starts_with(self.item) {
            self.candidates.push(Candidate { word, about: about.into() });
        }
    }

    fn offer_all<W: Into<String>>(&mut self, words: impl IntoIterator<Item = W>) {
        for word in words {
            self.offer(word, "");
        }
    }

    fn look(&mut self, line: &Line<'_>, argument: &Arg, meaning: Meaning, look: &dyn Look) {
        let snapshot = || look.snapshot(&line.input());
        let kubeconfig = || look.kubeconfig(line.given("kubeconfig").next().map(Path::new));
        match meaning {
            Meaning::Words => {
                for value in argument.get_possible_values().iter().filter(|value| !value.is_hide_set()) {
                    self.offer(value.get_name(), value.get_help().map(ToString::to_string).unwrap_or_default());
                }
            }
            Meaning::Format if line.command.get_name() == "graph" => self.offer_all(GraphFormat::words()),
            Meaning::Format => {
                self.offer_all(Format::words(fits(line.command.get_name())));
                let plain = self.candidates.len();
                self.offer_all(Format::with_expressions().map(|word| format!("{word}=")));
                if self.candidates.len() > plain {
                    self.directive = Directive::GOES_ON;
                }
            }
            Meaning::Save => {
                match line.command.get_name() {
                    "graph" => self.offer_all(GraphFormat::words().map(|word| format!("{word}="))),
                    name => self.offer_all(Format::words(fits(name)).map(|word| format!("{word}="))),
                }
                self.directive = Directive::GOES_ON;
            }
            Meaning::Verb => self.offer_all(ResourceTable::verbs()),
            Meaning::Resource => self.resources(line.value("verb").unwrap_or_default(), snapshot().as_ref()),
            Meaning::Subresource => {
                self.subresources(line.value("verb").unwrap_or_default(), line.value("resource"), snapshot().as_ref());
            }
            Meaning::Explained => {
                CATALOGUE.iter().for_each(|technique| self.offer(technique.id, technique.title));
                CHECKS.iter().for_each(|check| self.offer(check.id, check.title));
            }
            Meaning::Check => CHECKS.iter().for_each(|check| self.offer(check.id, check.title)),
            Meaning::Context => self.offer_all(kubeconfig().contexts),
            Meaning::Cluster => self.offer_all(kubeconfig().clusters),
            Meaning::KubeconfigUser => self.offer_all(kubeconfig().users),
            Meaning::Thing(kinds, words) => self.things(kinds, words, snapshot),
            Meaning::File | Meaning::Folder | Meaning::Free => {}
            Meaning::ObjectName
            | Meaning::Namespace
            | Meaning::User
            | Meaning::Group
            | Meaning::AzureScope
            | Meaning::AzureCluster
            | Meaning::Subscription
            | Meaning::Fingerprint => {
                let Some(snapshot) = snapshot() else { return };
                match meaning {
                    Meaning::Namespace => self.offer_all(namespaces(&snapshot)),
                    Meaning::User => self.offer_all(names(&snapshot, Kind::User)),
                    Meaning::Group => self.offer_all(names(&snapshot, Kind::Group)),
                    Meaning::AzureCluster => self.offer_all(names(&snapshot, Kind::Cluster)),
                    Meaning::AzureScope => self.offer_all(names(&snapshot, Kind::Azure)),
                    Meaning::Subscription => {
                        self.offer_all(snapshot.azure.subscriptions.iter().map(|at| at.id.as_str()));
                    }
                    Meaning::Fingerprint => self.fingerprints(snapshot),
                    _ => self.objects(line, &snapshot),
                }
            }
        }
    }

    /// Resources that serve the verb, each written so that it means what it says; behind a slash the subresources.
    fn resources(&mut self, verb: &str, snapshot: Option<&Snapshot>) {
        if self.item.starts_with('/') {
            return self.offer_all(paths(snapshot));
        }
        let table = table(snapshot);
        let asked = |verbs: &[String]| verbs.is_empty() || verbs.iter().any(|served| served == verb);
        let known = table.resources().iter().any(|at| at.verbs.iter().any(|served| served == verb));
        let (head, inside) = self.item.split_once('/').map_or((self.item, false), |(head, _)| (head, true));
        let of = table.resolve(verb, head);
        let shared = shared_words(&table);
        let mut found = BTreeSet::new();
        for at in table.resources().iter().filter(|at| !known || asked(&at.verbs)) {
            let about = if at.group.is_empty() { at.kind.clone() } else { format!("{} of {}", at.kind, at.group) };
            if inside {
                if (&at.group, &at.resource) == (&of.group, &of.resource) && at.subresource.len() > 1 {
                    found.insert((format!("{head}/{}", at.subresource), about));
                }
            } else if at.subresource.is_empty() {
                let is_meant = || {
                    let meant = table.resolve(verb, &at.resource);
                    (meant.group, meant.resource) == (at.group.clone(), at.resource.clone())
                };
                let bare = !shared.contains(at.resource.as_str()) || is_meant();
                let word = if bare { at.resource.clone() } else { format!("{}.{}", at.resource, at.group) };
                found.insert((word, about));
            }
        }
        let mut found: Vec<_> = found.into_iter().collect();
        found.dedup_by(|a, b| a.0 == b.0);
        found.into_iter().for_each(|(word, about)| self.offer(word, about));
    }

    fn subresources(&mut self, verb: &str, resource: Option<&str>, snapshot: Option<&Snapshot>) {
        let table = table(snapshot);
        let of = table.resolve(verb, resource.unwrap_or_default());
        let here = table.resources().iter().filter(|at| (&at.group, &at.resource) == (&of.group, &of.resource));
        let known: BTreeSet<&str> = here.map(|at| at.subresource.as_str()).filter(|word| word.len() > 1).collect();
        self.offer_all(known);
    }

    /// Names of objects of the resource on the line, in its namespace if there is one.
    fn objects(&mut self, line: &Line<'_>, snapshot: &Snapshot) {
        let resource = line.value("resource").unwrap_or_default();
        let of = table(Some(snapshot)).resolve(line.value("verb").unwrap_or_default(), resource);
        let namespace = line.given("namespace").next();
        let mut found = BTreeSet::new();
        let mut add = |at: Option<&str>, name: &str| {
            if at.is_none() || namespace.is_none() || at == namespace {
                found.insert(name.to_owned());
            }
        };
        let text = |name| snapshot.text(name);
        match of.resource.as_str() {
            "namespaces" => namespaces(snapshot).iter().for_each(|name| add(None, name)),
            "clusterroles" | "roles" => {
                for role in &snapshot.roles {
                    if role.namespace.is_some() == (of.resource == "roles") {
                        add(role.namespace.map(text), text(role.name));
                    }
                }
            }
            "clusterrolebindings" | "rolebindings" => {
                for binding in &snapshot.bindings {
                    if binding.namespace.is_some() == (of.resource == "rolebindings") {
                        add(binding.namespace.map(text), text(binding.name));
                    }
                }
            }
            "serviceaccounts" => {
                let accounts = &snapshot.service_accounts;
                accounts.iter().for_each(|account| add(Some(text(account.namespace)), text(account.name)));
            }
            "secrets" => snapshot.secrets.iter().for_each(|at| add(Some(text(at.namespace)), text(at.name))),
            "pods" => snapshot.pods.iter().for_each(|at| add(Some(text(at.namespace)), text(at.name))),
            "nodes" => snapshot.nodes.iter().for_each(|at| add(None, text(at.name))),
            "users" => names(snapshot, Kind::User).iter().for_each(|name| add(None, name)),
            "groups" => names(snapshot, Kind::Group).iter().for_each(|name| add(None, name)),
            _ => {}
        }
        self.offer_all(found);
    }

    /// First the kind, then the name. Where there are many, the namespace comes between.
    fn things(
        &mut self,
        kinds: &[Kind],
        words: &'static [(&'static str, &'static str)],
        snapshot: impl Fn() -> Option<Snapshot>,
    ) {
        const MANY: usize = 100;
        let Some((word, rest)) = self.item.split_once(':') else {
            words.iter().for_each(|&(word, about)| self.offer(word, about));
            for kind in kinds {
                let (word, about) = kind.word();
                self.offer(word, about);
            }
            if self.candidates.iter().any(|candidate| candidate.word.ends_with(':')) {
                self.directive = Directive::GOES_ON;
            }
            return;
        };
        let class = format!("{word}:");
        let kind = kinds.iter().copied().find(|kind| kind.word().0 == class);
        // `secrets:` and `namespace-admin:` are of a namespace.
        let of_namespace = words.iter().any(|&(word, _)| word == class).then_some(Kind::Namespace);
        let Some(kind) = kind.or(of_namespace) else { return };
        let Some(snapshot) = snapshot() else { return };
        let all = names(&snapshot, kind);
        let fitting: Vec<&String> = all.iter().filter(|name| name.starts_with(rest)).collect();
        let groups: BTreeSet<&str> =
            fitting.iter().filter_map(|name| name.split_once('/')).map(|(namespace, _)| namespace).collect();
        let namespaced = matches!(kind, Kind::ServiceAccount | Kind::Pod | Kind::Secret | Kind::RoleBinding);
        if namespaced && !rest.contains('/') && fitting.len() > MANY && groups.len() > 1 {
            self.directive = Directive::GOES_ON;
            groups.iter().for_each(|group| self.offer(format!("{class}{group}/"), ""));
        } else {
            fitting.iter().for_each(|name| self.offer(format!("{class}{name}"), ""));
        }
    }

    fn fingerprints(&mut self, snapshot: Snapshot) {
        let graph = AccessGraph::new(snapshot);
        let found = escalations(&graph, &Ask { system: SystemFilter::Hide, ..Ask::default() });
        for finding in &found.findings {
            let last = finding.steps.last().map_or("", |step| step.technique.id);
            self.offer(finding.fingerprint.as_str(), format!("{}: {last}", finding.severity.as_str()));
        }
    }
}

fn table(snapshot: Option<&Snapshot>) -> ResourceTable {
    snapshot.map_or_else(
        || ResourceTable::new(&[], false),
        |snapshot| ResourceTable::new(&snapshot.resources, snapshot.discovered),
    )
}

/// The words that several resources are called by; only these have to be resolved to know what they mean.
fn shared_words(table: &ResourceTable) -> BTreeSet<&str> {
    let whole = table.resources().iter().filter(|at| at.subresource.is_empty());
    let mut words: Vec<(&str, (&str, &str))> = whole
        .flat_map(|at| {
            let called = [at.resource.as_str(), at.singular.as_str()].into_iter();
            let short = at.short_names.iter().map(String::as_str);
            called.chain(short).map(move |word| (word, (at.group.as_str(), at.resource.as_str())))
        })
        .collect();
    words.sort_unstable();
    words.dedup();
    words.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| pair[0].0).collect()
}

/// Paths that every API server has, and those that roles speak of.
fn paths(snapshot: Option<&Snapshot>) -> BTreeSet<String> {
    const USUAL: [&str; 9] =
        ["/api", "/apis", "/healthz", "/livez", "/logs", "/metrics", "/openapi/v2", "/readyz", "/version"];
    let mut found: BTreeSet<String> = USUAL.into_iter().map(str::to_owned).collect();
    for role in snapshot.iter().flat_map(|snapshot| snapshot.roles.iter().map(move |role| (snapshot, role))) {
        let (snapshot, role) = role;
        for &rule in snapshot.rules.set(role.rules) {
            let urls = &snapshot.rules.rule(rule).non_resource_urls;
            found
                .extend(urls.iter().map(|&url| snapshot.text(url)).filter(|url| !url.contains('*')).map(str::to_owned));
        }
    }
    found
}

fn namespaces(snapshot: &Snapshot) -> BTreeSet<String> {
    let objects = snapshot.namespaces.iter().map(|namespace| namespace.name);
    let roles = snapshot.roles.iter().filter_map(|role| role.namespace);
    let bindings = snapshot.bindings.iter().filter_map(|binding| binding.namespace);
    let accounts = snapshot.service_accounts.iter().map(|account| account.namespace);
    let all = objects.chain(roles).chain(bindings).chain(accounts);
    all.map(|name| snapshot.text(name).to_owned()).collect()
}

/// The names of a kind, `NAMESPACE/NAME` for what lives in one.
fn names(snapshot: &Snapshot, kind: Kind) -> BTreeSet<String> {
    let text = |name| snapshot.text(name).to_owned();
    let inside = |namespace, name| format!("{}/{}", snapshot.text(namespace), snapshot.text(name));
    let subjects = || snapshot.subjects.iter().map(|(_, subject)| subject);
    let azure = &snapshot.azure;
    match kind {
        Kind::User => subjects()
            .filter_map(|subject| if let Subject::User(name) = subject { Some(text(name)) } else { None })
            .collect(),
        Kind::Group => subjects()
            .filter_map(|subject| if let Subject::Group(name) = subject { Some(text(name)) } else { None })
            .collect(),
        Kind::ServiceAccount => {
            let bound = subjects().filter_map(|subject| match subject {
                Subject::ServiceAccount { namespace, name } => Some(inside(namespace, name)),
                _ => None,
            });
            bound.chain(snapshot.service_accounts.iter().map(|at| inside(at.namespace, at.name))).collect()
        }
        Kind::Pod => snapshot.pods.iter().map(|at| inside(at.namespace, at.name)).collect(),
        Kind::Pods => snapshot.pods.iter().map(|at| text(at.namespace)).collect(),
        Kind::Node => snapshot.nodes.iter().map(|at| text(at.name)).collect(),
        Kind::Secret => snapshot.secrets.iter().map(|at| inside(at.namespace, at.name)).collect(),
        Kind::Namespace => namespaces(snapshot),
        Kind::RoleBinding => {
            let inside = |at: &crate::model::Binding| at.namespace.map(|namespace| inside(namespace, at.name));
            snapshot.bindings.iter().filter_map(inside).collect()
        }
        Kind::ClusterRoleBinding => {
            snapshot.bindings.iter().filter(|at| at.namespace.is_none()).map(|at| text(at.name)).collect()
        }
        Kind::Identity => azure.identities.iter().map(|at| at.ids.client_id.clone()).collect(),
        Kind::Principal => azure.principals.iter().map(|at| at.object_id.clone()).collect(),
        Kind::Cluster => azure.clusters.iter().map(|at| at.name.clone()).collect(),
        Kind::Azure => azure.assignments.iter().map(|at| at.scope.clone()).collect(),
        Kind::RoleAssignment => {
            azure.assignments.iter().filter_map(|at| at.id.rsplit('/').next()).map(str::to_owned).collect()
        }
    }
}
