//! The HTTP edge: from listeners to answers, and a stop that answers what still runs.
//!
//! A request goes guard, router, body, api, once each, from here. What it does is left to
//! [`crate::registry`], how one connection is held open to [`connection`].

mod answer;
mod api;
mod assets;
mod body;
mod coding;
mod connection;
mod crowd;
mod dashboard;
mod descriptors;
mod expiry;
mod gate;
mod guard;
mod gzip;
mod metrics;
mod openapi;
mod pace;
mod problem;
mod rarely;
mod request_id;
mod rereading;
mod router;
#[doc(hidden)]
pub mod seam;
mod sender;
mod session;
mod shelf;
mod sign;
mod site;
mod socket;
mod still;
mod strangers;
mod stream;
mod theme;
mod tls;
mod traffic;
mod validity;
mod waiting;
mod way;

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::{JoinError, JoinSet};

use self::connection::Wire;
use self::crowd::{DAWDLING_TIME, Seat};
pub use self::metrics::{METRICS, Metric, MetricKind};
use self::sender::Peer;
use self::site::Site;
use self::socket::{Socket, Turn};
use self::stream::Stream;
pub use self::theme::{Theme, ThemeError};
use self::tls::Opened;
pub use self::tls::{Tls, TlsError, read_chain};
use crate::registry::Registry;
use crate::token::{TokenError, Tokens};

/// How long a stop waits for running requests.
const STOP_TIME: Duration = Duration::from_secs(5);
/// First pause after accept failed; doubled up to [`LONGEST_PAUSE`] while it goes on failing.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// Longest pause after accept failed.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How long a TLS handshake may take without a reproach: it is up to three round trips (RFC 5246
/// §7.3 and TCP's own), and what a small device needs to reckon.
const HANDSHAKE_TIME: Duration = DAWDLING_TIME.saturating_mul(4);

/// What the edge needs to know beside the registry.
#[derive(Debug)]
pub struct Edge {
    /// Host names this daemon answers to, beside those that are safe by themselves.
    pub allowed_hosts: Vec<String>,
    /// The machine's own name, where it is known.
    pub machine_name: Option<String>,
    /// Most connections at a time; fewer where the system's limit on open files is lower.
    pub max_connections: usize,
    /// Certificate and key, where TLS is spoken.
    pub tls: Option<Tls>,
    /// The operator's style sheet for the pages, where there is one.
    pub theme: Option<Theme>,
    /// Notified when files are to be read again.
    pub reload: Arc<Notify>,
    /// Proxies that are believed when they say for whom they ask.
    pub trusted_proxies: Vec<IpNet>,
    /// Changes a second that one address may ask for.
    pub max_write_rate: usize,
    /// Who is let in.
    pub access: Access,
}

/// Who is let in.
#[derive(Debug, Clone)]
pub enum Access {
    /// Everybody.
    Open,
    /// Who shows a token.
    Tokens {
        /// Their file, which is read again when it was changed.
        file: PathBuf,
        /// What stood in it at the start.
        live: Tokens,
        /// Whether those without one may look.
        anonymous_read: bool,
    },
}

impl Access {
    /// The file of tokens, where they are asked for.
    fn file(&self) -> Option<PathBuf> {
        match self {
            Self::Open => None,
            Self::Tokens { file, .. } => Some(file.clone()),
        }
    }
}

