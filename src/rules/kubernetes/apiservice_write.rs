//! `apiservice-write`: whoever says which Service answers for an API group answers for it, to the API server itself as well.

use std::collections::BTreeSet;

use super::CONSTRAINED;
use crate::model::Name;
use crate::rules::attack::{Attack, Done, Effect, Fact, Place};
use crate::rules::finding::StepDone;
use crate::rules::held::Site;
use crate::rules::replay::State;
use crate::rules::technique::{Alike, At, Blocker, Confidence, Leads, On, Request, Right, Technique, WRITE, changes, core, right};

const GROUP: &str = "apiregistration.k8s.io";
const API_SERVICES: &str = "apiservices";

const fn services(verbs: &'static [&'static str], on: On) -> Right {
    right(verbs, GROUP, API_SERVICES, on)
}

const CHANGE: [Request; 3] = changes!(GROUP, API_SERVICES, At::Cluster);

/// The technique: an APIService is changed, or deleted and made anew, and there is a Service that answers for it.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "apiservice-write",
    title: "Answer for an API group of Kubernetes",
    requests: &{
        let [patch, update, read] = CHANGE;
        [
            patch,
            update,
            read,
            Request { rights: &[services(&["delete"], On::Object)], at: At::Cluster },
            Request { rights: &[services(&["create"], On::Nothing)], at: At::Cluster },
            Request { rights: &[core(&["create"], "services", On::Nothing)], at: At::Namespace },
            Request {
                rights: &[core(&["create"], "services", On::Object), core(&["patch"], "services", On::Object)],
                at: At::Namespace,
            },
            Request { rights: &[core(WRITE, "services", On::Object)], at: At::Namespace },
        ]
    },
    gain: "cluster-admin, within the ten minutes after which the API server asks again for its own bindings",
    why: "An APIService says which Service answers for a version of an API group, in any namespace, by any name and with any \
          certificate if it says so. That of a group that Kubernetes serves itself can be changed as any other, the core group \
          included, and it is put back only when the API server starts again. All requests for the group are then sent there, \
          and their senders believe the answer: the API server reads the bindings that it grants by in this way, so that an \
          invented one is as good as a real one; controllers read what they are to run, and the tokens that others have reviewed \
          are in the requests. An ExternalName Service is an address outside the cluster.",
    remedy: "Take the right away, or limit it with resourceNames to the APIService that its own controller has to keep up to date.",
    confidence: Confidence::Performed,
    attack: &["T1557", "MS-TA9015"],
    references: &[
        "https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/apiserver-aggregation/",
        "https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/",
    ],
    build: Some(build),
    leads: Some(leads),
    alike: |_, within| match within {
        CREATE_SERVICE => Alike::all(TECHNIQUE.id),
        CHANGE_SERVICE => Alike::part(&[&[TECHNIQUE.id]]),
        _ => Alike::OTHER,
    },
    proof: Some(proof),
    ..Technique::MOVE
};

/// Group versions that Kubernetes serves itself and whose answers the API server, its controllers or kubelets act on.
const ACTED_ON: [&str; 8] = [
    "v1.",
    "v1.admissionregistration.k8s.io",
    "v1.apps",
    "v1.authentication.k8s.io",
    "v1.authorization.k8s.io",
    "v1.batch",
    "v1.certificates.k8s.io",
    "v1.rbac.authorization.k8s.io",
];

const TAKEN: Fact = Fact::Part(TECHNIQUE.id, 0, Place::Cluster);
const SERVICE: Fact = Fact::Part(TECHNIQUE.id, 1, Place::Cluster);
const SOME_SERVICE: Fact = Fact::Part(TECHNIQUE.id, 2, Place::Cluster);

/// Where the requests stand in the technique.
const PATCH: usize = 0;
const UPDATE: usize = 1;
const READ: usize = 2;
const DELETE: usize = 3;
const CREATE: usize = 4;
const CREATE_SERVICE: usize = 5;
const CHANGE_SERVICE: usize = 7;

/// Services count only where somebody can have an APIService lead to them, or may do it as somebody who holds everything.
fn leads(attack: &Attack<'_>, within: usize) -> Leads {
    let as_other = (0..CONSTRAINED.requests.len()).any(|at| attack.rights.is_supplied(CONSTRAINED, at));
    let some = as_other || [PATCH, UPDATE, DELETE].iter().any(|&taken| attack.rights.is_supplied(&TECHNIQUE, taken));
    if within <= CREATE || some { Leads::Anywhere } else { Leads::In(BTreeSet::new()) }
}

