//! `admission-guard-remove`: validating webhooks and policies that judge new pods can be taken away as they were put in.

use std::rc::Rc;

use crate::graph::AccessGraph;
use crate::model::{AdmissionKind, ClusterId, Name};
use crate::rules::attack::{Attack, Done, Effect, Fact, Place};
use crate::rules::finding::{RightDone, StepDone};
use crate::rules::replay::State;
use crate::rules::technique::{At, Blocker, Change, Confidence, On, READ, Request, Right, Technique, changes, right};

const GROUP: &str = AdmissionKind::GROUP;
const HOOKS: &str = "validatingwebhookconfigurations";
const POLICIES: &str = "validatingadmissionpolicies";
const BINDINGS: &str = "validatingadmissionpolicybindings";
const DELETE: &[&str] = &["delete"];
const DELETE_ALL: &[&str] = &["deletecollection"];

const fn of(verbs: &'static [&'static str], resource: &'static str, on: On) -> Right {
    right(verbs, GROUP, resource, on)
}

/// The technique. Of each kind objects are deleted by their names or all at once, or changed.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "admission-guard-remove",
    title: "Take away the webhooks and policies that judge pods",
    requests: &{
        let [patch_hook, update_hook, read_hook] = changes!(GROUP, HOOKS, At::Cluster);
        let [patch_policy, update_policy, read_policy] = changes!(GROUP, POLICIES, At::Cluster);
        let [patch_binding, update_binding, read_binding] = changes!(GROUP, BINDINGS, At::Cluster);
        [
            Request { rights: &[of(DELETE, HOOKS, On::Object)], at: At::Cluster },
            Request { rights: &[of(DELETE_ALL, HOOKS, On::Nothing)], at: At::Cluster },
            patch_hook,
            update_hook,
            read_hook,
            Request { rights: &[of(DELETE, POLICIES, On::Object)], at: At::Cluster },
            Request { rights: &[of(DELETE_ALL, POLICIES, On::Nothing)], at: At::Cluster },
            patch_policy,
            update_policy,
            read_policy,
            Request { rights: &[of(DELETE, BINDINGS, On::Object)], at: At::Cluster },
            Request { rights: &[of(DELETE_ALL, BINDINGS, On::Nothing)], at: At::Cluster },
            patch_binding,
            update_binding,
            read_binding,
        ]
    },
    gain: "pods that nothing but Pod Security looks at; by itself nothing",
    why: "A validating webhook and a ValidatingAdmissionPolicy refuse what somebody else may write, and are objects like any other. \
          Whoever may delete or change them, or the binding of the policy, lets pass what they refuse. The path asks for it only \
          where they are asked about new pods; what they say is not looked at. A controller may put its own webhook back.",
    remedy: "Take the rights away, or limit them with resourceNames to the configurations that their controllers keep up to date.",
    confidence: Confidence::Documented,
    attack: &["T1562.001"],
    references: &[
        "https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/",
        "https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/",
    ],
    build: Some(build),
    proof: Some(proof),
    ..Technique::MOVE
};

/// Something that may refuse a new pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Guard {
    kind: AdmissionKind,
    name: Name,
    /// The binding that puts a policy in force, where there is one only.
    binding: Option<Name>,
}

/// Whatever may refuse a new pod. Which pods it is asked about, by namespace or label, is not looked at.
pub(super) fn guards(graph: &AccessGraph, cluster: ClusterId) -> Vec<Guard> {
    let snapshot = graph.snapshot();
    let asked = snapshot.admissions.iter().filter(|own| own.cluster == cluster && own.hooks.iter().any(|hook| hook.pods));
    let guard = |own: &crate::model::Admission| {
        let (kind, name) = (own.kind, own.name);
        let mut bindings = snapshot
            .policy_bindings
            .iter()
            .filter(|at| at.cluster == cluster && at.kind == kind && at.policy == name && at.denies)
            .map(|at| at.name);
        match (kind, bindings.next(), bindings.next()) {
            (AdmissionKind::ValidatingWebhook, ..) => Some(Guard { kind, name, binding: None }),
            (AdmissionKind::ValidatingPolicy, Some(first), None) => Some(Guard { kind, name, binding: Some(first) }),
            (AdmissionKind::ValidatingPolicy, Some(_), Some(_)) => Some(Guard { kind, name, binding: None }),
            _ => None,
        }
    };
    asked.filter_map(guard).collect()
}

