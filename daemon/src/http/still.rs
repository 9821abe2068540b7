//! Answers that a reader may have already: their tags, `304`, and bodies that never change.

use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH};

use super::answer::{self, Answer};
use super::coding::{LEAST_BYTES, wants_gzip};
use super::gzip::Gzip;

/// A body that never changes, made once.
#[derive(Debug)]
pub(super) struct Still {
    kind: HeaderValue,
    plain: Bytes,
    gzipped: Bytes,
    tag: String,
}

impl Still {
    /// `plain` of the type `kind`.
    pub(super) fn new(kind: HeaderValue, plain: Bytes) -> Self {
        let mut gzipped = Vec::new();
        let mut gzip = Gzip::best();
        gzip.write(&plain, &mut gzipped);
        gzip.end(&mut gzipped);
        Self {
            kind,
            tag: tag(&plain),
            gzipped: gzipped.into(),
            plain,
        }
    }

    /// The answer to a request with these `headers`, or `304` to who has it.
    pub(super) fn answer(&self, headers: &HeaderMap) -> Answer {
        let is_coded = LEAST_BYTES <= self.plain.len() && wants_gzip(headers);
        let body = if is_coded { &self.gzipped } else { &self.plain };
        let mut answer = tagged(self.kind.clone(), body.clone(), &self.tag, headers);
        let has_body = answer.status() != StatusCode::NOT_MODIFIED;
        answer::announce(&mut answer, is_coded && has_body);
        answer
    }
}

/// `body` with its tag, or `304` when the request's `If-None-Match` has it (RFC 9110 §13.1.2).
pub(super) fn unless_known(kind: HeaderValue, body: Bytes, headers: &HeaderMap) -> Answer {
    let tag = tag(&body);
    tagged(kind, body, &tag, headers)
}

fn tagged(kind: HeaderValue, body: Bytes, tag: &str, headers: &HeaderMap) -> Answer {
    let is_known = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|known| known.trim().trim_start_matches("W/"))
        .any(|known| known == "*" || known == tag.trim_start_matches("W/"));
    let mut answer = if is_known {
        let mut answer = answer::whole(StatusCode::NOT_MODIFIED, kind, Bytes::new());
        answer.headers_mut().remove(CONTENT_TYPE);
        answer
    } else {
        answer::whole(StatusCode::OK, kind, body)
    };
    if let Ok(tag) = HeaderValue::from_str(tag) {
        answer.headers_mut().insert(ETAG, tag);
    }
    answer
}

/// Weak, because it is the same for a body gzipped and not (RFC 9110 §8.8.3.3).
fn tag(body: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    format!("W/\"{:016x}\"", hasher.finish())
}

#[cfg(test)]
mod tests {
    use hyper::header::{ACCEPT_ENCODING, CONTENT_ENCODING, VARY};

    use super::*;

    #[test]
    fn a_body_that_never_changes_has_one_tag_gzipped_and_not() {
        let still = Still::new(answer::JSON, Bytes::from(vec![b'a'; LEAST_BYTES]));

        let plain = still.answer(&HeaderMap::new());
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        let gzipped = still.answer(&headers);
        headers.insert(IF_NONE_MATCH, gzipped.headers()[ETAG].clone());
        let known = still.answer(&headers);

        assert_eq!(plain.headers()[ETAG], gzipped.headers()[ETAG]);
        assert_eq!(known.headers()[ETAG], gzipped.headers()[ETAG]);
        assert_eq!(gzipped.headers()[CONTENT_ENCODING], "gzip");
        assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
        assert!(!known.headers().contains_key(CONTENT_ENCODING));
        assert_eq!(known.headers()[VARY], "accept-encoding");
    }
}
