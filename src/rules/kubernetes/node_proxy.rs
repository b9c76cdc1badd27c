//! `node-proxy`: the kubelet's own API, through the API server or beside it.

use crate::rules::attack::{Attack, Done, Effect, Fact, Place};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{At, Confidence, On, Request, Technique, core};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "node-proxy",
    title: "Run commands through the kubelet's API",
    requests: &[Request { rights: &[core(&["get", "create"], "nodes/proxy", On::Object)], at: At::Cluster }],
    gain: "what every pod of the node holds: accounts' tokens, what is mounted, ways out of the container",
    why: "The kubelet asks for nodes/proxy before it runs a command in a container, with the verb that the HTTP method stands for. A \
          WebSocket begins with a GET, so `get` is as good as `create`. Neither admission nor the audit log sees the command. \
          Nodes are not namespaced: a RoleBinding grants nothing of this.",
    remedy: "Grant what is needed instead of the proxy: nodes/metrics, nodes/stats, nodes/log, nodes/pods, nodes/healthz or \
             nodes/configz.",
    confidence: Confidence::Documented,
    attack: &["T1609", "T1613"],
    references: &[
        "https://kubernetes.io/docs/concepts/security/rbac-good-practices/#access-to-proxy-subresource-of-nodes",
        "https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/",
    ],
    build: Some(build),
    proof: Some(proof),
    ..Technique::MOVE
};

fn build(attack: &mut Attack<'_>, done: Done) {
    if !done.first {
        return;
    }
    match done.site.object {
        None => attack.does(done.technique, vec![done.fact], Effect::Any, Fact::Pods(Place::EachNamespace)),
        Some(spelling) => {
            let node = node_of(attack.graph.text(spelling)).and_then(|node| attack.graph.snapshot().names.find(node));
            if let Some(node) = node {
                attack.does(done.technique, vec![done.fact], Effect::Any, Fact::PodsOn(node));
            }
        }
    }
}

/// The node whose kubelet a name in the path of the proxy leads to: the authorizer compares it as it stands, and the proxy then
/// reads it as `[SCHEME:]NODE[:PORT]` (kubernetes `pkg/registry/core/node/strategy.go`).
fn node_of(spelling: &str) -> Option<&str> {
    let parts: Vec<&str> = spelling.split(':').collect();
    match parts[..] {
        [node] | [node, "" | "10250"] | ["" | "http" | "https", node, "" | "10250"] => Some(node),
        _ => None,
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let right = step.asks(&["get", "create"], "", "nodes/proxy").ok_or("no kubelet is asked")?;
    let Effect::Pod(at) = step.effect else { return Err("no pod".to_owned()) };
    if right.place != Place::Cluster {
        return Err("nodes are in no namespace".to_owned());
    }
    state.is_running(at)?;
    let pod = &state.graph.snapshot().pods[at.0 as usize];
    match (right.name, pod.node) {
        (None, _) => Ok(()),
        (Some(name), Some(node)) => {
            let (name, node) = (state.graph.text(name), state.graph.text(node));
            let same = name.split(':').any(|part| part == node);
            if same { Ok(()) } else { Err(format!("the pod is not on {name}")) }
        }
        (Some(_), None) => Err("the pod is on no node".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::check;

    const BOT: &str = "role big: * *.*
             pod dev/one bot n1
             pod dev/two other n2
             bind big sa:dev/bot
             ";
    const FOUND: &str = "alice -> cluster-admin: node-proxy, pod-serviceaccount, wildcard-admin";

    #[test]
    fn get_and_create_run_commands_in_every_pod() {
        for verb in ["get", "create"] {
            check(&format!("{BOT}role x: {verb} nodes/proxy\nbind x user:alice"), FOUND);
            check(&format!("{BOT}role x: {verb} nodes/proxy n1\nbind x user:alice"), FOUND);
        }
    }

    #[test]
    fn a_name_is_compared_as_it_stands_and_read_as_an_address() {
        check(&format!("{BOT}role x: get nodes/proxy n2\nbind x user:alice"), "");
        check(&format!("{BOT}role x: get nodes/proxy https:n1:10250\nbind x user:alice"), FOUND);
        check(&format!("{BOT}role x: get nodes/proxy n1:9100\nbind x user:alice"), "");
    }

    #[test]
    fn a_role_binding_grants_nothing_of_a_node() {
        check(&format!("{BOT}role x: * nodes/proxy\nbind dev/x=x user:alice"), "");
    }

    #[test]
    fn what_looks_like_it_is_not() {
        check(&format!("{BOT}role x: proxy nodes; get pods/proxy,services/proxy\nbind x user:alice"), "");
        check(&format!("{BOT}role x: get nodes,nodes/metrics,nodes/stats,nodes/log,nodes/pods\nbind x user:alice"), "");
        check(&format!("{BOT}role x: update,patch,delete nodes/proxy\nbind x user:alice"), "");
    }
}
