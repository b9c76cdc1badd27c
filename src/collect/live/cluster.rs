//! What is read of a cluster, and what becomes of what may not be read.
//!
//! Lists run side by side. One that is refused or fails becomes a [`Gap`] and the rest goes on; what lives in namespaces is then
//! read in the one namespace that the user is at. Only when nothing at all can be read is that an error.

use futures::StreamExt;
use futures::channel::mpsc;
use serde::Deserialize;

use super::aso::{self, Version};
use super::collections::{self, Collection, Form, Scope, When};
use super::discovery::{self, Discovery};
use super::pages::{Paging, Progress};
use super::request::{Failure, JSON, METADATA, Sender, encoded};
use super::{LiveOptions, secrets};
use crate::collect::document::{ItemKind, Lines, Needs, Reader};
use crate::model::{Cluster, Gap, GapReason, Origin, Snapshot, Warning};

/// Secrets are no list like the others: see `secrets.rs`.
const SECRETS: Collection = Collection {
    group: "",
    version: Version::Of("v1"),
    resource: "secrets",
    kind: "Secret",
    scope: Scope::Namespaced,
    form: Form::Metadata,
    when: When::Always,
};

/// What one list came to.
struct Outcome {
    list: Collection,
    read: Option<Reader>,
    gap: Option<Gap>,
    failure: Option<Failure>,
}

/// Reads a cluster. Fails only when nothing can be read.
pub(super) async fn collect(
    sender: &Sender,
    options: &LiveOptions,
    progress: &(dyn Fn(&Progress) + Sync),
) -> Result<Snapshot, Failure> {
    let (say, mut heard) = mpsc::unbounded();
    let paging = Paging { sender: sender.clone(), needs: options.needs, chunk_size: options.chunk_size, progress: say };
    let home = &options.namespace;
    // INVARIANT: this alone holds what progress is said through, so that listening ends when no more lists are begun.
    let spawn = move |list: Collection, needs: Needs| {
        let (paging, home) = (Paging { needs, ..paging.clone() }, home.clone());
        (list, tokio::spawn(async move { read_or_gap(&paging, list, &home).await }))
    };
    let first: Vec<_> = collections::at_once(options.needs).map(|list| spawn(list, options.needs)).collect();
    let about = {
        let sender = sender.clone();
        tokio::spawn(async move { futures::join!(version(&sender), discovery::discover(&sender)) })
    };
    let finish = async move {
        let (version, discovery) = match about.await {
            Ok((version, discovery)) => (version, discovery),
            Err(error) => (Err(Failure::Unreadable(error.to_string())), Err(Failure::Unreadable(error.to_string()))),
        };
        let mut outcomes = finished(first).await;
        // Without any answer there is nothing more to ask.
        let answers =
            !matches!(&discovery, Err(Failure::Unreachable(_) | Failure::Unauthorized(_) | Failure::TimedOut(_)));
        if answers {
            let served = discovery.as_ref().ok().map(|found| &found.resources[..]);
            // How resources are called is the discovery's to say, if it can.
            let needs = Needs { definitions: options.needs.definitions && served.is_none(), ..options.needs };
            let more = collections::after_discovery(options.needs, served);
            outcomes.extend(finished(more.into_iter().map(|list| spawn(list, needs)).collect()).await);
        }
        (outcomes, version, discovery)
    };
    let listen = async {
        while let Some(at) = heard.next().await {
            progress(&at);
        }
    };
    let ((outcomes, version, discovery), ()) = futures::join!(finish, listen);
    if let Some(failure) = everything_failed(&outcomes, &version) {
        return Err(failure);
    }
    let mut first = Snapshot::default();
    first.clusters.push(Cluster {
        name: options.cluster.clone(),
        server: options.server.clone(),
        server_version: version.ok(),
        stored: true,
    });
    first.gaps.extend(unserved(options.needs, &discovery));
    take_discovery(&mut first, discovery);
    let mut parts = Vec::new();
    for Outcome { list, read, gap: missing, .. } in outcomes {
        first.gaps.extend(missing);
        if let Some(reader) = read {
            let (part, problems) = reader.finish();
            first.gaps.extend(problems.into_iter().map(|problem| Gap {
                message: format!("an object of the cluster cannot be read: {}", problem.message),
                ..gap(list, GapReason::Unreadable)
            }));
            parts.push(part);
        }
    }
    if options.secrets == Secrets::NamesAndTypes {
        parts.push(read_secrets(sender, options, &parts, &mut first.gaps).await);
    }
    let more = aso::read(sender, options, &parts, &first.resources, &mut first.gaps).await;
    parts.extend(more);
    parts.insert(0, first);
    Ok(Snapshot::unite(parts))
}

