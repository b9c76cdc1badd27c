//! `who-can`.

use std::collections::BTreeSet;

use clap::ValueEnum;

use super::World;
use super::azure;
use super::connection::ConnectionArgs;
use super::exit::{Exits, Failure, Outcome, count, notes};
use super::guard::guard_note;
use super::input::{AuthorizerArgs, InputArgs, OutputArgs, System, graph_of, namespace_hint, node_gaps};
use super::search::server_version;
use crate::collect::{AccessQuestion, LiveCluster, Needs, StandardInput};
use crate::graph::AccessGraph;
use crate::graph::azure::{PrincipalIx, PrincipalNode};
use crate::model::azure::PrincipalKind;
use crate::model::{
    Action, Authorizer, ClusterId, Decision, Identity, Name, Resolved, ResourceAction, ResourceTable, Snapshot,
    Subject, implied_groups,
};
use crate::query::{
    EntraMembers, Filter, Place, Row, SystemFilter, Where, entra_members, guard_who_can, members, node, unread_groups,
    who_can,
};
use crate::render::{GuardPart, Metadata, Print, WhoCanReport, safe};
use crate::rules::{Access, Ask, Remedies, Start, escalations};

/// Which subjects can do something, and through which binding and role.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "kubectl rbac-lens who-can VERB RESOURCE [NAME] [flags]\n       kubectl rbac-lens who-can VERB /PATH [flags]\n       kubectl rbac-lens who-can --azure-action ACTION --scope SCOPE [flags]",
    after_help = "Examples:
  kubectl rbac-lens who-can get secrets -A --demo
  kubectl rbac-lens who-can create pods/exec -n dev --demo
  kubectl rbac-lens who-can get /metrics --demo
  kubectl rbac-lens who-can get secrets -n prod --via-escalation --demo
  kubectl rbac-lens who-can patch namespaces/prod -o wide --demo
  kubectl rbac-lens who-can --azure-action Microsoft.Authorization/roleAssignments/write --scope /subscriptions/11111111-0000-0000-0000-000000000001 --demo"
)]
pub(super) struct Args {
    /// The verb, such as get, create or impersonate.
    #[arg(required_unless_present = "azure_action")]
    verb: Option<String>,
    /// The resource (`secrets`, `deploy`, `pods/exec`, `roleassignments.authorization.azure.com`, `secrets/NAME`), or a path.
    #[arg(required_unless_present = "azure_action")]
    resource: Option<String>,
    /// The name of one object.
    name: Option<String>,
    /// The subresource, when it cannot be told from a name.
    #[arg(long)]
    subresource: Option<String>,
    /// In each namespace. The default for files.
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// List the known accounts behind groups that the API server fills by itself, and with --azure who is in groups of Entra.
    #[arg(long)]
    expand: bool,
    /// Ask the live cluster's own SubjectAccessReview for each row, and mark whether it agrees. Needs the right to create
    /// subjectaccessreviews.
    #[arg(long, conflicts_with_all = ["filename", "demo"])]
    verify: bool,
    /// Also those who can only after escalating, each with the path; see `escalations`.
    #[arg(long)]
    via_escalation: bool,
    /// Ask about an action of Azure instead, by the role assignments that --azure gives.
    #[arg(
        long,
        value_name = "ACTION",
        requires = "scope",
        conflicts_with_all = ["verb", "subresource", "all_namespaces", "expand", "verify", "via_escalation"]
    )]
    azure_action: Option<String>,
    /// Where in Azure: a subscription, a resource group, a resource, a management group, or /.
    #[arg(long)]
    pub(super) scope: Option<String>,
    /// It is a data action.
    #[arg(long)]
    pub(super) data: bool,
    #[command(flatten)]
    pub(super) subjects: SubjectArgs,
    #[command(flatten)]
    authorizers: AuthorizerArgs,
    #[command(flatten)]
    pub(super) input: InputArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// Which subjects to show.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Filter")]
pub(super) struct SubjectArgs {
    /// Only subjects of this kind: user, group or serviceaccount.
    #[arg(long, value_name = "KIND", ignore_case = true)]
    kind: Option<Kind>,
    /// Only subjects whose name (NAMESPACE/NAME for accounts) matches this regular expression.
    #[arg(long, value_name = "REGEX")]
    subject: Option<regex::Regex>,
    /// Subjects of Kubernetes itself and of the platform.
    #[arg(long, value_name = "show|hide|only", default_value = "show")]
    system: System,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    User,
    Group,
    #[value(alias = "sa")]
    Serviceaccount,
}

