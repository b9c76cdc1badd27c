//! `workload-identity`: exchange the token of a service account for one of an identity.

use std::rc::Rc;

use super::facts::{AzureFact, AzureGain, AzureStep};
use crate::model::Subject;
use crate::rules::attack::{Attack, Effect, Fact, Place};
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
          a TokenRequest or in a pod, is the identity; the token of a Secret is for no audience and is not taken. The annotation azure.workload.identity/client-id is a hint and no \
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
    let Some(bridge) = attack.bridge.clone() else { return };
    let accounts: Vec<Subject> = match fact {
        Fact::Mints(account) => vec![account],
        Fact::Everything(Place::Cluster) if bridge.beyond_admin => bridge.trusted_accounts().collect(),
        _ => return,
    };
    if accounts.is_empty() {
        return;
    }
    // What the account holds in the cluster comes first where that leads as far.
    let near = attack.late(id);
    let blockers: Rc<[Blocker]> = bridge.of_any_cluster().into();
    for account in accounts {
        for who in bridge.trusting(account) {
            let effect = Effect::Azure(AzureStep::new(AzureGain::Token(who)));
            let gain = Fact::Azure(AzureFact::Token(who));
            attack.does_unless(&TECHNIQUE, vec![near], effect, gain, Rc::clone(&blockers));
        }
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let Effect::Azure(AzureStep { gain: AzureGain::Token(who), .. }) = step.effect else {
        return Err("no identity is gained".to_owned());
    };
    state.with_bridge(|bridge| {
        let trusted = bridge.trusted_by(who).any(|account| state.has_credentials(account) || state.is_admin());
        if trusted { Ok(()) } else { Err("the identity trusts none of our accounts".to_owned()) }
    })
}

#[cfg(test)]
mod tests {
    use super::TECHNIQUE;
    use crate::rules::kubernetes::{check, check_from, graph};
    use crate::rules::{Ask, escalations};

