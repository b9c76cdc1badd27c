//! What findings are about, in words.

use crate::graph::{AccessGraph, BindingIx};
use crate::model::{Name, Thing};
use crate::render::azure::scope_words;
use crate::render::evidence::{binding_out, subject_column};
use crate::rules::{AzureGain, AzureStep, AzureTarget, Power, Sure, Types, Who, has_roles};
use crate::rules::{Effect, Place, PodIx, RightDone, RoleKey, SecretIx, Start, StepDone, Target};

pub(in crate::render) fn start_words(graph: &AccessGraph, start: Start) -> String {
    match start {
        Start::Subject(subject) => subject_column(graph, subject),
        Start::Pod(pod) => pod_words(graph, pod),
        Start::Pods(namespace) => format!("any pod of {}", graph.text(namespace)),
        Start::Azure(who) => identity_words(graph, who),
    }
}

pub(super) fn pod_thing(graph: &AccessGraph, at: PodIx) -> Thing {
    let pod = &graph.snapshot().pods[at.0 as usize];
    Thing::Pod(graph.text(pod.namespace).to_owned(), graph.text(pod.name).to_owned())
}

pub(super) fn secret_thing(graph: &AccessGraph, at: SecretIx) -> Thing {
    let secret = &graph.snapshot().secrets[at.0 as usize];
    Thing::Secret(graph.text(secret.namespace).to_owned(), graph.text(secret.name).to_owned())
}

pub(super) fn pod_words(graph: &AccessGraph, at: PodIx) -> String {
    let pod = &graph.snapshot().pods[at.0 as usize];
    format!("pod {}/{}", graph.text(pod.namespace), graph.text(pod.name))
}

pub(super) fn secret_words(graph: &AccessGraph, at: SecretIx) -> String {
    let secret = &graph.snapshot().secrets[at.0 as usize];
    format!("Secret {}/{}", graph.text(secret.namespace), graph.text(secret.name))
}

pub(super) fn node_words(graph: &AccessGraph, node: Option<Name>) -> String {
    node.map_or("any node".to_owned(), |node| format!("node {}", graph.text(node)))
}

pub(super) fn who(graph: &AccessGraph, from: &[Start], wide: bool) -> String {
    let names: Vec<String> = from.iter().map(|&start| start_words(graph, start)).collect();
    match names.as_slice() {
        [a, b, rest @ ..] if !wide && rest.len() > 1 => format!("{a}, {b}, +{}", rest.len()),
        all => all.join(", "),
    }
}