fn build(attack: &mut Attack<'_>, done: Done) {
    if !done.first {
        return;
    }
    let everything = (Effect::Everything(Place::Cluster), Fact::Everything(Place::Cluster));
    let taken = attack.fact(TAKEN);
    let (own, changed, pod) = (attack.fact(SERVICE), attack.fact(SOME_SERVICE), attack.fact(Fact::SomeNewPod));
    attack.does(done.technique, vec![taken, own], everything.0, everything.1);
    for (service, what) in [
        (changed, "a Service that can be changed has to be there"),
        (pod, "a Service has to lead to the pod by the labels that it is given"),
    ] {
        let blockers = vec![Blocker { what: what.to_owned(), stops: false }];
        attack.does_unless(done.technique, vec![taken, service], everything.0, everything.1, blockers);
    }
    match done.within {
        CREATE => {}
        CHANGE_SERVICE => attack.follows(vec![done.fact], SOME_SERVICE),
        within if within > CREATE => attack.follows(vec![done.fact], SERVICE),
        within => {
            let cluster = |object| Site { place: Place::Cluster, object, other: None };
            for object in objects(attack, done.site.object) {
                let fact = attack.on(&done, Place::Cluster, object);
                let other = match within {
                    PATCH => None,
                    UPDATE => Some(attack.asking(done.technique, READ, cluster(object))),
                    DELETE => Some(attack.asking(done.technique, CREATE, cluster(None))),
                    _ => return,
                };
                attack.follows([fact].into_iter().chain(other).collect(), TAKEN);
            }
        }
    }
}

/// What a request may be about. Where nobody names one of them, any will do.
fn objects(attack: &Attack<'_>, limit: Option<Name>) -> Vec<Option<Name>> {
    let all = ACTED_ON.iter().filter_map(|name| attack.graph.snapshot().names.find(name));
    let named: Vec<Option<Name>> = all.filter(|&name| limit.is_none_or(|limit| limit == name)).map(Some).collect();
    if named.is_empty() && limit.is_none() { vec![None] } else { named }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let known = |name: Option<Name>| name.is_none_or(|name| ACTED_ON.contains(&state.graph.text(name)));
    let changed = step.changes(GROUP, API_SERVICES).is_some_and(|right| known(right.name));
    let deleted = step.asks(&["delete"], GROUP, API_SERVICES).is_some_and(|right| known(right.name));
    let made = step.asks(&["create"], GROUP, API_SERVICES).is_some_and(|right| right.name.is_none());
    let taken = changed || (deleted && made);
    if !taken {
        return Err("no group of Kubernetes is handed on".to_owned());
    }
    let service = step.asks(&["create", "update", "patch"], "", "services").is_some();
    let pod = matches!(step.foothold, Some(Effect::NewPod(place)) if state.runs_new_pods(place));
    if service || pod { Ok(()) } else { Err("no Service answers for them".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::super::world::check;

    const OTHERS: &str = "
        yaml {apiVersion: apiregistration.k8s.io/v1, kind: APIService, metadata: {name: v1.rbac.authorization.k8s.io}, spec: {group: rbac.authorization.k8s.io, version: v1}}
        yaml {apiVersion: apiregistration.k8s.io/v1, kind: APIService, metadata: {name: v1beta1.metrics.k8s.io}, spec: {group: metrics.k8s.io, version: v1beta1, service: {namespace: kube-system, name: metrics}}}
        bind w user:alice
        ";
    const FOUND: &str = "alice -> cluster-admin: apiservice-write";

    fn rules(rules: &str, expected: &str) {
        let rules = rules.replace("apis", "apiservices.apiregistration.k8s.io");
        check(&format!("role w: {rules}{OTHERS}"), expected);
    }

    #[test]
    fn a_group_of_kubernetes_and_a_service_are_the_cluster() {
        rules("patch apis; create services", FOUND);
        rules("patch apis v1.rbac.authorization.k8s.io; create,patch services mine", FOUND);
        rules("update,get apis v1.rbac.authorization.k8s.io; patch services", FOUND);
        rules("delete apis v1.rbac.authorization.k8s.io; create apis; update services", FOUND);
        check(
            "role w: patch apiservices.apiregistration.k8s.io
             role s: create services
             bind w user:alice
             bind dev/s=s user:alice",
            FOUND,
        );
    }

    #[test]
    fn a_pod_may_be_what_a_service_leads_to() {
        check(
            "role w: patch apiservices.apiregistration.k8s.io
             role p: create pods
             bind w user:alice
             bind dev/p=p user:alice",
            "alice -> cluster-admin: pod-create, apiservice-write",
        );
    }

    #[test]
    fn two_identities_do_it_together() {
        check(
            "role w: update apiservices.apiregistration.k8s.io
             role r: list apiservices.apiregistration.k8s.io
             role s: create services
             role t: create serviceaccounts/token
             bind w user:alice
             bind dev/t=t user:alice
             bind r sa:dev/bot
             bind dev/s=s sa:dev/bot",
            "alice -> cluster-admin: token-request, apiservice-write",
        );
    }

    #[test]
    fn a_half_and_the_group_of_somebody_else_are_nothing() {
        for half in [
            "patch apis",
            "create services",
            "patch apis v1beta1.metrics.k8s.io; create services",
            "update apis; create services",
            "create apis; create services",
            "delete apis; create services",
            "delete apis; create apis v1.rbac.authorization.k8s.io; create services",
            "patch apiservices/status.apiregistration.k8s.io; create services",
            "patch apiservices; create services",
            "patch apis; create services/status,endpoints; get,list services",
        ] {
            rules(half, "");
        }
        check(
            "role w: patch apiservices.apiregistration.k8s.io; create services
             bind dev/w=w user:alice",
            "",
        );
    }
}
