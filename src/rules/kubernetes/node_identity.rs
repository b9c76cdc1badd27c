//! `node-identity`: the Node authorizer gives the kubelet what its pods need, and with it whoever has the credentials: root on the
//! node, or whoever had a certificate made out to its name.

use std::collections::BTreeSet;
use std::rc::Rc;

use rustc_hash::FxHashSet;

use crate::graph::{NodeObject, Objects};
use crate::model::{Action, Identity, NODE_PREFIX, NODES, Name, ResourceAction, Subject};
use crate::query::{Authorizers, decide};
use crate::rules::attack::{Attack, Done, Effect, Fact, How, PodIx, SecretIx};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Blocker, Confidence, Technique};

use super::pod_serviceaccount;
use super::pods::{account, told_apart, token_account};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "node-identity",
    title: "Act as the node",
    gain: "every Secret that a pod of the node refers to, tokens of its pods' accounts, and what is granted to system:nodes",
    why: "The kubelet's credentials lie on the node. The Node authorizer lets `system:node:NAME` in the group `system:nodes` read the \
          Secrets and ConfigMaps of the pods that are bound to it and ask for tokens of their accounts; from 1.33 only for audiences \
          that a volume of the pod names. NodeRestriction limits what it writes, not what it reads.",
    remedy: "Keep pods of powerful accounts and with valuable Secrets on nodes where nobody else can run privileged pods; grant \
             nothing to system:nodes.",
    confidence: Confidence::Performed,
    attack: &["T1552.001", "T1078"],
    references: &["https://kubernetes.io/docs/reference/access-authn-authz/node/"],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

/// From this version on a node gets tokens only for the audiences that a pod's volumes name (KEP-4412).
const AUDIENCES_COUNT: (u32, u32) = (1, 33);

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    let nodes: Rc<[Name]> = match fact {
        Fact::Node(node) => Rc::new([node]),
        Fact::Nodes => attack.nodes(),
        Fact::Acts(Subject::User(user)) => return be(attack, user, id),
        Fact::Kubelets => return attack.leads_to(&TECHNIQUE, id, Effect::Any, Fact::OfKubelets),
        Fact::OfKubelets => return choose(attack, id),
        _ => return,
    };
    // Some node there is, even where none is known.
    let group = attack.graph.snapshot().names.find(NODES).map(Subject::Group);
    if let Some(group) = group.filter(|&group| fact == Fact::Nodes && attack.is_somebody(group)) {
        attack.leads_to(&TECHNIQUE, id, Effect::ActAs(group), Fact::Identity(group));
    }
    let accounts = accounts(attack, &nodes, account_for);
    for account in users(attack, &nodes).into_iter().chain(accounts) {
        attack.leads_to(&TECHNIQUE, id, Effect::ActAs(account), Fact::Identity(account));
    }
    act_unless(attack, &nodes, id);
    for secret in secrets(attack, &nodes) {
        attack.leads_to(&TECHNIQUE, id, Effect::Secret(secret), Fact::Secret(secret));
    }
}

/// The kubelets of these nodes that are granted something. What their groups are granted any of them has, and so the first does.
fn users(attack: &Attack<'_>, nodes: &[Name]) -> Vec<Subject> {
    let first = nodes.iter().find_map(|&node| attack.user_of_node(node));
    let first = first.filter(|&user| attack.is_somebody(user));
    let granted = nodes.iter().filter_map(|&node| attack.granted_kubelet(node)).filter(|&user| Some(user) != first);
    first.into_iter().chain(granted).collect()
}

/// The node whose kubelet has this name.
fn node_of(attack: &Attack<'_>, user: Name) -> Option<Name> {
    let node = attack.graph.text(user).strip_prefix(NODE_PREFIX)?;
    attack.graph.snapshot().names.find(node)
}

/// Whoever can have the name of any kubelet has that of each one, and what the Node authorizer gives to any of them.
pub(super) fn be_any(attack: &mut Attack<'_>, done: &Done, needs: &[u32], name: fn(Subject) -> Fact) {
    let nodes = attack.nodes();
    let users = match attack.is_thrifty() {
        true => users(attack, &nodes),
        false => nodes.iter().filter_map(|&node| attack.user_of_node(node)).collect(),
    };
    for user in users {
        attack.does(done.technique, needs.to_vec(), Effect::ActAs(user), name(user));
    }
    if attack.is_thrifty() {
        attack.does(done.technique, needs.to_vec(), Effect::Any, Fact::Kubelets);
    }
}

