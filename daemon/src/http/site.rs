//! What all requests of one daemon share, and what of it is read again while it runs.

use std::num::NonZero;
use std::sync::Arc;

use hyper::header::HeaderMap;
use lastbeat_proto::answer::NoticeLevel;
use tokio::sync::{Notify, Semaphore};

use super::answer::{self, Answer};
use super::assets::Assets;
use super::coding::Coders;
use super::crowd::Crowd;
use super::gate::Gate;
use super::guard::KnownHosts;
use super::openapi::Document;
use super::pace::Pace;
use super::request_id::RequestIds;
use super::router::RouteError;
use super::sender::Proxies;
use super::shelf::Shelf;
use super::strangers::Strangers;
use super::theme::{self, Theme};
use super::tls::Tls;
use super::traffic::Traffic;
use super::waiting::Waiting;
use super::{Access, Edge, descriptors};
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
    /// Of most answers: heartbeats have no others.
    pub(super) usual_headers: HeaderMap,
    /// One for each page that is rendered, and for each answer of history: that occupies a worker.
    /// Half of them, so that there are others for heartbeats, and few are half made at a time.
    pub(super) renders: Semaphore,
    /// Notified when the tokens are to be read, changed or not.
    pub(super) reread: Notify,
    /// Notified when the certificate was read again.
    pub(super) certificate_read: Notify,
    pub(super) ids: RequestIds,
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
            usual_headers: answer::usual_headers(),
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
}
