//! Random RBAC worlds, questions about them, and a naive judge of the answers.
//!
//! Shared by the test targets `it` (no server: the judges are compared with each other and with recorded answers) and
//! `e2e` (a real kube-apiserver is asked the same).
//!
//! - `random`: worlds, made from a seed, that favour what other tools get wrong.
//! - `questions`: access reviews about a world, half of them made from what it really grants.
//! - `engine`: the program as a judge.
//! - `azure`: random Azure worlds and a naive judge of them.
//! - `attacker`: tries everything that it can name until nothing is new; imports nothing that it judges.
//! - `oracle`: sets and loops over the JSON of a world; imports nothing that it judges.
//! - `halves`: random worlds that are full of halves of ways to more.
//! - `kubectl`: what the printed commands do, on objects in memory.
//! - `lines`: small worlds in words.
//! - `mistakes`: what other tools get wrong, to know whether a set of questions would notice.
//! - `shrink`: the smallest world and question that still show a difference.
//! - `recorded`: worlds, questions and a server's answers as files.
#![allow(dead_code, reason = "each of the two test targets uses a part of this")]

pub(crate) mod attacker;
pub(crate) mod azure;
pub(crate) mod engine;
pub(crate) mod halves;
pub(crate) mod kubectl;
pub(crate) mod lines;
pub(crate) mod mistakes;
pub(crate) mod oracle;
pub(crate) mod questions;
pub(crate) mod random;
pub(crate) mod recorded;
pub(crate) mod shrink;

use std::path::{Path, PathBuf};

use serde_json::Value;

/// What a server has stored, and which of its authorizers look at it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct World {
    /// Every object that counts, the defaults of a fresh server included.
    pub(crate) objects: Vec<Value>,
    /// The server's `--authorization-mode`.
    pub(crate) mode: Mode,
}

/// The authorizers of a server. The built-in one for `system:masters` is always there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// `RBAC`
    Rbac,
    /// `Node,RBAC`
    NodeRbac,
}

/// Somebody who answers reviews about a world: whether each is allowed.
#[derive(Clone, Copy)]
pub(crate) struct Judge {
    /// Who, for messages.
    pub(crate) name: &'static str,
    /// Whether it knows the Node authorizer; one that does not is not asked about nodes where there is one.
    pub(crate) nodes: bool,
    /// The answers, in the order of the reviews.
    pub(crate) answers: fn(&World, &[Value]) -> Vec<bool>,
}

/// The naive judge.
pub(crate) const ORACLE: Judge = Judge { name: "the oracle", nodes: true, answers: oracle::answers };

/// Everybody whose answers must be those of a real server.
pub(crate) const JUDGES: &[Judge] = &[ORACLE, engine::REVIEW, engine::WHY, engine::WHO_CAN, engine::WHAT_CAN];

impl Mode {
    /// As the server's flag spells it.
    pub(crate) fn flag(self) -> &'static str {
        match self {
            Mode::Rbac => "RBAC",
            Mode::NodeRbac => "Node,RBAC",
        }
    }
}

/// Panics with the smallest world that shows it when a judge does not answer as a server did.
///
/// Two judges that disagree with each other are shrunk here; where only the server can tell, the caller has to, with
/// `server` asking it once more about another world.
pub(crate) fn compare(
    what: &str,
    world: &World,
    reviews: &[Value],
    answers: &[bool],
    judges: &[Judge],
    server: &mut dyn FnMut(&World, &Value) -> Option<bool>,
) {
    for judge in judges {
        let of_a_node =
            |at: usize| world.mode == Mode::NodeRbac && text(&reviews[at]["spec"]["user"]).starts_with("system:node:");
        let judged = (judge.answers)(world, reviews);
        assert_eq!(judged.len(), reviews.len(), "{what}: {} leaves questions unanswered", judge.name);
        let asked = (0..reviews.len()).filter(|&at| judge.nodes || !of_a_node(at));
        let wrong: Vec<usize> = asked.filter(|&at| judged[at] != answers[at]).collect();
        let Some(&first) = wrong.first() else { continue };
        let review = &reviews[first];
        let oracle_is_right = (ORACLE.answers)(world, std::slice::from_ref(review)) == [answers[first]];
        let mut differs = |world: &World, review: &Value| {
            let judged = (judge.answers)(world, std::slice::from_ref(review))[0];
            if oracle_is_right {
                judged != (ORACLE.answers)(world, std::slice::from_ref(review))[0]
            } else {
                server(world, review).is_some_and(|answer| judged != answer)
            }
        };
        let (small, review) = shrink::smallest(world, review, &mut differs);
        panic!(
            "{what}: {} is wrong about {} of {} reviews; the server says {} to this one:\n{}",
            judge.name,
            wrong.len(),
            reviews.len(),
            if answers[first] { "yes" } else { "no" },
            shrink::text(&small, &review),
        );
    }
}

/// Whether an object is one that a fresh server makes by itself.
pub(crate) fn is_default(object: &Value) -> bool {
    !object["metadata"]["labels"]["kubernetes.io/bootstrapping"].is_null()
}

/// Whether a fresh server's aggregated roles carry their rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aggregated {
    /// As the controllers leave them.
    Filled,
    /// As manifests have them: whoever reads them has to do the controllers' work.
    Empty,
}

/// The RBAC objects of a fresh server.
pub(crate) fn bootstrap(aggregated: Aggregated) -> Vec<Value> {
    let mut objects = Vec::new();
    for (kind, plural) in KINDS {
        let path = fixtures().join(format!("bootstrap-1.36/{plural}.json"));
        let list: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for item in list["items"].as_array().unwrap() {
            let mut object = item.clone();
            object["apiVersion"] = "rbac.authorization.k8s.io/v1".into();
            object["kind"] = (*kind).into();
            if aggregated == Aggregated::Empty && !object["aggregationRule"].is_null() {
                object["rules"] = Value::Null;
            }
            objects.push(object);
        }
    }
    objects
}

const KINDS: &[(&str, &str)] = &[
    ("ClusterRole", "clusterroles"),
    ("ClusterRoleBinding", "clusterrolebindings"),
    ("Role", "roles"),
    ("RoleBinding", "rolebindings"),
];

pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