pub(in crate::render) fn count(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

pub(in crate::render) fn binding_words(graph: &AccessGraph, at: BindingIx) -> String {
    let binding = binding_out(graph, at);
    match binding.namespace {
        Some(namespace) => format!("{} {namespace}/{}", binding.kind, binding.name),
        None => format!("{} {}", binding.kind, binding.name),
    }
}

pub(in crate::render) fn target_words(graph: &AccessGraph, target: Target) -> String {
    match target {
        Target::ClusterAdmin => "cluster-admin".to_owned(),
        Target::NamespaceAdmin(Place::Namespace(namespace)) => format!("admin of {}", graph.text(namespace)),
        Target::NamespaceAdmin(_) => "admin of every namespace".to_owned(),
        Target::Secrets(Place::Namespace(namespace)) => format!("Secrets of {}", graph.text(namespace)),
        Target::Secrets(_) => "Secrets of every namespace".to_owned(),
        Target::Node(node) => node_words(graph, node),
        Target::Kubeconfig(secret) => format!("the cluster of {}", secret_words(graph, secret)),
        Target::Secret(secret) => secret_words(graph, secret),
        Target::Pod(pod) => pod_words(graph, pod),
        Target::Subject(subject) => subject_column(graph, subject),
        Target::Azure(target) => azure_target_words(graph, target),
        Target::Access => "what was asked".to_owned(),
    }
}

pub(super) fn place_words(graph: &AccessGraph, place: Place) -> String {
    match place {
        Place::Cluster => "in the whole cluster".to_owned(),
        Place::EachNamespace => "in every namespace".to_owned(),
        Place::Namespace(namespace) => format!("in {}", graph.text(namespace)),
    }
}

pub(in crate::render) fn role_words(graph: &AccessGraph, role: RoleKey) -> String {
    let name = graph.text(role.name);
    match (role.namespace, name) {
        (None, "") => "a new ClusterRole".to_owned(),
        (None, name) => format!("ClusterRole {name}"),
        (Some(_), "") => "a new Role".to_owned(),
        (Some(namespace), name) => format!("Role {}/{name}", graph.text(namespace)),
    }
}

/// What a step does, and by what exactly.
pub(super) fn step_words(graph: &AccessGraph, step: &StepDone) -> String {
    let more = step.words(graph).map(|words| format!(": {words}")).unwrap_or_default();
    let with = step.with.iter().map(|&part| subject_column(graph, part)).collect::<Vec<String>>().join(" and ");
    let with = if with.is_empty() { with } else { format!(" and {with} in one identity") };
    [effect_words(graph, step.effect), with, more].concat()
}

pub(in crate::render) fn effect_words(graph: &AccessGraph, effect: Effect) -> String {
    match effect {
        Effect::Bind { role, place, binding } => {
            let by = match binding {
                Some(binding) => format!("as one more subject of {}", binding_words(graph, binding)),
                None if place == Place::Cluster => "by a new ClusterRoleBinding".to_owned(),
                None => "by a new RoleBinding".to_owned(),
            };
            format!("bind {} {}, {by}", role_words(graph, role), place_words(graph, place))
        }
        Effect::Write { role, place } => {
            format!("write any rules into {}, which is held {}", role_words(graph, role), place_words(graph, place))
        }
        Effect::Feed { role, place } => format!(
            "write any rules into a ClusterRole that is united into {}, which is held {}",
            role_words(graph, role),
            place_words(graph, place)
        ),
        Effect::Create(subject) => format!("create {}", subject_column(graph, subject)),
        Effect::ActAs(subject) => format!("act as {}", subject_column(graph, subject)),
        Effect::Everything(place) => format!("everything is held {}", place_words(graph, place)),
        Effect::NamespaceAdmin(place) => format!("administration is held {}", place_words(graph, place)),
        Effect::Secrets(place) => format!("Secrets are read {}", place_words(graph, place)),
        Effect::Secret(secret) => format!("read {}", secret_words(graph, secret)),
        Effect::Pod(pod) => format!("run code in {}", pod_words(graph, pod)),
        Effect::Container(pod) => format!("add a container to {}", pod_words(graph, pod)),
        Effect::NewPod(place) => format!("run a new pod {}", place_words(graph, place)),
        Effect::Relax(place) => format!("have any pod admitted {}", place_words(graph, place)),
        Effect::Node(node) => format!("be root on {}", node_words(graph, node)),
        Effect::Kubeconfig(secret) => {
            format!("use the credentials of another cluster in {}", secret_words(graph, secret))
        }
        Effect::Azure(step) => azure_words(graph, step),
        Effect::Unguard => "have nothing but Pod Security judge new pods".to_owned(),
        Effect::Any => String::new(),
    }
}

pub(in crate::render) fn right_words(graph: &AccessGraph, right: &RightDone) -> String {
    let group = if right.api_group.is_empty() || right.api_group == "*" {
        String::new()
    } else {
        format!(".{}", right.api_group)
    };
    let name = right.name.map(|name| format!(" {}", graph.text(name))).unwrap_or_default();
    format!("{} {}{group}{name} {}", right.verb, right.resource, place_words(graph, right.place))
}

/// An identity, by its name or the only id that is known of it.
pub(in crate::render) fn identity_words(graph: &AccessGraph, who: Who) -> String {
    match who {
        Who::Principal(at) => match graph.azure_names().principal(at) {
            Some(known) => format!("{} {}", if known.is_group { "Entra group" } else { "identity" }, known.name),
            None => "an identity".to_owned(),
        },
        Who::Client(id) => format!("identity {}", graph.text(id)),
    }
}

fn azure_target_words(graph: &AccessGraph, target: AzureTarget) -> String {
    match target {
        AzureTarget::Power { scope, power, types, .. } => {
            format!("{} on {}", power_words(power, types), scope_words(graph.azure_names().scope(scope)))
        }
        AzureTarget::Identity(who) if has_roles(graph, who) => identity_words(graph, who),
        AzureTarget::Identity(who) => format!("{}: roles unknown", identity_words(graph, who)),
        AzureTarget::Cluster(cluster) => format!("admin of the cluster {}", graph.azure_names().cluster(cluster).0),
    }
}

fn power_words(power: Power, types: Option<Types>) -> String {
    let Some(types) = types else { return power.as_str().to_owned() };
    let more = if types.more > 0 { format!(", +{}", types.more) } else { String::new() };
    let kind = types.first.facts();
    let last = kind.arm_type.and_then(|own| own.rsplit('/').next()).unwrap_or(kind.plural);
    format!("{} ({last}{more})", power.as_str())
}

fn azure_words(graph: &AccessGraph, step: AzureStep) -> String {
    let names = graph.azure_names();
    match step.gain {
        AzureGain::Through(who) => {
            let namespace = step.namespace.map(|namespace| match namespace {
                Name::STAR => " on what is written in a namespace that is new".to_owned(),
                _ => format!(" on what is written in {}", graph.text(namespace)),
            });
            let credential = step.credential.map(|(namespace, name)| {
                format!(", by the credential in Secret {}/{}", graph.text(namespace), graph.text(name))
            });
            let who = identity_words(graph, who);
            format!("ASO acts as {who}{}{}", namespace.unwrap_or_default(), credential.unwrap_or_default())
        }
        AzureGain::Token(who) => format!("get tokens of {}", identity_words(graph, who)),
        AzureGain::Power(scope, power, types) => format!("{} on {}", power_words(power, types), names.scope(scope)),
        AzureGain::Undenied(scope, one) => {
            let what = match one {
                Some(one) => format!("the deny assignment `{}` of", graph.azure().deny(one).name),
                None => "deny assignments of several scopes, such as".to_owned(),
            };
            format!("delete {what} {}", names.scope(scope))
        }
        AzureGain::Cluster(cluster) => format!("administer the cluster {}", names.cluster(cluster).0),
        AzureGain::ThisCluster => "administer this cluster".to_owned(),
        AzureGain::TheseNodes => "be root on the nodes of this cluster".to_owned(),
        AzureGain::Secrets(place) => format!("read the Secrets {}", place_words(graph, place)),
        AzureGain::Resources(place) => format!("write ASO resources {}", place_words(graph, place)),
        AzureGain::NewPod(place) => format!("run a new pod {}", place_words(graph, place)),
        AzureGain::Labels(place) => format!("have any pod admitted {}", place_words(graph, place)),
        AzureGain::Account(account) => format!("act as {}", subject_column(graph, account)),
        AzureGain::Any => String::new(),
    }
}

/// What allows a step in Azure: whose role, where, and for which action.
pub(in crate::render) fn azure_evidence(graph: &AccessGraph, step: AzureStep) -> Option<String> {
    let names = graph.azure_names();
    let (action, assignment) = step.action?;
    let assigned = names.assignment(assignment)?;
    let who = names.principal(assigned.principal).map_or("", |known| known.name.as_str());
    // Whoever has it by a group is named as well.
    let member = match step.by {
        Some(Who::Principal(by)) if by != assigned.principal => names.principal(by),
        _ => None,
    };
    let member = member.map(|known| format!(" (member {})", known.name)).unwrap_or_default();
    let action = if action.is_empty() { String::new() } else { format!(" allows {action}") };
    let sure = match step.sure {
        Sure::Yes | Sure::Denied => "",
        Sure::Conditional => ", under a condition",
        Sure::Unknown => ", if what was not read lets it",
        Sure::Eligible => ", once it is activated",
    };
    Some(format!("role {} of {who}{member} on {}{action}{sure}", assigned.role, names.scope(assigned.scope)))
}
