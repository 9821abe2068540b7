//! Errors as HTTP: the one place where an error becomes a status code and a problem document.
//!
//! What went wrong is said by the parts that noticed it.

use std::hash::{BuildHasher, RandomState};

use hyper::StatusCode;
use hyper::header::{ACCEPT, ALLOW, HeaderMap, HeaderValue, RETRY_AFTER};
use hyper::http::request::Parts;
use lastbeat_proto::path::PathError;
use lastbeat_proto::problem::{CONTENT_TYPE, FieldError, Problem, Slug};
use lastbeat_proto::register;

use super::answer::{self, Answer};
use super::body::ReadError;
use super::dashboard;
use super::guard::GuardError;
use super::router::RouteError;
use crate::registry::RegistryError;

/// How long a client should wait when the store does not write or read: the store tries again
/// within this time.
const RETRY_AFTER_S: HeaderValue = HeaderValue::from_static("2");

/// Why a request is not answered with what it asked for.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// Turned away at the door.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// No such path or method.
    #[error(transparent)]
    Route(#[from] RouteError),
    /// The body was not read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A body, query or path that cannot be used.
    #[error("{detail}")]
    Unusable {
        /// Which of the three.
        slug: Slug,
        /// What is wrong and what is right.
        detail: String,
        /// The same field by field.
        errors: Vec<FieldError>,
    },
    /// The registry says no.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// Not loaded yet, or stopping.
    #[error("the daemon is starting or stopping; try again")]
    NotReady,
    /// A fault of ours.
    #[error("cannot build the answer; look for the request id in the log")]
    Failed(#[from] Failure),
}

/// A fault of ours; its cause stays in the log.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// An answer that JSON cannot hold.
    #[error("cannot write the answer as JSON")]
    Json(#[from] serde_json::Error),
    /// A page that its template cannot render.
    #[error("cannot render the page")]
    Page(#[from] askama::Error),
    /// A task that ended without an answer.
    #[error("cannot finish a read of the store")]
    Task(#[from] tokio::task::JoinError),
}

impl From<register::BodyError> for Refusal {
    fn from(error: register::BodyError) -> Self {
        Self::Unusable {
            slug: Slug::InvalidBody,
            detail: error.detail,
            errors: error.errors,
        }
    }
}

impl From<PathError> for Refusal {
    fn from(error: PathError) -> Self {
        Self::Unusable {
            slug: Slug::InvalidPath,
            detail: format!("the name in the path {error}"),
            errors: Vec::new(),
        }
    }
}

impl From<Vec<FieldError>> for Refusal {
    fn from(errors: Vec<FieldError>) -> Self {
        let sentences: Vec<String> = errors
            .iter()
            .map(|error| format!("{} {}", error.field, error.detail))
            .collect();
        Self::Unusable {
            slug: Slug::InvalidQuery,
            detail: sentences.join("; "),
            errors,
        }
    }
}

/// Instances that a `409` offers one by one.
const MAX_CHOICES: usize = 20;

impl Refusal {
    /// The status and text of this refusal.
    fn slug(&self) -> Slug {
        match self {
            Self::Guard(GuardError::Foreign { .. }) => Slug::ForeignOrigin,
            Self::Guard(GuardError::Misdirected { .. }) => Slug::MisdirectedHost,
            Self::Guard(_) => Slug::InvalidHost,
            Self::Route(RouteError::NoPath) => Slug::NotFound,
            Self::Route(RouteError::NoMethod { .. }) => Slug::MethodNotAllowed,
            Self::Read(ReadError::TooLarge) => Slug::PayloadTooLarge,
            Self::Read(ReadError::TooSlow) => Slug::RequestTimeout,
            Self::Read(ReadError::Broken) => Slug::InvalidBody,
            Self::Unusable { slug, .. } => *slug,
            Self::Registry(RegistryError::Unknown { .. }) => Slug::UnknownService,
            Self::Registry(RegistryError::Ambiguous { .. }) => Slug::AmbiguousInstance,
            Self::Registry(RegistryError::Full { .. }) => Slug::RegistryFull,
            Self::Registry(RegistryError::NotStored { .. }) => Slug::StorageUnavailable,
            Self::Registry(RegistryError::HistoryUnavailable { .. }) => Slug::HistoryUnavailable,
            Self::NotReady => Slug::NotReady,
            Self::Failed(_) => Slug::Internal,
        }
    }

    fn problem(self) -> Problem {
        let slug = self.slug();
        let problem = Problem::new(slug, self.to_string());
        match self {
            Self::Unusable { errors, .. } => problem.with_errors(errors),
            Self::Registry(RegistryError::Ambiguous { instances, .. }) => problem.with_errors(
                instances
                    .into_iter()
                    .take(MAX_CHOICES)
                    .map(choice)
                    .collect(),
            ),
            Self::Registry(RegistryError::HistoryUnavailable { cause }) => {
                tracing::warn!(error = cause, "cannot read older events from the store");
                problem
            }
            Self::Failed(failure) => {
                let request_id = format!("{:016x}", RandomState::new().hash_one(()));
                tracing::error!(
                    request.id = request_id,
                    error = &failure as &dyn std::error::Error,
                    "request {request_id} was answered with 500"
                );
                Problem {
                    request_id: Some(request_id),
                    ..problem
                }
            }
            _ => problem,
        }
    }
}

/// One of the instances that an ambiguous request may have meant.
fn choice(instance: String) -> FieldError {
    FieldError {
        field: "instance".to_owned(),
        detail: instance,
    }
}

/// Whether `Accept` names `text/html`: browsers do when they navigate, programs do not.
pub(super) fn wants_html(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|kind| kind.split(';').next())
        .any(|kind| kind.trim().eq_ignore_ascii_case("text/html"))
}

/// The answer to `head` that says why it is refused: a page for a browser, else a problem.
pub(super) fn refuse(refusal: Refusal, head: &Parts) -> Answer {
    let allow = match &refusal {
        Refusal::Route(RouteError::NoMethod { allow }) => HeaderValue::from_str(allow).ok(),
        _ => None,
    };
    let may_retry = matches!(
        refusal.slug(),
        Slug::StorageUnavailable | Slug::HistoryUnavailable | Slug::NotReady
    );
    let problem = refusal.problem();
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let page = wants_html(&head.headers).then(|| dashboard::problem(&problem, head.uri.path()));
    let mut answer = if let Some(Ok(page)) = page {
        answer::html(status, page)
    } else {
        let kind = HeaderValue::from_static(CONTENT_TYPE);
        answer::whole(status, kind, json_problem(&problem).into())
    };
    if let Some(allow) = allow {
        answer.headers_mut().insert(ALLOW, allow);
    }
    if may_retry {
        answer.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_S);
    }
    answer
}

fn json_problem(problem: &Problem) -> Vec<u8> {
    #[expect(clippy::expect_used, reason = "texts and numbers are always JSON")]
    serde_json::to_vec(problem).expect("texts and numbers")
}

#[cfg(test)]
mod tests;