    #[test]
    fn a_token_of_the_account_is_the_identity() {
        check(
            "account dev/app
             account dev/other
             identity app s1/ids
             trust app dev/app
             assign app Contributor s1/rg
             role t: create serviceaccounts/token
             bind dev/t=t user:alice",
            "alice -> Contributor-like on s1/rg: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn that_it_is_this_cluster_is_said_where_nobody_knows_it() {
        let might = |more: &str| {
            let world = format!(
                "account dev/app
                 identity app s1/ids
                 trust app dev/app
                 assign app Contributor s1/rg
                 role t: create serviceaccounts/token
                 bind dev/t=t user:alice
                 {more}"
            );
            let graph = graph(&world);
            let found = escalations(&graph, &Ask::default());
            let steps = found.findings.iter().flat_map(|finding| &finding.steps);
            let own = steps.filter(|step| step.technique.id == TECHNIQUE.id).flat_map(|step| &step.blockers);
            own.map(|blocker| (blocker.what.clone(), blocker.stops)).collect::<Vec<_>>()
        };
        let [(what, false)] = &might("")[..] else { panic!("one that might") };
        assert!(what.starts_with("the trust is taken to be in this cluster"), "{what}");
        let known = "aks one s2/aks
             aso
             credential prod/aso-credential aso
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default";
        assert_eq!(might(known), []);
    }

    #[test]
    fn the_name_of_the_account_is_all_of_it() {
        check(
            "account dev/default
             account dev/app
             account dev/other
             identity app s1/ids
             trust app qa/app
             trust app dev/else
             assign app Contributor s1/rg
             role t: create serviceaccounts/token
             bind dev/t=t user:alice",
            "",
        );
    }

    #[test]
    fn a_trust_in_an_account_that_is_gone_waits_for_whoever_makes_it() {
        let world = "account dev/default
             identity app s1/ids
             trust app dev/gone
             assign app Contributor s1/rg
             role t: create serviceaccounts/token
             role m: create serviceaccounts
             ";
        check(
            &format!(
                "{world}bind dev/t=t user:alice user:bob
             bind dev/m=m user:alice
             bind qa/m=m user:bob"
            ),
            "alice -> Contributor-like on s1/rg: dangling-claim, token-request, workload-identity, azure-role",
        );
        check(
            &format!(
                "{world}role p: create pods
             bind dev/p=p user:alice
             bind dev/m=m user:alice"
            ),
            "alice -> Contributor-like on s1/rg: dangling-claim, pod-create, workload-identity, azure-role",
        );
    }

    #[test]
    fn that_azure_names_a_namespace_does_not_make_it_one() {
        let world = |more: &str| {
            format!(
                "account dev/app
                 identity app s1/ids
                 trust app gone/app
                 assign app Contributor s1/rg
                 role p: create pods
                 bind p user:alice
                 {more}"
            )
        };
        // Somebody may make the account, and its namespace. No pod goes where none is, whatever it would be let.
        check(
            &world(""),
            "alice -> secrets of every namespace: pod-create
             alice -> Contributor-like on s1/rg: pod-create, workload-identity, azure-role",
        );
        check(
            &world("namespace gone -"),
            "alice -> secrets of every namespace: pod-create
             alice -> any node: pod-create, privileged-pod
             alice -> Contributor-like on s1/rg: pod-create, workload-identity, azure-role",
        );
    }

    #[test]
    fn a_token_for_somebody_else_is_not_taken() {
        check(
            "account dev/app
             account dev/other
             identity app s1/ids
             trust app dev/app one https://other.example
             assign app Contributor s1/rg
             role t: create serviceaccounts/token
             bind dev/t=t user:alice",
            "",
        );
    }

    #[test]
    fn the_annotation_is_only_a_hint() {
        check(
            "account dev/app
             account dev/other
             identity app s1/ids
             yaml {apiVersion: v1, kind: ServiceAccount, metadata: {name: hint, namespace: dev, annotations: {azure.workload.identity/client-id: <app>}}}
             assign app Contributor s1/rg
             role t: create serviceaccounts/token
             bind dev/t=t user:alice",
            "",
        );
    }

    #[test]
    fn tokens_of_another_cluster_are_others() {
        check(
            "aso
             credential prod/aso-credential aso
             aks one s1/rg
             aks two s1/rg
             identity aso s3/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default
             account dev/app
             account dev/other
             identity app s1/ids
             trust app dev/app two
             assign app Contributor s1/rg
             role t: create serviceaccounts/token
             bind dev/t=t user:alice",
            "",
        );
    }

    #[test]
    fn the_token_of_a_secret_is_for_no_audience() {
        check(
            "account dev/app
             identity app s1/ids
             trust app dev/app
             assign app Contributor s1/rg
             secret dev/app-token kubernetes.io/service-account-token app
             role s: create,get secrets
             role i: impersonate serviceaccounts
             bind dev/s=s user:alice
             bind dev/i=i user:bob",
            "",
        );
    }

    #[test]
    fn the_account_has_what_it_was_given_and_that_is_no_news() {
        check(
            "account dev/app
             identity app s1/ids
             trust app dev/app
             assign app Contributor s1/rg
             role g: get pods
             bind dev/g=g sa:dev/app",
            "",
        );
        check_from(
            "sa:dev/app",
            "account dev/app
             identity app s1/ids
             trust app dev/app
             assign app Contributor s1/rg",
            "system:serviceaccount:dev:app -> Contributor-like on s1/rg: workload-identity, azure-role",
        );
    }

    #[test]
    fn whoever_is_cluster_admin_has_it_without_saying() {
        check_from(
            "user:alice",
            "account dev/app
             identity app s1/ids
             trust app dev/app
             assign app Contributor s1/rg
             role a: * *.*
             bind a user:alice",
            "",
        );
    }

    #[test]
    fn a_pod_of_the_account_is_the_identity() {
        check(
            "account dev/app
             identity app s1/ids
             trust app dev/app
             assign app Contributor s1/rg
             pod dev/web app -
             role e: create pods/exec
             bind dev/e=e user:alice
             bind qa/e=e user:bob",
            "alice -> Contributor-like on s1/rg: pod-exec, pod-serviceaccount, workload-identity, azure-role",
        );
    }

    #[test]
    fn whoever_runs_pods_beside_it_is_the_identity() {
        check(
            "account dev/app
             identity app s1/ids
             trust app dev/app
             assign app Contributor s1/rg
             role e: create pods
             bind dev/e=e user:alice
             bind qa/e=e user:bob",
            "alice -> Contributor-like on s1/rg: pod-create, workload-identity, azure-role",
        );
    }

    #[test]
    fn a_strict_operator_takes_tokens_of_the_namespace() {
        check(
            "aso strict
             credential dev/aso-credential app
             kinds storageaccounts.storage
             account dev/aso-workload
             identity app s1/ids
             trust app dev/aso-workload
             assign app Contributor s1/rg
             role t: create serviceaccounts/token aso-workload
             role o: create serviceaccounts/token other
             bind dev/t=t user:alice
             bind dev/o=o user:bob
             bind qa/t=t user:carol",
            "alice -> Contributor-like on s1/rg: token-request, workload-identity, azure-role",
        );
    }

    #[test]
    fn whoever_takes_the_operator_over_is_all_that_trust_it() {
        check(
            "aso
             credential dev/aso-credential app
             kinds storageaccounts.storage
             identity app s1/ids
             identity big s1/ids
             trust app azureserviceoperator-system/azureserviceoperator-default
             trust big azureserviceoperator-system/azureserviceoperator-default
             assign app Contributor s1/rg
             assign big Owner s2
             role t: create serviceaccounts/token
             role p: patch deployments.apps
             bind azureserviceoperator-system/t=t user:alice
             bind azureserviceoperator-system/p=p user:bob
             bind dev/t=t user:carol",
            "bob -> role-assignment write on s2: workload-patch, workload-identity, azure-role
             alice -> role-assignment write on s2: token-request, workload-identity, azure-role
             bob -> Contributor-like on s1/rg: workload-patch, workload-identity, azure-role
             alice -> Contributor-like on s1/rg: token-request, workload-identity, azure-role",
        );
    }
}
