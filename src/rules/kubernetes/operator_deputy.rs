//! `operator-deputy`: Argo CD and Flux apply what they are told with rights of their own.
//!
//! Who the controllers are, and how far their flags and projects let them go, is in `gitops.rs`.

use super::gitops::{Controller, Project, controllers, is_installed, projects};
use crate::graph::AccessGraph;
use crate::model::{Deputy, DeputyKind, DeputySpec, Name, SourceRef, Subject};
use crate::rules::attack::{Attack, Done, Effect, Fact, Place};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{At, Confidence, On, Request, Technique, WRITE, right};

const CREATE: &[&str] = &["create"];

macro_rules! write {
    ($group:literal, $resource:literal) => {
        [
            Request { rights: &[right(CREATE, $group, $resource, On::Nothing)], at: At::Namespace },
            Request { rights: &[right(WRITE, $group, $resource, On::Object)], at: At::Namespace },
        ]
    };
}

const KUSTOMIZATION: [Request; 2] = write!("kustomize.toolkit.fluxcd.io", "kustomizations");
const HELM_RELEASE: [Request; 2] = write!("helm.toolkit.fluxcd.io", "helmreleases");
const GIT: [Request; 2] = write!("source.toolkit.fluxcd.io", "gitrepositories");
const OCI: [Request; 2] = write!("source.toolkit.fluxcd.io", "ocirepositories");
const BUCKET: [Request; 2] = write!("source.toolkit.fluxcd.io", "buckets");
const HELM: [Request; 2] = write!("source.toolkit.fluxcd.io", "helmrepositories");
const CHART: [Request; 2] = write!("source.toolkit.fluxcd.io", "helmcharts");
const APPLICATION: [Request; 2] = write!("argoproj.io", "applications");
const PROJECT: [Request; 2] = write!("argoproj.io", "appprojects");

/// What the requests write, two of each: one that creates, one that changes.
const KINDS: [DeputyKind; 9] = [
    DeputyKind::Kustomization,
    DeputyKind::HelmRelease,
    DeputyKind::GitRepository,
    DeputyKind::OciRepository,
    DeputyKind::Bucket,
    DeputyKind::HelmRepository,
    DeputyKind::HelmChart,
    DeputyKind::Application,
    DeputyKind::AppProject,
];

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "operator-deputy",
    title: "Have Argo CD or Flux apply it",
    requests: &{
        let [a, b] = KUSTOMIZATION;
        let [c, d] = HELM_RELEASE;
        let [e, f] = GIT;
        let [g, h] = OCI;
        let [i, j] = BUCKET;
        let [k, l] = HELM;
        let [m, n] = CHART;
        let [o, p] = APPLICATION;
        let [q, r] = PROJECT;
        [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r]
    },
    gain: "what the controller's account may write, most often everything",
    why: "Flux applies a Kustomization or HelmRelease with the account that its serviceAccountName names, and without one with the \
          account of the controller, unless a flag gives a default account. It needs a source, new or there already, for the \
          object itself says how what comes from it is changed; and whoever changes a source that is in use has its users apply \
          what it holds. Argo CD deploys Applications of its own namespace, and of those that a flag adds, with the account of its \
          application controller, as far as the AppProject lets it; and the project `default` lets everything.",
    remedy: "Set --default-service-account and --no-cross-namespace-refs on Flux's controllers. Give nobody Applications in Argo \
             CD's own namespace, and take destinations and cluster resources out of the AppProject `default`.",
    confidence: Confidence::Documented,
    attack: &["T1078", "T1610"],
    references: &[
        "https://fluxcd.io/flux/installation/configuration/multitenancy/",
        "https://argo-cd.readthedocs.io/en/stable/operator-manual/security/",
        "https://argo-cd.readthedocs.io/en/stable/operator-manual/app-any-namespace/",
    ],
    build: Some(build),
    proof: Some(proof),
    ..Technique::MOVE
};

fn build(attack: &mut Attack<'_>, done: Done) {
    let Some(&kind) = KINDS.get(done.within / 2).filter(|_| done.first) else { return };
    if !is_installed(attack.graph, attack.cluster, kind) {
        return;
    }
    match kind {
        DeputyKind::Kustomization | DeputyKind::HelmRelease => flux(attack, &done, kind),
        DeputyKind::Application => application(attack, &done),
        DeputyKind::AppProject => project(attack, &done),
        _ => source(attack, &done, kind),
    }
}

