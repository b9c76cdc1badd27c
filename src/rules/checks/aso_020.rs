//! ASO-020: nobody in the operator namespace.

use super::{SECURITY, Check, Checked, Found};
use std::collections::BTreeMap;

use crate::graph::BindingIx;
use crate::model::{Action, Name, ResourceAction, Secret, SecretPurpose, Subject};
use crate::query::{Credential, CredentialKind, Filter, SystemFilter, Where, who_can};
use crate::rules::Severity;

/// The check.
pub(super) const CHECK: Check = Check {
    id: "ASO-020",
    title: "Let nobody act in the operator's namespace",
    why: "Whoever runs code there, asks for a token of the operator's account, or changes its Deployment, acts as the operator: with Secrets of the whole cluster, and as every identity of Azure that trusts it.",
    remedy: "Keep the namespace to the operator, and take the rights of others away.",
    references: &[SECURITY],
    run,
};

/// What is as good as the operator: verb, group, resource, subresource.
const AS_GOOD: [(&str, &str, &str, &str); 12] = [
    ("create", "", "pods", ""),
    ("create", "", "pods", "exec"),
    ("create", "", "pods", "attach"),
    ("update", "", "pods", "ephemeralcontainers"),
    ("patch", "", "pods", "ephemeralcontainers"),
    ("create", "apps", "deployments", ""),
    ("patch", "apps", "deployments", ""),
    ("update", "apps", "deployments", ""),
    ("create", "batch", "jobs", ""),
    ("create", "", "serviceaccounts", "token"),
    ("get", "", "secrets", ""),
    ("list", "", "secrets", ""),
];

fn run(world: &Checked<'_>, found: &mut Found) {
    for (_, operator) in world.aso.operators() {
        let place = world.text(operator.namespace);
        let mut rights: BTreeMap<Subject, (BindingIx, Vec<String>)> = BTreeMap::new();
        for (verb, group, resource, subresource) in AS_GOOD {
            for (subject, binding) in holders(world, (verb, group, resource, subresource), place) {
                let slash = if subresource.is_empty() { "" } else { "/" };
                let right = format!("{verb} {resource}{slash}{subresource}");
                rights.entry(subject).or_insert((binding, Vec::new())).1.push(right);
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

/// Who may do one of these there, with a binding that gives it.
fn holders(world: &Checked<'_>, (verb, group, resource, subresource): (&str, &str, &str, &str), place: &str) -> Vec<(Subject, BindingIx)> {
    let [verb, api_group, resource, subresource, namespace] = [verb, group, resource, subresource, place].map(str::to_owned);
    let action = Action::Resource(ResourceAction { verb, api_group, resource, subresource, namespace, ..ResourceAction::default() });
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
}
