//! Answers as HTTP: bodies, their types, and the headers that every one of them has.
//!
//! What an answer says is left to [`super::api`], how an error looks to [`super::problem`].

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue,
    LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode, Version};
use serde::Serialize;

use crate::registry::{Listing, ListingChunks};

/// Media type of JSON answers.
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Media type of pages.
pub(super) const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// What every answer carries, so that no page of ours runs, frames or sends what is not ours.
const SECURITY: [(HeaderName, HeaderValue); 3] = [
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
             connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
    ),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    // With `no-referrer` browsers send `Origin: null` from our own forms.
    (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
];

/// A whole answer.
pub(super) type Answer = Response<AnswerBody>;

/// What an answer's body is.
pub(super) enum AnswerBody {
    /// Bytes of known length.
    Whole(Full<Bytes>),
    /// A long list, built while it is sent.
    Chunks(ListingChunks),
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(body) => Pin::new(body).poll_frame(cx),
            Self::Chunks(chunks) => Poll::Ready(chunks.next().map(|chunk| Ok(Frame::data(chunk)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Chunks(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Chunks(_) => SizeHint::default(),
        }
    }
}

/// Bytes of this type, not to be kept by any cache.
pub(super) fn whole(status: StatusCode, kind: HeaderValue, bytes: Bytes) -> Answer {
    let mut answer = Response::new(AnswerBody::Whole(Full::new(bytes)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

/// `value` as JSON.
///
/// # Errors
/// When it cannot be written as JSON.
pub(super) fn json<T: Serialize>(value: &T) -> Result<Answer, serde_json::Error> {
    let bytes = serde_json::to_vec(value)?;
    Ok(whole(StatusCode::OK, JSON, bytes.into()))
}

/// The whole list. HTTP/1.0 has no chunked coding, so there the close is a long list's end.
pub(super) fn listing(listing: Listing, version: Version) -> Answer {
    match listing {
        Listing::Whole(bytes) => whole(StatusCode::OK, JSON, bytes),
        Listing::Chunks(chunks) => {
            let mut answer = Response::new(AnswerBody::Chunks(chunks));
            answer.headers_mut().insert(CONTENT_TYPE, JSON);
            if version == Version::HTTP_10 {
                close_after(&mut answer, version);
            }
            answer
        }
    }
}

/// A page.
pub(super) fn html(status: StatusCode, page: String) -> Answer {
    whole(status, HTML, page.into())
}

/// Sends a browser back to the page after a form; `root` is the way there.
pub(super) fn see_other(root: &str) -> Answer {
    let mut answer = whole(StatusCode::SEE_OTHER, HTML, Bytes::new());
    #[expect(clippy::expect_used, reason = "root is made of dots and slashes")]
    let root = HeaderValue::from_str(root).expect("dots and slashes");
    answer.headers_mut().insert(LOCATION, root);
    answer
}

/// Ends the connection behind this answer to a request of `version`, and says so.
pub(super) fn close_after(answer: &mut Answer, version: Version) {
    // To an answer of 1.1 for a request of 1.0 hyper would add a keep-alive of its own.
    *answer.version_mut() = version;
    let close = HeaderValue::from_static("close");
    answer.headers_mut().insert(CONNECTION, close);
}

/// Adds what every answer has; a cache rule only where the answer has none of its own.
pub(super) fn finish(answer: &mut Answer) {
    let headers = answer.headers_mut();
    for (name, value) in SECURITY {
        headers.insert(name, value);
    }
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_is_guarded_and_none_is_cached_unless_it_says_so() {
        let mut plain = html(StatusCode::OK, String::new());
        let mut cached = html(StatusCode::OK, String::new());
        let hour = HeaderValue::from_static("max-age=3600");
        cached.headers_mut().insert(CACHE_CONTROL, hour.clone());

        finish(&mut plain);
        finish(&mut cached);

        for (name, value) in SECURITY {
            assert_eq!(plain.headers().get(&name), Some(&value));
        }
        assert_eq!(plain.headers().get(CACHE_CONTROL).unwrap(), "no-store");
        assert_eq!(cached.headers().get(CACHE_CONTROL), Some(&hour));
    }

    #[test]
    fn a_form_leads_back_to_the_page() {
        let answer = see_other("../");

        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        assert_eq!(answer.headers().get(LOCATION).unwrap(), "../");
    }
}