impl SubjectArgs {
    fn system(&self) -> SystemFilter {
        self.system.filter()
    }

    /// Whether subjects are left out by kind or name.
    pub(super) fn chooses(&self) -> bool {
        self.kind.is_some() || self.subject.is_some()
    }

    /// Whether a principal of Azure is shown: by its kind, and by its name, UPN or object id.
    pub(super) fn keeps_in_azure(&self, principal: &PrincipalNode) -> bool {
        let kind = match principal.kind {
            PrincipalKind::User => Some(Kind::User),
            PrincipalKind::Group | PrincipalKind::ForeignGroup => Some(Kind::Group),
            _ => None,
        };
        let names = [&principal.name, &principal.user_principal_name, &principal.object_id, &principal.client_id];
        self.kind.is_none_or(|wanted| Some(wanted) == kind)
            && self.subject.as_ref().is_none_or(|regex| names.into_iter().any(|name| regex.is_match(name)))
    }

    fn keeps(&self, graph: &AccessGraph, subject: Subject) -> bool {
        let kind = match subject {
            Subject::User(_) => Kind::User,
            Subject::Group(_) => Kind::Group,
            Subject::ServiceAccount { .. } => Kind::Serviceaccount,
        };
        let name = || match subject.namespace() {
            Some(namespace) => format!("{}/{}", graph.text(namespace), graph.text(subject.name())),
            None => graph.text(subject.name()).to_owned(),
        };
        self.kind.is_none_or(|wanted| wanted == kind)
            && self.subject.as_ref().is_none_or(|regex| regex.is_match(&name()))
    }
}

