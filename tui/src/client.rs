//! Questions to the daemon over HTTP/1.1: the only place that knows hyper and TLS. Connections are
//! kept and used again; a question that a kept connection lost is asked once more on a new one.

mod answer;
mod connection;
mod credential;
mod error;
#[doc(hidden)]
pub mod seam;
mod tls;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::header::{AUTHORIZATION, HeaderValue};
use lastbeat_proto::Span;
use lastbeat_proto::answer::{
    DeregisterAnswer, EventsAnswer, GoneAnswer, RefreshAnswer, RegisterAnswer, ServicesAnswer,
    UptimeAnswer,
};
use lastbeat_proto::endpoint::Method;
use lastbeat_proto::path::encode;
use lastbeat_proto::query::MAX_LIMIT;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::config::{BaseUrl, Scheme, Settings};

use answer::Answer;
use connection::Connection;
use credential::{Token, read_authorities};
use tls::Tls;

pub use credential::CredentialError;
pub use error::ClientError;

/// Kept connections: one polls, one acts.
const MAX_KEPT: usize = 2;
/// Events of one answer: more than any screen has lines.
const EVENTS: usize = 200;

/// A registration as it is sent; what is left out stays as it is.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RegisterBody {
    /// Name of the service.
    pub name: String,
    /// Where it is; missing: where the request comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// Its port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// What tells it from others of this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// How long a heartbeat counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_s: Option<Span>,
    /// Labels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// Asks one daemon.
#[derive(Debug)]
pub struct Client {
    url: BaseUrl,
    timeout: Span,
    tls: Option<Tls>,
    token: Option<Token>,
    kept: Mutex<Vec<Connection>>,
}

impl Client {
    /// A client with the token and the authorities of these settings. Connects to nothing yet.
    ///
    /// # Errors
    /// [`CredentialError`] when one of their files cannot be used.
    pub fn open(settings: &Settings) -> Result<Self, CredentialError> {
        let url = settings.url.clone();
        let authorities = settings.ca_file.as_deref().map(read_authorities);
        let authorities = authorities.transpose()?;
        let tls = match url.scheme() {
            Scheme::Http => None,
            Scheme::Https => Some(Tls::new(url.host(), authorities)),
        };
        let token = settings.token_file.as_deref().map(Token::read);
        Ok(Self {
            tls,
            token: token.transpose()?,
            ..Self::new(url, settings.timeout)
        })
    }

    /// Without a token and without TLS. Connects to nothing yet. An answer is waited for at most `timeout`.
    pub const fn new(url: BaseUrl, timeout: Span) -> Self {
        Self {
            url,
            timeout,
            tls: None,
            token: None,
            kept: Mutex::new(Vec::new()),
        }
    }

    /// The whole registry, or what changed since a cursor.
    ///
    /// # Errors
    /// [`ClientError`], as for every question here.
    pub async fn services(&self, since: Option<&str>) -> Result<ServicesAnswer, ClientError> {
        match since {
            None => self.ask(Method::Get, "/services", None).await,
            Some(cursor) => {
                let path = format!("/services?since={}", encode(cursor));
                self.ask(Method::Get, &path, None).await
            }
        }
    }

    /// What left, newest first.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn gone(&self) -> Result<GoneAnswer, ClientError> {
        self.ask(Method::Get, &format!("/gone?limit={MAX_LIMIT}"), None)
            .await
    }

    /// What happened, newest first, to all or to one service.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn events(&self, name: Option<&str>) -> Result<EventsAnswer, ClientError> {
        let of = name.map_or_else(String::new, |name| format!("&name={}", encode(name)));
        self.ask(Method::Get, &format!("/events?limit={EVENTS}{of}"), None)
            .await
    }

    /// How a service was in the last days.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn uptime(&self, name: &str) -> Result<UptimeAnswer, ClientError> {
        self.ask(Method::Get, &format!("/uptime/{}", encode(name)), None)
            .await
    }

    /// Judges a service again.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn refresh(&self, name: &str) -> Result<RefreshAnswer, ClientError> {
        self.ask(Method::Post, &format!("/refresh/{}", encode(name)), None)
            .await
    }

    /// Judges all services again.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn refresh_all(&self) -> Result<(), ClientError> {
        let _all: serde::de::IgnoredAny = self.ask(Method::Post, "/refresh_all", None).await?;
        Ok(())
    }

    /// Takes one instance out of the registry.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn deregister(
        &self,
        name: &str,
        instance: &str,
    ) -> Result<DeregisterAnswer, ClientError> {
        let path = format!("/services/{}?instance={}", encode(name), encode(instance));
        self.ask(Method::Delete, &path, None).await
    }

    /// Registers, which is the heartbeat when repeated.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn register(&self, body: &RegisterBody) -> Result<RegisterAnswer, ClientError> {
        let json = serde_json::to_vec(body)
            .map_err(|error| ClientError::NotOurs(format!("cannot write the request: {error}")))?;
        self.ask(Method::Post, "/register", Some(Bytes::from(json)))
            .await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<T, ClientError> {
        let limit = Duration::from(self.timeout);
        let exchange = async {
            let request = self.request(method, path, body)?;
            self.exchange_as_whom(request).await
        };
        match tokio::time::timeout(limit, exchange).await {
            Ok(answer) => answer?.read(),
            Err(_elapsed) => Err(ClientError::Timeout(self.timeout)),
        }
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<Request<Full<Bytes>>, ClientError> {
        let mut request = Request::builder()
            .method(method.word())
            .uri(self.url.path(path))
            .header("host", self.url.authority())
            .header("accept", "application/json")
            .header(
                "user-agent",
                concat!("lastbeat/", env!("CARGO_PKG_VERSION")),
            );
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        request
            .body(Full::new(body.unwrap_or_default()))
            .map_err(|error| ClientError::NotOurs(format!("cannot build the request: {error}")))
    }

    /// Sends with the token. One that is refused, or may not, may have been replaced in its file
    /// meanwhile:
    /// then the question is asked once more, else not.
    async fn exchange_as_whom(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Answer, ClientError> {
        let Some(token) = &self.token else {
            return self.exchange(request).await;
        };
        let header = token.header();
        sign(&mut request, header.clone());
        let answer = self.exchange(request.clone()).await?;
        if !answer.is_unauthorized() {
            return Ok(answer);
        }
        match token.renew(&header) {
            Ok(true) => {
                sign(&mut request, token.header());
                let answer = self.exchange(request).await?;
                Ok(answer.signed_by(token.path()))
            }
            Ok(false) => Ok(answer.signed_by(token.path())),
            Err(error) => Err(ClientError::Unauthorized {
                status: answer.status,
                advice: error.to_string(),
            }),
        }
    }

    /// Sends on a kept connection, else, or when that one is found closed, on a new one. Every
    /// question of ours means the same when asked twice.
    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Answer, ClientError> {
        while let Some(mut connection) = self.take_kept() {
            if let Ok(answer) = connection.send(request.clone()).await {
                self.keep(connection);
                return Ok(answer);
            }
        }
        let mut connection = Connection::open(&self.url, self.tls.as_ref()).await?;
        let answer = connection.send(request).await?;
        self.keep(connection);
        Ok(answer)
    }

    fn take_kept(&self) -> Option<Connection> {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
    }

    fn keep(&self, connection: Connection) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < MAX_KEPT {
            kept.push(connection);
        }
    }
}

fn sign(request: &mut Request<Full<Bytes>>, token: HeaderValue) {
    request.headers_mut().insert(AUTHORIZATION, token);
}
