//! `aso-credential-read`: read a credential of ASO that holds a password or a key.

use super::facts::{AzureFact, AzureGain, AzureStep};
use crate::rules::attack::{Attack, Effect, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "aso-credential-read",
    title: "Read a credential of ASO that holds a password or a key",
    gain: "every role of the identity, from anywhere and with no limit to kinds",
    why: "A credential with AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE is all that it takes to log in to Azure as its \
          identity. With workload identity the Secret holds three ids only.",
    remedy: "Use workload identity for every credential, and replace the password or certificate.",
    confidence: Confidence::Documented,
    attack: &["T1552.007", "T1078.004"],
    references: &[
        "https://azure.github.io/azure-service-operator/guide/authentication/credential-scope/",
        "https://azure.github.io/azure-service-operator/guide/authentication/credential-format/",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    let (Fact::Secret(at), Some(bridge)) = (fact, attack.bridge.clone()) else { return };
    let secret = attack.secret(at);
    let credential = bridge.aso.in_secret(secret.namespace, secret.name).filter(|&one| bridge.is_secret(one));
    let Some(who) = credential.and_then(|credential| bridge.who(credential)) else { return };
    let step = AzureStep { credential: Some((secret.namespace, secret.name)), ..AzureStep::new(AzureGain::Token(who)) };
    attack.does(&TECHNIQUE, vec![id], Effect::Azure(step), Fact::Azure(AzureFact::Token(who)));
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let (Some(Effect::Secret(at)), Effect::Azure(own)) = (step.foothold, step.effect) else {
        return Err("no Secret is read".to_owned());
    };
    let secret = &state.graph.snapshot().secrets[at.0 as usize];
    let read = own.credential == Some((secret.namespace, secret.name)) && state.reads(at);
    state.with_bridge(|bridge| {
        let credential = bridge.aso.in_secret(secret.namespace, secret.name).ok_or("the Secret is no credential")?;
        let gains = bridge.who(credential).map(AzureGain::Token) == Some(own.gain);
        if read && gains && bridge.is_secret(credential) { Ok(()) } else { Err("no credential is read".to_owned()) }
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::check;

    #[test]
    fn a_password_is_the_identity() {
        check(
            "aso
             credential dev/aso-credential app password
             identity app s1/ids
             assign app Contributor s1/rg
             role r: get secrets aso-credential
             role o: get secrets other
             bind dev/r=r user:alice
             bind dev/o=o user:bob
             bind qa/r=r user:carol",
            "alice -> Contributor-like on s1/rg: secret-read, aso-credential-read, azure-role",
        );
    }

    #[test]
    fn three_ids_are_no_secret() {
        check(
            "aso
             credential dev/aso-credential app
             identity app s1/ids
             assign app Contributor s1/rg
             role r: get,list secrets
             bind dev/r=r user:alice",
            "",
        );
    }

    #[test]
    fn the_global_one_lies_with_the_operator() {
        check(
            "aso
             credential global aso password
             identity aso s1/ids
             assign aso Contributor s1
             role r: list secrets
             role d: delete secrets
             bind azureserviceoperator-system/r=r user:alice
             bind dev/r=r user:bob",
            "alice -> Contributor-like on s1: secret-read, aso-credential-read, azure-role",
        );
    }
}
