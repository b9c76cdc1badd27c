//! ASO-022: no admin kubeconfig in a Secret.

use super::{SECURITY, Check, Checked, Found};
use crate::model::AsoSpec;
use crate::query::AsoRight;
use crate::rules::Severity;

/// The check.
pub(super) const CHECK: Check = Check {
    id: "ASO-022",
    title: "Do not export the admin kubeconfig of a cluster",
    why: "operatorSpec.secrets.adminCredentials puts a kubeconfig with all rights on a cluster into a Secret, where everybody reads it who reads Secrets of the namespace, or mounts them. It passes Entra by.",
    remedy: "Take the export away and delete the Secret, switch local accounts of the cluster off, and rotate its certificates.",
    references: &["https://learn.microsoft.com/azure/aks/manage-local-accounts-managed-azure-ad", SECURITY],
    run,
};

fn run(world: &Checked<'_>, found: &mut Found) {
    for (resource, _) in world.aso.resources() {
        let Some(export) = resource.exports.iter().find(|at| world.text(at.what) == "adminCredentials") else { continue };
        let group = world.text(resource.group);
        if !matches!(group, "containerservice.azure.com" | "redhatopenshift.azure.com") {
            continue;
        }
        // Azure gives out no admin kubeconfig then.
        if matches!(&resource.spec, AsoSpec::Cluster(spec) if spec.local_accounts_off == Some(true)) {
            continue;
        }
        let people = world.people(&AsoRight::ReadSecret(export.secret), resource.namespace);
        let severity = if people.active.is_empty() { Severity::High } else { Severity::Critical };
        let (place, name, secret) = (world.text(resource.namespace), world.text(resource.name), world.text(export.secret));
        let kind = world.text(resource.kind);
        let what = format!("{kind} {place}/{name} puts its admin kubeconfig into Secret {place}/{secret}");
        let finding = found.add(severity, what);
        if !people.is_empty() {
            finding.because(format!("{} may read it", world.people_words(&people)));
        }
        finding.object(&format!("{kind}.{group}"), Some(resource.namespace), resource.name, Some(resource.origin));
        finding.object("Secret", Some(resource.namespace), export.secret, None);
        let plural = resource.known.map_or(kind, |kind| kind.facts().plural);
        let (place, operand) = (world.place(resource.namespace), world.operand(&format!("{plural}.{group}"), resource.name));
        finding.remedy(format!(
            "kubectl -n {place} patch {operand} --type=json -p='[{{\"op\": \"remove\", \"path\": \"/spec/operatorSpec/secrets/adminCredentials\"}}]'"
        ));
        finding.remedy(format!("kubectl -n {place} delete {}", world.operand("secret", export.secret)));
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::*;

    const ID: &str = "ASO-022";

    const CLUSTER: &str = "operator ID1\ncr dev/aks containerservice/ManagedCluster spec: {operatorSpec: {secrets: {adminCredentials: {name: k, key: c}}}}";

    #[test]
    fn the_export_is_found_and_worse_where_it_is_read() {
        check(ID, CLUSTER, "high ManagedCluster dev/aks puts its admin kubeconfig into Secret dev/k");
        check(ID, &format!("{CLUSTER}\nrole r: get secrets\nbind dev/r=r user:alice"), "critical ManagedCluster dev/aks puts its admin kubeconfig into Secret dev/k");
    }

    #[test]
    fn that_of_users_is_another() {
        check(ID, &CLUSTER.replace("adminCredentials", "userCredentials"), "");
    }

    #[test]
    fn without_local_accounts_there_is_none() {
        check(ID, &CLUSTER.replace("spec: {", "spec: {disableLocalAccounts: true, "), "");
        check(ID, &CLUSTER.replace("containerservice/ManagedCluster", "storage/StorageAccount"), "");
    }
}
