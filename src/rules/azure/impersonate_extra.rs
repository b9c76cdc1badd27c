//! `impersonate-extra`: a request carries the object id of somebody else in Entra, and is judged by Azure as theirs.

use std::collections::BTreeMap;

use super::azure_kubernetes_role::{given, is_given};
use super::deed::blockers;
use super::facts::{AzureStep, Who};
use crate::model::Subject;
use crate::rules::attack::{Attack, Done, Effect, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{At, Confidence, On, Request, Right, Technique, core, right};

const IMPERSONATE: &[&str] = &["impersonate"];
const AUTHENTICATION: &str = "authentication.k8s.io";
/// The extra value in which Guard looks for the object id.
const OID: &str = "userextras/oid";
const EXTRA: Right = right(IMPERSONATE, AUTHENTICATION, OID, On::Object);

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "impersonate-extra",
    title: "Impersonate an object id of Entra",
    requests: &[Request { rights: &[EXTRA, core(IMPERSONATE, "users", On::Other)], at: At::Cluster }],
    gain: "what the data actions of that principal's roles allow in the cluster",
    why: "Where Azure RBAC for Kubernetes is on, Guard asks Azure about the object id that a request has as the extra value `oid`. \
          Whoever impersonates loses their own, and with the right on userextras/oid may send that of any user or identity of the \
          directory, beside the name of some user, which must not begin with `system:`. Other authorizers of the cluster ignore \
          extra values.",
    remedy: "Take the verb `impersonate` on userextras away, or limit it with resourceNames to object ids that hold no more.",
    confidence: Confidence::Inferred,
    attack: &["T1078.004"],
    references: &[
        "https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation",
        "https://learn.microsoft.com/azure/aks/manage-azure-rbac",
        "https://github.com/kubeguard/guard",
    ],
    build: Some(build),
    proof: Some(proof),
    ..Technique::MOVE
};

fn build(attack: &mut Attack<'_>, done: Done) {
    let names = &attack.graph.snapshot().names;
    let text = |name| attack.graph.text(name);
    let is_asked_about =
        |name| !text(name).starts_with("system:") && matches!(Subject::find_user(names, text(name)), Some(Subject::User(_)));
    let Some(bridge) = attack.bridge.clone().filter(|_| done.first && done.site.other.is_none_or(is_asked_about)) else {
        return;
    };
    // Of those who have the same the surest.
    let mut best: BTreeMap<Fact, AzureStep> = BTreeMap::new();
    for who in bridge.principals_of_one().filter(|&who| done.site.object.is_none_or(|id| bridge.has_id(who, text(id)))) {
        for (step, fact) in given(&bridge, who) {
            let known = best.entry(fact).or_insert(step);
            if step.sure < known.sure {
                *known = step;
            }
        }
    }
    for (fact, step) in best {
        attack.does_unless(&TECHNIQUE, vec![done.fact], Effect::Azure(step), fact, blockers(step.sure));
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let Effect::Azure(own) = step.effect else { return Err("the step is not in Azure".to_owned()) };
    let who @ Who::Principal(principal) = own.by.ok_or("nobody is impersonated")? else {
        return Err("whose object id it is is not known".to_owned());
    };
    let id = step.asks(IMPERSONATE, AUTHENTICATION, OID).ok_or("no object id is sent")?;
    let user = step.asks(IMPERSONATE, "", "users").ok_or("no name goes with the object id")?;
    if user.name.is_some_and(|name| state.graph.text(name).starts_with("system:")) {
        return Err("Azure is not asked about names of the system".to_owned());
    }
    let azure = state.graph.azure();
    let object_id = &azure.principal(principal).object_id;
    if azure.is_group(principal) || id.name.is_some_and(|name| !object_id.eq_ignore_ascii_case(state.graph.text(name))) {
        return Err("it is the object id of somebody else".to_owned());
    }
    is_given(state, own, who)
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::check_from;

    /// Ann is in a group of the directory that has a role of Azure in the cluster.
    fn world(cluster: &str, role: &str, rules: &str) -> String {
        format!(
            "aso
             credential global aso
             identity aso s1/ids
             trust aso azureserviceoperator-system/azureserviceoperator-default
             aks one s1/aks {cluster}
             people team ann
             assign team {role}
             role i: {rules}
             bind i user:alice"
        )
    }

    const ANY: &str = "impersonate userextras/oid.authentication.k8s.io; impersonate users";
    const PATH: &str = "alice -> cluster-admin: impersonate-extra";

    #[test]
    fn azure_judges_whoever_has_the_object_id() {
        check_from("user:alice", &world("azurerbac", "AksClusterAdmin s1", ANY), PATH);
        check_from("user:alice", &world("azurerbac", "AksReader s1", ANY), "");
        check_from(
            "user:alice",
            &world("azurerbac", "AksAdmin in:one/kube-system", ANY),
            "alice -> secrets of kube-system: impersonate-extra
             alice -> any node: impersonate-extra, privileged-pod",
        );
    }

    #[test]
    fn a_cluster_that_does_not_ask_azure_looks_at_no_extra_value() {
        check_from("user:alice", &world("entra", "AksClusterAdmin s1", ANY), "");
    }

    #[test]
    fn it_takes_the_right_on_this_value_and_on_some_user() {
        for rules in [
            "impersonate userextras/oid.authentication.k8s.io",
            "impersonate users",
            "impersonate userextras/scopes.authentication.k8s.io; impersonate users",
            "impersonate userextras.authentication.k8s.io; impersonate users",
            "impersonate userextras/oid; impersonate users",
            "impersonate userextras/oid.authentication.k8s.io; impersonate serviceaccounts",
            "impersonate userextras/oid.authentication.k8s.io; impersonate users system:nobody",
            "impersonate:user-info userextras/oid.authentication.k8s.io; impersonate users",
        ] {
            check_from("user:alice", &world("azurerbac", "AksClusterAdmin s1", rules), "");
        }
        for rules in [
            "impersonate userextras/oid.authentication.k8s.io; impersonate users nobody",
            "impersonate *.authentication.k8s.io; impersonate users",
        ] {
            check_from("user:alice", &world("azurerbac", "AksClusterAdmin s1", rules), PATH);
        }
    }

    #[test]
    fn a_role_binding_grants_neither_and_two_identities_do_not_send_one_request() {
        let both = world("azurerbac", "AksClusterAdmin s1", "impersonate users");
        check_from("user:alice", &(both.clone() + "\nrole e: impersonate userextras/oid.authentication.k8s.io\nbind e user:alice"), PATH);
        check_from("user:alice", &(both.clone() + "\nrole e: impersonate userextras/oid.authentication.k8s.io\nbind dev/e=e user:alice"), "");
        check_from("user:alice", &(both + "\nrole e: impersonate userextras/oid.authentication.k8s.io\nbind e user:bob"), "");
    }

    #[test]
    fn a_limit_by_name_limits_to_object_ids() {
        let of = |id: &str| {
            let rules = format!("impersonate userextras/oid.authentication.k8s.io {id}; impersonate users");
            world("azurerbac", "AksClusterAdmin s1", &rules)
        };
        check_from("user:alice", &of("aaaaaaaa-0000-0000-0000-9d19051ffcb8"), PATH);
        check_from("user:alice", &of("ann"), "");
        check_from("user:alice", &of("eeeeeeee-0000-0000-0000-d9ef19afc32c"), "");
    }
}
