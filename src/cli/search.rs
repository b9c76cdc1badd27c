//! The flags that say what is searched for, and as if what were so: a finding is the same, and has the same fingerprint, only where
//! these are the same.

use clap::ValueEnum;

use super::exit::Failure;
use super::input::{System, namespace_hint, node_hint};
use crate::graph::{AccessGraph, BindingIx};
use crate::model::azure::check_scope;
use crate::model::{AsoSecretContent, ClusterId, Name, Snapshot, Subject, SubjectText, Thing, ThingError};
use crate::query::TokenMode;
use crate::render::Asked;
use crate::rules::{Ask, AzureWanted, AzureWhat, Place, Power, Start, Target, Version, secret, start, start_in};

/// What is searched for.
#[derive(Debug, clap::Args)]
pub(super) struct SearchArgs {
    /// Only from user:NAME, group:NAME or sa:NAMESPACE/NAME, whether or not a binding names it; or from pod:NAMESPACE/NAME or
    /// pods:NAMESPACE, as whoever runs code there; or from identity:CLIENT-ID or principal:OBJECT-ID in Azure.
    #[arg(long, value_name = "THING")]
    from: Option<String>,
    /// Only to cluster-admin, node[:NAME], namespace-admin[:NAMESPACE], secrets[:NAMESPACE], or to user:NAME, group:NAME,
    /// sa:NAMESPACE/NAME, pod:NAMESPACE/NAME or secret:NAMESPACE/NAME; or in Azure to azure[:SCOPE], cluster:NAME,
    /// identity:CLIENT-ID or principal:OBJECT-ID. Where something that has the target as a part is nearer, such as cluster-admin,
    /// the path to that is told.
    #[arg(long, value_name = "TARGET")]
    to: Option<String>,
    /// With --to azure: no less than this.
    #[arg(long, value_name = "read|keys|limited|contributor|roles", requires = "to")]
    power: Option<PowerArg>,
    /// As if Azure Service Operator worked so.
    #[arg(long, value_name = "strict|relaxed")]
    assume: Option<Assume>,
    /// As if these were gone: clusterrolebinding:NAME, rolebinding:NAMESPACE/NAME, secret:NAMESPACE/NAME, roleassignment:ID.
    #[arg(long, value_name = "THING,...", value_delimiter = ',')]
    without: Vec<String>,
    /// The version of Kubernetes, such as 1.34. That of the cluster is known; for files whatever any version lets through counts.
    #[arg(long, value_name = "VERSION")]
    kube_version: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PowerArg {
    Read,
    Keys,
    Limited,
    Contributor,
    Roles,
}

impl PowerArg {
    /// The word that is typed.
    fn word(self) -> &'static str {
        match self {
            PowerArg::Read => "read",
            PowerArg::Keys => "keys",
            PowerArg::Limited => "limited",
            PowerArg::Contributor => "contributor",
            PowerArg::Roles => "roles",
        }
    }

