//! One list, page by page, straight into the object reader.

use std::borrow::Cow;
use std::time::Duration;

use futures::channel::mpsc::UnboundedSender;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::aso::{EVENTS, EVENTS_SELECTOR};
use super::collections::{Collection, Form};
use super::request::{Failure, JSON, METADATA_LIST, Sender, collection_path, encoded};
use crate::collect::document::{ItemKind, Lines, Needs, Reader};
use crate::model::Origin;

/// How far a list is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// A plural resource, a file, or what else is read.
    pub what: Cow<'static, str>,
    /// How many objects are there so far.
    pub objects: u64,
    /// How many bytes.
    pub bytes: u64,
    /// How many bytes there will be, if that is known.
    pub expected_bytes: Option<u64>,
    /// Whether the list is done.
    pub done: bool,
}

impl Progress {
    /// Nothing has come of it yet.
    pub fn begin(what: impl Into<Cow<'static, str>>) -> Progress {
        Progress { what: what.into(), objects: 0, bytes: 0, expected_bytes: None, done: false }
    }
}

/// How lists are asked for.
#[derive(Clone)]
pub(super) struct Paging {
    pub(super) sender: Sender,
    pub(super) needs: Needs,
    /// Objects of a page; 0 is everything at once, as fresh as the server's cache.
    pub(super) chunk_size: u32,
    pub(super) progress: UnboundedSender<Progress>,
}

/// Objects of a page where each may be large.
const FEW: u32 = 20;

/// How often a list whose token expired is begun anew.
const RESTARTS: u32 = 3;

impl Paging {
    /// Reads a whole list.
    pub(super) async fn read(&self, list: Collection, namespace: Option<&str>) -> Result<Reader, Failure> {
        self.say(list, 0, 0, false);
        let mut wait = Duration::from_millis(100);
        for _ in 0..=RESTARTS {
            if let Some(reader) = self.pass(list, namespace).await? {
                return Ok(reader);
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
        let message = "the list changed faster than its pages could be read; try a larger --chunk-size, or 0";
        Err(Failure::Unreadable(message.to_owned()))
    }

    /// One pass over a list; nothing when the server no longer knew the list's state before its end.
    async fn pass(&self, list: Collection, namespace: Option<&str>) -> Result<Option<Reader>, Failure> {
        let mut reader = Reader::new(self.needs, "");
        let mut objects = 0;
        let mut inconsistent = false;
        let mut text = self.page(list, namespace, None).await?;
        let mut bytes = 0;
        loop {
            bytes += text.len() as u64;
            let page = Page::read(&text)?;
            // The next page is on its way while this one is read.
            let next = page.metadata.continued.map(|token| {
                let (paging, namespace) = (self.clone(), namespace.map(str::to_owned));
                tokio::spawn(async move { paging.page(list, namespace.as_deref(), Some(&token)).await })
            });
            objects += page.items.len() as u64;
            let version = [list.group, if list.group.is_empty() { "" } else { "/" }, &list.version.text()].concat();
            let item = ItemKind { api_version: &version, kind: list.kind };
            for raw in &page.items {
                reader.json(raw.get(), Origin::LIVE, item, Lines::OfObject);
            }
            let Some(next) = next else {
                tracing::info!("{}: {objects} objects, {bytes} bytes", list.resource);
                self.say(list, objects, bytes, true);
                return Ok(Some(reader));
            };
            self.say(list, objects, bytes, false);
            let mut answer = joined(next.await);
            if let Err(Failure::Refused { code: 410, continued, .. }) = &answer {
                // The server no longer keeps the list's state (etcd compacts every five minutes). Its own token goes on
                // with the state of now, which it does once; without one the list begins anew.
                let (Some(token), false) = (continued, inconsistent) else { return Ok(None) };
                inconsistent = true;
                reader.warn(
                    Origin::LIVE,
                    format!(
                        "the list of {} took so long that its end is of a later state than its beginning; what changed \
                         in between may be missing",
                        list.resource
                    ),
                );
                answer = self.page(list, namespace, Some(token)).await;
                if let Err(Failure::Refused { code: 410, .. }) = &answer {
                    return Ok(None);
                }
            }
            text = answer?;
        }
    }

    async fn page(&self, list: Collection, namespace: Option<&str>, token: Option<&str>) -> Result<String, Failure> {
        let path = collection_path(list.group, &list.version.text(), list.resource, namespace);
        // One definition may be a megabyte.
        let most = if list.kind == "CustomResourceDefinition" { FEW } else { u32::MAX };
        let limit = self.chunk_size.min(most);
        let query = match (limit, token) {
            (_, Some(token)) => format!("limit={limit}&continue={}", encoded(token)),
            // The watch cache ignores a limit and spares etcd; its answer may be moments old.
            (0, None) => "resourceVersion=0".to_owned(),
            (limit, None) => format!("limit={limit}"),
        };
        let query = if list == EVENTS { [&query, "&", EVENTS_SELECTOR].concat() } else { query };
        let accept = match list.form {
            Form::Whole => JSON,
            Form::Metadata => METADATA_LIST,
        };
        self.sender.get(&format!("{path}?{query}"), accept).await
    }

    fn say(&self, list: Collection, objects: u64, bytes: u64, done: bool) {
        // Nobody listens any more when the run was given up.
        drop(self.progress.unbounded_send(Progress { objects, bytes, done, ..Progress::begin(list.resource) }));
    }
}

/// The answer of a task, which only fails with its whole program.
fn joined<T>(answer: Result<Result<T, Failure>, tokio::task::JoinError>) -> Result<T, Failure> {
    answer.unwrap_or_else(|error| Err(Failure::Unreadable(error.to_string())))
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(default)]
    metadata: PageMeta,
    #[serde(borrow, default, deserialize_with = "crate::collect::shape::list")]
    items: Vec<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct PageMeta {
    #[serde(rename = "continue", default, deserialize_with = "filled")]
    continued: Option<String>,
}

fn filled<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty()))
}

impl Page<'_> {
    fn read(text: &str) -> Result<Page<'_>, Failure> {
        serde_json::from_str(text).map_err(|error| {
            Failure::Unreadable(format!("the server answered with something that is no list ({error})"))
        })
    }
}
