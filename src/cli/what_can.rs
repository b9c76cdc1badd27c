//! `what-can`.

use super::World;
use super::connection::ConnectionArgs;
use super::exit::{Exits, Failure, Outcome, count, notes};
use super::guard::{Guarded, guard_note};
use super::input::{InputArgs, OutputArgs, graph_of, namespace_hint};
use crate::collect::{Needs, StandardInput};
use crate::graph::BindingIx;
use crate::graph::azure::AzureGraph;
use crate::model::{AUTHENTICATED, ClusterId, Identity, ResourceTable, Snapshot, SubjectText, Thing, UNAUTHENTICATED};
use crate::query::{WhatCan, kubernetes_name, what_can};
use crate::render::{Layout, Metadata, Print, WhatCanReport, binding_thing, safe};

/// Everything that a subject can do, with the groups it is in.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "kubectl rbac-lens what-can [SUBJECT] [flags]",
    after_help = "Examples:
  kubectl rbac-lens what-can group:dev-team --demo
  kubectl rbac-lens what-can sa:cicd/deployer --list --demo
  kubectl rbac-lens what-can user:alice@contoso.example -n dev --group platform-engineers --demo"
)]
pub(super) struct Args {
    /// Who: user:NAME, group:NAME, sa:NAMESPACE/NAME or node:NAME; with --azure also principal:ID. Without it: me.
    subject: Option<String>,
    #[command(flatten)]
    who: IdentityArgs,
    /// In all namespaces. The default for files.
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// One line for each right and the binding behind it, instead of a matrix.
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Which groups count.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Identity")]
pub(super) struct IdentityArgs {
    /// A further group the subject is in; several times.
    #[arg(long, value_name = "GROUP")]
    group: Vec<String>,
    /// Only the name and the groups given, without those that the API server adds.
    #[arg(long)]
    raw: bool,
}

impl IdentityArgs {
    /// The identity behind a SUBJECT argument.
    pub(super) fn identity(&self, subject: &str) -> Result<Identity, Failure> {
        let thing = Thing::parse(subject).map_err(|error| Failure::Usage(error.to_string()))?;
        let text = thing.as_subject_text().ok_or_else(|| {
            Failure::Usage(format!(
                "`{subject}` is no subject; write user:NAME, group:NAME, sa:NAMESPACE/NAME or node:NAME"
            ))
        })?;
        let identity = match (&text, self.raw) {
            (_, false) => Identity::of(&text),
            (SubjectText::User(user), true) => Identity { user: user.clone(), groups: Vec::new() },
            (SubjectText::Group(group), true) => Identity { user: String::new(), groups: vec![group.clone()] },
        };
        Ok(self.extend(identity))
    }

