//! The way of a request through the edge: who asks, is it let in, where does it go, its body, its
//! answer.
//!
//! A heartbeat passes here a hundred thousand times a second, so what lives while it waits is small:
//! hyper moves the future of each request as a whole.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::pin;
use std::task::Poll;

use bytes::Bytes;
use hyper::Request;
use hyper::body::{Body, Incoming};
use hyper::http::request::Parts;
use lastbeat_proto::{Span, query};

use super::answer::{self, Answer};
use super::api::{self, Call, Told};
use super::body::{self, ReadError};
use super::connection;
use super::crowd::{DAWDLING_TIME, Seat};
use super::gate::{Caller, GateError};
use super::guard::{self, KnownHosts};
use super::problem::{self, Refusal};
use super::router::{self, Destination};
use super::sender::{Peer, Sender};
use super::site::Site;
use super::socket::Turn;
use crate::clock::Mono;
use crate::token::masked;

/// Most headers of a request. hyper counts to another number at no cost, and to this one by
/// writing it down for each request.
const MAX_HEADERS: usize = 64;

/// The way of one request through the edge, and how far it came.
struct Way<'way> {
    peer: &'way Peer,
    at: (&'way Seat, &'way Turn),
    head: &'way Parts,
    /// Who sent it.
    sender: Sender,
    began: Mono,
    /// Its place in the table of endpoints, once it is known.
    endpoint: Option<usize>,
    /// Whether a part of it may still come.
    is_cut: bool,
    body: Incoming,
}

impl Site {
    /// Answers one request, whatever it is, and ends its turn. It comes from a peer, and tells its
    /// seat when what is missing of it is waited for, which it learns from its turn.
    pub(super) fn respond<'a>(
        &'a self,
        peer: &'a Peer,
        at: (&'a Seat, &'a Turn),
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Answer, Infallible>> + use<'a> {
        // Not in the future, which is moved as a whole and would hold them twice.
        let (head, body) = request.into_parts();
        async move {
            if MAX_HEADERS < head.headers.len() {
                self.traffic.note_malformed();
                connection::end(at, false);
                return Ok(answer::too_many_headers(head.version));
            }
            let id = self.ids.next();
            let mut way = Way {
                peer,
                at,
                head: &head,
                sender: self.proxies.sender(peer.ip, peer.scheme, &head.headers),
                began: self.registry.clock().steady(),
                endpoint: None,
                is_cut: !body.is_end_stream(),
                body,
            };
            let asked = self.ask(&mut way).await;
            let mut is_malformed = false;
            let mut answer = asked.unwrap_or_else(|refusal| {
                is_malformed = refusal.is_of_a_malformed_head();
                problem::refuse(refusal, &head, self.theme(), id)
            });
            answer::finish(&mut answer, &self.usual_headers);
            // Where two readers may disagree on what was asked, nothing behind it is trusted.
            if way.is_cut || is_malformed {
                answer::close_after(&mut answer, head.version);
            }
            self.note(&answer, &way);
            tracing::debug!(
                request.id = %id,
                http.method = %masked(head.method.as_str()),
                http.target = %masked(&head.uri.to_string()),
                http.status = answer.status().as_u16(),
                peer.ip = %way.sender.ip,
                "answered a request"
            );
            connection::end(at, way.is_cut);
            Ok(answer)
        }
    }

    async fn ask(&self, way: &mut Way<'_>) -> Result<Answer, Refusal> {
        let (head, began) = (way.head, way.began);
        let caller = self.gate.caller(&head.headers, began);
        let known = if caller.has_token() {
            &KnownHosts::any()
        } else {
            &self.known
        };
        guard::check(head, way.sender.scheme, known)?;
        let destination = router::route(&head.method, head.uri.path())?;
        way.endpoint = Some(destination.index);
        let asked = (way.sender.ip, began);
        caller
            .must(destination.scope)
            .inspect_err(|error| self.tell(error, head, asked, destination.index))?;
        // Where a body has a coding, hyper goes by it and takes no length (RFC 9112 §6.3).
        if way.body.size_hint().exact().is_none() {
            body::check_coding(&head.headers)?;
        }
        let (body, is_late) = receive(&mut way.body, way.at).await?;
        way.is_cut = false;
        let caller = if is_late {
            self.still(head, &destination)?
        } else {
            caller
        };
        let mut call = Call {
            site: self,
            peer: way.peer,
            sender: &way.sender,
            caller,
            head,
            destination,
            body,
        };
        let later = match api::answer(&mut call) {
            Told::Now(outcome) => return outcome,
            Told::Later(later) => later,
        };
        later.await
    }

    /// Who asks, once more: a token may be revoked while a request waits for its body or a change.
    ///
    /// # Errors
    /// [`GateError`] for who may not do any more what was asked.
    pub(super) fn still(&self, head: &Parts, to: &Destination<'_>) -> Result<Caller, GateError> {
        let now = self.registry.clock().steady();
        let caller = self.gate.caller(&head.headers, now);
        caller.must(to.scope)?;
        Ok(caller)
    }

    /// Counts what was answered, and how long that took.
    fn note(&self, answer: &Answer, way: &Way<'_>) {
        let took = self.registry.clock().steady().micros_since(way.began);
        let took = (!waits(way.head)).then(|| Span::from_signed_micros(took));
        self.traffic
            .note(way.endpoint, answer.status().as_u16(), took);
    }

    /// Tells the operator of a wrong token that came from an address at a moment.
    fn tell(&self, error: &GateError, head: &Parts, (ip, now): (IpAddr, Mono), endpoint: usize) {
        if error.is_wrong() {
            let wrong = self.gate.wrong_in(&head.headers);
            self.strangers.note(ip, now, endpoint, wrong);
        }
    }
}

/// Reads the body, and says whether it was waited for. Who lets us wait for it can be asked to leave
/// meanwhile, and may lose its seat to others when that takes long.
async fn receive(
    body: &mut Incoming,
    (seat, turn): (&Seat, &Turn),
) -> Result<(Bytes, bool), ReadError> {
    let mut read = pin!(body::read(body));
    let at_once = poll_fn(|cx| match read.as_mut().poll(cx) {
        Poll::Ready(body) => Poll::Ready(Some(body)),
        Poll::Pending => turn.poll_out_of_body().map(|()| None),
    });
    if let Some(body) = at_once.await {
        return Ok((body?, false));
    }
    // Apart, so that no request has to carry the timers of the few that need them.
    Box::pin(async {
        seat.arrive();
        let mut read = pin!(body::in_time(read));
        let body = match tokio::time::timeout(DAWDLING_TIME, read.as_mut()).await {
            Ok(body) => body,
            Err(_elapsed) => {
                seat.dawdle();
                read.await
            }
        };
        seat.work();
        Ok((body?, true))
    })
    .await
}

/// Whether a request asked to be answered later: how long that takes is the asker's own wish.
fn waits(head: &Parts) -> bool {
    let asked = head.uri.query().unwrap_or_default();
    !asked.is_empty() && query::value_of(asked, "wait").is_some()
}
