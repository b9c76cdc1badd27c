//! `identity-binding`: use an identity that AKS binds to service accounts.

use super::facts::{AzureFact, AzureGain, AzureStep, Who};
use crate::model::Subject;
use crate::rules::attack::{Attack, Effect, Fact, Place};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "identity-binding",
    title: "Use an identity that AKS binds to service accounts",
    gain: "every role of the identity",
    why: "An identity binding lets pods of one cluster use an identity of Azure, and which of them is a matter of RBAC there: the \
          account of the pod needs use-managed-identity on the identity's client id in the group cid.wi.aks.azure.com. A rule \
          with `*` for all of them gives it as well. Whoever gets tokens of such an account has the identity. Making a binding \
          (identityBindings/write) is no way of its own: AKS refuses it to whoever may not write federated credentials of the \
          identity, and who may is the identity by azure-federated-credential.",
    remedy: "Grant use-managed-identity on the client id by name, to accounts of namespaces in which nobody else runs pods.",
    confidence: Confidence::Documented,
    attack: &["T1528", "T1078.004"],
    references: &["https://learn.microsoft.com/azure/aks/identity-bindings-concepts"],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    let Some(bridge) = attack.bridge.clone() else { return };
    let accounts: Vec<Subject> = match fact {
        Fact::Mints(account) => vec![account],
        Fact::Everything(Place::Cluster) if bridge.beyond_admin => bridge.trusted_accounts().collect(),
        _ => return,
    };
    let identities: Vec<Who> = accounts.into_iter().flat_map(|account| bridge.bound_to(account)).collect();
    if identities.is_empty() {
        return;
    }
    // What the account holds in the cluster comes first where that leads as far.
    let near = attack.late(id);
    for who in identities {
        let effect = Effect::Azure(AzureStep::new(AzureGain::Token(who)));
        attack.does(&TECHNIQUE, vec![near], effect, Fact::Azure(AzureFact::Token(who)));
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let Effect::Azure(AzureStep { gain: AzureGain::Token(who), .. }) = step.effect else {
        return Err("no identity is gained".to_owned());
    };
    state.with_bridge(|bridge| {
        let ours = |account: &Subject| {
            (state.has_credentials(*account) || state.is_admin()) && state.may_use_identity(*account, bridge.client_of(who))
        };
        let mut accounts = bridge.trusted_accounts();
        if bridge.is_bound(who) && accounts.any(|account| ours(&account)) {
            Ok(())
        } else {
            Err("none of our accounts may use the identity".to_owned())
        }
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::check;

    const WORLD: &str = "aso
             credential prod/aso-credential aso
             aks one s1/rg
             aks two s1/rg
             identity aso s3/ids
             identity big s1/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default
             assign big Contributor s2
             account dev/app
             account dev/other
             role t: create serviceaccounts/token app
             bind dev/t=t user:alice
             ";

    #[test]
    fn an_account_that_may_use_it_has_it() {
        for (role, bind) in [
            ("use-managed-identity <big>.cid.wi.aks.azure.com", "sa:dev/app"),
            ("* *.cid.wi.aks.azure.com", "group:system:serviceaccounts:dev"),
        ] {
            check(
                &format!("{WORLD}uses one big\nrole u: {role}\nbind u {bind}"),
                "alice -> Contributor-like on s2: token-request, identity-binding, azure-role",
            );
        }
    }

    #[test]
    fn the_right_is_looked_at_in_the_cluster_and_by_client_id() {
        for more in [
            "uses one big\nrole u: use-managed-identity <aso>.cid.wi.aks.azure.com\nbind u sa:dev/app",
            "uses one big\nrole u: use-managed-identity <big>.cid.wi.aks.azure.com\nbind dev/u=u sa:dev/app",
            "uses one big\nrole u: get,create <big>.cid.wi.aks.azure.com\nbind u sa:dev/app",
            "uses one big\nrole u: use-managed-identity <big>.cid.wi.aks.azure.com\nbind u sa:dev/other",
        ] {
            check(&format!("{WORLD}{more}"), "");
        }
    }

    #[test]
    fn the_cluster_has_to_have_the_binding() {
        for uses in ["", "uses two big\n"] {
            check(
                &format!("{WORLD}{uses}role u: use-managed-identity <big>.cid.wi.aks.azure.com\nbind u sa:dev/app"),
                "",
            );
        }
    }

    /// A principal of `dev` with rights in Azure, and an account there that may use whatever is bound.
    fn binds(actions: &str) -> String {
        format!(
            "{WORLD}identity near s3/ids
             trust near dev/other
             azrole b {actions}
             assign near b s1
             role u: use-managed-identity <big>.cid.wi.aks.azure.com
             bind u sa:dev/app
             role o: create serviceaccounts/token other
             bind dev/o=o user:alice"
        )
    }

    #[test]
    fn whoever_may_make_a_binding_is_the_identity_without_one() {
        let read = "alice -> read on s1: token-request, workload-identity, azure-role";
        let bind = "ContainerService/managedClusters/identityBindings/*";
        check(&binds(bind), read);
        let trust = "ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/*";
        for actions in [trust.to_owned(), format!("{bind},{trust}")] {
            check(
                &binds(&actions),
                "alice -> Contributor-like on s2: token-request, workload-identity, azure-federated-credential, azure-role
                 alice -> limited (federatedidentitycredentials) on s1: token-request, workload-identity, azure-role",
            );
        }
    }
}
