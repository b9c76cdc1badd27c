//! `operator-deputy`: Argo CD and Flux apply what they are told with rights of their own.
//!
//! Who the controllers are, and how far their flags and projects let them go, is in `gitops.rs`.

use std::collections::BTreeSet;

use super::gitops::{Controller, Project, controllers, is_installed, projects};
use crate::graph::AccessGraph;
use crate::model::{Deputy, DeputyKind, DeputySpec, Name, SourceRef, Subject};
use crate::rules::attack::{Attack, Done, Effect, Fact, Place};
use crate::rules::finding::{RightDone, StepDone};
use crate::rules::replay::State;
use crate::rules::technique::{At, Change, Confidence, Leads, On, READ, Request, Technique, right};

const CREATE: &[&str] = &["create"];

macro_rules! write {
    ($group:literal, $resource:literal) => {
        [
            Request { rights: &[right(CREATE, $group, $resource, On::Nothing)], at: At::Namespace },
            Request { rights: &[right(&["patch"], $group, $resource, On::Object)], at: At::Namespace },
            Request { rights: &[right(&["update"], $group, $resource, On::Object)], at: At::Namespace },
            Request { rights: &[right(READ, $group, $resource, On::Object)], at: At::Namespace },
        ]
    };
}

const KUSTOMIZATION: [Request; 4] = write!("kustomize.toolkit.fluxcd.io", "kustomizations");
const HELM_RELEASE: [Request; 4] = write!("helm.toolkit.fluxcd.io", "helmreleases");
const GIT: [Request; 4] = write!("source.toolkit.fluxcd.io", "gitrepositories");
const OCI: [Request; 4] = write!("source.toolkit.fluxcd.io", "ocirepositories");
const BUCKET: [Request; 4] = write!("source.toolkit.fluxcd.io", "buckets");
const HELM: [Request; 4] = write!("source.toolkit.fluxcd.io", "helmrepositories");
const CHART: [Request; 4] = write!("source.toolkit.fluxcd.io", "helmcharts");
const APPLICATION: [Request; 4] = write!("argoproj.io", "applications");
const PROJECT: [Request; 4] = write!("argoproj.io", "appprojects");

/// What the requests write, [`EACH`] of each kind: one that creates, three that change.
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
        let [kust_new, kust_patch, kust_update, kust_read] = KUSTOMIZATION;
        let [rel_new, rel_patch, rel_update, rel_read] = HELM_RELEASE;
        let [git_new, git_patch, git_update, git_read] = GIT;
        let [oci_new, oci_patch, oci_update, oci_read] = OCI;
        let [buck_new, buck_patch, buck_update, buck_read] = BUCKET;
        let [helm_new, helm_patch, helm_update, helm_read] = HELM;
        let [chart_new, chart_patch, chart_update, chart_read] = CHART;
        let [app_new, app_patch, app_update, app_read] = APPLICATION;
        let [proj_new, proj_patch, proj_update, proj_read] = PROJECT;
        [
            kust_new, kust_patch, kust_update, kust_read, rel_new, rel_patch, rel_update, rel_read, git_new, git_patch, git_update, git_read, oci_new, oci_patch, oci_update, oci_read, buck_new, buck_patch, buck_update, buck_read, helm_new, helm_patch, helm_update, helm_read, chart_new, chart_patch, chart_update, chart_read, app_new, app_patch, app_update, app_read, proj_new, proj_patch, proj_update, proj_read,
        ]
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
    leads: Some(leads),
    proof: Some(proof),
    ..Technique::MOVE
};

fn leads(attack: &Attack<'_>, within: usize) -> Leads {
    match KINDS.get(within / EACH) {
        Some(&kind) if is_installed(attack.graph, attack.cluster, kind) => match within.is_multiple_of(EACH) {
            true => Leads::Anywhere,
            false => Leads::In(of_kind(attack, kind).into_iter().map(|own| own.namespace).collect()),
        },
        _ => Leads::In(BTreeSet::new()),
    }
}

fn build(attack: &mut Attack<'_>, done: Done) {
    let Some(&kind) = KINDS.get(done.within / EACH).filter(|_| done.first) else { return };
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

/// How many requests there are for each kind.
const EACH: usize = 4;

/// The first request of a kind creates.
fn is_creation(done: &Done) -> bool {
    done.within.is_multiple_of(EACH)
}

/// What it takes to write an object there, new or changed.
fn written(attack: &mut Attack<'_>, done: &Done, (namespace, name): (Name, Option<Name>)) -> Option<Vec<u32>> {
    let place = Place::Namespace(namespace);
    match ((done.within % EACH).checked_sub(1), name) {
        (Some(at), Some(name)) => attack.changes(done, *Change::ALL.get(at)?, place, name),
        _ => Some(vec![attack.on(done, place, None)]),
    }
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
            apply(attack, vec![done.fact], done.site.place, &controller);
            continue;
        }
        for (namespace, name) in sites(attack, done, kind) {
            if controller.watches(attack.graph, namespace)
                && let Some(needs) = written(attack, done, (namespace, name))
            {
                apply(attack, needs, Place::Namespace(namespace), &controller);
            }
        }
    }
}

