//! `node-identity`: the Node authorizer gives the kubelet what its pods need, and with it whoever has the credentials: root on the
//! node, or whoever had a certificate made out to its name.

use std::collections::BTreeSet;

use crate::graph::{NodeObject, Objects};
use crate::model::{Action, Identity, NODE_PREFIX, NODES, Name, ResourceAction, Subject};
use crate::query::{Authorizers, decide};
use crate::rules::attack::{Attack, Effect, Fact, PodIx, SecretIx};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

use super::pods::{account, token_account};

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
    let nodes: Vec<Name> = match fact {
        Fact::Node(node) => vec![node],
        Fact::Nodes => attack.nodes(),
        Fact::Acts(Subject::User(user)) => return be(attack, user, id),
        _ => return,
    };
    // Some node there is, even where none is known.
    let group = attack.graph.snapshot().names.find(NODES).map(Subject::Group);
    if let Some(group) = group.filter(|&group| fact == Fact::Nodes && attack.is_somebody(group)) {
        attack.leads_to(&TECHNIQUE, id, Effect::ActAs(group), Fact::Identity(group));
    }
    // What the group and all nodes have goes without any one of them.
    let is_more = |user: Subject| match fact {
        Fact::Nodes if attack.is_thrifty() => attack.is_granted(user),
        _ => attack.is_somebody(user),
    };
    let mut accounts = BTreeSet::new();
    let mut users = Vec::new();
    for &node in &nodes {
        let user = [NODE_PREFIX, attack.graph.text(node)].concat();
        let user = attack.graph.snapshot().names.find(&user).map(Subject::User);
        users.extend(user.filter(|&user| is_more(user)));
        accounts.extend(attack.bound_to(node).iter().filter_map(|&at| account_for(attack, at)));
    }
    for account in users.into_iter().chain(accounts) {
        attack.leads_to(&TECHNIQUE, id, Effect::ActAs(account), Fact::Identity(account));
    }
    for secret in secrets(attack, &nodes) {
        attack.leads_to(&TECHNIQUE, id, Effect::Secret(secret), Fact::Secret(secret));
    }
}

/// Whoever has the kubelet's name has what the Node authorizer gives it, and nothing else of the node.
fn be(attack: &mut Attack<'_>, user: Name, id: u32) {
    let names = &attack.graph.snapshot().names;
    let node = attack.graph.text(user).strip_prefix(NODE_PREFIX).and_then(|node| names.find(node));
    let Some(node) = node else { return };
    let any_audience = attack.version().is_none_or(|version| version < AUDIENCES_COUNT);
    // Those of most pods are what whoever enters the pods has.
    let is_open = |&&at: &&PodIx| !attack.pod(at).finished && attack.gives(at).only_account().is_some();
    let (open, others): (Vec<PodIx>, Vec<PodIx>) = attack.bound_to(node).iter().partition(is_open);
    if !open.is_empty() {
        attack.leads_to(&TECHNIQUE, id, Effect::Any, Fact::TokensOn(node));
    }
    let has_token = |&at: &PodIx| any_audience || token_account(attack, attack.pod(at)).is_some();
    let others = others.into_iter().filter(has_token).filter_map(|at| account(attack, attack.pod(at)));
    let others: BTreeSet<Subject> = others.filter(|&account| attack.is_somebody(account)).collect();
    for account in others {
        attack.leads_to(&TECHNIQUE, id, Effect::ActAs(account), Fact::Identity(account));
    }
    for secret in secrets(attack, &[node]) {
        attack.leads_to(&TECHNIQUE, id, Effect::Secret(secret), Fact::Secret(secret));
    }
}

/// The account of a pod, where the node gets a token of it that lies in no running pod.
fn account_for(attack: &Attack<'_>, at: PodIx) -> Option<Subject> {
    let pod = attack.pod(at);
    if !pod.finished && attack.gives(at).has_account() {
        return None;
    }
    let in_the_pod = token_account(attack, pod).is_some();
    let any_audience = attack.version().is_none_or(|version| version < AUDIENCES_COUNT);
    let can = if pod.finished { in_the_pod || any_audience } else { !in_the_pod && any_audience };
    account(attack, pod).filter(|&account| can && attack.is_somebody(account))
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
    use super::super::world::{check, check_at, check_from, check_from_at, check_from_to};

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
