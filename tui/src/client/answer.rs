//! A whole answer and what it means.

use bytes::Bytes;
use lastbeat_proto::problem::Problem;
use serde::de::DeserializeOwned;

use super::ClientError;

/// Status and body.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Bytes,
}

impl Answer {
    /// The typed body, or why there is none.
    pub(super) fn read<T: DeserializeOwned>(self) -> Result<T, ClientError> {
        match self.status {
            200..300 => serde_json::from_slice(&self.body)
                .map_err(|error| ClientError::NotOurs(format!("its answer does not fit: {error}"))),
            401 => Err(ClientError::Unauthorized(self.status)),
            status => Err(self.refusal().unwrap_or_else(|| match status {
                403 => ClientError::Unauthorized(status),
                _ => ClientError::NotOurs(format!("it answered HTTP {status}")),
            })),
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
        let answer = Answer {
            status,
            body: Bytes::from_static(body.as_bytes()),
        };
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
            read(401, ""),
            "not allowed (HTTP 401); this daemon wants a token"
        );
        assert_eq!(
            read(403, ""),
            "not allowed (HTTP 403); this daemon wants a token"
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
