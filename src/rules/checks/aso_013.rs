//! ASO-013: the global credential serves only who is meant.

use super::{SCOPES, SECURITY, Check, Checked, Found, People};
use std::collections::BTreeMap;

use crate::graph::BindingIx;
use crate::model::{Action, Name, ResourceAction, Subject};
use crate::query::{AsoRight, Filter, Outcome, Step, SystemFilter, Targets, Where, who_can};
use crate::rules::Severity;

/// The check.
pub(super) const CHECK: Check = Check {
    id: "ASO-013",
    title: "Let the global credential serve only the namespaces that are meant",
    why: "Whoever may write a resource of ASO in a namespace without a credential of its own acts by the global one; so does whoever may make namespaces.",
    remedy: "Set AZURE_TARGET_NAMESPACES, and give each target an aso-credential.",
    references: &[SCOPES, SECURITY],
    run,
};

fn run(world: &Checked<'_>, found: &mut Found) {
    for (ix, operator) in world.aso.operators().filter(|(_, at)| at.is_active() && at.global.is_some()) {
        let mut people = People::default();
        let mut places = Vec::new();
        for namespace in world.targets() {
            if world.aso.reconcilers(namespace).next() != Some(ix) {
                continue;
            }
            let used = world.aso.default_of(namespace);
            if used.step != Step::Global || !matches!(used.outcome, Outcome::Uses(_)) {
                continue;
            }
            let own = world.people(&AsoRight::Write(world.kinds), namespace);
            if !own.is_empty() {
                places.push(namespace);
                people.active.extend(own.active);
                people.dormant.extend(own.dormant);
            }
        }
        for list in [&mut people.active, &mut people.dormant] {
            list.sort_unstable();
            list.dedup();
        }
        // Whoever writes everywhere and makes namespaces is among those who were found where any namespace is served by now.
        let makers = if people.is_empty() && !matches!(operator.targets, Targets::Only(_)) { makers(world) } else { BTreeMap::new() };
        let making = world.sorted_out(makers.clone());
        let open = operator.targets == Targets::All;
        let place = world.text(operator.namespace);
        let (severity, what) = match (people.is_empty(), open) {
            (false, _) => (
                people.severity(Severity::High),
                format!("in {} {} may act by the global credential", world.namespaces(&places), world.people_words(&people)),
            ),
            (true, _) if !making.is_empty() => (
                making.severity(Severity::High),
                format!("{} may make a namespace and act by the global credential there", world.people_words(&making)),
            ),
            (true, true) => (
                Severity::Low,
                format!("the global credential of the operator in {place} serves every namespace, those of tomorrow too"),
            ),
            (true, false) => continue,
        };
        let finding = found.add(severity, what);
        if open {
            finding.because("AZURE_TARGET_NAMESPACES is empty, so that every namespace is a target");
        }
        for namespace in places {
            finding.object("Namespace", None, namespace, None);
        }
        for subject in making.active.iter().chain(&making.dormant) {
            let Some(&at) = makers.get(subject) else { continue };
            let own = world.graph.binding(at);
            finding.object("ClusterRoleBinding", None, own.name, Some(own.origin));
        }
        let place = world.place(operator.namespace);
        finding.remedy(format!("kubectl -n {place} patch secret aso-controller-settings -p '{{\"stringData\": {{\"AZURE_TARGET_NAMESPACES\": \"...\"}}}}'"));
    }
}

/// Who may make namespaces and write resources in those that are new, with the binding by which they make them.
fn makers(world: &Checked<'_>) -> BTreeMap<Subject, BindingIx> {
    let [verb, resource] = ["create", "namespaces"].map(str::to_owned);
    let action = Action::Resource(ResourceAction { verb, resource, ..ResourceAction::default() });
    let filter = Filter { system: SystemFilter::Hide, keep: &|_| true };
    let rows = who_can(world.graph, world.cluster, &action, &Where::Cluster, filter).rows;
    let unnamed = rows.iter().filter(|row| row.resource_names == [] as [Name; 0]);
    // A namespace that is new has no bindings of its own.
    let writers = world.rights.holders(&AsoRight::Create(world.kinds), Name::EMPTY);
    let both = unnamed.filter(|row| writers.contains_key(&row.subject));
    both.filter_map(|row| Some((row.subject, row.grants.first()?.binding))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::world::*;

    const ID: &str = "ASO-013";

    const WRITER: &str = "role w: create storageaccounts.storage.azure.com\nbind dev/w=w user:alice";

    #[test]
    fn who_writes_by_it_is_found() {
        check(ID, &format!("operator ID1\n{WRITER}"), "high in dev user:alice may act by the global credential");
        check(ID, "operator ID1", "low the global credential of the operator in aso serves every namespace, those of tomorrow too");
    }

    #[test]
    fn a_credential_of_its_own_and_targets_keep_it_away() {
        check(ID, &format!("operator ID1, AZURE_TARGET_NAMESPACES: 'dev,aso'\n{WRITER}\ncredential dev/aso-credential ID2"), "");
        check(ID, &format!("operator ID1, AZURE_TARGET_NAMESPACES: prod\n{WRITER}"), "");
    }

    #[test]
    fn a_broken_credential_does_not_fall_back() {
        check(ID, &format!("operator ID1, AZURE_TARGET_NAMESPACES: 'dev'\n{WRITER}\ncredential dev/aso-credential AZURE_CLIENT_ID: x"), "");
    }

    #[test]
    fn who_makes_namespaces_makes_one_that_is_served() {
        let world = |rule: &str, bind: &str| {
            format!("operator ID1\ncredential aso/aso-credential ID2\ncredential dev/aso-credential ID2\nrole m: {rule}\nbind {bind} user:nina")
        };
        let both = "create namespaces; create storageaccounts.storage.azure.com";
        let told = "high user:nina may make a namespace and act by the global credential there";
        let open = "low the global credential of the operator in aso serves every namespace, those of tomorrow too";
        check(ID, &world(both, "m"), told);
        // Not in the new one, not without the one or the other, and not who may do everything.
        check(ID, &world(both, "dev/m=m"), open);
        for rule in ["create namespaces", "create storageaccounts.storage.azure.com", &both.replace("create storage", "delete storage"), "* *.*"] {
            check(ID, &world(rule, "m"), open);
        }
        let targets = |all: &str| world(both, "m").replace("operator ID1", &format!("operator ID1, AZURE_TARGET_NAMESPACES: '{all}'"));
        check(ID, &targets("dev,aso"), "");
    }
}
