//! Reads a request's body: whole, bounded in bytes and in time.
//!
//! What the bytes mean is left to [`super::api`].

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Body;
use hyper::header::{HeaderMap, TRANSFER_ENCODING};

/// Longest body, in bytes. The largest registration that our limits allow (16 tags, 32 pairs of
/// metadata) has about 12 KiB.
pub(super) const MAX_BODY_BYTES: usize = 16 * 1024;
/// Longest time from the head to the body's last byte.
pub(super) const BODY_TIME: Duration = Duration::from_secs(5);

/// Why a body was not read to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ReadError {
    /// Coded in a way that this daemon and a proxy before it may read differently.
    #[error(
        "the body has a Transfer-Encoding other than chunked alone; send it with a Content-Length, or chunked"
    )]
    Coded,
    /// More bytes than a body may have.
    #[error("the body has more than {MAX_BODY_BYTES} bytes, the limit; send less")]
    TooLarge,
    /// The rest did not come in time.
    #[error("the body did not come within {} s; send the request again", BODY_TIME.as_secs())]
    TooSlow,
    /// The connection or the chunked coding broke.
    #[error("the body ended before its time or its chunks are malformed; send it again")]
    Broken,
}

/// Whether the end of the body is told in one way only. hyper takes any list of codings that ends
/// in `chunked`, and undoes the last.
///
/// # Errors
/// [`ReadError::Coded`].
pub(super) fn check_coding(headers: &HeaderMap) -> Result<(), ReadError> {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(coding), None) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(()),
        _ => Err(ReadError::Coded),
    }
}

/// Reads `body` to its end, for as long as that takes: see [`in_time`]. A length above the limit is
/// refused before a byte is read.
///
/// # Errors
/// [`ReadError`] when it is too large or broken off.
pub(super) async fn read<B>(body: B) -> Result<Bytes, ReadError>
where
    B: Body<Data = Bytes>,
{
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let announced = usize::try_from(body.size_hint().lower());
    if announced.is_ok_and(|bytes| bytes <= MAX_BODY_BYTES) {
        collect(body).await
    } else {
        Err(ReadError::TooLarge)
    }
}

/// What [`read`] reads, or an error when it takes too long from now on.
///
/// # Errors
/// Those of [`read`], and [`ReadError::TooSlow`].
pub(super) async fn in_time(
    read: impl Future<Output = Result<Bytes, ReadError>>,
) -> Result<Bytes, ReadError> {
    tokio::time::timeout(BODY_TIME, read)
        .await
        .unwrap_or(Err(ReadError::TooSlow))
}

async fn collect<B>(body: B) -> Result<Bytes, ReadError>
where
    B: Body<Data = Bytes>,
{
    let mut body = pin!(body);
    // A body in one piece, as most are, is not copied.
    let mut first = Bytes::new();
    let mut whole = BytesMut::new();
    // One of known length is not asked again behind its last byte.
    while !body.is_end_stream()
        && let Some(frame) = body.frame().await
    {
        let Ok(frame) = frame else {
            return Err(ReadError::Broken);
        };
        // Trailers say nothing we listen to.
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if MAX_BODY_BYTES < first.len() + whole.len() + data.len() {
            return Err(ReadError::TooLarge);
        }
        if first.is_empty() && whole.is_empty() {
            first = data;
        } else {
            whole.extend_from_slice(&std::mem::take(&mut first));
            whole.extend_from_slice(&data);
        }
    }
    Ok(if whole.is_empty() {
        first
    } else {
        whole.freeze()
    })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use http_body_util::Full;
    use hyper::body::Frame;

    use super::*;

    /// A body of unknown length: its pieces, and then its end or silence.
    struct Pieces {
        pieces: Vec<Bytes>,
        falls_silent: bool,
    }

    impl Body for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            match self.pieces.pop() {
                Some(piece) => Poll::Ready(Some(Ok(Frame::data(piece)))),
                None if self.falls_silent => Poll::Pending,
                None => Poll::Ready(None),
            }
        }
    }

    fn pieces(count: usize, bytes: usize) -> Pieces {
        Pieces {
            pieces: vec![Bytes::from(vec![b'x'; bytes]); count],
            falls_silent: false,
        }
    }

    #[tokio::test]
    async fn a_body_may_have_exactly_the_limit() {
        let exact = read(Full::new(Bytes::from(vec![b'x'; MAX_BODY_BYTES]))).await;
        let above = read(Full::new(Bytes::from(vec![b'x'; MAX_BODY_BYTES + 1]))).await;

        assert_eq!(exact.unwrap().len(), MAX_BODY_BYTES);
        assert_eq!(above, Err(ReadError::TooLarge));
    }

    #[tokio::test]
    async fn a_body_of_unknown_length_is_cut_at_the_limit() {
        assert_eq!(read(pieces(16, 1024)).await.unwrap().len(), MAX_BODY_BYTES);
        assert_eq!(read(pieces(17, 1024)).await, Err(ReadError::TooLarge));
    }

    #[tokio::test]
    async fn pieces_are_joined_in_their_order() {
        for (sent, whole) in [
            (&["a"][..], "a"),
            (&["a", "b"], "ab"),
            (&["", "ab", "", "c", "de"], "abcde"),
            (&["", ""], ""),
        ] {
            let in_turn = sent.iter().rev();
            let body = Pieces {
                pieces: in_turn
                    .map(|text| Bytes::from_static(text.as_bytes()))
                    .collect(),
                falls_silent: false,
            };

            assert_eq!(read(body).await.unwrap(), whole, "{sent:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_falls_silent_is_given_up() {
        let silent = Pieces {
            falls_silent: true,
            ..pieces(1, 10)
        };

        let ended = tokio::time::timeout(2 * BODY_TIME, in_time(read(silent))).await;

        assert_eq!(ended, Ok(Err(ReadError::TooSlow)));
    }

    #[tokio::test]
    async fn no_body_is_an_empty_body() {
        assert_eq!(read(Full::new(Bytes::new())).await.unwrap().len(), 0);
    }
}
