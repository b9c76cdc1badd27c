//! A webhook of the attacker's own, which the API server asks about every object and whose changes it takes.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::lab::{Goal, Lab, Own, State, Twist, World, grant, openssl};
use crate::server::Call;

const CONFIGURATIONS: &str = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";

/// Starts the webhook: this process answers, and openssl does the TLS, one connection after the other.
pub(crate) fn serve(folder: &Path) -> (Child, u16) {
    openssl(
        folder,
        "req -x509 -CA lab-ca.crt -CAkey lab-ca.key -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
         -subj /CN=hook -addext subjectAltName=IP:127.0.0.1 -keyout lab-hook.key -out lab-hook.crt",
    );
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut child = Command::new("openssl")
        .args([
            "s_server",
            "-quiet",
            "-accept",
            &format!("127.0.0.1:{port}"),
            "-cert",
            "lab-hook.crt",
            "-key",
            "lab-hook.key",
        ])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (mut answers, mut requests) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    std::thread::spawn(move || {
        let (mut text, mut buffer) = (Vec::new(), [0; 8192]);
        while let Ok(length @ 1..) = requests.read(&mut buffer) {
            text.extend_from_slice(&buffer[..length]);
            if let Some((body, rest)) = request(&text) {
                text = rest;
                let answer = answer(&body).to_string();
                let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
                let sent = write!(answers, "{head}\r\nContent-Length: {}\r\n\r\n{answer}", answer.len());
                sent.and_then(|()| answers.flush()).unwrap();
            }
        }
    });
    (child, port)
}

/// The body of the first request and what follows it, once it is there as a whole.
fn request(text: &[u8]) -> Option<(Value, Vec<u8>)> {
    let end = text.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&text[..end]).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"))?.trim().parse::<usize>().ok()?;
    let body = text.get(end..end + length)?;
    Some((serde_json::from_slice(body).unwrap(), text[end + length..].to_vec()))
}

/// Every object is rewritten.
fn answer(review: &Value) -> Value {
    let patch = json!([{"op": "add", "path": "/data", "value": {"rewritten": "yes"}}]).to_string();
    json!({"apiVersion": review["apiVersion"], "kind": review["kind"], "response": {"uid": review["request"]["uid"],
        "allowed": true, "patchType": "JSONPatch", "patch": BASE64_STANDARD.encode(patch)}})
}

fn configuration(lab: &Lab, world: &World, name: &str) -> Value {
    let authority = std::fs::read(lab.server.folder.join("lab-ca.crt")).unwrap();
    let client =
        json!({"url": format!("https://127.0.0.1:{}/", lab.hook), "caBundle": BASE64_STANDARD.encode(authority)});
    let rules =
        json!([{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}]);
    json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": name}, "webhooks": [{
            "name": format!("hook.{}.test", world.id), "clientConfig": client, "rules": rules, "sideEffects": "None",
            "admissionReviewVersions": ["v1"], "timeoutSeconds": 20, "failurePolicy": "Fail",
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": world.a}}}]})
}

fn names(world: &World) -> [String; 2] {
    ["mine", "standing"].map(|name| format!("{}-{name}", world.id))
}

/// Writes a configuration in every way, and sees whether what others create is rewritten.
pub(crate) async fn round(lab: &Lab, world: &World, state: &mut State) {
    if state.marks.contains("rewrites") {
        return;
    }
    let mut written = false;
    for hand in state.hands.clone() {
        let fresh = configuration(lab, world, &format!("{}-fresh", world.id));
        written = written || hand.may(Call::post(CONFIGURATIONS, fresh)).await;
        for name in names(world) {
            let (path, mut whole) = (format!("{CONFIGURATIONS}/{name}"), configuration(lab, world, &name));
            let patch = Call::patch(&path, json!({"webhooks": whole["webhooks"]}));
            let apply = Call::apply(format!("{path}?fieldManager=attacker&force=true"), whole.clone());
            written = written || hand.may(patch).await || hand.may(apply).await;
            // A PUT has to say which version it replaces, so somebody has to have read it.
            for reader in state.hands.clone() {
                whole["metadata"]["resourceVersion"] =
                    reader.call(Call::get(&path)).await.body["metadata"]["resourceVersion"].clone();
                written = written || hand.may(Call::put(&path, whole.clone())).await;
            }
        }
    }
    if written {
        let path = format!("/api/v1/namespaces/{}/configmaps?dryRun=All", world.a);
        let body = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": world.a, "name": "seen"}});
        lab.until(&format!("what is created in {} is rewritten", world.a), || async {
            let reply = lab.admin(Call::post(&path, body.clone())).await;
            (reply.body["data"]["rewritten"] == "yes").then_some(())
        })
        .await;
        state.marks.insert("rewrites".to_owned());
    }
}

/// What the rights of the attacker are good for.
pub(crate) fn expected(world: &World, goal: &Goal) -> bool {
    assert_eq!(*goal, Goal::Other("rewrites"));
    let resource = "mutatingwebhookconfigurations.admissionregistration.k8s.io";
    let [mine, standing] = names(world);
    let own = world.own();
    let may = |own: &Own, verb: &str, name: &str| world.may(own, "", format!("{verb} {resource} {name}").trim_end());
    let known = own.iter().any(|own| may(own, "get", &standing));
    own.iter().any(|own| {
        // A PUT creates nothing here; a server-side apply does.
        may(own, "create", "")
            || may(own, "patch", &standing)
            || (may(own, "update", &standing) && known)
            || (may(own, "create", &mine) && may(own, "patch", &mine))
    })
}

/// What `webhook-write` is made from.
pub(crate) fn webhook_write(world: &mut World) {
    world.goals = vec![Goal::Other("rewrites")];
    let [mine, standing] = names(world);
    world.objects.push(json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": standing}, "webhooks": []}));
    world.names = vec![mine.clone(), standing, "other".to_owned()];
    world.avoid = &[Twist::EveryResource];
    let verbs = match world.dice.below(4) {
        0 => "create".to_owned(),
        1 => "patch".to_owned(),
        2 => (*world.dice.pick(&["update", "get,update"])).to_owned(),
        _ => format!("create,{}", world.dice.pick(&["patch", "update"])),
    };
    let named = if verbs.starts_with("create,") { format!(" {mine}") } else { String::new() };
    let write = format!("{verbs} mutatingwebhookconfigurations.admissionregistration.k8s.io{named}");
    world.grant(vec![grant("", &write)]);
}
