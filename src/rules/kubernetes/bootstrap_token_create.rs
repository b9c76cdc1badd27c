//! `bootstrap-token-create`: a Secret of kube-system is a token by which nodes join, and says which groups it is in.

use crate::model::{SecretPurpose, Subject};
use crate::rules::attack::{Attack, Done, Effect, Fact};
use crate::rules::finding::{RightDone, StepDone};
use crate::rules::replay::State;
use crate::rules::technique::{At, Blocker, Confidence, Leads, On, Request, Technique, WRITE, core};

const CREATE: &[&str] = &["create"];
const NAMESPACE: &str = "kube-system";
const USER: &str = "system:bootstrap:";
const GROUP: &str = "system:bootstrappers";
const SECRET: &str = "bootstrap-token-";

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "bootstrap-token-create",
    title: "Make a bootstrap token",
    requests: &[
        Request { rights: &[core(CREATE, "secrets", On::Nothing)], at: At::Namespace },
        Request {
            rights: &[core(CREATE, "secrets", On::Object), core(&["patch"], "secrets", On::Object)],
            at: At::Namespace,
        },
        Request { rights: &[core(WRITE, "secrets", On::Object)], at: At::Namespace },
    ],
    gain: "what is bound to system:bootstrappers and to groups whose names begin with system:bootstrappers:",
    why: "With bootstrap tokens on, every Secret of type bootstrap.kubernetes.io/token in kube-system is a credential: whoever \
          writes it chooses the token and its groups, as far as their names begin with system:bootstrappers. It is worth what is \
          bound to these groups; kubeadm binds to one of them what a node needs to join.",
    remedy: "Take the right to create and write Secrets in kube-system away, or start the API server without \
             --enable-bootstrap-token-auth.",
    confidence: Confidence::Documented,
    attack: &["T1136", "T1078"],
    references: &["https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/"],
    build: Some(build),
    leads: Some(|attack, _| Leads::in_one(attack, NAMESPACE)),
    proof: Some(proof),
    ..Technique::MOVE
};

fn build(attack: &mut Attack<'_>, done: Done) {
    let Some(namespace) = attack.graph.snapshot().names.find(NAMESPACE) else { return };
    if !done.first || !done.site.place.has(namespace) {
        return;
    }
    let secrets = attack.secrets_in(namespace, done.site.object);
    let names: Vec<&str> = match (done.within, done.site.object) {
        (0, _) => Vec::new(),
        (1, Some(name)) if secrets.is_empty() => vec![attack.graph.text(name)],
        (2, _) => {
            let tokens = secrets.into_iter().map(|at| attack.secret(at));
            let tokens = tokens.filter(|secret| secret.purpose == SecretPurpose::Bootstrap);
            tokens.map(|secret| attack.graph.text(secret.name)).collect()
        }
        _ => return,
    };
    let ids: Vec<&str> = names.iter().filter_map(|name| id(name)).collect();
    if done.within > 0 && ids.is_empty() {
        return;
    }
    for subject in attack.granted(|_| true) {
        let text = attack.graph.text(subject.name());
        let gained = match subject {
            Subject::Group(_) => is_group(text),
            Subject::User(_) => text.strip_prefix(USER).is_some_and(|id| {
                is_id(id) && (done.within == 0 || ids.contains(&id))
            }),
            Subject::ServiceAccount { .. } => false,
        };
        if gained {
            let what = "bootstrap tokens may be off: the API server's flag --enable-bootstrap-token-auth is not visible";
            let blockers = vec![Blocker { what: what.to_owned(), stops: false }];
            let effect = Effect::ActAs(subject);
            attack.does_unless(done.technique, vec![done.fact], effect, Fact::Identity(subject), blockers);
        }
    }
}

/// The number of a token, as the name of its Secret says it.
fn id(name: &str) -> Option<&str> {
    name.strip_prefix(SECRET).filter(|id| is_id(id))
}

fn is_id(id: &str) -> bool {
    id.len() == 6 && id.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
}