/// What any kubelet gets.
fn choose(attack: &mut Attack<'_>, id: u32) {
    let nodes = attack.nodes();
    let all = accounts(attack, &nodes, account_of);
    let (together, apart) =
        pod_serviceaccount::chosen_together(attack, &all, |account| all.binary_search(&account).is_ok());
    for tokens in together {
        attack.serves(id, tokens);
    }
    for account in apart {
        attack.choice(id, Effect::ActAs(account), Fact::Identity(account));
    }
    for account in accounts(attack, &nodes, refused_account) {
        let (effect, gain) = (Effect::ActAs(account), Fact::Identity(account));
        attack.step_unless(vec![id], gain, How::Chooses { of: id, effect }, Some(audience()));
    }
    for secret in secrets(attack, &nodes) {
        attack.choice(id, Effect::Secret(secret), Fact::Secret(secret));
    }
}

/// The kubelet that gets this, the first where there are several.
pub(in crate::rules) fn kubelet_for(attack: &Attack<'_>, effect: Effect) -> Option<Subject> {
    let nodes = attack.nodes();
    let mut has = nodes.iter().copied().filter(|&node| match effect {
        Effect::ActAs(account) => {
            let of = |at| account_of(attack, at).or_else(|| refused_account(attack, at));
            attack.bound_to(node).iter().any(|&at| of(at) == Some(account))
        }
        Effect::Secret(secret) => secrets(attack, &[node]).contains(&secret),
        _ => false,
    });
    attack.user_of_node(has.next()?)
}

/// Whoever has the kubelet's name has what the Node authorizer gives it, and nothing else of the node.
fn be(attack: &mut Attack<'_>, user: Name, id: u32) {
    let Some(node) = node_of(attack, user) else { return };
    // Those of most pods are what whoever enters the pods has.
    let (open, others): (Vec<PodIx>, Vec<PodIx>) = attack.bound_to(node).iter().partition(|&&at| is_open(attack, at));
    if !open.is_empty() {
        attack.leads_to(&TECHNIQUE, id, Effect::Any, Fact::TokensOn(node));
    }
    let others: BTreeSet<Subject> = others.into_iter().filter_map(|at| account_of(attack, at)).collect();
    for account in others {
        attack.leads_to(&TECHNIQUE, id, Effect::ActAs(account), Fact::Identity(account));
    }
    act_unless(attack, &[node], id);
    for secret in secrets(attack, &[node]) {
        attack.leads_to(&TECHNIQUE, id, Effect::Secret(secret), Fact::Secret(secret));
    }
}

/// The accounts of pods of these nodes.
fn accounts(attack: &Attack<'_>, nodes: &[Name], of: fn(&Attack<'_>, PodIx) -> Option<Subject>) -> Vec<Subject> {
    let pods = nodes.iter().flat_map(|&node| attack.bound_to(node));
    // Most of many pods run as one that others run as as well.
    let accounts: FxHashSet<Subject> = pods.filter_map(|&at| of(attack, at)).collect();
    let mut accounts: Vec<Subject> = accounts.into_iter().collect();
    accounts.sort_unstable();
    told_apart(attack, &mut accounts);
    accounts
}

/// Whether whoever enters a pod has the token of its account, and nothing else.
fn is_open(attack: &Attack<'_>, at: PodIx) -> bool {
    !attack.pod(at).finished && attack.gives(at).only_account().is_some()
}

/// The account of a pod, where the node gets a token of it.
fn account_of(attack: &Attack<'_>, at: PodIx) -> Option<Subject> {
    attack.gives(at).account().or_else(|| {
        let account = account(attack, attack.pod(at)).filter(|_| any_audience(attack));
        account.filter(|&account| attack.is_somebody(account))
    })
}

/// The account of a pod, where the node would get a token of it but for the version.
fn refused_account(attack: &Attack<'_>, at: PodIx) -> Option<Subject> {
    let is_refused = !any_audience(attack) && attack.gives(at).account().is_none();
    account(attack, attack.pod(at)).filter(|&account| is_refused && attack.is_somebody(account))
}

/// What stops it.
fn audience() -> Rc<[Blocker]> {
    let what = "from Kubernetes 1.33 on a node gets tokens only for audiences that a volume of the pod names";
    [Blocker { what: what.to_owned(), stops: true }].into()
}

/// Whoever has the credentials of these nodes would act as accounts but for the version.
fn act_unless(attack: &mut Attack<'_>, nodes: &[Name], id: u32) {
    for account in accounts(attack, nodes, refused_account) {
        let (effect, gain) = (Effect::ActAs(account), Fact::Identity(account));
        attack.does_unless(&TECHNIQUE, vec![id], effect, gain, audience());
    }
}