/// Why serving ended before it was told to.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The task that accepts connections is gone.
    #[error("cannot go on accepting connections; start the daemon again")]
    Accepting(#[source] JoinError),
    /// No random bytes for the names of sessions.
    #[error(transparent)]
    Token(#[from] TokenError),
}

/// Serves `listeners` until `shutdown` turns true (or its sender is gone). Then no connection is
/// accepted any more, resting ones are closed, and running requests are answered for up to five
/// seconds.
///
/// # Errors
/// When a listener's task ends by a fault of ours.
pub async fn serve(
    listeners: Vec<TcpListener>,
    registry: Arc<Registry>,
    edge: Edge,
    shutdown: watch::Receiver<bool>,
) -> Result<(), HttpError> {
    let told = Arc::clone(&edge.reload);
    let tokens = edge.access.file();
    let site = Arc::new(Site::new(registry, edge)?);
    let mut accepting = JoinSet::new();
    if site.tls.is_some() {
        accepting.spawn(expiry::watch(Arc::clone(&site), shutdown.clone()));
    }
    if let Some(file) = tokens {
        accepting.spawn(rereading::keep_tokens(
            Arc::clone(&site),
            file,
            shutdown.clone(),
        ));
    }
    accepting.spawn(rereading::reread(Arc::clone(&site), told, shutdown.clone()));
    for listener in listeners {
        accepting.spawn(accept(listener, Arc::clone(&site), shutdown.clone()));
    }
    while let Some(ended) = accepting.join_next().await {
        ended.map_err(HttpError::Accepting)?;
    }
    Ok(())
}

/// Accepts until `stop`, then waits for what still runs.
async fn accept(listener: TcpListener, site: Arc<Site>, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    let mut pause = FIRST_PAUSE;
    loop {
        let accepted = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            Some(ended) = connections.join_next() => {
                note_panic(ended);
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                pause = FIRST_PAUSE;
                let seat = tokio::select! {
                    _ = stop.wait_for(|stop| *stop) => break,
                    seat = site.crowd.seat(peer.ip()) => seat,
                };
                if let Some(seat) = seat {
                    let site = Arc::clone(&site);
                    connections.spawn(converse(stream, peer.ip(), seat, site, stop.clone()));
                }
            }
            Err(error) => {
                site.crowd.note_accept_error();
                note_refused(&error, pause);
                tokio::time::sleep(pause).await;
                pause = LONGEST_PAUSE.min(pause * 2);
            }
        }
    }
    drop(listener);
    let all_answered = async {
        while let Some(ended) = connections.join_next().await {
            note_panic(ended);
        }
    };
    if tokio::time::timeout(STOP_TIME, all_answered).await.is_err() {
        tracing::warn!("some requests were still running after {STOP_TIME:?} and were cut off");
    }
}

/// Serves one connection.
async fn converse(
    stream: TcpStream,
    peer: IpAddr,
    seat: Seat,
    site: Arc<Site>,
    stop: watch::Receiver<bool>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(
            error = &error as &dyn std::error::Error,
            "a connection is gone already"
        );
        return;
    }
    let turn = Arc::new(Turn::default());
    let socket = Socket::new(stream, Arc::clone(&turn));
    let stream = match &site.tls {
        None => Stream::Plain(socket),
        Some(tls) => {
            let opened = tokio::select! {
                opened = tls.open(socket) => opened,
                never = connection::reproach(&seat, &turn, HANDSHAKE_TIME) => match never {},
                _ = connection::until_told(&seat, stop.clone()) => return,
            };
            match opened {
                Opened::Tls(stream) => {
                    seat.arrive();
                    Stream::Tls(stream)
                }
                Opened::Plain(socket) => {
                    turn.cut();
                    return stream::turn_away(socket).await;
                }
                Opened::Nothing => return,
            }
        }
    };
    let peer = Peer::new(peer, stream.scheme());
    let at = (&seat, turn.as_ref());
    let respond = |request| site.respond(&peer, at, request);
    let wire = connection::serve(stream, &turn, &seat, stop, respond).await;
    if wire == Wire::Malformed {
        site.traffic.note_malformed();
    }
}

/// A handler that panicked has ended its own connection and nothing else.
fn note_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "a connection ended by a fault of ours"
        );
    }
}

/// One line for a row of failures; a connection that was given up before we took it is nobody's.
fn note_refused(error: &io::Error, pause: Duration) {
    if pause == FIRST_PAUSE && error.kind() != io::ErrorKind::ConnectionAborted {
        tracing::warn!(
            error = error as &dyn std::error::Error,
            "cannot accept connections; trying again"
        );
    }
}
