//! A whole answer and what it means.

use bytes::Bytes;
use lastbeat_proto::problem::Problem;
use serde::de::DeserializeOwned;

use super::ClientError;

/// Who asks is not known (RFC 9110 §15.5.2).
const UNAUTHORIZED: u16 = 401;
/// How lastbeatd's answer to plain HTTP begins where it speaks TLS.
const SPEAKS_TLS: &[u8] = b"this port speaks TLS";

/// Status and body.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    body: Bytes,
    /// The file of the token that was sent.
    token: Option<String>,
}

impl Answer {
    /// An answer to a question without a token.
    pub(super) const fn new(status: u16, body: Bytes) -> Self {
        Self {
            status,
            body,
            token: None,
        }
    }

    /// The same to one with the token in this file.
    pub(super) fn signed_by(self, path: String) -> Self {
        Self {
            token: Some(path),
            ..self
        }
    }

    /// Whether who asks is not known.
    pub(super) const fn is_unauthorized(&self) -> bool {
        self.status == UNAUTHORIZED
    }

    /// The typed body, or why there is none.
    pub(super) fn read<T: DeserializeOwned>(self) -> Result<T, ClientError> {
        match self.status {
            200..300 => serde_json::from_slice(&self.body)
                .map_err(|error| ClientError::NotOurs(format!("its answer does not fit: {error}"))),
            UNAUTHORIZED => Err(self.unauthorized()),
            status => Err(self.refusal().unwrap_or_else(|| match status {
                403 => self.unauthorized(),
                400 if self.body.starts_with(SPEAKS_TLS) => {
                    ClientError::OtherScheme("it speaks TLS; write https:// in --url")
                }
                _ => ClientError::NotOurs(format!("it answered HTTP {status}")),
            })),
        }
    }

    fn unauthorized(&self) -> ClientError {
        ClientError::Unauthorized {
            status: self.status,
            advice: match &self.token {
                None => "give a token with --token-file".to_owned(),
                Some(path) => {
                    format!("the token in {path} is not known there; write another into it")
                }
            },
        }
    }

    /// The daemon's own refusal, or that of the original, which had only `"error"`.
    fn refusal(&self) -> Option<ClientError> {
        let mut problem: Problem = serde_json::from_slice(&self.body).ok()?;
        if problem.detail.is_empty() {
            problem.detail.clone_from(&problem.error);
        }
        if problem.detail.is_empty() {
            return None;
        }
        for field in &problem.errors {
            problem
                .detail
                .extend(["; ", &field.field, " ", &field.detail]);
        }
        Some(ClientError::Refused(Box::new(problem)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &'static str) -> String {
        let answer = Answer::new(status, Bytes::from_static(body.as_bytes()));
        answer.read::<Vec<u8>>().unwrap_err().to_string()
    }

    #[test]
    fn every_refusal_says_what_to_do() {
        assert_eq!(
            read(404, r#"{"detail":"no such service"}"#),
            "no such service"
        );
        assert_eq!(
            read(404, r#"{"error":"Service not found"}"#),
            "Service not found"
        );
        assert_eq!(
            read(502, "<html>"),
            "no lastbeatd answers here: it answered HTTP 502; check --url"
        );
        assert_eq!(
            read(400, "this port speaks TLS; use https://\n"),
            "it speaks TLS; write https:// in --url"
        );
        assert_eq!(
            read(401, ""),
            "not allowed (HTTP 401); give a token with --token-file"
        );
        assert_eq!(
            read(403, ""),
            "not allowed (HTTP 403); give a token with --token-file"
        );
        assert!(
            read(200, "<html>").starts_with("no lastbeatd answers here: its answer does not fit")
        );
        assert_eq!(
            read(
                400,
                r#"{"detail":"bad","errors":[{"field":"ip","detail":"is empty"}]}"#
            ),
            "bad; ip is empty"
        );
    }
}
