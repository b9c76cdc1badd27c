//! `aso-resource-write`: have Azure Service Operator act with the credential of a namespace.

use super::{uses, writers};
use crate::query::CredentialScope;
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "aso-resource-write",
    title: "Have Azure Service Operator act with the credential of a namespace",
    gain: "what the credential may do in Azure to resources of the kinds that can be created",
    why: "Azure Service Operator (ASO) sends to Azure what a custom resource says, as the identity of the credential that \
          applies in its namespace. Whoever creates the resource has the rights of the credential without ever seeing it: \
          `spec.owner` takes any ARM id, and what is there already is adopted and overwritten.",
    remedy: "Give the namespace a credential whose roles cover only what it keeps in Azure, install only the kinds that are \
             needed, and leave `create` on them to GitOps.",
    confidence: Confidence::Documented,
    attack: &["T1078.004"],
    references: &[
        "https://azure.github.io/azure-service-operator/guide/authentication/credential-scope/",
        "https://azure.github.io/azure-service-operator/guide/security/",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    writers::react(attack, fact, id);
    uses::join(attack, fact, id);
    uses::react(attack, &TECHNIQUE, fact, id, |scope| scope != CredentialScope::Global);
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    uses::proof(state, step, |scope| scope != CredentialScope::Global)
}
