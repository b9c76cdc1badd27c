//! `webhook-write`: an admission webhook is shown every object that is written, and a mutating one may change it.

use crate::model::{AdmissionKind, Name};
use crate::rules::attack::{Attack, Done, Effect, Fact, Place};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{At, Change, Confidence, On, Request, Right, Technique, changes, right};

const GROUP: &str = AdmissionKind::GROUP;
const MUTATING: &str = "mutatingwebhookconfigurations";
const VALIDATING: &str = "validatingwebhookconfigurations";

const fn hooks(verbs: &'static [&'static str], resource: &'static str, on: On) -> Right {
    right(verbs, GROUP, resource, on)
}

const CHANGE_MUTATING: [Request; 3] = changes!(GROUP, MUTATING, At::Cluster);
const CHANGE_VALIDATING: [Request; 3] = changes!(GROUP, VALIDATING, At::Cluster);

/// The technique. The second request of each kind is an apply: the only one that creates with a name to be limited to.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "webhook-write",
    title: "Put in an admission webhook",
    requests: &{
        let [patch, update, read] = CHANGE_MUTATING;
        let [patch_validating, update_validating, read_validating] = CHANGE_VALIDATING;
        [
            Request { rights: &[hooks(&["create"], MUTATING, On::Nothing)], at: At::Cluster },
            Request {
                rights: &[hooks(&["create"], MUTATING, On::Object), hooks(&["patch"], MUTATING, On::Object)],
                at: At::Cluster,
            },
            patch,
            update,
            read,
            Request { rights: &[hooks(&["create"], VALIDATING, On::Nothing)], at: At::Cluster },
            Request {
                rights: &[hooks(&["create"], VALIDATING, On::Object), hooks(&["patch"], VALIDATING, On::Object)],
                at: At::Cluster,
            },
            patch_validating,
            update_validating,
            read_validating,
        ]
    },
    gain: "with a mutating webhook cluster-admin, as soon as somebody who holds that much writes; with a validating one the \
           Secrets that are written from then on",
    why: "The API server sends every object that is written to the webhooks that ask for it, Secrets included, and the address may \
          be outside the cluster. What a mutating webhook changes is then checked as if whoever wrote the object had written it \
          so: it adds a subject to a role binding of an administrator, rules to a ClusterRole that the aggregation controller \
          writes, or another account to a pod that a controller starts in kube-system. It waits for such a write; Kubernetes' own \
          controllers write all the time. A webhook does not see what lies there already, nor tokens as they are issued.",
    remedy: "Take the right away, or limit it with resourceNames to a configuration that its own controller has to keep up to date.",
    confidence: Confidence::Performed,
    attack: &["T1546", "MS-TA9015"],
    references: &[
        "https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/",
        "https://kubernetes.io/docs/concepts/security/rbac-good-practices/#control-admission-webhooks",
    ],
    build: Some(build),
    proof: Some(proof),
    ..Technique::MOVE
};

/// How many requests there are for each kind; those that change come behind the first two.
const EACH: usize = 5;

fn build(attack: &mut Attack<'_>, done: Done) {
    let (kind, effect, gain) = if done.within < EACH {
        let cluster = Place::Cluster;
        (AdmissionKind::MutatingWebhook, Effect::Everything(cluster), Fact::Everything(cluster))
    } else {
        (AdmissionKind::ValidatingWebhook, Effect::Secrets(Place::EachNamespace), Fact::NewSecrets)
    };
    let Some(&change) = (done.within % EACH).checked_sub(2).and_then(|at| Change::ALL.get(at)) else {
        attack.does(done.technique, vec![done.fact], effect, gain);
        return;
    };
    for name in written(attack, kind, done.site.object) {
        if let Some(needs) = attack.changes(&done, change, Place::Cluster, name) {
            attack.does(done.technique, needs, effect, gain);
        }
    }
}

