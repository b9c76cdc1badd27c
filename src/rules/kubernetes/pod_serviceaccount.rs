//! `pod-serviceaccount`: the token of its account lies in a pod.

use std::rc::Rc;

use crate::model::Subject;
use crate::rules::attack::{Attack, Effect, Fact, Place, PodIx};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Blocker, Confidence, Technique};

use super::pods::{accounts, pods_of, token_account};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "pod-serviceaccount",
    title: "Use the token that lies in a pod",
    gain: "everything that the pod's account and its groups hold",
    why: "The kubelet puts a token of its account into every pod that does not say otherwise, under \
          /var/run/secrets/kubernetes.io/serviceaccount. Whoever runs code in the pod reads it, and may use it from anywhere. Static \
          pods have no account.",
    remedy: "Set automountServiceAccountToken: false where the API is not called; give each workload an account of its own that \
             holds no more than it needs.",
    confidence: Confidence::Documented,
    attack: &["T1528", "MS-TA9016"],
    references: &["https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/"],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

/// What might be in the way of whoever wants the token for somebody else than the API server.
const AUDIENCE: &str = "the pod needs a token for Entra, as those with the label azure.workload.identity/use have";

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    match fact {
        Fact::Pod(at) => shell(attack, at, id),
        Fact::PodsOn(node) => any(attack, fact, id, Fact::TokensOn(node), Fact::PodsOn(node)),
        Fact::Pods(Place::Namespace(namespace)) | Fact::Changes(Place::Namespace(namespace)) => {
            any(attack, fact, id, Fact::TokensIn(namespace), Fact::Pods(Place::Namespace(namespace)));
        }
        Fact::TokensOn(node) => choose(attack, id, Fact::PodsOn(node)),
        Fact::TokensIn(namespace) => choose(attack, id, Fact::Pods(Place::Namespace(namespace))),
        _ => {}
    }
}

/// Whoever enters any of many pods has the tokens of all of them. Where only some may be entered, and those of fewer accounts, each
/// has its own way.
fn any(attack: &mut Attack<'_>, some: Fact, id: u32, tokens: Fact, all: Fact) {
    let own = accounts_of(attack, some);
    if !own.is_empty() && (some == all || own == accounts_of(attack, all)) {
        attack.leads_to(&TECHNIQUE, id, Effect::Any, tokens);
        return;
    }
    for &account in own.iter() {
        let Some(pod) = entered(attack, some, account) else { continue };
        attack.choice(id, Effect::Pod(pod), Fact::Pod(pod));
    }
}

fn choose(attack: &mut Attack<'_>, id: u32, all: Fact) {
    for &account in accounts_of(attack, all).iter() {
        attack.choice(id, Effect::ActAs(account), Fact::Identity(account));
    }
}

/// The accounts of pods that are good for nothing else, of those pods that a fact is any of; those of a namespace found once.
fn accounts_of(attack: &Attack<'_>, pods: Fact) -> Rc<[Subject]> {
    let find = || accounts(attack, &pods_of(attack, pods)).into();
    match pods {
        Fact::Pods(Place::Namespace(namespace)) => attack.running_in(namespace, find),
        _ => find(),
    }
}

/// Of accounts, sorted, those that do not come with the ones of their namespaces whose tokens lie in pods; and the facts for these,
/// where each of them may be had. So whoever acts as any of many does so by one step for those of a namespace, which are chosen from
/// in one place.
pub(in crate::rules) fn chosen_together(
    attack: &Attack<'_>,
    accounts: &[Subject],
    may: impl Fn(Subject) -> bool,
) -> (Vec<Fact>, Vec<Subject>) {
    if !attack.is_thrifty() {
        return (Vec::new(), accounts.to_vec());
    }
    let (mut all, mut single) = (Vec::new(), Vec::new());
    for here in accounts.chunk_by(|one, next| one.namespace() == next.namespace()) {
        let namespace = here[0].namespace();
        let running = namespace.map(|at| accounts_of(attack, Fact::Pods(Place::Namespace(at)))).unwrap_or_default();
        match namespace.filter(|_| running.len() > 1 && running.iter().all(|&account| may(account))) {
            Some(namespace) => {
                all.push(Fact::TokensIn(namespace));
                single.extend(here.iter().filter(|account| running.binary_search(account).is_err()));
            }
            None => single.extend(here),
        }
    }
    (all, single)
}