pub(super) fn run(args: &Args, connection: &ConnectionArgs, world: &mut World<'_>) -> Result<Outcome, Failure> {
    if let Some(action) = &args.azure_action {
        return azure::run(args, action, world);
    }
    if args.scope.is_some() || args.data {
        return Err(Failure::Usage("--scope and --data belong to --azure-action".to_owned()));
    }
    let wanted = args.output.wanted::<WhoCanReport<'_>>(world.terminal)?;
    let chain = args.authorizers.chain();
    let (verb, resource) = (args.verb.as_deref().unwrap_or_default(), args.resource.as_deref().unwrap_or_default());
    let (name, subresource) = (args.name.as_deref(), args.subresource.as_deref());
    let early = Asked::new(&ResourceTable::new(&[], false), verb, resource, name, subresource)?;
    let needs = if args.via_escalation { Needs::ALL } else { args.authorizers.needs(early.action()) };
    let facts = args.input.read(needs, connection, StandardInput::Free, world)?;
    let table = ResourceTable::new(&facts.snapshot.resources, facts.snapshot.discovered);
    let asked = Asked::new(&table, verb, resource, name, subresource)?;
    let all = args.all_namespaces || (args.input.namespace.is_none() && facts.context_namespace.is_none());
    let namespace = args.input.namespace.clone().or(facts.context_namespace.clone()).filter(|_| !all);
    let placed = asked.place(namespace, args.input.namespace.is_some());
    let graph = graph_of(facts.snapshot);
    let keep = |subject| args.subjects.keeps(&graph, subject);
    let filter = Filter { system: args.subjects.system(), keep: &keep };
    let mut answer = who_can(&graph, ClusterId::FIRST, &placed.action, &placed.place, filter);
    if !chain.rbac {
        answer.rows.retain(|row| row.authorizer != Authorizer::Rbac);
    }
    if chain.node {
        let mut nodes = node::who_can(&graph, ClusterId::FIRST, &placed.action, &placed.place);
        // That too little is known of nodes is a gap, not a row.
        nodes.retain(|row| row.decision != Decision::Unknown);
        answer.merge(&graph, nodes, filter);
    }
    let guarded = args.authorizers.guarded(&graph);
    let in_azure = guarded.as_ref().ok().map(|own| {
        let principal = |one| own.graph.principal(one);
        let keep = |one| args.subjects.system() != SystemFilter::Only && args.subjects.keeps_in_azure(principal(one));
        guard_who_can(&own.graph, own.cluster, &placed.action, &placed.place, &keep)
    });
    let mut missing = if has_nodes(graph.snapshot()) { node_gaps(&graph, &placed.action, chain) } else { Vec::new() };
    missing.extend(in_azure.iter().flat_map(|answer| answer.gaps.iter().cloned()));
    let behind = |subject| match subject {
        Subject::Group(group) if args.expand => members(&graph, ClusterId::FIRST, group),
        _ => None,
    };
    let in_group = |row: &Row| args.expand.then(|| entra_members(&graph, row.subject)).flatten();
    let in_groups: Vec<Option<EntraMembers>> = answer.rows.iter().map(in_group).collect();
    let unread: BTreeSet<PrincipalIx> =
        in_groups.iter().flatten().filter(|of| !of.complete).map(|of| of.group).collect();
    if !unread.is_empty() {
        missing.extend(unread_groups(&graph.azure(), &unread.into_iter().collect::<Vec<_>>()));
    }
    let (verified, unverified) = match &facts.live {
        Some(live) if args.verify => verify(live, &graph, &placed, &answer.rows),
        _ => (vec![None; answer.rows.len()], Vec::new()),
    };
    let remedies = Remedies::new(&graph);
    let later = args.via_escalation.then(|| {
        let version = server_version(graph.snapshot());
        let access = Access { action: placed.action.clone(), place: placed.place.clone() };
        let ask = Ask { access: Some(access), system: args.subjects.system(), version, ..Ask::default() };
        let mut found = escalations(&graph, &ask).findings;
        for finding in &mut found {
            finding.from.retain(|start| matches!(*start, Start::Subject(subject) if keep(subject)));
        }
        found.retain(|finding| !finding.from.is_empty());
        found
    });
    // What is there after escalating may lead through Azure.
    let without_azure = guarded.is_err() && !args.via_escalation;
    let metadata = Metadata { gaps: missing, without_azure, ..facts.metadata };
    let gaps = metadata.missing(graph.snapshot());
    let mut exits = Exits::default();
    exits.add(args.input.strict && gaps > 0, 3, || format!("{gaps} gaps"));
    let report = WhoCanReport {
        graph: &graph,
        action: &placed.action,
        members: answer.rows.iter().map(|row| behind(row.subject)).collect(),
        entra_members: in_groups,
        verified,
        answer: &answer,
        escalations: later.as_deref().map(|findings| (findings, &remedies)),
        azure: guarded.as_ref().ok().zip(in_azure.as_ref()).map(|(own, answer)| GuardPart {
            graph: &own.graph,
            cluster: own.cluster,
            answer,
        }),
        metadata,
        exit: exits.exit(),
    };
    let printed = report.print(&wanted)?;
    let mut lines = notes(graph.snapshot(), &report.metadata.gaps, args.output.quiet);
    lines.extend(unverified);
    if !args.output.quiet {
        lines.splice(0..0, asked.notes().chain(placed.notes_in(&graph)));
        lines.extend(guard_note(&guarded));
        if in_azure.as_ref().is_some_and(|answer| answer.discovery) {
            lines.push("note: this is discovery, which everybody may who logs in with Entra".to_owned());
        }
        let mut subjects: Vec<Subject> = answer.rows.iter().map(|row| row.subject).collect();
        subjects.dedup();
        let of_azure: BTreeSet<PrincipalIx> =
            in_azure.iter().flat_map(|answer| &answer.rows).map(|row| row.principal).collect();
        let hidden = match (answer.hidden, args.subjects.system()) {
            (0, _) => String::new(),
            (some, SystemFilter::Only) => format!("; {} hidden (--system=show)", count(some, "other subject")),
            (some, _) => format!("; {} hidden (--system=show)", count(some, "system subject")),
        };
        lines.push(match subjects.len() + of_azure.len() {
            0 if args.subjects.chooses() || answer.hidden > 0 => {
                format!("none of the subjects asked for can {}{hidden}", safe(&words(&placed.action)))
            }
            0 => format!("nobody can {}", safe(&words(&placed.action))),
            some => format!("{}{hidden}", count(some, "subject")),
        });
        if let Some(later) = &later {
            let more: usize = later.iter().map(|finding| finding.from.len()).sum();
            lines.push(match more {
                0 => "nobody else can after escalating".to_owned(),
                some => format!("{} more can only after escalating", count(some, "subject")),
            });
        }
    }
    Ok(Outcome::new(printed, lines, report.exit.code))
}

