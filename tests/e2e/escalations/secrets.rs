//! What can be had from Secrets.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::lab::{Goal, Hand, Lab, Own, State, Twist, World, account, account_subject, binding, grant, role};
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
        // Limited to the name, which rules with resourceNames need and others do not mind.
        "list" => Call::get(format!("{all}?fieldSelector=metadata.name%3D{name}")),
        "watch" => {
            let options = "watch=true&resourceVersion=0&timeoutSeconds=1";
            Call::get(format!("{all}?{options}&fieldSelector=metadata.name%3D{name}"))
        }
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

/// Whether the rights of an identity disclose a Secret of this name.
pub(crate) fn may_read(world: &World, own: &Own, at: &str, name: &str) -> bool {
    // A list or a watch may be limited to a name, and then is looked at with it; a collection is deleted as a whole.
    let named = ["get", "list", "watch", "patch", "delete"];
    named.iter().any(|verb| world.may(own, at, &format!("{verb} secrets {name}")))
        || world.may(own, at, "deletecollection secrets")
}

/// The Secrets that an attacker makes or changes.
const NAMES: &[&str] = &["new", "old", "mine"];

/// One round: Secrets of accounts are made, turned to other accounts, and read.
pub(crate) async fn round(lab: &Lab, world: &World, state: &mut State) {
    let a = &world.a;
    if state.is(&account_subject(a, "victim")) {
        return;
    }
    let all = format!("/api/v1/namespaces/{a}/secrets");
    for name in NAMES {
        let path = format!("{all}/{name}");
        let secret = token_secret(a, name, "victim");
        // Turned: the old account's uid and token have to go.
        let patch = json!({"metadata": {"annotations": {
            "kubernetes.io/service-account.name": "victim", "kubernetes.io/service-account.uid": null}}, "data": {"token": null}});
        for hand in state.hands.clone() {
            // The controller writes a Secret back to the account that it named when it was last put into the queue.
            for _ in 0..5 {
                let there = lab.admin(Call::get(&path)).await;
                let ours = there.body["metadata"]["annotations"]["kubernetes.io/service-account.name"] == "victim";
                let done = match there.code {
                    200 if ours => false,
                    200 => {
                        hand.may(Call::patch(&path, patch.clone())).await
                            || hand.may(Call::put(&path, secret.clone())).await
                    }
                    _ => {
                        hand.may(Call::post(&all, secret.clone())).await
                            || hand.may(Call::put(&path, secret.clone())).await
                            || hand.may(Call::apply(format!("{path}?fieldManager=attacker"), secret.clone())).await
                    }
                };
                if !done || gets_token(lab, &path, "victim").await {
                    break;
                }
            }
        }
        for hand in state.hands.clone() {
            for verb in READS {
                let reply = read(&hand, verb, a, name).await;
                if let Some(token) = token_of(&reply.body, name) {
                    let new = lab.hand(account_subject(a, "victim"), &token);
                    if super::identities::is_account(&new, &new.who).await {
                        state.hands.push(new);
                        return;
                    }
                }
            }
        }
    }
}

fn token_secret(namespace: &str, name: &str, account: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token", "metadata": {
        "namespace": namespace, "name": name, "annotations": {"kubernetes.io/service-account.name": account}}})
}

/// Waits for the controller, which writes a token of the account that a Secret names, as long as it names this one.
async fn gets_token(lab: &Lab, path: &str, account: &str) -> bool {
    lab.until("the Secret holds a token", || async {
        let secret = lab.admin(Call::get(path)).await.body;
        let named = secret["metadata"]["annotations"]["kubernetes.io/service-account.name"] == account;
        (!named || secret["data"]["token"].is_string()).then_some(named)
    })
    .await
}

/// The token in a Secret, in a list of them, or in the events of a watch.
fn token_of(body: &Value, name: &str) -> Option<String> {
    let own = |secret: &Value| {
        let token = secret["data"]["token"].as_str().filter(|_| secret["metadata"]["name"] == *name)?;
        Some(String::from_utf8(BASE64_STANDARD.decode(token).unwrap()).unwrap())
    };
    let text = body.as_str().unwrap_or_default();
    let events = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let items = body["items"].as_array().into_iter().flatten();
    own(body)
        .or_else(|| own(&body["object"]))
        .or_else(|| items.into_iter().find_map(own))
        .or_else(|| events.into_iter().find_map(|event| own(&event["object"])))
}

