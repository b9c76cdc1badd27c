//! `aso-configmap-retarget`: change the ConfigMap that a trust takes its subject from.

use super::change::{self, FEDERATED};
use crate::model::{AsoResource, AsoSpec, AsoValueFrom, KindIx, Name, ReconcilePolicy};
use crate::query::CredentialIx;
use crate::rules::attack::{Attack, Done, Place};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{At, Blocker, Change, Confidence, Leads, Technique, changes};

use super::bridge::Bridge;

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "aso-configmap-retarget",
    title: "Change the ConfigMap that a trust takes its subject from",
    requests: &changes!("", "configmaps", At::Namespace),
    gain: "the identity whose trust it is",
    why: "issuerFromConfig and subjectFromConfig of a FederatedIdentityCredential take their value from a ConfigMap of the \
          namespace, and ASO watches it. Whoever changes the ConfigMap says whose tokens the identity accepts, with no right on \
          anything of ASO.",
    remedy: "Write issuer and subject into the resource itself, or keep the ConfigMap out of reach with resourceNames.",
    confidence: Confidence::Documented,
    attack: &["T1098.001"],
    references: &[
        "https://azure.github.io/azure-service-operator/guide/security/",
        "https://learn.microsoft.com/entra/workload-id/workload-identity-federation",
    ],
    build: Some(build),
    leads: Some(leads),
    proof: Some(proof),
    ..Technique::MOVE
};

/// The kind whose resources take from ConfigMaps.
fn trusts() -> Option<KindIx> {
    KindIx::of_resource(FEDERATED.0, FEDERATED.1)
}

/// The ConfigMaps that a trust is made of, each with whether it says the issuer.
fn config_maps(resource: &AsoResource) -> Vec<(Name, bool)> {
    let AsoSpec::Federated(spec) = &resource.spec else { return Vec::new() };
    let named = |value: AsoValueFrom, issuer: bool| match value {
        AsoValueFrom::ConfigMap { name, .. } => Some((name, issuer)),
        AsoValueFrom::None | AsoValueFrom::Value(_) => None,
    };
    named(spec.issuer, true).into_iter().chain(named(spec.subject, false)).collect()
}

/// Where a trust takes something from a ConfigMap.
fn leads(attack: &Attack<'_>, _: usize) -> Leads {
    let resources = attack.bridge.iter().flat_map(|bridge| bridge.resources_of(trusts(), Place::Cluster));
    let taking = resources.filter(|resource| !config_maps(resource).is_empty());
    Leads::In(taking.map(|resource| resource.namespace).collect())
}

fn build(attack: &mut Attack<'_>, done: Done) {
    let Some(bridge) = attack.bridge.clone().filter(|_| done.first) else { return };
    let Some(&how) = Change::ALL.get(done.within) else { return };
    for &resource in bridge.resources_of(trusts(), done.site.place) {
        for (name, issuer) in config_maps(resource) {
            if done.site.object.is_some_and(|own| own != name) {
                continue;
            }
            let credentials = credentials(&bridge, resource);
            let place = Place::Namespace(resource.namespace);
            let Some(needs) = attack.changes(&done, how, place, name) else { continue };
            let might = Blocker { what: "the issuer stays, so it takes a token of that issuer".to_owned(), stops: false };
            let more = if issuer { Vec::new() } else { vec![might] };
            change::change(attack, &TECHNIQUE, &needs, (resource, FEDERATED), &credentials, &more);
        }
    }
}

/// The credential of a resource that ASO does more with than look at it.
fn credentials(bridge: &Bridge<'_>, resource: &AsoResource) -> Vec<CredentialIx> {
    let managed = bridge.aso.policy_of(resource) != ReconcilePolicy::Skip;
    change::own_credential(bridge, resource).into_iter().filter(|_| managed).collect()
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let right = step.changes("", "configmaps").ok_or_else(|| "no ConfigMap is changed".to_owned())?;
    state.with_bridge(|bridge| {
        let gained = bridge.aso.resources().any(|(resource, _)| {
            let names = config_maps(resource);
            right.place == Place::Namespace(resource.namespace)
                && names.iter().any(|&(name, _)| right.name.is_none_or(|own| own == name))
                && change::proof(bridge, step, (resource, FEDERATED), &credentials(bridge, resource))
        });
        if gained { Ok(()) } else { Err("no trust takes anything from it".to_owned()) }
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::check;

    fn world(spec: &str, metadata: &str) -> String {
        format!(
            "aso
             credential global aso
             kinds federatedidentitycredentials.managedidentity
             identity aso s3/ids
             identity big s1/rg
             assign aso Contributor s1
             assign big Owner s2
             resource dev/pipeline federatedidentitycredentials.managedidentity spec: {{owner: {{armId: <id big>}}, {spec}}}
             {metadata}
             role c: patch configmaps
             role n: patch configmaps whose
             role o: get,list,create configmaps
             "
        )
    }

    const SUBJECT: &str =
        "issuer: \"https://issuer.example/x\", subjectFromConfig: {name: whose, key: subject}";

    #[test]
    fn the_map_says_whose_tokens_are_taken() {
        check(
            &format!(
                "{}bind dev/c=c user:alice
             bind dev/n=n user:bob
             bind dev/o=o user:carol
             bind qa/c=c user:dave",
                world(SUBJECT, "")
            ),
            "alice -> role-assignment write on s2: aso-configmap-retarget, azure-role
             bob -> role-assignment write on s2: aso-configmap-retarget, azure-role",
        );
    }

    #[test]
    fn a_trust_that_is_written_out_is_not_changed_so() {
        check(&format!("{}bind dev/c=c user:alice", world("issuer: \"https://issuer.example/x\", subject: sub", "")), "");
    }

    #[test]
    fn another_map_is_another_map() {
        check(&format!("{}bind dev/n=n user:alice", world(&SUBJECT.replace("whose", "other"), "")), "");
    }

    #[test]
    fn what_is_only_looked_at_is_not_changed() {
        let skipped = world(SUBJECT, "namespace dev yaml
             yaml {apiVersion: v1, kind: Namespace, metadata: {name: dev, annotations: {serviceoperator.azure.com/reconcile-policy: skip}}}");
        check(&format!("{skipped}bind dev/c=c user:alice"), "");
    }
}
