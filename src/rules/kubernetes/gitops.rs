//! The controllers of Argo CD and Flux: whose account they use, which namespaces they look into, and what projects let them do.

use crate::graph::AccessGraph;
use crate::model::{
    Action, ArgoProject, ClusterId, ControllerKind, Deputy, DeputyKind, DeputySpec, Destination, Identity, Name,
    ResourceAction, Subject, SubjectText,
};
use crate::query::{Authorizers, decide};

/// A controller that applies objects.
pub(super) struct Controller {
    /// The account that it uses.
    pub(super) account: Subject,
    /// The namespace it runs in.
    pub(super) home: Name,
    /// The account that is used in the namespace of an object that names none, instead of its own.
    pub(super) default_account: Option<Name>,
    /// Whether objects have to have their sources in their own namespace.
    pub(super) stays: bool,
    /// The namespaces besides its own that it looks into.
    watched: Watched,
}

enum Watched {
    Every,
    /// Those that match one of these patterns.
    Like(Vec<String>),
}

/// What a project lets an Application do.
#[derive(PartialEq, Eq)]
pub(super) enum Project {
    /// Whatever the controller can do.
    Everything,
    /// To make any namespaced object in these namespaces.
    Inside(Vec<Name>),
}

/// The words of a kind's controller: the image of Flux's, the name of Argo CD's; and the account that it has unless it is moved.
fn words(kind: DeputyKind) -> (&'static str, &'static str) {
    match kind {
        DeputyKind::Kustomization => ("kustomize-controller", "flux-system"),
        DeputyKind::HelmRelease => ("helm-controller", "flux-system"),
        _ => ("argocd-application-controller", "argocd"),
    }
}

/// Whether the cluster has a kind.
pub(super) fn is_installed(graph: &AccessGraph, cluster: ClusterId, kind: DeputyKind) -> bool {
    let snapshot = graph.snapshot();
    snapshot.resources.iter().any(|own| own.group == kind.group() && own.resource == kind.resource())
        || snapshot.deputies.iter().any(|own| own.cluster == cluster && own.kind == kind)
}

/// The controllers of a kind: by their workloads, or, where none were read of the namespace that it is in unless it is moved, by the
/// account that it has there.
pub(super) fn controllers(graph: &AccessGraph, cluster: ClusterId, kind: DeputyKind) -> Vec<Controller> {
    let snapshot = graph.snapshot();
    let (word, home) = words(kind);
    let of_cluster = || snapshot.controllers.iter().filter(|own| own.cluster == cluster);
    let is_wanted = |own: &&crate::model::Controller| {
        matches!(own.kind, ControllerKind::Deployment | ControllerKind::StatefulSet)
            && match kind {
                // All parts of Argo CD have one image.
                DeputyKind::Application => is_argo(graph, own),
                // A mirror may have another name for the image.
                _ => {
                    graph.text(own.name) == word
                        || snapshot.lists.get(own.images).iter().any(|&image| image_name(graph.text(image)) == word)
                }
            }
    };
    let found: Vec<Controller> = of_cluster().filter(is_wanted).map(|own| Controller::new(graph, own)).collect();
    let names = &snapshot.names;
    let (Some(name), Some(home)) = (names.find(word), names.find(home)) else { return found };
    if !found.is_empty() || of_cluster().any(|own| own.namespace == home) {
        return found;
    }
    let account = Subject::ServiceAccount { namespace: home, name };
    let watched = if kind == DeputyKind::Application { Watched::Like(Vec::new()) } else { Watched::Every };
    let has_grants = snapshot.subjects.find(account).is_some();
    let usual = Controller { account, home, default_account: None, stays: false, watched };
    has_grants.then_some(usual).into_iter().collect()
}

/// The last part of an image's path, without tag and digest.
fn image_name(image: &str) -> &str {
    let name = image.rsplit('/').next().unwrap_or(image);
    name.split([':', '@']).next().unwrap_or(name)
}

fn flags<'g>(graph: &'g AccessGraph, own: &crate::model::Controller) -> impl Iterator<Item = &'g str> {
    graph.snapshot().lists.get(own.args).iter().map(|&flag| graph.text(flag))
}

