//! The only function that sends a request to a cluster, and what it lets through: lists and a few documents by GET, and reviews
//! by POST. A test reads the sources for any other sender.
//!
//! What came back is sorted into [`Failure`]s here; what a failure means for the answer is decided by the callers.

use std::error::Error as _;
use std::time::{Duration, Instant};

use http::{Method, Request, StatusCode, header};
use kube::Client;
use kube::client::Body;
use serde::Deserialize;

use super::aso::EVENTS_SELECTOR;
use super::collections::COLLECTIONS;
use super::one_line;
use crate::model::{KindIx, is_aso_version};

/// The paths of reviews: questions that are asked by creating an object which is not stored.
pub(super) const ACCESS_REVIEW: &str = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
pub(super) const SELF_REVIEW: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

/// Whole objects.
pub(super) const JSON: &str = "application/json";
/// Only metadata, or whole objects from a server that cannot leave out the rest.
pub(super) const METADATA_LIST: &str =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
/// The same for one object.
pub(super) const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
/// The columns that `kubectl get` prints, and nothing else if that cannot be had.
pub(super) const TABLE: &str = "application/json;as=Table;g=meta.k8s.io;v=v1";

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// No connection: refused, unknown name, TLS, proxy, credentials that could not be had.
    Unreachable(String),
    /// The server did not take the credentials.
    Unauthorized(String),
    /// No answer in time.
    TimedOut(String),
    /// The server refused; `continued` is the token that it offers instead of an expired one.
    Refused { code: u16, message: String, continued: Option<String> },
    /// An answer that cannot be read.
    Unreadable(String),
}

impl Failure {
    pub(super) fn message(&self) -> &str {
        match self {
            Failure::Unreachable(message)
            | Failure::Unauthorized(message)
            | Failure::TimedOut(message)
            | Failure::Refused { message, .. }
            | Failure::Unreadable(message) => message,
        }
    }
}

/// Sends requests as one user to one server.
#[derive(Clone)]
pub(super) struct Sender {
    client: Client,
    limit: Option<Duration>,
}

/// How often a request is sent when the server asks to wait (429, 503, 504).
const TRIES: u32 = 6;
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

impl Sender {
    pub(super) fn new(client: Client, limit: Option<Duration>) -> Sender {
        Sender { client, limit }
    }

    /// Gets a document as text.
    pub(super) async fn get(&self, path: &str, accept: &str) -> Result<String, Failure> {
        let request = Request::get(path).header(header::ACCEPT, accept);
        self.send(request.body(Vec::new()).map_err(|error| Failure::Unreadable(error.to_string()))?).await
    }

    /// Gets one Secret of ASO by its name. Whoever calls keeps nothing of it but what is no secret.
    pub(super) async fn aso_secret(&self, namespace: &str, name: &str) -> Result<String, Failure> {
        let path = [&collection_path("", "v1", "secrets", Some(namespace)), "/", &encoded(name)].concat();
        let request = Request::get(path).header(header::ACCEPT, JSON).extension(AsoSecret);
        self.send(request.body(Vec::new()).map_err(|error| Failure::Unreadable(error.to_string()))?).await
    }

    /// Asks a review, and gives the review with its answer.
    pub(super) async fn review(&self, path: &str, review: &serde_json::Value) -> Result<String, Failure> {
        let request = Request::post(path).header(header::ACCEPT, JSON).header(header::CONTENT_TYPE, JSON);
        let body = review.to_string().into_bytes();
        self.send(request.body(body).map_err(|error| Failure::Unreadable(error.to_string()))?).await
    }

