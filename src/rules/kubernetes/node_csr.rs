//! `node-csr`: the control plane approves by itself what nodes ask for that join.

use crate::model::{NODE_PREFIX, NODES, Subject};
use crate::rules::attack::{Attack, Done, Effect, Fact, Place};
use crate::rules::finding::StepDone;
use crate::rules::held::Site;
use crate::rules::replay::State;
use crate::rules::technique::{At, Confidence, On, Request, Right, Technique, right};

use super::node_identity::be_any;

const CERTIFICATES: &str = "certificates.k8s.io";
const REQUESTS: &str = "certificatesigningrequests";
const NODE_CLIENT: &str = "certificatesigningrequests/nodeclient";
const CREATE: &[&str] = &["create"];
const READ: &[&str] = &["get", "list", "watch", "patch", "delete"];

const fn csr(verbs: &'static [&'static str], on: On) -> Right {
    right(verbs, CERTIFICATES, REQUESTS, on)
}

const AUTOMATIC: Right = right(CREATE, CERTIFICATES, NODE_CLIENT, On::Nothing);

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "node-csr",
    title: "Ask for a node's certificate, which is approved by itself",
    requests: &[
        Request { rights: &[csr(CREATE, On::Nothing), AUTOMATIC], at: At::Cluster },
        Request { rights: &[csr(CREATE, On::Object), csr(&["patch"], On::Object), AUTOMATIC], at: At::Cluster },
        Request { rights: &[csr(READ, On::Object)], at: At::Cluster },
    ],
    gain: "the identity of any node, those that are there included",
    why: "Nodes join by asking for a certificate, and the control plane approves the request of whoever holds `create` on \
          certificatesigningrequests/nodeclient. It does not look whether a node of that name is there already. kubeadm binds \
          this to the group of its bootstrap tokens.",
    remedy: "Delete the binding once no node has to join by itself, or see that bootstrap tokens expire.",
    confidence: Confidence::Documented,
    attack: &["T1078", "T1649"],
    references: &["https://kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping/#approval"],
    build: Some(build),
    proof: Some(proof),
    ..Technique::MOVE
};

fn build(attack: &mut Attack<'_>, done: Done) {
    if !done.first {
        return;
    }
    let any = Site { place: Place::Cluster, object: None, other: None };
    let needs = match (done.within, done.site.object) {
        (0, _) => vec![done.fact, attack.asking(&TECHNIQUE, 2, any)],
        // The patch that makes it returns it as well, once more when it is signed.
        (1, Some(_)) => vec![done.fact],
        (2, Some(_)) => vec![attack.asking(&TECHNIQUE, 0, any), done.fact],
        _ => return,
    };
    join(attack, &done, &needs);
}

/// Whoever has a certificate of any node is each that is known, and what any of them is.
pub(super) fn join(attack: &mut Attack<'_>, done: &Done, needs: &[u32]) {
    if let Some(all) = attack.graph.snapshot().names.find(NODES).map(Subject::Group) {
        attack.does(done.technique, needs.to_vec(), Effect::ActAs(all), Fact::Identity(all));
    }
    be_any(attack, done, needs, Fact::Identity);
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let made = step.asks(CREATE, CERTIFICATES, REQUESTS).ok_or("no certificate is asked for")?;
    step.asks(CREATE, CERTIFICATES, NODE_CLIENT).ok_or("nothing approves it")?;
    let read = step.asks(READ, CERTIFICATES, REQUESTS).ok_or("nobody reads the certificate")?;
    let same = made.name.is_none() || made.name == read.name;
    let is_node = match step.effect {
        Effect::ActAs(Subject::User(user)) => state.graph.text(user).starts_with(NODE_PREFIX),
        Effect::ActAs(Subject::Group(group)) => state.graph.text(group) == NODES,
        _ => false,
    };
    if same && is_node { Ok(()) } else { Err("this is no node's certificate".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::super::world::{check, check_to};

    const JOIN: &str = "role join: create,get certificatesigningrequests.certificates.k8s.io; create certificatesigningrequests/nodeclient.certificates.k8s.io
             bind join user:alice
             pod dev/one bot n1
             ";

    #[test]
    fn a_node_joins_under_a_name_that_is_there() {
        check_to("user:system:node:n1", JOIN, "alice -> system:node:n1: node-csr");
        check(
            &format!("{JOIN}role big: * *.*\nbind big group:system:nodes"),
            "alice -> cluster-admin: node-csr, wildcard-admin",
        );
    }

    #[test]
    fn a_node_renewing_its_own_certificate_gains_nothing() {
        check_to(
            "user:system:node:n1",
            "role join: create,get certificatesigningrequests.certificates.k8s.io; create certificatesigningrequests/selfnodeclient.certificates.k8s.io
             bind join user:alice
             pod dev/one bot n1",
            "",
        );
    }

    #[test]
    fn a_half_of_it_a_role_binding_and_two_identities_give_nothing() {
        for rules in [
            "create certificatesigningrequests,certificatesigningrequests/nodeclient.certificates.k8s.io",
            "create,get certificatesigningrequests.certificates.k8s.io",
            "get certificatesigningrequests.certificates.k8s.io; create certificatesigningrequests/nodeclient.certificates.k8s.io",
        ] {
            check_to("user:system:node:n1", &format!("role join: {rules}\nbind join user:alice\npod dev/one bot n1"), "");
        }
        check_to("user:system:node:n1", &JOIN.replace("bind join", "bind dev/j=join"), "");
        check_to(
            "user:system:node:n1",
            "role ask: create,get certificatesigningrequests.certificates.k8s.io
             role join: create certificatesigningrequests/nodeclient.certificates.k8s.io
             role t: create serviceaccounts/token
             bind ask user:alice
             bind dev/t=t user:alice
             bind join sa:dev/bot
             pod dev/one other n1
             namespace dev restricted",
            "",
        );
    }
}
