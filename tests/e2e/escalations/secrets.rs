//! What can be had from Secrets.

use serde_json::json;

use super::lab::{Goal, Hand, World, grant};
use crate::server::{Call, Reply};

/// The verbs that disclose a Secret, each as a request that changes nothing.
pub(crate) const READS: &[&str] = &["get", "list", "watch", "patch", "delete", "deletecollection"];

/// What a request with this verb returns.
pub(crate) async fn read(hand: &Hand, verb: &str, namespace: &str, name: &str) -> Reply {
    let all = format!("/api/v1/namespaces/{namespace}/secrets");
    let one = format!("{all}/{name}");
    let options =
        json!({"apiVersion": "v1", "kind": "DeleteOptions", "dryRun": ["All"], "propagationPolicy": "Orphan"});
    let call = match verb {
        "get" => Call::get(one),
        "list" => Call::get(all),
        "watch" => Call::get(format!("{all}?watch=true&resourceVersion=0&timeoutSeconds=1")),
        "patch" => Call::patch(format!("{one}?dryRun=All"), json!({})),
        "delete" => Call::delete(one).body(options),
        "deletecollection" => Call::delete(format!("{all}?dryRun=All")).body(options),
        "create" => {
            let body =
                json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}});
            Call::post(format!("{all}?dryRun=All"), body)
        }
        "update" => {
            let body =
                json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}});
            Call::put(format!("{one}?dryRun=All"), body)
        }
        other => panic!("no such request: {other}"),
    };
    hand.call(call).await
}

/// Whether a reply holds what was planted in a namespace.
pub(crate) fn discloses(reply: &Reply, namespace: &str) -> bool {
    // "planted in NS" in base64 begins like this; what follows depends on the length.
    let text = reply.body.to_string();
    reply.code == 200 && text.contains("cGxhbnRlZCBpbi") && text.contains(namespace)
}

/// Whether an identity reads the Secret that no rule names: by a list or, if so said, in any way.
pub(crate) async fn reads(hand: &Hand, namespace: &str, in_any_way: bool) -> bool {
    for verb in if in_any_way { READS } else { &["list"] } {
        let mut reply = read(hand, verb, namespace, "planted").await;
        // A busy server may end a watch before it has begun.
        for _ in 0..3 {
            if *verb == "watch" && reply.code == 200 && !discloses(&reply, namespace) {
                reply = read(hand, verb, namespace, "planted").await;
            }
        }
        if discloses(&reply, namespace) {
            return true;
        }
    }
    false
}

/// What `secret-read` is made from.
pub(crate) fn secret_read(world: &mut World) {
    let a = world.a.clone();
    let verb = *world.dice.pick(&["get", "list", "watch", "patch", "delete", "deletecollection", "create", "update"]);
    let at = if world.dice.percent(25) { "" } else { &a };
    world.names = vec!["other".to_owned(), "elsewhere".to_owned()];
    world.goals = vec![Goal::Secrets(a.clone()), Goal::Secrets(world.b.clone())];
    let noise = *world.dice.pick(&["create secrets", "update secrets", "list configmaps", "get secrets/x"]);
    world.grant(vec![grant(at, &format!("{verb} secrets")), grant(at, noise)]);
}
