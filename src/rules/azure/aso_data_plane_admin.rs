//! `aso-data-plane-admin`: have ASO make you an administrator of a database.

use super::deed::{self, By, Deed};
use super::facts::Power;
use crate::rules::attack::{Attack, Fact};
use crate::rules::finding::StepDone;
use crate::rules::replay::State;
use crate::rules::technique::{Confidence, Technique};

/// The technique.
pub(super) const TECHNIQUE: Technique = Technique {
    id: "aso-data-plane-admin",
    title: "Have ASO make you an administrator of a database",
    gain: "the data of the databases in the scope",
    why: "Administrators and role assignments of databases and caches are resources of their own providers, and not of \
          Microsoft.Authorization: Contributor may write them. ASO has kinds for those of SQL, PostgreSQL, MySQL, Cosmos \
          DB, Data Explorer and Redis. A user of MongoDB in Cosmos DB is one as well: its roles and its password are what \
          the resource says.",
    remedy: "Do not install these kinds where they are not needed, and keep the databases out of the scope of ASO's \
             identities.",
    confidence: Confidence::Documented,
    attack: &["T1098.003"],
    references: &[
        "https://azure.github.io/azure-service-operator/guide/security/",
    ],
    react: Some(react),
    proof: Some(proof),
    kinds: Some(|_, kind| DEEDS.iter().any(|deed| deed.takes(kind))),
    ..Technique::MOVE
};

const DEEDS: &[Deed] = &[
    Deed { technique: &TECHNIQUE, by: By::Aso(&[("documentdb.azure.com", "sqlroleassignments")]), actions: &["Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments/write"] },
    Deed { technique: &TECHNIQUE, by: By::Aso(&[("documentdb.azure.com", "mongodbuserdefinitions")]), actions: &["Microsoft.DocumentDB/databaseAccounts/mongodbUserDefinitions/write"] },
    Deed { technique: &TECHNIQUE, by: By::Aso(&[("cache.azure.com", "redisenterprisedatabaseaccesspolicyassignments")]), actions: &["Microsoft.Cache/redisEnterprise/databases/accessPolicyAssignments/write"] },
    Deed { technique: &TECHNIQUE, by: By::Aso(&[("kusto.azure.com", "clusterprincipalassignments")]), actions: &["Microsoft.Kusto/clusters/principalAssignments/write"] },
    Deed { technique: &TECHNIQUE, by: By::Aso(&[("kusto.azure.com", "principalassignments")]), actions: &["Microsoft.Kusto/clusters/databases/principalAssignments/write"] },
    Deed { technique: &TECHNIQUE, by: By::Aso(&[("cache.azure.com", "redisaccesspolicyassignments")]), actions: &["Microsoft.Cache/redis/accessPolicyAssignments/write"] },
    Deed { technique: &TECHNIQUE, by: By::Aso(&[("sql.azure.com", "serversadministrators")]), actions: &["Microsoft.Sql/servers/administrators/write"] },
    Deed { technique: &TECHNIQUE, by: By::Aso(&[("dbformysql.azure.com", "flexibleserversadministrators")]), actions: &["Microsoft.DBforMySQL/flexibleServers/administrators/write"] },
    Deed { technique: &TECHNIQUE, by: By::Aso(&[("dbforpostgresql.azure.com", "flexibleserversadministrators")]), actions: &["Microsoft.DBforPostgreSQL/flexibleServers/administrators/write"] },
];

fn react(attack: &mut Attack<'_>, fact: Fact, id: u32) {
    for deed in DEEDS {
        deed::power(attack, deed, fact, id, Power::KeysAndData);
    }
}

fn proof(state: &State<'_>, step: &StepDone) -> Result<(), String> {
    let mut last = Err("no kind fits".to_owned());
    for deed in DEEDS {
        last = deed::power_proof(state, deed, step);
        if last.is_ok() {
            break;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use crate::rules::kubernetes::check;

    #[test]
    fn contributor_is_enough() {
        check(
            "aso
             credential global aso
             kinds serversadministrators.sql
             identity aso s3/ids
             assign aso Contributor s1
             role v: create serversadministrators.sql.azure.com
             bind dev/v=v user:alice",
            "alice -> keys and data on s1: aso-credential-fallback, aso-data-plane-admin
             alice -> limited (serversadministrators) on s1: aso-credential-fallback, aso-role",
        );
    }

    #[test]
    fn a_role_that_leaves_administrators_out_is_not() {
        check(
            "aso
             credential global aso
             kinds serversadministrators.sql
             identity aso s3/ids
             azrole r Sql/* -Sql/servers/administrators/write
             assign aso r s1
             role v: create serversadministrators.sql.azure.com
             bind dev/v=v user:alice",
            "",
        );
    }

    #[test]
    fn a_user_of_mongodb_is_one_and_a_role_of_it_is_none() {
        let world = |plural: &str, role: &str| {
            format!(
                "aso
                 credential global aso
                 kinds mongodbuserdefinitions.documentdb mongodbroledefinitions.documentdb
                 identity aso s3/ids
                 azrole mongo DocumentDB/databaseAccounts/mongodbUserDefinitions/*,DocumentDB/databaseAccounts/mongodbRoleDefinitions/*
                 azrole less DocumentDB/databaseAccounts/mongodbRoleDefinitions/*,DocumentDB/databaseAccounts/mongodbUserDefinitions/read
                 assign aso {role} s1
                 role v: create {plural}.documentdb.azure.com
                 bind dev/v=v user:alice"
            )
        };
        check(
            &world("mongodbuserdefinitions", "mongo"),
            "alice -> keys and data on s1: aso-credential-fallback, aso-data-plane-admin
             alice -> limited (mongodbuserdefinitions) on s1: aso-credential-fallback, aso-role",
        );
        check(&world("mongodbuserdefinitions", "less"), "");
        check(
            &world("mongodbroledefinitions", "mongo"),
            "alice -> limited (mongodbroledefinitions) on s1: aso-credential-fallback, aso-role",
        );
    }

    #[test]
    fn the_server_is_another_kind() {
        check(
            "aso
             credential global aso
             kinds servers.sql
             identity aso s3/ids
             assign aso Contributor s1
             role v: create servers.sql.azure.com
             bind dev/v=v user:alice",
            "alice -> limited (servers) on s1: aso-credential-fallback, aso-role",
        );
    }
}
