//! Answers as HTTP: bodies, their types, and the headers that every one of them has.
//!
//! What an answer says is left to [`super::api`], how an error looks to [`super::problem`].

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap,
    HeaderName, HeaderValue, LOCATION, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode, Version};
use serde::Serialize;
use tokio::task::yield_now;

use super::coding::{self, Coder, LEAST_BYTES, PIECE_BYTES, wants_gzip};
use super::shelf::{Shelf, ShelfFull};
use crate::registry::Listing;

/// Media type of JSON answers.
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Media type of pages.
pub(super) const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// What every answer carries, so that no page of ours runs, frames or sends what is not ours.
const SECURITY: [(HeaderName, HeaderValue); 4] = [
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
             connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
    ),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    // No page of another site shows, runs or times an answer by naming it in a tag.
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    // With `no-referrer` browsers send `Origin: null` from our own forms.
    (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
];

/// A whole answer.
pub(super) type Answer = Response<AnswerBody>;

/// What an answer's body is.
pub(super) enum AnswerBody {
    /// Bytes of known length; none once they are taken.
    Whole(Bytes),
    /// A list, written while it is sent; apart, so that small answers are moved as such.
    Pieces(Box<Pieces>),
}

/// A list that is written while it is sent.
pub(super) struct Pieces {
    /// What is not written yet.
    listing: Listing,
    /// What gzips it, where it is.
    coder: Option<Coder>,
    /// Whether the next piece is somebody else's turn first.
    rests: bool,
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let data = match self.get_mut() {
            Self::Whole(bytes) => Some(std::mem::take(bytes)).filter(|bytes| !bytes.is_empty()),
            Self::Pieces(pieces) => {
                // Who takes much at once would keep a worker from everybody else, from those too of
                // whom it learns only when it asks the system: by a plain wake-up it would come to
                // that behind 61 pieces.
                if pieces.rests && pin!(yield_now()).poll(cx).is_pending() {
                    pieces.rests = false;
                    return Poll::Pending;
                }
                pieces.rests = true;
                match &mut pieces.coder {
                    None => pieces.listing.next(),
                    Some(coder) => coder.next(&mut pieces.listing),
                }
            }
        };
        Poll::Ready(data.map(|data| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Pieces(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Pieces(_) => SizeHint::default(),
        }
    }
}

/// Bytes of this type, not to be kept by any cache.
pub(super) fn whole(status: StatusCode, kind: HeaderValue, bytes: Bytes) -> Answer {
    let mut answer = Response::new(AnswerBody::Whole(bytes));
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

/// JSON that is written already; [`finish`] gives it the [`usual_headers`].
pub(super) fn usual(json: Vec<u8>) -> Answer {
    Response::new(AnswerBody::Whole(json.into()))
}

/// The headers of JSON that no cache keeps, all that [`finish`] wants: made once and copied, which
/// takes a third of the time.
pub(super) fn usual_headers() -> HeaderMap {
    let mut answer = whole(StatusCode::OK, JSON, Bytes::new());
    secure(answer.headers_mut());
    answer.into_parts().0.headers
}

/// A list: whole where it is not long, else in pieces. HTTP/1.0 has no chunked coding, so there
/// the close is a long list's end. With a `coder` it is gzipped, and whole where it fits into one
/// piece.
pub(super) fn listing(
    listing: Listing,
    coder: Option<Coder>,
    version: Version,
    shelf: &Shelf,
) -> Answer {
    let bytes = match coder {
        None => shelf.whole(&listing),
        Some(_) => listing.whole(PIECE_BYTES),
    };
    let is_coded = coder.is_some() && bytes.as_ref().is_none_or(is_worth_it);
    let mut answer = match (bytes, coder) {
        (Some(bytes), Some(coder)) if is_coded => whole(StatusCode::OK, JSON, coder.whole(&bytes)),
        (Some(bytes), _) => whole(StatusCode::OK, JSON, bytes),
        (None, coder) => in_pieces(listing, coder, version),
    };
    announce(&mut answer, is_coded);
    answer
}

fn in_pieces(listing: Listing, coder: Option<Coder>, version: Version) -> Answer {
    let mut answer = Response::new(AnswerBody::Pieces(Box::new(Pieces {
        listing,
        coder,
        rests: false,
    })));
    answer.headers_mut().insert(CONTENT_TYPE, JSON);
    if version == Version::HTTP_10 {
        close_after(&mut answer, version);
    }
    answer
}

/// `answer`, gzipped where a request with these `headers` wants that and it is worth it.
pub(super) async fn coded(answer: Answer, headers: &HeaderMap) -> Answer {
    let (head, body) = answer.into_parts();
    let (body, is_coded) = match body {
        AnswerBody::Whole(plain) if is_worth_it(&plain) && wants_gzip(headers) => {
            (AnswerBody::Whole(coding::gzipped(&plain).await), true)
        }
        plain => (plain, false),
    };
    let mut answer = Response::from_parts(head, body);
    announce(&mut answer, is_coded);
    answer
}

fn is_worth_it(plain: &Bytes) -> bool {
    LEAST_BYTES <= plain.len()
}

/// Says that an answer may be gzipped, and whether it is.
pub(super) fn announce(answer: &mut Answer, is_coded: bool) {
    let headers = answer.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if is_coded {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
}

/// `answer` on the shelf.
///
/// # Errors
/// [`ShelfFull`] when there is no room for it.
pub(super) fn kept(answer: Answer, shelf: &Shelf) -> Result<Answer, ShelfFull> {
    let (head, body) = answer.into_parts();
    let body = match body {
        AnswerBody::Whole(bytes) => AnswerBody::Whole(shelf.keep(bytes)?),
        pieces @ AnswerBody::Pieces(_) => pieces,
    };
    Ok(Response::from_parts(head, body))
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

/// The answer to a head with too many lines: bare, as hyper gives it for one that is too long.
pub(super) fn too_many_headers(version: Version) -> Answer {
    let mut answer = Response::new(AnswerBody::Whole(Bytes::new()));
    *answer.status_mut() = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    close_after(&mut answer, version);
    answer
}

/// Adds what every answer has. One without any headers gets the `usual` ones.
pub(super) fn finish(answer: &mut Answer, usual: &HeaderMap) {
    let headers = answer.headers_mut();
    if headers.is_empty() {
        headers.clone_from(usual);
    } else {
        secure(headers);
    }
}

/// Adds the headers of every answer; a cache rule only where there is none.
fn secure(headers: &mut HeaderMap) {
    for (name, value) in SECURITY {
        headers.insert(name, value);
    }
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
}

#[cfg(test)]
mod tests;
