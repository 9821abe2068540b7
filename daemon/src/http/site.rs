//! What all requests of one daemon share, and the way of a request through the edge: who asks, is
//! it let in, where does it go, its body, its answer.

use std::net::IpAddr;
use std::num::NonZero;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use hyper::Request;
use hyper::body::{Body, Incoming};
use hyper::header::HeaderMap;
use hyper::http::request::Parts;
use lastbeat_proto::answer::NoticeLevel;
use lastbeat_proto::{Span, query};
use tokio::sync::{Notify, Semaphore};

use super::answer::{self, Answer};
use super::api::{self, Call};
use super::assets::Assets;
use super::body::{self, ReadError};
use super::coding::Coders;
use super::connection::Reply;
use super::crowd::{Crowd, DAWDLING_TIME, Seat};
use super::gate::{Gate, GateError};
use super::guard::{self, KnownHosts};
use super::openapi::Document;
use super::pace::Pace;
use super::problem;
use super::request_id::RequestIds;
use super::router::RouteError;
use super::sender::{Peer, Proxies};
use super::shelf::Shelf;
use super::socket::Turn;
use super::strangers::Strangers;
use super::theme::{self, Theme};
use super::tls::Tls;
use super::traffic::Traffic;
use super::waiting::Waiting;
use super::{Access, Edge, descriptors, router};
use crate::clock::Mono;
use crate::registry::Registry;
use crate::token::TokenError;

/// Kind of the notice while a new certificate cannot be used.
const NOT_RELOADED: &str = "certificate-not-reloaded";
/// Kind of the notice while a new style sheet cannot be used.
const NO_THEME: &str = "theme-not-reloaded";

/// What every connection of this daemon shares.
pub(super) struct Site {
    pub(super) registry: Arc<Registry>,
    pub(super) known: KnownHosts,
    pub(super) machine: Option<String>,
    pub(super) crowd: Arc<Crowd>,
    pub(super) gate: Gate,
    pub(super) strangers: Strangers,
    pub(super) proxies: Proxies,
    pub(super) pace: Pace,
    pub(super) tls: Option<Tls>,
    theme: Option<Theme>,
    pub(super) traffic: Traffic,
    pub(super) document: Document,
    pub(super) assets: Assets,
    pub(super) coders: Coders,
    pub(super) shelf: Shelf,
    pub(super) waiting: Waiting,
    /// One for each page that is rendered, and for each answer of history: that occupies a worker.
    /// Half of them, so that there are others for heartbeats, and few are half made at a time.
    pub(super) renders: Semaphore,
    /// Notified when the tokens are to be read, changed or not.
    pub(super) reread: Notify,
    /// Notified when the certificate was read again.
    pub(super) certificate_read: Notify,
    ids: RequestIds,
}