/// The objects that are changed: they have to be there.
pub(super) fn written(attack: &Attack<'_>, kind: AdmissionKind, name: Option<Name>) -> Vec<Name> {
    let all = attack.graph.snapshot().admissions.iter();
    let of_kind = |own: &&crate::model::Admission| own.cluster == attack.cluster && own.kind == kind;
    all.filter(of_kind).map(|own| own.name).filter(|&own| name.is_none_or(|name| name == own)).collect()
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let writes = |resource: &str, kind: AdmissionKind| {
        let there = |name: Name| state.graph.snapshot().admissions.iter().any(|own| own.kind == kind && own.name == name);
        let changed = step.changes(GROUP, resource).and_then(|right| right.name);
        step.asks(&["create"], GROUP, resource).is_some() || changed.is_some_and(there)
    };
    let mutates = writes(MUTATING, AdmissionKind::MutatingWebhook);
    match step.effect {
        Effect::Everything(Place::Cluster) if mutates => Ok(()),
        Effect::Secrets(_) if mutates || writes(VALIDATING, AdmissionKind::ValidatingWebhook) => Ok(()),
        _ => Err("no webhook is put in".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::{check, graph};
    use crate::rules::{Ask, escalations};

    const HOOKS: &str = "
        yaml {apiVersion: admissionregistration.k8s.io/v1, kind: MutatingWebhookConfiguration, metadata: {name: injector}}
        yaml {apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: guard}}
        bind w user:alice
        ";

    fn hooks(rules: &str, expected: &str) {
        check(&format!("role w: {rules}{HOOKS}"), expected);
    }

    #[test]
    fn a_mutating_webhook_is_the_cluster() {
        let expected = "alice -> cluster-admin: webhook-write";
        hooks("create mutatingwebhookconfigurations.admissionregistration.k8s.io", expected);
        hooks("update,list mutatingwebhookconfigurations.admissionregistration.k8s.io", expected);
        hooks("update,get mutatingwebhookconfigurations.admissionregistration.k8s.io injector", expected);
        hooks("patch mutatingwebhookconfigurations.admissionregistration.k8s.io injector", expected);
        hooks("create,patch mutatingwebhookconfigurations.admissionregistration.k8s.io other", expected);
    }

    #[test]
    fn a_validating_one_sees_what_is_written_and_no_more() {
        let expected = "alice -> secrets of every namespace: webhook-write";
        hooks("create validatingwebhookconfigurations.admissionregistration.k8s.io", expected);
        hooks("patch validatingwebhookconfigurations.admissionregistration.k8s.io guard", expected);
        // A Secret that lies there is not written.
        let world = graph(&format!(
            "role w: create validatingwebhookconfigurations.admissionregistration.k8s.io
             secret dev/old Opaque{HOOKS}"
        ));
        let to = crate::model::Thing::parse("secret:dev/old").unwrap();
        let to = crate::rules::secret(world.snapshot(), &to).map(crate::rules::Target::Secret);
        assert!(escalations(&world, &Ask { to: to.into_iter().collect(), ..Ask::default() }).findings.is_empty());
    }

    #[test]
    fn names_limit_and_reading_puts_nothing_in() {
        hooks("get,list,watch,delete mutatingwebhookconfigurations.admissionregistration.k8s.io", "");
        hooks("update,patch mutatingwebhookconfigurations.admissionregistration.k8s.io gone", "");
        hooks("update,patch mutatingwebhookconfigurations.admissionregistration.k8s.io guard", "");
        hooks("create mutatingwebhookconfigurations.admissionregistration.k8s.io injector", "");
        hooks("create,patch mutatingwebhookconfigurations", "");
    }

    #[test]
    fn an_update_takes_the_version_that_somebody_has_read() {
        let injector = "mutatingwebhookconfigurations.admissionregistration.k8s.io injector";
        hooks(&format!("update {injector}"), "");
        hooks(&format!("update,list {injector}; get mutatingwebhookconfigurations.admissionregistration.k8s.io other"), "alice -> cluster-admin: webhook-write");
        hooks(&format!("update {injector}; get mutatingwebhookconfigurations.admissionregistration.k8s.io other"), "");
        let reader = format!("update {injector}\nrole r: get {injector}\nrole t: create serviceaccounts/token\nbind r sa:dev/bot\nbind dev/t=t user:alice");
        hooks(&reader, "alice -> cluster-admin: token-request, webhook-write");
    }

    #[test]
    fn what_a_role_binding_grants_is_not_the_clusters() {
        check(
            "role w: create,patch mutatingwebhookconfigurations.admissionregistration.k8s.io
             yaml {apiVersion: admissionregistration.k8s.io/v1, kind: MutatingWebhookConfiguration, metadata: {name: injector}}
             bind dev/w=w user:alice",
            "",
        );
    }
}