/// Whether a token may be in the group (kubernetes `staging/src/k8s.io/cluster-bootstrap/token/api`).
fn is_group(group: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    group == GROUP
        || group.strip_prefix(GROUP).and_then(|rest| rest.strip_prefix(':')).is_some_and(|rest| {
            rest.ends_with(plain) && rest.len() <= 256 && rest.chars().all(|letter| plain(letter) || ":-".contains(letter))
        })
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let text = |right: &RightDone| right.name.map(|name| state.graph.text(name));
    let made = step.asks(CREATE, "", "secrets");
    let write = step.asks(WRITE, "", "secrets");
    let right = made.or(write).ok_or("no Secret is written")?;
    let in_kube_system = match right.place {
        crate::rules::Place::Namespace(namespace) => state.graph.text(namespace) == NAMESPACE,
        _ => true,
    };
    if !in_kube_system {
        return Err("bootstrap tokens are in kube-system".to_owned());
    }
    let secrets = || state.graph.snapshot().secrets.iter().filter(|one| state.graph.text(one.namespace) == NAMESPACE);
    let named = text(right);
    let is_there = |name: &str| secrets().any(|one| state.graph.text(one.name) == name);
    let tokens = secrets().filter(|one| one.purpose == SecretPurpose::Bootstrap).map(|one| state.graph.text(one.name));
    let ids: Vec<&str> = match (made, named) {
        (Some(_), None) => Vec::new(),
        (Some(_), Some(name)) if !is_there(name) => vec![name],
        (Some(_), Some(_)) => return Err("a Secret of that name is there".to_owned()),
        (None, named) => tokens.filter(|name| named.is_none_or(|own| own == *name)).collect(),
    };
    let any = made.is_some() && named.is_none();
    let ids: Vec<&str> = ids.into_iter().filter_map(|name| name.strip_prefix(SECRET)).collect();
    let of = |subject: Subject| state.graph.text(subject.name());
    let follows = match step.effect {
        Effect::ActAs(group @ Subject::Group(_)) => of(group).starts_with(GROUP) && (any || !ids.is_empty()),
        Effect::ActAs(user @ Subject::User(_)) => {
            of(user).strip_prefix(USER).is_some_and(|id| id.len() == 6 && (any || ids.contains(&id)))
        }
        _ => false,
    };
    if follows { Ok(()) } else { Err("no token of this name or group is made".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::super::world::{check, check_to};

    const JOIN: &str = "role join: create,get certificatesigningrequests.certificates.k8s.io; create certificatesigningrequests/nodeclient.certificates.k8s.io
             bind join group:system:bootstrappers:kubeadm:default-node-token
             pod dev/one bot n1
             bind kube-system/s=s user:alice
             ";
    /// Who is bound by somebody's own binding is one more who starts.
    const JOINS: &str = "system:bootstrappers:kubeadm:default-node-token -> system:node:n1: node-csr";
    const NODE: &str = "system:bootstrappers:kubeadm:default-node-token -> system:node:n1: node-csr
             alice -> system:node:n1: bootstrap-token-create, node-csr";

    #[test]
    fn a_token_joins_as_a_node() {
        check_to("user:system:node:n1", &format!("{JOIN}role s: create secrets"), NODE);
        check_to("user:system:node:n1", &format!("{JOIN}role s: create,patch secrets bootstrap-token-abc123"), NODE);
        check_to(
            "user:system:node:n1",
            &format!("{JOIN}secret kube-system/bootstrap-token-abc123 bootstrap.kubernetes.io/token\nrole s: update secrets"),
            NODE,
        );
    }

    #[test]
    fn it_is_worth_what_is_bound_to_its_groups() {
        check(
            "role s: create secrets
             role big: * *.*
             bind kube-system/s=s user:alice
             bind big group:system:bootstrappers:big",
            "alice -> cluster-admin: bootstrap-token-create, wildcard-admin",
        );
        check(
            "role s: create secrets
             role big: * *.*
             bind kube-system/s=s user:alice
             bind big group:bootstrappers group:system:bootstrappers-big group:system:masters user:system:bootstrap:abc",
            "",
        );
    }

    #[test]
    fn another_namespace_another_name_and_another_type_make_no_token() {
        check_to("user:system:node:n1", &format!("{JOIN}role s: create secrets").replace("kube-system", "dev"), JOINS);
        check_to("user:system:node:n1", &format!("{JOIN}role s: create,patch secrets other"), JOINS);
        check_to("user:system:node:n1", &format!("{JOIN}role s: create secrets bootstrap-token-abc123"), JOINS);
        check_to(
            "user:system:node:n1",
            &format!("{JOIN}secret kube-system/other Opaque\nrole s: update,patch secrets"),
            JOINS,
        );
    }
}