/// Where a request creates an object, and where and which it changes.
fn sites(attack: &Attack<'_>, done: &Done, kind: DeputyKind) -> Vec<(Name, Option<Name>)> {
    if is_creation(done) {
        return attack.namespaces_of(done.site.place).into_iter().map(|namespace| (namespace, None)).collect();
    }
    let site = done.site;
    let written = |own: &&Deputy| site.place.has(own.namespace) && site.object.is_none_or(|object| object == own.name);
    let all = of_kind(attack, kind).into_iter();
    all.filter(written).map(|own| (own.namespace, Some(own.name))).collect()
}

/// The first request of a kind creates, the second changes.
fn is_creation(done: &Done) -> bool {
    done.within.is_multiple_of(2)
}

fn of_kind<'g>(attack: &Attack<'g>, kind: DeputyKind) -> Vec<&'g Deputy> {
    let all = attack.graph.snapshot().deputies.iter();
    all.filter(|own| own.cluster == attack.cluster && own.kind == kind).collect()
}

/// That a source can be written anywhere, or in a namespace.
fn source_at(place: Place) -> Fact {
    Fact::Part(TECHNIQUE.id, 0, place)
}

/// That a project can be made to let everything.
const OPEN_PROJECT: Fact = Fact::Part(TECHNIQUE.id, 1, Place::Cluster);

/// A Kustomization or HelmRelease.
fn flux(attack: &mut Attack<'_>, done: &Done, kind: DeputyKind) {
    for controller in controllers(attack.graph, attack.cluster, kind) {
        if is_creation(done) && controller.is_everywhere() {
            apply(attack, done.fact, done.site.place, &controller);
            continue;
        }
        for (namespace, name) in sites(attack, done, kind) {
            if controller.watches(attack.graph, namespace) {
                let fact = attack.on(done, Place::Namespace(namespace), name);
                apply(attack, fact, Place::Namespace(namespace), &controller);
            }
        }
    }
}

/// Whoever has this fact has a controller apply what comes from any source.
fn apply(attack: &mut Attack<'_>, fact: u32, place: Place, controller: &Controller) {
    let near = if controller.stays { place } else { Place::Cluster };
    let (effect, gain) = match controller.default_account {
        None => (Effect::ActAs(controller.account), Fact::Identity(controller.account)),
        Some(_) => (Effect::Any, Fact::Accounts(place)),
    };
    let is_source =
        |own: &Deputy| own.cluster == attack.cluster && own.spec == DeputySpec::Source && near.has(own.namespace);
    if attack.graph.snapshot().deputies.iter().any(is_source) {
        attack.does(&TECHNIQUE, vec![fact], effect, gain);
    }
    let written = attack.fact(source_at(near));
    attack.does(&TECHNIQUE, vec![fact, written], effect, gain);
}

/// A source of Flux: for what is new, and for what uses it already.
fn source(attack: &mut Attack<'_>, done: &Done, kind: DeputyKind) {
    if is_creation(done) {
        attack.follows(vec![done.fact], source_at(Place::Cluster));
    }
    let users = [DeputyKind::Kustomization, DeputyKind::HelmRelease];
    let users: Vec<&Deputy> = users.into_iter().flat_map(|kind| of_kind(attack, kind)).collect();
    for (namespace, name) in sites(attack, done, kind) {
        let fact = attack.on(done, Place::Namespace(namespace), name);
        attack.follows(vec![fact], source_at(Place::Cluster));
        attack.follows(vec![fact], source_at(Place::Namespace(namespace)));
        for &user in users.iter().filter(|user| uses(attack.graph, user, kind, (namespace, name))) {
            for controller in controllers(attack.graph, attack.cluster, user.kind) {
                let is_far = controller.stays && user.namespace != namespace;
                if let Some(account) = account_of(&controller, user)
                    && controller.watches(attack.graph, user.namespace)
                    && !is_far
                {
                    attack.does(done.technique, vec![fact], Effect::ActAs(account), Fact::Identity(account));
                }
            }
        }
    }
}

/// Whether an object applies, in this cluster, what comes from a source.
fn uses(graph: &AccessGraph, user: &Deputy, kind: DeputyKind, (namespace, name): (Name, Option<Name>)) -> bool {
    let DeputySpec::Apply(apply) = user.spec else { return false };
    let is_it = |source: SourceRef| {
        graph.text(source.kind) == kind.as_str() && source.namespace == namespace && Some(source.name) == name
    };
    !apply.remote && apply.source.is_some_and(is_it)
}

/// The account with which an object is applied.
fn account_of(controller: &Controller, user: &Deputy) -> Option<Subject> {
    let DeputySpec::Apply(apply) = user.spec else { return None };
    let account = controller.account_of(user.namespace, apply.service_account);
    Some(account).filter(|account| account.name() != Name::EMPTY)
}

