//! `aso-credential-mirror`: have a credential copied from another namespace.

use super::bridge::{Bridge, Copied};
use super::facts::{AzureFact, AzureGain, AzureStep, KindSetIx};
use super::{aso_credential_forge, uses};
use crate::model::Name;
use crate::rules::attack::{Attack, Effect, Fact, Place};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Blocker, Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "aso-credential-mirror",
    title: "Have a credential copied from another namespace",
    requests: &aso_credential_forge::WRITES,
    gain: "what the credential of the other namespace may do in Azure; with the right to read the copy, the credential itself",
    why: "kubernetes-reflector copies a Secret that lets itself be reflected into every Secret that names it in an annotation, in the \
          namespaces that the source allows: all of them unless it lists some. Whoever writes Secrets in one of these has the copy made, \
          names it in credential-from, and ASO acts as the identity of the other namespace, in strict mode too. Only Secrets whose \
          annotations were read are looked at: those of files, and of a live cluster the credentials that are asked for by name.",
    remedy: "Use workload identity, so that there is nothing worth copying, and list in reflection-allowed-namespaces only the namespaces \
             that need the Secret, without patterns.",
    confidence: Confidence::Documented,
    attack: &["T1552.007", "T1078.004"],
    references: &[
        "https://github.com/emberstack/kubernetes-reflector",
        "https://azure.github.io/azure-service-operator/guide/authentication/credential-scope/",
    ],
    react: None,
    proof: Some(proof),
    ..Technique::MOVE
};

/// Resources are written in a namespace into which a credential can be put.
pub(super) fn with(attack: &mut Attack<'_>, needs: &[u32], set: KindSetIx, namespace: Name) {
    let Some(bridge) = attack.bridge.clone() else { return };
    for copied in bridge.copied_into(namespace).iter() {
        let Some(who) = bridge.who(copied.credential) else { continue };
        let step = AzureStep {
            kind: bridge.writers.kinds(set).first().copied(),
            namespace: Some(namespace),
            credential: Some(copied.from),
            ..AzureStep::new(AzureGain::Through(who))
        };
        let gain = Fact::Azure(AzureFact::Through(who, set));
        attack.does_unless(&TECHNIQUE, needs.to_vec(), Effect::Azure(step), gain, blockers(copied));
    }
}

/// Secrets of a namespace can be written, or are read; whichever came first is known already.
pub(super) fn read(attack: &mut Attack<'_>, fact: Fact, id: u32, namespace: Name) {
    let Some(bridge) = attack.bridge.clone() else { return };
    let copies = bridge.copied_into(namespace);
    if copies.is_empty() {
        return;
    }
    let is_read = |fact: Fact| matches!(fact, Fact::Secrets(_));
    let is_other = |own: Fact| is_read(own) != is_read(fact) && (is_read(own) || own == Fact::Azure(AzureFact::Takes(namespace)));
    let gives = bridge.gives.borrow();
    let others: Vec<u32> =
        gives.iter().filter(|(at, own, _)| *at == namespace && is_other(*own)).map(|&(.., id)| id).collect();
    drop(gives);
    if !is_read(fact) && fact != Fact::Azure(AzureFact::Takes(namespace)) {
        return;
    }
    for other in others {
        for copied in copies.iter() {
            let (from, name) = copied.from;
            for secret in attack.secrets_in(from, Some(name)) {
                let needs = vec![id, other];
                attack.does_unless(&TECHNIQUE, needs, Effect::Secret(secret), Fact::Secret(secret), blockers(copied));
            }
        }
    }
}

