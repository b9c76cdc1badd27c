//! Questions to the cluster itself: may this user do that, and who am I.

use std::sync::{Mutex, PoisonError};

use futures::StreamExt;
use serde::Deserialize;
use serde_json::{Value, json};

use super::request::{ACCESS_REVIEW, Failure, SELF_REVIEW, Sender};
use crate::model::{Action, Identity};

/// One question to the cluster's authorizers. Groups are taken as they are: the implicit ones have to be among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessQuestion {
    /// The user name.
    pub user: String,
    /// The groups.
    pub groups: Vec<String>,
    /// What the user wants to do.
    pub action: Action,
}

/// Reviews under way at once.
const AT_ONCE: usize = 8;

/// Asks every question; answers are in the order of the questions. Once the server refuses to be asked, it is asked no more.
pub(super) async fn verify(sender: &Sender, questions: &[AccessQuestion]) -> Vec<Result<bool, String>> {
    let refused: Mutex<Option<String>> = Mutex::new(None);
    let one = |question: &AccessQuestion| {
        let (refused, review) = (&refused, review(question));
        async move {
            let before = refused.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(message) = before {
                return Err(message);
            }
            match sender.review(ACCESS_REVIEW, &review).await.and_then(|answer| allowed(&answer)) {
                Ok(allowed) => Ok(allowed),
                Err(failure) => {
                    let message = failure.message().to_owned();
                    // 400 and 422 are about this one question, everything else about all of them.
                    if !matches!(failure, Failure::Refused { code: 400 | 422, .. }) {
                        *refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(message.clone());
                    }
                    Err(message)
                }
            }
        }
    };
    futures::stream::iter(questions.iter().map(one)).buffered(AT_ONCE).collect().await
}

/// Asks who the credentials belong to, after impersonation.
pub(super) async fn whoami(sender: &Sender) -> Result<Identity, Failure> {
    #[derive(Deserialize)]
    struct Answer {
        status: Status,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Status {
        user_info: UserInfo,
    }
    #[derive(Deserialize)]
    struct UserInfo {
        username: String,
        #[serde(default, deserialize_with = "crate::collect::shape::list")]
        groups: Vec<String>,
    }
    let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    let answer = sender.review(SELF_REVIEW, &review).await?;
    let answer: Answer = serde_json::from_str(&answer).map_err(|error| unreadable(&error))?;
    let UserInfo { username, groups } = answer.status.user_info;
    Ok(Identity { user: username, groups })
}

fn review(question: &AccessQuestion) -> Value {
    let mut spec = json!({"user": question.user, "groups": question.groups});
    match &question.action {
        Action::Resource(action) => {
            let attributes = [
                ("verb", &action.verb),
                ("group", &action.api_group),
                ("resource", &action.resource),
                ("subresource", &action.subresource),
                ("namespace", &action.namespace),
                ("name", &action.name),
            ];
            let filled = attributes.into_iter().filter(|(_, value)| !value.is_empty());
            spec["resourceAttributes"] =
                filled.map(|(key, value)| (key.to_owned(), Value::from(value.as_str()))).collect();
        }
        Action::NonResource { verb, path } => spec["nonResourceAttributes"] = json!({"verb": verb, "path": path}),
    }
    json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec})
}

fn allowed(answer: &str) -> Result<bool, Failure> {
    #[derive(Deserialize)]
    struct Answer {
        status: Status,
    }
    #[derive(Deserialize)]
    struct Status {
        allowed: bool,
    }
    let answer: Answer = serde_json::from_str(answer).map_err(|error| unreadable(&error))?;
    Ok(answer.status.allowed)
}

fn unreadable(error: &serde_json::Error) -> Failure {
    Failure::Unreadable(format!("the server answered with something that is no review ({error})"))
}
