//! Where the facts come from: `-f`, `--demo`, or the cluster; and the flags that all commands share.

use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::World;
use super::connection::ConnectionArgs;
use super::exit::Failure;
use super::guard::Guarded;
use crate::both::both;
use crate::collect::{
    DEMO, DEMO_AZURE, FileOptions, Input, Limits, LiveCluster, LoadError, Needs, Secrets, StandardInput, count_files,
    load_watched, read_azure, read_template,
};
use crate::graph::AccessGraph;
use crate::model::azure::AzureCluster;
use crate::model::{Action, ClusterId, Gap, Snapshot};
use crate::query::{Authorizers, SystemFilter, node};
use crate::render::{Format, Look, Metadata, Print, SortBy, SourceKind, Wanted, safe};
use crate::rules::Severity;

/// The graph of what was read. A run ends with the process, so nothing of it is given back piece by piece.
pub(super) fn graph_of(snapshot: Snapshot) -> ManuallyDrop<AccessGraph> {
    ManuallyDrop::new(AccessGraph::new(snapshot))
}

/// Where to read.
#[derive(Debug, Args)]
#[command(next_help_heading = "Input")]
pub(super) struct InputArgs {
    /// Read files instead of a cluster: manifests, `kubectl get -o yaml|json` output, NDJSON, .gz, saved snapshots; a folder, or `-`.
    #[arg(short, long = "filename", value_name = "FILE|DIR|-")]
    filename: Vec<PathBuf>,
    /// Read folders with everything below them.
    #[arg(short = 'R', long, requires = "filename")]
    recursive: bool,
    /// Azure's side: what az prints as JSON (role assignments, role definitions, identities, clusters, groups and more, told apart by
    /// their shape), or a folder of such files with everything below it, or `-`.
    #[arg(long, value_name = "FILE|DIR|-")]
    azure: Vec<PathBuf>,
    /// Which cluster of Azure this one is, by its name or resource id, where it is not recognised by its address, its nodes or ASO.
    #[arg(long, value_name = "NAME|ID")]
    this_cluster: Option<String>,
    /// Use the embedded example: the Contoso company.
    #[arg(long, conflicts_with_all = ["filename", "azure"])]
    demo: bool,
    /// The namespace.
    #[arg(short, long, value_name = "NAMESPACE")]
    pub(super) namespace: Option<String>,
    /// How many objects of a cluster's list to ask for at once; 0 is everything in one answer from the server's cache.
    #[arg(long, value_name = "N", default_value_t = 500)]
    chunk_size: u32,
    /// Read the names and types of Secrets too, never their contents; needs the right to list Secrets.
    #[arg(long)]
    secret_metadata: bool,
    /// Answer for what cannot be read as gaps, instead of giving up.
    #[arg(long)]
    keep_going: bool,
    /// Exit with 3 when something could not be read.
    #[arg(long)]
    pub(super) strict: bool,
}

/// Which authorizers of the chain are evaluated.
#[derive(Debug, Args)]
#[command(next_help_heading = "Authorizers")]
pub(super) struct AuthorizerArgs {
    /// The authorizers that the API server runs, as in its --authorization-mode: node and rbac; and azure, which AKS and Arc ask
    /// where Azure RBAC for Kubernetes is on.
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "node,rbac,azure", ignore_case = true)]
    authorizers: Vec<AuthorizerName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum AuthorizerName {
    Node,
    Rbac,
    Azure,
}

/// What the Node authorizer would have to look at for a question and the input says nothing of.
pub(super) fn node_gaps(graph: &AccessGraph, action: &Action, authorizers: Authorizers) -> Vec<Gap> {
    if !authorizers.node || !node::depends_on_pods(action) {
        return Vec::new();
    }
    let known = &graph.snapshot().gaps;
    node::gaps(graph, ClusterId::FIRST).into_iter().filter(|gap| !known.contains(gap)).collect()
}

impl AuthorizerArgs {
    /// What has to be read beyond RBAC for this question; whether it is about a node is known from who is asked about, if that is.
    pub(super) fn needs(&self, action: &Action) -> Needs {
        Needs { definitions: true, workloads: self.chain().node && node::depends_on_pods(action), ..Needs::default() }
    }

    /// Azure's side, if the cluster asks Azure; or a note on why that is not known.
    pub(super) fn guarded<'g>(&self, access: &'g AccessGraph) -> Result<Guarded<'g>, Option<String>> {
        if self.authorizers.contains(&AuthorizerName::Azure) { Guarded::new(access) } else { Err(None) }
    }

    pub(super) fn chain(&self) -> Authorizers {
        Authorizers {
            node: self.authorizers.contains(&AuthorizerName::Node),
            rbac: self.authorizers.contains(&AuthorizerName::Rbac),
        }
    }
}

