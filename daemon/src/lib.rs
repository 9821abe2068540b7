//! The registry of lastbeat as a library: [`Daemon`] is the whole of `lastbeatd` but for its
//! command line, so that tests bind port 0, own the clock and stop it at will.
//!
//! Modules stand in the order in which a newcomer should read them; `docs/architecture.md` has
//! the map and the three paths.

pub mod clock;
pub mod instance;
pub mod state;
pub mod token;

pub mod registry;
pub mod store;

pub mod flush;
mod found;
pub mod http;
pub mod sweep;

pub mod cli;
pub mod config;

use std::future::Future;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot, watch};
use tracing::{info, warn};

use crate::clock::Clock;
use crate::config::Config;
use crate::flush::Flush;
use crate::http::{Access, Edge, HttpError, Theme, ThemeError, Tls, TlsError};
use crate::registry::Registry;
use crate::state::State;
use crate::store::{History, Store, StoreError};
use crate::token::{TokenError, Tokens};

/// Why the daemon ended other than by being asked to.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The database cannot be opened or used any more.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Certificate and key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The operator's style sheet cannot be used.
    #[error(transparent)]
    Theme(#[from] ThemeError),
    /// The edge failed.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The file of tokens cannot be used at the start.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// A part ended that runs as long as the daemon: a fault of ours.
    #[error("the {part} ended by itself; please report it with the lines above")]
    Ended {
        /// Which one.
        part: &'static str,
    },
    /// A thread cannot be started.
    #[error(
        "cannot start the store's thread: {cause}; free some memory or raise the limit on threads"
    )]
    Thread {
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
}

/// A daemon that has opened its database and loaded everything, and does not listen yet.
#[derive(Debug)]
pub struct Daemon {
    config: Config,
    registry: Arc<Registry>,
    store: Store,
    tls: Option<Tls>,
    theme: Option<Theme>,
    reload: Arc<Notify>,
    access: Access,
}

impl Daemon {
    /// Reads tokens, certificate, key and style sheet, where there are some, opens the database and loads it.
    ///
    /// # Errors
    /// [`DaemonError::Token`], [`DaemonError::Tls`], [`DaemonError::Theme`] and
    /// [`DaemonError::Store`] when one of them cannot be used.
    pub fn open(config: Config, clock: Arc<dyn Clock>) -> Result<Self, DaemonError> {
        let access = access(&config)?;
        let tls = config.tls.clone().map(Tls::load).transpose()?;
        let theme = config.theme_css.clone().map(Theme::load).transpose()?;
        let now = clock.now();
        let (store, loaded, opening) = Store::open(&config.db, now.wall, config.rules.ttl)?;
        let state = State::load(loaded, config.rules, config.limits, now);
        let registry = Registry::new(
            state,
            clock,
            History::new(store.path().to_path_buf()),
            config.limits.instances,
            config.storage_wait,
        );
        found::tell(&registry, &opening, &config);
        Ok(Self {
            config,
            registry: Arc::new(registry),
            store,
            tls,
            theme,
            reload: Arc::default(),
            access,
        })
    }

    /// The registry, for tests that look inside.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// What makes the daemon read its files again when it is notified, as SIGHUP does: those
    /// settings that name a file which may change while it serves. Before it serves, one
    /// notification is kept.
    pub fn reload(&self) -> Arc<Notify> {
        Arc::clone(&self.reload)
    }

    /// The absolute path of the database.
    pub fn db(&self) -> &std::path::Path {
        self.store.path()
    }

