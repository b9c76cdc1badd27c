//! ASO-025: trust in accounts of this cluster only.

use std::collections::{BTreeMap, BTreeSet};

use super::{SECURITY, Check, Checked, Found, listed, shell};
use crate::graph::azure::PrincipalIx;
use crate::model::azure::{FederatedCredential, fold};
use crate::model::{AsoSpec, AsoValueFrom, service_account_parts};
use crate::query::{Credential, is_same_issuer};
use crate::rules::Severity;

/// The check.
pub(super) const CHECK: Check = Check {
    id: "ASO-025",
    title: "Let identities trust accounts of this cluster, and not the operator's",
    why: "A FederatedIdentityCredential lets the bearer of a token act as an identity. A subject that is no account here can be had elsewhere, one that does not exist is anybody's who may make it, another issuer vouches for whom it likes, and the operator's own is shared by every namespace.",
    remedy: "Delete it, or name an account that is there.",
    references: &["https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations", SECURITY],
    run,
};

fn run(world: &Checked<'_>, found: &mut Found) {
    let trust = Trust::new(world);
    let mut told = BTreeSet::new();
    for (resource, _) in world.aso.resources() {
        let AsoSpec::Federated(spec) = &resource.spec else { continue };
        // What comes from a ConfigMap is not known here.
        let [issuer, Some(subject)] = [spec.issuer, spec.subject].map(|own| match own {
            AsoValueFrom::Value(name) => Some(world.text(name)),
            AsoValueFrom::None | AsoValueFrom::ConfigMap { .. } => None,
        }) else {
            continue;
        };
        let is_operator = trust.is_operator(issuer, subject);
        let operator = || (Severity::High, "the operator, which every namespace shares".to_owned());
        let Some((severity, why)) = is_operator.then(operator).or_else(|| trust.wrong(issuer, subject)) else { continue };
        told.extend(world.aso.arm_id(resource).map(|id| fold(&id)));
        let (place, name) = (world.text(resource.namespace), world.text(resource.name));
        let what = format!("FederatedIdentityCredential {place}/{name} trusts {why}: {subject}");
        let finding = found.add(severity, what);
        finding.object("FederatedIdentityCredential.managedidentity.azure.com", Some(resource.namespace), resource.name, Some(resource.origin));
        let operand = world.operand("federatedidentitycredentials.managedidentity.azure.com", resource.name);
        finding.remedy(format!("kubectl -n {} delete {operand}", world.place(resource.namespace)));
    }
    identities(world, &trust, &told, found);
}

/// The same of the identities that ASO acts as, by what Azure says of them. They trust the operator as they should.
fn identities(world: &Checked<'_>, trust: &Trust<'_, '_>, told: &BTreeSet<String>, found: &mut Found) {
    let azure = world.power.graph();
    let mut by_identity: BTreeMap<PrincipalIx, Vec<&Credential>> = BTreeMap::new();
    for row in world.rows.iter().filter(|row| world.is_used(row)) {
        let own = world.credential(row.credential);
        if let Some(identity) = own.client.and_then(|client| azure.by_client_id(world.text(client))) {
            by_identity.entry(identity).or_default().push(own);
        }
    }
    let mut wrong: BTreeMap<PrincipalIx, Vec<(Severity, String, &FederatedCredential)>> = BTreeMap::new();
    for at in azure.federated_credentials() {
        let read = azure.federated_credential(at);
        let identity = azure.federated_principal(at).filter(|identity| by_identity.contains_key(identity));
        let Some(identity) = identity.filter(|_| !told.contains(&fold(&read.id))) else { continue };
        if let Some((severity, why)) = trust.wrong_in_azure(read) {
            wrong.entry(identity).or_default().push((severity, why, read));
        }
    }
    for (identity, wrong) in wrong {
        let (Some(own), Some(severity)) = (by_identity.get(&identity), wrong.iter().map(|(severity, ..)| *severity).max()) else { continue };
        let whom: Vec<String> = wrong.iter().map(|(_, why, _)| why.clone()).collect();
        let holder = own.first().map(|own| world.holder(own)).unwrap_or_default();
        let finding = found.add(severity, format!("the identity of {holder} trusts {}", listed(&whom)));
        for (namespace, name) in own.iter().filter_map(|own| own.secret) {
            finding.object("Secret", Some(namespace), name, None);
        }
        for (_, _, read) in wrong {
            finding.remedy(if read.identity_id.is_empty() {
                let (application, id) = (shell(&read.application_id), shell(&read.id));
                format!("az ad app federated-credential delete --id {application} --federated-credential-id {id}")
            } else {
                format!("az resource delete --ids {}", shell(&read.id))
            });
        }
    }
}