/// What to do with subjects of Kubernetes itself and of the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum System {
    Show,
    Hide,
    Only,
}

impl System {
    pub(super) fn filter(self) -> SystemFilter {
        match self {
            System::Show => SystemFilter::Show,
            System::Hide => SystemFilter::Hide,
            System::Only => SystemFilter::Only,
        }
    }

    /// The word that is typed, unless they are hidden.
    pub(super) fn unhidden(self) -> Option<&'static str> {
        match self {
            System::Show => Some("show"),
            System::Hide => None,
            System::Only => Some("only"),
        }
    }
}

/// From which severity on a run fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Level {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

impl Level {
    pub(super) fn severity(self) -> Severity {
        match self {
            Level::Info => Severity::Info,
            Level::Low => Severity::Low,
            Level::Medium => Severity::Medium,
            Level::High => Severity::High,
            Level::Critical => Severity::Critical,
        }
    }
}

/// How to print.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputArgs {
    /// How to print: table (the default), wide, name, json, yaml, ndjson, csv, markdown, custom-columns=HEAD:PATH,..., or
    /// jsonpath=TEMPLATE, as kubectl has them, also from a file; for escalations also tree, the default for one path; and for
    /// escalations and checks sarif, junit or github, for pipelines.
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<String>,
    #[command(flatten)]
    save: SaveArgs,
    /// Put the items in the order of a field of theirs, such as .severity: numbers and letters rise, the most severe come first.
    #[arg(long, value_name = "PATH")]
    sort_by: Option<String>,
    /// Leave out the heads of the columns.
    #[arg(long)]
    pub(super) no_headers: bool,
    /// No notes, hints and counts on standard error.
    #[arg(short, long)]
    pub(super) quiet: bool,
}

impl OutputArgs {
    /// How to print an answer of this sort; a table where nothing was asked for.
    ///
    /// Called before anything is read: a slip in a flag should not cost a walk through a cluster.
    pub(super) fn wanted<A: Print>(&self, look: Look) -> Result<Wanted, Failure> {
        let read = |file: &str| read_template(Path::new(file));
        let parse = |word: &str| Format::parse(word, A::FITS, read).map_err(|error| Failure::Usage(error.to_string()));
        let sort_by = self.sort_by.as_deref().map(SortBy::parse).transpose();
        Ok(Wanted {
            format: self.output.as_deref().map(parse).transpose()?.unwrap_or_default(),
            saves: self.save.parse(parse)?,
            heads: !self.no_headers,
            look,
            sort_by: sort_by.map_err(|message| Failure::Usage(format!("--sort-by: {message}")))?,
        })
    }

    /// Whether no format was asked for, so that the usual one is printed.
    pub(super) fn is_usual(&self) -> bool {
        self.output.is_none()
    }
}

/// Where else to print.
#[derive(Debug, Args)]
pub(super) struct SaveArgs {
    /// Also save the answer in a file, in a format of its own; several times. The file is replaced only when all of it is written.
    #[arg(long, value_name = "FORMAT=FILE")]
    save: Vec<String>,
}

impl SaveArgs {
    /// The formats and their files; `parse` reads a format.
    ///
    /// # Errors
    /// When something is no format or names no file, or two name the same one.
    pub(super) fn parse<F>(&self, parse: impl Fn(&str) -> Result<F, Failure>) -> Result<Vec<(F, PathBuf)>, Failure> {
        let mut saves: Vec<(F, PathBuf)> = Vec::new();
        for text in &self.save {
            let (format, file) = split_save(text).ok_or_else(|| {
                Failure::Usage(format!(
                    "`--save {text}` names no file; write --save FORMAT=FILE, such as json=report.json"
                ))
            })?;
            let file = PathBuf::from(file);
            if saves.iter().any(|(_, other)| *other == file) {
                return Err(Failure::Usage(format!("`{}` is named by two --save", file.display())));
            }
            saves.push((parse(format)?, file));
        }
        Ok(saves)
    }
}

/// The format and the file of `--save`. An expression may hold `=`, so that its file stands behind the last one.
fn split_save(text: &str) -> Option<(&str, &str)> {
    let expression = text.starts_with("jsonpath") || text.starts_with("custom-columns");
    let (format, file) = if expression { text.rsplit_once('=') } else { text.split_once('=') }?;
    (!file.is_empty()).then_some((format, file))
}

