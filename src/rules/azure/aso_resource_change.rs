//! `aso-resource-change`: change a resource of ASO that is there.

use super::change::{self, CLUSTER, FEDERATED, FLUX, Kind};
use crate::model::{AsoResource, KindIx, Name};
use crate::rules::attack::{Attack, Done, Place};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{At, Change, Confidence, Leads, Request, Technique, changes};

/// The kinds, in the order of the requests.
const KINDS: [Kind; 3] = [FEDERATED, CLUSTER, FLUX];

const FEDERATED_CHANGES: [Request; 3] = changes!(FEDERATED.0, FEDERATED.1, At::Namespace);
const CLUSTER_CHANGES: [Request; 3] = changes!(CLUSTER.0, CLUSTER.1, At::Namespace);
const FLUX_CHANGES: [Request; 3] = changes!(FLUX.0, FLUX.1, At::Namespace);

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "aso-resource-change",
    title: "Change a resource of ASO that is there",
    requests: &{
        let [trust_patch, trust_update, trust_read] = FEDERATED_CHANGES;
        let [cluster_patch, cluster_update, cluster_read] = CLUSTER_CHANGES;
        let [flux_patch, flux_update, flux_read] = FLUX_CHANGES;
        [trust_patch, trust_update, trust_read, cluster_patch, cluster_update, cluster_read, flux_patch, flux_update, flux_read]
    },
    gain: "the identity whose trust it is, or the administration of the cluster that it is or is applied to",
    why: "`update` and `patch` do without `create`: ASO sends to Azure what the resource says by then. A resource keeps its \
          owner and its name in Azure, so that it is that one identity or cluster; but the issuer and subject of a \
          FederatedIdentityCredential, the local accounts of a ManagedCluster and the manifests of a FluxConfiguration can be \
          changed, and so can the annotation that says with which credential.",
    remedy: "Leave `update` and `patch` on these kinds to GitOps, or limit them with resourceNames.",
    confidence: Confidence::Documented,
    attack: &["T1098.001", "T1098.003"],
    references: &[
        "https://azure.github.io/azure-service-operator/guide/security/",
        "https://learn.microsoft.com/entra/workload-id/workload-identity-federation",
    ],
    build: Some(build),
    leads: Some(leads),
    proof: Some(proof),
    ..Technique::MOVE
};

fn leads(attack: &Attack<'_>, within: usize) -> Leads {
    let kind = KINDS.get(within / Change::ALL.len()).and_then(|kind| KindIx::of_resource(kind.0, kind.1));
    let resources = attack.bridge.iter().flat_map(|bridge| bridge.resources_of(kind, Place::Cluster));
    Leads::In(resources.map(|resource| resource.namespace).collect())
}

fn build(attack: &mut Attack<'_>, done: Done) {
    let (Some(&kind), Some(bridge)) = (KINDS.get(done.within / 3).filter(|_| done.first), attack.bridge.clone()) else {
        return;
    };
    let Some(&how) = Change::ALL.get(done.within % 3) else { return };
    for &resource in bridge.resources_of(KindIx::of_resource(kind.0, kind.1), done.site.place) {
        if done.site.object.is_some_and(|name| name != resource.name) {
            continue;
        }
        let place = Place::Namespace(resource.namespace);
        if let Some(needs) = attack.changes(&done, how, place, resource.name) {
            let credentials = bridge.credentials_of(resource);
            change::change(attack, &TECHNIQUE, &needs, (resource, kind), &credentials, &[]);
        }
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let changed = KINDS.iter().find_map(|&kind| Some((kind, step.changes(kind.0, kind.1)?)));
    let (kind, right) = changed.ok_or_else(|| "no resource is changed".to_owned())?;
    state.with_bridge(|bridge| {
        let is_it = |resource: &AsoResource| {
            change::is_of(resource, kind)
                && right.place == Place::Namespace(resource.namespace)
                && right.name.is_none_or(|name: Name| name == resource.name)
        };
        let mut all = bridge.aso.resources().map(|(resource, _)| resource).filter(|resource| is_it(resource));
        let gained = all.any(|resource| change::proof(bridge, step, (resource, kind), &bridge.credentials_of(resource)));
        if gained { Ok(()) } else { Err("no such resource is there".to_owned()) }
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::check;

    const TRUST: &str = "aso
             credential global aso
             kinds federatedidentitycredentials.managedidentity
             identity aso s3/ids
             identity big s1/rg
             identity other s1/rg
             assign aso Contributor s1
             assign big Owner s2
             assign other Owner s3
             resource dev/pipeline federatedidentitycredentials.managedidentity spec: {owner: {armId: <id big>}, issuer: \"https://issuer.example/x\", subject: sub}
             ";

    #[test]
    fn the_trust_of_one_identity_is_changed() {
        for verbs in ["patch", "update,get"] {
            check(
                &format!(
                    "{TRUST}role c: {verbs} federatedidentitycredentials.managedidentity.azure.com
             bind dev/c=c user:alice"
                ),
                "alice -> role-assignment write on s2: aso-resource-change, azure-role",
            );
        }
    }

    #[test]
    fn a_name_limits_it() {
        check(
            &format!(
                "{TRUST}role c: patch federatedidentitycredentials.managedidentity.azure.com pipeline
             role o: patch federatedidentitycredentials.managedidentity.azure.com other
             bind dev/c=c user:alice
             bind dev/o=o user:bob
             bind qa/c=c user:carol"
            ),
            "alice -> role-assignment write on s2: aso-resource-change, azure-role",
        );
    }

    #[test]
    fn an_update_takes_the_version() {
        check(
            &format!(
                "{TRUST}role c: update federatedidentitycredentials.managedidentity.azure.com
             role s: patch,update federatedidentitycredentials/status.managedidentity.azure.com
             bind dev/c=c user:alice
             bind dev/s=s user:bob"
            ),
            "",
        );
    }

    #[test]
    fn an_identity_out_of_reach_stays_as_it_is() {
        check(
            &format!(
                "{}role c: patch federatedidentitycredentials.managedidentity.azure.com
             bind dev/c=c user:alice",
                TRUST.replace("assign aso Contributor s1", "assign aso Contributor s2")
            ),
            "",
        );
    }

    #[test]
    fn a_cluster_is_changed() {
        let world = "aso
             credential global aso
             kinds managedclusters.containerservice fluxconfigurations.kubernetesconfiguration
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default
             aks one s1/rg
             aks two s1/rg
             assign aso Contributor s1
             resource dev/two managedclusters.containerservice spec: {location: here}, status: {id: /subscriptions/11111111-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/two}
             resource dev/apps fluxconfigurations.kubernetesconfiguration spec: {owner: {armId: /subscriptions/11111111-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/one}}
             role c: patch managedclusters.containerservice.azure.com
             role f: patch fluxconfigurations.kubernetesconfiguration.azure.com
             bind dev/c=c user:alice
             bind dev/f=f user:bob";
        check(
            world,
            "bob -> cluster-admin: aso-resource-change
             alice -> cluster:two: aso-resource-change",
        );
    }
}
