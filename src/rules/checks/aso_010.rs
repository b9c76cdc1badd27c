//! ASO-010: credentials that do not work.

use super::{FORMAT, SCOPES, Check, Checked, Found};
use crate::query::CredentialProblem;
use crate::rules::Severity;

/// The check.
pub(super) const CHECK: Check = Check {
    id: "ASO-010",
    title: "Keep credentials whole",
    why: "A credential that lacks an entry fails every resource that asks for it, and does not fall back. Whoever repairs it in a hurry deletes it, and the namespace is served by the global one.",
    remedy: "Put the missing entry in, or the right name into the annotation.",
    references: &[FORMAT, SCOPES],
    run,
};

fn run(world: &Checked<'_>, found: &mut Found) {
    for row in &world.rows {
        let own = world.credential(row.credential);
        let Some((problem, (namespace, name))) = own.problem.zip(own.secret) else { continue };
        let (place, secret) = (world.place(namespace), world.operand("secret", name));
        let what = format!("{} {}", world.holder(own), words(problem));
        let finding = found.add(Severity::Medium, what);
        finding.because(super::count(row.resources.len(), "resource") + " fail for it");
        finding.object("Secret", Some(namespace), name, None);
        finding.remedy(match problem {
            CredentialProblem::MissingKey(key) => {
                format!("kubectl -n {place} patch {secret} -p '{{\"stringData\": {{\"{key}\": \"...\"}}}}'")
            }
            _ => format!("kubectl -n {place} edit {secret}"),
        });
    }
    for failing in world.aso.failing(None) {
        // That there is no credential anywhere may be meant so.
        if failing.problem == CredentialProblem::NoCredential {
            continue;
        }
        let place = world.text(failing.namespace);
        let resources = super::count(failing.resources.len(), "resource");
        let what = format!("in namespace {place} the annotation credential-from of {resources} {}", words(failing.problem));
        let finding = found.add(Severity::Medium, what);
        for (resource, _) in &failing.resources {
            let kind = format!("{}.{}", world.text(resource.kind), world.text(resource.group));
            finding.object(&kind, Some(resource.namespace), resource.name, Some(resource.origin));
        }
        let place = world.place(failing.namespace);
        finding.remedy(format!("kubectl -n {place} annotate KIND NAME --overwrite serviceoperator.azure.com/credential-from=SECRET"));
    }
}

fn words(problem: CredentialProblem) -> String {
    match problem {
        CredentialProblem::MissingKey(key) => format!("has no {key}"),
        CredentialProblem::UnknownAuthMode => "has an AUTH_MODE that is neither workloadidentity nor podidentity".to_owned(),
        CredentialProblem::IncompleteCloud => "has some of the three entries that name a cloud".to_owned(),
        CredentialProblem::CloudNotAllowed => "names a cloud, which the operator does not allow".to_owned(),
        CredentialProblem::SecretMissing => "does not exist, and is asked for".to_owned(),
        CredentialProblem::CrossNamespace => "names another namespace".to_owned(),
        CredentialProblem::EmptyName => "is empty".to_owned(),
        CredentialProblem::NoCredential => "finds no credential".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::*;

    const ID: &str = "ASO-010";

    const FROM: &str = "cr dev/s storage/StorageAccount annotations: {serviceoperator.azure.com/credential-from: own}";

    #[test]
    fn what_is_broken_is_found() {
        check(ID, "operator ID1\ncredential dev/aso-credential AZURE_CLIENT_ID: x", "medium Secret dev/aso-credential has no AZURE_SUBSCRIPTION_ID");
        check(ID, &format!("operator ID1\n{FROM}"), "medium Secret dev/own does not exist, and is asked for");
        check(ID, &format!("operator ID1\n{}", FROM.replace("own", "prod/own")), "medium in namespace dev the annotation credential-from of 1 resource names another namespace");
    }

    #[test]
    fn what_is_whole_is_not() {
        check(ID, &format!("operator ID1\n{FROM}\ncredential dev/own ID2"), "");
    }

    #[test]
    fn half_a_secret_that_nobody_asks_for_is_somebody_elses() {
        check(ID, "operator ID1\ncredential dev/app AZURE_CLIENT_ID: x\ncr dev/s storage/StorageAccount", "");
    }
}