/// Whoever has this has a controller apply what comes from any source.
fn apply(attack: &mut Attack<'_>, needs: Vec<u32>, place: Place, controller: &Controller) {
    let near = if controller.stays { place } else { Place::Cluster };
    let (effect, gain) = match controller.default_account {
        None => (Effect::ActAs(controller.account), Fact::Identity(controller.account)),
        Some(_) => (Effect::Any, Fact::Accounts(place)),
    };
    let is_source =
        |own: &Deputy| own.cluster == attack.cluster && own.spec == DeputySpec::Source && near.has(own.namespace);
    if attack.graph.snapshot().deputies.iter().any(is_source) {
        attack.does(&TECHNIQUE, needs.clone(), effect, gain);
    }
    let source = attack.fact(source_at(near));
    attack.does(&TECHNIQUE, needs.into_iter().chain([source]).collect(), effect, gain);
}

/// A source of Flux: for what is new, and for what uses it already.
fn source(attack: &mut Attack<'_>, done: &Done, kind: DeputyKind) {
    if is_creation(done) {
        attack.follows(vec![done.fact], source_at(Place::Cluster));
    }
    let users = [DeputyKind::Kustomization, DeputyKind::HelmRelease];
    let users: Vec<&Deputy> = users.into_iter().flat_map(|kind| of_kind(attack, kind)).collect();
    for (namespace, name) in sites(attack, done, kind) {
        let Some(needs) = written(attack, done, (namespace, name)) else { continue };
        attack.follows(needs.clone(), source_at(Place::Cluster));
        attack.follows(needs.clone(), source_at(Place::Namespace(namespace)));
        for &user in users.iter().filter(|user| uses(attack.graph, user, kind, (namespace, name))) {
            for controller in controllers(attack.graph, attack.cluster, user.kind) {
                let is_far = controller.stays && user.namespace != namespace;
                if let Some(account) = account_of(&controller, user)
                    && controller.watches(attack.graph, user.namespace)
                    && !is_far
                {
                    attack.does(done.technique, needs.clone(), Effect::ActAs(account), Fact::Identity(account));
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
            let Some(needs) = written(attack, done, (namespace, name)) else { continue };
            let (effect, gain) = (Effect::ActAs(controller.account), Fact::Identity(controller.account));
            for project in projects(attack.graph, attack.cluster, &controller, namespace) {
                match project {
                    Project::Everything => attack.does(done.technique, needs.clone(), effect, gain),
                    Project::Inside(namespaces) => {
                        for inside in namespaces {
                            let place = Place::Namespace(inside);
                            if controller.may_do_everything(attack.graph, attack.cluster, inside) {
                                let all = Fact::Everything(place);
                                attack.does(done.technique, needs.clone(), Effect::Everything(place), all);
                            } else if controller.may_run_pods(attack.graph, attack.cluster, inside) {
                                attack.runs_pods(done.technique, needs.clone(), place);
                            }
                        }
                    }
                }
            }
            let open = attack.fact(OPEN_PROJECT);
            attack.does(done.technique, needs.into_iter().chain([open]).collect(), effect, gain);
        }
    }
}

/// An AppProject of Argo CD's own namespace.
fn project(attack: &mut Attack<'_>, done: &Done) {
    for controller in controllers(attack.graph, attack.cluster, DeputyKind::Application) {
        for (namespace, name) in sites(attack, done, DeputyKind::AppProject) {
            if namespace == controller.home
                && let Some(needs) = written(attack, done, (namespace, name))
            {
                attack.follows(needs, OPEN_PROJECT);
            }
        }
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let graph = state.graph;
    let mut lacks = "nothing is written that a controller applies";
    for kind in KINDS {
        let Some(right) = writes(step, kind) else { continue };
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

/// The right by which an object of a kind is written.
fn writes(step: &StepDone, kind: DeputyKind) -> Option<&RightDone> {
    let created = step.asks(CREATE, kind.group(), kind.resource());
    created.or_else(|| step.changes(kind.group(), kind.resource()))
}

/// Whether an object of a kind in a namespace has the controller do what the step says.
fn gives(state: &State<'_>, step: &StepDone, controller: &Controller, kind: DeputyKind, place: Place) -> bool {
    let graph = state.graph;
    let asks = |kind: DeputyKind| writes(step, kind).map(|right| right.place);
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
            let may = |inside: Name| match step.effect {
                Effect::Everything(place) => {
                    place == Place::Namespace(inside) && controller.may_do_everything(graph, state.cluster, inside)
                }
                effect => {
                    controller.may_run_pods(graph, state.cluster, inside)
                        && state.new_pod_gives(effect, Place::Namespace(inside)).is_ok()
                }
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
