//! `aso-database-user`: have ASO make you a user of a database by the administrator's password that lies beside it.

use super::facts::{AzureFact, AzureGain, AzureStep, KindSetIx, Power, Types};
use super::{aso_credential_forge, aso_expression_forge};
use crate::model::{AsoSpec, KindIx, Name};
use crate::rules::attack::{Attack, Effect, Fact, Place};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "aso-database-user",
    title: "Have ASO make you a user of a database",
    requests: &aso_credential_forge::WRITES,
    gain: "the data of the database servers that the namespace keeps",
    why: "The kind User of SQL, PostgreSQL and MySQL is nothing in Azure: ASO logs in to the server with the administrator's password \
          out of a Secret of the namespace, which the resource names, and makes a user with the roles and the password that the \
          resource says. Whoever writes such a resource, and a Secret with a password of their own, needs neither a right in Azure nor \
          one to read the administrator's password. Servers that log in by Entra only are not told from others.",
    remedy: "Turn passwords off on the servers and let users log in by Entra, keep servers and their Secrets in a namespace in which \
             nobody else writes resources, and do not install the kinds User where they are not needed.",
    confidence: Confidence::Inferred,
    attack: &["T1136.003", "T1078.004"],
    references: &[
        "https://azure.github.io/azure-service-operator/reference/dbforpostgresql/",
        "https://azure.github.io/azure-service-operator/guide/security/",
    ],
    react: Some(react),
    proof: Some(proof),
    kinds: Some(is_that),
    ..Technique::MOVE
};

/// Whether it is the kind that a step writes.
fn is_that(step: &StepDone, kind: KindIx) -> bool {
    matches!(step.effect, Effect::Azure(own) if own.kind == Some(kind))
}

/// Resources are written of which some write the Secret themselves.
fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    let Some((set, writer, namespaces)) = aso_expression_forge::secret_writers(attack, fact) else { return };
    for namespace in namespaces {
        users(attack, &[id], set, namespace, Some(writer));
    }
}

/// Resources are written in a namespace in which Secrets can be written.
pub(super) fn with(attack: &mut Attack<'_>, needs: &[u32], set: KindSetIx, namespace: Name) {
    if attack.bridge.as_ref().is_some_and(|bridge| bridge.aso.reconcilers(namespace).next().is_some()) {
        users(attack, needs, set, namespace, None);
    }
}

/// Users of every server of a namespace.
fn users(attack: &mut Attack<'_>, needs: &[u32], set: KindSetIx, namespace: Name, writer: Option<KindIx>) {
    let Some(bridge) = attack.bridge.clone() else { return };
    let kinds = bridge.writers.kinds(set);
    for &(users, scope) in bridge.servers_in(namespace) {
        if kinds.binary_search(&users).is_err() {
            continue;
        }
        let types = Some(Types { first: users, more: 0 });
        let gain = AzureGain::Power(scope, Power::KeysAndData, types);
        let step = AzureStep { kind: Some(users), writer, namespace: Some(namespace), ..AzureStep::new(gain) };
        let fact = Fact::Azure(AzureFact::Power(scope, Power::KeysAndData, types));
        attack.does(&TECHNIQUE, needs.to_vec(), Effect::Azure(step), fact);
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let Effect::Azure(AzureStep { gain, kind: Some(users), namespace: Some(namespace), .. }) = step.effect else {
        return Err("nothing is made in a database".to_owned());
    };
    let AzureGain::Power(scope, Power::KeysAndData, _) = gain else { return Err("no data are gained".to_owned()) };
    let created = step.asks(&["create"], users.facts().group, "users");
    if created.is_none_or(|right| right.place != Place::Namespace(namespace)) {
        return Err("no user is made".to_owned());
    }
    aso_expression_forge::credential_written(state, step, namespace)?;
    let servers = state.graph.snapshot().aso_resources.iter().filter(|own| own.namespace == namespace);
    let mut servers = servers.filter(|own| {
        matches!(own.spec, AsoSpec::Server(_)) && state.graph.text(own.group) == users.facts().group
    });
    state.with_bridge(|bridge| {
        bridge.aso.reconcilers(namespace).next().ok_or("nobody reconciles the namespace")?;
        let at = |id: Name| bridge.azure.graph.find_scope(state.graph.text(id));
        let is_there = servers.any(|own| own.status_id.and_then(at) == Some(scope));
        if is_there { Ok(()) } else { Err("there is no such server in the namespace".to_owned()) }
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::check;

    const ID: &str = "/subscriptions/11111111-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.DBforPostgreSQL/flexibleServers/orders";

    /// A server in `dev`, by its password, and somebody who makes users.
    fn world(server: &str, more: &str) -> String {
        format!(
            "aso
             kinds users.dbforpostgresql users.sql flexibleservers.dbforpostgresql storageaccounts.storage
             resource dev/orders flexibleservers.dbforpostgresql {server}
             role u: create users.dbforpostgresql.azure.com
             role o: create users.sql.azure.com; get,update users.dbforpostgresql.azure.com
             role w: create secrets
             role s: create storageaccounts.storage.azure.com
             {more}"
        )
    }

    fn with_password() -> String {
        format!("spec: {{administratorLoginPassword: {{name: admin, key: password}}}}, status: {{id: {ID}}}")
    }

    const FOUND: &str = "alice -> keys and data (users) on s1/rg/providers/Microsoft.DBforPostgreSQL/flexibleServers/orders: aso-database-user";

    #[test]
    fn a_user_is_made_with_the_password_of_the_administrator() {
        check(&world(&with_password(), "bind dev/u=u user:alice\nbind dev/w=w user:alice"), FOUND);
    }

    #[test]
    fn a_resource_writes_the_secret_itself_where_one_gets_ready() {
        let both = "bind dev/u=u user:alice\nbind dev/s=s user:alice";
        let credential = "credential dev/aso-credential app\nidentity app s3/ids\nassign app Reader s3";
        check(&world(&with_password(), &format!("{both}\n{credential}")), FOUND);
        check(&world(&with_password(), both), "");
    }

    #[test]
    fn the_password_has_to_lie_in_the_namespace() {
        check(&world(&with_password(), "bind qa/u=u user:alice\nbind qa/w=w user:alice"), "");
        let by_entra = format!("spec: {{authConfig: {{passwordAuth: Disabled}}}}, status: {{id: {ID}}}");
        check(&world(&by_entra, "bind dev/u=u user:alice\nbind dev/w=w user:alice"), "");
    }

    #[test]
    fn users_of_another_database_and_half_of_the_rights_are_nothing() {
        check(&world(&with_password(), "bind dev/o=o user:alice\nbind dev/w=w user:alice"), "");
        check(&world(&with_password(), "bind dev/u=u user:alice\nbind qa/w=w user:alice"), "");
        check(&world(&with_password(), "bind dev/w=w user:alice\nbind dev/s=s user:alice"), "");
    }
}
