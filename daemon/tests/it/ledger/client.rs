//! A client that puts load on a daemon, one request after the other, and keeps its ledger.

use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

use super::found::version_of;
use super::{Answer, Identity, Ledger, Line};
use crate::dice::Dice;

/// How many of its names a client keeps deregistered at once: `GET /gone` shows 1,000 in all.
const MOST_GONE: usize = 100;
/// How long a client rests after it was told that the store cannot write.
const REST: Duration = Duration::from_millis(20);

/// What a client asks for.
#[derive(Debug, Clone)]
enum Ask {
    /// Registers, changes, or repeats: whatever the last step of the name is.
    Register(String),
    Beat(String),
    Deregister(String),
}

/// A client with names of its own.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) ledger: Ledger,
    number: usize,
    dice: Dice,
    /// How many names it may have.
    pub(crate) most_names: usize,
    /// How much metadata it sends beside the version.
    pad_bytes: usize,
    names: usize,
    gone: usize,
    next_version: u64,
    /// What was asked and not answered: to be asked again before anything else.
    pending: Option<Ask>,
    line: Option<Line>,
}

impl Client {
    pub(crate) fn new(number: usize, seed: u64, most_names: usize, pad_bytes: usize) -> Self {
        Self {
            ledger: Ledger::default(),
            number,
            dice: Dice::of(seed, number),
            most_names,
            pad_bytes,
            names: 0,
            gone: 0,
            next_version: number as u64 * 10_000_000,
            pending: None,
            line: None,
        }
    }

    /// Asks until the daemon does not answer any more; every success is counted.
    fn work(&mut self, addr: SocketAddr, answered: &AtomicUsize) {
        self.line = None;
        loop {
            let ask = match self.pending.take() {
                Some(ask) => ask,
                None => self.choose(),
            };
            let bytes = self.request(&ask);
            let Some((status, body)) = self.exchange(addr, bytes.as_bytes()) else {
                self.pending = Some(ask);
                return;
            };
            match status {
                200 => {
                    self.note(&ask, &body);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                503 => {
                    self.pending = Some(ask);
                    std::thread::park_timeout(REST);
                }
                _ => panic!("{ask:?} was answered with {status}: {body}"),
            }
        }
    }

    fn name(&self, number: usize) -> String {
        format!("c{}-{number}", self.number)
    }

    fn choose(&mut self) -> Ask {
        let may_be_new = self.names < self.most_names;
        if self.names == 0 || (may_be_new && self.dice.percent(35)) {
            self.names += 1;
            return self.step(self.name(self.names - 1));
        }
        let number = self.dice.below(self.names);
        let name = self.name(number);
        let last = self.ledger.last(&name).unwrap();
        let (stands, version) = (last.stands, last.version);
        if !stands {
            self.gone -= 1;
            return self.step(name);
        }
        match self.dice.below(100) {
            0..45 => self.step(name),
            45..65 => Ask::Beat(name),
            65..90 if self.gone < MOST_GONE => {
                self.gone += 1;
                self.ledger.begin(&name, false, version);
                Ask::Deregister(name)
            }
            // The same again: a heartbeat.
            _ => Ask::Register(name),
        }
    }

    /// A registration that is new or changes something.
    fn step(&mut self, name: String) -> Ask {
        self.next_version += 1;
        self.ledger.begin(&name, true, self.next_version);
        Ask::Register(name)
    }

    fn request(&self, ask: &Ask) -> String {
        match ask {
            Ask::Register(name) => {
                let version = self.ledger.last(name).unwrap().version;
                self.post("/register", &self.registration(name, version))
            }
            Ask::Beat(name) => self.post(&format!("/heartbeat/{name}"), ""),
            Ask::Deregister(name) => self.post(&format!("/deregister/{name}"), ""),
        }
    }

    fn registration(&self, name: &str, version: u64) -> String {
        let mut metadata = format!(r#"{{"v":"{version}""#);
        let mut left = self.pad_bytes;
        while 0 < left {
            let bytes = left.min(200);
            write!(metadata, r#","pad{left}":"{}""#, "x".repeat(bytes)).unwrap();
            left -= bytes;
        }
        format!(r#"{{"name":"{name}","ip":"10.0.0.1","ttl_s":3600,"metadata":{metadata}}}}}"#)
    }

    /// Every other client keeps its connection.
    fn post(&self, path: &str, body: &str) -> String {
        let version = if self.keeps_line() { "1.1" } else { "1.0" };
        let length = body.len();
        format!(
            "POST {path} HTTP/{version}\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    }

    fn keeps_line(&self) -> bool {
        self.number.is_multiple_of(2)
    }

    /// A whole answer, or nothing at all.
    fn exchange(&mut self, addr: SocketAddr, request: &[u8]) -> Option<(u16, Value)> {
        let mut line = match self.line.take() {
            Some(line) => line,
            None => Line::open(addr).ok()?,
        };
        let Answer::Whole { status, body } = line.ask(request) else {
            return None;
        };
        self.line = self.keeps_line().then_some(line);
        Some((status, body))
    }

    fn note(&mut self, ask: &Ask, body: &Value) {
        match ask {
            Ask::Register(name) | Ask::Beat(name) => {
                let row = &body["service"];
                let version = self.ledger.last(name).unwrap().version;
                assert_eq!(version_of(row), Some(version), "{ask:?}: {body}");
                self.ledger.acknowledge(name, Some(Identity::of(row)));
            }
            Ask::Deregister(name) => self.ledger.acknowledge(name, None),
        }
    }
}

/// Clients at work, each on a thread of its own.
#[derive(Debug)]
pub(crate) struct Load {
    threads: Vec<JoinHandle<Client>>,
    answered: std::sync::Arc<AtomicUsize>,
}

impl Load {
    pub(crate) fn begin(clients: Vec<Client>, addr: SocketAddr) -> Self {
        let answered = std::sync::Arc::new(AtomicUsize::new(0));
        let threads = clients
            .into_iter()
            .map(|mut client| {
                let answered = std::sync::Arc::clone(&answered);
                std::thread::spawn(move || {
                    client.work(addr, &answered);
                    client
                })
            })
            .collect();
        Self { threads, answered }
    }

    /// Successes so far.
    pub(crate) fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }

    /// Waits until the daemon answers nobody any more, and gives the clients back.
    pub(crate) fn end(self) -> Vec<Client> {
        self.threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    }
}