/// What they do to a step that makes a pod.
pub(in crate::rules) fn guarded(graph: &AccessGraph, cluster: ClusterId) -> Rc<[Blocker]> {
    guards(graph, cluster).into_iter().map(|guard| guard.blocker(graph)).collect()
}

impl Guard {
    /// What it does to a step that it may refuse.
    fn blocker(self, graph: &AccessGraph) -> Blocker {
        let (kind, name) = (self.kind.as_str(), graph.text(self.name));
        Blocker { what: format!("{kind} {name} is asked about new pods, and what it refuses is not visible"), stops: false }
    }

    /// The object of a resource without which it refuses nothing.
    fn object(self, resource: &str) -> Option<Name> {
        match resource {
            BINDINGS => self.binding,
            _ => Some(self.name).filter(|_| self.kind.resource() == resource),
        }
    }

    /// The fact that it can be taken away.
    fn gone(self) -> Fact {
        Fact::Gone(self.kind, self.name)
    }
}

/// How many requests there are for each kind; those that change come behind the first two.
const EACH: usize = 5;

fn build(attack: &mut Attack<'_>, done: Done) {
    let guards = guards(attack.graph, attack.cluster);
    let Some([right]) = TECHNIQUE.requests.get(done.within).map(|request| request.rights) else { return };
    for guard in &guards {
        let Some(object) = guard.object(right.resource) else { continue };
        if done.site.object.is_some_and(|own| own != object) {
            continue;
        }
        let needs = match done.within % EACH {
            0 => Some(vec![attack.on(&done, Place::Cluster, Some(object))]),
            1 => Some(vec![done.fact]),
            at => Change::ALL.get(at - 2).and_then(|&change| attack.changes(&done, change, Place::Cluster, object)),
        };
        if let Some(needs) = needs {
            attack.follows(needs, guard.gone());
        }
    }
    if !guards.is_empty() {
        let gone = guards.iter().map(|guard| attack.fact(guard.gone())).collect();
        attack.does(done.technique, gone, Effect::Unguard, Fact::Unguarded);
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let rights = || step.requests.iter().flat_map(|request| &request.rights).filter(|right| right.api_group == GROUP);
    let is_gone = |guard: &Guard| {
        rights().any(|right| match guard.object(right.resource) {
            Some(_) if DELETE_ALL.contains(&right.verb) => true,
            Some(object) if right.name != Some(object) => false,
            Some(_) if right.verb == "update" => {
                let of_it = |own: &&RightDone| own.resource == right.resource && own.name == right.name;
                rights().filter(of_it).any(|own| READ.contains(&own.verb))
            }
            Some(_) => ["delete", "patch"].contains(&right.verb),
            None => false,
        })
    };
    match guards(state.graph, state.cluster).iter().find(|guard| !is_gone(guard)) {
        None => Ok(()),
        Some(guard) => Err(format!("{} stays", state.graph.text(guard.name))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::{check, graph};
    use crate::query::SystemFilter;
    use crate::rules::{Ask, escalations};

    const GUARDS: &str = "
        role p: create pods
        namespace dev -
        bind dev/p=p user:alice
        bind w user:alice
        yaml {apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: judge}, webhooks: [{name: a, rules: [{operations: [\"*\"], apiGroups: [\"\"], resources: [pods]}]}]}
        yaml {apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: other}, webhooks: [{name: a, rules: [{operations: [\"*\"], apiGroups: [apps], resources: [deployments]}]}]}
        yaml {apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {name: rule}, spec: {matchConstraints: {resourceRules: [{operations: [CREATE], apiGroups: [\"\"], resources: [pods]}]}}}
        yaml {apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {name: idle}, spec: {matchConstraints: {resourceRules: [{operations: [CREATE], apiGroups: [\"\"], resources: [pods]}]}}}
        yaml {apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: of-rule}, spec: {policyName: rule, validationActions: [Deny]}}
        ";

    fn guarded(rules: &str) -> String {
        let rules = ["validatingwebhookconfigurations", "validatingadmissionpolicies", "validatingadmissionpolicybindings"]
            .into_iter()
            .fold(rules.to_owned(), |rules, kind| {
                rules.replace(&format!(" {kind}"), &format!(" {kind}.admissionregistration.k8s.io"))
            });
        format!("role w: {rules}{GUARDS}")
    }

    /// What the first path might be stopped by.
    fn doubts(world: &str) -> Vec<String> {
        let world = graph(world);
        let found = escalations(&world, &Ask { system: SystemFilter::Hide, ..Ask::default() });
        let blockers = found.findings.into_iter().take(1).flat_map(|finding| finding.steps).flat_map(|step| step.blockers.clone());
        blockers.map(|blocker| blocker.what.split(" is asked").next().unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn who_can_takes_the_guards_away_first() {
        for rules in [
            "delete validatingwebhookconfigurations judge; delete validatingadmissionpolicybindings of-rule",
            "deletecollection validatingwebhookconfigurations; delete validatingadmissionpolicies",
            "delete validatingwebhookconfigurations; update,get validatingadmissionpolicies rule",
        ] {
            let world = guarded(rules);
            check(&world, "alice -> any node: pod-create, admission-guard-remove, privileged-pod");
            assert_eq!(doubts(&world).len(), 1, "Pod Security alone");
        }
    }

    #[test]
    fn who_leaves_one_may_be_stopped_by_it() {
        for rules in [
            "delete validatingwebhookconfigurations judge",
            "delete validatingwebhookconfigurations other; deletecollection validatingadmissionpolicies",
            "get,list,watch validatingwebhookconfigurations",
            "update validatingwebhookconfigurations judge; delete validatingadmissionpolicies",
        ] {
            let world = guarded(rules);
            check(&world, "alice -> any node: pod-create, privileged-pod");
            assert_eq!(
                doubts(&world)[1..],
                ["ValidatingWebhookConfiguration judge", "ValidatingAdmissionPolicy rule"]
            );
        }
    }

    #[test]
    fn what_runs_in_a_pod_may_be_stopped_as_well() {
        let world = format!("{}\nrole big: * *.*\nbind big sa:dev/bot", guarded("get pods"));
        check(&world, "alice -> cluster-admin: pod-create, wildcard-admin");
        assert_eq!(doubts(&world), ["ValidatingWebhookConfiguration judge", "ValidatingAdmissionPolicy rule"]);
        let by_volume = guarded("create persistentvolumes").replace("namespace dev -", "namespace dev baseline");
        check(&by_volume, "alice -> any node: pod-create, hostpath-volume");
        assert_eq!(doubts(&by_volume), ["ValidatingWebhookConfiguration judge", "ValidatingAdmissionPolicy rule"]);
    }

    #[test]
    fn what_guards_nothing_is_not_worth_taking_away() {
        let rules = "delete validatingwebhookconfigurations; deletecollection validatingadmissionpolicies";
        // No pods, no gain.
        check(&guarded(rules).replace("bind dev/p=p user:alice", ""), "");
        let open = guarded(rules);
        let open: String = open.lines().filter(|line| !line.contains("judge") && !line.contains("rule}")).map(|line| format!("{line}\n")).collect();
        let open: String = open.lines().filter(|line| !line.contains("of-rule")).map(|line| format!("{line}\n")).collect();
        check(&open, "alice -> any node: pod-create, privileged-pod");
        assert_eq!(doubts(&open).len(), 1, "Pod Security alone");
    }
}