/// The value of a flag, written `--flag=value`, `--flag value`, or `--flag` for `true`.
fn flag<'g>(graph: &'g AccessGraph, own: &crate::model::Controller, name: &str) -> Option<&'g str> {
    let mut all = flags(graph, own).peekable();
    let mut found = None;
    while let Some(flag) = all.next() {
        let Some(rest) = flag.strip_prefix("--").and_then(|flag| flag.strip_prefix(name)) else { continue };
        found = match rest.strip_prefix('=') {
            Some(value) => Some(value),
            None if rest.is_empty() => all.peek().copied().filter(|next| !next.starts_with("--")).or(Some("true")),
            None => found,
        };
    }
    found
}

impl Controller {
    fn new(graph: &AccessGraph, own: &crate::model::Controller) -> Controller {
        let names = &graph.snapshot().names;
        let default = names.find("default").unwrap_or(Name::EMPTY);
        let account =
            Subject::ServiceAccount { namespace: own.namespace, name: own.service_account.unwrap_or(default) };
        let value = |name: &str| flag(graph, own, name);
        let watched = match (value("watch-all-namespaces"), value("application-namespaces")) {
            (_, Some(list)) => Watched::Like(list.split(',').map(|pattern| pattern.trim().to_owned()).collect()),
            (Some("false"), None) => Watched::Like(Vec::new()),
            (_, None) if is_argo(graph, own) => Watched::Like(Vec::new()),
            (_, None) => Watched::Every,
        };
        Controller {
            account,
            home: own.namespace,
            default_account: value("default-service-account")
                .filter(|name| !name.is_empty())
                .map(|name| names.find(name).unwrap_or(Name::EMPTY)),
            stays: value("no-cross-namespace-refs").is_some_and(|value| value != "false"),
            watched,
        }
    }

    /// Whether it looks into a namespace.
    pub(super) fn watches(&self, graph: &AccessGraph, namespace: Name) -> bool {
        namespace == self.home
            || match &self.watched {
                Watched::Every => true,
                Watched::Like(patterns) => patterns.iter().any(|pattern| is_like(pattern, graph.text(namespace))),
            }
    }

    /// Whether it is the same to it which namespace an object and its source are in.
    pub(super) fn is_everywhere(&self) -> bool {
        matches!(self.watched, Watched::Every) && !self.stays
    }

    /// The account with which an object of a namespace is applied.
    pub(super) fn account_of(&self, namespace: Name, named: Option<Name>) -> Subject {
        match (named, self.default_account) {
            (Some(name), _) | (None, Some(name)) => Subject::ServiceAccount { namespace, name },
            (None, None) => self.account,
        }
    }

    /// Whether its account may create pods in a namespace.
    pub(super) fn may_run_pods(&self, graph: &AccessGraph, cluster: ClusterId, namespace: Name) -> bool {
        self.may(graph, cluster, namespace, ("create", "", "pods"))
    }

    /// Whether it may do everything in a namespace, and so make its Roles and RoleBindings as well.
    pub(super) fn may_do_everything(&self, graph: &AccessGraph, cluster: ClusterId, namespace: Name) -> bool {
        self.may(graph, cluster, namespace, ("*", "*", "*"))
    }

    fn may(
        &self,
        graph: &AccessGraph,
        cluster: ClusterId,
        namespace: Name,
        (verb, api_group, resource): (&str, &str, &str),
    ) -> bool {
        let user = self.account.request_name(&graph.snapshot().names);
        let action = Action::Resource(ResourceAction {
            verb: verb.to_owned(),
            api_group: api_group.to_owned(),
            resource: resource.to_owned(),
            subresource: String::new(),
            namespace: graph.text(namespace).to_owned(),
            name: String::new(),
            field_selector: Vec::new(),
        });
        let authorizers = Authorizers { node: false, rbac: true };
        decide(graph, cluster, &Identity::of(&SubjectText::User(user)), &action, authorizers).allowed()
    }
}