/// An Application.
fn application(attack: &mut Attack<'_>, done: &Done) {
    for controller in controllers(attack.graph, attack.cluster, DeputyKind::Application) {
        for (namespace, name) in sites(attack, done, DeputyKind::Application) {
            if !controller.watches(attack.graph, namespace) {
                continue;
            }
            let fact = attack.on(done, Place::Namespace(namespace), name);
            let (effect, gain) = (Effect::ActAs(controller.account), Fact::Identity(controller.account));
            for project in projects(attack.graph, attack.cluster, &controller, namespace) {
                match project {
                    Project::Everything => attack.does(done.technique, vec![fact], effect, gain),
                    Project::Inside(namespaces) => {
                        let open = |inside: &Name| controller.may_run_pods(attack.graph, attack.cluster, *inside);
                        for inside in namespaces.into_iter().filter(open).collect::<Vec<_>>() {
                            attack.runs_pods(done.technique, vec![fact], Place::Namespace(inside));
                        }
                    }
                }
            }
            let open = attack.fact(OPEN_PROJECT);
            attack.does(done.technique, vec![fact, open], effect, gain);
        }
    }
}

/// An AppProject of Argo CD's own namespace.
fn project(attack: &mut Attack<'_>, done: &Done) {
    for controller in controllers(attack.graph, attack.cluster, DeputyKind::Application) {
        for (namespace, name) in sites(attack, done, DeputyKind::AppProject) {
            if namespace == controller.home {
                let fact = attack.on(done, Place::Namespace(namespace), name);
                attack.follows(vec![fact], OPEN_PROJECT);
            }
        }
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let graph = state.graph;
    let mut lacks = "nothing is written that a controller applies";
    for kind in KINDS {
        let right = [CREATE, WRITE].iter().find_map(|verbs| step.asks(verbs, kind.group(), kind.resource()));
        let Some(right) = right else { continue };
        let is_it = |own: &&Deputy| {
            own.kind == kind && right.place == Place::Namespace(own.namespace) && right.name == Some(own.name)
        };
        let written = graph.snapshot().deputies.iter().find(is_it);
        if right.verb != "create" && written.is_none() {
            lacks = "the object is not there";
            continue;
        }
        for user in graph.snapshot().deputies.iter().filter(|_| right.verb != "create") {
            let its = written.is_some_and(|own| uses(graph, user, kind, (own.namespace, Some(own.name))));
            let as_account = |controller: &Controller| account_of(controller, user).map(Effect::ActAs) == Some(step.effect);
            if its && controllers(graph, state.cluster, user.kind).iter().any(as_account) {
                return Ok(());
            }
        }
        for controller in controllers(graph, state.cluster, kind) {
            if gives(state, step, &controller, kind, right.place) {
                return Ok(());
            }
            lacks = "the controller does not apply that";
        }
    }
    Err(lacks.to_owned())
}

/// Whether an object of a kind in a namespace has the controller do what the step says.
fn gives(state: &State<'_>, step: &StepDone, controller: &Controller, kind: DeputyKind, place: Place) -> bool {
    let graph = state.graph;
    let asks = |kind: DeputyKind| {
        [CREATE, WRITE].iter().find_map(|verbs| step.asks(verbs, kind.group(), kind.resource())).map(|right| right.place)
    };
    let home = Place::Namespace(controller.home);
    let seen = match place {
        Place::Namespace(namespace) => controller.watches(graph, namespace),
        Place::Cluster | Place::EachNamespace => true,
    };
    match kind {
        DeputyKind::Kustomization | DeputyKind::HelmRelease => {
            let mut sources = graph.snapshot().deputies.iter().filter(|own| own.spec == DeputySpec::Source);
            let has_source = sources.next().is_some() || KINDS[2..7].iter().any(|&kind| asks(kind).is_some());
            let as_it = match step.effect {
                Effect::ActAs(Subject::ServiceAccount { namespace, .. }) if controller.default_account.is_some() => {
                    place.has(namespace)
                }
                effect => controller.default_account.is_none() && effect == Effect::ActAs(controller.account),
            };
            seen && has_source && as_it
        }
        DeputyKind::Application => {
            let Place::Namespace(namespace) = place else { return false };
            let projects = projects(graph, state.cluster, controller, namespace);
            let may = |inside: Name| {
                controller.may_run_pods(graph, state.cluster, inside)
                    && state.new_pod_gives(step.effect, Place::Namespace(inside)).is_ok()
            };
            seen && if step.effect == Effect::ActAs(controller.account) {
                asks(DeputyKind::AppProject) == Some(home) || projects.contains(&Project::Everything)
            } else {
                projects.into_iter().any(|project| match project {
                    Project::Everything => false,
                    Project::Inside(inside) => inside.into_iter().any(may),
                })
            }
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
