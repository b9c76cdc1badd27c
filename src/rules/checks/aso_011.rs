//! ASO-011: one token for every identity.

use super::{SECURITY, Check, Checked, Found, People};
use std::collections::BTreeSet;

use crate::model::azure::FederatedCredential;
use crate::query::{AsoRight, TokenMode, is_same_issuer};
use crate::rules::Severity;

/// The check.
pub(super) const CHECK: Check = Check {
    id: "ASO-011",
    title: "Keep the identities of one namespace from the writers of another",
    why: "In relaxed mode the operator gives Azure its own token for every namespace. Whoever writes a credential Secret, or a resource that writes one, names any identity that trusts the operator: those of other teams too. The ids are no secret.",
    remedy: "Use the strict mode of newer operators, one operator for each tenant, or one identity only.",
    references: &["https://github.com/Azure/azure-service-operator/issues/4807", SECURITY],
    run,
};

fn run(world: &Checked<'_>, found: &mut Found) {
    let issuer = world.issuer();
    for (_, operator) in world.aso.operators().filter(|(_, at)| at.is_active() && at.tokens == TokenMode::Relaxed) {
        if !world.aso.credentials().any(|(_, own)| Checked::by_token(own) && own.problem.is_none()) {
            continue;
        }
        let mut people = People::default();
        let mut places = Vec::new();
        for namespace in world.targets().into_iter().filter(|&at| operator.reconciles(world.text(at))) {
            let own = world.people(&AsoRight::Write(world.kinds), namespace);
            if !own.active.is_empty() {
                places.push(namespace);
                people.active.extend(own.active);
            }
        }
        let subject = operator.account.request_name(&world.graph.snapshot().names);
        // Operators have the same name in most clusters. Where it is not known which cluster this is, each may be its own.
        let of_this = |at: &FederatedCredential| issuer.is_none_or(|own| is_same_issuer(own, &at.issuer));
        let trusting: BTreeSet<&str> = world
            .power
            .graph()
            .facts()
            .federated_credentials
            .iter()
            .filter(|at| at.subject.as_deref() == Some(subject.as_str()) && of_this(at))
            .map(|at| if at.identity_id.is_empty() { at.application_id.as_str() } else { at.identity_id.as_str() })
            .collect();
        let known = !world.power.graph().facts().federated_credentials.is_empty();
        // One writer is enough to take another identity; without knowing the identities, only that several share is known.
        if places.is_empty() || if known { trusting.len() < 2 } else { places.len() < 2 } {
            continue;
        }
        people.active.sort_unstable();
        people.active.dedup();
        let severity = if known { Severity::Critical } else { Severity::High };
        let who = world.names(&people.active);
        let what = format!("in {} {who} may name any identity that trusts the operator", world.namespaces(&places));
        let finding = found.add(severity, what);
        finding.because(if known {
            format!("{} trust {subject}", super::count(trusting.len(), "identity").replace("identitys", "identities"))
        } else {
            format!("which identities trust {subject} was not read (--azure)")
        });
        finding.object("ServiceAccount", Some(operator.namespace), operator.account.name(), None);
        finding.remedy("helm upgrade azure-service-operator ... --set workloadIdentityAuthMode=strict");
        finding.remedy("kubectl rbac-lens aso --assume strict");
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::*;

    const ID: &str = "ASO-011";

    const TWO: &str = "role w: create storageaccounts.storage.azure.com\nbind dev/a=w user:alice\nbind prod/b=w user:bob";
    const OPERATOR: &str = "operator ID1, USE_WORKLOAD_IDENTITY_AUTH: 'true'";
    const TOLD: &str = "in dev, prod user:alice, user:bob may name any identity that trusts the operator";

    fn trust(last: u8, subject: &str) -> String {
        trust_by(last, subject, "https://x")
    }

    fn trust_by(last: u8, subject: &str, issuer: &str) -> String {
        format!(r#"{{"id": "/subscriptions/1/resourceGroups/i/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i{last}/federatedIdentityCredentials/f",
            "name": "f", "type": "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials", "issuer": "{issuer}", "subject": "{subject}", "audiences": ["a"]}}"#)
    }

    #[test]
    fn several_writers_share_one_token() {
        check(ID, &format!("{OPERATOR}\n{TWO}"), &format!("high {TOLD}"));
        let own = "system:serviceaccount:aso:op";
        check_with(ID, &format!("{OPERATOR}\n{TWO}"), &format!("[{},{}]", trust(1, own), trust(2, own)), &format!("critical {TOLD}"));
    }

    #[test]
    fn one_writer_is_enough_where_several_identities_trust_the_operator() {
        let own = "system:serviceaccount:aso:op";
        let one = TWO.replace("prod/b", "dev/b");
        check_with(
            ID,
            &format!("{OPERATOR}\n{one}"),
            &format!("[{},{}]", trust(1, own), trust(2, own)),
            "critical in dev user:alice, user:bob may name any identity that trusts the operator",
        );
    }

    #[test]
    fn a_strict_operator_does_not() {
        check(ID, &format!("{OPERATOR}, AZURE_WORKLOAD_IDENTITY_AUTH_MODE: strict\n{TWO}"), "");
    }

    #[test]
    fn one_namespace_or_one_identity_is_not_enough() {
        check(ID, &format!("{OPERATOR}\n{}", TWO.replace("prod/b", "dev/b")), "");
        let own = "system:serviceaccount:aso:op";
        check_with(ID, &format!("{OPERATOR}\n{TWO}"), &format!("[{},{}]", trust(1, own), trust(2, "system:serviceaccount:dev:app")), "");
        check(ID, &format!("operator ID1, AZURE_CLIENT_SECRET: x\n{TWO}"), "");
    }

    #[test]
    fn an_identity_that_trusts_the_operator_of_another_cluster_is_not_had() {
        let own = "system:serviceaccount:aso:op";
        let world = format!("{OPERATOR}\n{TWO}");
        let clusters = [aks("one", "https://one/"), aks("two", "https://two/")].join(",");
        let both = |issuer| [trust_by(1, own, "https://one"), trust_by(2, own, issuer)].join(",");
        let found = format!("critical {TOLD}");
        for (said, issuer, expected) in [
            ("one", "https://two/", ""),
            ("one", "https://one/", found.as_str()),
            // Which cluster it is, is not known.
            ("", "https://two/", found.as_str()),
        ] {
            let azure = format!("[{clusters},{}]", both(issuer));
            check_said(ID, &world, &azure, said, expected);
        }
        let without = aks("one", "https://one/").replace("issuerUrl", "other");
        check_said(ID, &world, &format!("[{without},{}]", both("https://two/")), "one", &found);
    }
}
