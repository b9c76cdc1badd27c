//! ASO-025: trust in accounts of this cluster only.

use super::{SECURITY, Check, Checked, Found};
use crate::model::{AsoSpec, AsoValueFrom, service_account_parts};
use crate::rules::Severity;

/// The check.
pub(super) const CHECK: Check = Check {
    id: "ASO-025",
    title: "Let identities trust accounts of this cluster, and not the operator's",
    why: "A FederatedIdentityCredential lets the bearer of a token act as an identity. A subject that is no account here can be had elsewhere, one that does not exist is anybody's who may make it, and the operator's own is shared by every namespace.",
    remedy: "Delete it, or name an account that is there.",
    references: &["https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations", SECURITY],
    run,
};

fn run(world: &Checked<'_>, found: &mut Found) {
    let snapshot = world.graph.snapshot();
    let accounts_known = !snapshot.service_accounts.is_empty() && !snapshot.gaps.iter().any(|gap| gap.resource == "serviceaccounts");
    let operators: Vec<String> = world.aso.operators().map(|(_, at)| at.account.request_name(&snapshot.names)).collect();
    for (resource, _) in world.aso.resources() {
        let AsoSpec::Federated(spec) = &resource.spec else { continue };
        // What comes from a ConfigMap is not known here.
        let AsoValueFrom::Value(subject) = spec.subject else { continue };
        let subject = world.text(subject);
        let exists = |namespace: &str, name: &str| {
            snapshot.service_accounts.iter().any(|at| world.text(at.namespace) == namespace && world.text(at.name) == name)
        };
        let (severity, why) = match service_account_parts(subject) {
            _ if operators.iter().any(|own| own == subject) => (Severity::High, "the operator, which every namespace shares"),
            _ if subject.contains('*') => (Severity::High, "a subject with a wildcard"),
            None => (Severity::High, "somebody outside of this cluster"),
            Some((namespace, name)) if accounts_known && !exists(namespace, name) && name != "default" => {
                (Severity::Medium, "an account that does not exist")
            }
            Some(_) => continue,
        };
        let (place, name) = (world.text(resource.namespace), world.text(resource.name));
        let what = format!("FederatedIdentityCredential {place}/{name} trusts {why}: {subject}");
        let finding = found.add(severity, what);
        finding.object("FederatedIdentityCredential.managedidentity.azure.com", Some(resource.namespace), resource.name, Some(resource.origin));
        let operand = world.operand("federatedidentitycredentials.managedidentity.azure.com", resource.name);
        finding.remedy(format!("kubectl -n {} delete {operand}", world.place(resource.namespace)));
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::*;

    const ID: &str = "ASO-025";

    fn world(subject: &str) -> String {
        format!("operator ID1\naccount dev/app\ncr dev/f managedidentity/FederatedIdentityCredential spec: {{issuer: 'https://x', subject: '{subject}'}}")
    }

    #[test]
    fn others_are_found() {
        for (subject, severity, why) in [
            ("repo:contoso/app:ref:refs/heads/main", "high", "somebody outside of this cluster"),
            ("system:serviceaccount:aso:op", "high", "the operator, which every namespace shares"),
            ("system:serviceaccount:dev:*", "high", "a subject with a wildcard"),
            ("system:serviceaccount:dev:gone", "medium", "an account that does not exist"),
        ] {
            check(ID, &world(subject), &format!("{severity} FederatedIdentityCredential dev/f trusts {why}: {subject}"));
        }
    }

    #[test]
    fn an_account_that_is_there_is_as_it_should_be() {
        check(ID, &world("system:serviceaccount:dev:app"), "");
    }

    #[test]
    fn what_is_not_known_is_not_judged() {
        check(ID, &world("system:serviceaccount:dev:gone").replace("account dev/app\n", ""), "");
        check(ID, &world("x").replace("subject: 'x'", "subjectFromConfig: {name: m, key: k}"), "");
    }
}