/// What was read, and how to speak of it.
pub(super) struct Facts {
    pub(super) snapshot: Snapshot,
    pub(super) metadata: Metadata,
    /// The namespace that a question without one means; none for files, which mean all.
    pub(super) context_namespace: Option<String>,
    /// The cluster, to ask it further.
    pub(super) live: Option<LiveCluster>,
}

impl InputArgs {
    /// Reads what the flags name.
    pub(super) fn read(
        &self,
        needs: Needs,
        connection: &ConnectionArgs,
        stdin: StandardInput,
        world: &mut World<'_>,
    ) -> Result<Facts, Failure> {
        if self.is_live() {
            return self.read_live(needs, connection, stdin, world);
        }
        let source = if self.demo { SourceKind::Demo } else { SourceKind::Files };
        let (inputs, azure) = self.inputs()?;
        // Standard input is read once, and may be a snapshot that holds Azure's side.
        let with_azure = needs.with_azure();
        let needs = if azure.is_empty() && !self.takes_stdin() { needs } else { with_azure };
        let mut snapshot = self.load(&inputs, &azure, needs, world)?;
        if snapshot.azure.given && needs != with_azure {
            snapshot = self.load(&inputs, &azure, with_azure, world)?;
        }
        self.name_cluster(&mut snapshot)?;
        Ok(Facts { snapshot, metadata: Metadata::new(source), context_namespace: None, live: None })
    }

    /// Reads Azure's side and nothing of any cluster; or that of a saved snapshot.
    pub(super) fn read_azure_alone(&self, world: &mut World<'_>) -> Result<Facts, Failure> {
        let (kubernetes, azure) = self.inputs()?;
        if azure.is_empty() && !kubernetes.is_empty() {
            let snapshot = self.load(&kubernetes, &azure, Needs::ALL, world)?;
            if snapshot.azure.given {
                let metadata = Metadata::new(SourceKind::Files);
                return Ok(Facts { snapshot, metadata, context_namespace: None, live: None });
            }
        }
        if azure.is_empty() {
            let message = "nothing was given of Azure; save what `az role assignment list --all -o json` and the other commands of \
                           the README print, and give it with --azure FILE|DIR|-";
            return Err(Failure::Usage(message.to_owned()));
        }
        let source = if self.demo { SourceKind::Demo } else { SourceKind::Files };
        let mut snapshot = Snapshot::default();
        read_azure(&azure, world.stdin, &self.options(Needs::default()), 0)?.add_to(&mut snapshot);
        Ok(Facts { snapshot, metadata: Metadata::new(source), context_namespace: None, live: None })
    }

    /// What the flags name: the Kubernetes side, and Azure's.
    fn inputs(&self) -> Result<(Vec<Input>, Vec<Input>), Failure> {
        if self.demo {
            let embedded = |files: &'static [_]| files.iter().map(Input::Embedded).collect();
            return Ok((embedded(DEMO), embedded(DEMO_AZURE)));
        }
        let all: Vec<PathBuf> = self.filename.iter().chain(&self.azure).cloned().collect();
        let mut kubernetes = inputs(&all)?;
        let azure = kubernetes.split_off(self.filename.len());
        Ok((kubernetes, azure))
    }

    /// Reads both sides, and says all that is wrong with either.
    fn load(
        &self,
        inputs: &[Input],
        azure: &[Input],
        needs: Needs,
        world: &mut World<'_>,
    ) -> Result<Snapshot, LoadError> {
        let options = self.options(needs);
        if azure.is_empty() {
            return load_watched(inputs, world.stdin, &options, &world.progress);
        }
        let before = count_files(inputs, &options);
        let (mut snapshot, read) = if azure.iter().any(|input| matches!(input, Input::Stdin)) {
            let snapshot = load_watched(inputs, world.stdin, &options, &world.progress);
            (snapshot, read_azure(azure, world.stdin, &options, before))
        } else {
            both(
                true,
                || load_watched(inputs, world.stdin, &options, &world.progress),
                || read_azure(azure, &mut std::io::empty(), &options, before),
            )
        };
        match (&mut snapshot, read) {
            (Ok(snapshot), Ok(read)) => read.add_to(snapshot),
            (Ok(_), Err(error)) => return Err(error),
            (Err(_), Ok(_)) => {}
            (Err(_), Err(other)) => return snapshot.map_err(|error| error.and(other)),
        }
        snapshot
    }