    /// Serves until `shutdown` ends, then stops cleanly: listeners closed, running requests
    /// answered, everything stored.
    ///
    /// # Errors
    /// [`DaemonError`]; trouble with the disk is no reason to end.
    pub async fn serve(
        self,
        listeners: Vec<TcpListener>,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), DaemonError> {
        let registry = self.registry;
        let (stop_edge, edge_stops) = watch::channel(false);
        let (stop_core, core_stops) = watch::channel(false);
        let mut flush = Flush::new(Arc::clone(&registry), self.store, self.config.flush);
        // The new stretch is stored before time counts (ADR 0004).
        flush.pass()?;
        registry.start_serving();
        let mut stored = start_thread(flush, core_stops.clone())?;
        let mut sweep = tokio::spawn(sweep::run(Arc::clone(&registry), core_stops));
        let edge = Edge {
            allowed_hosts: self.config.allowed_hosts.clone(),
            machine_name: machine_name(),
            max_connections: self.config.max_connections,
            tls: self.tls,
            theme: self.theme,
            reload: self.reload,
            trusted_proxies: self.config.trusted_proxies.clone(),
            max_write_rate: self.config.max_write_rate,
            access: self.access,
        };
        let mut edge = tokio::spawn(http::serve(
            listeners,
            Arc::clone(&registry),
            edge,
            edge_stops,
        ));
        tokio::select! {
            () = shutdown => {}
            ended = &mut stored => return Err(ended_early(ended, "store")),
            _ = &mut sweep => return Err(DaemonError::Ended { part: "sweep" }),
            ended = &mut edge => return match ended {
                Ok(Err(error)) => Err(error.into()),
                _ => Err(DaemonError::Ended { part: "listener" }),
            },
        }
        info!("stopping");
        registry.stop_serving();
        stop_edge.send_replace(true);
        // Whatever became of the edge, everything is stored before its fault is told.
        let edge_ended = edge.await;
        stop_core.send_replace(true);
        let is_stored = match stored.await {
            Ok(result) => result?,
            Err(_gone) => return Err(DaemonError::Ended { part: "store" }),
        };
        sweep.abort();
        if is_stored {
            info!("stopped; everything is stored");
        } else {
            warn!("stopped; the last changes are not stored, see above");
        }
        match edge_ended {
            Ok(result) => Ok(result?),
            Err(_panicked) => Err(DaemonError::Ended { part: "listener" }),
        }
    }
}

/// Opens, loads and serves: the whole daemon, for tests.
///
/// # Errors
/// [`DaemonError`].
pub async fn run(
    config: Config,
    listeners: Vec<TcpListener>,
    clock: Arc<dyn Clock>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), DaemonError> {
    Daemon::open(config, clock)?
        .serve(listeners, shutdown)
        .await
}

/// Who is let in, by the file of tokens where the settings name one.
fn access(config: &Config) -> Result<Access, TokenError> {
    let Some(file) = &config.tokens else {
        return Ok(Access::Open);
    };
    let live = Tokens::read_own(file)?;
    if live.all().is_empty() {
        warn!(
            "nobody is let in: {} holds no token; make one with lastbeatd token add",
            file.display()
        );
    }
    Ok(Access::Tokens {
        file: file.clone(),
        live,
        anonymous_read: config.anonymous_read,
    })
}

/// The machine's own name, by which clients on its network may call it.
fn machine_name() -> Option<String> {
    rustix::system::uname()
        .nodename()
        .to_str()
        .ok()
        .map(str::to_owned)
}

/// The store's thread; its end, also by a panic, ends the receiver.
fn start_thread(
    flush: Flush,
    stop: watch::Receiver<bool>,
) -> Result<oneshot::Receiver<Result<bool, StoreError>>, DaemonError> {
    let runtime = Handle::current();
    let (ended, end) = oneshot::channel();
    let body = move || {
        let result = flush.run(&runtime, stop);
        // Nobody waits for it any more when the daemon has failed elsewhere.
        ended.send(result).unwrap_or(());
    };
    std::thread::Builder::new()
        .name("store".to_owned())
        .spawn(body)
        .map_err(|cause| DaemonError::Thread { cause })?;
    Ok(end)
}

fn ended_early(
    ended: Result<Result<bool, StoreError>, oneshot::error::RecvError>,
    part: &'static str,
) -> DaemonError {
    match ended {
        Ok(Err(error)) => error.into(),
        _ => DaemonError::Ended { part },
    }
}
