//! Impersonation: the verb `impersonate`, and the verbs of constrained impersonation, both halves of which are needed.

use serde_json::json;

use super::lab::{
    Goal, Hand, Own, State, Twist, World, account_subject, binding, everything, grant, group, role, user,
};
use crate::server::Call;

fn victor(world: &World) -> String {
    format!("victor-{}", world.id)
}

fn vips(world: &World) -> String {
    format!("vips-{}", world.id)
}

/// Every name that a request may carry beside a group.
fn users(world: &World) -> Vec<String> {
    let account = |at: &str, name: &str| format!("system:serviceaccount:{at}:{name}");
    let named = world.names.iter().map(|name| account(&world.a, name));
    let accounts: Vec<String> = named.chain([account(&world.a, "default"), account(&world.b, "default")]).collect();
    // Rules may name anything, and a user need not be known to anybody.
    let named = world.names.iter().cloned().chain([victor(world), format!("nobody-{}", world.id)]);
    named.chain(accounts).collect()
}

/// One round: the victim, then each group with each name.
pub(crate) async fn round(world: &World, state: &mut State) {
    let (victor, vips) = (victor(world), vips(world));
    for hand in state.hands.clone() {
        add(state, hand.impersonating(user(&victor), &[("impersonate-user", &victor)]), &victor).await;
        for name in users(world) {
            for wanted in [vips.as_str(), "system:masters"] {
                let headers = [("impersonate-user", name.as_str()), ("impersonate-group", wanted)];
                add(state, hand.impersonating(group(wanted), &headers), wanted).await;
            }
        }
        let headers = [("impersonate-user", victor.as_str()), ("impersonate-extra-scopes", "all")];
        if let Some(new) = hand.impersonating(user(&victor), &headers) {
            let body = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
            let reply = new.call(Call::post("/apis/authentication.k8s.io/v1/selfsubjectreviews", body)).await;
            if reply.body["status"]["userInfo"]["extra"]["scopes"] == json!(["all"]) {
                state.marks.insert("extra".to_owned());
            }
        }
        constrain(world, state, &hand).await;
    }
}

async fn add(state: &mut State, new: Option<Hand>, name: &str) {
    let Some(new) = new.filter(|new| !state.is(&new.who)) else { return };
    if new.whoami().await.is_some_and(|said| said.iter().any(|own| own == name)) {
        state.hands.push(new);
    }
}

/// What a constrained identity may do is not everything, so what is wanted is done at once.
async fn constrain(world: &World, state: &mut State, hand: &Hand) {
    let account = format!("system:serviceaccount:{}:victim", world.a);
    let whos = [(user(&victor(world)), victor(world)), (account_subject(&world.a, "victim"), account)];
    for (who, name) in whos {
        if let Some(new) = hand.impersonating(who, &[("impersonate-user", &name)]) {
            let reply = super::secrets::read(&new, "list", &world.b, "planted").await;
            if super::secrets::discloses(&reply, &world.b) {
                state.marks.insert(world.b.clone());
            }
        }
    }
}