/// What is known of those who may be trusted.
struct Trust<'w, 'g> {
    world: &'w Checked<'g>,
    /// The issuer of this cluster, where it is known.
    issuer: Option<&'g str>,
    operators: Vec<String>,
    accounts_known: bool,
}

impl<'w, 'g> Trust<'w, 'g> {
    fn new(world: &'w Checked<'g>) -> Trust<'w, 'g> {
        let snapshot = world.graph.snapshot();
        Trust {
            world,
            issuer: world.issuer(),
            operators: world.aso.operators().map(|(_, at)| at.account.request_name(&snapshot.names)).collect(),
            accounts_known: !snapshot.service_accounts.is_empty()
                && !snapshot.gaps.iter().any(|gap| gap.resource == "serviceaccounts"),
        }
    }

    /// An issuer that is surely not this cluster's.
    fn other<'i>(&self, issuer: Option<&'i str>) -> Option<&'i str> {
        issuer.filter(|other| self.issuer.is_some_and(|own| !is_same_issuer(own, other)))
    }

    fn is_operator(&self, issuer: Option<&str>, subject: &str) -> bool {
        self.other(issuer).is_none() && self.operators.iter().any(|own| own == subject)
    }

    /// Why somebody should not be trusted, and how bad it is that they are.
    fn wrong(&self, issuer: Option<&str>, subject: &str) -> Option<(Severity, String)> {
        let (severity, why) = match (service_account_parts(subject), self.other(issuer)) {
            _ if subject.contains('*') => (Severity::High, "a subject with a wildcard"),
            (None, _) => (Severity::High, "somebody outside of this cluster"),
            (Some(_), Some(issuer)) => return Some(self.elsewhere(issuer)),
            (Some((namespace, name)), None) if !self.may_exist(namespace, name) => (Severity::Medium, "an account that does not exist"),
            (Some(_), None) => return None,
        };
        Some((severity, why.to_owned()))
    }

    /// The same of a credential that Azure told of.
    fn wrong_in_azure(&self, read: &FederatedCredential) -> Option<(Severity, String)> {
        let Some(subject) = read.subject.as_deref() else {
            let expression = read.expression.as_deref()?;
            return Some((Severity::High, format!("whomever an expression matches: {expression}")));
        };
        let issuer = Some(read.issuer.as_str());
        // An identity may serve many clusters. Without knowing which one this is, their accounts are as good as its own.
        let untold = self.issuer.is_none() && service_account_parts(subject).is_some();
        if untold || self.is_operator(issuer, subject) {
            return None;
        }
        let (severity, why) = self.wrong(issuer, subject)?;
        Some((severity, format!("{why}: {subject}")))
    }

    /// What an account of another issuer is.
    fn elsewhere(&self, issuer: &str) -> (Severity, String) {
        let mut clusters = self.world.power.graph().facts().clusters.iter();
        let is_its = |own: &&str| is_same_issuer(own, issuer);
        match clusters.find(|one| one.issuer.as_deref().as_ref().is_some_and(is_its)) {
            Some(cluster) => (Severity::Low, format!("an account of the cluster {}", cluster.name)),
            None => (Severity::High, format!("an account of an issuer that is not this cluster's ({issuer})")),
        }
    }

    fn may_exist(&self, namespace: &str, name: &str) -> bool {
        let text = |name| self.world.text(name);
        let mut accounts = self.world.graph.snapshot().service_accounts.iter();
        !self.accounts_known || name == "default" || accounts.any(|at| text(at.namespace) == namespace && text(at.name) == name)
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::*;

    const ID: &str = "ASO-025";

    fn world(subject: &str) -> String {
        format!("operator ID1\naccount dev/app\ncr dev/f managedidentity/FederatedIdentityCredential spec: {{issuer: 'https://x', subject: '{subject}'}}")
    }

    #[test]
    fn others_are_found() {
        for (subject, severity, why) in [
            ("repo:contoso/app:ref:refs/heads/main", "high", "somebody outside of this cluster"),
            ("system:serviceaccount:aso:op", "high", "the operator, which every namespace shares"),
            ("system:serviceaccount:dev:*", "high", "a subject with a wildcard"),
            ("system:serviceaccount:dev:gone", "medium", "an account that does not exist"),
        ] {
            check(ID, &world(subject), &format!("{severity} FederatedIdentityCredential dev/f trusts {why}: {subject}"));
        }
    }

    #[test]
    fn an_account_that_is_there_is_as_it_should_be() {
        check(ID, &world("system:serviceaccount:dev:app"), "");
    }

    #[test]
    fn what_is_not_known_is_not_judged() {
        check(ID, &world("system:serviceaccount:dev:gone").replace("account dev/app\n", ""), "");
        check(ID, &world("x").replace("subject: 'x'", "subjectFromConfig: {name: m, key: k}"), "");
    }

    const APP: &str = "system:serviceaccount:dev:app";

    fn clusters() -> String {
        [aks("one", "https://one/"), aks("two", "https://two/")].join(",")
    }

    #[test]
    fn another_issuer_is_found_where_the_own_one_is_known() {
        let world = |issuer: &str, subject: &str| world(subject).replace("https://x", issuer);
        let azure = format!("[{}]", clusters());
        let evil = "high FederatedIdentityCredential dev/f trusts an account of an issuer that is not this cluster's (https://evil/)";
        let gone = "system:serviceaccount:dev:gone";
        for (said, issuer, subject, expected) in [
            ("one", "https://evil/", APP, format!("{evil}: {APP}")),
            ("one", "https://evil/", gone, format!("{evil}: {gone}")),
            ("one", "https://two/", gone, format!("low FederatedIdentityCredential dev/f trusts an account of the cluster two: {gone}")),
            ("one", "https://one", APP, String::new()),
            ("", "https://evil/", APP, String::new()),
        ] {
            check_said(ID, &world(issuer, subject), &azure, said, &expected);
        }
        let from_config = world("x", APP).replace("issuer: 'x'", "issuerFromConfig: {name: m, key: k}");
        check_said(ID, &from_config, &azure, "one", "");
    }

    /// An identity of ASO that trusts this, beside the operator.
    fn trusts(issuer: &str, trusted: &str) -> String {
        let one = |name: &str, issuer: &str, trusted: &str| {
            format!(r#"{{"id": "/subscriptions/1/resourceGroups/i/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i1/federatedIdentityCredentials/{name}",
                "name": "{name}", "type": "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials", "issuer": "{issuer}", {trusted}, "audiences": ["a"]}}"#)
        };
        let operator = one("op", "https://one/", r#""subject": "system:serviceaccount:aso:op""#);
        let azure = azure(&[(1, "Microsoft.Storage/*", SUBSCRIPTION)]);
        azure.replacen('[', &format!("[{},{operator},{},", clusters(), one("f", issuer, trusted)), 1)
    }

    #[test]
    fn identities_of_aso_are_looked_at_in_azure() {
        let world = "operator ID1\naccount dev/app";
        let whose = "the identity of Secret aso/aso-controller-settings trusts";
        let subject = |subject: &str| format!(r#""subject": "{subject}""#);
        let github = "repo:contoso/app:ref:refs/heads/main";
        for (issuer, trusted, expected) in [
            ("https://token", subject(github), format!("high {whose} somebody outside of this cluster: {github}")),
            ("https://evil", subject(APP), format!("high {whose} an account of an issuer that is not this cluster's (https://evil): {APP}")),
            ("https://two/", subject(APP), format!("low {whose} an account of the cluster two: {APP}")),
            ("https://one/", subject(APP), String::new()),
        ] {
            check_said(ID, world, &trusts(issuer, &trusted), "one", &expected);
            // Those of identities that ASO does not act as are no matter of it.
            check_said(ID, &world.replace("ID1", "ID2"), &trusts(issuer, &trusted), "one", "");
        }
// Which cluster it is, is not known.
        let unknown = |trusted: &str| trusts("https://evil", &subject(trusted)).replace("issuerUrl", "other");
        check_with(ID, world, &unknown(APP), "");
        check_with(ID, world, &unknown(github), &format!("high {whose} somebody outside of this cluster: {github}"));
    }

    #[test]
    fn what_the_resource_tells_is_not_told_twice() {
        let id = "/subscriptions/1/resourceGroups/i/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i1/federatedIdentityCredentials/f";
        let github = "repo:contoso/app:ref:refs/heads/main";
        let world = world(github).replace("https://x", "https://token") + &format!(", status: {{id: '{id}'}}");
        let told = format!("high FederatedIdentityCredential dev/f trusts somebody outside of this cluster: {github}");
        check_said(ID, &world, &trusts("https://token", &format!(r#""subject": "{github}""#)), "one", &told);
    }
}
