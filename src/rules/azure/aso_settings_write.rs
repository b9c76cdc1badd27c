//! `aso-settings-write`: write the settings of the operator.

use super::facts::{AzureFact, AzureGain, AzureStep};
use crate::model::{ASO_SETTINGS, Name};
use crate::rules::attack::{Attack, Done, Effect, Fact, Place};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{At, Blocker, Change, Confidence, Leads, Technique, changes};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "aso-settings-write",
    title: "Write the settings of the operator",
    requests: &changes!("", "secrets", At::Namespace),
    gain: "every role of any identity that trusts the operator, from anywhere and with no limit to kinds",
    why: "The Secret aso-controller-settings is the environment of the operator: as whom it logs in to Azure \
          (AZURE_CLIENT_ID), and at which address it finds the resource manager (AZURE_RESOURCE_MANAGER_ENDPOINT), to which \
          it then sends its tokens. It is read when the operator starts, so that what is written there waits for the next \
          start.",
    remedy: "Let nobody but those who run ASO write Secrets in its namespace.",
    confidence: Confidence::Inferred,
    attack: &["T1528", "T1078.004"],
    references: &[
        "https://azure.github.io/azure-service-operator/guide/aso-controller-settings-options/",
        "https://azure.github.io/azure-service-operator/guide/authentication/credential-scope/",
    ],
    build: Some(build),
    leads: Some(leads),
    proof: Some(proof),
    ..Technique::MOVE
};

/// Only in the namespaces of operators.
fn leads(attack: &Attack<'_>, _: usize) -> Leads {
    let operators = attack.bridge.iter().flat_map(|bridge| bridge.aso.operators());
    Leads::In(operators.map(|(_, operator)| operator.namespace).collect())
}

/// The settings are changed: a Secret that is there.
fn build(attack: &mut Attack<'_>, done: Done) {
    let Some(bridge) = attack.bridge.clone().filter(|_| done.first) else { return };
    let settings = attack.graph.snapshot().names.find(ASO_SETTINGS);
    let Some((&how, settings)) = Change::ALL.get(done.within).zip(settings) else { return };
    if done.site.object.is_some_and(|name| name != settings) {
        return;
    }
    let namespaces = attack.namespaces_of(done.site.place);
    for (_, operator) in bridge.aso.operators().filter(|(_, operator)| namespaces.contains(&operator.namespace)) {
        if attack.secrets_in(operator.namespace, Some(settings)).is_empty() {
            continue;
        }
        let place = Place::Namespace(operator.namespace);
        let Some(needs) = attack.changes(&done, how, place, settings) else { continue };
        // What need not wait for a start comes first where it leads as far, though it takes some steps more.
        let mut later = |need| (0..4).fold(need, |need, _| attack.late(need));
        let needs: Vec<u32> = needs.into_iter().map(&mut later).collect();
        // A password that lies there is read as it is written.
        for who in bridge.trusting(operator.account) {
            let step = AzureStep {
                namespace: Some(operator.namespace),
                credential: Some((operator.namespace, settings)),
                ..AzureStep::new(AzureGain::Token(who))
            };
            let what = "the settings are read when the operator starts the next time".to_owned();
            let blockers = vec![Blocker { what, stops: false }];
            let fact = Fact::Azure(AzureFact::Token(who));
            attack.does_unless(&TECHNIQUE, needs.clone(), Effect::Azure(step), fact, blockers);
        }
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let Effect::Azure(AzureStep { gain: AzureGain::Token(who), namespace: Some(namespace), .. }) = step.effect else {
        return Err("no identity is gained".to_owned());
    };
    let right = step.changes("", "secrets").ok_or("no Secret is changed")?;
    state.with_bridge(|bridge| {
        let is_settings = |name: Name| bridge.access.text(name) == ASO_SETTINGS;
        let changed = right.place == Place::Namespace(namespace) && right.name.is_none_or(is_settings);
        let mut operators = bridge.aso.operators().filter(|(_, operator)| operator.namespace == namespace);
        if changed && operators.any(|(_, operator)| bridge.trusting(operator.account).any(|own| own == who)) {
            Ok(())
        } else {
            Err("no operator logs in as them by what is changed".to_owned())
        }
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::check;

    /// An operator that an identity trusts, and whatever else.
    fn world(global: &str, more: &str) -> String {
        format!(
            "aso
             credential global aso{global}
             kinds storageaccounts.storage
             identity aso s3/ids
             assign aso Contributor s1
             identity big s3/ids
             assign big Owner s2
             {more}"
        )
    }

    const TRUSTED: &str = "trust big azureserviceoperator-system/azureserviceoperator-default";
    const FOUND: &str = "alice -> role-assignment write on s2: aso-settings-write, azure-role";

    #[test]
    fn the_operator_logs_in_as_whoever_trusts_it() {
        for rule in
            ["patch secrets", "patch secrets aso-controller-settings", "update,get secrets aso-controller-settings"]
        {
            for bind in ["azureserviceoperator-system/w=w", "w=w"] {
                // Whoever reads and writes every Secret is another matter.
                let more = format!("{TRUSTED}\nrole w: {rule}\nbind {bind} user:alice");
                check(&world("", &more), FOUND);
            }
        }
    }

    #[test]
    fn a_password_is_read_and_not_asked_for() {
        let more = "role w: patch secrets aso-controller-settings\nbind azureserviceoperator-system/w=w user:alice";
        check(
            &world(" password", more),
            "alice -> Contributor-like on s1: secret-read, aso-credential-read, azure-role",
        );
        // By tokens of its account only those are had who trust it.
        check(&world("", more), "");
    }

    #[test]
    fn other_secrets_and_other_namespaces_are_nothing() {
        for (bind, rule) in [
            ("qa/w=w", "patch secrets"),
            ("azureserviceoperator-system/w=w", "patch secrets aso-credential"),
            ("azureserviceoperator-system/w=w", "update,create secrets aso-controller-settings"),
            ("azureserviceoperator-system/w=w", "patch configmaps aso-controller-settings"),
        ] {
            check(&world("", &format!("{TRUSTED}\nrole w: {rule}\nbind {bind} user:alice")), "");
        }
    }
}
