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
          DB, Data Explorer and Redis.",
    remedy: "Do not install these kinds where they are not needed, and keep the databases out of the scope of ASO's \
             identities.",
    confidence: Confidence::Documented,
    attack: &["T1098.003"],
    references: &[
        "https://azure.github.io/azure-service-operator/guide/security/",
    ],
    react: Some(react),
    proof: Some(proof),
    ..Technique::MOVE
};

const DEEDS: &[Deed] = &[
    Deed { technique: &TECHNIQUE, by: By::Aso(&[("documentdb.azure.com", "sqlroleassignments")]), actions: &["Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments/write"] },
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
