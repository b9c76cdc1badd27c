//! ASO-005: changes come from Git.

use super::{SECURITY, Check, Checked, Found};
use std::collections::BTreeMap;

use crate::model::{Name, Subject};
use crate::query::AsoRight;
use crate::rules::Severity;

/// The check.
pub(super) const CHECK: Check = Check {
    id: "ASO-005",
    title: "Let resources be written from Git, where somebody reviews them",
    why: "A resource of ASO is a change in Azure. Where Argo CD or Flux applies it, a change is seen before it is made; whoever may write the resource directly passes that by.",
    remedy: "Leave the people of the namespace the right to read, and the GitOps controller the right to write.",
    references: &[SECURITY, "https://azure.github.io/azure-service-operator/guide/best-practices/"],
    run,
};

fn run(world: &Checked<'_>, found: &mut Found) {
    let mut applied: BTreeMap<Name, usize> = BTreeMap::new();
    for (resource, _) in world.aso.resources().filter(|(resource, _)| resource.git_ops.is_some()) {
        *applied.entry(resource.namespace).or_default() += 1;
    }
    for (namespace, resources) in applied {
        let mut people = world.people(&AsoRight::Write(world.kinds), namespace);
        // The controllers have accounts; people are users and groups.
        let is_person = |subject: &Subject| !matches!(subject, Subject::ServiceAccount { .. });
        people.active.retain(is_person);
        people.dormant.retain(is_person);
        if people.is_empty() {
            continue;
        }
        let place = world.text(namespace);
        let what = format!("in namespace {place} {} may write what GitOps applies", world.people_words(&people));
        let finding = found.add(people.severity(Severity::Medium), what);
        finding.because(format!("{} there come from Git", super::count(resources, "resource")));
        finding.object("Namespace", None, namespace, None);
        finding.remedy(format!("kubectl rbac-lens who-can patch storageaccounts.storage.azure.com -n {}", world.place(namespace)));
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::*;

    const ID: &str = "ASO-005";

    const CR: &str = "operator AZURE_SUBSCRIPTION_ID: ''\ncr dev/s storage/StorageAccount labels: {argocd.argoproj.io/instance: x}";

    #[test]
    fn people_beside_git_are_found() {
        check(ID, &format!("{CR}\nrole dev/w: patch storageaccounts.storage.azure.com\nbind dev/w user:alice"), "medium in namespace dev user:alice may write what GitOps applies");
    }

    #[test]
    fn reading_and_accounts_are_as_they_should_be() {
        check(ID, &format!("{CR}\nrole dev/w: get storageaccounts.storage.azure.com\nbind dev/w user:alice"), "");
        check(ID, &format!("{CR}\nrole dev/w: patch storageaccounts.storage.azure.com\nbind dev/w sa:argocd/argo"), "");
    }

    #[test]
    fn where_nothing_comes_from_git_nothing_is_passed_by() {
        let world = CR.replace("argocd.argoproj.io/instance", "app");
        check(ID, &format!("{world}\nrole dev/w: patch storageaccounts.storage.azure.com\nbind dev/w user:alice"), "");
    }
}