    async fn send(&self, request: Request<Vec<u8>>) -> Result<String, Failure> {
        if !is_allowed(&request) {
            let (method, path) = (request.method(), request.uri());
            return Err(Failure::Unreadable(format!(
                "{method} {path} is not among the requests that this program sends"
            )));
        }
        let Some(limit) = self.limit else { return self.send_patiently(request).await };
        match tokio::time::timeout(limit, self.send_patiently(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(Failure::TimedOut(format!("no answer within {} (--request-timeout)", in_words(limit)))),
        }
    }

    /// Sends until the server no longer asks to come back later.
    async fn send_patiently(&self, request: Request<Vec<u8>>) -> Result<String, Failure> {
        let mut wait = FIRST_WAIT;
        for left in (0..TRIES).rev() {
            let begun = Instant::now();
            let response = self.client.send(copy(&request)).await;
            let status = response.as_ref().map_or("no answer".to_owned(), |response| response.status().to_string());
            let milliseconds = begun.elapsed().as_millis();
            tracing::trace!("{} {} {status} in {milliseconds} ms", request.method(), told(request.uri()));
            let response = response.map_err(|error| failure(&error))?;
            let status = response.status();
            let later = matches!(
                status,
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
            );
            if later && left > 0 {
                let asked = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
                let asked = asked.and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
                tokio::time::sleep(asked.unwrap_or(wait).min(LONGEST_WAIT)).await;
                wait = (2 * wait).min(LONGEST_WAIT);
                continue;
            }
            let bytes = response.into_body().collect_bytes().await.map_err(|error| failure(&error))?;
            let text = String::from_utf8(bytes.into())
                .map_err(|_| Failure::Unreadable("the server answered with something that is no text".to_owned()))?;
            return if status.is_success() { Ok(text) } else { Err(refusal(status, &text)) };
        }
        Err(Failure::TimedOut("the server kept asking to come back later".to_owned()))
    }
}

/// A path as it may be shown: what goes on a list is the server's business, and long.
fn told(uri: &http::Uri) -> String {
    let Some(query) = uri.query() else { return uri.path().to_owned() };
    let part = |part: &str| match part.split_once('=') {
        Some(("continue", _)) => "continue=...".to_owned(),
        _ => part.to_owned(),
    };
    format!("{}?{}", uri.path(), query.split('&').map(part).collect::<Vec<_>>().join("&"))
}

/// The path of a collection, in a namespace or over all of them.
pub(super) fn collection_path(group: &str, version: &str, resource: &str, namespace: Option<&str>) -> String {
    let root = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
    match namespace {
        Some(namespace) => format!("{root}/namespaces/{}/{resource}", encoded(namespace)),
        None => format!("{root}/{resource}"),
    }
}

/// Text as one segment of a path or one value of a query.
pub(super) fn encoded(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            safe.push(char::from(byte));
        } else {
            safe.push_str(&format!("%{byte:02X}"));
        }
    }
    // These two would be taken for a step in the path.
    if safe == "." || safe == ".." { safe.replace('.', "%2E") } else { safe }
}

/// Marks the one kind of request that gets a Secret. Nothing outside of this file can set it.
#[derive(Clone, Copy)]
struct AsoSecret;

