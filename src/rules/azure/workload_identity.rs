//! `workload-identity`: exchange the token of a service account for one of an identity.

use super::facts::{AzureFact, AzureGain, AzureStep, Who};
use crate::rules::attack::{Attack, Effect, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Blocker, Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "workload-identity",
    title: "Exchange the token of a service account for one of an identity",
    gain: "every role of the identity",
    why: "An identity in Azure that has a federated credential with the issuer of the cluster and the subject of a service \
          account accepts the tokens of that account. Whoever gets a token for the audience api://AzureADTokenExchange, by \
          a TokenRequest or in a pod, is the identity. The annotation azure.workload.identity/client-id is a hint and no \
          boundary; the federated credential is.",
    remedy: "Take away what gives tokens of the account, or the federated credential.",
    confidence: Confidence::Documented,
    attack: &["T1528", "T1078.004"],
    references: &[
        "https://learn.microsoft.com/entra/workload-id/workload-identity-federation",
        "https://azure.github.io/azure-workload-identity/docs/",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    let (Fact::Identity(account), Some(bridge)) = (fact, attack.bridge.clone()) else { return };
    let identities: Vec<Who> = bridge.trusting(account).collect();
    if identities.is_empty() {
        return;
    }
    // It may fail, so that what the account holds in the cluster comes first where that leads as far.
    let near = attack.late(id);
    for who in identities {
        let effect = Effect::Azure(AzureStep::new(AzureGain::Token(who)));
        let might = Blocker { what: AUDIENCE.to_owned(), stops: false };
        attack.does_unless(&TECHNIQUE, vec![near], effect, Fact::Azure(AzureFact::Token(who)), vec![might]);
    }
}

/// What might be in the way.
const AUDIENCE: &str = "a token from a Secret is for another audience; it takes a TokenRequest or a pod";

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let Effect::Azure(AzureStep { gain: AzureGain::Token(who), .. }) = step.effect else {
        return Err("no identity is gained".to_owned());
    };
    state.with_bridge(|bridge| {
        let trusted = bridge.trusted_by(who).any(|account| state.has_credentials(account));
        if trusted { Ok(()) } else { Err("the identity trusts none of our accounts".to_owned()) }
    })
}
