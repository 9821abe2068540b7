//! The stream below one HTTP connection: bounds what hyper does not.
//!
//! hyper has one timer for a request's head, which it makes anew for each and which runs while a
//! connection is idle too. Devices may rest for two minutes between heartbeats, but nobody needs
//! that long to send a head. So hyper gets none, and this stream counts from a head's first byte;
//! it also gives up on a reader that takes nothing, notes when an answer was taken last, and closes
//! so that this one is not lost.
//!
//! It stands right on the connection, below TLS where that is spoken: there a reader that takes
//! nothing is seen whether data, a flush or a farewell waits for it, half a record counts as half
//! a head, and what is dropped at the end needs no decrypting.

mod turn;

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

pub(super) use self::turn::Turn;

/// From a head's first byte (of the first: from accept) to its end.
pub(super) const HEAD_TIME: Duration = Duration::from_secs(5);
/// How long a reader may take nothing of an answer: as long as a weak radio link may be away, and no
/// longer, since whoever asks for the long list and never reads holds a seat so long.
pub(super) const STALL_TIME: Duration = Duration::from_secs(8);
/// How long what a client still sends behind its last answer is read and dropped: closing at once
/// would reset the connection and take the answer with it (RFC 9112 §9.6).
const LINGER_TIME: Duration = Duration::from_secs(1);
/// How much of it, in bytes.
const LINGER_BYTES: usize = 256 * 1024;
/// Up to so many bytes a head and a body are put together and go as one: for little that costs less
/// than to have the kernel gather them.
const ONE_PIECE_BYTES: usize = 2 * 1024;

/// A stream with the bounds of this file.
pub(super) struct Socket<S> {
    stream: S,
    turn: Arc<Turn>,
    /// The turn in which the last read was.
    seen: usize,
    /// Whether the begin of a head has come.
    has_begun: bool,
    /// Set while the rest of a head is waited for.
    head: Option<Pin<Box<Sleep>>>,
    /// Set while an answer cannot be written.
    stall: Option<Pin<Box<Sleep>>>,
    linger: Option<Linger>,
}

struct Linger {
    ends: Pin<Box<Sleep>>,
    bytes_left: usize,
    /// Whether more is known to come; else only what is already here is read.
    is_patient: bool,
}

impl<S> Socket<S> {
    /// Starts the time of the first head.
    pub(super) fn new(stream: S, turn: Arc<Turn>) -> Self {
        Self {
            stream,
            turn,
            seen: 0,
            has_begun: false,
            head: Some(Box::pin(sleep(HEAD_TIME))),
            stall: None,
            linger: None,
        }
    }

    /// Begins the time of the first head anew: what came before it was the handshake of TLS.
    pub(super) fn expect_head(&mut self) {
        self.head = Some(Box::pin(sleep(HEAD_TIME)));
    }

    /// Notes which turn it is, and whether bytes came in; an error when a head takes too long.
    fn watch_head(&mut self, cx: &mut Context<'_>, came: Poll<usize>) -> io::Result<()> {
        let turn = self.turn.number();
        if turn != self.seen {
            self.seen = turn;
            self.head = None;
            self.has_begun = false;
        }
        match came {
            // What has come is read before anything is too late: the delay may have been ours. Who
            // sends slowly is met below, as hyper reads until there is nothing more for now.
            Poll::Ready(came) => {
                self.has_begun |= 0 < came && turn.is_multiple_of(2);
                return Ok(());
            }
            // hyper reads on only while a head is not whole: one that came in one piece needs no
            // timer.
            Poll::Pending if self.has_begun => {
                self.head.get_or_insert_with(|| Box::pin(sleep(HEAD_TIME)));
            }
            Poll::Pending => {}
        }
        expire(&mut self.head, cx)
    }
}

impl Socket<TcpStream> {
    /// Looks at the first bytes and leaves them where they are.
    pub(super) async fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.stream.peek(buf).await
    }
}

/// An error when the time is over.
fn expire(time: &mut Option<Pin<Box<Sleep>>>, cx: &mut Context<'_>) -> io::Result<()> {
    let is_over = time
        .as_mut()
        .is_some_and(|sleep| sleep.as_mut().poll(cx).is_ready());
    if is_over {
        return Err(io::ErrorKind::TimedOut.into());
    }
    Ok(())
}

impl<S: AsyncRead + Unpin> AsyncRead for Socket<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        let before = buf.filled().len();
        let read = Pin::new(&mut socket.stream).poll_read(cx, buf);
        let came = match read {
            Poll::Ready(Err(_)) => return read,
            Poll::Ready(Ok(())) => Poll::Ready(buf.filled().len() - before),
            Poll::Pending => Poll::Pending,
        };
        socket.watch_head(cx, came)?;
        read
    }
}

impl<S: AsyncWrite + Unpin> Socket<S> {
    fn watch_write<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stall = None;
            self.turn.note_written();
        } else {
            self.stall
                .get_or_insert_with(|| Box::pin(sleep(STALL_TIME)));
            expire(&mut self.stall, cx)?;
        }
        written
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Socket<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let socket = self.get_mut();
        let written = Pin::new(&mut socket.stream).poll_write(cx, buf);
        socket.watch_write(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let socket = self.get_mut();
        let stream = Pin::new(&mut socket.stream);
        let mut piece = [0; ONE_PIECE_BYTES];
        let written = match put_together(bufs, &mut piece) {
            Some(piece) => stream.poll_write(cx, piece),
            None => stream.poll_write_vectored(cx, bufs),
        };
        socket.watch_write(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        let linger = match &mut socket.linger {
            Some(linger) => linger,
            linger @ None => {
                ready!(Pin::new(&mut socket.stream).poll_shutdown(cx))?;
                linger.insert(Linger {
                    ends: Box::pin(sleep(LINGER_TIME)),
                    bytes_left: LINGER_BYTES,
                    is_patient: socket.turn.is_cut(),
                })
            }
        };
        linger.poll_drop(&mut socket.stream, cx).map(Ok)
    }
}

/// All of these bytes, where `piece` has room for them.
fn put_together<'a>(bufs: &[io::IoSlice<'_>], piece: &'a mut [u8]) -> Option<&'a [u8]> {
    let mut length = 0;
    for buf in bufs {
        let end = length + buf.len();
        piece.get_mut(length..end)?.copy_from_slice(buf);
        length = end;
    }
    piece.get(..length)
}

impl Linger {
    /// Drops what comes in; ready at the end of stream, of time or of patience. A client that has
    /// sent all it wanted is not waited for.
    fn poll_drop<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let mut scratch = [0; 4096];
        loop {
            let mut buf = ReadBuf::new(&mut scratch);
            let came = match Pin::new(&mut *stream).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) => buf.filled().len(),
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Pending if !self.is_patient => return Poll::Ready(()),
                Poll::Pending => return self.ends.as_mut().poll(cx),
            };
            if came == 0 || self.bytes_left <= came {
                return Poll::Ready(());
            }
            self.bytes_left -= came;
            self.is_patient = true;
        }
    }
}

#[cfg(test)]
mod tests;