/// Whether a request is one of ours. Everything else is refused here, whoever asks.
pub(super) fn is_allowed(request: &Request<Vec<u8>>) -> bool {
    let path = request.uri().path();
    if *request.method() == Method::POST {
        return path == ACCESS_REVIEW || path == SELF_REVIEW;
    }
    if *request.method() != Method::GET {
        return false;
    }
    if matches!(path, "/version" | "/api" | "/apis") {
        return true;
    }
    if request.extensions().get::<AsoSecret>().is_some() {
        let name = path.strip_prefix("/api/v1/namespaces/").and_then(|rest| rest.split_once("/secrets/"));
        return name
            .is_some_and(|(namespace, name)| !namespace.contains('/') && !name.is_empty() && !name.contains('/'));
    }
    let in_namespace = |rest: &str| rest.split_once('/').map(|(_, resource)| resource.to_owned());
    let listed = COLLECTIONS.iter().any(|list| {
        let root = collection_path(list.group, &list.version.text(), "", None);
        let Some(rest) = path.strip_prefix(&root) else { return false };
        let inside = || rest.strip_prefix("namespaces/").and_then(in_namespace);
        rest == list.resource || inside().as_deref() == Some(list.resource)
    });
    let listed = listed || is_aso_list(path);
    // Of Events only those that the operator made about its credentials.
    let events = matches!(path.strip_prefix("/api/v1/"), Some("events"))
        || path.strip_prefix("/api/v1/namespaces/").and_then(in_namespace).as_deref() == Some("events");
    let about_credentials = request.uri().query().is_some_and(|query| query.split('&').any(|at| at == EVENTS_SELECTOR));
    let one_namespace = path.strip_prefix("/api/v1/namespaces/").is_some_and(|name| !name.contains('/'));
    let secrets = path == "/api/v1/secrets"
        || path.strip_prefix("/api/v1/namespaces/").and_then(in_namespace).as_deref() == Some("secrets");
    // Even the metadata of a Secret may hold its content: `kubectl apply` copies the object into an annotation. A table
    // without objects has names, types and counts alone.
    let only_columns = request.headers().get(header::ACCEPT).is_some_and(|accept| accept == TABLE)
        && request.uri().query().is_some_and(|query| query.split('&').any(|part| part == "includeObject=None"));
    listed || one_namespace || (events && about_credentials) || (secrets && only_columns)
}

/// Whether a path is a list of ASO's resources, in any version.
fn is_aso_list(path: &str) -> bool {
    let Some((group, rest)) = path.strip_prefix("/apis/").and_then(|rest| rest.split_once('/')) else { return false };
    let Some((version, rest)) = rest.split_once('/') else { return false };
    let inside =
        || rest.strip_prefix("namespaces/").and_then(|rest| rest.split_once('/')).map(|(_, resource)| resource);
    let resource = inside().unwrap_or(rest);
    (version == "v1" || is_aso_version(version)) && KindIx::of_resource(group, resource).is_some()
}

fn copy(request: &Request<Vec<u8>>) -> Request<Body> {
    let mut copy = Request::new(Body::from(request.body().clone()));
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    copy
}

/// A `Status` of the API server, as far as it is looked at.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    message: Option<String>,
    metadata: Option<StatusMeta>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StatusMeta {
    #[serde(rename = "continue")]
    continued: Option<String>,
}

fn refusal(status: StatusCode, body: &str) -> Failure {
    let read: Status = serde_json::from_str(body).unwrap_or_default();
    // A proxy before the server may say it in plain words, or in a page that is of no use here.
    let plain = || (!body.trim_start().starts_with(['<', '{', '[', '"'])).then_some(body);
    let words = read.message.as_deref().or_else(plain).map(one_line).filter(|words| !words.is_empty());
    let message = words.unwrap_or_else(|| format!("the server answered {status}"));
    if status == StatusCode::UNAUTHORIZED {
        return Failure::Unauthorized(message);
    }
    let continued = read.metadata.and_then(|metadata| metadata.continued).filter(|token| !token.is_empty());
    Failure::Refused { code: status.as_u16(), message, continued }
}

/// What kube says when there is no answer: the innermost cause is the one that a person can act on.
fn failure(error: &kube::Error) -> Failure {
    let mut causes = vec![error.to_string()];
    let mut timed_out = false;
    let mut source = error.source();
    while let Some(cause) = source {
        timed_out |=
            cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut);
        causes.push(cause.to_string());
        source = cause.source();
    }
    let last = one_line(causes.last().map_or("", String::as_str));
    if timed_out {
        return Failure::TimedOut("no answer in time".to_owned());
    }
    let about = |word: &str| causes.iter().any(|cause| cause.contains(word));
    if about("dns error") {
        return Failure::Unreachable(format!("its name is unknown ({last})"));
    }
    Failure::Unreachable(last)
}

fn in_words(limit: Duration) -> String {
    if limit.subsec_nanos() == 0 { format!("{} s", limit.as_secs()) } else { format!("{} ms", limit.as_millis()) }
}