/// Whether the input is of a running cluster, so that pods on nodes belong to it. Plain manifests have none.
fn has_nodes(snapshot: &Snapshot) -> bool {
    let met = |kind: &str| snapshot.counts.contains_key(&("v1".to_owned(), kind.to_owned()));
    snapshot.clusters.iter().any(|cluster| cluster.stored) || met("Node") || met("Pod")
}

/// Puts every row to the cluster's own authorizers: at each place of the row, for each of its names. Gives for each row whether
/// they agree, and a line for what they could not be asked.
fn verify(live: &LiveCluster, graph: &AccessGraph, placed: &Placed, rows: &[Row]) -> (Vec<Option<bool>>, Vec<String>) {
    let mut questions = Vec::new();
    let mut counts = Vec::with_capacity(rows.len());
    for row in rows {
        let before = questions.len();
        let name = row.subject.request_name(&graph.snapshot().names);
        let identity = match row.subject {
            Subject::Group(_) => Identity { user: String::new(), groups: vec![name] },
            Subject::User(_) | Subject::ServiceAccount { .. } => Identity { groups: implied_groups(&name), user: name },
        };
        let everywhere = [Name::EMPTY];
        let places: &[Name] = match &row.place {
            Place::Cluster => &everywhere,
            Place::Namespaces(namespaces) => namespaces,
        };
        for &place in places {
            let names = if row.resource_names.is_empty() { &everywhere[..] } else { &row.resource_names };
            for &only in names {
                let mut action = placed.action.clone();
                if let Action::Resource(action) = &mut action {
                    graph.text(place).clone_into(&mut action.namespace);
                    if placed.place == Where::EachNamespaceObject && place != Name::EMPTY {
                        graph.text(place).clone_into(&mut action.name);
                    } else if only != Name::EMPTY {
                        graph.text(only).clone_into(&mut action.name);
                    }
                }
                questions.push(AccessQuestion { user: identity.user.clone(), groups: identity.groups.clone(), action });
            }
        }
        counts.push(questions.len() - before);
    }
    let mut answers = live.verify(&questions).into_iter();
    let mut failed = None;
    let verified = counts
        .into_iter()
        .map(|count| {
            let mut agreed = Some(true);
            for answer in answers.by_ref().take(count) {
                match answer {
                    Ok(allowed) => agreed = agreed.map(|all| all && allowed),
                    Err(message) => {
                        failed.get_or_insert(message);
                        agreed = None;
                    }
                }
            }
            agreed
        })
        .collect();
    let notes = failed.map(|message| format!("warning: not every row could be verified: {}", safe(&message)));
    (verified, notes.into_iter().collect())
}

/// The request in the words of a command line.
fn words(action: &Action) -> String {
    match action {
        Action::Resource(action) => {
            let group = if action.api_group.is_empty() { String::new() } else { format!(".{}", action.api_group) };
            format!("{} {}{group} {}", action.verb, action.full_resource(), action.name).trim_end().to_owned()
        }
        Action::NonResource { verb, path } => format!("{verb} {path}"),
    }
}

/// A question as it was typed, resolved as far as that goes without a namespace.
pub(super) struct Asked {
    action: Action,
    resolved: Resolved,
    warnings: Vec<String>,
}

/// A question with its place.
pub(super) struct Placed {
    pub(super) action: Action,
    pub(super) place: Where,
    notes: Vec<String>,
}

impl Placed {
    /// Hints about the place.
    pub(super) fn notes_in(&self, graph: &AccessGraph) -> Vec<String> {
        let mut notes = self.notes.clone();
        if let Where::Namespace(namespace) = &self.place {
            notes.extend(namespace_hint(graph, namespace));
        }
        notes
    }
}