/// The pod that is entered for the token of an account, of those that a fact is any of.
pub(in crate::rules) fn entered(attack: &Attack<'_>, pods: Fact, account: Subject) -> Option<PodIx> {
    pods_of(attack, pods).into_iter().find(|&at| attack.gives(at).only_account() == Some(account))
}

fn shell(attack: &mut Attack<'_>, at: PodIx, id: u32) {
    let pod = attack.pod(at);
    if pod.finished {
        return;
    }
    if let Some(account) = token_account(attack, pod).filter(|&account| attack.is_somebody(account)) {
        attack.leads_to(&TECHNIQUE, id, Effect::ActAs(account), Fact::Identity(account));
        if attack.is_trusted(account) {
            let might = Blocker { what: AUDIENCE.to_owned(), stops: false };
            attack.does_unless(&TECHNIQUE, vec![id], Effect::ActAs(account), Fact::Mints(account), vec![might]);
        }
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let (Some(Effect::Pod(at)), Effect::ActAs(Subject::ServiceAccount { namespace, name })) = (step.foothold, step.effect)
    else {
        return Err("no pod".to_owned());
    };
    let snapshot = state.graph.snapshot();
    let pod = &snapshot.pods[at.0 as usize];
    state.is_running(at)?;
    let own = match pod.service_account {
        Some(own) => own == name,
        None => !pod.mirror && state.graph.text(name) == "default",
    };
    if !state.runs_in(at) || pod.namespace != namespace || !own {
        return Err("the pod runs as somebody else".to_owned());
    }
    let account = snapshot.service_accounts.iter().find(|one| one.namespace == namespace && one.name == name);
    let none = pod.automount == Some(false)
        || (pod.automount.is_none() && account.is_some_and(|account| account.automount == Some(false)));
    if none && !pod.token { Err("there is no token in the pod".to_owned()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::super::world::{check, check_from};

    #[test]
    fn a_pod_is_its_account() {
        check_from(
            "pod:dev/one",
            "role big: * *.*
             pod dev/one bot n1
             bind big sa:dev/bot",
            "pod dev/one -> cluster-admin: pod-serviceaccount, wildcard-admin",
        );
        check_from(
            "pods:dev",
            "role big: * *.*
             pod dev/one bot n1
             pod dev/two other n1
             bind big sa:dev/bot",
            "pods of dev -> cluster-admin: pod-serviceaccount, wildcard-admin",
        );
    }

    #[test]
    fn a_pod_of_another_account_is_not() {
        check_from(
            "pod:dev/one",
            "role big: * *.*
             pod dev/one other n1
             pod prod/two bot n1
             bind big sa:dev/bot",
            "",
        );
    }

    #[test]
    fn a_token_is_there_unless_pod_or_account_say_no() {
        const FOUND: &str = "pod dev/one -> cluster-admin: pod-serviceaccount, wildcard-admin";
        let no_account = "yaml {apiVersion: v1, kind: ServiceAccount, metadata: {name: bot, namespace: dev}, automountServiceAccountToken: false}";
        let world = |pod: &str, account: &str| format!("role big: * *.*\nbind big sa:dev/bot\npod dev/one {pod}\n{account}");
        for (pod, account, found) in [
            ("bot n1", "account dev/bot", FOUND),
            ("bot n1 notoken", "account dev/bot", ""),
            ("bot n1", no_account, ""),
            // The pod says yes, or has the token in a volume of its own.
            ("bot n1 automount", no_account, FOUND),
            ("bot n1 notoken token", no_account, FOUND),
            ("bot n1 finished", "account dev/bot", ""),
            ("bot n1 mirror", "account dev/bot", ""),
        ] {
            check_from("pod:dev/one", &world(pod, account), found);
        }
    }

    #[test]
    fn a_pod_without_an_account_runs_as_default() {
        check_from(
            "pod:dev/one",
            "role big: * *.*
             pod dev/one - n1
             bind big sa:dev/default",
            "pod dev/one -> cluster-admin: pod-serviceaccount, wildcard-admin",
        );
    }

    #[test]
    fn a_shared_process_namespace_gives_no_more_than_the_pod() {
        // A shell in a pod is one in any of its containers: what they share is theirs already.
        for shared in ["", " shared"] {
            check(
                &format!(
                    "role x: create pods/exec
                     role big: * *.*
                     pod dev/one other n1{shared}
                     bind dev/x=x user:alice
                     bind big sa:dev/bot"
                ),
                "",
            );
        }
    }
}
