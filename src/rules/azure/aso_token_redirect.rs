//! `aso-token-redirect`: have ASO send the token of an identity to an address of yours.

use super::facts::{AzureFact, AzureGain, AzureStep, KindSetIx};
use super::{aso_credential_forge, aso_expression_forge};
use crate::model::{KindIx, Name};
use crate::rules::attack::{Attack, Effect, Fact, Place};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Blocker, Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "aso-token-redirect",
    title: "Have ASO send the token of an identity to an address of yours",
    requests: &aso_credential_forge::WRITES,
    gain: "every role of any identity that trusts the operator, from anywhere and with no limit to kinds",
    why: "With ALLOW_MULTI_ENV_MANAGEMENT a credential names the cloud that it is for: the address of the resource manager and the \
          audience of the token. ASO sends the token there. Whoever writes such a credential, or a resource that writes one \
          (secretExpressions), has the token itself, and not only what ASO does with it.",
    remedy: "Set ALLOW_MULTI_ENV_MANAGEMENT to false and run an operator for each cloud (check ASO-014).",
    confidence: Confidence::Inferred,
    attack: &["T1528", "T1078.004"],
    references: &[
        "https://azure.github.io/azure-service-operator/guide/aso-controller-settings-options/",
        "https://azure.github.io/azure-service-operator/guide/authentication/credential-format/",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

/// Resources are written that write a credential themselves.
fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    let Some((set, namespaces)) = aso_expression_forge::one_for_each_account(attack, fact) else { return };
    for namespace in namespaces {
        with(attack, vec![id], set, namespace);
    }
}

/// Resources are written in a namespace into which a credential can be put.
pub(super) fn with(attack: &mut Attack<'_>, needs: Vec<u32>, set: KindSetIx, namespace: Name) {
    let Some(bridge) = attack.bridge.clone() else { return };
    let (mut needs, mut blockers) = (needs, Vec::new());
    match bridge.names_clouds(namespace) {
        Some(true) => {}
        Some(false) => return,
        None => {
            let what = "whether credentials may name a cloud (ALLOW_MULTI_ENV_MANAGEMENT) was not read";
            blockers.push(Blocker { what: what.to_owned(), stops: false });
            needs = needs.into_iter().map(|need| attack.late(need)).collect();
        }
    }
    let account = bridge.forged_account(namespace).filter(|&account| bridge.trusting(account).next().is_some());
    let Some(account) = account else { return };
    let kind = bridge.writers.one(set);
    let step = AzureStep { kind, namespace: Some(namespace), ..AzureStep::new(AzureGain::Any) };
    attack.does_unless(&TECHNIQUE, needs, Effect::Azure(step), Fact::Azure(AzureFact::Diverts(account)), blockers);
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let Effect::Azure(AzureStep { gain: AzureGain::Token(who), namespace: Some(namespace), .. }) = step.effect else {
        return Err("no identity is gained".to_owned());
    };
    let rights = step.requests.iter().flat_map(|request| &request.rights);
    let mut created = rights.filter(|right| right.verb == "create" && right.place == Place::Namespace(namespace));
    if !created.any(|right| KindIx::of_resource(right.api_group, right.resource).is_some()) {
        return Err("nothing of ASO is created in the namespace".to_owned());
    }
    aso_expression_forge::credential_written(state, step, namespace)?;
    aso_credential_forge::trusts(state, namespace, who)?;
    state.with_bridge(|bridge| {
        let mut operators = bridge.aso.reconcilers(namespace).map(|at| bridge.aso.operator(at).multi_env);
        let allowed = operators.any(|named| named != Some(false));
        if allowed { Ok(()) } else { Err("credentials may not name a cloud".to_owned()) }
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::check;

    /// Somebody who creates storage accounts, and an identity that trusts an account and has roles elsewhere.
    fn world(mode: &str, trusts: &str, more: &str) -> String {
        format!(
            "aso {mode}
             credential prod/aso-credential app
             kinds storageaccounts.storage
             identity app s3/ids
             identity big s1/ids
             trust big {trusts}
             assign big Contributor s2
             role s: create storageaccounts.storage.azure.com
             role w: create secrets
             role g: get,list secrets
             {more}"
        )
    }

    const OPERATOR: &str = "azureserviceoperator-system/azureserviceoperator-default";
    const WRITES: &str = "bind dev/s=s user:alice\nbind dev/w=w user:alice";
    const FOUND: &str = "alice -> Contributor-like on s2: aso-token-redirect, azure-role";

    #[test]
    fn where_credentials_name_clouds_the_token_itself_is_had() {
        check(&world("clouds", OPERATOR, WRITES), FOUND);
        check(&world("clouds strict", "dev/aso-workload", WRITES), FOUND);
    }

    #[test]
    fn a_resource_writes_the_credential_itself_where_one_gets_ready() {
        check(&world("clouds", OPERATOR, "bind prod/s=s user:alice"), FOUND);
        check(&world("clouds", OPERATOR, "bind dev/s=s user:alice"), "");
    }

    #[test]
    fn of_several_kinds_it_is_one_that_writes_secrets() {
        let more = "kinds securitygroups.entra\nrole e: create securitygroups.entra.azure.com\nbind prod/e=e user:alice";
        check(&world("clouds", OPERATOR, &format!("{more}\nbind prod/s=s user:alice")), FOUND);
        check(&world("clouds", OPERATOR, more), "");
    }

    #[test]
    fn where_they_do_not_only_what_aso_does_is_had() {
        let forged = "alice -> limited (storageaccounts) on s2: aso-credential-forge, aso-role";
        check(&world("", OPERATOR, WRITES), forged);
    }

    #[test]
    fn half_of_it_and_an_identity_that_trusts_somebody_else_are_nothing() {
        check(&world("clouds", OPERATOR, "bind dev/s=s user:alice\nbind dev/g=g user:alice"), "");
        check(&world("clouds", OPERATOR, "bind dev/w=w user:alice\nbind qa/s=s user:alice"), "");
        check(&world("clouds", "dev/other", WRITES), "");
        check(&world("clouds strict", OPERATOR, WRITES), "");
    }
}