impl Site {
    /// What `edge` says, around `registry`.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub(super) fn new(registry: Arc<Registry>, edge: Edge) -> Result<Self, TokenError> {
        let names = edge.allowed_hosts.iter().chain(&edge.machine_name);
        let (tokens, anonymous_read) = match edge.access {
            Access::Open => (None, false),
            Access::Tokens {
                live,
                anonymous_read,
                ..
            } => (Some(live), anonymous_read),
        };
        let proxies = Proxies::new(&edge.trusted_proxies);
        let seats = descriptors::make_room(edge.max_connections);
        let workers = std::thread::available_parallelism().map_or(1, NonZero::get);
        Ok(Self {
            registry,
            known: KnownHosts::new(names.map(String::as_str)),
            crowd: Crowd::new(seats, proxies.clone()),
            gate: Gate::new(tokens, anonymous_read)?,
            strangers: Strangers::default(),
            proxies,
            pace: Pace::new(edge.max_write_rate),
            machine: edge.machine_name,
            tls: edge.tls,
            theme: edge.theme,
            assets: Assets::default(),
            coders: Coders::default(),
            traffic: Traffic::new(),
            document: Document::default(),
            shelf: Shelf::default(),
            waiting: Waiting::new(seats),
            renders: Semaphore::new(workers.div_ceil(2)),
            reread: Notify::new(),
            certificate_read: Notify::new(),
            ids: RequestIds::new()?,
        })
    }

    /// Reads again what lies in files; connections that are open go on as they are.
    pub(super) fn reload(&self) {
        self.reread.notify_one();
        if let Some(tls) = &self.tls {
            self.reload_certificate(tls);
        }
        if let Some(theme) = &self.theme {
            self.reload_theme(theme);
        }
        if self.tls.is_none() && self.theme.is_none() && !self.gate.asks() {
            let line = "told to read files again (SIGHUP), but no setting names one that may";
            tracing::info!("{line} change");
        }
    }

    fn reload_certificate(&self, tls: &Tls) {
        let notice = match tls.reload() {
            Ok(cert) => {
                self.certificate_read.notify_one();
                let cert = cert.display();
                tracing::info!("new connections get the certificate that is now in {cert}");
                None
            }
            Err(error) => {
                let text = format!("{error}; the certificate of before stays in use");
                tracing::warn!("{text}");
                Some((NoticeLevel::Warning, text))
            }
        };
        self.registry.set_notice(NOT_RELOADED, notice);
    }

    fn reload_theme(&self, theme: &Theme) {
        let notice = match theme.reload() {
            Ok(file) => {
                tracing::info!(
                    "pages have the style sheet that is now in {}",
                    file.display()
                );
                None
            }
            Err(error) => {
                let text = format!("{error}; the style sheet of before stays in use");
                tracing::warn!("{text}");
                Some((NoticeLevel::Warning, text))
            }
        };
        self.registry.set_notice(NO_THEME, notice);
    }

    /// The name of the operator's style sheet among the assets, where there is one.
    pub(super) fn theme(&self) -> Option<&'static str> {
        self.theme.as_ref().map(|_| theme::NAME)
    }

    /// A file of the dashboard, ours or the operator's.
    ///
    /// # Errors
    /// [`RouteError::NoPath`] when there is none of this name.
    pub(super) fn asset(&self, name: &str, headers: &HeaderMap) -> Result<Answer, RouteError> {
        match self.theme.as_ref().filter(|_| name == theme::NAME) {
            Some(theme) => Ok(theme.answer(headers)),
            None => self.assets.answer(name, headers),
        }
    }

    /// Tells the operator of a wrong token that came from an address at a moment.
    fn tell(&self, error: &GateError, head: &Parts, (ip, now): (IpAddr, Mono), endpoint: usize) {
        if *error == GateError::UnknownToken {
            let wrong = self.gate.wrong_in(&head.headers);
            self.strangers.note(ip, now, endpoint, wrong);
        }
    }

    /// Answers one request, whatever it is. It comes from a peer, and tells its seat when what is
    /// missing of it is waited for, which it learns from its turn.
    pub(super) async fn respond(
        &self,
        peer: &Peer,
        at: (&Seat, &Turn),
        request: Request<Incoming>,
    ) -> Reply {
        let id = self.ids.next();
        let began = self.registry.clock().steady();
        let (head, body) = request.into_parts();
        let sender = self.proxies.sender(peer.ip, peer.scheme, &head.headers);
        let ip = sender.ip;
        let mut endpoint = None;
        let mut is_cut = !body.is_end_stream();
        let asked = async {
            let caller = self.gate.caller(&head.headers, began);
            let known = if caller.has_token() {
                &KnownHosts::any()
            } else {
                &self.known
            };
            guard::check(&head, sender.scheme, known)?;
            let destination = router::route(&head.method, head.uri.path())?;
            endpoint = Some(destination.index);
            caller
                .must(destination.scope)
                .inspect_err(|error| self.tell(error, &head, (ip, began), destination.index))?;
            body::check_coding(&head.headers)?;
            let body = receive(body, at).await?;
            is_cut = false;
            api::answer(Call {
                site: self,
                peer,
                sender,
                caller,
                head: &head,
                destination,
                body,
            })
            .await
        };
        let mut is_malformed = false;
        let mut answer = match asked.await {
            Ok(answer) => answer,
            Err(refusal) => {
                is_malformed = refusal.is_of_a_malformed_head();
                problem::refuse(refusal, &head, self.theme(), id)
            }
        };
        answer::finish(&mut answer);
        let took = self.registry.clock().steady().micros_since(began);
        let took = (!waits(&head)).then(|| Span::from_signed_micros(took));
        self.traffic.note(endpoint, answer.status().as_u16(), took);
        // Where two readers may disagree on what was asked, nothing behind it is trusted.
        if is_cut || is_malformed {
            answer::close_after(&mut answer, head.version);
        }
        tracing::debug!(
            request.id = %id,
            http.method = %head.method,
            http.target = ?head.uri,
            http.status = answer.status().as_u16(),
            peer.ip = %ip,
            "answered a request"
        );
        Reply { answer, is_cut }
    }
}

/// Reads the body. Who lets us wait for it can be asked to leave meanwhile, and may lose its seat to
/// others when that takes long.
async fn receive(body: Incoming, (seat, turn): (&Seat, &Turn)) -> Result<Bytes, ReadError> {
    let mut read = pin!(body::read(body));
    tokio::select! {
        biased;
        body = read.as_mut() => return body,
        () = turn.out_of_body() => {}
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
        body
    })
    .await
}

/// Whether a request asked to be answered later: how long that takes is the asker's own wish.
fn waits(head: &Parts) -> bool {
    let asked = head.uri.query().unwrap_or_default();
    !asked.is_empty() && query::value_of(asked, "wait").is_some()
}