/// Lists that nobody can ask for, since the server does not say whether it has them or has them in an unknown version.
fn unserved(needs: Needs, discovery: &Result<Discovery, Failure>) -> Vec<Gap> {
    let of = |list: Collection, reason: GapReason, message: String| Gap { message, ..gap(list, reason) };
    match discovery {
        Ok(found) => collections::unknown_versions(needs, &found.resources)
            .into_iter()
            .map(|(list, at)| {
                let message = format!("{}/{} is no version that this program reads", at.group, at.version);
                of(list, GapReason::NotServed, message)
            })
            .chain(aso::newer(needs, &found.resources))
            .collect(),
        Err(failure) => collections::only_if_served(needs)
            .map(|list| of(list, reason(failure), format!("whether it is served is unknown: {}", failure.message())))
            .collect(),
    }
}

/// What lists came to that were begun, once they are done.
async fn finished(lists: Vec<(Collection, tokio::task::JoinHandle<Outcome>)>) -> Vec<Outcome> {
    let mut outcomes = Vec::with_capacity(lists.len());
    for (list, task) in lists {
        let lost = |error: tokio::task::JoinError| Outcome::failed(list, Failure::Unreadable(error.to_string()));
        outcomes.push(task.await.unwrap_or_else(lost));
    }
    outcomes
}

/// Whether Secrets are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Secrets {
    /// Not at all.
    #[default]
    Leave,
    /// Their names and types, which needs the right to list them. Their content is never fetched.
    NamesAndTypes,
}

pub(super) fn gap(list: Collection, reason: GapReason) -> Gap {
    Gap {
        api_group: list.group.to_owned(),
        resource: list.resource.to_owned(),
        namespace: None,
        except: Vec::new(),
        reason,
        message: String::new(),
    }
}

pub(super) fn reason(failure: &Failure) -> GapReason {
    match failure {
        Failure::Refused { code: 403, .. } => GapReason::Forbidden,
        Failure::Refused { code: 404 | 405, .. } => GapReason::NotServed,
        _ => GapReason::Failed,
    }
}

/// A list of all namespaces; where that is forbidden, of the one that the user is at, with a gap for the others.
async fn read_or_gap(paging: &Paging, list: Collection, home: &str) -> Outcome {
    let failure = match paging.read(list, None).await {
        Ok(reader) => return Outcome { list, read: Some(reader), gap: None, failure: None },
        Err(failure) => failure,
    };
    if list.kind == "ResourceSlice" && reason(&failure) == GapReason::NotServed {
        // Before 1.34 there are none unless somebody turns them on, and nothing is missing.
        return Outcome { list, read: None, gap: None, failure: None };
    }
    let mut outcome = Outcome::failed(list, failure);
    if let Some(gap) = outcome.gap.as_mut().filter(|gap| gap.reason == GapReason::Forbidden && !home.is_empty()) {
        outcome.read = match (list.scope, list.kind) {
            (Scope::Namespaced, _) => paging.read(list, Some(home)).await.ok(),
            // A namespace itself may be read by those who live in it.
            (Scope::Cluster, "Namespace") => one_namespace(paging, home).await,
            (Scope::Cluster, _) => None,
        };
        if outcome.read.is_some() {
            gap.except.push(home.to_owned());
        }
    }
    outcome
}

