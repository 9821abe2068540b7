//! A whole daemon on a port of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use lastbeat_proto::{Span, Timestamp};
use lastbeatd::clock::{Clock, ManualClock};
use lastbeatd::config::{Config, Given};
use lastbeatd::registry::Registry;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, oneshot};

use crate::raw::{Raw, Reply, request};
use crate::world::WALL_START_US;

/// A daemon with a thread of its own; it stops when it is dropped.
pub(crate) struct Daemon {
    pub(crate) addr: SocketAddr,
    pub(crate) registry: Arc<Registry>,
    /// Rung, it makes the daemon read its files again.
    pub(crate) reload: Arc<Notify>,
    clock: Arc<ManualClock>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    _dir: TempDir,
}

impl Daemon {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// A daemon with these settings.
    pub(crate) fn start_with(settings: &[(&'static str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let db = dir.path().join("monitoring.db").display().to_string();
        let given: Given = [("db", db.as_str())]
            .iter()
            .chain(settings)
            .map(|(key, value)| (*key, (format!("--{key}"), vec![(*value).to_owned()])))
            .collect();
        let config = Config::resolve(&[given], None).unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(WALL_START_US)));
        let daemon = lastbeatd::Daemon::open(config, Arc::<ManualClock>::clone(&clock)).unwrap();
        let registry = Arc::clone(daemon.registry());
        let reload = daemon.reload();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let addr = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let serve = async move {
            let listeners = vec![TcpListener::from_std(listener).unwrap()];
            let until_stopped = async { stopped.await.unwrap_or(()) };
            daemon.serve(listeners, until_stopped).await.unwrap();
        };
        let thread = std::thread::spawn(|| runtime().block_on(serve));
        Self {
            addr,
            registry,
            reload,
            clock,
            stop: Some(stop),
            thread: Some(thread),
            _dir: dir,
        }
    }

    /// Where a reader of changes stands now.
    pub(crate) async fn cursor(&self) -> String {
        let list = self.send("GET", "/services", "").await.json();
        list["cursor"].as_str().unwrap().to_owned()
    }

    /// Returns when so many parts sleep: the sweep, the store, and every reader that waits.
    pub(crate) async fn until_sleepers(&self, count: usize) {
        while self.clock.sleepers() < count {
            tokio::task::yield_now().await;
        }
    }

    /// Turns its clock.
    pub(crate) fn advance(&self, span: Span) {
        self.clock.advance(span);
    }

    /// Lets time pass in steps that are no stall, and has what is due acted on after each.
    pub(crate) fn pass(&self, seconds: usize) {
        for _ in 0..4 * seconds {
            self.advance(Span::from_micros(250_000));
            self.registry.figures();
        }
    }

    /// Microseconds that its clock was turned so far.
    pub(crate) fn passed_us(&self) -> i64 {
        self.clock.now().mono.as_micros()
    }

    /// Asks the daemon to stop, and does not wait.
    pub(crate) fn ask_to_stop(&mut self) {
        drop(self.stop.take());
    }

    /// Waits until a daemon that was asked to stop has done so.
    pub(crate) fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }

    /// A new connection.
    pub(crate) async fn connect(&self) -> Raw {
        Raw::open(self.addr).await
    }

    /// One request on a connection of its own, byte for byte.
    pub(crate) async fn ask(&self, bytes: &[u8]) -> Reply {
        self.connect().await.ask(bytes).await
    }

    /// One request of HTTP/1.1.
    pub(crate) async fn send(&self, method: &str, target: &str, body: &str) -> Reply {
        self.ask(&request(method, target, &[], body.as_bytes()))
            .await
    }

    /// Registers, which must succeed.
    pub(crate) async fn register(&self, name: &str, ip: &str) -> Value {
        let body = serde_json::json!({ "name": name, "ip": ip }).to_string();
        let reply = self.send("POST", "/register", &body).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    /// The rows of `GET /services`.
    pub(crate) async fn rows(&self) -> Vec<Value> {
        let list = self.send("GET", "/services", "").await.json();
        list["services"].as_array().unwrap().clone()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.ask_to_stop();
        self.join();
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}
