//! Techniques performed on a real server: in small random worlds, where a step is sometimes possible and sometimes nearly, an
//! attacker tries everything that can be named, and has in the end what the program says, no more and no less.
//!
//! - `lab`: the server and the worlds.
//! - `writes`: roles and bindings.
//! - `held`: the same without `escalate` and `bind`.
//! - `identities`: tokens, impersonation, missing accounts.
//! - `secrets`: what Secrets hold.

mod held;
mod identities;
mod lab;
mod secrets;
mod writes;

use lab::{Lab, Moves, State, World, run};

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

const WRITES: Moves = Moves { rounds: 8, rbac: true };
const IDENTITIES: Moves = Moves { rounds: 3, rbac: false };

// Techniques that the catalogue says are performed; `tests/it/performed.rs` reads these lines.
performed! { PERFORMED:
    "bind-role" => bind_role { run("bind-role", 36, WRITES, writes::bind_role) }
    "bind-held-role" => bind_held_role { run("bind-held-role", 36, WRITES, writes::bind_held_role) }
    "escalate-role" => escalate_role { run("escalate-role", 36, WRITES, writes::escalate_role) }
    "aggregated-role-inject" => aggregated_role_inject {
        run("aggregated-role-inject", 24, WRITES, writes::aggregated_role_inject)
    }
    "dangling-claim" => dangling_claim { run("dangling-claim", 36, IDENTITIES, identities::dangling_claim) }
    "token-request" => token_request { run("token-request", 40, IDENTITIES, identities::token_request_world) }
    "impersonate-serviceaccount" => impersonate_serviceaccount {
        run("impersonate-serviceaccount", 40, IDENTITIES, identities::impersonate_serviceaccount)
    }
}

// Performed here as well; the catalogue does not say so, or does not have them yet.
performed! { AHEAD:
    "secret-read" => secret_read { run("secret-read", 40, IDENTITIES, secrets::secret_read) }
}

/// Every name that worlds are called by.
pub(crate) fn ids() -> Vec<&'static str> {
    PERFORMED.iter().chain(AHEAD).copied().chain([held::ID]).collect()
}

/// Tries everything once.
pub(crate) async fn round(lab: &Lab, world: &World, state: &mut State, moves: Moves, round: usize) {
    if round < 3 {
        identities::round(lab, world, state).await;
    }
    if moves.rbac {
        writes::round(world, state, round).await;
    }
}
