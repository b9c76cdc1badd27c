//! ASO-001: workload identity for every credential.

use super::{AUTHENTICATION, FORMAT, Check, Checked, Found, CredentialKind};
use crate::rules::Severity;

/// The check.
pub(super) const CHECK: Check = Check {
    id: "ASO-001",
    title: "Use workload identity for every credential",
    why: "A client secret or certificate that stands in a Secret is a key to Azure for whoever reads it, outside of the cluster too, and until it expires. \
          With workload identity the Secret holds three ids and nothing else.",
    remedy: "Federate a user-assigned identity with the operator's account, take the key out of the Secret, and revoke it in Azure.",
    references: &[AUTHENTICATION, FORMAT],
    run,
};

fn run(world: &Checked<'_>, found: &mut Found) {
    for row in world.rows.iter().filter(|row| world.is_used(row)) {
        let own = world.credential(row.credential);
        let (severity, what, entry) = match own.kind {
            CredentialKind::ClientSecret => (Severity::High, "a client secret", Some("AZURE_CLIENT_SECRET")),
            CredentialKind::Certificate => (Severity::High, "a certificate with its key", Some("AZURE_CLIENT_CERTIFICATE")),
            CredentialKind::PodIdentity => (Severity::Medium, "pod identity, by which any pod of the node may act", Some("AUTH_MODE")),
            CredentialKind::NodeIdentity => (Severity::Medium, "the identity of the operator's node", None),
            CredentialKind::IdentityFile | CredentialKind::WorkloadIdentity | CredentialKind::Unknown => continue,
        };
        let place = world.holder(own);
        let finding = found.add(severity, format!("{place} is {what}"));
        finding.because(super::count(row.resources.len(), "resource") + " use it");
        let Some((namespace, name)) = own.secret else {
            finding.remedy("set USE_WORKLOAD_IDENTITY_AUTH to true in the operator's Deployment");
            continue;
        };
        finding.object("Secret", Some(namespace), name, None);
        let (namespace, secret) = (world.place(namespace), world.operand("secret", name));
        finding.remedy(match entry {
            Some(entry) => format!(
                "kubectl -n {namespace} patch {secret} --type=json -p='[{{\"op\": \"remove\", \"path\": \"/data/{entry}\"}}]'"
            ),
            None => format!("kubectl -n {namespace} patch {secret} -p '{{\"stringData\": {{\"USE_WORKLOAD_IDENTITY_AUTH\": \"true\"}}}}'"),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::*;

    const ID: &str = "ASO-001";

    #[test]
    fn a_long_lived_key_is_found() {
        check(ID, "operator ID1\ncredential dev/aso-credential ID2, AZURE_CLIENT_SECRET: x", "high Secret dev/aso-credential is a client secret\nmedium Secret aso/aso-controller-settings is the identity of the operator's node");
        check(ID, "operator USE_WORKLOAD_IDENTITY_AUTH: 'true', ID1\ncredential dev/aso-credential ID2, AUTH_MODE: podidentity", "medium Secret dev/aso-credential is pod identity, by which any pod of the node may act");
    }

    #[test]
    fn workload_identity_is_as_it_should_be() {
        check(ID, "operator ID1, USE_WORKLOAD_IDENTITY_AUTH: 'true', AZURE_CLIENT_SECRET: x\ncredential dev/aso-credential ID2", "");
    }

    #[test]
    fn a_secret_that_no_resource_asks_for_is_nobodys_credential() {
        let world = "operator AZURE_SUBSCRIPTION_ID: ''\ncredential dev/app ID2, AZURE_CLIENT_SECRET: x";
        check(ID, world, "");
        let asked = format!("{world}\ncr dev/s storage/StorageAccount annotations: {{serviceoperator.azure.com/credential-from: app}}");
        check(ID, &asked, "high Secret dev/app is a client secret");
    }
}
