//! ASO-020: nobody in the operator namespace.

use super::{SECURITY, Check, Checked, Found};
use std::collections::BTreeMap;

use crate::graph::BindingIx;
use crate::model::{ASO_SETTINGS, Action, Name, ResourceAction, Secret, SecretPurpose, Subject};
use crate::query::{Credential, CredentialKind, Filter, Operator, SystemFilter, Where, who_can};
use crate::rules::Severity;

/// The check.
pub(super) const CHECK: Check = Check {
    id: "ASO-020",
    title: "Let nobody act in the operator's namespace",
    why: "Whoever runs code there, asks for a token of the operator's account, or changes its Deployment or its settings, acts as the operator: with Secrets of the whole cluster, and as every identity of Azure that trusts it.",
    remedy: "Keep the namespace to the operator, and take the rights of others away.",
    references: &[SECURITY],
    run,
};

/// What is as good as the operator: verb, group, resource, subresource, and the object that it must be.
const AS_GOOD: [(&str, &str, &str, &str, Object); 19] = [
    ("create", "", "pods", "", Object::Any),
    ("create", "", "pods", "exec", Object::Any),
    ("create", "", "pods", "attach", Object::Any),
    ("update", "", "pods", "ephemeralcontainers", Object::Any),
    ("patch", "", "pods", "ephemeralcontainers", Object::Any),
    ("create", "apps", "deployments", "", Object::Any),
    ("create", "apps", "daemonsets", "", Object::Any),
    ("create", "apps", "statefulsets", "", Object::Any),
    ("create", "apps", "replicasets", "", Object::Any),
    ("create", "batch", "jobs", "", Object::Any),
    ("create", "batch", "cronjobs", "", Object::Any),
    ("create", "", "replicationcontrollers", "", Object::Any),
    ("patch", "apps", "deployments", "", Object::Deployment),
    ("update", "apps", "deployments", "", Object::Deployment),
    ("create", "", "serviceaccounts", "token", Object::Account),
    ("get", "", "secrets", "", Object::Any),
    ("list", "", "secrets", "", Object::Any),
    // The settings say where the operator sends its tokens, from its next start on.
    ("patch", "", "secrets", "", Object::Settings),
    ("update", "", "secrets", "", Object::Settings),
];

/// The object that a right must reach.
#[derive(Clone, Copy)]
enum Object {
    /// Any of them: rights on some names only do not count.
    Any,
    /// The operator's Deployment.
    Deployment,
    /// The account that it runs as.
    Account,
    /// The Secret with its settings.
    Settings,
}

impl Object {
    /// Its name, or nothing where any will do.
    fn name<'g>(self, world: &Checked<'g>, operator: &Operator) -> &'g str {
        match self {
            Object::Any => "",
            Object::Deployment => operator.deployment.map_or("", |name| world.text(name)),
            Object::Account => world.text(operator.account.name()),
            Object::Settings => ASO_SETTINGS,
        }
    }
}

fn run(world: &Checked<'_>, found: &mut Found) {
    for (_, operator) in world.aso.operators() {
        let place = world.text(operator.namespace);
        let mut rights: BTreeMap<Subject, (BindingIx, Vec<String>)> = BTreeMap::new();
        for (verb, group, resource, subresource, object) in AS_GOOD {
            let slash = if subresource.is_empty() { "" } else { "/" };
            let mut right = format!("{verb} {resource}{slash}{subresource}");
            if let Object::Settings = object {
                right.push_str(&format!(" {ASO_SETTINGS}"));
            }
            let name = object.name(world, operator);
            for (subject, binding) in holders(world, [verb, group, resource, subresource, name], place) {
                rights.entry(subject).or_insert((binding, Vec::new())).1.push(right.clone());
            }
        }
        let bindings: BTreeMap<Subject, BindingIx> = rights.iter().map(|(subject, (binding, _))| (*subject, *binding)).collect();
        let people = world.sorted_out(bindings);
        for (subjects, severity) in [(&people.active, Severity::Critical), (&people.dormant, Severity::Info)] {
            for subject in subjects {
                let Some((binding, rights)) = rights.get(subject) else { continue };
                // What Secrets hold is worth what stands in them.
                let only_reads = rights.iter().all(|right| right.ends_with(" secrets"));
                let severity = if only_reads && !has_keys(world, operator.namespace) { severity.min(Severity::Medium) } else { severity };
                let who = world.names(&[*subject]);
                let finding = found.add(severity, format!("{who} may {} in {place}, the operator's namespace", super::listed(rights)));
                let binding = world.graph.binding(*binding);
                let kind = if binding.namespace.is_some() { "RoleBinding" } else { "ClusterRoleBinding" };
                finding.object(kind, binding.namespace, binding.name, Some(binding.origin));
                finding.because(format!("the operator runs as {}", operator.account.request_name(&world.graph.snapshot().names)));
                finding.remedy(match binding.namespace {
                    Some(namespace) => {
                        format!("kubectl -n {} delete {}", world.place(namespace), world.operand("rolebinding", binding.name))
                    },
                    None => format!("kubectl edit {}", world.operand("clusterrolebinding", binding.name)),
                });
            }
        }
    }
}