impl Outcome {
    fn failed(list: Collection, failure: Failure) -> Outcome {
        let gap = Gap { message: failure.message().to_owned(), ..gap(list, reason(&failure)) };
        Outcome { list, read: None, gap: Some(gap), failure: Some(failure) }
    }
}

async fn one_namespace(paging: &Paging, name: &str) -> Option<Reader> {
    let text = paging.sender.get(&format!("/api/v1/namespaces/{}", encoded(name)), METADATA).await.ok()?;
    let mut reader = Reader::new(Needs::default(), "");
    reader.json(&text, Origin::LIVE, ItemKind { api_version: "v1", kind: "Namespace" }, Lines::OfObject);
    Some(reader)
}

/// The failure that ends the run: when no list was read, and it is not just that each was refused to a user whom the cluster
/// knows and answers otherwise.
fn everything_failed(outcomes: &[Outcome], version: &Result<String, Failure>) -> Option<Failure> {
    if outcomes.iter().any(|outcome| outcome.read.is_some()) {
        return None;
    }
    let rank = |failure: &&Failure| match failure {
        Failure::Unauthorized(_) => 0,
        Failure::Unreachable(_) => 1,
        Failure::TimedOut(_) => 2,
        Failure::Unreadable(_) => 3,
        Failure::Refused { .. } => 4,
    };
    let worst = outcomes.iter().filter_map(|outcome| outcome.failure.as_ref()).min_by_key(rank)?;
    match worst {
        // Credentials that the server does not know make nobody of somebody, without a 401 where nobody may ask.
        Failure::Refused { message, .. } if message.contains(r#"User "system:anonymous""#) => {
            Some(Failure::Unauthorized("it takes you for system:anonymous".to_owned()))
        }
        Failure::Refused { .. } if version.is_ok() => None,
        other => Some(other.clone()),
    }
}

async fn version(sender: &Sender) -> Result<String, Failure> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Version {
        git_version: String,
    }
    let text = sender.get("/version", JSON).await?;
    let read: Result<Version, _> = serde_json::from_str(&text);
    read.map(|version| version.git_version)
        .map_err(|_| Failure::Unreadable("the server answered with something that is no version".to_owned()))
}

fn take_discovery(first: &mut Snapshot, discovery: Result<Discovery, Failure>) {
    let mut warn = |message: String| first.warnings.push(Warning { origin: Origin::LIVE, message });
    match discovery {
        Ok(Discovery { resources, stale }) => {
            for version in stale {
                warn(format!("the API {version} does not answer at the moment; its resources may be missing"));
            }
            first.resources = resources;
            first.discovered = true;
        }
        Err(failure) => warn(format!(
            "what the server serves cannot be read ({}); resource names are those of a plain Kubernetes",
            failure.message()
        )),
    }
}

async fn read_secrets(sender: &Sender, options: &LiveOptions, parts: &[Snapshot], gaps: &mut Vec<Gap>) -> Snapshot {
    let mut namespaces: Vec<String> = parts
        .iter()
        .flat_map(|part| part.namespaces.iter().map(|namespace| part.text(namespace.name).to_owned()))
        .collect();
    namespaces.sort();
    let everywhere = secrets::may_list_everywhere(sender).await;
    if let Err(failure) = &everywhere {
        namespaces = vec![options.namespace.clone()];
        namespaces.retain(|namespace| !namespace.is_empty());
        let message = failure.message().to_owned();
        gaps.push(Gap { message, ..gap(SECRETS, reason(failure)) });
    }
    let (part, failures) = secrets::read(sender, &namespaces, options.needs).await;
    match (everywhere, gaps.last_mut()) {
        (Err(_), Some(gap)) if failures.is_empty() => gap.except = namespaces,
        (Err(_), _) => {}
        (Ok(()), _) => gaps.extend(failures.into_iter().map(|(namespace, failure)| Gap {
            namespace: Some(namespace),
            message: failure.message().to_owned(),
            ..gap(SECRETS, reason(&failure))
        })),
    }
    part
}