impl Asked {
    /// Reads VERB, RESOURCE (or /PATH) and NAME as kubectl would.
    pub(super) fn new(
        table: &ResourceTable,
        verb: &str,
        resource: &str,
        name: Option<&str>,
        subresource: Option<&str>,
    ) -> Result<Asked, Failure> {
        if verb.is_empty() || resource.is_empty() {
            let (what, such) = if verb.is_empty() { ("verb", "get") } else { ("resource", "pods") };
            return Err(Failure::Usage(format!("the {what} is empty; write one, such as {such}")));
        }
        if resource.starts_with('/') {
            if name.is_some() || subresource.is_some() {
                return Err(Failure::Usage(format!(
                    "a path such as `{resource}` has neither a name nor a subresource"
                )));
            }
            return Ok(Asked {
                action: Action::NonResource { verb: verb.to_owned(), path: resource.to_owned() },
                resolved: Resolved::default(),
                warnings: ResourceTable::path_verb_warning(verb).into_iter().collect(),
            });
        }
        if let Some(bare) = resource.strip_suffix('/') {
            return Err(Failure::Usage(format!(
                "nothing stands behind the slash of `{resource}`; write `{bare}`, {bare}/NAME or {bare}/SUBRESOURCE"
            )));
        }
        let mut resolved = table.resolve(verb, resource);
        if let Some(subresource) = subresource {
            if !resolved.subresource.is_empty() && resolved.subresource != subresource {
                return Err(Failure::Usage(format!(
                    "two subresources are given, `{}` in `{resource}` and `{subresource}`",
                    resolved.subresource
                )));
            }
            resolved.subresource = subresource.to_owned();
            resolved.hints.retain(|hint| !hint.contains("--subresource"));
        }
        let mut warnings = resolved.warnings.clone();
        warnings.extend(table.verb_warning(verb, &resolved));
        let name = match (name, &resolved.name) {
            (Some(name), Some(other)) => {
                return Err(Failure::Usage(format!("two names are given, `{other}` in `{resource}` and `{name}`")));
            }
            (Some(name), None) => name.to_owned(),
            (None, other) => other.clone().unwrap_or_default(),
        };
        let action = Action::Resource(ResourceAction {
            verb: verb.to_owned(),
            api_group: resolved.group.clone(),
            resource: resolved.resource.clone(),
            subresource: resolved.subresource.clone(),
            namespace: String::new(),
            name,
            field_selector: Vec::new(),
        });
        Ok(Asked { action, resolved, warnings })
    }

    /// What is asked, as far as it is known without a namespace.
    pub(super) fn action(&self) -> &Action {
        &self.action
    }

    /// Warnings and hints about the words.
    pub(super) fn notes(&self) -> impl Iterator<Item = String> {
        let warnings = self.warnings.iter().map(|warning| format!("warning: {}", safe(warning)));
        warnings.chain(self.resolved.hints.iter().map(|hint| format!("hint: {}", safe(hint))))
    }

    /// Puts the question where it belongs: a namespace, each of them (none given), or the cluster.
    pub(super) fn place(&self, namespace: Option<String>, typed: bool) -> Placed {
        let Action::Resource(action) = &self.action else {
            return Placed { action: self.action.clone(), place: Where::Cluster, notes: Vec::new() };
        };
        let at =
            |namespace: &str| Action::Resource(ResourceAction { namespace: namespace.to_owned(), ..action.clone() });
        if action.resource == "namespaces" && action.api_group.is_empty() {
            // A request for a namespace object carries its name as namespace, so RoleBindings in it count; one for a list,
            // a creation or several of them does not.
            let one =
                matches!(action.verb.as_str(), "get" | "patch" | "update" | "delete") || !action.subresource.is_empty();
            // A list keeps no namespace even where a field selector narrows it to one name.
            let several = matches!(action.verb.as_str(), "list" | "watch" | "deletecollection");
            if !action.name.is_empty() && !several {
                let place = Where::Namespace(action.name.clone());
                return Placed { action: at(&action.name), place, notes: Vec::new() };
            }
            if one && namespace.is_none() {
                return Placed { action: at(""), place: Where::EachNamespaceObject, notes: Vec::new() };
            }
            if let Some(namespace) = namespace.as_ref().filter(|_| one && typed) {
                let hint = format!(
                    "hint: namespaces are cluster-scoped; the namespace is left out; for the object itself write \
                     namespaces/{}",
                    safe(namespace)
                );
                return Placed { action: at(""), place: Where::Cluster, notes: vec![hint] };
            }
        }
        if self.resolved.namespaced == Some(false) {
            let hint = format!("hint: {} are cluster-scoped; the namespace is left out", safe(&action.resource));
            return Placed {
                action: at(""),
                place: Where::Cluster,
                notes: typed.then_some(hint).into_iter().collect(),
            };
        }
        match namespace {
            Some(namespace) => Placed { action: at(&namespace), place: Where::Namespace(namespace), notes: Vec::new() },
            None => Placed { action: at(""), place: Where::EachNamespace, notes: Vec::new() },
        }
    }
}