    /// The identity with the groups of `--group`.
    fn extend(&self, mut identity: Identity) -> Identity {
        // The API server adds `system:authenticated` to nobody who is said to be unauthenticated.
        if !self.raw && self.group.iter().any(|group| group == UNAUTHENTICATED) {
            identity.groups.retain(|group| group != AUTHENTICATED);
        }
        for group in &self.group {
            if !identity.is_in(group) {
                identity.groups.push(group.clone());
            }
        }
        identity
    }
}

/// The id of somebody in Azure, and not in Kubernetes.
fn azure_id(thing: Thing) -> Option<String> {
    match thing {
        Thing::Principal(id) | Thing::Identity(id) => Some(id),
        _ => None,
    }
}

/// What somebody of Azure is in the cluster after logging in with Entra.
fn logged_in(snapshot: &Snapshot, id: &str) -> Result<Identity, Failure> {
    let graph = AzureGraph::new(&snapshot.azure);
    let principal = graph.by_object_id(id).or_else(|| graph.by_client_id(id)).ok_or_else(|| {
        Failure::Usage(format!("no principal `{}` was read of Azure; write its object id or client id", safe(id)))
    })?;
    let name = kubernetes_name(&graph, principal).to_owned();
    Ok(Identity::of(&if graph.is_group(principal) { SubjectText::Group(name) } else { SubjectText::User(name) }))
}

pub(super) fn run(args: &Args, connection: &ConnectionArgs, world: &mut World<'_>) -> Result<Outcome, Failure> {
    if args.subject.is_none() && !args.input.is_live() {
        return Err(Failure::Usage("files do not say who you are; name a SUBJECT such as user:alice".to_owned()));
    }
    let wanted = args.output.wanted::<WhatCanReport<'_>>(world.terminal)?;
    let in_azure = args.subject.as_deref().and_then(|subject| Thing::parse(subject).ok()).and_then(azure_id);
    let kubernetes = args.subject.as_deref().filter(|_| in_azure.is_none());
    let named = kubernetes.map(|subject| args.who.identity(subject)).transpose()?;
    let facts =
        args.input.read(Needs { definitions: true, ..Needs::default() }, connection, StandardInput::Free, world)?;
    let named = match &in_azure {
        Some(id) => Some(args.who.extend(logged_in(&facts.snapshot, id)?)),
        None => named,
    };
    let identity = match (named, &facts.live) {
        (Some(identity), _) => identity,
        (None, Some(live)) => args.who.extend(live.whoami()?),
        (None, None) => return Err(Failure::Internal("nobody was asked about".to_owned())),
    };
    let subject = args.subject.as_ref().unwrap_or(&identity.user);
    let table = ResourceTable::new(&facts.snapshot.resources, facts.snapshot.discovered);
    let namespace = args.input.namespace.clone().or(facts.context_namespace.clone()).filter(|_| !args.all_namespaces);
    let graph = graph_of(facts.snapshot);
    let WhatCan { masters, mut rights, dangling } = what_can(&graph, ClusterId::FIRST, &identity);
    if let Some(namespace) = &namespace {
        rights.retain(|right| right.namespace.is_none_or(|at| graph.text(at) == namespace));
    }
    let answer = WhatCan { masters, rights, dangling };
    let guarded = Guarded::new(&graph);
    let of_azure = guarded.as_ref().ok().and_then(|own| own.what_can(&identity, &table));
    let (azure, missing) = of_azure.map_or((None, Vec::new()), |(mut own, gaps)| {
        let here = |at: &Option<String>| at.is_none() || namespace.is_none() || *at == namespace;
        own.rights.retain(|right| here(&right.namespace));
        (Some(own), gaps)
    });
    let metadata = Metadata { gaps: missing, without_azure: guarded.is_err(), ..facts.metadata };
    let gaps = metadata.missing(graph.snapshot());
    let mut exits = Exits::default();
    exits.add(args.input.strict && gaps > 0, 3, || format!("{gaps} gaps"));
    let report = WhatCanReport {
        graph: &graph,
        table: &table,
        identity: &identity,
        answer: &answer,
        azure: azure.as_ref(),
        layout: if args.list { Layout::List } else { Layout::Matrix },
        metadata,
        exit: exits.exit(),
    };
    let printed = report.print(&wanted)?;
    let mut lines = notes(graph.snapshot(), &report.metadata.gaps, args.output.quiet);
    if !args.output.quiet {
        let groups = identity.groups.join(", ");
        lines.extend(namespace.and_then(|namespace| namespace_hint(&graph, &namespace)));
        if azure.is_some() || guarded.as_ref().is_err() {
            lines.extend(guard_note(&guarded));
        }
        let number = answer.rights.len() + azure.as_ref().map_or(0, |own| own.rights.len());
        let mut rights = count(number, "right");
        if answer.masters {
            rights.insert_str(0, "everything, and ");
        }
        lines.push(if groups.is_empty() {
            format!("{rights} of {}, without groups", safe(subject))
        } else {
            format!("{rights} of {}, with groups: {}", safe(subject), safe(&groups))
        });
        let thing = |&binding: &BindingIx| safe(&binding_thing(&graph, binding).to_string()).into_owned();
        let dangling: Vec<String> = answer.dangling.iter().map(thing).collect();
        lines.extend(match dangling.as_slice() {
            [] => None,
            [one] => Some(format!("hint: {one} names a role that does not exist")),
            several => Some(format!("hint: these name roles that do not exist: {}", several.join(", "))),
        });
    }
    Ok(Outcome::new(printed, lines, report.exit.code))
}
