//! What can be had by becoming somebody else: tokens, impersonation, accounts that are missing.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::lab::{
    Goal, Hand, Lab, State, World, account, account_subject, binding, everything, grant, role, token_request,
};
use crate::server::Call;

/// One round of becoming others.
pub(crate) async fn round(lab: &Lab, world: &World, state: &mut State) {
    for hand in state.hands.clone() {
        for (namespace, name) in accounts(world) {
            let who = account_subject(&namespace, &name);
            if state.hands.iter().any(|hand| hand.who == who) {
                continue;
            }
            let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}");
            if !there(world, &namespace, &name) {
                let body = account(&namespace, &name);
                let collection = format!("/api/v1/namespaces/{namespace}/serviceaccounts");
                let apply = Call::apply(format!("{path}?fieldManager=attacker"), body.clone());
                let made = hand.may(Call::post(collection, body)).await || hand.may(apply).await;
                state.writes += usize::from(made);
            }
            if let Some(new) = take_token(lab, &hand, &path, &who).await {
                state.hands.push(new);
            } else if let Some(new) = impersonate(&hand, &namespace, &name, &who).await {
                state.hands.push(new);
            }
        }
    }
}

/// Every account that a world has or names.
fn accounts(world: &World) -> BTreeSet<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let objects = world.objects.iter().filter(|object| object["kind"] == "ServiceAccount");
    let there = objects.map(|object| (text(&object["metadata"]["namespace"]), text(&object["metadata"]["name"])));
    let subjects = world.objects.iter().flat_map(|object| object["subjects"].as_array().into_iter().flatten());
    let named = subjects.filter(|subject| subject["kind"] == "ServiceAccount");
    there.chain(named.map(|subject| (text(&subject["namespace"]), text(&subject["name"])))).collect()
}

fn there(world: &World, namespace: &str, name: &str) -> bool {
    world.objects.contains(&account(namespace, name))
}

/// A token of an account, if it is given out, and if it is one.
async fn take_token(lab: &Lab, hand: &Hand, path: &str, who: &Value) -> Option<Hand> {
    let reply = hand.call(Call::post(format!("{path}/token"), token_request())).await;
    let new = lab.hand(who.clone(), reply.body["status"]["token"].as_str()?);
    is_account(&new, who).await.then_some(new)
}

async fn impersonate(hand: &Hand, namespace: &str, name: &str, who: &Value) -> Option<Hand> {
    let user = format!("system:serviceaccount:{namespace}:{name}");
    let new = hand.impersonating(who.clone(), &[("impersonate-user", &user)])?;
    is_account(&new, who).await.then_some(new)
}

/// Whether the server takes a credential for that of an account.
pub(crate) async fn is_account(hand: &Hand, who: &Value) -> bool {
    let text = |field: &str| who[field].as_str().unwrap().to_owned();
    let (namespace, name) = (text("namespace"), text("name"));
    hand.whoami().await.is_some_and(|said| {
        said[0] == format!("system:serviceaccount:{namespace}:{name}")
            && said.contains(&format!("system:serviceaccounts:{namespace}"))
    })
}

/// An account that holds everything, or the Secrets of the other namespace.
fn victim(world: &mut World, namespace: &str, name: &str) {
    let subject = account_subject(namespace, name);
    let id = world.id.clone();
    if world.dice.percent(50) {
        world.objects.push(role("", &format!("{id}-big"), everything()));
        world.objects.push(binding("", &format!("{id}-big"), (false, &format!("{id}-big")), vec![subject]));
    } else {
        let b = world.b.clone();
        let rules = json!([{"verbs": ["list"], "apiGroups": [""], "resources": ["secrets"]}]);
        world.objects.push(role(&b, &format!("{id}-read"), rules));
        world.objects.push(binding(&b, &format!("{id}-read"), (true, &format!("{id}-read")), vec![subject]));
    }
    world.goals =
        vec![Goal::Cluster, Goal::Secrets(world.b.clone()), Goal::Account(namespace.to_owned(), name.to_owned())];
    world.names = vec!["victim".to_owned(), "other".to_owned(), "default".to_owned()];
    // Whoever writes every resource of the core group has more ways than these.
    world.avoid = &[super::lab::Twist::EveryResource];
}

/// What `token-request` is made from.
pub(crate) fn token_request_world(world: &mut World) {
    let a = world.a.clone();
    world.objects.push(account(&a, "victim"));
    victim(world, &a, "victim");
    let at = if world.dice.percent(25) { "" } else { &a };
    world.grant(vec![grant(at, "create serviceaccounts/token")]);
}

/// What `impersonate-serviceaccount` is made from. The account need not be there.
pub(crate) fn impersonate_serviceaccount(world: &mut World) {
    let a = world.a.clone();
    if world.dice.percent(60) {
        world.objects.push(account(&a, "victim"));
    }
    victim(world, &a, "victim");
    let at = if world.dice.percent(25) { "" } else { &a };
    world.grant(vec![grant(at, "impersonate serviceaccounts")]);
}

/// What `dangling-claim` is made from.
pub(crate) fn dangling_claim(world: &mut World) {
    let a = world.a.clone();
    victim(world, &a, "victim");
    let at = if world.dice.percent(25) { "" } else { &a };
    let make = if world.dice.percent(60) { "create serviceaccounts" } else { "create,patch serviceaccounts victim" };
    world.grant(vec![grant(at, make), grant(at, "create serviceaccounts/token")]);
}
