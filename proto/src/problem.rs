//! Errors on the wire: RFC 9457 problem details with the original's `"error"` key beside them.
//!
//! A slug is contract: adding one is a feature, changing one breaks clients.
//! Which internal error becomes which slug is decided in the daemon's `http::problem` alone.

use serde::{Deserialize, Serialize};

/// Media type of a problem (RFC 9457 §3).
pub const CONTENT_TYPE: &str = "application/problem+json";

const URN: &str = "urn:lastbeat:problem:";

/// What kind of problem: status and title belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Slug {
    /// The body or one of its fields cannot be used.
    InvalidBody,
    /// The query string or one of its fields cannot be used.
    InvalidQuery,
    /// The path's name or its encoding cannot be used.
    InvalidPath,
    /// No token, or one that is not known.
    Unauthorized,
    /// A token that does not allow this.
    MissingScope,
    /// No such service or instance.
    UnknownService,
    /// Several instances have the name and none was named.
    AmbiguousInstance,
    /// No such path.
    NotFound,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// More bytes than a body may have.
    PayloadTooLarge,
    /// The body did not come in time.
    RequestTimeout,
    /// Seen and shown, but not stored yet.
    StorageUnavailable,
    /// Older events cannot be read from the store now.
    HistoryUnavailable,
    /// No room for another instance.
    RegistryFull,
    /// A web page of another site asks for a change.
    ForeignOrigin,
    /// No, two or a broken Host.
    InvalidHost,
    /// A Host this daemon does not answer to.
    MisdirectedHost,
    /// More changes in a short time than one address may ask for.
    TooManyRequests,
    /// Not loaded yet, or stopping.
    NotReady,
    /// A fault of ours; its cause is in the log under the request id.
    Internal,
}

/// Every slug with its text, status and title: the table docs and tests are made from.
pub const SLUGS: [(Slug, &str, u16, &str); 20] = [
    (
        Slug::InvalidBody,
        "invalid-body",
        400,
        "The body cannot be used",
    ),
    (
        Slug::InvalidQuery,
        "invalid-query",
        400,
        "The query cannot be used",
    ),
    (
        Slug::InvalidPath,
        "invalid-path",
        400,
        "The path cannot be used",
    ),
    (
        Slug::InvalidHost,
        "invalid-host",
        400,
        "The Host header cannot be used",
    ),
    (Slug::Unauthorized, "unauthorized", 401, "A token is needed"),
    (
        Slug::MissingScope,
        "missing-scope",
        403,
        "The token does not allow this",
    ),
    (
        Slug::ForeignOrigin,
        "foreign-origin",
        403,
        "Another site may not change the registry",
    ),
    (
        Slug::UnknownService,
        "unknown-service",
        404,
        "No such service",
    ),
    (Slug::NotFound, "not-found", 404, "No such path"),
    (
        Slug::MethodNotAllowed,
        "method-not-allowed",
        405,
        "The path has no such method",
    ),
    (
        Slug::RequestTimeout,
        "request-timeout",
        408,
        "The body did not come in time",
    ),
    (
        Slug::AmbiguousInstance,
        "ambiguous-instance",
        409,
        "Several instances have this name",
    ),
    (
        Slug::PayloadTooLarge,
        "payload-too-large",
        413,
        "The body is too large",
    ),
    (
        Slug::MisdirectedHost,
        "misdirected-host",
        421,
        "This daemon does not answer to that host",
    ),
    (
        Slug::TooManyRequests,
        "too-many-requests",
        429,
        "Too many requests",
    ),
    (Slug::Internal, "internal", 500, "The daemon failed"),
    (
        Slug::StorageUnavailable,
        "storage-unavailable",
        503,
        "Not stored yet",
    ),
    (
        Slug::HistoryUnavailable,
        "history-unavailable",
        503,
        "Older history cannot be read now",
    ),
    (Slug::NotReady, "not-ready", 503, "Not ready"),
    (
        Slug::RegistryFull,
        "registry-full",
        507,
        "The registry is full",
    ),
];

impl Slug {
    fn entry(self) -> (&'static str, u16, &'static str) {
        let found = SLUGS.iter().find(|(slug, ..)| *slug == self);
        found.map_or(
            ("internal", 500, "The daemon failed"),
            |(_, text, status, title)| (text, *status, title),
        )
    }

    /// The text behind `urn:lastbeat:problem:`.
    pub fn text(self) -> &'static str {
        self.entry().0
    }

    /// The HTTP status.
    pub fn status(self) -> u16 {
        self.entry().1
    }

    /// The title that belongs to it.
    pub fn title(self) -> &'static str {
        self.entry().2
    }
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FieldError {
    /// The field's name as the client wrote it.
    pub field: String,
    /// What is wrong and what is right.
    pub detail: String,
}

/// An error answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Problem {
    /// `urn:lastbeat:problem:<slug>`.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// The slug's title.
    #[serde(default)]
    pub title: String,
    /// The HTTP status.
    #[serde(default)]
    pub status: u16,
    /// This case, and what to do.
    #[serde(default)]
    pub detail: String,
    /// What is wrong field by field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// The original's key: the same text as `detail`.
    #[serde(default)]
    pub error: String,
    /// Finds the cause in the daemon's log; only with `internal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Problem {
    /// A problem of this kind in this case.
    pub fn new(slug: Slug, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self {
            kind: format!("{URN}{}", slug.text()),
            title: slug.title().to_owned(),
            status: slug.status(),
            error: detail.clone(),
            detail,
            errors: Vec::new(),
            request_id: None,
        }
    }

    /// The same with what is wrong field by field.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    /// The slug without its URN prefix; empty for a foreign problem type.
    pub fn slug(&self) -> &str {
        self.kind.strip_prefix(URN).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_says_type_title_status_detail_and_the_originals_key() {
        let problems: Vec<Problem> = SLUGS
            .iter()
            .map(|(slug, ..)| Problem::new(*slug, "what to do"))
            .collect();

        insta::assert_snapshot!(
            problems
                .iter()
                .map(|problem| serde_json::to_string(problem).unwrap())
                .collect::<Vec<_>>()
                .join("\n")
        );
    }

    #[test]
    fn a_foreign_error_body_is_still_read() {
        let problem: Problem = serde_json::from_str(r#"{"error":"Service not found"}"#).unwrap();

        assert_eq!(problem.error, "Service not found");
        assert_eq!(problem.slug(), "");
    }
}
