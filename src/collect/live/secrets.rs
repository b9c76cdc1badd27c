//! Names and types of Secrets, when they are asked for. Their content is never fetched.
//!
//! Listing needs the right to list Secrets, which is the right to read them; what is asked for is the table that `kubectl get`
//! prints, without objects. The metadata form would not do: `kubectl apply` copies the whole object, content included, into an
//! annotation. A table has no column for the namespace, so each namespace is asked by itself.

use futures::StreamExt;
use serde::Deserialize;
use serde_json::Value;

use super::request::{Failure, Sender, TABLE, collection_path, encoded};
use crate::collect::shape::list;
use crate::model::{ClusterId, Origin, Secret, Snapshot};

/// Namespaces asked at once.
const AT_ONCE: usize = 8;

/// Rows of a page.
const PAGE: u32 = 500;

/// The Secrets of some namespaces, and what went wrong in which of them.
pub(super) async fn read(sender: &Sender, namespaces: &[String]) -> (Snapshot, Vec<(String, Failure)>) {
    let one = |namespace: &String| {
        let (sender, namespace) = (sender.clone(), namespace.clone());
        async move {
            let rows = rows(&sender, &namespace).await;
            (namespace, rows)
        }
    };
    let mut answers = futures::stream::iter(namespaces.iter().map(one)).buffered(AT_ONCE);
    let (mut part, mut failures) = (Snapshot::default(), Vec::new());
    while let Some((namespace, rows)) = answers.next().await {
        match rows {
            Ok(rows) => {
                *part.counts.entry(("v1".to_owned(), "Secret".to_owned())).or_default() += rows.len() as u64;
                for (name, kind) in rows {
                    let names = &mut part.names;
                    let [namespace, name, kind] = [&namespace, &name, &kind].map(|text| names.intern(text));
                    let (cluster, origin) = (ClusterId::FIRST, Origin::LIVE);
                    part.secrets.push(Secret { cluster, namespace, name, kind, origin });
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

/// Name and type of each Secret of a namespace.
async fn rows(sender: &Sender, namespace: &str) -> Result<Vec<(String, String)>, Failure> {
    let path = collection_path("", "v1", "secrets", Some(namespace));
    let mut found = Vec::new();
    let mut token: Option<String> = None;
    let mut restarts = 0;
    loop {
        let next = token.as_ref().map_or_else(String::new, |token| format!("&continue={}", encoded(token)));
        match sender.get(&format!("{path}?includeObject=None&limit={PAGE}{next}"), TABLE).await {
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
    rows: Vec<Row>,
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
struct Row {
    #[serde(default, deserialize_with = "list")]
    cells: Vec<Value>,
}

/// Adds a table's rows; gives the token of the next page.
fn table(text: &str, found: &mut Vec<(String, String)>) -> Result<Option<String>, Failure> {
    let unreadable =
        || Failure::Unreadable("the server answered with something that is no table of Secrets".to_owned());
    let table: Table = serde_json::from_str(text).map_err(|_| unreadable())?;
    let column = |name: &str| table.column_definitions.iter().position(|column| column.name.eq_ignore_ascii_case(name));
    let (Some(name), Some(kind), "Table") = (column("Name"), column("Type"), table.kind.as_str()) else {
        return Err(unreadable());
    };
    for row in &table.rows {
        let cell = |at: usize| row.cells.get(at).and_then(Value::as_str).map(str::to_owned);
        found.push((cell(name).ok_or_else(unreadable)?, cell(kind).ok_or_else(unreadable)?));
    }
    Ok(table.metadata.continued.filter(|token| !token.is_empty()))
}
