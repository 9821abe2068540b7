//! One connection from accept to close: hyper with the limits of this daemon.
//!
//! What a request is answered with is handed in by [`super`].

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::sync::watch;

use super::answer::Answer;
use super::crowd::{DAWDLING_TIME, Seat};
use super::rarely::rarely;
use super::socket::Turn;
use super::stream::Stream;

/// How long a connection may rest between two requests: heartbeats of two minutes on a kept
/// connection are common. hyper has a timer for that and makes a new one for each request.
const IDLE_TIME: Duration = Duration::from_secs(120);
/// How long a connection whose seat is needed may still take of an answer that is made.
const FAREWELL_TIME: Duration = Duration::from_secs(1);
/// Most bytes of a request's head.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// What came over a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    /// Requests, as far as anything came.
    Http,
    /// Something that hyper could not read, and answered bare.
    Malformed,
}

/// Answers the requests of one connection until either side is done, its seat is needed, or `stop`
/// turns true and the running request is answered.
///
/// `turn` is that of the socket below `stream`. Whoever replies says where it has to wait for the
/// rest of a request, and ends the turn by [`end`]. The result says whether what came was HTTP.
pub(super) async fn serve<R, F>(
    stream: Stream,
    turn: &Turn,
    seat: &Seat,
    stop: watch::Receiver<bool>,
    reply: R,
) -> Wire
where
    R: Fn(Request<Incoming>) -> F,
    F: Future<Output = Result<Answer, Infallible>>,
{
    let stream = TokioIo::new(stream);
    let service = service_fn(|request| {
        turn.begin();
        seat.work();
        reply(request)
    });
    let mut connection = pin!(builder().serve_connection(stream, service));
    let told = rarely(async {
        tokio::select! {
            told = until_told(seat, stop) => told,
            () = turn.has_rested_for(IDLE_TIME) => Told::Rested,
            never = reproach(seat, turn, DAWDLING_TIME) => match never {},
        }
    });
    let ended = tokio::select! {
        biased;
        ended = drive(connection.as_mut(), turn) => ended,
        told = told => {
            // What has not been asked yet needs no answer.
            if told == Told::SeatIsNeeded && seat.is_receiving() {
                return Wire::Http;
            }
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = drive(connection, turn) => ended,
                () = farewell(seat, told) => return Wire::Http,
            }
        }
    };
    let Err(error) = ended else {
        return Wire::Http;
    };
    tracing::debug!(
        error = &error as &dyn std::error::Error,
        "a connection broke"
    );
    if error.is_parse() {
        Wire::Malformed
    } else {
        Wire::Http
    }
}

/// An answer is made. `is_cut` says that the rest of its request may still come.
pub(super) fn end((seat, turn): (&Seat, &Turn), is_cut: bool) {
    if is_cut {
        turn.cut();
    }
    turn.end();
    seat.rest();
}

/// Drives a connection, and tells who reads a body when there is nothing more of it for now.
async fn drive<C: Future>(mut connection: Pin<&mut C>, turn: &Turn) -> C::Output {
    poll_fn(|cx| match connection.as_mut().poll(cx) {
        Poll::Pending if turn.is_out_of_body() => connection.as_mut().poll(cx),
        polled => polled,
    })
    .await
}

fn builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .max_buf_size(MAX_HEAD_BYTES)
        // Small clients end their side right behind the request and still want the answer.
        .half_close(true);
    builder
}

/// Why a connection should end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// Somebody else needs its seat.
    SeatIsNeeded,
    /// It has rested for long enough.
    Rested,
    /// The daemon stops.
    Stop,
}

/// Ends when the connection should.
pub(super) async fn until_told(seat: &Seat, mut stop: watch::Receiver<bool>) -> Told {
    tokio::select! {
        () = seat.asked_to_leave() => Told::SeatIsNeeded,
        // An error means that nobody is left to say stop: the daemon is going.
        _ = stop.wait_for(|stop| *stop) => Told::Stop,
    }
}

/// Notes when the first head has not come after `time`; never ends.
pub(super) async fn reproach(seat: &Seat, turn: &Turn, time: Duration) -> Infallible {
    tokio::time::sleep(time).await;
    if turn.is_first() {
        seat.dawdle();
    }
    std::future::pending().await
}

/// Ends when a connection whose seat is needed has had time enough to take its last answer. One
/// whose request came in at this very moment is answered first.
async fn farewell(seat: &Seat, told: Told) {
    loop {
        tokio::time::sleep(FAREWELL_TIME).await;
        if told == Told::SeatIsNeeded && !seat.is_working() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::socket::HEAD_TIME;

    #[test]
    fn a_resting_connection_is_kept_longer_than_any_sensible_beat() {
        assert!(Duration::from_secs(120) <= IDLE_TIME);
        assert!(HEAD_TIME < IDLE_TIME);
    }
}
