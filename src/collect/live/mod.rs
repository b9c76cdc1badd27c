//! A live cluster: where it is, what is read of it, and the questions that are put to it. Only reading: the one function that
//! sends (`request.rs`) lets through lists, a few documents and reviews.

mod aso;
mod cluster;
mod collections;
mod config;
mod discovery;
mod exec;
pub(super) mod kubeconfig;
mod pages;
mod proxy;
mod request;
mod review;
mod secrets;
#[cfg(test)]
mod tests;

use kube::Client;

pub use cluster::Secrets;
pub use config::{Connection, ConnectionOptions, StandardInput, connection};
pub use pages::Progress;
pub use review::AccessQuestion;

use super::document::Needs;
use crate::model::{Identity, Snapshot};
use request::{Failure, Sender};

/// Why there is no cluster to ask. Each is one line, and says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LiveError {
    /// The flags, the kubeconfig or the credential plugin.
    #[error("{0}")]
    Configuration(String),
    /// No connection, or no answer in time.
    #[error("{0}")]
    Unreachable(String),
    /// The cluster does not know the user, or refuses everything.
    #[error("{0}")]
    Refused(String),
}

/// What is read of a cluster.
#[derive(Clone, Debug)]
pub struct LiveOptions {
    /// What the question needs.
    pub needs: Needs,
    /// `--chunk-size`: objects of a page; 0 is one answer from the server's cache.
    pub chunk_size: u32,
    /// The namespace that is read when all of them may not be; empty for none.
    pub namespace: String,
    /// `--secret-metadata`.
    pub secrets: Secrets,
    /// What reports call the cluster.
    pub cluster: String,
    /// The host of the server's address.
    pub server: String,
}

/// A cluster that can be asked.
pub struct LiveCluster {
    runtime: tokio::runtime::Runtime,
    sender: Sender,
    connection: Connection,
}

impl LiveCluster {
    /// Gets ready to ask; nothing is sent yet.
    ///
    /// # Errors
    /// What is wrong with the configuration, in one line.
    pub fn connect(options: &ConnectionOptions) -> Result<LiveCluster, LiveError> {
        LiveCluster::at(connection(options)?)
    }

    /// The same for a connection that is already found.
    ///
    /// # Errors
    /// What is wrong with certificates or keys, in one line.
    pub fn at(connection: Connection) -> Result<LiveCluster, LiveError> {
        let wrong = |why: String| LiveError::Configuration(format!("cannot connect to {}: {why}", connection.server));
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(2).enable_all().build().map_err(|error| wrong(error.to_string()))?;
        let client = {
            // The client keeps a task on the runtime.
            let _inside = runtime.enter();
            Client::try_from(connection.config.clone()).map_err(|error| wrong(one_line(&error.to_string())))?
        };
        let sender = Sender::new(client, connection.limit);
        Ok(LiveCluster { runtime, sender, connection })
    }

    /// Where and who.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// What to read when nothing else is wanted: pages of 500, the connection's namespace, no Secrets.
    pub fn options(&self, needs: Needs) -> LiveOptions {
        LiveOptions {
            needs,
            chunk_size: 500,
            namespace: self.connection.namespace.clone(),
            secrets: Secrets::Leave,
            cluster: self.connection.name().to_owned(),
            server: self.connection.host(),
        }
    }

    /// Reads the cluster. `progress` is called as lists grow.
    ///
    /// # Errors
    /// When nothing can be read; what only some lists suffer from are gaps of the snapshot.
    pub fn collect(&self, options: &LiveOptions, progress: &(dyn Fn(&Progress) + Sync)) -> Result<Snapshot, LiveError> {
        let _stage = tracing::debug_span!("read").entered();
        tracing::info!("reading cluster `{}`, namespace `{}`", options.cluster, options.namespace);
        let read = cluster::collect(&self.sender, options, progress);
        self.runtime.block_on(read).map_err(|failure| self.explain(&failure))
    }

    /// Asks the cluster's own authorizers, by SubjectAccessReview. Answers are in the order of the questions; an error says why
    /// there is none.
    pub fn verify(&self, questions: &[AccessQuestion]) -> Vec<Result<bool, String>> {
        self.runtime.block_on(review::verify(&self.sender, questions))
    }

    /// Asks who the credentials belong to, by SelfSubjectReview.
    ///
    /// # Errors
    /// When the cluster cannot be asked, or is older than Kubernetes 1.28.
    pub fn whoami(&self) -> Result<Identity, LiveError> {
        self.runtime.block_on(review::whoami(&self.sender)).map_err(|failure| match failure {
            Failure::Refused { code: 404, .. } => {
                let message =
                    "this cluster cannot say who you are (SelfSubjectReview is of Kubernetes 1.28); name a subject";
                LiveError::Refused(message.to_owned())
            }
            other => self.explain(&other),
        })
    }

    /// The line for a failure that ends the run.
    fn explain(&self, failure: &Failure) -> LiveError {
        let Connection { context, server, user, .. } = &self.connection;
        let place = if context.is_empty() { server.clone() } else { format!("{server} (context `{context}`)") };
        let why = failure.message();
        match failure {
            Failure::Unreachable(_) => LiveError::Unreachable(match &self.connection.guessed {
                Some(guessed) => format!("{guessed}, and {server}, which kubectl then tries, cannot be reached: {why}"),
                None => {
                    format!("cannot reach the cluster at {place}: {why}; check the context, the network and the proxy")
                }
            }),
            Failure::TimedOut(_) => LiveError::Unreachable(format!(
                "the cluster at {place} does not answer: {why}; check the network, or give it more time with --request-timeout"
            )),
            Failure::Unauthorized(_) => {
                let user = if user.is_empty() { String::new() } else { format!(" of user `{user}`") };
                LiveError::Refused(format!(
                    "the cluster at {place} does not take the credentials{user}: {why}; log in again, or choose another \
                     context or user"
                ))
            }
            Failure::Refused { .. } => {
                LiveError::Refused(format!("the cluster at {place} refuses every request: {why}"))
            }
            Failure::Unreadable(_) => {
                LiveError::Refused(format!("what answers at {place} is no Kubernetes API server: {why}"))
            }
        }
    }
}

/// Words from outside as one line of bearable length.
fn one_line(text: &str) -> String {
    const LONGEST: usize = 400;
    let mut line = String::new();
    for word in text.split_whitespace() {
        if line.len() + word.len() > LONGEST {
            line.push_str(" ...");
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line.chars().filter(|c| !c.is_control()).collect()
}