/// Whether a Secret of a namespace holds a token, or a key of a credential.
fn has_keys(world: &Checked<'_>, namespace: Name) -> bool {
    let snapshot = world.graph.snapshot();
    let is_token = |at: &Secret| at.namespace == namespace && matches!(at.purpose, SecretPurpose::Token(_) | SecretPurpose::Kubeconfig);
    let is_key = |own: &Credential| {
        own.secret.is_some_and(|(place, _)| place == namespace)
            && !matches!(own.kind, CredentialKind::WorkloadIdentity | CredentialKind::NodeIdentity | CredentialKind::PodIdentity)
    };
    // What is not known to be without a key may have one.
    let unseen = !snapshot.lists_secrets();
    unseen || snapshot.secrets.iter().any(is_token) || world.aso.credentials().any(|(_, own)| is_key(own))
}

/// Who may do this there (verb, group, resource, subresource, name), with a binding that gives it.
fn holders(world: &Checked<'_>, right: [&str; 5], place: &str) -> Vec<(Subject, BindingIx)> {
    let [verb, api_group, resource, subresource, name] = right.map(str::to_owned);
    let namespace = place.to_owned();
    let action = Action::Resource(ResourceAction { verb, api_group, resource, subresource, namespace, name, ..ResourceAction::default() });
    let filter = Filter { system: SystemFilter::Hide, keep: &|_| true };
    let answer = who_can(world.graph, world.cluster, &action, &Where::Namespace(place.to_owned()), filter);
    let unnamed = answer.rows.iter().filter(|row| row.resource_names == [] as [Name; 0]);
    unnamed.filter_map(|row| Some((row.subject, row.grants.first()?.binding))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::world::*;

    const ID: &str = "ASO-020";

    #[test]
    fn who_acts_there_is_found() {
        check(ID, "operator ID1\nrole aso/r: patch deployments.apps; get deployments.apps\nbind aso/r=aso/r group:ops", "critical group:ops may patch deployments in aso, the operator's namespace");
        check(ID, "operator ID1\nrole r: create pods; create pods/exec\nbind r user:alice", "critical user:alice may create pods, create pods/exec in aso, the operator's namespace");
    }

    #[test]
    fn the_operator_itself_and_who_may_do_everything_are_meant_to() {
        check(ID, "operator ID1\nrole r: get,list secrets\nbind r sa:aso/op\nrole all: * *.*\nbind all user:root", "");
    }

    #[test]
    fn reading_secrets_is_worth_what_they_hold() {
        let world = "ROLE\nrole r: get secrets\nbind aso/r=r user:alice";
        let told = "user:alice may get secrets in aso, the operator's namespace";
        let plain = "operator ID1, USE_WORKLOAD_IDENTITY_AUTH: 'true'";
        check(ID, &world.replace("ROLE", plain), &format!("medium {told}"));
        check(ID, &world.replace("ROLE", "operator ID1, AZURE_CLIENT_SECRET: x"), &format!("critical {told}"));
        check(ID, &format!("{}\nsecret aso/t kubernetes.io/service-account-token", world.replace("ROLE", plain)), &format!("critical {told}"));
    }

    #[test]
    fn looking_on_and_other_namespaces_are_no_matter() {
        check(ID, "operator ID1\nrole r: get pods,deployments.apps\nbind aso/r=r user:alice\nrole e: create pods\nbind dev/e=e user:alice", "");
        check(ID, "operator ID1\nrole r: get secrets other\nbind aso/r=r user:alice", "");
    }

    #[test]
    fn every_workload_runs_code_there() {
        for workload in ["daemonsets.apps", "statefulsets.apps", "replicasets.apps", "jobs.batch", "cronjobs.batch", "replicationcontrollers"] {
            let (plural, _) = workload.split_once('.').unwrap_or((workload, ""));
            let world = |verb| format!("operator ID1\nrole r: {verb} {workload}\nbind aso/r=r user:eve");
            check(ID, &world("create"), &format!("critical user:eve may create {plural} in aso, the operator's namespace"));
            check(ID, &world("get,list,delete"), "");
        }
    }

    #[test]
    fn the_settings_are_its_secret_of_that_name() {
        let world = |secrets: &str| format!("operator ID1, USE_WORKLOAD_IDENTITY_AUTH: 'true'\nrole r: {secrets}\nbind aso/r=r user:mallory");
        let told = |right: &str| format!("critical user:mallory may {right} in aso, the operator's namespace");
        check(ID, &world("patch secrets aso-controller-settings"), &told("patch secrets aso-controller-settings"));
        check(ID, &world("update secrets"), &told("update secrets aso-controller-settings"));
        check(ID, &world("get,patch secrets"), &told("get secrets, patch secrets aso-controller-settings"));
        for other in ["patch,update secrets other", "delete secrets aso-controller-settings", "create secrets"] {
            check(ID, &world(other), "");
        }
        check(ID, &world("patch secrets").replace("aso/r", "dev/r"), "");
    }

    #[test]
    fn a_right_on_the_operators_own_objects_is_enough() {
        let world = |right: &str| format!("operator ID1\nrole r: {right}\nbind aso/r=r user:alice");
        let told = |right: &str| format!("critical user:alice may {right} in aso, the operator's namespace");
        check(ID, &world("patch deployments.apps manager"), &told("patch deployments"));
        check(ID, &world("create serviceaccounts/token op"), &told("create serviceaccounts/token"));
        check(ID, &world("patch deployments.apps other; create serviceaccounts/token other"), "");
    }
}
