//! `admission-policy-write`: a mutating admission policy changes every object that is written, inside the API server.

use super::webhook_write::written;
use crate::model::{AdmissionKind, Name};
use crate::rules::attack::{Attack, Done, Effect, Fact, Place};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{At, Blocker, Change, Confidence, On, Request, Right, Technique, changes, right};

const GROUP: &str = AdmissionKind::GROUP;
const POLICIES: &str = "mutatingadmissionpolicies";
const BINDINGS: &str = "mutatingadmissionpolicybindings";

const fn policies(verbs: &'static [&'static str], resource: &'static str, on: On) -> Right {
    right(verbs, GROUP, resource, on)
}

const CHANGE_POLICY: [Request; 3] = changes!(GROUP, POLICIES, At::Cluster);
const CHANGE_BINDING: [Request; 3] = changes!(GROUP, BINDINGS, At::Cluster);

/// The technique: a policy with a binding, or a policy that a binding names already.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "admission-policy-write",
    title: "Put in a mutating admission policy",
    requests: &{
        let [patch, update, read] = CHANGE_POLICY;
        let [patch_binding, update_binding, read_binding] = CHANGE_BINDING;
        [
            Request { rights: &[policies(&["create"], POLICIES, On::Nothing)], at: At::Cluster },
            Request {
                rights: &[policies(&["create"], POLICIES, On::Object), policies(&["patch"], POLICIES, On::Object)],
                at: At::Cluster,
            },
            patch,
            update,
            read,
            Request { rights: &[policies(&["create"], BINDINGS, On::Nothing)], at: At::Cluster },
            Request {
                rights: &[policies(&["create"], BINDINGS, On::Object), policies(&["patch"], BINDINGS, On::Object)],
                at: At::Cluster,
            },
            patch_binding,
            update_binding,
            read_binding,
        ]
    },
    gain: "cluster-admin, as soon as somebody who holds that much writes",
    why: "A MutatingAdmissionPolicy changes objects as a mutating webhook does, with no server of its own: it adds a subject to a \
          role binding of an administrator, or another account to a pod that a controller starts in kube-system. It is in force \
          once a binding names it, and policy and binding may be written by two identities; a policy that a binding names \
          already only has to be changed. Served by default from Kubernetes 1.36 on.",
    remedy: "Take the rights on mutatingadmissionpolicies and their bindings away.",
    confidence: Confidence::Documented,
    attack: &["T1546", "MS-TA9015"],
    references: &["https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/"],
    build: Some(build),
    proof: Some(proof),
    ..Technique::MOVE
};

/// Before this version the API is off unless somebody turns it on.
const SERVED_FROM: (u32, u32) = (1, 36);

const POLICY: Fact = Fact::Part(TECHNIQUE.id, 0, Place::Cluster);
const BINDING: Fact = Fact::Part(TECHNIQUE.id, 1, Place::Cluster);

/// How many requests there are for policies, and as many for bindings; those that change come behind the first two.
const EACH: usize = 5;

fn build(attack: &mut Attack<'_>, done: Done) {
    let blockers = unserved(attack);
    let everything = (Effect::Everything(Place::Cluster), Fact::Everything(Place::Cluster));
    let bindings: Vec<(Name, Name)> = {
        let own = attack.graph.snapshot().policy_bindings.iter();
        let own = own.filter(|own| own.cluster == attack.cluster && own.kind == AdmissionKind::MutatingPolicy);
        own.map(|own| (own.name, own.policy)).collect()
    };
    let is_policy = done.within < EACH;
    let part = if is_policy { POLICY } else { BINDING };
    let both = vec![attack.fact(POLICY), attack.fact(BINDING)];
    attack.does_unless(done.technique, both, everything.0, everything.1, blockers.clone());
    let Some(&change) = (done.within % EACH).checked_sub(2).and_then(|at| Change::ALL.get(at)) else {
        attack.follows(vec![done.fact], part);
        return;
    };
    let there: Vec<Name> = if is_policy {
        written(attack, AdmissionKind::MutatingPolicy, done.site.object)
    } else {
        let names = bindings.iter().map(|&(name, _)| name);
        names.filter(|&name| done.site.object.is_none_or(|own| own == name)).collect()
    };
    for name in there {
        let Some(needs) = attack.changes(&done, change, Place::Cluster, name) else { continue };
        if is_policy && bindings.iter().any(|&(_, policy)| policy == name) {
            attack.does_unless(done.technique, needs.clone(), everything.0, everything.1, blockers.clone());
        }
        attack.follows(needs, part);
    }
}

