//! `csr-approve`: whoever approves a request for a client certificate decides whose name is in it.

use crate::model::{MASTERS, NODE_PREFIX, NODES, Name, Subject};
use crate::rules::attack::{Attack, Done, Effect, Fact, Place};
use crate::rules::finding::StepDone;
use crate::rules::held::Site;
use crate::rules::replay::State;
use crate::rules::technique::{At, Confidence, On, Request, Right, Technique, WRITE, right};

const CERTIFICATES: &str = "certificates.k8s.io";
const CREATE: &[&str] = &["create"];
const APPROVE: &[&str] = &["approve"];
const APPROVAL: &str = "certificatesigningrequests/approval";

/// The signer of client certificates, that of the kubelets', and all of Kubernetes' own.
const CLIENT: &str = "kubernetes.io/kube-apiserver-client";
const KUBELET: &str = "kubernetes.io/kube-apiserver-client-kubelet";
const ALL: &str = "kubernetes.io/*";

const fn csr(verbs: &'static [&'static str], on: On) -> Right {
    right(verbs, CERTIFICATES, "certificatesigningrequests", on)
}

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "csr-approve",
    title: "Approve a certificate for any name",
    requests: &[
        Request { rights: &[csr(CREATE, On::Nothing)], at: At::Cluster },
        Request { rights: &[csr(CREATE, On::Object), csr(&["patch"], On::Object)], at: At::Cluster },
        Request {
            rights: &[
                right(WRITE, CERTIFICATES, APPROVAL, On::Object),
                right(APPROVE, CERTIFICATES, "signers", On::Other),
            ],
            at: At::Cluster,
        },
    ],
    gain: "any user, account and group but system:masters, nodes included; with the kubelets' signer alone any node",
    why: "A certificate that the control plane signs names a user and groups, and whoever approves the request is the only one \
          who looks at them. An approval needs `approve` on the signer as well, in the same identity: on \
          kubernetes.io/kube-apiserver-client, on kubernetes.io/* or without names. Whoever makes the request may be somebody \
          else. A certificate cannot be revoked. Clusters whose control plane signs no client certificates, as on EKS, give none.",
    remedy: "Take `approve` on the signer away, or limit it with resourceNames to signers whose certificates the API server does \
             not take.",
    confidence: Confidence::Performed,
    attack: &["T1078", "T1649"],
    references: &[
        "https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/",
        "https://kubernetes.io/docs/concepts/security/rbac-good-practices/#csrs-and-certificate-issuing",
    ],
    build: Some(build),
    proof: Some(proof),
    ..Technique::MOVE
};

fn build(attack: &mut Attack<'_>, done: Done) {
    if !done.first {
        return;
    }
    let site = |object, other| Site { place: Place::Cluster, object, other };
    match (done.within, done.site.object) {
        // A name that can be approved is given to the request by whoever makes it.
        (2, object) => {
            let made = attack.asking(&TECHNIQUE, 0, site(None, None));
            approve(attack, &done, vec![made, done.fact], done.site.other);
            if object.is_some() {
                let made = attack.asking(&TECHNIQUE, 1, site(object, None));
                approve(attack, &done, vec![made, done.fact], done.site.other);
            }
        }
        (1, Some(_)) => {
            let signers = [CLIENT, KUBELET, ALL].map(|signer| attack.graph.snapshot().names.find(signer));
            for signer in signers.into_iter().flatten().map(Some).chain([None]) {
                let approved = attack.asking(&TECHNIQUE, 2, site(None, signer));
                approve(attack, &done, vec![done.fact, approved], signer);
            }
        }
        _ => {}
    }
}

