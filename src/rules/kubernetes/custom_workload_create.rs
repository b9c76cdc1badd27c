//! `custom-workload-create`: kinds of other makers out of which controllers make pods.

use crate::rules::attack::{Attack, Done, Effect, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Alike, At, Confidence, On, Request, Technique, right};

use super::pods::NEW_PODS;

const CREATE: &[&str] = &["create"];

macro_rules! create {
    ($($group:literal $resource:literal,)*) => {
        &[$(Request { rights: &[right(CREATE, $group, $resource, On::Nothing)], at: At::Namespace }),*]
    };
}

/// The technique. The last [`INSIDE`] kinds let nobody say how their pods are let out of their containers.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "custom-workload-create",
    title: "Create an object out of which a controller makes pods",
    requests: create! {
        "argoproj.io" "workflows",
        "argoproj.io" "cronworkflows",
        "tekton.dev" "pipelineruns",
        "tekton.dev" "taskruns",
        "keda.sh" "scaledjobs",
        "jobset.x-k8s.io" "jobsets",
        "serving.knative.dev" "services",
        "kubevirt.io" "virtualmachines",
        "kubevirt.io" "virtualmachineinstances",
    },
    gain: "every service account and Secret of the namespace, as with a pod",
    why: "Workflows of Argo, runs of Tekton, ScaledJobs of KEDA, JobSets, Services of Knative and virtual machines of KubeVirt say \
          what runs in the pods that their controllers make, as which account of the namespace, and with which of its Secrets. No \
          right on pods or on the account is asked for. Counts where the kind is installed.",
    remedy: "Keep accounts and Secrets that are worth more out of namespaces in which such objects can be created, or take the \
             right away.",
    confidence: Confidence::Documented,
    attack: &["T1610", "MS-TA9008"],
    references: &[
        "https://argo-workflows.readthedocs.io/en/latest/service-accounts/",
        "https://tekton.dev/docs/pipelines/auth/",
        "https://kubevirt.io/user-guide/storage/disks_and_volumes/",
    ],
    build: Some(build),
    alike: |_, _| Alike::part(&[&[NEW_PODS]]),
    proof: Some(proof),
    ..Technique::MOVE
};

/// How many of the kinds, from the end, give no more than accounts and Secrets.
const INSIDE: usize = 3;

fn build(attack: &mut Attack<'_>, done: Done) {
    let Some([right]) = TECHNIQUE.requests.get(done.within).map(|request| request.rights) else { return };
    let mut served = attack.graph.snapshot().resources.iter();
    if !done.first || !served.any(|own| own.group == right.api_group && own.resource == right.resource) {
        return;
    }
    let place = done.site.place;
    if done.within + INSIDE < TECHNIQUE.requests.len() {
        attack.runs_pods(done.technique, vec![done.fact], place);
    } else {
        attack.does(done.technique, vec![done.fact], Effect::Any, Fact::Accounts(place));
        attack.does(done.technique, vec![done.fact], Effect::Secrets(place), Fact::Secrets(place));
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let rights = TECHNIQUE.requests.iter().enumerate().flat_map(|(at, request)| request.rights.iter().map(move |own| (at, own)));
    let asked = |(at, own): (usize, &crate::rules::Right)| {
        step.asks(CREATE, own.api_group, own.resource).map(|done| (at, done))
    };
    let (at, right) = rights.into_iter().find_map(asked).ok_or("nothing is created that becomes pods")?;
    if matches!(step.effect, Effect::NewPod(_)) && at + INSIDE >= TECHNIQUE.requests.len() {
        return Err("nobody says what its pods may do".to_owned());
    }
    let mut served = state.graph.snapshot().resources.iter();
    if !served.any(|own| own.group == right.api_group && own.resource == right.resource) {
        return Err("there is no such kind".to_owned());
    }
    state.new_pod_gives(step.effect, right.place)
}

#[cfg(test)]
mod tests {
    use super::super::world::check;

    fn world(group: &str, resource: &str, rule: &str) -> String {
        format!(
            "yaml {{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {{name: {resource}.{group}}}, \
             spec: {{group: {group}, scope: Namespaced, names: {{plural: {resource}, kind: X}}, versions: [{{name: v1, served: true}}]}}}}
             role w: {rule}
             role big: * *.*
             bind dev/w=w user:alice
             bind big sa:dev/bot"
        )
    }

    #[test]
    fn what_becomes_pods_runs_as_any_account_of_its_namespace() {
        for (group, resource) in [("argoproj.io", "workflows"), ("tekton.dev", "taskruns"), ("kubevirt.io", "virtualmachines")] {
            check(
                &world(group, resource, &format!("create {resource}.{group}")),
                "alice -> cluster-admin: custom-workload-create, wildcard-admin",
            );
        }
    }

    #[test]
    fn a_pod_of_ones_own_may_be_let_out_of_its_container() {
        let open = |group: &str, resource: &str| {
            format!("{}\nnamespace dev privileged", world(group, resource, &format!("create {resource}.{group}")))
                .replace("bind big sa:dev/bot", "")
        };
        check(&open("jobset.x-k8s.io", "jobsets"), "alice -> any node: custom-workload-create, privileged-pod");
        check(&open("serving.knative.dev", "services"), "");
    }

    #[test]
    fn a_kind_that_is_not_installed_or_not_meant_is_nothing() {
        check(&world("argoproj.io", "workflows", "create cronworkflows.argoproj.io"), "");
        check(&world("argoproj.io", "workflows", "create workflows; create workflows.argoproj.io one"), "");
        check(&world("argoproj.io", "workflows", "get,update,patch workflows.argoproj.io"), "");
        check(&world("serving.knative.dev", "services", "create services"), "");
        check(&world("tekton.dev", "taskruns", "create taskruns.tekton.dev").replace("sa:dev/bot", "sa:prod/bot"), "");
    }
}
