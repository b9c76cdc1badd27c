//! ASO-006: only the kinds that are needed.

use super::{SECURITY, Check, Checked, Found};
use rustc_hash::FxHashSet;

use crate::rules::Severity;

/// The check.
pub(super) const CHECK: Check = Check {
    id: "ASO-006",
    title: "Install only the kinds that are needed",
    why: "Each installed kind is one more thing that whoever may write all kinds can ask Azure for. Narrowing the pattern removes nothing that is installed already.",
    remedy: "Narrow --crd-pattern (crdPattern of the chart), then delete the definitions that nothing uses.",
    references: &[SECURITY, "https://azure.github.io/azure-service-operator/guide/crd-management/"],
    run,
};

fn run(world: &Checked<'_>, found: &mut Found) {
    let snapshot = world.graph.snapshot();
    let used: FxHashSet<_> = world.aso.resources().map(|(at, _)| (at.group, at.kind)).collect();
    // Whether a kind has resources is only known if they were read.
    let is_read = |plural: &str| !snapshot.gaps.iter().any(|gap| gap.resource == plural);
    let mut unused: Vec<_> = snapshot
        .aso_definitions
        .iter()
        .filter(|at| at.cluster == world.cluster && !used.contains(&(at.group, at.kind)) && is_read(world.text(at.plural)))
        .collect();
    unused.sort_by_key(|at| world.text(at.name));
    if unused.is_empty() {
        return;
    }
    let pattern = |arg: &&str| arg.strip_prefix("--crd-pattern=").is_some_and(|pattern| pattern.split(';').any(|one| one.trim() == "*"));
    let args = snapshot.aso_deployments.iter().flat_map(|at| snapshot.lists.get(at.args));
    let everything = args.map(|&arg| world.text(arg)).find(pattern);
    let names: Vec<String> = unused.iter().map(|at| world.text(at.name).to_owned()).collect();
    let severity = if everything.is_some() { Severity::Medium } else { Severity::Low };
    let what = format!("{} installed and used by nothing: {}", super::count(unused.len(), "kind"), super::listed(&names));
    let finding = found.add(severity, what);
    if everything.is_some() {
        finding.because("--crd-pattern=* installs every kind of each release");
    }
    let words: Vec<String> = unused.iter().map(|at| world.place(at.name)).collect();
    for at in unused {
        finding.object("CustomResourceDefinition", None, at.name, Some(at.origin));
    }
    let dashes = if names.iter().any(|name| name.starts_with('-')) { "-- " } else { "" };
    finding.remedy(format!("kubectl delete crd {dashes}{}", words.join(" ")));
}

#[cfg(test)]
mod tests {
    use super::super::world::*;

    const ID: &str = "ASO-006";

    #[test]
    fn a_kind_without_resources_is_found() {
        check(ID, "crd vaults.keyvault.azure.com Vault", "low 1 kind installed and used by nothing: vaults.keyvault.azure.com");
        check(ID, "operator ID1\ncrd vaults.keyvault.azure.com Vault", "medium 1 kind installed and used by nothing: vaults.keyvault.azure.com");
    }

    #[test]
    fn a_kind_that_is_used_is_needed() {
        check(ID, "crd vaults.keyvault.azure.com Vault\ncr dev/v keyvault/Vault", "");
    }

    #[test]
    fn the_kinds_of_others_are_no_matter() {
        check(ID, "yaml {apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: x.example.com}, spec: {group: example.com, scope: Namespaced, names: {plural: x, kind: X}, versions: []}}", "");
    }
}