/// Adds whose certificates a signer signs.
fn approve(attack: &mut Attack<'_>, done: &Done, needs: Vec<u32>, signer: Option<Name>) {
    let signer = signer.map(|signer| attack.graph.text(signer));
    if signer.is_none_or(|signer| [CLIENT, ALL].contains(&signer)) {
        attack.does(done.technique, needs.clone(), Effect::Any, Fact::Users);
        attack.does(done.technique, needs.clone(), Effect::Any, Fact::Groups);
        attack.does(done.technique, needs.clone(), Effect::Any, Fact::AnyTogether);
        for account in attack.accounts_in(Place::EachNamespace, None) {
            attack.does(done.technique, needs.clone(), Effect::ActAs(account), Fact::Identity(account));
        }
    } else if signer == Some(KUBELET) {
        super::node_csr::join(attack, done, &needs);
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let made = step.asks(CREATE, CERTIFICATES, "certificatesigningrequests").ok_or("no certificate is asked for")?;
    let approved = step.asks(WRITE, CERTIFICATES, APPROVAL).ok_or("nobody approves it")?;
    let signer = step.asks(APPROVE, CERTIFICATES, "signers").ok_or("nobody may approve for the signer")?;
    let Effect::ActAs(subject) = step.effect else { return Err("a certificate is somebody's".to_owned()) };
    if made.name.is_some() && approved.name.is_some() && made.name != approved.name {
        return Err("another request is approved".to_owned());
    }
    let signs = |signer: &str, subject: Subject| {
        let text = state.graph.text(subject.name());
        match signer {
            CLIENT | ALL => subject != Subject::Group(subject.name()) || text != MASTERS,
            KUBELET => match subject {
                Subject::User(_) => text.starts_with(NODE_PREFIX),
                Subject::Group(_) => text == NODES,
                Subject::ServiceAccount { .. } => false,
            },
            _ => false,
        }
    };
    let parts = || [subject].into_iter().chain(step.with.iter().copied());
    if parts().filter(|part| !matches!(part, Subject::Group(_))).count() > 1 {
        return Err("a certificate has one name".to_owned());
    }
    let signer = signer.name.map_or(ALL, |name| state.graph.text(name));
    if parts().all(|part| signs(signer, part)) {
        Ok(())
    } else {
        Err("the signer signs no certificate for this name".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::{check, check_to};

    const BIG: &str = "role big: * *.*
             role c: create certificatesigningrequests.certificates.k8s.io
             bind c user:alice
             bind a user:alice
             ";
    const UPDATE: &str = "update certificatesigningrequests/approval.certificates.k8s.io";

    #[test]
    fn any_user_account_and_group() {
        for who in ["user:bob", "group:dev", "sa:dev/gone"] {
            for signer in ["", " kubernetes.io/kube-apiserver-client", " kubernetes.io/*"] {
                check(
                    &format!("{BIG}bind big {who}\nrole a: {UPDATE}; approve signers.certificates.k8s.io{signer}"),
                    "alice -> cluster-admin: csr-approve, wildcard-admin",
                );
            }
        }
    }

    #[test]
    fn system_masters_is_refused() {
        check(&format!("{BIG}bind big group:system:masters\nrole a: {UPDATE}; approve signers.certificates.k8s.io"), "");
    }

    #[test]
    fn the_signer_counts() {
        for signer in ["kubernetes.io/kubelet-serving", "kubernetes.io/legacy-unknown", "example.com/*", "*"] {
            check(
                &format!("{BIG}bind big user:bob group:system:nodes\nrole a: {UPDATE}; approve signers.certificates.k8s.io {signer}"),
                "",
            );
        }
        let kubelet = "approve signers.certificates.k8s.io kubernetes.io/kube-apiserver-client-kubelet";
        check(&format!("{BIG}bind big user:bob\nrole a: {UPDATE}; {kubelet}"), "");
        check(
            &format!("{BIG}bind big group:system:nodes\nrole a: {UPDATE}; {kubelet}"),
            "alice -> cluster-admin: csr-approve, wildcard-admin",
        );
        check_to(
            "user:system:node:n1",
            &format!("{BIG}pod dev/one bot n1\nrole a: {UPDATE}; {kubelet}"),
            "alice -> system:node:n1: csr-approve",
        );
    }

    #[test]
    fn one_right_alone_gives_nothing_and_so_does_a_role_binding() {
        for rule in [UPDATE, "approve signers.certificates.k8s.io", "update certificatesigningrequests.certificates.k8s.io"] {
            check(&format!("{BIG}bind big user:bob\nrole a: {rule}"), "");
        }
        check(
            &format!(
                "role big: * *.*
                 bind big user:bob
                 role a: create certificatesigningrequests.certificates.k8s.io; {UPDATE}; approve signers.certificates.k8s.io
                 bind dev/a=a user:alice"
            ),
            "",
        );
    }

    #[test]
    fn one_asks_and_another_approves_but_one_holds_both_rights_of_an_approval() {
        let world = |rest: &str| {
            format!(
                "role big: * *.*
                 bind big user:bob
                 role c: create certificatesigningrequests.certificates.k8s.io
                 role u: {UPDATE}
                 role s: approve signers.certificates.k8s.io
                 role t: create serviceaccounts/token
                 bind dev/t=t user:alice
                 {rest}"
            )
        };
        check(
            &world("bind c user:alice\nbind u sa:dev/bot\nbind s sa:dev/bot"),
            "alice -> cluster-admin: token-request, csr-approve, wildcard-admin",
        );
        check(&world("bind c user:alice\nbind u user:alice\nbind s sa:dev/bot"), "");
    }

    #[test]
    fn a_name_that_can_be_approved_is_given_to_the_request() {
        let named = "update certificatesigningrequests/approval.certificates.k8s.io one; approve signers.certificates.k8s.io";
        check(
            &format!("{BIG}bind big user:bob\nrole a: {named}"),
            "alice -> cluster-admin: csr-approve, wildcard-admin",
        );
        let made = |name: &str, rest: &str| {
            format!(
                "role big: * *.*
                 bind big user:bob
                 role a: create,patch certificatesigningrequests.certificates.k8s.io {name}; {rest}
                 bind a user:alice"
            )
        };
        check(&made("one", named), "alice -> cluster-admin: csr-approve, wildcard-admin");
        check(&made("two", named), "");
        check(
            &made("two", &format!("{UPDATE}; approve signers.certificates.k8s.io kubernetes.io/*")),
            "alice -> cluster-admin: csr-approve, wildcard-admin",
        );
    }

    #[test]
    fn to_sign_gives_nothing_without_the_authoritys_key() {
        check(
            &format!(
                "{BIG}bind big user:bob
                 role a: sign signers.certificates.k8s.io; update,patch certificatesigningrequests/status.certificates.k8s.io"
            ),
            "",
        );
    }

    /// Whoever a certificate names is in all groups that it names.
    fn split(one: &str, other: &str) -> String {
        format!(
            "role a: create certificatesigningrequests.certificates.k8s.io; {UPDATE}; approve signers.certificates.k8s.io
             role b: escalate clusterroles.rbac
             role c: patch clusterroles.rbac
             bind a user:alice
             bind b {one}
             bind c {other}"
        )
    }

    #[test]
    fn the_groups_of_one_certificate_are_one_identity() {
        check(&split("group:dev", "group:ops"), "alice -> cluster-admin: csr-approve, escalate-role");
    }

    #[test]
    fn the_name_and_the_groups_of_one_certificate_are_one_identity() {
        for one in ["user:bob", "sa:dev/bot"] {
            check(&split(one, "group:dev"), "alice -> cluster-admin: csr-approve, escalate-role");
        }
    }

    #[test]
    fn a_certificate_has_one_name() {
        check(&split("user:bob", "user:carol"), "");
        check(&split("user:bob", "sa:dev/bot"), "");
    }
}