    fn power(self) -> Power {
        match self {
            PowerArg::Read => Power::Read,
            PowerArg::Keys => Power::KeysAndData,
            PowerArg::Limited => Power::Limited,
            PowerArg::Contributor => Power::Contributor,
            PowerArg::Roles => Power::RoleAssignments,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Assume {
    Strict,
    Relaxed,
}

impl Assume {
    /// The word that is typed.
    fn word(self) -> &'static str {
        match self {
            Assume::Strict => "strict",
            Assume::Relaxed => "relaxed",
        }
    }

    fn mode(self) -> TokenMode {
        match self {
            Assume::Strict => TokenMode::Strict,
            Assume::Relaxed => TokenMode::Relaxed,
        }
    }
}

/// The same, understood as far as that goes without the facts.
pub(super) struct Search {
    from: Option<Thing>,
    to: Option<Wanted>,
    without: Vec<Thing>,
    power: Option<PowerArg>,
    assume: Option<Assume>,
    version: Option<Version>,
}

impl SearchArgs {
    /// Understands what was typed. Called before anything is read.
    pub(super) fn parse(&self) -> Result<Search, Failure> {
        Ok(Search {
            from: self.from.as_deref().map(parse_start).transpose()?,
            to: self.to.as_deref().map(Wanted::parse).transpose()?,
            without: self.without.iter().map(|text| parse_gone(text)).collect::<Result<_, _>>()?,
            power: self.power,
            assume: self.assume,
            version: self.kube_version.as_deref().map(parse_version).transpose()?,
        })
    }

    /// One of the flags that were given, if any was.
    pub(super) fn given(&self) -> Option<&'static str> {
        let flags = [
            ("--from", self.from.is_some()),
            ("--to", self.to.is_some()),
            ("--assume", self.assume.is_some()),
            ("--without", !self.without.is_empty()),
            ("--kube-version", self.kube_version.is_some()),
        ];
        flags.into_iter().find(|(_, given)| *given).map(|(flag, _)| flag)
    }

    /// From whom, as it was typed.
    pub(super) fn from(&self) -> Option<&str> {
        self.from.as_deref()
    }

    /// To what, as it was typed.
    pub(super) fn to(&self) -> Option<&str> {
        self.to.as_deref()
    }

    /// The scope of Azure that is searched for, as it was typed.
    pub(super) fn azure_scope(&self) -> Option<&str> {
        self.to()?.strip_prefix("azure:").filter(|scope| !scope.is_empty())
    }

    /// What was asked, with what is done with system subjects and the version that was taken.
    pub(super) fn asked<'a>(&'a self, system: Option<System>, kube_version: Option<&'a str>) -> Asked<'a> {
        Asked {
            from: self.from(),
            to: self.to(),
            power: self.power.map(PowerArg::word),
            assume: self.assume.map(Assume::word),
            without: &self.without,
            system: system.and_then(System::unhidden),
            kube_version,
        }
    }
}

impl Search {
    /// What the solver is asked, but for what [`Search::finish`] adds.
    ///
    /// # Errors
    /// What is not there.
    pub(super) fn ask(&self, snapshot: &mut Snapshot) -> Result<Ask, Failure> {
        let (azure, to): (Vec<&Wanted>, Vec<&Wanted>) = self.to.iter().partition(|to| to.is_in_azure());
        if self.power.is_some() && azure.is_empty() {
            return Err(Failure::Usage("--power goes with --to azure or --to azure:SCOPE".to_owned()));
        }
        self.without.iter().for_each(|thing| empty(snapshot, thing));
        let from = self.from.as_ref().filter(|from| !is_identity(from));
        Ok(Ask {
            cluster: ClusterId::FIRST,
            from: from.map(|from| known(snapshot, from)).transpose()?,
            to: to.into_iter().map(|to| to.target(snapshot)).collect::<Result<_, _>>()?,
            assume: self.assume.map(Assume::mode),
            version: self.version.or_else(|| server_version(snapshot)),
            ..Ask::default()
        })
    }

    /// Adds what has a number only once everything is joined: what is in Azure, and what is taken to be gone. All of it has to be
    /// there.
    ///
    /// # Errors
    /// What is not there.
    pub(super) fn finish(&self, graph: &AccessGraph, ask: &mut Ask) -> Result<(), Failure> {
        if let Some(thing) = self.from.as_ref().filter(|from| is_identity(from)) {
            ask.from = Some(start(graph, thing).ok_or_else(|| absent(thing))?);
        }
        ask.azure = self.to.as_ref().map(|to| to.azure(graph, self.power)).transpose()?.flatten();
        take_away(graph, &self.without, ask)
    }