fn blockers(copied: &Copied) -> Vec<Blocker> {
    let what = "the Secret lists the namespaces that it is copied to by an expression that is not understood";
    if copied.sure { Vec::new() } else { vec![Blocker { what: what.to_owned(), stops: false }] }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let (namespace, from) = match step.effect {
        Effect::Secret(at) => {
            let written = step.asks(&["create"], "", "secrets").or_else(|| step.asks(&["update", "patch"], "", "secrets"));
            let namespace = match written.map(|right| right.place) {
                Some(Place::Namespace(namespace)) => namespace,
                _ => return Err("no Secret is written".to_owned()),
            };
            if !state.reads_secrets(Place::Namespace(namespace)) {
                return Err("the copy is not read".to_owned());
            }
            let secret = &state.graph.snapshot().secrets[at.0 as usize];
            (namespace, (secret.namespace, secret.name))
        }
        _ => {
            let (own, namespace, who) = uses::written(step)?;
            let from = own.credential.ok_or_else(|| "no Secret is copied".to_owned())?;
            state.with_bridge(|bridge| {
                let credential = bridge.aso.in_secret(from.0, from.1).ok_or("there is no such credential")?;
                bridge.aso.reconcilers(namespace).next().ok_or("nobody reconciles the namespace")?;
                if bridge.who(credential) == Some(who) { Ok(()) } else { Err("it is that of another identity".to_owned()) }
            })?;
            (namespace, from)
        }
    };
    aso_credential_forge::writes(state, step, namespace)?;
    let is_copied = |bridge: &Bridge<'_>| bridge.copied_into(namespace).iter().any(|copied| copied.from == from);
    state.with_bridge(|bridge| {
        if is_copied(bridge) { Ok(()) } else { Err("the Secret is not copied there".to_owned()) }
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::check;

    const REFLECTOR: &str = "yaml {apiVersion: apps/v1, kind: Deployment, metadata: {name: reflector, namespace: reflector}, spec: {template: {spec: {serviceAccountName: reflector, containers: [{name: r, image: \"emberstack/kubernetes-reflector:9\"}]}}}}";
    const WRITES: &str = "bind dev/s=s user:alice\nbind dev/w=w user:alice";
    const FOUND: &str = "alice -> limited (storageaccounts) on s2: aso-credential-mirror, aso-role";

    /// A strict operator, a credential in `prod`, and somebody who creates storage accounts.
    fn world(credential: &str, notes: &str, reflector: &str, more: &str) -> String {
        format!(
            "aso strict
             copied {notes}
             credential prod/aso-credential app {credential}
             kinds storageaccounts.storage
             identity app s1/ids
             assign app Contributor s2
             {reflector}
             role s: create storageaccounts.storage.azure.com
             role w: create secrets
             role o: patch secrets other
             role g: get,list secrets
             {more}"
        )
    }

    #[test]
    fn a_password_is_copied_into_the_namespace() {
        for namespaces in ["*", "dev", "qa,de."] {
            check(&world("password", namespaces, REFLECTOR, WRITES), FOUND);
        }
        let other = "secret dev/other Opaque\nbind dev/s=s user:alice\nbind dev/o=o user:alice";
        check(&world("password", "dev", REFLECTOR, other), FOUND);
    }

    #[test]
    fn whoever_reads_the_copy_has_it() {
        check(
            &world("password", "dev", REFLECTOR, "bind dev/w=w user:alice\nbind dev/g=g user:alice"),
            "alice -> Contributor-like on s2: secret-read, aso-credential-mirror, aso-credential-read, azure-role",
        );
        check(&world("password", "dev", REFLECTOR, "bind dev/w=w user:alice\nbind qa/g=g user:alice"), "");
    }

    #[test]
    fn another_namespace_is_not_allowed() {
        for namespaces in ["qa", "d", "no"] {
            check(&world("password", namespaces, REFLECTOR, WRITES), "");
        }
    }

    #[test]
    fn nobody_copies_where_no_reflector_runs() {
        check(&world("password", "*", "", WRITES), "");
        check(&world("password", "*", &REFLECTOR.replace("emberstack", "contoso"), WRITES), "");
    }

    #[test]
    fn three_ids_are_not_worth_it_and_half_of_the_rights_is_nothing() {
        check(&world("", "*", REFLECTOR, WRITES), "");
        check(&world("password", "*", REFLECTOR, "bind dev/s=s user:alice"), "");
        check(&world("password", "*", REFLECTOR, "bind dev/w=w user:alice"), "");
    }
}
