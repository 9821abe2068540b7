//! A whole answer and what it means.

use bytes::Bytes;
use lastbeat_proto::problem::{Problem, Slug};
use serde::de::DeserializeOwned;

use super::ClientError;

/// Who asks is not known (RFC 9110 §15.5.2).
const UNAUTHORIZED: u16 = 401;
/// Who asks is known, and may not (RFC 9110 §15.5.4).
const FORBIDDEN: u16 = 403;
/// How lastbeatd's answer to plain HTTP begins where it speaks TLS.
const SPEAKS_TLS: &[u8] = b"this port speaks TLS";
/// How much of an answer that does not fit is quoted to each side of the place, in bytes.
const QUOTED_BYTES: usize = 20;
/// How much of a redirect's target is quoted, in characters.
const TARGET_CHARS: usize = 200;

/// Status and body.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Bytes,
    /// The path that was asked.
    pub(super) path: String,
    /// Where a redirect leads.
    pub(super) target: Option<String>,
    /// The file of the token that was sent.
    pub(super) token: Option<String>,
}

impl Answer {
    /// The same to a question with the token in this file.
    pub(super) fn signed_by(self, path: String) -> Self {
        Self {
            token: Some(path),
            ..self
        }
    }

    /// Whether another token could help.
    pub(super) const fn is_unauthorized(&self) -> bool {
        matches!(self.status, UNAUTHORIZED | FORBIDDEN)
    }

    /// The typed body, or why there is none.
    pub(super) fn read<T: DeserializeOwned>(self) -> Result<T, ClientError> {
        match self.status {
            200..300 => serde_json::from_slice(&self.body).map_err(|error| self.misfit(&error)),
            300..=399 => Err(self.redirected()),
            UNAUTHORIZED => Err(self.unauthorized()),
            status => Err(self.refusal().unwrap_or_else(|| match status {
                FORBIDDEN => self.unauthorized(),
                400 if self.body.starts_with(SPEAKS_TLS) => {
                    ClientError::OtherUrl("it speaks TLS; write https:// in --url".to_owned())
                }
                _ => ClientError::NotOurs(format!("it answered HTTP {status} for {}", self.path)),
            })),
        }
    }

    /// A success that is not what we asked for; what a parser says of it helps nobody.
    fn misfit(&self, error: &serde_json::Error) -> ClientError {
        let at = self.offset(error.line(), error.column());
        let quoted = |from: usize, to: usize| {
            let part = self.body.get(from..to.min(self.body.len()));
            String::from_utf8_lossy(part.unwrap_or_default())
                .trim()
                .to_owned()
        };
        let from = at.saturating_sub(QUOTED_BYTES);
        ClientError::NotOurs(if self.body.trim_ascii().is_empty() {
            "its answer is empty".to_owned()
        } else if error.is_eof() {
            format!("its answer breaks off behind \"{}\"", quoted(from, at))
        } else {
            let around = quoted(from, at + QUOTED_BYTES);
            format!(
                "its answer is none of lastbeatd's, or of another version, at \"{around}\"; the \
                 address may be another program's"
            )
        })
    }

    /// Bytes before a place that is told as line and column, both counted from 1.
    fn offset(&self, line: usize, column: usize) -> usize {
        let lines = self.body.split_inclusive(|byte| *byte == b'\n');
        let before: usize = lines.take(line.saturating_sub(1)).map(<[u8]>::len).sum();
        before.saturating_add(column).min(self.body.len())
    }

    fn redirected(&self) -> ClientError {
        let status = self.status;
        let target: Option<String> = self
            .target
            .as_ref()
            .map(|target| target.chars().take(TARGET_CHARS).collect());
        let target = target.unwrap_or_else(|| "a place that it does not name".to_owned());
        ClientError::NotOurs(format!(
            "it redirects {} to {target} (HTTP {status}), and redirects are not followed",
            self.path
        ))
    }

    fn unauthorized(&self) -> ClientError {
        ClientError::Unauthorized {
            status: self.status,
            advice: match (&self.token, self.status) {
                (None, _) => "give a token with --token-file".to_owned(),
                (Some(path), FORBIDDEN) => {
                    format!("the token in {path} does not allow it; write another into it")
                }
                (Some(path), _) => {
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
        if problem.slug() == Slug::NotFound.text() {
            return Some(ClientError::OtherUrl(format!(
                "lastbeatd has nothing at {}; check the path in --url",
                self.path
            )));
        }
        for field in &problem.errors {
            problem
                .detail
                .extend(["; ", &field.field, " ", &field.detail]);
        }
        if let Some(path) = &self.token
            && problem.slug() == Slug::MissingScope.text()
        {
            problem
                .detail
                .extend(["; write one that does into ", path.as_str()]);
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
            path: "/a/services".to_owned(),
            target: Some("http://other/\u{1b}".to_owned()),
            token: None,
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
            "no lastbeatd answers here: it answered HTTP 502 for /a/services; check --url"
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
        assert_eq!(
            read(302, ""),
            "no lastbeatd answers here: it redirects /a/services to http://other/\u{1b} (HTTP \
             302), and redirects are not followed; check --url"
        );
        assert_eq!(
            read(
                404,
                r#"{"type":"urn:lastbeat:problem:not-found","detail":"no such path"}"#
            ),
            "lastbeatd has nothing at /a/services; check the path in --url"
        );
        assert_eq!(
            read(
                400,
                r#"{"detail":"bad","errors":[{"field":"ip","detail":"is empty"}]}"#
            ),
            "bad; ip is empty"
        );
    }

    #[test]
    fn an_answer_that_does_not_fit_is_quoted_at_the_place_without_the_parsers_words() {
        for (body, said) in [
            (
                "<html>\n<body>",
                "none of lastbeatd's, or of another version, at \"<html>\n<body>\"",
            ),
            ("[1, 2, -1, 3]", "at \"[1, 2, -1, 3]\""),
            ("[1, 2, {\"id\": 7}]", "at \"[1, 2, {\"id\": 7}]\""),
            ("{\"a\": 1}", "at \"{\"a\": 1}\""),
            ("\n[\n1,\n2", "its answer breaks off behind \"[\n1,\n2\""),
            ("[\"an open text", "breaks off behind \"[\"an open text\""),
            (" \n", "its answer is empty"),
            ("", "its answer is empty"),
        ] {
            let text = read(200, body);

            assert!(text.contains(said), "{body}: {text}");
            for words in ["expected", "line", "column", "EOF", "invalid"] {
                assert!(!text.contains(words), "{body}: {text}");
            }
        }
        let long = read(
            200,
            "[\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        );
        assert!(long.len() < 250, "{long}");
    }
}