    /// Whether a cluster is asked and not files.
    pub(super) fn is_live(&self) -> bool {
        self.filename.is_empty() && !self.demo
    }

    fn read_live(
        &self,
        needs: Needs,
        connection: &ConnectionArgs,
        stdin: StandardInput,
        world: &mut World<'_>,
    ) -> Result<Facts, Failure> {
        let (_, azure) = self.inputs()?;
        let stdin = if self.takes_stdin() { StandardInput::Taken } else { stdin };
        let live = LiveCluster::connect(&connection.options(self.namespace.as_deref(), stdin))?;
        let mut options = live.options(needs);
        options.chunk_size = self.chunk_size;
        if self.secret_metadata {
            options.secrets = Secrets::NamesAndTypes;
        }
        let mut snapshot = live.collect(&options, world.progress)?;
        if !azure.is_empty() {
            read_azure(&azure, world.stdin, &self.options(needs), snapshot.files.len())?.add_to(&mut snapshot);
        }
        self.name_cluster(&mut snapshot)?;
        Ok(Facts {
            snapshot,
            metadata: Metadata::new(SourceKind::Cluster),
            context_namespace: Some(live.connection().namespace.clone()),
            live: Some(live),
        })
    }

    /// Notes which cluster of Azure somebody says this is.
    fn name_cluster(&self, snapshot: &mut Snapshot) -> Result<(), Failure> {
        let Some(word) = &self.this_cluster else { return Ok(()) };
        let facts = &mut snapshot.azure;
        let (named, others): (Vec<_>, Vec<_>) = facts.clusters.iter().partition(|one| one.is_called(word));
        if named.len() == 1 {
            facts.this_cluster = Some(word.clone());
            return Ok(());
        }
        let list = |all: &[&AzureCluster]| all.iter().map(|one| one.id.as_str()).collect::<Vec<_>>().join(", ");
        Err(Failure::Usage(match (named.len(), others.as_slice()) {
            (0, []) => {
                format!("--this-cluster `{word}`: no AKS or Arc cluster was read; give `az aks list` with --azure")
            }
            (0, others) => format!("--this-cluster `{word}` was not read of Azure; there are {}", list(others)),
            _ => format!("--this-cluster `{word}` is the name of several; write one of {}", list(&named)),
        }))
    }

    /// Whether a part of the input is read from standard input.
    pub(super) fn takes_stdin(&self) -> bool {
        self.filename.iter().chain(&self.azure).any(|path| path.as_os_str() == "-")
    }

    pub(super) fn options(&self, needs: Needs) -> FileOptions {
        FileOptions {
            recursive: self.recursive,
            needs,
            default_namespace: self.namespace.clone().unwrap_or_else(|| "default".to_owned()),
            keep_going: self.keep_going,
            limits: Limits::default(),
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        }
    }
}

/// A hint for a namespace that nothing was read in: a slip of the hand looks just like an empty one.
pub(super) fn namespace_hint(graph: &AccessGraph, namespace: &str) -> Option<String> {
    let snapshot = graph.snapshot();
    let known = snapshot.names.find(namespace).is_some_and(|name| {
        graph.scopes().iter().any(|scope| scope.namespace == Some(name))
            || snapshot.namespaces.iter().any(|namespace| namespace.name == name)
            || snapshot.roles.iter().any(|role| role.namespace == Some(name))
            || snapshot.service_accounts.iter().any(|account| account.namespace == name)
    });
    (!known).then(|| format!("hint: nothing was read of a namespace `{}`", safe(namespace)))
}

/// The same for a node, which is known by what runs on it as well.
pub(super) fn node_hint(graph: &AccessGraph, node: &str) -> Option<String> {
    let snapshot = graph.snapshot();
    let known = snapshot.names.find(node).is_some_and(|name| {
        snapshot.nodes.iter().any(|node| node.name == name) || snapshot.pods.iter().any(|pod| pod.node == Some(name))
    });
    (!known).then(|| format!("hint: nothing was read of a node `{}`", safe(node)))
}

/// The inputs behind file arguments.
pub(super) fn inputs(paths: &[PathBuf]) -> Result<Vec<Input>, Failure> {
    if paths.iter().filter(|path| path.as_os_str() == "-").count() > 1 {
        return Err(Failure::Usage("standard input (`-`) can be read only once".to_owned()));
    }
    let input = |path: &PathBuf| if path.as_os_str() == "-" { Input::Stdin } else { Input::Path(path.clone()) };
    Ok(paths.iter().map(input).collect())
}
