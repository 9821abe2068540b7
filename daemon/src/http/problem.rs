//! Errors as HTTP: the one place where an error becomes a status code and a problem document.
//!
//! What went wrong is said by the parts that noticed it.

use hyper::StatusCode;
use hyper::header::{
    ACCEPT, ALLOW, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use hyper::http::request::Parts;
use lastbeat_proto::path::PathError;
use lastbeat_proto::problem::{CONTENT_TYPE, FieldError, Problem, Slug};
use lastbeat_proto::register;

use super::answer::{self, Answer};
use super::body::ReadError;
use super::dashboard;
use super::gate::GateError;
use super::guard::GuardError;
use super::pace::{self, TooFast};
use super::request_id::RequestId;
use super::router::RouteError;
use super::shelf::ShelfFull;
use super::waiting::TooManyWaiting;
use crate::registry::RegistryError;
use crate::state::MAX_CHOICES;
use crate::token::TokenError;

/// How long a client should wait when the store does not write or read: the store tries again
/// within this time.
const RETRY_AFTER_S: HeaderValue = HeaderValue::from_static("2");

/// On every refusal: what its request is called in the log.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// How to show a token (RFC 6750 §3).
const BEARER: HeaderValue = HeaderValue::from_static("Bearer realm=\"lastbeat\"");
/// The same to whoever showed one that is not known.
const BEARER_UNKNOWN: HeaderValue =
    HeaderValue::from_static("Bearer realm=\"lastbeat\", error=\"invalid_token\"");

/// Why a request is not answered with what it asked for.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// Turned away at the door.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// Not let in.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// Too many changes from one address.
    #[error(transparent)]
    Pace(#[from] TooFast),
    /// Too many readers wait for a change already.
    #[error(transparent)]
    Waiting(#[from] TooManyWaiting),
    /// Too much waits for readers that do not take it.
    #[error(transparent)]
    Unread(#[from] ShelfFull),
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
    /// No random bytes for a session.
    #[error(transparent)]
    Token(#[from] TokenError),
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
    fn from(mut errors: Vec<FieldError>) -> Self {
        errors.truncate(MAX_ERRORS);
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

/// Errors that are told of one request: a query may have thousands of pairs.
const MAX_ERRORS: usize = 20;
/// Slashes in a path to which a page answers: each link of the page has as many steps back, and no
/// name has more.
const MAX_SLASHES: usize = 128;

impl Refusal {
    /// Whether the head itself contradicts HTTP, so that another reader of it, such as a proxy,
    /// may have understood another request.
    pub(super) fn is_of_a_malformed_head(&self) -> bool {
        matches!(self, Self::Guard(_)) && self.slug() == Slug::InvalidHost
    }

    /// The status and text of this refusal.
    fn slug(&self) -> Slug {
        match self {
            Self::Guard(GuardError::Foreign { .. }) => Slug::ForeignOrigin,
            Self::Guard(GuardError::Misdirected { .. }) => Slug::MisdirectedHost,
            Self::Guard(_) => Slug::InvalidHost,
            Self::Gate(GateError::MissingScope { .. }) => Slug::MissingScope,
            Self::Gate(_) => Slug::Unauthorized,
            Self::Pace(_) | Self::Waiting(_) | Self::Unread(_) => Slug::TooManyRequests,
            Self::Route(RouteError::NoPath) => Slug::NotFound,
            Self::Route(RouteError::NoMethod { .. }) => Slug::MethodNotAllowed,
            Self::Read(ReadError::TooLarge) => Slug::PayloadTooLarge,
            Self::Read(ReadError::TooSlow) => Slug::RequestTimeout,
            Self::Read(ReadError::Broken | ReadError::Coded) => Slug::InvalidBody,
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

    fn problem(self, id: RequestId) -> Problem {
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
            Self::Failed(failure) => {
                let request_id = id.to_string();
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

/// The answer to `head` that says why it is refused: a page for a browser, which loads `theme` too,
/// else a problem.
pub(super) fn refuse(
    refusal: Refusal,
    head: &Parts,
    theme: Option<&'static str>,
    id: RequestId,
) -> Answer {
    let header = header_of(&refusal);
    let asks_token = matches!(refusal, Refusal::Gate(_)) && refusal.slug() == Slug::Unauthorized;
    let is_wrong = matches!(&refusal, Refusal::Gate(error) if error.is_wrong());
    let problem = refusal.problem(id);
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let path = head.uri.path();
    let is_short = path.matches('/').count() <= MAX_SLASHES;
    let page = (is_short && wants_html(&head.headers)).then(|| {
        if asks_token {
            // Who showed nothing is asked and not reproached.
            dashboard::sign_in(path, is_wrong.then_some(&problem), theme)
        } else {
            dashboard::problem(&problem, path, theme)
        }
    });
    let mut answer = if let Some(Ok(page)) = page {
        answer::html(status, page)
    } else {
        let kind = HeaderValue::from_static(CONTENT_TYPE);
        answer::whole(status, kind, json_problem(&problem).into())
    };
    if let Some((name, value)) = header {
        answer.headers_mut().insert(name, value);
    }
    if let Ok(id) = HeaderValue::try_from(id.to_string()) {
        answer.headers_mut().insert(REQUEST_ID, id);
    }
    answer
}

/// The header that tells programs what to do about a refusal.
fn header_of(refusal: &Refusal) -> Option<(HeaderName, HeaderValue)> {
    match (refusal, refusal.slug()) {
        (Refusal::Route(RouteError::NoMethod { allow }), _) => {
            Some((ALLOW, HeaderValue::from_str(allow).ok()?))
        }
        (Refusal::Waiting(_) | Refusal::Unread(_), _) => Some((RETRY_AFTER, HeaderValue::from(1))),
        (Refusal::Pace(TooFast { wait, .. }), _) => {
            Some((RETRY_AFTER, HeaderValue::from(pace::wait_s(*wait))))
        }
        (Refusal::Gate(GateError::NoToken | GateError::NoBearer), _) => {
            Some((WWW_AUTHENTICATE, BEARER))
        }
        (Refusal::Gate(GateError::UnknownToken), _) => Some((WWW_AUTHENTICATE, BEARER_UNKNOWN)),
        (_, Slug::StorageUnavailable | Slug::HistoryUnavailable | Slug::NotReady) => {
            Some((RETRY_AFTER, RETRY_AFTER_S))
        }
        _ => None,
    }
}

fn json_problem(problem: &Problem) -> Vec<u8> {
    #[expect(clippy::expect_used, reason = "texts and numbers are always JSON")]
    serde_json::to_vec(problem).expect("texts and numbers")
}

#[cfg(test)]
mod tests;