fn is_argo(graph: &AccessGraph, own: &crate::model::Controller) -> bool {
    let word = words(DeputyKind::Application).0;
    let says = |&(key, value): &(Name, Name)| graph.text(key) == "app.kubernetes.io/name" && graph.text(value) == word;
    own.labels.iter().any(says)
        || graph.text(own.name) == word
        || flags(graph, own).any(|flag| flag.rsplit('/').next() == Some(word))
}

/// What the projects that an Application of a namespace may name let it do. The project `default` is there in every Argo CD, and
/// lets everything unless it was changed.
pub(super) fn projects(
    graph: &AccessGraph,
    cluster: ClusterId,
    controller: &Controller,
    namespace: Name,
) -> Vec<Project> {
    let of_argo = |own: &&Deputy| {
        own.cluster == cluster && own.kind == DeputyKind::AppProject && own.namespace == controller.home
    };
    let own: Vec<&Deputy> = graph.snapshot().deputies.iter().filter(of_argo).collect();
    let mut found = Vec::new();
    if namespace == controller.home && !own.iter().any(|own| graph.text(own.name) == "default") {
        found.push(Project::Everything);
    }
    for project in own {
        let DeputySpec::Project(project) = &project.spec else { continue };
        let lets_in = namespace == controller.home
            || project.source_namespaces.iter().any(|&pattern| is_like(graph.text(pattern), graph.text(namespace)));
        if lets_in {
            found.extend(reach(graph, cluster, project));
        }
    }
    found
}

/// What a project lets its Applications do in this cluster.
fn reach(graph: &AccessGraph, cluster: ClusterId, project: &ArgoProject) -> Option<Project> {
    let text = |name: Name| graph.text(name);
    let refuses =
        |at: &Destination| [at.server, at.name, at.namespace].into_iter().any(|name| text(name).starts_with('!'));
    if !project.any_repository || project.destinations.iter().any(refuses) {
        return None;
    }
    let here = |at: &&Destination| {
        is_like(text(at.server), "https://kubernetes.default.svc") || is_like(text(at.name), "in-cluster")
    };
    let here: Vec<&Destination> = project.destinations.iter().filter(here).collect();
    let binds = |&(group, kind): &(Name, Name)| {
        is_like(text(group), "rbac.authorization.k8s.io") && is_like(text(kind), "ClusterRoleBinding")
    };
    if here.is_empty() {
        return None;
    }
    let everywhere = project.every_namespaced && here.iter().any(|at| text(at.namespace) == "*");
    if everywhere || project.cluster_resources.iter().any(binds) {
        return Some(Project::Everything);
    }
    let namespaces = graph.snapshot().namespaces.iter().filter(|own| own.cluster == cluster).map(|own| own.name);
    let known = namespaces.chain(here.iter().map(|at| at.namespace));
    let is_open =
        |name: &Name| !text(*name).contains('*') && here.iter().any(|at| is_like(text(at.namespace), text(*name)));
    let mut inside: Vec<Name> = known.filter(|&name| name != Name::EMPTY).filter(is_open).collect();
    inside.sort_unstable();
    inside.dedup();
    (project.every_namespaced && !inside.is_empty()).then_some(Project::Inside(inside))
}

/// Whether a text matches a pattern in which `*` is anything. Others of Argo CD's signs stand for themselves here.
fn is_like(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    let Some(mut text) = text.strip_prefix(first).and_then(|text| text.strip_suffix(last)) else { return false };
    middle.split('*').all(|part| match text.find(part) {
        Some(at) => {
            text = &text[at + part.len()..];
            true
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::{image_name, is_like};

    #[test]
    fn patterns_match_as_they_should() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("team-*", "team-a", true),
            ("team-*", "a-team-b", false),
            ("*-b", "a-b", true),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "abc", true),
            ("a*ba", "aba", true),
            ("ab*ba", "aba", false),
            ("a", "ab", false),
        ] {
            assert_eq!(is_like(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn an_image_is_called_by_the_end_of_its_path() {
        assert_eq!(image_name("ghcr.io:443/fluxcd/helm-controller:v1.2@sha256:0"), "helm-controller");
        assert_eq!(image_name("helm-controller-fork"), "helm-controller-fork");
    }
}