/// What the rights of the attacker are good for.
pub(crate) fn expected(world: &World, goal: &Goal) -> bool {
    let own = world.own();
    let any = |test: &dyn Fn(&Own) -> bool| own.iter().any(test);
    let acts_as = |own: &Own, name: &str| match name.strip_prefix("system:serviceaccount:") {
        Some(rest) => {
            let (namespace, name) = rest.split_once(':').unwrap();
            world.may(own, namespace, &format!("impersonate serviceaccounts {name}"))
        }
        None => world.may(own, "", &format!("impersonate users {name}")),
    };
    let in_group = |own: &Own, group: &str| {
        world.may(own, "", &format!("impersonate groups {group}")) && users(world).iter().any(|name| acts_as(own, name))
    };
    let (victor, vips) = (victor(world), vips(world));
    let is_victor = |own: &Own| acts_as(own, &victor);
    let is_vip = |own: &Own| in_group(own, &vips);
    // Everything that may be reached is bound to one of these.
    let named = |subject: &str, role: &str| {
        world.objects.iter().any(|object| {
            object["roleRef"]["name"].as_str().is_some_and(|name| name.ends_with(role))
                && object["subjects"].as_array().into_iter().flatten().any(|one| one["name"] == subject)
        })
    };
    let master = any(&|own| in_group(own, "system:masters"));
    let everything = master || (named(&victor, "-big") && any(&is_victor)) || (named(&vips, "-big") && any(&is_vip));
    match goal {
        Goal::User(_) => any(&is_victor),
        Goal::Group(_) => any(&is_vip),
        Goal::Cluster => everything,
        Goal::Other("extra") => {
            any(&|own| is_victor(own) && world.may(own, "", "impersonate userextras/scopes.authentication.k8s.io all"))
        }
        Goal::Secrets(at) if *at == world.b => {
            let mode = |own: &Own, mode: &str, at: &str, resource: &str, name: &str| {
                world.may(own, at, &format!("impersonate:{mode} {resource}.authentication.k8s.io {name}"))
                    && (world.may(own, &world.b, &format!("impersonate-on:{mode}:list secrets planted")))
            };
            everything
                || (named(&victor, "-read")
                    && any(&|own| is_victor(own) || mode(own, "user-info", "", "users", &victor)))
                || (named(&vips, "-read") && any(&is_vip))
                || (named("victim", "-read")
                    && any(&|own| {
                        mode(own, "serviceaccount", &world.a, "serviceaccounts", "victim")
                            || world.may(own, &world.a, "impersonate serviceaccounts victim")
                    }))
                || any(&|own| super::secrets::may_read(world, own, &world.b, "planted"))
        }
        other => panic!("nobody wants {other:?}"),
    }
}

/// Binds somebody to everything, or to the Secrets of the other namespace.
fn worth(world: &mut World, subject: serde_json::Value, always_read: bool) {
    let (id, b) = (world.id.clone(), world.b.clone());
    if !always_read && world.dice.percent(50) {
        world.objects.push(role("", &format!("{id}-big"), everything()));
        world.objects.push(binding("", &format!("{id}-big"), (false, &format!("{id}-big")), vec![subject]));
    } else {
        let rules = json!([{"verbs": ["list"], "apiGroups": [""], "resources": ["secrets"]}]);
        world.objects.push(role(&b, &format!("{id}-read"), rules));
        world.objects.push(binding(&b, &format!("{id}-read"), (true, &format!("{id}-read")), vec![subject]));
    }
    world.goals.extend([Goal::Cluster, Goal::Secrets(b)]);
    world.names = vec![victor(world), vips(world), "system:masters".to_owned(), "all".to_owned(), "victim".to_owned()];
    world.avoid = &[Twist::EveryResource];
}

/// What `impersonate-user` is made from.
pub(crate) fn impersonate_user(world: &mut World) {
    let victor = victor(world);
    world.goals.push(Goal::User(victor.clone()));
    worth(world, user(&victor), false);
    world.grant(vec![grant("", "impersonate users")]);
}

/// What `impersonate-group` is made from.
pub(crate) fn impersonate_group(world: &mut World) {
    let (a, vips) = (world.a.clone(), vips(world));
    world.goals.push(Goal::Group(vips.clone()));
    worth(world, group(&vips), false);
    let with =
        if world.dice.percent(60) { grant("", "impersonate users") } else { grant(&a, "impersonate serviceaccounts") };
    world.grant(vec![grant("", "impersonate groups"), with]);
}

/// What `impersonate-extra` is made from.
pub(crate) fn impersonate_extra(world: &mut World) {
    let victor = victor(world);
    world.goals.extend([Goal::Other("extra"), Goal::User(victor.clone())]);
    worth(world, user(&victor), false);
    let extra = grant("", "impersonate userextras/scopes.authentication.k8s.io");
    world.grant(vec![extra, grant("", "impersonate users")]);
}

/// What `constrained-impersonation` is made from.
pub(crate) fn constrained(world: &mut World) {
    let (a, b, victor) = (world.a.clone(), world.b.clone(), victor(world));
    let (mode, subject, half) = if world.dice.percent(60) {
        ("user-info", user(&victor), grant("", "impersonate:user-info users.authentication.k8s.io"))
    } else {
        let half = grant(&a, "impersonate:serviceaccount serviceaccounts.authentication.k8s.io");
        ("serviceaccount", account_subject(&a, "victim"), half)
    };
    worth(world, subject, true);
    world.goals = vec![Goal::Secrets(b.clone())];
    let at = if world.dice.percent(50) { "" } else { &b };
    world.grant(vec![half, grant(at, &format!("impersonate-on:{mode}:list secrets"))]);
}
