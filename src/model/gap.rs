//! What could not be read. An answer with gaps says "at least these".

/// Something that belongs to the question and was not read. It is carried to every answer and never guessed away.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gap {
    /// The API group of what is missing; empty for the core group.
    pub api_group: String,
    /// The plural resource, as in `rolebindings`.
    pub resource: String,
    /// The namespace, or `None` for all of them or for a cluster-scoped resource.
    pub namespace: Option<String>,
    /// The namespaces that were read nevertheless, where `namespace` is none.
    pub except: Vec<String>,
    /// Why it is missing.
    pub reason: GapReason,
    /// The one line that says what happened, as the server or the reader put it.
    pub message: String,
}

impl Gap {
    /// Whether it is about Azure, so that what only Kubernetes decides does not depend on it.
    pub fn is_of_azure(&self) -> bool {
        let group = self.api_group.as_str();
        group == "azure" || group == "graph.microsoft.com" || group.starts_with("Microsoft.")
    }
}

/// Why a list is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GapReason {
    /// The server said 403.
    Forbidden,
    /// The server does not serve this resource, or not at this moment.
    NotServed,
    /// It was asked for and did not arrive: connection, time-out, unreadable answer.
    Failed,
    /// A file or an object that could not be read, under `--keep-going`.
    Unreadable,
    /// The input says nothing of it and the answer depends on it.
    NotInInput,
}

impl GapReason {
    /// The word in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            GapReason::Forbidden => "forbidden",
            GapReason::NotServed => "notServed",
            GapReason::Failed => "failed",
            GapReason::Unreadable => "unreadable",
            GapReason::NotInInput => "notInInput",
        }
    }

    /// The reason for a word of an output, so that a saved snapshot keeps its gaps.
    pub fn parse(word: &str) -> Option<GapReason> {
        [GapReason::Forbidden, GapReason::NotServed, GapReason::Failed, GapReason::Unreadable, GapReason::NotInInput]
            .into_iter()
            .find(|reason| reason.as_str() == word)
    }
}
