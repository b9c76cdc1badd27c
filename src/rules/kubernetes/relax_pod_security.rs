//! `relax-pod-security`: who writes a namespace's labels says what Pod Security enforces in it.

use crate::rules::attack::{Attack, Done, Effect, Fact, Place};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Alike, At, Confidence, Leads, On, Request, Technique, WRITE, core};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "relax-pod-security",
    title: "Take the Pod Security level off a namespace",
    requests: &[
        Request { rights: &[core(WRITE, "namespaces", On::Object)], at: At::Namespace },
        Request { rights: &[core(WRITE, "namespaces/status", On::Object)], at: At::Namespace },
        Request { rights: &[core(&["update"], "namespaces/finalize", On::Object)], at: At::Namespace },
        Request { rights: &[core(&["create"], "namespaces", On::Nothing)], at: At::Cluster },
    ],
    gain: "pods of any kind in the namespace, privileged ones included",
    why: "The label pod-security.kubernetes.io/enforce of the namespace is all that Pod Security looks at. `update` and `patch` on the \
          namespace change it, and so do they on namespaces/status and `update` on namespaces/finalize. A RoleBinding in a namespace \
          grants this for the namespace itself. Who can run pods in every namespace may as well create one without the label.",
    remedy: "Take the right away, or let an admission policy keep the label.",
    confidence: Confidence::Performed,
    attack: &["T1562", "MS-TA9018"],
    references: &[
        "https://kubernetes.io/docs/concepts/security/pod-security-admission/#pod-security-admission-labels-for-namespaces",
        "https://kubernetes.io/docs/concepts/security/rbac-good-practices/#namespace-modification",
    ],
    build: Some(build),
    // The namespace of a request for a namespace is that one itself.
    leads: Some(|_, _| {
        Leads::Where(|site| match (site.place, site.object) {
            (Place::Namespace(own), Some(name)) => own == name,
            _ => true,
        })
    }),
    alike: |_, within| if within == CREATE { Alike::OTHER } else { Alike::all(TECHNIQUE.id) },
    proof: Some(proof),
    ..Technique::MOVE
};

/// The request that makes a namespace.
const CREATE: usize = 3;

fn build(attack: &mut Attack<'_>, done: Done) {
    if !done.first {
        return;
    }
    if done.within == CREATE {
        let anywhere = attack.fact(Fact::NewPod(Place::EachNamespace));
        attack.does(done.technique, vec![done.fact, anywhere], Effect::Node(None), Fact::Nodes);
        return;
    }
    let place = match (done.site.place, done.site.object) {
        (place, None) => place,
        (Place::Namespace(own), Some(name)) if own != name => return,
        (_, Some(name)) => Place::Namespace(name),
    };
    attack.does(done.technique, vec![done.fact], Effect::Relax(place), Fact::Relaxed(place));
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let place = match step.effect {
        Effect::Node(None) => {
            step.asks(&["create"], "", "namespaces").ok_or("no namespace is created")?;
            return match step.foothold {
                Some(Effect::NewPod(Place::EachNamespace)) if state.runs_new_pods(Place::EachNamespace) => Ok(()),
                _ => Err("nothing can be run in a new namespace".to_owned()),
            };
        }
        Effect::Relax(place) => place,
        _ => return Err("no namespace is changed".to_owned()),
    };
    let asked = step
        .asks(WRITE, "", "namespaces")
        .or_else(|| step.asks(WRITE, "", "namespaces/status"))
        .or_else(|| step.asks(&["update"], "", "namespaces/finalize"));
    let right = asked.ok_or("no namespace is changed")?;
    let is_it = match (right.place, right.name, place) {
        (Place::Namespace(own), name, Place::Namespace(place)) => own == place && name.is_none_or(|name| name == place),
        (Place::EachNamespace, Some(name), Place::Namespace(place)) => name == place,
        (Place::EachNamespace, None, _) => true,
        _ => false,
    };
    if is_it { Ok(()) } else { Err("it is another namespace".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::super::world::check;

    const FOUND: &str = "alice -> any node: pod-create, relax-pod-security, privileged-pod";

    fn with(rule: &str) -> String {
        format!("role x: create pods; {rule}\nbind dev/x=x user:alice")
    }

    #[test]
    fn each_way_to_the_labels_takes_the_level_off() {
        for rule in [
            "update namespaces",
            "patch namespaces",
            "patch namespaces/status",
            "update namespaces/status",
            "update namespaces/finalize",
            "patch namespaces dev",
        ] {
            check(&with(rule), FOUND);
        }
    }

    #[test]
    fn what_changes_no_label_does_not() {
        for rule in ["get,delete namespaces", "patch namespaces/finalize", "patch namespaces prod", "create namespaces"] {
            check(&with(rule), "");
        }
    }

    #[test]
    fn a_role_binding_is_about_its_own_namespace() {
        let world = |pods: &str, labels: &str| {
            format!(
                "role p: create pods
                 role l: patch namespaces
                 bind {pods}=p user:alice
                 bind {labels}=l user:alice"
            )
        };
        check(&world("dev/p", "dev/l"), FOUND);
        check(&world("dev/p", "prod/l"), "");
        check(&world("dev/p", "l"), FOUND);
    }

    #[test]
    fn two_identities_may_do_a_half_each() {
        check(
            "role p: create pods
             role l: patch namespaces dev
             role t: create serviceaccounts/token
             bind dev/p=p user:alice
             bind tools/t=t user:alice
             bind l sa:tools/bot",
            "alice -> any node: pod-create, token-request, relax-pod-security, privileged-pod",
        );
    }

    #[test]
    fn who_runs_pods_everywhere_makes_a_namespace_without_a_level() {
        let world = |binding: &str| {
            format!(
                "role p: create pods
                 role n: create namespaces
                 namespace kube-system restricted
                 bind {binding}=p user:alice
                 bind n user:alice"
            )
        };
        check(
            &world("p"),
            "alice -> secrets of every namespace: pod-create
             alice -> any node: pod-create, relax-pod-security",
        );
        check(&world("dev/p"), "");
    }
}
