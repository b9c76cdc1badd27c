//! Techniques performed on a real server: in small random worlds, where a step is sometimes possible and sometimes nearly, an
//! attacker tries everything that can be named, and has in the end what the program says, no more and no less. In some of them the
//! remedies are run before, as they are printed and by the real kubectl, and the attacker gets nowhere.
//!
//! - `lab`: the server and the worlds.
//! - `writes`: roles and bindings.
//! - `held`: the same without `escalate` and `bind`.
//! - `identities`: tokens, impersonation, missing accounts.
//! - `impersonation`: users and groups, by the old verb and by the new ones.
//! - `secrets`: what Secrets hold, and tokens that are put into them.
//! - `certificates`: requests that are approved by whoever made them.
//! - `pods`: pods and what makes them, as their node sees them.
//! - `webhooks`: what is asked about every object.
//! - `apiservices`: what answers for an API group.

mod apiservices;
mod certificates;
mod held;
mod identities;
mod impersonation;
mod lab;
mod pods;
mod secrets;
mod webhooks;
mod writes;

use lab::{Lab, Move, State, Trial, World, run};

/// Techniques and the tests that perform them. A technique without a test does not compile.
macro_rules! performed {
    ($list:ident: $($id:literal => $test:ident $body:block)*) => {
        pub(crate) const $list: &[&str] = &[$($id),*];
        $(
            #[test]
            fn $test() $body
        )*
    };
}

const WRITES: Trial = Trial { moves: &[Move::Writes], rounds: 8, expected: None };
const IDENTITIES: Trial = Trial { moves: &[], rounds: 3, expected: None };
const IMPERSONATION: Trial =
    Trial { moves: &[Move::Impersonation], rounds: 2, expected: Some(impersonation::expected) };
const CERTIFICATES: Trial = Trial { moves: &[Move::Certificates], rounds: 2, expected: Some(certificates::expected) };
const PODS: Trial = Trial { moves: &[Move::Labels, Move::Pods], rounds: 2, expected: Some(pods::expected) };
const WEBHOOKS: Trial = Trial { moves: &[Move::Webhooks], rounds: 2, expected: Some(webhooks::expected) };

const fn token_secrets(expected: fn(&World, &lab::Goal) -> bool) -> Trial {
    Trial { moves: &[Move::TokenSecrets], rounds: 2, expected: Some(expected) }
}

// Techniques that the catalogue says are performed; `tests/it/performed.rs` reads these lines.
performed! { PERFORMED:
    "pod-create" => pod_create { run("pod-create", 20, PODS, pods::pod_create) }
    "workload-create" => workload_create { run("workload-create", 24, PODS, pods::workload_create) }
    "privileged-pod" => privileged_pod { run("privileged-pod", 24, PODS, pods::privileged_pod) }
    "relax-pod-security" => relax_pod_security { run("relax-pod-security", 28, PODS, pods::relax_pod_security) }
    "node-identity" => node_identity { pods::node_identity() }
    "bind-role" => bind_role { run("bind-role", 28, WRITES, writes::bind_role) }
    "bind-held-role" => bind_held_role { run("bind-held-role", 26, WRITES, writes::bind_held_role) }
    "escalate-role" => escalate_role { run("escalate-role", 28, WRITES, writes::escalate_role) }
    "aggregated-role-inject" => aggregated_role_inject {
        run("aggregated-role-inject", 18, WRITES, writes::aggregated_role_inject)
    }
    "dangling-claim" => dangling_claim { run("dangling-claim", 28, IDENTITIES, identities::dangling_claim) }
    "token-request" => token_request { run("token-request", 28, IDENTITIES, identities::token_request_world) }
    "impersonate-serviceaccount" => impersonate_serviceaccount {
        run("impersonate-serviceaccount", 28, IDENTITIES, identities::impersonate_serviceaccount)
    }
    "constrained-impersonation" => constrained_impersonation {
        run("constrained-impersonation", 32, IMPERSONATION, impersonation::constrained)
    }
    "csr-approve" => csr_approve { run("csr-approve", 24, CERTIFICATES, certificates::csr_approve) }
    "impersonate-group" => impersonate_group {
        run("impersonate-group", 32, IMPERSONATION, impersonation::impersonate_group)
    }
    "impersonate-user" => impersonate_user {
        run("impersonate-user", 24, IMPERSONATION, impersonation::impersonate_user)
    }
    "secret-read" => secret_read { run("secret-read", 32, IDENTITIES, secrets::secret_read) }
    "secret-token-create" => secret_token_create {
        run("secret-token-create", 28, token_secrets(secrets::created), secrets::secret_token_create)
    }
    "secret-token-read" => secret_token_read {
        run("secret-token-read", 24, token_secrets(secrets::there), secrets::secret_token_read)
    }
    "secret-token-retarget" => secret_token_retarget {
        run("secret-token-retarget", 28, token_secrets(secrets::retargeted), secrets::secret_token_retarget)
    }
    "webhook-write" => webhook_write { run("webhook-write", 24, WEBHOOKS, webhooks::webhook_write) }
    "apiservice-write" => apiservice_write { apiservices::apiservice_write() }
}

// Performed here as well; the catalogue does not say so, or does not have them yet.
performed! { AHEAD:
    "impersonate-extra" => impersonate_extra {
        run("impersonate-extra", 24, IMPERSONATION, impersonation::impersonate_extra)
    }
}

/// Every name that worlds are called by.
pub(crate) fn ids() -> Vec<&'static str> {
    PERFORMED.iter().chain(AHEAD).copied().chain([held::ID]).collect()
}

/// Tries everything once.
pub(crate) async fn round(lab: &Lab, world: &World, state: &mut State, moves: &[Move], round: usize) {
    // What was refused is refused again unless something was gained.
    let size = state.size();
    let gained = state.before != Some(size);
    state.before = Some(size);
    if gained {
        identities::round(lab, world, state).await;
    }
    if moves.contains(&Move::Writes) {
        writes::round(world, state, round).await;
    }
    if !gained {
        return;
    }
    for step in moves {
        match step {
            Move::Writes => {}
            Move::Impersonation => impersonation::round(world, state).await,
            Move::Certificates => certificates::round(lab, world, state).await,
            Move::TokenSecrets => secrets::round(lab, world, state).await,
            Move::Pods => pods::round(lab, world, state).await,
            Move::Labels => pods::relax(world, state).await,
            Move::Webhooks => webhooks::round(lab, world, state).await,
        }
    }
}