    /// A hint for a namespace or a node to which paths were asked for and of which nothing was read.
    pub(super) fn hint(&self, graph: &AccessGraph) -> Option<String> {
        match self.to.as_ref()? {
            Wanted::NamespaceAdmin(Some(namespace)) | Wanted::Secrets(Some(namespace)) => {
                namespace_hint(graph, namespace)
            }
            Wanted::Node(Some(node)) => node_hint(graph, node),
            _ => None,
        }
    }
}

/// Reads what is taken to be gone.
fn parse_gone(text: &str) -> Result<Thing, Failure> {
    match Thing::parse(text) {
        Ok(
            thing @ (Thing::ClusterRoleBinding(_)
            | Thing::RoleBinding(..)
            | Thing::Secret(..)
            | Thing::RoleAssignment(_)),
        ) => Ok(thing),
        _ => Err(Failure::Usage(format!(
            "`{text}` cannot be taken away; write clusterrolebinding:NAME, rolebinding:NAMESPACE/NAME, secret:NAMESPACE/NAME \
             or roleassignment:ID"
        ))),
    }
}

/// Takes what a Secret says to ASO away: a credential that is gone is none, and another one may apply in its place.
fn empty(snapshot: &mut Snapshot, thing: &Thing) {
    let Thing::Secret(namespace, name) = thing else { return };
    let [namespace, name] = [namespace, name].map(|text| snapshot.names.find(text));
    let own = snapshot.aso_secrets.iter_mut();
    own.filter(|at| Some(at.namespace) == namespace && Some(at.name) == name)
        .for_each(|at| at.content = AsoSecretContent::Absent);
}

/// Takes things away, each of which has to be there.
fn take_away(graph: &AccessGraph, things: &[Thing], ask: &mut Ask) -> Result<(), Failure> {
    let missing: Vec<String> = things
        .iter()
        .filter(|thing| match thing {
            Thing::Secret(..) => match secret(graph.snapshot(), thing) {
                Some(secret) => {
                    ask.without_secrets.insert(secret);
                    false
                }
                None => true,
            },
            Thing::RoleAssignment(id) => match graph.azure_names().find_assignment(id) {
                Some(assignment) => {
                    ask.without_assignments.insert(assignment);
                    false
                }
                None => true,
            },
            thing => match binding(graph, thing) {
                Some(binding) => {
                    ask.without.insert(binding);
                    false
                }
                None => true,
            },
        })
        .map(|thing| format!("`{thing}`"))
        .collect();
    if missing.is_empty() { Ok(()) } else { Err(Failure::Usage(format!("the input has no {}", missing.join(", no ")))) }
}

fn binding(graph: &AccessGraph, thing: &Thing) -> Option<BindingIx> {
    let (namespace, name) = match thing {
        Thing::ClusterRoleBinding(name) => (None, name),
        Thing::RoleBinding(namespace, name) => (Some(graph.snapshot().names.find(namespace)?), name),
        _ => return None,
    };
    let name = graph.snapshot().names.find(name)?;
    let is = |own: &crate::model::Binding| own.namespace == namespace && own.name == name;
    graph.bindings().find(|(_, own)| own.cluster == ClusterId::FIRST && is(own)).map(|(at, _)| at)
}

/// Reads `1.34`, `v1.34` or `v1.34.2-gke.1`.
fn parse_version(text: &str) -> Result<Version, Failure> {
    version(text).ok_or_else(|| Failure::Usage(format!("`{text}` is no version of Kubernetes; write one such as 1.34")))
}

fn version(text: &str) -> Option<Version> {
    let mut parts = text.strip_prefix('v').unwrap_or(text).split('.');
    let major = parts.next()?.parse().ok()?;
    let minor = parts.next()?;
    // Some platforms write `34+`.
    let digits = minor.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(minor.len());
    Some((major, minor[..digits].parse().ok()?))
}

/// The version of the server that a snapshot is of, if it says so.
pub(super) fn server_version(snapshot: &Snapshot) -> Option<Version> {
    snapshot.clusters.first().and_then(|cluster| cluster.server_version.as_deref()).and_then(version)
}

/// Reads what somebody may start from.
fn parse_start(text: &str) -> Result<Thing, Failure> {
    match Thing::parse(text).map_err(|error| Failure::Usage(error.to_string()))? {
        thing @ (Thing::User(_)
        | Thing::Group(_)
        | Thing::ServiceAccount(..)
        | Thing::Pod(..)
        | Thing::Pods(_)
        | Thing::Identity(_)
        | Thing::Principal(_)) => Ok(thing),
        _ => Err(Failure::Usage(format!(
            "nobody starts at `{text}`; write user:NAME, group:NAME, sa:NAMESPACE/NAME, pod:NAMESPACE/NAME, pods:NAMESPACE, \
             identity:CLIENT-ID or principal:OBJECT-ID"
        ))),
    }
}

fn is_identity(thing: &Thing) -> bool {
    matches!(thing, Thing::Identity(_) | Thing::Principal(_))
}

/// A thing of the snapshot. A subject that the input never mentions is one more subject; a pod has to be there.
fn known(snapshot: &mut Snapshot, thing: &Thing) -> Result<Start, Failure> {
    if let Some(subject) = thing.as_subject_text() {
        let names = &mut snapshot.names;
        return Ok(Start::Subject(match &subject {
            SubjectText::User(name) => Subject::user(names, name),
            SubjectText::Group(name) => Subject::Group(names.intern(name)),
        }));
    }
    start_in(snapshot, thing).ok_or_else(|| absent(thing))
}

fn absent(thing: &Thing) -> Failure {
    let next = match thing {
        Thing::Secret(..) => "of a cluster Secrets are read with --secret-metadata",
        _ => "names are written as in the objects, and these have to be in what is read",
    };
    Failure::Usage(format!("the input has no `{thing}`; {next}"))
}

/// A target as it was typed.
enum Wanted {
    ClusterAdmin,
    NamespaceAdmin(Option<String>),
    Secrets(Option<String>),
    Node(Option<String>),
    Azure,
    Thing(Thing),
}

impl Wanted {
    fn parse(text: &str) -> Result<Wanted, Failure> {
        let (class, name) = match text.split_once(':') {
            // A name that a script left empty must not ask for all there are.
            Some((_, "")) => return Err(Failure::Usage(ThingError::Empty(text.to_owned()).to_string())),
            Some((class, name)) => (class, Some(name)),
            None => (text, None),
        };
        let inside = |name: Option<&str>| name.map(str::to_owned);
        match (class, name) {
            ("cluster-admin", None) => return Ok(Wanted::ClusterAdmin),
            ("namespace-admin", namespace) => return Ok(Wanted::NamespaceAdmin(inside(namespace))),
            ("secrets", namespace) => return Ok(Wanted::Secrets(inside(namespace))),
            ("node", name) => return Ok(Wanted::Node(inside(name))),
            ("azure", None) => return Ok(Wanted::Azure),
            _ => {}
        }
        match Thing::parse(text) {
            Ok(
                thing @ (Thing::User(_)
                | Thing::Group(_)
                | Thing::ServiceAccount(..)
                | Thing::Pod(..)
                | Thing::Secret(..)
                | Thing::AzureScope(_)
                | Thing::Cluster(_)
                | Thing::Identity(_)
                | Thing::Principal(_)),
            ) => Ok(Wanted::Thing(thing)),
            _ => Err(Failure::Usage(format!(
                "`{text}` is no target; write cluster-admin, node[:NAME], namespace-admin[:NAMESPACE], secrets[:NAMESPACE], \
                 user:NAME, group:NAME, sa:NAMESPACE/NAME, pod:NAMESPACE/NAME, secret:NAMESPACE/NAME, azure[:SCOPE], \
                 cluster:NAME, identity:CLIENT-ID or principal:OBJECT-ID"
            ))),
        }
    }