fn victim(world: &mut World) {
    let (id, a, b) = (world.id.clone(), world.a.clone(), world.b.clone());
    world.objects.push(account(&a, "victim"));
    let rules = json!([{"verbs": ["list"], "apiGroups": [""], "resources": ["secrets"]}]);
    world.objects.push(role(&b, &format!("{id}-read"), rules));
    world.objects.push(binding(
        &b,
        &format!("{id}-read"),
        (true, &format!("{id}-read")),
        vec![account_subject(&a, "victim")],
    ));
    world.goals = vec![Goal::Account(a, "victim".to_owned()), Goal::Secrets(b)];
    world.names = NAMES.iter().map(|&name| name.to_owned()).collect();
    world.avoid = &[Twist::EveryResource];
}

/// What `secret-token-create` is made from.
pub(crate) fn secret_token_create(world: &mut World) {
    victim(world);
    let a = world.a.clone();
    let verb = *world.dice.pick(READS);
    let create = if world.dice.percent(70) { "create secrets" } else { "create,patch secrets mine" };
    world.grant(vec![grant(&a, create), grant(&a, &format!("{verb} secrets"))]);
}

/// What `secret-token-read` is made from.
pub(crate) fn secret_token_read(world: &mut World) {
    victim(world);
    let a = world.a.clone();
    world.objects.push(token_secret(&a, "old", "victim"));
    let verb = *world.dice.pick(&["get", "list", "watch", "delete", "deletecollection", "create"]);
    let noise = *world.dice.pick(&["list configmaps", "update secrets"]);
    world.grant(vec![grant(&a, &format!("{verb} secrets")), grant(&a, noise)]);
}

/// What `secret-token-retarget` is made from.
pub(crate) fn secret_token_retarget(world: &mut World) {
    victim(world);
    let a = world.a.clone();
    world.objects.push(account(&a, "lowly"));
    world.objects.push(token_secret(&a, "old", "lowly"));
    let write = *world.dice.pick(&["patch secrets", "patch secrets old", "update secrets old", "delete secrets old"]);
    let noise = *world.dice.pick(&["get secrets", "list configmaps", "get secrets mine"]);
    world.grant(vec![grant(&a, write), grant(&a, noise)]);
}

/// What the rights are good for where a Secret is made.
pub(crate) fn created(world: &World, goal: &Goal) -> bool {
    tokens(world, goal, None)
}

/// The same where there is one of the victim.
pub(crate) fn there(world: &World, goal: &Goal) -> bool {
    tokens(world, goal, Some("victim"))
}

/// The same where there is one of another account.
pub(crate) fn retargeted(world: &World, goal: &Goal) -> bool {
    tokens(world, goal, Some("lowly"))
}

fn tokens(world: &World, goal: &Goal, old: Option<&str>) -> bool {
    let (own, a) = (world.own(), &world.a);
    let any = |what: &str| own.iter().any(|own| world.may(own, a, what));
    let read = |name: &str| own.iter().any(|own| may_read(world, own, a, name));
    let victim = NAMES.iter().any(|name| {
        let writes = |verb: &str| world.own().iter().any(|own| world.may(own, a, &format!("{verb} secrets {name}")));
        match old {
            Some(account) if *name == "old" => {
                (account == "victim" || writes("patch") || writes("update")) && read(name)
            }
            _ => {
                let by_name = own.iter().any(|own| {
                    let may = |verb: &str| world.may(own, a, &format!("{verb} secrets {name}"));
                    may("create") && (may("patch") || may("update"))
                });
                (any("create secrets") || by_name) && read(name)
            }
        }
    });
    match goal {
        Goal::Account(..) => victim,
        Goal::Secrets(at) => victim || own.iter().any(|own| may_read(world, own, at, "planted")),
        other => panic!("nobody wants {other:?}"),
    }
}
