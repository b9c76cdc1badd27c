//! `aso-conversion-write`: convert the resources of ASO.

use super::bridge::Bridge;
use super::change::{self, CLUSTER, FEDERATED, FLUX, Kind};
use crate::model::{AsoResource, KindIx, Name};
use crate::query::CredentialIx;
use crate::rules::attack::{Attack, Done, Place};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{At, Change, Confidence, Technique, changes};

const GROUP: &str = "apiextensions.k8s.io";
const DEFINITIONS: &str = "customresourcedefinitions";

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "aso-conversion-write",
    title: "Convert the resources of ASO",
    requests: &changes!(GROUP, DEFINITIONS, At::Cluster),
    gain: "the identities whose trusts they are, or the administration of the clusters that they are or are applied to",
    why: "A CustomResourceDefinition names the webhook that turns stored resources into the version that ASO asks for, at any \
          address. The webhook may change everything in them but most of their metadata, past the webhooks of ASO that keep \
          owner and name: ASO sends to Azure what comes out. So the issuer and subject of a FederatedIdentityCredential, the \
          local accounts of a ManagedCluster and the manifests of a FluxConfiguration that are there come out as the writer \
          of the definition likes.",
    remedy: "Take the right away, or limit it with resourceNames to the definitions that are needed.",
    confidence: Confidence::Inferred,
    attack: &["T1546", "T1098.001"],
    references: &[
        "https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/",
        "https://azure.github.io/azure-service-operator/guide/security/",
    ],
    build: Some(build),
    proof: Some(proof),
    ..Technique::MOVE
};

const KINDS: [Kind; 3] = [FEDERATED, CLUSTER, FLUX];

/// The name of the definition of a kind.
fn definition(kind: Kind) -> String {
    [kind.1, ".", kind.0].concat()
}

fn build(attack: &mut Attack<'_>, done: Done) {
    let Some(bridge) = attack.bridge.clone().filter(|_| done.first) else { return };
    let Some(&how) = Change::ALL.get(done.within) else { return };
    for kind in KINDS {
        // The definition itself need not have been read.
        let name = attack.graph.snapshot().names.find(&definition(kind));
        if done.site.object.is_some() && done.site.object != name {
            continue;
        }
        for &resource in bridge.resources_of(KindIx::of_resource(kind.0, kind.1), Place::Cluster) {
            let credentials = credentials(&bridge, resource);
            if let Some(needs) = attack.changes(&done, how, Place::Cluster, name.unwrap_or(Name::EMPTY)) {
                change::change(attack, &TECHNIQUE, &needs, (resource, kind), &credentials, &[]);
            }
        }
    }
}

/// What a resource is reconciled with: annotations stay, and with them which credential it asks for.
fn credentials(bridge: &Bridge<'_>, resource: &AsoResource) -> Vec<CredentialIx> {
    change::own_credential(bridge, resource).into_iter().collect()
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let right = step.changes(GROUP, DEFINITIONS).ok_or("no definition is changed")?;
    state.with_bridge(|bridge| {
        let of_right = |kind: Kind| right.name.is_none_or(|name| bridge.access.text(name) == definition(kind));
        let gained = |kind: Kind| {
            let mut all = bridge.aso.resources().map(|(resource, _)| resource);
            all.any(|own| change::is_of(own, kind) && change::proof(bridge, step, (own, kind), &credentials(bridge, own)))
        };
        if KINDS.into_iter().any(|kind| of_right(kind) && gained(kind)) {
            Ok(())
        } else {
            Err("no such resource is there".to_owned())
        }
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::check;

    /// A trust of an identity that ASO keeps, and what ASO may do there.
    fn world(role: &str, rule: &str) -> String {
        format!(
            "aso
             credential global aso
             kinds federatedidentitycredentials.managedidentity
             identity aso s3/ids
             identity big s1/rg
             assign aso {role} s1
             assign big Owner s2
             resource dev/pipeline federatedidentitycredentials.managedidentity spec: {{owner: {{armId: <id big>}}, issuer: \"https://issuer.example/x\", subject: sub}}
             role d: {rule}
             bind d user:alice"
        )
    }

    const FOUND: &str = "alice -> role-assignment write on s2: aso-conversion-write, azure-role";

    #[test]
    fn a_trust_comes_out_as_the_writer_of_the_definition_likes() {
        for rule in [
            "patch customresourcedefinitions.apiextensions.k8s.io",
            "update,get customresourcedefinitions.apiextensions.k8s.io",
            "patch customresourcedefinitions.apiextensions.k8s.io federatedidentitycredentials.managedidentity.azure.com",
        ] {
            check(&world("Contributor", rule), FOUND);
        }
    }

    #[test]
    fn the_definition_of_another_kind_is_not_it() {
        for rule in [
            "patch customresourcedefinitions.apiextensions.k8s.io storageaccounts.storage.azure.com",
            "create,delete,update customresourcedefinitions.apiextensions.k8s.io",
            "patch customresourcedefinitions/status.apiextensions.k8s.io",
        ] {
            check(&world("Contributor", rule), "");
        }
    }

    #[test]
    fn aso_has_to_be_allowed_to_write_what_comes_out() {
        check(&world("Reader", "patch customresourcedefinitions.apiextensions.k8s.io"), "");
    }

    #[test]
    fn a_cluster_comes_out_with_local_accounts() {
        let id = "/subscriptions/11111111-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/two";
        let world = format!(
            "aso
             credential global aso
             kinds managedclusters.containerservice
             aks one s2/rg
             aks two s1/rg off
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default
             assign aso Contributor s1
             resource dev/two managedclusters.containerservice spec: {{owner: {{name: rg}}}}, status: {{id: {id}}}
             role d: patch customresourcedefinitions.apiextensions.k8s.io
             bind d user:alice"
        );
        check(&world, "alice -> cluster:two: aso-conversion-write");
        check(&world.replace("dev/two managedclusters.containerservice", "dev/two storageaccounts.storage"), "");
    }
}