    /// Whether it is in Azure.
    fn is_in_azure(&self) -> bool {
        match self {
            Wanted::Azure => true,
            Wanted::Thing(thing) => matches!(thing, Thing::AzureScope(_) | Thing::Cluster(_)) || is_identity(thing),
            _ => false,
        }
    }

    /// What is wanted in Azure, if it is that.
    fn azure(&self, graph: &AccessGraph, power: Option<PowerArg>) -> Result<Option<AzureWanted>, Failure> {
        let what = match self {
            Wanted::Azure => AzureWhat::Any,
            Wanted::Thing(Thing::AzureScope(scope)) => AzureWhat::Scope(check_scope(scope).map_err(Failure::Usage)?),
            Wanted::Thing(thing @ Thing::Cluster(name)) => {
                if !graph.azure_names().has_cluster(name) {
                    return Err(absent(thing));
                }
                AzureWhat::Cluster(name.clone())
            }
            Wanted::Thing(thing @ (Thing::Identity(_) | Thing::Principal(_))) => match start(graph, thing) {
                Some(Start::Azure(who)) => AzureWhat::Identity(who),
                _ => return Err(absent(thing)),
            },
            _ => return Ok(None),
        };
        Ok(Some(AzureWanted { what, power: power.map(PowerArg::power) }))
    }

    fn target(&self, snapshot: &mut Snapshot) -> Result<Target, Failure> {
        let mut place = |namespace: &Option<String>| {
            let namespace: Option<Name> = namespace.as_ref().map(|namespace| snapshot.names.intern(namespace));
            namespace.map_or(Place::EachNamespace, Place::Namespace)
        };
        Ok(match self {
            Wanted::ClusterAdmin => Target::ClusterAdmin,
            Wanted::NamespaceAdmin(namespace) => Target::NamespaceAdmin(place(namespace)),
            Wanted::Secrets(namespace) => Target::Secrets(place(namespace)),
            Wanted::Node(name) => Target::Node(name.as_ref().map(|name| snapshot.names.intern(name))),
            Wanted::Azure => return Err(Failure::Internal("a target in Azure is none of Kubernetes".to_owned())),
            Wanted::Thing(thing @ Thing::Secret(..)) => {
                secret(snapshot, thing).map(Target::Secret).ok_or_else(|| absent(thing))?
            }
            Wanted::Thing(thing) => known(snapshot, thing)?.target().ok_or_else(|| absent(thing))?,
        })
    }
}
