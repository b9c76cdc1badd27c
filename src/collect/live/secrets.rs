//! Names and types of Secrets, and what these and their labels say they are good for, when they are asked for. Their content is
//! never fetched.
//!
//! Listing needs the right to list Secrets, which is the right to read them; what is asked for is the table that `kubectl get`
//! prints, without objects. The metadata form would not do: `kubectl apply` copies the whole object, content included, into an
//! annotation. A table has no column for the namespace, so each namespace is asked by itself; and none for labels, so that the
//! server has to select by them.

use futures::StreamExt;
use rustc_hash::FxHashSet;
use serde::Deserialize;
use serde_json::Value;

use super::request::{Failure, Sender, TABLE, collection_path, encoded};
use crate::collect::document::Needs;
use crate::collect::secrets::{ARGO, CLUSTER_API, KUBECONFIG_ENDING, by_type};
use crate::collect::shape::list;
use crate::model::{ClusterId, Origin, Secret, SecretPurpose, Snapshot};

/// Namespaces asked at once.
const AT_ONCE: usize = 8;

/// Rows of a page.
const PAGE: u32 = 500;

/// The Secrets of some namespaces, and what went wrong in which of them.
pub(super) async fn read(sender: &Sender, namespaces: &[String], needs: Needs) -> (Snapshot, Vec<(String, Failure)>) {
    let one = |namespace: &String| {
        let (sender, namespace) = (sender.clone(), namespace.clone());
        async move {
            let secrets = secrets(&sender, &namespace, needs).await;
            (namespace, secrets)
        }
    };
    let mut answers = futures::stream::iter(namespaces.iter().map(one)).buffered(AT_ONCE);
    let (mut part, mut failures) = (Snapshot::default(), Vec::new());
    while let Some((namespace, rows)) = answers.next().await {
        match rows {
            Ok(rows) => {
                *part.counts.entry(("v1".to_owned(), "Secret".to_owned())).or_default() += rows.len() as u64;
                for (Row { name, kind }, purpose) in rows {
                    let names = &mut part.names;
                    let [namespace, name, kind] = [&namespace, &name, &kind].map(|text| names.intern(text));
                    let (cluster, origin) = (ClusterId::FIRST, Origin::LIVE);
                    let entries_seen = false;
                    part.secrets.push(Secret { cluster, namespace, name, kind, purpose, entries_seen, origin });
                }
            }
            Err(failure) => failures.push((namespace, failure)),
        }
    }
    (part, failures)
}

/// Whether Secrets of all namespaces may be listed.
pub(super) async fn may_list_everywhere(sender: &Sender) -> Result<(), Failure> {
    let path = collection_path("", "v1", "secrets", None);
    sender.get(&format!("{path}?includeObject=None&limit=1"), TABLE).await.map(drop)
}

/// The Secrets of a namespace, with what they are good for if that is needed.
async fn secrets(sender: &Sender, namespace: &str, needs: Needs) -> Result<Vec<(Row, SecretPurpose)>, Failure> {
    let all = rows(sender, namespace, "").await?;
    if !needs.escalations {
        return Ok(all.into_iter().map(|row| (row, SecretPurpose::Other)).collect());
    }
    let mut all: Vec<_> = all.into_iter().map(|row| (by_type(&row.kind), row)).map(|(at, row)| (row, at)).collect();
    let is_open = |(row, purpose): &&mut (Row, SecretPurpose), ending: &str| {
        *purpose == SecretPurpose::Other && row.name.ends_with(ending)
    };
    let argo = [ARGO.0, "=", ARGO.1].concat();
    let marks = [(CLUSTER_API, KUBECONFIG_ENDING, SecretPurpose::Kubeconfig), (&argo, "", SecretPurpose::ArgoCluster)];
    for (selector, ending, found) in marks {
        // Only where a Secret may have the label is the server asked to select by it.
        if !all.iter_mut().any(|at| is_open(&at, ending)) {
            continue;
        }
        let selector = format!("&labelSelector={}", encoded(selector));
        let marked: FxHashSet<String> =
            rows(sender, namespace, &selector).await?.into_iter().map(|row| row.name).collect();
        for (row, purpose) in all.iter_mut().filter(|at| is_open(at, ending)) {
            if marked.contains(&row.name) {
                *purpose = found;
            }
        }
    }
    Ok(all)
}

/// Name and type of a Secret.
struct Row {
    name: String,
    kind: String,
}

/// The Secrets of a namespace that a further part of the query leaves.
async fn rows(sender: &Sender, namespace: &str, query: &str) -> Result<Vec<Row>, Failure> {
    let path = collection_path("", "v1", "secrets", Some(namespace));
    let mut found = Vec::new();
    let mut token: Option<String> = None;
    let mut restarts = 0;
    loop {
        let next = token.as_ref().map_or_else(String::new, |token| format!("&continue={}", encoded(token)));
        match sender.get(&format!("{path}?includeObject=None&limit={PAGE}{query}{next}"), TABLE).await {
            Ok(text) => {
                token = table(&text, &mut found)?;
                if token.is_none() {
                    return Ok(found);
                }
            }
            Err(Failure::Refused { code: 410, .. }) if token.is_some() && restarts < 3 => {
                (token, restarts) = (None, restarts + 1);
                found.clear();
            }
            Err(failure) => return Err(failure),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Table {
    kind: String,
    #[serde(default)]
    metadata: TableMeta,
    #[serde(default, deserialize_with = "list")]
    column_definitions: Vec<Column>,
    #[serde(default, deserialize_with = "list")]
    rows: Vec<RowIn>,
}

#[derive(Default, Deserialize)]
struct TableMeta {
    #[serde(rename = "continue", default)]
    continued: Option<String>,
}

#[derive(Deserialize)]
struct Column {
    name: String,
}

#[derive(Deserialize)]
struct RowIn {
    #[serde(default, deserialize_with = "list")]
    cells: Vec<Value>,
}

/// Adds a table's rows; gives the token of the next page.
fn table(text: &str, found: &mut Vec<Row>) -> Result<Option<String>, Failure> {
    let unreadable =
        || Failure::Unreadable("the server answered with something that is no table of Secrets".to_owned());
    let table: Table = serde_json::from_str(text).map_err(|_| unreadable())?;
    let column = |name: &str| table.column_definitions.iter().position(|column| column.name.eq_ignore_ascii_case(name));
    let (Some(name), Some(kind), "Table") = (column("Name"), column("Type"), table.kind.as_str()) else {
        return Err(unreadable());
    };
    for row in &table.rows {
        let cell = |at: usize| row.cells.get(at).and_then(Value::as_str).map(str::to_owned);
        found.push(Row { name: cell(name).ok_or_else(unreadable)?, kind: cell(kind).ok_or_else(unreadable)? });
    }
    Ok(table.metadata.continued.filter(|token| !token.is_empty()))
}