/// What stops it where the server does not know such policies: as its discovery says, or by its version, unless there are some.
fn unserved(attack: &Attack<'_>) -> Vec<Blocker> {
    let snapshot = attack.graph.snapshot();
    let is_served = if snapshot.discovered {
        snapshot.resources.iter().any(|one| one.group == GROUP && one.resource == POLICIES)
    } else {
        attack.version().is_none_or(|version| version >= SERVED_FROM)
            || !written(attack, AdmissionKind::MutatingPolicy, None).is_empty()
    };
    let what = "this API server does not serve mutatingadmissionpolicies, as Kubernetes does by default from 1.36 on";
    if is_served { Vec::new() } else { vec![Blocker { what: what.to_owned(), stops: true }] }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let snapshot = state.graph.snapshot();
    let own = || snapshot.policy_bindings.iter().filter(|own| own.kind == AdmissionKind::MutatingPolicy);
    let is_policy = |name: &Name| {
        let mut all = snapshot.admissions.iter();
        all.any(|own| own.kind == AdmissionKind::MutatingPolicy && own.name == *name)
    };
    let creates = |resource: &str| step.asks(&["create"], GROUP, resource).is_some();
    let changed = |resource: &str| step.changes(GROUP, resource).and_then(|right| right.name);
    let policy = changed(POLICIES).filter(is_policy);
    if policy.is_some_and(|policy| own().any(|binding| binding.policy == policy)) {
        return Ok(());
    }
    let binds = creates(BINDINGS) || changed(BINDINGS).is_some_and(|name| own().any(|binding| binding.name == name));
    let writes = creates(POLICIES) || policy.is_some();
    if writes && binds { Ok(()) } else { Err("no policy is put in force".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::super::world::{check, check_at, check_blocked_at};

    const GROUP: &str = "admissionregistration.k8s.io";
    const FOUND: &str = "alice -> cluster-admin: admission-policy-write";

    fn policies(rules: &str) -> String {
        let rules = rules.replace("policies", "mutatingadmissionpolicies.").replace("bindings", "mutatingadmissionpolicybindings.");
        let objects = [("Policy", "used", "{}"), ("Policy", "idle", "{}"), ("PolicyBinding", "of-used", "{policyName: used}")];
        let objects = objects.map(|(kind, name, spec)| {
            format!("yaml {{apiVersion: {GROUP}/v1, kind: MutatingAdmission{kind}, metadata: {{name: {name}}}, spec: {spec}}}")
        });
        format!("role w: {}\nbind w user:alice\n{}", rules.replace(". ", &format!(".{GROUP} ")), objects.join("\n"))
    }

    #[test]
    fn a_policy_with_a_binding_is_the_cluster() {
        check(&policies("create policies ; create bindings "), FOUND);
        check(&policies("create policies ; patch bindings of-used"), FOUND);
        check(&policies("update,get policies idle; create bindings "), FOUND);
        check(&policies("patch policies used"), FOUND);
        check(&policies("patch policies "), FOUND);
    }

    #[test]
    fn one_without_the_other_does_nothing() {
        check(&policies("create policies "), "");
        check(&policies("create,update,patch bindings "), "");
        check(&policies("update policies idle; delete policies ; delete bindings "), "");
        check(&policies("create policies ; patch bindings gone"), "");
        check(&policies("update policies used"), "");
        check(&policies("create policies used; create bindings "), "");
    }

    #[test]
    fn two_identities_put_it_in_together() {
        check(
            &format!(
                "role p: create mutatingadmissionpolicies.{GROUP}
                 role b: create mutatingadmissionpolicybindings.{GROUP}
                 role t: create serviceaccounts/token
                 bind p user:alice
                 bind dev/t=t user:alice
                 bind b sa:dev/bot"
            ),
            "alice -> cluster-admin: token-request, admission-policy-write",
        );
    }

    #[test]
    fn a_server_of_before_has_none() {
        let world = format!(
            "role w: create mutatingadmissionpolicies,mutatingadmissionpolicybindings.{GROUP}
             bind w user:alice"
        );
        check_at((1, 35), &world, "");
        check_blocked_at((1, 35), &world, FOUND);
        check_at((1, 36), &world, FOUND);
        // Where there are some it was turned on.
        check_at((1, 35), &policies("create policies ; create bindings "), FOUND);
    }
}