/// Whether a node gets tokens for whatever audience.
fn any_audience(attack: &Attack<'_>) -> bool {
    attack.version().is_none_or(|version| version < AUDIENCES_COUNT)
}

/// The account of a pod, where the node gets a token of it that lies in no running pod.
fn account_for(attack: &Attack<'_>, at: PodIx) -> Option<Subject> {
    let pod = attack.pod(at);
    if !pod.finished && attack.gives(at).account().is_some() {
        return None;
    }
    let in_the_pod = token_account(attack, pod).is_some();
    account_of(attack, at).filter(|_| pod.finished || !in_the_pod)
}

/// The Secrets that pods of these nodes refer to, and those of their volumes, as far as they are good for something.
fn secrets(attack: &Attack<'_>, nodes: &[Name]) -> Vec<SecretIx> {
    let by_node = attack.secrets_by_node(|| {
        let mut found: Vec<(Name, SecretIx)> = Vec::new();
        let everything = Objects { cluster: attack.cluster, namespace: None, name: None };
        attack.graph.nodes().each(NodeObject::Secret, everything, |related| {
            let secrets = attack.secrets_in(related.namespace, Some(related.name));
            found.extend(secrets.into_iter().filter(|&at| attack.is_of_use(at)).map(|at| (related.node, at)));
        });
        found.sort_unstable();
        found.dedup();
        found
    });
    let mut found: Vec<SecretIx> = nodes
        .iter()
        .flat_map(|&node| {
            let from = by_node.partition_point(|&(at, _)| at < node);
            by_node[from..].iter().take_while(move |&&(at, _)| at == node).map(|&(_, secret)| secret)
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let graph = state.graph;
    let nodes = graph.nodes().nodes(state.cluster()).map(|node| node.name);
    let held: Vec<Name> = match step.foothold {
        Some(Effect::Node(held)) => {
            nodes.filter(|&node| state.is_on(node) && held.is_none_or(|held| held == node)).collect()
        }
        _ => nodes.filter(|&node| state.is_user(&format!("{NODE_PREFIX}{}", graph.text(node)))).collect(),
    };
    let allows = |verb: &str, resource: &str, subresource: &str, namespace: Name, name: Name| {
        let action = Action::Resource(ResourceAction {
            verb: verb.to_owned(),
            api_group: String::new(),
            resource: resource.to_owned(),
            subresource: subresource.to_owned(),
            namespace: graph.text(namespace).to_owned(),
            name: graph.text(name).to_owned(),
            field_selector: Vec::new(),
        });
        held.iter().any(|&node| {
            let user = format!("{NODE_PREFIX}{}", graph.text(node));
            let who = Identity { user, groups: vec![NODES.to_owned()] };
            decide(graph, state.cluster(), &who, &action, Authorizers { node: true, rbac: false }).allowed()
        })
    };
    let done = match step.effect {
        Effect::ActAs(Subject::Group(group)) => {
            graph.text(group) == NODES && state.has_gained(|gained| gained == Effect::Node(None))
        }
        Effect::ActAs(Subject::User(user)) => {
            let name = graph.text(user).strip_prefix(NODE_PREFIX);
            held.iter().any(|&node| name == Some(graph.text(node)))
        }
        Effect::ActAs(Subject::ServiceAccount { namespace, name }) => {
            allows("create", "serviceaccounts", "token", namespace, name)
        }
        Effect::Secret(at) => {
            let secret = &graph.snapshot().secrets[at.0 as usize];
            allows("get", "secrets", "", secret.namespace, secret.name)
        }
        _ => false,
    };
    if done { Ok(()) } else { Err("the node is not allowed that".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::super::world::{check, check_at, check_blocked_at, check_from, check_from_at, check_from_to};

    const AGENT: &str = "pod dev/agent other n1 privileged
             role big: * *.*
             bind big sa:prod/bot
             ";
    const FOUND: &str = "pod dev/agent -> cluster-admin: container-escape, node-identity, wildcard-admin";
    const NODE: &str = "pod dev/agent -> node n1: container-escape";

    #[test]
    fn a_node_gets_tokens_of_its_pods_accounts() {
        // There is none in the pod.
        let world = format!("{AGENT}pod prod/one bot n1 notoken");
        check_from("pod:dev/agent", &world, FOUND);
        check_from_at((1, 32), "pod:dev/agent", &world, FOUND);
        check_from_at((1, 33), "pod:dev/agent", &world, NODE);
        // A token for the API server is in a volume, though nobody runs code there any more.
        check_from_at((1, 36), "pod:dev/agent", &format!("{AGENT}pod prod/one bot n1 token finished"), FOUND);
    }

    #[test]
    fn what_a_node_of_before_would_get_is_stopped_by_the_version() {
        let world = |pod: &str, rest: &str| format!("{AGENT}pod prod/one bot {pod}\n{rest}");
        let enters = "role x: create pods/exec\nbind dev/x=x user:alice";
        let path = "alice -> cluster-admin: pod-exec, container-escape, node-identity, wildcard-admin";
        check_at((1, 32), &world("n1 notoken", enters), path);
        check_blocked_at((1, 32), &world("n1 notoken", enters), "");
        check_blocked_at((1, 33), &world("n1 notoken", enters), path);
        check_blocked_at((1, 33), &world("n2 notoken", enters), "");
        check_blocked_at((1, 33), &world("n1 mirror", enters), "");
        // Another way that nothing stops.
        check_blocked_at((1, 33), &world("n1 token", enters), "");
        let joins = "role join: create,get certificatesigningrequests.certificates.k8s.io; create \
                     certificatesigningrequests/nodeclient.certificates.k8s.io\nbind join user:alice";
        check_blocked_at((1, 33), &world("n1 notoken", joins), "alice -> cluster-admin: node-csr, node-identity, wildcard-admin");
    }

    #[test]
    fn accounts_of_other_nodes_stay_closed() {
        check_from("pod:dev/agent", &format!("{AGENT}pod prod/one bot n2 notoken"), NODE);
        check_from("pod:dev/agent", &format!("{AGENT}pod prod/one bot n1 mirror"), NODE);
    }

    #[test]
    fn a_node_reads_the_secrets_of_its_pods() {
        let world = |pod: &str| format!("{AGENT}secret prod/key Opaque\npod prod/one other {pod}");
        let found = "pod dev/agent -> secret prod/key: container-escape, node-identity";
        check_from_to("pod:dev/agent", "secret:prod/key", &world("n1 pull:key"), found);
        check_from_to("pod:dev/agent", "secret:prod/key", &world("n2 pull:key"), "");
        check_from_to("pod:dev/agent", "secret:prod/key", &world("n1"), "");
    }

    #[test]
    fn some_node_there_is_even_where_none_is_known() {
        check(
            "role p: create pods
             role big: * *.*
             namespace dev privileged
             bind dev/p=p user:alice
             bind big group:system:nodes",
            "alice -> cluster-admin: pod-create, privileged-pod, node-identity, wildcard-admin",
        );
    }

    #[test]
    fn what_is_granted_to_nodes_is_granted_to_it() {
        check_from(
            "pod:dev/agent",
            "pod dev/agent other n1 privileged
             role big: * *.*
             bind big group:system:nodes",
            FOUND,
        );
        check_from(
            "pod:dev/agent",
            "pod dev/agent other n1 privileged
             role big: * *.*
             bind big user:system:node:n2",
            NODE,
        );
    }

    #[test]
    fn root_on_any_node_is_each_node_that_is_granted_something() {
        let world = |who: &str| {
            format!(
                "role p: create pods
                 role r: get pods
                 role big: * *.*
                 namespace dev privileged
                 pod prod/one other n1
                 pod prod/two other n2
                 bind dev/p=p user:alice
                 bind r group:system:authenticated
                 bind big {who}"
            )
        };
        let found = "alice -> cluster-admin: pod-create, privileged-pod, node-identity, wildcard-admin";
        check(&world("user:system:node:n2"), found);
        check(&world("group:system:nodes"), found);
        check(&world("user:system:node:n3"), "alice -> any node: pod-create, privileged-pod");
    }

    #[test]
    fn whoever_has_its_name_has_what_its_pods_need_and_not_the_node() {
        let world = |pod: &str| {
            format!(
                "role i: create,get certificatesigningrequests.certificates.k8s.io; create certificatesigningrequests/nodeclient.certificates.k8s.io
                 role big: * *.*
                 bind i user:alice
                 bind big sa:prod/bot
                 pod prod/one bot n1{pod}"
            )
        };
        let found = "alice -> cluster-admin: node-csr, node-identity, wildcard-admin";
        check(&world(""), found);
        check_at((1, 32), &world(" notoken"), found);
        check_at((1, 33), &world(" notoken"), "");
        check(&world(" mirror"), "");
        // The name without the group is no node.
        check(&world("").replace("role i: create,get", "role i: impersonate users; get"), "");
    }
}
